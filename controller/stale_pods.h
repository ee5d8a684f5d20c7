/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pods whose end the runtime may never tell. containerd remembers which pods it has told a
 * plugin of in memory only: of those from before its restart it still tells that the containers
 * go, but not that the pod does, and their groups would hold an RMID each until the next
 * snapshot. So a pod that came with a snapshot, has lost its last container, and is not heard of
 * for STALE_AFTER_MS asks for another one.
 *
 * Each registration stalls the node's pod operations for a moment: not more often than every
 * STALE_AGAIN_MS.
 */

#include "nri.h"

#define STALE_AFTER_MS 30000u
#define STALE_AGAIN_MS 300000u

struct stale_pods;

/* IS_EMPTY: this pod is known and has no container. NULL without memory. */
struct stale_pods *stale_pods_new(bool (*is_empty)(void *ctx, const char *pod_uid), void *ctx,
				  uint32_t seed);
void stale_pods_free(struct stale_pods *s); /* NULL is fine */

/* The pods of a snapshot, which replaces what was known. */
void stale_pods_snapshot(struct stale_pods *s, const struct nri_pod *pods, size_t nr);

/* To be called when the core has been told; arguments as in nri_handlers.event. */
void stale_pods_event(struct stale_pods *s, uint64_t now_ms, enum nri_event event,
		      const struct nri_pod *pod, const struct nri_container *container);

/* When a snapshot is to be asked for; UINT64_MAX: not as far as is known. */
uint64_t stale_pods_due_ms(struct stale_pods *s);

/* It is being asked for now. */
void stale_pods_asked(struct stale_pods *s, uint64_t now_ms);
