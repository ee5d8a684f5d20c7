/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bytes from a socket through the multiplexer and ttrpc, whole and in pieces: both ways
 * must see the same messages. The first byte says how large the pieces are.
 */

#include "ttrpc.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct machine {
	struct mux_rx mux;
	struct ttrpc_rx rx[2];
	uint64_t digest;
	int error;
};

static void mix(struct machine *m, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		m->digest = (m->digest ^ p[i]) * 0x100000001b3u;
}

static void see_frame(struct machine *m, uint32_t conn, const struct ttrpc_frame *frame)
{
	struct ttrpc_response resp;
	struct ttrpc_request req;

	mix(m, &conn, sizeof(conn));
	mix(m, &frame->stream, sizeof(frame->stream));
	mix(m, &frame->type, 1);
	mix(m, &frame->flags, 1);
	mix(m, &frame->is_oversized, 1);
	mix(m, frame->data, frame->len);
	if (frame->is_oversized)
		return;
	if (ttrpc_decode_request(frame->data, frame->len, &req) == 0) {
		mix(m, req.service.data, req.service.len);
		mix(m, req.method.data, req.method.len);
		mix(m, req.payload.data, req.payload.len);
	}
	if (ttrpc_decode_response(frame->data, frame->len, &resp) == 0) {
		mix(m, resp.message.data, resp.message.len);
		mix(m, resp.payload.data, resp.payload.len);
	}
}

static void feed(struct machine *m, const uint8_t *p, size_t len)
{
	struct mux_slice slice;
	struct ttrpc_frame frame;
	int r;

	while (!m->error && (r = mux_rx_take(&m->mux, &p, &len, &slice)) != 0) {
		if (r < 0) {
			m->error = r;
			return;
		}
		while (slice.conn - 1 < 2 && (r = ttrpc_rx_take(&m->rx[slice.conn - 1], &slice.data,
								&slice.len, &frame)) > 0)
			see_frame(m, slice.conn, &frame);
	}
}

static uint64_t run(const uint8_t *data, size_t size, size_t step)
{
	struct machine m = {.digest = 0xcbf29ce484222325u};

	ttrpc_rx_init(&m.rx[0]);
	ttrpc_rx_init(&m.rx[1]);
	for (size_t at = 0; at < size; at += step)
		feed(&m, data + at, size - at < step ? size - at : step);
	ttrpc_rx_done(&m.rx[0]);
	ttrpc_rx_done(&m.rx[1]);
	mix(&m, &m.error, sizeof(m.error));
	return m.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (run(data + 1, size - 1, size) != run(data + 1, size - 1, (size_t)data[0] + 1))
		abort();
	return 0;
}
