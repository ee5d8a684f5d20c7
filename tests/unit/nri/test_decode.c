/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_nri_encode.h"
#include "nri_decode.h"
#include "nri_prune.h"
#include "nri_snapshot.h"
#include "recorder.h"

#include <errno.h>

#define ARENA_MAX (64u << 20)

static struct nri_arena arena;
static struct strbuf in;

static void setup(void)
{
	nri_arena_init(&arena, ARENA_MAX);
	strbuf_init(&in, BYTES_MAX);
}

static void teardown(void)
{
	nri_arena_done(&arena);
	strbuf_done(&in);
}

static const struct nri_kv labels[] = {{"app", "web"}, {"", ""}};
static const struct nri_kv annotations[] = {{"a/b", "v\xff\xfe"}};

START_TEST(every_field_arrives)
{
	const struct nri_pod pod = {.id = "p",
				    .name = "web-0",
				    .uid = "u-1",
				    .namespace_ = "shop",
				    .runtime_handler = "runc",
				    .cgroup_parent = "/kubepods",
				    .cgroups_path = "/kubepods/x",
				    .labels = labels,
				    .nr_labels = 2,
				    .annotations = annotations,
				    .nr_annotations = 1,
				    .pid = 4294967295};
	const struct nri_container ctr = {.id = "c",
					  .pod_sandbox_id = "p",
					  .name = "app",
					  .cgroups_path = "a.slice:crio:c",
					  .clos_id = "gold",
					  .state = NRI_CONTAINER_PAUSED,
					  .labels = labels,
					  .nr_labels = 2,
					  .annotations = annotations,
					  .nr_annotations = 1,
					  .pid = 9};
	struct nri_event_message msg;

	fake_nri_encode_event(&in, &pod, &ctr);
	ck_assert_int_eq(nri_decode_event(&arena, NRI_START_CONTAINER, in.data, in.len, &msg), 0);
	ck_assert_int_eq(msg.event, NRI_START_CONTAINER);
	ck_assert_str_eq(msg.pod->id, "p");
	ck_assert_str_eq(msg.pod->name, "web-0");
	ck_assert_str_eq(msg.pod->uid, "u-1");
	ck_assert_str_eq(msg.pod->namespace_, "shop");
	ck_assert_str_eq(msg.pod->runtime_handler, "runc");
	ck_assert_str_eq(msg.pod->cgroup_parent, "/kubepods");
	ck_assert_str_eq(msg.pod->cgroups_path, "/kubepods/x");
	ck_assert_uint_eq(msg.pod->pid, 4294967295);
	ck_assert_uint_eq(msg.pod->nr_labels, 2);
	ck_assert_str_eq(msg.pod->labels[0].key, "app");
	ck_assert_str_eq(msg.pod->labels[0].value, "web");
	ck_assert_str_eq(msg.pod->labels[1].key, "");
	ck_assert_str_eq(msg.pod->annotations[0].value, "v\xff\xfe");
	ck_assert_str_eq(msg.container->id, "c");
	ck_assert_str_eq(msg.container->pod_sandbox_id, "p");
	ck_assert_str_eq(msg.container->name, "app");
	ck_assert_str_eq(msg.container->cgroups_path, "a.slice:crio:c");
	ck_assert_str_eq(msg.container->clos_id, "gold");
	ck_assert_int_eq(msg.container->state, NRI_CONTAINER_PAUSED);
	ck_assert_uint_eq(msg.container->pid, 9);
	ck_assert_uint_eq(msg.container->nr_annotations, 1);
	ck_assert_str_eq(msg.container->labels[0].value, "web");
}
END_TEST

START_TEST(what_is_absent_reads_as_empty)
{
	struct nri_event_message msg;

	fake_nri_encode_event(&in, &(struct nri_pod){.id = "p"},
			      &(struct nri_container){.id = "c"});
	ck_assert_int_eq(nri_decode_event(&arena, NRI_STOP_CONTAINER, in.data, in.len, &msg), 0);
	ck_assert_str_eq(msg.pod->uid, "");
	ck_assert_str_eq(msg.pod->cgroup_parent, "");
	ck_assert_uint_eq(msg.pod->nr_labels, 0);
	ck_assert_str_eq(msg.container->cgroups_path, "");
	ck_assert_str_eq(msg.container->clos_id, "");
	ck_assert_int_eq(msg.container->state, NRI_CONTAINER_UNKNOWN);
}
END_TEST

static const struct {
	const char *name, *hex; /* of a ContainerEvent */
	int want;
	const char *pod, *ctr; /* ids, NULL for none */
} events[] = {
	{"nothing", "", 0, NULL, NULL},
	{"unknown varint", "0a06 0a0170 a00601 1206 0a0163 f80701 980601", 0, "p", "c"},
	{"unknown fixed32 and fixed64", "0a13 0a0170 a1060102030405060708 a50601020304 1203 0a0163",
	 0, "p", "c"},
	{"unknown fixed32", "0a09 0a0170 a50601020304 1203 0a0163", 0, "p", "c"},
	{"unknown fixed64", "0a0d 0a0170 a1060102030405060708 1203 0a0163", 0, "p", "c"},
	{"unknown bytes", "0a07 0a0170 a2060161 1203 0a0163", 0, "p", "c"},
	{"the last of two values", "0a06 0a0171 0a0170 1203 0a0163", 0, "p", "c"},
	{"a message in two parts", "0a03 0a0170 0a05 12036e616d 1203 0a0163", 0, "p", "c"},
	{"id with a NUL ends there", "0a05 0a03700071 1203 0a0163", 0, "p", "c"},
	{"id with slashes is passed on", "0a07 0a052e2e2f2e2e 1203 0a0163", 0, "../..", "c"},
	{"id that is not UTF-8 is passed on", "0a03 0a01ff 1203 0a0163", 0, "\xff", "c"},
	{"linux that is empty", "0a05 0a0170 4200 1205 0a0163 5a00", 0, "p", "c"},
	{"rdt that is empty", "1207 0a0163 5a02 6200", 0, NULL, "c"},
	{"rdt with an empty class", "1209 0a0163 5a04 6202 0a00", 0, NULL, "c"},
	{"unknown state", "1205 0a0163 2063", 0, NULL, "c"},
	{"negative state", "120e 0a0163 20ffffffffffffffffff01", 0, NULL, "c"},
	{"pod cut short", "0a05 0a0170", -EBADMSG, NULL, NULL},
	{"id cut short", "0a03 0a0370", -EBADMSG, NULL, NULL},
	{"group", "0b", -EBADMSG, NULL, NULL},
	{"field 0", "0001", -EBADMSG, NULL, NULL},
};

START_TEST(events_are_decoded_or_refused)
{
	struct nri_event_message msg = {0};
	int r;

	add_hex(&in, events[_i].hex);
	r = nri_decode_event(&arena, NRI_START_CONTAINER, in.data, in.len, &msg);
	ck_assert_msg(r == events[_i].want, "%s: %d", events[_i].name, r);
	ck_assert_msg((msg.pod == NULL) == (events[_i].pod == NULL) &&
			      (msg.container == NULL) == (events[_i].ctr == NULL),
		      "%s", events[_i].name);
	if (msg.pod)
		ck_assert_str_eq(msg.pod->id, events[_i].pod);
	if (msg.container) {
		ck_assert_str_eq(msg.container->id, events[_i].ctr);
		ck_assert_int_eq(msg.container->state, NRI_CONTAINER_UNKNOWN);
	}
}
END_TEST

START_TEST(names_paths_and_classes_have_their_limits)
{
	static char name[NRI_NAME_MAX + 2], path[NRI_PATH_MAX + 2];
	struct nri_event_message msg;
	size_t over = (size_t)_i; /* 0: the longest that is taken, 1: one more */

	memset(name, 'n', sizeof(name) - 1);
	memset(path, '/', sizeof(path) - 1);
	name[NRI_NAME_MAX + over] = '\0';
	path[NRI_PATH_MAX + over] = '\0';
	fake_nri_encode_event(
		&in, &(struct nri_pod){.id = "p", .uid = name},
		&(struct nri_container){.id = "c", .cgroups_path = path, .clos_id = name});
	ck_assert_int_eq(nri_decode_event(&arena, NRI_START_CONTAINER, in.data, in.len, &msg), 0);
	ck_assert_uint_eq(msg.pod == NULL, over);
	ck_assert_ptr_nonnull(msg.container);
	ck_assert_str_eq(msg.container->cgroups_path, over ? "" : path);
	ck_assert_str_eq(msg.container->clos_id, over ? "" : name);
	strbuf_reset(&in);
	fake_nri_encode_event(&in, NULL,
			      &(struct nri_container){.id = "c", .pod_sandbox_id = name});
	ck_assert_int_eq(nri_decode_event(&arena, NRI_START_CONTAINER, in.data, in.len, &msg), 0);
	ck_assert_uint_eq(msg.container == NULL, over);
}
END_TEST

START_TEST(a_hundred_thousand_annotations_are_fine)
{
	enum { NR = 100000 };
	AUTO_FREE struct nri_kv *kv = calloc(NR, sizeof(*kv));
	struct nri_event_message msg;

	for (int i = 0; i < NR; i++)
		kv[i] = (struct nri_kv){"key", "value"};
	fake_nri_encode_event(
		&in, &(struct nri_pod){.id = "p", .annotations = kv, .nr_annotations = NR}, NULL);
	ck_assert_int_eq(nri_decode_event(&arena, NRI_RUN_POD_SANDBOX, in.data, in.len, &msg), 0);
	ck_assert_uint_eq(msg.pod->nr_annotations, NR);
	ck_assert_str_eq(msg.pod->annotations[NR - 1].value, "value");
}
END_TEST

START_TEST(bytes_that_grow_too_much_in_memory_are_refused)
{
	struct nri_sync_message msg;

	/* two bytes for an empty container, a hundred and more in memory */
	for (int i = 0; i < 2000000; i++)
		(void)strbuf_add(&in, "\x12\0", 2);
	ck_assert_int_eq(nri_decode_synchronize(&arena, in.data, in.len, &msg), -E2BIG);
	nri_arena_reset(&arena);
	ck_assert_uint_le(arena.total, 65536);
	ck_assert_int_eq(nri_decode_synchronize(&arena, "", 0, &msg), 0);
}
END_TEST

START_TEST(configure_fills_in_what_old_runtimes_leave_out)
{
	struct nri_configure c;

	ck_assert_int_eq(nri_decode_configure(&arena, "", 0, &c), 0);
	ck_assert_uint_eq(c.registration_timeout_ms, 5000);
	ck_assert_uint_eq(c.request_timeout_ms, 2000);
	ck_assert_str_eq(c.runtime_name, "");
	ck_assert_str_eq(c.nri_version, "");
	ck_assert(!c.may_refuse);
	/* negative timeouts are as good as none */
	add_hex(&in, "0a0163 20ffffffffffffffffff01 2807");
	ck_assert_int_eq(nri_decode_configure(&arena, in.data, in.len, &c), 0);
	ck_assert_str_eq(c.config, "c");
	ck_assert_uint_eq(c.registration_timeout_ms, 5000);
	ck_assert_uint_eq(c.request_timeout_ms, 7);
}
END_TEST

START_TEST(only_a_runtime_that_tells_its_timeouts_can_be_refused)
{
	struct nri_configure c;

	add_hex(&in, "208827 28d00f");
	ck_assert_int_eq(nri_decode_configure(&arena, in.data, in.len, &c), 0);
	ck_assert(c.may_refuse);
}
END_TEST

START_TEST(a_snapshot_outlives_the_messages_it_came_in)
{
	const struct nri_pod pod = {.id = "p", .labels = labels, .nr_labels = 2, .name = "n"};
	const struct nri_container ctr = {.id = "c", .clos_id = "gold", .pid = 3};
	struct nri_sync_message msg;
	struct nri_snapshot snap;

	nri_snapshot_init(&snap);
	for (int i = 0; i < 100; i++) {
		strbuf_reset(&in);
		fake_nri_encode_synchronize(&in, &pod, 1, &ctr, 1, true);
		ck_assert_int_eq(nri_decode_synchronize(&arena, in.data, in.len, &msg), 0);
		ck_assert(msg.more);
		ck_assert_int_eq(nri_snapshot_add(&snap, &msg), 0);
		memset(in.data, 0xee, in.len);
		nri_arena_done(&arena);
	}
	ck_assert_uint_eq(snap.nr_pods, 100);
	ck_assert_uint_eq(snap.nr_containers, 100);
	for (int i = 0; i < 100; i++) {
		ck_assert_str_eq(snap.pods[i].id, "p");
		ck_assert_str_eq(snap.pods[i].labels[0].value, "web");
		ck_assert_str_eq(snap.containers[i].clos_id, "gold");
		ck_assert_uint_eq(snap.containers[i].pid, 3);
	}
	nri_snapshot_done(&snap);
}
END_TEST

START_TEST(a_snapshot_of_long_strings_has_its_limit_too)
{
	enum { LEN = 3 << 20 };
	AUTO_FREE char *text = calloc(1, LEN + 1);
	struct nri_kv kv = {"k", memset(text, 'v', LEN)};
	struct nri_pod pod = {.id = "p", .annotations = &kv, .nr_annotations = 1};
	struct nri_sync_message msg;
	struct nri_snapshot snap;
	int r = 0, n = 0;

	fake_nri_encode_synchronize(&in, &pod, 1, NULL, 0, true);
	ck_assert_int_eq(nri_decode_synchronize(&arena, in.data, in.len, &msg), 0);
	nri_snapshot_init(&snap);
	while (r == 0 && n++ < 1000)
		r = nri_snapshot_add(&snap, &msg);
	ck_assert_int_eq(r, -E2BIG);
	ck_assert_int_eq(n, 22);
	ck_assert_uint_le(snap.arena.total, NRI_SYNC_MAX_BYTES);
	nri_snapshot_done(&snap);
}
END_TEST

static struct ttrpc_span pruned(enum nri_prune what, bool with_labels)
{
	struct ttrpc_span span = {.data = (const uint8_t *)in.data, .len = in.len};
	struct ttrpc_span own;
	uint8_t *copy = malloc(in.len + 1);

	memcpy(copy, in.data, in.len);
	own = (struct ttrpc_span){.data = copy, .len = in.len};
	ck_assert_int_eq(nri_prune(&arena, what, with_labels, NULL, &span), 0);
	/* In place it is the same. */
	ck_assert_int_eq(nri_prune(&arena, what, with_labels, copy, &own), 0);
	ck_assert_uint_eq(own.len, span.len);
	ck_assert_mem_eq(own.data, span.data, span.len);
	free(copy);
	return span;
}

static const struct nri_pod whole_pod = {
	.id = "p",
	.name = "web-0",
	.uid = "u-1",
	.namespace_ = "shop",
	.runtime_handler = "runc",
	.cgroup_parent = "/kubepods",
	.cgroups_path = "/kubepods/x",
	.labels = labels,
	.nr_labels = 2,
	.annotations = annotations,
	.nr_annotations = 1,
	.pid = 17,
};
static const struct nri_container whole_container = {
	.id = "c",
	.pod_sandbox_id = "p",
	.name = "app",
	.cgroups_path = "a.slice:crio:c",
	.clos_id = "gold",
	.state = NRI_CONTAINER_RUNNING,
	.labels = labels,
	.nr_labels = 2,
	.annotations = annotations,
	.nr_annotations = 1,
	.pid = 9,
};

static void expect_all_but_labels(const struct nri_pod *pod, const struct nri_container *ctr)
{
	ck_assert_str_eq(pod->id, "p");
	ck_assert_str_eq(pod->name, "web-0");
	ck_assert_str_eq(pod->uid, "u-1");
	ck_assert_str_eq(pod->namespace_, "shop");
	ck_assert_str_eq(pod->runtime_handler, "runc");
	ck_assert_str_eq(pod->cgroup_parent, "/kubepods");
	ck_assert_str_eq(pod->cgroups_path, "/kubepods/x");
	ck_assert_uint_eq(pod->pid, 17);
	if (!ctr)
		return;
	ck_assert_str_eq(ctr->id, "c");
	ck_assert_str_eq(ctr->pod_sandbox_id, "p");
	ck_assert_str_eq(ctr->name, "app");
	ck_assert_str_eq(ctr->cgroups_path, "a.slice:crio:c");
	ck_assert_str_eq(ctr->clos_id, "gold");
	ck_assert_int_eq(ctr->state, NRI_CONTAINER_RUNNING);
	ck_assert_uint_eq(ctr->pid, 9);
}

START_TEST(all_that_is_read_survives_pruning)
{
	bool with_labels = _i;
	struct nri_event_message msg = {0};
	struct nri_sync_message sync;
	struct ttrpc_span span;

	fake_nri_encode_synchronize(&in, &whole_pod, 1, &whole_container, 1, true);
	span = pruned(NRI_PRUNE_SYNCHRONIZE, with_labels);
	ck_assert_int_eq(nri_decode_synchronize(&arena, span.data, span.len, &sync), 0);
	ck_assert(sync.more);
	expect_all_but_labels(&sync.pods[0], &sync.containers[0]);
	ck_assert_uint_eq(sync.pods[0].nr_labels, with_labels ? 2 : 0);
	ck_assert_uint_eq(sync.containers[0].nr_annotations, with_labels);

	strbuf_reset(&in);
	fake_nri_encode_event(&in, &whole_pod, &whole_container);
	span = pruned(NRI_PRUNE_CONTAINER_EVENT, with_labels);
	ck_assert_int_eq(nri_decode_event(&arena, NRI_START_CONTAINER, span.data, span.len, &msg),
			 0);
	expect_all_but_labels(msg.pod, msg.container);
	ck_assert_uint_eq(msg.container->nr_labels, with_labels ? 2 : 0);
	span = pruned(NRI_PRUNE_POD_EVENT, with_labels);
	ck_assert_int_eq(nri_decode_event(&arena, NRI_RUN_POD_SANDBOX, span.data, span.len, &msg),
			 0);
	expect_all_but_labels(msg.pod, NULL);

	strbuf_reset(&in);
	fake_nri_encode_state_change(&in, NRI_STOP_CONTAINER, &whole_pod, &whole_container);
	span = pruned(NRI_PRUNE_STATE_CHANGE, with_labels);
	ck_assert_int_eq(nri_decode_state_change(&arena, span.data, span.len, &msg), 0);
	ck_assert_int_eq(msg.event, NRI_STOP_CONTAINER);
	expect_all_but_labels(msg.pod, msg.container);
}
END_TEST

/* Of a container: id, an environment variable, a mount, linux with devices; then a pod. */
START_TEST(what_nobody_reads_is_left_out)
{
	static const char want[] = "\x12\x0a\x0a\x01\x63\x5a\x05\x2a\x03\x61\x2f\x63";
	struct ttrpc_span span;

	add_hex(&in, "1218 0a0163 5203613d62 3a020a00 5a0a 22030a0178 2a03612f63 a206020a00");
	span = pruned(NRI_PRUNE_CONTAINER_EVENT, true);
	ck_assert_uint_eq(span.len, sizeof(want) - 1);
	ck_assert_mem_eq(span.data, want, span.len);
}
END_TEST

START_TEST(bytes_that_are_no_message_are_not_pruned)
{
	struct ttrpc_span span;

	add_hex(&in, "0a05 0a0170");
	span = (struct ttrpc_span){.data = (const uint8_t *)in.data, .len = in.len};
	ck_assert_int_eq(nri_prune(&arena, NRI_PRUNE_CONTAINER_EVENT, true, NULL, &span), -EBADMSG);
	ck_assert_ptr_eq(span.data, in.data);
	nri_arena_done(&arena);
	nri_arena_init(&arena, 3);
	ck_assert_int_eq(nri_prune(&arena, NRI_PRUNE_CONTAINER_EVENT, true, NULL, &span), -E2BIG);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("decode");
	TCase *t = tcase_create("decode");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_field_arrives);
	tcase_add_test(t, what_is_absent_reads_as_empty);
	tcase_add_loop_test(t, events_are_decoded_or_refused, 0, (int)ARRAY_LEN(events));
	tcase_add_loop_test(t, names_paths_and_classes_have_their_limits, 0, 2);
	tcase_add_test(t, a_hundred_thousand_annotations_are_fine);
	tcase_add_test(t, bytes_that_grow_too_much_in_memory_are_refused);
	tcase_add_test(t, configure_fills_in_what_old_runtimes_leave_out);
	tcase_add_test(t, only_a_runtime_that_tells_its_timeouts_can_be_refused);
	tcase_add_test(t, a_snapshot_outlives_the_messages_it_came_in);
	tcase_add_loop_test(t, all_that_is_read_survives_pruning, 0, 2);
	tcase_add_test(t, what_nobody_reads_is_left_out);
	tcase_add_test(t, bytes_that_are_no_message_are_not_pruned);
	tcase_add_test(t, a_snapshot_of_long_strings_has_its_limit_too);
	suite_add_tcase(s, t);
	return s;
}
