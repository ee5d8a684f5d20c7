/* SPDX-License-Identifier: Apache-2.0 */
#include "core_world.h"
#include "unit/runner.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define GROUP(uid) "mon_groups/podresctrl-" uid

static struct world *w;
static struct core_pod_view view;

static void setup(void)
{
	w = world_new(32, 0);
	world_boot(w);
}

static void teardown(void)
{
	world_free(w);
}

static void look(const char *uid)
{
	ck_assert(core_pod_view(w->core, uid, &view));
}

START_TEST(a_pod_without_containers_is_pending)
{
	run_pod(w, "u1");
	look("u1");
	ck_assert_str_eq(view.uid, "u1");
	ck_assert_str_eq(view.namespace_, "shop");
	ck_assert_str_eq(view.name, "pod-u1");
	ck_assert_int_eq(view.group_state, CORE_GROUP_EXISTS);
	ck_assert_str_eq(view.group_path, "/sys/fs/resctrl/mon_groups/podresctrl-u1");
	ck_assert_str_eq(view.reason, "Pending");
	ck_assert_uint_eq(view.nr_containers, 0);
	ck_assert(!view.queued);
}
END_TEST

START_TEST(a_pod_whose_tasks_are_all_placed_says_so)
{
	world_add(w, "c1", 1);
	world_add(w, "c2", 1);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	look("u1");
	ck_assert_str_eq(view.reason, "AllAssigned");
	ck_assert_uint_eq(view.total_containers, 2);
	ck_assert_uint_eq(view.reconciled_containers, 2);
	ck_assert_uint_eq(view.nr_containers, 2);
	ck_assert_str_eq(view.containers[0].id, "c1");
	ck_assert_int_eq(view.containers[0].state, CORE_CONTAINER_RECONCILED);
	ck_assert_str_eq(view.containers[0].reason, "");
	ck_assert_str_eq(view.containers[0].message, "");
	ck_assert_str_eq(view.containers[1].name, "c2");
}
END_TEST

START_TEST(a_container_that_is_not_placed_says_why)
{
	struct world_container *c;

	world_add(w, "c1", 1);
	c = world_add(w, "c2", 1);
	c->error = EACCES;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	look("u1");
	ck_assert_str_eq(view.reason, "NoPermission");
	ck_assert_int_eq(view.containers[1].state, CORE_CONTAINER_PARTIAL);
	ck_assert_str_eq(view.containers[1].reason, "NoPermission");
	ck_assert_ptr_nonnull(strstr(view.containers[1].message, "EACCES"));
	ck_assert_ptr_nonnull(strstr(view.message, "1 of 2 containers not placed; 'c2': "));
}
END_TEST

START_TEST(containers_with_different_troubles_make_a_partial_pod)
{
	world_add(w, "c1", 1)->error = EACCES;
	world_add(w, "c2", 1)->error = ENOENT;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	look("u1");
	ck_assert_str_eq(view.reason, "Partial");
	ck_assert_str_eq(view.containers[1].reason, "Partial");
}
END_TEST

START_TEST(missing_tasks_are_counted)
{
	struct world_container *c = world_add(w, "c1", 3);

	rs_sim_exit(w->sim, c->tid[2]);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	look("u1");
	ck_assert_str_eq(view.containers[0].reason, "Partial");
	ck_assert_str_eq(view.containers[0].message, "some of its tasks are not in the group yet");
}
END_TEST

START_TEST(a_pod_in_the_queue_says_so)
{
	world_add(w, "c1", 1);
	synchronize(w, "u1", "u1/c1");
	look("u1");
	ck_assert(view.queued);
	ck_assert_str_eq(view.reason, "Pending");
	ck_assert_str_eq(view.containers[0].reason, "Pending");
	ck_assert_uint_eq(view.total_containers, 0);
	world_run(w);
	look("u1");
	ck_assert(!view.queued);
	ck_assert_str_eq(view.reason, "AllAssigned");
}
END_TEST

START_TEST(a_container_that_was_not_started_is_pending)
{
	synchronize(w, "u1", "u1/c1?");
	world_run(w);
	look("u1");
	ck_assert_str_eq(view.reason, "Pending");
	ck_assert_str_eq(view.containers[0].reason, "Pending");
	ck_assert_uint_eq(view.total_containers, 1);
}
END_TEST

START_TEST(containers_of_a_failed_pod_share_its_reason)
{
	world_add(w, "c1", 1);
	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	look("u1");
	ck_assert_str_eq(view.reason, "OutOfRMIDs");
	ck_assert_str_eq(view.containers[0].reason, "OutOfRMIDs");
}
END_TEST

START_TEST(there_is_no_view_of_what_is_not_known)
{
	ck_assert(!core_pod_view(w->core, "u1", &view));
	ck_assert(!core_pod_view(w->core, NULL, &view));
}
END_TEST

static unsigned visited;

static void visit(void *ctx, const char *uid)
{
	ck_assert_ptr_eq(ctx, &visited);
	ck_assert_int_eq(uid[0], 'u');
	visited++;
}

START_TEST(every_pod_is_visited)
{
	run_pod(w, "u1");
	run_pod(w, "u2");
	core_for_each_pod(w->core, visit, &visited);
	ck_assert_uint_eq(visited, 2);
}
END_TEST

START_TEST(the_numbers_agree)
{
	struct core_stats stats;

	world_add(w, "c1", 1);
	world_add(w, "c2", 1)->error = EIO;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u2");
	start(w, "u2", "c3");
	start(w, "u2", "c4");
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.pods, 2);
	ck_assert_uint_eq(stats.containers, 4);
	ck_assert_uint_eq(stats.pods_failed, 1);
	ck_assert_uint_eq(stats.containers_reconciled, 1);
	ck_assert_uint_eq(stats.containers_partial, 3);
	ck_assert_uint_eq(stats.containers_no_group, 2);
	ck_assert_uint_eq(stats.tombstones, 0);
	ck_assert_uint_eq(stats.queued, 0);
	ck_assert(!stats.synchronized);
	ck_assert_uint_eq(stats.events_emitted, 6);
}
END_TEST

static void fill(unsigned nr_pods, unsigned each)
{
	char uid[64], id[80], parent[120], path[240], sandbox[80];

	for (unsigned i = 0; i < nr_pods; i++) {
		struct core_pod pod = {.uid = uid,
				       .sandbox_id = sandbox,
				       .namespace_ = "production-web",
				       .name = uid,
				       .cgroup_parent = parent};

		snprintf(uid, sizeof(uid), "01234567-89ab-cdef-0123-%012u", i);
		snprintf(sandbox, sizeof(sandbox), "%064u", i);
		snprintf(parent, sizeof(parent),
			 "/kubepods.slice/kubepods-burstable.slice/pod%s.slice", uid);
		core_run_pod(w->core, w->now, &pod);
		for (unsigned j = 0; j < each; j++) {
			struct core_container c = {.id = id,
						   .sandbox_id = sandbox,
						   .name = "application",
						   .cgroups_path = path,
						   .running = true};

			snprintf(id, sizeof(id), "%063u%u", i, j);
			snprintf(path, sizeof(path),
				 "kubepods-burstable-pod%s.slice:cri-containerd:%s", uid, id);
			core_start_container(w->core, w->now, &pod, &c);
		}
	}
}

START_TEST(a_thousand_pods_fit_into_two_and_a_half_megabytes)
{
	size_t before = mallinfo2().uordblks, used;
	struct core_stats stats;

	if (!before) { /* the sanitizers' allocator does not count */
		skip_test("a_thousand_pods_fit_into_two_and_a_half_megabytes", "no mallinfo2()");
		return;
	}
	w->keep_log = false;
	w->fail[WORLD_MKDIR] = ENOSPC; /* the tree stays empty: only the core's memory counts */
	fill(1000, 3);
	used = mallinfo2().uordblks - before;
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.containers, 3000);
	ck_assert_msg(used <= 5u << 19, "%zu bytes in use", used);
}
END_TEST

START_TEST(events_and_audits_leave_no_memory_behind)
{
	struct world_container *c = world_add(w, "c1", 20);
	size_t before;

	w->config.tuning.audit_interval_ms = 1000;
	world_boot(w);
	w->keep_log = false;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	world_sleep(w, 10000);
	before = mallinfo2().uordblks;
	for (int i = 0; i < 1000; i++) {
		post_start(w, "u1", "c1");
		synchronize(w, "u1", "u1/c1");
		world_sleep(w, 1000);
	}
	/* The allocator counts the freed pieces it keeps at hand; a leak would be 1000 pieces. */
	ck_assert_uint_le(mallinfo2().uordblks, before + 4096);
	ck_assert_uint_eq(c->nr, 20);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core view");
	TCase *tc = tcase_create("view");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_pod_without_containers_is_pending);
	tcase_add_test(tc, a_pod_whose_tasks_are_all_placed_says_so);
	tcase_add_test(tc, a_container_that_is_not_placed_says_why);
	tcase_add_test(tc, containers_with_different_troubles_make_a_partial_pod);
	tcase_add_test(tc, missing_tasks_are_counted);
	tcase_add_test(tc, a_pod_in_the_queue_says_so);
	tcase_add_test(tc, a_container_that_was_not_started_is_pending);
	tcase_add_test(tc, containers_of_a_failed_pod_share_its_reason);
	tcase_add_test(tc, there_is_no_view_of_what_is_not_known);
	tcase_add_test(tc, every_pod_is_visited);
	tcase_add_test(tc, the_numbers_agree);
	tcase_add_test(tc, a_thousand_pods_fit_into_two_and_a_half_megabytes);
	tcase_add_test(tc, events_and_audits_leave_no_memory_behind);
	suite_add_tcase(s, tc);
	return s;
}
