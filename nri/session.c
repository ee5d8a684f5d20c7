/* SPDX-License-Identifier: Apache-2.0 */
#include "nri_encode.h"
#include "nri_methods.h"
#include "nri_session_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define REGISTER_TIMEOUT_MS    30000u /* runtimes register one plugin at a time: be patient */
#define SYNCHRONIZE_TIMEOUT_MS 15000u
#define REQUEST_TIMEOUT_MS     2000u /* until Configure says */
#define REGISTER_STREAM        1u
#define DECODE_MAX             (64u << 20) /* one decoded message of at most 4 MiB */
#define QUOTED_MAX             200

static bool is_index(const char *index)
{
	return strlen(index) == 2 && strspn(index, "0123456789") == 2;
}

static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.+-";
	size_t len = strspn(name, allowed);

	return len > 0 && len <= NRI_NAME_MAX && name[len] == '\0';
}

static int check_config(const struct nri_session_config *config, struct err *e)
{
	uint32_t events = config->events;

	if (!is_name(config->plugin_name))
		return err_set(e, -EINVAL, "plugin name '%s': want letters, digits and _.+-",
			       config->plugin_name);
	if (!is_index(config->plugin_index))
		return err_set(e, -EINVAL, "plugin index '%s': want two digits",
			       config->plugin_index);
	if (events && (!(events & NRI_EVENTS_ALWAYS) || (events & ~NRI_EVENTS_ALL)))
		return err_set(e, -EINVAL, "event mask 0x%" PRIx32 ": not possible", events);
	return 0;
}

static void fill_session(struct nri_session *s, const struct nri_session_config *config)
{
	memcpy(s->plugin_name, config->plugin_name, strlen(config->plugin_name) + 1);
	memcpy(s->plugin_index, config->plugin_index, sizeof(s->plugin_index));
	s->events = config->events ? config->events : NRI_DEFAULT_EVENTS;
	s->register_timeout_ms =
		config->register_timeout_ms ? config->register_timeout_ms : REGISTER_TIMEOUT_MS;
	s->synchronize_timeout_ms = config->synchronize_timeout_ms ? config->synchronize_timeout_ms
								   : SYNCHRONIZE_TIMEOUT_MS;
	s->request_timeout_ms = REQUEST_TIMEOUT_MS;
	s->with_labels = config->with_labels;
	s->state = NRI_SESSION_NEW;
	s->deadline_ms = UINT64_MAX;
	ttrpc_rx_init(&s->plugin_rx);
	ttrpc_rx_init(&s->runtime_rx);
	strbuf_init(&s->out, NRI_OUTPUT_MAX);
	nri_arena_init(&s->scratch, DECODE_MAX);
	nri_snapshot_init(&s->snapshot);
}

int nri_session_new(const struct nri_session_config *config, const struct nri_handlers *handlers,
		    void *ctx, struct nri_session **ret, struct err *e)
{
	struct nri_session *s;
	int r = check_config(config, e);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, -ENOMEM, "NRI session: out of memory");
	s->handlers = handlers;
	s->ctx = ctx;
	fill_session(s, config);
	*ret = s;
	return 0;
}

struct nri_session *nri_session_free(struct nri_session *s)
{
	if (!s)
		return NULL;
	ttrpc_rx_done(&s->plugin_rx);
	ttrpc_rx_done(&s->runtime_rx);
	strbuf_done(&s->out);
	nri_arena_done(&s->scratch);
	nri_snapshot_done(&s->snapshot);
	free(s);
	return NULL;
}

/* Whatever arrives shows that the runtime is at it; the clock starts again. */
static void set_deadline(struct nri_session *s, uint64_t now_ms)
{
	uint64_t wait_ms;

	switch (s->state) {
	case NRI_SESSION_REGISTERING:
		wait_ms = s->register_timeout_ms;
		break;
	case NRI_SESSION_CONFIGURED:
		wait_ms = s->synchronize_timeout_ms;
		break;
	case NRI_SESSION_NEW:
	case NRI_SESSION_SYNCHRONIZING:
	case NRI_SESSION_SYNCHRONIZED:
	case NRI_SESSION_FAILED:
	default:
		wait_ms = UINT64_MAX;
	}
	s->deadline_ms = now_ms > UINT64_MAX - wait_ms ? UINT64_MAX : now_ms + wait_ms;
}

static int fail(struct nri_session *s, int r)
{
	s->state = NRI_SESSION_FAILED;
	s->deadline_ms = UINT64_MAX;
	return r;
}

static int queue_register(struct nri_session *s)
{
	AUTO_STRBUF struct strbuf payload;
	struct ttrpc_request req = {
		.service = {(const uint8_t *)NRI_SERVICE_RUNTIME, strlen(NRI_SERVICE_RUNTIME)},
		.method = {(const uint8_t *)NRI_METHOD_REGISTER, strlen(NRI_METHOD_REGISTER)},
	};
	int r;

	strbuf_init(&payload, MUX_FIRST_FRAME_MAX);
	r = nri_encode_register(&payload, s->plugin_name, s->plugin_index);
	if (r < 0)
		return r;
	req.payload = (struct ttrpc_span){(const uint8_t *)payload.data, payload.len};
	return ttrpc_add_request(&s->out, MUX_CONN_RUNTIME, REGISTER_STREAM, &req);
}

int nri_session_start(struct nri_session *s, uint64_t now_ms, struct err *e)
{
	int r;

	if (s->state != NRI_SESSION_NEW)
		return err_set(e, -EALREADY, "NRI session: started before");
	r = queue_register(s);
	if (r < 0)
		return fail(s, err_sys(e, r, "queue the registration"));
	s->state = NRI_SESSION_REGISTERING;
	set_deadline(s, now_ms);
	return 0;
}

/* The answer to RegisterPlugin, the only call that is made. */
static int take_response(struct nri_session *s, const struct ttrpc_frame *frame, struct err *e)
{
	struct ttrpc_response resp;

	if (frame->type != TTRPC_RESPONSE || frame->stream != REGISTER_STREAM || s->is_registered) {
		s->stats.ignored++;
		return 0;
	}
	if (frame->is_oversized || ttrpc_decode_response(frame->data, frame->len, &resp) < 0)
		return err_set(e, -EPROTO, "the runtime's answer to the registration is garbled");
	if (resp.code != TTRPC_OK)
		return err_set(e, -EPERM,
			       "the runtime refused the registration: code %" PRId32 ": %.*s",
			       resp.code,
			       (int)(resp.message.len < QUOTED_MAX ? resp.message.len : QUOTED_MAX),
			       (const char *)resp.message.data);
	s->is_registered = true;
	return 0;
}

/* As ttrpc_rx_take(), and when each message of the runtime began. */
static int take_message(struct nri_session *s, struct ttrpc_rx *rx, struct mux_slice *slice,
			struct ttrpc_frame *frame)
{
	if (rx == &s->plugin_rx && !ttrpc_rx_is_inside(rx))
		s->began_ms = s->now_ms;
	return ttrpc_rx_take(rx, &slice->data, &slice->len, frame);
}

/* One piece of one connection's stream, which may hold any number of messages. */
static int take_slice(struct nri_session *s, struct mux_slice slice, struct err *e)
{
	bool is_plugin = slice.conn == MUX_CONN_PLUGIN;
	struct ttrpc_rx *rx = is_plugin ? &s->plugin_rx : &s->runtime_rx;
	struct ttrpc_frame frame;
	int r;

	if (!is_plugin && slice.conn != MUX_CONN_RUNTIME) {
		s->stats.ignored += slice.is_start;
		return 0;
	}
	while ((r = take_message(s, rx, &slice, &frame)) > 0) {
		r = is_plugin ? nri_serve(s, &frame, e) : take_response(s, &frame, e);
		if (r < 0)
			return r;
	}
	return r < 0 ? err_sys(e, r, "receive a message") : 0;
}

int nri_session_feed(struct nri_session *s, const void *data, size_t len, uint64_t now_ms,
		     struct err *e)
{
	const uint8_t *p = data;
	struct mux_slice slice;
	int r;

	if (s->state == NRI_SESSION_NEW || s->state == NRI_SESSION_FAILED)
		return err_set(e, -ESHUTDOWN, "NRI session: not running");
	if (len == 0)
		return 0;
	s->now_ms = now_ms;
	while ((r = mux_rx_take(&s->mux, &p, &len, &slice)) > 0) {
		r = take_slice(s, slice, e);
		if (r < 0)
			return fail(s, r);
	}
	if (r < 0)
		return fail(s, err_set(e, r, "corrupt stream: a frame of %" PRIu32 " bytes",
				       s->mux.left));
	set_deadline(s, now_ms);
	return 0;
}

int nri_session_step(struct nri_session *s, struct err *e)
{
	int r = nri_serve_more(s, e);

	return r < 0 ? fail(s, r) : r;
}

void nri_session_output(const struct nri_session *s, const void **ret_data, size_t *ret_len)
{
	*ret_data = s->out.data;
	*ret_len = s->out.len;
}

void nri_session_sent(struct nri_session *s, size_t len)
{
	strbuf_consume(&s->out, len);
}

uint64_t nri_session_deadline(const struct nri_session *s)
{
	return s->deadline_ms;
}

int nri_session_tick(struct nri_session *s, uint64_t now_ms, struct err *e)
{
	const char *what = s->state == NRI_SESSION_CONFIGURED ? "Synchronize" : "Configure";

	if (now_ms < s->deadline_ms)
		return 0;
	return fail(s, err_set(e, -ETIMEDOUT, "the runtime went silent before %s", what));
}

enum nri_session_state nri_session_state(const struct nri_session *s)
{
	return s->state;
}

const struct nri_session_stats *nri_session_stats(const struct nri_session *s)
{
	return &s->stats;
}
