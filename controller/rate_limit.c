/* SPDX-License-Identifier: Apache-2.0 */
#include "rate_limit.h"

#define US_PER_S  1000000u
#define US_PER_MS 1000u

void rate_limit_init(struct rate_limit *r, unsigned rate, unsigned burst, uint64_t now_ms)
{
	if (rate < 1)
		rate = 1;
	if (rate > US_PER_S)
		rate = US_PER_S;
	if (burst < 1)
		burst = 1;
	r->interval_us = US_PER_S / rate;
	r->cap_us = r->interval_us * burst;
	r->credit_us = r->cap_us;
	r->last_ms = now_ms;
}

static void refill(struct rate_limit *r, uint64_t now_ms)
{
	uint64_t room = r->cap_us - r->credit_us;
	uint64_t passed_ms;

	if (now_ms <= r->last_ms)
		return;
	passed_ms = now_ms - r->last_ms;
	r->last_ms = now_ms;
	if (passed_ms > room / US_PER_MS)
		r->credit_us = r->cap_us;
	else
		r->credit_us += passed_ms * US_PER_MS;
}

bool rate_limit_take(struct rate_limit *r, uint64_t now_ms)
{
	refill(r, now_ms);
	if (r->credit_us < r->interval_us)
		return false;
	r->credit_us -= r->interval_us;
	return true;
}

uint64_t rate_limit_next_ms(struct rate_limit *r, uint64_t now_ms)
{
	uint64_t missing_us;

	refill(r, now_ms);
	if (r->credit_us >= r->interval_us)
		return now_ms;
	missing_us = r->interval_us - r->credit_us;
	return r->last_ms + (missing_us + US_PER_MS - 1) / US_PER_MS;
}
