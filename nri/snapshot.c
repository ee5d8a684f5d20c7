/* SPDX-License-Identifier: Apache-2.0 */
#include "nri_snapshot.h"

#include <errno.h>
#include <string.h>

#define FIRST_OBJECTS 64

void nri_snapshot_init(struct nri_snapshot *s)
{
	*s = (struct nri_snapshot){0};
	nri_arena_init(&s->arena, NRI_SYNC_MAX_BYTES);
}

void nri_snapshot_done(struct nri_snapshot *s)
{
	free(s->pods);
	free(s->containers);
	nri_arena_done(&s->arena);
	nri_snapshot_init(s);
}

/* Make the array of *SIZE objects hold NEED. */
static int grow(void *array, size_t *size, size_t need, size_t object_size)
{
	void **p = array;
	size_t new_size = *size ? *size : FIRST_OBJECTS;
	void *grown;

	if (need > NRI_SYNC_MAX_OBJECTS)
		return -E2BIG;
	if (need <= *size)
		return 0;
	while (new_size < need)
		new_size *= 2;
	grown = reallocarray(*p, new_size, object_size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	*size = new_size;
	return 0;
}

static const struct nri_kv *copy_entries(struct nri_arena *a, const struct nri_kv *kv, size_t nr)
{
	struct nri_kv *copy = nri_arena_calloc(a, nr, sizeof(*copy));

	for (size_t i = 0; copy && i < nr; i++) {
		copy[i].key = nri_arena_strdup(a, kv[i].key);
		copy[i].value = nri_arena_strdup(a, kv[i].value);
	}
	return copy;
}

/* Failures are remembered by the arena, so they are looked for once, at the end. */
static void copy_pod(struct nri_arena *a, const struct nri_pod *from, struct nri_pod *to)
{
	*to = *from;
	to->id = nri_arena_strdup(a, from->id);
	to->name = nri_arena_strdup(a, from->name);
	to->uid = nri_arena_strdup(a, from->uid);
	to->namespace_ = nri_arena_strdup(a, from->namespace_);
	to->runtime_handler = nri_arena_strdup(a, from->runtime_handler);
	to->cgroup_parent = nri_arena_strdup(a, from->cgroup_parent);
	to->cgroups_path = nri_arena_strdup(a, from->cgroups_path);
	to->labels = copy_entries(a, from->labels, from->nr_labels);
	to->annotations = copy_entries(a, from->annotations, from->nr_annotations);
}

static void copy_container(struct nri_arena *a, const struct nri_container *from,
			   struct nri_container *to)
{
	*to = *from;
	to->id = nri_arena_strdup(a, from->id);
	to->pod_sandbox_id = nri_arena_strdup(a, from->pod_sandbox_id);
	to->name = nri_arena_strdup(a, from->name);
	to->cgroups_path = nri_arena_strdup(a, from->cgroups_path);
	to->clos_id = nri_arena_strdup(a, from->clos_id);
	to->labels = copy_entries(a, from->labels, from->nr_labels);
	to->annotations = copy_entries(a, from->annotations, from->nr_annotations);
}

bool nri_snapshot_can_skip(const struct nri_snapshot *s, const struct nri_sync_message *msg)
{
	return s->nr_pods == 0 && s->nr_containers == 0 && msg->nr_pods <= NRI_SYNC_MAX_OBJECTS &&
	       msg->nr_containers <= NRI_SYNC_MAX_OBJECTS;
}

int nri_snapshot_add(struct nri_snapshot *s, const struct nri_sync_message *msg)
{
	int r = grow(&s->pods, &s->size_pods, s->nr_pods + msg->nr_pods, sizeof(*s->pods));

	if (r < 0)
		return r;
	r = grow(&s->containers, &s->size_containers, s->nr_containers + msg->nr_containers,
		 sizeof(*s->containers));
	if (r < 0)
		return r;
	for (size_t i = 0; i < msg->nr_pods; i++)
		copy_pod(&s->arena, &msg->pods[i], &s->pods[s->nr_pods++]);
	for (size_t i = 0; i < msg->nr_containers; i++)
		copy_container(&s->arena, &msg->containers[i], &s->containers[s->nr_containers++]);
	return s->arena.error;
}
