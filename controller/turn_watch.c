/* SPDX-License-Identifier: Apache-2.0 */
#include "turn_watch.h"

#include "clock.h"
#include "log.h"

static const uint32_t bounds_us[] = {100,   500,    1000,   2500,   5000,    10000,   20000,
				     50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

static void on_begin(struct ev_loop *loop, ev_check *w, int revents)
{
	struct turn_watch *watch = w->data;

	(void)loop;
	(void)revents;
	watch->began_us = clock_monotonic_us();
}

static void on_end(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct turn_watch *watch = w->data;
	uint64_t took_us = watch->began_us ? clock_monotonic_us() - watch->began_us : 0;
	char took[24], nr[24];

	(void)loop;
	(void)revents;
	if (watch->began_us)
		histogram_add(&watch->turns, took_us);
	watch->began_us = 0;
	if (took_us > watch->longest_us)
		watch->longest_us = took_us;
	if (took_us <= TURN_LONG_US)
		return;
	watch->nr_long++;
	log_write(watch->log, LOG_LEVEL_DEBUG, "a turn of the loop was long", "took_us",
		  log_uint(took, sizeof(took), took_us), "so_far",
		  log_uint(nr, sizeof(nr), watch->nr_long), NULL);
}

void turn_watch_start(struct turn_watch *w, struct ev_loop *loop, struct log *log)
{
	*w = (struct turn_watch){.log = log};
	histogram_init(&w->turns, bounds_us, ARRAY_LEN(bounds_us));
	ev_check_init(&w->begin, on_begin);
	ev_prepare_init(&w->end, on_end);
	/* First after the wait, last before it. */
	ev_set_priority(&w->begin, EV_MAXPRI);
	ev_set_priority(&w->end, EV_MINPRI);
	w->begin.data = w->end.data = w;
	ev_check_start(loop, &w->begin);
	ev_prepare_start(loop, &w->end);
}

void turn_watch_stop(struct turn_watch *w, struct ev_loop *loop)
{
	ev_check_stop(loop, &w->begin);
	ev_prepare_stop(loop, &w->end);
}
