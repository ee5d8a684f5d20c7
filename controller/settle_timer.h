/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * When memory is given back (settle.h): soon after a Synchronize was worked on, and whenever the
 * line to the API server was used and is calm again. What a burst of writes or a watch event
 * needed is not needed while nothing happens; while it is, it stays.
 */

#include <ev.h>
#include <stdbool.h>

struct settle_timer_config {
	double soon_s; /* after settle_timer_soon() */
	double calm_s; /* without settle_timer_note() before memory is given back */
	double gap_s;  /* from one such calm to the next at least */
	void (*settle)(void *ctx);
	void *ctx;
};

struct settle_timer {
	struct settle_timer_config config;
	struct ev_loop *loop;
	ev_timer timer;
	bool is_soon;
	ev_tstamp noted_at, calm_at; /* last activity, last calm; 0: none */
};

void settle_timer_init(struct settle_timer *t, struct ev_loop *loop,
		       const struct settle_timer_config *config);
void settle_timer_soon(struct settle_timer *t);
/* Something was touched that is not needed in calm. May be called often: it is cheap. */
void settle_timer_note(struct settle_timer *t);
void settle_timer_stop(struct settle_timer *t);
