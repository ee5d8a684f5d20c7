/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside of the operator link: operator_link.c has the sockets, operator_observe.c what is seen. */

#include "operator_link.h"

#include "control_api.h"
#include "control_events.h"
#include "control_retry.h"
#include "http_listen.h"
#include "metrics.h"
#include "probes.h"

#define ROUTES_MAX 12

struct operator_link {
	struct operator_link_deps deps;
	struct control_api api;
	struct control_retry retry;
	ev_timer retry_work;
	struct control_events *events; /* NULL without a control socket */
	struct http_socket_file socket_file;
	struct http_server *control; /* NULL: none */
	struct http_route control_routes[ROUTES_MAX + 1];

	struct http_server *metrics; /* NULL: none, or not yet */
	struct http_route metrics_routes[ROUTES_MAX + 1];
	ev_timer listen_again;
	int last_failure; /* that the log told of */

	struct probes live, ready;
	struct metrics_counts counts;
	int64_t start_ms;   /* of the daemon, since 1970 */
	uint64_t looked_ms; /* when the tree was looked at; 0: never */
	int resctrl_code;
	bool has_capacity;
	struct rs_capacity capacity;
};

void operator_init_probes(struct operator_link *link);
void operator_handle_metrics(void *ctx, const struct http_request *request,
			     struct http_reply *reply);
