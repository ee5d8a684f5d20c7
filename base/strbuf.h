/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A growing byte buffer that is always NUL-terminated and never grows past the
 * cap it was created with. The first failure (-ENOMEM, or -EFBIG for the cap) is
 * remembered in .error and later additions do nothing, so a chain of additions
 * is checked once, at its end.
 */

#include "attr.h"

#include <stdbool.h>

struct strbuf {
	char *data; /* NULL while nothing was added; use strbuf_str() to read it as a string */
	size_t len; /* bytes in use, without the NUL */
	size_t size;
	size_t cap; /* most bytes it may hold, without the NUL */
	int error;  /* 0, -ENOMEM or -EFBIG */
};

void strbuf_init(struct strbuf *sb, size_t cap);
void strbuf_done(struct strbuf *sb);  /* frees the memory; usable again after strbuf_init() */
void strbuf_reset(struct strbuf *sb); /* empties it and forgets the error, keeps the memory */

int strbuf_add(struct strbuf *sb, const void *data, size_t len);
int strbuf_adds(struct strbuf *sb, const char *s);
int strbuf_addc(struct strbuf *sb, char c);
int strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Make room for LEN bytes more at data + len (the caller then raises .len). */
MUST_CHECK int strbuf_reserve(struct strbuf *sb, size_t len);

/* Drop the first LEN bytes (at most all of them). */
void strbuf_consume(struct strbuf *sb, size_t len);

/* The content as a string, "" when empty; valid until the next change. */
const char *strbuf_str(const struct strbuf *sb);

/* Hand the memory to the caller (free() it); NULL on a remembered error or -ENOMEM. */
char *strbuf_take(struct strbuf *sb);

#define AUTO_STRBUF __attribute__((cleanup(strbuf_done)))
