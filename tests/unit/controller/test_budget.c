/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"
#include "unit/runner.h"

#define MS 1000u
#define AT 5000000u

static struct budget b;

static enum core_hurry after(uint64_t us)
{
	return budget_hurry(&b, AT + us);
}

START_TEST(an_event_leaves_the_loop_soon_and_answers_in_time)
{
	budget_for_event(&b, AT, AT + 2000 * MS);
	ck_assert_int_eq(after(0), CORE_NO_HURRY);
	ck_assert_int_eq(after(8 * MS - 1), CORE_NO_HURRY);
	ck_assert_int_eq(after(8 * MS), CORE_HURRY);
	ck_assert_int_eq(after(500 * MS - 1), CORE_HURRY);
	ck_assert_int_eq(after(500 * MS), CORE_ANSWER_NOW);
	ck_assert_int_eq(budget_hurry(&b, UINT64_MAX), CORE_ANSWER_NOW);
}
END_TEST

START_TEST(an_impatient_runtime_is_answered_sooner)
{
	budget_for_event(&b, AT, AT + 20 * MS);
	ck_assert_int_eq(after(5 * MS - 1), CORE_NO_HURRY);
	ck_assert_int_eq(after(5 * MS), CORE_ANSWER_NOW);
}
END_TEST

START_TEST(one_whose_time_is_up_is_answered_at_once)
{
	budget_for_event(&b, AT, AT);
	ck_assert_int_eq(after(0), CORE_ANSWER_NOW);
	budget_for_event(&b, AT, AT - 1);
	ck_assert_int_eq(after(0), CORE_ANSWER_NOW);
}
END_TEST

START_TEST(one_that_waits_for_ever_still_leaves_the_loop_soon)
{
	budget_for_event(&b, AT, UINT64_MAX);
	ck_assert_int_eq(after(8 * MS), CORE_HURRY);
	ck_assert_int_eq(after(1000000u * MS), CORE_HURRY);
	/* and nothing wraps around at the end of time */
	budget_for_event(&b, UINT64_MAX - 1, UINT64_MAX);
	ck_assert_int_eq(budget_hurry(&b, UINT64_MAX - 1), CORE_ANSWER_NOW);
}
END_TEST

START_TEST(nobody_waits_for_queued_work_but_the_loop)
{
	budget_for_work(&b, AT);
	ck_assert_int_eq(after(4 * MS - 1), CORE_NO_HURRY);
	ck_assert_int_eq(after(4 * MS), CORE_HURRY);
	ck_assert_int_eq(after(3600000u * MS), CORE_HURRY);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("budget");
	TCase *tc = tcase_create("budget");

	tcase_add_test(tc, an_event_leaves_the_loop_soon_and_answers_in_time);
	tcase_add_test(tc, an_impatient_runtime_is_answered_sooner);
	tcase_add_test(tc, one_whose_time_is_up_is_answered_at_once);
	tcase_add_test(tc, one_that_waits_for_ever_still_leaves_the_loop_soon);
	tcase_add_test(tc, nobody_waits_for_queued_work_but_the_loop);
	suite_add_tcase(s, tc);
	return s;
}
