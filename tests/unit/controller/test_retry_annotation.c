/* SPDX-License-Identifier: Apache-2.0 */
#include "retry_annotation.h"
#include "unit/runner.h"

#include <errno.h>
#include <string.h>

START_TEST(printable_ascii_up_to_256_characters_is_its_own_token)
{
	char value[258], token[STATUS_TOKEN_MAX + 1];

	memset(value, '~', sizeof(value));
	value[256] = '\0';
	ck_assert(retry_token(value, token));
	ck_assert_str_eq(value, token);
	value[256] = '~';
	value[257] = '\0';
	ck_assert(!retry_token(value, token));
	ck_assert(retry_token("2026-11-20T18:00:00Z by me", token));
	ck_assert(retry_token(" ", token));
}
END_TEST

START_TEST(each_bad_value_has_a_name_of_its_own)
{
	char a[STATUS_TOKEN_MAX + 1], b[STATUS_TOKEN_MAX + 1];

	/* FNV-1a of nothing is its offset basis */
	ck_assert(!retry_token("", a));
	ck_assert_str_eq(a, "invalid:cbf29ce484222325");
	ck_assert(!retry_token("\n", a));
	ck_assert(!retry_token("\t", b));
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strlen(a), 24);
}
END_TEST

static const struct {
	const char *name;
	int rc;
	struct core_retry_report
		report; /* groups tried, created, containers tried, reconciled, errors */
	enum status_retry_result want;
} rows[] = {
	{"nothing was wrong", 0, {0, 0, 0, 0, 0, false, {0}}, STATUS_RETRY_NOTHING_TO_DO},
	{"all is well now", 0, {1, 1, 2, 2, 0, false, {0}}, STATUS_RETRY_SUCCEEDED},
	{"only the group", 0, {1, 1, 0, 0, 0, false, {0}}, STATUS_RETRY_SUCCEEDED},
	{"one of two", 0, {0, 0, 2, 1, 0, false, {0}}, STATUS_RETRY_PARTIALLY_SUCCEEDED},
	{"group but no container",
	 0,
	 {1, 1, 1, 0, 1, false, {0}},
	 STATUS_RETRY_PARTIALLY_SUCCEEDED},
	{"no RMID", 0, {1, 0, 0, 0, 1, true, {0}}, STATUS_RETRY_FAILED},
	{"no task found", 0, {0, 0, 1, 0, 0, false, {0}}, STATUS_RETRY_FAILED},
	{"the call failed", -EIO, {0, 0, 0, 0, 0, false, {0}}, STATUS_RETRY_FAILED},
};

START_TEST(the_outcome_follows_from_what_was_done)
{
	struct core_pod_view view = {.reason = "OutOfRMIDs", .message = "view"};
	struct core_retry_report report = rows[_i].report;
	struct status_retry retry = {.token = "t"};
	struct err e = {.msg = "call"};

	err_set(&report.first_error, -ENOSPC, "first");
	retry_outcome(rows[_i].rc, &e, &report, &view, &retry);
	ck_assert_msg(retry.result == rows[_i].want, "%s: %s", rows[_i].name,
		      status_retry_result_name(retry.result));
	ck_assert_str_eq(retry.reason, "OutOfRMIDs");
	ck_assert_str_eq(retry.token, "t");
	if (rows[_i].rc)
		ck_assert_str_eq(retry.message, "call");
	else if (report.errors)
		ck_assert_str_eq(retry.message, "first");
	else if (retry.result == STATUS_RETRY_SUCCEEDED)
		ck_assert_str_eq(retry.message, "");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("retry_annotation");
	TCase *t = tcase_create("annotation");

	tcase_add_test(t, printable_ascii_up_to_256_characters_is_its_own_token);
	tcase_add_test(t, each_bad_value_has_a_name_of_its_own);
	tcase_add_loop_test(t, the_outcome_follows_from_what_was_done, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(s, t);
	return s;
}
