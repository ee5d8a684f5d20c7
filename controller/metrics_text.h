/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Prometheus' text format, version 0.0.4. Labels are pairs of name and value, ended by NULL;
 * values of any content are escaped. Failures stay in the buffer, see strbuf.h.
 */

#include "histogram.h"
#include "strbuf.h"

#include <stdint.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metrics_type {
	METRICS_COUNTER,
	METRICS_GAUGE,
	METRICS_HISTOGRAM,
};

/* Before the samples of each family. */
void metrics_family(struct strbuf *out, const char *name, enum metrics_type type, const char *help);

void metrics_uint(struct strbuf *out, const char *name, uint64_t value, ...)
	__attribute__((sentinel));

/* US microseconds, as seconds. */
void metrics_seconds(struct strbuf *out, const char *name, uint64_t us, ...)
	__attribute__((sentinel));

/* In seconds, with name_bucket, name_sum and name_count. */
void metrics_histogram(struct strbuf *out, const char *name, const struct histogram *h, ...)
	__attribute__((sentinel));
