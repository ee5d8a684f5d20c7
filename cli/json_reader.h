/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading JSON that may be anything: what is missing or of another type reads as nothing. */

#include "strbuf.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole JSON object, to json_object_put(); NULL when the text is anything else. */
struct json_object *json_read(const char *text, size_t len);

/* A member; NULL without one. O may be NULL everywhere. */
struct json_object *json_child(struct json_object *o, const char *key);
const char *json_text(struct json_object *o, const char *key); /* "" when it is no string */
bool json_flag(struct json_object *o, const char *key);
/* False when there is no number that fits, as for null. */
bool json_number(struct json_object *o, const char *key, uint64_t *ret);

/* The members of an array, and how many there are; 0 of what is no array. */
size_t json_length(struct json_object *array);
struct json_object *json_at(struct json_object *array, size_t i);

/*
 * Add O to OUT as JSON text that is safe on a terminal: DEL and the control characters of C1, which
 * JSON allows as they are, are written as \u007f. Whoever reads it gets the same.
 */
void json_write(struct strbuf *out, struct json_object *o, bool pretty);
