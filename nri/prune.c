/* SPDX-License-Identifier: Apache-2.0 */
#include "nri_prune.h"
#include "pbwire.h"

#include <errno.h>
#include <string.h>

/* Numbers are those of nri.proto. */
#define FIELD(number)      (1u << (number))
#define LABELS_ANNOTATIONS (FIELD(5) | FIELD(6))

struct shape {
	uint32_t fields; /* those that are kept */
	struct {
		uint32_t number;
		const struct shape *shape;
	} inside[2]; /* of those: messages that are shortened, too */
};

static const struct shape pod_linux = {.fields = FIELD(3) | FIELD(4)};
static const struct shape container_linux = {.fields = FIELD(5) | FIELD(12)};

#define POD_FIELDS       (FIELD(1) | FIELD(2) | FIELD(3) | FIELD(4) | FIELD(7) | FIELD(8) | FIELD(9))
#define CONTAINER_FIELDS (FIELD(1) | FIELD(2) | FIELD(3) | FIELD(4) | FIELD(11) | FIELD(12))

static const struct shape pods[] = {
	{POD_FIELDS, {{8, &pod_linux}}},
	{POD_FIELDS | LABELS_ANNOTATIONS, {{8, &pod_linux}}},
};
static const struct shape containers[] = {
	{CONTAINER_FIELDS, {{11, &container_linux}}},
	{CONTAINER_FIELDS | LABELS_ANNOTATIONS, {{11, &container_linux}}},
};

static const struct shape requests[][2] = {
	[NRI_PRUNE_SYNCHRONIZE] = {{FIELD(1) | FIELD(2) | FIELD(3),
				    {{1, &pods[0]}, {2, &containers[0]}}},
				   {FIELD(1) | FIELD(2) | FIELD(3),
				    {{1, &pods[1]}, {2, &containers[1]}}}},
	[NRI_PRUNE_STATE_CHANGE] = {{FIELD(1) | FIELD(2) | FIELD(3),
				     {{2, &pods[0]}, {3, &containers[0]}}},
				    {FIELD(1) | FIELD(2) | FIELD(3),
				     {{2, &pods[1]}, {3, &containers[1]}}}},
	[NRI_PRUNE_POD_EVENT] = {{FIELD(1), {{1, &pods[0]}}}, {FIELD(1), {{1, &pods[1]}}}},
	[NRI_PRUNE_CONTAINER_EVENT] = {{FIELD(1) | FIELD(2), {{1, &pods[0]}, {2, &containers[0]}}},
				       {FIELD(1) | FIELD(2), {{1, &pods[1]}, {2, &containers[1]}}}},
};

static const struct shape *shape_inside(const struct shape *shape, const struct pb_field *f)
{
	if (f->type != PB_BYTES)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(shape->inside); i++) {
		if (shape->inside[i].number == f->number)
			return shape->inside[i].shape;
	}
	return NULL;
}

/* A length in as many bytes as the longer one before it took; protobuf allows that. */
static void put_length(uint8_t *p, size_t size, size_t length)
{
	for (; size > 1; size--, length >>= 7)
		*p++ = (uint8_t)(length | 0x80);
	*p = (uint8_t)length;
}

static size_t varint_size(const uint8_t *p)
{
	size_t n = 1;

	while (*p++ & 0x80)
		n++;
	return n;
}

/*
 * Writes the kept fields to OUT, which is as long as DATA is and may be DATA: what is written
 * never overtakes what is read. Returns their length. It calls itself no deeper than the shapes
 * above do, whatever the message says.
 */
/* NOLINTNEXTLINE(misc-no-recursion) */
static ssize_t keep(const struct shape *shape, const uint8_t *data, size_t len, uint8_t *out)
{
	uint8_t *p = out;

	for (;;) {
		const uint8_t *start = data;
		const struct shape *inside;
		struct pb_field f;
		size_t head, tag;
		ssize_t n;
		int r = pb_next(&data, &len, &f);

		if (r <= 0)
			return r < 0 ? r : p - out;
		if (f.number > 31 || !(shape->fields & FIELD(f.number)))
			continue;
		inside = shape_inside(shape, &f);
		head = (size_t)((inside ? f.data : data) - start);
		tag = varint_size(start);
		memmove(p, start, head);
		if (inside) {
			n = keep(inside, f.data, f.len, p + head);
			if (n < 0)
				return n;
			put_length(p + tag, head - tag, (size_t)n);
			p += n;
		}
		p += head;
	}
}

int nri_prune(struct nri_arena *a, enum nri_prune what, bool with_labels, uint8_t *out,
	      struct ttrpc_span *in)
{
	ssize_t n;

	if (!out)
		out = nri_arena_alloc(a, in->len);
	if (!out)
		return a->error;
	n = keep(&requests[what][with_labels], in->data, in->len, out);
	if (n < 0)
		return (int)n;
	*in = (struct ttrpc_span){.data = out, .len = (size_t)n};
	return 0;
}
