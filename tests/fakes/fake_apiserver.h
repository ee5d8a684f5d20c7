/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A small Kubernetes API server in memory, on loopback, plain HTTP. It knows
 * namespaces, nodes, pods, events and podresctrlstatuses as far as kubectl and our own
 * client need, and answers as a real server was seen to answer, also where that is
 * odd: status is dropped from a POST, a no-op patch keeps the resourceVersion, an
 * expired version comes as an event in a stream that said 200.
 *
 * It is stepped from the test's own loop and has no thread: what happens, happens
 * inside fake_api_step(). Faults are injected through the functions below.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct fake_api;

struct fake_api *fake_api_new(uint16_t port); /* 0: any free port; NULL with errno set */
void fake_api_free(struct fake_api *f);

uint16_t fake_api_port(const struct fake_api *f);

/* A kubeconfig for this server, as text; free() it. */
char *fake_api_kubeconfig(const struct fake_api *f);

/*
 * From now on requests need this bearer token (NULL: any will do, or none). kubectl sends
 * none over plain HTTP.
 */
void fake_api_set_token(struct fake_api *f, const char *token);

/* ---- stepping ---- */

/* Does what can be done without waiting; true when anything was done. */
bool fake_api_step(struct fake_api *f);

/* The descriptors to wait for before the next step; the number of them, at most MAX. */
size_t fake_api_pollfds(const struct fake_api *f, struct pollfd *fds, size_t max);

/* The clock for timeouts, bookmarks and ages; NULL for the real one. In ms. */
void fake_api_set_clock(struct fake_api *f, uint64_t (*now_ms)(void *ctx), void *ctx);

/* ---- content; the calls have the same effects as requests of another client ---- */

/* UID may be NULL for a random one. ANNOTATIONS: pairs, ended by NULL; may be NULL. */
void fake_api_add_pod(struct fake_api *f, const char *namespace_, const char *name, const char *uid,
		      const char *node, const char *const *annotations);
void fake_api_annotate_pod(struct fake_api *f, const char *namespace_, const char *name,
			   const char *key, const char *value);
void fake_api_delete_pod(struct fake_api *f, const char *namespace_, const char *name);

/* The object or NULL; borrowed, valid until the next step. RESOURCE: "pods", ... */
struct json_object *fake_api_get(const struct fake_api *f, const char *resource,
				 const char *namespace_, const char *name);
/* Creates or replaces an object as it stands, takes over the reference. */
void fake_api_put(struct fake_api *f, const char *resource, struct json_object *object);
void fake_api_delete(struct fake_api *f, const char *resource, const char *namespace_,
		     const char *name);
size_t fake_api_nr_objects(const struct fake_api *f, const char *resource);

uint64_t fake_api_version(const struct fake_api *f); /* the newest resourceVersion */

/* ---- what was asked of the server ---- */

/*
 * Requests so far by verb ("get", "list", "watch", "create", "update", "patch", "delete")
 * and resource ("pods", "podresctrlstatuses/status"); NULL for any.
 */
unsigned int fake_api_nr_requests(const struct fake_api *f, const char *verb, const char *resource);

/* Line and headers of the last request, and its body; "" when there was none. */
const char *fake_api_last_head(const struct fake_api *f);
const char *fake_api_last_body(const struct fake_api *f);
size_t fake_api_nr_connections(const struct fake_api *f); /* open ones */
unsigned int fake_api_nr_accepted(const struct fake_api *f);

/* ---- faults ---- */

enum fake_api_fault_kind {
	FAKE_API_ANSWER,   /* .status with .body */
	FAKE_API_RESET,    /* closed without doing or answering anything */
	FAKE_API_DO_RESET, /* done, but the answer is lost */
	FAKE_API_STALL,    /* never answered, never closed */
	FAKE_API_RAW,      /* .body as it is, head and all, then closed */
};

struct fake_api_fault {
	enum fake_api_fault_kind kind;
	const char *verb;     /* NULL: any */
	const char *resource; /* NULL: any */
	unsigned int times;   /* how often; 0 for ever */
	int status;
	const char *content_type;   /* NULL: application/json */
	unsigned int retry_after_s; /* 0: no header */
	const char *headers;        /* more header lines, each with \r\n; or NULL */
	const char *body;           /* NULL: a Status that fits .status */
};

/* The first that matches is used, in the order of their addition. Strings are borrowed. */
void fake_api_add_fault(struct fake_api *f, const struct fake_api_fault *fault);
void fake_api_clear_faults(struct fake_api *f);

/* At most N bytes per connection and step; 0 for no limit. */
void fake_api_set_write_max(struct fake_api *f, size_t n);

/* On all open watches: a frame as it is; a bookmark; a clean end; a cut connection. */
void fake_api_watch_send(struct fake_api *f, const char *data, size_t len);
void fake_api_watch_bookmark(struct fake_api *f);
void fake_api_watch_end(struct fake_api *f);
void fake_api_watch_cut(struct fake_api *f);
size_t fake_api_nr_watches(const struct fake_api *f);

/* Forget the history: watches that resume from what is older get 410. */
void fake_api_compact(struct fake_api *f);

/* Set the version counter, also backwards as after a restored etcd. */
void fake_api_set_version(struct fake_api *f, uint64_t version);

/* Is the definition of podresctrlstatuses missing? Its objects are kept meanwhile. */
void fake_api_set_definition(struct fake_api *f, bool is_there);

/* Cut every connection and refuse new ones, or accept them again on the same port. */
void fake_api_set_down(struct fake_api *f, bool down);
