/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Just enough of protobuf's wire format to open ttrpc's envelopes in place. A request's
 * payload may be 4 MiB; a generated decoder would copy it out of its envelope only to
 * have it decoded again.
 */

#include "strbuf.h"

#include <stdint.h>

enum pb_type {
	PB_VARINT = 0,
	PB_FIXED64 = 1,
	PB_BYTES = 2,
	PB_FIXED32 = 5,
};

struct pb_field {
	uint32_t number;
	enum pb_type type;
	uint64_t value;      /* PB_VARINT; the fixed ones are skipped over */
	const uint8_t *data; /* PB_BYTES, pointing into the input */
	size_t len;
};

/*
 * Take one field from the *LEN bytes at *DATA and move both past it. 1: *RET is a
 * field; 0: the message ends here; -EBADMSG: this is not a message.
 */
MUST_CHECK int pb_next(const uint8_t **data, size_t *len, struct pb_field *ret);

/* Append a field; zero and empty ones are not written, as in proto3. */
int pb_add_varint(struct strbuf *out, uint32_t number, uint64_t value);
int pb_add_bytes(struct strbuf *out, uint32_t number, const void *data, size_t len);
