/* SPDX-License-Identifier: Apache-2.0 */

/* Answers without end: the connection sleeps while there is nothing to say. */

#include "http_priv.h"

#include <errno.h>
#include <sys/socket.h>

#define STREAM_BLOCK 4096

static void fall_asleep(struct http_stream *s)
{
	struct http_server *server = s->server;

	MHD_suspend_connection(s->mhd);
	s->suspended = true;
	ev_io_start(server->config.loop, &s->peer);
}

void http_stream_wake(struct http_stream *s)
{
	struct http_server *server = s->server;

	if (!s->suspended)
		return;
	s->suspended = false;
	s->read_ms = server->config.now_ms();
	ev_io_stop(server->config.loop, &s->peer);
	MHD_resume_connection(s->mhd);
	server->resumed = true;
	http_server_rearm(server);
}

/* A sleeping connection is not looked at by the library, so the other side's end is found here. */
static void on_peer(struct ev_loop *loop, ev_io *w, int revents)
{
	struct http_stream *s = w->data;
	char c;

	(void)loop;
	(void)revents;
	if (recv(w->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	/* It has hung up; or it talks on, which has no meaning here. */
	s->gone = true;
	http_stream_wake(s);
}

static ssize_t on_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct http_stream *s = cls;
	struct http_server *server = s->server;
	ssize_t n;

	(void)pos;
	if (s->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	s->read_ms = server->config.now_ms();
	n = server->ending ? -1 : s->ops->read(s->ctx, buf, max);
	if (n < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0)
		fall_asleep(s);
	return n;
}

static void on_free(void *cls)
{
	struct http_stream *s = cls;
	struct http_server *server = s->server;

	ev_io_stop(server->config.loop, &s->peer);
	list_del(&s->link);
	server->stats.streams--;
	if (s->connection)
		s->connection->stream = NULL;
	if (s->handle)
		*s->handle = NULL;
	s->ops->closed(s->ctx);
	free(s);
}

struct MHD_Response *http_stream_response(struct http_connection *c, struct MHD_Connection *mhd,
					  const struct http_reply *reply)
{
	struct http_stream *s = calloc(1, sizeof(*s));
	struct MHD_Response *response = NULL;

	if (s)
		response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
							     on_read, s, on_free);
	if (!response) {
		free(s);
		reply->stream_ops->closed(reply->stream_ctx);
		return NULL;
	}
	*s = (struct http_stream){
		.server = c->server,
		.connection = c,
		.mhd = mhd,
		.ops = reply->stream_ops,
		.ctx = reply->stream_ctx,
		.handle = reply->ret_stream,
		.read_ms = c->server->config.now_ms(),
	};
	ev_io_init(&s->peer, on_peer, c->fd, EV_READ);
	s->peer.data = s;
	list_append(&c->server->streams, &s->link);
	c->server->stats.streams++;
	c->stream = s;
	if (s->handle)
		*s->handle = s;
	http_connection_exempt(c);
	return response;
}

void http_streams_end(struct http_server *server)
{
	list_for_each (it, &server->streams) {
		http_stream_wake(list_entry(it, struct http_stream, link));
	}
}
