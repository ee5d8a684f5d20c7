/* SPDX-License-Identifier: Apache-2.0 */
#include "core_history_priv.h"

#include <stdio.h>
#include <string.h>

/* ---- what the runtime does
 * ------------------------------------------------------------------------ */

static struct core_pod tell_pod(const struct real_pod *pod, const struct real_sandbox *sandbox)
{
	return (struct core_pod){
		.uid = pod->uid,
		.sandbox_id = sandbox->id,
		.namespace_ = "ns",
		.name = pod->uid,
		.cgroup_parent = "/kubepods",
	};
}

static struct core_container tell_container(struct history *h, const struct real_container *c)
{
	const struct world_container *wc = world_container(h->w, c->id);

	return (struct core_container){
		.id = c->id,
		.sandbox_id = c->sandbox->id,
		.name = c->id,
		.cgroups_path = c->id,
		.pid = wc && wc->nr ? wc->tid[0] : 0,
		.running = c->life == RUNNING,
		.created = c->life == CREATED,
	};
}

/* Now and then an event is lost. */
static bool is_lost(struct history *h)
{
	if (!history_one_in(h, 32))
		return false;
	history_trace(h, "  (lost)");
	h->untold = true;
	return true;
}

struct real_container *history_some_container(struct history *h, enum life life)
{
	unsigned from = history_choose(h, NR_CONTAINERS);

	for (unsigned i = 0; i < NR_CONTAINERS; i++) {
		struct real_container *c = &h->containers[(from + i) % NR_CONTAINERS];

		if (c->life == life)
			return c;
	}
	return NULL;
}

static struct real_sandbox *some_sandbox(struct history *h, enum life life, struct real_pod **ret)
{
	unsigned from = history_choose(h, NR_PODS);

	for (unsigned i = 0; i < NR_PODS * NR_SANDBOXES; i++) {
		struct real_pod *pod = &h->pods[(from + i / NR_SANDBOXES) % NR_PODS];
		struct real_sandbox *sandbox = &pod->sandbox[i % NR_SANDBOXES];

		if (sandbox->life == life) {
			*ret = pod;
			return sandbox;
		}
	}
	return NULL;
}

void history_do_run(struct history *h)
{
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox = some_sandbox(h, GONE, &pod);
	struct core_pod in;

	if (!sandbox)
		return;
	sandbox->life = RUNNING;
	snprintf(sandbox->id, sizeof(sandbox->id), "s%s-%u", pod->uid, pod->serial++);
	history_trace(h, "RUN %s %s", pod->uid, sandbox->id);
	if (is_lost(h))
		return;
	in = tell_pod(pod, sandbox);
	core_run_pod(h->w->core, h->w->now, &in);
}

static void end_container(struct history *h, struct real_container *c)
{
	history_trace(h, "end of %s", c->id);
	world_end(h->w, c->id);
	c->life = ENDED;
	if (!is_lost(h))
		core_stop_container(h->w->core, h->w->now, c->id);
}

static void forget_container(struct history *h, struct real_container *c)
{
	if (c->life == RUNNING)
		end_container(h, c);
	history_trace(h, "REMOVE_CONTAINER %s", c->id);
	c->life = GONE;
	if (!is_lost(h))
		core_remove_container(h->w->core, h->w->now, c->id);
}

void history_do_stop_sandbox(struct history *h)
{
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox = some_sandbox(h, RUNNING, &pod);
	struct core_pod in;

	if (!sandbox)
		return;
	for (int i = 0; i < NR_CONTAINERS; i++) {
		if (h->containers[i].sandbox != sandbox)
			continue;
		if (h->containers[i].life == RUNNING)
			end_container(h, &h->containers[i]);
		else if (h->containers[i].life == CREATED)
			h->containers[i].life = ENDED;
	}
	history_trace(h, "STOP_POD %s %s", pod->uid, sandbox->id);
	sandbox->life = ENDED;
	in = tell_pod(pod, sandbox);
	if (!is_lost(h))
		core_stop_pod(h->w->core, h->w->now, &in);
}

void history_do_remove_sandbox(struct history *h)
{
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox =
		some_sandbox(h, history_one_in(h, 4) ? RUNNING : ENDED, &pod);
	bool quietly = history_one_in(h, 3);
	struct core_pod in;

	if (!sandbox)
		return;
	for (int i = 0; i < NR_CONTAINERS; i++) {
		struct real_container *c = &h->containers[i];

		if (c->sandbox != sandbox || c->life == GONE)
			continue;
		if (quietly) { /* the pod takes them along */
			world_end(h->w, c->id);
			c->life = GONE;
		} else {
			forget_container(h, c);
		}
	}
	history_trace(h, "REMOVE_POD %s %s", pod->uid, sandbox->id);
	sandbox->life = GONE;
	in = tell_pod(pod, sandbox);
	if (!is_lost(h))
		core_remove_pod(h->w->core, h->w->now, &in);
}

static void tell_start(struct history *h, const struct real_container *c)
{
	struct core_container in = tell_container(h, c);
	struct core_pod pod = tell_pod(c->pod, c->sandbox);

	core_start_container(h->w->core, h->w->now, &pod, &in);
}

static void start_container(struct history *h, struct real_container *c)
{
	struct world_container *wc = world_add(h->w, c->id, 1 + history_choose(h, 4));

	c->life = RUNNING;
	if (history_one_in(h, 16) && world_has(h->w, "gold"))
		world_move(h->w, wc, "gold");
	history_trace(h, "START %s/%s", c->pod->uid, c->id);
	if (!is_lost(h))
		tell_start(h, c);
}

void history_do_create(struct history *h)
{
	struct real_container *c = history_some_container(h, GONE);
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox = some_sandbox(h, RUNNING, &pod);

	if (!c || !sandbox)
		return;
	c->pod = pod;
	c->sandbox = sandbox;
	c->life = CREATED;
	snprintf(c->id, sizeof(c->id), "c%u-%u", (unsigned)(c - h->containers), c->serial++);
	if (history_one_in(h, 4)) {
		history_trace(h, "create %s/%s", pod->uid, c->id);
		h->untold = true; /* there is no event for this: only Synchronize lists it */
		return;
	}
	start_container(h, c);
}

void history_do_start_created(struct history *h)
{
	struct real_container *c = history_some_container(h, CREATED);

	if (c)
		start_container(h, c);
}

void history_do_post_start(struct history *h)
{
	struct real_container *c =
		history_some_container(h, history_one_in(h, 4) ? ENDED : RUNNING);
	struct core_container in;
	struct core_pod pod;

	if (!c)
		return;
	history_trace(h, "POST_START %s/%s", c->pod->uid, c->id);
	in = tell_container(h, c);
	pod = tell_pod(c->pod, c->sandbox);
	core_post_start_container(h->w->core, h->w->now, &pod, &in);
}

void history_do_end(struct history *h)
{
	struct real_container *c = history_some_container(h, RUNNING);

	if (c)
		end_container(h, c);
}

void history_do_remove_container(struct history *h)
{
	struct real_container *c =
		history_some_container(h, history_one_in(h, 4) ? RUNNING : ENDED);

	if (c)
		forget_container(h, c);
}

void history_do_repeat(struct history *h)
{
	struct real_container *c = history_some_container(h, RUNNING);
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox = some_sandbox(h, RUNNING, &pod);
	struct core_pod in;

	if (c && history_one_in(h, 2)) {
		history_trace(h, "START again %s/%s", c->pod->uid, c->id);
		tell_start(h, c);
	} else if (sandbox) {
		history_trace(h, "RUN again %s", pod->uid);
		in = tell_pod(pod, sandbox);
		core_run_pod(h->w->core, h->w->now, &in);
	}
}

/* Events that fit nothing: wrong pairs, things long gone, things that never were. */
void history_do_nonsense(struct history *h)
{
	struct real_container *c = &h->containers[history_choose(h, NR_CONTAINERS)];
	struct real_pod *pod = &h->pods[history_choose(h, NR_PODS)];
	struct real_sandbox *sandbox =
		&h->pods[history_choose(h, NR_PODS)].sandbox[history_choose(h, 2)];
	struct core_container in = {.id = c->id, .sandbox_id = sandbox->id, .running = true};
	struct core_pod told = tell_pod(pod, sandbox);
	struct core *core = h->w->core;

	if (history_one_in(h, 8))
		told.uid = "";
	if (history_one_in(h, 8))
		told.sandbox_id = NULL;
	h->untold = true;
	switch (history_choose(h, 7)) {
	case 0:
		history_trace(h, "nonsense: RUN %s %s", told.uid, sandbox->id);
		core_run_pod(core, h->w->now, &told);
		break;
	case 1: /* a group given back by mistake comes back only when the sandbox runs again */
		if (h->w->config.tuning.release_on_sandbox_stop)
			break;
		history_trace(h, "nonsense: STOP_POD %s %s", told.uid, sandbox->id);
		core_stop_pod(core, h->w->now, &told);
		break;
	case 2:
		history_trace(h, "nonsense: REMOVE_POD %s %s", told.uid, sandbox->id);
		core_remove_pod(core, h->w->now, &told);
		break;
	case 3:
		history_trace(h, "nonsense: START %s/%s", told.uid, in.id);
		core_start_container(core, h->w->now, &told, &in);
		break;
	case 4:
		history_trace(h, "nonsense: POST_START %s/%s", told.uid, in.id);
		core_post_start_container(core, h->w->now, &told, &in);
		break;
	case 5:
		history_trace(h, "nonsense: STOP %s", in.id);
		core_stop_container(core, h->w->now, in.id);
		break;
	default:
		history_trace(h, "nonsense: REMOVE %s", in.id);
		core_remove_container(core, h->w->now, in.id);
		break;
	}
}

/* What can come between two steps of a Synchronize: anything but an event. */
static void between_steps(struct history *h)
{
	struct core_retry_report report;

	if (history_one_in(h, 2)) {
		history_hold(h, core_next_work_ms(h->w->core) == UINT64_MAX, "work is due", "");
		history_hold(h, !core_work(h->w->core, h->w->now), "work before the answer", "");
	}
	if (history_one_in(h, 8))
		core_retry_all_once(h->w->core, h->w->now, &report);
}

/* False: the connection was lost before the core had all of it. */
static bool take_in_steps(struct history *h)
{
	while (core_synchronize_step(h->w->core, h->w->now)) {
		between_steps(h);
		if (history_choose(h, 16) != 1) /* 0 is what follows the end of given bytes */
			continue;
		history_trace(h, "lost in the middle of it");
		core_synchronize_abandon(h->w->core);
		history_check_always(h);
		return false;
	}
	return true;
}

void history_do_synchronize(struct history *h)
{
	struct core_pod pods[NR_PODS * NR_SANDBOXES];
	struct core_container containers[NR_CONTAINERS];
	size_t nr_pods = 0, nr = 0;

	for (int i = 0; i < NR_PODS; i++) {
		for (int j = 0; j < NR_SANDBOXES; j++) {
			if (h->pods[i].sandbox[j].life != GONE)
				pods[nr_pods++] = tell_pod(&h->pods[i], &h->pods[i].sandbox[j]);
		}
	}
	for (int i = 0; i < NR_CONTAINERS; i++) {
		if (h->containers[i].life != GONE)
			containers[nr++] = tell_container(h, &h->containers[i]);
	}
	history_trace(h, "SYNCHRONIZE %zu %zu", nr_pods, nr);
	do {
		core_synchronize_begin(h->w->core, pods, nr_pods, containers, nr);
	} while (!take_in_steps(h));
	h->untold = false;
}

void history_do_restart(struct history *h)
{
	history_trace(h, "restart");
	h->w->config.tuning.release_on_sandbox_stop = history_one_in(h, 4);
	h->w->config.cleanup_mode = history_one_in(h, 4) ? CORE_CLEANUP_ALL : CORE_CLEANUP_ORPHANS;
	h->w->config.tuning.retry_interval_ms = history_one_in(h, 4) ? 0 : 500;
	h->w->config.tuning.rmid_reserve = history_one_in(h, 4) ? 2 : 0;
	h->w->config.step_tasks =
		history_one_in(h, 2) ? 2 : 0; /* so that placements take several */
	world_boot(h->w);
	memset(h->known, 0, sizeof(h->known));
	h->untold = true;
	h->leftovers = true;
}
