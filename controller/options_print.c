/* SPDX-License-Identifier: Apache-2.0 */

/* The options as text for people: --help and --check-config. */

#include "options_priv.h"

#include "strbuf.h"

#include <stdio.h>
#include <string.h>

#define VALUE_COLUMN  25 /* of --check-config */
#define ORIGIN_COLUMN 53
#define COLUMNS       80

static void help_row(struct strbuf *out, const struct option_spec *spec)
{
	char flag[48];
	int width;

	width = snprintf(flag, sizeof(flag), "--%s%s%s", spec->name, spec->argument ? "=" : "",
			 spec->argument ? spec->argument : "");
	if (width > 26)
		(void)strbuf_addf(out, "  %s\n%30s%s", flag, "", spec->help);
	else
		(void)strbuf_addf(out, "  %-27s %s", flag, spec->help);
	if (spec->fallback && strlen(spec->help) + strlen(spec->fallback) <= 47)
		(void)strbuf_addf(out, " [%s]", spec->fallback);
	else if (spec->fallback)
		(void)strbuf_addf(out, "\n%30s[%s]", "", spec->fallback);
	(void)strbuf_addc(out, '\n');
}

void options_help(struct strbuf *out)
{
	const struct option_spec *spec;

	(void)strbuf_adds(out,
			  "podresctrld keeps the tasks of every pod of this node in one resctrl\n"
			  "group and publishes the result as PodResctrlStatus objects.\n"
			  "\n"
			  "Usage: podresctrld [OPTION]...\n");
	for (size_t i = 0; (spec = option_at(i)); i++) {
		if (spec->name)
			help_row(out, spec);
		else
			(void)strbuf_addf(out, "\n%s:\n", spec->help);
	}
	(void)strbuf_adds(
		out,
		"\n"
		"Each option can also be given in the environment, --node-name as\n"
		"PODRESCTRL_NODE_NAME, and in the file of --config, as \"node-name: NAME\". The\n"
		"command line wins over the environment, and that over the file. [default]\n");
}

static size_t length_of_line(const struct strbuf *out)
{
	const char *text = strbuf_str(out);
	const char *newline = memrchr(text, '\n', out->len);

	return newline ? out->len - (size_t)(newline + 1 - text) : out->len;
}

static void pad_to(struct strbuf *out, size_t column)
{
	size_t at = length_of_line(out);

	(void)strbuf_addf(out, "%*s", at < column ? (int)(column - at) : 1, "");
}

/* Would YAML take TEXT for itself when it stands bare? */
static bool is_bare(const char *text)
{
	static const char *const words[] = {"null", "~", "Null", "NULL"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i]) == 0)
			return false;
	}
	return *text &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789/._-") == strlen(text) &&
	       strcmp(text, "-") != 0 && strncmp(text, "---", 3) != 0 &&
	       strncmp(text, "...", 3) != 0;
}

static void print_quoted(struct strbuf *out, const char *text)
{
	if (is_bare(text)) {
		(void)strbuf_adds(out, text);
		return;
	}
	(void)strbuf_addc(out, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			(void)strbuf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			(void)strbuf_addf(out, "\\x%02x", c);
		else
			(void)strbuf_addc(out, (char)c);
	}
	(void)strbuf_addc(out, '"');
}

static void print_list(struct strbuf *out, const char *text)
{
	(void)strbuf_addc(out, '[');
	while (*text) {
		size_t len = strcspn(text, ",");

		if (length_of_line(out) + len + 2 > COLUMNS)
			(void)strbuf_addf(out, "\n%*s", VALUE_COLUMN + 1, "");
		(void)strbuf_add(out, text, len);
		text += len;
		if (*text) {
			(void)strbuf_adds(out, text[1] ? ", " : "");
			text++;
		}
	}
	(void)strbuf_addc(out, ']');
}

void option_print_origin(const struct options *o, size_t i, struct strbuf *out)
{
	const struct option_origin *origin = &o->origin[i];
	char variable[64];

	switch (origin->source) {
	case OPTION_DEFAULT:
		(void)strbuf_adds(out, "default");
		return;
	case OPTION_RUNTIME:
		(void)strbuf_adds(out, "runtime");
		break;
	case OPTION_FILE:
		(void)strbuf_adds(out, "file");
		break;
	case OPTION_ENVIRONMENT:
		option_variable(option_at(i)->name, variable, sizeof(variable));
		(void)strbuf_addf(out, "environment %s",
				  origin->variable ? origin->variable : variable);
		return;
	case OPTION_FLAG:
		(void)strbuf_adds(out, "flag");
		return;
	}
	if (origin->line)
		(void)strbuf_addf(out, ":%u", origin->line);
}

/* The source stands behind the value, or in a line of its own before when there is no room. */
static void print_row(struct strbuf *out, const struct options *o, size_t i)
{
	const struct option_spec *spec = option_at(i);
	AUTO_STRBUF struct strbuf value, origin, line;
	bool is_set;

	strbuf_init(&value, OPTIONS_FILE_MAX);
	strbuf_init(&origin, 256);
	strbuf_init(&line, 2 * OPTIONS_FILE_MAX);
	is_set = option_get(o, spec, &value);
	option_print_origin(o, i, &origin);
	(void)strbuf_addf(&line, "%s%s:", is_set ? "" : "# ", spec->name);
	pad_to(&line, VALUE_COLUMN);
	if (spec->kind == KIND_LIST && is_set)
		print_list(&line, strbuf_str(&value));
	else if (is_set && (spec->kind == KIND_NUMBER || spec->kind == KIND_SWITCH))
		(void)strbuf_adds(&line, strbuf_str(&value));
	else if (is_set)
		print_quoted(&line, strbuf_str(&value));
	if (line.len < ORIGIN_COLUMN && ORIGIN_COLUMN + 2 + origin.len <= COLUMNS) {
		pad_to(&line, ORIGIN_COLUMN);
		(void)strbuf_addf(out, "%s# %s\n", strbuf_str(&line),
				  is_set ? strbuf_str(&origin) : "not set");
		return;
	}
	(void)strbuf_addf(out, "# %s\n%s\n", strbuf_str(&origin), strbuf_str(&line));
}

static bool is_in_section(size_t i)
{
	const struct option_spec *spec;

	for (i++; (spec = option_at(i)) && spec->name; i++) {
		if (option_is_in_files(spec))
			return true;
	}
	return false;
}

void options_print(struct strbuf *out, const struct options *options)
{
	const struct option_spec *spec;

	(void)strbuf_adds(out, "# podresctrld " PODRESCTRL_VERSION
			       ": the configuration in force, and where each value is from.\n"
			       "# Saved to a file, this is an input for --config.\n");
	if (options->config)
		(void)strbuf_addf(out, "# file: %s\n", options->config);
	for (size_t i = 0; (spec = option_at(i)); i++) {
		if (!spec->name && is_in_section(i))
			(void)strbuf_addf(out, "\n# %s\n", spec->help);
		else if (spec->name && option_is_in_files(spec))
			print_row(out, options, i);
	}
}
