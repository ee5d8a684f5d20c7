/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Others use the same tree: other tools, another instance of ours with a prefix of its own, and
 * we ourselves before a change of the configuration.
 */

#include "core_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define U1   "0f0e1a2b-3c4d-4e5f-8a9b-0c1d2e3f4a5b"
#define U2   "11111111-2222-3333-4444-555555555555"
#define HASH "4f3a0b2c1d5e6f708192a3b4c5d6e7f8"

static struct world *w;

static void setup(void)
{
	w = world_new(16, 0);
	world_boot(w);
}

static void teardown(void)
{
	world_free(w);
}

#define expect(text) ck_assert_str_eq(world_events(w), text)

static void expect_cleanup(const char *text)
{
	ck_assert_str_eq(w->last_notice[CORE_NOTICE_CLEANUP_DONE], text);
}

static const struct {
	enum rs_group_kind now;
	const char *old_path, *new_path;
} kinds[] = {
	{RS_GROUP_MON, "podresctrl-u1", "mon_groups/podresctrl-u1"},
	{RS_GROUP_CTRL, "mon_groups/podresctrl-u1", "podresctrl-u1"},
};

START_TEST(after_a_change_of_the_group_kind_the_old_groups_of_live_pods_go)
{
	world_add(w, "c1", 2);
	ck_assert_int_eq(world_mkdir(w, kinds[_i].old_path), 0);
	w->config.group_kind = kinds[_i].now;
	world_boot(w);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert(!world_has(w, kinds[_i].old_path));
	ck_assert_uint_eq(world_count_in(w, world_container(w, "c1"), kinds[_i].new_path), 2);
	expect_cleanup("removed=1 removal_race=0 removal_failures=0 non_prefix_groups=0 kept=0");
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("");
	expect_cleanup("removed=0 removal_race=0 removal_failures=0 non_prefix_groups=0 kept=1");
}
END_TEST

START_TEST(the_groups_of_another_instance_are_left_alone)
{
	static const char *const theirs[] = {
		"mon_groups/podresctrl-b-" U1,
		"mon_groups/podresctrl-blue_" HASH,
		"podresctrl-b-" U2,
	};

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(world_mkdir(w, theirs[i]), 0);
	ck_assert_int_eq(world_mkdir(w, "mon_groups/podresctrl-" U2), 0);
	ck_assert_int_eq(world_mkdir(w, "mon_groups/podresctrl-" HASH), 0);
	synchronize(w, U1, "");
	world_run(w);
	expect(U1 " Exists 0/0");
	for (size_t i = 0; i < 3; i++)
		ck_assert(world_has(w, theirs[i]));
	ck_assert(!world_has(w, "mon_groups/podresctrl-" U2));
	ck_assert(!world_has(w, "mon_groups/podresctrl-" HASH));
	expect_cleanup("removed=2 removal_race=0 removal_failures=0 non_prefix_groups=3 kept=0");
}
END_TEST

/* Every RMID is in a group of others, down to names that look like ours but for a letter. */
START_TEST(a_tree_full_of_foreign_groups_is_said_and_not_touched)
{
	struct core_retry_report report;
	struct core_pod_view view;
	char path[64];

	for (unsigned i = 0; i < 15; i++) {
		snprintf(path, sizeof(path), "mon_groups/%s-%u", i % 2 ? "podresctr" : "pod_", i);
		ck_assert_int_eq(world_mkdir(w, path), 0);
	}
	w->config.tuning.retry_interval_ms = 1000;
	world_boot(w);
	world_add(w, "c1", 3);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Failed 0/0; u1 Failed 1/0");
	w->calls[WORLD_RMDIR] = 0;
	run_pod(w, "u2");
	core_retry_all_once(w->core, w->now, &report);
	world_sleep(w, 60000);
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.reason, "OutOfRMIDs");
	ck_assert_ptr_nonnull(strstr(view.message, "0 are in our groups, 15 in groups of others"));
	remove_pod(w, "u1");
	remove_pod(w, "u2");
	world_sleep(w, 60000);
	for (unsigned i = 0; i < 15; i++) {
		snprintf(path, sizeof(path), "mon_groups/%s-%u", i % 2 ? "podresctr" : "pod_", i);
		ck_assert(world_has(w, path));
	}
	expect("u2 Failed 0/0; u1 Removed; u2 Removed");
}
END_TEST

/* A runtime or hook has put the tasks into a monitoring group of the container's own. */
START_TEST(tasks_in_a_monitoring_group_of_someone_else_are_taken_and_its_group_stays)
{
	struct world_container *c = world_add(w, "c1", 2);

	ck_assert_int_eq(world_mkdir(w, "mon_groups/runtime-c1"), 0);
	world_move(w, c, "mon_groups/runtime-c1");
	ck_assert_uint_eq(world_count_in(w, c, "mon_groups/runtime-c1"), 2);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(world_count_in(w, c, "mon_groups/podresctrl-u1"), 2);
	remove_pod(w, "u1");
	synchronize(w, "", "");
	world_run(w);
	ck_assert(world_has(w, "mon_groups/runtime-c1"));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core neighbours");
	TCase *tc = tcase_create("neighbours");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, after_a_change_of_the_group_kind_the_old_groups_of_live_pods_go, 0,
			    sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tc, the_groups_of_another_instance_are_left_alone);
	tcase_add_test(tc, a_tree_full_of_foreign_groups_is_said_and_not_touched);
	tcase_add_test(tc,
		       tasks_in_a_monitoring_group_of_someone_else_are_taken_and_its_group_stays);
	suite_add_tcase(s, tc);
	return s;
}
