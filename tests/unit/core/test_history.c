/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two million steps of random histories. CORE_HISTORY_SEED=N plays one of them again, with
 * every step printed; CORE_HISTORY_STEPS=N sets how many steps are done in all.
 */

#include "core_history.h"
#include "num.h"
#include "unit/runner.h"

#include <stdio.h>
#include <string.h>

#define STEPS_EACH 2000ul

#if defined(__SANITIZE_ADDRESS__)
#define STEPS_ALL 200000ul
#else
#define STEPS_ALL 2000000ul
#endif

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	uint64_t v = otherwise;

	if (text)
		ck_assert_int_eq(num_parse_u64(text, strlen(text), UINT32_MAX, &v), 0);
	return (unsigned long)v;
}

START_TEST(whatever_happens_the_state_heals)
{
	unsigned long all = number("CORE_HISTORY_STEPS", STEPS_ALL), done = 0;
	uint32_t seed = 0;

	if (getenv("CORE_HISTORY_SEED")) {
		seed = (uint32_t)number("CORE_HISTORY_SEED", 0);
		ck_assert_uint_gt(history_from_seed(seed, STEPS_EACH, true), 0);
		return;
	}
	while (done < all)
		done += history_from_seed(seed++, STEPS_EACH, false);
	printf("core histories: %lu steps in %u histories\n", done, seed);
	fflush(stdout);
	ck_assert_uint_ge(done, all);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core history");
	TCase *tc = tcase_create("history");

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, whatever_happens_the_state_heals);
	suite_add_tcase(s, tc);
	return s;
}
