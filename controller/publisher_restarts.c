/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A container that is started again and again, for days in CrashLoopBackOff, changes ids and
 * counts each time and nothing that anyone would act on: every task is placed, before and
 * after. Such changes of an object become rare; any other is written as ever.
 */

#include "publisher_priv.h"

#include <string.h>

#define MIN_MS     60000u
#define PROMPT     2 /* changes that are written at once: one restart has that many */
#define SECOND_MS  (10 * MIN_MS)
#define LATER_MS   (60 * MIN_MS)
#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

static uint64_t fnv_text(uint64_t h, const char *text)
{
	do
		h = (h ^ (unsigned char)*text) * FNV_PRIME;
	while (*text++);
	return h;
}

static bool is_first_of_its_name(const struct core_pod_view *view, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(view->containers[k].name, view->containers[i].name) == 0)
			return false;
	return true;
}

uint64_t view_shape(const struct core_pod_view *view)
{
	uint64_t h;

	if (view_in_trouble(view) || view->reconciled_containers != view->total_containers)
		return 0;
	/* So many containers are seldom, and comparing them all is dear. */
	if (view->nr_containers > STATUS_CONTAINERS_MAX)
		return 0;
	h = fnv_text(fnv_text(FNV_OFFSET, view->group_path), view->reason);
	for (size_t i = 0; i < view->nr_containers; i++)
		if (is_first_of_its_name(view, i))
			h += fnv_text(FNV_OFFSET, view->containers[i].name);
	return h ? h : 1;
}

void slot_note_shape(struct slot *s, uint64_t now_ms)
{
	if (!s->sent->shape || s->sent->shape != s->shape || now_ms - s->shaped_ms > 2 * LATER_MS)
		s->restarts = 0;
	else
		s->restarts++;
	s->shape = s->sent->shape;
	s->shaped_ms = now_ms;
}

uint64_t slot_restart_at(const struct slot *s, const struct core_pod_view *view)
{
	if (s->restarts < PROMPT || view_shape(view) != s->shape)
		return 0;
	return s->shaped_ms + (s->restarts == PROMPT ? SECOND_MS : LATER_MS);
}
