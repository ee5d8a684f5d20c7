/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The NRI library alone, in this process: the largest Synchronize the protocol can carry, and
 * events that nobody does anything about.
 */

#include "bench.h"
#include "fake_nri_encode.h"
#include "nri_methods.h"
#include "ttrpc.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define CHUNK     65536 /* what one read of the daemon takes */
#define RUNS      9
#define AIM_MS    50
#define EVENTS    2000
#define BYTES_MAX (TTRPC_DATA_MAX - 4096)

static const struct nri_kv annotations[] = {
	{"io.kubernetes.container.hash", "9f2e71c4"},
	{"io.kubernetes.container.terminationMessagePath", "/dev/termination-log"},
	{"io.kubernetes.cri.image-name", "registry.example.net/storefront/checkout:2.14.3"},
	{"example.net/deployment",
	 "{\"team\":\"storefront\",\"change\":\"4711\",\"stage\":\"production\"}"},
};

static void count(void *ctx, const struct nri_pod *pods, size_t nr_pods,
		  const struct nri_container *containers, size_t nr_containers)
{
	(void)pods;
	(void)nr_pods;
	(void)containers;
	*(size_t *)ctx = nr_containers;
}

static struct ttrpc_span span(const char *text)
{
	return (struct ttrpc_span){(const uint8_t *)text, strlen(text)};
}

/* As many containers as fit in one message; the same one again and again. */
static size_t encode_synchronize(struct strbuf *payload)
{
	const struct nri_container c = {
		.id = "00000000000000000000000000000000000000000000000000000def00000000",
		.pod_sandbox_id =
			"00000000000000000000000000000000000000000000000000000abc00000000",
		.name = "server",
		.cgroups_path = "/kubepods/burstable/pod5b0e4f3c-8d1a-4c7e-9a63-000000000000/"
				"00000000000000000000000000000000000000000000000000000def00000000",
		.state = NRI_CONTAINER_RUNNING,
		.annotations = annotations,
		.nr_annotations = ARRAY_LEN(annotations),
		.pid = 4711,
	};
	size_t nr = 0;

	strbuf_init(payload, 8u << 20);
	while (!payload->error && payload->len < BYTES_MAX - 2048) {
		fake_nri_encode_synchronize(payload, NULL, 0, &c, 1, false);
		nr++;
	}
	return nr;
}

static int add_request(struct strbuf *out, uint32_t stream, const char *method,
		       const struct strbuf *payload)
{
	const struct ttrpc_request request = {
		.service = span(NRI_SERVICE_PLUGIN),
		.method = span(method),
		.payload = {(const uint8_t *)payload->data, payload->len},
	};

	return ttrpc_add_request(out, MUX_CONN_PLUGIN, stream, &request);
}

/* The registration and Configure; what a session must have seen before. */
static int feed_opening(struct nri_session *s, struct err *e)
{
	AUTO_STRBUF struct strbuf out, payload;
	int r;

	strbuf_init(&out, 1u << 20);
	strbuf_init(&payload, 1u << 20);
	fake_nri_encode_configure(&payload, &(struct fake_nri_configure){.runtime_name = "bench"});
	r = ttrpc_add_response(&out, MUX_CONN_RUNTIME, 1, NULL, 0);
	if (r == 0)
		r = add_request(&out, 1, "Configure", &payload);
	return r < 0 ? err_sys(e, r, "encode") : nri_session_feed(s, out.data, out.len, 0, e);
}

static int open_session(const struct nri_handlers *handlers, void *ctx, struct nri_session **ret,
			struct err *e)
{
	const struct nri_session_config config = {.plugin_name = "bench", .plugin_index = "90"};
	int r = nri_session_new(&config, handlers, ctx, ret, e);

	if (r == 0)
		r = nri_session_start(*ret, 0, e);
	return r == 0 ? feed_opening(*ret, e) : r;
}

/* What malloc() has given out and not got back. */
static size_t allocated(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

struct decoded {
	struct samples took;
	size_t containers;
	size_t kept; /* bytes, when all was delivered */
};

static int run_once(const struct strbuf *message, struct decoded *ret, struct err *e)
{
	static const struct nri_handlers handlers = {.synchronize = count};
	struct nri_session *s = NULL;
	int r = open_session(&handlers, &ret->containers, &s, e);
	size_t before = allocated(), after;
	uint64_t start = wall_ns();

	for (size_t done = 0; r == 0 && done < message->len; done += CHUNK) {
		size_t len = message->len - done < CHUNK ? message->len - done : CHUNK;

		r = nri_session_feed(s, message->data + done, len, 0, e);
	}
	samples_add(&ret->took, wall_ns() - start);
	after = allocated();
	ret->kept = after > before ? after - before : 0; /* less: something else was given back */
	(void)nri_session_free(s);
	return r;
}

static int measure_snapshot(const struct bench *b, struct table *t, struct err *e)
{
	AUTO_STRBUF struct strbuf payload, message;
	struct decoded d = {.kept = 0};
	size_t nr = encode_synchronize(&payload);
	int r;

	strbuf_init(&message, 16u << 20);
	r = add_request(&message, 3, "Synchronize", &payload);
	if (r < 0)
		return err_sys(e, r, "encode Synchronize");
	for (unsigned i = 0; r == 0 && i < RUNS && !bench_interrupted; i++)
		r = run_once(&message, &d, e);
	if (r == 0 && d.containers != nr)
		r = err_set(e, -EPROTO, "%zu of %zu containers were decoded", d.containers, nr);
	if (r == 0) {
		double ms = samples_us(&d.took, 0.5) / 1000;
		char what[72];

		(void)snprintf(what, sizeof(what), "Synchronize of 4 MiB, %zu containers: decoded",
			       nr);
		table_add(t, what, cell_ms(ms), cell_none, cell_none,
			  cell_time_aim(b, "50 ms", ms < AIM_MS));
		table_add(t, "  memory of it that is kept", cell_mb(d.kept / 1024), cell_none,
			  cell_none, cell_aim("0.1 MB", d.kept < 100 * 1024));
	}
	samples_done(&d.took);
	return r;
}

/* The largest of what a runtime sends often: a pod and a container with usual annotations. */
static int encode_event(struct strbuf *out, uint32_t stream, bool is_state_change)
{
	const struct nri_pod pod = {
		.id = "00000000000000000000000000000000000000000000000000000abc00000000",
		.name = "checkout-5b0e4f3c8d",
		.uid = "5b0e4f3c-8d1a-4c7e-9a63-000000000000",
		.namespace_ = "storefront",
		.annotations = annotations,
		.nr_annotations = ARRAY_LEN(annotations)};
	const struct nri_container c = {
		.id = "00000000000000000000000000000000000000000000000000000def00000000",
		.pod_sandbox_id = pod.id,
		.name = "server",
		.annotations = annotations,
		.nr_annotations = ARRAY_LEN(annotations),
		.pid = 4711,
	};
	AUTO_STRBUF struct strbuf payload;

	strbuf_init(&payload, 1u << 20);
	if (is_state_change)
		fake_nri_encode_state_change(&payload, NRI_POST_UPDATE_CONTAINER, &pod, &c);
	else
		fake_nri_encode_event(&payload, &pod, &c);
	return add_request(out, stream, is_state_change ? "StateChange" : "PostUpdateContainer",
			   &payload);
}

static int run_events(struct nri_session *s, bool is_state_change, uint32_t first_stream,
		      struct samples *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf message;
	int r = 0;

	strbuf_init(&message, 1u << 20);
	for (uint32_t i = 0; r == 0 && i < EVENTS; i++) {
		const void *answer;
		uint64_t start;
		size_t len;

		strbuf_reset(&message);
		r = encode_event(&message, first_stream + 2 * i, is_state_change);
		start = wall_ns();
		if (r == 0)
			r = nri_session_feed(s, message.data, message.len, 0, e);
		nri_session_output(s, &answer, &len);
		nri_session_sent(s, len);
		samples_add(ret, wall_ns() - start);
	}
	return r;
}

static int measure_idle_events(struct table *t, struct err *e)
{
	static const struct nri_handlers handlers = {.event = NULL};
	struct samples took[2] = {{0}};
	struct nri_session *s = NULL;
	int r = open_session(&handlers, NULL, &s, e);

	for (uint32_t i = 0; r == 0 && i < 2; i++)
		r = run_events(s, i == 1, 101 + i * 2 * EVENTS, &took[i], e);
	if (r == 0) {
		table_add(t, "an event in its own call: decoded, answered, p50 / p99",
			  cell_p50_p99(&took[0]), cell_none, cell_none, cell_none);
		table_add(t, "one in a StateChange: decoded, answered, p50 / p99",
			  cell_p50_p99(&took[1]), cell_none, cell_none, cell_none);
	}
	samples_done(&took[0]);
	samples_done(&took[1]);
	(void)nri_session_free(s);
	return r;
}

int measure_decode(const struct bench *b, struct table *t, struct err *e)
{
	int r;

	say("decoding");
	r = measure_snapshot(b, t, e);
	return r == 0 ? measure_idle_events(t, e) : r;
}
