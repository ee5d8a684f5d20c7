/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the publisher share; see publisher.h for what it is. */

#include "list.h"
#include "pod_index.h"
#include "publisher.h"
#include "publisher_health.h"
#include "rate_limit.h"
#include "status_render.h"

/* Pods that are gone and whose object is not deleted yet. More are left to the cluster. */
#define GHOSTS_MAX 1024
/* Placement that takes longer than this is published as it stands. */
#define QUEUED_WAIT_MS 10000
/* Publishing problems only: an object outlives the trouble by this. */
#define LINGER_MS 60000
/* Without a pod watch: how often the object of a pod in trouble is looked at. */
#define LOOK_MS 30000

/* What is known of the object with the pod's name. */
enum object_state {
	OBJECT_NONE,    /* there is none of ours */
	OBJECT_UNKNOWN, /* has to be looked up */
	OBJECT_OURS,
	OBJECT_STALE,   /* of another pod that had this name on this node: in the way */
	OBJECT_FOREIGN, /* of another node: not ours to remove */
};

/* What a PATCH that is under way makes of its slot when it arrives. */
struct sent {
	uint64_t since_ms; /* as slot.dirty_since_ms was */
	uint64_t shape, digest;
	struct status_transition conditions[STATUS_CONDITION_MAX];
};

struct slot {
	struct publisher *p;
	struct list active; /* in p->active while there is something to do */
	char *uid;          /* as the runtime knows the pod; the key in p->slots */
	bool alive;         /* the core has it */
	bool displaced;     /* without a pod watch: another pod has its name */

	/* The pod in the API to which it was joined last; NULL before. */
	char *identity; /* NULL before; behind it all that these point to */
	const char *namespace_, *name, *pod_uid;
	bool abandoned; /* its namespace goes away: no more attempts */

	enum object_state object;
	bool quorum; /* the next GET must see the latest state, not a cache */
	bool known;  /* an object of this pod existed: a new token is a request */
	char object_uid[STATUS_UID_MAX + 1];
	char *stale_version; /* resourceVersion of OBJECT_STALE; NULL: not known */
	int64_t generation;
	uint64_t created_ms;
	uint64_t looked_ms; /* when it was looked up last */
	bool has_digest;    /* .digest is what the server has */
	uint64_t digest;
	struct status_memory memory;
	bool has_retry;
	struct status_retry
		*retry; /* the last one handled, if there was; a rare thing, and large */

	/* The trouble that people were told of last: a view's reason, static text; NULL: none. */
	const char *told_trouble;
	uint64_t calm_since_ms; /* when the trouble ended; 0: there was none, or there is */

	/* A change that is not with the server yet. */
	bool dirty;
	bool urgent;             /* to be written without waiting for more */
	uint64_t dirty_since_ms; /* first and */
	uint64_t changed_ms;     /* latest change */

	uint64_t due_ms;        /* not to be looked at before */
	uint64_t not_before_ms; /* back-off of this pod's requests */
	unsigned failures;
	uint64_t patched_ms, patch_gap_ms;
	/* See publisher_restarts.c: of the status that the server has, and since when. */
	uint64_t shape, shaped_ms;
	unsigned restarts; /* writes in a row that left the shape as it was */
	uint64_t recreate_gap_ms;
	bool retried;
	uint64_t retried_ms;
	struct status_retry *attempt; /* under way in the core; NULL: none */
	uint64_t foreign_since_ms;
	bool foreign_told;
	bool refused_told;
	char *refusal;      /* why the last PATCH was found invalid; NULL: it was not */
	unsigned forbidden; /* bit per verb */

	/* The request under way. */
	bool in_flight;
	struct k8s_call *call;
	enum publisher_verb verb;
	struct sent *sent; /* NULL unless it is a PATCH */
};

struct publisher {
	struct publisher_config config;
	char *node_name;
	char *selector;                    /* "spec.nodeName=<node>" */
	char *label_selector, *namespaces; /* as in the configuration; NULL: all */
	struct publisher_deps deps;
	struct pod_index index;
	struct strmap slots; /* by runtime UID */
	struct list active;
	size_t nr_ghosts;
	size_t in_flight;
	struct rate_limit writes, retries;
	struct health health;
	bool started;
	uint64_t open_ms; /* start-up jitter is over */
	uint64_t next_ms;
	/* What the last pass found, and when; PUBLISHER_THROTTLE_MAX: nothing is held up. */
	enum publisher_throttle throttle;
	uint64_t throttle_ms;
	bool watch_synced;
	uint32_t warned; /* hash of the last Warning that was passed on */
	struct publisher_stats stats;
};

/* ---- publisher.c ---- */

/* Have the slot looked at in the next publisher_work(). */
void slot_touch(struct slot *s);

/* Something to write may have changed. */
void slot_dirty(struct slot *s, uint64_t now_ms);

/* The pod in the API, or NULL when the slot's pod is not to be published (any more). */
const struct pod_entry *slot_target(struct slot *s, struct core_pod_view *ret_view);

void publisher_notice(struct publisher *p, enum publisher_notice_kind kind, const struct slot *s,
		      const char *text);

/* What changed in the way to the API server since the last call. */
void publisher_tell_news(struct publisher *p);

/* ---- publisher_pods.c: without a pod watch ---- */

/* The runtime has a pod that was not there before, the latest of its name; or it has gone. */
void publisher_pod_came(struct publisher *p, struct slot *s, const char *namespace_,
			const char *name);
void publisher_pod_went(struct publisher *p, const struct slot *s, const char *namespace_,
			const char *name);

/* The pod takes its name if no other pod has it. */
void publisher_pod_claim(struct slot *s, const struct core_pod_view *view);

/* The object of S's name is that of another pod which is here too: then so is the name. */
bool publisher_pod_yield(struct slot *s, const char *pod_uid);

/* ---- publisher_plan.c: what is to be done next for a pod ---- */

enum plan_kind {
	PLAN_IDLE, /* nothing until something happens */
	PLAN_WAIT, /* until .at_ms */
	PLAN_SEND, /* .verb */
	PLAN_FREE, /* the slot has served its purpose */
};

struct plan {
	enum plan_kind kind;
	enum publisher_verb verb;
	uint64_t at_ms;
};

/* TARGET and VIEW as slot_target() gave them; VIEW is not read when TARGET is NULL. */
struct plan slot_plan(struct slot *s, uint64_t now_ms, const struct pod_entry *target,
		      const struct core_pod_view *view);

/* ---- publisher_report.c: what people are told in Events ---- */

/* Is something wrong with the pod that a person may have to look at? */
bool view_in_trouble(const struct core_pod_view *view);

/* Tell of a transition since the last call. IS_NEWS is false for what the server has already. */
void slot_report(struct slot *s, const struct core_pod_view *view, bool is_news);
void slot_report_retry(struct slot *s);

/* ---- publisher_retry.c ---- */

/*
 * Honour the annotation of TARGET if that is due. Returns when to look again (UINT64_MAX:
 * not before something happens). *VIEW is up to date afterwards, all zero when the pod is gone.
 */
uint64_t slot_retry(struct slot *s, uint64_t now_ms, const struct pod_entry *target,
		    struct core_pod_view *view);

/* Room for S->retry. -ENOMEM. */
int slot_make_retry_room(struct slot *s);

/* ---- publisher_send.c ---- */

/*
 * Start a request. False when it turned out that none is needed: the status is what the
 * server has already.
 */
bool slot_send(struct slot *s, uint64_t now_ms, enum publisher_verb verb,
	       const struct core_pod_view *view);

/* ---- publisher_restarts.c ---- */

/*
 * A hash of what matters of a pod whose every task is placed: the same one while its containers
 * are only started again. 0 for any other pod.
 */
uint64_t view_shape(const struct core_pod_view *view);

/* A status of the shape s->sent->shape was written. */
void slot_note_shape(struct slot *s, uint64_t now_ms);

/* Not before this is VIEW worth a write, if it is but another restart; else 0. */
uint64_t slot_restart_at(const struct slot *s, const struct core_pod_view *view);

/* ---- publisher_answer.c ---- */

void slot_answer(void *ctx, const struct k8s_response *r);

/* Wait FIRST_MS, twice as long the next time, at most MAX_MS; with jitter on top. */
void slot_back_off(struct slot *s, uint64_t now_ms, uint64_t first_ms, uint64_t max_ms);

void slot_set_forbidden(struct slot *s, enum publisher_verb verb, bool forbidden);
