/* SPDX-License-Identifier: Apache-2.0 */
#include "task_finder_scratch.h"

#include <pthread.h>

static const struct core_task_query systemd_query = {
	.container_id = ID,
	.cgroups_path = POD ":cri-containerd:" ID,
};

/* ---- START: the parked init ----------------------------------------------------------------- */

static struct core_task_query start_query(pid_t pid)
{
	return (struct core_task_query){
		.container_id = ID,
		.cgroups_path = POD ":cri-containerd:" ID,
		.init_pid = pid,
		.init_only = true,
	};
}

START_TEST(at_start_all_threads_of_init_are_listed)
{
	struct core_task_query q = start_query(70);

	put("proc/70/cgroup=0::/" SCOPE "\n");
	put("proc/70/task/70/");
	put("proc/70/task/72/");
	put("proc/70/task/71/");
	put("cg/" SCOPE "/cgroup.threads=99\n");
	expect(&q, "70 71 72");
}
END_TEST

START_TEST(at_start_a_reused_pid_is_not_taken_for_init)
{
	struct core_task_query q = start_query(70);

	put("proc/70/cgroup=0::/" SLICE "/cri-containerd-" OTHER ".scope\n");
	put("proc/70/task/70/");
	put("cg/" SCOPE "/cgroup.threads=7\n");
	expect(&q, "7");
}
END_TEST

START_TEST(at_start_an_ended_init_or_none_leaves_the_cgroup)
{
	struct core_task_query q = start_query(70);

	put("cg/" SCOPE "/cgroup.threads=7\n");
	expect(&q, "7");
	tids.nr = 0;
	put("proc/70/cgroup=0::/" SCOPE "\n"); /* it ended between two looks */
	expect(&q, "7");
	tids.nr = 0;
	q.init_pid = 0;
	expect(&q, "7");
}
END_TEST

START_TEST(pid_one_is_never_an_init_of_a_container)
{
	struct core_task_query q = start_query(1);

	put("proc/1/cgroup=0::/" SCOPE "\n");
	put("proc/1/task/1/");
	expect_error(&q, -ENOENT, SCOPE);
	q.init_pid = -1;
	expect_error(&q, -ENOENT, SCOPE);
}
END_TEST

START_TEST(at_start_nothing_is_listed_when_neither_init_nor_cgroup_is_there)
{
	struct core_task_query q = start_query(70);

	expect_error(&q, -ENOENT, SCOPE);
}
END_TEST

START_TEST(at_start_an_id_that_cannot_be_right_is_refused)
{
	struct core_task_query q = start_query(70);

	q.container_id = "..";
	expect_error(&q, -EINVAL, "'..'");
}
END_TEST

/* ---- is_ours --------------------------------------------------------------------------------- */

static bool is_ours(pid_t tid)
{
	return task_finder_ops.is_ours(finder, &systemd_query, tid);
}

START_TEST(a_task_is_ours_while_its_cgroup_is)
{
	put("proc/7/cgroup=0::/" SCOPE "\n");
	put("proc/8/cgroup=0::/" SCOPE "/child\n");
	put("proc/9/cgroup=0::/" SLICE "/cri-containerd-" OTHER ".scope\n");
	put("proc/10/cgroup=0::/" SLICE "/crio-conmon-" ID ".scope\n");
	ck_assert(is_ours(7));
	ck_assert(is_ours(8));
	ck_assert(!is_ours(9));
	ck_assert(!is_ours(10));
	ck_assert(!is_ours(11));
	ck_assert(!is_ours(0));
	ck_assert(!is_ours(-7));
}
END_TEST

START_TEST(the_daemons_own_container_is_known_by_its_cgroup)
{
	put("proc/7/cgroup=0::/\n");
	put("proc/8/cgroup=0::/\n");
	put("cg/" SCOPE "/cgroup.threads=7\n");
	ck_assert(is_ours(7));
	ck_assert(!is_ours(8));
}
END_TEST

/* ---- control_group ------------------------------------------------------------------------------
 */

static const struct {
	const char *text;
	int want;
	const char *name;
} group_texts[] = {
	{"res:/\nmon:\n", 0, ""},
	{"res:/\nmon:podresctrl-1\n", 0, ""},
	{"res:gold\nmon:\n", 0, "gold"},
	{"res:gold:1 x\nmon:m\n", 0, "gold:1 x"},
	{"res:gold\n", 0, "gold"},
	{"res:\nmon:\n", -ENODEV, NULL},
	{"", -EIO, NULL},
	{"res:", -EIO, NULL},
	{"res:gold", -EIO, NULL},
	{"mon:x\nres:gold\n", -EIO, NULL},
	{"res:a/b\nmon:\n", -EIO, NULL},
	{"res:..\nmon:\n", -EIO, NULL},
	{"res:.\nmon:\n", -EIO, NULL},
	{"res:0123456789abcdef\nmon:\n", -ENAMETOOLONG, NULL},
	{"res:0123456789abcde\nmon:\n", 0, "0123456789abcde"},
};

START_TEST(the_control_group_of_a_task_is_read)
{
	char buf[16] = "untouched";
	int r;

	put("proc/7/cgroup=0::/\n");
	put_text("proc/7/cpu_resctrl_groups", group_texts[_i].text, strlen(group_texts[_i].text));
	r = task_finder_ops.control_group(finder, 7, buf, sizeof(buf), &e);
	ck_assert_msg(r == group_texts[_i].want, "'%s': %s", group_texts[_i].text, e.msg);
	ck_assert_str_eq(buf, r == 0 ? group_texts[_i].name : "untouched");
	ck_assert_int_eq(e.code, r);
}
END_TEST

START_TEST(a_kernel_that_does_not_tell_the_group_differs_from_an_ended_task)
{
	char buf[16];

	put("proc/7/cgroup=0::/\n");
	ck_assert_int_eq(task_finder_ops.control_group(finder, 7, buf, sizeof(buf), &e),
			 -EOPNOTSUPP);
	ck_assert_int_eq(task_finder_ops.control_group(finder, 8, buf, sizeof(buf), &e), -ESRCH);
}
END_TEST

/* ---- the real thing ------------------------------------------------------------------ */

#define NR_THREADS 3

static struct {
	pthread_t thread[NR_THREADS];
	pid_t tid[NR_THREADS];
	pthread_barrier_t started, end;
} real;

static void *real_thread(void *arg)
{
	*(pid_t *)arg = gettid();
	pthread_barrier_wait(&real.started);
	pthread_barrier_wait(&real.end);
	return NULL;
}

static void real_threads_start(void)
{
	pthread_barrier_init(&real.started, NULL, NR_THREADS + 1);
	pthread_barrier_init(&real.end, NULL, NR_THREADS + 1);
	for (int i = 0; i < NR_THREADS; i++)
		ck_assert_int_eq(pthread_create(&real.thread[i], NULL, real_thread, &real.tid[i]),
				 0);
	pthread_barrier_wait(&real.started);
}

static void real_threads_end(void)
{
	pthread_barrier_wait(&real.end);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(real.thread[i], NULL);
	pthread_barrier_destroy(&real.started);
	pthread_barrier_destroy(&real.end);
}

static void expect_real_threads(void)
{
	ck_assert(rs_tids_has(&tids, getpid()));
	for (int i = 0; i < NR_THREADS; i++)
		ck_assert(rs_tids_has(&tids, real.tid[i]));
}

START_TEST(the_real_threads_of_a_process_are_listed_at_start)
{
	struct core_task_query q = start_query(getpid());
	char what[256];

	snprintf(what, sizeof(what), "proc/%d/cgroup=0::/" SCOPE "\n", (int)getpid());
	put(what);
	snprintf(what, sizeof(what), "proc/%d/task->/proc/%d/task", (int)getpid(), (int)getpid());
	put(what);
	real_threads_start();
	ck_assert_int_eq(list(&q), 0);
	expect_real_threads();
	real_threads_end();
}
END_TEST

/* The path in the first hierarchy in which this process is not at the root; "" when none. */
static void own_cgroup(char *buf, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[4096];

	buf[0] = '\0';
	while (f && !buf[0] && fgets(line, sizeof(line), f)) {
		char *path = strchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		if (path && path[1] && !strstr(path, ".."))
			snprintf(buf, size, "%s", path);
	}
	if (f)
		fclose(f);
}

START_TEST(the_real_cgroup_of_a_process_is_read)
{
	static const char name[] = "the_real_cgroup_of_a_process_is_read";
	static const struct task_finder_config config = {0};
	struct core_task_query q = {0};
	struct task_finder *f = NULL;
	char path[4096];
	int r;

	own_cgroup(path, sizeof(path));
	if (!path[0] || task_finder_new(&config, &f, &e) < 0) {
		skip_test(name, "no cgroup of its own");
		return;
	}
	q.cgroups_path = path;
	q.container_id = strrchr(path, '/') + 1;
	real_threads_start();
	r = task_finder_ops.list(f, &q, &tids, &e);
	if (r == -EPERM || r == -ENOENT || r == -EINVAL || r == -EACCES) {
		skip_test(name, e.msg);
	} else {
		ck_assert_msg(r == 0, "%s", e.msg);
		expect_real_threads();
		ck_assert(task_finder_ops.is_ours(f, &q, getpid()));
		ck_assert(task_finder_ops.is_ours(f, &q, real.tid[0]));
	}
	real_threads_end();
	task_finder_free(f);
}
END_TEST

/* ---- the suite ---------------------------------------------------------------------------------
 */

static void add_start(TCase *tc)
{
	tcase_add_test(tc, at_start_all_threads_of_init_are_listed);
	tcase_add_test(tc, at_start_a_reused_pid_is_not_taken_for_init);
	tcase_add_test(tc, at_start_an_ended_init_or_none_leaves_the_cgroup);
	tcase_add_test(tc, pid_one_is_never_an_init_of_a_container);
	tcase_add_test(tc, at_start_nothing_is_listed_when_neither_init_nor_cgroup_is_there);
	tcase_add_test(tc, at_start_an_id_that_cannot_be_right_is_refused);
}

static void add_rest(TCase *tc)
{
	tcase_add_test(tc, a_task_is_ours_while_its_cgroup_is);
	tcase_add_test(tc, the_daemons_own_container_is_known_by_its_cgroup);
	tcase_add_loop_test(tc, the_control_group_of_a_task_is_read, 0,
			    (int)ARRAY_LEN(group_texts));
	tcase_add_test(tc, a_kernel_that_does_not_tell_the_group_differs_from_an_ended_task);
	tcase_add_test(tc, the_real_threads_of_a_process_are_listed_at_start);
	tcase_add_test(tc, the_real_cgroup_of_a_process_is_read);
}

Suite *suite(void)
{
	Suite *s = suite_create("task_finder_proc");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	add_start(tc);
	add_rest(tc);
	suite_add_tcase(s, tc);
	return s;
}
