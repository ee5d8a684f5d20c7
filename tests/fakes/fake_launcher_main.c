/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A runtime that launches its plugin, as containerd does with what it finds in its plugin
 * folder: one connected socket as descriptor 3, three variables and nothing else in the
 * environment, standard descriptors that lead nowhere. It plays one pod with one container to
 * it, and is the node's syslog. What happens is told on standard output, a line each:
 *
 *	synchronized, or: refused: WHY
 *	answered EVENT                for each event
 *	log: TEXT                     what came to the syslog socket, DIR/log
 *	exit STATUS                   after the connection was closed, at the end of the input
 */

#include "fake_node.h"
#include "fake_runtime.h"
#include "strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PLUGIN_FD   3
#define POD_UID     "00000001-0000-4000-8000-000000000001"
#define POD_CGROUP  "/kubepods/pod" POD_UID
#define CONTAINER   "c0ffee0000000000000000000000000000000000000000000000000000000001"
#define CONFIG_MAX  (64u << 10)
#define EXIT_TRIES  200
#define EXIT_NAP_MS 50

struct launcher {
	const char *program, *plugin, *state_dir, *config_file;
	bool is_before_0_7;
	struct fake_runtime *fr;
	struct fake_node *node;
	int log_fd;
	uint32_t pid; /* of the container's process */
	pid_t child;
};

static void say(const char *what, const char *text)
{
	(void)printf("%s%s\n", what, text);
	(void)fflush(stdout);
}

/* ---- the syslog ---- */

static int open_log(struct launcher *l)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	l->log_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/log", l->state_dir);
	(void)unlink(address.sun_path);
	return bind(l->log_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

static void read_log(void *ctx)
{
	const struct launcher *l = ctx;
	char text[8192];
	ssize_t n;

	while ((n = recv(l->log_fd, text, sizeof(text) - 1, 0)) > 0) {
		text[n] = '\0';
		say("log: ", text);
	}
}

/* ---- the plugin ---- */

static _Noreturn void become_plugin(const struct launcher *l, int fd)
{
	static char socket[] = NRI_PLUGIN_SOCKET "=3";
	char name[300], index[300];
	char *environment[] = {socket, name, index, NULL};
	char arg0[300];
	char *arguments[] = {arg0, NULL};
	int nowhere = open("/dev/null", O_RDWR);

	(void)snprintf(arg0, sizeof(arg0), "%s", l->plugin);
	(void)snprintf(name, sizeof(name), "NRI_PLUGIN_NAME=%s", l->plugin + 3);
	(void)snprintf(index, sizeof(index), "NRI_PLUGIN_IDX=%.2s", l->plugin);
	for (int i = 0; i < PLUGIN_FD; i++)
		(void)dup2(nowhere, i);
	if (fd == PLUGIN_FD)
		(void)fcntl(fd, F_SETFD, 0);
	else
		(void)dup2(fd, PLUGIN_FD);
	(void)execve(l->program, arguments, environment);
	_exit(127);
}

static int launch(struct launcher *l, struct err *e)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_sys(e, -errno, "socketpair");
	l->child = fork();
	if (l->child == 0)
		become_plugin(l, fds[1]);
	(void)close(fds[1]);
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fake_runtime_adopt(l->fr, fds[0]);
	return l->child < 0 ? err_sys(e, -errno, "fork") : 0;
}

static void await_exit(struct launcher *l)
{
	char text[32];
	int status = 0;

	for (int i = 0; i < EXIT_TRIES && waitpid(l->child, &status, WNOHANG) == 0; i++) {
		read_log(l);
		(void)poll(NULL, 0, EXIT_NAP_MS);
	}
	if (kill(l->child, 0) == 0) {
		(void)kill(l->child, SIGKILL);
		(void)waitpid(l->child, &status, 0);
	}
	read_log(l);
	(void)snprintf(text, sizeof(text), "%d",
		       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	say("exit ", text);
}

/* ---- the pod ---- */

static void tell(struct launcher *l, enum nri_event event)
{
	const struct nri_pod pod = {.id = "sandbox1",
				    .name = "web",
				    .uid = POD_UID,
				    .namespace_ = "shop",
				    .cgroup_parent = POD_CGROUP};
	const struct nri_container container = {.id = CONTAINER,
						.pod_sandbox_id = "sandbox1",
						.name = "app",
						.cgroups_path = POD_CGROUP "/" CONTAINER,
						.state = NRI_CONTAINER_CREATED,
						.pid = l->pid};
	struct fake_runtime_result result;
	struct err e = {0};
	int r = fake_runtime_event(l->fr, event, &pod,
				   nri_event_is_container(event) ? &container : NULL, &result, &e);

	if (r == 0 && result.was_sent && result.code == 0)
		say("answered ", nri_event_name(event));
	else
		say("not answered: ", e.msg);
}

static void play(struct launcher *l)
{
	/* There the pod is one from before the plugin, which it is never told of. */
	if (!l->is_before_0_7)
		tell(l, NRI_RUN_POD_SANDBOX);
	tell(l, NRI_START_CONTAINER);
	tell(l, NRI_POST_START_CONTAINER);
	for (;;) {
		struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN},
				     {.fd = l->log_fd, .events = POLLIN}};
		char unused[64];

		if (poll(p, ARRAY_LEN(p), -1) < 0)
			break;
		read_log(l);
		if (p[0].revents && read(STDIN_FILENO, unused, sizeof(unused)) <= 0)
			break;
	}
}

static int read_config(const char *path, char *text, size_t size, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		return err_sys(e, -errno, "read '%s'", path);
	text[n] = '\0';
	return 0;
}

static int run(struct launcher *l, struct err *e)
{
	static char config[CONFIG_MAX];
	struct fake_runtime_options options = {.config = config,
					       .is_before_0_7 = l->is_before_0_7,
					       .style = l->is_before_0_7 ? FAKE_RUNTIME_STATE_CHANGE
									 : FAKE_RUNTIME_RPC,
					       .pump = read_log,
					       .pump_ctx = l};
	int r = l->config_file ? read_config(l->config_file, config, sizeof(config), e) : 0;

	if (r == 0)
		r = open_log(l);
	if (r == 0)
		r = fake_node_new(l->state_dir, &l->node, e);
	if (r == 0)
		r = fake_node_add_cgroup(l->node, POD_CGROUP "/" CONTAINER, e);
	if (r == 0)
		r = fake_node_add_process(l->node, POD_CGROUP "/" CONTAINER, 3, &l->pid, e);
	if (r == 0)
		r = fake_runtime_new(NULL, &options, &l->fr, e);
	if (r == 0)
		r = launch(l, e);
	if (r < 0)
		return r;
	if (fake_runtime_handshake(l->fr, NULL, 0, NULL, 0, e) == 0) {
		say("synchronized", "");
		play(l);
	} else {
		say("refused: ", e->msg);
	}
	fake_runtime_disconnect(l->fr);
	await_exit(l);
	return 0;
}

static int parse(struct launcher *l, int argc, char **argv)
{
	static const struct option options[] = {
		{"program", required_argument, NULL, 'p'},
		{"plugin", required_argument, NULL, 'n'},
		{"state-dir", required_argument, NULL, 'd'},
		{"config", required_argument, NULL, 'c'},
		{"before-0.7", no_argument, NULL, 'o'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			l->program = optarg;
		else if (c == 'n')
			l->plugin = optarg;
		else if (c == 'd')
			l->state_dir = optarg;
		else if (c == 'c')
			l->config_file = optarg;
		else if (c == 'o')
			l->is_before_0_7 = true;
		else
			return -EINVAL;
	}
	return l->program && l->plugin && strlen(l->plugin) > 3 && l->state_dir ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct launcher l = {.log_fd = -1};
	struct err e = {0};
	int r;

	if (parse(&l, argc, argv) < 0) {
		(void)fputs("usage: fake_launcher --program PATH --plugin NN-NAME --state-dir DIR "
			    "[--config FILE] [--before-0.7]\n",
			    stderr);
		return EXIT_FAILURE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	r = run(&l, &e);
	if (r < 0)
		(void)fprintf(stderr, "fake_launcher: %s\n", e.msg);
	fake_runtime_free(l.fr);
	fake_node_free(l.node);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
