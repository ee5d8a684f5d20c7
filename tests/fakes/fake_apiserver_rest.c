/* SPDX-License-Identifier: Apache-2.0 */

/* The fake API server's routes, reads and watches. */

#include "fake_apiserver_priv.h"

#include <stdio.h>
#include <string.h>

#define BOOKMARK_MS 60000
#define PART_MAX    8

/* ---- answers ---- */

void fake_reply_status(struct fake_conn *c, int status, const char *reason, const char *message,
		       struct json_object *details)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "kind", json_object_new_string("Status"));
	json_object_object_add(o, "apiVersion", json_object_new_string("v1"));
	json_object_object_add(o, "metadata", json_object_new_object());
	json_object_object_add(o, "status",
			       json_object_new_string(status < 300 ? "Success" : "Failure"));
	if (message)
		json_object_object_add(o, "message", json_object_new_string(message));
	if (reason)
		json_object_object_add(o, "reason", json_object_new_string(reason));
	if (details)
		json_object_object_add(o, "details", details);
	if (status >= 300)
		json_object_object_add(o, "code", json_object_new_int(status));
	fake_reply_json(c, status, o);
}

struct json_object *fake_details(const struct fake_request *rq)
{
	struct json_object *d = json_object_new_object();

	if (*rq->name)
		json_object_object_add(d, "name", json_object_new_string(rq->name));
	if (rq->type && *rq->type->group)
		json_object_object_add(d, "group", json_object_new_string(rq->type->group));
	if (rq->type)
		json_object_object_add(d, "kind", json_object_new_string(rq->type->resource));
	return d;
}

static void not_found(struct fake_conn *c, const struct fake_request *rq)
{
	char message[512];

	if (!rq->type) {
		fake_reply_status(c, 404, "NotFound",
				  "the server could not find the requested resource", NULL);
		return;
	}
	snprintf(message, sizeof(message), "%s%s%s \"%s\" not found", rq->type->resource,
		 *rq->type->group ? "." : "", rq->type->group, rq->name);
	fake_reply_status(c, 404, "NotFound", message, fake_details(rq));
}

/* ---- the query ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void unescape(const char *s, size_t len, char *ret, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++) {
		if (s[i] == '%' && i + 2 < len && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			ret[n++] = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		} else {
			ret[n++] = s[i] == '+' ? ' ' : s[i];
		}
	}
	ret[n] = '\0';
}

bool fake_query(const struct fake_request *rq, const char *key, char *ret, size_t size)
{
	size_t key_len = strlen(key);

	ret[0] = '\0';
	for (const char *p = rq->query; *p;) {
		size_t len = strcspn(p, "&");

		if (len > key_len && strncmp(p, key, key_len) == 0 && p[key_len] == '=') {
			unescape(p + key_len + 1, len - key_len - 1, ret, size);
			return true;
		}
		p += len;
		p += *p == '&';
	}
	return false;
}

static bool is_true(const struct fake_request *rq, const char *key)
{
	char v[16];

	return fake_query(rq, key, v, sizeof(v)) && (strcmp(v, "1") == 0 || strcmp(v, "true") == 0);
}

static void take_term(struct fake_selector *sel, const char *term, size_t len)
{
	const char *eq = memchr(term, '=', len);
	size_t key_len = eq ? (size_t)(eq - term) : 0, value_len;
	const char *value = eq ? eq + 1 : NULL;

	if (!eq)
		return;
	if (*value == '=')
		value++;
	value_len = len - (size_t)(value - term);
	if (value_len >= sizeof(sel->namespace_))
		value_len = sizeof(sel->namespace_) - 1;
	if (key_len == 13 && strncmp(term, "metadata.name", 13) == 0) {
		sel->has_name = true;
		snprintf(sel->name, sizeof(sel->name), "%.*s", (int)value_len, value);
	} else if (key_len == 18 && strncmp(term, "metadata.namespace", 18) == 0) {
		sel->has_namespace = true;
		snprintf(sel->namespace_, sizeof(sel->namespace_), "%.*s", (int)value_len, value);
	} else if (key_len == 13 && strncmp(term, "spec.nodeName", 13) == 0) {
		sel->has_node = true;
		snprintf(sel->node, sizeof(sel->node), "%.*s", (int)value_len, value);
	}
}

static void read_selector(const struct fake_request *rq, struct fake_selector *sel)
{
	char text[1024];

	*sel = (struct fake_selector){.has_name = *rq->name, .has_namespace = *rq->namespace_};
	snprintf(sel->name, sizeof(sel->name), "%s", rq->name);
	snprintf(sel->namespace_, sizeof(sel->namespace_), "%s", rq->namespace_);
	if (!fake_query(rq, "fieldSelector", text, sizeof(text)))
		return;
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, ",");

		take_term(sel, p, len);
		p += len;
		p += *p == ',';
	}
}

static bool selects(const struct fake_selector *sel, struct json_object *o)
{
	return o && (!sel->has_name || strcmp(sel->name, fake_str(o, "metadata", "name")) == 0) &&
	       (!sel->has_namespace ||
		strcmp(sel->namespace_, fake_str(o, "metadata", "namespace")) == 0) &&
	       (!sel->has_node || strcmp(sel->node, fake_str(o, "spec", "nodeName")) == 0);
}

/* ---- get and list ---- */

static void get(struct fake_api *f, struct fake_conn *c, struct fake_request *rq)
{
	struct fake_object *o = fake_find(f, rq->type, rq->namespace_, rq->name);

	if (!o)
		not_found(c, rq);
	else
		fake_reply_json(c, 200, fake_view(f, rq->type, rq->as, o->json, true));
}

/* "Not older than" a version that is still to come. */
static void reply_too_new(struct fake_conn *c)
{
	struct json_object *d = json_object_new_object(), *cause = json_object_new_object();
	struct json_object *causes = json_object_new_array();

	json_object_object_add(cause, "reason", json_object_new_string("ResourceVersionTooLarge"));
	json_object_object_add(cause, "message",
			       json_object_new_string("Too large resource version"));
	json_object_array_add(causes, cause);
	json_object_object_add(d, "causes", causes);
	json_object_object_add(d, "retryAfterSeconds", json_object_new_int(1));
	fake_reply_status(c, 504, "Timeout", "Too large resource version", d);
}

static size_t select_items(struct fake_api *f, const struct fake_request *rq,
			   struct json_object ***ret)
{
	struct json_object **items = NULL;
	struct fake_selector sel;
	size_t nr = 0;

	read_selector(rq, &sel);
	list_for_each (it, &f->objects) {
		struct fake_object *o = list_entry(it, struct fake_object, link);

		if (o->type != rq->type || !selects(&sel, o->json))
			continue;
		items = realloc(items, (nr + 1) * sizeof(struct json_object *));
		items[nr++] = o->json;
	}
	*ret = items;
	return nr;
}

/* Pages are only made for "limit" without a version, as a real server does. */
static size_t cut_page(const struct fake_request *rq, size_t nr, size_t *start, size_t *next)
{
	char limit[32], token[64], rv[64];
	size_t max;

	*start = *next = 0;
	if (fake_query(rq, "continue", token, sizeof(token)))
		*start = strtoul(token + 1, NULL, 10);
	if (*start > nr)
		*start = nr;
	if (!fake_query(rq, "limit", limit, sizeof(limit)) ||
	    fake_query(rq, "resourceVersion", rv, sizeof(rv)))
		return nr - *start;
	max = strtoul(limit, NULL, 10);
	if (max == 0 || nr - *start <= max)
		return nr - *start;
	*next = *start + max;
	return max;
}

static void list(struct fake_api *f, struct fake_conn *c, struct fake_request *rq)
{
	struct json_object **items, *out;
	char rv[64], token[64];
	size_t nr, start, next;

	if (fake_query(rq, "resourceVersion", rv, sizeof(rv)) &&
	    strtoull(rv, NULL, 10) > f->version) {
		reply_too_new(c);
		return;
	}
	nr = select_items(f, rq, &items);
	nr = cut_page(rq, nr, &start, &next);
	out = fake_view_list(f, rq->type, rq->as, items ? items + start : NULL, nr);
	if (next) {
		snprintf(token, sizeof(token), "o%zu", next);
		json_object_object_add(json_object_object_get(out, "metadata"), "continue",
				       json_object_new_string(token));
	}
	free(items);
	fake_reply_json(c, 200, out);
}

/* ---- watch ---- */

static void send_frame(struct fake_conn *c, const char *type, struct json_object *object)
{
	struct json_object *o = json_object_new_object();
	struct strbuf sb;

	json_object_object_add(o, "type", json_object_new_string(type));
	json_object_object_add(o, "object", object);
	strbuf_init(&sb, 64UL * 1024 * 1024);
	strbuf_adds(&sb, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	strbuf_addc(&sb, '\n');
	fake_chunk(c, sb.data, sb.len);
	strbuf_done(&sb);
	json_object_put(o);
}

static void send_object(struct fake_api *f, struct fake_conn *c, const char *type,
			struct json_object *o)
{
	struct fake_watch *w = &c->watch;

	send_frame(c, type, fake_view(f, w->type, w->as, o, !w->sent_columns));
	w->sent_columns = true;
}

static void send_expired(struct fake_conn *c)
{
	struct json_object *o = json_tokener_parse(
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
		"\"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}");

	send_frame(c, "ERROR", o);
	fake_chunk(c, NULL, 0);
	c->is_watch = false;
}

void fake_watch_send_bookmark(struct fake_api *f, struct fake_conn *c)
{
	struct fake_watch *w = &c->watch;
	struct json_object *o = json_object_new_object(), *meta = json_object_new_object();
	char version[32], api_version[64];

	snprintf(version, sizeof(version), "%llu", (unsigned long long)f->version);
	snprintf(api_version, sizeof(api_version), "%s%s%s", w->type->group,
		 *w->type->group ? "/" : "", w->type->version);
	json_object_object_add(o, "kind", json_object_new_string(w->type->kind));
	json_object_object_add(o, "apiVersion", json_object_new_string(api_version));
	json_object_object_add(meta, "resourceVersion", json_object_new_string(version));
	json_object_object_add(meta, "creationTimestamp", NULL);
	json_object_object_add(o, "metadata", meta);
	send_frame(c, "BOOKMARK",
		   w->as == AS_OBJECT ? json_object_get(o)
				      : fake_view(f, w->type, w->as, o, false));
	json_object_put(o);
}

static void pump_event(struct fake_api *f, struct fake_conn *c, const struct fake_event *e)
{
	const struct fake_selector *sel = &c->watch.sel;
	bool was = selects(sel, e->old), is = selects(sel, e->new);

	if (e->type != c->watch.type)
		return;
	if (is)
		send_object(f, c, was ? "MODIFIED" : "ADDED", e->new);
	else if (was)
		send_object(f, c, "DELETED", e->new ? e->new : e->old);
}

void fake_watch_pump(struct fake_api *f, struct fake_conn *c)
{
	struct fake_watch *w = &c->watch;
	uint64_t now = fake_now(f);

	list_for_each (it, &f->events) {
		const struct fake_event *e = list_entry(it, struct fake_event, link);

		if (e->version <= w->version)
			continue;
		w->version = e->version;
		pump_event(f, c, e);
	}
	/* A version from the future: the server waits for it in silence. */
	if (w->want_bookmarks && w->version <= f->version && now >= w->bookmark_ms) {
		w->bookmark_ms = now + BOOKMARK_MS;
		fake_watch_send_bookmark(f, c);
	}
	if (now >= w->ends_ms) {
		fake_chunk(c, NULL, 0);
		c->is_watch = false;
	}
}

static void send_initial(struct fake_api *f, struct fake_conn *c)
{
	list_for_each (it, &f->objects) {
		struct fake_object *o = list_entry(it, struct fake_object, link);

		if (o->type == c->watch.type && selects(&c->watch.sel, o->json))
			send_object(f, c, "ADDED", o->json);
	}
	c->watch.version = f->version;
}

static void watch(struct fake_api *f, struct fake_conn *c, struct fake_request *rq)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				   "Transfer-Encoding: chunked\r\nAudit-Id: fake\r\n\r\n";
	char rv[64], seconds[32], unused[32];
	uint64_t now = fake_now(f);

	if (fake_query(rq, "sendInitialEvents", unused, sizeof(unused))) {
		fake_reply_status(c, 422, "Invalid",
				  "sendInitialEvents: Forbidden: not supported here", NULL);
		return;
	}
	c->is_watch = true;
	c->watch = (struct fake_watch){.type = rq->type, .as = rq->as};
	read_selector(rq, &c->watch.sel);
	c->watch.want_bookmarks = is_true(rq, "allowWatchBookmarks");
	c->watch.bookmark_ms = now + BOOKMARK_MS;
	c->watch.ends_ms = now + 3600000;
	if (fake_query(rq, "timeoutSeconds", seconds, sizeof(seconds)))
		c->watch.ends_ms = now + strtoull(seconds, NULL, 10) * 1000;
	strbuf_add(&c->out, head, sizeof(head) - 1);
	fake_query(rq, "resourceVersion", rv, sizeof(rv));
	c->watch.version = strtoull(rv, NULL, 10);
	if (c->watch.version == 0)
		send_initial(f, c);
	else if (c->watch.version < f->oldest)
		send_expired(c);
}

/* ---- routes ---- */

static size_t split_path(char *path, char **part, size_t max)
{
	size_t nr = 0;
	char *save = NULL;

	for (char *p = strtok_r(path, "/", &save); p && nr < max; p = strtok_r(NULL, "/", &save))
		part[nr++] = p;
	return nr;
}

/* /api/v1/... and /apis/<group>/<version>/..., [namespaces/<ns>/]<resource>[/<name>[/status]] */
static void route(struct fake_request *rq)
{
	char path[sizeof(rq->path)], *part[PART_MAX];
	const char *group = "", *version;
	size_t nr, at;

	unescape(rq->path, strlen(rq->path), path, sizeof(path));
	nr = split_path(path, part, PART_MAX);
	if (nr < 3)
		return;
	at = strcmp(part[0], "apis") == 0 ? 3 : 2;
	group = at == 3 ? part[1] : "";
	version = part[at - 1];
	if (nr > at + 2 && strcmp(part[at], "namespaces") == 0 &&
	    fake_type_find(group, version, part[at + 2])) {
		snprintf(rq->namespace_, sizeof(rq->namespace_), "%s", part[at + 1]);
		at += 2;
	}
	if (nr <= at)
		return;
	rq->type = fake_type_find(group, version, part[at]);
	if (nr > at + 1)
		snprintf(rq->name, sizeof(rq->name), "%s", part[at + 1]);
	if (nr > at + 2)
		snprintf(rq->sub, sizeof(rq->sub), "%s", part[at + 2]);
}

static const char *verb_of(const struct fake_request *rq)
{
	if (strcmp(rq->method, "GET") == 0)
		return is_true(rq, "watch") ? "watch" : *rq->name ? "get" : "list";
	if (strcmp(rq->method, "POST") == 0)
		return "create";
	if (strcmp(rq->method, "PUT") == 0)
		return "update";
	if (strcmp(rq->method, "PATCH") == 0)
		return "patch";
	return strcmp(rq->method, "DELETE") == 0 ? "delete" : "";
}

static void count(struct fake_api *f, const char *verb, const char *resource)
{
	struct fake_count *n;

	list_for_each (it, &f->counts) {
		n = list_entry(it, struct fake_count, link);
		if (strcmp(n->verb, verb) == 0 && strcmp(n->resource, resource) == 0) {
			n->nr++;
			return;
		}
	}
	n = calloc(1, sizeof(*n));
	snprintf(n->verb, sizeof(n->verb), "%s", verb);
	snprintf(n->resource, sizeof(n->resource), "%s", resource);
	n->nr = 1;
	list_append(&f->counts, &n->link);
}

static struct fake_fault *find_fault(struct fake_api *f, const char *verb, const char *resource)
{
	list_for_each (it, &f->faults) {
		struct fake_fault *x = list_entry(it, struct fake_fault, link);

		if ((x->f.times == 0 || x->left > 0) &&
		    (!x->f.verb || strcmp(x->f.verb, verb) == 0) &&
		    (!x->f.resource || strcmp(x->f.resource, resource) == 0))
			return x;
	}
	return NULL;
}

static void answer_fault(struct fake_conn *c, const struct fake_api_fault *x)
{
	char headers[1024];

	if (x->kind == FAKE_API_RAW) {
		strbuf_adds(&c->out, x->body);
		c->close_when_sent = true;
		return;
	}
	snprintf(headers, sizeof(headers), "%s", x->headers ? x->headers : "");
	if (x->retry_after_s)
		snprintf(headers + strlen(headers), sizeof(headers) - strlen(headers),
			 "Retry-After: %u\r\n", x->retry_after_s);
	if (x->body) {
		fake_reply(c, x->status, x->content_type ? x->content_type : "application/json",
			   headers, x->body, strlen(x->body));
	} else {
		char body[256];
		int n = snprintf(
			body, sizeof(body),
			"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\","
			"\"message\":\"made to fail\",\"code\":%d}",
			x->status);

		fake_reply(c, x->status, "application/json", headers, body, (size_t)n);
	}
}

static void serve(struct fake_api *f, struct fake_conn *c, struct fake_request *rq)
{
	if (!rq->type && strcmp(rq->verb, "list") == 0 && fake_discovery(f, c, rq))
		return;
	if (!rq->type)
		not_found(c, rq);
	else if (strcmp(rq->verb, "get") == 0)
		get(f, c, rq);
	else if (strcmp(rq->verb, "list") == 0)
		list(f, c, rq);
	else if (strcmp(rq->verb, "watch") == 0)
		watch(f, c, rq);
	else if (strcmp(rq->verb, "create") == 0 &&
		 strcmp(rq->type->resource, "selfsubjectaccessreviews") == 0)
		fake_review(f, c, rq);
	else if (strcmp(rq->verb, "create") == 0)
		fake_create(f, c, rq);
	else if (strcmp(rq->verb, "update") == 0 || strcmp(rq->verb, "patch") == 0)
		fake_update(f, c, rq);
	else if (strcmp(rq->verb, "delete") == 0)
		fake_delete(f, c, rq);
	else
		fake_reply_status(c, 405, "MethodNotAllowed", "method not allowed", NULL);
}

/* True when the fault is all there is to the request. */
static bool serve_fault(struct fake_api *f, struct fake_conn *c, struct fake_request *rq,
			struct fake_fault *x)
{
	if (x->left)
		x->left--;
	switch (x->f.kind) {
	case FAKE_API_RESET:
		c->is_dead = true;
		return true;
	case FAKE_API_DO_RESET:
		serve(f, c, rq);
		c->is_dead = true;
		return true;
	case FAKE_API_STALL:
		c->is_stalled = true;
		return true;
	case FAKE_API_ANSWER:
	case FAKE_API_RAW:
		answer_fault(c, &x->f);
		return true;
	}
	return false;
}

void fake_handle(struct fake_api *f, struct fake_conn *c, struct fake_request *rq)
{
	char resource[128], bearer[512];
	struct fake_fault *x;

	route(rq);
	if (f->has_no_definition && rq->type && rq->type->is_custom)
		rq->type = NULL;
	rq->verb = verb_of(rq);
	snprintf(resource, sizeof(resource), "%s%s%s", rq->type ? rq->type->resource : "",
		 *rq->sub ? "/" : "", rq->sub);
	count(f, rq->verb, resource);
	snprintf(bearer, sizeof(bearer), "Bearer %s", f->token ? f->token : "");
	x = find_fault(f, rq->verb, resource);
	if (x && serve_fault(f, c, rq, x))
		return;
	if (f->token && strcmp(rq->auth, bearer) != 0)
		fake_reply_status(c, 401, "Unauthorized", "Unauthorized", NULL);
	else
		serve(f, c, rq);
}

unsigned int fake_api_nr_requests(const struct fake_api *f, const char *verb, const char *resource)
{
	unsigned int nr = 0;

	for (struct list *it = f->counts.next; it != &f->counts; it = it->next) {
		const struct fake_count *n = list_entry(it, struct fake_count, link);

		if ((!verb || strcmp(n->verb, verb) == 0) &&
		    (!resource || strcmp(n->resource, resource) == 0))
			nr += n->nr;
	}
	return nr;
}
