/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <pty.h>
#include <screen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <units.h>

static struct screen s;

static void open_screen(void)
{
	screen_init(&s, -1, NULL, "xterm");
}

static void close_screen(void)
{
	screen_done(&s);
}

static const char *shown(const char *text, size_t width)
{
	strbuf_reset(&s.out);
	ck_assert_uint_le(text_add(&s.out, text, width), width ? width : 1000);
	return strbuf_str(&s.out);
}

START_TEST(control_characters_become_visible)
{
	ck_assert_str_eq(shown("a\x1b[2Jb\x07", 0), "a\\x1b[2Jb\\x07");
	ck_assert_str_eq(shown("del\x7f", 0), "del\\x7f");
	ck_assert_str_eq(shown("c1 \xc2\x9b"
			       "31m",
			       0),
			 "c1 \\x9b31m");
	ck_assert_str_eq(shown("two\nlines\tand a tab", 0), "two lines and a tab");
	ck_assert_str_eq(shown("\r", 0), "\\x0d");
}
END_TEST

START_TEST(what_turns_or_hides_text_becomes_visible)
{
	ck_assert_str_eq(shown("\xe2\x80\xae"
			       "gpj",
			       0),
			 "\\u202egpj");
	ck_assert_str_eq(shown("a\xe2\x80\x8b"
			       "b\xef\xbb\xbf",
			       0),
			 "a\\u200bb\\ufeff");
	ck_assert_str_eq(shown("\xe2\x80\xa8", 0), "\\u2028");
}
END_TEST

START_TEST(what_is_not_utf8_becomes_visible)
{
	ck_assert_str_eq(shown("\xff\xc0\x80", 0), "\\xff\\xc0\\x80");
	ck_assert_str_eq(shown("\xed\xa0\x80", 0), "\\xed\\xa0\\x80"); /* a surrogate */
	ck_assert_str_eq(shown("\xf4\x90\x80\x80", 0), "\\xf4\\x90\\x80\\x80");
	ck_assert_str_eq(shown("\xe2\x82", 0), "\\xe2\\x82"); /* cut */
	ck_assert_str_eq(shown("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 0),
			 "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}
END_TEST

START_TEST(text_is_cut_at_characters)
{
	ck_assert_str_eq(shown("abcdefgh", 8), "abcdefgh");
	ck_assert_str_eq(shown("abcdefghi", 8), "abcde...");
	ck_assert_str_eq(shown("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 5),
			 "\xc3\xa9\xc3\xa9...");
	ck_assert_str_eq(shown("abc\x1b[m", 6), "abc...");
	ck_assert_str_eq(shown("abcdef", 2), "ab");
	ck_assert_uint_eq(text_width("\xc3\xa9\x1b"), 5);
}
END_TEST

static void fill(struct table *t)
{
	static const char *const headings[] = {"NAME", "REASON", "MESSAGE", NULL};

	table_init(t, headings, 1);
	table_cell(t, "a");
	table_cell(t, "OutOfRMIDs");
	table_cell(t, "a message that does not fit into forty columns");
	table_cell(t, "longer");
	table_cell(t, "AllAssigned");
	table_cell(t, "");
}

START_TEST(a_table_is_whole_without_a_terminal)
{
	struct table t;

	fill(&t);
	table_print(&t, &s);
	ck_assert_str_eq(strbuf_str(&s.out),
			 "NAME     REASON        MESSAGE\n"
			 "a        OutOfRMIDs    a message that does not fit into forty columns\n"
			 "longer   AllAssigned\n");
	table_done(&t);
}
END_TEST

START_TEST(a_table_fits_on_a_terminal)
{
	struct table t;

	s.is_terminal = true;
	s.width = 40;
	fill(&t);
	table_print(&t, &s);
	ck_assert_str_eq(strbuf_str(&s.out), "NAME     REASON        MESSAGE\n"
					     "a        OutOfRMIDs    a message that...\n"
					     "longer   AllAssigned\n");
	table_done(&t);
}
END_TEST

START_TEST(colours_do_not_change_the_columns)
{
	struct table t;

	s.has_colours = true;
	fill(&t);
	table_print(&t, &s);
	ck_assert_ptr_nonnull(
		strstr(strbuf_str(&s.out), "a        \033[31mOutOfRMIDs\033[m    a message"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&s.out), "longer   \033[32mAllAssigned\033[m\n"));
	table_done(&t);
}
END_TEST

START_TEST(columns_without_content_are_left_out)
{
	static const char *const headings[] = {"NAME", "REASON", "MESSAGE", NULL};
	struct table t;

	table_init(&t, headings, -1);
	table_cell(&t, "a");
	table_cell(&t, "");
	table_cell(&t, "");
	table_print(&t, &s);
	ck_assert_str_eq(strbuf_str(&s.out), "NAME\na\n");
	table_done(&t);
}
END_TEST

START_TEST(words_are_wrapped)
{
	s.is_terminal = true;
	s.width = 40;
	screen_wrap(&s, 4, "the quick brown fox jumps over the lazy\ndog \x1b");
	ck_assert_str_eq(strbuf_str(&s.out), "    the quick brown fox jumps over the\n"
					     "    lazy dog \\x1b\n");
}
END_TEST

START_TEST(there_are_colours_only_on_a_terminal)
{
	ck_assert(!s.is_terminal && !s.has_colours);
	screen_row(&s, "Reason", HUE_BAD, "OutOfRMIDs");
	screen_row(&s, "Empty", HUE_BAD, "");
	ck_assert_str_eq(strbuf_str(&s.out), "Reason       OutOfRMIDs\n");
}
END_TEST

static size_t width_on(unsigned short columns)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	int fds[2] = {-1, -1};
	size_t width;

	ck_assert_int_eq(openpty(&fds[0], &fds[1], NULL, NULL, &size), 0);
	screen_done(&s);
	screen_init(&s, fds[1], NULL, "xterm");
	ck_assert(s.is_terminal);
	width = s.width;
	close(fds[0]);
	close(fds[1]);
	return width;
}

START_TEST(the_width_is_the_terminals)
{
	ck_assert_uint_eq(width_on(132), 132);
	ck_assert_uint_eq(width_on(40), 40);
	ck_assert_uint_eq(width_on(39), 40); /* no table fits into less */
	ck_assert_uint_eq(width_on(1), 40);
	ck_assert_uint_eq(width_on(0), 80); /* it does not know */
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error)
{
	int fds[2];
	struct err e;

	ck_assert_int_eq(pipe(fds), 0);
	screen_add(&s, "text");
	ck_assert_int_lt(screen_flush(&s, fds[0], &e), 0); /* its reading end */
	ck_assert_ptr_nonnull(strstr(e.msg, "cannot write"));
	ck_assert_int_eq(screen_flush(&s, fds[1], &e), 0);
	ck_assert_uint_eq(s.out.len, 0);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static const char *bytes(uint64_t n)
{
	static char buf[32];

	units_bytes(n, buf, sizeof(buf));
	return buf;
}

START_TEST(bytes_are_written_for_people)
{
	ck_assert_str_eq(bytes(0), "0 B");
	ck_assert_str_eq(bytes(1023), "1023 B");
	ck_assert_str_eq(bytes(1024), "1.0 KiB");
	ck_assert_str_eq(bytes(655360), "640 KiB");
	ck_assert_str_eq(bytes(1289748480), "1.2 GiB");
	ck_assert_str_eq(bytes((uint64_t)10 * 1024 * 1024), "10 MiB");
	ck_assert_str_eq(bytes((uint64_t)1024 * 1024 - 1), "1023 KiB");
	ck_assert_str_eq(bytes(UINT64_MAX), "15 EiB");
}
END_TEST

Suite *suite(void)
{
	Suite *su = suite_create("cli screen");
	TCase *tc = tcase_create("screen");

	tcase_add_checked_fixture(tc, open_screen, close_screen);
	tcase_add_test(tc, control_characters_become_visible);
	tcase_add_test(tc, what_turns_or_hides_text_becomes_visible);
	tcase_add_test(tc, what_is_not_utf8_becomes_visible);
	tcase_add_test(tc, text_is_cut_at_characters);
	tcase_add_test(tc, a_table_is_whole_without_a_terminal);
	tcase_add_test(tc, a_table_fits_on_a_terminal);
	tcase_add_test(tc, colours_do_not_change_the_columns);
	tcase_add_test(tc, columns_without_content_are_left_out);
	tcase_add_test(tc, words_are_wrapped);
	tcase_add_test(tc, there_are_colours_only_on_a_terminal);
	tcase_add_test(tc, the_width_is_the_terminals);
	tcase_add_test(tc, what_cannot_be_written_is_an_error);
	tcase_add_test(tc, bytes_are_written_for_people);
	suite_add_tcase(su, tc);
	return su;
}
