/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the kernel alone takes: a loop of mkdir, open, write and rmdir over the same pods
 * and the same tasks, and nothing else. Against the simulated backend, which has no kernel
 * to ask, the same loop runs on a plain directory, for a sense of scale.
 */

#include "bench.h"
#include "strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROUND_TRIPS   2000
#define REQUEST_BYTES 1500 /* a container event's length */
#define ANSWER_BYTES  32

struct paths {
	char *group, *tasks;
};

struct run {
	const struct world *w;
	struct paths *paths;  /* one for each pod */
	char **texts;         /* what is written: one for each task, or one for each container */
	size_t per_container; /* writes */
	struct floor *ret;
	bool want_samples;
	int error;
};

static void make_paths(const struct world *w, struct paths *paths)
{
	for (size_t i = 0; i < w->size.pods; i++) {
		const char *uid = w->pods[i].uid;
		char *p = NULL;

		if (w->bench->is_real)
			(void)!asprintf(&p, "/sys/fs/resctrl/mon_groups/" BENCH_PREFIX "%s", uid);
		else
			(void)!asprintf(&p, "%s/floor-%s", w->bench->dir, uid);
		paths[i].group = p;
		if (p && asprintf(&p, "%s/tasks", p) > 0)
			paths[i].tasks = p;
	}
}

static char *list_text(const pid_t *tids, unsigned nr)
{
	struct strbuf s;

	strbuf_init(&s, 1u << 20);
	for (unsigned i = 0; i < nr; i++)
		(void)strbuf_addf(&s, "%s%d", i ? "," : "", (int)tids[i]);
	return strbuf_take(&s);
}

static void make_texts(const struct run *run)
{
	unsigned per_text = run->w->size.threads / (unsigned)run->per_container;

	for (size_t i = 0; i < run->w->nr_containers * run->per_container; i++)
		run->texts[i] = list_text(&run->w->tids[i * per_text], per_text);
}

static void note(const struct run *run, struct samples *s, uint64_t *since)
{
	uint64_t now;

	if (!run->want_samples)
		return;
	now = wall_ns();
	samples_add(s, now - *since);
	*since = wall_ns();
}

static void fail(struct run *run)
{
	if (!run->error)
		run->error = -errno;
}

static void place(struct run *run, size_t pod, size_t container)
{
	/* O_CREAT is for the plain directory; in resctrl the file is there. */
	int flags = run->w->bench->is_real ? O_WRONLY : O_WRONLY | O_CREAT;
	int fd = open(run->paths[pod].tasks, flags | O_CLOEXEC, 0644);

	if (fd < 0) {
		fail(run);
		return;
	}
	for (size_t i = 0; i < run->per_container; i++) {
		const char *text = run->texts[container * run->per_container + i];

		if (write(fd, text, strlen(text)) < 0)
			fail(run);
	}
	(void)close(fd);
}

static void go_up(struct run *run)
{
	uint64_t since = wall_ns();
	size_t per_pod = run->w->size.containers;

	for (size_t i = 0; i < run->w->size.pods; i++) {
		if (mkdir(run->paths[i].group, 0755) < 0)
			fail(run);
		note(run, &run->ret->mkdir, &since);
		for (size_t c = 0; c < per_pod; c++) {
			place(run, i, i * per_pod + c);
			note(run, &run->ret->place, &since);
		}
	}
}

static void go_down(struct run *run)
{
	uint64_t since = wall_ns();

	for (size_t i = 0; i < run->w->size.pods; i++) {
		if (!run->w->bench->is_real)
			(void)unlink(run->paths[i].tasks);
		if (rmdir(run->paths[i].group) < 0)
			fail(run);
		note(run, &run->ret->rmdir, &since);
	}
}

static void measure(struct run *run)
{
	uint64_t wall = wall_ns(), cpu = own_cpu_ns();

	go_up(run);
	keep_least(&run->ret->up_cpu_ms, (double)(own_cpu_ns() - cpu) / 1e6);
	keep_least(&run->ret->up_ms, (double)(wall_ns() - wall) / 1e6);
	go_down(run);
	keep_least(&run->ret->cpu_ms, (double)(own_cpu_ns() - cpu) / 1e6);
}

static void free_run(struct run *run)
{
	for (size_t i = 0; run->paths && i < run->w->size.pods; i++) {
		free(run->paths[i].group);
		free(run->paths[i].tasks);
	}
	for (size_t i = 0; run->texts && i < run->w->nr_containers * run->per_container; i++)
		free(run->texts[i]);
	free(run->paths);
	free(run->texts);
}

int floor_measure(const struct world *w, enum floor_kind kind, struct floor *ret, struct err *e)
{
	struct run run = {.w = w,
			  .per_container = kind == FLOOR_LISTS ? 1 : w->size.threads,
			  .ret = ret,
			  .want_samples = kind == FLOOR_SAMPLED};

	*ret = (struct floor){0};
	say("the bare system calls");
	run.paths = calloc(w->size.pods + 1, sizeof(*run.paths));
	run.texts = calloc(w->nr_containers * run.per_container + 1, sizeof(*run.texts));
	if (!run.paths || !run.texts) {
		free_run(&run);
		return err_set(e, -ENOMEM, "floor: out of memory");
	}
	make_paths(w, run.paths);
	make_texts(&run);
	for (unsigned i = 0; i < (run.want_samples ? 1 : w->bench->rounds) && !run.error; i++) {
		need_rmids(w->bench, w->size.pods);
		measure(&run);
	}
	free_run(&run);
	if (run.error) {
		(void)world_remove_groups(w->bench);
		floor_done(ret);
	}
	return run.error ? err_sys(e, run.error, "the bare system calls") : 0;
}

void floor_done(struct floor *f)
{
	samples_done(&f->mkdir);
	samples_done(&f->place);
	samples_done(&f->rmdir);
}

/* ---- the round trip ---- */

/* Both sides wait in poll() and not in recv(), as event loops do. */
static ssize_t receive(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)poll(&p, 1, 1000);
	return recv(fd, buf, size, MSG_DONTWAIT);
}

static void echo(int fd)
{
	char buf[REQUEST_BYTES];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (receive(fd, buf, sizeof(buf)) == REQUEST_BYTES) {
		if (send(fd, buf, ANSWER_BYTES, MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

static void trip(int fd, struct samples *ret)
{
	char buf[REQUEST_BYTES] = {0};

	for (unsigned i = 0; i < ROUND_TRIPS; i++) {
		uint64_t start = wall_ns();

		if (send(fd, buf, sizeof(buf), MSG_NOSIGNAL) < 0 ||
		    receive(fd, buf, sizeof(buf)) != ANSWER_BYTES)
			break;
		samples_add(ret, wall_ns() - start);
	}
}

int floor_round_trip(struct samples *ret, struct err *e)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, -errno, "socketpair");
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		echo(fds[1]);
	}
	(void)close(fds[1]);
	if (pid > 0)
		trip(fds[0], ret);
	(void)close(fds[0]);
	if (pid < 0)
		return err_sys(e, -errno, "fork");
	(void)waitpid(pid, NULL, 0);
	return 0;
}
