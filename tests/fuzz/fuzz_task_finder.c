/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The task finder against whatever a runtime says and a kernel file holds. The input is up to
 * six texts, each ended by a NUL: cgroups_path, cgroup_parent, container id, cgroup.threads,
 * /proc/PID/cgroup and /proc/PID/cpu_resctrl_groups.
 */

#include <cgroup_path.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <task_finder.h>

#define ID      "0123456789abcdef"
#define OUTSIDE 424242 /* a task that only a path leading out of the root would find */

#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PATH,
	PARENT,
	CONTAINER,
	THREADS,
	PROC_CGROUP,
	GROUPS,
	NR_TEXTS,
};

struct text {
	const char *s;
	size_t len;
};

/* ---- the scratch tree, made once ------------------------------------------------------------ */

static char root[] = "/tmp/fuzz_task_finder.XXXXXX";
static struct task_finder *finder;

static const char *const dirs[] = {
	"cg",
	"cg/kubepods",
	"cg/kubepods/" ID,
	"cg/a.slice",
	"cg/a.slice/a-b.slice",
	"cg/a.slice/a-b.slice/crio-" ID ".scope",
	"outside",
	"outside/" ID,
	"proc",
	"proc/70",
	"proc/70/task",
	"proc/70/task/70",
	"proc/70/task/71",
};

static const char *const files[] = {
	"cg/kubepods/" ID "/cgroup.threads",
	"cg/a.slice/a-b.slice/crio-" ID ".scope/cgroup.threads",
	"outside/" ID "/cgroup.threads",
	"proc/70/cgroup",
	"proc/70/cpu_resctrl_groups",
};

static const char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void put(const char *name, struct text t)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, t.s, t.len) == (ssize_t)t.len);
	close(fd);
}

static void tear_down(void)
{
	task_finder_free(finder);
	(void)unlink(at("cg/out"));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		(void)unlink(at(files[i]));
	for (size_t i = ARRAY_LEN(dirs); i-- > 0;)
		(void)rmdir(at(dirs[i]));
	(void)rmdir(root);
}

static void set_up(void)
{
	char cgroup_root[64], proc_root[64];
	const struct task_finder_config config = {cgroup_root, proc_root};

	CHECK(mkdtemp(root));
	(void)atexit(tear_down);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		CHECK(mkdir(at(dirs[i]), 0755) == 0);
	CHECK(symlink("../outside", at("cg/out")) == 0);
	put("outside/" ID "/cgroup.threads", (struct text){"424242\n", 7});
	put("cg/a.slice/a-b.slice/crio-" ID ".scope/cgroup.threads", (struct text){"9\n7\n9\n", 6});
	snprintf(cgroup_root, sizeof(cgroup_root), "%s/cg", root);
	snprintf(proc_root, sizeof(proc_root), "%s/proc", root);
	CHECK(task_finder_new(&config, &finder, NULL) == 0);
}

/* ---- what must hold ---------------------------------------------------------------------------
 */

static void check_path(const char *path, const char *id)
{
	const char *c = path;

	CHECK(path[0] && strlen(path) < CGROUP_PATH_MAX);
	CHECK(cgroup_path_is_of(path, strlen(path), id));
	for (;;) {
		size_t len = strcspn(c, "/");

		CHECK(len > 0 && len <= 255);
		CHECK(!(len == 1 && c[0] == '.') && !(len == 2 && memcmp(c, "..", 2) == 0));
		if (!c[len])
			break;
		c += len + 1;
	}
	CHECK(cgroup_name_is_of(c, strlen(c), id));
}

static void check_paths(const struct text *t, const char *id)
{
	char buf[CGROUP_PATH_MAX] = "untouched";
	struct err e;

	if (cgroup_path_from_runtime(t[PATH].s, id, buf, &e) == 0)
		check_path(buf, id);
	else
		CHECK(strcmp(buf, "untouched") == 0 && e.code == -EINVAL);
	if (cgroup_path_from_parent(t[PARENT].s, t[PATH].s, id, buf, &e) == 0)
		check_path(buf, id);
	if (cgroup_path_from_proc(t[PROC_CGROUP].s, id, buf, &e) == 0)
		check_path(buf, id);
}

static void check_list(const struct core_task_query *q, const struct text *threads)
{
	struct rs_tids tids = {.nr = 0};
	struct err e;
	int r = task_finder_ops.list(finder, q, &tids, &e);

	CHECK(r == 0 || (tids.nr == 0 && e.code == r && e.msg[0]));
	for (size_t i = 0; i < tids.nr; i++) {
		CHECK(tids.tid[i] > 0 && (i == 0 || tids.tid[i - 1] < tids.tid[i]));
		CHECK(tids.tid[i] != OUTSIDE || memmem(threads->s, threads->len, "424242", 6));
	}
	rs_tids_done(&tids);
}

static void check_control_group(void)
{
	char name[32] = "untouched";
	int r = task_finder_ops.control_group(finder, 70, name, sizeof(name), NULL);

	CHECK(memchr(name, '\0', sizeof(name)) && !strchr(name, '/') && !strchr(name, '\n'));
	CHECK(r == 0 || strcmp(name, "untouched") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + NR_TEXTS);
	struct text t[NR_TEXTS];
	struct core_task_query q;
	size_t at_byte = 0;

	CHECK(copy);
	if (size > 0)
		memcpy(copy, data, size);
	memset(copy + size, 0, NR_TEXTS);
	for (int i = 0; i < NR_TEXTS; i++) {
		t[i] = (struct text){copy + at_byte, strlen(copy + at_byte)};
		at_byte += t[i].len + (at_byte + t[i].len < size + NR_TEXTS - 1);
	}
	if (!finder)
		set_up();
	put("cg/kubepods/" ID "/cgroup.threads", t[THREADS]);
	put("proc/70/cgroup", t[PROC_CGROUP]);
	put("proc/70/cpu_resctrl_groups", t[GROUPS]);
	q = (struct core_task_query){
		.container_id = t[CONTAINER].len ? t[CONTAINER].s : ID,
		.cgroups_path = t[PATH].s,
		.cgroup_parent = t[PARENT].s,
		.init_pid = 70,
	};
	if (cgroup_check_id(q.container_id, NULL) == 0)
		check_paths(t, q.container_id);
	check_list(&q, &t[THREADS]);
	q.init_only = true;
	check_list(&q, &t[THREADS]);
	(void)task_finder_ops.is_ours(finder, &q, 70);
	check_control_group();
	free(copy);
	return 0;
}
