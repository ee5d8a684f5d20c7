/* SPDX-License-Identifier: Apache-2.0 */
#include "operator_priv.h"

#include "backend.h"
#include "clock.h"
#include "http_listen.h"
#include "log.h"
#include "options.h"

#include <errno.h>
#include <string.h>

#define CONTROL_CONNECTIONS 24
#define METRICS_CONNECTIONS 48
#define LISTEN_AGAIN_S      5.
#define EXCHANGE_MS         15000
#define WORK_SLICE_US       4000 /* retries may hold the loop this long at a time */

static void init_api(struct operator_link *link)
{
	const struct options *o = link->deps.options;

	link->api = (struct control_api){
		.node_name = o->node_name,
		.group_prefix = o->group_prefix,
		.root_name = backend_root_name(link->deps.backend),
		.simulated = o->simulated,
		.group_kind = o->group_kind,
		.rmid_reserve = o->rmid_reserve,
		.core = link->deps.core,
		.rs = backend_resctrl(link->deps.backend),
		.is_synchronized = link->deps.is_synchronized,
		.ctx = link->deps.ctx,
	};
}

/* ---- retries -------------------------------------------------------------------------------- */

static void schedule_retries(void *ctx)
{
	struct operator_link *link = ctx;
	uint64_t now_ms = clock_monotonic_ms();
	uint64_t next_ms = control_retry_next_ms(&link->retry);

	ev_timer_stop(link->deps.loop, &link->retry_work);
	if (next_ms == UINT64_MAX)
		return;
	ev_timer_set(&link->retry_work, next_ms > now_ms ? (double)(next_ms - now_ms) / 1000.0 : 0.,
		     0.);
	ev_timer_start(link->deps.loop, &link->retry_work);
}

static void on_retry_work(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct operator_link *link = w->data;
	uint64_t started_us = clock_monotonic_us();

	(void)loop;
	(void)revents;
	while (control_retry_work(&link->retry) &&
	       clock_monotonic_us() - started_us < WORK_SLICE_US)
		;
	schedule_retries(link);
	link->deps.on_activity(link->deps.ctx);
}

static void init_retry(struct operator_link *link)
{
	link->retry = (struct control_retry){
		.core = link->deps.core,
		.now_ms = clock_monotonic_ms,
		.on_job = schedule_retries,
		.ctx = link,
	};
	control_retry_init(&link->retry);
	ev_timer_init(&link->retry_work, on_retry_work, 0., 0.);
	ev_set_priority(&link->retry_work, EV_MINPRI); /* what the runtime says comes first */
	link->retry_work.data = link;
}

/* ---- the control socket --------------------------------------------------------------------- */

static struct http_route *
add_route(struct http_route *at, const char *path,
	  void (*handle)(void *, const struct http_request *, struct http_reply *), void *ctx)
{
	*at = (struct http_route){path, false, HTTP_GET, handle, ctx};
	return at + 1;
}

/* On both servers. */
static void add_observer_routes(struct operator_link *link, struct http_route *routes)
{
	routes = add_route(routes, "/metrics", operator_handle_metrics, link);
	routes = add_route(routes, "/healthz", probes_handle, &link->live);
	routes = add_route(routes, "/livez", probes_handle, &link->live);
	(void)add_route(routes, "/readyz", probes_handle, &link->ready);
}

static void fill_control_routes(struct operator_link *link)
{
	struct http_route *routes = link->control_routes;

	control_api_routes(&link->api, routes);
	routes += CONTROL_API_ROUTES;
	routes = add_route(routes, "/v1/events", control_events_handle, link->events);
	*routes++ = (struct http_route){"/v1/retry", false, HTTP_POST, control_retry_handle,
					&link->retry};
	add_observer_routes(link, routes);
}

static int serve(struct operator_link *link, int fd, const struct http_route *routes,
		 unsigned max_connections, struct http_server **ret, struct err *e)
{
	const struct http_server_config config = {
		.loop = link->deps.loop,
		.listen_fd = fd,
		.routes = routes,
		.max_connections = max_connections,
		.exchange_ms = EXCHANGE_MS,
		.now_ms = clock_monotonic_ms,
	};

	return http_server_new(&config, ret, e);
}

static int open_control(struct operator_link *link, const char *path, struct err *e)
{
	int fd, r = http_listen_unix(path, &fd, &link->socket_file, e);

	if (r < 0)
		return r;
	link->events = control_events_new(clock_wall_ms);
	if (!link->events) {
		(void)close(fd);
		return err_set(e, -ENOMEM, "out of memory");
	}
	fill_control_routes(link);
	return serve(link, fd, link->control_routes, CONTROL_CONNECTIONS, &link->control, e);
}

static int start_control(struct operator_link *link, struct err *e)
{
	const char *path = link->deps.options->control_socket;
	struct err own = {0};
	int r = path ? open_control(link, path, &own) : 0;

	if (r == -EADDRINUSE)
		return err_set(e, r,
			       "another podresctrld runs on this node: %s; end that one first, for "
			       "two would move each other's tasks",
			       own.msg);
	if (r < 0)
		log_write(link->deps.log, LOG_LEVEL_WARN,
			  "no control socket, so podresctrl on this node cannot ask this daemon; "
			  "--control-socket gives another path, or off",
			  "err", own.msg, NULL);
	else if (path)
		log_write(link->deps.log, LOG_LEVEL_INFO, "control socket is open", "socket", path,
			  NULL);
	return 0;
}

/* ---- metrics and health over TCP ------------------------------------------------------------ */

static int open_metrics(struct operator_link *link, struct err *e)
{
	char text[HTTP_ADDRESS_TEXT_MAX];
	struct http_address address, actual;
	int fd, r = http_address_parse(link->deps.options->metrics_addr, &address, e);

	if (r == 0)
		r = http_listen_tcp(&address, &fd, &actual, e);
	if (r == 0)
		r = serve(link, fd, link->metrics_routes, METRICS_CONNECTIONS, &link->metrics, e);
	if (r < 0)
		return r;
	http_address_format(&actual, text, sizeof(text));
	log_write(link->deps.log, LOG_LEVEL_INFO, "serving metrics and health", "addr", text, NULL);
	return 0;
}

/* The port may become free, and the address may come; the node's work does not wait for that. */
static void try_metrics(struct operator_link *link)
{
	struct err e = {0};

	if (open_metrics(link, &e) == 0)
		return;
	if (e.code != link->last_failure)
		log_write(link->deps.log, LOG_LEVEL_ERROR,
			  "no metrics and no health checks, will keep trying", "addr",
			  link->deps.options->metrics_addr, "err", e.msg, NULL);
	link->last_failure = e.code;
	ev_timer_set(&link->listen_again, LISTEN_AGAIN_S, 0.);
	ev_timer_start(link->deps.loop, &link->listen_again);
}

static void on_listen_again(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	try_metrics(w->data);
}

static void start_metrics(struct operator_link *link)
{
	ev_timer_init(&link->listen_again, on_listen_again, 0., 0.);
	link->listen_again.data = link;
	add_observer_routes(link, link->metrics_routes);
	if (link->deps.options->metrics_addr)
		try_metrics(link);
}

int operator_link_new(const struct operator_link_deps *deps, struct operator_link **ret,
		      struct err *e)
{
	struct operator_link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return err_set(e, -ENOMEM, "operator link: out of memory");
	link->deps = *deps;
	link->start_ms = clock_wall_ms();
	init_api(link);
	init_retry(link);
	operator_init_probes(link);
	r = start_control(link, e);
	if (r < 0) {
		operator_link_free(link);
		return r;
	}
	start_metrics(link);
	*ret = link;
	return 0;
}

void operator_link_free(struct operator_link *link)
{
	if (!link)
		return;
	http_socket_file_remove(&link->socket_file);
	http_server_free(link->control);
	http_server_free(link->metrics);
	control_events_free(link->events);
	ev_timer_stop(link->deps.loop, &link->retry_work);
	ev_timer_stop(link->deps.loop, &link->listen_again);
	free(link);
}

void operator_link_on_core_event(struct operator_link *link, const struct core_event *event)
{
	if (!link)
		return;
	metrics_count_event(&link->counts, event);
	control_events_on_event(link->events, event);
}

void operator_link_on_core_notice(struct operator_link *link, const struct core_notice *notice)
{
	if (!link)
		return;
	metrics_count_notice(&link->counts, notice);
	control_events_on_notice(link->events, notice);
}
