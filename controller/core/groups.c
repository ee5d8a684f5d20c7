/* SPDX-License-Identifier: Apache-2.0 */

/* A pod's group: made or adopted, lost and made again, moved after its tasks. */

#include "core_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CAPACITY_FRESH_MS   1000 /* a count of groups is good enough for this long */
#define CONTROL_GROUP_TRIES 64   /* tasks asked for their control group, at most */
#define REMOVALS_PER_CREATE 8    /* pending removals done when a creation finds no room */
#define LOST_AGAIN_MS       1000

/* Counting groups reads two directories, so the number is kept for a second. */
static const struct rs_capacity *capacity(struct core *core, uint64_t now_ms)
{
	if (core->capacity_known && now_ms - core->capacity_at < CAPACITY_FRESH_MS)
		return &core->capacity;
	core->capacity_known =
		rs_capacity(core->deps.rs, core->config.group_prefix, &core->capacity, NULL) == 0;
	core->capacity_at = now_ms;
	return core->capacity_known ? &core->capacity : NULL;
}

static const char *retry_hint(const struct core *core)
{
	return core->config.tuning.retry_interval_ms ? "it is tried again by itself"
						     : "it is tried again on request only";
}

static void explain_full(struct core *core, uint64_t now_ms, char *buf, size_t size)
{
	const struct rs_capacity *c = capacity(core, now_ms);
	const char *what = core->config.group_kind == RS_GROUP_CTRL ? "CLOSID or RMID" : "RMID";
	const char *next = core->config.tuning.retry_interval_ms
				   ? "will retry when a group is freed, and from time to time"
				   : "will retry on request only";
	char kept[80] = "";

	if (core->config.tuning.rmid_reserve)
		(void)snprintf(kept, sizeof(kept), ", %zu are kept for others",
			       core->config.tuning.rmid_reserve);
	/* CLOSIDs lack, or an RMID belongs to a CLOSID, as MPAM has it. */
	else if (c && c->limbo == RS_LIMBO_NONE && c->unused)
		(void)snprintf(kept, sizeof(kept), ", %zu are in no group and cannot be had here",
			       c->unused);
	if (c)
		(void)snprintf(
			buf, size,
			"no free %s on this node: of %zu RMIDs %zu are in our groups, %zu in "
			"groups of others, 1 is the root's%s; %s",
			what, c->rmids, c->ours, c->foreign, kept, next);
	else
		(void)snprintf(buf, size, "no free %s on this node; %s", what, next);
}

void explain_group_failure(struct core *core, uint64_t now_ms, const struct err *e, char *buf,
			   size_t size)
{
	const char *root = core->config.root;

	switch (-e->code) {
	case ENOSPC:
		explain_full(core, now_ms, buf, size);
		return;
	case EBUSY:
		(void)snprintf(buf, size,
			       "no RMID is free right now: some still drain after their groups "
			       "were removed, which takes seconds; %s",
			       retry_hint(core));
		return;
	case ENODEV:
		(void)snprintf(buf, size,
			       "resctrl is not mounted at %s: mount it there on the host (mount -t "
			       "resctrl resctrl %s) and let it propagate; %s",
			       root, root, retry_hint(core));
		return;
	case EROFS:
		(void)snprintf(buf, size, "%s is read-only here: mount it writable; %s", root,
			       retry_hint(core));
		return;
	default:
		(void)snprintf(buf, size, "%s; %s", e->msg, retry_hint(core));
	}
}

static void usual_path_below(const struct core *core, const struct pod *pod, const char *parent,
			     char *buf)
{
	(void)snprintf(buf, RS_PATH_MAX, "%s%s%s%s", parent, *parent ? "/" : "",
		       core->config.group_kind == RS_GROUP_MON ? "mon_groups/" : "",
		       pod->group_name);
}

/* Where the group is, or was, or would be. */
static void usual_path(const struct core *core, const struct pod *pod, char *buf)
{
	usual_path_below(core, pod, str_or_empty(pod->parent), buf);
}

/* Does the group exist already? Then taking it over needs no free RMID. */
static bool group_is_there(struct core *core, const struct pod *pod)
{
	struct rs_counters counters;
	char path[RS_PATH_MAX];

	usual_path(core, pod, path);
	return rs_group_counters(core->deps.rs, path, &counters, NULL) == 0;
}

static int leave_reserve(struct core *core, uint64_t now_ms, const struct pod *pod, struct err *e)
{
	const struct rs_capacity *c;
	size_t used;

	if (!core->config.tuning.rmid_reserve)
		return 0;
	core->capacity_known = false;
	c = capacity(core, now_ms);
	if (!c)
		return 0;
	used = c->ours + c->foreign + 1;
	if (c->rmids > used && c->rmids - used > core->config.tuning.rmid_reserve)
		return 0;
	if (group_is_there(core, pod))
		return 0;
	return err_set(e, -ENOSPC, "%zu RMIDs are kept for others",
		       core->config.tuning.rmid_reserve);
}

static int set_group(struct core *core, struct pod *pod, const struct rs_group *group,
		     const char *parent)
{
	char *path = strdup(group->path);

	if (!path || texts_set(&core->texts, &pod->parent, parent) < 0) {
		free(path);
		return -ENOMEM;
	}
	free(pod->path);
	pod->path = path;
	pod->dev = group->dev;
	pod->ino = group->ino;
	return 0;
}

static int create_below(struct core *core, struct pod *pod, const char *parent, bool *ret_adopted,
			struct err *e)
{
	struct rs_group group;
	int r = rs_group_create(core->deps.rs, core->config.group_kind, parent, pod->group_name,
				&group, ret_adopted, e);

	if (r < 0)
		return r;
	tombstone_cancel(core, group.path);
	if (set_group(core, pod, &group, parent) == 0)
		return 0;
	if (rs_group_delete(core->deps.rs, group.path, NULL) < 0)
		tombstone_add(core, 0, group.path);
	return err_set(e, -ENOMEM, "group: out of memory");
}

/*
 * Before a restart its group may have followed its tasks to another control group. Cleanup sees
 * it there, or else the placing of its tasks; without room it must be found at once. Should there
 * be one at the root all the same, it is not the pod's.
 */
static bool take_over_elsewhere(struct core *core, uint64_t now_ms, struct pod *pod,
				bool *ret_adopted)
{
	char parent[RS_NAME_MAX + 1], usual[RS_PATH_MAX];
	struct rs_group group;

	if (core->config.group_kind != RS_GROUP_MON || *str_or_empty(pod->parent) ||
	    rs_group_find(core->deps.rs, pod->group_name, &group, parent, NULL) < 0)
		return false;
	tombstone_cancel(core, group.path);
	usual_path(core, pod, usual);
	if (set_group(core, pod, &group, parent) < 0)
		return false;
	tombstone_add_doubtful(core, now_ms, usual);
	*ret_adopted = true;
	return true;
}

/* There is no room; what can still be done about that takes its time. */
static bool is_to_wait(const struct core *core)
{
	return core->may_put_off && core_hurry(core) != CORE_NO_HURRY;
}

static int create(struct core *core, uint64_t now_ms, struct pod *pod, bool *ret_adopted,
		  struct err *e)
{
	const char *parent = str_or_empty(pod->parent);
	int r = leave_reserve(core, now_ms, pod, e);

	if (r < 0 && is_to_wait(core))
		return -EINPROGRESS;
	if (r < 0)
		return take_over_elsewhere(core, now_ms, pod, ret_adopted) ? 0 : r;
	r = create_below(core, pod, parent, ret_adopted, e);
	if (r == -ENOENT && *parent) { /* its control group went away; the root's is always there */
		char old[RS_PATH_MAX];

		usual_path(core, pod, old);
		parent = "";
		r = create_below(core, pod, parent, ret_adopted, e);
		if (r == 0)
			tombstone_add_doubtful(core, now_ms, old);
	}
	if (is_capacity(r) && is_to_wait(core))
		return -EINPROGRESS;
	if (is_capacity(r) && take_over_elsewhere(core, now_ms, pod, ret_adopted))
		return 0;
	/* Our own dead groups hold RMIDs: if one can go now, there is room. */
	if (is_capacity(r) && tombstones_try(core, now_ms, REMOVALS_PER_CREATE))
		r = create_below(core, pod, parent, ret_adopted, e);
	return r;
}

static void mark_waiting(struct core *core, uint64_t now_ms, struct pod *pod)
{
	list_for_each (it, &pod->containers) {
		struct container *c = list_entry(it, struct container, link);

		if (c->state == CONTAINER_PARTIAL)
			(void)container_try(core, now_ms, c, TRY_STEP, NULL);
	}
}

static void group_failed(struct core *core, uint64_t now_ms, struct pod *pod, const struct err *e)
{
	bool is_new = pod->state != POD_FAILED || pod->code != e->code;
	char text[TEXT_MAX];

	explain_group_failure(core, now_ms, e, text, sizeof(text));
	if (is_new)
		pod->attempts = 0;
	pod->code = e->code;
	if (!pod->message || strcmp(pod->message, text) != 0) {
		pod->detail_dirty = true;
		if (str_set(&pod->message, text) < 0)
			free(steal_ptr(&pod->message));
	}
	pod_set_state(core, pod, POD_FAILED);
	retry_arm_pod(core, now_ms, pod);
	if (!is_new)
		return;
	notice(core, CORE_NOTICE_GROUP_FAILED, pod, NULL, "%s", text);
	mark_waiting(core, now_ms, pod);
}

/* Its containers wait for placement again: by the retries, which are due at once. */
static void group_made(struct core *core, uint64_t now_ms, struct pod *pod, bool adopted)
{
	pod_set_state(core, pod, POD_EXISTS);
	pod->attempts = 0;
	free(steal_ptr(&pod->message));
	core->capacity_known = false;
	notice(core, adopted ? CORE_NOTICE_GROUP_ADOPTED : CORE_NOTICE_GROUP_CREATED, pod, NULL,
	       "%s", pod->path);
	list_for_each (it, &pod->containers) {
		struct container *c = list_entry(it, struct container, link);

		if (c->state != CONTAINER_PARTIAL)
			continue;
		container_wait(core, c, "Pending",
			       c->created ? "it has not started yet"
					  : "its group was made; it is placed next");
		if (c->created)
			continue;
		c->retry_at = now_ms;
		if (core->config.tuning.retry_interval_ms)
			core->retry_due = 0;
	}
}

int group_try(struct core *core, uint64_t now_ms, struct pod *pod, struct err *e)
{
	struct err own = {0};
	bool adopted = false;
	int r;

	if (!e)
		e = &own;
	if (pod->state == POD_EXISTS)
		return 0;
	r = create(core, now_ms, pod, &adopted, e);
	if (r == -EINPROGRESS)
		return err_set(e, r, "its group is tried again at once");
	pod->put_off = false;
	if (r < 0) {
		e->code = r;
		group_failed(core, now_ms, pod, e);
	} else {
		group_made(core, now_ms, pod, adopted);
	}
	return r;
}

void group_try_in_time(struct core *core, uint64_t now_ms, struct pod *pod)
{
	int r;

	core->may_put_off = true;
	r = group_try(core, now_ms, pod, NULL);
	core->may_put_off = false;
	if (r != -EINPROGRESS)
		return;
	pod->put_off = true;
	list_del(&pod->state_link);
	list_prepend(&core->pod_queue, &pod->state_link);
	notice_put_off(core, pod, NULL);
}

static void forget_placements(struct core *core, struct pod *pod)
{
	list_for_each (it, &pod->containers) {
		struct container *c = list_entry(it, struct container, link);

		c->known.nr = 0;
		container_end_steps(c);
		c->placed = false;
		if (c->state == CONTAINER_RECONCILED && !c->stopped)
			container_wait(core, c, rs_reason(-ENOENT),
				       "its group went away; it will be placed again");
	}
}

void group_lost(struct core *core, uint64_t now_ms, struct pod *pod, const char *why)
{
	bool again = now_ms < pod->calm_at;

	pod->calm_at = now_ms + LOST_AGAIN_MS;
	notice(core, CORE_NOTICE_GROUP_LOST, pod, NULL, "%s", why);
	free(steal_ptr(&pod->path));
	forget_placements(core, pod);
	pod_set_state(core, pod, POD_QUEUED);
	if (group_try(core, now_ms, pod, NULL) < 0)
		return;
	list_for_each (it, &pod->containers) {
		struct container *c = list_entry(it, struct container, link);

		if (c->state != CONTAINER_PARTIAL || c->created)
			continue;
		if (again) /* a tree that loses groups without end must not keep us busy */
			retry_arm_container(core, now_ms, c);
		else
			container_queue_again(core, c);
	}
}

void group_discard(struct core *core, uint64_t now_ms, const struct pod *pod)
{
	char path[RS_PATH_MAX];

	if (pod->path) {
		tombstone_add(core, now_ms, pod->path);
		return;
	}
	if (pod->state == POD_RELEASED)
		return;
	/* Not looked at yet, or failed as far as we could see: one may be there all the same. */
	usual_path(core, pod, path);
	tombstone_add_doubtful(core, now_ms, path);
}

static bool others_are_placed(const struct container *c)
{
	list_for_each (it, &c->pod->containers) {
		const struct container *o = list_entry(it, struct container, link);

		if (o != c && o->placed)
			return true;
	}
	return false;
}

/* The first control group of its tasks that is not the one the pod's group is below. */
static int control_group_of(struct core *core, const struct pod *pod, char *buf, size_t size,
			    struct err *e)
{
	const struct core_task_ops *ops = core->deps.tasks;
	size_t n = core->seen.nr < CONTROL_GROUP_TRIES ? core->seen.nr : CONTROL_GROUP_TRIES;

	for (size_t i = 0; ops->control_group && i < n; i++) {
		if (ops->control_group(core->deps.tasks_ctx, core->seen.tid[i], buf, size, NULL) ==
			    0 &&
		    strcmp(buf, str_or_empty(pod->parent)) != 0)
			return 0;
	}
	return err_set(
		e, -EXDEV,
		"its tasks are in another control group than the pod's group, and this kernel "
		"does not tell in which");
}

/*
 * A group without tasks is simply made anew below the other control group. Where no RMID
 * is left for that it is moved, which keeps its own.
 */
static int make_or_move(struct core *core, uint64_t now_ms, struct pod *pod, const char *target,
			struct err *e)
{
	char old[RS_PATH_MAX];
	struct rs_group group = {.dev = pod->dev, .ino = pod->ino};
	bool adopted;
	int r;

	(void)snprintf(old, sizeof(old), "%s", pod->path);
	r = create_below(core, pod, target, &adopted, e);
	if (r == 0) {
		tombstone_add(core, now_ms, old);
		return 0;
	}
	if (!is_capacity(r)) {
		usual_path_below(core, pod, target, old);
		tombstone_add_doubtful(core, now_ms, old); /* made, perhaps, and not undone */
		return r;
	}
	(void)snprintf(group.path, sizeof(group.path), "%s", old);
	r = rs_group_move(core->deps.rs, &group, target, e);
	if (r < 0)
		return r;
	tombstone_cancel(core, group.path);
	return set_group(core, pod, &group, target);
}

int group_follow(struct core *core, uint64_t now_ms, struct container *c, struct err *e)
{
	struct pod *pod = c->pod;
	char target[RS_NAME_MAX + 1] = "";
	int r;

	if (core->config.group_kind != RS_GROUP_MON)
		return -EXDEV;
	r = control_group_of(core, pod, target, sizeof(target), e);
	if (r < 0)
		return r;
	if (c->placed || others_are_placed(c))
		return err_set(
			e, -EXDEV,
			"its tasks are in control group '%s', other tasks of the pod in '%s'; "
			"a monitoring group takes tasks of one control group only",
			target, str_or_empty(pod->parent));
	r = make_or_move(core, now_ms, pod, target, e);
	if (r == 0)
		notice(core, CORE_NOTICE_GROUP_CREATED, pod, NULL, "%s, after its tasks",
		       pod->path);
	return r;
}
