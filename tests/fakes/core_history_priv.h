/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of a history: what there is (here), what the runtime does with it and tells
 * (core_history_runtime.c), what tasks, the kernel and others do (core_history_others.c), and
 * what must hold (core_history_rules.c).
 */

#include "core_history.h"
#include "core_priv.h"
#include "core_world.h"

enum {
	NR_PODS = 5,
	NR_CONTAINERS = 10,
	NR_SANDBOXES = 2, /* a pod can have at a time */
	NR_FOREIGN = 24,
	RMIDS = 20,
	AUDIT_MS = 1000,
	BACKOFF_MAX_MS = 4000,
	/* Every retry was due and every task was written again, and what that led to as well. */
	QUIET_MS = 20 * AUDIT_MS,
	TRACE = 40,
};

enum life {
	GONE,
	CREATED,
	RUNNING,
	ENDED,
};

/* What is really there, whether the core was told or not. */
struct real_sandbox {
	enum life life;
	char id[40];
};

struct real_pod {
	char uid[16];
	struct real_sandbox sandbox[NR_SANDBOXES];
	unsigned serial;
};

struct real_container {
	char id[16];
	enum life life;
	struct real_pod *pod;
	struct real_sandbox *sandbox;
	unsigned serial;
	bool started_in_gold;
};

/* What a subscriber to the events knows. */
struct known {
	bool announced;
	struct core_event last;
	char path[RS_PATH_MAX + 64];
};

struct history {
	struct world *w;
	const uint8_t *data;
	size_t left;
	uint32_t random;
	bool from_bytes;
	struct real_pod pods[NR_PODS];
	struct real_container containers[NR_CONTAINERS];
	struct known known[NR_PODS];
	bool foreign[NR_FOREIGN];
	bool untold;    /* the core was not told the truth; the next Synchronize will */
	bool leftovers; /* groups below another control group may have outlived the daemon */
	unsigned long steps;
	uint32_t seed;
	bool trace;
	char ring[TRACE][96];
	unsigned long nr_traced;
};

/* ---- core_history.c ---- */

void history_trace(struct history *h, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Ends the program with the story so far unless CONDITION. */
void history_hold(struct history *h, bool condition, const char *what, const char *of);

/* The next choice among N, and whether it is the first of them. */
unsigned history_choose(struct history *h, unsigned n);
bool history_one_in(struct history *h, unsigned n);

/* ---- core_history_rules.c ---- */

void history_on_event(void *ctx, const struct core_event *event); /* of the core, CTX a history */
void history_check_always(struct history *h);
void history_check_quiet(struct history *h);
void history_remove_leftovers(struct history *h);

/* ---- core_history_runtime.c ---- */

/* Any container that is so, or NULL. */
struct real_container *history_some_container(struct history *h, enum life life);

void history_do_run(struct history *h);
void history_do_stop_sandbox(struct history *h);
void history_do_remove_sandbox(struct history *h);
void history_do_create(struct history *h);
void history_do_start_created(struct history *h);
void history_do_post_start(struct history *h);
void history_do_end(struct history *h);
void history_do_remove_container(struct history *h);
void history_do_repeat(struct history *h);
void history_do_nonsense(struct history *h);
void history_do_synchronize(struct history *h);
void history_do_restart(struct history *h); /* of the daemon */

/* ---- core_history_others.c ---- */

void history_do_tasks(struct history *h);
void history_do_fault(struct history *h);
void history_do_meddle(struct history *h);
void history_clear_faults(struct history *h);
void history_make_gold(struct history *h); /* a control group of somebody else's */
