/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Containers as the kernel sees them: a process with parked threads in a cgroup of its
 * own, below one directory that no kubelet and no container runtime looks at. They never
 * run again after they were made, so they cost no CPU and keep no RMID warm.
 */

#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TOP         "/sys/fs/cgroup/podresctrl-bench"
#define STACK_BYTES 8192
#define THREADS_MAX 16
#define TRIES       200

static void full_path(const char *path, const char *file, char buf[PATH_MAX])
{
	(void)snprintf(buf, PATH_MAX, "/sys/fs/cgroup%s%s", path, file);
}

/* A cgroup whose last task was killed just now may take a moment to be empty. */
static void remove_cgroup(const char *full)
{
	for (unsigned i = 0; i < TRIES && rmdir(full) < 0 && errno == EBUSY; i++)
		pause_ms(5);
}

static void write_text(const char *path, const char *content)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, content, strlen(content));
}

/* What a run that was killed left: its processes died with it, the directories did not. */
static void remove_below(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char child[PATH_MAX];

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		(void)snprintf(child, sizeof(child), "%.3000s/%s", path, entry->d_name);
		remove_below(child);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(path);
}

int cgroup_begin(struct err *e)
{
	struct stat st;

	if (stat("/sys/fs/cgroup/cgroup.controllers", &st) < 0)
		return err_sys(e, -errno, "the benchmark needs cgroup v2");
	if (stat(TOP, &st) == 0) {
		write_text(TOP "/cgroup.kill", "1");
		remove_below(TOP);
	}
	if (mkdir(TOP, 0755) < 0 && errno != EEXIST)
		return err_sys(e, -errno, "mkdir '%s'", TOP);
	return 0;
}

void cgroup_end(void)
{
	remove_cgroup(TOP);
}

int cgroup_add_pod(const struct nri_pod *pod, struct err *e)
{
	char path[PATH_MAX];

	full_path(pod->cgroup_parent, "", path);
	if (mkdir(path, 0755) < 0)
		return err_sys(e, -errno, "mkdir '%s'", path);
	return 0;
}

void cgroup_remove_pod(const struct nri_pod *pod)
{
	char path[PATH_MAX];

	full_path(pod->cgroup_parent, "", path);
	remove_cgroup(path);
}

/* ---- the process ---- */

static void say_tid(int fd)
{
	pid_t tid = gettid();

	(void)!write(fd, &tid, sizeof(tid));
}

static int park(void *arg)
{
	say_tid(*(const int *)arg);
	for (;;)
		(void)pause();
	return 0;
}

/* Threads of the kernel's kind and no more: nothing of libc's is needed to stand still. */
static void become_container(int out_fd, unsigned threads)
{
	static _Alignas(16) char stacks[THREADS_MAX][STACK_BYTES];
	const int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "bench-parked");
	say_tid(out_fd);
	for (unsigned i = 1; i < threads; i++) {
		if (clone(park, stacks[i] + STACK_BYTES, flags, &out_fd) < 0)
			_exit(1);
	}
	for (;;)
		(void)pause();
}

static int read_tids(int fd, unsigned threads, pid_t *tids)
{
	for (unsigned i = 0; i < threads; i++) {
		if (read(fd, &tids[i], sizeof(tids[i])) != (ssize_t)sizeof(tids[i]))
			return -ECHILD;
	}
	return 0;
}

/* As fork(), but the child begins in the cgroup: moving thousands into theirs takes long. */
static pid_t fork_into(int cgroup_fd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup_fd,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int start_container(int cgroup_fd, unsigned threads, pid_t *tids, struct err *e)
{
	int pipes[2], r;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "pipe");
	pid = fork_into(cgroup_fd);
	if (pid == 0) {
		(void)close(pipes[0]);
		become_container(pipes[1], threads);
	}
	(void)close(pipes[1]);
	r = pid < 0 ? -errno : read_tids(pipes[0], threads, tids);
	(void)close(pipes[0]);
	if (pid > 0)
		tids[0] = pid; /* also of one that failed half way: it is to be ended */
	return r < 0 ? err_sys(e, r, "start a container's process") : 0;
}

int cgroup_add_container(const struct nri_container *container, unsigned threads, pid_t *tids,
			 struct err *e)
{
	AUTO_CLOSE int fd = -1;
	char path[PATH_MAX];

	if (threads > THREADS_MAX)
		return err_set(e, -EINVAL, "%u threads in a container", threads);
	full_path(container->cgroups_path, "", path);
	if (mkdir(path, 0755) < 0)
		return err_sys(e, -errno, "mkdir '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "open '%s'", path);
	return start_container(fd, threads, tids, e);
}

void cgroup_remove_container(const struct nri_container *container, pid_t init)
{
	char path[PATH_MAX];

	while (waitpid(init, NULL, 0) < 0 && errno == EINTR)
		;
	full_path(container->cgroups_path, "", path);
	remove_cgroup(path);
}
