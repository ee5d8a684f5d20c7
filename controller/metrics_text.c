/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_text.h"

#include "status_text.h"

#include <stdarg.h>
#include <stdio.h>

#define US_PER_S  1000000u
#define LABEL_MAX 256 /* bytes of a value; all of ours are words of fixed lists, or a host */
#define LE_MAX    32

void metrics_family(struct strbuf *out, const char *name, enum metrics_type type, const char *help)
{
	static const char *const types[] = {
		[METRICS_COUNTER] = "counter",
		[METRICS_GAUGE] = "gauge",
		[METRICS_HISTOGRAM] = "histogram",
	};

	(void)strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

static void add_label(struct strbuf *out, const char *name, const char *value, bool first)
{
	char text[LABEL_MAX];

	status_text_copy(text, sizeof(text), value);
	(void)strbuf_addc(out, first ? '{' : ',');
	(void)strbuf_adds(out, name);
	(void)strbuf_addc(out, '=');
	/* A line's end is a blank by now; the rest is escaped as in JSON. */
	status_text_quote(out, text);
}

/* LE: the label of a histogram's bucket, or NULL. */
static void add_labels(struct strbuf *out, const char *le, va_list ap)
{
	bool first = true;
	const char *name;

	while ((name = va_arg(ap, const char *))) {
		add_label(out, name, va_arg(ap, const char *), first);
		first = false;
	}
	if (le)
		add_label(out, "le", le, first);
	if (le || !first)
		(void)strbuf_addc(out, '}');
}

/* "0.0025", "1", "3600": without zeros that say nothing. */
static void format_seconds(uint64_t us, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "%llu.%06u", (unsigned long long)(us / US_PER_S),
				      (unsigned)(us % US_PER_S));

	while (buf[len - 1] == '0')
		buf[--len] = '\0';
	if (buf[len - 1] == '.')
		buf[len - 1] = '\0';
}

void metrics_uint(struct strbuf *out, const char *name, uint64_t value, ...)
{
	va_list ap;

	(void)strbuf_adds(out, name);
	va_start(ap, value);
	add_labels(out, NULL, ap);
	va_end(ap);
	(void)strbuf_addf(out, " %llu\n", (unsigned long long)value);
}

void metrics_seconds(struct strbuf *out, const char *name, uint64_t us, ...)
{
	char text[LE_MAX];
	va_list ap;

	format_seconds(us, text, sizeof(text));
	(void)strbuf_adds(out, name);
	va_start(ap, us);
	add_labels(out, NULL, ap);
	va_end(ap);
	(void)strbuf_addf(out, " %s\n", text);
}

static void add_part(struct strbuf *out, const char *name, const char *part, const char *le,
		     const char *value, va_list labels)
{
	va_list ap;

	(void)strbuf_adds(out, name);
	(void)strbuf_adds(out, part);
	va_copy(ap, labels);
	add_labels(out, le, ap);
	va_end(ap);
	(void)strbuf_addf(out, " %s\n", value);
}

void metrics_histogram(struct strbuf *out, const char *name, const struct histogram *h, ...)
{
	char le[LE_MAX], value[LE_MAX];
	uint64_t total = 0;
	va_list ap;

	va_start(ap, h);
	for (size_t i = 0; i <= h->nr; i++) {
		total += h->counts[i];
		if (i < h->nr)
			format_seconds(h->bounds_us[i], le, sizeof(le));
		(void)snprintf(value, sizeof(value), "%llu", (unsigned long long)total);
		add_part(out, name, "_bucket", i < h->nr ? le : "+Inf", value, ap);
	}
	format_seconds(h->sum_us, le, sizeof(le));
	add_part(out, name, "_sum", NULL, le, ap);
	add_part(out, name, "_count", NULL, value, ap);
	va_end(ap);
}
