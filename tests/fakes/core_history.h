/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Histories for the core: a node where pods come and go, events are repeated, lost and
 * mixed up, the kernel fails, others meddle with the tree, and the daemon is started
 * again; with what must hold after every step, and what must hold once things are quiet.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A history from a pseudo-random sequence. Returns the steps done; prints and aborts on a breach.
 */
unsigned long history_from_seed(uint32_t seed, unsigned long steps, bool trace);

/* The same from bytes, one or two a step. */
void history_from_bytes(const uint8_t *data, size_t size);
