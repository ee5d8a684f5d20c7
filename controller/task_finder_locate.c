/* SPDX-License-Identifier: Apache-2.0 */
#include "task_finder_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

/*
 * Hierarchies of v1 and hybrid machines, best first: pids is in every kubelet's set. What is a
 * symbolic link there ("cpu") is also listed under its real name ("cpu,cpuacct").
 */
static const char *const controllers[] = {"pids",   "cpu,cpuacct", "cpu",
					  "memory", "systemd",     "unified"};

/* ---- opening a path below a root ------------------------------------------------------- */

/* In one call, where the kernel (5.6) and the seccomp profile have it; -ENOSYS: they do not. */
static int open_in_one(int root_fd, const char *path, int flags, int *ret_fd)
{
	const struct open_how how = {
		.flags = (unsigned)(O_RDONLY | O_CLOEXEC | flags),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	if (fd < 0)
		return errno == EPERM || errno == EAGAIN ? -ENOSYS : -errno;
	*ret_fd = (int)fd;
	return 0;
}

/* Never through a symbolic link; component by component where openat2() is not to be had. */
static int open_below(int root_fd, const char *path, int *ret_fd)
{
	AUTO_CLOSE int fd = -1;
	int r = *path ? open_in_one(root_fd, path, O_DIRECTORY, ret_fd) : -ENOSYS;

	if (r != -ENOSYS)
		return r;
	while (*path) {
		size_t len = strcspn(path, "/");
		bool is_last = path[len] == '\0';
		char name[NAME_MAX + 1];
		int next;

		if (len >= sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, path, len);
		name[len] = '\0';
		next = openat(fd < 0 ? root_fd : fd, name,
			      (is_last ? O_RDONLY : O_PATH) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		if (fd >= 0)
			(void)close(fd);
		fd = next;
		path += len + !is_last;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int open_failed(const struct task_finder *f, const char *path, int code, struct err *e)
{
	if (code == -ENOENT || code == -ENODEV)
		return err_set(e, -ENOENT, "no cgroup '%.300s' under '%.80s'", path,
			       f->cgroup_root);
	if (code == -ENOTDIR || code == -ELOOP)
		return err_set(e, -EINVAL,
			       "cgroup path '%.300s' leads over something that is no "
			       "directory",
			       path);
	return err_sys(e, code, "open cgroup '%.300s' under '%.80s'", path, f->cgroup_root);
}

/* On v2 the path is below the root itself, on v1 and hybrid below one or more hierarchies. */
static int open_in_any_hierarchy(const struct task_finder *f, const char *path,
				 struct finder_dir *ret, struct err *e)
{
	int r = open_below(f->cgroup_fd, path, &ret->fd);

	for (size_t i = 0; r == -ENOENT && i < ARRAY_LEN(controllers); i++) {
		AUTO_CLOSE int top = openat(f->cgroup_fd, controllers[i],
					    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (top >= 0)
			r = open_below(top, path, &ret->fd);
		else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			r = -errno;
	}
	if (r < 0)
		return open_failed(f, path, r, e);
	if (path != ret->path)
		(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	return 0;
}

/* ---- the usual case ---------------------------------------------------------------------- */

#define THREADS "/" FINDER_THREADS

static bool has_no_children(int root_fd, const char *path)
{
	struct stat st;

	return fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && !finder_has_children(&st);
}

void finder_release(void *finder)
{
	struct task_finder *f = finder;

	if (f->kept_fd >= 0)
		(void)close(f->kept_fd);
	f->kept_fd = -1;
}

/* A cgroup that was removed, and perhaps made anew, cannot be read by what is open of it. */
static bool read_kept(struct task_finder *f, const char *path, struct rs_tids *ret)
{
	size_t before = ret->nr;

	if (f->kept_fd < 0 || strcmp(f->kept_path, path) != 0)
		return false;
	if (finder_read_open_ids(f->kept_fd, FINDER_THREADS, finder_add_id, ret, NULL) == 0)
		return true;
	ret->nr = before;
	return false;
}

static bool read_fresh(struct task_finder *f, const char *path, struct rs_tids *ret)
{
	finder_release(f);
	if (open_in_one(f->cgroup_fd, path, 0, &f->kept_fd) < 0)
		return false;
	(void)stpcpy(f->kept_path, path);
	return finder_read_open_ids(f->kept_fd, FINDER_THREADS, finder_add_id, ret, NULL) == 0;
}

bool finder_list_simple(struct task_finder *f, const struct core_task_query *q, struct rs_tids *ret)
{
	char path[sizeof(f->kept_path)];
	size_t len;

	if (!q->cgroups_path || !*q->cgroups_path ||
	    cgroup_path_from_runtime(q->cgroups_path, q->container_id, path, NULL) < 0)
		return false;
	len = strlen(path);
	memcpy(path + len, THREADS, sizeof(THREADS));
	if (!read_kept(f, path, ret) && !read_fresh(f, path, ret))
		return false;
	path[len] = '\0';
	/* Asked after the reading, as tasks move down: see finder_tree(). */
	return has_no_children(f->cgroup_fd, path);
}

/* ---- searching by name ----------------------------------------------------------------- */

struct search {
	const char *container_id;
	int found_fd;
	size_t dirs_left;
};

static int search_visit(void *arg, int fd, const char *name, struct err *e)
{
	struct search *s = arg;

	(void)e;
	if (!cgroup_name_is_of(name, strlen(name), s->container_id))
		return 0;
	s->found_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return s->found_fd < 0 ? -errno : 1;
}

/* Looks below kubepods* and kubelet* of one hierarchy; what a container is in on any node. */
static int search_hierarchy(struct search *s, int top_fd)
{
	int fd = openat(top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return -errno;
	}
	while (r == 0 && (r = finder_next_entry(dir, &entry)) == 0 && entry) {
		AUTO_CLOSE int child = -1;

		if (strncmp(entry->d_name, "kubepods", 8) != 0 &&
		    strncmp(entry->d_name, "kubelet", 7) != 0)
			continue;
		child = openat(dirfd(dir), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			r = finder_tree(&child, &s->dirs_left, search_visit, s, NULL);
	}
	(void)closedir(dir);
	return r;
}

static int locate_by_search(const struct task_finder *f, const char *container_id,
			    struct finder_dir *ret, struct err *e)
{
	struct search s = {container_id, -1, FINDER_DIRS_MAX};
	int r = search_hierarchy(&s, f->cgroup_fd);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(controllers); i++) {
		AUTO_CLOSE int top = openat(f->cgroup_fd, controllers[i],
					    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (top >= 0)
			r = search_hierarchy(&s, top);
	}
	if (r < 0 && r != -EFBIG)
		return err_sys(e, r, "search '%.80s' for container %.80s", f->cgroup_root,
			       container_id);
	if (r != 1)
		return err_set(e, -ENOENT, "no cgroup of container %.80s under '%.80s'%s",
			       container_id, f->cgroup_root,
			       r == -EFBIG ? " (search given up: too many directories)" : "");
	ret->fd = s.found_fd;
	(void)snprintf(ret->path, sizeof(ret->path), "(found by name)");
	return 0;
}

/* ---- all the ways ------------------------------------------------------------------------ */

static bool is_set(const char *s)
{
	return s && s[0];
}

/* -ENOENT: nothing there, or nothing said; go on with another way. */
static int locate_by_runtime(const struct task_finder *f, const struct core_task_query *q,
			     struct finder_dir *ret, struct err *e)
{
	const char *cgroups_path = is_set(q->cgroups_path) ? q->cgroups_path : "";
	int r = err_set(e, -ENOENT, "the runtime told no cgroup");

	if (cgroups_path[0]) {
		r = cgroup_path_from_runtime(cgroups_path, q->container_id, ret->path, e);
		if (r == 0)
			r = open_in_any_hierarchy(f, ret->path, ret, e);
	}
	if (r == -ENOENT && is_set(q->cgroup_parent) &&
	    cgroup_path_from_parent(q->cgroup_parent, cgroups_path, q->container_id, ret->path,
				    NULL) == 0)
		r = open_in_any_hierarchy(f, ret->path, ret, e);
	return r;
}

/*
 * Where init is. When it lives in the container, but at a path that cannot be followed from
 * here (outside this cgroup namespace, or another prefix), the container does exist and a
 * search is worth its price.
 */
static int locate_by_init(const struct task_finder *f, const struct core_task_query *q,
			  struct finder_dir *ret, struct err *e)
{
	AUTO_CLOSE int task = -1;
	int r = q->init_pid > 1 ? finder_open_task(f, q->init_pid, &task) : -ESRCH;

	if (r == 0)
		r = finder_task_cgroup(task, q->container_id, ret->path);
	if (r < 0)
		return -ENOENT;
	r = open_in_any_hierarchy(f, ret->path, ret, e);
	return r == -ENOENT ? locate_by_search(f, q->container_id, ret, e) : r;
}

int finder_locate(const struct task_finder *f, const struct core_task_query *q,
		  struct finder_dir *ret, struct err *e)
{
	int r = cgroup_check_id(q->container_id, e);

	if (r < 0)
		return r;
	r = locate_by_runtime(f, q, ret, e);
	if (r != -ENOENT)
		return r;
	if (locate_by_init(f, q, ret, NULL) == 0)
		return 0;
	/* Of a container whose path was told and is empty, a search would find nothing either. */
	return is_set(q->cgroups_path) ? r : locate_by_search(f, q->container_id, ret, e);
}
