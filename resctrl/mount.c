/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finding and making the resctrl mount. The mount table is mountinfo of proc(5): fields
 * separated by blanks, in which blank, tab, newline and backslash are written as octal
 * escapes; the file system type is the first field after a lone "-".
 */

#include "mount_priv.h"
#include "resctrl_real.h"
#include "strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define MOUNTINFO_MAX (16u << 20) /* a busy node has thousands of mounts of 200 bytes */

static int read_file(const char *path, struct strbuf *out)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;
		int r = strbuf_reserve(out, 4096);

		if (r < 0)
			return r;
		n = read(fd, out->data + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

/* The next blank-separated field of the line *POS; false at its end. */
static bool next_field(const char **pos, const char *end, const char **field, size_t *len)
{
	const char *p = *pos, *start;

	while (p < end && *p == ' ')
		p++;
	start = p;
	while (p < end && *p != ' ')
		p++;
	*pos = p;
	*field = start;
	*len = (size_t)(p - start);
	return p > start;
}

static bool field_is(const char *field, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(field, want, len) == 0;
}

/* Is WANT one of the comma-separated OPTIONS? */
static bool has_option(const char *options, size_t len, const char *want)
{
	while (len) {
		const char *comma = memchr(options, ',', len);
		size_t n = comma ? (size_t)(comma - options) : len;

		if (field_is(options, n, want))
			return true;
		options += comma ? n + 1 : n;
		len -= comma ? n + 1 : n;
	}
	return false;
}

static bool is_octal(const char *s, size_t len)
{
	return len >= 4 && s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
	       s[2] <= '7' && s[3] >= '0' && s[3] <= '7';
}

/* False when it does not fit. */
static bool unescape(const char *s, size_t len, char *buf, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++) {
		if (n + 1 >= size)
			return false;
		if (is_octal(s + i, len - i)) {
			buf[n] = (char)((s[i + 1] - '0') * 64 + (s[i + 2] - '0') * 8 +
					(s[i + 3] - '0'));
			i += 4;
		} else {
			buf[n] = s[i++];
		}
	}
	buf[n] = '\0';
	return true;
}

struct mount_line {
	const char *point, *options, *type, *super_options;
	size_t point_len, options_len, type_len, super_options_len;
};

/* 36 35 98:0 /root /mount/point rw,noatime shared:1 - type source rw,super=options */
static bool parse_line(const char *line, const char *end, struct mount_line *ml)
{
	const char *f;
	size_t len;

	for (int i = 0; i < 4; i++) {
		if (!next_field(&line, end, &f, &len))
			return false;
	}
	if (!next_field(&line, end, &ml->point, &ml->point_len) ||
	    !next_field(&line, end, &ml->options, &ml->options_len))
		return false;
	do {
		if (!next_field(&line, end, &f, &len))
			return false;
	} while (!field_is(f, len, "-"));
	return next_field(&line, end, &ml->type, &ml->type_len) &&
	       next_field(&line, end, &f, &len) &&
	       next_field(&line, end, &ml->super_options, &ml->super_options_len);
}

static bool tasks_opens(const char *root)
{
	char path[RS_MOUNT_PATH_MAX + 8];
	int n = snprintf(path, sizeof(path), "%s/tasks", root);
	AUTO_CLOSE int fd = -1;

	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0;
}

/* A mount at ROOT wins over one elsewhere; of several, the last is on top. */
static void note_line(const struct mount_line *ml, const char *root, struct rs_mount *m)
{
	char where[RS_MOUNT_PATH_MAX];
	bool here;

	if (!field_is(ml->type, ml->type_len, "resctrl") ||
	    !unescape(ml->point, ml->point_len, where, sizeof(where)))
		return;
	here = strcmp(where, root) == 0;
	if (!here && m->state != RS_MOUNT_NONE)
		return;
	m->state = here ? RS_MOUNT_HERE : RS_MOUNT_ELSEWHERE;
	m->writable = !has_option(ml->options, ml->options_len, "ro") &&
		      !has_option(ml->super_options, ml->super_options_len, "ro");
	memcpy(m->where, where, sizeof(where));
}

void rs_mount_parse(const char *text, size_t len, const char *root, struct rs_mount *m)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		struct mount_line ml;

		if (parse_line(text, nl ? nl : end, &ml))
			note_line(&ml, root, m);
		text = nl ? nl + 1 : end;
	}
}

/* ROOT without slashes at its end, as the kernel writes it. */
static int normalise(const char *root, char *buf, struct err *e)
{
	size_t len = strlen(root);

	while (len > 1 && root[len - 1] == '/')
		len--;
	if (*root != '/' || len >= RS_MOUNT_PATH_MAX)
		return err_set(e, -EINVAL, "resctrl root '%.200s' is no absolute path", root);
	memcpy(buf, root, len);
	buf[len] = '\0';
	return 0;
}

int rs_mount_detect(const struct rs_mount_env *env, const char *root, struct rs_mount *ret,
		    struct err *e)
{
	AUTO_STRBUF struct strbuf text;
	char path[RS_MOUNT_PATH_MAX], want[RS_MOUNT_PATH_MAX];
	struct rs_mount m = {0};
	int r;

	strbuf_init(&text, MOUNTINFO_MAX);
	r = normalise(root, want, e);
	if (r < 0)
		return r;
	r = snprintf(path, sizeof(path), "%s/self/mountinfo", env->proc_root);
	if (r < 0 || (size_t)r >= sizeof(path))
		return err_set(e, -EINVAL, "proc root is too long");
	r = read_file(path, &text);
	if (r < 0)
		return err_sys(e, r == -EFBIG ? -EIO : r, "read '%s'", path);
	rs_mount_parse(strbuf_str(&text), text.len, want, &m);
	if (m.state != RS_MOUNT_NONE && m.writable)
		m.writable = tasks_opens(m.where);
	*ret = m;
	return 0;
}

static int mount_error(int code, const char *root, struct err *e)
{
	switch (-code) {
	case EPERM:
	case EACCES:
		return err_set(e, -EACCES, "not allowed to mount resctrl at '%s' (%s)", root,
			       err_name(code));
	case ENODEV:
	case EINVAL:
	case EOPNOTSUPP:
	case ENOSYS:
		return err_set(e, -EOPNOTSUPP,
			       "kernel or hardware has no resctrl to mount at '%s' (%s)", root,
			       err_name(code));
	case EBUSY:
		return err_set(e, -EBUSY,
			       "resctrl is mounted on the host but not visible at '%s'; "
			       "bind-mount it with HostToContainer propagation",
			       root);
	case EROFS:
	case ENOMEM:
		return err_sys(e, code, "mount resctrl at '%s'", root);
	default:
		(void)err_sys(e, code, "mount resctrl at '%s'", root);
		if (e)
			e->code = -EIO;
		return -EIO;
	}
}

static int mount_resctrl(const struct rs_mount_env *env, const char *root)
{
	/* In sysfs the directory is always there; elsewhere it may have to be made. */
	if (mkdir(root, 0755) < 0 && errno != EEXIST && errno != EPERM)
		return -errno;
	if (env->mount)
		return env->mount(env->ctx, root);
	return mount("resctrl", root, "resctrl", 0, NULL) < 0 ? -errno : 0;
}

int rs_mount_ensure(const struct rs_mount_env *env, const char *root, bool auto_mount,
		    struct rs_mount *ret, struct err *e)
{
	struct rs_mount m = {0};
	int r = rs_mount_detect(env, root, &m, e);

	if (r < 0)
		return r;
	if (m.state == RS_MOUNT_ELSEWHERE)
		return err_set(e, -EBUSY, "resctrl is mounted at '%s', not at '%s'", m.where, root);
	if (m.state == RS_MOUNT_NONE && !auto_mount)
		return err_set(e, -ENODEV, "no resctrl file system is mounted at '%s'", root);
	if (m.state == RS_MOUNT_NONE) {
		r = mount_resctrl(env, root);
		if (r < 0)
			return mount_error(r, root, e);
		r = rs_mount_detect(env, root, &m, e);
		if (r < 0)
			return r;
		if (m.state != RS_MOUNT_HERE)
			return err_set(e, -EIO, "mounting resctrl at '%s' had no effect", root);
	}
	*ret = m;
	return 0;
}
