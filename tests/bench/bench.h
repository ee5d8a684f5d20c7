/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of the benchmark. It starts the real daemon as a child, plays the runtime, and
 * measures from outside: answers at the socket, CPU and memory by what the kernel accounts.
 * Nothing here judges: a figure that misses its aim is printed, not failed.
 */

#include "err.h"
#include "nri.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define BENCH_NODE   "bench"
#define BENCH_PREFIX "prbench-" /* of groups; what a broken run left is removed by it */

struct bench {
	const char *daemon; /* path of the program */
	bool is_real;       /* kernel resctrl, cgroups and processes; else fakes of all three */
	unsigned pods;      /* for events and memory */
	unsigned sync_pods; /* for the large Synchronize */
	unsigned audit_pods;
	/*
	 * Other work on the machine only ever adds to a time, so sums are taken this often and
	 * the least counts, for the floor and for the daemon alike.
	 */
	unsigned rounds;
	unsigned rmids;   /* groups the kernel can have; 0: does not matter */
	bool is_emulated; /* a CPU in software: times compare with the floor, not with aims */
	char dir[PATH_MAX - 256]; /* scratch, on a tmpfs when there is one */
	const char *kubeconfig;   /* of the API server that the daemon publishes to; NULL: none */
};

/* ---- clock.c: times in ns, and samples of them ---- */

uint64_t wall_ns(void);
uint64_t own_cpu_ns(void);
void pause_ms(unsigned ms);

/* Set by SIGINT and SIGTERM: loops end early and everything is taken down as always. */
extern volatile sig_atomic_t bench_interrupted;

void say(const char *fmt, ...) PRINTF_LIKE(1, 2); /* how far it is; to stderr */

struct samples {
	uint64_t *ns;
	size_t nr, size;
	bool is_sorted;
};

void samples_add(struct samples *s, uint64_t ns); /* without memory the sample is lost */
void samples_add_all(struct samples *to, const struct samples *from);
double samples_us(struct samples *s, double part); /* 0.5 is the median; 0 when there are none */
void samples_done(struct samples *s);

/* ---- world.c: pods, their containers and tasks ---- */

struct world_size {
	unsigned pods, containers /* per pod */, threads /* per container */;
};

struct world {
	const struct bench *bench;
	struct world_size size;
	struct nri_pod *pods;
	struct nri_container *containers; /* those of pod 0 first */
	size_t nr_containers;
	pid_t *tids; /* those of container 0 first; each one's init is its first */
};

MUST_CHECK int world_new(const struct bench *b, struct world_size size, struct world **ret,
			 struct err *e);
void world_free(struct world *w); /* ends the processes, removes cgroups and groups */

static inline const pid_t *world_tids(const struct world *w, size_t container)
{
	return &w->tids[container * w->size.threads];
}

/* Where the daemon finds this world. */
void world_cgroup_root(const struct bench *b, char buf[PATH_MAX]);
void world_proc_root(const struct bench *b, char buf[PATH_MAX]);

/* Remove the groups of ours; real mode only. Returns how many there were. */
unsigned world_remove_groups(const struct bench *b);

/* How many of the world's tasks the kernel lists in their pods' groups. Real mode only. */
size_t world_count_placed(const struct world *w);

/* ---- world_cgroup.c, world_fake.c: the two kinds of it; TIDS has room for size.threads ---- */

int cgroup_begin(struct err *e); /* also removes what a broken run left */
int cgroup_add_pod(const struct nri_pod *pod, struct err *e);
int cgroup_add_container(const struct nri_container *container, unsigned threads, pid_t *tids,
			 struct err *e);
void cgroup_remove_container(const struct nri_container *container, pid_t init /* killed */);
void cgroup_remove_pod(const struct nri_pod *pod);
void cgroup_end(void);

int fake_add_pod(const struct bench *b, const struct nri_pod *pod, struct err *e);
int fake_add_container(const struct bench *b, const struct nri_container *container,
		       unsigned threads, const pid_t *tids, struct err *e);

/* Remove PATH and everything below it, as far as it can be. */
void remove_tree(const char *path);

/* ---- child.c: the daemon ---- */

struct child {
	pid_t pid;
	clockid_t cpu_clock;
	char log[PATH_MAX], socket[PATH_MAX];
};

struct child_memory {
	uint64_t rss_kb, anon_kb, file_kb, private_kb;
};

/* AUDIT: the value of --audit-interval. The socket must be there already. */
MUST_CHECK int child_start(const struct bench *b, const char *audit, struct child *ret,
			   struct err *e);
void child_stop(struct child *c);
uint64_t child_cpu_ns(const struct child *c);
void child_memory(const struct child *c, struct child_memory *ret);
void child_wait_quiet(const struct child *c); /* until it uses no CPU; at most 5 s */

long child_log_size(const struct child *c);

/*
 * Is there a whole line with TEXT in the log, from *FROM on? *FROM moves behind what was
 * read, so that asking again is cheap. LINE may be NULL.
 */
bool child_log_find(const struct child *c, const char *text, long *from, char *line, size_t size);

void child_print_log_end(const struct child *c); /* to stderr, when something went wrong */

/* ---- floor.c: the bare system calls ---- */

struct floor {
	struct samples mkdir, place, rmdir; /* one call; one container: open, writes, close */
	double cpu_ms;                      /* of all of it */
	double up_ms, up_cpu_ms;            /* of all mkdir and place: what Synchronize brings */
};

enum floor_kind {
	FLOOR_BARE,    /* one write for each thread; no samples, only the sums */
	FLOOR_LISTS,   /* likewise, all threads of a container in one write: kernels from 6.7 on */
	FLOOR_SAMPLED, /* as FLOOR_BARE with samples; the clock's own cost is in the sums */
};

MUST_CHECK int floor_measure(const struct world *w, enum floor_kind kind, struct floor *ret,
			     struct err *e);
void floor_done(struct floor *f);

/* A message to a process that does nothing but answer, and back. */
MUST_CHECK int floor_round_trip(struct samples *ret, struct err *e);

/* ---- table.c ---- */

struct cell {
	char text[40];
};

struct table;

struct table *table_new(const char *title); /* NULL without memory */
void table_free(struct table *t);
void table_add(struct table *t, const char *what, struct cell value, struct cell floor,
	       struct cell ratio, struct cell aim);
void table_note(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void table_print(const struct table *t);

extern const struct cell cell_none;
struct cell cell_us(double us);
struct cell cell_p50_p99(struct samples *s);
struct cell cell_ms(double ms);
struct cell cell_mb(uint64_t kb);
struct cell cell_part(uint64_t part, uint64_t all); /* "3 of 120" */
struct cell cell_percent(double percent);
struct cell cell_ratio(double value, double floor);
struct cell cell_aim(const char *text, bool is_reached); /* "4 x: reached" */

/* For aims that are times: they are about a real CPU. */
struct cell cell_time_aim(const struct bench *b, const char *text, bool is_reached);
/* For ratios to bare system calls: they are about a tree that is reached by system calls. */
struct cell cell_call_aim(const struct bench *b, const char *text, bool is_reached);

static inline void keep_least(double *least, double value)
{
	if (*least <= 0 || value < *least)
		*least = value;
}

/* ---- rig.c: the daemon, connected to a runtime that knows of nothing yet ---- */

struct fake_runtime;

struct rig {
	const struct bench *bench;
	struct fake_runtime *runtime;
	struct child child;
	bool has_audit;
	/* From fork and exec to the answer to Configure and Synchronize, and the CPU time of it. */
	double registered_ms, registered_cpu_ms;
};

/* AUDIT: the value of --audit-interval. On failure nothing is left to close. */
MUST_CHECK int rig_open(const struct bench *b, const char *audit, struct rig *ret, struct err *e);
void rig_close(struct rig *rig);

struct rig_sync {
	double answered_ms; /* all parts of the message, from the first byte to the last answer */
	double placed_ms;   /* from the first byte until every container is placed */
	double longest_wait_us; /* of an event that came while the tasks were being placed */
	double cpu_ms;          /* of the daemon, for all of it */
	size_t bytes;
	bool is_by_silence; /* the daemon did not say when it was done: its CPU clock stood still */
};

/* Send W as a Synchronize, with events in between if WANT_EVENTS, and see it placed. */
MUST_CHECK int rig_synchronize(struct rig *rig, const struct world *w, bool want_events,
			       struct rig_sync *ret, struct err *e);

/* ---- the daemon's own metrics (scrape.c) ---- */

#define SCRAPE_MAX (256u << 10)

/* Whether the daemons that are started from now on have a control socket; at first they have none.
 */
void scrape_enable(const struct bench *b, bool is_on);
/* One scrape, headers included, with a NUL at its end. Returns its length. */
MUST_CHECK int scrape(const struct bench *b, char answer[SCRAPE_MAX], struct err *e);
/* The value of SERIES ('name{le="0.02"}'); -ENOENT. */
MUST_CHECK int scraped_number(const char *answer, const char *series, uint64_t *ret, struct err *e);

/* ---- the measurements; each prints its rows into T ---- */

MUST_CHECK int measure_events(const struct bench *b, struct table *t, struct err *e);
MUST_CHECK int measure_memory(const struct bench *b, struct table *t, struct err *e);
MUST_CHECK int measure_publishing(const struct bench *b, struct table *t, struct err *e);
MUST_CHECK int measure_synchronize(const struct bench *b, struct table *t, struct err *e);
MUST_CHECK int measure_large(const struct bench *b, struct table *t, struct err *e);
MUST_CHECK int measure_audit(const struct bench *b, struct table *t, struct err *e);
MUST_CHECK int measure_scrape(const struct bench *b, struct table *t, struct err *e);
MUST_CHECK int measure_decode(const struct bench *b, struct table *t, struct err *e);

/*
 * To be called before NR groups are made: waits when so many RMIDs may not be free, because
 * those of removed groups drain.
 */
void need_rmids(const struct bench *b, unsigned nr);
