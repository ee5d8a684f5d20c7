/* SPDX-License-Identifier: Apache-2.0 */
#include "control_events.h"

#include "event_ring.h"
#include "json_writer.h"
#include "list.h"
#include "report.h"
#include "status_text.h"

#include <stdio.h>
#include <string.h>

#define LINES_KEPT 256
#define LINE_MAX_SIZE \
	8192 /* a longer one, which takes a root path of thousands of bytes, is lost */
#define FOLLOWERS_MAX 8
#define TIME_SIZE     40

struct control_events {
	int64_t (*now_ms)(void);
	struct event_ring *ring;
	struct strbuf line;
	struct list followers;
	struct control_events_stats stats;
};

struct follower {
	struct list link;
	struct control_events *owner;
	struct http_stream *stream;
	uint64_t next, end; /* lines to send; END is UINT64_MAX for who follows */
	struct strbuf line; /* that is being sent, */
	size_t sent;        /* so far */
	bool cut_off;
};

/* ---- lines ---------------------------------------------------------------------------------- */

static void format_time(int64_t ms, char buf[TIME_SIZE])
{
	char seconds[STATUS_TIME_SIZE];

	status_time_format(ms / 1000, seconds);
	(void)snprintf(buf, TIME_SIZE, "%.19s.%03uZ", seconds, (unsigned)(ms % 1000) % 1000);
}

static void begin_line(const struct control_events *ce, struct json_writer *w, struct strbuf *out,
		       const char *kind)
{
	char when[TIME_SIZE];

	format_time(ce->now_ms(), when);
	strbuf_reset(out);
	json_start(w, out);
	json_object(w, NULL);
	json_string(w, "time", when);
	json_string(w, "kind", kind);
}

static void wake_all(struct control_events *ce)
{
	list_for_each (it, &ce->followers) {
		const struct follower *f = list_entry(it, struct follower, link);

		if (f->stream)
			http_stream_wake(f->stream);
	}
}

static void keep_line(struct control_events *ce, struct json_writer *w)
{
	json_end_object(w);
	(void)strbuf_addc(&ce->line, '\n');
	if (ce->line.error)
		return;
	ce->stats.lines++;
	event_ring_add(ce->ring, strbuf_str(&ce->line));
	wake_all(ce);
}

void control_events_on_event(struct control_events *ce, const struct core_event *event)
{
	struct json_writer w;

	if (!ce)
		return;
	begin_line(ce, &w, &ce->line, event->kind == CORE_REMOVED ? "Removed" : "AddOrUpdate");
	json_string(&w, "namespace", event->pod_namespace);
	json_string(&w, "name", event->pod_name);
	json_string(&w, "uid", event->pod_uid);
	if (event->kind == CORE_ADD_OR_UPDATE) {
		json_string(&w, "groupState", report_group_state(event->group_state));
		json_string(&w, "groupPath", event->group_path);
		json_uint(&w, "totalContainers", event->total_containers);
		json_uint(&w, "reconciledContainers", event->reconciled_containers);
	}
	keep_line(ce, &w);
}

void control_events_on_notice(struct control_events *ce, const struct core_notice *notice)
{
	struct json_writer w;

	if (!ce)
		return;
	begin_line(ce, &w, &ce->line, "Notice");
	json_string(&w, "notice", report_notice_name(notice->kind));
	json_string(&w, "namespace", notice->pod_namespace);
	json_string(&w, "name", notice->pod_name);
	json_string(&w, "uid", notice->pod_uid);
	json_string(&w, "container", notice->container_id);
	json_string(&w, "reason", notice->reason);
	json_string(&w, "message", notice->text);
	keep_line(ce, &w);
}

/* ---- who reads them ------------------------------------------------------------------------- */

/* The last line for who was too slow. */
static void tell_cut_off(struct follower *f, uint64_t lost)
{
	struct json_writer w;
	char text[160];

	f->owner->stats.cut_off++;
	f->cut_off = true;
	(void)snprintf(text, sizeof(text),
		       "%llu lines were lost because this reader was too slow; ask again for what "
		       "is still there",
		       (unsigned long long)lost);
	begin_line(f->owner, &w, &f->line, "CutOff");
	json_string(&w, "message", text);
	json_end_object(&w);
	(void)strbuf_addc(&f->line, '\n');
}

/* False at the end, and when there is nothing now. */
static bool next_line(struct follower *f)
{
	const struct event_ring *ring = f->owner->ring;
	uint64_t first = event_ring_first(ring);
	const char *line;

	if (f->cut_off || f->next >= f->end)
		return false;
	if (f->next < first) {
		f->sent = 0;
		tell_cut_off(f, first - f->next);
		return !f->line.error;
	}
	line = event_ring_get(ring, f->next);
	if (!line)
		return false;
	f->next++;
	f->sent = 0;
	strbuf_reset(&f->line);
	return strbuf_adds(&f->line, line) == 0;
}

static ssize_t on_read(void *ctx, char *buf, size_t max)
{
	struct follower *f = ctx;
	size_t filled = 0;

	while (filled < max && (f->sent < f->line.len || next_line(f))) {
		size_t len = f->line.len - f->sent;

		len = len < max - filled ? len : max - filled;
		memcpy(buf + filled, f->line.data + f->sent, len);
		f->sent += len;
		filled += len;
	}
	if (filled)
		return (ssize_t)filled;
	return f->cut_off || f->next >= f->end || f->line.error ? -1 : 0;
}

static void on_closed(void *ctx)
{
	struct follower *f = ctx;

	list_del(&f->link);
	f->owner->stats.followers--;
	strbuf_done(&f->line);
	free(f);
}

static const struct http_stream_ops stream_ops = {.read = on_read, .closed = on_closed};

static void follow(struct control_events *ce, struct http_reply *reply, bool forever)
{
	struct follower *f = calloc(1, sizeof(*f));

	if (!f) {
		http_reply_error(reply, 500, "InternalError", "out of memory");
		return;
	}
	f->owner = ce;
	f->next = event_ring_first(ce->ring);
	f->end = forever ? UINT64_MAX : event_ring_end(ce->ring);
	strbuf_init(&f->line, LINE_MAX_SIZE);
	list_append(&ce->followers, &f->link);
	ce->stats.followers++;
	reply->content_type = "application/x-ndjson";
	reply->stream_ops = &stream_ops;
	reply->stream_ctx = f;
	reply->ret_stream = &f->stream;
}

void control_events_handle(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	static const char *const names[] = {"follow", NULL};
	struct control_events *ce = ctx;
	const char *value = http_query(request, "follow");
	struct err e = {0};

	if (http_query_check(request, names, &e) < 0)
		http_reply_error(reply, 400, "BadRequest", "%s", e.msg);
	else if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		http_reply_error(reply, 400, "BadRequest", "follow takes true or false");
	else if (ce->stats.followers >= FOLLOWERS_MAX) {
		ce->stats.turned_away++;
		http_reply_error(reply, 503, "TooManyFollowers",
				 "%d are reading events already; end one of them", FOLLOWERS_MAX);
	} else {
		follow(ce, reply, value && strcmp(value, "true") == 0);
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

struct control_events *control_events_new(int64_t (*now_ms)(void))
{
	struct control_events *ce = calloc(1, sizeof(*ce));

	if (!ce)
		return NULL;
	ce->now_ms = now_ms;
	list_init(&ce->followers);
	strbuf_init(&ce->line, LINE_MAX_SIZE);
	ce->ring = event_ring_new(LINES_KEPT);
	if (!ce->ring) {
		free(ce);
		return NULL;
	}
	return ce;
}

void control_events_free(struct control_events *ce)
{
	if (!ce)
		return;
	event_ring_free(ce->ring);
	strbuf_done(&ce->line);
	free(ce);
}

void control_events_get_stats(const struct control_events *ce, struct control_events_stats *ret)
{
	*ret = ce->stats;
}
