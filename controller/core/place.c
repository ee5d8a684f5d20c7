/* SPDX-License-Identifier: Apache-2.0 */

/* One placement: the tasks of one container, brought into its pod's group. */

#include "core_priv.h"

#include <errno.h>
#include <string.h>

/* Beyond this a container's tasks are not remembered: they are always written all, at once. */
#define TIDS_REMEMBERED_MAX 65536

struct source {
	struct core *core;
	struct core_task_query query;
	struct rs_tids known; /* in the group already */
	bool at_once;
	size_t left; /* tasks of the enumeration that are for another step */
	int error;   /* of the last enumeration */
};

/* Keep of SEEN what is known and the first PLACE_AT_ONCE_MAX others; returns how many went. */
static size_t leave_for_later(struct rs_tids *seen, const struct rs_tids *known)
{
	size_t kept = 0, fresh = 0;
	size_t nr = seen->nr;

	if (nr <= PLACE_AT_ONCE_MAX || nr > TIDS_REMEMBERED_MAX)
		return 0;
	for (size_t i = 0; i < nr; i++) {
		if (rs_tids_has(known, seen->tid[i]) || fresh++ < PLACE_AT_ONCE_MAX)
			seen->tid[kept++] = seen->tid[i];
	}
	seen->nr = kept;
	return nr - kept;
}

static int enumerate(struct source *s, struct rs_tids *seen, struct err *e)
{
	int r;

	seen->nr = 0;
	r = s->core->deps.tasks->list(s->core->deps.tasks_ctx, &s->query, seen, e);
	if (r < 0)
		return r;
	rs_tids_sort_unique(seen);
	if (!s->at_once)
		s->left = leave_for_later(seen, &s->known);
	return 0;
}

/* Keeps what was seen, so that the audit can tell new tasks from known ones. */
static int list_tasks(void *ctx, struct rs_tids *ret, struct err *e)
{
	struct source *s = ctx;
	struct rs_tids *seen = &s->core->seen;
	/* A step that leaves some for the next need not look whether there are even more. */
	bool is_old = s->left > 0;
	int r = is_old ? 0 : enumerate(s, seen, e);

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

static size_t count_fresh(const struct rs_tids *seen, const struct rs_tids *known)
{
	size_t n = 0;

	for (size_t i = 0; i < seen->nr; i++)
		n += !rs_tids_has(known, seen->tid[i]);
	return n;
}

static void remember(struct core *core, struct container *c)
{
	const struct rs_tids *seen = &core->seen;

	c->nr_tids = 0;
	if (seen->nr > TIDS_REMEMBERED_MAX)
		return;
	if (seen->nr > c->size_tids || seen->nr < c->size_tids / 4) {
		pid_t *p = realloc(c->tids, (seen->nr ? seen->nr : 1) * sizeof(*p));

		if (!p)
			return;
		c->tids = p;
		c->size_tids = seen->nr ? seen->nr : 1;
	}
	memcpy(c->tids, seen->tid, seen->nr * sizeof(*c->tids));
	c->nr_tids = seen->nr;
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
	/* No numbers: they change at every try, and every change of the text is an API write. */
	if (res->refused)
		return err_set(
			e, -EXDEV,
			"some of its tasks are in another control group than the pod's group");
	if (res->missing)
		return err_set(e, -EAGAIN, "some of its tasks are not in the group yet");
	if (s->left)
		return err_set(e, -EINPROGRESS, "more tasks than are placed at once");
	return 0;
}

int place_tasks(struct core *core, struct container *c, struct placing *p, struct err *e)
{
	struct rs_tids known = {.tid = c->tids, .nr = c->nr_tids, .size = c->size_tids};
	struct source s = {
		.core = core,
		.at_once = p->at_once,
		.query =
			{
				.container_id = c->id,
				.cgroups_path = c->cgroups_path,
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
	};
	struct rs_reconcile_result res;
	bool is_good;
	int r;

	if (p->only_new)
		s.known = known;

	p->lost = p->no_tasks = false;
	core->seen.nr = 0;
	r = rs_reconcile(core->deps.rs, c->pod->path, &source, core->config.max_reconcile_passes,
			 &res, e);
	r = judge(&s, r, &res, p, e);
	is_good = r == 0 || r == -EINPROGRESS;
	p->fresh = is_good ? count_fresh(&core->seen, &known) : 0;
	c->placed = res.assigned > 0 || (p->only_new && c->placed && !p->lost);
	if (is_good)
		remember(core, c);
	else
		c->nr_tids = 0;
	return r;
}
