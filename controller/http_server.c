/* SPDX-License-Identifier: Apache-2.0 */
#include "http_priv.h"

#include <errno.h>

/* Beyond max_connections, for those that are on their way out. */
#define SPARE_CONNECTIONS 16

static void drive(struct http_server *server)
{
	server->resumed = false;
	(void)MHD_run(server->mhd);
	http_server_rearm(server);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	(void)revents;
	drive(w->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	drive(w->data);
}

void http_server_rearm(struct http_server *server)
{
	struct ev_loop *loop = server->config.loop;
	uint64_t now_ms = server->config.now_ms();
	uint64_t at_ms = http_connections_sweep(server, now_ms);
	uint64_t wait_ms = at_ms == UINT64_MAX ? at_ms : at_ms > now_ms ? at_ms - now_ms : 0;
	MHD_UNSIGNED_LONG_LONG library_ms;

	/* The library has work of its own that no descriptor tells of. */
	if (MHD_get_timeout(server->mhd, &library_ms) == MHD_YES && library_ms < wait_ms)
		wait_ms = library_ms;
	if (server->resumed)
		wait_ms = 0;
	ev_timer_stop(loop, &server->timer);
	if (wait_ms == UINT64_MAX)
		return;
	ev_timer_set(&server->timer, (double)wait_ms / 1000.0, 0.);
	ev_timer_start(loop, &server->timer);
}

static int start(struct http_server *server, struct err *e)
{
	const union MHD_DaemonInfo *info;

	server->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, http_on_request, server,
		MHD_OPTION_LISTEN_SOCKET, server->config.listen_fd, MHD_OPTION_CONNECTION_LIMIT,
		server->config.max_connections + SPARE_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_MAX,
		MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, server,
		MHD_OPTION_NOTIFY_COMPLETED, http_on_completed, server,
		MHD_OPTION_UNESCAPE_CALLBACK, http_unescape, server, MHD_OPTION_END);
	if (!server->mhd) {
		(void)close(server->config.listen_fd);
		return err_set(e, -EIO, "libmicrohttpd does not start");
	}
	info = MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || info->epoll_fd < 0)
		return err_set(e, -EIO, "libmicrohttpd has no epoll descriptor");
	ev_io_set(&server->io, info->epoll_fd, EV_READ);
	ev_io_start(server->config.loop, &server->io);
	return 0;
}

int http_server_new(const struct http_server_config *config, struct http_server **ret,
		    struct err *e)
{
	struct http_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server) {
		(void)close(config->listen_fd);
		return err_set(e, -ENOMEM, "HTTP server: out of memory");
	}
	server->config = *config;
	list_init(&server->connections);
	list_init(&server->streams);
	ev_init(&server->io, on_io);
	ev_timer_init(&server->timer, on_timer, 0., 0.);
	server->io.data = server->timer.data = server;
	r = start(server, e);
	if (r < 0) {
		http_server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	server->ending = true;
	http_streams_end(server);
	if (server->mhd)
		MHD_stop_daemon(server->mhd);
	ev_io_stop(server->config.loop, &server->io);
	ev_timer_stop(server->config.loop, &server->timer);
	free(server);
}

void http_server_get_stats(const struct http_server *server, struct http_server_stats *ret)
{
	*ret = server->stats;
}
