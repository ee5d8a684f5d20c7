/* SPDX-License-Identifier: Apache-2.0 */
#include "config_priv.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char dir[64];

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/k8s-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char cmd[8][256];
	static const char *const names[] = {"token", "ca.crt", "namespace", "config", "extra"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(cmd[0], sizeof(cmd[0]), "%s/%s", dir, names[i]);
		unlink(cmd[0]);
		snprintf(cmd[0], sizeof(cmd[0]),
			 "%s/var/run/secrets/kubernetes.io/serviceaccount/%s", dir, names[i]);
		unlink(cmd[0]);
	}
	snprintf(cmd[0], sizeof(cmd[0]), "%s/var/run/secrets/kubernetes.io/serviceaccount", dir);
	snprintf(cmd[1], sizeof(cmd[1]), "%s/var/run/secrets/kubernetes.io", dir);
	snprintf(cmd[2], sizeof(cmd[2]), "%s/var/run/secrets", dir);
	snprintf(cmd[3], sizeof(cmd[3]), "%s/var/run", dir);
	snprintf(cmd[4], sizeof(cmd[4]), "%s/var", dir);
	for (int i = 0; i < 5; i++)
		rmdir(cmd[i]);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static const char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* A kubeconfig around the fields of one cluster and one user. */
static int parse(const char *cluster, const char *user, struct k8s_config **ret, struct err *e)
{
	char text[4096], path[256];
	int n = snprintf(text, sizeof(text),
			 "apiVersion: v1\nkind: Config\ncurrent-context: c\npreferences: {}\n"
			 "contexts:\n- name: c\n  context: {cluster: k, user: u, namespace: shop}\n"
			 "clusters:\n- name: k\n  cluster: {%s}\n"
			 "users:\n- name: other\n  user: {}\n- name: u\n  user: {%s}\n",
			 cluster, user);

	snprintf(path, sizeof(path), "%s/config", dir);
	return k8s_config_parse(text, (size_t)n, path, NULL, ret, e);
}

/* "-----BEGIN CERTIFICATE-----\nx\n" and "-----BEGIN KEY-----\n" in base64 */
#define CERT_B64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCngK"
#define KEY_B64  "LS0tLS1CRUdJTiBLRVktLS0tLQo="

START_TEST(a_whole_kubeconfig_is_understood)
{
	struct k8s_config *cfg = NULL;
	struct err e;

	ck_assert_msg(parse("server: 'https://h.example:6443/k8s/c-1/', unknown: [1, {a: b}], "
			    "tls-server-name: api.local, certificate-authority-data: " CERT_B64,
			    "token: abc.def, client-certificate-data: " CERT_B64
			    ", client-key-data: " KEY_B64,
			    &cfg, &e) == 0,
		      "%s", e.msg);
	ck_assert_str_eq(k8s_config_server(cfg), "https://h.example:6443/k8s/c-1");
	ck_assert_str_eq(k8s_config_namespace(cfg), "shop");
	ck_assert_str_eq(cfg->tls_server_name, "api.local");
	ck_assert_str_eq(cfg->token, "abc.def");
	ck_assert_str_eq(cfg->ca.data, "-----BEGIN CERTIFICATE-----\nx\n");
	ck_assert_str_eq(cfg->key.data, "-----BEGIN KEY-----\n");
	ck_assert_str_eq(cfg->user_agent, "podresctrld/" PODRESCTRL_VERSION);
	ck_assert(!cfg->insecure && !cfg->is_http && !cfg->no_proxy);
	k8s_config_free(cfg);
}
END_TEST

static const struct {
	const char *url, *server, *host;
	bool is_http;
} urls[] = {
	{"https://10.0.0.1", "https://10.0.0.1:443", "10.0.0.1", false},
	{"https://[fd00::1]:6443", "https://[fd00::1]:6443", "fd00::1", false},
	{"h.example:6443", "https://h.example:6443", "h.example", false},
	{"http://127.0.0.1:8080/", "http://127.0.0.1:8080", "127.0.0.1", true},
	{"http://localhost:8080", "http://localhost:8080", "localhost", true},
	{"http://[::1]:8080", "http://[::1]:8080", "::1", true},
};

START_TEST(servers_are_normalised)
{
	struct k8s_config *cfg = NULL;
	char cluster[256];
	struct err e;

	snprintf(cluster, sizeof(cluster), "server: '%s'", urls[_i].url);
	ck_assert_msg(parse(cluster, "", &cfg, &e) == 0, "%s: %s", urls[_i].url, e.msg);
	ck_assert_str_eq(cfg->server, urls[_i].server);
	ck_assert_str_eq(cfg->host, urls[_i].host);
	ck_assert(cfg->is_http == urls[_i].is_http);
	k8s_config_free(cfg);
}
END_TEST

#define OK_SERVER "server: 'https://h'"
#define EXEC_V1   "apiVersion: client.authentication.k8s.io/v1"

static const struct {
	const char *cluster, *user;
	int code;
	const char *says;
} wrong[] = {
	{"", "token: t", -EINVAL, "no 'server'"},
	{"server: 'http://10.0.0.1'", "", -EINVAL, "use https"},
	{"server: 'ftp://h'", "", -EINVAL, "use https"},
	{"server: 'https://'", "", -EINVAL, "not a URL"},
	{"server: 'https://h/a b'", "", -EINVAL, "not a URL"},
	{"server: 'https://user:secret@h'", "", -EINVAL, "user name"},
	{"server: 'https://h?secret=1'", "", -EINVAL, "query"},
	{"server: [secret]", "", -EINVAL, "'server' must be a string"},
	{OK_SERVER ", certificate-authority-data: 'secret!'", "", -EINVAL, "not base64"},
	{OK_SERVER ", certificate-authority-data: c2VjcmV0", "", -EINVAL, "no PEM"},
	{OK_SERVER ", certificate-authority: nowhere.pem", "", -ENOENT, "certificate-authority"},
	{OK_SERVER ", insecure-skip-tls-verify: maybe", "", -EINVAL, "true or false"},
	{OK_SERVER ", insecure-skip-tls-verify: true, certificate-authority-data: " CERT_B64, "",
	 -EINVAL, "remove one"},
	{OK_SERVER, "token: 'two secret words'", -EINVAL, "'token' has blanks"},
	{OK_SERVER, "token: \"secret\\r\\nX-Evil: 1\"", -EINVAL, "'token' has blanks"},
	{OK_SERVER, "tokenFile: nowhere", -ENOENT, "tokenFile"},
	{OK_SERVER, "client-certificate-data: " CERT_B64, -EINVAL, "go together"},
	{OK_SERVER, "client-key-data: " KEY_B64, -EINVAL, "go together"},
	{OK_SERVER, "exec: {command: secret}", -EINVAL, "'apiVersion' must be"},
	{OK_SERVER, "exec: {command: secret, apiVersion: client.authentication.k8s.io/v1alpha1}",
	 -EINVAL, "'apiVersion' must be"},
	{OK_SERVER, "exec: secret", -EINVAL, "no 'command'"},
	{OK_SERVER, "exec: {" EXEC_V1 "}", -EINVAL, "no 'command'"},
	{OK_SERVER, "exec: {" EXEC_V1 ", command: [secret]}", -EINVAL, "'command' must be"},
	{OK_SERVER, "exec: {" EXEC_V1 ", command: c, args: {secret: 1}}", -EINVAL, "be lists"},
	{OK_SERVER, "exec: {" EXEC_V1 ", command: c, args: [[secret]]}", -EINVAL, "be strings"},
	{OK_SERVER, "exec: {" EXEC_V1 ", command: c, env: [secret]}", -EINVAL, "no name"},
	{OK_SERVER, "exec: {" EXEC_V1 ", command: c, env: [{value: secret}]}", -EINVAL, "no name"},
	{OK_SERVER, "exec: {" EXEC_V1 ", command: c, env: [{name: 'secret=x'}]}", -EINVAL,
	 "no name"},
	{OK_SERVER, "exec: {" EXEC_V1 ", command: c, provideClusterInfo: secret}", -EINVAL,
	 "true or false"},
	{OK_SERVER, "exec: {" EXEC_V1 ", command: c, interactiveMode: Always}", -EINVAL,
	 "needs a terminal"},
	{OK_SERVER, "username: secret, password: secret", -ENOTSUP, "basic authentication"},
};

START_TEST(a_wrong_field_is_named_and_no_secret_is_shown)
{
	struct k8s_config *cfg = NULL;
	struct err e = {0};
	int r = parse(wrong[_i].cluster, wrong[_i].user, &cfg, &e);

	ck_assert_msg(r == wrong[_i].code, "%s / %s: %d %s", wrong[_i].cluster, wrong[_i].user, r,
		      e.msg);
	ck_assert_ptr_null(cfg);
	ck_assert_msg(strstr(e.msg, wrong[_i].says), "%s", e.msg);
	ck_assert_msg(!strstr(e.msg, "secret"), "%s", e.msg);
	ck_assert_msg(strstr(e.msg, "config"), "no file name: %s", e.msg);
}
END_TEST

static const struct {
	const char *text;
	const char *says;
} broken[] = {
	{"", "no YAML mapping"},
	{"- a\n", "no YAML mapping"},
	{"a: [\n", "line 2"},
	{"kind: Pod\n", "kind is not Config"},
	{"kind: Config\n", "no current-context"},
	{"current-context: x\n", "'contexts' must be a list"},
	{"current-context: x\ncontexts: []\n", "no entry named 'x'"},
	{"current-context: x\ncontexts:\n- name: x\n", "no 'context' with fields"},
	{"current-context: x\ncontexts:\n- name: x\n  context: {user: u}\n", "no 'cluster'"},
	{"current-context: x\ncontexts:\n- name: x\n  context: {cluster: k}\nclusters: []\n",
	 "no entry named 'k'"},
	{"a: &a [*a]\ncurrent-context: *a\n", "must be a string"},
};

START_TEST(a_credential_plugin_is_understood)
{
	struct k8s_config *cfg = NULL;
	struct err e;

	ck_assert_msg(parse(OK_SERVER ", certificate-authority-data: " CERT_B64,
			    "exec: {" EXEC_V1 ", command: ./bin/plugin, args: [a, b], env: null, "
			    "installHint: x, provideClusterInfo: true}",
			    &cfg, &e) == 0,
		      "%s", e.msg);
	ck_assert_ptr_nonnull(cfg->exec);
	ck_assert_str_eq(cfg->exec->argv[0], at("./bin/plugin"));
	ck_assert_str_eq(cfg->exec->argv[1], "a");
	ck_assert_str_eq(cfg->exec->argv[2], "b");
	ck_assert_ptr_null(cfg->exec->argv[3]);
	ck_assert_ptr_null(cfg->exec->env[0]);
	ck_assert_ptr_nonnull(strstr(cfg->exec->info, "certificate-authority-data\":\""));
	ck_assert_ptr_nonnull(strstr(cfg->exec->info, "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCngK"));
	k8s_config_free(cfg);
	cfg = NULL;
	/* A token beside it is preferred, as a plugin costs a process. */
	ck_assert_int_eq(parse(OK_SERVER, "token: t, exec: {" EXEC_V1 ", command: c}", &cfg, &e),
			 0);
	ck_assert_ptr_null(cfg->exec);
	k8s_config_free(cfg);
}
END_TEST

START_TEST(a_broken_file_is_refused_with_a_reason)
{
	struct k8s_config *cfg = NULL;
	struct err e = {0};

	ck_assert_int_eq(
		k8s_config_parse(broken[_i].text, strlen(broken[_i].text), "kc", NULL, &cfg, &e),
		-EINVAL);
	ck_assert_msg(strstr(e.msg, broken[_i].says), "row %d: %s", _i, e.msg);
	ck_assert_msg(strstr(e.msg, "'kc'"), "%s", e.msg);
}
END_TEST

START_TEST(a_context_can_be_chosen_and_json_is_read)
{
	static const char text[] =
		"{\"current-context\":\"a\",\"contexts\":[{\"name\":\"a\",\"context\":{\"cluster\":"
		"\"x\"}},{\"name\":\"b\",\"context\":{\"cluster\":\"y\",\"namespace\":null}}],"
		"\"clusters\":[{\"name\":\"x\",\"cluster\":{\"server\":\"https://x\"}},"
		"{\"name\":\"y\",\"cluster\":{\"server\":\"https://y\"}}]}";
	struct k8s_config *cfg = NULL;
	struct err e;

	ck_assert_int_eq(k8s_config_parse(text, strlen(text), "kc", "b", &cfg, &e), 0);
	ck_assert_str_eq(cfg->server, "https://y:443");
	ck_assert_str_eq(cfg->namespace_, "default");
	k8s_config_free(cfg);
	ck_assert_int_eq(k8s_config_parse(text, strlen(text), "kc", "c", &cfg, &e), -EINVAL);
}
END_TEST

START_TEST(files_are_found_beside_the_kubeconfig)
{
	struct k8s_config *cfg = NULL;
	struct err e;

	write_file(at("token"), "  tok-en\n");
	write_file(at("ca.crt"), "-----BEGIN CERTIFICATE-----\n");
	ck_assert_msg(parse(OK_SERVER ", certificate-authority: ca.crt",
			    "tokenFile: token, token: no", &cfg, &e) == 0,
		      "%s", e.msg);
	ck_assert_str_eq(cfg->token_file, at("token"));
	ck_assert_str_eq(cfg->ca_file, at("ca.crt"));
	ck_assert_ptr_null(cfg->token);
	k8s_config_free(cfg);
}
END_TEST

START_TEST(a_missing_kubeconfig_says_which)
{
	struct k8s_config *cfg = NULL;
	struct err e;

	ck_assert_int_eq(k8s_config_load_kubeconfig(at("config"), NULL, &cfg, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, at("config")));
	ck_assert_int_eq(k8s_config_load_kubeconfig(dir, NULL, &cfg, &e), -EINVAL);
}
END_TEST

/* ---- in a cluster ---- */

static void make_account(const char *token, const char *ca)
{
	static const char *const steps[] = {"var", "var/run", "var/run/secrets",
					    "var/run/secrets/kubernetes.io",
					    "var/run/secrets/kubernetes.io/serviceaccount"};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		ck_assert_int_eq(mkdir(at(steps[i]), 0700), 0);
	if (token)
		write_file(at("var/run/secrets/kubernetes.io/serviceaccount/token"), token);
	if (ca)
		write_file(at("var/run/secrets/kubernetes.io/serviceaccount/ca.crt"), ca);
	write_file(at("var/run/secrets/kubernetes.io/serviceaccount/namespace"), "agents");
}

START_TEST(a_pod_finds_its_account)
{
	struct k8s_incluster in = {.root = dir, .host = "10.96.0.1", .port = "443"};
	struct k8s_config *cfg = NULL;
	struct err e;

	make_account("abc\n", "-----BEGIN CERTIFICATE-----\n");
	ck_assert_msg(k8s_config_load_incluster(&in, &cfg, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(k8s_config_server(cfg), "https://10.96.0.1:443");
	ck_assert_str_eq(k8s_config_namespace(cfg), "agents");
	ck_assert(cfg->no_proxy && cfg->ca.data && cfg->token_file);
	cfg = k8s_config_free(cfg);

	in.host = "fd00::1";
	ck_assert_int_eq(k8s_config_load_incluster(&in, &cfg, &e), 0);
	ck_assert_str_eq(k8s_config_server(cfg), "https://[fd00::1]:443");
	k8s_config_free(cfg);
}
END_TEST

static const struct {
	const char *host, *port, *token, *ca;
	int code;
	const char *says;
} pods[] = {
	{NULL, "443", "t", "-----BEGIN X-----", -ENOENT, "this is no pod"},
	{"h", "", "t", "-----BEGIN X-----", -ENOENT, "this is no pod"},
	{"h", "x", "t", "-----BEGIN X-----", -EINVAL, "no port number"},
	{"h", "0", "t", "-----BEGIN X-----", -EINVAL, "no port number"},
	{"h/secret", "1", "t", "-----BEGIN X-----", -EINVAL, "no host name"},
	{"h", "1", NULL, "-----BEGIN X-----", -ENOENT, "service account token"},
	{"h", "1", "", "-----BEGIN X-----", -EINVAL, "no bearer token"},
	{"h", "1", "se cret", "-----BEGIN X-----", -EINVAL, "no bearer token"},
	{"h", "1", "t", NULL, -ENOENT, "ca.crt"},
	{"h", "1", "t", "junk", -EINVAL, "no certificate"},
};

START_TEST(a_half_pod_says_what_is_missing)
{
	struct k8s_incluster in = {.root = dir, .host = pods[_i].host, .port = pods[_i].port};
	struct k8s_config *cfg = NULL;
	struct err e = {0};

	make_account(pods[_i].token, pods[_i].ca);
	ck_assert_msg(k8s_config_load_incluster(&in, &cfg, &e) == pods[_i].code, "row %d: %s", _i,
		      e.msg);
	ck_assert_msg(strstr(e.msg, pods[_i].says), "row %d: %s", _i, e.msg);
	ck_assert_ptr_null(cfg);
}
END_TEST

START_TEST(a_user_agent_never_looks_like_curl)
{
	struct k8s_config *cfg = k8s_config_new();
	struct err e;

	ck_assert_int_eq(k8s_config_set_user_agent(cfg, "agent/1 (linux)", &e), 0);
	ck_assert_str_eq(cfg->user_agent, "agent/1 (linux)");
	ck_assert_int_eq(k8s_config_set_user_agent(cfg, "Curl/8", &e), -EINVAL);
	ck_assert_int_eq(k8s_config_set_user_agent(cfg, "", &e), -EINVAL);
	ck_assert_int_eq(k8s_config_set_user_agent(cfg, "a\r\nb: c", &e), -EINVAL);
	ck_assert_str_eq(cfg->user_agent, "agent/1 (linux)");
	k8s_config_free(cfg);
}
END_TEST

static const struct {
	const char *text;
	const char *want; /* NULL: refused */
} base64[] = {
	{"", ""},        {"YQ==", "a"},       {"YWI=", "ab"},
	{"YWJj", "abc"}, {"YW\nJj\n", "abc"}, {"YWJjZA==", "abcd"},
	{"Pz8/", "???"}, {"Pj4+", ">>>"},     {"YQ", NULL},
	{"YQ=", NULL},   {"YQ==YQ==", NULL},  {"=", NULL},
	{"Y", NULL},     {"YQ-_", NULL},
};

START_TEST(base64_is_decoded_strictly)
{
	struct k8s_blob b = {0};
	int r = k8s_base64_decode(base64[_i].text, strlen(base64[_i].text), &b);

	if (base64[_i].want) {
		ck_assert_msg(r == 0, "%s", base64[_i].text);
		ck_assert_str_eq(b.data, base64[_i].want);
		ck_assert_uint_eq(b.len, strlen(base64[_i].want));
	} else {
		ck_assert_msg(r == -EINVAL, "%s", base64[_i].text);
		ck_assert_ptr_null(b.data);
	}
	k8s_blob_wipe(&b);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("k8s config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_whole_kubeconfig_is_understood);
	tcase_add_loop_test(tc, servers_are_normalised, 0, ARRAY_LEN(urls));
	tcase_add_loop_test(tc, a_wrong_field_is_named_and_no_secret_is_shown, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, a_credential_plugin_is_understood);
	tcase_add_loop_test(tc, a_broken_file_is_refused_with_a_reason, 0, ARRAY_LEN(broken));
	tcase_add_test(tc, a_context_can_be_chosen_and_json_is_read);
	tcase_add_test(tc, files_are_found_beside_the_kubeconfig);
	tcase_add_test(tc, a_missing_kubeconfig_says_which);
	tcase_add_test(tc, a_pod_finds_its_account);
	tcase_add_loop_test(tc, a_half_pod_says_what_is_missing, 0, ARRAY_LEN(pods));
	tcase_add_test(tc, a_user_agent_never_looks_like_curl);
	tcase_add_loop_test(tc, base64_is_decoded_strictly, 0, ARRAY_LEN(base64));
	suite_add_tcase(s, tc);
	return s;
}
