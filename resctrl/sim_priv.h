/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the simulated tree share. */

#include "list.h"
#include "resctrl_sim.h"
#include "strbuf.h"
#include "strmap.h"

#define SIM_HANDLES 16

struct sim_group {
	char *path;               /* the key in struct rs_sim.groups; "" of the root */
	struct sim_group *parent; /* control group; NULL for control groups and the root */
	struct list children;     /* monitoring groups of a control group, by link */
	struct list link;
	struct list tasks; /* struct sim_task.link; the root's hold only tasks that were seen */
	size_t nr_tasks;
	uint64_t ino;
	unsigned closid, rmid;
	uint64_t bytes, bytes_at_ms; /* memory traffic so far, and when that was reckoned */
};

struct sim_task {
	pid_t tid;
	struct sim_group *group; /* NULL: it ended */
	struct list link;
	struct sim_task *next; /* in the hash chain */
};

struct sim_tasks {
	struct sim_task **buckets;
	size_t size; /* 0 or a power of two */
	size_t nr;
	size_t next_pruned; /* counts buckets looked at for ended tasks; taken modulo size */
};

struct sim_limbo {
	unsigned rmid;
	uint64_t ready_ms;
};

/* RMIDs leave and enter in the order of a queue, as the kernel's free list does. */
struct sim_rmids {
	unsigned *free;          /* ring of nr entries from head */
	struct sim_limbo *limbo; /* likewise; ready_ms ascends */
	unsigned size, free_head, free_nr, limbo_head, limbo_nr;
};

struct sim_handle {
	bool open;
	uint64_t ino;            /* of the group whose `tasks` it is */
	struct sim_group *group; /* whose `tasks` it is; NULL: removed meanwhile */
};

struct rs_sim {
	struct rs_sim_config config;
	uint64_t clock_ms, next_ino;
	struct sim_group root;
	struct list ctrl_groups; /* by link, without the root */
	struct strmap groups;    /* by path, without the root */
	struct sim_tasks tasks;
	struct sim_rmids rmids;
	bool *closid_used;
	struct sim_handle handles[SIM_HANDLES];
	struct strbuf status; /* of the last command; "" is "ok" */
	bool mounted, locked, lock_held;
	uint64_t writes, mkdirs;
};

#define SIM_INO_STEP 16 /* a group's files have the numbers that follow its own */

uint64_t sim_now(const struct rs_sim *sim);

/* ---- RMIDs (sim_rmids.c) ---- */
MUST_CHECK int sim_rmids_init(struct sim_rmids *r, unsigned nr);
void sim_rmids_done(struct sim_rmids *r);
/* An RMID >= 0, -EBUSY or -ENOSPC. */
int sim_rmids_take(struct sim_rmids *r, uint64_t now_ms);
void sim_rmids_give(struct sim_rmids *r, unsigned rmid, uint64_t ready_ms);
/* Move what has drained to the free ones. */
void sim_rmids_drain(struct sim_rmids *r, uint64_t now_ms);

/* ---- tasks (sim_tasks.c) ---- */
void sim_tasks_done(struct rs_sim *sim);
struct sim_task *sim_task_find(const struct rs_sim *sim, pid_t tid);
/* One write(2) of text to the `tasks` file of GROUP. */
int sim_tasks_write(struct rs_sim *sim, struct sim_group *group, const char *data, size_t len);
/* The text of that file. */
int sim_tasks_read(struct rs_sim *sim, struct sim_group *group, struct strbuf *out);
/* All tasks of FROM become tasks of TO. */
void sim_tasks_move_all(struct rs_sim *sim, struct sim_group *from, struct sim_group *to);

/* ---- groups (sim_groups.c) ---- */
void sim_group_init(struct rs_sim *sim, struct sim_group *g);
bool sim_group_is_mon(const struct sim_group *g);
/* Bring the traffic of G up to now; to be called before its number of tasks changes. */
void sim_group_account(const struct rs_sim *sim, struct sim_group *g);
int sim_mkdir(void *ctx, const char *path);
int sim_rmdir(void *ctx, const char *path);
int sim_rename(void *ctx, const char *from, const char *to);
void sim_groups_remove_all(struct rs_sim *sim);

/* ---- files and directories (sim_tree.c) ---- */
enum sim_file {
	SIM_DIR,
	SIM_TASKS,
	SIM_STATUS,
	SIM_NUMBER,
	SIM_FEATURES,
	SIM_OCCUPANCY,
	SIM_TOTAL,
	SIM_LOCAL,
};

/* A place in the tree: the group it belongs to and, below that, one of a fixed set of names. */
struct sim_place {
	struct sim_group *group;
	const struct sim_name *name;
};

/* 0, -ENOENT or -ENOTDIR. */
int sim_find(struct rs_sim *sim, const char *path, struct sim_place *ret);
bool sim_place_is_dir(const struct sim_place *p);
bool sim_place_is_group(const struct sim_place *p);
/* Does a group of NAME made in the directory P become a monitoring group? */
bool sim_place_is_mon_groups(const struct sim_place *p);
bool sim_place_is_tasks(const struct sim_place *p);
/* In `info`, which belongs to no group. */
bool sim_place_is_info(const struct sim_place *p);
int sim_stat(void *ctx, const char *path, struct rs_stat *ret);
int sim_list(void *ctx, const char *path, rs_list_fn *fn, void *arg);
int sim_read(void *ctx, const char *path, struct strbuf *out);
