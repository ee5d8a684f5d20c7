/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of this module share: the handle, path building and error translation. */

#include "resctrl.h"

#define RS_TASKS "tasks"

/* Does `tasks` take comma lists? Learnt from the kernel's answers, see assign.c. */
enum rs_lists {
	RS_LISTS_UNKNOWN,
	RS_LISTS_YES,
	RS_LISTS_NO,
};

/* What rs_reconcile() works with; kept, so that a placement allocates nothing once it is warm. */
struct rs_scratch {
	struct rs_tids fresh;   /* the last enumeration */
	struct rs_tids pending; /* of those: not known to be in the group */
	struct rs_tids written; /* in this pass, and perhaps to a stranger */
	struct rs_tids done;    /* written in this call, and ours; sorted */
	struct rs_tids refused; /* likewise refused; sorted */
	struct rs_tids strangers;
	unsigned char *outcome; /* per task of PENDING */
	size_t outcome_size;
};

void rs_scratch_done(struct rs_scratch *scratch);

struct rs {
	const struct rs_fs_ops *ops;
	void *ctx;
	enum rs_lists lists;
	enum rs_limbo limbo;    /* what the last creation of a group was told */
	bool is_held, has_lock; /* see rs_hold() */
	struct rs_scratch scratch;
};

/* What was tried when an operation failed; the same errno means different things. */
enum rs_action {
	RS_MKDIR,
	RS_RMDIR,
	RS_RENAME,
	RS_OPEN,
	RS_ASSIGN,
	RS_READ,
	RS_LIST,
};

/*
 * Translate CODE, the errno of ACTION on PATH, into one of the codes of resctrl.h and
 * describe it in E, with the kernel's words where it has some. Returns the translation.
 */
int rs_fail(struct rs *rs, enum rs_action action, const char *path, int code, struct err *e);

/* Takes the advisory lock if it is free and not held; the result goes to rs_unlock(). */
bool rs_lock(struct rs *rs);
void rs_unlock(struct rs *rs, bool locked);

/* ---- names and paths (names.c) ---- */

/* A name that a group can have: no '/', no newline, not ".", not one of resctrl's own. */
bool rs_name_is_valid(const char *name);
/* "info", "mon_data", "mon_groups": directories beside the groups that are none. */
bool rs_name_is_reserved(const char *name);

/* A group's path: [CTRL/]mon_groups/NAME or CTRL, of valid names. */
bool rs_path_is_group(const char *path);
bool rs_path_is_mon(const char *path);

/* "" or the control group of a group's path; BUF has RS_PATH_MAX bytes. */
void rs_path_parent(const char *path, char *buf);

/* Join two parts with '/', either may be empty. -EINVAL when it does not fit SIZE. */
MUST_CHECK int rs_path_join(const char *dir, const char *name, char *buf, size_t size);

/* Room for the path of a file below the longest group path. */
#define RS_FILE_MAX (RS_PATH_MAX + 2 * RS_NAME_MAX)

/* ---- tasks (assign.c) ---- */

enum rs_outcome {
	RS_NOT_TRIED,
	RS_ASSIGNED,
	RS_GONE,
	RS_REFUSED,
};

/* When to stop: IS_TIME_UP as in struct rs_task_source, of which NR_WRITTEN were before the call.
 */
struct rs_limit {
	bool (*is_time_up)(void *ctx, size_t nr_written);
	void *ctx;
	size_t nr_written;
};

/*
 * rs_group_assign() with the outcome per task in OUTCOME[tids->nr] (may be NULL). Returns 1 when
 * LIMIT (may be NULL) ended it: the tasks that are left were not tried.
 */
MUST_CHECK int rs_assign_each(struct rs *rs, const char *path, const struct rs_tids *tids,
			      const struct rs_limit *limit, unsigned char *outcome,
			      struct rs_assign_result *ret, struct err *e);

/* ---- small readers (probe.c) ---- */

/* Read a file that holds one number. Codes as rs_fail(). */
MUST_CHECK int rs_read_number(struct rs *rs, const char *path, uint64_t *ret, struct err *e);

/* The names of the directories in DIR, NUL-separated, appended to OUT. Raw errno. */
struct strbuf;
MUST_CHECK int rs_list_dirs(struct rs *rs, const char *dir, struct strbuf *out);

/* Most bytes of names a directory may have; far above what RMIDs allow. */
#define RS_NAMES_MAX (4u << 20)
