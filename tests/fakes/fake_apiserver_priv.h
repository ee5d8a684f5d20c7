/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside the fake API server. Objects are never changed in place, so references are snapshots. */

#include "fake_apiserver.h"
#include "list.h"
#include "strbuf.h"

#include <json-c/json.h>

#define API_GROUP   "podresctrl.io"
#define API_VERSION "v1alpha1"

struct fake_type {
	const char *resource, *singular, *kind, *short_name, *category;
	const char *group; /* "" for the core group */
	const char *version;
	bool is_namespaced, has_status, is_custom;
};

extern const struct fake_type fake_types[];
extern const size_t fake_nr_types;

struct fake_object {
	struct list link;
	const struct fake_type *type;
	struct json_object *json;
};

struct fake_event {
	struct list link;
	const struct fake_type *type;
	uint64_t version;
	struct json_object *old, *new; /* NULL: was not, is no more */
};

struct fake_fault {
	struct list link;
	struct fake_api_fault f;
	unsigned int left;
};

struct fake_count {
	struct list link;
	char verb[16], resource[128];
	unsigned int nr;
};

enum fake_as {
	AS_OBJECT,
	AS_METADATA,
	AS_TABLE,
};

/* A request, taken apart. */
struct fake_request {
	char method[16], path[1024], query[4096];
	const char *head, *body;
	size_t body_len;
	char accept[512], content_type[128], auth[512];
	/* what it addresses */
	const struct fake_type *type;
	char namespace_[128], name[300], sub[32];
	const char *verb;
	enum fake_as as;
};

struct fake_selector {
	char name[300], namespace_[128], node[300], phase_not[64];
	bool has_name, has_namespace, has_node;
};

struct fake_watch {
	const struct fake_type *type;
	struct fake_selector sel;
	enum fake_as as;
	uint64_t version; /* sent up to here */
	uint64_t ends_ms, bookmark_ms;
	bool want_bookmarks, sent_columns;
};

struct fake_conn {
	struct list link;
	int fd;
	struct strbuf in, out;
	bool close_when_sent, is_stalled, is_dead, is_watch;
	struct fake_watch watch;
};

struct fake_api {
	int listen_fd;
	uint16_t port;
	char *token;
	struct list conns, objects, events, faults, counts;
	uint64_t version, oldest; /* events up to OLDEST are forgotten */
	size_t nr_events, write_max;
	unsigned int nr_accepted;
	bool gc_pending, is_down, has_no_definition;
	struct strbuf last_head, last_body;
	uint64_t (*now_ms)(void *ctx);
	void *clock_ctx;
};

/* fake_apiserver.c: connections */
uint64_t fake_now(const struct fake_api *f);
void fake_reply(struct fake_conn *c, int status, const char *type, const char *headers,
		const char *body, size_t len);
void fake_reply_json(struct fake_conn *c, int status, struct json_object *o); /* takes O */
void fake_chunk(struct fake_conn *c, const char *data, size_t len);           /* len 0: the last */

/* fake_apiserver_store.c */
const struct fake_type *fake_type_find(const char *group, const char *version,
				       const char *resource);
const struct fake_type *fake_type_named(const char *resource);
struct fake_object *fake_find(const struct fake_api *f, const struct fake_type *type,
			      const char *namespace_, const char *name);
/* Stores a new version of an object; takes O and stamps it with a resourceVersion. */
struct json_object *fake_store(struct fake_api *f, const struct fake_type *type,
			       struct json_object *o);
void fake_remove(struct fake_api *f, struct fake_object *obj);
void fake_collect(struct fake_api *f); /* the garbage collector */
void fake_store_free(struct fake_api *f);
struct json_object *fake_clone(struct json_object *o);
const char *fake_str(struct json_object *o, const char *a, const char *b); /* o[a][b] or "" */
void fake_fill_in(struct fake_api *f, const struct fake_type *type, struct json_object *o,
		  const char *namespace_);

/* fake_apiserver_rest.c */
void fake_handle(struct fake_api *f, struct fake_conn *c, struct fake_request *rq);
void fake_watch_pump(struct fake_api *f, struct fake_conn *c);
void fake_watch_send_bookmark(struct fake_api *f, struct fake_conn *c);
bool fake_query(const struct fake_request *rq, const char *key, char *ret, size_t size);
/* Answers with a Status. DETAILS is taken, may be NULL. */
void fake_reply_status(struct fake_conn *c, int status, const char *reason, const char *message,
		       struct json_object *details);
struct json_object *fake_details(const struct fake_request *rq);

/* fake_apiserver_write.c: create, patch, delete */
void fake_create(struct fake_api *f, struct fake_conn *c, struct fake_request *rq);
void fake_update(struct fake_api *f, struct fake_conn *c, struct fake_request *rq);
void fake_delete(struct fake_api *f, struct fake_conn *c, struct fake_request *rq);

/* fake_apiserver_review.c: "may I?", answered by the roles that are stored */
void fake_review(struct fake_api *f, struct fake_conn *c, const struct fake_request *rq);

/* fake_apiserver_patch.c: NULL when the patch does not apply; *RET_TEST: a test op failed */
struct json_object *fake_json_patch(struct json_object *o, struct json_object *patch);
struct json_object *fake_merge_patch(struct json_object *o, struct json_object *patch);

/* fake_apiserver_view.c: discovery, tables, metadata */
bool fake_discovery(const struct fake_api *f, struct fake_conn *c, const struct fake_request *rq);
struct json_object *fake_view(const struct fake_api *f, const struct fake_type *type,
			      enum fake_as as, struct json_object *o, bool with_columns);
struct json_object *fake_view_list(const struct fake_api *f, const struct fake_type *type,
				   enum fake_as as, struct json_object **items, size_t nr);
