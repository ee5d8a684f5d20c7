/* SPDX-License-Identifier: Apache-2.0 */
#include "http_listen.h"
#include "unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static char dir[64], path[128];
static struct http_socket_file file;
static struct err e;

static void set_up(void)
{
	e = (struct err){0};
	snprintf(dir, sizeof(dir), "/tmp/http-listen-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sub/socket", dir);
}

static void tear_down(void)
{
	char sub[80];

	unlink(path);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	rmdir(sub);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int listen_there(void)
{
	int fd = -1;

	ck_assert_msg(http_listen_unix(path, &fd, &file, &e) == 0, "%s", e.msg);
	return fd;
}

/* ---- TCP ------------------------------------------------------------------------------------ */

START_TEST(addresses_are_read_as_people_write_them)
{
	static const char *const good[] = {"127.0.0.1:9433", "[::1]:9433", ":9433", "0.0.0.0:0",
					   "[::]:65535"};
	char text[HTTP_ADDRESS_TEXT_MAX];
	struct http_address a;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ck_assert_msg(http_address_parse(good[i], &a, &e) == 0, "%s", e.msg);
		http_address_format(&a, text, sizeof(text));
		ck_assert_str_eq(text, good[i]);
	}
}
END_TEST

START_TEST(what_is_no_address_is_refused_with_an_example)
{
	static const char *const bad[] = {
		"",
		"9433",
		"localhost:9433",
		"127.0.0.1",
		"127.0.0.1:",
		"::1:9433",
		"[127.0.0.1]:1",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"[::1]9433",
		"[::1:9433",
		"127.0.0.1:94 33",
		"[]:1",
		"1.2.3:4",
		":x",
	};
	struct http_address a;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(http_address_parse(bad[i], &a, &e) == -EINVAL, "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(e.msg, "127.0.0.1:9433"));
	}
}
END_TEST

START_TEST(a_port_in_use_is_said_with_what_to_do)
{
	struct http_address a, actual;
	int first, second;

	ck_assert_int_eq(http_address_parse("127.0.0.1:0", &a, &e), 0);
	ck_assert_int_eq(http_listen_tcp(&a, &first, &actual, &e), 0);
	ck_assert_uint_ne(actual.u.in.sin_port, 0);
	ck_assert_int_eq(http_listen_tcp(&actual, &second, &a, &e), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(e.msg, "in use"));
	ck_assert_ptr_nonnull(strstr(e.msg, "--metrics-addr"));
	close(first);
	ck_assert_int_eq(http_listen_tcp(&actual, &second, &a, &e), 0);
	close(second);
}
END_TEST

START_TEST(an_address_of_another_machine_is_said_with_what_to_do)
{
	struct http_address a, actual;
	int fd;

	ck_assert_int_eq(http_address_parse("192.0.2.1:9433", &a, &e), 0);
	ck_assert_int_eq(http_listen_tcp(&a, &fd, &actual, &e), -EADDRNOTAVAIL);
	ck_assert_ptr_nonnull(strstr(e.msg, "192.0.2.1:9433"));
	ck_assert_ptr_nonnull(strstr(e.msg, "ip address"));
}
END_TEST

/* ---- unix ----------------------------------------------------------------------------------- */

START_TEST(the_socket_is_for_its_owner_only_and_its_directory_is_made)
{
	mode_t before = umask(0);
	int fd = listen_there();
	struct stat st;

	umask(before);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	http_socket_file_remove(&file);
	ck_assert_int_eq(lstat(path, &st), -1);
	close(fd);
}
END_TEST

START_TEST(the_socket_of_a_dead_process_is_replaced)
{
	struct http_socket_file old;

	close(listen_there());
	old = file;
	close(listen_there());
	/* The one that is gone for good must not take its successor's file with it. */
	http_socket_file_remove(&old);
	ck_assert(access(path, F_OK) == 0 || (old.ino == file.ino && old.dev == file.dev));
	http_socket_file_remove(&file);
}
END_TEST

START_TEST(the_socket_of_a_live_process_is_respected_and_the_process_named)
{
	int fd = listen_there(), second;
	char pid[32];

	snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
	ck_assert_int_eq(http_listen_unix(path, &second, &file, &e), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(e.msg, pid));
	ck_assert_ptr_nonnull(strstr(e.msg, path));
	close(fd);
}
END_TEST

START_TEST(a_process_that_accepts_nobody_is_alive_too)
{
	int fd = listen_there(), second, waiting[512];
	size_t nr = 0;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	memcpy(sun.sun_path, path, strlen(path) + 1);
	do {
		waiting[nr] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	} while (connect(waiting[nr++], (struct sockaddr *)&sun, sizeof(sun)) == 0 && nr < 512);
	ck_assert_uint_lt(nr, 512);
	ck_assert_int_eq(http_listen_unix(path, &second, &file, &e), -EADDRINUSE);
	while (nr)
		close(waiting[--nr]);
	close(fd);
}
END_TEST

START_TEST(of_two_that_start_together_one_is_told_to_go)
{
	char sub[80];
	int other, fd;

	close(listen_there());
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	other = open(sub, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(flock(other, LOCK_EX), 0);
	ck_assert_int_eq(http_listen_unix(path, &fd, &file, &e), -EADDRINUSE);
	close(other);
	close(listen_there());
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	int fd;

	close(listen_there());
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	close(fd);
	ck_assert_int_eq(http_listen_unix(path, &fd, &file, &e), -EEXIST);
	ck_assert_ptr_nonnull(strstr(e.msg, "no socket"));
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_path_that_cannot_be_is_said)
{
	char lengthy[256];
	int fd;

	memset(lengthy, 'x', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = '\0';
	ck_assert_int_eq(http_listen_unix(lengthy, &fd, &file, &e), -ENAMETOOLONG);
	ck_assert_ptr_nonnull(strstr(e.msg, "107 bytes"));
	ck_assert_int_eq(http_listen_unix("/proc/none/none/socket", &fd, &file, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, "/proc/none/none"));
	ck_assert_int_lt(http_listen_unix("/dev/null/socket", &fd, &file, &e), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("http_listen");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, addresses_are_read_as_people_write_them);
	tcase_add_test(tc, what_is_no_address_is_refused_with_an_example);
	tcase_add_test(tc, a_port_in_use_is_said_with_what_to_do);
	tcase_add_test(tc, an_address_of_another_machine_is_said_with_what_to_do);
	tcase_add_test(tc, the_socket_is_for_its_owner_only_and_its_directory_is_made);
	tcase_add_test(tc, the_socket_of_a_dead_process_is_replaced);
	tcase_add_test(tc, the_socket_of_a_live_process_is_respected_and_the_process_named);
	tcase_add_test(tc, a_process_that_accepts_nobody_is_alive_too);
	tcase_add_test(tc, of_two_that_start_together_one_is_told_to_go);
	tcase_add_test(tc, what_is_no_socket_is_left_alone);
	tcase_add_test(tc, a_path_that_cannot_be_is_said);
	suite_add_tcase(s, tc);
	return s;
}
