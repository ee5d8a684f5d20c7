/* SPDX-License-Identifier: Apache-2.0 */

/*
 * podresctrld. Exit status: 0 stopped as asked, 1 could not run (the log says why),
 * 2 the command line is wrong.
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

static enum exit_status run(const struct options *options)
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
	if (daemon_new(options, log, &daemon, &e) < 0) {
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
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct options options;
	struct err e = {0};

	if (options_parse(argc, argv, real_getenv, NULL, &options, &e) < 0) {
		(void)fprintf(stderr, "podresctrld: %s\nTry 'podresctrld --help'.\n", e.msg);
		return EXIT_USAGE;
	}
	if (options.help) {
		print_help();
		return EXIT_STOPPED;
	}
	if (options.version) {
		(void)puts("podresctrld " PODRESCTRL_VERSION);
		return EXIT_STOPPED;
	}
	/*
	 * What a Synchronize is received and decoded in goes back to the system and not into a
	 * heap that the long-lived records keep from shrinking: 3 of 5 MB with 200 pods.
	 */
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 10); /* NOLINT(concurrency-mt-unsafe) */
	/* A peer that went away is an error of that write, not the end of the process. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	return run(&options);
}
