/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <log.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[64];
static char path[108];
static int server = -1;
static int fallback[2];
static struct log *opened;

static void listen_at_path(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	(void)unlink(path);
	server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/podresctrl-syslog.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	ck_assert_int_eq(pipe2(fallback, O_CLOEXEC | O_NONBLOCK), 0);
	opened = log_new(fallback[1], LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	ck_assert_ptr_nonnull(opened);
}

static void teardown(void)
{
	log_free(opened);
	if (server >= 0)
		(void)close(server);
	server = -1;
	(void)close(fallback[0]);
	(void)close(fallback[1]);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static const char *got(int fd)
{
	static char text[64 << 10];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(a_line_is_one_message_with_priority_and_program)
{
	char want[64];
	const char *line;

	listen_at_path();
	ck_assert_int_eq(log_to_syslog(opened, path, NULL), 0);
	log_write(opened, LOG_LEVEL_WARN, "group failed", "pod", "a\nb", NULL);
	line = got(server);
	(void)snprintf(want, sizeof(want), "<28>podresctrld[%d]: ts=", (int)getpid());
	ck_assert_msg(strncmp(line, want, strlen(want)) == 0, "%s", line);
	ck_assert_msg(strstr(line, "level=warn msg=\"group failed\" pod=\"a\\nb\""), "%s", line);
	ck_assert_ptr_null(strchr(line, '\n'));
	ck_assert_str_eq(got(fallback[0]), "");
}
END_TEST

START_TEST(each_level_has_its_severity)
{
	static const char *const want[] = {"<27>", "<28>", "<30>", "<31>"};

	listen_at_path();
	ck_assert_int_eq(log_to_syslog(opened, path, NULL), 0);
	log_set_level(opened, LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	log_write(opened, (enum log_level)_i, "x", NULL);
	ck_assert_int_eq(strncmp(got(server), want[_i], 4), 0);
}
END_TEST

START_TEST(without_a_syslog_the_log_stays_where_it_was)
{
	struct err e = {0};

	ck_assert_int_eq(log_to_syslog(opened, path, &e), -ENOENT);
	ck_assert_msg(strstr(e.msg, path), "%s", e.msg);
	log_write(opened, LOG_LEVEL_INFO, "still here", NULL);
	ck_assert_ptr_nonnull(strstr(got(fallback[0]), "still here"));
}
END_TEST

START_TEST(a_syslog_that_was_restarted_is_found_again)
{
	listen_at_path();
	ck_assert_int_eq(log_to_syslog(opened, path, NULL), 0);
	(void)close(server);
	log_write(opened, LOG_LEVEL_INFO, "nobody hears this", NULL);
	listen_at_path();
	log_write(opened, LOG_LEVEL_INFO, "back", NULL);
	ck_assert_ptr_nonnull(strstr(got(server), "msg=\"back\" dropped=1"));
}
END_TEST

START_TEST(a_full_syslog_never_blocks_and_the_loss_is_counted)
{
	char text[16];

	listen_at_path();
	ck_assert_int_eq(log_to_syslog(opened, path, NULL), 0);
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		log_write(opened, LOG_LEVEL_INFO, "flood", "n", text, NULL);
	}
	for (const char *line = got(server); *line; line = got(server))
		continue;
	log_write(opened, LOG_LEVEL_INFO, "after", NULL);
	ck_assert_ptr_nonnull(strstr(got(server), "msg=\"after\" dropped="));
}
END_TEST

START_TEST(a_path_too_long_for_a_socket_is_refused)
{
	char too_long[200];

	memset(too_long, 'x', sizeof(too_long));
	too_long[sizeof(too_long) - 1] = '\0';
	ck_assert_int_eq(log_to_syslog(opened, too_long, NULL), -ENAMETOOLONG);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("log: syslog");
	TCase *tc = tcase_create("syslog");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_is_one_message_with_priority_and_program);
	tcase_add_loop_test(tc, each_level_has_its_severity, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG + 1);
	tcase_add_test(tc, without_a_syslog_the_log_stays_where_it_was);
	tcase_add_test(tc, a_syslog_that_was_restarted_is_found_again);
	tcase_add_test(tc, a_full_syslog_never_blocks_and_the_loss_is_counted);
	tcase_add_test(tc, a_path_too_long_for_a_socket_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
