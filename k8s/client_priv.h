/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside k8s/: the client, and one HTTP exchange ("transfer") that calls and watches share. */

#include "config_priv.h"
#include "list.h"

#include <curl/curl.h>

#define K8S_NEVER UINT64_MAX

#define list_entry_const(ptr, type, m) \
	((const type *)(const void *)((const char *)(ptr)-offsetof(type, m)))

/* Who we are and whom we trust, as read last. */
struct k8s_auth {
	char *token; /* NULL: none */
	struct k8s_blob ca;
	struct k8s_blob cert, key; /* from a credential plugin */
	uint64_t read_at_ms;
};

/* The credential plugin, where one is configured. */
struct k8s_exec {
	bool has_credential;
	uint64_t expires_ms;    /* of the credential; K8S_NEVER: not known */
	uint64_t ended_ms;      /* when the plugin last ended */
	uint64_t rest_until_ms; /* after a failure: not to be run before */
	char why[200];          /* of the failure */
	struct list parked;     /* transfers that wait for a credential */
	/* while it runs: */
	pid_t pid; /* 0: it does not */
	int pid_fd, out_fd;
	uint64_t deadline_ms;
	struct strbuf out;
};

struct k8s_client {
	const struct k8s_config *cfg;
	const struct k8s_loop_ops *ops;
	void *ops_ctx;
	CURLM *multi;
	struct k8s_auth auth;
	struct k8s_exec exec;
	struct list calls;
	struct list watches;
	size_t nr_calls;
	struct k8s_client_stats stats;
	uint64_t curl_due_ms;  /* when libcurl wants to be called, or K8S_NEVER */
	uint64_t timer_due_ms; /* when the loop's timer is set to, or K8S_NEVER */
	unsigned int depth;    /* > 0: inside one of our entry points, callbacks may be running */
	bool is_dying;         /* freed from inside a callback */
};

uint64_t k8s_now(const struct k8s_client *c);
uint64_t k8s_random_below(const struct k8s_client *c, uint64_t n); /* 0 .. n-1; 0 for n = 0 */

/* Sets the loop's timer to what is due next. Cheap; call it after anything that changes that. */
void k8s_client_rearm(struct k8s_client *c);

/* Reads token and CA if they are older than a minute. Failure keeps what there was. */
void k8s_auth_refresh(struct k8s_client *c);

/* After a 401: read now. True when the token is another one than USED. */
bool k8s_auth_reload(struct k8s_client *c, const char *used);
void k8s_auth_done(struct k8s_auth *a);

/* ---- the credential plugin (exec.c); all harmless where none is configured ---- */

struct k8s_transfer;

void k8s_exec_init(struct k8s_client *c);
void k8s_exec_done(struct k8s_client *c); /* ends the plugin if it runs */

/* Is there a credential, or none needed? */
bool k8s_exec_is_ready(const struct k8s_client *c);

/* The credential is no good. False: it is too young for another try. */
bool k8s_exec_renew(struct k8s_client *c, const char *used);

/* T waits for a credential; k8s_transfer_go() or its on_done() follows. */
void k8s_exec_park(struct k8s_client *c, struct k8s_transfer *t);

bool k8s_exec_owns_fd(const struct k8s_client *c, int fd);
void k8s_exec_run(struct k8s_client *c, uint64_t now);
uint64_t k8s_exec_due(const struct k8s_client *c);

/* ---- transfers ---- */

struct k8s_transfer_ops {
	/* Bytes of the body; false = not now, pause until k8s_transfer_resume(). */
	bool (*on_data)(struct k8s_transfer *t, const char *data, size_t len);
	void (*on_done)(struct k8s_transfer *t, CURLcode result);
};

/* What of an answer's headers matters. */
struct k8s_answer {
	uint64_t retry_after_ms;
	bool is_encoded; /* has a Content-Encoding, which nobody asked for */
	char warning[512];
	char audit_id[64];
};

struct k8s_transfer {
	struct k8s_client *client;
	const struct k8s_transfer_ops *ops;
	CURL *easy; /* NULL: idle */
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	enum k8s_method method;
	char *token; /* the one this transfer was sent with; NULL: none */
	struct k8s_answer answer;
	bool is_paused;
	bool is_parked;
	struct list parked; /* in the client's exec.parked */
	char errbuf[CURL_ERROR_SIZE];
};

struct k8s_transfer_spec {
	enum k8s_method method;
	const char *path;  /* with the query */
	const char *query; /* or NULL */
	const char *accept;
	const char *content_type; /* of BODY */
	const char *body;         /* borrowed until the transfer is stopped */
	size_t body_len;
};

MUST_CHECK int k8s_transfer_start(struct k8s_transfer *t, struct k8s_client *c,
				  const struct k8s_transfer_spec *spec,
				  const struct k8s_transfer_ops *ops, struct err *e);
/* Send it with the credentials of now. */
MUST_CHECK int k8s_transfer_go(struct k8s_transfer *t);
void k8s_transfer_stop(struct k8s_transfer *t); /* harmless when idle */
void k8s_transfer_resume(struct k8s_transfer *t);
int k8s_transfer_status(const struct k8s_transfer *t); /* the HTTP status, 0 = none yet */

void k8s_stats_init(struct k8s_client_stats *stats);
void k8s_count_transfer(const struct k8s_transfer *t); /* it has ended */

/* What libcurl's verdict means to our callers, and the words for it. */
int k8s_curl_error(const struct k8s_transfer *t, CURLcode code, struct err *e);

/* Reads one header line into A. Retry-After as a date is ignored: that takes a shared clock. */
void k8s_answer_header(struct k8s_answer *a, const char *line, size_t len);

/* ---- answers ---- */

struct json_object;

struct k8s_status {
	struct json_object *json; /* owner of the strings */
	struct k8s_response r;
	char text[256];
};

/* Fills S->r from an HTTP status, headers and body; k8s_status_done() afterwards. */
void k8s_status_decode(struct k8s_status *s, int http_status, const struct k8s_answer *a,
		       const char *body, size_t len);

/* The same for the Status object of a watch's ERROR event. Takes no reference. */
void k8s_status_from_object(struct k8s_status *s, struct json_object *status);
void k8s_status_done(struct k8s_status *s);

/* ---- called by the client's entry points ---- */

void k8s_calls_run(struct k8s_client *c, uint64_t now); /* deadlines of calls */
uint64_t k8s_calls_due(const struct k8s_client *c);
void k8s_calls_drop(struct k8s_client *c);

void k8s_watches_run(struct k8s_client *c, uint64_t now); /* parse, deadlines, next attempts */
uint64_t k8s_watches_due(const struct k8s_client *c);
void k8s_watches_reap(struct k8s_client *c); /* frees what was freed inside callbacks */
void k8s_watches_drop(struct k8s_client *c);
