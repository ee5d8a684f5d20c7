/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <stale_pods.h>
#include <stdio.h>
#include <string.h>

static struct stale_pods *s;
static const char *inhabited; /* the one pod that has containers; NULL: none has */

static const struct nri_pod pods[] = {{.id = "s1", .uid = "u1"}, {.id = "s2", .uid = "u2"}};
static const struct nri_container of_s1 = {.id = "c1", .pod_sandbox_id = "s1"};
static const struct nri_container of_s2 = {.id = "c2", .pod_sandbox_id = "s2"};
static const struct nri_container of_new = {.id = "c3", .pod_sandbox_id = "s3"};

static bool is_empty(void *ctx, const char *uid)
{
	(void)ctx;
	return !inhabited || strcmp(inhabited, uid) != 0;
}

static void setup(void)
{
	inhabited = NULL;
	s = stale_pods_new(is_empty, NULL, 1);
	ck_assert_ptr_nonnull(s);
	stale_pods_snapshot(s, pods, 2);
}

static void teardown(void)
{
	stale_pods_free(s);
}

#define due() ((unsigned long long)stale_pods_due_ms(s))
#define NEVER ((unsigned long long)UINT64_MAX)

START_TEST(a_pod_of_the_snapshot_that_lost_its_last_container_is_waited_for)
{
	ck_assert_uint_eq(due(), NEVER);
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	ck_assert_uint_eq(due(), 1000 + STALE_AFTER_MS);
	stale_pods_event(s, 5000, NRI_REMOVE_CONTAINER, NULL, &of_s2);
	ck_assert_uint_eq(due(), 1000 + STALE_AFTER_MS);
}
END_TEST

START_TEST(when_the_runtime_tells_of_its_end_all_is_well)
{
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	stale_pods_event(s, 1001, NRI_REMOVE_POD_SANDBOX, &pods[0], NULL);
	ck_assert_uint_eq(due(), NEVER);
	stale_pods_event(s, 1002, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	ck_assert_uint_eq(due(), NEVER);
}
END_TEST

START_TEST(a_stopped_pod_is_one_the_runtime_still_knows)
{
	stale_pods_event(s, 1000, NRI_STOP_POD_SANDBOX, &pods[0], NULL);
	stale_pods_event(s, 1001, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	ck_assert_uint_eq(due(), NEVER);
}
END_TEST

START_TEST(a_container_that_is_replaced_is_no_sign)
{
	inhabited = "u1";
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	ck_assert_uint_eq(due(), NEVER);
	inhabited = NULL;
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	stale_pods_event(s, 2000, NRI_START_CONTAINER, NULL, &of_s1);
	ck_assert_uint_eq(due(), NEVER);
}
END_TEST

START_TEST(a_pod_that_has_containers_again_is_forgotten_and_the_next_counts)
{
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	stale_pods_event(s, 5000, NRI_REMOVE_CONTAINER, NULL, &of_s2);
	inhabited = "u1";
	ck_assert_uint_eq(due(), 5000 + STALE_AFTER_MS);
}
END_TEST

START_TEST(pods_that_came_after_the_snapshot_are_told_of_by_the_runtime)
{
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_new);
	ck_assert_uint_eq(due(), NEVER);
}
END_TEST

START_TEST(a_snapshot_replaces_what_was_known)
{
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	stale_pods_snapshot(s, &pods[1], 1);
	ck_assert_uint_eq(due(), NEVER);
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	ck_assert_uint_eq(due(), NEVER);
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s2);
	ck_assert_uint_eq(due(), 1000 + STALE_AFTER_MS);
}
END_TEST

START_TEST(it_is_not_asked_again_and_again)
{
	stale_pods_event(s, 1000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	stale_pods_asked(s, 40000);
	stale_pods_snapshot(s, pods, 2);
	stale_pods_event(s, 50000, NRI_REMOVE_CONTAINER, NULL, &of_s1);
	ck_assert_uint_eq(due(), 40000 + STALE_AGAIN_MS);
}
END_TEST

START_TEST(objects_that_lack_everything_do_no_harm)
{
	const struct nri_pod twice[] = {{.id = "x", .uid = ""}, {.id = "x", .uid = "u"}};

	stale_pods_snapshot(s, twice, 2);
	stale_pods_event(s, 1, NRI_REMOVE_POD_SANDBOX, NULL, NULL);
	stale_pods_event(s, 1, NRI_REMOVE_CONTAINER, NULL,
			 &(struct nri_container){.id = "c", .pod_sandbox_id = ""});
	ck_assert_uint_eq(due(), NEVER);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("stale pods");
	TCase *tc = tcase_create("stale");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_pod_of_the_snapshot_that_lost_its_last_container_is_waited_for);
	tcase_add_test(tc, when_the_runtime_tells_of_its_end_all_is_well);
	tcase_add_test(tc, a_stopped_pod_is_one_the_runtime_still_knows);
	tcase_add_test(tc, a_container_that_is_replaced_is_no_sign);
	tcase_add_test(tc, a_pod_that_has_containers_again_is_forgotten_and_the_next_counts);
	tcase_add_test(tc, pods_that_came_after_the_snapshot_are_told_of_by_the_runtime);
	tcase_add_test(tc, a_snapshot_replaces_what_was_known);
	tcase_add_test(tc, it_is_not_asked_again_and_again);
	tcase_add_test(tc, objects_that_lack_everything_do_no_harm);
	suite_add_tcase(suite, tc);
	return suite;
}
