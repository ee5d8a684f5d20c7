/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A token bucket: RATE tokens a second, at most BURST of them saved up. Full at first. */

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
	uint64_t interval_us; /* between two tokens */
	uint64_t cap_us;      /* what a full bucket is worth */
	uint64_t credit_us;
	uint64_t last_ms;
};

/* RATE (per second, 1 to 1000000) and BURST (at least 1) outside their range are moved into it. */
void rate_limit_init(struct rate_limit *r, unsigned rate, unsigned burst, uint64_t now_ms);

/* Take a token, if there is one. A clock that goes backwards adds none. */
bool rate_limit_take(struct rate_limit *r, uint64_t now_ms);

/* When the next rate_limit_take() succeeds; NOW_MS itself when it does already. */
uint64_t rate_limit_next_ms(struct rate_limit *r, uint64_t now_ms);
