/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The other side of the HTTP server, in the same thread: clients on a unix socket, and the loop
 * that is run while one of them waits. Waiting ends with what it waits for, or aborts the test
 * after long enough.
 */

#include "http_server.h"

#include <ev.h>

struct http_bench {
	struct ev_loop *loop;
	struct http_server *server;
	char dir[64], path[96];
};

/* A server with ROUTES on a socket of its own. */
void http_bench_start(struct http_bench *b, const struct http_route *routes,
		      unsigned max_connections);
void http_bench_stop(struct http_bench *b);

/* The server's clock, in ms; only tests move it. */
extern uint64_t http_bench_now_ms;
uint64_t http_bench_clock(void);

/* Let the server do what it has to do now. */
void http_bench_turn(struct http_bench *b);

int http_bench_connect(struct http_bench *b);
void http_bench_send(struct http_bench *b, int fd, const char *text, size_t len);

/*
 * Take what comes until the server closes, or until TEXT (may be NULL) was in it. Returns
 * everything, in a buffer of the bench; "" when it closed without a word.
 */
const char *http_bench_read(struct http_bench *b, int fd, const char *text);
bool http_bench_is_closed(struct http_bench *b, int fd); /* by the server, with nothing unread */

/* One request on a connection of its own: "GET /x", and the whole answer. */
const char *http_bench_ask(struct http_bench *b, const char *request);
/* The same; only the body, after checking the status. */
const char *http_bench_body(struct http_bench *b, const char *request, int status);
