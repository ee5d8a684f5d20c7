/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "fake_nri_encode.h"
#include "fake_runtime.h"
#include "ttrpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PLACED_LINE "placement after Synchronize is complete"
#define PLACED_NS   30000000000ull /* patience */
#define SILENCE_NS  400000000ull
#define PART_BYTES  (TTRPC_DATA_MAX - 4096) /* the protocol's limit, less the frame around it */
#define PARTS_MAX   64
#define DRAIN_MS    1300 /* the kernel looks once a second */

int rig_open(const struct bench *b, const char *audit, struct rig *ret, struct err *e)
{
	const struct fake_runtime_options options = {.request_timeout_ms = 10000};
	char socket[PATH_MAX];
	uint64_t start_ns;
	int r;

	*ret = (struct rig){.bench = b, .has_audit = strcmp(audit, "0") != 0};
	say("the daemon");
	(void)snprintf(socket, sizeof(socket), "%s/nri.sock", b->dir);
	r = fake_runtime_new(socket, &options, &ret->runtime, e);
	if (r < 0)
		return r;
	start_ns = wall_ns();
	r = child_start(b, audit, &ret->child, e);
	if (r == 0)
		r = fake_runtime_accept(ret->runtime, 10000, e);
	if (r == 0)
		r = fake_runtime_handshake(ret->runtime, NULL, 0, NULL, 0, e);
	if (r < 0) {
		child_print_log_end(&ret->child);
		rig_close(ret);
		return r;
	}
	ret->registered_ms = (double)(wall_ns() - start_ns) / 1e6;
	ret->registered_cpu_ms = (double)child_cpu_ns(&ret->child) / 1e6;
	child_wait_quiet(&ret->child);
	return 0;
}

void rig_close(struct rig *rig)
{
	child_stop(&rig->child);
	fake_runtime_free(rig->runtime);
	rig->runtime = NULL;
	(void)world_remove_groups(rig->bench);
}

void need_rmids(const struct bench *b, unsigned nr)
{
	static unsigned taken; /* since the last wait */

	if (b->rmids && taken + nr > b->rmids) {
		pause_ms(DRAIN_MS);
		taken = 0;
	}
	taken += nr;
}

/* ---- Synchronize ---- */

struct parts {
	struct strbuf payload[PARTS_MAX];
	size_t nr;
};

static void free_parts(struct parts *parts)
{
	for (size_t i = 0; i < parts->nr; i++)
		strbuf_done(&parts->payload[i]);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* No more than OBJECTS in a part; 1: they are too many for one. */
static int encode_by(const struct world *w, size_t objects, struct parts *parts, struct err *e)
{
	size_t pods = 0, containers = 0;

	do {
		size_t p = least(w->size.pods - pods, objects);
		size_t c = least(w->nr_containers - containers, objects - p);
		struct strbuf *out = &parts->payload[parts->nr];
		bool more = pods + p < w->size.pods || containers + c < w->nr_containers;

		if (parts->nr == PARTS_MAX)
			return err_set(e, -E2BIG, "too many pods for this benchmark");
		parts->nr++;
		strbuf_init(out, 64u << 20);
		fake_nri_encode_synchronize(out, &w->pods[pods], p, &w->containers[containers], c,
					    more);
		if (out->error)
			return err_sys(e, out->error, "encode Synchronize");
		if (out->len > PART_BYTES)
			return 1;
		pods += p;
		containers += c;
	} while (pods < w->size.pods || containers < w->nr_containers);
	return 0;
}

/*
 * Encoded beforehand: what the runtime's side takes for that is not the daemon's. Like a
 * runtime it tries all in one message first, and then smaller parts.
 */
static int encode(const struct world *w, struct parts *parts, size_t *bytes, struct err *e)
{
	size_t objects = w->size.pods + w->nr_containers;
	int r;

	while ((r = encode_by(w, objects, parts, e)) > 0) {
		free_parts(parts);
		parts->nr = 0;
		objects = (objects + 1) / 2;
	}
	for (size_t i = 0; r == 0 && i < parts->nr; i++)
		*bytes += parts->payload[i].len;
	return r;
}

/* *START_NS is when the first byte went out: to frame it is the runtime's work, too. */
static int send_parts(struct rig *rig, const struct parts *parts, uint64_t *start_ns, struct err *e)
{
	struct fake_runtime_result result;
	int r = 0;

	for (size_t i = 0; r == 0 && i < parts->nr; i++) {
		r = fake_runtime_call(rig->runtime, "Synchronize", parts->payload[i].data,
				      parts->payload[i].len, &result, e);
		if (r == 0 && result.code != 0)
			r = err_set(e, -EPROTO, "Synchronize was answered with %d",
				    (int)result.code);
		if (r == 0 && i == 0)
			*start_ns = wall_ns() - result.latency_us * 1000;
	}
	return r;
}

/* An event about nothing that is known: what it waits for is the daemon's turn at placing. */
static int send_stray_event(struct rig *rig, double *longest_us, struct err *e)
{
	const struct nri_container stray = {.id = "0123456789abcdef0123456789abcdef"};
	struct fake_runtime_result result;
	int r = fake_runtime_event(rig->runtime, NRI_STOP_CONTAINER, NULL, &stray, &result, e);

	if (r == 0 && (double)result.latency_us > *longest_us)
		*longest_us = (double)result.latency_us;
	return r;
}

#define LOG_END 4096 /* what says that all was placed is near the log's end */

static bool says_placed(const struct rig *rig, long log_from)
{
	long end = child_log_size(&rig->child) - LOG_END;
	long from = end > log_from ? end : log_from;

	return child_log_find(&rig->child, PLACED_LINE, &from, NULL, 0);
}

/*
 * On one CPU every look takes time from the daemon. Two in a hundred of what has passed is how
 * late the end may be seen for that.
 */
static unsigned next_look_ms(uint64_t passed_ns, bool want_events)
{
	return want_events ? 1 : 1 + (unsigned)(passed_ns / 1000000 / 50);
}

/* When all was placed, by the daemon's word; else the last time its CPU clock moved. */
static int wait_placed(struct rig *rig, long log_from, bool want_events, struct rig_sync *ret,
		       uint64_t *end_ns, struct err *e)
{
	uint64_t begin = wall_ns(), active = begin, last = begin, cpu = child_cpu_ns(&rig->child);
	int r = 0;

	while (r == 0 && !bench_interrupted) {
		uint64_t now_cpu = child_cpu_ns(&rig->child), now = wall_ns();

		if (says_placed(rig, log_from)) {
			*end_ns = wall_ns();
			return 0;
		}
		/* A quarter of the time is more than the events below take. */
		if (now_cpu - cpu > (now - last) / 4)
			active = now;
		cpu = now_cpu;
		last = now;
		if (now - active > SILENCE_NS) {
			ret->is_by_silence = true;
			*end_ns = active;
			return 0;
		}
		if (now - begin > PLACED_NS)
			return err_set(e, -ETIMEDOUT, "Synchronize was not worked off");
		if (want_events && now - active < SILENCE_NS / 4)
			r = send_stray_event(rig, &ret->longest_wait_us, e);
		pause_ms(next_look_ms(now - begin, want_events));
	}
	return r < 0 ? r : err_set(e, -EINTR, "interrupted");
}

int rig_synchronize(struct rig *rig, const struct world *w, bool want_events, struct rig_sync *ret,
		    struct err *e)
{
	long log_from = child_log_size(&rig->child);
	uint64_t cpu = child_cpu_ns(&rig->child), start, end = 0;
	struct parts parts = {.nr = 0};
	int r;

	*ret = (struct rig_sync){0};
	r = encode(w, &parts, &ret->bytes, e);
	start = wall_ns();
	if (r == 0)
		r = send_parts(rig, &parts, &start, e);
	ret->answered_ms = (double)(wall_ns() - start) / 1e6;
	if (r == 0)
		r = wait_placed(rig, log_from, want_events, ret, &end, e);
	ret->placed_ms = (double)(end - start) / 1e6;
	free_parts(&parts);
	if (!rig->has_audit) /* else it never is */
		child_wait_quiet(&rig->child);
	ret->cpu_ms = (double)(child_cpu_ns(&rig->child) - cpu) / 1e6;
	if (r < 0)
		child_print_log_end(&rig->child);
	return r;
}
