/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tasks of the simulated tree. A task that was never written or forked is in the root
 * group and takes no memory. What is remembered is bounded by the tasks that exist: the
 * ended ones are dropped when the table would grow, and it never exceeds RS_TIDS_MAX.
 */

#include "sim_priv.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define BUCKETS_FIRST  64
#define PRUNED_BUCKETS 2    /* looked at for ended tasks whenever one is added */
#define WRITE_MAX      4096 /* the kernel takes at most one page */

static size_t bucket_of(const struct sim_tasks *t, pid_t tid)
{
	return ((uint32_t)tid * 2654435761u >> 7) & (t->size - 1);
}

struct sim_task *sim_task_find(const struct rs_sim *sim, pid_t tid)
{
	struct sim_task *task;

	if (!sim->tasks.size)
		return NULL;
	task = sim->tasks.buckets[bucket_of(&sim->tasks, tid)];
	while (task && task->tid != tid)
		task = task->next;
	return task;
}

static void leave_group(struct rs_sim *sim, struct sim_task *task)
{
	if (!task->group)
		return;
	sim_group_account(sim, task->group);
	task->group->nr_tasks--;
	task->group = NULL;
	list_del(&task->link);
}

static void enter_group(struct rs_sim *sim, struct sim_task *task, struct sim_group *group)
{
	if (task->group == group)
		return;
	leave_group(sim, task);
	sim_group_account(sim, group);
	group->nr_tasks++;
	task->group = group;
	list_append(&group->tasks, &task->link);
}

static void forget(struct rs_sim *sim, struct sim_task *task)
{
	struct sim_task **p = &sim->tasks.buckets[bucket_of(&sim->tasks, task->tid)];

	while (*p != task)
		p = &(*p)->next;
	*p = task->next;
	leave_group(sim, task);
	sim->tasks.nr--;
	free(task);
}

static bool exists(const struct rs_sim *sim, pid_t tid)
{
	const struct sim_task *task;

	if (sim->config.task_exists)
		return sim->config.task_exists(sim->config.ctx, tid);
	task = sim_task_find(sim, tid);
	return !task || task->group;
}

/*
 * Drop those tasks of the next few buckets that are known, by the callback, to have ended. A
 * few at every addition: all at once would hold up the caller for tens of milliseconds, and
 * this way at most about half a table of ended tasks is kept.
 */
static void prune_some(struct rs_sim *sim)
{
	struct sim_tasks *t = &sim->tasks;

	for (size_t n = 0; n < PRUNED_BUCKETS && t->size && sim->config.task_exists; n++) {
		struct sim_task *task = t->buckets[t->next_pruned++ & (t->size - 1)];

		while (task) {
			struct sim_task *next = task->next;

			if (!exists(sim, task->tid))
				forget(sim, task);
			task = next;
		}
	}
}

static int grow(struct sim_tasks *t)
{
	struct sim_tasks bigger = {.size = t->size ? t->size * 2 : BUCKETS_FIRST,
				   .nr = t->nr,
				   .next_pruned = t->next_pruned};

	bigger.buckets = calloc(bigger.size, sizeof(struct sim_task *));
	if (!bigger.buckets)
		return -ENOMEM;
	for (size_t i = 0; i < t->size; i++) {
		struct sim_task *task = t->buckets[i];

		while (task) {
			struct sim_task *next = task->next;
			size_t b = bucket_of(&bigger, task->tid);

			task->next = bigger.buckets[b];
			bigger.buckets[b] = task;
			task = next;
		}
	}
	free(t->buckets);
	*t = bigger;
	return 0;
}

static int make_room(struct rs_sim *sim)
{
	struct sim_tasks *t = &sim->tasks;

	prune_some(sim);
	if (t->nr < t->size)
		return 0;
	if (t->nr >= RS_TIDS_MAX)
		return -ENOMEM;
	return grow(t);
}

/* The record of TID, made when there is none. */
static struct sim_task *remember(struct rs_sim *sim, pid_t tid)
{
	struct sim_task *task = sim_task_find(sim, tid);
	size_t b;

	if (task)
		return task;
	if (make_room(sim) < 0)
		return NULL;
	task = calloc(1, sizeof(*task));
	if (!task)
		return NULL;
	task->tid = tid;
	list_init(&task->link);
	b = bucket_of(&sim->tasks, tid);
	task->next = sim->tasks.buckets[b];
	sim->tasks.buckets[b] = task;
	sim->tasks.nr++;
	return task;
}

static struct sim_group *group_of(struct rs_sim *sim, pid_t tid)
{
	const struct sim_task *task = sim_task_find(sim, tid);

	return task && task->group ? task->group : &sim->root;
}

/* ---- the `tasks` file ---- */

static int move_task(struct rs_sim *sim, struct sim_group *to, pid_t tid)
{
	struct sim_task *task;
	struct sim_group *from;

	if (tid == 0)
		tid = sim->config.self;
	if (tid == 0)
		return 0;
	if (!exists(sim, tid)) {
		(void)strbuf_addf(&sim->status, "No task %d\n", (int)tid);
		return -ESRCH;
	}
	from = group_of(sim, tid);
	if (sim_group_is_mon(to) && from->closid != to->closid) {
		(void)strbuf_adds(&sim->status, "Can't move task to different control group\n");
		return -EINVAL;
	}
	task = remember(sim, tid);
	if (!task)
		return -ENOMEM;
	enter_group(sim, task, to);
	return 0;
}

/* As the kernel's kstrtoint() with base 0: 0x and 0 prefixes, one sign, nothing behind. */
static bool parse_tid(const char *s, long *ret)
{
	bool negative = *s == '-';
	unsigned base = 10;
	long v = 0;

	s += *s == '-' || *s == '+';
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (s[0] == '0' && s[1]) {
		base = 8;
		s++;
	}
	if (!*s)
		return false;
	for (; *s; s++) {
		char c = (char)tolower((unsigned char)*s);
		unsigned digit = c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(c - '0');

		if (!isxdigit((unsigned char)c) || digit >= base)
			return false;
		v = v * (long)base + (long)digit;
		if (v > INT_MAX)
			return false;
	}
	*ret = negative ? -v : v;
	return true;
}

static char *trim(char *s)
{
	size_t len = strlen(s);

	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* Before 6.7: one number, and the status is cleared only once it was read as one. */
static int write_one(struct rs_sim *sim, struct sim_group *group, char *text)
{
	long tid;

	if (!parse_tid(trim(text), &tid) || tid < 0)
		return -EINVAL;
	strbuf_reset(&sim->status);
	return move_task(sim, group, (pid_t)tid);
}

static int write_list(struct rs_sim *sim, struct sim_group *group, char *text)
{
	int r = 0;

	strbuf_reset(&sim->status);
	while (text && *text && *text != '\n') {
		const char *word = trim(strsep(&text, ","));
		long tid;

		if (!parse_tid(word, &tid)) {
			(void)strbuf_addf(&sim->status, "Task list parsing error pid %s\n", word);
			return -EINVAL;
		}
		if (tid < 0) {
			(void)strbuf_addf(&sim->status, "Invalid pid %ld\n", tid);
			return -EINVAL;
		}
		r = move_task(sim, group, (pid_t)tid);
		if (r < 0) {
			(void)strbuf_addf(&sim->status, "Error while processing task %ld\n", tid);
			return r;
		}
	}
	return 0;
}

int sim_tasks_write(struct rs_sim *sim, struct sim_group *group, const char *data, size_t len)
{
	char text[WRITE_MAX + 1];

	sim->writes++;
	if (len > WRITE_MAX)
		return -E2BIG;
	memcpy(text, data, len);
	text[len] = '\0';
	return sim->config.no_task_lists ? write_one(sim, group, text)
					 : write_list(sim, group, text);
}

static int read_own(struct rs_sim *sim, struct sim_group *group, struct strbuf *out)
{
	list_for_each_safe (it, next, &group->tasks) {
		struct sim_task *task = list_entry(it, struct sim_task, link);

		if (!exists(sim, task->tid))
			forget(sim, task);
		else
			(void)strbuf_addf(out, "%d\n", (int)task->tid);
	}
	return out->error;
}

/* A control group's file shows the tasks of its monitoring groups, too. */
int sim_tasks_read(struct rs_sim *sim, struct sim_group *group, struct strbuf *out)
{
	int r = read_own(sim, group, out);

	list_for_each (it, &group->children) {
		if (r == 0)
			r = read_own(sim, list_entry(it, struct sim_group, link), out);
	}
	return r;
}

void sim_tasks_move_all(struct rs_sim *sim, struct sim_group *from, struct sim_group *to)
{
	list_for_each_safe (it, next, &from->tasks) {
		enter_group(sim, list_entry(it, struct sim_task, link), to);
	}
}

void sim_tasks_done(struct rs_sim *sim)
{
	for (size_t i = 0; i < sim->tasks.size; i++) {
		while (sim->tasks.buckets[i])
			forget(sim, sim->tasks.buckets[i]);
	}
	free(sim->tasks.buckets);
	sim->tasks = (struct sim_tasks){0};
}

/* ---- what happens outside of the tree ---- */

int rs_sim_fork(struct rs_sim *sim, pid_t parent, pid_t child)
{
	struct sim_group *group = group_of(sim, parent);
	struct sim_task *task;

	if (!exists(sim, parent))
		return -ESRCH;
	task = sim_task_find(sim, child);
	/* In the root group there is nothing to remember. */
	if (!task && group == &sim->root)
		return 0;
	task = remember(sim, child);
	if (!task)
		return -ENOMEM;
	enter_group(sim, task, group);
	return 0;
}

void rs_sim_exit(struct rs_sim *sim, pid_t tid)
{
	struct sim_task *task = sim_task_find(sim, tid);

	if (sim->config.task_exists) {
		if (task)
			forget(sim, task);
		return;
	}
	if (!task)
		task = remember(sim, tid);
	if (task)
		leave_group(sim, task);
}

const char *rs_sim_group_of(struct rs_sim *sim, pid_t tid)
{
	return exists(sim, tid) ? group_of(sim, tid)->path : NULL;
}
