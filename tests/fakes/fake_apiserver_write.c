/* SPDX-License-Identifier: Apache-2.0 */

/* Create, patch, update and delete, with the refusals of a real server. */

#include "fake_apiserver_priv.h"

#include <stdio.h>
#include <string.h>

/*
 * Newer kubectl creates namespaces in protobuf: "k8s", a zero byte, then Unknown{2: raw}
 * around Namespace{1: ObjectMeta{1: name}}. All field numbers that matter are below 16 and
 * all lengths here are below 128, so that tag and length are one byte each.
 */
static const char *field(const char *p, size_t len, unsigned char number, size_t *ret_len)
{
	while (len >= 2 && (p[0] & 7) == 2 && (size_t)p[1] <= len - 2 && p[1] >= 0) {
		size_t n = (size_t)p[1];

		if (p[0] >> 3 == number) {
			*ret_len = n;
			return p + 2;
		}
		p += n + 2;
		len -= n + 2;
	}
	return NULL;
}

static struct json_object *parse_protobuf_name(const struct fake_request *rq)
{
	struct json_object *o, *meta;
	size_t len = rq->body_len > 4 ? rq->body_len - 4 : 0;
	const char *p = field(rq->body + 4, len, 2, &len);

	p = p ? field(p, len, 1, &len) : NULL;
	p = p ? field(p, len, 1, &len) : NULL;
	if (!p)
		return NULL;
	o = json_object_new_object();
	meta = json_object_new_object();
	json_object_object_add(meta, "name", json_object_new_string_len(p, (int)len));
	json_object_object_add(o, "metadata", meta);
	return o;
}

static struct json_object *parse_body(const struct fake_request *rq)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o = json_tokener_parse_ex(tok, rq->body, (int)rq->body_len);

	json_tokener_free(tok);
	return o;
}

static void refuse(struct fake_conn *c, const struct fake_request *rq, int status,
		   const char *reason, const char *what)
{
	char message[700];

	snprintf(message, sizeof(message), "%s%s%s \"%s\" %s", rq->type->resource,
		 *rq->type->group ? "." : "", rq->type->group, rq->name, what);
	fake_reply_status(c, status, reason, message, fake_details(rq));
}

static struct json_object *child(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_object)) {
		v = json_object_new_object();
		json_object_object_add(o, key, v);
	}
	return v;
}

/* ---- create ---- */

static bool has_namespace(const struct fake_api *f, const struct fake_request *rq)
{
	return !rq->type->is_namespaced ||
	       fake_find(f, fake_type_named("namespaces"), "", rq->namespace_);
}

static void refuse_namespace(struct fake_conn *c, const struct fake_request *rq)
{
	struct json_object *d = json_object_new_object();
	char message[300];

	json_object_object_add(d, "name", json_object_new_string(rq->namespace_));
	json_object_object_add(d, "kind", json_object_new_string("namespaces"));
	snprintf(message, sizeof(message), "namespaces \"%s\" not found", rq->namespace_);
	fake_reply_status(c, 404, "NotFound", message, d);
}

static void set_name(struct fake_api *f, struct fake_request *rq, struct json_object *o)
{
	const char *name = fake_str(o, "metadata", "name");
	const char *prefix = fake_str(o, "metadata", "generateName");

	if (*name) {
		snprintf(rq->name, sizeof(rq->name), "%s", name);
	} else if (*prefix) {
		snprintf(rq->name, sizeof(rq->name), "%.250s%05llx", prefix,
			 (unsigned long long)f->version);
		json_object_object_add(child(o, "metadata"), "name",
				       json_object_new_string(rq->name));
	}
}

void fake_create(struct fake_api *f, struct fake_conn *c, struct fake_request *rq)
{
	struct json_object *o;

	if (strcmp(rq->content_type, "application/vnd.kubernetes.protobuf") == 0)
		o = parse_protobuf_name(rq);
	else
		o = parse_body(rq);
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		fake_reply_status(c, 400, "BadRequest", "the object provided is unrecognized",
				  NULL);
		return;
	}
	set_name(f, rq, o);
	if (!*rq->name || strlen(rq->name) > 253) {
		refuse(c, rq, 422, "Invalid", "is invalid: metadata.name");
	} else if (!has_namespace(f, rq)) {
		refuse_namespace(c, rq);
	} else if (fake_find(f, rq->type, rq->namespace_, rq->name)) {
		refuse(c, rq, 409, "AlreadyExists", "already exists");
	} else {
		if (rq->type->is_custom)
			json_object_object_del(o, "status");
		fake_fill_in(f, rq->type, o, rq->namespace_);
		fake_store(f, rq->type, json_object_get(o));
		fake_reply_json(c, 201, fake_view(f, rq->type, rq->as, o, true));
	}
	json_object_put(o);
}

/* ---- patch and update ---- */

enum patch_kind {
	PATCH_NONE,
	PATCH_JSON,
	PATCH_MERGE,
	PATCH_WHOLE,
};

static enum patch_kind patch_kind(const struct fake_request *rq)
{
	const char *type = rq->content_type;

	if (strcmp(rq->method, "PUT") == 0)
		return PATCH_WHOLE;
	if (strcmp(type, "application/json-patch+json") == 0)
		return PATCH_JSON;
	if (strcmp(type, "application/merge-patch+json") == 0)
		return PATCH_MERGE;
	/* Only built-in types know this one; for what is used here it is the same. */
	if (strcmp(type, "application/strategic-merge-patch+json") == 0 && !rq->type->is_custom)
		return PATCH_MERGE;
	return PATCH_NONE;
}

static struct json_object *apply(enum patch_kind kind, struct json_object *old,
				 struct json_object *body)
{
	if (kind == PATCH_JSON)
		return fake_json_patch(old, body);
	if (kind == PATCH_MERGE)
		return fake_merge_patch(old, body);
	return fake_clone(body);
}

static void copy_field(struct json_object *to, struct json_object *from, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_object_get_ex(from, key, &v))
		json_object_object_add(to, key, fake_clone(v));
	else
		json_object_object_del(to, key);
}

/* What the subresource lets through: status only, or everything but status. */
static struct json_object *limit(const struct fake_request *rq, struct json_object *old,
				 struct json_object *new)
{
	static const char *const fixed[] = {
		"name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation"};
	struct json_object *out;

	if (strcmp(rq->sub, "status") == 0) {
		out = fake_clone(old);
		copy_field(out, new, "status");
		return out;
	}
	out = fake_clone(new);
	if (rq->type->has_status)
		copy_field(out, old, "status");
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		copy_field(child(out, "metadata"), json_object_object_get(old, "metadata"),
			   fixed[i]);
	copy_field(out, old, "kind");
	copy_field(out, old, "apiVersion");
	return out;
}

static bool differs(struct json_object *a, struct json_object *b, const char *section,
		    const char *key)
{
	const char *x = fake_str(a, section, key), *y = fake_str(b, section, key);

	return *y && strcmp(x, y) != 0;
}

/* NULL, or why not: then *STATUS and *REASON are set. */
static const char *object_problem(const struct fake_request *rq, struct json_object *old,
				  struct json_object *new, int *status, const char **reason)
{
	struct json_object *a = NULL, *b = NULL;

	*status = 409;
	*reason = "Conflict";
	if (differs(old, new, "metadata", "resourceVersion"))
		return "cannot be fulfilled: the object has been modified";
	/* On /status the server puts its own metadata in place before it looks. */
	*status = 422;
	*reason = "Invalid";
	if (!*rq->sub && differs(old, new, "metadata", "uid"))
		return "is invalid: metadata.uid: field is immutable";
	json_object_object_get_ex(old, "spec", &a);
	json_object_object_get_ex(new, "spec", &b);
	if (!*rq->sub && rq->type->is_custom && !json_object_equal(a, b))
		return "is invalid: spec: Invalid value: spec is immutable";
	return NULL;
}

static void store_change(struct fake_api *f, struct fake_conn *c, struct fake_request *rq,
			 struct json_object *old, struct json_object *new)
{
	struct json_object *limited;
	const char *problem, *reason;
	int status;

	problem = object_problem(rq, old, new, &status, &reason);
	if (problem) {
		refuse(c, rq, status, reason, problem);
		return;
	}
	limited = limit(rq, old, new);
	/* Nothing changed: no new version, no event, but an answer as always. */
	if (json_object_equal(old, limited))
		json_object_put(limited);
	else
		old = fake_store(f, rq->type, limited);
	fake_reply_json(c, 200, fake_view(f, rq->type, rq->as, old, true));
}

void fake_update(struct fake_api *f, struct fake_conn *c, struct fake_request *rq)
{
	struct fake_object *obj = fake_find(f, rq->type, rq->namespace_, rq->name);
	enum patch_kind kind = patch_kind(rq);
	struct json_object *body, *new;

	if (kind == PATCH_NONE) {
		fake_reply_status(c, 415, "UnsupportedMediaType",
				  "the body of the request was in an unknown format", NULL);
		return;
	}
	if (!obj || (*rq->sub && !rq->type->has_status)) {
		refuse(c, rq, 404, "NotFound", "not found");
		return;
	}
	body = parse_body(rq);
	new = body ? apply(kind, obj->json, body) : NULL;
	if (!body)
		fake_reply_status(c, 400, "BadRequest", "the body is not JSON", NULL);
	else if (!json_object_is_type(new, json_type_object))
		fake_reply_status(c, 422, "Invalid",
				  "the server rejected our request due to an "
				  "error in our request",
				  json_object_new_object());
	else
		store_change(f, c, rq, obj->json, new);
	json_object_put(body);
	json_object_put(new);
}

/* ---- delete ---- */

static bool meets_preconditions(const struct fake_request *rq, struct json_object *o)
{
	struct json_object *options = rq->body_len ? parse_body(rq) : NULL, *pre = NULL;
	bool ok = true;

	if (json_object_is_type(options, json_type_object) &&
	    json_object_object_get_ex(options, "preconditions", &pre)) {
		const char *uid = fake_str(pre, "uid", NULL);
		const char *rv = fake_str(pre, "resourceVersion", NULL);

		ok = (!*uid || strcmp(uid, fake_str(o, "metadata", "uid")) == 0) &&
		     (!*rv || strcmp(rv, fake_str(o, "metadata", "resourceVersion")) == 0);
	}
	json_object_put(options);
	return ok;
}

void fake_delete(struct fake_api *f, struct fake_conn *c, struct fake_request *rq)
{
	struct fake_object *obj = fake_find(f, rq->type, rq->namespace_, rq->name);
	struct json_object *last, *details;

	if (!obj) {
		refuse(c, rq, 404, "NotFound", "not found");
		return;
	}
	if (!meets_preconditions(rq, obj->json)) {
		refuse(c, rq, 409, "Conflict",
		       "cannot be fulfilled: the UID in the precondition "
		       "does not match the UID in record");
		return;
	}
	last = json_object_get(obj->json);
	if (strcmp(rq->type->resource, "pods") == 0) {
		fake_api_delete_pod(f, rq->namespace_, rq->name);
		fake_reply_json(c, 200, json_object_get(last));
	} else {
		fake_remove(f, obj);
		details = fake_details(rq);
		json_object_object_add(details, "uid",
				       json_object_new_string(fake_str(last, "metadata", "uid")));
		fake_reply_status(c, 200, NULL, NULL, details);
	}
	json_object_put(last);
}
