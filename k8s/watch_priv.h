/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside k8s/: the parts of a watch. Bytes -> stream -> objects -> store -> callbacks. */

#include "client_priv.h"
#include "strmap.h"

#include <json-c/json.h>

/* ---- stream: JSON objects out of bytes that are cut anywhere ---- */

#define K8S_EVENT_MAX (4UL * 1024 * 1024)
#define K8S_LIST_MAX  (64UL * 1024 * 1024)

struct k8s_stream {
	struct json_tokener *tok;
	size_t cap;  /* most bytes one object may have */
	size_t have; /* bytes of the object that is under way; 0 between objects */
	char last;   /* of these */
};

MUST_CHECK int k8s_stream_init(struct k8s_stream *s);
void k8s_stream_done(struct k8s_stream *s);
void k8s_stream_reset(struct k8s_stream *s, size_t cap); /* forgets a half object */

/*
 * Takes bytes; *RET_USED says how many. 1: *RET is an object, the caller's to put, and
 * what follows it was not used. 0: all was used, no object is complete. -EPROTO: this
 * is no sequence of JSON objects, -EMSGSIZE, -ENOMEM.
 */
MUST_CHECK int k8s_stream_next(struct k8s_stream *s, const char *data, size_t len, size_t *ret_used,
			       struct json_object **ret);

/* ---- objects ---- */

/*
 * Fills M from an object; strings and OBJECT are borrowed from it, k8s_meta_done() frees
 * the two arrays. -EPROTO without a name, UID or resourceVersion, or with overlong ones.
 */
MUST_CHECK int k8s_meta_decode(struct k8s_object_meta *m, struct json_object *object);
void k8s_meta_done(struct k8s_object_meta *m);

/* The string at KEY of O, or NULL when it is absent, empty or something else. */
const char *k8s_json_str(struct json_object *o, const char *key);
struct json_object *k8s_json_get(struct json_object *o, const char *key, enum json_type type);

/* A watch frame; strings and OBJECT are borrowed from the JSON. */
enum k8s_frame_type {
	K8S_FRAME_ADDED,
	K8S_FRAME_MODIFIED,
	K8S_FRAME_DELETED,
	K8S_FRAME_BOOKMARK,
	K8S_FRAME_ERROR,
	K8S_FRAME_UNKNOWN,
};

struct k8s_frame {
	enum k8s_frame_type type;
	struct json_object *object; /* of type object; NULL only for K8S_FRAME_UNKNOWN */
};

/* -EPROTO when it is not a frame at all. */
MUST_CHECK int k8s_frame_decode(struct k8s_frame *f, struct json_object *json);

/* ---- store: what is known to exist ---- */

#define K8S_RV_KEPT 24

struct k8s_record {
	struct list link;
	uint32_t seen;        /* in which list it was seen last */
	char rv[K8S_RV_KEPT]; /* "" when longer than this: then every sight is a change */
	const char *namespace_, *name, *uid;
	char key[]; /* "namespace/name", and behind it what the pointers point to */
};

struct k8s_store {
	struct strmap by_name;
	struct list records;
};

void k8s_store_init(struct k8s_store *s, uint32_t seed);
void k8s_store_done(struct k8s_store *s);
struct k8s_record *k8s_store_find(const struct k8s_store *s, const struct k8s_object_meta *m);
/* NULL without memory; the name must not be in the store. */
struct k8s_record *k8s_store_add(struct k8s_store *s, const struct k8s_object_meta *m);
void k8s_store_del(struct k8s_store *s, struct k8s_record *r);
void k8s_record_set_rv(struct k8s_record *r, const char *rv);

/* ---- the watch ---- */

#define K8S_RV_MAX 256

enum watch_phase {
	PHASE_WAITING, /* until due_ms */
	PHASE_LISTING,
	PHASE_WATCHING,
};

/* Which state a list may be answered from; see "resource versions" in the API concepts. */
enum list_from {
	LIST_FROM_CACHE,  /* "0": whatever the server has in memory */
	LIST_FROM_LAST,   /* our last version: from memory, but not older than that */
	LIST_FROM_QUORUM, /* none: the newest, read from etcd by older servers */
};

struct k8s_watch {
	struct list link;
	struct k8s_client *client;
	char *path, *selector; /* selector: ready for a query, "" or ending in "&" */
	bool is_metadata_only;
	size_t max_objects;
	const struct k8s_watch_ops *ops;
	void *ctx;

	enum watch_phase phase;
	bool want_list; /* what the next attempt is; else watch */
	enum k8s_relist list_why;
	enum list_from from;
	uint64_t due_ms;
	char rv[K8S_RV_MAX];
	char *page; /* the continue token of a list under way, or NULL */
	uint32_t list_nr;

	struct k8s_transfer transfer;
	struct strbuf in; /* received, not parsed yet */
	struct k8s_stream stream;
	struct json_object *list; /* a whole list (page), once parsed */
	bool is_done;             /* libcurl is through with the transfer */
	CURLcode result;
	uint64_t started_ms, heard_ms, timeout_ms;
	uint64_t session_bytes, session_events;

	struct k8s_store store;
	uint64_t listed_ms;        /* when the last list was complete */
	uint64_t relist_ms;        /* when the next is due for safety */
	uint64_t failed_ms;        /* when the last failure was */
	uint64_t backoff_first_ms; /* tells its kind */
	unsigned int steps;        /* of the back-off */
	unsigned int nr_silent;    /* sessions in a row without one byte */
	bool is_suspect; /* the server may be another one than that which told our version */
	bool is_auth_retried, is_connected, is_synced, is_dead;
	struct k8s_watch_stats stats;
};

/* What went wrong with an attempt. */
struct watch_failure {
	int rc;
	int http_status;
	const char *message;
	uint64_t retry_after_ms;
};

/* watch.c */
void k8s_watch_fail(struct k8s_watch *w, const struct watch_failure *f);
void k8s_watch_expire(struct k8s_watch *w, const struct watch_failure *f);
void k8s_watch_set_connected(struct k8s_watch *w);
/* The next attempts list, until one is complete. The first reason given stays. */
void k8s_watch_want_list(struct k8s_watch *w, enum k8s_relist why);
/* Ends the attempt under way; the next one starts after DELAY_MS. */
void k8s_watch_wait(struct k8s_watch *w, uint64_t delay_ms);

/* watch_data.c: objects to callbacks. Each may end the attempt, and leave a dead watch. */
void k8s_watch_take_frame(struct k8s_watch *w, struct json_object *json);
void k8s_watch_take_list(struct k8s_watch *w);
