/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What runs in the test's containers. The first word says how it behaves:
 *
 *   pause                       wait to be stopped (also serves as the sandbox's own container)
 *   tree THREADS CHILDREN       THREADS threads in this process and CHILDREN child processes, all
 * waiting recorder CHILDREN DIR       as its first act fork and exec CHILDREN children, each of
 * which as its first act writes down the group the kernel has it in; then wait spin THREADS busy
 * threads, so that the RMID they run under is in use
 *
 * Linked statically: it must run in any image.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int signal)
{
	(void)signal;
	_exit(0);
}

static _Noreturn void wait_to_be_stopped(void)
{
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		sleep(1);
	}
}

static void fail(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/*
 * Append "<who>\n<content of /proc/self/cpu_resctrl_groups>" to the record in one write, so that
 * writers do not mix. A group that cannot be read is recorded as such: the test must see it.
 */
static void record_group(const char *directory, const char *who)
{
	char path[512];
	char text[1024];
	size_t used = (size_t)snprintf(text, sizeof text, "%s ", who);
	int groups = open("/proc/self/cpu_resctrl_groups", O_RDONLY | O_CLOEXEC);
	ssize_t size = groups < 0 ? -1 : read(groups, text + used, sizeof text - used - 1);
	int record;

	if (size <= 0)
		size = snprintf(text + used, sizeof text - used, "unreadable");
	used += (size_t)size;
	for (size_t i = 0; i < used; i++) {
		if (text[i] == '\n')
			text[i] = ' ';
	}
	text[used++] = '\n';
	snprintf(path, sizeof path, "%s/groups", directory);
	record = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (record < 0 || write(record, text, used) != (ssize_t)used)
		fail(path);
	close(record);
}

/* Children write before and after exec: the kernel hands the group down in fork, and exec must not
 * lose it. */
static void record_children(int children, char *directory)
{
	char *const child[] = {"/proc/self/exe", "recorded-child", directory, NULL};

	for (int i = 0; i < children; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid == 0) {
			record_group(directory, "forked");
			execv(child[0], child);
			fail("execv");
		}
	}
	record_group(directory, "parent");
	while (wait(NULL) > 0)
		continue;
	record_group(directory, "done");
}

static void *wait_in_thread(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *spin_in_thread(void *unused)
{
	static volatile unsigned long turns;

	for (;;)
		turns++;
	return unused;
}

static void start_threads(int threads, void *(*body)(void *))
{
	for (int i = 0; i < threads; i++) {
		pthread_t thread;

		errno = pthread_create(&thread, NULL, body, NULL);
		if (errno)
			fail("pthread_create");
	}
}

/* Children are forked before any thread exists, so that they are plain single-threaded processes.
 */
static void grow_tree(int threads, int children)
{
	for (int i = 0; i < children; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid == 0)
			wait_to_be_stopped();
	}
	start_threads(threads - 1, wait_in_thread); /* the main thread is one of them */
}

static int number(const char *text)
{
	return text ? (int)strtol(text, NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "pause";

	if (strcmp(mode, "recorded-child") == 0) {
		record_group(argv[2], "exec");
		return 0;
	}
	if (strcmp(mode, "recorder") == 0 && argc == 4)
		record_children(number(argv[2]), argv[3]);
	/* Process 1 of a container ignores signals it has no handler for. */
	signal(SIGTERM, leave);
	signal(SIGINT, leave);
	if (strcmp(mode, "tree") == 0 && argc == 4)
		grow_tree(number(argv[2]), number(argv[3]));
	if (strcmp(mode, "spin") == 0 && argc == 3)
		start_threads(number(argv[2]), spin_in_thread);
	wait_to_be_stopped();
}
