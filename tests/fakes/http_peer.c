/* SPDX-License-Identifier: Apache-2.0 */
#include "http_peer.h"

#include "http_listen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX (4u << 20)
#define TURNS_MAX  20000 /* of at most 1 ms */

uint64_t http_bench_now_ms = 1000000;
static char answer[ANSWER_MAX];

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "http bench: %s\n", what);
	abort();
}

uint64_t http_bench_clock(void)
{
	return http_bench_now_ms;
}

void http_bench_start(struct http_bench *b, const struct http_route *routes,
		      unsigned max_connections)
{
	struct http_server_config config = {
		.routes = routes,
		.max_connections = max_connections,
		.exchange_ms = 15000,
		.now_ms = http_bench_clock,
	};
	struct http_socket_file file;
	struct err e = {0};

	snprintf(b->dir, sizeof(b->dir), "/tmp/http-bench-XXXXXX");
	must(mkdtemp(b->dir) != NULL, "mkdtemp");
	snprintf(b->path, sizeof(b->path), "%s/s", b->dir);
	b->loop = config.loop = ev_loop_new(EVFLAG_NOENV);
	must(b->loop != NULL, "no loop");
	must(http_listen_unix(b->path, &config.listen_fd, &file, &e) == 0, e.msg);
	must(http_server_new(&config, &b->server, &e) == 0, e.msg);
}

void http_bench_stop(struct http_bench *b)
{
	http_server_free(b->server);
	ev_loop_destroy(b->loop);
	unlink(b->path);
	rmdir(b->dir);
}

void http_bench_turn(struct http_bench *b)
{
	for (int i = 0; i < 8; i++)
		ev_run(b->loop, EVRUN_NOWAIT);
}

int http_bench_connect(struct http_bench *b)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", b->path);
	must(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0, "cannot connect");
	http_bench_turn(b);
	return fd;
}

void http_bench_send(struct http_bench *b, int fd, const char *text, size_t len)
{
	for (int i = 0; len && i < TURNS_MAX; i++) {
		ssize_t n = send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN) {
			return; /* the server has closed */
		}
		http_bench_turn(b);
	}
	must(!len, "the server takes nothing");
}

const char *http_bench_read(struct http_bench *b, int fd, const char *text)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t len = 0;

	answer[0] = '\0';
	for (int i = 0; i < TURNS_MAX; i++) {
		ssize_t n = recv(fd, answer + len, sizeof(answer) - 1 - len, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return answer;
		if (n > 0) {
			len += (size_t)n;
			answer[len] = '\0';
			if (text && strstr(answer, text))
				return answer;
			continue;
		}
		http_bench_turn(b);
		(void)poll(&p, 1, 1);
	}
	fprintf(stderr, "http bench: waited in vain for '%s' in: %s\n", text ? text : "the end",
		answer);
	abort();
}

bool http_bench_is_closed(struct http_bench *b, int fd)
{
	char c;

	http_bench_turn(b);
	return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

const char *http_bench_ask(struct http_bench *b, const char *request)
{
	int fd = http_bench_connect(b);
	char head[2048];
	const char *r;
	int n = snprintf(head, sizeof(head),
			 "%s HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n", request);

	must(n > 0 && (size_t)n < sizeof(head), "the request is too long");
	http_bench_send(b, fd, head, (size_t)n);
	r = http_bench_read(b, fd, NULL);
	close(fd);
	return r;
}

const char *http_bench_body(struct http_bench *b, const char *request, int status)
{
	const char *r = http_bench_ask(b, request), *body = strstr(r, "\r\n\r\n");
	char want[32];

	snprintf(want, sizeof(want), "HTTP/1.1 %d ", status);
	if (strncmp(r, want, strlen(want)) != 0 || !body) {
		fprintf(stderr, "http bench: '%s' wanted %d, got: %.400s\n", request, status, r);
		abort();
	}
	return body + 4;
}
