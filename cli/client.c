/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "json_reader.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>

#define CONNECT_TIMEOUT_MS 3000L
#define URL_MAX            2048

struct transfer {
	CURL *curl;
	struct strbuf *body; /* of the answer, or the line that is not complete yet */
	client_line_fn *fn;  /* NULL: all goes to the body */
	bool forever;        /* lines until one side ends it */
	void *ctx;
	struct err *e;
	int error; /* of FN, or of the body's cap */
};

static bool is_error_answer(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return status >= 300;
}

static int take_lines(struct transfer *t)
{
	char *newline;
	size_t at = 0;
	int r = 0;

	while (r == 0 && (newline = memchr(t->body->data + at, '\n', t->body->len - at))) {
		size_t end = (size_t)(newline - t->body->data);

		*newline = '\0';
		if (end > at)
			r = t->fn(t->ctx, t->body->data + at, end - at, t->e);
		at = end + 1;
	}
	strbuf_consume(t->body, at);
	return r;
}

static size_t on_data(char *data, size_t size, size_t nr, void *arg)
{
	struct transfer *t = arg;

	t->error = strbuf_add(t->body, data, size * nr);
	if (t->error == 0 && t->fn && t->body->len && !is_error_answer(t))
		t->error = take_lines(t);
	return t->error < 0 ? 0 : size * nr;
}

/* ---- what went wrong ---- */

static int explain_connect(const struct client *c, long os_errno, struct err *e)
{
	switch (os_errno) {
	case ENOENT:
		return err_set(e, -ECONNREFUSED,
			       "no socket at %s: podresctrld does not run here, or listens "
			       "elsewhere (its --control-socket; here --socket)",
			       c->socket);
	case EACCES:
	case EPERM:
		return err_set(e, -ECONNREFUSED,
			       "no permission to open %s: it is root's, so try sudo", c->socket);
	case ECONNREFUSED:
		return err_set(e, -ECONNREFUSED,
			       "nobody listens at %s: podresctrld has ended and left it behind; "
			       "systemctl status podresctrld, or its pod, tells why",
			       c->socket);
	case ENOTSOCK:
	case EPROTOTYPE:
		return err_set(e, -ECONNREFUSED, "%s is no socket of podresctrld", c->socket);
	default:
		return err_sys(e, -ECONNREFUSED, "cannot connect to %s", c->socket);
	}
}

static bool is_cut(CURLcode code)
{
	return code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
	       code == CURLE_PARTIAL_FILE;
}

static int explain_transfer(const struct client *c, const struct transfer *t, CURLcode code,
			    struct err *e)
{
	long os_errno = 0;

	if (t->error == -ENOMEM)
		return err_set(e, -ENOMEM, "out of memory");
	if (t->error == -EFBIG)
		return err_set(e, -EPROTO, "the answer from %s is too large to be podresctrld's",
			       c->socket);
	if (t->error < 0)
		return t->error; /* of FN, which has set the message */
	if (code == CURLE_COULDNT_CONNECT) {
		curl_easy_getinfo(t->curl, CURLINFO_OS_ERRNO, &os_errno);
		return explain_connect(c, os_errno, e);
	}
	if (code == CURLE_OUT_OF_MEMORY)
		return err_set(e, -ENOMEM, "out of memory");
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(e, -EPROTO,
			       "podresctrld did not answer in %llu ms: is the node overloaded? "
			       "--timeout waits longer",
			       (unsigned long long)c->timeout_ms);
	if (is_cut(code) && t->forever)
		return err_set(e, -ECONNREFUSED, "podresctrld ended the stream: it is going down");
	if (is_cut(code))
		return err_set(e, -EPROTO,
			       "the answer from %s was cut off: did podresctrld end just now?",
			       c->socket);
	return err_set(e, -EPROTO, "what listens at %s is not podresctrld (%s)", c->socket,
		       curl_easy_strerror(code));
}

/* An answer that is not 200: {"error":{"reason","message"}}. */
static int explain_refusal(const struct client *c, const struct transfer *t, long status,
			   struct err *e)
{
	struct json_object *o = json_read(t->body->data, t->body->len);
	struct json_object *error = json_child(o, "error");
	const char *reason = json_text(error, "reason"), *message = json_text(error, "message");
	int r;

	if (!*reason)
		r = err_set(e, -EPROTO, "what listens at %s is not podresctrld (HTTP status %ld)",
			    c->socket, status);
	else if (strcmp(reason, "PodNotFound") == 0)
		r = err_set(e, -ENOENT, "%s", message);
	else if (strcmp(reason, "NotFound") == 0)
		r = err_set(e, -EREMOTEIO,
			    "this podresctrld does not know what was asked; is it older?");
	else
		r = err_set(e, -EREMOTEIO, "podresctrld refused: %s: %s", reason, message);
	json_object_put(o);
	return r;
}

/* ---- the request ---- */

static int set_up(const struct client *c, struct transfer *t, bool is_post, const char *path,
		  struct err *e)
{
	CURL *curl = t->curl;
	char url[URL_MAX];

	if (strlen(c->socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return err_set(e, -ECONNREFUSED, "%.200s: too long for the path of a socket",
			       c->socket);
	if (snprintf(url, sizeof(url), "http://node%s", path) >= (int)sizeof(url))
		return err_set(e, -EINVAL, "the name is too long");
	if (curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->socket) != CURLE_OK)
		return err_set(e, -ENOMEM, "out of memory");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	if (!t->forever)
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
	if (is_post) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
	}
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	return 0;
}

static int run(const struct client *c, struct transfer *t, bool is_post, const char *path,
	       struct err *e)
{
	long status = 0;
	CURLcode code;
	int r = set_up(c, t, is_post, path, e);

	if (r < 0)
		return r;
	code = curl_easy_perform(t->curl);
	if (code != CURLE_OK)
		return explain_transfer(c, t, code, e);
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? 0 : explain_refusal(c, t, status, e);
}

int client_ask(const struct client *c, bool is_post, const char *path, struct strbuf *out,
	       struct err *e)
{
	struct transfer t = {.curl = curl_easy_init(), .body = out, .e = e};
	int r;

	if (!t.curl)
		return err_set(e, -ENOMEM, "out of memory");
	r = run(c, &t, is_post, path, e);
	curl_easy_cleanup(t.curl);
	return r;
}

int client_follow(const struct client *c, const char *path, bool forever, client_line_fn *fn,
		  void *ctx, struct err *e)
{
	AUTO_STRBUF struct strbuf line;
	struct transfer t = {.curl = curl_easy_init(),
			     .body = &line,
			     .fn = fn,
			     .forever = forever,
			     .ctx = ctx,
			     .e = e};
	int r;

	strbuf_init(&line, CLIENT_LINE_MAX);
	if (!t.curl)
		return err_set(e, -ENOMEM, "out of memory");
	r = run(c, &t, false, path, e);
	if (r == 0 && line.len)
		r = err_set(e, -EPROTO, "the answer from %s was cut off in the middle of a line",
			    c->socket);
	curl_easy_cleanup(t.curl);
	return r;
}
