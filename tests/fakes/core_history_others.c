/* SPDX-License-Identifier: Apache-2.0 */
#include "core_history_priv.h"

#include <stdio.h>
#include <string.h>

/* ---- what the tasks, the kernel and others do
 * ------------------------------------------------------- */

void history_do_tasks(struct history *h)
{
	struct real_container *c = history_some_container(h, RUNNING);
	struct world_container *wc = c ? world_container(h->w, c->id) : NULL;
	pid_t tid;

	if (!wc || !wc->nr || wc->nr > 12)
		return;
	switch (history_choose(h, 6)) {
	case 0:
	case 1:
		history_trace(h, "fork in %s", c->id);
		(void)world_fork(h->w, wc);
		break;
	case 2:
		history_trace(h, "exec into %s", c->id);
		(void)world_enter(h->w, wc);
		break;
	case 3:
		if (wc->nr > 1)
			world_exit(h->w, wc, history_choose(h, (unsigned)wc->nr));
		break;
	case 4:
		tid = wc->tid[history_choose(h, (unsigned)wc->nr)];
		history_trace(h, "number %d of %s used again", (int)tid, c->id);
		rs_sim_exit(h->w->sim, tid);
		history_hold(h, rs_sim_fork(h->w->sim, 1, tid) == 0, "fork", "");
		break;
	default:
		history_trace(h, "forks while %s is listed", c->id);
		h->w->grow_on_list = 2;
		break;
	}
}

void history_clear_faults(struct history *h)
{
	memset(h->w->fail, 0, sizeof(h->w->fail));
	h->w->fail_at = 0;
	h->w->grow_on_list = 0;
	for (size_t i = 0; i < h->w->nr_containers; i++)
		h->w->containers[i]->error = 0;
	rs_sim_set_mounted(h->w->sim, true);
	rs_sim_hold_lock(h->w->sim, false);
}

void history_do_fault(struct history *h)
{
	static const int codes[] = {ENOSPC, EBUSY, EACCES, EIO, ENOENT, ENODEV, EROFS, EINVAL};
	unsigned op = history_choose(h, WORLD_NR_OPS + 3);
	int code = codes[history_choose(h, sizeof(codes) / sizeof(codes[0]))];
	struct real_container *c = history_some_container(h, RUNNING);
	struct world_container *wc = c ? world_container(h->w, c->id) : NULL;

	/* Lack of room is what mkdir says, and a write for lack of memory. */
	if ((code == ENOSPC || code == EBUSY) && op != WORLD_MKDIR && op != WORLD_RMDIR &&
	    op != WORLD_WRITE)
		code = EIO;
	/* A kernel that denies a group which is there would rightly be believed. */
	if (code == ENOENT && (op == WORLD_RMDIR || op == WORLD_NR_OPS))
		code = EACCES;
	if (op < WORLD_NR_OPS) {
		history_trace(h, "operation %u fails with %s", op, err_name(code));
		h->w->fail[op] = code;
	} else if (op == WORLD_NR_OPS) {
		h->w->fail_at = h->w->total_calls + 1 + history_choose(h, 8);
		h->w->fail_errno = code;
		history_trace(h, "one operation fails with %s", err_name(code));
	} else if (op == WORLD_NR_OPS + 1 && wc) {
		history_trace(h, "listing %s fails with %s", c->id, err_name(code));
		wc->error = code;
	} else {
		history_trace(h, "unmounted");
		rs_sim_set_mounted(h->w->sim, false);
	}
}

void history_make_gold(struct history *h)
{
	if (!world_has(h->w, "gold"))
		(void)world_mkdir(h->w, "gold");
}

static void meddle_with_group(struct history *h, bool make_again)
{
	char path[64];

	snprintf(path, sizeof(path), "mon_groups/podresctrl-u%u", history_choose(h, NR_PODS));
	history_trace(h, "someone removes %s%s", path, make_again ? " and makes it again" : "");
	(void)world_rmdir(h->w, path);
	if (!make_again)
		return;
	(void)world_mkdir(h->w, path);
	h->untold = true; /* if it is nobody's, the next Synchronize removes it */
}

void history_do_meddle(struct history *h)
{
	unsigned n = history_choose(h, NR_FOREIGN);
	struct real_container *c = history_some_container(h, RUNNING);
	struct world_container *wc = c ? world_container(h->w, c->id) : NULL;
	char path[32];

	switch (history_choose(h, 8)) {
	case 0:
		meddle_with_group(h, false);
		break;
	case 1:
		meddle_with_group(h, true);
		break;
	case 2:
		history_make_gold(h);
		if (wc && world_has(h->w, "gold")) {
			history_trace(h, "someone moves %s to gold", c->id);
			world_move(h->w, wc, "gold");
		}
		break;
	case 3:
		if (wc && world_has(h->w, "tasks")) {
			history_trace(h, "someone moves %s to the root", c->id);
			world_move(h->w, wc, "");
		}
		break;
	case 4:
		history_trace(h, "someone removes gold");
		(void)world_rmdir(h->w, "gold");
		break;
	default:
		snprintf(path, sizeof(path), "mon_groups/other%u", n);
		history_trace(h, "someone %s %s", h->foreign[n] ? "removes" : "makes", path);
		if (h->foreign[n])
			(void)world_rmdir(h->w, path);
		else
			(void)world_mkdir(h->w, path);
		h->foreign[n] = world_has(h->w, path);
		break;
	}
}
