/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The line to the runtime on a real loop and a real socket, with a core on a simulated tree
 * behind it: whatever becomes of the runtime, the daemon comes back by itself. The other side is
 * the fake runtime where it behaves, and bare bytes where it does not.
 */

#include "budget.h"
#include "clock.h"
#include "core_world.h"
#include "fake_runtime.h"
#include "runtime_link.h"
#include "unit/nri/golden.h"
#include "unit/nri/recorder.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SOON_MS     50    /* what is not worth waiting for longer, in these tests */
#define AT_MOST_MS  20000 /* until something is taken for lost, on a busy machine */
#define RECONNECTED 10    /* ms before the first try again */

static char dir[] = "/tmp/link-test-XXXXXX";
static char path[64];
static struct ev_loop *loop;
static struct world *w;
static struct budget budget;
static struct runtime_link *link_;
static struct fake_runtime *fr;
static int raw_listener = -1, raw = -1;
static unsigned losses, synchronized;

static void on_final_loss(void *ctx)
{
	(void)ctx;
	losses++;
}

static void on_synchronized(void *ctx)
{
	(void)ctx;
	synchronized++;
}

static void on_activity(void *ctx)
{
	(void)ctx;
	while (core_work(w->core, w->now))
		;
}

static int on_configured(void *ctx, const char *text, struct err *e)
{
	(void)ctx;
	(void)text;
	(void)e;
	runtime_link_set_core(link_, w->core);
	return 0;
}

static void turn(void *ctx)
{
	(void)ctx;
	ev_run(loop, EVRUN_NOWAIT);
}

/* ---- our side ---- */

static struct runtime_link_config usual(void)
{
	return (struct runtime_link_config){
		.socket_path = path,
		.plugin_name = "resctrl",
		.plugin_index = "90",
		.seed = 1,
		.budget = &budget,
		.reconnect_first_ms = RECONNECTED,
		.on_configured = on_configured,
		.on_final_loss = on_final_loss,
		.on_synchronized = on_synchronized,
		.on_activity = on_activity,
	};
}

static void open_link(const struct runtime_link_config *config)
{
	struct core *core = config->launch_socket ? NULL : w->core;

	ck_assert_int_eq(runtime_link_new(loop, config, core, NULL, &link_, NULL), 0);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/nri.sock", dir);
	loop = ev_loop_new(EVFLAG_AUTO);
	w = world_new(32, 0);
	world_boot(w);
}

static void close_raw(void)
{
	if (raw >= 0)
		(void)close(raw);
	raw = -1;
}

static void teardown(void)
{
	fake_runtime_free(fr);
	runtime_link_free(link_);
	close_raw();
	if (raw_listener >= 0)
		(void)close(raw_listener);
	world_free(w);
	ev_loop_destroy(loop);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* ---- a runtime that behaves ---- */

static const struct nri_pod pods[] = {
	{.id = "s-u1", .name = "web", .uid = "u1", .namespace_ = "shop"},
	{.id = "s-u2", .name = "job", .uid = "u2", .namespace_ = "shop"},
};
static const struct nri_container containers[] = {
	{.id = "c1", .pod_sandbox_id = "s-u1", .name = "app", .state = NRI_CONTAINER_RUNNING},
	{.id = "c2", .pod_sandbox_id = "s-u2", .name = "app", .state = NRI_CONTAINER_RUNNING},
};

static void new_runtime(struct fake_runtime_options options)
{
	options.pump = turn;
	ck_assert_int_eq(fake_runtime_new(path, &options, &fr, NULL), 0);
}

static void end_runtime(void)
{
	fake_runtime_free(fr);
	fr = NULL;
}

static void accept_and_greet(size_t nr_pods, size_t nr_containers)
{
	struct err e = {0};

	ck_assert_msg(fake_runtime_accept(fr, AT_MOST_MS, &e) == 0, "%s", e.msg);
	ck_assert_msg(fake_runtime_handshake(fr, pods, nr_pods, containers, nr_containers, &e) == 0,
		      "%s", e.msg);
	ck_assert(runtime_link_is_synchronized(link_));
}

static void expect_event_is_served(void)
{
	static const struct nri_pod pod = {.id = "s-u3", .name = "new", .uid = "u3"};
	struct fake_runtime_result result;
	struct err e = {0};

	(void)world_events(w);
	ck_assert_msg(fake_runtime_event(fr, NRI_RUN_POD_SANDBOX, &pod, NULL, &result, &e) == 0,
		      "%s", e.msg);
	ck_assert(result.was_sent);
	ck_assert_int_eq(result.code, 0);
	ck_assert_str_eq(world_events(w), "u3 Exists 0/0");
}

/* ---- a runtime made of bytes ---- */

static void listen_raw(int backlog)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	raw_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(raw_listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(raw_listener, backlog), 0);
}

static bool is_accepted(void)
{
	int fd = accept4(raw_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return false;
	close_raw();
	raw = fd;
	return true;
}

/* Run the loop until CONDITION holds; false when it never does. */
#define run_until(condition)                                        \
	({                                                          \
		uint64_t end_ = clock_monotonic_ms() + AT_MOST_MS;  \
		while (!(condition) && clock_monotonic_ms() < end_) \
			turn(NULL);                                 \
		(condition);                                        \
	})

static void run_for(uint64_t ms)
{
	uint64_t end = clock_monotonic_ms() + ms;

	while (clock_monotonic_ms() < end)
		turn(NULL);
}

static void accept_raw(void)
{
	bool accepted = false;

	ck_assert(run_until(accepted || (accepted = is_accepted())));
}

static void send_raw(const char *hex)
{
	struct strbuf bytes;

	strbuf_init(&bytes, BYTES_MAX);
	add_hex(&bytes, hex);
	ck_assert_int_eq(send(raw, bytes.data, bytes.len, MSG_NOSIGNAL), (ssize_t)bytes.len);
	strbuf_done(&bytes);
}

/* The plugin has closed its side; what it said before is thrown away. */
static bool is_hung_up(void)
{
	char buf[65536];
	ssize_t n;

	while ((n = recv(raw, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		;
	return n == 0 || errno == ECONNRESET;
}

static void forget_raw(void)
{
	close_raw();
	(void)close(raw_listener);
	raw_listener = -1;
	(void)unlink(path);
}

/* It hangs up by itself, tries again, and is served by a runtime that behaves. */
static void expect_recovery(void)
{
	ck_assert(run_until(is_hung_up()));
	accept_raw();
	forget_raw();
	new_runtime((struct fake_runtime_options){0});
	accept_and_greet(2, 0);
	expect_event_is_served();
}

/* ---- the runtime comes and goes ---- */

START_TEST(a_runtime_that_is_not_there_is_waited_for)
{
	struct runtime_link_config config = usual();

	open_link(&config);
	run_for(SOON_MS); /* no socket at all */
	ck_assert(!runtime_link_is_synchronized(link_));
	listen_raw(1);
	(void)close(raw_listener); /* and one at which nobody listens */
	raw_listener = -1;
	run_for(SOON_MS);
	(void)unlink(path);
	new_runtime((struct fake_runtime_options){0});
	accept_and_greet(2, 0);
	expect_event_is_served();
	ck_assert_uint_eq(losses, 0);
}
END_TEST

static uint64_t group_number(const char *group)
{
	struct rs_stat st;

	ck_assert_int_eq(rs_sim_ops.stat(w->sim, group, &st), 0);
	return st.ino;
}

START_TEST(after_a_restart_of_the_runtime_only_what_changed_is_told)
{
	struct runtime_link_config config = usual();
	uint64_t before;

	(void)world_add(w, "c1", 3);
	(void)world_add(w, "c2", 3);
	open_link(&config);
	new_runtime((struct fake_runtime_options){0});
	accept_and_greet(2, 2);
	ck_assert_str_eq(world_events(w),
			 "u1 Exists 0/0; u2 Exists 0/0; u1 Exists 1/1; u2 Exists 1/1");
	before = group_number("mon_groups/podresctrl-u1");
	end_runtime();
	ck_assert(run_until(!runtime_link_is_synchronized(link_)));
	ck_assert_str_eq(world_events(w), "");

	/* nothing has changed */
	new_runtime((struct fake_runtime_options){.style = FAKE_RUNTIME_STATE_CHANGE});
	accept_and_greet(2, 2);
	ck_assert_str_eq(world_events(w), "");
	end_runtime();
	ck_assert(run_until(!runtime_link_is_synchronized(link_)));

	/* u2 has gone meanwhile */
	new_runtime((struct fake_runtime_options){0});
	accept_and_greet(1, 1);
	ck_assert_str_eq(world_events(w), "u2 Removed");
	ck_assert_uint_eq(group_number("mon_groups/podresctrl-u1"), before);
	ck_assert(!world_has(w, "mon_groups/podresctrl-u2"));
	expect_event_is_served();
	ck_assert_uint_eq(synchronized, 3);
}
END_TEST

START_TEST(a_runtime_that_closes_the_connection_is_found_again_at_the_same_socket)
{
	struct runtime_link_config config = usual();

	open_link(&config);
	new_runtime((struct fake_runtime_options){0});
	for (int i = 0; i < 3; i++) {
		accept_and_greet(2, 0);
		fake_runtime_disconnect(fr);
	}
	accept_and_greet(2, 0);
	expect_event_is_served();
}
END_TEST

/* A snapshot is taken in slices; of one that is cut off nothing is removed. */
START_TEST(a_connection_lost_in_the_middle_of_a_snapshot_removes_nothing)
{
	struct runtime_link_config config = usual();
	bool is_lost = _i == 1;

	open_link(&config);
	new_runtime((struct fake_runtime_options){0});
	accept_and_greet(2, 0);
	ck_assert_str_eq(world_events(w), "u1 Exists 0/0; u2 Exists 0/0");
	end_runtime();
	listen_raw(4);
	accept_raw();
	run_for(SOON_MS);                                  /* its registration is on the way */
	send_raw(R_REGISTER_OK R_CONFIGURE R_SYNCHRONIZE); /* which lists another pod */
	turn(NULL);
	ck_assert_uint_eq(synchronized, 1);
	if (is_lost) {
		runtime_link_ask_again(link_);
		/* The core goes on without it: its strings went with the connection. */
		ck_assert(!core_synchronize_step(w->core, w->now));
	}
	run_for(SOON_MS);
	ck_assert_uint_eq(synchronized, is_lost ? 1 : 2);
	if (is_lost) {
		accept_raw();
		forget_raw();
		new_runtime((struct fake_runtime_options){0});
		accept_and_greet(2, 0);
		ck_assert_str_eq(world_events(w), "");
	} else {
		ck_assert_ptr_nonnull(strstr(world_events(w), "u2 Removed"));
	}
}
END_TEST

/* ---- the registration goes wrong ---- */

START_TEST(a_refused_registration_is_tried_again)
{
	struct runtime_link_config config = usual();

	listen_raw(4);
	open_link(&config);
	accept_raw();
	/* the runtime leaves the connection open, and nothing more ever comes */
	send_raw(R_REGISTER_ERROR);
	expect_recovery();
}
END_TEST

START_TEST(a_registration_that_is_never_answered_is_tried_again)
{
	struct runtime_link_config config = usual();

	config.register_timeout_ms = SOON_MS;
	listen_raw(4);
	open_link(&config);
	accept_raw();
	if (_i == 1)
		send_raw(R_REGISTER_OK); /* but no Configure */
	expect_recovery();
}
END_TEST

START_TEST(configure_and_then_silence_is_tried_again)
{
	struct runtime_link_config config = usual();

	config.synchronize_timeout_ms = SOON_MS;
	listen_raw(4);
	open_link(&config);
	accept_raw();
	send_raw(R_REGISTER_OK R_CONFIGURE);
	if (_i == 1)
		send_raw(R_SYNCHRONIZE_MORE); /* and never the rest of it */
	expect_recovery();
	ck_assert_uint_eq(synchronized, 1);
}
END_TEST

START_TEST(a_corrupt_stream_is_left_and_tried_again)
{
	struct runtime_link_config config = usual();

	listen_raw(4);
	open_link(&config);
	accept_raw();
	send_raw(R_REGISTER_OK "ffffffff ffffffff");
	expect_recovery();
}
END_TEST

START_TEST(slow_peers_ahead_of_us_are_waited_for)
{
	struct runtime_link_config config = usual();
	int again;

	/* It accepts one plugin after the other, and each of them may take seconds. */
	new_runtime((struct fake_runtime_options){0});
	open_link(&config);
	run_for(4 * SOON_MS);
	accept_and_greet(2, 0);
	expect_event_is_served();
	/* there was but the one connection */
	again = accept4(fake_runtime_listen_fd(fr), NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_eq(again, -1);
}
END_TEST

START_TEST(a_queue_full_of_peers_is_waited_for)
{
	struct runtime_link_config config = usual();
	int peers[16], nr = 0;

	listen_raw(1);
	while (nr < 16 && nri_connect(path, &peers[nr], NULL) == 0)
		nr++;
	ck_assert_int_lt(nr, 16);
	open_link(&config);
	run_for(SOON_MS);
	for (int i = 0; i < nr; i++) {
		ck_assert(is_accepted());
		(void)close(peers[i]);
	}
	accept_raw();
	forget_raw();
	new_runtime((struct fake_runtime_options){0});
	accept_and_greet(2, 0);
	expect_event_is_served();
}
END_TEST

/* ---- answers that are not read ---- */

/* NR calls of an unknown method, each of which is answered with a hundred bytes and more. */
static void send_calls(uint32_t first_stream, uint32_t nr)
{
	char name[65];
	struct strbuf out;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	strbuf_init(&out, BYTES_MAX);
	for (uint32_t i = 0; i < nr; i++)
		add_request(&out, first_stream + 2 * i, name, NULL, 0);
	for (size_t at = 0; at < out.len;) {
		ssize_t n = send(raw, out.data + at, out.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);

		turn(NULL);
		if (n < 0 && errno != EAGAIN)
			break; /* it has left */
		at += n > 0 ? (size_t)n : 0;
	}
	strbuf_done(&out);
}

START_TEST(a_runtime_that_reads_late_gets_every_answer)
{
	enum { NR = 20000 };
	struct runtime_link_config config = usual();
	struct ttrpc_frame frame;
	struct mux_slice slice;
	struct mux_rx mux = {0};
	struct ttrpc_rx rx;
	uint32_t next = 5;
	uint64_t end = clock_monotonic_ms() + AT_MOST_MS;

	listen_raw(4);
	open_link(&config);
	accept_raw();
	send_raw(R_REGISTER_OK R_CONFIGURE R_SYNCHRONIZE);
	send_calls(5, NR); /* more answers than the socket holds */
	ttrpc_rx_init(&rx);
	while (next < 5 + 2 * NR && clock_monotonic_ms() < end) {
		uint8_t buf[4096];
		ssize_t n = recv(raw, buf, sizeof(buf), MSG_DONTWAIT);
		const uint8_t *p = buf;
		size_t len = n > 0 ? (size_t)n : 0;

		turn(NULL);
		while (mux_rx_take(&mux, &p, &len, &slice) > 0) {
			while (slice.conn == MUX_CONN_PLUGIN &&
			       ttrpc_rx_take(&rx, &slice.data, &slice.len, &frame) > 0) {
				if (frame.stream == 1 || frame.stream == 3)
					continue; /* Configure and Synchronize */
				ck_assert_uint_eq(frame.stream, next);
				next += 2;
			}
		}
	}
	ttrpc_rx_done(&rx);
	ck_assert_uint_eq(next, 5 + 2 * NR);
}
END_TEST

START_TEST(a_runtime_that_never_reads_is_left)
{
	struct runtime_link_config config = usual();

	listen_raw(4);
	open_link(&config);
	accept_raw();
	send_raw(R_REGISTER_OK R_CONFIGURE R_SYNCHRONIZE);
	send_calls(5, 120000);
	expect_recovery();
}
END_TEST

START_TEST(a_runtime_that_closed_its_reading_side_is_no_signal)
{
	struct runtime_link_config config = usual();

	listen_raw(4);
	open_link(&config);
	accept_raw();
	ck_assert_int_eq(shutdown(raw, SHUT_RD), 0);
	send_raw(R_REGISTER_OK R_CONFIGURE); /* whose answer nobody takes */
	accept_raw();
	forget_raw();
	new_runtime((struct fake_runtime_options){0});
	accept_and_greet(2, 0);
	expect_event_is_served();
}
END_TEST

/* ---- launched ---- */

START_TEST(a_launched_plugin_has_one_connection_and_ends_with_it)
{
	struct runtime_link_config config = usual();
	char number[16];
	int pair[2];
	struct fake_runtime_options options = {.pump = turn};
	struct err e = {0};

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	(void)snprintf(number, sizeof(number), "%d", pair[0]);
	config.launch_socket = number;
	ck_assert_int_eq(fake_runtime_new(NULL, &options, &fr, NULL), 0);
	fake_runtime_adopt(fr, pair[1]);
	open_link(&config);
	ck_assert_msg(fake_runtime_handshake(fr, pods, 2, NULL, 0, &e) == 0, "%s", e.msg);
	expect_event_is_served();
	fake_runtime_disconnect(fr);
	ck_assert(run_until(losses > 0));
	run_for(SOON_MS);
	ck_assert_uint_eq(losses, 1);
}
END_TEST

/* ---- how long the runtime waits ---- */

static enum core_hurry told;
static uint64_t patience_us;

static void look_at_budget(void *ctx, const struct core_event *event)
{
	uint64_t now_us = clock_monotonic_us();

	(void)ctx;
	(void)event;
	told = budget_hurry(&budget, now_us);
	patience_us = budget.answer_at_us - now_us;
}

START_TEST(the_core_knows_how_long_the_runtime_waits)
{
	static const uint64_t timeouts[] = {2000, 600000};
	struct runtime_link_config config = usual();

	open_link(&config);
	new_runtime((struct fake_runtime_options){.request_timeout_ms = timeouts[_i]});
	accept_and_greet(2, 0);
	w->watch = look_at_budget;
	expect_event_is_served();
	ck_assert_int_ne(told, CORE_ANSWER_NOW);
	ck_assert_uint_le(patience_us, timeouts[_i] * 1000 / BUDGET_ANSWER_PART);
	/* less what has passed since, and what is left unsaid in the request */
	ck_assert_uint_gt(patience_us, timeouts[_i] * 1000 / BUDGET_ANSWER_PART / 4);
	/* nobody waits any more */
	ck_assert_uint_eq(budget.answer_at_us, UINT64_MAX);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("runtime link");
	TCase *t = tcase_create("coming back"), *a = tcase_create("answers");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_runtime_that_is_not_there_is_waited_for);
	tcase_add_test(t, after_a_restart_of_the_runtime_only_what_changed_is_told);
	tcase_add_test(t, a_runtime_that_closes_the_connection_is_found_again_at_the_same_socket);
	tcase_add_loop_test(t, a_connection_lost_in_the_middle_of_a_snapshot_removes_nothing, 0, 2);
	tcase_add_test(t, a_refused_registration_is_tried_again);
	tcase_add_loop_test(t, a_registration_that_is_never_answered_is_tried_again, 0, 2);
	tcase_add_loop_test(t, configure_and_then_silence_is_tried_again, 0, 2);
	tcase_add_test(t, a_corrupt_stream_is_left_and_tried_again);
	tcase_add_test(t, slow_peers_ahead_of_us_are_waited_for);
	tcase_add_test(t, a_queue_full_of_peers_is_waited_for);
	tcase_add_test(t, a_launched_plugin_has_one_connection_and_ends_with_it);
	suite_add_tcase(s, t);
	tcase_set_timeout(a, 120);
	tcase_add_checked_fixture(a, setup, teardown);
	tcase_add_test(a, a_runtime_that_reads_late_gets_every_answer);
	tcase_add_test(a, a_runtime_that_never_reads_is_left);
	tcase_add_test(a, a_runtime_that_closed_its_reading_side_is_no_signal);
	tcase_add_loop_test(a, the_core_knows_how_long_the_runtime_waits, 0, 2);
	suite_add_tcase(s, a);
	return s;
}
