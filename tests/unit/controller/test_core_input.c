/* SPDX-License-Identifier: Apache-2.0 */

/* From the runtime's bytes to the core's calls: what arrives, and what it costs. */

#include "core_input.h"
#include "core_world.h"
#include "fake_nri_encode.h"
#include "stale_pods.h"
#include "unit/alloc_count.h"
#include "unit/nri/recorder.h"

static struct world *w;
static struct nri_session *s;
static struct stale_pods *stale;
static uint32_t stream;
static uint64_t nr_events;

static bool is_empty(void *ctx, const char *uid)
{
	(void)ctx;
	(void)uid;
	return false;
}

static void pass_event(void *ctx, enum nri_event event, const struct nri_pod *pod,
		       const struct nri_container *container, uint64_t deadline_ms)
{
	(void)ctx;
	(void)deadline_ms;
	nr_events++;
	core_input_event(w->core, w->now, NULL, event, pod, container);
	stale_pods_event(stale, w->now, event, pod, container);
}

static void pass_snapshot(void *ctx, const struct nri_pod *pods, size_t nr_pods,
			  const struct nri_container *containers, size_t nr_containers)
{
	struct core_input_snapshot all;

	(void)ctx;
	ck_assert_int_eq(core_input_snapshot(NULL, pods, nr_pods, containers, nr_containers, &all),
			 0);
	core_synchronize(w->core, w->now, all.pods, all.nr_pods, all.containers, all.nr_containers);
	core_input_snapshot_done(&all);
}

static const struct nri_handlers passing = {.event = pass_event, .synchronize = pass_snapshot};

static void setup(void)
{
	const struct nri_session_config config = {.plugin_name = "resctrl", .plugin_index = "90"};

	stream = 1;
	nr_events = 0;
	w = world_new(32, 0);
	world_boot(w);
	stale = stale_pods_new(is_empty, NULL, 1);
	ck_assert_ptr_nonnull(stale);
	ck_assert_int_eq(nri_session_new(&config, &passing, NULL, &s, NULL), 0);
	ck_assert_int_eq(nri_session_start(s, 0, NULL), 0);
}

static void teardown(void)
{
	s = nri_session_free(s);
	stale_pods_free(stale);
	world_free(w);
}

static void add_state_change(struct strbuf *out, enum nri_event event, const char *uid,
			     const char *id)
{
	char sandbox[300];
	const struct nri_pod pod = {.id = sandbox, .name = uid, .uid = uid, .namespace_ = "shop"};
	const struct nri_container ctr = {
		.id = id, .pod_sandbox_id = sandbox, .name = id, .state = NRI_CONTAINER_RUNNING};
	struct strbuf payload;

	(void)snprintf(sandbox, sizeof(sandbox), "s-%s", uid);
	strbuf_init(&payload, BYTES_MAX);
	fake_nri_encode_state_change(&payload, (int32_t)event, &pod, id ? &ctr : NULL);
	add_request(out, stream, "StateChange", payload.data, payload.len);
	stream += 2;
	strbuf_done(&payload);
}

static void tell(enum nri_event event, const char *uid, const char *id)
{
	struct strbuf in;

	strbuf_init(&in, BYTES_MAX);
	add_state_change(&in, event, uid, id);
	ck_assert_int_eq(nri_session_feed(s, in.data, in.len, 0, NULL), 0);
	drop_output(s);
	strbuf_done(&in);
}

START_TEST(a_pods_life_reaches_the_core)
{
	(void)world_add(w, "c1", 3);
	tell(NRI_RUN_POD_SANDBOX, "u1", NULL);
	tell(NRI_START_CONTAINER, "u1", "c1");
	tell(NRI_POST_START_CONTAINER, "u1", "c1");
	tell(NRI_STOP_CONTAINER, "u1", "c1");
	tell(NRI_REMOVE_CONTAINER, "u1", "c1");
	tell(NRI_STOP_POD_SANDBOX, "u1", NULL);
	tell(NRI_REMOVE_POD_SANDBOX, "u1", NULL);
	ck_assert_str_eq(world_events(w),
			 "u1 Exists 0/0; u1 Exists 1/1; u1 Exists 0/0; u1 Removed");
}
END_TEST

START_TEST(events_that_are_not_subscribed_to_change_nothing)
{
	static const enum nri_event others[] = {
		NRI_CREATE_CONTAINER,      NRI_POST_CREATE_CONTAINER, NRI_UPDATE_CONTAINER,
		NRI_POST_UPDATE_CONTAINER, NRI_UPDATE_POD_SANDBOX,    NRI_POST_UPDATE_POD_SANDBOX};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		tell(others[i], "u1", nri_event_is_container(others[i]) ? "c1" : NULL);
	ck_assert_str_eq(world_events(w), "");
	ck_assert_uint_eq(nr_events, ARRAY_LEN(others));
}
END_TEST

/* ---- what it costs ---- */

static const struct {
	const char *name;
	enum nri_event event;
	const char *uid, *id;
} nobodys[] = {
	{"the end of a container that is not known", NRI_STOP_CONTAINER, "u7", "c7"},
	{"its removal", NRI_REMOVE_CONTAINER, "u7", "c7"},
	{"its start, told afterwards", NRI_POST_START_CONTAINER, "u7", "c7"},
	{"the end of a pod that is not known", NRI_STOP_POD_SANDBOX, "u7", NULL},
	{"its removal", NRI_REMOVE_POD_SANDBOX, "u7", NULL},
	{"an update", NRI_POST_UPDATE_CONTAINER, "u1", "c1"},
	{"a creation", NRI_POST_CREATE_CONTAINER, "u1", "c1"},
	{"an update of a pod", NRI_POST_UPDATE_POD_SANDBOX, "u1", NULL},
	{"a start that is told again", NRI_POST_START_CONTAINER, "u1", "c1"},
	{"a pod that is told again", NRI_RUN_POD_SANDBOX, "u1", NULL},
};

START_TEST(a_state_change_that_concerns_no_one_allocates_nothing)
{
	struct strbuf in;
	size_t half;
	int r1, r2;

	if (!alloc_is_counted()) {
		skip_test("a_state_change_that_concerns_no_one_allocates_nothing",
			  "malloc() is not ours, as in valgrind and with a sanitizer");
		return;
	}
	(void)world_add(w, "c1", 3);
	tell(NRI_RUN_POD_SANDBOX, "u1", NULL);
	tell(NRI_START_CONTAINER, "u1", "c1");
	(void)world_events(w);
	strbuf_init(&in, BYTES_MAX);
	for (int i = 0; i < 20; i++)
		add_state_change(&in, nobodys[_i].event, nobodys[_i].uid, nobodys[_i].id);
	half = in.len / 2;
	r1 = nri_session_feed(s, in.data, half, 0, NULL); /* to warm up */
	drop_output(s);
	alloc_begin();
	r2 = nri_session_feed(s, in.data + half, in.len - half, 0, NULL);
	ck_assert_msg(alloc_count.nr == 0, "%s: %lu allocations", nobodys[_i].name, alloc_count.nr);
	ck_assert_int_eq(r1, 0);
	ck_assert_int_eq(r2, 0);
	ck_assert_uint_eq(nr_events, 22);
	ck_assert_str_eq(world_events(w), "");
	strbuf_done(&in);
}
END_TEST

Suite *suite(void)
{
	Suite *su = suite_create("core input");
	TCase *t = tcase_create("events");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_pods_life_reaches_the_core);
	tcase_add_test(t, events_that_are_not_subscribed_to_change_nothing);
	tcase_add_loop_test(t, a_state_change_that_concerns_no_one_allocates_nothing, 0,
			    (int)ARRAY_LEN(nobodys));
	suite_add_tcase(su, t);
	return su;
}
