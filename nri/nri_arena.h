/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Memory that is given back all at once, with a limit. One decoded message makes many
 * small objects that die together; and a few bytes on the wire may decode to a
 * hundred in memory, so the limit is on what is allocated, not on what was received.
 */

#include "attr.h"

#include <protobuf-c/protobuf-c.h>

struct nri_arena_block;

struct nri_arena {
	struct nri_arena_block *blocks; /* the newest first */
	size_t total;                   /* bytes in all blocks */
	size_t cap;
	int error; /* the first failure: -E2BIG for the cap, -ENOMEM; 0 */
};

void nri_arena_init(struct nri_arena *a, size_t cap);
void nri_arena_done(struct nri_arena *a);

/* Forget everything allocated and the error. One block is kept for the next message. */
void nri_arena_reset(struct nri_arena *a);

/* NULL on failure, which is also remembered. Memory is aligned for any type, not zeroed. */
void *nri_arena_alloc(struct nri_arena *a, size_t size);
void *nri_arena_calloc(struct nri_arena *a, size_t nr, size_t size);

/* A copy of TEXT; NULL on failure. */
const char *nri_arena_strdup(struct nri_arena *a, const char *text);

/* For protobuf-c's unpack functions. What they free is not reused before the reset. */
ProtobufCAllocator nri_arena_allocator(struct nri_arena *a);
