/* SPDX-License-Identifier: Apache-2.0 */
#include "lockstep.h"
#include "resctrl_sim.h"
#include "strbuf.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define P       CONTRACT_PREFIX
#define TASKS   6
#define PATIENT 120 /* quarters of a second for an RMID to drain */

static const char *const paths[] = {
	P "c1",
	P "c2",
	"mon_groups/" P "a",
	"mon_groups/" P "b",
	P "c1/mon_groups/" P "a",
	P "c1/mon_groups/" P "x",
	P "c2/mon_groups/" P "a",
	/* From here on: nothing that can be a group. */
	"mon_groups",
	"mon_groups/mon_groups",
	"mon_groups/" P "a/" P "in",
	"mon_groups/" P "a/mon_data",
	"mon_groups/" P "a/mon_groups/" P "in",
	"mon_data/" P "x",
	"info",
	"info/L3_MON",
	"tasks",
	"tasks/" P "x",
	P "c1/mon_groups",
	P "c1/" P "in",
	P "c1/tasks",
	P "none/mon_groups/" P "a",
};

#define GROUPS 7 /* of those that can be */

struct lockstep {
	const struct contract_world *w;
	struct rs_sim *sim;
	struct contract_features can;
	pid_t tids[TASKS + 2]; /* the spawned ones, the writer, and one that has ended */
	uint64_t random;
	char *msg;
	unsigned step;
	char what[256];
};

static unsigned pick(struct lockstep *l, unsigned below)
{
	l->random = l->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(l->random >> 33) % below;
}

static bool task_exists(void *ctx, pid_t tid)
{
	(void)ctx;
	return tid > 0 && (kill(tid, 0) == 0 || errno == EPERM);
}

static bool differ(struct lockstep *l, const char *real, const char *sim)
{
	if (strcmp(real, sim) == 0)
		return false;
	snprintf(l->msg, CONTRACT_MSG_MAX, "step %u, %s: real '%.200s', simulated '%.200s'",
		 l->step, l->what, real, sim);
	return true;
}

static bool codes_differ(struct lockstep *l, int real, int sim)
{
	return differ(l, real ? err_name(real) : "0", sim ? err_name(sim) : "0");
}

static bool step_mkdir(struct lockstep *l)
{
	const char *path = paths[pick(l, ARRAY_LEN(paths))];
	int real;

	snprintf(l->what, sizeof(l->what), "mkdir %s", path);
	for (int i = 0; i < PATIENT; i++) {
		real = l->w->ops->mkdir(l->w->fs, path);
		if (real != -EBUSY)
			break;
		l->w->wait_ms(l->w->ctx, 250);
	}
	return codes_differ(l, real, rs_sim_ops.mkdir(l->sim, path));
}

static bool step_rmdir(struct lockstep *l)
{
	const char *path = paths[pick(l, ARRAY_LEN(paths))];
	int real;

	snprintf(l->what, sizeof(l->what), "rmdir %s", path);
	real = l->w->ops->rmdir(l->w->fs, path);
	return codes_differ(l, real, rs_sim_ops.rmdir(l->sim, path));
}

static bool step_rename(struct lockstep *l)
{
	const char *from = paths[pick(l, ARRAY_LEN(paths))];
	const char *to = paths[pick(l, ARRAY_LEN(paths))];
	int real;

	snprintf(l->what, sizeof(l->what), "rename %s %s", from, to);
	real = l->w->ops->rename(l->w->fs, from, to);
	return codes_differ(l, real, rs_sim_ops.rename(l->sim, from, to));
}

static void text_to_write(struct lockstep *l, char *text, size_t size)
{
	int a = (int)l->tids[pick(l, ARRAY_LEN(l->tids))];
	int b = (int)l->tids[pick(l, ARRAY_LEN(l->tids))];

	switch (pick(l, 16)) {
	case 0:
		snprintf(text, size, "0");
		break;
	case 1:
		snprintf(text, size, " %d \n", a);
		break;
	case 2:
		snprintf(text, size, "%d\n%d", a, b);
		break;
	case 3:
		snprintf(text, size, "%d,", a);
		break;
	case 4:
		snprintf(text, size, ",%d", a);
		break;
	case 5:
		snprintf(text, size, "%dx,%d", a, b);
		break;
	case 6:
		snprintf(text, size, "-%d", a);
		break;
	case 7:
		snprintf(text, size, "\n");
		break;
	case 8:
		snprintf(text, size, "0%o", (unsigned)a);
		break;
	case 9:
	case 10:
	case 11:
		snprintf(text, size, "%d, %d", a, b);
		break;
	default:
		snprintf(text, size, "%d", a);
		break;
	}
}

static int write_to(const struct rs_fs_ops *ops, void *fs, const char *path, const char *text)
{
	int h = ops->open_write(fs, path), r;

	if (h < 0)
		return h;
	r = ops->write(fs, h, text, strlen(text));
	ops->close(fs, h);
	return r;
}

static bool status_differs(struct lockstep *l)
{
	AUTO_STRBUF struct strbuf real, sim;

	strbuf_init(&real, 4096);
	strbuf_init(&sim, 4096);
	if (l->w->ops->read(l->w->fs, "info/last_cmd_status", &real) < 0 ||
	    rs_sim_ops.read(l->sim, "info/last_cmd_status", &sim) < 0)
		return differ(l, "status", "unreadable");
	return differ(l, strbuf_str(&real), strbuf_str(&sim));
}

static bool step_write(struct lockstep *l)
{
	char path[128], text[64];
	unsigned group = pick(l, ARRAY_LEN(paths) + 2);
	int real;

	if (group < ARRAY_LEN(paths))
		snprintf(path, sizeof(path), "%s/tasks", paths[group]);
	else
		snprintf(path, sizeof(path), "tasks");
	text_to_write(l, text, sizeof(text));
	snprintf(l->what, sizeof(l->what), "write '%s' to %s", text, path);
	real = write_to(l->w->ops, l->w->fs, path, text);
	if (codes_differ(l, real, write_to(&rs_sim_ops, l->sim, path, text)))
		return true;
	/* A write that reached the parser starts the status anew. */
	return (real == 0 || real == -ESRCH) && status_differs(l);
}

static bool step_stat(struct lockstep *l)
{
	const char *path = paths[pick(l, ARRAY_LEN(paths))];
	struct rs_stat real = {0}, sim = {0};
	int r;

	snprintf(l->what, sizeof(l->what), "stat %s", path);
	r = l->w->ops->stat(l->w->fs, path, &real);
	return codes_differ(l, r, rs_sim_ops.stat(l->sim, path, &sim)) ||
	       codes_differ(l, real.is_dir, sim.is_dir);
}

/* Is TID in the list of PATH's tasks? Or a code, when there is none. */
static int has_task(struct rs *rs, const char *path, pid_t tid)
{
	struct rs_tids tids = {0};
	int r = rs_group_tasks(rs, path, &tids, NULL);

	if (r == 0)
		r = rs_tids_has(&tids, tid);
	rs_tids_done(&tids);
	return r;
}

static bool tasks_differ(struct lockstep *l)
{
	struct rs *real, *sim;
	bool found = false;

	if (rs_new(l->w->ops, l->w->fs, &real, NULL) < 0)
		return true;
	if (rs_new(&rs_sim_ops, l->sim, &sim, NULL) < 0) {
		rs_free(real);
		return true;
	}
	for (size_t g = 0; g < GROUPS && !found; g++) {
		for (size_t t = 0; t < ARRAY_LEN(l->tids) && !found; t++) {
			snprintf(l->what, sizeof(l->what), "task %d in %s", (int)l->tids[t],
				 paths[g]);
			found = codes_differ(l, has_task(real, paths[g], l->tids[t]),
					     has_task(sim, paths[g], l->tids[t]));
		}
	}
	rs_free(real);
	rs_free(sim);
	return found;
}

/* One of the tasks ends, and its place is taken by a child of another. */
static bool step_fork(struct lockstep *l)
{
	unsigned from = pick(l, TASKS / 2), to = TASKS / 2 + pick(l, TASKS / 2);
	pid_t child = l->w->fork(l->w->ctx, l->tids[from]);

	snprintf(l->what, sizeof(l->what), "fork of %d", (int)l->tids[from]);
	if (child <= 0 || rs_sim_fork(l->sim, l->tids[from], child) < 0)
		return differ(l, "forked", "failed");
	l->tids[to] = child;
	return false;
}

static bool step(struct lockstep *l)
{
	switch (pick(l, 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return step_mkdir(l);
	case 4:
	case 5:
		return step_rmdir(l);
	case 6:
	case 7:
		return step_rename(l);
	case 8:
		return step_stat(l);
	case 9:
		return step_fork(l);
	case 10:
		return tasks_differ(l);
	default:
		return step_write(l);
	}
}

static bool set_up(struct lockstep *l)
{
	for (size_t i = 0; i < TASKS; i++) {
		l->tids[i] = l->w->spawn(l->w->ctx);
		if (l->tids[i] <= 0)
			return false;
	}
	l->tids[TASKS] = l->w->self;
	l->tids[TASKS + 1] = l->w->spawn(l->w->ctx);
	l->w->kill(l->w->ctx, l->tids[TASKS + 1]);
	return true;
}

enum contract_result lockstep_run(const struct contract_world *w, unsigned steps, uint64_t seed,
				  char *msg)
{
	struct lockstep l = {.w = w, .random = seed, .msg = msg, .can = contract_features(w)};
	const struct rs_sim_config config = {
		.rmids = 512,
		.task_exists = task_exists,
		.self = w->self,
		.no_task_lists = !l.can.task_lists,
		.no_rename = !l.can.rename,
	};
	bool bad = false;

	*msg = '\0';
	if (rs_sim_new(&config, &l.sim, NULL) < 0 || !set_up(&l)) {
		snprintf(msg, CONTRACT_MSG_MAX, "cannot set up");
		rs_sim_free(l.sim);
		return CONTRACT_FAILED;
	}
	for (l.step = 0; l.step < steps && !bad; l.step++)
		bad = step(&l);
	(void)write_to(w->ops, w->fs, "tasks", "0");
	for (size_t i = 0; i < GROUPS; i++)
		(void)w->ops->rmdir(w->fs, paths[i]);
	w->reset(w->ctx);
	rs_sim_free(l.sim);
	return bad ? CONTRACT_FAILED : CONTRACT_PASSED;
}
