/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_node.h"
#include "list.h"
#include "strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX    (1u << 20)
#define THREADS_MAX 65536u

struct process {
	struct list link;
	char *cgroup;
	uint32_t pid;
	unsigned nr_threads;
};

struct fake_node {
	int cgroup_fd, proc_fd;
	struct list processes;
	uint32_t next_pid;
};

static const char *const cgroup_files[] = {"cgroup.procs", "cgroup.threads", "cgroup.controllers"};

static int write_file(int dir_fd, const char *dir, const char *name, const char *text,
		      struct err *e)
{
	AUTO_STRBUF struct strbuf path, tmp;
	AUTO_CLOSE int fd = -1;

	strbuf_init(&path, FILE_MAX);
	strbuf_init(&tmp, FILE_MAX);
	(void)strbuf_addf(&path, "%s/%s", dir, name);
	(void)strbuf_addf(&tmp, "%s/.%s", dir, name);
	fd = openat(dir_fd, strbuf_str(&tmp), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    renameat(dir_fd, strbuf_str(&tmp), dir_fd, strbuf_str(&path)) < 0)
		return err_sys(e, -errno, "write '%s'", strbuf_str(&path));
	return 0;
}

static int make_dir(int dir_fd, const char *path, struct err *e)
{
	if (mkdirat(dir_fd, path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, -errno, "mkdir '%s'", path);
	return 0;
}

/* ---- life ---- */

static int open_dir(const char *dir, const char *name, int *ret_fd, struct err *e)
{
	AUTO_STRBUF struct strbuf path;
	int fd;

	strbuf_init(&path, FILE_MAX);
	(void)strbuf_addf(&path, "%s/%s", dir, name);
	if (make_dir(AT_FDCWD, strbuf_str(&path), e) < 0)
		return -errno;
	fd = open(strbuf_str(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "open '%s'", strbuf_str(&path));
	*ret_fd = fd;
	return 0;
}

int fake_node_new(const char *dir, struct fake_node **ret, struct err *e)
{
	struct fake_node *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return err_set(e, -ENOMEM, "fake node: out of memory");
	n->cgroup_fd = n->proc_fd = -1;
	n->next_pid = FAKE_NODE_FIRST_PID;
	list_init(&n->processes);
	r = open_dir(dir, "cgroup", &n->cgroup_fd, e);
	if (r == 0)
		r = open_dir(dir, "proc", &n->proc_fd, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(cgroup_files); i++)
		r = write_file(n->cgroup_fd, ".", cgroup_files[i], "", e);
	if (r < 0) {
		fake_node_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

static void free_process(struct process *p)
{
	list_del(&p->link);
	free(p->cgroup);
	free(p);
}

void fake_node_free(struct fake_node *n)
{
	if (!n)
		return;
	list_for_each_safe (it, next, &n->processes)
		free_process(list_entry(it, struct process, link));
	if (n->cgroup_fd >= 0)
		(void)close(n->cgroup_fd);
	if (n->proc_fd >= 0)
		(void)close(n->proc_fd);
	free(n);
}

/* ---- cgroups ---- */

int fake_node_add_cgroup(struct fake_node *n, const char *path, struct err *e)
{
	AUTO_FREE char *part = strdup(path);
	int r = 0;

	if (!part || part[0] != '/')
		return err_set(e, -EINVAL, "cgroup '%s'", path);
	for (char *end = part; r == 0 && end;) {
		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		r = make_dir(n->cgroup_fd, part + 1, e);
		for (size_t i = 0; r == 0 && i < ARRAY_LEN(cgroup_files); i++) {
			AUTO_STRBUF struct strbuf file;

			strbuf_init(&file, FILE_MAX);
			(void)strbuf_addf(&file, "%s/%s", part + 1, cgroup_files[i]);
			if (faccessat(n->cgroup_fd, strbuf_str(&file), F_OK, 0) < 0)
				r = write_file(n->cgroup_fd, part + 1, cgroup_files[i], "", e);
		}
		if (end)
			*end = '/';
	}
	return r;
}

/* Write the lists of processes and threads of cgroup PATH anew. */
static int write_members(struct fake_node *n, const char *path, struct err *e)
{
	AUTO_STRBUF struct strbuf procs, threads;
	int r;

	strbuf_init(&procs, FILE_MAX);
	strbuf_init(&threads, FILE_MAX);
	list_for_each (it, &n->processes) {
		const struct process *p = list_entry(it, struct process, link);

		if (strcmp(p->cgroup, path) != 0)
			continue;
		(void)strbuf_addf(&procs, "%u\n", p->pid);
		for (unsigned i = 0; i < p->nr_threads; i++)
			(void)strbuf_addf(&threads, "%u\n", p->pid + i);
	}
	if (procs.error || threads.error)
		return err_set(e, -EFBIG, "cgroup '%s': too many threads", path);
	r = write_file(n->cgroup_fd, path + 1, "cgroup.threads", strbuf_str(&threads), e);
	return r < 0 ? r
		     : write_file(n->cgroup_fd, path + 1, "cgroup.procs", strbuf_str(&procs), e);
}

int fake_node_remove_cgroup(struct fake_node *n, const char *path, struct err *e)
{
	int r = fake_node_end_processes(n, path, e);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(cgroup_files); i++) {
		AUTO_STRBUF struct strbuf file;

		strbuf_init(&file, FILE_MAX);
		(void)strbuf_addf(&file, "%s/%s", path + 1, cgroup_files[i]);
		(void)unlinkat(n->cgroup_fd, strbuf_str(&file), 0);
	}
	if (r == 0 && unlinkat(n->cgroup_fd, path + 1, AT_REMOVEDIR) < 0)
		return err_sys(e, -errno, "rmdir '%s'", path);
	return r;
}

/* ---- processes ---- */

/* proc/TID for every thread, as the kernel has it, and proc/PID/task with all of them. */
static int write_thread(struct fake_node *n, const struct process *p, uint32_t tid, struct err *e)
{
	AUTO_STRBUF struct strbuf dir, task, cgroup, stat;
	int r;

	strbuf_init(&dir, FILE_MAX);
	strbuf_init(&task, FILE_MAX);
	strbuf_init(&cgroup, FILE_MAX);
	strbuf_init(&stat, FILE_MAX);
	(void)strbuf_addf(&dir, "%u", tid);
	(void)strbuf_addf(&task, "%u/task", p->pid);
	(void)strbuf_addf(&cgroup, "0::%s\n", p->cgroup);
	(void)strbuf_addf(&stat,
			  "%u (app) S 1 %u %u 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 %u 0 %u 0 0\n", tid,
			  p->pid, p->pid, p->nr_threads, p->pid);
	r = make_dir(n->proc_fd, strbuf_str(&dir), e);
	if (r == 0)
		r = make_dir(n->proc_fd, strbuf_str(&task), e);
	(void)strbuf_addf(&task, "/%u", tid);
	if (r == 0)
		r = make_dir(n->proc_fd, strbuf_str(&task), e);
	if (r == 0)
		r = write_file(n->proc_fd, strbuf_str(&dir), "stat", strbuf_str(&stat), e);
	if (r == 0)
		r = write_file(n->proc_fd, strbuf_str(&dir), "cgroup", strbuf_str(&cgroup), e);
	return r;
}

static void remove_entry(struct fake_node *n, int flags, uint32_t id, const char *rest)
{
	AUTO_STRBUF struct strbuf path;

	strbuf_init(&path, FILE_MAX);
	(void)strbuf_addf(&path, "%u%s", id, rest);
	(void)unlinkat(n->proc_fd, strbuf_str(&path), flags);
}

static void remove_process(struct fake_node *n, struct process *p)
{
	for (uint32_t tid = p->pid; tid < p->pid + p->nr_threads; tid++) {
		char task[32];

		(void)snprintf(task, sizeof(task), "/task/%u", tid);
		remove_entry(n, AT_REMOVEDIR, p->pid, task);
		remove_entry(n, 0, tid, "/stat");
		remove_entry(n, 0, tid, "/cgroup");
	}
	remove_entry(n, AT_REMOVEDIR, p->pid, "/task");
	for (uint32_t tid = p->pid; tid < p->pid + p->nr_threads; tid++)
		remove_entry(n, AT_REMOVEDIR, tid, "");
	free_process(p);
}

int fake_node_add_process(struct fake_node *n, const char *path, unsigned nr_threads,
			  uint32_t *ret_pid, struct err *e)
{
	struct process *p;
	int r = 0;

	if (nr_threads == 0 || nr_threads > THREADS_MAX)
		return err_set(e, -EINVAL, "%u threads: want 1 to %u", nr_threads, THREADS_MAX);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, -ENOMEM, "fake node: out of memory");
	list_append(&n->processes, &p->link);
	p->pid = n->next_pid;
	p->nr_threads = nr_threads;
	n->next_pid += nr_threads;
	p->cgroup = strdup(path);
	if (!p->cgroup)
		r = err_set(e, -ENOMEM, "fake node: out of memory");
	for (unsigned i = 0; r == 0 && i < nr_threads; i++)
		r = write_thread(n, p, p->pid + i, e);
	if (r == 0)
		r = write_members(n, path, e);
	if (r < 0) {
		remove_process(n, p);
		return r;
	}
	*ret_pid = p->pid;
	return 0;
}

int fake_node_end_processes(struct fake_node *n, const char *path, struct err *e)
{
	list_for_each_safe (it, next, &n->processes) {
		struct process *p = list_entry(it, struct process, link);

		if (strcmp(p->cgroup, path) == 0)
			remove_process(n, p);
	}
	return write_members(n, path, e);
}
