/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <attr.h>
#include <errno.h>
#include <pid_namespace.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static const char *const dirs[] = {"/self", "/self/ns"};

static const char *at(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return path;
}

static void setup(void)
{
	snprintf(root, sizeof(root), "/tmp/test_pid_namespace.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		ck_assert_int_eq(mkdir(at(dirs[i]), 0755), 0);
}

static void teardown(void)
{
	(void)unlink(at("/self/ns/pid"));
	for (size_t i = ARRAY_LEN(dirs); i-- > 0;)
		(void)rmdir(at(dirs[i]));
	ck_assert_int_eq(rmdir(root), 0);
}

static int check_link(const char *target, struct err *e)
{
	ck_assert_int_eq(symlink(target, at("/self/ns/pid")), 0);
	return pid_namespace_check(root, e);
}

START_TEST(the_initial_namespace_passes)
{
	struct err e = {0};

	ck_assert_int_eq(check_link("pid:[4026531836]", &e), 0);
}
END_TEST

START_TEST(another_namespace_is_refused_with_what_to_do)
{
	struct err e = {0};

	ck_assert_int_eq(check_link("pid:[4026532577]", &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.msg, "hostPID: true"));
	ck_assert_ptr_nonnull(strstr(e.msg, "--pid-namespace-check=off"));
	ck_assert_ptr_nonnull(strstr(e.msg, "pid:[4026532577]"));
}
END_TEST

START_TEST(a_longer_number_is_another_namespace)
{
	ck_assert_int_eq(check_link("pid:[40265318361]", NULL), -EPERM);
}
END_TEST

START_TEST(a_proc_that_does_not_tell_is_an_error)
{
	struct err e = {0};
	char long_root[8192];

	ck_assert_int_eq(pid_namespace_check(root, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, root));
	memset(long_root, 'x', sizeof(long_root) - 1);
	long_root[sizeof(long_root) - 1] = '\0';
	ck_assert_int_eq(pid_namespace_check(long_root, &e), -ENAMETOOLONG);
}
END_TEST

START_TEST(the_real_proc_agrees_with_its_own_inode)
{
	struct stat st;
	struct err e = {0};

	if (stat("/proc/self/ns/pid", &st) < 0) {
		skip_test("the_real_proc_agrees_with_its_own_inode", "no /proc/self/ns/pid");
		return;
	}
	ck_assert_int_eq(pid_namespace_check("/proc", &e), st.st_ino == 0xEFFFFFFCu ? 0 : -EPERM);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("pid_namespace");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_initial_namespace_passes);
	tcase_add_test(tc, another_namespace_is_refused_with_what_to_do);
	tcase_add_test(tc, a_longer_number_is_another_namespace);
	tcase_add_test(tc, a_proc_that_does_not_tell_is_an_error);
	tcase_add_test(tc, the_real_proc_agrees_with_its_own_inode);
	suite_add_tcase(s, tc);
	return s;
}
