/* SPDX-License-Identifier: Apache-2.0 */
#include "nri.h"

#define FIRST_MS   500u
#define MOST_MS    30000u
#define HEALTHY_MS 60000u
#define JITTER     5 /* one fifth up or down */

uint64_t nri_backoff_next(struct nri_backoff *b, uint64_t healthy_ms, uint32_t random)
{
	uint64_t spread;

	if (b->delay_ms == 0 || healthy_ms >= HEALTHY_MS)
		b->delay_ms = b->first_ms ? b->first_ms : FIRST_MS;
	else
		b->delay_ms = b->delay_ms > MOST_MS / 2 ? MOST_MS : b->delay_ms * 2;
	spread = 2 * b->delay_ms / JITTER;
	return b->delay_ms - spread / 2 + random % (spread + 1);
}
