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
	struct rs_scratch *s;
	size_t nr_tried; /* tasks for which a write was made */
};

/* More than this is given back after the call: the largest container is not the usual one. */
#define SCRATCH_KEPT_MAX 8192

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

/* Asked in ascending order of TID; *K is how far it has come in the known ones. */
static bool is_placed(const struct work *w, pid_t tid, size_t *k)
{
	const struct rs_tids *known = w->source->known;

	while (known && *k < known->nr && known->tid[*k] < tid)
		(*k)++;
	return (known && *k < known->nr && known->tid[*k] == tid) || rs_tids_has(&w->s->done, tid);
}

/* 1: the source gave its last answer again, without a look. */
static int enumerate(struct work *w, struct err *e)
{
	int r;

	w->s->fresh.nr = 0;
	w->ret->passes++;
	r = w->source->list(w->source->ctx, &w->s->fresh, e);
	if (r < 0)
		return r;
	rs_tids_sort_unique(&w->s->fresh);
	w->ret->total = w->s->fresh.nr;
	w->ret->fingerprint = fingerprint(&w->s->fresh);
	if (!w->s->fresh.nr)
		return err_set(e, -ESRCH, "there is no task to place in '%s'", w->path);
	return r;
}

/* Sets PENDING to what has to be written, and the result to what is not in the group now. */
static int select_pending(struct work *w, struct err *e)
{
	size_t k = 0;

	w->s->pending.nr = 0;
	w->ret->missing = w->ret->refused = 0;
	for (size_t i = 0; i < w->s->fresh.nr; i++) {
		pid_t tid = w->s->fresh.tid[i];

		if (is_placed(w, tid, &k))
			continue;
		w->ret->missing++;
		if (rs_tids_has(&w->s->refused, tid))
			w->ret->refused++;
		else if (rs_tids_add(&w->s->pending, tid) < 0)
			return err_sys(e, -ENOMEM, "list of tasks");
	}
	return 0;
}

/* Sort the tasks of PENDING by what became of them. */
static int note_outcomes(struct work *w, const unsigned char *outcome, struct err *e)
{
	struct rs_scratch *s = w->s;
	int r = 0;

	for (size_t i = 0; i < s->pending.nr && r == 0; i++) {
		pid_t tid = s->pending.tid[i];

		if (outcome[i] == RS_ASSIGNED)
			r = rs_tids_add(&s->written, tid);
		if (outcome[i] != RS_REFUSED)
			continue;
		if (!s->refused.nr)
			w->ret->first_refused = tid;
		r = rs_tids_add(&s->refused, tid);
	}
	rs_tids_sort_unique(&s->refused);
	return r < 0 ? err_sys(e, r, "list of tasks") : 0;
}

/* Where a stranger came from is lost; the control group above is the closest there is. */
static int return_strangers(struct work *w, struct err *e)
{
	struct rs_assign_result res;
	char parent[RS_PATH_MAX];
	int r;

	if (!w->s->strangers.nr)
		return 0;
	rs_path_parent(w->path, parent);
	r = rs_group_assign(w->rs, parent, &w->s->strangers, &res, e);
	w->ret->returned += res.assigned;
	return r;
}

/*
 * A number that was written may have been taken over by a stranger meanwhile. When the source
 * was looked at again, what it listed is ours, and only the others are asked after.
 */
static int settle_written(struct work *w, bool looked_again, struct err *e)
{
	const struct rs_task_source *source = w->source;
	struct rs_scratch *s = w->s;
	int r = 0;

	s->strangers.nr = 0;
	for (size_t i = 0; i < s->written.nr && r == 0; i++) {
		pid_t tid = s->written.tid[i];

		if (source->is_ours && !(looked_again && rs_tids_has(&s->fresh, tid)) &&
		    !source->is_ours(source->ctx, tid)) {
			r = rs_tids_add(&s->strangers, tid);
			continue;
		}
		r = rs_tids_add(&s->done, tid);
		w->ret->assigned++;
	}
	s->written.nr = 0;
	rs_tids_sort_unique(&s->done);
	return r < 0 ? err_sys(e, r, "list of tasks") : return_strangers(w, e);
}

/* Room for what becomes of each task of PENDING; nothing was tried yet. */
static unsigned char *make_outcome(struct rs_scratch *s)
{
	if (s->pending.nr > s->outcome_size) {
		free(s->outcome);
		s->outcome = malloc(s->pending.size);
		s->outcome_size = s->outcome ? s->pending.size : 0;
	}
	if (s->outcome)
		memset(s->outcome, RS_NOT_TRIED, s->pending.nr);
	return s->outcome;
}

/* What is left over when the time was up, for a caller who goes on from there. */
static int tell_untried(const struct work *w, const unsigned char *outcome)
{
	struct rs_tids *untried = w->source->untried;
	int r = 0;

	for (size_t i = 0; untried && r == 0 && i < w->s->pending.nr; i++) {
		if (outcome[i] == RS_NOT_TRIED)
			r = rs_tids_add(untried, w->s->pending.tid[i]);
	}
	return r;
}

static int write_pending(struct work *w, struct err *e)
{
	const struct rs_limit limit = {w->source->is_time_up, w->source->ctx, w->nr_tried};
	unsigned char *outcome = make_outcome(w->s);
	struct rs_assign_result res;
	int r, r2;

	if (!outcome)
		return err_sys(e, -ENOMEM, "place %zu tasks", w->s->pending.nr);
	r = rs_assign_each(w->rs, w->path, &w->s->pending, &limit, outcome, &res, e);
	w->ret->cut_short = r > 0;
	w->nr_tried += res.assigned + res.gone + res.refused;
	r2 = note_outcomes(w, outcome, r < 0 ? NULL : e);
	if (r > 0 && r2 == 0 && tell_untried(w, outcome) < 0)
		r2 = err_sys(e, -ENOMEM, "list of tasks");
	if (r >= 0)
		r = r2;
	if (r < 0) /* also when it failed half way, strangers are to be returned */
		(void)settle_written(w, false, NULL);
	return r;
}

/* Enumerate, and settle what the pass before has written. */
static int look(struct work *w, struct err *e)
{
	int r = enumerate(w, e);
	int r2 = settle_written(w, r == 0, r < 0 ? NULL : e);

	return r < 0 ? r : r2;
}

static int run_passes(struct work *w, unsigned max_passes, struct err *e)
{
	int r;

	for (unsigned pass = 0; pass < max_passes && !w->ret->cut_short; pass++) {
		r = look(w, e);
		if (r == 0)
			r = select_pending(w, e);
		if (r < 0 || !w->s->pending.nr)
			return r;
		r = write_pending(w, e);
		if (r < 0)
			return r;
	}
	/* No pass (or time) is left to look again: judge the last enumeration by what was written.
	 */
	r = settle_written(w, false, e);
	return r < 0 ? r : select_pending(w, e);
}

/* Likewise: what of the last enumeration is in the group. */
static int tell_placed(const struct work *w, struct err *e)
{
	struct rs_tids *placed = w->source->placed;
	size_t k = 0;

	if (!placed || !w->ret->missing)
		return 0;
	placed->nr = 0;
	for (size_t i = 0; i < w->s->fresh.nr; i++) {
		pid_t tid = w->s->fresh.tid[i];

		if (is_placed(w, tid, &k) && rs_tids_add(placed, tid) < 0)
			return err_sys(e, -ENOMEM, "list of tasks");
	}
	return 0;
}

void rs_scratch_done(struct rs_scratch *s)
{
	rs_tids_done(&s->fresh);
	rs_tids_done(&s->pending);
	rs_tids_done(&s->written);
	rs_tids_done(&s->done);
	rs_tids_done(&s->refused);
	rs_tids_done(&s->strangers);
	free(s->outcome);
	*s = (struct rs_scratch){0};
}

int rs_reconcile(struct rs *rs, const char *path, const struct rs_task_source *source,
		 unsigned max_passes, struct rs_reconcile_result *ret, struct err *e)
{
	struct rs_scratch *s = &rs->scratch;
	struct work w = {.rs = rs, .path = path, .source = source, .ret = ret, .s = s};
	int r;

	*ret = (struct rs_reconcile_result){0};
	if (!max_passes || !rs_path_is_group(path))
		return err_set(e, -EINVAL, "cannot place tasks in '%.64s' in %u passes", path,
			       max_passes);
	s->fresh.nr = s->pending.nr = s->written.nr = s->done.nr = s->refused.nr = s->strangers.nr =
		0;
	if (source->untried)
		source->untried->nr = 0;
	r = run_passes(&w, max_passes, e);
	if (r == 0)
		r = tell_placed(&w, e);
	if (s->fresh.size > SCRATCH_KEPT_MAX || s->done.size > SCRATCH_KEPT_MAX ||
	    s->refused.size > SCRATCH_KEPT_MAX)
		rs_scratch_done(s);
	return r;
}
