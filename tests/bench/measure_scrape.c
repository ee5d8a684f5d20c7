/* SPDX-License-Identifier: Apache-2.0 */

/* A scrape of /metrics, as Prometheus does it every half minute, and what serving costs in memory.
 */

#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONTAINERS 3
#define WARM_UP    50
#define SCRAPES    1000
#define AIM_US     5000
#define VARIABLE   "PODRESCTRL_CONTROL_SOCKET"

static int connect_to(const char *path, struct err *e)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, -ENAMETOOLONG, "'%s' is too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err_sys(e, -errno, "connect to '%s'", path);
}

/* Returns how many bytes the answer has. */
static int scrape(const char *path, struct err *e)
{
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n";
	static char answer[256 << 10];
	AUTO_CLOSE int fd = connect_to(path, e);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return err_sys(e, -errno, "send");
	while (n > 0 && len < sizeof(answer)) {
		n = recv(fd, answer + len, sizeof(answer) - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0 || len < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0)
		return err_set(e, -EIO, "a scrape was not answered with 200");
	return (int)len;
}

static int scrape_often(const struct rig *rig, const char *path, struct table *t, struct err *e)
{
	struct child_memory before, after;
	struct samples times = {0};
	uint64_t cpu_ns = 0;
	char what[96];
	int bytes = 0;

	for (unsigned i = 0; i < WARM_UP + SCRAPES && bytes >= 0 && !bench_interrupted; i++) {
		uint64_t started = wall_ns();

		if (i == WARM_UP) {
			child_memory(&rig->child, &before);
			cpu_ns = child_cpu_ns(&rig->child);
		}
		bytes = scrape(path, e);
		if (i >= WARM_UP)
			samples_add(&times, wall_ns() - started);
	}
	if (bytes < 0 || bench_interrupted) {
		samples_done(&times);
		return bytes < 0 ? bytes : 0;
	}
	cpu_ns = child_cpu_ns(&rig->child) - cpu_ns;
	child_memory(&rig->child, &after);
	(void)snprintf(what, sizeof(what), "scrape with %u pods, %d kB", rig->bench->audit_pods,
		       bytes / 1000);
	table_add(t, what, cell_p50_p99(&times), cell_none, cell_none,
		  cell_time_aim(rig->bench, "5 ms", samples_us(&times, 0.99) < AIM_US));
	table_add(t, "  CPU of it", cell_us((double)cpu_ns / 1000.0 / SCRAPES), cell_none,
		  cell_none, cell_none);
	table_add(t, "  RSS while serving", cell_mb(after.rss_kb), cell_none, cell_none, cell_none);
	table_note(t, "Anonymous memory after %d more scrapes: %lld kB more.", SCRAPES,
		   (long long)after.anon_kb - (long long)before.anon_kb);
	samples_done(&times);
	return 0;
}

static int measure(const struct world *w, const char *path, struct table *t, struct err *e)
{
	struct rig_sync sync;
	struct rig rig;
	int r;

	need_rmids(w->bench, w->size.pods);
	r = rig_open(w->bench, "0", &rig, e);
	if (r < 0)
		return r;
	r = rig_synchronize(&rig, w, false, &sync, e);
	if (r == 0)
		r = scrape_often(&rig, path, t, e);
	rig_close(&rig);
	return r;
}

int measure_scrape(const struct bench *b, struct table *t, struct err *e)
{
	struct world_size size = {b->audit_pods, CONTAINERS, 1};
	char path[PATH_MAX];
	struct world *w;
	int r;

	(void)snprintf(path, sizeof(path), "%s/control.sock", b->dir);
	r = world_new(b, size, &w, e);
	if (r < 0)
		return r;
	(void)setenv(VARIABLE, path, 1);
	r = measure(w, path, t, e);
	(void)setenv(VARIABLE, "off", 1); /* as for all others */
	world_free(w);
	return r;
}
