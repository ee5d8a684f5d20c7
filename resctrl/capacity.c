/* SPDX-License-Identifier: Apache-2.0 */

/* How many RMIDs and CLOSIDs there are, and who holds them. */

#include "rs_priv.h"
#include "strbuf.h"

#include <errno.h>
#include <string.h>

static void count_group(const char *name, const char *prefix, enum rs_group_kind kind,
			struct rs_capacity *ret)
{
	size_t closids = kind == RS_GROUP_CTRL ? 1 : 0;

	if (rs_name_is_ours(prefix, name)) {
		ret->ours++;
		ret->closids_ours += closids;
	} else {
		ret->foreign++;
		ret->closids_foreign += closids;
	}
}

/* The monitoring groups below the control group CTRL. */
static int count_mon_groups(struct rs *rs, const char *ctrl, const char *prefix,
			    struct rs_capacity *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf names;
	char dir[RS_FILE_MAX];
	int r;

	strbuf_init(&names, RS_NAMES_MAX);
	if (rs_path_join(ctrl, "mon_groups", dir, sizeof(dir)) < 0)
		return 0;
	r = rs_list_dirs(rs, dir, &names);
	if (r == -ENOENT) /* no monitoring, or the group has gone meanwhile */
		return 0;
	if (r < 0)
		return rs_fail(rs, RS_LIST, dir, r, e);
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1)
		count_group(names.data + i, prefix, RS_GROUP_MON, ret);
	return 0;
}

static int count_groups(struct rs *rs, const char *prefix, struct rs_capacity *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf names;
	int r;

	strbuf_init(&names, RS_NAMES_MAX);
	r = rs_list_dirs(rs, "", &names);
	if (r < 0)
		return rs_fail(rs, RS_LIST, "", r, e);
	r = count_mon_groups(rs, "", prefix, ret, e);
	for (size_t i = 0; i < names.len && r == 0; i += strlen(names.data + i) + 1) {
		const char *name = names.data + i;

		if (rs_name_is_reserved(name))
			continue;
		count_group(name, prefix, RS_GROUP_CTRL, ret);
		r = count_mon_groups(rs, name, prefix, ret, e);
	}
	return r;
}

/* The smallest num_closids under info/: L3, L2, MB and whatever comes. */
static int count_closids(struct rs *rs, struct rs_capacity *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf names;
	int r;

	strbuf_init(&names, RS_NAMES_MAX);
	r = rs_list_dirs(rs, "info", &names);
	if (r < 0)
		return rs_fail(rs, RS_LIST, "info", r, e);
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1) {
		char path[RS_FILE_MAX], file[RS_FILE_MAX];
		struct rs_stat st;
		uint64_t n;

		if (rs_path_join("info", names.data + i, path, sizeof(path)) < 0 ||
		    rs_path_join(path, "num_closids", file, sizeof(file)) < 0 ||
		    rs->ops->stat(rs->ctx, file, &st) < 0)
			continue;
		r = rs_read_number(rs, file, &n, e);
		if (r < 0)
			return r;
		if (ret->closids == 0 || n < ret->closids)
			ret->closids = (size_t)n;
	}
	return 0;
}

int rs_capacity(struct rs *rs, const char *prefix, struct rs_capacity *ret, struct err *e)
{
	struct rs_capacity cap = {0};
	uint64_t rmids;
	int r = rs_read_number(rs, "info/L3_MON/num_rmids", &rmids, e);

	if (r == -ENOENT)
		return err_set(e, -EOPNOTSUPP, "the hardware cannot monitor the L3 cache");
	if (r < 0)
		return r;
	cap.rmids = (size_t)rmids;
	r = count_groups(rs, prefix, &cap, e);
	if (r == 0)
		r = count_closids(rs, &cap, e);
	if (r < 0)
		return r;
	if (cap.rmids > cap.ours + cap.foreign + 1)
		cap.unused = cap.rmids - cap.ours - cap.foreign - 1;
	if (cap.closids > cap.closids_ours + cap.closids_foreign + 1)
		cap.closids_unused = cap.closids - cap.closids_ours - cap.closids_foreign - 1;
	cap.limbo = rs->limbo;
	*ret = cap;
	return 0;
}

int rs_limbo_threshold(struct rs *rs, uint64_t *ret, struct err *e)
{
	int r = rs_read_number(rs, "info/L3_MON/max_threshold_occupancy", ret, e);

	return r == -ENOENT ? err_set(e, -EOPNOTSUPP, "the kernel does not tell") : r;
}
