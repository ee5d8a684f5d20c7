/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The pods and containers of one Synchronize, gathered over all its parts. */

#include "nri_decode.h"

struct nri_snapshot {
	struct nri_pod *pods;
	size_t nr_pods, size_pods;
	struct nri_container *containers;
	size_t nr_containers, size_containers;
	struct nri_arena arena; /* their strings and maps */
};

void nri_snapshot_init(struct nri_snapshot *s);
void nri_snapshot_done(struct nri_snapshot *s); /* empties it; may be filled again */

/* Nothing was gathered and MSG is within the limits: there is no need to copy it. */
bool nri_snapshot_can_skip(const struct nri_snapshot *s, const struct nri_sync_message *msg);

/*
 * Copy the objects of MSG. -E2BIG beyond NRI_SYNC_MAX_BYTES or NRI_SYNC_MAX_OBJECTS,
 * -ENOMEM; the snapshot is then only good for done().
 */
MUST_CHECK int nri_snapshot_add(struct nri_snapshot *s, const struct nri_sync_message *msg);
