/* SPDX-License-Identifier: Apache-2.0 */

/* A server that refuses, lies, falls silent or goes away. */

#include "unit/k8s/story.h"
#include "unit/runner.h"

#include <errno.h>

/* ---- trouble ---- */

static void answer(const char *verb, int status, const char *type, const char *body,
		   unsigned int retry_after_s, unsigned int times)
{
	struct fake_api_fault f = {
		.kind = FAKE_API_ANSWER,
		.verb = verb,
		.resource = "pods",
		.status = status,
		.content_type = type,
		.body = body,
		.retry_after_s = retry_after_s,
		.times = times,
	};

	fake_api_add_fault(l.api, &f);
}

START_TEST(attempts_are_spaced_by_a_doubling_back_off)
{
	static const uint64_t want[] = {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};

	answer("list", 500, NULL, NULL, 0, 0);
	start();
	for (int i = 0; i < 8; i++) {
		loop_until(&l, story.nr_down == i + 1);
		ck_assert_int_eq(story.rc, -EIO);
		ck_assert_msg(story.retry_in_ms == want[i], "attempt %d: %llu", i,
			      (unsigned long long)story.retry_in_ms);
		loop_advance(&l, want[i] - 700);
		loop_idle(&l);
		ck_assert_int_eq(story.nr_down, i + 1);
		loop_advance(&l, 700);
	}
	/* Two quiet minutes, and it starts over. */
	fake_api_clear_faults(l.api);
	loop_until(&l, story.nr_up == 1);
	loop_until(&l, fake_api_nr_watches(l.api) == 1);
	loop_advance(&l, 121000);
	fake_api_watch_cut(l.api);
	loop_until(&l, !story.retry_in_ms || story.nr_down == 9);
	loop_until(&l, story.nr_down == 9);
	ck_assert_uint_eq(story.retry_in_ms, 800);
}
END_TEST

START_TEST(jitter_adds_up_to_as_much_again)
{
	l.random = 799;
	answer("list", 500, NULL, NULL, 0, 0);
	start();
	loop_until(&l, story.nr_down == 1);
	ck_assert_uint_eq(story.retry_in_ms, 1599);
}
END_TEST

static const struct {
	int status;
	const char *type, *body;
	unsigned int retry_after_s;
	int rc;
	uint64_t retry_in_ms;
} refusals[] = {
	{429, "text/plain", "Too many requests, please try again later.\n", 9, -EAGAIN, 9000},
	{429, NULL,
	 "{\"kind\":\"Status\",\"message\":\"storage is (re)initializing\",\"details\":"
	 "{\"retryAfterSeconds\":2}}",
	 0, -EAGAIN, 2000},
	{503, "text/html", "<html>", 0, -EAGAIN, 800},
	{403, NULL, NULL, 0, -EACCES, 30000},
	{404, "text/plain", "404 page not found\n", 0, -ENOENT, 10000},
	{401, NULL, NULL, 0, -EPERM, 800},
	{200, "text/plain", "hello", 0, -EPROTO, 800},
	{200, NULL, "{\"kind\":\"PodList\",\"items\":[", 0, -EPROTO, 800},
	{200, NULL, "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"1\"}}", 0, -EPROTO, 800},
	{200, NULL, "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[]}", 0, -EPROTO, 800},
	{200, NULL,
	 "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{}]}", 0,
	 -EPROTO, 800},
	{200, NULL, "", 0, -EPROTO, 800},
};

START_TEST(a_list_that_fails_is_tried_again_in_due_time)
{
	answer("list", refusals[_i].status, refusals[_i].type, refusals[_i].body,
	       refusals[_i].retry_after_s, 1);
	start();
	loop_until(&l, story.nr_down == 1);
	ck_assert_msg(story.rc == refusals[_i].rc, "row %d: %d %s", _i, story.rc, story.message);
	ck_assert_uint_eq(story.retry_in_ms, refusals[_i].retry_in_ms);
	ck_assert_int_eq(story.http_status, refusals[_i].status);
	ck_assert_str_ne(story.message, "");
	loop_idle(&l);
	ck_assert_uint_eq(lists(), 1);
	loop_advance(&l, refusals[_i].retry_in_ms);
	expect("* ");
	ck_assert_int_eq(story.nr_up, 1);
}
END_TEST

START_TEST(a_server_that_knows_no_roles_yet_is_asked_again_soon)
{
	start();
	expect("* ");
	/* It goes, is away for some attempts, and comes back refusing everybody at first. */
	fake_api_set_down(l.api, true);
	for (int i = 0; i < 6; i++)
		loop_advance(&l, 31000);
	loop_until(&l, story.nr_down >= 4);
	fake_api_set_down(l.api, false);
	answer(NULL, 403, NULL, NULL, 0, 3);
	loop_advance(&l, 31000);
	loop_until(&l, story.rc == -EACCES);
	ck_assert_uint_eq(story.retry_in_ms, 2000);
	loop_advance(&l, 2000);
	loop_until(&l, story.retry_in_ms == 4000);
	loop_advance(&l, 4000);
	loop_until(&l, story.retry_in_ms == 8000);
	loop_advance(&l, 8000);
	loop_until(&l, story.nr_up == 2);
}
END_TEST

static const char *const empty_lists[] = {
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}",
	/* A 1.20 server for a node without pods, asked for metadata only. */
	"{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\","
	"\"metadata\":{\"resourceVersion\":\"7\"},\"items\":null}",
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"}}",
};

START_TEST(an_empty_list_is_a_list_however_it_is_written)
{
	answer("list", 200, NULL, empty_lists[_i], 0, 1);
	start();
	expect("* ");
	ck_assert_int_eq(story.nr_down, 0);
	loop_until(&l, watches() == 1);
}
END_TEST

START_TEST(a_watch_that_is_refused_is_tried_again_without_a_list)
{
	answer("watch", 429, "text/plain", "Too many requests", 1, 1);
	start();
	loop_until(&l, story.nr_down == 1);
	ck_assert_uint_eq(story.retry_in_ms, 1000);
	loop_advance(&l, 1000);
	loop_until(&l, watches() == 2);
	loop_until(&l, story.nr_up == 2);
	ck_assert_uint_eq(lists(), 1);
}
END_TEST

START_TEST(a_watch_that_ends_at_once_is_a_failure)
{
	answer("watch", 200, NULL, "", 0, 1);
	start();
	loop_until(&l, story.nr_down == 1);
	ck_assert_uint_eq(story.retry_in_ms, 800);
	loop_idle(&l);
	ck_assert_uint_eq(watches(), 1);
}
END_TEST

static const struct {
	const char *frame;
	int rc;
	unsigned int lists;
	enum k8s_relist why; /* K8S_RELIST_MAX: there is no list */
} frames[] = {
	{"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"message\":\"m\",\"code\":500}}\n",
	 -EIO, 2, K8S_RELIST_SERVER_ERROR},
	{"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"message\":\"m\",\"code\":504,"
	 "\"details\":{\"retryAfterSeconds\":1}}}\n",
	 -EAGAIN, 2, K8S_RELIST_SERVER_ERROR},
	{"{\"type\":\"ERROR\",\"object\":{}}\n", -EPROTO, 2, K8S_RELIST_SERVER_ERROR},
	{"{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}\n", -EPROTO, 2, K8S_RELIST_BAD_EVENT},
	{"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}\n", -EPROTO, 1, K8S_RELIST_MAX},
	{"{\"what\":1}\n", -EPROTO, 1, K8S_RELIST_MAX},
	{"no JSON\n", -EPROTO, 2, K8S_RELIST_BAD_EVENT},
};

START_TEST(a_bad_frame_ends_the_watch_and_it_recovers)
{
	start_and_watch();
	fake_api_watch_send(l.api, frames[_i].frame, strlen(frames[_i].frame));
	loop_until(&l, story.nr_down == 1);
	ck_assert_msg(story.rc == frames[_i].rc, "row %d: %d %s", _i, story.rc, story.message);
	loop_advance(&l, 1700);
	loop_until(&l, watches() == 2);
	ck_assert_uint_eq(lists(), frames[_i].lists);
	expect_relist(frames[_i].why);
	add("a");
	loop_until(&l, strstr(story.text, "+a"));
}
END_TEST

START_TEST(unknown_events_and_blank_lines_are_passed_over)
{
	static const char news[] = "{\"type\":\"NEWS\",\"object\":{\"kind\":\"X\"}}\n\n \r\n";

	start_and_watch();
	fake_api_watch_send(l.api, news, strlen(news));
	add("a");
	expect("* +a ");
	ck_assert_uint_eq(stats().unknown, 1);
	ck_assert_int_eq(story.nr_down, 0);
}
END_TEST

START_TEST(two_frames_and_a_half_in_one_piece)
{
	static const char f1[] =
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":"
		"\"default\",\"uid\":\"u\",\"resourceVersion\":\"1005\"}}}{\"type\":\"MODIFIED\","
		"\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\",\"uid\":\"u\","
		"\"resourceVersion\":\"1006\"}}}\n{\"type\":\"DELETED\",\"obj";
	static const char f2[] = "ect\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"default\","
				 "\"uid\":\"u\",\"resourceVersion\":\"1007\"}}}\n";

	start_and_watch();
	fake_api_watch_send(l.api, f1, strlen(f1));
	expect("* +a ~a ");
	fake_api_watch_send(l.api, f2, strlen(f2));
	expect("* +a ~a -a ");
}
END_TEST

START_TEST(a_deletion_of_a_predecessor_leaves_the_successor_alone)
{
	static const char late[] =
		"{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":"
		"\"default\",\"uid\":\"other\",\"resourceVersion\":\"1900\"}}}\n";

	add("a");
	start();
	expect("+a * ");
	loop_until(&l, fake_api_nr_watches(l.api) == 1);
	fake_api_watch_send(l.api, late, strlen(late));
	expect("+a * ");
	ck_assert_uint_eq(stats().objects, 1);
}
END_TEST

static char *big_frame(size_t size)
{
	static const char head[] =
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"big\",\"namespace\":"
		"\"default\",\"uid\":\"u\",\"resourceVersion\":\"1005\",\"annotations\":{\"x\":\"";
	char *text = malloc(size + 1);

	memset(text, 'x', size);
	memcpy(text, head, strlen(head));
	memcpy(text + size - 6, "\"}}}}\n", 7);
	return text;
}

START_TEST(a_megabyte_of_event_is_taken_in_slices)
{
	char *text = big_frame(1000000);
	struct k8s_watch_stats before, after;

	start_and_watch();
	before = stats();
	fake_api_watch_send(l.api, text, 1000000);
	expect("* +big ");
	after = stats();
	ck_assert_uint_eq(after.failures, before.failures);
	free(text);
}
END_TEST

START_TEST(an_event_over_the_cap_leads_to_a_list)
{
	char *text = big_frame(5000000);

	start_and_watch();
	fake_api_watch_send(l.api, text, 5000000);
	loop_until(&l, story.nr_down == 1);
	ck_assert_int_eq(story.rc, -EMSGSIZE);
	free(text);
	loop_advance(&l, 800);
	loop_until(&l, stats().lists == 2);
	expect_relist(K8S_RELIST_BAD_EVENT);
	expect("* * ");
}
END_TEST

START_TEST(more_objects_than_allowed_are_an_error)
{
	struct k8s_watch_spec few = spec;
	struct err e;

	few.max_objects = 2;
	add("a");
	add("b");
	ck_assert_int_eq(k8s_watch_new(l.client, &few, &ops, NULL, &w, &e), 0);
	expect("+a +b * ");
	add("c");
	loop_until(&l, story.nr_down == 1);
	ck_assert_int_eq(story.rc, -ENOBUFS);
	ck_assert_uint_eq(stats().objects, 2);
	fake_api_delete_pod(l.api, "default", "a");
	loop_advance(&l, 1000);
	/* The order of a list is the server's: c has no room before a is swept. */
	loop_until(&l, story.nr_down == 2);
}
END_TEST

/* Nobody is told, as nothing is wrong yet: the next attempt shows whether it was the connection. */
START_TEST(three_minutes_of_silence_end_a_watch)
{
	start_and_watch();
	fake_api_set_write_max(l.api, 0);
	fake_api_set_version(l.api, 10); /* no bookmarks for a version from the future */
	loop_advance(&l, 170000);
	loop_idle(&l);
	ck_assert_uint_eq(stats().silences, 0);
	loop_advance(&l, 11000);
	loop_until(&l, stats().silences == 1);
	loop_advance(&l, 1000);
	loop_until(&l, watches() == 2);
	ck_assert_uint_eq(lists(), 1);
	ck_assert_int_eq(story.nr_down, 0);
}
END_TEST

/* No object of the type changes anywhere: older servers send no bookmark then. */
START_TEST(a_quiet_cluster_is_neither_trouble_nor_a_reason_to_list)
{
	start_and_watch();
	fake_api_set_version(l.api, 10);
	for (int i = 0; i < 14; i++) {
		loop_advance(&l, 60000);
		loop_idle(&l);
	}
	ck_assert_uint_ge(stats().silences, 2);
	ck_assert_uint_eq(lists(), 1);
	ck_assert_uint_eq(stats().failures, 0);
	ck_assert_int_eq(story.nr_down, 0);
	ck_assert_uint_eq(fake_api_nr_watches(l.api), 1);
}
END_TEST

/* Stopped, but its kernel keeps the connection alive. */
START_TEST(a_server_that_hangs_in_silence_is_told_of)
{
	start_and_watch();
	fake_api_set_version(l.api, 10);
	fake_api_add_fault(l.api, &(struct fake_api_fault){
					  .kind = FAKE_API_STALL, .verb = "watch", .times = 1});
	loop_advance(&l, 181000);
	loop_until(&l, stats().silences == 1);
	loop_advance(&l, 1000);
	loop_until(&l, watches() == 2);
	ck_assert_int_eq(story.nr_down, 0);
	loop_advance(&l, 31000);
	loop_until(&l, story.nr_down == 1);
	ck_assert_int_eq(story.rc, -ETIMEDOUT);
}
END_TEST

START_TEST(a_watch_without_an_answer_times_out)
{
	fake_api_add_fault(l.api, &(struct fake_api_fault){
					  .kind = FAKE_API_STALL, .verb = "watch", .times = 1});
	start();
	loop_until(&l, watches() == 1);
	loop_idle(&l);
	ck_assert_int_eq(story.nr_down, 0);
	loop_advance(&l, 31000);
	loop_until(&l, story.nr_down == 1);
	ck_assert_int_eq(story.rc, -ETIMEDOUT);
	loop_advance(&l, 1000);
	loop_until(&l, watches() == 2);
}
END_TEST

START_TEST(a_server_that_is_down_comes_back)
{
	add("a");
	start();
	expect("+a * ");
	fake_api_set_down(l.api, true);
	loop_until(&l, story.nr_down >= 1);
	for (int i = 0; i < 10; i++) {
		loop_advance(&l, 31000);
		loop_idle(&l);
	}
	ck_assert_int_eq(story.rc, -ECONNREFUSED);
	fake_api_set_down(l.api, false);
	add("b");
	loop_advance(&l, 61000);
	expect("+a * +b ");
	ck_assert_uint_eq(lists(), 1);
}
END_TEST

START_TEST(a_compressed_answer_is_refused)
{
	static const char list[] =
		"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1002\"},\"items\":[]}";

	fake_api_add_fault(l.api,
			   &(struct fake_api_fault){.kind = FAKE_API_ANSWER,
						    .verb = "list",
						    .times = 1,
						    .status = 200,
						    .body = list,
						    .headers = "Content-Encoding: gzip\r\n"});
	start();
	loop_until(&l, story.nr_down == 1);
	ck_assert_int_eq(story.rc, -EPROTO);
	ck_assert_str_eq(story.text, "");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("k8s watch, in trouble");
	TCase *tc = tcase_create("watch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, attempts_are_spaced_by_a_doubling_back_off);
	tcase_add_test(tc, jitter_adds_up_to_as_much_again);
	tcase_add_loop_test(tc, a_list_that_fails_is_tried_again_in_due_time, 0,
			    ARRAY_LEN(refusals));
	tcase_add_test(tc, a_server_that_knows_no_roles_yet_is_asked_again_soon);
	tcase_add_loop_test(tc, an_empty_list_is_a_list_however_it_is_written, 0,
			    ARRAY_LEN(empty_lists));
	tcase_add_test(tc, a_watch_that_is_refused_is_tried_again_without_a_list);
	tcase_add_test(tc, a_watch_that_ends_at_once_is_a_failure);
	tcase_add_loop_test(tc, a_bad_frame_ends_the_watch_and_it_recovers, 0, ARRAY_LEN(frames));
	tcase_add_test(tc, unknown_events_and_blank_lines_are_passed_over);
	tcase_add_test(tc, two_frames_and_a_half_in_one_piece);
	tcase_add_test(tc, a_deletion_of_a_predecessor_leaves_the_successor_alone);
	tcase_add_test(tc, a_megabyte_of_event_is_taken_in_slices);
	tcase_add_test(tc, an_event_over_the_cap_leads_to_a_list);
	tcase_add_test(tc, more_objects_than_allowed_are_an_error);
	tcase_add_test(tc, three_minutes_of_silence_end_a_watch);
	tcase_add_test(tc, a_quiet_cluster_is_neither_trouble_nor_a_reason_to_list);
	tcase_add_test(tc, a_server_that_hangs_in_silence_is_told_of);
	tcase_add_test(tc, a_watch_without_an_answer_times_out);
	tcase_add_test(tc, a_server_that_is_down_comes_back);
	tcase_add_test(tc, a_compressed_answer_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
