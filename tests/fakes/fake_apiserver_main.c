/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fake API server as a program, for the demo and for trying things with kubectl:
 *
 *	fake_apiserver --kubeconfig-out FILE [--port N] [--token T] [--no-definition]
 *
 * kubectl sends no token over plain HTTP, so with --token only other clients get in.
 * It prints its URL, writes the kubeconfig, and serves until SIGTERM or SIGINT.
 */

#include "fake_apiserver.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FDS 512
/* How often watches are looked at for bookmarks and timeouts. */
#define TICK_MS 500

static volatile sig_atomic_t want_stop;

static void on_signal(int sig)
{
	(void)sig;
	want_stop = 1;
}

static int write_kubeconfig(const struct fake_api *f, const char *path)
{
	char *text = fake_api_kubeconfig(f);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = text ? strlen(text) : 0;
	int ok = fd >= 0 && text && write(fd, text, len) == (ssize_t)len;

	if (fd >= 0)
		close(fd);
	free(text);
	return ok ? 0 : -1;
}

static void serve(struct fake_api *f)
{
	struct pollfd fds[MAX_FDS];

	while (!want_stop) {
		size_t nr = fake_api_pollfds(f, fds, MAX_FDS);

		(void)poll(fds, nr, TICK_MS);
		while (fake_api_step(f))
			;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"kubeconfig-out", required_argument, NULL, 'k'},
		{"port", required_argument, NULL, 'p'},
		{"token", required_argument, NULL, 't'},
		{"no-definition", no_argument, NULL, 'd'},
		{NULL, 0, NULL, 0},
	};
	const char *kubeconfig = NULL, *token = NULL;
	struct sigaction sa = {.sa_handler = on_signal};
	struct fake_api *f;
	bool has_definition = true;
	long port = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'k')
			kubeconfig = optarg;
		else if (opt == 'p')
			port = strtol(optarg, NULL, 10);
		else if (opt == 't')
			token = optarg;
		else if (opt == 'd')
			has_definition = false;
		else
			return EXIT_FAILURE;
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	f = fake_api_new((uint16_t)port);
	if (!f) {
		perror("fake_apiserver: cannot listen");
		return EXIT_FAILURE;
	}
	fake_api_set_token(f, token);
	fake_api_set_definition(f, has_definition);
	if (kubeconfig && write_kubeconfig(f, kubeconfig) < 0) {
		perror("fake_apiserver: cannot write the kubeconfig");
		fake_api_free(f);
		return EXIT_FAILURE;
	}
	printf("http://127.0.0.1:%u\n", fake_api_port(f));
	fflush(stdout);
	serve(f);
	fake_api_free(f);
	return EXIT_SUCCESS;
}
