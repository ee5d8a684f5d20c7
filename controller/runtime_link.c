/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_link.h"

#include "attr.h"
#include "clock.h"
#include "core.h"
#include "core_input.h"
#include "log.h"
#include "nri.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* One read takes what a runtime sends at once in all but the largest Synchronize. */
#define READ_CHUNK (64u << 10)

struct runtime_link {
	struct ev_loop *loop;
	struct runtime_link_config config;
	struct core *core;
	struct log *log;
	struct nri_session *session; /* NULL while not connected */
	int fd;                      /* -1 while not connected */
	ev_io io;
	ev_timer reconnect, deadline;
	struct nri_backoff backoff;
	uint64_t synchronized_ms; /* when; 0: not synchronized */
	uint32_t random;
	int last_failure; /* code that was logged, so that each is said once */
	unsigned char buffer[READ_CHUNK];
};

static uint32_t next_random(struct runtime_link *link)
{
	link->random = link->random * 1664525u + 1013904223u;
	return link->random >> 8;
}

static void on_configure(void *ctx, const struct nri_configure *configure)
{
	struct runtime_link *link = ctx;

	log_write(link->log, LOG_LEVEL_INFO, "registered with the runtime", "runtime",
		  configure->runtime_name, "version", configure->runtime_version, NULL);
}

static void on_synchronize(void *ctx, const struct nri_pod *pods, size_t nr_pods,
			   const struct nri_container *containers, size_t nr_containers)
{
	struct runtime_link *link = ctx;
	char pods_text[24], containers_text[24];

	link->synchronized_ms = clock_monotonic_ms();
	core_input_synchronize(link->core, link->synchronized_ms, pods, nr_pods, containers,
			       nr_containers);
	log_write(link->log, LOG_LEVEL_INFO, "synchronized with the runtime", "pods",
		  log_uint(pods_text, sizeof(pods_text), nr_pods), "containers",
		  log_uint(containers_text, sizeof(containers_text), nr_containers), NULL);
	link->config.on_synchronized(link->config.ctx);
}

static void on_event(void *ctx, enum nri_event event, const struct nri_pod *pod,
		     const struct nri_container *container)
{
	struct runtime_link *link = ctx;

	core_input_event(link->core, clock_monotonic_ms(), event, pod, container);
}

static const struct nri_handlers handlers = {
	.configure = on_configure,
	.synchronize = on_synchronize,
	.event = on_event,
};

static void disconnect(struct runtime_link *link)
{
	ev_io_stop(link->loop, &link->io);
	ev_timer_stop(link->loop, &link->deadline);
	link->session = nri_session_free(link->session);
	if (link->fd >= 0)
		(void)close(link->fd);
	link->fd = -1;
}

/* Close, say why (once per reason), and arrange the next attempt. */
static void lose(struct runtime_link *link, const struct err *e)
{
	uint64_t now = clock_monotonic_ms();
	uint64_t healthy_ms = link->synchronized_ms ? now - link->synchronized_ms : 0;
	uint64_t wait_ms;

	if (healthy_ms || e->code != link->last_failure)
		log_write(link->log, LOG_LEVEL_WARN,
			  "no connection to the runtime, will keep trying", "socket",
			  link->config.socket_path, "err", e->msg, NULL);
	link->last_failure = e->code;
	link->synchronized_ms = 0;
	disconnect(link);
	if (link->config.launch_socket) {
		link->config.on_final_loss(link->config.ctx);
		return;
	}
	wait_ms = nri_backoff_next(&link->backoff, healthy_ms, next_random(link));
	ev_timer_set(&link->reconnect, (double)wait_ms / 1000.0, 0.);
	ev_timer_start(link->loop, &link->reconnect);
}

static int flush_output(struct runtime_link *link, struct err *e)
{
	const void *data;
	size_t len;

	for (;;) {
		ssize_t n;

		nri_session_output(link->session, &data, &len);
		if (!len)
			return 0;
		n = send(link->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0)
			return err_sys(e, -errno, "write to the NRI socket");
		nri_session_sent(link->session, (size_t)n);
	}
}

/* Wait for what the session wants next: input always, room for output when some is queued. */
static void rearm(struct runtime_link *link)
{
	uint64_t deadline_ms = nri_session_deadline(link->session);
	uint64_t now_ms = clock_monotonic_ms();
	const void *data;
	size_t len;
	int events;

	nri_session_output(link->session, &data, &len);
	events = len ? EV_READ | EV_WRITE : EV_READ;
	if ((link->io.events & (EV_READ | EV_WRITE)) != events || !ev_is_active(&link->io)) {
		ev_io_stop(link->loop, &link->io);
		ev_io_set(&link->io, link->fd, events);
		ev_io_start(link->loop, &link->io);
	}
	ev_timer_stop(link->loop, &link->deadline);
	if (deadline_ms == UINT64_MAX)
		return;
	ev_timer_set(&link->deadline,
		     deadline_ms > now_ms ? (double)(deadline_ms - now_ms) / 1000.0 : 0., 0.);
	ev_timer_start(link->loop, &link->deadline);
}

static int read_input(struct runtime_link *link, struct err *e)
{
	ssize_t n = recv(link->fd, link->buffer, sizeof(link->buffer), MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0)
		return err_sys(e, -errno, "read from the NRI socket");
	if (n == 0)
		return err_set(e, -ECONNRESET, "the runtime closed the connection");
	return nri_session_feed(link->session, link->buffer, (size_t)n, clock_monotonic_ms(), e);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct runtime_link *link = w->data;
	struct err e = {0};
	int r = 0;

	(void)loop;
	if (revents & EV_READ)
		r = read_input(link, &e);
	/* Answers go out even when the same read brought the end of the stream. */
	if (r == 0)
		r = flush_output(link, &e);
	if (r < 0)
		lose(link, &e);
	else
		rearm(link);
	link->config.on_activity(link->config.ctx);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct runtime_link *link = w->data;
	struct err e = {0};

	(void)loop;
	(void)revents;
	if (nri_session_tick(link->session, clock_monotonic_ms(), &e) < 0)
		lose(link, &e);
	else
		rearm(link);
}

static int open_socket(struct runtime_link *link, struct err *e)
{
	if (link->config.launch_socket)
		return nri_adopt_socket(link->config.launch_socket, &link->fd, e);
	return nri_connect(link->config.socket_path, &link->fd, e);
}

static int open_session(struct runtime_link *link, struct err *e)
{
	const struct nri_session_config config = {
		.plugin_name = link->config.plugin_name,
		.plugin_index = link->config.plugin_index,
	};
	int r = open_socket(link, e);

	if (r < 0)
		return r;
	r = nri_session_new(&config, &handlers, link, &link->session, e);
	if (r < 0)
		return r;
	r = nri_session_start(link->session, clock_monotonic_ms(), e);
	return r < 0 ? r : flush_output(link, e);
}

static void on_reconnect(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct runtime_link *link = w->data;
	struct err e = {0};

	(void)loop;
	(void)revents;
	if (open_session(link, &e) < 0) {
		lose(link, &e);
		return;
	}
	rearm(link);
}

int runtime_link_new(struct ev_loop *loop, const struct runtime_link_config *config,
		     struct core *core, struct log *log, struct runtime_link **ret, struct err *e)
{
	struct runtime_link *link = calloc(1, sizeof(*link));

	if (!link)
		return err_set(e, -ENOMEM, "runtime link: out of memory");
	link->loop = loop;
	link->config = *config;
	link->core = core;
	link->log = log;
	link->fd = -1;
	link->random = config->seed;
	ev_init(&link->io, on_io);
	ev_timer_init(&link->deadline, on_deadline, 0., 0.);
	ev_timer_init(&link->reconnect, on_reconnect, 0., 0.);
	link->io.data = link->deadline.data = link->reconnect.data = link;
	ev_timer_start(loop, &link->reconnect);
	*ret = link;
	return 0;
}

void runtime_link_free(struct runtime_link *link)
{
	if (!link)
		return;
	disconnect(link);
	ev_timer_stop(link->loop, &link->reconnect);
	free(link);
}

bool runtime_link_is_synchronized(const struct runtime_link *link)
{
	return link->synchronized_ms != 0;
}
