/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A world for the core: the simulated resctrl tree, containers whose threads come and go,
 * a clock that is a number, and a record of everything the core reported. Operations of
 * the tree and of the task source can be made to fail.
 */

#include "core.h"
#include "resctrl_sim.h"

#include <stdbool.h>
#include <stddef.h>

#define WORLD_EVENT_MAX 512

enum world_op {
	WORLD_MKDIR,
	WORLD_RMDIR,
	WORLD_RENAME,
	WORLD_STAT,
	WORLD_LIST,
	WORLD_READ,
	WORLD_OPEN,
	WORLD_WRITE,
	WORLD_NR_OPS,
};

/* A container as the kernel has it: a cgroup with threads. */
struct world_container {
	char id[64];
	pid_t *tid;
	size_t nr, size;
	int error; /* when not 0: what an enumeration says */
	bool in_use;
	unsigned listed;        /* enumerations so far */
	char listed_path[2048]; /* the cgroups_path that the last one was asked for, cut */
};

struct world {
	struct rs_sim *sim;
	struct rs *rs;
	struct core *core;
	struct core *other; /* a second daemon's, see world_swap(); NULL: there is one only */
	struct core_config config;
	uint64_t now;

	struct world_container **containers; /* NR_CONTAINERS slots, some of them not in use */
	size_t nr_containers;
	pid_t next_tid;
	bool no_control_groups; /* the kernel does not tell them */
	unsigned grow_on_list;  /* each of the next N enumerations is followed by a fork */
	bool has_list_open;     /* an enumeration was made and not released since */

	/*
	 * A second clock, which only slow operations move, and when the core is told by it to hurry
	 * and to give up; UINT64_MAX: never. With FIDGETY it is told anything at random instead.
	 */
	uint64_t us, hurry_at_us, answer_at_us;
	uint64_t slow_us[WORLD_NR_OPS]; /* what each operation takes */
	uint32_t fidgety;               /* seed; 0: not */

	int fail[WORLD_NR_OPS]; /* errno to fail with, 0: none */
	unsigned calls[WORLD_NR_OPS];
	unsigned long total_calls, fail_at; /* the one call that fails with fail_errno; 0: none */
	int fail_errno;

	char *log; /* events as "u1 Exists 1/2; u1 Removed" */
	size_t log_len, log_size;
	bool keep_log;
	void (*watch)(void *ctx, const struct core_event *event);
	void *watch_ctx;
	unsigned notices[CORE_NOTICE_IGNORED + 1];
	char last_notice[CORE_NOTICE_IGNORED + 1][700];
};

/* RMIDS as in rs_sim_config; LIMBO_MS likewise. Aborts when there is no memory. */
struct world *world_new(unsigned rmids, unsigned limbo_ms);
/* The same with CONFIG, of which zero fields become the defaults of world_new(). */
struct world *world_new_sim(const struct rs_sim_config *config);
void world_free(struct world *w);

/* Start the core with w->config; when there was one it ends first, as if the daemon restarted. */
void world_boot(struct world *w);

/* Everything from here on concerns the other of two daemons; the first time: none yet. */
void world_swap(struct world *w);

/* Do queued work at the present time until nothing is left. */
void world_run(struct world *w);
/* Let time pass as the shell does: work whenever something is due. */
void world_sleep(struct world *w, uint64_t ms);

/* The events since the last call, "" for none. Valid until the next event. */
const char *world_events(struct world *w);
unsigned world_noticed(struct world *w, enum core_notice_kind kind); /* and forgets them */

/* ---- containers and their threads ------------------------------------------------------ */

struct world_container *world_container(struct world *w, const char *id); /* NULL: none */
struct world_container *world_add(struct world *w, const char *id, size_t nr_threads);
void world_end(struct world *w, const char *id); /* all threads end, the cgroup goes */
pid_t world_fork(struct world *w, struct world_container *c);
pid_t world_enter(struct world *w, struct world_container *c); /* a task from outside, as exec */
void world_exit(struct world *w, struct world_container *c, size_t i);
void world_move(struct world *w, struct world_container *c, const char *control_group);
/* How many threads of the container are in the group at PATH. */
size_t world_count_in(struct world *w, const struct world_container *c, const char *path);

/* ---- the tree, by other hands ------------------------------------------------------------ */

int world_mkdir(struct world *w, const char *path);
int world_rmdir(struct world *w, const char *path);
bool world_has(struct world *w, const char *path);

/* ---- short forms: pod "u1" has sandbox "s-u1" and so on ------------------------------------ */

void world_pod(struct core_pod *pod, const char *uid, const char *sandbox);
void run_pod(struct world *w, const char *uid);
void stop_pod(struct world *w, const char *uid);
void remove_pod(struct world *w, const char *uid);
/* START with the runtime's parked init; the world's container must have been added. */
void start(struct world *w, const char *uid, const char *id);
void post_start(struct world *w, const char *uid, const char *id);
/* "u1 u2", "u1/c1 u1/c2!": pods, and containers; ! ended, ? created, not started. */
void synchronize(struct world *w, const char *pods, const char *containers);
