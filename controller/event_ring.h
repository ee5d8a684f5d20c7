/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The last lines of a log that goes on, each under its number, counted from 0. */

#include "attr.h"

#include <stddef.h>
#include <stdint.h>

struct event_ring;

struct event_ring *event_ring_new(size_t nr_lines); /* NULL without memory */
void event_ring_free(struct event_ring *ring);

/* Add a copy of LINE; the oldest goes when the ring is full. Without memory: an empty line. */
void event_ring_add(struct event_ring *ring, const char *line);

uint64_t event_ring_first(const struct event_ring *ring); /* the oldest that is still there */
uint64_t event_ring_end(const struct event_ring *ring);   /* one past the newest */

/* NULL when it is not there (any more, or yet); "" for one that was lost for lack of memory. */
const char *event_ring_get(const struct event_ring *ring, uint64_t number);
