/* SPDX-License-Identifier: Apache-2.0 */

/* Whom the client trusts, against openssl's s_server with certificates made on the spot. */

#include "unit/k8s/loop.h"
#include "unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct loop l;
static char dir[64];
static pid_t server;
static int port, server_out;
static int nr_done, rc;
static char message[512];

static void on_done(void *ctx, const struct k8s_response *r)
{
	(void)ctx;
	nr_done++;
	rc = r->rc;
	snprintf(message, sizeof(message), "%s", r->message ? r->message : "");
}

static const char *at(const char *name)
{
	static char paths[4][128];
	static int i;
	char *path = paths[i++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

/* OUT, unless -1, becomes the child's standard output. */
static pid_t spawn(char *const *argv, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&actions, out, 1);
	r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r == 0 ? pid : -1;
}

static bool run(char *const *argv)
{
	pid_t pid = spawn(argv, -1);
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

#define ARG(s) ((char *)(uintptr_t)(s))

/* A self-signed certificate NAME.pem for SAN, which is its own CA. */
static bool make_cert(const char *name, const char *san)
{
	char key[128], cert[128], ext[128];
	char *argv[] = {ARG("openssl"),
			ARG("req"),
			ARG("-x509"),
			ARG("-newkey"),
			ARG("ec"),
			ARG("-pkeyopt"),
			ARG("ec_paramgen_curve:prime256v1"),
			ARG("-nodes"),
			ARG("-days"),
			ARG("2"),
			ARG("-subj"),
			ARG("/CN=test"),
			ARG("-addext"),
			ext,
			ARG("-keyout"),
			key,
			ARG("-out"),
			cert,
			NULL};

	snprintf(key, sizeof(key), "%s/%s.key", dir, name);
	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name);
	snprintf(ext, sizeof(ext), "subjectAltName=%s", san);
	return run(argv);
}

/* Reads "ACCEPT 127.0.0.1:12345" among the lines of the server's output. */
static int read_port(int fd)
{
	char text[1024] = "", *accept = NULL, *colon;
	size_t len = 0;

	while (len + 1 < sizeof(text) && !(accept && strchr(accept, '\n'))) {
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

		if (n <= 0)
			return -1;
		len += (size_t)n;
		text[len] = '\0';
		accept = strstr(text, "ACCEPT ");
	}
	colon = accept ? strchr(accept, ':') : NULL;
	return colon ? (int)strtol(colon + 1, NULL, 10) : -1;
}

static bool start_server(const char *cert, const char *client_ca)
{
	char pem[128], key[128];
	char *argv[] = {ARG("openssl"),
			ARG("s_server"),
			ARG("-accept"),
			ARG("127.0.0.1:0"),
			ARG("-www"),
			ARG("-cert"),
			pem,
			ARG("-key"),
			key,
			NULL,
			NULL,
			NULL,
			NULL,
			NULL,
			NULL};
	int fds[2];

	snprintf(pem, sizeof(pem), "%s/%s.pem", dir, cert);
	snprintf(key, sizeof(key), "%s/%s.key", dir, cert);
	if (client_ca) {
		argv[9] = ARG("-Verify");
		argv[10] = ARG("1");
		argv[11] = ARG("-verify_return_error");
		argv[12] = ARG("-CAfile");
		argv[13] = ARG(client_ca);
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	server = spawn(argv, fds[1]);
	close(fds[1]);
	port = server > 0 ? read_port(fds[0]) : -1;
	server_out = fds[0]; /* open, or the server would die of writing to it */
	return port > 0;
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/k8s-tls-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	loop_open_server(&l);
	server = -1;
	nr_done = 0;
}

static void teardown(void)
{
	static const char *const names[] = {"ip.pem", "ip.key", "name.pem", "name.key", "ca.pem"};

	loop_close(&l);
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		close(server_out);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(at(names[i]));
	rmdir(dir);
}

static bool ready(const char *test, const char *cert, const char *client_ca)
{
	if (make_cert("ip", "IP:127.0.0.1") && make_cert("name", "DNS:api.local") &&
	    start_server(cert, client_ca))
		return true;
	skip_test(test, "openssl does not make certificates or does not serve");
	return false;
}

static void open_client(const char *cluster, const char *user)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
		 "clusters: [{name: k, cluster: {server: 'https://127.0.0.1:%d', %s}}]\n"
		 "users: [{name: u, user: {%s}}]\n",
		 port, cluster, user);
	loop_open_config(&l, text);
}

static int get(void)
{
	struct k8s_request req = {.path = "/version"};
	int before = nr_done;

	ck_assert_int_eq(k8s_request(l.client, &req, on_done, NULL, NULL, NULL), 0);
	loop_until(&l, nr_done > before);
	return rc;
}

static const char *ca(const char *file, const char *more)
{
	static char text[512];

	snprintf(text, sizeof(text), "certificate-authority: '%s'%s", at(file), more);
	return text;
}

START_TEST(a_server_signed_by_the_named_ca_is_trusted)
{
	if (!ready("a_server_signed_by_the_named_ca_is_trusted", "ip", NULL))
		return;
	open_client(ca("ip.pem", ""), "token: abc");
	ck_assert_msg(get() == 0, "%s", message);
}
END_TEST

START_TEST(a_server_signed_by_another_ca_is_not)
{
	if (!ready("a_server_signed_by_another_ca_is_not", "ip", NULL))
		return;
	open_client(ca("name.pem", ""), "token: abc");
	ck_assert_int_eq(get(), -ECONNREFUSED);
	ck_assert_msg(strstr(message, "certificate"), "%s", message);
}
END_TEST

START_TEST(a_server_of_another_name_is_not_trusted_unless_that_name_is_configured)
{
	if (!ready("a_server_of_another_name...", "name", NULL))
		return;
	open_client(ca("name.pem", ""), "token: abc");
	ck_assert_int_eq(get(), -ECONNREFUSED);
	k8s_client_free(l.client);
	k8s_config_free(l.cfg);
	open_client(ca("name.pem", ", tls-server-name: api.local"), "token: abc");
	ck_assert_msg(get() == 0, "%s", message);
}
END_TEST

START_TEST(verification_can_be_switched_off_by_the_kubeconfig_only)
{
	if (!ready("verification_can_be_switched_off...", "name", NULL))
		return;
	open_client("insecure-skip-tls-verify: true", "token: abc");
	ck_assert_msg(get() == 0, "%s", message);
}
END_TEST

START_TEST(a_replaced_ca_file_is_used_within_a_minute)
{
	if (!ready("a_replaced_ca_file_is_used_within_a_minute", "ip", NULL))
		return;
	ck_assert_int_eq(link(at("name.pem"), at("ca.pem")), 0);
	open_client(ca("ca.pem", ""), "token: abc");
	ck_assert_int_eq(get(), -ECONNREFUSED);
	unlink(at("ca.pem"));
	ck_assert_int_eq(link(at("ip.pem"), at("ca.pem")), 0);
	loop_advance(&l, 61000);
	ck_assert_msg(get() == 0, "%s", message);
	/* And what was trusted is so no longer. */
	unlink(at("ca.pem"));
	ck_assert_int_eq(link(at("name.pem"), at("ca.pem")), 0);
	loop_advance(&l, 61000);
	ck_assert_int_eq(get(), -ECONNREFUSED);
}
END_TEST

START_TEST(a_client_certificate_is_shown)
{
	char user[512];

	if (!ready("a_client_certificate_is_shown", "ip", at("name.pem")))
		return;
	open_client(ca("ip.pem", ""), "");
	ck_assert_int_ne(get(), 0);
	k8s_client_free(l.client);
	k8s_config_free(l.cfg);
	snprintf(user, sizeof(user), "client-certificate: '%s', client-key: '%s'", at("name.pem"),
		 at("name.key"));
	open_client(ca("ip.pem", ""), user);
	ck_assert_msg(get() == 0, "%s", message);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("k8s tls");
	TCase *tc = tcase_create("tls");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_server_signed_by_the_named_ca_is_trusted);
	tcase_add_test(tc, a_server_signed_by_another_ca_is_not);
	tcase_add_test(tc, a_server_of_another_name_is_not_trusted_unless_that_name_is_configured);
	tcase_add_test(tc, verification_can_be_switched_off_by_the_kubeconfig_only);
	tcase_add_test(tc, a_replaced_ca_file_is_used_within_a_minute);
	tcase_add_test(tc, a_client_certificate_is_shown);
	suite_add_tcase(s, tc);
	return s;
}
