/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * podresctrld, joined together: the resctrl backend, the task finder, the core, the line to
 * the runtime and the line to the API server, on one event loop.
 */

#include "err.h"

struct daemon;
struct log;
struct options;
struct options_input;

/* Level, format and place of the log as the options say. */
void daemon_set_log(const struct options *options, struct log *log);

/*
 * What OPTIONS points to, INPUT and LOG are borrowed and must outlive the daemon. On SIGHUP it
 * reads INPUT again and changes what can be changed. A plugin that the
 * runtime launched is built only when the runtime has told it its configuration.
 */
MUST_CHECK int daemon_new(const struct options *options, const struct options_input *input,
			  struct log *log, struct daemon **ret, struct err *e);

/*
 * Runs until SIGTERM or SIGINT, or until the one connection of a launched plugin ends. Negative
 * when that plugin could not run at all; the log has said why.
 */
MUST_CHECK int daemon_run(struct daemon *d);

/* Leaves every group in place, so that counters go on. */
void daemon_free(struct daemon *d);
