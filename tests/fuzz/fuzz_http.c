/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bytes from a client to the control API's server, in pieces as the first byte says. Whatever
 * they are: what is answered is HTTP, no connection is left when the time is over, and nothing
 * is left behind of events, retries and streams.
 */

#include "control_api.h"
#include "control_events.h"
#include "control_retry.h"
#include "core_world.h"
#include "http_peer.h"
#include "probes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096

static struct world *w;
static struct http_bench bench;
static struct control_api api;
static struct control_retry retry;
static struct control_events *events;
static struct http_route routes[CONTROL_API_ROUTES + 4];

static bool yes(void *ctx)
{
	(void)ctx;
	return true;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static int64_t wall_now(void)
{
	return 0;
}

static const char *well(void *ctx, char *buf, size_t size)
{
	(void)ctx;
	(void)buf;
	(void)size;
	return NULL;
}

static void set_up(void)
{
	static const struct probe_check checks[] = {{"x", well}, {0}};
	static struct probes probes = {.checks = checks, .title = "livez"};

	w = world_new(4, 0);
	world_boot(w);
	world_add(w, "c1", 2);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	api = (struct control_api){.node_name = "n",
				   .group_prefix = "podresctrl-",
				   .root_name = "/sys/fs/resctrl",
				   .core = w->core,
				   .rs = w->rs,
				   .is_synchronized = yes};
	retry = (struct control_retry){
		.core = w->core, .now_ms = http_bench_clock, .on_job = nothing};
	control_retry_init(&retry);
	events = control_events_new(wall_now);
	control_api_routes(&api, routes);
	routes[CONTROL_API_ROUTES] =
		(struct http_route){"/v1/events", false, HTTP_GET, control_events_handle, events};
	routes[CONTROL_API_ROUTES + 1] =
		(struct http_route){"/v1/retry", false, HTTP_POST, control_retry_handle, &retry};
	routes[CONTROL_API_ROUTES + 2] =
		(struct http_route){"/livez", false, HTTP_GET, probes_handle, &probes};
	http_bench_start(&bench, routes, 4);
}

static void talk(int fd, const uint8_t *data, size_t size, size_t step)
{
	char answer[65536];
	ssize_t n;

	for (size_t at = 0; at < size; at += step) {
		size_t len = size - at < step ? size - at : step;

		if (send(fd, data + at, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		http_bench_turn(&bench);
	}
	while (control_retry_work(&retry))
		;
	http_bench_turn(&bench);
	n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	/* HTTP/0.9 has no head; the library does not speak it. */
	if (n > 0 && (n < 7 || memcmp(answer, "HTTP/1.", 7) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_events_stats followers;
	struct http_server_stats stats;
	int fd;

	if (!w)
		set_up();
	if (size < 2 || size > INPUT_MAX)
		return 0;
	fd = http_bench_connect(&bench);
	talk(fd, data + 1, size - 1, (size_t)data[0] * 8 + 1);
	http_bench_now_ms += 20000;
	close(fd);
	http_bench_turn(&bench);
	http_bench_turn(&bench);
	http_server_get_stats(bench.server, &stats);
	control_events_get_stats(events, &followers);
	if (stats.open || stats.streams || followers.followers || !list_empty(&retry.jobs))
		abort();
	return 0;
}
