/* SPDX-License-Identifier: Apache-2.0 */

/* Directories of the simulated tree that come and go: the groups. */

#include "sim_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Bytes per millisecond and task, made up but steady: about 100 MB/s. */
#define TRAFFIC_PER_TASK 100000u

void sim_group_init(struct rs_sim *sim, struct sim_group *g)
{
	list_init(&g->children);
	list_init(&g->link);
	list_init(&g->tasks);
	g->ino = sim->next_ino;
	sim->next_ino += SIM_INO_STEP;
	g->bytes_at_ms = sim_now(sim);
}

bool sim_group_is_mon(const struct sim_group *g)
{
	return g->parent != NULL;
}

void sim_group_account(const struct rs_sim *sim, struct sim_group *g)
{
	uint64_t now = sim_now(sim);

	if (now > g->bytes_at_ms)
		g->bytes += (now - g->bytes_at_ms) * g->nr_tasks *
			    (TRAFFIC_PER_TASK + g->rmid % 16 * 1000);
	g->bytes_at_ms = now;
}

/* ---- mkdir ---- */

static int take_closid(struct rs_sim *sim)
{
	for (unsigned i = 1; i < sim->config.closids; i++) {
		if (!sim->closid_used[i]) {
			sim->closid_used[i] = true;
			return (int)i;
		}
	}
	(void)strbuf_adds(&sim->status, "Out of CLOSIDs\n");
	return -ENOSPC;
}

static int take_rmid(struct rs_sim *sim)
{
	int rmid = sim_rmids_take(&sim->rmids, sim_now(sim));

	if (rmid < 0)
		(void)strbuf_adds(&sim->status, "Out of RMIDs\n");
	return rmid;
}

static void give_ids(struct rs_sim *sim, const struct sim_group *g)
{
	if (!g->parent)
		sim->closid_used[g->closid] = false;
	if (!sim->config.no_monitoring)
		sim_rmids_give(&sim->rmids, g->rmid, sim_now(sim) + sim->config.limbo_ms);
}

/* Give G its CLOSID, its own or its parent's, and its RMID. */
static int take_ids(struct rs_sim *sim, struct sim_group *g)
{
	int id = g->parent ? (int)g->parent->closid : take_closid(sim);

	if (id < 0)
		return id;
	g->closid = (unsigned)id;
	if (sim->config.no_monitoring)
		return 0;
	id = take_rmid(sim);
	if (id < 0) {
		if (!g->parent)
			sim->closid_used[g->closid] = false;
		return id;
	}
	g->rmid = (unsigned)id;
	return 0;
}

static void free_group(struct sim_group *g)
{
	free(g->path);
	free(g);
}

static int make_group(struct rs_sim *sim, struct sim_group *parent, const char *path)
{
	struct sim_group *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	g->parent = parent;
	g->path = strdup(path);
	r = g->path ? take_ids(sim, g) : -ENOMEM;
	if (r < 0) {
		free_group(g);
		return r;
	}
	r = strmap_add(&sim->groups, g->path, g);
	if (r < 0) {
		give_ids(sim, g);
		free_group(g);
		return r;
	}
	sim_group_init(sim, g);
	list_append(parent ? &parent->children : &sim->ctrl_groups, &g->link);
	return 0;
}

/* The directory above PATH; the last part of PATH is *NAME. */
static int find_above(struct rs_sim *sim, const char *path, struct sim_place *ret,
		      const char **name)
{
	const char *slash = strrchr(path, '/');
	char dir[RS_PATH_MAX];
	size_t len = slash ? (size_t)(slash - path) : 0;
	int r;

	*name = slash ? slash + 1 : path;
	/* The kernel has no NAME_MAX here; this tree has only so much room. */
	if (strlen(path) >= RS_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(dir, path, len);
	dir[len] = '\0';
	r = sim_find(sim, dir, ret);
	return r == 0 && !sim_place_is_dir(ret) ? -ENOTDIR : r;
}

/*
 * The rules of mkdir, in the kernel's order. Like 6.12, and unlike 7.2, it does not clear
 * the status of the command before, so complaints of several mkdirs add up. *PARENT stays NULL for
 * a control group.
 */
static int may_mkdir(struct rs_sim *sim, const char *path, struct sim_group **parent)
{
	struct sim_place above, there;
	const char *name;
	int r = find_above(sim, path, &above, &name);

	*parent = NULL;
	if (r < 0)
		return r;
	if (sim_find(sim, path, &there) == 0 || !*name || strcmp(name, ".") == 0)
		return -EEXIST;
	if (sim->config.read_only)
		return -EROFS;
	if (strchr(name, '\n'))
		return -EINVAL;
	if (sim_place_is_group(&above) && above.group == &sim->root)
		return 0;
	if (sim->config.no_monitoring)
		return -EPERM;
	if (sim_place_is_info(&above))
		return -ENODEV;
	if (!sim_place_is_mon_groups(&above) || strcmp(name, "mon_groups") == 0)
		return -EPERM;
	*parent = above.group;
	return 0;
}

int sim_mkdir(void *ctx, const char *path)
{
	struct rs_sim *sim = ctx;
	struct sim_group *parent;
	int r;

	sim->mkdirs++;
	r = may_mkdir(sim, path, &parent);
	return r < 0 ? r : make_group(sim, parent, path);
}

/* ---- rmdir ---- */

static void release(struct rs_sim *sim, struct sim_group *g, struct sim_group *heir)
{
	sim_tasks_move_all(sim, g, heir);
	give_ids(sim, g);
	(void)strmap_del(&sim->groups, g->path);
	list_del(&g->link);
	for (size_t i = 0; i < SIM_HANDLES; i++) {
		if (sim->handles[i].group == g)
			sim->handles[i].group = NULL;
	}
	free_group(g);
}

static void drop_group(struct rs_sim *sim, struct sim_group *g, struct sim_group *heir)
{
	list_for_each_safe (it, next, &g->children) {
		release(sim, list_entry(it, struct sim_group, link), heir);
	}
	release(sim, g, heir);
}

int sim_rmdir(void *ctx, const char *path)
{
	struct rs_sim *sim = ctx;
	struct sim_place p;
	int r = sim->config.read_only ? -EROFS : sim_find(sim, path, &p);

	if (r < 0)
		return r;
	if (!*path)
		return -EBUSY; /* a mount point */
	if (!sim_place_is_dir(&p))
		return -ENOTDIR;
	if (!sim_place_is_group(&p))
		return -EPERM;
	drop_group(sim, p.group, p.group->parent ? p.group->parent : &sim->root);
	return 0;
}

void sim_groups_remove_all(struct rs_sim *sim)
{
	list_for_each_safe (it, next, &sim->ctrl_groups) {
		drop_group(sim, list_entry(it, struct sim_group, link), &sim->root);
	}
	list_for_each_safe (it, next, &sim->root.children) {
		drop_group(sim, list_entry(it, struct sim_group, link), &sim->root);
	}
}

/* ---- rename ---- */

static int refuse(struct rs_sim *sim, const char *why)
{
	(void)strbuf_adds(&sim->status, why);
	return -EPERM;
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* What every file system refuses, in the order of rename(2) in the kernel. */
static int rename_is_sane(struct rs_sim *sim, const char *from, const char *to, struct sim_place *p,
			  struct sim_place *above)
{
	struct sim_place there;
	const char *name;
	int r = find_above(sim, from, above, &name);

	if (r == 0)
		r = find_above(sim, to, above, &name);
	if (r == 0)
		r = sim->config.read_only ? -EROFS : sim_find(sim, from, p);
	if (r)
		return r;
	if (is_below(to, from))
		return -EINVAL;
	if (is_below(from, to))
		return -ENOTEMPTY;
	if (sim_find(sim, to, &there) < 0 || sim_place_is_dir(p) == sim_place_is_dir(&there))
		return 0;
	return sim_place_is_dir(p) ? -ENOTDIR : -EISDIR;
}

/* What resctrl refuses. */
static int may_rename(struct rs_sim *sim, const struct sim_place *p, const struct sim_place *above,
		      const char *to)
{
	const char *slash = strrchr(to, '/');
	struct sim_place there;

	if (sim->config.no_rename)
		return -EPERM;
	if (sim_place_is_info(p) || sim_place_is_info(above))
		return -ENOENT;
	strbuf_reset(&sim->status);
	if (!sim_place_is_dir(p))
		return refuse(sim, "Source and destination must be directories");
	if (!sim_place_is_group(p) || !sim_group_is_mon(p->group))
		return refuse(sim, "Source must be a MON group\n");
	if (!sim_place_is_mon_groups(above) || !slash || strcmp(slash + 1, "mon_groups") == 0)
		return refuse(sim, "Destination must be a mon_groups subdirectory\n");
	return sim_find(sim, to, &there) == 0 ? -EEXIST : 0;
}

static int reparent(struct rs_sim *sim, struct sim_group *group, struct sim_group *parent,
		    const char *to)
{
	char *path = strdup(to);
	int r;

	if (!path)
		return -ENOMEM;
	(void)strmap_del(&sim->groups, group->path);
	free(group->path);
	group->path = path;
	r = strmap_add(&sim->groups, group->path, group);
	assert(r == 0); /* there is room: one entry left before the other came */
	list_del(&group->link);
	list_append(&parent->children, &group->link);
	group->parent = parent;
	group->closid = parent->closid;
	return 0;
}

int sim_rename(void *ctx, const char *from, const char *to)
{
	struct sim_place p = {0}, above = {0};
	struct rs_sim *sim = ctx;
	int r = rename_is_sane(sim, from, to, &p, &above);

	if (r || strcmp(from, to) == 0)
		return r;
	r = may_rename(sim, &p, &above, to);
	return r ? r : reparent(sim, p.group, above.group, to);
}
