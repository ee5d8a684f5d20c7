/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include "api_link.h"
#include "backend.h"
#include "budget.h"
#include "clock.h"
#include "core.h"
#include "log.h"
#include "metrics.h"
#include "operator_link.h"
#include "options.h"
#include "pid_namespace.h"
#include "pod_filter.h"
#include "reload.h"
#include "report.h"
#include "resctrl.h"
#include "runtime_link.h"
#include "settle.h"
#include "settle_timer.h"
#include "task_finder.h"
#include "turn_watch.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

/* After a Synchronize was worked on, and the API server's first answers are read. */
#define SETTLE_SOON_S 2.
/* After the last answer or watch event; a watch gets a bookmark about once a minute. */
#define SETTLE_CALM_S 10.
#define SETTLE_GAP_S  60.

struct daemon {
	struct options options;
	const struct options_input *input; /* read again on SIGHUP */
	struct pod_filter *filter;         /* NULL: every pod gets a group */
	char *config_text; /* of a launched plugin, cut up; options borrows from it */
	struct log *log;
	struct ev_loop *loop;
	struct turn_watch turns;
	struct budget budget; /* of the event or the slice of work that is under way */
	uint32_t seed;
	int failed; /* it ends because it cannot run; else 0 */
	struct backend *backend;
	struct task_finder *finder;
	struct core *core;
	struct api_link *api; /* NULL with --publish=none */
	struct runtime_link *runtime;
	struct operator_link *operators;
	uint64_t placing_since_ms; /* a Synchronize is being worked on since; 0: none */
	ev_timer work;
	struct settle_timer settle;
	ev_signal sigterm, sigint, sighup;
};

static void schedule_work(struct daemon *d)
{
	uint64_t now_ms = clock_monotonic_ms();
	uint64_t next_ms, api_ms;

	if (!d->core) /* launched, and not configured yet */
		return;
	next_ms = core_next_work_ms(d->core);
	api_ms = api_link_next_ms(d->api);
	if (api_ms < next_ms)
		next_ms = api_ms;
	ev_timer_stop(d->loop, &d->work);
	if (next_ms == UINT64_MAX)
		return;
	ev_now_update(d->loop);
	ev_timer_set(&d->work, next_ms > now_ms ? (double)(next_ms - now_ms) / 1000.0 : 0., 0.);
	ev_timer_start(d->loop, &d->work);
}

static void on_activity(void *ctx)
{
	schedule_work(ctx);
}

static void on_synchronized(void *ctx)
{
	struct daemon *d = ctx;

	d->placing_since_ms = clock_monotonic_ms();
}

static void on_api_activity(void *ctx)
{
	struct daemon *d = ctx;

	settle_timer_note(&d->settle);
	schedule_work(d);
}

static void on_settle(void *ctx)
{
	(void)ctx;
	(void)settle_memory();
}

/* Once after each Synchronize: what came of it. */
static void report_placement(struct daemon *d)
{
	char took[24], pods[24], failed[24], containers[24], partial[24];
	struct core_stats s;

	if (!d->placing_since_ms)
		return;
	core_stats(d->core, &s);
	if (!s.synchronized)
		return;
	log_write(d->log, LOG_LEVEL_INFO, "placement after Synchronize is complete", "took_ms",
		  log_uint(took, sizeof(took), clock_monotonic_ms() - d->placing_since_ms), "pods",
		  log_uint(pods, sizeof(pods), s.pods), "failed_pods",
		  log_uint(failed, sizeof(failed), s.pods_failed), "containers",
		  log_uint(containers, sizeof(containers), s.containers), "partial_containers",
		  log_uint(partial, sizeof(partial), s.containers_partial), NULL);
	d->placing_since_ms = 0;
	settle_timer_soon(&d->settle);
}

static enum core_hurry hurry(void *ctx)
{
	const struct daemon *d = ctx;

	return budget_hurry(&d->budget, clock_monotonic_us());
}

static void on_work(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;
	bool is_more;

	(void)loop;
	(void)revents;
	budget_for_work(&d->budget, clock_monotonic_us());
	rs_hold(backend_resctrl(d->backend));
	do {
		is_more = core_work(d->core, clock_monotonic_ms());
	} while (is_more && hurry(d) == CORE_NO_HURRY);
	rs_release(backend_resctrl(d->backend));
	/* Also when the last step used up the slice: nobody comes by again. */
	if (core_next_work_ms(d->core) > 0)
		report_placement(d);
	api_link_work(d->api);
	schedule_work(d);
}

static void on_core_event(void *ctx, const struct core_event *event)
{
	struct daemon *d = ctx;

	report_event(d->log, event, d->placing_since_ms != 0);
	api_link_on_core_event(d->api, event);
	operator_link_on_core_event(d->operators, event);
}

static void on_core_notice(void *ctx, const struct core_notice *notice)
{
	struct daemon *d = ctx;

	report_notice(d->log, notice);
	api_link_on_core_notice(d->api, notice);
	operator_link_on_core_notice(d->operators, notice);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	const struct daemon *d = w->data;

	(void)revents;
	if (d->options.cleanup_at_exit)
		backend_remove_groups(d->backend, d->options.group_prefix, d->log);
	else
		log_write(d->log, LOG_LEVEL_INFO, "asked to stop; groups stay in place", NULL);
	ev_break(loop, EVBREAK_ALL);
}

static void on_final_loss(void *ctx)
{
	struct daemon *d = ctx;

	/* A connection that never got as far as a configuration is not a life's end. */
	if (!d->core && !d->failed)
		d->failed = -ECONNRESET;
	if (!d->failed)
		log_write(d->log, LOG_LEVEL_INFO,
			  "the runtime that launched this plugin is gone; groups stay in place",
			  NULL);
	ev_break(d->loop, EVBREAK_ALL);
}

static uint32_t random_seed(void)
{
	uint32_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = (uint32_t)clock_monotonic_us();
	return seed;
}

static int new_api_link(struct daemon *d, struct err *e)
{
	const struct api_link_deps deps = {
		.loop = d->loop,
		.options = &d->options,
		.core = d->core,
		.log = d->log,
		.seed = d->seed,
		.on_activity = on_api_activity,
		.ctx = d,
	};

	return api_link_new(&deps, &d->api, e);
}

static struct core_tuning tuning_of(const struct options *o)
{
	return (struct core_tuning){
		.max_reconcile_passes = (unsigned)o->max_reconcile_passes,
		.retry_interval_ms = o->retry_interval_ms,
		.retry_backoff_max_ms = o->retry_backoff_max_ms,
		.audit_interval_ms = o->audit_interval_ms,
		.rmid_reserve = o->rmid_reserve,
		.release_on_sandbox_stop = o->release_on_sandbox_stop,
	};
}

static int new_core(struct daemon *d, struct err *e)
{
	const struct options *o = &d->options;
	const struct core_config config = {
		.group_prefix = o->group_prefix,
		.root = backend_root_name(d->backend),
		.group_kind = o->group_kind,
		.cleanup_mode = o->cleanup_mode,
		.seed = d->seed,
		.tuning = tuning_of(o),
	};
	const struct core_deps deps = {
		.rs = backend_resctrl(d->backend),
		.tasks = &task_finder_ops,
		.tasks_ctx = d->finder,
		.on_event = on_core_event,
		.on_notice = on_core_notice,
		.hurry = hurry,
		.ctx = d,
	};

	return core_new(&config, &deps, &d->core, e);
}

static bool is_synchronized(void *ctx)
{
	const struct daemon *d = ctx;

	return d->runtime && runtime_link_is_synchronized(d->runtime);
}

static uint64_t turn_ms(void *ctx)
{
	const struct daemon *d = ctx;

	return d->turns.began_us ? (clock_monotonic_us() - d->turns.began_us) / 1000 : 0;
}

static void collect(void *ctx, struct metrics_input *in)
{
	const struct daemon *d = ctx;

	in->has_turns = true;
	in->turns = d->turns.turns;
	in->has_runtime = d->runtime != NULL;
	if (d->runtime)
		runtime_link_get_stats(d->runtime, &in->runtime);
	in->has_api = d->api != NULL;
	if (d->api)
		api_link_get_stats(d->api, &in->api);
}

static int new_operator_link(struct daemon *d, struct err *e)
{
	const struct operator_link_deps deps = {
		.loop = d->loop,
		.options = &d->options,
		.core = d->core,
		.backend = d->backend,
		.log = d->log,
		.is_synchronized = is_synchronized,
		.turn_ms = turn_ms,
		.collect = collect,
		.on_activity = on_activity,
		.ctx = d,
	};

	return operator_link_new(&deps, &d->operators, e);
}

static int new_filter(const struct daemon *d, struct pod_filter **ret, struct err *e)
{
	const struct pod_filter_config config = {
		.namespaces = d->options.namespaces,
		.exclude_namespaces = d->options.exclude_namespaces,
		.selector = d->options.selector,
		.opt_out = d->options.opt_out,
	};

	return pod_filter_new(&config, ret, e);
}

/* The pods that are known already are judged anew, too: by a new snapshot. */
static void change_filter(struct daemon *d)
{
	struct pod_filter *filter;
	struct err e = {0};

	if (new_filter(d, &filter, &e) < 0) {
		log_write(d->log, LOG_LEVEL_ERROR, "the pod filters stay as they were", "err",
			  e.msg, NULL);
		return;
	}
	runtime_link_set_filter(d->runtime, filter);
	pod_filter_free(d->filter);
	d->filter = filter;
	runtime_link_ask_again(d->runtime);
}

static void on_sighup(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct daemon *d = w->data;
	const struct options *o = &d->options;
	struct core_tuning tuning;
	bool filter_changed = false;

	(void)loop;
	(void)revents;
	if (!reload_options(&d->options, d->input, d->log, &filter_changed))
		return;
	daemon_set_log(o, d->log);
	tuning = tuning_of(o);
	core_tune(d->core, clock_monotonic_ms(), &tuning);
	api_link_set_rate(d->api, o->publish_rate);
	if (filter_changed)
		change_filter(d);
	schedule_work(d);
}

static void start_watchers(struct daemon *d)
{
	const struct settle_timer_config settle = {
		.soon_s = SETTLE_SOON_S,
		.calm_s = SETTLE_CALM_S,
		.gap_s = SETTLE_GAP_S,
		.settle = on_settle,
	};

	ev_timer_init(&d->work, on_work, 0., 0.);
	settle_timer_init(&d->settle, d->loop, &settle);
	ev_set_priority(&d->work, EV_MINPRI); /* or a slice could come before a waiting event */
	ev_signal_init(&d->sigterm, on_signal, SIGTERM);
	ev_signal_init(&d->sigint, on_signal, SIGINT);
	ev_signal_init(&d->sighup, on_sighup, SIGHUP);
	d->work.data = d->sigterm.data = d->sigint.data = d->sighup.data = d;
	ev_signal_start(d->loop, &d->sigterm);
	ev_signal_start(d->loop, &d->sigint);
	ev_signal_start(d->loop, &d->sighup);
	turn_watch_start(&d->turns, d->loop, d->log);
}

/* A simulated tree takes any task's id, so it does not matter where the daemon runs. */
static int check_host(const struct daemon *d, struct err *e)
{
	if (d->options.simulated || !d->options.check_pid_namespace)
		return 0;
	return pid_namespace_check(d->options.proc_root, e);
}

/* All but the line to the runtime. */
static int build(struct daemon *d, struct err *e)
{
	const struct task_finder_config finder = {
		.cgroup_root = d->options.cgroup_root,
		.proc_root = d->options.proc_root,
	};
	int r = check_host(d, e);

	if (r == 0)
		r = backend_new(&d->options, d->log, &d->backend, e);
	if (r == 0)
		r = task_finder_new(&finder, &d->finder, e);
	if (r == 0)
		r = new_filter(d, &d->filter, e);
	if (r == 0)
		r = new_core(d, e);
	/* Before anything is changed: it finds out whether another daemon is at work here. */
	if (r == 0)
		r = new_operator_link(d, e);
	if (r == 0 && d->options.publish)
		r = new_api_link(d, e);
	return r;
}

void daemon_set_log(const struct options *options, struct log *log)
{
	const char *socket = options_syslog_socket(options);
	struct err e = {0};

	log_set_level(log, options->log_level, options->log_format);
	if (!socket)
		log_to_fd(log);
	/* A node without a syslog is no reason not to run. */
	if (socket && log_to_syslog(log, socket, &e) < 0)
		log_write(log, LOG_LEVEL_WARN, "no syslog, the log goes to standard error", "err",
			  e.msg, NULL);
}

static int take_configuration(struct daemon *d, const char *text, struct err *e)
{
	int r;

	free(d->config_text);
	d->config_text = strdup(text);
	if (!d->config_text)
		return err_set(e, -ENOMEM, "configuration: out of memory");
	r = options_apply_text(&d->options, d->config_text, e);
	if (r < 0)
		return r;
	daemon_set_log(&d->options, d->log);
	r = build(d, e);
	if (r == 0)
		runtime_link_set_core(d->runtime, d->core);
	if (r == 0)
		runtime_link_set_filter(d->runtime, d->filter);
	return r;
}

static int on_configured(void *ctx, const char *text, struct err *e)
{
	struct daemon *d = ctx;

	d->failed = take_configuration(d, text, e);
	if (d->failed < 0)
		log_write(d->log, LOG_LEVEL_ERROR, "cannot run", "err", e->msg, NULL);
	return d->failed;
}

static int new_runtime_link(struct daemon *d, struct err *e)
{
	const struct runtime_link_config config = {
		.socket_path = d->options.nri_socket,
		.launch_socket = d->options.launch_socket,
		.plugin_name = d->options.plugin_name,
		.plugin_index = d->options.plugin_index,
		.seed = d->seed,
		.budget = &d->budget,
		.on_configured = on_configured,
		.on_final_loss = on_final_loss,
		.on_synchronized = on_synchronized,
		.on_activity = on_activity,
		.ctx = d,
	};

	int r = runtime_link_new(d->loop, &config, d->core, d->log, &d->runtime, e);

	if (r == 0)
		runtime_link_set_filter(d->runtime, d->filter);
	return r;
}

int daemon_new(const struct options *options, const struct options_input *input, struct log *log,
	       struct daemon **ret, struct err *e)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_set(e, -ENOMEM, "daemon: out of memory");
	d->options = *options;
	d->options.strings = NULL; /* the caller's */
	d->input = input;
	d->log = log;
	d->seed = random_seed();
	budget_for_work(&d->budget, clock_monotonic_us());
	d->loop = ev_default_loop(EVFLAG_NOENV);
	if (!d->loop) {
		free(d);
		return err_set(e, -EIO, "no event loop: libev could not start");
	}
	start_watchers(d);
	/* A launched plugin learns its options from the runtime: see on_configured(). */
	r = d->options.launch_socket ? 0 : build(d, e);
	if (r == 0)
		r = new_runtime_link(d, e);
	if (r < 0) {
		daemon_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

int daemon_run(struct daemon *d)
{
	schedule_work(d);
	ev_run(d->loop, 0);
	return d->failed;
}

void daemon_free(struct daemon *d)
{
	if (!d)
		return;
	runtime_link_free(d->runtime);
	operator_link_free(d->operators);
	api_link_free(d->api);
	core_free(d->core);
	pod_filter_free(d->filter);
	task_finder_free(d->finder);
	backend_free(d->backend);
	ev_timer_stop(d->loop, &d->work);
	settle_timer_stop(&d->settle);
	ev_signal_stop(d->loop, &d->sigterm);
	ev_signal_stop(d->loop, &d->sigint);
	ev_signal_stop(d->loop, &d->sighup);
	turn_watch_stop(&d->turns, d->loop);
	ev_loop_destroy(d->loop);
	options_done(&d->options);
	free(d->config_text);
	free(d);
}
