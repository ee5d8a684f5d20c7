/* SPDX-License-Identifier: Apache-2.0 */
#include "nri.h"
#include "unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static char dir[] = "/tmp/nri-test-XXXXXX";
static char path[64];

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/nri.sock", dir);
}

static void teardown(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int listen_at(const char *p)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", p);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static void expect_flags(int fd)
{
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

START_TEST(connecting_never_waits)
{
	int listener = listen_at(path), fd = -1;

	ck_assert_int_eq(nri_connect(path, &fd, NULL), 0);
	expect_flags(fd);
	(void)close(fd);
	(void)close(listener);
}
END_TEST

START_TEST(a_full_queue_is_an_error_and_not_a_wait)
{
	int listener = listen_at(path), fds[16], n = 0, r = 0;

	while (n < 16 && (r = nri_connect(path, &fds[n], NULL)) == 0)
		n++;
	ck_assert_int_eq(r, -EAGAIN);
	while (n-- > 0)
		(void)close(fds[n]);
	(void)close(listener);
}
END_TEST

START_TEST(a_runtime_that_is_down_is_told_apart)
{
	char long_path[300];
	struct err e = {0};
	int fd = -1;

	ck_assert_int_eq(nri_connect(path, &fd, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, path));
	(void)close(listen_at(path));
	ck_assert_int_eq(nri_connect(path, &fd, NULL), -ECONNREFUSED);
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	ck_assert_int_eq(nri_connect(long_path, &fd, NULL), -ENAMETOOLONG);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(an_inherited_socket_is_adopted_as_it_is)
{
	char value[16];
	int pair[2], fd = -1;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	(void)snprintf(value, sizeof(value), "%d", pair[0]);
	ck_assert_int_eq(nri_adopt_socket(value, &fd, NULL), 0);
	ck_assert_int_eq(fd, pair[0]);
	expect_flags(fd);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

static const struct {
	const char *value;
	int want;
} bad[] = {
	{"", -EINVAL},           {"x", -EINVAL},
	{"-1", -EINVAL},         {" 3", -EINVAL},
	{"3 ", -EINVAL},         {"99999", -EBADF},
	{"2147483648", -EINVAL}, {"99999999999999999999", -EINVAL},
};

START_TEST(other_values_are_refused)
{
	struct err e = {0};
	int fd = -1;

	ck_assert_int_eq(nri_adopt_socket(bad[_i].value, &fd, &e), bad[_i].want);
	ck_assert_ptr_nonnull(strstr(e.msg, "NRI_PLUGIN_SOCKET="));
	ck_assert_int_eq(fd, -1);
}
END_TEST

static int adopt(int fd)
{
	char value[16];
	int ret = -1, r;

	(void)snprintf(value, sizeof(value), "%d", fd);
	r = nri_adopt_socket(value, &ret, NULL);
	(void)close(fd);
	return r;
}

START_TEST(descriptors_that_are_no_such_socket_are_refused)
{
	int pair[2], listener = listen_at(path);

	ck_assert_int_eq(adopt(open("/dev/null", O_RDONLY)), -ENOTSOCK);
	ck_assert_int_eq(adopt(socket(AF_UNIX, SOCK_STREAM, 0)), -ENOTSOCK);
	ck_assert_int_eq(adopt(listener), -ENOTSOCK);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	ck_assert_int_eq(adopt(pair[0]), -ENOTSOCK);
	(void)close(pair[1]);
}
END_TEST

/* ---- back-off ---- */

START_TEST(the_wait_doubles_up_to_half_a_minute)
{
	static const uint64_t want[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
	struct nri_backoff low = {0}, high = {0};

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		uint32_t most = (uint32_t)(2 * want[i] / 5);

		ck_assert_uint_eq(nri_backoff_next(&low, 0, 0), want[i] - want[i] / 5);
		ck_assert_uint_eq(nri_backoff_next(&high, 59999, most), want[i] + want[i] / 5);
	}
}
END_TEST

START_TEST(a_healthy_minute_starts_over)
{
	struct nri_backoff b = {0};

	for (int i = 0; i < 5; i++)
		(void)nri_backoff_next(&b, 0, 0);
	ck_assert_uint_eq(nri_backoff_next(&b, 60000, 100), 500);
	ck_assert_uint_eq(nri_backoff_next(&b, 0, 200), 1000);
}
END_TEST

START_TEST(any_random_number_stays_within_the_spread)
{
	for (uint32_t random = 0; random < 5000; random++) {
		struct nri_backoff b = {0};
		uint64_t ms = nri_backoff_next(&b, 0, random * 2654435761u);

		ck_assert_uint_ge(ms, 400);
		ck_assert_uint_le(ms, 600);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("connect");
	TCase *t = tcase_create("sockets"), *b = tcase_create("back-off");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, connecting_never_waits);
	tcase_add_test(t, a_full_queue_is_an_error_and_not_a_wait);
	tcase_add_test(t, a_runtime_that_is_down_is_told_apart);
	tcase_add_test(t, an_inherited_socket_is_adopted_as_it_is);
	tcase_add_loop_test(t, other_values_are_refused, 0, (int)ARRAY_LEN(bad));
	tcase_add_test(t, descriptors_that_are_no_such_socket_are_refused);
	suite_add_tcase(s, t);
	tcase_add_test(b, the_wait_doubles_up_to_half_a_minute);
	tcase_add_test(b, a_healthy_minute_starts_over);
	tcase_add_test(b, any_random_number_stays_within_the_spread);
	suite_add_tcase(s, b);
	return s;
}
