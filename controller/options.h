/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line and environment of podresctrld as plain values. Every option
 * --some-name can also be given as PODRESCTRL_SOME_NAME; the command line wins.
 */

#include "core.h"
#include "err.h"
#include "log.h"

#include <stdbool.h>
#include <stdint.h>

/* Which pods are published. */
enum publish_mode {
	PUBLISH_NONE,
	PUBLISH_ALL,
	PUBLISH_PROBLEMS, /* in trouble, now or until a minute ago */
	PUBLISH_SELECTED, /* by label or namespace */
};

struct options {
	/* node and runtime */
	const char *node_name;
	const char *nri_socket;
	const char *plugin_name;
	const char *plugin_index;
	const char *launch_socket; /* $NRI_PLUGIN_SOCKET: the runtime launched us; else NULL */

	/* resctrl */
	bool simulated;
	uint64_t simulated_rmids;
	uint64_t simulated_limbo_ms;
	const char *resctrl_root;
	const char *resctrl_host_root; /* NULL: the same */
	bool auto_mount;
	const char *group_prefix;
	enum rs_group_kind group_kind;
	enum core_cleanup_mode cleanup_mode;
	bool cleanup_at_exit;
	uint64_t rmid_reserve;

	/* finding tasks */
	const char *proc_root;
	const char *cgroup_root;
	bool check_pid_namespace;

	/* placing them */
	uint64_t max_reconcile_passes;
	uint64_t retry_interval_ms;
	uint64_t retry_backoff_max_ms;
	uint64_t audit_interval_ms;
	bool release_on_sandbox_stop;

	/* publishing */
	enum publish_mode publish;
	const char *publish_selector;   /* labels; NULL: any */
	const char *publish_namespaces; /* "shop,bank"; NULL: all */
	bool pod_watch;                 /* false: without the right to read pods */
	bool events;                    /* Kubernetes Events on the pods */
	const char *kubeconfig;         /* NULL: the pod's own service account */
	uint64_t publish_rate;          /* writes per second, sustained */
	uint64_t start_jitter_ms;

	/* operating it */
	const char *control_socket; /* NULL: none */
	const char *metrics_addr;   /* NULL: none */

	/* log */
	enum log_level log_level;
	enum log_format log_format;
	const char *log_to; /* "stderr", "syslog" or "syslog:SOCKET" */

	/* instead of running */
	bool help, version;
};

/* As getenv(); tests pass their own. */
typedef const char *options_getenv_fn(void *ctx, const char *name);

/*
 * Fill *RET from ARGV and the environment. Strings are borrowed from both. -EINVAL: the
 * message names the option and says what it takes.
 *
 * A plugin that the runtime launched has other defaults: it publishes nothing, because it
 * is told of no node and no API server; it logs to syslog, because its standard error leads
 * nowhere; name and index are those by which the runtime knows it.
 */
MUST_CHECK int options_parse(int argc, char **argv, options_getenv_fn *getenv_fn, void *ctx,
			     struct options *ret, struct err *e);

/*
 * The configuration that the runtime keeps for a plugin it launches, over what *OPTIONS has:
 * one option a line, "key=value" or "--key=value", a switch also as its bare name; empty lines
 * and those that begin with # mean nothing. TEXT is cut up and borrowed. -EINVAL: the message
 * has the line's number too, and *OPTIONS is as it was.
 */
MUST_CHECK int options_apply_text(struct options *options, char *text, struct err *e);

#define OPTIONS_SYSLOG_SOCKET "/dev/log"

/* Where log_to wants the log: a syslog socket, or NULL for standard error. */
const char *options_syslog_socket(const struct options *options);

/* The text of --help, for strbuf_str(); in 80 columns. */
struct strbuf;
void options_help(struct strbuf *out);
