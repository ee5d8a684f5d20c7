/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the daemon offers those who operate it: the control socket on the node, metrics and
 * health over TCP. Nothing here can hold up or end the daemon's work; the one exception is a
 * second daemon on the node, see operator_link_new().
 */

#include "core.h"
#include "err.h"

#include <ev.h>

struct backend;
struct log;
struct metrics_input;
struct operator_link;
struct options;

/* What it works with; everything is borrowed. */
struct operator_link_deps {
	struct ev_loop *loop;
	const struct options *options;
	struct core *core;
	struct backend *backend;
	struct log *log;
	bool (*is_synchronized)(void *ctx); /* the line to the runtime */
	uint64_t (*turn_ms)(void *ctx);     /* how long the loop's present turn has lasted */
	/* What only the daemon knows of: the runtime, the API server, the loop. */
	void (*collect)(void *ctx, struct metrics_input *in);
	void (*on_activity)(void *ctx); /* the core may have work to do */
	void *ctx;
};

/*
 * -EADDRINUSE: another daemon runs on this node. Two would take each other's tasks away, so
 * the second one must not run. A control socket that cannot be made for any other reason is a
 * warning, and an address that cannot be listened on is tried again.
 */
MUST_CHECK int operator_link_new(const struct operator_link_deps *deps, struct operator_link **ret,
				 struct err *e);
void operator_link_free(struct operator_link *link);

/* The core's callbacks, passed on. LINK may be NULL. */
void operator_link_on_core_event(struct operator_link *link, const struct core_event *event);
void operator_link_on_core_notice(struct operator_link *link, const struct core_notice *notice);
