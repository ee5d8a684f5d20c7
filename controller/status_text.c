/* SPDX-License-Identifier: Apache-2.0 */
#include "status_text.h"

#include <string.h>
#include <time.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* First and last byte that may follow a lead byte directly (Unicode, table 3-7). */
static bool second_byte_fits(unsigned char lead, unsigned char second)
{
	switch (lead) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return second >= 0x80 && second <= 0xbf;
	}
}

/* The length of the character at S, 0 when there is none. */
static size_t char_len(const unsigned char *s)
{
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (!second_byte_fits(s[0], s[1]))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return len;
}

/* U+0000 to U+001F and U+007F to U+009F */
static bool is_control(const unsigned char *s, size_t len)
{
	return (len == 1 && (s[0] < 0x20 || s[0] == 0x7f)) ||
	       (len == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

size_t status_text_copy(char *dst, size_t size, const char *src)
{
	const unsigned char *s = (const unsigned char *)(src ? src : "");
	size_t at = 0;

	while (*s) {
		size_t len = char_len(s);
		const char *put = (const char *)s;
		size_t put_len = len;

		if (!len) {
			put = replacement;
			put_len = sizeof(replacement) - 1;
			len = 1;
		} else if (is_control(s, len)) {
			put = " ";
			put_len = 1;
		}
		if (put_len + 1 > size - at)
			break;
		memcpy(dst + at, put, put_len);
		at += put_len;
		s += len;
	}
	dst[at] = '\0';
	return at;
}

static bool is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_word(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9') || c == '_';
}

bool status_text_is_reason(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	if (!len || !is_alpha(s[0]) || !is_word(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_word(s[i]) && s[i] != ',' && s[i] != ':')
			return false;
	return true;
}

void status_text_quote(struct strbuf *out, const char *s)
{
	(void)strbuf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			(void)strbuf_addc(out, '\\');
		(void)strbuf_addc(out, *s);
	}
	(void)strbuf_addc(out, '"');
}

void status_text_quote_any(struct strbuf *out, const char *s, size_t max)
{
	char text[1024];

	status_text_copy(text, max < sizeof(text) ? max + 1 : sizeof(text), s);
	status_text_quote(out, text);
}

void status_time_format(int64_t s, char ret[STATUS_TIME_SIZE])
{
	time_t t = s < 0 || s > INT64_C(253402300799) ? 0 : (time_t)s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, STATUS_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		ret[0] = '\0';
}

int64_t status_time_parse(const char *text)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return 0;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	return strcmp(rest, "Z") == 0 ? (int64_t)timegm(&tm) : 0;
}
