/* SPDX-License-Identifier: Apache-2.0 */
#include "options_priv.h"

#include "name_list.h"
#include "nri.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const group_kinds[] = {"mon", "ctrl", NULL};
static const char *const cleanup_modes[] = {"orphans", "all", "off", NULL};
static const char *const publish_modes[] = {"none", "all", "problems", "selected", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"logfmt", "json", NULL};

/* The order of each list above is the order of the enum it fills. */
_Static_assert(RS_GROUP_MON == 0 && RS_GROUP_CTRL == 1, "group_kinds");
_Static_assert(CORE_CLEANUP_ORPHANS == 0 && CORE_CLEANUP_OFF == 2, "cleanup_modes");
_Static_assert(PUBLISH_NONE == 0 && PUBLISH_SELECTED == 3, "publish_modes");
_Static_assert(LOG_LEVEL_ERROR == 0 && LOG_LEVEL_DEBUG == 3, "log_levels");
_Static_assert(LOG_FORMAT_LOGFMT == 0 && LOG_FORMAT_JSON == 1, "log_formats");
_Static_assert(sizeof(enum log_level) == sizeof(int), "choices are stored as int");

#define FIELD(f)         .offset = offsetof(struct options, f)
#define HEADING(text)    .help = (text)
#define RANGE(low, high) .min = (low), .max = (high)
#define RELOAD           .reload = true
#define COMMAND          .command = true

/*
 * One table drives the command line, the environment, the file, the text of a plugin that the
 * runtime launches, --help and --check-config. A row without name is a heading. What can be
 * changed while the daemon runs is a RELOAD.
 */
static const struct option_spec specs[] = {
	{HEADING("Node and runtime")},
	{"node-name", "NAME", NULL, "this node's name in Kubernetes [$NODE_NAME]", KIND_TEXT,
	 FIELD(node_name)},
	{"nri-socket", "PATH", "/var/run/nri/nri.sock", "where the runtime listens for plugins",
	 KIND_TEXT, FIELD(nri_socket)},
	{"plugin-name", "NAME", "podresctrl", "name to register with", KIND_TEXT,
	 FIELD(plugin_name)},
	{"plugin-index", "NN", "90", "place among the plugins, 00 is called first", KIND_INDEX,
	 FIELD(plugin_index)},
	{HEADING("resctrl")},
	{"resctrl", "BACKEND", "real", "real, or simulated[,rmids=N][,limbo=TIME]", KIND_RESCTRL,
	 FIELD(simulated)},
	{"resctrl-root", "DIR", "/sys/fs/resctrl", "where resctrl is mounted", KIND_TEXT,
	 FIELD(resctrl_root)},
	{"resctrl-host-root", "DIR", NULL, "its name on the node, to publish [the same]", KIND_TEXT,
	 FIELD(resctrl_host_root)},
	{"auto-mount", NULL, NULL, "mount resctrl if it is not (needs SYS_ADMIN)", KIND_SWITCH,
	 FIELD(auto_mount)},
	{"group-prefix", "TEXT", "podresctrl-", "begins the name of every group of ours",
	 KIND_PREFIX, FIELD(group_prefix)},
	{"group-kind", "KIND", "mon", "mon (takes an RMID) or ctrl (takes a CLOSID)", KIND_CHOICE,
	 FIELD(group_kind), .choices = group_kinds},
	{"cleanup-mode", "MODE", "orphans", "groups removed at Synchronize: orphans, all or off",
	 KIND_CHOICE, FIELD(cleanup_mode), .choices = cleanup_modes},
	{"cleanup-at-exit", NULL, NULL, "remove all groups of ours when told to stop", KIND_SWITCH,
	 FIELD(cleanup_at_exit)},
	{"rmid-reserve", "N", "0", "RMIDs left to others", KIND_NUMBER, FIELD(rmid_reserve),
	 RANGE(0, 65535), RELOAD},
	{HEADING("Which pods get a group")},
	{"namespaces", "LIST", NULL, "only those of these namespaces: shop,bank", KIND_LIST,
	 FIELD(namespaces), RELOAD},
	{"exclude-namespaces", "LIST", NULL, "none of these namespaces: kube-system", KIND_LIST,
	 FIELD(exclude_namespaces), RELOAD},
	{"selector", "LABELS", NULL, "only those with these labels, as kubectl -l has it",
	 KIND_SELECTOR, FIELD(selector), RELOAD},
	{"opt-out", "on|off", "off", "leave out pods annotated podresctrl.io/ignore=true",
	 KIND_SWITCH, FIELD(opt_out), RELOAD},
	{HEADING("Finding tasks")},
	{"proc-root", "DIR", "/proc", "procfs of the host's PID namespace", KIND_TEXT,
	 FIELD(proc_root)},
	{"cgroup-root", "DIR", "/sys/fs/cgroup", "cgroup file system of the host", KIND_TEXT,
	 FIELD(cgroup_root)},
	{"pid-namespace-check", "on|off", "on", "refuse to run outside the host's PID namespace",
	 KIND_SWITCH, FIELD(check_pid_namespace)},
	{HEADING("Placing them")},
	{"max-reconcile-passes", "N", "8", "enumerations before a container is Partial",
	 KIND_NUMBER, FIELD(max_reconcile_passes), RANGE(1, 1000), RELOAD},
	{"retry-interval", "TIME", "10s", "first automatic retry; 0: only on request",
	 KIND_DURATION, FIELD(retry_interval_ms), RELOAD},
	{"retry-backoff-max", "TIME", "5m", "retries become rarer up to this", KIND_DURATION,
	 FIELD(retry_backoff_max_ms), RELOAD},
	{"audit-interval", "TIME", "30s", "look for tasks that NRI did not report; 0: off",
	 KIND_DURATION, FIELD(audit_interval_ms), RELOAD},
	{"release-on-sandbox-stop", NULL, NULL, "give the RMID back when the pod stops",
	 KIND_SWITCH, FIELD(release_on_sandbox_stop), RELOAD},
	{HEADING("Publishing")},
	{"publish", "MODE", "all", "pods to publish: all, problems, selected or none", KIND_CHOICE,
	 FIELD(publish), .choices = publish_modes},
	{"publish-selector", "LABELS", NULL, "only pods with these labels, as kubectl -l has it",
	 KIND_SELECTOR, FIELD(publish_selector)},
	{"publish-namespaces", "LIST", NULL, "only pods of these namespaces: shop,bank", KIND_LIST,
	 FIELD(publish_namespaces)},
	{"pod-watch", "on|off", "on", "off: publish without the right to read pods", KIND_SWITCH,
	 FIELD(pod_watch)},
	{"events", "on|off", "on", "Kubernetes Events when a pod fails or recovers", KIND_SWITCH,
	 FIELD(events)},
	{"kubeconfig", "PATH", NULL, "how to reach the API server [in-cluster]", KIND_TEXT,
	 FIELD(kubeconfig)},
	{"publish-rate", "N", "5", "requests per second at most, sustained", KIND_NUMBER,
	 FIELD(publish_rate), RANGE(1, 1000), RELOAD},
	{"start-jitter", "TIME", "10s", "the first request waits a random part of this",
	 KIND_DURATION, FIELD(start_jitter_ms)},
	{HEADING("Operating it")},
	{"control-socket", "PATH", "/run/podresctrl/podresctrld.sock",
	 "where podresctrl on the node asks; or off", KIND_OR_OFF, FIELD(control_socket)},
	{"metrics-addr", "ADDR", "off", "serve metrics and health, such as :9433", KIND_ADDRESS,
	 FIELD(metrics_addr)},
	{HEADING("Log, file and help")},
	{"log-level", "LEVEL", "info", "error, warn, info or debug", KIND_CHOICE, FIELD(log_level),
	 .choices = log_levels, RELOAD},
	{"log-format", "FORMAT", "logfmt", "logfmt or json", KIND_CHOICE, FIELD(log_format),
	 .choices = log_formats, RELOAD},
	{"log-to", "WHERE", "stderr", "stderr, or syslog[:SOCKET]", KIND_LOG_TO, FIELD(log_to),
	 RELOAD},
	{"config", "FILE", NULL, "YAML with these options: \"log-level: debug\"", KIND_TEXT,
	 FIELD(config)},
	{"check-config", NULL, NULL, "print what is in force and where it comes from", KIND_SWITCH,
	 FIELD(check_config), COMMAND},
	{"version", NULL, NULL, "print the version", KIND_SWITCH, FIELD(version), COMMAND},
	{"help", NULL, NULL, "print this text", KIND_SWITCH, FIELD(help), COMMAND},
};

_Static_assert(ARRAY_LEN(specs) <= OPTIONS_MAX, "origin[] has room for every row");

const struct option_spec *option_at(size_t i)
{
	return i < ARRAY_LEN(specs) ? &specs[i] : NULL;
}

int option_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		if (specs[i].name && strcmp(specs[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

bool option_is_in_files(const struct option_spec *spec)
{
	return !spec->command && spec->offset != offsetof(struct options, config);
}

static int from_defaults(struct options *o, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		int r = specs[i].fallback ? option_set(o, &specs[i], specs[i].fallback, e) : 0;

		if (r < 0)
			return r;
	}
	o->simulated_rmids = 32;
	o->simulated_limbo_ms = 3000;
	return 0;
}

static int from_all(const struct options_input *input, struct options *o, struct err *e)
{
	int r = from_defaults(o, e);

	options_from_launcher(o, input);
	/* First to learn of the file, which what comes next then overrides. */
	if (r == 0)
		r = options_from_environment(o, input, e);
	if (r == 0)
		r = options_from_arguments(o, input, e);
	if (r < 0 || o->help || o->version || !o->config)
		return r;
	r = options_from_file(o, o->config, e);
	if (r == 0)
		r = options_from_environment(o, input, e);
	return r == 0 ? options_from_arguments(o, input, e) : r;
}

/* About the option NAME, with the place in the file if that is where it was set. */
static int refuse(const struct options *o, const char *name, const char *text, struct err *e)
{
	int i = option_find(name);
	int r = err_set(e, -EINVAL, "%s", text);

	if (i >= 0 && o->origin[i].source == OPTION_FILE && o->config)
		err_prefix(e, "%s:%u", o->config, o->origin[i].line);
	return r;
}

static bool has_common_name(const char *list, const char *other)
{
	char name[64];

	while (list && other && *list) {
		size_t len = strcspn(list, ",");

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, list);
		if (name_list_has(other, name))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

int options_check_together(const struct options *o, struct err *e)
{
	if (o->help || o->version)
		return 0;
	if (o->publish && (!o->node_name || !*o->node_name))
		return refuse(o, "publish",
			      "--node-name: missing; give the node's name in Kubernetes, or set "
			      "NODE_NAME from spec.nodeName (or use --publish=none)",
			      e);
	if (o->publish == PUBLISH_SELECTED && !o->publish_selector && !o->publish_namespaces)
		return refuse(o, "publish",
			      "--publish: selected takes --publish-selector, "
			      "--publish-namespaces or both",
			      e);
	if (o->publish == PUBLISH_ALL && (o->publish_selector || o->publish_namespaces))
		return refuse(o, o->publish_selector ? "publish-selector" : "publish-namespaces",
			      "--publish-selector and --publish-namespaces: all means all; use "
			      "--publish=selected or problems",
			      e);
	if (o->publish && o->publish_selector && !o->pod_watch)
		return refuse(o, "publish-selector",
			      "--publish-selector: labels are told by the pod watch, which "
			      "--pod-watch=off turns off; use --publish-namespaces",
			      e);
	if (has_common_name(o->namespaces, o->exclude_namespaces))
		return refuse(
			o, "exclude-namespaces",
			"--exclude-namespaces: names a namespace that --namespaces names, too", e);
	if (o->retry_interval_ms && o->retry_backoff_max_ms < o->retry_interval_ms)
		return refuse(o, "retry-interval",
			      "--retry-backoff-max: must not be less than --retry-interval", e);
	return 0;
}

int options_parse(const struct options_input *input, struct options *ret, struct err *e)
{
	struct options o = {0};
	int r = from_all(input, &o, e);

	if (r == 0)
		r = options_check_together(&o, e);
	if (r < 0) {
		options_done(&o);
		return r;
	}
	*ret = o;
	return 0;
}

const char *options_syslog_socket(const struct options *options)
{
	if (strcmp(options->log_to, "syslog") == 0)
		return OPTIONS_SYSLOG_SOCKET;
	if (strncmp(options->log_to, OPTION_SYSLOG_AT, strlen(OPTION_SYSLOG_AT)) == 0)
		return options->log_to + strlen(OPTION_SYSLOG_AT);
	return NULL;
}
