/* SPDX-License-Identifier: Apache-2.0 */
#include "backend.h"

#include "advice.h"
#include "clock.h"
#include "log.h"
#include "options.h"
#include "resctrl_real.h"
#include "resctrl_sim.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define PROC_PATH_MAX 4128

struct backend {
	const char *proc_root;
	struct rs_real *real; /* one of these two */
	struct rs_sim *sim;
	struct rs *rs;
	const char *root_name;
};

static uint64_t sim_now_ms(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms();
}

/* The simulated tree holds real tasks, so it must learn from the kernel which of them live. */
static bool sim_task_exists(void *ctx, pid_t tid)
{
	const struct backend *b = ctx;
	char path[PROC_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%d", b->proc_root, (int)tid);
	return access(path, F_OK) == 0;
}

static int open_simulated(struct backend *b, const struct options *o, struct err *e)
{
	const struct rs_sim_config config = {
		.rmids = (unsigned)o->simulated_rmids,
		.limbo_ms = (unsigned)o->simulated_limbo_ms,
		.now_ms = sim_now_ms,
		.task_exists = sim_task_exists,
		.ctx = b,
		.self = getpid(),
	};
	int r = rs_sim_new(&config, &b->sim, e);

	if (r < 0)
		return r;
	return rs_new(&rs_sim_ops, b->sim, &b->rs, e);
}

/* Say what is wrong with the tree, in time for an operator who watches the start. */
static void report_mount(const struct options *o, struct log *log)
{
	const struct rs_mount_env env = {.proc_root = o->proc_root};
	struct err e = {0};
	struct rs_mount mount;
	int r = rs_mount_ensure(&env, o->resctrl_root, o->auto_mount, &mount, &e);

	if (r < 0)
		log_write(log, LOG_LEVEL_WARN, "resctrl cannot be used yet; pods fail until it can",
			  /* Busy is the mount here, and no RMID. */
			  "reason", rs_reason(r == -EBUSY ? -ENODEV : r), "err", e.msg, "hint",
			  advice_resctrl(r), NULL);
}

static int open_real(struct backend *b, const struct options *o, struct log *log, struct err *e)
{
	int r = rs_real_open(o->resctrl_root, &b->real, e);
	struct err probe = {0};

	if (r < 0)
		return r;
	r = rs_new(&rs_real_ops, b->real, &b->rs, e);
	if (r < 0)
		return r;
	if (o->auto_mount || rs_probe(b->rs, &probe) == -ENODEV)
		report_mount(o, log);
	else if (probe.code < 0)
		log_write(log, LOG_LEVEL_WARN, "resctrl cannot be used yet; pods fail until it can",
			  "reason", rs_reason(probe.code), "err", probe.msg, "hint",
			  advice_resctrl(probe.code), NULL);
	return 0;
}

int backend_new(const struct options *options, struct log *log, struct backend **ret, struct err *e)
{
	struct backend *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_set(e, -ENOMEM, "resctrl backend: out of memory");
	b->proc_root = options->proc_root;
	b->root_name =
		options->resctrl_host_root ? options->resctrl_host_root : options->resctrl_root;
	r = options->simulated ? open_simulated(b, options, e) : open_real(b, options, log, e);
	if (r < 0) {
		backend_free(b);
		return r;
	}
	*ret = b;
	return 0;
}

void backend_free(struct backend *backend)
{
	if (!backend)
		return;
	rs_free(backend->rs);
	rs_sim_free(backend->sim);
	rs_real_close(backend->real);
	free(backend);
}

struct rs *backend_resctrl(struct backend *backend)
{
	return backend->rs;
}

void backend_remove_groups(struct backend *backend, const char *prefix, struct log *log)
{
	struct rs_cleanup_report report = {0};
	struct err e = {0};
	int r = rs_cleanup(backend->rs, prefix, NULL, NULL, &report, &e);
	bool is_clean = r == 0 && report.removal_failures == 0;
	char removed[24], left[24];

	(void)snprintf(removed, sizeof(removed), "%zu", report.removed);
	(void)snprintf(left, sizeof(left), "%zu", report.removal_failures);
	log_write(log, is_clean ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		  "asked to stop; removed the groups", "removed", removed, "left", left, "err",
		  r < 0 ? e.msg : NULL, NULL);
}

const char *backend_root_name(const struct backend *backend)
{
	return backend->root_name;
}
