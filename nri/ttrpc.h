/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ttrpc, containerd's small RPC protocol, for unary calls. A message is a 10 byte
 * header, data length and stream id as big-endian u32, type and flags as bytes, then
 * the data: a Request or Response envelope in protobuf.
 */

#include "mux.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define TTRPC_HEADER_LEN 10
#define TTRPC_DATA_MAX   (4u << 20) /* the protocol's own limit */

enum ttrpc_type {
	TTRPC_REQUEST = 1,
	TTRPC_RESPONSE = 2,
	TTRPC_DATA = 3, /* streaming; must never be sent to a runtime, old ones crash on it */
};

enum ttrpc_flag {
	TTRPC_REMOTE_CLOSED = 0x1,
	TTRPC_REMOTE_OPEN = 0x2,
	TTRPC_NO_DATA = 0x4,
};

/* The status codes of gRPC, those that are used. */
enum ttrpc_code {
	TTRPC_OK = 0,
	TTRPC_UNKNOWN = 2,
	TTRPC_INVALID_ARGUMENT = 3,
	TTRPC_RESOURCE_EXHAUSTED = 8,
	TTRPC_UNIMPLEMENTED = 12,
	TTRPC_INTERNAL = 13,
};

struct ttrpc_frame {
	uint32_t stream;
	uint8_t type; /* whatever the peer sent; compare with enum ttrpc_type */
	uint8_t flags;
	bool is_oversized;   /* longer than TTRPC_DATA_MAX: no data, the rest is being skipped */
	const uint8_t *data; /* valid until the next take, and as long as the input is */
	size_t len;
	uint8_t *own; /* the same bytes, if they are a copy that may be changed; else NULL */
};

/* Receiving side of one connection. */
struct ttrpc_rx {
	uint8_t header[TTRPC_HEADER_LEN];
	size_t have;        /* bytes of the header that are here */
	size_t want;        /* data length the header announced */
	size_t skip;        /* bytes of an oversized message still to be thrown away */
	struct strbuf body; /* data that came in pieces; grows with what arrives */
	bool is_body_used;  /* the frame given out last points into it */
};

void ttrpc_rx_init(struct ttrpc_rx *rx);
void ttrpc_rx_done(struct ttrpc_rx *rx);

/*
 * Take one message from the *LEN bytes at *DATA and move both past it. 1: *RET is
 * one; 0: the input is used up; -ENOMEM. A message that lies whole in the input is
 * not copied.
 */
MUST_CHECK int ttrpc_rx_take(struct ttrpc_rx *rx, const uint8_t **data, size_t *len,
			     struct ttrpc_frame *ret);

/* True once some bytes of a message, and not yet all, were taken. */
static inline bool ttrpc_rx_is_inside(const struct ttrpc_rx *rx)
{
	return rx->have > 0;
}

/* Text or bytes inside a message; not NUL-terminated. */
struct ttrpc_span {
	const uint8_t *data;
	size_t len;
};

bool ttrpc_span_is(struct ttrpc_span span, const char *text);

struct ttrpc_request {
	struct ttrpc_span service, method, payload;
	int64_t timeout_ns; /* what was left for the call when it was sent; 0 for none */
};

struct ttrpc_response {
	int32_t code; /* enum ttrpc_code, or any other number */
	struct ttrpc_span message, payload;
};

/* Both point into DATA. -EBADMSG. */
MUST_CHECK int ttrpc_decode_request(const void *data, size_t len, struct ttrpc_request *ret);
MUST_CHECK int ttrpc_decode_response(const void *data, size_t len, struct ttrpc_response *ret);

/*
 * Append a whole message, framed for the multiplexer, to OUT. -EMSGSIZE when it would
 * be beyond TTRPC_DATA_MAX, else OUT's error. Text must be UTF-8, peers insist.
 */
MUST_CHECK int ttrpc_add_request(struct strbuf *out, uint32_t conn, uint32_t stream,
				 const struct ttrpc_request *request);
MUST_CHECK int ttrpc_add_response(struct strbuf *out, uint32_t conn, uint32_t stream,
				  const void *payload, size_t len);
MUST_CHECK int ttrpc_add_error(struct strbuf *out, uint32_t conn, uint32_t stream,
			       enum ttrpc_code code, const char *message);
