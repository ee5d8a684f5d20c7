/* SPDX-License-Identifier: Apache-2.0 */

/* What a session allocates: nothing for usual events, and never for what is merely declared. */

#include "fake_nri_encode.h"
#include "recorder.h"
#include "unit/alloc_count.h"

#include <errno.h>

#define KIB 1024
#define MIB (1024 * KIB)

static struct nri_session *s;
static struct strbuf in;
static int feed_error; /* kept for teardown(), because an assertion allocates itself */
static uint64_t nr_events;
static size_t nr_objects;

static void count_event(void *ctx, enum nri_event event, const struct nri_pod *pod,
			const struct nri_container *container, uint64_t deadline_ms)
{
	(void)ctx;
	(void)event;
	(void)pod;
	(void)container;
	(void)deadline_ms;
	nr_events++;
}

static void count_objects(void *ctx, const struct nri_pod *pods, size_t nr_pods,
			  const struct nri_container *containers, size_t nr_containers)
{
	(void)ctx;
	(void)pods;
	(void)containers;
	nr_objects = nr_pods + nr_containers;
}

static const struct nri_handlers counting = {.event = count_event, .synchronize = count_objects};

static void setup(void)
{
	const struct nri_session_config config = {.plugin_name = "resctrl", .plugin_index = "90"};

	nr_events = nr_objects = 0;
	ck_assert_int_eq(nri_session_new(&config, &counting, NULL, &s, NULL), 0);
	ck_assert_int_eq(nri_session_start(s, 0, NULL), 0);
	drop_output(s);
	strbuf_init(&in, BYTES_MAX);
}

static void teardown(void)
{
	ck_assert_int_eq(feed_error, 0);
	s = nri_session_free(s);
	strbuf_done(&in);
}

static bool is_counted(const char *test)
{
	bool yes = alloc_is_counted();

	if (!yes)
		skip_test(test, "malloc() is not ours, as in valgrind and with a sanitizer");
	return yes;
}

static void feed(const char *data, size_t len)
{
	int r = nri_session_feed(s, data, len, 0, NULL);

	if (r < 0)
		feed_error = r;
}

/* A container's event as a real runtime describes it, in one style or the other. */
static void add_container_event(struct strbuf *out, uint32_t stream, bool is_state_change)
{
	static const struct nri_kv annotations[] = {
		{"io.kubernetes.cri.sandbox-id", "0123456789abcdef"},
		{"example.net/team", "storefront"},
	};
	const struct nri_pod pod = {.id = "p1",
				    .name = "web-0",
				    .uid = "00000001-0000-4000-8000-000000000001",
				    .namespace_ = "shop",
				    .cgroup_parent = "/kubepods/pod1",
				    .annotations = annotations,
				    .nr_annotations = 2};
	const struct nri_container ctr = {.id = "c1",
					  .pod_sandbox_id = "p1",
					  .name = "app",
					  .cgroups_path = "/kubepods/pod1/c1",
					  .annotations = annotations,
					  .nr_annotations = 2,
					  .pid = 4711};
	struct strbuf payload;

	strbuf_init(&payload, BYTES_MAX);
	if (is_state_change)
		fake_nri_encode_state_change(&payload, NRI_POST_START_CONTAINER, &pod, &ctr);
	else
		fake_nri_encode_event(&payload, &pod, &ctr);
	add_request(out, stream, is_state_change ? "StateChange" : "PostStartContainer",
		    payload.data, payload.len);
	strbuf_done(&payload);
}

/* Both styles, whole and in pieces of STEP bytes; the answers go out after each feed. */
static void play_events(size_t step)
{
	for (size_t at = 0; at < in.len; at += step) {
		feed(in.data + at, in.len - at < step ? in.len - at : step);
		drop_output(s);
	}
}

START_TEST(an_event_allocates_nothing)
{
	static const size_t steps[] = {MIB, 700, 1};

	if (!is_counted("an_event_allocates_nothing"))
		return;
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t before = nr_events;

		strbuf_reset(&in);
		for (uint32_t j = 0; j < 20; j++)
			add_container_event(&in, 1 + 2 * (2 * i * 20 + j), j % 2);
		play_events(steps[_i]); /* the first time is for warming up */
		strbuf_reset(&in);
		for (uint32_t j = 0; j < 20; j++)
			add_container_event(&in, 1 + 2 * ((2 * i + 1) * 20 + j), j % 2);
		alloc_begin();
		play_events(steps[_i]);
		ck_assert_uint_eq(alloc_count.nr, 0);
		ck_assert_uint_eq(nr_events - before, 40);
	}
}
END_TEST

static const struct {
	const char *name, *hex;
} promises[] = {
	{"a frame", "00000001 01000000"},
	{"a message", "00000001 00400000 00400000 00000001 0100"},
	{"a message that is too long", "00000001 01000000 ffffffff 00000001 0100"},
	{"a service", "00000001 00000010 00000006 00000001 0100 0affffff7f61"},
	{"a payload", "00000001 00000010 00000006 00000001 0100 1affffff7f61"},
	{"both connections", "00000001 0000000b 00400000 00000001 0100 61"
			     "00000002 0000000b 00400000 00000001 0200 61"},
	{"an unknown connection", "00000007 01000000 61626364"},
};

START_TEST(what_is_declared_takes_no_memory)
{
	if (!is_counted("what_is_declared_takes_no_memory"))
		return;
	add_hex(&in, promises[_i].hex);
	alloc_begin();
	feed(in.data, in.len);
	ck_assert_msg(alloc_count.peak < 2 * KIB, "%s: %ld bytes", promises[_i].name,
		      alloc_count.peak);
}
END_TEST

/* Lengths inside of a payload, which protobuf's decoder reads. */
static const struct {
	const char *name, *method, *hex;
} inner_promises[] = {
	{"a pod", "RunPodSandbox", "0affffff7f61"},
	{"a name", "RunPodSandbox", "0a07 12ffffff7f61"},
	{"a label", "StateChange", "0801 1208 2a06 0affffff7f"},
	{"containers", "Synchronize", "12ffffff7f"},
	{"a configuration", "Configure", "0affffff7f61"},
};

START_TEST(nor_does_what_is_declared_in_a_payload)
{
	struct strbuf payload;

	if (!is_counted("nor_does_what_is_declared_in_a_payload"))
		return;
	strbuf_init(&payload, BYTES_MAX);
	add_hex(&payload, inner_promises[_i].hex);
	add_request(&in, 1, inner_promises[_i].method, payload.data, payload.len);
	alloc_begin();
	feed(in.data, in.len);
	/* one block of the arena, whatever was said */
	ck_assert_msg(alloc_count.peak < 72 * KIB, "%s: %ld bytes", inner_promises[_i].name,
		      alloc_count.peak);
	ck_assert_uint_eq(nri_session_stats(s)->undecodable, 1);
	strbuf_done(&payload);
}
END_TEST

START_TEST(memory_grows_with_what_arrives)
{
	static char zeros[4 * KIB];
	size_t arrived = 0;
	bool was_more = false;

	if (!is_counted("memory_grows_with_what_arrives"))
		return;
	add_hex(&in, "00000001 01000000 00400000 00000001 0100");
	alloc_begin();
	feed(in.data, in.len);
	for (; arrived < 3 * MIB && !was_more; arrived += sizeof(zeros)) {
		feed(zeros, sizeof(zeros));
		was_more = alloc_count.live > 2 * (long)(arrived + sizeof(zeros)) + 8 * KIB;
	}
	ck_assert_msg(!was_more, "%ld bytes for %zu", alloc_count.live, arrived);
}
END_TEST

START_TEST(skipping_four_gigabytes_takes_no_memory)
{
	static char zeros[64 * KIB];

	if (!is_counted("skipping_four_gigabytes_takes_no_memory"))
		return;
	add_hex(&in, "00000001 01000000 ffffffff 00000001 0100");
	feed(in.data, in.len);
	drop_output(s);
	alloc_begin();
	for (int i = 0; i < 200; i++) /* most of one frame; the rest would be the same */
		feed(zeros, sizeof(zeros));
	ck_assert_uint_eq(alloc_count.nr, 0);
}
END_TEST

static size_t add_large_snapshot(struct strbuf *out)
{
	const struct nri_kv annotations[] = {{"example.net/change", "a value of usual length"}};
	const struct nri_container ctr = {.id = "0123456789abcdef0123456789abcdef",
					  .pod_sandbox_id = "fedcba9876543210",
					  .name = "server",
					  .cgroups_path = "/kubepods/burstable/pod1/c1",
					  .annotations = annotations,
					  .nr_annotations = 1};
	struct strbuf payload;
	size_t nr = 0;

	strbuf_init(&payload, BYTES_MAX);
	for (; payload.len < 4 * MIB - 8 * KIB; nr++)
		fake_nri_encode_synchronize(&payload, NULL, 0, &ctr, 1, false);
	add_request(out, 1, "Synchronize", payload.data, payload.len);
	strbuf_done(&payload);
	return nr;
}

START_TEST(a_snapshot_of_four_megabytes_is_given_back_at_once)
{
	size_t nr = add_large_snapshot(&in);

	if (!is_counted("a_snapshot_of_four_megabytes_is_given_back_at_once"))
		return;
	alloc_begin();
	for (size_t at = 0; at < in.len; at += 64 * KIB)
		feed(in.data + at, in.len - at < 64 * KIB ? in.len - at : 64 * KIB);
	ck_assert_uint_eq(nr_objects, nr);
	ck_assert_int_gt(alloc_count.peak, 4 * MIB);
	ck_assert_int_lt(alloc_count.live, 128 * KIB);
	/* and while it is there it is not in memory many times over */
	ck_assert_int_lt(alloc_count.peak, 48 * MIB);
}
END_TEST

Suite *suite(void)
{
	Suite *suite = suite_create("session memory");
	TCase *t = tcase_create("memory");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, an_event_allocates_nothing, 0, 3);
	tcase_add_loop_test(t, what_is_declared_takes_no_memory, 0, (int)ARRAY_LEN(promises));
	tcase_add_loop_test(t, nor_does_what_is_declared_in_a_payload, 0,
			    (int)ARRAY_LEN(inner_promises));
	tcase_add_test(t, memory_grows_with_what_arrives);
	tcase_add_test(t, skipping_four_gigabytes_takes_no_memory);
	tcase_add_test(t, a_snapshot_of_four_megabytes_is_given_back_at_once);
	suite_add_tcase(suite, t);
	return suite;
}
