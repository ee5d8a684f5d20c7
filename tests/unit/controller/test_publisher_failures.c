/* SPDX-License-Identifier: Apache-2.0 */

/* An API server that is away, overloaded, or says no. */

#include "fake_publisher_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct pw *w;

static void setup(void)
{
	w = pw_new(NULL);
	pw_synced(w);
}

static void teardown(void)
{
	pw_free(w);
}

static unsigned requests(void)
{
	unsigned n = 0;

	for (int v = 0; v < PUBLISHER_VERB_MAX; v++)
		n += w->nr[v];
	return n;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
		n++;
	return n;
}

/* Notices that tell of something bad. */
static unsigned troubles(void)
{
	const char *text = strbuf_str(&w->notices);

	return count(text, "\n") - count(text, "STATE Publishing");
}

static void published(const char *name)
{
	const struct pw_object *o = pw_object(w, name);

	ck_assert_msg(o && o->status && strstr(o->status, "AllAssigned"), "%s: not published",
		      name);
}

static void fault(int times, enum publisher_verb verb, int rc, int http_status)
{
	w->fault = (struct pw_fault){
		.times = times, .verb = verb, .rc = rc, .http_status = http_status};
}

static const struct {
	const char *name;
	int rc, http_status;
	unsigned most_in_an_hour; /* requests; one pod */
	const char *state;
} outages[] = {
	{"no connection", -ECONNREFUSED, 0, 130, "Unreachable"},
	{"no answer", -ETIMEDOUT, 0, 130, "Unreachable"},
	{"connection dies", -EIO, 0, 130, "Unreachable"},
	{"401", -EPERM, 401, 70, "Unauthorized"},
	{"429", -EAGAIN, 429, 120, "Overloaded"},
	{"503", -EAGAIN, 503, 120, "Overloaded"},
	{"500", -EIO, 500, 70, ""},
	{"403", -EACCES, 403, 20, "Forbidden"},
	{"422", -EINVAL, 422, 20, ""},
	{"413", -E2BIG, 413, 20, ""},
	{"an answer that is none", -EPROTO, 200, 70, ""},
};

START_TEST(an_outage_is_sat_out_with_few_requests_and_two_log_lines)
{
	fault(-1, PUBLISHER_VERB_MAX, outages[_i].rc, outages[_i].http_status);
	pw_pod(w, "web-0");
	pw_run(w, 3600000);
	ck_assert_msg(requests() <= outages[_i].most_in_an_hour, "%s: %u requests",
		      outages[_i].name, requests());
	ck_assert_uint_ge(requests(), 8);
	ck_assert_msg(troubles() <= 1, "%s: %s", outages[_i].name, strbuf_str(&w->notices));
	ck_assert_msg(strstr(strbuf_str(&w->notices), outages[_i].state), "%s: %s",
		      outages[_i].name, strbuf_str(&w->notices));
	w->fault.times = 0;
	pw_run(w, 400000);
	published("web-0");
	ck_assert_uint_le(troubles(), 1);
	if (outages[_i].state[0])
		ck_assert_uint_eq(count(strbuf_str(&w->notices), "STATE Publishing"), 1);
}
END_TEST

START_TEST(what_fails_late_is_as_safe_as_what_fails_early)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pod->reconciled = 0;
	pw_core_changed(w, pod);
	fault(3, PUBLISHER_VERB_MAX, outages[_i].rc, outages[_i].http_status);
	pw_run(w, 900000);
	ck_assert_str_eq(w->fault.times ? "faults left" : "", "");
	ck_assert(strstr(pw_object(w, "web-0")->status, "0\\/1"));
	fault(2, PUBLISHER_DELETE, outages[_i].rc, outages[_i].http_status);
	pw_pod_gone(w, pod);
	pw_run(w, 900000);
	ck_assert_ptr_null(pw_object(w, "web-0"));
}
END_TEST

START_TEST(retry_after_is_a_floor)
{
	fault(1, PUBLISHER_CREATE, -EAGAIN, 429);
	w->fault.retry_after_ms = 17000;
	pw_pod(w, "web-0");
	pw_run(w, 250 + 17000);
	ck_assert_uint_eq(requests(), 1);
	pw_run(w, 100);
	ck_assert_uint_eq(requests(), 3);
	published("web-0");
}
END_TEST

static const uint64_t *throttled(void)
{
	static struct publisher_stats stats;

	publisher_get_stats(w->p, &stats);
	return stats.throttled_ms;
}

START_TEST(time_that_an_overloaded_server_asks_for_is_counted)
{
	fault(1, PUBLISHER_CREATE, -EAGAIN, 429);
	w->fault.retry_after_ms = 17000;
	pw_pod(w, "web-0");
	pw_run(w, 255 + 10000);
	ck_assert_uint_ge(throttled()[PUBLISHER_THROTTLE_SERVER], 9900);
	ck_assert_uint_le(throttled()[PUBLISHER_THROTTLE_SERVER], 10000);
	pw_run(w, 600000);
	published("web-0");
	ck_assert_uint_eq(throttled()[PUBLISHER_THROTTLE_SERVER], 17000);
	ck_assert_uint_eq(throttled()[PUBLISHER_THROTTLE_CLIENT], 0);
}
END_TEST

START_TEST(a_server_that_is_away_is_no_throttle)
{
	fault(3, PUBLISHER_CREATE, -ECONNREFUSED, 0);
	pw_pod(w, "web-0");
	pw_run(w, 600000);
	published("web-0");
	ck_assert_uint_eq(throttled()[PUBLISHER_THROTTLE_SERVER], 0);
	ck_assert_uint_eq(throttled()[PUBLISHER_THROTTLE_CLIENT], 0);
}
END_TEST

START_TEST(after_an_outage_one_request_tries_first)
{
	char name[32];

	fault(-1, PUBLISHER_VERB_MAX, -ECONNREFUSED, 0);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "web-%d", i);
		pw_pod(w, name);
	}
	pw_run(w, 3000);
	w->max_calls = 0;
	pw_run(w, 300000);
	ck_assert_uint_eq(w->max_calls, 1);
	ck_assert_uint_le(requests(), 20);
}
END_TEST

START_TEST(a_created_object_whose_answer_was_lost_is_found_again)
{
	fault(1, PUBLISHER_CREATE, -EIO, 0);
	w->fault.carried_out = true;
	pw_pod(w, "web-0");
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "POST GET PATCH");
	ck_assert_uint_eq(w->nr_objects, 1);
	published("web-0");
}
END_TEST

START_TEST(a_lost_look_up_does_not_read_from_the_cache)
{
	fault(1, PUBLISHER_CREATE, -ETIMEDOUT, 0);
	pw_pod(w, "web-0");
	pw_run(w, 1055 + WORLD_LATENCY - 1);
	ck_assert_str_eq(pw_log(w), "POST GET");
	ck_assert_str_eq(w->last_query, "");
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "POST GET POST PATCH");
}
END_TEST

START_TEST(a_long_outage_with_churn_ends_in_one_write_per_living_pod)
{
	struct pw_pod *pods[110];
	struct publisher_stats stats;
	unsigned n = 0;
	char name[32];

	fault(-1, PUBLISHER_VERB_MAX, -ECONNREFUSED, 0);
	for (int i = 0; i < 110; i++) {
		snprintf(name, sizeof(name), "p-%u", n++);
		pods[i] = pw_pod(w, name);
	}
	/* An hour in which each pod is replaced 36 times, and changes. */
	for (int round = 0; round < 36; round++) {
		for (int i = 0; i < 110; i++) {
			pods[i]->reconciled ^= 1;
			pw_core_changed(w, pods[i]);
			pw_pod_gone(w, pods[i]);
			snprintf(name, sizeof(name), "p-%u", n++);
			pods[i] = pw_pod(w, name);
		}
		pw_run(w, 100000);
		publisher_get_stats(w->p, &stats);
		ck_assert_uint_eq(stats.pods, 110);
		ck_assert_uint_eq(stats.waiting, 110);
		ck_assert_uint_eq(stats.api_pods, 110);
	}
	ck_assert_uint_le(requests(), 130);
	pw_forget(w);
	w->fault.times = 0;
	pw_run(w, 600000);
	ck_assert_uint_eq(w->nr[PUBLISHER_CREATE], 110);
	ck_assert_uint_eq(w->nr[PUBLISHER_PATCH], 110);
	ck_assert_uint_eq(w->nr[PUBLISHER_DELETE], 0);
	ck_assert_uint_eq(w->nr[PUBLISHER_GET], 0);
	ck_assert_uint_eq(w->nr_objects, 110);
}
END_TEST

START_TEST(pods_that_had_objects_before_an_outage_are_cleaned_up_after_it)
{
	struct pw_pod *pods[100];
	char name[32];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		pods[i] = pw_pod(w, name);
	}
	pw_run(w, 100000);
	fault(-1, PUBLISHER_VERB_MAX, -ECONNREFUSED, 0);
	for (int i = 0; i < 100; i++)
		pw_pod_gone(w, pods[i]);
	pw_run(w, 3600000);
	ck_assert_uint_eq(w->nr_objects, 100);
	w->fault.times = 0;
	pw_run(w, 200000);
	ck_assert_uint_eq(w->nr_objects, 0);
}
END_TEST

/* By one request at a time, however many pods wait: the first answer tells enough. */
static void polled_for_an_hour(void)
{
	unsigned before = requests(), at_once;

	for (int i = 0; i < 360; i++) {
		at_once = requests();
		pw_run(w, 10000);
		ck_assert_uint_le(requests() - at_once, 1);
	}
	ck_assert_uint_ge(requests() - before, 30);
}

START_TEST(a_missing_crd_is_polled_and_everything_is_published_when_it_comes)
{
	char name[32];

	w->no_crd = true;
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		pw_pod(w, name);
	}
	pw_run(w, 5000);
	ck_assert(strstr(strbuf_str(&w->notices), "STATE CRDMissing"));
	polled_for_an_hour();
	ck_assert_uint_eq(count(strbuf_str(&w->notices), "\n"), 1);
	w->no_crd = false;
	pw_run(w, 70000);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		published(name);
	}
	ck_assert(strstr(strbuf_str(&w->notices), "STATE Publishing / publishing"));
}
END_TEST

START_TEST(a_crd_that_was_removed_is_polled_for_all_pods_together)
{
	char name[32];

	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		pw_pod(w, name);
	}
	pw_run(w, 10000);
	w->no_crd = true;
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		pw_delete_object(w, name);
	}
	pw_pod(w, "new");
	pw_run(w, 5000);
	ck_assert(strstr(strbuf_str(&w->notices), "STATE CRDMissing"));
	polled_for_an_hour();
	w->no_crd = false;
	pw_run(w, 130000);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		published(name);
	}
}
END_TEST

START_TEST(objects_that_went_with_their_crd_come_back_with_it)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_pod(w, "web-1");
	pw_run(w, 10000);
	w->no_crd = true;
	pw_delete_object(w, "web-0");
	pw_delete_object(w, "web-1");
	pod->message = "changed";
	pw_core_changed(w, pod);
	pw_run(w, 120000);
	w->no_crd = false;
	pw_run(w, 120000);
	published("web-0");
	published("web-1");
}
END_TEST

START_TEST(a_forbidden_verb_rests_for_all_pods_and_is_named_once)
{
	char name[32];

	fault(-1, PUBLISHER_CREATE, -EACCES, 403);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		pw_pod(w, name);
	}
	pw_run(w, 3600000);
	ck_assert_uint_le(requests(), 40);
	ck_assert_uint_eq(count(strbuf_str(&w->notices), "\n"), 1);
	ck_assert(strstr(strbuf_str(&w->notices), "not allowed to create"));
	w->fault.times = 0;
	pw_run(w, 700000);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		published(name);
	}
	ck_assert_uint_eq(count(strbuf_str(&w->notices), "STATE Publishing"), 1);
}
END_TEST

/* Its caches of roles fill in the first seconds. */
START_TEST(a_server_that_came_back_and_forbids_at_first_is_asked_again_soon)
{
	char name[32];

	fault(3, PUBLISHER_VERB_MAX, -ECONNREFUSED, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "web-%d", i);
		pw_pod(w, name);
	}
	while (w->fault.times)
		pw_run(w, 100);
	pw_forget(w);
	fault(-1, PUBLISHER_VERB_MAX, -EACCES, 403);
	pw_run(w, 5000);
	ck_assert_uint_ge(requests(), 1);
	ck_assert_uint_le(requests(), 8);
	w->fault.times = 0;
	pw_run(w, 10000 + 20 * 2 * 200);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "web-%d", i);
		published(name);
	}
}
END_TEST

/* The watch alone may have seen the outage. */
START_TEST(a_watch_that_was_cut_off_tells_that_the_server_was_away)
{
	const struct k8s_watch_state away = {.rc = -ECONNREFUSED, .message = "refused"};
	const struct k8s_watch_state back = {.connected = true};
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 60000);
	publisher_watch_ops.on_state(w->p, &away);
	pw_run(w, 30000);
	publisher_watch_ops.on_state(w->p, &back);
	fault(1, PUBLISHER_PATCH, -EACCES, 403);
	pod->reconciled = 0;
	pw_core_changed(w, pod);
	pw_run(w, 3000);
	ck_assert(strstr(pw_object(w, "web-0")->status, "0\\/1"));
}
END_TEST

START_TEST(one_forbidden_pod_does_not_hold_up_others)
{
	fault(2, PUBLISHER_CREATE, -EACCES, 403);
	pw_pod(w, "web-0");
	pw_run(w, 1000);
	pw_pod(w, "web-1");
	pw_run(w, 500);
	pw_pod(w, "web-2");
	pw_run(w, 500);
	published("web-2");
	pw_run(w, 60000);
	published("web-0");
	published("web-1");
}
END_TEST

START_TEST(a_pod_of_a_namespace_that_goes_away_is_dropped)
{
	fault(-1, PUBLISHER_CREATE, -EACCES, 403);
	w->fault.cause = "NamespaceTerminating";
	pw_pod_gone(w, pw_pod(w, "other"));
	pw_forget(w);
	pw_pod(w, "web-0");
	pw_run(w, 3600000);
	ck_assert_str_eq(pw_log(w), "POST");
	ck_assert_uint_eq(count(strbuf_str(&w->notices), "Forbidden"), 0);
}
END_TEST

START_TEST(a_pod_of_a_namespace_that_is_gone_is_dropped)
{
	fault(-1, PUBLISHER_CREATE, -ENOENT, 404);
	w->fault.kind = "namespaces";
	pw_pod(w, "web-0");
	pw_run(w, 3600000);
	ck_assert_str_eq(pw_log(w), "POST");
	ck_assert_uint_eq(count(strbuf_str(&w->notices), "CRDMissing"), 0);
}
END_TEST

START_TEST(a_status_that_is_refused_is_told_once_and_tried_rarely)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_forget(w);
	fault(-1, PUBLISHER_PATCH, -EINVAL, 422);
	w->fault.message = "status.reason: too long";
	pod->message = "changed";
	pw_core_changed(w, pod);
	pw_run(w, 3600000);
	ck_assert_uint_ge(w->nr[PUBLISHER_PATCH], 10);
	ck_assert_uint_le(w->nr[PUBLISHER_PATCH], 20);
	ck_assert_uint_eq(w->nr[PUBLISHER_CREATE] + w->nr[PUBLISHER_DELETE], 0);
	ck_assert_uint_eq(count(strbuf_str(&w->notices), "\n"), 1);
	ck_assert(strstr(strbuf_str(&w->notices),
			 "REJECTED Publishing shop/web-0 status refused: status.reason: too long"));
}
END_TEST

START_TEST(warnings_are_passed_on_once)
{
	const struct k8s_watch_state down = {.rc = -ECONNREFUSED, .message = "refused"};
	const struct k8s_watch_state up = {.connected = true};

	publisher_watch_ops.on_state(w->p, &down);
	publisher_watch_ops.on_state(w->p, &down);
	publisher_watch_ops.on_state(w->p, &up);
	publisher_watch_ops.on_state(w->p, &up);
	ck_assert_str_eq(strbuf_str(&w->notices), "STATE Unreachable / watching pods: refused\n"
						  "STATE Publishing / publishing again\n");
}
END_TEST

START_TEST(requests_under_way_are_cancelled_at_the_end)
{
	pw_pod(w, "web-0");
	pw_pod(w, "web-1");
	pw_run(w, 252);
	ck_assert_uint_eq(w->nr_calls, 2);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher failures");
	TCase *t = tcase_create("failures");
	int n = (int)(sizeof(outages) / sizeof(outages[0]));

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, an_outage_is_sat_out_with_few_requests_and_two_log_lines, 0, n);
	tcase_add_loop_test(t, what_fails_late_is_as_safe_as_what_fails_early, 0, n);
	tcase_add_test(t, retry_after_is_a_floor);
	tcase_add_test(t, time_that_an_overloaded_server_asks_for_is_counted);
	tcase_add_test(t, a_server_that_is_away_is_no_throttle);
	tcase_add_test(t, after_an_outage_one_request_tries_first);
	tcase_add_test(t, a_created_object_whose_answer_was_lost_is_found_again);
	tcase_add_test(t, a_lost_look_up_does_not_read_from_the_cache);
	tcase_add_test(t, a_long_outage_with_churn_ends_in_one_write_per_living_pod);
	tcase_add_test(t, pods_that_had_objects_before_an_outage_are_cleaned_up_after_it);
	tcase_add_test(t, a_missing_crd_is_polled_and_everything_is_published_when_it_comes);
	tcase_add_test(t, a_crd_that_was_removed_is_polled_for_all_pods_together);
	tcase_add_test(t, objects_that_went_with_their_crd_come_back_with_it);
	tcase_add_test(t, a_forbidden_verb_rests_for_all_pods_and_is_named_once);
	tcase_add_test(t, a_server_that_came_back_and_forbids_at_first_is_asked_again_soon);
	tcase_add_test(t, a_watch_that_was_cut_off_tells_that_the_server_was_away);
	tcase_add_test(t, one_forbidden_pod_does_not_hold_up_others);
	tcase_add_test(t, a_pod_of_a_namespace_that_goes_away_is_dropped);
	tcase_add_test(t, a_pod_of_a_namespace_that_is_gone_is_dropped);
	tcase_add_test(t, a_status_that_is_refused_is_told_once_and_tried_rarely);
	tcase_add_test(t, warnings_are_passed_on_once);
	tcase_add_test(t, requests_under_way_are_cancelled_at_the_end);
	suite_add_tcase(s, t);
	return s;
}
