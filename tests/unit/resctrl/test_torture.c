/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every allocation fails in turn. This program is linked with --wrap for malloc, calloc
 * and realloc (tests/contract/contract.mk); nothing else in the project is.
 */

#include "scenario.h"

#include "resctrl_real.h"

#include <fcntl.h>

static unsigned countdown; /* the allocation that fails; 0: none */
static bool inside;        /* the library, and not the test or libcheck */
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool fails_now(void)
{
	if (!inside || !countdown || --countdown)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return fails_now() ? NULL : __real_calloc(nr, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails_now() ? NULL : __real_realloc(p, size);
}

static void fail_nth(unsigned n)
{
	countdown = n;
	failed = false;
}

static void around(bool is_inside)
{
	inside = is_inside;
}

#define INSIDE(r, call)         \
	do {                    \
		inside = true;  \
		(r) = (call);   \
		inside = false; \
	} while (0)

#define RMIDS 16

/* A failed allocation inside the simulated tree is the tree's -ENOMEM, which is fine, too. */
static bool run_with_failure(unsigned n)
{
	const struct rs_sim_config config = {.rmids = RMIDS};
	struct scenario s = {.around = around};
	struct rs_sim *sim = NULL;
	struct err e = {0};
	int r;

	fail_nth(n);
	INSIDE(r, rs_sim_new(&config, &sim, &e));
	if (r == 0)
		INSIDE(r, rs_new(&rs_sim_ops, sim, &s.rs, &e));
	if (r < 0) {
		fail_nth(0);
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_int_eq(e.code, -ENOMEM);
		rs_sim_free(sim);
		return true;
	}
	scenario_run(&s);
	r = failed;
	fail_nth(0);
	if (!r)
		ck_assert_uint_eq(s.errors, 0);
	scenario_expect_unharmed(sim, RMIDS);
	rs_free(s.rs);
	rs_sim_free(sim);
	return r;
}

START_TEST(every_allocation_may_fail_without_harm)
{
	unsigned n = 1;

	while (run_with_failure(n))
		n++;
	ck_assert_uint_gt(n, 30);
}
END_TEST

/* Only the library's own: then a call that fails must say so, and with -ENOMEM. */
START_TEST(a_failed_allocation_is_ENOMEM)
{
	struct rs_tids list = {0};
	struct fixture f;
	struct rs_group g;
	unsigned n = 1;
	int r;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	do {
		struct rs_tids tids = fixture_tids(1, 40);
		struct rs_assign_result res;

		ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
		rs_tids_done(&tids);
		fail_nth(n++);
		INSIDE(r, rs_group_tasks(f.rs, g.path, &list, &f.e));
		if (failed)
			ck_assert_int_eq(r, -ENOMEM);
	} while (failed);
	fail_nth(0);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(list.nr, 40);
	ck_assert_uint_gt(n, 3);
	rs_tids_done(&list);
	fixture_done(&f);
}
END_TEST

START_TEST(opening_the_real_tree_may_fail)
{
	struct rs_real *real = NULL;
	struct err e;
	unsigned n;
	int r;

	for (n = 1;; n++) {
		fail_nth(n);
		INSIDE(r, rs_real_open("/sys/fs/resctrl", &real, &e));
		if (r == 0)
			break;
		ck_assert_int_eq(e.code, -ENOMEM);
		ck_assert_ptr_null(real);
	}
	fail_nth(0);
	rs_real_close(real);
	ck_assert_uint_gt(n, 1);
}
END_TEST

START_TEST(detecting_the_mount_may_fail)
{
	const struct rs_mount_env env = {.proc_root = "/proc"};
	struct rs_mount m;
	struct err e;
	unsigned n = 0;
	int r;

	do {
		fail_nth(++n);
		INSIDE(r, rs_mount_detect(&env, "/none", &m, &e));
		ck_assert(r == 0 || (r == -ENOMEM && e.code == -ENOMEM));
	} while (r < 0);
	fail_nth(0);
	ck_assert_uint_gt(n, 1);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl when memory runs out");
	TCase *tc = tcase_create("torture");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_allocation_may_fail_without_harm);
	tcase_add_test(tc, a_failed_allocation_is_ENOMEM);
	tcase_add_test(tc, opening_the_real_tree_may_fail);
	tcase_add_test(tc, detecting_the_mount_may_fail);
	suite_add_tcase(s, tc);
	return s;
}
