/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the real runtime reads a plugin: frame by frame, with a 4096 byte buffer for the
 * header of a message. Written apart from the library's own reader, and unforgiving.
 */

#include "strbuf.h"

#include <stdbool.h>
#include <stdint.h>

struct fake_nri_message {
	uint32_t conn, stream;
	uint8_t type;
	const uint8_t *data; /* valid until the next take */
	size_t len;
};

struct fake_nri_reader {
	struct strbuf in;         /* bytes from the socket, not yet looked at */
	struct strbuf message[2]; /* of connections 1 and 2, as far as it is here */
	bool is_taken[2];         /* that message was given out */
};

void fake_nri_reader_init(struct fake_nri_reader *r);
void fake_nri_reader_done(struct fake_nri_reader *r);

/* Take one message from what was added to .in. 1, 0 when there is none, -EPROTO with *WHY. */
int fake_nri_reader_take(struct fake_nri_reader *r, struct fake_nri_message *ret, const char **why);
