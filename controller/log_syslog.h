/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A datagram socket to the local syslog, as RFC 3164 and /dev/log have it: one message a
 * datagram, "<PRIORITY>podresctrld[PID]: TEXT". Sending never blocks.
 */

#include "log.h"

#include <stdbool.h>

struct log_syslog;

/* -ENOENT, -ECONNREFUSED: nobody listens at PATH. -ENAMETOOLONG. -ENOMEM. */
MUST_CHECK int log_syslog_new(const char *path, struct log_syslog **ret, struct err *e);
void log_syslog_free(struct log_syslog *s); /* NULL is fine */

/* LINE without its newline. False when it could not be taken; the next may be again. */
bool log_syslog_send(struct log_syslog *s, enum log_level level, const char *line);
