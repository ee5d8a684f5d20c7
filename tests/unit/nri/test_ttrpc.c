/* SPDX-License-Identifier: Apache-2.0 */
#include "pbwire.h"
#include "recorder.h"

#include <errno.h>

/* ---- protobuf's wire format ---- */

/* Take all fields of HEX, which lies in memory of just that size: the last result. */
static int last_result(const char *hex)
{
	struct strbuf in;
	AUTO_FREE uint8_t *copy = NULL;
	const uint8_t *p;
	struct pb_field f;
	size_t len;
	int r;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, hex);
	len = in.len;
	p = copy = malloc(len + !len);
	memcpy(copy, strbuf_str(&in), len);
	while ((r = pb_next(&p, &len, &f)) > 0)
		ck_assert_uint_lt(len, in.len);
	strbuf_done(&in);
	return r;
}

static const struct {
	const char *name, *hex;
	int want;
} fields[] = {
	{"nothing", "", 0},
	{"every type", "0805 0d01020304 110102030405060708 1a0161", 0},
	{"the longest varint", "08ffffffffffffffffff01", 0},
	{"an eleven byte varint", "08ffffffffffffffffffff01", -EBADMSG},
	{"a cut varint", "08ff", -EBADMSG},
	{"a cut tag", "ff", -EBADMSG},
	{"a tag without a value", "08", -EBADMSG},
	{"field number 0", "0001", -EBADMSG},
	{"the largest field number", "f8ffffff0f01", 0},
	{"a larger one", "f8ffffff1f01", -EBADMSG},
	{"group start", "0b", -EBADMSG},
	{"group end", "0c", -EBADMSG},
	{"type 6", "0e01", -EBADMSG},
	{"type 7", "0f01", -EBADMSG},
	{"bytes beyond the end", "1a0261", -EBADMSG},
	{"bytes of a giant length", "1affffffffffffffffff0161", -EBADMSG},
	{"a cut fixed32", "0d010203", -EBADMSG},
	{"a cut fixed64", "1101020304050607", -EBADMSG},
};

START_TEST(fields_are_taken_or_refused)
{
	int r = last_result(fields[_i].hex);

	ck_assert_msg(r == fields[_i].want, "%s: %d", fields[_i].name, r);
}
END_TEST

START_TEST(what_is_written_reads_the_same)
{
	struct strbuf out;
	const uint8_t *p;
	struct pb_field f;
	size_t len;

	strbuf_init(&out, BYTES_MAX);
	ck_assert_int_eq(pb_add_varint(&out, 1, 0), 0);
	ck_assert_int_eq(pb_add_bytes(&out, 2, "", 0), 0);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(pb_add_varint(&out, 300, UINT64_MAX), 0);
	ck_assert_int_eq(pb_add_bytes(&out, 2, "abc", 3), 0);
	p = (const uint8_t *)out.data;
	len = out.len;
	ck_assert_int_eq(pb_next(&p, &len, &f), 1);
	ck_assert_uint_eq(f.number, 300);
	ck_assert_uint_eq(f.value, UINT64_MAX);
	ck_assert_int_eq(pb_next(&p, &len, &f), 1);
	ck_assert_int_eq(f.type, PB_BYTES);
	ck_assert_uint_eq(f.len, 3);
	ck_assert_int_eq(memcmp(f.data, "abc", 3), 0);
	ck_assert_int_eq(pb_next(&p, &len, &f), 0);
	strbuf_done(&out);
}
END_TEST

/* ---- envelopes ---- */

static int decode_request(const char *hex, struct strbuf *in, struct ttrpc_request *req)
{
	strbuf_init(in, BYTES_MAX);
	add_hex(in, hex);
	return ttrpc_decode_request(in->data ? in->data : "", in->len, req);
}

START_TEST(a_request_with_metadata_and_unknown_fields)
{
	struct ttrpc_request req;
	struct strbuf in;

	/* the method twice: the last one counts; fields 5 (metadata), 9, 10, 11, 12 */
	ck_assert_int_eq(decode_request("0a0173 1201780a0173 12016d 1a0170 2005 2a060a016b120176"
					"4801 510102030405060708 5d01020304 620178",
					&in, &req),
			 0);
	ck_assert(ttrpc_span_is(req.service, "s"));
	ck_assert(ttrpc_span_is(req.method, "m"));
	ck_assert(ttrpc_span_is(req.payload, "p"));
	ck_assert_int_eq(req.timeout_ns, 5);
	strbuf_done(&in);
}
END_TEST

START_TEST(an_empty_request_and_a_negative_timeout)
{
	struct ttrpc_request req;
	struct strbuf in;

	ck_assert_int_eq(decode_request("", &in, &req), 0);
	ck_assert(ttrpc_span_is(req.service, ""));
	ck_assert(ttrpc_span_is(req.payload, ""));
	strbuf_done(&in);
	ck_assert_int_eq(decode_request("20ffffffffffffffffff01", &in, &req), 0);
	ck_assert_int_eq(req.timeout_ns, -1);
	strbuf_done(&in);
	/* the right number in the wrong type is some other field */
	ck_assert_int_eq(decode_request("0801 22017a", &in, &req), 0);
	ck_assert_uint_eq(req.service.len, 0);
	ck_assert_int_eq(req.timeout_ns, 0);
	strbuf_done(&in);
}
END_TEST

static const struct {
	const char *name, *hex;
	int want, code;
	const char *message, *payload;
} responses[] = {
	{"empty", "", 0, 0, "", ""},
	{"payload", "12026162", 0, 0, "", "ab"},
	{"error", "0a0708021203626164", 0, 2, "bad", ""},
	{"error without a message", "0a020805", 0, 5, "", ""},
	{"status of success", "0a020800 120161", 0, 0, "", "a"},
	{"empty status", "0a00", 0, 0, "", ""},
	{"negative code", "0a0b08ffffffffffffffffff01", 0, -1, "", ""},
	{"details", "0a0608021a020a00", 0, 2, "", ""},
	{"garbled status", "0a0108", -EBADMSG, 0, "", ""},
	{"garbled", "0a", -EBADMSG, 0, "", ""},
};

START_TEST(responses_are_decoded_or_refused)
{
	struct ttrpc_response resp = {0};
	struct strbuf in;
	int r;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, responses[_i].hex);
	r = ttrpc_decode_response(in.data ? in.data : "", in.len, &resp);
	ck_assert_msg(r == responses[_i].want, "%s: %d", responses[_i].name, r);
	if (r == 0) {
		ck_assert_int_eq(resp.code, responses[_i].code);
		ck_assert(ttrpc_span_is(resp.message, responses[_i].message));
		ck_assert(ttrpc_span_is(resp.payload, responses[_i].payload));
	}
	strbuf_done(&in);
}
END_TEST

/* ---- messages ---- */

static int next_frame(struct ttrpc_rx *rx, const void *data, size_t *at, size_t len,
		      struct ttrpc_frame *frame)
{
	const uint8_t *p = (const uint8_t *)data + *at;
	size_t left = len - *at;
	int r = ttrpc_rx_take(rx, &p, &left, frame);

	*at = len - left;
	return r;
}

START_TEST(a_message_that_is_here_whole_is_not_copied)
{
	struct ttrpc_frame frame;
	struct ttrpc_rx rx;
	struct strbuf in;
	size_t at = 0;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, "00000003 00000007 0104 616263 00000000 00000009 0200");
	ttrpc_rx_init(&rx);
	ck_assert_int_eq(next_frame(&rx, in.data, &at, in.len, &frame), 1);
	ck_assert_ptr_eq(frame.data, in.data + 10);
	ck_assert_ptr_null(frame.own); /* the caller's, and not to be changed */
	ck_assert_uint_eq(frame.len, 3);
	ck_assert_uint_eq(frame.stream, 7);
	ck_assert_uint_eq(frame.type, TTRPC_REQUEST);
	ck_assert_uint_eq(frame.flags, TTRPC_NO_DATA);
	ck_assert_int_eq(next_frame(&rx, in.data, &at, in.len, &frame), 1);
	ck_assert_uint_eq(frame.stream, 9);
	ck_assert_uint_eq(frame.len, 0);
	ck_assert_int_eq(next_frame(&rx, in.data, &at, in.len, &frame), 0);
	ttrpc_rx_done(&rx);
	strbuf_done(&in);
}
END_TEST

START_TEST(a_message_that_was_put_together_may_be_changed)
{
	struct ttrpc_frame frame;
	struct ttrpc_rx rx;
	struct strbuf in;
	size_t at = 0;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, "00000003 00000007 0104 616263 00000001 00000009 0200 64");
	ttrpc_rx_init(&rx);
	ck_assert_int_eq(next_frame(&rx, in.data, &at, 12, &frame), 0);
	ck_assert_int_eq(next_frame(&rx, in.data, &at, in.len, &frame), 1);
	ck_assert_mem_eq(frame.data, "abc", 3);
	ck_assert_ptr_eq(frame.own, frame.data);
	ck_assert_int_eq(next_frame(&rx, in.data, &at, in.len, &frame), 1);
	ck_assert_ptr_null(frame.own);
	ttrpc_rx_done(&rx);
	strbuf_done(&in);
}
END_TEST

START_TEST(memory_follows_what_arrives_not_what_is_promised)
{
	struct ttrpc_frame frame;
	struct ttrpc_rx rx;
	struct strbuf in;
	size_t at = 0;

	strbuf_init(&in, BYTES_MAX);
	add_hex(&in, "00400000 00000001 0100 61");
	ttrpc_rx_init(&rx);
	ck_assert_int_eq(next_frame(&rx, in.data, &at, in.len, &frame), 0);
	ck_assert_uint_lt(rx.body.size, 1024);
	ttrpc_rx_done(&rx);
	strbuf_done(&in);
}
END_TEST

START_TEST(the_largest_message_is_taken_and_its_memory_given_back)
{
	uint8_t *data = calloc(1, TTRPC_HEADER_LEN + TTRPC_DATA_MAX);
	const uint8_t *p = data;
	size_t len = 5000;
	struct ttrpc_frame frame;
	struct ttrpc_rx rx;

	put_be32(data, TTRPC_DATA_MAX);
	put_be32(data + 4, 1);
	ttrpc_rx_init(&rx);
	ck_assert_int_eq(ttrpc_rx_take(&rx, &p, &len, &frame), 0);
	len = TTRPC_HEADER_LEN + TTRPC_DATA_MAX - 5000;
	ck_assert_int_eq(ttrpc_rx_take(&rx, &p, &len, &frame), 1);
	ck_assert_uint_eq(frame.len, TTRPC_DATA_MAX);
	ck_assert(!frame.is_oversized);
	ck_assert_int_eq(ttrpc_rx_take(&rx, &p, &len, &frame), 0);
	ck_assert_uint_eq(rx.body.size, 0);
	ttrpc_rx_done(&rx);
	free(data);
}
END_TEST

START_TEST(an_oversized_message_is_skipped_by_counting)
{
	static const uint8_t junk[4096];
	uint8_t header[TTRPC_HEADER_LEN] = {0};
	size_t len = sizeof(header), skipped = 0;
	const uint8_t *p = header;
	struct ttrpc_frame frame;
	struct ttrpc_rx rx;

	put_be32(header, TTRPC_DATA_MAX + 1);
	put_be32(header + 4, 5);
	ttrpc_rx_init(&rx);
	ck_assert_int_eq(ttrpc_rx_take(&rx, &p, &len, &frame), 1);
	ck_assert(frame.is_oversized);
	ck_assert_uint_eq(frame.stream, 5);
	ck_assert_uint_eq(frame.len, 0);
	while (skipped < TTRPC_DATA_MAX) {
		p = junk;
		len = sizeof(junk);
		ck_assert_int_eq(ttrpc_rx_take(&rx, &p, &len, &frame), 0);
		skipped += sizeof(junk);
	}
	ck_assert_uint_eq(rx.body.size, 0);
	/* one byte of it is left, and then the next message */
	p = (const uint8_t *)"x\0\0\0\0\0\0\0\7\2\0";
	len = 11;
	ck_assert_int_eq(ttrpc_rx_take(&rx, &p, &len, &frame), 1);
	ck_assert_uint_eq(frame.stream, 7);
	ck_assert(!frame.is_oversized);
	ttrpc_rx_done(&rx);
}
END_TEST

START_TEST(a_message_too_large_to_send_is_refused_whole)
{
	AUTO_FREE char *payload = calloc(1, TTRPC_DATA_MAX + 1);
	struct strbuf out;

	strbuf_init(&out, BYTES_MAX);
	ck_assert_int_eq(ttrpc_add_response(&out, 1, 1, payload, TTRPC_DATA_MAX), -EMSGSIZE);
	ck_assert_int_eq(
		ttrpc_add_error(&out, 1, 1, TTRPC_INTERNAL, memset(payload, 'x', TTRPC_DATA_MAX)),
		-EMSGSIZE);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(ttrpc_add_response(&out, 1, 1, payload, TTRPC_DATA_MAX - 5), 0);
	strbuf_done(&out);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("ttrpc");
	TCase *t = tcase_create("ttrpc");

	tcase_add_loop_test(t, fields_are_taken_or_refused, 0, (int)ARRAY_LEN(fields));
	tcase_add_test(t, what_is_written_reads_the_same);
	tcase_add_test(t, a_request_with_metadata_and_unknown_fields);
	tcase_add_test(t, an_empty_request_and_a_negative_timeout);
	tcase_add_loop_test(t, responses_are_decoded_or_refused, 0, (int)ARRAY_LEN(responses));
	tcase_add_test(t, a_message_that_is_here_whole_is_not_copied);
	tcase_add_test(t, a_message_that_was_put_together_may_be_changed);
	tcase_add_test(t, memory_follows_what_arrives_not_what_is_promised);
	tcase_add_test(t, the_largest_message_is_taken_and_its_memory_given_back);
	tcase_add_test(t, an_oversized_message_is_skipped_by_counting);
	tcase_add_test(t, a_message_too_large_to_send_is_refused_whole);
	suite_add_tcase(s, t);
	return s;
}
