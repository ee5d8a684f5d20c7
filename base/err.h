/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One error idiom for the whole project: a function that can fail returns 0 or a
 * negative errno, and says why in the `struct err` its caller passed last. The
 * struct lives on the caller's stack, may be NULL, owns nothing, and filling it
 * cannot fail. Outputs of a failed function are untouched.
 */

#include "attr.h"

#define ERR_MSG_MAX 512

struct err {
	int code;              /* negative errno, the same value that was returned */
	char msg[ERR_MSG_MAX]; /* for people; always NUL-terminated, cut when too long */
};

/* Record CODE and a message; returns CODE, so that `return err_set(...)` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Like err_set(), and appends what CODE means: "...: No such file or directory (ENOENT)". */
int err_sys(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put context in front of an error that is already recorded: "context: message". */
void err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The symbolic name of a (negative or positive) errno, "ENOSPC"; "E?" when unknown. */
const char *err_name(int code);
