/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Publishes one PodResctrlStatus per pod of this node and carries out what the retry
 * annotation asks for. docs/api.md describes the object.
 *
 * The publisher keeps one slot per pod, in which the latest state wins: however often a
 * pod changes and however long the API server is away, at most one write per pod is
 * waiting. What the server is known to have is never written again. A normal pod costs
 * three writes in its life: POST, PATCH, DELETE.
 *
 * A pod of the core is published only while this node's pod watch shows a pod with the
 * same namespace, name and UID (of a static pod the mirror pod, whose annotation
 * kubernetes.io/config.mirror carries the UID that the runtime knows). Identity is the
 * UID: status writes test it, deletions carry it as a precondition.
 *
 * Nothing here changes the core, but for the `retry` call below, made from
 * publisher_work() only. No input function calls the core, so core callbacks may call
 * them. No thread, no clock, no log of its own.
 *
 * In the shell:
 *	publisher_new(&config, &deps, &p, &e);
 *	publisher_watch_spec(p, &spec);
 *	k8s_watch_new(client, &spec, &publisher_watch_ops, p, &watch, &e);
 *	...in every turn of the loop, last: publisher_work(p, now);
 *	...and wait no longer than publisher_next_ms(p).
 *	publisher_free(p), after the watch and before the client.
 */

#include "core.h"
#include "histogram.h"
#include "k8s.h"
#include "status_render.h"

struct publisher;

/* Which pods get an object. A pod's group is made in any case, and the daemon's log has it. */
enum publisher_mode {
	PUBLISHER_ALL,
	/*
	 * Only pods in trouble: without a group, or with a container that is not placed. The
	 * object goes a minute after the trouble did, so that its end can be waited for.
	 */
	PUBLISHER_PROBLEMS,
};

/* Zero stands for the default of every number, which is in brackets. */
struct publisher_config {
	const char *node_name; /* spec.nodeName of this node's pods */
	enum publisher_mode mode;
	/* Of all pods only those with these labels, a selector as kubectl -l has it; or NULL. */
	const char *label_selector;
	const char *namespaces; /* and only those of these, "shop,bank"; NULL or "" for all */
	/*
	 * There is no pod watch: pods are published as the runtime tells of them, but for static
	 * pods, whose UID in the API the runtime does not know. The retry annotation is then one
	 * of the PodResctrlStatus object itself, and looked for every half minute while its pod
	 * is in trouble. A label selector has no effect.
	 */
	bool no_pod_watch;
	bool simulated;         /* resctrl is simulated: every status says so */
	unsigned writes_per_s;  /* [5] requests per second, sustained */
	unsigned write_burst;   /* [20] */
	unsigned max_in_flight; /* [2] requests at the same time; one per pod in any case */
	/* [250] a change is written after this long without another, */
	uint64_t settle_ms;
	/* [1000] but not later than this after the first change; pods that live less: no object */
	uint64_t settle_max_ms;
	uint64_t patch_interval_ms; /* [1000] least time between two patches of one object */
	uint64_t retry_interval_ms; /* [5000] least time between two handled retries of a pod */
	uint64_t start_jitter_ms;   /* first request after a random part of this; 0 is 0 */
};

/* How the publisher reaches the core; see core.h for both. */
struct publisher_core_ops {
	bool (*pod_view)(void *ctx, const char *pod_uid, struct core_pod_view *ret);
	/* core_retry_pod(): the only thing by which the publisher acts on the core. */
	int (*retry)(void *ctx, uint64_t now_ms, const char *pod_uid, struct core_retry_report *ret,
		     struct err *e);
	int (*retry_result)(void *ctx, const char *pod_uid, struct core_retry_report *ret);
};

/* How the publisher reaches the API server; see k8s.h for both. */
struct publisher_client_ops {
	int (*request)(void *ctx, const struct k8s_request *req, k8s_done_fn *done, void *done_ctx,
		       struct k8s_call **ret, struct err *e);
	void (*cancel)(void *ctx, struct k8s_call *call);
};

/* All with the same CTX as `on_notice`. */
struct publisher_env {
	uint64_t (*now_ms)(void *ctx); /* monotonic, the same clock as the now_ms arguments */
	int64_t (*wall_s)(void *ctx);  /* seconds since 1970, for times in the object */
	uint32_t (*random)(void *ctx);
};

/* The state of the way to the API server. */
enum publisher_state {
	PUBLISHER_STARTING, /* no answer yet, neither good nor bad */
	PUBLISHER_OK,
	PUBLISHER_UNREACHABLE,
	PUBLISHER_OVERLOADED,   /* 429, 503: it asks us to wait */
	PUBLISHER_UNAUTHORIZED, /* 401 */
	PUBLISHER_FORBIDDEN,    /* 403 for some verb */
	PUBLISHER_CRD_MISSING,
	PUBLISHER_STATE_MAX,
};

enum publisher_notice_kind {
	PUBLISHER_NOTICE_STATE,    /* the state changed; .state is the new one */
	PUBLISHER_NOTICE_REJECTED, /* the server finds our object invalid; a bug or version skew */
	PUBLISHER_NOTICE_NAME_TAKEN, /* another node's object has this pod's name, for a minute */
	PUBLISHER_NOTICE_RETRY_HANDLED, /* text: result and reason */
	PUBLISHER_NOTICE_WARNING,       /* a Warning header of the server; the first of its text */
	PUBLISHER_NOTICE_NO_MEMORY,     /* a change was not recorded */
};

/* Worth one log line each; the same is not said twice in a row. Strings: during the call. */
struct publisher_notice {
	enum publisher_notice_kind kind;
	enum publisher_state state;
	const char *namespace_, *name; /* of the pod; "" when it concerns none */
	const char *text;              /* for people */
};

/*
 * A pod got into trouble, is well again, or a retry that was asked for came to its end:
 * something to tell people, once. Strings: during the call.
 */
struct publisher_transition {
	const char *namespace_, *name;
	const char *pod_uid;    /* as the API has it */
	const char *object_uid; /* of the PodResctrlStatus, "" while there is none */
	bool warning;           /* trouble; else good news */
	const char *reason;     /* AllAssigned, OutOfRMIDs, RetryFailed */
	const char *action;     /* what was being done: CreateGroup, AssignTasks, Retry */
	const char *note;       /* for people */
};

/* Tables and contexts are borrowed and must outlive the publisher. */
struct publisher_deps {
	const struct publisher_core_ops *core;
	void *core_ctx;
	const struct publisher_client_ops *client;
	void *client_ctx;
	const struct publisher_env *env;
	void (*on_notice)(void *ctx, const struct publisher_notice *notice);    /* may be NULL */
	void (*on_transition)(void *ctx, const struct publisher_transition *t); /* may be NULL */
	void *ctx;
};

/* -EINVAL without a node name, -ENOMEM. Strings of CONFIG are copied. */
MUST_CHECK int publisher_new(const struct publisher_config *config,
			     const struct publisher_deps *deps, struct publisher **ret,
			     struct err *e);

/* Cancels what is under way and writes nothing; returns NULL. */
struct publisher *publisher_free(struct publisher *p);

/* Another writes_per_s, from now on. */
void publisher_set_rate(struct publisher *p, uint64_t now_ms, unsigned writes_per_s);

/* `request` and `cancel` of struct publisher_client_ops for a struct k8s_client as context. */
extern const struct publisher_client_ops publisher_k8s_ops;

/* `pod_view` and `retry` of struct publisher_core_ops for a struct core as context. */
extern const struct publisher_core_ops publisher_real_core_ops;

/* ---- what comes in ---- */

/* The core's callbacks. A notice other than CORE_NOTICE_DETAIL_CHANGED is ignored. */
void publisher_on_core_event(struct publisher *p, uint64_t now_ms, const struct core_event *event);
void publisher_on_core_notice(struct publisher *p, uint64_t now_ms,
			      const struct core_notice *notice);

/* The one watch: pods of this node, metadata only. Strings of SPEC live as long as P. */
void publisher_watch_spec(const struct publisher *p, struct k8s_watch_spec *ret);
extern const struct k8s_watch_ops publisher_watch_ops; /* context: the publisher */

/* ---- work ---- */

/* Handle due retries and start what requests are due. Cheap when there is nothing to do. */
void publisher_work(struct publisher *p, uint64_t now_ms);

/* When to call publisher_work() at the latest; UINT64_MAX: not before the next input. */
uint64_t publisher_next_ms(const struct publisher *p);

/* ---- for metrics and readiness ---- */

enum publisher_verb {
	PUBLISHER_GET,
	PUBLISHER_CREATE,
	PUBLISHER_PATCH,
	PUBLISHER_DELETE,
	PUBLISHER_VERB_MAX,
};

/* What holds up writes that are due. */
enum publisher_throttle {
	PUBLISHER_THROTTLE_CLIENT, /* our own rate, see publisher_config */
	PUBLISHER_THROTTLE_SERVER, /* the server is overloaded: 429, or 503 with Retry-After */
	PUBLISHER_THROTTLE_MAX,
};

struct publisher_stats {
	enum publisher_state state;
	bool watch_synced; /* the first list of pods is complete, or none is needed */
	uint64_t requests[PUBLISHER_VERB_MAX];     /* sent */
	uint64_t failures[PUBLISHER_VERB_MAX];     /* answers that were not as hoped for */
	uint64_t suppressed;                       /* changes that left the status as it was */
	uint64_t retries[STATUS_RETRY_RESULT_MAX]; /* handled tokens by result */
	uint64_t dropped;                          /* objects left to the garbage collector */
	uint64_t added;                            /* pods that came to have something to write */
	uint64_t retried;                          /* pods put off after a failure */
	uint64_t throttled_ms[PUBLISHER_THROTTLE_MAX]; /* time in which a write waited for that */
	struct histogram lag; /* from a pod's change until the server has it; of patches */
	size_t pods;          /* of the core */
	size_t api_pods;      /* of the watch */
	size_t published;     /* pods whose object exists */
	size_t waiting;       /* pods with something to do */
	size_t in_flight;     /* requests under way */
};

void publisher_get_stats(const struct publisher *p, struct publisher_stats *ret);

/* "create", "Unreachable": for labels and logs; retry results: status_retry_result_name(). */
const char *publisher_verb_name(enum publisher_verb verb);
const char *publisher_state_name(enum publisher_state state);
