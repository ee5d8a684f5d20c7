/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STOP_TRIES  400 /* of 5 ms */
#define QUIET_MS    40
#define QUIET_NS    60000 /* less than this much CPU in QUIET_MS, twice in a row, is rest */
#define QUIET_TRIES 125

struct arguments {
	char socket[PATH_MAX + 32], cgroup_root[PATH_MAX + 32], proc_root[PATH_MAX + 32];
	char audit[64], kubeconfig[PATH_MAX + 32];
};

static void fill_arguments(const struct bench *b, const struct child *c, const char *audit,
			   struct arguments *a)
{
	char path[PATH_MAX];

	(void)snprintf(a->socket, sizeof(a->socket), "--nri-socket=%s", c->socket);
	world_cgroup_root(b, path);
	(void)snprintf(a->cgroup_root, sizeof(a->cgroup_root), "--cgroup-root=%s", path);
	world_proc_root(b, path);
	(void)snprintf(a->proc_root, sizeof(a->proc_root), "--proc-root=%s", path);
	(void)snprintf(a->audit, sizeof(a->audit), "--audit-interval=%s", audit);
	if (b->kubeconfig)
		(void)snprintf(a->kubeconfig, sizeof(a->kubeconfig), "--kubeconfig=%s",
			       b->kubeconfig);
	else
		(void)snprintf(a->kubeconfig, sizeof(a->kubeconfig), "--publish=none");
}

static void become_daemon(const struct bench *b, const struct child *c, const struct arguments *a)
{
	int fd = open(c->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	(void)execl(b->daemon, b->daemon, a->kubeconfig, "--node-name=" BENCH_NODE,
		    "--start-jitter=0", "--publish-rate=100", "--group-prefix=" BENCH_PREFIX,
		    b->is_real ? "--resctrl=real" : "--resctrl=simulated,rmids=1100", a->socket,
		    a->cgroup_root, a->proc_root, a->audit,
		    b->is_real ? "--pid-namespace-check=on" : "--pid-namespace-check=off",
		    (char *)NULL);
	_exit(127);
}

static bool has_ended(struct child *c)
{
	if (c->pid > 0 && waitpid(c->pid, NULL, WNOHANG) == c->pid)
		c->pid = 0;
	return c->pid <= 0;
}

int child_start(const struct bench *b, const char *audit, struct child *ret, struct err *e)
{
	struct arguments a;

	(void)snprintf(ret->log, sizeof(ret->log), "%s/daemon.log", b->dir);
	(void)snprintf(ret->socket, sizeof(ret->socket), "%s/nri.sock", b->dir);
	fill_arguments(b, ret, audit, &a);
	if (access(b->daemon, X_OK) < 0)
		return err_sys(e, -errno, "'%s' cannot be run", b->daemon);
	(void)unlink(ret->log);
	ret->pid = fork();
	if (ret->pid == 0)
		become_daemon(b, ret, &a);
	if (ret->pid < 0)
		return err_sys(e, -errno, "fork");
	if (clock_getcpuclockid(ret->pid, &ret->cpu_clock) != 0) {
		child_stop(ret);
		return err_set(e, -EIO, "the daemon has no CPU clock");
	}
	return 0;
}

void child_stop(struct child *c)
{
	if (c->pid <= 0)
		return;
	(void)kill(c->pid, SIGTERM);
	for (unsigned i = 0; i < STOP_TRIES && !has_ended(c); i++)
		pause_ms(5);
	if (c->pid <= 0)
		return;
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	c->pid = 0;
}

uint64_t child_cpu_ns(const struct child *c)
{
	struct timespec ts = {0};

	(void)clock_gettime(c->cpu_clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void child_wait_quiet(const struct child *c)
{
	uint64_t last = child_cpu_ns(c);
	unsigned quiet = 0;

	for (unsigned i = 0; i < QUIET_TRIES && quiet < 2; i++) {
		uint64_t now;

		pause_ms(QUIET_MS);
		now = child_cpu_ns(c);
		quiet = now - last < QUIET_NS ? quiet + 1 : 0;
		last = now;
	}
}

/* Adds what the line "NAME:   123 kB" says to *KB. */
static void take_kb(const char *line, const char *name, uint64_t *kb)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) == 0 && line[len] == ':')
		*kb += strtoull(line + len + 1, NULL, 10);
}

static FILE *open_proc(const struct child *c, const char *file)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)c->pid, file);
	return fopen(path, "re");
}

void child_memory(const struct child *c, struct child_memory *ret)
{
	FILE *f = open_proc(c, "status");
	char line[256];

	*ret = (struct child_memory){0};
	while (f && fgets(line, sizeof(line), f)) {
		take_kb(line, "VmRSS", &ret->rss_kb);
		take_kb(line, "RssAnon", &ret->anon_kb);
		take_kb(line, "RssFile", &ret->file_kb);
	}
	if (f)
		(void)fclose(f);
	f = open_proc(c, "smaps_rollup");
	while (f && fgets(line, sizeof(line), f)) {
		take_kb(line, "Private_Clean", &ret->private_kb);
		take_kb(line, "Private_Dirty", &ret->private_kb);
	}
	if (f)
		(void)fclose(f);
}

/* ---- its log ---- */

long child_log_size(const struct child *c)
{
	struct stat st;

	return stat(c->log, &st) < 0 ? 0 : (long)st.st_size;
}

bool child_log_find(const struct child *c, const char *text, long *from, char *line, size_t size)
{
	FILE *f = fopen(c->log, "re");
	char buf[4096];
	bool found = false;

	if (!f)
		return false;
	(void)fseek(f, *from, SEEK_SET);
	while (!found && fgets(buf, sizeof(buf), f)) {
		if (!strchr(buf, '\n')) /* still being written */
			break;
		*from = ftell(f);
		found = strstr(buf, text) != NULL;
	}
	if (found && line)
		(void)snprintf(line, size, "%s", buf);
	(void)fclose(f);
	return found;
}

void child_print_log_end(const struct child *c)
{
	FILE *f = fopen(c->log, "re");
	char buf[4096];

	if (!f)
		return;
	if (child_log_size(c) > 1000)
		(void)fseek(f, -1000, SEEK_END);
	while (fgets(buf, sizeof(buf), f))
		(void)fprintf(stderr, "daemon: %s", buf);
	(void)fclose(f);
}
