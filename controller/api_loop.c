/* SPDX-License-Identifier: Apache-2.0 */
#include "api_loop.h"

#include "attr.h"
#include "clock.h"
#include "list.h"

#include <errno.h>

struct fd_watcher {
	struct list link;
	ev_io io;
	struct api_loop *owner;
};

struct api_loop {
	struct ev_loop *loop;
	struct k8s_client *client;
	struct list watchers; /* a handful: one per connection */
	ev_timer timer;
	uint32_t random;
	void (*on_activity)(void *ctx);
	void *ctx;
};

static void on_fd(struct ev_loop *loop, ev_io *w, int revents)
{
	const struct fd_watcher *fw = w->data;
	struct api_loop *al = fw->owner; /* the client may drop this watcher */
	int events = (revents & EV_READ ? K8S_READ : 0) | (revents & EV_WRITE ? K8S_WRITE : 0);

	(void)loop;
	if (al->client)
		k8s_client_fd_ready(al->client, w->fd, events);
	al->on_activity(al->ctx);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct api_loop *al = w->data;

	(void)loop;
	(void)revents;
	if (al->client)
		k8s_client_timeout(al->client);
	al->on_activity(al->ctx);
}

static struct fd_watcher *find_watcher(struct api_loop *al, int fd)
{
	list_for_each (it, &al->watchers) {
		struct fd_watcher *fw = list_entry(it, struct fd_watcher, link);

		if (fw->io.fd == fd)
			return fw;
	}
	return NULL;
}

static struct fd_watcher *add_watcher(struct api_loop *al)
{
	struct fd_watcher *fw = calloc(1, sizeof(*fw));

	if (!fw)
		return NULL;
	fw->owner = al;
	ev_init(&fw->io, on_fd);
	fw->io.data = fw;
	list_append(&al->watchers, &fw->link);
	return fw;
}

static void drop_watcher(struct api_loop *al, struct fd_watcher *fw)
{
	ev_io_stop(al->loop, &fw->io);
	list_del(&fw->link);
	free(fw);
}

static void watch_fd(void *ctx, int fd, int want)
{
	struct api_loop *al = ctx;
	struct fd_watcher *fw = find_watcher(al, fd);

	if (!want) {
		if (fw)
			drop_watcher(al, fw);
		return;
	}
	if (!fw)
		fw = add_watcher(al);
	/* Without memory this connection stalls, and the request's own timeout ends it. */
	if (!fw)
		return;
	ev_io_stop(al->loop, &fw->io);
	ev_io_set(&fw->io, fd, (want & K8S_READ ? EV_READ : 0) | (want & K8S_WRITE ? EV_WRITE : 0));
	ev_io_start(al->loop, &fw->io);
}

static void set_timer(void *ctx, int64_t ms)
{
	struct api_loop *al = ctx;

	ev_timer_stop(al->loop, &al->timer);
	if (ms < 0)
		return;
	ev_timer_set(&al->timer, (double)ms / 1000.0, 0.);
	ev_timer_start(al->loop, &al->timer);
}

static uint64_t loop_now_ms(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms();
}

static int64_t loop_wall_s(void *ctx)
{
	(void)ctx;
	return clock_wall_seconds();
}

static uint32_t loop_random(void *ctx)
{
	struct api_loop *al = ctx;

	al->random = al->random * 1664525u + 1013904223u;
	return (al->random >> 8) ^ (al->random << 16);
}

const struct k8s_loop_ops api_loop_ops = {
	.watch_fd = watch_fd,
	.set_timer = set_timer,
	.now_ms = loop_now_ms,
	.random = loop_random,
	.wall_s = loop_wall_s,
};

int api_loop_new(struct ev_loop *loop, uint32_t seed, void (*on_activity)(void *ctx), void *ctx,
		 struct api_loop **ret, struct err *e)
{
	struct api_loop *al = calloc(1, sizeof(*al));

	if (!al)
		return err_set(e, -ENOMEM, "API loop: out of memory");
	al->loop = loop;
	al->random = seed;
	al->on_activity = on_activity;
	al->ctx = ctx;
	list_init(&al->watchers);
	ev_timer_init(&al->timer, on_timer, 0., 0.);
	al->timer.data = al;
	*ret = al;
	return 0;
}

void api_loop_set_client(struct api_loop *al, struct k8s_client *client)
{
	al->client = client;
}

void api_loop_free(struct api_loop *al)
{
	if (!al)
		return;
	list_for_each_safe (it, nxt, &al->watchers) {
		drop_watcher(al, list_entry(it, struct fd_watcher, link));
	}
	ev_timer_stop(al->loop, &al->timer);
	free(al);
}
