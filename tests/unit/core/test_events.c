/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(a_pods_life_is_told_in_five_events)
{
	world_add(w, "c1", 3);
	run_pod(w, "u1");
	expect("u1 Exists 0/0");
	ck_assert(world_has(w, GROUP("u1")));
	start(w, "u1", "c1");
	expect("u1 Exists 1/1");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 3);
	world_end(w, "c1");
	core_remove_container(w->core, w->now, "c1");
	expect("u1 Exists 0/0");
	remove_pod(w, "u1");
	expect("u1 Removed");
	world_run(w);
	ck_assert(!world_has(w, GROUP("u1")));
	expect("");
}
END_TEST

/* The threads of a container, not just the leaders of its processes. */
START_TEST(start_places_every_thread_before_it_returns)
{
	world_add(w, "c1", 40);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 40);
}
END_TEST

START_TEST(children_of_a_placed_container_are_born_in_the_group)
{
	struct world_container *c = world_add(w, "c1", 1);

	run_pod(w, "u1");
	start(w, "u1", "c1");
	for (int i = 0; i < 10; i++)
		(void)world_fork(w, c);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 11);
}
END_TEST

START_TEST(a_second_container_makes_it_two_of_two)
{
	world_add(w, "c1", 1);
	world_add(w, "c2", 2);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Exists 2/2");
	ck_assert_uint_eq(placed("c2", GROUP("u1")), 2);
}
END_TEST

START_TEST(a_repeated_run_says_nothing)
{
	run_pod(w, "u1");
	expect("u1 Exists 0/0");
	run_pod(w, "u1");
	expect("");
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], 1);
}
END_TEST

START_TEST(a_repeated_start_says_nothing)
{
	world_add(w, "c1", 2);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	start(w, "u1", "c1");
	expect("");
}
END_TEST

START_TEST(removing_what_is_not_known_says_nothing)
{
	remove_pod(w, "u1");
	core_remove_container(w->core, w->now, "c1");
	core_stop_container(w->core, w->now, "c1");
	stop_pod(w, "u1");
	expect("");
	world_run(w);
	ck_assert_uint_eq(w->calls[WORLD_RMDIR], 0);
}
END_TEST

START_TEST(a_group_that_cannot_be_made_is_failed_and_its_container_counted)
{
	world_add(w, "c1", 1);
	w->fail[WORLD_MKDIR] = ENOSPC;
	run_pod(w, "u1");
	expect("u1 Failed 0/0");
	start(w, "u1", "c1");
	expect("u1 Failed 1/0");
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], 1);
}
END_TEST

START_TEST(a_container_whose_tasks_all_ended_is_counted_but_not_placed)
{
	enum core_container_state state;
	struct world_container *c = world_add(w, "c1", 2);

	rs_sim_exit(w->sim, c->tid[0]);
	rs_sim_exit(w->sim, c->tid[1]);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/0");
	c->nr = 0;
	(void)world_enter(w, c);
	ck_assert_int_eq(core_retry_container_reconcile(w->core, w->now, "c1", &state, NULL), 0);
	ck_assert_int_eq(state, CORE_CONTAINER_RECONCILED);
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(tasks_that_cannot_be_placed_give_one_event_while_nothing_changes)
{
	enum core_container_state state;
	struct world_container *c = world_add(w, "c1", 1);

	rs_sim_exit(w->sim, c->tid[0]);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/0");
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
			core_retry_container_reconcile(w->core, w->now, "c1", &state, NULL), 0);
		ck_assert_int_eq(state, CORE_CONTAINER_PARTIAL);
	}
	expect("");
}
END_TEST

/* Each pass looks afresh, so a fork in the middle of one is seen by the next. */
START_TEST(forks_during_placement_are_caught)
{
	struct world_container *c = world_add(w, "c1", 4);

	run_pod(w, "u1");
	w->grow_on_list = 3;
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(c->nr, 7);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 7);
}
END_TEST

START_TEST(a_container_that_comes_before_its_pod_is_placed_when_the_pod_comes)
{
	world_add(w, "c1", 2);
	start(w, "u1", "c1");
	expect("");
	run_pod(w, "u1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
}
END_TEST

START_TEST(a_container_that_comes_and_goes_before_its_pod_leaves_nothing)
{
	world_add(w, "c1", 2);
	start(w, "u1", "c1");
	core_remove_container(w->core, w->now, "c1");
	run_pod(w, "u1");
	world_run(w);
	expect("u1 Exists 0/0");
}
END_TEST

START_TEST(a_pod_lives_until_its_last_sandbox_goes)
{
	struct core_pod old, new;
	struct core_container c = {.id = "c2", .sandbox_id = "s2", .running = true};

	world_add(w, "c1", 1);
	world_add(w, "c2", 1);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
	world_pod(&old, "u1", NULL);
	world_pod(&new, "u1", "s2");
	core_run_pod(w->core, w->now, &new);
	core_start_container(w->core, w->now, &new, &c);
	expect("u1 Exists 2/2");
	core_remove_pod(w->core, w->now, &old);
	expect("u1 Exists 1/1");
	world_run(w);
	ck_assert(world_has(w, GROUP("u1")));
	ck_assert_uint_eq(placed("c2", GROUP("u1")), 1);
	core_remove_pod(w->core, w->now, &new);
	expect("u1 Removed");
	world_run(w);
	ck_assert(!world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(the_removal_of_a_sandbox_that_is_not_the_pods_changes_nothing)
{
	struct core_pod other;

	run_pod(w, "u1");
	world_pod(&other, "u1", "older");
	core_remove_pod(w->core, w->now, &other);
	world_run(w);
	expect("u1 Exists 0/0");
	ck_assert(world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(a_container_is_removed_by_its_id_alone)
{
	world_add(w, "c1", 1);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	core_remove_container(w->core, w->now, "c1");
	expect("u1 Exists 0/0");
	core_remove_container(w->core, w->now, "c1");
	expect("");
}
END_TEST

START_TEST(containers_go_with_their_pod)
{
	struct core_stats stats;

	world_add(w, "c1", 1);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	remove_pod(w, "u1");
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.containers, 0);
	ck_assert_uint_eq(stats.pods, 0);
	(void)world_events(w);
	core_remove_container(w->core, w->now, "c1");
	post_start(w, "u1", "c1");
	expect("");
}
END_TEST

START_TEST(stop_leaves_the_counters_alone)
{
	world_add(w, "c1", 1);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	core_stop_container(w->core, w->now, "c1");
	stop_pod(w, "u1");
	world_run(w);
	expect("");
	ck_assert(world_has(w, GROUP("u1")));
}
END_TEST

START_TEST(a_stop_that_overtakes_post_start_is_final)
{
	struct world_container *c = world_add(w, "c1", 1);
	unsigned listed;

	run_pod(w, "u1");
	start(w, "u1", "c1");
	core_stop_container(w->core, w->now, "c1");
	(void)world_events(w);
	listed = c->listed;
	post_start(w, "u1", "c1");
	ck_assert_uint_eq(c->listed, listed);
	core_remove_container(w->core, w->now, "c1");
	post_start(w, "u1", "c1");
	expect("u1 Exists 0/0");
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_IGNORED), 1);
}
END_TEST

START_TEST(post_start_takes_in_what_came_since_start)
{
	struct world_container *c = world_add(w, "c1", 1);

	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_enter(w, c);
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 1);
	post_start(w, "u1", "c1");
	ck_assert_uint_eq(placed("c1", GROUP("u1")), 2);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(post_start_repairs_a_failed_start)
{
	struct world_container *c = world_add(w, "c1", 1);

	run_pod(w, "u1");
	c->error = ENOENT;
	start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/0");
	c->error = 0;
	post_start(w, "u1", "c1");
	expect("u1 Exists 1/1");
}
END_TEST

START_TEST(a_container_that_crashes_before_post_start_stays_placed)
{
	(void)world_add(w, "c1", 1);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	world_end(w, "c1");
	post_start(w, "u1", "c1");
	world_run(w);
	core_stop_container(w->core, w->now, "c1");
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(post_start_changes_nothing_for_what_has_ended)
{
	world_add(w, "c1", 1)->error = EACCES;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	core_stop_container(w->core, w->now, "c1");
	post_start(w, "u1", "c1");
	expect("u1 Exists 0/0; u1 Exists 1/0");
}
END_TEST

START_TEST(a_sandbox_that_runs_again_keeps_the_group_when_another_stops)
{
	struct core_pod other;

	w->config.tuning.release_on_sandbox_stop = true;
	world_boot(w);
	world_pod(&other, "u1", "s2");
	run_pod(w, "u1");
	stop_pod(w, "u1");
	run_pod(w, "u1");
	core_run_pod(w->core, w->now, &other);
	core_stop_pod(w->core, w->now, &other);
	expect("u1 Exists 0/0; u1 Removed; u1 Exists 0/0");
	stop_pod(w, "u1");
	expect("u1 Removed");
}
END_TEST

START_TEST(a_stopped_sandbox_gives_its_group_back_when_asked_to)
{
	w->config.tuning.release_on_sandbox_stop = true;
	world_boot(w);
	world_add(w, "c1", 1);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	(void)world_events(w);
	stop_pod(w, "u1");
	expect("u1 Removed");
	world_run(w);
	ck_assert(!world_has(w, GROUP("u1")));
	core_remove_container(w->core, w->now, "c1");
	remove_pod(w, "u1");
	world_run(w);
	expect("");
}
END_TEST

START_TEST(a_released_pod_stays_away_after_a_reconnect_and_comes_back_when_it_runs)
{
	struct core_pod again;

	w->config.tuning.release_on_sandbox_stop = true;
	world_boot(w);
	run_pod(w, "u1");
	stop_pod(w, "u1");
	world_run(w);
	synchronize(w, "u1", "u1/c1!");
	world_run(w);
	expect("u1 Exists 0/0; u1 Removed");
	world_add(w, "c1", 1);
	start(w, "u1", "c1");
	expect("");
	world_pod(&again, "u1", "s2");
	core_run_pod(w->core, w->now, &again);
	expect("u1 Exists 0/0");
}
END_TEST

START_TEST(a_pod_that_returns_at_once_keeps_its_group)
{
	int rmid;

	run_pod(w, "u1");
	rmid = rs_sim_rmid_of(w->sim, GROUP("u1"));
	remove_pod(w, "u1");
	run_pod(w, "u1");
	world_run(w);
	expect("u1 Exists 0/0; u1 Removed; u1 Exists 0/0");
	ck_assert_int_eq(rs_sim_rmid_of(w->sim, GROUP("u1")), rmid);
}
END_TEST

static void start_at(const char *path)
{
	struct core_pod pod = {.uid = "u1", .sandbox_id = "s1"};
	struct core_container c = {
		.id = "c1", .sandbox_id = "s1", .cgroups_path = path, .running = true};

	core_start_container(w->core, w->now, &pod, &c);
}

/* However it is kept. PATH is of the container c1, and is what the finder of tasks works with. */
START_TEST(a_cgroups_path_reaches_the_finder_as_it_was_told)
{
	char long_path[1600];
	const char *asked = world_add(w, "c1", 1)->listed_path;
	const char *const paths[] = {
		"/kubepods/burstable/podu1/c1",
		"kubepods-podu1.slice:cri-containerd:c1",
		"c1",
		"c1/",
		"/c1/c",
		"/kubepods/podu1/c1",
		"/kubepods/podu1/other",
	};

	run_pod(w, "u1");
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		start_at(paths[i]);
		ck_assert_str_eq(asked, paths[i]);
		start_at("");
		ck_assert_str_eq(asked, paths[i]);
		start_at(NULL);
		ck_assert_str_eq(asked, paths[i]);
	}
	for (size_t len = 1000; len < sizeof(long_path); len++) {
		memset(long_path, '/', len - 2);
		memcpy(long_path + len - 2, "c1", 3);
		start_at(long_path);
		ck_assert_str_eq(asked, long_path);
	}
}
END_TEST

START_TEST(containers_of_one_pod_have_paths_of_their_own)
{
	const char *asked[2] = {world_add(w, "c1", 1)->listed_path,
				world_add(w, "c2", 1)->listed_path};

	run_pod(w, "u1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	core_remove_container(w->core, w->now, "c1");
	start(w, "u1", "c1");
	start(w, "u1", "c2");
	ck_assert_str_eq(asked[0], "/kubepods/c1");
	ck_assert_str_eq(asked[1], "/kubepods/c2");
}
END_TEST

START_TEST(input_that_cannot_be_right_is_left_aside)
{
	static char long_id[CORE_ID_MAX + 2];
	struct core_container c = {.id = NULL, .running = true};
	struct core_pod pod = {.uid = ""};

	memset(long_id, 'x', sizeof(long_id) - 1);
	core_run_pod(w->core, w->now, &pod);
	pod.uid = NULL;
	core_run_pod(w->core, w->now, &pod);
	pod.uid = long_id;
	core_run_pod(w->core, w->now, &pod);
	core_start_container(w->core, w->now, &pod, &c);
	c.id = long_id;
	core_start_container(w->core, w->now, &pod, &c);
	core_synchronize(w->core, w->now, &pod, 1, &c, 1);
	core_stop_container(w->core, w->now, NULL);
	core_remove_container(w->core, w->now, NULL);
	core_remove_pod(w->core, w->now, &pod);
	core_stop_pod(w->core, w->now, &pod);
	world_run(w);
	expect("");
	ck_assert_uint_ge(world_noticed(w, CORE_NOTICE_IGNORED), 7);
}
END_TEST

START_TEST(a_pod_and_a_container_of_which_nothing_but_the_id_is_told_are_handled)
{
	struct core_pod pod = {.uid = "u1"};
	struct core_container c = {.id = "c1", .running = true};

	world_add(w, "c1", 1);
	core_run_pod(w->core, w->now, &pod);
	core_start_container(w->core, w->now, &pod, &c);
	core_remove_container(w->core, w->now, "c1");
	core_remove_pod(w->core, w->now, &pod);
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Exists 0/0; u1 Removed");
}
END_TEST

START_TEST(the_pod_of_a_container_is_found_by_its_sandbox)
{
	struct core_container c = {.id = "c1", .sandbox_id = "s-u1", .running = true};
	struct core_pod sparse = {.uid = ""};

	world_add(w, "c1", 1);
	run_pod(w, "u1");
	core_start_container(w->core, w->now, &sparse, &c);
	expect("u1 Exists 0/0; u1 Exists 1/1");
}
END_TEST

START_TEST(uids_that_look_alike_once_cleaned_get_groups_of_their_own)
{
	struct rs_sim_usage usage;

	run_pod(w, "a:b");
	run_pod(w, "ab");
	run_pod(w, "a/b");
	rs_sim_usage(w->sim, &usage);
	ck_assert_uint_eq(usage.groups, 3);
	remove_pod(w, "a:b");
	world_run(w);
	ck_assert(world_has(w, GROUP("ab")));
	rs_sim_usage(w->sim, &usage);
	ck_assert_uint_eq(usage.groups, 2);
}
END_TEST

START_TEST(control_groups_on_request)
{
	w->config.group_kind = RS_GROUP_CTRL;
	world_boot(w);
	world_add(w, "c1", 2);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	ck_assert_uint_eq(placed("c1", "podresctrl-u1"), 2);
	remove_pod(w, "u1");
	world_run(w);
	ck_assert(!world_has(w, "podresctrl-u1"));
	expect("u1 Exists 0/0; u1 Exists 1/1; u1 Removed");
}
END_TEST

START_TEST(a_config_that_would_do_harm_is_refused)
{
	struct core_config bad[4] = {w->config, w->config, w->config, w->config};
	struct core_deps deps = {.rs = w->rs};
	struct core *core = NULL;
	struct err e = {0};

	bad[0].group_prefix = "";
	bad[1].tuning.max_reconcile_passes = 0;
	bad[2].root = "";
	bad[3].group_prefix = NULL;
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(core_new(&bad[i], &deps, &core, &e), -EINVAL);
		ck_assert_ptr_null(core);
	}
	ck_assert_int_eq(core_new(&w->config, &deps, &core, &e), -EINVAL);
	core_free(NULL);
}
END_TEST

static void count_to_limit(enum core_notice_kind kind)
{
	ck_assert_uint_eq(world_noticed(w, kind), 1);
}

START_TEST(there_are_no_more_pods_than_the_cap)
{
	struct core_stats stats;
	char uid[32];

	for (unsigned i = 0; i < CORE_PODS_MAX; i++) {
		snprintf(uid, sizeof(uid), "pod-%u", i);
		run_pod(w, uid);
	}
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_IGNORED), 0);
	run_pod(w, "one-more");
	count_to_limit(CORE_NOTICE_IGNORED);
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.pods, CORE_PODS_MAX);
}
END_TEST

START_TEST(there_are_no_more_containers_than_the_cap)
{
	struct core_stats stats;
	char id[32];

	for (unsigned i = 0; i < CORE_CONTAINERS_MAX; i++) {
		struct core_container c = {.id = id, .running = true};

		snprintf(id, sizeof(id), "c-%u", i);
		core_start_container(w->core, w->now, NULL, &c);
	}
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_IGNORED), 0);
	start(w, "u1", "one-more");
	count_to_limit(CORE_NOTICE_IGNORED);
	core_stats(w->core, &stats);
	ck_assert_uint_eq(stats.containers, CORE_CONTAINERS_MAX);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("core events");
	TCase *tc = tcase_create("events");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_pods_life_is_told_in_five_events);
	tcase_add_test(tc, start_places_every_thread_before_it_returns);
	tcase_add_test(tc, children_of_a_placed_container_are_born_in_the_group);
	tcase_add_test(tc, a_second_container_makes_it_two_of_two);
	tcase_add_test(tc, a_repeated_run_says_nothing);
	tcase_add_test(tc, a_repeated_start_says_nothing);
	tcase_add_test(tc, removing_what_is_not_known_says_nothing);
	tcase_add_test(tc, a_group_that_cannot_be_made_is_failed_and_its_container_counted);
	tcase_add_test(tc, a_container_whose_tasks_all_ended_is_counted_but_not_placed);
	tcase_add_test(tc, tasks_that_cannot_be_placed_give_one_event_while_nothing_changes);
	tcase_add_test(tc, forks_during_placement_are_caught);
	tcase_add_test(tc, a_container_that_comes_before_its_pod_is_placed_when_the_pod_comes);
	tcase_add_test(tc, a_container_that_comes_and_goes_before_its_pod_leaves_nothing);
	tcase_add_test(tc, a_pod_lives_until_its_last_sandbox_goes);
	tcase_add_test(tc, the_removal_of_a_sandbox_that_is_not_the_pods_changes_nothing);
	tcase_add_test(tc, a_container_is_removed_by_its_id_alone);
	tcase_add_test(tc, containers_go_with_their_pod);
	tcase_add_test(tc, stop_leaves_the_counters_alone);
	tcase_add_test(tc, a_stop_that_overtakes_post_start_is_final);
	tcase_add_test(tc, post_start_takes_in_what_came_since_start);
	tcase_add_test(tc, post_start_repairs_a_failed_start);
	tcase_add_test(tc, a_container_that_crashes_before_post_start_stays_placed);
	tcase_add_test(tc, post_start_changes_nothing_for_what_has_ended);
	tcase_add_test(tc, a_sandbox_that_runs_again_keeps_the_group_when_another_stops);
	tcase_add_test(tc, a_stopped_sandbox_gives_its_group_back_when_asked_to);
	tcase_add_test(tc, a_released_pod_stays_away_after_a_reconnect_and_comes_back_when_it_runs);
	tcase_add_test(tc, a_pod_that_returns_at_once_keeps_its_group);
	tcase_add_test(tc, a_cgroups_path_reaches_the_finder_as_it_was_told);
	tcase_add_test(tc, containers_of_one_pod_have_paths_of_their_own);
	tcase_add_test(tc, input_that_cannot_be_right_is_left_aside);
	tcase_add_test(tc, a_pod_and_a_container_of_which_nothing_but_the_id_is_told_are_handled);
	tcase_add_test(tc, the_pod_of_a_container_is_found_by_its_sandbox);
	tcase_add_test(tc, uids_that_look_alike_once_cleaned_get_groups_of_their_own);
	tcase_add_test(tc, control_groups_on_request);
	tcase_add_test(tc, a_config_that_would_do_harm_is_refused);
	tcase_add_test(tc, there_are_no_more_pods_than_the_cap);
	tcase_add_test(tc, there_are_no_more_containers_than_the_cap);
	suite_add_tcase(s, tc);
	return s;
}
