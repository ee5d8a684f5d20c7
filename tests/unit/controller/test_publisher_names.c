/* SPDX-License-Identifier: Apache-2.0 */

/* Names that are used again, static pods, and objects that others touched. */

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

static void belongs_to(const char *name, const char *pod_uid)
{
	const struct pw_object *o = pw_object(w, name);

	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(o->pod_uid, pod_uid);
	ck_assert_str_eq(o->owner_uid, pod_uid);
	ck_assert_msg(o->status && strstr(o->status, "AllAssigned"), "no status");
}

START_TEST(a_name_reborn_on_this_node_gets_an_object_of_its_own)
{
	struct pw_pod *old = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_pod_gone(w, old);
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-new", NULL, NULL);
	pw_core_pod(w, "shop", "web-0", "uid-new", 1);
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE POST PATCH");
	belongs_to("web-0", "uid-new");
}
END_TEST

START_TEST(an_object_left_over_from_an_earlier_pod_of_this_node_is_replaced)
{
	pw_add_object(w, "shop", "web-0", "uid-dead", WORLD_NODE);
	pw_pod(w, "web-0");
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "POST GET DELETE POST PATCH");
	belongs_to("web-0", "uid-web-0");
}
END_TEST

/* It may be another pod's by then. A server that tells no version gives nothing to know it by. */
START_TEST(an_object_that_was_in_the_way_stays_once_nobody_wants_its_name)
{
	struct pw_object *o = pw_add_object(w, "shop", "web-0", "uid-dead", WORLD_NODE);
	struct pw_pod *pod;

	if (_i == 1)
		o->version[0] = '\0';
	pod = pw_pod(w, "web-0");
	w->fault = (struct pw_fault){.times = 1, .verb = PUBLISHER_DELETE, .rc = -EIO};
	while (!w->nr[PUBLISHER_DELETE])
		pw_run(w, 10);
	pw_pod_gone(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "POST GET DELETE");
	ck_assert_str_eq(pw_object(w, "web-0")->pod_uid, "uid-dead");
}
END_TEST

START_TEST(an_object_of_another_node_is_waited_for_and_told_of_after_a_minute)
{
	pw_add_object(w, "shop", "web-0", "uid-elsewhere", "n2");
	pw_pod(w, "web-0");
	pw_run(w, 59000);
	ck_assert_uint_eq(w->nr[PUBLISHER_DELETE], 0);
	ck_assert_uint_le(w->nr[PUBLISHER_GET], 10);
	ck_assert_ptr_null(strstr(strbuf_str(&w->notices), "NAME_TAKEN"));
	pw_run(w, 3600000);
	ck_assert_uint_eq(w->nr[PUBLISHER_DELETE], 0);
	ck_assert_uint_eq(w->nr[PUBLISHER_CREATE], 1);
	ck_assert_uint_le(w->nr[PUBLISHER_GET], 130);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&w->notices),
				     "NAME_TAKEN Publishing shop/web-0 the object of this name "
				     "belongs to node: n2\n"));
	ck_assert_ptr_null(strstr(strstr(strbuf_str(&w->notices), "NAME_TAKEN") + 1, "NAME_TAKEN"));
	pw_delete_object(w, "web-0");
	pw_run(w, 31000);
	belongs_to("web-0", "uid-web-0");
}
END_TEST

START_TEST(an_object_of_another_node_outlives_a_pod_of_ours_that_goes)
{
	pw_add_object(w, "shop", "web-0", "uid-elsewhere", "n2");
	pw_pod_gone(w, pw_pod(w, "web-0"));
	pw_run(w, 60000);
	ck_assert_uint_eq(w->nr[PUBLISHER_DELETE], 0);
	ck_assert_ptr_nonnull(pw_object(w, "web-0"));
}
END_TEST

START_TEST(an_object_with_our_pods_uid_but_another_node_is_not_touched)
{
	pw_add_object(w, "shop", "web-0", "uid-web-0", "n2");
	pw_pod(w, "web-0");
	pw_run(w, 10000);
	ck_assert_uint_eq(w->nr[PUBLISHER_PATCH] + w->nr[PUBLISHER_DELETE], 0);
}
END_TEST

START_TEST(an_object_of_ours_that_was_not_expected_is_adopted)
{
	struct pw_object *o = pw_add_object(w, "shop", "web-0", "uid-web-0", WORLD_NODE);

	snprintf(o->owner_uid, sizeof(o->owner_uid), "uid-web-0");
	pw_pod(w, "web-0");
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "POST GET PATCH");
	belongs_to("web-0", "uid-web-0");
}
END_TEST

START_TEST(a_late_write_cannot_reach_an_object_that_took_over_the_name)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_forget(w);
	/* Another node's pod has the name now, and our watch has not heard of it yet. */
	pw_delete_object(w, "web-0");
	pw_add_object(w, "shop", "web-0", "uid-elsewhere", "n2");
	pod->message = "changed";
	pw_core_changed(w, pod);
	pw_run(w, 500);
	ck_assert_str_eq(pw_log(w), "PATCH GET");
	pw_pod_gone(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "PATCH GET");
	ck_assert_ptr_null(pw_object(w, "web-0")->status);
}
END_TEST

START_TEST(a_removed_object_is_made_again_but_not_in_a_race)
{
	struct pw_pod *pod = pw_pod(w, "web-0");
	uint64_t since;

	pw_run(w, 10000);
	pw_forget(w);
	for (int i = 0; i < 4; i++) {
		since = w->now_ms;
		pw_delete_object(w, "web-0");
		pod->total = pod->reconciled = (unsigned)(i % 2 + 2);
		pw_core_changed(w, pod);
		while (!pw_object(w, "web-0"))
			pw_run(w, 1000);
		ck_assert_uint_ge(w->now_ms - since, 10000ull << i);
		pw_run(w, 100);
		ck_assert_uint_eq(w->nr[PUBLISHER_CREATE], (unsigned)i + 1);
	}
}
END_TEST

START_TEST(an_object_that_the_garbage_collector_took_with_its_pod_is_not_made_again)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_run(w, 10000);
	pw_forget(w);
	pw_delete_object(w, "web-0");
	pod->message = "changed";
	pw_core_changed(w, pod);
	pw_run(w, 1000);
	pw_pod_gone(w, pod);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "PATCH");
}
END_TEST

START_TEST(a_static_pod_is_published_under_the_uid_of_its_mirror)
{
	pw_core_pod(w, "kube-system", "etcd-n1", "0123abcd", 1);
	pw_run(w, 10000);
	ck_assert_str_eq(pw_log(w), "");
	pw_watch(w, K8S_ADDED, "kube-system", "etcd-n1", "uid-mirror", "0123abcd", NULL);
	pw_run(w, 10000);
	belongs_to("etcd-n1", "uid-mirror");
	ck_assert_str_eq(pw_log(w), "POST PATCH");
}
END_TEST

START_TEST(a_mirror_that_is_made_anew_gets_a_new_object)
{
	pw_watch(w, K8S_ADDED, "kube-system", "etcd-n1", "uid-1", "0123abcd", NULL);
	pw_core_pod(w, "kube-system", "etcd-n1", "0123abcd", 1);
	pw_run(w, 10000);
	pw_watch(w, K8S_DELETED, "kube-system", "etcd-n1", "uid-1", NULL, NULL);
	pw_run(w, 1000);
	ck_assert_ptr_null(pw_object(w, "etcd-n1"));
	pw_watch(w, K8S_ADDED, "kube-system", "etcd-n1", "uid-2", "0123abcd", NULL);
	pw_run(w, 10000);
	belongs_to("etcd-n1", "uid-2");
	/* The same with no time between the two. */
	pw_watch(w, K8S_DELETED, "kube-system", "etcd-n1", "uid-2", NULL, NULL);
	pw_watch(w, K8S_ADDED, "kube-system", "etcd-n1", "uid-3", "0123abcd", NULL);
	pw_run(w, 10000);
	belongs_to("etcd-n1", "uid-3");
	ck_assert_str_eq(pw_log(w), "POST PATCH DELETE POST PATCH DELETE POST PATCH");
}
END_TEST

START_TEST(a_pod_that_claims_to_be_the_mirror_of_another_gets_nothing)
{
	pw_watch(w, K8S_ADDED, "evil", "web-0", "uid-evil", "uid-victim", "now");
	pw_core_pod(w, "shop", "victim", "uid-victim", 1);
	pw_run(w, 60000);
	ck_assert_str_eq(pw_log(w), "");
	ck_assert_uint_eq(w->retries, 0);
}
END_TEST

START_TEST(names_are_escaped_in_paths)
{
	pw_watch(w, K8S_ADDED, "shop", "a%2f..?x", "uid-1", NULL, NULL);
	pw_core_pod(w, "shop", "a%2f..?x", "uid-1", 1);
	pw_run(w, 10000);
	/* The world does not unescape: it looks for the object under the escaped name. */
	ck_assert_uint_ge(w->nr[PUBLISHER_PATCH], 1);
	ck_assert_ptr_nonnull(pw_object(w, "a%2f..?x"));
	ck_assert_ptr_null(pw_object(w, "a%2f..?x")->status);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher names");
	TCase *t = tcase_create("names");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_name_reborn_on_this_node_gets_an_object_of_its_own);
	tcase_add_test(t, an_object_left_over_from_an_earlier_pod_of_this_node_is_replaced);
	tcase_add_loop_test(t, an_object_that_was_in_the_way_stays_once_nobody_wants_its_name, 0,
			    2);
	tcase_add_test(t, an_object_of_another_node_is_waited_for_and_told_of_after_a_minute);
	tcase_add_test(t, an_object_of_another_node_outlives_a_pod_of_ours_that_goes);
	tcase_add_test(t, an_object_with_our_pods_uid_but_another_node_is_not_touched);
	tcase_add_test(t, an_object_of_ours_that_was_not_expected_is_adopted);
	tcase_add_test(t, a_late_write_cannot_reach_an_object_that_took_over_the_name);
	tcase_add_test(t, a_removed_object_is_made_again_but_not_in_a_race);
	tcase_add_test(t, an_object_that_the_garbage_collector_took_with_its_pod_is_not_made_again);
	tcase_add_test(t, a_static_pod_is_published_under_the_uid_of_its_mirror);
	tcase_add_test(t, a_mirror_that_is_made_anew_gets_a_new_object);
	tcase_add_test(t, a_pod_that_claims_to_be_the_mirror_of_another_gets_nothing);
	tcase_add_test(t, names_are_escaped_in_paths);
	suite_add_tcase(s, t);
	return s;
}
