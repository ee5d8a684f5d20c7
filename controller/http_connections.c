/* SPDX-License-Identifier: Apache-2.0 */

/* Who is connected, and for how long: neither many nor slow clients can keep others out. */

#include "http_priv.h"

#include <sys/socket.h>

/* The library finds the end of the stream, and does the rest. */
static void end(struct http_connection *c)
{
	c->over = true;
	(void)shutdown(c->fd, SHUT_RDWR);
	list_del(&c->link);
}

static void crowd_out_oldest(struct http_server *server)
{
	if (list_empty(&server->connections))
		return;
	server->stats.crowded_out++;
	end(list_entry(server->connections.next, struct http_connection, link));
}

static struct http_connection *admit(struct http_server *server, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_connection *c = info ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL; /* its request will be refused */
	if (server->stats.open >= server->config.max_connections)
		crowd_out_oldest(server);
	c->server = server;
	c->fd = info->connect_fd;
	list_init(&c->link);
	http_connection_restart(c);
	server->stats.connections++;
	server->stats.open++;
	return c;
}

void http_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
			enum MHD_ConnectionNotificationCode code)
{
	struct http_connection *c = *socket_context;
	struct http_server *server = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = admit(server, mhd);
	} else if (c) {
		list_del(&c->link);
		if (c->stream)
			c->stream->connection = NULL;
		server->stats.open--;
		free(c);
		*socket_context = NULL;
	}
}

void http_connection_restart(struct http_connection *c)
{
	struct http_server *server = c->server;

	c->body = 0;
	c->in_request = false;
	list_del(&c->link);
	if (c->over || server->ending)
		return;
	c->since_ms = server->config.now_ms();
	list_append(&server->connections, &c->link);
}

void http_connection_exempt(struct http_connection *c)
{
	list_del(&c->link);
}

static void end_idle_streams(struct http_server *server, uint64_t now_ms, uint64_t *next_ms)
{
	list_for_each (it, &server->streams) {
		struct http_stream *s = list_entry(it, struct http_stream, link);
		uint64_t due_ms = s->read_ms + server->config.exchange_ms;

		if (s->suspended || !s->connection || s->connection->over)
			continue;
		if (due_ms <= now_ms) {
			server->stats.timed_out++;
			end(s->connection);
		} else if (due_ms < *next_ms) {
			*next_ms = due_ms;
		}
	}
}

uint64_t http_connections_sweep(struct http_server *server, uint64_t now_ms)
{
	uint64_t next_ms = UINT64_MAX;

	while (!list_empty(&server->connections)) {
		struct http_connection *c =
			list_entry(server->connections.next, struct http_connection, link);

		if (c->since_ms + server->config.exchange_ms > now_ms) {
			next_ms = c->since_ms + server->config.exchange_ms;
			break;
		}
		server->stats.timed_out++;
		end(c);
	}
	end_idle_streams(server, now_ms, &next_ms);
	return next_ms;
}
