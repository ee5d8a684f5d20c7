/* SPDX-License-Identifier: Apache-2.0 */

/* The contract of `tasks`: who moves where, and what is refused in which words. */

#include "contract_priv.h"

#define P      CONTRACT_PREFIX
#define MON(n) "mon_groups/" P n

static pid_t spawn(struct contract *c)
{
	return c->w->spawn(c->w->ctx);
}

static enum contract_result a_written_task_is_listed(struct contract *c)
{
	pid_t tid = spawn(c), other = spawn(c);
	struct rs_group g;

	EXPECT(c, tid > 0 && other > 0, "no tasks");
	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT(c, contract_lists(c, g.path, tid) == 0, "listed before it was written");
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), 0);
	EXPECT(c, contract_status_has(c, "ok"), "status is not ok");
	EXPECT(c, contract_lists(c, g.path, tid) == 1, "not listed");
	EXPECT(c, contract_lists(c, g.path, other) == 0, "the other is listed, too");
	/* A control group's list has the tasks of its monitoring groups as well. */
	EXPECT(c, contract_lists(c, "", tid) == 1, "not listed in the root");
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), 0);
	return CONTRACT_PASSED;
}

static enum contract_result a_task_moves_between_monitoring_groups(struct contract *c)
{
	struct rs_group a, b;
	pid_t tid = spawn(c);

	EXPECT_OK(c, contract_mon(c, "", "a", &a));
	EXPECT_OK(c, contract_mon(c, "", "b", &b));
	EXPECT_RAW(c, contract_write_tid(c, a.path, tid), 0);
	EXPECT_RAW(c, contract_write_tid(c, b.path, tid), 0);
	EXPECT(c, contract_lists(c, a.path, tid) == 0, "still in the first");
	EXPECT(c, contract_lists(c, b.path, tid) == 1, "not in the second");
	EXPECT_RAW(c, contract_write_tid(c, "", tid), 0);
	EXPECT(c, contract_lists(c, b.path, tid) == 0, "still in the second");
	return CONTRACT_PASSED;
}

static enum contract_result an_ended_task_is_ESRCH(struct contract *c)
{
	struct rs_tids tids = {0};
	struct rs_assign_result res;
	struct rs_group g;
	pid_t tid = spawn(c), alive = spawn(c);
	int r;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	c->w->kill(c->w->ctx, tid);
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), -ESRCH);
	EXPECT(c, contract_status_has(c, "No task"), "other status");
	EXPECT(c, rs_tids_add(&tids, tid) == 0 && rs_tids_add(&tids, alive) == 0, "memory");
	r = rs_group_assign(c->rs, g.path, &tids, &res, &c->e);
	rs_tids_done(&tids);
	EXPECT_OK(c, r);
	EXPECT(c, res.gone == 1 && res.assigned == 1 && !res.refused, "gone %zu assigned %zu",
	       res.gone, res.assigned);
	EXPECT(c, contract_lists(c, g.path, alive) == 1, "the living one is not there");
	return CONTRACT_PASSED;
}

static enum contract_result an_ended_task_leaves_the_list(struct contract *c)
{
	struct rs_group g;
	pid_t tid = spawn(c);

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), 0);
	c->w->kill(c->w->ctx, tid);
	EXPECT(c, contract_lists(c, g.path, tid) == 0, "still listed");
	return CONTRACT_PASSED;
}

static enum contract_result children_and_threads_inherit(struct contract *c)
{
	struct rs_group g;
	pid_t tid = spawn(c), child, thread;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), 0);
	child = c->w->fork(c->w->ctx, tid);
	thread = c->w->thread(c->w->ctx, tid);
	EXPECT(c, child > 0 && thread > 0, "child %d thread %d", (int)child, (int)thread);
	EXPECT(c, contract_lists(c, g.path, child) == 1, "the child is not there");
	EXPECT(c, contract_lists(c, g.path, thread) == 1, "the thread is not there");
	return CONTRACT_PASSED;
}

static enum contract_result one_write_moves_one_thread(struct contract *c)
{
	struct rs_group g;
	pid_t tid = spawn(c), thread = c->w->thread(c->w->ctx, tid);

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), 0);
	EXPECT(c, contract_lists(c, g.path, thread) == 0, "its other thread moved, too");
	EXPECT_RAW(c, contract_write_tid(c, g.path, thread), 0);
	EXPECT(c, contract_lists(c, g.path, thread) == 1, "the thread did not move");
	return CONTRACT_PASSED;
}

static enum contract_result a_monitoring_group_takes_only_its_parents_tasks(struct contract *c)
{
	struct rs_assign_result res;
	struct rs_tids tids = {0};
	struct rs_group ctrl, g, inner;
	pid_t tid = spawn(c), free_one = spawn(c);
	int r;

	EXPECT_OK(c, contract_ctrl(c, "ctrl", &ctrl));
	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_OK(c, contract_mon(c, ctrl.path, "in", &inner));
	EXPECT_RAW(c, contract_write_tid(c, ctrl.path, tid), 0);
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), -EINVAL);
	EXPECT(c, contract_status_has(c, "Can't move task to different control group"),
	       "other status");
	EXPECT(c, contract_status_has(c, "Error while processing task") == c->can.task_lists,
	       "other status");
	EXPECT(c, rs_tids_add(&tids, tid) == 0 && rs_tids_add(&tids, free_one) == 0, "memory");
	r = rs_group_assign(c->rs, g.path, &tids, &res, &c->e);
	rs_tids_done(&tids);
	EXPECT_OK(c, r);
	EXPECT(c, res.refused == 1 && res.first_refused == tid && res.assigned == 1,
	       "refused %zu assigned %zu", res.refused, res.assigned);
	EXPECT_RAW(c, contract_write_tid(c, inner.path, tid), 0);
	EXPECT(c, contract_lists(c, inner.path, tid) == 1, "not in the inner group");
	/* A control group takes tasks from everywhere. */
	EXPECT_RAW(c, contract_write_tid(c, "", tid), 0);
	EXPECT(c, contract_lists(c, inner.path, tid) == 0, "still in the inner group");
	EXPECT_RAW(c, contract_write_tid(c, g.path, tid), 0);
	EXPECT_RAW(c, contract_write_tid(c, ctrl.path, tid), 0);
	EXPECT(c, contract_lists(c, g.path, tid) == 0, "still in the group of the root");
	return CONTRACT_PASSED;
}

static enum contract_result a_comma_list_is_taken_or_refused_whole(struct contract *c)
{
	struct rs_group g;
	pid_t a = spawn(c), b = spawn(c);
	char text[64];

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	snprintf(text, sizeof(text), "%d,%d", (int)a, (int)b);
	EXPECT_RAW(c, contract_write(c, g.path, text), c->can.task_lists ? 0 : -EINVAL);
	EXPECT(c, contract_lists(c, g.path, a) == c->can.task_lists, "the first");
	EXPECT(c, contract_lists(c, g.path, b) == c->can.task_lists, "the second");
	EXPECT(c, contract_status_has(c, "ok"), "status is not ok");
	return CONTRACT_PASSED;
}

static enum contract_result a_comma_list_stops_at_the_first_bad_one(struct contract *c)
{
	struct rs_group g;
	pid_t a = spawn(c), dead = spawn(c), b = spawn(c);
	char text[64];

	if (!c->can.task_lists)
		SKIP(c, "no task lists in this kernel");
	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	c->w->kill(c->w->ctx, dead);
	snprintf(text, sizeof(text), "%d,%d,%d\n", (int)a, (int)dead, (int)b);
	EXPECT_RAW(c, contract_write(c, g.path, text), -ESRCH);
	EXPECT(c, contract_status_has(c, "Error while processing task"), "other status");
	EXPECT(c, contract_lists(c, g.path, a) == 1, "the one before it did not move");
	EXPECT(c, contract_lists(c, g.path, b) == 0, "the one after it moved");
	snprintf(text, sizeof(text), "%d, x,%d", (int)b, (int)a);
	EXPECT_RAW(c, contract_write(c, g.path, text), -EINVAL);
	EXPECT(c, contract_lists(c, g.path, b) == 1, "the one before the junk did not move");
	return CONTRACT_PASSED;
}

static enum contract_result what_is_no_task_list_is_EINVAL(struct contract *c)
{
	static const char *const texts[] = {"abc", "-1", "1x", "99999999999", " ", "1 2"};
	struct rs_group g;
	pid_t a = spawn(c), b = spawn(c);
	char text[64];

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int r = contract_write(c, g.path, texts[i]);

		EXPECT(c, r == -EINVAL, "'%s': %s", texts[i], err_name(r));
	}
	snprintf(text, sizeof(text), "%d\n%d\n", (int)a, (int)b);
	EXPECT_RAW(c, contract_write(c, g.path, text), -EINVAL);
	EXPECT(c, contract_status_has(c, "Task list parsing error") == c->can.task_lists,
	       "other status");
	EXPECT(c, contract_lists(c, g.path, a) == 0, "the first of the lines moved");
	snprintf(text, sizeof(text), " %d \n", (int)a);
	EXPECT_RAW(c, contract_write(c, g.path, text), 0);
	snprintf(text, sizeof(text), "0x%x", (unsigned)b);
	EXPECT_RAW(c, contract_write(c, g.path, text), 0);
	EXPECT(c, contract_lists(c, g.path, b) == 1, "the hexadecimal one did not move");
	return CONTRACT_PASSED;
}

static enum contract_result more_than_a_page_is_refused(struct contract *c)
{
	char text[4098];
	struct rs_group g;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	memset(text, ' ', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	EXPECT_RAW(c, contract_write(c, g.path, text), -E2BIG);
	return CONTRACT_PASSED;
}

static enum contract_result zero_moves_the_writer(struct contract *c)
{
	struct rs_group g;
	int listed;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, contract_write(c, g.path, "0"), 0);
	listed = contract_lists(c, g.path, c->w->self);
	EXPECT_RAW(c, contract_write_tid(c, "", c->w->self), 0);
	EXPECT(c, listed == 1, "the writer is not in the group");
	return CONTRACT_PASSED;
}

static enum contract_result tasks_fall_back_to_the_parent(struct contract *c)
{
	struct rs_group ctrl, g, inner;
	pid_t a = spawn(c), b = spawn(c);

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_RAW(c, contract_write_tid(c, g.path, a), 0);
	EXPECT_OK(c, contract_ctrl(c, "ctrl", &ctrl));
	EXPECT_OK(c, contract_mon(c, ctrl.path, "in", &inner));
	EXPECT_RAW(c, contract_write_tid(c, ctrl.path, b), 0);
	EXPECT_RAW(c, contract_write_tid(c, inner.path, b), 0);

	EXPECT_OK(c, rs_group_delete(c->rs, g.path, &c->e));
	EXPECT_OK(c, contract_mon(c, "", "b", &g));
	EXPECT(c, contract_lists(c, g.path, a) == 0, "the task is in a group made later");
	EXPECT_RAW(c, contract_write_tid(c, g.path, a), 0);

	EXPECT_OK(c, rs_group_delete(c->rs, inner.path, &c->e));
	EXPECT(c, contract_lists(c, ctrl.path, b) == 1, "not in the control group");
	return CONTRACT_PASSED;
}

static enum contract_result tasks_of_a_control_group_fall_back_to_the_root(struct contract *c)
{
	struct rs_group ctrl, g, inner;
	pid_t b = spawn(c);

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_OK(c, contract_ctrl(c, "ctrl", &ctrl));
	EXPECT_OK(c, contract_mon(c, ctrl.path, "in", &inner));
	EXPECT_RAW(c, contract_write_tid(c, ctrl.path, b), 0);
	EXPECT_RAW(c, contract_write_tid(c, inner.path, b), 0);
	EXPECT_OK(c, rs_group_delete(c->rs, ctrl.path, &c->e));
	/* Only a task of the root can enter a group of the root. */
	EXPECT_RAW(c, contract_write_tid(c, g.path, b), 0);
	return CONTRACT_PASSED;
}

static enum contract_result an_open_file_of_a_removed_group_is_ENODEV(struct contract *c)
{
	struct rs_group g;
	int fd, r;

	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	fd = FN(c, open_write, MON("a") "/tasks");
	EXPECT(c, fd >= 0, "open: %s", err_name(fd));
	r = FN(c, rmdir, g.path);
	if (r == 0)
		r = FN(c, write, fd, "1", 1);
	FN(c, close, fd);
	EXPECT(c, r == -ENODEV, "got %s", err_name(r));
	return CONTRACT_PASSED;
}

/* Enumerates a process whose children come while it is being placed. */
struct growing {
	struct contract *c;
	pid_t tids[16];
	size_t nr;
	unsigned forks;
};

static int list_growing(void *ctx, struct rs_tids *ret, struct err *e)
{
	struct growing *g = ctx;
	size_t nr = g->nr;

	for (size_t i = 0; i < nr; i++) {
		if (rs_tids_add(ret, g->tids[i]) < 0)
			return err_sys(e, -ENOMEM, "list");
	}
	/* After the enumeration, so that this pass cannot know the new one. */
	if (g->forks && g->nr < ARRAY_LEN(g->tids)) {
		g->forks--;
		g->tids[g->nr++] = g->c->w->fork(g->c->w->ctx, g->tids[0]);
	}
	return 0;
}

static enum contract_result reconcile_catches_forks(struct contract *c)
{
	struct growing growing = {.c = c, .nr = 1, .forks = 1};
	struct rs_task_source source = {.list = list_growing, .ctx = &growing};
	struct rs_reconcile_result res;
	struct rs_group g;

	growing.tids[0] = spawn(c);
	EXPECT_OK(c, contract_mon(c, "", "a", &g));
	EXPECT_OK(c, rs_reconcile(c->rs, g.path, &source, 8, &res, &c->e));
	EXPECT(c, !res.missing && res.total == 2 && res.passes == 3, "missing %zu of %zu in %u",
	       res.missing, res.total, res.passes);
	EXPECT(c, contract_lists(c, g.path, growing.tids[1]) == 1, "the child is not there");
	growing.forks = 1;
	EXPECT_OK(c, rs_reconcile(c->rs, g.path, &source, 8, &res, &c->e));
	EXPECT(c, contract_lists(c, g.path, growing.tids[2]) == 1, "the heir is not there");
	return CONTRACT_PASSED;
}

/* clang-format off */
#define CASE(fn) { #fn, fn }

const struct contract_case contract_tasks[] = {
    CASE(a_written_task_is_listed),
    CASE(a_task_moves_between_monitoring_groups),
    CASE(an_ended_task_is_ESRCH),
    CASE(an_ended_task_leaves_the_list),
    CASE(children_and_threads_inherit),
    CASE(one_write_moves_one_thread),
    CASE(a_monitoring_group_takes_only_its_parents_tasks),
    CASE(a_comma_list_is_taken_or_refused_whole),
    CASE(a_comma_list_stops_at_the_first_bad_one),
    CASE(what_is_no_task_list_is_EINVAL),
    CASE(more_than_a_page_is_refused),
    CASE(zero_moves_the_writer),
    CASE(tasks_fall_back_to_the_parent),
    CASE(tasks_of_a_control_group_fall_back_to_the_root),
    CASE(an_open_file_of_a_removed_group_is_ENODEV),
    CASE(reconcile_catches_forks),
};
/* clang-format on */
const size_t contract_tasks_nr = ARRAY_LEN(contract_tasks);
