/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"
#include "probes.h"
#include "unit/runner.h"

#include <string.h>

static struct http_bench bench;
static const char *trouble[2];

static const char *check_first(void *ctx, char *buf, size_t size)
{
	(void)ctx;
	(void)buf;
	(void)size;
	return trouble[0];
}

static const char *check_second(void *ctx, char *buf, size_t size)
{
	(void)ctx;
	(void)buf;
	(void)size;
	return trouble[1];
}

static const struct probe_check checks[] = {{"first", check_first}, {"second", check_second}, {0}};
static struct probes probes = {.checks = checks, .title = "readyz"};
static const struct http_route routes[] = {{"/readyz", false, HTTP_GET, probes_handle, &probes},
					   {0}};

static void set_up(void)
{
	trouble[0] = trouble[1] = NULL;
	http_bench_start(&bench, routes, 4);
}

static void tear_down(void)
{
	http_bench_stop(&bench);
}

START_TEST(all_well_is_one_word_and_verbose_a_line_each)
{
	ck_assert_str_eq(http_bench_body(&bench, "GET /readyz", 200), "ok");
	ck_assert_str_eq(http_bench_body(&bench, "GET /readyz?verbose", 200),
			 "[+]first ok\n[+]second ok\nreadyz check passed\n");
}
END_TEST

START_TEST(one_failure_fails_it_and_all_lines_are_there)
{
	trouble[1] = "NotMounted: nothing there";
	ck_assert_str_eq(http_bench_body(&bench, "GET /readyz", 503),
			 "[+]first ok\n[-]second failed: NotMounted: nothing there\n"
			 "readyz check failed\n");
	trouble[0] = "gone";
	ck_assert_str_eq(http_bench_body(&bench, "GET /readyz?verbose", 503),
			 "[-]first failed: gone\n[-]second failed: NotMounted: nothing there\n"
			 "readyz check failed\n");
}
END_TEST

START_TEST(other_parameters_are_refused)
{
	(void)http_bench_body(&bench, "GET /readyz?exclude=first", 400);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("probes");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, all_well_is_one_word_and_verbose_a_line_each);
	tcase_add_test(tc, one_failure_fails_it_and_all_lines_are_there);
	tcase_add_test(tc, other_parameters_are_refused);
	suite_add_tcase(s, tc);
	return s;
}
