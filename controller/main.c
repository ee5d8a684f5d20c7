/* SPDX-License-Identifier: Apache-2.0 */

/*
 * podresctrld. Exit status: 0 stopped as asked, 1 could not run (the log says why),
 * 2 the configuration is wrong.
 */

#include "daemon.h"
#include "log.h"
#include "options.h"
#include "strbuf.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum exit_status {
	EXIT_STOPPED = 0,
	EXIT_CANNOT_RUN = 1,
	EXIT_USAGE = 2,
};

static const char *real_getenv(void *ctx, const char *name)
{
	(void)ctx;
	return getenv(name); /* NOLINT(concurrency-mt-unsafe): there is one thread */
}

static void print_help(void)
{
	AUTO_STRBUF struct strbuf text;

	strbuf_init(&text, 64u << 10);
	options_help(&text);
	(void)fputs(strbuf_str(&text), stdout);
}

static void print_config(const struct options *options)
{
	AUTO_STRBUF struct strbuf text;

	strbuf_init(&text, 1u << 20);
	options_print(&text, options);
	(void)fputs(strbuf_str(&text), stdout);
}

/* What is asked for instead of a daemon, if anything. */
static bool answer_instead(const struct options *options)
{
	if (options->help)
		print_help();
	else if (options->version)
		(void)puts("podresctrld " PODRESCTRL_VERSION);
	else if (options->check_config)
		print_config(options);
	return options->help || options->version || options->check_config;
}

static enum exit_status run(const struct options *options, const struct options_input *input)
{
	struct log *log = log_new(STDERR_FILENO, options->log_level, options->log_format);
	struct daemon *daemon = NULL;
	enum exit_status status = EXIT_CANNOT_RUN;
	struct err e = {0};

	if (!log)
		return EXIT_CANNOT_RUN;
	daemon_set_log(options, log);
	log_write(log, LOG_LEVEL_INFO, "starting", "version", PODRESCTRL_VERSION, "node",
		  options->node_name, "resctrl", options->simulated ? "simulated" : "real", NULL);
	if (daemon_new(options, input, log, &daemon, &e) < 0) {
		log_write(log, LOG_LEVEL_ERROR, "cannot run", "err", e.msg, NULL);
	} else {
		if (daemon_run(daemon) == 0)
			status = EXIT_STOPPED;
		daemon_free(daemon);
	}
	log_free(log);
	return status;
}

int main(int argc, char **argv)
{
	const struct options_input input = {
		.argc = argc,
		.argv = argv,
		.getenv_fn = real_getenv,
	};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	enum exit_status status = EXIT_STOPPED;
	struct options options;
	struct err e = {0};

	if (options_parse(&input, &options, &e) < 0) {
		(void)fprintf(stderr, "podresctrld: %s\n", e.msg);
		return EXIT_USAGE;
	}
	if (!answer_instead(&options)) {
		/*
		 * What a Synchronize is received and decoded in goes back to the system and not
		 * into a heap that the long-lived records keep from shrinking: 3 of 5 MB with 200
		 * pods.
		 */
		(void)mallopt(M_MMAP_THRESHOLD, 64 << 10); /* NOLINT(concurrency-mt-unsafe) */
		/* A peer that went away is an error of that write, not the end of the process. */
		(void)sigaction(SIGPIPE, &ignore, NULL);
		status = run(&options, &input);
	}
	options_done(&options);
	return status;
}
