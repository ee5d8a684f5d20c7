/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commands of podresctrl. Each writes to the screen's buffer; the caller flushes it. */

#include "args.h"
#include "client.h"
#include "screen.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses; docs/cli.md and podresctrl(1) have them. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	EXIT_BAD_ANSWER = 4,
	EXIT_NO_POD = 5,
};

struct command_context {
	const struct args *args;
	struct client client;
	struct screen screen;
	int fd; /* where the screen goes */
};

/* Each returns an exit status; other than EXIT_OK and EXIT_FAILED after an answer, *E says why. */
enum exit_status command_list(struct command_context *c, struct err *e);
enum exit_status command_show(struct command_context *c, struct err *e);
enum exit_status command_retry(struct command_context *c, struct err *e);
enum exit_status command_capacity(struct command_context *c, struct err *e);
enum exit_status command_events(struct command_context *c, struct err *e);
enum exit_status command_explain(struct command_context *c, struct err *e);
enum exit_status command_completion(struct command_context *c, struct err *e);

/* ---- what they share ---- */

struct json_object;

/* The exit status for what client_ask() and client_follow() return. */
enum exit_status status_of(int code);

/* The answer to GET or POST of PATH, to json_object_put(). */
enum exit_status ask(struct command_context *c, bool is_post, const char *path,
		     struct json_object **ret, struct err *e);

#define POD_NAME_MAX 254

/* Can a pod or a namespace have these LEN bytes for its name? */
bool is_name(const char *name, size_t len);

/*
 * Which pod the operand of the command means: NAMESPACE/POD, POD with --namespace, or a name that
 * only one namespace has. The daemon is asked in the last case alone.
 */
enum exit_status find_pod(struct command_context *c, char ret_namespace[POD_NAME_MAX],
			  char ret_name[POD_NAME_MAX], struct err *e);

/* "2/3" */
void placed_text(struct json_object *pod, char *buf, size_t size);
