/* SPDX-License-Identifier: Apache-2.0 */

/* The small files of a configuration: tokens and certificates. */

#include "config_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define TOKEN_MAX 65536

void k8s_wipe_str(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void k8s_blob_wipe(struct k8s_blob *b)
{
	if (b->data)
		explicit_bzero(b->data, b->len);
	free(b->data);
	*b = (struct k8s_blob){0};
}

/* Fills BUF with all of FD; the number of bytes, or a negative errno. */
static ssize_t read_all(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)len;
		len += (size_t)n;
	}
	return -EFBIG;
}

int k8s_read_file(const char *path, size_t cap, struct k8s_blob *ret, struct err *e)
{
	/* A FIFO in place of the file must not stop the loop. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct k8s_blob b = {0};
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return err_sys(e, -errno, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "'%s' is not a regular file", path);
	if (st.st_size < 0 || (size_t)st.st_size > cap)
		return err_set(e, -EFBIG, "'%s' is larger than %zu bytes", path, cap);
	/* One byte more than it should need shows that the file did not grow meanwhile. */
	b.len = (size_t)st.st_size + 1;
	b.data = calloc(1, b.len + 1);
	if (!b.data)
		return err_set(e, -ENOMEM, "read '%s': out of memory", path);
	n = read_all(fd, b.data, b.len);
	if (n < 0) {
		k8s_blob_wipe(&b);
		return err_sys(e, (int)n, "read '%s'", path);
	}
	b.len = (size_t)n;
	k8s_blob_wipe(ret);
	*ret = b;
	return 0;
}

bool k8s_is_token(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > TOKEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	}
	return true;
}

bool k8s_is_pem(const struct k8s_blob *b)
{
	return b->data && strstr(b->data, "-----BEGIN ");
}

int k8s_read_token(const char *path, char **ret, struct err *e)
{
	struct k8s_blob b = {0};
	char *start, *token;
	int r = k8s_read_file(path, TOKEN_MAX + 16, &b, e);

	if (r < 0 || !b.data)
		return r;
	while (b.len && strchr(" \t\r\n", b.data[b.len - 1]))
		b.data[--b.len] = '\0';
	start = b.data + strspn(b.data, " \t\r\n");
	if (strlen(start) != b.len - (size_t)(start - b.data) || !k8s_is_token(start)) {
		k8s_blob_wipe(&b);
		return err_set(e, -EINVAL, "'%s' holds no bearer token (%s)", path,
			       "it is empty, or has blanks or unprintable bytes inside");
	}
	token = strdup(start);
	k8s_blob_wipe(&b);
	if (!token)
		return err_set(e, -ENOMEM, "read '%s': out of memory", path);
	k8s_wipe_str(ret);
	*ret = token;
	return 0;
}
