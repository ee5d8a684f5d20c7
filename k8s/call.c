/* SPDX-License-Identifier: Apache-2.0 */

/* Requests: one transfer, or two when the first met a stale token. */

#include "client_priv.h"

#include <errno.h>
#include <string.h>

#define MAX_CALLS          64
#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_ANSWER_MAX (4UL * 1024 * 1024)
#define BODY_MAX           (16UL * 1024 * 1024)

struct k8s_call {
	struct list link;
	struct k8s_client *client;
	struct k8s_transfer transfer;
	struct k8s_transfer_spec spec; /* points to the copies below */
	char *path, *query, *content_type, *body;
	struct strbuf answer;
	uint64_t due_ms;
	k8s_done_fn *done;
	void *ctx;
	bool is_second_try;
};

static void call_free(struct k8s_call *call)
{
	k8s_transfer_stop(&call->transfer);
	strbuf_done(&call->answer);
	free(call->path);
	free(call->query);
	free(call->content_type);
	free(call->body);
	free(call);
}

static void unlink_call(struct k8s_call *call)
{
	list_del(&call->link);
	call->client->nr_calls--;
}

/* The call leaves the list first, so that the callback finds nothing of it. */
static void finish(struct k8s_call *call, const struct k8s_response *r)
{
	unlink_call(call);
	call->done(call->ctx, r);
	call_free(call);
}

static void finish_with_error(struct k8s_call *call, const struct err *e)
{
	struct k8s_response r = {.rc = e->code, .message = e->msg, .body = ""};

	r.http_status = k8s_transfer_status(&call->transfer);
	finish(call, &r);
}

static bool on_data(struct k8s_transfer *t, const char *data, size_t len)
{
	struct k8s_call *call = CONTAINER_OF(t, struct k8s_call, transfer);

	/* Past the cap the rest is read and dropped; .error remembers. */
	(void)strbuf_add(&call->answer, data, len);
	return true;
}

static int start(struct k8s_call *call, struct err *e);

static bool try_again(struct k8s_call *call)
{
	if (call->is_second_try || !k8s_auth_reload(call->client, call->transfer.token))
		return false;
	call->is_second_try = true;
	k8s_transfer_stop(&call->transfer);
	strbuf_reset(&call->answer);
	return true;
}

static void on_done(struct k8s_transfer *t, CURLcode result)
{
	struct k8s_call *call = CONTAINER_OF(t, struct k8s_call, transfer);
	int http_status = k8s_transfer_status(t);
	struct k8s_status s;
	struct err e = {0};

	if (result != CURLE_OK)
		k8s_curl_error(t, result, &e);
	else if (call->answer.error == -EFBIG)
		err_set(&e, -EMSGSIZE, "'%s': the answer is larger than %zu bytes", call->path,
			call->answer.cap);
	else if (call->answer.error)
		err_set(&e, call->answer.error, "'%s': out of memory", call->path);
	else if (t->answer.is_encoded)
		err_set(&e, -EPROTO, "'%s': the answer is compressed, which nobody asked for",
			call->path);
	else if (http_status == 401 && try_again(call) && start(call, &e) == 0)
		return;
	if (e.code) {
		finish_with_error(call, &e);
		return;
	}
	k8s_status_decode(&s, http_status, &t->answer, strbuf_str(&call->answer), call->answer.len);
	finish(call, &s.r);
	k8s_status_done(&s);
}

static const struct k8s_transfer_ops transfer_ops = {.on_data = on_data, .on_done = on_done};

static int start(struct k8s_call *call, struct err *e)
{
	return k8s_transfer_start(&call->transfer, call->client, &call->spec, &transfer_ops, e);
}

/* ---- new calls ---- */

static bool is_clean(const char *s)
{
	for (; s && *s; s++) {
		if (*s <= ' ' || *s > '~')
			return false;
	}
	return true;
}

static int check(const struct k8s_client *c, const struct k8s_request *req, struct err *e)
{
	if (!req->path || req->path[0] != '/' || !is_clean(req->path) || strpbrk(req->path, "?#") ||
	    !is_clean(req->query) || !is_clean(req->content_type))
		return err_set(e, -EINVAL,
			       "a request's path, query and content type must be percent-encoded");
	if (req->body_len > BODY_MAX)
		return err_set(e, -EINVAL, "a request's body may have %lu bytes", BODY_MAX);
	if (c->nr_calls >= MAX_CALLS)
		return err_set(e, -EBUSY, "%d requests are under way already", MAX_CALLS);
	return 0;
}

static bool copy_str(char **dest, const char *s)
{
	*dest = s ? strdup(s) : NULL;
	return !s || *dest;
}

static bool copy_request(struct k8s_call *call, const struct k8s_request *req)
{
	const char *type = req->content_type ? req->content_type : "application/json";

	if (!copy_str(&call->path, req->path) || !copy_str(&call->query, req->query) ||
	    !copy_str(&call->content_type, type))
		return false;
	if (req->body) {
		call->body = malloc(req->body_len + 1);
		if (!call->body)
			return false;
		memcpy(call->body, req->body, req->body_len);
		call->body[req->body_len] = '\0';
	}
	call->spec = (struct k8s_transfer_spec){
		.method = req->method,
		.path = call->path,
		.query = call->query,
		.accept = "application/json",
		.content_type = call->content_type,
		.body = call->body,
		.body_len = req->body_len,
	};
	return true;
}

int k8s_request(struct k8s_client *c, const struct k8s_request *req, k8s_done_fn *done, void *ctx,
		struct k8s_call **ret, struct err *e)
{
	struct k8s_call *call;
	int r = check(c, req, e);

	if (r < 0)
		return r;
	call = calloc(1, sizeof(*call));
	if (!call)
		return err_set(e, -ENOMEM, "request: out of memory");
	call->client = c;
	call->done = done;
	call->ctx = ctx;
	call->due_ms = k8s_now(c) + (req->timeout_ms ? req->timeout_ms : DEFAULT_TIMEOUT_MS);
	strbuf_init(&call->answer, req->max_answer ? req->max_answer : DEFAULT_ANSWER_MAX);
	if (copy_request(call, req))
		r = start(call, e);
	else
		r = err_set(e, -ENOMEM, "request: out of memory");
	if (r < 0) {
		call_free(call);
		return r;
	}
	list_append(&c->calls, &call->link);
	c->nr_calls++;
	if (ret)
		*ret = call;
	k8s_client_rearm(c);
	return 0;
}

void k8s_call_cancel(struct k8s_call *call)
{
	struct k8s_client *c;

	if (!call)
		return;
	c = call->client;
	unlink_call(call);
	call_free(call);
	k8s_client_rearm(c);
}

/* ---- deadlines ---- */

static struct k8s_call *first_overdue(struct k8s_client *c, uint64_t now)
{
	list_for_each (it, &c->calls) {
		struct k8s_call *call = list_entry(it, struct k8s_call, link);

		if (call->due_ms <= now)
			return call;
	}
	return NULL;
}

void k8s_calls_run(struct k8s_client *c, uint64_t now)
{
	struct k8s_call *call;

	/* From the start each time: the callback may have cancelled any of them. */
	while (!c->is_dying && (call = first_overdue(c, now))) {
		struct err e = {0};

		k8s_count_transfer(&call->transfer);
		err_set(&e, -ETIMEDOUT, "%s: no answer to '%s' in time", c->cfg->server,
			call->path);
		finish_with_error(call, &e);
	}
}

uint64_t k8s_calls_due(const struct k8s_client *c)
{
	uint64_t due = K8S_NEVER;

	for (const struct list *it = c->calls.next; it != &c->calls; it = it->next) {
		const struct k8s_call *call = list_entry_const(it, struct k8s_call, link);

		if (call->due_ms < due)
			due = call->due_ms;
	}
	return due;
}

void k8s_calls_drop(struct k8s_client *c)
{
	list_for_each_safe (it, next, &c->calls) {
		k8s_call_cancel(list_entry(it, struct k8s_call, link));
	}
}
