/* SPDX-License-Identifier: Apache-2.0 */

/* A daemon without the right to read pods (--pod-watch=off). */

#include "fake_publisher_world.h"
#include "unit/runner.h"

#include <stdio.h>
#include <string.h>

#define HOUR_MS (3600 * UINT64_C(1000))

static const struct publisher_config config = {.node_name = WORLD_NODE, .no_pod_watch = true};

static struct pw *w;

static void setup(void)
{
	w = pw_new(&config);
}

static void teardown(void)
{
	pw_free(w);
}

static struct pw_pod *pod(const char *name, const char *uid)
{
	return pw_core_pod(w, "shop", name, uid, 1);
}

static void belongs_to(const char *name, const char *pod_uid)
{
	const struct pw_object *o = pw_object(w, name);

	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(o->pod_uid, pod_uid);
	ck_assert_str_eq(o->owner_uid, pod_uid);
	ck_assert_msg(o->status && strstr(o->status, "AllAssigned"), "no status");
}

static void break_pod(struct pw_pod *p)
{
	p->group_state = CORE_GROUP_FAILED;
	p->reconciled = 0;
	p->reason = "OutOfRMIDs";
	p->message = "none left";
	pw_core_changed(w, p);
}

START_TEST(a_pod_is_published_as_the_runtime_tells_of_it)
{
	struct publisher_stats stats;
	struct pw_pod *p = pod("web-0", "uid-1");

	publisher_get_stats(w->p, &stats);
	ck_assert(stats.watch_synced);
	pw_run(w, 10000);
	belongs_to("web-0", "uid-1");
	ck_assert_str_eq(pw_log(w), "GET POST PATCH");
	pw_core_removed(w, p);
	pw_run(w, 10000);
	ck_assert_ptr_null(pw_object(w, "web-0"));
	ck_assert_str_eq(pw_log(w), "GET POST PATCH DELETE");
}
END_TEST

START_TEST(a_pod_that_is_well_is_never_looked_at_again)
{
	pod("web-0", "uid-1");
	pw_run(w, 10000);
	pw_forget(w);
	pw_run(w, 24 * HOUR_MS);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(a_static_pod_is_not_published)
{
	pod("etcd-n1", "0123456789abcdef0123456789abcdef");
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(only_the_named_namespaces_are_published)
{
	struct publisher_config some = config;

	some.namespaces = "bank";
	pw_restart(w, &some);
	pod("web-0", "uid-1");
	pw_core_pod(w, "bank", "till-0", "uid-2", 1);
	pw_run(w, 10000);
	ck_assert_ptr_null(pw_object(w, "web-0"));
	belongs_to("till-0", "uid-2");
}
END_TEST

/* The sandbox of the one before is removed a while after its successor began. */
START_TEST(the_younger_of_two_pods_has_the_name)
{
	struct pw_pod *old = pod("web-0", "uid-old");

	pw_run(w, 10000);
	pod("web-0", "uid-new");
	pw_run(w, 10000);
	belongs_to("web-0", "uid-new");
	old->reconciled = 0;
	pw_core_changed(w, old);
	pw_run(w, 10000);
	belongs_to("web-0", "uid-new");
	pw_core_removed(w, old);
	pw_run(w, 10000);
	belongs_to("web-0", "uid-new");
	pw_forget(w);
	pw_run(w, HOUR_MS);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(the_older_has_it_again_when_the_younger_goes_first)
{
	struct pw_pod *young;

	pod("web-0", "uid-old");
	pw_run(w, 10000);
	young = pod("web-0", "uid-new");
	pw_run(w, 10000);
	pw_core_removed(w, young);
	pw_run(w, 10000);
	belongs_to("web-0", "uid-old");
}
END_TEST

/* What Synchronize lists has no order of age; the object tells whose the name was last. */
START_TEST(after_a_restart_the_object_tells_which_of_two_is_the_younger)
{
	pw_add_object(w, "shop", "web-0", "uid-new", WORLD_NODE);
	pod("web-0", "uid-new");
	pod("web-0", "uid-old");
	pw_run(w, 60000);
	ck_assert_str_eq(w->objects[0]->pod_uid, "uid-new");
	ck_assert_uint_eq(w->nr_objects, 1);
	ck_assert_uint_eq(w->nr[PUBLISHER_DELETE], 0);
	pw_forget(w);
	pw_run(w, HOUR_MS);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(an_object_of_another_node_is_left_alone)
{
	pw_add_object(w, "shop", "web-0", "uid-elsewhere", "n2");
	pod("web-0", "uid-1");
	pw_run(w, HOUR_MS);
	ck_assert_str_eq(w->objects[0]->pod_uid, "uid-elsewhere");
	ck_assert_uint_eq(
		w->nr[PUBLISHER_CREATE] + w->nr[PUBLISHER_PATCH] + w->nr[PUBLISHER_DELETE], 0);
}
END_TEST

START_TEST(a_retry_is_asked_for_on_the_object_of_a_pod_in_trouble)
{
	struct pw_pod *p = pod("web-0", "uid-1");

	break_pod(p);
	pw_run(w, 10000);
	pw_object(w, "web-0")->retry = "please";
	w->retry_repairs = true;
	w->retry_report = (struct core_retry_report){.groups_tried = 1, .groups_created = 1};
	pw_run(w, 32000);
	ck_assert_uint_eq(w->retries, 1);
	ck_assert_ptr_nonnull(strstr(pw_object(w, "web-0")->status, "\"please\""));
	ck_assert_ptr_nonnull(strstr(pw_object(w, "web-0")->status, "Succeeded"));
	pw_forget(w);
	pw_run(w, HOUR_MS);
	ck_assert_str_eq(pw_log(w), "");
}
END_TEST

START_TEST(a_retry_that_failed_is_not_repeated_and_a_new_token_is_heard)
{
	struct pw_pod *p = pod("web-0", "uid-1");

	break_pod(p);
	pw_run(w, 10000);
	pw_object(w, "web-0")->retry = "one";
	pw_run(w, HOUR_MS);
	ck_assert_uint_eq(w->retries, 1);
	pw_object(w, "web-0")->retry = "two";
	pw_run(w, 60000);
	ck_assert_uint_eq(w->retries, 2);
	ck_assert_ptr_nonnull(strstr(pw_object(w, "web-0")->status, "\"two\""));
}
END_TEST

START_TEST(a_request_made_while_the_daemon_was_down_is_honoured_once)
{
	struct pw_pod *p = pod("web-0", "uid-1");

	break_pod(p);
	pw_run(w, 10000);
	pw_object(w, "web-0")->retry = "while-down";
	for (int i = 0; i < 2; i++) {
		pw_restart(w, &config);
		pw_core_changed(w, p);
		pw_run(w, 60000);
		ck_assert_uint_eq(w->retries, i == 0);
	}
}
END_TEST

START_TEST(looking_at_a_pod_in_trouble_costs_two_small_requests_a_minute)
{
	break_pod(pod("web-0", "uid-1"));
	pw_run(w, 10000);
	pw_forget(w);
	pw_run(w, HOUR_MS);
	ck_assert_uint_eq(w->nr[PUBLISHER_GET], 120);
	ck_assert_str_eq(w->last_query, "resourceVersion=0");
	ck_assert_uint_eq(
		w->nr[PUBLISHER_CREATE] + w->nr[PUBLISHER_PATCH] + w->nr[PUBLISHER_DELETE], 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher without a pod watch");
	TCase *t = tcase_create("no watch");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_pod_is_published_as_the_runtime_tells_of_it);
	tcase_add_test(t, a_pod_that_is_well_is_never_looked_at_again);
	tcase_add_test(t, a_static_pod_is_not_published);
	tcase_add_test(t, only_the_named_namespaces_are_published);
	tcase_add_test(t, the_younger_of_two_pods_has_the_name);
	tcase_add_test(t, the_older_has_it_again_when_the_younger_goes_first);
	tcase_add_test(t, after_a_restart_the_object_tells_which_of_two_is_the_younger);
	tcase_add_test(t, an_object_of_another_node_is_left_alone);
	tcase_add_test(t, a_retry_is_asked_for_on_the_object_of_a_pod_in_trouble);
	tcase_add_test(t, a_retry_that_failed_is_not_repeated_and_a_new_token_is_heard);
	tcase_add_test(t, a_request_made_while_the_daemon_was_down_is_honoured_once);
	tcase_add_test(t, looking_at_a_pod_in_trouble_costs_two_small_requests_a_minute);
	suite_add_tcase(s, t);
	return s;
}
