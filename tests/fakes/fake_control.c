/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	unlink(path);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(fd, 8) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* False when the other side is gone. */
static int say(int fd, const char *bytes)
{
	size_t len = strlen(bytes), at = 0;

	while (at < len) {
		ssize_t n = send(fd, bytes + at, len - at, MSG_NOSIGNAL);

		if (n <= 0)
			return 0;
		at += (size_t)n;
	}
	return 1;
}

static void read_request(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	buf[0] = '\0';
	while (len + 1 < size && !strstr(buf, "\r\n\r\n")) {
		n = read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			return;
		len += (size_t)n;
		buf[len] = '\0';
	}
}

static void answer(int fd, const struct fake_control_answer *answers, FILE *log)
{
	char request[8192], unused[256];

	read_request(fd, request, sizeof(request));
	fprintf(log, "%.*s\n", (int)strcspn(request, "\r\n"), request);
	fflush(log);
	while (answers->request &&
	       strncmp(request, answers->request, strlen(answers->request)) != 0)
		answers++;
	if (!answers->request || !say(fd, answers->bytes))
		return;
	while (answers->then == FAKE_CONTROL_REPEAT && say(fd, answers->again))
		;
	while (answers->then == FAKE_CONTROL_STALL && read(fd, unused, sizeof(unused)) > 0)
		;
}

pid_t fake_control_start(const char *path, const char *log,
			 const struct fake_control_answer *answers)
{
	int fd = listen_at(path);
	FILE *f = fopen(log, "w");
	pid_t pid = fd >= 0 && f ? fork() : -1;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int c = accept(fd, NULL, NULL);

			if (c < 0)
				_exit(1);
			answer(c, answers, f);
			close(c);
		}
	}
	if (fd >= 0)
		close(fd);
	if (f)
		fclose(f);
	return pid;
}

void fake_control_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

char *fake_control_http(int status, const char *body)
{
	char *bytes = NULL;

	if (asprintf(&bytes,
		     "HTTP/1.1 %d Said\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
		     "\r\n%s",
		     status, strlen(body), body) < 0)
		abort();
	return bytes;
}
