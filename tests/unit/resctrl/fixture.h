/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A handle on a simulated tree behind the fault injector: what most tests here need. */

#include "unit/runner.h"

#include "fault_fs.h"
#include "resctrl_sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct fixture {
	struct rs_sim *sim;
	struct fault_fs fs;
	struct rs *rs;
	struct err e;
};

static inline void fixture_init(struct fixture *f, const struct rs_sim_config *config)
{
	static const struct rs_sim_config plain = {.rmids = 32};

	memset(f, 0, sizeof(*f));
	ck_assert_int_eq(rs_sim_new(config ? config : &plain, &f->sim, &f->e), 0);
	fault_fs_init(&f->fs, &rs_sim_ops, f->sim);
	ck_assert_int_eq(rs_new(&fault_fs_ops, &f->fs, &f->rs, &f->e), 0);
}

static inline void fixture_done(struct fixture *f)
{
	ck_assert_int_eq(f->fs.open_handles, 0);
	ck_assert_int_eq(f->fs.locks, 0);
	rs_free(f->rs);
	rs_sim_free(f->sim);
}

static inline struct rs_group fixture_mon(struct fixture *f, const char *parent, const char *name)
{
	struct rs_group g;
	int r = rs_group_create(f->rs, RS_GROUP_MON, parent, name, &g, NULL, &f->e);

	ck_assert_msg(r == 0, "%s: %s", name, f->e.msg);
	return g;
}

static inline struct rs_group fixture_ctrl(struct fixture *f, const char *name)
{
	struct rs_group g;
	int r = rs_group_create(f->rs, RS_GROUP_CTRL, "", name, &g, NULL, &f->e);

	ck_assert_msg(r == 0, "%s: %s", name, f->e.msg);
	return g;
}

/* The tasks FIRST to LAST. */
static inline struct rs_tids fixture_tids(pid_t first, pid_t last)
{
	struct rs_tids tids = {0};

	for (pid_t tid = first; tid <= last; tid++)
		ck_assert_int_eq(rs_tids_add(&tids, tid), 0);
	return tids;
}

static inline bool fixture_exists(struct fixture *f, const char *path)
{
	struct rs_stat st;

	return rs_sim_ops.stat(f->sim, path, &st) == 0;
}

#define ASSERT_IN_GROUP(f, tid, path)                                                       \
	do {                                                                                \
		const char *in_ = rs_sim_group_of((f)->sim, tid);                           \
		ck_assert_msg(in_ &&strcmp(in_, path) == 0, "task %d is in '%s', not '%s'", \
			      (int)(tid), in_ ? in_ : "(ended)", path);                     \
	} while (0)
