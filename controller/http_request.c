/* SPDX-License-Identifier: Apache-2.0 */

/* One request: is it one that this server takes, whose is it, and what comes of it. */

#include "http_priv.h"
#include "num.h"
#include "status_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TYPE_JSON  "application/json"
#define ERROR_TEXT 768
#define NOT_A_NUL  '\x01'

/* ---- queries -------------------------------------------------------------------------------- */

struct query_check {
	const char *const *names;
	unsigned seen; /* one bit a name */
	struct err *e;
	int r;
};

static enum MHD_Result check_parameter(void *cls, enum MHD_ValueKind kind, const char *name,
				       const char *value)
{
	struct query_check *check = cls;
	unsigned i = 0;

	(void)kind;
	while (check->names[i] && strcmp(check->names[i], name) != 0)
		i++;
	if (!check->names[i])
		check->r = err_set(check->e, -EINVAL, "no such query parameter: '%.64s'", name);
	else if (check->seen & 1u << i)
		check->r = err_set(check->e, -EINVAL, "query parameter '%s' is given twice", name);
	else if (value && strchr(value, NOT_A_NUL))
		check->r = err_set(check->e, -EINVAL, "query parameter '%s': bad bytes", name);
	check->seen |= 1u << i;
	return check->r < 0 ? MHD_NO : MHD_YES;
}

int http_query_check(const struct http_request *request, const char *const *names, struct err *e)
{
	struct query_check check = {.names = names, .e = e};

	(void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, check_parameter,
					&check);
	return check.r;
}

struct lookup {
	const char *name, *value;
};

static enum MHD_Result look_up(void *cls, enum MHD_ValueKind kind, const char *name,
			       const char *value)
{
	struct lookup *l = cls;

	(void)kind;
	if (strcmp(name, l->name) != 0)
		return MHD_YES;
	l->value = value ? value : "";
	return MHD_NO;
}

/* The library's own lookup ignores case and cannot tell "absent" from "without value". */
const char *http_query(const struct http_request *request, const char *name)
{
	struct lookup l = {.name = name};

	(void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, look_up, &l);
	return l.value;
}

size_t http_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
	size_t len = MHD_http_unescape(text);

	(void)cls;
	(void)mhd;
	for (size_t i = 0; i < len; i++) {
		if (!text[i])
			text[i] = NOT_A_NUL;
	}
	return len;
}

/* ---- answers -------------------------------------------------------------------------------- */

void http_reply_error(struct http_reply *reply, unsigned status, const char *reason,
		      const char *fmt, ...)
{
	char text[ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reply->status = status;
	reply->content_type = TYPE_JSON;
	strbuf_reset(&reply->body);
	(void)strbuf_addf(&reply->body, "{\"error\":{\"reason\":\"%s\",\"message\":", reason);
	status_text_quote_any(&reply->body, text, sizeof(text));
	(void)strbuf_adds(&reply->body, "}}\n");
}

static struct MHD_Response *body_response(struct http_reply *reply)
{
	size_t len = reply->body.len;
	char *text = strbuf_take(&reply->body);
	struct MHD_Response *response;

	if (!text)
		return NULL;
	response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(text);
	return response;
}

/* The header Allow of an answer with 405. */
static const char *allowed(unsigned methods)
{
	switch (methods) {
	case HTTP_GET:
		return "GET, HEAD";
	case HTTP_POST:
		return "POST";
	default:
		return "GET, HEAD, POST";
	}
}

static enum MHD_Result send_reply(struct http_connection *c, struct MHD_Connection *mhd,
				  struct http_reply *reply, unsigned allow)
{
	struct MHD_Response *response =
		reply->stream_ops ? http_stream_response(c, mhd, reply) : body_response(reply);
	enum MHD_Result r;

	if (!response)
		return MHD_NO; /* no memory: the connection is closed */
	(void)MHD_add_response_header(response, "Content-Type", reply->content_type);
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	if (allow)
		(void)MHD_add_response_header(response, "Allow", allowed(allow));
	r = MHD_queue_response(mhd, reply->status, response);
	MHD_destroy_response(response);
	return r;
}

/* ---- routes --------------------------------------------------------------------------------- */

static bool route_matches(const struct http_route *route, const char *path)
{
	size_t len = strlen(route->path);

	return route->is_prefix ? strncmp(path, route->path, len) == 0
				: strcmp(path, route->path) == 0;
}

static unsigned method_bit(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return HTTP_GET;
	return strcmp(method, "POST") == 0 ? HTTP_POST : 0;
}

/* The first route of this path and method; else *RET_METHODS are those of the path. */
static const struct http_route *find_route(const struct http_route *routes, const char *path,
					   unsigned method, unsigned *ret_methods)
{
	*ret_methods = 0;
	for (; routes->path; routes++) {
		if (!route_matches(routes, path))
			continue;
		if (routes->methods & method)
			return routes;
		*ret_methods |= routes->methods;
	}
	return NULL;
}

static void refuse(struct http_reply *reply, const char *path, const char *method, unsigned allow)
{
	if (!allow)
		http_reply_error(reply, MHD_HTTP_NOT_FOUND, "NotFound", "there is no '%.200s' here",
				 path);
	else
		http_reply_error(reply, MHD_HTTP_METHOD_NOT_ALLOWED, "MethodNotAllowed",
				 "'%.200s' takes %s, not %.16s", path, allowed(allow), method);
}

static enum MHD_Result answer(struct http_connection *c, struct MHD_Connection *mhd,
			      const char *path, const char *method)
{
	struct http_reply reply = {.status = MHD_HTTP_OK, .content_type = TYPE_JSON};
	struct http_request request = {.path = path, .rest = "", .connection = mhd};
	unsigned bit = method_bit(method), allow = 0;
	const struct http_route *route;
	enum MHD_Result r;

	strbuf_init(&reply.body, HTTP_REPLY_MAX);
	route = find_route(c->server->config.routes, path, bit, &allow);
	if (!route) {
		c->server->stats.refused++;
		refuse(&reply, path, method, allow);
	} else {
		c->server->stats.requests++;
		request.method = bit;
		request.rest = path + strlen(route->path);
		allow = 0;
		route->handle(route->ctx, &request, &reply);
		if (reply.body.error)
			http_reply_error(&reply, MHD_HTTP_INTERNAL_SERVER_ERROR, "InternalError",
					 "the answer does not fit into memory");
	}
	r = send_reply(c, mhd, &reply, allow);
	strbuf_done(&reply.body);
	return r;
}

static bool announces_large_body(struct MHD_Connection *mhd)
{
	const char *text = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Content-Length");
	uint64_t len;

	return text && num_parse_u64(text, strlen(text), HTTP_BODY_MAX, &len) < 0;
}

static enum MHD_Result too_large(struct http_connection *c, struct MHD_Connection *mhd)
{
	struct http_reply reply = {.content_type = TYPE_JSON};
	enum MHD_Result r;

	c->server->stats.refused++;
	strbuf_init(&reply.body, HTTP_REPLY_MAX);
	http_reply_error(&reply, MHD_HTTP_CONTENT_TOO_LARGE, "TooLarge",
			 "a request's body has at most %d bytes", HTTP_BODY_MAX);
	r = send_reply(c, mhd, &reply, 0);
	strbuf_done(&reply.body);
	return r;
}

/* Called with the head of the request, then with each piece of its body, then at its end. */
/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd says what it is called with */
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *mhd, const char *url,
				const char *method, const char *version, const char *upload,
				size_t *upload_size, void **request_context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_connection *c = info ? info->socket_context : NULL;

	(void)cls;
	(void)version;
	(void)upload;
	if (!c)
		return MHD_NO;
	if (!c->in_request) {
		c->in_request = true;
		*request_context = c;
		return announces_large_body(mhd) ? too_large(c, mhd) : MHD_YES;
	}
	c->body += *upload_size;
	if (*upload_size) {
		*upload_size = 0;
		/* In the midst of a body the library can only hang up. */
		return c->body > HTTP_BODY_MAX ? MHD_NO : MHD_YES;
	}
	return answer(c, mhd, url, method);
}

void http_on_completed(void *cls, struct MHD_Connection *mhd, void **request_context,
		       enum MHD_RequestTerminationCode code)
{
	struct http_connection *c = *request_context;

	(void)cls;
	(void)mhd;
	(void)code;
	if (c)
		http_connection_restart(c);
	*request_context = NULL;
}
