/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For the tests of the session: handlers that write down what they are told, one line a
 * call, and helpers to make, feed and compare bytes.
 */

#include "nri.h"
#include "strbuf.h"
#include "ttrpc.h"
#include "unit/runner.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX (64u << 20)

struct recorder {
	struct strbuf log;
	struct nri_session *session;
	uint64_t deadline_ms; /* of the last event */
	size_t answer_len;    /* in the output when the last Synchronize was delivered */
	const char *refusal;  /* of Configure, and why; NULL: it is taken */
};

static inline int on_configure(void *ctx, const struct nri_configure *c, struct err *e)
{
	struct recorder *rec = ctx;

	(void)strbuf_addf(&rec->log, "configure %s %s '%s' %ju %ju 0x%x\n", c->runtime_name,
			  c->runtime_version, c->nri_version, (uintmax_t)c->registration_timeout_ms,
			  (uintmax_t)c->request_timeout_ms, c->events);
	return rec->refusal ? err_set(e, -EINVAL, "%s", rec->refusal) : 0;
}

static inline void record_pod(struct strbuf *log, const struct nri_pod *pod)
{
	(void)strbuf_addf(log, " %s/%s/%s/%s:%u", pod->id, pod->namespace_, pod->name, pod->uid,
			  pod->pid);
	for (size_t i = 0; i < pod->nr_annotations && i < 3; i++)
		(void)strbuf_addf(log, " %s=%s", pod->annotations[i].key,
				  pod->annotations[i].value);
}

static inline void record_container(struct strbuf *log, const struct nri_container *ctr)
{
	(void)strbuf_addf(log, " %s/%s/%s:%u:%d", ctr->pod_sandbox_id, ctr->id, ctr->name, ctr->pid,
			  (int)ctr->state);
}

static inline void on_synchronize(void *ctx, const struct nri_pod *pods, size_t nr_pods,
				  const struct nri_container *containers, size_t nr_containers)
{
	struct recorder *rec = ctx;
	const void *answer;

	nri_session_output(rec->session, &answer, &rec->answer_len);
	(void)strbuf_addf(&rec->log, "synchronize %zu %zu", nr_pods, nr_containers);
	for (size_t i = 0; i < nr_pods && i < 3; i++)
		record_pod(&rec->log, &pods[i]);
	for (size_t i = 0; i < nr_containers && i < 3; i++)
		record_container(&rec->log, &containers[i]);
	(void)strbuf_addc(&rec->log, '\n');
}

static inline void on_event(void *ctx, enum nri_event event, const struct nri_pod *pod,
			    const struct nri_container *container, uint64_t deadline_ms)
{
	struct recorder *rec = ctx;

	rec->deadline_ms = deadline_ms;
	(void)strbuf_adds(&rec->log, nri_event_name(event));
	if (pod)
		record_pod(&rec->log, pod);
	if (container)
		record_container(&rec->log, container);
	(void)strbuf_addc(&rec->log, '\n');
}

static inline void on_shutdown(void *ctx)
{
	struct recorder *rec = ctx;

	(void)strbuf_adds(&rec->log, "shutdown\n");
}

static const struct nri_handlers recording = {
	.configure = on_configure,
	.synchronize = on_synchronize,
	.event = on_event,
	.shutdown = on_shutdown,
};

/* A new session "resctrl" 90; EVENTS as in its configuration. */
static inline void recorder_init(struct recorder *rec, uint32_t events)
{
	struct nri_session_config config = {
		.plugin_name = "resctrl", .plugin_index = "90", .events = events};

	strbuf_init(&rec->log, BYTES_MAX);
	ck_assert_int_eq(nri_session_new(&config, &recording, rec, &rec->session, NULL), 0);
}

static inline void recorder_done(struct recorder *rec)
{
	rec->session = nri_session_free(rec->session);
	strbuf_done(&rec->log);
}

/* ---- bytes ---- */

static inline void add_hex(struct strbuf *out, const char *hex)
{
	for (; *hex; hex++) {
		unsigned byte;

		if (*hex == ' ')
			continue;
		ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
		(void)strbuf_addc(out, (char)byte);
		hex++;
	}
}

/* Whatever the session wants to send is exactly HEX; it is then taken as sent. */
static inline void expect_output(struct nri_session *s, const char *hex)
{
	struct strbuf want, have;
	const void *data;
	size_t len;

	strbuf_init(&want, BYTES_MAX);
	strbuf_init(&have, BYTES_MAX);
	add_hex(&want, hex);
	nri_session_output(s, &data, &len);
	for (size_t i = 0; i < len; i++)
		(void)strbuf_addf(&have, "%02x", ((const unsigned char *)data)[i]);
	ck_assert_msg(want.len == len && (len == 0 || memcmp(want.data, data, len) == 0),
		      "sent %s, want %s", strbuf_str(&have), hex);
	nri_session_sent(s, len);
	strbuf_done(&want);
	strbuf_done(&have);
}

static inline void drop_output(struct nri_session *s)
{
	const void *data;
	size_t len;

	nri_session_output(s, &data, &len);
	nri_session_sent(s, len);
}

static inline int feed_hex(struct nri_session *s, const char *hex, struct err *e)
{
	struct strbuf in;
	int r;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, hex);
	r = nri_session_feed(s, in.data, in.len, 0, e);
	strbuf_done(&in);
	return r;
}

/* A request of the Plugin service in one message. */
static inline void add_request(struct strbuf *out, uint32_t stream, const char *method,
			       const void *payload, size_t len)
{
	static const char service[] = "nri.pkg.api.v1alpha1.Plugin";
	struct ttrpc_request req = {
		.service = {(const uint8_t *)service, strlen(service)},
		.method = {(const uint8_t *)method, strlen(method)},
		.payload = {payload, len},
	};

	ck_assert_int_eq(ttrpc_add_request(out, MUX_CONN_PLUGIN, stream, &req), 0);
}

/* The code in the one answer that is queued, for STREAM; -1 when there is none. */
static inline int take_answer(struct nri_session *s, uint32_t stream)
{
	struct mux_rx mux = {0};
	struct ttrpc_rx rx;
	struct mux_slice slice;
	struct ttrpc_frame frame = {0};
	struct ttrpc_response resp = {0};
	const void *data;
	const uint8_t *p;
	size_t len;
	int nr = 0;

	nri_session_output(s, &data, &len);
	p = data;
	ttrpc_rx_init(&rx);
	while (len > 0 && mux_rx_take(&mux, &p, &len, &slice) > 0) {
		if (slice.conn != MUX_CONN_PLUGIN)
			continue;
		while (ttrpc_rx_take(&rx, &slice.data, &slice.len, &frame) > 0) {
			nr++;
			ck_assert_uint_eq(frame.type, TTRPC_RESPONSE);
			ck_assert_uint_eq(frame.flags, 0);
			ck_assert_uint_eq(frame.stream, stream);
			ck_assert_int_eq(ttrpc_decode_response(frame.data, frame.len, &resp), 0);
		}
	}
	ck_assert_int_le(nr, 1);
	ttrpc_rx_done(&rx);
	drop_output(s);
	return nr ? resp.code : -1;
}

/* Feed one request, and give back the code it was answered with. */
static inline int ask(struct nri_session *s, uint32_t stream, const char *method,
		      const void *payload, size_t len)
{
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	add_request(&in, stream, method, payload, len);
	drop_output(s);
	ck_assert_int_eq(nri_session_feed(s, in.data, in.len, 0, NULL), 0);
	strbuf_done(&in);
	return take_answer(s, stream);
}
