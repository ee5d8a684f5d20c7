/* SPDX-License-Identifier: Apache-2.0 */

/* Answers: headers, HTTP status and the Status object become a struct k8s_response. */

#include "client_priv.h"
#include "num.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RETRY_AFTER_MAX_S 3600
#define STATUS_DEPTH      64
#define STATUS_MAX        65536

/* ---- headers ---- */

struct text {
	const char *s;
	size_t len;
};

static struct text trim(const char *s, size_t len)
{
	while (len && strchr(" \t\r\n", s[len - 1]))
		len--;
	while (len && strchr(" \t", s[0])) {
		s++;
		len--;
	}
	return (struct text){s, len};
}

static void keep(char *dest, size_t size, struct text v)
{
	size_t n = v.len < size - 1 ? v.len : size - 1;

	for (size_t i = 0; i < n; i++)
		dest[i] = v.s[i];
	dest[n] = '\0';
}

static bool is_name(struct text name, const char *want)
{
	return name.len == strlen(want) && strncasecmp(name.s, want, name.len) == 0;
}

/* Warning: 299 - "unknown field \"spec.x\"" */
static void keep_warning(struct k8s_answer *a, struct text v)
{
	const char *quote = memchr(v.s, '"', v.len);

	if (a->warning[0])
		return;
	if (quote) {
		v.len -= (size_t)(quote + 1 - v.s);
		v.s = quote + 1;
		if (v.len && v.s[v.len - 1] == '"')
			v.len--;
	}
	keep(a->warning, sizeof(a->warning), v);
}

static void keep_retry_after(struct k8s_answer *a, struct text v)
{
	uint64_t s;
	int r = num_parse_u64(v.s, v.len, UINT64_MAX, &s);

	if (r < 0)
		return;
	a->retry_after_ms = (s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S) * 1000;
}

void k8s_answer_header(struct k8s_answer *a, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	struct text name, v;

	if (len > 5 && memcmp(line, "HTTP/", 5) == 0) {
		*a = (struct k8s_answer){0}; /* a new answer; "100 Continue" came before */
		return;
	}
	if (!colon)
		return;
	name = (struct text){line, (size_t)(colon - line)};
	v = trim(colon + 1, len - name.len - 1);
	if (is_name(name, "Retry-After"))
		keep_retry_after(a, v);
	else if (is_name(name, "Warning"))
		keep_warning(a, v);
	else if (is_name(name, "Audit-Id"))
		keep(a->audit_id, sizeof(a->audit_id), v);
	else if (is_name(name, "Content-Encoding"))
		a->is_encoded = !is_name(v, "identity");
}

/* ---- Status ---- */

static const char *get_str(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, json_type_string) || json_object_get_string_len(v) == 0)
		return NULL;
	return json_object_get_string(v);
}

static struct json_object *get_typed(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return json_object_is_type(v, type) ? v : NULL;
}

static int status_errno(int http_status, const char *reason)
{
	if (http_status >= 200 && http_status < 300)
		return 0;
	switch (http_status) {
	case 401:
		return -EPERM;
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 409:
		return reason && strcmp(reason, "AlreadyExists") == 0 ? -EEXIST : -ESTALE;
	case 410:
		return -ESTALE;
	case 413:
		return -E2BIG;
	case 408:
	case 429:
	case 502:
	case 503:
	case 504:
		return -EAGAIN;
	default:
		break;
	}
	if (http_status >= 400 && http_status < 500)
		return -EINVAL;
	return http_status >= 500 && http_status < 600 ? -EIO : -EPROTO;
}

static void read_details(struct k8s_response *r, struct json_object *status)
{
	struct json_object *details = get_typed(status, "details", json_type_object);
	struct json_object *causes = get_typed(details, "causes", json_type_array);
	struct json_object *retry = get_typed(details, "retryAfterSeconds", json_type_int);

	r->kind = get_str(details, "kind");
	if (causes && json_object_array_length(causes) > 0)
		r->cause = get_str(json_object_array_get_idx(causes, 0), "reason");
	if (retry && r->retry_after_ms == 0) {
		int64_t s = json_object_get_int64(retry);

		if (s > 0)
			r->retry_after_ms =
				(uint64_t)(s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S) * 1000;
	}
}

void k8s_status_from_object(struct k8s_status *s, struct json_object *status)
{
	struct json_object *code = get_typed(status, "code", json_type_int);

	*s = (struct k8s_status){.r.body = ""};
	s->r.http_status = code ? json_object_get_int(code) : 0;
	s->r.reason = get_str(status, "reason");
	s->r.message = get_str(status, "message");
	read_details(&s->r, status);
	s->r.rc = status_errno(s->r.http_status, s->r.reason);
	if (s->r.rc == 0)
		s->r.rc = -EPROTO; /* an error that claims to be none */
	if (!s->r.message)
		s->r.message =
			s->r.reason ? s->r.reason : "the server sent an error without a text";
}

static struct json_object *parse_status(const char *body, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(STATUS_DEPTH);
	struct json_object *o;
	const char *kind;

	if (!tok)
		return NULL;
	o = json_tokener_parse_ex(tok, body, (int)len);
	json_tokener_free(tok);
	kind = get_str(o, "kind");
	if (kind && strcmp(kind, "Status") == 0)
		return o;
	json_object_put(o);
	return NULL;
}

/* Words for an answer that has no Status: the first line of its text, if it is text. */
static const char *plain_message(struct k8s_status *s, const char *body, size_t len)
{
	size_t n = 0;

	while (n < len && n < 160 && body[n] >= ' ' && body[n] <= '~')
		n++;
	if (n && body[0] != '{' && body[0] != '<')
		snprintf(s->text, sizeof(s->text), "HTTP status %d: %.*s", s->r.http_status, (int)n,
			 body);
	else
		snprintf(s->text, sizeof(s->text), "HTTP status %d", s->r.http_status);
	return s->text;
}

void k8s_status_decode(struct k8s_status *s, int http_status, const struct k8s_answer *a,
		       const char *body, size_t len)
{
	bool is_good = http_status >= 200 && http_status < 300;

	*s = (struct k8s_status){0};
	s->r.http_status = http_status;
	s->r.body = body;
	s->r.body_len = len;
	s->r.retry_after_ms = a->retry_after_ms;
	s->r.warning = a->warning[0] ? a->warning : NULL;
	s->r.audit_id = a->audit_id[0] ? a->audit_id : NULL;
	/* Not by the Content-Type: overload answers are text/plain, some proxies say nothing. */
	if (!is_good && len > 0 && len <= STATUS_MAX && body[0] == '{')
		s->json = parse_status(body, len);
	if (s->json) {
		s->r.reason = get_str(s->json, "reason");
		s->r.message = get_str(s->json, "message");
		read_details(&s->r, s->json);
	}
	s->r.rc = status_errno(http_status, s->r.reason);
	if (s->r.rc < 0 && !s->r.message)
		s->r.message = plain_message(s, body, len);
}

void k8s_status_done(struct k8s_status *s)
{
	json_object_put(s->json);
	s->json = NULL;
}
