/* SPDX-License-Identifier: Apache-2.0 */

/* The retry annotation, from the pod to status.lastRetry. */

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

static bool has(const char *name, const char *text)
{
	const struct pw_object *o = pw_object(w, name);

	return o && o->status && strstr(o->status, text);
}

#define assert_status(name, text)                                     \
	ck_assert_msg(has(name, text), "%s: no %s in %s", name, text, \
		      pw_object(w, name) ? pw_object(w, name)->status : "nothing")

static void annotate(const char *name, const char *token)
{
	char uid[64];

	snprintf(uid, sizeof(uid), "uid-%s", name);
	pw_watch(w, K8S_MODIFIED, "shop", name, uid, NULL, token);
}

/* A pod without a group, published as such. */
static struct pw_pod *failed_pod(const char *name)
{
	struct pw_pod *pod = pw_pod(w, name);

	pod->group_state = CORE_GROUP_FAILED;
	pod->reconciled = 0;
	pod->reason = "OutOfRMIDs";
	pod->message = "no RMID is free";
	pw_run(w, 10000);
	assert_status(name, "OutOfRMIDs");
	pw_forget(w);
	return pod;
}

START_TEST(the_annotation_is_answered_in_well_under_100_ms_with_one_write)
{
	failed_pod("web-1");
	w->retry_report = (struct core_retry_report){.groups_tried = 1,
						     .groups_created = 1,
						     .containers_tried = 1,
						     .containers_reconciled = 1};
	w->retry_repairs = true;
	annotate("web-1", "2026-11-20T18:00:00Z");
	pw_run(w, 2 * WORLD_LATENCY);
	ck_assert_str_eq(pw_log(w), "PATCH");
	ck_assert_uint_eq(w->retries, 1);
	assert_status("web-1", "\"token\": \"2026-11-20T18:00:00Z\"");
	assert_status("web-1", "\"result\": \"Succeeded\", \"reason\": \"AllAssigned\"");
	assert_status("web-1", "\"groupState\": \"Exists\"");
	ck_assert_ptr_nonnull(strstr(strbuf_str(&w->notices),
				     "HANDLED Publishing shop/web-1 Succeeded (AllAssigned)\n"));
	pw_run(w, 3600000);
	ck_assert_str_eq(pw_log(w), "PATCH");
	ck_assert_uint_eq(w->retries, 1);
}
END_TEST

START_TEST(an_attempt_that_takes_long_is_recorded_when_it_is_complete)
{
	failed_pod("web-1");
	w->retry_report =
		(struct core_retry_report){.containers_tried = 1, .containers_reconciled = 1};
	w->retry_repairs = w->retry_is_long = true;
	annotate("web-1", "first");
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "");
	w->retry_is_long = false;
	pw_run(w, 1000);
	ck_assert_str_eq(pw_log(w), "PATCH");
	assert_status("web-1", "\"token\": \"first\"");
	assert_status("web-1", "\"result\": \"Succeeded\", \"reason\": \"AllAssigned\"");
	ck_assert_uint_eq(w->retries, 1);
}
END_TEST

/* What was asked for later may be meant for what was looked at already. */
START_TEST(a_token_that_comes_during_an_attempt_is_another_attempt)
{
	failed_pod("web-1");
	w->retry_is_long = true;
	annotate("web-1", "first");
	pw_run(w, 2000);
	annotate("web-1", "second");
	pw_run(w, 500);
	ck_assert_uint_eq(w->retries, 1);
	w->retry_is_long = false;
	pw_run(w, 1000);
	assert_status("web-1", "\"token\": \"first\"");
	pw_run(w, 20000);
	assert_status("web-1", "\"token\": \"second\"");
	ck_assert_uint_eq(w->retries, 2);
}
END_TEST

START_TEST(a_pod_that_goes_during_an_attempt_leaves_nothing)
{
	struct pw_pod *pod = failed_pod("web-1");

	w->retry_is_long = true;
	annotate("web-1", "first");
	pw_run(w, 2000);
	pw_core_removed(w, pod);
	pw_watch(w, K8S_DELETED, "shop", "web-1", "uid-web-1", NULL, NULL);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "DELETE");
}
END_TEST

START_TEST(an_attempt_that_fails_is_recorded_as_well)
{
	failed_pod("web-1");
	w->retry_report = (struct core_retry_report){.groups_tried = 1, .errors = 1};
	err_set(&w->retry_report.first_error, -ENOSPC, "mkdir: no \"space\"");
	annotate("web-1", "1");
	pw_run(w, 1000);
	ck_assert_str_eq(pw_log(w), "PATCH");
	assert_status("web-1", "\"result\": \"Failed\", \"reason\": \"OutOfRMIDs\"");
	assert_status("web-1", "mkdir: no \\\"space\\\"");
}
END_TEST

START_TEST(nothing_to_do_is_an_answer_too)
{
	pw_pod(w, "web-0");
	pw_run(w, 10000);
	pw_forget(w);
	annotate("web-0", "1");
	pw_run(w, 100);
	ck_assert_str_eq(pw_log(w), "PATCH");
	assert_status("web-0", "\"result\": \"NothingToDo\"");
}
END_TEST

START_TEST(a_token_from_before_the_object_counts_as_handled)
{
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-web-0", NULL, "template");
	pw_core_pod(w, "shop", "web-0", "uid-web-0", 1);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 0);
	ck_assert_str_eq(pw_log(w), "POST PATCH");
	assert_status("web-0", "\"token\": \"template\"");
	assert_status("web-0", "\"result\": \"NothingToDo\", \"reason\": \"PresentAtCreation\"");
	annotate("web-0", "template");
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 0);
	annotate("web-0", "asked for");
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 1);
	ck_assert_str_eq(pw_log(w), "POST PATCH PATCH");
}
END_TEST

START_TEST(a_token_that_changed_before_the_object_was_made_is_a_request)
{
	w->fault = (struct pw_fault){.times = -1, .verb = PUBLISHER_CREATE, .rc = -ECONNREFUSED};
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-web-0", NULL, "template");
	pw_core_pod(w, "shop", "web-0", "uid-web-0", 1);
	pw_run(w, 20000);
	annotate("web-0", "asked for");
	pw_run(w, 20000);
	ck_assert_uint_eq(w->retries, 1);
	w->fault.times = 0;
	pw_run(w, 60000);
	assert_status("web-0", "\"token\": \"asked for\"");
}
END_TEST

START_TEST(a_request_made_while_the_daemon_was_down_is_honoured_once)
{
	struct pw_pod *pod = failed_pod("web-1");

	annotate("web-1", "one");
	pw_run(w, 10000);
	pw_restart(w, NULL);
	pw_watch(w, K8S_ADDED, "shop", "web-1", "uid-web-1", NULL, "two");
	pw_core_changed(w, pod);
	pw_synced(w);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 1);
	ck_assert_str_eq(pw_log(w), "GET PATCH");
	assert_status("web-1", "\"token\": \"two\"");
	pw_restart(w, NULL);
	pw_watch(w, K8S_ADDED, "shop", "web-1", "uid-web-1", NULL, "two");
	pw_core_changed(w, pod);
	pw_synced(w);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 0);
	ck_assert_str_eq(pw_log(w), "GET");
}
END_TEST

START_TEST(a_token_in_front_of_a_daemon_that_never_ran_here_is_not_a_request)
{
	pw_restart(w, NULL);
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-web-0", NULL, "old");
	pw_core_pod(w, "shop", "web-0", "uid-web-0", 1);
	pw_synced(w);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 0);
	ck_assert_str_eq(pw_log(w), "GET POST PATCH");
}
END_TEST

START_TEST(two_tokens_in_quick_succession_are_two_attempts_five_seconds_apart)
{
	failed_pod("web-1");
	annotate("web-1", "1");
	pw_run(w, 50);
	ck_assert_uint_eq(w->retries, 1);
	annotate("web-1", "2");
	annotate("web-1", "3");
	pw_run(w, 4900);
	ck_assert_uint_eq(w->retries, 1);
	pw_run(w, 100);
	ck_assert_uint_eq(w->retries, 2);
	assert_status("web-1", "\"token\": \"3\"");
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 2);
	ck_assert_str_eq(pw_log(w), "PATCH PATCH");
}
END_TEST

START_TEST(a_token_that_is_taken_back_is_not_acted_on)
{
	failed_pod("web-1");
	annotate("web-1", "1");
	pw_run(w, 50);
	annotate("web-1", "2");
	annotate("web-1", NULL);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 1);
	assert_status("web-1", "\"token\": \"1\"");
}
END_TEST

START_TEST(a_token_that_comes_while_a_write_is_under_way_is_written_after_it)
{
	struct pw_pod *pod = failed_pod("web-1");

	pod->message = "changed";
	pw_core_changed(w, pod);
	pw_run(w, 252);
	ck_assert_str_eq(pw_log(w), "PATCH");
	annotate("web-1", "1");
	pw_run(w, 2 * WORLD_LATENCY + 1);
	ck_assert_str_eq(pw_log(w), "PATCH PATCH");
	ck_assert_uint_eq(w->retries, 1);
	assert_status("web-1", "\"token\": \"1\"");
}
END_TEST

static const char *const bad_tokens[] = {"", "\xc3\xa4", "a\nb", "\x7f", NULL /* 10 kB */};

START_TEST(what_is_no_token_is_rejected_once_and_nothing_is_tried)
{
	char big[10241];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	failed_pod("web-1");
	annotate("web-1", bad_tokens[_i] ? bad_tokens[_i] : big);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "PATCH");
	ck_assert_uint_eq(w->retries, 0);
	assert_status("web-1", "\"token\": \"invalid:");
	assert_status("web-1", "\"result\": \"Rejected\", \"reason\": \"InvalidToken\"");
	ck_assert_uint_lt(strlen(pw_object(w, "web-1")->status), 2048);
}
END_TEST

START_TEST(a_pod_that_goes_during_its_attempt_is_let_go)
{
	/* The core knows it no more, although it was never told removed. */
	struct pw_pod *pod = failed_pod("web-1");
	struct pw_pod copy = *pod;

	annotate("web-1", "1");
	pw_core_removed(w, pod);
	pw_run(w, 1000);
	ck_assert_uint_eq(w->retries, 0);
	pw_watch(w, K8S_DELETED, "shop", copy.name, copy.uid, NULL, NULL);
	pw_run(w, 1000);
	ck_assert_str_eq(pw_log(w), "DELETE");
}
END_TEST

START_TEST(many_tokens_at_once_are_worked_off_ten_a_second)
{
	char name[32];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		pw_pod(w, name);
	}
	pw_run(w, 60000);
	pw_forget(w);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		annotate(name, "all");
	}
	pw_run(w, 1000);
	ck_assert_uint_ge(w->retries, 19);
	ck_assert_uint_le(w->retries, 21);
	pw_run(w, 30000);
	ck_assert_uint_eq(w->retries, 50);
	ck_assert_uint_eq(w->nr[PUBLISHER_PATCH], 50);
}
END_TEST

START_TEST(an_outcome_survives_an_outage)
{
	failed_pod("web-1");
	w->fault = (struct pw_fault){.times = -1, .verb = PUBLISHER_VERB_MAX, .rc = -ECONNREFUSED};
	annotate("web-1", "1");
	pw_run(w, 600000);
	ck_assert_uint_eq(w->retries, 1);
	w->fault.times = 0;
	pw_run(w, 60000);
	assert_status("web-1", "\"token\": \"1\"");
	ck_assert_uint_eq(w->retries, 1);
}
END_TEST

/* A status that was refused has the object read anew, with the outcome from before. */
START_TEST(an_older_outcome_does_not_replace_one_that_is_not_written_yet)
{
	failed_pod("web-1");
	annotate("web-1", "1");
	pw_run(w, 10000);
	assert_status("web-1", "\"token\": \"1\"");
	w->fault = (struct pw_fault){.times = 1, .verb = PUBLISHER_PATCH, .rc = -EINVAL};
	annotate("web-1", "2");
	pw_run(w, 120000);
	ck_assert_uint_eq(w->retries, 2);
	ck_assert_uint_ge(w->nr[PUBLISHER_GET], 1);
	assert_status("web-1", "\"token\": \"2\"");
}
END_TEST

START_TEST(an_outcome_survives_the_removal_of_the_object)
{
	failed_pod("web-1");
	annotate("web-1", "1");
	pw_run(w, 10000);
	pw_delete_object(w, "web-1");
	annotate("web-1", "2");
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 2);
	assert_status("web-1", "\"token\": \"2\"");
}
END_TEST

START_TEST(a_cached_404_does_not_cost_a_request_that_was_made_while_the_daemon_was_down)
{
	struct pw_pod *pod = failed_pod("web-1");

	annotate("web-1", "one");
	pw_run(w, 10000);
	pw_restart(w, NULL);
	pw_watch(w, K8S_ADDED, "shop", "web-1", "uid-web-1", NULL, "two");
	pw_core_changed(w, pod);
	pw_synced(w);
	w->fault = (struct pw_fault){
		.times = 1, .verb = PUBLISHER_GET, .rc = -ENOENT, .http_status = 404};
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "GET POST GET PATCH");
	ck_assert_uint_eq(w->retries, 1);
	assert_status("web-1", "\"token\": \"two\"");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher retry");
	TCase *t = tcase_create("retry");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_annotation_is_answered_in_well_under_100_ms_with_one_write);
	tcase_add_test(t, an_attempt_that_takes_long_is_recorded_when_it_is_complete);
	tcase_add_test(t, a_token_that_comes_during_an_attempt_is_another_attempt);
	tcase_add_test(t, a_pod_that_goes_during_an_attempt_leaves_nothing);
	tcase_add_test(t, an_attempt_that_fails_is_recorded_as_well);
	tcase_add_test(t, nothing_to_do_is_an_answer_too);
	tcase_add_test(t, a_token_from_before_the_object_counts_as_handled);
	tcase_add_test(t, a_token_that_changed_before_the_object_was_made_is_a_request);
	tcase_add_test(t, a_request_made_while_the_daemon_was_down_is_honoured_once);
	tcase_add_test(t, a_token_in_front_of_a_daemon_that_never_ran_here_is_not_a_request);
	tcase_add_test(t, two_tokens_in_quick_succession_are_two_attempts_five_seconds_apart);
	tcase_add_test(t, a_token_that_is_taken_back_is_not_acted_on);
	tcase_add_test(t, a_token_that_comes_while_a_write_is_under_way_is_written_after_it);
	tcase_add_loop_test(t, what_is_no_token_is_rejected_once_and_nothing_is_tried, 0, 5);
	tcase_add_test(t, a_pod_that_goes_during_its_attempt_is_let_go);
	tcase_add_test(t, many_tokens_at_once_are_worked_off_ten_a_second);
	tcase_add_test(t, an_outcome_survives_an_outage);
	tcase_add_test(t, an_older_outcome_does_not_replace_one_that_is_not_written_yet);
	tcase_add_test(t, an_outcome_survives_the_removal_of_the_object);
	tcase_add_test(
		t, a_cached_404_does_not_cost_a_request_that_was_made_while_the_daemon_was_down);
	suite_add_tcase(s, t);
	return s;
}
