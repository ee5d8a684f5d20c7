/* SPDX-License-Identifier: Apache-2.0 */

/* A configuration: its defaults, the server's URL, and the one a pod finds inside a cluster. */

#include "config_priv.h"
#include "num.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define USER_AGENT_MAX  200
#define CA_MAX          (1024UL * 1024)

struct k8s_config *k8s_config_new(void)
{
	struct k8s_config *cfg = calloc(1, sizeof(*cfg));

	if (!cfg)
		return NULL;
	cfg->user_agent = strdup("podresctrld/" PODRESCTRL_VERSION);
	cfg->namespace_ = strdup("default");
	if (!cfg->user_agent || !cfg->namespace_)
		return k8s_config_free(cfg);
	return cfg;
}

struct k8s_config *k8s_config_free(struct k8s_config *cfg)
{
	if (!cfg)
		return NULL;
	free(cfg->server);
	free(cfg->host);
	free(cfg->port);
	free(cfg->tls_server_name);
	free(cfg->namespace_);
	free(cfg->user_agent);
	free(cfg->token_file);
	free(cfg->ca_file);
	k8s_exec_config_free(cfg->exec);
	k8s_wipe_str(&cfg->proxy_url); /* may hold a password */
	k8s_wipe_str(&cfg->token);
	k8s_blob_wipe(&cfg->ca);
	k8s_blob_wipe(&cfg->cert);
	k8s_blob_wipe(&cfg->key);
	free(cfg);
	return NULL;
}

const char *k8s_config_server(const struct k8s_config *cfg)
{
	return cfg->server;
}

const char *k8s_config_namespace(const struct k8s_config *cfg)
{
	return cfg->namespace_;
}

static bool is_visible(const char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~')
			return false;
	}
	return true;
}

int k8s_config_set_user_agent(struct k8s_config *cfg, const char *agent, struct err *e)
{
	char *copy;

	/* The server pretty-prints for agents that look like a person's tool. */
	if (!*agent || strlen(agent) > USER_AGENT_MAX || !is_visible(agent) ||
	    strncasecmp(agent, "curl", 4) == 0)
		return err_set(e, -EINVAL,
			       "a user agent is 1 to %d printable bytes and does not start with "
			       "\"curl\"",
			       USER_AGENT_MAX);
	copy = strdup(agent);
	if (!copy)
		return err_set(e, -ENOMEM, "user agent: out of memory");
	free(cfg->user_agent);
	cfg->user_agent = copy;
	return 0;
}

static bool is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       strncmp(host, "127.", 4) == 0;
}

struct url_parts {
	char *scheme, *host, *port, *path, *user, *query;
};

static void free_parts(struct url_parts *p)
{
	curl_free(p->scheme);
	curl_free(p->host);
	curl_free(p->port);
	curl_free(p->path);
	if (p->user)
		explicit_bzero(p->user, strlen(p->user));
	curl_free(p->user);
	curl_free(p->query);
}

static bool split_url(const char *url, struct url_parts *p)
{
	CURLU *u = curl_url();
	bool ok = u && curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;

	if (ok) {
		(void)curl_url_get(u, CURLUPART_SCHEME, &p->scheme, 0);
		(void)curl_url_get(u, CURLUPART_HOST, &p->host, 0);
		(void)curl_url_get(u, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT);
		(void)curl_url_get(u, CURLUPART_PATH, &p->path, 0);
		(void)curl_url_get(u, CURLUPART_USER, &p->user, 0);
		(void)curl_url_get(u, CURLUPART_QUERY, &p->query, 0);
	}
	curl_url_cleanup(u);
	return ok && p->scheme && p->host && *p->host && p->port && p->path;
}

/* Puts the parts together again, so that what is used is what was checked. */
static int join_url(struct k8s_config *cfg, const struct url_parts *p, struct err *e)
{
	size_t path_len = strlen(p->path), host_len = strlen(p->host);
	const char *h = p->host;
	char *server = NULL;
	char *host, *port;

	while (path_len && p->path[path_len - 1] == '/')
		path_len--;
	if (asprintf(&server, "%s://%s:%s%.*s", p->scheme, h, p->port, (int)path_len, p->path) < 0)
		server = NULL;
	if (h[0] == '[' && h[host_len - 1] == ']') {
		h++;
		host_len -= 2;
	}
	host = strndup(h, host_len);
	port = strdup(p->port);
	if (!server || !host || !port) {
		free(server);
		free(host);
		free(port);
		return err_set(e, -ENOMEM, "server: out of memory");
	}
	free(cfg->server);
	free(cfg->host);
	free(cfg->port);
	cfg->server = server;
	cfg->host = host;
	cfg->port = port;
	cfg->is_http = strcmp(p->scheme, "http") == 0;
	cfg->no_proxy = cfg->no_proxy || is_loopback(host);
	return 0;
}

static int check_parts(const struct url_parts *p, const char *where, struct err *e)
{
	size_t len = strlen(p->host);

	if (p->user)
		return err_set(e, -EINVAL, "%s: a user name in the URL is not supported", where);
	if (p->query)
		return err_set(e, -EINVAL, "%s: the URL may have no query", where);
	if (strcmp(p->scheme, "https") == 0)
		return 0;
	if (strcmp(p->scheme, "http") != 0)
		return err_set(e, -EINVAL, "%s: scheme '%.16s' is not supported, use https", where,
			       p->scheme);
	if (is_loopback(p->host) || (len == 5 && strcmp(p->host, "[::1]") == 0))
		return 0;
	return err_set(e, -EINVAL,
		       "%s: plain http would show the token to the network; it is accepted for "
		       "loopback addresses only, use https",
		       where);
}

int k8s_config_set_server(struct k8s_config *cfg, const char *url, const char *where, struct err *e)
{
	struct url_parts p = {0};
	char full[2048];
	int r;

	/* kubectl takes "host:port" too. */
	r = snprintf(full, sizeof(full), "%s%s", strstr(url, "://") ? "" : "https://", url);
	if (r < 0 || (size_t)r >= sizeof(full) || !is_visible(url) || strchr(url, ' ') ||
	    !split_url(full, &p)) {
		free_parts(&p);
		return err_set(e, -EINVAL, "%s: not a URL like https://host:6443", where);
	}
	r = check_parts(&p, where, e);
	if (r == 0)
		r = join_url(cfg, &p, e);
	free_parts(&p);
	return r;
}

/* ---- inside a pod ---- */

static char *account_path(const struct k8s_incluster *in, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s" SERVICE_ACCOUNT "/%s", in->root ? in->root : "", name) < 0)
		return NULL;
	return path;
}

static int set_service(struct k8s_config *cfg, const struct k8s_incluster *in, struct err *e)
{
	char url[512];
	uint64_t port;
	bool bare_ipv6;
	int r;

	if (!in->host || !*in->host || !in->port || !*in->port)
		return err_set(
			e, -ENOENT,
			"this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT "
			"are not set; give a kubeconfig instead");
	if (num_parse_u64(in->port, strlen(in->port), 65535, &port) < 0 || port == 0)
		return err_set(e, -EINVAL, "KUBERNETES_SERVICE_PORT is no port number");
	bare_ipv6 = strchr(in->host, ':') && in->host[0] != '[';
	r = snprintf(url, sizeof(url), bare_ipv6 ? "https://[%s]:%u" : "https://%s:%u", in->host,
		     (unsigned int)port);
	if (r < 0 || (size_t)r >= sizeof(url) || strchr(in->host, '/'))
		return err_set(e, -EINVAL, "KUBERNETES_SERVICE_HOST is no host name");
	cfg->no_proxy = true; /* the service address is never behind a proxy */
	return k8s_config_set_server(cfg, url, "KUBERNETES_SERVICE_HOST", e);
}

static void set_own_namespace(struct k8s_config *cfg, const struct k8s_incluster *in)
{
	AUTO_FREE char *path = account_path(in, "namespace");
	struct k8s_blob b = {0};

	if (!path || k8s_read_file(path, 256, &b, NULL) < 0)
		return;
	b.data[strcspn(b.data, " \t\r\n")] = '\0';
	if (*b.data) {
		free(cfg->namespace_);
		cfg->namespace_ = b.data;
	} else {
		k8s_blob_wipe(&b);
	}
}

static int set_account(struct k8s_config *cfg, const struct k8s_incluster *in, struct err *e)
{
	AUTO_FREE char *probe = NULL;
	int r;

	cfg->token_file = account_path(in, "token");
	cfg->ca_file = account_path(in, "ca.crt");
	if (!cfg->token_file || !cfg->ca_file)
		return err_set(e, -ENOMEM, "service account: out of memory");
	r = k8s_read_token(cfg->token_file, &probe, e);
	if (r < 0) {
		err_prefix(e, "no usable service account token");
		return r;
	}
	explicit_bzero(probe, strlen(probe));
	r = k8s_read_file(cfg->ca_file, CA_MAX, &cfg->ca, e);
	if (r == 0 && !k8s_is_pem(&cfg->ca))
		r = err_set(e, -EINVAL, "'%s' holds no certificate in PEM form", cfg->ca_file);
	return r;
}

int k8s_config_load_incluster(const struct k8s_incluster *in, struct k8s_config **ret,
			      struct err *e)
{
	struct k8s_config *cfg = k8s_config_new();
	int r;

	if (!cfg)
		return err_set(e, -ENOMEM, "in-cluster configuration: out of memory");
	r = set_service(cfg, in, e);
	if (r == 0)
		r = set_account(cfg, in, e);
	if (r < 0) {
		k8s_config_free(cfg);
		return r;
	}
	set_own_namespace(cfg, in);
	*ret = cfg;
	return 0;
}
