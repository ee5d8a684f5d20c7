/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_pod_that_was_there_before_us_is_told_as_zero_and_then_as_one)
{
	world_add(w, "c1", 5);
	synchronize(w, "u1", "u1/c1");
	expect("");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 5);
}
END_TEST

START_TEST(all_pods_come_before_the_first_container_and_in_order)
{
	world_add(w, "c1", 1);
	world_add(w, "c2", 1);
	world_add(w, "c3", 1);
	synchronize(w, "u3 u1 u2", "u1/c1 u2/c2 u1/c3");
	world_run(w);
	expect("u3 Exists 0/0; u1 Exists 0/0; u2 Exists 0/0; "
	       "u1 Exists 1/1; u2 Exists 1/1; u1 Exists 2/2");
}
END_TEST

START_TEST(pods_without_room_are_failed_with_their_containers_counted)
{
	world_add(w, "c1", 1);
	w->fail[WORLD_MKDIR] = ENOSPC;
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Failed 0/0; u1 Failed 1/0");
}
END_TEST

START_TEST(late_containers_join_their_pod)
{
	world_add(w, "c1", 1);
	world_add(w, "debug", 2);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	start(w, "u1", "debug");
	post_start(w, "u1", "debug");
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Exists 2/2");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 1);
	ck_assert_uint_eq(placed("debug", GROUP("u1")), 2);
}
END_TEST

START_TEST(a_pod_from_before_us_is_removed_like_any_other)
{
	world_add(w, "c1", 1);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	(void)world_events(w);
	remove_pod(w, "u1");
	world_run(w);
	expect("u1 Removed");
	ck_assert(!world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(a_reconnect_that_brings_nothing_new_says_nothing)
{
	int rmid;

	world_add(w, "c1", 2);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	rmid = rs_sim_rmid_of(w->sim, GROUP("u1"));
	(void)world_events(w);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("");
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, GROUP("u1")), rmid);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
}
END_TEST

START_TEST(a_reconnect_tells_what_happened_meanwhile)
{
	world_add(w, "c1", 1);
	world_add(w, "c2", 1);
	world_add(w, "c3", 1);
	synchronize(w, "u1 u2", "u1/c1 u1/c2");
	world_run(w);
	(void)world_events(w);
	world_end(w, "c2");
	synchronize(w, "u1 u3", "u1/c1 u3/c3");
	world_run(w);
	expect("u2 Removed; u1 Exists 1/1; u3 Exists 0/0; u3 Exists 1/1");
	ck_assert(!world_has(w, GROUP("u2")));
}
END_TEST

START_TEST(a_pod_that_vanished_before_its_first_event_is_never_mentioned)
{
	synchronize(w, "u1", "");
	synchronize(w, "", "");
	world_run(w);
	expect("");
}
END_TEST

START_TEST(a_container_created_before_and_started_after_synchronize_is_placed)
{
	synchronize(w, "u1", "u1/c1?");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/0");
	world_add(w, "c1", 4);
	start(w, "u1", "c1");
	expect("u1 Exists 1/1");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 4);
}
END_TEST

START_TEST(a_container_whose_start_was_missed_is_placed_by_the_next_synchronize)
{
	synchronize(w, "u1", "u1/c1?");
	world_run(w);
	world_add(w, "c1", 4);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/0; u1 Exists 1/1");
}
END_TEST

START_TEST(a_container_that_is_no_longer_listed_and_never_had_a_pod_is_forgotten)
{
	struct core_stats stats;

	start(w, "u1", "c1");
	synchronize(w, "", "");
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.containers, 0);
}
END_TEST

START_TEST(a_container_that_runs_after_all_is_placed_by_the_next_synchronize)
{
	struct world_container *c = world_add(w, "c1", 1);

	synchronize(w, "u1", "u1/c1");
	world_run(w);
	core_stop_container(w->core, w->now, "c1");
	(void)world_enter(w, c);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(two_lists_in_a_row_do_not_hide_that_a_container_runs_after_all)
{
	world_add(w, "c1", 1);
	synchronize(w, "u1", "u1/c1!");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	synchronize(w, "u1", "u1/c1");
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 1);
}
END_TEST

/* As above, and the pod has no group to look for it in. */
START_TEST(nor_that_it_has_no_group)
{
	w->config.tuning.audit_interval_ms = 1000;
	world_boot(w);
	world_add(w, "c1", 1);
	synchronize(w, "u1", "u1/c1!");
	world_run(w);
	w->fail[WORLD_MKDIR] = ENOSPC;
	ck_assert_int_eq(world_rmdir(w, GROUP("u1")), 0);
	world_sleep(w, 2000);
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Failed 1/1");
	synchronize(w, "u1", "u1/c1");
	synchronize(w, "u1", "u1/c1");
	world_sleep(w, 2000);
	expect("u1 Failed 1/0");
}
END_TEST

START_TEST(a_container_that_was_put_to_the_wrong_pod_is_moved)
{
	struct core_container c = {.id = "c1", .sandbox_id = "s-u2", .running = true};
	struct core_pod wrong;

	world_add(w, "c1", 2);
	synchronize(w, "u1 u2", "");
	world_run(w);
	world_pod(&wrong, "u1", NULL);
	core_start_container(w->core, w->now, &wrong, &c);
	synchronize(w, "u1 u2", "u2/c1");
	world_run(w);
	expect("u1 Exists 0/0; u2 Exists 0/0; u1 Exists 1/1; u1 Exists 0/0; u2 Exists 1/1");
	ck_assert_uint_eq(placed("c1", GROUP("u2")), 2);
}
END_TEST

START_TEST(a_container_that_has_ended_counts_as_placed_without_a_look)
{
	world_add(w, "c1", 1);
	synchronize(w, "u1", "u1/init! u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Exists 2/2");
}
END_TEST

START_TEST(a_container_of_an_unlisted_pod_waits_for_it)
{
	world_add(w, "c1", 1);
	synchronize(w, "", "u1/c1");
	world_run(w);
	expect("");
	run_pod(w, "u1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(a_container_waiting_for_its_pod_is_taken_in_by_synchronize)
{
	world_add(w, "c1", 1);
	start(w, "u1", "c1");
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(a_run_during_synchronize_is_served_at_once)
{
	synchronize(w, "u1", "");
	run_pod(w, "u2");
	expect("u2 Exists 0/0");
	world_run(w);
	expect("u1 Exists 0/0");
}
END_TEST

START_TEST(a_start_during_synchronize_is_placed_at_once)
{
	struct core_stats stats;

	world_add(w, "c1", 1);
	world_add(w, "c2", 3);
	synchronize(w, "u0 u1", "u1/c1");
	start(w, "u1", "c2");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(placed("c2", GROUP("u1")), 3);
	core_stats(w->core, &stats);
	ck_assert(!stats.synchronized);
	world_run(w);
	expect("u0 Exists 0/0; u1 Exists 2/2");
	core_stats(w->core, &stats);
	ck_assert(stats.synchronized);
}
END_TEST

START_TEST(a_removal_during_synchronize_leaves_nothing)
{
	world_add(w, "c1", 1);
	synchronize(w, "u1", "u1/c1");
	core_remove_container(w->core, w->now, "c1");
	remove_pod(w, "u1");
	world_run(w);
	expect("");
	ck_assert(!world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(what_is_listed_twice_counts_once)
{
	world_add(w, "c1", 1);
	synchronize(w, "u1 u1", "u1/c1 u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(a_sandbox_that_is_no_longer_listed_takes_its_containers_along)
{
	struct core_pod next;
	struct core_container c = {.id = "c2", .sandbox_id = "s2", .running = true};

	world_add(w, "c1", 1);
	world_add(w, "c2", 1);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	world_pod(&next, "u1", "s2");
	core_synchronize(w->core, w->now, &next, 1, &c, 1);
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Exists 0/0; u1 Exists 1/1");
	core_remove_pod(w->core, w->now, &next);
	expect("u1 Removed");
}
END_TEST

enum { MANY_PODS = 500, EACH = 3 };

struct many {
	struct core_pod *pods;
	struct core_container *containers;
	char (*text)[EACH + 2][48];
	size_t nr_pods;
};

static struct many many_new(unsigned nr_pods)
{
	struct core_pod *pods = calloc(nr_pods, sizeof(*pods));
	struct core_container *containers = calloc((size_t)nr_pods * EACH, sizeof(*containers));
	char(*text)[EACH + 2][48] = calloc(nr_pods, sizeof(*text));

	for (unsigned i = 0; i < nr_pods; i++) {
		snprintf(text[i][0], 48, "01234567-89ab-cdef-0123-%012u", i);
		snprintf(text[i][1], 48, "sandbox-of-pod-%u", i);
		pods[i] = (struct core_pod){.uid = text[i][0],
					    .sandbox_id = text[i][1],
					    .namespace_ = "shop",
					    .name = "web"};
		for (unsigned j = 0; j < EACH; j++) {
			snprintf(text[i][2 + j], 48, "container-%u-of-pod-%u", j, i);
			containers[i * EACH + j] = (struct core_container){.id = text[i][2 + j],
									   .sandbox_id = text[i][1],
									   .name = "app",
									   .running = true};
		}
	}
	return (struct many){pods, containers, text, nr_pods};
}

static void many_free(struct many *m)
{
	free(m->pods);
	free(m->containers);
	free(m->text);
}

/* It is taken in steps; the arrays go with the last one. */
static void begin_many(const struct many *m)
{
	core_synchronize_begin(w->core, m->pods, m->nr_pods, m->containers, m->nr_pods * EACH);
}

static void synchronize_many(unsigned nr_pods)
{
	struct many m = many_new(nr_pods);

	core_synchronize(w->core, w->now, m.pods, m.nr_pods, m.containers, m.nr_pods * EACH);
	many_free(&m);
}

/* Nothing of the tree is touched before the runtime has its answer. */
START_TEST(synchronize_itself_touches_no_file)
{
	unsigned long before = w->total_calls;
	struct core_stats stats;

	synchronize_many(MANY_PODS);
	ck_assert_uint_eq(w->total_calls, before);
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.queued, MANY_PODS + MANY_PODS * EACH + 1);
	expect("");
}
END_TEST

static size_t known(void)
{
	struct core_stats stats;

	core_stats(w->core, &stats);
	return stats.pods + stats.containers;
}

static size_t pods_known(void)
{
	struct core_stats stats;

	core_stats(w->core, &stats);
	return stats.pods;
}

/* So that of a long list, too, no step holds anybody up. */
START_TEST(a_step_of_synchronize_takes_a_few_objects)
{
	struct many m = many_new(MANY_PODS);
	size_t before = known();

	begin_many(&m);
	while (core_synchronize_step(w->core, w->now)) {
		ck_assert_uint_le(known(), before + 16);
		before = known();
	}
	ck_assert_uint_eq(before, MANY_PODS + MANY_PODS * EACH);
	/* and back: what is not listed goes in as small steps */
	core_synchronize_begin(w->core, NULL, 0, NULL, 0);
	before = pods_known();
	while (core_synchronize_step(w->core, w->now)) {
		ck_assert_uint_ge(pods_known() + 16, before);
		before = pods_known();
	}
	ck_assert_uint_eq(known(), 0);
	many_free(&m);
}
END_TEST

START_TEST(no_work_is_done_before_all_of_synchronize_is_taken)
{
	struct many m = many_new(MANY_PODS);
	struct core_stats stats;
	unsigned long calls;

	synchronize(w, "u1", "");
	world_run(w);
	expect("u1 Exists 0/0");
	calls = w->total_calls;
	begin_many(&m);
	do {
		ck_assert_uint_eq(core_next_work_ms(w->core), UINT64_MAX);
		ck_assert(!core_work(w->core, w->now));
	} while (core_synchronize_step(w->core, w->now));
	ck_assert_uint_eq(w->total_calls, calls);
	expect("u1 Removed");
	ck_assert_uint_eq(core_next_work_ms(w->core), 0);
	core_stats(w->core, &stats);
	ck_assert(!stats.synchronized);
	many_free(&m);
}
END_TEST

/* Whatever is not told yet may well be listed further down. */
START_TEST(half_a_synchronize_removes_nothing)
{
	struct many m = many_new(MANY_PODS);

	world_add(w, "c1", 1);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	begin_many(&m);
	ck_assert(core_synchronize_step(w->core, w->now));
	core_synchronize_abandon(w->core);
	ck_assert(!core_synchronize_step(w->core, w->now));
	many_free(&m);
	ck_assert_uint_gt(pods_known(), 1);
	ck_assert(world_has(w, GROUP("u1")));
	/* the next one is complete, and the pods of the one before are not in it */
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("");
	ck_assert_uint_eq(pods_known(), 1);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 1);
}
END_TEST

START_TEST(a_synchronize_that_begins_anew_is_the_one_that_counts)
{
	struct many m = many_new(MANY_PODS);

	begin_many(&m);
	ck_assert(core_synchronize_step(w->core, w->now));
	synchronize(w, "u1", "");
	many_free(&m);
	world_run(w);
	expect("u1 Exists 0/0");
	ck_assert_uint_eq(known(), 1);
}
END_TEST

static unsigned long most_calls;

/* A step is one group or one container, however much is queued. */
START_TEST(a_step_of_work_is_small)
{
	unsigned steps = 0;

	for (int i = 0; i < 20; i++) {
		char path[64];

		snprintf(path, sizeof(path), GROUP("stale%d"), i);
		ck_assert_int_eq(world_mkdir(w, path), 0);
	}
	synchronize_many(MANY_PODS);
	w->keep_log = false;
	for (;;) {
		unsigned long before = w->total_calls;

		if (!core_work(w->core, w->now))
			break;
		steps++;
		if (w->total_calls - before > most_calls)
			most_calls = w->total_calls - before;
	}
	ck_assert_uint_ge(steps, MANY_PODS + MANY_PODS * EACH + 20);
	ck_assert_msg(most_calls <= 24, "a step made %lu calls", most_calls);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core sync");
	TCase *tc = tcase_create("sync");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_pod_that_was_there_before_us_is_told_as_zero_and_then_as_one);
	tcase_add_test(tc, all_pods_come_before_the_first_container_and_in_order);
	tcase_add_test(tc, pods_without_room_are_failed_with_their_containers_counted);
	tcase_add_test(tc, late_containers_join_their_pod);
	tcase_add_test(tc, a_pod_from_before_us_is_removed_like_any_other);
	tcase_add_test(tc, a_reconnect_that_brings_nothing_new_says_nothing);
	tcase_add_test(tc, a_reconnect_tells_what_happened_meanwhile);
	tcase_add_test(tc, a_pod_that_vanished_before_its_first_event_is_never_mentioned);
	tcase_add_test(tc, a_container_created_before_and_started_after_synchronize_is_placed);
	tcase_add_test(tc, a_container_whose_start_was_missed_is_placed_by_the_next_synchronize);
	tcase_add_test(tc, a_container_that_is_no_longer_listed_and_never_had_a_pod_is_forgotten);
	tcase_add_test(tc, a_container_that_runs_after_all_is_placed_by_the_next_synchronize);
	tcase_add_test(tc, two_lists_in_a_row_do_not_hide_that_a_container_runs_after_all);
	tcase_add_test(tc, nor_that_it_has_no_group);
	tcase_add_test(tc, a_container_that_was_put_to_the_wrong_pod_is_moved);
	tcase_add_test(tc, a_container_that_has_ended_counts_as_placed_without_a_look);
	tcase_add_test(tc, a_container_of_an_unlisted_pod_waits_for_it);
	tcase_add_test(tc, a_container_waiting_for_its_pod_is_taken_in_by_synchronize);
	tcase_add_test(tc, a_run_during_synchronize_is_served_at_once);
	tcase_add_test(tc, a_start_during_synchronize_is_placed_at_once);
	tcase_add_test(tc, a_removal_during_synchronize_leaves_nothing);
	tcase_add_test(tc, what_is_listed_twice_counts_once);
	tcase_add_test(tc, a_sandbox_that_is_no_longer_listed_takes_its_containers_along);
	tcase_add_test(tc, synchronize_itself_touches_no_file);
	tcase_add_test(tc, a_step_of_work_is_small);
	tcase_add_test(tc, a_step_of_synchronize_takes_a_few_objects);
	tcase_add_test(tc, no_work_is_done_before_all_of_synchronize_is_taken);
	tcase_add_test(tc, half_a_synchronize_removes_nothing);
	tcase_add_test(tc, a_synchronize_that_begins_anew_is_the_one_that_counts);
	suite_add_tcase(s, tc);
	return s;
}
