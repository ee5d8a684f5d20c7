/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A Kubernetes API client for an event loop: requests, list+watch, kubeconfig and
 * in-cluster configuration. It knows no resource type: paths and bodies are the
 * caller's.
 *
 * Everything runs in the thread of the event loop and nothing blocks, but for the
 * small files read by the k8s_config_load_*() functions and the token and CA files
 * that are read again once a minute. Callbacks are called from k8s_client_fd_ready()
 * and k8s_client_timeout() only, so never from inside k8s_request() and the like;
 * inside a callback every function of this header may be called, on any object.
 *
 * What is here follows the Kubernetes API concepts page (resource versions,
 * bookmarks, "410 Gone"), the API conventions (Status) and client-go's numbers for
 * back-off.
 *
 * Error codes that a caller may branch on, the same in every callback:
 *	-ENOENT        404, and http_status says so
 *	-EEXIST        409 AlreadyExists
 *	-ESTALE        409 Conflict (also a failed precondition), 410
 *	-EPERM         401: the server does not know who we are
 *	-EACCES        403: it knows, and says no
 *	-EINVAL        400, 405, 406, 415, 422 and other 4xx: our request is at fault
 *	-E2BIG         413: the body is too large for the server
 *	-EAGAIN        408, 429, 502, 503, 504: try again, not before retry_after_ms
 *	-ECONNREFUSED  no connection: refused, no route, name unknown, TLS not trusted
 *	-ETIMEDOUT     no answer in time
 *	-EIO           the connection died half-way (it is unknown whether the request was
 *	               carried out), or 500
 *	-EPROTO        an answer that is not what the API promises
 *	-EMSGSIZE      an answer (or one watch event) larger than the cap
 *	-ENOMEM
 */

#include "err.h"
#include "histogram.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- where the API server is, and who we are there ---- */

struct k8s_config;

/* What a pod's environment tells; the library itself never reads the environment. */
struct k8s_incluster {
	const char *root; /* prepended to the service account's paths; NULL or "" for "/" */
	const char *host; /* $KUBERNETES_SERVICE_HOST, name, IPv4 or bare IPv6; may be NULL */
	const char *port; /* $KUBERNETES_SERVICE_PORT; may be NULL */
};

/* -ENOENT when this is no pod: no host or port given, or no token file. */
MUST_CHECK int k8s_config_load_incluster(const struct k8s_incluster *in, struct k8s_config **ret,
					 struct err *e);

/*
 * CONTEXT names the context to use, NULL for the file's current-context. Relative file
 * names inside the kubeconfig are relative to it, as kubectl has it. Certificates are
 * read and kept, token files are only remembered. -ENOENT no such file, -EACCES,
 * -EINVAL for what is wrong in it (the message names file and field), -ENOTSUP for
 * other ways to log in than tokens, client certificates and credential plugins.
 *
 * A credential plugin (users[].user.exec, client.authentication.k8s.io/v1 or v1beta1) is
 * run when a credential is first needed, when it has expired, and after a 401; requests
 * wait for it meanwhile, at most 30 s. It gets this process' environment, no terminal, and
 * its words on standard error go nowhere. No message ever holds a secret.
 */
MUST_CHECK int k8s_config_load_kubeconfig(const char *path, const char *context,
					  struct k8s_config **ret, struct err *e);

/* The same for a kubeconfig in memory; PATH is for messages and relative file names. */
MUST_CHECK int k8s_config_parse(const char *text, size_t len, const char *path, const char *context,
				struct k8s_config **ret, struct err *e);

/* The default is "podresctrld/<version>". At most 200 bytes, not starting with "curl". */
MUST_CHECK int k8s_config_set_user_agent(struct k8s_config *cfg, const char *agent, struct err *e);

/* "https://10.96.0.1:443", for logs; valid as long as CFG. */
const char *k8s_config_server(const struct k8s_config *cfg);

/* The context's namespace, or the service account's own; "default" when there is none. */
const char *k8s_config_namespace(const struct k8s_config *cfg);

struct k8s_config *k8s_config_free(struct k8s_config *cfg); /* wipes secrets; returns NULL */

/* ---- the client and its event loop ---- */

enum k8s_method {
	K8S_GET,
	K8S_POST,
	K8S_PUT,
	K8S_PATCH,
	K8S_DELETE,
};

enum {
	K8S_READ = 1,
	K8S_WRITE = 2,
};

/* What the library needs from the event loop; all are called at any time, none may call back. */
struct k8s_loop_ops {
	/* From now on wait for WANT (K8S_READ | K8S_WRITE) on FD, in place of what was; 0 = stop.
	 */
	void (*watch_fd)(void *ctx, int fd, int want);
	/* One timer: in MS milliseconds, 0 = in the next turn of the loop, -1 = off. */
	void (*set_timer)(void *ctx, int64_t ms);
	uint64_t (*now_ms)(void *ctx); /* monotonic */
	uint32_t (*random)(void *ctx); /* for jitter; need not be strong */
	/* Seconds since 1970, for when credentials expire; NULL: they are used until a 401. */
	int64_t (*wall_s)(void *ctx);
};

struct k8s_client;

/* CFG and OPS are borrowed and must outlive the client. Connects to nothing yet. */
MUST_CHECK int k8s_client_new(const struct k8s_config *cfg, const struct k8s_loop_ops *ops,
			      void *ops_ctx, struct k8s_client **ret, struct err *e);

/* The loop reports: FD is ready for EVENTS (K8S_READ | K8S_WRITE); the timer went off. */
void k8s_client_fd_ready(struct k8s_client *c, int fd, int events);
void k8s_client_timeout(struct k8s_client *c);

#define K8S_CODES_MAX 24 /* what servers and those in between answer with, and some more */

/* Counts since k8s_client_new(); also of what watches asked for. */
struct k8s_client_stats {
	struct k8s_client_count {
		int http_status; /* 0: no answer */
		enum k8s_method method;
		uint64_t nr;
	} requests[K8S_CODES_MAX];
	size_t nr_requests;
	uint64_t other_requests;                  /* for which there was no place above */
	struct histogram latency[K8S_DELETE + 1]; /* until the answer began, by method */
	uint64_t token_reads_good, token_reads_bad;
};

void k8s_client_get_stats(const struct k8s_client *c, struct k8s_client_stats *ret);

/* Cancels every call and watch without calling anyone back; returns NULL. */
struct k8s_client *k8s_client_free(struct k8s_client *c);

/* ---- requests ---- */

struct k8s_request {
	enum k8s_method method;
	const char *path;         /* "/api/v1/namespaces/shop/pods/web-0", percent-encoded */
	const char *query;        /* "fieldManager=x&dryRun=All", percent-encoded; or NULL */
	const char *content_type; /* of BODY; NULL for application/json */
	const void *body;         /* copied; may be NULL */
	size_t body_len;
	uint64_t timeout_ms; /* from k8s_request() to the callback; 0 for 30 s */
	size_t max_answer;   /* cap on the answer's body; 0 for 4 MiB */
};

/* Strings and body are valid until the callback returns; strings may be NULL. */
struct k8s_response {
	int rc;                  /* 0 for 2xx, or one of the codes above */
	int http_status;         /* 0 when there was no answer */
	const char *reason;      /* Status.reason: "AlreadyExists" */
	const char *message;     /* for people; never NULL when rc != 0 */
	const char *cause;       /* first Status.details.causes[].reason: "NamespaceTerminating" */
	const char *kind;        /* Status.details.kind: what a 404 did not find, "namespaces" */
	const char *warning;     /* the text of the first Warning header */
	const char *audit_id;    /* finds the request in the server's audit log */
	uint64_t retry_after_ms; /* a floor, to which the caller adds jitter; 0 when not said */
	const char *body;        /* NUL-terminated; never NULL */
	size_t body_len;
};

struct k8s_call;
typedef void k8s_done_fn(void *ctx, const struct k8s_response *r);

/*
 * Sends a request; DONE is called once, later, whatever happens, unless the call is
 * cancelled first. After that call *RET is gone. RET may be NULL. A 401 makes the
 * library read the token file again and try once more if the token is a new one;
 * nothing else is retried. -EBUSY when 64 calls are under way, -EINVAL, -ENOMEM.
 */
MUST_CHECK int k8s_request(struct k8s_client *c, const struct k8s_request *req, k8s_done_fn *done,
			   void *ctx, struct k8s_call **ret, struct err *e);

/* DONE will not be called. Whether the server got the request is unknown. NULL is fine. */
void k8s_call_cancel(struct k8s_call *call);

/* Adds TEXT to OUT, percent-encoded for use in a path segment or a query value. */
void k8s_escape(struct strbuf *out, const char *text);

/* ---- list and watch ---- */

struct k8s_pair {
	const char *key, *value;
};

struct k8s_object_meta {
	const char *name;
	const char *namespace_; /* "" for cluster-scoped objects */
	const char *uid;
	const char *resource_version;
	const char *creation_timestamp; /* RFC 3339 */
	bool deleting;                  /* a deletionTimestamp is set */
	const struct k8s_pair *annotations, *labels;
	size_t nr_annotations, nr_labels;
	void *object; /* private, for k8s_object_json() */
};

/* NULL when there is no such annotation or label. */
const char *k8s_meta_annotation(const struct k8s_object_meta *m, const char *key);
const char *k8s_meta_label(const struct k8s_object_meta *m, const char *key);

/*
 * The object as the server sent it, as JSON text; valid until the callback returns.
 * NULL for a deletion that was found by listing, and without memory.
 */
const char *k8s_object_json(const struct k8s_object_meta *m, size_t *ret_len);

enum k8s_event_type {
	K8S_ADDED,    /* an object with this UID was not there before */
	K8S_MODIFIED, /* it was, with another resourceVersion */
	K8S_DELETED,  /* it was, and is gone; META may hold no more than name, namespace and UID */
};

struct k8s_watch_spec {
	const char *path;           /* of a collection: "/api/v1/pods"; strings are copied */
	const char *field_selector; /* "spec.nodeName=n1", as people write it; or NULL */
	const char *label_selector; /* or NULL */
	bool metadata_only; /* ask for PartialObjectMetadata; whole objects will do as well */
	size_t max_objects; /* 0 for 16384; more of them end in -ENOBUFS and no on_synced */
};

/* What a watch is doing; for logs, metrics and readiness. */
struct k8s_watch_state {
	bool connected; /* the server answers: set by the first good list or watch answer */
	bool synced;    /* at least one list is complete, so what was reported is all there is */
	int rc;         /* why it is not connected: one of the codes above; 0 when connected */
	int http_status;
	const char *message;  /* for people, when rc != 0 */
	uint64_t retry_in_ms; /* when the next attempt starts */
};

/* Any member may be NULL. META is valid until the callback returns. */
struct k8s_watch_ops {
	void (*on_object)(void *ctx, enum k8s_event_type type, const struct k8s_object_meta *meta);
	/* A list is complete: all its on_object() calls, deletions included, came before. */
	void (*on_synced)(void *ctx);
	/* The connection came, or it went, or another attempt failed. Valid until it returns. */
	void (*on_state)(void *ctx, const struct k8s_watch_state *state);
};

/* Why all objects are listed again. */
enum k8s_relist {
	K8S_RELIST_EXPIRED,      /* the server has forgotten the resourceVersion (410) */
	K8S_RELIST_SILENCE,      /* watches without one byte: the version may be of the future */
	K8S_RELIST_SERVER_ERROR, /* an ERROR event of another kind ended the watch */
	K8S_RELIST_BAD_EVENT,    /* one that could not be taken, such as a too large one */
	K8S_RELIST_PERIODIC,     /* for safety, every 15 to 45 minutes */
	K8S_RELIST_ASKED,        /* k8s_watch_relist() */
	K8S_RELIST_MAX,
};

/* Counts since k8s_watch_new(). */
struct k8s_watch_stats {
	uint64_t lists;                    /* complete ones */
	uint64_t relists[K8S_RELIST_MAX];  /* of those: all after the first */
	uint64_t watches;                  /* opened */
	uint64_t events;                   /* ADDED, MODIFIED, DELETED frames */
	uint64_t added, modified, deleted; /* the same, each */
	uint64_t bookmarks;
	uint64_t unknown;      /* frames of a type this library does not know; ignored */
	uint64_t failures;     /* attempts that ended in a back-off */
	uint64_t expired;      /* resourceVersion too old */
	uint64_t silences;     /* watchdog: no byte for 180 s */
	uint64_t last_byte_ms; /* on the loop's clock; 0 before the first */
	size_t objects;        /* known now */
};

struct k8s_watch;

/*
 * Starts to list and then to watch, for ever, through every failure, until freed. The
 * callbacks tell a clean story: an object is ADDED once, and DELETED once, whatever the
 * connection does; an object whose name was taken over by another is DELETED before
 * the new one is ADDED. Per object the watch keeps name, namespace, UID and version.
 */
MUST_CHECK int k8s_watch_new(struct k8s_client *c, const struct k8s_watch_spec *spec,
			     const struct k8s_watch_ops *ops, void *ctx, struct k8s_watch **ret,
			     struct err *e);

/* Forget the resourceVersion and list again, soon. */
void k8s_watch_relist(struct k8s_watch *w);

void k8s_watch_get_stats(const struct k8s_watch *w, struct k8s_watch_stats *ret);

struct k8s_watch *k8s_watch_free(struct k8s_watch *w); /* calls no one back; returns NULL */
