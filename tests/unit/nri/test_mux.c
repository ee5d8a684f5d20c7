/* SPDX-License-Identifier: Apache-2.0 */
#include "mux.h"
#include "recorder.h"

#include <errno.h>

/* What IN says on connection CONN, taken in pieces of STEP bytes; the last error, or 0. */
static int receive(const struct strbuf *in, size_t step, uint32_t conn, struct strbuf *out)
{
	struct mux_rx rx = {0};

	for (size_t at = 0; at < in->len; at += step) {
		const uint8_t *p = (const uint8_t *)in->data + at;
		size_t len = in->len - at < step ? in->len - at : step;
		struct mux_slice slice;
		int r;

		while ((r = mux_rx_take(&rx, &p, &len, &slice)) > 0) {
			ck_assert_uint_gt(slice.len, 0);
			if (slice.conn == conn)
				(void)strbuf_add(out, slice.data, slice.len);
		}
		if (r < 0)
			return r;
		ck_assert_uint_eq(len, 0);
	}
	return 0;
}

START_TEST(streams_are_put_together_whatever_the_cuts)
{
	struct strbuf in, out;

	strbuf_init(&in, BYTES_MAX);
	strbuf_init(&out, BYTES_MAX);
	add_hex(&in, "00000001 00000003 616263"
		     "00000002 00000002 7879"
		     "00000001 00000000"
		     "00000000 00000003 2d2d2d"
		     "00000001 00000001 64");
	for (size_t step = 1; step <= in.len; step++) {
		strbuf_reset(&out);
		ck_assert_int_eq(receive(&in, step, 1, &out), 0);
		ck_assert_str_eq(strbuf_str(&out), "abcd");
		strbuf_reset(&out);
		ck_assert_int_eq(receive(&in, step, 2, &out), 0);
		ck_assert_str_eq(strbuf_str(&out), "xy");
	}
	strbuf_done(&in);
	strbuf_done(&out);
}
END_TEST

static const struct {
	const char *name, *hex;
	int want;
} lengths[] = {
	{"most that is believed", "00000001 01000000 00", 0},
	{"one more", "00000001 01000001 00", -EPROTO},
	{"all bits", "00000001 ffffffff", -EPROTO},
	{"all bits on an unknown connection", "00000009 ffffffff", -EPROTO},
};

START_TEST(a_length_no_peer_would_send_is_corruption)
{
	struct strbuf in, out;

	strbuf_init(&in, BYTES_MAX);
	strbuf_init(&out, BYTES_MAX);
	add_hex(&in, lengths[_i].hex);
	ck_assert_msg(receive(&in, 1, 1, &out) == lengths[_i].want, "%s", lengths[_i].name);
	strbuf_done(&in);
	strbuf_done(&out);
}
END_TEST

/* The payload lengths of the frames in OUT, as text. */
static void list_frames(const struct strbuf *out, struct strbuf *list)
{
	for (size_t at = 0; at < out->len;) {
		uint32_t len = get_be32((const uint8_t *)out->data + at + 4);

		(void)strbuf_addf(list, "%s%u", list->len ? " " : "", len);
		at += MUX_HEADER_LEN + len;
	}
}

static const struct {
	size_t size; /* of the message, its 10 byte header included */
	const char *frames;
} layouts[] = {
	{10, "10"},
	{4095, "4095"},
	{4096, "4096"},
	{4097, "4096 1"},
	{8192, "4096 4096"},
	{1u << 20, "4096 1044480"},
	{(4u << 20) + 10, "4096 4190218"},
};

START_TEST(a_message_begins_in_a_frame_that_the_runtime_can_take)
{
	size_t size = layouts[_i].size;
	struct strbuf out, list, body, back;

	strbuf_init(&out, BYTES_MAX);
	strbuf_init(&list, BYTES_MAX);
	strbuf_init(&body, BYTES_MAX);
	strbuf_init(&back, BYTES_MAX);
	for (size_t i = 10; i < size; i++)
		(void)strbuf_addc(&body, (char)('a' + i % 26));
	ck_assert_int_eq(mux_add_message(&out, 1, "0123456789", 10, body.data, body.len), 0);
	list_frames(&out, &list);
	ck_assert_str_eq(strbuf_str(&list), layouts[_i].frames);
	ck_assert_int_eq(receive(&out, out.len, 1, &back), 0);
	ck_assert_uint_eq(back.len, size);
	ck_assert_int_eq(memcmp(back.data, "0123456789", 10), 0);
	ck_assert(body.len == 0 || memcmp(back.data + 10, body.data, body.len) == 0);
	strbuf_done(&out);
	strbuf_done(&list);
	strbuf_done(&body);
	strbuf_done(&back);
}
END_TEST

START_TEST(no_frame_holds_two_messages)
{
	struct strbuf out, list;

	strbuf_init(&out, BYTES_MAX);
	strbuf_init(&list, BYTES_MAX);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(mux_add_message(&out, 1, "0123456789", 10, "ab", 2), 0);
	list_frames(&out, &list);
	ck_assert_str_eq(strbuf_str(&list), "12 12 12");
	strbuf_done(&out);
	strbuf_done(&list);
}
END_TEST

START_TEST(a_full_buffer_and_a_giant_message_are_refused)
{
	struct strbuf out;

	strbuf_init(&out, 20);
	ck_assert_int_eq(mux_add_message(&out, 1, "0123456789", 10, NULL, 0), 0);
	ck_assert_int_eq(mux_add_message(&out, 1, "0123456789", 10, NULL, 0), -EFBIG);
	strbuf_done(&out);
	ck_assert_int_eq(mux_add_message(&out, 1, "", 0, "", MUX_FRAME_MAX + 1), -EMSGSIZE);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("mux");
	TCase *t = tcase_create("mux");

	tcase_add_test(t, streams_are_put_together_whatever_the_cuts);
	tcase_add_loop_test(t, a_length_no_peer_would_send_is_corruption, 0,
			    (int)ARRAY_LEN(lengths));
	tcase_add_loop_test(t, a_message_begins_in_a_frame_that_the_runtime_can_take, 0,
			    (int)ARRAY_LEN(layouts));
	tcase_add_test(t, no_frame_holds_two_messages);
	tcase_add_test(t, a_full_buffer_and_a_giant_message_are_refused);
	suite_add_tcase(s, t);
	return s;
}
