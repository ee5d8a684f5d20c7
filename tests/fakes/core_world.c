/* SPDX-License-Identifier: Apache-2.0 */
#include "core_world.h"

#include "strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_TID 1000
#define WORK_MAX  10000000

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "world: out of memory\n");
		abort();
	}
	return p;
}

static void must_be(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "world: %s\n", what);
	abort();
}

/* ---- file operations, which can be made to fail ------------------------------------------ */

static int gate(struct world *w, enum world_op op)
{
	w->calls[op]++;
	w->total_calls++;
	w->us += w->slow_us[op];
	if (w->fail_at && w->total_calls == w->fail_at)
		return -w->fail_errno;
	return -w->fail[op];
}

static int op_mkdir(void *ctx, const char *path)
{
	struct world *w = ctx;
	int r = gate(w, WORLD_MKDIR);

	return r ? r : rs_sim_ops.mkdir(w->sim, path);
}

static int op_rmdir(void *ctx, const char *path)
{
	struct world *w = ctx;
	int r = gate(w, WORLD_RMDIR);

	return r ? r : rs_sim_ops.rmdir(w->sim, path);
}

static int op_rename(void *ctx, const char *from, const char *to)
{
	struct world *w = ctx;
	int r = gate(w, WORLD_RENAME);

	return r ? r : rs_sim_ops.rename(w->sim, from, to);
}

static int op_stat(void *ctx, const char *path, struct rs_stat *ret)
{
	struct world *w = ctx;
	int r = gate(w, WORLD_STAT);

	return r ? r : rs_sim_ops.stat(w->sim, path, ret);
}

static int op_list(void *ctx, const char *path, rs_list_fn *fn, void *arg)
{
	struct world *w = ctx;
	int r = gate(w, WORLD_LIST);

	return r ? r : rs_sim_ops.list(w->sim, path, fn, arg);
}

static int op_read(void *ctx, const char *path, struct strbuf *out)
{
	struct world *w = ctx;
	int r = gate(w, WORLD_READ);

	return r ? r : rs_sim_ops.read(w->sim, path, out);
}

static int op_open(void *ctx, const char *path)
{
	struct world *w = ctx;
	int r = gate(w, WORLD_OPEN);

	return r ? r : rs_sim_ops.open_write(w->sim, path);
}

static int op_write(void *ctx, int handle, const char *data, size_t len)
{
	struct world *w = ctx;
	int r = gate(w, WORLD_WRITE);

	return r ? r : rs_sim_ops.write(w->sim, handle, data, len);
}

static void op_close(void *ctx, int handle)
{
	struct world *w = ctx;

	rs_sim_ops.close(w->sim, handle);
}

static int op_is_resctrl(void *ctx)
{
	struct world *w = ctx;

	return rs_sim_ops.is_resctrl(w->sim);
}

static int op_lock(void *ctx, bool on)
{
	struct world *w = ctx;

	return rs_sim_ops.lock(w->sim, on);
}

static const struct rs_fs_ops world_ops = {
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.stat = op_stat,
	.list = op_list,
	.read = op_read,
	.open_write = op_open,
	.write = op_write,
	.close = op_close,
	.is_resctrl = op_is_resctrl,
	.lock = op_lock,
};

/* ---- tasks --------------------------------------------------------------------------------- */

static int list_tasks(void *ctx, const struct core_task_query *q, struct rs_tids *ret,
		      struct err *e)
{
	struct world *w = ctx;
	struct world_container *c = world_container(w, q->container_id);

	if (!c)
		return err_set(e, -ENOENT, "no cgroup of container '%s'", q->container_id);
	c->listed++;
	(void)snprintf(c->listed_path, sizeof(c->listed_path), "%s", q->cgroups_path);
	w->has_list_open = true;
	if (c->error)
		return err_sys(e, -c->error, "cgroup of container '%s'", q->container_id);
	for (size_t i = 0; i < c->nr; i++) {
		int r = rs_tids_add(ret, c->tid[i]);

		if (r < 0)
			return r;
	}
	if (w->grow_on_list && c->nr) {
		w->grow_on_list--;
		(void)world_fork(w, c);
	}
	return 0;
}

static bool is_ours(void *ctx, const struct core_task_query *q, pid_t tid)
{
	const struct world_container *c = world_container(ctx, q->container_id);

	for (size_t i = 0; c && i < c->nr; i++) {
		if (c->tid[i] == tid)
			return true;
	}
	return false;
}

static int control_group(void *ctx, pid_t tid, char *buf, size_t size, struct err *e)
{
	struct world *w = ctx;
	const char *path = rs_sim_group_of(w->sim, tid);
	size_t len;

	if (w->no_control_groups)
		return err_set(e, -EOPNOTSUPP, "this kernel does not tell");
	if (!path)
		return err_set(e, -ESRCH, "task %d ended", (int)tid);
	len = strncmp(path, "mon_groups/", 11) == 0 ? 0 : strcspn(path, "/");
	if (len >= size)
		return err_set(e, -EINVAL, "name too long");
	memcpy(buf, path, len);
	buf[len] = '\0';
	return 0;
}

static void release(void *ctx)
{
	struct world *w = ctx;

	w->has_list_open = false;
}

static const struct core_task_ops task_ops = {
	.list = list_tasks,
	.is_ours = is_ours,
	.control_group = control_group,
	.release = release,
};

struct world_container *world_container(struct world *w, const char *id)
{
	for (size_t i = 0; i < w->nr_containers; i++) {
		if (w->containers[i]->in_use && strcmp(w->containers[i]->id, id) == 0)
			return w->containers[i];
	}
	return NULL;
}

static void add_tid(struct world_container *c, pid_t tid)
{
	if (c->nr == c->size) {
		c->size = c->size ? 2 * c->size : 8;
		c->tid = must(realloc(c->tid, c->size * sizeof(*c->tid)));
	}
	c->tid[c->nr++] = tid;
}

static struct world_container *free_slot(struct world *w)
{
	for (size_t i = 0; i < w->nr_containers; i++) {
		if (!w->containers[i]->in_use)
			return w->containers[i];
	}
	w->containers =
		must(realloc(w->containers, (w->nr_containers + 1) * sizeof(*w->containers)));
	w->containers[w->nr_containers] = must(calloc(1, sizeof(**w->containers)));
	return w->containers[w->nr_containers++];
}

struct world_container *world_add(struct world *w, const char *id, size_t nr_threads)
{
	struct world_container *c = free_slot(w);

	*c = (struct world_container){.in_use = true};
	snprintf(c->id, sizeof(c->id), "%s", id);
	for (size_t i = 0; i < nr_threads; i++)
		(void)world_enter(w, c);
	return c;
}

void world_end(struct world *w, const char *id)
{
	struct world_container *c = world_container(w, id);

	if (!c)
		return;
	for (size_t i = 0; i < c->nr; i++)
		rs_sim_exit(w->sim, c->tid[i]);
	free(c->tid);
	*c = (struct world_container){0};
}

pid_t world_fork(struct world *w, struct world_container *c)
{
	pid_t tid = w->next_tid++;

	must_be(rs_sim_fork(w->sim, c->tid[0], tid) == 0, "fork");
	add_tid(c, tid);
	return tid;
}

pid_t world_enter(struct world *w, struct world_container *c)
{
	pid_t tid = w->next_tid++;

	add_tid(c, tid);
	return tid;
}

void world_exit(struct world *w, struct world_container *c, size_t i)
{
	rs_sim_exit(w->sim, c->tid[i]);
	c->tid[i] = c->tid[--c->nr];
}

void world_move(struct world *w, struct world_container *c, const char *control_group_name)
{
	char path[RS_PATH_MAX], text[32];
	int handle;

	snprintf(path, sizeof(path), "%s%stasks", control_group_name,
		 *control_group_name ? "/" : "");
	for (size_t i = 0; i < c->nr; i++) {
		handle = rs_sim_ops.open_write(w->sim, path);
		must_be(handle >= 0, "move: no such control group");
		snprintf(text, sizeof(text), "%d\n", (int)c->tid[i]);
		must_be(rs_sim_ops.write(w->sim, handle, text, strlen(text)) == 0, "move: write");
		rs_sim_ops.close(w->sim, handle);
	}
}

size_t world_count_in(struct world *w, const struct world_container *c, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < c->nr; i++) {
		const char *group = rs_sim_group_of(w->sim, c->tid[i]);

		n += group && strcmp(group, path) == 0;
	}
	return n;
}

/* ---- what the core reports ------------------------------------------------------------------- */

static void log_event(struct world *w, const char *text)
{
	size_t len = strlen(text);

	if (w->log_len + len + 3 > w->log_size) {
		w->log_size = 2 * (w->log_size + len + 3);
		w->log = must(realloc(w->log, w->log_size));
	}
	if (w->log_len) {
		memcpy(w->log + w->log_len, "; ", 2);
		w->log_len += 2;
	}
	memcpy(w->log + w->log_len, text, len + 1);
	w->log_len += len;
}

static void on_event(void *ctx, const struct core_event *event)
{
	struct world *w = ctx;
	char text[WORLD_EVENT_MAX];

	if (w->watch)
		w->watch(w->watch_ctx, event);
	if (!w->keep_log)
		return;
	if (event->kind == CORE_REMOVED)
		snprintf(text, sizeof(text), "%s Removed", event->pod_uid);
	else
		snprintf(text, sizeof(text), "%s %s %u/%u", event->pod_uid,
			 event->group_state == CORE_GROUP_EXISTS ? "Exists" : "Failed",
			 event->total_containers, event->reconciled_containers);
	log_event(w, text);
}

static void on_notice(void *ctx, const struct core_notice *n)
{
	struct world *w = ctx;

	w->notices[n->kind]++;
	if (w->keep_log)
		snprintf(w->last_notice[n->kind], sizeof(w->last_notice[0]), "%s", n->text);
}

const char *world_events(struct world *w)
{
	static char text[1 << 16];

	must_be(w->log_len < sizeof(text), "too many events for one look");
	memcpy(text, w->log_len ? w->log : "", w->log_len + 1);
	w->log_len = 0;
	return text;
}

unsigned world_noticed(struct world *w, enum core_notice_kind kind)
{
	unsigned n = w->notices[kind];

	w->notices[kind] = 0;
	return n;
}

/* ---- the world itself ---------------------------------------------------------------------------
 */

static enum core_hurry hurry(void *ctx)
{
	struct world *w = ctx;

	if (w->fidgety) {
		w->fidgety = w->fidgety * 1664525u + 1013904223u;
		return w->fidgety >> 28 < 8    ? CORE_NO_HURRY
		       : w->fidgety >> 28 < 12 ? CORE_HURRY
					       : CORE_ANSWER_NOW;
	}
	if (w->us >= w->answer_at_us)
		return CORE_ANSWER_NOW;
	return w->us >= w->hurry_at_us ? CORE_HURRY : CORE_NO_HURRY;
}

struct world *world_new_sim(const struct rs_sim_config *config)
{
	struct world *w = must(calloc(1, sizeof(*w)));

	must_be(rs_sim_new(config, &w->sim, NULL) == 0, "simulated tree");
	must_be(rs_new(&world_ops, w, &w->rs, NULL) == 0, "resctrl handle");
	w->next_tid = FIRST_TID;
	w->hurry_at_us = w->answer_at_us = UINT64_MAX;
	w->keep_log = true;
	w->config = (struct core_config){
		.group_prefix = "podresctrl-",
		.root = "/sys/fs/resctrl",
		.group_kind = RS_GROUP_MON,
		.cleanup_mode = CORE_CLEANUP_ORPHANS,
		.seed = 1,
		.tuning = {.max_reconcile_passes = 8, .retry_backoff_max_ms = 300000},
	};
	return w;
}

struct world *world_new(unsigned rmids, unsigned limbo_ms)
{
	struct rs_sim_config config = {.rmids = rmids, .limbo_ms = limbo_ms};

	return world_new_sim(&config);
}

void world_free(struct world *w)
{
	core_free(w->core);
	core_free(w->other);
	rs_free(w->rs);
	rs_sim_free(w->sim);
	for (size_t i = 0; i < w->nr_containers; i++) {
		free(w->containers[i]->tid);
		free(w->containers[i]);
	}
	free(w->containers);
	free(w->log);
	free(w);
}

void world_boot(struct world *w)
{
	struct core_deps deps = {
		.rs = w->rs,
		.tasks = &task_ops,
		.tasks_ctx = w,
		.on_event = on_event,
		.on_notice = on_notice,
		.hurry = hurry,
		.ctx = w,
	};

	core_free(w->core);
	w->core = NULL;
	must_be(core_new(&w->config, &deps, &w->core, NULL) == 0, "core_new");
}

void world_swap(struct world *w)
{
	struct core *core = w->core;

	w->core = w->other;
	w->other = core;
}

void world_run(struct world *w)
{
	for (unsigned i = 0; core_work(w->core, w->now); i++)
		must_be(i < WORK_MAX, "core_work() never comes to an end");
	/* A shell that arms a timer for this would spin. */
	must_be(core_next_work_ms(w->core) > w->now, "nothing to do, yet due now");
}

void world_sleep(struct world *w, uint64_t ms)
{
	uint64_t end = w->now + ms;

	for (;;) {
		uint64_t next;

		world_run(w);
		next = core_next_work_ms(w->core);
		if (next > end)
			next = end;
		if (next > w->now)
			rs_sim_advance(w->sim, next - w->now);
		w->now = next;
		if (next == end)
			break;
	}
	world_run(w);
}

int world_mkdir(struct world *w, const char *path)
{
	return rs_sim_ops.mkdir(w->sim, path);
}

int world_rmdir(struct world *w, const char *path)
{
	return rs_sim_ops.rmdir(w->sim, path);
}

bool world_has(struct world *w, const char *path)
{
	struct rs_stat st;

	return rs_sim_ops.stat(w->sim, path, &st) == 0;
}

/* ---- short forms
 * --------------------------------------------------------------------------------- */

static char *scratch(const char *prefix, const char *uid)
{
	static char text[8][300];
	static unsigned next;
	char *s = text[next++ % 8];

	snprintf(s, sizeof(text[0]), "%s%s", prefix, uid);
	return s;
}

void world_pod(struct core_pod *pod, const char *uid, const char *sandbox)
{
	*pod = (struct core_pod){
		.uid = uid,
		.sandbox_id = sandbox ? sandbox : scratch("s-", uid),
		.namespace_ = "shop",
		.name = scratch("pod-", uid),
		.cgroup_parent = scratch("/kubepods/pod", uid),
	};
}

void run_pod(struct world *w, const char *uid)
{
	struct core_pod pod;

	world_pod(&pod, uid, NULL);
	core_run_pod(w->core, w->now, &pod);
}

void stop_pod(struct world *w, const char *uid)
{
	struct core_pod pod;

	world_pod(&pod, uid, NULL);
	core_stop_pod(w->core, w->now, &pod);
}

void remove_pod(struct world *w, const char *uid)
{
	struct core_pod pod;

	world_pod(&pod, uid, NULL);
	core_remove_pod(w->core, w->now, &pod);
}

static struct core_container container_of_pod(struct world *w, const char *uid, const char *id)
{
	struct world_container *c = world_container(w, id);

	return (struct core_container){
		.id = id,
		.sandbox_id = scratch("s-", uid),
		.name = id,
		.cgroups_path = scratch("/kubepods/", id),
		.pid = c && c->nr ? c->tid[0] : 0,
		.running = true,
	};
}

void start(struct world *w, const char *uid, const char *id)
{
	struct core_container c = container_of_pod(w, uid, id);
	struct core_pod pod;

	world_pod(&pod, uid, NULL);
	core_start_container(w->core, w->now, &pod, &c);
}

void post_start(struct world *w, const char *uid, const char *id)
{
	struct core_container c = container_of_pod(w, uid, id);
	struct core_pod pod;

	world_pod(&pod, uid, NULL);
	core_post_start_container(w->core, w->now, &pod, &c);
}

/* Cuts TEXT into words, which stay in COPY; returns how many. Allocates nothing. */
static size_t words(const char *text, char *copy, size_t size, char **word, size_t max)
{
	char *save = NULL;
	size_t n = 0;

	must_be(strlen(text) < size, "too long a list");
	memcpy(copy, text, strlen(text) + 1);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		must_be(n < max, "too many words");
		word[n++] = p;
	}
	return n;
}

void synchronize(struct world *w, const char *pod_list, const char *container_list)
{
	enum { MAX = 8 };
	struct core_container containers[MAX];
	struct core_pod pods[MAX];
	char *pod_word[MAX], *container_word[MAX], copy1[512], copy2[512];
	char ids[MAX][4][80];
	size_t nr_pods = words(pod_list, copy1, sizeof(copy1), pod_word, MAX);
	size_t nr = words(container_list, copy2, sizeof(copy2), container_word, MAX);

	for (size_t i = 0; i < nr_pods; i++) {
		world_pod(&pods[i], pod_word[i], NULL);
		snprintf(ids[i][2], sizeof(ids[i][2]), "s-%s", pod_word[i]);
		snprintf(ids[i][3], sizeof(ids[i][3]), "pod-%s", pod_word[i]);
		pods[i].sandbox_id = ids[i][2];
		pods[i].name = ids[i][3];
		pods[i].cgroup_parent = "/kubepods";
	}
	for (size_t i = 0; i < nr; i++) {
		char *slash = strchr(container_word[i], '/');
		size_t len = strlen(container_word[i]);
		char mark = container_word[i][len - 1];

		must_be(slash != NULL, "a container is written POD/ID");
		*slash = '\0';
		if (mark == '!' || mark == '?')
			container_word[i][len - 1] = '\0';
		containers[i] = container_of_pod(w, container_word[i], slash + 1);
		snprintf(ids[i][0], sizeof(ids[i][0]), "%s", containers[i].sandbox_id);
		snprintf(ids[i][1], sizeof(ids[i][1]), "%s", containers[i].cgroups_path);
		containers[i].sandbox_id = ids[i][0];
		containers[i].cgroups_path = ids[i][1];
		containers[i].running = mark != '!' && mark != '?';
		containers[i].created = mark == '?';
	}
	core_synchronize(w->core, w->now, pods, nr_pods, containers, nr);
}
