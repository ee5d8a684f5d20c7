/* SPDX-License-Identifier: Apache-2.0 */
#include "json_reader.h"

#include <limits.h>
#include <string.h>

#define DEPTH_MAX 16

struct json_object *json_read(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *o = NULL;
	size_t end;

	if (!tok || !text || len > INT_MAX) {
		if (tok)
			json_tokener_free(tok);
		return NULL;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	o = json_tokener_parse_ex(tok, text, (int)len);
	end = json_tokener_get_parse_end(tok);
	while (o && end < len && strchr(" \r\n\t", text[end]))
		end++;
	if (o && (end < len || !json_object_is_type(o, json_type_object))) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tok);
	return o;
}

struct json_object *json_child(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, key, &v);
	return v;
}

const char *json_text(struct json_object *o, const char *key)
{
	struct json_object *v = json_child(o, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

bool json_flag(struct json_object *o, const char *key)
{
	struct json_object *v = json_child(o, key);

	return json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
}

bool json_number(struct json_object *o, const char *key, uint64_t *ret)
{
	struct json_object *v = json_child(o, key);

	if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
		return false;
	*ret = json_object_get_uint64(v);
	return true;
}

size_t json_length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct json_object *json_at(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

void json_write(struct strbuf *out, struct json_object *o, bool pretty)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE |
		    (pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
			    : JSON_C_TO_STRING_PLAIN);
	const char *text = json_object_to_json_string_ext(o, flags);

	for (const unsigned char *p = (const unsigned char *)(text ? text : ""); *p; p++) {
		if (*p == 0x7f) {
			(void)strbuf_adds(out, "\\u007f");
		} else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) {
			(void)strbuf_addf(out, "\\u%04x", p[1]);
			p++;
		} else {
			(void)strbuf_addc(out, (char)*p);
		}
	}
	(void)strbuf_addc(out, '\n');
}
