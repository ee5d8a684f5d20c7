/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The world around a publisher, in memory and with a clock that tests turn: a core with
 * pods, a pod watch, and an API server for PodResctrlStatus objects that answers as the
 * real one was seen to, some milliseconds later. Faults can be put in its way.
 */

#include "publisher.h"

#define WORLD_PODS    600
#define WORLD_NODE    "n1"
#define WORLD_WALL_S  INT64_C(1763600000)
#define WORLD_LATENCY 5 /* ms from a request to its answer */

struct pw_pod {
	char uid[64]; /* as the runtime knows it */
	char namespace_[64], name[64];
	enum core_group_state group_state;
	const char *reason, *message;
	unsigned total, reconciled;
	bool queued;
	const char *container; /* the name of all its containers; NULL: each has its own */
};

struct pw_object {
	char namespace_[64], name[64], uid[64], version[32];
	char pod_uid[64], node_name[64];
	char owner_uid[64];
	char *status;      /* NULL: none yet */
	const char *retry; /* the annotation; NULL: none */
};

/* How a request fails: all of its verb, until TIMES of them did. */
struct pw_fault {
	int times;                /* 0: none; negative: for ever */
	enum publisher_verb verb; /* PUBLISHER_VERB_MAX: any */
	int rc, http_status;
	const char *cause, *kind, *message;
	uint64_t retry_after_ms;
	bool carried_out; /* the request took effect, only the answer is lost */
};

struct pw_call {
	k8s_done_fn *done;
	void *ctx;
	enum publisher_verb verb;
	char namespace_[64], name[64];
	char *query, *body;
	uint64_t answer_ms;
};

struct pw {
	struct publisher *p;
	struct publisher *peer; /* of a second daemon on the node; NULL: there is one only */
	uint64_t now_ms;
	uint32_t random;

	struct pw_pod *pods[WORLD_PODS];
	size_t nr_pods;
	/* What an attempt gives, and what it does to the pod; how many there were. */
	struct core_retry_report retry_report;
	int retry_rc;
	bool retry_repairs;
	unsigned retries;
	bool retry_is_long; /* it is under way as long as this is set */

	struct pw_object *objects[WORLD_PODS];
	size_t nr_objects;
	unsigned next_uid, next_version;
	bool no_crd;
	struct pw_fault fault;

	struct pw_call *calls[8];
	size_t nr_calls, max_calls; /* in flight now, and at most */
	unsigned nr[PUBLISHER_VERB_MAX];
	struct strbuf log;         /* "POST PATCH DELETE" in the order of their sending */
	struct strbuf notices;     /* one line each */
	struct strbuf transitions; /* "W CreateGroup OutOfRMIDs shop/web-0: note", one line each */
	char last_body[200000];
	char last_query[128];
};

struct pw *pw_new(const struct publisher_config *config); /* NULL: jitter off, n1 */
void pw_free(struct pw *w);

/* A new publisher in place of the old one: the daemon was started again. */
void pw_restart(struct pw *w, const struct publisher_config *config);

/*
 * A second daemon starts on this node; it gets the pods that are there, and all that comes. The
 * older of two ends.
 */
void pw_surge(struct pw *w, const struct publisher_config *config);
void pw_older_ends(struct pw *w);

/* Let MS milliseconds pass. Fails the test when the publisher spins. */
void pw_run(struct pw *w, uint64_t ms);

/* The core gets a pod with TOTAL containers, all of them placed, and says so. */
struct pw_pod *pw_core_pod(struct pw *w, const char *namespace_, const char *name, const char *uid,
			   unsigned total);
void pw_core_changed(struct pw *w, const struct pw_pod *pod); /* tells the publisher */
void pw_core_removed(struct pw *w, struct pw_pod *pod);       /* POD is freed */

/* What the pod watch shows. MIRROR and TOKEN: annotations, NULL for none. */
void pw_watch(struct pw *w, enum k8s_event_type type, const char *namespace_, const char *name,
	      const char *uid, const char *mirror, const char *token);
void pw_watch_deleting(struct pw *w, const char *namespace_, const char *name, const char *uid);
void pw_synced(struct pw *w);

/* Both: a pod that runs, with one placed container. UID is "uid-<name>". */
struct pw_pod *pw_pod(struct pw *w, const char *name);
/* The same pod goes, first here, then there. */
void pw_pod_gone(struct pw *w, struct pw_pod *pod);

struct pw_object *pw_object(struct pw *w, const char *name); /* NULL: none */
struct pw_object *pw_add_object(struct pw *w, const char *namespace_, const char *name,
				const char *pod_uid, const char *node_name);
void pw_delete_object(struct pw *w, const char *name);

/* Forget the requests, notices and transitions so far. */
void pw_forget(struct pw *w);
const char *pw_log(const struct pw *w);
const char *pw_transitions(const struct pw *w);
