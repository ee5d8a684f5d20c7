/* SPDX-License-Identifier: Apache-2.0 */

/* The configuration read again: what is taken over, what is said, what an error changes. */

#include "unit/runner.h"

#include <fcntl.h>
#include <log.h>
#include <options_priv.h>
#include <reload.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char directory[64], path[96], flag[128], said[16384];
static int log_fd;
static struct log *the_log;
static struct options o;
static bool filter_changed;

static const char *fake_getenv(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "NODE_NAME") == 0 ? "n1" : NULL;
}

static char program[] = "podresctrld";
static char *argv[] = {program, flag, NULL};
static const struct options_input input = {2, argv, fake_getenv, NULL};

static void write_file(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(close(fd), 0);
}

static void start_with(const char *text)
{
	struct err e = {0};

	write_file(text);
	ck_assert_msg(options_parse(&input, &o, &e) == 0, "%s", e.msg);
}

static void setup(void)
{
	(void)snprintf(directory, sizeof(directory), "/tmp/podresctrl-reload-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/config.yaml", directory);
	(void)snprintf(flag, sizeof(flag), "--config=%s", path);
	log_fd = memfd_create("log", MFD_CLOEXEC);
	ck_assert_int_ge(log_fd, 0);
	the_log = log_new(log_fd, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	filter_changed = false;
}

static void teardown(void)
{
	options_done(&o);
	log_free(the_log);
	(void)close(log_fd);
	(void)unlink(path);
	(void)rmdir(directory);
}

static bool reload_with(const char *text)
{
	write_file(text);
	return reload_options(&o, &input, the_log, &filter_changed);
}

static const char *what_was_said(void)
{
	ssize_t n = pread(log_fd, said, sizeof(said) - 1, 0);

	ck_assert_int_ge(n, 0);
	said[n] = '\0';
	return said;
}

#define expect_said(text) \
	ck_assert_msg(strstr(what_was_said(), text), "no '%s' in:\n%s", text, said)

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *c = what_was_said(); *c; c++)
		n += *c == '\n';
	return n;
}

START_TEST(what_can_be_changed_is_taken_over_with_a_line_for_each)
{
	start_with("retry-interval: 5s\nlog-level: info\n");
	ck_assert(reload_with("retry-interval: 7s\nlog-level: info\naudit-interval: 1m\n"));
	ck_assert_uint_eq(o.retry_interval_ms, 7000);
	ck_assert_uint_eq(o.audit_interval_ms, 60000);
	expect_said("level=info msg=\"option changed\" option=retry-interval old=5s new=7s "
		    "source=file:1\n");
	expect_said("option=audit-interval old=30s new=1m source=file:3\n");
	expect_said("msg=\"configuration read again\" file=");
	expect_said("changed=2 need_restart=0\n");
	ck_assert_uint_eq(lines(), 3);
	ck_assert(!filter_changed);
}
END_TEST

START_TEST(what_is_taken_out_of_the_file_is_the_default_again)
{
	start_with("retry-interval: 5s\n");
	ck_assert(reload_with("# nothing\n"));
	ck_assert_uint_eq(o.retry_interval_ms, 10000);
	expect_said("option=retry-interval old=5s new=10s source=default\n");
}
END_TEST

START_TEST(what_needs_a_restart_is_named_and_stays)
{
	start_with("group-prefix: one-\n");
	ck_assert(reload_with("group-prefix: two-\nnode-name: other\n"));
	ck_assert_str_eq(o.group_prefix, "one-");
	expect_said("level=warn msg=\"a changed option needs a restart\" option=group-prefix "
		    "in_force=one- wanted=two- source=file:1\n");
	expect_said("changed=0 need_restart=1\n");
	/* The environment wins over the file, so the node's name did not change. */
	ck_assert_str_eq(o.node_name, "n1");
	ck_assert(reload_with("group-prefix: one-\n"));
	expect_said("changed=0 need_restart=0\n");
}
END_TEST

static const char *const wrong[] = {
	"retry-interval: soon\n", "retry-interval: 1h\n", "colour: blue\n", "", "a: [", "\xff",
};

START_TEST(a_wrong_file_changes_nothing_and_is_an_error_in_the_log)
{
	struct options before;

	start_with("retry-interval: 5s\n");
	before = o;
	ck_assert(!reload_with(wrong[_i]));
	ck_assert_mem_eq(&o, &before, sizeof(o));
	expect_said("level=error msg=\"the configuration stays as it was\" err=\"");
	expect_said(path);
	ck_assert_uint_eq(lines(), 1);
}
END_TEST

START_TEST(a_missing_file_changes_nothing)
{
	start_with("retry-interval: 5s\n");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(!reload_options(&o, &input, the_log, &filter_changed));
	ck_assert_uint_eq(o.retry_interval_ms, 5000);
	expect_said("cannot be read: No such file or directory (ENOENT)");
}
END_TEST

START_TEST(filters_say_that_other_pods_are_meant_now)
{
	start_with("namespaces: [shop]\n");
	ck_assert(reload_with("namespaces: [shop, bank]\n"));
	ck_assert(filter_changed);
	ck_assert_str_eq(o.namespaces, "shop,bank");
	expect_said("option=namespaces old=shop new=shop,bank source=file:1\n");
	filter_changed = false;
	ck_assert(reload_with("selector: app=web\nnamespaces: [shop, bank]\n"));
	ck_assert(filter_changed);
	ck_assert_str_eq(o.namespaces, "shop,bank");
	ck_assert_str_eq(o.selector, "app=web");
	ck_assert(reload_with("# none\n"));
	ck_assert_ptr_null(o.namespaces);
	ck_assert_ptr_null(o.selector);
}
END_TEST

START_TEST(a_louder_level_shows_the_change_that_made_it_louder)
{
	start_with("log-level: error\n");
	log_set_level(the_log, LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	ck_assert(reload_with("log-level: info\n"));
	expect_said("option=log-level old=error new=info");
}
END_TEST

START_TEST(without_a_file_there_is_nothing_to_read_again)
{
	struct err e = {0};

	ck_assert_int_eq(options_parse(&(struct options_input){1, argv, fake_getenv, NULL}, &o, &e),
			 0);
	ck_assert(!reload_options(&o, &input, the_log, &filter_changed));
	expect_said("nothing to read again: started without --config");
}
END_TEST

/* Every option that can be changed really is, and every other is named. */
START_TEST(each_option_of_the_table_either_changes_or_is_named)
{
	const struct option_spec *spec;

	for (size_t i = 0; (spec = option_at(i)); i++) {
		const char *value = spec->kind == KIND_SWITCH     ? "on"
				    : spec->kind == KIND_NUMBER   ? "9"
				    : spec->kind == KIND_DURATION ? "11s"
				    : spec->kind == KIND_RESCTRL  ? "simulated"
				    : spec->kind == KIND_LOG_TO   ? "syslog"
				    : spec->kind == KIND_INDEX    ? "11"
				    : spec->kind == KIND_ADDRESS  ? ":9"
								  : "other";
		char text[128], wanted[128];

		if (!spec->name || !option_is_in_files(spec) ||
		    strcmp(spec->name, "node-name") == 0 || strncmp(spec->name, "publish-", 8) == 0)
			continue;
		if (spec->kind == KIND_CHOICE)
			value = spec->choices[spec->fallback &&
					      strcmp(spec->fallback, spec->choices[0]) == 0];
		if (spec->kind == KIND_SWITCH && spec->fallback &&
		    strcmp(spec->fallback, "on") == 0)
			value = "off";
		start_with("# defaults\n");
		(void)snprintf(text, sizeof(text), "%s: %s\n", spec->name, value);
		ck_assert_msg(reload_with(text), "%s: %s", spec->name, what_was_said());
		(void)snprintf(wanted, sizeof(wanted), "msg=\"%s\" option=%s ",
			       spec->reload ? "option changed" : "a changed option needs a restart",
			       spec->name);
		expect_said(wanted);
		options_done(&o);
	}
	start_with("# defaults\n");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("reload");
	TCase *tc = tcase_create("reload");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_can_be_changed_is_taken_over_with_a_line_for_each);
	tcase_add_test(tc, what_is_taken_out_of_the_file_is_the_default_again);
	tcase_add_test(tc, what_needs_a_restart_is_named_and_stays);
	tcase_add_loop_test(tc, a_wrong_file_changes_nothing_and_is_an_error_in_the_log, 0,
			    ARRAY_LEN(wrong));
	tcase_add_test(tc, a_missing_file_changes_nothing);
	tcase_add_test(tc, filters_say_that_other_pods_are_meant_now);
	tcase_add_test(tc, a_louder_level_shows_the_change_that_made_it_louder);
	tcase_add_test(tc, without_a_file_there_is_nothing_to_read_again);
	tcase_add_test(tc, each_option_of_the_table_either_changes_or_is_named);
	suite_add_tcase(s, tc);
	return s;
}
