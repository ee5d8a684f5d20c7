/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One thing fails, each in its turn: every operation of the tree, and every allocation.
 * Whatever it was, nothing breaks, and the retries bring everything into order again.
 */

#include "core_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world *w;

static void setup(void)
{
	w = world_new(32, 0);
	w->config.tuning.retry_interval_ms = 1000;
	w->config.tuning.retry_backoff_max_ms = 4000;
	w->config.tuning.audit_interval_ms = 2000;
	world_boot(w);
}

static void teardown(void)
{
	world_free(w);
}

/* Everything the core does, on two pods; what is left at the end is u2 with c2 and c3. */
static void scenario(void)
{
	struct core_retry_report report;

	synchronize(w, "u1", "u1/c1");
	world_run(w);
	run_pod(w, "u2");
	start(w, "u2", "c2");
	post_start(w, "u2", "c2");
	start(w, "u2", "c3");
	world_sleep(w, 2500);
	core_stop_container(w->core, w->now, "c1");
	core_remove_container(w->core, w->now, "c1");
	remove_pod(w, "u1");
	core_retry_all_once(w->core, w->now, &report);
	world_run(w);
}

static void prepare(void)
{
	(void)world_mkdir(w, "gold");
	(void)world_mkdir(w, "mon_groups/podresctrl-stale");
	(void)world_mkdir(w, "podresctrl-stale");
	world_add(w, "c1", 2);
	world_add(w, "c2", 3);
	world_move(w, world_add(w, "c3", 1), "");
}

static void check_healed(const char *what)
{
	static const char path[] = "mon_groups/podresctrl-u2";
	struct core_pod_view view;
	struct core_stats stats;

	world_sleep(w, 60000);
	ck_assert_msg(core_pod_view(w->core, "u2", &view), "%s: u2 is not known", what);
	ck_assert_msg(strcmp(view.reason, "AllAssigned") == 0, "%s: %s, %s", what, view.reason,
		      view.message);
	ck_assert_uint_eq(view.total_containers, 2);
	ck_assert_msg(world_count_in(w, world_container(w, "c2"), path) == 3, "%s", what);
	ck_assert_msg(world_count_in(w, world_container(w, "c3"), path) == 1, "%s", what);
	ck_assert_msg(!core_pod_view(w->core, "u1", &view), "%s: u1 is still known", what);
	ck_assert_msg(!world_has(w, "mon_groups/podresctrl-u1"), "%s: u1's group stays", what);
	ck_assert_msg(!world_has(w, "mon_groups/podresctrl-stale"), "%s: an orphan stays", what);
	ck_assert_msg(!world_has(w, "podresctrl-stale"), "%s: an orphan stays", what);
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.tombstones + stats.queued, 0);
}

static const int codes[] = {ENOSPC, EBUSY, EACCES, EROFS, EIO, ENOMEM, EINVAL};

START_TEST(each_operation_of_the_tree_may_fail_once)
{
	unsigned long nr, before;
	char what[80];

	prepare();
	before = w->total_calls;
	scenario();
	nr = w->total_calls - before;
	check_healed("no fault");
	ck_assert_uint_ge(nr, 20);
	for (unsigned long i = 1; i <= nr; i++) {
		teardown();
		setup();
		prepare();
		w->fail_at = w->total_calls + i;
		w->fail_errno = codes[_i];
		snprintf(what, sizeof(what), "operation %lu of %lu failed with %d", i, nr,
			 codes[_i]);
		scenario();
		check_healed(what);
	}
}
END_TEST

START_TEST(each_kind_of_operation_may_fail_for_a_while)
{
	char what[80];

	for (int op = 0; op < WORLD_NR_OPS; op++) {
		teardown();
		setup();
		prepare();
		w->fail[op] = codes[_i];
		snprintf(what, sizeof(what), "operation %d failed with %d", op, codes[_i]);
		scenario();
		world_sleep(w, 10000);
		w->fail[op] = 0;
		check_healed(what);
	}
}
END_TEST

/* ---- allocations -------------------------------------------------------------------------- */

#if !defined(__SANITIZE_ADDRESS__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *p, size_t size);

static bool counting;
static unsigned long nr_allocations, fail_allocation;

static bool refuse(void)
{
	if (!counting)
		return false;
	nr_allocations++;
	if (nr_allocations != fail_allocation)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return refuse() ? NULL : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	return refuse() ? NULL : __libc_calloc(nr, size);
}

void *realloc(void *p, size_t size)
{
	return refuse() ? NULL : __libc_realloc(p, size);
}

static unsigned long run_short_of_memory(unsigned long nr)
{
	w->keep_log = false;
	nr_allocations = 0;
	fail_allocation = nr;
	counting = true;
	scenario();
	counting = false;
	return nr_allocations;
}

START_TEST(each_allocation_may_fail_once)
{
	unsigned long nr;
	char what[80];

	prepare();
	nr = run_short_of_memory(0);
	if (!nr) {
		skip_test("each_allocation_may_fail_once", "malloc() is not ours, as in valgrind");
		return;
	}
	ck_assert_uint_gt(nr, 50);
	for (unsigned long i = 1; i <= nr; i++) {
		teardown();
		setup();
		prepare();
		(void)run_short_of_memory(i);
		snprintf(what, sizeof(what), "allocation %lu of %lu failed", i, nr);
		/* What was left aside for lack of memory comes back with the next complete list. */
		synchronize(w, "u2", "u2/c2 u2/c3");
		check_healed(what);
	}
}
END_TEST

/* What the runtime repeats or the audit finds in order costs no memory, not even for a moment. */
START_TEST(events_and_audits_of_what_is_known_allocate_nothing)
{
	prepare();
	if (!run_short_of_memory(0)) {
		skip_test("events_and_audits_of_what_is_known_allocate_nothing",
			  "malloc() is not ours, as in valgrind");
		return;
	}
	world_sleep(w, 60000);
	nr_allocations = 0;
	counting = true;
	for (int i = 0; i < 20; i++) {
		run_pod(w, "u2");
		start(w, "u2", "c2");
		post_start(w, "u2", "c2");
		world_sleep(w, 20000); /* a full audit, too */
		core_stop_container(w->core, w->now, "c3");
	}
	counting = false;
	ck_assert_uint_eq(nr_allocations, 0);
}
END_TEST
#endif

Suite *suite(void)
{
	Suite *s = suite_create("core faults");
	TCase *tc = tcase_create("faults");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, each_operation_of_the_tree_may_fail_once, 0,
			    sizeof(codes) / sizeof(codes[0]));
	tcase_add_loop_test(tc, each_kind_of_operation_may_fail_for_a_while, 0,
			    sizeof(codes) / sizeof(codes[0]));
#if !defined(__SANITIZE_ADDRESS__)
	tcase_add_test(tc, each_allocation_may_fail_once);
	tcase_add_test(tc, events_and_audits_of_what_is_known_allocate_nothing);
#endif
	suite_add_tcase(s, tc);
	return s;
}
