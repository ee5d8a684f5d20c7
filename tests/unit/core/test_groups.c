/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void two_containers(void)
{
	world_add(w, "c1", 2);
	world_add(w, "c2", 3);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	(void)world_events(w);
}

START_TEST(a_lost_group_is_made_again_when_a_container_starts)
{
	two_containers();
	world_add(w, "c3", 1);
	ck_assert_int_eq(world_rmdir(w, GROUP("u1")), 0);
	start(w, "u1", "c3");
	expect("u1 Exists 3/1");
	ck_assert_uint_eq(placed("c3", GROUP("u1")), 1);
	world_run(w);
	expect("u1 Exists 3/2; u1 Exists 3/3");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
	ck_assert_uint_eq(placed("c2", GROUP("u1")), 3);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_GROUP_LOST), 1);
}
END_TEST

/* Without room it is found below another control group, from before, and moved to its tasks. */
START_TEST(a_group_that_is_back_in_its_place_at_the_end_of_a_step_is_not_told_again)
{
	world_add(w, "c1", 2);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	ck_assert_int_eq(world_mkdir(w, "gold/mon_groups/podresctrl-u1"), 0);
	ck_assert_int_eq(world_rmdir(w, GROUP("u1")), 0);
	w->fail[WORLD_MKDIR] = EBUSY;
	start(w, "u1", "c1");
	expect("");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
	ck_assert(!world_has(w, "gold/mon_groups/podresctrl-u1"));
}
END_TEST

START_TEST(the_audit_finds_a_lost_group)
{
	w->config.tuning.audit_interval_ms = 30000;
	world_boot(w);
	two_containers();
	ck_assert_int_eq(world_rmdir(w, GROUP("u1")), 0);
	world_sleep(w, 31000);
	expect("u1 Exists 2/0; u1 Exists 2/1; u1 Exists 2/2");
	ck_assert_uint_eq(placed("c2", GROUP("u1")), 3);
}
END_TEST

START_TEST(the_audit_finds_a_group_that_was_replaced)
{
	w->config.tuning.audit_interval_ms = 30000;
	world_boot(w);
	two_containers();
	ck_assert_int_eq(world_rmdir(w, GROUP("u1")), 0);
	ck_assert_int_eq(world_mkdir(w, GROUP("u1")), 0);
	world_sleep(w, 31000);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
	ck_assert_uint_eq(placed("c2", GROUP("u1")), 3);
	expect("u1 Exists 2/0; u1 Exists 2/1; u1 Exists 2/2");
}
END_TEST

START_TEST(a_lost_group_that_cannot_be_made_again_is_failed)
{
	w->config.tuning.audit_interval_ms = 30000;
	w->config.tuning.retry_interval_ms = 1000;
	world_boot(w);
	two_containers();
	ck_assert_int_eq(world_rmdir(w, GROUP("u1")), 0);
	w->fail[WORLD_MKDIR] = ENOSPC;
	world_sleep(w, 31000);
	expect("u1 Failed 2/0");
	w->fail[WORLD_MKDIR] = 0;
	world_sleep(w, 400000);
	expect("u1 Exists 2/0; u1 Exists 2/1; u1 Exists 2/2");
}
END_TEST

START_TEST(an_unmount_fails_every_pod_and_a_mount_brings_them_back)
{
	struct core_pod_view view;

	w->config.tuning.audit_interval_ms = 30000;
	w->config.tuning.retry_interval_ms = 1000;
	w->config.tuning.retry_backoff_max_ms = 8000;
	world_boot(w);
	two_containers();
	rs_sim_set_mounted(w->sim, false);
	world_sleep(w, 31000);
	expect("u1 Failed 2/0");
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.reason, "NotMounted");
	rs_sim_set_mounted(w->sim, true);
	world_sleep(w, 10000);
	expect("u1 Exists 2/0; u1 Exists 2/1; u1 Exists 2/2");
}
END_TEST

START_TEST(an_empty_pod_whose_group_was_lost_says_nothing_once_it_is_back)
{
	w->config.tuning.audit_interval_ms = 30000;
	world_boot(w);
	run_pod(w, "u1");
	ck_assert_int_eq(world_rmdir(w, GROUP("u1")), 0);
	world_sleep(w, 31000);
	expect("u1 Exists 0/0");
	ck_assert(world_has(w, GROUP("u1")));
}
END_TEST

/* ---- other control groups ---------------------------------------------------------------- */

START_TEST(the_group_follows_its_first_container_into_another_control_group)
{
	struct core_pod_view view;
	struct world_container *c = world_add(w, "c1", 3);

	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_move(w, c, "gold");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(placed("c1", "gold/mon_groups/podresctrl-u1"), 3);
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.group_path, "/sys/fs/resctrl/gold/mon_groups/podresctrl-u1");
	world_run(w);
	ck_assert(!world_has(w, GROUP("u1")));
	remove_pod(w, "u1");
	world_run(w);
	ck_assert(!world_has(w, "gold/mon_groups/podresctrl-u1"));
	ck_assert(world_has(w, "gold"));
}
END_TEST

START_TEST(without_a_spare_rmid_the_group_is_moved)
{
	struct world *small = world_new(3, 0);
	struct world_container *c;

	world_free(w);
	w = small;
	world_boot(w);
	c = world_add(w, "c1", 3);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_move(w, c, "gold");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(placed("c1", "gold/mon_groups/podresctrl-u1"), 3);
	ck_assert_uint_eq(w->calls[WORLD_RENAME], 1);
}
END_TEST

START_TEST(a_group_that_was_moved_is_not_taken_for_one_that_must_go)
{
	struct world *small = world_new(3, 0);
	struct world_container *c;

	world_free(w);
	w = small;
	world_boot(w);
	c = world_add(w, "c1", 3);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_move(w, c, "gold");
	run_pod(w, "u1");
	w->fail[WORLD_MKDIR] = EIO; /* may have left something there */
	start(w, "u1", "c1");
	w->fail[WORLD_MKDIR] = 0;
	post_start(w, "u1", "c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/0; u1 Exists 1/1");
	ck_assert_uint_eq(placed("c1", "gold/mon_groups/podresctrl-u1"), 3);
}
END_TEST

START_TEST(a_tree_that_loses_groups_without_end_does_not_keep_us_busy)
{
	unsigned before;

	w->config.tuning.retry_interval_ms = 1000;
	world_boot(w);
	two_containers();
	w->fail[WORLD_OPEN] = ENOENT; /* every write says that the group is gone */
	before = w->calls[WORLD_OPEN];
	post_start(w, "u1", "c1");
	(void)world_enter(w, world_container(w, "c2"));
	post_start(w, "u1", "c2");
	world_sleep(w, 10000);
	ck_assert_uint_le(w->calls[WORLD_OPEN] - before, 100);
	w->fail[WORLD_OPEN] = 0;
	world_sleep(w, 10000);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
	ck_assert_uint_eq(placed("c2", GROUP("u1")), 4);
}
END_TEST

START_TEST(where_neither_can_be_done_the_container_waits_and_says_why)
{
	struct rs_sim_config config = {.rmids = 3, .no_rename = true};
	struct core_pod_view view;
	struct world_container *c;

	world_free(w);
	w = world_new_sim(&config);
	w->config.tuning.retry_interval_ms = 1000;
	world_boot(w);
	c = world_add(w, "c1", 3);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_move(w, c, "gold");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/0");
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.containers[0].reason, "Unsupported");
	world_move(w, c, "");
	world_sleep(w, 5000);
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(containers_in_two_control_groups_cannot_share_a_group)
{
	struct core_pod_view view;
	struct world_container *c2;

	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_add(w, "c1", 2);
	c2 = world_add(w, "c2", 2);
	world_move(w, c2, "gold");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Exists 2/1");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
	ck_assert_uint_eq(placed("c2", "gold"), 2);
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.reason, "WrongControlGroup");
	ck_assert_str_eq(view.containers[1].reason, "WrongControlGroup");
	ck_assert_ptr_nonnull(strstr(view.containers[1].message, "'gold'"));
}
END_TEST

START_TEST(the_group_follows_the_container_that_is_left)
{
	struct core_retry_report report;
	struct world_container *c2;

	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_add(w, "c1", 2);
	c2 = world_add(w, "c2", 2);
	world_move(w, c2, "gold");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	core_remove_container(w->core, w->now, "c1");
	(void)world_events(w);
	ck_assert_int_eq(core_retry_pod(w->core, w->now, "u1", &report, NULL), 0);
	expect("u1 Exists 1/1");
	ck_assert_uint_eq(placed("c2", "gold/mon_groups/podresctrl-u1"), 2);
}
END_TEST

START_TEST(a_kernel_that_does_not_tell_the_control_group_is_quoted)
{
	struct core_pod_view view;
	struct world_container *c = world_add(w, "c1", 1);

	w->no_control_groups = true;
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_move(w, c, "gold");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/0");
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.reason, "WrongControlGroup");
}
END_TEST

START_TEST(a_container_moved_as_a_whole_is_followed_by_the_audit)
{
	struct world_container *c = world_add(w, "c1", 2);

	w->config.tuning.audit_interval_ms = 30000;
	world_boot(w);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	world_move(w, c, "gold");
	world_sleep(w, 9 * 30000);
	ck_assert_uint_eq(placed("c1", "gold/mon_groups/podresctrl-u1"), 2);
	expect("u1 Exists 1/1"); /* the path is another one */
}
END_TEST

START_TEST(a_group_taken_over_for_lack_of_room_leaves_none_at_the_root)
{
	static const char *const elsewhere = "gold/mon_groups/podresctrl-u1";

	w->config.cleanup_mode = CORE_CLEANUP_OFF;
	world_boot(w);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	ck_assert_int_eq(world_mkdir(w, elsewhere), 0);
	ck_assert_int_eq(world_mkdir(w, GROUP("u1")), 0);
	w->fail[WORLD_MKDIR] = EBUSY;
	run_pod(w, "u1");
	world_run(w);
	expect("u1 Exists 0/0");
	ck_assert(world_has(w, elsewhere));
	ck_assert(!world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(a_new_task_gives_a_move_away_at_once)
{
	struct world_container *c = world_add(w, "c1", 2);

	w->config.tuning.audit_interval_ms = 30000;
	world_boot(w);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	world_move(w, c, "gold");
	(void)world_fork(w, c);
	world_sleep(w, 30000);
	ck_assert_uint_eq(placed("c1", "gold/mon_groups/podresctrl-u1"), 3);
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(a_control_group_that_goes_takes_the_group_along_and_it_is_made_at_the_root)
{
	struct world_container *c = world_add(w, "c1", 2);

	w->config.tuning.audit_interval_ms = 30000;
	world_boot(w);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_move(w, c, "gold");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	world_run(w);
	(void)world_events(w);
	ck_assert_int_eq(world_rmdir(w, "gold"), 0);
	world_sleep(w, 31000);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
	expect("u1 Exists 1/0; u1 Exists 1/1");
}
END_TEST

START_TEST(a_restart_finds_a_group_below_another_control_group)
{
	struct world_container *c = world_add(w, "c1", 2);
	int rmid;

	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_move(w, c, "gold");
	run_pod(w, "u1");
	start(w, "u1", "c1");
	world_run(w);
	rmid = rs_sim_rmid_of(w->sim, "gold/mon_groups/podresctrl-u1");
	(void)world_events(w);
	world_boot(w);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, "gold/mon_groups/podresctrl-u1"), rmid);
	ck_assert(!world_has(w, GROUP("u1")));
}
END_TEST

/* The group is found below its control group although there is no RMID for another one. */
START_TEST(a_restart_without_a_spare_rmid_finds_it_too)
{
	struct world_container *c;
	int rmid;

	world_free(w);
	w = world_new(3, 0); /* the root's, gold's and the pod's */
	w->config.tuning.rmid_reserve = (size_t)_i;
	c = world_add(w, "c1", 2);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	world_move(w, c, "gold");
	ck_assert_int_eq(world_mkdir(w, "gold/mon_groups/podresctrl-u1"), 0);
	rmid = rs_sim_rmid_of(w->sim, "gold/mon_groups/podresctrl-u1");
	world_boot(w);
	synchronize(w, "u1", "u1/c1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, "gold/mon_groups/podresctrl-u1"), rmid);
	ck_assert_uint_eq(world_count_in(w, c, "gold/mon_groups/podresctrl-u1"), 2);
	remove_pod(w, "u1");
	world_run(w);
	ck_assert(!world_has(w, "gold/mon_groups/podresctrl-u1"));
}
END_TEST

/* ---- capacity ----------------------------------------------------------------------------- */

/* The same life with control groups, of which a machine has few. */
START_TEST(control_groups_run_out_are_lost_and_come_back)
{
	const struct rs_sim_config config = {.rmids = 32, .closids = 3};
	struct core_pod_view view;

	world_free(w);
	w = world_new_sim(&config);
	w->config.group_kind = RS_GROUP_CTRL;
	w->config.tuning.retry_interval_ms = 1000;
	w->config.tuning.audit_interval_ms = 1000;
	world_boot(w);
	world_add(w, "c2", 2);
	run_pod(w, "u1");
	run_pod(w, "u2");
	start(w, "u2", "c2");
	run_pod(w, "u3");
	expect("u1 Exists 0/0; u2 Exists 0/0; u2 Exists 1/1; u3 Failed 0/0");
	ck_assert(core_pod_view(w->core, "u3", &view));
	ck_assert_str_eq(
		view.message,
		"no free CLOSID or RMID on this node: of 32 RMIDs 2 are in our groups, 0 in "
		"groups of others, 1 is the root's, 29 are in no group and cannot be had here; "
		"will retry when a group is freed, and from time to time");
	remove_pod(w, "u1");
	world_sleep(w, 2000);
	expect("u1 Removed; u3 Exists 0/0");
	ck_assert_int_eq(world_rmdir(w, "podresctrl-u2"), 0);
	world_sleep(w, 4000);
	ck_assert_uint_eq(world_count_in(w, world_container(w, "c2"), "podresctrl-u2"), 2);
	world_boot(w);
	(void)world_events(w);
	synchronize(w, "u2 u3", "u2/c2");
	world_run(w);
	expect("u2 Exists 0/0; u3 Exists 0/0; u2 Exists 1/1");
	ck_assert(world_has(w, "podresctrl-u3"));
}
END_TEST

START_TEST(some_rmids_are_left_to_others)
{
	struct core_pod_view view;
	struct world *small = world_new(5, 0);

	world_free(w);
	w = small;
	w->config.tuning.rmid_reserve = 2;
	world_boot(w);
	run_pod(w, "u1");
	run_pod(w, "u2");
	run_pod(w, "u3");
	expect("u1 Exists 0/0; u2 Exists 0/0; u3 Failed 0/0");
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], 2);
	ck_assert(core_pod_view(w->core, "u3", &view));
	ck_assert_str_eq(view.reason, "OutOfRMIDs");
	ck_assert_str_eq(
		view.message,
		"no free RMID on this node: of 5 RMIDs 2 are in our groups, 0 in groups of "
		"others, 1 is the root's, 2 are kept for others; will retry on request only");
}
END_TEST

START_TEST(a_reserve_does_not_hinder_taking_over)
{
	struct world *small = world_new(4, 0);

	world_free(w);
	w = small;
	world_boot(w);
	run_pod(w, "u1");
	run_pod(w, "u2");
	w->config.tuning.rmid_reserve = 2;
	world_boot(w);
	(void)world_events(w);
	synchronize(w, "u1 u2 u3", "");
	world_run(w);
	expect("u1 Exists 0/0; u2 Exists 0/0; u3 Failed 0/0");
}
END_TEST

START_TEST(without_a_reserve_nothing_is_counted_while_there_is_room)
{
	run_pod(w, "u1");
	ck_assert_uint_eq(w->calls[WORLD_LIST], 0);
	ck_assert_uint_eq(w->calls[WORLD_READ], 0);
}
END_TEST

static const struct {
	int code;
	const char *reason, *says;
} failures[] = {
	{ENOSPC, "OutOfRMIDs", "of 32 RMIDs 0 are in our groups, 0 in groups of others"},
	{EBUSY, "RMIDsInLimbo", "drain"},
	{EROFS, "ReadOnly", "mount it writable"},
	{EACCES, "NoPermission", "podresctrl-u1"},
	{EIO, "InternalError", "podresctrl-u1"},
};

START_TEST(a_failure_has_a_reason_and_a_message)
{
	struct core_pod_view view;

	w->fail[WORLD_MKDIR] = failures[_i].code;
	run_pod(w, "u1");
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_int_eq(view.group_state, CORE_GROUP_FAILED);
	ck_assert_str_eq(view.group_path, "");
	ck_assert_str_eq(view.reason, failures[_i].reason);
	ck_assert_msg(strstr(view.message, failures[_i].says) != NULL, "%s", view.message);
	ck_assert_ptr_nonnull(strstr(view.message, "on request only"));
}
END_TEST

START_TEST(a_new_reason_is_told_without_an_event)
{
	struct core_pod_view view;

	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	expect("u1 Failed 0/0");
	(void)world_noticed(w, CORE_NOTICE_DETAIL_CHANGED);
	ck_assert_int_eq(core_retry_group_creation(w->core, w->now, "u1", NULL), -ENOSPC);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_DETAIL_CHANGED), 0);
	w->fail[WORLD_MKDIR] = EROFS;
	ck_assert_int_eq(core_retry_group_creation(w->core, w->now, "u1", NULL), -EROFS);
	expect("");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_DETAIL_CHANGED), 1);
	ck_assert(core_pod_view(w->core, "u1", &view));
	ck_assert_str_eq(view.reason, "ReadOnly");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core groups");
	TCase *tc = tcase_create("groups");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_lost_group_is_made_again_when_a_container_starts);
	tcase_add_test(tc,
		       a_group_that_is_back_in_its_place_at_the_end_of_a_step_is_not_told_again);
	tcase_add_test(tc, the_audit_finds_a_lost_group);
	tcase_add_test(tc, the_audit_finds_a_group_that_was_replaced);
	tcase_add_test(tc, a_lost_group_that_cannot_be_made_again_is_failed);
	tcase_add_test(tc, an_unmount_fails_every_pod_and_a_mount_brings_them_back);
	tcase_add_test(tc, an_empty_pod_whose_group_was_lost_says_nothing_once_it_is_back);
	tcase_add_test(tc, the_group_follows_its_first_container_into_another_control_group);
	tcase_add_test(tc, without_a_spare_rmid_the_group_is_moved);
	tcase_add_test(tc, a_group_that_was_moved_is_not_taken_for_one_that_must_go);
	tcase_add_test(tc, a_tree_that_loses_groups_without_end_does_not_keep_us_busy);
	tcase_add_test(tc, where_neither_can_be_done_the_container_waits_and_says_why);
	tcase_add_test(tc, containers_in_two_control_groups_cannot_share_a_group);
	tcase_add_test(tc, the_group_follows_the_container_that_is_left);
	tcase_add_test(tc, a_kernel_that_does_not_tell_the_control_group_is_quoted);
	tcase_add_test(tc, a_container_moved_as_a_whole_is_followed_by_the_audit);
	tcase_add_test(tc, a_group_taken_over_for_lack_of_room_leaves_none_at_the_root);
	tcase_add_test(tc, a_new_task_gives_a_move_away_at_once);
	tcase_add_test(tc,
		       a_control_group_that_goes_takes_the_group_along_and_it_is_made_at_the_root);
	tcase_add_test(tc, a_restart_finds_a_group_below_another_control_group);
	tcase_add_loop_test(tc, a_restart_without_a_spare_rmid_finds_it_too, 0, 2);
	tcase_add_test(tc, control_groups_run_out_are_lost_and_come_back);
	tcase_add_test(tc, some_rmids_are_left_to_others);
	tcase_add_test(tc, a_reserve_does_not_hinder_taking_over);
	tcase_add_test(tc, without_a_reserve_nothing_is_counted_while_there_is_room);
	tcase_add_loop_test(tc, a_failure_has_a_reason_and_a_message, 0,
			    sizeof(failures) / sizeof(failures[0]));
	tcase_add_test(tc, a_new_reason_is_told_without_an_event);
	suite_add_tcase(s, tc);
	return s;
}
