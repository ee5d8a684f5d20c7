/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the rest of the project relies on in a resctrl tree, as one suite of checks that
 * runs unchanged on the simulated tree (make check) and on real kernels (contract_real).
 * A check that fails on one of them only means that the simulation is wrong.
 *
 * The suite makes groups whose names begin with CONTRACT_PREFIX and removes them again.
 */

#include "resctrl.h"

#define CONTRACT_PREFIX "contract-"

/* The tasks and the time of a tree. All callbacks get CTX. */
struct contract_world {
	const struct rs_fs_ops *ops;
	void *fs; /* context of OPS */
	/* Each returns a new task in a group of its own making's rules, or a negative errno. */
	pid_t (*spawn)(void *ctx);                /* a process in the root group */
	pid_t (*fork)(void *ctx, pid_t parent);   /* a child of a spawned process */
	pid_t (*thread)(void *ctx, pid_t parent); /* one more thread of a spawned process */
	void (*run)(void *ctx, pid_t tid);        /* let a spawned process work for a moment */
	void (*kill)(void *ctx, pid_t tid);       /* end a spawned process; it is gone on return */
	void (*reset)(void *ctx);                 /* end all that is left of the above */
	void (*wait_ms)(void *ctx, unsigned ms);  /* let time pass */
	pid_t self;                               /* the task that does the writing */
	void *ctx;
};

enum contract_result {
	CONTRACT_PASSED,
	CONTRACT_FAILED,
	CONTRACT_SKIPPED,
};

#define CONTRACT_MSG_MAX 768

size_t contract_nr(void);
const char *contract_name(size_t i);

/* Run check number I; MSG (CONTRACT_MSG_MAX bytes) says why when it did not pass. */
enum contract_result contract_run(size_t i, const struct contract_world *w, char *msg);

/* What this tree can do, learnt by trying: for the log of a run. */
struct contract_features {
	bool task_lists, rename;
};
struct contract_features contract_features(const struct contract_world *w);
