/* SPDX-License-Identifier: Apache-2.0 */

/* One scrape of the daemon's /metrics over its control socket. */

#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define VARIABLE "PODRESCTRL_CONTROL_SOCKET"

static void socket_path(const struct bench *b, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/control.sock", b->dir);
}

void scrape_enable(const struct bench *b, bool is_on)
{
	char path[PATH_MAX];

	socket_path(b, path);
	(void)setenv(VARIABLE, is_on ? path : "off", 1);
}

static int connect_to(const char *path, struct err *e)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, -ENAMETOOLONG, "'%s' is too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err_sys(e, -errno, "connect to '%s'", path);
}

int scrape(const struct bench *b, char answer[SCRAPE_MAX], struct err *e)
{
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n";
	char path[PATH_MAX];
	size_t len = 0;
	ssize_t n = 1;

	socket_path(b, path);
	AUTO_CLOSE int fd = connect_to(path, e);
	if (fd < 0)
		return fd;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return err_sys(e, -errno, "send");
	while (n > 0 && len < SCRAPE_MAX - 1) {
		n = recv(fd, answer + len, SCRAPE_MAX - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	answer[len] = '\0';
	if (n < 0 || len < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0)
		return err_set(e, -EIO, "a scrape was not answered with 200");
	return (int)len;
}

int scraped_number(const char *answer, const char *series, uint64_t *ret, struct err *e)
{
	const char *line = strstr(answer, series);

	if (!line || sscanf(line + strlen(series), " %" SCNu64, ret) != 1)
		return err_set(e, -ENOENT, "no '%s' in /metrics", series);
	return 0;
}
