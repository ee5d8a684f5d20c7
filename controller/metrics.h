/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * /metrics: everything that the parts of the daemon count, in Prometheus' text format.
 * docs/metrics.md lists every family, and a test holds the two together. No label has a value
 * from outside of this program, so the number of series does not grow with pods.
 *
 * Series per pod (occupancy, bandwidth) may come one day. They will be a part of their own
 * beside these, with a limit of their own, and go when the pod goes.
 */

#include "api_link.h"
#include "control_events.h"
#include "core.h"
#include "http_server.h"
#include "log.h"
#include "process_stats.h"
#include "runtime_link.h"

#define METRICS_REASONS_MAX 16

/* What the core reports, counted. */
struct metrics_counts {
	uint64_t events[CORE_REMOVED + 1];
	uint64_t notices[CORE_NOTICE_IGNORED + 1];
	struct {
		const char *reason; /* static text of rs_reason(); NULL: none so far */
		uint64_t nr;
	} failures[METRICS_REASONS_MAX]; /* groups that could not be made */
};

void metrics_count_event(struct metrics_counts *counts, const struct core_event *event);
void metrics_count_notice(struct metrics_counts *counts, const struct core_notice *notice);

struct metrics_server {
	const char *name; /* "control", "metrics"; NULL: there is none */
	struct http_server_stats stats;
};

#define METRICS_SERVERS 2

/* A snapshot, for metrics_render(). */
struct metrics_input {
	bool simulated;
	enum rs_group_kind group_kind;
	const struct metrics_counts *counts;
	struct core_stats core;
	int resctrl_code; /* 0: usable; else as rs_probe() */
	bool has_capacity;
	struct rs_capacity capacity;
	uint64_t rmid_reserve;
	bool has_runtime;
	struct runtime_link_stats runtime;
	bool has_api;
	struct api_link_stats api;
	bool has_turns;
	struct histogram turns;
	struct log_stats log;
	struct metrics_server servers[METRICS_SERVERS];
	bool has_control_events;
	struct control_events_stats control_events;
	const uint64_t *control_retries; /* by enum status_retry_result */
	bool has_process;
	struct process_stats process;
	int64_t start_ms; /* of the daemon, since 1970 */
	/* both for "now": to turn monotonic times into times of the world */
	uint64_t now_ms;
	int64_t wall_ms;
};

/* The largest that there can be has about 30 KB. Failures stay in OUT. */
void metrics_render(const struct metrics_input *in, struct strbuf *out);
