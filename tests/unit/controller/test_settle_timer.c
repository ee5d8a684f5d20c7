/* SPDX-License-Identifier: Apache-2.0 */

/* When memory is given back. Only lower bounds of times are looked at: a slow machine is no
 * failure. */

#include "unit/runner.h"

#include <settle_timer.h>

#define SOON_S 0.01
#define CALM_S 0.05
#define GAP_S  0.2

static struct ev_loop *loop;
static struct settle_timer timer;
static ev_timer activity;
static unsigned nr_settled, nr_notes;
static ev_tstamp settled_at[8], noted_at;

static void on_settle(void *ctx)
{
	ck_assert_ptr_eq(ctx, &nr_settled);
	ck_assert_uint_lt(nr_settled, 8);
	settled_at[nr_settled++] = ev_now(loop);
}

static void note(void)
{
	noted_at = ev_now(loop);
	settle_timer_note(&timer);
}

/* As many notes as are asked for, one every 10 ms. */
static void on_activity(struct ev_loop *l, ev_timer *w, int revents)
{
	(void)revents;
	note();
	if (--nr_notes == 0)
		ev_timer_stop(l, w);
}

static void setup(void)
{
	const struct settle_timer_config config = {
		.soon_s = SOON_S,
		.calm_s = CALM_S,
		.gap_s = GAP_S,
		.settle = on_settle,
		.ctx = &nr_settled,
	};

	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_ptr_nonnull(loop);
	nr_settled = 0;
	settle_timer_init(&timer, loop, &config);
	ev_timer_init(&activity, on_activity, 0.01, 0.01);
}

static void teardown(void)
{
	settle_timer_stop(&timer);
	ev_loop_destroy(loop);
}

/* The loop ends by itself when nothing is waited for any more. */
START_TEST(without_activity_it_is_once_after_a_synchronize)
{
	settle_timer_soon(&timer);
	ev_run(loop, 0);
	ck_assert_uint_eq(nr_settled, 1);
}
END_TEST

START_TEST(it_is_not_put_off_by_activity_and_comes_again_after_it)
{
	ev_tstamp began = ev_now(loop);

	nr_notes = 6;
	ev_timer_start(loop, &activity);
	settle_timer_soon(&timer);
	ev_run(loop, 0);
	ck_assert_uint_eq(nr_settled, 2);
	ck_assert_double_ge(settled_at[0], began + SOON_S / 2);
	ck_assert_double_ge(settled_at[1], noted_at + CALM_S);
}
END_TEST

START_TEST(a_burst_is_waited_out)
{
	nr_notes = 20;
	ev_timer_start(loop, &activity);
	ev_run(loop, 0);
	ck_assert_uint_eq(nr_settled, 1);
	ck_assert_double_ge(settled_at[0], noted_at + CALM_S);
}
END_TEST

START_TEST(calm_after_calm_keeps_its_distance)
{
	note();
	ev_run(loop, 0);
	ck_assert_uint_eq(nr_settled, 1);
	note();
	ev_run(loop, 0);
	ck_assert_uint_eq(nr_settled, 2);
	ck_assert_double_ge(settled_at[1], settled_at[0] + GAP_S);
}
END_TEST

START_TEST(stopped_it_does_nothing)
{
	note();
	settle_timer_soon(&timer);
	settle_timer_stop(&timer);
	ev_run(loop, 0);
	ck_assert_uint_eq(nr_settled, 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("settle timer");
	TCase *tc = tcase_create("settle timer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_activity_it_is_once_after_a_synchronize);
	tcase_add_test(tc, it_is_not_put_off_by_activity_and_comes_again_after_it);
	tcase_add_test(tc, a_burst_is_waited_out);
	tcase_add_test(tc, calm_after_calm_keeps_its_distance);
	tcase_add_test(tc, stopped_it_does_nothing);
	suite_add_tcase(s, tc);
	return s;
}
