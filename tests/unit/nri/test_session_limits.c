/* SPDX-License-Identifier: Apache-2.0 */

/* What ends a session, what must not, and how long it waits. */

#include "fake_nri_encode.h"
#include "golden.h"
#include "recorder.h"

#include <errno.h>

#define MIB (1u << 20)

static struct recorder rec;

static void setup(void)
{
	recorder_init(&rec, 0);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	drop_output(rec.session);
}

static void teardown(void)
{
	recorder_done(&rec);
}

/* ---- configuration ---- */

static const struct {
	const char *name, *index;
	uint32_t events;
	int want;
} configs[] = {
	{"resctrl", "00", 0, 0},
	{"a_b.c+d-9", "99", 0x1, 0},
	{"resctrl", "90", 0x1fff, 0},
	{"", "90", 0, -EINVAL},
	{"a b", "90", 0, -EINVAL},
	{"a/b", "90", 0, -EINVAL},
	{"\xc3\xa4", "90", 0, -EINVAL},
	{"resctrl", "", 0, -EINVAL},
	{"resctrl", "9", 0, -EINVAL},
	{"resctrl", "900", 0, -EINVAL},
	{"resctrl", "-1", 0, -EINVAL},
	{"resctrl", "9x", 0, -EINVAL},
	{"resctrl", "90", 0x2000, -EINVAL}, /* validates other plugins' wishes */
	{"resctrl", "90", 0x80000001, -EINVAL},
	{"resctrl", "90", 0x800, -EINVAL}, /* may be all that an old runtime lacks */
};

START_TEST(names_and_masks_are_checked_before_a_runtime_sees_them)
{
	struct nri_session_config config = {.plugin_name = configs[_i].name,
					    .plugin_index = configs[_i].index,
					    .events = configs[_i].events};
	struct nri_session *s = NULL;
	struct err e = {0};
	int r = nri_session_new(&config, &recording, NULL, &s, &e);

	ck_assert_msg(r == configs[_i].want, "'%s' '%s' 0x%x: %d", configs[_i].name,
		      configs[_i].index, configs[_i].events, r);
	ck_assert((r == 0) == (s != NULL));
	ck_assert((r == 0) == (e.msg[0] == '\0'));
	ck_assert_ptr_null(nri_session_free(s));
}
END_TEST

START_TEST(a_name_may_be_long_but_not_too_long)
{
	char name[NRI_NAME_MAX + 2];
	struct nri_session_config config = {.plugin_name = name, .plugin_index = "90"};
	struct nri_session *s = NULL;

	memset(name, 'n', sizeof(name));
	name[NRI_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(nri_session_new(&config, &recording, NULL, &s, NULL), -EINVAL);
	name[NRI_NAME_MAX] = '\0';
	ck_assert_int_eq(nri_session_new(&config, &recording, NULL, &s, NULL), 0);
	ck_assert_int_eq(nri_session_start(s, 0, NULL), 0);
	nri_session_free(s);
}
END_TEST

START_TEST(a_session_starts_once_and_is_fed_only_then)
{
	struct nri_session_config config = {.plugin_name = "resctrl", .plugin_index = "90"};
	struct nri_session *s = NULL;

	ck_assert_int_eq(nri_session_new(&config, &recording, NULL, &s, NULL), 0);
	ck_assert_int_eq(nri_session_state(s), NRI_SESSION_NEW);
	ck_assert_uint_eq(nri_session_deadline(s), UINT64_MAX);
	ck_assert_int_eq(nri_session_feed(s, "x", 1, 0, NULL), -ESHUTDOWN);
	ck_assert_int_eq(nri_session_start(s, 0, NULL), 0);
	ck_assert_int_eq(nri_session_start(s, 0, NULL), -EALREADY);
	ck_assert_int_eq(nri_session_feed(s, NULL, 0, 0, NULL), 0);
	nri_session_free(s);
}
END_TEST

START_TEST(handlers_may_all_be_missing)
{
	static const struct nri_handlers none;
	struct nri_session_config config = {.plugin_name = "resctrl", .plugin_index = "90"};
	struct nri_session *s = NULL;

	ck_assert_int_eq(nri_session_new(&config, &none, NULL, &s, NULL), 0);
	ck_assert_int_eq(nri_session_start(s, 0, NULL), 0);
	ck_assert_int_eq(feed_hex(s, R_CONFIGURE, NULL), 0);
	ck_assert_int_eq(feed_hex(s, R_SYNCHRONIZE, NULL), 0);
	ck_assert_int_eq(feed_hex(s, R_START_CONTAINER, NULL), 0);
	drop_output(s);
	ck_assert_int_eq(ask(s, 7, "Shutdown", NULL, 0), 0);
	nri_session_free(s);
}
END_TEST

/* ---- deadlines ---- */

static int feed_at(const char *hex, uint64_t now_ms)
{
	struct strbuf in;
	int r;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, hex);
	r = nri_session_feed(rec.session, in.data, in.len, now_ms, NULL);
	strbuf_done(&in);
	return r;
}

START_TEST(a_registration_that_hangs_is_given_up)
{
	struct err e = {0};

	ck_assert_uint_eq(nri_session_deadline(rec.session), 30000);
	ck_assert_int_eq(nri_session_tick(rec.session, 29999, NULL), 0);
	/* an answer to RegisterPlugin is a sign of life, but not yet Configure */
	ck_assert_int_eq(feed_at(R_REGISTER_OK, 20000), 0);
	ck_assert_uint_eq(nri_session_deadline(rec.session), 50000);
	ck_assert_int_eq(nri_session_tick(rec.session, 50000, &e), -ETIMEDOUT);
	ck_assert_str_eq(e.msg, "the runtime went silent before Configure");
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_FAILED);
	ck_assert_int_eq(feed_at(R_CONFIGURE, 50001), -ESHUTDOWN);
}
END_TEST

START_TEST(a_runtime_that_never_synchronizes_is_given_up)
{
	struct err e = {0};

	ck_assert_int_eq(feed_at(R_CONFIGURE, 1000), 0);
	ck_assert_uint_eq(nri_session_deadline(rec.session), 16000);
	ck_assert_int_eq(feed_at(R_SYNCHRONIZE_MORE, 10000), 0);
	ck_assert_uint_eq(nri_session_deadline(rec.session), 25000);
	ck_assert_int_eq(nri_session_tick(rec.session, 25000, &e), -ETIMEDOUT);
	ck_assert_str_eq(e.msg, "the runtime went silent before Synchronize");
}
END_TEST

START_TEST(a_synchronized_session_waits_for_ever)
{
	ck_assert_int_eq(feed_at(R_CONFIGURE, 1000), 0);
	ck_assert_int_eq(feed_at(R_SYNCHRONIZE, 1001), 0);
	ck_assert_uint_eq(nri_session_deadline(rec.session), UINT64_MAX);
	ck_assert_int_eq(nri_session_tick(rec.session, UINT64_MAX - 1, NULL), 0);
}
END_TEST

START_TEST(deadlines_do_not_wrap_around)
{
	ck_assert_int_eq(feed_at(R_REGISTER_OK, UINT64_MAX - 5), 0);
	ck_assert_uint_eq(nri_session_deadline(rec.session), UINT64_MAX);
}
END_TEST

/* ---- how long the runtime waits for an answer ---- */

#define NO_TIMEOUT INT64_MIN

/* An event that was sent with TIMEOUT_NS left. */
static void add_event(struct strbuf *in, uint32_t stream, int64_t timeout_ns)
{
	struct ttrpc_request req = {
		.service = {(const uint8_t *)"nri.pkg.api.v1alpha1.Plugin", 27},
		.method = {(const uint8_t *)"RunPodSandbox", 13},
		.timeout_ns = timeout_ns == NO_TIMEOUT ? 0 : timeout_ns,
	};
	struct strbuf payload;

	strbuf_init(&payload, BYTES_MAX);
	fake_nri_encode_event(&payload, &(struct nri_pod){.id = "p"}, NULL);
	req.payload = (struct ttrpc_span){(uint8_t *)payload.data, payload.len};
	ck_assert_int_eq(ttrpc_add_request(in, MUX_CONN_PLUGIN, stream, &req), 0);
	strbuf_done(&payload);
}

static const struct {
	const char *name;
	int64_t timeout_ns;
	uint64_t now_ms, want;
} patience[] = {
	{"as the request says", 1999900000, 1000, 2999},
	{"less than a millisecond is none", 999999, 1000, 1000},
	{"nothing is said: as Configure did", NO_TIMEOUT, 1000, 1700},
	{"nonsense is as good as nothing", -5, 1000, 1700},
	{"as long as can be said", INT64_MAX, 1000, 1000 + INT64_MAX / 1000000},
	{"time does not wrap around", INT64_MAX, UINT64_MAX - 5, UINT64_MAX},
};

START_TEST(an_event_comes_with_its_deadline)
{
	struct strbuf in, payload;

	strbuf_init(&in, BYTES_MAX);
	strbuf_init(&payload, BYTES_MAX);
	fake_nri_encode_configure(&payload,
				  &(struct fake_nri_configure){.request_timeout_ms = 700});
	add_request(&in, 1, "Configure", payload.data, payload.len);
	add_event(&in, 3, patience[_i].timeout_ns);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, patience[_i].now_ms, NULL),
			 0);
	ck_assert_msg(rec.deadline_ms == patience[_i].want, "%s: %ju", patience[_i].name,
		      (uintmax_t)rec.deadline_ms);
	strbuf_done(&in);
	strbuf_done(&payload);
}
END_TEST

START_TEST(a_runtime_that_says_nothing_waits_two_seconds)
{
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	add_event(&in, 1, NO_TIMEOUT);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 5000, NULL), 0);
	ck_assert_uint_eq(rec.deadline_ms, 7000);
	ck_assert_int_eq(feed_at(R_CONFIGURE, 5000), 0); /* containerd's own: the same */
	strbuf_reset(&in);
	add_event(&in, 3, NO_TIMEOUT);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 6000, NULL), 0);
	ck_assert_uint_eq(rec.deadline_ms, 8000);
	strbuf_done(&in);
}
END_TEST

START_TEST(the_wait_begins_with_the_first_byte)
{
	struct strbuf in;
	size_t first;

	strbuf_init(&in, BYTES_MAX);
	add_event(&in, 1, 1000000000);
	first = in.len;
	add_event(&in, 3, 1000000000);
	/* the multiplexer's header is no byte of it, but the first of ttrpc's is */
	for (size_t i = 0; i < in.len; i++) {
		ck_assert_int_eq(nri_session_feed(rec.session, in.data + i, 1, 100 + i, NULL), 0);
		if (i + 1 == first)
			ck_assert_uint_eq(rec.deadline_ms, 100 + MUX_HEADER_LEN + 1000);
	}
	ck_assert_uint_eq(rec.deadline_ms, 100 + first + MUX_HEADER_LEN + 1000);
	strbuf_done(&in);
}
END_TEST

/* ---- frames ---- */

/* Feed a ttrpc header and BODY zero bytes on CONN, and give back the code of the answer. */
static int feed_frame(uint32_t conn, uint32_t stream, uint8_t type, uint8_t flags, size_t body)
{
	uint8_t header[TTRPC_HEADER_LEN] = {0};
	AUTO_FREE uint8_t *zeros = calloc(1, body + 1);
	struct strbuf in;

	put_be32(header, (uint32_t)body);
	put_be32(header + 4, stream);
	header[8] = type;
	header[9] = flags;
	strbuf_init(&in, BYTES_MAX);
	ck_assert_int_eq(mux_add_message(&in, conn, header, sizeof(header), zeros, body), 0);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 0, NULL), 0);
	strbuf_done(&in);
	return take_answer(rec.session, stream);
}

static const struct {
	const char *name;
	uint32_t conn, stream;
	uint8_t type, flags;
	size_t body;
	int want; /* code, -1 for no answer */
} frames[] = {
	{"empty request", 1, 1, 1, 0, 0, TTRPC_UNIMPLEMENTED},
	{"no-data flag", 1, 1, 1, 4, 0, TTRPC_UNIMPLEMENTED},
	{"stream 0", 1, 0, 1, 0, 0, TTRPC_INVALID_ARGUMENT},
	{"even stream", 1, 2, 1, 0, 0, TTRPC_INVALID_ARGUMENT},
	{"highest stream", 1, 0xffffffff, 1, 0, 0, TTRPC_UNIMPLEMENTED},
	{"remote closed", 1, 1, 1, 1, 0, TTRPC_INVALID_ARGUMENT},
	{"remote open", 1, 1, 1, 2, 0, TTRPC_INVALID_ARGUMENT},
	{"all flags", 1, 1, 1, 7, 0, TTRPC_INVALID_ARGUMENT},
	{"not a request inside", 1, 1, 1, 0, 1, TTRPC_INVALID_ARGUMENT},
	{"type 0", 1, 1, 0, 0, 0, -1},
	{"response where requests come", 1, 1, 2, 0, 0, -1},
	{"stream data", 1, 1, 3, 0, 0, -1},
	{"type 255", 1, 1, 0xff, 0, 0, -1},
	{"request where responses come", 2, 1, 1, 0, 0, -1},
	{"response nobody waits for", 2, 3, 2, 0, 0, -1},
	{"connection 0", 0, 1, 1, 0, 0, -1},
	{"unknown connection", 77, 1, 1, 0, 0, -1},
	{"unknown connection, much", 0xffffffff, 1, 1, 0, 4 * MIB, -1},
	{"most a message may be", 1, 1, 1, 0, 4 * MIB, TTRPC_INVALID_ARGUMENT},
	{"more than it may be", 1, 1, 1, 0, 4 * MIB + 1, TTRPC_RESOURCE_EXHAUSTED},
};

START_TEST(odd_frames_are_answered_or_ignored_and_the_next_is_served)
{
	int code = feed_frame(frames[_i].conn, frames[_i].stream, frames[_i].type, frames[_i].flags,
			      frames[_i].body);

	ck_assert_msg(code == frames[_i].want, "%s: %d", frames[_i].name, code);
	ck_assert_uint_eq(nri_session_stats(rec.session)->ignored > 0, code == -1);
	if (frames[_i].stream != 0xffffffff)
		ck_assert_int_eq(ask(rec.session, 101, "Shutdown", NULL, 0), 0);
}
END_TEST

START_TEST(a_stream_id_is_used_once_and_only_grows)
{
	ck_assert_int_eq(ask(rec.session, 5, "Shutdown", NULL, 0), 0);
	ck_assert_int_eq(ask(rec.session, 5, "Shutdown", NULL, 0), TTRPC_INVALID_ARGUMENT);
	ck_assert_int_eq(ask(rec.session, 3, "Shutdown", NULL, 0), TTRPC_INVALID_ARGUMENT);
	ck_assert_int_eq(ask(rec.session, 7, "Shutdown", NULL, 0), 0);
	ck_assert_uint_eq(nri_session_stats(rec.session)->rejected, 2);
}
END_TEST

START_TEST(the_largest_promise_is_skipped_by_counting)
{
	/* 4 GiB - 1 promised; what comes is thrown away, nothing is kept */
	static const char zeros[65536];
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, "00000001 0000000a ffffffff 00000001 0100");
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 0, NULL), 0);
	ck_assert_int_eq(take_answer(rec.session, 1), TTRPC_RESOURCE_EXHAUSTED);
	strbuf_reset(&in);
	ck_assert_int_eq(mux_add_message(&in, 1, "", 0, zeros, sizeof(zeros)), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 0, NULL), 0);
	ck_assert_int_eq(take_answer(rec.session, 1), -1);
	strbuf_done(&in);
}
END_TEST

START_TEST(a_million_empty_frames_are_nothing)
{
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	for (int i = 0; i < 1000000; i++)
		(void)strbuf_add(&in, "\0\0\0\1\0\0\0\0", 8);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 0, NULL), 0);
	strbuf_done(&in);
	ck_assert_int_eq(ask(rec.session, 1, "Shutdown", NULL, 0), 0);
}
END_TEST

START_TEST(a_corrupt_frame_length_ends_the_session)
{
	struct err e = {0};

	ck_assert_int_eq(feed_hex(rec.session, "00000001 01000001", &e), -EPROTO);
	ck_assert_str_eq(e.msg, "corrupt stream: a frame of 16777217 bytes");
	ck_assert_int_eq(nri_session_state(rec.session), NRI_SESSION_FAILED);
}
END_TEST

START_TEST(a_garbled_or_giant_registration_reply_ends_the_session)
{
	static const char *const replies[] = {
		"000000020000000b 00000001 00000001 0200 0a",
		"000000020000000a 00400001 00000001 0200",
	};

	ck_assert_int_eq(feed_hex(rec.session, replies[_i], NULL), -EPROTO);
}
END_TEST

START_TEST(a_second_registration_reply_is_ignored)
{
	ck_assert_int_eq(feed_hex(rec.session, R_REGISTER_OK, NULL), 0);
	ck_assert_int_eq(feed_hex(rec.session, R_REGISTER_ERROR, NULL), 0);
	ck_assert_uint_eq(nri_session_stats(rec.session)->ignored, 1);
}
END_TEST

START_TEST(a_runtime_that_does_not_read_its_answers_is_left)
{
	uint32_t stream = 1;
	struct strbuf in;
	const void *data;
	size_t len;
	int r = 0;

	strbuf_init(&in, BYTES_MAX);
	while (r == 0 && stream < 1000001) {
		strbuf_reset(&in);
		add_request(&in, stream, "Foo", NULL, 0);
		r = nri_session_feed(rec.session, in.data, in.len, 0, NULL);
		stream += 2;
	}
	ck_assert_int_eq(r, -ENOBUFS);
	nri_session_output(rec.session, &data, &len);
	ck_assert_uint_le(len, NRI_OUTPUT_MAX);
	strbuf_done(&in);
}
END_TEST

START_TEST(what_is_quoted_back_is_short_and_printable)
{
	AUTO_FREE char *name = calloc(1, MIB);
	struct strbuf in;
	const void *data;
	size_t len;

	memset(name, 0xff, MIB - 1);
	strbuf_init(&in, BYTES_MAX);
	add_request(&in, 1, name, NULL, 0);
	ck_assert_int_eq(nri_session_feed(rec.session, in.data, in.len, 0, NULL), 0);
	nri_session_output(rec.session, &data, &len);
	ck_assert_uint_lt(len, 120);
	ck_assert_ptr_nonnull(memmem(data, len, "method ????", 11));
	ck_assert_int_eq(take_answer(rec.session, 1), TTRPC_UNIMPLEMENTED);
	strbuf_done(&in);
}
END_TEST

START_TEST(output_goes_out_in_whatever_pieces_the_socket_takes)
{
	struct strbuf sent;
	const void *data;
	size_t len;

	strbuf_init(&sent, BYTES_MAX);
	ck_assert_int_eq(feed_hex(rec.session, R_CONFIGURE, NULL), 0);
	ck_assert_int_eq(feed_hex(rec.session, R_SYNCHRONIZE, NULL), 0);
	for (;;) {
		nri_session_output(rec.session, &data, &len);
		if (len == 0)
			break;
		len = len < 3 ? len : 3;
		(void)strbuf_add(&sent, data, len);
		nri_session_sent(rec.session, len);
	}
	ck_assert_uint_eq(sent.len, 8 + 15 + 8 + 10);
	strbuf_done(&sent);
}
END_TEST

static Suite *fill(Suite *s)
{
	TCase *c = tcase_create("configuration"), *d = tcase_create("deadlines"),
	      *f = tcase_create("frames");

	tcase_add_loop_test(c, names_and_masks_are_checked_before_a_runtime_sees_them, 0,
			    (int)ARRAY_LEN(configs));
	tcase_add_test(c, a_name_may_be_long_but_not_too_long);
	tcase_add_test(c, a_session_starts_once_and_is_fed_only_then);
	tcase_add_test(c, handlers_may_all_be_missing);
	suite_add_tcase(s, c);

	tcase_add_checked_fixture(d, setup, teardown);
	tcase_add_test(d, a_registration_that_hangs_is_given_up);
	tcase_add_test(d, a_runtime_that_never_synchronizes_is_given_up);
	tcase_add_test(d, a_synchronized_session_waits_for_ever);
	tcase_add_test(d, deadlines_do_not_wrap_around);
	tcase_add_loop_test(d, an_event_comes_with_its_deadline, 0, (int)ARRAY_LEN(patience));
	tcase_add_test(d, a_runtime_that_says_nothing_waits_two_seconds);
	tcase_add_test(d, the_wait_begins_with_the_first_byte);
	suite_add_tcase(s, d);

	tcase_set_timeout(f, 60); /* half a million requests, on a busy machine */
	tcase_add_checked_fixture(f, setup, teardown);
	tcase_add_loop_test(f, odd_frames_are_answered_or_ignored_and_the_next_is_served, 0,
			    (int)ARRAY_LEN(frames));
	tcase_add_test(f, a_stream_id_is_used_once_and_only_grows);
	tcase_add_test(f, the_largest_promise_is_skipped_by_counting);
	tcase_add_test(f, a_million_empty_frames_are_nothing);
	tcase_add_test(f, a_corrupt_frame_length_ends_the_session);
	tcase_add_loop_test(f, a_garbled_or_giant_registration_reply_ends_the_session, 0, 2);
	tcase_add_test(f, a_second_registration_reply_is_ignored);
	tcase_add_test(f, a_runtime_that_does_not_read_its_answers_is_left);
	tcase_add_test(f, what_is_quoted_back_is_short_and_printable);
	tcase_add_test(f, output_goes_out_in_whatever_pieces_the_socket_takes);
	suite_add_tcase(s, f);
	return s;
}

Suite *suite(void)
{
	return fill(suite_create("session limits"));
}
