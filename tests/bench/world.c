/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The pods of a node as the runtime would describe them, with labels and annotations of
 * the usual number and length, so that messages are as long as real ones.
 */

#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FAKE_TID_FIRST 1000000

static const struct nri_kv labels[] = {
	{"app.kubernetes.io/name", "storefront-checkout"},
	{"app.kubernetes.io/instance", "storefront-production"},
	{"pod-template-hash", "7c9f8b6d54"},
	{"io.kubernetes.container.name", "server"},
};

static const struct nri_kv annotations[] = {
	{"io.kubernetes.container.hash", "9f2e71c4"},
	{"io.kubernetes.container.restartCount", "0"},
	{"io.kubernetes.container.terminationMessagePath", "/dev/termination-log"},
	{"io.kubernetes.cri.image-name", "registry.example.net/storefront/checkout:2.14.3"},
	{"kubernetes.io/config.seen", "2024-01-01T00:00:00.000000000Z"},
	{"prometheus.io/scrape", "true"},
	{"example.net/deployment",
	 "{\"team\":\"storefront\",\"change\":\"4711\",\"stage\":\"production\",\"window\":\"weekday\"}"},
};

static const char *text(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* NULL without memory. */
static const char *text(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

static bool describe_pod(struct nri_pod *p, size_t i)
{
	*p = (struct nri_pod){
		.id = text("%064zx", 0xabc0000000 + i),
		.name = text("storefront-checkout-7c9f8b6d54-%05zu", i),
		.uid = text("5b0e4f3c-8d1a-4c7e-9a63-%012zx", i),
		.namespace_ = "shop",
		.cgroup_parent = text("/podresctrl-bench/pod5b0e4f3c-8d1a-4c7e-9a63-%012zx", i),
		.labels = labels,
		.nr_labels = ARRAY_LEN(labels),
		.annotations = annotations,
		.nr_annotations = ARRAY_LEN(annotations),
	};
	return p->id && p->name && p->uid && p->cgroup_parent;
}

static bool describe_container(struct nri_container *c, const struct nri_pod *pod, size_t i)
{
	*c = (struct nri_container){
		.id = text("%064zx", 0xdef0000000 + i),
		.pod_sandbox_id = pod->id,
		.name = "server",
		.cgroups_path = text("%s/%064zx", pod->cgroup_parent, 0xdef0000000 + i),
		.state = NRI_CONTAINER_RUNNING,
		.labels = labels,
		.nr_labels = ARRAY_LEN(labels),
		.annotations = annotations,
		.nr_annotations = ARRAY_LEN(annotations),
	};
	return c->id && c->cgroups_path;
}

static int describe(struct world *w, struct err *e)
{
	size_t per_pod = w->size.containers;

	for (size_t i = 0; i < w->size.pods; i++) {
		if (!describe_pod(&w->pods[i], i))
			return err_set(e, -ENOMEM, "world: out of memory");
	}
	for (size_t i = 0; i < w->nr_containers; i++) {
		if (!describe_container(&w->containers[i], &w->pods[i / per_pod], i))
			return err_set(e, -ENOMEM, "world: out of memory");
	}
	return 0;
}

static int create_container(struct world *w, size_t i, struct err *e)
{
	pid_t *tids = &w->tids[i * w->size.threads];
	int r;

	if (w->bench->is_real) {
		r = cgroup_add_container(&w->containers[i], w->size.threads, tids, e);
	} else {
		for (size_t t = 0; t < w->size.threads; t++)
			tids[t] = (pid_t)(FAKE_TID_FIRST + i * w->size.threads + t);
		r = fake_add_container(w->bench, &w->containers[i], w->size.threads, tids, e);
	}
	w->containers[i].pid = (uint32_t)tids[0];
	return r;
}

static int create(struct world *w, struct err *e)
{
	int r = w->bench->is_real ? cgroup_begin(e) : 0;

	for (size_t i = 0; r == 0 && i < w->size.pods; i++)
		r = w->bench->is_real ? cgroup_add_pod(&w->pods[i], e)
				      : fake_add_pod(w->bench, &w->pods[i], e);
	for (size_t i = 0; r == 0 && i < w->nr_containers; i++)
		r = bench_interrupted ? err_set(e, -EINTR, "interrupted")
				      : create_container(w, i, e);
	return r;
}

int world_new(const struct bench *b, struct world_size size, struct world **ret, struct err *e)
{
	struct world *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_set(e, -ENOMEM, "world: out of memory");
	say("%u pods of %u containers of %u threads", size.pods, size.containers, size.threads);
	w->bench = b;
	w->size = size;
	w->nr_containers = (size_t)size.pods * size.containers;
	w->pods = calloc(size.pods + 1, sizeof(*w->pods));
	w->containers = calloc(w->nr_containers + 1, sizeof(*w->containers));
	w->tids = calloc(w->nr_containers * size.threads + 1, sizeof(*w->tids));
	if (!w->pods || !w->containers || !w->tids)
		r = err_set(e, -ENOMEM, "world: out of memory");
	else
		r = describe(w, e);
	if (r == 0)
		r = create(w, e);
	if (r < 0) {
		world_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

static void remove_real(const struct world *w)
{
	(void)world_remove_groups(w->bench);
	for (size_t i = 0; w->tids && i < w->nr_containers; i++) {
		if (w->tids[i * w->size.threads] > 0)
			(void)kill(w->tids[i * w->size.threads], SIGKILL);
	}
	for (size_t i = 0; w->tids && i < w->nr_containers; i++) {
		if (w->tids[i * w->size.threads] > 0)
			cgroup_remove_container(&w->containers[i], w->tids[i * w->size.threads]);
	}
	for (size_t i = 0; i < w->size.pods; i++) {
		if (w->pods[i].cgroup_parent)
			cgroup_remove_pod(&w->pods[i]);
	}
	cgroup_end();
}

static void remove_fake(const struct bench *b)
{
	char path[PATH_MAX];

	world_cgroup_root(b, path);
	remove_tree(path);
	world_proc_root(b, path);
	remove_tree(path);
}

static void free_text(const char *s)
{
	free((void *)(uintptr_t)s);
}

void world_free(struct world *w)
{
	if (!w)
		return;
	if (!w->bench->is_real)
		remove_fake(w->bench);
	else if (w->pods && w->containers)
		remove_real(w);
	for (size_t i = 0; w->pods && i < w->size.pods; i++) {
		free_text(w->pods[i].id);
		free_text(w->pods[i].name);
		free_text(w->pods[i].uid);
		free_text(w->pods[i].cgroup_parent);
	}
	for (size_t i = 0; w->containers && i < w->nr_containers; i++) {
		free_text(w->containers[i].id);
		free_text(w->containers[i].cgroups_path);
	}
	free(w->pods);
	free(w->containers);
	free(w->tids);
	free(w);
}

void world_cgroup_root(const struct bench *b, char buf[PATH_MAX])
{
	if (b->is_real)
		(void)snprintf(buf, PATH_MAX, "/sys/fs/cgroup");
	else
		(void)snprintf(buf, PATH_MAX, "%s/cgroup", b->dir);
}

void world_proc_root(const struct bench *b, char buf[PATH_MAX])
{
	if (b->is_real)
		(void)snprintf(buf, PATH_MAX, "/proc");
	else
		(void)snprintf(buf, PATH_MAX, "%s/proc", b->dir);
}

/* ---- groups in the kernel ---- */

#define MON_GROUPS "/sys/fs/resctrl/mon_groups"

unsigned world_remove_groups(const struct bench *b)
{
	DIR *dir = b->is_real ? opendir(MON_GROUPS) : NULL;
	const struct dirent *entry;
	unsigned removed = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, BENCH_PREFIX, strlen(BENCH_PREFIX)) == 0)
			removed += unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) == 0;
	}
	(void)closedir(dir);
	return removed;
}

static size_t count_lines(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t lines = 0;
	int c;

	if (!f)
		return 0;
	while ((c = getc(f)) != EOF)
		lines += c == '\n';
	(void)fclose(f);
	return lines;
}

size_t world_count_placed(const struct world *w)
{
	size_t placed = 0;

	for (size_t i = 0; w->bench->is_real && i < w->size.pods; i++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), MON_GROUPS "/" BENCH_PREFIX "%s/tasks",
			       w->pods[i].uid);
		placed += count_lines(path);
	}
	return placed;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

void remove_tree(const char *path)
{
	(void)nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}
