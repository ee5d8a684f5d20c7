/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_node.h"
#include "strbuf.h"
#include "unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#define CGROUP "/kubepods/podx/c1"

static char dir[] = "/tmp/fake-node-XXXXXX";
static struct fake_node *node;

static int remove_any(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(fake_node_new(dir, &node, NULL), 0);
	ck_assert_int_eq(fake_node_add_cgroup(node, CGROUP, NULL), 0);
}

static void teardown(void)
{
	fake_node_free(node);
	ck_assert_int_eq(nftw(dir, remove_any, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* The file DIR/NAME, or "-" when there is none; valid until the next call. */
static const char *content(const char *name)
{
	static char text[4096], path[256];
	AUTO_CLOSE int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return "-";
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool exists(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

START_TEST(a_process_shows_in_its_cgroup_and_in_proc)
{
	uint32_t first = 0, second = 0;

	ck_assert_str_eq(content("cgroup" CGROUP "/cgroup.threads"), "");
	ck_assert_int_eq(fake_node_add_process(node, CGROUP, 3, &first, NULL), 0);
	ck_assert_int_eq(fake_node_add_process(node, CGROUP, 1, &second, NULL), 0);
	ck_assert_uint_eq(first, 100000);
	ck_assert_uint_eq(second, 100003);
	ck_assert_str_eq(content("cgroup" CGROUP "/cgroup.procs"), "100000\n100003\n");
	ck_assert_str_eq(content("cgroup" CGROUP "/cgroup.threads"),
			 "100000\n100001\n100002\n100003\n");
	ck_assert_str_eq(content("cgroup/kubepods/podx/cgroup.threads"), "");
	ck_assert_str_eq(content("proc/100002/cgroup"), "0::" CGROUP "\n");
	ck_assert(exists("proc/100000/task/100002"));
	ck_assert(!exists("proc/100003/task/100002"));
	ck_assert_int_eq(strncmp(content("proc/100000/stat"), "100000 (app) S ", 15), 0);
}
END_TEST

START_TEST(processes_end_and_the_cgroup_goes)
{
	uint32_t pid;

	ck_assert_int_eq(fake_node_add_process(node, CGROUP, 3, &pid, NULL), 0);
	ck_assert_int_eq(fake_node_end_processes(node, CGROUP, NULL), 0);
	ck_assert(!exists("proc/100000"));
	ck_assert(!exists("proc/100002"));
	ck_assert_str_eq(content("cgroup" CGROUP "/cgroup.threads"), "");
	ck_assert_int_eq(fake_node_remove_cgroup(node, CGROUP, NULL), 0);
	ck_assert(!exists("cgroup" CGROUP));
	ck_assert(exists("cgroup/kubepods/podx"));
	ck_assert_int_eq(fake_node_remove_cgroup(node, "/kubepods/podx", NULL), 0);
	ck_assert_int_eq(fake_node_add_process(node, CGROUP, 0, &pid, NULL), -EINVAL);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("fake node");
	TCase *t = tcase_create("fake node");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_process_shows_in_its_cgroup_and_in_proc);
	tcase_add_test(t, processes_end_and_the_cgroup_goes);
	suite_add_tcase(s, t);
	return s;
}
