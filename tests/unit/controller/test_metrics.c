/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"
#include "metrics_text.h"
#include "probes.h"
#include "unit/runner.h"

#include <ctype.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 128

static struct strbuf out;
static struct metrics_counts counts;
static const uint64_t control_retries[STATUS_RETRY_RESULT_MAX] = {3};

static void set_up(void)
{
	strbuf_init(&out, 1 << 20);
	counts = (struct metrics_counts){0};
}

static void tear_down(void)
{
	strbuf_done(&out);
}

/* ---- the format ----------------------------------------------------------------------------- */

START_TEST(label_values_of_any_content_are_escaped)
{
	metrics_uint(&out, "x", 1, "a", "q\"b\\s\nl", "b", "\xff", NULL);
	ck_assert_str_eq(strbuf_str(&out), "x{a=\"q\\\"b\\\\s l\",b=\"\xef\xbf\xbd\"} 1\n");
}
END_TEST

START_TEST(seconds_have_no_zeros_that_say_nothing)
{
	metrics_seconds(&out, "x", 0, NULL);
	metrics_seconds(&out, "x", 100, NULL);
	metrics_seconds(&out, "x", 2500000, NULL);
	metrics_seconds(&out, "x", 3600000000u, NULL);
	ck_assert_str_eq(strbuf_str(&out), "x 0\nx 0.0001\nx 2.5\nx 3600\n");
}
END_TEST

START_TEST(buckets_of_a_histogram_add_up)
{
	static const uint32_t bounds[] = {1000, 2000000};
	struct histogram h;

	histogram_init(&h, bounds, ARRAY_LEN(bounds));
	histogram_add(&h, 0);
	histogram_add(&h, 1000);
	histogram_add(&h, 1001);
	histogram_add(&h, UINT32_MAX);
	metrics_histogram(&out, "x", &h, "a", "b", NULL);
	ck_assert_str_eq(strbuf_str(&out), "x_bucket{a=\"b\",le=\"0.001\"} 2\n"
					   "x_bucket{a=\"b\",le=\"2\"} 3\n"
					   "x_bucket{a=\"b\",le=\"+Inf\"} 4\n"
					   "x_sum{a=\"b\"} 4294.969296\n"
					   "x_count{a=\"b\"} 4\n");
	strbuf_reset(&out);
	metrics_histogram(&out, "x", &h, NULL);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&out), "x_bucket{le=\"0.001\"} 2\n"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&out), "x_count 4\n"));
}
END_TEST

/* ---- everything ----------------------------------------------------------------------------- */

static void fill(struct metrics_input *in)
{
	static const uint32_t bounds[] = {1000, 2000000};

	*in = (struct metrics_input){
		.simulated = true,
		.group_kind = RS_GROUP_CTRL,
		.counts = &counts,
		.resctrl_code = -EROFS,
		.has_capacity = true,
		.capacity = {.rmids = 224,
			     .ours = 10,
			     .foreign = 3,
			     .unused = 210,
			     .closids = 16,
			     .closids_ours = 10,
			     .closids_foreign = 2,
			     .closids_unused = 3,
			     .limbo = RS_LIMBO_ALL},
		.has_runtime = true,
		.has_api = true,
		.api = {.server = "https://10.96.0.1:443", .has_events = true},
		.has_turns = true,
		.servers = {{.name = "control"}, {.name = "metrics"}},
		.has_control_events = true,
		.control_retries = control_retries,
		.has_process = true,
		.now_ms = 5000,
		.wall_ms = 1000005000,
	};
	in->core.pods = 7;
	in->core.pods_existing = 4;
	in->core.pods_failed = 2;
	histogram_init(&in->turns, bounds, ARRAY_LEN(bounds));
	histogram_init(&in->runtime.answers, bounds, ARRAY_LEN(bounds));
	histogram_init(&in->api.publisher.lag, bounds, ARRAY_LEN(bounds));
	for (size_t i = 0; i < ARRAY_LEN(in->api.client.latency); i++)
		histogram_init(&in->api.client.latency[i], bounds, ARRAY_LEN(bounds));
	in->api.client.requests[0] = (struct k8s_client_count){0, K8S_GET, 2};
	in->api.client.requests[1] = (struct k8s_client_count){409, K8S_POST, 5};
	in->api.client.nr_requests = 2;
	in->api.client.other_requests = 1;
	in->api.publisher.requests[PUBLISHER_PATCH] = 9;
	in->api.publisher.failures[PUBLISHER_PATCH] = 2;
	in->api.watch.last_byte_ms = 3000;
	in->api.watch.relists[K8S_RELIST_EXPIRED] = 1;
	in->api.watch.relists[K8S_RELIST_ASKED] = 2;
	in->api.publisher.throttled_ms[PUBLISHER_THROTTLE_CLIENT] = 2500;
}

static void has(const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "\n%s\n", line);
	ck_assert_msg(strstr(strbuf_str(&out), text) != NULL, "no '%s' in:\n%s", line,
		      strbuf_str(&out));
}

static void render_all(void)
{
	const struct core_notice failed = {.kind = CORE_NOTICE_GROUP_FAILED, .reason = "ReadOnly"};
	const struct core_event event = {.kind = CORE_REMOVED};
	struct metrics_input in;

	metrics_count_notice(&counts, &failed);
	metrics_count_notice(&counts, &failed);
	metrics_count_event(&counts, &event);
	fill(&in);
	metrics_render(&in, &out);
	ck_assert_int_eq(out.error, 0);
}

START_TEST(what_was_counted_is_told)
{
	render_all();
	has("podresctrl_pods{state=\"Exists\"} 4");
	has("podresctrl_pods{state=\"Other\"} 1");
	has("podresctrl_events_total{kind=\"Removed\"} 1");
	has("podresctrl_notices_total{notice=\"GroupFailed\"} 2");
	ck_assert_ptr_null(strstr(strbuf_str(&out), "notice=\"\""));
	has("podresctrl_group_failures_total{reason=\"ReadOnly\"} 2");
	has("podresctrl_resctrl_usable 0");
	has("podresctrl_rmids{state=\"unused\"} 210");
	has("podresctrl_rmids{state=\"root\"} 1");
	has("podresctrl_rmids_last_refusal{reason=\"RMIDsInLimbo\"} 1");
	has("podresctrl_retries_total{trigger=\"control\",result=\"Succeeded\"} 3");
	has("rest_client_requests_total{code=\"<error>\",method=\"GET\",host=\"10.96.0.1:443\"} 2");
	has("rest_client_requests_total{code=\"409\",method=\"POST\",host=\"10.96.0.1:443\"} 5");
	has("podresctrl_publish_total{op=\"patch\",result=\"success\"} 7");
	has("podresctrl_publish_total{op=\"patch\",result=\"failure\"} 2");
	has("podresctrl_watch_last_event_timestamp_seconds 1000003");
	has("podresctrl_relists_total{reason=\"Expired\"} 1");
	has("podresctrl_relists_total{reason=\"Periodic\"} 0");
	has("podresctrl_relists_total{reason=\"Asked\"} 2");
	has("podresctrl_throttled_seconds_total{source=\"client\"} 2.5");
	has("podresctrl_throttled_seconds_total{source=\"server\"} 0");
	has("podresctrl_closids{state=\"ours\"} 10");
	has("podresctrl_closids{state=\"foreign\"} 2");
	has("podresctrl_closids{state=\"root\"} 1");
	has("podresctrl_closids{state=\"unused\"} 3");
	has("podresctrl_publisher_state{state=\"Starting\"} 1");
	has("podresctrl_http_requests_total{server=\"metrics\"} 0");
}
END_TEST

START_TEST(what_is_not_there_is_left_out)
{
	struct metrics_input in = {.counts = &counts};

	metrics_render(&in, &out);
	ck_assert_ptr_null(strstr(strbuf_str(&out), "rest_client"));
	ck_assert_ptr_null(strstr(strbuf_str(&out), "podresctrl_publish"));
	ck_assert_ptr_null(strstr(strbuf_str(&out), "podresctrl_nri"));
	ck_assert_ptr_null(strstr(strbuf_str(&out), "podresctrl_rmids{"));
	ck_assert_ptr_null(strstr(strbuf_str(&out), "server="));
	has("podresctrl_resctrl_usable 1");
}
END_TEST

START_TEST(closids_are_told_only_where_pods_take_one)
{
	struct metrics_input in;

	fill(&in);
	in.group_kind = RS_GROUP_MON;
	metrics_render(&in, &out);
	ck_assert_ptr_null(strstr(strbuf_str(&out), "podresctrl_closids"));
	strbuf_reset(&out);
	fill(&in);
	in.capacity.closids = 0;
	metrics_render(&in, &out);
	ck_assert_ptr_null(strstr(strbuf_str(&out), "podresctrl_closids"));
}
END_TEST

/* Which family LINE's sample belongs to: its name without what a histogram adds. */
static bool belongs_to(const char *line, const char *family, const char *type)
{
	size_t len = strcspn(line, "{ "), flen = strlen(family);
	static const char *const parts[] = {"_bucket", "_sum", "_count"};

	if (strncmp(line, family, flen) != 0)
		return false;
	if (strcmp(type, "histogram") != 0)
		return len == flen;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (len == flen + strlen(parts[i]) && !strncmp(line + flen, parts[i], len - flen))
			return true;
	}
	return false;
}

/* name{label="value",...} number, in the characters that the format allows. */
static void check_sample(const char *line)
{
	const char *c = line;

	ck_assert_msg(isalpha((unsigned char)*c), "%s", line);
	while (isalnum((unsigned char)*c) || *c == '_')
		c++;
	if (*c == '{') {
		do {
			c++;
			ck_assert_msg(isalpha((unsigned char)*c), "%s", line);
			while (isalnum((unsigned char)*c) || *c == '_')
				c++;
			ck_assert_msg(c[0] == '=' && c[1] == '"', "%s", line);
			for (c += 2; *c && *c != '"'; c++)
				c += *c == '\\';
			ck_assert_msg(*c++ == '"', "%s", line);
		} while (*c == ',');
		ck_assert_msg(*c++ == '}', "%s", line);
	}
	ck_assert_msg(*c++ == ' ', "%s", line);
	ck_assert_msg(isdigit((unsigned char)*c), "%s", line);
	ck_assert_msg(strspn(c, "0123456789.") == strlen(c), "%s", line);
}

/* HELP and TYPE once for each family, its samples right behind, no series twice. */
START_TEST(the_text_is_strictly_of_the_format)
{
	char family[128] = "", type[32] = "", *text, *save, *line;
	static char *seen[4096];
	size_t nr = 0;

	render_all();
	text = strdup(strbuf_str(&out));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			size_t len = strcspn(line + 7, " ");

			snprintf(family, sizeof(family), "%.*s", (int)len, line + 7);
			ck_assert_msg(strlen(line) > 7 + len + 5, "no help: %s", line);
			line = strtok_r(NULL, "\n", &save);
			ck_assert_int_eq(strncmp(line, "# TYPE ", 7), 0);
			ck_assert_int_eq(strncmp(line + 7, family, strlen(family)), 0);
			snprintf(type, sizeof(type), "%s", line + 7 + strlen(family) + 1);
			ck_assert_msg((strcmp(type, "counter") == 0) ==
					      (strlen(family) > 6 &&
					       !strcmp(family + strlen(family) - 6, "_total")),
				      "only counters end in _total: %s", family);
		} else {
			check_sample(line);
			ck_assert_msg(belongs_to(line, family, type), "'%s' is not of %s", line,
				      family);
		}
		line[strcspn(line, " ") + (line[0] == '#' ? 0 : 0)] = '\0';
		for (size_t i = 0; line[0] != '#' && i < nr; i++)
			ck_assert_msg(strcmp(seen[i], line) != 0, "twice: %s", line);
		if (line[0] != '#')
			seen[nr++] = line;
	}
	ck_assert_uint_gt(nr, 100);
	ck_assert_uint_lt(nr, 400);
	free(text);
}
END_TEST

/* ---- docs/metrics.md ------------------------------------------------------------------------ */

static size_t add_name(char names[NAMES_MAX][80], size_t nr, const char *start, size_t len)
{
	ck_assert_uint_lt(nr, NAMES_MAX);
	ck_assert_uint_lt(len, 80);
	memcpy(names[nr], start, len);
	names[nr][len] = '\0';
	return nr + 1;
}

static bool is_in(char names[NAMES_MAX][80], size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

START_TEST(the_docs_list_what_there_is_and_nothing_else)
{
	static char documented[NAMES_MAX][80], exported[NAMES_MAX][80];
	size_t nr_documented = 0, nr_exported = 0;
	FILE *f = fopen("docs/metrics.md", "r");
	const char *at;
	char line[1024];

	ck_assert_msg(f != NULL, "run this from the top of the source");
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "| `", 3) == 0 && line[3] != '/')
			nr_documented = add_name(documented, nr_documented, line + 3,
						 strcspn(line + 3, "`"));
	}
	fclose(f);
	render_all();
	for (at = strbuf_str(&out); (at = strstr(at, "# TYPE ")); at += 7)
		nr_exported = add_name(exported, nr_exported, at + 7, strcspn(at + 7, " "));
	for (size_t i = 0; i < nr_exported; i++)
		ck_assert_msg(is_in(documented, nr_documented, exported[i]),
			      "%s is not in docs/metrics.md", exported[i]);
	for (size_t i = 0; i < nr_documented; i++)
		ck_assert_msg(is_in(exported, nr_exported, documented[i]),
			      "%s is in docs/metrics.md and not exported", documented[i]);
}
END_TEST

static void scrape_into_new_buffer(void)
{
	struct process_stats process;

	strbuf_init(&out, 1 << 20);
	render_all();
	ck_assert_int_eq(process_stats_read(&process), 0);
	strbuf_done(&out);
}

START_TEST(a_scrape_leaves_no_memory_behind)
{
	struct mallinfo2 before, after;

	tear_down();
	/* What the first two rounds free counts as used: the C library keeps it for the next. */
	scrape_into_new_buffer();
	scrape_into_new_buffer();
	before = mallinfo2();
	for (int i = 0; i < 50; i++)
		scrape_into_new_buffer();
	after = mallinfo2();
	ck_assert_uint_eq(after.uordblks, before.uordblks);
}
END_TEST

START_TEST(the_process_is_described)
{
	struct process_stats a, b;
	FILE *f;

	ck_assert_int_eq(process_stats_read(&a), 0);
	f = fopen("/dev/null", "r");
	ck_assert_int_eq(process_stats_read(&b), 0);
	fclose(f);
	ck_assert_uint_eq(b.open_fds, a.open_fds + 1);
	ck_assert_uint_gt(a.resident_bytes, 100000);
	ck_assert_uint_gt(a.virtual_bytes, a.resident_bytes);
	ck_assert_uint_lt(a.virtual_bytes, UINT64_MAX / 2);
	ck_assert_uint_gt(a.max_fds, 3);
	for (volatile unsigned i = 0; b.cpu_us == a.cpu_us; i++)
		ck_assert_int_eq(process_stats_read(&b), 0);
	ck_assert_uint_gt(b.cpu_us, a.cpu_us);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, label_values_of_any_content_are_escaped);
	tcase_add_test(tc, seconds_have_no_zeros_that_say_nothing);
	tcase_add_test(tc, buckets_of_a_histogram_add_up);
	tcase_add_test(tc, what_was_counted_is_told);
	tcase_add_test(tc, what_is_not_there_is_left_out);
	tcase_add_test(tc, closids_are_told_only_where_pods_take_one);
	tcase_add_test(tc, the_text_is_strictly_of_the_format);
	tcase_add_test(tc, the_docs_list_what_there_is_and_nothing_else);
	tcase_add_test(tc, a_scrape_leaves_no_memory_behind);
	tcase_add_test(tc, the_process_is_described);
	suite_add_tcase(s, tc);
	return s;
}
