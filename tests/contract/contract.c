/* SPDX-License-Identifier: Apache-2.0 */
#include "contract_priv.h"
#include "strbuf.h"

#include <stdarg.h>

#define DRAIN_STEP_MS  250
#define DRAIN_LIMIT_MS 20000

void contract_note(struct contract *c, const char *file, int line, const char *cond,
		   const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;
	int n;

	n = snprintf(c->msg, CONTRACT_MSG_MAX, "%s:%d: not so: %s: ", base ? base + 1 : file, line,
		     cond);
	if (n < 0 || n >= CONTRACT_MSG_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(c->msg + n, (size_t)(CONTRACT_MSG_MAX - n), fmt, ap);
	va_end(ap);
}

static int patient_create(struct contract *c, enum rs_group_kind kind, const char *ctrl,
			  const char *name, struct rs_group *ret)
{
	char full[RS_NAME_MAX + 1];
	int r = -EBUSY;

	snprintf(full, sizeof(full), CONTRACT_PREFIX "%s", name);
	for (unsigned ms = 0; ms < DRAIN_LIMIT_MS && r == -EBUSY; ms += DRAIN_STEP_MS) {
		r = rs_group_create(c->rs, kind, ctrl, full, ret, NULL, &c->e);
		if (r == -EBUSY)
			c->w->wait_ms(c->w->ctx, DRAIN_STEP_MS);
	}
	return r;
}

int contract_mon(struct contract *c, const char *ctrl, const char *name, struct rs_group *ret)
{
	return patient_create(c, RS_GROUP_MON, ctrl, name, ret);
}

int contract_ctrl(struct contract *c, const char *name, struct rs_group *ret)
{
	return patient_create(c, RS_GROUP_CTRL, "", name, ret);
}

int contract_write(struct contract *c, const char *group, const char *text)
{
	char path[RS_PATH_MAX + 16];
	int fd, r;

	snprintf(path, sizeof(path), "%s%stasks", group, *group ? "/" : "");
	fd = FN(c, open_write, path);
	if (fd < 0)
		return fd;
	r = FN(c, write, fd, text, strlen(text));
	FN(c, close, fd);
	return r;
}

int contract_write_tid(struct contract *c, const char *group, pid_t tid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)tid);
	return contract_write(c, group, text);
}

int contract_lists(struct contract *c, const char *group, pid_t tid)
{
	struct rs_tids tids = {0};
	int r = rs_group_tasks(c->rs, group, &tids, &c->e);

	if (r == 0)
		r = rs_tids_has(&tids, tid);
	rs_tids_done(&tids);
	return r;
}

bool contract_status_has(struct contract *c, const char *words)
{
	AUTO_STRBUF struct strbuf sb;

	strbuf_init(&sb, 4096);
	return FN(c, read, "info/last_cmd_status", &sb) == 0 && strstr(strbuf_str(&sb), words);
}

bool contract_status_ends(struct contract *c, const char *words)
{
	AUTO_STRBUF struct strbuf sb;
	size_t len = strlen(words);

	strbuf_init(&sb, 4096);
	return FN(c, read, "info/last_cmd_status", &sb) == 0 && sb.len >= len &&
	       strcmp(sb.data + sb.len - len, words) == 0;
}

struct contract_features contract_features(const struct contract_world *w)
{
	struct contract_features can = {0};
	struct contract c = {.w = w};
	char text[32];

	/* The writer is in the root group already, so nothing moves. */
	snprintf(text, sizeof(text), "%d,%d", (int)w->self, (int)w->self);
	can.task_lists = contract_write(&c, "", text) == 0;
	/* `info` is nothing that can move; a kernel without rename does not get as far as that. */
	can.rename = w->ops->rename(w->fs, "info", "mon_groups/" CONTRACT_PREFIX "x") == -ENOENT;
	return can;
}

size_t contract_nr(void)
{
	return contract_groups_nr + contract_tasks_nr + contract_capacity_nr;
}

static const struct contract_case *case_at(size_t i)
{
	if (i < contract_groups_nr)
		return &contract_groups[i];
	i -= contract_groups_nr;
	if (i < contract_tasks_nr)
		return &contract_tasks[i];
	return &contract_capacity[i - contract_tasks_nr];
}

const char *contract_name(size_t i)
{
	return case_at(i)->name;
}

enum contract_result contract_run(size_t i, const struct contract_world *w, char *msg)
{
	struct contract c = {.w = w, .msg = msg};
	struct rs_cleanup_report report;
	enum contract_result result;

	*msg = '\0';
	if (rs_new(w->ops, w->fs, &c.rs, &c.e) < 0)
		return CONTRACT_FAILED;
	c.can = contract_features(w);
	result = case_at(i)->run(&c);
	w->reset(w->ctx);
	if ((rs_cleanup(c.rs, CONTRACT_PREFIX, NULL, NULL, &report, &c.e) < 0 ||
	     report.removal_failures) &&
	    result == CONTRACT_PASSED) {
		snprintf(msg, CONTRACT_MSG_MAX, "cleaning up afterwards: %s", c.e.msg);
		result = CONTRACT_FAILED;
	}
	rs_free(c.rs);
	return result;
}
