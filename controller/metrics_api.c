/* SPDX-License-Identifier: Apache-2.0 */

/* The sides that talk HTTP: the API server, and those who ask us. */

#include "metrics_priv.h"

#include <stdio.h>
#include <string.h>

/* ---- the API server ------------------------------------------------------------------------- */

static const char *method_name(enum k8s_method method)
{
	static const char *const names[] = {
		[K8S_GET] = "GET",     [K8S_POST] = "POST",     [K8S_PUT] = "PUT",
		[K8S_PATCH] = "PATCH", [K8S_DELETE] = "DELETE",
	};

	return names[method];
}

/* Names, labels and buckets are client-go's, so that its dashboards fit. */
static void add_client(const struct api_link_stats *a, struct strbuf *out)
{
	const char *slashes = strstr(a->server, "://");
	const char *host = slashes ? slashes + 3 : a->server;

	metrics_family(out, "rest_client_requests_total", METRICS_COUNTER,
		       "Requests to the API server by status; code <error>: no answer.");
	for (size_t i = 0; i < a->client.nr_requests; i++) {
		const struct k8s_client_count *c = &a->client.requests[i];
		char code[16] = "<error>";

		if (c->http_status)
			(void)snprintf(code, sizeof(code), "%d", c->http_status);
		metrics_uint(out, "rest_client_requests_total", c->nr, "code", code, "method",
			     method_name(c->method), "host", host, NULL);
	}
	if (a->client.other_requests)
		metrics_uint(out, "rest_client_requests_total", a->client.other_requests, "code",
			     "other", "method", "other", "host", host, NULL);
	metrics_family(out, "rest_client_request_duration_seconds", METRICS_HISTOGRAM,
		       "From a request to the beginning of its answer.");
	for (unsigned m = 0; m < ARRAY_LEN(a->client.latency); m++) {
		if (m != K8S_PUT) /* which we never send */
			metrics_histogram(out, "rest_client_request_duration_seconds",
					  &a->client.latency[m], "verb", method_name(m), "host",
					  host, NULL);
	}
	metrics_family(out, "podresctrl_token_reload_total", METRICS_COUNTER,
		       "Readings of the service account's token.");
	metrics_uint(out, "podresctrl_token_reload_total", a->client.token_reads_good, "result",
		     "success", NULL);
	metrics_uint(out, "podresctrl_token_reload_total", a->client.token_reads_bad, "result",
		     "failure", NULL);
}

static const char *relist_name(enum k8s_relist why)
{
	static const char *const names[] = {
		[K8S_RELIST_EXPIRED] = "Expired",          [K8S_RELIST_SILENCE] = "Silence",
		[K8S_RELIST_SERVER_ERROR] = "ServerError", [K8S_RELIST_BAD_EVENT] = "BadEvent",
		[K8S_RELIST_PERIODIC] = "Periodic",        [K8S_RELIST_ASKED] = "Asked",
	};
	_Static_assert(ARRAY_LEN(names) == K8S_RELIST_MAX, "one name per reason");

	return names[why];
}

static void add_watch(const struct metrics_input *in, struct strbuf *out)
{
	const struct k8s_watch_stats *w = &in->api.watch;
	uint64_t last_ms = 0;

	metrics_family(out, "podresctrl_watch_events_total", METRICS_COUNTER,
		       "Events of the watch on this node's pods.");
	metrics_uint(out, "podresctrl_watch_events_total", w->added, "type", "ADDED", NULL);
	metrics_uint(out, "podresctrl_watch_events_total", w->modified, "type", "MODIFIED", NULL);
	metrics_uint(out, "podresctrl_watch_events_total", w->deleted, "type", "DELETED", NULL);
	metrics_uint(out, "podresctrl_watch_events_total", w->bookmarks, "type", "BOOKMARK", NULL);
	metrics_uint(out, "podresctrl_watch_events_total", w->unknown, "type", "other", NULL);
	metrics_counter(out, "podresctrl_watches_total", "Watches opened.", w->watches);
	metrics_family(out, "podresctrl_watch_restarts_total", METRICS_COUNTER,
		       "Ends of the watch (or of a list) that were not in order.");
	metrics_uint(out, "podresctrl_watch_restarts_total", w->silences, "reason", "Silence",
		     NULL);
	metrics_uint(out, "podresctrl_watch_restarts_total", w->expired, "reason", "Expired", NULL);
	metrics_uint(out, "podresctrl_watch_restarts_total", w->failures, "reason", "Failure",
		     NULL);
	metrics_family(out, "podresctrl_relists_total", METRICS_COUNTER,
		       "Complete lists of this node's pods after the first.");
	for (unsigned why = 0; why < K8S_RELIST_MAX; why++)
		metrics_uint(out, "podresctrl_relists_total", w->relists[why], "reason",
			     relist_name(why), NULL);
	if (w->last_byte_ms)
		last_ms = (uint64_t)in->wall_ms - (in->now_ms - w->last_byte_ms);
	metrics_family(out, "podresctrl_watch_last_event_timestamp_seconds", METRICS_GAUGE,
		       "When the API server was last heard on the watch, 0: never.");
	metrics_seconds(out, "podresctrl_watch_last_event_timestamp_seconds", last_ms * 1000, NULL);
	metrics_gauge(out, "podresctrl_watch_pods", "Pods of this node that the watch shows.",
		      w->objects);
}

static void add_throttle(const struct publisher_stats *p, struct strbuf *out)
{
	static const char *const name = "podresctrl_throttled_seconds_total";
	const uint64_t *ms = p->throttled_ms;

	metrics_family(out, name, METRICS_COUNTER,
		       "Time that writes waited: for our own rate (client), or because the API "
		       "server said that it is overloaded (server).");
	metrics_seconds(out, name, ms[PUBLISHER_THROTTLE_CLIENT] * 1000, "source", "client", NULL);
	metrics_seconds(out, name, ms[PUBLISHER_THROTTLE_SERVER] * 1000, "source", "server", NULL);
}

static void add_publisher_counts(const struct publisher_stats *p, struct strbuf *out)
{
	metrics_family(out, "podresctrl_publish_total", METRICS_COUNTER,
		       "Requests about PodResctrlStatus objects.");
	for (unsigned v = 0; v < PUBLISHER_VERB_MAX; v++) {
		/* The answer of one that is under way is not known yet. */
		uint64_t failed = p->failures[v] < p->requests[v] ? p->failures[v] : p->requests[v];

		metrics_uint(out, "podresctrl_publish_total", p->requests[v] - failed, "op",
			     publisher_verb_name(v), "result", "success", NULL);
		metrics_uint(out, "podresctrl_publish_total", failed, "op", publisher_verb_name(v),
			     "result", "failure", NULL);
	}
	metrics_counter(out, "podresctrl_publish_suppressed_total",
			"Changes that left the status as it was, and were not written.",
			p->suppressed);
	metrics_counter(out, "podresctrl_publish_abandoned_total",
			"Objects left to the cluster's garbage collector.", p->dropped);
	metrics_family(out, "podresctrl_publish_lag_seconds", METRICS_HISTOGRAM,
		       "From a pod's change until its object shows it.");
	metrics_histogram(out, "podresctrl_publish_lag_seconds", &p->lag, NULL);
	metrics_family(out, "podresctrl_publisher_state", METRICS_GAUGE,
		       "1 for the state of the way to the API server.");
	for (unsigned s = 0; s < PUBLISHER_STATE_MAX; s++)
		metrics_uint(out, "podresctrl_publisher_state", s == p->state, "state",
			     publisher_state_name(s), NULL);
	metrics_gauge(out, "podresctrl_published_objects", "Pods whose object is there.",
		      p->published);
	metrics_gauge(out, "podresctrl_publish_in_flight", "Requests under way.", p->in_flight);
}

/* The names of client-go's queues, for the pods that wait to be written. */
static void add_queue(const struct publisher_stats *p, struct strbuf *out)
{
	metrics_family(out, "workqueue_depth", METRICS_GAUGE, "Pods with something to write.");
	metrics_uint(out, "workqueue_depth", p->waiting, "name", "publisher", NULL);
	metrics_family(out, "workqueue_adds_total", METRICS_COUNTER,
		       "Pods that came to have something to write.");
	metrics_uint(out, "workqueue_adds_total", p->added, "name", "publisher", NULL);
	metrics_family(out, "workqueue_retries_total", METRICS_COUNTER,
		       "Writes that were put off after a failure.");
	metrics_uint(out, "workqueue_retries_total", p->retried, "name", "publisher", NULL);
}

static void add_kube_events(const struct kube_events_stats *e, struct strbuf *out)
{
	static const char *const name = "podresctrl_kube_events_total";

	metrics_family(out, name, METRICS_COUNTER, "Kubernetes Events about pods.");
	metrics_uint(out, name, e->created, "result", "created", NULL);
	metrics_uint(out, name, e->counted_up, "result", "counted", NULL);
	metrics_uint(out, name, e->dropped, "result", "dropped", NULL);
	metrics_uint(out, name, e->failed, "result", "failed", NULL);
}

void metrics_add_api(const struct metrics_input *in, struct strbuf *out)
{
	add_client(&in->api, out);
	add_watch(in, out);
	add_publisher_counts(&in->api.publisher, out);
	add_throttle(&in->api.publisher, out);
	add_queue(&in->api.publisher, out);
	if (in->api.has_events)
		add_kube_events(&in->api.events, out);
}

/* ---- those who ask us ----------------------------------------------------------------------- */

/* One family with a sample for each server; OFFSET: of the counter in its statistics. */
static void add_per_server(const struct metrics_input *in, struct strbuf *out, const char *name,
			   const char *help, size_t offset)
{
	metrics_family(out, name, METRICS_COUNTER, help);
	for (size_t i = 0; i < METRICS_SERVERS; i++) {
		const struct metrics_server *s = &in->servers[i];

		if (s->name)
			metrics_uint(
				out, name,
				*(const uint64_t *)(const void *)((const char *)&s->stats + offset),
				"server", s->name, NULL);
	}
}

#define STAT(f) offsetof(struct http_server_stats, f)

void metrics_add_servers(const struct metrics_input *in, struct strbuf *out)
{
	add_per_server(in, out, "podresctrl_http_requests_total", "Requests that were answered.",
		       STAT(requests));
	add_per_server(in, out, "podresctrl_http_refused_total",
		       "Requests for what is not there, or too large.", STAT(refused));
	add_per_server(in, out, "podresctrl_http_connections_total", "Connections accepted.",
		       STAT(connections));
	add_per_server(in, out, "podresctrl_http_timeouts_total",
		       "Connections ended because an exchange took too long.", STAT(timed_out));
	add_per_server(in, out, "podresctrl_http_crowded_out_total",
		       "Connections ended to make room for new ones.", STAT(crowded_out));
	metrics_family(out, "podresctrl_http_open_connections", METRICS_GAUGE,
		       "Connections that are open.");
	for (size_t i = 0; i < METRICS_SERVERS; i++) {
		if (in->servers[i].name)
			metrics_uint(out, "podresctrl_http_open_connections",
				     in->servers[i].stats.open, "server", in->servers[i].name,
				     NULL);
	}
	if (!in->has_control_events)
		return;
	metrics_gauge(out, "podresctrl_event_followers",
		      "Readers of /v1/events on the control socket.", in->control_events.followers);
	metrics_counter(out, "podresctrl_event_followers_cut_off_total",
			"Of those: cut off because they were too slow.",
			in->control_events.cut_off);
	metrics_counter(out, "podresctrl_event_followers_refused_total",
			"Of those: turned away because there were too many.",
			in->control_events.turned_away);
}
