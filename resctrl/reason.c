/* SPDX-License-Identifier: Apache-2.0 */

/* From the kernel's errno to the codes of resctrl.h, and from those to words. */

#include "rs_priv.h"
#include "strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STATUS_MAX 4096 /* the kernel keeps at most 512 bytes */

static const struct {
	int code;
	const char *reason;
} reasons[] = {
	{ENOSPC, "OutOfRMIDs"}, {EBUSY, "RMIDsInLimbo"},      {ENODEV, "NotMounted"},
	{EROFS, "ReadOnly"},    {EACCES, "NoPermission"},     {EOPNOTSUPP, "Unsupported"},
	{ENOENT, "GroupLost"},  {EXDEV, "WrongControlGroup"}, {EINVAL, "InvalidName"},
};

const char *rs_reason(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].code == -code)
			return reasons[i].reason;
	}
	return "InternalError";
}

/* For these the message names the action; in the order of enum rs_action. */
static const char *const verbs[] = {"mkdir", "rmdir", "rename", "open", "write", "read", "list"};

_Static_assert(ARRAY_LEN(verbs) == RS_LIST + 1, "one verb per action");

static bool is_there(struct rs *rs, const char *path)
{
	struct rs_stat st;

	return rs->ops->stat(rs->ctx, path, &st) == 0;
}

/* Something on the way to PATH is missing: the whole tree, the group, or the feature. */
static int what_is_missing(struct rs *rs, enum rs_action action, const char *path)
{
	char parent[RS_PATH_MAX];

	if (rs->ops->is_resctrl(rs->ctx) < 0)
		return -ENODEV;
	if (action != RS_MKDIR)
		return -ENOENT;
	rs_path_parent(path, parent);
	if (*parent && !is_there(rs, parent))
		return -ENOENT;
	/* The parent is there and has no mon_groups: the kernel does not monitor. */
	return -EOPNOTSUPP;
}

static int what_is_forbidden(struct rs *rs, enum rs_action action)
{
	if (rs->ops->is_resctrl(rs->ctx) < 0)
		return -ENODEV;
	if (action == RS_RENAME)
		return -EOPNOTSUPP; /* kernels before 6.5 have no rename and say EPERM */
	if (action == RS_MKDIR && !is_there(rs, "info/L3_MON"))
		return -EOPNOTSUPP;
	return -EACCES;
}

static int translate(struct rs *rs, enum rs_action action, const char *path, int code)
{
	bool changes_names = action == RS_MKDIR || action == RS_RENAME;

	switch (-code) {
	case ENOSPC:
	case EBUSY:
	case EROFS:
	case EACCES:
	case ENOMEM:
	case EOPNOTSUPP:
		return code;
	case ENOSYS:
		return -EOPNOTSUPP;
	case ENOTDIR:
		if (action == RS_RMDIR)
			return -EINVAL; /* one of the files beside the groups */
		return what_is_missing(rs, action, path);
	case ENOENT:
	case ENODEV:
	case ESTALE:
		return what_is_missing(rs, action, path);
	case EPERM:
		return what_is_forbidden(rs, action);
	case EEXIST:
	case EINVAL:
	case ENAMETOOLONG:
		return changes_names ? -EINVAL : -EIO;
	default:
		return -EIO;
	}
}

/*
 * Append the kernel's own explanation, if it has one, on one line. A write to `tasks` and
 * a rename start the status anew; a mkdir adds to what others left (up to 6.12 at least), so
 * of that only the last line is its own, and only for the failures it has words for.
 */
static void quote_status(struct rs *rs, enum rs_action action, int code, struct err *e)
{
	AUTO_STRBUF struct strbuf sb;
	size_t len = strlen(e->msg);
	const char *text;

	strbuf_init(&sb, STATUS_MAX);
	if (action == RS_MKDIR ? code != -ENOSPC && code != -EBUSY
			       : action != RS_ASSIGN && action != RS_RENAME)
		return;
	if (rs->ops->read(rs->ctx, "info/last_cmd_status", &sb) < 0)
		return;
	while (sb.len && sb.data[sb.len - 1] == '\n')
		sb.data[--sb.len] = '\0';
	text = strbuf_str(&sb);
	if (action == RS_MKDIR && strrchr(text, '\n'))
		text = strrchr(text, '\n') + 1;
	if (!*text || strcmp(text, "ok") == 0)
		return;
	for (size_t i = 0; i < sb.len; i++) {
		if (sb.data[i] == '\n')
			sb.data[i] = ';';
		else if (sb.data[i] < ' ' || sb.data[i] > '~')
			sb.data[i] = '?';
	}
	(void)snprintf(e->msg + len, sizeof(e->msg) - len, "; kernel: %s", text);
}

int rs_fail(struct rs *rs, enum rs_action action, const char *path, int code, struct err *e)
{
	int translated;

	if (!e)
		return translate(rs, action, path, code);
	(void)err_sys(e, code, "%s '%s'", verbs[action], *path ? path : ".");
	/* Before anything else is asked of the kernel: the status is of the last command. */
	quote_status(rs, action, code, e);
	translated = translate(rs, action, path, code);
	e->code = translated;
	return translated;
}
