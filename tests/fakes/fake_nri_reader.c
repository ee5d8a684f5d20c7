/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_nri_reader.h"

#include <errno.h>

#define FRAME_HEADER   8
#define MESSAGE_HEADER 10
#define BUFFER_SIZE    4096
#define MESSAGE_MAX    ((4u << 20) + MESSAGE_HEADER)
#define IN_MAX         (32u << 20)

static uint32_t be32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

void fake_nri_reader_init(struct fake_nri_reader *r)
{
	*r = (struct fake_nri_reader){0};
	strbuf_init(&r->in, IN_MAX);
	strbuf_init(&r->message[0], MESSAGE_MAX);
	strbuf_init(&r->message[1], MESSAGE_MAX);
}

void fake_nri_reader_done(struct fake_nri_reader *r)
{
	strbuf_done(&r->in);
	strbuf_done(&r->message[0]);
	strbuf_done(&r->message[1]);
}

static int broken(const char **why, const char *rule)
{
	*why = rule;
	return -EPROTO;
}

/* How the frame of LEN bytes fits to what is here of its message. 1: it completes it. */
static int check_frame(const struct strbuf *msg, size_t before, size_t len, const char **why)
{
	size_t want;

	if (before < MESSAGE_HEADER && len > BUFFER_SIZE)
		return broken(why, "a message begins in a frame of more than 4096 bytes");
	if (msg->len < MESSAGE_HEADER)
		return 0;
	want = (size_t)MESSAGE_HEADER + be32(msg->data);
	if (want > MESSAGE_MAX)
		return broken(why, "a message of more than 4 MiB");
	if (msg->len > want)
		return broken(why, "two messages in one frame");
	if (msg->data[8] != 1 && msg->data[8] != 2)
		return broken(why, "neither request nor response");
	return msg->len == want;
}

static void give_out(const struct strbuf *msg, uint32_t conn, struct fake_nri_message *ret)
{
	*ret = (struct fake_nri_message){
		.conn = conn,
		.stream = be32(msg->data + 4),
		.type = (uint8_t)msg->data[8],
		.data = (const uint8_t *)msg->data + MESSAGE_HEADER,
		.len = msg->len - MESSAGE_HEADER,
	};
}

int fake_nri_reader_take(struct fake_nri_reader *r, struct fake_nri_message *ret, const char **why)
{
	while (r->in.len >= FRAME_HEADER) {
		uint32_t conn = be32(r->in.data), len = be32(r->in.data + 4);
		struct strbuf *msg;
		size_t before;
		int complete;

		if (conn != 1 && conn != 2)
			return broken(why, "a frame of an unknown connection");
		if (r->in.len - FRAME_HEADER < len)
			return 0;
		msg = &r->message[conn - 1];
		if (r->is_taken[conn - 1])
			strbuf_reset(msg);
		r->is_taken[conn - 1] = false;
		before = msg->len;
		if (strbuf_add(msg, r->in.data + FRAME_HEADER, len) < 0)
			return broken(why, "a message of more than 4 MiB");
		strbuf_consume(&r->in, FRAME_HEADER + len);
		complete = check_frame(msg, before, len, why);
		if (complete < 0)
			return complete;
		if (!complete)
			continue;
		give_out(msg, conn, ret);
		r->is_taken[conn - 1] = true;
		return 1;
	}
	return 0;
}
