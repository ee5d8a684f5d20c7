/* SPDX-License-Identifier: Apache-2.0 */

/* podresctrl: asks the daemon of this node over its unix socket. */

#include "commands.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <unistd.h>

static enum exit_status command_help(struct command_context *c, struct err *e)
{
	(void)e;
	args_help(&c->screen.out);
	return EXIT_OK;
}

static enum exit_status command_version(struct command_context *c, struct err *e)
{
	(void)e;
	screen_add(&c->screen, "podresctrl %s\n", PODRESCTRL_VERSION);
	return EXIT_OK;
}

static enum exit_status (*const runners[])(struct command_context *c, struct err *e) = {
	[COMMAND_LIST] = command_list,
	[COMMAND_SHOW] = command_show,
	[COMMAND_RETRY] = command_retry,
	[COMMAND_CAPACITY] = command_capacity,
	[COMMAND_EVENTS] = command_events,
	[COMMAND_EXPLAIN] = command_explain,
	[COMMAND_COMPLETION] = command_completion,
	[COMMAND_VERSION] = command_version,
	[COMMAND_HELP] = command_help,
};
_Static_assert(ARRAY_LEN(runners) == COMMAND_MAX, "one runner per command");

/* What was not there to be said before: in one line, fit for a terminal. */
static void complain(const struct err *e)
{
	struct screen s;

	screen_init(&s, STDERR_FILENO, "1", NULL);
	screen_add(&s, "podresctrl: ");
	(void)text_add(&s.out, e->msg, 0);
	screen_add(&s, "\n");
	(void)!screen_flush(&s, STDERR_FILENO, NULL);
	screen_done(&s);
}

/* In the daemon's own container its variable is there, too. */
static const char *socket_from_environment(void)
{
	/* The program has one thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	const char *path = getenv("PODRESCTRL_SOCKET");

	/* NOLINTNEXTLINE(concurrency-mt-unsafe) */
	return path && *path ? path : getenv("PODRESCTRL_CONTROL_SOCKET");
}

static enum exit_status run(const struct args *args, struct err *e)
{
	struct command_context c = {
		.args = args,
		.client = {.socket = args->socket, .timeout_ms = args->timeout_ms},
		.fd = STDOUT_FILENO,
	};
	enum exit_status status;

	/* The program has one thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	screen_init(&c.screen, c.fd, getenv("NO_COLOR"), getenv("TERM"));
	status = runners[args->command](&c, e);
	if (screen_flush(&c.screen, c.fd, e) < 0)
		status = EXIT_FAILED;
	screen_done(&c.screen);
	return status;
}

int main(int argc, char **argv)
{
	enum exit_status status;
	struct err e = {0};
	struct args args;

	if (args_parse(argc, argv, socket_from_environment(), &args, &e) < 0) {
		complain(&e);
		(void)err_set(&e, -1, "'podresctrl help' tells what there is");
		complain(&e);
		return EXIT_USAGE;
	}
	if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
		return EXIT_FAILED;
	status = run(&args, &e);
	if (*e.msg)
		complain(&e);
	curl_global_cleanup();
	return (int)status;
}
