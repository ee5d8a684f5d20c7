/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pods, by UID, and their sandboxes, by id. A UID can have several sandboxes for a while:
 * when one dies, its successor runs before the old one is removed.
 */

#include "core_priv.h"

#include <errno.h>
#include <string.h>

struct pod *pod_find(struct core *core, const struct core_pod *in)
{
	struct sandbox *sandbox;

	if (in && id_is_valid(in->uid))
		return strmap_get(&core->pods, in->uid);
	sandbox = in && id_is_valid(in->sandbox_id) ? strmap_get(&core->sandboxes, in->sandbox_id)
						    : NULL;
	return sandbox ? sandbox->pod : NULL;
}

static int pod_set_strings(struct core *core, struct pod *pod, const struct core_pod *in)
{
	int r = texts_set(&core->texts, &pod->namespace_, str_or_empty(in->namespace_));

	if (r == 0)
		r = str_set(&pod->name, in->name);
	if (r == 0)
		r = str_set(&pod->cgroup_parent, in->cgroup_parent);
	return r;
}

static struct list *pod_state_list(struct core *core, enum pod_state state)
{
	switch (state) {
	case POD_QUEUED:
		return &core->pod_queue;
	case POD_FAILED:
		return &core->failed;
	case POD_EXISTS:
	case POD_RELEASED:
		break;
	}
	return NULL;
}

static void pod_unlink_state(struct core *core, struct pod *pod)
{
	if (pod->state == POD_EXISTS)
		ring_del(&core->pod_ring, &pod->state_link);
	else
		list_del(&pod->state_link);
}

void pod_set_state(struct core *core, struct pod *pod, enum pod_state state)
{
	struct list *list = pod_state_list(core, state);

	if (state == POD_FAILED && pod->state == POD_FAILED)
		return; /* keeps its place: who failed first is tried first */
	pod_unlink_state(core, pod);
	pod->state = state;
	if (state == POD_EXISTS)
		ring_add(&core->pod_ring, &pod->state_link);
	else if (list)
		list_append(list, &pod->state_link);
}

static int pod_index(struct core *core, struct pod *pod)
{
	int r = strmap_add(&core->pods, pod->uid, pod);

	if (r < 0)
		return r;
	r = strmap_add(&core->groups, pod->group_name, pod);
	if (r < 0)
		strmap_del(&core->pods, pod->uid);
	return r;
}

static struct pod *pod_alloc(struct core *core, const struct core_pod *in)
{
	struct pod *pod = calloc(1, sizeof(*pod));
	char name[RS_NAME_MAX + 1];

	if (!pod)
		return NULL;
	list_init(&pod->link);
	list_init(&pod->state_link);
	list_init(&pod->sandboxes);
	list_init(&pod->containers);
	if (rs_group_name(core->config.group_prefix, in->uid, name, sizeof(name), NULL) < 0 ||
	    str_set(&pod->uid, in->uid) < 0 || str_set(&pod->group_name, name) < 0 ||
	    pod_set_strings(core, pod, in) < 0) {
		pod_free(core, pod);
		return NULL;
	}
	return pod;
}

static struct pod *pod_new(struct core *core, const struct core_pod *in)
{
	struct pod *pod;

	if (core->pods.nr >= CORE_PODS_MAX) {
		notice_ignored(core, "pod", in->uid, "there are too many pods");
		return NULL;
	}
	pod = pod_alloc(core, in);
	if (!pod) {
		notice_ignored(core, "pod", in->uid, "out of memory, or no name for its group");
		return NULL;
	}
	if (pod_index(core, pod) < 0) {
		notice_ignored(core, "pod", in->uid, "out of memory, or its group has a pod");
		pod_free(core, pod);
		return NULL;
	}
	list_append(&core->pod_list, &pod->link);
	list_append(&core->pod_queue, &pod->state_link);
	return pod;
}

static void sandbox_free(struct core *core, struct sandbox *sandbox)
{
	if (sandbox->id && strmap_get(&core->sandboxes, sandbox->id) == sandbox)
		strmap_del(&core->sandboxes, sandbox->id);
	list_del(&sandbox->link);
	texts_drop(&core->texts, sandbox->id);
	free(sandbox);
}

/* A complete list decides whose it is; a single event that contradicts one does not. */
static void claim_sandbox(struct core *core, struct pod *pod, struct sandbox *sandbox)
{
	if (sandbox->gen == core->gen) {
		notice_ignored(core, "sandbox", sandbox->id, "it belongs to another pod");
		return;
	}
	list_del(&sandbox->link);
	list_append(&pod->sandboxes, &sandbox->link);
	sandbox->pod = pod;
	sandbox->gen = core->gen;
}

static void sandbox_add(struct core *core, struct pod *pod, const char *id)
{
	struct sandbox *sandbox = strmap_get(&core->sandboxes, id);

	if (sandbox && sandbox->pod != pod) {
		claim_sandbox(core, pod, sandbox);
		return;
	}
	if (sandbox) {
		sandbox->gen = core->gen;
		return;
	}
	sandbox = calloc(1, sizeof(*sandbox));
	if (!sandbox) {
		notice_ignored(core, "sandbox", id, "out of memory");
		return;
	}
	*sandbox = (struct sandbox){.pod = pod, .gen = core->gen};
	list_append(&pod->sandboxes, &sandbox->link);
	if (texts_set(&core->texts, &sandbox->id, id) < 0 ||
	    strmap_add(&core->sandboxes, sandbox->id, sandbox) < 0) {
		sandbox_free(core, sandbox);
		notice_ignored(core, "sandbox", id, "out of memory");
	}
}

struct pod *pod_admit(struct core *core, const struct core_pod *in)
{
	struct pod *pod;

	if (!in || !id_is_valid(in->uid)) {
		notice_ignored(core, "pod", in ? in->uid : NULL, "no usable UID");
		return NULL;
	}
	pod = strmap_get(&core->pods, in->uid);
	if (!pod)
		pod = pod_new(core, in);
	else if (pod_set_strings(core, pod, in) < 0)
		notice_ignored(core, "change of pod", in->uid, "out of memory");
	if (!pod)
		return NULL;
	pod->gen = core->gen;
	if (id_is_valid(in->sandbox_id))
		sandbox_add(core, pod, in->sandbox_id);
	return pod;
}

void pod_free(struct core *core, struct pod *pod)
{
	list_for_each_safe (it, nxt, &pod->containers) {
		container_free(core, list_entry(it, struct container, link));
	}
	list_for_each_safe (it, nxt, &pod->sandboxes) {
		sandbox_free(core, list_entry(it, struct sandbox, link));
	}
	pod_unlink_state(core, pod);
	list_del(&pod->link);
	if (pod->uid && strmap_get(&core->pods, pod->uid) == pod)
		strmap_del(&core->pods, pod->uid);
	if (pod->group_name && strmap_get(&core->groups, pod->group_name) == pod)
		strmap_del(&core->groups, pod->group_name);
	free(pod->uid);
	texts_drop(&core->texts, pod->namespace_);
	free(pod->name);
	free(pod->cgroup_parent);
	free(pod->group_name);
	free(pod->path);
	texts_drop(&core->texts, pod->parent);
	free(pod->told.parent);
	free(pod->message);
	free(pod->retry);
	free(pod);
}

void pod_drop(struct core *core, uint64_t now_ms, struct pod *pod)
{
	pod_report_removed(core, pod);
	group_discard(core, now_ms, pod);
	pod_free(core, pod);
}

bool pod_has_stopped(const struct pod *pod)
{
	list_for_each (it, &pod->sandboxes) {
		if (!list_entry(it, struct sandbox, link)->stopped)
			return false;
	}
	return true;
}

/* The containers of a sandbox go with it, not with the UID. */
void sandbox_drop(struct core *core, struct sandbox *sandbox)
{
	list_for_each_safe (it, nxt, &sandbox->pod->containers) {
		struct container *c = list_entry(it, struct container, link);

		if (strcmp(c->sandbox_id, sandbox->id) == 0)
			container_free(core, c);
	}
	sandbox_free(core, sandbox);
}
