/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The daemon's line to the API server: client, pod watch and publisher, set up and taken
 * down in the right order, and their changes of state in the log. Whatever happens here,
 * the node's side goes on.
 */

#include "core.h"
#include "err.h"
#include "k8s.h"
#include "kube_events.h"
#include "publisher.h"

#include <ev.h>

struct api_link;
struct log;
struct options;

/* What it works with; everything is borrowed. */
struct api_link_deps {
	struct ev_loop *loop;
	const struct options *options;
	struct core *core;
	struct log *log;
	uint32_t seed;
	void (*on_activity)(void *ctx); /* api_link_next_ms() may have changed */
	void *ctx;
};

/*
 * -EINVAL and the k8s_config_load_*() errors when the credentials are unusable; an API
 * server that does not answer is no error.
 */
MUST_CHECK int api_link_new(const struct api_link_deps *deps, struct api_link **ret, struct err *e);
void api_link_free(struct api_link *link);

/* The core's callbacks, passed on. LINK may be NULL: nothing is published. */
void api_link_on_core_event(struct api_link *link, const struct core_event *event);
void api_link_on_core_notice(struct api_link *link, const struct core_notice *notice);

struct api_link_stats {
	const char *server; /* "https://10.96.0.1:443", as long as the link */
	struct publisher_stats publisher;
	struct k8s_client_stats client;
	struct k8s_watch_stats watch;
	bool has_events;
	struct kube_events_stats events;
};

void api_link_get_stats(const struct api_link *link, struct api_link_stats *ret);

/* --publish-rate has changed. */
void api_link_set_rate(struct api_link *link, uint64_t writes_per_s);

/* As publisher_work() and publisher_next_ms(); a NULL link never has anything to do. */
void api_link_work(struct api_link *link);
uint64_t api_link_next_ms(const struct api_link *link);
