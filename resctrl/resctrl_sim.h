/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A resctrl tree in memory that keeps the kernel's rules: RMIDs and CLOSIDs run out, a
 * removed group's RMID drains before it can be had again, tasks move between groups as
 * the kernel moves them, and info/last_cmd_status says what the kernel says. It serves
 * the daemon's simulated mode and the tests; the contract tests (tests/contract/) run on
 * it and on real kernels alike, and a difference is a bug here.
 *
 * Not simulated: CPU masks, schemata, resource groups, pseudo-locking.
 * Every operation costs what a hash look-up costs, except that listing tasks and removing
 * a group cost the number of its tasks. Not thread-safe.
 */

#include "resctrl.h"

struct rs_sim;

/* All callbacks get CTX. Zero means the default everywhere. */
struct rs_sim_config {
	unsigned rmids;    /* in all, RMID 0 being the root's: N leaves N - 1 groups; default 32 */
	unsigned closids;  /* likewise; default 16 */
	unsigned limbo_ms; /* how long an RMID drains once its group is removed; default 0 */
	/* Monotonic clock for draining and counters. NULL: the one that rs_sim_advance() moves. */
	uint64_t (*now_ms)(void *ctx);
	/* Is there such a task? NULL: every task exists until rs_sim_exit() ends it. */
	bool (*task_exists)(void *ctx, pid_t tid);
	void *ctx;
	pid_t self; /* the task that a written 0 stands for; default: nobody, a 0 moves nothing */
	bool no_task_lists; /* as before 6.7: a comma list is EINVAL and leaves no status */
	bool no_rename;     /* as before 6.5: EPERM */
	bool no_monitoring; /* no info/L3_MON, no mon_groups, no mon_data */
	bool read_only;     /* every change is EROFS */
};

/* Most RMIDs that may be asked for; hardware has some hundreds. */
#define RS_SIM_RMIDS_MAX 65536

/* -EINVAL: rmids or closids above RS_SIM_RMIDS_MAX. */
MUST_CHECK int rs_sim_new(const struct rs_sim_config *config, struct rs_sim **ret, struct err *e);
void rs_sim_free(struct rs_sim *sim);

/* The operations; their context is a struct rs_sim. */
extern const struct rs_fs_ops rs_sim_ops;

/* ---- what happens outside of the tree: for tests and for the demo ---------------- */

/* CHILD begins in the group of PARENT, as after fork(2) or clone(2). -ENOMEM, -ESRCH. */
MUST_CHECK int rs_sim_fork(struct rs_sim *sim, pid_t parent, pid_t child);
/*
 * TID ends. Without a task_exists() callback it is remembered as ended (a write of it is
 * ESRCH) until a fork brings the number back.
 */
void rs_sim_exit(struct rs_sim *sim, pid_t tid);

/* The path of the group TID is in, "" for the root's; NULL when it ended. Until the next change. */
const char *rs_sim_group_of(struct rs_sim *sim, pid_t tid);

/* The RMID of a group ("" is the root), -ENOENT when there is none. */
int rs_sim_rmid_of(const struct rs_sim *sim, const char *path);

/* Move the built-in clock forward; RMIDs that have drained by then can be had. */
void rs_sim_advance(struct rs_sim *sim, uint64_t ms);

/* Unmount or mount: all groups end, tasks fall back to the root, every path is ENOENT. */
void rs_sim_set_mounted(struct rs_sim *sim, bool mounted);

/* Hold the tree's lock as another process would; lock() then says -EWOULDBLOCK. */
void rs_sim_hold_lock(struct rs_sim *sim, bool held);

/* Change what the kernel can do in mid-flight: see the fields of the same names. */
void rs_sim_set_read_only(struct rs_sim *sim, bool read_only);

struct rs_sim_usage {
	unsigned groups;      /* without the root */
	unsigned rmids_free;  /* to be had now */
	unsigned rmids_limbo; /* draining */
	unsigned closids_free;
	size_t tasks; /* remembered */
	unsigned open_handles;
	uint64_t writes; /* to `tasks`, since the beginning */
	uint64_t mkdirs; /* tried, since the beginning */
	bool locked;     /* by lock() */
};

void rs_sim_usage(struct rs_sim *sim, struct rs_sim_usage *ret);
