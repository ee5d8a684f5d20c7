/* SPDX-License-Identifier: Apache-2.0 */

/* One HTTP exchange: every option of libcurl that is set, is set here. */

#include "client_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_MS 5000
#define KEEPALIVE_IDLE_S   30
#define KEEPALIVE_EVERY_S  10
#define KEEPALIVE_PROBES   3
#define USER_TIMEOUT_MS    45000
/* The server closes idle connections after 90 s; older ones than 10 min move to another replica. */
#define IDLE_MAX_S 75
#define LIFE_MAX_S 600
/* The least that libcurl takes, as most bodies have a few kB; over TLS a watch keeps one. */
#define UPLOAD_BUFFER 16384

static size_t on_curl_data(char *data, size_t size, size_t nr, void *ctx)
{
	struct k8s_transfer *t = ctx;

	if (t->ops->on_data(t, data, size * nr))
		return size * nr;
	t->is_paused = true;
	return CURL_WRITEFUNC_PAUSE;
}

static size_t on_curl_header(char *line, size_t size, size_t nr, void *ctx)
{
	struct k8s_transfer *t = ctx;

	k8s_answer_header(&t->answer, line, size * nr);
	return size * nr;
}

/*
 * A peer that vanished without a word is noticed in under a minute, with data under way
 * (user timeout) and without (keepalive).
 */
static int on_curl_sockopt(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	unsigned int user_timeout = USER_TIMEOUT_MS;
	int probes = KEEPALIVE_PROBES;

	(void)ctx;
	(void)purpose;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof(user_timeout));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	return CURL_SOCKOPT_OK;
}

/* A chain of options stops at the first that fails, and only then says why. */
struct opts {
	CURL *easy;
	CURLcode code;
};

static int opts_result(const struct opts *o)
{
	return o->code == CURLE_OK ? 0 : o->code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

static void opt_long(struct opts *o, CURLoption option, long value)
{
	if (o->code == CURLE_OK)
		o->code = curl_easy_setopt(o->easy, option, value);
}

static void opt_str(struct opts *o, CURLoption option, const char *value)
{
	if (o->code == CURLE_OK && value)
		o->code = curl_easy_setopt(o->easy, option, value);
}

static void opt_ptr(struct opts *o, CURLoption option, void *value)
{
	if (o->code == CURLE_OK)
		o->code = curl_easy_setopt(o->easy, option, value);
}

static void opt_blob(struct opts *o, CURLoption option, const struct k8s_blob *value)
{
	struct curl_blob blob = {value->data, value->len, CURL_BLOB_COPY};

	if (o->code == CURLE_OK && value->data)
		o->code = curl_easy_setopt(o->easy, option, &blob);
}

static void set_callbacks(struct opts *o, struct k8s_transfer *t)
{
	opt_ptr(o, CURLOPT_PRIVATE, t);
	opt_ptr(o, CURLOPT_ERRORBUFFER, t->errbuf);
	opt_ptr(o, CURLOPT_WRITEDATA, t);
	opt_ptr(o, CURLOPT_HEADERDATA, t);
	if (o->code == CURLE_OK)
		o->code = curl_easy_setopt(o->easy, CURLOPT_WRITEFUNCTION, on_curl_data);
	if (o->code == CURLE_OK)
		o->code = curl_easy_setopt(o->easy, CURLOPT_HEADERFUNCTION, on_curl_header);
	if (o->code == CURLE_OK)
		o->code = curl_easy_setopt(o->easy, CURLOPT_SOCKOPTFUNCTION, on_curl_sockopt);
}

static void set_connection(struct opts *o, const struct k8s_config *cfg)
{
	opt_long(o, CURLOPT_NOSIGNAL, 1);
	opt_long(o, CURLOPT_QUICK_EXIT, 1); /* do not wait for a resolver thread */
	opt_long(o, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	opt_str(o, CURLOPT_PROTOCOLS_STR, cfg->is_http ? "http" : "https");
	opt_long(o, CURLOPT_FOLLOWLOCATION, 0);
	opt_long(o, CURLOPT_PATH_AS_IS, 1);
	opt_long(o, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	opt_long(o, CURLOPT_TCP_KEEPALIVE, 1);
	opt_long(o, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	opt_long(o, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
	opt_long(o, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
	opt_long(o, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	opt_long(o, CURLOPT_MAXLIFETIME_CONN, LIFE_MAX_S);
	if (cfg->proxy_url)
		opt_str(o, CURLOPT_PROXY, cfg->proxy_url);
	else if (cfg->no_proxy)
		opt_str(o, CURLOPT_PROXY, "");
}

static void set_tls(struct opts *o, const struct k8s_config *cfg, const struct k8s_auth *auth)
{
	const struct k8s_blob *ca = auth->ca.data ? &auth->ca : &cfg->ca;

	opt_long(o, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	opt_long(o, CURLOPT_SSL_VERIFYPEER, cfg->insecure ? 0 : 1);
	opt_long(o, CURLOPT_SSL_VERIFYHOST, cfg->insecure ? 0 : 2);
	opt_long(o, CURLOPT_CA_CACHE_TIMEOUT, 0);
	opt_blob(o, CURLOPT_CAINFO_BLOB, ca);
	opt_blob(o, CURLOPT_SSLCERT_BLOB, auth->cert.data ? &auth->cert : &cfg->cert);
	opt_blob(o, CURLOPT_SSLKEY_BLOB, auth->cert.data ? &auth->key : &cfg->key);
}

static void set_method(struct opts *o, const struct k8s_transfer_spec *spec)
{
	static const char *const names[] = {
		[K8S_GET] = "GET",     [K8S_POST] = "POST",     [K8S_PUT] = "PUT",
		[K8S_PATCH] = "PATCH", [K8S_DELETE] = "DELETE",
	};

	if (spec->body) {
		opt_long(o, CURLOPT_POST, 1);
		if (o->code == CURLE_OK)
			o->code = curl_easy_setopt(o->easy, CURLOPT_POSTFIELDSIZE_LARGE,
						   (curl_off_t)spec->body_len);
		opt_str(o, CURLOPT_POSTFIELDS, spec->body);
	}
	opt_str(o, CURLOPT_CUSTOMREQUEST, names[spec->method]);
}

/* ---- URL and headers ---- */

/*
 * libcurl has no option for the name in SNI and in the certificate, so the name goes
 * into the URL and CONNECT_TO leads back to the real host; the Host header is the real
 * host's, as with kubectl.
 */
static int set_url(struct opts *o, struct k8s_transfer *t, const struct k8s_transfer_spec *spec)
{
	const struct k8s_config *cfg = t->client->cfg;
	AUTO_FREE char *url = NULL;
	const char *base = cfg->server;
	AUTO_FREE char *named = NULL;

	if (cfg->tls_server_name && !cfg->is_http) {
		const char *prefix = strchr(cfg->server + strlen("https://"), '/');

		if (asprintf(&named, "https://%s:%s%s", cfg->tls_server_name, cfg->port,
			     prefix ? prefix : "") < 0)
			return -ENOMEM;
		base = named;
	}
	if (asprintf(&url, "%s%s%s%s", base, spec->path, spec->query ? "?" : "",
		     spec->query ? spec->query : "") < 0)
		return -ENOMEM;
	opt_str(o, CURLOPT_URL, url);
	return o->code == CURLE_OK ? 0 : -ENOMEM;
}

static int add_header(struct k8s_transfer *t, const char *name, const char *value)
{
	AUTO_FREE char *line = NULL;
	struct curl_slist *list;

	if (asprintf(&line, "%s: %s", name, value) < 0)
		return -ENOMEM;
	list = curl_slist_append(t->headers, line);
	explicit_bzero(line, strlen(line));
	if (!list)
		return -ENOMEM;
	t->headers = list;
	return 0;
}

static int build_headers(struct k8s_transfer *t, const struct k8s_transfer_spec *spec)
{
	struct curl_slist *list;
	int r = add_header(t, "Accept", spec->accept);

	if (r == 0 && spec->body)
		r = add_header(t, "Content-Type", spec->content_type);
	if (r < 0)
		return r;
	list = curl_slist_append(t->headers, "Expect:"); /* no round trip before a large body */
	if (!list)
		return -ENOMEM;
	t->headers = list;
	return 0;
}

static int set_tls_name(struct opts *o, struct k8s_transfer *t)
{
	const struct k8s_config *cfg = t->client->cfg;
	bool is_ipv6 = strchr(cfg->host, ':');
	AUTO_FREE char *target = NULL;
	AUTO_FREE char *host = NULL;
	struct curl_slist *list;

	if (!cfg->tls_server_name || cfg->is_http)
		return 0;
	if (asprintf(&target, is_ipv6 ? "::[%s]:%s" : "::%s:%s", cfg->host, cfg->port) < 0 ||
	    asprintf(&host, is_ipv6 ? "[%s]:%s" : "%s:%s", cfg->host, cfg->port) < 0)
		return -ENOMEM;
	list = curl_slist_append(t->connect_to, target);
	if (!list)
		return -ENOMEM;
	t->connect_to = list;
	opt_ptr(o, CURLOPT_CONNECT_TO, t->connect_to);
	return add_header(t, "Host", host);
}

static int add_authorization(struct k8s_transfer *t)
{
	AUTO_FREE char *bearer = NULL;
	int r;

	if (!t->client->auth.token)
		return 0;
	t->token = strdup(t->client->auth.token);
	if (!t->token || asprintf(&bearer, "Bearer %s", t->token) < 0)
		return -ENOMEM;
	r = add_header(t, "Authorization", bearer);
	explicit_bzero(bearer, strlen(bearer));
	return r;
}

/* All but who we are. */
static int setup(struct k8s_transfer *t, const struct k8s_transfer_spec *spec)
{
	const struct k8s_config *cfg = t->client->cfg;
	struct opts o = {t->easy, CURLE_OK};
	int r = set_url(&o, t, spec);

	if (r == 0)
		r = build_headers(t, spec);
	if (r == 0)
		r = set_tls_name(&o, t);
	if (r < 0)
		return r;
	opt_str(&o, CURLOPT_USERAGENT, cfg->user_agent);
	set_callbacks(&o, t);
	set_connection(&o, cfg);
	set_method(&o, spec);
	return opts_result(&o);
}

int k8s_transfer_go(struct k8s_transfer *t)
{
	struct opts o = {t->easy, CURLE_OK};
	int r = add_authorization(t);

	if (r < 0)
		return r;
	opt_ptr(&o, CURLOPT_HTTPHEADER, t->headers);
	set_tls(&o, t->client->cfg, &t->client->auth);
	r = opts_result(&o);
	if (r == 0 && curl_multi_add_handle(t->client->multi, t->easy) != CURLM_OK)
		r = -ENOMEM;
	return r;
}

int k8s_transfer_start(struct k8s_transfer *t, struct k8s_client *c,
		       const struct k8s_transfer_spec *spec, const struct k8s_transfer_ops *ops,
		       struct err *e)
{
	int r;

	k8s_auth_refresh(c);
	*t = (struct k8s_transfer){
		.client = c, .ops = ops, .method = spec->method, .easy = curl_easy_init()};
	r = t->easy ? setup(t, spec) : -ENOMEM;
	if (r == 0 && k8s_exec_is_ready(c))
		r = k8s_transfer_go(t);
	else if (r == 0)
		k8s_exec_park(c, t);
	if (r < 0) {
		k8s_transfer_stop(t);
		return err_set(e, r, "request to '%s': %s", spec->path,
			       r == -ENOMEM ? "out of memory" : "libcurl refuses it");
	}
	return 0;
}

static void wipe_headers(struct curl_slist *list)
{
	for (struct curl_slist *i = list; i; i = i->next)
		explicit_bzero(i->data, strlen(i->data));
	curl_slist_free_all(list);
}

void k8s_transfer_stop(struct k8s_transfer *t)
{
	if (t->is_parked)
		list_del(&t->parked);
	t->is_parked = false;
	if (t->easy) {
		(void)curl_multi_remove_handle(t->client->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	t->easy = NULL;
	wipe_headers(t->headers);
	curl_slist_free_all(t->connect_to);
	t->headers = t->connect_to = NULL;
	k8s_wipe_str(&t->token);
}

void k8s_transfer_resume(struct k8s_transfer *t)
{
	if (!t->is_paused)
		return;
	t->is_paused = false;
	(void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

int k8s_transfer_status(const struct k8s_transfer *t)
{
	long status = 0;

	if (t->easy)
		(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

/* ---- verdicts ---- */

static int curl_errno(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_LOGIN_DENIED: /* the credential plugin's failure */
		return -EPERM;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_INITFAILED:
		return -ECONNREFUSED;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_TOO_MANY_REDIRECTS:
		return -EPROTO;
	default:
		return -EIO;
	}
}

int k8s_curl_error(const struct k8s_transfer *t, CURLcode code, struct err *e)
{
	const char *detail = t->errbuf[0] ? t->errbuf : curl_easy_strerror(code);

	return err_set(e, curl_errno(code), "%s: %s", t->client->cfg->server, detail);
}
