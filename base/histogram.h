/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How often something took how long. Nothing is allocated; adding is a short search. */

#include "attr.h"

#include <stdint.h>

#define HISTOGRAM_MAX 16

struct histogram {
	const uint32_t *bounds_us;          /* ascending; borrowed */
	size_t nr;                          /* of them, at most HISTOGRAM_MAX */
	uint64_t counts[HISTOGRAM_MAX + 1]; /* up to each bound (but not the one before); beyond */
	uint64_t sum_us;
};

static inline void histogram_init(struct histogram *h, const uint32_t *bounds_us, size_t nr)
{
	*h = (struct histogram){.bounds_us = bounds_us, .nr = nr};
}

static inline void histogram_add(struct histogram *h, uint64_t us)
{
	size_t i = 0;

	while (i < h->nr && us > h->bounds_us[i])
		i++;
	h->counts[i]++;
	h->sum_us += us;
}
