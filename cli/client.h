/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Requests to the daemon over its unix socket: one at a time, with a limit on time and size. What
 * answers is not trusted: it may be anything that listens there.
 */

#include "err.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client {
	const char *socket; /* borrowed */
	uint64_t timeout_ms;
};

/*
 * The codes of a request that failed; the message tells a person what to do.
 * -ECONNREFUSED the daemon cannot be reached (in whatever way),
 * -EPROTO       what it answers cannot be used: garbage, too large, too slow, cut off,
 * -ENOENT       it knows no such pod,
 * -EREMOTEIO    it refused for another reason; the message is its own,
 * -ENOMEM.
 */

/* The largest answer that is taken: some 250 pods with 64 containers each are under 10 MB. */
#define CLIENT_ANSWER_MAX ((size_t)64 * 1024 * 1024)

/* GET, or POST if IS_POST, of PATH with its query. The body is added to OUT. */
MUST_CHECK int client_ask(const struct client *c, bool is_post, const char *path,
			  struct strbuf *out, struct err *e);

/* Called with each line, without its newline; a negative errno ends it and is returned. */
typedef int client_line_fn(void *ctx, const char *line, size_t len, struct err *e);

/* The longest line of a stream that is taken. */
#define CLIENT_LINE_MAX ((size_t)256 * 1024)

/*
 * GET of PATH, whose answer is lines; without limit on their number. FOREVER: without limit on time
 * either, once the daemon was reached. 0 when the daemon
 * ended it well, -ECONNREFUSED when it went while it was to go on forever.
 */
MUST_CHECK int client_follow(const struct client *c, const char *path, bool forever,
			     client_line_fn *fn, void *ctx, struct err *e);
