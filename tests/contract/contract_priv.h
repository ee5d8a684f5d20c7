/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the suite share. */

#include "contract.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct contract {
	const struct contract_world *w;
	struct rs *rs;
	struct contract_features can;
	char *msg;
	struct err e;
};

/* A check returns one of enum contract_result; these make it short to say which. */
#define EXPECT(c, cond, ...)                                                      \
	do {                                                                      \
		if (!(cond)) {                                                    \
			contract_note(c, __FILE__, __LINE__, #cond, __VA_ARGS__); \
			return CONTRACT_FAILED;                                   \
		}                                                                 \
	} while (0)

#define SKIP(c, why)                                             \
	do {                                                     \
		snprintf((c)->msg, CONTRACT_MSG_MAX, "%s", why); \
		return CONTRACT_SKIPPED;                         \
	} while (0)

/* An operation of the tree itself returned CODE. */
#define EXPECT_RAW(c, call, want)                                                        \
	do {                                                                             \
		int got_ = (call), want_ = (want);                                       \
		EXPECT(c, got_ == want_, "got %s, want %s", got_ ? err_name(got_) : "0", \
		       want_ ? err_name(want_) : "0");                                   \
	} while (0)

/* A call of the library succeeded. */
#define EXPECT_OK(c, call)                                                  \
	do {                                                                \
		int got_ = (call);                                          \
		EXPECT(c, got_ == 0, "%s: %s", err_name(got_), (c)->e.msg); \
	} while (0)

void contract_note(struct contract *c, const char *file, int line, const char *cond,
		   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#define FN(c, op, ...) ((c)->w->ops->op((c)->w->fs, ##__VA_ARGS__))

/* The group CONTRACT_PREFIX + NAME below CTRL; waits for RMIDs to drain, up to 20 s. */
int contract_mon(struct contract *c, const char *ctrl, const char *name, struct rs_group *ret);
int contract_ctrl(struct contract *c, const char *name, struct rs_group *ret);

/* One write of TEXT to the `tasks` of a group; 0 or negative errno. */
int contract_write(struct contract *c, const char *group, const char *text);
int contract_write_tid(struct contract *c, const char *group, pid_t tid);

/* Is TID listed in the group's `tasks`? -errno when that cannot be read. */
int contract_lists(struct contract *c, const char *group, pid_t tid);

/* Does info/last_cmd_status contain WORDS? */
bool contract_status_has(struct contract *c, const char *words);
bool contract_status_ends(struct contract *c, const char *words);

struct contract_case {
	const char *name;
	enum contract_result (*run)(struct contract *c);
};

extern const struct contract_case contract_groups[], contract_tasks[], contract_capacity[];
extern const size_t contract_groups_nr, contract_tasks_nr, contract_capacity_nr;
