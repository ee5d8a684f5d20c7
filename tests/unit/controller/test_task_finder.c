/* SPDX-License-Identifier: Apache-2.0 */
#include "task_finder_scratch.h"

static const struct core_task_query systemd_query = {
	.container_id = ID,
	.cgroups_path = POD ":cri-containerd:" ID,
};

static const struct core_task_query cgroupfs_query = {
	.container_id = ID,
	.cgroups_path = "/" FS,
};

/* ---- where the directory is ------------------------------------------------------------------ */

static const struct {
	const char *name;
	const char *files[6];
	struct core_task_query query;
	const char *want;
} layouts[] = {
	{"v2, systemd, containerd",
	 {"cg/" SCOPE "/cgroup.threads=7\n9\n"},
	 {.container_id = ID, .cgroups_path = POD ":cri-containerd:" ID},
	 "7 9"},
	{"v2, systemd, CRI-O, with the last slice as parent",
	 {"cg/" SLICE "/crio-" ID ".scope/cgroup.threads=7\n",
	  "cg/" SLICE "/crio-conmon-" ID ".scope/cgroup.threads=99\n"},
	 {.container_id = ID, .cgroups_path = POD ":crio:" ID, .cgroup_parent = POD},
	 "7"},
	{"v2, CRI-O with crun: the tasks are in a child named container",
	 {"cg/" SLICE "/crio-" ID ".scope/cgroup.threads=",
	  "cg/" SLICE "/crio-" ID ".scope/container/cgroup.threads=7\n8\n"},
	 {.container_id = ID, .cgroups_path = POD ":crio:" ID},
	 "7 8"},
	{"v2, cgroupfs, containerd",
	 {"cg/" FS "/cgroup.threads=7\n"},
	 {.container_id = ID, .cgroups_path = "/" FS},
	 "7"},
	{"v2, cgroupfs, CRI-O",
	 {"cg/kubepods/pod1/crio-" ID "/cgroup.threads=7\n"},
	 {.container_id = ID, .cgroups_path = "/kubepods/pod1/crio-" ID},
	 "7"},
	{"v1, cgroupfs",
	 {"cg/pids/" FS "/tasks=7\n8\n", "cg/pids/" FS "/cgroup.procs=7\n",
	  "cg/memory/" FS "/tasks=7\n8\n9\n"},
	 {.container_id = ID, .cgroups_path = "/" FS},
	 "7 8"},
	{"v1, systemd, without a pids hierarchy",
	 {"cg/cpu,cpuacct/" SCOPE "/tasks=7\n", "cg/cpu->cpu,cpuacct"},
	 {.container_id = ID, .cgroups_path = POD ":cri-containerd:" ID},
	 "7"},
	{"hybrid: only in the unified hierarchy",
	 {"cg/pids/kubepods.slice/", "cg/unified/" SCOPE "/cgroup.threads=7\n"},
	 {.container_id = ID, .cgroups_path = POD ":cri-containerd:" ID},
	 "7"},
	{"a full path as parent, where the slice name alone leads nowhere",
	 {"cg/kubelet.slice/" SCOPE "/cgroup.threads=7\n"},
	 {.container_id = ID,
	  .cgroups_path = POD ":cri-containerd:" ID,
	  .cgroup_parent = "/kubelet.slice/" SLICE},
	 "7"},
	{"only a full path as parent",
	 {"cg/" SCOPE "/cgroup.threads=7\n"},
	 {.container_id = ID, .cgroups_path = "", .cgroup_parent = "/" SLICE},
	 "7"},
	{"a node inside a container: init's own cgroup tells the prefix",
	 {"cg/docker/node1/" FS "/cgroup.threads=7\n", "proc/70/cgroup=0::/docker/node1/" FS "\n"},
	 {.container_id = ID, .cgroups_path = "/" FS, .init_pid = 70},
	 "7"},
	{"init is in a child cgroup of the container",
	 {"cg/x/" ID "/cgroup.threads=", "cg/x/" ID "/init.scope/cgroup.threads=7\n",
	  "proc/70/cgroup=0::/x/" ID "/init.scope\n"},
	 {.container_id = ID, .init_pid = 70},
	 "7"},
	{"init is shown outside of the reader's cgroup namespace",
	 {"cg/kubepods/burstable/pod1/" ID "/cgroup.threads=7\n",
	  "proc/70/cgroup=0::/../../burstable/pod1/" ID "\n"},
	 {.container_id = ID, .init_pid = 70},
	 "7"},
	{"nothing told: found by name",
	 {"cg/" SCOPE "/cgroup.threads=7\n", "cg/" SLICE "/cri-containerd-" OTHER ".scope/"},
	 {.container_id = ID},
	 "7"},
	{"nothing told, v1: found by name, and CRI-O's monitor is not it",
	 {"cg/pids/kubepods/pod1/crio-conmon-" ID "/tasks=99\n",
	  "cg/pids/kubepods/pod1/crio-" ID "/tasks=7\n"},
	 {.container_id = ID, .cgroups_path = NULL},
	 "7"},
};

START_TEST(the_container_is_found_in_every_layout)
{
	for (size_t i = 0; i < ARRAY_LEN(layouts[_i].files) && layouts[_i].files[i]; i++)
		put(layouts[_i].files[i]);
	ck_assert_msg(list(&layouts[_i].query) == 0, "%s: %s", layouts[_i].name, e.msg);
	ck_assert_msg(strcmp(found(), layouts[_i].want) == 0, "%s: %s", layouts[_i].name, found());
}
END_TEST

START_TEST(a_container_without_a_cgroup_is_not_there)
{
	put("cg/" SLICE "/cri-containerd-" OTHER ".scope/cgroup.threads=7\n");
	expect_error(&systemd_query, -ENOENT, "cri-containerd-" ID);
	expect_error(&cgroupfs_query, -ENOENT, FS);
	expect_error(&(struct core_task_query){.container_id = ID}, -ENOENT, ID);
	expect_error(&(struct core_task_query){.container_id = ID, .init_pid = 4711}, -ENOENT, ID);
}
END_TEST

START_TEST(no_search_is_made_where_the_told_path_is_merely_gone)
{
	put("cg/kubepods/elsewhere/" ID "/cgroup.threads=7\n");
	expect_error(&cgroupfs_query, -ENOENT, FS);
}
END_TEST

START_TEST(an_id_or_path_that_cannot_be_right_is_refused)
{
	struct core_task_query q = {.container_id = ID, .cgroups_path = "/../" ID};

	put("cg/" ID "/cgroup.threads=7\n");
	expect_error(&q, -EINVAL, "'");
	q.cgroups_path = POD ":cri-containerd:" OTHER;
	expect_error(&q, -EINVAL, "not of container " ID);
	q.container_id = "";
	expect_error(&q, -EINVAL, "without an id");
	q.container_id = "a/b";
	expect_error(&q, -EINVAL, "a/b");
	q.container_id = NULL;
	expect_error(&q, -EINVAL, "without an id");
}
END_TEST

START_TEST(a_symbolic_link_is_not_followed)
{
	char link[128];

	put("outside/" ID "/cgroup.threads=7\n");
	snprintf(link, sizeof(link), "cg/kubepods->%s/outside", root);
	put(link);
	put("cg/inside->../outside");
	expect_error(&(struct core_task_query){.container_id = ID, .cgroups_path = "/kubepods/" ID},
		     -EINVAL, "kubepods/" ID);
	expect_error(&(struct core_task_query){.container_id = ID, .cgroups_path = "/inside/" ID},
		     -EINVAL, "inside/" ID);
	expect_error(&(struct core_task_query){.container_id = ID}, -ENOENT, ID);
}
END_TEST

START_TEST(a_link_as_the_containers_own_directory_or_child_is_not_followed)
{
	put("outside/cgroup.threads=7\n");
	put("cg/kubepods/" ID "->../../outside");
	expect_error(&(struct core_task_query){.container_id = ID, .cgroups_path = "/kubepods/" ID},
		     -EINVAL, "kubepods/" ID);
	put("cg/" FS "/cgroup.threads=8\n");
	put("cg/" FS "/child->../../../../../outside");
	expect(&cgroupfs_query, "8");
}
END_TEST

/* ---- which tasks ------------------------------------------------------------------------------
 */

START_TEST(children_are_included_at_every_depth)
{
	put("cg/" FS "/cgroup.threads=5\n");
	put("cg/" FS "/init.scope/cgroup.threads=1\n");
	put("cg/" FS "/system.slice/cgroup.threads=");
	put("cg/" FS "/system.slice/a.service/cgroup.threads=4\n3\n");
	put("cg/" FS "/b.slice/cgroup.threads=");
	put("cg/" FS "/b.slice/x/cgroup.threads=");
	put("cg/" FS "/b.slice/x/y/cgroup.threads=2\n");
	expect(&cgroupfs_query, "1 2 3 4 5");
}
END_TEST

START_TEST(threaded_children_are_read_by_their_threads)
{
	put("cg/" FS "/cgroup.procs=5\n");
	put("cg/" FS "/cgroup.threads=5\n");
	put("cg/" FS "/pool/cgroup.threads=6\n7\n");
	expect(&cgroupfs_query, "5 6 7");
}
END_TEST

START_TEST(every_task_is_listed_once)
{
	put("cg/" FS "/cgroup.threads=9\n7\n9\n");
	put("cg/" FS "/child/cgroup.threads=7\n8");
	expect(&cgroupfs_query, "7 8 9");
}
END_TEST

START_TEST(tasks_are_appended_to_those_of_other_containers)
{
	put("cg/" FS "/cgroup.threads=7\n");
	ck_assert_int_eq(rs_tids_add(&tids, 100), 0);
	expect(&cgroupfs_query, "7 100");
}
END_TEST

START_TEST(a_second_look_shows_what_came_and_went)
{
	const struct core_task_query q = {.container_id = ID, .cgroups_path = "/" FS};
	const struct core_task_query other = {.container_id = OTHER,
					      .cgroups_path = "/kubepods/pod2/" OTHER};

	put("cg/" FS "/cgroup.threads=7\n8\n");
	put("cg/kubepods/pod2/" OTHER "/cgroup.threads=9\n");
	expect(&q, "7 8");
	put("cg/" FS "/cgroup.threads=8\n10\n");
	tids.nr = 0;
	expect(&q, "8 10");
	tids.nr = 0;
	expect(&other, "9");
	put("cg/" FS "/a/cgroup.threads=11\n");
	tids.nr = 0;
	expect(&q, "8 10 11");
	task_finder_ops.release(finder);
	task_finder_ops.release(finder);
	tids.nr = 0;
	expect(&other, "9");
}
END_TEST

START_TEST(an_empty_cgroup_is_an_empty_list)
{
	put("cg/" FS "/cgroup.threads=");
	expect(&cgroupfs_query, "");
}
END_TEST

START_TEST(an_old_kernel_without_cgroup_threads_is_asked_for_processes)
{
	put("cg/" FS "/cgroup.procs=7\n20\n30\n");
	put("proc/7/task/7/");
	put("proc/7/task/8/");
	put("proc/7/task/.hidden/");
	put("proc/30/task/30/");
	expect(&cgroupfs_query, "7 8 30"); /* 20 has ended */
}
END_TEST

static const struct {
	const char *text;
	int want;
	const char *words;
} bad_files[] = {
	{"0\n", -EPERM, "hostPID: true"},
	{"7\n0\n", -EPERM, "not in the host PID namespace"},
	{"00\n", -EPERM, "hostPID: true"},
	{"7\nseven\n", -EIO, "'seven'"},
	{"7\n\n8\n", -EIO, "''"},
	{"-7\n", -EIO, "'-7'"},
	{" 7\n", -EIO, "' 7'"},
	{"7 8\n", -EIO, "'7 8'"},
	{"2147483648\n", -EIO, "'2147483648'"},
	{"7\r\n", -EIO, "'7?'"},
	{"7\nx", -EIO, "'x'"},
	{"11111111111111111111111111111111111111111111111111\n", -EIO, "cgroup.threads"},
};

START_TEST(a_line_that_is_no_task_fails_the_whole_list)
{
	put_text("cg/" FS "/cgroup.threads", bad_files[_i].text, strlen(bad_files[_i].text));
	expect_error(&cgroupfs_query, bad_files[_i].want, bad_files[_i].words);
	ck_assert_ptr_nonnull(strstr(e.msg, FS));
}
END_TEST

START_TEST(a_bad_line_in_a_child_fails_the_whole_list_too)
{
	put("cg/" FS "/cgroup.threads=7\n");
	put("cg/" FS "/child/cgroup.threads=0\n");
	expect_error(&cgroupfs_query, -EPERM, "hostPID: true");
}
END_TEST

START_TEST(a_failure_leaves_the_given_set_as_it_was)
{
	put("cg/" FS "/cgroup.threads=7\n8\nx\n");
	ck_assert_int_eq(rs_tids_add(&tids, 100), 0);
	ck_assert_int_eq(list(&cgroupfs_query), -EIO);
	ck_assert_str_eq(found(), "100");
}
END_TEST

/* Many reads of a few kB each; ids lie across their borders. */
START_TEST(a_hundred_thousand_threads_are_all_found)
{
	enum { N = 100000 };
	char *text = malloc(N * 12);
	size_t len = 0;

	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < N; i++)
		len += (size_t)snprintf(text + len, 12, "%d\n", 1000 + 7 * i);
	put_text("cg/" FS "/cgroup.threads", text, len);
	free(text);
	ck_assert_int_eq(list(&cgroupfs_query), 0);
	ck_assert_uint_eq(tids.nr, N);
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(tids.tid[i], 1000 + 7 * i);
}
END_TEST

START_TEST(a_tree_deeper_than_any_container_is_refused)
{
	char name[1024];
	size_t len = (size_t)snprintf(name, sizeof(name), "cg/" FS);

	for (int i = 0; i < 40; i++) {
		snprintf(name + len, sizeof(name) - len, "/cgroup.threads=");
		put(name);
		len += (size_t)snprintf(name + len, sizeof(name) - len, "/a");
	}
	snprintf(name + len, sizeof(name) - len, "/cgroup.threads=7\n");
	put(name);
	expect_error(&cgroupfs_query, -EFBIG, "levels");
}
END_TEST

START_TEST(a_missing_root_is_an_error_that_names_it)
{
	struct task_finder_config config = {.cgroup_root = "/nonexistent/cg", .proc_root = root};
	struct task_finder *f = NULL;

	ck_assert_int_eq(task_finder_new(&config, &f, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent/cg"));
	config.cgroup_root = root;
	config.proc_root = "/nonexistent/proc";
	ck_assert_int_eq(task_finder_new(&config, &f, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent/proc"));
	ck_assert_ptr_null(f);
	task_finder_free(NULL);
}
END_TEST

/* ---- the suite ---------------------------------------------------------------------------------
 */

static void add_where(TCase *tc)
{
	tcase_add_loop_test(tc, the_container_is_found_in_every_layout, 0, (int)ARRAY_LEN(layouts));
	tcase_add_test(tc, a_container_without_a_cgroup_is_not_there);
	tcase_add_test(tc, no_search_is_made_where_the_told_path_is_merely_gone);
	tcase_add_test(tc, an_id_or_path_that_cannot_be_right_is_refused);
	tcase_add_test(tc, a_symbolic_link_is_not_followed);
	tcase_add_test(tc, a_link_as_the_containers_own_directory_or_child_is_not_followed);
}

static void add_which(TCase *tc)
{
	tcase_add_test(tc, children_are_included_at_every_depth);
	tcase_add_test(tc, threaded_children_are_read_by_their_threads);
	tcase_add_test(tc, every_task_is_listed_once);
	tcase_add_test(tc, tasks_are_appended_to_those_of_other_containers);
	tcase_add_test(tc, a_second_look_shows_what_came_and_went);
	tcase_add_test(tc, an_empty_cgroup_is_an_empty_list);
	tcase_add_test(tc, an_old_kernel_without_cgroup_threads_is_asked_for_processes);
	tcase_add_loop_test(tc, a_line_that_is_no_task_fails_the_whole_list, 0,
			    (int)ARRAY_LEN(bad_files));
	tcase_add_test(tc, a_bad_line_in_a_child_fails_the_whole_list_too);
	tcase_add_test(tc, a_failure_leaves_the_given_set_as_it_was);
	tcase_add_test(tc, a_hundred_thousand_threads_are_all_found);
	tcase_add_test(tc, a_tree_deeper_than_any_container_is_refused);
	tcase_add_test(tc, a_missing_root_is_an_error_that_names_it);
}

Suite *suite(void)
{
	Suite *s = suite_create("task_finder");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	add_where(tc);
	add_which(tc);
	suite_add_tcase(s, tc);
	return s;
}
