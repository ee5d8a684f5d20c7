/* SPDX-License-Identifier: Apache-2.0 */
#include "control_api.h"

#include "control_names.h"
#include "json_writer.h"
#include "report.h"

#include <errno.h>
#include <string.h>

/* ---- what is asked for ---------------------------------------------------------------------- */

static void bad_request(struct http_reply *reply, const struct err *e)
{
	http_reply_error(reply, 400, "BadRequest", "%s", e->msg);
}

/* "NAMESPACE/NAME"; the parts are copied. */
static bool split_pod(const char *rest, char namespace[CONTROL_NAME_MAX + 1],
		      char name[CONTROL_NAME_MAX + 1])
{
	const char *slash = strchr(rest, '/');
	size_t len = slash ? (size_t)(slash - rest) : 0;

	if (!slash || !control_is_name(rest, len) || !control_is_name(slash + 1, strlen(slash + 1)))
		return false;
	memcpy(namespace, rest, len);
	namespace[len] = '\0';
	memcpy(name, slash + 1, strlen(slash + 1) + 1);
	return true;
}

/* ---- GET /v1/pods --------------------------------------------------------------------------- */

struct listing {
	struct control_api *api;
	struct control_filter filter;
	struct json_writer *w;
	bool with_counters;
	size_t nr;
};

static void write_containers(struct json_writer *w, const struct core_pod_view *v)
{
	json_array(w, "containers");
	for (size_t i = 0; i < v->nr_containers; i++) {
		const struct core_container_view *c = &v->containers[i];

		json_object(w, NULL);
		json_string(w, "name", c->name);
		json_string(w, "id", c->id);
		json_string(w, "state", report_container_state(c->state));
		json_string(w, "reason", c->reason);
		json_string(w, "message", c->message);
		json_end_object(w);
	}
	json_end_array(w);
}

static void write_counter(void *arg, const struct rs_counter *counter)
{
	struct json_writer *w = arg;

	json_object(w, NULL);
	json_string(w, "domain", counter->domain);
	json_string(w, "event", counter->event);
	if (counter->why) {
		json_null(w, "value");
		json_string(w, "why", counter->why);
	} else {
		json_uint(w, "value", counter->value);
	}
	json_end_object(w);
}

/* What cannot be read is said in "countersError"; the rest of the pod is worth showing. */
static void write_counters(const struct listing *l, const struct core_pod_view *v)
{
	size_t root_len = strlen(l->api->root_name);
	const char *path = v->group_path;
	struct err e = {0};
	int r = 0;

	if (strncmp(path, l->api->root_name, root_len) == 0)
		path += root_len + (path[root_len] == '/');
	json_array(l->w, "counters");
	if (*path)
		r = rs_group_each_counter(l->api->rs, path, write_counter, l->w, &e);
	json_end_array(l->w);
	if (r < 0)
		json_string(l->w, "countersError", e.msg);
}

static void write_pod(void *ctx, const char *uid)
{
	struct listing *l = ctx;
	struct json_writer *w = l->w;
	struct core_pod_view v;

	if (!core_pod_view(l->api->core, uid, &v) || !control_filter_passes(&l->filter, &v))
		return;
	l->nr++;
	json_object(w, NULL);
	json_string(w, "namespace", v.namespace_);
	json_string(w, "name", v.name);
	json_string(w, "uid", v.uid);
	json_string(w, "groupState", report_group_state(v.group_state));
	json_string(w, "groupPath", v.group_path);
	json_uint(w, "totalContainers", v.total_containers);
	json_uint(w, "reconciledContainers", v.reconciled_containers);
	json_string(w, "reason", v.reason);
	json_string(w, "message", v.message);
	json_bool(w, "queued", v.queued);
	write_containers(w, &v);
	if (l->with_counters)
		write_counters(l, &v);
	json_end_object(w);
}

static void write_head(const struct control_api *api, struct json_writer *w)
{
	struct core_stats s;

	core_stats(api->core, &s);
	json_string(w, "node", api->node_name ? api->node_name : "");
	json_string(w, "version", PODRESCTRL_VERSION);
	json_string(w, "resctrl", api->simulated ? "simulated" : "real");
	json_bool(w, "synchronized", api->is_synchronized(api->ctx) && s.synchronized);
}

/* Returns how many pods were written. */
static size_t list_pods(struct control_api *api, const struct control_filter *filter,
			bool with_counters, struct http_reply *reply)
{
	struct json_writer w;
	struct listing l = {.api = api, .filter = *filter, .w = &w, .with_counters = with_counters};

	json_start(&w, &reply->body);
	json_object(&w, NULL);
	write_head(api, &w);
	json_array(&w, "pods");
	core_for_each_pod(api->core, write_pod, &l);
	json_end_array(&w);
	json_end_object(&w);
	(void)strbuf_addc(&reply->body, '\n');
	return l.nr;
}

static void handle_pods(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	static const char *const names[] = {"namespace", NULL};
	const struct control_filter filter = {.namespace = http_query(request, "namespace")};
	struct err e = {0};

	if (http_query_check(request, names, &e) < 0)
		bad_request(reply, &e);
	else if (filter.namespace && !control_is_name(filter.namespace, strlen(filter.namespace)))
		http_reply_error(reply, 400, "BadRequest", "'%.64s' is no name of a namespace",
				 filter.namespace);
	else
		(void)list_pods(ctx, &filter, false, reply);
}

static void handle_pod(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	static const char *const names[] = {NULL};
	char namespace[CONTROL_NAME_MAX + 1], name[CONTROL_NAME_MAX + 1];
	const struct control_filter filter = {.namespace = namespace, .name = name};
	struct err e = {0};

	if (http_query_check(request, names, &e) < 0)
		bad_request(reply, &e);
	else if (!split_pod(request->rest, namespace, name))
		http_reply_error(reply, 400, "BadRequest", "'%.200s' is not NAMESPACE/NAME",
				 request->rest);
	else if (list_pods(ctx, &filter, true, reply) == 0)
		control_pod_not_found(reply, namespace, name);
}

/* ---- GET /v1/capacity ----------------------------------------------------------------------- */

/*
 * The kernel does not tell which of the RMIDs in no group are free and which still drain. When
 * there are none of either, that is known; else the last refusal is a hint, no more.
 */
static void write_unused(struct json_writer *w, const struct rs_capacity *c)
{
	const char *refusal = c->limbo == RS_LIMBO_ALL    ? rs_reason(-EBUSY)
			      : c->limbo == RS_LIMBO_NONE ? rs_reason(-ENOSPC)
							  : NULL;

	json_uint(w, "unused", c->unused);
	if (c->unused) {
		json_null(w, "free");
		json_null(w, "inLimbo");
	} else {
		json_uint(w, "free", 0);
		json_uint(w, "inLimbo", 0);
	}
	json_string(w, "lastRefusal", refusal);
}

static void write_no_rmids(struct json_writer *w)
{
	static const char *const keys[] = {"total", "ours",    "foreign",    "unused",
					   "free",  "inLimbo", "lastRefusal"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_null(w, keys[i]);
}

/* C is NULL when resctrl cannot be read. */
static void write_rmids(struct json_writer *w, const struct rs_capacity *c, uint64_t reserve)
{
	json_object(w, "rmids");
	if (c) {
		json_uint(w, "total", c->rmids);
		json_uint(w, "ours", c->ours);
		json_uint(w, "foreign", c->foreign);
		write_unused(w, c);
	} else {
		write_no_rmids(w);
	}
	json_uint(w, "reserve", reserve);
	json_end_object(w);
}

/* Where pods take none, they are nobody's business here. */
static void write_closids(struct json_writer *w, const struct rs_capacity *c)
{
	if (!c || !c->closids) {
		json_null(w, "closids");
		return;
	}
	json_object(w, "closids");
	json_uint(w, "total", c->closids);
	json_uint(w, "ours", c->closids_ours);
	json_uint(w, "foreign", c->closids_foreign);
	json_uint(w, "unused", c->closids_unused);
	json_end_object(w);
}

static void write_ids(struct control_api *api, struct json_writer *w)
{
	struct rs_capacity capacity;
	bool is_known = rs_capacity(api->rs, api->group_prefix, &capacity, NULL) == 0;
	bool takes_closids = is_known && api->group_kind == RS_GROUP_CTRL;

	write_rmids(w, is_known ? &capacity : NULL, api->rmid_reserve);
	write_closids(w, takes_closids ? &capacity : NULL);
}

static void write_mount(struct control_api *api, struct json_writer *w)
{
	struct err e = {0};
	int r = rs_probe(api->rs, &e);

	json_object(w, "mount");
	json_string(w, "path", api->root_name);
	json_bool(w, "usable", r == 0);
	json_string(w, "reason", r < 0 ? rs_reason(r) : "");
	json_string(w, "message", e.msg);
	json_end_object(w);
}

static void handle_capacity(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	static const char *const names[] = {NULL};
	struct control_api *api = ctx;
	struct json_writer w;
	struct err e = {0};
	uint64_t threshold;

	if (http_query_check(request, names, &e) < 0) {
		bad_request(reply, &e);
		return;
	}
	json_start(&w, &reply->body);
	json_object(&w, NULL);
	json_string(&w, "node", api->node_name ? api->node_name : "");
	json_string(&w, "resctrl", api->simulated ? "simulated" : "real");
	json_string(&w, "groupKind", api->group_kind == RS_GROUP_MON ? "mon" : "ctrl");
	write_ids(api, &w);
	if (rs_limbo_threshold(api->rs, &threshold, NULL) == 0)
		json_uint(&w, "limboThresholdBytes", threshold);
	else
		json_null(&w, "limboThresholdBytes");
	write_mount(api, &w);
	json_end_object(&w);
	(void)strbuf_addc(&reply->body, '\n');
}

void control_api_routes(struct control_api *api, struct http_route *ret)
{
	const struct http_route routes[CONTROL_API_ROUTES] = {
		{"/v1/pods", false, HTTP_GET, handle_pods, api},
		{"/v1/pods/", true, HTTP_GET, handle_pod, api},
		{"/v1/capacity", false, HTTP_GET, handle_capacity, api},
	};

	memcpy(ret, routes, sizeof(routes));
}
