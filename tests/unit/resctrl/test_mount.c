/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include "resctrl_real.h"

#include <errno.h>

#define OTHER "22 1 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"

struct mounts {
	struct scratch s;
	char root[256], proc[256];
	struct rs_mount_env env;
	unsigned calls;
	int code;
	bool takes_effect;
	struct err e;
};

static void write_table(struct mounts *m, const char *text)
{
	scratch_write(&m->s, "proc/self/mountinfo", "%s", text);
}

/* A line of the table for resctrl at WHERE. */
static void write_mount(struct mounts *m, const char *where, const char *options,
			const char *super_options)
{
	scratch_write(&m->s, "proc/self/mountinfo",
		      OTHER "40 22 0:35 / %s %s shared:9 master:2 - resctrl resctrl %s\n" OTHER,
		      where, options, super_options);
}

static int fake_mount(void *ctx, const char *target)
{
	struct mounts *m = ctx;

	m->calls++;
	ck_assert_str_eq(target, m->root);
	if (m->takes_effect)
		write_mount(m, m->root, "rw", "rw");
	return m->code;
}

static void mounts_init(struct mounts *m)
{
	memset(m, 0, sizeof(*m));
	scratch_init(&m->s);
	scratch_mkdir(&m->s, "proc");
	scratch_mkdir(&m->s, "proc/self");
	scratch_mkdir(&m->s, "root");
	scratch_write(&m->s, "root/tasks", "1\n");
	snprintf(m->root, sizeof(m->root), "%s/root", m->s.dir);
	snprintf(m->proc, sizeof(m->proc), "%s/proc", m->s.dir);
	m->env = (struct rs_mount_env){.proc_root = m->proc, .mount = fake_mount, .ctx = m};
	m->takes_effect = true;
	write_table(m, OTHER);
}

START_TEST(no_resctrl_in_the_table_is_not_mounted)
{
	static const char *const tables[] = {
		"",
		"\n",
		OTHER,
		"garbage\n",
		"1 2 3 4 5\n",
		"40 22 0:35 / /x rw shared:9\n",
		"40 22 0:35 / /x rw - resctrlx resctrl rw\n",
		"40 22 0:35 / /resctrl rw - tmpfs resctrl rw\n",
		"40 22 0:35 / /x rw - resctrl",
	};
	struct rs_mount m = {.state = RS_MOUNT_HERE};
	struct mounts t;

	mounts_init(&t);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		write_table(&t, tables[i]);
		ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), 0);
		ck_assert_int_eq(m.state, RS_MOUNT_NONE);
		ck_assert_str_eq(m.where, "");
		ck_assert(!m.writable);
	}
	scratch_done(&t.s);
}
END_TEST

START_TEST(a_missing_table_is_ENOENT_with_its_path)
{
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	ck_assert_int_eq(unlink(scratch_path(&t.s, "proc/self/mountinfo")), 0);
	ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(t.e.msg, t.s.path));
	ck_assert_int_eq(rs_mount_ensure(&t.env, t.root, true, &m, &t.e), -ENOENT);
	ck_assert_uint_eq(t.calls, 0);
	scratch_done(&t.s);
}
END_TEST

START_TEST(an_unreadable_table_is_told)
{
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	ck_assert_int_eq(unlink(scratch_path(&t.s, "proc/self/mountinfo")), 0);
	scratch_mkdir(&t.s, "proc/self/mountinfo");
	ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), -EISDIR);
	ck_assert_ptr_nonnull(strstr(t.e.msg, t.s.path));
	scratch_done(&t.s);
}
END_TEST

START_TEST(a_writable_mount_at_the_root_is_found)
{
	char slashes[300];
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	write_mount(&t, t.root, "rw,relatime", "rw,cdp");
	ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), 0);
	ck_assert_int_eq(m.state, RS_MOUNT_HERE);
	ck_assert(m.writable);
	ck_assert_str_eq(m.where, t.root);
	snprintf(slashes, sizeof(slashes), "%s//", t.root);
	ck_assert_int_eq(rs_mount_detect(&t.env, slashes, &m, &t.e), 0);
	ck_assert_int_eq(m.state, RS_MOUNT_HERE);
	scratch_done(&t.s);
}
END_TEST

START_TEST(a_mount_whose_tasks_do_not_open_is_not_writable)
{
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	write_mount(&t, t.root, "rw", "rw");
	ck_assert_int_eq(unlink(scratch_path(&t.s, "root/tasks")), 0);
	ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), 0);
	ck_assert_int_eq(m.state, RS_MOUNT_HERE);
	ck_assert(!m.writable);
	scratch_done(&t.s);
}
END_TEST

START_TEST(a_read_only_mount_is_not_writable)
{
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	write_mount(&t, t.root, "ro,relatime", "rw");
	ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), 0);
	ck_assert(!m.writable);
	write_mount(&t, t.root, "rw", "cdp,ro");
	ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), 0);
	ck_assert(!m.writable);
	write_mount(&t, t.root, "rw,nodirtime,rover", "rw,pro");
	ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), 0);
	ck_assert(m.writable);
	scratch_done(&t.s);
}
END_TEST

START_TEST(octal_escapes_of_the_table_are_read)
{
	char root[300], escaped[400];
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	snprintf(root, sizeof(root), "%s/a b\tc\\d", t.s.dir);
	snprintf(escaped, sizeof(escaped), "%s/a\\040b\\011c\\134d", t.s.dir);
	write_mount(&t, escaped, "rw", "rw");
	ck_assert_int_eq(rs_mount_detect(&t.env, root, &m, &t.e), 0);
	ck_assert_int_eq(m.state, RS_MOUNT_HERE);
	ck_assert_str_eq(m.where, root);
	/* What only looks like an escape stays as it is. */
	write_mount(&t, "/x\\04", "rw", "rw");
	ck_assert_int_eq(rs_mount_detect(&t.env, "/x\\04", &m, &t.e), 0);
	ck_assert_int_eq(m.state, RS_MOUNT_HERE);
	scratch_done(&t.s);
}
END_TEST

START_TEST(a_mount_elsewhere_is_told_and_not_taken)
{
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	write_mount(&t, "/mnt/resctrl", "rw", "rw");
	ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), 0);
	ck_assert_int_eq(m.state, RS_MOUNT_ELSEWHERE);
	ck_assert_str_eq(m.where, "/mnt/resctrl");
	ck_assert_int_eq(rs_mount_ensure(&t.env, t.root, true, &m, &t.e), -EBUSY);
	ck_assert_ptr_nonnull(strstr(t.e.msg, "'/mnt/resctrl'"));
	ck_assert_uint_eq(t.calls, 0);
	scratch_done(&t.s);
}
END_TEST

START_TEST(of_two_mounts_the_one_at_the_root_counts)
{
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	for (int i = 0; i < 2; i++) {
		scratch_write(
			&t.s, "proc/self/mountinfo",
			"40 22 0:35 / %s rw - resctrl a rw\n41 22 0:35 / %s rw - resctrl a rw\n",
			i ? t.root : "/mnt/resctrl", i ? "/mnt/resctrl" : t.root);
		ck_assert_int_eq(rs_mount_detect(&t.env, t.root, &m, &t.e), 0);
		ck_assert_int_eq(m.state, RS_MOUNT_HERE);
		ck_assert_str_eq(m.where, t.root);
	}
	scratch_done(&t.s);
}
END_TEST

START_TEST(not_mounted_and_not_told_to_mount_is_ENODEV)
{
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	ck_assert_int_eq(rs_mount_ensure(&t.env, t.root, false, &m, &t.e), -ENODEV);
	ck_assert_uint_eq(t.calls, 0);
	scratch_done(&t.s);
}
END_TEST

START_TEST(mounting_makes_the_directory_and_is_seen_afterwards)
{
	struct rs_mount m;
	struct mounts t;
	struct stat st;

	mounts_init(&t);
	ck_assert_int_eq(unlink(scratch_path(&t.s, "root/tasks")), 0);
	ck_assert_int_eq(rmdir(t.root), 0);
	ck_assert_int_eq(rs_mount_ensure(&t.env, t.root, true, &m, &t.e), 0);
	ck_assert_uint_eq(t.calls, 1);
	ck_assert_int_eq(stat(t.root, &st), 0);
	ck_assert_int_eq(m.state, RS_MOUNT_HERE);
	ck_assert_str_eq(m.where, t.root);
	/* Again: nothing to do, told to mount or not. */
	ck_assert_int_eq(rs_mount_ensure(&t.env, t.root, true, &m, &t.e), 0);
	ck_assert_int_eq(rs_mount_ensure(&t.env, t.root, false, &m, &t.e), 0);
	ck_assert_uint_eq(t.calls, 1);
	scratch_done(&t.s);
}
END_TEST

START_TEST(a_mount_without_effect_is_EIO)
{
	struct rs_mount m = {.state = RS_MOUNT_ELSEWHERE};
	struct mounts t;

	mounts_init(&t);
	t.takes_effect = false;
	ck_assert_int_eq(rs_mount_ensure(&t.env, t.root, true, &m, &t.e), -EIO);
	ck_assert_ptr_nonnull(strstr(t.e.msg, "no effect"));
	ck_assert_int_eq(m.state, RS_MOUNT_ELSEWHERE);
	scratch_done(&t.s);
}
END_TEST

static const struct {
	int code, want;
	const char *words;
} mount_errors[] = {
	{-EPERM, -EACCES, "not allowed"},
	{-EACCES, -EACCES, "not allowed"},
	{-ENODEV, -EOPNOTSUPP, "has no resctrl"},
	{-EINVAL, -EOPNOTSUPP, "has no resctrl"},
	{-ENOTSUP, -EOPNOTSUPP, "ENOTSUP"},
	{-ENOSYS, -EOPNOTSUPP, "ENOSYS"},
	{-EBUSY, -EBUSY, "HostToContainer"},
	{-EROFS, -EROFS, "EROFS"},
	{-EIO, -EIO, "EIO"},
	{-ENOENT, -EIO, "ENOENT"},
};

START_TEST(every_mount_error_has_its_code)
{
	struct rs_mount m;
	struct mounts t;
	int r;

	mounts_init(&t);
	t.code = mount_errors[_i].code;
	t.takes_effect = false;
	r = rs_mount_ensure(&t.env, t.root, true, &m, &t.e);
	ck_assert_msg(r == mount_errors[_i].want, "%s became %s", err_name(t.code), err_name(r));
	ck_assert_int_eq(t.e.code, r);
	if (t.code != -ENOTSUP) /* it has two names */
		ck_assert_msg(strstr(t.e.msg, mount_errors[_i].words), "%s", t.e.msg);
	scratch_done(&t.s);
}
END_TEST

START_TEST(a_root_that_is_no_absolute_path_is_refused)
{
	struct rs_mount m;
	struct mounts t;

	mounts_init(&t);
	ck_assert_int_eq(rs_mount_detect(&t.env, "sys/fs/resctrl", &m, &t.e), -EINVAL);
	ck_assert_int_eq(rs_mount_detect(&t.env, "", &m, &t.e), -EINVAL);
	scratch_done(&t.s);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl mount");
	TCase *tc = tcase_create("mount");

	tcase_add_test(tc, no_resctrl_in_the_table_is_not_mounted);
	tcase_add_test(tc, a_missing_table_is_ENOENT_with_its_path);
	tcase_add_test(tc, an_unreadable_table_is_told);
	tcase_add_test(tc, a_writable_mount_at_the_root_is_found);
	tcase_add_test(tc, a_mount_whose_tasks_do_not_open_is_not_writable);
	tcase_add_test(tc, a_read_only_mount_is_not_writable);
	tcase_add_test(tc, octal_escapes_of_the_table_are_read);
	tcase_add_test(tc, a_mount_elsewhere_is_told_and_not_taken);
	tcase_add_test(tc, of_two_mounts_the_one_at_the_root_counts);
	tcase_add_test(tc, not_mounted_and_not_told_to_mount_is_ENODEV);
	tcase_add_test(tc, mounting_makes_the_directory_and_is_seen_afterwards);
	tcase_add_test(tc, a_mount_without_effect_is_EIO);
	tcase_add_loop_test(tc, every_mount_error_has_its_code, 0, ARRAY_LEN(mount_errors));
	tcase_add_test(tc, a_root_that_is_no_absolute_path_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
