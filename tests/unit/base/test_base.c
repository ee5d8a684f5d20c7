/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <err.h>
#include <errno.h>
#include <list.h>
#include <num.h>
#include <stdio.h>
#include <strbuf.h>
#include <string.h>
#include <strmap.h>
#include <texts.h>

START_TEST(err_sys_names_the_errno)
{
	struct err e = {0};

	ck_assert_int_eq(err_sys(&e, -ENOSPC, "mkdir '%s'", "x"), -ENOSPC);
	ck_assert_int_eq(e.code, -ENOSPC);
	ck_assert_str_eq(e.msg, "mkdir 'x': No space left on device (ENOSPC)");
	err_prefix(&e, "pod %d", 7);
	ck_assert_str_eq(e.msg, "pod 7: mkdir 'x': No space left on device (ENOSPC)");
	ck_assert_int_eq(err_set(NULL, -EIO, "nobody listens"), -EIO);
}
END_TEST

START_TEST(err_cuts_long_messages)
{
	char text[2 * ERR_MSG_MAX];
	struct err e = {0};

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	(void)err_sys(&e, -EIO, "%s", text);
	err_prefix(&e, "%s", text);
	ck_assert_uint_eq(strlen(e.msg), ERR_MSG_MAX - 1);
}
END_TEST

START_TEST(strbuf_keeps_its_cap)
{
	struct strbuf sb;
	char *taken;

	strbuf_init(&sb, 5);
	ck_assert_str_eq(strbuf_str(&sb), "");
	ck_assert_int_eq(strbuf_adds(&sb, "abc"), 0);
	ck_assert_int_eq(strbuf_addf(&sb, "%d", 42), 0);
	ck_assert_int_eq(strbuf_addc(&sb, 'x'), -EFBIG);
	ck_assert_int_eq(strbuf_adds(&sb, ""), -EFBIG);
	ck_assert_str_eq(strbuf_str(&sb), "abc42");
	ck_assert_ptr_null(strbuf_take(&sb));
	strbuf_reset(&sb);
	ck_assert_int_eq(strbuf_adds(&sb, "hello"), 0);
	strbuf_consume(&sb, 2);
	ck_assert_str_eq(strbuf_str(&sb), "llo");
	taken = strbuf_take(&sb);
	ck_assert_str_eq(taken, "llo");
	free(taken);
	strbuf_done(&sb);
}
END_TEST

static const struct {
	const char *text;
	int want;
	uint64_t value;
} numbers[] = {
	{"0", 0, 0},
	{"42", 0, 42},
	{"18446744073709551615", 0, UINT64_MAX},
	{"18446744073709551616", -ERANGE, 0},
	{"99999999999999999999999", -ERANGE, 0},
	{"", -EINVAL, 0},
	{" 1", -EINVAL, 0},
	{"1 ", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{"+1", -EINVAL, 0},
	{"0x10", -EINVAL, 0},
	{"1e3", -EINVAL, 0},
};

START_TEST(numbers_are_parsed_strictly)
{
	uint64_t v = 7;

	ck_assert_int_eq(num_parse_u64(numbers[_i].text, strlen(numbers[_i].text), UINT64_MAX, &v),
			 numbers[_i].want);
	ck_assert_uint_eq(v, numbers[_i].want ? 7 : numbers[_i].value);
}
END_TEST

static const struct {
	const char *text;
	int want;
	uint64_t ms;
} durations[] = {
	{"0", 0, 0},          {"10s", 0, 10000},    {"250ms", 0, 250},   {"5m", 0, 300000},
	{"1h", 0, 3600000},   {"10", -EINVAL, 0},   {"s", -EINVAL, 0},   {"", -EINVAL, 0},
	{"1.5s", -EINVAL, 0}, {"10 s", -EINVAL, 0}, {"25h", -ERANGE, 0}, {"-1s", -EINVAL, 0},
};

START_TEST(durations_need_a_unit)
{
	uint64_t ms = 7;

	ck_assert_int_eq(num_parse_duration_ms(durations[_i].text, 86400000, &ms),
			 durations[_i].want);
	ck_assert_uint_eq(ms, durations[_i].want ? 7 : durations[_i].ms);
}
END_TEST

START_TEST(strmap_finds_what_was_added_through_growth_and_removal)
{
	enum { N = 3000 };
	static char keys[N][16];
	struct strmap m;
	size_t seen = 0, i = 0;

	strmap_init(&m, 1);
	ck_assert_ptr_null(strmap_get(&m, "x"));
	ck_assert_ptr_null(strmap_del(&m, "x"));
	for (int k = 0; k < N; k++) {
		snprintf(keys[k], sizeof(keys[k]), "key-%d", k);
		ck_assert_int_eq(strmap_add(&m, keys[k], keys[k]), 0);
	}
	ck_assert_int_eq(strmap_add(&m, "key-5", keys[0]), -EEXIST);
	for (int k = 0; k < N; k += 3)
		ck_assert_ptr_eq(strmap_del(&m, keys[k]), keys[k]);
	for (int k = 0; k < N; k++)
		ck_assert_ptr_eq(strmap_get(&m, keys[k]), k % 3 ? keys[k] : NULL);
	while (strmap_next(&m, &i))
		seen++;
	ck_assert_uint_eq(seen, m.nr);
	ck_assert_uint_eq(seen, N - N / 3);
	strmap_done(&m);
}
END_TEST

START_TEST(a_text_is_there_once_until_nobody_keeps_it)
{
	struct texts t;
	const char *a, *b, *changed = NULL;
	char s[] = "shop";

	texts_init(&t, 1);
	a = texts_keep(&t, s);
	s[0] = 'c'; /* it is a copy */
	b = texts_keep(&t, "shop");
	ck_assert_str_eq(a, "shop");
	ck_assert_ptr_eq(a, b);
	ck_assert_uint_eq(t.by_text.nr, 1);
	texts_drop(&t, a);
	ck_assert_str_eq(b, "shop");
	ck_assert_int_eq(texts_set(&t, &changed, "shop"), 0);
	texts_drop(&t, b);
	ck_assert_int_eq(texts_set(&t, &changed, changed), 0);
	ck_assert_str_eq(changed, "shop");
	ck_assert_int_eq(texts_set(&t, &changed, changed + 1), 0);
	ck_assert_str_eq(changed, "hop");
	ck_assert_uint_eq(t.by_text.nr, 1);
	texts_drop(&t, changed);
	texts_drop(&t, NULL);
	ck_assert_uint_eq(t.by_text.nr, 0);
	ck_assert_ptr_nonnull(texts_keep(&t, "")); /* which texts_done() frees */
	texts_done(&t);
}
END_TEST

START_TEST(list_keeps_order_and_survives_removal_while_walking)
{
	struct item {
		int n;
		struct list link;
	} items[4] = {{.n = 0}, {.n = 1}, {.n = 2}, {.n = 3}};
	struct list head;
	int sum = 0;

	list_init(&head);
	ck_assert(list_empty(&head));
	for (int i = 0; i < 4; i++)
		list_append(&head, &items[i].link);
	list_for_each_safe (it, nxt, &head) {
		if (list_entry(it, struct item, link)->n % 2)
			list_del(it);
	}
	list_for_each (it, &head) {
		sum = sum * 10 + list_entry(it, struct item, link)->n;
	}
	ck_assert_int_eq(sum, 2);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("base");
	TCase *tc = tcase_create("base");

	tcase_add_test(tc, err_sys_names_the_errno);
	tcase_add_test(tc, err_cuts_long_messages);
	tcase_add_test(tc, strbuf_keeps_its_cap);
	tcase_add_loop_test(tc, numbers_are_parsed_strictly, 0, ARRAY_LEN(numbers));
	tcase_add_loop_test(tc, durations_need_a_unit, 0, ARRAY_LEN(durations));
	tcase_add_test(tc, strmap_finds_what_was_added_through_growth_and_removal);
	tcase_add_test(tc, a_text_is_there_once_until_nobody_keeps_it);
	tcase_add_test(tc, list_keeps_order_and_survives_removal_while_walking);
	suite_add_tcase(s, tc);
	return s;
}
