/* SPDX-License-Identifier: Apache-2.0 */
#include "resctrl_real.h"
#include "strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define RDTGROUP_MAGIC 0x7655821 /* RDTGROUP_SUPER_MAGIC of linux/magic.h */
#define LOCK_TRIES     16
#define READ_STEP      16384

struct rs_real {
	char *root;
	int lock_fd; /* holds the flock while it is taken, else -1 */
};

int rs_real_open(const char *root, struct rs_real **ret, struct err *e)
{
	struct rs_real *real;

	if (*root != '/')
		return err_set(e, -EINVAL, "resctrl root '%s' is not absolute", root);
	real = calloc(1, sizeof(*real));
	if (real)
		real->root = strdup(root);
	if (!real || !real->root) {
		free(real);
		return err_sys(e, -ENOMEM, "resctrl root '%s'", root);
	}
	real->lock_fd = -1;
	*ret = real;
	return 0;
}

void rs_real_close(struct rs_real *real)
{
	if (!real)
		return;
	if (real->lock_fd >= 0)
		(void)close(real->lock_fd);
	free(real->root);
	free(real);
}

static int fd_or_errno(int fd)
{
	return fd < 0 ? -errno : fd;
}

/*
 * The path as one string for one system call: a descriptor of the root that was kept would
 * outlive a remount. "" is the root itself.
 */
static int full_path(const struct rs_real *real, const char *path, char buf[PATH_MAX])
{
	int n = snprintf(buf, PATH_MAX, "%s%s%s", real->root, *path ? "/" : "", path);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Links are not followed: resctrl has none. */
static int open_at(const struct rs_real *real, const char *path, int flags)
{
	char full[PATH_MAX];
	int r = full_path(real, path, full);

	/* The root itself may well be reached through a link. */
	if (*path)
		flags |= O_NOFOLLOW;
	return r < 0 ? r : fd_or_errno(open(full, flags | O_CLOEXEC));
}

static int real_mkdir(void *ctx, const char *path)
{
	char full[PATH_MAX];
	int r = full_path(ctx, path, full);

	return r < 0 ? r : mkdir(full, 0755) < 0 ? -errno : 0;
}

static int real_rmdir(void *ctx, const char *path)
{
	char full[PATH_MAX];
	int r = full_path(ctx, path, full);

	return r < 0 ? r : rmdir(full) < 0 ? -errno : 0;
}

static int real_rename(void *ctx, const char *from, const char *to)
{
	char full_from[PATH_MAX], full_to[PATH_MAX];
	int r = full_path(ctx, from, full_from);

	if (r < 0)
		return r;
	r = full_path(ctx, to, full_to);
	if (r < 0)
		return r;
	return rename(full_from, full_to) < 0 ? -errno : 0;
}

static int real_stat(void *ctx, const char *path, struct rs_stat *ret)
{
	char full[PATH_MAX];
	struct stat st;
	int r = full_path(ctx, path, full);

	if (r == 0 && fstatat(AT_FDCWD, full, &st, *path ? AT_SYMLINK_NOFOLLOW : 0) < 0)
		r = -errno;
	if (r < 0)
		return r;
	*ret = (struct rs_stat){.dev = st.st_dev, .ino = st.st_ino, .is_dir = S_ISDIR(st.st_mode)};
	return 0;
}

static bool entry_is_dir(int fd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int list_entries(DIR *dir, rs_list_fn *fn, void *arg)
{
	for (;;) {
		const struct dirent *entry;
		int r;

		errno = 0;
		entry = readdir(dir); /* NOLINT(concurrency-mt-unsafe): the stream is ours alone */
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = fn(arg, entry->d_name, entry_is_dir(dirfd(dir), entry));
		if (r)
			return r;
	}
}

static int real_list(void *ctx, const char *path, rs_list_fn *fn, void *arg)
{
	AUTO_CLOSE int fd = open_at(ctx, path, O_RDONLY | O_DIRECTORY);
	DIR *dir;
	int r;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)steal_fd(&fd);
	r = list_entries(dir, fn, arg);
	(void)closedir(dir);
	return r;
}

static int real_read(void *ctx, const char *path, struct strbuf *out)
{
	AUTO_CLOSE int fd = open_at(ctx, path, O_RDONLY);

	if (fd < 0)
		return fd;
	for (;;) {
		char buf[READ_STEP];
		ssize_t n = read(fd, buf, sizeof(buf));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = strbuf_add(out, buf, (size_t)n);
		if (r < 0)
			return r;
	}
}

static int real_open_write(void *ctx, const char *path)
{
	return open_at(ctx, path, O_WRONLY);
}

static int real_write(void *ctx, int handle, const char *data, size_t len)
{
	ssize_t n;

	(void)ctx;
	do {
		n = write(handle, data, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static void real_close_handle(void *ctx, int handle)
{
	(void)ctx;
	(void)close(handle);
}

static int real_is_resctrl(void *ctx)
{
	const struct rs_real *real = ctx;
	struct statfs fs;

	if (statfs(real->root, &fs) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENODEV : -errno;
	return fs.f_type == RDTGROUP_MAGIC ? 0 : -ENODEV;
}

/* The lock lives on an open directory, and is given back by closing it. */
static int real_lock(void *ctx, bool on)
{
	struct rs_real *real = ctx;
	AUTO_CLOSE int fd =
		on ? open_at(real, "", O_RDONLY | O_DIRECTORY) : steal_fd(&real->lock_fd);

	if (!on)
		return 0;
	if (fd < 0)
		return fd;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			real->lock_fd = steal_fd(&fd);
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		(void)sched_yield();
	}
	return -EWOULDBLOCK;
}

const struct rs_fs_ops rs_real_ops = {
	.mkdir = real_mkdir,
	.rmdir = real_rmdir,
	.rename = real_rename,
	.stat = real_stat,
	.list = real_list,
	.read = real_read,
	.open_write = real_open_write,
	.write = real_write,
	.close = real_close_handle,
	.is_resctrl = real_is_resctrl,
	.lock = real_lock,
};
