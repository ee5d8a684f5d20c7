/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One line per change of state, as logfmt or JSON. Ids sit under constant keys (pod,
 * container, group); values are quoted and escaped, because pod names and what an API
 * server says are not ours. A line is at most LOG_LINE_MAX bytes. Writing never blocks:
 * when the reader is too slow, lines are dropped and the next one says how many.
 *
 * The same line within LOG_REPEAT_MS is counted instead of written; its next writing
 * says repeated=N.
 */

#include "attr.h"
#include "err.h"

#include <stdint.h>

#define LOG_LINE_MAX  4000
#define LOG_REPEAT_MS 10000

enum log_level {
	LOG_LEVEL_ERROR, /* needs a person */
	LOG_LEVEL_WARN,  /* survived, and says how */
	LOG_LEVEL_INFO,  /* a change of state */
	LOG_LEVEL_DEBUG,
};

enum log_format {
	LOG_FORMAT_LOGFMT,
	LOG_FORMAT_JSON,
};

struct log;

/* FD stays the caller's. NULL without memory. */
struct log *log_new(int fd, enum log_level level, enum log_format format);
void log_free(struct log *log);

void log_set_level(struct log *log, enum log_level level, enum log_format format);

/*
 * From now on write to the syslog socket at PATH (RFC 3164's priority and tag, facility
 * daemon) instead of FD. A syslog that was restarted is found again. -errno when none listens
 * there or PATH is too long; then everything stays as it was.
 */
MUST_CHECK int log_to_syslog(struct log *log, const char *path, struct err *e);

/* Back to FD. */
void log_to_fd(struct log *log);

/*
 * MSG is constant text; then pairs of key and value, ended by NULL. A pair whose value is
 * NULL or "" is left out. LOG may be NULL: nothing is written.
 */
void log_write(struct log *log, enum log_level level, const char *msg, ...)
	__attribute__((sentinel));

/* Counts since log_new(). */
struct log_stats {
	uint64_t lines[LOG_LEVEL_DEBUG + 1]; /* written, by level */
	uint64_t repeated;                   /* counted in place of being written */
	uint64_t dropped;                    /* the reader was too slow, or gone */
};

void log_get_stats(const struct log *log, struct log_stats *ret);

/* V as text in BUF, for the value of a pair. Returns BUF. */
const char *log_uint(char *buf, size_t size, uint64_t v);
