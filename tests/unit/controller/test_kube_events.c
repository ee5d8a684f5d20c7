/* SPDX-License-Identifier: Apache-2.0 */

/* Events: what is sent, and above all what is not. */

#include "kube_events.h"
#include "unit/runner.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define CALLS_MAX 64

static struct call {
	k8s_done_fn *done;
	void *ctx;
} calls[CALLS_MAX];
static size_t nr_calls;
static unsigned creates, patches, cancels, troubles;
static uint64_t now;
static char path[512], body[8192], query[128], type[64], trouble[512];
static struct kube_events *k;

static int request(void *ctx, const struct k8s_request *req, k8s_done_fn *done, void *done_ctx,
		   struct k8s_call **ret, struct err *e)
{
	(void)ctx;
	(void)e;
	ck_assert_uint_lt(nr_calls, CALLS_MAX);
	calls[nr_calls++] = (struct call){done, done_ctx};
	*ret = (struct k8s_call *)done_ctx;
	if (req->method == K8S_POST)
		creates++;
	else
		patches++;
	snprintf(path, sizeof(path), "%s", req->path);
	snprintf(query, sizeof(query), "%s", req->query);
	snprintf(type, sizeof(type), "%s", req->content_type ? req->content_type : "");
	snprintf(body, sizeof(body), "%.*s", (int)req->body_len, (const char *)req->body);
	return 0;
}

static void cancel(void *ctx, struct k8s_call *call)
{
	(void)ctx;
	(void)call;
	cancels++;
	nr_calls--;
}

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return now;
}

static int64_t wall_ms(void *ctx)
{
	(void)ctx;
	return INT64_C(1763600000042);
}

static uint32_t random_u32(void *ctx)
{
	(void)ctx;
	return 0;
}

static void on_trouble(void *ctx, const char *text)
{
	(void)ctx;
	troubles++;
	snprintf(trouble, sizeof(trouble), "%s", text);
}

static const struct publisher_client_ops client_ops = {.request = request, .cancel = cancel};

static void setup(void)
{
	const struct kube_events_deps deps = {
		.client = &client_ops,
		.now_ms = now_ms,
		.wall_ms = wall_ms,
		.random = random_u32,
		.on_trouble = on_trouble,
	};

	nr_calls = 0;
	creates = patches = cancels = troubles = 0;
	now = 1000000;
	ck_assert_int_eq(kube_events_new("n1", &deps, &k, NULL), 0);
}

static void teardown(void)
{
	k = kube_events_free(k);
	ck_assert_uint_eq(nr_calls, 0);
}

static void answer(const struct k8s_response *r)
{
	struct call c = calls[0];

	ck_assert_uint_ge(nr_calls, 1);
	memmove(calls, calls + 1, --nr_calls * sizeof(calls[0]));
	c.done(c.ctx, r);
}

static void answer_all(int rc, int http_status)
{
	const struct k8s_response r = {
		.rc = rc, .http_status = http_status, .message = rc ? "no" : NULL, .body = ""};

	while (nr_calls)
		answer(&r);
}

static void post(const char *uid, const char *reason, const char *note)
{
	const struct publisher_transition t = {
		.namespace_ = "shop",
		.name = "web-0",
		.pod_uid = uid,
		.object_uid = "o-1",
		.warning = true,
		.reason = reason,
		.action = "CreateGroup",
		.note = note,
	};

	kube_events_post(k, &t);
}

static const char *at(const char *pointer)
{
	static char value[2048];
	json_object *root = json_tokener_parse(body), *v = NULL;

	ck_assert_ptr_nonnull(root);
	snprintf(value, sizeof(value), "%s",
		 json_pointer_get(root, pointer, &v) == 0 ? json_object_get_string(v) : "");
	json_object_put(root);
	return value;
}

START_TEST(an_event_has_what_the_api_demands)
{
	post("uid-1", "OutOfRMIDs", "no RMID is free");
	ck_assert_str_eq(path, "/apis/events.k8s.io/v1/namespaces/shop/events");
	ck_assert_str_eq(query, "fieldManager=podresctrld");
	ck_assert_str_eq(at("/apiVersion"), "events.k8s.io/v1");
	ck_assert_str_eq(at("/kind"), "Event");
	ck_assert_str_eq(at("/metadata/namespace"), "shop");
	ck_assert_int_eq(strncmp(at("/metadata/name"), "web-0.", 6), 0);
	ck_assert_str_eq(at("/eventTime"), "2025-11-20T00:53:20.042000Z");
	ck_assert_str_eq(at("/reportingController"), "podresctrl.io/podresctrld");
	ck_assert_str_eq(at("/reportingInstance"), "n1");
	ck_assert_str_eq(at("/type"), "Warning");
	ck_assert_str_eq(at("/reason"), "OutOfRMIDs");
	ck_assert_str_eq(at("/action"), "CreateGroup");
	ck_assert_str_eq(at("/note"), "no RMID is free");
	ck_assert_str_eq(at("/regarding/kind"), "Pod");
	ck_assert_str_eq(at("/regarding/name"), "web-0");
	ck_assert_str_eq(at("/regarding/uid"), "uid-1");
	ck_assert_str_eq(at("/related/kind"), "PodResctrlStatus");
	ck_assert_str_eq(at("/related/uid"), "o-1");
}
END_TEST

START_TEST(names_and_notes_are_cut_to_what_the_api_takes)
{
	char name[254], note[3000];
	const struct publisher_transition t = {
		.namespace_ = "shop",
		.name = name,
		.pod_uid = "uid-1",
		.reason = "X",
		.action = "Y",
		.note = note,
	};

	memset(name, 'a', sizeof(name) - 1);
	memset(name + 200, '.', 30);
	name[sizeof(name) - 1] = '\0';
	memset(note, 0xc3, sizeof(note) - 1);
	note[sizeof(note) - 1] = '\0';
	kube_events_post(k, &t);
	ck_assert_uint_le(strlen(at("/metadata/name")), 253);
	ck_assert_int_eq(strncmp(at("/metadata/name") + 199, "a.1", 3), 0);
	ck_assert_uint_le(strlen(at("/note")), 1024);
	ck_assert_str_eq(at("/related"), "");
	ck_assert_str_eq(at("/type"), "Normal");
}
END_TEST

START_TEST(the_same_again_raises_the_count)
{
	char name[256];

	post("uid-1", "OutOfRMIDs", "n");
	snprintf(name, sizeof(name), "/apis/events.k8s.io/v1/namespaces/shop/events/%s",
		 at("/metadata/name"));
	answer_all(0, 201);
	now += 60000;
	post("uid-1", "AllAssigned", "n");
	answer_all(0, 201);
	ck_assert_uint_eq(creates, 2);
	for (int i = 2; i <= 4; i++) {
		char count[16];

		now += 60000;
		post("uid-1", "OutOfRMIDs", "n");
		ck_assert_str_eq(path, name);
		ck_assert_str_eq(type, "application/merge-patch+json");
		snprintf(count, sizeof(count), "%d", i);
		ck_assert_str_eq(at("/series/count"), count);
		ck_assert_str_eq(at("/series/lastObservedTime"), "2025-11-20T00:53:20.042000Z");
		answer_all(0, 200);
	}
	ck_assert_uint_eq(creates, 2);
	ck_assert_uint_eq(patches, 3);
}
END_TEST

START_TEST(after_six_minutes_it_is_a_new_event)
{
	post("uid-1", "OutOfRMIDs", "n");
	answer_all(0, 201);
	now += 6 * 60000;
	post("uid-1", "OutOfRMIDs", "n");
	answer_all(0, 201);
	ck_assert_uint_eq(creates, 2);
}
END_TEST

START_TEST(a_series_whose_event_expired_begins_anew)
{
	post("uid-1", "OutOfRMIDs", "n");
	answer_all(0, 201);
	post("uid-1", "OutOfRMIDs", "n");
	answer_all(-ENOENT, 404);
	post("uid-1", "OutOfRMIDs", "n");
	answer_all(0, 201);
	ck_assert_uint_eq(creates, 2);
	ck_assert_uint_eq(patches, 1);
	ck_assert_uint_eq(troubles, 0);
}
END_TEST

START_TEST(a_pod_gets_25_and_then_one_per_five_minutes)
{
	struct kube_events_stats stats;
	char note[16];

	for (int i = 0; i < 3600; i++) {
		snprintf(note, sizeof(note), "%d", i);
		post("uid-1", "OutOfRMIDs", note);
		answer_all(0, 201);
		now += 1000;
	}
	kube_events_get_stats(k, &stats);
	ck_assert_uint_eq(creates, 25 + 11);
	ck_assert_uint_eq(stats.created, 36);
	ck_assert_uint_eq(stats.dropped, 3600 - 36);
	post("uid-2", "OutOfRMIDs", "another pod is not concerned");
	ck_assert_uint_eq(creates, 37);
}
END_TEST

START_TEST(a_node_gets_25_and_then_five_a_second)
{
	char uid[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(uid, sizeof(uid), "uid-%d", i);
		post(uid, "OutOfRMIDs", "n");
		answer_all(0, 201);
		now += 10;
	}
	ck_assert_uint_ge(creates, 25 + 49);
	ck_assert_uint_le(creates, 25 + 51);
}
END_TEST

START_TEST(what_cannot_be_sent_is_dropped_and_nothing_is_sent_twice)
{
	post("uid-1", "OutOfRMIDs", "n");
	answer_all(-ECONNREFUSED, 0);
	ck_assert_uint_eq(troubles, 1);
	now += 29000;
	post("uid-1", "RMIDsInLimbo", "n");
	ck_assert_uint_eq(creates, 1);
	now += 2000;
	post("uid-1", "RMIDsInLimbo", "n");
	ck_assert_uint_eq(creates, 2);
	answer_all(-EAGAIN, 429);
	ck_assert_uint_eq(troubles, 1);
	now += 31000;
	post("uid-1", "RMIDsInLimbo", "n");
	answer_all(0, 201);
	ck_assert_uint_eq(creates, 3);
	post("uid-1", "Other", "n");
	answer_all(-EIO, 500);
	ck_assert_uint_eq(troubles, 2);
}
END_TEST

START_TEST(retry_after_is_a_floor)
{
	const struct k8s_response r = {
		.rc = -EAGAIN, .http_status = 429, .retry_after_ms = 90000, .body = ""};

	post("uid-1", "OutOfRMIDs", "n");
	answer(&r);
	now += 89000;
	post("uid-1", "OutOfRMIDs", "n");
	ck_assert_uint_eq(creates, 1);
	now += 2000;
	post("uid-1", "OutOfRMIDs", "n");
	ck_assert_uint_eq(creates, 2);
}
END_TEST

START_TEST(missing_rights_are_told_once_and_rest_for_minutes)
{
	post("uid-1", "OutOfRMIDs", "n");
	answer_all(-EACCES, 403);
	for (int i = 0; i < 3600; i++) {
		now += 1000;
		post("uid-1", "OutOfRMIDs", "n");
		answer_all(-EACCES, 403);
	}
	ck_assert_uint_le(creates, 13);
	ck_assert_uint_eq(troubles, 1);
	ck_assert_str_eq(trouble, "no");
}
END_TEST

START_TEST(a_namespace_that_goes_away_is_no_trouble)
{
	const struct k8s_response terminating = {
		.rc = -EACCES, .http_status = 403, .cause = "NamespaceTerminating", .body = ""};
	const struct k8s_response gone = {
		.rc = -ENOENT, .http_status = 404, .kind = "namespaces", .body = ""};

	post("uid-1", "OutOfRMIDs", "n");
	answer(&terminating);
	post("uid-1", "OutOfRMIDs", "n");
	answer(&gone);
	ck_assert_uint_eq(creates, 2);
	ck_assert_uint_eq(troubles, 0);
	post("uid-2", "OutOfRMIDs", "n");
	ck_assert_uint_eq(creates, 3);
}
END_TEST

START_TEST(few_are_under_way_at_once_and_the_end_cancels_them)
{
	char uid[16];

	for (int i = 0; i < 20; i++) {
		snprintf(uid, sizeof(uid), "uid-%d", i);
		post(uid, "OutOfRMIDs", "n");
	}
	ck_assert_uint_eq(nr_calls, 8);
	k = kube_events_free(k);
	ck_assert_uint_eq(cancels, 8);
}
END_TEST

START_TEST(memory_is_bounded)
{
	struct kube_events_stats stats;
	char uid[16];

	for (int i = 0; i < 5000; i++) {
		snprintf(uid, sizeof(uid), "uid-%d", i);
		post(uid, "OutOfRMIDs", "n");
		answer_all(0, 201);
		now += 200;
	}
	kube_events_get_stats(k, &stats);
	ck_assert_uint_eq(stats.pods, 1024);
	ck_assert_uint_eq(creates, 5000);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("Kubernetes Events");
	TCase *t = tcase_create("events");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_event_has_what_the_api_demands);
	tcase_add_test(t, names_and_notes_are_cut_to_what_the_api_takes);
	tcase_add_test(t, the_same_again_raises_the_count);
	tcase_add_test(t, after_six_minutes_it_is_a_new_event);
	tcase_add_test(t, a_series_whose_event_expired_begins_anew);
	tcase_add_test(t, a_pod_gets_25_and_then_one_per_five_minutes);
	tcase_add_test(t, a_node_gets_25_and_then_five_a_second);
	tcase_add_test(t, what_cannot_be_sent_is_dropped_and_nothing_is_sent_twice);
	tcase_add_test(t, retry_after_is_a_floor);
	tcase_add_test(t, missing_rights_are_told_once_and_rest_for_minutes);
	tcase_add_test(t, a_namespace_that_goes_away_is_no_trouble);
	tcase_add_test(t, few_are_under_way_at_once_and_the_end_cancels_them);
	tcase_add_test(t, memory_is_bounded);
	suite_add_tcase(s, t);
	return s;
}
