/* SPDX-License-Identifier: Apache-2.0 */

/* One placement: the tasks of one container, brought into its pod's group. */

#include "core_priv.h"

#include <errno.h>
#include <string.h>

struct source {
	struct core *core;
	struct container *c;
	struct core_task_query query;
	struct rs_tids known; /* in the group already */
	size_t enough;        /* tasks to be written whatever the hurry */
	bool has_part; /* SEEN is what an earlier step has left, and was not handed out yet */
	bool is_rest;  /* there is more than SEEN, for another step */
	bool looked;
	int error; /* of the last enumeration */
};

/*
 * Keep of SEEN what is known and the first others, as many as a step places. What goes is not
 * looked for again by the next step, which would make many tasks dear, but is in C->rest.
 */
static int leave_rest(struct source *s, struct rs_tids *seen)
{
	struct rs_tids *rest = &s->c->rest;
	size_t max = s->core->config.step_tasks;
	size_t kept = 0, fresh = 0, k = 0;
	int r = 0;

	if (seen->nr <= max)
		return 0;
	rest->nr = 0;
	for (size_t i = 0; r == 0 && i < seen->nr; i++) {
		pid_t tid = seen->tid[i];

		while (k < s->known.nr && s->known.tid[k] < tid)
			k++;
		if ((k < s->known.nr && s->known.tid[k] == tid) || fresh++ < max)
			seen->tid[kept++] = tid;
		else
			r = rs_tids_add(rest, tid);
	}
	seen->nr = kept;
	s->is_rest = rest->nr > 0;
	return r;
}

/* The next part of what an earlier step has left. */
static int take_rest(struct source *s)
{
	struct rs_tids *rest = &s->c->rest;
	size_t max = s->core->config.step_tasks;
	size_t nr = rest->nr < max ? rest->nr : max;
	const struct rs_tids part = {.tid = rest->tid + rest->nr - nr, .nr = nr};
	int r = rs_tids_copy(&s->core->seen, &part);

	if (r < 0)
		return r;
	rest->nr -= nr;
	s->has_part = true;
	s->is_rest = rest->nr > 0;
	return 0;
}

static int enumerate(struct source *s, struct rs_tids *seen, struct err *e)
{
	int r;

	seen->nr = 0;
	s->looked = true;
	r = s->core->deps.tasks->list(s->core->deps.tasks_ctx, &s->query, seen, e);
	if (r < 0)
		return r;
	rs_tids_sort_unique(seen);
	r = leave_rest(s, seen);
	return r < 0 ? err_sys(e, r, "tasks of a container") : 0;
}

/* Keeps what was seen, so that the audit can tell new tasks from known ones. */
static int list_tasks(void *ctx, struct rs_tids *ret, struct err *e)
{
	struct source *s = ctx;
	struct rs_tids *seen = &s->core->seen;
	/* A step that leaves some for the next need not look whether there are even more. */
	bool is_old = s->has_part || s->is_rest;
	int r = is_old ? 0 : enumerate(s, seen, e);

	s->has_part = false;
	for (size_t i = 0; r == 0 && i < seen->nr; i++) {
		r = rs_tids_add(ret, seen->tid[i]);
		if (r < 0)
			(void)err_set(e, r, "task %d cannot be one of the container's",
				      (int)seen->tid[i]);
	}
	s->error = r;
	return r == 0 && is_old ? 1 : r;
}

static bool is_ours(void *ctx, pid_t tid)
{
	struct source *s = ctx;

	return s->core->deps.tasks->is_ours(s->core->deps.tasks_ctx, &s->query, tid);
}

static bool is_time_up(void *ctx, size_t nr_written)
{
	const struct source *s = ctx;

	switch (core_hurry(s->core)) {
	case CORE_NO_HURRY:
		return false;
	case CORE_HURRY:
		return nr_written >= s->enough;
	case CORE_ANSWER_NOW:
		break;
	}
	return true;
}

static size_t count_fresh(const struct rs_tids *seen, const struct rs_tids *known)
{
	size_t n = 0, k = 0;

	for (size_t i = 0; i < seen->nr; i++) {
		while (k < known->nr && known->tid[k] < seen->tid[i])
			k++;
		n += k == known->nr || known->tid[k] != seen->tid[i];
	}
	return n;
}

static void swap_tids(struct rs_tids *a, struct rs_tids *b)
{
	struct rs_tids t = *a;

	*a = *b;
	*b = t;
}

/* The next step goes on with what this one had no time for, and without what it did not place. */
static int note_missing(const struct source *s)
{
	struct core *core = s->core;

	swap_tids(&core->seen, &core->placed);
	return rs_tids_merge(&s->c->rest, &core->untried);
}

/* Without memory nothing is remembered, which costs writes and no more. */
static void remember(const struct source *s)
{
	struct rs_tids *known = &s->c->known;
	const struct rs_tids *seen = &s->core->seen;

	if ((s->looked ? rs_tids_copy(known, seen) : rs_tids_merge(known, seen)) < 0)
		known->nr = 0;
}

/* What rs_reconcile() said, in the words of place_tasks(). */
static int judge(const struct source *s, int r, const struct rs_reconcile_result *res,
		 struct placing *p, struct err *e)
{
	if (s->error < 0 || r == -ESRCH) {
		p->no_tasks = true;
		return s->error < 0 ? s->error : r;
	}
	if (r == -ENOENT || r == -ENODEV) {
		p->lost = true;
		return r;
	}
	if (r < 0)
		return r;
	/* Go on as long as it leads somewhere: what is missing is seen again by the last step. */
	if ((s->is_rest || res->cut_short) && (res->assigned || !res->refused))
		return err_set(e, -EINPROGRESS, "more tasks than are placed at once");
	/* No numbers: they change at every try, and every change of the text is an API write. */
	if (res->refused)
		return err_set(
			e, -EXDEV,
			"some of its tasks are in another control group than the pod's group");
	if (res->missing)
		return err_set(e, -EAGAIN, "some of its tasks are not in the group yet");
	return 0;
}

int place_tasks(struct core *core, struct container *c, struct placing *p, struct err *e)
{
	char cgroups_path[SPLIT_PATH_MAX];
	struct source s = {
		.core = core,
		.c = c,
		.enough = p->init_only ? PLACE_INIT_MAX : 1,
		.query =
			{
				.container_id = c->id,
				.cgroups_path = container_cgroups_path(c, cgroups_path),
				.cgroup_parent = c->pod->cgroup_parent,
				.init_pid = c->pid,
				.init_only = p->init_only,
			},
	};
	struct rs_task_source source = {
		.list = list_tasks,
		.is_ours = core->deps.tasks->is_ours ? is_ours : NULL,
		.ctx = &s,
		.known = p->only_new ? &s.known : NULL,
		.is_time_up = is_time_up,
		.placed = &core->placed,
		.untried = &core->untried,
	};
	struct rs_reconcile_result res;
	bool is_good;
	int r;

	p->lost = p->no_tasks = false;
	core->seen.nr = 0;
	if (p->only_new)
		s.known = c->known;
	else
		c->rest.nr = 0;
	if (c->rest.nr && take_rest(&s) < 0)
		return err_set(e, -ENOMEM, "tasks of a container: out of memory");
	r = rs_reconcile(core->deps.rs, c->pod->path, &source,
			 core->config.tuning.max_reconcile_passes, &res, e);
	if (core->deps.tasks->release)
		core->deps.tasks->release(core->deps.tasks_ctx);
	r = judge(&s, r, &res, p, e);
	if (r == -EINPROGRESS && res.missing && note_missing(&s) < 0)
		r = err_set(e, -ENOMEM, "tasks of a container: out of memory");
	is_good = r == 0 || r == -EINPROGRESS;
	p->fresh = is_good ? count_fresh(&core->seen, &c->known) : 0;
	c->placed = res.assigned > 0 || (p->only_new && c->placed && !p->lost);
	if (is_good)
		remember(&s);
	else
		c->known.nr = 0;
	return r;
}
