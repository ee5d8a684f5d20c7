/* SPDX-License-Identifier: Apache-2.0 */
#include "resctrl_sim.h"
#include "sim_priv.h"

#include <errno.h>
#include <string.h>

#define RMIDS_DEFAULT   32
#define CLOSIDS_DEFAULT 16
#define STATUS_MAX      512 /* as much as the kernel keeps */

int rs_sim_new(const struct rs_sim_config *config, struct rs_sim **ret, struct err *e)
{
	struct rs_sim *sim;

	if (config->rmids > RS_SIM_RMIDS_MAX || config->closids > RS_SIM_RMIDS_MAX)
		return err_set(e, -EINVAL, "a simulated tree has at most %d RMIDs and CLOSIDs",
			       RS_SIM_RMIDS_MAX);
	sim = calloc(1, sizeof(*sim));
	if (!sim)
		return err_sys(e, -ENOMEM, "simulated resctrl");
	sim->config = *config;
	if (!sim->config.rmids)
		sim->config.rmids = RMIDS_DEFAULT;
	if (!sim->config.closids)
		sim->config.closids = CLOSIDS_DEFAULT;
	sim->next_ino = 1;
	sim->mounted = true;
	list_init(&sim->ctrl_groups);
	strmap_init(&sim->groups, 1);
	strbuf_init(&sim->status, STATUS_MAX);
	sim_group_init(sim, &sim->root);
	sim->closid_used = calloc(sim->config.closids, sizeof(*sim->closid_used));
	sim->root.path = strdup("");
	if (sim_rmids_init(&sim->rmids, sim->config.rmids) < 0 || !sim->closid_used ||
	    !sim->root.path) {
		rs_sim_free(sim);
		return err_sys(e, -ENOMEM, "simulated resctrl");
	}
	*ret = sim;
	return 0;
}

void rs_sim_free(struct rs_sim *sim)
{
	if (!sim)
		return;
	if (sim->closid_used && sim->rmids.limbo)
		sim_groups_remove_all(sim);
	sim_tasks_done(sim);
	sim_rmids_done(&sim->rmids);
	strmap_done(&sim->groups);
	strbuf_done(&sim->status);
	free(sim->root.path);
	free(sim->closid_used);
	free(sim);
}

uint64_t sim_now(const struct rs_sim *sim)
{
	return sim->config.now_ms ? sim->config.now_ms(sim->config.ctx) : sim->clock_ms;
}

void rs_sim_advance(struct rs_sim *sim, uint64_t ms)
{
	sim->clock_ms += ms;
}

void rs_sim_set_mounted(struct rs_sim *sim, bool mounted)
{
	if (!mounted)
		sim_groups_remove_all(sim);
	sim->mounted = mounted;
}

void rs_sim_hold_lock(struct rs_sim *sim, bool held)
{
	sim->lock_held = held;
}

void rs_sim_set_read_only(struct rs_sim *sim, bool read_only)
{
	sim->config.read_only = read_only;
}

int rs_sim_rmid_of(const struct rs_sim *sim, const char *path)
{
	const struct sim_group *g = *path ? strmap_get(&sim->groups, path) : &sim->root;

	return g ? (int)g->rmid : -ENOENT;
}

void rs_sim_usage(struct rs_sim *sim, struct rs_sim_usage *ret)
{
	sim_rmids_drain(&sim->rmids, sim_now(sim));
	*ret = (struct rs_sim_usage){
		.groups = (unsigned)sim->groups.nr,
		.rmids_free = sim->rmids.free_nr,
		.rmids_limbo = sim->rmids.limbo_nr,
		.tasks = sim->tasks.nr,
		.writes = sim->writes,
		.mkdirs = sim->mkdirs,
		.locked = sim->locked,
	};
	for (unsigned i = 1; i < sim->config.closids; i++)
		ret->closids_free += !sim->closid_used[i];
	for (size_t i = 0; i < SIM_HANDLES; i++)
		ret->open_handles += sim->handles[i].open;
}

/* ---- the operations that are no directory's ---- */

static int open_write(void *ctx, const char *path)
{
	struct rs_sim *sim = ctx;
	struct sim_place p;
	int r = sim_find(sim, path, &p);

	if (r < 0)
		return r;
	if (sim_place_is_dir(&p))
		return -EISDIR;
	if (sim->config.read_only)
		return -EROFS;
	if (!sim_place_is_tasks(&p))
		return -EACCES;
	for (int i = 0; i < SIM_HANDLES; i++) {
		if (sim->handles[i].open)
			continue;
		sim->handles[i] = (struct sim_handle){.open = true, .group = p.group};
		return i;
	}
	return -EMFILE;
}

static int write_handle(void *ctx, int handle, const char *data, size_t len)
{
	struct rs_sim *sim = ctx;

	if (handle < 0 || handle >= SIM_HANDLES || !sim->handles[handle].open)
		return -EBADF;
	if (!sim->handles[handle].group)
		return -ENODEV;
	return sim_tasks_write(sim, sim->handles[handle].group, data, len);
}

static void close_handle(void *ctx, int handle)
{
	struct rs_sim *sim = ctx;

	if (handle >= 0 && handle < SIM_HANDLES)
		sim->handles[handle] = (struct sim_handle){0};
}

static int is_resctrl(void *ctx)
{
	const struct rs_sim *sim = ctx;

	return sim->mounted ? 0 : -ENODEV;
}

static int lock(void *ctx, bool on)
{
	struct rs_sim *sim = ctx;

	if (on && (sim->lock_held || sim->locked))
		return -EWOULDBLOCK;
	sim->locked = on;
	return 0;
}

const struct rs_fs_ops rs_sim_ops = {
	.mkdir = sim_mkdir,
	.rmdir = sim_rmdir,
	.rename = sim_rename,
	.stat = sim_stat,
	.list = sim_list,
	.read = sim_read,
	.open_write = open_write,
	.write = write_handle,
	.close = close_handle,
	.is_resctrl = is_resctrl,
	.lock = lock,
};
