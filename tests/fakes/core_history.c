/* SPDX-License-Identifier: Apache-2.0 */
#include "core_history.h"

#include "core_priv.h"
#include "core_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	NR_PODS = 5,
	NR_CONTAINERS = 10,
	NR_SANDBOXES = 2, /* a pod can have at a time */
	NR_FOREIGN = 24,
	RMIDS = 20,
	AUDIT_MS = 1000,
	BACKOFF_MAX_MS = 4000,
	/* Every retry was due and every task was written again, and what that led to as well. */
	QUIET_MS = 20 * AUDIT_MS,
	TRACE = 40,
};

enum life {
	GONE,
	CREATED,
	RUNNING,
	ENDED,
};

/* What is really there, whether the core was told or not. */
struct real_sandbox {
	enum life life;
	char id[40];
};

struct real_pod {
	char uid[16];
	struct real_sandbox sandbox[NR_SANDBOXES];
	unsigned serial;
};

struct real_container {
	char id[16];
	enum life life;
	struct real_pod *pod;
	struct real_sandbox *sandbox;
	unsigned serial;
	bool started_in_gold;
};

/* What a subscriber to the events knows. */
struct known {
	bool announced;
	struct core_event last;
	char path[RS_PATH_MAX + 64];
};

struct history {
	struct world *w;
	const uint8_t *data;
	size_t left;
	uint32_t random;
	bool from_bytes;
	struct real_pod pods[NR_PODS];
	struct real_container containers[NR_CONTAINERS];
	struct known known[NR_PODS];
	bool foreign[NR_FOREIGN];
	bool untold;    /* the core was not told the truth; the next Synchronize will */
	bool leftovers; /* groups below another control group may have outlived the daemon */
	unsigned long steps;
	uint32_t seed;
	bool trace;
	char ring[TRACE][96];
	unsigned long nr_traced;
};

/* ---- reporting --------------------------------------------------------------------------- */

static void trace(struct history *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void trace(struct history *h, const char *fmt, ...)
{
	char *line = h->ring[h->nr_traced++ % TRACE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(h->ring[0]), fmt, ap);
	va_end(ap);
	if (h->trace)
		printf("%lu: %s\n", h->steps, line);
}

static void dump(const struct core *core)
{
	list_for_each (it, &core->pod_list) {
		const struct pod *pod = list_entry(it, struct pod, link);

		fprintf(stderr, "  %s state %d %u/%u %s\n", pod->uid, (int)pod->state, pod->total,
			pod->reconciled, str_or_empty(pod->path));
		list_for_each (jt, &pod->containers) {
			const struct container *c = list_entry(jt, struct container, link);

			fprintf(stderr, "    %s state %d in %d%s%s %s: %s\n", c->id, (int)c->state,
				(int)c->where, c->stopped ? " stopped" : "",
				c->created ? " created" : "", str_or_empty(c->reason),
				str_or_empty(c->message));
		}
	}
}

static void breach(struct history *h, const char *what, const char *of)
{
	unsigned long from = h->nr_traced > TRACE ? h->nr_traced - TRACE : 0;

	fprintf(stderr, "history: seed %u, step %lu: %s (%s)\n", h->seed, h->steps, what, of);
	for (unsigned long i = from; i < h->nr_traced; i++)
		fprintf(stderr, "  %s\n", h->ring[i % TRACE]);
	dump(h->w->core);
	fprintf(stderr, "replay: CORE_HISTORY_SEED=%u\n", h->seed);
	abort();
}

static void hold(struct history *h, bool condition, const char *what, const char *of)
{
	if (!condition)
		breach(h, what, of);
}

/* ---- choices --------------------------------------------------------------------------------- */

static bool is_over(const struct history *h)
{
	return h->from_bytes && h->left == 0;
}

static unsigned choose(struct history *h, unsigned n)
{
	if (h->from_bytes) {
		unsigned v = h->left ? *h->data : 0;

		if (h->left) {
			h->data++;
			h->left--;
		}
		return v % n;
	}
	h->random ^= h->random << 13;
	h->random ^= h->random >> 17;
	h->random ^= h->random << 5;
	return (h->random >> 8) % n;
}

static bool one_in(struct history *h, unsigned n)
{
	return choose(h, n) == 0;
}

/* ---- what must hold at any time -----------------------------------------------------------------
 */

static int pod_number(const char *uid)
{
	return uid[0] == 'u' && uid[1] >= '0' && uid[1] < '0' + NR_PODS && !uid[2] ? uid[1] - '0'
										   : -1;
}

static void on_event(void *ctx, const struct core_event *event)
{
	struct history *h = ctx;
	int n = pod_number(event->pod_uid);
	struct known *k;

	hold(h, n >= 0, "an event for a pod nobody knows", event->pod_uid);
	k = &h->known[n];
	trace(h, "  -> %s %s %u/%u", event->pod_uid,
	      event->kind == CORE_REMOVED               ? "Removed"
	      : event->group_state == CORE_GROUP_EXISTS ? "Exists"
							: "Failed",
	      event->total_containers, event->reconciled_containers);
	if (event->kind == CORE_REMOVED) {
		hold(h, k->announced, "Removed without AddOrUpdate", event->pod_uid);
		k->announced = false;
		return;
	}
	hold(h, event->reconciled_containers <= event->total_containers,
	     "more reconciled than there are", event->pod_uid);
	hold(h, (event->group_state == CORE_GROUP_EXISTS) == (event->group_path[0] != '\0'),
	     "a path without a group, or a group without a path", event->pod_uid);
	hold(h,
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
		hold(h, c->pod == pod, "a container in the wrong pod", c->id);
		hold(h, c->state != CONTAINER_QUEUED || c->where == IN_QUEUE,
		     "a container that nobody will place", c->id);
		hold(h,
		     c->state != CONTAINER_RECONCILED || c->stopped || c->created ||
			     pod->state != POD_EXISTS || c->where != NOWHERE,
		     "a container that nobody will audit", c->id);
		hold(h,
		     c->state != CONTAINER_PARTIAL || c->created || pod->state != POD_EXISTS ||
			     c->where == IN_PARTIAL || c->where == IN_QUEUE,
		     "a container that nobody will retry", c->id);
	}
	hold(h, total == pod->total && reconciled == pod->reconciled,
	     "counters differ from a recount", pod->uid);
	hold(h, (pod->path != NULL) == (pod->state == POD_EXISTS), "path and state differ",
	     pod->uid);
	if (pod->state == POD_QUEUED || pod->state == POD_RELEASED)
		return;
	hold(h, n >= 0 && k->announced, "a pod that was never announced", pod->uid);
	hold(h,
	     k->last.total_containers == total && k->last.reconciled_containers == reconciled &&
		     (k->last.group_state == CORE_GROUP_EXISTS) == (pod->state == POD_EXISTS),
	     "the last event is not the state", pod->uid);
}

static void check_always(struct history *h)
{
	const struct core *core = h->w->core;
	size_t in_pods = 0;

	list_for_each (it, &core->pod_list) {
		const struct pod *pod = list_entry(it, struct pod, link);

		check_pod(h, pod);
		in_pods += length(&pod->containers);
	}
	hold(h, length(&core->pod_list) == core->pods.nr && core->pods.nr == core->groups.nr,
	     "pod tables differ", "");
	hold(h, in_pods + length(&core->nopod) == core->containers.nr, "container tables differ",
	     "");
	hold(h, length(&core->pod_ring.head) == core->pod_ring.nr, "pod ring", "");
	hold(h, length(&core->container_ring.head) == core->container_ring.nr, "container ring",
	     "");
	hold(h, length(&core->tombstones) == core->nr_tombstones, "tombstones", "");
	for (int i = 0; i < NR_PODS; i++)
		hold(h, !h->known[i].announced || strmap_get(&core->pods, h->pods[i].uid) != NULL,
		     "a pod went without Removed", h->pods[i].uid);
}

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
	if (!one_in(h, 32))
		return false;
	trace(h, "  (lost)");
	h->untold = true;
	return true;
}

static struct real_container *some_container(struct history *h, enum life life)
{
	unsigned from = choose(h, NR_CONTAINERS);

	for (unsigned i = 0; i < NR_CONTAINERS; i++) {
		struct real_container *c = &h->containers[(from + i) % NR_CONTAINERS];

		if (c->life == life)
			return c;
	}
	return NULL;
}

static struct real_sandbox *some_sandbox(struct history *h, enum life life, struct real_pod **ret)
{
	unsigned from = choose(h, NR_PODS);

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

static void do_run(struct history *h)
{
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox = some_sandbox(h, GONE, &pod);
	struct core_pod in;

	if (!sandbox)
		return;
	sandbox->life = RUNNING;
	snprintf(sandbox->id, sizeof(sandbox->id), "s%s-%u", pod->uid, pod->serial++);
	trace(h, "RUN %s %s", pod->uid, sandbox->id);
	if (is_lost(h))
		return;
	in = tell_pod(pod, sandbox);
	core_run_pod(h->w->core, h->w->now, &in);
}

static void end_container(struct history *h, struct real_container *c)
{
	trace(h, "end of %s", c->id);
	world_end(h->w, c->id);
	c->life = ENDED;
	if (!is_lost(h))
		core_stop_container(h->w->core, h->w->now, c->id);
}

static void forget_container(struct history *h, struct real_container *c)
{
	if (c->life == RUNNING)
		end_container(h, c);
	trace(h, "REMOVE_CONTAINER %s", c->id);
	c->life = GONE;
	if (!is_lost(h))
		core_remove_container(h->w->core, h->w->now, c->id);
}

static void do_stop_sandbox(struct history *h)
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
	trace(h, "STOP_POD %s %s", pod->uid, sandbox->id);
	sandbox->life = ENDED;
	in = tell_pod(pod, sandbox);
	if (!is_lost(h))
		core_stop_pod(h->w->core, h->w->now, &in);
}

static void do_remove_sandbox(struct history *h)
{
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox = some_sandbox(h, one_in(h, 4) ? RUNNING : ENDED, &pod);
	bool quietly = one_in(h, 3);
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
	trace(h, "REMOVE_POD %s %s", pod->uid, sandbox->id);
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
	struct world_container *wc = world_add(h->w, c->id, 1 + choose(h, 4));

	c->life = RUNNING;
	if (one_in(h, 16) && world_has(h->w, "gold"))
		world_move(h->w, wc, "gold");
	trace(h, "START %s/%s", c->pod->uid, c->id);
	if (!is_lost(h))
		tell_start(h, c);
}

static void do_create(struct history *h)
{
	struct real_container *c = some_container(h, GONE);
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox = some_sandbox(h, RUNNING, &pod);

	if (!c || !sandbox)
		return;
	c->pod = pod;
	c->sandbox = sandbox;
	c->life = CREATED;
	snprintf(c->id, sizeof(c->id), "c%u-%u", (unsigned)(c - h->containers), c->serial++);
	if (one_in(h, 4)) {
		trace(h, "create %s/%s", pod->uid, c->id);
		h->untold = true; /* there is no event for this: only Synchronize lists it */
		return;
	}
	start_container(h, c);
}

static void do_start_created(struct history *h)
{
	struct real_container *c = some_container(h, CREATED);

	if (c)
		start_container(h, c);
}

static void do_post_start(struct history *h)
{
	struct real_container *c = some_container(h, one_in(h, 4) ? ENDED : RUNNING);
	struct core_container in;
	struct core_pod pod;

	if (!c)
		return;
	trace(h, "POST_START %s/%s", c->pod->uid, c->id);
	in = tell_container(h, c);
	pod = tell_pod(c->pod, c->sandbox);
	core_post_start_container(h->w->core, h->w->now, &pod, &in);
}

static void do_end(struct history *h)
{
	struct real_container *c = some_container(h, RUNNING);

	if (c)
		end_container(h, c);
}

static void do_remove_container(struct history *h)
{
	struct real_container *c = some_container(h, one_in(h, 4) ? RUNNING : ENDED);

	if (c)
		forget_container(h, c);
}

static void do_repeat(struct history *h)
{
	struct real_container *c = some_container(h, RUNNING);
	struct real_pod *pod = NULL;
	struct real_sandbox *sandbox = some_sandbox(h, RUNNING, &pod);
	struct core_pod in;

	if (c && one_in(h, 2)) {
		trace(h, "START again %s/%s", c->pod->uid, c->id);
		tell_start(h, c);
	} else if (sandbox) {
		trace(h, "RUN again %s", pod->uid);
		in = tell_pod(pod, sandbox);
		core_run_pod(h->w->core, h->w->now, &in);
	}
}

/* Events that fit nothing: wrong pairs, things long gone, things that never were. */
static void do_nonsense(struct history *h)
{
	struct real_container *c = &h->containers[choose(h, NR_CONTAINERS)];
	struct real_pod *pod = &h->pods[choose(h, NR_PODS)];
	struct real_sandbox *sandbox = &h->pods[choose(h, NR_PODS)].sandbox[choose(h, 2)];
	struct core_container in = {.id = c->id, .sandbox_id = sandbox->id, .running = true};
	struct core_pod told = tell_pod(pod, sandbox);
	struct core *core = h->w->core;

	if (one_in(h, 8))
		told.uid = "";
	if (one_in(h, 8))
		told.sandbox_id = NULL;
	h->untold = true;
	switch (choose(h, 7)) {
	case 0:
		trace(h, "nonsense: RUN %s %s", told.uid, sandbox->id);
		core_run_pod(core, h->w->now, &told);
		break;
	case 1: /* a group given back by mistake comes back only when the sandbox runs again */
		if (h->w->config.release_on_sandbox_stop)
			break;
		trace(h, "nonsense: STOP_POD %s %s", told.uid, sandbox->id);
		core_stop_pod(core, h->w->now, &told);
		break;
	case 2:
		trace(h, "nonsense: REMOVE_POD %s %s", told.uid, sandbox->id);
		core_remove_pod(core, h->w->now, &told);
		break;
	case 3:
		trace(h, "nonsense: START %s/%s", told.uid, in.id);
		core_start_container(core, h->w->now, &told, &in);
		break;
	case 4:
		trace(h, "nonsense: POST_START %s/%s", told.uid, in.id);
		core_post_start_container(core, h->w->now, &told, &in);
		break;
	case 5:
		trace(h, "nonsense: STOP %s", in.id);
		core_stop_container(core, h->w->now, in.id);
		break;
	default:
		trace(h, "nonsense: REMOVE %s", in.id);
		core_remove_container(core, h->w->now, in.id);
		break;
	}
}

static void do_synchronize(struct history *h)
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
	trace(h, "SYNCHRONIZE %zu %zu", nr_pods, nr);
	core_synchronize(h->w->core, h->w->now, pods, nr_pods, containers, nr);
	h->untold = false;
}

static void do_restart(struct history *h)
{
	trace(h, "restart");
	h->w->config.release_on_sandbox_stop = one_in(h, 4);
	h->w->config.cleanup_mode = one_in(h, 4) ? CORE_CLEANUP_ALL : CORE_CLEANUP_ORPHANS;
	h->w->config.retry_interval_ms = one_in(h, 4) ? 0 : 500;
	h->w->config.rmid_reserve = one_in(h, 4) ? 2 : 0;
	h->w->config.step_tasks = one_in(h, 2) ? 2 : 0; /* so that placements take several */
	world_boot(h->w);
	memset(h->known, 0, sizeof(h->known));
	h->untold = true;
	h->leftovers = true;
}

/* ---- what the tasks, the kernel and others do
 * ------------------------------------------------------- */

static void do_tasks(struct history *h)
{
	struct real_container *c = some_container(h, RUNNING);
	struct world_container *wc = c ? world_container(h->w, c->id) : NULL;
	pid_t tid;

	if (!wc || !wc->nr || wc->nr > 12)
		return;
	switch (choose(h, 6)) {
	case 0:
	case 1:
		trace(h, "fork in %s", c->id);
		(void)world_fork(h->w, wc);
		break;
	case 2:
		trace(h, "exec into %s", c->id);
		(void)world_enter(h->w, wc);
		break;
	case 3:
		if (wc->nr > 1)
			world_exit(h->w, wc, choose(h, (unsigned)wc->nr));
		break;
	case 4:
		tid = wc->tid[choose(h, (unsigned)wc->nr)];
		trace(h, "number %d of %s used again", (int)tid, c->id);
		rs_sim_exit(h->w->sim, tid);
		hold(h, rs_sim_fork(h->w->sim, 1, tid) == 0, "fork", "");
		break;
	default:
		trace(h, "forks while %s is listed", c->id);
		h->w->grow_on_list = 2;
		break;
	}
}

static void clear_faults(struct history *h)
{
	memset(h->w->fail, 0, sizeof(h->w->fail));
	h->w->fail_at = 0;
	h->w->grow_on_list = 0;
	for (size_t i = 0; i < h->w->nr_containers; i++)
		h->w->containers[i]->error = 0;
	rs_sim_set_mounted(h->w->sim, true);
	rs_sim_hold_lock(h->w->sim, false);
}

static void do_fault(struct history *h)
{
	static const int codes[] = {ENOSPC, EBUSY, EACCES, EIO, ENOENT, ENODEV, EROFS, EINVAL};
	unsigned op = choose(h, WORLD_NR_OPS + 3);
	int code = codes[choose(h, sizeof(codes) / sizeof(codes[0]))];
	struct real_container *c = some_container(h, RUNNING);
	struct world_container *wc = c ? world_container(h->w, c->id) : NULL;

	/* Lack of room is what mkdir says, and a write for lack of memory. */
	if ((code == ENOSPC || code == EBUSY) && op != WORLD_MKDIR && op != WORLD_RMDIR &&
	    op != WORLD_WRITE)
		code = EIO;
	/* A kernel that denies a group which is there would rightly be believed. */
	if (code == ENOENT && (op == WORLD_RMDIR || op == WORLD_NR_OPS))
		code = EACCES;
	if (op < WORLD_NR_OPS) {
		trace(h, "operation %u fails with %s", op, err_name(code));
		h->w->fail[op] = code;
	} else if (op == WORLD_NR_OPS) {
		h->w->fail_at = h->w->total_calls + 1 + choose(h, 8);
		h->w->fail_errno = code;
		trace(h, "one operation fails with %s", err_name(code));
	} else if (op == WORLD_NR_OPS + 1 && wc) {
		trace(h, "listing %s fails with %s", c->id, err_name(code));
		wc->error = code;
	} else {
		trace(h, "unmounted");
		rs_sim_set_mounted(h->w->sim, false);
	}
}

static void make_gold(struct history *h)
{
	if (!world_has(h->w, "gold"))
		(void)world_mkdir(h->w, "gold");
}

static void meddle_with_group(struct history *h, bool make_again)
{
	char path[64];

	snprintf(path, sizeof(path), "mon_groups/podresctrl-u%u", choose(h, NR_PODS));
	trace(h, "someone removes %s%s", path, make_again ? " and makes it again" : "");
	(void)world_rmdir(h->w, path);
	if (!make_again)
		return;
	(void)world_mkdir(h->w, path);
	h->untold = true; /* if it is nobody's, the next Synchronize removes it */
}

static void do_meddle(struct history *h)
{
	unsigned n = choose(h, NR_FOREIGN);
	struct real_container *c = some_container(h, RUNNING);
	struct world_container *wc = c ? world_container(h->w, c->id) : NULL;
	char path[32];

	switch (choose(h, 8)) {
	case 0:
		meddle_with_group(h, false);
		break;
	case 1:
		meddle_with_group(h, true);
		break;
	case 2:
		make_gold(h);
		if (wc && world_has(h->w, "gold")) {
			trace(h, "someone moves %s to gold", c->id);
			world_move(h->w, wc, "gold");
		}
		break;
	case 3:
		if (wc && world_has(h->w, "tasks")) {
			trace(h, "someone moves %s to the root", c->id);
			world_move(h->w, wc, "");
		}
		break;
	case 4:
		trace(h, "someone removes gold");
		(void)world_rmdir(h->w, "gold");
		break;
	default:
		snprintf(path, sizeof(path), "mon_groups/other%u", n);
		trace(h, "someone %s %s", h->foreign[n] ? "removes" : "makes", path);
		if (h->foreign[n])
			(void)world_rmdir(h->w, path);
		else
			(void)world_mkdir(h->w, path);
		h->foreign[n] = world_has(h->w, path);
		break;
	}
}

/* ---- the daemon's own doing
 * ------------------------------------------------------------------------------ */

static void do_work(struct history *h)
{
	unsigned n = 1 + choose(h, 8);

	trace(h, "work, %u steps", n);
	while (n-- && core_work(h->w->core, h->w->now))
		check_always(h);
}

static void do_time(struct history *h)
{
	unsigned ms = 1 + choose(h, 255);

	trace(h, "%u ms pass", ms);
	world_sleep(h->w, ms);
}

static void do_retry(struct history *h)
{
	struct core_retry_report report;
	enum core_container_state state;
	const char *uid = h->pods[choose(h, NR_PODS)].uid;
	const char *id = h->containers[choose(h, NR_CONTAINERS)].id;
	struct core *core = h->w->core;
	int r;

	switch (choose(h, 4)) {
	case 0:
		trace(h, "retry group of %s", uid);
		r = core_retry_group_creation(core, h->w->now, uid, NULL);
		break;
	case 1:
		trace(h, "retry container %s", id);
		r = core_retry_container_reconcile(core, h->w->now, id, &state, NULL);
		break;
	case 2:
		trace(h, "retry pod %s", uid);
		r = core_retry_pod(core, h->w->now, uid, &report, NULL);
		break;
	default:
		trace(h, "retry all");
		core_retry_all_once(core, h->w->now, &report);
		hold(h, report.groups_created <= report.groups_tried, "report", "groups");
		hold(h, report.containers_reconciled <= report.containers_tried, "report", "");
		r = 0;
		break;
	}
	hold(h, r <= 0, "a retry returned what is no error", uid);
}

static void do_look(struct history *h)
{
	struct core_pod_view view;
	struct core_stats stats;

	for (int i = 0; i < NR_PODS; i++) {
		if (!core_pod_view(h->w->core, h->pods[i].uid, &view))
			continue;
		hold(h, view.reason[0] != '\0' && view.message[0] != '\0', "no reason", view.uid);
		hold(h, view.total_containers <= view.nr_containers, "view", view.uid);
	}
	core_stats(h->w->core, &stats);
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
	return h->w->config.release_on_sandbox_stop && c->sandbox->life == ENDED;
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

	if (h->w->config.release_on_sandbox_stop && has_ended(pod))
		return;
	if (!lives(pod)) {
		hold(h, !core_pod_view(h->w->core, pod->uid, &view), "a dead pod is known",
		     pod->uid);
		return;
	}
	hold(h, core_pod_view(h->w->core, pod->uid, &view), "a live pod is not known", pod->uid);
	hold(h, view.group_state == CORE_GROUP_EXISTS, "a live pod has no group", pod->uid);
	path = view.group_path + strlen("/sys/fs/resctrl/");
	hold(h, world_has(h->w, path), "a group is not there", path);
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
			hold(h, world_count_in(h->w, wc, path) == wc->nr, "tasks outside the group",
			     c->id);
	}
	hold(h, view.total_containers == total || forgotten, "wrong total", pod->uid);
	hold(h, view.reconciled_containers == view.total_containers - created || is_torn(h, pod),
	     "wrong number of reconciled containers", pod->uid);
	hold(h, !view.queued, "still queued", pod->uid);
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
	hold(h, walk->remove && walk->nr_doomed < 16, "a group outlived its pod", path);
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

static void make_quiet(struct history *h)
{
	struct core_retry_report report;
	char path[32];

	clear_faults(h);
	for (unsigned i = 0; i < NR_FOREIGN; i++) {
		snprintf(path, sizeof(path), "mon_groups/other%u", i);
		(void)world_rmdir(h->w, path);
		h->foreign[i] = false;
	}
	/* Below other control groups cleanup must not look, so what a dead daemon left there stays.
	 */
	if (h->leftovers) {
		world_run(h->w);
		check_groups_in(h, "gold/mon_groups", true);
	}
	h->leftovers = false;
	if (h->untold || !h->w->config.retry_interval_ms)
		do_synchronize(h);
	world_sleep(h->w, QUIET_MS / 2);
	if (!h->w->config.retry_interval_ms) {
		for (int i = 0; i < 4; i++) {
			core_retry_all_once(h->w->core, h->w->now, &report);
			world_sleep(h->w, QUIET_MS / 4);
		}
	}
	world_sleep(h->w, QUIET_MS / 2);
}

static void do_quiet(struct history *h)
{
	struct core_retry_report report;
	struct core_stats stats;

	trace(h, "quiet");
	make_quiet(h);
	check_always(h);
	for (int i = 0; i < NR_PODS; i++) {
		check_quiet_pod(h, &h->pods[i]);
		hold(h, core_retry_pod_result(h->w->core, h->pods[i].uid, &report) != -EINPROGRESS,
		     "a retry has no end", h->pods[i].uid);
	}
	check_groups_in(h, "", false);
	check_groups_in(h, "mon_groups", false);
	check_groups_in(h, "gold/mon_groups", false);
	core_stats(h->w->core, &stats);
	hold(h, stats.tombstones == 0 && stats.queued == 0, "work is left", "");
}

/* ---- a history
 * ------------------------------------------------------------------------------------------------
 */

static const struct {
	unsigned weight;
	void (*fn)(struct history *h);
} deeds[] = {
	{30, do_run},
	{12, do_stop_sandbox},
	{20, do_remove_sandbox},
	{40, do_create},
	{20, do_start_created},
	{30, do_post_start},
	{20, do_end},
	{20, do_remove_container},
	{10, do_repeat},
	{6, do_nonsense},
	{6, do_synchronize},
	{2, do_restart},
	{40, do_tasks},
	{6, do_fault},
	{6, clear_faults},
	{12, do_meddle},
	{50, do_work},
	{20, do_time},
	{10, do_retry},
	{5, do_look},
	{1, do_quiet},
};

static void one_step(struct history *h)
{
	unsigned all = 0, pick;

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		all += deeds[i].weight;
	pick = h->from_bytes ? choose(h, 256) * all / 256 : choose(h, all);
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		if (pick < deeds[i].weight) {
			deeds[i].fn(h);
			break;
		}
		pick -= deeds[i].weight;
	}
	h->steps++;
	check_always(h);
}

static void begin(struct history *h)
{
	h->w = world_new(RMIDS, 50);
	h->w->keep_log = false;
	h->w->watch = on_event;
	h->w->watch_ctx = h;
	h->w->config.audit_interval_ms = AUDIT_MS;
	h->w->config.retry_backoff_max_ms = BACKOFF_MAX_MS;
	h->w->config.seed = h->seed + 1;
	if ((h->from_bytes ? h->left : h->seed) % 3 == 1)
		h->w->fidgety = h->seed + 1; /* and answers are put off */
	for (int i = 0; i < NR_PODS; i++)
		snprintf(h->pods[i].uid, sizeof(h->pods[i].uid), "u%d", i);
	make_gold(h);
	do_restart(h);
	do_synchronize(h);
}

static void end(struct history *h)
{
	do_quiet(h);
	world_free(h->w);
}

unsigned long history_from_seed(uint32_t seed, unsigned long steps, bool want_trace)
{
	static struct history h;

	h = (struct history){.seed = seed, .random = seed * 2654435761u + 1, .trace = want_trace};
	if (!h.random)
		h.random = 1;
	begin(&h);
	while (h.steps < steps)
		one_step(&h);
	end(&h);
	return h.steps;
}

void history_from_bytes(const uint8_t *data, size_t size)
{
	static struct history h;

	h = (struct history){.data = data, .left = size, .from_bytes = true};
	begin(&h);
	while (!is_over(&h))
		one_step(&h);
	end(&h);
}
