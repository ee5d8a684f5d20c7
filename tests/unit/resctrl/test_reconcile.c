/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

/* A container whose tasks change from one enumeration to the next. */
struct container {
	struct fixture *f;
	const char *const *passes; /* "1 2 3"; the last one repeats */
	unsigned calls;
	int fail_at, fail_code; /* fail the call of this number, counted from 1 */
	void (*on_list)(struct container *c);
	pid_t stranger; /* not ours any more once it was written */
	unsigned asked;
	bool idle; /* the last pass is told again without a look */
};

static int list_container(void *ctx, struct rs_tids *ret, struct err *e)
{
	struct container *c = ctx;
	const char *text = c->passes[0];

	for (unsigned i = 0; i < c->calls && c->passes[i + 1]; i++)
		text = c->passes[i + 1];
	c->calls++;
	if (c->on_list)
		c->on_list(c);
	if (c->fail_at && (int)c->calls == c->fail_at)
		return err_set(e, c->fail_code, "the cgroup is not there");
	while (*text) {
		char *end;

		ck_assert_int_eq(rs_tids_add(ret, (pid_t)strtol(text, &end, 10)), 0);
		text = end + strspn(end, " ");
	}
	return c->idle && c->calls > 1 ? 1 : 0;
}

static bool is_ours(void *ctx, pid_t tid)
{
	struct container *c = ctx;

	c->asked++;
	return tid != c->stranger;
}

static int reconcile(struct fixture *f, struct container *c, const char *path,
		     const struct rs_tids *known, unsigned max_passes,
		     struct rs_reconcile_result *res)
{
	const struct rs_task_source source = {
		.list = list_container, .is_ours = is_ours, .ctx = c, .known = known};

	c->f = f;
	return rs_reconcile(f->rs, path, &source, max_passes, res, &f->e);
}

#define PASSES(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(a_stable_set_converges_in_two_enumerations)
{
	struct container c = {.passes = PASSES("3 1 2 1")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), 0);
	ck_assert_uint_eq(res.assigned, 3);
	ck_assert_uint_eq(res.missing, 0);
	ck_assert_uint_eq(res.total, 3);
	ck_assert_uint_eq(res.passes, 2);
	ck_assert_uint_eq(c.calls, 2);
	/* What is listed again is ours. */
	ck_assert_uint_eq(c.asked, 0);
	/* Reading `tasks` would cost a walk over every thread of the machine. */
	ck_assert_uint_eq(f.fs.calls[FAULT_READ], 0);
	fixture_done(&f);
}
END_TEST

START_TEST(a_known_set_takes_one_enumeration_and_no_write)
{
	struct rs_tids known = fixture_tids(1, 3);
	struct container c = {.passes = PASSES("1 2 3")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	fault_fs_recount(&f.fs);
	ck_assert_int_eq(reconcile(&f, &c, g.path, &known, 10, &res), 0);
	ck_assert_uint_eq(res.assigned, 0);
	ck_assert_uint_eq(res.missing, 0);
	ck_assert_uint_eq(res.total, 3);
	ck_assert_uint_eq(c.calls, 1);
	ck_assert_uint_eq(f.fs.total, 0);
	rs_tids_done(&known);
	fixture_done(&f);
}
END_TEST

START_TEST(only_what_is_not_known_is_written)
{
	struct rs_tids known = fixture_tids(1, 3);
	struct container c = {.passes = PASSES("2 3 4")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(reconcile(&f, &c, g.path, &known, 10, &res), 0);
	ck_assert_uint_eq(res.assigned, 1);
	ASSERT_IN_GROUP(&f, 4, g.path);
	ASSERT_IN_GROUP(&f, 2, "");
	rs_tids_done(&known);
	fixture_done(&f);
}
END_TEST

START_TEST(a_growing_set_converges)
{
	struct container c = {.passes = PASSES("1", "1 2")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), 0);
	ck_assert_uint_eq(res.assigned, 2);
	ck_assert_uint_eq(res.missing, 0);
	ck_assert_uint_eq(res.passes, 3);
	ASSERT_IN_GROUP(&f, 2, g.path);
	fixture_done(&f);
}
END_TEST

START_TEST(a_task_that_is_always_ESRCH_takes_every_pass)
{
	struct container c = {.passes = PASSES("42")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	rs_sim_exit(f.sim, 42);
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 5, &res), 0);
	ck_assert_uint_eq(c.calls, 5);
	ck_assert_uint_eq(res.passes, 5);
	ck_assert_uint_eq(res.assigned, 0);
	ck_assert_uint_eq(res.missing, 1);
	ck_assert_uint_eq(res.refused, 0);
	fixture_done(&f);
}
END_TEST

START_TEST(a_set_that_churns_is_missing_its_last_members)
{
	struct container c = {.passes = PASSES("1 2", "3 4", "5 6")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	for (pid_t tid = 1; tid <= 6; tid++)
		rs_sim_exit(f.sim, tid);
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 3, &res), 0);
	ck_assert_uint_eq(res.passes, 3);
	ck_assert_uint_eq(res.missing, 2);
	ck_assert_uint_eq(res.total, 2);
	fixture_done(&f);
}
END_TEST

START_TEST(a_task_that_ended_before_the_last_enumeration_is_not_missing)
{
	struct container c = {.passes = PASSES("1 42", "1")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	rs_sim_exit(f.sim, 42);
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 2, &res), 0);
	ck_assert_uint_eq(res.missing, 0);
	ck_assert_uint_eq(res.total, 1);
	fixture_done(&f);
}
END_TEST

/* The first enumeration misses a child that its parent, not yet moved, has just made. */
static void fork_after_first(struct container *c)
{
	if (c->calls == 1)
		ck_assert_int_eq(rs_sim_fork(c->f->sim, 1, 100), 0);
	if (c->calls == 2)
		ck_assert_int_eq(rs_sim_fork(c->f->sim, 1, 101), 0);
}

START_TEST(forks_during_the_passes_end_up_in_the_group)
{
	struct container c = {.passes = PASSES("1", "1 100"), .on_list = fork_after_first};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), 0);
	ck_assert_uint_eq(res.missing, 0);
	ASSERT_IN_GROUP(&f, 100, g.path);
	ASSERT_IN_GROUP(&f, 101, g.path); /* inherited, never written */
	ck_assert_uint_eq(res.assigned, 2);
	fixture_done(&f);
}
END_TEST

START_TEST(no_tasks_at_all_is_ESRCH)
{
	struct container c = {.passes = PASSES("")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), -ESRCH);
	ck_assert_int_eq(f.e.code, -ESRCH);
	ck_assert_uint_eq(c.calls, 1);
	ck_assert_uint_eq(res.total, 0);
	fixture_done(&f);
}
END_TEST

START_TEST(an_error_of_the_source_is_passed_on)
{
	struct container c = {.passes = PASSES("1"), .fail_at = 2, .fail_code = -ENOENT};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), -ENOENT);
	ck_assert_str_eq(f.e.msg, "the cgroup is not there");
	ck_assert_uint_eq(res.assigned, 1);
	ck_assert_uint_eq(res.passes, 2);
	fixture_done(&f);
}
END_TEST

START_TEST(refused_tasks_are_missing_and_tried_once)
{
	struct rs_tids foreign = fixture_tids(2, 3);
	struct container c = {.passes = PASSES("1 2 3 4")};
	struct rs_reconcile_result res;
	struct rs_assign_result assigned;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	(void)fixture_ctrl(&f, "c");
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, "c", &foreign, &assigned, &f.e), 0);
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), 0);
	ck_assert_uint_eq(res.passes, 2);
	ck_assert_uint_eq(res.assigned, 2);
	ck_assert_uint_eq(res.missing, 2);
	ck_assert_uint_eq(res.refused, 2);
	ck_assert_int_eq(res.first_refused, 2);
	ASSERT_IN_GROUP(&f, 2, "c");
	rs_tids_done(&foreign);
	fixture_done(&f);
}
END_TEST

START_TEST(a_stranger_is_written_back_to_the_parent)
{
	struct container c = {.passes = PASSES("1 2 3", "1 3"), .stranger = 2};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), 0);
	ck_assert_uint_eq(res.assigned, 2);
	ck_assert_uint_eq(res.returned, 1);
	ck_assert_uint_eq(res.missing, 0);
	ASSERT_IN_GROUP(&f, 2, "");
	ASSERT_IN_GROUP(&f, 3, g.path);
	fixture_done(&f);
}
END_TEST

/* It may be in the list only because nobody has looked again. */
START_TEST(a_list_that_was_not_looked_at_again_vouches_for_nobody)
{
	struct container c = {.passes = PASSES("1 2 3"), .stranger = 2, .idle = true};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 2, &res), 0);
	ck_assert_uint_ge(c.asked, 3);
	ck_assert_uint_ge(res.returned, 1);
	ck_assert_uint_eq(res.missing, 1);
	ASSERT_IN_GROUP(&f, 2, "");
	ASSERT_IN_GROUP(&f, 3, g.path);
	fixture_done(&f);
}
END_TEST

START_TEST(a_stranger_goes_back_to_the_control_group_above)
{
	struct rs_tids all = fixture_tids(1, 3);
	struct container c = {.passes = PASSES("1 2 3", "1 3"), .stranger = 2};
	struct rs_reconcile_result res;
	struct rs_assign_result assigned;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	(void)fixture_ctrl(&f, "c");
	g = fixture_mon(&f, "c", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, "c", &all, &assigned, &f.e), 0);
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), 0);
	ASSERT_IN_GROUP(&f, 2, "c");
	ASSERT_IN_GROUP(&f, 1, g.path);
	rs_tids_done(&all);
	fixture_done(&f);
}
END_TEST

START_TEST(a_stranger_is_written_back_even_when_a_later_write_fails)
{
	const struct rs_sim_config config = {.no_task_lists = true};
	struct container c = {.passes = PASSES("1 2 3"), .stranger = 1};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &config);
	g = fixture_mon(&f, "", "a");
	/* The list that is tried first, then 1, and 2 fails. */
	fault_fs_fail_times(&f.fs, FAULT_WRITE, g.path, -EACCES, 2, 1);
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 10, &res), -EACCES);
	ck_assert_int_eq(f.e.code, -EACCES);
	ck_assert_ptr_nonnull(strstr(f.e.msg, "'mon_groups/a/tasks'"));
	ck_assert_uint_eq(res.returned, 1);
	ASSERT_IN_GROUP(&f, 1, "");
	fixture_done(&f);
}
END_TEST

START_TEST(a_lost_group_ends_the_call)
{
	struct container c = {.passes = PASSES("1 2 3")};
	struct rs_reconcile_result res;
	struct fixture f;

	fixture_init(&f, NULL);
	ck_assert_int_eq(reconcile(&f, &c, "mon_groups/gone", NULL, 10, &res), -ENOENT);
	ck_assert_uint_eq(res.passes, 1);
	ck_assert_uint_eq(res.missing, 3);
	ck_assert_int_eq(reconcile(&f, &c, "", NULL, 10, &res), -EINVAL);
	ck_assert_int_eq(reconcile(&f, &c, "mon_groups/gone", NULL, 0, &res), -EINVAL);
	fixture_done(&f);
}
END_TEST

START_TEST(one_pass_judges_by_what_was_written)
{
	struct container c = {.passes = PASSES("1 2 42")};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	rs_sim_exit(f.sim, 42);
	ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 1, &res), 0);
	ck_assert_uint_eq(c.calls, 1);
	ck_assert_uint_eq(res.assigned, 2);
	ck_assert_uint_eq(res.missing, 1);
	fixture_done(&f);
}
END_TEST

START_TEST(equal_sets_have_equal_fingerprints)
{
	static const char *const sets[] = {"1 2 3", "3 2 1 3", "1 2", "1 2 4", "12 3"};
	uint64_t prints[ARRAY_LEN(sets)];
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct container c = {.passes = PASSES(sets[i])};
		struct rs_reconcile_result res;

		ck_assert_int_eq(reconcile(&f, &c, g.path, NULL, 2, &res), 0);
		prints[i] = res.fingerprint;
	}
	ck_assert(prints[0] == prints[1]);
	for (size_t i = 2; i < ARRAY_LEN(sets); i++) {
		for (size_t j = 1; j < i; j++)
			ck_assert(prints[i] != prints[j]);
	}
	fixture_done(&f);
}
END_TEST

/* ---- time that is up ---------------------------------------------------------------- */

static bool after_two(void *ctx, size_t nr_written)
{
	(void)ctx;
	ck_assert_uint_gt(nr_written, 0);
	return nr_written >= 2;
}

static bool at_once(void *ctx, size_t nr_written)
{
	(void)ctx;
	(void)nr_written;
	return true;
}

START_TEST(when_the_time_is_up_the_rest_is_left_and_told)
{
	const struct rs_sim_config old = {.rmids = 32, .no_task_lists = true};
	struct container c = {.passes = PASSES("1 2 3 4 5")};
	struct rs_tids placed = {0}, untried = {0};
	struct rs_task_source source = {.list = list_container,
					.is_ours = is_ours,
					.ctx = &c,
					.is_time_up = after_two,
					.placed = &placed,
					.untried = &untried};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &old);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_reconcile(f.rs, g.path, &source, 10, &res, &f.e), 0);
	ck_assert(res.cut_short);
	ck_assert_uint_eq(res.assigned, 2);
	ck_assert_uint_eq(res.missing, 3);
	ck_assert_uint_eq(res.passes, 1);
	ck_assert_uint_eq(placed.nr, 2);
	ck_assert_uint_eq(untried.nr, 3);
	for (size_t i = 0; i < untried.nr; i++)
		ASSERT_IN_GROUP(&f, untried.tid[i], "");
	/* Nobody looked again, so each that was written was asked after. */
	ck_assert_uint_eq(c.asked, 2);
	ASSERT_IN_GROUP(&f, placed.tid[0], g.path);
	ASSERT_IN_GROUP(&f, placed.tid[1], g.path);
	/* The next call goes on from there. */
	source.known = &placed;
	source.placed = NULL;
	source.is_time_up = NULL;
	untried.nr = 5;
	ck_assert_int_eq(rs_reconcile(f.rs, g.path, &source, 10, &res, &f.e), 0);
	ck_assert(!res.cut_short);
	ck_assert_uint_eq(res.assigned, 3);
	ck_assert_uint_eq(res.missing, 0);
	ck_assert_uint_eq(untried.nr, 0);
	rs_tids_done(&placed);
	rs_tids_done(&untried);
	fixture_done(&f);
}
END_TEST

START_TEST(the_first_write_is_made_however_late_it_is)
{
	struct container c = {.passes = PASSES("1 2 3 4 5", "1 2 3 4 5 6")};
	const struct rs_task_source source = {
		.list = list_container, .ctx = &c, .is_time_up = at_once};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_reconcile(f.rs, g.path, &source, 10, &res, &f.e), 0);
	ck_assert(res.cut_short);
	ck_assert_uint_ge(res.assigned, 1);
	ck_assert_uint_lt(res.assigned, 5);
	ck_assert_uint_eq(res.missing, 5 - res.assigned);
	fixture_done(&f);
}
END_TEST

START_TEST(a_set_that_was_placed_in_time_is_looked_at_again)
{
	struct container c = {.passes = PASSES("1 2", "1 2 3")};
	struct rs_tids placed = {0};
	const struct rs_task_source source = {
		.list = list_container, .ctx = &c, .is_time_up = after_two, .placed = &placed};
	struct rs_reconcile_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_reconcile(f.rs, g.path, &source, 10, &res, &f.e), 0);
	/* The new one came too late: the time counts for all passes together. */
	ck_assert(res.cut_short);
	ck_assert_uint_eq(res.passes, 2);
	ck_assert_uint_eq(res.missing, 1);
	ck_assert_uint_eq(placed.nr, 2);
	rs_tids_done(&placed);
	fixture_done(&f);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl reconcile");
	TCase *tc = tcase_create("reconcile");

	tcase_add_test(tc, a_stable_set_converges_in_two_enumerations);
	tcase_add_test(tc, a_known_set_takes_one_enumeration_and_no_write);
	tcase_add_test(tc, only_what_is_not_known_is_written);
	tcase_add_test(tc, a_growing_set_converges);
	tcase_add_test(tc, a_task_that_is_always_ESRCH_takes_every_pass);
	tcase_add_test(tc, a_set_that_churns_is_missing_its_last_members);
	tcase_add_test(tc, a_task_that_ended_before_the_last_enumeration_is_not_missing);
	tcase_add_test(tc, forks_during_the_passes_end_up_in_the_group);
	tcase_add_test(tc, no_tasks_at_all_is_ESRCH);
	tcase_add_test(tc, an_error_of_the_source_is_passed_on);
	tcase_add_test(tc, refused_tasks_are_missing_and_tried_once);
	tcase_add_test(tc, a_stranger_is_written_back_to_the_parent);
	tcase_add_test(tc, a_list_that_was_not_looked_at_again_vouches_for_nobody);
	tcase_add_test(tc, a_stranger_goes_back_to_the_control_group_above);
	tcase_add_test(tc, a_stranger_is_written_back_even_when_a_later_write_fails);
	tcase_add_test(tc, a_lost_group_ends_the_call);
	tcase_add_test(tc, one_pass_judges_by_what_was_written);
	tcase_add_test(tc, equal_sets_have_equal_fingerprints);
	tcase_add_test(tc, when_the_time_is_up_the_rest_is_left_and_told);
	tcase_add_test(tc, the_first_write_is_made_however_late_it_is);
	tcase_add_test(tc, a_set_that_was_placed_in_time_is_looked_at_again);
	suite_add_tcase(s, tc);
	return s;
}
