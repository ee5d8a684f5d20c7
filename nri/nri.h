/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The plugin's side of the Node Resource Interface (NRI), the protocol over which
 * containerd and CRI-O tell plugins about pods and containers. The names, numbers
 * and rules are those of the NRI protocol v1alpha1 (package nri.pkg.api.v1alpha1)
 * and of ttrpc, which carries it.
 *
 * A session is one connection's life: bytes in, typed calls to the handlers, bytes
 * out. It owns no descriptor, reads no clock, starts no thread and logs nothing;
 * the program that owns the socket moves the bytes:
 *
 *	nri_session_start(s, now_ms)             once, after connect
 *	nri_session_feed(s, buf, n, now_ms, &e)  for whatever recv() gave
 *	nri_session_output() / nri_session_sent()  for whatever send() takes
 *	nri_session_tick(s, now_ms, &e)          when nri_session_deadline() has passed
 *	nri_session_step(s, &e)                  again and again while it returns 1
 *
 * Any negative result means: close the socket, free the session, wait for
 * nri_backoff_next(), connect, and begin with a new session. Every connection is a
 * fresh registration and brings a full snapshot, which replaces what was known.
 *
 * What the runtime sends is bounded here: a message is at most 4 MiB (larger ones
 * are skipped by counting and refused), a snapshot at most NRI_SYNC_MAX_BYTES and
 * NRI_SYNC_MAX_OBJECTS, unsent output at most NRI_OUTPUT_MAX, and memory grows with
 * the bytes that arrive, never with the length that a header promises.
 *
 * A session may be used from one thread at a time.
 */

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define NRI_DEFAULT_SOCKET   "/var/run/nri/nri.sock"
#define NRI_PLUGIN_SOCKET    "NRI_PLUGIN_SOCKET" /* environment of a plugin the runtime launched */
#define NRI_SYNC_MAX_BYTES   (64u << 20)         /* decoded snapshot, strings and maps */
#define NRI_SYNC_MAX_OBJECTS 65536u              /* pods in a snapshot, and likewise containers */
#define NRI_OUTPUT_MAX       (8u << 20)          /* queued bytes the runtime did not read yet */
#define NRI_NAME_MAX         255u  /* longest id, uid, name, namespace and class name */
#define NRI_PATH_MAX         4095u /* longest cgroup path */

/* The events a plugin may subscribe to, by their numbers on the wire. */
enum nri_event {
	NRI_RUN_POD_SANDBOX = 1,
	NRI_STOP_POD_SANDBOX = 2,
	NRI_REMOVE_POD_SANDBOX = 3,
	NRI_CREATE_CONTAINER = 4,      /* nothing exists yet, pid is 0 */
	NRI_POST_CREATE_CONTAINER = 5, /* containerd: no task yet, pid is 0 */
	NRI_START_CONTAINER = 6,       /* the init process exists and waits before its exec */
	NRI_POST_START_CONTAINER = 7,  /* the workload runs; may come after NRI_STOP_CONTAINER */
	NRI_UPDATE_CONTAINER = 8,
	NRI_POST_UPDATE_CONTAINER = 9,
	NRI_STOP_CONTAINER = 10, /* the init process is dead; pid is 0 or stale */
	NRI_REMOVE_CONTAINER = 11,
	NRI_UPDATE_POD_SANDBOX = 12, /* NRI 0.10 and later */
	NRI_POST_UPDATE_POD_SANDBOX = 13,
	NRI_EVENT_MAX = NRI_POST_UPDATE_POD_SANDBOX,
};

#define NRI_EVENT_BIT(event) (1u << ((event)-1))

/* Pods and containers coming and going: run, stop, remove; start, started, stop, remove. */
#define NRI_DEFAULT_EVENTS                                                             \
	(NRI_EVENT_BIT(NRI_RUN_POD_SANDBOX) | NRI_EVENT_BIT(NRI_STOP_POD_SANDBOX) |    \
	 NRI_EVENT_BIT(NRI_REMOVE_POD_SANDBOX) | NRI_EVENT_BIT(NRI_START_CONTAINER) |  \
	 NRI_EVENT_BIT(NRI_POST_START_CONTAINER) | NRI_EVENT_BIT(NRI_STOP_CONTAINER) | \
	 NRI_EVENT_BIT(NRI_REMOVE_CONTAINER))

/* The event's name in the protocol, "START_CONTAINER"; "UNKNOWN" for any other number. */
const char *nri_event_name(enum nri_event event);

/* True when EVENT is about a container, false when it is about a pod sandbox. */
bool nri_event_is_container(enum nri_event event);

enum nri_container_state {
	NRI_CONTAINER_UNKNOWN = 0,
	NRI_CONTAINER_CREATED = 1,
	NRI_CONTAINER_PAUSED = 2,
	NRI_CONTAINER_RUNNING = 3,
	NRI_CONTAINER_STOPPED = 4,
};

struct nri_kv {
	const char *key;
	const char *value;
};

/*
 * A pod sandbox and a container, as the runtime describes them. Strings are never
 * NULL, "" when absent, and end at the first NUL. They are the runtime's words:
 * of bounded length, otherwise unchecked; an id may hold '/' or bytes that are not
 * UTF-8. Everything is borrowed and valid during the handler's call only; of a snapshot
 * that is taken in parts, until the last of them (synchronize_more).
 *
 * `id` is never empty. An object with an empty id, or one whose id, uid, name,
 * namespace or pod_sandbox_id is longer than NRI_NAME_MAX, is dropped and counted;
 * a cgroup path longer than NRI_PATH_MAX and a class name longer than NRI_NAME_MAX
 * read as absent. Labels and annotations are empty unless the session's with_labels.
 */
struct nri_pod {
	const char *id;
	const char *name; /* STOP and REMOVE may bring the id and nothing else */
	const char *uid;  /* Kubernetes' pod UID; of a static pod kubelet's hash, not the API's */
	const char *namespace_;
	const char *runtime_handler;
	const char *cgroup_parent; /* containerd: full path; CRI-O: the last slice's name */
	const char *cgroups_path;  /* of the sandbox's own container, if there is one */
	const struct nri_kv *labels;
	size_t nr_labels;
	const struct nri_kv *annotations;
	size_t nr_annotations;
	uint32_t pid; /* the sandbox's process; 0 when none or not told */
};

struct nri_container {
	const char *id;
	const char *pod_sandbox_id;
	const char *name;
	const char *cgroups_path; /* "SLICE:PREFIX:ID" with systemd, else a path */
	const char *clos_id;      /* linux.rdt.clos_id, told by NRI 0.11 and later */
	enum nri_container_state state;
	const struct nri_kv *labels;
	size_t nr_labels;
	const struct nri_kv *annotations;
	size_t nr_annotations;
	uint32_t pid; /* the init process, in the runtime's PID namespace; 0 when not known */
};

/* What the runtime said about itself, and what it was answered. */
struct nri_configure {
	const char *config; /* the plugin's configuration text, launched plugins only */
	const char *runtime_name;
	const char *runtime_version;
	const char *nri_version;          /* "" before NRI 0.12 */
	uint64_t registration_timeout_ms; /* 5000 when the runtime does not say */
	uint64_t request_timeout_ms;      /* 2000 when the runtime does not say */
	uint32_t events;                  /* the subscription sent back: never 0 */
	/*
	 * Since NRI 0.7 a launched plugin that refuses is left out. Before, it is the
	 * runtime that does not start, and with it the node: better stay and do nothing.
	 */
	bool may_refuse;
};

/*
 * Called by nri_session_feed(), one at a time and in the order of the wire. A
 * handler must not block: the runtime holds up every pod operation of the node
 * until the answer, which is queued when the handler returns, and closes the
 * connection when it takes too long. None but configure can fail: an error in the
 * answer would fail the pod or container. Handlers must not feed, tick or free the
 * session. Any of them may be NULL.
 */
struct nri_handlers {
	/*
	 * The one request that may be refused: a negative result is told to the runtime,
	 * with the message of E, and ends the session with -ECANCELED.
	 */
	int (*configure)(void *ctx, const struct nri_configure *configure, struct err *e);

	/*
	 * The complete snapshot, once its last part is here. A container may name a pod
	 * that is not in it. Stopped pods may still be in it. Called again should the
	 * runtime synchronize again; it always replaces everything known before. Without
	 * synchronize_more the answer is in the output by then.
	 */
	void (*synchronize)(void *ctx, const struct nri_pod *pods, size_t nr_pods,
			    const struct nri_container *containers, size_t nr_containers);

	/*
	 * For who takes a snapshot in parts, so that its length holds nobody up: a part of what
	 * synchronize() only took note of; false: that was all. The snapshot is valid, and its
	 * answer waits, until then. Called by nri_session_step(), and by nri_session_feed()
	 * until false should the runtime send another request before, which none does.
	 */
	bool (*synchronize_more)(void *ctx);

	/*
	 * For a pod event POD is given and CONTAINER is NULL. For a container event
	 * CONTAINER is given, and POD unless the runtime left it out. Events may repeat,
	 * miss, come in odd orders and, in theory, before the snapshot.
	 *
	 * DEADLINE_MS, on the clock of nri_session_feed(), is when the runtime ceases to wait:
	 * what the request says, else what Configure said, from the arrival of its first byte on.
	 * A handler that cannot be done well before returns and goes on later. UINT64_MAX: never.
	 */
	void (*event)(void *ctx, enum nri_event event, const struct nri_pod *pod,
		      const struct nri_container *container, uint64_t deadline_ms);

	/* The runtime is about to stop. No known runtime says so; the connection just ends. */
	void (*shutdown)(void *ctx);
};

struct nri_session_config {
	const char *plugin_name;      /* letters, digits and _.+- ; copied */
	const char *plugin_index;     /* two digits, "00" to "99": the order of plugins; copied */
	uint32_t events;              /* wanted events; 0 means NRI_DEFAULT_EVENTS */
	uint64_t register_timeout_ms; /* silence allowed until Configure; 0 means 30 s */
	/*
	 * Silence allowed until Synchronize; 0 means 15 s. UINT64_MAX for a launched plugin:
	 * before NRI 0.7 those get none, and have no other connection to hope for.
	 */
	uint64_t synchronize_timeout_ms;
	/* Decode labels and annotations, too. They are most of a snapshot; false: there are none.
	 */
	bool with_labels;
};

enum nri_session_state {
	NRI_SESSION_NEW,
	NRI_SESSION_REGISTERING,   /* RegisterPlugin queued, Configure not seen */
	NRI_SESSION_CONFIGURED,    /* Configure answered, snapshot not complete */
	NRI_SESSION_SYNCHRONIZING, /* snapshot complete, nri_session_step() has work */
	NRI_SESSION_SYNCHRONIZED,  /* snapshot taken and answered, events flow */
	NRI_SESSION_FAILED,        /* feed, step or tick failed; only free() is left */
};

/* What was seen and not acted on; all counts since the session began. */
struct nri_session_stats {
	uint64_t requests;      /* every request, answered in whatever way */
	uint64_t events;        /* handed to the event handler */
	uint64_t unimplemented; /* unknown service or method, answered 12 */
	uint64_t rejected;    /* bad stream id, flags or envelope, or too large; answered 3 or 8 */
	uint64_t undecodable; /* payload of a known method; events are answered OK all the same */
	uint64_t dropped;     /* pods, containers and events without a usable id, unknown events */
	uint64_t ignored;     /* frames that mean nothing to a plugin */
};

struct nri_session;

/*
 * HANDLERS and CTX must outlive the session. -EINVAL: a name, index or event mask that
 * a runtime would refuse (the mask needs at least one event that every NRI version
 * has, up to REMOVE_CONTAINER). -ENOMEM.
 */
MUST_CHECK int nri_session_new(const struct nri_session_config *config,
			       const struct nri_handlers *handlers, void *ctx,
			       struct nri_session **ret, struct err *e);
struct nri_session *nri_session_free(struct nri_session *s); /* NULL is fine; returns NULL */

/* Queue RegisterPlugin and start the watch over the registration. Once per session. */
MUST_CHECK int nri_session_start(struct nri_session *s, uint64_t now_ms, struct err *e);

/*
 * Take LEN bytes as they came from the socket; any cut is fine. Negative: drop the
 * connection. -EPERM: the runtime refused the registration. -EPROTO: the stream is
 * corrupt. -E2BIG: the snapshot is beyond its bounds. -ENOBUFS: the runtime does not
 * read its answers. -ECANCELED: the configure handler refused; the answer that says so
 * is in the output and should still be sent. -ENOMEM. A session that failed keeps
 * failing with -ESHUTDOWN.
 */
MUST_CHECK int nri_session_feed(struct nri_session *s, const void *data, size_t len,
				uint64_t now_ms, struct err *e);

/*
 * One call of synchronize_more(); to be called, between other things, while the state is
 * NRI_SESSION_SYNCHRONIZING. 1: there is more. 0: there is not, and the answer is in the output.
 * Negative as nri_session_feed().
 */
MUST_CHECK int nri_session_step(struct nri_session *s, struct err *e);

/* The bytes to send next, valid until the session is used again; *RET_LEN 0 when none. */
void nri_session_output(const struct nri_session *s, const void **ret_data, size_t *ret_len);
void nri_session_sent(struct nri_session *s, size_t len); /* LEN of them went out */

/* When nri_session_tick() is to be called next; UINT64_MAX when nothing is waited for. */
uint64_t nri_session_deadline(const struct nri_session *s);

/*
 * -ETIMEDOUT: the runtime left the registration hanging; drop the connection. Some
 * runtimes keep such a connection open for ever, so nobody else would notice.
 */
MUST_CHECK int nri_session_tick(struct nri_session *s, uint64_t now_ms, struct err *e);

enum nri_session_state nri_session_state(const struct nri_session *s);
const struct nri_session_stats *nri_session_stats(const struct nri_session *s);

/* ---- connecting (connect.c): the only part that touches descriptors ---- */

/*
 * Connect to the runtime's socket; *RET_FD is non-blocking and close-on-exec. Never
 * waits: -EAGAIN when the runtime's queue is full, -ENOENT and -ECONNREFUSED while
 * it is down, all of which call for another try later.
 */
MUST_CHECK int nri_connect(const char *path, int *ret_fd, struct err *e);

/*
 * Take over the connected socket that a runtime which launched this plugin names in
 * the environment, VALUE being the text of NRI_PLUGIN_SOCKET. The same descriptor is
 * made non-blocking and close-on-exec. -EINVAL: not a number; -EBADF: not open;
 * -ENOTSOCK: not a connected unix stream socket. Such a connection cannot be made
 * again: when it ends, so does the plugin.
 */
MUST_CHECK int nri_adopt_socket(const char *value, int *ret_fd, struct err *e);

/* ---- how long to wait before connecting again (backoff.c) ---- */

/*
 * Each registration stalls all pod operations of the node, so attempts become
 * rarer: 0.5 s doubling to 30 s, give or take 20 %. Starts zeroed.
 */
struct nri_backoff {
	uint64_t first_ms; /* 0: 500 */
	uint64_t delay_ms;
};

/*
 * The wait in ms before the next attempt. HEALTHY_MS is how long the connection just
 * lost had been synchronized, 0 if it never was; from 60 s on the delays start over.
 * RANDOM is any random number, it spreads the nodes out.
 */
uint64_t nri_backoff_next(struct nri_backoff *b, uint64_t healthy_ms, uint32_t random);
