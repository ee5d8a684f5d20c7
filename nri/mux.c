/* SPDX-License-Identifier: Apache-2.0 */
#include "mux.h"

#include <errno.h>
#include <string.h>

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* True once the header is whole. */
static bool take_header(struct mux_rx *rx, const uint8_t **data, size_t *len)
{
	size_t n = min_size(MUX_HEADER_LEN - rx->have, *len);

	memcpy(rx->header + rx->have, *data, n);
	rx->have += n;
	*data += n;
	*len -= n;
	return rx->have == MUX_HEADER_LEN;
}

int mux_rx_take(struct mux_rx *rx, const uint8_t **data, size_t *len, struct mux_slice *ret)
{
	while (*len > 0 && rx->left == 0) {
		if (!take_header(rx, data, len))
			return 0;
		rx->have = 0;
		rx->conn = get_be32(rx->header);
		rx->left = get_be32(rx->header + 4);
		if (rx->left > MUX_FRAME_MAX)
			return -EPROTO;
	}
	if (*len == 0)
		return 0;

	*ret = (struct mux_slice){.conn = rx->conn, .data = *data};
	ret->is_start = rx->left == get_be32(rx->header + 4);
	ret->len = min_size(rx->left, *len);
	rx->left -= (uint32_t)ret->len;
	*data += ret->len;
	*len -= ret->len;
	return 1;
}

/* Append LEN bytes of the message HEAD BODY, from OFFSET on, as one frame. */
static int add_frame(struct strbuf *out, uint32_t conn, const struct mux_slice part[2],
		     size_t offset, size_t len)
{
	uint8_t header[MUX_HEADER_LEN];
	int r;

	put_be32(header, conn);
	put_be32(header + 4, (uint32_t)len);
	r = strbuf_add(out, header, sizeof(header));
	for (int i = 0; r == 0 && i < 2; i++) {
		size_t skip = min_size(offset, part[i].len);
		size_t n = min_size(part[i].len - skip, len);

		if (n > 0)
			r = strbuf_add(out, part[i].data + skip, n);
		offset -= skip;
		len -= n;
	}
	return r;
}

int mux_add_message(struct strbuf *out, uint32_t conn, const void *head, size_t head_len,
		    const void *body, size_t body_len)
{
	const struct mux_slice part[2] = {
		{.data = head, .len = head_len},
		{.data = body, .len = body_len},
	};
	size_t total = head_len + body_len;
	size_t first = min_size(total, MUX_FIRST_FRAME_MAX);
	int r;

	if (body_len > MUX_FRAME_MAX || head_len > MUX_FIRST_FRAME_MAX)
		return -EMSGSIZE;
	r = add_frame(out, conn, part, 0, first);
	if (r == 0 && total > first)
		r = add_frame(out, conn, part, first, total - first);
	return r;
}
