/* SPDX-License-Identifier: Apache-2.0 */

/* The sources that are text already: command line, environment, what a runtime says. */

#include "options_priv.h"

#include "nri.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r"

static void mark(struct options *o, const char *name, enum option_source source)
{
	int i = option_find(name);

	if (i >= 0)
		o->origin[i] = (struct option_origin){.source = source};
}

/* See options_parse(). What the runtime leaves out of the environment stays as it is. */
void options_from_launcher(struct options *o, const struct options_input *input)
{
	const char *name = input->getenv_fn(input->ctx, "NRI_PLUGIN_NAME");
	const char *index = input->getenv_fn(input->ctx, "NRI_PLUGIN_IDX");

	o->launch_socket = input->getenv_fn(input->ctx, NRI_PLUGIN_SOCKET);
	if (!o->launch_socket)
		return;
	o->publish = PUBLISH_NONE;
	mark(o, "publish", OPTION_RUNTIME);
	o->log_to = "syslog";
	mark(o, "log-to", OPTION_RUNTIME);
	if (name && *name) {
		o->plugin_name = name;
		mark(o, "plugin-name", OPTION_RUNTIME);
	}
	if (index && *index) {
		o->plugin_index = index;
		mark(o, "plugin-index", OPTION_RUNTIME);
	}
}

void option_variable(const char *name, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "PODRESCTRL_%s", name);

	for (size_t i = 0; i < len && i < size; i++) {
		if (buf[i] == '-')
			buf[i] = '_';
		else if (buf[i] >= 'a' && buf[i] <= 'z')
			buf[i] = (char)(buf[i] - 'a' + 'A');
	}
}

/* What a DaemonSet calls it, and so do the runbooks of others. */
static void node_name_from_environment(struct options *o, const struct options_input *input)
{
	const char *name = input->getenv_fn(input->ctx, "NODE_NAME");
	int i = option_find("node-name");

	if (!name || i < 0)
		return;
	o->node_name = name;
	o->origin[i] =
		(struct option_origin){.source = OPTION_ENVIRONMENT, .variable = "NODE_NAME"};
}

int options_from_environment(struct options *o, const struct options_input *input, struct err *e)
{
	const struct option_spec *spec;

	node_name_from_environment(o, input);
	for (size_t i = 0; (spec = option_at(i)); i++) {
		const char *value;
		char name[64];
		int r;

		if (!spec->name || spec->command)
			continue;
		option_variable(spec->name, name, sizeof(name));
		value = input->getenv_fn(input->ctx, name);
		if (!value || (spec->kind == KIND_SWITCH && !*value))
			continue;
		r = option_set(o, spec, value, e);
		if (r < 0) {
			err_prefix(e, "environment %s (--%s)", name, spec->name);
			return r;
		}
		o->origin[i] = (struct option_origin){.source = OPTION_ENVIRONMENT};
	}
	return 0;
}

/* A switch that shows its values in --help wants one, as ever; the others may have one. */
static int argument_of(const struct option_spec *spec)
{
	if (spec->command)
		return no_argument;
	return spec->argument ? required_argument : optional_argument;
}

static int unknown_argument(const char *argument, struct err *e)
{
	size_t len = strcspn(argument, "=");
	const char *near;
	char name[64];

	if (strncmp(argument, "--", 2) != 0)
		return err_set(e, -EINVAL, "%.100s: options begin with --; see --help", argument);
	(void)snprintf(name, sizeof(name), "%.*s", (int)(len > 66 ? 64 : len - 2), argument + 2);
	if (option_find(name) >= 0)
		return err_set(e, -EINVAL, "--%s: takes no value", name);
	near = option_nearest(name);
	if (near)
		return err_set(e, -EINVAL, "--%s: no such option; did you mean --%s?", name, near);
	return err_set(e, -EINVAL, "--%s: no such option; see --help", name);
}

int options_from_arguments(struct options *o, const struct options_input *input, struct err *e)
{
	struct option longs[OPTIONS_MAX + 1] = {0};
	size_t index[OPTIONS_MAX], n = 0;
	const struct option_spec *spec;
	int which, c;

	for (size_t i = 0; (spec = option_at(i)); i++) {
		if (!spec->name)
			continue;
		longs[n].name = spec->name;
		longs[n].has_arg = argument_of(spec);
		index[n++] = i;
	}
	optind = 0; /* start afresh, also on a second call */
	opterr = 0;
	/* The program has one thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while ((c = getopt_long(input->argc, input->argv, ":h", longs, &which)) != -1) {
		int r;

		if (c == 'h') {
			o->help = true;
			continue;
		}
		if (c == ':')
			return err_set(e, -EINVAL, "%s: needs a value", input->argv[optind - 1]);
		if (c != 0)
			return unknown_argument(input->argv[optind - 1], e);
		spec = option_at(index[which]);
		r = option_set(o, spec, optarg ? optarg : "on", e);
		if (r < 0) {
			err_prefix(e, "--%s", spec->name);
			return r;
		}
		o->origin[index[which]] = (struct option_origin){.source = OPTION_FLAG};
	}
	if (optind < input->argc)
		return err_set(e, -EINVAL, "%.100s: options begin with --; see --help",
			       input->argv[optind]);
	return 0;
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	end = text + strlen(text);
	while (end > text && strchr(BLANKS, end[-1]))
		*--end = '\0';
	return text;
}

static int apply_line(struct options *o, char *line, unsigned number, struct err *e)
{
	char *value, *name = trim(line);
	const struct option_spec *spec;
	int i, r;

	if (!*name || *name == '#')
		return 0;
	name += strncmp(name, "--", 2) == 0 ? 2 : 0;
	value = strchr(name, '=');
	if (value) {
		*value++ = '\0';
		value = trim(value);
	}
	name = trim(name);
	i = option_find(name);
	spec = i < 0 ? NULL : option_at((size_t)i);
	if (!spec || !option_is_in_files(spec))
		return err_set(e, -EINVAL, "%.100s: no such option", name);
	if (!value && spec->kind != KIND_SWITCH)
		return err_set(e, -EINVAL, "--%s: needs a value", spec->name);
	r = option_set(o, spec, value ? value : "on", e);
	if (r < 0) {
		err_prefix(e, "--%s", spec->name);
		return r;
	}
	o->origin[i] = (struct option_origin){.source = OPTION_RUNTIME, .line = number};
	return 0;
}

/* Its first line that means something has a ':' before any '='. */
static bool is_yaml(const char *text)
{
	for (;;) {
		text += strspn(text, BLANKS "\n");
		if (*text != '#')
			break;
		text += strcspn(text, "\n");
	}
	return text[strcspn(text, ":=\n")] == ':' || strncmp(text, "---\n", 4) == 0;
}

int options_apply_text(struct options *options, char *text, struct err *e)
{
	struct options o = *options;
	unsigned number = 0;
	int r = 0;

	if (text && is_yaml(text))
		return options_apply_yaml(options, "configuration", text, strlen(text), e);
	while (text && r == 0) {
		char *line = strsep(&text, "\n");

		number++;
		r = apply_line(&o, line, number, e);
	}
	if (r < 0) {
		err_prefix(e, "configuration, line %u", number);
		return r;
	}
	r = options_check_together(&o, e);
	if (r == 0)
		*options = o;
	return r;
}
