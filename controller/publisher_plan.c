/* SPDX-License-Identifier: Apache-2.0 */

/* Decides what a pod needs next, from what is known of it, and changes next to nothing. */

#include "publisher_priv.h"

static struct plan idle(void)
{
	return (struct plan){.kind = PLAN_IDLE};
}

static struct plan wait_until(uint64_t at_ms)
{
	return (struct plan){.kind = PLAN_WAIT, .at_ms = at_ms};
}

static struct plan send_verb(enum publisher_verb verb)
{
	return (struct plan){.kind = PLAN_SEND, .verb = verb};
}

/*
 * When a change may be written: after it was quiet for a little while, so that what belongs
 * together becomes one write. A pod without containers and without trouble has nothing to
 * tell yet and waits as long as a change may wait.
 */
static uint64_t settled_at(const struct slot *s, const struct core_pod_view *view)
{
	const struct publisher_config *c = &s->p->config;
	uint64_t latest = s->dirty_since_ms + c->settle_max_ms;
	uint64_t quiet = s->changed_ms + c->settle_ms;

	if (s->urgent)
		return 0;
	if (view->queued)
		return s->dirty_since_ms + QUEUED_WAIT_MS;
	if (view->total_containers == 0 && view->group_state == CORE_GROUP_EXISTS &&
	    s->object == OBJECT_NONE)
		return latest;
	return quiet < latest ? quiet : latest;
}

/* The end of a queued placement makes no event of its own, so it is looked for. */
static struct plan wait_settled(const struct slot *s, uint64_t now_ms, uint64_t at_ms,
				const struct core_pod_view *view)
{
	uint64_t look_ms = now_ms + s->p->config.settle_ms;

	return wait_until(view->queued && look_ms < at_ms ? look_ms : at_ms);
}

static struct plan plan_create(const struct slot *s, uint64_t now_ms,
			       const struct pod_entry *target, const struct core_pod_view *view)
{
	uint64_t at_ms = settled_at(s, view);

	if (target->deleting)
		return idle(); /* it would not live long */
	if (at_ms > now_ms)
		return wait_settled(s, now_ms, at_ms, view);
	return send_verb(PUBLISHER_CREATE);
}

static struct plan plan_update(const struct slot *s, uint64_t now_ms,
			       const struct core_pod_view *view)
{
	uint64_t at_ms = settled_at(s, view);

	if (!s->dirty)
		return idle();
	if (!s->urgent && at_ms < s->patched_ms + s->patch_gap_ms)
		at_ms = s->patched_ms + s->patch_gap_ms;
	if (!s->urgent && at_ms < slot_restart_at(s, view))
		at_ms = slot_restart_at(s, view);
	if (at_ms > now_ms)
		return wait_settled(s, now_ms, at_ms, view);
	return send_verb(PUBLISHER_PATCH);
}

static struct plan plan_wanted(const struct slot *s, uint64_t now_ms,
			       const struct pod_entry *target, const struct core_pod_view *view)
{
	switch (s->object) {
	case OBJECT_NONE:
		return plan_create(s, now_ms, target, view);
	case OBJECT_UNKNOWN:
	case OBJECT_FOREIGN:
		return send_verb(PUBLISHER_GET);
	case OBJECT_OURS:
		return plan_update(s, now_ms, view);
	case OBJECT_STALE:
		return send_verb(PUBLISHER_DELETE);
	}
	return idle();
}

/* The pod is gone, here or in the API. Only an object that is surely its own is removed. */
static struct plan plan_unwanted(const struct slot *s)
{
	switch (s->object) {
	case OBJECT_UNKNOWN:
		return send_verb(PUBLISHER_GET);
	case OBJECT_OURS:
		return send_verb(PUBLISHER_DELETE);
	case OBJECT_STALE:
		/* Without a version it is one that this slot made; else it may be another's. */
		if (!s->stale_version)
			return send_verb(PUBLISHER_DELETE);
		break;
	case OBJECT_NONE:
	case OBJECT_FOREIGN:
		break;
	}
	return (struct plan){.kind = s->alive ? PLAN_IDLE : PLAN_FREE};
}

/*
 * Publishing problems only: a pod that is well has no object, or still one for a while, so
 * that who waits for it to become Ready sees it.
 */
static struct plan plan_problem(struct slot *s, uint64_t now_ms, const struct pod_entry *target,
				const struct core_pod_view *view)
{
	struct plan plan;

	if (view_in_trouble(view)) {
		s->calm_since_ms = 0;
		return plan_wanted(s, now_ms, target, view);
	}
	if (s->object != OBJECT_OURS)
		return plan_unwanted(s);
	if (!s->calm_since_ms)
		s->calm_since_ms = now_ms;
	if (now_ms >= s->calm_since_ms + LINGER_MS)
		return plan_unwanted(s);
	plan = plan_wanted(s, now_ms, target, view);
	return plan.kind == PLAN_IDLE ? wait_until(s->calm_since_ms + LINGER_MS) : plan;
}

/*
 * Without a pod watch the annotation is on the object. It may only matter while the pod is in
 * trouble, and of those pods there are few.
 */
static struct plan plan_look(const struct slot *s, uint64_t now_ms,
			     const struct core_pod_view *view)
{
	uint64_t at_ms = s->looked_ms + LOOK_MS;

	if (!s->p->config.no_pod_watch || s->object != OBJECT_OURS || !view_in_trouble(view))
		return idle();
	return at_ms > now_ms ? wait_until(at_ms) : send_verb(PUBLISHER_GET);
}

struct plan slot_plan(struct slot *s, uint64_t now_ms, const struct pod_entry *target,
		      const struct core_pod_view *view)
{
	bool wanted = target && !s->abandoned;
	struct plan plan;

	if (s->in_flight)
		return idle(); /* its answer wakes the slot up */
	if (wanted && s->p->config.mode == PUBLISHER_PROBLEMS)
		plan = plan_problem(s, now_ms, target, view);
	else
		plan = wanted ? plan_wanted(s, now_ms, target, view) : plan_unwanted(s);
	if (wanted && plan.kind == PLAN_IDLE)
		plan = plan_look(s, now_ms, view);
	if (plan.kind == PLAN_SEND && s->not_before_ms > now_ms)
		return wait_until(s->not_before_ms);
	return plan;
}
