/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

START_TEST(the_tasks_of_a_list_are_assigned)
{
	struct rs_tids tids = fixture_tids(10, 14), listed = {0};
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.assigned, 5);
	ck_assert_uint_eq(res.gone, 0);
	ck_assert_uint_eq(res.refused, 0);
	ck_assert_int_eq(rs_group_tasks(f.rs, g.path, &listed, &f.e), 0);
	ck_assert_uint_eq(listed.nr, 5);
	ck_assert_mem_eq(listed.tid, tids.tid, 5 * sizeof(pid_t));
	rs_tids_done(&listed);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

/* In both kernels: 42 has ended, its neighbours are assigned. */
START_TEST(an_ended_task_is_counted_and_passed_over)
{
	const struct rs_sim_config config = {.no_task_lists = _i};
	struct rs_assign_result res;
	struct rs_tids tids = {0};
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &config);
	g = fixture_mon(&f, "", "a");
	rs_sim_exit(f.sim, 42);
	ck_assert_int_eq(rs_tids_add(&tids, 1), 0);
	ck_assert_int_eq(rs_tids_add(&tids, 42), 0);
	ck_assert_int_eq(rs_tids_add(&tids, 2), 0);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.assigned, 2);
	ck_assert_uint_eq(res.gone, 1);
	ASSERT_IN_GROUP(&f, 1, g.path);
	ASSERT_IN_GROUP(&f, 2, g.path);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(a_task_of_another_control_group_is_refused_and_passed_over)
{
	const struct rs_sim_config config = {.no_task_lists = _i};
	struct rs_tids tids = fixture_tids(1, 9), foreign = fixture_tids(4, 5);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g, ctrl;

	fixture_init(&f, &config);
	ctrl = fixture_ctrl(&f, "c");
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, ctrl.path, &foreign, &res, &f.e), 0);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.assigned, 7);
	ck_assert_uint_eq(res.refused, 2);
	ck_assert_int_eq(res.first_refused, 4);
	ASSERT_IN_GROUP(&f, 4, "c");
	ASSERT_IN_GROUP(&f, 9, g.path);
	rs_tids_done(&foreign);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

#define NR       6
#define PATTERNS 729 /* 3 to the power of NR */

/* Task I of the pattern is 0 good, 1 ended, 2 of another control group. */
static void try_pattern(unsigned pattern, bool no_task_lists)
{
	const struct rs_sim_config config = {.no_task_lists = no_task_lists};
	struct rs_tids tids = fixture_tids(1, NR), foreign = {0};
	size_t want[3] = {0};
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &config);
	(void)fixture_ctrl(&f, "c");
	g = fixture_mon(&f, "", "a");
	for (pid_t tid = 1; tid <= NR; tid++, pattern /= 3) {
		want[pattern % 3]++;
		if (pattern % 3 == 1)
			rs_sim_exit(f.sim, tid);
		else if (pattern % 3 == 2)
			ck_assert_int_eq(rs_tids_add(&foreign, tid), 0);
	}
	ck_assert_int_eq(rs_group_assign(f.rs, "c", &foreign, &res, &f.e), 0);
	/* A new handle has to learn for itself whether lists work. */
	rs_free(f.rs);
	ck_assert_int_eq(rs_new(&fault_fs_ops, &f.fs, &f.rs, &f.e), 0);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.assigned, want[0]);
	ck_assert_uint_eq(res.gone, want[1]);
	ck_assert_uint_eq(res.refused, want[2]);
	for (pid_t tid = 1; tid <= NR; tid++) {
		const char *in = rs_sim_group_of(f.sim, tid);

		ck_assert(!in || strcmp(in, rs_tids_has(&foreign, tid) ? "c" : g.path) == 0);
	}
	rs_tids_done(&foreign);
	rs_tids_done(&tids);
	fixture_done(&f);
}

START_TEST(every_pattern_of_trouble_comes_out_right)
{
	for (unsigned pattern = 0; pattern < PATTERNS; pattern++)
		try_pattern(pattern, _i);
}
END_TEST

START_TEST(many_tasks_take_few_writes_where_lists_work)
{
	struct rs_tids tids = fixture_tids(4000001, 4001000);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.assigned, 1000);
	ck_assert_uint_eq(f.fs.calls[FAULT_OPEN], 1);
	ck_assert_uint_le(f.fs.calls[FAULT_WRITE], 14);
	fault_fs_recount(&f.fs);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_le(f.fs.calls[FAULT_WRITE], 4);
	/* One that has ended costs a few writes, not hundreds. */
	rs_sim_exit(f.sim, 4000777);
	fault_fs_recount(&f.fs);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.gone, 1);
	ck_assert_uint_le(f.fs.calls[FAULT_WRITE], 26);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(an_ended_task_among_the_first_does_not_end_the_lists)
{
	struct rs_tids tids = fixture_tids(1, 1000);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	rs_sim_exit(f.sim, 2);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.assigned, 999);
	ck_assert_uint_le(f.fs.calls[FAULT_WRITE], 20);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(an_old_kernel_takes_one_write_per_task)
{
	const struct rs_sim_config config = {.no_task_lists = true};
	struct rs_tids tids = fixture_tids(1, 1000);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, &config);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(res.assigned, 1000);
	/* One list to learn that there are none, and one file for all. */
	ck_assert_uint_eq(f.fs.calls[FAULT_WRITE], 1001);
	ck_assert_uint_eq(f.fs.calls[FAULT_OPEN], 1);
	fault_fs_recount(&f.fs);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), 0);
	ck_assert_uint_eq(f.fs.calls[FAULT_WRITE], 1000);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(zero_is_never_written)
{
	pid_t numbers[] = {5, 0, 6};
	struct rs_tids tids = {.tid = numbers, .nr = 3, .size = 3}, empty = {0};
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	ck_assert_int_eq(rs_tids_add(&empty, 0), -EINVAL);
	ck_assert_int_eq(rs_tids_add(&empty, -1), -EINVAL);
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), -EINVAL);
	ck_assert_uint_eq(f.fs.calls[FAULT_WRITE], 0);
	ck_assert_uint_eq(res.assigned, 0);
	numbers[1] = -7;
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), -EINVAL);
	ck_assert_uint_eq(f.fs.calls[FAULT_WRITE], 0);
	/* No tasks: nothing to do, and the group is not even looked at. */
	fault_fs_recount(&f.fs);
	ck_assert_int_eq(rs_group_assign(f.rs, "mon_groups/none", &empty, &res, &f.e), 0);
	ck_assert_uint_eq(f.fs.total, 0);
	fixture_done(&f);
}
END_TEST

static const struct {
	int code, want;
} write_errors[] = {
	{-EACCES, -EACCES}, {-EPERM, -EACCES},  {-ENOSPC, -ENOSPC}, {-ENOENT, -ENOENT},
	{-ENODEV, -ENOENT}, {-EROFS, -EROFS},   {-EBUSY, -EBUSY},   {-EIO, -EIO},
	{-E2BIG, -EIO},     {-ENOMEM, -ENOMEM},
};

START_TEST(every_error_of_a_write_ends_the_call_with_its_code)
{
	struct rs_tids tids = fixture_tids(1, 10);
	const struct rs_sim_config config = {.no_task_lists = true};
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;
	int r;

	fixture_init(&f, &config);
	g = fixture_mon(&f, "", "a");
	/* One list is tried first, then four go through. */
	fault_fs_fail_times(&f.fs, FAULT_WRITE, NULL, write_errors[_i].code, 5, 1);
	r = rs_group_assign(f.rs, g.path, &tids, &res, &f.e);
	ck_assert_msg(r == write_errors[_i].want, "%s became %s", err_name(write_errors[_i].code),
		      err_name(r));
	ck_assert_uint_eq(res.assigned, 4);
	ck_assert_ptr_nonnull(strstr(f.e.msg, "'mon_groups/a/tasks'"));
	ck_assert_uint_eq(f.fs.calls[FAULT_WRITE], 6);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

static const struct {
	int code, want;
} open_errors[] = {
	{-EACCES, -EACCES}, {-EPERM, -EACCES}, {-ENOENT, -ENOENT},
	{-EROFS, -EROFS},   {-EMFILE, -EIO},
};

START_TEST(every_error_of_the_open_has_its_code)
{
	struct rs_tids tids = fixture_tids(1, 10);
	struct rs_assign_result res = {.assigned = 99};
	struct fixture f;
	struct rs_group g;
	int r;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	fault_fs_fail(&f.fs, FAULT_OPEN, NULL, open_errors[_i].code);
	r = rs_group_assign(f.rs, g.path, &tids, &res, &f.e);
	ck_assert_msg(r == open_errors[_i].want, "%s became %s", err_name(open_errors[_i].code),
		      err_name(r));
	ck_assert_uint_eq(res.assigned, 0);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

/* Removes the group behind the back of the writer. */
static void remove_group(void *arg, const char *data, size_t len)
{
	(void)data;
	(void)len;
	(void)rs_sim_ops.rmdir(arg, "mon_groups/a");
}

START_TEST(a_group_removed_in_mid_flight_is_lost)
{
	struct rs_tids tids = fixture_tids(1, 10);
	struct rs_assign_result res;
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	f.fs.before_write = remove_group;
	f.fs.before_write_arg = f.sim;
	ck_assert_int_eq(rs_group_assign(f.rs, g.path, &tids, &res, &f.e), -ENOENT);
	ck_assert_str_eq(rs_reason(f.e.code), "GroupLost");
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

/* ---- reading `tasks` ---- */

static const struct {
	const char *text;
	int want;
	size_t nr;
} contents[] = {
	{"", 0, 0},
	{"\n\n", 0, 0},
	{"1\n2\n3\n", 0, 3},
	{"3\n1\n2\n1\n3\n", 0, 3},
	{"1\n\n2", 0, 2},
	{"0\n5\n0\n", 0, 1},
	{"2147483647\n", 0, 1},
	{"2147483648\n", -EIO, 0},
	{"1\nabc\n2\n", -EIO, 0},
	{"-1\n", -EIO, 0},
	{" 1\n", -EIO, 0},
	{"1 2\n", -EIO, 0},
	{"1\r\n", -EIO, 0},
	{"99999999999999999999999999999999999999999999999999\n", -EIO, 0},
};

START_TEST(tasks_are_parsed_line_by_line)
{
	struct rs_tids listed = fixture_tids(77, 78);
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	f.fs.fake_path = "a/tasks";
	f.fs.fake_data = contents[_i].text;
	f.fs.fake_len = strlen(contents[_i].text);
	ck_assert_int_eq(rs_group_tasks(f.rs, g.path, &listed, &f.e), contents[_i].want);
	ck_assert_uint_eq(listed.nr, contents[_i].want ? 2 : contents[_i].nr);
	for (size_t i = 1; i < listed.nr; i++)
		ck_assert_int_lt(listed.tid[i - 1], listed.tid[i]);
	if (contents[_i].want)
		ck_assert_ptr_nonnull(strstr(f.e.msg, "'mon_groups/a/tasks'"));
	rs_tids_done(&listed);
	fixture_done(&f);
}
END_TEST

START_TEST(a_NUL_in_tasks_is_junk)
{
	static const char text[] = "12\n1\0002\n";
	struct rs_tids listed = {0};
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	f.fs.fake_path = "a/tasks";
	f.fs.fake_data = text;
	f.fs.fake_len = sizeof(text) - 1;
	ck_assert_int_eq(rs_group_tasks(f.rs, g.path, &listed, &f.e), -EIO);
	fixture_done(&f);
}
END_TEST

static const struct {
	int code, want;
} read_errors[] = {
	{-EACCES, -EACCES}, {-EPERM, -EACCES}, {-ENOENT, -ENOENT},
	{-ENODEV, -ENOENT}, {-EIO, -EIO},      {-EFBIG, -EIO},
};

START_TEST(every_error_of_reading_tasks_has_its_code)
{
	struct rs_tids listed = {0};
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	g = fixture_mon(&f, "", "a");
	fault_fs_fail(&f.fs, FAULT_READ, "tasks", read_errors[_i].code);
	ck_assert_int_eq(rs_group_tasks(f.rs, g.path, &listed, &f.e), read_errors[_i].want);
	ck_assert_ptr_null(listed.tid);
	fixture_done(&f);
}
END_TEST

START_TEST(sets_of_tasks_sort_and_find)
{
	static const pid_t in[] = {5, 3, 9, 3, 5, 1};
	struct rs_tids tids = {0};

	ck_assert(!rs_tids_has(&tids, 1));
	rs_tids_sort_unique(&tids);
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		ck_assert_int_eq(rs_tids_add(&tids, in[i]), 0);
	rs_tids_sort_unique(&tids);
	ck_assert_uint_eq(tids.nr, 4);
	for (pid_t tid = 0; tid < 12; tid++)
		ck_assert(rs_tids_has(&tids, tid) ==
			  (tid == 1 || tid == 3 || tid == 5 || tid == 9));
	rs_tids_done(&tids);
	ck_assert_uint_eq(tids.nr, 0);
	rs_tids_done(&tids);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl tasks");
	TCase *tc = tcase_create("tasks");

	tcase_add_test(tc, the_tasks_of_a_list_are_assigned);
	tcase_add_loop_test(tc, an_ended_task_is_counted_and_passed_over, 0, 2);
	tcase_add_loop_test(tc, a_task_of_another_control_group_is_refused_and_passed_over, 0, 2);
	tcase_add_loop_test(tc, every_pattern_of_trouble_comes_out_right, 0, 2);
	tcase_add_test(tc, many_tasks_take_few_writes_where_lists_work);
	tcase_add_test(tc, an_ended_task_among_the_first_does_not_end_the_lists);
	tcase_add_test(tc, an_old_kernel_takes_one_write_per_task);
	tcase_add_test(tc, zero_is_never_written);
	tcase_add_loop_test(tc, every_error_of_a_write_ends_the_call_with_its_code, 0,
			    ARRAY_LEN(write_errors));
	tcase_add_loop_test(tc, every_error_of_the_open_has_its_code, 0, ARRAY_LEN(open_errors));
	tcase_add_test(tc, a_group_removed_in_mid_flight_is_lost);
	tcase_add_loop_test(tc, tasks_are_parsed_line_by_line, 0, ARRAY_LEN(contents));
	tcase_add_test(tc, a_NUL_in_tasks_is_junk);
	tcase_add_loop_test(tc, every_error_of_reading_tasks_has_its_code, 0,
			    ARRAY_LEN(read_errors));
	tcase_add_test(tc, sets_of_tasks_sort_and_find);
	suite_add_tcase(s, tc);
	return s;
}
