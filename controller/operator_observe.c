/* SPDX-License-Identifier: Apache-2.0 */

/* What metrics and probes are made of. */

#include "operator_priv.h"

#include "backend.h"
#include "clock.h"
#include "metrics_text.h"
#include "options.h"

#include <stdio.h>

/* The tree is not read again for each of many requests: a reader costs the kernel something. */
#define FRESH_MS     1000
#define LOOP_DEAD_MS 10000

static void look_at_tree(struct operator_link *link)
{
	struct rs *rs = backend_resctrl(link->deps.backend);
	uint64_t now_ms = clock_monotonic_ms();

	if (link->looked_ms && now_ms - link->looked_ms < FRESH_MS)
		return;
	link->looked_ms = now_ms;
	link->resctrl_code = rs_probe(rs, NULL);
	link->has_capacity =
		rs_capacity(rs, link->deps.options->group_prefix, &link->capacity, NULL) == 0;
}

static void collect_servers(const struct operator_link *link, struct metrics_input *in)
{
	struct metrics_server *s = in->servers;

	if (link->control) {
		s->name = "control";
		http_server_get_stats(link->control, &s->stats);
		s++;
	}
	if (link->metrics) {
		s->name = "metrics";
		http_server_get_stats(link->metrics, &s->stats);
	}
	in->has_control_events = link->events != NULL;
	if (link->events)
		control_events_get_stats(link->events, &in->control_events);
	in->control_retries = link->control ? link->retry.answered : NULL;
}

static void collect(struct operator_link *link, struct metrics_input *in)
{
	const struct options *o = link->deps.options;

	look_at_tree(link);
	*in = (struct metrics_input){
		.simulated = o->simulated,
		.group_kind = o->group_kind,
		.counts = &link->counts,
		.resctrl_code = link->resctrl_code,
		.has_capacity = link->has_capacity,
		.capacity = link->capacity,
		.rmid_reserve = o->rmid_reserve,
		.start_ms = link->start_ms,
		.now_ms = clock_monotonic_ms(),
		.wall_ms = clock_wall_ms(),
	};
	core_stats(link->deps.core, &in->core);
	log_get_stats(link->deps.log, &in->log);
	in->has_process = process_stats_read(&in->process) == 0;
	collect_servers(link, in);
	link->deps.collect(link->deps.ctx, in);
}

void operator_handle_metrics(void *ctx, const struct http_request *request,
			     struct http_reply *reply)
{
	struct operator_link *link = ctx;
	struct metrics_input in;

	(void)request; /* Prometheus may be told to add parameters */
	collect(link, &in);
	reply->content_type = METRICS_CONTENT_TYPE;
	metrics_render(&in, &reply->body);
}

/* ---- probes --------------------------------------------------------------------------------- */

static const char *check_loop(void *ctx, char *buf, size_t size)
{
	struct operator_link *link = ctx;
	uint64_t turn_ms = link->deps.turn_ms(link->deps.ctx);

	if (turn_ms < LOOP_DEAD_MS)
		return NULL;
	(void)snprintf(buf, size, "this turn of the event loop has lasted %llu ms",
		       (unsigned long long)turn_ms);
	return buf;
}

static const char *check_nri(void *ctx, char *buf, size_t size)
{
	const struct operator_link *link = ctx;
	struct core_stats s;

	core_stats(link->deps.core, &s);
	if (!link->deps.is_synchronized(link->deps.ctx)) {
		(void)snprintf(buf, size,
			       "the runtime at %s is not connected, or has not sent its pods yet; "
			       "the log says why",
			       link->deps.options->nri_socket);
		return buf;
	}
	return s.synchronized ? NULL : "the pods that the runtime listed are still being placed";
}

static const char *check_resctrl(void *ctx, char *buf, size_t size)
{
	const struct operator_link *link = ctx;
	struct err e = {0};
	int r = rs_probe(backend_resctrl(link->deps.backend), &e);

	if (r == 0)
		return NULL;
	(void)snprintf(buf, size, "%s: %s", rs_reason(r), e.msg);
	return buf;
}

/* Once there was a first list of pods, an API server that is away changes nothing. */
static const char *check_pods(void *ctx, char *buf, size_t size)
{
	const struct operator_link *link = ctx;
	struct metrics_input in = {0};

	link->deps.collect(link->deps.ctx, &in);
	if (!link->deps.options->publish || (in.has_api && in.api.publisher.watch_synced))
		return NULL;
	(void)snprintf(buf, size,
		       "the API server has not listed the pods of node %s yet; the log says why",
		       link->deps.options->node_name);
	return buf;
}

void operator_init_probes(struct operator_link *link)
{
	static const struct probe_check live[] = {{"loop", check_loop}, {0}};
	static const struct probe_check ready[] = {
		{"nri", check_nri}, {"resctrl", check_resctrl}, {"pods", check_pods}, {0}};

	link->live = (struct probes){.checks = live, .ctx = link, .title = "livez"};
	link->ready = (struct probes){.checks = ready, .ctx = link, .title = "readyz"};
}
