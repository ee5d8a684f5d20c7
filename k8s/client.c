/* SPDX-License-Identifier: Apache-2.0 */

/* The client: libcurl's multi-socket interface on the caller's event loop. */

#include "client_priv.h"

#include <errno.h>
#include <string.h>

#define MAX_IDLE_CONNECTIONS 4

uint64_t k8s_now(const struct k8s_client *c)
{
	return c->ops->now_ms(c->ops_ctx);
}

uint64_t k8s_random_below(const struct k8s_client *c, uint64_t n)
{
	return n ? c->ops->random(c->ops_ctx) % n : 0;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void k8s_client_rearm(struct k8s_client *c)
{
	uint64_t due, now;

	if (c->depth || c->is_dying)
		return;
	due = earlier(c->curl_due_ms, earlier(k8s_calls_due(c), k8s_watches_due(c)));
	due = earlier(due, k8s_exec_due(c));
	if (due == c->timer_due_ms)
		return;
	c->timer_due_ms = due;
	now = k8s_now(c);
	if (due == K8S_NEVER)
		c->ops->set_timer(c->ops_ctx, -1);
	else
		c->ops->set_timer(c->ops_ctx, due > now ? (int64_t)(due - now) : 0);
}

/* ---- what libcurl calls ---- */

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct k8s_client *c = ctx;
	int want = 0;

	(void)easy;
	(void)socket_ctx;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		want |= K8S_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		want |= K8S_WRITE;
	c->ops->watch_fd(c->ops_ctx, fd, want);
	return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct k8s_client *c = ctx;

	(void)multi;
	c->curl_due_ms = timeout_ms < 0 ? K8S_NEVER : k8s_now(c) + (uint64_t)timeout_ms;
	k8s_client_rearm(c);
	return 0;
}

/* ---- life ---- */

static bool setup_multi(struct k8s_client *c)
{
	c->multi = curl_multi_init();
	return c->multi &&
	       curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket) == CURLM_OK &&
	       curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c) == CURLM_OK &&
	       curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer) == CURLM_OK &&
	       curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c) == CURLM_OK &&
	       curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK &&
	       curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS) ==
		       CURLM_OK;
}

int k8s_client_new(const struct k8s_config *cfg, const struct k8s_loop_ops *ops, void *ops_ctx,
		   struct k8s_client **ret, struct err *e)
{
	struct k8s_client *c;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, -ENOMEM, "libcurl does not start");
	c = calloc(1, sizeof(*c));
	if (!c) {
		curl_global_cleanup();
		return err_set(e, -ENOMEM, "Kubernetes client: out of memory");
	}
	c->cfg = cfg;
	c->ops = ops;
	c->ops_ctx = ops_ctx;
	c->curl_due_ms = c->timer_due_ms = K8S_NEVER;
	list_init(&c->calls);
	list_init(&c->watches);
	k8s_stats_init(&c->stats);
	k8s_exec_init(c);
	if (!setup_multi(c)) {
		k8s_client_free(c);
		return err_set(e, -ENOMEM, "Kubernetes client: libcurl refuses its set-up");
	}
	/* The timer and sockets are ours from here on. */
	*ret = c;
	return 0;
}

static void destroy(struct k8s_client *c)
{
	k8s_watches_reap(c);
	k8s_exec_done(c);
	if (c->multi)
		(void)curl_multi_cleanup(c->multi); /* stops the sockets */
	c->ops->set_timer(c->ops_ctx, -1);
	k8s_auth_done(&c->auth);
	free(c);
	curl_global_cleanup();
}

struct k8s_client *k8s_client_free(struct k8s_client *c)
{
	if (!c)
		return NULL;
	c->is_dying = true;
	k8s_calls_drop(c);
	k8s_watches_drop(c);
	if (!c->depth)
		destroy(c);
	return NULL;
}

/* ---- turns of the loop ---- */

static void finish_transfers(struct k8s_client *c)
{
	CURLMsg *msg;
	int nr_left;

	while (!c->is_dying && (msg = curl_multi_info_read(c->multi, &nr_left))) {
		CURLcode result = msg->data.result;
		struct k8s_transfer *t = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		k8s_count_transfer(t);
		t->ops->on_done(t, result);
	}
}

static void run(struct k8s_client *c, uint64_t now)
{
	finish_transfers(c);
	if (!c->is_dying)
		k8s_exec_run(c, now);
	if (!c->is_dying)
		k8s_calls_run(c, now);
	if (!c->is_dying)
		k8s_watches_run(c, now);
	c->depth--;
	if (c->depth)
		return;
	if (c->is_dying) {
		destroy(c);
		return;
	}
	k8s_watches_reap(c);
	k8s_client_rearm(c);
}

void k8s_client_fd_ready(struct k8s_client *c, int fd, int events)
{
	int mask = 0, nr_running;

	if (events & K8S_READ)
		mask |= CURL_CSELECT_IN;
	if (events & K8S_WRITE)
		mask |= CURL_CSELECT_OUT;
	c->depth++;
	if (!k8s_exec_owns_fd(c, fd))
		(void)curl_multi_socket_action(c->multi, fd, mask, &nr_running);
	run(c, k8s_now(c));
}

void k8s_client_timeout(struct k8s_client *c)
{
	uint64_t now = k8s_now(c);

	c->depth++;
	c->timer_due_ms = K8S_NEVER;
	if (c->curl_due_ms <= now) {
		long left_ms = -1;
		int nr_running;

		c->curl_due_ms = K8S_NEVER;
		(void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &nr_running);
		/*
		 * libcurl goes by its own clock; when ours is ahead, nothing was due, and it
		 * does not ask again for a time that it asked for before.
		 */
		if (c->curl_due_ms == K8S_NEVER &&
		    curl_multi_timeout(c->multi, &left_ms) == CURLM_OK && left_ms >= 0)
			c->curl_due_ms = now + (uint64_t)left_ms;
	}
	run(c, now);
}
