/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two daemons on one node, for as long as one takes over from the other: both are told of every
 * pod and both publish it.
 */

#include "fake_publisher_world.h"
#include "unit/runner.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS (24 * 3600 * UINT64_C(1000))

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

static void is_published(const char *name, const char *text)
{
	const struct pw_object *o = pw_object(w, name);
	char uid[64];

	snprintf(uid, sizeof(uid), "uid-%s", name);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(o->pod_uid, uid);
	ck_assert_msg(o->status && strstr(o->status, text), "%s", o->status ? o->status : "none");
}

/* Whatever they did, they agree: nobody has anything left to write. */
static void all_is_calm(void)
{
	pw_run(w, 30000);
	pw_forget(w);
	pw_run(w, DAY_MS);
	ck_assert_str_eq(pw_log(w), "");
}

START_TEST(two_daemons_make_one_object_and_agree_on_it)
{
	pw_surge(w, NULL);
	pw_pod(w, "web-0");
	pw_run(w, 10000);
	ck_assert_uint_eq(w->nr_objects, 1);
	is_published("web-0", "AllAssigned");
	ck_assert_msg(w->nr[PUBLISHER_CREATE] + w->nr[PUBLISHER_PATCH] <= 4, "%s", pw_log(w));
	ck_assert_msg(w->nr[PUBLISHER_GET] <= 1, "%s", pw_log(w));
	ck_assert_uint_eq(w->nr[PUBLISHER_DELETE], 0);
	all_is_calm();
}
END_TEST

START_TEST(the_second_daemon_writes_nothing_for_pods_that_are_published)
{
	char name[32];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "web-%d", i);
		pw_pod(w, name);
	}
	pw_run(w, 60000);
	pw_forget(w);
	pw_surge(w, NULL);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->nr[PUBLISHER_GET], 50);
	ck_assert_uint_eq(
		w->nr[PUBLISHER_CREATE] + w->nr[PUBLISHER_PATCH] + w->nr[PUBLISHER_DELETE], 0);
	pw_older_ends(w);
	all_is_calm();
}
END_TEST

START_TEST(a_change_is_written_twice_at_most_and_the_last_state_stays)
{
	struct pw_pod *pod = pw_pod(w, "web-0");

	pw_surge(w, NULL);
	pw_run(w, 10000);
	pw_forget(w);
	pod->total = 3;
	pod->reconciled = 2;
	pod->reason = "Partial";
	pod->message = "one of three";
	pw_core_changed(w, pod);
	pw_run(w, 10000);
	ck_assert_uint_le(w->nr[PUBLISHER_PATCH], 2);
	is_published("web-0", "one of three");
	all_is_calm();
}
END_TEST

START_TEST(both_take_a_pod_that_goes_to_its_end)
{
	struct pw_pod *pod = pw_pod(w, "web-0");
	struct publisher_stats stats;

	pw_surge(w, NULL);
	pw_run(w, 10000);
	pw_forget(w);
	pw_pod_gone(w, pod);
	pw_run(w, 10000);
	ck_assert_ptr_null(pw_object(w, "web-0"));
	ck_assert_uint_le(w->nr[PUBLISHER_DELETE], 2);
	publisher_get_stats(w->p, &stats);
	ck_assert_uint_eq(stats.pods + stats.waiting, 0);
	publisher_get_stats(w->peer, &stats);
	ck_assert_uint_eq(stats.pods + stats.waiting, 0);
	all_is_calm();
}
END_TEST

START_TEST(a_name_reborn_under_two_daemons_gets_one_object)
{
	struct pw_pod *old = pw_pod(w, "web-0");

	pw_surge(w, NULL);
	pw_run(w, 10000);
	pw_pod_gone(w, old);
	pw_watch(w, K8S_ADDED, "shop", "web-0", "uid-new", NULL, NULL);
	pw_core_pod(w, "shop", "web-0", "uid-new", 1);
	pw_run(w, 60000);
	ck_assert_uint_eq(w->nr_objects, 1);
	ck_assert_str_eq(w->objects[0]->pod_uid, "uid-new");
	all_is_calm();
}
END_TEST

START_TEST(a_retry_under_two_daemons_is_answered_and_not_repeated)
{
	pw_pod(w, "web-0");
	pw_surge(w, NULL);
	pw_run(w, 10000);
	pw_watch(w, K8S_MODIFIED, "shop", "web-0", "uid-web-0", NULL, "please");
	pw_run(w, 60000);
	is_published("web-0", "\"please\"");
	ck_assert_uint_le(w->retries, 2);
	pw_older_ends(w);
	all_is_calm();
	ck_assert_uint_eq(w->retries, 0);
}
END_TEST

/* The older one ends with requests under way, at any moment of a pod's first publication. */
START_TEST(the_older_may_end_at_any_moment)
{
	pw_surge(w, NULL);
	pw_pod(w, "web-0");
	pw_run(w, 240 + (uint64_t)_i);
	pw_older_ends(w);
	pw_run(w, 30000);
	ck_assert_uint_eq(w->nr_objects, 1);
	is_published("web-0", "AllAssigned");
	all_is_calm();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher surge");
	TCase *tc = tcase_create("two");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, two_daemons_make_one_object_and_agree_on_it);
	tcase_add_test(tc, the_second_daemon_writes_nothing_for_pods_that_are_published);
	tcase_add_test(tc, a_change_is_written_twice_at_most_and_the_last_state_stays);
	tcase_add_test(tc, both_take_a_pod_that_goes_to_its_end);
	tcase_add_test(tc, a_name_reborn_under_two_daemons_gets_one_object);
	tcase_add_test(tc, a_retry_under_two_daemons_is_answered_and_not_repeated);
	tcase_add_loop_test(tc, the_older_may_end_at_any_moment, 0, 60);
	suite_add_tcase(s, tc);
	return s;
}
