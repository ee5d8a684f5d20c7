/* SPDX-License-Identifier: Apache-2.0 */

/* The NRI library alone, in this process: the largest Synchronize the protocol can carry. */

#include "bench.h"
#include "fake_nri_encode.h"
#include "nri_methods.h"
#include "ttrpc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHUNK     65536 /* what one read of the daemon takes */
#define RUNS      9
#define AIM_MS    50
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

static int run_once(const struct strbuf *message, struct samples *ret, size_t *decoded,
		    struct err *e)
{
	const struct nri_session_config config = {.plugin_name = "bench", .plugin_index = "90"};
	const struct nri_handlers handlers = {.synchronize = count};
	struct nri_session *s = NULL;
	uint64_t start;
	int r = nri_session_new(&config, &handlers, decoded, &s, e);

	if (r == 0)
		r = nri_session_start(s, 0, e);
	if (r == 0)
		r = feed_opening(s, e);
	start = wall_ns();
	for (size_t done = 0; r == 0 && done < message->len; done += CHUNK) {
		size_t len = message->len - done < CHUNK ? message->len - done : CHUNK;

		r = nri_session_feed(s, message->data + done, len, 0, e);
	}
	samples_add(ret, wall_ns() - start);
	(void)nri_session_free(s);
	return r;
}

int measure_decode(const struct bench *b, struct table *t, struct err *e)
{
	AUTO_STRBUF struct strbuf payload, message;
	struct samples s = {0};
	size_t decoded = 0, nr = encode_synchronize(&payload);
	int r;

	say("decoding");
	strbuf_init(&message, 16u << 20);
	r = add_request(&message, 3, "Synchronize", &payload);
	if (r < 0)
		return err_sys(e, r, "encode Synchronize");
	for (unsigned i = 0; r == 0 && i < RUNS && !bench_interrupted; i++)
		r = run_once(&message, &s, &decoded, e);
	if (r == 0 && decoded != nr)
		r = err_set(e, -EPROTO, "%zu of %zu containers were decoded", decoded, nr);
	if (r == 0) {
		double ms = samples_us(&s, 0.5) / 1000;
		char what[72];

		(void)snprintf(what, sizeof(what), "Synchronize of 4 MiB, %zu containers: decoded",
			       nr);
		table_add(t, what, cell_ms(ms), cell_none, cell_none,
			  cell_time_aim(b, "50 ms", ms < AIM_MS));
	}
	samples_done(&s);
	return r;
}
