/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <fcntl.h>
#include <log.h>
#include <string.h>

static int fds[2];
static struct log *opened;

static struct log *open_log(enum log_level level, enum log_format format)
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	opened = log_new(fds[1], level, format);
	ck_assert_ptr_nonnull(opened);
	return opened;
}

static const char *written(void)
{
	static char text[64 << 10];
	ssize_t n = read(fds[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void close_log(void)
{
	log_free(opened);
	close(fds[0]);
	close(fds[1]);
}

START_TEST(logfmt_quotes_what_needs_it)
{
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	const char *line;

	log_write(log, LOG_LEVEL_WARN, "group failed", "pod", "shop/web-0", "err",
		  "a \"b\"\n=\x01\xff\xc3\xa9", "empty", "", "null", NULL, NULL);
	line = written();
	ck_assert_msg(strncmp(line, "ts=20", 5) == 0, "%s", line);
	ck_assert_msg(strstr(line, "Z level=warn msg=\"group failed\" pod=shop/web-0 "
				   "err=\"a \\\"b\\\"\\n=\\u0001\\ufffd\xc3\xa9\"\n"),
		      "%s", line);
	close_log();
}
END_TEST

START_TEST(json_has_the_same_keys)
{
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	const char *line;

	log_write(log, LOG_LEVEL_INFO, "group created", "pod", "shop/web-0", NULL);
	line = written();
	ck_assert_msg(strstr(line, "\"level\":\"info\",\"msg\":\"group created\","
				   "\"pod\":\"shop/web-0\"}\n"),
		      "%s", line);
	close_log();
}
END_TEST

START_TEST(quieter_levels_are_left_out)
{
	struct log *log = open_log(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);

	log_write(log, LOG_LEVEL_INFO, "nobody asked", NULL);
	ck_assert_str_eq(written(), "");
	log_write(NULL, LOG_LEVEL_ERROR, "no log at all", NULL);
	close_log();
}
END_TEST

START_TEST(a_repeat_is_counted_and_another_pod_is_not_a_repeat)
{
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);

	log_write(log, LOG_LEVEL_INFO, "again", "pod", "a", NULL);
	ck_assert_str_ne(written(), "");
	log_write(log, LOG_LEVEL_INFO, "again", "pod", "a", NULL);
	ck_assert_str_eq(written(), "");
	log_write(log, LOG_LEVEL_INFO, "again", "pod", "b", NULL);
	ck_assert_str_ne(written(), "");
	close_log();
}
END_TEST

START_TEST(a_line_is_bounded_and_drops_whole_pairs)
{
	static char huge[3 * LOG_LINE_MAX];
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	const char *line;

	memset(huge, 'x', sizeof(huge) - 1);
	log_write(log, LOG_LEVEL_INFO, "long", "pod", "a", "err", huge, NULL);
	line = written();
	ck_assert_uint_le(strlen(line), LOG_LINE_MAX);
	ck_assert_msg(strstr(line, "msg=\"long\" pod=a\n"), "%s", line);
	close_log();
}
END_TEST

START_TEST(a_reader_that_does_not_read_costs_lines_but_never_blocks)
{
	struct log *log = open_log(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	static char filler[1000];
	char n[24];

	memset(filler, 'f', sizeof(filler) - 1);
	for (unsigned i = 0; i < 500; i++)
		log_write(log, LOG_LEVEL_INFO, "flood", "n", log_uint(n, sizeof(n), i), "fill",
			  filler, NULL);
	while (*written())
		;
	log_write(log, LOG_LEVEL_INFO, "after the flood", NULL);
	ck_assert_ptr_nonnull(strstr(written(), "dropped="));
	close_log();
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_test(tc, logfmt_quotes_what_needs_it);
	tcase_add_test(tc, json_has_the_same_keys);
	tcase_add_test(tc, quieter_levels_are_left_out);
	tcase_add_test(tc, a_repeat_is_counted_and_another_pod_is_not_a_repeat);
	tcase_add_test(tc, a_line_is_bounded_and_drops_whole_pairs);
	tcase_add_test(tc, a_reader_that_does_not_read_costs_lines_but_never_blocks);
	suite_add_tcase(s, tc);
	return s;
}
