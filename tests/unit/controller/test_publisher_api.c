/* SPDX-License-Identifier: Apache-2.0 */

/* The publisher with the real client against a server on a socket: what no table can show. */

#include "core.h"
#include "publisher.h"
#include "unit/k8s/loop.h"
#include "unit/runner.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static struct loop l;
static struct publisher *p;
static struct k8s_watch *watch;
static struct core_pod_view view;
static unsigned retries;
static char notices[4096];

static bool pod_view(void *ctx, const char *uid, struct core_pod_view *ret)
{
	(void)ctx;
	*ret = view;
	return view.uid && strcmp(uid, view.uid) == 0;
}

static int retry(void *ctx, uint64_t now_ms, const char *uid, struct core_retry_report *ret,
		 struct err *e)
{
	(void)ctx;
	(void)now_ms;
	(void)uid;
	(void)e;
	retries++;
	*ret = (struct core_retry_report){.groups_tried = 1, .groups_created = 1};
	view.group_state = CORE_GROUP_EXISTS;
	view.reason = "AllAssigned";
	view.reconciled_containers = 1;
	return 0;
}

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return loop_now(&l);
}

static int64_t wall_s(void *ctx)
{
	(void)ctx;
	return INT64_C(1763600000);
}

static uint32_t random_u32(void *ctx)
{
	(void)ctx;
	return 0;
}

static void on_notice(void *ctx, const struct publisher_notice *n)
{
	size_t len = strlen(notices);

	(void)ctx;
	snprintf(notices + len, sizeof(notices) - len, "%s: %s\n", publisher_state_name(n->state),
		 n->text);
}

static const struct publisher_core_ops core_ops = {.pod_view = pod_view, .retry = retry};
static const struct publisher_env env = {.now_ms = now_ms, .wall_s = wall_s, .random = random_u32};

static void open_publisher(void)
{
	const struct publisher_config config = {.node_name = "n1"};
	const struct publisher_deps deps = {
		.core = &core_ops,
		.client = &publisher_k8s_ops,
		.client_ctx = l.client,
		.env = &env,
		.on_notice = on_notice,
	};
	struct k8s_watch_spec spec;

	ck_assert_int_eq(publisher_new(&config, &deps, &p, NULL), 0);
	publisher_watch_spec(p, &spec);
	ck_assert_int_eq(k8s_watch_new(l.client, &spec, &publisher_watch_ops, p, &watch, NULL), 0);
}

static void setup(void)
{
	loop_open(&l);
	fake_api_put(l.api, "namespaces",
		     json_tokener_parse("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\","
					"\"metadata\":{\"name\":\"shop\"}}"));
	fake_api_add_pod(l.api, "shop", "web-1", "uid-1", "n1", NULL);
	view = (struct core_pod_view){
		.uid = "uid-1",
		.namespace_ = "shop",
		.name = "web-1",
		.group_state = CORE_GROUP_FAILED,
		.group_path = "/sys/fs/resctrl/x",
		.reason = "OutOfRMIDs",
		.message = "no RMID is free",
		.total_containers = 1,
	};
	open_publisher();
}

static void close_publisher(void)
{
	watch = k8s_watch_free(watch);
	p = publisher_free(p);
}

static void teardown(void)
{
	close_publisher();
	loop_close(&l);
}

static void changed(void)
{
	const struct core_event event = {.kind = CORE_ADD_OR_UPDATE, .pod_uid = view.uid};

	publisher_on_core_event(p, loop_now(&l), &event);
}

static void turn(void)
{
	loop_turn(&l);
	publisher_work(p, loop_now(&l));
}

#define until(cond)                                                                      \
	do {                                                                             \
		uint64_t end_ = loop_now(&l) + 10000;                                    \
                                                                                         \
		while (!(cond)) {                                                        \
			ck_assert_msg(loop_now(&l) < end_, "never happened: %s", #cond); \
			turn();                                                          \
		}                                                                        \
	} while (0)

static const char *at(const char *pointer)
{
	json_object *o = fake_api_get(l.api, "podresctrlstatuses", "shop", "web-1");
	json_object *v = NULL;

	if (!o || json_pointer_get(o, pointer, &v) < 0)
		return "";
	return json_object_get_string(v);
}

static unsigned writes(void)
{
	return fake_api_nr_requests(l.api, "create", "podresctrlstatuses") +
	       fake_api_nr_requests(l.api, "patch", "podresctrlstatuses/status") +
	       fake_api_nr_requests(l.api, "delete", "podresctrlstatuses");
}

START_TEST(a_pod_is_published_retried_and_removed)
{
	const struct core_event removed = {.kind = CORE_REMOVED, .pod_uid = "uid-1"};
	uint64_t asked_ms;

	changed();
	until(*at("/status/reason"));
	ck_assert_str_eq(at("/status/reason"), "OutOfRMIDs");
	ck_assert_str_eq(at("/metadata/ownerReferences/0/uid"), "uid-1");
	ck_assert_str_eq(at("/spec/nodeName"), "n1");
	ck_assert_ptr_nonnull(strstr(fake_api_last_head(l.api), "fieldManager=podresctrld"));

	asked_ms = loop_now(&l);
	fake_api_annotate_pod(l.api, "shop", "web-1", "podresctrl.io/retry", "t1");
	until(strcmp(at("/status/lastRetry/token"), "t1") == 0);
	ck_assert_uint_lt(loop_now(&l) - asked_ms, 100);
	ck_assert_str_eq(at("/status/lastRetry/result"), "Succeeded");
	ck_assert_str_eq(at("/status/groupState"), "Exists");
	ck_assert_uint_eq(retries, 1);
	ck_assert_uint_eq(writes(), 3);

	publisher_on_core_event(p, loop_now(&l), &removed);
	until(!fake_api_get(l.api, "podresctrlstatuses", "shop", "web-1"));
	ck_assert_uint_eq(writes(), 4);
}
END_TEST

START_TEST(a_restart_writes_nothing_for_an_unchanged_pod)
{
	struct publisher_stats stats = {0};

	changed();
	until(*at("/status/reason"));
	ck_assert_uint_eq(writes(), 2);
	close_publisher();
	open_publisher();
	changed();
	do {
		turn();
		publisher_get_stats(p, &stats);
	} while (!stats.published || stats.waiting);
	ck_assert_uint_eq(stats.requests[PUBLISHER_GET], 1);
	ck_assert_uint_eq(stats.suppressed, 1);
	ck_assert_uint_eq(writes(), 2);
}
END_TEST

START_TEST(a_server_that_comes_late_is_waited_for)
{
	fake_api_set_down(l.api, true);
	changed();
	for (int i = 0; i < 60; i++) {
		loop_advance(&l, 500);
		publisher_work(p, loop_now(&l));
	}
	ck_assert_ptr_nonnull(strstr(notices, "Unreachable: "));
	fake_api_set_down(l.api, false);
	for (int i = 0; i < 1000 && !*at("/status/reason"); i++) {
		loop_advance(&l, 500);
		turn();
	}
	ck_assert_str_eq(at("/status/reason"), "OutOfRMIDs");
	ck_assert_ptr_nonnull(strstr(notices, "Publishing: publishing again"));
	ck_assert_uint_eq(fake_api_nr_objects(l.api, "podresctrlstatuses"), 1);
}
END_TEST

START_TEST(a_missing_crd_is_recognised)
{
	const struct fake_api_fault fault = {
		.kind = FAKE_API_ANSWER,
		.resource = "podresctrlstatuses",
		.status = 404,
		.content_type = "text/plain; charset=utf-8",
		.body = "404 page not found\n",
	};

	fake_api_add_fault(l.api, &fault);
	changed();
	until(strstr(notices, "CRDMissing: "));
}
END_TEST

START_TEST(a_terminating_namespace_is_recognised)
{
	const struct fake_api_fault fault = {
		.kind = FAKE_API_ANSWER,
		.verb = "create",
		.status = 403,
		.body = "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Forbidden\","
			"\"message\":\"unable to create new content\",\"code\":403,\"details\":"
			"{\"causes\":[{\"reason\":\"NamespaceTerminating\"}]}}",
	};

	fake_api_add_fault(l.api, &fault);
	changed();
	until(fake_api_nr_requests(l.api, "create", NULL) == 1);
	for (int i = 0; i < 700; i++) {
		loop_advance(&l, 1000);
		publisher_work(p, loop_now(&l));
	}
	ck_assert_uint_eq(fake_api_nr_requests(l.api, "create", NULL), 1);
	ck_assert_ptr_null(strstr(notices, "Forbidden"));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("publisher with a server");
	TCase *t = tcase_create("server");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, a_pod_is_published_retried_and_removed);
	tcase_add_test(t, a_restart_writes_nothing_for_an_unchanged_pod);
	tcase_add_test(t, a_server_that_comes_late_is_waited_for);
	tcase_add_test(t, a_missing_crd_is_recognised);
	tcase_add_test(t, a_terminating_namespace_is_recognised);
	suite_add_tcase(s, t);
	return s;
}
