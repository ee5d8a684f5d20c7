/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a stream is cut into reads and frames means nothing: whatever the runtime sends, good or
 * bad, is answered, told and refused the same, byte by byte and cut at every offset.
 */

#include "fake_nri_encode.h"
#include "golden.h"
#include "nri_methods.h"
#include "recorder.h"

#include <errno.h>

/* What came of a stream. */
struct outcome {
	int error;
	char message[sizeof(((struct err *)0)->msg)];
	struct strbuf log, sent;
	struct nri_session_stats stats;
};

static void outcome_done(struct outcome *o)
{
	strbuf_done(&o->log);
	strbuf_done(&o->sent);
}

static void take_output(struct nri_session *s, struct strbuf *sent)
{
	const void *data;
	size_t len;

	nri_session_output(s, &data, &len);
	(void)strbuf_add(sent, data, len);
	nri_session_sent(s, len);
}

/* An allocation of just the size lets the sanitizer see a read beyond it. */
static int feed_exactly(struct nri_session *s, const char *data, size_t len, struct err *e)
{
	AUTO_FREE char *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	return nri_session_feed(s, copy, len, 0, e);
}

/* Feed the first FIRST bytes of IN at once, and the others STEP at a time. */
static void play(const struct strbuf *in, size_t first, size_t step, struct outcome *o)
{
	struct err e = {0};
	struct recorder rec = {0};

	*o = (struct outcome){0};
	recorder_init(&rec, 0);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	strbuf_init(&o->sent, BYTES_MAX);
	for (size_t at = 0, n; at < in->len && o->error == 0; at += n) {
		n = at == 0 && first ? first : step;
		if (n > in->len - at)
			n = in->len - at;
		o->error = feed_exactly(rec.session, in->data + at, n, &e);
		take_output(rec.session, &o->sent);
	}
	(void)snprintf(o->message, sizeof(o->message), "%s", e.msg);
	o->stats = *nri_session_stats(rec.session);
	o->log = rec.log;
	strbuf_init(&rec.log, BYTES_MAX);
	recorder_done(&rec);
}

static void expect_same(const struct outcome *a, const struct outcome *b, const char *name,
			size_t first, size_t step)
{
	ck_assert_msg(a->error == b->error && strcmp(a->message, b->message) == 0,
		      "%s, cut at %zu, then by %zu: %d %s, not %d %s", name, first, step, b->error,
		      b->message, a->error, a->message);
	ck_assert_msg(strcmp(strbuf_str(&a->log), strbuf_str(&b->log)) == 0,
		      "%s, cut at %zu, then by %zu: %s", name, first, step, strbuf_str(&b->log));
	ck_assert_msg(a->sent.len == b->sent.len &&
			      memcmp(a->sent.data, b->sent.data, a->sent.len) == 0,
		      "%s, cut at %zu, then by %zu: other answers", name, first, step);
	ck_assert_msg(memcmp(&a->stats, &b->stats, sizeof(a->stats)) == 0,
		      "%s, cut at %zu, then by %zu: other counts", name, first, step);
}

static void expect_same_in_pieces(const struct strbuf *in, size_t first, size_t step,
				  const struct outcome *whole, const char *name)
{
	struct outcome pieces;

	play(in, first, step, &pieces);
	expect_same(whole, &pieces, name, first, step);
	outcome_done(&pieces);
}

/* ---- every sequence ---- */

static const struct {
	const char *name;
	int want;
	const char *hex;
} sequences[] = {
	{"registered", 0, R_REGISTER_OK},
	{"refused", -EPERM, R_REGISTER_ERROR},
	{"refused without a word", -EPERM, "000000020000000e 00000004 00000001 0200 0a020802"},
	{"registered, with a status that says so", 0,
	 "000000020000000e 00000004 00000001 0200 0a020800"},
	{"registered, with an answer that cannot be read", -EPROTO,
	 "000000020000000b 00000001 00000001 0200 0a"},
	{"an answer to the registration beyond the limit", -EPROTO,
	 "000000020000000a 00400001 00000001 0200"},
	{"Configure", 0, R_CONFIGURE},
	{"Synchronize", 0, R_SYNCHRONIZE},
	{"a part of Synchronize", 0, R_SYNCHRONIZE_MORE},
	{"StateChange", 0, R_STATE_CHANGE_START},
	{"an event's own call", 0, R_START_CONTAINER},
	{"a whole session", 0, R_REGISTER_OK R_CONFIGURE R_SYNCHRONIZE R_START_CONTAINER},
	{"Configure first", 0, R_CONFIGURE R_REGISTER_OK R_SYNCHRONIZE R_STATE_CHANGE_START},
	{"empty frames", 0, "0000000100000000 0000000200000000 0000000000000000" R_CONFIGURE},
	{"a frame of 16 MiB and a byte", -EPROTO, R_CONFIGURE "00000001 01000001 00"},
	{"a frame of 4 GiB", -EPROTO, R_CONFIGURE "00000009 ffffffff"},
	{"connections that are none", 0,
	 "00000000 0000000a 00000000 00000001 0100 00000007 00000003 616263" R_CONFIGURE},
	{"a message of 4 MiB and a byte, of which little comes", 0,
	 "00000001 0000000c 00400001 00000001 0100 6162"},
	{"a message of 4 GiB, of which little comes", 0,
	 "00000001 0000000c ffffffff 00000001 0100 6162"},
	{"stream 0, an even one, one again, a lower one", 0,
	 "00000001 0000000a 00000000 00000000 0100 00000001 0000000a 00000000 00000002 0100"
	 "00000001 0000000a 00000000 00000005 0100 00000001 0000000a 00000000 00000005 0100"
	 "00000001 0000000a 00000000 00000003 0100"},
	{"types that mean nothing", 0,
	 "00000001 0000000a 00000000 00000001 0000 00000001 0000000a 00000000 00000003 0300"
	 "00000001 0000000a 00000000 00000005 ff00" R_CONFIGURE},
	{"flags of streams", 0,
	 "00000001 0000000a 00000000 00000001 0101 00000001 0000000a 00000000 00000003 0102"
	 "00000001 0000000a 00000000 00000005 0107 00000001 0000000a 00000000 00000007 0104"},
	{"an answer where requests come, requests where answers come", 0,
	 "00000001 0000000a 00000000 00000001 0200 00000002 0000000a 00000000 00000001 0100"
	 "00000002 0000000a 00000000 00000003 0200" R_CONFIGURE},
	{"no envelope", 0, "00000001 0000000b 00000001 00000001 0100 0a" R_SYNCHRONIZE},
	{"a varint of eleven bytes", 0,
	 "00000001 00000016 0000000c 00000001 0100 20ffffffffffffffffffff01" R_SYNCHRONIZE},
	{"field number 0, and groups", 0,
	 "00000001 0000000c 00000002 00000001 0100 0001 00000001 0000000b 00000001 00000003 0100 0b"
	 "00000001 0000000b 00000001 00000005 0100 0c 00000001 0000000c 00000002 00000007 0100 0e01"
	 "00000001 0000000c 00000002 00000009 0100 0f01"},
	{"no service, no method", 0,
	 "00000001 0000000a 00000000 00000001 0100"
	 "00000001 00000027 0000001d 00000003 0100" PLUGIN_SERVICE},
	{"a payload that cannot be read", 0,
	 "00000001 00000035 0000002b 00000001 0100" PLUGIN_SERVICE "1209436f6e666967757265 1a010a"},
};

START_TEST(every_sequence_is_the_same_however_it_is_cut)
{
	const char *name = sequences[_i].name;
	struct outcome whole;
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, sequences[_i].hex);
	play(&in, 0, in.len, &whole);
	ck_assert_msg(whole.error == sequences[_i].want, "%s: %d %s", name, whole.error,
		      whole.message);
	expect_same_in_pieces(&in, 0, 1, &whole, name);
	for (size_t cut = 1; cut < in.len; cut++)
		expect_same_in_pieces(&in, cut, in.len, &whole, name);
	/* cut off for good: nothing is left behind, as the sanitizer sees */
	for (size_t len = 0; len < in.len; len++) {
		struct strbuf start = in;
		struct outcome ended;

		start.len = len;
		play(&start, 0, len ? len : 1, &ended);
		outcome_done(&ended);
	}
	outcome_done(&whole);
	strbuf_done(&in);
}
END_TEST

/* ---- frames ---- */

static void add_event(struct strbuf *in, uint32_t stream, const char *pod_id)
{
	struct strbuf payload;

	strbuf_init(&payload, BYTES_MAX);
	fake_nri_encode_event(&payload, &(struct nri_pod){.id = pod_id}, NULL);
	add_request(in, stream, "RunPodSandbox", payload.data, payload.len);
	strbuf_done(&payload);
}

/* The stream of the Plugin connection in frames of SIZE bytes, whatever is in them. */
static void reframe(const struct strbuf *in, size_t size, struct strbuf *out)
{
	const uint8_t *p = (const uint8_t *)in->data;
	size_t len = in->len;
	struct strbuf stream;
	struct mux_rx rx = {0};
	struct mux_slice slice;
	uint8_t header[MUX_HEADER_LEN];

	strbuf_init(&stream, BYTES_MAX);
	while (mux_rx_take(&rx, &p, &len, &slice) > 0)
		(void)strbuf_add(&stream, slice.data, slice.len);
	for (size_t at = 0, n; at < stream.len; at += n) {
		n = stream.len - at < size ? stream.len - at : size;
		put_be32(header, MUX_CONN_PLUGIN);
		put_be32(header + 4, (uint32_t)n);
		(void)strbuf_add(out, header, sizeof(header));
		(void)strbuf_add(out, stream.data + at, n);
	}
	strbuf_done(&stream);
}

START_TEST(a_frame_may_hold_any_number_of_messages_and_a_message_any_number_of_frames)
{
	static const size_t sizes[] = {1, 9, 10, 11, 64, 100, 200, 1000, 4096, 1u << 20};
	struct outcome whole, other;
	struct strbuf in, again;

	strbuf_init(&in, BYTES_MAX);
	strbuf_init(&again, BYTES_MAX);
	for (uint32_t i = 0; i < 20; i++)
		add_event(&in, 2 * i + 1, i % 2 ? "odd" : "even");
	play(&in, 0, in.len, &whole);
	ck_assert_uint_eq(whole.stats.events, 20);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		strbuf_reset(&again);
		reframe(&in, sizes[i], &again);
		play(&again, 0, again.len, &other);
		expect_same(&whole, &other, "twenty events in other frames", 0, sizes[i]);
		outcome_done(&other);
	}
	outcome_done(&whole);
	strbuf_done(&in);
	strbuf_done(&again);
}
END_TEST

START_TEST(a_large_message_comes_as_the_runtime_lays_it_out)
{
	/* 4096 bytes with the header, then all the rest; one byte around each limit */
	static const size_t lengths[] = {3900, 4096 - 10, 4096, 70000, 1000000};
	size_t len = lengths[_i];
	AUTO_FREE char *text = calloc(1, len + 1);
	struct nri_kv kv = {"key", memset(text, 'v', len)};
	struct strbuf payload, in;
	struct outcome whole;

	strbuf_init(&payload, BYTES_MAX);
	strbuf_init(&in, BYTES_MAX);
	fake_nri_encode_event(&payload,
			      &(struct nri_pod){.id = "p", .annotations = &kv, .nr_annotations = 1},
			      NULL);
	add_request(&in, 1, "RunPodSandbox", payload.data, payload.len);
	add_event(&in, 3, "next");
	play(&in, 0, in.len, &whole);
	ck_assert_uint_eq(whole.stats.events, 2);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&whole.log), "RUN_POD_SANDBOX next///:0"));
	for (size_t step = 1000; step < 70000; step = step * 3 + 1)
		expect_same_in_pieces(&in, 4096 - 5 + step % 11, step, &whole, "a large event");
	outcome_done(&whole);
	strbuf_done(&payload);
	strbuf_done(&in);
}
END_TEST

START_TEST(requests_that_come_together_are_each_answered_on_their_stream)
{
	static const char want[] = "000000010000000a 00000000 00000001 0200"
				   "000000010000000a 00000000 00000009 0200";
	struct recorder rec = {0};
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	add_event(&in, 1, "first");
	add_event(&in, 9, "second");
	recorder_init(&rec, 0);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	drop_output(rec.session);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 0, NULL), 0);
	expect_output(rec.session, want);
	ck_assert_str_eq(strbuf_str(&rec.log),
			 "RUN_POD_SANDBOX first///:0\nRUN_POD_SANDBOX second///:0\n");
	recorder_done(&rec);
	strbuf_done(&in);
}
END_TEST

/* ---- fields of a later protocol ---- */

/* Field 100 as a varint, fixed32, fixed64 and bytes. */
#define LATER "a00601 a50601020304 a1060102030405060708 a20603616263"

START_TEST(every_message_may_have_fields_of_a_later_protocol)
{
	static const char *const methods[] = {"Configure", "Synchronize", "StateChange",
					      "RunPodSandbox", "StopContainer"};
	struct nri_pod pod = {.id = "p"};
	struct nri_container ctr = {.id = "c"};
	struct recorder rec = {0};
	struct strbuf plain, later;

	strbuf_init(&plain, BYTES_MAX);
	strbuf_init(&later, BYTES_MAX);
	if (_i == 0)
		fake_nri_encode_configure(&plain,
					  &(struct fake_nri_configure){.runtime_name = "r"});
	else if (_i == 1)
		fake_nri_encode_synchronize(&plain, &pod, 1, &ctr, 1, false);
	else if (_i == 2)
		fake_nri_encode_state_change(&plain, NRI_STOP_CONTAINER, &pod, &ctr);
	else
		fake_nri_encode_event(&plain, &pod, _i == 4 ? &ctr : NULL);
	(void)strbuf_add(&later, plain.data, plain.len);
	add_hex(&later, LATER);
	recorder_init(&rec, 0);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	ck_assert_int_eq(ask(rec.session, 1, methods[_i], plain.data, plain.len), 0);
	ck_assert_int_eq(ask(rec.session, 3, methods[_i], later.data, later.len), 0);
	/* the same was told twice */
	ck_assert_uint_gt(rec.log.len, 0);
	ck_assert_uint_eq(rec.log.len % 2, 0);
	ck_assert_int_eq(memcmp(rec.log.data, rec.log.data + rec.log.len / 2, rec.log.len / 2), 0);
	ck_assert_uint_eq(nri_session_stats(rec.session)->undecodable, 0);
	recorder_done(&rec);
	strbuf_done(&plain);
	strbuf_done(&later);
}
END_TEST

/* ---- events with nothing in them ---- */

START_TEST(every_event_may_come_empty)
{
	enum nri_event event = (enum nri_event)_i;
	struct recorder rec = {0};
	struct strbuf payload;

	strbuf_init(&payload, BYTES_MAX);
	recorder_init(&rec, 0);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	ck_assert_int_eq(ask(rec.session, 1, nri_event_method(event), NULL, 0), 0);
	fake_nri_encode_state_change(&payload, _i, NULL, NULL);
	ck_assert_int_eq(ask(rec.session, 3, "StateChange", payload.data, payload.len), 0);
	ck_assert_uint_eq(nri_session_stats(rec.session)->dropped, 2);
	ck_assert_str_eq(strbuf_str(&rec.log), "");
	recorder_done(&rec);
	strbuf_done(&payload);
}
END_TEST

START_TEST(ten_thousand_containers_come_in_one_message)
{
	enum { NR = 10000 };
	AUTO_FREE struct nri_container *ctrs = calloc(NR, sizeof(*ctrs));
	struct recorder rec = {0};
	struct strbuf payload;

	for (int i = 0; i < NR; i++)
		ctrs[i] = (struct nri_container){.id = "c", .pod_sandbox_id = "p", .pid = 1};
	strbuf_init(&payload, BYTES_MAX);
	fake_nri_encode_synchronize(&payload, NULL, 0, ctrs, NR, false);
	recorder_init(&rec, 0);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	ck_assert_int_eq(ask(rec.session, 1, "Synchronize", payload.data, payload.len), 0);
	ck_assert_int_eq(strncmp(strbuf_str(&rec.log), "synchronize 0 10000 ", 20), 0);
	recorder_done(&rec);
	strbuf_done(&payload);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("session, however it is cut");
	TCase *t = tcase_create("cuts"), *f = tcase_create("frames"), *m = tcase_create("messages");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_sequence_is_the_same_however_it_is_cut, 0,
			    (int)ARRAY_LEN(sequences));
	suite_add_tcase(s, t);
	tcase_add_test(f,
		       a_frame_may_hold_any_number_of_messages_and_a_message_any_number_of_frames);
	tcase_add_loop_test(f, a_large_message_comes_as_the_runtime_lays_it_out, 0, 5);
	tcase_add_test(f, requests_that_come_together_are_each_answered_on_their_stream);
	suite_add_tcase(s, f);
	tcase_add_loop_test(m, every_message_may_have_fields_of_a_later_protocol, 0, 5);
	tcase_add_loop_test(m, every_event_may_come_empty, 1, NRI_EVENT_MAX + 1);
	tcase_add_test(m, ten_thousand_containers_come_in_one_message);
	suite_add_tcase(s, m);
	return s;
}
