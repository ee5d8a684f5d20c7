/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The brain of podresctrld: pods, containers, counters, what to emit, what to retry. It
 * learns of the world by calls with the current time, reaches tasks and groups only
 * through what it is given, and reports by one callback. No clock, no system call, no
 * log of its own; so every history is a deterministic test.
 *
 * Work that may be slow is queued and done by core_work() in slices; the calls that come
 * from NRI events do only what must be done before the runtime is answered, and leave even of
 * that the rest to core_work(), which then begins with it, when they are told to hurry.
 *
 * Event model (docs/events.md): AddOrUpdate{uid, group state, total, reconciled} | Removed{uid},
 * one per change and none without a change.
 */

#include "resctrl.h"

#include <stdbool.h>
#include <stdint.h>

struct core;

/* ---- what the runtime says ----------------------------------------------------------- */

#define CORE_ID_MAX 255 /* longest pod UID, sandbox id or container id, in bytes */

/* More than these are left aside with CORE_NOTICE_IGNORED, so that memory stays bounded. */
#define CORE_PODS_MAX       4096
#define CORE_CONTAINERS_MAX 65536

/* All strings are borrowed for the call; NULL reads as "". */
struct core_pod {
	const char *uid;        /* as the runtime knows it; of a static pod, its config hash */
	const char *sandbox_id; /* one UID can have several sandboxes, one after the other */
	const char *namespace_;
	const char *name;
	const char *cgroup_parent;
};

struct core_container {
	const char *id;
	const char *sandbox_id;
	const char *name;
	const char *cgroups_path; /* linux.cgroups_path, both drivers' forms */
	pid_t pid;                /* of its init, 0 when not told */
	bool running;             /* false: created but not started, or exited */
	bool created; /* not running because it was not started yet; else it has ended */
};

/* ---- what the core needs ------------------------------------------------------------- */

/* How to find a container; borrowed for the call. */
struct core_task_query {
	const char *container_id;
	const char *cgroups_path;
	const char *cgroup_parent;
	pid_t init_pid;
	bool init_only; /* START: the parked init's threads are all there is */
};

struct core_task_ops {
	/* As rs_task_source: append all threads of the container. -ENOENT: no such cgroup. */
	int (*list)(void *ctx, const struct core_task_query *q, struct rs_tids *ret, struct err *e);
	bool (*is_ours)(void *ctx, const struct core_task_query *q, pid_t tid); /* may be NULL */
	/* A placement is over: what list() kept open to look again may go. May be NULL. */
	void (*release)(void *ctx);
	/*
	 * The control group a task is in, "" for the root's (the kernel's
	 * /proc/TID/cpu_resctrl_groups); -EOPNOTSUPP where the kernel does not tell. May be NULL.
	 */
	int (*control_group)(void *ctx, pid_t tid, char *buf, size_t size, struct err *e);
};

enum core_cleanup_mode {
	CORE_CLEANUP_ORPHANS, /* adopt the groups of live pods, remove the rest of ours */
	CORE_CLEANUP_ALL,     /* remove all of ours first, as the seeds say */
	CORE_CLEANUP_OFF,
};

#define CORE_STEP_TASKS 512

/* What of the configuration can be changed later, see core_tune(). */
struct core_tuning {
	unsigned max_reconcile_passes; /* >= 1 */
	uint64_t retry_interval_ms;    /* first automatic retry of a pod; 0: only on request */
	uint64_t retry_backoff_max_ms; /* doubled up to this, with jitter */
	uint64_t audit_interval_ms;    /* re-scan of placed containers; 0: off */
	size_t rmid_reserve;           /* RMIDs left to others */
	bool release_on_sandbox_stop;
};

struct core_config {
	const char *group_prefix;
	const char *root; /* how the tree's root is called in paths people see */
	enum rs_group_kind group_kind;
	enum core_cleanup_mode cleanup_mode;
	/*
	 * Tasks that are written in one step, while others wait; 0: CORE_STEP_TASKS. A few
	 * milliseconds' worth, see core_work().
	 */
	size_t step_tasks;
	uint32_t seed; /* for jitter and hash maps */
	struct core_tuning tuning;
};

/* ---- what the core reports ------------------------------------------------------------- */

enum core_group_state {
	CORE_GROUP_EXISTS,
	CORE_GROUP_FAILED,
};

enum core_container_state {
	CORE_CONTAINER_NO_POD,     /* its pod is not known yet; not counted */
	CORE_CONTAINER_PARTIAL,    /* counted, not (wholly) placed */
	CORE_CONTAINER_RECONCILED, /* every task is in the group */
};

enum core_event_kind {
	CORE_ADD_OR_UPDATE,
	CORE_REMOVED,
};

/* The seeds' event. Strings are valid during the callback. */
struct core_event {
	enum core_event_kind kind;
	const char *pod_uid;
	const char *pod_namespace, *pod_name; /* for people; never NULL */
	/* the rest: CORE_ADD_OR_UPDATE only */
	enum core_group_state group_state;
	const char *group_path; /* absolute; "" when the group does not exist */
	unsigned total_containers;
	unsigned reconciled_containers;
};

/*
 * What else an operator may want to know of; for the log and the publisher. PERSON-readable
 * detail in TEXT; REASON from rs_reason()'s vocabulary or "".
 */
enum core_notice_kind {
	CORE_NOTICE_DETAIL_CHANGED, /* reason, message or a container's state, without an event */
	CORE_NOTICE_GROUP_CREATED,
	CORE_NOTICE_GROUP_ADOPTED,
	CORE_NOTICE_GROUP_FAILED,
	CORE_NOTICE_GROUP_DELETED,
	CORE_NOTICE_GROUP_LOST,
	CORE_NOTICE_DELETE_FAILED, /* rmdir failed; will be tried again */
	CORE_NOTICE_CONTAINER_PLACED,
	CORE_NOTICE_CONTAINER_PARTIAL,
	CORE_NOTICE_AUDIT_MOVED, /* tasks NRI never told of were put into their group */
	CORE_NOTICE_CLEANUP_DONE,
	CORE_NOTICE_PUT_OFF, /* the runtime is answered before all was done; the rest comes next */
	CORE_NOTICE_IGNORED, /* input that cannot be right, and was left aside */
};

struct core_notice {
	enum core_notice_kind kind;
	const char *pod_uid;                  /* "" when it concerns none */
	const char *pod_namespace, *pod_name; /* likewise; none of these is ever NULL */
	const char *container_id;             /* likewise */
	const char *reason;
	const char *text;
};

/* How much time the present call into the core has left. */
enum core_hurry {
	CORE_NO_HURRY,
	CORE_HURRY,      /* others wait for the loop: leave what can be left */
	CORE_ANSWER_NOW, /* the runtime will not wait longer: leave everything */
};

struct core_deps {
	struct rs *rs;
	const struct core_task_ops *tasks;
	void *tasks_ctx;
	void (*on_event)(void *ctx, const struct core_event *event);    /* must not call the core */
	void (*on_notice)(void *ctx, const struct core_notice *notice); /* likewise; may be NULL */
	/* Asked between two kernel calls of placements and the like. May be NULL: there is time. */
	enum core_hurry (*hurry)(void *ctx);
	void *ctx;
};

/* Strings of CONFIG are copied; what DEPS points to must outlive the core. */
MUST_CHECK int core_new(const struct core_config *config, const struct core_deps *deps,
			struct core **ret, struct err *e);
/* With release_on_sandbox_stop, pods that have stopped already are released at once. */
void core_tune(struct core *core, uint64_t now_ms, const struct core_tuning *tuning);

void core_free(struct core *core); /* leaves every group in place, so that counters go on */

/* ---- NRI events. None can fail: a pod never suffers from resctrl ------------------------ */

/*
 * Synchronize: the complete set of pods and containers, which replaces what was known.
 * Only recorded here; groups, first events (0/0 for every pod, then one per container)
 * and cleanup happen in core_work(), which waits until all of it is taken.
 *
 * In steps, because of 1,000 pods it takes longer than an event should have to wait: begin, and
 * step until it returns false. The arrays and their strings must stay as they are until then. No
 * NRI event may come in between; the other calls may. To begin again while one is being taken
 * replaces it.
 */
void core_synchronize_begin(struct core *core, const struct core_pod *pods, size_t nr_pods,
			    const struct core_container *containers, size_t nr_containers);
bool core_synchronize_step(struct core *core, uint64_t now_ms);

/*
 * No more of it will be taken (the runtime is gone): what was made known stays, and what was
 * not listed is perhaps not dropped; the next one decides. Nothing when none is being taken.
 */
void core_synchronize_abandon(struct core *core);

/* All of it in one call. */
void core_synchronize(struct core *core, uint64_t now_ms, const struct core_pod *pods,
		      size_t nr_pods, const struct core_container *containers,
		      size_t nr_containers);

void core_run_pod(struct core *core, uint64_t now_ms, const struct core_pod *pod);
void core_stop_pod(struct core *core, uint64_t now_ms, const struct core_pod *pod);
void core_remove_pod(struct core *core, uint64_t now_ms, const struct core_pod *pod);

/*
 * START_CONTAINER: places every thread of the parked init before it returns. Of more threads than
 * a runtime's init ever has (CORE_STEP_TASKS, and 32 in a hurry), as of any large container later,
 * the rest is queued work. POD may be sparse.
 */
void core_start_container(struct core *core, uint64_t now_ms, const struct core_pod *pod,
			  const struct core_container *container);
void core_post_start_container(struct core *core, uint64_t now_ms, const struct core_pod *pod,
			       const struct core_container *container);
void core_stop_container(struct core *core, uint64_t now_ms, const char *container_id);
void core_remove_container(struct core *core, uint64_t now_ms, const char *container_id);

/* ---- queued work and timers ----------------------------------------------------------- */

/*
 * Do one small step of queued work (a group, a container, a removal, an audit, a due retry).
 * Returns false when there is nothing to do at NOW_MS. The shell calls it again and again
 * until a few milliseconds are spent, then goes back to its loop.
 */
bool core_work(struct core *core, uint64_t now_ms);

/* When core_work() has something to do next (0: at once); UINT64_MAX: not before the next call. */
uint64_t core_next_work_ms(const struct core *core);

/* ---- retries -------------------------------------------------------------------------- */

/*
 * -ENOKEY: no such pod. 0 when the group exists (no event if it did before). Otherwise the
 * error of the attempt (-ENOSPC, -EBUSY are "capacity"), and no event.
 */
MUST_CHECK int core_retry_group_creation(struct core *core, uint64_t now_ms, const char *pod_uid,
					 struct err *e);

/*
 * -ENOKEY: no such container (or its pod went away). Else 0, and *ret_state is its state now;
 * an event only if it became Reconciled. -E* when the attempt itself failed; an empty task
 * list is not a failure, the state stays Partial.
 */
MUST_CHECK int core_retry_container_reconcile(struct core *core, uint64_t now_ms,
					      const char *container_id,
					      enum core_container_state *ret_state, struct err *e);

struct core_retry_report {
	unsigned groups_tried, groups_created;
	unsigned containers_tried, containers_reconciled;
	unsigned errors;          /* attempts that failed, capacity included */
	bool stopped_on_capacity; /* group attempts ended at the first capacity error */
	struct err first_error;
};

/*
 * One pass over all failed pods (oldest first) and partial containers. Never aborts. It is
 * complete when it returns, which may take long: see core_retry_pod() for a loop's sake.
 */
void core_retry_all_once(struct core *core, uint64_t now_ms, struct core_retry_report *ret);

/*
 * What the annotation asks for: the group if it failed, then every container not placed.
 * 0: done, and *ret says what came of it. -EINPROGRESS: there is more to place than in one
 * step of core_work(), which does the rest; core_retry_pod_result() then has the report. To ask
 * again meanwhile begins anew. -ENOKEY: no such pod. -ENOMEM.
 */
MUST_CHECK int core_retry_pod(struct core *core, uint64_t now_ms, const char *pod_uid,
			      struct core_retry_report *ret, struct err *e);

/*
 * 0: the attempt is complete, and *ret is its report, given once. -EINPROGRESS: not yet.
 * -ENOKEY: none is under way, or its pod went away.
 */
MUST_CHECK int core_retry_pod_result(struct core *core, const char *pod_uid,
				     struct core_retry_report *ret);

/* ---- reading the state (publisher, status socket, metrics) ------------------------------- */

struct core_container_view {
	const char *id, *name;
	enum core_container_state state;
	const char *reason, *message; /* "" when Reconciled */
};

/* Strings and the container array are valid until the next call on the core. */
struct core_pod_view {
	const char *uid, *namespace_, *name;
	enum core_group_state group_state;
	const char *group_path; /* absolute; "" unless it exists */
	const char *reason;     /* AllAssigned, Pending, Partial, or rs_reason(); static text */
	const char *message;
	unsigned total_containers, reconciled_containers;
	const struct core_container_view *containers;
	size_t nr_containers;
	bool queued; /* placement of this pod is still under way (Synchronize) */
};

/*
 * false: no such pod. Before a pod's first event (QUEUED and reason Pending) its group state
 * reads CORE_GROUP_FAILED, because there is no group yet.
 */
bool core_pod_view(struct core *core, const char *pod_uid, struct core_pod_view *ret);

/* Calls FN with the UID of every pod. FN must not change the core. */
void core_for_each_pod(const struct core *core, void (*fn)(void *ctx, const char *pod_uid),
		       void *ctx);

struct core_stats {
	size_t pods, containers, pods_failed, containers_partial;
	size_t tombstones;    /* groups whose removal failed and is tried again */
	size_t queued;        /* steps of work waiting */
	size_t pods_existing; /* with their group; the rest of .pods waits for a first attempt */
	size_t containers_reconciled, containers_no_pod;
	size_t containers_no_group; /* of containers_partial: their pod has no group */
	bool synchronized;          /* a Synchronize was received and all its work is done */
	uint64_t events_emitted;
	uint64_t put_off; /* answers that were given before all was done */
	uint64_t timer_retries_good, timer_retries_bad; /* of groups and containers */
	uint64_t pod_audits, container_audits;
};

void core_stats(const struct core *core, struct core_stats *ret);
