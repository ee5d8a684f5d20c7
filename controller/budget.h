/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How long the one thread may go on with what it does: an event that the runtime waits for, or
 * a slice of queued work. The core asks between two kernel calls (core_deps.hurry) and leaves the
 * rest to later once the time is up; a kernel call that has begun is not cut short by anybody.
 */

#include "core.h"

#include <stdint.h>

/*
 * What can be left is left after this. A turn of the loop is to take 20 ms at most, and after a
 * placement's last write as much time again may go into looking after what was written.
 */
#define BUDGET_EVENT_US 8000
/* The same for queued work, so that an event that comes meanwhile does not wait long. */
#define BUDGET_WORK_US 4000
/* The part of what the runtime allows after which it is answered whatever is left. */
#define BUDGET_ANSWER_PART 4

struct budget {
	uint64_t hurry_at_us, answer_at_us;
};

/* An event that arrived at NOW_US and has to be answered before DEADLINE_US. */
void budget_for_event(struct budget *b, uint64_t now_us, uint64_t deadline_us);
void budget_for_work(struct budget *b, uint64_t now_us);
enum core_hurry budget_hurry(const struct budget *b, uint64_t now_us);
