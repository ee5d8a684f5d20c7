/* SPDX-License-Identifier: Apache-2.0 */

/* Groups: create or adopt, delete, check their identity, move. */

#include "rs_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int group_path(enum rs_group_kind kind, const char *parent, const char *name, char *buf,
		      struct err *e)
{
	char dir[RS_FILE_MAX];
	int r;

	if (!rs_name_is_valid(name))
		return err_set(e, -EINVAL, "'%.64s' cannot be the name of a group", name);
	if (*parent && (kind == RS_GROUP_CTRL || !rs_name_is_valid(parent)))
		return err_set(e, -EINVAL, "'%.64s' cannot be the parent of a group", parent);
	r = kind == RS_GROUP_CTRL ? rs_path_join("", name, buf, RS_PATH_MAX)
				  : rs_path_join(parent, "mon_groups", dir, sizeof(dir));
	if (r == 0 && kind == RS_GROUP_MON)
		r = rs_path_join(dir, name, buf, RS_PATH_MAX);
	return r < 0 ? err_set(e, r, "the path of group '%.64s' is too long", name) : 0;
}

static int identify(struct rs *rs, const char *path, struct rs_group *ret, struct err *e)
{
	struct rs_stat st;
	int r = rs->ops->stat(rs->ctx, path, &st);

	if (r < 0)
		return rs_fail(rs, RS_READ, path, r, e);
	if (!st.is_dir)
		return err_set(e, -EINVAL, "'%s' is there and is no group", path);
	ret->dev = st.dev;
	ret->ino = st.ino;
	(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	return 0;
}

/* Something of that name is there; take it over if it is a group. */
static int adopt(struct rs *rs, const char *path, struct rs_group *ret, struct err *e)
{
	char tasks[RS_FILE_MAX];
	struct rs_stat st;
	int r = rs_path_join(path, RS_TASKS, tasks, sizeof(tasks));

	if (r < 0)
		return err_set(e, r, "path '%s' is too long", path);
	r = rs->ops->stat(rs->ctx, tasks, &st);
	if (r == -ENOENT || r == -ENOTDIR || (r == 0 && st.is_dir))
		return err_set(e, -EINVAL, "'%s' is there and is no group", path);
	if (r < 0)
		return rs_fail(rs, RS_READ, tasks, r, e);
	return identify(rs, path, ret, e);
}

/* The one moment at which the kernel tells whether RMIDs are draining. */
static int no_room(struct rs *rs, int code)
{
	if (code == -EBUSY)
		rs->limbo = RS_LIMBO_ALL;
	else if (code == -ENOSPC)
		rs->limbo = RS_LIMBO_NONE;
	return code;
}

static int create(struct rs *rs, const char *path, struct rs_group *ret, bool *ret_adopted,
		  struct err *e)
{
	int r = rs->ops->mkdir(rs->ctx, path);
	bool adopted = r == -EEXIST;

	if (adopted)
		r = adopt(rs, path, ret, e);
	else if (r < 0)
		return no_room(rs, rs_fail(rs, RS_MKDIR, path, r, e));
	else
		r = identify(rs, path, ret, e);
	if (!adopted)
		rs->limbo = RS_LIMBO_UNKNOWN;
	if (r == 0 && ret_adopted)
		*ret_adopted = adopted;
	/* A group that its creator does not learn of would hold its RMID for ever. */
	if (r < 0 && !adopted)
		(void)rs->ops->rmdir(rs->ctx, path);
	return r;
}

int rs_group_create(struct rs *rs, enum rs_group_kind kind, const char *parent, const char *name,
		    struct rs_group *ret, bool *ret_adopted, struct err *e)
{
	char path[RS_PATH_MAX];
	bool locked;
	int r = group_path(kind, parent, name, path, e);

	if (r < 0)
		return r;
	locked = rs_lock(rs);
	r = create(rs, path, ret, ret_adopted, e);
	rs_unlock(rs, locked);
	return r;
}

int rs_group_delete(struct rs *rs, const char *path, struct err *e)
{
	bool locked;
	int r;

	if (!rs_path_is_group(path))
		return err_set(e, -EINVAL, "'%.64s' is not the path of a group", path);
	locked = rs_lock(rs);
	r = rs->ops->rmdir(rs->ctx, path);
	rs_unlock(rs, locked);
	return r == 0 || r == -ENOENT ? 0 : rs_fail(rs, RS_RMDIR, path, r, e);
}

int rs_group_check(struct rs *rs, const struct rs_group *group, struct err *e)
{
	struct rs_stat st;
	int r = rs->ops->stat(rs->ctx, group->path, &st);

	if (r == -ENOENT || r == -ENOTDIR || r == -ENODEV || r == -ESTALE)
		return err_set(e, -ENOENT, "group '%s' is gone", group->path);
	if (r < 0)
		return rs_fail(rs, RS_READ, group->path, r, e);
	if (st.dev != group->dev || st.ino != group->ino)
		return err_set(e, -ENOENT, "group '%s' was replaced by another", group->path);
	return 0;
}

int rs_group_move(struct rs *rs, struct rs_group *group, const char *new_parent, struct err *e)
{
	char to[RS_PATH_MAX];
	bool locked;
	int r;

	if (!rs_path_is_mon(group->path))
		return err_set(e, -EINVAL, "'%.64s' is no monitoring group", group->path);
	r = group_path(RS_GROUP_MON, new_parent, strrchr(group->path, '/') + 1, to, e);
	if (r < 0 || strcmp(to, group->path) == 0)
		return r;
	locked = rs_lock(rs);
	r = rs->ops->rename(rs->ctx, group->path, to);
	if (r < 0)
		r = rs_fail(rs, RS_RENAME, group->path, r, e);
	else /* the same directory, with its inode, RMID and counters, at another place */
		(void)snprintf(group->path, sizeof(group->path), "%s", to);
	rs_unlock(rs, locked);
	return r;
}
