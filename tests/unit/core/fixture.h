/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A core that runs, on a node with 32 RMIDs: what most programs that test the core begin with. */

#include "core_world.h"
#include "unit/runner.h"

#define GROUP(uid) "mon_groups/podresctrl-" uid

static struct world *w;

static inline void setup(void)
{
	w = world_new(32, 0);
	world_boot(w);
}

static inline void teardown(void)
{
	world_free(w);
}

/* The events since the last look. */
#define expect(text) ck_assert_str_eq(world_events(w), text)

/* How many tasks of a container are in the group PATH. */
static inline size_t placed(const char *id, const char *path)
{
	return world_count_in(w, world_container(w, id), path);
}
