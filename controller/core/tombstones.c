/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Groups that must still go: every removal passes through here, so that none happens
 * while the runtime waits for an answer, and a failed one is not forgotten.
 */

#include "core_priv.h"

#include <string.h>

#define TOMBSTONES_MAX 8192
#define FIRST_RETRY_MS 1000

void tombstone_free(struct core *core, struct tombstone *t)
{
	list_del(&t->link);
	core->nr_tombstones--;
	free(t->path);
	free(t);
}

static struct tombstone *tombstone_find(struct core *core, const char *path)
{
	list_for_each (it, &core->tombstones) {
		struct tombstone *t = list_entry(it, struct tombstone, link);

		if (strcmp(t->path, path) == 0)
			return t;
	}
	return NULL;
}

static void add(struct core *core, uint64_t now_ms, const char *path, bool doubtful)
{
	struct tombstone *t = tombstone_find(core, path);

	if (t) {
		t->doubtful &= doubtful;
		return;
	}
	t = core->nr_tombstones < TOMBSTONES_MAX ? calloc(1, sizeof(*t)) : NULL;
	if (t && str_set(&t->path, path) < 0)
		free(steal_ptr(&t));
	if (!t) { /* the next Synchronize finds it as an orphan */
		notice(core, CORE_NOTICE_DELETE_FAILED, NULL, NULL, "%s: left for cleanup", path);
		return;
	}
	t->due = now_ms;
	t->doubtful = doubtful;
	core->nr_tombstones++;
	list_append(&core->tombstones, &t->link);
	core->tombstone_due = 0;
}

void tombstone_add(struct core *core, uint64_t now_ms, const char *path)
{
	add(core, now_ms, path, false);
}

void tombstone_add_doubtful(struct core *core, uint64_t now_ms, const char *path)
{
	add(core, now_ms, path, true);
}

void tombstone_cancel(struct core *core, const char *path)
{
	struct tombstone *t = tombstone_find(core, path);

	if (t)
		tombstone_free(core, t);
}

/* Without timers a failed removal waits for the next request, as every retry then does. */
static void put_off(struct core *core, uint64_t now_ms, struct tombstone *t)
{
	t->due = core->config.tuning.retry_interval_ms
			 ? now_ms + backoff_ms(core, FIRST_RETRY_MS, t->attempts)
			 : UINT64_MAX;
	t->attempts++;
	if (t->due < core->tombstone_due)
		core->tombstone_due = t->due;
	list_del(&t->link);
	list_append(&core->tombstones, &t->link);
}

static bool try_one(struct core *core, uint64_t now_ms, struct tombstone *t)
{
	struct err e = {0};
	int r = rs_group_delete(core->deps.rs, t->path, &e);
	bool was_there;

	if (r < 0) {
		if (!t->attempts)
			notice(core, CORE_NOTICE_DELETE_FAILED, NULL, NULL, "%s", e.msg);
		put_off(core, now_ms, t);
		return false;
	}
	was_there = !t->doubtful;
	if (was_there)
		notice(core, CORE_NOTICE_GROUP_DELETED, NULL, NULL, "%s", t->path);
	tombstone_free(core, t);
	core->capacity_known = false;
	if (was_there)
		retry_group_went_away(core, now_ms);
	return was_there;
}

size_t tombstones_try(struct core *core, uint64_t now_ms, size_t max)
{
	size_t gone = 0;

	if (max > core->nr_tombstones)
		max = core->nr_tombstones;
	/* One that fails goes to the end, so this meets each at most once. */
	for (size_t i = 0; i < max; i++)
		gone += try_one(core, now_ms,
				list_entry(core->tombstones.next, struct tombstone, link));
	return gone;
}

void tombstones_rearm(struct core *core, uint64_t now_ms)
{
	uint64_t due = core->config.tuning.retry_interval_ms ? now_ms : UINT64_MAX;

	list_for_each (it, &core->tombstones) {
		struct tombstone *t = list_entry(it, struct tombstone, link);

		t->due = due;
	}
	core->tombstone_due = list_empty(&core->tombstones) ? UINT64_MAX : due;
}

bool tombstone_step(struct core *core, uint64_t now_ms)
{
	uint64_t earliest = UINT64_MAX;

	if (now_ms < core->tombstone_due)
		return false;
	list_for_each (it, &core->tombstones) {
		struct tombstone *t = list_entry(it, struct tombstone, link);

		if (t->due <= now_ms) {
			(void)try_one(core, now_ms, t);
			return true;
		}
		if (t->due < earliest)
			earliest = t->due;
	}
	core->tombstone_due = earliest;
	return false;
}
