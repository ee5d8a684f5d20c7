/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Measures each turn of the event loop, from waking up to waiting again. A long one delays the
 * answer that the runtime waits for; it is counted and, at log level debug, told.
 */

#include "histogram.h"

#include <ev.h>
#include <stdint.h>

#define TURN_LONG_US 20000

struct log;

struct turn_watch {
	struct log *log;
	ev_check begin;
	ev_prepare end;
	uint64_t began_us; /* 0: waiting */
	uint64_t nr_long, longest_us;
	struct histogram turns;
};

/* LOG is borrowed. The watcher is set up in place and must not move until it is stopped. */
void turn_watch_start(struct turn_watch *w, struct ev_loop *loop, struct log *log);
void turn_watch_stop(struct turn_watch *w, struct ev_loop *loop);
