/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container with more tasks than can be placed while the runtime waits: the first ones are
 * placed at once, the others by queued work, never many in one go.
 */

#include "core_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GROUP   "mon_groups/podresctrl-u1"
#define MANY    20000u
#define A_STEP  512u
#define HUGE    70000u
#define CROWD   20u
#define NEVER   1200u /* steps, more than a placement may have */
#define REPLACE 600u  /* tasks, more than a step places */

static struct world *w;
static struct world_container *c1;

static void setup(void)
{
	w = world_new(32, 0);
	world_boot(w);
	run_pod(w, "u1");
}

static void teardown(void)
{
	world_free(w);
}

#define expect(text) ck_assert_str_eq(world_events(w), text)

static size_t placed(void)
{
	return world_count_in(w, c1, GROUP);
}

/* Does all queued work and returns the most writes of one call. */
static unsigned most_writes_of_a_call(void)
{
	unsigned most = 0, calls = 0;
	bool is_more = true;

	while (is_more) {
		unsigned before = w->calls[WORLD_WRITE];

		ck_assert_uint_lt(calls++, 1000);
		is_more = core_next_work_ms(w->core) <= w->now && core_work(w->core, w->now);
		if (w->calls[WORLD_WRITE] - before > most)
			most = w->calls[WORLD_WRITE] - before;
	}
	return most;
}

START_TEST(start_answers_after_the_first_tasks_and_places_the_rest_in_small_steps)
{
	c1 = world_add(w, "c1", MANY);
	expect("u1 Exists 0/0");
	start(w, "u1", "c1");
	ck_assert_uint_ge(placed(), A_STEP);
	ck_assert_uint_le(w->calls[WORLD_WRITE], A_STEP + 8);
	expect("");
	ck_assert_uint_le(most_writes_of_a_call(), A_STEP + 8);
	ck_assert_uint_eq(placed(), MANY);
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(a_snapshot_is_placed_in_the_same_small_steps)
{
	c1 = world_add(w, "c1", MANY);
	synchronize(w, "u1", "u1/c1");
	ck_assert_uint_le(most_writes_of_a_call(), A_STEP + 8);
	ck_assert_uint_eq(placed(), MANY);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(post_start_writes_only_what_is_new_and_not_all_of_it_at_once)
{
	unsigned before;

	c1 = world_add(w, "c1", 5);
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	for (unsigned i = 0; i < MANY; i++)
		(void)world_enter(w, c1);
	before = w->calls[WORLD_WRITE];
	post_start(w, "u1", "c1");
	ck_assert_uint_le(w->calls[WORLD_WRITE] - before, A_STEP + 8);
	ck_assert_uint_le(most_writes_of_a_call(), A_STEP + 8);
	ck_assert_uint_eq(placed(), MANY + 5);
	ck_assert_uint_lt(w->calls[WORLD_WRITE] - before, MANY + 1000);
	expect("");
}
END_TEST

START_TEST(tasks_that_come_between_the_steps_are_placed_too)
{
	c1 = world_add(w, "c1", MANY);
	start(w, "u1", "c1");
	w->grow_on_list = 30;
	for (int i = 0; i < 10; i++) {
		(void)core_work(w->core, w->now);
		(void)world_enter(w, c1);
		world_exit(w, c1, (size_t)i * 7);
	}
	world_run(w);
	ck_assert_uint_eq(placed(), c1->nr);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(a_snapshot_between_the_steps_loses_none_of_them)
{
	c1 = world_add(w, "c1", 5);
	start(w, "u1", "c1");
	for (unsigned i = 0; i < MANY; i++)
		(void)world_enter(w, c1);
	post_start(w, "u1", "c1");
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	ck_assert_uint_eq(placed(), MANY + 5);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(a_container_that_ends_between_the_steps_leaves_no_work)
{
	c1 = world_add(w, "c1", MANY);
	start(w, "u1", "c1");
	(void)core_work(w->core, w->now);
	world_end(w, "c1");
	core_stop_container(w->core, w->now, "c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	core_remove_container(w->core, w->now, "c1");
	expect("u1 Exists 0/0");
	ck_assert(core_next_work_ms(w->core) > w->now);
}
END_TEST

START_TEST(a_group_lost_between_the_steps_begins_all_over)
{
	c1 = world_add(w, "c1", MANY);
	start(w, "u1", "c1");
	(void)core_work(w->core, w->now);
	ck_assert_int_eq(world_rmdir(w, GROUP), 0);
	world_run(w);
	ck_assert_uint_eq(placed(), MANY);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(who_makes_tasks_faster_than_they_are_placed_does_not_keep_us_busy_for_ever)
{
	unsigned steps = 0;

	w->config.tuning.retry_interval_ms = 10000;
	world_boot(w);
	run_pod(w, "u1");
	c1 = world_add(w, "c1", 1200);
	start(w, "u1", "c1");
	while (core_next_work_ms(w->core) <= w->now && core_work(w->core, w->now)) {
		ck_assert_uint_lt(++steps, NEVER);
		for (unsigned i = 0; i < REPLACE; i++)
			world_exit(w, c1, c1->nr - 1);
		for (unsigned i = 0; i < REPLACE; i++)
			(void)world_enter(w, c1);
	}
	expect("u1 Exists 0/0; u1 Exists 0/0; u1 Exists 1/0");
	world_sleep(w, 600000);
	ck_assert_uint_eq(placed(), c1->nr);
	expect("u1 Exists 1/1");
}
END_TEST

/* More than were remembered once: no number of tasks is placed in one go. */
START_TEST(a_container_of_any_size_is_placed_in_small_steps)
{
	c1 = world_add(w, "c1", HUGE);
	start(w, "u1", "c1");
	ck_assert_uint_le(w->calls[WORLD_WRITE], A_STEP + 8);
	ck_assert_uint_le(most_writes_of_a_call(), A_STEP + 8);
	ck_assert_uint_eq(placed(), HUGE);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

/* Each enumeration shows all of them, so one for every step would be dear. */
START_TEST(many_tasks_are_not_looked_for_again_at_every_step)
{
	c1 = world_add(w, "c1", MANY);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	ck_assert_uint_eq(placed(), MANY);
	ck_assert_uint_le(c1->listed, 4);
}
END_TEST

static void make_partial(void)
{
	c1 = world_add(w, "c1", MANY);
	c1->error = EACCES;
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/0");
	c1->error = 0;
}

START_TEST(a_retry_places_in_small_steps_and_reports_when_it_is_complete)
{
	struct core_retry_report report;
	unsigned before, rounds = 0;

	make_partial();
	before = w->calls[WORLD_WRITE];
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), -EINPROGRESS);
	ck_assert_uint_le(w->calls[WORLD_WRITE] - before, A_STEP + 8);
	while (core_retry_pod_result(w->core, "u1", &report) == -EINPROGRESS) {
		before = w->calls[WORLD_WRITE];
		ck_assert_uint_lt(rounds++, 100);
		ck_assert(core_work(w->core, w->now));
		ck_assert_uint_le(w->calls[WORLD_WRITE] - before, A_STEP + 8);
	}
	ck_assert_uint_eq(placed(), MANY);
	ck_assert_uint_eq(report.containers_tried, 1);
	ck_assert_uint_eq(report.containers_reconciled, 1);
	ck_assert_uint_eq(report.errors, 0);
	expect("u1 Exists 1/1");
	ck_assert_int_eq(core_retry_pod_result(w->core, "u1", &report), -ENOKEY);
}
END_TEST

START_TEST(a_retry_of_many_containers_is_not_done_in_one_go)
{
	struct core_retry_report report;
	char id[16];

	for (unsigned i = 0; i < CROWD; i++) {
		(void)snprintf(id, sizeof(id), "many%u", i);
		world_add(w, id, 100)->error = EACCES;
		start(w, "u1", id);
		world_container(w, id)->error = 0;
	}
	w->calls[WORLD_WRITE] = 0;
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), -EINPROGRESS);
	ck_assert_uint_le(w->calls[WORLD_WRITE], A_STEP + 100);
	ck_assert_uint_le(most_writes_of_a_call(), A_STEP + 8);
	ck_assert_int_eq(core_retry_pod_result(w->core, "u1", &report), 0);
	ck_assert_uint_eq(report.containers_tried, CROWD);
	ck_assert_uint_eq(report.containers_reconciled, CROWD);
}
END_TEST

START_TEST(what_fails_on_the_way_is_in_the_report)
{
	struct core_retry_report report;

	make_partial();
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), -EINPROGRESS);
	w->fail[WORLD_WRITE] = EIO;
	world_run(w);
	ck_assert_int_eq(core_retry_pod_result(w->core, "u1", &report), 0);
	ck_assert_uint_eq(report.containers_tried, 1);
	ck_assert_uint_eq(report.containers_reconciled, 0);
	ck_assert_uint_eq(report.errors, 1);
	ck_assert_int_eq(report.first_error.code, -EIO);
	ck_assert_ptr_nonnull(strstr(report.first_error.msg, "tasks"));
}
END_TEST

START_TEST(a_container_that_ends_during_a_retry_does_not_keep_it_from_its_end)
{
	struct core_retry_report report;

	make_partial();
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), -EINPROGRESS);
	world_end(w, "c1");
	core_stop_container(w->core, w->now, "c1");
	ck_assert_int_eq(core_retry_pod_result(w->core, "u1", &report), 0);
	ck_assert_uint_eq(report.containers_tried, 1);
}
END_TEST

START_TEST(a_container_that_is_removed_during_a_retry_was_not_tried)
{
	struct core_retry_report report;

	make_partial();
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), -EINPROGRESS);
	core_remove_container(w->core, w->now, "c1");
	ck_assert_int_eq(core_retry_pod_result(w->core, "u1", &report), 0);
	ck_assert_uint_eq(report.containers_tried, 0);
}
END_TEST

START_TEST(a_pod_that_goes_during_a_retry_has_no_report)
{
	struct core_retry_report report;

	make_partial();
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), -EINPROGRESS);
	remove_pod(w, "u1");
	ck_assert_int_eq(core_retry_pod_result(w->core, "u1", &report), -ENOKEY);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core: placement in steps");
	TCase *tc = tcase_create("steps");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, start_answers_after_the_first_tasks_and_places_the_rest_in_small_steps);
	tcase_add_test(tc, a_snapshot_is_placed_in_the_same_small_steps);
	tcase_add_test(tc, post_start_writes_only_what_is_new_and_not_all_of_it_at_once);
	tcase_add_test(tc, tasks_that_come_between_the_steps_are_placed_too);
	tcase_add_test(tc, a_snapshot_between_the_steps_loses_none_of_them);
	tcase_add_test(tc, a_container_that_ends_between_the_steps_leaves_no_work);
	tcase_add_test(tc, a_group_lost_between_the_steps_begins_all_over);
	tcase_add_test(tc,
		       who_makes_tasks_faster_than_they_are_placed_does_not_keep_us_busy_for_ever);
	tcase_add_test(tc, a_container_of_any_size_is_placed_in_small_steps);
	tcase_add_test(tc, many_tasks_are_not_looked_for_again_at_every_step);
	tcase_add_test(tc, a_retry_places_in_small_steps_and_reports_when_it_is_complete);
	tcase_add_test(tc, a_retry_of_many_containers_is_not_done_in_one_go);
	tcase_add_test(tc, what_fails_on_the_way_is_in_the_report);
	tcase_add_test(tc, a_container_that_ends_during_a_retry_does_not_keep_it_from_its_end);
	tcase_add_test(tc, a_container_that_is_removed_during_a_retry_was_not_tried);
	tcase_add_test(tc, a_pod_that_goes_during_a_retry_has_no_report);
	suite_add_tcase(s, tc);
	return s;
}
