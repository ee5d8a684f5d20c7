/* SPDX-License-Identifier: Apache-2.0 */

/* After a Synchronize: which groups go, which stay, and which are taken over. */

#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(cleanup_removes_our_orphans_and_says_nothing_of_them)
{
	static const char *const ours[] = {"podresctrl-a", "podresctrl-b",
					   "mon_groups/podresctrl-a", "mon_groups/podresctrl-c",
					   "custom/mon_groups/podresctrl-d"};

	ck_assert_int_eq(world_mkdir(w, "custom"), 0);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		ck_assert_int_eq(world_mkdir(w, ours[i]), 0);
	ck_assert_int_eq(world_mkdir(w, "mon_groups/custom"), 0);
	ck_assert_int_eq(world_mkdir(w, "custom/mon_groups/custom"), 0);
	synchronize(w, "", "");
	world_run(w);
	expect("");
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		ck_assert(!world_has(w, ours[i]));
	ck_assert(world_has(w, "custom"));
	ck_assert(world_has(w, "mon_groups/custom"));
	ck_assert(world_has(w, "custom/mon_groups/custom"));
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_CLEANUP_DONE), 1);
	ck_assert_str_eq(w->last_notice[CORE_NOTICE_CLEANUP_DONE],
			 "removed=5 removal_race=0 removal_failures=0 non_prefix_groups=3 kept=0");
}
END_TEST

/* Made there by the daemon before, for a pod whose containers run in that control group. */
START_TEST(the_group_of_a_live_pod_below_another_control_group_is_spared)
{
	static const char *const live = "class/mon_groups/podresctrl-u1";
	static const char *const stale = "class/mon_groups/podresctrl-u2";
	struct world_container *c = world_add(w, "c1", 3);
	int rmid;

	ck_assert_int_eq(world_mkdir(w, "class"), 0);
	world_move(w, c, "class");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	rmid = rs_sim_rmid_of(w->sim, live);
	ck_assert_int_gt(rmid, 0);
	ck_assert_int_eq(world_mkdir(w, stale), 0);
	(void)world_events(w);
	world_boot(w);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, live), rmid);
	ck_assert(!world_has(w, stale));
	/* Once more, now that its place is known. */
	ck_assert_int_eq(world_mkdir(w, stale), 0);
	ck_assert_int_eq(world_mkdir(w, GROUP("u1")), 0);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("");
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, live), rmid);
	ck_assert(!world_has(w, stale));
	ck_assert(!world_has(w, GROUP("u1")));
}
END_TEST

/* Without a container that runs there, only its group tells where it was. */
START_TEST(a_group_below_another_control_group_is_taken_over_and_one_at_the_root_goes)
{
	static const char *const live = "class/mon_groups/podresctrl-u1";
	int rmid;

	ck_assert_int_eq(world_mkdir(w, "class"), 0);
	ck_assert_int_eq(world_mkdir(w, live), 0);
	ck_assert_int_eq(world_mkdir(w, GROUP("u1")), 0);
	rmid = rs_sim_rmid_of(w->sim, live);
	synchronize(w, "u1", "");
	world_run(w);
	expect("u1 Exists 0/0");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_GROUP_ADOPTED), 1);
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, live), rmid);
	ck_assert(!world_has(w, GROUP("u1")));
	ck_assert_str_eq(w->last_notice[CORE_NOTICE_CLEANUP_DONE],
			 "removed=1 removal_race=0 removal_failures=0 non_prefix_groups=1 kept=1");
}
END_TEST

START_TEST(wiping_takes_what_is_below_another_control_group_too)
{
	w->config.cleanup_mode = CORE_CLEANUP_ALL;
	world_boot(w);
	ck_assert_int_eq(world_mkdir(w, "class"), 0);
	ck_assert_int_eq(world_mkdir(w, "class/mon_groups/podresctrl-u1"), 0);
	synchronize(w, "u1", "");
	world_run(w);
	ck_assert(world_has(w, GROUP("u1")));
	ck_assert(!world_has(w, "class/mon_groups/podresctrl-u1"));
}
END_TEST

/* The RMID and the counters of a live pod outlast the daemon. */
START_TEST(a_restart_takes_over_the_groups_of_live_pods)
{
	struct world_container *c = world_add(w, "c1", 3);
	int rmid;

	run_pod(w, "u1");
	start(w, "u1", "c1");
	rmid = rs_sim_rmid_of(w->sim, GROUP("u1"));
	ck_assert_int_eq(world_mkdir(w, GROUP("stale")), 0);
	(void)world_events(w);
	world_boot(w);
	ck_assert_uint_eq(world_count_in(w, c, GROUP("u1")), 3);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, GROUP("u1")), rmid);
	ck_assert(!world_has(w, GROUP("stale")));
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_GROUP_ADOPTED), 1);
	ck_assert_str_eq(w->last_notice[CORE_NOTICE_CLEANUP_DONE],
			 "removed=1 removal_race=0 removal_failures=0 non_prefix_groups=0 kept=1");
}
END_TEST

START_TEST(a_full_node_survives_a_restart)
{
	struct rs_sim_usage usage;
	char uid[16];

	for (int i = 0; i < 31; i++) {
		snprintf(uid, sizeof(uid), "u%d", i);
		run_pod(w, uid);
	}
	rs_sim_usage(w->sim, &usage);
	ck_assert_uint_eq(usage.rmids_free, 0);
	(void)world_events(w);
	world_boot(w);
	synchronize(w, "u0 u1", "");
	world_run(w);
	expect("u0 Exists 0/0; u1 Exists 0/0");
	rs_sim_usage(w->sim, &usage);
	ck_assert_uint_eq(usage.groups, 2);
}
END_TEST

START_TEST(orphans_go_before_new_groups_are_made)
{
	char path[64];

	for (int i = 0; i < 31; i++) {
		snprintf(path, sizeof(path), GROUP("stale%d"), i);
		ck_assert_int_eq(world_mkdir(w, path), 0);
	}
	synchronize(w, "u1 u2", "");
	world_run(w);
	expect("u1 Exists 0/0; u2 Exists 0/0");
}
END_TEST

START_TEST(wiping_removes_all_of_ours_first_and_only_on_the_first_synchronize)
{
	int rmid;

	w->config.cleanup_mode = CORE_CLEANUP_ALL;
	world_boot(w);
	world_add(w, "c1", 2);
	ck_assert_int_eq(world_mkdir(w, GROUP("u1")), 0);
	ck_assert_int_eq(world_mkdir(w, GROUP("stale")), 0);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_GROUP_CREATED), 1);
	ck_assert_str_eq(w->last_notice[CORE_NOTICE_CLEANUP_DONE],
			 "removed=2 removal_race=0 removal_failures=0 non_prefix_groups=0 kept=0");
	rmid = rs_sim_rmid_of(w->sim, GROUP("u1"));
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("");
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, GROUP("u1")), rmid);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
}
END_TEST

START_TEST(a_later_synchronize_takes_over_even_when_the_first_one_wipes)
{
	w->config.cleanup_mode = CORE_CLEANUP_ALL;
	world_boot(w);
	synchronize(w, "", "");
	world_run(w);
	ck_assert_int_eq(world_mkdir(w, GROUP("u1")), 0);
	synchronize(w, "u1", "");
	world_run(w);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_GROUP_ADOPTED), 1);
}
END_TEST

START_TEST(wiping_spares_a_pod_that_ran_meanwhile)
{
	w->config.cleanup_mode = CORE_CLEANUP_ALL;
	world_boot(w);
	synchronize(w, "u1", "");
	run_pod(w, "u2");
	ck_assert(world_has(w, GROUP("u2")));
	world_run(w);
	ck_assert(world_has(w, GROUP("u2")));
	expect("u2 Exists 0/0; u1 Exists 0/0");
}
END_TEST

START_TEST(no_cleanup_when_it_is_off)
{
	w->config.cleanup_mode = CORE_CLEANUP_OFF;
	world_boot(w);
	ck_assert_int_eq(world_mkdir(w, GROUP("stale")), 0);
	synchronize(w, "u1", "");
	world_run(w);
	ck_assert(world_has(w, GROUP("stale")));
	ck_assert_uint_eq(w->calls[WORLD_LIST], 0);
}
END_TEST

START_TEST(an_orphan_that_does_not_go_is_passed_over_and_tried_again_later)
{
	w->config.tuning.retry_interval_ms = 1000;
	world_boot(w);
	ck_assert_int_eq(world_mkdir(w, GROUP("stale1")), 0);
	ck_assert_int_eq(world_mkdir(w, GROUP("stale2")), 0);
	w->fail[WORLD_RMDIR] = EACCES;
	synchronize(w, "u1", "");
	world_run(w);
	expect("u1 Exists 0/0");
	ck_assert_str_eq(w->last_notice[CORE_NOTICE_CLEANUP_DONE],
			 "removed=0 removal_race=0 removal_failures=2 non_prefix_groups=0 kept=0");
	w->fail[WORLD_RMDIR] = 0;
	world_sleep(w, 10000);
	ck_assert(!world_has(w, GROUP("stale1")));
	ck_assert(!world_has(w, GROUP("stale2")));
	ck_assert(world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(pods_are_served_when_cleanup_cannot_read_the_tree)
{
	w->fail[WORLD_LIST] = EACCES;
	synchronize(w, "u1", "");
	world_run(w);
	expect("u1 Exists 0/0");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_CLEANUP_DONE), 1);
}
END_TEST

/* That it comes whole is the session's part; what the core needs is that one call brings
 * everything. */
START_TEST(cleanup_happens_once_a_synchronize)
{
	synchronize(w, "u1", "");
	world_run(w);
	world_run(w);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_CLEANUP_DONE), 1);
	synchronize(w, "u1", "");
	world_run(w);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_CLEANUP_DONE), 1);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core cleanup");
	TCase *tc = tcase_create("cleanup");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, cleanup_removes_our_orphans_and_says_nothing_of_them);
	tcase_add_test(tc, the_group_of_a_live_pod_below_another_control_group_is_spared);
	tcase_add_test(tc,
		       a_group_below_another_control_group_is_taken_over_and_one_at_the_root_goes);
	tcase_add_test(tc, wiping_takes_what_is_below_another_control_group_too);
	tcase_add_test(tc, a_restart_takes_over_the_groups_of_live_pods);
	tcase_add_test(tc, a_full_node_survives_a_restart);
	tcase_add_test(tc, orphans_go_before_new_groups_are_made);
	tcase_add_test(tc, wiping_removes_all_of_ours_first_and_only_on_the_first_synchronize);
	tcase_add_test(tc, a_later_synchronize_takes_over_even_when_the_first_one_wipes);
	tcase_add_test(tc, wiping_spares_a_pod_that_ran_meanwhile);
	tcase_add_test(tc, no_cleanup_when_it_is_off);
	tcase_add_test(tc, an_orphan_that_does_not_go_is_passed_over_and_tried_again_later);
	tcase_add_test(tc, pods_are_served_when_cleanup_cannot_read_the_tree);
	tcase_add_test(tc, cleanup_happens_once_a_synchronize);
	suite_add_tcase(s, tc);
	return s;
}
