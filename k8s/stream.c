/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A watch is a sequence of JSON objects, one per line as far as anyone has seen, which
 * arrives cut at any byte. The parser is kept between the pieces; nothing is scanned
 * twice and nothing relies on line ends.
 */

#include "watch_priv.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* Kubernetes objects nest to about 20; 32 levels of OpenAPI schema in a CRD go beyond. */
#define DEPTH_MAX 128

int k8s_stream_init(struct k8s_stream *s)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);

	if (!tok)
		return -ENOMEM;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	*s = (struct k8s_stream){.tok = tok, .cap = K8S_EVENT_MAX};
	return 0;
}

void k8s_stream_done(struct k8s_stream *s)
{
	if (s->tok)
		json_tokener_free(s->tok);
	s->tok = NULL;
}

void k8s_stream_reset(struct k8s_stream *s, size_t cap)
{
	json_tokener_reset(s->tok);
	s->cap = cap;
	s->have = 0;
}

static size_t skip_blanks(const char *data, size_t len)
{
	size_t n = 0;

	while (n < len && (data[n] == ' ' || data[n] == '\n' || data[n] == '\r' || data[n] == '\t'))
		n++;
	return n;
}

/*
 * json-c looks at the sign of a number anew with each piece: cut before the '-', "504-" is 504
 * to it, and in one piece it is an error. Only its own state tells that it is in a number.
 */
static bool is_sign_in_a_number(const struct k8s_stream *s, char first)
{
	const struct json_tokener *tok = s->tok;

	return first == '-' && ((s->last >= '0' && s->last <= '9') || s->last == '.') &&
	       tok->stack[tok->depth].state == json_tokener_state_number;
}

/* Feeds the parser, which tells in its own words whether it wants more. */
static int parse(struct k8s_stream *s, const char *data, size_t len, size_t *used,
		 struct json_object **ret)
{
	enum json_tokener_error verdict;
	struct json_object *o;

	if (s->have && is_sign_in_a_number(s, data[0]))
		return -EPROTO;
	o = json_tokener_parse_ex(s->tok, data, (int)len);
	verdict = json_tokener_get_error(s->tok);
	if (verdict == json_tokener_continue && !o) {
		*used = len;
		s->have += len;
		s->last = data[len - 1];
		return 0;
	}
	if (verdict != json_tokener_success || !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return -EPROTO;
	}
	*used = json_tokener_get_parse_end(s->tok);
	s->have = 0;
	*ret = o;
	return 1;
}

int k8s_stream_next(struct k8s_stream *s, const char *data, size_t len, size_t *ret_used,
		    struct json_object **ret)
{
	size_t skip = s->have ? 0 : skip_blanks(data, len);
	size_t room, take, used;
	const char *zero;
	int r;

	*ret_used = skip;
	if (skip == len)
		return 0;
	/* Only objects: a bare number has no end of its own, and nothing else is ever sent. */
	if (!s->have && data[skip] != '{')
		return -EPROTO;
	room = s->cap - s->have;
	if (room == 0)
		return -EMSGSIZE;
	take = len - skip < room ? len - skip : room;
	if (take > INT_MAX)
		take = INT_MAX;
	/* A zero byte would end the text for the parser; what comes before it still counts. */
	zero = memchr(data + skip, '\0', take);
	if (zero)
		take = (size_t)(zero - data) - skip;
	r = take ? parse(s, data + skip, take, &used, ret) : -EPROTO;
	if (r < 0)
		return r;
	*ret_used = skip + used;
	if (r == 0 && *ret_used < len)
		return zero ? -EPROTO : -EMSGSIZE;
	return r;
}
