/* SPDX-License-Identifier: Apache-2.0 */

/* The fake API server's connections: HTTP/1.1 as far as two clients need it. */

#include "fake_apiserver_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define IN_MAX  (8UL * 1024 * 1024)
#define OUT_MAX (256UL * 1024 * 1024)

uint64_t fake_now(const struct fake_api *f)
{
	struct timespec ts;

	if (f->now_ms)
		return f->now_ms(f->clock_ctx);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- answers ---- */

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 404:
		return "Not Found";
	case 409:
		return "Conflict";
	case 429:
		return "Too Many Requests";
	default:
		return "Other";
	}
}

void fake_reply(struct fake_conn *c, int status, const char *type, const char *headers,
		const char *body, size_t len)
{
	strbuf_addf(&c->out,
		    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nAudit-Id: fake-audit\r\n%s"
		    "Content-Length: %zu\r\n\r\n",
		    status, status_text(status), type, headers ? headers : "", len);
	strbuf_add(&c->out, body, len);
}

void fake_reply_json(struct fake_conn *c, int status, struct json_object *o)
{
	size_t len;
	const char *text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);

	fake_reply(c, status, "application/json", NULL, text, len);
	json_object_put(o);
}

void fake_chunk(struct fake_conn *c, const char *data, size_t len)
{
	strbuf_addf(&c->out, "%zx\r\n", len);
	strbuf_add(&c->out, data, len);
	strbuf_adds(&c->out, "\r\n");
}

/* ---- requests ---- */

static void copy_header(const char *head, const char *name, char *ret, size_t size)
{
	size_t name_len = strlen(name);

	ret[0] = '\0';
	for (const char *p = strstr(head, "\r\n"); p && p[2] && p[2] != '\r';
	     p = strstr(p + 2, "\r\n")) {
		const char *line = p + 2;
		const char *value = line + name_len + 1;

		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		value += strspn(value, " ");
		snprintf(ret, size, "%.*s", (int)strcspn(value, "\r"), value);
		return;
	}
}

static enum fake_as accept_as(const char *accept)
{
	char first[256];

	/* The first of the list decides. */
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(accept, ","), accept);
	if (strstr(first, "as=Table") && strstr(first, "v=v1") && !strstr(first, "v=v1beta1"))
		return AS_TABLE;
	return strstr(first, "as=PartialObjectMetadata") ? AS_METADATA : AS_OBJECT;
}

static void handle_request(struct fake_api *f, struct fake_conn *c, size_t head_len, size_t len)
{
	struct fake_request rq = {0};
	char *head = strndup(c->in.data, head_len);
	char *question;

	strbuf_reset(&f->last_head);
	strbuf_adds(&f->last_head, head);
	strbuf_reset(&f->last_body);
	strbuf_add(&f->last_body, c->in.data + head_len, len);
	rq.head = head;
	rq.body = strbuf_str(&f->last_body);
	rq.body_len = len;
	if (sscanf(head, "%15s %1023s", rq.method, rq.path) != 2) {
		c->is_dead = true;
		free(head);
		return;
	}
	question = strchr(rq.path, '?');
	if (question) {
		*question = '\0';
		snprintf(rq.query, sizeof(rq.query), "%s", question + 1);
	}
	copy_header(head, "Accept", rq.accept, sizeof(rq.accept));
	copy_header(head, "Content-Type", rq.content_type, sizeof(rq.content_type));
	rq.content_type[strcspn(rq.content_type, "; ")] = '\0';
	copy_header(head, "Authorization", rq.auth, sizeof(rq.auth));
	rq.as = accept_as(rq.accept);
	fake_handle(f, c, &rq);
	free(head);
}

/* One request out of what was received, if it is complete. */
static bool take_request(struct fake_api *f, struct fake_conn *c)
{
	const char *end;
	char text[32];
	size_t head_len, body_len;

	if (c->is_watch || c->is_stalled || !c->in.len)
		return false;
	end = strstr(c->in.data, "\r\n\r\n");
	if (!end)
		return false;
	head_len = (size_t)(end - c->in.data) + 4;
	copy_header(c->in.data, "Content-Length", text, sizeof(text));
	body_len = strtoul(text, NULL, 10);
	if (body_len > IN_MAX || c->in.len - head_len < body_len)
		return false;
	handle_request(f, c, head_len, body_len);
	strbuf_consume(&c->in, head_len + body_len);
	return true;
}

/* ---- connections ---- */

static void conn_free(struct fake_conn *c)
{
	list_del(&c->link);
	close(c->fd);
	strbuf_done(&c->in);
	strbuf_done(&c->out);
	free(c);
}

static bool accept_one(struct fake_api *f)
{
	int fd = f->is_down ? -1 : accept4(f->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct fake_conn *c;
	int one = 1;

	if (fd < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c = calloc(1, sizeof(*c));
	c->fd = fd;
	strbuf_init(&c->in, IN_MAX);
	strbuf_init(&c->out, OUT_MAX);
	list_append(&f->conns, &c->link);
	f->nr_accepted++;
	return true;
}

static bool receive(struct fake_conn *c)
{
	char buf[16384];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n > 0) {
		strbuf_add(&c->in, buf, (size_t)n);
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		c->is_dead = true;
	return false;
}

static bool send_some(struct fake_api *f, struct fake_conn *c)
{
	size_t len = c->out.len;
	ssize_t n;

	if (!len)
		return false;
	if (f->write_max && len > f->write_max)
		len = f->write_max;
	n = send(c->fd, c->out.data, len, MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			c->is_dead = true;
		return false;
	}
	strbuf_consume(&c->out, (size_t)n);
	if (!c->out.len && c->close_when_sent)
		c->is_dead = true;
	return true;
}

static bool step_conn(struct fake_api *f, struct fake_conn *c)
{
	bool did = receive(c);

	while (!c->is_dead && take_request(f, c))
		did = true;
	if (!c->is_dead && c->is_watch)
		fake_watch_pump(f, c);
	if (!c->is_dead)
		did |= send_some(f, c);
	if (c->is_dead)
		conn_free(c);
	return did;
}

bool fake_api_step(struct fake_api *f)
{
	bool did = false;

	while (accept_one(f))
		did = true;
	if (f->gc_pending)
		fake_collect(f);
	list_for_each_safe (it, next, &f->conns) {
		did |= step_conn(f, list_entry(it, struct fake_conn, link));
	}
	return did;
}

size_t fake_api_pollfds(const struct fake_api *f, struct pollfd *fds, size_t max)
{
	size_t nr = 0;

	if (!f->is_down && nr < max)
		fds[nr++] = (struct pollfd){.fd = f->listen_fd, .events = POLLIN};
	for (struct list *it = f->conns.next; it != &f->conns && nr < max; it = it->next) {
		struct fake_conn *c = list_entry(it, struct fake_conn, link);

		fds[nr++] = (struct pollfd){
			.fd = c->fd,
			.events = (short)(POLLIN | (c->out.len ? POLLOUT : 0)),
		};
	}
	return nr;
}

size_t fake_api_nr_connections(const struct fake_api *f)
{
	size_t nr = 0;

	for (struct list *it = f->conns.next; it != &f->conns; it = it->next)
		nr++;
	return nr;
}

unsigned int fake_api_nr_accepted(const struct fake_api *f)
{
	return f->nr_accepted;
}

/* ---- watches, from outside ---- */

static struct fake_conn *watch_at(struct list *it)
{
	struct fake_conn *c = list_entry(it, struct fake_conn, link);

	return c->is_watch ? c : NULL;
}

void fake_api_watch_send(struct fake_api *f, const char *data, size_t len)
{
	list_for_each (it, &f->conns) {
		if (watch_at(it))
			fake_chunk(watch_at(it), data, len);
	}
}

void fake_api_watch_bookmark(struct fake_api *f)
{
	list_for_each (it, &f->conns) {
		if (watch_at(it))
			fake_watch_send_bookmark(f, watch_at(it));
	}
}

void fake_api_watch_end(struct fake_api *f)
{
	list_for_each (it, &f->conns) {
		if (!watch_at(it))
			continue;
		fake_chunk(watch_at(it), NULL, 0);
		watch_at(it)->is_watch = false;
	}
}

void fake_api_watch_cut(struct fake_api *f)
{
	list_for_each (it, &f->conns) {
		if (!watch_at(it))
			continue;
		watch_at(it)->is_dead = true;
	}
}

size_t fake_api_nr_watches(const struct fake_api *f)
{
	size_t nr = 0;

	for (struct list *it = f->conns.next; it != &f->conns; it = it->next)
		nr += watch_at(it) != NULL;
	return nr;
}

/* ---- faults ---- */

void fake_api_add_fault(struct fake_api *f, const struct fake_api_fault *fault)
{
	struct fake_fault *x = calloc(1, sizeof(*x));

	x->f = *fault;
	x->left = fault->times;
	list_append(&f->faults, &x->link);
}

void fake_api_clear_faults(struct fake_api *f)
{
	list_for_each_safe (it, next, &f->faults) {
		list_del(it);
		free(list_entry(it, struct fake_fault, link));
	}
}

void fake_api_set_write_max(struct fake_api *f, size_t n)
{
	f->write_max = n;
}

static int listen_on(uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
		close(fd);
		return -1;
	}
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

void fake_api_set_down(struct fake_api *f, bool down)
{
	if (down == f->is_down)
		return;
	f->is_down = down;
	if (!down) {
		f->listen_fd = listen_on(f->port, &f->port);
		f->is_down = f->listen_fd < 0;
		return;
	}
	close(f->listen_fd);
	f->listen_fd = -1;
	list_for_each_safe (it, next, &f->conns) {
		conn_free(list_entry(it, struct fake_conn, link));
	}
}

/* ---- life ---- */

static void add_namespace(struct fake_api *f, const char *name)
{
	const struct fake_type *type = fake_type_named("namespaces");
	struct json_object *o = json_object_new_object(), *meta = json_object_new_object();

	json_object_object_add(meta, "name", json_object_new_string(name));
	json_object_object_add(o, "metadata", meta);
	fake_fill_in(f, type, o, "");
	fake_store(f, type, o);
}

struct fake_api *fake_api_new(uint16_t port)
{
	struct fake_api *f = calloc(1, sizeof(*f));

	list_init(&f->conns);
	list_init(&f->objects);
	list_init(&f->events);
	list_init(&f->faults);
	list_init(&f->counts);
	strbuf_init(&f->last_head, IN_MAX);
	strbuf_init(&f->last_body, IN_MAX);
	f->version = 1000;
	f->listen_fd = listen_on(port, &f->port);
	if (f->listen_fd < 0) {
		free(f);
		return NULL;
	}
	add_namespace(f, "default");
	add_namespace(f, "kube-system");
	return f;
}

void fake_api_free(struct fake_api *f)
{
	if (!f)
		return;
	list_for_each_safe (it, next, &f->conns) {
		conn_free(list_entry(it, struct fake_conn, link));
	}
	list_for_each_safe (it, next, &f->counts) {
		free(list_entry(it, struct fake_count, link));
	}
	fake_api_clear_faults(f);
	fake_store_free(f);
	strbuf_done(&f->last_head);
	strbuf_done(&f->last_body);
	if (f->listen_fd >= 0)
		close(f->listen_fd);
	free(f->token);
	free(f);
}

uint16_t fake_api_port(const struct fake_api *f)
{
	return f->port;
}

void fake_api_set_token(struct fake_api *f, const char *token)
{
	free(f->token);
	f->token = token ? strdup(token) : NULL;
}

void fake_api_set_clock(struct fake_api *f, uint64_t (*now_ms)(void *ctx), void *ctx)
{
	f->now_ms = now_ms;
	f->clock_ctx = ctx;
}

uint64_t fake_api_version(const struct fake_api *f)
{
	return f->version;
}

const char *fake_api_last_head(const struct fake_api *f)
{
	return strbuf_str(&f->last_head);
}

const char *fake_api_last_body(const struct fake_api *f)
{
	return strbuf_str(&f->last_body);
}

char *fake_api_kubeconfig(const struct fake_api *f)
{
	struct strbuf sb;
	char *text;

	strbuf_init(&sb, 65536);
	strbuf_addf(&sb,
		    "apiVersion: v1\nkind: Config\ncurrent-context: fake\n"
		    "contexts:\n- name: fake\n  context: {cluster: fake, user: fake}\n"
		    "clusters:\n- name: fake\n  cluster: {server: \"http://127.0.0.1:%u\"}\n"
		    "users:\n- name: fake\n  user: {token: \"%s\"}\n",
		    f->port, f->token ? f->token : "none");
	text = strbuf_take(&sb);
	strbuf_done(&sb);
	return text;
}
