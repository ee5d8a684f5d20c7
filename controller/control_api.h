/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The control API of the unix socket: pods, retries, capacity. Answers are JSON;
 * docs/control-api.md describes them.
 */

#include "core.h"
#include "http_server.h"
#include "status_render.h"

/* Everything is borrowed. */
struct control_api {
	const char *node_name;
	const char *group_prefix, *root_name;
	bool simulated;
	enum rs_group_kind group_kind;
	uint64_t rmid_reserve;
	struct core *core;
	struct rs *rs;
	bool (*is_synchronized)(void *ctx);
	void (*on_activity)(void *ctx); /* the core may have work to do */
	uint64_t (*now_ms)(void);
	void *ctx;

	uint64_t retries[STATUS_RETRY_RESULT_MAX]; /* answered, by result */
};

#define CONTROL_API_ROUTES 4

/* Puts its CONTROL_API_ROUTES routes into RET. API must outlive their server. */
void control_api_routes(struct control_api *api, struct http_route *ret);
