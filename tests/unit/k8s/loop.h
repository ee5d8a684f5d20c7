/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The event loop of the k8s tests: poll() over the client's descriptors and the fake
 * server's, in one thread. Its clock counts turns, one millisecond each, so that a busy
 * machine changes nothing and a test goes three minutes ahead without waiting for them.
 */

#include "fake_apiserver.h"
#include "k8s.h"

#include <check.h>
#include <string.h>

#define LOOP_FDS 64

struct loop {
	struct fake_api *api;
	struct k8s_config *cfg;
	struct k8s_client *client;
	int fds[LOOP_FDS], wants[LOOP_FDS];
	size_t nr;
	int64_t due_ms; /* -1: off */
	uint64_t now_ms;
	uint32_t random;
};

static uint64_t loop_now(void *ctx)
{
	return ((const struct loop *)ctx)->now_ms;
}

static void loop_watch_fd(void *ctx, int fd, int want)
{
	struct loop *l = ctx;
	size_t i = 0;

	while (i < l->nr && l->fds[i] != fd)
		i++;
	if (want == 0) {
		if (i < l->nr) {
			l->nr--;
			l->fds[i] = l->fds[l->nr];
			l->wants[i] = l->wants[l->nr];
		}
		return;
	}
	ck_assert(i < LOOP_FDS);
	l->fds[i] = fd;
	l->wants[i] = want;
	if (i == l->nr)
		l->nr++;
}

static void loop_set_timer(void *ctx, int64_t ms)
{
	struct loop *l = ctx;

	l->due_ms = ms < 0 ? -1 : (int64_t)loop_now(l) + ms;
}

static uint32_t loop_random(void *ctx)
{
	return ((struct loop *)ctx)->random;
}

static int64_t loop_wall_s(void *ctx)
{
	return INT64_C(1763600000) + (int64_t)(loop_now(ctx) / 1000);
}

static const struct k8s_loop_ops loop_ops = {
	.watch_fd = loop_watch_fd,
	.set_timer = loop_set_timer,
	.now_ms = loop_now,
	.random = loop_random,
	.wall_s = loop_wall_s,
};

static inline void loop_open_config(struct loop *l, const char *kubeconfig)
{
	struct err e;

	ck_assert_msg(k8s_config_parse(kubeconfig, strlen(kubeconfig), "test", NULL, &l->cfg, &e) ==
			      0,
		      "%s", e.msg);
	ck_assert_int_eq(k8s_client_new(l->cfg, &loop_ops, l, &l->client, &e), 0);
}

/* Everything but the client, so that a test can bring its own configuration. */
static inline void loop_open_server(struct loop *l)
{
	*l = (struct loop){.due_ms = -1, .now_ms = 1000000};
	l->api = fake_api_new(0);
	ck_assert_ptr_nonnull(l->api);
	fake_api_set_clock(l->api, loop_now, l);
}

static inline void loop_open(struct loop *l)
{
	char *kubeconfig;

	loop_open_server(l);
	fake_api_set_token(l->api, "token-1");
	kubeconfig = fake_api_kubeconfig(l->api);
	loop_open_config(l, kubeconfig);
	free(kubeconfig);
}

static inline void loop_close(struct loop *l)
{
	k8s_client_free(l->client);
	k8s_config_free(l->cfg);
	fake_api_free(l->api);
	/* Nothing may be left for the loop to do. */
	ck_assert_uint_eq(l->nr, 0);
	ck_assert_int_eq(l->due_ms, -1);
}

static inline void loop_turn(struct loop *l)
{
	struct pollfd fds[2 * LOOP_FDS];
	size_t nr = l->nr;

	for (size_t i = 0; i < nr; i++)
		fds[i] = (struct pollfd){
			.fd = l->fds[i],
			.events = (short)((l->wants[i] & K8S_READ ? POLLIN : 0) |
					  (l->wants[i] & K8S_WRITE ? POLLOUT : 0)),
		};
	l->now_ms++;
	(void)poll(fds, nr + fake_api_pollfds(l->api, fds + nr, LOOP_FDS), 1);
	for (size_t i = 0; i < nr; i++) {
		short got = fds[i].revents;

		if (got && l->client)
			k8s_client_fd_ready(l->client, fds[i].fd,
					    (got & ~POLLOUT ? K8S_READ : 0) |
						    (got & POLLOUT ? K8S_WRITE : 0));
	}
	if (l->client && l->due_ms >= 0 && (int64_t)loop_now(l) >= l->due_ms) {
		l->due_ms = -1;
		k8s_client_timeout(l->client);
	}
	(void)fake_api_step(l->api);
}

static inline void loop_advance(struct loop *l, uint64_t ms)
{
	l->now_ms += ms;
	loop_turn(l);
}

/* Some turns in which nothing is expected to happen. */
static inline void loop_idle(struct loop *l)
{
	for (int i = 0; i < 30; i++)
		loop_turn(l);
}

/* Turns until COND holds; the test fails when it does not within ten thousand. */
#define loop_until(l, cond)                                                             \
	do {                                                                            \
		uint64_t end_ = loop_now(l) + 10000;                                    \
                                                                                        \
		while (!(cond)) {                                                       \
			ck_assert_msg(loop_now(l) < end_, "never happened: %s", #cond); \
			loop_turn(l);                                                   \
		}                                                                       \
	} while (0)
