/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a node costs in memory while it publishes: an object written for each pod, their pods
 * watched, and then all of it at rest. The API server is the fake one, in this process, so nothing
 * of it is in the figures; over plain HTTP.
 */

#include "bench.h"
#include "fake_apiserver.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define CONTAINERS 3
#define THREADS    5
#define STEP_MS    100
#define LIMIT_MS   120000
#define CALM_MS    15000 /* the daemon gives memory back after 10 s of calm */
#define RSS_AIM    4000000
#define FDS_MAX    64
#define RESOURCE   "podresctrlstatuses"
#define NAMESPACE  "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"shop\"}}"

static int write_text(const char *path, const char *text, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return err_sys(e, -errno, "write '%s'", path);
	return 0;
}

static int write_kubeconfig(const struct fake_api *api, const char *path, struct err *e)
{
	AUTO_FREE char *text = fake_api_kubeconfig(api);

	return text ? write_text(path, text, e) : err_set(e, -ENOMEM, "kubeconfig: out of memory");
}

static void add_pods(struct fake_api *api, const struct world *w)
{
	fake_api_put(api, "namespaces", json_tokener_parse(NAMESPACE));
	for (unsigned i = 0; i < w->size.pods; i++)
		fake_api_add_pod(api, w->pods[i].namespace_, w->pods[i].name, w->pods[i].uid,
				 BENCH_NODE, NULL);
}

static void serve(struct fake_api *api, uint64_t ms)
{
	uint64_t end_ns = wall_ns() + ms * 1000000;

	while (wall_ns() < end_ns && !bench_interrupted) {
		struct pollfd fds[FDS_MAX];
		size_t nr = fake_api_pollfds(api, fds, FDS_MAX);

		(void)poll(fds, nr, STEP_MS);
		while (fake_api_step(api))
			;
	}
}

static bool is_published(const struct fake_api *api, const struct nri_pod *pod)
{
	struct json_object *object = fake_api_get(api, RESOURCE, pod->namespace_, pod->name);
	struct json_object *status = NULL, *reason = NULL;

	return object && json_object_object_get_ex(object, "status", &status) &&
	       json_object_object_get_ex(status, "reason", &reason) &&
	       strcmp(json_object_get_string(reason), "AllAssigned") == 0;
}

static unsigned count_published(const struct fake_api *api, const struct world *w)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < w->size.pods; i++)
		nr += is_published(api, &w->pods[i]);
	return nr;
}

static int wait_published(struct fake_api *api, const struct world *w, struct err *e)
{
	uint64_t end_ns = wall_ns() + LIMIT_MS * UINT64_C(1000000);

	while (count_published(api, w) < w->size.pods) {
		if (bench_interrupted)
			return err_set(e, -EINTR, "interrupted");
		if (wall_ns() > end_ns)
			return err_set(e, -ETIMEDOUT, "only %u of %u objects were written",
				       count_published(api, w), w->size.pods);
		serve(api, STEP_MS);
	}
	return 0;
}

static void add_rows(const struct world *w, const struct child_memory *busy,
		     const struct child_memory *rest, struct table *t)
{
	char what[96];

	(void)snprintf(what, sizeof(what), "publishing: RSS with %u pods of %d containers, at rest",
		       w->size.pods, CONTAINERS);
	table_add(t, what, cell_mb(rest->rss_kb), cell_none, cell_none,
		  cell_aim("4 MB", rest->rss_kb * 1024 <= RSS_AIM));
	table_add(t, "  of that anonymous", cell_mb(rest->anon_kb), cell_none, cell_none,
		  cell_none);
	table_add(t, "  of that pages of files", cell_mb(rest->file_kb), cell_none, cell_none,
		  cell_none);
	table_add(t, "  RSS right after the last object was written", cell_mb(busy->rss_kb),
		  cell_none, cell_none, cell_none);
}

static int publish(struct fake_api *api, const struct world *w, struct table *t, struct err *e)
{
	struct child_memory busy, rest;
	struct rig_sync sync;
	struct rig rig;
	int r;

	need_rmids(w->bench, w->size.pods);
	r = rig_open(w->bench, "30s", &rig, e);
	if (r < 0)
		return r;
	r = rig_synchronize(&rig, w, false, &sync, e);
	if (r == 0)
		r = wait_published(api, w, e);
	if (r == 0) {
		child_memory(&rig.child, &busy);
		serve(api, CALM_MS);
		child_memory(&rig.child, &rest);
		add_rows(w, &busy, &rest, t);
	} else {
		child_print_log_end(&rig.child);
	}
	rig_close(&rig);
	return r;
}

int measure_publishing(const struct bench *b, struct table *t, struct err *e)
{
	char path[PATH_MAX];
	struct bench with_api = *b;
	struct fake_api *api = fake_api_new(0);
	struct world *w = NULL;
	int r;

	if (!api)
		return err_sys(e, -errno, "an API server");
	(void)snprintf(path, sizeof(path), "%s/kubeconfig", b->dir);
	with_api.kubeconfig = path;
	r = write_kubeconfig(api, path, e);
	if (r == 0)
		r = world_new(&with_api, (struct world_size){b->pods, CONTAINERS, THREADS}, &w, e);
	if (r == 0) {
		add_pods(api, w);
		r = publish(api, w, t, e);
	}
	world_free(w);
	fake_api_free(api);
	return r;
}
