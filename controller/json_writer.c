/* SPDX-License-Identifier: Apache-2.0 */
#include "json_writer.h"

#include "status_text.h"

#include <errno.h>
#include <string.h>

#define STACK_TEXT 512
#define GROWTH     3 /* one bad byte becomes three */

void json_start(struct json_writer *w, struct strbuf *out)
{
	*w = (struct json_writer){.out = out};
}

static void separate(struct json_writer *w, const char *key)
{
	if (w->has_member[w->depth])
		(void)strbuf_addc(w->out, ',');
	w->has_member[w->depth] = true;
	if (key)
		(void)strbuf_addf(w->out, "\"%s\":", key);
}

static void begin(struct json_writer *w, const char *key, char c)
{
	separate(w, key);
	(void)strbuf_addc(w->out, c);
	if (w->depth + 1 == JSON_DEPTH_MAX) {
		w->out->error = -EINVAL;
		return;
	}
	w->has_member[++w->depth] = false;
}

static void end(struct json_writer *w, char c)
{
	(void)strbuf_addc(w->out, c);
	w->depth -= w->depth > 0;
}

void json_object(struct json_writer *w, const char *key)
{
	begin(w, key, '{');
}

void json_array(struct json_writer *w, const char *key)
{
	begin(w, key, '[');
}

void json_end_object(struct json_writer *w)
{
	end(w, '}');
}

void json_end_array(struct json_writer *w)
{
	end(w, ']');
}

void json_string(struct json_writer *w, const char *key, const char *value)
{
	size_t size = value ? strlen(value) * GROWTH + 1 : 0;
	char on_stack[STACK_TEXT];
	AUTO_FREE char *on_heap = NULL;
	char *text = on_stack;

	if (!value) {
		json_null(w, key);
		return;
	}
	if (size > sizeof(on_stack)) {
		text = on_heap = malloc(size);
		if (!text) {
			w->out->error = -ENOMEM;
			return;
		}
	}
	separate(w, key);
	status_text_copy(text, size, value);
	status_text_quote(w->out, text);
}

void json_uint(struct json_writer *w, const char *key, uint64_t value)
{
	separate(w, key);
	(void)strbuf_addf(w->out, "%llu", (unsigned long long)value);
}

void json_bool(struct json_writer *w, const char *key, bool value)
{
	separate(w, key);
	(void)strbuf_adds(w->out, value ? "true" : "false");
}

void json_null(struct json_writer *w, const char *key)
{
	separate(w, key);
	(void)strbuf_adds(w->out, "null");
}
