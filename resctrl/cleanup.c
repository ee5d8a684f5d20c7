/* SPDX-License-Identifier: Apache-2.0 */

/* Removing the groups that a former run left behind. */

#include "rs_priv.h"
#include "strbuf.h"

#include <errno.h>
#include <string.h>

struct sweep {
	struct rs *rs;
	const char *prefix;
	bool (*keep)(void *ctx, const char *dir, const char *name);
	void *keep_ctx;
	struct rs_cleanup_report *ret;
};

static int remove_group(struct rs *rs, const char *path)
{
	bool locked = rs_lock(rs);
	int r = rs->ops->rmdir(rs->ctx, path);

	rs_unlock(rs, locked);
	return r;
}

static void sweep_one(struct sweep *s, const char *dir, const char *name)
{
	char path[RS_PATH_MAX];
	int r;

	if (!rs_name_is_ours(s->prefix, name)) {
		s->ret->non_prefix_groups++;
		return;
	}
	if (s->keep && s->keep(s->keep_ctx, dir, name)) {
		s->ret->kept++;
		return;
	}
	r = rs_path_join(dir, name, path, sizeof(path));
	if (r == 0)
		r = remove_group(s->rs, path);
	if (r == 0)
		s->ret->removed++;
	else if (r == -ENOENT)
		s->ret->removal_race++;
	else
		s->ret->removal_failures++;
}

static void sweep_names(struct sweep *s, const char *dir, const struct strbuf *names)
{
	for (size_t i = 0; i < names->len; i += strlen(names->data + i) + 1) {
		if (!rs_name_is_reserved(names->data + i))
			sweep_one(s, dir, names->data + i);
	}
}

/* The names are read first, so that the removals do not move the directory under us. */
static int sweep_dir(struct sweep *s, const char *dir, struct err *e)
{
	AUTO_STRBUF struct strbuf names;
	int r;

	strbuf_init(&names, RS_NAMES_MAX);
	r = rs_list_dirs(s->rs, dir, &names);
	if (r == -ENOENT && s->rs->ops->is_resctrl(s->rs->ctx) == 0)
		return 0;
	if (r < 0)
		return rs_fail(s->rs, RS_LIST, dir, r, e);
	sweep_names(s, dir, &names);
	return 0;
}

/* Where a pod's group goes when its tasks are in another control group than the root's. */
static int sweep_below(struct sweep *s, const struct strbuf *control_groups, struct err *e)
{
	char dir[RS_PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < control_groups->len;) {
		const char *name = control_groups->data + i;

		i += strlen(name) + 1;
		if (!rs_name_is_reserved(name) &&
		    rs_path_join(name, "mon_groups", dir, sizeof(dir)) == 0)
			r = sweep_dir(s, dir, e);
	}
	return r;
}

int rs_cleanup(struct rs *rs, const char *prefix,
	       bool (*keep)(void *ctx, const char *dir, const char *name), void *keep_ctx,
	       struct rs_cleanup_report *ret, struct err *e)
{
	struct sweep s = {
		.rs = rs, .prefix = prefix, .keep = keep, .keep_ctx = keep_ctx, .ret = ret};
	AUTO_STRBUF struct strbuf names;
	int r;

	strbuf_init(&names, RS_NAMES_MAX);

	*ret = (struct rs_cleanup_report){0};
	if (!*prefix)
		return err_set(e, -EINVAL, "cleanup without a prefix would remove every group");
	r = rs_list_dirs(rs, "", &names);
	if (r < 0)
		return rs_fail(rs, RS_LIST, "", r, e);
	sweep_names(&s, "", &names);
	r = sweep_dir(&s, "mon_groups", e);
	return r < 0 ? r : sweep_below(&s, &names, e);
}
