/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The configuration of podresctrld as plain values. The option --some-name of the command
 * line is PODRESCTRL_SOME_NAME in the environment and some-name in the YAML file that
 * --config names; the command line wins over the environment, that over the file, and that
 * over the default. docs/configuration.md is for people.
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

#define OPTIONS_MAX 64 /* rows of the table, at most */

/* Where a value comes from; what is further down wins. */
enum option_source {
	OPTION_DEFAULT,
	OPTION_RUNTIME, /* that launched the plugin, and knows its name */
	OPTION_FILE,
	OPTION_ENVIRONMENT,
	OPTION_FLAG,
};

struct option_origin {
	enum option_source source;
	unsigned line;        /* of the file or the runtime's text; 0: none */
	const char *variable; /* of the environment, if not PODRESCTRL_...; else NULL */
};

/* Texts that came from a file; a value borrows from them. */
struct option_string;

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

	/* which pods get a group: see pod_filter.h */
	const char *namespaces, *exclude_namespaces, *selector;
	bool opt_out;

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
	uint64_t publish_rate;          /* requests per second, sustained */
	uint64_t start_jitter_ms;

	/* operating it */
	const char *control_socket; /* NULL: none */
	const char *metrics_addr;   /* NULL: none */

	/* log */
	enum log_level log_level;
	enum log_format log_format;
	const char *log_to; /* "stderr", "syslog" or "syslog:SOCKET" */

	/* the file, NULL for none; and instead of running */
	const char *config;
	bool check_config, help, version;

	struct option_origin origin[OPTIONS_MAX]; /* by the option's place in the table */
	struct option_string *strings;            /* see options_done() */
};

/* As getenv(); tests pass their own. */
typedef const char *options_getenv_fn(void *ctx, const char *name);

/* Where the options are read, again on every reload; everything is borrowed. */
struct options_input {
	int argc;
	char **argv;
	options_getenv_fn *getenv_fn;
	void *ctx;
};

/*
 * Fill *RET from the command line, the environment and the file they name. Other strings than
 * the file's are borrowed from INPUT. The caller calls options_done() on it at the end; copies
 * of the struct borrow. -EINVAL: the message names the option and where it was set, and says
 * what it takes. The same, or another negative errno, for a file that cannot be read.
 *
 * A plugin that the runtime launched has other defaults: it publishes nothing, because it
 * is told of no node and no API server; it logs to syslog, because its standard error leads
 * nowhere; name and index are those by which the runtime knows it.
 */
MUST_CHECK int options_parse(const struct options_input *input, struct options *ret, struct err *e);
void options_done(struct options *options);

/* One option with another value than before; texts as in a file, "" for none. */
struct options_change {
	const char *name, *from, *to;
	const char *origin; /* where the new value comes from: "file:3" */
	bool needs_restart;
};

/* Tell FN each difference of NOW, what is in force, to WANTED, what was read again. */
typedef void options_change_fn(void *ctx, const struct options_change *change);
void options_compare(const struct options *now, const struct options *wanted, options_change_fn *fn,
		     void *ctx);

/*
 * Take over from *WANTED what can be changed while the daemon runs; WANTED is used up. Texts that
 * *NOW owned and no longer refers to are freed: nobody may borrow them any more.
 */
void options_take(struct options *now, struct options *wanted);

#define OPTIONS_FILE_MAX (64u << 10) /* bytes of a configuration file */

/*
 * One YAML mapping from option names to values, in TEXT of LEN bytes, over what *OPTIONS has.
 * NAME is how messages call the file. -EINVAL: the message begins with NAME:line:column;
 * -ENOMEM. *OPTIONS is then as it was.
 */
MUST_CHECK int options_apply_yaml(struct options *options, const char *name, const char *text,
				  size_t len, struct err *e);

/*
 * The configuration that the runtime keeps for a plugin it launches, over what *OPTIONS has:
 * YAML as in a file; or one option a line, "key=value" or "--key=value", a switch also as its
 * bare name; empty lines and those that begin with # mean nothing. TEXT is cut up and borrowed.
 * -EINVAL: the message has the line's number too, and *OPTIONS is as it was.
 */
MUST_CHECK int options_apply_text(struct options *options, char *text, struct err *e);

#define OPTIONS_SYSLOG_SOCKET "/dev/log"

/* Where log_to wants the log: a syslog socket, or NULL for standard error. */
const char *options_syslog_socket(const struct options *options);

/* The text of --help, for strbuf_str(); in 80 columns. */
struct strbuf;
void options_help(struct strbuf *out);

/*
 * The text of --check-config: every option as it is in force and where that comes from, in 80
 * columns; it is a YAML file with the same meaning.
 */
void options_print(struct strbuf *out, const struct options *options);
