/* SPDX-License-Identifier: Apache-2.0 */

/* Text of others, made fit for a terminal. */

#include "screen.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 16 /* "\u202e" and every character of UTF-8 */
#define CUT       "..."

/* The length of the character at P and its code, or 1 and -1 for a byte that begins none. */
static size_t decode(const unsigned char *p, int32_t *ret)
{
	static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = *p < 0x80   ? 1
		     : *p < 0xc2 ? 0
		     : *p < 0xe0 ? 2
		     : *p < 0xf0 ? 3
		     : *p < 0xf5 ? 4
				 : 0;
	int32_t code = len == 1 ? *p : *p & (0x7f >> len);

	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			len = 0;
		else
			code = code << 6 | (p[i] & 0x3f);
	}
	if (len == 0 || code < least[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff)) {
		*ret = -1;
		return 1;
	}
	*ret = code;
	return len;
}

/* Controls, what breaks lines, and what turns or hides text. */
static bool is_dangerous(int32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff;
}

/* One character as it is shown; returns the bytes of P that it took. */
static size_t show(const unsigned char *p, char buf[SHOWN_MAX], size_t *ret_columns)
{
	int32_t code;
	size_t len = decode(p, &code);

	*ret_columns = 1;
	if (code == '\n' || code == '\t') {
		(void)snprintf(buf, SHOWN_MAX, " ");
	} else if (code < 0 || (code < 0x100 && is_dangerous(code))) {
		*ret_columns =
			(size_t)snprintf(buf, SHOWN_MAX, "\\x%02x", code < 0 ? *p : (unsigned)code);
	} else if (is_dangerous(code)) {
		*ret_columns = (size_t)snprintf(buf, SHOWN_MAX, "\\u%04x", (unsigned)code);
	} else {
		memcpy(buf, p, len);
		buf[len] = '\0';
	}
	return len;
}

size_t text_width(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	char buf[SHOWN_MAX];
	size_t total = 0, columns;

	while (*p) {
		p += show(p, buf, &columns);
		total += columns;
	}
	return total;
}

size_t text_add(struct strbuf *out, const char *text, size_t width)
{
	const unsigned char *p = (const unsigned char *)text;
	bool cut = width && text_width(text) > width;
	size_t room = cut ? width - (width > strlen(CUT) ? strlen(CUT) : 0) : SIZE_MAX;
	char buf[SHOWN_MAX];
	size_t total = 0, columns;

	while (*p) {
		p += show(p, buf, &columns);
		if (total + columns > room)
			break;
		total += columns;
		(void)strbuf_adds(out, buf);
	}
	if (cut && width > strlen(CUT)) {
		(void)strbuf_adds(out, CUT);
		total += strlen(CUT);
	}
	return total;
}
