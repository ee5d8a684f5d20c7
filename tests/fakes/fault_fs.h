/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * File system operations that pass everything on to others (usually the simulated tree)
 * and fail where a test wants them to: the n-th call of all, or calls of one kind on
 * paths that contain a text. They count calls and what was left open or locked.
 */

#include "resctrl.h"

enum fault_op {
	FAULT_MKDIR,
	FAULT_RMDIR,
	FAULT_RENAME,
	FAULT_STAT,
	FAULT_LIST,
	FAULT_READ,
	FAULT_OPEN,
	FAULT_WRITE, /* its path is that of the open file */
	FAULT_IS_RESCTRL,
	FAULT_LOCK,
	FAULT_OP_MAX,
};

#define FAULT_RULES   16
#define FAULT_HANDLES 16

struct fault_rule {
	enum fault_op op;
	const char *path; /* part of the path; NULL or "": every path */
	int code;         /* what the call returns, without being passed on */
	unsigned skip;    /* so many matching calls are passed on first */
	unsigned times;   /* so many fail then; 0: all of them */
	unsigned seen;    /* matching calls so far */
};

struct fault_fs {
	const struct rs_fs_ops *ops;
	void *ctx;
	unsigned fail_at; /* the call of this number fails, counted from 1; 0: none */
	int fail_code;
	struct fault_rule rules[FAULT_RULES];
	unsigned nr_rules;
	/* What happened. */
	unsigned total, calls[FAULT_OP_MAX];
	unsigned injected;
	int open_handles, locks; /* not given back; both 0 after every call of the library */
	char last_path[1024];    /* of the last call that has one */
	char handle_path[FAULT_HANDLES][1024];
	/* Called before a write is passed on: lets a test change the world in mid-flight. */
	void (*before_write)(void *arg, const char *data, size_t len);
	void *before_write_arg;
	/* The contents of paths that contain fake_path are replaced by this. */
	const char *fake_path, *fake_data;
	size_t fake_len;
};

extern const struct rs_fs_ops fault_fs_ops; /* the context is a struct fault_fs */

void fault_fs_init(struct fault_fs *f, const struct rs_fs_ops *ops, void *ctx);
void fault_fs_fail_nth(struct fault_fs *f, unsigned n, int code);
void fault_fs_fail(struct fault_fs *f, enum fault_op op, const char *path, int code);
void fault_fs_fail_times(struct fault_fs *f, enum fault_op op, const char *path, int code,
			 unsigned skip, unsigned times);
void fault_fs_clear(struct fault_fs *f);   /* forget the faults, keep the counts */
void fault_fs_recount(struct fault_fs *f); /* forget the counts, keep the faults */
