/* SPDX-License-Identifier: Apache-2.0 */

/* Every call into the file system fails in turn, with every errno that may come. */

#include "scenario.h"

#define RMIDS 16

static const int codes[] = {
	-EIO,    -ENOENT,       -ENODEV, -EACCES, -EPERM,   -EROFS,      -ENOSPC, -EBUSY,
	-EINVAL, -ESRCH,        -EEXIST, -ENOMEM, -ENOTDIR, -EMFILE,     -EINTR,  -EFBIG,
	-ELOOP,  -ENAMETOOLONG, -E2BIG,  -ESTALE, -EAGAIN,  -EOPNOTSUPP,
};

/* Fail the N-th call with CODE; false when there are fewer calls. */
static bool run_with_fault(unsigned n, int code, bool old_kernel)
{
	const struct rs_sim_config config = {.rmids = RMIDS, .no_task_lists = old_kernel};
	struct scenario s = {0};
	struct fixture f;
	bool injected;

	fixture_init(&f, &config);
	rs_sim_exit(f.sim, 34);
	fault_fs_fail_nth(&f.fs, n, code);
	s.rs = f.rs;
	scenario_run(&s);
	injected = f.fs.injected > 0;
	if (!injected)
		ck_assert_msg(s.errors == 0, "%s without a fault", err_name(s.first_error));
	scenario_expect_unharmed(f.sim, RMIDS);
	fixture_done(&f);
	return injected;
}

START_TEST(every_call_may_fail_without_harm)
{
	unsigned n = 1;

	while (run_with_fault(n, codes[_i], false))
		n++;
	/* The scenario is worth its name: it makes many different calls. */
	ck_assert_uint_gt(n, 50);
}
END_TEST

START_TEST(every_call_may_fail_on_an_old_kernel)
{
	unsigned n = 1;

	while (run_with_fault(n, codes[_i], true))
		n++;
	ck_assert_uint_gt(n, 50);
}
END_TEST

/* Not one call but all of a kind, as when rights are missing or the tree is gone. */
START_TEST(every_kind_of_call_may_fail_for_good)
{
	for (unsigned op = 0; op < FAULT_OP_MAX; op++) {
		const struct rs_sim_config config = {.rmids = RMIDS};
		struct scenario s = {0};
		struct fixture f;

		fixture_init(&f, &config);
		fault_fs_fail(&f.fs, (enum fault_op)op, NULL, codes[_i]);
		s.rs = f.rs;
		scenario_run(&s);
		fault_fs_clear(&f.fs);
		scenario_expect_unharmed(f.sim, RMIDS);
		fixture_done(&f);
	}
}
END_TEST

/* Garbage in every file that is read. */
static const struct {
	const char *text;
	size_t len;
} garbage[] = {
	{"", 0},         {"\0\0\0\0", 4}, {"\n", 1},
	{"ok", 2},       {"-5\n", 3},     {"99999999999999999999999999\n", 27},
	{"\xff\xfe", 2}, {"1,2,3\n", 6},  {"0\n0\n0\n", 6},
	{"1\n2\n3", 5},
};

START_TEST(garbage_in_every_file_does_no_harm)
{
	const struct rs_sim_config config = {.rmids = RMIDS};
	struct scenario s = {0};
	struct fixture f;

	fixture_init(&f, &config);
	f.fs.fake_path = "";
	f.fs.fake_data = garbage[_i].text;
	f.fs.fake_len = garbage[_i].len;
	s.rs = f.rs;
	scenario_run(&s);
	scenario_expect_unharmed(f.sim, RMIDS);
	fixture_done(&f);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl when calls fail");
	TCase *tc = tcase_create("faults");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_call_may_fail_without_harm, 0, ARRAY_LEN(codes));
	tcase_add_loop_test(tc, every_call_may_fail_on_an_old_kernel, 0, ARRAY_LEN(codes));
	tcase_add_loop_test(tc, every_kind_of_call_may_fail_for_good, 0, ARRAY_LEN(codes));
	tcase_add_loop_test(tc, garbage_in_every_file_does_no_harm, 0, ARRAY_LEN(garbage));
	suite_add_tcase(s, tc);
	return s;
}
