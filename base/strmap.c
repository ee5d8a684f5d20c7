/* SPDX-License-Identifier: Apache-2.0 */
#include "strmap.h"

#include <errno.h>
#include <string.h>

#define STRMAP_FIRST 16
/* As full as a table gets: then a key is found in 3 probes on average, and missed in 13. */
#define LOAD_NUM 4
#define LOAD_DEN 5

/* FNV-1a, started from the map's seed and finished with a mixer so that low bits are good. */
static uint32_t hash_key(const struct strmap *m, const char *key)
{
	uint32_t h = 2166136261u ^ m->seed;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	return h;
}

void strmap_init(struct strmap *m, uint32_t seed)
{
	*m = (struct strmap){.seed = seed};
}

void strmap_done(struct strmap *m)
{
	free(m->slots);
	*m = (struct strmap){.seed = m->seed};
}

/* Where a probe for KEY begins. Its hash is not kept: a table is a third smaller. */
static size_t home_of(const struct strmap *m, const char *key)
{
	return hash_key(m, key) & (m->size - 1);
}

/* The slot that holds KEY, or the free slot where it would go. The table is never full. */
static size_t find_slot(const struct strmap *m, const char *key)
{
	size_t i = home_of(m, key);

	while (m->slots[i].key && strcmp(m->slots[i].key, key) != 0)
		i = (i + 1) & (m->size - 1);
	return i;
}

void *strmap_get(const struct strmap *m, const char *key)
{
	if (!m->size)
		return NULL;
	return m->slots[find_slot(m, key)].value;
}

static int grow(struct strmap *m)
{
	struct strmap bigger = {.size = m->size ? m->size * 2 : STRMAP_FIRST, .seed = m->seed};

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->size; i++) {
		const struct strmap_slot *s = &m->slots[i];

		if (s->key)
			bigger.slots[find_slot(&bigger, s->key)] = *s;
	}
	bigger.nr = m->nr;
	free(m->slots);
	*m = bigger;
	return 0;
}

int strmap_add(struct strmap *m, const char *key, void *value)
{
	size_t i;

	if ((m->nr + 1) * LOAD_DEN > m->size * LOAD_NUM && grow(m) < 0)
		return -ENOMEM;
	i = find_slot(m, key);
	if (m->slots[i].key)
		return -EEXIST;
	m->slots[i] = (struct strmap_slot){.key = key, .value = value};
	m->nr++;
	return 0;
}

void *strmap_del(struct strmap *m, const char *key)
{
	size_t mask = m->size - 1;
	size_t hole, i;
	void *value;

	if (!m->size)
		return NULL;
	hole = find_slot(m, key);
	if (!m->slots[hole].key)
		return NULL;
	value = m->slots[hole].value;
	/* Move later members of the probe chain into the hole, so no tombstones are needed. */
	for (i = (hole + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
		size_t home = home_of(m, m->slots[i].key);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct strmap_slot){0};
	m->nr--;
	return value;
}
