/* SPDX-License-Identifier: Apache-2.0 */
#include "num.h"
#include "task_finder_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define CHUNK 8192

/*
 * The kernel's seq_file fills a page with whole lines before it hands them out. What is shorter
 * than that by more than a line was the last of the file, and need not be asked for.
 */
#define LAST_BELOW (4096 - 32)

/* A line that may come in two chunks. One that is longer than this is no id. */
struct line {
	char text[32];
	size_t len;
};

static void line_add(struct line *line, char c)
{
	if (line->len < sizeof(line->text))
		line->text[line->len++] = (char)(c >= ' ' && c <= '~' ? c : '?');
}

static int line_parse(const struct line *line, const char *file, pid_t *ret, struct err *e)
{
	uint64_t id;

	if (num_parse_u64(line->text, line->len, INT_MAX, &id) < 0)
		return err_set(e, -EIO, "%s: '%.*s' is no task id", file, (int)line->len,
			       line->text);
	if (id == 0)
		return err_set(e, -EPERM,
			       "%s: a task is listed as 0: the daemon is not in the host PID "
			       "namespace: set hostPID: true",
			       file);
	*ret = (pid_t)id;
	return 0;
}

static int feed(struct line *line, const char *data, size_t len, const char *file, finder_id_fn *fn,
		void *arg, struct err *e)
{
	for (size_t i = 0; i < len; i++) {
		pid_t id = 0;
		int r;

		if (data[i] != '\n') {
			line_add(line, data[i]);
			continue;
		}
		r = line_parse(line, file, &id, e);
		if (r == 0)
			r = fn(arg, id, e);
		if (r != 0)
			return r;
		line->len = 0;
	}
	return 0;
}

int finder_read_open_ids(int fd, const char *file, finder_id_fn *fn, void *arg, struct err *e)
{
	struct line line = {.len = 0};
	char chunk[CHUNK];
	off_t pos = 0;
	ssize_t n;

	do {
		int r;

		n = pread(fd, chunk, sizeof(chunk), pos);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) /* ENODEV is what a removed cgroup's open file says */
			return err_sys(e, errno == ENODEV ? -ENOENT : -errno, "read %s", file);
		pos += n;
		r = feed(&line, chunk, (size_t)n, file, fn, arg, e);
		if (r != 0)
			return r;
	} while (n < 0 || n >= LAST_BELOW);
	return line.len > 0 ? feed(&line, "\n", 1, file, fn, arg, e) : 0;
}

int finder_read_ids(int dirfd, const char *file, finder_id_fn *fn, void *arg, struct err *e)
{
	AUTO_CLOSE int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_sys(e, -errno, "open %s", file);
	return finder_read_open_ids(fd, file, fn, arg, e);
}

int finder_add_id(void *arg, pid_t id, struct err *e)
{
	struct rs_tids *tids = arg;
	int r;

	if (tids->nr >= RS_TIDS_MAX)
		return err_set(e, -EFBIG, "more than %u tasks", RS_TIDS_MAX);
	r = rs_tids_add(tids, id);
	return r < 0 ? err_sys(e, r, "task %d", (int)id) : 0;
}
