/* SPDX-License-Identifier: Apache-2.0 */
#include "core_history_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- reporting --------------------------------------------------------------------------- */

void history_trace(struct history *h, const char *fmt, ...)
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

void history_hold(struct history *h, bool condition, const char *what, const char *of)
{
	if (!condition)
		breach(h, what, of);
}

/* ---- choices --------------------------------------------------------------------------------- */

static bool is_over(const struct history *h)
{
	return h->from_bytes && h->left == 0;
}

unsigned history_choose(struct history *h, unsigned n)
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

bool history_one_in(struct history *h, unsigned n)
{
	return history_choose(h, n) == 0;
}

/* ---- the daemon's own doing
 * ------------------------------------------------------------------------------ */

static void do_work(struct history *h)
{
	unsigned n = 1 + history_choose(h, 8);

	history_trace(h, "work, %u steps", n);
	while (n-- && core_work(h->w->core, h->w->now))
		history_check_always(h);
}

static void do_time(struct history *h)
{
	unsigned ms = 1 + history_choose(h, 255);

	history_trace(h, "%u ms pass", ms);
	world_sleep(h->w, ms);
}

static void do_retry(struct history *h)
{
	struct core_retry_report report;
	enum core_container_state state;
	const char *uid = h->pods[history_choose(h, NR_PODS)].uid;
	const char *id = h->containers[history_choose(h, NR_CONTAINERS)].id;
	struct core *core = h->w->core;
	int r;

	switch (history_choose(h, 4)) {
	case 0:
		history_trace(h, "retry group of %s", uid);
		r = core_retry_group_creation(core, h->w->now, uid, NULL);
		break;
	case 1:
		history_trace(h, "retry container %s", id);
		r = core_retry_container_reconcile(core, h->w->now, id, &state, NULL);
		break;
	case 2:
		history_trace(h, "retry pod %s", uid);
		r = core_retry_pod(core, h->w->now, uid, &report, NULL);
		break;
	default:
		history_trace(h, "retry all");
		core_retry_all_once(core, h->w->now, &report);
		history_hold(h, report.groups_created <= report.groups_tried, "report", "groups");
		history_hold(h, report.containers_reconciled <= report.containers_tried, "report",
			     "");
		r = 0;
		break;
	}
	history_hold(h, r <= 0, "a retry returned what is no error", uid);
}

static void do_look(struct history *h)
{
	struct core_pod_view view;
	struct core_stats stats;

	for (int i = 0; i < NR_PODS; i++) {
		if (!core_pod_view(h->w->core, h->pods[i].uid, &view))
			continue;
		history_hold(h, view.reason[0] != '\0' && view.message[0] != '\0', "no reason",
			     view.uid);
		history_hold(h, view.total_containers <= view.nr_containers, "view", view.uid);
	}
	core_stats(h->w->core, &stats);
}

static void make_quiet(struct history *h)
{
	struct core_retry_report report;
	char path[32];

	history_clear_faults(h);
	for (unsigned i = 0; i < NR_FOREIGN; i++) {
		snprintf(path, sizeof(path), "mon_groups/other%u", i);
		(void)world_rmdir(h->w, path);
		h->foreign[i] = false;
	}
	if (h->leftovers) {
		world_run(h->w);
		history_remove_leftovers(h);
	}
	h->leftovers = false;
	if (h->untold || !h->w->config.tuning.retry_interval_ms)
		history_do_synchronize(h);
	world_sleep(h->w, QUIET_MS / 2);
	if (!h->w->config.tuning.retry_interval_ms) {
		for (int i = 0; i < 4; i++) {
			core_retry_all_once(h->w->core, h->w->now, &report);
			world_sleep(h->w, QUIET_MS / 4);
		}
	}
	world_sleep(h->w, QUIET_MS / 2);
}

static void do_quiet(struct history *h)
{
	history_trace(h, "quiet");
	make_quiet(h);
	history_check_quiet(h);
}

/* ---- a history
 * ------------------------------------------------------------------------------------------------
 */

static const struct {
	unsigned weight;
	void (*fn)(struct history *h);
} deeds[] = {
	{30, history_do_run},
	{12, history_do_stop_sandbox},
	{20, history_do_remove_sandbox},
	{40, history_do_create},
	{20, history_do_start_created},
	{30, history_do_post_start},
	{20, history_do_end},
	{20, history_do_remove_container},
	{10, history_do_repeat},
	{6, history_do_nonsense},
	{6, history_do_synchronize},
	{2, history_do_restart},
	{40, history_do_tasks},
	{6, history_do_fault},
	{6, history_clear_faults},
	{12, history_do_meddle},
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
	pick = h->from_bytes ? history_choose(h, 256) * all / 256 : history_choose(h, all);
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		if (pick < deeds[i].weight) {
			deeds[i].fn(h);
			break;
		}
		pick -= deeds[i].weight;
	}
	h->steps++;
	history_check_always(h);
}

static void begin(struct history *h)
{
	h->w = world_new(RMIDS, 50);
	h->w->keep_log = false;
	h->w->watch = history_on_event;
	h->w->watch_ctx = h;
	h->w->config.tuning.audit_interval_ms = AUDIT_MS;
	h->w->config.tuning.retry_backoff_max_ms = BACKOFF_MAX_MS;
	h->w->config.seed = h->seed + 1;
	if ((h->from_bytes ? h->left : h->seed) % 3 == 1)
		h->w->fidgety = h->seed + 1; /* and answers are put off */
	for (int i = 0; i < NR_PODS; i++)
		snprintf(h->pods[i].uid, sizeof(h->pods[i].uid), "u%d", i);
	history_make_gold(h);
	history_do_restart(h);
	history_do_synchronize(h);
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
