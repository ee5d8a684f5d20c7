/* SPDX-License-Identifier: Apache-2.0 */
#include "strmap.h"

#include <errno.h>
#include <string.h>

#define STRMAP_FIRST 16
/* As full as a table gets: then a key is found in 3 probes on average, and missed in 13. */
#define LOAD_NUM 4
#define LOAD_DEN 5

/* One round for eight bytes: an odd factor, and the high bits, which are good, back to the low. */
static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

/*
 * A hash is not kept but made again, at each lookup and at a removal for every key behind the
 * hole; so it takes eight bytes at a time, started from the map's seed.
 */
static uint64_t hash_key(const struct strmap *m, const char *key)
{
	size_t len = strlen(key);
	uint64_t h = m->seed ^ len, word;

	for (; len >= sizeof(word); key += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, key, sizeof(word));
		h = mix(h, word);
	}
	word = 0;
	memcpy(&word, key, len);
	return mix(mix(h, word), m->seed);
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

/* Where a probe for KEY begins. */
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
