/* SPDX-License-Identifier: Apache-2.0 */

/* Containers: their records, their states, and what the states do to the pod's counters. */

#include "core_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int set_cgroups_path(struct core *core, struct container *c, const char *path)
{
	size_t len = strlen(path), id_len = strlen(c->id);
	char dir[SPLIT_PATH_MAX] = "";
	bool lacks_id =
		len < sizeof(dir) && len >= id_len && strcmp(path + len - id_len, c->id) == 0;
	int r;

	if (lacks_id)
		memcpy(dir, path, len - id_len);
	r = texts_set(&core->texts, &c->cgroups_path, lacks_id ? dir : path);
	if (r == 0)
		c->cgroups_path_lacks_id = lacks_id;
	return r;
}

const char *container_cgroups_path(const struct container *c, char buf[SPLIT_PATH_MAX])
{
	if (!c->cgroups_path_lacks_id)
		return c->cgroups_path;
	(void)snprintf(buf, SPLIT_PATH_MAX, "%s%s", c->cgroups_path, c->id);
	return buf;
}

static bool is_told(const char *text)
{
	return text && *text;
}

int container_update(struct core *core, struct container *c, const struct core_container *in)
{
	int r = 0;

	if (!c->sandbox_id || is_told(in->sandbox_id))
		r = texts_set(&core->texts, &c->sandbox_id, str_or_empty(in->sandbox_id));
	if (r == 0 && (!c->name || is_told(in->name)))
		r = texts_set(&core->texts, &c->name, str_or_empty(in->name));
	if (r == 0 && (!c->cgroups_path || is_told(in->cgroups_path)))
		r = set_cgroups_path(core, c, str_or_empty(in->cgroups_path));
	if (in->pid > 0)
		c->pid = in->pid;
	return r;
}

struct container *container_new(struct core *core, const struct core_container *in)
{
	struct container *c;

	if (core->containers.nr >= CORE_CONTAINERS_MAX) {
		notice_ignored(core, "container", in->id, "there are too many containers");
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		notice_ignored(core, "container", in->id, "out of memory");
		return NULL;
	}
	list_init(&c->link);
	list_init(&c->work_link);
	c->gen = core->gen;
	if (str_set(&c->id, in->id) < 0 || container_update(core, c, in) < 0 ||
	    strmap_add(&core->containers, c->id, c) < 0) {
		container_free(core, c);
		notice_ignored(core, "container", in->id, "out of memory");
		return NULL;
	}
	list_append(&core->nopod, &c->link);
	return c;
}

static void unqueue(struct core *core, struct container *c)
{
	if (c->where == IN_RING)
		ring_del(&core->container_ring, &c->work_link);
	else
		list_del(&c->work_link);
	c->where = NOWHERE;
}

static void queue_at(struct container *c, struct list *list, enum container_place where)
{
	if (where == IN_QUEUE && c->put_off)
		list_prepend(list, &c->work_link);
	else
		list_append(list, &c->work_link);
	c->where = where;
}

/* Where a container belongs, for what is left to do for it. */
static enum container_place place_wanted(const struct container *c)
{
	if (!c->pod)
		return NOWHERE;
	if ((c->steps || c->put_off) && !c->stopped && c->pod->state == POD_EXISTS)
		return IN_QUEUE;
	switch (c->state) {
	case CONTAINER_QUEUED:
		return IN_QUEUE;
	case CONTAINER_PARTIAL:
		return c->pod->state == POD_EXISTS && !c->created ? IN_PARTIAL : NOWHERE;
	case CONTAINER_RECONCILED:
		return c->pod->state != POD_EXISTS || c->stopped || c->created ? NOWHERE : IN_RING;
	}
	return NOWHERE;
}

void container_requeue(struct core *core, struct container *c)
{
	enum container_place want = place_wanted(c);

	unqueue(core, c);
	switch (want) {
	case NOWHERE:
		break;
	case IN_QUEUE:
		queue_at(c, &core->container_queue, want);
		break;
	case IN_PARTIAL:
		queue_at(c, &core->partial, want);
		break;
	case IN_RING:
		ring_add(&core->container_ring, &c->work_link);
		c->where = IN_RING;
		break;
	}
}

void container_queue_again(struct core *core, struct container *c)
{
	unqueue(core, c);
	queue_at(c, &core->container_queue, IN_QUEUE);
}

void container_put_off(struct core *core, struct container *c)
{
	c->put_off = true;
	container_queue_again(core, c);
	notice_put_off(core, c->pod, c);
}

static void count(struct container *c, int sign)
{
	if (!c->pod || c->state == CONTAINER_QUEUED)
		return;
	c->pod->total += (unsigned)sign;
	if (c->state == CONTAINER_RECONCILED)
		c->pod->reconciled += (unsigned)sign;
}

void container_set_state(struct core *core, struct container *c, enum container_state state)
{
	count(c, -1);
	c->state = state;
	count(c, 1);
	if (state == CONTAINER_RECONCILED) {
		if (c->reason && c->pod)
			c->pod->detail_dirty = true;
		c->reason = NULL;
		free(steal_ptr(&c->message));
		c->attempts = 0;
	}
	container_requeue(core, c);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(str_or_empty(a), str_or_empty(b)) == 0;
}

/* Returns whether its reason is another one now. */
static bool set_partial(struct core *core, struct container *c, const char *reason,
			const char *message)
{
	bool is_new = c->state != CONTAINER_PARTIAL || !same_text(c->reason, reason);

	if (is_new)
		c->attempts = 0;
	if (is_new || !same_text(c->message, message))
		c->pod->detail_dirty = true;
	c->reason = reason;
	if (str_set(&c->message, message) < 0)
		free(steal_ptr(&c->message));
	container_set_state(core, c, CONTAINER_PARTIAL);
	return is_new;
}

void container_wait(struct core *core, struct container *c, const char *reason, const char *message)
{
	(void)set_partial(core, c, reason, message);
}

void container_partial(struct core *core, uint64_t now_ms, struct container *c, const char *reason,
		       const char *message)
{
	bool is_new = set_partial(core, c, reason, message);

	retry_arm_container(core, now_ms, c);
	if (is_new)
		notice(core, CORE_NOTICE_CONTAINER_PARTIAL, c->pod, c, "%s", message);
}

void container_bind(struct core *core, struct container *c, struct pod *pod)
{
	list_del(&c->link);
	free(steal_ptr(&c->want_uid));
	c->pod = pod;
	c->reason = NULL;
	list_append(&pod->containers, &c->link);
	container_requeue(core, c);
}

void container_free(struct core *core, struct container *c)
{
	count(c, -1);
	unqueue(core, c);
	list_del(&c->link);
	if (c->id && strmap_get(&core->containers, c->id) == c)
		strmap_del(&core->containers, c->id);
	free(c->id);
	texts_drop(&core->texts, c->sandbox_id);
	texts_drop(&core->texts, c->name);
	texts_drop(&core->texts, c->cgroups_path);
	free(c->want_uid);
	free(c->message);
	rs_tids_done(&c->known);
	rs_tids_done(&c->rest);
	free(c);
}

/* A container that was waiting is this pod's: it named it, or it runs in its sandbox. */
static bool waits_for(struct core *core, const struct container *c, const struct pod *pod)
{
	const struct sandbox *sandbox;

	if (c->want_uid)
		return strcmp(c->want_uid, pod->uid) == 0;
	sandbox = strmap_get(&core->sandboxes, c->sandbox_id);
	return sandbox && sandbox->pod == pod;
}

void nopod_promote(struct core *core, struct pod *pod)
{
	list_for_each_safe (it, nxt, &core->nopod) {
		struct container *c = list_entry(it, struct container, link);

		if (waits_for(core, c, pod))
			container_bind(core, c, pod);
	}
}

static void placed_badly(struct core *core, uint64_t now_ms, struct container *c,
			 const struct placing *p, const struct err *e)
{
	const char *reason = rs_reason(e->code);
	char text[TEXT_MAX];

	if (e->code == -EAGAIN || e->code == -ESRCH || (p->no_tasks && e->code == -ENOENT))
		reason = "Partial";
	(void)snprintf(text, sizeof(text), "%s", e->msg);
	container_partial(core, now_ms, c, reason, text);
}

/* Once more when the group had to be made again or moved; the next time is for the retries. */
static int place_with_repair(struct core *core, uint64_t now_ms, struct container *c,
			     struct placing *p, struct err *e)
{
	int r = place_tasks(core, c, p, e);

	if (p->lost) {
		group_lost(core, now_ms, c->pod, e->msg);
		if (c->pod->state != POD_EXISTS)
			return err_set(e, c->pod->code, "%s", str_or_empty(c->pod->message));
		p->only_new = false;
		r = place_tasks(core, c, p, e);
	}
	/* Perhaps all of them were moved away, but not between two steps. */
	if (r == -EXDEV && p->only_new && !c->steps) {
		p->only_new = false;
		r = place_tasks(core, c, p, e);
	}
	if (r == -EXDEV && group_follow(core, now_ms, c, e) == 0)
		r = place_tasks(core, c, p, e);
	return r;
}

static int wait_for_group(struct core *core, struct container *c, struct err *e)
{
	const struct pod *pod = c->pod;

	if (pod->state == POD_FAILED) {
		container_wait(core, c, rs_reason(pod->code),
			       "its pod has no group; see the pod's message");
		return err_set(e, pod->code, "%s", str_or_empty(pod->message));
	}
	if (c->created) {
		container_wait(core, c, "Pending", "it has not started yet");
		return err_set(e, -EAGAIN, "it has not started yet");
	}
	return 0;
}

void container_end_steps(struct container *c)
{
	c->steps = c->in_vain = 0;
	rs_tids_done(&c->rest);
}

/* However slow the tree is, each step but those in vain brings the end nearer. */
static void count_step(struct container *c)
{
	if (!c->steps++ || c->rest.nr < c->least_left)
		c->least_left = (unsigned)c->rest.nr; /* RS_TIDS_MAX fits */
	else
		c->in_vain++;
}

/* A step of a placement that needs more of them: the next one is queued, unless it has no end. */
static int place_on(struct core *core, struct container *c, int r, const struct placing *p,
		    struct err *e)
{
	if (r == -EINPROGRESS) {
		count_step(c);
		if (c->in_vain > PLACE_IN_VAIN_MAX)
			r = err_set(e, -EAGAIN, "its tasks come faster than they can be placed");
	}
	if (r != -EINPROGRESS) {
		container_end_steps(c);
		return r;
	}
	c->put_off = p->first && c->steps <= PUT_OFF_STEPS_MAX;
	container_queue_again(core, c);
	return r;
}

static void tell_placed(struct core *core, const struct container *c, unsigned steps)
{
	char in_steps[32] = "";

	if (steps > 1)
		(void)snprintf(in_steps, sizeof(in_steps), ", placed in %u steps", steps);
	notice(core, CORE_NOTICE_CONTAINER_PLACED, c->pod, c, "%zu tasks are in the group%s",
	       core->seen.nr, in_steps);
}

static int try_now(struct core *core, uint64_t now_ms, struct container *c, enum try how,
		   struct err *e)
{
	bool was_reconciled = c->state == CONTAINER_RECONCILED;
	unsigned steps = c->steps + 1;
	struct placing p = {
		.init_only = how == TRY_INIT,
		.only_new = (how == TRY_NEW && was_reconciled) || c->steps,
		.first = c->put_off,
	};
	int r;

	c->put_off = false;
	r = place_on(core, c, place_with_repair(core, now_ms, c, &p, e), &p, e);
	if (r == -EINPROGRESS)
		return r;
	/* It ended since, as one that crashes does before its POST_START. */
	if (how == TRY_NEW && was_reconciled && p.no_tasks && (r == -ESRCH || r == -ENOENT))
		return 0;
	if (r < 0) {
		placed_badly(core, now_ms, c, &p, e);
		return r;
	}
	container_set_state(core, c, CONTAINER_RECONCILED);
	if (!was_reconciled)
		tell_placed(core, c, steps);
	return 0;
}

int container_try(struct core *core, uint64_t now_ms, struct container *c, enum try how,
		  struct err *e)
{
	struct err own = {0};
	int r;

	if (!e)
		e = &own;
	/* Nothing is placed now: neither is a placement under way. */
	if (c->pod->state != POD_EXISTS || c->stopped || c->created) {
		container_end_steps(c);
		c->put_off = false;
	}
	/* What has ended has no task outside its group, and never will. */
	if (c->stopped && c->pod->state == POD_EXISTS) {
		container_set_state(core, c, CONTAINER_RECONCILED);
		return 0;
	}
	r = wait_for_group(core, c, e);
	c->code = r < 0 ? r : try_now(core, now_ms, c, how, e);
	return c->code;
}

int container_audit(struct core *core, uint64_t now_ms, struct container *c, bool full)
{
	struct placing p = {.only_new = !full};
	struct err e = {0};
	int r = place_on(core, c, place_with_repair(core, now_ms, c, &p, &e), &p, &e);

	if (p.fresh)
		notice(core, CORE_NOTICE_AUDIT_MOVED, c->pod, c,
		       "%zu tasks that nobody told of were written to the group", p.fresh);
	if (r == -EINPROGRESS)
		return r;
	/* Ended without being told, or unreadable for now: what is placed stays placed. */
	if (p.no_tasks)
		return r;
	if (r < 0) {
		placed_badly(core, now_ms, c, &p, &e);
		return r;
	}
	container_set_state(core, c, CONTAINER_RECONCILED);
	return 0;
}
