/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define UUID "6f6ad1a8-7c5e-4b8e-9d0a-0123456789ab"

static const struct {
	const char *uid, *want; /* WANT ends in '.' where a hash follows */
} plain[] = {
	{UUID, "podresctrl-" UUID},
	{"0123456789abcdef0123456789abcdef", "podresctrl-0123456789abcdef0123456789abcdef"},
	{"my-pod:UID", "podresctrl-my-podUID."},
	{"a/b", "podresctrl-ab."},
	{"../../etc", "podresctrl-etc."},
	{".", "podresctrl-."},
	{"/", "podresctrl-."},
	{"\xc3\xa4\n\t ", "podresctrl-."},
	{"my_pod", "podresctrl-my_pod"},
};

START_TEST(a_uid_keeps_what_a_group_name_may_have)
{
	char name[RS_NAME_MAX + 1];
	size_t len = strlen(plain[_i].want);
	struct err e;

	ck_assert_int_eq(rs_group_name("podresctrl-", plain[_i].uid, name, sizeof(name), &e), 0);
	if (plain[_i].want[len - 1] != '.') {
		ck_assert_str_eq(name, plain[_i].want);
		return;
	}
	ck_assert_msg(strncmp(name, plain[_i].want, len) == 0, "%s", name);
	ck_assert_uint_eq(strlen(name), len + 16);
	ck_assert_uint_eq(strspn(name + len, "0123456789abcdef"), 16);
}
END_TEST

START_TEST(a_long_uid_is_cut_to_63_bytes)
{
	char uid[101], name[RS_NAME_MAX + 1], other[RS_NAME_MAX + 1];

	memset(uid, 'a', 100);
	uid[100] = '\0';
	ck_assert_int_eq(rs_group_name("p_", uid, name, sizeof(name), NULL), 0);
	ck_assert_uint_eq(strlen(name), 2 + 63);
	uid[99] = 'b';
	ck_assert_int_eq(rs_group_name("p_", uid, other, sizeof(other), NULL), 0);
	ck_assert_str_ne(name, other);
	uid[63] = '\0';
	ck_assert_int_eq(rs_group_name("p_", uid, name, sizeof(name), NULL), 0);
	ck_assert_uint_eq(strlen(name), 2 + 63);
	ck_assert_ptr_null(strchr(name, '.'));
}
END_TEST

START_TEST(a_huge_uid_is_cut_to_63_bytes)
{
	AUTO_FREE char *uid = malloc(10241);
	char name[RS_NAME_MAX + 1];

	memset(uid, 'z', 10240);
	uid[10240] = '\0';
	ck_assert_int_eq(rs_group_name("p_", uid, name, sizeof(name), NULL), 0);
	ck_assert_uint_eq(strlen(name), 2 + 63);
	memset(uid, '/', 10240);
	ck_assert_int_eq(rs_group_name("p_", uid, name, sizeof(name), NULL), 0);
	ck_assert_uint_eq(strlen(name), 2 + 17);
}
END_TEST

START_TEST(uids_that_look_alike_get_different_names)
{
	static const char *const uids[] = {"ab", "a/b", "a.b", "ab/", "a:b", "/ab", "a//b"};
	char names[ARRAY_LEN(uids)][RS_NAME_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
		ck_assert_int_eq(rs_group_name("p-", uids[i], names[i], sizeof(names[i]), NULL), 0);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(names[i], names[j]);
	}
	/* A hashed name read as a UID is hashed in turn. */
	ck_assert_int_eq(rs_group_name("p-", names[1] + 2, names[0], sizeof(names[0]), NULL), 0);
	ck_assert_str_ne(names[0], names[1]);
}
END_TEST

START_TEST(an_empty_uid_or_a_bad_prefix_has_no_name)
{
	static const char *const prefixes[] = {"", "a/b", "a b", ".", "a\n"};
	char name[RS_NAME_MAX + 1] = "untouched", small[16];
	struct err e = {0};

	ck_assert_int_eq(rs_group_name("p-", "", name, sizeof(name), &e), -EINVAL);
	ck_assert_int_eq(e.code, -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		ck_assert_int_eq(rs_group_name(prefixes[i], UUID, name, sizeof(name), &e), -EINVAL);
	ck_assert_int_eq(rs_group_name("mon_", "data", name, sizeof(name), &e), -EINVAL);
	ck_assert_int_eq(rs_group_name("in", "fo", name, sizeof(name), &e), -EINVAL);
	ck_assert_str_eq(name, "untouched");
	ck_assert_int_eq(rs_group_name("p-", UUID, small, sizeof(small), &e), -EINVAL);
}
END_TEST

START_TEST(a_name_longer_than_a_directory_name_is_refused)
{
	char prefix[250], name[1024];

	memset(prefix, 'p', sizeof(prefix) - 1);
	prefix[sizeof(prefix) - 1] = '\0';
	ck_assert_int_eq(rs_group_name(prefix, UUID, name, sizeof(name), NULL), -EINVAL);
}
END_TEST

static const char *const bad_names[] = {
	"", ".", "..", "a/b", "/", "a/", "info", "mon_groups", "mon_data", "a\nb",
};

START_TEST(names_that_cannot_be_groups_never_reach_the_kernel)
{
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", bad_names[_i], &g, NULL, &f.e),
			 -EINVAL);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_CTRL, "", bad_names[_i], &g, NULL, &f.e),
			 -EINVAL);
	if (*bad_names[_i])
		ck_assert_int_eq(
			rs_group_create(f.rs, RS_GROUP_MON, bad_names[_i], "ok", &g, NULL, &f.e),
			-EINVAL);
	ck_assert_int_eq(rs_group_delete(f.rs, bad_names[_i], &f.e), -EINVAL);
	ck_assert_uint_eq(f.fs.total, 0);
	fixture_done(&f);
}
END_TEST

static const char *const bad_paths[] = {
	"mon_groups/",     "mon_groups/a/b", "a/b",  "a/mon_groups/",   "a/mon_groups/b/c",
	"mon_groups/info", "info/last",      "../a", "mon_groups/..",   "a/../mon_groups/b",
	"/mon_groups/a",   "mon_groups//a",  "..",   "../mon_groups/a",
};

START_TEST(paths_that_are_no_groups_never_reach_the_kernel)
{
	struct rs_tids tids = fixture_tids(1, 1), listed = {0};
	const char *path = bad_paths[_i];
	struct rs_assign_result res;
	struct rs_counters counters;
	struct fixture f;

	fixture_init(&f, NULL);
	ck_assert_int_eq(rs_group_delete(f.rs, path, &f.e), -EINVAL);
	ck_assert_int_eq(rs_group_assign(f.rs, path, &tids, &res, &f.e), -EINVAL);
	ck_assert_int_eq(rs_group_tasks(f.rs, path, &listed, &f.e), -EINVAL);
	ck_assert_int_eq(rs_group_counters(f.rs, path, &counters, &f.e), -EINVAL);
	ck_assert_uint_eq(f.fs.total, 0);
	rs_tids_done(&tids);
	fixture_done(&f);
}
END_TEST

START_TEST(names_of_256_bytes_are_refused)
{
	char name[RS_NAME_MAX + 2];
	struct fixture f;
	struct rs_group g;

	fixture_init(&f, NULL);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", name, &g, NULL, &f.e), -EINVAL);
	ck_assert_uint_eq(f.fs.total, 0);
	name[RS_NAME_MAX] = '\0';
	(void)fixture_ctrl(&f, name);
	g = fixture_mon(&f, name, name);
	ck_assert_int_eq(rs_group_check(f.rs, &g, &f.e), 0);
	fixture_done(&f);
}
END_TEST

#define HEX "4f3a0b2c1d5e6f708192a3b4c5d6e7f8"

static const struct {
	const char *prefix, *name;
	bool ours;
} owners[] = {
	{"pod_", "pod_" UUID, true},
	{"pod_", "pod_" HEX, true},
	{"pod_", "pod_u1", true}, /* no such UID form, so it tells nothing */
	{"pod_", "pod_", true},
	{"pod_", "pod_ab.0123456789abcdef", true},
	{"pod_", "pod_x" HEX "x", true},
	{"pod_", "pod_blue_" UUID, false},
	{"pod_", "pod_b-" HEX, false},
	{"pod_blue_", "pod_blue_" UUID, true},
	{"pod_", "pod", false},
	{"pod_", "Pod_" UUID, false},
	{"pod_", "", false},
	{"", "pod_" UUID, false},
	{"", "", false},
};

START_TEST(a_name_belongs_to_the_prefix_right_before_its_uid)
{
	ck_assert_int_eq(rs_name_is_ours(owners[_i].prefix, owners[_i].name), owners[_i].ours);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl names");
	TCase *tc = tcase_create("names");

	tcase_add_loop_test(tc, a_uid_keeps_what_a_group_name_may_have, 0, ARRAY_LEN(plain));
	tcase_add_test(tc, a_long_uid_is_cut_to_63_bytes);
	tcase_add_test(tc, a_huge_uid_is_cut_to_63_bytes);
	tcase_add_test(tc, uids_that_look_alike_get_different_names);
	tcase_add_test(tc, an_empty_uid_or_a_bad_prefix_has_no_name);
	tcase_add_test(tc, a_name_longer_than_a_directory_name_is_refused);
	tcase_add_loop_test(tc, names_that_cannot_be_groups_never_reach_the_kernel, 0,
			    ARRAY_LEN(bad_names));
	tcase_add_loop_test(tc, paths_that_are_no_groups_never_reach_the_kernel, 0,
			    ARRAY_LEN(bad_paths));
	tcase_add_test(tc, names_of_256_bytes_are_refused);
	tcase_add_loop_test(tc, a_name_belongs_to_the_prefix_right_before_its_uid, 0,
			    ARRAY_LEN(owners));
	suite_add_tcase(s, tc);
	return s;
}
