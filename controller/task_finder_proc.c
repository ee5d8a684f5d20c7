/* SPDX-License-Identifier: Apache-2.0 */
#include "num.h"
#include "strbuf.h"
#include "task_finder_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A v1 machine has some 14 hierarchies, each with a path of at most PATH_MAX. */
#define PROC_FILE_MAX 65536

int finder_open_task(const struct task_finder *f, pid_t id, int *ret_fd)
{
	char name[16];
	int fd;

	(void)snprintf(name, sizeof(name), "%d", (int)id);
	fd = openat(f->proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*ret_fd = fd;
	return 0;
}

/* Appends the whole of the file; 0 or -errno, -EFBIG when it is longer than OUT may be. */
static int read_small(int dirfd, const char *file, struct strbuf *out)
{
	AUTO_CLOSE int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (;;) {
		char chunk[1024];
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : out->error;
		if (strbuf_add(out, chunk, (size_t)n) < 0)
			return out->error;
		if ((size_t)n < sizeof(chunk)) /* these files come whole in one read */
			return 0;
	}
}

int finder_task_cgroup(int task_fd, const char *container_id, char buf[CGROUP_PATH_MAX])
{
	AUTO_STRBUF struct strbuf text;
	int r;

	strbuf_init(&text, PROC_FILE_MAX);
	r = read_small(task_fd, "cgroup", &text);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	return cgroup_path_from_proc(strbuf_str(&text), container_id, buf, NULL);
}

static int add_entries(const char *buf, size_t len, struct rs_tids *ret, struct err *e)
{
	int r = 0;

	for (size_t pos = 0; r == 0 && pos < len;) {
		const struct dirent64 *entry = (const void *)(buf + pos);
		uint64_t id;

		if (num_parse_u64(entry->d_name, strlen(entry->d_name), INT_MAX, &id) == 0 &&
		    id > 0)
			r = finder_add_id(ret, (pid_t)id, e);
		pos += entry->d_reclen;
	}
	return r;
}

/* Without a DIR, which takes 32 KiB and three calls more; this is on the path of START. */
int finder_add_threads(int task_fd, struct rs_tids *ret, struct err *e)
{
	AUTO_CLOSE int fd = openat(task_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char buf[4096];
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return errno == ENOENT ? err_set(e, -ESRCH, "the process ended")
				       : err_sys(e, -errno, "open task");
	/* proc fills the buffer: where there is room for one more, there was no more. */
	do {
		n = getdents64(fd, buf, sizeof(buf));
		if (n > 0)
			r = add_entries(buf, (size_t)n, ret, e);
	} while (r == 0 && n > (ssize_t)(sizeof(buf) - sizeof(struct dirent64)));
	if (r == 0 && n < 0)
		return errno == ENOENT ? err_set(e, -ESRCH, "the process ended")
				       : err_sys(e, -errno, "list task");
	return r;
}

/* ---- /proc/TID/cpu_resctrl_groups ------------------------------------------------------ */

/*
 * fs/resctrl of the kernel, proc_resctrl_show(): "res:GROUP\nmon:GROUP\n", with "/" for the
 * root's control group, and "res:\nmon:\n" while no resctrl is mounted.
 */
static int parse_control_group(const char *text, char *buf, size_t size, struct err *e)
{
	const char *name = text + strlen("res:");
	size_t len = strcspn(text, "\n");

	if (strncmp(text, "res:", strlen("res:")) != 0 || text[len] != '\n')
		return err_set(e, -EIO, "cpu_resctrl_groups: no 'res:' in '%.80s'", text);
	len -= strlen("res:");
	if (len == 0)
		return err_set(e, -ENODEV, "cpu_resctrl_groups: no resctrl is mounted");
	if (len == 1 && name[0] == '/')
		len = 0;
	if (memchr(name, '/', len) || (len <= 2 && len > 0 && strspn(name, ".") == len))
		return err_set(e, -EIO, "cpu_resctrl_groups: '%.80s' is no group's name", name);
	if (len >= size)
		return err_set(e, -ENAMETOOLONG, "control group '%.80s' has %zu bytes", name, len);
	memcpy(buf, name, len);
	buf[len] = '\0';
	return 0;
}

int finder_control_group(void *ctx, pid_t tid, char *buf, size_t size, struct err *e)
{
	const struct task_finder *f = ctx;
	AUTO_STRBUF struct strbuf text;
	AUTO_CLOSE int fd = -1;
	int r = finder_open_task(f, tid, &fd);

	strbuf_init(&text, PROC_FILE_MAX);
	if (r == 0)
		r = read_small(fd, "cpu_resctrl_groups", &text);
	if (r == -ENOENT && faccessat(fd, "cgroup", F_OK, 0) < 0)
		r = -ESRCH;
	if (r == -ESRCH)
		return err_set(e, r, "task %d ended", (int)tid);
	if (r == -ENOENT) /* of open: not built in; of read: in a pseudo-locked group */
		return err_set(e, -EOPNOTSUPP,
			       "the kernel does not tell the groups of a task "
			       "(CONFIG_PROC_CPU_RESCTRL)");
	if (r < 0)
		return err_sys(e, r, "read cpu_resctrl_groups of task %d", (int)tid);
	return parse_control_group(strbuf_str(&text), buf, size, e);
}
