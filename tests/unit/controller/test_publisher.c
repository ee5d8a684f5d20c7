/* SPDX-License-Identifier: Apache-2.0 */

/* The ordinary life of pods, with an API server in good health. */

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

static void has_status(const char *name, const char *text)
{
	const struct pw_object *o = pw_object(w, name);

	ck_assert_msg(o && o->status && strstr(o->status, text), "%s has no %s: %s", name, text,
		      o && o->status ? o->status : "none");
}

START_TEST(a_normal_pod_costs_three_writes_in_its_life)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 60000);
	has_status("web-0", "\"reason\": \"AllAssigned\"");
	has_status("web-0", "\"containersReady\": \"1\\/1\"");
	pw_pod_gone(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE");
	ck_assert_ptr_null(pw_object(w, "web-0"));
}
END_TEST

START_TEST(a_pod_whose_containers_start_one_after_the_other_costs_three_writes)
{
	struct pw_pod *pod;

	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-web-0", NULL, NULL);
	pod = pw_core_pod(w, "shop", "web-0", "uid-web-0", 0);
	for (unsigned i = 1; i <= 4; i++) {
		pw_run(w, 200);
		pod->total = pod->reconciled = i;
		pod->reason = "AllAssigned";
		pw_core_changed(w, pod);
	}
	pw_run(w, 60000);
	has_status("web-0", "\"containersReady\": \"4\\/4\"");
	pw_pod_gone(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE");
}
END_TEST

START_TEST(the_object_carries_identity_and_owner)
{
	const struct pw_object *o;

	pw_pod(w, "web-0");
	pw_run(w, 10000);
	o = pw_object(w, "web-0");
	ck_assert_str_eq(o->namespace_, "shop");
	ck_assert_str_eq(o->pod_uid, "uid-web-0");
	ck_assert_str_eq(o->owner_uid, "uid-web-0");
	ck_assert_str_eq(o->node_name, WORLD_NODE);
	ck_assert_str_eq(w->last_query, "fieldManager=podresctrld");
}
END_TEST

START_TEST(an_idle_day_writes_nothing)
{
	for (int i = 0; i < 10; i++) {
		char name[32];

		snprintf(name, sizeof(name), "web-%d", i);
		pw_pod(w, name);
	}
	pw_run(w, 60000);
	pw_forget(w);
	pw_run(w, 24 * 3600000ull);
	ck_assert_str_eq(pw_log(w), "");
	ck_assert_uint_eq(publisher_next_ms(w->p), UINT64_MAX);
}
END_TEST

START_TEST(a_change_that_leaves_the_status_as_it_was_is_not_written)
{
	struct pw_pod *pod = pw_pod(w, "web-0");
	struct publisher_stats stats;

	pw_run(w, 10000);
	pw_forget(w);
	pw_core_changed(w, pod);
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "");
	publisher_get_stats(w->p, &stats);
	ck_assert_uint_ge(stats.suppressed, 1);
}
END_TEST

START_TEST(a_hundred_changes_at_once_become_one_write_of_the_last)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 60000);
	pw_forget(w);
	for (unsigned i = 1; i <= 100; i++) {
		pod->total = pod->reconciled = i % 7 + 1;
		pw_core_changed(w, pod);
		pw_run(w, 1);
	}
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "PATCH");
	has_status("web-0", "\"containersReady\": \"3\\/3\"");
}
END_TEST

START_TEST(a_pod_that_changes_all_the_time_is_written_every_five_seconds_at_most)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_forget(w);
	for (unsigned i = 0; i < 600; i++) {
		pod->total = pod->reconciled = i % 7 + 1;
		pw_core_changed(w, pod);
		pw_run(w, 100);
	}
	ck_assert_uint_ge(w->nr[PUBLISHER_PATCH], 11);
	ck_assert_uint_le(w->nr[PUBLISHER_PATCH], 15);
}
END_TEST

/* Kubelet starts it again after 10 s, 20 s and so on up to 5 min, and keeps one dead container. */
static void crash_loop(struct pw_pod *pod, uint64_t ms)
{
	uint64_t end = w->now_ms + ms, pause_ms = 10000;

	for (; w->now_ms < end; pause_ms = pause_ms < 150000 ? pause_ms * 2 : 300000) {
		pod->total = pod->reconciled = 3;
		pw_core_changed(w, pod);
		pw_run(w, 5000);
		pod->total = pod->reconciled = 2;
		pw_core_changed(w, pod);
		pw_run(w, pause_ms);
	}
}

START_TEST(a_pod_that_crashes_all_the_time_costs_five_writes_in_an_hour)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pod->container = "app";
	crash_loop(pod, 3600000);
	ck_assert_uint_le(w->nr[PUBLISHER_CREATE] + w->nr[PUBLISHER_PATCH], 5);
	ck_assert_uint_ge(w->nr[PUBLISHER_PATCH], 3);
	pw_forget(w);
	crash_loop(pod, 24 * UINT64_C(3600000));
	ck_assert_uint_le(w->nr[PUBLISHER_PATCH], 25);
	/* And in the end the object has the last state. */
	pw_run(w, 3600000);
	has_status("web-0", "2\\/2");
}
END_TEST

START_TEST(trouble_of_a_pod_that_crashes_all_the_time_is_written_at_once)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pod->container = "app";
	crash_loop(pod, 7200000);
	pod->reconciled = 1;
	pod->reason = "Partial";
	pw_core_changed(w, pod);
	pw_run(w, 6000);
	has_status("web-0", "1\\/2");
	pod->reconciled = 2;
	pod->reason = "AllAssigned";
	pw_core_changed(w, pod);
	pw_run(w, 6000);
	has_status("web-0", "2\\/2");
	/* A container of another name is news as well. */
	pod->container = "debugger";
	pod->total = pod->reconciled = 3;
	pw_core_changed(w, pod);
	pw_run(w, 6000);
	has_status("web-0", "3\\/3");
}
END_TEST

START_TEST(a_transition_time_stays_while_the_status_does)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 3600000);
	pod->total = pod->reconciled = 2;
	pw_core_changed(w, pod);
	pw_run(w, 10000);
	has_status("web-0", "2\\/2");
	has_status("web-0", "\"Ready\", \"status\": \"True\", \"lastTransitionTime\": "
			    "\"2025-11-20T01:10:00Z\"");
}
END_TEST

START_TEST(a_pod_that_lives_less_than_the_settling_time_has_no_object)
{
	struct pw_pod *pod = pw_pod(w, "job-0");

	pw_run(w, 200);
	pw_pod_gone(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(a_failed_group_is_told_at_once_and_its_recovery_too)
{
	struct pw_pod *pod;

	pw_watch(w, K8S_ADDED, "shop", "web-1", "uid-web-1", NULL, NULL);
	pod = pw_core_pod(w, "shop", "web-1", "uid-web-1", 0);
	pod->group_state = CORE_GROUP_FAILED;
	pod->reason = "OutOfRMIDs";
	pw_run(w, 300);
	ck_assert_str_eq(pw_log(w), "POST PATCH");
	has_status("web-1", "\"groupState\": \"Failed\"");
	has_status("web-1", "\"reason\": \"OutOfRMIDs\"");
	pod->group_state = CORE_GROUP_EXISTS;
	pod->reason = "Pending";
	pw_core_changed(w, pod);
	pw_run(w, 5000);
	has_status("web-1", "\"groupState\": \"Exists\"");
	ck_assert_uint_eq(w->nr[PUBLISHER_PATCH], 2);
}
END_TEST

START_TEST(a_detail_that_changed_without_an_event_is_written)
{
	struct pw_pod *pod = pw_pod(w, "web-0");
	struct core_notice notice = {
		.kind = CORE_NOTICE_DETAIL_CHANGED,
		.pod_uid = "uid-web-0",
		.container_id = "",
		.reason = "",
		.text = "",
	};

	pw_run(w, 10000);
	pw_forget(w);
	pod->message = "another one";
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "");
	publisher_on_core_notice(w->p, w->now_ms, &notice);
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "PATCH");
	has_status("web-0", "another one");
}
END_TEST

START_TEST(placement_that_is_under_way_is_waited_for)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pod->queued = true;
	pod->reconciled = 0;
	pw_run(w, 5000);
	ck_assert_str_eq(pw_log(w), "");
	pod->queued = false; /* no event tells of it */
	pod->reconciled = 1;
	pw_run(w, 1000);
	ck_assert_str_eq(pw_log(w), "POST PATCH");
	has_status("web-0", "AllAssigned");
}
END_TEST

START_TEST(placement_that_does_not_end_is_published_as_it_stands)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pod->queued = true;
	pod->reason = "Pending";
	pod->reconciled = 0;
	pw_run(w, 11000);
	ck_assert_str_eq(pw_log(w), "POST PATCH");
	has_status("web-0", "\"status\": \"Unknown\"");
}
END_TEST

START_TEST(a_pod_is_published_only_when_the_watch_shows_it)
{
	struct pw_pod *pod = pw_core_pod(w, "shop", "web-0", "uid-web-0", 1);

	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "");
	/* Another pod of the same name is not this one. */
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-other", NULL, NULL);
	pw_core_changed(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "");
	pw_watch(w, K8S_DELETED, "shop", "web-0", "uid-other", NULL, NULL);
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-web-0", NULL, NULL);
	pw_run(w, 100);
	ck_assert_str_eq(pw_log(w), "POST PATCH");
}
END_TEST

START_TEST(a_pod_in_deletion_gets_no_object_any_more)
{
	pw_pod(w, "web-0");
	pw_watch_deleting(w, "shop", "web-0", "uid-web-0");
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(the_object_goes_when_the_pod_is_deleted_in_the_api_first)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_watch(w, K8S_DELETED, "shop", "web-0", "uid-web-0", NULL, NULL);
	pw_run(w, 1000);
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE");
	pw_core_changed(w, pod);
	pw_core_removed(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE");
}
END_TEST

START_TEST(a_pod_that_goes_while_its_object_is_made_leaves_none_behind)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 250 + WORLD_LATENCY - 1);
	ck_assert_str_eq(pw_log(w), "POST");
	pw_pod_gone(w, pod);
	pw_run(w, 1000);
	ck_assert_str_eq(pw_log(w), "POST DELETE");
	ck_assert_ptr_null(pw_object(w, "web-0"));
}
END_TEST

START_TEST(a_pod_that_comes_back_under_its_uid_is_published_again)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_core_removed(w, pod);
	pw_run(w, 2); /* the deletion is under way */
	pw_core_pod(w, "shop", "web-0", "uid-web-0", 1);
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE POST PATCH");
}
END_TEST

START_TEST(a_restart_adopts_what_is_unchanged_without_a_write)
{
	struct pw_pod *pods[3];
	char name[32];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "web-%d", i);
		pods[i] = pw_pod(w, name);
	}
	pw_run(w, 10000);
	pw_restart(w, NULL);
	pw_run(w, 3600000);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "uid-web-%d", i);
		pw_watch(w, K8S_ADDED, "shop", name + 4, name, NULL, NULL);
		pw_core_changed(w, pods[i]);
	}
	pw_synced(w);
	pods[1]->reconciled = 0;
	pw_run(w, 60000);
	ck_assert_uint_eq(w->nr[PUBLISHER_GET], 3);
	ck_assert_uint_eq(w->nr[PUBLISHER_CREATE], 0);
	ck_assert_uint_eq(w->nr[PUBLISHER_PATCH], 1);
	has_status("web-1", "\"containersReady\": \"0\\/1\"");
	has_status("web-1", "T01:10:00Z"); /* GroupCreated is as old as before */
	pw_pod_gone(w, pods[0]);
	pw_run(w, 1000);
	ck_assert_ptr_null(pw_object(w, "web-0"));
}
END_TEST

START_TEST(a_restart_reads_from_the_servers_cache)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_restart(w, NULL);
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-web-0", NULL, NULL);
	pw_core_changed(w, pod);
	pw_run(w, 1000);
	ck_assert_str_eq(pw_log(w), "GET");
	ck_assert_str_eq(w->last_query, "resourceVersion=0");
}
END_TEST

START_TEST(writes_keep_to_their_rate)
{
	char name[32];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "web-%d", i);
		pw_pod(w, name);
	}
	pw_run(w, 1000);
	/* The burst of 20, and 5 a second. */
	ck_assert_uint_ge(w->nr[PUBLISHER_CREATE] + w->nr[PUBLISHER_PATCH], 22);
	ck_assert_uint_le(w->nr[PUBLISHER_CREATE] + w->nr[PUBLISHER_PATCH], 26);
	ck_assert_uint_le(w->max_calls, 2);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->nr[PUBLISHER_CREATE], 100);
	ck_assert_uint_eq(w->nr[PUBLISHER_PATCH], 100);
	ck_assert_uint_eq(w->max_calls, 2);
}
END_TEST

START_TEST(time_that_writes_wait_for_the_rate_is_counted)
{
	struct publisher_stats stats;
	char name[32];

	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "web-%d", i);
		pw_pod(w, name);
	}
	/* Also what still goes on: 60 requests, a burst of 20, and 5 a second. */
	pw_run(w, 4000);
	publisher_get_stats(w->p, &stats);
	ck_assert_uint_ge(stats.throttled_ms[PUBLISHER_THROTTLE_CLIENT], 3400);
	ck_assert_uint_le(stats.throttled_ms[PUBLISHER_THROTTLE_CLIENT], 4000);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->nr[PUBLISHER_PATCH], 30);
	publisher_get_stats(w->p, &stats);
	ck_assert_uint_ge(stats.throttled_ms[PUBLISHER_THROTTLE_CLIENT], 7000);
	ck_assert_uint_le(stats.throttled_ms[PUBLISHER_THROTTLE_CLIENT], 8000);
	ck_assert_uint_eq(stats.throttled_ms[PUBLISHER_THROTTLE_SERVER], 0);
	/* A write that finds a token waits for nothing. */
	pw_pod(w, "late");
	pw_run(w, 10000);
	ck_assert_uint_eq(w->nr[PUBLISHER_PATCH], 31);
	publisher_get_stats(w->p, &stats);
	ck_assert_uint_le(stats.throttled_ms[PUBLISHER_THROTTLE_CLIENT], 8000);
}
END_TEST

START_TEST(the_first_request_waits_for_the_start_jitter)
{
	const struct publisher_config config = {.node_name = WORLD_NODE, .start_jitter_ms = 9999};

	w->random = 7000;
	pw_restart(w, &config);
	pw_pod(w, "web-0");
	pw_run(w, 6999);
	ck_assert_str_eq(pw_log(w), "");
	pw_run(w, 2);
	ck_assert_str_eq(pw_log(w), "GET");
}
END_TEST

START_TEST(simulated_resctrl_is_said_plainly)
{
	const struct publisher_config config = {.node_name = WORLD_NODE, .simulated = true};

	pw_restart(w, &config);
	pw_pod(w, "web-0");
	pw_run(w, 1000);
	has_status("web-0", "(simulated resctrl)");
	has_status("web-0", "simulated:");
}
END_TEST

START_TEST(a_node_without_a_name_is_refused)
{
	const struct publisher_config config = {.node_name = ""};
	const struct publisher_deps deps = {0};
	struct publisher *p = NULL;
	struct err e;

	ck_assert_int_eq(publisher_new(&config, &deps, &p, &e), -EINVAL);
	ck_assert_ptr_null(p);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher");
	TCase *t = tcase_create("life");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_normal_pod_costs_three_writes_in_its_life);
	tcase_add_test(t, a_pod_whose_containers_start_one_after_the_other_costs_three_writes);
	tcase_add_test(t, the_object_carries_identity_and_owner);
	tcase_add_test(t, an_idle_day_writes_nothing);
	tcase_add_test(t, a_change_that_leaves_the_status_as_it_was_is_not_written);
	tcase_add_test(t, a_hundred_changes_at_once_become_one_write_of_the_last);
	tcase_add_test(t, a_pod_that_changes_all_the_time_is_written_every_five_seconds_at_most);
	tcase_add_test(t, a_pod_that_crashes_all_the_time_costs_five_writes_in_an_hour);
	tcase_add_test(t, trouble_of_a_pod_that_crashes_all_the_time_is_written_at_once);
	tcase_add_test(t, a_transition_time_stays_while_the_status_does);
	tcase_add_test(t, a_pod_that_lives_less_than_the_settling_time_has_no_object);
	tcase_add_test(t, a_failed_group_is_told_at_once_and_its_recovery_too);
	tcase_add_test(t, a_detail_that_changed_without_an_event_is_written);
	tcase_add_test(t, placement_that_is_under_way_is_waited_for);
	tcase_add_test(t, placement_that_does_not_end_is_published_as_it_stands);
	tcase_add_test(t, a_pod_is_published_only_when_the_watch_shows_it);
	tcase_add_test(t, a_pod_in_deletion_gets_no_object_any_more);
	tcase_add_test(t, the_object_goes_when_the_pod_is_deleted_in_the_api_first);
	tcase_add_test(t, a_pod_that_goes_while_its_object_is_made_leaves_none_behind);
	tcase_add_test(t, a_pod_that_comes_back_under_its_uid_is_published_again);
	tcase_add_test(t, a_restart_adopts_what_is_unchanged_without_a_write);
	tcase_add_test(t, a_restart_reads_from_the_servers_cache);
	tcase_add_test(t, writes_keep_to_their_rate);
	tcase_add_test(t, time_that_writes_wait_for_the_rate_is_counted);
	tcase_add_test(t, the_first_request_waits_for_the_start_jitter);
	tcase_add_test(t, simulated_resctrl_is_said_plainly);
	tcase_add_test(t, a_node_without_a_name_is_refused);
	suite_add_tcase(s, t);
	return s;
}
