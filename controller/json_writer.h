/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writes JSON into a string buffer, with the commas in the right places. Strings of any
 * content become valid UTF-8. Failures stay in the buffer, see strbuf.h. KEY is NULL inside
 * an array and at the top.
 */

#include "strbuf.h"

#include <stdint.h>

#define JSON_DEPTH_MAX 16

struct json_writer {
	struct strbuf *out;
	unsigned depth;
	bool has_member[JSON_DEPTH_MAX];
};

void json_start(struct json_writer *w, struct strbuf *out);
void json_object(struct json_writer *w, const char *key);
void json_array(struct json_writer *w, const char *key);
void json_end_object(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_string(struct json_writer *w, const char *key, const char *value); /* NULL: null */
void json_uint(struct json_writer *w, const char *key, uint64_t value);
void json_bool(struct json_writer *w, const char *key, bool value);
void json_null(struct json_writer *w, const char *key);
