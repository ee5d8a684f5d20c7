/* SPDX-License-Identifier: Apache-2.0 */

/*
 * List, then watch, for ever: attempts, their ends, and how long to wait between. The
 * numbers are client-go's where it has one.
 *
 *	WAITING --due--> LISTING --complete--> WAITING 0 --> WATCHING --end--> WAITING
 *
 * Bytes are only stored inside libcurl's callback; they are parsed in a turn of the
 * loop, a bounded number of them, and when that lags behind, libcurl is paused.
 */

#include "watch_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PARSE_BUDGET      65536
#define IN_KEEP           16384 /* room for input that stays while there is none */
#define ERROR_BODY_MAX    65536
#define MAX_OBJECTS       16384
#define PAGE_SIZE_OBJECTS "500"

#define BACKOFF_RESET_MS  120000 /* of health */
#define RETRY_AFTER_MAX   300000
#define RELIST_MIN_GAP_MS 5000
#define SHORT_WATCH_MS    1000
#define CLEAN_JITTER_MS   1000
#define ANSWER_MS         30000 /* until the first byte of a watch's answer */
#define LIST_MS           60000
#define SILENCE_MS        180000 /* servers send a bookmark about once a minute */
#define GRACE_MS          30000  /* past the end that we asked for ourselves */
#define EARLY_MS          5000   /* before it: somebody else ended the watch */
#define WATCH_MIN_S       300
#define WATCH_SPREAD_S    300

static void reset_attempt(struct k8s_watch *w)
{
	k8s_transfer_stop(&w->transfer);
	strbuf_reset(&w->in);
	json_object_put(w->list);
	w->list = NULL;
	w->is_done = false;
}

void k8s_watch_wait(struct k8s_watch *w, uint64_t delay_ms)
{
	reset_attempt(w);
	w->phase = PHASE_WAITING;
	w->due_ms = k8s_now(w->client) + delay_ms;
}

void k8s_watch_want_list(struct k8s_watch *w, enum k8s_relist why)
{
	if (w->want_list)
		return;
	w->want_list = true;
	w->list_why = why;
}

static void drop_page(struct k8s_watch *w)
{
	free(w->page);
	w->page = NULL;
}

/* ---- state, as the caller sees it ---- */

static void tell_state(struct k8s_watch *w, const struct watch_failure *f, uint64_t retry_in_ms)
{
	struct k8s_watch_state state = {
		.connected = w->is_connected,
		.synced = w->is_synced,
		.rc = f->rc,
		.http_status = f->http_status,
		.message = f->message,
		.retry_in_ms = retry_in_ms,
	};

	if (w->ops->on_state && !w->is_dead)
		w->ops->on_state(w->ctx, &state);
}

void k8s_watch_set_connected(struct k8s_watch *w)
{
	struct watch_failure none = {0};

	w->is_auth_retried = false;
	if (w->is_connected)
		return;
	w->is_connected = true;
	tell_state(w, &none, 0);
}

/* ---- back-off ---- */

struct backoff {
	uint64_t first_ms, cap_ms;
};

/*
 * Forbidden: somebody has to change a role first. But where it was allowed before, it may be a
 * server that has just started and does not know its roles yet, which takes it seconds.
 */
static struct backoff backoff_for(const struct k8s_watch *w, int rc)
{
	switch (rc) {
	case -EACCES:
		return (struct backoff){w->is_synced ? 2000 : 30000, 150000};
	case -ENOENT: /* the type is not installed, yet */
		return (struct backoff){10000, 30000};
	default:
		return (struct backoff){800, 30000};
	}
}

/* Doubling, and on top of it up to as much again. Retry-After is a floor under that. */
static uint64_t backoff_delay(struct k8s_watch *w, const struct watch_failure *f)
{
	struct backoff b = backoff_for(w, f->rc);
	uint64_t now = k8s_now(w->client), ms = b.first_ms;
	uint64_t floor = f->retry_after_ms < RETRY_AFTER_MAX ? f->retry_after_ms : RETRY_AFTER_MAX;

	/* Another kind of failure begins anew: its pauses are of another length. */
	if (now - w->failed_ms >= BACKOFF_RESET_MS || w->backoff_first_ms != b.first_ms)
		w->steps = 0;
	w->failed_ms = now;
	w->backoff_first_ms = b.first_ms;
	for (unsigned int i = 0; i < w->steps && ms < b.cap_ms; i++)
		ms *= 2;
	if (ms > b.cap_ms)
		ms = b.cap_ms;
	if (w->steps < 16)
		w->steps++;
	if (ms < floor)
		ms = floor;
	return ms + k8s_random_below(w->client, ms + 1);
}

void k8s_watch_fail(struct k8s_watch *w, const struct watch_failure *f)
{
	uint64_t delay = backoff_delay(w, f);
	bool was_listing = w->want_list;
	char message[ERR_MSG_MAX];
	struct watch_failure copy = *f;

	/* The text may live in what reset_attempt() frees. */
	(void)snprintf(message, sizeof(message), "%s", f->message ? f->message : "");
	copy.message = message;
	w->stats.failures++;
	w->is_connected = false;
	w->is_suspect = true;
	/* No answer for "not older than X", or for the next page: ask for the newest, whole. */
	if (was_listing && w->phase == PHASE_LISTING &&
	    (f->http_status == 410 || (f->http_status == 504 && w->from == LIST_FROM_LAST)))
		w->from = LIST_FROM_QUORUM;
	drop_page(w);
	k8s_watch_wait(w, delay);
	tell_state(w, &copy, delay);
}

void k8s_watch_expire(struct k8s_watch *w, const struct watch_failure *f)
{
	uint64_t now = k8s_now(w->client);

	w->stats.expired++;
	k8s_watch_want_list(w, K8S_RELIST_EXPIRED);
	if (now - w->listed_ms < RELIST_MIN_GAP_MS) {
		k8s_watch_fail(w, f);
		return;
	}
	k8s_watch_wait(w, k8s_random_below(w->client, CLEAN_JITTER_MS));
}

/* ---- starting ---- */

static bool on_data(struct k8s_transfer *t, const char *data, size_t len)
{
	struct k8s_watch *w = CONTAINER_OF(t, struct k8s_watch, transfer);

	w->heard_ms = w->stats.last_byte_ms = k8s_now(w->client);
	if (k8s_transfer_status(t) != 200) {
		if (w->in.len + len <= ERROR_BODY_MAX)
			(void)strbuf_add(&w->in, data, len);
		return true;
	}
	if (w->in.len >= PARSE_BUDGET)
		return false;
	w->session_bytes += len;
	(void)strbuf_add(&w->in, data, len);
	return true;
}

static void on_done(struct k8s_transfer *t, CURLcode result)
{
	struct k8s_watch *w = CONTAINER_OF(t, struct k8s_watch, transfer);

	w->is_done = true;
	w->result = result;
}

static const struct k8s_transfer_ops transfer_ops = {.on_data = on_data, .on_done = on_done};

static void add_list_query(const struct k8s_watch *w, struct strbuf *query)
{
	if (w->page) {
		strbuf_adds(query, "limit=" PAGE_SIZE_OBJECTS "&continue=");
		k8s_escape(query, w->page);
	} else if (w->from == LIST_FROM_QUORUM) {
		strbuf_adds(query, "limit=" PAGE_SIZE_OBJECTS);
	} else {
		strbuf_adds(query, "resourceVersion=");
		k8s_escape(query, w->from == LIST_FROM_LAST && w->rv[0] ? w->rv : "0");
	}
}

static void add_watch_query(struct k8s_watch *w, struct strbuf *query)
{
	uint64_t s = WATCH_MIN_S + k8s_random_below(w->client, WATCH_SPREAD_S + 1);

	w->timeout_ms = s * 1000;
	strbuf_adds(query, "watch=1&allowWatchBookmarks=true&resourceVersion=");
	k8s_escape(query, w->rv);
	strbuf_addf(query, "&timeoutSeconds=%llu", (unsigned long long)s);
}

static const char *accept_for(const struct k8s_watch *w)
{
	if (!w->is_metadata_only)
		return "application/json";
	/* The plain form at the end is for servers that do not know the other. */
	if (w->want_list)
		return "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
		       "application/json";
	return "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
}

static void start(struct k8s_watch *w)
{
	struct strbuf query;
	struct k8s_transfer_spec spec = {.method = K8S_GET, .path = w->path};
	struct err e = {0};
	int r;

	strbuf_init(&query, 65536);
	strbuf_adds(&query, w->selector);
	if (w->want_list)
		add_list_query(w, &query);
	else
		add_watch_query(w, &query);
	if (w->want_list && !w->page)
		w->list_nr++;
	spec.query = strbuf_str(&query);
	spec.accept = accept_for(w);
	w->phase = w->want_list ? PHASE_LISTING : PHASE_WATCHING;
	w->started_ms = w->heard_ms = k8s_now(w->client);
	w->session_bytes = w->session_events = 0;
	w->result = CURLE_OK;
	k8s_stream_reset(&w->stream, w->want_list ? K8S_LIST_MAX : K8S_EVENT_MAX);
	r = query.error;
	if (r == 0)
		r = k8s_transfer_start(&w->transfer, w->client, &spec, &transfer_ops, &e);
	strbuf_done(&query);
	if (r < 0)
		k8s_watch_fail(w, &(struct watch_failure){.rc = r, .message = e.msg});
	else if (!w->want_list)
		w->stats.watches++;
}

/* ---- the end of an attempt ---- */

static void end_with_status(struct k8s_watch *w, int http_status)
{
	struct k8s_status s;
	struct watch_failure f;

	if (http_status == 401 && !w->is_auth_retried &&
	    k8s_auth_reload(w->client, w->transfer.token)) {
		w->is_auth_retried = true;
		k8s_watch_wait(w, 0);
		return;
	}
	k8s_status_decode(&s, http_status, &w->transfer.answer, strbuf_str(&w->in), w->in.len);
	f = (struct watch_failure){
		.rc = s.r.rc ? s.r.rc : -EPROTO,
		.http_status = http_status,
		.message = s.r.message ? s.r.message : "an answer without content",
		.retry_after_ms = s.r.retry_after_ms,
	};
	if (http_status == 410 && w->phase == PHASE_WATCHING)
		k8s_watch_expire(w, &f);
	else
		k8s_watch_fail(w, &f);
	k8s_status_done(&s);
}

static void end_watch(struct k8s_watch *w)
{
	uint64_t now = k8s_now(w->client);
	struct watch_failure f = {.rc = -EAGAIN, .http_status = 200};

	if (w->stream.have > 0) {
		f.rc = -EIO;
		f.message = "the watch ended inside an event";
		k8s_watch_fail(w, &f);
	} else if (w->session_events == 0 && now - w->started_ms < SHORT_WATCH_MS) {
		f.message = "the watch ended at once, without an event";
		k8s_watch_fail(w, &f);
	} else {
		/* Servers that shut down end watches as well, and etcd may have been restored. */
		if (now + EARLY_MS < w->started_ms + w->timeout_ms)
			w->is_suspect = true;
		k8s_watch_wait(w, k8s_random_below(w->client, CLEAN_JITTER_MS));
	}
}

static void end_attempt(struct k8s_watch *w)
{
	int http_status = k8s_transfer_status(&w->transfer);
	struct watch_failure f = {.rc = -EPROTO, .http_status = http_status};
	struct err e = {0};

	if (w->result != CURLE_OK) {
		f.rc = k8s_curl_error(&w->transfer, w->result, &e);
		f.message = e.msg;
		k8s_watch_fail(w, &f);
	} else if (http_status != 200) {
		end_with_status(w, http_status);
	} else if (w->phase == PHASE_WATCHING) {
		end_watch(w);
	} else if (w->list) {
		k8s_watch_take_list(w);
	} else {
		f.message = "the list ended half-way";
		k8s_watch_fail(w, &f);
	}
}

/* ---- turns ---- */

static void take(struct k8s_watch *w, struct json_object *o)
{
	if (w->phase == PHASE_WATCHING) {
		k8s_watch_take_frame(w, o);
		json_object_put(o);
	} else if (w->list) {
		json_object_put(o);
		k8s_watch_fail(w, &(struct watch_failure){.rc = -EPROTO,
							  .http_status = 200,
							  .message = "two lists in one answer"});
	} else {
		w->list = o;
	}
}

static void fail_stream(struct k8s_watch *w, int rc)
{
	struct watch_failure f = {.rc = rc, .http_status = 200};

	f.message = rc == -EMSGSIZE ? "an event or list larger than this client takes"
				    : "an answer that is not JSON";
	/* What the event was nobody knows, so that only a new list can tell. */
	k8s_watch_want_list(w, K8S_RELIST_BAD_EVENT);
	k8s_watch_fail(w, &f);
}

static bool is_running(const struct k8s_watch *w)
{
	return w->transfer.easy && !w->is_dead;
}

static void parse(struct k8s_watch *w)
{
	size_t budget = w->in.len < PARSE_BUDGET ? w->in.len : PARSE_BUDGET;
	size_t pos = 0;

	if (w->transfer.answer.is_encoded) {
		k8s_watch_fail(
			w, &(struct watch_failure){.rc = -EPROTO,
						   .http_status = 200,
						   .message = "the answer is compressed, unasked"});
		return;
	}
	if (w->session_bytes)
		w->nr_silent = 0;
	while (is_running(w) && pos < budget) {
		struct json_object *o = NULL;
		size_t used = 0;
		int r = k8s_stream_next(&w->stream, w->in.data + pos, budget - pos, &used, &o);

		pos += used;
		if (r < 0)
			fail_stream(w, r);
		else if (r > 0)
			take(w, o);
	}
	/* After a failure the buffer is empty already. */
	if (is_running(w))
		strbuf_consume(&w->in, pos);
	/* What a list needed, no watch event will for long. */
	if (!w->in.len && w->in.size > IN_KEEP)
		strbuf_done(&w->in);
}

static void turn(struct k8s_watch *w)
{
	bool is_good = k8s_transfer_status(&w->transfer) == 200;

	if (w->in.error) {
		k8s_watch_fail(w,
			       &(struct watch_failure){.rc = -ENOMEM, .message = "out of memory"});
		return;
	}
	if (is_good && w->in.len)
		parse(w);
	if (!is_running(w))
		return;
	if (is_good && w->in.len < PARSE_BUDGET)
		k8s_transfer_resume(&w->transfer);
	if (is_good && w->phase == PHASE_WATCHING && !w->is_done)
		k8s_watch_set_connected(w);
	if (is_running(w) && w->is_done && (!is_good || w->in.len == 0))
		end_attempt(w);
}

static uint64_t silence_limit(const struct k8s_watch *w)
{
	/* A server that never sends bookmarks is quiet for as long as nothing happens. */
	if (w->stats.bookmarks == 0 && w->nr_silent >= 2)
		return w->timeout_ms + GRACE_MS;
	return SILENCE_MS;
}

static uint64_t silence_due(const struct k8s_watch *w)
{
	if (k8s_transfer_status(&w->transfer) == 0)
		return w->started_ms + ANSWER_MS;
	return w->heard_ms + silence_limit(w);
}

/*
 * Older servers, and those whose etcd tells of no progress, send bookmarks only after some
 * object of the type has changed somewhere in the cluster. In a quiet one silence is no
 * trouble: the connection might be dead, so it is replaced, and that is all. But a server that
 * we came to with a version from before may never reach it, and then it is silent, too.
 */
static void end_silence(struct k8s_watch *w)
{
	if (k8s_transfer_status(&w->transfer) == 0) {
		k8s_watch_fail(w, &(struct watch_failure){.rc = -ETIMEDOUT,
							  .message = "no answer in time"});
		return;
	}
	w->stats.silences++;
	if (w->session_bytes == 0 && ++w->nr_silent >= 2 && w->is_suspect)
		k8s_watch_want_list(w, K8S_RELIST_SILENCE);
	k8s_watch_wait(w, k8s_random_below(w->client, CLEAN_JITTER_MS));
}

static void check_deadlines(struct k8s_watch *w, uint64_t now)
{
	if (w->phase == PHASE_LISTING) {
		if (now >= w->started_ms + LIST_MS)
			k8s_watch_fail(w, &(struct watch_failure){.rc = -ETIMEDOUT,
								  .message = "no list in time"});
	} else if (now >= silence_due(w)) {
		end_silence(w);
	} else if (now >= w->relist_ms) {
		k8s_watch_want_list(w, w->relist_ms ? K8S_RELIST_PERIODIC : K8S_RELIST_ASKED);
		k8s_watch_wait(w, 0);
	} else if (now >= w->started_ms + w->timeout_ms + GRACE_MS) {
		k8s_watch_wait(w, 0);
	}
}

static void run_one(struct k8s_watch *w, uint64_t now)
{
	if (w->is_dead)
		return;
	if (w->phase != PHASE_WAITING)
		turn(w);
	if (!w->is_dead && w->phase != PHASE_WAITING)
		check_deadlines(w, now);
	if (!w->is_dead && w->phase == PHASE_WAITING && now >= w->due_ms)
		start(w);
}

void k8s_watches_run(struct k8s_client *c, uint64_t now)
{
	/* Watches are only marked dead inside callbacks, so the list holds still. */
	list_for_each (it, &c->watches) {
		run_one(list_entry(it, struct k8s_watch, link), now);
	}
}

static uint64_t watch_due(const struct k8s_watch *w)
{
	uint64_t due, end;

	if (w->is_dead)
		return K8S_NEVER;
	if (w->phase == PHASE_WAITING)
		return w->due_ms;
	if (w->is_done || (w->in.len && k8s_transfer_status(&w->transfer) == 200))
		return 0;
	if (w->phase == PHASE_LISTING)
		return w->started_ms + LIST_MS;
	end = w->started_ms + w->timeout_ms + GRACE_MS;
	due = silence_due(w);
	due = due < end ? due : end;
	return due < w->relist_ms ? due : w->relist_ms;
}

uint64_t k8s_watches_due(const struct k8s_client *c)
{
	uint64_t due = K8S_NEVER;

	for (const struct list *it = c->watches.next; it != &c->watches; it = it->next) {
		uint64_t d = watch_due(list_entry_const(it, struct k8s_watch, link));

		due = d < due ? d : due;
	}
	return due;
}

/* ---- life ---- */

static void destroy(struct k8s_watch *w)
{
	list_del(&w->link);
	reset_attempt(w);
	strbuf_done(&w->in);
	k8s_stream_done(&w->stream);
	k8s_store_done(&w->store);
	free(w->path);
	free(w->selector);
	free(w->page);
	free(w);
}

struct k8s_watch *k8s_watch_free(struct k8s_watch *w)
{
	struct k8s_client *c;

	if (!w || w->is_dead)
		return NULL;
	c = w->client;
	w->is_dead = true;
	if (c->depth)
		return NULL; /* k8s_watches_reap() does the rest */
	destroy(w);
	k8s_client_rearm(c);
	return NULL;
}

void k8s_watches_reap(struct k8s_client *c)
{
	list_for_each_safe (it, next, &c->watches) {
		struct k8s_watch *w = list_entry(it, struct k8s_watch, link);

		if (w->is_dead)
			destroy(w);
	}
}

void k8s_watches_drop(struct k8s_client *c)
{
	list_for_each (it, &c->watches) {
		list_entry(it, struct k8s_watch, link)->is_dead = true;
	}
}

static int build_selector(struct k8s_watch *w, const struct k8s_watch_spec *spec)
{
	struct strbuf sb;

	strbuf_init(&sb, 16384);
	if (spec->field_selector) {
		strbuf_adds(&sb, "fieldSelector=");
		k8s_escape(&sb, spec->field_selector);
		strbuf_addc(&sb, '&');
	}
	if (spec->label_selector) {
		strbuf_adds(&sb, "labelSelector=");
		k8s_escape(&sb, spec->label_selector);
		strbuf_addc(&sb, '&');
	}
	if (sb.error == 0 && !sb.data)
		w->selector = strdup("");
	else
		w->selector = strbuf_take(&sb);
	strbuf_done(&sb);
	return w->selector ? 0 : -ENOMEM;
}

static int build(struct k8s_watch *w, const struct k8s_watch_spec *spec)
{
	int r = build_selector(w, spec);

	w->path = strdup(spec->path);
	if (r == 0 && !w->path)
		r = -ENOMEM;
	return r == 0 ? k8s_stream_init(&w->stream) : r;
}

int k8s_watch_new(struct k8s_client *c, const struct k8s_watch_spec *spec,
		  const struct k8s_watch_ops *ops, void *ctx, struct k8s_watch **ret, struct err *e)
{
	struct k8s_watch *w;

	if (!spec->path || spec->path[0] != '/' || strpbrk(spec->path, " ?#"))
		return err_set(e, -EINVAL, "a watch needs the path of a collection");
	w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, -ENOMEM, "watch: out of memory");
	list_init(&w->link);
	w->client = c;
	w->ops = ops;
	w->ctx = ctx;
	w->is_metadata_only = spec->metadata_only;
	w->max_objects = spec->max_objects ? spec->max_objects : MAX_OBJECTS;
	w->want_list = true;
	w->due_ms = k8s_now(c);
	strbuf_init(&w->in, 4UL * PARSE_BUDGET);
	k8s_store_init(&w->store, c->ops->random(c->ops_ctx));
	if (build(w, spec) < 0) {
		destroy(w);
		return err_set(e, -ENOMEM, "watch: out of memory");
	}
	list_append(&c->watches, &w->link);
	*ret = w;
	k8s_client_rearm(c);
	return 0;
}

void k8s_watch_relist(struct k8s_watch *w)
{
	/* An attempt to list that is under way, or waits for its turn, will do. */
	if (w->is_dead || w->want_list)
		return;
	w->relist_ms = 0;
	if (w->phase == PHASE_WAITING)
		k8s_watch_want_list(w, K8S_RELIST_ASKED);
	k8s_client_rearm(w->client);
}

void k8s_watch_get_stats(const struct k8s_watch *w, struct k8s_watch_stats *ret)
{
	*ret = w->stats;
	ret->objects = w->store.by_name.nr;
}
