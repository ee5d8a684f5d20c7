/* SPDX-License-Identifier: Apache-2.0 */

/* Credential plugins: shell scripts in a folder of the test, run by the real client. */

#include "unit/k8s/loop.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loop l;
static char dir[64], plugin[96], runs[96], extra[96];
static struct {
	int calls, rc, http_status;
	char message[512];
} got;

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* The plugin notes each run and then does this. */
static void set_plugin(const char *script)
{
	char text[2048];

	snprintf(text, sizeof(text), "#!/bin/sh\necho run >>'%s'\n%s\n", runs, script);
	/* Never written over while it may be running. */
	unlink(plugin);
	write_file(plugin, text);
	ck_assert_int_eq(chmod(plugin, 0700), 0);
}

static void set_token(const char *token, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "echo '{\"kind\": \"ExecCredential\", \"apiVersion\": "
		 "\"client.authentication.k8s.io/v1\", \"status\": {\"token\": \"%s\"%s}}'",
		 token, more);
	set_plugin(text);
}

static unsigned nr_runs(void)
{
	FILE *f = fopen(runs, "re");
	unsigned n = 0;
	int c;

	while (f && (c = fgetc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static void on_done(void *ctx, const struct k8s_response *r)
{
	(void)ctx;
	got.calls++;
	got.rc = r->rc;
	got.http_status = r->http_status;
	snprintf(got.message, sizeof(got.message), "%s", r->message ? r->message : "");
}

static struct k8s_call *begin(void)
{
	const struct k8s_request req = {.path = "/api/v1/namespaces/default", .timeout_ms = 60000};
	struct k8s_call *call;

	ck_assert_int_eq(k8s_request(l.client, &req, on_done, NULL, &call, NULL), 0);
	return call;
}

static void get(void)
{
	got.calls = 0;
	begin();
	loop_until(&l, got.calls == 1);
}

static void setup(void)
{
	char text[1024];

	memset(&got, 0, sizeof(got));
	snprintf(dir, sizeof(dir), "/tmp/k8s-exec-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(plugin, sizeof(plugin), "%s/plugin", dir);
	snprintf(runs, sizeof(runs), "%s/runs", dir);
	snprintf(extra, sizeof(extra), "%s/extra", dir);
	loop_open_server(&l);
	fake_api_set_token(l.api, "t-1");
	snprintf(text, sizeof(text),
		 "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
		 "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:%u'}}]\n"
		 "users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1,\n"
		 "  command: '%s', args: [one, 'two words'], provideClusterInfo: true,\n"
		 "  env: [{name: PLUGIN_COLOUR, value: green}], interactiveMode: Never}}}]\n",
		 fake_api_port(l.api), plugin);
	loop_open_config(&l, text);
}

static void teardown(void)
{
	loop_close(&l);
	unlink(plugin);
	unlink(runs);
	unlink(extra);
	ck_assert_int_eq(rmdir(dir), 0);
	/* No child is left behind. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(requests_wait_for_the_plugin_which_runs_once)
{
	set_token("t-1", "");
	begin();
	begin();
	begin();
	ck_assert_int_eq(got.calls, 0);
	loop_until(&l, got.calls == 3);
	ck_assert_int_eq(got.rc, 0);
	get();
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(nr_runs(), 1);
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "Authorization: Bearer t-1\r\n"));
}
END_TEST

START_TEST(the_loop_goes_on_while_the_plugin_thinks)
{
	int turns = 0;

	set_plugin(
		"sleep 0.2; echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t-1\"}}'");
	begin();
	while (got.calls == 0 && turns < 10000) {
		loop_turn(&l);
		turns++;
	}
	ck_assert_int_eq(got.rc, 0);
	ck_assert_int_ge(turns, 20);
}
END_TEST

START_TEST(the_plugin_is_told_what_client_go_tells)
{
	char script[512], text[2048] = "";
	FILE *f;

	snprintf(script, sizeof(script),
		 "{ echo \"$1,$2,$#\"; echo \"$PLUGIN_COLOUR\"; echo \"$KUBERNETES_EXEC_INFO\"; "
		 "echo \"${PATH:+path}\"; } >'%s'\n"
		 "echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t-1\"}}'",
		 extra);
	set_plugin(script);
	get();
	ck_assert_int_eq(got.rc, 0);
	f = fopen(extra, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "one,two words,2\ngreen\n{"));
	ck_assert_ptr_nonnull(strstr(text, "\"kind\":\"ExecCredential\""));
	ck_assert_ptr_nonnull(strstr(text, "\"interactive\":false"));
	ck_assert_ptr_nonnull(strstr(text, "\"server\":\"http:"));
	ck_assert_ptr_nonnull(strstr(text, "\npath\n"));
}
END_TEST

START_TEST(a_credential_is_used_until_it_expires)
{
	/* The loop's wall clock stands at 00:53:20 and a thousand seconds. */
	set_token("t-1", ", \"expirationTimestamp\": \"2025-11-20T02:10:00.5Z\"");
	get();
	loop_advance(&l, 3500000);
	get();
	ck_assert_uint_eq(nr_runs(), 1);
	set_token("t-2", ", \"expirationTimestamp\": \"2027-01-01T00:00:00Z\"");
	fake_api_set_token(l.api, "t-2");
	loop_advance(&l, 200000);
	get();
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(nr_runs(), 2);
	ck_assert_uint_eq(fake_api_nr_requests(l.api, NULL, NULL), 3);
}
END_TEST

START_TEST(a_401_makes_the_plugin_run_again)
{
	set_token("t-1", "");
	get();
	loop_advance(&l, 20000);
	fake_api_set_token(l.api, "t-2");
	set_token("t-2", "");
	get();
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(nr_runs(), 2);
	ck_assert_uint_eq(fake_api_nr_requests(l.api, NULL, NULL), 3);
}
END_TEST

START_TEST(a_credential_that_is_refused_at_once_makes_no_storm)
{
	set_token("secret-wrong", "");
	for (int i = 0; i < 50; i++)
		get();
	ck_assert_int_eq(got.rc, -EPERM);
	ck_assert_uint_eq(nr_runs(), 1);
	ck_assert_ptr_null(strstr(got.message, "secret-wrong"));
	loop_advance(&l, 11000);
	get();
	ck_assert_uint_eq(nr_runs(), 2);
}
END_TEST

static const struct {
	const char *script, *says;
} failures[] = {
	{"echo secret-word; exit 3", "it failed"},
	{"kill -9 $$", "it failed"},
	{"true", "no ExecCredential"},
	{"echo secret-word", "no ExecCredential"},
	{"echo '{\"kind\":\"Secret\"}'", "no ExecCredential"},
	{"echo '{\"kind\":\"ExecCredential\"}'", "no status"},
	{"echo '{\"kind\":\"ExecCredential\",\"status\":[]}'", "no status"},
	{"echo '{\"kind\":\"ExecCredential\",\"status\":{}}'", "neither"},
	{"echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":7}}'", "neither"},
	{"echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"secret-word x\"}}'", "blanks"},
	{"echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t-1\","
	 "\"expirationTimestamp\":\"soon\"}}'",
	 "no time"},
	{"echo '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t-1\","
	 "\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}}'",
	 "expired already"},
	{"echo '{\"kind\":\"ExecCredential\",\"status\":{\"clientCertificateData\":"
	 "\"-----BEGIN X\"}}'",
	 "PEM"},
	{"head -c 300000 /dev/zero | tr '\\0' x", "256 kB"},
};

START_TEST(a_failure_is_told_without_secrets_and_rests_for_ten_seconds)
{
	set_plugin(failures[_i].script);
	get();
	ck_assert_int_eq(got.rc, -EPERM);
	ck_assert_msg(strstr(got.message, failures[_i].says), "%d: %s", _i, got.message);
	ck_assert_ptr_null(strstr(got.message, "secret-word"));
	for (int i = 0; i < 20; i++)
		get();
	ck_assert_int_eq(got.rc, -EPERM);
	ck_assert_uint_eq(nr_runs(), 1);
	set_token("t-1", "");
	loop_advance(&l, 10000);
	get();
	ck_assert_msg(got.rc == 0, "%s", got.message);
	ck_assert_uint_eq(nr_runs(), 2);
}
END_TEST

START_TEST(a_plugin_that_is_not_there_is_named)
{
	get();
	ck_assert_int_eq(got.rc, -EPERM);
	ck_assert_ptr_nonnull(strstr(got.message, "no such program"));
}
END_TEST

START_TEST(a_plugin_that_hangs_is_ended_after_30_s_with_what_it_started)
{
	set_plugin("exec >/dev/null\nsleep 600 & sleep 600");
	begin();
	loop_until(&l, nr_runs() == 1);
	loop_idle(&l);
	ck_assert_int_eq(got.calls, 0);
	loop_advance(&l, 30000);
	loop_until(&l, got.calls == 1);
	ck_assert_int_eq(got.rc, -EPERM);
	ck_assert_ptr_nonnull(strstr(got.message, "did not end within 30 s"));
}
END_TEST

START_TEST(who_waits_may_leave)
{
	struct k8s_call *call;

	set_plugin("sleep 600");
	call = begin();
	begin();
	loop_until(&l, nr_runs() == 1);
	k8s_call_cancel(call);
	loop_advance(&l, 30000);
	loop_until(&l, got.calls == 1);
	begin();
	k8s_client_free(l.client);
	l.client = NULL;
	ck_assert_int_eq(got.calls, 1);
}
END_TEST

START_TEST(the_client_may_go_while_the_plugin_runs)
{
	set_plugin("sleep 600");
	begin();
	loop_until(&l, nr_runs() == 1);
	k8s_client_free(l.client);
	l.client = NULL;
	ck_assert_int_eq(got.calls, 0);
}
END_TEST

static unsigned synced, downs;

static void on_synced(void *ctx)
{
	(void)ctx;
	synced++;
}

static void on_state(void *ctx, const struct k8s_watch_state *state)
{
	(void)ctx;
	downs += !state->connected;
}

START_TEST(a_watch_waits_as_well_and_survives_a_failing_plugin)
{
	static const struct k8s_watch_ops ops = {.on_synced = on_synced, .on_state = on_state};
	const struct k8s_watch_spec spec = {.path = "/api/v1/pods"};
	struct k8s_watch *w;

	synced = downs = 0;
	set_plugin("exit 1");
	ck_assert_int_eq(k8s_watch_new(l.client, &spec, &ops, NULL, &w, NULL), 0);
	loop_until(&l, downs == 1);
	set_token("t-1", "");
	for (int i = 0; i < 60 && !synced; i++) {
		loop_advance(&l, 1000);
		loop_idle(&l);
	}
	ck_assert_uint_eq(synced, 1);
	ck_assert_uint_eq(nr_runs(), 2);
	k8s_watch_free(w);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("k8s credential plugins");
	TCase *t = tcase_create("exec");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, requests_wait_for_the_plugin_which_runs_once);
	tcase_add_test(t, the_loop_goes_on_while_the_plugin_thinks);
	tcase_add_test(t, the_plugin_is_told_what_client_go_tells);
	tcase_add_test(t, a_credential_is_used_until_it_expires);
	tcase_add_test(t, a_401_makes_the_plugin_run_again);
	tcase_add_test(t, a_credential_that_is_refused_at_once_makes_no_storm);
	tcase_add_loop_test(t, a_failure_is_told_without_secrets_and_rests_for_ten_seconds, 0,
			    ARRAY_LEN(failures));
	tcase_add_test(t, a_plugin_that_is_not_there_is_named);
	tcase_add_test(t, a_plugin_that_hangs_is_ended_after_30_s_with_what_it_started);
	tcase_add_test(t, who_waits_may_leave);
	tcase_add_test(t, the_client_may_go_while_the_plugin_runs);
	tcase_add_test(t, a_watch_waits_as_well_and_survives_a_failing_plugin);
	suite_add_tcase(s, t);
	return s;
}
