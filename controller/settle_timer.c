/* SPDX-License-Identifier: Apache-2.0 */
#include "settle_timer.h"

static void arm(struct settle_timer *t, double wait_s)
{
	ev_timer_stop(t->loop, &t->timer);
	ev_timer_set(&t->timer, wait_s, 0.);
	ev_timer_start(t->loop, &t->timer);
}

/* What is left to wait for calm, and for the last one to be long enough ago. */
static double wait_for_calm(const struct settle_timer *t)
{
	ev_tstamp calm = t->noted_at + t->config.calm_s;
	ev_tstamp gap = t->calm_at + t->config.gap_s;

	return (calm > gap ? calm : gap) - ev_now(t->loop);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct settle_timer *t = w->data;
	double wait_s = wait_for_calm(t);

	(void)loop;
	(void)revents;
	if (t->is_soon) {
		t->is_soon = false;
		t->config.settle(t->config.ctx);
		if (t->noted_at > t->calm_at)
			arm(t, t->config.calm_s);
	} else if (wait_s > 0.) {
		arm(t, wait_s);
	} else {
		t->calm_at = ev_now(t->loop);
		t->config.settle(t->config.ctx);
	}
}

void settle_timer_init(struct settle_timer *t, struct ev_loop *loop,
		       const struct settle_timer_config *config)
{
	*t = (struct settle_timer){.config = *config, .loop = loop};
	ev_timer_init(&t->timer, on_timer, 0., 0.);
	t->timer.data = t;
}

void settle_timer_soon(struct settle_timer *t)
{
	t->is_soon = true;
	arm(t, t->config.soon_s);
}

void settle_timer_note(struct settle_timer *t)
{
	t->noted_at = ev_now(t->loop);
	if (!ev_is_active(&t->timer))
		arm(t, t->config.calm_s);
}

void settle_timer_stop(struct settle_timer *t)
{
	ev_timer_stop(t->loop, &t->timer);
}
