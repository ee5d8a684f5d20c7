/* SPDX-License-Identifier: Apache-2.0 */
#include "config_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Decodes into OUT, which has room for LEN bytes; the number of bytes, or -EINVAL. */
static ssize_t decode(const char *text, size_t len, char *out)
{
	uint32_t acc = 0;
	unsigned int nr_digits = 0, nr_pads = 0;
	ssize_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int v;

		if (is_blank(text[i]))
			continue;
		if (text[i] == '=') {
			nr_pads++;
			continue;
		}
		v = digit(text[i]);
		if (v < 0 || nr_pads)
			return -EINVAL;
		acc = acc << 6 | (uint32_t)v;
		if (++nr_digits % 4 != 1)
			out[n++] = (char)(acc >> (6 - 2 * ((nr_digits - 1) % 4)) & 0xff);
	}
	if (nr_pads > 2 || (nr_digits + nr_pads) % 4 != 0)
		return -EINVAL;
	return n;
}

int k8s_base64_decode(const char *text, size_t len, struct k8s_blob *ret)
{
	char *out = malloc(len + 1);
	ssize_t n;

	if (!out)
		return -ENOMEM;
	n = decode(text, len, out);
	if (n < 0) {
		explicit_bzero(out, len + 1);
		free(out);
		return -EINVAL;
	}
	out[n] = '\0';
	k8s_blob_wipe(ret);
	*ret = (struct k8s_blob){.data = out, .len = (size_t)n};
	return 0;
}

char *k8s_base64_encode(const char *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	char *text = malloc((len + 2) / 3 * 4 + 1), *p = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)(unsigned char)data[i] << 16;

		if (i + 1 < len)
			bits |= (uint32_t)(unsigned char)data[i + 1] << 8;
		if (i + 2 < len)
			bits |= (unsigned char)data[i + 2];
		*p++ = digits[bits >> 18];
		*p++ = digits[bits >> 12 & 63];
		*p++ = digits[i + 1 < len ? bits >> 6 & 63 : 64];
		*p++ = digits[i + 2 < len ? bits & 63 : 64];
	}
	*p = '\0';
	return text;
}
