/* SPDX-License-Identifier: Apache-2.0 */

/* How objects are shown: discovery, whole, metadata only, and as the tables kubectl prints. */

#include "fake_apiserver_priv.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define META_API "meta.k8s.io/v1"

static struct json_object *text(const char *s)
{
	return json_object_new_string(s);
}

static void add(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, text(value));
}

static void group_version(const struct fake_type *t, char *ret, size_t size)
{
	snprintf(ret, size, "%s%s%s", t->group, *t->group ? "/" : "", t->version);
}

/* ---- discovery ---- */

static struct json_object *verbs(const char *const *list)
{
	struct json_object *a = json_object_new_array();

	for (; *list; list++)
		json_object_array_add(a, text(*list));
	return a;
}

static struct json_object *new_resource(const struct fake_type *t, bool is_status)
{
	static const char *const all[] = {"create", "delete", "get",   "list",
					  "patch",  "update", "watch", NULL};
	static const char *const some[] = {"get", "patch", "update", NULL};
	struct json_object *r = json_object_new_object(), *a;
	char name[128];

	snprintf(name, sizeof(name), "%s%s", t->resource, is_status ? "/status" : "");
	add(r, "name", name);
	add(r, "singularName", is_status ? "" : t->singular);
	json_object_object_add(r, "namespaced", json_object_new_boolean(t->is_namespaced));
	add(r, "kind", t->kind);
	json_object_object_add(r, "verbs", verbs(is_status ? some : all));
	if (is_status)
		return r;
	if (t->short_name) {
		a = json_object_new_array();
		json_object_array_add(a, text(t->short_name));
		json_object_object_add(r, "shortNames", a);
	}
	if (t->category) {
		a = json_object_new_array();
		json_object_array_add(a, text(t->category));
		json_object_object_add(r, "categories", a);
	}
	return r;
}

static bool is_served(const struct fake_api *f, const struct fake_type *t)
{
	return !t->is_custom || !f->has_no_definition;
}

static bool discover_resources(const struct fake_api *f, struct fake_conn *c, const char *gv)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();
	char have[128];

	for (size_t i = 0; i < fake_nr_types; i++) {
		group_version(&fake_types[i], have, sizeof(have));
		if (strcmp(have, gv) != 0 || !is_served(f, &fake_types[i]))
			continue;
		json_object_array_add(a, new_resource(&fake_types[i], false));
		if (fake_types[i].has_status)
			json_object_array_add(a, new_resource(&fake_types[i], true));
	}
	if (json_object_array_length(a) == 0) {
		json_object_put(a);
		json_object_put(o);
		return false;
	}
	add(o, "kind", "APIResourceList");
	add(o, "apiVersion", "v1");
	add(o, "groupVersion", gv);
	json_object_object_add(o, "resources", a);
	fake_reply_json(c, 200, o);
	return true;
}

static struct json_object *new_group(const char *group, const char *version)
{
	struct json_object *g = json_object_new_object(), *v = json_object_new_object();
	struct json_object *list = json_object_new_array();
	char gv[128];

	snprintf(gv, sizeof(gv), "%s/%s", group, version);
	add(g, "name", group);
	add(v, "groupVersion", gv);
	add(v, "version", version);
	json_object_array_add(list, json_object_get(v));
	json_object_object_add(g, "versions", list);
	json_object_object_add(g, "preferredVersion", v);
	return g;
}

/* The rows of a group stand together in the table; its first one speaks for it. */
static bool begins_group(size_t i)
{
	return *fake_types[i].group &&
	       (i == 0 || strcmp(fake_types[i].group, fake_types[i - 1].group) != 0);
}

static void discover_groups(const struct fake_api *f, struct fake_conn *c)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();

	for (size_t i = 0; i < fake_nr_types; i++) {
		if (begins_group(i) && is_served(f, &fake_types[i]))
			json_object_array_add(
				a, new_group(fake_types[i].group, fake_types[i].version));
	}
	add(o, "kind", "APIGroupList");
	add(o, "apiVersion", "v1");
	json_object_object_add(o, "groups", a);
	fake_reply_json(c, 200, o);
}

/*
 * An OpenAPI 2 document without definitions, in the protobuf form that kubectl insists
 * on (gnostic's Document: swagger, info{title, version}): it finds no schema and so
 * validates nothing.
 */
static void reply_openapi(struct fake_conn *c)
{
	static const char doc[] = "\x0a\x03"
				  "2.0"
				  "\x12\x0b\x0a\x04"
				  "fake"
				  "\x12\x03"
				  "1.0";

	fake_reply(c, 200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", NULL, doc,
		   sizeof(doc) - 1);
}

bool fake_discovery(const struct fake_api *f, struct fake_conn *c, const struct fake_request *rq)
{
	static const char version[] =
		"{\"major\":\"1\",\"minor\":\"32\",\"gitVersion\":\"v1.32.0+fake\","
		"\"gitCommit\":\"0\",\"gitTreeState\":\"clean\","
		"\"buildDate\":\"2025-01-01T00:00:00Z\",\"goVersion\":\"none\","
		"\"compiler\":\"gcc\",\"platform\":\"linux/amd64\"}";
	static const char core[] = "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],"
				   "\"serverAddressByClientCIDRs\":[]}";

	if (strcmp(rq->path, "/version") == 0)
		fake_reply(c, 200, "application/json", NULL, version, strlen(version));
	else if (strcmp(rq->path, "/healthz") == 0 || strcmp(rq->path, "/readyz") == 0)
		fake_reply(c, 200, "text/plain", NULL, "ok", 2);
	else if (strcmp(rq->path, "/openapi/v2") == 0)
		reply_openapi(c);
	else if (strcmp(rq->path, "/api") == 0)
		fake_reply(c, 200, "application/json", NULL, core, strlen(core));
	else if (strcmp(rq->path, "/apis") == 0)
		discover_groups(f, c);
	else if (strncmp(rq->path, "/api/", 5) == 0)
		return discover_resources(f, c, rq->path + 5);
	else if (strncmp(rq->path, "/apis/", 6) == 0)
		return discover_resources(f, c, rq->path + 6);
	else
		return false;
	return true;
}

/* ---- table cells ---- */

/* As kubectl writes durations. */
static void write_age(uint64_t s, char *ret, size_t size)
{
	unsigned long long v = s;

	if (v < 120)
		snprintf(ret, size, "%llus", v);
	else if (v < 600 && v % 60)
		snprintf(ret, size, "%llum%llus", v / 60, v % 60);
	else if (v < 3 * 3600)
		snprintf(ret, size, "%llum", v / 60);
	else if (v < 8 * 3600 && v / 60 % 60)
		snprintf(ret, size, "%lluh%llum", v / 3600, v / 60 % 60);
	else if (v < 48 * 3600)
		snprintf(ret, size, "%lluh", v / 3600);
	else
		snprintf(ret, size, "%llud", v / 86400);
}

static struct json_object *age_cell(struct json_object *o)
{
	const char *created = fake_str(o, "metadata", "creationTimestamp");
	struct tm tm = {0};
	char buf[32];
	time_t then, now = time(NULL);

	if (!strptime(created, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return text("<unknown>");
	then = timegm(&tm);
	write_age(now > then ? (uint64_t)(now - then) : 0, buf, sizeof(buf));
	return text(buf);
}

/* .status.conditions[?(@.type=="Ready")].<field> */
static const char *ready_field(struct json_object *o, const char *field)
{
	struct json_object *status = NULL, *list = NULL;
	size_t nr = 0;

	if (json_object_object_get_ex(o, "status", &status) &&
	    json_object_object_get_ex(status, "conditions", &list) &&
	    json_object_is_type(list, json_type_array))
		nr = json_object_array_length(list);
	for (size_t i = 0; i < nr; i++) {
		struct json_object *c = json_object_array_get_idx(list, i);

		if (strcmp(fake_str(c, "type", NULL), "Ready") == 0)
			return fake_str(c, field, NULL);
	}
	return "";
}

static struct json_object *or_nothing(const char *s)
{
	return *s ? text(s) : NULL;
}

struct column {
	const char *name;
	bool is_wide;
	struct json_object *(*cell)(struct json_object *o);
};

static struct json_object *cell_name(struct json_object *o)
{
	return text(fake_str(o, "metadata", "name"));
}

static struct json_object *cell_group(struct json_object *o)
{
	return or_nothing(fake_str(o, "status", "groupState"));
}

static struct json_object *cell_containers(struct json_object *o)
{
	return or_nothing(fake_str(o, "status", "containersReady"));
}

static struct json_object *cell_ready(struct json_object *o)
{
	return or_nothing(ready_field(o, "status"));
}

static struct json_object *cell_reason(struct json_object *o)
{
	return or_nothing(fake_str(o, "status", "reason"));
}

static struct json_object *cell_node(struct json_object *o)
{
	return or_nothing(fake_str(o, "spec", "nodeName"));
}

static struct json_object *cell_path(struct json_object *o)
{
	return or_nothing(fake_str(o, "status", "groupPath"));
}

static struct json_object *cell_message(struct json_object *o)
{
	return or_nothing(fake_str(o, "status", "message"));
}

static struct json_object *cell_phase(struct json_object *o)
{
	return text(*fake_str(o, "metadata", "deletionTimestamp") ? "Terminating"
								  : fake_str(o, "status", "phase"));
}

static struct json_object *cell_pod_ready(struct json_object *o)
{
	struct json_object *status = NULL, *list = NULL;
	char buf[32];
	size_t nr = 0;

	if (json_object_object_get_ex(o, "status", &status) &&
	    json_object_object_get_ex(status, "containerStatuses", &list))
		nr = json_object_array_length(list);
	snprintf(buf, sizeof(buf), "%zu/%zu", nr, nr);
	return text(buf);
}

static struct json_object *cell_zero(struct json_object *o)
{
	(void)o;
	return json_object_new_int(0);
}

static struct json_object *cell_node_ready(struct json_object *o)
{
	return text(strcmp(ready_field(o, "status"), "False") == 0 ? "NotReady" : "Ready");
}

static struct json_object *cell_event_reason(struct json_object *o)
{
	return text(fake_str(o, "reason", NULL));
}

static const struct column pod_columns[] = {
	{"Name", false, cell_name},    {"Ready", false, cell_pod_ready},
	{"Status", false, cell_phase}, {"Restarts", false, cell_zero},
	{"Age", false, age_cell},      {"Node", true, cell_node},
	{NULL, false, NULL},
};

static const struct column namespace_columns[] = {
	{"Name", false, cell_name},
	{"Status", false, cell_phase},
	{"Age", false, age_cell},
	{NULL, false, NULL},
};

static const struct column node_columns[] = {
	{"Name", false, cell_name},
	{"Status", false, cell_node_ready},
	{"Age", false, age_cell},
	{NULL, false, NULL},
};

static const struct column event_columns[] = {
	{"Name", false, cell_name},
	{"Reason", false, cell_event_reason},
	{"Age", false, age_cell},
	{NULL, false, NULL},
};

/* The same as additionalPrinterColumns in the CRD. */
static const struct column status_columns[] = {
	{"Name", false, cell_name},
	{"Group", false, cell_group},
	{"Containers", false, cell_containers},
	{"Ready", false, cell_ready},
	{"Reason", false, cell_reason},
	{"Age", false, age_cell},
	{"Node", true, cell_node},
	{"Path", true, cell_path},
	{"Message", true, cell_message},
	{NULL, false, NULL},
};

static const struct column *columns_of(const struct fake_type *type)
{
	if (type->is_custom)
		return status_columns;
	if (strcmp(type->resource, "pods") == 0)
		return pod_columns;
	if (strcmp(type->resource, "nodes") == 0)
		return node_columns;
	return strcmp(type->resource, "events") == 0 ? event_columns : namespace_columns;
}

/* ---- views ---- */

static struct json_object *metadata_only(struct json_object *o)
{
	struct json_object *v = json_object_new_object();

	add(v, "kind", "PartialObjectMetadata");
	add(v, "apiVersion", META_API);
	json_object_object_add(v, "metadata",
			       json_object_get(json_object_object_get(o, "metadata")));
	return v;
}

static struct json_object *new_table(const struct fake_type *type, bool with_columns)
{
	struct json_object *t = json_object_new_object(), *defs = json_object_new_array();

	add(t, "kind", "Table");
	add(t, "apiVersion", META_API);
	json_object_object_add(t, "metadata", json_object_new_object());
	for (const struct column *col = columns_of(type); with_columns && col->name; col++) {
		struct json_object *d = json_object_new_object();

		add(d, "name", col->name);
		add(d, "type", "string");
		add(d, "format", strcmp(col->name, "Name") == 0 ? "name" : "");
		add(d, "description", "");
		json_object_object_add(d, "priority", json_object_new_int(col->is_wide));
		json_object_array_add(defs, d);
	}
	json_object_object_add(t, "columnDefinitions", defs);
	json_object_object_add(t, "rows", json_object_new_array());
	return t;
}

static void add_row(struct json_object *table, const struct fake_type *type, struct json_object *o)
{
	struct json_object *row = json_object_new_object(), *cells = json_object_new_array();

	for (const struct column *col = columns_of(type); col->name; col++)
		json_object_array_add(cells, col->cell(o));
	json_object_object_add(row, "cells", cells);
	json_object_object_add(row, "object", metadata_only(o));
	json_object_array_add(json_object_object_get(table, "rows"), row);
}

struct json_object *fake_view(const struct fake_api *f, const struct fake_type *type,
			      enum fake_as as, struct json_object *o, bool with_columns)
{
	struct json_object *t;

	(void)f;
	if (as == AS_OBJECT)
		return json_object_get(o);
	if (as == AS_METADATA)
		return metadata_only(o);
	t = new_table(type, with_columns);
	add(json_object_object_get(t, "metadata"), "resourceVersion",
	    fake_str(o, "metadata", "resourceVersion"));
	add_row(t, type, o);
	return t;
}

struct json_object *fake_view_list(const struct fake_api *f, const struct fake_type *type,
				   enum fake_as as, struct json_object **items, size_t nr)
{
	struct json_object *list, *meta, *array;
	char gv[128], kind[128], version[32];

	snprintf(version, sizeof(version), "%llu", (unsigned long long)f->version);
	if (as == AS_TABLE) {
		list = new_table(type, true);
		for (size_t i = 0; i < nr; i++)
			add_row(list, type, items[i]);
		add(json_object_object_get(list, "metadata"), "resourceVersion", version);
		return list;
	}
	group_version(type, gv, sizeof(gv));
	snprintf(kind, sizeof(kind), "%sList",
		 as == AS_METADATA ? "PartialObjectMetadata" : type->kind);
	list = json_object_new_object();
	meta = json_object_new_object();
	/* Go's empty list of metadata is null; of whole objects it is []. */
	array = as == AS_METADATA && nr == 0 ? NULL : json_object_new_array();
	add(list, "kind", kind);
	add(list, "apiVersion", as == AS_METADATA ? META_API : gv);
	add(meta, "resourceVersion", version);
	json_object_object_add(list, "metadata", meta);
	for (size_t i = 0; i < nr; i++)
		json_object_array_add(array, fake_view(f, type, as, items[i], false));
	json_object_object_add(list, "items", array);
	return list;
}
