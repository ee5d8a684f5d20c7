/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Synchronize: the runtime's complete list, taken as a difference to what is known. What
 * went away is dropped; what is new is queued in the order of the request; what stayed keeps
 * its group and its counters, and causes no event.
 *
 * It is taken in steps, in an order in which half of it is never wrong: first what is listed is
 * made known, and only after that what is not listed is dropped.
 */

#include "core_priv.h"

#include <errno.h>

#define SYNC_STEP 16 /* pods or containers in one; a few microseconds each */

static void drop_unlisted_sandboxes(struct core *core, struct pod *pod)
{
	list_for_each_safe (it, nxt, &pod->sandboxes) {
		struct sandbox *sandbox = list_entry(it, struct sandbox, link);

		if (sandbox->gen != core->gen)
			sandbox_drop(core, sandbox);
	}
}

/*
 * The next of the pods that are walked over: each goes from the list's head to its tail, so that
 * the next step finds the place, and after a whole round the order is what it was.
 */
static struct pod *next_pod(struct core *core)
{
	struct pod *pod;

	if (!core->sync.left || list_empty(&core->pod_list))
		return NULL;
	core->sync.left--;
	pod = list_entry(core->pod_list.next, struct pod, link);
	list_del(&pod->link);
	list_append(&core->pod_list, &pod->link);
	return pod;
}

static void keep_or_drop_pod(struct core *core, uint64_t now_ms, struct pod *pod)
{
	if (pod->gen != core->gen) {
		pod_drop(core, now_ms, pod);
		return;
	}
	drop_unlisted_sandboxes(core, pod);
	if (pod->state == POD_RELEASED && !pod_has_stopped(pod))
		pod_set_state(core, pod, POD_QUEUED);
}

/* A container that is known already: did it start or end while nobody told us? */
static void take_known(struct core *core, struct container *c, const struct core_container *in)
{
	bool woke = in->running && (c->stopped || c->created);
	bool waits = in->running && c->where == IN_QUEUE; /* as of a list before, perhaps */

	c->gen = core->gen;
	if (container_update(core, c, in) < 0)
		notice_ignored(core, "change of container", in->id, "out of memory");
	if (!in->running && !in->created && !c->stopped)
		c->placed = false;
	c->stopped = !in->running && !in->created;
	c->created = !in->running && in->created;
	container_requeue(core, c);
	if (c->pod && c->state != CONTAINER_QUEUED &&
	    (woke || waits || c->created || c->state == CONTAINER_PARTIAL))
		container_queue_again(core, c);
}

static void take_container(struct core *core, const struct core_container *in)
{
	struct core_pod by_sandbox = {.sandbox_id = in->sandbox_id};
	struct pod *pod = pod_find(core, &by_sandbox);
	struct container *c;

	if (!id_is_valid(in->id)) {
		notice_ignored(core, "container", in->id, "no usable id");
		return;
	}
	if (pod && pod->state == POD_RELEASED)
		return;
	c = strmap_get(&core->containers, in->id);
	if (c && c->pod && pod && c->pod != pod) { /* we had it wrong: the complete list decides */
		container_free(core, c);
		c = NULL;
	}
	if (c && !c->pod && pod)
		container_bind(core, c, pod);
	if (c) {
		take_known(core, c, in);
		return;
	}
	c = container_new(core, in);
	if (!c)
		return;
	c->stopped = !in->running && !in->created;
	c->created = !in->running && in->created;
	if (pod)
		container_bind(core, c, pod);
}

static void drop_unlisted_containers(struct core *core, struct list *containers)
{
	list_for_each_safe (it, nxt, containers) {
		struct container *c = list_entry(it, struct container, link);

		if (c->gen != core->gen)
			container_free(core, c);
	}
}

static void end_pod(struct core *core, struct pod *pod)
{
	drop_unlisted_containers(core, &pod->containers);
	pod_report(core, pod);
}

static void next_phase(struct core *core)
{
	struct sync *sync = &core->sync;

	sync->phase = sync->phase == SYNC_REPORTS ? SYNC_DONE : sync->phase + 1;
	sync->left = sync->phase == SYNC_CONTAINERS ? sync->nr_containers : core->pods.nr;
	if (sync->phase != SYNC_DONE)
		return;
	drop_unlisted_containers(core, &core->nopod);
	*sync = (struct sync){.phase = SYNC_DONE};
	cleanup_start(core);
	core->sync_busy = true;
	core->synchronized = false;
}

/* One pod or one container. */
static void take_one(struct core *core, uint64_t now_ms)
{
	struct sync *sync = &core->sync;
	struct pod *pod;

	switch (sync->phase) {
	case SYNC_PODS:
		(void)pod_admit(core, &sync->pods[sync->nr_pods - sync->left--]);
		break;
	case SYNC_CONTAINERS:
		take_container(core, &sync->containers[sync->nr_containers - sync->left--]);
		break;
	case SYNC_MISSING_PODS:
	case SYNC_REPORTS:
		pod = next_pod(core);
		if (pod && sync->phase == SYNC_MISSING_PODS)
			keep_or_drop_pod(core, now_ms, pod);
		else if (pod)
			end_pod(core, pod);
		break;
	case SYNC_DONE:
		break;
	}
}

void core_synchronize_begin(struct core *core, const struct core_pod *pods, size_t nr_pods,
			    const struct core_container *containers, size_t nr_containers)
{
	core->gen++;
	core->sync = (struct sync){
		.phase = SYNC_PODS,
		.pods = pods,
		.nr_pods = nr_pods,
		.containers = containers,
		.nr_containers = nr_containers,
		.left = nr_pods,
	};
}

bool core_synchronize_step(struct core *core, uint64_t now_ms)
{
	if (core->sync.phase == SYNC_DONE)
		return false;
	for (unsigned i = 0; i < SYNC_STEP && core->sync.left; i++)
		take_one(core, now_ms);
	if (!core->sync.left)
		next_phase(core);
	return core->sync.phase != SYNC_DONE;
}

void core_synchronize_abandon(struct core *core)
{
	if (core->sync.phase == SYNC_DONE)
		return;
	core->sync = (struct sync){.phase = SYNC_DONE};
	list_for_each (it, &core->pod_list) {
		pod_report(core, list_entry(it, struct pod, link));
	}
}

void core_synchronize(struct core *core, uint64_t now_ms, const struct core_pod *pods,
		      size_t nr_pods, const struct core_container *containers, size_t nr_containers)
{
	core_synchronize_begin(core, pods, nr_pods, containers, nr_containers);
	while (core_synchronize_step(core, now_ms))
		;
}
