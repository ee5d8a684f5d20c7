/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_link.h"

#include "advice.h"
#include "attr.h"
#include "budget.h"
#include "clock.h"
#include "core.h"
#include "core_input.h"
#include "log.h"
#include "nri.h"
#include "stale_pods.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* One read takes any event; a large Synchronize takes a turn of the loop for each. */
#define READ_CHUNK (16u << 10)
/* A launched plugin's snapshot comes right after Configure, or never. */
#define NO_SNAPSHOT_S 10.
/* Slow answers are told once in so long: whoever reads it at night needs no more. */
#define SLOW_EVERY_MS 60000

static const uint32_t answer_bounds_us[] = {100,   250,   500,    1000,   2500,   5000,    10000,
					    25000, 50000, 100000, 250000, 500000, 1000000, 2000000};

/* A Synchronize that is being told to the core, a slice a turn of the loop. */
struct taking {
	bool is_under_way; /* the core wants more of it */
	struct core_input_snapshot snapshot;
	const struct nri_pod *pods; /* of the session, as is the memory of the snapshot's strings */
	size_t nr_pods, nr_containers;
};

struct runtime_link {
	struct ev_loop *loop;
	struct runtime_link_config config;
	struct core *core;
	const struct pod_filter *filter; /* NULL: every pod */
	struct log *log;
	struct nri_session *session; /* NULL while not connected */
	int fd;                      /* -1 while not connected */
	ev_io io;
	ev_timer reconnect, deadline;
	ev_timer no_snapshot; /* launched: it is late */
	ev_timer stale;       /* a new snapshot is to be asked for */
	struct stale_pods *stale_pods;
	struct nri_backoff backoff;
	ev_timer step; /* the next slice of a Synchronize */
	struct taking taking;
	uint64_t synchronized_ms; /* when; 0: not synchronized */
	uint64_t slow_told_ms;    /* when last; 0: never */
	unsigned slow_untold;     /* answers since */
	uint32_t random;
	int last_failure; /* code that was logged, so that each is said once */
	struct runtime_link_stats stats;
	unsigned char buffer[READ_CHUNK];
};

static uint32_t next_random(struct runtime_link *link)
{
	link->random = link->random * 1664525u + 1013904223u;
	return link->random >> 8;
}

/* Called whenever the runtime has told something; a launched plugin cannot ask. */
static void look_for_stale_pods(struct runtime_link *link)
{
	uint64_t now_ms = clock_monotonic_ms();
	uint64_t due_ms = stale_pods_due_ms(link->stale_pods);

	ev_timer_stop(link->loop, &link->stale);
	if (due_ms == UINT64_MAX || link->config.launch_socket)
		return;
	ev_timer_set(&link->stale, due_ms > now_ms ? (double)(due_ms - now_ms) / 1000.0 : 0., 0.);
	ev_timer_start(link->loop, &link->stale);
}

static bool pod_is_empty(void *ctx, const char *uid)
{
	const struct runtime_link *link = ctx;
	struct core_pod_view view;

	return link->core && core_pod_view(link->core, uid, &view) && !view.total_containers;
}

static int on_configure(void *ctx, const struct nri_configure *configure, struct err *e)
{
	struct runtime_link *link = ctx;
	int r = link->core ? 0 : link->config.on_configured(link->config.ctx, configure->config, e);

	if (r < 0 && !configure->may_refuse) {
		log_write(link->log, LOG_LEVEL_ERROR,
			  "stays connected and does nothing, because this runtime would not start "
			  "without its plugins",
			  NULL);
		return 0;
	}
	if (r == 0 && link->config.launch_socket)
		ev_timer_start(link->loop, &link->no_snapshot);
	if (r == 0)
		log_write(link->log, LOG_LEVEL_INFO, "registered with the runtime", "runtime",
			  configure->runtime_name, "version", configure->runtime_version, NULL);
	return r;
}

static void on_synchronize(void *ctx, const struct nri_pod *pods, size_t nr_pods,
			   const struct nri_container *containers, size_t nr_containers)
{
	struct runtime_link *link = ctx;
	struct taking *t = &link->taking;

	if (!link->core)
		return;
	*t = (struct taking){.pods = pods, .nr_pods = nr_pods, .nr_containers = nr_containers};
	if (core_input_snapshot(link->filter, pods, nr_pods, containers, nr_containers,
				&t->snapshot) < 0) {
		log_write(link->log, LOG_LEVEL_ERROR,
			  "out of memory: what is known of the pods stays as it was", NULL);
		return;
	}
	t->is_under_way = true;
	core_synchronize_begin(link->core, t->snapshot.pods, t->snapshot.nr_pods,
			       t->snapshot.containers, t->snapshot.nr_containers);
}

static void note_synchronized(struct runtime_link *link)
{
	const struct taking *t = &link->taking;
	char pods[24], containers[24];

	link->stats.snapshots++;
	link->synchronized_ms = clock_monotonic_ms();
	log_write(link->log, LOG_LEVEL_INFO, "synchronized with the runtime", "pods",
		  log_uint(pods, sizeof(pods), t->nr_pods), "containers",
		  log_uint(containers, sizeof(containers), t->nr_containers), NULL);
	stale_pods_snapshot(link->stale_pods, t->pods, t->nr_pods);
	link->config.on_synchronized(link->config.ctx);
}

static void take_slice(struct runtime_link *link)
{
	struct taking *t = &link->taking;

	budget_for_work(link->config.budget, clock_monotonic_us());
	do {
		t->is_under_way = core_synchronize_step(link->core, clock_monotonic_ms());
	} while (t->is_under_way &&
		 budget_hurry(link->config.budget, clock_monotonic_us()) == CORE_NO_HURRY);
}

static bool on_synchronize_more(void *ctx)
{
	struct runtime_link *link = ctx;

	if (!link->core)
		return false;
	if (link->taking.is_under_way) {
		take_slice(link);
		return true; /* what comes last is as good as a slice */
	}
	note_synchronized(link);
	core_input_snapshot_done(&link->taking.snapshot);
	return false;
}

/* A quarter of what the runtime allows is gone, so others on the node have waited, too. */
static void note_time(struct runtime_link *link, enum nri_event event, uint64_t began_us,
		      uint64_t allowed_us)
{
	uint64_t now_us = clock_monotonic_us(), now_ms = now_us / 1000;
	char took[24], allowed[24], others[24];

	if (now_us - began_us <= allowed_us / BUDGET_ANSWER_PART)
		return;
	link->slow_untold++;
	if (link->slow_told_ms && now_ms - link->slow_told_ms < SLOW_EVERY_MS)
		return;
	log_write(link->log, LOG_LEVEL_WARN, "the runtime had to wait for the answer to an event",
		  "event", nri_event_name(event), "took_ms",
		  log_uint(took, sizeof(took), (now_us - began_us) / 1000), "allowed_ms",
		  log_uint(allowed, sizeof(allowed), allowed_us / 1000), "since_last_told",
		  log_uint(others, sizeof(others), link->slow_untold), NULL);
	link->slow_told_ms = now_ms;
	link->slow_untold = 0;
}

static void tell_core(struct runtime_link *link, enum nri_event event, const struct nri_pod *pod,
		      const struct nri_container *container)
{
	/* Without a snapshot, a pod from before is known by what happens in it. */
	if (!link->synchronized_ms && container && pod && *pod->uid &&
	    (event == NRI_START_CONTAINER || event == NRI_POST_START_CONTAINER))
		core_input_event(link->core, clock_monotonic_ms(), link->filter,
				 NRI_RUN_POD_SANDBOX, pod, NULL);
	core_input_event(link->core, clock_monotonic_ms(), link->filter, event, pod, container);
}

static void on_event(void *ctx, enum nri_event event, const struct nri_pod *pod,
		     const struct nri_container *container, uint64_t deadline_ms)
{
	uint64_t began_us = clock_monotonic_us();
	uint64_t deadline_us = deadline_ms > UINT64_MAX / 1000 ? UINT64_MAX : deadline_ms * 1000;
	struct runtime_link *link = ctx;

	if (!link->core)
		return;
	budget_for_event(link->config.budget, began_us, deadline_us);
	tell_core(link, event, pod, container);
	link->stats.events[event]++;
	histogram_add(&link->stats.answers, clock_monotonic_us() - began_us);
	budget_for_work(link->config.budget, clock_monotonic_us());
	note_time(link, event, began_us, deadline_us > began_us ? deadline_us - began_us : 0);
	stale_pods_event(link->stale_pods, clock_monotonic_ms(), event, pod, container);
	look_for_stale_pods(link);
}

static const struct nri_handlers handlers = {
	.configure = on_configure,
	.synchronize = on_synchronize,
	.synchronize_more = on_synchronize_more,
	.event = on_event,
};

static void on_no_snapshot(struct ev_loop *loop, ev_timer *w, int revents)
{
	const struct runtime_link *link = w->data;

	(void)loop;
	(void)revents;
	if (!link->synchronized_ms)
		log_write(
			link->log, LOG_LEVEL_WARN,
			"this runtime tells a plugin that it launched nothing of the pods from "
			"before (NRI 0.6 and older); a podresctrld that connects by itself sees all",
			NULL);
}

static void disconnect(struct runtime_link *link)
{
	ev_timer_stop(link->loop, &link->no_snapshot);
	ev_timer_stop(link->loop, &link->stale);
	ev_io_stop(link->loop, &link->io);
	ev_timer_stop(link->loop, &link->deadline);
	ev_timer_stop(link->loop, &link->step);
	if (link->core)
		core_synchronize_abandon(link->core);
	core_input_snapshot_done(&link->taking.snapshot);
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
			  link->config.launch_socket
				  ? "the connection to the runtime has ended"
				  : "no connection to the runtime, will keep trying",
			  "socket", link->config.launch_socket ? NULL : link->config.socket_path,
			  "err", e->msg, "hint", advice_runtime(e->code), NULL);
	link->stats.losses += link->fd >= 0;
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
	if (nri_session_state(link->session) == NRI_SESSION_SYNCHRONIZING)
		ev_timer_start(link->loop, &link->step);
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
	else if (r == -ECANCELED) /* so that the runtime can say why, too */
		(void)flush_output(link, NULL);
	if (r < 0)
		lose(link, &e);
	else
		rearm(link);
	link->config.on_activity(link->config.ctx);
}

static void on_step(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct runtime_link *link = w->data;
	struct err e = {0};
	int r = nri_session_step(link->session, &e);

	(void)loop;
	(void)revents;
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

/* A new registration is the only way to a new snapshot. */
void runtime_link_ask_again(struct runtime_link *link)
{
	if (link->config.launch_socket || !link->session)
		return; /* not connected: the next connection brings one */
	stale_pods_asked(link->stale_pods, clock_monotonic_ms());
	disconnect(link);
	link->synchronized_ms = 0;
	ev_timer_set(&link->reconnect, 0., 0.);
	ev_timer_start(link->loop, &link->reconnect);
}

static void on_stale(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct runtime_link *link = w->data;
	uint64_t now_ms = clock_monotonic_ms();

	(void)loop;
	(void)revents;
	if (stale_pods_due_ms(link->stale_pods) > now_ms) {
		look_for_stale_pods(link);
		return;
	}
	log_write(link->log, LOG_LEVEL_INFO,
		  "registering anew for a snapshot: the runtime did not tell of the end of a pod",
		  NULL);
	runtime_link_ask_again(link);
	link->config.on_activity(link->config.ctx);
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
		.register_timeout_ms = link->config.register_timeout_ms,
		.synchronize_timeout_ms = link->config.launch_socket
						  ? UINT64_MAX
						  : link->config.synchronize_timeout_ms,
		/* A launched plugin learns of its filter only on this connection. */
		.with_labels = link->config.launch_socket || pod_filter_needs_labels(link->filter),
	};
	int r = open_socket(link, e);

	if (r < 0)
		return r;
	link->stats.connections++;
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
	link->backoff.first_ms = config->reconnect_first_ms;
	histogram_init(&link->stats.answers, answer_bounds_us, ARRAY_LEN(answer_bounds_us));
	link->stale_pods = stale_pods_new(pod_is_empty, link, config->seed);
	if (!link->stale_pods) {
		free(link);
		return err_set(e, -ENOMEM, "runtime link: out of memory");
	}
	ev_init(&link->io, on_io);
	ev_timer_init(&link->deadline, on_deadline, 0., 0.);
	ev_timer_init(&link->step, on_step, 0., 0.);
	ev_timer_init(&link->reconnect, on_reconnect, 0., 0.);
	ev_timer_init(&link->no_snapshot, on_no_snapshot, NO_SNAPSHOT_S, 0.);
	ev_timer_init(&link->stale, on_stale, 0., 0.);
	link->no_snapshot.data = link->stale.data = link;
	link->io.data = link->deadline.data = link->reconnect.data = link->step.data = link;
	ev_timer_start(loop, &link->reconnect);
	*ret = link;
	return 0;
}

void runtime_link_set_core(struct runtime_link *link, struct core *core)
{
	link->core = core;
}

void runtime_link_set_filter(struct runtime_link *link, const struct pod_filter *filter)
{
	link->filter = filter;
}

void runtime_link_free(struct runtime_link *link)
{
	if (!link)
		return;
	disconnect(link);
	ev_timer_stop(link->loop, &link->reconnect);
	stale_pods_free(link->stale_pods);
	free(link);
}

bool runtime_link_is_synchronized(const struct runtime_link *link)
{
	return link->synchronized_ms != 0;
}

void runtime_link_get_stats(const struct runtime_link *link, struct runtime_link_stats *ret)
{
	*ret = link->stats;
	ret->connected = link->session != NULL;
	ret->synchronized = runtime_link_is_synchronized(link);
}
