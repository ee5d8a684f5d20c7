/* SPDX-License-Identifier: Apache-2.0 */
#include "nri_arena.h"

#include "bulk.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* The first block is kept between two uses: enough for an event, and small, as it stays. */
#define FIRST_SIZE 16384u
#define BLOCK_SIZE 65536u
#define ALIGN      _Alignof(max_align_t)

struct nri_arena_block {
	struct nri_arena_block *next;
	size_t size, used;
	_Alignas(max_align_t) unsigned char data[];
};

void nri_arena_init(struct nri_arena *a, size_t cap)
{
	*a = (struct nri_arena){.cap = cap};
}

static void free_blocks(struct nri_arena_block *b)
{
	while (b) {
		struct nri_arena_block *next = b->next;

		free(b);
		b = next;
	}
}

void nri_arena_done(struct nri_arena *a)
{
	free_blocks(a->blocks);
	nri_arena_init(a, a->cap);
}

void nri_arena_reset(struct nri_arena *a)
{
	struct nri_arena_block *keep = NULL;

	a->error = 0;
	while (a->blocks) {
		struct nri_arena_block *b = a->blocks;

		a->blocks = b->next;
		if (!keep && b->size == FIRST_SIZE)
			keep = b;
		else
			free(b);
	}
	a->blocks = keep;
	a->total = keep ? FIRST_SIZE : 0;
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
	}
}

static void *fail(struct nri_arena *a, int code)
{
	if (!a->error)
		a->error = code;
	return NULL;
}

static struct nri_arena_block *add_block(struct nri_arena *a, size_t at_least)
{
	size_t usual = a->blocks ? BLOCK_SIZE : FIRST_SIZE;
	size_t size = at_least > usual ? at_least : usual;
	struct nri_arena_block *b;

	if (size > a->cap || a->total > a->cap - size)
		return fail(a, -E2BIG);
	b = malloc(sizeof(*b) + size);
	if (!b)
		return fail(a, -ENOMEM);
	bulk_prepare(b, size < BLOCK_SIZE ? size : BLOCK_SIZE);
	*b = (struct nri_arena_block){.next = a->blocks, .size = size};
	a->total += size;
	if (a->blocks && at_least > usual) { /* full at once: leave the newest in use */
		b->next = a->blocks->next;
		a->blocks->next = b;
	} else {
		a->blocks = b;
	}
	return b;
}

void *nri_arena_alloc(struct nri_arena *a, size_t size)
{
	struct nri_arena_block *b = a->blocks;
	void *p;

	if (size > a->cap)
		return fail(a, -E2BIG);
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (!b || b->size - b->used < size)
		b = add_block(a, size);
	if (!b)
		return NULL;
	p = b->data + b->used;
	b->used += size;
	return p;
}

void *nri_arena_calloc(struct nri_arena *a, size_t nr, size_t size)
{
	void *p;

	if (size && nr > SIZE_MAX / size)
		return fail(a, -E2BIG);
	p = nri_arena_alloc(a, nr * size);
	if (p)
		memset(p, 0, nr * size);
	return p;
}

const char *nri_arena_strdup(struct nri_arena *a, const char *text)
{
	size_t len = strlen(text);
	char *p;

	if (len == 0)
		return "";
	p = nri_arena_alloc(a, len + 1);
	if (p)
		memcpy(p, text, len + 1);
	return p;
}

static void *allocator_alloc(void *arena, size_t size)
{
	return nri_arena_alloc(arena, size);
}

static void allocator_free(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

ProtobufCAllocator nri_arena_allocator(struct nri_arena *a)
{
	return (ProtobufCAllocator){allocator_alloc, allocator_free, a};
}
