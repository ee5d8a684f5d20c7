/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "http_listen.h"
#include "nri.h"
#include "num.h"
#include "strbuf.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MS_PER_DAY 86400000u
#define SYSLOG_AT  "syslog:"
#define BLANKS     " \t\r"

/* How the text of an option becomes its value. */
enum kind {
	KIND_TEXT,     /* not empty */
	KIND_OR_OFF,   /* text; "off" and nothing are NULL */
	KIND_ADDRESS,  /* likewise, of ADDRESS:PORT */
	KIND_SWITCH,   /* takes no value */
	KIND_NUMBER,   /* .min to .max */
	KIND_DURATION, /* ms */
	KIND_CHOICE,   /* one of .choices; the value is the index */
	KIND_RESCTRL,  /* "real", "simulated,rmids=N,limbo=D" */
	KIND_PREFIX,   /* of group names */
	KIND_INDEX,    /* two digits */
	KIND_LOG_TO,   /* "stderr", "syslog", "syslog:SOCKET" */
};

struct spec {
	const char *name, *argument, *fallback, *help; /* fallback: NULL for none */
	enum kind kind;
	size_t offset; /* of the field in struct options */
	uint64_t min, max;
	const char *const *choices;
};

static const char *const group_kinds[] = {"mon", "ctrl", NULL};
static const char *const cleanup_modes[] = {"orphans", "all", "off", NULL};
static const char *const on_off[] = {"off", "on", NULL};
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

/* One table drives the parser, the environment and --help. A row without name is a heading. */
static const struct spec specs[] = {
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
	{"cleanup-mode", "MODE", "orphans", "groups removed at start: orphans, all or off",
	 KIND_CHOICE, FIELD(cleanup_mode), .choices = cleanup_modes},
	{"cleanup-at-exit", NULL, NULL, "remove all groups of ours when told to stop", KIND_SWITCH,
	 FIELD(cleanup_at_exit)},
	{"rmid-reserve", "N", "0", "RMIDs left to others", KIND_NUMBER, FIELD(rmid_reserve),
	 RANGE(0, 65535)},
	{HEADING("Finding tasks")},
	{"proc-root", "DIR", "/proc", "procfs of the host's PID namespace", KIND_TEXT,
	 FIELD(proc_root)},
	{"cgroup-root", "DIR", "/sys/fs/cgroup", "cgroup file system of the host", KIND_TEXT,
	 FIELD(cgroup_root)},
	{"pid-namespace-check", "on|off", "on", "refuse to run outside the host's PID namespace",
	 KIND_CHOICE, FIELD(check_pid_namespace), .choices = on_off},
	{HEADING("Placing them")},
	{"max-reconcile-passes", "N", "8", "enumerations before a container is Partial",
	 KIND_NUMBER, FIELD(max_reconcile_passes), RANGE(1, 1000)},
	{"retry-interval", "TIME", "10s", "first automatic retry; 0: only on request",
	 KIND_DURATION, FIELD(retry_interval_ms)},
	{"retry-backoff-max", "TIME", "5m", "retries become rarer up to this", KIND_DURATION,
	 FIELD(retry_backoff_max_ms)},
	{"audit-interval", "TIME", "30s", "look for tasks that NRI did not report; 0: off",
	 KIND_DURATION, FIELD(audit_interval_ms)},
	{"release-on-sandbox-stop", NULL, NULL, "give the RMID back when the pod stops",
	 KIND_SWITCH, FIELD(release_on_sandbox_stop)},
	{HEADING("Publishing")},
	{"publish", "MODE", "all", "pods to publish: all, problems, selected or none", KIND_CHOICE,
	 FIELD(publish), .choices = publish_modes},
	{"publish-selector", "LABELS", NULL, "only pods with these labels, as kubectl -l has it",
	 KIND_TEXT, FIELD(publish_selector)},
	{"publish-namespaces", "LIST", NULL, "only pods of these namespaces: shop,bank", KIND_TEXT,
	 FIELD(publish_namespaces)},
	{"pod-watch", "on|off", "on", "off: publish without the right to read pods", KIND_CHOICE,
	 FIELD(pod_watch), .choices = on_off},
	{"events", "on|off", "on", "Kubernetes Events when a pod fails or recovers", KIND_CHOICE,
	 FIELD(events), .choices = on_off},
	{"kubeconfig", "PATH", NULL, "how to reach the API server [in-cluster]", KIND_TEXT,
	 FIELD(kubeconfig)},
	{"publish-rate", "N", "5", "writes per second at most, sustained", KIND_NUMBER,
	 FIELD(publish_rate), RANGE(1, 1000)},
	{"start-jitter", "TIME", "10s", "the first request waits a random part of this",
	 KIND_DURATION, FIELD(start_jitter_ms)},
	{HEADING("Operating it")},
	{"control-socket", "PATH", "/run/podresctrl/podresctrld.sock",
	 "where podresctrl on the node asks; or off", KIND_OR_OFF, FIELD(control_socket)},
	{"metrics-addr", "ADDR", "off", "serve metrics and health, such as :9433",
	 KIND_ADDRESS, FIELD(metrics_addr)},
	{HEADING("Log and help")},
	{"log-level", "LEVEL", "info", "error, warn, info or debug", KIND_CHOICE, FIELD(log_level),
	 .choices = log_levels},
	{"log-format", "FORMAT", "logfmt", "logfmt or json", KIND_CHOICE, FIELD(log_format),
	 .choices = log_formats},
	{"log-to", "WHERE", "stderr", "stderr, or syslog[:SOCKET]", KIND_LOG_TO, FIELD(log_to)},
	{"version", NULL, NULL, "print the version", KIND_SWITCH, FIELD(version)},
	{"help", NULL, NULL, "print this text", KIND_SWITCH, FIELD(help)},
};

static void *field_of(struct options *o, const struct spec *spec)
{
	return (char *)o + spec->offset;
}

static int bad_value(struct err *e, const struct spec *spec, const char *value, const char *wanted)
{
	return err_set(e, -EINVAL, "--%s: '%.100s' is not right: it takes %s", spec->name, value,
		       wanted);
}

static int set_choice(struct options *o, const struct spec *spec, const char *value, struct err *e)
{
	char wanted[96] = "";
	size_t len = 0;

	for (int i = 0; spec->choices[i]; i++) {
		if (strcmp(value, spec->choices[i]) == 0) {
			/* An on/off choice fills a bool, all others an enum, which is an int. */
			if (spec->choices == on_off)
				*(bool *)field_of(o, spec) = i != 0;
			else
				*(int *)field_of(o, spec) = i;
			return 0;
		}
		len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s%s", i ? ", " : "",
					spec->choices[i]);
	}
	return bad_value(e, spec, value, wanted);
}

static int set_number(struct options *o, const struct spec *spec, const char *value, struct err *e)
{
	char wanted[96];
	uint64_t n;

	if (num_parse_u64(value, strlen(value), spec->max, &n) < 0 || n < spec->min) {
		(void)snprintf(wanted, sizeof(wanted), "a number from %llu to %llu",
			       (unsigned long long)spec->min, (unsigned long long)spec->max);
		return bad_value(e, spec, value, wanted);
	}
	*(uint64_t *)field_of(o, spec) = n;
	return 0;
}

static int set_duration(struct options *o, const struct spec *spec, const char *value,
			struct err *e)
{
	if (num_parse_duration_ms(value, MS_PER_DAY, field_of(o, spec)) < 0)
		return bad_value(e, spec, value, "a time such as 500ms, 10s, 5m, 1h, or 0");
	return 0;
}

/* One ",key=value" of the simulated backend; *TEXT moves behind it. */
static bool take_simulated_setting(struct options *o, const char **text)
{
	char value[24];
	size_t len;
	bool is_rmids = strncmp(*text, ",rmids=", 7) == 0;

	if (!is_rmids && strncmp(*text, ",limbo=", 7) != 0)
		return false;
	*text += 7;
	len = strcspn(*text, ",");
	if (len >= sizeof(value))
		return false;
	memcpy(value, *text, len);
	value[len] = '\0';
	*text += len;
	if (is_rmids)
		return num_parse_u64(value, len, 65536, &o->simulated_rmids) == 0 &&
		       o->simulated_rmids >= 2;
	return num_parse_duration_ms(value, MS_PER_DAY, &o->simulated_limbo_ms) == 0;
}

static int set_resctrl(struct options *o, const struct spec *spec, const char *value, struct err *e)
{
	const char *rest = value + strlen("simulated");
	bool good = true;

	o->simulated = false;
	if (strcmp(value, "real") == 0)
		return 0;
	if (strncmp(value, "simulated", strlen("simulated")) == 0) {
		o->simulated = true;
		while (good && *rest)
			good = take_simulated_setting(o, &rest);
		if (good)
			return 0;
	}
	return bad_value(e, spec, value,
			 "real, or simulated with ,rmids=N (2 to 65536) and ,limbo=TIME");
}

static int set_prefix(struct options *o, const struct spec *spec, const char *value, struct err *e)
{
	static const char *const reserved[] = {"mon_groups", "mon_data", "info"};
	size_t len = strlen(value);
	bool good = len >= 1 && len <= 64 &&
		    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-_") == len;

	/* A reserved name, or the beginning of one, would match resctrl's own directories. */
	for (size_t i = 0; good && i < ARRAY_LEN(reserved); i++)
		good = strncmp(reserved[i], value, len) != 0;
	if (!good)
		return bad_value(
			e, spec, value,
			"1 to 64 letters, digits, '-' and '_', and no name of resctrl's own");
	*(const char **)field_of(o, spec) = value;
	return 0;
}

static int set_value(struct options *o, const struct spec *spec, const char *value, struct err *e)
{
	struct http_address address;

	switch (spec->kind) {
	case KIND_SWITCH:
		*(bool *)field_of(o, spec) = true;
		return 0;
	case KIND_NUMBER:
		return set_number(o, spec, value, e);
	case KIND_DURATION:
		return set_duration(o, spec, value, e);
	case KIND_CHOICE:
		return set_choice(o, spec, value, e);
	case KIND_RESCTRL:
		return set_resctrl(o, spec, value, e);
	case KIND_PREFIX:
		return set_prefix(o, spec, value, e);
	case KIND_INDEX:
		if (strlen(value) != 2 || strspn(value, "0123456789") != 2)
			return bad_value(e, spec, value, "two digits, 00 to 99");
		break;
	case KIND_LOG_TO:
		if (strcmp(value, "stderr") != 0 && strcmp(value, "syslog") != 0 &&
		    (strncmp(value, SYSLOG_AT, strlen(SYSLOG_AT)) != 0 ||
		     !value[strlen(SYSLOG_AT)]))
			return bad_value(e, spec, value, "stderr, syslog or syslog:SOCKET");
		break;
	case KIND_ADDRESS:
		if (*value && strcmp(value, "off") != 0 &&
		    http_address_parse(value, &address, NULL) < 0)
			return bad_value(e, spec, value,
					 "ADDRESS:PORT such as 127.0.0.1:9433, [::1]:9433 or :9433 "
					 "for all addresses, or off");
		/* fallthrough */
	case KIND_OR_OFF:
		if (!*value || strcmp(value, "off") == 0)
			value = NULL;
		break;
	case KIND_TEXT:
		if (!*value)
			return bad_value(e, spec, value, "some text");
		break;
	}
	*(const char **)field_of(o, spec) = value;
	return 0;
}

static int from_defaults(struct options *o, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		int r = specs[i].fallback ? set_value(o, &specs[i], specs[i].fallback, e) : 0;

		if (r < 0)
			return r;
	}
	o->simulated_rmids = 32;
	o->simulated_limbo_ms = 3000;
	return 0;
}

/* See options_parse(). What the runtime leaves out of the environment stays as it is. */
static void launched_defaults(struct options *o, options_getenv_fn *getenv_fn, void *ctx)
{
	const char *name = getenv_fn(ctx, "NRI_PLUGIN_NAME");
	const char *index = getenv_fn(ctx, "NRI_PLUGIN_IDX");

	o->launch_socket = getenv_fn(ctx, NRI_PLUGIN_SOCKET);
	if (!o->launch_socket)
		return;
	o->publish = PUBLISH_NONE;
	o->log_to = "syslog";
	if (name && *name)
		o->plugin_name = name;
	if (index && *index)
		o->plugin_index = index;
}

/* "retry-interval" is PODRESCTRL_RETRY_INTERVAL. */
static void environment_name(const char *name, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "PODRESCTRL_%s", name);

	for (size_t i = 0; i < len && i < size; i++) {
		if (buf[i] == '-')
			buf[i] = '_';
		else if (buf[i] >= 'a' && buf[i] <= 'z')
			buf[i] = (char)(buf[i] - 'a' + 'A');
	}
}

static int from_environment(struct options *o, options_getenv_fn *getenv_fn, void *ctx,
			    struct err *e)
{
	o->node_name = getenv_fn(ctx, "NODE_NAME");
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		const char *value;
		char name[64];
		int r;

		if (!specs[i].name)
			continue;
		environment_name(specs[i].name, name, sizeof(name));
		value = getenv_fn(ctx, name);
		/* A switch in the environment is on for any value but these. */
		if (!value || (specs[i].kind == KIND_SWITCH &&
			       (!*value || !strcmp(value, "0") || !strcmp(value, "false"))))
			continue;
		r = set_value(o, &specs[i], value, e);
		if (r < 0) {
			err_prefix(e, "environment %s", name);
			return r;
		}
	}
	return 0;
}

static int from_arguments(struct options *o, int argc, char **argv, struct err *e)
{
	struct option longs[ARRAY_LEN(specs) + 1] = {0};
	size_t index[ARRAY_LEN(specs)], n = 0;
	int which, c;

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		if (!specs[i].name)
			continue;
		longs[n].name = specs[i].name;
		longs[n].has_arg = specs[i].kind == KIND_SWITCH ? no_argument : required_argument;
		index[n++] = i;
	}
	optind = 0; /* start afresh, also on a second call */
	opterr = 0;
	/* The program has one thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while ((c = getopt_long(argc, argv, ":h", longs, &which)) != -1) {
		int r;

		if (c == 'h') {
			o->help = true;
			continue;
		}
		if (c == ':')
			return err_set(e, -EINVAL, "%s: needs a value", argv[optind - 1]);
		if (c != 0)
			return err_set(e, -EINVAL, "%s: no such option, or it takes no value",
				       argv[optind - 1]);
		r = set_value(o, &specs[index[which]], optarg, e);
		if (r < 0)
			return r;
	}
	if (optind < argc)
		return err_set(e, -EINVAL, "%s: options begin with --", argv[optind]);
	return 0;
}

static int check_together(const struct options *o, struct err *e)
{
	if (o->help || o->version)
		return 0;
	if (o->publish && (!o->node_name || !*o->node_name))
		return err_set(e, -EINVAL,
			       "--node-name: missing; give the node's name in Kubernetes, or set "
			       "NODE_NAME from spec.nodeName (or use --publish=none)");
	if (o->publish == PUBLISH_SELECTED && !o->publish_selector && !o->publish_namespaces)
		return err_set(e, -EINVAL,
			       "--publish: selected takes --publish-selector, "
			       "--publish-namespaces or both");
	if (o->publish == PUBLISH_ALL && (o->publish_selector || o->publish_namespaces))
		return err_set(e, -EINVAL,
			       "--publish-selector and --publish-namespaces: all means all; use "
			       "--publish=selected or problems");
	if (o->publish && o->publish_selector && !o->pod_watch)
		return err_set(e, -EINVAL,
			       "--publish-selector: labels are told by the pod watch, which "
			       "--pod-watch=off turns off; use --publish-namespaces");
	if (o->retry_interval_ms && o->retry_backoff_max_ms < o->retry_interval_ms)
		return err_set(e, -EINVAL,
			       "--retry-backoff-max: must not be less than --retry-interval");
	return 0;
}

int options_parse(int argc, char **argv, options_getenv_fn *getenv_fn, void *ctx,
		  struct options *ret, struct err *e)
{
	struct options o = {0};
	int r = from_defaults(&o, e);

	launched_defaults(&o, getenv_fn, ctx);
	if (r == 0)
		r = from_environment(&o, getenv_fn, ctx, e);
	if (r == 0)
		r = from_arguments(&o, argc, argv, e);
	if (r == 0)
		r = check_together(&o, e);
	if (r == 0)
		*ret = o;
	return r;
}

static const struct spec *find_spec(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		if (specs[i].name && strcmp(specs[i].name, name) == 0)
			return &specs[i];
	}
	return NULL;
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

/* A switch is set by its bare name and by "true", and not by "false". */
static int set_switch(struct options *o, const struct spec *spec, const char *value, struct err *e)
{
	bool is_on = !value || strcmp(value, "true") == 0;

	if (!is_on && strcmp(value, "false") != 0)
		return bad_value(e, spec, value, "true or false");
	*(bool *)field_of(o, spec) = is_on;
	return 0;
}

static int apply_line(struct options *o, char *line, struct err *e)
{
	char *value, *name = trim(line);
	const struct spec *spec;

	if (!*name || *name == '#')
		return 0;
	name += strncmp(name, "--", 2) == 0 ? 2 : 0;
	value = strchr(name, '=');
	if (value) {
		*value++ = '\0';
		value = trim(value);
	}
	spec = find_spec(trim(name));
	if (!spec || spec->offset == offsetof(struct options, help) ||
	    spec->offset == offsetof(struct options, version))
		return err_set(e, -EINVAL, "%.100s: no such option", name);
	if (spec->kind == KIND_SWITCH)
		return set_switch(o, spec, value, e);
	if (!value)
		return err_set(e, -EINVAL, "--%s: needs a value", spec->name);
	return set_value(o, spec, value, e);
}

int options_apply_text(struct options *options, char *text, struct err *e)
{
	struct options o = *options;
	unsigned number = 0;
	int r = 0;

	while (text && r == 0) {
		char *line = strsep(&text, "\n");

		number++;
		r = apply_line(&o, line, e);
	}
	if (r < 0) {
		err_prefix(e, "configuration, line %u", number);
		return r;
	}
	r = check_together(&o, e);
	if (r == 0)
		*options = o;
	return r;
}

const char *options_syslog_socket(const struct options *options)
{
	if (strcmp(options->log_to, "syslog") == 0)
		return OPTIONS_SYSLOG_SOCKET;
	if (strncmp(options->log_to, SYSLOG_AT, strlen(SYSLOG_AT)) == 0)
		return options->log_to + strlen(SYSLOG_AT);
	return NULL;
}

static void help_row(struct strbuf *out, const struct spec *spec)
{
	char flag[48];
	int width;

	width = snprintf(flag, sizeof(flag), "--%s%s%s", spec->name, spec->argument ? "=" : "",
			 spec->argument ? spec->argument : "");
	if (width > 26)
		(void)strbuf_addf(out, "  %s\n%30s%s", flag, "", spec->help);
	else
		(void)strbuf_addf(out, "  %-27s %s", flag, spec->help);
	if (spec->fallback && spec->kind != KIND_SWITCH &&
	    strlen(spec->help) + strlen(spec->fallback) <= 47)
		(void)strbuf_addf(out, " [%s]", spec->fallback);
	else if (spec->fallback)
		(void)strbuf_addf(out, "\n%30s[%s]", "", spec->fallback);
	(void)strbuf_addc(out, '\n');
}

void options_help(struct strbuf *out)
{
	(void)strbuf_adds(out,
			  "podresctrld keeps the tasks of every pod of this node in one resctrl\n"
			  "group and publishes the result as PodResctrlStatus objects.\n"
			  "\n"
			  "Usage: podresctrld [OPTION]...\n");
	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		if (specs[i].name)
			help_row(out, &specs[i]);
		else
			(void)strbuf_addf(out, "\n%s:\n", specs[i].help);
	}
	(void)strbuf_adds(out, "\nEvery option is also read from the environment: --node-name is\n"
			       "PODRESCTRL_NODE_NAME; the command line wins. [default]\n");
}
