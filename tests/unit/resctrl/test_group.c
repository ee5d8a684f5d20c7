/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define UUID "6f6ad1a8-7c5e-4b8e-9d0a-0123456789ab"

START_TEST(a_group_is_made_below_mon_groups_with_one_mkdir)
{
	struct fixture f;
	struct rs_group g;
	bool adopted = true;

	fixture_init(&f, NULL);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "pod_" UUID, &g, &adopted, &f.e),
			 0);
	ck_assert_str_eq(g.path, "mon_groups/pod_" UUID);
	ck_assert(!adopted);
	ck_assert(g.ino != 0);
	ck_assert(fixture_exists(&f, g.path));
	ck_assert_uint_eq(f.fs.calls[FAULT_MKDIR], 1);
	fixture_done(&f);
}
END_TEST

START_TEST(a_group_that_is_there_is_adopted_with_its_rmid)
{
	struct fixture f;
	struct rs_group g, again;
	bool adopted = false;
	int rmid;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	rmid = rs_sim_rmid_of(f.sim, g.path);
	fault_fs_recount(&f.fs);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "a", &again, &adopted, &f.e), 0);
	ck_assert(adopted);
	ck_assert_str_eq(again.path, g.path);
	ck_assert(again.ino == g.ino && again.dev == g.dev);
	ck_assert_int_eq(rs_sim_rmid_of(f.sim, g.path), rmid);
	ck_assert_uint_eq(f.fs.calls[FAULT_MKDIR], 1);
	ck_assert_uint_eq(f.fs.calls[FAULT_RMDIR], 0);
	fixture_done(&f);
}
END_TEST

START_TEST(what_is_there_and_is_no_group_is_not_adopted)
{
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	fault_fs_fail(&f.fs, FAULT_MKDIR, "x", -EEXIST);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "x", &g, NULL, &f.e), -EINVAL);
	ck_assert_uint_eq(f.fs.calls[FAULT_RMDIR], 0);
	fixture_done(&f);
}
END_TEST

START_TEST(a_control_group_is_made_at_the_root)
{
	struct fixture f;
	struct rs_group g, in;

	fixture_init(&f, NULL);
	g = fixture_ctrl(&f, "c");
	ck_assert_str_eq(g.path, "c");
	in = fixture_mon(&f, "c", "m");
	ck_assert_str_eq(in.path, "c/mon_groups/m");
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_CTRL, "c", "d", &g, NULL, &f.e), -EINVAL);
	fixture_done(&f);
}
END_TEST

/* Every errno that mkdir can bring, and what it is called outside. */
static const struct {
	int code, want;
	const char *reason;
} mkdir_errors[] = {
	{-ENOSPC, -ENOSPC, "OutOfRMIDs"},
	{-EBUSY, -EBUSY, "RMIDsInLimbo"},
	{-EACCES, -EACCES, "NoPermission"},
	{-EPERM, -EACCES, "NoPermission"},
	{-EROFS, -EROFS, "ReadOnly"},
	{-EINVAL, -EINVAL, "InvalidName"},
	{-ENAMETOOLONG, -EINVAL, "InvalidName"},
	{-EOPNOTSUPP, -EOPNOTSUPP, "Unsupported"},
	{-ENOENT, -EOPNOTSUPP, "Unsupported"}, /* the tree is there, mon_groups is not */
	{-ENODEV, -EOPNOTSUPP, "Unsupported"},
	{-ENOMEM, -ENOMEM, "InternalError"},
	{-EIO, -EIO, "InternalError"},
	{-ELOOP, -EIO, "InternalError"},
};

START_TEST(every_mkdir_error_has_its_code_and_reason)
{
	struct fixture f;
	struct rs_group g = {.ino = 42};
	int r;

	fixture_init(&f, NULL);
	fault_fs_fail(&f.fs, FAULT_MKDIR, NULL, mkdir_errors[_i].code);
	r = rs_group_create(f.rs, RS_GROUP_MON, "", "a", &g, NULL, &f.e);
	ck_assert_msg(r == mkdir_errors[_i].want, "%s became %s", err_name(mkdir_errors[_i].code),
		      err_name(r));
	ck_assert_int_eq(f.e.code, r);
	ck_assert_str_eq(rs_reason(r), mkdir_errors[_i].reason);
	ck_assert_ptr_nonnull(strstr(f.e.msg, "'mon_groups/a'"));
	ck_assert_ptr_nonnull(strstr(f.e.msg, err_name(mkdir_errors[_i].code)));
	ck_assert_uint_eq(g.ino, 42);
	ck_assert_uint_eq(f.fs.calls[FAULT_MKDIR], 1);
	/* Without a place for the message the code is the same. */
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "a", &g, NULL, NULL), r);
	fixture_done(&f);
}
END_TEST

START_TEST(no_rmid_left_is_told_in_the_kernels_words)
{
	const struct rs_sim_config config = {.rmids = 2, .limbo_ms = 1000};
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &config);
	(void)fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "b", &g, NULL, &f.e), -ENOSPC);
	ck_assert_str_eq(f.e.msg, "mkdir 'mon_groups/b': No space left on device (ENOSPC); "
				  "kernel: Out of RMIDs");
	ck_assert_int_eq(rs_group_delete(f.rs, "mon_groups/a", &f.e), 0);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "b", &g, NULL, &f.e), -EBUSY);
	rs_sim_advance(f.sim, 999);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "b", &g, NULL, &f.e), -EBUSY);
	rs_sim_advance(f.sim, 1);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "b", &g, NULL, &f.e), 0);
	fixture_done(&f);
}
END_TEST

static const struct {
	const char *status, *quoted; /* QUOTED NULL: nothing is */
	bool is_mkdir;
	int code;
} words[] = {
	{"one\ntwo\x1b[31m\n", "; kernel: one;two?[31m", false, -EACCES},
	{"ok\n", NULL, false, -EACCES},
	{"", NULL, false, -EACCES},
	{"No task 5\nOut of RMIDs\nOut of RMIDs\n", "(ENOSPC); kernel: Out of RMIDs", true,
	 -ENOSPC},
	{"Out of \x07\n", "(EBUSY); kernel: Out of ?", true, -EBUSY},
	{"No task 5\n", NULL, true, -EACCES}, /* of a command before */
};

START_TEST(the_kernels_words_are_quoted_on_one_printable_line)
{
	struct rs_tids tids = fixture_tids(1, 1);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	f.fs.fake_path = "last_cmd_status";
	f.fs.fake_data = words[_i].status;
	f.fs.fake_len = strlen(words[_i].status);
	fault_fs_fail(&f.fs, words[_i].is_mkdir ? FAULT_MKDIR : FAULT_WRITE, NULL, words[_i].code);
	if (words[_i].is_mkdir)
		ck_assert_int_lt(rs_group_create(f.rs, RS_GROUP_MON, "", "a", &g, NULL, &f.e), 0);
	else
		ck_assert_int_lt(rs_group_assign(f.rs, "", &tids, &res, &f.e), 0);
	if (words[_i].quoted)
		ck_assert_msg(strstr(f.e.msg, words[_i].quoted), "%s", f.e.msg);
	else
		ck_assert_msg(!strstr(f.e.msg, "kernel"), "%s", f.e.msg);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(without_a_mount_everything_is_ENODEV)
{
	struct rs_tids tids = fixture_tids(1, 2), listed = {0};
	struct rs_assign_result res;
	struct rs_cleanup_report report;
	struct rs_capacity cap;
	struct rs_counters counters;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	rs_sim_set_mounted(f.sim, false);
	ck_assert_int_eq(rs_probe(f.rs, &f.e), -ENODEV);
	ck_assert_str_eq(rs_reason(f.e.code), "NotMounted");
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "a", &g, NULL, &f.e), -ENODEV);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_CTRL, "", "a", &g, NULL, &f.e), -ENODEV);
	ck_assert_int_eq(rs_group_assign(f.rs, "", &tids, &res, &f.e), -ENODEV);
	ck_assert_int_eq(rs_group_tasks(f.rs, "", &listed, &f.e), -ENODEV);
	ck_assert_int_eq(rs_cleanup(f.rs, "p", NULL, NULL, &report, &f.e), -ENODEV);
	ck_assert_int_eq(rs_capacity(f.rs, "p", &cap, &f.e), -ENODEV);
	ck_assert_int_eq(rs_group_counters(f.rs, "", &counters, &f.e), -ENODEV);
	rs_sim_set_mounted(f.sim, true);
	ck_assert_int_eq(rs_probe(f.rs, &f.e), 0);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(a_remount_loses_the_groups)
{
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	rs_sim_set_mounted(f.sim, false);
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), -ENOENT);
	rs_sim_set_mounted(f.sim, true);
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), -ENOENT);
	ck_assert_str_eq(rs_reason(f.e.code), "GroupLost");
	fixture_done(&f);
}
END_TEST

START_TEST(a_kernel_that_cannot_monitor_is_unsupported)
{
	const struct rs_sim_config config = {.no_monitoring = true};
	struct rs_capacity cap;
	struct rs_counters counters;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &config);
	ck_assert_int_eq(rs_probe(f.rs, &f.e), -EOPNOTSUPP);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "a", &g, NULL, &f.e), -EOPNOTSUPP);
	ck_assert_int_eq(rs_capacity(f.rs, "p", &cap, &f.e), -EOPNOTSUPP);
	g = fixture_ctrl(&f, "c");
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "c", "a", &g, NULL, &f.e),
			 -EOPNOTSUPP);
	ck_assert_int_eq(rs_group_counters(f.rs, "c", &counters, &f.e), -EOPNOTSUPP);
	fixture_done(&f);
}
END_TEST

START_TEST(EPERM_of_mkdir_without_L3_MON_is_unsupported)
{
	const struct rs_sim_config config = {.no_monitoring = true};
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &config);
	fault_fs_fail(&f.fs, FAULT_MKDIR, NULL, -EPERM);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "a", &g, NULL, &f.e), -EOPNOTSUPP);
	fixture_done(&f);
}
END_TEST

START_TEST(a_read_only_tree_is_told_as_such)
{
	struct rs_tids tids = fixture_tids(1, 2);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g, made;

	fixture_init(&f, NULL);
	(void)fixture_ctrl(&f, "c");
	made = fixture_mon(&f, "", "a");
	rs_sim_set_read_only(f.sim, true);
	ck_assert_int_eq(rs_probe(f.rs, &f.e), -EROFS);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "b", &g, NULL, &f.e), -EROFS);
	ck_assert_int_eq(rs_group_assign(f.rs, made.path, &tids, &res, &f.e), -EROFS);
	ck_assert_int_eq(rs_group_delete(f.rs, made.path, &f.e), -EROFS);
	ck_assert_int_eq(rs_group_move(f.rs, &made, "c", &f.e), -EROFS);
	ck_assert_int_eq(rs_group_check(f.rs, &made, &f.e), 0);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(a_group_below_a_parent_that_is_gone_is_ENOENT)
{
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "gone", "a", &g, NULL, &f.e), -ENOENT);
	fixture_done(&f);
}
END_TEST

START_TEST(a_group_that_cannot_be_identified_is_removed_again)
{
	struct rs_sim_usage before, after;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	rs_sim_usage(f.sim, &before);
	fault_fs_fail(&f.fs, FAULT_STAT, "mon_groups/a", -EIO);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "a", &g, NULL, &f.e), -EIO);
	rs_sim_usage(f.sim, &after);
	ck_assert_uint_eq(after.groups, 0);
	ck_assert_uint_eq(after.rmids_free, before.rmids_free);
	fixture_done(&f);
}
END_TEST

START_TEST(deleting_twice_is_success)
{
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_delete(f.rs, g.path, &f.e), 0);
	ck_assert(!fixture_exists(&f, g.path));
	ck_assert_int_eq(rs_group_delete(f.rs, g.path, &f.e), 0);
	fixture_done(&f);
}
END_TEST

static const struct {
	int code, want;
} rmdir_errors[] = {
	{-ENOENT, 0},     {-EACCES, -EACCES}, {-EPERM, -EACCES},
	{-EBUSY, -EBUSY}, {-ENOTEMPTY, -EIO}, {-EROFS, -EROFS},
	{-EIO, -EIO},     {-EINVAL, -EIO},    {-ENOTDIR, -EINVAL},
};

START_TEST(every_rmdir_error_has_its_code)
{
	struct fixture f;
	struct rs_group g;
	int r;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	fault_fs_fail(&f.fs, FAULT_RMDIR, NULL, rmdir_errors[_i].code);
	r = rs_group_delete(f.rs, g.path, &f.e);
	ck_assert_msg(r == rmdir_errors[_i].want, "%s became %s", err_name(rmdir_errors[_i].code),
		      err_name(r));
	fixture_done(&f);
}
END_TEST

START_TEST(a_replaced_group_is_another_one)
{
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), 0);
	ck_assert_int_eq(rs_group_delete(f.rs, g.path, &f.e), 0);
	(void)fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(f.e.msg, "replaced"));
	fault_fs_fail(&f.fs, FAULT_STAT, NULL, -EACCES);
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), -EACCES);
	fixture_done(&f);
}
END_TEST

START_TEST(a_group_moves_with_its_identity)
{
	struct rs_tids tids = fixture_tids(7, 7);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;
	int rmid;

	fixture_init(&f, NULL);
	(void)fixture_ctrl(&f, "c");
	g = fixture_mon(&f, "", "a");
	rmid = rs_sim_rmid_of(f.sim, g.path);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_int_eq(rs_group_move(f.rs, &g, "c", &f.e), 0);
	ck_assert_str_eq(g.path, "c/mon_groups/a");
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), 0);
	ck_assert_int_eq(rs_sim_rmid_of(f.sim, g.path), rmid);
	ASSERT_IN_GROUP(&f, 7, "c/mon_groups/a");
	/* Where it is already: nothing to do. */
	fault_fs_recount(&f.fs);
	ck_assert_int_eq(rs_group_move(f.rs, &g, "c", &f.e), 0);
	ck_assert_uint_eq(f.fs.total, 0);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(a_group_is_found_below_any_control_group_but_the_roots)
{
	char parent[RS_NAME_MAX + 1] = "unset";
	struct rs_group made, found;
	struct fixture f;

	fixture_init(&f, NULL);
	(void)fixture_ctrl(&f, "bronze");
	(void)fixture_ctrl(&f, "gold");
	(void)fixture_mon(&f, "", "g");
	ck_assert_int_eq(rs_group_find(f.rs, "g", &found, parent, &f.e), -ENOENT);
	ck_assert_int_eq(rs_group_find(f.rs, "../g", &found, parent, &f.e), -EINVAL);
	ck_assert_str_eq(parent, "unset");
	made = fixture_mon(&f, "gold", "g");
	ck_assert_int_eq(rs_group_find(f.rs, "g", &found, parent, &f.e), 0);
	ck_assert_str_eq(parent, "gold");
	ck_assert_str_eq(found.path, made.path);
	ck_assert_uint_eq(found.ino, made.ino);
	fixture_done(&f);
}
END_TEST

START_TEST(a_kernel_without_rename_cannot_move)
{
	const struct rs_sim_config config = {.no_rename = true};
	struct fixture f;
	struct rs_group g, ctrl;

	fixture_init(&f, &config);
	ctrl = fixture_ctrl(&f, "c");
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_move(f.rs, &g, "c", &f.e), -EOPNOTSUPP);
	ck_assert_str_eq(g.path, "mon_groups/a");
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), 0);
	ck_assert_int_eq(rs_group_move(f.rs, &ctrl, "x", &f.e), -EINVAL);
	ck_assert_int_eq(rs_group_move(f.rs, &g, "../x", &f.e), -EINVAL);
	fixture_done(&f);
}
END_TEST

START_TEST(a_held_lock_delays_nothing)
{
	struct rs_tids tids = fixture_tids(1, 3);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	rs_sim_hold_lock(f.sim, true);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_int_eq(rs_group_delete(f.rs, g.path, &f.e), 0);
	ck_assert_uint_eq(f.fs.calls[FAULT_LOCK], 3);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

/* Looks, from within a write, whether the lock is held. */
static void expect_locked(void *arg, const char *data, size_t len)
{
	struct rs_sim_usage usage;

	(void)data;
	(void)len;
	rs_sim_usage(arg, &usage);
	ck_assert(usage.locked);
}

START_TEST(changes_are_made_under_the_lock)
{
	struct rs_tids tids = fixture_tids(1, 3);
	struct rs_assign_result res;
	struct rs_sim_usage usage;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	f.fs.before_write = expect_locked;
	f.fs.before_write_arg = f.sim;
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	rs_sim_usage(f.sim, &usage);
	ck_assert(!usage.locked);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

static const struct {
	enum fault_op op;
	int code, want;
} probe_errors[] = {
	{FAULT_IS_RESCTRL, -EACCES, -EACCES}, {FAULT_IS_RESCTRL, -EIO, -EIO},
	{FAULT_IS_RESCTRL, -ENOENT, -ENODEV}, {FAULT_OPEN, -EACCES, -EACCES},
	{FAULT_OPEN, -EPERM, -EACCES},        {FAULT_OPEN, -EROFS, -EROFS},
	{FAULT_STAT, -ENOENT, -EOPNOTSUPP},   {FAULT_STAT, -EACCES, -EACCES},
};

START_TEST(probe_tells_what_is_wrong)
{
	struct fixture f;
	int r;

	fixture_init(&f, NULL);
	ck_assert_int_eq(rs_probe(f.rs, &f.e), 0);
	ck_assert_uint_eq(f.fs.calls[FAULT_WRITE], 0);
	fault_fs_fail(&f.fs, probe_errors[_i].op, NULL, probe_errors[_i].code);
	r = rs_probe(f.rs, &f.e);
	ck_assert_msg(r == probe_errors[_i].want, "%s became %s", err_name(probe_errors[_i].code),
		      err_name(r));
	fixture_done(&f);
}
END_TEST

START_TEST(reasons_cover_every_code)
{
	ck_assert_str_eq(rs_reason(-ENOENT), "GroupLost");
	ck_assert_str_eq(rs_reason(-EXDEV), "WrongControlGroup");
	ck_assert_str_eq(rs_reason(-EIO), "InternalError");
	ck_assert_str_eq(rs_reason(0), "InternalError");
}
END_TEST

START_TEST(many_changes_can_be_made_under_one_lock)
{
	struct rs_tids tids = fixture_tids(1, 3);
	struct rs_assign_result res;
	struct rs_sim_usage usage;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	rs_hold(f.rs);
	ck_assert_uint_eq(f.fs.calls[FAULT_LOCK], 0);
	f.fs.before_write = expect_locked;
	f.fs.before_write_arg = f.sim;
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(f.fs.calls[FAULT_LOCK], 1);
	rs_release(f.rs);
	rs_sim_usage(f.sim, &usage);
	ck_assert(!usage.locked);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(f.fs.calls[FAULT_LOCK], 2);
	rs_release(f.rs);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

/* Somebody else may give it back meanwhile. */
START_TEST(a_lock_that_was_not_to_be_had_is_asked_for_again)
{
	struct rs_sim_usage usage;
	struct fixture f;

	fixture_init(&f, NULL);
	rs_sim_hold_lock(f.sim, true);
	rs_hold(f.rs);
	(void)fixture_mon(&f, "", "a");
	rs_sim_hold_lock(f.sim, false);
	(void)fixture_mon(&f, "", "b");
	rs_sim_usage(f.sim, &usage);
	ck_assert(usage.locked);
	rs_release(f.rs);
	rs_sim_usage(f.sim, &usage);
	ck_assert(!usage.locked);
	fixture_done(&f);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl groups");
	TCase *tc = tcase_create("groups");

	tcase_add_test(tc, a_group_is_made_below_mon_groups_with_one_mkdir);
	tcase_add_test(tc, a_group_that_is_there_is_adopted_with_its_rmid);
	tcase_add_test(tc, what_is_there_and_is_no_group_is_not_adopted);
	tcase_add_test(tc, a_control_group_is_made_at_the_root);
	tcase_add_loop_test(tc, every_mkdir_error_has_its_code_and_reason, 0,
			    ARRAY_LEN(mkdir_errors));
	tcase_add_test(tc, no_rmid_left_is_told_in_the_kernels_words);
	tcase_add_loop_test(tc, the_kernels_words_are_quoted_on_one_printable_line, 0,
			    ARRAY_LEN(words));
	tcase_add_test(tc, without_a_mount_everything_is_ENODEV);
	tcase_add_test(tc, a_remount_loses_the_groups);
	tcase_add_test(tc, a_kernel_that_cannot_monitor_is_unsupported);
	tcase_add_test(tc, EPERM_of_mkdir_without_L3_MON_is_unsupported);
	tcase_add_test(tc, a_read_only_tree_is_told_as_such);
	tcase_add_test(tc, a_group_below_a_parent_that_is_gone_is_ENOENT);
	tcase_add_test(tc, a_group_that_cannot_be_identified_is_removed_again);
	tcase_add_test(tc, deleting_twice_is_success);
	tcase_add_loop_test(tc, every_rmdir_error_has_its_code, 0, ARRAY_LEN(rmdir_errors));
	tcase_add_test(tc, a_replaced_group_is_another_one);
	tcase_add_test(tc, a_group_moves_with_its_identity);
	tcase_add_test(tc, a_group_is_found_below_any_control_group_but_the_roots);
	tcase_add_test(tc, a_kernel_without_rename_cannot_move);
	tcase_add_test(tc, a_held_lock_delays_nothing);
	tcase_add_test(tc, changes_are_made_under_the_lock);
	tcase_add_test(tc, many_changes_can_be_made_under_one_lock);
	tcase_add_test(tc, a_lock_that_was_not_to_be_had_is_asked_for_again);
	tcase_add_loop_test(tc, probe_tells_what_is_wrong, 0, ARRAY_LEN(probe_errors));
	tcase_add_test(tc, reasons_cover_every_code);
	suite_add_tcase(s, tc);
	return s;
}
