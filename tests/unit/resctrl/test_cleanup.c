/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void make(struct fixture *f, const char *const *ctrl, const char *const *mon)
{
	for (; *ctrl; ctrl++)
		(void)fixture_ctrl(f, *ctrl);
	for (; *mon; mon++)
		(void)fixture_mon(f, "", *mon);
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect(const struct rs_cleanup_report *rep, size_t removed, size_t race,
		   size_t failures, size_t non_prefix, size_t kept)
{
	ck_assert_uint_eq(rep->removed, removed);
	ck_assert_uint_eq(rep->removal_race, race);
	ck_assert_uint_eq(rep->removal_failures, failures);
	ck_assert_uint_eq(rep->non_prefix_groups, non_prefix);
	ck_assert_uint_eq(rep->kept, kept);
}

START_TEST(prefixed_groups_go_in_both_places)
{
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, NULL);
	make(&f, NAMES("pod_u1", "pod_u2", "custom_root"), NAMES("pod_u1", "pod_u3", "custom"));
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 4, 0, 0, 2, 0);
	ck_assert(!fixture_exists(&f, "pod_u1"));
	ck_assert(!fixture_exists(&f, "mon_groups/pod_u3"));
	ck_assert(fixture_exists(&f, "custom_root"));
	ck_assert(fixture_exists(&f, "mon_groups/custom"));
	/* Again: nothing is left to do. */
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 0, 0, 0, 2, 0);
	fixture_done(&f);
}
END_TEST

START_TEST(a_failure_and_a_race_are_counted_and_the_sweep_goes_on)
{
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, NULL);
	make(&f, NAMES("pod_fail", "pod_race", "x_keep", "pod_r_ok"), NAMES("pod_m1"));
	fault_fs_fail(&f.fs, FAULT_RMDIR, "pod_fail", -EACCES);
	fault_fs_fail(&f.fs, FAULT_RMDIR, "pod_race", -ENOENT);
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 2, 1, 1, 1, 0);
	fixture_done(&f);
}
END_TEST

START_TEST(an_undeletable_group_is_one_failure)
{
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, NULL);
	make(&f, NAMES("pod_a", "pod_b", "other"), NAMES("pod_m1", "np_m2"));
	fault_fs_fail(&f.fs, FAULT_RMDIR, "pod_b", -EBUSY);
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 2, 0, 1, 2, 0);
	fault_fs_clear(&f.fs);
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 1, 0, 0, 2, 0);
	fixture_done(&f);
}
END_TEST

/* Where a pod's group goes when its tasks are in that class. */
START_TEST(prefixed_groups_inside_control_groups_go_too)
{
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, NULL);
	(void)fixture_ctrl(&f, "class");
	(void)fixture_mon(&f, "class", "pod_in");
	(void)fixture_mon(&f, "class", "other");
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 1, 0, 0, 2, 0);
	ck_assert(!fixture_exists(&f, "class/mon_groups/pod_in"));
	ck_assert(fixture_exists(&f, "class/mon_groups/other"));
	fixture_done(&f);
}
END_TEST

START_TEST(resctrls_own_names_are_never_touched)
{
	static const char *const prefixes[] = {"info", "mon", "mon_groups", "mon_data", "t", "i"};
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, NULL);
	ck_assert_int_eq(rs_cleanup(f.rs, prefixes[_i], NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(f.fs.calls[FAULT_RMDIR], 0);
	fixture_done(&f);
}
END_TEST

static bool keep_live(void *ctx, const char *dir, const char *name)
{
	return strcmp(dir, "mon_groups") == 0 && strcmp(name, ctx) == 0;
}

START_TEST(groups_of_live_pods_keep_their_identity)
{
	char live[] = "pod_live";
	struct rs_cleanup_report rep;
	struct rs_group g;
	struct fixture f;
	int rmid;

	fixture_init(&f, NULL);
	make(&f, NAMES("pod_old", "pod_live"), NAMES("pod_dead"));
	g = fixture_mon(&f, "", live);
	rmid = rs_sim_rmid_of(f.sim, g.path);
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", keep_live, live, &rep, &f.e), 0);
	expect(&rep, 3, 0, 0, 0, 1);
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), 0);
	ck_assert_int_eq(rs_sim_rmid_of(f.sim, g.path), rmid);
	fixture_done(&f);
}
END_TEST

START_TEST(an_empty_prefix_is_refused)
{
	struct rs_cleanup_report rep = {.removed = 7};
	struct fixture f;

	fixture_init(&f, NULL);
	make(&f, NAMES("pod_a"), NAMES("pod_b"));
	fault_fs_recount(&f.fs);
	ck_assert_int_eq(rs_cleanup(f.rs, "", NULL, NULL, &rep, &f.e), -EINVAL);
	expect(&rep, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(f.fs.total, 0);
	fixture_done(&f);
}
END_TEST

START_TEST(a_root_that_cannot_be_listed_is_an_error)
{
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, NULL);
	make(&f, NAMES("pod_a"), NAMES("pod_b"));
	fault_fs_fail_times(&f.fs, FAULT_LIST, NULL, -EACCES, 0, 1);
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), -EACCES);
	expect(&rep, 0, 0, 0, 0, 0);
	ck_assert_ptr_nonnull(strstr(f.e.msg, "list '.'"));
	fixture_done(&f);
}
END_TEST

START_TEST(unlistable_mon_groups_keep_the_report_of_the_root)
{
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, NULL);
	make(&f, NAMES("pod_a", "x"), NAMES("pod_b"));
	fault_fs_fail(&f.fs, FAULT_LIST, "mon_groups", -EACCES);
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), -EACCES);
	expect(&rep, 1, 0, 0, 1, 0);
	ck_assert_ptr_nonnull(strstr(f.e.msg, "'mon_groups'"));
	fixture_done(&f);
}
END_TEST

START_TEST(missing_mon_groups_are_empty)
{
	const struct rs_sim_config config = {.no_monitoring = true};
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, &config);
	make(&f, NAMES("pod_a"), NAMES(NULL));
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 1, 0, 0, 0, 0);
	fixture_done(&f);
}
END_TEST

/* A listing with files, which are no groups whatever they are called. */
static int list_with_files(void *ctx, const char *path, rs_list_fn *fn, void *arg)
{
	(void)ctx;
	if (*path)
		return -ENOENT;
	(void)fn(arg, "pod_file", false);
	(void)fn(arg, "file", false);
	return fn(arg, "other", true);
}

START_TEST(files_are_ignored)
{
	struct rs_fs_ops ops = rs_sim_ops;
	struct rs_cleanup_report rep;
	struct fixture f;
	struct rs *rs;

	fixture_init(&f, NULL);
	ops.list = list_with_files;
	ck_assert_int_eq(rs_new(&ops, f.sim, &rs, &f.e), 0);
	ck_assert_int_eq(rs_cleanup(rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 0, 0, 0, 1, 0);
	rs_free(rs);
	fixture_done(&f);
}
END_TEST

START_TEST(a_thousand_groups_are_swept)
{
	const struct rs_sim_config config = {.rmids = 1200};
	struct rs_cleanup_report rep;
	struct fixture f;

	fixture_init(&f, &config);
	for (int i = 0; i < 1000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "pod_%d", i);
		(void)fixture_mon(&f, "", name);
	}
	ck_assert_int_eq(rs_cleanup(f.rs, "pod_", NULL, NULL, &rep, &f.e), 0);
	expect(&rep, 1000, 0, 0, 0, 0);
	fixture_done(&f);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl cleanup");
	TCase *tc = tcase_create("cleanup");

	tcase_add_test(tc, prefixed_groups_go_in_both_places);
	tcase_add_test(tc, a_failure_and_a_race_are_counted_and_the_sweep_goes_on);
	tcase_add_test(tc, an_undeletable_group_is_one_failure);
	tcase_add_test(tc, prefixed_groups_inside_control_groups_go_too);
	tcase_add_loop_test(tc, resctrls_own_names_are_never_touched, 0, 6);
	tcase_add_test(tc, groups_of_live_pods_keep_their_identity);
	tcase_add_test(tc, an_empty_prefix_is_refused);
	tcase_add_test(tc, a_root_that_cannot_be_listed_is_an_error);
	tcase_add_test(tc, unlistable_mon_groups_keep_the_report_of_the_root);
	tcase_add_test(tc, missing_mon_groups_are_empty);
	tcase_add_test(tc, files_are_ignored);
	tcase_add_test(tc, a_thousand_groups_are_swept);
	suite_add_tcase(s, tc);
	return s;
}
