/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The Plugin service: the runtime's requests and their answers. A request that cannot
 * be understood is answered, never held against the connection; and an event is
 * answered OK whatever is in it, because an error would fail somebody's pod.
 */

#include "nri_encode.h"
#include "nri_methods.h"
#include "nri_prune.h"
#include "nri_session_priv.h"

#include <errno.h>
#include <string.h>

#define NS_PER_MS  1000000u
#define QUOTED_MAX 64 /* of a peer's text that is sent back to it */

static int queued(int r, struct err *e)
{
	if (r == -EFBIG)
		return err_set(e, -ENOBUFS, "the runtime does not read its answers");
	return r < 0 ? err_sys(e, r, "queue an answer") : 0;
}

static int reply(struct nri_session *s, uint32_t stream, const void *payload, size_t len,
		 struct err *e)
{
	return queued(ttrpc_add_response(&s->out, MUX_CONN_PLUGIN, stream, payload, len), e);
}

static int reply_empty(struct nri_session *s, uint32_t stream, struct err *e)
{
	return reply(s, stream, NULL, 0, e);
}

static int reply_error(struct nri_session *s, uint32_t stream, enum ttrpc_code code,
		       const char *message, struct err *e)
{
	return queued(ttrpc_add_error(&s->out, MUX_CONN_PLUGIN, stream, code, message), e);
}

static int reject(struct nri_session *s, uint32_t stream, enum ttrpc_code code, const char *message,
		  struct err *e)
{
	s->stats.rejected++;
	return reply_error(s, stream, code, message, e);
}

/* "method Foo", with as much of the peer's text as is sane. */
static int reply_unimplemented(struct nri_session *s, uint32_t stream, const char *what,
			       struct ttrpc_span name, struct err *e)
{
	AUTO_STRBUF struct strbuf message;

	strbuf_init(&message, MUX_FIRST_FRAME_MAX);
	(void)strbuf_addf(&message, "%s ", what);
	for (size_t i = 0; i < name.len && i < QUOTED_MAX; i++) {
		bool is_plain = name.data[i] >= ' ' && name.data[i] <= '~';

		(void)strbuf_add(&message, is_plain ? (const char *)&name.data[i] : "?", 1);
	}
	s->stats.unimplemented++;
	return reply_error(s, stream, TTRPC_UNIMPLEMENTED, strbuf_str(&message), e);
}

/* -ENOMEM ends the session; anything else is the message's fault. */
static int undecodable(struct nri_session *s, int r, struct err *e)
{
	if (r == -ENOMEM)
		return err_set(e, r, "decode a message: out of memory");
	s->stats.undecodable++;
	return 0;
}

/* A peer takes UTF-8 only, and WHY may quote anything. */
static int refuse_configuration(struct nri_session *s, uint32_t stream, const struct err *why,
				struct err *e)
{
	AUTO_STRBUF struct strbuf message;
	int r;

	strbuf_init(&message, MUX_FIRST_FRAME_MAX);
	for (const char *c = why->msg; *c; c++) {
		bool is_plain = *c >= ' ' && *c <= '~';

		(void)strbuf_add(&message, is_plain ? c : "?", 1);
	}
	r = reply_error(s, stream, TTRPC_INVALID_ARGUMENT, strbuf_str(&message), e);
	return r < 0 ? r : err_set(e, -ECANCELED, "%s", why->msg);
}

static int serve_configure(struct nri_session *s, uint32_t stream, struct ttrpc_span in,
			   struct err *e)
{
	AUTO_STRBUF struct strbuf out;
	struct nri_configure configure;
	struct err why = {0};
	int r = nri_decode_configure(&s->scratch, in.data, in.len, &configure);

	strbuf_init(&out, MUX_FIRST_FRAME_MAX);
	if (r < 0) {
		r = undecodable(s, r, e);
		return r < 0 ? r : reply_error(s, stream, TTRPC_INTERNAL, "bad request", e);
	}
	configure.events = nri_events_supported(s->events, &configure);
	if (s->state == NRI_SESSION_REGISTERING)
		s->state = NRI_SESSION_CONFIGURED;
	s->request_timeout_ms = configure.request_timeout_ms;
	if (s->handlers->configure && s->handlers->configure(s->ctx, &configure, &why) < 0)
		return refuse_configuration(s, stream, &why, e);

	r = nri_encode_configure_reply(&out, configure.events);
	return r < 0 ? queued(r, e) : reply(s, stream, out.data, out.len, e);
}

/*
 * What came in one message is delivered as it was decoded; parts are gathered, and after the last
 * MSG is all of them.
 */
static int gather(struct nri_session *s, struct nri_sync_message *msg)
{
	struct nri_snapshot *snap = &s->snapshot;
	int r;

	if (!msg->more && nri_snapshot_can_skip(snap, msg))
		return 0;
	r = nri_snapshot_add(snap, msg);
	if (r < 0)
		return r;
	msg->pods = snap->pods;
	msg->nr_pods = snap->nr_pods;
	msg->containers = snap->containers;
	msg->nr_containers = snap->nr_containers;
	return 0;
}

static int answer_synchronize(struct nri_session *s, uint32_t stream, bool more, struct err *e)
{
	AUTO_STRBUF struct strbuf out;
	int r;

	strbuf_init(&out, MUX_FIRST_FRAME_MAX);
	r = nri_encode_synchronize_reply(&out, more);
	return r < 0 ? queued(r, e) : reply(s, stream, out.data, out.len, e);
}

static void hand_over(struct nri_session *s, const struct nri_sync_message *msg)
{
	if (s->handlers->synchronize)
		s->handlers->synchronize(s->ctx, msg->pods, msg->nr_pods, msg->containers,
					 msg->nr_containers);
}

static int deliver(struct nri_session *s, uint32_t stream, const struct nri_sync_message *msg,
		   struct err *e)
{
	int r;

	if (s->handlers->synchronize_more) {
		s->state = NRI_SESSION_SYNCHRONIZING;
		s->sync_stream = stream;
		hand_over(s, msg);
		return 0;
	}
	r = answer_synchronize(s, stream, false, e);
	if (r < 0)
		return r;
	s->state = NRI_SESSION_SYNCHRONIZED;
	hand_over(s, msg);
	nri_snapshot_done(&s->snapshot);
	return 0;
}

int nri_serve_more(struct nri_session *s, struct err *e)
{
	if (s->state != NRI_SESSION_SYNCHRONIZING)
		return 0;
	if (s->handlers->synchronize_more(s->ctx))
		return 1;
	s->state = NRI_SESSION_SYNCHRONIZED;
	nri_snapshot_done(&s->snapshot);
	nri_arena_reset(&s->scratch);
	return answer_synchronize(s, s->sync_stream, false, e);
}

/* The copy of a frame that may be changed, from where its request's payload is. */
static uint8_t *own_payload(const struct ttrpc_frame *frame, struct ttrpc_span payload)
{
	return frame->own ? frame->own + (payload.data - frame->data) : NULL;
}

static int serve_synchronize(struct nri_session *s, const struct ttrpc_frame *frame,
			     struct ttrpc_span in, struct err *e)
{
	uint32_t stream = frame->stream;
	struct nri_sync_message msg = {0};
	int r = nri_prune(&s->scratch, NRI_PRUNE_SYNCHRONIZE, s->with_labels,
			  own_payload(frame, in), &in);

	if (r == 0)
		r = nri_decode_synchronize(&s->scratch, in.data, in.len, &msg);
	if (r < 0) {
		nri_snapshot_done(&s->snapshot); /* what is left of it would be a lie */
		r = undecodable(s, r, e);
		return r < 0 ? r : reply_error(s, stream, TTRPC_INTERNAL, "bad request", e);
	}
	s->stats.dropped += msg.nr_dropped;
	r = gather(s, &msg);
	if (r < 0)
		return err_sys(e, r, "snapshot of %zu pods and %zu containers", s->snapshot.nr_pods,
			       s->snapshot.nr_containers);
	return msg.more ? answer_synchronize(s, stream, true, e) : deliver(s, stream, &msg, e);
}

/* A request's own timeout is what was left when it was sent, so it is the better one. */
static uint64_t deadline_of(const struct nri_session *s, const struct ttrpc_request *req)
{
	uint64_t wait_ms =
		req->timeout_ns > 0 ? (uint64_t)req->timeout_ns / NS_PER_MS : s->request_timeout_ms;

	return s->began_ms > UINT64_MAX - wait_ms ? UINT64_MAX : s->began_ms + wait_ms;
}

static void deliver_event(struct nri_session *s, const struct nri_event_message *msg,
			  uint64_t deadline_ms)
{
	enum nri_event event = (enum nri_event)msg->event;
	bool is_known = msg->event >= NRI_RUN_POD_SANDBOX && msg->event <= NRI_EVENT_MAX;
	bool is_container = is_known && nri_event_is_container(event);

	if (!is_known || (is_container ? !msg->container : !msg->pod)) {
		s->stats.dropped++;
		return;
	}
	s->stats.events++;
	if (s->handlers->event)
		s->handlers->event(s->ctx, event, msg->pod, is_container ? msg->container : NULL,
				   deadline_ms);
}

static int serve_event(struct nri_session *s, uint32_t stream, struct nri_method method,
		       const struct ttrpc_request *req, struct err *e)
{
	struct ttrpc_span in = req->payload;
	bool is_any = method.kind == NRI_METHOD_STATE_CHANGE;
	enum nri_prune what = is_any                                 ? NRI_PRUNE_STATE_CHANGE
			      : nri_event_is_container(method.event) ? NRI_PRUNE_CONTAINER_EVENT
								     : NRI_PRUNE_POD_EVENT;
	struct nri_event_message msg = {0};
	int r = nri_prune(&s->scratch, what, s->with_labels, NULL, &in);

	if (r == 0 && is_any)
		r = nri_decode_state_change(&s->scratch, in.data, in.len, &msg);
	else if (r == 0)
		r = nri_decode_event(&s->scratch, method.event, in.data, in.len, &msg);
	if (r < 0)
		r = undecodable(s, r, e);
	else
		deliver_event(s, &msg, deadline_of(s, req));
	return r < 0 ? r : reply_empty(s, stream, e);
}

static int serve_shutdown(struct nri_session *s, uint32_t stream, struct err *e)
{
	if (s->handlers->shutdown)
		s->handlers->shutdown(s->ctx);
	return reply_empty(s, stream, e);
}

static int serve_request(struct nri_session *s, const struct ttrpc_frame *frame,
			 const struct ttrpc_request *req, struct err *e)
{
	uint32_t stream = frame->stream;
	struct nri_method method = nri_method_find(req->method);

	if (!ttrpc_span_is(req->service, NRI_SERVICE_PLUGIN))
		return reply_unimplemented(s, stream, "service", req->service, e);
	switch (method.kind) {
	case NRI_METHOD_CONFIGURE:
		return serve_configure(s, stream, req->payload, e);
	case NRI_METHOD_SYNCHRONIZE:
		return serve_synchronize(s, frame, req->payload, e);
	case NRI_METHOD_SHUTDOWN:
		return serve_shutdown(s, stream, e);
	case NRI_METHOD_STATE_CHANGE:
	case NRI_METHOD_EVENT:
		return serve_event(s, stream, method, req, e);
	case NRI_METHOD_UNKNOWN:
		break;
	}
	return reply_unimplemented(s, stream, "method", req->method, e);
}

static int serve(struct nri_session *s, const struct ttrpc_frame *frame, struct err *e)
{
	struct ttrpc_request req;

	if (frame->type != TTRPC_REQUEST) {
		s->stats.ignored++;
		return 0;
	}
	s->stats.requests++;
	if (frame->stream % 2 == 0)
		return reject(s, frame->stream, TTRPC_INVALID_ARGUMENT, "stream id must be odd", e);
	if (frame->stream <= s->last_stream)
		return reject(s, frame->stream, TTRPC_INVALID_ARGUMENT,
			      "stream id cannot be re-used", e);
	s->last_stream = frame->stream;
	if (frame->is_oversized)
		return reject(s, frame->stream, TTRPC_RESOURCE_EXHAUSTED, "message too large", e);
	if (frame->flags & (TTRPC_REMOTE_CLOSED | TTRPC_REMOTE_OPEN))
		return reject(s, frame->stream, TTRPC_INVALID_ARGUMENT, "no streaming here", e);
	if (ttrpc_decode_request(frame->data, frame->len, &req) < 0)
		return reject(s, frame->stream, TTRPC_INVALID_ARGUMENT, "bad request", e);
	return serve_request(s, frame, &req, e);
}

int nri_serve(struct nri_session *s, const struct ttrpc_frame *frame, struct err *e)
{
	int r;

	/* What comes after a snapshot builds on it. */
	do {
		r = nri_serve_more(s, e);
	} while (r > 0);
	if (r == 0)
		r = serve(s, frame, e);
	if (s->state != NRI_SESSION_SYNCHRONIZING) /* it lies there */
		nri_arena_reset(&s->scratch);
	return r;
}
