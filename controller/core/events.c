/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the runtime tells of single pods and containers. Nothing here waits for more than
 * the one group or the one container that the runtime is asking about.
 */

#include "core_priv.h"

#include <errno.h>
#include <string.h>

static struct sandbox *sandbox_of(struct core *core, const struct pod *pod, const char *id)
{
	struct sandbox *sandbox = id_is_valid(id) ? strmap_get(&core->sandboxes, id) : NULL;

	return sandbox && sandbox->pod == pod ? sandbox : NULL;
}

void core_run_pod(struct core *core, uint64_t now_ms, const struct core_pod *in)
{
	struct pod *pod = pod_admit(core, in);
	struct sandbox *sandbox;

	if (!pod)
		return;
	sandbox = sandbox_of(core, pod, in->sandbox_id);
	if (sandbox)
		sandbox->stopped = false;
	if (pod->state == POD_RELEASED) /* its UID runs again: a new pod for everybody */
		pod_set_state(core, pod, POD_QUEUED);
	if (pod->state == POD_QUEUED)
		group_try_in_time(core, now_ms, pod);
	nopod_promote(core, pod);
	pod_report(core, pod);
}

static void container_stop(struct core *core, uint64_t now_ms, struct container *c)
{
	c->stopped = true;
	c->created = false;
	c->placed = false;
	container_requeue(core, c);
	retry_arm_container(core, now_ms, c);
}

/* Give the RMID back before the sandbox is removed, which for a finished job can take days. */
void pod_release(struct core *core, uint64_t now_ms, struct pod *pod)
{
	list_for_each_safe (it, nxt, &pod->containers) {
		container_free(core, list_entry(it, struct container, link));
	}
	pod_report_removed(core, pod);
	group_discard(core, now_ms, pod);
	free(steal_ptr(&pod->path));
	free(steal_ptr(&pod->retry));
	pod_set_state(core, pod, POD_RELEASED);
}

void core_stop_pod(struct core *core, uint64_t now_ms, const struct core_pod *in)
{
	struct pod *pod = pod_find(core, in);
	struct sandbox *sandbox = pod ? sandbox_of(core, pod, in->sandbox_id) : NULL;

	if (!sandbox || pod->state == POD_RELEASED)
		return;
	sandbox->stopped = true;
	list_for_each (it, &pod->containers) {
		struct container *c = list_entry(it, struct container, link);

		if (strcmp(c->sandbox_id, sandbox->id) == 0)
			container_stop(core, now_ms, c);
	}
	if (core->config.tuning.release_on_sandbox_stop && pod_has_stopped(pod))
		pod_release(core, now_ms, pod);
}

void core_remove_pod(struct core *core, uint64_t now_ms, const struct core_pod *in)
{
	struct pod *pod = pod_find(core, in);
	struct sandbox *sandbox = pod ? sandbox_of(core, pod, in->sandbox_id) : NULL;

	if (!pod)
		return;
	if (sandbox) {
		sandbox_drop(core, sandbox);
		/* A successor under the same UID may be running already; then the pod lives on. */
		if (!list_empty(&pod->sandboxes)) {
			pod_report(core, pod);
			return;
		}
	} else if (!list_empty(&pod->sandboxes) &&
		   (id_is_valid(in->sandbox_id) || pod->sandboxes.next != pod->sandboxes.prev)) {
		notice_ignored(core, "removal of sandbox", in->sandbox_id, "it is not the pod's");
		return;
	}
	pod_drop(core, now_ms, pod);
}

/* The record of IN, made when it is new; NULL, with a notice, when it cannot be. */
static struct container *container_admit(struct core *core, const struct core_pod *pod_in,
					 const struct core_container *in)
{
	struct core_pod by_sandbox = {.uid = pod_in ? pod_in->uid : NULL,
				      .sandbox_id = in ? in->sandbox_id : NULL};
	struct pod *pod = pod_find(core, &by_sandbox);
	struct container *c;

	if (!in || !id_is_valid(in->id)) {
		notice_ignored(core, "container", in ? in->id : NULL, "no usable id");
		return NULL;
	}
	if (!pod)
		pod = pod_find(core, pod_in);
	if (pod && pod->state == POD_RELEASED) {
		notice_ignored(core, "container", in->id, "its pod gave its group back");
		return NULL;
	}
	c = strmap_get(&core->containers, in->id);
	if (c) {
		if (container_update(core, c, in) < 0)
			notice_ignored(core, "change of container", in->id, "out of memory");
		if (!c->pod && pod)
			container_bind(core, c, pod);
		return c;
	}
	c = container_new(core, in);
	if (c && pod)
		container_bind(core, c, pod);
	else if (c && pod_in && id_is_valid(pod_in->uid) && str_set(&c->want_uid, pod_in->uid) < 0)
		notice_ignored(core, "pod of container", in->id, "out of memory");
	return c;
}

static void container_started(struct core *core, uint64_t now_ms, struct container *c, enum try how)
{
	struct pod *pod = c->pod;

	c->created = false;
	if (!pod) {
		c->reason = "Pending";
		notice(core, CORE_NOTICE_CONTAINER_PARTIAL, NULL, c,
		       "its pod is not known yet; it will be placed when it is");
		return;
	}
	if (pod->state == POD_QUEUED) {
		group_try_in_time(core, now_ms, pod);
		pod_report(core, pod);
	}
	if (pod->state == POD_QUEUED || core_hurry(core) == CORE_ANSWER_NOW ||
	    container_try(core, now_ms, c, how, NULL) == -EINPROGRESS)
		container_put_off(core, c);
	pod_report(core, pod);
}

void core_start_container(struct core *core, uint64_t now_ms, const struct core_pod *pod,
			  const struct core_container *in)
{
	struct container *c = container_admit(core, pod, in);

	if (!c)
		return;
	c->stopped = false;
	container_started(core, now_ms, c, TRY_INIT);
}

void core_post_start_container(struct core *core, uint64_t now_ms, const struct core_pod *pod,
			       const struct core_container *in)
{
	struct container *c =
		in && id_is_valid(in->id) ? strmap_get(&core->containers, in->id) : NULL;

	/* Synchronize and START make containers known. One that is not is gone again already. */
	if (!c) {
		notice_ignored(core, "start of container", in ? in->id : NULL, "it is not known");
		return;
	}
	if (c->stopped)
		return;
	c = container_admit(core, pod, in);
	if (c)
		container_started(core, now_ms, c, TRY_NEW);
}

void core_stop_container(struct core *core, uint64_t now_ms, const char *container_id)
{
	struct container *c =
		id_is_valid(container_id) ? strmap_get(&core->containers, container_id) : NULL;

	if (c)
		container_stop(core, now_ms, c);
}

void core_remove_container(struct core *core, uint64_t now_ms, const char *container_id)
{
	struct container *c =
		id_is_valid(container_id) ? strmap_get(&core->containers, container_id) : NULL;
	struct pod *pod = c ? c->pod : NULL;

	(void)now_ms;
	if (!c)
		return;
	container_free(core, c);
	if (pod)
		pod_report(core, pod);
}
