/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an API server may send: a watch's stream, a list, or the answer to a request. The
 * first byte chooses, the second is the size of the pieces. Checked: the same objects
 * come out however the bytes are cut, and the caller's story adds up.
 */

#include "watch_priv.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static long balance; /* ADDED minus DELETED */

static void watch_fd(void *ctx, int fd, int want)
{
	(void)ctx;
	(void)fd;
	(void)want;
}

static void set_timer(void *ctx, int64_t ms)
{
	(void)ctx;
	(void)ms;
}

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return 1000000;
}

static uint32_t no_random(void *ctx)
{
	(void)ctx;
	return 4;
}

static void on_object(void *ctx, enum k8s_event_type type, const struct k8s_object_meta *m)
{
	(void)ctx;
	assert(*m->name && *m->uid && m->namespace_);
	(void)k8s_meta_annotation(m, "a");
	if (type == K8S_ADDED)
		balance++;
	if (type == K8S_DELETED)
		balance--;
}

static const struct k8s_loop_ops loop_ops = {watch_fd, set_timer, now_ms, no_random, NULL};
static const struct k8s_watch_ops watch_ops = {.on_object = on_object};

static struct k8s_client *client(void)
{
	static const char text[] =
		"{current-context: c, contexts: [{name: c, context: {cluster: k}}],"
		"clusters: [{name: k, cluster: {server: 'http://127.0.0.1:1'}}]}";
	static struct k8s_config *cfg;
	static struct k8s_client *c;

	if (!c && (k8s_config_parse(text, strlen(text), "t", NULL, &cfg, NULL) < 0 ||
		   k8s_client_new(cfg, &loop_ops, NULL, &c, NULL) < 0))
		abort();
	return c;
}

/* Feeds all in pieces; every object goes to W (as frame or list) if given, and is counted. */
static int feed(const uint8_t *data, size_t size, size_t piece, struct k8s_watch *w, bool is_list,
		size_t *nr)
{
	struct k8s_stream s;
	size_t pos = 0;
	int r = k8s_stream_init(&s);

	while (r >= 0 && pos < size) {
		size_t len = size - pos < piece ? size - pos : piece, used = 0;
		struct json_object *o = NULL;

		r = k8s_stream_next(&s, (const char *)data + pos, len, &used, &o);
		assert(used <= len && (r != 0 || used > 0));
		pos += used;
		if (r != 1)
			continue;
		++*nr;
		if (w && is_list) {
			w->list = json_object_get(o);
			w->list_nr++;
			w->want_list = true;
			k8s_watch_take_list(w);
		} else if (w) {
			k8s_watch_take_frame(w, o);
		}
		json_object_put(o);
	}
	k8s_stream_done(&s);
	return r < 0 ? r : 0;
}

static void try_watch(const uint8_t *data, size_t size, size_t piece, bool is_list)
{
	const struct k8s_watch_spec spec = {.path = "/x", .max_objects = 100};
	struct k8s_watch_stats stats;
	struct k8s_watch *w;
	size_t nr_cut = 0, nr_whole = 0;
	int cut, whole;

	if (k8s_watch_new(client(), &spec, &watch_ops, NULL, &w, NULL) < 0)
		abort();
	balance = 0;
	cut = feed(data, size, piece, w, is_list, &nr_cut);
	whole = feed(data, size, size + 1, NULL, false, &nr_whole);
	assert(cut == whole && nr_cut == nr_whole);
	k8s_watch_get_stats(w, &stats);
	assert(balance >= 0 && (size_t)balance == stats.objects);
	k8s_watch_free(w);
}

/* "Header: x" lines up to an empty one, then the body. */
static void try_answer(const uint8_t *data, size_t size, int http_status)
{
	char *text = malloc(size + 1), *line = text, *end;
	struct k8s_answer a = {0};
	struct k8s_status s;

	memcpy(text, data, size);
	text[size] = '\0';
	while ((end = memchr(line, '\n', size - (size_t)(line - text)))) {
		k8s_answer_header(&a, line, (size_t)(end - line + 1));
		line = end + 1;
		if (end == text || end[-1] == '\n')
			break;
	}
	k8s_status_decode(&s, http_status, &a, line, size - (size_t)(line - text));
	assert(s.r.rc <= 0 && (s.r.rc == 0 || s.r.message));
	k8s_status_done(&s);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 65536)
		return 0;
	if (data[0] % 3 == 2)
		try_answer(data + 2, size - 2, 200 + data[1] * 2);
	else
		try_watch(data + 2, size - 2, 1U + data[1], data[0] % 3 == 1);
	return 0;
}
