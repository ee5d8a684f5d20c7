/* SPDX-License-Identifier: Apache-2.0 */
#include "rate_limit.h"
#include "unit/runner.h"

static unsigned drain(struct rate_limit *r, uint64_t now_ms)
{
	unsigned n = 0;

	while (rate_limit_take(r, now_ms))
		n++;
	return n;
}

START_TEST(a_full_bucket_gives_its_burst_and_then_its_rate)
{
	struct rate_limit r;

	rate_limit_init(&r, 5, 20, 1000);
	ck_assert_uint_eq(drain(&r, 1000), 20);
	ck_assert_uint_eq(rate_limit_next_ms(&r, 1000), 1200);
	ck_assert_uint_eq(drain(&r, 1199), 0);
	ck_assert_uint_eq(rate_limit_next_ms(&r, 1199), 1200);
	ck_assert_uint_eq(drain(&r, 1200), 1);
	ck_assert_uint_eq(drain(&r, 2200), 5);
	ck_assert_uint_eq(drain(&r, UINT64_MAX / 2), 20);
}
END_TEST

START_TEST(the_next_token_is_there_when_it_was_announced)
{
	for (unsigned rate = 1; rate <= 2000; rate += 37) {
		struct rate_limit r;
		uint64_t now = 5;

		rate_limit_init(&r, rate, 1, now);
		for (int i = 0; i < 100; i++) {
			ck_assert(rate_limit_take(&r, now));
			now = rate_limit_next_ms(&r, now);
		}
		ck_assert_uint_ge(now, 5 + 99ull * 1000 / rate);
	}
}
END_TEST

START_TEST(a_clock_that_goes_backwards_gives_nothing)
{
	struct rate_limit r;

	rate_limit_init(&r, 5, 2, 10000);
	ck_assert_uint_eq(drain(&r, 10000), 2);
	ck_assert_uint_eq(drain(&r, 0), 0);
	ck_assert_uint_eq(drain(&r, 10000), 0);
	ck_assert_uint_eq(drain(&r, 10200), 1);
}
END_TEST

START_TEST(odd_limits_are_moved_into_their_range)
{
	struct rate_limit r;

	rate_limit_init(&r, 0, 0, 0);
	ck_assert_uint_eq(drain(&r, 0), 1);
	ck_assert_uint_eq(drain(&r, 1000), 1);
	rate_limit_init(&r, UINT32_MAX, 3, 0);
	ck_assert_uint_eq(drain(&r, 0), 3);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("rate_limit");
	TCase *t = tcase_create("bucket");

	tcase_add_test(t, a_full_bucket_gives_its_burst_and_then_its_rate);
	tcase_add_test(t, the_next_token_is_there_when_it_was_announced);
	tcase_add_test(t, a_clock_that_goes_backwards_gives_nothing);
	tcase_add_test(t, odd_limits_are_moved_into_their_range);
	suite_add_tcase(s, t);
	return s;
}
