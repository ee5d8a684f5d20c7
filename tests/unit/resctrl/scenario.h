/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The whole life of a node in one function: every call of the library at least once. The
 * tests that make things fail run it again and again. Whatever fails, a call returns one
 * of the codes of resctrl.h, and nothing is left open, locked or lost.
 */

#include "fixture.h"

/* Is R a code that resctrl.h promises? */
static inline bool scenario_code_is_known(int r)
{
	static const int known[] = {0,           -ENOSPC, -EBUSY, -ENODEV, -EROFS,  -EACCES,
				    -EOPNOTSUPP, -ENOENT, -EXDEV, -EINVAL, -ENOMEM, -EIO};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i] == r)
			return true;
	}
	return false;
}

struct scenario {
	struct rs *rs;
	void (*around)(bool inside); /* called before and after every call of the library */
	int first_error;
	unsigned errors;
};

static inline void scenario_around(struct scenario *s, bool inside)
{
	if (s->around)
		s->around(inside);
}

/* Note the outcome R of a call; the message must match the code. */
static inline int scenario_note(struct scenario *s, int r, struct err *e, const char *call)
{
	scenario_around(s, false);
	ck_assert_msg(scenario_code_is_known(r), "%s returned %s", call, err_name(r));
	if (r < 0) {
		ck_assert_msg(e->code == r, "%s returned %s and said %s", call, err_name(r),
			      err_name(e->code));
		ck_assert_msg(*e->msg, "%s failed without a word", call);
		if (!s->errors++)
			s->first_error = r;
	}
	*e = (struct err){0};
	return r;
}

struct scenario_tasks {
	const pid_t *tid;
	bool listed;
};

static inline int scenario_list(void *ctx, struct rs_tids *ret, struct err *e)
{
	struct scenario_tasks *tasks = ctx;

	for (const pid_t *tid = tasks->tid; *tid; tid++) {
		if (*tid == 33 && tasks->listed)
			continue; /* its number is a stranger's by then */
		if (rs_tids_add(ret, *tid) < 0)
			return err_set(e, -ENOMEM, "no memory for the list");
	}
	tasks->listed = true;
	return 0;
}

static inline bool scenario_is_ours(void *ctx, pid_t tid)
{
	(void)ctx;
	return tid != 33; /* a stranger */
}

#define SCENARIO_PREFIX "scn-"
#define NOTE(call)      scenario_note(s, (scenario_around(s, true), call), &e, #call)

/* Every step is tried, whatever became of the one before. */
static inline void scenario_run(struct scenario *s)
{
	static const pid_t tids[] = {31, 32, 33, 34, 35, 36, 37, 0};
	struct scenario_tasks tasks = {.tid = tids};
	const struct rs_task_source source = {
		.list = scenario_list, .is_ours = scenario_is_ours, .ctx = &tasks};
	struct rs_group mon = {.path = "mon_groups/scn-m"}, ctrl, in;
	struct rs_reconcile_result rec;
	struct rs_assign_result res;
	struct rs_cleanup_report rep;
	struct rs_counters counters;
	struct rs_tids list = {0};
	struct rs_capacity cap;
	char parent[RS_NAME_MAX + 1];
	struct err e = {0};
	struct rs *rs = s->rs;

	(void)NOTE(rs_probe(rs, &e));
	(void)NOTE(rs_group_create(rs, RS_GROUP_CTRL, "", "scn-c", &ctrl, NULL, &e));
	(void)NOTE(rs_group_create(rs, RS_GROUP_MON, "scn-c", "scn-in", &in, NULL, &e));
	(void)NOTE(rs_group_create(rs, RS_GROUP_MON, "", "scn-m", &mon, NULL, &e));
	(void)NOTE(rs_group_create(rs, RS_GROUP_MON, "", "scn-m", &mon, NULL, &e));
	(void)NOTE(rs_group_check(rs, &mon, &e));
	if (rs_tids_add(&list, 36) == 0)
		(void)NOTE(rs_group_assign(rs, "scn-c", &list, &res, &e));
	(void)NOTE(rs_reconcile(rs, "mon_groups/scn-m", &source, 4, &rec, &e));
	(void)NOTE(rs_group_tasks(rs, "mon_groups/scn-m", &list, &e));
	rs_tids_done(&list);
	(void)NOTE(rs_group_counters(rs, "mon_groups/scn-m", &counters, &e));
	(void)NOTE(rs_group_find(rs, "scn-in", &in, parent, &e));
	(void)NOTE(rs_capacity(rs, SCENARIO_PREFIX, &cap, &e));
	(void)NOTE(rs_group_move(rs, &mon, "scn-c", &e));
	(void)NOTE(rs_group_delete(rs, mon.path, &e));
	(void)NOTE(rs_cleanup(rs, SCENARIO_PREFIX, NULL, NULL, &rep, &e));
	/* The sweep goes on after a failed removal and only counts it. */
	if (rep.removal_failures && !s->errors++)
		s->first_error = -EIO;
}

/* Afterwards, with nothing failing any more, the tree has to be as good as new. */
static inline void scenario_expect_unharmed(struct rs_sim *sim, unsigned rmids)
{
	struct scenario s = {0};
	struct rs_cleanup_report rep;
	struct rs_sim_usage usage;
	struct err e = {0};

	rs_sim_usage(sim, &usage);
	ck_assert_uint_eq(usage.open_handles, 0);
	ck_assert(!usage.locked);
	ck_assert_int_eq(rs_new(&rs_sim_ops, sim, &s.rs, &e), 0);
	ck_assert_int_eq(rs_cleanup(s.rs, SCENARIO_PREFIX, NULL, NULL, &rep, &e), 0);
	rs_sim_usage(sim, &usage);
	ck_assert_uint_eq(usage.groups, 0);
	ck_assert_uint_eq(usage.rmids_free, rmids - 1);
	scenario_run(&s);
	ck_assert_msg(s.errors == 0, "a clean run after the failure: %s", err_name(s.first_error));
	rs_free(s.rs);
}
