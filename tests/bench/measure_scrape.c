/* SPDX-License-Identifier: Apache-2.0 */

/* A scrape of /metrics, as Prometheus does it every half minute, and what serving costs in memory.
 */

#include "bench.h"

#include <stdio.h>

#define CONTAINERS 3
#define WARM_UP    50
#define SCRAPES    1000
#define AIM_US     5000

static char answer[SCRAPE_MAX];

static int scrape_often(const struct rig *rig, struct table *t, struct err *e)
{
	struct child_memory before, after;
	struct samples times = {0};
	uint64_t cpu_ns = 0;
	char what[96];
	int bytes = 0;

	for (unsigned i = 0; i < WARM_UP + SCRAPES && bytes >= 0 && !bench_interrupted; i++) {
		uint64_t started = wall_ns();

		if (i == WARM_UP) {
			child_memory(&rig->child, &before);
			cpu_ns = child_cpu_ns(&rig->child);
		}
		bytes = scrape(rig->bench, answer, e);
		if (i >= WARM_UP)
			samples_add(&times, wall_ns() - started);
	}
	if (bytes < 0 || bench_interrupted) {
		samples_done(&times);
		return bytes < 0 ? bytes : 0;
	}
	cpu_ns = child_cpu_ns(&rig->child) - cpu_ns;
	child_memory(&rig->child, &after);
	(void)snprintf(what, sizeof(what), "scrape with %u pods, %d kB", rig->bench->audit_pods,
		       bytes / 1000);
	table_add(t, what, cell_p50_p99(&times), cell_none, cell_none,
		  cell_time_aim(rig->bench, "5 ms", samples_us(&times, 0.99) < AIM_US));
	table_add(t, "  CPU of it", cell_us((double)cpu_ns / 1000.0 / SCRAPES), cell_none,
		  cell_none, cell_none);
	table_add(t, "  RSS while serving", cell_mb(after.rss_kb), cell_none, cell_none, cell_none);
	table_note(t, "Anonymous memory after %d more scrapes: %lld kB more.", SCRAPES,
		   (long long)after.anon_kb - (long long)before.anon_kb);
	samples_done(&times);
	return 0;
}

static int measure(const struct world *w, struct table *t, struct err *e)
{
	struct rig_sync sync;
	struct rig rig;
	int r;

	need_rmids(w->bench, w->size.pods);
	r = rig_open(w->bench, "0", &rig, e);
	if (r < 0)
		return r;
	r = rig_synchronize(&rig, w, false, &sync, e);
	if (r == 0)
		r = scrape_often(&rig, t, e);
	rig_close(&rig);
	return r;
}

int measure_scrape(const struct bench *b, struct table *t, struct err *e)
{
	struct world_size size = {b->audit_pods, CONTAINERS, 1};
	struct world *w;
	int r = world_new(b, size, &w, e);

	if (r < 0)
		return r;
	scrape_enable(b, true);
	r = measure(w, t, e);
	scrape_enable(b, false);
	world_free(w);
	return r;
}
