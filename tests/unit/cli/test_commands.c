/* SPDX-License-Identifier: Apache-2.0 */

/* The commands against all that may listen at the socket. */

#include "unit/runner.h"

#include "fake_control.h"

#include <commands.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define POD(ns, name, state, total, placed, reason, message, more)                                 \
	"{\"namespace\":\"" ns "\",\"name\":\"" name "\",\"uid\":\"u-" ns                          \
	"\",\"groupState\":\"" state "\",\"groupPath\":\"/r/g\",\"totalContainers\":" total        \
	",\"reconciledContainers\":" placed ",\"reason\":\"" reason "\",\"message\":\"" message    \
	"\",\"queued\":false,\"containers\":["                                                     \
	"{\"name\":\"app\",\"id\":\"0123456789abcdef\",\"state\":\"Partial\",\"reason\":\"" reason \
	"\",\"message\":\"" message "\"}]" more "}"
#define ANSWER(pods)                                                                         \
	"{\"node\":\"n1\",\"version\":\"0.1.0\",\"resctrl\":\"real\",\"synchronized\":true," \
	"\"pods\":[" pods "]}"
#define GOOD_POD        POD("shop", "web-0", "Exists", "1", "1", "AllAssigned", "all is well", "")
#define BAD_POD         POD("shop", "web-1", "Failed", "2", "0", "OutOfRMIDs", "no free RMID", "")
#define NAMED(ns, name) POD(ns, name, "Exists", "1", "1", "AllAssigned", "all is well", "")
#define COUNTERS                                                                                  \
	",\"counters\":[{\"domain\":\"mon_L3_00\",\"event\":\"llc_occupancy\",\"value\":655360}," \
	"{\"domain\":\"mon_L3_00\",\"event\":\"mbm_total_bytes\",\"value\":1289748480},"          \
	"{\"domain\":\"mon_L3_01\",\"event\":\"llc_occupancy\",\"value\":null,\"why\":"           \
	"\"Unavailable\"}]"

static char dir[] = "/tmp/test-cli-XXXXXX", path[64], log_path[64], out[262144];
static struct args args;
static struct command_context c;
static struct err e;
static pid_t server = -1;
static int fd;

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test-cli-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	snprintf(log_path, sizeof(log_path), "%s/log", dir);
	args = (struct args){.socket = path, .timeout_ms = 10000};
	c = (struct command_context){.args = &args,
				     .client = {.socket = path, .timeout_ms = args.timeout_ms}};
	screen_init(&c.screen, -1, NULL, NULL);
	fd = c.fd = open(dir, O_TMPFILE | O_RDWR, 0600);
	ck_assert_int_ge(fd, 0);
	e = (struct err){0};
}

static void tear_down(void)
{
	if (server > 0)
		fake_control_stop(server);
	server = -1;
	screen_done(&c.screen);
	close(fd);
	unlink(path);
	unlink(log_path);
	rmdir(dir);
}

static void serve(const struct fake_control_answer *answers)
{
	server = fake_control_start(path, log_path, answers);
	ck_assert_int_gt(server, 0);
}

static void serve_one(const char *request, int status, const char *body)
{
	char *bytes = fake_control_http(status, body);
	const struct fake_control_answer answers[] = {{request, bytes, NULL, FAKE_CONTROL_CLOSE},
						      {0}};

	serve(answers);
	free(bytes);
}

static void serve_bytes(const char *bytes, enum fake_control_then then, const char *again)
{
	const struct fake_control_answer answers[] = {{"GET ", bytes, again, then}, {0}};

	serve(answers);
}

/* Runs it; all that it printed is in OUT. */
static enum exit_status run(enum exit_status (*command)(struct command_context *, struct err *))
{
	enum exit_status status = command(&c, &e);
	ssize_t n;

	ck_assert_int_eq(screen_flush(&c.screen, c.fd, NULL), 0);
	n = pread(fd, out, sizeof(out) - 1, 0);
	ck_assert_int_ge(n, 0);
	out[n] = '\0';
	return status;
}

static void printed(const char *text)
{
	ck_assert_msg(strstr(out, text) != NULL, "no '%s' in:\n%s", text, out);
}

static void complained(const char *text)
{
	ck_assert_msg(strstr(e.msg, text) != NULL, "no '%s' in: %s", text, e.msg);
}

static void asked(const char *request)
{
	char text[4096] = "";
	FILE *f = fopen(log_path, "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	fclose(f);
	ck_assert_msg(strstr(text, request) != NULL, "no '%s' in:\n%s", request, text);
}

/* ---- answers that are good ---- */

START_TEST(list_is_a_table_sorted_by_name)
{
	serve_one("GET /v1/pods ", 200, ANSWER(BAD_POD "," GOOD_POD));
	ck_assert_int_eq(run(command_list), EXIT_OK);
	ck_assert_str_eq(out, "NAMESPACE   POD     GROUP    PLACED   REASON        MESSAGE\n"
			      "shop        web-0   Exists   1/1      AllAssigned\n"
			      "shop        web-1   Failed   0/2      OutOfRMIDs    no free RMID\n");
}
END_TEST

START_TEST(list_on_a_terminal_counts)
{
	c.screen.is_terminal = true;
	c.screen.width = 80;
	serve_one("GET /v1/pods ", 200, ANSWER(BAD_POD "," GOOD_POD));
	ck_assert_int_eq(run(command_list), EXIT_OK);
	printed("2 pods on node n1: 1 placed, 1 not\n");
}
END_TEST

START_TEST(list_of_a_namespace_asks_for_it)
{
	args.namespace_ = "shop";
	args.output = OUTPUT_NAME;
	serve_one("GET /v1/pods?namespace=shop ", 200, ANSWER(GOOD_POD));
	ck_assert_int_eq(run(command_list), EXIT_OK);
	ck_assert_str_eq(out, "shop/web-0\n");
	args.namespace_ = "a&b=c";
	ck_assert_int_eq(run(command_list), EXIT_USAGE);
}
END_TEST

START_TEST(list_of_names_has_only_what_can_be_one)
{
	args.output = OUTPUT_NAME;
	serve_one("GET ", 200,
		  ANSWER(GOOD_POD
			 "," NAMED("shop", "$(id)") "," NAMED("a b", "web-1") "," NAMED("", "")));
	ck_assert_int_eq(run(command_list), EXIT_OK);
	ck_assert_str_eq(out, "shop/web-0\n");
}
END_TEST

START_TEST(json_is_the_daemons)
{
	args.output = OUTPUT_JSON;
	serve_one("GET /v1/pods ", 200,
		  "{\"pods\":[],\"new\":{\"big\":18446744073709551615},\"t\":\"\x7f\xc2\x9b\"}");
	ck_assert_int_eq(run(command_list), EXIT_OK);
	printed("18446744073709551615");
	printed("\"\\u007f\\u009b\"");
}
END_TEST

START_TEST(show_is_one_screen)
{
	args.operand = "shop/web-1";
	serve_one("GET /v1/pods/shop/web-1 ", 200, ANSWER(BAD_POD));
	ck_assert_int_eq(run(command_show), EXIT_OK);
	printed("Pod          shop/web-1 on node n1\n");
	printed("Containers   0 of 2 placed\n");
	printed("app         0123456789ab   Partial   OutOfRMIDs\n");
	printed("What to do\n");
	printed("Next step\n  podresctrl retry shop/web-1\n");
}
END_TEST

START_TEST(show_has_the_counters_in_human_units)
{
	args.operand = "web-0";
	args.namespace_ = "shop";
	serve_one(
		"GET /v1/pods/shop/web-0 ", 200,
		ANSWER(POD("shop", "web-0", "Exists", "1", "1", "AllAssigned", "well", COUNTERS)));
	ck_assert_int_eq(run(command_show), EXIT_OK);
	printed("DOMAIN      llc_occupancy   mbm_total_bytes\n"
		"mon_L3_00   640 KiB         1.2 GiB\n"
		"mon_L3_01   Unavailable     -\n");
	ck_assert_ptr_null(strstr(out, "Next step"));
}
END_TEST

START_TEST(a_name_alone_is_looked_up)
{
	char *pods = fake_control_http(200, ANSWER(BAD_POD "," GOOD_POD));
	char *pod = fake_control_http(200, ANSWER(GOOD_POD));
	const struct fake_control_answer answers[] = {
		{"GET /v1/pods ", pods, NULL, FAKE_CONTROL_CLOSE},
		{"GET /v1/pods/shop/web-0 ", pod, NULL, FAKE_CONTROL_CLOSE},
		{0}};

	args.operand = "web-0";
	serve(answers);
	ck_assert_int_eq(run(command_show), EXIT_OK);
	printed("shop/web-0");
	free(pods);
	free(pod);
}
END_TEST

START_TEST(a_name_of_two_pods_lists_both)
{
	args.operand = "web-0";
	serve_one("GET /v1/pods ", 200,
		  ANSWER(GOOD_POD
			 "," POD("bank", "web-0", "Exists", "1", "1", "AllAssigned", "", "")));
	ck_assert_int_eq(run(command_show), EXIT_NO_POD);
	complained("2 pods have the name web-0; which one: shop/web-0, bank/web-0");
}
END_TEST

START_TEST(a_pod_that_is_not_there_has_its_own_status)
{
	args.operand = "nope";
	serve_one("GET /v1/pods ", 200, ANSWER(GOOD_POD));
	ck_assert_int_eq(run(command_show), EXIT_NO_POD);
	complained("no pod nope runs on this node");
}
END_TEST

START_TEST(a_refusal_is_in_the_daemons_words)
{
	args.operand = "shop/nope";
	serve_one("GET ", 404,
		  "{\"error\":{\"reason\":\"PodNotFound\",\"message\":\"no pod 'nope'\"}}");
	ck_assert_int_eq(run(command_show), EXIT_NO_POD);
	complained("no pod 'nope'");
	fake_control_stop(server);
	serve_one("GET ", 503,
		  "{\"error\":{\"reason\":\"TooManyFollowers\",\"message\":\"8 are reading\"}}");
	ck_assert_int_eq(run(command_events), EXIT_FAILED);
	complained("TooManyFollowers: 8 are reading");
}
END_TEST

START_TEST(names_that_are_none_are_not_asked_for)
{
	static const char *const wrong[] = {"",         "/",         "shop/",       "/web",
					    "a/b/c",    "shop/we b", "shop/..%2f",  "a?x=y",
					    "Shop/web", "-x\n",      "sh\x1bop/web"};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		args.operand = wrong[i];
		ck_assert_msg(run(command_show) == EXIT_USAGE, "'%s': %s", wrong[i], e.msg);
	}
	args.operand = "bank/web-0";
	args.namespace_ = "shop";
	ck_assert_int_eq(run(command_show), EXIT_USAGE);
	complained("is not of namespace shop");
}
END_TEST

#define REPORT(result, tried, made, error)                                                           \
	"{\"result\":\"" result "\",\"groupsTried\":" tried ",\"groupsCreated\":" made               \
	",\"containersTried\":0,\"containersReconciled\":0,\"errors\":0,\"stoppedOnCapacity\":true," \
	"\"firstError\":" error "}"

START_TEST(retry_succeeds_with_the_retry)
{
	args.operand = "shop/web-1";
	serve_one("POST /v1/retry?namespace=shop&name=web-1 ", 200,
		  REPORT("Succeeded", "1", "1", "null"));
	ck_assert_int_eq(run(command_retry), EXIT_OK);
	printed("shop/web-1: Succeeded, groups made: 1 of 1\n");
	fake_control_stop(server);
	serve_one("POST ", 200, REPORT("NothingToDo", "0", "0", "null"));
	ck_assert_int_eq(run(command_retry), EXIT_OK);
}
END_TEST

START_TEST(retry_fails_with_the_retry)
{
	args.all = true;
	serve_one("POST /v1/retry?all=true ", 200, REPORT("Failed", "1", "0", "\"no space\""));
	ck_assert_int_eq(run(command_retry), EXIT_FAILED);
	printed("all pods: Failed, groups made: 0 of 1\n  no space\n");
	printed("no RMID left");
	asked("POST /v1/retry?all=true HTTP/1.1");
}
END_TEST

#define CAPACITY                                                                                \
	"{\"node\":\"n1\",\"resctrl\":\"real\",\"groupKind\":\"mon\",\"rmids\":{\"total\":224," \
	"\"ours\":31,\"foreign\":2,\"unused\":190,\"free\":null,\"inLimbo\":null,"              \
	"\"lastRefusal\":\"RMIDsInLimbo\",\"reserve\":4},\"limboThresholdBytes\":55296,"        \
	"\"mount\":{\"path\":\"/r\",\"usable\":true,\"reason\":\"\",\"message\":\"\"}}"

START_TEST(capacity_adds_up)
{
	serve_one("GET /v1/capacity ", 200, CAPACITY);
	ck_assert_int_eq(run(command_capacity), EXIT_OK);
	printed("  our pods       31\n");
	printed("  unused        190   free, or draining");
	printed("  total         224");
	printed("  reserved        4");
	printed("less than 54 KiB");
	printed("RMIDsInLimbo");
	ck_assert_ptr_null(strstr(out, "CLOSIDs"));
	ck_assert_ptr_null(strchr(out, '['));
}
END_TEST

START_TEST(capacity_tells_of_closids_where_pods_take_one)
{
	serve_one("GET /v1/capacity ", 200,
		  "{\"groupKind\":\"ctrl\",\"rmids\":{\"total\":3},\"mount\":{\"usable\":true},"
		  "\"closids\":{\"total\":16,\"ours\":10,\"foreign\":2,\"unused\":3}}");
	ck_assert_int_eq(run(command_capacity), EXIT_OK);
	printed("CLOSIDs      16: 10 our pods, 2 others, 1 the root group, 3 unused\n");
}
END_TEST

START_TEST(capacity_has_a_bar_on_a_terminal)
{
	c.screen.is_terminal = true;
	c.screen.width = 80;
	serve_one("GET /v1/capacity ", 200, CAPACITY);
	ck_assert_int_eq(run(command_capacity), EXIT_OK);
	/* 31 of 224 in 60 columns are 8, and what is there at all is seen. */
	printed("[########or..................................................]\n");
}
END_TEST

START_TEST(capacity_without_resctrl_says_why)
{
	serve_one(
		"GET /v1/capacity ", 200,
		"{\"node\":\"n1\",\"resctrl\":\"real\",\"groupKind\":\"mon\",\"rmids\":{\"total\":null,\"reserve\":0},"
		"\"mount\":{\"path\":\"/r\",\"usable\":false,\"reason\":\"NotMounted\",\"message\":\"nothing there\"}}");
	ck_assert_int_eq(run(command_capacity), EXIT_OK);
	printed("not usable: NotMounted");
	printed("nothing there");
	printed("is not known");
}
END_TEST

START_TEST(numbers_that_do_not_add_up_make_no_bar)
{
	c.screen.is_terminal = true;
	c.screen.width = 80;
	serve_one(
		"GET /v1/capacity ", 200,
		"{\"rmids\":{\"total\":3,\"ours\":18446744073709551615,\"foreign\":-7,\"unused\":\"x\"}}");
	ck_assert_int_eq(run(command_capacity), EXIT_OK);
	ck_assert_ptr_null(strchr(out, '['));
	printed("others          ?");
}
END_TEST

#define EVENTS                                                                                    \
	"{\"time\":\"2026-11-24T18:00:00.123Z\",\"kind\":\"AddOrUpdate\",\"namespace\":\"shop\"," \
	"\"name\":\"web-0\",\"groupState\":\"Exists\",\"totalContainers\":2,"                     \
	"\"reconciledContainers\":1}\n"                                                           \
	"{\"time\":\"2026-11-24T18:00:01.000Z\",\"kind\":\"Notice\",\"notice\":\"GroupFailed\","  \
	"\"namespace\":\"shop\",\"name\":\"web-1\",\"reason\":\"OutOfRMIDs\",\"message\":\"none " \
	"\\u001b[2J\"}\n"

START_TEST(events_are_lines)
{
	serve_one("GET /v1/events ", 200, EVENTS);
	ck_assert_int_eq(run(command_events), EXIT_OK);
	ck_assert_str_eq(
		out,
		"2026-11-24T18:00:00.123Z  shop/web-0  Exists 1/2\n"
		"2026-11-24T18:00:01.000Z  shop/web-1  GroupFailed  OutOfRMIDs  none \\x1b[2J\n");
}
END_TEST

START_TEST(events_on_a_terminal_have_the_time_of_day)
{
	c.screen.is_terminal = true;
	serve_one("GET /v1/events ", 200, EVENTS);
	ck_assert_int_eq(run(command_events), EXIT_OK);
	printed("18:00:00.123Z  shop/web-0  Exists 1/2\n");
	ck_assert_ptr_null(strstr(out, "2026"));
}
END_TEST

START_TEST(following_ends_when_the_daemon_does)
{
	args.follow = true;
	args.output = OUTPUT_JSON;
	serve_one("GET /v1/events?follow=true ", 200, EVENTS);
	ck_assert_int_eq(run(command_events), EXIT_UNREACHABLE);
	complained("going down");
	ck_assert_int_eq(
		strncmp(out, "{\"time\":\"2026-11-24T18:00:00.123Z\",\"kind\":\"AddOrUpdate\"", 50),
		0);
	printed("\\u001b[2J");
}
END_TEST

START_TEST(following_a_daemon_that_is_killed_ends_in_the_same_way)
{
	args.follow = true;
	serve_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n"
		    "{\"kind\":\"Removed\"}\n\r\n",
		    FAKE_CONTROL_CLOSE, NULL);
	ck_assert_int_eq(run(command_events), EXIT_UNREACHABLE);
	complained("going down");
	printed("Removed");
}
END_TEST

START_TEST(being_cut_off_is_said)
{
	args.follow = true;
	serve_one("GET ", 200,
		  EVENTS "{\"time\":\"t\",\"kind\":\"CutOff\",\"message\":\"17 lines\"}\n");
	ck_assert_int_eq(run(command_events), EXIT_FAILED);
	complained("too slow");
	printed("t  CutOff  17 lines\n");
}
END_TEST

START_TEST(explain_and_completion_need_no_daemon)
{
	args.operand = "GroupLost";
	ck_assert_int_eq(run(command_explain), EXIT_OK);
	printed("GroupLost: someone removed the group\n");
	args.operand = "Frobnicated";
	ck_assert_int_eq(run(command_explain), EXIT_FAILED);
	args.operand = "bash";
	ck_assert_int_eq(run(command_completion), EXIT_OK);
	printed("complete -F _podresctrl podresctrl");
	args.operand = "tcsh";
	ck_assert_int_eq(run(command_completion), EXIT_USAGE);
}
END_TEST

/* ---- nobody there ---- */

START_TEST(no_socket)
{
	ck_assert_int_eq(run(command_list), EXIT_UNREACHABLE);
	complained("podresctrld does not run here");
}
END_TEST

START_TEST(a_socket_that_was_left_behind)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(s);
	ck_assert_int_eq(run(command_list), EXIT_UNREACHABLE);
	complained("nobody listens");
}
END_TEST

START_TEST(no_permission)
{
	serve_one("GET ", 200, ANSWER(""));
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	else
		ck_assert_int_eq(chmod(path, 0), 0);
	ck_assert_int_eq(run(command_list), EXIT_UNREACHABLE);
	complained("no permission");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(a_path_that_is_too_long)
{
	char text[300];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	c.client.socket = text;
	ck_assert_int_eq(run(command_list), EXIT_UNREACHABLE);
	complained("too long");
}
END_TEST

/* ---- something else there ---- */

START_TEST(bytes_that_are_no_answer)
{
	static const char *const bytes[] = {
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}xyz",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n<html></html>",
		"HTTP/1.1 500 Oops\r\nContent-Length: 12\r\n\r\n{\"error\":{}}",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
		"", /* closed at once */
		"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"pods\":[",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
		serve_bytes(bytes[i], FAKE_CONTROL_CLOSE, NULL);
		ck_assert_msg(run(command_list) == EXIT_BAD_ANSWER, "%zu: %s", i, e.msg);
		ck_assert_str_ne(e.msg, "");
		fake_control_stop(server);
	}
}
END_TEST

START_TEST(an_answer_without_pods_is_no_pods)
{
	serve_one("GET ", 200, "{\"pods\":{\"a\":1},\"node\":[],\"resctrl\":null}");
	ck_assert_int_eq(run(command_list), EXIT_OK);
	printed("NAMESPACE");
	fake_control_stop(server);
	serve_one("GET ", 200, "{\"pods\":[null,1,\"x\",[],{\"name\":7,\"totalContainers\":-1}]}");
	ck_assert_int_eq(run(command_list), EXIT_OK);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	char body[2048] = "{\"a\":";

	memset(body + 5, '[', 1000);
	serve_one("GET ", 200, body);
	ck_assert_int_eq(run(command_list), EXIT_BAD_ANSWER);
}
END_TEST

START_TEST(an_answer_without_end_is_ended)
{
	char *block = malloc(65537);

	memset(block, ' ', 65536);
	block[65536] = '\0';
	serve_bytes("HTTP/1.1 200 OK\r\n\r\n{\"pods\":[", FAKE_CONTROL_REPEAT, block);
	c.client.timeout_ms = 60000;
	ck_assert_int_eq(run(command_list), EXIT_BAD_ANSWER);
	complained("too large");
	ck_assert_int_eq(run(command_events), EXIT_BAD_ANSWER);
	complained("too large");
	free(block);
}
END_TEST

START_TEST(an_answer_that_does_not_come)
{
	c.client.timeout_ms = 100;
	serve_bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", FAKE_CONTROL_STALL, NULL);
	ck_assert_int_eq(run(command_list), EXIT_BAD_ANSWER);
	complained("did not answer in 100 ms");
}
END_TEST

START_TEST(events_that_are_none)
{
	serve_bytes("HTTP/1.1 200 OK\r\n\r\n{\"kind\":\"Removed\"}\nhello\n", FAKE_CONTROL_CLOSE,
		    NULL);
	ck_assert_int_eq(run(command_events), EXIT_BAD_ANSWER);
	complained("no JSON");
	fake_control_stop(server);
	serve_bytes("HTTP/1.1 200 OK\r\n\r\n{\"kind\":\"Removed\"", FAKE_CONTROL_CLOSE, NULL);
	ck_assert_int_eq(run(command_events), EXIT_BAD_ANSWER);
	complained("middle of a line");
}
END_TEST

START_TEST(no_name_reaches_a_terminal_raw)
{
	serve_one("GET ", 200,
		  ANSWER(POD("\\u001b[2J", "a\\nb\xc2\x9b", "\x7f", "1", "0", "\\u0007",
			     "\xe2\x80\xae", "")));
	ck_assert_int_eq(run(command_list), EXIT_OK);
	printed("\\x1b[2J     a b\\x9b   \\x7f    0/1      \\x07     \\u202e\n");
	for (const char *p = out; *p; p++)
		ck_assert_msg(*p == '\n' || (unsigned char)*p >= ' ', "a control character");
	ck_assert_ptr_null(strchr(out, '\x7f'));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("cli commands");
	TCase *good = tcase_create("good answers"), *bad = tcase_create("bad answers");

	tcase_add_checked_fixture(good, set_up, tear_down);
	tcase_add_checked_fixture(bad, set_up, tear_down);
	tcase_set_timeout(good, 60);
	tcase_set_timeout(bad, 120);
	tcase_add_test(good, list_is_a_table_sorted_by_name);
	tcase_add_test(good, list_on_a_terminal_counts);
	tcase_add_test(good, list_of_a_namespace_asks_for_it);
	tcase_add_test(good, list_of_names_has_only_what_can_be_one);
	tcase_add_test(good, json_is_the_daemons);
	tcase_add_test(good, show_is_one_screen);
	tcase_add_test(good, show_has_the_counters_in_human_units);
	tcase_add_test(good, a_name_alone_is_looked_up);
	tcase_add_test(good, a_name_of_two_pods_lists_both);
	tcase_add_test(good, a_pod_that_is_not_there_has_its_own_status);
	tcase_add_test(good, a_refusal_is_in_the_daemons_words);
	tcase_add_test(good, names_that_are_none_are_not_asked_for);
	tcase_add_test(good, retry_succeeds_with_the_retry);
	tcase_add_test(good, retry_fails_with_the_retry);
	tcase_add_test(good, capacity_adds_up);
	tcase_add_test(good, capacity_tells_of_closids_where_pods_take_one);
	tcase_add_test(good, capacity_has_a_bar_on_a_terminal);
	tcase_add_test(good, capacity_without_resctrl_says_why);
	tcase_add_test(good, numbers_that_do_not_add_up_make_no_bar);
	tcase_add_test(good, events_are_lines);
	tcase_add_test(good, events_on_a_terminal_have_the_time_of_day);
	tcase_add_test(good, following_ends_when_the_daemon_does);
	tcase_add_test(good, following_a_daemon_that_is_killed_ends_in_the_same_way);
	tcase_add_test(good, being_cut_off_is_said);
	tcase_add_test(good, explain_and_completion_need_no_daemon);
	tcase_add_test(bad, no_socket);
	tcase_add_test(bad, a_socket_that_was_left_behind);
	tcase_add_test(bad, no_permission);
	tcase_add_test(bad, a_path_that_is_too_long);
	tcase_add_test(bad, bytes_that_are_no_answer);
	tcase_add_test(bad, an_answer_without_pods_is_no_pods);
	tcase_add_test(bad, deep_nesting_is_refused);
	tcase_add_test(bad, an_answer_without_end_is_ended);
	tcase_add_test(bad, an_answer_that_does_not_come);
	tcase_add_test(bad, events_that_are_none);
	tcase_add_test(bad, no_name_reaches_a_terminal_raw);
	suite_add_tcase(s, good);
	suite_add_tcase(s, bad);
	return s;
}
