/* SPDX-License-Identifier: Apache-2.0 */

/* The state, to read: for the publisher, the status socket and the metrics. */

#include "core_priv.h"

#include <stdio.h>
#include <string.h>

/* What a reader needs to know of the containers that are not placed. */
struct unplaced {
	size_t nr;
	const struct container *first;
	bool same_reason;
};

static struct unplaced find_unplaced(const struct pod *pod)
{
	struct unplaced u = {.same_reason = true};

	list_for_each (it, &pod->containers) {
		const struct container *c = list_entry(it, struct container, link);

		if (c->state == CONTAINER_RECONCILED)
			continue;
		if (!u.first)
			u.first = c;
		else if (strcmp(str_or_empty(u.first->reason), str_or_empty(c->reason)) != 0)
			u.same_reason = false;
		u.nr++;
	}
	return u;
}

static const char *container_reason(const struct container *c)
{
	if (c->state == CONTAINER_RECONCILED)
		return "";
	return c->reason ? c->reason : "Pending";
}

static const char *container_message(const struct container *c)
{
	if (c->state == CONTAINER_RECONCILED)
		return "";
	return c->message ? c->message : "it is about to be placed";
}

static const char *explain_unplaced(const struct pod *pod, const struct unplaced *u, char *text)
{
	(void)snprintf(text, TEXT_MAX, "%zu of %u containers not placed; '%.64s': %s", u->nr,
		       pod->total > u->nr ? pod->total : (unsigned)u->nr, u->first->name,
		       container_message(u->first));
	return u->same_reason ? container_reason(u->first) : "Partial";
}

static void explain_pod(struct pod *pod, char *text, struct core_pod_view *ret)
{
	struct unplaced u = find_unplaced(pod);

	ret->message = text;
	if (pod->state == POD_QUEUED) {
		ret->reason = "Pending";
		ret->message = "its group is about to be made";
	} else if (pod->state == POD_FAILED) {
		ret->reason = rs_reason(pod->code);
		ret->message = str_or_empty(pod->message);
	} else if (u.nr) {
		ret->reason = explain_unplaced(pod, &u, text);
	} else if (!pod->total) {
		ret->reason = "Pending";
		ret->message = "its group exists; no container has started yet";
	} else {
		ret->reason = "AllAssigned";
		(void)snprintf(text, TEXT_MAX, "all tasks of %u containers are in the group",
			       pod->total);
	}
}

static int grow(struct core *core, const struct pod *pod, size_t nr)
{
	size_t need = pod->path ? strlen(core->config.root) + strlen(pod->path) + 2 : 1;

	if (!core->view_text)
		core->view_text = malloc(TEXT_MAX);
	if (need > core->view_path_size) {
		free(core->view_path);
		core->view_path = malloc(need);
		core->view_path_size = core->view_path ? need : 0;
	}
	if (nr > core->view_size) {
		size_t size = nr * 2;

		free(core->view_containers);
		core->view_containers = calloc(size, sizeof(*core->view_containers));
		core->view_size = core->view_containers ? size : 0;
	}
	return core->view_text && core->view_path && nr <= core->view_size ? 0 : -1;
}

static bool fill_containers(struct pod *pod, struct core_container_view *v)
{
	bool queued = pod->state == POD_QUEUED;

	list_for_each (it, &pod->containers) {
		const struct container *c = list_entry(it, struct container, link);

		*v++ = (struct core_container_view){
			.id = c->id,
			.name = c->name,
			.state = c->state == CONTAINER_RECONCILED ? CORE_CONTAINER_RECONCILED
								  : CORE_CONTAINER_PARTIAL,
			.reason = container_reason(c),
			.message = container_message(c),
		};
		queued |= c->where == IN_QUEUE;
	}
	return queued;
}

bool core_pod_view(struct core *core, const char *pod_uid, struct core_pod_view *ret)
{
	struct pod *pod = id_is_valid(pod_uid) ? strmap_get(&core->pods, pod_uid) : NULL;
	size_t nr = 0;

	if (!pod || pod->state == POD_RELEASED)
		return false;
	list_for_each (it, &pod->containers) {
		nr++;
	}
	if (grow(core, pod, nr) < 0)
		return false;
	*ret = (struct core_pod_view){
		.uid = pod->uid,
		.namespace_ = pod->namespace_,
		.name = pod->name,
		.group_state = pod->state == POD_EXISTS ? CORE_GROUP_EXISTS : CORE_GROUP_FAILED,
		.group_path = core->view_path,
		.total_containers = pod->total,
		.reconciled_containers = pod->reconciled,
		.containers = core->view_containers,
		.nr_containers = nr,
	};
	core->view_path[0] = '\0';
	if (pod->path)
		(void)snprintf(core->view_path, core->view_path_size, "%s/%s", core->config.root,
			       pod->path);
	ret->queued = fill_containers(pod, core->view_containers);
	explain_pod(pod, core->view_text, ret);
	return true;
}

void core_for_each_pod(const struct core *core, void (*fn)(void *ctx, const char *pod_uid),
		       void *ctx)
{
	list_for_each (it, &core->pod_list) {
		const struct pod *pod = list_entry(it, struct pod, link);

		if (pod->state != POD_RELEASED)
			fn(ctx, pod->uid);
	}
}

static size_t list_length(const struct list *list)
{
	size_t n = 0;

	list_for_each (it, list) {
		n++;
	}
	return n;
}

static void count_containers(const struct core *core, struct core_stats *ret)
{
	const struct container *c;
	size_t i = 0;

	while ((c = strmap_next(&core->containers, &i))) {
		ret->containers_partial += c->state == CONTAINER_PARTIAL;
		ret->containers_no_group +=
			c->state == CONTAINER_PARTIAL && c->pod && c->pod->state != POD_EXISTS;
		ret->containers_reconciled += c->state == CONTAINER_RECONCILED;
		ret->containers_no_pod += !c->pod;
	}
}

static size_t count_failed_removals(const struct core *core)
{
	size_t n = 0;

	list_for_each (it, &core->tombstones) {
		n += list_entry(it, struct tombstone, link)->attempts > 0;
	}
	return n;
}

void core_stats(const struct core *core, struct core_stats *ret)
{
	size_t failed_removals = count_failed_removals(core);

	*ret = (struct core_stats){
		.pods = core->pods.nr,
		.containers = core->containers.nr,
		.pods_failed = list_length(&core->failed),
		.pods_existing = core->pod_ring.nr,
		.tombstones = failed_removals,
		.queued = list_length(&core->pod_queue) + list_length(&core->container_queue) +
			  (core->nr_tombstones - failed_removals) + core->sweep.pending,
		.synchronized = core->synchronized,
		.events_emitted = core->events_emitted,
		.put_off = core->put_off,
		.timer_retries_good = core->timer_retries_good,
		.timer_retries_bad = core->timer_retries_bad,
		.pod_audits = core->pod_audits,
		.container_audits = core->container_audits,
	};
	count_containers(core, ret);
}
