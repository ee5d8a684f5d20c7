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

/* OPTIONS and LOG are borrowed and must outlive the daemon. */
MUST_CHECK int daemon_new(const struct options *options, struct log *log, struct daemon **ret,
			  struct err *e);

/* Runs until SIGTERM or SIGINT, or until the one connection of a launched plugin ends. */
void daemon_run(struct daemon *d);

/* Leaves every group in place, so that counters go on. */
void daemon_free(struct daemon *d);
