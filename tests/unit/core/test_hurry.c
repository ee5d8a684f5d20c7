/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A tree that is slow, on a clock that only its operations move: the runtime gets its answer in
 * time, and what is left comes first afterwards.
 */

#include "core_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <string.h>

#define GROUP     "mon_groups/podresctrl-u1"
#define MS        1000u
#define PATIENCE  (500u * MS) /* how long the runtime may be kept waiting */
#define LOOP      (8u * MS)   /* how long the loop may be held by what can be left */
#define INIT_MOST 32u         /* threads of a parked init that are written all the same */

static struct world *w;

static void begin(const struct rs_sim_config *config)
{
	w = world_new_sim(config);
	world_boot(w);
}

static void setup(void)
{
	/* One write for each thread: as before 6.7, and as slow as can be. */
	begin(&(struct rs_sim_config){.rmids = 4, .no_task_lists = true});
}

static void teardown(void)
{
	world_free(w);
}

#define expect(text) ck_assert_str_eq(world_events(w), text)

/* The limits that a call into the core has, from now on. */
static void limit(uint64_t loop_us, uint64_t answer_us)
{
	w->hurry_at_us = w->us + loop_us;
	w->answer_at_us = w->us + answer_us;
}

static bool work(void)
{
	limit(LOOP, UINT64_MAX - w->us);
	return core_work(w->core, w->now);
}

static void work_off(void)
{
	for (unsigned i = 0; work(); i++)
		ck_assert_uint_lt(i, 100000);
}

static size_t placed(const char *id)
{
	return world_count_in(w, world_container(w, id), GROUP);
}

static uint64_t put_off(void)
{
	struct core_stats stats;

	core_stats(w->core, &stats);
	return stats.put_off;
}

START_TEST(a_start_is_answered_before_the_runtime_gives_up)
{
	run_pod(w, "u1");
	(void)world_add(w, "c1", 5);
	expect("u1 Exists 0/0");
	w->slow_us[WORLD_WRITE] = 200 * MS;
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	/* One write may begin within the limit, and no other after it. */
	ck_assert_uint_lt(w->us, PATIENCE + 200 * MS);
	ck_assert_uint_lt(placed("c1"), 5);
	ck_assert_uint_eq(put_off(), 1);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_PUT_OFF), 1);
	expect("");
	work_off();
	ck_assert_uint_eq(placed("c1"), 5);
	expect("u1 Exists 1/1");
	ck_assert_uint_eq(put_off(), 1);
}
END_TEST

START_TEST(a_parked_init_is_placed_whole_while_the_runtime_waits)
{
	run_pod(w, "u1");
	(void)world_add(w, "c1", INIT_MOST);
	w->slow_us[WORLD_WRITE] = 1 * MS;
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	ck_assert_uint_eq(placed("c1"), INIT_MOST);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(put_off(), 0);
}
END_TEST

START_TEST(a_larger_one_does_not_hold_up_the_loop)
{
	run_pod(w, "u1");
	(void)world_add(w, "c1", 500);
	w->slow_us[WORLD_WRITE] = 100; /* all of them: 50 ms */
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	ck_assert_uint_le(w->us, LOOP + 100);
	ck_assert_uint_ge(placed("c1"), INIT_MOST);
	ck_assert_uint_eq(put_off(), 1);
	work_off();
	ck_assert_uint_eq(placed("c1"), 500);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(after_a_group_that_took_too_long_nothing_else_is_begun)
{
	w->slow_us[WORLD_MKDIR] = 600 * MS;
	(void)world_add(w, "c1", 5);
	synchronize(w, "u1", "");
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	expect("u1 Exists 0/0");
	ck_assert_uint_eq(w->calls[WORLD_WRITE], 0);
	ck_assert_uint_eq(placed("c1"), 0);
	ck_assert_uint_eq(put_off(), 1);
	work_off();
	ck_assert_uint_eq(placed("c1"), 5);
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(what_was_put_off_comes_before_all_other_work)
{
	run_pod(w, "u1");
	(void)world_add(w, "c1", 5);
	(void)world_add(w, "c2", 1);
	synchronize(w, "u1 u2", "u2/c2");
	w->slow_us[WORLD_WRITE] = 200 * MS;
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	w->slow_us[WORLD_WRITE] = 0;
	expect("u1 Exists 0/0");
	ck_assert(work());
	ck_assert_uint_eq(placed("c1"), 5);
	expect("u1 Exists 1/1");
	work_off();
	expect("u2 Exists 0/0; u2 Exists 1/1");
}
END_TEST

/* All RMIDs are taken and one of them is held by a group that is to go. */
static void fill_up(void)
{
	run_pod(w, "u7");
	run_pod(w, "u8");
	run_pod(w, "u9");
	remove_pod(w, "u7");
	(void)world_events(w);
	w->slow_us[WORLD_MKDIR] = 10 * MS;
	w->slow_us[WORLD_RMDIR] = w->slow_us[WORLD_LIST] = 100 * MS;
}

START_TEST(a_pod_without_room_is_seen_to_after_the_answer)
{
	struct core_pod_view view;

	fill_up();
	limit(LOOP, PATIENCE);
	run_pod(w, "u1");
	/* One mkdir and what tells of its failure; no removals, no walk over the tree. */
	ck_assert_uint_eq(w->us, 10 * MS);
	expect("");
	ck_assert_uint_eq(put_off(), 1);
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert(view.queued);
	ck_assert_str_eq(view.reason, "Pending");
	ck_assert(work());
	expect("u1 Exists 0/0");
}
END_TEST

START_TEST(it_is_put_off_once_and_then_told_that_there_is_none)
{
	run_pod(w, "u7");
	run_pod(w, "u8");
	run_pod(w, "u9");
	(void)world_events(w);
	w->slow_us[WORLD_MKDIR] = 10 * MS;
	limit(LOOP, PATIENCE);
	run_pod(w, "u1");
	expect("");
	work_off();
	expect("u1 Failed 0/0");
	ck_assert_uint_eq(put_off(), 1);
}
END_TEST

START_TEST(its_container_follows_it)
{
	fill_up();
	(void)world_add(w, "c1", 5);
	limit(LOOP, PATIENCE);
	run_pod(w, "u1");
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	ck_assert_uint_eq(w->us, 20 * MS);
	expect("");
	work_off();
	ck_assert_uint_eq(placed("c1"), 5);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(with_time_left_nothing_is_put_off)
{
	fill_up();
	w->slow_us[WORLD_MKDIR] = w->slow_us[WORLD_RMDIR] = w->slow_us[WORLD_LIST] = 0;
	limit(LOOP, PATIENCE);
	run_pod(w, "u1");
	expect("u1 Exists 0/0");
	ck_assert_uint_eq(put_off(), 0);
}
END_TEST

START_TEST(every_step_on_a_slow_tree_is_short_and_the_last_one_comes)
{
	enum { MANY = 3000 };
	bool is_more = true;

	run_pod(w, "u1");
	(void)world_add(w, "c1", MANY);
	w->slow_us[WORLD_WRITE] = 5 * MS;
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	for (unsigned i = 0; is_more; i++) {
		uint64_t before = w->us;

		ck_assert_uint_lt(i, MANY);
		is_more = work();
		ck_assert_uint_le(w->us - before, LOOP + 5 * MS);
	}
	ck_assert_uint_eq(placed("c1"), MANY);
	/* What a step had no time for is kept, not looked for again. */
	ck_assert_uint_le(world_container(w, "c1")->listed, 4);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(a_giant_that_was_put_off_lets_others_have_their_turn_in_the_end)
{
	enum { MANY = 1000 };

	run_pod(w, "u1");
	run_pod(w, "u2");
	(void)world_add(w, "c1", MANY);
	(void)world_add(w, "c2", 1);
	synchronize(w, "u1 u2", "u2/c2");
	w->slow_us[WORLD_WRITE] = 10 * MS;
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	for (int i = 0; i < 100; i++)
		(void)work();
	expect("u1 Exists 0/0; u2 Exists 0/0; u2 Exists 1/1");
	ck_assert_uint_lt(placed("c1"), MANY);
	work_off();
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(what_ends_before_its_turn_is_forgotten)
{
	run_pod(w, "u1");
	(void)world_add(w, "c1", 5);
	w->slow_us[WORLD_WRITE] = 600 * MS;
	limit(LOOP, PATIENCE);
	start(w, "u1", "c1");
	world_end(w, "c1");
	core_stop_container(w->core, w->now, "c1");
	if (_i == 1)
		core_remove_container(w->core, w->now, "c1");
	if (_i == 2)
		remove_pod(w, "u1");
	if (_i == 3)
		synchronize(w, "u1", "");
	if (_i == 4) /* the runtime takes it back: it has not started */
		synchronize(w, "u1", "u1/c1?");
	work_off();
	ck_assert(core_next_work_ms(w->core) > w->now);
	expect(_i == 0   ? "u1 Exists 0/0; u1 Exists 1/1"
	       : _i == 2 ? "u1 Exists 0/0; u1 Removed"
	       : _i == 4 ? "u1 Exists 0/0; u1 Exists 1/0"
			 : "u1 Exists 0/0");
}
END_TEST

START_TEST(post_start_is_put_off_like_start)
{
	run_pod(w, "u1");
	(void)world_add(w, "c1", 2);
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	for (int i = 0; i < 100; i++)
		(void)world_enter(w, world_container(w, "c1"));
	w->slow_us[WORLD_WRITE] = 1 * MS;
	limit(LOOP, PATIENCE);
	post_start(w, "u1", "c1");
	ck_assert_uint_le(w->us, LOOP + 1 * MS);
	ck_assert_uint_eq(put_off(), 1);
	work_off();
	ck_assert_uint_eq(placed("c1"), 102);
	expect("");
}
END_TEST

START_TEST(refused_tasks_do_not_keep_a_slow_step_from_going_on)
{
	struct world_container *c1 = world_add(w, "c1", 5), *c2 = world_add(w, "c2", 1000);
	struct core_pod_view view;

	run_pod(w, "u1");
	start(w, "u1", "c1");
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	for (size_t i = 0; i < 10; i++) {
		struct world_container one = {.tid = &c2->tid[i * 100], .nr = 1};

		world_move(w, &one, "gold");
	}
	w->slow_us[WORLD_WRITE] = 100;
	w->calls[WORLD_WRITE] = 0;
	limit(LOOP, PATIENCE);
	start(w, "u1", "c2");
	work_off();
	ck_assert_uint_eq(placed("c2"), 990);
	/* Each once, but for the refused, which are tried in every step. */
	ck_assert_uint_lt(w->calls[WORLD_WRITE], 1000 + 10 * 20);
	ck_assert_uint_eq(placed("c1"), c1->nr);
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Exists 2/1");
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.reason, "WrongControlGroup");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core: in a hurry");
	TCase *tc = tcase_create("hurry");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_start_is_answered_before_the_runtime_gives_up);
	tcase_add_test(tc, a_parked_init_is_placed_whole_while_the_runtime_waits);
	tcase_add_test(tc, a_larger_one_does_not_hold_up_the_loop);
	tcase_add_test(tc, after_a_group_that_took_too_long_nothing_else_is_begun);
	tcase_add_test(tc, what_was_put_off_comes_before_all_other_work);
	tcase_add_test(tc, a_pod_without_room_is_seen_to_after_the_answer);
	tcase_add_test(tc, it_is_put_off_once_and_then_told_that_there_is_none);
	tcase_add_test(tc, its_container_follows_it);
	tcase_add_test(tc, with_time_left_nothing_is_put_off);
	tcase_add_test(tc, every_step_on_a_slow_tree_is_short_and_the_last_one_comes);
	tcase_add_test(tc, a_giant_that_was_put_off_lets_others_have_their_turn_in_the_end);
	tcase_add_loop_test(tc, what_ends_before_its_turn_is_forgotten, 0, 5);
	tcase_add_test(tc, post_start_is_put_off_like_start);
	tcase_add_test(tc, refused_tasks_do_not_keep_a_slow_step_from_going_on);
	suite_add_tcase(s, tc);
	return s;
}
