/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside of the metrics: metrics.c and metrics_api.c. */

#include "metrics.h"
#include "metrics_text.h"

/* A family of one sample without labels. */
static inline void metrics_gauge(struct strbuf *out, const char *name, const char *help,
				 uint64_t value)
{
	metrics_family(out, name, METRICS_GAUGE, help);
	metrics_uint(out, name, value, NULL);
}

static inline void metrics_counter(struct strbuf *out, const char *name, const char *help,
				   uint64_t value)
{
	metrics_family(out, name, METRICS_COUNTER, help);
	metrics_uint(out, name, value, NULL);
}

void metrics_add_api(const struct metrics_input *in, struct strbuf *out);
void metrics_add_servers(const struct metrics_input *in, struct strbuf *out);
