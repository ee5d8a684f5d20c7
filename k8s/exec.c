/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Credential plugins: a program that prints an ExecCredential. It runs beside the event
 * loop, which hears of its end through a pidfd; requests that need a credential wait in a
 * list meanwhile. A plugin that fails is left in peace for a while, and one whose
 * credential the server refuses is not run again at once, so that neither can be made to
 * spin.
 */

#include "client_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS    30000
#define REST_MS       10000 /* after a failure, and between two runs for a 401 */
#define OUTPUT_MAX    (256UL * 1024)
#define EXPIRES_EARLY 10 /* seconds: a request must still arrive with it */

static bool is_running(const struct k8s_exec *x)
{
	return x->pid != 0;
}

/* ---- running it ---- */

static bool give_up(struct k8s_client *c, const char *why)
{
	struct k8s_exec *x = &c->exec;

	(void)snprintf(x->why, sizeof(x->why), "credential plugin: %s", why);
	x->rest_until_ms = k8s_now(c) + REST_MS;
	return false;
}

/* Ours and the kubeconfig's; the strings are borrowed. */
static char **plugin_environment(const struct k8s_exec_config *config)
{
	size_t n = 0, extra = 0;
	char **env;

	while (environ && environ[n])
		n++;
	while (config->env[extra])
		extra++;
	env = calloc(n + extra + 2, sizeof(*env));
	if (!env)
		return NULL;
	/* Of two values of a name most programs take the first. */
	memcpy(env, config->env, extra * sizeof(*env));
	env[extra] = config->info;
	if (n)
		memcpy(env + extra + 1, environ, n * sizeof(*env));
	return env;
}

static int spawn(struct k8s_exec *x, const struct k8s_exec_config *config, int out_fd)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	char **env = plugin_environment(config);
	int r;

	if (!env)
		return -ENOMEM;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&files, out_fd, 1);
	(void)posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	/* A group of its own, so that all it started can be ended with it. */
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	r = posix_spawnp(&x->pid, config->argv[0], &files, &attr, config->argv, env);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attr);
	free(env);
	if (r)
		x->pid = 0;
	return -r;
}

/* Ends it, without asking, and everything it started. */
static void end_plugin(struct k8s_exec *x)
{
	(void)kill(-x->pid, SIGKILL);
	(void)kill(x->pid, SIGKILL);
	while (waitpid(x->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	x->pid = 0;
}

static void close_output(struct k8s_client *c)
{
	struct k8s_exec *x = &c->exec;

	if (x->out_fd < 0)
		return;
	c->ops->watch_fd(c->ops_ctx, x->out_fd, 0);
	(void)close(x->out_fd);
	x->out_fd = -1;
}

static void stop_listening(struct k8s_client *c)
{
	struct k8s_exec *x = &c->exec;

	if (x->pid_fd >= 0) {
		c->ops->watch_fd(c->ops_ctx, x->pid_fd, 0);
		(void)close(x->pid_fd);
	}
	close_output(c);
	x->pid_fd = -1;
	if (x->out.data)
		explicit_bzero(x->out.data, x->out.len);
	strbuf_done(&x->out);
	strbuf_init(&x->out, OUTPUT_MAX);
}

static bool start(struct k8s_client *c)
{
	struct k8s_exec *x = &c->exec;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return give_up(c, "no pipe");
	r = spawn(x, c->cfg->exec, fds[1]);
	(void)close(fds[1]);
	x->out_fd = fds[0];
	if (r < 0) {
		stop_listening(c);
		return give_up(c, r == -ENOENT ? "no such program" : "it cannot be started");
	}
	(void)fcntl(x->out_fd, F_SETFL, O_NONBLOCK);
	x->pid_fd = (int)syscall(SYS_pidfd_open, x->pid, 0);
	if (x->pid_fd < 0) {
		end_plugin(x);
		stop_listening(c);
		return give_up(c, "no pidfd: the kernel is older than 5.3");
	}
	x->deadline_ms = k8s_now(c) + TIMEOUT_MS;
	c->ops->watch_fd(c->ops_ctx, x->pid_fd, K8S_READ);
	c->ops->watch_fd(c->ops_ctx, x->out_fd, K8S_READ);
	return true;
}

/* ---- what it said ---- */

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

/* The lifetime that the timestamp leaves; false when it is no time. */
static bool lifetime(const struct k8s_client *c, const char *timestamp, uint64_t *ret)
{
	struct tm tm = {0};
	int64_t left_s;
	const char *rest;

	*ret = K8S_NEVER;
	if (!timestamp)
		return true;
	rest = strptime(timestamp, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!rest || (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0))
		return false;
	if (!c->ops->wall_s)
		return true;
	left_s = (int64_t)timegm(&tm) - c->ops->wall_s(c->ops_ctx) - EXPIRES_EARLY;
	*ret = left_s > 0 ? (uint64_t)left_s * 1000 : 0;
	return true;
}

static bool take_pem(struct k8s_blob *dest, const char *text)
{
	struct k8s_blob b = {.data = strdup(text), .len = strlen(text)};

	if (!k8s_is_pem(&b)) {
		k8s_blob_wipe(&b);
		return false;
	}
	k8s_blob_wipe(dest);
	*dest = b;
	return true;
}

static bool take_certificate(struct k8s_auth *a, const char *cert, const char *key)
{
	if (!cert && !key)
		return true;
	return cert && key && take_pem(&a->cert, cert) && take_pem(&a->key, key);
}

static bool take_status(struct k8s_client *c, struct json_object *status)
{
	const char *token = text_of(status, "token");
	const char *cert = text_of(status, "clientCertificateData");
	struct k8s_auth *a = &c->auth;
	uint64_t left_ms;
	char *copy = NULL;

	if (!lifetime(c, text_of(status, "expirationTimestamp"), &left_ms))
		return give_up(c, "its expirationTimestamp is no time in UTC");
	if (!left_ms)
		return give_up(c, "its credential has expired already");
	if (!token && !cert)
		return give_up(c, "it gave neither a token nor a certificate");
	if (token && !k8s_is_token(token))
		return give_up(c, "its token has blanks or unprintable bytes inside");
	if (!take_certificate(a, cert, text_of(status, "clientKeyData")))
		return give_up(c, "its certificate and key are not two PEM texts");
	if (token)
		copy = strdup(token);
	if (token && !copy)
		return give_up(c, "out of memory");
	k8s_wipe_str(&a->token);
	a->token = copy;
	c->exec.expires_ms = left_ms == K8S_NEVER ? K8S_NEVER : k8s_now(c) + left_ms;
	return true;
}

static bool take_output(struct k8s_client *c)
{
	struct json_object *root = NULL, *status = NULL;
	const char *kind;
	bool good = false;

	if (c->exec.out.error)
		return give_up(c, "it said more than 256 kB");
	root = json_tokener_parse(strbuf_str(&c->exec.out));
	kind = text_of(root, "kind");
	if (!kind || strcmp(kind, "ExecCredential") != 0)
		(void)give_up(c, "what it said is no ExecCredential");
	else if (!json_object_object_get_ex(root, "status", &status) ||
		 !json_object_is_type(status, json_type_object))
		(void)give_up(c, "its ExecCredential has no status");
	else
		good = take_status(c, status);
	json_object_put(root);
	return good;
}

/* ---- the end of a run ---- */

/* Everybody who waited goes on, or hears why not. */
static void release(struct k8s_client *c)
{
	struct k8s_exec *x = &c->exec;
	struct list waiting;

	if (list_empty(&x->parked))
		return;
	/* A callback may ask for something new, which waits for the next time. */
	waiting = x->parked;
	waiting.next->prev = waiting.prev->next = &waiting;
	list_init(&x->parked);
	while (!list_empty(&waiting) && !c->is_dying) {
		struct k8s_transfer *t = list_entry(waiting.next, struct k8s_transfer, parked);

		list_del(&t->parked);
		t->is_parked = false;
		if (x->has_credential && k8s_transfer_go(t) == 0)
			continue;
		(void)snprintf(t->errbuf, sizeof(t->errbuf), "%s",
			       x->has_credential ? "out of memory" : x->why);
		t->ops->on_done(t, x->has_credential ? CURLE_OUT_OF_MEMORY : CURLE_LOGIN_DENIED);
	}
}

static void drain(struct k8s_client *c)
{
	struct k8s_exec *x = &c->exec;
	char buf[4096];
	ssize_t n = -1;

	while (x->out_fd >= 0 && (n = read(x->out_fd, buf, sizeof(buf))) > 0)
		(void)strbuf_add(&x->out, buf, (size_t)n);
	/* It has closed its output, which from now on would always be ready. */
	if (n == 0)
		close_output(c);
	explicit_bzero(buf, sizeof(buf));
}

static void plugin_ended(struct k8s_client *c)
{
	struct k8s_exec *x = &c->exec;
	int status = 0;
	pid_t r = waitpid(x->pid, &status, WNOHANG);

	if (r == 0)
		return;
	/* Somebody else in this process may collect children; then what it said has to do. */
	if (r < 0)
		status = 0;
	drain(c);
	x->pid = 0;
	x->ended_ms = k8s_now(c);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		x->has_credential = give_up(c, "it failed");
	else
		x->has_credential = take_output(c);
	stop_listening(c);
	release(c);
}

void k8s_exec_run(struct k8s_client *c, uint64_t now)
{
	struct k8s_exec *x = &c->exec;

	if (is_running(x) && now >= x->deadline_ms) {
		end_plugin(x);
		stop_listening(c);
		x->ended_ms = now;
		(void)give_up(c, "it did not end within 30 s");
	} else if (is_running(x)) {
		drain(c);
		plugin_ended(c);
		return;
	}
	if (list_empty(&x->parked))
		return;
	if (now < x->rest_until_ms || !start(c))
		release(c);
}

uint64_t k8s_exec_due(const struct k8s_client *c)
{
	if (is_running(&c->exec))
		return c->exec.deadline_ms;
	return list_empty(&c->exec.parked) ? K8S_NEVER : k8s_now(c);
}

/* ---- for the rest of the client ---- */

void k8s_exec_init(struct k8s_client *c)
{
	c->exec.pid_fd = c->exec.out_fd = -1;
	list_init(&c->exec.parked);
	strbuf_init(&c->exec.out, OUTPUT_MAX);
}

void k8s_exec_done(struct k8s_client *c)
{
	if (is_running(&c->exec))
		end_plugin(&c->exec);
	stop_listening(c);
	strbuf_done(&c->exec.out);
}

bool k8s_exec_is_ready(const struct k8s_client *c)
{
	return !c->cfg->exec || (c->exec.has_credential && k8s_now(c) < c->exec.expires_ms);
}

bool k8s_exec_renew(struct k8s_client *c, const char *used)
{
	struct k8s_exec *x = &c->exec;
	const char *now = c->auth.token;

	if (x->has_credential && now && used && strcmp(now, used) != 0)
		return true; /* it has been renewed since */
	if (x->has_credential && k8s_now(c) - x->ended_ms < REST_MS)
		return false;
	x->has_credential = false;
	return true;
}

void k8s_exec_park(struct k8s_client *c, struct k8s_transfer *t)
{
	c->exec.has_credential = false; /* or it has expired */
	t->is_parked = true;
	list_append(&c->exec.parked, &t->parked);
}

bool k8s_exec_owns_fd(const struct k8s_client *c, int fd)
{
	return is_running(&c->exec) && (fd == c->exec.pid_fd || fd == c->exec.out_fd);
}
