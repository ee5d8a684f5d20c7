/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two daemons on one node, for as long as one takes over from the other: the runtime tells both
 * of everything, first the one and then the other, and they share the tree.
 */

#include "core_world.h"
#include "unit/runner.h"

#include <stdio.h>
#include <string.h>

#define GROUP "mon_groups/podresctrl-u1"

static struct world *w;

static void setup(void)
{
	w = world_new(8, 0);
	w->config.tuning.audit_interval_ms = 30000;
	w->config.tuning.retry_interval_ms = 10000;
	world_boot(w);
	synchronize(w, "", "");
	world_run(w);
}

static void teardown(void)
{
	world_free(w);
}

#define expect(text) ck_assert_str_eq(world_events(w), text)

/* The newcomer starts; POPULATION as synchronize() has it. From here on it is the present one. */
static void second(const char *pods, const char *containers)
{
	world_swap(w);
	world_boot(w);
	synchronize(w, pods, containers);
	world_run(w);
}

#define both(action)           \
	do {                   \
		world_swap(w); \
		action;        \
		world_run(w);  \
		world_swap(w); \
		action;        \
		world_run(w);  \
	} while (0)

static void all_are_placed(const char *id, size_t nr)
{
	ck_assert_uint_eq(world_count_in(w, world_container(w, id), GROUP), nr);
}

START_TEST(a_pod_of_two_daemons_has_one_group_and_goes_with_it)
{
	second("", "");
	world_add(w, "c1", 3);
	both(run_pod(w, "u1"));
	both(start(w, "u1", "c1"));
	both(post_start(w, "u1", "c1"));
	expect("u1 Exists 0/0; u1 Exists 0/0; u1 Exists 1/1; u1 Exists 1/1");
	all_are_placed("c1", 3);
	world_end(w, "c1");
	both(remove_pod(w, "u1"));
	expect("u1 Removed; u1 Removed");
	ck_assert(!world_has(w, GROUP));
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_DELETE_FAILED), 0);
}
END_TEST

START_TEST(the_newcomer_takes_over_what_is_there_and_moves_nothing)
{
	world_add(w, "c1", 3);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	world_run(w);
	(void)world_events(w);
	second("u1", "u1/c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	all_are_placed("c1", 3);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_GROUP_LOST), 0);
	/* The older one finds everything as it left it. */
	world_swap(w);
	world_sleep(w, 120000);
	expect("");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_GROUP_LOST), 0);
}
END_TEST

/*
 * The older one is told of a pod first. The sweep of the newcomer, which does not know it yet,
 * takes its group for an orphan.
 */
START_TEST(a_group_that_the_newcomer_swept_away_is_there_again_within_an_audit)
{
	world_add(w, "c1", 3);
	run_pod(w, "u1");
	second("", "");
	ck_assert(!world_has(w, GROUP));
	run_pod(w, "u1");
	ck_assert(world_has(w, GROUP));
	both(start(w, "u1", "c1"));
	all_are_placed("c1", 3);
	world_swap(w);
	world_sleep(w, 60000);
	all_are_placed("c1", 3);
	world_swap(w);
	world_sleep(w, 60000);
	all_are_placed("c1", 3);
	ck_assert(world_has(w, GROUP));
}
END_TEST

START_TEST(room_that_one_finds_is_found_by_both)
{
	char path[64];

	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "mon_groups/foreign-%d", i);
		ck_assert_int_eq(world_mkdir(w, path), 0);
	}
	second("", "");
	world_add(w, "c1", 1);
	both(run_pod(w, "u1"));
	both(start(w, "u1", "c1"));
	expect("u1 Failed 0/0; u1 Failed 0/0; u1 Failed 1/0; u1 Failed 1/0");
	ck_assert_int_eq(world_rmdir(w, "mon_groups/foreign-0"), 0);
	world_sleep(w, 400000);
	expect("u1 Exists 1/0; u1 Exists 1/1");
	world_swap(w);
	world_sleep(w, 400000);
	expect("u1 Exists 1/0; u1 Exists 1/1");
	all_are_placed("c1", 1);
}
END_TEST

START_TEST(the_one_that_ends_leaves_the_groups_to_the_other)
{
	second("", "");
	world_add(w, "c1", 2);
	both(run_pod(w, "u1"));
	both(start(w, "u1", "c1"));
	(void)world_events(w);
	core_free(w->other);
	w->other = NULL;
	ck_assert(world_has(w, GROUP));
	world_sleep(w, 120000);
	expect("");
	all_are_placed("c1", 2);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core, two daemons");
	TCase *tc = tcase_create("two");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_pod_of_two_daemons_has_one_group_and_goes_with_it);
	tcase_add_test(tc, the_newcomer_takes_over_what_is_there_and_moves_nothing);
	tcase_add_test(tc, a_group_that_the_newcomer_swept_away_is_there_again_within_an_audit);
	tcase_add_test(tc, room_that_one_finds_is_found_by_both);
	tcase_add_test(tc, the_one_that_ends_leaves_the_groups_to_the_other);
	suite_add_tcase(s, tc);
	return s;
}
