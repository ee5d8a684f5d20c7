/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside the task finder: reading files, reading /proc, walking cgroups, finding the one. */

#include "cgroup_path.h"
#include "task_finder.h"

#include <dirent.h>
#include <sys/stat.h>

#define FINDER_THREADS "cgroup.threads"

struct task_finder {
	int cgroup_fd, proc_fd;
	char *cgroup_root; /* for messages */
	/* The list that finder_list_simple() read last, open as it will be read again, or -1. */
	int kept_fd;
	char kept_path[CGROUP_PATH_MAX + sizeof("/" FINDER_THREADS)];
};

/* What keeps a walk finite, whatever a tree looks like. */
#define FINDER_DEPTH_MAX 32    /* levels */
#define FINDER_DIRS_MAX  16384 /* directories */

/* ---- task_finder_read.c ---- */

/*
 * Read the decimal ids of FILE below DIRFD, one a line, and hand each to FN, whose non-zero
 * return ends the reading. In chunks: a cgroup may have 100k threads. Errors: the errno of
 * open and read, but -ENOENT also for a cgroup removed meanwhile; -EIO for a line that is no
 * id, -EPERM for 0.
 */
typedef int finder_id_fn(void *arg, pid_t id, struct err *e);
MUST_CHECK int finder_read_ids(int dirfd, const char *file, finder_id_fn *fn, void *arg,
			       struct err *e);
/* The same of an open one, from its beginning; FILE is its name, for messages. */
MUST_CHECK int finder_read_open_ids(int fd, const char *file, finder_id_fn *fn, void *arg,
				    struct err *e);

/* A finder_id_fn: add to the rs_tids ARG. */
int finder_add_id(void *arg, pid_t id, struct err *e);

/* ---- task_finder_tree.c ---- */

/* Called for a directory and then for those below it; NAME is "" for the first. */
typedef int finder_visit_fn(void *arg, int fd, const char *name, struct err *e);

/*
 * Visit the directory *FD (taken over: closed, and -1 afterwards) and all below it, parents
 * first. A non-zero return of VISIT ends it; -ENOENT of one that is not the first is passed
 * over, as it has gone meanwhile. *DIRS_LEFT is counted down; -EFBIG when it is used up, or
 * the tree too deep.
 */
MUST_CHECK int finder_tree(int *fd, size_t *dirs_left, finder_visit_fn *visit, void *arg,
			   struct err *e);

/* Has a cgroup children, as the link count of its directory tells? True when in doubt. */
bool finder_has_children(const struct stat *st);

/*
 * The next entry but "." and ".."; *RET is NULL at the end, and when the directory has gone
 * meanwhile. Fails with the errno of readdir(): half a listing is none.
 */
MUST_CHECK int finder_next_entry(DIR *dir, const struct dirent **ret);

/* ---- task_finder_proc.c ---- */

/* Open PROC_ROOT/ID. It stays this task's even when its number is used again. -ESRCH. */
MUST_CHECK int finder_open_task(const struct task_finder *f, pid_t id, int *ret_fd);

/* As cgroup_path_from_proc() for an opened task. -ENOENT: it is not of this container. */
MUST_CHECK int finder_task_cgroup(int task_fd, const char *container_id, char buf[CGROUP_PATH_MAX]);

/* Append all threads of an opened process. -ESRCH when it ended. */
MUST_CHECK int finder_add_threads(int task_fd, struct rs_tids *ret, struct err *e);

int finder_control_group(void *ctx, pid_t tid, char *buf, size_t size, struct err *e);

/* ---- task_finder_locate.c ---- */

struct finder_dir {
	int fd;
	char path[CGROUP_PATH_MAX]; /* below the cgroup root; for messages */
};

/*
 * The usual case in the fewest calls: list a cgroup of v2 without children, at the place that
 * the runtime told. False: it is not as simple as that, or something is wrong; finder_locate()
 * knows all the ways and has the words. RET may have got some ids then. The list stays open for
 * the next look, until finder_release().
 */
bool finder_list_simple(struct task_finder *f, const struct core_task_query *q,
			struct rs_tids *ret);
void finder_release(void *finder);

/* Open the container's cgroup directory, by all the ways there are. */
MUST_CHECK int finder_locate(const struct task_finder *f, const struct core_task_query *q,
			     struct finder_dir *ret, struct err *e);
