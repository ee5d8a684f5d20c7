/* SPDX-License-Identifier: Apache-2.0 */
#include "nri.h"
#include "num.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int nri_connect(const char *path, int *ret_fd, struct err *e)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(e, -ENAMETOOLONG, "NRI socket '%s': the path is too long", path);
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, -errno, "NRI socket '%s'", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_sys(e, -errno, "connect to NRI socket '%s'", path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int socket_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1 : value;
}

static bool is_connected_unix_stream(int fd)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);

	return socket_option(fd, SO_DOMAIN) == AF_UNIX &&
	       socket_option(fd, SO_TYPE) == SOCK_STREAM &&
	       getpeername(fd, (struct sockaddr *)&addr, &len) == 0;
}

static int set_flags(int fd)
{
	int status = fcntl(fd, F_GETFL);
	int descriptor = fcntl(fd, F_GETFD);

	if (status < 0 || descriptor < 0 || fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, descriptor | FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

int nri_adopt_socket(const char *value, int *ret_fd, struct err *e)
{
	uint64_t n;
	int fd, r;

	if (num_parse_u64(value, strlen(value), INT_MAX, &n) < 0)
		return err_set(e, -EINVAL, "%s='%s': not a descriptor number", NRI_PLUGIN_SOCKET,
			       value);
	fd = (int)n;
	if (fcntl(fd, F_GETFD) < 0)
		return err_sys(e, -errno, "%s='%s'", NRI_PLUGIN_SOCKET, value);
	if (!is_connected_unix_stream(fd))
		return err_set(e, -ENOTSOCK, "%s='%s': not a connected unix stream socket",
			       NRI_PLUGIN_SOCKET, value);
	r = set_flags(fd);
	if (r < 0)
		return err_sys(e, r, "%s='%s'", NRI_PLUGIN_SOCKET, value);
	*ret_fd = fd;
	return 0;
}
