/* SPDX-License-Identifier: Apache-2.0 */

/*
 * NRI's messages to plain structs. The first byte says which message the rest is; all that
 * comes out is read, copied to a snapshot, and read there.
 */

#include "nri_decode.h"
#include "nri_prune.h"
#include "nri_snapshot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t entries_length(const struct nri_kv *kv, size_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++)
		n += strlen(kv[i].key) + strlen(kv[i].value);
	return n;
}

static size_t pod_length(const struct nri_pod *p)
{
	return strlen(p->id) + strlen(p->name) + strlen(p->uid) + strlen(p->namespace_) +
	       strlen(p->runtime_handler) + strlen(p->cgroup_parent) + strlen(p->cgroups_path) +
	       entries_length(p->labels, p->nr_labels) +
	       entries_length(p->annotations, p->nr_annotations);
}

static size_t container_length(const struct nri_container *c)
{
	return strlen(c->id) + strlen(c->pod_sandbox_id) + strlen(c->name) +
	       strlen(c->cgroups_path) + strlen(c->clos_id) +
	       entries_length(c->labels, c->nr_labels) +
	       entries_length(c->annotations, c->nr_annotations);
}

static void check_sync(const struct nri_sync_message *msg)
{
	size_t before = 0, after = 0;
	struct nri_snapshot snap;

	nri_snapshot_init(&snap);
	if (nri_snapshot_add(&snap, msg) == 0) {
		for (size_t i = 0; i < msg->nr_pods; i++) {
			before += pod_length(&msg->pods[i]);
			after += pod_length(&snap.pods[i]);
		}
		for (size_t i = 0; i < msg->nr_containers; i++) {
			before += container_length(&msg->containers[i]);
			after += container_length(&snap.containers[i]);
		}
		if (before != after)
			abort();
	}
	nri_snapshot_done(&snap);
}

static bool same_sync(const struct nri_sync_message *a, const struct nri_sync_message *b)
{
	if (a->nr_pods != b->nr_pods || a->nr_containers != b->nr_containers ||
	    a->nr_dropped != b->nr_dropped || a->more != b->more)
		return false;
	for (size_t i = 0; i < a->nr_pods; i++) {
		if (pod_length(&a->pods[i]) != pod_length(&b->pods[i]))
			return false;
	}
	for (size_t i = 0; i < a->nr_containers; i++) {
		if (container_length(&a->containers[i]) != container_length(&b->containers[i]))
			return false;
	}
	return true;
}

static void check_event(const struct nri_event_message *msg)
{
	if (msg->pod && !pod_length(msg->pod))
		abort();
	if (msg->container && !container_length(msg->container))
		abort();
}

static int decode(struct nri_arena *a, unsigned what, const uint8_t *data, size_t size)
{
	struct nri_configure configure;
	struct nri_sync_message sync;
	struct nri_event_message msg;
	int r;

	if (what == 0) {
		r = nri_decode_configure(a, data, size, &configure);
		if (r == 0 && (strlen(configure.runtime_name) > NRI_NAME_MAX ||
			       configure.request_timeout_ms == 0))
			abort();
	} else if (what == 1) {
		r = nri_decode_synchronize(a, data, size, &sync);
		if (r == 0)
			check_sync(&sync);
	} else {
		r = what == 2 ? nri_decode_state_change(a, data, size, &msg)
			      : nri_decode_event(a, (enum nri_event)(what - 2), data, size, &msg);
		if (r == 0)
			check_event(&msg);
	}
	return r;
}

/*
 * What is left of a pruned message can be decoded and says the same. Pruning may refuse what the
 * decoder takes: a field number above 2^29, which protobuf-c cuts to 32 bits and Go's protobuf
 * refuses, too.
 */
static void check_pruned(unsigned what, const uint8_t *data, size_t size)
{
	struct nri_sync_message sync, pruned_sync;
	struct ttrpc_span span = {.data = data, .len = size};
	struct nri_arena a;

	nri_arena_init(&a, ARENA_MAX);
	if (what == 1 && nri_decode_synchronize(&a, data, size, &sync) == 0) {
		int r = nri_prune(&a, NRI_PRUNE_SYNCHRONIZE, true, NULL, &span);

		if (r == 0) {
			r = nri_decode_synchronize(&a, span.data, span.len, &pruned_sync);
			if (r == -EBADMSG || (r == 0 && !same_sync(&sync, &pruned_sync)))
				abort();
		}
	}
	nri_arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nri_arena arena;

	if (size == 0)
		return 0;
	nri_arena_init(&arena, ARENA_MAX);
	if (decode(&arena, data[0] % (NRI_EVENT_MAX + 3), data + 1, size - 1) < 0)
		nri_arena_reset(&arena);
	nri_arena_done(&arena);
	check_pruned(data[0] % (NRI_EVENT_MAX + 3), data + 1, size - 1);
	return 0;
}
