/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What may listen at the control socket, as a process of its own: it answers with bytes, whatever
 * they are, in every way in which a daemon or something else could fail to answer well.
 */

#include <stddef.h>
#include <sys/types.h>

enum fake_control_then {
	FAKE_CONTROL_CLOSE,
	FAKE_CONTROL_STALL,  /* keep the connection, say no more */
	FAKE_CONTROL_REPEAT, /* say .again over and over */
};

struct fake_control_answer {
	const char *request; /* begins the request, "GET /v1/pods"; NULL ends the list */
	const char *bytes;
	const char *again;
	enum fake_control_then then;
};

/*
 * Listens at PATH until it is stopped. ANSWERS are used as they are at this moment. What was asked
 * goes to LOG, a file, one request line each. -1 with errno set.
 */
pid_t fake_control_start(const char *path, const char *log,
			 const struct fake_control_answer *answers);
void fake_control_stop(pid_t pid);

/* A good HTTP answer of STATUS with BODY, as bytes; free() it. */
char *fake_control_http(int status, const char *body);
