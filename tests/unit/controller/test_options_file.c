/* SPDX-License-Identifier: Apache-2.0 */

/* The YAML file, what wins over what, and each option wrong in each place it can come from. */

#include "unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <options_priv.h>
#include <stdio.h>
#include <stdlib.h>
#include <strbuf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TEXTS 8

static char directory[64], path[96];
static const char *environment[MAX_TEXTS]; /* "NAME=value" */
static struct options o;
static struct err e;

static const char *fake_getenv(void *ctx, const char *name)
{
	size_t len = strlen(name);

	(void)ctx;
	for (size_t i = 0; i < MAX_TEXTS && environment[i]; i++) {
		if (strncmp(environment[i], name, len) == 0 && environment[i][len] == '=')
			return environment[i] + len + 1;
	}
	return NULL;
}

static void setup(void)
{
	(void)snprintf(directory, sizeof(directory), "/tmp/podresctrl-options-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/config.yaml", directory);
	memset(environment, 0, sizeof(environment));
	memset(&e, 0, sizeof(e));
	memset(&o, 0, sizeof(o));
}

static void teardown(void)
{
	options_done(&o);
	(void)unlink(path);
	(void)rmdir(directory);
}

static void write_file(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

/* Reads the command line "podresctrld [--config=PATH] ARGUMENT". */
static int parse(const char *argument, bool with_file)
{
	char program[] = "podresctrld", flag[128], second[256];
	char *argv[4] = {program};
	int argc = 1, r;

	(void)snprintf(flag, sizeof(flag), "--config=%s", path);
	if (with_file)
		argv[argc++] = flag;
	if (argument) {
		(void)snprintf(second, sizeof(second), "%s", argument);
		argv[argc++] = second;
	}
	options_done(&o);
	r = options_parse(&(struct options_input){argc, argv, fake_getenv, NULL}, &o, &e);
	/* What it borrows from the two buffers ends with them. */
	o.config = NULL;
	return r;
}

static int parse_text(const char *text)
{
	write_file(text, strlen(text));
	return parse("--publish=none", true);
}

START_TEST(a_file_sets_options_of_every_kind)
{
	ck_assert_msg(parse_text("# a comment\n"
				 "node-name: n1\n"
				 "plugin-index: 07\n"
				 "resctrl: simulated,rmids=4,limbo=1s\n"
				 "auto-mount: true\n"
				 "events: off\n"
				 "group-kind: \"ctrl\"\n"
				 "rmid-reserve: 12\n"
				 "retry-interval: 2s\n"
				 "publish-namespaces: [shop, bank]\n"
				 "log-to: syslog:/run/log\n") == 0,
		      "%s", e.msg);
	ck_assert_str_eq(o.node_name, "n1");
	ck_assert_str_eq(o.plugin_index, "07");
	ck_assert(o.simulated && o.auto_mount && !o.events);
	ck_assert_uint_eq(o.simulated_rmids, 4);
	ck_assert_int_eq(o.group_kind, RS_GROUP_CTRL);
	ck_assert_uint_eq(o.rmid_reserve, 12);
	ck_assert_uint_eq(o.retry_interval_ms, 2000);
	ck_assert_str_eq(o.publish_namespaces, "shop,bank");
	ck_assert_str_eq(options_syslog_socket(&o), "/run/log");
}
END_TEST

START_TEST(a_list_can_stand_below_its_key_or_in_one_text)
{
	ck_assert_msg(parse_text("publish-namespaces:\n- shop\n- bank\n") == 0, "%s", e.msg);
	ck_assert_str_eq(o.publish_namespaces, "shop,bank");
	ck_assert_msg(parse_text("publish-namespaces: shop,bank\n") == 0, "%s", e.msg);
	ck_assert_str_eq(o.publish_namespaces, "shop,bank");
}
END_TEST

START_TEST(a_file_of_comments_means_the_defaults)
{
	ck_assert_msg(parse_text("# nothing yet\n") == 0, "%s", e.msg);
	ck_assert_msg(parse_text("---\n# nothing yet\n") == 0, "%s", e.msg);
	ck_assert_msg(parse_text("{}\n") == 0, "%s", e.msg);
	ck_assert_uint_eq(o.retry_interval_ms, 10000);
}
END_TEST

START_TEST(the_variable_wins_over_the_file_and_the_flag_over_both)
{
	static const char file[] = "retry-interval: 1s\naudit-interval: 1s\npublish-rate: 1\n"
				   "auto-mount: on\n";
	int i = option_find("retry-interval");

	environment[0] = "PODRESCTRL_AUDIT_INTERVAL=2s";
	environment[1] = "PODRESCTRL_PUBLISH_RATE=2";
	environment[2] = "PODRESCTRL_PUBLISH=none";
	write_file(file, sizeof(file) - 1);
	ck_assert_msg(parse("--publish-rate=3", true) == 0, "%s", e.msg);
	ck_assert_uint_eq(o.retry_interval_ms, 1000);
	ck_assert_uint_eq(o.audit_interval_ms, 2000);
	ck_assert_uint_eq(o.publish_rate, 3);
	ck_assert(o.auto_mount);
	ck_assert_int_eq(o.origin[i].source, OPTION_FILE);
	ck_assert_uint_eq(o.origin[i].line, 1);
	ck_assert_int_eq(o.origin[option_find("audit-interval")].source, OPTION_ENVIRONMENT);
	ck_assert_int_eq(o.origin[option_find("publish-rate")].source, OPTION_FLAG);
	ck_assert_int_eq(o.origin[option_find("log-level")].source, OPTION_DEFAULT);
	ck_assert_msg(parse("--auto-mount=false", true) == 0, "%s", e.msg);
	ck_assert(!o.auto_mount);
}
END_TEST

START_TEST(the_file_can_be_named_in_the_environment)
{
	char variable[128];

	(void)snprintf(variable, sizeof(variable), "PODRESCTRL_CONFIG=%s", path);
	environment[0] = variable;
	write_file("publish: none\n", 14);
	ck_assert_msg(parse(NULL, false) == 0, "%s", e.msg);
	ck_assert_int_eq(o.publish, PUBLISH_NONE);
}
END_TEST

START_TEST(help_and_version_do_not_ask_for_a_good_file)
{
	ck_assert_int_eq(parse("--help", true), 0);
	ck_assert_int_eq(parse("--version", true), 0);
}
END_TEST

/* Behind the file's name: what the message has to hold. */
static const struct {
	const char *text, *message;
} wrong[] = {
	{"", ":1:1: the file is empty: write"},
	{" \n\n", ":1:1: the file is empty: write"},
	{"colour: blue\n", ":1:1: colour: no such option; see --help"},
	{"log-level: info\nlogLevel: debug\n", ":2:1: logLevel: no such option; did you mean "
					       "log-level?"},
	{"audit_intervall: 3s\n", ":1:1: audit_intervall: no such option; did you mean "
				  "audit-interval?"},
	{"log-level: info\n\nlog-level: debug\n", ":3:1: log-level: set twice, first in line 1"},
	{"config: other.yaml\n", ":1:1: config: not in a file"},
	{"help: true\n", ":1:1: help: not in a file"},
	{"log-level: loud\n", ":1:12: log-level: 'loud' is not right: it takes error, warn"},
	{"log-level: [info]\n", ":1:12: log-level: a list where a single value is wanted"},
	{"log-level:\n  info: true\n", ":2:3: log-level: a nested mapping where a single"},
	{"log-level:\n", ":1:11: log-level: no value: give one, or remove the line"},
	{"log-level: ~\n", ":1:12: log-level: no value"},
	{"log-level: null\n", ":1:12: log-level: no value"},
	{"node-name: \"\"\n", ":1:12: node-name: '' is not right: it takes some text"},
	{"retry-interval: 10\n", ":1:17: retry-interval: '10' is not right: it takes a time"},
	{"rmid-reserve: 1.5\n", ":1:15: rmid-reserve: '1.5' is not right: it takes a number"},
	{"publish-namespaces: [[shop]]\n", ":1:22: publish-namespaces: a list where"},
	{"publish-namespaces: [shop, \"a,b\"]\n", ":1:28: publish-namespaces: one name to each"},
	{"publish-namespaces: [shop, ]\nx\n", ":3:1: not YAML: "},
	{"publish-namespaces: []\n", ":1:21: publish-namespaces: '' is not right: it takes names"},
	{"publish-namespaces: [Shop]\n", ":1:21: publish-namespaces: 'Shop' is not right"},
	{"log-level: &a info\n", ":1:12: log-level: an anchor ('&name') means nothing here"},
	{"&a log-level: info\n", ":1:1: an anchor ('&name') means nothing here"},
	{"log-level: *a\n", ":1:12: log-level: an alias ('*name') means nothing here"},
	{"log-level: !!str info\n", ":1:12: log-level: a tag ('!name') means nothing here"},
	{"<<: {a: b}\n", ":1:1: <<: no such option"},
	{"{? [a] : b}\n", ":1:4: a list where a single value is wanted"},
	{"- log-level\n", ":1:1: the file has to be lines of 'option: value'"},
	{"log-level\n", ":1:1: the file has to be lines of 'option: value'"},
	{"log-level=debug\n", ":1:1: the file has to be lines of 'option: value'"},
	{"log-level: info\n---\nlog-level: info\n", ":2:1: a second document ('---')"},
	{"\tlog-level: info\n", ":1:1: a tab, where YAML takes only blanks"},
	{"log-level: info\n\tlog-format: json\n", ":2:1: a tab, where YAML takes only blanks"},
	{"log-level: info: debug\n", ":1:16: not YAML: mapping values are not allowed in this "
				     "context; a value with ': ' in it needs quotes"},
	{"node-name: @n\n", ":1:12: not YAML: found character that cannot start any token; put"},
	{"log-level: info\nlog-format\n", ":3:1: not YAML: could not find expected ':'; each"},
	{"log-level: \"info\n", ":2:1: not YAML: found unexpected end of stream"},
	{"log-level: info\nnode-name: a\001b\n", ":2:13: not YAML: control characters are not"},
	{"log-level: info\nnode-name: \xff\n", ":2:12: not YAML: invalid leading UTF-8 octet; it"},
	{"node-name: \"a\\0b\"\n", ":1:12: node-name: a zero byte in the text: remove it"},

	{"selector: app in (web\n", ":1:11: selector: 'app in (web' is not right: it takes labels"},
	{"namespaces: [shop]\nexclude-namespaces: [bank, shop]\n",
	 ":2: --exclude-namespaces: names "
	 "a namespace that"},
	{"retry-interval: 1h\n", ":1: --retry-backoff-max: must not be less than "
				 "--retry-interval"},
};

START_TEST(what_is_wrong_in_a_file_is_said_with_its_place)
{
	char wanted[512];

	ck_assert_int_eq(parse_text(wrong[_i].text), -EINVAL);
	(void)snprintf(wanted, sizeof(wanted), "%s%s", path, wrong[_i].message);
	ck_assert_msg(strncmp(e.msg, wanted, strlen(wanted)) == 0, "wanted '%s', got '%s'", wanted,
		      e.msg);
}
END_TEST

/* A billion laughs: refused at the first anchor, before anything is expanded. */
START_TEST(a_bomb_of_aliases_is_refused_at_its_first_line)
{
	ck_assert_int_eq(parse_text("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, ":1:1: a: no such option"));
	ck_assert_int_eq(parse_text("publish-namespaces: &a [x,x]\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "anchors and tags mean nothing here"));
}
END_TEST

START_TEST(deep_nesting_is_refused_where_it_begins)
{
	static char text[OPTIONS_FILE_MAX];
	size_t head = strlen("log-level: ");

	memset(text, '[', sizeof(text) - 1);
	memcpy(text, "log-level: ", head);
	ck_assert_int_eq(parse_text(text), -EINVAL);
	ck_assert_msg(strstr(e.msg, ":1:12: log-level: a list"), "%s", e.msg);
}
END_TEST

START_TEST(a_huge_file_is_refused_by_its_size)
{
	size_t len = OPTIONS_FILE_MAX + 1;
	char *text = malloc(len + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, '#', len);
	text[len] = '\0';
	ck_assert_int_eq(parse_text(text), -EINVAL);
	ck_assert_msg(strstr(e.msg, "more than 64 KiB"), "%s", e.msg);
	text[len - 1] = '\0';
	ck_assert_msg(parse_text(text) == 0, "%s", e.msg);
	free(text);
}
END_TEST

START_TEST(a_file_that_is_none_is_named_with_what_is_wrong)
{
	ck_assert_int_eq(parse("--publish=none", true), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, path));
	ck_assert_ptr_nonnull(strstr(e.msg, "ENOENT"));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(parse("--publish=none", true), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "is not a file"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(parse("--publish=none", true), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "is not a file"));
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* A value that no option of this kind takes. */
static const char *wrong_value(const struct option_spec *spec)
{
	switch ((int)spec->kind) {
	case KIND_TEXT:
		return "";
	case KIND_NUMBER:
		return "99999999";
	case KIND_PREFIX:
		return "a/b";
	case KIND_LIST:
		return "Not A Namespace";
	case KIND_SELECTOR:
		return "app in web";
	default:
		return "nonsense";
	}
}

static void check_refusal(const struct option_spec *spec, const char *place, const char *where)
{
	ck_assert_msg(strstr(e.msg, place), "%s in %s: '%s'", spec->name, where, e.msg);
	ck_assert_msg(strstr(e.msg, "is not right: it takes "), "%s in %s: '%s'", spec->name, where,
		      e.msg);
}

START_TEST(every_option_refuses_nonsense_from_every_place_and_says_what_it_takes)
{
	const struct option_spec *spec;
	unsigned n = 0;

	for (size_t i = 0; (spec = option_at(i)); i++) {
		char text[128], variable[64], place[128];

		if (!spec->name || !option_is_in_files(spec) || spec->kind == KIND_OR_OFF)
			continue; /* any text is a path */
		n++;
		(void)snprintf(text, sizeof(text), "--%s=%s", spec->name, wrong_value(spec));
		(void)snprintf(place, sizeof(place), "--%s: ", spec->name);
		ck_assert_int_eq(parse(text, false), -EINVAL);
		check_refusal(spec, place, "a flag");

		option_variable(spec->name, variable, sizeof(variable));
		(void)snprintf(text, sizeof(text), "%s=%s", variable, wrong_value(spec));
		environment[0] = text;
		ck_assert_int_eq(parse("--publish=none", false), -EINVAL);
		check_refusal(spec, variable, "the environment");
		environment[0] = NULL;

		(void)snprintf(text, sizeof(text), "# the second line\n%s: \"%s\"\n", spec->name,
			       wrong_value(spec));
		(void)snprintf(place, sizeof(place), "%s:2:%zu: %s: ", path, strlen(spec->name) + 3,
			       spec->name);
		ck_assert_int_eq(parse_text(text), -EINVAL);
		check_refusal(spec, place, "a file");
	}
	ck_assert_uint_gt(n, 25);
}
END_TEST

static void print(struct strbuf *out)
{
	strbuf_init(out, 1 << 20);
	options_print(out, &o);
	ck_assert_int_eq(out->error, 0);
}

/* What is printed with this file, and once more with what was printed as the file. */
static void check_round_trip(const char *text)
{
	struct strbuf first, value, again;
	const struct option_spec *spec;
	struct options printed;

	ck_assert_msg(parse_text(text) == 0, "%s", e.msg);
	print(&first);
	printed = o;
	o = (struct options){0};
	write_file(strbuf_str(&first), first.len);
	ck_assert_msg(parse(NULL, true) == 0, "%s\n%s", e.msg, strbuf_str(&first));
	for (size_t i = 0; (spec = option_at(i)); i++) {
		bool is_set;

		if (!spec->name || !option_is_in_files(spec))
			continue;
		strbuf_init(&value, 1 << 20);
		strbuf_init(&again, 1 << 20);
		is_set = option_get(&printed, spec, &value);
		ck_assert_int_eq(option_get(&o, spec, &again), is_set);
		ck_assert_str_eq(strbuf_str(&value), strbuf_str(&again));
		strbuf_done(&value);
		strbuf_done(&again);
	}
	options_done(&printed);
	strbuf_done(&first);
}

START_TEST(what_check_config_prints_is_a_file_with_the_same_meaning)
{
	environment[0] = "NODE_NAME=n1";
	check_round_trip("# defaults\n");
	check_round_trip("node-name: \"a \\\"b\\\" \\\\ c: d # e\"\n"
			 "resctrl: simulated,rmids=17,limbo=1500ms\n"
			 "resctrl-root: \"~\"\n"
			 "proc-root: \"null\"\n"
			 "cgroup-root: \"---\"\n"
			 "nri-socket: \"a\\tb\\x01\"\n"
			 "publish-namespaces: [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
			 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, ccccccccccccccccc, ddddddd]\n"
			 "events: off\n"
			 "audit-interval: 90s\n"
			 "retry-interval: 0\n");
}
END_TEST

START_TEST(check_config_fits_in_80_columns)
{
	struct strbuf out;
	size_t column = 0;

	environment[0] = "PODRESCTRL_RELEASE_ON_SANDBOX_STOP=true";
	environment[1] = "PODRESCTRL_RESCTRL=simulated,rmids=65536,limbo=86400000ms";
	ck_assert_msg(parse_text("publish-namespaces: [a-very-long-name, another-long-name, "
				 "a-third-long-name, a-fourth-name, five, six]\n") == 0,
		      "%s", e.msg);
	print(&out);
	for (const char *c = strbuf_str(&out); *c; c++) {
		column = *c == '\n' ? 0 : column + 1;
		ck_assert_msg(column <= 80, "a line is too long near: %.20s", c);
	}
	ck_assert_ptr_nonnull(strstr(strbuf_str(&out), "# file:1\n"));
	ck_assert_ptr_nonnull(
		strstr(strbuf_str(&out), "# environment PODRESCTRL_RELEASE_ON_SANDBOX_STOP\n"));
	strbuf_done(&out);
}
END_TEST

/* Tests are run from the project's directory. */
static char *read_documentation(void)
{
	static char text[OPTIONS_FILE_MAX];
	FILE *f = fopen("docs/configuration.md", "re");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(the_documentation_has_every_option_with_its_default)
{
	const char *text = read_documentation();
	const struct option_spec *spec;

	for (size_t i = 0; (spec = option_at(i)); i++) {
		const char *fallback = spec->fallback ? spec->fallback : "";
		const char *tick;
		char row[256];

		if (!spec->name || !option_is_in_files(spec))
			continue;
		if (spec->kind == KIND_SWITCH && !*fallback)
			fallback = "off";
		tick = *fallback ? "`" : "";
		(void)snprintf(row, sizeof(row), "\n| `%s` | %s%s%s%s| %s | ", spec->name, tick,
			       fallback, tick, *fallback ? " " : "",
			       spec->reload ? "now" : "restart");
		ck_assert_msg(strstr(text, row), "docs/configuration.md has no row '%s'", row + 1);
	}
}
END_TEST

START_TEST(a_flag_that_is_nearly_right_is_answered_with_the_right_one)
{
	ck_assert_int_eq(parse("--log-lvl=debug", false), -EINVAL);
	ck_assert_msg(strstr(e.msg, "did you mean --log-level?"), "%s", e.msg);
	ck_assert_int_eq(parse("--colour", false), -EINVAL);
	ck_assert_msg(strstr(e.msg, "--colour: no such option; see --help"), "%s", e.msg);
	ck_assert_int_eq(parse("--help=yes", false), -EINVAL);
	ck_assert_msg(strstr(e.msg, "--help: takes no value"), "%s", e.msg);
	ck_assert_int_eq(parse("-x", false), -EINVAL);
	ck_assert_msg(strstr(e.msg, "-x: options begin with --"), "%s", e.msg);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("options in a file");
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_file_sets_options_of_every_kind);
	tcase_add_test(tc, a_list_can_stand_below_its_key_or_in_one_text);
	tcase_add_test(tc, a_file_of_comments_means_the_defaults);
	tcase_add_test(tc, the_variable_wins_over_the_file_and_the_flag_over_both);
	tcase_add_test(tc, the_file_can_be_named_in_the_environment);
	tcase_add_test(tc, help_and_version_do_not_ask_for_a_good_file);
	tcase_add_loop_test(tc, what_is_wrong_in_a_file_is_said_with_its_place, 0,
			    ARRAY_LEN(wrong));
	tcase_add_test(tc, a_bomb_of_aliases_is_refused_at_its_first_line);
	tcase_add_test(tc, deep_nesting_is_refused_where_it_begins);
	tcase_add_test(tc, a_huge_file_is_refused_by_its_size);
	tcase_add_test(tc, a_file_that_is_none_is_named_with_what_is_wrong);
	tcase_add_test(tc, every_option_refuses_nonsense_from_every_place_and_says_what_it_takes);
	tcase_add_test(tc, what_check_config_prints_is_a_file_with_the_same_meaning);
	tcase_add_test(tc, check_config_fits_in_80_columns);
	tcase_add_test(tc, the_documentation_has_every_option_with_its_default);
	tcase_add_test(tc, a_flag_that_is_nearly_right_is_answered_with_the_right_one);
	suite_add_tcase(s, tc);
	return s;
}
