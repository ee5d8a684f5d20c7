/* SPDX-License-Identifier: Apache-2.0 */
#include "nri.pb-c.h"
#include "nri_decode.h"

#include <errno.h>
#include <string.h>

#define REGISTRATION_TIMEOUT_MS 5000 /* what a runtime that does not say would use */
#define REQUEST_TIMEOUT_MS      2000

/* Short for the generated names, which never leave this file. */
typedef Nri__Pkg__Api__V1alpha1__PodSandbox pb_pod;
typedef Nri__Pkg__Api__V1alpha1__Container pb_container;
typedef Nri__Pkg__Api__V1alpha1__LinuxContainer pb_linux;
typedef Nri__Pkg__Api__V1alpha1__SynchronizeRequest pb_sync;
typedef Nri__Pkg__Api__V1alpha1__StateChangeEvent pb_state_change;
typedef Nri__Pkg__Api__V1alpha1__PodEvent pb_pod_event;
typedef Nri__Pkg__Api__V1alpha1__ContainerEvent pb_container_event;
typedef Nri__Pkg__Api__V1alpha1__ConfigureRequest pb_configure;
typedef Nri__Pkg__Api__V1alpha1__KeyValue pb_entry;
#define PB_TYPE(name) (&nri__pkg__api__v1alpha1__##name##__descriptor)

static const char *text(const char *s)
{
	return s ? s : "";
}

static bool fits(const char *s, size_t max)
{
	return strnlen(text(s), max + 1) <= max;
}

static const char *text_up_to(const char *s, size_t max)
{
	return fits(s, max) ? text(s) : "";
}

/* NULL on failure; unpack_error() then says why. */
static void *unpack(const ProtobufCMessageDescriptor *type, struct nri_arena *a, const void *data,
		    size_t len)
{
	ProtobufCAllocator allocator = nri_arena_allocator(a);

	return protobuf_c_message_unpack(type, &allocator, len, data);
}

static int unpack_error(const struct nri_arena *a)
{
	return a->error ? a->error : -EBADMSG;
}

static int convert_entries(struct nri_arena *a, pb_entry *const *entries, size_t nr,
			   const struct nri_kv **ret)
{
	struct nri_kv *kv;

	if (nr == 0)
		return 0;
	kv = nri_arena_calloc(a, nr, sizeof(*kv));
	if (!kv)
		return a->error;
	for (size_t i = 0; i < nr; i++) {
		kv[i].key = text(entries[i]->key);
		kv[i].value = text(entries[i]->value);
	}
	*ret = kv;
	return 0;
}

/* 1 when *RET is a pod, 0 when it has no usable identity. */
static int convert_pod(struct nri_arena *a, const pb_pod *pb, struct nri_pod *ret)
{
	int r;

	if (text(pb->id)[0] == '\0' || !fits(pb->id, NRI_NAME_MAX) ||
	    !fits(pb->name, NRI_NAME_MAX) || !fits(pb->uid, NRI_NAME_MAX) ||
	    !fits(pb->namespace_, NRI_NAME_MAX))
		return 0;
	*ret = (struct nri_pod){
		.id = pb->id,
		.name = text(pb->name),
		.uid = text(pb->uid),
		.namespace_ = text(pb->namespace_),
		.runtime_handler = text_up_to(pb->runtime_handler, NRI_NAME_MAX),
		.cgroup_parent = "",
		.cgroups_path = "",
		.nr_labels = pb->n_labels,
		.nr_annotations = pb->n_annotations,
		.pid = pb->pid,
	};
	if (pb->linux) {
		ret->cgroup_parent = text_up_to(pb->linux->cgroup_parent, NRI_PATH_MAX);
		ret->cgroups_path = text_up_to(pb->linux->cgroups_path, NRI_PATH_MAX);
	}
	r = convert_entries(a, pb->labels, pb->n_labels, &ret->labels);
	if (r == 0)
		r = convert_entries(a, pb->annotations, pb->n_annotations, &ret->annotations);
	return r < 0 ? r : 1;
}

static enum nri_container_state convert_state(int32_t state)
{
	if (state < NRI_CONTAINER_CREATED || state > NRI_CONTAINER_STOPPED)
		return NRI_CONTAINER_UNKNOWN;
	return (enum nri_container_state)state;
}

static void convert_linux(const pb_linux *pb, struct nri_container *ret)
{
	ret->cgroups_path = text_up_to(pb->cgroups_path, NRI_PATH_MAX);
	if (pb->rdt && pb->rdt->clos_id)
		ret->clos_id = text_up_to(pb->rdt->clos_id->value, NRI_NAME_MAX);
}

/* 1 when *RET is a container, 0 when it has no usable identity. */
static int convert_container(struct nri_arena *a, const pb_container *pb, struct nri_container *ret)
{
	int r;

	if (text(pb->id)[0] == '\0' || !fits(pb->id, NRI_NAME_MAX) ||
	    !fits(pb->name, NRI_NAME_MAX) || !fits(pb->pod_sandbox_id, NRI_NAME_MAX))
		return 0;
	*ret = (struct nri_container){
		.id = pb->id,
		.pod_sandbox_id = text(pb->pod_sandbox_id),
		.name = text(pb->name),
		.cgroups_path = "",
		.clos_id = "",
		.state = convert_state(pb->state),
		.nr_labels = pb->n_labels,
		.nr_annotations = pb->n_annotations,
		.pid = pb->pid,
	};
	if (pb->linux)
		convert_linux(pb->linux, ret);
	r = convert_entries(a, pb->labels, pb->n_labels, &ret->labels);
	if (r == 0)
		r = convert_entries(a, pb->annotations, pb->n_annotations, &ret->annotations);
	return r < 0 ? r : 1;
}

static uint64_t timeout_or(int64_t ms, uint64_t otherwise)
{
	return ms > 0 ? (uint64_t)ms : otherwise;
}

int nri_decode_configure(struct nri_arena *a, const void *data, size_t len,
			 struct nri_configure *ret)
{
	const pb_configure *pb = unpack(PB_TYPE(configure_request), a, data, len);

	if (!pb)
		return unpack_error(a);
	*ret = (struct nri_configure){
		.config = text(pb->config),
		.runtime_name = text_up_to(pb->runtime_name, NRI_NAME_MAX),
		.runtime_version = text_up_to(pb->runtime_version, NRI_NAME_MAX),
		.nri_version = text_up_to(pb->nri_version, NRI_NAME_MAX),
		.registration_timeout_ms =
			timeout_or(pb->registration_timeout, REGISTRATION_TIMEOUT_MS),
		.request_timeout_ms = timeout_or(pb->request_timeout, REQUEST_TIMEOUT_MS),
		.may_refuse = pb->registration_timeout > 0, /* told since NRI 0.7 */
	};
	return 0;
}

static int convert_pods(struct nri_arena *a, const pb_sync *pb, struct nri_sync_message *ret)
{
	struct nri_pod *pods = nri_arena_calloc(a, pb->n_pods, sizeof(*pods));

	if (!pods)
		return a->error;
	for (size_t i = 0; i < pb->n_pods; i++) {
		int r = convert_pod(a, pb->pods[i], &pods[ret->nr_pods]);

		if (r < 0)
			return r;
		ret->nr_pods += (size_t)r;
	}
	ret->pods = pods;
	return 0;
}

static int convert_containers(struct nri_arena *a, const pb_sync *pb, struct nri_sync_message *ret)
{
	struct nri_container *ctrs = nri_arena_calloc(a, pb->n_containers, sizeof(*ctrs));

	if (!ctrs)
		return a->error;
	for (size_t i = 0; i < pb->n_containers; i++) {
		int r = convert_container(a, pb->containers[i], &ctrs[ret->nr_containers]);

		if (r < 0)
			return r;
		ret->nr_containers += (size_t)r;
	}
	ret->containers = ctrs;
	return 0;
}

int nri_decode_synchronize(struct nri_arena *a, const void *data, size_t len,
			   struct nri_sync_message *ret)
{
	struct nri_sync_message msg = {0};
	const pb_sync *pb = unpack(PB_TYPE(synchronize_request), a, data, len);
	int r;

	if (!pb)
		return unpack_error(a);
	r = convert_pods(a, pb, &msg);
	if (r == 0)
		r = convert_containers(a, pb, &msg);
	if (r < 0)
		return r;
	msg.nr_dropped = pb->n_pods - msg.nr_pods + pb->n_containers - msg.nr_containers;
	msg.more = pb->more;
	*ret = msg;
	return 0;
}

/* Convert whichever of the two are there. */
static int convert_event(struct nri_arena *a, const pb_pod *pb_p, const pb_container *pb_c,
			 struct nri_event_message *ret)
{
	struct nri_container *ctr = nri_arena_alloc(a, sizeof(*ctr));
	struct nri_pod *pod = nri_arena_alloc(a, sizeof(*pod));
	int has_pod, has_ctr;

	if (!pod || !ctr)
		return a->error;
	has_pod = pb_p ? convert_pod(a, pb_p, pod) : 0;
	if (has_pod < 0)
		return has_pod;
	has_ctr = pb_c ? convert_container(a, pb_c, ctr) : 0;
	if (has_ctr < 0)
		return has_ctr;
	ret->pod = has_pod ? pod : NULL;
	ret->container = has_ctr ? ctr : NULL;
	return 0;
}

int nri_decode_state_change(struct nri_arena *a, const void *data, size_t len,
			    struct nri_event_message *ret)
{
	const pb_state_change *pb = unpack(PB_TYPE(state_change_event), a, data, len);

	if (!pb)
		return unpack_error(a);
	ret->event = pb->event;
	return convert_event(a, pb->pod, pb->container, ret);
}

static int decode_container_event(struct nri_arena *a, const void *data, size_t len,
				  struct nri_event_message *ret)
{
	const pb_container_event *pb = unpack(PB_TYPE(container_event), a, data, len);

	return pb ? convert_event(a, pb->pod, pb->container, ret) : unpack_error(a);
}

static int decode_pod_event(struct nri_arena *a, const void *data, size_t len,
			    struct nri_event_message *ret)
{
	const pb_pod_event *pb = unpack(PB_TYPE(pod_event), a, data, len);

	return pb ? convert_event(a, pb->pod, NULL, ret) : unpack_error(a);
}

int nri_decode_event(struct nri_arena *a, enum nri_event event, const void *data, size_t len,
		     struct nri_event_message *ret)
{
	ret->event = (int32_t)event;
	return nri_event_is_container(event) ? decode_container_event(a, data, len, ret)
					     : decode_pod_event(a, data, len, ret);
}
