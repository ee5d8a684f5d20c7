/* SPDX-License-Identifier: Apache-2.0 */

/* Whole nodes: memory, Synchronize, and what an idle node costs. */

#include "bench.h"

#include <stdio.h>

#define CONTAINERS    3
#define THREADS       5
#define AUDIT_THREADS 5
#define AUDIT_PER_POD 4
#define WINDOW_MS     4000
#define RSS_AIM_KB    4000
#define LARGE_THREADS 20000
#define SETTLE_MS     3000 /* the daemon gives memory back 2 s after a Synchronize */
#define TEXT_MAX      96
#define TURNS         "podresctrl_loop_turn_duration_seconds"

struct node {
	const struct world *w;
	struct floor floor;
	struct rig_sync sync;            /* nothing else to do */
	struct rig_sync busy;            /* while events come as fast as they are answered */
	struct child_memory empty, full; /* of the last round */
	struct child_memory settled;     /* likewise, if it was waited for */
	bool wants_settled;
	double registered_ms, registered_cpu_ms;
	uint64_t turns, long_turns; /* of the daemon's loop, in a round of their own */
	size_t placed;              /* threads, by what the kernel lists */
};

static void add_memory_rows(const struct node *n, struct table *t)
{
	const struct child_memory *empty = &n->empty, *busy = &n->full, *full = &n->settled;
	unsigned pods = n->w->size.pods;
	char what[TEXT_MAX];

	table_add(t, "from exec to registered and synchronized with NRI", cell_ms(n->registered_ms),
		  cell_none, cell_none,
		  cell_time_aim(n->w->bench, "100 ms", n->registered_ms < 100));
	table_add(t, "  CPU of it", cell_ms(n->registered_cpu_ms), cell_none, cell_none, cell_none);

	(void)snprintf(what, sizeof(what), "RSS with %u pods of %d containers", pods, CONTAINERS);
	table_add(t, what, cell_mb(full->rss_kb), cell_none, cell_none,
		  cell_aim("4 MB", full->rss_kb * 1024 <= RSS_AIM_KB * 1000ull));
	table_add(t, "  of that anonymous (heap, stack, relocated data)", cell_mb(full->anon_kb),
		  cell_none, cell_none, cell_none);
	table_add(t, "  of that pages of files (program, libraries)", cell_mb(full->file_kb),
		  cell_none, cell_none, cell_none);
	table_add(t, "  of that private, in no other process", cell_mb(full->private_kb), cell_none,
		  cell_none, cell_none);
	table_add(t, "RSS right after that Synchronize", cell_mb(busy->rss_kb), cell_none,
		  cell_none, cell_none);
	table_add(t, "RSS right after the start, without pods", cell_mb(empty->rss_kb), cell_none,
		  cell_none, cell_none);
}

static void keep_best(struct rig_sync *best, const struct rig_sync *s)
{
	keep_least(&best->answered_ms, s->answered_ms);
	keep_least(&best->placed_ms, s->placed_ms);
	keep_least(&best->cpu_ms, s->cpu_ms);
	keep_least(&best->longest_wait_us, s->longest_wait_us);
	best->bytes = s->bytes;
	best->is_by_silence |= s->is_by_silence;
}

static int read_turns(struct node *n, struct err *e)
{
	static char answer[SCRAPE_MAX];
	uint64_t at_most = 0;
	int r = scrape(n->w->bench, answer, e);

	if (r >= 0)
		r = scraped_number(answer, TURNS "_bucket{le=\"0.02\"}", &at_most, e);
	if (r == 0)
		r = scraped_number(answer, TURNS "_count", &n->turns, e);
	n->long_turns = n->turns - at_most;
	return r;
}

/* From the start on, and with events; only a daemon that serves metrics can tell. */
static int turns_round(struct node *n, struct err *e)
{
	struct rig_sync sync;
	struct rig rig;
	int r;

	need_rmids(n->w->bench, n->w->size.pods);
	scrape_enable(n->w->bench, true);
	r = rig_open(n->w->bench, "0", &rig, e);
	scrape_enable(n->w->bench, false);
	if (r < 0)
		return r;
	r = rig_synchronize(&rig, n->w, true, &sync, e);
	if (r == 0)
		r = read_turns(n, e);
	rig_close(&rig);
	return r;
}

static int node_round(struct node *n, bool want_events, struct err *e)
{
	struct rig_sync sync;
	struct rig rig;
	int r;

	need_rmids(n->w->bench, n->w->size.pods);
	r = rig_open(n->w->bench, "0", &rig, e);
	if (r < 0)
		return r;
	child_memory(&rig.child, &n->empty);
	r = rig_synchronize(&rig, n->w, want_events, &sync, e);
	child_memory(&rig.child, &n->full);
	if (r == 0 && n->wants_settled) {
		pause_ms(SETTLE_MS);
		child_memory(&rig.child, &n->settled);
	}
	keep_least(&n->registered_ms, rig.registered_ms);
	keep_least(&n->registered_cpu_ms, rig.registered_cpu_ms);
	n->placed = world_count_placed(n->w);
	if (r == 0)
		keep_best(want_events ? &n->busy : &n->sync, &sync);
	rig_close(&rig);
	return r;
}

/* Added to what was measured before: the least counts. */
static int node_floor(struct node *n, struct err *e)
{
	struct floor floor;
	int r = floor_measure(n->w, FLOOR_BARE, &floor, e);

	if (r < 0)
		return r;
	keep_least(&n->floor.up_ms, floor.up_ms);
	keep_least(&n->floor.up_cpu_ms, floor.up_cpu_ms);
	floor_done(&floor);
	return 0;
}

/*
 * Each round is a daemon's start: to one that runs, the same Synchronize brings nothing new. The
 * waits of events are measured in rounds of their own: on one CPU, who sends them without a
 * pause takes the time that the daemon would place tasks in.
 */
static int node_measure(struct node *n, bool want_events, struct err *e)
{
	int r = node_floor(n, e);

	for (unsigned i = 0; r == 0 && i < n->w->bench->rounds; i++)
		r = node_round(n, false, e);
	/* Before and after, because a machine that others use, too, has its moments. */
	if (r == 0)
		r = node_floor(n, e);
	for (unsigned i = 0; want_events && r == 0 && i < n->w->bench->rounds; i++)
		r = node_round(n, true, e);
	if (want_events && r == 0)
		r = turns_round(n, e);
	return r;
}

static void add_sync_notes(const struct node *n, struct table *t)
{
	const struct world *w = n->w;

	if (w->bench->is_real)
		table_note(
			t,
			"Synchronize of %u pods: %zu kB; afterwards the kernel listed %zu of %zu "
			"threads in their groups.",
			w->size.pods, n->sync.bytes / 1000, n->placed,
			w->nr_containers * w->size.threads);
	else
		table_note(t, "Synchronize of %u pods: %zu kB.", w->size.pods,
			   n->sync.bytes / 1000);
	if (n->sync.is_by_silence)
		table_note(t,
			   "  The end of placing was told by the daemon's CPU clock, not its log.");
}

static void add_busy_rows(const struct node *n, struct table *t, const char *aim, double aim_us)
{
	const struct rig_sync *s = &n->busy;

	table_add(t, "  while events come without a pause: placed", cell_ms(s->placed_ms),
		  cell_none, cell_none, cell_none);
	table_add(t, "    longest wait of one of them", cell_ms(s->longest_wait_us / 1000),
		  cell_none, cell_none,
		  cell_time_aim(n->w->bench, aim, s->longest_wait_us <= aim_us));
	table_add(t, "    turns of the loop longer than 20 ms", cell_part(n->long_turns, n->turns),
		  cell_none, cell_none, cell_time_aim(n->w->bench, "none", n->long_turns == 0));
}

static void add_sync_rows(const struct node *n, struct table *t)
{
	const struct rig_sync *s = &n->sync;
	const struct floor *f = &n->floor;
	bool is_large = n->busy.longest_wait_us > 0;
	char what[TEXT_MAX];

	(void)snprintf(what, sizeof(what), "Synchronize of %u pods, %zu containers: answered",
		       n->w->size.pods, n->w->nr_containers);
	table_add(t, what, cell_ms(s->answered_ms), cell_none, cell_none,
		  is_large ? cell_time_aim(n->w->bench, "50 ms", s->answered_ms < 50) : cell_none);
	table_add(t, "  all tasks placed", cell_ms(s->placed_ms), cell_ms(f->up_ms),
		  cell_ratio(s->placed_ms, f->up_ms),
		  is_large ? cell_call_aim(n->w->bench, "4 x", s->placed_ms <= 4 * f->up_ms)
			   : cell_none);
	table_add(t, "  CPU of it", cell_ms(s->cpu_ms), cell_ms(f->up_cpu_ms),
		  cell_ratio(s->cpu_ms, f->up_cpu_ms), cell_none);
	if (is_large)
		add_busy_rows(n, t, "5 ms", 5000);
	add_sync_notes(n, t);
}

int measure_memory(const struct bench *b, struct table *t, struct err *e)
{
	struct node n = {.wants_settled = true};
	struct world *w;
	int r = world_new(b, (struct world_size){b->pods, CONTAINERS, THREADS}, &w, e);

	if (r < 0)
		return r;
	n.w = w;
	r = node_measure(&n, false, e);
	if (r == 0) {
		add_memory_rows(&n, t);
		add_sync_rows(&n, t);
	}
	world_free(w);
	return r;
}

int measure_synchronize(const struct bench *b, struct table *t, struct err *e)
{
	struct node n = {.w = NULL};
	struct world *w;
	int r = world_new(b, (struct world_size){b->sync_pods, CONTAINERS, 1}, &w, e);

	if (r < 0)
		return r;
	n.w = w;
	r = node_measure(&n, true, e);
	if (r == 0)
		add_sync_rows(&n, t);
	world_free(w);
	return r;
}

/* ---- one very large container ---- */

static void add_large_rows(const struct node *n, struct table *t)
{
	const struct rig_sync *s = &n->sync;
	char what[TEXT_MAX];

	(void)snprintf(what, sizeof(what), "Synchronize of one container of %d threads: placed",
		       LARGE_THREADS);
	table_add(t, what, cell_ms(s->placed_ms), cell_ms(n->floor.up_ms),
		  cell_ratio(s->placed_ms, n->floor.up_ms), cell_none);
	add_busy_rows(n, t, "20 ms", 20000);
}

/* On the fakes only: an emulated CPU takes minutes to make so many threads. */
int measure_large(const struct bench *b, struct table *t, struct err *e)
{
	struct node n = {.w = NULL};
	struct world *w;
	int r = b->is_real ? 0 : world_new(b, (struct world_size){1, 1, LARGE_THREADS}, &w, e);

	if (r < 0 || b->is_real)
		return r;
	n.w = w;
	r = node_measure(&n, true, e);
	if (r == 0)
		add_large_rows(&n, t);
	world_free(w);
	return r;
}

/* ---- the audit ---- */

/*
 * The daemon visits its containers one after the other, evenly over the interval, so a part
 * of the interval is as good as all of it. In percent of one core.
 */
static double idle_percent(const struct rig *rig)
{
	double least = 0;

	pause_ms(WINDOW_MS);
	for (unsigned i = 0; i < rig->bench->rounds && !bench_interrupted; i++) {
		uint64_t cpu = child_cpu_ns(&rig->child), wall = wall_ns();

		pause_ms(WINDOW_MS);
		keep_least(&least, (double)(child_cpu_ns(&rig->child) - cpu) * 100.0 /
					   (double)(wall_ns() - wall));
	}
	return least;
}

static int audit_of(const struct world *w, struct table *t, struct err *e)
{
	struct rig_sync sync;
	struct rig rig;
	double percent;
	char what[TEXT_MAX];
	int r;

	need_rmids(w->bench, w->size.pods);
	r = rig_open(w->bench, "30s", &rig, e);
	if (r < 0)
		return r;
	r = rig_synchronize(&rig, w, false, &sync, e);
	percent = r < 0 ? 0 : idle_percent(&rig);
	rig_close(&rig);
	if (r < 0)
		return r;
	(void)snprintf(what, sizeof(what), "idle: audit of %u pods, %zu threads, of one core",
		       w->size.pods, w->nr_containers * w->size.threads);
	table_add(t, what, cell_percent(percent), cell_none, cell_none,
		  cell_time_aim(w->bench, "0.1 %", percent < 0.1));
	return 0;
}

int measure_audit(const struct bench *b, struct table *t, struct err *e)
{
	struct world_size size = {b->audit_pods, AUDIT_PER_POD, AUDIT_THREADS};
	struct world *w;
	int r = world_new(b, size, &w, e);

	if (r < 0)
		return r;
	r = audit_of(w, t, e);
	world_free(w);
	return r;
}
