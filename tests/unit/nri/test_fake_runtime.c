/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The session against the fake runtime, over real sockets, both in this thread: the
 * runtime's pump runs the plugin whenever the runtime waits.
 */

#include "fake_runtime.h"
#include "recorder.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define HANDSHAKE \
	"configure containerd v2.3.0 'v0.12.0' 5000 2000 0x667\nsynchronize 1 1 p1/ns/web/u1:5 p1/c1/app:7:3\n"

static const struct nri_pod pod = {
	.id = "p1", .name = "web", .uid = "u1", .namespace_ = "ns", .pid = 5};
static const struct nri_container ctr = {.id = "c1",
					 .pod_sandbox_id = "p1",
					 .name = "app",
					 .pid = 7,
					 .state = NRI_CONTAINER_RUNNING};

static char dir[] = "/tmp/nri-test-XXXXXX";
static char path[64];
static struct recorder rec;
static struct fake_runtime *fr;
static int plugin_fd = -1;
static bool is_hanging; /* the plugin does nothing at all */
static int plugin_error;

static void close_plugin(void)
{
	if (plugin_fd >= 0)
		(void)close(plugin_fd);
	plugin_fd = -1;
}

static void send_output(void)
{
	const void *data;
	size_t len;
	ssize_t n;

	nri_session_output(rec.session, &data, &len);
	if (len == 0)
		return;
	n = send(plugin_fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		nri_session_sent(rec.session, (size_t)n);
}

static void plugin_turn(void *ctx)
{
	static char buf[8192];
	ssize_t n;

	(void)ctx;
	if (plugin_fd < 0 || is_hanging)
		return;
	send_output();
	n = recv(plugin_fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n > 0)
		plugin_error = nri_session_feed(rec.session, buf, (size_t)n, 0, NULL);
	if (n == 0 || plugin_error < 0)
		close_plugin();
	else
		send_output();
}

static void new_runtime(struct fake_runtime_options options)
{
	options.pump = plugin_turn;
	ck_assert_int_eq(fake_runtime_new(path, &options, &fr, NULL), 0);
}

/* A new session on a new connection, which the runtime accepts. */
static void connect_plugin(uint32_t events)
{
	struct err e = {0};

	close_plugin();
	recorder_done(&rec);
	recorder_init(&rec, events);
	plugin_error = 0;
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	ck_assert_msg(nri_connect(path, &plugin_fd, &e) == 0, "%s", e.msg);
	ck_assert_msg(fake_runtime_accept(fr, 1000, &e) == 0, "%s", e.msg);
}

static void handshake(void)
{
	struct err e = {0};

	ck_assert_msg(fake_runtime_handshake(fr, &pod, 1, &ctr, 1, &e) == 0, "%s", e.msg);
}

static void event(enum nri_event ev, const struct nri_container *c)
{
	struct fake_runtime_result result;
	struct err e = {0};

	ck_assert_msg(fake_runtime_event(fr, ev, &pod, c, &result, &e) == 0, "%s", e.msg);
	ck_assert(result.was_sent);
	ck_assert_int_eq(result.code, 0);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/nri.sock", dir);
	recorder_init(&rec, 0);
}

static void teardown(void)
{
	fake_runtime_free(fr);
	close_plugin();
	recorder_done(&rec);
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(a_pods_life_with_one_rpc_per_event)
{
	new_runtime((struct fake_runtime_options){0});
	connect_plugin(0);
	handshake();
	ck_assert_str_eq(fake_runtime_plugin(fr)->name, "resctrl");
	ck_assert_str_eq(fake_runtime_plugin(fr)->index, "90");
	ck_assert_uint_eq(fake_runtime_plugin(fr)->events, 0x667);
	event(NRI_RUN_POD_SANDBOX, NULL);
	event(NRI_START_CONTAINER, &ctr);
	event(NRI_POST_START_CONTAINER, &ctr);
	event(NRI_STOP_CONTAINER, &ctr);
	event(NRI_REMOVE_CONTAINER, &ctr);
	event(NRI_STOP_POD_SANDBOX, NULL);
	event(NRI_REMOVE_POD_SANDBOX, NULL);
	ck_assert_str_eq(strbuf_str(&rec.log),
			 HANDSHAKE "RUN_POD_SANDBOX p1/ns/web/u1:5\n"
				   "START_CONTAINER p1/ns/web/u1:5 p1/c1/app:7:3\n"
				   "POST_START_CONTAINER p1/ns/web/u1:5 p1/c1/app:7:3\n"
				   "STOP_CONTAINER p1/ns/web/u1:5 p1/c1/app:7:3\n"
				   "REMOVE_CONTAINER p1/ns/web/u1:5 p1/c1/app:7:3\n"
				   "STOP_POD_SANDBOX p1/ns/web/u1:5\n"
				   "REMOVE_POD_SANDBOX p1/ns/web/u1:5\n");
	ck_assert(!fake_runtime_plugin(fr)->is_state_change);
	ck_assert_uint_eq(nri_session_stats(rec.session)->unimplemented, 0);
}
END_TEST

START_TEST(an_older_runtime_uses_state_change_and_gets_the_same)
{
	new_runtime((struct fake_runtime_options){
		.style = FAKE_RUNTIME_STATE_CHANGE, .configure_first = true, .burnt_streams = 1});
	connect_plugin(0);
	handshake();
	event(NRI_RUN_POD_SANDBOX, NULL);
	event(NRI_START_CONTAINER, &ctr);
	event(NRI_STOP_CONTAINER, &ctr);
	ck_assert_str_eq(strbuf_str(&rec.log), "configure containerd v2.1.4 '' 5000 2000 0x667\n"
					       "synchronize 1 1 p1/ns/web/u1:5 p1/c1/app:7:3\n"
					       "RUN_POD_SANDBOX p1/ns/web/u1:5\n"
					       "START_CONTAINER p1/ns/web/u1:5 p1/c1/app:7:3\n"
					       "STOP_CONTAINER p1/ns/web/u1:5 p1/c1/app:7:3\n");
}
END_TEST

START_TEST(events_without_a_subscription_are_not_sent)
{
	struct fake_runtime_result result;

	new_runtime((struct fake_runtime_options){0});
	connect_plugin(0);
	handshake();
	ck_assert_int_eq(fake_runtime_event(fr, NRI_CREATE_CONTAINER, &pod, &ctr, &result, NULL),
			 0);
	ck_assert(!result.was_sent);
}
END_TEST

START_TEST(newer_event_bits_reach_only_runtimes_that_have_them)
{
	uint32_t events = NRI_DEFAULT_EVENTS | NRI_EVENT_BIT(NRI_UPDATE_POD_SANDBOX);

	new_runtime((struct fake_runtime_options){.style = _i ? FAKE_RUNTIME_RPC
							      : FAKE_RUNTIME_STATE_CHANGE});
	connect_plugin(events);
	handshake();
	ck_assert_uint_eq(fake_runtime_plugin(fr)->events, _i ? events : NRI_DEFAULT_EVENTS);
}
END_TEST

START_TEST(a_large_snapshot_comes_in_parts_and_arrives_whole)
{
	enum { NR = 500 };
	static char ids[NR][16];
	static struct nri_pod pods[NR];
	static struct nri_container ctrs[NR];
	struct err e = {0};

	for (int i = 0; i < NR; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "id-%d", i);
		pods[i] = (struct nri_pod){.id = ids[i]};
		ctrs[i] = (struct nri_container){.id = ids[i], .pod_sandbox_id = ids[i]};
	}
	new_runtime((struct fake_runtime_options){.sync_part = 7, .sync_containers_first = true});
	connect_plugin(0);
	ck_assert_msg(fake_runtime_handshake(fr, pods, NR, ctrs, NR, &e) == 0, "%s", e.msg);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&rec.log), "\nsynchronize 500 500 id-0///:0"));
	ck_assert_ptr_null(
		strstr(strstr(strbuf_str(&rec.log), "\nsynchronize") + 1, "\nsynchronize"));
}
END_TEST

START_TEST(a_hung_plugin_is_closed_on_and_comes_back_with_a_clean_session)
{
	struct fake_runtime_result result;
	struct err e = {0};

	new_runtime((struct fake_runtime_options){.request_timeout_ms = 30});
	connect_plugin(0);
	handshake();
	is_hanging = true;
	ck_assert_int_eq(fake_runtime_event(fr, NRI_START_CONTAINER, &pod, &ctr, &result, &e),
			 -ETIMEDOUT);
	ck_assert_int_eq(fake_runtime_fd(fr), -1);
	is_hanging = false;
	plugin_turn(NULL); /* the event is still in the socket */
	plugin_turn(NULL);
	ck_assert_int_eq(plugin_fd, -1);
	connect_plugin(0);
	handshake();
	event(NRI_START_CONTAINER, &ctr);
	ck_assert_uint_eq(fake_runtime_plugin(fr)->registrations, 2);
}
END_TEST

START_TEST(a_runtime_that_restarts_is_found_again)
{
	int fd = -1;

	new_runtime((struct fake_runtime_options){0});
	connect_plugin(0);
	handshake();
	fake_runtime_free(fr);
	fr = NULL;
	plugin_turn(NULL);
	ck_assert_int_eq(plugin_fd, -1);
	ck_assert_int_eq(nri_connect(path, &fd, NULL), -ENOENT);
	new_runtime((struct fake_runtime_options){.style = FAKE_RUNTIME_STATE_CHANGE});
	connect_plugin(0);
	handshake();
	event(NRI_RUN_POD_SANDBOX, NULL);
}
END_TEST

START_TEST(a_plugin_that_hung_up_is_noticed_and_may_come_back)
{
	struct err e = {0};

	new_runtime((struct fake_runtime_options){0});
	connect_plugin(0);
	ck_assert_int_eq(fake_runtime_handshake(fr, &pod, 1, NULL, 0, &e), 0);
	close_plugin();
	ck_assert(fake_runtime_is_lost(fr));
	connect_plugin(0);
	handshake();
	ck_assert_str_eq(strbuf_str(&rec.log), HANDSHAKE);
}
END_TEST

START_TEST(unknown_methods_are_refused_and_the_connection_lives)
{
	struct fake_runtime_result result;

	new_runtime((struct fake_runtime_options){0});
	connect_plugin(0);
	handshake();
	ck_assert_int_eq(fake_runtime_call(fr, "Frobnicate", NULL, 0, &result, NULL), 0);
	ck_assert_int_eq(result.code, TTRPC_UNIMPLEMENTED);
	event(NRI_RUN_POD_SANDBOX, NULL);
}
END_TEST

START_TEST(an_adopted_socketpair_works_like_a_connection)
{
	struct fake_runtime_options options = {.pump = plugin_turn};
	char number[16];
	int pair[2];

	ck_assert_int_eq(fake_runtime_new(NULL, &options, &fr, NULL), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	(void)snprintf(number, sizeof(number), "%d", pair[0]);
	ck_assert_int_eq(nri_adopt_socket(number, &plugin_fd, NULL), 0);
	fake_runtime_adopt(fr, pair[1]);
	ck_assert_int_eq(nri_session_start(rec.session, 0, NULL), 0);
	handshake();
	ck_assert_str_eq(strbuf_str(&rec.log), HANDSHAKE);
}
END_TEST

/* ---- the fake itself must notice what the real one would ---- */

static int raw_handshake(const char *hex, struct err *e)
{
	struct fake_runtime_options options = {.registration_timeout_ms = 50};
	struct strbuf bytes;
	int pair[2], r;

	strbuf_init(&bytes, BYTES_MAX);
	add_hex(&bytes, hex);
	ck_assert_int_eq(fake_runtime_new(NULL, &options, &fr, NULL), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	plugin_fd = pair[0];
	fake_runtime_adopt(fr, pair[1]);
	ck_assert_int_eq(send(plugin_fd, bytes.data, bytes.len, 0), (ssize_t)bytes.len);
	r = fake_runtime_handshake(fr, NULL, 0, NULL, 0, e);
	strbuf_done(&bytes);
	return r;
}

static const struct {
	const char *name, *hex;
	int want;
} rule_breakers[] = {
	{"silence", "", -ETIMEDOUT},
	{"not a registration", "0000000200000010 00000006 00000001 0100 0a0162120163", -EPROTO},
	{"stream data", "000000020000000a 00000000 00000001 0300", -EPROTO},
	{"two messages in a frame",
	 "0000000200000014 00000000 00000001 0100 00000000 00000003 0100", -EPROTO},
	{"unknown connection", "000000030000000a 00000000 00000001 0100", -EPROTO},
	{"too long a message", "000000020000000a 00400001 00000001 0100", -EPROTO},
};

START_TEST(the_fake_closes_on_a_plugin_that_breaks_a_rule)
{
	struct err e = {0};
	int r = raw_handshake(rule_breakers[_i].hex, &e);

	ck_assert_msg(r == rule_breakers[_i].want, "%s: %d %s", rule_breakers[_i].name, r, e.msg);
	ck_assert_int_eq(fake_runtime_fd(fr), -1);
}
END_TEST

static Suite *fill(Suite *s)
{
	TCase *t = tcase_create("both sides"), *f = tcase_create("the fake");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_pods_life_with_one_rpc_per_event);
	tcase_add_test(t, an_older_runtime_uses_state_change_and_gets_the_same);
	tcase_add_test(t, events_without_a_subscription_are_not_sent);
	tcase_add_loop_test(t, newer_event_bits_reach_only_runtimes_that_have_them, 0, 2);
	tcase_add_test(t, a_large_snapshot_comes_in_parts_and_arrives_whole);
	tcase_add_test(t, a_hung_plugin_is_closed_on_and_comes_back_with_a_clean_session);
	tcase_add_test(t, a_runtime_that_restarts_is_found_again);
	tcase_add_test(t, a_plugin_that_hung_up_is_noticed_and_may_come_back);
	tcase_add_test(t, unknown_methods_are_refused_and_the_connection_lives);
	tcase_add_test(t, an_adopted_socketpair_works_like_a_connection);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(f, setup, teardown);
	tcase_add_loop_test(f, the_fake_closes_on_a_plugin_that_breaks_a_rule, 0,
			    (int)ARRAY_LEN(rule_breakers));
	suite_add_tcase(s, f);
	return s;
}

Suite *suite(void)
{
	return fill(suite_create("fake runtime"));
}
