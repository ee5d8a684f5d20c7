/* SPDX-License-Identifier: Apache-2.0 */
#include "core_input.h"

#include "strmap.h"

#include <errno.h>

static struct core_pod to_core_pod(const struct nri_pod *pod)
{
	if (!pod)
		return (struct core_pod){0};
	return (struct core_pod){
		.uid = pod->uid,
		.sandbox_id = pod->id,
		.namespace_ = pod->namespace_,
		.name = pod->name,
		.cgroup_parent = pod->cgroup_parent,
	};
}

static struct core_container to_core_container(const struct nri_container *container)
{
	return (struct core_container){
		.id = container->id,
		.sandbox_id = container->pod_sandbox_id,
		.name = container->name,
		.cgroups_path = container->cgroups_path,
		.pid = container->pid <= INT32_MAX ? (pid_t)container->pid : 0,
		.created = container->state == NRI_CONTAINER_CREATED,
		/* One in a state unknown here is looked at as if it ran; it will show. */
		.running = container->state != NRI_CONTAINER_CREATED &&
			   container->state != NRI_CONTAINER_STOPPED,
	};
}

/* Those of PODS that the filter takes, in *RET; the sandboxes of the others go into LEFT_OUT. */
static int take_pods(const struct pod_filter *filter, const struct nri_pod *pods, size_t nr,
		     struct core_pod *ret, size_t *ret_nr, struct strmap *left_out)
{
	for (size_t i = 0; i < nr; i++) {
		int r = 0;

		if (pod_filter_takes(filter, &pods[i]))
			ret[(*ret_nr)++] = to_core_pod(&pods[i]);
		else
			r = strmap_add(left_out, pods[i].id, left_out);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

static int take_snapshot(const struct pod_filter *filter, const struct nri_pod *pods,
			 size_t nr_pods, const struct nri_container *containers,
			 size_t nr_containers, struct core_input_snapshot *ret)
{
	struct strmap left_out;
	int r;

	strmap_init(&left_out, 0);
	r = take_pods(filter, pods, nr_pods, ret->pods, &ret->nr_pods, &left_out);
	for (size_t i = 0; r == 0 && i < nr_containers; i++) {
		if (!left_out.nr || !strmap_get(&left_out, containers[i].pod_sandbox_id))
			ret->containers[ret->nr_containers++] = to_core_container(&containers[i]);
	}
	strmap_done(&left_out);
	return r;
}

int core_input_snapshot(const struct pod_filter *filter, const struct nri_pod *pods, size_t nr_pods,
			const struct nri_container *containers, size_t nr_containers,
			struct core_input_snapshot *ret)
{
	int r = -ENOMEM;

	*ret = (struct core_input_snapshot){
		.pods = calloc(nr_pods + 1, sizeof(*ret->pods)),
		.containers = calloc(nr_containers + 1, sizeof(*ret->containers)),
	};
	if (ret->pods && ret->containers)
		r = take_snapshot(filter, pods, nr_pods, containers, nr_containers, ret);
	if (r < 0)
		core_input_snapshot_done(ret);
	return r;
}

void core_input_snapshot_done(struct core_input_snapshot *s)
{
	free(s->pods);
	free(s->containers);
	*s = (struct core_input_snapshot){0};
}

/* An end is told in any case: it cannot make known what was not, and may be of one from before. */
static bool is_beginning(enum nri_event event)
{
	return event == NRI_RUN_POD_SANDBOX || event == NRI_START_CONTAINER ||
	       event == NRI_POST_START_CONTAINER;
}

static void pod_event(struct core *core, uint64_t now_ms, enum nri_event event,
		      const struct core_pod *pod)
{
	if (event == NRI_RUN_POD_SANDBOX)
		core_run_pod(core, now_ms, pod);
	else if (event == NRI_STOP_POD_SANDBOX)
		core_stop_pod(core, now_ms, pod);
	else if (event == NRI_REMOVE_POD_SANDBOX)
		core_remove_pod(core, now_ms, pod);
}

static void container_event(struct core *core, uint64_t now_ms, enum nri_event event,
			    const struct core_pod *pod, const struct core_container *container)
{
	if (event == NRI_START_CONTAINER)
		core_start_container(core, now_ms, pod, container);
	else if (event == NRI_POST_START_CONTAINER)
		core_post_start_container(core, now_ms, pod, container);
	else if (event == NRI_STOP_CONTAINER)
		core_stop_container(core, now_ms, container->id);
	else if (event == NRI_REMOVE_CONTAINER)
		core_remove_container(core, now_ms, container->id);
}

void core_input_event(struct core *core, uint64_t now_ms, const struct pod_filter *filter,
		      enum nri_event event, const struct nri_pod *pod,
		      const struct nri_container *container)
{
	struct core_pod p = to_core_pod(pod);

	if (pod && is_beginning(event) && !pod_filter_takes(filter, pod))
		return;
	if (!nri_event_is_container(event)) {
		pod_event(core, now_ms, event, &p);
	} else if (container) {
		struct core_container c = to_core_container(container);

		container_event(core, now_ms, event, &p, &c);
	}
}
