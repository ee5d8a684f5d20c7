/* SPDX-License-Identifier: Apache-2.0 */

/* Finding a group that went to another control group with its tasks. */

#include "rs_priv.h"
#include "strbuf.h"

#include <errno.h>
#include <string.h>

static bool is_below(struct rs *rs, const char *ctrl, const char *name, struct rs_group *ret)
{
	char dir[RS_FILE_MAX];
	struct rs_stat st;

	if (rs_path_join(ctrl, "mon_groups", dir, sizeof(dir)) < 0 ||
	    rs_path_join(dir, name, ret->path, sizeof(ret->path)) < 0 ||
	    rs->ops->stat(rs->ctx, ret->path, &st) < 0 || !st.is_dir)
		return false;
	ret->dev = st.dev;
	ret->ino = st.ino;
	return true;
}

int rs_group_find(struct rs *rs, const char *name, struct rs_group *ret, char *parent,
		  struct err *e)
{
	AUTO_STRBUF struct strbuf names;
	struct rs_group found;
	int r;

	strbuf_init(&names, RS_NAMES_MAX);
	if (!rs_name_is_valid(name))
		return err_set(e, -EINVAL, "'%.64s' cannot be the name of a group", name);
	r = rs_list_dirs(rs, "", &names);
	if (r < 0)
		return rs_fail(rs, RS_LIST, "", r, e);
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1) {
		const char *ctrl = names.data + i;

		if (!rs_name_is_valid(ctrl) || !is_below(rs, ctrl, name, &found))
			continue;
		*ret = found;
		memcpy(parent, ctrl, strlen(ctrl) + 1);
		return 0;
	}
	return err_set(e, -ENOENT, "group '%.64s' is below no control group", name);
}
