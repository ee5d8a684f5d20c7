/* SPDX-License-Identifier: Apache-2.0 */

/* Reading a group's `tasks`. */

#include "num.h"
#include "rs_priv.h"
#include "strbuf.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define TASKS_FILE_MAX ((size_t)RS_TIDS_MAX * 8) /* seven digits and a newline each */

static int add_line(struct rs_tids *tids, const char *line, size_t len, struct err *e)
{
	uint64_t tid;

	if (len == 0)
		return 0;
	if (num_parse_u64(line, len, INT_MAX, &tid) < 0)
		return err_set(e, -EIO, "not a task id: '%.*s'", len > 40 ? 40 : (int)len, line);
	/* Older kernels list tasks of other PID namespaces as 0. */
	if (tid == 0)
		return 0;
	if (rs_tids_add(tids, (pid_t)tid) < 0)
		return err_sys(e, -ENOMEM, "list of tasks");
	return 0;
}

static int parse_tasks(const char *text, size_t len, struct rs_tids *tids, struct err *e)
{
	while (len) {
		const char *nl = memchr(text, '\n', len);
		size_t line = nl ? (size_t)(nl - text) : len;
		int r = add_line(tids, text, line, e);

		if (r < 0)
			return r;
		text += nl ? line + 1 : line;
		len -= nl ? line + 1 : line;
	}
	return 0;
}

int rs_group_tasks(struct rs *rs, const char *path, struct rs_tids *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf sb;
	struct rs_tids tids = {0};
	char tasks[RS_FILE_MAX];
	int r;

	strbuf_init(&sb, TASKS_FILE_MAX);
	if ((*path && !rs_path_is_group(path)) ||
	    rs_path_join(path, RS_TASKS, tasks, sizeof(tasks)) < 0)
		return err_set(e, -EINVAL, "'%.64s' is not the path of a group", path);
	r = rs->ops->read(rs->ctx, tasks, &sb);
	if (r < 0)
		return rs_fail(rs, RS_READ, tasks, r, e);
	r = parse_tasks(strbuf_str(&sb), sb.len, &tids, e);
	if (r < 0) {
		err_prefix(e, "read '%s'", tasks);
		rs_tids_done(&tids);
		return r;
	}
	rs_tids_sort_unique(&tids);
	rs_tids_done(ret);
	*ret = tids;
	return 0;
}
