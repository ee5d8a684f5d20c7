/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sockets to listen on: TCP addresses as an operator writes them, and unix sockets. */

#include "err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define HTTP_ADDRESS_TEXT_MAX (INET6_ADDRSTRLEN + 16)

struct http_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len;
	bool any; /* no address was given: all of the machine's, IPv4 and IPv6 */
};

/*
 * "127.0.0.1:9433", "[::1]:9433", ":9433" (every address), port 0: any free one. Names are
 * not looked up. -EINVAL, and the message says what is right.
 */
MUST_CHECK int http_address_parse(const char *text, struct http_address *ret, struct err *e);

/* As http_address_parse() reads it. */
void http_address_format(const struct http_address *address, char *buf, size_t size);

/*
 * Listen at ADDRESS; *ret_actual is the same with the port that was taken. The message of
 * -EADDRINUSE, -EADDRNOTAVAIL and -EACCES says what to do.
 */
MUST_CHECK int http_listen_tcp(const struct http_address *address, int *ret_fd,
			       struct http_address *ret_actual, struct err *e);

/* The socket file, to remove it in the end, unless another took its place. */
struct http_socket_file {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev;
	ino_t ino;
};

/*
 * Listen at PATH, mode 0600; its directory is made if it is missing. A socket on which nobody
 * listens is left from a dead process and replaced. -EADDRINUSE: a live process listens there;
 * its pid is in the message. -EEXIST: something else is in the way, and left alone.
 */
MUST_CHECK int http_listen_unix(const char *path, int *ret_fd, struct http_socket_file *ret_file,
				struct err *e);
void http_socket_file_remove(const struct http_socket_file *file);
