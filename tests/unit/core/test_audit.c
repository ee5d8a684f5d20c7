/* SPDX-License-Identifier: Apache-2.0 */
#include "core_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GROUP(uid)  "mon_groups/podresctrl-" uid
#define INTERVAL_MS 30000
#define FULL_ROUND  (8 * INTERVAL_MS) /* within this every task is written again */

static struct world *w;

static void setup(void)
{
	w = world_new(64, 0);
	w->config.tuning.audit_interval_ms = INTERVAL_MS;
	world_boot(w);
}

static void teardown(void)
{
	world_free(w);
}

#define expect(text) ck_assert_str_eq(world_events(w), text)

static struct world_container *placed_container(size_t nr_threads)
{
	struct world_container *c = world_add(w, "c1", nr_threads);

	run_pod(w, "u1");
	start(w, "u1", "c1");
	post_start(w, "u1", "c1");
	(void)world_events(w);
	return c;
}

static size_t outside(const struct world_container *c)
{
	return c->nr - world_count_in(w, c, GROUP("u1"));
}

static uint64_t writes(void)
{
	struct rs_sim_usage usage;

	rs_sim_usage(w->sim, &usage);
	return usage.writes;
}

START_TEST(each_visit_is_counted)
{
	struct core_stats s;

	(void)placed_container(2);
	world_sleep(w, 3 * INTERVAL_MS);
	core_stats(w->core, &s);
	ck_assert_uint_ge(s.pod_audits, 2);
	ck_assert_uint_le(s.pod_audits, 4);
	ck_assert_uint_ge(s.container_audits, 2);
	ck_assert_uint_le(s.container_audits, 4);
	ck_assert_uint_eq(s.containers_reconciled, 1);
	ck_assert_uint_eq(s.containers_no_pod, 0);
}
END_TEST

START_TEST(a_task_that_came_by_exec_is_placed_within_one_interval_and_without_an_event)
{
	struct world_container *c = placed_container(2);

	(void)world_enter(w, c);
	ck_assert_uint_eq(outside(c), 1);
	world_sleep(w, INTERVAL_MS);
	ck_assert_uint_eq(outside(c), 0);
	expect("");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_AUDIT_MOVED), 1);
}
END_TEST

START_TEST(an_audit_writes_only_what_is_new)
{
	struct world_container *c = placed_container(50);
	uint64_t before = writes();

	world_sleep(w, INTERVAL_MS);
	ck_assert_uint_eq(writes(), before);
	(void)world_enter(w, c);
	(void)world_enter(w, c);
	world_sleep(w, INTERVAL_MS);
	ck_assert_uint_le(writes(), before + 2);
	ck_assert_uint_eq(outside(c), 0);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_AUDIT_MOVED), 1);
}
END_TEST

START_TEST(an_audit_of_an_unchanged_container_is_one_enumeration)
{
	struct world_container *c = placed_container(5);
	unsigned listed = c->listed;

	world_sleep(w, INTERVAL_MS);
	ck_assert_uint_eq(c->listed, listed + 1);
}
END_TEST

START_TEST(a_number_that_was_used_again_outside_is_found_by_the_full_round)
{
	struct world_container *c = placed_container(3);
	pid_t tid = c->tid[1];

	rs_sim_exit(w->sim, tid);
	ck_assert_int_eq(rs_sim_fork(w->sim, 1, tid), 0);
	ck_assert_uint_eq(outside(c), 1);
	world_sleep(w, FULL_ROUND + INTERVAL_MS);
	ck_assert_uint_eq(outside(c), 0);
}
END_TEST

START_TEST(tasks_that_someone_moved_away_are_brought_back_by_the_full_round)
{
	struct world_container *c = placed_container(3);

	world_move(w, c, "");
	ck_assert_uint_eq(outside(c), 3);
	world_sleep(w, FULL_ROUND + INTERVAL_MS);
	ck_assert_uint_eq(outside(c), 0);
	expect("");
}
END_TEST

START_TEST(an_audit_that_cannot_place_a_task_is_told)
{
	struct core_pod_view view;
	struct world_container *c = placed_container(2);

	(void)world_enter(w, c);
	w->fail[WORLD_WRITE] = EACCES;
	w->fail[WORLD_OPEN] = EACCES;
	world_sleep(w, INTERVAL_MS);
	expect("u1 Exists 1/0");
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.containers[0].reason, "NoPermission");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_CONTAINER_PARTIAL), 1);
}
END_TEST

START_TEST(a_container_that_cannot_be_read_for_once_stays_placed)
{
	struct world_container *c = placed_container(2);

	c->error = EIO;
	world_sleep(w, INTERVAL_MS);
	c->error = ENOENT;
	world_sleep(w, INTERVAL_MS);
	expect("");
	c->error = 0;
	(void)world_enter(w, c);
	world_sleep(w, INTERVAL_MS);
	ck_assert_uint_eq(outside(c), 0);
}
END_TEST

START_TEST(no_audit_when_it_is_off)
{
	struct world_container *c;
	unsigned listed;

	w->config.tuning.audit_interval_ms = 0;
	world_boot(w);
	c = placed_container(2);
	listed = c->listed;
	world_sleep(w, 10 * INTERVAL_MS);
	ck_assert_uint_eq(c->listed, listed);
	ck_assert_uint_eq(core_next_work_ms(w->core), UINT64_MAX);
}
END_TEST

enum { MANY = 40 };

static void add_many(void)
{
	char uid[16], id[16];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(uid, sizeof(uid), "u%u", i);
		snprintf(id, sizeof(id), "c%u", i);
		world_add(w, id, 1);
		run_pod(w, uid);
		start(w, uid, id);
	}
	(void)world_events(w);
}

static unsigned listed_in_all(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->nr_containers; i++)
		n += w->containers[i]->in_use ? w->containers[i]->listed : 0;
	return n;
}

START_TEST(audits_are_spread_over_the_interval)
{
	unsigned before, last, most = 0;

	add_many();
	before = last = listed_in_all();
	for (int tenth = 0; tenth < 10; tenth++) {
		unsigned now;

		world_sleep(w, INTERVAL_MS / 10);
		now = listed_in_all();
		if (now - last > most)
			most = now - last;
		last = now;
	}
	ck_assert_uint_ge(last - before, MANY - 1);
	ck_assert_uint_le(last - before, MANY + 1);
	ck_assert_uint_le(most, MANY / 10 + 2);
}
END_TEST

/* An idle node: a wake-up costs more than the visit it is for, so visits share them. */
START_TEST(the_visits_of_a_moment_share_a_wake_up)
{
	unsigned wakes = 0;
	uint64_t end;
	char id[16];

	add_many();
	for (unsigned i = 0; i < 10 * MANY; i++) {
		snprintf(id, sizeof(id), "d%u", i);
		world_add(w, id, 1);
		start(w, "u1", id);
	}
	world_sleep(w, INTERVAL_MS);
	end = w->now + INTERVAL_MS;
	for (; w->now < end; wakes++) {
		ck_assert_uint_gt(core_next_work_ms(w->core), w->now);
		w->now = core_next_work_ms(w->core);
		world_run(w);
	}
	ck_assert_uint_le(wakes, 30);
}
END_TEST

START_TEST(each_is_audited_once_an_interval)
{
	unsigned before[MANY * 2 + 32];

	add_many();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < w->nr_containers; i++)
			before[i] = w->containers[i]->listed;
		world_sleep(w, INTERVAL_MS);
		for (size_t i = 0; i < w->nr_containers; i++) {
			if (w->containers[i]->in_use)
				ck_assert_uint_ge(w->containers[i]->listed, before[i] + 1);
		}
	}
}
END_TEST

START_TEST(a_long_pause_is_not_made_up_for_more_than_once)
{
	unsigned before;

	add_many();
	world_sleep(w, INTERVAL_MS);
	before = listed_in_all();
	w->now += 100ull * INTERVAL_MS;
	world_run(w);
	ck_assert_uint_le(listed_in_all() - before, 2 * MANY + 2);
}
END_TEST

START_TEST(a_ring_that_grows_turns_faster)
{
	struct world_container *c = placed_container(1);
	unsigned listed = c->listed;

	world_run(w); /* one member: its turn is a whole interval away */
	add_many();
	(void)world_enter(w, world_container(w, "c39"));
	world_sleep(w, INTERVAL_MS + INTERVAL_MS / MANY);
	ck_assert_uint_ge(c->listed, listed + 1);
	ck_assert_uint_eq(world_count_in(w, world_container(w, "c39"), GROUP("u39")), 2);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core audit");
	TCase *tc = tcase_create("audit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_visit_is_counted);
	tcase_add_test(tc,
		       a_task_that_came_by_exec_is_placed_within_one_interval_and_without_an_event);
	tcase_add_test(tc, an_audit_writes_only_what_is_new);
	tcase_add_test(tc, an_audit_of_an_unchanged_container_is_one_enumeration);
	tcase_add_test(tc, a_number_that_was_used_again_outside_is_found_by_the_full_round);
	tcase_add_test(tc, tasks_that_someone_moved_away_are_brought_back_by_the_full_round);
	tcase_add_test(tc, an_audit_that_cannot_place_a_task_is_told);
	tcase_add_test(tc, a_container_that_cannot_be_read_for_once_stays_placed);
	tcase_add_test(tc, no_audit_when_it_is_off);
	tcase_add_test(tc, audits_are_spread_over_the_interval);
	tcase_add_test(tc, the_visits_of_a_moment_share_a_wake_up);
	tcase_add_test(tc, each_is_audited_once_an_interval);
	tcase_add_test(tc, a_long_pause_is_not_made_up_for_more_than_once);
	tcase_add_test(tc, a_ring_that_grows_turns_faster);
	suite_add_tcase(s, tc);
	return s;
}
