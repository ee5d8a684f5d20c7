/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "strbuf.h"

/* A tree of which only the files in this table exist. */
struct table {
	const char *path, *text; /* TEXT NULL: a directory */
};

static const struct table *find(const struct table *t, const char *path)
{
	for (; t->path; t++) {
		if (strcmp(t->path, path) == 0)
			return t;
	}
	return NULL;
}

static int table_read(void *ctx, const char *path, struct strbuf *out)
{
	const struct table *t = find(ctx, path);

	return t && t->text ? strbuf_adds(out, t->text) : -ENOENT;
}

static int table_stat(void *ctx, const char *path, struct rs_stat *ret)
{
	const struct table *t = find(ctx, path);

	if (!t)
		return -ENOENT;
	*ret = (struct rs_stat){.dev = 1, .ino = 1, .is_dir = !t->text};
	return 0;
}

static int table_list(void *ctx, const char *path, rs_list_fn *fn, void *arg)
{
	size_t len = strlen(path);

	if (len && !find(ctx, path))
		return -ENOENT;
	for (const struct table *t = ctx; t->path; t++) {
		const char *name = t->path + len + (len > 0);

		if (len && (strncmp(t->path, path, len) != 0 || t->path[len] != '/'))
			continue;
		if (!strchr(name, '/') && fn(arg, name, !t->text))
			return -EIO;
	}
	return 0;
}

static int table_is_resctrl(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct rs_fs_ops table_ops = {
	.read = table_read, .stat = table_stat, .list = table_list, .is_resctrl = table_is_resctrl};

static struct rs *table_open(const struct table *t)
{
	struct rs *rs;

	ck_assert_int_eq(rs_new(&table_ops, (void *)(uintptr_t)t, &rs, NULL), 0);
	return rs;
}

#define DOMAIN(g, n, occ, total, local)                                                   \
	{g "/mon_data/mon_L3_" n, NULL}, {g "/mon_data/mon_L3_" n "/llc_occupancy", occ}, \
		{g "/mon_data/mon_L3_" n "/mbm_total_bytes", total},                      \
	{                                                                                 \
		g "/mon_data/mon_L3_" n "/mbm_local_bytes", local                         \
	}

static const struct table tree[] = {
	{"two", NULL},
	{"two/mon_data", NULL},
	DOMAIN("two", "00", "100\n", "1000\n", "10\n"),
	DOMAIN("two", "01", "200\n", "2000\n", "20\n"),
	{"two/mon_data/mon_PERF_PKG_00", NULL},
	{"two/mon_data/mon_PERF_PKG_00/core_energy", "1.5\n"},
	{"half", NULL},
	{"half/mon_data", NULL},
	DOMAIN("half", "00", "Unavailable\n", "Unassigned\n", "Error\n"),
	DOMAIN("half", "01", "200\n", "2000\n", "20\n"),
	{"some", NULL},
	{"some/mon_data", NULL},
	DOMAIN("some", "00", "100\n", "Unavailable\n", "10\n"),
	{"few", NULL},
	{"few/mon_data", NULL},
	{"few/mon_data/mon_L3_00", NULL},
	{"few/mon_data/mon_L3_00/llc_occupancy", "7\n"},
	{"full", NULL},
	{"full/mon_data", NULL},
	DOMAIN("full", "00", "18446744073709551615\n", "1", "18446744073709551610"),
	DOMAIN("full", "01", "1\n", "1", "5"),
	{"junk", NULL},
	{"junk/mon_data", NULL},
	DOMAIN("junk", "00", "12x\n", "1\n", "1\n"),
	{"long", NULL},
	{"long/mon_data", NULL},
	DOMAIN("long", "00", "1\n", "1\n",
	       "11111111111111111111111111111111111111111111111111111111111111111\n"),
	{"none", NULL},
	{"none/mon_data", NULL},
	{"bare", NULL},
	{NULL, NULL},
};

static const struct {
	const char *group;
	int want;
	struct rs_counters c;
} rows[] = {
	{"two", 0, {300, 3000, 30, 2, 0}},
	{"half", 0, {200, 2000, 20, 1, 1}},
	{"some", 0, {100, 0, 10, 0, 1}},
	{"few", 0, {7, 0, 0, 1, 0}},
	{"full", 0, {UINT64_MAX, 2, UINT64_MAX, 2, 0}},
	{"none", 0, {0, 0, 0, 0, 0}},
	{"junk", -EIO, {0}},
	{"long", -EIO, {0}},
	{"bare", -EOPNOTSUPP, {0}},
	{"gone", -ENOENT, {0}},
};

START_TEST(counters_are_summed_over_the_domains)
{
	struct rs *rs = table_open(tree);
	struct rs_counters c = {.domains = 99};
	struct err e;
	int r = rs_group_counters(rs, rows[_i].group, &c, &e);

	ck_assert_msg(r == rows[_i].want, "%s: %s", rows[_i].group, err_name(r));
	if (r < 0) {
		ck_assert_uint_eq(c.domains, 99);
	} else {
		ck_assert_uint_eq(c.llc_occupancy_bytes, rows[_i].c.llc_occupancy_bytes);
		ck_assert_uint_eq(c.mbm_total_bytes, rows[_i].c.mbm_total_bytes);
		ck_assert_uint_eq(c.mbm_local_bytes, rows[_i].c.mbm_local_bytes);
		ck_assert_uint_eq(c.domains, rows[_i].c.domains);
		ck_assert_uint_eq(c.unavailable, rows[_i].c.unavailable);
	}
	rs_free(rs);
}
END_TEST

static void append_counter(void *arg, const struct rs_counter *c)
{
	(void)strbuf_addf(arg, "%s/%s=", c->domain, c->event);
	if (c->why)
		(void)strbuf_addf(arg, "%s ", c->why);
	else
		(void)strbuf_addf(arg, "%llu ", (unsigned long long)c->value);
}

START_TEST(each_counter_is_told_with_its_value_or_why_there_is_none)
{
	struct rs *rs = table_open(tree);
	struct strbuf sb;

	strbuf_init(&sb, 4096);
	ck_assert_int_eq(rs_group_each_counter(rs, "half", append_counter, &sb, NULL), 0);
	ck_assert_str_eq(strbuf_str(&sb),
			 "mon_L3_00/llc_occupancy=Unavailable "
			 "mon_L3_00/mbm_total_bytes=Unassigned mon_L3_00/mbm_local_bytes=Error "
			 "mon_L3_01/llc_occupancy=200 mon_L3_01/mbm_total_bytes=2000 "
			 "mon_L3_01/mbm_local_bytes=20 ");
	strbuf_reset(&sb);
	ck_assert_int_eq(rs_group_each_counter(rs, "few", append_counter, &sb, NULL), 0);
	ck_assert_str_eq(strbuf_str(&sb), "mon_L3_00/llc_occupancy=7 ");
	ck_assert_int_eq(rs_group_each_counter(rs, "../etc", append_counter, &sb, NULL), -EINVAL);
	strbuf_done(&sb);
	rs_free(rs);
}
END_TEST

START_TEST(the_limbo_threshold_is_told_where_the_kernel_tells_it)
{
	static const struct table with[] = {
		{"info", NULL},
		{"info/L3_MON", NULL},
		{"info/L3_MON/max_threshold_occupancy", "65536\n"},
		{NULL, NULL},
	};
	struct rs *rs = table_open(with);
	uint64_t bytes = 1;

	ck_assert_int_eq(rs_limbo_threshold(rs, &bytes, NULL), 0);
	ck_assert_uint_eq(bytes, 65536);
	rs_free(rs);
	rs = table_open(tree);
	ck_assert_int_eq(rs_limbo_threshold(rs, &bytes, NULL), -EOPNOTSUPP);
	ck_assert_uint_eq(bytes, 65536);
	rs_free(rs);
}
END_TEST

START_TEST(capacity_counts_who_holds_rmids)
{
	const struct rs_sim_config config = {.rmids = 40, .closids = 8};
	struct rs_capacity cap;
	struct fixture f;

	fixture_init(&f, &config);
	(void)fixture_ctrl(&f, "class");
	(void)fixture_ctrl(&f, "p-ctrl");
	(void)fixture_mon(&f, "", "p-1");
	(void)fixture_mon(&f, "", "p-2");
	(void)fixture_mon(&f, "", "other");
	(void)fixture_mon(&f, "class", "p-3");
	(void)fixture_mon(&f, "class", "theirs");
	ck_assert_int_eq(rs_capacity(f.rs, "p-", &cap, &f.e), 0);
	ck_assert_uint_eq(cap.rmids, 40);
	ck_assert_uint_eq(cap.closids, 8);
	ck_assert_uint_eq(cap.ours, 4);
	ck_assert_uint_eq(cap.foreign, 3);
	ck_assert_uint_eq(cap.unused, 40 - 1 - 4 - 3);
	ck_assert_uint_eq(cap.closids_unused, 8 - 1 - 2);
	ck_assert_int_eq(cap.limbo, RS_LIMBO_UNKNOWN);
	fixture_done(&f);
}
END_TEST

static void expect_unused(struct fixture *f, size_t unused, enum rs_limbo limbo)
{
	struct rs_capacity cap;

	ck_assert_int_eq(rs_capacity(f->rs, "p-", &cap, &f->e), 0);
	ck_assert_uint_eq(cap.unused, unused);
	ck_assert_int_eq(cap.limbo, limbo);
}

/* The kernel tells of draining RMIDs only when it refuses a group. */
START_TEST(what_the_last_refusal_said_of_limbo_is_told)
{
	const struct rs_sim_config config = {.rmids = 3, .limbo_ms = 60000};
	struct rs_group g;
	struct fixture f;

	fixture_init(&f, &config);
	(void)fixture_mon(&f, "", "p-1");
	(void)fixture_mon(&f, "", "p-2");
	expect_unused(&f, 0, RS_LIMBO_UNKNOWN);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "p-3", &g, NULL, &f.e), -ENOSPC);
	expect_unused(&f, 0, RS_LIMBO_NONE);
	ck_assert_int_eq(rs_group_delete(f.rs, "mon_groups/p-1", &f.e), 0);
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "p-3", &g, NULL, &f.e), -EBUSY);
	expect_unused(&f, 1, RS_LIMBO_ALL);
	/* A group that is there takes no RMID, so its adoption says nothing about them. */
	ck_assert_int_eq(rs_group_create(f.rs, RS_GROUP_MON, "", "p-2", &g, NULL, &f.e), 0);
	expect_unused(&f, 1, RS_LIMBO_ALL);
	rs_sim_advance(f.sim, 60000);
	(void)fixture_mon(&f, "", "p-3");
	expect_unused(&f, 0, RS_LIMBO_UNKNOWN);
	fixture_done(&f);
}
END_TEST

static const struct table controls[] = {
	{"mon_groups", NULL},
	{"info", NULL},
	{"info/L3_MON", NULL},
	{"info/L3_MON/num_rmids", "256\n"},
	{"info/L3", NULL},
	{"info/L3/num_closids", "16\n"},
	{"info/MB", NULL},
	{"info/MB/num_closids", "8\n"},
	{"info/SMBA", NULL},
	{"info/SMBA/num_closids", "32\n"},
	{"info/last_cmd_status", "ok\n"},
	{NULL, NULL},
};

/* More groups than there can be: read while others came and went. */
static const struct table crowd[] = {
	{"mon_groups", NULL},  {"one", NULL},
	{"two", NULL},         {"info", NULL},
	{"info/L3_MON", NULL}, {"info/L3_MON/num_rmids", "2\n"},
	{"info/L3", NULL},     {"info/L3/num_closids", "2\n"},
	{NULL, NULL},
};

START_TEST(nothing_is_unused_when_there_are_more_groups_than_ids)
{
	struct rs *rs = table_open(crowd);
	struct rs_capacity cap;

	ck_assert_int_eq(rs_capacity(rs, "p-", &cap, NULL), 0);
	ck_assert_uint_eq(cap.closids_foreign, 2);
	ck_assert_uint_eq(cap.closids_unused, 0);
	ck_assert_uint_eq(cap.unused, 0);
	rs_free(rs);
}
END_TEST

START_TEST(the_smallest_number_of_closids_counts)
{
	struct rs *rs = table_open(controls);
	struct rs_capacity cap;

	ck_assert_int_eq(rs_capacity(rs, "p-", &cap, NULL), 0);
	ck_assert_uint_eq(cap.rmids, 256);
	ck_assert_uint_eq(cap.closids, 8);
	rs_free(rs);
}
END_TEST

static const struct {
	const char *text;
	int want;
	size_t rmids;
} numbers[] = {
	{"224\n", 0, 224},
	{"1", 0, 1},
	{"", -EIO, 0},
	{"\n", -EIO, 0},
	{"-1\n", -EIO, 0},
	{"many\n", -EIO, 0},
	{"1 2\n", -EIO, 0},
	{"99999999999999999999999\n", -EIO, 0},
	{"00000000000000000000000000000000000000000000000000000000000000000000001\n", -EIO, 0},
};

START_TEST(num_rmids_is_read_strictly)
{
	struct rs_capacity cap = {.rmids = 77};
	struct fixture f;

	fixture_init(&f, NULL);
	f.fs.fake_path = "num_rmids";
	f.fs.fake_data = numbers[_i].text;
	f.fs.fake_len = strlen(numbers[_i].text);
	ck_assert_int_eq(rs_capacity(f.rs, "p-", &cap, &f.e), numbers[_i].want);
	ck_assert_uint_eq(cap.rmids, numbers[_i].want ? 77 : numbers[_i].rmids);
	fixture_done(&f);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl counters and capacity");
	TCase *tc = tcase_create("counters");

	tcase_add_loop_test(tc, counters_are_summed_over_the_domains, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, each_counter_is_told_with_its_value_or_why_there_is_none);
	tcase_add_test(tc, the_limbo_threshold_is_told_where_the_kernel_tells_it);
	tcase_add_test(tc, capacity_counts_who_holds_rmids);
	tcase_add_test(tc, what_the_last_refusal_said_of_limbo_is_told);
	tcase_add_test(tc, the_smallest_number_of_closids_counts);
	tcase_add_test(tc, nothing_is_unused_when_there_are_more_groups_than_ids);
	tcase_add_loop_test(tc, num_rmids_is_read_strictly, 0, ARRAY_LEN(numbers));
	suite_add_tcase(s, tc);
	return s;
}
