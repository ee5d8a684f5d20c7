/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_runtime.h"
#include "fake_nri_encode.h"
#include "fake_nri_reader.h"
#include "nri_methods.h"
#include "pbwire.h"
#include "ttrpc.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define OUT_MAX         (64u << 20)
#define READ_CHUNK      65536u
#define PUMP_TURN_MS    1 /* longest wait between two turns of the pump */
#define EVENTS_RPC      0x3fffu
#define EVENTS_OLD      0x7ffu
#define NS_PER_MS       1000000
#define ANSWER_MAX_TEXT 200

struct fake_runtime {
	struct fake_runtime_options options;
	struct sockaddr_un address;
	int listen_fd, fd; /* -1: none */
	struct fake_runtime_plugin plugin;
	struct fake_nri_reader reader;
	uint32_t stream;
	uint64_t sent_us; /* when the first byte of the last request went out */
};

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t deadline_after(uint64_t ms)
{
	return now_us() + ms * 1000;
}

/* ---- life ---- */

static void fill_defaults(struct fake_runtime_options *o)
{
	bool is_rpc = o->style == FAKE_RUNTIME_RPC;

	if (!o->runtime_name)
		o->runtime_name = "containerd";
	if (!o->runtime_version)
		o->runtime_version = is_rpc ? "v2.3.0" : "v2.1.4";
	if (!o->nri_version)
		o->nri_version = is_rpc ? "v0.12.0" : "";
	if (!o->registration_timeout_ms)
		o->registration_timeout_ms = 5000;
	if (!o->request_timeout_ms)
		o->request_timeout_ms = 2000;
}

static int listen_at(struct fake_runtime *fr, const char *path, struct err *e)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(fr->address.sun_path))
		return err_set(e, -ENAMETOOLONG, "'%s': too long for a socket", path);
	fr->address.sun_family = AF_UNIX;
	memcpy(fr->address.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&fr->address, sizeof(fr->address)) < 0 ||
	    listen(fd, 8) < 0)
		return err_sys(e, -errno, "listen at '%s'", path);
	fr->listen_fd = steal_fd(&fd);
	return 0;
}

int fake_runtime_new(const char *path, const struct fake_runtime_options *options,
		     struct fake_runtime **ret, struct err *e)
{
	struct fake_runtime *fr = calloc(1, sizeof(*fr));
	int r;

	if (!fr)
		return err_set(e, -ENOMEM, "fake runtime: out of memory");
	fr->options = *options;
	fill_defaults(&fr->options);
	fr->listen_fd = fr->fd = -1;
	fake_nri_reader_init(&fr->reader);
	r = path ? listen_at(fr, path, e) : 0;
	if (r < 0) {
		fake_runtime_free(fr);
		return r;
	}
	*ret = fr;
	return 0;
}

void fake_runtime_free(struct fake_runtime *fr)
{
	if (!fr)
		return;
	fake_runtime_disconnect(fr);
	if (fr->listen_fd >= 0) {
		(void)close(fr->listen_fd);
		(void)unlink(fr->address.sun_path);
	}
	free(fr);
}

int fake_runtime_listen_fd(const struct fake_runtime *fr)
{
	return fr->listen_fd;
}

int fake_runtime_fd(const struct fake_runtime *fr)
{
	return fr->fd;
}

const struct fake_runtime_plugin *fake_runtime_plugin(const struct fake_runtime *fr)
{
	return &fr->plugin;
}

void fake_runtime_disconnect(struct fake_runtime *fr)
{
	if (fr->fd >= 0)
		(void)close(fr->fd);
	fr->fd = -1;
	fr->stream = 0;
	fr->plugin.events = 0;
	fr->plugin.is_state_change = fr->options.style == FAKE_RUNTIME_STATE_CHANGE;
	fake_nri_reader_done(&fr->reader);
	fake_nri_reader_init(&fr->reader);
}

void fake_runtime_adopt(struct fake_runtime *fr, int fd)
{
	fake_runtime_disconnect(fr);
	fr->fd = fd;
}

/* ---- bytes ---- */

/* Wait until FD is ready for EVENTS or it is time for the pump again. */
static int wait_fd(struct fake_runtime *fr, int fd, short events, uint64_t deadline_us)
{
	struct pollfd p = {.fd = fd, .events = events};
	uint64_t now = now_us();
	int wait_ms = now < deadline_us ? (int)((deadline_us - now + 999) / 1000) : 0;

	if (fr->options.pump) {
		fr->options.pump(fr->options.pump_ctx);
		wait_ms = poll(&p, 1, 0) > 0 ? 0 : PUMP_TURN_MS;
	}
	if (poll(&p, 1, wait_ms) > 0)
		return 0;
	return now_us() < deadline_us ? 0 : -ETIMEDOUT;
}

static int send_all(struct fake_runtime *fr, const struct strbuf *out, uint64_t deadline_us)
{
	size_t done = 0;

	while (done < out->len) {
		ssize_t n = send(fr->fd, out->data + done, out->len - done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			int r = wait_fd(fr, fr->fd, POLLOUT, deadline_us);

			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -ECONNRESET;
		}
	}
	return 0;
}

/* Read what is there: how many bytes, 0 for none, -ECONNRESET at the end. */
static int read_some(struct fake_runtime *fr)
{
	struct strbuf *in = &fr->reader.in;
	ssize_t n;

	if (strbuf_reserve(in, READ_CHUNK) < 0)
		return -EPROTO;
	n = recv(fr->fd, in->data + in->len, READ_CHUNK, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -ECONNRESET;
	if (n == 0)
		return -ECONNRESET;
	in->len += (size_t)n;
	in->data[in->len] = '\0';
	return (int)n;
}

static int next_message(struct fake_runtime *fr, uint64_t deadline_us, struct fake_nri_message *ret,
			struct err *e)
{
	const char *why = "";
	int r;

	for (;;) {
		r = fake_nri_reader_take(&fr->reader, ret, &why);
		if (r < 0)
			return err_set(e, r, "the plugin broke a rule: %s", why);
		if (r > 0)
			return 0;
		r = read_some(fr);
		if (r < 0)
			return err_sys(e, r, "the plugin hung up");
		if (r > 0)
			continue;
		r = wait_fd(fr, fr->fd, POLLIN, deadline_us);
		if (r < 0)
			return err_set(e, r, "no answer in time");
	}
}

/* Every failure ends the connection, as it does in the real runtime. */
static int lost(struct fake_runtime *fr, int r)
{
	fake_runtime_disconnect(fr);
	return r;
}

int fake_runtime_accept(struct fake_runtime *fr, uint64_t timeout_ms, struct err *e)
{
	uint64_t deadline_us = deadline_after(timeout_ms);
	int fd;

	while ((fd = accept4(fr->listen_fd, NULL, NULL, SOCK_CLOEXEC)) < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			return err_sys(e, -errno, "accept a plugin");
		if (wait_fd(fr, fr->listen_fd, POLLIN, deadline_us) < 0)
			return err_set(e, -ETIMEDOUT, "no plugin connected");
	}
	fake_runtime_adopt(fr, fd);
	return 0;
}

bool fake_runtime_is_lost(struct fake_runtime *fr)
{
	int r;

	if (fr->fd < 0)
		return true;
	r = read_some(fr);
	if (r < 0)
		fake_runtime_disconnect(fr);
	return r < 0;
}

/* ---- calls ---- */

static struct ttrpc_span span(const char *text)
{
	return (struct ttrpc_span){(const uint8_t *)text, strlen(text)};
}

static int send_request(struct fake_runtime *fr, const char *method, struct ttrpc_span payload,
			uint64_t deadline_us, struct err *e)
{
	struct ttrpc_request req = {
		.service = span(NRI_SERVICE_PLUGIN),
		.method = span(method),
		.payload = payload,
		.timeout_ns = (int64_t)fr->options.request_timeout_ms * NS_PER_MS - 100000,
	};
	AUTO_STRBUF struct strbuf out;
	int r;

	fr->stream += (fr->stream ? 2 : 1) + 2 * fr->options.burnt_streams;
	strbuf_init(&out, OUT_MAX);
	r = ttrpc_add_request(&out, MUX_CONN_PLUGIN, fr->stream, &req);
	fr->sent_us = now_us();
	if (r == 0)
		r = send_all(fr, &out, deadline_us);
	return r < 0 ? err_sys(e, r, "send %s", method) : 0;
}

/* The answer to the request that went out last; anything else is passed over. */
static int await_response(struct fake_runtime *fr, uint64_t deadline_us, struct ttrpc_response *ret,
			  struct err *e)
{
	struct fake_nri_message msg;
	int r;

	do {
		r = next_message(fr, deadline_us, &msg, e);
		if (r < 0)
			return r;
	} while (msg.conn != MUX_CONN_PLUGIN || msg.type != TTRPC_RESPONSE ||
		 msg.stream != fr->stream);
	if (ttrpc_decode_response(msg.data, msg.len, ret) < 0)
		return err_set(e, -EPROTO, "the plugin's response cannot be decoded");
	return 0;
}

static int call(struct fake_runtime *fr, const char *method, struct ttrpc_span payload,
		uint64_t deadline_us, struct ttrpc_response *ret, struct err *e)
{
	int r = send_request(fr, method, payload, deadline_us, e);

	if (r == 0)
		r = await_response(fr, deadline_us, ret, e);
	if (r < 0)
		err_prefix(e, "%s", method);
	return r;
}

int fake_runtime_call(struct fake_runtime *fr, const char *method, const void *payload, size_t len,
		      struct fake_runtime_result *result, struct err *e)
{
	struct ttrpc_response resp;
	int r;

	*result = (struct fake_runtime_result){0};
	if (fr->fd < 0)
		return 0;
	r = call(fr, method, (struct ttrpc_span){payload, len},
		 deadline_after(fr->options.request_timeout_ms), &resp, e);
	if (r < 0)
		return lost(fr, r);
	*result = (struct fake_runtime_result){true, resp.code, now_us() - fr->sent_us};
	return 0;
}

/* ---- events ---- */

static bool has_own_rpc_always(enum nri_event event)
{
	return event == NRI_CREATE_CONTAINER || event == NRI_UPDATE_CONTAINER ||
	       event == NRI_STOP_CONTAINER || event == NRI_UPDATE_POD_SANDBOX;
}

static int send_state_change(struct fake_runtime *fr, enum nri_event event,
			     const struct nri_pod *pod, const struct nri_container *container,
			     struct fake_runtime_result *result, struct err *e)
{
	AUTO_STRBUF struct strbuf payload;

	strbuf_init(&payload, OUT_MAX);
	fake_nri_encode_state_change(&payload, (int32_t)event, pod, container);
	return fake_runtime_call(fr, "StateChange", payload.data, payload.len, result, e);
}

static int send_rpc(struct fake_runtime *fr, enum nri_event event, const struct nri_pod *pod,
		    const struct nri_container *container, struct fake_runtime_result *result,
		    struct err *e)
{
	AUTO_STRBUF struct strbuf payload;

	strbuf_init(&payload, OUT_MAX);
	fake_nri_encode_event(&payload, pod, container);
	return fake_runtime_call(fr, nri_event_method(event), payload.data, payload.len, result, e);
}

int fake_runtime_event(struct fake_runtime *fr, enum nri_event event, const struct nri_pod *pod,
		       const struct nri_container *container, struct fake_runtime_result *result,
		       struct err *e)
{
	int r;

	*result = (struct fake_runtime_result){0};
	if (fr->fd < 0 || !(fr->plugin.events & NRI_EVENT_BIT(event)))
		return 0;
	if (fr->plugin.is_state_change && !has_own_rpc_always(event))
		return send_state_change(fr, event, pod, container, result, e);
	r = send_rpc(fr, event, pod, container, result, e);
	if (r < 0 || result->code != TTRPC_UNIMPLEMENTED || has_own_rpc_always(event))
		return r;
	fr->plugin.is_state_change = true; /* for good, on this connection */
	return send_state_change(fr, event, pod, container, result, e);
}

/* ---- registration ---- */

static int copy_text(char *to, size_t size, const struct pb_field *f)
{
	if (f->type != PB_BYTES || f->len >= size)
		return -EPROTO;
	memcpy(to, f->data, f->len);
	to[f->len] = '\0';
	return 0;
}

static int decode_registration(struct fake_runtime *fr, struct ttrpc_span in)
{
	struct pb_field f;
	int r;

	fr->plugin.name[0] = fr->plugin.index[0] = '\0';
	while ((r = pb_next(&in.data, &in.len, &f)) > 0) {
		if (f.number == 1)
			r = copy_text(fr->plugin.name, sizeof(fr->plugin.name), &f);
		else if (f.number == 2)
			r = copy_text(fr->plugin.index, sizeof(fr->plugin.index), &f);
		if (r < 0)
			break;
	}
	if (r < 0 || !fr->plugin.name[0] || strlen(fr->plugin.index) != 2 ||
	    strspn(fr->plugin.index, "0123456789") != 2)
		return -EPROTO;
	return 0;
}

/* Wait for RegisterPlugin; *RET_STREAM is to be answered. */
static int await_registration(struct fake_runtime *fr, uint32_t *ret_stream, struct err *e)
{
	struct fake_nri_message msg;
	struct ttrpc_request req;
	int r = next_message(fr, deadline_after(fr->options.registration_timeout_ms), &msg, e);

	if (r < 0)
		return r;
	if (msg.conn != MUX_CONN_RUNTIME || msg.type != TTRPC_REQUEST || msg.stream != 1 ||
	    ttrpc_decode_request(msg.data, msg.len, &req) < 0 ||
	    !ttrpc_span_is(req.service, NRI_SERVICE_RUNTIME) ||
	    !ttrpc_span_is(req.method, NRI_METHOD_REGISTER))
		return err_set(e, -EPROTO, "the plugin did not begin with RegisterPlugin");
	if (decode_registration(fr, req.payload) < 0)
		return err_set(e, -EPROTO, "bad plugin name or index");
	*ret_stream = msg.stream;
	return 0;
}

static int answer_registration(struct fake_runtime *fr, uint32_t stream, struct err *e)
{
	AUTO_STRBUF struct strbuf out;
	int r;

	strbuf_init(&out, OUT_MAX);
	r = ttrpc_add_response(&out, MUX_CONN_RUNTIME, stream, NULL, 0);
	if (r == 0)
		r = send_all(fr, &out, deadline_after(fr->options.request_timeout_ms));
	return r < 0 ? err_sys(e, r, "answer the registration") : 0;
}

static int send_configure(struct fake_runtime *fr, uint64_t deadline_us, struct err *e)
{
	const struct fake_runtime_options *o = &fr->options;
	AUTO_STRBUF struct strbuf payload;

	strbuf_init(&payload, OUT_MAX);
	fake_nri_encode_configure(
		&payload,
		&(struct fake_nri_configure){
			.config = o->config,
			.runtime_name = o->runtime_name,
			.runtime_version = o->runtime_version,
			.nri_version = o->nri_version,
			.registration_timeout_ms =
				o->is_before_0_7 ? 0 : o->registration_timeout_ms,
			.request_timeout_ms = o->is_before_0_7 ? 0 : o->request_timeout_ms,
		});
	return send_request(fr, "Configure",
			    (struct ttrpc_span){(uint8_t *)payload.data, payload.len}, deadline_us,
			    e);
}

static int check_response(const struct ttrpc_response *resp, const char *method, struct err *e)
{
	size_t len = resp->message.len;

	if (resp->code == TTRPC_OK)
		return 0;
	return err_set(e, -EPERM, "%s: the plugin answered %" PRId32 ": %.*s", method, resp->code,
		       (int)(len < ANSWER_MAX_TEXT ? len : ANSWER_MAX_TEXT),
		       (const char *)resp->message.data);
}

static int await_subscription(struct fake_runtime *fr, uint64_t deadline_us, struct err *e)
{
	uint32_t known = fr->options.style == FAKE_RUNTIME_RPC ? EVENTS_RPC : EVENTS_OLD;
	struct ttrpc_response resp;
	struct pb_field f;
	int r = await_response(fr, deadline_us, &resp, e);

	if (r == 0)
		r = check_response(&resp, "Configure", e);
	if (r < 0)
		return r;
	fr->plugin.events = 0;
	while ((r = pb_next(&resp.payload.data, &resp.payload.len, &f)) > 0) {
		if (f.number == 2 && f.type == PB_VARINT)
			fr->plugin.events = (uint32_t)f.value;
	}
	if (r < 0 || fr->plugin.events == 0 || (fr->plugin.events & ~known))
		return err_set(e, -EPROTO, "the plugin subscribed to 0x%" PRIx32,
			       fr->plugin.events);
	return 0;
}

static int configure(struct fake_runtime *fr, uint32_t register_stream, struct err *e)
{
	uint64_t deadline_us = deadline_after(fr->options.request_timeout_ms);
	int r = 0;

	if (!fr->options.configure_first)
		r = answer_registration(fr, register_stream, e);
	if (r == 0)
		r = send_configure(fr, deadline_us, e);
	if (r == 0)
		r = await_subscription(fr, deadline_us, e);
	if (r == 0 && fr->options.configure_first)
		r = answer_registration(fr, register_stream, e);
	return r;
}

/* What one Synchronize carries of the whole. */
struct sync_part {
	const struct nri_pod *pods;
	size_t nr_pods;
	const struct nri_container *containers;
	size_t nr_containers;
	bool more;
};

static int send_part(struct fake_runtime *fr, const struct sync_part *part, uint64_t deadline_us,
		     struct err *e)
{
	bool has_updates = false, more = false;
	AUTO_STRBUF struct strbuf payload;
	struct ttrpc_response resp;
	struct pb_field f;
	int r;

	strbuf_init(&payload, OUT_MAX);
	fake_nri_encode_synchronize(&payload, part->pods, part->nr_pods, part->containers,
				    part->nr_containers, part->more);
	r = call(fr, "Synchronize", (struct ttrpc_span){(uint8_t *)payload.data, payload.len},
		 deadline_us, &resp, e);
	if (r == 0)
		r = check_response(&resp, "Synchronize", e);
	if (r < 0)
		return r;
	while ((r = pb_next(&resp.payload.data, &resp.payload.len, &f)) > 0) {
		has_updates = has_updates || f.number == 1;
		more = more || (f.number == 2 && f.value);
	}
	if (r < 0 || (part->more && (!more || has_updates)))
		return err_set(e, -EPROTO, "the plugin does not handle split sync requests");
	return 0;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* All parts share one deadline, as in the real runtime. */
static int synchronize(struct fake_runtime *fr, const struct sync_part *all, struct err *e)
{
	size_t most = fr->options.sync_part ? fr->options.sync_part : SIZE_MAX;
	uint64_t deadline_us = deadline_after(fr->options.request_timeout_ms);
	size_t pods = 0, containers = 0;
	int r = 0;

	do {
		struct sync_part part = {.pods = all->pods + pods,
					 .containers = all->containers + containers};

		part.nr_containers = min_size(most, all->nr_containers - containers);
		containers += part.nr_containers;
		if (!fr->options.sync_containers_first || containers == all->nr_containers)
			part.nr_pods = min_size(most, all->nr_pods - pods);
		pods += part.nr_pods;
		part.more = pods < all->nr_pods || containers < all->nr_containers;
		r = send_part(fr, &part, deadline_us, e);
	} while (r == 0 && (pods < all->nr_pods || containers < all->nr_containers));
	return r;
}

int fake_runtime_handshake(struct fake_runtime *fr, const struct nri_pod *pods, size_t nr_pods,
			   const struct nri_container *containers, size_t nr_containers,
			   struct err *e)
{
	struct sync_part all = {pods, nr_pods, containers, nr_containers, false};
	uint32_t register_stream = 0;
	int r;

	if (fr->fd < 0)
		return err_set(e, -ENOTCONN, "no plugin is connected");
	r = await_registration(fr, &register_stream, e);
	if (r == 0)
		r = configure(fr, register_stream, e);
	if (r == 0 && !fr->options.is_before_0_7)
		r = synchronize(fr, &all, e);
	if (r < 0)
		return lost(fr, r);
	fr->plugin.registrations++;
	return 0;
}
