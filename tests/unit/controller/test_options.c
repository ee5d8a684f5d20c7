/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <errno.h>
#include <options.h>
#include <stdio.h>
#include <strbuf.h>
#include <string.h>

/* "NAME=value" strings, ended by NULL. */
static const char *fake_getenv(void *ctx, const char *name)
{
	size_t len = strlen(name);
	const char *const *const *env = ctx;

	for (const char *const *v = *env; v && *v; v++) {
		if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
			return *v + len + 1;
	}
	return NULL;
}

static int parse(const char *a, const char *b, const char *const *env, struct options *o,
		 struct err *e)
{
	static char texts[3][256];
	char *argv[4] = {texts[0], texts[1], texts[2], NULL};

	snprintf(texts[0], sizeof(texts[0]), "podresctrld");
	snprintf(texts[1], sizeof(texts[1]), "%s", a ? a : "");
	snprintf(texts[2], sizeof(texts[2]), "%s", b ? b : "");
	if (!b)
		argv[2] = NULL;
	if (!a)
		argv[1] = NULL;
	return options_parse(
		&(struct options_input){1 + (a != NULL) + (b != NULL), argv, fake_getenv, &env}, o,
		e);
}

START_TEST(defaults_are_what_help_says)
{
	static const char *const env[] = {"NODE_NAME=n1", NULL};
	struct options o;
	struct err e = {0};

	ck_assert_int_eq(parse(NULL, NULL, env, &o, &e), 0);
	ck_assert_str_eq(o.node_name, "n1");
	ck_assert_str_eq(o.nri_socket, "/var/run/nri/nri.sock");
	ck_assert_str_eq(o.group_prefix, "podresctrl-");
	ck_assert_str_eq(o.resctrl_root, "/sys/fs/resctrl");
	ck_assert_ptr_null(o.resctrl_host_root);
	ck_assert_int_eq(o.group_kind, RS_GROUP_MON);
	ck_assert_int_eq(o.cleanup_mode, CORE_CLEANUP_ORPHANS);
	ck_assert_uint_eq(o.retry_interval_ms, 10000);
	ck_assert_uint_eq(o.retry_backoff_max_ms, 300000);
	ck_assert_uint_eq(o.audit_interval_ms, 30000);
	ck_assert_uint_eq(o.max_reconcile_passes, 8);
	ck_assert_int_eq(o.log_level, LOG_LEVEL_INFO);
	ck_assert(o.publish && o.check_pid_namespace && !o.simulated && !o.auto_mount);
	ck_assert(!o.kubeconfig && !o.help && !o.version);
	ck_assert_str_eq(o.control_socket, "/run/podresctrl/podresctrld.sock");
}
END_TEST

START_TEST(the_command_line_wins_over_the_environment)
{
	static const char *const env[] = {"NODE_NAME=n1",
					  "PODRESCTRL_NODE_NAME=n2",
					  "PODRESCTRL_AUTO_MOUNT=1",
					  "PODRESCTRL_PUBLISH=none",
					  "PODRESCTRL_RELEASE_ON_SANDBOX_STOP=0",
					  NULL};
	struct options o;
	struct err e = {0};

	ck_assert_int_eq(parse("--publish=all", NULL, env, &o, &e), 0);
	ck_assert_str_eq(o.node_name, "n2");
	ck_assert(o.auto_mount && o.publish && !o.release_on_sandbox_stop);
	ck_assert_int_eq(parse("--node-name", "n3", env, &o, &e), 0);
	ck_assert_str_eq(o.node_name, "n3");
	ck_assert(!o.publish);
}
END_TEST

START_TEST(the_simulated_backend_has_settings)
{
	static const char *const env[] = {"NODE_NAME=n1", NULL};
	struct options o;
	struct err e = {0};

	ck_assert_int_eq(parse("--resctrl=simulated", NULL, env, &o, &e), 0);
	ck_assert(o.simulated);
	ck_assert_uint_eq(o.simulated_rmids, 32);
	ck_assert_int_eq(parse("--resctrl=simulated,limbo=1s,rmids=4", NULL, env, &o, &e), 0);
	ck_assert_uint_eq(o.simulated_rmids, 4);
	ck_assert_uint_eq(o.simulated_limbo_ms, 1000);
}
END_TEST

/* Every option with a wrong value: the message must name the option. */
static const struct {
	const char *argument, *names;
} wrong[] = {
	{"--no-such-option", "--no-such-option"},
	{"--no-such-option=1", "--no-such-option"},
	{"stray", "stray"},
	{"--node-name=", "--node-name"},
	{"--nri-socket=", "--nri-socket"},
	{"--metrics-addr=9433", "--metrics-addr"},
	{"--metrics-addr=localhost:9433", "--metrics-addr"},
	{"--plugin-index=7", "--plugin-index"},
	{"--plugin-index=abc", "--plugin-index"},
	{"--resctrl=imaginary", "--resctrl"},
	{"--resctrl=simulated,rmids=1", "--resctrl"},
	{"--resctrl=simulated,rmids=", "--resctrl"},
	{"--resctrl=simulated,speed=9", "--resctrl"},
	{"--resctrl=simulated,limbo=3", "--resctrl"},
	{"--resctrl=simulatedly", "--resctrl"},
	{"--resctrl-root=", "--resctrl-root"},
	{"--resctrl-host-root=", "--resctrl-host-root"},
	{"--auto-mount=perhaps", "--auto-mount"},
	{"--group-prefix=", "--group-prefix"},
	{"--group-prefix=a/b", "--group-prefix"},
	{"--group-prefix=mon_", "--group-prefix"},
	{"--group-prefix=info", "--group-prefix"},
	{"--group-prefix=.", "--group-prefix"},
	{"--group-kind=both", "--group-kind"},
	{"--cleanup-mode=some", "--cleanup-mode"},
	{"--rmid-reserve=-1", "--rmid-reserve"},
	{"--proc-root=", "--proc-root"},
	{"--cgroup-root=", "--cgroup-root"},
	{"--pid-namespace-check=maybe", "--pid-namespace-check"},
	{"--max-reconcile-passes=0", "--max-reconcile-passes"},
	{"--retry-interval=10", "--retry-interval"},
	{"--retry-interval=11m", "--retry-backoff-max"},
	{"--retry-backoff-max=forever", "--retry-backoff-max"},
	{"--audit-interval=1d", "--audit-interval"},
	{"--release-on-sandbox-stop=2", "--release-on-sandbox-stop"},
	{"--publish=most", "--publish"},
	{"--publish=selected", "--publish"},
	{"--publish-selector=a=b", "--publish-selector"},
	{"--publish-namespaces=", "--publish-namespaces"},
	{"--events=some", "--events"},
	{"--pod-watch=maybe", "--pod-watch"},
	{"--publish-rate=0", "--publish-rate"},
	{"--kubeconfig=", "--kubeconfig"},
	{"--start-jitter=x", "--start-jitter"},
	{"--log-level=loud", "--log-level"},
	{"--log-format=xml", "--log-format"},
};

START_TEST(a_wrong_value_is_refused_by_the_name_of_its_option)
{
	static const char *const env[] = {"NODE_NAME=n1", NULL};
	struct options o = {.node_name = "untouched"};
	struct err e = {0};

	ck_assert_int_eq(parse(wrong[_i].argument, NULL, env, &o, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, wrong[_i].names), "%s: '%s'", wrong[_i].argument, e.msg);
	ck_assert_str_eq(o.node_name, "untouched");
}
END_TEST

START_TEST(a_wrong_environment_is_refused_by_the_variable_s_name)
{
	static const char *const env[] = {"NODE_NAME=n1", "PODRESCTRL_RETRY_INTERVAL=soon", NULL};
	struct options o;
	struct err e = {0};

	ck_assert_int_eq(parse(NULL, NULL, env, &o, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "PODRESCTRL_RETRY_INTERVAL"), "%s", e.msg);
}
END_TEST

START_TEST(publishing_needs_a_node_name)
{
	struct options o;
	struct err e = {0};

	ck_assert_int_eq(parse(NULL, NULL, NULL, &o, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "--node-name"), "%s", e.msg);
	ck_assert_int_eq(parse("--publish=none", NULL, NULL, &o, &e), 0);
	ck_assert_int_eq(parse("--help", NULL, NULL, &o, &e), 0);
	ck_assert(o.help);
}
END_TEST

START_TEST(what_is_published_can_be_narrowed)
{
	static const char *const env[] = {"NODE_NAME=n1", "PODRESCTRL_PUBLISH_NAMESPACES=shop,bank",
					  NULL};
	struct options o;
	struct err e = {0};

	ck_assert_int_eq(parse("--publish=selected", NULL, env, &o, &e), 0);
	ck_assert_int_eq(o.publish, PUBLISH_SELECTED);
	ck_assert_str_eq(o.publish_namespaces, "shop,bank");
	ck_assert(o.events);
	ck_assert_int_eq(parse("--publish=problems", "--events=off", env, &o, &e), 0);
	ck_assert_int_eq(o.publish, PUBLISH_PROBLEMS);
	ck_assert(!o.events);
	ck_assert_int_eq(parse("--publish=all", NULL, env, &o, &e), -EINVAL);
}
END_TEST

START_TEST(labels_cannot_be_selected_without_the_pod_watch)
{
	static const char *const env[] = {"NODE_NAME=n1", "PODRESCTRL_PUBLISH=selected",
					  "PODRESCTRL_PUBLISH_NAMESPACES=shop", NULL};
	struct options o;
	struct err e = {0};

	ck_assert_int_eq(parse("--publish-namespaces=shop", NULL, env, &o, &e), 0);
	ck_assert(o.pod_watch);
	ck_assert_int_eq(parse("--pod-watch=off", NULL, env, &o, &e), 0);
	ck_assert(!o.pod_watch);
	ck_assert_int_eq(parse("--pod-watch=off", "--publish-selector=a", env, &o, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "--publish-namespaces"));
}
END_TEST

START_TEST(the_control_socket_can_be_switched_off)
{
	static const char *const off[] = {"NODE_NAME=n1", "PODRESCTRL_CONTROL_SOCKET=", NULL};
	struct options o;
	struct err e = {0};

	ck_assert_int_eq(parse("--control-socket=/x/y", NULL, off, &o, &e), 0);
	ck_assert_str_eq(o.control_socket, "/x/y");
	ck_assert_int_eq(parse("--control-socket=off", "--publish=none", NULL, &o, &e), 0);
	ck_assert_ptr_null(o.control_socket);
	ck_assert_ptr_null(o.metrics_addr);
	ck_assert_int_eq(parse("--metrics-addr=[::1]:9433", "--publish=none", NULL, &o, &e), 0);
	ck_assert_str_eq(o.metrics_addr, "[::1]:9433");
	ck_assert_int_eq(parse("--metrics-addr=off", "--publish=none", NULL, &o, &e), 0);
	ck_assert_ptr_null(o.metrics_addr);
	ck_assert_int_eq(parse(NULL, NULL, off, &o, &e), 0);
	ck_assert_ptr_null(o.control_socket);
}
END_TEST

START_TEST(help_fits_in_80_columns)
{
	struct strbuf sb;
	size_t column = 0;

	strbuf_init(&sb, 1 << 16);
	options_help(&sb);
	ck_assert_int_eq(sb.error, 0);
	for (const char *c = strbuf_str(&sb); *c; c++) {
		column = *c == '\n' ? 0 : column + 1;
		ck_assert_msg(column <= 80, "a line of help is too long near: %.20s", c);
	}
	strbuf_done(&sb);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_test(tc, defaults_are_what_help_says);
	tcase_add_test(tc, the_command_line_wins_over_the_environment);
	tcase_add_test(tc, the_simulated_backend_has_settings);
	tcase_add_loop_test(tc, a_wrong_value_is_refused_by_the_name_of_its_option, 0,
			    ARRAY_LEN(wrong));
	tcase_add_test(tc, a_wrong_environment_is_refused_by_the_variable_s_name);
	tcase_add_test(tc, publishing_needs_a_node_name);
	tcase_add_test(tc, what_is_published_can_be_narrowed);
	tcase_add_test(tc, labels_cannot_be_selected_without_the_pod_watch);
	tcase_add_test(tc, the_control_socket_can_be_switched_off);
	tcase_add_test(tc, help_fits_in_80_columns);
	suite_add_tcase(s, tc);
	return s;
}
