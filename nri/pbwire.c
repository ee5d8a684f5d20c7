/* SPDX-License-Identifier: Apache-2.0 */
#include "pbwire.h"

#include <errno.h>

#define VARINT_MAX_LEN 10
#define FIELD_MAX      ((1u << 29) - 1)

static int take_varint(const uint8_t **data, size_t *len, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < *len && i < VARINT_MAX_LEN; i++) {
		v |= (uint64_t)((*data)[i] & 0x7f) << (7 * i);
		if ((*data)[i] & 0x80)
			continue;
		*data += i + 1;
		*len -= i + 1;
		*ret = v;
		return 0;
	}
	return -EBADMSG;
}

static int take_bytes(const uint8_t **data, size_t *len, uint64_t n, struct pb_field *ret)
{
	if (n > *len)
		return -EBADMSG;
	ret->data = *data;
	ret->len = (size_t)n;
	*data += n;
	*len -= (size_t)n;
	return 0;
}

int pb_next(const uint8_t **data, size_t *len, struct pb_field *ret)
{
	uint64_t tag, n;
	int r;

	if (*len == 0)
		return 0;
	if (take_varint(data, len, &tag) < 0)
		return -EBADMSG;
	if (tag >> 3 == 0 || tag >> 3 > FIELD_MAX)
		return -EBADMSG;
	*ret = (struct pb_field){.number = (uint32_t)(tag >> 3)};
	switch (tag & 7) {
	case PB_VARINT:
		ret->type = PB_VARINT;
		r = take_varint(data, len, &ret->value);
		break;
	case PB_FIXED64:
		ret->type = PB_FIXED64;
		r = take_bytes(data, len, 8, ret);
		break;
	case PB_BYTES:
		ret->type = PB_BYTES;
		r = take_varint(data, len, &n);
		if (r == 0)
			r = take_bytes(data, len, n, ret);
		break;
	case PB_FIXED32:
		ret->type = PB_FIXED32;
		r = take_bytes(data, len, 4, ret);
		break;
	default: /* groups, which proto3 does not have, and unassigned types */
		r = -EBADMSG;
	}
	return r < 0 ? r : 1;
}

static int add_raw_varint(struct strbuf *out, uint64_t value)
{
	uint8_t bytes[VARINT_MAX_LEN];
	size_t n = 0;

	while (value >= 0x80) {
		bytes[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[n++] = (uint8_t)value;
	return strbuf_add(out, bytes, n);
}

int pb_add_varint(struct strbuf *out, uint32_t number, uint64_t value)
{
	if (value == 0)
		return out->error;
	(void)add_raw_varint(out, (uint64_t)number << 3 | PB_VARINT);
	return add_raw_varint(out, value);
}

int pb_add_bytes(struct strbuf *out, uint32_t number, const void *data, size_t len)
{
	if (len == 0)
		return out->error;
	(void)add_raw_varint(out, (uint64_t)number << 3 | PB_BYTES);
	(void)add_raw_varint(out, len);
	return strbuf_add(out, data, len);
}
