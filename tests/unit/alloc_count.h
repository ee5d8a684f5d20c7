/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Counts what a program allocates, by being its malloc(): to be included by one file of a
 * program. Under a sanitizer, which has its own, and under valgrind nothing is counted; then
 * alloc_is_counted() is false.
 */

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>

struct alloc_count {
	unsigned long nr; /* allocations */
	size_t largest;   /* of them */
	long live; /* bytes that were allocated and not freed yet; below 0: older ones freed */
	long peak; /* the most of that */
};

/* Volatile, because a compiler knows that malloc() changes no variable. */
static volatile struct alloc_count alloc_count;

#if !defined(__SANITIZE_ADDRESS__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static void *alloc_note(void *p, size_t size)
{
	alloc_count.nr++;
	if (size > alloc_count.largest)
		alloc_count.largest = size;
	alloc_count.live += (long)malloc_usable_size(p);
	if (alloc_count.live > alloc_count.peak)
		alloc_count.peak = alloc_count.live;
	return p;
}

void *malloc(size_t size)
{
	return alloc_note(__libc_malloc(size), size);
}

void *calloc(size_t nr, size_t size)
{
	return alloc_note(__libc_calloc(nr, size), nr * size);
}

void *realloc(void *p, size_t size)
{
	alloc_count.live -= (long)malloc_usable_size(p);
	return alloc_note(__libc_realloc(p, size), size);
}

void free(void *p)
{
	alloc_count.live -= (long)malloc_usable_size(p);
	__libc_free(p);
}
#endif

static inline void alloc_begin(void)
{
	alloc_count = (struct alloc_count){0};
}

static inline bool alloc_is_counted(void)
{
	void *volatile p;

	alloc_begin();
	p = malloc(1);
	free(p);
	return alloc_count.nr == 1;
}
