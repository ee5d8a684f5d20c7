/* SPDX-License-Identifier: Apache-2.0 */
#include "task_finder_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The open directories from the first one down to where we are. */
struct tree {
	DIR *stack[FINDER_DEPTH_MAX];
	unsigned depth;
	size_t *dirs_left;
	finder_visit_fn *visit;
	void *arg;
};

/*
 * kernfs keeps st_nlink at 2 + subdirectories, on cgroup v1 and v2, which spares the common
 * cgroup without children a listing. Some file systems always say 1, which means nothing.
 */
bool finder_has_children(const struct stat *st)
{
	return st->st_nlink != 2;
}

static bool has_children(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || finder_has_children(&st);
}

int finder_next_entry(DIR *dir, const struct dirent **ret)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe): the stream is ours alone */
	} while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	if (!entry && errno && errno != ENOENT)
		return -errno;
	*ret = entry;
	return 0;
}

static int tree_push(struct tree *t, int *fd, struct err *e)
{
	DIR *dir;

	if (t->depth == ARRAY_LEN(t->stack))
		return err_set(e, -EFBIG, "more than %d levels of cgroups", FINDER_DEPTH_MAX);
	dir = fdopendir(*fd);
	if (!dir)
		return err_sys(e, -errno, "list a cgroup");
	(void)steal_fd(fd);
	t->stack[t->depth++] = dir;
	return 0;
}

/*
 * Children are listed after their parent was visited: a service manager in a container moves
 * tasks down, and one that does so between the two is seen twice rather than not at all.
 */
static int tree_enter(struct tree *t, int *fd, const char *name, struct err *e)
{
	int r;

	if (*t->dirs_left == 0)
		return err_set(e, -EFBIG, "more than %d cgroups", FINDER_DIRS_MAX);
	(*t->dirs_left)--;
	r = t->visit(t->arg, *fd, name, e);
	if (r == 0 && has_children(*fd))
		r = tree_push(t, fd, e);
	return r;
}

static int tree_enter_child(struct tree *t, int parent, const char *name, struct err *e)
{
	AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0)
		return err_sys(e, -errno, "open cgroup '%.255s'", name);
	r = tree_enter(t, &fd, name, e);
	return r == -ENOENT ? 0 : r;
}

/* One entry of the innermost directory. */
static int tree_step(struct tree *t, struct err *e)
{
	DIR *dir = t->stack[t->depth - 1];
	const struct dirent *entry = NULL;
	int r = finder_next_entry(dir, &entry);

	if (r < 0)
		return err_sys(e, r, "list a cgroup");
	if (!entry) {
		(void)closedir(dir);
		t->depth--;
		return 0;
	}
	if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
		return 0;
	return tree_enter_child(t, dirfd(dir), entry->d_name, e);
}

int finder_tree(int *fd, size_t *dirs_left, finder_visit_fn *visit, void *arg, struct err *e)
{
	AUTO_CLOSE int top = steal_fd(fd);
	struct tree t = {.visit = visit, .arg = arg};
	int r;

	t.dirs_left = dirs_left;
	r = tree_enter(&t, &top, "", e);
	while (r == 0 && t.depth > 0)
		r = tree_step(&t, e);
	while (t.depth > 0)
		(void)closedir(t.stack[--t.depth]);
	return r;
}
