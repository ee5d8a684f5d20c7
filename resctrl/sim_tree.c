/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Files and fixed directories of the simulated tree. A path is a group's path followed by
 * one of the names below; the names are listed as they are found in the kernel's tree.
 */

#include "sim_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OCCUPANCY_UNIT 65536u

enum sim_where {
	EVERY_GROUP, /* also in the root */
	CTRL_GROUPS,
	ROOT_ONLY,
};

struct sim_name {
	const char *dir; /* within the group */
	const char *name;
	enum sim_where where;
	bool monitoring; /* there only when the kernel monitors */
	enum sim_file file;
	enum { NO_NUMBER, NUM_RMIDS, NUM_CLOSIDS, THRESHOLD } number;
};

/* The first is the group's own directory. */
static const struct sim_name names[] = {
	{"", "", EVERY_GROUP, false, SIM_DIR, NO_NUMBER},
	{"", "tasks", EVERY_GROUP, false, SIM_TASKS, NO_NUMBER},
	{"", "mon_groups", CTRL_GROUPS, true, SIM_DIR, NO_NUMBER},
	{"", "mon_data", EVERY_GROUP, true, SIM_DIR, NO_NUMBER},
	{"mon_data", "mon_L3_00", EVERY_GROUP, true, SIM_DIR, NO_NUMBER},
	{"mon_data/mon_L3_00", "llc_occupancy", EVERY_GROUP, true, SIM_OCCUPANCY, NO_NUMBER},
	{"mon_data/mon_L3_00", "mbm_total_bytes", EVERY_GROUP, true, SIM_TOTAL, NO_NUMBER},
	{"mon_data/mon_L3_00", "mbm_local_bytes", EVERY_GROUP, true, SIM_LOCAL, NO_NUMBER},
	{"", "info", ROOT_ONLY, false, SIM_DIR, NO_NUMBER},
	{"info", "last_cmd_status", ROOT_ONLY, false, SIM_STATUS, NO_NUMBER},
	{"info", "L3", ROOT_ONLY, false, SIM_DIR, NO_NUMBER},
	{"info/L3", "num_closids", ROOT_ONLY, false, SIM_NUMBER, NUM_CLOSIDS},
	{"info", "L3_MON", ROOT_ONLY, true, SIM_DIR, NO_NUMBER},
	{"info/L3_MON", "num_rmids", ROOT_ONLY, true, SIM_NUMBER, NUM_RMIDS},
	{"info/L3_MON", "max_threshold_occupancy", ROOT_ONLY, true, SIM_NUMBER, THRESHOLD},
	{"info/L3_MON", "mon_features", ROOT_ONLY, true, SIM_FEATURES, NO_NUMBER},
};

static bool applies(const struct rs_sim *sim, const struct sim_group *g, const struct sim_name *n)
{
	if (n->monitoring && sim->config.no_monitoring)
		return false;
	switch (n->where) {
	case EVERY_GROUP:
		return true;
	case CTRL_GROUPS:
		return !sim_group_is_mon(g);
	case ROOT_ONLY:
		return g == &sim->root;
	}
	return false;
}

/* Is REST the path DIR/NAME? */
static bool is_path(const char *rest, const struct sim_name *n)
{
	size_t len = strlen(n->dir);

	if (!len)
		return strcmp(rest, n->name) == 0;
	return strncmp(rest, n->dir, len) == 0 && rest[len] == '/' &&
	       strcmp(rest + len + 1, n->name) == 0;
}

/* The group whose path is the first LEN bytes of PATH. */
static struct sim_group *group_at(const struct rs_sim *sim, const char *path, size_t len)
{
	char copy[RS_PATH_MAX];

	if (len == 0 || len >= sizeof(copy))
		return NULL;
	memcpy(copy, path, len);
	copy[len] = '\0';
	return strmap_get(&sim->groups, copy);
}

/* The length of the first NR parts of PATH, or of all when there are fewer. */
static size_t parts_len(const char *path, unsigned nr)
{
	const char *p = path;

	while (*p) {
		if (*p == '/' && --nr == 0)
			break;
		p++;
	}
	return (size_t)(p - path);
}

/* The innermost group on the way to PATH; *REST is what follows it. */
static struct sim_group *innermost(struct rs_sim *sim, const char *path, const char **rest)
{
	/* Monitoring groups have two or three parts, control groups one. */
	for (unsigned nr = 3; nr > 0; nr--) {
		size_t len = parts_len(path, nr);
		struct sim_group *g = group_at(sim, path, len);

		if (g) {
			*rest = path[len] ? path + len + 1 : "";
			return g;
		}
	}
	*rest = path;
	return &sim->root;
}

static bool look_up(struct rs_sim *sim, const char *path, struct sim_place *ret)
{
	const char *rest;
	struct sim_group *g = innermost(sim, path, &rest);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (applies(sim, g, &names[i]) && is_path(rest, &names[i])) {
			*ret = (struct sim_place){.group = g, .name = &names[i]};
			return true;
		}
	}
	return false;
}

/* Does the way to PATH lead through a file? */
static bool leads_through_file(struct rs_sim *sim, const char *path)
{
	char dir[RS_PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);
		struct sim_place p;

		if (len >= sizeof(dir))
			return false;
		memcpy(dir, path, len);
		dir[len] = '\0';
		if (!look_up(sim, dir, &p))
			return false;
		if (!sim_place_is_dir(&p))
			return true;
	}
	return false;
}

int sim_find(struct rs_sim *sim, const char *path, struct sim_place *ret)
{
	if (!sim->mounted)
		return -ENOENT;
	if (look_up(sim, path, ret))
		return 0;
	return leads_through_file(sim, path) ? -ENOTDIR : -ENOENT;
}

bool sim_place_is_dir(const struct sim_place *p)
{
	return p->name->file == SIM_DIR;
}

bool sim_place_is_group(const struct sim_place *p)
{
	return p->name == &names[0];
}

bool sim_place_is_mon_groups(const struct sim_place *p)
{
	return strcmp(p->name->name, "mon_groups") == 0;
}

bool sim_place_is_tasks(const struct sim_place *p)
{
	return p->name->file == SIM_TASKS;
}

bool sim_place_is_info(const struct sim_place *p)
{
	return strcmp(p->name->name, "info") == 0 || strncmp(p->name->dir, "info", 4) == 0;
}

int sim_stat(void *ctx, const char *path, struct rs_stat *ret)
{
	struct sim_place p;
	int r = sim_find(ctx, path, &p);

	if (r < 0)
		return r;
	*ret = (struct rs_stat){.dev = 1,
				.ino = p.group->ino + (uint64_t)(p.name - names),
				.is_dir = sim_place_is_dir(&p)};
	return 0;
}

/* ---- list ---- */

static int list_groups(const struct list *groups, rs_list_fn *fn, void *arg)
{
	list_for_each_safe (it, next, groups) {
		const struct sim_group *g = list_entry(it, struct sim_group, link);
		const char *slash = strrchr(g->path, '/');
		int r = fn(arg, slash ? slash + 1 : g->path, true);

		if (r)
			return r;
	}
	return 0;
}

static int list_names(const struct rs_sim *sim, const struct sim_place *p, rs_list_fn *fn,
		      void *arg)
{
	char dir[64];

	(void)snprintf(dir, sizeof(dir), "%s%s%s", p->name->dir, *p->name->dir ? "/" : "",
		       p->name->name);
	for (size_t i = 1; i < ARRAY_LEN(names); i++) {
		const struct sim_name *n = &names[i];
		int r;

		if (!applies(sim, p->group, n) || strcmp(n->dir, dir) != 0)
			continue;
		r = fn(arg, n->name, n->file == SIM_DIR);
		if (r)
			return r;
	}
	return 0;
}

int sim_list(void *ctx, const char *path, rs_list_fn *fn, void *arg)
{
	struct rs_sim *sim = ctx;
	struct sim_place p;
	int r = sim_find(sim, path, &p);

	if (r < 0)
		return r;
	if (!sim_place_is_dir(&p))
		return -ENOTDIR;
	r = list_names(sim, &p, fn, arg);
	if (r)
		return r;
	if (sim_place_is_mon_groups(&p))
		return list_groups(&p.group->children, fn, arg);
	if (sim_place_is_group(&p) && p.group == &sim->root)
		return list_groups(&sim->ctrl_groups, fn, arg);
	return 0;
}

/* ---- read ---- */

/* Traffic of a group; of a control group with that of its monitoring groups. */
static uint64_t traffic(const struct rs_sim *sim, struct sim_group *g, size_t *nr_tasks)
{
	uint64_t bytes;

	sim_group_account(sim, g);
	bytes = g->bytes;
	*nr_tasks = g->nr_tasks;
	list_for_each (it, &g->children) {
		struct sim_group *child = list_entry(it, struct sim_group, link);

		sim_group_account(sim, child);
		bytes += child->bytes;
		*nr_tasks += child->nr_tasks;
	}
	return bytes;
}

static int read_number(const struct rs_sim *sim, const struct sim_name *n, struct strbuf *out)
{
	unsigned v = OCCUPANCY_UNIT;

	if (n->number == NUM_RMIDS)
		v = sim->config.rmids;
	else if (n->number == NUM_CLOSIDS)
		v = sim->config.closids;
	return strbuf_addf(out, "%u\n", v);
}

static int read_counter(struct rs_sim *sim, const struct sim_place *p, struct strbuf *out)
{
	size_t nr_tasks;
	uint64_t v = traffic(sim, p->group, &nr_tasks);

	if (p->name->file == SIM_LOCAL)
		v -= v / 4;
	if (p->name->file == SIM_OCCUPANCY)
		v = (nr_tasks * 3 + p->group->rmid % 8 * (nr_tasks > 0)) * OCCUPANCY_UNIT;
	return strbuf_addf(out, "%llu\n", (unsigned long long)v);
}

int sim_read(void *ctx, const char *path, struct strbuf *out)
{
	struct rs_sim *sim = ctx;
	struct sim_place p;
	int r = sim_find(sim, path, &p);

	if (r < 0)
		return r;
	switch (p.name->file) {
	case SIM_DIR:
		return -EISDIR;
	case SIM_TASKS:
		return sim_tasks_read(sim, p.group, out);
	case SIM_STATUS:
		return strbuf_adds(out, sim->status.len ? strbuf_str(&sim->status) : "ok\n");
	case SIM_NUMBER:
		return read_number(sim, p.name, out);
	case SIM_FEATURES:
		return strbuf_adds(out, "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n");
	case SIM_OCCUPANCY:
	case SIM_TOTAL:
	case SIM_LOCAL:
		return read_counter(sim, &p, out);
	}
	return -EIO;
}
