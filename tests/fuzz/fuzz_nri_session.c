/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A whole plugin session fed by a hostile runtime, whole and in pieces: both must end the
 * same way and have sent the same. The first byte says how large the pieces are. The
 * handlers read every byte they are given.
 */

#include "nri.h"
#include "strbuf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SENT_MAX (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct record {
	struct strbuf sent;
	uint64_t digest;
	int error;
	struct nri_session_stats stats;
	/* of a snapshot that is taken in parts */
	bool is_kept;
	uint64_t kept; /* its digest */
	const struct nri_pod *pods;
	const struct nri_container *containers;
	size_t nr_pods, nr_containers;
	unsigned parts_left;
};

static void mix(struct record *rec, const char *text)
{
	if (!text)
		abort();
	for (; *text; text++)
		rec->digest = (rec->digest ^ (uint8_t)*text) * 0x100000001b3u;
}

static void mix_entries(struct record *rec, const struct nri_kv *kv, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		mix(rec, kv[i].key);
		mix(rec, kv[i].value);
	}
}

static void see_pod(struct record *rec, const struct nri_pod *pod)
{
	if (!pod->id[0] || strlen(pod->id) > NRI_NAME_MAX || strlen(pod->uid) > NRI_NAME_MAX)
		abort();
	mix(rec, pod->id);
	mix(rec, pod->name);
	mix(rec, pod->uid);
	mix(rec, pod->namespace_);
	mix(rec, pod->runtime_handler);
	mix(rec, pod->cgroup_parent);
	mix(rec, pod->cgroups_path);
	mix_entries(rec, pod->labels, pod->nr_labels);
	mix_entries(rec, pod->annotations, pod->nr_annotations);
}

static void see_container(struct record *rec, const struct nri_container *ctr)
{
	if (!ctr->id[0] || strlen(ctr->id) > NRI_NAME_MAX || ctr->state > NRI_CONTAINER_STOPPED)
		abort();
	mix(rec, ctr->id);
	mix(rec, ctr->pod_sandbox_id);
	mix(rec, ctr->name);
	mix(rec, ctr->cgroups_path);
	mix(rec, ctr->clos_id);
	mix_entries(rec, ctr->labels, ctr->nr_labels);
	mix_entries(rec, ctr->annotations, ctr->nr_annotations);
}

static int on_configure(void *ctx, const struct nri_configure *configure, struct err *e)
{
	struct record *rec = ctx;

	if (configure->events == 0 || configure->events > 0x1fff)
		abort();
	mix(rec, configure->config);
	mix(rec, configure->runtime_name);
	mix(rec, configure->runtime_version);
	mix(rec, configure->nri_version);
	return strcmp(configure->config, "refuse") == 0 ? err_set(e, -EINVAL, "refused") : 0;
}

static void on_synchronize(void *ctx, const struct nri_pod *pods, size_t nr_pods,
			   const struct nri_container *containers, size_t nr_containers)
{
	for (size_t i = 0; i < nr_pods; i++)
		see_pod(ctx, &pods[i]);
	for (size_t i = 0; i < nr_containers; i++)
		see_container(ctx, &containers[i]);
}

static uint64_t digest_of_kept(const struct record *rec)
{
	struct record seen = {0};

	on_synchronize(&seen, rec->pods, rec->nr_pods, rec->containers, rec->nr_containers);
	return seen.digest;
}

/* It is still what was handed over. */
static bool take_part(void *ctx)
{
	struct record *rec = ctx;

	if (digest_of_kept(rec) != rec->kept)
		abort();
	return --rec->parts_left > 0;
}

static void keep_snapshot(void *ctx, const struct nri_pod *pods, size_t nr_pods,
			  const struct nri_container *containers, size_t nr_containers)
{
	struct record *rec = ctx;

	rec->pods = pods;
	rec->nr_pods = nr_pods;
	rec->containers = containers;
	rec->nr_containers = nr_containers;
	rec->parts_left = 2;
	rec->is_kept = true;
	rec->kept = digest_of_kept(rec);
	rec->digest += rec->kept;
}

static void on_event(void *ctx, enum nri_event event, const struct nri_pod *pod,
		     const struct nri_container *container, uint64_t deadline_ms)
{
	(void)deadline_ms;
	if (nri_event_is_container(event) ? !container : (!pod || container))
		abort();
	mix(ctx, nri_event_name(event));
	if (pod)
		see_pod(ctx, pod);
	if (container)
		see_container(ctx, container);
}

static const struct nri_handlers at_once = {
	.configure = on_configure,
	.synchronize = on_synchronize,
	.event = on_event,
};

static const struct nri_handlers in_parts = {
	.configure = on_configure,
	.synchronize = keep_snapshot,
	.synchronize_more = take_part,
	.event = on_event,
};

static void take_output(struct nri_session *s, struct strbuf *sent)
{
	const void *data;
	size_t len;

	nri_session_output(s, &data, &len);
	(void)strbuf_add(sent, data, len);
	nri_session_sent(s, len);
}

static void run(const uint8_t *data, size_t size, size_t step, struct record *rec)
{
	struct nri_session_config config = {
		.plugin_name = "fuzz", .plugin_index = "00", .with_labels = size % 2 == 0};
	const struct nri_handlers *handlers = size % 3 ? &at_once : &in_parts;
	struct nri_session *s = NULL;
	struct err e;

	strbuf_init(&rec->sent, SENT_MAX);
	if (nri_session_new(&config, handlers, rec, &s, &e) < 0 || nri_session_start(s, 0, &e) < 0)
		abort();
	for (size_t at = 0; at < size && !rec->error; at += step) {
		size_t n = size - at < step ? size - at : step;

		rec->error = nri_session_feed(s, data + at, n, at, &e);
		while (!rec->error && nri_session_step(s, &e) > 0)
			;
		take_output(s, &rec->sent);
	}
	rec->stats = *nri_session_stats(s);
	nri_session_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record whole = {0}, pieces = {0};

	if (size < 2)
		return 0;
	run(data + 1, size - 1, size, &whole);
	run(data + 1, size - 1, (size_t)data[0] + 1, &pieces);
	if (whole.error != pieces.error || whole.digest != pieces.digest ||
	    whole.stats.requests != pieces.stats.requests)
		abort();
	/* Of two that end badly, one may have answered a snapshot before. */
	if (!(whole.error && whole.is_kept) &&
	    (whole.sent.len != pieces.sent.len ||
	     memcmp(whole.sent.data, pieces.sent.data, whole.sent.len) != 0))
		abort();
	strbuf_done(&whole.sent);
	strbuf_done(&pieces.sent);
	return 0;
}
