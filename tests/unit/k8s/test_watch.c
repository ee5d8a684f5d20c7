/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/k8s/story.h"
#include "unit/runner.h"

#include <errno.h>

/* ---- the good days ---- */

START_TEST(a_list_comes_first_and_then_the_changes)
{
	add("a");
	fake_api_add_pod(l.api, "default", "elsewhere", NULL, "n2", NULL);
	start();
	expect("+a * ");
	add("b");
	fake_api_annotate_pod(l.api, "default", "a", "retry", "1");
	fake_api_annotate_pod(l.api, "default", "elsewhere", "retry", "1");
	expect("+a * +b ~a ");
	ck_assert_str_eq(story.retry, "1");
	fake_api_delete_pod(l.api, "default", "a");
	expect("+a * +b ~a ~a -a ");
	ck_assert_uint_eq(lists(), 1);
	ck_assert_uint_eq(watches(), 1);
	ck_assert_int_eq(story.nr_up, 1);
	ck_assert_int_eq(story.nr_down, 0);
	ck_assert_uint_eq(stats().objects, 1);
	/* The first list is none again. */
	expect_relist(K8S_RELIST_MAX);
}
END_TEST

START_TEST(the_requests_are_what_the_api_wants)
{
	start();
	loop_until(&l, lists() == 1);
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api),
				     "GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn1&"
				     "resourceVersion=0 HTTP/1.1"));
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "as=PartialObjectMetadataList"));
	loop_until(&l, watches() == 1);
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "watch=1&"));
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "allowWatchBookmarks=true"));
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "resourceVersion=1002&"));
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "timeoutSeconds=300 "));
	ck_assert_ptr_null(strstr(fake_api_last_head(l.api), "Accept-Encoding"));
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "v=v1,application/json\r\n"));
}
END_TEST

START_TEST(the_story_is_the_same_byte_by_byte)
{
	add("a");
	fake_api_set_write_max(l.api, 1);
	start();
	expect("+a * ");
	add("b");
	fake_api_delete_pod(l.api, "default", "b");
	expect("+a * +b ~b -b ");
}
END_TEST

static void on_answer(void *ctx, const struct k8s_response *r)
{
	ck_assert_int_eq(r->rc, 0);
	*(bool *)ctx = true;
}

START_TEST(requests_do_not_wait_behind_the_watch)
{
	struct k8s_request req = {.path = "/api/v1/namespaces/default"};
	bool answered = false;

	start_and_watch();
	ck_assert_int_eq(k8s_request(l.client, &req, on_answer, &answered, NULL, NULL), 0);
	loop_until(&l, answered);
	ck_assert_uint_eq(fake_api_nr_watches(l.api), 1);
	ck_assert_uint_eq(watches(), 1);
}
END_TEST

START_TEST(a_server_that_sends_whole_objects_will_do)
{
	static const char list[] =
		"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1002\"},\"items\":"
		"[{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\",\"uid\":\"u\","
		"\"resourceVersion\":\"5\"},\"spec\":{\"x\":[1,2,3]}}]}";

	fake_api_add_fault(l.api, &(struct fake_api_fault){.kind = FAKE_API_ANSWER,
							   .verb = "list",
							   .status = 200,
							   .body = list});
	start();
	expect("+a * ");
}
END_TEST

START_TEST(pages_are_followed)
{
	static const char first[] =
		"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1001\",\"continue\":\"a "
		"b\"},\"items\":[{\"metadata\":{\"name\":\"p1\",\"namespace\":\"default\",\"uid\":"
		"\"u\",\"resourceVersion\":\"5\"}}]}";

	add("a");
	fake_api_add_fault(l.api, &(struct fake_api_fault){.kind = FAKE_API_ANSWER,
							   .verb = "list",
							   .times = 1,
							   .status = 200,
							   .body = first});
	start();
	loop_until(&l, lists() == 2);
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "limit=500&continue=a%20b "));
	expect("+p1 +a * ");
}
END_TEST

START_TEST(a_clean_end_is_followed_by_a_new_watch_and_no_list)
{
	start_and_watch();
	add("a");
	expect("* +a ");
	loop_advance(&l, 2000);
	l.random = 400;
	fake_api_watch_end(l.api);
	loop_until(&l, fake_api_nr_watches(l.api) == 0);
	loop_idle(&l);
	loop_advance(&l, 300);
	loop_until(&l, watches() == 2);
	add("b");
	expect("* +a +b ");
	ck_assert_uint_eq(lists(), 1);
	ck_assert_int_eq(story.nr_down, 0);
}
END_TEST

START_TEST(a_cut_connection_resumes_where_it_was)
{
	start_and_watch();
	add("a");
	expect("* +a ");
	fake_api_watch_cut(l.api);
	loop_until(&l, story.nr_down == 1);
	ck_assert_int_eq(story.rc, -EIO);
	add("b");
	loop_advance(&l, 1700);
	loop_until(&l, watches() == 2);
	expect("* +a +b ");
	ck_assert_uint_eq(lists(), 1);
	ck_assert_int_eq(story.nr_up, 2);
}
END_TEST

START_TEST(bookmarks_move_the_version_along)
{
	start_and_watch();
	/* Changes elsewhere that this watch never sees. */
	for (int i = 0; i < 5; i++)
		fake_api_add_pod(l.api, "default", i % 2 ? "x" : "y", NULL, "n2", NULL);
	loop_advance(&l, 61000);
	loop_until(&l, stats().bookmarks == 1);
	fake_api_compact(l.api);
	fake_api_watch_end(l.api);
	loop_advance(&l, 1000);
	loop_until(&l, watches() == 2);
	loop_idle(&l);
	ck_assert_uint_eq(lists(), 1);
	ck_assert_uint_eq(stats().expired, 0);
}
END_TEST

/* ---- expired, deleted meanwhile ---- */

START_TEST(an_expired_version_leads_to_a_list_that_finds_what_was_missed)
{
	add("a");
	add("b");
	start();
	expect("+a +b * ");
	loop_until(&l, fake_api_nr_watches(l.api) == 1);
	fake_api_watch_cut(l.api);
	loop_until(&l, story.nr_down == 1);
	fake_api_delete_pod(l.api, "default", "a");
	add("c");
	fake_api_annotate_pod(l.api, "default", "b", "retry", "2");
	fake_api_compact(l.api);
	loop_advance(&l, 20000);
	loop_until(&l, stats().expired == 1);
	expect("+a +b * ~b +c -a * ");
	ck_assert_uint_eq(lists(), 2);
	ck_assert_uint_eq(stats().objects, 2);
	expect_relist(K8S_RELIST_EXPIRED);
}
END_TEST

static const char expired_frame[] =
	"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"reason\":\"Expired\","
	"\"message\":\"too old\",\"code\":410}}\n";

START_TEST(an_expiry_after_a_while_lists_again_after_a_little_jitter)
{
	start_and_watch();
	loop_advance(&l, 6000);
	l.random = 600;
	fake_api_watch_send(l.api, expired_frame, strlen(expired_frame));
	loop_until(&l, stats().expired == 1);
	loop_idle(&l);
	ck_assert_uint_eq(lists(), 1);
	ck_assert_int_eq(story.nr_down, 0);
	loop_advance(&l, 500);
	loop_until(&l, stats().lists == 2);
}
END_TEST

START_TEST(expiries_in_a_row_are_slowed_down)
{
	start_and_watch();
	fake_api_watch_send(l.api, expired_frame, strlen(expired_frame));
	loop_until(&l, story.nr_down == 1);
	ck_assert_int_eq(story.rc, -ESTALE);
	ck_assert_uint_eq(story.retry_in_ms, 800);
	loop_advance(&l, 800);
	loop_until(&l, stats().lists == 2 && fake_api_nr_watches(l.api) == 1);
	fake_api_watch_send(l.api, expired_frame, strlen(expired_frame));
	loop_until(&l, story.nr_down == 2);
	ck_assert_uint_eq(story.retry_in_ms, 1600);
}
END_TEST

START_TEST(the_list_after_an_expiry_is_not_older_than_what_was_seen)
{
	start_and_watch();
	add("a");
	expect("* +a ");
	fake_api_watch_cut(l.api);
	fake_api_add_pod(l.api, "default", "x", NULL, "n2", NULL);
	fake_api_compact(l.api);
	loop_advance(&l, 20000);
	loop_until(&l, lists() == 2);
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "&resourceVersion=1003 "));
	/* Nothing changed, so nothing is told. */
	expect("* +a * ");
}
END_TEST

START_TEST(a_successor_of_the_same_name_is_another_object)
{
	add("a");
	start();
	expect("+a * ");
	loop_until(&l, fake_api_nr_watches(l.api) == 1);
	fake_api_watch_cut(l.api);
	loop_until(&l, story.nr_down == 1);
	fake_api_delete(l.api, "pods", "default", "a");
	add("a");
	fake_api_compact(l.api);
	loop_advance(&l, 20000);
	expect("+a * -a +a * ");
}
END_TEST

START_TEST(a_restored_etcd_is_noticed_by_silence)
{
	start_and_watch();
	add("a");
	expect("* +a ");
	/* The server's versions start again far below ours. */
	fake_api_set_version(l.api, 500);
	fake_api_watch_end(l.api);
	for (int i = 0; i < 3 && stats().lists < 2; i++) {
		loop_idle(&l);
		loop_advance(&l, 181000);
		loop_idle(&l);
	}
	/* Long before the list that is due now and then anyway. */
	ck_assert_uint_eq(stats().silences, 2);
	loop_advance(&l, 2000);
	/* "Not older than" our version fails, so the newest is asked for. */
	loop_until(&l, stats().lists == 2);
	expect_relist(K8S_RELIST_SILENCE);
	loop_until(&l, fake_api_nr_watches(l.api) == 1);
	add("b");
	loop_until(&l, strstr(story.text, "+b"));
}
END_TEST

START_TEST(now_and_then_all_is_listed_again)
{
	start_and_watch();
	for (int i = 0; i < 16 && lists() < 2; i++) {
		loop_advance(&l, 59000);
		loop_idle(&l);
	}
	ck_assert_uint_eq(lists(), 2);
	ck_assert_int_eq(story.nr_down, 0);
	loop_until(&l, stats().lists == 2);
	expect_relist(K8S_RELIST_PERIODIC);
}
END_TEST

START_TEST(a_list_can_be_asked_for)
{
	start_and_watch();
	k8s_watch_relist(w);
	loop_until(&l, stats().lists == 2);
	loop_until(&l, watches() == 2);
	expect("* * ");
	expect_relist(K8S_RELIST_ASKED);
}
END_TEST

START_TEST(a_list_that_fails_keeps_the_reason_it_was_wanted_for)
{
	start_and_watch();
	fake_api_watch_cut(l.api);
	loop_until(&l, story.nr_down == 1);
	k8s_watch_relist(w);
	fake_api_add_fault(l.api, &(struct fake_api_fault){.kind = FAKE_API_ANSWER,
							   .verb = "list",
							   .times = 1,
							   .status = 500,
							   .body = "{}"});
	loop_advance(&l, 2000);
	loop_until(&l, story.nr_down == 2);
	loop_advance(&l, 5000);
	loop_until(&l, stats().lists == 2);
	expect_relist(K8S_RELIST_ASKED);
}
END_TEST

/* ---- the end ---- */

START_TEST(a_freed_watch_is_never_heard_of)
{
	start_and_watch();
	w = k8s_watch_free(w);
	add("a");
	loop_idle(&l);
	ck_assert_str_eq(story.text, "* ");
	loop_until(&l, fake_api_nr_watches(l.api) == 0);
}
END_TEST

START_TEST(a_client_may_be_freed_with_a_watch_in_any_phase)
{
	for (int i = 0; i < 40; i++) {
		char *kubeconfig;

		start();
		for (int j = 0; j < i; j++)
			loop_turn(&l);
		l.client = k8s_client_free(l.client);
		ck_assert_uint_eq(l.nr, 0);
		ck_assert_int_eq(l.due_ms, -1);
		k8s_config_free(l.cfg);
		kubeconfig = fake_api_kubeconfig(l.api);
		loop_open_config(&l, kubeconfig);
		free(kubeconfig);
	}
}
END_TEST

static int free_at, nr_calls;
static bool free_all;

static void free_now(void)
{
	if (++nr_calls != free_at)
		return;
	if (free_all)
		l.client = k8s_client_free(l.client);
	else
		w = k8s_watch_free(w);
}

static void object_then_free(void *ctx, enum k8s_event_type type, const struct k8s_object_meta *m)
{
	(void)ctx;
	(void)type;
	(void)m;
	free_now();
}

static void synced_then_free(void *ctx)
{
	(void)ctx;
	free_now();
}

static void state_then_free(void *ctx, const struct k8s_watch_state *state)
{
	(void)ctx;
	(void)state;
	free_now();
}

START_TEST(any_callback_may_free_the_watch_or_the_client)
{
	static const struct k8s_watch_ops freeing = {
		.on_object = object_then_free,
		.on_synced = synced_then_free,
		.on_state = state_then_free,
	};
	struct err e;

	/* Two ADDED, state, synced, ADDED, MODIFIED, DELETED, state. */
	free_at = 1 + _i / 2;
	free_all = _i % 2;
	nr_calls = 0;
	add("a");
	add("b");
	ck_assert_int_eq(k8s_watch_new(l.client, &spec, &freeing, NULL, &w, &e), 0);
	loop_until(&l, !w || !l.client || fake_api_nr_watches(l.api) == 1);
	add("c");
	fake_api_delete_pod(l.api, "default", "c");
	loop_until(&l, !w || !l.client || nr_calls == 7);
	fake_api_watch_cut(l.api);
	loop_until(&l, !w || !l.client);
	loop_idle(&l);
	ck_assert_int_eq(nr_calls, free_at);
}
END_TEST

START_TEST(a_path_must_be_a_path)
{
	struct k8s_watch_spec bad = {.path = "pods"};
	struct err e;

	ck_assert_int_eq(k8s_watch_new(l.client, &bad, &ops, NULL, &w, &e), -EINVAL);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("k8s watch");
	TCase *tc = tcase_create("watch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_list_comes_first_and_then_the_changes);
	tcase_add_test(tc, the_requests_are_what_the_api_wants);
	tcase_add_test(tc, the_story_is_the_same_byte_by_byte);
	tcase_add_test(tc, requests_do_not_wait_behind_the_watch);
	tcase_add_test(tc, a_server_that_sends_whole_objects_will_do);
	tcase_add_test(tc, pages_are_followed);
	tcase_add_test(tc, a_clean_end_is_followed_by_a_new_watch_and_no_list);
	tcase_add_test(tc, a_cut_connection_resumes_where_it_was);
	tcase_add_test(tc, bookmarks_move_the_version_along);
	tcase_add_test(tc, an_expired_version_leads_to_a_list_that_finds_what_was_missed);
	tcase_add_test(tc, an_expiry_after_a_while_lists_again_after_a_little_jitter);
	tcase_add_test(tc, expiries_in_a_row_are_slowed_down);
	tcase_add_test(tc, the_list_after_an_expiry_is_not_older_than_what_was_seen);
	tcase_add_test(tc, a_successor_of_the_same_name_is_another_object);
	tcase_add_test(tc, a_restored_etcd_is_noticed_by_silence);
	tcase_add_test(tc, now_and_then_all_is_listed_again);
	tcase_add_test(tc, a_list_can_be_asked_for);
	tcase_add_test(tc, a_list_that_fails_keeps_the_reason_it_was_wanted_for);
	tcase_add_test(tc, a_freed_watch_is_never_heard_of);
	tcase_add_test(tc, a_client_may_be_freed_with_a_watch_in_any_phase);
	tcase_add_loop_test(tc, any_callback_may_free_the_watch_or_the_client, 0, 16);
	tcase_add_test(tc, a_path_must_be_a_path);
	suite_add_tcase(s, tc);
	return s;
}
