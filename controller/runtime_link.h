/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The daemon's line to the container runtime: connects to the NRI socket, keeps an NRI
 * session on it, hands every event to the core, and comes back by itself when the
 * connection goes. The core keeps its state meanwhile; the next Synchronize replaces it.
 *
 * A plugin that the runtime launched has its one connection from the start and learns its
 * configuration on it; so there the core may come later, from on_configured().
 */

#include "err.h"
#include "histogram.h"
#include "nri.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct budget;
struct core;
struct log;
struct pod_filter;
struct runtime_link;

struct runtime_link_config {
	const char *socket_path;   /* where the runtime listens */
	const char *launch_socket; /* $NRI_PLUGIN_SOCKET when the runtime launched us, else NULL */
	const char *plugin_name;
	const char *plugin_index;
	uint32_t seed;         /* spreads the reconnects of many nodes */
	struct budget *budget; /* set for each event; what the core asks, see core_deps.hurry */
	/* How long to wait, for tests; 0: as long as nri.h says. */
	uint64_t register_timeout_ms, synchronize_timeout_ms, reconnect_first_ms;
	/*
	 * Launched, once: TEXT is what the runtime keeps as our configuration, "" for nothing.
	 * Has to call runtime_link_set_core(). When it fails, the runtime is told why, and
	 * the connection ends.
	 */
	int (*on_configured)(void *ctx, const char *text, struct err *e);
	/* A runtime-launched plugin's only connection has ended. */
	void (*on_final_loss)(void *ctx);
	/* The core was handed a complete Synchronize. */
	void (*on_synchronized)(void *ctx);
	/* The core was told something, or will not be told the rest, and may have work to do. */
	void (*on_activity)(void *ctx);
	void *ctx;
};

/*
 * Everything passed is borrowed and must outlive the link. Connecting starts with the loop.
 * CORE is NULL for a launched plugin, see on_configured.
 */
MUST_CHECK int runtime_link_new(struct ev_loop *loop, const struct runtime_link_config *config,
				struct core *core, struct log *log, struct runtime_link **ret,
				struct err *e);
void runtime_link_set_core(struct runtime_link *link, struct core *core);

/*
 * From now on only pods that FILTER takes are told to the core; NULL: all. FILTER is borrowed.
 * runtime_link_ask_again() makes it hold for the pods that are known already, too.
 */
void runtime_link_set_filter(struct runtime_link *link, const struct pod_filter *filter);

/* Register anew, for a complete snapshot. Not possible for a launched plugin, which goes on. */
void runtime_link_ask_again(struct runtime_link *link);

void runtime_link_free(struct runtime_link *link);

struct runtime_link_stats {
	bool connected;    /* registered or about to be */
	bool synchronized; /* as runtime_link_is_synchronized() */
	uint64_t connections, losses, snapshots;
	uint64_t events[NRI_EVENT_MAX + 1]; /* by enum nri_event */
	struct histogram answers;           /* what the core took for an event before its answer */
};

void runtime_link_get_stats(const struct runtime_link *link, struct runtime_link_stats *ret);

/* True from a complete Synchronize until the connection is lost. */
bool runtime_link_is_synchronized(const struct runtime_link *link);
