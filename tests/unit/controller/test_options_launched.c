/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin that the runtime launches: other defaults, and options as a text with lines. */

#include "unit/runner.h"

#include <errno.h>
#include <options.h>
#include <stdio.h>
#include <string.h>

static const char *const *environment;
static char text[4096];
static struct options o;
static struct err e;

static const char *fake_getenv(void *ctx, const char *name)
{
	size_t len = strlen(name);

	(void)ctx;
	for (const char *const *v = environment; *v; v++) {
		if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
			return *v + len + 1;
	}
	return NULL;
}

static int parse(char **argv)
{
	return options_parse(&(struct options_input){1, argv, fake_getenv, NULL}, &o, &e);
}

static void setup(void)
{
	static const char *const launched[] = {"NRI_PLUGIN_SOCKET=3", "NRI_PLUGIN_NAME=groups",
					       "NRI_PLUGIN_IDX=42", NULL};
	static char program[] = "42-groups";
	char *argv[] = {program, NULL};

	environment = launched;
	memset(&e, 0, sizeof(e));
	ck_assert_msg(parse(argv) == 0, "%s", e.msg);
}

static int apply(const char *lines)
{
	(void)snprintf(text, sizeof(text), "%s", lines);
	return options_apply_text(&o, text, &e);
}

START_TEST(a_launched_plugin_runs_without_a_node_name_and_publishes_nothing)
{
	ck_assert_str_eq(o.launch_socket, "3");
	ck_assert_str_eq(o.plugin_name, "groups");
	ck_assert_str_eq(o.plugin_index, "42");
	ck_assert_int_eq(o.publish, PUBLISH_NONE);
	ck_assert_str_eq(options_syslog_socket(&o), "/dev/log");
	ck_assert_int_eq(apply(""), 0);
	ck_assert_str_eq(o.resctrl_root, "/sys/fs/resctrl");
}
END_TEST

START_TEST(one_that_connects_by_itself_has_the_ordinary_defaults)
{
	static const char *const none[] = {"NODE_NAME=n", NULL};
	static char program[] = "podresctrld";
	char *argv[] = {program, NULL};

	environment = none;
	ck_assert_int_eq(parse(argv), 0);
	ck_assert_ptr_null(o.launch_socket);
	ck_assert_str_eq(o.plugin_name, "podresctrl");
	ck_assert_int_eq(o.publish, PUBLISH_ALL);
	ck_assert_ptr_null(options_syslog_socket(&o));
}
END_TEST

START_TEST(lines_are_options_with_and_without_dashes_and_blanks)
{
	ck_assert_msg(apply("\n# a comment\n  resctrl-root = /mnt/r \r\n--audit-interval=5s\n"
			    "\tgroup-prefix=team-a-\nauto-mount\nlog-level=debug") == 0,
		      "%s", e.msg);
	ck_assert_str_eq(o.resctrl_root, "/mnt/r");
	ck_assert_uint_eq(o.audit_interval_ms, 5000);
	ck_assert_str_eq(o.group_prefix, "team-a-");
	ck_assert(o.auto_mount);
	ck_assert_int_eq(o.log_level, LOG_LEVEL_DEBUG);
}
END_TEST

START_TEST(a_value_may_hold_an_equals_sign)
{
	ck_assert_int_eq(apply("cgroup-root=/a=b"), 0);
	ck_assert_str_eq(o.cgroup_root, "/a=b");
}
END_TEST

START_TEST(a_switch_can_be_switched_both_ways)
{
	ck_assert_int_eq(apply("auto-mount=true\nrelease-on-sandbox-stop"), 0);
	ck_assert(o.auto_mount && o.release_on_sandbox_stop);
	ck_assert_int_eq(apply("--auto-mount=false"), 0);
	ck_assert(!o.auto_mount);
}
END_TEST

START_TEST(it_may_be_yaml_as_in_a_file)
{
	ck_assert_msg(apply("\n# a comment\nlog-level: debug\nresctrl-root: /a=b\n"
			    "publish-namespaces: [shop, bank]\n") == 0,
		      "%s", e.msg);
	ck_assert_int_eq(o.log_level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(o.resctrl_root, "/a=b");
	ck_assert_str_eq(o.publish_namespaces, "shop,bank");
	options_done(&o);
}
END_TEST

static const struct {
	const char *lines, *message;
} wrong[] = {
	{"log-level: debug\naudit-interval: soon", "configuration:2:17: audit-interval: 'soon' is"},
	{"log-level: debug\nretry-interval: 1h", "--retry-backoff-max: must not be less"},
	{"log-level=debug\naudit-interval=soon", "line 2: --audit-interval: 'soon' is not right"},
	{"colour=blue", "line 1: colour: no such option"},
	{"help", "line 1: help: no such option"},
	{"\n\n=x", "line 3: : no such option"},
	{"resctrl-root", "line 1: --resctrl-root: needs a value"},
	{"resctrl-root=", "line 1: --resctrl-root: '' is not right"},
	{"auto-mount=perhaps", "line 1: --auto-mount: 'perhaps' is not right"},
	{"log-to=syslog:", "line 1: --log-to: 'syslog:' is not right"},
	{"publish=all", "--node-name: missing"},
	{"retry-interval=1h", "--retry-backoff-max: must not be less"},
};

START_TEST(what_is_wrong_is_said_with_its_line_and_changes_nothing)
{
	struct options before = o;

	ck_assert_int_eq(apply(wrong[_i].lines), -EINVAL);
	ck_assert_msg(strstr(e.msg, wrong[_i].message), "%s", e.msg);
	ck_assert_mem_eq(&o, &before, sizeof(o));
}
END_TEST

START_TEST(with_a_node_name_it_may_publish)
{
	ck_assert_msg(apply("publish=all\nnode-name=n1\nkubeconfig=/etc/k") == 0, "%s", e.msg);
	ck_assert_int_eq(o.publish, PUBLISH_ALL);
	ck_assert_str_eq(o.node_name, "n1");
}
END_TEST

START_TEST(the_log_can_go_to_any_syslog_socket_or_stay)
{
	ck_assert_int_eq(apply("log-to=syslog:/run/x"), 0);
	ck_assert_str_eq(options_syslog_socket(&o), "/run/x");
	ck_assert_int_eq(apply("log-to=stderr"), 0);
	ck_assert_ptr_null(options_syslog_socket(&o));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("options of a launched plugin");
	TCase *tc = tcase_create("launched");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_launched_plugin_runs_without_a_node_name_and_publishes_nothing);
	tcase_add_test(tc, one_that_connects_by_itself_has_the_ordinary_defaults);
	tcase_add_test(tc, lines_are_options_with_and_without_dashes_and_blanks);
	tcase_add_test(tc, it_may_be_yaml_as_in_a_file);
	tcase_add_test(tc, a_value_may_hold_an_equals_sign);
	tcase_add_test(tc, a_switch_can_be_switched_both_ways);
	tcase_add_loop_test(tc, what_is_wrong_is_said_with_its_line_and_changes_nothing, 0,
			    ARRAY_LEN(wrong));
	tcase_add_test(tc, with_a_node_name_it_may_publish);
	tcase_add_test(tc, the_log_can_go_to_any_syslog_socket_or_stay);
	suite_add_tcase(s, tc);
	return s;
}
