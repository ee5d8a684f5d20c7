/* SPDX-License-Identifier: Apache-2.0 */

/* What the API server is sent, but for the status itself, and what it sends back. */

#include "retry_annotation.h"
#include "status_render.h"
#include "status_text.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#define DEPTH_MAX    64
#define FNV_OFFSET   UINT64_C(14695981039346656037)
#define FNV_PRIME    UINT64_C(1099511628211)
#define IDENTITY_MAX 256

/* ---- request bodies ---- */

int status_post_body(const struct status_identity *id, struct strbuf *out)
{
	(void)strbuf_adds(out, "{\"apiVersion\":\"podresctrl.io/v1alpha1\","
			       "\"kind\":\"PodResctrlStatus\",\"metadata\":{\"name\":");
	status_text_quote_any(out, id->name, IDENTITY_MAX);
	(void)strbuf_adds(out, ",\"namespace\":");
	status_text_quote_any(out, id->namespace_, IDENTITY_MAX);
	/*
	 * No blockOwnerDeletion: it would need rights on pods/finalizers where
	 * OwnerReferencesPermissionEnforcement is on, and would delay the pod's end.
	 */
	(void)strbuf_adds(out, ",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
			       "\"name\":");
	status_text_quote_any(out, id->name, IDENTITY_MAX);
	(void)strbuf_adds(out, ",\"uid\":");
	status_text_quote_any(out, id->pod_uid, IDENTITY_MAX);
	(void)strbuf_adds(out, "}]},\"spec\":{\"podUID\":");
	status_text_quote_any(out, id->pod_uid, IDENTITY_MAX);
	(void)strbuf_adds(out, ",\"nodeName\":");
	status_text_quote_any(out, id->node_name, IDENTITY_MAX);
	(void)strbuf_adds(out, "}}");
	return out->error;
}

/*
 * The server compares no UID in a merge patch of /status; a failed "test" operation is the
 * one guard that keeps a late write off an object that took over the name.
 */
int status_patch_body(const char *object_uid, const char *status_json, struct strbuf *out)
{
	(void)strbuf_adds(out, "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":");
	status_text_quote_any(out, object_uid, STATUS_UID_MAX);
	(void)strbuf_adds(out, "},{\"op\":\"add\",\"path\":\"/status\",\"value\":");
	(void)strbuf_adds(out, status_json);
	(void)strbuf_adds(out, "}]");
	return out->error;
}

int status_delete_body(const char *object_uid, const char *resource_version, struct strbuf *out)
{
	(void)strbuf_adds(out, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
			       "\"preconditions\":{\"uid\":");
	status_text_quote_any(out, object_uid, STATUS_UID_MAX);
	if (*resource_version) {
		(void)strbuf_adds(out, ",\"resourceVersion\":");
		status_text_quote_any(out, resource_version, STATUS_VERSION_MAX);
	}
	(void)strbuf_adds(out, "}}");
	return out->error;
}

/* ---- reading ---- */

static int parse(const char *text, size_t len, json_object **ret)
{
	struct json_tokener *tok;
	json_object *obj;

	if (len > INT_MAX)
		return -EINVAL;
	tok = json_tokener_new_ex(DEPTH_MAX);
	if (!tok)
		return -ENOMEM;
	obj = json_tokener_parse_ex(tok, text, (int)len);
	json_tokener_free(tok);
	if (!json_object_is_type(obj, json_type_object)) {
		json_object_put(obj);
		return -EINVAL;
	}
	*ret = obj;
	return 0;
}

static bool is_time(const char *name)
{
	return strcmp(name, "lastTransitionTime") == 0 || strcmp(name, "startTime") == 0 ||
	       strcmp(name, "completionTime") == 0;
}

static uint64_t fnv(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * FNV_PRIME;
	return h;
}

/* These two call each other as deep as the text is nested, which parse() limits. */
/* NOLINTBEGIN(misc-no-recursion) */
static uint64_t digest_value(json_object *v);

/* Members are added up, so that their order does not matter. */
static uint64_t digest_members(json_object *v)
{
	uint64_t sum = 0;

	json_object_object_foreach(v, name, member)
	{
		uint64_t d;

		if (is_time(name))
			continue;
		d = digest_value(member);
		/* With its NUL, so that name and value cannot run into each other. */
		sum += fnv(fnv(FNV_OFFSET, name, strlen(name) + 1), &d, sizeof(d));
	}
	return sum;
}

static uint64_t digest_value(json_object *v)
{
	enum json_type type = json_object_get_type(v);
	uint64_t h = fnv(FNV_OFFSET, &type, sizeof(type));
	uint64_t d;
	const char *text;

	if (type == json_type_object) {
		d = digest_members(v);
		return fnv(h, &d, sizeof(d));
	}
	if (type == json_type_array) {
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			d = digest_value(json_object_array_get_idx(v, i));
			h = fnv(h, &d, sizeof(d));
		}
		return h;
	}
	text = json_object_get_string(v);
	return fnv(h, text ? text : "", text ? strlen(text) : 0);
}
/* NOLINTEND(misc-no-recursion) */

int status_digest(const char *text, size_t len, uint64_t *ret, struct err *e)
{
	json_object *obj = NULL;
	int r = parse(text, len, &obj);

	if (r < 0)
		return err_sys(e, r, "status is no JSON object");
	*ret = digest_value(obj);
	json_object_put(obj);
	return 0;
}

bool status_equal(const char *a, const char *b)
{
	uint64_t da = 0, db = 0;

	return status_digest(a, strlen(a), &da, NULL) == 0 &&
	       status_digest(b, strlen(b), &db, NULL) == 0 && da == db;
}

/* A member that is a string; "" otherwise. */
static const char *get_string(json_object *obj, const char *name)
{
	json_object *v = NULL;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, name, &v) || !json_object_is_type(v, json_type_string))
		return "";
	return json_object_get_string(v);
}

static json_object *get(json_object *obj, const char *name, enum json_type type)
{
	json_object *v = NULL;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, name, &v) || !json_object_is_type(v, type))
		return NULL;
	return v;
}

/* What does not fit is not ours: an empty string then, never a part. */
static void copy_string(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (len >= size)
		len = 0;
	memcpy(dst, src, len);
	dst[len] = '\0';
}

static void read_condition(json_object *c, struct status_memory *m)
{
	static const char *const types[] = {"Ready", "GroupCreated", "TasksAssigned"};
	const char *type = get_string(c, "type");
	const char *status = get_string(c, "status");

	_Static_assert(ARRAY_LEN(types) == STATUS_CONDITION_MAX, "one name per condition");
	for (size_t i = 0; i < STATUS_CONDITION_MAX; i++) {
		if (strcmp(type, types[i]) != 0)
			continue;
		m->conditions[i].status = status[0];
		m->conditions[i].since_s = status_time_parse(get_string(c, "lastTransitionTime"));
		/* Without a time that can be read, the next status sets a new one. */
		if (!m->conditions[i].since_s)
			m->conditions[i].status = 0;
	}
}

static void read_retry(json_object *retry, struct status_object *ret)
{
	const char *result = get_string(retry, "result");
	struct status_retry *r = &ret->retry;

	copy_string(r->token, sizeof(r->token), get_string(retry, "token"));
	if (!r->token[0])
		return;
	ret->has_retry = true;
	r->result = STATUS_RETRY_NOTHING_TO_DO; /* for a word of a later version */
	for (int i = 0; i < STATUS_RETRY_RESULT_MAX; i++)
		if (strcmp(result, status_retry_result_name((enum status_retry_result)i)) == 0)
			r->result = (enum status_retry_result)i;
	copy_string(r->reason, sizeof(r->reason), get_string(retry, "reason"));
	copy_string(r->message, sizeof(r->message), get_string(retry, "message"));
	r->start_s = status_time_parse(get_string(retry, "startTime"));
	r->completion_s = status_time_parse(get_string(retry, "completionTime"));
}

static void read_status(json_object *status, struct status_object *ret)
{
	json_object *conditions = get(status, "conditions", json_type_array);
	json_object *retry = get(status, "lastRetry", json_type_object);

	ret->has_status = true;
	ret->digest = digest_value(status);
	if (retry)
		read_retry(retry, ret);
	if (!conditions)
		return;
	for (size_t i = 0; i < json_object_array_length(conditions); i++)
		read_condition(json_object_array_get_idx(conditions, i), &ret->memory);
}

static void read_token(json_object *annotations, struct status_object *ret)
{
	json_object *value = get(annotations, RETRY_ANNOTATION, json_type_string);

	if (!value)
		return;
	ret->has_token = true;
	ret->token_valid = retry_token(json_object_get_string(value), ret->token);
}

int status_parse_object(const char *text, size_t len, struct status_object *ret, struct err *e)
{
	struct status_object o = {.generation = 1};
	json_object *obj = NULL, *meta, *spec, *status, *generation;
	int r = parse(text, len, &obj);

	if (r < 0)
		return err_set(e, r == -EINVAL ? -EPROTO : r, "answer is no JSON object");
	meta = get(obj, "metadata", json_type_object);
	spec = get(obj, "spec", json_type_object);
	status = get(obj, "status", json_type_object);
	generation = get(meta, "generation", json_type_int);
	copy_string(o.uid, sizeof(o.uid), get_string(meta, "uid"));
	copy_string(o.resource_version, sizeof(o.resource_version),
		    get_string(meta, "resourceVersion"));
	copy_string(o.pod_uid, sizeof(o.pod_uid), get_string(spec, "podUID"));
	copy_string(o.node_name, sizeof(o.node_name), get_string(spec, "nodeName"));
	read_token(get(meta, "annotations", json_type_object), &o);
	if (generation)
		o.generation = json_object_get_int64(generation);
	if (status)
		read_status(status, &o);
	json_object_put(obj);
	if (!o.uid[0])
		return err_set(e, -EPROTO, "answer has no metadata.uid");
	*ret = o;
	return 0;
}
