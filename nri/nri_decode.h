/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From NRI's protobuf messages to the plain structs of nri.h. Everything given out
 * lives in the arena. Every function returns 0, -EBADMSG when the bytes are not such
 * a message, -E2BIG when it is beyond the arena's limit, or -ENOMEM.
 */

#include "nri.h"
#include "nri_arena.h"

struct nri_event_message {
	int32_t event; /* enum nri_event, or a number that is not ours */
	const struct nri_pod *pod;
	const struct nri_container *container; /* NULL, like the pod, when absent or unusable */
};

/* What a Synchronize request carries; objects without a usable identity are left out. */
struct nri_sync_message {
	const struct nri_pod *pods;
	size_t nr_pods;
	const struct nri_container *containers;
	size_t nr_containers;
	size_t nr_dropped;
	bool more; /* another part follows */
};

MUST_CHECK int nri_decode_configure(struct nri_arena *a, const void *data, size_t len,
				    struct nri_configure *ret);
MUST_CHECK int nri_decode_synchronize(struct nri_arena *a, const void *data, size_t len,
				      struct nri_sync_message *ret);

/* StateChange, which names its event inside. */
MUST_CHECK int nri_decode_state_change(struct nri_arena *a, const void *data, size_t len,
				       struct nri_event_message *ret);

/* The request of EVENT's own method. */
MUST_CHECK int nri_decode_event(struct nri_arena *a, enum nri_event event, const void *data,
				size_t len, struct nri_event_message *ret);
