/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

static uint64_t after(uint64_t now_us, uint64_t us)
{
	return now_us > UINT64_MAX - us ? UINT64_MAX : now_us + us;
}

void budget_for_event(struct budget *b, uint64_t now_us, uint64_t deadline_us)
{
	uint64_t left_us = deadline_us > now_us ? deadline_us - now_us : 0;

	b->answer_at_us = after(now_us, left_us / BUDGET_ANSWER_PART);
	b->hurry_at_us = after(now_us, BUDGET_EVENT_US);
	if (b->hurry_at_us > b->answer_at_us)
		b->hurry_at_us = b->answer_at_us;
}

void budget_for_work(struct budget *b, uint64_t now_us)
{
	b->answer_at_us = UINT64_MAX;
	b->hurry_at_us = after(now_us, BUDGET_WORK_US);
}

enum core_hurry budget_hurry(const struct budget *b, uint64_t now_us)
{
	if (now_us >= b->answer_at_us)
		return CORE_ANSWER_NOW;
	return now_us >= b->hurry_at_us ? CORE_HURRY : CORE_NO_HURRY;
}
