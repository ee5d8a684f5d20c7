/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Queued work, one small step a call. First comes what the runtime was answered too early for.
 * Then removals, because they free RMIDs; the groups of all pods come before the first container,
 * so that every pod's first event is its 0/0.
 */

#include "core_priv.h"

static void pod_step(struct core *core, uint64_t now_ms)
{
	struct pod *pod = list_entry(core->pod_queue.next, struct pod, state_link);

	(void)group_try(core, now_ms, pod, NULL);
	pod_report(core, pod);
}

static void container_step(struct core *core, uint64_t now_ms)
{
	struct container *c = list_entry(core->container_queue.next, struct container, work_link);
	struct pod *pod = c->pod;

	(void)container_try(core, now_ms, c, TRY_STEP, NULL);
	pod_report(core, pod);
}

/* A sweep that could not be done holds nobody up. */
static bool queue_is_empty(const struct core *core)
{
	return (!core->sweep.pending || core->sweep.attempts) && list_empty(&core->pod_queue) &&
	       list_empty(&core->container_queue);
}

static void note_synchronized(struct core *core)
{
	if (!core->sync_busy || !queue_is_empty(core))
		return;
	core->sync_busy = false;
	core->synchronized = true;
}

/* What the runtime was answered too early for stands at the head of its queue. */
static bool put_off_step(struct core *core, uint64_t now_ms)
{
	const struct pod *pod = list_entry(core->pod_queue.next, struct pod, state_link);
	const struct container *c =
		list_entry(core->container_queue.next, struct container, work_link);

	if (!list_empty(&core->pod_queue) && pod->put_off) {
		pod_step(core, now_ms);
		return true;
	}
	if (list_empty(&core->container_queue) || !c->put_off || c->pod->state == POD_QUEUED)
		return false;
	container_step(core, now_ms);
	return true;
}

static bool one_step(struct core *core, uint64_t now_ms)
{
	if (put_off_step(core, now_ms))
		return true;
	if (tombstone_step(core, now_ms) || cleanup_step(core, now_ms))
		return true;
	if (!list_empty(&core->pod_queue)) {
		pod_step(core, now_ms);
		return true;
	}
	if (!list_empty(&core->container_queue)) {
		container_step(core, now_ms);
		return true;
	}
	return retry_step(core, now_ms) || audit_step(core, now_ms);
}

bool core_work(struct core *core, uint64_t now_ms)
{
	bool worked;

	if (core->sync.phase != SYNC_DONE) /* its answer comes first */
		return false;
	worked = one_step(core, now_ms);
	note_synchronized(core);
	return worked;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t core_next_work_ms(const struct core *core)
{
	if (core->sync.phase != SYNC_DONE)
		return UINT64_MAX;
	if (core->sync_busy || !queue_is_empty(core))
		return 0;
	return earlier(
		earlier(core->tombstone_due, core->retry_due),
		earlier(core->sweep.pending ? core->sweep.due : UINT64_MAX, audit_next_ms(core)));
}
