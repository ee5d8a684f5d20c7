/* SPDX-License-Identifier: Apache-2.0 */
#include "core_priv.h"

#include <errno.h>
#include <string.h>

int str_set(char **p, const char *s)
{
	char *copy;

	if (*p && strcmp(*p, str_or_empty(s)) == 0)
		return 0;
	copy = strdup(str_or_empty(s));
	if (!copy)
		return -ENOMEM;
	free(*p);
	*p = copy;
	return 0;
}

bool id_is_valid(const char *id)
{
	size_t len = id ? strnlen(id, CORE_ID_MAX + 1) : 0;

	return len > 0 && len <= CORE_ID_MAX;
}

/* xorshift32: good enough to spread retries, and the same seed gives the same history. */
uint32_t core_random(struct core *core)
{
	core->random ^= core->random << 13;
	core->random ^= core->random >> 17;
	core->random ^= core->random << 5;
	return core->random;
}

static int check_config(const struct core_config *config, const struct core_deps *deps,
			struct err *e)
{
	if (!deps->rs || !deps->tasks || !deps->tasks->list || !deps->on_event)
		return err_set(e, -EINVAL, "core: a dependency is missing");
	if (!config->group_prefix || !*config->group_prefix)
		return err_set(e, -EINVAL,
			       "group prefix: must not be empty, or cleanup would remove the "
			       "groups of others");
	if (!config->root || !*config->root)
		return err_set(e, -EINVAL, "root: must not be empty");
	if (config->tuning.max_reconcile_passes < 1)
		return err_set(e, -EINVAL,
			       "max reconcile passes: 0 would look at no task and call it done");
	return 0;
}

static int copy_config(struct core *core, const struct core_config *config)
{
	core->config = *config;
	if (!core->config.step_tasks)
		core->config.step_tasks = CORE_STEP_TASKS;
	if (str_set(&core->prefix, config->group_prefix) < 0 ||
	    str_set(&core->root, config->root) < 0)
		return -ENOMEM;
	core->config.group_prefix = core->prefix;
	core->config.root = core->root;
	return 0;
}

static void init_tables(struct core *core, uint32_t seed)
{
	strmap_init(&core->pods, seed);
	strmap_init(&core->groups, seed);
	strmap_init(&core->sandboxes, seed);
	strmap_init(&core->containers, seed);
	strmap_init(&core->sweep.undeletable, seed);
	texts_init(&core->texts, seed);
	list_init(&core->pod_list);
	list_init(&core->pod_queue);
	list_init(&core->failed);
	list_init(&core->nopod);
	list_init(&core->container_queue);
	list_init(&core->partial);
	list_init(&core->pod_ring.head);
	list_init(&core->container_ring.head);
	list_init(&core->tombstones);
}

int core_new(const struct core_config *config, const struct core_deps *deps, struct core **ret,
	     struct err *e)
{
	struct core *core;
	int r = check_config(config, deps, e);

	if (r < 0)
		return r;
	core = calloc(1, sizeof(*core));
	if (!core)
		return err_set(e, -ENOMEM, "core: out of memory");
	init_tables(core, config->seed);
	core->deps = *deps;
	core->random = config->seed ? config->seed : 1;
	core->retry_due = UINT64_MAX;
	core->tombstone_due = UINT64_MAX;
	if (copy_config(core, config) < 0) {
		core_free(core);
		return err_set(e, -ENOMEM, "core: out of memory");
	}
	*ret = core;
	return 0;
}

void core_free(struct core *core)
{
	if (!core)
		return;
	list_for_each_safe (it, nxt, &core->pod_list) {
		pod_free(core, list_entry(it, struct pod, link));
	}
	list_for_each_safe (it, nxt, &core->nopod) {
		container_free(core, list_entry(it, struct container, link));
	}
	list_for_each_safe (it, nxt, &core->tombstones) {
		tombstone_free(core, list_entry(it, struct tombstone, link));
	}
	cleanup_done(core);
	strmap_done(&core->pods);
	strmap_done(&core->groups);
	strmap_done(&core->sandboxes);
	strmap_done(&core->containers);
	texts_done(&core->texts);
	rs_tids_done(&core->seen);
	rs_tids_done(&core->placed);
	rs_tids_done(&core->untried);
	free(core->view_path);
	free(core->view_text);
	free(core->view_containers);
	free(core->prefix);
	free(core->root);
	free(core);
}
