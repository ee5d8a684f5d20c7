/* SPDX-License-Identifier: Apache-2.0 */

/* The control API over its socket, on a core with a simulated tree. */

#include "control_api.h"
#include "control_events.h"
#include "control_retry.h"
#include "core_world.h"
#include "http_peer.h"
#include "unit/runner.h"

#include <errno.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct world *w;
static struct http_bench bench;
static struct control_api api;
static struct control_retry retry;
static struct control_events *events;
static struct http_route routes[CONTROL_API_ROUTES + 3];
static struct json_object *answer;
static unsigned jobs;
static bool synchronized;

static bool is_synchronized(void *ctx)
{
	(void)ctx;
	return synchronized;
}

static void on_job(void *ctx)
{
	(void)ctx;
	jobs++;
}

static uint64_t world_now(void)
{
	return w->now;
}

static int64_t wall_now(void)
{
	return INT64_C(1795543200123);
}

static void set_up(void)
{
	w = world_new(4, 0);
	world_boot(w);
	synchronized = true;
	jobs = 0;
	api = (struct control_api){
		.node_name = "node1",
		.group_prefix = "podresctrl-",
		.root_name = "/sys/fs/resctrl",
		.core = w->core,
		.rs = w->rs,
		.is_synchronized = is_synchronized,
	};
	retry = (struct control_retry){.core = w->core, .now_ms = world_now, .on_job = on_job};
	control_retry_init(&retry);
	events = control_events_new(wall_now);
	control_api_routes(&api, routes);
	routes[CONTROL_API_ROUTES] =
		(struct http_route){"/v1/events", false, HTTP_GET, control_events_handle, events};
	routes[CONTROL_API_ROUTES + 1] =
		(struct http_route){"/v1/retry", false, HTTP_POST, control_retry_handle, &retry};
	http_bench_start(&bench, routes, 16);
}

static void tear_down(void)
{
	json_object_put(answer);
	answer = NULL;
	http_bench_stop(&bench);
	control_events_free(events);
	world_free(w);
}

static void ask(const char *request, int status)
{
	const char *body = http_bench_body(&bench, request, status);

	json_object_put(answer);
	answer = json_tokener_parse(body);
	ck_assert_msg(answer != NULL, "no JSON: %s", body);
}

static struct json_object *at(const char *pointer)
{
	struct json_object *o = NULL;

	ck_assert_msg(json_pointer_get(answer, pointer, &o) == 0, "no %s in %s", pointer,
		      json_object_to_json_string(answer));
	return o;
}

static const char *text_at(const char *pointer)
{
	const char *s = json_object_get_string(at(pointer));

	return s ? s : "(null)";
}

static int64_t number_at(const char *pointer)
{
	ck_assert_msg(json_object_is_type(at(pointer), json_type_int), "%s", pointer);
	return json_object_get_int64(at(pointer));
}

static size_t nr_pods(void)
{
	return json_object_array_length(at("/pods"));
}

/* Two pods, of which the second has two containers: one placed, one that has no tasks. */
static void two_pods(void)
{
	world_add(w, "c1", 3);
	world_add(w, "c2", 1);
	world_add(w, "c3", 0);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	run_pod(w, "u2");
	start(w, "u2", "c2");
	start(w, "u2", "c3");
}

/* ---- pods ----------------------------------------------------------------------------------- */

START_TEST(pods_are_listed_with_their_containers)
{
	synchronize(w, "", "");
	world_run(w);
	two_pods();
	ask("GET /v1/pods", 200);
	ck_assert_str_eq(text_at("/node"), "node1");
	ck_assert_str_eq(text_at("/version"), PODRESCTRL_VERSION);
	ck_assert_str_eq(text_at("/resctrl"), "real");
	ck_assert_str_eq(text_at("/synchronized"), "true");
	ck_assert_uint_eq(nr_pods(), 2);
	ck_assert_str_eq(text_at("/pods/0/namespace"), "shop");
	ck_assert_str_eq(text_at("/pods/0/name"), "pod-u1");
	ck_assert_str_eq(text_at("/pods/0/uid"), "u1");
	ck_assert_str_eq(text_at("/pods/0/groupState"), "Exists");
	ck_assert_str_eq(text_at("/pods/0/groupPath"), "/sys/fs/resctrl/mon_groups/podresctrl-u1");
	ck_assert_int_eq(number_at("/pods/0/totalContainers"), 1);
	ck_assert_str_eq(text_at("/pods/0/reason"), "AllAssigned");
	ck_assert_str_eq(text_at("/pods/0/queued"), "false");
	ck_assert_str_eq(text_at("/pods/0/containers/0/id"), "c1");
	ck_assert_str_eq(text_at("/pods/0/containers/0/state"), "Reconciled");
	ck_assert_int_eq(number_at("/pods/1/totalContainers"), 2);
	ck_assert_int_eq(number_at("/pods/1/reconciledContainers"), 1);
	ck_assert_str_eq(text_at("/pods/1/containers/1/state"), "Partial");
	ck_assert_str_ne(text_at("/pods/1/containers/1/message"), "");
	ck_assert(!json_object_object_get_ex(at("/pods/0"), "counters", NULL));
}
END_TEST

START_TEST(synchronized_needs_the_runtime_and_the_end_of_its_work)
{
	ask("GET /v1/pods", 200);
	ck_assert_str_eq(text_at("/synchronized"), "false");
	synchronize(w, "u1", "");
	ask("GET /v1/pods", 200);
	ck_assert_str_eq(text_at("/synchronized"), "false");
	ck_assert_str_eq(text_at("/pods/0/queued"), "true");
	world_run(w);
	ask("GET /v1/pods", 200);
	ck_assert_str_eq(text_at("/synchronized"), "true");
	synchronized = false;
	ask("GET /v1/pods", 200);
	ck_assert_str_eq(text_at("/synchronized"), "false");
}
END_TEST

START_TEST(a_namespace_narrows_the_list)
{
	two_pods();
	ask("GET /v1/pods?namespace=shop", 200);
	ck_assert_uint_eq(nr_pods(), 2);
	ask("GET /v1/pods?namespace=sho", 200);
	ck_assert_uint_eq(nr_pods(), 0);
}
END_TEST

START_TEST(one_pod_has_its_counters)
{
	two_pods();
	ask("GET /v1/pods/shop/pod-u1", 200);
	ck_assert_uint_eq(nr_pods(), 1);
	ck_assert_uint_eq(json_object_array_length(at("/pods/0/counters")), 3);
	ck_assert_str_eq(text_at("/pods/0/counters/0/domain"), "mon_L3_00");
	ck_assert_str_eq(text_at("/pods/0/counters/0/event"), "llc_occupancy");
	ck_assert_int_gt(number_at("/pods/0/counters/0/value"), 0);
	ck_assert_str_eq(text_at("/pods/0/counters/2/event"), "mbm_local_bytes");
}
END_TEST

START_TEST(counters_that_cannot_be_read_do_not_hide_the_pod)
{
	two_pods();
	ck_assert_int_eq(world_rmdir(w, "mon_groups/podresctrl-u1"), 0);
	ask("GET /v1/pods/shop/pod-u1", 200);
	ck_assert_uint_eq(json_object_array_length(at("/pods/0/counters")), 0);
	ck_assert_ptr_nonnull(strstr(text_at("/pods/0/countersError"), "podresctrl-u1"));
}
END_TEST

START_TEST(a_pod_that_is_not_there_is_404_and_a_name_that_cannot_be_is_400)
{
	static const char *const bad[] = {
		"GET /v1/pods/shop/",
		"GET /v1/pods//pod-u1",
		"GET /v1/pods/shop/a/b",
		"GET /v1/pods/shop",
		"GET /v1/pods/",
		"GET /v1/pods/sh%20op/x",
		"GET /v1/pods/../pod",
		"GET /v1/pods/SHOP/x",
		"GET /v1/pods/shop/x?all=1",
		"GET /v1/pods?name=x",
		"GET /v1/pods?namespace=",
		"GET /v1/pods?namespace=a/b",
		"GET /v1/capacity?x",
		"POST /v1/retry",
		"POST /v1/retry?all=1",
		"POST /v1/retry?name=x",
		"POST /v1/retry?namespace=shop",
		"POST /v1/retry?all=true&name=x&namespace=shop",
		"GET /v1/events?follow=1",
	};

	two_pods();
	ask("GET /v1/pods/shop/none", 404);
	ck_assert_str_eq(text_at("/error/reason"), "PodNotFound");
	ask("POST /v1/retry?namespace=bank&name=pod-u1", 404);
	ck_assert_str_eq(text_at("/error/reason"), "PodNotFound");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		/* "..": the dots are characters of a name, but there is none like that. */
		ask(bad[i], strstr(bad[i], "..") ? 404 : 400);
		ck_assert_str_eq(text_at("/error/reason"),
				 strstr(bad[i], "..") ? "PodNotFound" : "BadRequest");
	}
}
END_TEST

/* ---- retries -------------------------------------------------------------------------------- */

/* Ask for a retry, do the work as the daemon does, and take the answer. */
static void ask_retry(const char *query)
{
	char request[256];
	const char *body;
	int fd, n;

	n = snprintf(request, sizeof(request),
		     "POST /v1/retry?%s HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n", query);
	fd = http_bench_connect(&bench);
	http_bench_send(&bench, fd, request, (size_t)n);
	http_bench_turn(&bench);
	for (int i = 0; i < 10000 && !list_empty(&retry.jobs); i++) {
		while (control_retry_work(&retry))
			;
		world_run(w);
		w->now += 20;
		http_bench_turn(&bench);
	}
	body = http_bench_read(&bench, fd, NULL);
	close(fd);
	ck_assert_msg(strncmp(body, "HTTP/1.1 200 ", 13) == 0, "%s", body);
	json_object_put(answer);
	answer = json_tokener_parse(strchr(body, '{'));
	ck_assert_ptr_nonnull(answer);
}

START_TEST(a_retry_says_what_came_of_it)
{
	static const char *const strangers[] = {"mon_groups/a", "mon_groups/b", "mon_groups/c"};

	for (size_t i = 0; i < ARRAY_LEN(strangers); i++)
		ck_assert_int_eq(world_mkdir(w, strangers[i]), 0);
	world_add(w, "c1", 1);
	run_pod(w, "u1");
	start(w, "u1", "c1");
	ask_retry("namespace=shop&name=pod-u1");
	ck_assert_str_eq(text_at("/result"), "Failed");
	ck_assert_int_eq(number_at("/groupsTried"), 1);
	ck_assert_int_eq(number_at("/errors"), 1);
	ck_assert_str_eq(text_at("/stoppedOnCapacity"), "true");
	ck_assert_str_ne(text_at("/firstError"), "(null)");
	ck_assert_int_eq(world_rmdir(w, "mon_groups/a"), 0);
	ask_retry("namespace=shop&name=pod-u1");
	ck_assert_str_eq(text_at("/result"), "Succeeded");
	ck_assert_int_eq(number_at("/groupsCreated"), 1);
	ask_retry("namespace=shop&name=pod-u1");
	ck_assert_str_eq(text_at("/result"), "NothingToDo");
	ck_assert_str_eq(text_at("/firstError"), "(null)");
	ck_assert_uint_eq(jobs, 3);
	ck_assert_uint_eq(retry.answered[STATUS_RETRY_FAILED], 1);
	ck_assert_uint_eq(retry.answered[STATUS_RETRY_SUCCEEDED], 1);
	ck_assert_uint_eq(retry.answered[STATUS_RETRY_NOTHING_TO_DO], 1);
}
END_TEST

START_TEST(all_pods_can_be_retried_at_once)
{
	ask_retry("all=true");
	ck_assert_str_eq(text_at("/result"), "NothingToDo");
	w->fail[WORLD_MKDIR] = EROFS;
	two_pods();
	w->fail[WORLD_MKDIR] = 0;
	ask_retry("all=true");
	ck_assert_int_eq(number_at("/groupsTried"), 2);
	ck_assert_int_eq(number_at("/groupsCreated"), 2);
	ask("GET /v1/pods", 200);
	ck_assert_str_eq(text_at("/pods/1/groupState"), "Exists");
}
END_TEST

START_TEST(after_one_pod_found_no_room_others_are_not_tried)
{
	static const char *const uids[] = {"u1", "u2", "u3", "u4", "u5", "u6"};

	for (size_t i = 0; i < ARRAY_LEN(uids); i++)
		run_pod(w, uids[i]);
	ask_retry("all=true");
	ck_assert_int_eq(number_at("/groupsTried"), 1);
	ck_assert_str_eq(text_at("/stoppedOnCapacity"), "true");
	ck_assert_int_eq(number_at("/errors"), 1);
}
END_TEST

START_TEST(a_large_container_is_awaited)
{
	struct world_container *c = world_add(w, "c1", 3000);

	c->error = -EACCES;
	run_pod(w, "u1");
	start(w, "u1", "c1");
	c->error = 0;
	ask_retry("namespace=shop&name=pod-u1");
	ck_assert_str_eq(text_at("/result"), "Succeeded");
	ck_assert_int_eq(number_at("/containersTried"), 1);
	ck_assert_int_eq(number_at("/containersReconciled"), 1);
	ck_assert_uint_eq(world_count_in(w, c, "mon_groups/podresctrl-u1"), 3000);
}
END_TEST

START_TEST(who_hangs_up_ends_the_pass)
{
	static const char request[] = "POST /v1/retry?all=true HTTP/1.1\r\nHost: n\r\n\r\n";
	int fd;

	w->fail[WORLD_MKDIR] = EROFS;
	two_pods();
	fd = http_bench_connect(&bench);
	http_bench_send(&bench, fd, request, strlen(request));
	http_bench_turn(&bench);
	ck_assert(!list_empty(&retry.jobs));
	close(fd);
	http_bench_turn(&bench);
	ck_assert(list_empty(&retry.jobs));
	ck_assert(!control_retry_work(&retry));
	ck_assert_uint_eq(control_retry_next_ms(&retry), UINT64_MAX);
}
END_TEST

START_TEST(a_pass_that_does_not_end_is_answered_after_a_minute)
{
	static const char request[] =
		"POST /v1/retry?all=true HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n";
	const char *text;
	int fd;

	w->fail[WORLD_MKDIR] = EROFS;
	two_pods();
	fd = http_bench_connect(&bench);
	http_bench_send(&bench, fd, request, strlen(request));
	http_bench_turn(&bench);
	w->now += 60000;
	while (control_retry_work(&retry))
		;
	text = http_bench_read(&bench, fd, NULL);
	ck_assert_ptr_nonnull(strstr(text, "\"result\":\"Failed\""));
	ck_assert_ptr_nonnull(strstr(text, "still being worked on"));
	close(fd);
}
END_TEST

/* ---- capacity ------------------------------------------------------------------------------- */

START_TEST(capacity_says_what_is_known_and_null_for_the_rest)
{
	two_pods();
	api.rmid_reserve = 1;
	ask("GET /v1/capacity", 200);
	ck_assert_int_eq(number_at("/rmids/total"), 4);
	ck_assert_int_eq(number_at("/rmids/ours"), 2);
	ck_assert_int_eq(number_at("/rmids/foreign"), 0);
	ck_assert_int_eq(number_at("/rmids/unused"), 1);
	ck_assert_int_eq(number_at("/rmids/reserve"), 1);
	ck_assert_str_eq(text_at("/rmids/free"), "(null)");
	ck_assert_str_eq(text_at("/rmids/inLimbo"), "(null)");
	ck_assert_str_eq(text_at("/rmids/lastRefusal"), "(null)");
	ck_assert_str_eq(text_at("/groupKind"), "mon");
	ck_assert_str_eq(text_at("/closids"), "(null)"); /* these pods take none */
	ck_assert_int_gt(number_at("/limboThresholdBytes"), 0);
	ck_assert_str_eq(text_at("/mount/usable"), "true");
	run_pod(w, "u3");
	run_pod(w, "u4");
	ask("GET /v1/capacity", 200);
	ck_assert_int_eq(number_at("/rmids/free"), 0);
	ck_assert_int_eq(number_at("/rmids/inLimbo"), 0);
	ck_assert_str_eq(text_at("/rmids/lastRefusal"), "OutOfRMIDs");
}
END_TEST

START_TEST(closids_are_told_where_pods_take_one)
{
	api.group_kind = RS_GROUP_CTRL;
	ck_assert_int_eq(world_mkdir(w, "podresctrl-u1"), 0);
	ck_assert_int_eq(world_mkdir(w, "gold"), 0);
	ask("GET /v1/capacity", 200);
	ck_assert_int_eq(number_at("/closids/total"), 16);
	ck_assert_int_eq(number_at("/closids/ours"), 1);
	ck_assert_int_eq(number_at("/closids/foreign"), 1);
	ck_assert_int_eq(number_at("/closids/unused"), 13);
	api.group_kind = RS_GROUP_MON;
}
END_TEST

START_TEST(a_tree_that_cannot_be_read_is_an_answer_too)
{
	api.group_kind = RS_GROUP_CTRL;
	w->fail[WORLD_READ] = EACCES;
	w->fail[WORLD_OPEN] = EACCES;
	ask("GET /v1/capacity", 200);
	ck_assert_str_eq(text_at("/rmids/total"), "(null)");
	ck_assert_int_eq(number_at("/rmids/reserve"), 0);
	ck_assert_str_eq(text_at("/limboThresholdBytes"), "(null)");
	ck_assert_str_eq(text_at("/mount/usable"), "false");
	ck_assert_str_eq(text_at("/mount/reason"), "NoPermission");
	ck_assert_str_eq(text_at("/closids"), "(null)");
	api.group_kind = RS_GROUP_MON;
}
END_TEST

/* ---- events --------------------------------------------------------------------------------- */

static void add_event(const char *name)
{
	const struct core_event event = {
		.kind = CORE_ADD_OR_UPDATE,
		.pod_uid = "u1",
		.pod_namespace = "shop",
		.pod_name = name,
		.group_path = "/x",
		.total_containers = 2,
	};

	control_events_on_event(events, &event);
}

static int follow(void)
{
	static const char request[] = "GET /v1/events?follow=true HTTP/1.1\r\nHost: n\r\n\r\n";
	int fd = http_bench_connect(&bench);

	http_bench_send(&bench, fd, request, strlen(request));
	http_bench_turn(&bench);
	return fd;
}

START_TEST(the_last_events_are_lines_of_json)
{
	const struct core_event removed = {.kind = CORE_REMOVED,
					   .pod_uid = "u1",
					   .pod_namespace = "shop",
					   .pod_name = "web-0",
					   .group_path = ""};
	const struct core_notice notice = {.kind = CORE_NOTICE_GROUP_FAILED,
					   .pod_uid = "u1",
					   .pod_namespace = "shop",
					   .pod_name = "web-0",
					   .container_id = "",
					   .reason = "OutOfRMIDs",
					   .text = "a \"quoted\"\nreason"};

	add_event("web-0");
	control_events_on_notice(events, &notice);
	control_events_on_event(events, &removed);
	const char *body = http_bench_ask(&bench, "GET /v1/events");

	ck_assert_ptr_nonnull(strstr(body, "Content-Type: application/x-ndjson"));
	ck_assert_ptr_nonnull(
		strstr(body, "{\"time\":\"2026-11-24T18:00:00.123Z\",\"kind\":\"AddOrUpdate\","
			     "\"namespace\":\"shop\",\"name\":\"web-0\",\"uid\":\"u1\","
			     "\"groupState\":\"Exists\",\"groupPath\":\"/x\",\"totalContainers\":2,"
			     "\"reconciledContainers\":0}\n"));
	ck_assert_ptr_nonnull(strstr(body, "\"notice\":\"GroupFailed\""));
	ck_assert_ptr_nonnull(strstr(body, "\"message\":\"a \\\"quoted\\\" reason\"}\n"));
	ck_assert_ptr_nonnull(strstr(body, "\"kind\":\"Removed\",\"namespace\":\"shop\","
					   "\"name\":\"web-0\",\"uid\":\"u1\"}\n"));
}
END_TEST

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		text++;
		n++;
	}
	return n;
}

START_TEST(who_follows_sees_each_event_once)
{
	const char *text;
	int fd;

	add_event("first");
	fd = follow();
	text = http_bench_read(&bench, fd, "first");
	ck_assert_uint_eq(count(text, "\"first\""), 1);
	for (int i = 0; i < 5; i++)
		http_bench_turn(&bench);
	add_event("second");
	add_event("third");
	text = http_bench_read(&bench, fd, "third");
	ck_assert_uint_eq(count(text, "\"first\""), 0);
	ck_assert_uint_eq(count(text, "\"second\""), 1);
	ck_assert_uint_eq(count(text, "\"third\""), 1);
	close(fd);
}
END_TEST

START_TEST(a_reader_that_is_too_slow_is_cut_off_and_told)
{
	struct control_events_stats s;
	const char *text;
	int fd = follow();

	/* More than a socket takes without a reader, and then more than the ring keeps. */
	for (int i = 0; i < 6000; i++) {
		add_event("flood");
		http_bench_turn(&bench);
	}
	text = http_bench_read(&bench, fd, "0\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(text, "\"kind\":\"CutOff\""));
	ck_assert_uint_eq(count(text, "CutOff"), 1);
	ck_assert_ptr_null(strstr(strstr(text, "CutOff"), "flood"));
	control_events_get_stats(events, &s);
	ck_assert_uint_eq(s.cut_off, 1);
	close(fd);
	http_bench_turn(&bench);
	control_events_get_stats(events, &s);
	ck_assert_uint_eq(s.followers, 0);
}
END_TEST

START_TEST(the_ninth_follower_is_turned_away)
{
	struct control_events_stats s;
	int fds[8];

	for (size_t i = 0; i < 8; i++)
		fds[i] = follow();
	ask("GET /v1/events?follow=true", 503);
	ck_assert_str_eq(text_at("/error/reason"), "TooManyFollowers");
	for (size_t i = 0; i < 8; i++)
		close(fds[i]);
	http_bench_turn(&bench);
	control_events_get_stats(events, &s);
	ck_assert_uint_eq(s.followers, 0);
	ck_assert_uint_eq(s.turned_away, 1);
	(void)http_bench_body(&bench, "GET /v1/events?follow=false", 200);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("control_api");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, pods_are_listed_with_their_containers);
	tcase_add_test(tc, synchronized_needs_the_runtime_and_the_end_of_its_work);
	tcase_add_test(tc, a_namespace_narrows_the_list);
	tcase_add_test(tc, one_pod_has_its_counters);
	tcase_add_test(tc, counters_that_cannot_be_read_do_not_hide_the_pod);
	tcase_add_test(tc, a_pod_that_is_not_there_is_404_and_a_name_that_cannot_be_is_400);
	tcase_add_test(tc, a_retry_says_what_came_of_it);
	tcase_add_test(tc, all_pods_can_be_retried_at_once);
	tcase_add_test(tc, after_one_pod_found_no_room_others_are_not_tried);
	tcase_add_test(tc, a_large_container_is_awaited);
	tcase_add_test(tc, who_hangs_up_ends_the_pass);
	tcase_add_test(tc, a_pass_that_does_not_end_is_answered_after_a_minute);
	tcase_add_test(tc, capacity_says_what_is_known_and_null_for_the_rest);
	tcase_add_test(tc, closids_are_told_where_pods_take_one);
	tcase_add_test(tc, a_tree_that_cannot_be_read_is_an_answer_too);
	tcase_add_test(tc, the_last_events_are_lines_of_json);
	tcase_add_test(tc, who_follows_sees_each_event_once);
	tcase_add_test(tc, a_reader_that_is_too_slow_is_cut_off_and_told);
	tcase_add_test(tc, the_ninth_follower_is_turned_away);
	suite_add_tcase(s, tc);
	return s;
}
