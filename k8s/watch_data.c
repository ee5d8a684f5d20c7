/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lists and frames become on_object() calls. The store decides what a caller hears: an
 * object is ADDED once and DELETED once, however often the server repeats itself. A
 * callback may free the watch; it is only marked dead then, and every loop here looks.
 */

#include "watch_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void tell(struct k8s_watch *w, enum k8s_event_type type, const struct k8s_object_meta *m)
{
	if (w->ops->on_object && !w->is_dead)
		w->ops->on_object(w->ctx, type, m);
}

/* The record leaves the store before the caller hears of it. */
static void forget(struct k8s_watch *w, struct k8s_record *r, const struct k8s_object_meta *last)
{
	struct k8s_object_meta m = {
		.name = r->name,
		.namespace_ = r->namespace_,
		.uid = r->uid,
		.resource_version = r->rv,
		.deleting = true,
	};

	(void)strmap_del(&w->store.by_name, r->key);
	list_del(&r->link);
	tell(w, K8S_DELETED, last ? last : &m);
	free(r);
}

/* 0, -ENOMEM or -ENOBUFS. */
static int upsert(struct k8s_watch *w, const struct k8s_object_meta *m)
{
	struct k8s_record *r = k8s_store_find(&w->store, m);
	enum k8s_event_type type = K8S_MODIFIED;

	if (r && strcmp(r->uid, m->uid) != 0) {
		forget(w, r, NULL);
		r = NULL;
	}
	if (w->is_dead)
		return 0;
	if (!r) {
		if (w->store.by_name.nr >= w->max_objects)
			return -ENOBUFS;
		r = k8s_store_add(&w->store, m);
		if (!r)
			return -ENOMEM;
		type = K8S_ADDED;
	} else if (r->rv[0] && strcmp(r->rv, m->resource_version) == 0) {
		r->seen = w->list_nr;
		return 0;
	}
	k8s_record_set_rv(r, m->resource_version);
	r->seen = w->list_nr;
	tell(w, type, m);
	return 0;
}

static void drop(struct k8s_watch *w, const struct k8s_object_meta *m)
{
	struct k8s_record *r = k8s_store_find(&w->store, m);

	/* A late DELETED of a predecessor must not take the successor away. */
	if (r && strcmp(r->uid, m->uid) == 0)
		forget(w, r, m);
}

static void set_rv(struct k8s_watch *w, const char *rv)
{
	w->is_suspect = false;
	(void)snprintf(w->rv, sizeof(w->rv), "%s", rv);
}

static void fail_with(struct k8s_watch *w, int rc, const char *message)
{
	struct watch_failure f = {.rc = rc, .message = message};

	f.http_status = k8s_transfer_status(&w->transfer);
	k8s_watch_fail(w, &f);
}

static void fail_object(struct k8s_watch *w, int rc)
{
	if (rc == -ENOBUFS)
		fail_with(w, rc, "there are more objects than this watch may know");
	else if (rc == -ENOMEM)
		fail_with(w, rc, "out of memory");
	else
		fail_with(w, rc, "an object without a proper name, uid or resourceVersion");
}

/* ---- frames ---- */

static void take_object(struct k8s_watch *w, const struct k8s_frame *f)
{
	struct k8s_object_meta m;
	int r = k8s_meta_decode(&m, f->object);

	if (r == 0) {
		w->stats.events++;
		w->stats.added += f->type == K8S_FRAME_ADDED;
		w->stats.modified += f->type == K8S_FRAME_MODIFIED;
		w->stats.deleted += f->type == K8S_FRAME_DELETED;
		w->session_events++;
		/* Before the callback, which may ask for a new list. */
		set_rv(w, m.resource_version);
		if (f->type == K8S_FRAME_DELETED)
			drop(w, &m);
		else
			r = upsert(w, &m);
		k8s_meta_done(&m);
	}
	if (r < 0) {
		k8s_watch_want_list(w, K8S_RELIST_BAD_EVENT);
		fail_object(w, r);
	}
}

static void take_bookmark(struct k8s_watch *w, struct json_object *object)
{
	struct json_object *meta = k8s_json_get(object, "metadata", json_type_object);
	const char *rv = k8s_json_str(meta, "resourceVersion");

	if (!rv || strlen(rv) >= K8S_RV_MAX) {
		fail_with(w, -EPROTO, "a bookmark without a resourceVersion");
		return;
	}
	w->stats.bookmarks++;
	w->session_events++;
	set_rv(w, rv);
}

/* The connection says 200 long before, so that errors come as frames. */
static void take_error(struct k8s_watch *w, struct json_object *object)
{
	struct k8s_status s;
	struct watch_failure f;

	k8s_status_from_object(&s, object);
	f = (struct watch_failure){
		.rc = s.r.rc,
		.http_status = s.r.http_status,
		.message = s.r.message,
		.retry_after_ms = s.r.retry_after_ms,
	};
	if (s.r.http_status == 410 ||
	    (s.r.reason && (strcmp(s.r.reason, "Expired") == 0 || strcmp(s.r.reason, "Gone") == 0)))
		k8s_watch_expire(w, &f);
	else {
		/* Storage not ready, version too large: what we hold may be of no use any more. */
		k8s_watch_want_list(w, K8S_RELIST_SERVER_ERROR);
		k8s_watch_fail(w, &f);
	}
	k8s_status_done(&s);
}

void k8s_watch_take_frame(struct k8s_watch *w, struct json_object *json)
{
	struct k8s_frame f;

	if (k8s_frame_decode(&f, json) < 0) {
		fail_with(w, -EPROTO, "something that is no watch event");
		return;
	}
	switch (f.type) {
	case K8S_FRAME_ADDED:
	case K8S_FRAME_MODIFIED:
	case K8S_FRAME_DELETED:
		take_object(w, &f);
		break;
	case K8S_FRAME_BOOKMARK:
		take_bookmark(w, f.object);
		break;
	case K8S_FRAME_ERROR:
		take_error(w, f.object);
		break;
	case K8S_FRAME_UNKNOWN:
		w->stats.unknown++;
		break;
	}
}

/* ---- lists ---- */

static int take_items(struct k8s_watch *w, struct json_object *items)
{
	size_t nr = items ? json_object_array_length(items) : 0;
	int r = 0;

	for (size_t i = 0; i < nr && r == 0 && !w->is_dead; i++) {
		struct k8s_object_meta m;

		r = k8s_meta_decode(&m, json_object_array_get_idx(items, i));
		if (r < 0)
			break;
		r = upsert(w, &m);
		k8s_meta_done(&m);
	}
	return r;
}

static void sweep(struct k8s_watch *w)
{
	struct list *it = w->store.records.next;

	/* A callback can add nothing to the store, so the next record stays. */
	while (it != &w->store.records && !w->is_dead) {
		struct k8s_record *r = list_entry(it, struct k8s_record, link);

		it = it->next;
		if (r->seen != w->list_nr)
			forget(w, r, NULL);
	}
}

static void complete(struct k8s_watch *w, const char *rv)
{
	uint64_t now = k8s_now(w->client);

	sweep(w);
	if (w->is_dead)
		return;
	set_rv(w, rv);
	w->listed_ms = now;
	w->relist_ms = now + 15 * 60000 + k8s_random_below(w->client, 30 * 60000);
	w->stats.lists++;
	if (w->is_synced)
		w->stats.relists[w->list_why]++;
	w->want_list = false;
	w->is_synced = true;
	w->from = LIST_FROM_LAST;
	k8s_watch_wait(w, 0);
	k8s_watch_set_connected(w);
	if (w->ops->on_synced && !w->is_dead)
		w->ops->on_synced(w->ctx);
}

/* True when there is another page, which is asked for at once. */
static bool next_page(struct k8s_watch *w, const char *token)
{
	free(w->page);
	w->page = token ? strdup(token) : NULL;
	if (!w->page)
		return false;
	k8s_watch_wait(w, 0);
	return true;
}

static bool is_list(struct json_object *list)
{
	const char *kind = k8s_json_str(list, "kind");
	size_t len = kind ? strlen(kind) : 0;
	struct json_object *items = NULL;

	/* An empty list of Go's is "items": null, and json-c's null is NULL. */
	(void)json_object_object_get_ex(list, "items", &items);
	return len >= 4 && strcmp(kind + len - 4, "List") == 0 &&
	       (!items || json_object_is_type(items, json_type_array));
}

void k8s_watch_take_list(struct k8s_watch *w)
{
	struct json_object *list = w->list;
	struct json_object *meta = k8s_json_get(list, "metadata", json_type_object);
	const char *rv = k8s_json_str(meta, "resourceVersion");
	const char *token = k8s_json_str(meta, "continue");
	int r;

	w->list = NULL;
	if (!is_list(list) || !rv || strlen(rv) >= K8S_RV_MAX) {
		fail_with(w, -EPROTO, "the answer to a list request is no list");
	} else {
		r = take_items(w, k8s_json_get(list, "items", json_type_array));
		if (r < 0)
			fail_object(w, r);
		else if (!w->is_dead && !next_page(w, token)) {
			if (token)
				fail_object(w, -ENOMEM);
			else
				complete(w, rv);
		}
	}
	json_object_put(list);
}
