/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * GET /v1/events: what the core reported, one JSON object a line, from the last few hundred on
 * and, for who follows, as it happens. A reader that is too slow is cut off and told so; what
 * it misses is never kept for it. docs/control-api.md describes the lines.
 */

#include "core.h"
#include "http_server.h"

struct control_events;

struct control_events_stats {
	unsigned followers; /* now */
	uint64_t lines, cut_off, turned_away;
};

/* NOW_MS: the wall clock. NULL without memory. */
struct control_events *control_events_new(int64_t (*now_ms)(void));
void control_events_free(struct control_events *ce); /* after the server that has its route */

/* The core's callbacks. CE may be NULL. */
void control_events_on_event(struct control_events *ce, const struct core_event *event);
void control_events_on_notice(struct control_events *ce, const struct core_notice *notice);

/* A route's handler; the context is the struct control_events. */
void control_events_handle(void *ctx, const struct http_request *request, struct http_reply *reply);

void control_events_get_stats(const struct control_events *ce, struct control_events_stats *ret);
