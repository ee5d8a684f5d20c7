/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The life of pods of two containers with five threads each, event by event as a runtime
 * tells it: all are brought up, then all are taken down.
 */

#include "bench.h"
#include "fake_runtime.h"

#include <errno.h>
#include <stdio.h>

#define CONTAINERS 2
#define THREADS    5 /* what runc's init has when it waits for its start */
#define TEXT_MAX   96

struct events {
	const struct world *w;
	struct rig rig;
	struct samples of[NRI_EVENT_MAX + 1], all, round_trip;
	struct floor sampled, bare, lists;
	double cpu_per_pod_us, cpu_per_idle_event_us;
};

static int send_event(struct events *m, enum nri_event event, size_t pod,
		      const struct nri_container *container, struct err *e)
{
	struct fake_runtime_result result;
	int r = bench_interrupted ? err_set(e, -EINTR, "interrupted") : 0;

	if (r == 0)
		r = fake_runtime_event(m->rig.runtime, event, &m->w->pods[pod], container, &result,
				       e);
	if (r == 0 && (!result.was_sent || result.code))
		r = err_set(e, -EPROTO, "%s was not taken", nri_event_name(event));
	if (r == 0) {
		samples_add(&m->of[event], result.latency_us * 1000);
		samples_add(&m->all, result.latency_us * 1000);
	}
	return r;
}

static int send_to_all_pods(struct events *m, enum nri_event event, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->w->size.pods; i++)
		r = send_event(m, event, i, NULL, e);
	return r;
}

static int send_to_all_containers(struct events *m, enum nri_event event, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->w->nr_containers; i++)
		r = send_event(m, event, i / CONTAINERS, &m->w->containers[i], e);
	return r;
}

static int bring_up(struct events *m, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->w->size.pods; i++) {
		r = send_event(m, NRI_RUN_POD_SANDBOX, i, NULL, e);
		for (size_t c = i * CONTAINERS; r == 0 && c < (i + 1) * CONTAINERS; c++) {
			r = send_event(m, NRI_START_CONTAINER, i, &m->w->containers[c], e);
			if (r == 0)
				r = send_event(m, NRI_POST_START_CONTAINER, i, &m->w->containers[c],
					       e);
		}
	}
	return r;
}

/* STOP_CONTAINER needs nothing of the kernel, so its CPU is what an event costs as such. */
static int stop_containers(struct events *m, struct err *e)
{
	uint64_t cpu;
	int r;

	child_wait_quiet(&m->rig.child);
	cpu = child_cpu_ns(&m->rig.child);
	r = send_to_all_containers(m, NRI_STOP_CONTAINER, e);
	child_wait_quiet(&m->rig.child);
	cpu = child_cpu_ns(&m->rig.child) - cpu;
	keep_least(&m->cpu_per_idle_event_us, (double)cpu / 1000.0 / (double)m->w->nr_containers);
	return r;
}

static int take_down(struct events *m, struct err *e)
{
	int r = stop_containers(m, e);

	if (r == 0)
		r = send_to_all_pods(m, NRI_STOP_POD_SANDBOX, e);
	if (r == 0)
		r = send_to_all_containers(m, NRI_REMOVE_CONTAINER, e);
	if (r == 0)
		r = send_to_all_pods(m, NRI_REMOVE_POD_SANDBOX, e);
	return r;
}

static int run_round(struct events *m, struct table *t, bool is_first, struct err *e)
{
	uint64_t cpu = child_cpu_ns(&m->rig.child);
	int r = bring_up(m, e);

	if (r == 0 && is_first && m->w->bench->is_real) {
		/* The daemon rests meanwhile, so this is not in its CPU time. */
		table_note(t,
			   "After the events the kernel listed %zu of %zu threads in their groups.",
			   world_count_placed(m->w), m->w->nr_containers * THREADS);
	}
	if (r == 0)
		r = take_down(m, e);
	child_wait_quiet(&m->rig.child);
	cpu = child_cpu_ns(&m->rig.child) - cpu;
	keep_least(&m->cpu_per_pod_us, (double)cpu / 1000.0 / m->w->size.pods);
	return r;
}

static int run_events(struct events *m, struct table *t, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < m->w->bench->rounds; i++) {
		need_rmids(m->w->bench, m->w->size.pods);
		r = run_round(m, t, i == 0, e);
	}
	if (r < 0)
		child_print_log_end(&m->rig.child);
	return r;
}

static void add_event_row(struct events *m, struct table *t, enum nri_event event,
			  const char *calls, struct samples *floor)
{
	double value = samples_us(&m->of[event], 0.5);
	double least = samples_us(&m->round_trip, 0.5) + (floor ? samples_us(floor, 0.5) : 0);
	char what[TEXT_MAX];

	(void)snprintf(what, sizeof(what), "%s%s, p50 / p99", nri_event_name(event), calls);
	table_add(t, what, cell_p50_p99(&m->of[event]), cell_us(least), cell_ratio(value, least),
		  cell_none);
}

static void add_rows(struct events *m, struct table *t)
{
	double pods = m->w->size.pods;
	double floor_us = m->bare.cpu_ms * 1000.0 / pods;
	double lists_us = m->lists.cpu_ms * 1000.0 / pods;

	table_add(t, "every NRI event, p50 / p99", cell_p50_p99(&m->all), cell_none, cell_none,
		  cell_none);
	add_event_row(m, t, NRI_RUN_POD_SANDBOX, " (mkdir)", &m->sampled.mkdir);
	add_event_row(m, t, NRI_START_CONTAINER, " (place)", &m->sampled.place);
	add_event_row(m, t, NRI_POST_START_CONTAINER, "", NULL);
	add_event_row(m, t, NRI_STOP_CONTAINER, "", NULL);
	add_event_row(m, t, NRI_REMOVE_CONTAINER, "", NULL);
	add_event_row(m, t, NRI_REMOVE_POD_SANDBOX, " (rmdir)", &m->sampled.rmdir);
	table_add(t, "CPU of an event without kernel work", cell_us(m->cpu_per_idle_event_us),
		  cell_none, cell_none,
		  cell_time_aim(m->w->bench, "30 us", m->cpu_per_idle_event_us < 30));
	table_add(t, "CPU of a pod's life, 2 containers", cell_us(m->cpu_per_pod_us),
		  cell_us(floor_us), cell_ratio(m->cpu_per_pod_us, floor_us), cell_none);
	if (m->lists.cpu_ms > 0)
		table_add(t, "  beside a floor that writes comma lists", cell_us(m->cpu_per_pod_us),
			  cell_us(lists_us), cell_ratio(m->cpu_per_pod_us, lists_us), cell_none);
}

/* Before the daemon runs, so that it finds the tasks where the floor found them: outside. */
static int measure_floors(struct events *m, struct table *t, struct err *e)
{
	int r = floor_round_trip(&m->round_trip, e);

	if (r == 0)
		r = floor_measure(m->w, FLOOR_SAMPLED, &m->sampled, e);
	if (r == 0)
		r = floor_measure(m->w, FLOOR_BARE, &m->bare, e);
	if (r == 0 && floor_measure(m->w, FLOOR_LISTS, &m->lists, NULL) < 0) {
		table_note(t, "This kernel takes no comma lists of tasks.");
		m->lists = (struct floor){0};
	}
	return r;
}

static void free_events(struct events *m)
{
	for (size_t i = 0; i < ARRAY_LEN(m->of); i++)
		samples_done(&m->of[i]);
	samples_done(&m->all);
	samples_done(&m->round_trip);
	floor_done(&m->sampled);
	floor_done(&m->bare);
	floor_done(&m->lists);
}

int measure_events(const struct bench *b, struct table *t, struct err *e)
{
	const struct world_size size = {b->pods, CONTAINERS, THREADS};
	struct events m = {.w = NULL};
	struct world *w;
	int r = world_new(b, size, &w, e);

	if (r < 0)
		return r;
	m.w = w;
	r = measure_floors(&m, t, e);
	if (r == 0)
		r = rig_open(b, "0", &m.rig, e);
	if (r == 0) {
		r = run_events(&m, t, e);
		rig_close(&m.rig);
	}
	if (r == 0)
		add_rows(&m, t);
	free_events(&m);
	world_free(w);
	return r;
}
