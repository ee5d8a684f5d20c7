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

struct options {
	/* node and runtime */
	const char *node_name;
	const char *nri_socket;
	const char *plugin_name;
	const char *plugin_index;

	/* resctrl */
	bool simulated;
	uint64_t simulated_rmids;
	uint64_t simulated_limbo_ms;
	const char *resctrl_root;
	bool auto_mount;
	const char *group_prefix;
	enum rs_group_kind group_kind;
	enum core_cleanup_mode cleanup_mode;
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
	bool publish;
	const char *kubeconfig; /* NULL: the pod's own service account */
	uint64_t publish_rate;  /* writes per second, sustained */
	uint64_t start_jitter_ms;

	/* log */
	enum log_level log_level;
	enum log_format log_format;

	/* instead of running */
	bool help, version;
};

/* As getenv(); tests pass their own. */
typedef const char *options_getenv_fn(void *ctx, const char *name);

/*
 * Fill *RET from ARGV and the environment. Strings are borrowed from both. -EINVAL: the
 * message names the option and says what it takes.
 */
MUST_CHECK int options_parse(int argc, char **argv, options_getenv_fn *getenv_fn, void *ctx,
			     struct options *ret, struct err *e);

/* The text of --help, for strbuf_str(); in 80 columns. */
struct strbuf;
void options_help(struct strbuf *out);
