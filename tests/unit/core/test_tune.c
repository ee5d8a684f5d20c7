/* SPDX-License-Identifier: Apache-2.0 */

/* What is changed while the core works takes hold at once, for what it knows already, too. */

#include "fixture.h"

#include <errno.h>
#include <string.h>

/* w->config as it is now, told to the core that runs. */
static void tune(void)
{
	core_tune(w->core, w->now, &w->config.tuning);
}

static void boot_with(uint64_t retry_ms, uint64_t audit_ms)
{
	w->config.tuning.retry_interval_ms = retry_ms;
	w->config.tuning.retry_backoff_max_ms = 10 * retry_ms;
	w->config.tuning.audit_interval_ms = audit_ms;
	world_boot(w);
}

START_TEST(a_shorter_retry_interval_holds_for_a_pod_that_waits)
{
	boot_with(600000, 0);
	w->fail[WORLD_MKDIR] = EACCES;
	run_pod(w, "u1");
	expect("u1 Failed 0/0");
	w->fail[WORLD_MKDIR] = 0;
	world_sleep(w, 20000);
	expect("");
	w->config.tuning.retry_interval_ms = 1000;
	tune();
	world_sleep(w, 2000);
	expect("u1 Exists 0/0");
}
END_TEST

START_TEST(retries_can_be_switched_off_and_on)
{
	boot_with(1000, 0);
	w->fail[WORLD_MKDIR] = EACCES;
	run_pod(w, "u1");
	expect("u1 Failed 0/0");
	w->config.tuning.retry_interval_ms = 0;
	tune();
	w->fail[WORLD_MKDIR] = 0;
	world_sleep(w, 600000);
	expect("");
	ck_assert_uint_eq(core_next_work_ms(w->core), UINT64_MAX);
	w->config.tuning.retry_interval_ms = 1000;
	tune();
	world_sleep(w, 2000);
	expect("u1 Exists 0/0");
}
END_TEST

START_TEST(a_partial_container_waits_by_the_new_interval)
{
	struct world_container *c = world_add(w, "c1", 1);

	boot_with(0, 0);
	c->error = EIO;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	c->error = 0;
	world_sleep(w, 600000);
	expect("");
	w->config.tuning.retry_interval_ms = 1000;
	w->config.tuning.retry_backoff_max_ms = 10000;
	tune();
	world_sleep(w, 2000);
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(a_removal_that_failed_is_tried_again_once_retries_are_on)
{
	boot_with(0, 0);
	run_pod(w, "u1");
	w->fail[WORLD_RMDIR] = EIO;
	remove_pod(w, "u1");
	world_sleep(w, 1000);
	w->fail[WORLD_RMDIR] = 0;
	world_sleep(w, 600000);
	ck_assert(world_has(w, GROUP("u1")));
	w->config.tuning.retry_interval_ms = 1000;
	tune();
	world_sleep(w, 1000);
	ck_assert(!world_has(w, GROUP("u1")));
	ck_assert_uint_eq(core_next_work_ms(w->core), UINT64_MAX);
}
END_TEST

START_TEST(the_audit_takes_its_new_interval_at_once)
{
	struct world_container *c = world_add(w, "c1", 1);

	boot_with(0, 3600000);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	post_start(w, "u1", "c1");
	(void)world_enter(w, c);
	world_sleep(w, 60000);
	ck_assert_uint_eq(world_count_in(w, c, GROUP("u1")), 1);
	w->config.tuning.audit_interval_ms = 10000;
	tune();
	world_sleep(w, 10000);
	ck_assert_uint_eq(world_count_in(w, c, GROUP("u1")), 2);
	w->config.tuning.audit_interval_ms = 0;
	tune();
	(void)world_enter(w, c);
	world_sleep(w, 3600000);
	ck_assert_uint_eq(world_count_in(w, c, GROUP("u1")), 2);
	ck_assert_uint_eq(core_next_work_ms(w->core), UINT64_MAX);
}
END_TEST

START_TEST(a_smaller_reserve_gives_room_to_the_pod_that_waited_longest)
{
	w->config.tuning.rmid_reserve = 31;
	boot_with(600000, 0);
	run_pod(w, "u1");
	run_pod(w, "u2");
	expect("u1 Failed 0/0; u2 Failed 0/0");
	w->config.tuning.rmid_reserve = 30;
	tune();
	world_run(w);
	expect("u1 Exists 0/0");
	w->config.tuning.rmid_reserve = 31;
	tune();
	run_pod(w, "u3");
	expect("u3 Failed 0/0");
}
END_TEST

START_TEST(pods_that_have_stopped_are_released_when_that_is_switched_on)
{
	boot_with(0, 0);
	run_pod(w, "u1");
	run_pod(w, "u2");
	stop_pod(w, "u1");
	expect("u1 Exists 0/0; u2 Exists 0/0");
	w->config.tuning.release_on_sandbox_stop = true;
	tune();
	world_run(w);
	expect("u1 Removed");
	ck_assert(!world_has(w, GROUP("u1")));
	ck_assert(world_has(w, GROUP("u2")));
	tune();
	expect("");
}
END_TEST

START_TEST(the_same_values_change_nothing)
{
	boot_with(1000, 30000);
	w->fail[WORLD_MKDIR] = EACCES;
	run_pod(w, "u1");
	(void)world_events(w);
	world_sleep(w, 60000);
	w->calls[WORLD_MKDIR] = 0;
	for (int i = 0; i < 100; i++)
		tune();
	world_run(w);
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core, changed while it works");
	TCase *tc = tcase_create("tune");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_shorter_retry_interval_holds_for_a_pod_that_waits);
	tcase_add_test(tc, retries_can_be_switched_off_and_on);
	tcase_add_test(tc, a_partial_container_waits_by_the_new_interval);
	tcase_add_test(tc, a_removal_that_failed_is_tried_again_once_retries_are_on);
	tcase_add_test(tc, the_audit_takes_its_new_interval_at_once);
	tcase_add_test(tc, a_smaller_reserve_gives_room_to_the_pod_that_waited_longest);
	tcase_add_test(tc, pods_that_have_stopped_are_released_when_that_is_switched_on);
	tcase_add_test(tc, the_same_values_change_nothing);
	suite_add_tcase(s, tc);
	return s;
}
