/* SPDX-License-Identifier: Apache-2.0 */
#include "http_listen.h"

#include "num.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define BACKLOG 64
#define WANTED  "ADDRESS:PORT such as 127.0.0.1:9433, [::1]:9433 or :9433 for all addresses"

/* ---- TCP ---------------------------------------------------------------------------------- */

static bool parse_host(const char *host, struct http_address *a)
{
	if (!*host) {
		a->any = true;
		a->u.in6.sin6_family = AF_INET6;
		a->u.in6.sin6_addr = in6addr_any;
		return true;
	}
	if (inet_pton(AF_INET, host, &a->u.in.sin_addr) == 1) {
		a->u.in.sin_family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, host, &a->u.in6.sin6_addr) == 1) {
		a->u.in6.sin6_family = AF_INET6;
		return true;
	}
	return false;
}

/* An IPv6 address stands in brackets, and nothing else does. */
static bool take_host(const char *text, size_t len, char *host, size_t size)
{
	bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	if (brackets) {
		text++;
		len -= 2;
	}
	if (len >= size || brackets != (memchr(text, ':', len) != NULL))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return true;
}

static void set_port(struct http_address *a, uint16_t port)
{
	if (a->u.sa.sa_family == AF_INET)
		a->u.in.sin_port = htons(port);
	else
		a->u.in6.sin6_port = htons(port);
}

static uint16_t port_of(const struct http_address *a)
{
	return ntohs(a->u.sa.sa_family == AF_INET ? a->u.in.sin_port : a->u.in6.sin6_port);
}

int http_address_parse(const char *text, struct http_address *ret, struct err *e)
{
	const char *colon = strrchr(text, ':');
	struct http_address a = {0};
	char host[INET6_ADDRSTRLEN];
	uint64_t port;

	if (!colon || !take_host(text, (size_t)(colon - text), host, sizeof(host)) ||
	    !parse_host(host, &a) ||
	    num_parse_u64(colon + 1, strlen(colon + 1), UINT16_MAX, &port) < 0)
		return err_set(e, -EINVAL, "'%.64s' is not %s", text, WANTED);
	set_port(&a, (uint16_t)port);
	a.len = a.u.sa.sa_family == AF_INET ? sizeof(a.u.in) : sizeof(a.u.in6);
	*ret = a;
	return 0;
}

void http_address_format(const struct http_address *a, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";
	bool is_v4 = a->u.sa.sa_family == AF_INET;

	if (!a->any)
		(void)inet_ntop(a->u.sa.sa_family,
				is_v4 ? (const void *)&a->u.in.sin_addr
				      : (const void *)&a->u.in6.sin6_addr,
				host, sizeof(host));
	(void)snprintf(buf, size, is_v4 || a->any ? "%s:%u" : "[%s]:%u", host, port_of(a));
}

static int explain_bind(const struct http_address *a, int code, struct err *e)
{
	char text[HTTP_ADDRESS_TEXT_MAX];

	http_address_format(a, text, sizeof(text));
	switch (-code) {
	case EADDRINUSE:
		return err_set(e, code,
			       "port %u is in use: end the program that holds it (ss -ltnp "
			       "'sport = :%u' shows it), or give another --metrics-addr",
			       port_of(a), port_of(a));
	case EADDRNOTAVAIL:
		return err_set(e, code,
			       "%s is no address of this machine or pod: give one that is (ip "
			       "address shows them), or :%u for all, in --metrics-addr",
			       text, port_of(a));
	case EACCES:
		return err_set(e, code,
			       "port %u may be listened on only with CAP_NET_BIND_SERVICE: give "
			       "one from 1024 on in --metrics-addr",
			       port_of(a));
	default:
		return err_sys(e, code, "listen on %s", text);
	}
}

/* On a machine without IPv6, "all addresses" are those of IPv4. */
static int open_tcp(struct http_address *a)
{
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 && errno == EAFNOSUPPORT && a->any) {
		uint16_t port = port_of(a);

		a->u.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
		a->len = sizeof(a->u.in);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	return fd < 0 ? -errno : fd;
}

int http_listen_tcp(const struct http_address *address, int *ret_fd,
		    struct http_address *ret_actual, struct err *e)
{
	struct http_address a = *address;
	AUTO_CLOSE int fd = open_tcp(&a);
	int on = 1, v6only = !a.any;

	if (fd < 0)
		return explain_bind(&a, fd, e);
	/* A daemon that was restarted must not wait for its predecessor's last connections. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a.u.sa.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(fd, &a.u.sa, a.len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, &a.u.sa, &a.len) < 0)
		return explain_bind(&a, -errno, e);
	*ret_actual = a;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* ---- unix --------------------------------------------------------------------------------- */

static void directory_of(const char *path, char *dir, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	(void)snprintf(dir, size, "%.*s", (int)len, path);
	if (!len)
		(void)snprintf(dir, size, "%s", slash ? "/" : ".");
}

/* The directory, opened. It is made if only the last part of it is missing. */
static int open_directory(const char *path, struct err *e)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;

	directory_of(path, dir, sizeof(dir));
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return err_sys(e, -errno,
			       "cannot make the directory '%s' (make it, mount a writable one "
			       "there, or give another path)",
			       dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "'%s' cannot be opened as a directory", dir);
	return fd;
}

/* Two that start at the same moment must not both find the socket of a dead one. */
static int lock_directory(int dir_fd, const char *path, struct err *e)
{
	if (flock(dir_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return err_set(e, -EADDRINUSE, "another process is just about to use '%s'", path);
	return 0;
}

/* 0: nothing there now. A dead process's socket is removed. */
static int make_way(const struct sockaddr_un *sun, struct err *e)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);
	struct stat st;

	if (lstat(sun->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "'%s'", sun->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST,
			       "'%s' is there and is no socket: remove it, or give another path",
			       sun->sun_path);
	if (fd < 0)
		return err_sys(e, -errno, "socket");
	/* A listener with a full queue says EAGAIN, and is alive too. */
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 || errno == EAGAIN) {
		(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
		return err_set(e, -EADDRINUSE, "'%s' belongs to a running process (pid %d)",
			       sun->sun_path, (int)peer.pid);
	}
	if (errno != ECONNREFUSED && errno != ENOENT)
		return err_sys(e, -errno, "connect to '%s', to see whether anybody listens there",
			       sun->sun_path);
	if (unlink(sun->sun_path) < 0 && errno != ENOENT)
		return err_sys(e, -errno, "remove the left-over socket '%s'", sun->sun_path);
	return 0;
}

static int bind_unix(const struct sockaddr_un *sun, int *ret_fd, struct http_socket_file *file,
		     struct err *e)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	/* The file takes its mode from the descriptor, so there is no moment in which others may.
	 */
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return err_sys(e, -errno, "socket");
	if (bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 || listen(fd, BACKLOG) < 0 ||
	    lstat(sun->sun_path, &st) < 0)
		return err_sys(e, -errno, "listen on '%s'", sun->sun_path);
	memcpy(file->path, sun->sun_path, sizeof(file->path));
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	*ret_fd = steal_fd(&fd);
	return 0;
}

int http_listen_unix(const char *path, int *ret_fd, struct http_socket_file *ret_file,
		     struct err *e)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	AUTO_CLOSE int dir_fd = -1;
	int r;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, -ENAMETOOLONG,
			       "'%.32s...' is too long: a socket's path has at "
			       "most %zu bytes",
			       path, sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path));
	dir_fd = open_directory(path, e);
	if (dir_fd < 0)
		return dir_fd;
	r = lock_directory(dir_fd, path, e);
	if (r == 0)
		r = make_way(&sun, e);
	return r < 0 ? r : bind_unix(&sun, ret_fd, ret_file, e);
}

void http_socket_file_remove(const struct http_socket_file *file)
{
	struct stat st;

	if (file->path[0] && lstat(file->path, &st) == 0 && st.st_dev == file->dev &&
	    st.st_ino == file->ino)
		(void)unlink(file->path);
}
