/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The little of a cgroup and a proc file system that the daemon reads, as plain files:
 * CGROUP/<path>/cgroup.threads, PROC/<tid>/cgroup and PROC/<pid>/task/<tid>.
 */

#include "bench.h"
#include "strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int make_dir(const char *path, struct err *e)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, -errno, "mkdir '%s'", path);
	return 0;
}

static int write_file(const char *path, const char *content, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(content);

	if (fd < 0 || write(fd, content, len) != (ssize_t)len)
		return err_sys(e, -errno, "write '%s'", path);
	return 0;
}

/* The directories of PATH below ROOT, one after the other. */
static int make_dirs(const char *root, const char *path, struct err *e)
{
	char full[PATH_MAX];
	int r = make_dir(root, e);

	for (size_t i = 1; r == 0 && path[i - 1]; i++) {
		if (path[i] && path[i] != '/')
			continue;
		(void)snprintf(full, sizeof(full), "%s%.*s", root, (int)i, path);
		r = make_dir(full, e);
	}
	return r;
}

int fake_add_pod(const struct bench *b, const struct nri_pod *pod, struct err *e)
{
	char root[PATH_MAX];

	world_cgroup_root(b, root);
	return make_dirs(root, pod->cgroup_parent, e);
}

static int add_cgroup(const struct bench *b, const struct nri_container *container,
		      unsigned threads, const pid_t *tids, struct err *e)
{
	char root[PATH_MAX], path[PATH_MAX + 256];
	AUTO_STRBUF struct strbuf list;
	int r;

	strbuf_init(&list, 1u << 20);
	for (unsigned i = 0; i < threads; i++)
		(void)strbuf_addf(&list, "%d\n", (int)tids[i]);
	world_cgroup_root(b, root);
	r = make_dirs(root, container->cgroups_path, e);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s%s/cgroup.threads", root, container->cgroups_path);
	return write_file(path, strbuf_str(&list), e);
}

static int add_task(const char *proc, const struct nri_container *container, pid_t pid, pid_t tid,
		    struct err *e)
{
	char path[PATH_MAX], content[512];
	int r;

	(void)snprintf(path, sizeof(path), "/%d/task/%d", (int)pid, (int)tid);
	r = make_dirs(proc, path, e);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/%d", (int)tid);
	r = make_dirs(proc, path, e);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%.3000s/%d/cgroup", proc, (int)tid);
	(void)snprintf(content, sizeof(content), "0::%s\n", container->cgroups_path);
	return write_file(path, content, e);
}

int fake_add_container(const struct bench *b, const struct nri_container *container,
		       unsigned threads, const pid_t *tids, struct err *e)
{
	char proc[PATH_MAX];
	int r = add_cgroup(b, container, threads, tids, e);

	world_proc_root(b, proc);
	for (unsigned i = 0; r == 0 && i < threads; i++)
		r = add_task(proc, container, tids[0], tids[i], e);
	return r;
}
