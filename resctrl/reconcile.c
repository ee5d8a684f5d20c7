/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bringing every task of a container into its group. A thread that forks hands its group
 * on, so once an enumeration shows only tasks that are in the group, no new task can be
 * outside of it, except one that enters the container from without (exec).
 */

#include "rs_priv.h"

#include <errno.h>
#include <string.h>

struct work {
	struct rs *rs;
	const char *path;
	const struct rs_task_source *source;
	struct rs_reconcile_result *ret;
	struct rs_tids fresh;   /* the last enumeration */
	struct rs_tids todo;    /* of those: not known to be in the group */
	struct rs_tids done;    /* written in this call; sorted */
	struct rs_tids refused; /* likewise refused; sorted */
	struct rs_tids strangers;
};

static uint64_t fingerprint(const struct rs_tids *sorted)
{
	uint64_t h = 0x9e3779b97f4a7c15ull + sorted->nr;

	for (size_t i = 0; i < sorted->nr; i++) {
		h ^= (uint64_t)sorted->tid[i];
		h *= 0xff51afd7ed558ccdull;
		h ^= h >> 32;
	}
	return h;
}

static bool is_placed(const struct work *w, pid_t tid)
{
	const struct rs_tids *known = w->source->known;

	return (known && rs_tids_has(known, tid)) || rs_tids_has(&w->done, tid);
}

static int enumerate(struct work *w, struct err *e)
{
	int r;

	w->fresh.nr = 0;
	w->ret->passes++;
	r = w->source->list(w->source->ctx, &w->fresh, e);
	if (r < 0)
		return r;
	rs_tids_sort_unique(&w->fresh);
	w->ret->total = w->fresh.nr;
	w->ret->fingerprint = fingerprint(&w->fresh);
	if (!w->fresh.nr)
		return err_set(e, -ESRCH, "there is no task to place in '%s'", w->path);
	return 0;
}

/* Sets TODO to what has to be written, and the result to what is not in the group now. */
static int select_todo(struct work *w, struct err *e)
{
	w->todo.nr = 0;
	w->ret->missing = w->ret->refused = 0;
	for (size_t i = 0; i < w->fresh.nr; i++) {
		pid_t tid = w->fresh.tid[i];

		if (is_placed(w, tid))
			continue;
		w->ret->missing++;
		if (rs_tids_has(&w->refused, tid))
			w->ret->refused++;
		else if (rs_tids_add(&w->todo, tid) < 0)
			return err_sys(e, -ENOMEM, "list of tasks");
	}
	return 0;
}

/* Sort the tasks of TODO by what became of them; a stranger's number is not ours. */
static int note_outcomes(struct work *w, const unsigned char *outcome, struct err *e)
{
	int r = 0;

	w->strangers.nr = 0;
	for (size_t i = 0; i < w->todo.nr && r == 0; i++) {
		pid_t tid = w->todo.tid[i];

		if (outcome[i] == RS_REFUSED) {
			if (!w->refused.nr)
				w->ret->first_refused = tid;
			r = rs_tids_add(&w->refused, tid);
		}
		if (outcome[i] != RS_ASSIGNED)
			continue;
		if (w->source->is_ours && !w->source->is_ours(w->source->ctx, tid)) {
			r = rs_tids_add(&w->strangers, tid);
			continue;
		}
		r = rs_tids_add(&w->done, tid);
		w->ret->assigned++;
	}
	rs_tids_sort_unique(&w->done);
	rs_tids_sort_unique(&w->refused);
	return r < 0 ? err_sys(e, r, "list of tasks") : 0;
}

/* Where a stranger came from is lost; the control group above is the closest there is. */
static int return_strangers(struct work *w, struct err *e)
{
	struct rs_assign_result res;
	char parent[RS_PATH_MAX];
	int r;

	if (!w->strangers.nr)
		return 0;
	rs_path_parent(w->path, parent);
	r = rs_group_assign(w->rs, parent, &w->strangers, &res, e);
	w->ret->returned += res.assigned;
	return r;
}

static int write_todo(struct work *w, struct err *e)
{
	AUTO_FREE unsigned char *outcome = calloc(w->todo.nr, 1);
	struct rs_assign_result res;
	int r, r2;

	if (!outcome)
		return err_sys(e, -ENOMEM, "place %zu tasks", w->todo.nr);
	r = rs_assign_each(w->rs, w->path, &w->todo, outcome, &res, e);
	/* Also when it failed half way: strangers are to be returned all the same. */
	r2 = note_outcomes(w, outcome, r ? NULL : e);
	if (r2 == 0)
		r2 = return_strangers(w, r ? NULL : e);
	return r ? r : r2;
}

static int run_passes(struct work *w, unsigned max_passes, struct err *e)
{
	for (unsigned pass = 0; pass < max_passes; pass++) {
		int r = enumerate(w, e);

		if (r == 0)
			r = select_todo(w, e);
		if (r < 0 || !w->todo.nr)
			return r;
		r = write_todo(w, e);
		if (r < 0)
			return r;
	}
	/* No pass is left to look again: judge the last enumeration by what was written. */
	return select_todo(w, e);
}

int rs_reconcile(struct rs *rs, const char *path, const struct rs_task_source *source,
		 unsigned max_passes, struct rs_reconcile_result *ret, struct err *e)
{
	struct work w = {.rs = rs, .path = path, .source = source, .ret = ret};
	int r;

	*ret = (struct rs_reconcile_result){0};
	if (!max_passes || !rs_path_is_group(path))
		return err_set(e, -EINVAL, "cannot place tasks in '%.64s' in %u passes", path,
			       max_passes);
	r = run_passes(&w, max_passes, e);
	rs_tids_done(&w.fresh);
	rs_tids_done(&w.todo);
	rs_tids_done(&w.done);
	rs_tids_done(&w.refused);
	rs_tids_done(&w.strangers);
	return r;
}
