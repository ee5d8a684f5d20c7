/* SPDX-License-Identifier: Apache-2.0 */
#include "status_render.h"
#include "unit/runner.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1763600000) /* 2025-11-20T00:53:20Z */

static struct core_container_view containers[200];
static struct core_pod_view view;
static struct status_memory memory;
static struct status_retry last_retry;
static bool has_retry;
static bool simulated;
static json_object *status; /* the last one rendered, parsed */
static char text[STATUS_JSON_MAX];

static void setup(void)
{
	for (size_t i = 0; i < 2; i++)
		containers[i] = (struct core_container_view){
			.id = i ? "id-b" : "id-a",
			.name = i ? "app" : "proxy",
			.state = CORE_CONTAINER_RECONCILED,
			.reason = "",
			.message = "",
		};
	view = (struct core_pod_view){
		.uid = "u1",
		.namespace_ = "shop",
		.name = "web-0",
		.group_state = CORE_GROUP_EXISTS,
		.group_path = "/sys/fs/resctrl/mon_groups/podresctrl-u1",
		.reason = "AllAssigned",
		.message = "all there",
		.total_containers = 2,
		.reconciled_containers = 2,
		.containers = containers,
		.nr_containers = 2,
	};
	memory = (struct status_memory){0};
	has_retry = false;
	simulated = false;
	status = NULL;
}

static void teardown(void)
{
	json_object_put(status);
}

static void render(int64_t now_s)
{
	struct status_input in = {
		.view = &view,
		.simulated = simulated,
		.generation = 1,
		.now_s = now_s,
		.before = &memory,
		.retry = has_retry ? &last_retry : NULL,
	};
	struct strbuf out;

	strbuf_init(&out, STATUS_JSON_MAX);
	ck_assert_int_eq(status_render(&in, &out, &memory, NULL), 0);
	json_object_put(status);
	status = json_tokener_parse(strbuf_str(&out));
	ck_assert_msg(status, "not JSON: %s", strbuf_str(&out));
	snprintf(text, sizeof(text), "%s", strbuf_str(&out));
	strbuf_done(&out);
}

static const char *at(const char *pointer)
{
	json_object *v = NULL;

	if (json_pointer_get(status, pointer, &v) < 0)
		return "(none)";
	return json_object_get_string(v);
}

START_TEST(a_placed_pod_looks_as_documented)
{
	render(NOW);
	ck_assert_str_eq(
		text,
		"{\"observedGeneration\":1,\"groupState\":\"Exists\","
		"\"groupPath\":\"/sys/fs/resctrl/mon_groups/podresctrl-u1\","
		"\"totalContainers\":2,\"reconciledContainers\":2,\"containersReady\":\"2/2\","
		"\"reason\":\"AllAssigned\",\"message\":\"all there\",\"containers\":["
		"{\"name\":\"app\",\"containerID\":\"id-b\",\"state\":\"Reconciled\"},"
		"{\"name\":\"proxy\",\"containerID\":\"id-a\",\"state\":\"Reconciled\"}],"
		"\"conditions\":["
		"{\"type\":\"Ready\",\"status\":\"True\","
		"\"lastTransitionTime\":\"2025-11-20T00:53:20Z\","
		"\"reason\":\"AllAssigned\",\"message\":\"all there\"},"
		"{\"type\":\"GroupCreated\",\"status\":\"True\","
		"\"lastTransitionTime\":\"2025-11-20T00:53:20Z\","
		"\"reason\":\"GroupExists\",\"message\":\"the group of the pod exists\"},"
		"{\"type\":\"TasksAssigned\",\"status\":\"True\","
		"\"lastTransitionTime\":\"2025-11-20T00:53:20Z\","
		"\"reason\":\"AllAssigned\",\"message\":\"every task is in the group\"}]}");
}
END_TEST

static const struct {
	const char *name;
	enum core_group_state group;
	unsigned total, reconciled;
	bool queued;
	const char *reason;
	const char *want[STATUS_CONDITION_MAX];
} verdicts[] = {
	{"placed", CORE_GROUP_EXISTS, 2, 2, false, "AllAssigned", {"True", "True", "True"}},
	{"partly", CORE_GROUP_EXISTS, 2, 1, false, "Partial", {"False", "True", "False"}},
	{"no container yet", CORE_GROUP_EXISTS, 0, 0, false, "Pending", {"False", "True", "False"}},
	{"no group", CORE_GROUP_FAILED, 2, 0, false, "OutOfRMIDs", {"False", "False", "Unknown"}},
	{"no group, none there",
	 CORE_GROUP_FAILED,
	 0,
	 0,
	 false,
	 "OutOfRMIDs",
	 {"False", "False", "Unknown"}},
	{"under way", CORE_GROUP_EXISTS, 2, 1, true, "Pending", {"Unknown", "True", "Unknown"}},
	{"group under way",
	 CORE_GROUP_FAILED,
	 2,
	 0,
	 true,
	 "Pending",
	 {"Unknown", "Unknown", "Unknown"}},
};

START_TEST(the_conditions_follow_from_group_and_counters)
{
	view.group_state = verdicts[_i].group;
	view.total_containers = verdicts[_i].total;
	view.reconciled_containers = verdicts[_i].reconciled;
	view.queued = verdicts[_i].queued;
	view.reason = verdicts[_i].reason;
	render(NOW);
	for (int c = 0; c < STATUS_CONDITION_MAX; c++) {
		char pointer[64];

		snprintf(pointer, sizeof(pointer), "/conditions/%d/status", c);
		ck_assert_msg(strcmp(at(pointer), verdicts[_i].want[c]) == 0, "%s: %s is %s",
			      verdicts[_i].name, pointer, at(pointer));
		snprintf(pointer, sizeof(pointer), "/conditions/%d/reason", c);
		ck_assert_msg(*at(pointer), "%s: %s is empty", verdicts[_i].name, pointer);
	}
	ck_assert_str_eq(at("/conditions/0/reason"), verdicts[_i].reason);
	ck_assert_str_eq(at("/groupState"),
			 verdicts[_i].group == CORE_GROUP_EXISTS ? "Exists" : "Failed");
	ck_assert_int_eq(strcmp(at("/groupPath"), "(none)") == 0,
			 verdicts[_i].group == CORE_GROUP_FAILED);
}
END_TEST

START_TEST(a_transition_time_moves_only_with_its_status)
{
	render(NOW);
	view.message = "other words";
	render(NOW + 100);
	ck_assert_str_eq(at("/conditions/0/lastTransitionTime"), "2025-11-20T00:53:20Z");
	view.reconciled_containers = 1;
	render(NOW + 200);
	ck_assert_str_eq(at("/conditions/0/lastTransitionTime"), "2025-11-20T00:56:40Z");
	ck_assert_str_eq(at("/conditions/1/lastTransitionTime"), "2025-11-20T00:53:20Z");
	ck_assert_str_eq(at("/conditions/2/lastTransitionTime"), "2025-11-20T00:56:40Z");
}
END_TEST

START_TEST(the_order_of_containers_does_not_depend_on_history)
{
	char first[STATUS_JSON_MAX];
	struct core_container_view swap = containers[0];

	render(NOW);
	snprintf(first, sizeof(first), "%s", text);
	containers[0] = containers[1];
	containers[1] = swap;
	render(NOW);
	ck_assert_str_eq(first, text);
}
END_TEST

START_TEST(a_container_that_is_not_placed_says_why)
{
	containers[0].state = CORE_CONTAINER_PARTIAL;
	containers[0].reason = "NoPermission";
	containers[0].message = "write 'tasks': denied";
	render(NOW);
	ck_assert_str_eq(at("/containers/1/state"), "Partial");
	ck_assert_str_eq(at("/containers/1/reason"), "NoPermission");
	ck_assert_str_eq(at("/containers/1/message"), "write 'tasks': denied");
}
END_TEST

START_TEST(of_many_containers_64_are_listed_and_problems_come_first)
{
	static char names[200][16];

	for (int i = 0; i < 200; i++) {
		snprintf(names[i], sizeof(names[i]), "c%03d", i);
		containers[i] = (struct core_container_view){
			.id = names[i],
			.name = names[i],
			.state = i >= 190 ? CORE_CONTAINER_PARTIAL : CORE_CONTAINER_RECONCILED,
			.reason = "",
			.message = "",
		};
	}
	view.nr_containers = 200;
	view.total_containers = 200;
	view.reconciled_containers = 190;
	render(NOW);
	ck_assert_str_eq(at("/containers/0/name"), "c190");
	ck_assert_str_eq(at("/containers/9/name"), "c199");
	ck_assert_str_eq(at("/containers/10/name"), "c000");
	ck_assert_str_eq(at("/containers/63/name"), "c053");
	ck_assert_str_eq(at("/containers/64"), "(none)");
	ck_assert_str_eq(at("/message"), "all there (64 of 200 containers listed)");
	ck_assert_str_eq(at("/containersReady"), "190/200");
}
END_TEST

/* Seen with a real server: "Invalid value: null" for an empty string. */
START_TEST(no_empty_string_is_ever_sent)
{
	for (int i = 0; i < 6; i++) {
		view.message = view.group_path = "";
		view.group_state = i % 2 ? CORE_GROUP_EXISTS : CORE_GROUP_FAILED;
		view.reconciled_containers = i % 3 == 0 ? 2 : 0;
		containers[0].name = "";
		containers[1].id = "";
		has_retry = true;
		last_retry = (struct status_retry){.token = "t", .reason = "AllAssigned"};
		render(NOW);
		ck_assert_msg(!strstr(text, "\"\""), "%s", text);
		ck_assert_str_eq(at("/containers/0/name"), "id-a");
		ck_assert_str_eq(at("/containers/1"), "(none)");
	}
}
END_TEST

START_TEST(an_id_is_listed_once)
{
	containers[1].id = containers[0].id;
	render(NOW);
	ck_assert_str_eq(at("/containers/0/containerID"), "id-a");
	ck_assert_str_eq(at("/containers/1"), "(none)");
}
END_TEST

static const struct {
	const char *name, *in, *want;
} texts[] = {
	{"quotes", "a \"b\" \\ c", "a \"b\" \\ c"},
	{"control characters", "a\nb\tc\x7f\x1b[0m", "a b c  [0m"},
	{"C1 control characters", "a\xc2\x85z", "a z"},
	{"UTF-8", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	{"a lone byte", "a\xff\x62", "a\xef\xbf\xbd\x62"},
	{"cut short", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
	{"overlong", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
	{"surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"beyond Unicode", "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

START_TEST(any_text_becomes_valid_utf_8)
{
	view.message = texts[_i].in;
	containers[0].name = texts[_i].in;
	render(NOW);
	ck_assert_msg(strcmp(at("/message"), texts[_i].want) == 0, "%s: '%s'", texts[_i].name,
		      at("/message"));
}
END_TEST

START_TEST(a_message_is_cut_between_characters)
{
	char big[1001];

	for (size_t i = 0; i < 1000; i += 2)
		memcpy(big + i, "\xc3\xa4", 2);
	big[1000] = '\0';
	view.message = big;
	render(NOW);
	ck_assert_uint_eq(strlen(at("/message")), STATUS_MESSAGE_MAX);
	view.message = big + 1; /* now pairs end at odd places */
	render(NOW);
	ck_assert_uint_le(strlen(at("/message")), STATUS_MESSAGE_MAX);
	ck_assert_uint_gt(strlen(at("/message")), STATUS_MESSAGE_MAX - 4);
}
END_TEST

START_TEST(a_cut_message_keeps_its_notes)
{
	char big[1001];

	memset(big, 'x', 1000);
	big[1000] = '\0';
	view.message = big;
	simulated = true;
	render(NOW);
	ck_assert_uint_eq(strlen(at("/message")), STATUS_MESSAGE_MAX);
	ck_assert_ptr_nonnull(strstr(at("/message"), "xx (simulated resctrl)"));
}
END_TEST

START_TEST(simulation_is_said_in_path_and_message)
{
	simulated = true;
	render(NOW);
	ck_assert_str_eq(at("/groupPath"), "simulated:/sys/fs/resctrl/mon_groups/podresctrl-u1");
	ck_assert_str_eq(at("/message"), "all there (simulated resctrl)");
	view.message = "";
	render(NOW);
	ck_assert_str_eq(at("/message"), "AllAssigned (simulated resctrl)");
}
END_TEST

START_TEST(a_reason_is_always_one_that_the_server_takes)
{
	view.reason = "no such, word!";
	view.reconciled_containers = 1;
	render(NOW);
	ck_assert_str_eq(at("/reason"), "InternalError");
	view.reason = "";
	render(NOW);
	ck_assert_str_eq(at("/conditions/0/reason"), "InternalError");
}
END_TEST

START_TEST(the_largest_status_stays_bounded)
{
	static char big[64 * 1024];
	static char ids[64][256];

	memset(big, '"', sizeof(big) - 1);
	view.message = view.group_path = big;
	view.nr_containers = 64;
	for (int i = 0; i < 64; i++) {
		memset(ids[i], '"', 255);
		ids[i][0] = (char)('!' + i);
		containers[i] = (struct core_container_view){.id = ids[i],
							     .name = big,
							     .state = CORE_CONTAINER_PARTIAL,
							     .reason = big,
							     .message = big};
	}
	render(NOW);
	ck_assert_uint_lt(strlen(text), 110000);
}
END_TEST

START_TEST(the_cap_of_the_buffer_is_an_error)
{
	struct status_input in = {.view = &view, .generation = 1, .now_s = NOW, .before = &memory};
	struct strbuf out;
	struct err e;

	strbuf_init(&out, 100);
	ck_assert_int_eq(status_render(&in, &out, &memory, &e), -EFBIG);
	ck_assert_int_eq(memory.conditions[0].status, 0);
	strbuf_done(&out);
}
END_TEST

static void add_retry(void)
{
	has_retry = true;
	last_retry = (struct status_retry){
		.token = "t \"1\"",
		.result = STATUS_RETRY_PARTIALLY_SUCCEEDED,
		.reason = "OutOfRMIDs",
		.message = "m",
		.start_s = NOW,
		.completion_s = NOW + 1,
	};
}

START_TEST(the_last_retry_is_rendered)
{
	render(NOW);
	ck_assert_str_eq(at("/lastRetry"), "(none)");
	add_retry();
	render(NOW);
	ck_assert_str_eq(at("/lastRetry/token"), "t \"1\"");
	ck_assert_str_eq(at("/lastRetry/result"), "PartiallySucceeded");
	ck_assert_str_eq(at("/lastRetry/reason"), "OutOfRMIDs");
	ck_assert_str_eq(at("/lastRetry/message"), "m");
	ck_assert_str_eq(at("/lastRetry/startTime"), "2025-11-20T00:53:20Z");
	ck_assert_str_eq(at("/lastRetry/completionTime"), "2025-11-20T00:53:21Z");
}
END_TEST

START_TEST(what_the_server_gives_back_is_recognised)
{
	struct status_object o;
	char *object = NULL;
	uint64_t digest;

	add_retry();
	render(NOW);
	ck_assert_int_eq(status_digest(text, strlen(text), &digest, NULL), 0);
	/* json-c formats it anew and sorts nothing; times are made different */
	ck_assert_int_gt(
		asprintf(&object,
			 "{\"metadata\":{\"uid\":\"o1\",\"resourceVersion\":\"7\","
			 "\"generation\":3},\"spec\":{\"podUID\":\"p\",\"nodeName\":\"n\"},"
			 "\"status\":%s}",
			 json_object_to_json_string_ext(status, JSON_C_TO_STRING_PRETTY)),
		0);
	ck_assert_int_eq(status_parse_object(object, strlen(object), &o, NULL), 0);
	ck_assert_str_eq(o.uid, "o1");
	ck_assert_str_eq(o.resource_version, "7");
	ck_assert_str_eq(o.pod_uid, "p");
	ck_assert_str_eq(o.node_name, "n");
	ck_assert_int_eq(o.generation, 3);
	ck_assert(o.has_status);
	ck_assert(o.digest == digest);
	ck_assert_int_eq(
		memcmp(&o.memory.conditions, &memory.conditions, sizeof(memory.conditions)), 0);
	ck_assert(o.has_retry);
	ck_assert_str_eq(o.retry.token, "t \"1\"");
	ck_assert_int_eq(o.retry.result, STATUS_RETRY_PARTIALLY_SUCCEEDED);
	ck_assert_int_eq(o.retry.completion_s, NOW + 1);
	free(object);
}
END_TEST

static const struct {
	const char *a, *b;
	bool equal;
} pairs[] = {
	{"{}", "{}", true},
	{"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
	{"{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}", false},
	{"{\"a\":1}", "{\"a\":\"1\"}", false},
	{"{\"a\":[1,2]}", "{\"a\":[2,1]}", false},
	{"{\"a\":{\"b\":1}}", "{\"a\":{},\"b\":1}", false},
	{"{\"ab\":\"c\"}", "{\"a\":\"bc\"}", false},
	{"{\"a\":null}", "{\"a\":\"\"}", false},
	{"{\"x\":{\"startTime\":\"1\",\"y\":1}}", "{\"x\":{\"startTime\":\"2\",\"y\":1}}", true},
	{"{\"x\":[{\"lastTransitionTime\":\"1\"}]}", "{\"x\":[{\"lastTransitionTime\":\"2\"}]}",
	 true},
	{"{\"completionTime\":\"1\"}", "{}", true},
	{"{\"time\":\"1\"}", "{}", false},
	{"{", "{", false},
	{"[]", "[]", false},
};

START_TEST(statuses_are_compared_apart_from_times)
{
	ck_assert_msg(status_equal(pairs[_i].a, pairs[_i].b) == pairs[_i].equal, "%s %s",
		      pairs[_i].a, pairs[_i].b);
}
END_TEST

static const char *const junk[] = {
	"",
	"null",
	"[]",
	"\"x\"",
	"{",
	"{\"metadata\":[]}",
	"{\"metadata\":{\"uid\":7}}",
	"{\"metadata\":{\"uid\":\"\"}}",
	"{\"spec\":{\"podUID\":\"x\"}}",
};

START_TEST(an_answer_that_is_no_object_is_refused)
{
	struct status_object o = {.uid = "untouched"};

	ck_assert_int_eq(status_parse_object(junk[_i], strlen(junk[_i]), &o, NULL), -EPROTO);
	ck_assert_str_eq(o.uid, "untouched");
}
END_TEST

START_TEST(odd_objects_are_read_as_far_as_they_make_sense)
{
	static const char odd[] =
		"{\"metadata\":{\"uid\":\"u\",\"generation\":\"x\"},\"spec\":7,\"status\":"
		"{\"conditions\":[1,null,{},{\"type\":\"Ready\",\"status\":\"True\","
		"\"lastTransitionTime\":\"yesterday\"},{\"type\":\"GroupCreated\",\"status\":"
		"\"False\",\"lastTransitionTime\":\"2025-11-20T00:53:20.123456Z\"}],"
		"\"lastRetry\":{\"token\":\"t\",\"result\":\"Postponed\",\"reason\":{}}}}";
	struct status_object o;

	ck_assert_int_eq(status_parse_object(odd, strlen(odd), &o, NULL), 0);
	ck_assert_str_eq(o.pod_uid, "");
	ck_assert_int_eq(o.generation, 1);
	ck_assert_int_eq(o.memory.conditions[STATUS_READY].status, 0);
	ck_assert_int_eq(o.memory.conditions[STATUS_GROUP_CREATED].status, 'F');
	ck_assert_int_eq(o.memory.conditions[STATUS_GROUP_CREATED].since_s, NOW);
	ck_assert_str_eq(o.retry.token, "t");
	ck_assert_int_eq(o.retry.result, STATUS_RETRY_NOTHING_TO_DO);
}
END_TEST

START_TEST(request_bodies_are_as_the_api_wants_them)
{
	const struct status_identity id = {
		.namespace_ = "shop", .name = "web-0", .pod_uid = "p1", .node_name = "n1"};
	struct strbuf out;

	strbuf_init(&out, 4096);
	ck_assert_int_eq(status_post_body(&id, &out), 0);
	ck_assert_str_eq(strbuf_str(&out),
			 "{\"apiVersion\":\"podresctrl.io/v1alpha1\",\"kind\":\"PodResctrlStatus\","
			 "\"metadata\":{\"name\":\"web-0\",\"namespace\":\"shop\","
			 "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
			 "\"name\":\"web-0\",\"uid\":\"p1\"}]},"
			 "\"spec\":{\"podUID\":\"p1\",\"nodeName\":\"n1\"}}");
	strbuf_reset(&out);
	ck_assert_int_eq(status_patch_body("o1", "{\"a\":1}", &out), 0);
	ck_assert_str_eq(strbuf_str(&out),
			 "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"o1\"},"
			 "{\"op\":\"add\",\"path\":\"/status\",\"value\":{\"a\":1}}]");
	strbuf_reset(&out);
	ck_assert_int_eq(status_delete_body("o1", "", &out), 0);
	ck_assert_str_eq(strbuf_str(&out), "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
					   "\"preconditions\":{\"uid\":\"o1\"}}");
	strbuf_reset(&out);
	ck_assert_int_eq(status_delete_body("o1", "7", &out), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&out), "\"resourceVersion\":\"7\""));
	strbuf_done(&out);
}
END_TEST

#define ROWS(a) (int)(sizeof(a) / sizeof((a)[0]))

Suite *suite(void)
{
	Suite *s = suite_create("status_render");
	TCase *t = tcase_create("status");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_placed_pod_looks_as_documented);
	tcase_add_loop_test(t, the_conditions_follow_from_group_and_counters, 0, ROWS(verdicts));
	tcase_add_test(t, a_transition_time_moves_only_with_its_status);
	tcase_add_test(t, the_order_of_containers_does_not_depend_on_history);
	tcase_add_test(t, a_container_that_is_not_placed_says_why);
	tcase_add_test(t, of_many_containers_64_are_listed_and_problems_come_first);
	tcase_add_test(t, no_empty_string_is_ever_sent);
	tcase_add_test(t, an_id_is_listed_once);
	tcase_add_loop_test(t, any_text_becomes_valid_utf_8, 0, ROWS(texts));
	tcase_add_test(t, a_message_is_cut_between_characters);
	tcase_add_test(t, a_cut_message_keeps_its_notes);
	tcase_add_test(t, simulation_is_said_in_path_and_message);
	tcase_add_test(t, a_reason_is_always_one_that_the_server_takes);
	tcase_add_test(t, the_largest_status_stays_bounded);
	tcase_add_test(t, the_cap_of_the_buffer_is_an_error);
	tcase_add_test(t, the_last_retry_is_rendered);
	tcase_add_test(t, what_the_server_gives_back_is_recognised);
	tcase_add_loop_test(t, statuses_are_compared_apart_from_times, 0, ROWS(pairs));
	tcase_add_loop_test(t, an_answer_that_is_no_object_is_refused, 0, ROWS(junk));
	tcase_add_test(t, odd_objects_are_read_as_far_as_they_make_sense);
	tcase_add_test(t, request_bodies_are_as_the_api_wants_them);
	suite_add_tcase(s, t);
	return s;
}
