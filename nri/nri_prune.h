/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A runtime describes a container with all of its mounts, environment, devices and hooks. What
 * of that is not read is left out before the message is decoded: protobuf-c copies also the
 * fields that it does not know, each into memory of its own.
 */

#include "nri_arena.h"
#include "ttrpc.h"

#include <stdbool.h>

enum nri_prune {
	NRI_PRUNE_SYNCHRONIZE,
	NRI_PRUNE_STATE_CHANGE,
	NRI_PRUNE_POD_EVENT, /* the requests of methods of their own */
	NRI_PRUNE_CONTAINER_EVENT,
};

/*
 * Point *IN to a copy that has only the fields of nri.proto, and of pods and containers the
 * labels and annotations only when WITH_LABELS. The copy is made at OUT, which has IN's length
 * and may be IN's own bytes, or in the arena if OUT is NULL. -EBADMSG: not such a message, and
 * OUT has half of it; -E2BIG, -ENOMEM as the arena has them. *IN is untouched then.
 */
MUST_CHECK int nri_prune(struct nri_arena *a, enum nri_prune what, bool with_labels, uint8_t *out,
			 struct ttrpc_span *in);
