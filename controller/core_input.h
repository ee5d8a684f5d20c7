/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From what NRI says to what the core understands. */

#include "core.h"
#include "nri.h"
#include "pod_filter.h"

/* A Synchronize as core_synchronize_begin() wants it. The strings are those of NRI. */
struct core_input_snapshot {
	struct core_pod *pods;
	size_t nr_pods;
	struct core_container *containers;
	size_t nr_containers;
};

/*
 * FILTER, or NULL: what it does not take is left out. -ENOMEM: *RET is empty, and not to be told
 * to the core, whose old state is the better one. Else it is the caller's, to be done() with.
 */
MUST_CHECK int core_input_snapshot(const struct pod_filter *filter, const struct nri_pod *pods,
				   size_t nr_pods, const struct nri_container *containers,
				   size_t nr_containers, struct core_input_snapshot *ret);
void core_input_snapshot_done(struct core_input_snapshot *s); /* an empty one is fine */

/* POD and CONTAINER may be NULL, as in struct nri_handlers; FILTER as above. */
void core_input_event(struct core *core, uint64_t now_ms, const struct pod_filter *filter,
		      enum nri_event event, const struct nri_pod *pod,
		      const struct nri_container *container);
