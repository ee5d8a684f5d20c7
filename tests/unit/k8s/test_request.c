/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/k8s/loop.h"
#include "unit/runner.h"

#include "client_priv.h"

#include <errno.h>
#include <stdio.h>

static struct loop l;

/* What the last answer said, kept beyond the callback. */
static struct answer {
	int nr, rc, http_status;
	char reason[64], message[600], cause[64], kind[64], warning[128], audit_id[64];
	uint64_t retry_after_ms;
	char *body;
	size_t body_len;
} got;

static void copy(char *dest, size_t size, const char *s)
{
	snprintf(dest, size, "%s", s ? s : "");
}

static void on_done(void *ctx, const struct k8s_response *r)
{
	struct answer *a = ctx;

	a->nr++;
	a->rc = r->rc;
	a->http_status = r->http_status;
	a->retry_after_ms = r->retry_after_ms;
	copy(a->reason, sizeof(a->reason), r->reason);
	copy(a->message, sizeof(a->message), r->message);
	copy(a->cause, sizeof(a->cause), r->cause);
	copy(a->kind, sizeof(a->kind), r->kind);
	copy(a->warning, sizeof(a->warning), r->warning);
	copy(a->audit_id, sizeof(a->audit_id), r->audit_id);
	ck_assert(r->rc == 0 || r->message);
	ck_assert_uint_eq(r->body[r->body_len], '\0');
	free(a->body);
	a->body = strndup(r->body, r->body_len);
	a->body_len = r->body_len;
}

static void setup(void)
{
	memset(&got, 0, sizeof(got));
	loop_open(&l);
}

static void teardown(void)
{
	loop_close(&l);
	free(got.body);
}

#define STATUSES "/apis/podresctrl.io/v1alpha1/namespaces/default/podresctrlstatuses"

static struct k8s_call *send_request(const struct k8s_request *req)
{
	struct k8s_call *call = NULL;
	struct err e;

	ck_assert_msg(k8s_request(l.client, req, on_done, &got, &call, &e) == 0, "%s", e.msg);
	return call;
}

static void run(const struct k8s_request *req)
{
	int before = got.nr;

	(void)send_request(req);
	loop_until(&l, got.nr > before);
	ck_assert_int_eq(got.nr, before + 1);
}

static void get(const char *path)
{
	run(&(struct k8s_request){.method = K8S_GET, .path = path});
}

static void send_body(enum k8s_method method, const char *path, const char *type, const char *body)
{
	run(&(struct k8s_request){.method = method,
				  .path = path,
				  .content_type = type,
				  .body = body,
				  .body_len = strlen(body)});
}

static void create_status(const char *name)
{
	char body[256];

	snprintf(
		body, sizeof(body),
		"{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"podUID\":\"u\"},\"status\":{\"a\":1}}",
		name);
	send_body(K8S_POST, STATUSES, NULL, body);
}

/* ---- the ordinary life ---- */

START_TEST(an_object_lives_from_post_to_delete)
{
	create_status("a");
	ck_assert_int_eq(got.rc, 0);
	ck_assert_int_eq(got.http_status, 201);
	/* The status subresource: a POST cannot set it. */
	ck_assert_ptr_null(strstr(got.body, "status"));

	send_body(K8S_PATCH, STATUSES "/a/status", "application/merge-patch+json",
		  "{\"status\":{\"a\":2},\"metadata\":{\"labels\":{\"x\":\"y\"}}}");
	ck_assert_int_eq(got.rc, 0);
	get(STATUSES "/a");
	ck_assert_str_eq(got.audit_id, "fake-audit");
	ck_assert_ptr_nonnull(strstr(got.body, "\"a\":2"));
	ck_assert_ptr_null(strstr(got.body, "labels"));

	run(&(struct k8s_request){.method = K8S_DELETE, .path = STATUSES "/a"});
	ck_assert_int_eq(got.rc, 0);
	get(STATUSES "/a");
	ck_assert_int_eq(got.rc, -ENOENT);
	ck_assert_str_eq(got.reason, "NotFound");
}
END_TEST

START_TEST(a_request_says_who_sends_it_exactly_once)
{
	const char *head;

	get("/api/v1/namespaces/default");
	head = fake_api_last_head(l.api);
	ck_assert_ptr_nonnull(strstr(head, "Authorization: Bearer token-1\r\n"));
	ck_assert_ptr_null(strstr(strstr(head, "Authorization:") + 1, "Authorization:"));
	ck_assert_ptr_nonnull(strstr(head, "User-Agent: podresctrld/" PODRESCTRL_VERSION "\r\n"));
	ck_assert_ptr_null(strstr(head, "Accept-Encoding"));
	ck_assert_ptr_null(strstr(head, "Expect"));
	ck_assert_ptr_nonnull(strstr(head, "HTTP/1.1\r\n"));
}
END_TEST

START_TEST(a_large_body_arrives_whole)
{
	static const char start[] = "{\"metadata\":{\"name\":\"big\"},\"s\":\"";
	char *big = malloc(2000001);

	memset(big, 'x', 2000000);
	memcpy(big, start, strlen(start));
	memcpy(big + 1999998, "\"}", 3);
	send_body(K8S_POST, STATUSES, NULL, big);
	ck_assert_msg(got.rc == 0, "%s", got.message);
	ck_assert_str_eq(fake_api_last_body(l.api), big);
	/* "Expect: 100-continue" would cost a second where nobody answers it. */
	ck_assert_ptr_null(strstr(fake_api_last_head(l.api), "Expect"));
	ck_assert_ptr_nonnull(
		strstr(fake_api_last_head(l.api), "Content-Type: application/json\r\n"));
	/* And so does a large answer. */
	get(STATUSES "/big");
	ck_assert_uint_gt(got.body_len, 2000000);
	free(big);
}
END_TEST

START_TEST(connections_are_kept)
{
	for (int i = 0; i < 5; i++)
		get("/api/v1/namespaces/default");
	ck_assert_uint_eq(fake_api_nr_accepted(l.api), 1);
}
END_TEST

/* ---- refusals ---- */

START_TEST(a_second_create_is_eexist)
{
	create_status("a");
	create_status("a");
	ck_assert_int_eq(got.rc, -EEXIST);
	ck_assert_int_eq(got.http_status, 409);
	ck_assert_str_eq(got.reason, "AlreadyExists");
}
END_TEST

START_TEST(a_missing_namespace_is_told_from_a_missing_object)
{
	send_body(K8S_POST, "/apis/podresctrl.io/v1alpha1/namespaces/gone/podresctrlstatuses", NULL,
		  "{\"metadata\":{\"name\":\"a\"}}");
	ck_assert_int_eq(got.rc, -ENOENT);
	ck_assert_str_eq(got.kind, "namespaces");
	get(STATUSES "/a");
	ck_assert_int_eq(got.rc, -ENOENT);
	ck_assert_str_eq(got.kind, "podresctrlstatuses");
}
END_TEST

START_TEST(a_failed_test_in_a_json_patch_is_einval)
{
	create_status("a");
	send_body(K8S_PATCH, STATUSES "/a/status", "application/json-patch+json",
		  "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"no\"},"
		  "{\"op\":\"add\",\"path\":\"/status\",\"value\":{\"a\":1}}]");
	ck_assert_int_eq(got.rc, -EINVAL);
	ck_assert_int_eq(got.http_status, 422);
	send_body(K8S_PATCH, STATUSES "/a/status", "application/strategic-merge-patch+json", "{}");
	ck_assert_int_eq(got.rc, -EINVAL);
	ck_assert_int_eq(got.http_status, 415);
}
END_TEST

START_TEST(a_delete_with_another_uid_is_estale)
{
	create_status("a");
	send_body(K8S_DELETE, STATUSES "/a", NULL, "{\"preconditions\":{\"uid\":\"no\"}}");
	ck_assert_int_eq(got.rc, -ESTALE);
	ck_assert_uint_eq(fake_api_nr_objects(l.api, "podresctrlstatuses"), 1);
}
END_TEST

static const struct {
	int status;
	const char *body;
	const char *type;
	unsigned int retry_after_s;
	int rc;
	uint64_t retry_after_ms;
	const char *message, *cause;
} refusals[] = {
	{400, NULL, NULL, 0, -EINVAL, 0, "made to fail", ""},
	{401, NULL, NULL, 0, -EPERM, 0, "made to fail", ""},
	{403,
	 "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"no\",\"details\":{\"causes\":"
	 "[{\"reason\":\"NamespaceTerminating\"}]}}",
	 NULL, 0, -EACCES, 0, "no", "NamespaceTerminating"},
	{409, "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"m\"}", NULL, 0, -ESTALE,
	 0, "m", ""},
	{410, NULL, NULL, 0, -ESTALE, 0, "made to fail", ""},
	{413, "too large", "text/plain", 0, -E2BIG, 0, "too large", ""},
	{422, NULL, NULL, 0, -EINVAL, 0, "made to fail", ""},
	{429, "Too many requests, please try again later.\n", "text/plain", 7, -EAGAIN, 7000,
	 "Too many requests", ""},
	{429, "{\"kind\":\"Status\",\"message\":\"m\",\"details\":{\"retryAfterSeconds\":3}}", NULL,
	 0, -EAGAIN, 3000, "m", ""},
	{500, "etcdserver: request is too large", "text/plain", 0, -EIO, 0, "etcdserver", ""},
	{502, "<html>\n", "text/html", 0, -EAGAIN, 0, "HTTP status 502", ""},
	{503, "", "text/plain", 0, -EAGAIN, 0, "HTTP status 503", ""},
	{504, "{\"kind\":", "application/json", 1, -EAGAIN, 1000, "HTTP status 504", ""},
	{302, "", "text/plain", 0, -EPROTO, 0, "HTTP status 302", ""},
	{403, "{\"kind\":\"Status\",\"details\":[1],\"message\":5}", NULL, 0, -EACCES, 0,
	 "HTTP status 403", ""},
};

START_TEST(refusals_become_codes)
{
	fake_api_add_fault(l.api,
			   &(struct fake_api_fault){.kind = FAKE_API_ANSWER,
						    .status = refusals[_i].status,
						    .body = refusals[_i].body,
						    .content_type = refusals[_i].type,
						    .retry_after_s = refusals[_i].retry_after_s});
	get("/api/v1/namespaces/default");
	ck_assert_msg(got.rc == refusals[_i].rc, "row %d: %d %s", _i, got.rc, got.message);
	ck_assert_int_eq(got.http_status, refusals[_i].status);
	ck_assert_uint_eq(got.retry_after_ms, refusals[_i].retry_after_ms);
	ck_assert_msg(strstr(got.message, refusals[_i].message), "row %d: %s", _i, got.message);
	ck_assert_str_eq(got.cause, refusals[_i].cause);
	ck_assert_uint_eq(fake_api_nr_requests(l.api, NULL, NULL), 1);
}
END_TEST

START_TEST(warnings_are_passed_on)
{
	fake_api_add_fault(l.api, &(struct fake_api_fault){
					  .kind = FAKE_API_ANSWER,
					  .status = 200,
					  .body = "{}",
					  .headers = "Warning: 299 - \"unknown field spec.x\"\r\n"
						     "Warning: 299 - \"second\"\r\n"});
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, 0);
	ck_assert_str_eq(got.warning, "unknown field spec.x");
}
END_TEST

/* ---- the connection ---- */

START_TEST(a_lost_answer_is_eio_and_the_work_is_done)
{
	fake_api_add_fault(l.api, &(struct fake_api_fault){.kind = FAKE_API_DO_RESET, .times = 1});
	create_status("a");
	ck_assert_int_eq(got.rc, -EIO);
	ck_assert_uint_eq(fake_api_nr_objects(l.api, "podresctrlstatuses"), 1);
	ck_assert_ptr_null(strstr(got.message, "token-1"));
	create_status("a");
	ck_assert_int_eq(got.rc, -EEXIST);
}
END_TEST

START_TEST(a_refused_connection_is_econnrefused)
{
	fake_api_set_down(l.api, true);
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, -ECONNREFUSED);
	ck_assert_int_eq(got.http_status, 0);
	fake_api_set_down(l.api, false);
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, 0);
}
END_TEST

static uint64_t counted(enum k8s_method method, int http_status)
{
	struct k8s_client_stats stats;

	k8s_client_get_stats(l.client, &stats);
	for (size_t i = 0; i < stats.nr_requests; i++) {
		if (stats.requests[i].method == method &&
		    stats.requests[i].http_status == http_status)
			return stats.requests[i].nr;
	}
	return 0;
}

START_TEST(requests_are_counted_by_method_and_status_and_answers_timed)
{
	struct k8s_client_stats stats;
	uint64_t timed = 0;

	get("/api/v1/namespaces/default");
	get("/api/v1/namespaces/default");
	get(STATUSES "/a");
	create_status("a");
	fake_api_set_down(l.api, true);
	get("/api/v1/namespaces/default");
	ck_assert_uint_eq(counted(K8S_GET, 200), 2);
	ck_assert_uint_eq(counted(K8S_GET, 404), 1);
	ck_assert_uint_eq(counted(K8S_GET, 0), 1);
	ck_assert_uint_eq(counted(K8S_POST, 201), 1);
	k8s_client_get_stats(l.client, &stats);
	for (size_t i = 0; i <= stats.latency[K8S_GET].nr; i++)
		timed += stats.latency[K8S_GET].counts[i];
	ck_assert_uint_eq(timed, 3);
	ck_assert_uint_eq(stats.other_requests, 0);
}
END_TEST

START_TEST(an_answer_that_never_comes_times_out)
{
	fake_api_add_fault(l.api, &(struct fake_api_fault){.kind = FAKE_API_STALL, .times = 1});
	send_request(&(struct k8s_request){.path = "/api/v1/namespaces/default"});
	loop_until(&l, fake_api_nr_requests(l.api, NULL, NULL) == 1);
	loop_advance(&l, 29000);
	loop_idle(&l);
	ck_assert_int_eq(got.nr, 0);
	loop_advance(&l, 1500);
	loop_until(&l, got.nr == 1);
	ck_assert_int_eq(got.rc, -ETIMEDOUT);
}
END_TEST

START_TEST(an_answer_cut_short_is_an_error)
{
	fake_api_add_fault(l.api,
			   &(struct fake_api_fault){
				   .kind = FAKE_API_RAW,
				   .times = 1,
				   .body = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"});
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, -EIO);
}
END_TEST

static const char *const garbage[] = {
	"hello\r\n\r\n",
	"HTTP/1.1 abc\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx",
};

START_TEST(an_unintelligible_answer_is_eproto)
{
	fake_api_add_fault(l.api,
			   &(struct fake_api_fault){.kind = FAKE_API_RAW, .body = garbage[_i]});
	get("/api/v1/namespaces/default");
	ck_assert_msg(got.rc == -EPROTO, "row %d: %d %s", _i, got.rc, got.message);
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
	fake_api_add_fault(l.api, &(struct fake_api_fault){.kind = FAKE_API_ANSWER,
							   .status = 307,
							   .body = "",
							   .headers = "Location: /version\r\n"});
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, -EPROTO);
	ck_assert_uint_eq(fake_api_nr_requests(l.api, NULL, NULL), 1);
}
END_TEST

START_TEST(an_answer_over_the_cap_is_emsgsize)
{
	run(&(struct k8s_request){.path = "/api/v1/namespaces", .max_answer = 50});
	ck_assert_int_eq(got.rc, -EMSGSIZE);
	/* The connection is still good. */
	run(&(struct k8s_request){.path = "/api/v1/namespaces"});
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(fake_api_nr_accepted(l.api), 1);
}
END_TEST

START_TEST(answers_may_come_byte_by_byte)
{
	fake_api_set_write_max(l.api, 1);
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, 0);
	ck_assert_ptr_nonnull(strstr(got.body, "\"Namespace\""));
}
END_TEST

/* ---- tokens ---- */

static char dir[64], token_path[128];

static void write_token(const char *token)
{
	FILE *f = fopen(token_path, "we");

	fputs(token, f);
	fclose(f);
}

static void open_with_token_file(const char *token)
{
	char text[1024];

	snprintf(dir, sizeof(dir), "/tmp/k8s-token-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(token_path, sizeof(token_path), "%s/token", dir);
	write_token(token);
	loop_open_server(&l);
	snprintf(text, sizeof(text),
		 "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
		 "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:%u'}}]\n"
		 "users: [{name: u, user: {tokenFile: '%s'}}]\n",
		 fake_api_port(l.api), token_path);
	loop_open_config(&l, text);
}

static void teardown_token(void)
{
	teardown();
	unlink(token_path);
	rmdir(dir);
}

static void setup_token(void)
{
	memset(&got, 0, sizeof(got));
	open_with_token_file("old\n");
	fake_api_set_token(l.api, "old");
}

START_TEST(a_401_makes_the_token_be_read_again_and_used)
{
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, 0);
	fake_api_set_token(l.api, "new");
	write_token("new\n");
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(fake_api_nr_requests(l.api, NULL, NULL), 3);
}
END_TEST

START_TEST(a_401_with_the_same_token_is_final)
{
	fake_api_set_token(l.api, "new");
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, -EPERM);
	ck_assert_uint_eq(fake_api_nr_requests(l.api, NULL, NULL), 1);
	ck_assert_ptr_null(strstr(got.message, "old"));
}
END_TEST

START_TEST(a_wrong_new_token_is_tried_once)
{
	get("/api/v1/namespaces/default");
	fake_api_set_token(l.api, "new");
	write_token("wrong");
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, -EPERM);
	ck_assert_uint_eq(fake_api_nr_requests(l.api, NULL, NULL), 3);
}
END_TEST

START_TEST(the_token_is_read_again_each_minute)
{
	get("/api/v1/namespaces/default");
	write_token("new");
	loop_advance(&l, 30000);
	get("/api/v1/namespaces/default");
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "Bearer old"));
	fake_api_set_token(l.api, "new");
	loop_advance(&l, 31000);
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(fake_api_nr_requests(l.api, NULL, NULL), 3);
}
END_TEST

/* Empty, with blanks, not ASCII, with a line end that would begin another header, huge. */
START_TEST(an_unreadable_token_file_keeps_the_old_token)
{
	static char huge[100000];
	const char *const bad[] = {"",  "\n\n", "two words", "t\xc3\xb6ken", "new\r\nX-Evil: 1",
				   huge};

	memset(huge, 'x', sizeof(huge) - 1);
	get("/api/v1/namespaces/default");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_token(bad[i]);
		loop_advance(&l, 61000);
		get("/api/v1/namespaces/default");
		ck_assert_int_eq(got.rc, 0);
	}
	unlink(token_path);
	loop_advance(&l, 61000);
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, 0);
}
END_TEST

/* ---- many, cancelled, freed ---- */

START_TEST(a_cancelled_call_is_never_heard_of)
{
	struct k8s_call *call;

	call = send_request(&(struct k8s_request){.path = "/api/v1/namespaces/default"});
	k8s_call_cancel(call);
	loop_idle(&l);
	ck_assert_int_eq(got.nr, 0);
	call = send_request(&(struct k8s_request){.path = "/api/v1/namespaces/default"});
	loop_until(&l, fake_api_nr_requests(l.api, NULL, NULL) == 1);
	k8s_call_cancel(call);
	k8s_call_cancel(NULL);
	loop_idle(&l);
	ck_assert_int_eq(got.nr, 0);
	get("/api/v1/namespaces/default");
	ck_assert_int_eq(got.rc, 0);
}
END_TEST

START_TEST(calls_are_bounded_and_all_answered)
{
	struct k8s_request req = {.path = "/api/v1/namespaces/default"};
	struct err e;

	for (int i = 0; i < 64; i++)
		send_request(&req);
	ck_assert_int_eq(k8s_request(l.client, &req, on_done, &got, NULL, &e), -EBUSY);
	loop_until(&l, got.nr == 64);
	ck_assert_int_eq(got.rc, 0);
	ck_assert_int_eq(k8s_request(l.client, &req, on_done, &got, NULL, &e), 0);
	loop_until(&l, got.nr == 65);
}
END_TEST

START_TEST(a_client_may_be_freed_with_calls_under_way)
{
	send_request(&(struct k8s_request){.path = "/api/v1/namespaces/default"});
	send_request(&(struct k8s_request){.path = "/api/v1/namespaces/default"});
	loop_until(&l, fake_api_nr_requests(l.api, NULL, NULL) == 2);
	l.client = k8s_client_free(l.client);
	ck_assert_int_eq(got.nr, 0);
	ck_assert_uint_eq(l.nr, 0);
}
END_TEST

static struct k8s_call *other;

static void cancel_other(void *ctx, const struct k8s_response *r)
{
	struct k8s_request req = {.path = "/api/v1/namespaces/default"};

	(void)ctx;
	(void)r;
	k8s_call_cancel(other);
	ck_assert_int_eq(k8s_request(l.client, &req, on_done, &got, NULL, NULL), 0);
}

START_TEST(a_callback_may_cancel_another_call_and_send_a_new_one)
{
	struct k8s_request req = {.path = "/api/v1/namespaces/default"};

	ck_assert_int_eq(k8s_request(l.client, &req, cancel_other, NULL, NULL, NULL), 0);
	other = send_request(&(struct k8s_request){.path = "/api/v1/namespaces"});
	loop_until(&l, got.nr == 1);
	ck_assert_ptr_nonnull(strstr(got.body, "\"name\":\"default\""));
	loop_idle(&l);
	ck_assert_int_eq(got.nr, 1);
}
END_TEST

static void free_client(void *ctx, const struct k8s_response *r)
{
	(void)ctx;
	(void)r;
	l.client = k8s_client_free(l.client);
}

START_TEST(a_callback_may_free_the_client)
{
	struct k8s_request req = {.path = "/api/v1/namespaces/default"};

	ck_assert_int_eq(k8s_request(l.client, &req, free_client, NULL, NULL, NULL), 0);
	send_request(&req);
	loop_until(&l, !l.client);
	ck_assert_int_eq(got.nr, 0);
	ck_assert_uint_eq(l.nr, 0);
	ck_assert_int_eq(l.due_ms, -1);
}
END_TEST

static const struct k8s_request bad[] = {
	{.path = NULL},
	{.path = "api"},
	{.path = "/a b"},
	{.path = "/a\r\nX: y"},
	{.path = "/a?b"},
	{.path = "/a", .query = "x=\n"},
	{.path = "/a", .content_type = "a\r\nX: y", .body = "{}", .body_len = 2},
};

START_TEST(a_path_that_would_break_the_request_is_refused)
{
	struct err e;

	ck_assert_int_eq(k8s_request(l.client, &bad[_i], on_done, &got, NULL, &e), -EINVAL);
}
END_TEST

START_TEST(text_is_escaped_for_paths_and_queries)
{
	struct strbuf sb;

	strbuf_init(&sb, 1024);
	k8s_escape(&sb, "a-B_9.~/ =&%\xc3\xa9");
	ck_assert_str_eq(strbuf_str(&sb), "a-B_9.~%2F%20%3D%26%25%C3%A9");
	strbuf_done(&sb);
}
END_TEST

static const struct {
	const char *line;
	uint64_t ms;
} headers[] = {
	{"Retry-After: 5\r\n", 5000},
	{"retry-after:1 \r\n", 1000},
	{"Retry-After: 99999999999999999999999\r\n", 0},
	{"Retry-After: 99999999999\r\n", 3600000},
	{"Retry-After: -1\r\n", 0},
	{"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", 0},
	{"Retry-After:\r\n", 0},
	{"Retry-After 5\r\n", 0},
};

START_TEST(retry_after_is_read_with_care)
{
	struct k8s_answer a = {0};

	k8s_answer_header(&a, headers[_i].line, strlen(headers[_i].line));
	ck_assert_uint_eq(a.retry_after_ms, headers[_i].ms);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("k8s requests");
	TCase *tc = tcase_create("requests"), *tokens = tcase_create("tokens");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, an_object_lives_from_post_to_delete);
	tcase_add_test(tc, a_request_says_who_sends_it_exactly_once);
	tcase_add_test(tc, a_large_body_arrives_whole);
	tcase_add_test(tc, connections_are_kept);
	tcase_add_test(tc, a_second_create_is_eexist);
	tcase_add_test(tc, a_missing_namespace_is_told_from_a_missing_object);
	tcase_add_test(tc, a_failed_test_in_a_json_patch_is_einval);
	tcase_add_test(tc, a_delete_with_another_uid_is_estale);
	tcase_add_loop_test(tc, refusals_become_codes, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, warnings_are_passed_on);
	tcase_add_test(tc, a_lost_answer_is_eio_and_the_work_is_done);
	tcase_add_test(tc, a_refused_connection_is_econnrefused);
	tcase_add_test(tc, requests_are_counted_by_method_and_status_and_answers_timed);
	tcase_add_test(tc, an_answer_that_never_comes_times_out);
	tcase_add_test(tc, an_answer_cut_short_is_an_error);
	tcase_add_loop_test(tc, an_unintelligible_answer_is_eproto, 0, ARRAY_LEN(garbage));
	tcase_add_test(tc, a_redirect_is_not_followed);
	tcase_add_test(tc, an_answer_over_the_cap_is_emsgsize);
	tcase_add_test(tc, answers_may_come_byte_by_byte);
	tcase_add_test(tc, a_cancelled_call_is_never_heard_of);
	tcase_add_test(tc, calls_are_bounded_and_all_answered);
	tcase_add_test(tc, a_client_may_be_freed_with_calls_under_way);
	tcase_add_test(tc, a_callback_may_cancel_another_call_and_send_a_new_one);
	tcase_add_test(tc, a_callback_may_free_the_client);
	tcase_add_loop_test(tc, a_path_that_would_break_the_request_is_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, text_is_escaped_for_paths_and_queries);
	tcase_add_loop_test(tc, retry_after_is_read_with_care, 0, ARRAY_LEN(headers));
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tokens, setup_token, teardown_token);
	tcase_add_test(tokens, a_401_makes_the_token_be_read_again_and_used);
	tcase_add_test(tokens, a_401_with_the_same_token_is_final);
	tcase_add_test(tokens, a_wrong_new_token_is_tried_once);
	tcase_add_test(tokens, the_token_is_read_again_each_minute);
	tcase_add_test(tokens, an_unreadable_token_file_keeps_the_old_token);
	suite_add_tcase(s, tokens);
	return s;
}
