/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside of the HTTP server. http_server.c: the daemon of the library on the loop;
 * http_connections.c: who is connected, for how long; http_request.c: routes and answers;
 * http_stream.c: answers without end.
 */

#include "http_server.h"
#include "list.h"

#include <microhttpd.h>

struct http_connection {
	struct http_server *server;
	struct list link; /* in server->connections, in the order of SINCE_MS; none: a stream */
	int fd;
	uint64_t since_ms;     /* when the exchange began */
	size_t body;           /* bytes of the request's body so far */
	bool in_request, over; /* over: was told to end */
	struct http_stream *stream;
};

struct http_stream {
	struct http_server *server;
	struct http_connection *connection; /* NULL: closed */
	struct MHD_Connection *mhd;
	const struct http_stream_ops *ops;
	void *ctx;
	struct http_stream **handle;
	struct list link; /* in server->streams */
	ev_io peer;       /* while suspended: does the other side hang up? */
	bool suspended, gone;
	uint64_t read_ms; /* when something was taken last */
};

struct http_server {
	struct http_server_config config;
	struct MHD_Daemon *mhd;
	ev_io io;
	ev_timer timer;
	struct list connections, streams;
	struct http_server_stats stats;
	bool resumed; /* a stream, of which the library has no descriptor or timeout to tell */
	bool ending;
};

/* ---- http_connections.c ---- */

/* As MHD_NotifyConnectionCallback. */
void http_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
			enum MHD_ConnectionNotificationCode code);
/* An exchange begins anew: after an answer. */
void http_connection_restart(struct http_connection *c);
/* It has become a stream, which has no end. */
void http_connection_exempt(struct http_connection *c);
/* End what took too long; returns when to look again, UINT64_MAX: not before something happens. */
uint64_t http_connections_sweep(struct http_server *server, uint64_t now_ms);

/* ---- http_request.c ---- */

/* As MHD_AccessHandlerCallback. */
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
				const char *method, const char *version, const char *upload,
				size_t *upload_size, void **request_context);
/* As MHD_RequestCompletedCallback. */
void http_on_completed(void *cls, struct MHD_Connection *mhd, void **request_context,
		       enum MHD_RequestTerminationCode code);
/* As UnescapeCallback: a NUL byte in a path or a query becomes one that nothing accepts. */
size_t http_unescape(void *cls, struct MHD_Connection *mhd, char *text);

/* ---- http_stream.c ---- */

/* The answer that reads from OPS; calls OPS->closed() also when it fails. */
struct MHD_Response *http_stream_response(struct http_connection *c, struct MHD_Connection *mhd,
					  const struct http_reply *reply);
void http_streams_end(struct http_server *server);

/* ---- http_server.c ---- */

/* Something may be due earlier than the timer knows. */
void http_server_rearm(struct http_server *server);
