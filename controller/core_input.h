/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From what NRI says to what the core understands. Nothing is kept here. */

#include "core.h"
#include "nri.h"
#include "pod_filter.h"

/* FILTER, or NULL: of pods that it does not take the core hears nothing. */
void core_input_synchronize(struct core *core, uint64_t now_ms, const struct pod_filter *filter,
			    const struct nri_pod *pods, size_t nr_pods,
			    const struct nri_container *containers, size_t nr_containers);

/* POD and CONTAINER may be NULL, as in struct nri_handlers. */
void core_input_event(struct core *core, uint64_t now_ms, const struct pod_filter *filter,
		      enum nri_event event, const struct nri_pod *pod,
		      const struct nri_container *container);
