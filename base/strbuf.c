/* SPDX-License-Identifier: Apache-2.0 */
#include "strbuf.h"

#include "bulk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STRBUF_FIRST 64

void strbuf_init(struct strbuf *sb, size_t cap)
{
	*sb = (struct strbuf){.cap = cap};
}

void strbuf_done(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf){.cap = sb->cap};
}

void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	sb->error = 0;
	if (sb->data)
		sb->data[0] = '\0';
}

int strbuf_reserve(struct strbuf *sb, size_t len)
{
	size_t need, size;
	char *p;

	if (sb->error)
		return sb->error;
	if (len > sb->cap || sb->len > sb->cap - len)
		return sb->error = -EFBIG;
	need = sb->len + len + 1;
	if (need <= sb->size)
		return 0;
	size = sb->size ? sb->size : STRBUF_FIRST;
	while (size < need)
		size *= 2;
	p = realloc(sb->data, size);
	if (!p)
		return sb->error = -ENOMEM;
	bulk_prepare(p + sb->size, size - sb->size);
	sb->data = p;
	sb->size = size;
	sb->data[sb->len] = '\0';
	return 0;
}

int strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	int r = strbuf_reserve(sb, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(sb->data + sb->len, data, len);
	sb->len += len;
	sb->data[sb->len] = '\0';
	return 0;
}

int strbuf_adds(struct strbuf *sb, const char *s)
{
	return strbuf_add(sb, s, strlen(s));
}

int strbuf_addc(struct strbuf *sb, char c)
{
	return strbuf_add(sb, &c, 1);
}

int strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return sb->error = -EINVAL;
	r = strbuf_reserve(sb, (size_t)n);
	if (r < 0)
		return r;
	va_start(ap, fmt);
	(void)vsnprintf(sb->data + sb->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	sb->len += (size_t)n;
	return 0;
}

void strbuf_consume(struct strbuf *sb, size_t len)
{
	if (!sb->data)
		return;
	if (len > sb->len)
		len = sb->len;
	memmove(sb->data, sb->data + len, sb->len - len + 1);
	sb->len -= len;
}

const char *strbuf_str(const struct strbuf *sb)
{
	return sb->data ? sb->data : "";
}

char *strbuf_take(struct strbuf *sb)
{
	char *p;

	if (strbuf_reserve(sb, 0) < 0)
		return NULL;
	p = sb->data;
	*sb = (struct strbuf){.cap = sb->cap};
	return p;
}
