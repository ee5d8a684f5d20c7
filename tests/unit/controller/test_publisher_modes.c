/* SPDX-License-Identifier: Apache-2.0 */

/* Which pods get an object, and what people are told in Events. */

#include "fake_publisher_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct publisher_config problems = {
	.node_name = WORLD_NODE,
	.mode = PUBLISHER_PROBLEMS,
};

static struct pw *w;

static void setup(void)
{
	w = pw_new(NULL);
	pw_synced(w);
}

static void setup_problems(void)
{
	w = pw_new(&problems);
	pw_synced(w);
}

static void teardown(void)
{
	pw_free(w);
}

static void break_pod(struct pw_pod *pod, const char *reason)
{
	pod->group_state = CORE_GROUP_FAILED;
	pod->reconciled = 0;
	pod->reason = reason;
	pod->message = "because";
	pw_core_changed(w, pod);
}

static void repair(struct pw_pod *pod)
{
	pod->group_state = CORE_GROUP_EXISTS;
	pod->reconciled = pod->total;
	pod->reason = "AllAssigned";
	pod->message = "";
	pw_core_changed(w, pod);
}

/* ---- problems only ---- */

START_TEST(a_pod_without_problems_costs_no_request)
{
	struct pw_pod *pods[100];
	char name[32];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		pods[i] = pw_pod(w, name);
	}
	pw_run(w, 3600000);
	for (int i = 0; i < 100; i++)
		pw_pod_gone(w, pods[i]);
	pw_run(w, 3600000);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(a_pod_in_trouble_has_an_object_until_a_minute_after)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 60000);
	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 3600000);
	ck_assert_str_eq(pw_log(w), "POST PATCH");
	ck_assert_ptr_nonnull(strstr(pw_object(w, "web-0")->status, "OutOfRMIDs"));
	repair(pod);
	pw_run(w, 50000);
	ck_assert_str_eq(pw_log(w), "POST PATCH PATCH");
	ck_assert_ptr_nonnull(strstr(pw_object(w, "web-0")->status, "AllAssigned"));
	pw_run(w, 20000);
	ck_assert_str_eq(pw_log(w), "POST PATCH PATCH DELETE");
	pw_run(w, 3600000);
	ck_assert_str_eq(pw_log(w), "POST PATCH PATCH DELETE");
	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "POST PATCH PATCH DELETE POST PATCH");
}
END_TEST

START_TEST(trouble_that_comes_back_within_the_minute_keeps_the_object)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 10000);
	repair(pod);
	pw_run(w, 50000);
	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 300000);
	ck_assert_uint_eq(w->nr[PUBLISHER_DELETE], 0);
	ck_assert_ptr_nonnull(strstr(pw_object(w, "web-0")->status, "OutOfRMIDs"));
}
END_TEST

START_TEST(trouble_of_a_moment_is_not_published)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	break_pod(pod, "RMIDsInLimbo");
	pw_run(w, 100);
	repair(pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(a_retry_of_a_published_problem_is_answered)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 10000);
	w->retry_repairs = true;
	w->retry_report.groups_tried = w->retry_report.groups_created = 1;
	pw_watch(w, K8S_MODIFIED, "shop", "web-0", "uid-web-0", NULL, "t1");
	pw_run(w, 1000);
	ck_assert_uint_eq(w->retries, 1);
	ck_assert_ptr_nonnull(strstr(pw_object(w, "web-0")->status, "\"token\": \"t1\""));
	pw_run(w, 300000);
	ck_assert_ptr_null(pw_object(w, "web-0"));
	pw_run(w, 300000);
	ck_assert_uint_eq(w->retries, 1);
}
END_TEST

START_TEST(objects_of_a_time_when_all_were_published_go)
{
	struct publisher_config all = {.node_name = WORLD_NODE};
	struct pw_pod *good, *bad;

	pw_restart(w, &all);
	good = pw_pod(w, "good");
	bad = pw_pod(w, "bad");
	break_pod(bad, "OutOfRMIDs");
	pw_synced(w);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->nr_objects, 2);
	pw_restart(w, &problems);
	pw_watch(w, K8S_ADDED, "shop", "good", "uid-good", NULL, NULL);
	pw_watch(w, K8S_ADDED, "shop", "bad", "uid-bad", NULL, NULL);
	pw_synced(w);
	pw_core_changed(w, good);
	pw_core_changed(w, bad);
	pw_run(w, 120000);
	ck_assert_ptr_null(pw_object(w, "good"));
	ck_assert_ptr_nonnull(pw_object(w, "bad"));
	ck_assert_str_eq(pw_log(w), "GET GET DELETE");
}
END_TEST

/* ---- selected ---- */

START_TEST(only_the_named_namespaces_are_published)
{
	static const struct publisher_config some = {.node_name = WORLD_NODE,
						     .namespaces = "bank,shop,x"};
	struct publisher_stats stats;

	pw_restart(w, &some);
	pw_synced(w);
	pw_pod(w, "web-0");
	pw_watch(w, K8S_ADDED, "sho", "a", "uid-a", NULL, NULL);
	pw_core_pod(w, "sho", "a", "uid-a", 1);
	pw_watch(w, K8S_ADDED, "shop2", "b", "uid-b", NULL, NULL);
	pw_core_pod(w, "shop2", "b", "uid-b", 1);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "POST PATCH");
	ck_assert_ptr_nonnull(pw_object(w, "web-0"));
	publisher_get_stats(w->p, &stats);
	ck_assert_uint_eq(stats.api_pods, 1);
}
END_TEST

START_TEST(labels_are_selected_by_the_server)
{
	static const struct publisher_config some = {.node_name = WORLD_NODE,
						     .label_selector = "tier in (web),!batch"};
	struct k8s_watch_spec spec;

	publisher_watch_spec(w->p, &spec);
	ck_assert_ptr_null(spec.label_selector);
	pw_restart(w, &some);
	publisher_watch_spec(w->p, &spec);
	ck_assert_str_eq(spec.label_selector, "tier in (web),!batch");
	ck_assert_str_eq(spec.field_selector, "spec.nodeName=" WORLD_NODE);
}
END_TEST

START_TEST(the_object_of_a_pod_that_leaves_the_selection_goes)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_watch(w, K8S_DELETED, "shop", "web-0", "uid-web-0", NULL, NULL);
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE");
	pw_core_changed(w, pod);
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE");
}
END_TEST

/* ---- what people are told ---- */

START_TEST(a_pod_that_never_had_trouble_is_no_news)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 60000);
	pod->total = 2;
	pod->reason = "Pending";
	pw_core_changed(w, pod);
	pw_run(w, 60000);
	repair(pod);
	pw_run(w, 60000);
	pw_pod_gone(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_transitions(w), "");
}
END_TEST

START_TEST(trouble_and_its_end_are_told_once)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 60000);
	pod->message = "for another reason";
	pw_core_changed(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_transitions(w), "W CreateGroup OutOfRMIDs shop/web-0: "
					    "the pod has no resctrl group: because\n");
	pw_forget(w);
	break_pod(pod, "RMIDsInLimbo");
	pw_run(w, 60000);
	repair(pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_transitions(w), "W CreateGroup RMIDsInLimbo shop/web-0: "
					    "the pod has no resctrl group: because\n"
					    "N AssignTasks AllAssigned shop/web-0: "
					    "all 1 containers are in the resctrl group\n");
}
END_TEST

START_TEST(a_container_that_is_not_placed_is_told)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pod->total = 3;
	pod->reason = "WrongControlGroup";
	pod->message = "task 7 is in 'batch'";
	pw_core_changed(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_transitions(w),
			 "W AssignTasks WrongControlGroup shop/web-0: 1 of 3 containers are in the "
			 "resctrl group: task 7 is in 'batch'\n");
}
END_TEST

START_TEST(a_restart_does_not_tell_again)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 60000);
	pw_restart(w, NULL);
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-web-0", NULL, NULL);
	pw_synced(w);
	pw_core_changed(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "GET");
	ck_assert_str_eq(pw_transitions(w), "");
	repair(pod);
	pw_run(w, 60000);
	ck_assert_ptr_nonnull(strstr(pw_transitions(w), "N AssignTasks AllAssigned"));
}
END_TEST

START_TEST(a_write_that_fails_tells_its_news_once)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	w->fault = (struct pw_fault){.times = 5, .verb = PUBLISHER_PATCH, .rc = -EIO};
	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 600000);
	ck_assert_ptr_nonnull(strstr(pw_object(w, "web-0")->status, "OutOfRMIDs"));
	ck_assert_ptr_nonnull(strstr(pw_transitions(w), "OutOfRMIDs"));
	ck_assert_ptr_null(strchr(strchr(pw_transitions(w), '\n') + 1, '\n'));
}
END_TEST

START_TEST(a_retry_is_told_with_its_outcome)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	break_pod(pod, "OutOfRMIDs");
	pw_run(w, 60000);
	pw_forget(w);
	w->retry_rc = -ENOSPC;
	w->retry_report = (struct core_retry_report){.groups_tried = 1, .errors = 1};
	pw_watch(w, K8S_MODIFIED, "shop", "web-0", "uid-web-0", NULL, "t1");
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 1);
	ck_assert_ptr_nonnull(strstr(pw_transitions(w), "W Retry RetryFailed shop/web-0: "));
	ck_assert_ptr_null(strchr(strchr(pw_transitions(w), '\n') + 1, '\n'));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher: modes and Events");
	TCase *t = tcase_create("problems");

	tcase_add_checked_fixture(t, setup_problems, teardown);
	tcase_add_test(t, a_pod_without_problems_costs_no_request);
	tcase_add_test(t, a_pod_in_trouble_has_an_object_until_a_minute_after);
	tcase_add_test(t, trouble_that_comes_back_within_the_minute_keeps_the_object);
	tcase_add_test(t, trouble_of_a_moment_is_not_published);
	tcase_add_test(t, a_retry_of_a_published_problem_is_answered);
	tcase_add_test(t, objects_of_a_time_when_all_were_published_go);
	suite_add_tcase(s, t);
	t = tcase_create("selected and Events");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, only_the_named_namespaces_are_published);
	tcase_add_test(t, labels_are_selected_by_the_server);
	tcase_add_test(t, the_object_of_a_pod_that_leaves_the_selection_goes);
	tcase_add_test(t, a_pod_that_never_had_trouble_is_no_news);
	tcase_add_test(t, trouble_and_its_end_are_told_once);
	tcase_add_test(t, a_container_that_is_not_placed_is_told);
	tcase_add_test(t, a_restart_does_not_tell_again);
	tcase_add_test(t, a_write_that_fails_tells_its_news_once);
	tcase_add_test(t, a_retry_is_told_with_its_outcome);
	suite_add_tcase(s, t);
	return s;
}
