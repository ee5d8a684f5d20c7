/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line of podresctrl as plain values. One table has the commands, one the options. */

#include "err.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stdint.h>

enum command {
	COMMAND_LIST,
	COMMAND_SHOW,
	COMMAND_RETRY,
	COMMAND_CAPACITY,
	COMMAND_EVENTS,
	COMMAND_EXPLAIN,
	COMMAND_COMPLETION,
	COMMAND_VERSION,
	COMMAND_HELP,
	COMMAND_MAX,
};

enum output {
	OUTPUT_TEXT,
	OUTPUT_JSON, /* the daemon's words */
	OUTPUT_NAME, /* NAMESPACE/POD lines */
};

#define ARGS_SOCKET_DEFAULT "/run/podresctrl/podresctrld.sock"

struct args {
	enum command command;
	const char *operand; /* POD, REASON or SHELL; NULL for none */
	const char *socket;
	const char *namespace_; /* NULL: all */
	enum output output;
	uint64_t timeout_ms;
	bool all, follow;
};

/*
 * Strings are borrowed from ARGV and from SOCKET_ENV, which is what the environment names or NULL.
 * -EINVAL: the message says what is wrong.
 */
MUST_CHECK int args_parse(int argc, char **argv, const char *socket_env, struct args *ret,
			  struct err *e);

/* The text of `podresctrl help`, in 80 columns. */
void args_help(struct strbuf *out);

/* Names of commands, and of options with their dashes, each with a blank behind it: for
 * completions. */
void args_command_names(struct strbuf *out);
void args_option_names(struct strbuf *out);
