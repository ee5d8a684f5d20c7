/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A hash map from strings to objects. Both the key and the object are borrowed:
 * the key usually is a field of the object, and must not change or go away while
 * it is in the map. Lookups and removals never allocate.
 */

#include "attr.h"

#include <stdbool.h>
#include <stdint.h>

struct strmap_slot {
	const char *key; /* NULL: free; see strmap.c for how removal keeps probes short */
	void *value;
};

struct strmap {
	struct strmap_slot *slots;
	size_t size; /* 0 or a power of two */
	size_t nr;   /* entries in use */
	uint32_t seed;
};

/* SEED makes collisions hard to aim at; tests pass a constant. */
void strmap_init(struct strmap *m, uint32_t seed);
void strmap_done(struct strmap *m); /* forgets everything; frees neither keys nor objects */

void *strmap_get(const struct strmap *m, const char *key); /* NULL when absent */

/* -EEXIST when KEY is there already (the map is unchanged), -ENOMEM. VALUE must not be NULL. */
MUST_CHECK int strmap_add(struct strmap *m, const char *key, void *value);

/* Removes KEY and returns its object, NULL when absent. */
void *strmap_del(struct strmap *m, const char *key);

/*
 * Visit every object, in no order; the map must not change meanwhile:
 *	size_t i = 0;
 *	while ((pod = strmap_next(map, &i)))
 */
static inline void *strmap_next(const struct strmap *m, size_t *i)
{
	while (*i < m->size) {
		const struct strmap_slot *slot = &m->slots[(*i)++];

		if (slot->key)
			return slot->value;
	}
	return NULL;
}
