/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside of the core: its records and what its files offer each other.
 *
 *   events.c      what the runtime tells          view.c        the state, to read
 *   pods.c        pods and their sandboxes        retry.c       failed things, tried again
 *   groups.c      a pod's group: made, lost       audit.c       placed things, looked at again
 *   containers.c  containers and their states     tombstones.c  groups that must still go
 *   place.c       one placement of tasks          cleanup.c     orphans, after Synchronize
 *   sync.c        Synchronize as a difference     emit.c        events and notices
 *   work.c        the order of queued work        core.c        the whole, made and freed
 *   tune.c        what can be changed meanwhile
 */

#include "core.h"
#include "list.h"
#include "strmap.h"
#include "texts.h"

#include <errno.h>

#define TEXT_MAX       640  /* longest message for people, with NUL */
#define SPLIT_PATH_MAX 1024 /* longest cgroups_path that is kept without its id, with NUL */

enum pod_state {
	POD_QUEUED, /* known from Synchronize, its group not tried yet; no event so far */
	POD_EXISTS,
	POD_FAILED,
	POD_RELEASED, /* its sandbox stopped and gave the group back; no longer reported */
};

struct sandbox {
	const char *id; /* of core->texts */
	struct pod *pod;
	struct list link; /* in pod->sandboxes */
	uint32_t gen;     /* the Synchronize that listed it last */
	bool stopped;
};

/* What the last event of a pod said. */
struct told {
	bool announced;
	enum core_group_state state;
	unsigned total, reconciled;
	char *parent; /* of the group, where the path is below it; NULL: the root's, or no group */
};

struct pod {
	char *uid, *name, *cgroup_parent;
	char *group_name;
	const char *namespace_; /* of core->texts */
	struct list link;       /* in core->pod_list */
	struct list state_link; /* in core->pod_queue, ->failed or ->pod_ring, as STATE says */
	struct list sandboxes, containers;
	uint32_t gen;
	enum pod_state state;

	char *path; /* of the group, relative to the root; NULL unless it exists */
	/* The control group it is below, of core->texts; NULL and "": the root's. */
	const char *parent;
	uint64_t dev, ino;

	unsigned total, reconciled;
	struct told told;
	bool detail_dirty; /* something a reader sees changed that is in no event */

	int code;      /* why it failed */
	char *message; /* likewise, for people */
	unsigned attempts;
	struct core_retry_report *retry; /* asked for and not answered yet; NULL: none */
	bool put_off;                    /* its group is made by queued work, before all else */
	uint64_t retry_at;
	uint64_t calm_at; /* a group lost again before this is not repaired at once */
};

enum container_state {
	CONTAINER_QUEUED, /* waits for its first placement; not counted yet */
	CONTAINER_PARTIAL,
	CONTAINER_RECONCILED,
};

enum container_place {
	NOWHERE,
	IN_QUEUE,
	IN_PARTIAL,
	IN_RING,
};

struct container {
	char *id;
	const char *sandbox_id, *name; /* of core->texts */
	/*
	 * Likewise: linux.cgroups_path, or, as the runtimes name cgroups so, what comes before the
	 * id in it, which the containers of a pod have in common. See container_cgroups_path().
	 */
	const char *cgroups_path;
	char *want_uid;        /* of a container without pod: the pod it named */
	struct pod *pod;       /* NULL: not known yet (NoPod) */
	struct list link;      /* in pod->containers or core->nopod */
	struct list work_link; /* in core->container_queue, ->partial or ->container_ring */
	enum container_place where : 8;
	enum container_state state : 8;
	bool cgroups_path_lacks_id;
	bool created; /* not started yet */
	bool stopped; /* ended; has no tasks to place any more */
	bool placed;  /* has tasks in the group, though perhaps not all */
	bool put_off; /* the runtime was answered too early for it: its steps come first */
	bool asked;   /* a retry of its pod that was asked for waits for it */
	uint32_t gen, pass;
	pid_t pid;
	unsigned steps;      /* made, of a placement too large for one; 0: none under way */
	unsigned in_vain;    /* of these: after which no fewer were left than ever before */
	unsigned least_left; /* tasks in REST, after any of these */

	int code;           /* what the last try came to */
	const char *reason; /* static text; NULL: none */
	char *message;
	unsigned attempts, audits;
	uint64_t retry_at;

	struct rs_tids known; /* what the last good placement saw, sorted */
	struct rs_tids rest;  /* of a placement in steps: seen, and not written yet; sorted */
};

struct tombstone {
	char *path;
	bool doubtful; /* perhaps there never was such a group */
	struct list link;
	unsigned attempts;
	uint64_t due;
};

/* Members are visited one after the other, each once per audit interval. */
struct ring {
	struct list head;
	size_t nr;
	uint64_t next_us; /* the turn of the next member */
	uint64_t wake_ms; /* no turn is looked for before; 0: something changed */
};

struct sweep {
	bool pending;
	bool wipe; /* also the groups of live pods that were not taken over yet */
	unsigned steps;
	unsigned attempts; /* that could not read the tree */
	uint64_t due;
	struct rs_cleanup_report sum;
	struct strmap undeletable; /* paths whose rmdir failed in this sweep */
};

enum sync_phase {
	SYNC_DONE, /* none is being taken */
	SYNC_PODS,
	SYNC_MISSING_PODS, /* known and not listed */
	SYNC_CONTAINERS,
	SYNC_REPORTS,
};

/* A Synchronize that is being taken; the arrays are the caller's. */
struct sync {
	enum sync_phase phase;
	const struct core_pod *pods;
	size_t nr_pods;
	const struct core_container *containers;
	size_t nr_containers;
	size_t left; /* of what the phase walks over */
};

struct core {
	struct core_config config;
	char *prefix, *root; /* what its strings point to */
	struct core_deps deps;
	uint32_t random;

	struct strmap pods, groups, sandboxes, containers; /* by uid, group name, id, id */
	struct texts texts;                                /* what their records have in common */
	struct list pod_list;
	struct list pod_queue, failed; /* failed: oldest first */
	struct list nopod;
	struct list container_queue, partial;
	struct ring pod_ring, container_ring;
	struct list tombstones;
	size_t nr_tombstones;
	struct sweep sweep;

	uint32_t gen, pass;
	struct sync sync;
	bool sync_busy, synchronized;
	uint64_t retry_due;     /* nothing is to be retried before; may be too early, never late */
	uint64_t tombstone_due; /* likewise */
	uint64_t events_emitted;
	bool may_put_off; /* groups too: the runtime waits */
	uint64_t put_off;
	uint64_t timer_retries_good, timer_retries_bad, pod_audits, container_audits;

	struct rs_tids seen;    /* the last enumeration of a container's tasks */
	struct rs_tids placed;  /* of these, when not all are in the group: those that are */
	struct rs_tids untried; /* and those that there was no time for */
	struct rs_capacity capacity;
	uint64_t capacity_at;
	bool capacity_known;

	char *view_path, *view_text;
	size_t view_path_size;
	struct core_container_view *view_containers;
	size_t view_size;
};

/* ---- strings ------------------------------------------------------------------------- */

static inline const char *str_or_empty(const char *s)
{
	return s ? s : "";
}

/* Make *P a copy of S; on -ENOMEM *P keeps what it was. */
MUST_CHECK int str_set(char **p, const char *s);

/* 0 for an id that can be one: not empty, not longer than CORE_ID_MAX. */
bool id_is_valid(const char *id);

uint32_t core_random(struct core *core);

static inline enum core_hurry core_hurry(const struct core *core)
{
	return core->deps.hurry ? core->deps.hurry(core->deps.ctx) : CORE_NO_HURRY;
}

/* ---- emit.c ----------------------------------------------------------------------------- */

void notice(struct core *core, enum core_notice_kind kind, const struct pod *pod,
	    const struct container *c, const char *fmt, ...) PRINTF_LIKE(5, 6);
void notice_ignored(struct core *core, const char *what, const char *id, const char *why);

/* The runtime is answered before all was done for POD or its container C (may be NULL). */
void notice_put_off(struct core *core, const struct pod *pod, const struct container *c);

/* Report POD's present state, unless the last event said just that. */
void pod_report(struct core *core, struct pod *pod);
void pod_report_removed(struct core *core, struct pod *pod);

/* ---- pods.c ----------------------------------------------------------------------------- */

struct pod *pod_find(struct core *core, const struct core_pod *in);

/* The pod of IN, made when it is new (then POD_QUEUED); NULL, with a notice, when it cannot be. */
struct pod *pod_admit(struct core *core, const struct core_pod *in);

/* Forget it and all its containers, say so, and have its group removed. */
void pod_drop(struct core *core, uint64_t now_ms, struct pod *pod);
void pod_free(struct core *core, struct pod *pod);
void sandbox_drop(struct core *core, struct sandbox *sandbox);
void pod_set_state(struct core *core, struct pod *pod, enum pod_state state);
/* Forget its containers, give the group back, report it as Removed. */
void pod_release(struct core *core, uint64_t now_ms, struct pod *pod);
bool pod_has_stopped(const struct pod *pod); /* all of its sandboxes have */

/* ---- groups.c --------------------------------------------------------------------------- */

/* One attempt. The state becomes POD_EXISTS or POD_FAILED; returns 0 or the code of the failure. */
int group_try(struct core *core, uint64_t now_ms, struct pod *pod, struct err *e);

/*
 * The same while the runtime waits: when the obvious way failed and there is no time for the
 * others, the pod stays POD_QUEUED, as the first of its queue.
 */
void group_try_in_time(struct core *core, uint64_t now_ms, struct pod *pod);

/* The group went away under us: make it again, once, and have its containers placed again. */
void group_lost(struct core *core, uint64_t now_ms, struct pod *pod, const char *why);

/* See to it that no group of POD stays behind, as far as it can have one. */
void group_discard(struct core *core, uint64_t now_ms, const struct pod *pod);

/* The pod's group follows its container's tasks below another control group. */
MUST_CHECK int group_follow(struct core *core, uint64_t now_ms, struct container *c, struct err *e);

static inline bool is_capacity(int code)
{
	return code == -ENOSPC || code == -EBUSY;
}

/* ---- containers.c ----------------------------------------------------------------------- */

struct container *container_new(struct core *core, const struct core_container *in);
int container_update(struct core *core, struct container *c, const struct core_container *in);
void container_bind(struct core *core, struct container *c, struct pod *pod);
void container_free(struct core *core, struct container *c);

/* As the runtime told it; in BUF or in C. */
const char *container_cgroups_path(const struct container *c, char buf[SPLIT_PATH_MAX]);

/* Every change of a state goes through here, so the counters always agree with a recount. */
void container_set_state(struct core *core, struct container *c, enum container_state state);
void container_partial(struct core *core, uint64_t now_ms, struct container *c, const char *reason,
		       const char *message);

/* Likewise, for one that waits for something else: nothing was tried, so nothing is told. */
void container_wait(struct core *core, struct container *c, const char *reason,
		    const char *message);

/* Put C into the list its state asks for. */
void container_requeue(struct core *core, struct container *c);
void container_queue_again(struct core *core, struct container *c);

/* Leave C to queued work, where it comes first, because the runtime is to be answered. */
void container_put_off(struct core *core, struct container *c);

enum try {
	TRY_STEP, /* enumerate and write everything, in steps of config.step_tasks */
	TRY_INIT, /* likewise; the threads of the parked init are all there is */
	TRY_NEW,  /* likewise; do not write again what the last good placement saw */
};

/*
 * Place C as far as its pod allows. 0 when it is Reconciled now, -EINPROGRESS when the rest of
 * its tasks is queued, else why not. No report.
 */
int container_try(struct core *core, uint64_t now_ms, struct container *c, enum try how,
		  struct err *e);

/* A placement in steps is over, or begins anew. */
void container_end_steps(struct container *c);

/* Look at a placed container again; FULL writes all its tasks, else only new ones. No report. */
int container_audit(struct core *core, uint64_t now_ms, struct container *c, bool full);

/* Containers that waited for this pod become its own, to be placed by queued work. */
void nopod_promote(struct core *core, struct pod *pod);

/* ---- place.c ---------------------------------------------------------------------------- */

struct placing {
	bool init_only;
	bool only_new; /* do not write again what the last good placement saw */
	bool first;    /* what is left goes before all other queued work */
	bool lost;     /* result: the group is not there any more */
	bool no_tasks; /* result: the task source failed, or there are none */
	size_t fresh;  /* result: tasks that the last good placement had not seen */
};

/* A parked init has fewer threads. So many are written before it runs even in a hurry. */
#define PLACE_INIT_MAX 32
/* Who makes new tasks as fast as so many steps place them waits for a retry. */
#define PLACE_IN_VAIN_MAX 1000
/* Steps of one that was put off; after these it waits its turn, as others do. */
#define PUT_OFF_STEPS_MAX 64

/*
 * One rs_reconcile(). 0: every task is in the group. -EAGAIN: some are missing. -EINPROGRESS:
 * config.step_tasks were written, or as many as there was time for, and there are more, or may be;
 * go on with only_new.
 */
int place_tasks(struct core *core, struct container *c, struct placing *p, struct err *e);

/* ---- the rest ---------------------------------------------------------------------------- */

void tombstone_add(struct core *core, uint64_t now_ms, const char *path);
void tombstone_add_doubtful(struct core *core, uint64_t now_ms, const char *path);
void tombstone_cancel(struct core *core, const char *path);
/* Try the first MAX tombstones, due or not; returns how many groups went away. */
size_t tombstones_try(struct core *core, uint64_t now_ms, size_t max);
/* Retries have just been switched on or off, or have another pace. */
void tombstones_rearm(struct core *core, uint64_t now_ms);
bool tombstone_step(struct core *core, uint64_t now_ms);
void tombstone_free(struct core *core, struct tombstone *t);

void cleanup_start(struct core *core);
/* False when there is nothing to sweep now. */
bool cleanup_step(struct core *core, uint64_t now_ms);
void cleanup_now(struct core *core); /* a sweep that waits for its next attempt is due */
void cleanup_done(struct core *core);

uint64_t backoff_ms(struct core *core, uint64_t first_ms, unsigned attempts);
void retry_arm_pod(struct core *core, uint64_t now_ms, struct pod *pod);
void retry_arm_container(struct core *core, uint64_t now_ms, struct container *c);
void retry_group_went_away(struct core *core, uint64_t now_ms);
bool retry_step(struct core *core, uint64_t now_ms);

void ring_add(struct ring *ring, struct list *item);
void ring_del(struct ring *ring, struct list *item);
bool audit_step(struct core *core, uint64_t now_ms);
uint64_t audit_next_ms(const struct core *core);

/* The message of a failed group for people: what, and what happens next. */
void explain_group_failure(struct core *core, uint64_t now_ms, const struct err *e, char *buf,
			   size_t size);
