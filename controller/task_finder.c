/* SPDX-License-Identifier: Apache-2.0 */
#include "task_finder.h"

#include "task_finder_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* ---- the threads of a cgroup --------------------------------------------------------------- */

struct listing {
	const struct task_finder *f;
	struct rs_tids *tids;
};

static int add_process(void *arg, pid_t pid, struct err *e)
{
	const struct listing *l = arg;
	AUTO_CLOSE int task = -1;
	int r = finder_open_task(l->f, pid, &task);

	if (r == 0)
		r = finder_add_threads(task, l->tids, e);
	else if (r != -ESRCH)
		return err_sys(e, r, "open process %d", (int)pid);
	return r == -ESRCH ? 0 : r;
}

/*
 * v2 has cgroup.threads since 4.14, which also works in a threaded cgroup, where cgroup.procs
 * does not; v1 has tasks.
 */
static int list_cgroup(void *arg, int fd, const char *name, struct err *e)
{
	struct listing *l = arg;
	int r = finder_read_ids(fd, "cgroup.threads", finder_add_id, l->tids, e);

	(void)name;
	if (r == -ENOENT)
		r = finder_read_ids(fd, "tasks", finder_add_id, l->tids, e);
	if (r == -ENOENT)
		r = finder_read_ids(fd, "cgroup.procs", add_process, l, e);
	return r;
}

static int list_by_cgroup(struct task_finder *f, const struct core_task_query *q,
			  struct rs_tids *ret, struct err *e)
{
	struct listing l = {f, ret};
	struct finder_dir dir = {.fd = -1};
	size_t dirs_left = FINDER_DIRS_MAX, before = ret->nr;
	int r;

	if (finder_list_simple(f, q, ret))
		return 0;
	ret->nr = before;
	r = finder_locate(f, q, &dir, e);
	if (r < 0)
		return r;
	r = finder_tree(&dir.fd, &dirs_left, list_cgroup, &l, e);
	if (r < 0)
		err_prefix(e, "cgroup '%.200s'", dir.path);
	return r;
}

/* -ESRCH, -ENOENT: no such process, or not of this container. */
static int list_init(const struct task_finder *f, const struct core_task_query *q,
		     struct rs_tids *ret, struct err *e)
{
	char path[CGROUP_PATH_MAX];
	AUTO_CLOSE int task = -1;
	int r = finder_open_task(f, q->init_pid, &task);

	if (r == 0)
		r = finder_task_cgroup(task, q->container_id, path);
	if (r < 0)
		return err_sys(e, r, "look at init %d", (int)q->init_pid);
	return finder_add_threads(task, ret, e);
}

/* ---- what the core calls --------------------------------------------------------------------- */

static int op_list(void *ctx, const struct core_task_query *q, struct rs_tids *ret, struct err *e)
{
	struct task_finder *f = ctx;
	size_t before = ret->nr;
	int r = cgroup_check_id(q->container_id, e);

	if (r < 0)
		return r;
	if (q->init_only && q->init_pid > 1) {
		r = list_init(f, q, ret, e);
		if (r < 0)
			ret->nr = before;
	}
	/* Whatever was wrong with init's pid, its tasks are also in its cgroup. */
	if (ret->nr == before && r != -ENOMEM)
		r = list_by_cgroup(f, q, ret, e);
	if (r < 0) {
		ret->nr = before;
		return r;
	}
	rs_tids_sort_unique(ret);
	return 0;
}

/*
 * The slow way is for the daemon's own container, whose tasks the kernel shows as being at
 * "/" when the daemon has a cgroup namespace of its own.
 */
static bool op_is_ours(void *ctx, const struct core_task_query *q, pid_t tid)
{
	struct task_finder *f = ctx;
	struct rs_tids tids = {.nr = 0};
	char path[CGROUP_PATH_MAX];
	AUTO_CLOSE int task = -1;
	bool found;

	if (tid <= 0 || cgroup_check_id(q->container_id, NULL) < 0 ||
	    finder_open_task(f, tid, &task) < 0)
		return false;
	if (finder_task_cgroup(task, q->container_id, path) == 0)
		return true;
	if (list_by_cgroup(f, q, &tids, NULL) == 0)
		rs_tids_sort_unique(&tids);
	else
		tids.nr = 0;
	found = rs_tids_has(&tids, tid);
	rs_tids_done(&tids);
	return found;
}

const struct core_task_ops task_finder_ops = {
	.list = op_list,
	.is_ours = op_is_ours,
	.release = finder_release,
	.control_group = finder_control_group,
};

/* ---- life -------------------------------------------------------------------------------------
 */

static int open_root(const char *path, int *ret_fd, struct err *e)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, -errno, "open '%.300s'", path);
	*ret_fd = fd;
	return 0;
}

int task_finder_new(const struct task_finder_config *config, struct task_finder **ret,
		    struct err *e)
{
	const char *cgroup_root = config->cgroup_root ? config->cgroup_root : "/sys/fs/cgroup";
	const char *proc_root = config->proc_root ? config->proc_root : "/proc";
	struct task_finder *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return err_set(e, -ENOMEM, "task finder: out of memory");
	f->cgroup_fd = f->proc_fd = f->kept_fd = -1;
	f->cgroup_root = strdup(cgroup_root);
	r = f->cgroup_root ? open_root(cgroup_root, &f->cgroup_fd, e)
			   : err_set(e, -ENOMEM, "task finder: out of memory");
	if (r == 0)
		r = open_root(proc_root, &f->proc_fd, e);
	if (r < 0) {
		task_finder_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void task_finder_free(struct task_finder *finder)
{
	if (!finder)
		return;
	finder_release(finder);
	if (finder->cgroup_fd >= 0)
		(void)close(finder->cgroup_fd);
	if (finder->proc_fd >= 0)
		(void)close(finder->proc_fd);
	free(finder->cgroup_root);
	free(finder);
}
