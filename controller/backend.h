/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The resctrl tree the daemon works on: the kernel's, or the simulated one. */

#include "err.h"
#include "resctrl.h"

struct backend;
struct log;
struct options;

/*
 * A tree that cannot be used now (not mounted, read-only, ...) is no error: it is said in
 * the log, and every pod's group fails with the reason until it can be.
 */
MUST_CHECK int backend_new(const struct options *options, struct log *log, struct backend **ret,
			   struct err *e);
void backend_free(struct backend *backend);

/*
 * For a daemon that does not come back: remove every group whose name begins with PREFIX, whoever
 * made it, and log how many went and how many could not be removed.
 */
void backend_remove_groups(struct backend *backend, const char *prefix, struct log *log);

struct rs *backend_resctrl(struct backend *backend);

/* How the root is called in paths that people see: where a real tree is, or would be. */
const char *backend_root_name(const struct backend *backend);
