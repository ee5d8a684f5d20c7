/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The control API of the unix socket that only reads: pods and capacity. Answers are JSON;
 * docs/control-api.md describes them.
 */

#include "core.h"
#include "http_server.h"

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
	void *ctx;
};

#define CONTROL_API_ROUTES 3

/* Puts its CONTROL_API_ROUTES routes into RET. API must outlive their server. */
void control_api_routes(struct control_api *api, struct http_route *ret);
