/* SPDX-License-Identifier: Apache-2.0 */

/* The contract of directories: what may be made, removed, moved, and where. */

#include "contract_priv.h"
#include "strbuf.h"

#define P       CONTRACT_PREFIX
#define MON(n)  "mon_groups/" P n
#define LONG256 256

static enum contract_result probe_finds_a_usable_tree(struct contract *c)
{
	EXPECT_RAW(c, FN(c, is_resctrl), 0);
	EXPECT_OK(c, rs_probe(c->rs, &c->e));
	return CONTRACT_PASSED;
}

static enum contract_result a_new_group_has_its_files(struct contract *c)
{
	static const char *const files[] = {"", "/tasks", "/mon_data"};
	struct rs_group g;
	struct rs_stat st;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT(c, strcmp(g.path, MON("a")) == 0, "path is %s", g.path);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char path[RS_PATH_MAX + 16];

		snprintf(path, sizeof(path), "%s%s", g.path, files[i]);
		EXPECT_RAW(c, FN(c, stat, path, &st), 0);
		EXPECT(c, st.is_dir == (strcmp(files[i], "/tasks") != 0), "%s", path);
	}
	EXPECT_RAW(c, FN(c, stat, MON("a") "/mon_groups", &st), -ENOENT);
	EXPECT_RAW(c, FN(c, stat, MON("b"), &st), -ENOENT);
	return CONTRACT_PASSED;
}

static enum contract_result a_group_keeps_its_inode_and_is_adopted(struct contract *c)
{
	struct rs_group g, again;
	bool adopted = false;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_OK(c, rs_group_check(c->rs, &g, &c->e));
	EXPECT_RAW(c, FN(c, mkdir, MON("a")), -EEXIST);
	EXPECT_OK(c, rs_group_create(c->rs, RS_GROUP_MON, "", P "a", &again, &adopted, &c->e));
	EXPECT(c, adopted && again.ino == g.ino && again.dev == g.dev, "adopted %d", adopted);
	return CONTRACT_PASSED;
}

static enum contract_result a_group_made_again_is_another_one(struct contract *c)
{
	struct rs_group g, again;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_OK(c, rs_group_delete(c->rs, g.path, &c->e));
	EXPECT_RAW(c, rs_group_check(c->rs, &g, &c->e), -ENOENT);
	EXPECT_OK(c, contract_mon(c, "", "a", &again));
	EXPECT_RAW(c, rs_group_check(c->rs, &g, &c->e), -ENOENT);
	EXPECT_OK(c, rs_group_check(c->rs, &again, &c->e));
	return CONTRACT_PASSED;
}

static enum contract_result mkdir_is_only_for_groups(struct contract *c)
{
	struct rs_group g;
	int r;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, FN(c, mkdir, MON("a") "/" P "b"), -EPERM);
	EXPECT_RAW(c, FN(c, mkdir, MON("a") "/mon_data/" P "b"), -EPERM);
	EXPECT_RAW(c, FN(c, mkdir, MON("a") "/mon_groups/" P "b"), -ENOENT);
	EXPECT_RAW(c, FN(c, mkdir, "mon_groups/mon_groups"), -EPERM);
	EXPECT_RAW(c, FN(c, mkdir, "mon_data/" P "b"), -EPERM);
	EXPECT_RAW(c, FN(c, mkdir, "tasks/" P "b"), -ENOTDIR);
	EXPECT_RAW(c, FN(c, mkdir, "info"), -EEXIST);
	r = FN(c, mkdir, "info/" P "b"); /* EPERM before 6.x learnt to say ENODEV */
	EXPECT(c, r == -EPERM || r == -ENODEV, "got %s", err_name(r));
	return CONTRACT_PASSED;
}

static enum contract_result mkdir_refuses_bad_names(struct contract *c)
{
	EXPECT_RAW(c, FN(c, mkdir, "mon_groups/" P "a\nb"), -EINVAL);
	EXPECT_RAW(c, FN(c, mkdir, P "a\nb"), -EINVAL);
	EXPECT_RAW(c, FN(c, mkdir, P "none/mon_groups/x"), -ENOENT);
	return CONTRACT_PASSED;
}

/* There is no NAME_MAX here, so the library has to keep to it by itself. */
static enum contract_result mkdir_takes_names_of_more_than_255_bytes(struct contract *c)
{
	char path[32 + LONG256 + 1] = "mon_groups/" P;
	size_t len = strlen("mon_groups/");
	struct rs_stat st;

	memset(path + strlen(path), 'x', LONG256 - strlen(P));
	path[len + LONG256] = '\0';
	EXPECT_RAW(c, FN(c, mkdir, path), 0);
	EXPECT_RAW(c, FN(c, stat, path, &st), 0);
	EXPECT_RAW(c, FN(c, rmdir, path), 0);
	return CONTRACT_PASSED;
}

static enum contract_result the_longest_name_works(struct contract *c)
{
	char name[RS_NAME_MAX + 1] = P;
	struct rs_tids tids = {0};
	struct rs_counters counters;
	struct rs_group ctrl, g;
	size_t len = strlen(name);

	memset(name + len, 'x', RS_NAME_MAX - len);
	name[RS_NAME_MAX] = '\0';
	EXPECT_OK(c, rs_group_create(c->rs, RS_GROUP_CTRL, "", name, &ctrl, NULL, &c->e));
	EXPECT_OK(c, rs_group_create(c->rs, RS_GROUP_MON, name, name, &g, NULL, &c->e));
	EXPECT_OK(c, rs_group_counters(c->rs, g.path, &counters, &c->e));
	EXPECT_OK(c, rs_group_tasks(c->rs, g.path, &tids, &c->e));
	EXPECT_OK(c, rs_group_delete(c->rs, g.path, &c->e));
	return CONTRACT_PASSED;
}

static enum contract_result rmdir_is_only_for_groups(struct contract *c)
{
	struct rs_group g;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, FN(c, rmdir, MON("none")), -ENOENT);
	EXPECT_RAW(c, FN(c, rmdir, "mon_groups"), -EPERM);
	EXPECT_RAW(c, FN(c, rmdir, "mon_data"), -EPERM);
	EXPECT_RAW(c, FN(c, rmdir, "info"), -EPERM);
	EXPECT_RAW(c, FN(c, rmdir, "tasks"), -ENOTDIR);
	EXPECT_RAW(c, FN(c, rmdir, MON("a") "/mon_data"), -EPERM);
	EXPECT_OK(c, rs_group_delete(c->rs, g.path, &c->e));
	EXPECT_OK(c, rs_group_delete(c->rs, g.path, &c->e));
	return CONTRACT_PASSED;
}

static int count_name(void *arg, const char *name, bool is_dir)
{
	int *seen = arg;

	if (strcmp(name, P "a") == 0 || strcmp(name, "mon_groups") == 0 ||
	    strcmp(name, "info") == 0)
		*seen += is_dir ? 1 : 100;
	if (strcmp(name, "tasks") == 0)
		*seen += is_dir ? 100 : 1;
	return 0;
}

static enum contract_result listings_tell_directories_from_files(struct contract *c)
{
	struct rs_group g;
	int seen = 0;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, FN(c, list, "", count_name, &seen), 0);
	EXPECT(c, seen == 3, "saw %d in the root", seen);
	seen = 0;
	EXPECT_RAW(c, FN(c, list, "mon_groups", count_name, &seen), 0);
	EXPECT(c, seen == 1, "saw %d in mon_groups", seen);
	EXPECT_RAW(c, FN(c, list, "tasks", count_name, &seen), -ENOTDIR);
	EXPECT_RAW(c, FN(c, list, MON("none"), count_name, &seen), -ENOENT);
	return CONTRACT_PASSED;
}

static enum contract_result files_refuse_what_they_are_not_for(struct contract *c)
{
	AUTO_STRBUF struct strbuf sb;

	strbuf_init(&sb, 4096);
	EXPECT_RAW(c, FN(c, open_write, "mon_groups"), -EISDIR);
	EXPECT_RAW(c, FN(c, open_write, MON("none") "/tasks"), -ENOENT);
	EXPECT_RAW(c, FN(c, open_write, "info/L3_MON/num_rmids"), -EACCES);
	EXPECT_RAW(c, FN(c, read, "mon_groups", &sb), -EISDIR);
	EXPECT_RAW(c, FN(c, read, MON("none") "/tasks", &sb), -ENOENT);
	return CONTRACT_PASSED;
}

static enum contract_result a_control_group_holds_monitoring_groups(struct contract *c)
{
	struct rs_group ctrl, g;
	struct rs_stat st;

	EXPECT_OK(c, contract_ctrl(c, "ctrl", &ctrl));
	EXPECT_OK(c, contract_mon(c, ctrl.path, "a", &g));
	EXPECT(c, strcmp(g.path, P "ctrl/mon_groups/" P "a") == 0, "path is %s", g.path);
	EXPECT_RAW(c, FN(c, rmdir, P "ctrl/mon_groups"), -EPERM);
	EXPECT_RAW(c, FN(c, mkdir, P "ctrl/" P "b"), -EPERM);
	EXPECT_OK(c, rs_group_delete(c->rs, ctrl.path, &c->e));
	EXPECT_RAW(c, FN(c, stat, g.path, &st), -ENOENT);
	return CONTRACT_PASSED;
}

static enum contract_result rename_moves_a_group_or_is_not_there(struct contract *c)
{
	struct rs_group ctrl, g, before;
	pid_t tid = c->w->spawn(c->w->ctx);
	int r;

	EXPECT_OK(c, contract_ctrl(c, "ctrl", &ctrl));
	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), 0);
	before = g;
	r = rs_group_move(c->rs, &g, ctrl.path, &c->e);
	if (!c->can.rename) {
		EXPECT(c, r == -EOPNOTSUPP, "got %s", err_name(r));
		EXPECT_OK(c, rs_group_check(c->rs, &before, &c->e));
		return CONTRACT_PASSED;
	}
	EXPECT_OK(c, r);
	EXPECT(c, strcmp(g.path, P "ctrl/mon_groups/" P "a") == 0, "path is %s", g.path);
	EXPECT_OK(c, rs_group_check(c->rs, &g, &c->e));
	EXPECT_RAW(c, rs_group_check(c->rs, &before, &c->e), -ENOENT);
	EXPECT(c, contract_lists(c, g.path, tid) == 1, "the task did not move along");
	EXPECT(c, contract_lists(c, ctrl.path, tid) == 1, "the task is not in the new parent");
	EXPECT_RAW(c, contract_write_tid(c, "", tid), 0);
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), -EINVAL);
	return CONTRACT_PASSED;
}

static enum contract_result rename_keeps_to_its_rules(struct contract *c)
{
	struct rs_group ctrl, a, b;

	if (!c->can.rename)
		SKIP(c, "no rename in this kernel");
	EXPECT_OK(c, contract_ctrl(c, "ctrl", &ctrl));
	EXPECT_OK(c, contract_mon(c, "", "a", &a));
	EXPECT_OK(c, contract_mon(c, "", "b", &b));
	EXPECT_RAW(c, FN(c, rename, "info", P "other"), -ENOENT);
	EXPECT_RAW(c, FN(c, rename, P "ctrl", P "ctrl/mon_groups/x"), -EINVAL);
	EXPECT_RAW(c, FN(c, rename, P "ctrl", P "other"), -EPERM);
	EXPECT(c, contract_status_has(c, "Source must be a MON group"), "other status");
	EXPECT_RAW(c, FN(c, rename, MON("a"), P "other"), -EPERM);
	EXPECT(c, contract_status_has(c, "Destination must be a mon_groups subdirectory"),
	       "other status");
	EXPECT_RAW(c, FN(c, rename, MON("a"), MON("b")), -EEXIST);
	EXPECT_RAW(c, FN(c, rename, MON("none"), MON("x")), -ENOENT);
	EXPECT_RAW(c, FN(c, rename, MON("a"), P "none/mon_groups/a"), -ENOENT);
	EXPECT_RAW(c, FN(c, rename, MON("a"), MON("a2")), 0);
	EXPECT_RAW(c, rs_group_check(c->rs, &a, &c->e), -ENOENT);
	EXPECT_RAW(c, FN(c, rename, MON("a2"), MON("a")), 0);
	EXPECT_OK(c, rs_group_check(c->rs, &a, &c->e));
	return CONTRACT_PASSED;
}

static enum contract_result cleanup_takes_what_carries_the_prefix(struct contract *c)
{
	struct rs_cleanup_report report;
	struct rs_group g;

	EXPECT_OK(c, contract_mon(c, "", "mine-1", &g));
	EXPECT_OK(c, contract_ctrl(c, "mine-2", &g));
	EXPECT_OK(c, contract_mon(c, P "mine-2", "mine-3", &g));
	EXPECT_OK(c, contract_ctrl(c, "other", &g));
	EXPECT_OK(c, contract_mon(c, P "other", "mine-4", &g));
	EXPECT_OK(c, rs_cleanup(c->rs, P "mine-", NULL, NULL, &report, &c->e));
	/* mine-3 went with mine-2 */
	EXPECT(c, report.removed == 3 && !report.removal_failures && !report.removal_race,
	       "removed %zu, failures %zu", report.removed, report.removal_failures);
	EXPECT(c, report.non_prefix_groups >= 1, "others %zu", report.non_prefix_groups);
	EXPECT_RAW(c, rs_group_check(c->rs, &g, &c->e), -ENOENT);
	EXPECT_OK(c, rs_cleanup(c->rs, P "mine-", NULL, NULL, &report, &c->e));
	EXPECT(c, report.removed == 0, "removed %zu", report.removed);
	return CONTRACT_PASSED;
}

/* clang-format off */
#define CASE(fn) { #fn, fn }

const struct contract_case contract_groups[] = {
    CASE(probe_finds_a_usable_tree),
    CASE(a_new_group_has_its_files),
    CASE(a_group_keeps_its_inode_and_is_adopted),
    CASE(a_group_made_again_is_another_one),
    CASE(mkdir_is_only_for_groups),
    CASE(mkdir_refuses_bad_names),
    CASE(mkdir_takes_names_of_more_than_255_bytes),
    CASE(the_longest_name_works),
    CASE(rmdir_is_only_for_groups),
    CASE(listings_tell_directories_from_files),
    CASE(files_refuse_what_they_are_not_for),
    CASE(a_control_group_holds_monitoring_groups),
    CASE(rename_moves_a_group_or_is_not_there),
    CASE(rename_keeps_to_its_rules),
    CASE(cleanup_takes_what_carries_the_prefix),
};
/* clang-format on */
const size_t contract_groups_nr = ARRAY_LEN(contract_groups);
