/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The contract suite on a real kernel's tree: contract_real [ROOT]. Needs root and a
 * mounted resctrl that nobody else changes meanwhile. Prints a line per check and, last,
 * "RESULT passed failed skipped".
 */

#include "contract.h"
#include "lockstep.h"
#include "resctrl_real.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#define PROCS 64
#define SEEDS 5
#define STEPS 2000

struct proc {
	pid_t pid;
	int sock; /* commands go out here, thread and process ids come back */
};

struct real_world {
	struct proc procs[PROCS];
	size_t nr;
};

/* ---- in the spawned process ---- */

static void *idle(void *arg)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	const int *sock = arg;

	if (write(*sock, &tid, sizeof(tid)) != sizeof(tid))
		_exit(1);
	for (;;)
		pause();
	return NULL;
}

/* Nobody is left behind, also when PARENT ended before this could be arranged. */
static void die_with(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

static void fork_idle(int sock)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		die_with(parent);
		for (;;)
			pause();
	}
	if (write(sock, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
}

static void work(int sock)
{
	volatile unsigned x = 0;
	pid_t done = 1;

	for (unsigned i = 0; i < 20000000; i++)
		x += i;
	if (write(sock, &done, sizeof(done)) != sizeof(done))
		_exit(1);
}

static void serve(int sock, pid_t parent)
{
	pthread_t thread;
	char command;

	die_with(parent);
	(void)signal(SIGCHLD, SIG_IGN);
	while (read(sock, &command, 1) == 1) {
		if (command == 'f')
			fork_idle(sock);
		else if (command == 'w')
			work(sock);
		else if (pthread_create(&thread, NULL, idle, &sock) != 0)
			break;
	}
	_exit(0);
}

/* ---- the world ---- */

static pid_t real_spawn(void *ctx)
{
	struct real_world *w = ctx;
	int sv[2];
	pid_t parent = getpid(), pid;

	if (w->nr == PROCS || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -EAGAIN;
	pid = fork();
	if (pid < 0) {
		close(sv[0]);
		close(sv[1]);
		return -EAGAIN;
	}
	if (pid == 0) {
		close(sv[0]);
		serve(sv[1], parent);
	}
	close(sv[1]);
	w->procs[w->nr++] = (struct proc){.pid = pid, .sock = sv[0]};
	return pid;
}

static pid_t command(struct real_world *w, pid_t pid, char what)
{
	for (size_t i = 0; i < w->nr; i++) {
		pid_t answer;

		if (w->procs[i].pid != pid)
			continue;
		if (write(w->procs[i].sock, &what, 1) != 1 ||
		    read(w->procs[i].sock, &answer, sizeof(answer)) != sizeof(answer))
			return -EIO;
		return answer;
	}
	return -ESRCH;
}

static pid_t real_fork(void *ctx, pid_t parent)
{
	return command(ctx, parent, 'f');
}

static pid_t real_thread(void *ctx, pid_t parent)
{
	return command(ctx, parent, 't');
}

static void real_run(void *ctx, pid_t pid)
{
	(void)command(ctx, pid, 'w');
}

static void end_proc(struct proc *p)
{
	if (p->pid <= 0)
		return;
	(void)kill(p->pid, SIGKILL);
	(void)waitpid(p->pid, NULL, 0);
	(void)close(p->sock);
	p->pid = 0;
}

static void real_kill(void *ctx, pid_t pid)
{
	struct real_world *w = ctx;

	for (size_t i = 0; i < w->nr; i++) {
		if (w->procs[i].pid == pid)
			end_proc(&w->procs[i]);
	}
}

static void real_reset(void *ctx)
{
	struct real_world *w = ctx;

	for (size_t i = 0; i < w->nr; i++)
		end_proc(&w->procs[i]);
	w->nr = 0;
}

static void real_wait_ms(void *ctx, unsigned ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)ctx;
	(void)nanosleep(&ts, NULL);
}

int main(int argc, char **argv)
{
	static const char *const words[] = {"ok  ", "FAIL", "skip"};
	const char *root = argc > 1 ? argv[1] : "/sys/fs/resctrl";
	struct real_world world = {0};
	struct contract_features can;
	unsigned counts[3] = {0};
	struct rs_real *real;
	struct utsname uts;
	struct err e;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rs_real_open(root, &real, &e) < 0 || uname(&uts) < 0)
		return EXIT_FAILURE;
	struct contract_world w = {
		.ops = &rs_real_ops,
		.fs = real,
		.spawn = real_spawn,
		.fork = real_fork,
		.thread = real_thread,
		.run = real_run,
		.kill = real_kill,
		.reset = real_reset,
		.wait_ms = real_wait_ms,
		.self = getpid(),
		.ctx = &world,
	};
	can = contract_features(&w);
	printf("contract: kernel %s at '%s': task lists %s, rename %s\n", uts.release, root,
	       can.task_lists ? "yes" : "no", can.rename ? "yes" : "no");
	for (size_t i = 0; i < contract_nr(); i++) {
		char msg[CONTRACT_MSG_MAX];
		enum contract_result r = contract_run(i, &w, msg);

		counts[r]++;
		printf("%s  %s%s%s\n", words[r], contract_name(i), *msg ? ": " : "", msg);
	}
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		char msg[CONTRACT_MSG_MAX];
		enum contract_result r = lockstep_run(&w, STEPS, seed, msg);

		counts[r]++;
		printf("%s  the_simulation_agrees_in_%d_random_steps (seed %u)%s%s\n", words[r],
		       STEPS, seed, *msg ? ": " : "", msg);
	}
	rs_real_close(real);
	printf("RESULT %u %u %u\n", counts[CONTRACT_PASSED], counts[CONTRACT_FAILED],
	       counts[CONTRACT_SKIPPED]);
	return counts[CONTRACT_FAILED] || !counts[CONTRACT_PASSED] ? EXIT_FAILURE : EXIT_SUCCESS;
}
