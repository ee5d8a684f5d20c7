/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * /livez, /healthz and /readyz, as kubelet's probes want them.
 *
 * Alive means that the event loop turns, and nothing else: who restarts a daemon because the API
 * server, the runtime or resctrl is away makes it worse. Ready means that pods get their
 * groups: the runtime is connected and what it listed is placed, resctrl can be used, and the
 * first list of pods came from the API server; when that goes away later, nothing changes.
 */

#include "http_server.h"

struct probe_check {
	const char *name;
	/* NULL when all is well, else why not, in BUF or elsewhere. */
	const char *(*check)(void *ctx, char *buf, size_t size);
};

struct probes {
	const struct probe_check *checks; /* ended by one without a name */
	void *ctx;
	const char *title; /* "readyz" */
};

/* A route's handler; the context is the struct probes. `?verbose` tells each check. */
void probes_handle(void *ctx, const struct http_request *request, struct http_reply *reply);
