/* SPDX-License-Identifier: Apache-2.0 */
#include "log_syslog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FACILITY_DAEMON (3 << 3)
#define DATAGRAM_MAX    (LOG_LINE_MAX + 64)

struct log_syslog {
	struct sockaddr_un address;
	int fd;
};

/* A datagram socket can be connected again and again. */
static int reach(const struct log_syslog *s)
{
	const struct sockaddr *address = (const struct sockaddr *)&s->address;

	return connect(s->fd, address, sizeof(s->address)) < 0 ? -errno : 0;
}

int log_syslog_new(const char *path, struct log_syslog **ret, struct err *e)
{
	struct log_syslog *s;
	int r;

	if (strlen(path) >= sizeof(s->address.sun_path))
		return err_set(e, -ENAMETOOLONG, "syslog socket '%.100s': path too long", path);
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, -ENOMEM, "syslog: out of memory");
	s->address.sun_family = AF_UNIX;
	memcpy(s->address.sun_path, path, strlen(path) + 1);
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = s->fd < 0 ? -errno : reach(s);
	if (r < 0) {
		log_syslog_free(s);
		return err_sys(e, r, "connect to syslog socket '%s'", path);
	}
	*ret = s;
	return 0;
}

void log_syslog_free(struct log_syslog *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s);
}

static int priority(enum log_level level)
{
	static const int severities[] = {
		[LOG_LEVEL_ERROR] = 3,
		[LOG_LEVEL_WARN] = 4,
		[LOG_LEVEL_INFO] = 6,
		[LOG_LEVEL_DEBUG] = 7,
	};

	return FACILITY_DAEMON | severities[level];
}

static bool send_text(const struct log_syslog *s, const char *text, size_t len)
{
	return send(s->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

bool log_syslog_send(struct log_syslog *s, enum log_level level, const char *line)
{
	char text[DATAGRAM_MAX];
	int len = snprintf(text, sizeof(text), "<%d>podresctrld[%d]: %.*s", priority(level),
			   (int)getpid(), (int)strcspn(line, "\n"), line);

	if (len < 0)
		return false;
	if ((size_t)len >= sizeof(text))
		len = (int)sizeof(text) - 1;
	if (send_text(s, text, (size_t)len))
		return true;
	/* A full queue passes; anything else may be a syslog that was started anew. */
	return errno != EAGAIN && reach(s) == 0 && send_text(s, text, (size_t)len);
}
