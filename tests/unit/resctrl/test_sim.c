/* SPDX-License-Identifier: Apache-2.0 */

/* The simulated tree: what the contract tests cannot see from outside. */

#include "fixture.h"
#include "strbuf.h"

static int create(struct fixture *f, const char *name)
{
	struct rs_group g;

	return rs_group_create(f->rs, RS_GROUP_MON, "", name, &g, NULL, &f->e);
}

START_TEST(n_rmids_leave_n_less_one_groups)
{
	const struct rs_sim_config config = {.rmids = 5};
	struct rs_sim_usage usage;
	struct fixture f;
	char name[] = "a";

	fixture_init(&f, &config);
	ck_assert_int_eq(rs_sim_rmid_of(f.sim, ""), 0);
	for (int i = 0; i < 4; i++, name[0]++)
		ck_assert_int_eq(create(&f, name), 0);
	ck_assert_int_eq(create(&f, name), -ENOSPC);
	rs_sim_usage(f.sim, &usage);
	ck_assert_uint_eq(usage.groups, 4);
	ck_assert_uint_eq(usage.rmids_free, 0);
	ck_assert_uint_eq(usage.mkdirs, 5);
	fixture_done(&f);
}
END_TEST

START_TEST(rmids_are_stable_and_reused_last)
{
	const struct rs_sim_config config = {.rmids = 5};
	struct fixture f;
	int a, b;

	fixture_init(&f, &config);
	ck_assert_int_eq(create(&f, "a"), 0);
	ck_assert_int_eq(create(&f, "b"), 0);
	a = rs_sim_rmid_of(f.sim, "mon_groups/a");
	b = rs_sim_rmid_of(f.sim, "mon_groups/b");
	ck_assert(a > 0 && b > 0 && a != b);
	ck_assert_int_eq(rs_group_delete(f.rs, "mon_groups/a", &f.e), 0);
	ck_assert_int_eq(create(&f, "c"), 0);
	ck_assert_int_ne(rs_sim_rmid_of(f.sim, "mon_groups/c"), a);
	ck_assert_int_eq(rs_sim_rmid_of(f.sim, "mon_groups/b"), b);
	ck_assert_int_eq(rs_sim_rmid_of(f.sim, "mon_groups/a"), -ENOENT);
	fixture_done(&f);
}
END_TEST

START_TEST(rmids_drain_one_after_the_other)
{
	const struct rs_sim_config config = {.rmids = 4, .limbo_ms = 100};
	struct rs_sim_usage usage;
	struct fixture f;

	fixture_init(&f, &config);
	ck_assert_int_eq(create(&f, "a"), 0);
	ck_assert_int_eq(create(&f, "b"), 0);
	ck_assert_int_eq(create(&f, "c"), 0);
	ck_assert_int_eq(rs_group_delete(f.rs, "mon_groups/a", &f.e), 0);
	rs_sim_advance(f.sim, 60);
	ck_assert_int_eq(rs_group_delete(f.rs, "mon_groups/b", &f.e), 0);
	rs_sim_usage(f.sim, &usage);
	ck_assert_uint_eq(usage.rmids_limbo, 2);
	rs_sim_advance(f.sim, 40);
	rs_sim_usage(f.sim, &usage);
	ck_assert_uint_eq(usage.rmids_limbo, 1);
	ck_assert_uint_eq(usage.rmids_free, 1);
	ck_assert_int_eq(create(&f, "d"), 0);
	ck_assert_int_eq(create(&f, "e"), -EBUSY);
	rs_sim_advance(f.sim, 60);
	ck_assert_int_eq(create(&f, "e"), 0);
	ck_assert_int_eq(create(&f, "f"), -ENOSPC);
	fixture_done(&f);
}
END_TEST

static uint64_t clock_ms;
static pid_t first_alive, last_alive;

static uint64_t test_clock(void *ctx)
{
	(void)ctx;
	return clock_ms;
}

static bool in_window(void *ctx, pid_t tid)
{
	(void)ctx;
	return tid >= first_alive && tid <= last_alive;
}

START_TEST(the_clock_can_be_the_callers)
{
	const struct rs_sim_config config = {.rmids = 2, .limbo_ms = 100, .now_ms = test_clock};
	struct fixture f;

	clock_ms = 5000;
	fixture_init(&f, &config);
	ck_assert_int_eq(create(&f, "a"), 0);
	ck_assert_int_eq(rs_group_delete(f.rs, "mon_groups/a", &f.e), 0);
	ck_assert_int_eq(create(&f, "a"), -EBUSY);
	clock_ms += 100;
	ck_assert_int_eq(create(&f, "a"), 0);
	fixture_done(&f);
}
END_TEST

START_TEST(ended_tasks_do_not_pile_up)
{
	const struct rs_sim_config config = {.task_exists = in_window};
	struct rs_assign_result res;
	struct rs_sim_usage usage;
	struct fixture f;

	fixture_init(&f, &config);
	ck_assert_int_eq(create(&f, "a"), 0);
	for (pid_t tid = 1; tid < 200000; tid += 500) {
		struct rs_tids tids = fixture_tids(tid, tid + 499);

		first_alive = tid;
		last_alive = tid + 499;
		ck_assert_int_eq(rs_group_assign(f.rs, "mon_groups/a", &tids, &res, &f.e), 0);
		ck_assert_uint_eq(res.assigned, 500);
		rs_tids_done(&tids);
	}
	rs_sim_usage(f.sim, &usage);
	ck_assert_uint_le(usage.tasks, 4096);
	fixture_done(&f);
}
END_TEST

START_TEST(a_number_that_ended_comes_back_by_fork)
{
	struct rs_tids tids = fixture_tids(7, 7);
	struct rs_assign_result res;
	struct fixture f;

	fixture_init(&f, NULL);
	ck_assert_int_eq(create(&f, "a"), 0);
	ck_assert_int_eq(rs_group_assign(f.rs, "mon_groups/a", &tids, &res, &f.e), 0);
	ck_assert_int_eq(rs_sim_fork(f.sim, 7, 8), 0);
	ASSERT_IN_GROUP(&f, 8, "mon_groups/a");
	rs_sim_exit(f.sim, 7);
	ck_assert_ptr_null(rs_sim_group_of(f.sim, 7));
	ck_assert_int_eq(rs_sim_fork(f.sim, 7, 9), -ESRCH);
	ck_assert_int_eq(rs_group_assign(f.rs, "mon_groups/a", &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.gone, 1);
	ck_assert_int_eq(rs_sim_fork(f.sim, 1, 7), 0);
	ASSERT_IN_GROUP(&f, 7, "");
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(counters_grow_with_time_and_tasks)
{
	struct rs_tids tids = fixture_tids(1, 4);
	struct rs_counters c[3], root;
	struct rs_assign_result res;
	struct fixture f;

	fixture_init(&f, NULL);
	ck_assert_int_eq(create(&f, "a"), 0);
	ck_assert_int_eq(rs_group_counters(f.rs, "mon_groups/a", &c[0], &f.e), 0);
	ck_assert_uint_eq(c[0].domains, 1);
	ck_assert_uint_eq(c[0].mbm_total_bytes, 0);
	ck_assert_uint_eq(c[0].llc_occupancy_bytes, 0);
	ck_assert_int_eq(rs_group_assign(f.rs, "mon_groups/a", &tids, &res, &f.e), 0);
	rs_sim_advance(f.sim, 1000);
	ck_assert_int_eq(rs_group_counters(f.rs, "mon_groups/a", &c[1], &f.e), 0);
	ck_assert(c[1].mbm_total_bytes > 0);
	ck_assert(c[1].mbm_local_bytes > 0 && c[1].mbm_local_bytes < c[1].mbm_total_bytes);
	ck_assert(c[1].llc_occupancy_bytes > 0);
	/* When the tasks end, what they did until then stays, and no more is added. */
	rs_sim_advance(f.sim, 1000);
	for (pid_t tid = 1; tid <= 4; tid++)
		rs_sim_exit(f.sim, tid);
	rs_sim_advance(f.sim, 1000);
	ck_assert_int_eq(rs_group_counters(f.rs, "mon_groups/a", &c[2], &f.e), 0);
	ck_assert(c[2].mbm_total_bytes == 2 * c[1].mbm_total_bytes);
	ck_assert_uint_eq(c[2].llc_occupancy_bytes, 0);
	ck_assert_int_eq(rs_group_counters(f.rs, "", &root, &f.e), 0);
	ck_assert(root.mbm_total_bytes >= c[2].mbm_total_bytes);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(handles_are_few_and_checked)
{
	struct fixture f;
	int h[64], n = 0, r;

	fixture_init(&f, NULL);
	do {
		r = rs_sim_ops.open_write(f.sim, "tasks");
		h[n++] = r;
	} while (r >= 0);
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_int_eq(rs_sim_ops.write(f.sim, -1, "1", 1), -EBADF);
	ck_assert_int_eq(rs_sim_ops.write(f.sim, 1000, "1", 1), -EBADF);
	for (int i = 0; i < n - 1; i++)
		rs_sim_ops.close(f.sim, h[i]);
	ck_assert_int_eq(rs_sim_ops.write(f.sim, h[0], "1", 1), -EBADF);
	rs_sim_ops.close(f.sim, -1);
	rs_sim_ops.close(f.sim, 1000);
	fixture_done(&f);
}
END_TEST

START_TEST(zero_without_a_self_moves_nobody)
{
	struct rs_sim_usage usage;
	struct fixture f;
	int h;

	fixture_init(&f, NULL);
	ck_assert_int_eq(create(&f, "a"), 0);
	h = rs_sim_ops.open_write(f.sim, "mon_groups/a/tasks");
	ck_assert_int_eq(rs_sim_ops.write(f.sim, h, "0", 1), 0);
	rs_sim_ops.close(f.sim, h);
	rs_sim_usage(f.sim, &usage);
	ck_assert_uint_eq(usage.tasks, 0);
	fixture_done(&f);
}
END_TEST

START_TEST(the_status_keeps_to_its_size)
{
	const struct rs_sim_config config = {.rmids = 2};
	AUTO_STRBUF struct strbuf sb;
	struct fixture f;

	strbuf_init(&sb, 4096);
	fixture_init(&f, &config);
	ck_assert_int_eq(create(&f, "a"), 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(create(&f, "b"), -ENOSPC);
	ck_assert_int_eq(rs_sim_ops.read(f.sim, "info/last_cmd_status", &sb), 0);
	ck_assert_uint_le(sb.len, 512);
	ck_assert_ptr_nonnull(strstr(f.e.msg, "; kernel: Out of RMIDs"));
	fixture_done(&f);
}
END_TEST

START_TEST(sizes_have_limits)
{
	const struct rs_sim_config many = {.rmids = RS_SIM_RMIDS_MAX + 1};
	const struct rs_sim_config classes = {.closids = RS_SIM_RMIDS_MAX + 1};
	const struct rs_sim_config lone = {.rmids = 1, .closids = 1};
	struct rs_sim *sim = NULL;
	struct fixture f;
	struct rs_group g;

	ck_assert_int_eq(rs_sim_new(&many, &sim, &f.e), -EINVAL);
	ck_assert_int_eq(rs_sim_new(&classes, &sim, &f.e), -EINVAL);
	ck_assert_ptr_null(sim);
	rs_sim_free(NULL);
	fixture_init(&f, &lone);
	ck_assert_int_eq(create(&f, "a"), -ENOSPC);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_CTRL, "", "c", &g, NULL, &f.e), -ENOSPC);
	fixture_done(&f);
}
END_TEST

START_TEST(a_control_group_that_gets_no_rmid_gives_its_closid_back)
{
	const struct rs_sim_config config = {.rmids = 2, .closids = 4};
	struct rs_sim_usage usage;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &config);
	ck_assert_int_eq(create(&f, "a"), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_CTRL, "", "c", &g, NULL, &f.e),
				 -ENOSPC);
	rs_sim_usage(f.sim, &usage);
	ck_assert_uint_eq(usage.closids_free, 3);
	fixture_done(&f);
}
END_TEST

/* Sizes of a big node; a step that costs more than it should makes this time out. */
START_TEST(a_thousand_groups_and_ten_thousand_tasks_are_no_trouble)
{
	const struct rs_sim_config config = {.rmids = 1100};
	struct rs_sim_usage usage;
	struct fixture f;
	char name[32];

	fixture_init(&f, &config);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 1000; i++) {
			struct rs_tids tids = fixture_tids(1 + i * 10, 10 + i * 10);
			struct rs_assign_result res;
			struct rs_group g;

			snprintf(name, sizeof(name), "g-%d", i);
			g = fixture_mon(&f, "", name);
			ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
			ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), 0);
			ASSERT_IN_GROUP(&f, 5 + i * 10, g.path);
			rs_tids_done(&tids);
		}
		for (int i = 0; i < 1000; i++) {
			snprintf(name, sizeof(name), "mon_groups/g-%d", i);
			ck_assert_int_eq(rs_group_delete(f.rs, name, &f.e), 0);
		}
	}
	rs_sim_usage(f.sim, &usage);
	ck_assert_uint_eq(usage.groups, 0);
	ck_assert_uint_eq(usage.tasks, 10000);
	fixture_done(&f);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("simulated resctrl");
	TCase *tc = tcase_create("sim");

	tcase_set_timeout(tc, 10);
	tcase_add_test(tc, n_rmids_leave_n_less_one_groups);
	tcase_add_test(tc, rmids_are_stable_and_reused_last);
	tcase_add_test(tc, rmids_drain_one_after_the_other);
	tcase_add_test(tc, the_clock_can_be_the_callers);
	tcase_add_test(tc, ended_tasks_do_not_pile_up);
	tcase_add_test(tc, a_number_that_ended_comes_back_by_fork);
	tcase_add_test(tc, counters_grow_with_time_and_tasks);
	tcase_add_test(tc, handles_are_few_and_checked);
	tcase_add_test(tc, zero_without_a_self_moves_nobody);
	tcase_add_test(tc, the_status_keeps_to_its_size);
	tcase_add_test(tc, sizes_have_limits);
	tcase_add_test(tc, a_control_group_that_gets_no_rmid_gives_its_closid_back);
	tcase_add_test(tc, a_thousand_groups_and_ten_thousand_tasks_are_no_trouble);
	suite_add_tcase(s, tc);
	return s;
}
