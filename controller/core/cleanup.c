/* SPDX-License-Identifier: Apache-2.0 */

/*
 * After Synchronize: groups that carry our prefix and belong to no pod are removed, one
 * a step. Groups of live pods are spared, so that their RMIDs and counters go on. A sweep
 * emits no event.
 */

#include "core_priv.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX                                                                      \
	20000 /* more groups than any machine has; a tree that never empties ends here \
	       */

struct step {
	struct core *core;
	char path[RS_PATH_MAX]; /* what this step lets go; "" while nothing was found */
	bool found_a_place;     /* of a pod, so that what it has elsewhere is to go */
};

/*
 * Is DIR where the pod's group is, or will be made? Of a pod whose group was not looked for yet
 * that is not known: an earlier daemon may have left it below any control group.
 */
static bool is_its_place(const struct core *core, const struct pod *pod, const char *dir)
{
	const char *parent = str_or_empty(pod->parent);
	size_t len = strlen(parent);

	if (core->config.group_kind == RS_GROUP_CTRL)
		return !*dir;
	if (!len)
		return pod->path ? strcmp(dir, "mon_groups") == 0 : *dir;
	return strncmp(dir, parent, len) == 0 && strcmp(dir + len, "/mon_groups") == 0;
}

/* Is the group NAME in DIR the one of a pod that is here? */
static bool is_live(const struct core *core, const char *dir, const char *name)
{
	const struct pod *pod = strmap_get(&core->groups, name);

	if (!pod || pod->state == POD_RELEASED || !is_its_place(core, pod, dir))
		return false;
	return !core->sweep.wipe || pod->path;
}

/*
 * An earlier daemon left the pod's group below a control group: there it is taken over, with its
 * RMID and counters. Without memory it is found when the pod's tasks are placed.
 */
static void note_place(struct step *step, const char *dir, const char *name)
{
	static const char tail[] = "/mon_groups";
	struct pod *pod = strmap_get(&step->core->groups, name);
	size_t len = strlen(dir);
	AUTO_FREE char *parent = NULL;

	if (pod->path || *str_or_empty(pod->parent) || len < sizeof(tail) ||
	    strcmp(dir + len - (sizeof(tail) - 1), tail) != 0)
		return;
	parent = strndup(dir, len - (sizeof(tail) - 1));
	if (parent && texts_set(&step->core->texts, &pod->parent, parent) == 0)
		step->found_a_place = true;
}

static bool keep(void *ctx, const char *dir, const char *name)
{
	struct step *step = ctx;
	char path[RS_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return true;
	if (is_live(step->core, dir, name)) {
		note_place(step, dir, name);
		return true;
	}
	if (step->path[0] || strmap_get(&step->core->sweep.undeletable, path))
		return true;
	memcpy(step->path, path, (size_t)n + 1);
	return false;
}

static void forget_names(struct core *core)
{
	struct strmap *names = &core->sweep.undeletable;
	size_t i = 0;
	char *name;

	while ((name = strmap_next(names, &i)))
		free(name);
	strmap_done(names);
}

void cleanup_done(struct core *core)
{
	forget_names(core);
	core->sweep = (struct sweep){.undeletable = core->sweep.undeletable};
}

/* Wiping is for a fresh start: groups in use are not torn down when a connection comes back. */
void cleanup_start(struct core *core)
{
	bool first = core->gen == 1;

	if (core->config.cleanup_mode == CORE_CLEANUP_OFF)
		return;
	cleanup_done(core);
	core->sweep.pending = true;
	core->sweep.wipe = first && core->config.cleanup_mode == CORE_CLEANUP_ALL;
}

static void tell(struct core *core, const char *how)
{
	const struct rs_cleanup_report *sum = &core->sweep.sum;

	notice(core, CORE_NOTICE_CLEANUP_DONE, NULL, NULL,
	       "removed=%zu removal_race=%zu removal_failures=%zu non_prefix_groups=%zu kept=%zu%s%s",
	       sum->removed, sum->removal_race, sum->removal_failures, sum->non_prefix_groups,
	       sum->kept, *how ? "; ended early: " : "", how);
}

/* A group that does not go away is met once a sweep, and left to the retries. */
static void remember_failure(struct core *core, uint64_t now_ms, const char *path)
{
	char *copy = strdup(path);

	if (!copy || strmap_add(&core->sweep.undeletable, copy, copy) < 0) {
		free(copy);
		core->sweep.steps = STEPS_MAX;
	}
	tombstone_add(core, now_ms, path);
}

/* The tree could not be read. By timer it is tried again; nobody waits for it meanwhile. */
static void end_early(struct core *core, uint64_t now_ms, const char *why)
{
	struct sweep *sweep = &core->sweep;

	if (!sweep->attempts)
		tell(core, why);
	if (!core->config.tuning.retry_interval_ms) {
		cleanup_done(core);
		return;
	}
	sweep->due =
		now_ms + backoff_ms(core, core->config.tuning.retry_interval_ms, sweep->attempts);
	sweep->attempts++;
}

static void sweep_one(struct core *core, uint64_t now_ms)
{
	struct rs_cleanup_report *sum = &core->sweep.sum;
	struct rs_cleanup_report one = {0};
	size_t failed = core->sweep.undeletable.nr;
	struct step step = {.core = core};
	struct err e = {0};
	int r = rs_cleanup(core->deps.rs, core->config.group_prefix, keep, &step, &one, &e);

	sum->removed += one.removed;
	sum->removal_race += one.removal_race;
	sum->removal_failures += one.removal_failures;
	sum->non_prefix_groups = one.non_prefix_groups;
	sum->kept = one.kept > failed ? one.kept - failed : 0; /* those are spared, not wanted */
	if (one.removed) {
		core->capacity_known = false;
		retry_group_went_away(core, now_ms);
	}
	if (one.removal_failures)
		remember_failure(core, now_ms, step.path);
	if (r < 0) {
		end_early(core, now_ms, e.msg);
	} else if ((!step.path[0] && !step.found_a_place) || ++core->sweep.steps >= STEPS_MAX) {
		tell(core, "");
		cleanup_done(core);
	}
}

void cleanup_now(struct core *core)
{
	core->sweep.due = 0;
}

bool cleanup_step(struct core *core, uint64_t now_ms)
{
	if (!core->sweep.pending || now_ms < core->sweep.due)
		return false;
	sweep_one(core, now_ms);
	return true;
}
