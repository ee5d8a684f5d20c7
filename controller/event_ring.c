/* SPDX-License-Identifier: Apache-2.0 */
#include "event_ring.h"

#include <string.h>

struct event_ring {
	size_t size;
	uint64_t end;
	char *lines[];
};

struct event_ring *event_ring_new(size_t nr_lines)
{
	struct event_ring *ring = calloc(1, sizeof(*ring) + nr_lines * sizeof(ring->lines[0]));

	if (ring)
		ring->size = nr_lines;
	return ring;
}

void event_ring_free(struct event_ring *ring)
{
	for (size_t i = 0; ring && i < ring->size; i++)
		free(ring->lines[i]);
	free(ring);
}

void event_ring_add(struct event_ring *ring, const char *line)
{
	char **slot = &ring->lines[ring->end % ring->size];

	free(*slot);
	*slot = strdup(line);
	ring->end++;
}

uint64_t event_ring_first(const struct event_ring *ring)
{
	return ring->end > ring->size ? ring->end - ring->size : 0;
}

uint64_t event_ring_end(const struct event_ring *ring)
{
	return ring->end;
}

const char *event_ring_get(const struct event_ring *ring, uint64_t number)
{
	const char *line;

	if (number < event_ring_first(ring) || number >= ring->end)
		return NULL;
	line = ring->lines[number % ring->size];
	return line ? line : "";
}
