/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_nri_encode.h"
#include "golden.h"
#include "nri_methods.h"
#include "recorder.h"

#include <errno.h>

#define CONFIGURED   "configure containerd v2.2.1 '' 5000 2000 0x465\n"
#define SYNCHRONIZED "synchronize 1 1 p1/default/pod/u-1:1000 p1/c1/app:2000:3\n"
#define STARTED      "START_CONTAINER p1/default/pod/u-1:1000 p1/c1/app:2000:1\n"

static struct recorder rec;

static void setup(void)
{
	recorder_init(&rec, 0x465);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
}

static void teardown(void)
{
	recorder_done(&rec);
}

START_TEST(golden_bytes_in_both_directions)
{
	struct nri_session *s = rec.session;

	expect_output(s, P_REGISTER);
	ck_assert_int_eq(nri_session_state(s), NRI_SESSION_REGISTERING);
	ck_assert_int_eq(feed_hex(s, R_REGISTER_OK, NULL), 0);
	expect_output(s, "");
	ck_assert_int_eq(feed_hex(s, R_CONFIGURE, NULL), 0);
	expect_output(s, P_CONFIGURE_465);
	ck_assert_int_eq(nri_session_state(s), NRI_SESSION_CONFIGURED);
	ck_assert_int_eq(feed_hex(s, R_SYNCHRONIZE, NULL), 0);
	expect_output(s, P_EMPTY_3);
	ck_assert_int_eq(nri_session_state(s), NRI_SESSION_SYNCHRONIZED);
	ck_assert_int_eq(feed_hex(s, R_STATE_CHANGE_START, NULL), 0);
	expect_output(s, P_EMPTY_5);
	ck_assert_int_eq(ask(s, 7, "Foo", NULL, 0), TTRPC_UNIMPLEMENTED);
	ck_assert_str_eq(strbuf_str(&rec.log), CONFIGURED SYNCHRONIZED STARTED);
}
END_TEST

START_TEST(golden_event_in_its_own_rpc)
{
	struct nri_session *s = rec.session;

	expect_output(s, P_REGISTER);
	ck_assert_int_eq(feed_hex(s, R_START_CONTAINER, NULL), 0);
	expect_output(s, P_EMPTY_5);
	ck_assert_str_eq(strbuf_str(&rec.log), STARTED);
}
END_TEST

START_TEST(golden_part_of_a_snapshot)
{
	expect_output(rec.session, P_REGISTER);
	ck_assert_int_eq(feed_hex(rec.session, R_SYNCHRONIZE_MORE, NULL), 0);
	expect_output(rec.session, P_SYNCHRONIZE_MORE);
	ck_assert_str_eq(strbuf_str(&rec.log), "");
}
END_TEST

START_TEST(golden_unimplemented)
{
	struct strbuf in;

	expect_output(rec.session, P_REGISTER);
	strbuf_init(&in, BYTES_MAX);
	add_request(&in, 7, "Foo", NULL, 0);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 0, NULL), 0);
	expect_output(rec.session, P_UNIMPLEMENTED_7);
	strbuf_done(&in);
}
END_TEST

START_TEST(configure_may_come_before_with_and_after_the_registration_reply)
{
	char together[2 * sizeof(R_REGISTER_OK) + 2 * sizeof(R_CONFIGURE)];

	expect_output(rec.session, P_REGISTER);
	if (_i == 0) {
		ck_assert_int_eq(feed_hex(rec.session, R_CONFIGURE, NULL), 0);
		expect_output(rec.session, P_CONFIGURE_465);
		ck_assert_int_eq(feed_hex(rec.session, R_REGISTER_OK, NULL), 0);
		expect_output(rec.session, "");
	} else {
		snprintf(together, sizeof(together), "%s%s", _i == 1 ? R_REGISTER_OK : R_CONFIGURE,
			 _i == 1 ? R_CONFIGURE : R_REGISTER_OK);
		ck_assert_int_eq(feed_hex(rec.session, together, NULL), 0);
		expect_output(rec.session, P_CONFIGURE_465);
	}
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_CONFIGURED);
}
END_TEST

START_TEST(a_refused_registration_ends_the_session)
{
	struct err e = {0};

	ck_assert_int_eq(feed_hex(rec.session, R_REGISTER_ERROR, &e), -EPERM);
	ck_assert_str_eq(e.msg, "the runtime refused the registration: code 2: bad");
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_FAILED);
	ck_assert_int_eq(feed_hex(rec.session, R_CONFIGURE, NULL), -ESHUTDOWN);
	ck_assert_uint_eq(nri_session_deadline(rec.session), UINT64_MAX);
}
END_TEST

/* Everything the runtime says in a session, in one string of bytes. */
static void add_conversation(struct strbuf *in)
{
	add_hex(in, R_REGISTER_OK);
	add_hex(in, R_CONFIGURE);
	add_hex(in, R_SYNCHRONIZE_MORE);
	/* the same again as the last part: stream 5, everything later two further */
	add_hex(in, R_SYNCHRONIZE);
	in->data[in->len - 0x97 + 7] = 5;
	add_hex(in, R_START_CONTAINER);
	in->data[in->len - 0x9a + 7] = 7;
	add_hex(in, R_STATE_CHANGE_START);
	in->data[in->len - 0x99 + 7] = 9;
}

static const char conversation_out[] = "000000010000000f 00000005 00000001 0200 120310e508"
				       "000000010000000e 00000004 00000003 0200 12021001"
				       "000000010000000a 00000000 00000005 0200"
				       "000000010000000a 00000000 00000007 0200"
				       "000000010000000a 00000000 00000009 0200";

static void feed_copy(struct nri_session *s, const char *data, size_t len)
{
	/* an allocation of just that size lets the sanitizer see a read beyond it */
	char *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	ck_assert_int_eq(nri_session_feed(s, copy, len, 0, NULL), 0);
	free(copy);
}

START_TEST(any_cut_of_the_stream_gives_the_same_answers)
{
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	add_conversation(&in);
	teardown();
	for (size_t cut = 0; cut <= in.len; cut++) {
		setup();
		drop_output(rec.session);
		feed_copy(rec.session, in.data, cut);
		feed_copy(rec.session, in.data + cut, in.len - cut);
		expect_output(rec.session, conversation_out);
		ck_assert_str_eq(strbuf_str(&rec.log), CONFIGURED SYNCHRONIZED STARTED STARTED);
		teardown();
	}
	setup();
	strbuf_done(&in);
}
END_TEST

START_TEST(byte_by_byte_gives_the_same_answers)
{
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	add_conversation(&in);
	drop_output(rec.session);
	for (size_t i = 0; i < in.len; i++)
		feed_copy(rec.session, in.data + i, 1);
	expect_output(rec.session, conversation_out);
	ck_assert_str_eq(strbuf_str(&rec.log), CONFIGURED SYNCHRONIZED STARTED STARTED);
	strbuf_done(&in);
}
END_TEST

/* The bytes of connection CONN in IN, without the multiplexer's headers. */
static void demultiplex(const struct strbuf *in, uint32_t conn, struct strbuf *out)
{
	const uint8_t *p = (const uint8_t *)in->data;
	size_t len = in->len;
	struct mux_rx rx = {0};
	struct mux_slice slice;

	while (mux_rx_take(&rx, &p, &len, &slice) > 0) {
		if (slice.conn == conn)
			(void)strbuf_add(out, slice.data, slice.len);
	}
}

START_TEST(frames_may_cut_messages_anywhere_and_interleave)
{
	size_t size = (size_t)_i;
	struct strbuf in, requests, responses, again;
	size_t a = 0, b = 0;

	strbuf_init(&in, BYTES_MAX);
	strbuf_init(&requests, BYTES_MAX);
	strbuf_init(&responses, BYTES_MAX);
	strbuf_init(&again, BYTES_MAX);
	add_conversation(&in);
	demultiplex(&in, MUX_CONN_PLUGIN, &requests);
	demultiplex(&in, MUX_CONN_RUNTIME, &responses);
	while (a < requests.len || b < responses.len) {
		size_t n = requests.len - a < size ? requests.len - a : size;
		size_t m = b < responses.len ? 1 : 0;

		if (n > 0)
			ck_assert_int_eq(mux_add_message(&again, MUX_CONN_PLUGIN, "", 0,
							 requests.data + a, n),
					 0);
		if (m > 0)
			ck_assert_int_eq(mux_add_message(&again, MUX_CONN_RUNTIME, "", 0,
							 responses.data + b, m),
					 0);
		a += n;
		b += m;
	}
	drop_output(rec.session);
	feed_copy(rec.session, again.data, again.len);
	expect_output(rec.session, conversation_out);
	ck_assert_str_eq(strbuf_str(&rec.log), CONFIGURED SYNCHRONIZED STARTED STARTED);
	strbuf_done(&in);
	strbuf_done(&requests);
	strbuf_done(&responses);
	strbuf_done(&again);
}
END_TEST

START_TEST(both_styles_in_one_session_and_gaps_between_streams)
{
	static const uint32_t streams[] = {1, 5, 7, 0x80000001};
	struct nri_pod pod = {.id = "p"};
	struct strbuf rpc, change;

	strbuf_init(&rpc, BYTES_MAX);
	strbuf_init(&change, BYTES_MAX);
	fake_nri_encode_event(&rpc, &pod, NULL);
	fake_nri_encode_state_change(&change, NRI_STOP_POD_SANDBOX, &pod, NULL);
	for (size_t i = 0; i < ARRAY_LEN(streams); i += 2) {
		ck_assert_int_eq(ask(rec.session, streams[i], "RunPodSandbox", rpc.data, rpc.len),
				 0);
		ck_assert_int_eq(
			ask(rec.session, streams[i + 1], "StateChange", change.data, change.len),
			0);
	}
	ck_assert_str_eq(strbuf_str(&rec.log), "RUN_POD_SANDBOX p///:0\nSTOP_POD_SANDBOX p///:0\n"
					       "RUN_POD_SANDBOX p///:0\nSTOP_POD_SANDBOX p///:0\n");
	strbuf_done(&rpc);
	strbuf_done(&change);
}
END_TEST

START_TEST(every_event_has_its_own_method_and_its_state_change)
{
	struct nri_pod pod = {.id = "p"};
	struct nri_container ctr = {.id = "c", .pod_sandbox_id = "p"};
	enum nri_event event = (enum nri_event)_i;
	bool is_container = nri_event_is_container(event);
	struct strbuf payload, want;

	strbuf_init(&payload, BYTES_MAX);
	strbuf_init(&want, BYTES_MAX);
	fake_nri_encode_event(&payload, &pod, is_container ? &ctr : NULL);
	ck_assert_int_eq(ask(rec.session, 1, nri_event_method(event), payload.data, payload.len),
			 0);
	strbuf_reset(&payload);
	fake_nri_encode_state_change(&payload, _i, &pod, is_container ? &ctr : NULL);
	ck_assert_int_eq(ask(rec.session, 3, "StateChange", payload.data, payload.len), 0);
	for (int i = 0; i < 2; i++)
		(void)strbuf_addf(&want, "%s p///:0%s\n", nri_event_name(event),
				  is_container ? " p/c/:0:0" : "");
	ck_assert_str_eq(strbuf_str(&rec.log), strbuf_str(&want));
	strbuf_done(&payload);
	strbuf_done(&want);
}
END_TEST

START_TEST(three_hundred_large_requests_leave_nothing_behind)
{
	enum { LEN = 300000 }; /* together beyond what one message may take in memory */
	AUTO_FREE char *text = calloc(1, LEN + 1);
	struct nri_kv kv = {"key", memset(text, 'v', LEN)};
	struct nri_pod pod = {.id = "p", .annotations = &kv, .nr_annotations = 1};
	struct strbuf payload;

	strbuf_init(&payload, BYTES_MAX);
	fake_nri_encode_event(&payload, &pod, NULL);
	for (uint32_t i = 0; i < 300; i++) {
		ck_assert_int_eq(
			ask(rec.session, 2 * i + 1, "RunPodSandbox", payload.data, payload.len), 0);
		strbuf_reset(&rec.log);
	}
	ck_assert_uint_eq(nri_session_stats(rec.session)->events, 300);
	ck_assert_uint_eq(nri_session_stats(rec.session)->requests, 300);
	strbuf_done(&payload);
}
END_TEST

START_TEST(shutdown_is_told_and_answered)
{
	ck_assert_int_eq(ask(rec.session, 1, "Shutdown", NULL, 0), 0);
	ck_assert_str_eq(strbuf_str(&rec.log), "shutdown\n");
}
END_TEST

START_TEST(unknown_methods_services_and_events_do_not_hurt)
{
	static const char service[] = "nri.pkg.api.v1beta1.Plugin";
	struct ttrpc_request req = {
		.service = {(const uint8_t *)service, sizeof(service) - 1},
		.method = {(const uint8_t *)"Configure", 9},
	};
	struct strbuf buf;

	strbuf_init(&buf, BYTES_MAX);
	ck_assert_int_eq(ask(rec.session, 1, "ValidateContainerAdjustment", NULL, 0),
			 TTRPC_UNIMPLEMENTED);
	ck_assert_int_eq(ask(rec.session, 3, "Configur", NULL, 0), TTRPC_UNIMPLEMENTED);
	ck_assert_int_eq(ttrpc_add_request(&buf, MUX_CONN_PLUGIN, 5, &req), 0);
	ck_assert_int_eq(nri_session_feed(rec.session, buf.data, buf.len, 0, NULL), 0);
	ck_assert_int_eq(take_answer(rec.session, 5), TTRPC_UNIMPLEMENTED);
	strbuf_reset(&buf);
	fake_nri_encode_state_change(&buf, 99, &(struct nri_pod){.id = "p"}, NULL);
	ck_assert_int_eq(ask(rec.session, 7, "StateChange", buf.data, buf.len), 0);
	ck_assert_str_eq(strbuf_str(&rec.log), "");
	ck_assert_uint_eq(nri_session_stats(rec.session)->unimplemented, 3);
	ck_assert_uint_eq(nri_session_stats(rec.session)->dropped, 1);
	strbuf_done(&buf);
}
END_TEST

/* ---- synchronize ---- */

START_TEST(an_empty_snapshot_is_a_snapshot)
{
	ck_assert_int_eq(ask(rec.session, 1, "Synchronize", NULL, 0), 0);
	ck_assert_str_eq(strbuf_str(&rec.log), "synchronize 0 0\n");
}
END_TEST

static int synchronize(uint32_t stream, const char *pod, const char *ctr, bool more)
{
	struct nri_pod p = {.id = pod, .name = pod};
	struct nri_container c = {.id = ctr, .pod_sandbox_id = "p1", .pid = 7};
	struct strbuf payload;
	int code;

	strbuf_init(&payload, BYTES_MAX);
	fake_nri_encode_synchronize(&payload, &p, pod ? 1 : 0, &c, ctr ? 1 : 0, more);
	code = ask(rec.session, stream, "Synchronize", payload.data, payload.len);
	strbuf_done(&payload);
	return code;
}

START_TEST(a_synchronize_is_answered_before_it_is_delivered)
{
	ck_assert_int_eq(synchronize(1, "p1", "c1", false), 0);
	ck_assert_uint_ge(rec.answer_len, MUX_HEADER_LEN + TTRPC_HEADER_LEN);
	ck_assert_int_eq(synchronize(3, "p1", "c1", true), 0);
	rec.answer_len = 0;
	ck_assert_int_eq(synchronize(5, "p1", "c2", false), 0);
	ck_assert_uint_ge(rec.answer_len, MUX_HEADER_LEN + TTRPC_HEADER_LEN);
}
END_TEST

/* ---- a handler that takes its time ---- */

static const struct nri_pod *kept_pods;
static const struct nri_container *kept_containers;
static unsigned parts_left;

static void keep_snapshot(void *ctx, const struct nri_pod *pods, size_t nr_pods,
			  const struct nri_container *containers, size_t nr_containers)
{
	on_synchronize(ctx, pods, nr_pods, containers, nr_containers);
	kept_pods = pods;
	kept_containers = containers;
}

static bool take_part(void *ctx)
{
	struct recorder *r = ctx;

	(void)strbuf_adds(&r->log, "part");
	record_pod(&r->log, kept_pods);
	record_container(&r->log, kept_containers);
	(void)strbuf_addc(&r->log, '\n');
	return --parts_left > 0;
}

static void setup_slow(void)
{
	static const struct nri_handlers slow = {
		.configure = on_configure,
		.synchronize = keep_snapshot,
		.synchronize_more = take_part,
		.event = on_event,
	};
	const struct nri_session_config config = {.plugin_name = "resctrl", .plugin_index = "90"};

	strbuf_init(&rec.log, BYTES_MAX);
	parts_left = 2;
	ck_assert_int_eq(nri_session_new(&config, &slow, &rec, &rec.session, NULL), 0);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	drop_output(rec.session);
}

#define SNAPSHOT  " p1//p1/:0 p1/c1/:7:0\n"
#define NO_ANSWER -1

START_TEST(the_answer_waits_until_the_last_part_of_a_snapshot_is_taken)
{
	if (_i == 1) { /* in two messages */
		ck_assert_int_eq(synchronize(1, "p1", NULL, true), 0);
		ck_assert_int_eq(synchronize(3, NULL, "c1", false), NO_ANSWER);
	} else {
		ck_assert_int_eq(synchronize(3, "p1", "c1", false), NO_ANSWER);
	}
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_SYNCHRONIZING);
	ck_assert_uint_eq(nri_session_deadline(rec.session), UINT64_MAX);
	ck_assert_int_eq(nri_session_step(rec.session, NULL), 1);
	ck_assert_int_eq(take_answer(rec.session, 3), NO_ANSWER);
	ck_assert_int_eq(nri_session_step(rec.session, NULL), 0);
	ck_assert_int_eq(take_answer(rec.session, 3), 0);
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_SYNCHRONIZED);
	ck_assert_str_eq(strbuf_str(&rec.log),
			 "synchronize 1 1" SNAPSHOT "part" SNAPSHOT "part" SNAPSHOT);
	ck_assert_int_eq(nri_session_step(rec.session, NULL), 0);
	ck_assert_int_eq(take_answer(rec.session, 3), NO_ANSWER);
}
END_TEST

START_TEST(an_event_that_does_not_wait_for_that_comes_after_it_all_the_same)
{
	struct strbuf in;
	const void *data;
	size_t len;

	strbuf_init(&in, BYTES_MAX);
	ck_assert_int_eq(synchronize(1, "p1", "c1", false), NO_ANSWER);
	add_request(&in, 3, "RunPodSandbox", "\x0a\x04\x0a\x02p2", 6);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 0, NULL), 0);
	strbuf_done(&in);
	ck_assert_str_eq(strbuf_str(&rec.log), "synchronize 1 1" SNAPSHOT "part" SNAPSHOT
					       "part" SNAPSHOT "RUN_POD_SANDBOX p2///:0\n");
	nri_session_output(rec.session, &data, &len); /* the answers of both, in their order */
	ck_assert_uint_eq(len, 2 * (MUX_HEADER_LEN + TTRPC_HEADER_LEN));
	ck_assert_uint_eq(((const uint8_t *)data)[MUX_HEADER_LEN + 7], 1);
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_SYNCHRONIZED);
}
END_TEST

START_TEST(a_session_may_end_before_the_last_part_is_taken)
{
	ck_assert_int_eq(synchronize(1, "p1", "c1", false), NO_ANSWER);
	ck_assert_int_eq(nri_session_step(rec.session, NULL), 1);
	ck_assert_int_eq(feed_hex(rec.session, "ffffffff ffffffff", NULL), -EPROTO);
	ck_assert_int_eq(nri_session_step(rec.session, NULL), 0);
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_FAILED);
	ck_assert_uint_eq(parts_left, 1);
}
END_TEST

START_TEST(a_snapshot_in_parts_is_delivered_once_and_whole)
{
	ck_assert_int_eq(synchronize(1, NULL, "c1", true), 0);
	ck_assert_int_eq(synchronize(3, "p2", NULL, true), 0);
	ck_assert_str_eq(strbuf_str(&rec.log), "");
	ck_assert_int_ne(nri_session_state(rec.session), NRI_SESSION_SYNCHRONIZED);
	ck_assert_int_eq(synchronize(5, "p1", "c2", false), 0);
	ck_assert_str_eq(strbuf_str(&rec.log),
			 "synchronize 2 2 p2//p2/:0 p1//p1/:0 p1/c1/:7:0 p1/c2/:7:0\n");
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_SYNCHRONIZED);
}
END_TEST

START_TEST(a_second_snapshot_holds_nothing_of_the_first)
{
	ck_assert_int_eq(synchronize(1, "p1", "c1", false), 0);
	ck_assert_int_eq(synchronize(3, "p2", NULL, false), 0);
	ck_assert_str_eq(strbuf_str(&rec.log), "synchronize 1 1 p1//p1/:0 p1/c1/:7:0\n"
					       "synchronize 1 0 p2//p2/:0\n");
}
END_TEST

START_TEST(a_snapshot_cut_off_by_the_end_of_the_connection_is_forgotten)
{
	ck_assert_int_eq(synchronize(1, "p1", "c1", true), 0);
	teardown();
	setup();
	ck_assert_int_eq(synchronize(1, "p2", NULL, false), 0);
	ck_assert_str_eq(strbuf_str(&rec.log), "synchronize 1 0 p2//p2/:0\n");
}
END_TEST

START_TEST(objects_without_a_usable_identity_are_left_out)
{
	char long_id[NRI_NAME_MAX + 2];

	memset(long_id, 'a', sizeof(long_id));
	long_id[NRI_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(synchronize(1, long_id, "c1", true), 0);
	ck_assert_int_eq(synchronize(3, "", long_id, true), 0);
	ck_assert_int_eq(synchronize(5, &long_id[1], "", false), 0);
	ck_assert_uint_eq(nri_session_stats(rec.session)->dropped, 4);
	ck_assert_int_eq(strncmp(strbuf_str(&rec.log), "synchronize 1 1 aaa", 19), 0);
}
END_TEST

START_TEST(a_snapshot_beyond_its_bounds_ends_the_session)
{
	enum { PER_PART = 9000 };
	struct nri_pod *pods = calloc(PER_PART, sizeof(*pods));
	struct strbuf payload, in;
	struct err e = {0};
	int r = 0;

	for (size_t i = 0; i < PER_PART; i++)
		pods[i].id = "pod";
	strbuf_init(&payload, BYTES_MAX);
	strbuf_init(&in, BYTES_MAX);
	fake_nri_encode_synchronize(&payload, pods, PER_PART, NULL, 0, true);
	for (uint32_t stream = 1; r == 0 && stream < 100; stream += 2) {
		strbuf_reset(&in);
		add_request(&in, stream, "Synchronize", payload.data, payload.len);
		r = nri_session_feed(rec.session, in.data, in.len, 0, &e);
		drop_output(rec.session);
	}
	ck_assert_int_eq(r, -E2BIG);
	ck_assert_uint_eq(nri_session_stats(rec.session)->requests,
			  NRI_SYNC_MAX_OBJECTS / PER_PART + 1);
	ck_assert_str_eq(strbuf_str(&rec.log), "");
	strbuf_done(&payload);
	strbuf_done(&in);
	free(pods);
}
END_TEST

/* ---- events at the edges ---- */

static void event(uint32_t stream, enum nri_event ev, const struct nri_pod *pod,
		  const struct nri_container *ctr)
{
	struct strbuf payload;

	strbuf_init(&payload, BYTES_MAX);
	fake_nri_encode_event(&payload, pod, ctr);
	ck_assert_int_eq(ask(rec.session, stream, nri_event_method(ev), payload.data, payload.len),
			 0);
	strbuf_done(&payload);
}

START_TEST(stop_and_remove_may_know_less_and_less_of_the_pod)
{
	struct nri_container ctr = {.id = "c", .pod_sandbox_id = "p"};

	event(1, NRI_STOP_CONTAINER, &(struct nri_pod){.id = "p"}, &ctr);
	event(3, NRI_REMOVE_CONTAINER, &(struct nri_pod){0}, &ctr);
	event(5, NRI_REMOVE_CONTAINER, NULL, &ctr);
	ck_assert_str_eq(strbuf_str(&rec.log), "STOP_CONTAINER p///:0 p/c/:0:0\n"
					       "REMOVE_CONTAINER p/c/:0:0\n"
					       "REMOVE_CONTAINER p/c/:0:0\n");
}
END_TEST

START_TEST(events_without_their_object_are_answered_and_dropped)
{
	struct nri_pod pod = {.id = "p"};

	event(1, NRI_START_CONTAINER, &pod, NULL);
	event(3, NRI_START_CONTAINER, NULL, &(struct nri_container){.name = "no id"});
	event(5, NRI_RUN_POD_SANDBOX, NULL, NULL);
	event(7, NRI_RUN_POD_SANDBOX, &(struct nri_pod){.uid = "no id"}, NULL);
	ck_assert_str_eq(strbuf_str(&rec.log), "");
	ck_assert_uint_eq(nri_session_stats(rec.session)->dropped, 4);
}
END_TEST

START_TEST(an_undecodable_event_is_answered_ok)
{
	ck_assert_int_eq(ask(rec.session, 1, "StartContainer", "\x0a\x7f", 2), 0);
	ck_assert_int_eq(ask(rec.session, 3, "StateChange", "\xff", 1), 0);
	ck_assert_int_eq(ask(rec.session, 5, "StateChange", NULL, 0), 0);
	ck_assert_uint_eq(nri_session_stats(rec.session)->undecodable, 2);
	ck_assert_str_eq(strbuf_str(&rec.log), "");
}
END_TEST

START_TEST(a_refused_configuration_is_told_to_the_runtime_and_ends_the_session)
{
	struct err e = {0};

	rec.refusal = "line 2: 'gr\xc3\xbc\n' is not right";
	expect_output(rec.session, P_REGISTER);
	ck_assert_int_eq(feed_hex(rec.session, R_CONFIGURE, &e), -ECANCELED);
	ck_assert_str_eq(e.msg, rec.refusal);
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_FAILED);
	/* conn 1, stream 1, status 3 with the message in plain characters */
	expect_output(rec.session, "000000010000002c 00000022 00000001 0200 0a2008031"
				   "21c6c696e6520323a20276772"
				   "3f3f3f27206973206e6f74207269676874");
}
END_TEST

START_TEST(undecodable_configure_and_synchronize_are_refused)
{
	ck_assert_int_eq(ask(rec.session, 1, "Configure", "\xff", 1), TTRPC_INTERNAL);
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_REGISTERING);
	ck_assert_int_eq(synchronize(3, "p1", "c1", true), 0);
	ck_assert_int_eq(ask(rec.session, 5, "Synchronize", "\x0a\x7f", 2), TTRPC_INTERNAL);
	ck_assert_int_eq(synchronize(7, "p2", NULL, false), 0);
	ck_assert_str_eq(strbuf_str(&rec.log), "synchronize 1 0 p2//p2/:0\n");
}
END_TEST

static Suite *fill(Suite *s)
{
	TCase *bytes = tcase_create("bytes"), *sync = tcase_create("synchronize"),
	      *slow = tcase_create("slow handler"), *events = tcase_create("events");

	tcase_add_checked_fixture(bytes, setup, teardown);
	tcase_add_test(bytes, golden_bytes_in_both_directions);
	tcase_add_test(bytes, golden_event_in_its_own_rpc);
	tcase_add_test(bytes, golden_part_of_a_snapshot);
	tcase_add_test(bytes, golden_unimplemented);
	tcase_add_loop_test(bytes, configure_may_come_before_with_and_after_the_registration_reply,
			    0, 3);
	tcase_add_test(bytes, a_refused_registration_ends_the_session);
	tcase_add_test(bytes, any_cut_of_the_stream_gives_the_same_answers);
	tcase_add_test(bytes, byte_by_byte_gives_the_same_answers);
	tcase_add_loop_test(bytes, frames_may_cut_messages_anywhere_and_interleave, 1, 30);
	tcase_add_test(bytes, both_styles_in_one_session_and_gaps_between_streams);
	tcase_add_test(bytes, three_hundred_large_requests_leave_nothing_behind);
	suite_add_tcase(s, bytes);

	tcase_add_checked_fixture(sync, setup, teardown);
	tcase_add_test(sync, an_empty_snapshot_is_a_snapshot);
	tcase_add_test(sync, a_synchronize_is_answered_before_it_is_delivered);
	tcase_add_test(sync, a_snapshot_in_parts_is_delivered_once_and_whole);
	tcase_add_test(sync, a_second_snapshot_holds_nothing_of_the_first);
	tcase_add_test(sync, a_snapshot_cut_off_by_the_end_of_the_connection_is_forgotten);
	tcase_add_test(sync, objects_without_a_usable_identity_are_left_out);
	tcase_add_test(sync, a_snapshot_beyond_its_bounds_ends_the_session);
	suite_add_tcase(s, sync);

	tcase_add_checked_fixture(slow, setup_slow, teardown);
	tcase_add_loop_test(slow, the_answer_waits_until_the_last_part_of_a_snapshot_is_taken, 0,
			    2);
	tcase_add_test(slow, an_event_that_does_not_wait_for_that_comes_after_it_all_the_same);
	tcase_add_test(slow, a_session_may_end_before_the_last_part_is_taken);
	suite_add_tcase(s, slow);

	tcase_add_checked_fixture(events, setup, teardown);
	tcase_add_loop_test(events, every_event_has_its_own_method_and_its_state_change, 1,
			    NRI_EVENT_MAX + 1);
	tcase_add_test(events, shutdown_is_told_and_answered);
	tcase_add_test(events, unknown_methods_services_and_events_do_not_hurt);
	tcase_add_test(events, stop_and_remove_may_know_less_and_less_of_the_pod);
	tcase_add_test(events, events_without_their_object_are_answered_and_dropped);
	tcase_add_test(events, an_undecodable_event_is_answered_ok);
	tcase_add_test(events, a_refused_configuration_is_told_to_the_runtime_and_ends_the_session);
	tcase_add_test(events, undecodable_configure_and_synchronize_are_refused);
	suite_add_tcase(s, events);
	return s;
}

Suite *suite(void)
{
	return fill(suite_create("session"));
}
