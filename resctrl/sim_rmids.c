/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The kernel's RMID allocator: a queue of free ones, and a limbo of those whose former
 * group may still have lines in the cache. mkdir says EBUSY as long as any is in limbo and
 * none is free, ENOSPC only when waiting would not help.
 */

#include "sim_priv.h"

#include <errno.h>

int sim_rmids_init(struct sim_rmids *r, unsigned nr)
{
	*r = (struct sim_rmids){.size = nr};
	r->free = calloc(nr, sizeof(*r->free));
	r->limbo = calloc(nr, sizeof(*r->limbo));
	if (!r->free || !r->limbo)
		return -ENOMEM;
	for (unsigned rmid = 1; rmid < nr; rmid++) /* 0 is the root's */
		r->free[r->free_nr++] = rmid;
	return 0;
}

void sim_rmids_done(struct sim_rmids *r)
{
	free(r->free);
	free(r->limbo);
	*r = (struct sim_rmids){0};
}

static void add_free(struct sim_rmids *r, unsigned rmid)
{
	r->free[(r->free_head + r->free_nr++) % r->size] = rmid;
}

void sim_rmids_drain(struct sim_rmids *r, uint64_t now_ms)
{
	while (r->limbo_nr && r->limbo[r->limbo_head].ready_ms <= now_ms) {
		add_free(r, r->limbo[r->limbo_head].rmid);
		r->limbo_head = (r->limbo_head + 1) % r->size;
		r->limbo_nr--;
	}
}

int sim_rmids_take(struct sim_rmids *r, uint64_t now_ms)
{
	unsigned rmid;

	sim_rmids_drain(r, now_ms);
	if (!r->free_nr)
		return r->limbo_nr ? -EBUSY : -ENOSPC;
	rmid = r->free[r->free_head];
	r->free_head = (r->free_head + 1) % r->size;
	r->free_nr--;
	return (int)rmid;
}

void sim_rmids_give(struct sim_rmids *r, unsigned rmid, uint64_t ready_ms)
{
	r->limbo[(r->limbo_head + r->limbo_nr++) % r->size] =
		(struct sim_limbo){.rmid = rmid, .ready_ms = ready_ms};
}
