/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_fs.h"

#include "strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void fault_fs_init(struct fault_fs *f, const struct rs_fs_ops *ops, void *ctx)
{
	*f = (struct fault_fs){.ops = ops, .ctx = ctx};
}

void fault_fs_fail_nth(struct fault_fs *f, unsigned n, int code)
{
	f->fail_at = n;
	f->fail_code = code;
}

void fault_fs_fail_times(struct fault_fs *f, enum fault_op op, const char *path, int code,
			 unsigned skip, unsigned times)
{
	assert(f->nr_rules < FAULT_RULES);
	f->rules[f->nr_rules++] = (struct fault_rule){
		.op = op, .path = path, .code = code, .skip = skip, .times = times};
}

void fault_fs_fail(struct fault_fs *f, enum fault_op op, const char *path, int code)
{
	fault_fs_fail_times(f, op, path, code, 0, 0);
}

void fault_fs_clear(struct fault_fs *f)
{
	f->nr_rules = 0;
	f->fail_at = 0;
	f->fake_path = NULL;
}

void fault_fs_recount(struct fault_fs *f)
{
	f->total = 0;
	f->injected = 0;
	memset(f->calls, 0, sizeof(f->calls));
}

static bool rule_hits(struct fault_rule *r, enum fault_op op, const char *path)
{
	if (r->op != op || (r->path && !strstr(path, r->path)))
		return false;
	r->seen++;
	return r->seen > r->skip && (!r->times || r->seen <= r->skip + r->times);
}

/* 0, or what the call has to return instead of being passed on. */
static int count(struct fault_fs *f, enum fault_op op, const char *path)
{
	int code = 0;

	f->total++;
	f->calls[op]++;
	snprintf(f->last_path, sizeof(f->last_path), "%s", path);
	for (unsigned i = 0; i < f->nr_rules; i++) {
		if (rule_hits(&f->rules[i], op, path) && !code)
			code = f->rules[i].code;
	}
	if (f->fail_at && f->total == f->fail_at)
		code = f->fail_code;
	f->injected += code != 0;
	return code;
}

static int fault_mkdir(void *ctx, const char *path)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_MKDIR, path);

	return r ? r : f->ops->mkdir(f->ctx, path);
}

static int fault_rmdir(void *ctx, const char *path)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_RMDIR, path);

	return r ? r : f->ops->rmdir(f->ctx, path);
}

static int fault_rename(void *ctx, const char *from, const char *to)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_RENAME, from);

	return r ? r : f->ops->rename(f->ctx, from, to);
}

static int fault_stat(void *ctx, const char *path, struct rs_stat *ret)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_STAT, path);

	return r ? r : f->ops->stat(f->ctx, path, ret);
}

static int fault_list(void *ctx, const char *path, rs_list_fn *fn, void *arg)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_LIST, path);

	return r ? r : f->ops->list(f->ctx, path, fn, arg);
}

static int fault_read(void *ctx, const char *path, struct strbuf *out)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_READ, path);

	if (r)
		return r;
	if (f->fake_path && strstr(path, f->fake_path))
		return strbuf_add(out, f->fake_data, f->fake_len);
	return f->ops->read(f->ctx, path, out);
}

static int fault_open(void *ctx, const char *path)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_OPEN, path);

	if (r)
		return r;
	r = f->ops->open_write(f->ctx, path);
	if (r < 0)
		return r;
	f->open_handles++;
	if (r < FAULT_HANDLES)
		snprintf(f->handle_path[r], sizeof(f->handle_path[r]), "%s", path);
	return r;
}

static int fault_write(void *ctx, int handle, const char *data, size_t len)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_WRITE, handle < FAULT_HANDLES ? f->handle_path[handle] : "");

	if (r)
		return r;
	if (f->before_write)
		f->before_write(f->before_write_arg, data, len);
	return f->ops->write(f->ctx, handle, data, len);
}

static void fault_close(void *ctx, int handle)
{
	struct fault_fs *f = ctx;

	f->open_handles--;
	f->ops->close(f->ctx, handle);
}

static int fault_is_resctrl(void *ctx)
{
	struct fault_fs *f = ctx;
	int r = count(f, FAULT_IS_RESCTRL, "");

	return r ? r : f->ops->is_resctrl(f->ctx);
}

static int fault_lock(void *ctx, bool on)
{
	struct fault_fs *f = ctx;
	int r = on ? count(f, FAULT_LOCK, "") : 0;

	if (r == 0)
		r = f->ops->lock ? f->ops->lock(f->ctx, on) : 0;
	if (r == 0)
		f->locks += on ? 1 : -1;
	return r;
}

const struct rs_fs_ops fault_fs_ops = {
	.mkdir = fault_mkdir,
	.rmdir = fault_rmdir,
	.rename = fault_rename,
	.stat = fault_stat,
	.list = fault_list,
	.read = fault_read,
	.open_write = fault_open,
	.write = fault_write,
	.close = fault_close,
	.is_resctrl = fault_is_resctrl,
	.lock = fault_lock,
};
