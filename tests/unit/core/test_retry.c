/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void timers(uint64_t interval_ms)
{
	w->config.tuning.retry_interval_ms = interval_ms;
	world_boot(w);
}

static int retry_group(const char *uid)
{
	struct err e = {0};

	return core_retry_group_creation(w->core, w->now, uid, &e);
}

static enum core_container_state retry_container(const char *id)
{
	enum core_container_state state = CORE_CONTAINER_NO_POD;

	ck_assert_int_eq(core_retry_container_reconcile(w->core, w->now, id, &state, NULL), 0);
	return state;
}

START_TEST(room_found_by_request_is_told_once)
{
	world_add(w, "c1", 3);
	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	expect("u1 Failed 0/0");
	start(w, "u1", "c1");
	expect("u1 Failed 1/0");
	ck_assert_int_eq(retry_group("u1"), -ENOSPC);
	expect("");
	w->fail[WORLD_MKDIR] = 0;
	ck_assert_int_eq(retry_group("u1"), 0);
	expect("u1 Exists 1/0");
	world_run(w);
	expect("");
	ck_assert_int_eq(retry_container("c1"), CORE_CONTAINER_RECONCILED);
	expect("u1 Exists 1/1");
	ck_assert_uint_eq(world_count_in(w, world_container(w, "c1"), GROUP("u1")), 3);
	ck_assert_int_eq(retry_container("c1"), CORE_CONTAINER_RECONCILED);
	ck_assert_int_eq(retry_group("u1"), 0);
	expect("");
}
END_TEST

START_TEST(a_group_that_exists_is_not_made_again)
{
	run_pod(w, "u1");
	ck_assert_int_eq(retry_group("u1"), 0);
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], 1);
}
END_TEST

START_TEST(what_is_not_known_cannot_be_retried)
{
	enum core_container_state state;
	struct core_retry_report report;

	ck_assert_int_eq(retry_group("u1"), -ENOKEY);
	ck_assert_int_eq(retry_group(NULL), -ENOKEY);
	ck_assert_int_eq(core_retry_container_reconcile(w->core, 0, "c1", &state, NULL), -ENOKEY);
	ck_assert_int_eq(core_retry_pod(w->core, 0, "u1", &report, NULL), -ENOKEY);
}
END_TEST

START_TEST(a_container_without_pod_answers_that_it_has_none)
{
	world_add(w, "c1", 1);
	start(w, "u1", "c1");
	ck_assert_int_eq(retry_container("c1"), CORE_CONTAINER_NO_POD);
	expect("");
}
END_TEST

START_TEST(a_container_of_a_failed_pod_is_not_tried)
{
	struct world_container *c = world_add(w, "c1", 1);

	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	ck_assert_int_eq(retry_container("c1"), CORE_CONTAINER_PARTIAL);
	ck_assert_uint_eq(c->listed, 0);
}
END_TEST

START_TEST(an_attempt_that_breaks_off_is_an_error)
{
	enum core_container_state state;
	struct world_container *c = world_add(w, "c1", 1);
	struct err e = {0};

	c->error = EACCES;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	ck_assert_int_eq(core_retry_container_reconcile(w->core, w->now, "c1", &state, &e),
			 -EACCES);
	ck_assert_ptr_nonnull(strstr(e.msg, "c1"));
	expect("");
}
END_TEST

/* Draining RMIDs are lack of room too, and not a reason to break off. */
START_TEST(a_pass_ends_group_attempts_at_the_first_lack_of_room)
{
	static const int lacks[] = {ENOSPC, EBUSY};
	struct core_retry_report report;
	struct world_container *c = world_add(w, "c1", 1);
	unsigned mkdirs;

	rs_sim_exit(w->sim, c->tid[0]);
	run_pod(w, "good");
	start(w, "good", "c1");
	c->nr = 0;
	(void)world_enter(w, c);
	w->fail[WORLD_MKDIR] = lacks[_i];
	run_pod(w, "full1");
	run_pod(w, "full2");
	(void)world_events(w);
	mkdirs = w->calls[WORLD_MKDIR];
	core_retry_all_once(w->core, w->now, &report);
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], mkdirs + 1);
	ck_assert(report.stopped_on_capacity);
	ck_assert_uint_eq(report.groups_tried, 1);
	ck_assert_uint_eq(report.groups_created, 0);
	ck_assert_uint_eq(report.containers_tried, 1);
	ck_assert_uint_eq(report.containers_reconciled, 1);
	ck_assert_uint_eq(report.errors, 1);
	ck_assert_int_eq(report.first_error.code, -lacks[_i]);
	expect("good Exists 1/1");
}
END_TEST

START_TEST(a_pass_goes_on_past_a_container_that_cannot_be_placed)
{
	struct core_retry_report report;
	struct world_container *bad = world_add(w, "bad", 1);
	struct world_container *good;

	bad->error = EACCES;
	run_pod(w, "u1");
	start(w, "u1", "bad");
	good = world_add(w, "good", 1);
	good->error = EACCES;
	start(w, "u1", "good");
	good->error = 0;
	(void)world_events(w);
	core_retry_all_once(w->core, w->now, &report);
	ck_assert_uint_eq(report.containers_tried, 2);
	ck_assert_uint_eq(report.containers_reconciled, 1);
	ck_assert_uint_eq(report.errors, 1);
	expect("u1 Exists 2/1");
}
END_TEST

START_TEST(a_pass_goes_on_past_a_group_that_fails_for_a_reason_of_its_own)
{
	struct core_retry_report report;

	w->fail[WORLD_MKDIR] = EACCES;
	run_pod(w, "u1");
	run_pod(w, "u2");
	w->fail[WORLD_MKDIR] = 0;
	w->fail_errno = EACCES;
	w->fail_at = w->total_calls + 1;
	(void)world_events(w);
	core_retry_all_once(w->core, w->now, &report);
	ck_assert(!report.stopped_on_capacity);
	ck_assert_uint_eq(report.groups_tried, 2);
	ck_assert_uint_eq(report.groups_created, 1);
	expect("u2 Exists 0/0");
}
END_TEST

START_TEST(a_container_whose_group_is_made_in_a_pass_is_placed_in_that_pass)
{
	struct core_retry_report report;

	world_add(w, "c1", 1);
	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	w->fail[WORLD_MKDIR] = 0;
	core_retry_all_once(w->core, w->now, &report);
	expect("u1 Exists 1/0; u1 Exists 1/1");
	ck_assert_uint_eq(report.groups_created, 1);
	ck_assert_uint_eq(report.containers_reconciled, 1);
	ck_assert_uint_eq(report.errors, 0);
}
END_TEST

START_TEST(one_freed_group_goes_to_the_pod_that_waited_longest)
{
	struct core_retry_report report;
	char path[64];

	for (int i = 0; i < 31; i++) {
		snprintf(path, sizeof(path), "mon_groups/other%d", i);
		ck_assert_int_eq(world_mkdir(w, path), 0);
	}
	run_pod(w, "zz");
	run_pod(w, "aa");
	run_pod(w, "mm");
	expect("zz Failed 0/0; aa Failed 0/0; mm Failed 0/0");
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "mon_groups/other%d", i);
		ck_assert_int_eq(world_rmdir(w, path), 0);
		core_retry_all_once(w->core, w->now, &report);
	}
	expect("zz Exists 0/0; aa Exists 0/0; mm Exists 0/0");
}
END_TEST

START_TEST(a_request_for_a_pod_makes_its_group_and_places_its_containers)
{
	struct core_retry_report report;

	world_add(w, "c1", 2);
	world_add(w, "c2", 2);
	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	(void)world_events(w);
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), 0);
	ck_assert_uint_eq(report.groups_tried, 1);
	ck_assert_uint_eq(report.errors, 1);
	ck_assert(report.stopped_on_capacity);
	expect("");
	w->fail[WORLD_MKDIR] = 0;
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), 0);
	ck_assert_uint_eq(report.containers_reconciled, 2);
	expect("u1 Exists 2/0; u1 Exists 2/1; u1 Exists 2/2");
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), 0);
	ck_assert_uint_eq(report.groups_tried + report.containers_tried, 0);
	expect("");
}
END_TEST

START_TEST(without_timers_nothing_is_tried_by_itself)
{
	unsigned mkdirs;

	world_add(w, "c1", 1);
	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	run_pod(w, "u2");
	remove_pod(w, "u2");
	mkdirs = w->calls[WORLD_MKDIR];
	world_sleep(w, 3600000);
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], mkdirs);
	ck_assert_uint_eq(core_next_work_ms(w->core), UINT64_MAX);
}
END_TEST

START_TEST(the_timer_backs_off_with_jitter)
{
	uint64_t previous = 0, gap;

	timers(10000);
	w->config.tuning.retry_backoff_max_ms = 80000;
	world_boot(w);
	w->fail[WORLD_MKDIR] = EACCES;
	run_pod(w, "u1");
	for (uint64_t want = 10000; want <= 160000; want *= 2) {
		uint64_t base = want < 80000 ? want : 80000;

		gap = core_next_work_ms(w->core) - previous;
		ck_assert_uint_ge(gap, base * 3 / 4);
		ck_assert_uint_le(gap, base * 5 / 4);
		previous = core_next_work_ms(w->core);
		w->now = previous;
		world_run(w);
	}
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], 6);
	expect("u1 Failed 0/0");
}
END_TEST

START_TEST(the_timer_makes_the_group_and_places_the_containers)
{
	timers(10000);
	world_add(w, "c1", 2);
	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	w->fail[WORLD_MKDIR] = 0;
	world_sleep(w, 13000);
	expect("u1 Exists 1/0; u1 Exists 1/1");
}
END_TEST

START_TEST(what_the_timer_tried_is_counted_by_its_outcome)
{
	struct core_stats s;

	timers(10000);
	w->fail[WORLD_MKDIR] = EROFS;
	run_pod(w, "u1");
	world_sleep(w, 13000);
	core_stats(w->core, &s);
	ck_assert_uint_eq(s.timer_retries_bad, 1);
	ck_assert_uint_eq(s.timer_retries_good, 0);
	ck_assert_uint_eq(s.pods_existing, 0);
	w->fail[WORLD_MKDIR] = 0;
	ck_assert_int_eq(retry_group("u1"), 0);
	world_sleep(w, 60000);
	core_stats(w->core, &s);
	ck_assert_uint_eq(s.timer_retries_bad, 1);
	ck_assert_uint_eq(s.pods_existing, 1);
}
END_TEST

START_TEST(draining_rmids_are_asked_for_again_within_seconds)
{
	struct world *drained = world_new(2, 3000);

	world_free(w);
	w = drained;
	timers(60000);
	run_pod(w, "u1");
	remove_pod(w, "u1");
	world_run(w);
	run_pod(w, "u2");
	expect("u1 Exists 0/0; u1 Removed; u2 Failed 0/0");
	world_sleep(w, 8000);
	expect("u2 Exists 0/0");
}
END_TEST

START_TEST(a_group_that_goes_ends_a_long_back_off_even_while_it_drains)
{
	struct world *drained = world_new(2, 3000);

	world_free(w);
	w = drained;
	timers(60000);
	run_pod(w, "u1");
	run_pod(w, "u2");
	world_sleep(w, 3600000);
	remove_pod(w, "u1");
	world_sleep(w, 8000);
	expect("u1 Exists 0/0; u2 Failed 0/0; u1 Removed; u2 Exists 0/0");
}
END_TEST

START_TEST(a_group_of_ours_that_goes_makes_room_at_once)
{
	struct world *small = world_new(3, 0);

	world_free(w);
	w = small;
	timers(10000);
	run_pod(w, "u1");
	run_pod(w, "u2");
	run_pod(w, "u3");
	run_pod(w, "u4");
	expect("u1 Exists 0/0; u2 Exists 0/0; u3 Failed 0/0; u4 Failed 0/0");
	remove_pod(w, "u1");
	world_run(w);
	expect("u1 Removed; u3 Exists 0/0");
	remove_pod(w, "u2");
	world_run(w);
	expect("u2 Removed; u4 Exists 0/0");
}
END_TEST

START_TEST(several_groups_that_go_serve_as_many_pods)
{
	struct world *small = world_new(4, 0);

	world_free(w);
	w = small;
	timers(10000);
	synchronize(w, "u1 u2 u3 u4 u5", "");
	world_run(w);
	(void)world_events(w);
	synchronize(w, "u3 u4 u5", "");
	world_run(w);
	expect("u1 Removed; u2 Removed; u4 Exists 0/0; u5 Exists 0/0");
}
END_TEST

START_TEST(a_newcomer_does_not_overtake_by_its_shorter_timer)
{
	char path[64];

	timers(10000);
	for (int i = 0; i < 31; i++) {
		snprintf(path, sizeof(path), "mon_groups/other%d", i);
		ck_assert_int_eq(world_mkdir(w, path), 0);
	}
	run_pod(w, "old");
	world_sleep(w, 600000);
	run_pod(w, "new");
	ck_assert_int_eq(world_rmdir(w, "mon_groups/other0"), 0);
	world_sleep(w, 13000);
	expect("old Failed 0/0; new Failed 0/0; old Exists 0/0");
}
END_TEST

START_TEST(a_container_that_cannot_be_placed_is_tried_again_with_back_off)
{
	struct world_container *c = world_add(w, "c1", 1);

	timers(10000);
	c->error = ENOENT;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	ck_assert_uint_eq(c->listed, 1);
	world_sleep(w, 60000);
	ck_assert_uint_ge(c->listed, 5);
	ck_assert_uint_le(c->listed, 9);
	expect("u1 Exists 0/0; u1 Exists 1/0");
	c->error = 0;
	world_sleep(w, 60000);
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(a_stopped_container_is_not_looked_at_again)
{
	struct world_container *c = world_add(w, "c1", 1);
	unsigned listed;

	timers(10000);
	w->config.tuning.audit_interval_ms = 30000;
	world_boot(w);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	core_stop_container(w->core, w->now, "c1");
	listed = c->listed;
	world_sleep(w, 600000);
	ck_assert_uint_eq(c->listed, listed);
}
END_TEST

START_TEST(a_container_that_ended_unplaced_does_not_hold_its_pod_back_for_ever)
{
	struct world_container *c = world_add(w, "c1", 1);
	unsigned listed;

	timers(10000);
	c->error = EACCES;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	listed = c->listed;
	core_stop_container(w->core, w->now, "c1");
	expect("u1 Exists 0/0; u1 Exists 1/0");
	world_sleep(w, 10000);
	expect("u1 Exists 1/1");
	ck_assert_uint_eq(c->listed, listed);
}
END_TEST

START_TEST(a_group_that_does_not_go_is_tried_again_with_back_off)
{
	struct core_stats stats;

	timers(10000);
	run_pod(w, "u1");
	w->fail[WORLD_RMDIR] = EBUSY;
	remove_pod(w, "u1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Removed");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_DELETE_FAILED), 1);
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.tombstones, 1);
	world_sleep(w, 10000);
	ck_assert_uint_ge(w->calls[WORLD_RMDIR], 3);
	ck_assert_uint_le(w->calls[WORLD_RMDIR], 6);
	w->fail[WORLD_RMDIR] = 0;
	world_sleep(w, 20000);
	ck_assert(!world_has(w, GROUP("u1")));
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.tombstones, 0);
	expect("");
}
END_TEST

START_TEST(without_timers_a_pass_still_removes_what_did_not_go)
{
	struct core_retry_report report;

	run_pod(w, "u1");
	w->fail[WORLD_RMDIR] = EBUSY;
	remove_pod(w, "u1");
	world_sleep(w, 3600000);
	ck_assert_uint_eq(w->calls[WORLD_RMDIR], 1);
	w->fail[WORLD_RMDIR] = 0;
	core_retry_all_once(w->core, w->now, &report);
	ck_assert(!world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(a_dead_group_makes_room_for_a_new_one)
{
	struct world *small = world_new(2, 0);

	world_free(w);
	w = small;
	world_boot(w);
	run_pod(w, "u1");
	w->fail[WORLD_RMDIR] = EBUSY;
	remove_pod(w, "u1");
	world_run(w);
	w->fail[WORLD_RMDIR] = 0;
	run_pod(w, "u2");
	expect("u1 Exists 0/0; u1 Removed; u2 Exists 0/0");
	ck_assert(!world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(a_pod_that_returns_takes_over_its_dead_group)
{
	timers(10000);
	run_pod(w, "u1");
	w->fail[WORLD_RMDIR] = EBUSY;
	remove_pod(w, "u1");
	world_run(w);
	run_pod(w, "u1");
	w->fail[WORLD_RMDIR] = 0;
	world_sleep(w, 600000);
	ck_assert(world_has(w, GROUP("u1")));
	expect("u1 Exists 0/0; u1 Removed; u1 Exists 0/0");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core retry");
	TCase *tc = tcase_create("retry");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, room_found_by_request_is_told_once);
	tcase_add_test(tc, a_group_that_exists_is_not_made_again);
	tcase_add_test(tc, what_is_not_known_cannot_be_retried);
	tcase_add_test(tc, a_container_without_pod_answers_that_it_has_none);
	tcase_add_test(tc, a_container_of_a_failed_pod_is_not_tried);
	tcase_add_test(tc, an_attempt_that_breaks_off_is_an_error);
	tcase_add_loop_test(tc, a_pass_ends_group_attempts_at_the_first_lack_of_room, 0, 2);
	tcase_add_test(tc, a_pass_goes_on_past_a_container_that_cannot_be_placed);
	tcase_add_test(tc, a_pass_goes_on_past_a_group_that_fails_for_a_reason_of_its_own);
	tcase_add_test(tc, a_container_whose_group_is_made_in_a_pass_is_placed_in_that_pass);
	tcase_add_test(tc, one_freed_group_goes_to_the_pod_that_waited_longest);
	tcase_add_test(tc, a_request_for_a_pod_makes_its_group_and_places_its_containers);
	tcase_add_test(tc, without_timers_nothing_is_tried_by_itself);
	tcase_add_test(tc, the_timer_backs_off_with_jitter);
	tcase_add_test(tc, the_timer_makes_the_group_and_places_the_containers);
	tcase_add_test(tc, what_the_timer_tried_is_counted_by_its_outcome);
	tcase_add_test(tc, draining_rmids_are_asked_for_again_within_seconds);
	tcase_add_test(tc, a_group_that_goes_ends_a_long_back_off_even_while_it_drains);
	tcase_add_test(tc, a_group_of_ours_that_goes_makes_room_at_once);
	tcase_add_test(tc, several_groups_that_go_serve_as_many_pods);
	tcase_add_test(tc, a_newcomer_does_not_overtake_by_its_shorter_timer);
	tcase_add_test(tc, a_container_that_cannot_be_placed_is_tried_again_with_back_off);
	tcase_add_test(tc, a_stopped_container_is_not_looked_at_again);
	tcase_add_test(tc, a_container_that_ended_unplaced_does_not_hold_its_pod_back_for_ever);
	tcase_add_test(tc, a_group_that_does_not_go_is_tried_again_with_back_off);
	tcase_add_test(tc, without_timers_a_pass_still_removes_what_did_not_go);
	tcase_add_test(tc, a_dead_group_makes_room_for_a_new_one);
	tcase_add_test(tc, a_pod_that_returns_takes_over_its_dead_group);
	suite_add_tcase(s, tc);
	return s;
}
