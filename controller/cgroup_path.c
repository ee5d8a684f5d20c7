/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_path.h"

#include <errno.h>
#include <string.h>

#define ID_MAX 255

/* A piece of someone else's string. */
struct piece {
	const char *s;
	size_t len;
};

/* The path under construction; a flag instead of a check at every step. */
struct out {
	char buf[CGROUP_PATH_MAX];
	size_t len;
	bool too_long;
};

static void put(struct out *o, const char *s, size_t len)
{
	if (o->too_long || len >= sizeof(o->buf) - o->len) {
		o->too_long = true;
		return;
	}
	memcpy(o->buf + o->len, s, len);
	o->len += len;
	o->buf[o->len] = '\0';
}

static void put_slash(struct out *o)
{
	if (o->len > 0)
		put(o, "/", 1);
}

static int out_finish(const struct out *o, char *buf, struct err *e)
{
	if (o->too_long)
		return err_set(e, -EINVAL, "cgroup path is longer than %d bytes",
			       CGROUP_PATH_MAX - 1);
	memcpy(buf, o->buf, o->len + 1);
	return 0;
}

static bool ends_with(struct piece p, const char *suffix)
{
	size_t len = strlen(suffix);

	return p.len >= len && memcmp(p.s + p.len - len, suffix, len) == 0;
}

static bool equals(struct piece p, const char *s)
{
	return p.len == strlen(s) && memcmp(p.s, s, p.len) == 0;
}

static struct piece next_component(struct piece *rest)
{
	const char *slash = memchr(rest->s, '/', rest->len);
	struct piece c = {rest->s, slash ? (size_t)(slash - rest->s) : rest->len};
	size_t used = c.len + (slash ? 1 : 0);

	rest->s += used;
	rest->len -= used;
	return c;
}

/* A component that names a directory below its parent, and nothing else. */
static bool is_plain_component(struct piece c)
{
	if (c.len == 0 || c.len > ID_MAX || equals(c, ".") || equals(c, ".."))
		return false;
	for (size_t i = 0; i < c.len; i++) {
		unsigned char ch = (unsigned char)c.s[i];

		if (ch <= ' ' || ch == 0x7f)
			return false;
	}
	return true;
}

static bool is_plain_path(struct piece p)
{
	if (p.len == 0 || p.s[p.len - 1] == '/')
		return false;
	while (p.len > 0) {
		if (!is_plain_component(next_component(&p)))
			return false;
	}
	return true;
}

/* ---- whose is it ---------------------------------------------------------------------- */

bool cgroup_name_is_of(const char *name, size_t len, const char *container_id)
{
	struct piece p = {name, len};
	size_t id_len = strlen(container_id);

	if (ends_with(p, ".scope") && !ends_with(p, container_id))
		p.len -= strlen(".scope");
	if (id_len == 0 || !ends_with(p, container_id))
		return false;
	p.len -= id_len;
	if (p.len == 0)
		return true;
	if (p.s[p.len - 1] != '-')
		return false;
	p.len--;
	return !equals(p, "conmon") && !ends_with(p, "-conmon");
}

bool cgroup_path_is_of(const char *path, size_t len, const char *container_id)
{
	struct piece rest = {path, len};

	while (rest.len > 0) {
		struct piece c = next_component(&rest);

		if (cgroup_name_is_of(c.s, c.len, container_id))
			return true;
	}
	return false;
}

#define ID_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

int cgroup_check_id(const char *container_id, struct err *e)
{
	size_t len = container_id ? strnlen(container_id, ID_MAX + 1) : 0;

	if (len == 0)
		return err_set(e, -EINVAL, "container without an id");
	if (len > ID_MAX || strspn(container_id, ID_CHARS) < len || container_id[0] == '.' ||
	    container_id[0] == '-')
		return err_set(e, -EINVAL, "container id '%.80s' cannot be one", container_id);
	return 0;
}

/* ---- the runtime's words ---------------------------------------------------------------- */

static int bad_slice(struct piece slice, struct err *e)
{
	return err_set(e, -EINVAL, "'%.*s' is not the name of a slice",
		       slice.len < 200 ? (int)slice.len : 200, slice.s);
}

static int put_expanded_slice(struct out *o, struct piece slice, struct err *e)
{
	static const char suffix[] = ".slice";
	size_t stem;

	if (!ends_with(slice, suffix) || !is_plain_component(slice) ||
	    memchr(slice.s, '/', slice.len))
		return bad_slice(slice, e);
	stem = slice.len - strlen(suffix);
	/* No part between dashes may be empty, which leaves out "-.slice" as well. */
	for (size_t i = 0, part = 0; i <= stem; i++) {
		if (i < stem && slice.s[i] != '-')
			continue;
		if (i == part)
			return bad_slice(slice, e);
		put_slash(o);
		put(o, slice.s, i);
		put(o, suffix, strlen(suffix));
		part = i + 1;
	}
	return 0;
}

int cgroup_expand_slice(const char *slice, size_t len, char buf[CGROUP_PATH_MAX], struct err *e)
{
	struct out o = {.len = 0};
	struct piece p = {slice, len};
	int r = put_expanded_slice(&o, p, e);

	return r < 0 ? r : out_finish(&o, buf, e);
}

/* "SLICE:PREFIX:ID", or with no colon at all a path, then in .slice alone. */
struct runtime_path {
	struct piece slice, prefix, id;
	bool is_systemd;
};

static int split_runtime_path(const char *s, struct runtime_path *ret, struct err *e)
{
	struct runtime_path p = {.slice = {s, strlen(s)}};
	const char *first = strchr(s, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;

	if (p.slice.len >= CGROUP_PATH_MAX)
		return err_set(e, -EINVAL, "cgroups_path '%.60s...' has %zu bytes", s, p.slice.len);
	if (first && (!second || strchr(second + 1, ':')))
		return err_set(e, -EINVAL,
			       "cgroups_path '%.200s' is neither a path nor "
			       "SLICE:PREFIX:ID",
			       s);
	if (first) {
		p.is_systemd = true;
		p.slice.len = (size_t)(first - s);
		p.prefix = (struct piece){first + 1, (size_t)(second - first - 1)};
		p.id = (struct piece){second + 1, strlen(second + 1)};
	}
	*ret = p;
	return 0;
}

static bool is_scope_part(struct piece p)
{
	return is_plain_component(p) && !memchr(p.s, '/', p.len);
}

static int put_scope(struct out *o, const struct runtime_path *p, struct err *e)
{
	if (!is_scope_part(p->prefix) || !is_scope_part(p->id))
		return err_set(e, -EINVAL, "cgroups_path '%.200s' makes no scope name", p->slice.s);
	put_slash(o);
	put(o, p->prefix.s, p->prefix.len);
	put(o, "-", 1);
	put(o, p->id.s, p->id.len);
	put(o, ".scope", strlen(".scope"));
	return 0;
}

static int put_plain_path(struct out *o, struct piece p, struct err *e)
{
	if (p.len > 0 && p.s[0] == '/') {
		p.s++;
		p.len--;
	}
	if (!is_plain_path(p))
		return err_set(e, -EINVAL, "cgroup path '%.200s' is not one below the cgroup root",
			       p.s);
	put(o, p.s, p.len);
	return 0;
}

static struct piece last_component(const char *path, size_t len)
{
	struct piece rest = {path, len}, c = rest;

	while (rest.len > 0)
		c = next_component(&rest);
	return c;
}

int cgroup_path_from_runtime(const char *cgroups_path, const char *container_id,
			     char buf[CGROUP_PATH_MAX], struct err *e)
{
	struct out o = {.len = 0};
	struct runtime_path p = {.slice = {"", 0}};
	struct piece last;
	int r = split_runtime_path(cgroups_path, &p, e);

	if (r < 0)
		return r;
	if (!p.is_systemd)
		r = put_plain_path(&o, p.slice, e);
	else if (p.slice.len > 0)
		r = put_expanded_slice(&o, p.slice, e);
	else
		put(&o, "system.slice", strlen("system.slice"));
	if (r == 0 && p.is_systemd)
		r = put_scope(&o, &p, e);
	if (r < 0)
		return r;
	last = last_component(o.buf, o.len);
	if (!o.too_long &&
	    (!is_plain_component(last) || !cgroup_name_is_of(last.s, last.len, container_id)))
		return err_set(e, -EINVAL, "cgroups_path '%.200s' is not of container %.80s",
			       cgroups_path, container_id);
	return out_finish(&o, buf, e);
}

static int put_name_under_parent(struct out *o, const char *cgroups_path, const char *container_id,
				 struct err *e)
{
	struct piece id = {container_id, strlen(container_id)};
	bool is_slice = ends_with((struct piece){o->buf, o->len}, ".slice");
	struct runtime_path p = {
		.slice = {"", 0}, .prefix = {"cri-containerd", strlen("cri-containerd")}, .id = id};
	struct piece name = id;

	if (cgroups_path[0]) {
		int r = split_runtime_path(cgroups_path, &p, e);

		if (r < 0)
			return r;
		is_slice = p.is_systemd;
		name = last_component(p.slice.s, p.slice.len);
	}
	if (is_slice)
		return put_scope(o, &p, e);
	put_slash(o);
	put(o, name.s, name.len);
	return 0;
}

int cgroup_path_from_parent(const char *cgroup_parent, const char *cgroups_path,
			    const char *container_id, char buf[CGROUP_PATH_MAX], struct err *e)
{
	struct out o = {.len = 0};
	struct piece parent = {cgroup_parent, strlen(cgroup_parent)}, last;

	if (parent.len < 2 || parent.s[0] != '/' || parent.len >= CGROUP_PATH_MAX ||
	    put_plain_path(&o, parent, NULL) < 0)
		return err_set(e, -ENOENT, "cgroup parent '%.200s' is no full path", cgroup_parent);
	if (put_name_under_parent(&o, cgroups_path, container_id, NULL) < 0)
		return err_set(e, -ENOENT, "cgroups_path '%.200s' gives no name", cgroups_path);
	last = last_component(o.buf, o.len);
	if (!is_plain_component(last) || !cgroup_name_is_of(last.s, last.len, container_id))
		return err_set(e, -ENOENT, "cgroups_path '%.200s' is not of container %.80s",
			       cgroups_path, container_id);
	return out_finish(&o, buf, e);
}

/* ---- the kernel's words ------------------------------------------------------------------- */

/* "4:memory:/a/b" or "0::/a/b" to "a/b", with the leading "/.." counted and taken off. */
static bool split_proc_line(struct piece line, struct piece *ret_path, size_t *ret_ups)
{
	const char *first = memchr(line.s, ':', line.len);
	const char *end = line.s + line.len;
	const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
	struct piece path, next;

	*ret_ups = 0;
	if (!second || second + 1 >= end || second[1] != '/')
		return false;
	path = (struct piece){second + 2, (size_t)(end - second - 2)};
	for (;;) {
		next = path;
		if (!equals(next_component(&next), ".."))
			break;
		path = next;
		(*ret_ups)++;
	}
	*ret_path = path;
	return true;
}

/* Cuts PATH after the container's own directory; false when there is none. */
static bool cut_at_container(struct piece *path, const char *container_id)
{
	struct piece rest = *path;

	while (rest.len > 0) {
		struct piece c = next_component(&rest);

		if (!cgroup_name_is_of(c.s, c.len, container_id))
			continue;
		path->len = (size_t)(c.s + c.len - path->s);
		return true;
	}
	return false;
}

/*
 * A path that leaves the reader's cgroup namespace begins somewhere below the root. A slice
 * tells its ancestors by its name; of a cgroupfs path the beginning cannot be known here.
 */
static void put_completed(struct out *o, struct piece path)
{
	struct piece rest = path;
	struct piece first = next_component(&rest);

	if (rest.len == 0 || put_expanded_slice(o, first, NULL) < 0) {
		*o = (struct out){.len = 0};
		put(o, path.s, path.len);
		return;
	}
	put_slash(o);
	put(o, rest.s, rest.len);
}

int cgroup_path_from_proc(const char *text, const char *container_id, char buf[CGROUP_PATH_MAX],
			  struct err *e)
{
	while (*text) {
		struct piece line = {text, strcspn(text, "\n")}, path;
		struct out o = {.len = 0};
		size_t ups;

		text += line.len + (text[line.len] == '\n');
		if (!split_proc_line(line, &path, &ups) || !cut_at_container(&path, container_id) ||
		    !is_plain_path(path))
			continue;
		if (ups > 0)
			put_completed(&o, path);
		else
			put(&o, path.s, path.len);
		return out_finish(&o, buf, e);
	}
	return err_set(e, -ENOENT, "the process is in no cgroup of container %.80s", container_id);
}
