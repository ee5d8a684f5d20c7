/* SPDX-License-Identifier: Apache-2.0 */
#include "api_link.h"

#include "api_loop.h"
#include "clock.h"
#include "k8s.h"
#include "kube_events.h"
#include "log.h"
#include "options.h"
#include "publisher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct api_link {
	struct log *log;
	struct k8s_config *config;
	struct api_loop *api_loop;
	struct k8s_client *client;
	struct publisher *publisher;
	struct kube_events *events; /* NULL with --events=off */
	struct k8s_watch *watch;
	bool was_connected, was_told; /* what the log last said of the watch */
	int last_failure;
};

static uint64_t env_now_ms(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms();
}

static int64_t env_wall_s(void *ctx)
{
	(void)ctx;
	return clock_wall_seconds();
}

static int64_t env_wall_ms(void *ctx)
{
	(void)ctx;
	return clock_wall_ms();
}

static uint32_t env_random(void *ctx)
{
	const struct api_link *link = ctx;

	return api_loop_ops.random(link->api_loop);
}

static const struct publisher_env env = {
	.now_ms = env_now_ms,
	.wall_s = env_wall_s,
	.random = env_random,
};

static void on_publisher_notice(void *ctx, const struct publisher_notice *n)
{
	static const struct {
		enum log_level level;
		const char *msg;
	} lines[] = {
		[PUBLISHER_NOTICE_STATE] = {LOG_LEVEL_WARN, "publishing is held up"},
		[PUBLISHER_NOTICE_REJECTED] = {LOG_LEVEL_ERROR, "the API server refuses a status"},
		[PUBLISHER_NOTICE_NAME_TAKEN] = {LOG_LEVEL_WARN,
						 "another node's object has this pod's name"},
		[PUBLISHER_NOTICE_RETRY_HANDLED] = {LOG_LEVEL_INFO, "retry handled"},
		[PUBLISHER_NOTICE_WARNING] = {LOG_LEVEL_WARN, "the API server warns"},
		[PUBLISHER_NOTICE_NO_MEMORY] = {LOG_LEVEL_ERROR,
						"out of memory, a change was lost"},
	};
	const struct api_link *link = ctx;
	bool is_good = n->kind == PUBLISHER_NOTICE_STATE && n->state == PUBLISHER_OK;

	if (is_good) {
		log_write(link->log, LOG_LEVEL_INFO, "publishing", NULL);
		return;
	}
	log_write(link->log, lines[n->kind].level, lines[n->kind].msg, "pod", n->name, "namespace",
		  n->namespace_, "state",
		  n->kind == PUBLISHER_NOTICE_STATE ? publisher_state_name(n->state) : NULL,
		  n->kind == PUBLISHER_NOTICE_RETRY_HANDLED ? "result" : "err", n->text, NULL);
}

static void on_transition(void *ctx, const struct publisher_transition *t)
{
	const struct api_link *link = ctx;

	if (link->events)
		kube_events_post(link->events, t);
}

static void on_events_trouble(void *ctx, const char *text)
{
	const struct api_link *link = ctx;

	log_write(link->log, LOG_LEVEL_WARN, "Events are dropped for a while", "err", text, NULL);
}

/* The watch reports every failed attempt; the log wants the changes. */
static void on_watch_state(void *ctx, const struct k8s_watch_state *state)
{
	struct api_link *link = ctx;

	if (publisher_watch_ops.on_state)
		publisher_watch_ops.on_state(link->publisher, state);
	if (state->connected == link->was_connected && link->was_told &&
	    (state->connected || state->rc == link->last_failure))
		return;
	link->was_connected = state->connected;
	link->was_told = true;
	link->last_failure = state->rc;
	if (state->connected)
		log_write(link->log, LOG_LEVEL_INFO, "watching this node's pods", NULL);
	else
		log_write(link->log, LOG_LEVEL_WARN,
			  "cannot watch this node's pods, will keep trying", "err", state->message,
			  NULL);
}

static void on_watch_object(void *ctx, enum k8s_event_type type, const struct k8s_object_meta *meta)
{
	const struct api_link *link = ctx;

	publisher_watch_ops.on_object(link->publisher, type, meta);
}

static void on_watch_synced(void *ctx)
{
	const struct api_link *link = ctx;

	if (publisher_watch_ops.on_synced)
		publisher_watch_ops.on_synced(link->publisher);
}

static const struct k8s_watch_ops watch_ops = {
	.on_object = on_watch_object,
	.on_synced = on_watch_synced,
	.on_state = on_watch_state,
};

/* The environment of the service account is read here, once; the library never does. */
static int load_config(const struct options *options, struct k8s_config **ret, struct err *e)
{
	const struct k8s_incluster in = {
		.host = getenv("KUBERNETES_SERVICE_HOST"), /* NOLINT(concurrency-mt-unsafe) */
		.port = getenv("KUBERNETES_SERVICE_PORT"), /* NOLINT(concurrency-mt-unsafe) */
	};
	int r;

	if (options->kubeconfig)
		return k8s_config_load_kubeconfig(options->kubeconfig, NULL, ret, e);
	r = k8s_config_load_incluster(&in, ret, e);
	if (r < 0)
		err_prefix(e, "not in a cluster? give --kubeconfig=PATH, or --publish=none");
	return r;
}

static int new_events(struct api_link *link, const struct options *options, struct err *e)
{
	const struct kube_events_deps deps = {
		.client = &publisher_k8s_ops,
		.client_ctx = link->client,
		.now_ms = env_now_ms,
		.wall_ms = env_wall_ms,
		.random = env_random,
		.on_trouble = on_events_trouble,
		.ctx = link,
	};

	return options->events ? kube_events_new(options->node_name, &deps, &link->events, e) : 0;
}

static int new_publisher(struct api_link *link, const struct options *options, struct core *core,
			 struct err *e)
{
	const struct publisher_config config = {
		.node_name = options->node_name,
		.mode = options->publish == PUBLISH_PROBLEMS ? PUBLISHER_PROBLEMS : PUBLISHER_ALL,
		.label_selector = options->publish_selector,
		.namespaces = options->publish_namespaces,
		.no_pod_watch = !options->pod_watch,
		.simulated = options->simulated,
		.writes_per_s = (unsigned)options->publish_rate,
		.start_jitter_ms = options->start_jitter_ms,
	};
	const struct publisher_deps deps = {
		.core = &publisher_real_core_ops,
		.core_ctx = core,
		.client = &publisher_k8s_ops,
		.client_ctx = link->client,
		.env = &env,
		.on_notice = on_publisher_notice,
		.on_transition = on_transition,
		.ctx = link,
	};

	return publisher_new(&config, &deps, &link->publisher, e);
}

static int new_watch(struct api_link *link, struct err *e)
{
	struct k8s_watch_spec spec;

	publisher_watch_spec(link->publisher, &spec);
	return k8s_watch_new(link->client, &spec, &watch_ops, link, &link->watch, e);
}

int api_link_new(const struct api_link_deps *deps, struct api_link **ret, struct err *e)
{
	const struct options *options = deps->options;
	struct api_link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return err_set(e, -ENOMEM, "API link: out of memory");
	link->log = deps->log;
	r = load_config(options, &link->config, e);
	if (r == 0)
		r = api_loop_new(deps->loop, deps->seed, deps->on_activity, deps->ctx,
				 &link->api_loop, e);
	if (r == 0)
		r = k8s_client_new(link->config, &api_loop_ops, link->api_loop, &link->client, e);
	if (r == 0)
		api_loop_set_client(link->api_loop, link->client);
	if (r == 0)
		r = new_events(link, options, e);
	if (r == 0)
		r = new_publisher(link, options, deps->core, e);
	if (r == 0 && options->pod_watch)
		r = new_watch(link, e);
	if (r < 0) {
		api_link_free(link);
		return r;
	}
	log_write(link->log, LOG_LEVEL_INFO, "publishing to the API server", "server",
		  k8s_config_server(link->config), NULL);
	*ret = link;
	return 0;
}

void api_link_free(struct api_link *link)
{
	if (!link)
		return;
	if (link->watch)
		(void)k8s_watch_free(link->watch);
	if (link->publisher)
		(void)publisher_free(link->publisher);
	(void)kube_events_free(link->events);
	/* The client says goodbye to its sockets through the loop, so the loop goes after it. */
	if (link->client)
		(void)k8s_client_free(link->client);
	if (link->api_loop)
		api_loop_set_client(link->api_loop, NULL);
	api_loop_free(link->api_loop);
	if (link->config)
		(void)k8s_config_free(link->config);
	free(link);
}

void api_link_on_core_event(struct api_link *link, const struct core_event *event)
{
	if (link)
		publisher_on_core_event(link->publisher, clock_monotonic_ms(), event);
}

void api_link_on_core_notice(struct api_link *link, const struct core_notice *notice)
{
	if (link)
		publisher_on_core_notice(link->publisher, clock_monotonic_ms(), notice);
}

void api_link_set_rate(struct api_link *link, uint64_t writes_per_s)
{
	if (link)
		publisher_set_rate(link->publisher, clock_monotonic_ms(), (unsigned)writes_per_s);
}

void api_link_work(struct api_link *link)
{
	if (link)
		publisher_work(link->publisher, clock_monotonic_ms());
}

uint64_t api_link_next_ms(const struct api_link *link)
{
	return link ? publisher_next_ms(link->publisher) : UINT64_MAX;
}

void api_link_get_stats(const struct api_link *link, struct api_link_stats *ret)
{
	*ret = (struct api_link_stats){.server = k8s_config_server(link->config)};
	publisher_get_stats(link->publisher, &ret->publisher);
	k8s_client_get_stats(link->client, &ret->client);
	if (link->watch)
		k8s_watch_get_stats(link->watch, &ret->watch);
	ret->has_events = link->events != NULL;
	if (link->events)
		kube_events_get_stats(link->events, &ret->events);
}
