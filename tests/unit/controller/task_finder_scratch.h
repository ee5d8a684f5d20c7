/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A finder on a scratch directory tree, for the programs that test it: cg/ stands for the
 * cgroup file system and proc/ for /proc. Also counts that no descriptor is left open.
 */

#include "unit/runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <task_finder.h>

#define ID    "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"
#define POD   "kubepods-burstable-pod1a2b.slice"
#define SLICE "kubepods.slice/kubepods-burstable.slice/" POD
#define SCOPE SLICE "/cri-containerd-" ID ".scope"
#define FS    "kubepods/burstable/pod1a2b/" ID

static char root[64];
static struct task_finder *finder;
static struct rs_tids tids;
static struct err e; /* of the last call */
static int nr_fds;

/* ---- scratch trees --------------------------------------------------------------------- */

static inline const char *at(const char *name)
{
	static char path[8192];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

/* mkdir -p of everything before the last slash of NAME, or of all of it when IS_DIR. */
static inline void make_dirs(const char *name, bool is_dir)
{
	char part[4096];

	for (size_t i = 0; i <= strlen(name); i++) {
		if (name[i] != '/' && (name[i] || !is_dir))
			continue;
		memcpy(part, name, i);
		part[i] = '\0';
		if (i > 0)
			ck_assert(mkdir(at(part), 0755) == 0 || errno == EEXIST);
	}
}

static inline void put_text(const char *name, const char *text, size_t len)
{
	int fd;

	make_dirs(name, false);
	fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_msg(fd >= 0, "%s", name);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

/* "NAME=TEXT" is a file, "NAME->TARGET" a symbolic link, "NAME/" a directory. */
static inline void put(const char *what)
{
	const char *equals = strchr(what, '=');
	const char *arrow = strstr(what, "->");
	char name[4096];

	if (equals) {
		snprintf(name, sizeof(name), "%.*s", (int)(equals - what), what);
		put_text(name, equals + 1, strlen(equals + 1));
	} else if (arrow) {
		snprintf(name, sizeof(name), "%.*s", (int)(arrow - what), what);
		make_dirs(name, false);
		ck_assert_int_eq(symlink(arrow + 2, at(name)), 0);
	} else {
		make_dirs(what, false);
	}
}

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void setup(void)
{
	struct task_finder_config config = {0};
	char cgroup_root[80], proc_root[80];

	snprintf(root, sizeof(root), "/tmp/test_task_finder.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	make_dirs("cg", true);
	make_dirs("proc", true);
	snprintf(cgroup_root, sizeof(cgroup_root), "%s/cg", root);
	snprintf(proc_root, sizeof(proc_root), "%s/proc", root);
	config.cgroup_root = cgroup_root;
	config.proc_root = proc_root;
	nr_fds = count_fds();
	ck_assert_int_eq(task_finder_new(&config, &finder, &e), 0);
}

static inline void teardown(void)
{
	task_finder_free(finder);
	rs_tids_done(&tids);
	memset(&e, 0, sizeof(e));
	ck_assert_int_eq(count_fds(), nr_fds);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- asking ------------------------------------------------------------------------------- */

static inline const char *found(void)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < tids.nr && len < sizeof(text) - 16; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", i ? " " : "",
					(int)tids.tid[i]);
	return text;
}

static inline int list(const struct core_task_query *q)
{
	return task_finder_ops.list(finder, q, &tids, &e);
}

static inline void expect(const struct core_task_query *q, const char *want)
{
	int r = list(q);

	ck_assert_msg(r == 0, "%s: %s", err_name(r), e.msg);
	ck_assert_str_eq(found(), want);
}

static inline void expect_error(const struct core_task_query *q, int want, const char *words)
{
	int r = list(q);

	ck_assert_msg(r == want, "%s: %s", err_name(r), e.msg);
	ck_assert_int_eq(e.code, want);
	ck_assert_msg(strstr(e.msg, words) != NULL, "'%s' does not say '%s'", e.msg, words);
	ck_assert_uint_eq(tids.nr, 0);
}
