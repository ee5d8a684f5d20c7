/* SPDX-License-Identifier: Apache-2.0 */
#include "core_history_priv.h"

#include <stdio.h>
#include <string.h>

/* ---- what must hold at any time ---- */

static int pod_number(const char *uid)
{
	return uid[0] == 'u' && uid[1] >= '0' && uid[1] < '0' + NR_PODS && !uid[2] ? uid[1] - '0'
										   : -1;
}

void history_on_event(void *ctx, const struct core_event *event)
{
	struct history *h = ctx;
	int n = pod_number(event->pod_uid);
	struct known *k;

	history_hold(h, n >= 0, "an event for a pod nobody knows", event->pod_uid);
	k = &h->known[n];
	history_trace(h, "  -> %s %s %u/%u", event->pod_uid,
		      event->kind == CORE_REMOVED               ? "Removed"
		      : event->group_state == CORE_GROUP_EXISTS ? "Exists"
								: "Failed",
		      event->total_containers, event->reconciled_containers);
	if (event->kind == CORE_REMOVED) {
		history_hold(h, k->announced, "Removed without AddOrUpdate", event->pod_uid);
		k->announced = false;
		return;
	}
	history_hold(h, event->reconciled_containers <= event->total_containers,
		     "more reconciled than there are", event->pod_uid);
	history_hold(h, (event->group_state == CORE_GROUP_EXISTS) == (event->group_path[0] != '\0'),
		     "a path without a group, or a group without a path", event->pod_uid);
	history_hold(h,
		     !k->announced || k->last.group_state != event->group_state ||
			     k->last.total_containers != event->total_containers ||
			     k->last.reconciled_containers != event->reconciled_containers ||
			     strcmp(k->path, event->group_path) != 0,
		     "an event that says what the last one said", event->pod_uid);
	k->announced = true;
	k->last = *event;
	snprintf(k->path, sizeof(k->path), "%s", event->group_path);
}

static size_t length(const struct list *list)
{
	size_t n = 0;

	list_for_each (it, list) {
		n++;
	}
	return n;
}

static void check_pod(struct history *h, const struct pod *pod)
{
	unsigned total = 0, reconciled = 0;
	int n = pod_number(pod->uid);
	const struct known *k = &h->known[n < 0 ? 0 : n];

	list_for_each (it, &pod->containers) {
		const struct container *c = list_entry(it, struct container, link);

		total += c->state != CONTAINER_QUEUED;
		reconciled += c->state == CONTAINER_RECONCILED;
		history_hold(h, c->pod == pod, "a container in the wrong pod", c->id);
		history_hold(h, c->state != CONTAINER_QUEUED || c->where == IN_QUEUE,
			     "a container that nobody will place", c->id);
		history_hold(h,
			     c->state != CONTAINER_RECONCILED || c->stopped || c->created ||
				     pod->state != POD_EXISTS || c->where != NOWHERE,
			     "a container that nobody will audit", c->id);
		history_hold(h,
			     c->state != CONTAINER_PARTIAL || c->created ||
				     pod->state != POD_EXISTS || c->where == IN_PARTIAL ||
				     c->where == IN_QUEUE,
			     "a container that nobody will retry", c->id);
	}
	history_hold(h, total == pod->total && reconciled == pod->reconciled,
		     "counters differ from a recount", pod->uid);
	history_hold(h, (pod->path != NULL) == (pod->state == POD_EXISTS), "path and state differ",
		     pod->uid);
	if (pod->state == POD_QUEUED || pod->state == POD_RELEASED)
		return;
	history_hold(h, n >= 0 && k->announced, "a pod that was never announced", pod->uid);
	history_hold(
		h,
		k->last.total_containers == total && k->last.reconciled_containers == reconciled &&
			(k->last.group_state == CORE_GROUP_EXISTS) == (pod->state == POD_EXISTS),
		"the last event is not the state", pod->uid);
}

void history_check_always(struct history *h)
{
	const struct core *core = h->w->core;
	size_t in_pods = 0;

	list_for_each (it, &core->pod_list) {
		const struct pod *pod = list_entry(it, struct pod, link);

		check_pod(h, pod);
		in_pods += length(&pod->containers);
	}
	history_hold(h,
		     length(&core->pod_list) == core->pods.nr && core->pods.nr == core->groups.nr,
		     "pod tables differ", "");
	history_hold(h, !h->w->has_list_open, "an enumeration was not released", "");
	history_hold(h, in_pods + length(&core->nopod) == core->containers.nr,
		     "container tables differ", "");
	history_hold(h, length(&core->pod_ring.head) == core->pod_ring.nr, "pod ring", "");
	history_hold(h, length(&core->container_ring.head) == core->container_ring.nr,
		     "container ring", "");
	history_hold(h, length(&core->tombstones) == core->nr_tombstones, "tombstones", "");
	for (int i = 0; i < NR_PODS; i++)
		history_hold(h,
			     !h->known[i].announced ||
				     strmap_get(&core->pods, h->pods[i].uid) != NULL,
			     "a pod went without Removed", h->pods[i].uid);
}

/* ---- what must hold once things are quiet
 * ------------------------------------------------------------------ */

static bool lives(const struct real_pod *pod)
{
	return pod->sandbox[0].life != GONE || pod->sandbox[1].life != GONE;
}

/* Containers of a sandbox that gave its group back may be forgotten before they are removed. */
static bool may_be_forgotten(const struct history *h, const struct real_container *c)
{
	return h->w->config.tuning.release_on_sandbox_stop && c->sandbox->life == ENDED;
}

static bool has_ended(const struct real_pod *pod)
{
	return pod->sandbox[0].life != RUNNING && pod->sandbox[1].life != RUNNING;
}

static const char *control_group(struct history *h, const struct world_container *wc, size_t i)
{
	const char *group = rs_sim_group_of(h->w->sim, wc->tid[i]);

	return group && strncmp(group, "gold", 4) == 0 ? "gold" : "";
}

/* Tasks of one pod in two control groups cannot share a monitoring group. */
static bool is_torn(struct history *h, const struct real_pod *pod)
{
	const char *first = NULL;

	for (int i = 0; i < NR_CONTAINERS; i++) {
		const struct real_container *c = &h->containers[i];
		const struct world_container *wc =
			c->life == RUNNING && c->pod == pod ? world_container(h->w, c->id) : NULL;

		for (size_t j = 0; wc && j < wc->nr; j++) {
			const char *group = control_group(h, wc, j);

			if (first && strcmp(first, group) != 0)
				return true;
			first = group;
		}
	}
	return false;
}

static void check_quiet_pod(struct history *h, const struct real_pod *pod)
{
	unsigned total = 0, created = 0;
	bool forgotten = false;
	struct core_pod_view view;
	const char *path;

	if (h->w->config.tuning.release_on_sandbox_stop && has_ended(pod))
		return;
	if (!lives(pod)) {
		history_hold(h, !core_pod_view(h->w->core, pod->uid, &view), "a dead pod is known",
			     pod->uid);
		return;
	}
	history_hold(h, core_pod_view(h->w->core, pod->uid, &view), "a live pod is not known",
		     pod->uid);
	history_hold(h, view.group_state == CORE_GROUP_EXISTS, "a live pod has no group", pod->uid);
	path = view.group_path + strlen("/sys/fs/resctrl/");
	history_hold(h, world_has(h->w, path), "a group is not there", path);
	for (int i = 0; i < NR_CONTAINERS; i++) {
		const struct real_container *c = &h->containers[i];
		const struct world_container *wc;

		if (c->pod != pod || c->life == GONE)
			continue;
		forgotten |= may_be_forgotten(h, c);
		total++;
		created += c->life == CREATED;
		wc = c->life == RUNNING ? world_container(h->w, c->id) : NULL;
		if (wc && !is_torn(h, pod))
			history_hold(h, world_count_in(h->w, wc, path) == wc->nr,
				     "tasks outside the group", c->id);
	}
	history_hold(h, view.total_containers == total || forgotten, "wrong total", pod->uid);
	history_hold(
		h, view.reconciled_containers == view.total_containers - created || is_torn(h, pod),
		"wrong number of reconciled containers", pod->uid);
	history_hold(h, !view.queued, "still queued", pod->uid);
}

struct group_walk {
	struct history *h;
	const char *dir;
	bool remove;
	char doomed[16][600];
	unsigned nr_doomed;
};

static int check_group(void *arg, const char *name, bool is_dir)
{
	struct group_walk *walk = arg;
	struct history *h = walk->h;
	struct core_pod_view view;
	char path[600], full[700];

	if (!is_dir || strncmp(name, "podresctrl-", 11) != 0)
		return 0;
	snprintf(path, sizeof(path), "%s%s%s", walk->dir, *walk->dir ? "/" : "", name);
	snprintf(full, sizeof(full), "/sys/fs/resctrl/%s", path);
	if (core_pod_view(h->w->core, name + 11, &view) && strcmp(view.group_path, full) == 0)
		return 0;
	history_hold(h, walk->remove && walk->nr_doomed < 16, "a group outlived its pod", path);
	snprintf(walk->doomed[walk->nr_doomed++], 600, "%s", path);
	return 0;
}

static void check_groups_in(struct history *h, const char *dir, bool remove)
{
	struct group_walk walk = {.h = h, .dir = dir, .remove = remove};

	(void)rs_sim_ops.list(h->w->sim, dir, check_group, &walk);
	for (unsigned i = 0; i < walk.nr_doomed; i++)
		(void)world_rmdir(h->w, walk.doomed[i]);
}

void history_check_quiet(struct history *h)
{
	struct core_retry_report report;
	struct core_stats stats;

	history_check_always(h);
	for (int i = 0; i < NR_PODS; i++) {
		check_quiet_pod(h, &h->pods[i]);
		history_hold(h,
			     core_retry_pod_result(h->w->core, h->pods[i].uid, &report) !=
				     -EINPROGRESS,
			     "a retry has no end", h->pods[i].uid);
	}
	check_groups_in(h, "", false);
	check_groups_in(h, "mon_groups", false);
	check_groups_in(h, "gold/mon_groups", false);
	core_stats(h->w->core, &stats);
	history_hold(h, stats.tombstones == 0 && stats.queued == 0, "work is left", "");
}

/* Below other control groups cleanup must not look, so what a dead daemon left there stays. */
void history_remove_leftovers(struct history *h)
{
	check_groups_in(h, "gold/mon_groups", true);
}
