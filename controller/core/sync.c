/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Synchronize: the runtime's complete list, taken as a difference to what is known. What
 * went away is dropped at once; what is new is queued in the order of the request; what
 * stayed keeps its group and its counters, and causes no event.
 */

#include "core_priv.h"

#include <errno.h>

static void drop_unlisted_sandboxes(struct core *core, struct pod *pod)
{
	list_for_each_safe (it, nxt, &pod->sandboxes) {
		struct sandbox *sandbox = list_entry(it, struct sandbox, link);

		if (sandbox->gen != core->gen)
			sandbox_drop(core, sandbox);
	}
}

static void take_pods(struct core *core, uint64_t now_ms, const struct core_pod *pods, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		(void)pod_admit(core, &pods[i]);
	list_for_each_safe (it, nxt, &core->pod_list) {
		struct pod *pod = list_entry(it, struct pod, link);

		if (pod->gen != core->gen) {
			pod_drop(core, now_ms, pod);
			continue;
		}
		drop_unlisted_sandboxes(core, pod);
		if (pod->state == POD_RELEASED && !pod_has_stopped(pod))
			pod_set_state(core, pod, POD_QUEUED);
	}
}

/* A container that is known already: did it start or end while nobody told us? */
static void take_known(struct core *core, struct container *c, const struct core_container *in)
{
	bool woke = in->running && (c->stopped || c->created);

	c->gen = core->gen;
	if (container_update(c, in) < 0)
		notice_ignored(core, "change of container", in->id, "out of memory");
	if (!in->running && !in->created && !c->stopped)
		c->placed = false;
	c->stopped = !in->running && !in->created;
	c->created = !in->running && in->created;
	container_requeue(core, c);
	if (c->pod && c->state != CONTAINER_QUEUED &&
	    (woke || c->created || c->state == CONTAINER_PARTIAL))
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

void core_synchronize(struct core *core, uint64_t now_ms, const struct core_pod *pods,
		      size_t nr_pods, const struct core_container *containers, size_t nr_containers)
{
	core->gen++;
	take_pods(core, now_ms, pods, nr_pods);
	for (size_t i = 0; i < nr_containers; i++)
		take_container(core, &containers[i]);
	drop_unlisted_containers(core, &core->nopod);
	list_for_each (it, &core->pod_list) {
		struct pod *pod = list_entry(it, struct pod, link);

		drop_unlisted_containers(core, &pod->containers);
		pod_report(core, pod);
	}
	cleanup_start(core);
	core->sync_busy = true;
	core->synchronized = false;
}
