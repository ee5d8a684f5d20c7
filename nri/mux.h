/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * NRI's multiplexer: two logical byte streams over one socket. A frame is an 8 byte
 * header, connection id and length as big-endian u32, and that many bytes of the
 * connection's stream. Frame boundaries mean nothing; there is no handshake.
 */

#include "strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define MUX_HEADER_LEN   8
#define MUX_CONN_PLUGIN  1 /* the runtime calls, the plugin serves */
#define MUX_CONN_RUNTIME 2 /* the plugin calls, the runtime serves */

/* Longest frame that is believed. Peers send up to 4 MiB + 10, very old ones up to this. */
#define MUX_FRAME_MAX (16u << 20)

/*
 * Longest frame in which a message may begin. The runtime reads a message's header
 * through a buffer of this size and drops the connection when the frame is larger.
 */
#define MUX_FIRST_FRAME_MAX 4096u

/* Receiving side. Starts zeroed, owns no memory. */
struct mux_rx {
	uint8_t header[MUX_HEADER_LEN];
	size_t have;   /* bytes of the header that are here */
	uint32_t conn; /* of the frame that is being received, once the header is whole */
	uint32_t left; /* bytes of that frame still to come */
};

/* A piece of one connection's stream, pointing into the input. Never empty. */
struct mux_slice {
	uint32_t conn;
	const uint8_t *data;
	size_t len;
	bool is_start; /* of a frame */
};

/*
 * Take one slice from the *LEN bytes at *DATA and move both past it. 1: *RET is a
 * slice; 0: the input is used up; -EPROTO: a length no peer would send.
 */
MUST_CHECK int mux_rx_take(struct mux_rx *rx, const uint8_t **data, size_t *len,
			   struct mux_slice *ret);

/*
 * Append one message, given in two parts, to OUT as frames of connection CONN: in one
 * frame when it fits MUX_FIRST_FRAME_MAX, else as one frame of that size and one with
 * the rest. No frame ever holds bytes of two messages. Returns the buffer's error.
 */
MUST_CHECK int mux_add_message(struct strbuf *out, uint32_t conn, const void *head, size_t head_len,
			       const void *body, size_t body_len);

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}
