/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What stands in the files and directories of a resctrl tree, and in the mount table,
 * comes from outside. The first byte says what the rest is taken for.
 */

#include "fault_fs.h"
#include "mount_priv.h"
#include "resctrl_sim.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const char *text;
	size_t len;
};

struct tree {
	struct rs_sim *sim;
	struct fault_fs fs;
	struct rs *rs;
	struct rs_group group;
};

static void tree_init(struct tree *t, const struct rs_fs_ops *ops)
{
	const struct rs_sim_config config = {.rmids = 8, .closids = 4};
	int r = rs_sim_new(&config, &t->sim, NULL);

	assert(r == 0);
	fault_fs_init(&t->fs, ops, t->sim);
	r = rs_new(&fault_fs_ops, &t->fs, &t->rs, NULL);
	assert(r == 0);
	r = rs_group_create(t->rs, RS_GROUP_MON, "", "a", &t->group, NULL, NULL);
	assert(r == 0);
	(void)r;
}

static void tree_done(struct tree *t)
{
	assert(t->fs.open_handles == 0 && t->fs.locks == 0);
	rs_free(t->rs);
	rs_sim_free(t->sim);
}

static void fake(struct tree *t, const char *path, const struct input *in)
{
	t->fs.fake_path = path;
	t->fs.fake_data = in->text;
	t->fs.fake_len = in->len;
}

static void check_message(const struct err *e)
{
	assert(memchr(e->msg, '\0', sizeof(e->msg)));
}

static void as_tasks(struct tree *t, const struct input *in)
{
	struct rs_tids tids = {0};
	struct err e;
	int r;

	fake(t, "tasks", in);
	r = rs_group_tasks(t->rs, t->group.path, &tids, &e);
	assert(r == 0 || (r == -EIO && tids.nr == 0));
	if (r < 0)
		check_message(&e);
	for (size_t i = 0; i < tids.nr; i++)
		assert(tids.tid[i] > 0 && (i == 0 || tids.tid[i - 1] < tids.tid[i]));
	rs_tids_done(&tids);
}

static void as_status(struct tree *t, const struct input *in)
{
	struct rs_assign_result res;
	struct rs_tids tids = {0};
	struct rs_group g;
	struct err e;
	int r;

	fake(t, "last_cmd_status", in);
	fault_fs_fail(&t->fs, FAULT_MKDIR, NULL, -ENOSPC);
	fault_fs_fail(&t->fs, FAULT_WRITE, NULL, -EIO);
	r = rs_group_create(t->rs, RS_GROUP_MON, "", "b", &g, NULL, &e);
	assert(r == -ENOSPC);
	check_message(&e);
	for (const char *c = e.msg; *c; c++)
		assert(*c >= ' ' && *c <= '~');
	r = rs_tids_add(&tids, 5);
	assert(r == 0);
	r = rs_group_assign(t->rs, t->group.path, &tids, &res, &e);
	assert(r == -EIO);
	check_message(&e);
	for (const char *c = e.msg; *c; c++)
		assert(*c >= ' ' && *c <= '~');
	rs_tids_done(&tids);
}

static void as_numbers(struct tree *t, const struct input *in)
{
	struct rs_counters counters;
	struct rs_capacity cap;
	struct err e;
	int r;

	fake(t, "mon_L3_", in);
	r = rs_group_counters(t->rs, t->group.path, &counters, &e);
	assert(r == 0 || r == -EIO);
	assert(r < 0 || counters.domains + counters.unavailable == 1);
	fake(t, "info/", in);
	r = rs_capacity(t->rs, "a", &cap, &e);
	assert(r == 0 || r == -EIO);
}

static void as_mountinfo(const struct input *in)
{
	struct rs_mount m = {0};

	rs_mount_parse(in->text, in->len, "/sys/fs/resctrl", &m);
	assert((m.state == RS_MOUNT_NONE) == (m.where[0] == '\0') || m.state == RS_MOUNT_ELSEWHERE);
	assert(m.state != RS_MOUNT_HERE || strcmp(m.where, "/sys/fs/resctrl") == 0);
	assert(memchr(m.where, '\0', sizeof(m.where)));
}

static void as_names(struct tree *t, const struct input *in)
{
	char *text = strndup(in->text, in->len), *uid, name[RS_NAME_MAX + 1];
	struct rs_group g;
	struct err e;
	int r;

	assert(text);
	uid = strchr(text, '\n');
	if (uid)
		*uid++ = '\0';
	r = rs_group_name(text, uid ? uid : "", name, sizeof(name), &e);
	if (r == 0) {
		assert(strlen(name) <= strlen(text) + 63);
		r = rs_group_create(t->rs, RS_GROUP_MON, "", name, &g, NULL, &e);
		assert(r == 0);
	} else {
		assert(r == -EINVAL);
		check_message(&e);
	}
	r = rs_group_create(t->rs, RS_GROUP_CTRL, "", text, &g, NULL, &e);
	assert(r == 0 || r == -EINVAL);
	r = rs_group_delete(t->rs, text, &e);
	assert(r == 0 || r == -EINVAL);
	free(text);
}

/* A directory whose entries are the lines of the input; those that end in '/' are directories. */
struct names {
	const struct input *in;
	void *sim;
};

static int list_lines(void *ctx, const char *path, rs_list_fn *fn, void *arg)
{
	const struct names *n = ctx;
	char *copy = strndup(n->in->text, n->in->len), *rest = copy, *line;
	int r = 0;

	(void)path;
	assert(copy);
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		size_t len = strlen(line);
		bool is_dir = len && line[len - 1] == '/';

		if (is_dir)
			line[len - 1] = '\0';
		r = fn(arg, line, is_dir);
	}
	free(copy);
	return r;
}

static int no_file(void *ctx, const char *path, struct strbuf *out)
{
	(void)ctx;
	(void)path;
	(void)out;
	return -ENOENT;
}

static int no_stat(void *ctx, const char *path, struct rs_stat *ret)
{
	(void)ctx;
	(void)path;
	(void)ret;
	return -ENOENT;
}

static int rmdir_ok(void *ctx, const char *path)
{
	(void)ctx;
	assert(*path && strncmp(path, "info", 5) != 0 && strcmp(path, "mon_groups") != 0);
	return 0;
}

static int always_resctrl(void *ctx)
{
	(void)ctx;
	return 0;
}

static void as_directory(const struct input *in)
{
	const struct rs_fs_ops ops = {.list = list_lines,
				      .read = no_file,
				      .stat = no_stat,
				      .rmdir = rmdir_ok,
				      .is_resctrl = always_resctrl};
	struct names n = {.in = in};
	struct rs_cleanup_report rep;
	struct rs_counters counters;
	struct err e;
	struct rs *rs;
	int r = rs_new(&ops, &n, &rs, &e);

	assert(r == 0);
	r = rs_cleanup(rs, "p", NULL, NULL, &rep, &e);
	assert(r == 0 || r == -EIO);
	r = rs_group_counters(rs, "", &counters, &e);
	assert(r == 0 || r == -EIO);
	rs_free(rs);
}

/* Lines of an operation's letter and a path, on the simulated tree itself. */
static void run_line(struct tree *t, char *line)
{
	char *to = strchr(line, ' ');
	int h;

	if (to)
		*to++ = '\0';
	switch (*line) {
	case 'm':
		(void)rs_sim_ops.mkdir(t->sim, line + 1);
		break;
	case 'r':
		(void)rs_sim_ops.rmdir(t->sim, line + 1);
		break;
	case 'n':
		(void)rs_sim_ops.rename(t->sim, line + 1, to ? to : "");
		break;
	case 'w':
		h = rs_sim_ops.open_write(t->sim, line + 1);
		if (h >= 0) {
			(void)rs_sim_ops.write(t->sim, h, to ? to : "", to ? strlen(to) : 0);
			rs_sim_ops.close(t->sim, h);
		}
		break;
	case 'f':
		if (rs_sim_fork(t->sim, (pid_t)line[1], (pid_t)(line[1] + 1)) < 0)
			break;
		break;
	case 'x':
		rs_sim_exit(t->sim, (pid_t)line[1]);
		break;
	default:
		break;
	}
}

static void as_commands(struct tree *t, const struct input *in)
{
	char *copy = strndup(in->text, in->len), *rest = copy, *line;
	struct rs_sim_usage usage;

	assert(copy);
	while ((line = strsep(&rest, "\n")))
		run_line(t, line);
	rs_sim_usage(t->sim, &usage);
	assert(usage.groups + usage.rmids_free + usage.rmids_limbo == 7);
	assert(usage.closids_free <= 3 && usage.open_handles == 0);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {.text = (const char *)data + 1, .len = size - 1};
	struct tree t;

	if (size < 1)
		return 0;
	tree_init(&t, &rs_sim_ops);
	switch (data[0]) {
	case 't':
		as_tasks(&t, &in);
		break;
	case 's':
		as_status(&t, &in);
		break;
	case 'n':
		as_numbers(&t, &in);
		break;
	case 'm':
		as_mountinfo(&in);
		break;
	case 'u':
		as_names(&t, &in);
		break;
	case 'd':
		as_directory(&in);
		break;
	case 'c':
		as_commands(&t, &in);
		break;
	default:
		break;
	}
	tree_done(&t);
	return 0;
}
