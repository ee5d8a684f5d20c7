/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text and times in the form in which the API server takes them. Used by status_*.c only. */

#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Copy SRC (NULL reads as "") into DST, at most SIZE - 1 bytes of it and never half a
 * character. A byte that is not part of UTF-8 becomes U+FFFD, a control character a blank.
 * Returns the length.
 */
size_t status_text_copy(char *dst, size_t size, const char *src);

/* Is it what metav1.Condition takes as a reason? */
bool status_text_is_reason(const char *s);

/* Add S as a JSON string in quotes. S must have gone through status_text_copy(). */
void status_text_quote(struct strbuf *out, const char *s);

/* Add S of any content, cut to MAX bytes, as a JSON string in quotes. */
void status_text_quote_any(struct strbuf *out, const char *s, size_t max);

#define STATUS_TIME_SIZE 32

/* "2026-11-20T18:00:00Z"; "1970-01-01T00:00:00Z" for what does not fit into four-digit years. */
void status_time_format(int64_t s, char ret[STATUS_TIME_SIZE]);

/* Any RFC 3339 time in UTC, fractions dropped. 0 when it is none. */
int64_t status_time_parse(const char *text);
