/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Compiler attributes and ownership helpers shared by every module. */

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_LEN(a)               (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, m) ((type *)(void *)((char *)(ptr)-offsetof(type, m)))

static inline void auto_free_p(void *p)
{
	free(*(void **)p);
}

static inline void auto_close_p(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* Freed, or closed, when the variable goes out of scope. */
#define AUTO_FREE  __attribute__((cleanup(auto_free_p)))
#define AUTO_CLOSE __attribute__((cleanup(auto_close_p)))

/* Hands the descriptor in *FD over to the caller; *FD becomes -1. */
static inline int steal_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

/* Hands the object at *P (a pointer to a pointer) over to the caller; *P becomes NULL. */
static inline void *steal_ptr(void *p)
{
	void **pp = p;
	void *r = *pp;

	*pp = NULL;
	return r;
}
