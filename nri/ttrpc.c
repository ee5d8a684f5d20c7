/* SPDX-License-Identifier: Apache-2.0 */
#include "ttrpc.h"
#include "pbwire.h"

#include <errno.h>
#include <string.h>

/* A reassembly buffer beyond this is given back once its message is done with. */
#define BODY_KEEP 65536u

enum request_field { REQ_SERVICE = 1, REQ_METHOD = 2, REQ_PAYLOAD = 3, REQ_TIMEOUT = 4 };
enum response_field { RESP_STATUS = 1, RESP_PAYLOAD = 2 };
enum status_field { STATUS_CODE = 1, STATUS_MESSAGE = 2 };

void ttrpc_rx_init(struct ttrpc_rx *rx)
{
	*rx = (struct ttrpc_rx){0};
	strbuf_init(&rx->body, TTRPC_DATA_MAX);
}

void ttrpc_rx_done(struct ttrpc_rx *rx)
{
	strbuf_done(&rx->body);
	ttrpc_rx_init(rx);
}

static size_t advance(const uint8_t **data, size_t *len, size_t want)
{
	size_t n = want < *len ? want : *len;

	*data += n;
	*len -= n;
	return n;
}

static void release_body(struct ttrpc_rx *rx)
{
	if (!rx->is_body_used)
		return;
	rx->is_body_used = false;
	if (rx->body.size > BODY_KEEP)
		strbuf_done(&rx->body);
	else
		strbuf_reset(&rx->body);
}

static void frame_from_header(const struct ttrpc_rx *rx, struct ttrpc_frame *ret)
{
	*ret = (struct ttrpc_frame){
		.stream = get_be32(rx->header + 4),
		.type = rx->header[8],
		.flags = rx->header[9],
	};
}

static int take_data(struct ttrpc_rx *rx, const uint8_t **data, size_t *len,
		     struct ttrpc_frame *ret)
{
	const uint8_t *start = *data;
	size_t held = rx->body.len;
	size_t n = advance(data, len, rx->want - held);

	if (n < rx->want) { /* not whole in this input */
		int r = strbuf_add(&rx->body, start, n);

		if (r < 0)
			return r;
		if (rx->body.len < rx->want)
			return 0;
		rx->is_body_used = true;
		start = (const uint8_t *)rx->body.data;
	}
	frame_from_header(rx, ret);
	ret->data = start;
	ret->own = rx->is_body_used ? (uint8_t *)rx->body.data : NULL;
	ret->len = rx->want;
	rx->have = 0;
	return 1;
}

int ttrpc_rx_take(struct ttrpc_rx *rx, const uint8_t **data, size_t *len, struct ttrpc_frame *ret)
{
	release_body(rx);
	rx->skip -= advance(data, len, rx->skip);
	if (rx->have < TTRPC_HEADER_LEN) {
		const uint8_t *start = *data;
		size_t n = advance(data, len, TTRPC_HEADER_LEN - rx->have);

		memcpy(rx->header + rx->have, start, n);
		rx->have += n;
		if (rx->have < TTRPC_HEADER_LEN)
			return 0;
		rx->want = get_be32(rx->header);
	}
	if (rx->want <= TTRPC_DATA_MAX)
		return take_data(rx, data, len, ret);

	frame_from_header(rx, ret);
	ret->is_oversized = true;
	rx->skip = rx->want;
	rx->have = 0;
	return 1;
}

bool ttrpc_span_is(struct ttrpc_span span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.data, text, span.len) == 0;
}

static void set_span(struct ttrpc_span *span, const struct pb_field *f)
{
	if (f->type == PB_BYTES)
		*span = (struct ttrpc_span){f->data, f->len};
}

int ttrpc_decode_request(const void *data, size_t len, struct ttrpc_request *ret)
{
	struct ttrpc_request req = {
		.service.data = data, .method.data = data, .payload.data = data};
	const uint8_t *p = data;
	struct pb_field f;
	int r;

	while ((r = pb_next(&p, &len, &f)) > 0) {
		if (f.number == REQ_SERVICE)
			set_span(&req.service, &f);
		else if (f.number == REQ_METHOD)
			set_span(&req.method, &f);
		else if (f.number == REQ_PAYLOAD)
			set_span(&req.payload, &f);
		else if (f.number == REQ_TIMEOUT && f.type == PB_VARINT)
			req.timeout_ns = (int64_t)f.value;
	}
	if (r == 0)
		*ret = req;
	return r;
}

static int decode_status(const uint8_t *p, size_t len, struct ttrpc_response *resp)
{
	struct pb_field f;
	int r;

	while ((r = pb_next(&p, &len, &f)) > 0) {
		if (f.number == STATUS_CODE && f.type == PB_VARINT)
			resp->code = (int32_t)(uint32_t)f.value;
		else if (f.number == STATUS_MESSAGE)
			set_span(&resp->message, &f);
	}
	return r;
}

int ttrpc_decode_response(const void *data, size_t len, struct ttrpc_response *ret)
{
	struct ttrpc_response resp = {.message.data = data, .payload.data = data};
	const uint8_t *p = data;
	struct pb_field f;
	int r;

	while ((r = pb_next(&p, &len, &f)) > 0) {
		if (f.number == RESP_STATUS && f.type == PB_BYTES) {
			r = decode_status(f.data, f.len, &resp);
			if (r < 0)
				return r;
		} else if (f.number == RESP_PAYLOAD) {
			set_span(&resp.payload, &f);
		}
	}
	if (r == 0)
		*ret = resp;
	return r;
}

static int add_message(struct strbuf *out, uint32_t conn, uint32_t stream, enum ttrpc_type type,
		       const struct strbuf *data)
{
	uint8_t header[TTRPC_HEADER_LEN] = {0};

	if (data->error)
		return data->error == -EFBIG ? -EMSGSIZE : data->error;
	put_be32(header, (uint32_t)data->len);
	put_be32(header + 4, stream);
	header[8] = (uint8_t)type;
	return mux_add_message(out, conn, header, sizeof(header), data->data, data->len);
}

int ttrpc_add_request(struct strbuf *out, uint32_t conn, uint32_t stream,
		      const struct ttrpc_request *request)
{
	AUTO_STRBUF struct strbuf data;

	strbuf_init(&data, TTRPC_DATA_MAX);
	(void)pb_add_bytes(&data, REQ_SERVICE, request->service.data, request->service.len);
	(void)pb_add_bytes(&data, REQ_METHOD, request->method.data, request->method.len);
	(void)pb_add_bytes(&data, REQ_PAYLOAD, request->payload.data, request->payload.len);
	(void)pb_add_varint(&data, REQ_TIMEOUT, (uint64_t)request->timeout_ns);
	return add_message(out, conn, stream, TTRPC_REQUEST, &data);
}

int ttrpc_add_response(struct strbuf *out, uint32_t conn, uint32_t stream, const void *payload,
		       size_t len)
{
	AUTO_STRBUF struct strbuf data;

	strbuf_init(&data, TTRPC_DATA_MAX);
	(void)pb_add_bytes(&data, RESP_PAYLOAD, payload, len);
	return add_message(out, conn, stream, TTRPC_RESPONSE, &data);
}

int ttrpc_add_error(struct strbuf *out, uint32_t conn, uint32_t stream, enum ttrpc_code code,
		    const char *message)
{
	AUTO_STRBUF struct strbuf status;
	AUTO_STRBUF struct strbuf data;

	strbuf_init(&status, TTRPC_DATA_MAX / 2);
	strbuf_init(&data, TTRPC_DATA_MAX);
	(void)pb_add_varint(&status, STATUS_CODE, code);
	if (pb_add_bytes(&status, STATUS_MESSAGE, message, strlen(message)) < 0)
		return status.error == -EFBIG ? -EMSGSIZE : status.error;
	(void)pb_add_bytes(&data, RESP_STATUS, status.data, status.len);
	return add_message(out, conn, stream, TTRPC_RESPONSE, &data);
}
