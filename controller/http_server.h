/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A small HTTP/1.1 server on one listening socket, driven by the daemon's event loop:
 * libmicrohttpd without threads. Only GET, HEAD and POST. Whoever connects may be hostile,
 * so everything has a limit: header and body size, connections (the oldest makes room for a
 * new one), and the time that an exchange may take, from connecting or the last answer to the
 * end of the next answer, however slowly the bytes come.
 *
 * Errors are answered as {"error":{"reason":"NotFound","message":"..."}}.
 */

#include "err.h"
#include "strbuf.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_HEAD_MAX  16384 /* request line and headers, in bytes */
#define HTTP_BODY_MAX  4096  /* of a request; it is read and not looked at */
#define HTTP_PATH_MAX  1024
#define HTTP_REPLY_MAX (64u << 20)

struct http_server;
struct http_stream;

enum http_method {
	HTTP_GET = 1, /* HEAD too: the server leaves the body out */
	HTTP_POST = 2,
};

struct http_request {
	const char *path; /* decoded; begins with '/' */
	const char *rest; /* what follows the route's path; "" unless the route is a prefix */
	enum http_method method;
	void *connection; /* the server's */
};

/* The value of a query parameter, decoded: NULL when it is not there, "" when it has none. */
const char *http_query(const struct http_request *request, const char *name);

/*
 * -EINVAL when the query has a parameter other than NAMES (ended by NULL), one of them twice,
 * or one whose value has a NUL byte.
 */
MUST_CHECK int http_query_check(const struct http_request *request, const char *const *names,
				struct err *e);

/* An answer that goes on for as long as both sides like. */
struct http_stream_ops {
	/*
	 * Up to MAX bytes into BUF: how many; 0 when there is nothing now, until
	 * http_stream_wake(); -1 at the end. Must not call the server.
	 */
	ssize_t (*read)(void *ctx, char *buf, size_t max);
	void (*closed)(void *ctx); /* exactly once; the stream is gone */
};

struct http_reply {
	unsigned status;          /* preset: 200 */
	const char *content_type; /* preset: JSON */
	struct strbuf body;
	/* instead of a body */
	const struct http_stream_ops *stream_ops;
	void *stream_ctx;
	struct http_stream **ret_stream; /* where the handle is wanted; NULL once closed */
};

/* The error answer with STATUS; REASON is one CamelCase word for programs. */
void http_reply_error(struct http_reply *reply, unsigned status, const char *reason,
		      const char *fmt, ...) PRINTF_LIKE(4, 5);

struct http_route {
	const char *path;
	bool is_prefix;   /* also everything that begins with it */
	unsigned methods; /* of enum http_method, or-ed */
	void (*handle)(void *ctx, const struct http_request *request, struct http_reply *reply);
	void *ctx;
};

struct http_server_config {
	struct ev_loop *loop;
	int listen_fd;                   /* becomes the server's, also on failure */
	const struct http_route *routes; /* ended by one without path; borrowed */
	unsigned max_connections;
	uint64_t exchange_ms;     /* longest exchange; also longest pause of a stream's reader */
	uint64_t (*now_ms)(void); /* monotonic */
};

struct http_server_stats {
	uint64_t requests;      /* answered by a handler */
	uint64_t refused;       /* answered with an error before that */
	uint64_t connections;   /* accepted */
	uint64_t timed_out;     /* connections ended because an exchange took too long */
	uint64_t crowded_out;   /* connections ended to make room */
	unsigned open, streams; /* now */
};

MUST_CHECK int http_server_new(const struct http_server_config *config, struct http_server **ret,
			       struct err *e);
void http_server_free(struct http_server *server);
void http_server_get_stats(const struct http_server *server, struct http_server_stats *ret);

/* There may be something to read again. */
void http_stream_wake(struct http_stream *stream);
