/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"
#include "unit/runner.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct http_bench bench;

/* ---- routes of these tests ------------------------------------------------------------------ */

static void say(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	const char *a = http_query(request, "a");

	(void)strbuf_addf(&reply->body, "%s rest=%s a=%s", (const char *)ctx, request->rest,
			  a ? a : "(none)");
}

static void strict(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	static const char *const names[] = {"a", "b", NULL};
	struct err e = {0};

	(void)ctx;
	if (http_query_check(request, names, &e) < 0)
		http_reply_error(reply, 400, "BadRequest", "%s", e.msg);
}

static void large(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	(void)ctx;
	(void)request;
	for (int i = 0; i < 20000; i++)
		(void)strbuf_addf(&reply->body, "line %d of many that make a large answer\n", i);
}

/* A stream that a test feeds. */
struct feed {
	const char *text; /* NULL: the end */
	size_t len, at;
	unsigned reads, closed;
	bool endless;
	struct http_stream *stream;
};

static struct feed feed;

static ssize_t feed_read(void *ctx, char *buf, size_t max)
{
	struct feed *f = ctx;
	size_t n;

	f->reads++;
	if (f->endless) {
		memset(buf, 'x', max);
		return (ssize_t)max;
	}
	if (!f->text)
		return -1;
	n = f->len - f->at < max ? f->len - f->at : max;
	memcpy(buf, f->text + f->at, n);
	f->at += n;
	return (ssize_t)n;
}

static void feed_closed(void *ctx)
{
	struct feed *f = ctx;

	f->closed++;
}

static const struct http_stream_ops feed_ops = {.read = feed_read, .closed = feed_closed};

static void open_stream(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	(void)request;
	reply->content_type = "text/plain";
	reply->stream_ops = &feed_ops;
	reply->stream_ctx = ctx;
	reply->ret_stream = &feed.stream;
}

static void feed_more(const char *text)
{
	feed.text = text;
	feed.len = text ? strlen(text) : 0;
	feed.at = 0;
	if (feed.stream)
		http_stream_wake(feed.stream);
}

static char one[] = "one", many[] = "many", posted[] = "posted";

static const struct http_route routes[] = {
	{"/one", false, HTTP_GET, say, one},
	{"/many/", true, HTTP_GET, say, many},
	{"/post", false, HTTP_POST, say, posted},
	{"/strict", false, HTTP_GET, strict, NULL},
	{"/large", false, HTTP_GET, large, NULL},
	{"/stream", false, HTTP_GET, open_stream, &feed},
	{0},
};

static void set_up(void)
{
	feed = (struct feed){.text = ""};
	http_bench_start(&bench, routes, 6);
}

static void tear_down(void)
{
	http_bench_stop(&bench);
}

static struct http_server_stats stats(void)
{
	struct http_server_stats s;

	http_bench_turn(&bench);
	http_server_get_stats(bench.server, &s);
	return s;
}

/* ---- requests ------------------------------------------------------------------------------- */

START_TEST(routes_are_found_by_path_prefix_and_method)
{
	ck_assert_str_eq(http_bench_body(&bench, "GET /one", 200), "one rest= a=(none)");
	ck_assert_str_eq(http_bench_body(&bench, "GET /many/x/y?a=1", 200), "many rest=x/y a=1");
	ck_assert_str_eq(http_bench_body(&bench, "POST /post?a", 200), "posted rest= a=");
	ck_assert_str_eq(http_bench_body(&bench, "GET /many/a%20b?a=%26", 200),
			 "many rest=a b a=&");
	(void)http_bench_body(&bench, "GET /one/", 404);
	(void)http_bench_body(&bench, "GET /many", 404);
	(void)http_bench_body(&bench, "GET /", 404);
	ck_assert_uint_eq(stats().requests, 4);
	ck_assert_uint_eq(stats().refused, 3);
}
END_TEST

START_TEST(other_methods_are_told_which_are_allowed)
{
	ck_assert_ptr_nonnull(strstr(http_bench_ask(&bench, "POST /one"), "Allow: GET, HEAD\r\n"));
	ck_assert_ptr_nonnull(strstr(http_bench_ask(&bench, "GET /post"), "Allow: POST\r\n"));
	(void)http_bench_body(&bench, "DELETE /one", 405);
	(void)http_bench_body(&bench, "TRACE /one", 405);
	(void)http_bench_body(&bench, "BREW /one", 405);
	(void)http_bench_body(&bench, "OPTIONS *", 404);
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
	const char *r = http_bench_ask(&bench, "HEAD /one");

	ck_assert_int_eq(strncmp(r, "HTTP/1.1 200 ", 13), 0);
	ck_assert_ptr_nonnull(strstr(r, "Content-Length: 18\r\n"));
	ck_assert_str_eq(strstr(r, "\r\n\r\n"), "\r\n\r\n");
}
END_TEST

START_TEST(an_error_is_json_whatever_was_asked_for)
{
	ck_assert_str_eq(http_bench_body(&bench, "GET /%22%0a%ff%5c", 404),
			 "{\"error\":{\"reason\":\"NotFound\",\"message\":"
			 "\"there is no '/\\\" \xef\xbf\xbd\\\\' here\"}}\n");
}
END_TEST

START_TEST(a_nul_byte_cannot_hide_the_rest_of_a_path)
{
	(void)http_bench_body(&bench, "GET /one%00", 404);
	(void)http_bench_body(&bench, "GET /strict?a=x%00y", 400);
	(void)http_bench_body(&bench, "GET /strict?a%00=x", 400);
}
END_TEST

START_TEST(a_query_with_what_is_unknown_or_twice_there_is_refused)
{
	(void)http_bench_body(&bench, "GET /strict?b=1&a=2", 200);
	(void)http_bench_body(&bench, "GET /strict?", 200);
	ck_assert_ptr_nonnull(strstr(http_bench_body(&bench, "GET /strict?c=1", 400), "'c'"));
	ck_assert_ptr_nonnull(strstr(http_bench_body(&bench, "GET /strict?a=1&a=2", 400), "twice"));
	(void)http_bench_body(&bench, "GET /strict?A=1", 400);
}
END_TEST

START_TEST(requests_follow_each_other_on_one_connection)
{
	static const char request[] = "GET /one HTTP/1.1\r\nHost: n\r\n\r\n";
	int fd = http_bench_connect(&bench);

	for (int i = 0; i < 3; i++) {
		http_bench_send(&bench, fd, request, strlen(request));
		ck_assert_ptr_nonnull(strstr(http_bench_read(&bench, fd, "a=(none)"), "one rest="));
	}
	ck_assert_uint_eq(stats().connections, 1);
	close(fd);
	ck_assert_uint_eq(stats().open, 0);
}
END_TEST

START_TEST(a_large_answer_comes_whole_to_a_slow_reader)
{
	const char *r = http_bench_ask(&bench, "GET /large");

	ck_assert_ptr_nonnull(strstr(r, "line 0 of many"));
	ck_assert_ptr_nonnull(strstr(r, "line 19999 of many that make a large answer\n"));
}
END_TEST

/* ---- limits --------------------------------------------------------------------------------- */

START_TEST(a_large_body_is_refused_before_it_is_read)
{
	static const char head[] = "POST /post HTTP/1.1\r\nHost: n\r\nConnection: close\r\n"
				   "Content-Length: 99999999999999999999\r\n\r\n";
	static const char honest[] = "POST /post HTTP/1.1\r\nHost: n\r\nConnection: close\r\n"
				     "Content-Length: 4097\r\n\r\n";
	int fd = http_bench_connect(&bench);

	http_bench_send(&bench, fd, honest, strlen(honest));
	ck_assert_ptr_nonnull(strstr(http_bench_read(&bench, fd, NULL), " 413 "));
	close(fd);
	fd = http_bench_connect(&bench);
	http_bench_send(&bench, fd, head, strlen(head));
	ck_assert_ptr_nonnull(strstr(http_bench_read(&bench, fd, NULL), "HTTP/1.1 4"));
	close(fd);
}
END_TEST

START_TEST(a_small_body_is_passed_over)
{
	static const char request[] = "POST /post HTTP/1.1\r\nHost: n\r\nConnection: close\r\n"
				      "Content-Length: 5\r\n\r\nhello";
	int fd = http_bench_connect(&bench);

	http_bench_send(&bench, fd, request, strlen(request));
	ck_assert_ptr_nonnull(strstr(http_bench_read(&bench, fd, NULL), "posted rest="));
	close(fd);
}
END_TEST

START_TEST(a_body_of_unknown_length_ends_when_it_is_too_large)
{
	static const char head[] = "POST /post HTTP/1.1\r\nHost: n\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";
	static const char chunk[] = "400\r\n";
	char data[0x400 + 2];
	int fd = http_bench_connect(&bench);

	memset(data, 'x', sizeof(data));
	memcpy(data + 0x400, "\r\n", 2);
	http_bench_send(&bench, fd, head, strlen(head));
	for (int i = 0; i < 6; i++) {
		http_bench_send(&bench, fd, chunk, strlen(chunk));
		http_bench_send(&bench, fd, data, sizeof(data));
	}
	ck_assert_ptr_null(strstr(http_bench_read(&bench, fd, NULL), "posted"));
	close(fd);
}
END_TEST

START_TEST(a_head_without_end_is_refused)
{
	char line[1024];
	int fd = http_bench_connect(&bench);

	http_bench_send(&bench, fd, "GET /one HTTP/1.1\r\n", 19);
	for (int i = 0; i < 64; i++) {
		int n = snprintf(line, sizeof(line), "X-%d: %0900d\r\n", i, i);

		http_bench_send(&bench, fd, line, (size_t)n);
	}
	ck_assert_ptr_null(strstr(http_bench_read(&bench, fd, NULL), " 200 "));
	close(fd);
	ck_assert_uint_eq(stats().open, 0);
}
END_TEST

START_TEST(who_sends_a_byte_now_and_then_is_ended_all_the_same)
{
	int fd = http_bench_connect(&bench);

	http_bench_send(&bench, fd, "GET /one HTTP/1.1\r\nX: ", 22);
	for (int i = 0; i < 14; i++) {
		http_bench_now_ms += 1000;
		http_bench_send(&bench, fd, "y", 1);
	}
	ck_assert(!http_bench_is_closed(&bench, fd));
	http_bench_now_ms += 1000;
	http_bench_send(&bench, fd, "y", 1);
	http_bench_turn(&bench);
	ck_assert_str_eq(http_bench_read(&bench, fd, NULL), "");
	ck_assert_uint_eq(stats().timed_out, 1);
	ck_assert_uint_eq(stats().open, 0);
	close(fd);
}
END_TEST

START_TEST(the_oldest_connection_makes_room_for_a_new_one)
{
	int idle[20];

	for (size_t i = 0; i < 20; i++)
		idle[i] = http_bench_connect(&bench);
	ck_assert_str_eq(http_bench_body(&bench, "GET /one", 200), "one rest= a=(none)");
	ck_assert_uint_eq(stats().crowded_out, 15);
	ck_assert_uint_eq(stats().open, 5);
	ck_assert(http_bench_is_closed(&bench, idle[0]));
	ck_assert(!http_bench_is_closed(&bench, idle[19]));
	for (size_t i = 0; i < 20; i++)
		close(idle[i]);
}
END_TEST

/* ---- streams -------------------------------------------------------------------------------- */

static int follow(void)
{
	static const char request[] = "GET /stream HTTP/1.1\r\nHost: n\r\n\r\n";
	int fd = http_bench_connect(&bench);

	http_bench_send(&bench, fd, request, strlen(request));
	return fd;
}

START_TEST(a_stream_sleeps_until_it_is_woken)
{
	unsigned reads;
	int fd;

	feed_more("first\n");
	fd = follow();
	ck_assert_ptr_nonnull(strstr(http_bench_read(&bench, fd, "first\n"), "text/plain"));
	http_bench_turn(&bench);
	reads = feed.reads;
	for (int i = 0; i < 10; i++)
		http_bench_turn(&bench);
	ck_assert_uint_eq(feed.reads, reads);
	feed_more("second\n");
	(void)http_bench_read(&bench, fd, "second\n");
	feed_more(NULL);
	(void)http_bench_read(&bench, fd, "0\r\n\r\n");
	http_bench_turn(&bench);
	ck_assert_uint_eq(feed.closed, 1);
	ck_assert_ptr_null(feed.stream);
	close(fd);
}
END_TEST

START_TEST(a_sleeping_stream_outlives_the_exchange_limit)
{
	int fd = follow();

	http_bench_now_ms += 3600000;
	http_bench_turn(&bench);
	feed_more("still there\n");
	(void)http_bench_read(&bench, fd, "still there\n");
	close(fd);
	http_bench_turn(&bench);
}
END_TEST

START_TEST(a_stream_whose_reader_left_is_closed_though_nothing_happens)
{
	int fd = follow();

	http_bench_turn(&bench);
	ck_assert_uint_eq(stats().streams, 1);
	close(fd);
	ck_assert_uint_eq(stats().streams, 0);
	ck_assert_uint_eq(stats().open, 0);
	ck_assert_uint_eq(feed.closed, 1);
}
END_TEST

START_TEST(a_reader_that_takes_nothing_is_ended)
{
	int fd;

	feed.endless = true;
	fd = follow();
	for (int i = 0; i < 200; i++)
		http_bench_turn(&bench);
	http_bench_now_ms += 14000;
	ck_assert_uint_eq(stats().streams, 1);
	http_bench_now_ms += 2000;
	/* The server learns of the time with the next thing that happens, or by its timer. */
	(void)http_bench_body(&bench, "GET /one", 200);
	ck_assert_uint_eq(stats().streams, 0);
	ck_assert_uint_eq(stats().timed_out, 1);
	ck_assert_uint_eq(feed.closed, 1);
	close(fd);
}
END_TEST

START_TEST(the_end_of_the_server_ends_streams_in_every_state)
{
	struct http_bench own;
	static const char request[] = "GET /stream HTTP/1.1\r\nHost: n\r\n\r\n";
	int fds[2];

	http_bench_start(&own, routes, 6);
	fds[0] = http_bench_connect(&own);
	http_bench_send(&own, fds[0], request, strlen(request));
	http_bench_turn(&own);
	feed.stream = NULL;
	feed.endless = true;
	fds[1] = http_bench_connect(&own);
	http_bench_send(&own, fds[1], request, strlen(request));
	http_bench_turn(&own);
	http_bench_stop(&own);
	ck_assert_uint_eq(feed.closed, 2);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(head_of_a_stream_reads_nothing)
{
	(void)http_bench_ask(&bench, "HEAD /stream");
	http_bench_turn(&bench);
	ck_assert_uint_eq(feed.reads, 0);
	ck_assert_uint_eq(feed.closed, 1);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("http_server");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, routes_are_found_by_path_prefix_and_method);
	tcase_add_test(tc, other_methods_are_told_which_are_allowed);
	tcase_add_test(tc, head_has_the_length_and_no_body);
	tcase_add_test(tc, an_error_is_json_whatever_was_asked_for);
	tcase_add_test(tc, a_nul_byte_cannot_hide_the_rest_of_a_path);
	tcase_add_test(tc, a_query_with_what_is_unknown_or_twice_there_is_refused);
	tcase_add_test(tc, requests_follow_each_other_on_one_connection);
	tcase_add_test(tc, a_large_answer_comes_whole_to_a_slow_reader);
	tcase_add_test(tc, a_large_body_is_refused_before_it_is_read);
	tcase_add_test(tc, a_small_body_is_passed_over);
	tcase_add_test(tc, a_body_of_unknown_length_ends_when_it_is_too_large);
	tcase_add_test(tc, a_head_without_end_is_refused);
	tcase_add_test(tc, who_sends_a_byte_now_and_then_is_ended_all_the_same);
	tcase_add_test(tc, the_oldest_connection_makes_room_for_a_new_one);
	tcase_add_test(tc, a_stream_sleeps_until_it_is_woken);
	tcase_add_test(tc, a_sleeping_stream_outlives_the_exchange_limit);
	tcase_add_test(tc, a_stream_whose_reader_left_is_closed_though_nothing_happens);
	tcase_add_test(tc, a_reader_that_takes_nothing_is_ended);
	tcase_add_test(tc, the_end_of_the_server_ends_streams_in_every_state);
	tcase_add_test(tc, head_of_a_stream_reads_nothing);
	suite_add_tcase(s, tc);
	return s;
}
