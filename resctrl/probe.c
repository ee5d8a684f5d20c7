/* SPDX-License-Identifier: Apache-2.0 */

/* The handle, what is there at the root, and readers that others use. */

#include "num.h"
#include "rs_priv.h"
#include "strbuf.h"

#include <errno.h>
#include <string.h>

int rs_new(const struct rs_fs_ops *ops, void *ctx, struct rs **ret, struct err *e)
{
	struct rs *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return err_sys(e, -ENOMEM, "resctrl handle");
	rs->ops = ops;
	rs->ctx = ctx;
	*ret = rs;
	return 0;
}

void rs_free(struct rs *rs)
{
	if (rs) {
		rs_release(rs);
		rs_scratch_done(&rs->scratch);
	}
	free(rs);
}

bool rs_lock(struct rs *rs)
{
	if (rs->has_lock || !rs->ops->lock || rs->ops->lock(rs->ctx, true) < 0)
		return false;
	rs->has_lock = rs->is_held;
	return !rs->is_held;
}

void rs_hold(struct rs *rs)
{
	rs->is_held = true;
}

void rs_release(struct rs *rs)
{
	rs->is_held = false;
	if (rs->has_lock)
		(void)rs->ops->lock(rs->ctx, false);
	rs->has_lock = false;
}

void rs_unlock(struct rs *rs, bool locked)
{
	if (locked)
		(void)rs->ops->lock(rs->ctx, false);
}

static int require(struct rs *rs, const char *path, const char *what, struct err *e)
{
	struct rs_stat st;
	int r = rs->ops->stat(rs->ctx, path, &st);

	if (r == -ENOENT)
		return err_set(e, -EOPNOTSUPP, "resctrl has no '%s': %s", path, what);
	return r < 0 ? rs_fail(rs, RS_READ, path, r, e) : 0;
}

int rs_probe(struct rs *rs, struct err *e)
{
	int r = rs->ops->is_resctrl(rs->ctx);

	if (r == -ENODEV || r == -ENOENT || r == -ENOTDIR)
		return err_set(e, -ENODEV, "no resctrl file system is mounted there");
	if (r < 0)
		return rs_fail(rs, RS_READ, "", r, e);
	/* Opening for writing changes nothing and tells a read-only mount and missing rights. */
	r = rs->ops->open_write(rs->ctx, RS_TASKS);
	if (r < 0)
		return rs_fail(rs, RS_OPEN, RS_TASKS, r, e);
	rs->ops->close(rs->ctx, r);
	r = require(rs, "info/L3_MON", "the hardware cannot monitor the L3 cache", e);
	return r < 0 ? r : require(rs, "mon_groups", "the kernel cannot make monitoring groups", e);
}

int rs_read_number(struct rs *rs, const char *path, uint64_t *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf sb;
	int r;

	strbuf_init(&sb, 64);
	r = rs->ops->read(rs->ctx, path, &sb);
	if (r < 0)
		return rs_fail(rs, RS_READ, path, r, e);
	while (sb.len && sb.data[sb.len - 1] == '\n')
		sb.data[--sb.len] = '\0';
	if (num_parse_u64(strbuf_str(&sb), sb.len, UINT64_MAX, ret) < 0)
		return err_set(e, -EIO, "'%s' holds no number: '%s'", path, strbuf_str(&sb));
	return 0;
}

static int add_dir(void *arg, const char *name, bool is_dir)
{
	/* The terminating NUL separates the names. */
	return is_dir ? strbuf_add(arg, name, strlen(name) + 1) : 0;
}

int rs_list_dirs(struct rs *rs, const char *dir, struct strbuf *out)
{
	return rs->ops->list(rs->ctx, dir, add_dir, out);
}
