/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Kubernetes Events (events.k8s.io/v1) about pods, for people who run `kubectl describe
 * pod`. They are never the source of truth: an Event that cannot be sent at once is
 * dropped and counted, and none is ever tried twice.
 *
 * How much is sent follows client-go: 25 Events about a pod in a row, then one per five
 * minutes; the same one again within six minutes raises the count of the first (its
 * `series`) instead of making another. All pods of a node together get five a second,
 * 25 in a row. After a failure nothing is sent for a while.
 */

#include "publisher.h"

struct kube_events;

struct kube_events_deps {
	const struct publisher_client_ops *client;
	void *client_ctx;
	uint64_t (*now_ms)(void *ctx); /* monotonic */
	int64_t (*wall_ms)(void *ctx); /* since 1970 */
	uint32_t (*random)(void *ctx);
	/* Events are not sent for a while, and why; once until one was sent. May be NULL. */
	void (*on_trouble)(void *ctx, const char *text);
	void *ctx;
};

/* DEPS and what it points to are borrowed, NODE_NAME is copied. -ENOMEM. */
MUST_CHECK int kube_events_new(const char *node_name, const struct kube_events_deps *deps,
			       struct kube_events **ret, struct err *e);
struct kube_events *kube_events_free(struct kube_events *k); /* cancels; returns NULL */

/* Say it, or drop it. */
void kube_events_post(struct kube_events *k, const struct publisher_transition *t);

struct kube_events_stats {
	uint64_t created, counted_up, dropped, failed;
	size_t pods; /* remembered for their limits; at most 1024 */
};

void kube_events_get_stats(const struct kube_events *k, struct kube_events_stats *ret);
