/* SPDX-License-Identifier: Apache-2.0 */

/* The contract of numbers: RMIDs and CLOSIDs that run out and come back, and counters. */

#include "contract_priv.h"
#include "strbuf.h"

#define P        CONTRACT_PREFIX
#define MON(n)   "mon_groups/" P n
#define FILL_MAX 300 /* more RMIDs than this are not filled up */
#define DRAIN_MS 20000
#define STEP_MS  250

/* All RMIDs of former checks can be had again. */
static int wait_for_rmids(struct contract *c, size_t nr)
{
	struct rs_group g;

	for (unsigned ms = 0; ms < DRAIN_MS; ms += STEP_MS) {
		size_t made = 0;
		int r = 0;

		for (; made < nr && r == 0; made += r == 0) {
			char name[64];

			snprintf(name, sizeof(name), P "try-%zu", made);
			r = rs_group_create(c->rs, RS_GROUP_MON, "", name, &g, NULL, &c->e);
		}
		if (made == nr)
			return 0;
		c->w->wait_ms(c->w->ctx, STEP_MS);
	}
	return -EBUSY;
}

static enum contract_result capacity_counts_groups(struct contract *c)
{
	struct rs_capacity before, after;
	struct rs_group g;

	EXPECT_OK(c, rs_capacity(c->rs, P, &before, &c->e));
	EXPECT(c, before.rmids > 1 && before.ours == 0, "rmids %zu ours %zu", before.rmids,
	       before.ours);
	EXPECT(c, before.closids > 1, "closids %zu", before.closids);
	EXPECT_OK(c, contract_ctrl(c, "ctrl", &g));
	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_OK(c, contract_mon(c, P "ctrl", "b", &g));
	EXPECT_OK(c, rs_capacity(c->rs, P, &after, &c->e));
	EXPECT(c, after.ours == 3 && after.foreign == before.foreign, "ours %zu foreign %zu",
	       after.ours, after.foreign);
	EXPECT(c,
	       before.closids_ours == 0 && after.closids_ours == 1 &&
		       after.closids_foreign == before.closids_foreign,
	       "closids: ours %zu foreign %zu", after.closids_ours, after.closids_foreign);
	EXPECT_OK(c, rs_capacity(c->rs, "unlikely-", &after, &c->e));
	EXPECT(c, after.ours == 0 && after.foreign == before.foreign + 3, "foreign %zu",
	       after.foreign);
	EXPECT(c, after.closids_ours == 0 && after.closids_foreign == before.closids_foreign + 1,
	       "closids: foreign %zu", after.closids_foreign);
	return CONTRACT_PASSED;
}

/* Every RMID but the root's is taken, one of them by a task that runs. Then one is removed. */
static enum contract_result rmids_run_out_and_come_back(struct contract *c)
{
	struct rs_capacity cap;
	struct rs_group g;
	pid_t tid = c->w->spawn(c->w->ctx);
	size_t free_rmids;
	unsigned ms;
	int r = 0;

	EXPECT_OK(c, rs_capacity(c->rs, P, &cap, &c->e));
	if (cap.rmids > FILL_MAX)
		SKIP(c, "too many RMIDs to use them up");
	free_rmids = cap.rmids - 1 - cap.foreign;
	EXPECT(c, wait_for_rmids(c, free_rmids) == 0, "%zu RMIDs: %s", free_rmids, c->e.msg);
	/* What an earlier command left in the status may still be there, but comes first. */
	EXPECT_RAW(c, contract_write(c, "", "x"), -EINVAL);
	EXPECT_RAW(c, FN(c, mkdir, MON("one-more")), -ENOSPC);
	EXPECT(c, contract_status_ends(c, "Out of RMIDs\n"), "other status");
	EXPECT_RAW(c, rs_group_create(c->rs, RS_GROUP_MON, "", P "one-more", &g, NULL, &c->e),
		   -ENOSPC);
	EXPECT(c, strstr(c->e.msg, "Out of RMIDs"), "message is %s", c->e.msg);
	EXPECT_OK(c, rs_capacity(c->rs, P, &cap, &c->e));
	EXPECT(c, cap.unused == 0 && cap.limbo == RS_LIMBO_NONE, "unused %zu, limbo %d", cap.unused,
	       (int)cap.limbo);
	/* A control group takes an RMID, too; an existing group takes none. */
	EXPECT_RAW(c, FN(c, mkdir, P "one-more"), -ENOSPC);
	EXPECT_RAW(c, FN(c, mkdir, MON("try-0")), -EEXIST);

	EXPECT_RAW(c, contract_write_tid(c, MON("try-0"), tid), 0);
	c->w->run(c->w->ctx, tid);
	EXPECT_OK(c, rs_group_delete(c->rs, MON("try-0"), &c->e));
	EXPECT_RAW(c, FN(c, mkdir, MON("one-more")), -EBUSY);
	EXPECT_RAW(c, rs_group_create(c->rs, RS_GROUP_MON, "", P "one-more", &g, NULL, &c->e),
		   -EBUSY);
	EXPECT_OK(c, rs_capacity(c->rs, P, &cap, &c->e));
	EXPECT(c, cap.unused == 1 && cap.limbo == RS_LIMBO_ALL, "unused %zu, limbo %d", cap.unused,
	       (int)cap.limbo);
	for (ms = 0; ms < DRAIN_MS; ms += STEP_MS) {
		r = rs_group_create(c->rs, RS_GROUP_MON, "", P "one-more", &g, NULL, &c->e);
		if (r != -EBUSY)
			break;
		c->w->wait_ms(c->w->ctx, STEP_MS);
	}
	EXPECT_OK(c, r);
	EXPECT_RAW(c, FN(c, mkdir, MON("two-more")), -ENOSPC);
	return CONTRACT_PASSED;
}

static enum contract_result closids_run_out(struct contract *c)
{
	struct rs_capacity cap;
	struct rs_group g;
	size_t made = 0;
	int r = 0;

	EXPECT_OK(c, rs_capacity(c->rs, P, &cap, &c->e));
	if (cap.closids > 64 || cap.rmids < cap.closids + 2)
		SKIP(c, "RMIDs would run out before CLOSIDs");
	EXPECT(c, wait_for_rmids(c, cap.closids + 1) == 0, "no RMIDs: %s", c->e.msg);
	for (size_t i = 0; i <= cap.closids; i++) {
		char path[64];

		snprintf(path, sizeof(path), MON("try-%zu"), i);
		EXPECT_OK(c, rs_group_delete(c->rs, path, &c->e));
	}
	while (r == 0 && made <= cap.closids) {
		char name[64];

		snprintf(name, sizeof(name), "ctrl-%zu", made);
		r = contract_ctrl(c, name, &g);
		made += r == 0;
	}
	EXPECT(c, r == -ENOSPC, "got %s", err_name(r));
	EXPECT(c, strstr(c->e.msg, "Out of CLOSIDs"), "message is %s", c->e.msg);
	EXPECT(c, made == cap.closids - 1, "%zu of %zu", made, cap.closids);
	EXPECT_OK(c, rs_capacity(c->rs, P, &cap, &c->e));
	EXPECT(c,
	       cap.closids_ours + cap.closids_foreign + 1 == cap.closids && cap.closids_unused == 0,
	       "ours %zu of %zu", cap.closids_ours, cap.closids);
	return CONTRACT_PASSED;
}

static enum contract_result counters_are_numbers_that_grow(struct contract *c)
{
	struct rs_counters first, second;
	struct rs_group g;
	pid_t tid = c->w->spawn(c->w->ctx);

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), 0);
	c->w->run(c->w->ctx, tid);
	EXPECT_OK(c, rs_group_counters(c->rs, g.path, &first, &c->e));
	EXPECT(c, first.domains + first.unavailable >= 1, "no domain answered");
	c->w->run(c->w->ctx, tid);
	c->w->wait_ms(c->w->ctx, STEP_MS);
	EXPECT_OK(c, rs_group_counters(c->rs, g.path, &second, &c->e));
	EXPECT(c, second.mbm_total_bytes >= first.mbm_total_bytes, "total shrank");
	EXPECT(c, second.mbm_local_bytes >= first.mbm_local_bytes, "local shrank");
	EXPECT_OK(c, rs_group_counters(c->rs, "", &first, &c->e));
	EXPECT_RAW(c, rs_group_counters(c->rs, MON("none"), &first, &c->e), -ENOENT);
	return CONTRACT_PASSED;
}

static enum contract_result info_says_what_can_be_had(struct contract *c)
{
	AUTO_STRBUF struct strbuf sb;

	strbuf_init(&sb, 4096);
	EXPECT_RAW(c, FN(c, read, "info/L3_MON/mon_features", &sb), 0);
	EXPECT(c, strstr(strbuf_str(&sb), "llc_occupancy\n"), "features: %s", strbuf_str(&sb));
	strbuf_reset(&sb);
	EXPECT_RAW(c, FN(c, read, "info/L3_MON/max_threshold_occupancy", &sb), 0);
	EXPECT(c, sb.len > 1 && sb.data[sb.len - 1] == '\n', "threshold: %s", strbuf_str(&sb));
	return CONTRACT_PASSED;
}

/* clang-format off */
#define CASE(fn) { #fn, fn }

/* Exhaustion comes last: its RMIDs drain for a while. */
const struct contract_case contract_capacity[] = {
    CASE(info_says_what_can_be_had),
    CASE(capacity_counts_groups),
    CASE(counters_are_numbers_that_grow),
    CASE(closids_run_out),
    CASE(rmids_run_out_and_come_back),
};
/* clang-format on */
const size_t contract_capacity_nr = ARRAY_LEN(contract_capacity);
