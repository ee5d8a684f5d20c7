/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration file: one flat YAML mapping from option names to values. What YAML has
 * beyond that (anchors, aliases, tags, a second document) is refused, because here it can
 * only be a mistake. Every message begins with FILE:LINE:COLUMN, as editors know it.
 */

#include "options_priv.h"

#include "strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

struct option_string {
	struct option_string *next;
	char text[];
};

struct file {
	struct options *o;
	enum option_source source;
	const char *name; /* as messages call it */
	const char *text;
	size_t len;
	yaml_parser_t parser;
	unsigned seen[OPTIONS_MAX]; /* the line an option was set in; 0: not yet */
	const char *key;            /* whose value is being read, or NULL */
	struct err *e;
};

/* A copy of TEXT that lives as long as *O; NULL without memory. */
static const char *keep(struct options *o, const char *text)
{
	size_t size = strlen(text) + 1;
	struct option_string *s = malloc(sizeof(*s) + size);

	if (!s)
		return NULL;
	memcpy(s->text, text, size);
	s->next = o->strings;
	o->strings = s;
	return s->text;
}

static void drop_until(struct options *o, const struct option_string *end)
{
	while (o->strings != end) {
		struct option_string *next = o->strings->next;

		free(o->strings);
		o->strings = next;
	}
}

void options_done(struct options *options)
{
	drop_until(options, NULL);
}

static bool is_used(const struct options *o, const char *text)
{
	const struct option_spec *spec;

	for (size_t i = 0; (spec = option_at(i)); i++) {
		if (spec->name && option_text(o, spec) == text)
			return true;
	}
	return false;
}

void options_take_strings(struct options *to, struct options *from)
{
	struct option_string **link = &to->strings;

	while (*link)
		link = &(*link)->next;
	*link = from->strings;
	from->strings = NULL;
	for (link = &to->strings; *link;) {
		struct option_string *s = *link;

		if (is_used(to, s->text)) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		free(s);
	}
}

static int refuse(const struct file *f, yaml_mark_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int refuse(const struct file *f, yaml_mark_t at, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(f->e, -EINVAL, "%s:%zu:%zu: %s%s%s", f->name, at.line + 1, at.column + 1,
		       f->key ? f->key : "", f->key ? ": " : "", msg);
}

/* The reader fails before there are marks; it tells how many bytes it had seen. */
static yaml_mark_t mark_of_byte(const struct file *f, size_t offset)
{
	yaml_mark_t at = {0};

	for (size_t i = 0; i < offset && i < f->len; i++) {
		at.column = f->text[i] == '\n' ? 0 : at.column + 1;
		at.line += f->text[i] == '\n';
	}
	return at;
}

static bool is_tab(const struct file *f, yaml_mark_t at)
{
	const char *line = f->text;

	for (size_t n = 0; n < at.line && line; n++) {
		line = memchr(line, '\n', f->len - (size_t)(line - f->text));
		line += line != NULL;
	}
	return line && at.column < f->len - (size_t)(line - f->text) && line[at.column] == '\t';
}

/* What the parser found, and what people do about it. */
static int parser_error(const struct file *f)
{
	const yaml_parser_t *p = &f->parser;
	const char *problem = p->problem ? p->problem : "cannot be read";
	const char *advice = "";

	if (p->error == YAML_MEMORY_ERROR)
		return err_set(f->e, -ENOMEM, "%s: out of memory", f->name);
	if (p->error == YAML_READER_ERROR)
		return refuse(f, mark_of_byte(f, p->problem_offset),
			      "not YAML: %s; it has to be UTF-8 text", problem);
	if (is_tab(f, p->problem_mark))
		return refuse(f, p->problem_mark,
			      "a tab, where YAML takes only blanks: replace it by blanks");
	if (strstr(problem, "cannot start any token"))
		advice = "; put the value in quotes";
	else if (strstr(problem, "mapping values are not allowed"))
		advice = "; a value with ': ' in it needs quotes, and a key begins its line";
	else if (strstr(problem, "could not find expected ':'") ||
		 strstr(problem, "did not find expected key"))
		advice = "; each line is 'option: value'";
	return refuse(f, p->problem_mark, "not YAML: %s%s", problem, advice);
}

static int next_event(struct file *f, yaml_event_t *event)
{
	if (!yaml_parser_parse(&f->parser, event))
		return parser_error(f);
	return 0;
}

/* 0 and *RET: the text of a scalar, valid until the event is deleted. */
static int scalar_text(const struct file *f, const yaml_event_t *event, const char **ret)
{
	const char *text = (const char *)event->data.scalar.value;

	if (event->type == YAML_ALIAS_EVENT)
		return refuse(f, event->start_mark,
			      "an alias ('*name') means nothing here: write the value itself");
	if (event->type != YAML_SCALAR_EVENT)
		return refuse(f, event->start_mark, "%s where a single value is wanted",
			      event->type == YAML_SEQUENCE_START_EVENT ? "a list"
								       : "a nested mapping");
	if (event->data.scalar.anchor)
		return refuse(f, event->start_mark,
			      "an anchor ('&name') means nothing here: leave it out");
	if (event->data.scalar.tag)
		return refuse(f, event->start_mark,
			      "a tag ('!name') means nothing here: leave it out");
	if (strlen(text) != event->data.scalar.length)
		return refuse(f, event->start_mark, "a zero byte in the text: remove it");
	*ret = text;
	return 0;
}

static bool is_null(const yaml_event_t *event, const char *text)
{
	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* The items of a list, with commas between. */
static int read_list(struct file *f, struct strbuf *value)
{
	for (size_t n = 0;; n++) {
		yaml_event_t event;
		const char *text = "";
		int r = next_event(f, &event);
		bool is_end = r == 0 && event.type == YAML_SEQUENCE_END_EVENT;

		if (r < 0)
			return r;
		if (!is_end) {
			r = scalar_text(f, &event, &text);
			if (r == 0 && (is_null(&event, text) || strchr(text, ',')))
				r = refuse(f, event.start_mark, "one name to each item of a list");
			if (r == 0)
				r = strbuf_addf(value, "%s%s", n ? "," : "", text);
		}
		yaml_event_delete(&event);
		if (r < 0 || is_end)
			return r;
	}
}

static int read_value(struct file *f, const struct option_spec *spec, const yaml_event_t *event,
		      struct strbuf *value)
{
	const char *text = "";
	int r;

	if (event->type == YAML_SEQUENCE_START_EVENT && spec->kind == KIND_LIST) {
		if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
			return refuse(f, event->start_mark,
				      "anchors and tags mean nothing here: leave them out");
		return read_list(f, value);
	}
	r = scalar_text(f, event, &text);
	if (r < 0)
		return r;
	if (is_null(event, text))
		return refuse(f, event->start_mark,
			      "no value: give one, or remove the line to get the default");
	return strbuf_adds(value, text);
}

static int set_option(struct file *f, size_t i, const char *text, yaml_mark_t at)
{
	const struct option_spec *spec = option_at(i);
	const char *kept = keep(f->o, text);
	int r;

	if (!kept)
		return err_set(f->e, -ENOMEM, "%s: out of memory", f->name);
	r = option_set(f->o, spec, kept, f->e);
	if (r < 0) {
		err_prefix(f->e, "%s:%zu:%zu: %s", f->name, at.line + 1, at.column + 1, spec->name);
		return r;
	}
	f->o->origin[i] =
		(struct option_origin){.source = f->source, .line = (unsigned)at.line + 1};
	return 0;
}

/* The place of the option called KEY in the table, or negative. */
static int look_up(const struct file *f, const char *key, yaml_mark_t at)
{
	int i = option_find(key);
	const char *near;

	if (i >= 0 && f->seen[i])
		return refuse(f, at, "%s: set twice, first in line %u: remove one", key,
			      f->seen[i]);
	if (i >= 0 && option_is_in_files(option_at((size_t)i)))
		return i;
	if (i >= 0)
		return refuse(f, at, "%s: not in a file, only on the command line", key);
	near = option_nearest(key);
	if (near)
		return refuse(f, at, "%.100s: no such option; did you mean %s?", key, near);
	return refuse(f, at, "%.100s: no such option; see --help", key);
}

static int read_pair(struct file *f, const yaml_event_t *key_event)
{
	AUTO_STRBUF struct strbuf value = {0};
	yaml_event_t event;
	const char *key = "";
	int i, r = scalar_text(f, key_event, &key);

	if (r < 0)
		return r;
	i = look_up(f, key, key_event->start_mark);
	if (i < 0)
		return i;
	f->seen[i] = (unsigned)key_event->start_mark.line + 1;
	r = next_event(f, &event);
	if (r < 0)
		return r;
	strbuf_init(&value, OPTIONS_FILE_MAX);
	f->key = option_at((size_t)i)->name;
	r = read_value(f, option_at((size_t)i), &event, &value);
	f->key = NULL;
	if (r == 0)
		r = set_option(f, (size_t)i, strbuf_str(&value), event.start_mark);
	yaml_event_delete(&event);
	return r;
}

static int read_mapping(struct file *f)
{
	for (;;) {
		yaml_event_t event;
		int r = next_event(f, &event);
		bool is_end = r == 0 && event.type == YAML_MAPPING_END_EVENT;

		if (r < 0)
			return r;
		if (!is_end)
			r = read_pair(f, &event);
		yaml_event_delete(&event);
		if (r < 0 || is_end)
			return r;
	}
}

/* One document; of a file with nothing but comments, none. */
static int read_root(struct file *f, const yaml_event_t *event)
{
	switch ((int)event->type) {
	case YAML_MAPPING_START_EVENT:
		if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
			return refuse(f, event->start_mark,
				      "anchors and tags mean nothing here: leave them out");
		return read_mapping(f);
	case YAML_SCALAR_EVENT:
		if (is_null(event, (const char *)event->data.scalar.value))
			return 0;
		break;
	default:
		break;
	}
	return refuse(f, event->start_mark, "the file has to be lines of 'option: value'");
}

static int read_stream(struct file *f)
{
	unsigned documents = 0;

	for (;;) {
		yaml_event_t event;
		bool is_end;
		int r = next_event(f, &event);

		if (r < 0)
			return r;
		is_end = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_DOCUMENT_START_EVENT) {
			if (documents++)
				r = refuse(f, event.start_mark,
					   "a second document ('---'): one file, one document");
		} else if (!is_end && event.type != YAML_STREAM_START_EVENT &&
			   event.type != YAML_DOCUMENT_END_EVENT) {
			r = read_root(f, &event);
		}
		yaml_event_delete(&event);
		if (r < 0 || is_end)
			return r;
	}
}

int options_from_yaml(struct options *o, enum option_source source, const char *name,
		      const char *text, size_t len, struct err *e)
{
	struct err unused = {0};
	struct file f = {
		.o = o,
		.source = source,
		.name = name,
		.text = text,
		.len = len,
		.e = e ? e : &unused,
	};
	int r;

	if (len > OPTIONS_FILE_MAX)
		return err_set(e, -EINVAL, "%s: more than %u KiB: this is no configuration of ours",
			       name, OPTIONS_FILE_MAX >> 10);
	if (!yaml_parser_initialize(&f.parser))
		return err_set(e, -ENOMEM, "%s: out of memory", name);
	yaml_parser_set_input_string(&f.parser, (const unsigned char *)text, len);
	r = read_stream(&f);
	yaml_parser_delete(&f.parser);
	return r;
}

int options_apply_yaml(struct options *options, const char *name, const char *text, size_t len,
		       struct err *e)
{
	struct options o = *options;
	int r = options_from_yaml(&o, OPTION_RUNTIME, name, text, len, e);

	if (r == 0)
		r = options_check_together(&o, e);
	if (r < 0)
		drop_until(&o, options->strings);
	else
		*options = o;
	return r;
}

static int read_file(const char *path, struct strbuf *text, struct err *e)
{
	/* Without O_NONBLOCK, to open a FIFO would wait for its writer. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "--config: %s cannot be read", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "--config: %s is not a file", path);
	for (;;) {
		ssize_t n;

		if (text->len > OPTIONS_FILE_MAX) /* the reader of YAML says so */
			return 0;
		if (strbuf_reserve(text, 4096) < 0)
			return err_set(e, -ENOMEM, "%s: out of memory", path);
		n = read(fd, text->data + text->len, 4096);
		if (n < 0 && errno != EINTR)
			return err_sys(e, -errno, "--config: %s cannot be read", path);
		if (n == 0)
			return 0;
		text->len += n > 0 ? (size_t)n : 0;
		text->data[text->len] = '\0';
	}
}

int options_from_file(struct options *o, const char *path, struct err *e)
{
	AUTO_STRBUF struct strbuf text;
	int r;

	strbuf_init(&text, OPTIONS_FILE_MAX + 8192);
	r = read_file(path, &text, e);
	if (r < 0)
		return r;
	/* Not even a comment: this is a write cut short or a mount gone wrong, and no wish. */
	if (strspn(strbuf_str(&text), " \t\r\n") == text.len)
		return err_set(e, -EINVAL,
			       "%s:1:1: the file is empty: write 'option: value' lines, or a "
			       "comment to mean the defaults",
			       path);
	return options_from_yaml(o, OPTION_FILE, path, strbuf_str(&text), text.len, e);
}
