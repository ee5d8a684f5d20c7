/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writing tasks to a group. From 6.7 on the kernel takes comma lists and stops at the
 * first task it cannot move, with those before it moved; older ones refuse a list as a
 * whole. Writing a task that is in the group already costs the kernel nothing, so a list
 * that failed is written again in smaller pieces until the culprit stands alone. The text
 * of last_cmd_status would name it, but may be that of somebody else's write.
 */

#include "rs_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WRITE_MAX  4000 /* the kernel refuses more than one page */
#define LIST_MAX   256  /* tasks in one write: 4000 bytes hold 500 of the longest */
#define LIST_FIRST 2    /* as long as it is not known whether lists work */

struct job {
	struct rs *rs;
	const struct rs_tids *tids;
	const struct rs_limit *limit; /* may be NULL */
	unsigned char *outcome;       /* may be NULL */
	struct rs_assign_result *ret;
	int handle;
	size_t pos;       /* next task to write */
	size_t want;      /* how many to write at once */
	size_t trial_end; /* lists were refused up to here; singles will tell why */
	bool trial_refused;
};

static int write_list(struct job *j, size_t nr)
{
	char buf[WRITE_MAX];
	size_t len = 0;

	for (size_t i = 0; i < nr; i++) {
		int n = snprintf(buf + len, sizeof(buf) - len, "%s%d", i ? "," : "",
				 (int)j->tids->tid[j->pos + i]);

		if (n < 0 || (size_t)n >= sizeof(buf) - len)
			return -EIO;
		len += (size_t)n;
	}
	return j->rs->ops->write(j->rs->ctx, j->handle, buf, len);
}

static void settle(struct job *j, size_t nr, enum rs_outcome outcome)
{
	if (j->outcome)
		memset(j->outcome + j->pos, (int)outcome, nr);
	j->pos += nr;
}

static size_t list_limit(const struct job *j)
{
	if (j->rs->lists == RS_LISTS_NO || j->pos < j->trial_end)
		return 1;
	return j->rs->lists == RS_LISTS_YES ? LIST_MAX : LIST_FIRST;
}

/* NR tasks were written in one go. */
static void list_done(struct job *j, size_t nr)
{
	j->ret->assigned += nr;
	settle(j, nr, RS_ASSIGNED);
	if (nr > 1)
		j->rs->lists = RS_LISTS_YES;
	j->want = nr * 2;
}

/* A list of NR tasks failed because of one of them, or because lists do not work. */
static void list_failed(struct job *j, size_t nr, int code)
{
	if (code == -ESRCH) /* it was read as a list then */
		j->rs->lists = RS_LISTS_YES;
	j->want = nr / 2;
	if (j->rs->lists != RS_LISTS_UNKNOWN)
		return;
	j->trial_end = j->pos + nr;
	j->trial_refused = false;
}

/* Returns whether CODE is about the task and not about the group. */
static bool single_failed(struct job *j, int code)
{
	if (code == -ESRCH) {
		j->ret->gone++;
		settle(j, 1, RS_GONE);
		return true;
	}
	if (code != -EINVAL)
		return false;
	j->trial_refused = true;
	if (!j->ret->refused++)
		j->ret->first_refused = j->tids->tid[j->pos];
	settle(j, 1, RS_REFUSED);
	return true;
}

/* The tasks of a refused list were written one by one: if none was refused, the list was. */
static void end_trial(struct job *j)
{
	if (!j->trial_end || j->pos < j->trial_end)
		return;
	if (!j->trial_refused)
		j->rs->lists = RS_LISTS_NO;
	j->trial_end = 0;
}

static bool is_time_up(const struct job *j)
{
	size_t nr = j->limit ? j->limit->nr_written + j->pos : 0;

	return nr && j->limit->is_time_up && j->limit->is_time_up(j->limit->ctx, nr);
}

/* 1: the time was up. */
static int run_job(struct job *j)
{
	while (j->pos < j->tids->nr) {
		size_t limit = list_limit(j), nr = j->want ? j->want : 1;
		int r;

		if (is_time_up(j))
			return 1;
		if (nr > limit)
			nr = limit;
		if (nr > j->tids->nr - j->pos)
			nr = j->tids->nr - j->pos;
		r = write_list(j, nr);
		if (r == 0)
			list_done(j, nr);
		else if (nr > 1 && (r == -ESRCH || r == -EINVAL))
			list_failed(j, nr, r);
		else if (nr > 1 || !single_failed(j, r))
			return r;
		end_trial(j);
	}
	return 0;
}

static int check_tids(const struct rs_tids *tids, struct err *e)
{
	for (size_t i = 0; i < tids->nr; i++) {
		if (tids->tid[i] <= 0)
			return err_set(e, -EINVAL, "task id %d would move the writer itself",
				       (int)tids->tid[i]);
	}
	return 0;
}

static int open_and_write(struct rs *rs, const char *tasks, struct job *j, struct err *e)
{
	int r = rs->ops->open_write(rs->ctx, tasks);

	if (r < 0)
		return rs_fail(rs, RS_OPEN, tasks, r, e);
	j->handle = r;
	r = run_job(j);
	/* Described before the close: the kernel's status is of the last command. */
	if (r < 0)
		r = rs_fail(rs, RS_ASSIGN, tasks, r, e);
	rs->ops->close(rs->ctx, j->handle);
	return r;
}

int rs_assign_each(struct rs *rs, const char *path, const struct rs_tids *tids,
		   const struct rs_limit *limit, unsigned char *outcome,
		   struct rs_assign_result *ret, struct err *e)
{
	struct job j = {.rs = rs, .tids = tids, .limit = limit, .ret = ret, .want = LIST_MAX};
	char tasks[RS_FILE_MAX];
	bool locked;
	int r;

	j.outcome = outcome;
	*ret = (struct rs_assign_result){0};
	if ((*path && !rs_path_is_group(path)) ||
	    rs_path_join(path, RS_TASKS, tasks, sizeof(tasks)) < 0)
		return err_set(e, -EINVAL, "'%.64s' is not the path of a group", path);
	r = check_tids(tids, e);
	if (r < 0 || !tids->nr)
		return r;
	locked = rs_lock(rs);
	r = open_and_write(rs, tasks, &j, e);
	rs_unlock(rs, locked);
	return r;
}

int rs_group_assign(struct rs *rs, const char *path, const struct rs_tids *tids,
		    struct rs_assign_result *ret, struct err *e)
{
	return rs_assign_each(rs, path, tids, NULL, NULL, ret, e);
}
