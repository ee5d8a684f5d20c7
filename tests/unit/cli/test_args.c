/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <args.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <words.h>

static char line[512];
static struct args a;
static struct err e;

/* Words of TEXT behind the name of the program. */
static int parse(const char *text, const char *socket_env)
{
	char program[] = "podresctrl";
	char *argv[16] = {program}, *save = NULL;
	int argc = 1;

	snprintf(line, sizeof(line), "%s", text);
	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	e = (struct err){0};
	return args_parse(argc, argv, socket_env, &a, &e);
}

static void refused(const char *text, const char *why)
{
	ck_assert_msg(parse(text, NULL) == -EINVAL, "'%s' was taken", text);
	ck_assert_msg(strstr(e.msg, why) != NULL, "'%s': %s", text, e.msg);
}

START_TEST(defaults_are_what_help_says)
{
	ck_assert_int_eq(parse("list", NULL), 0);
	ck_assert_int_eq(a.command, COMMAND_LIST);
	ck_assert_str_eq(a.socket, "/run/podresctrl/podresctrld.sock");
	ck_assert_uint_eq(a.timeout_ms, 15000);
	ck_assert(a.output == OUTPUT_TEXT && !a.all && !a.follow && !a.operand && !a.namespace_);
}
END_TEST

START_TEST(a_retry_may_take_longer)
{
	ck_assert_int_eq(parse("retry --all", NULL), 0);
	ck_assert_uint_eq(a.timeout_ms, 75000);
	ck_assert_int_eq(parse("retry --all --timeout=2s", NULL), 0);
	ck_assert_uint_eq(a.timeout_ms, 2000);
}
END_TEST

START_TEST(options_stand_anywhere)
{
	ck_assert_int_eq(parse("-n shop show --output json web-0 --socket=/s --timeout=1m", "/env"),
			 0);
	ck_assert_int_eq(a.command, COMMAND_SHOW);
	ck_assert_str_eq(a.operand, "web-0");
	ck_assert_str_eq(a.namespace_, "shop");
	ck_assert_str_eq(a.socket, "/s");
	ck_assert_uint_eq(a.timeout_ms, 60000);
	ck_assert_int_eq(a.output, OUTPUT_JSON);
}
END_TEST

START_TEST(the_environment_names_the_socket)
{
	ck_assert_int_eq(parse("capacity", "/env"), 0);
	ck_assert_str_eq(a.socket, "/env");
	ck_assert_int_eq(parse("capacity", ""), 0);
	ck_assert_str_eq(a.socket, "/run/podresctrl/podresctrld.sock");
}
END_TEST

START_TEST(wrong_use_is_refused_with_a_reason)
{
	refused("", "give a command");
	refused("frobnicate", "'frobnicate' is no command");
	refused("list --frobnicate", "--frobnicate: no such option");
	refused("list -x", "-x: no such option");
	refused("list -xa", "-x: no such option");
	refused("list -fxa", "-x: no such option");
	refused("list -a\xc3\xa9", "-\xc3: no such option");
	refused("-xa list", "-x: no such option");
	refused("list -an", "-n: needs a value");
	refused("list --timeout", "--timeout: needs a value");
	refused("list --all=yes", "no such option, or it takes no value");
	refused("list --namespace", "needs a value");
	refused("list shop", "list takes nothing like 'shop'");
	refused("list --all", "list takes no --all");
	refused("capacity -n shop", "capacity takes no --namespace");
	refused("show", "show: which POD?");
	refused("show a b", "'b' is one word too many");
	refused("show a -o name", "show takes --output=json only");
	refused("list -o yaml", "'yaml' is neither json nor name");
	refused("list --timeout=0", "'0' is no time");
	refused("list --timeout=soon", "'soon' is no time");
	refused("retry", "one pod, or --all");
	refused("retry web-0 --all", "one pod, or --all");
	refused("retry --all -n shop", "all namespaces");
	refused("completion", "completion: which SHELL?");
	refused("explain --socket=/s", "explain takes no --socket");
}
END_TEST

START_TEST(help_is_always_there)
{
	ck_assert_int_eq(parse("--help", NULL), 0);
	ck_assert_int_eq(a.command, COMMAND_HELP);
	ck_assert_int_eq(parse("show -h", NULL), 0);
	ck_assert_int_eq(a.command, COMMAND_HELP);
	ck_assert_int_eq(parse("--version", NULL), 0);
	ck_assert_int_eq(a.command, COMMAND_VERSION);
}
END_TEST

START_TEST(help_names_all_there_is_in_80_columns)
{
	AUTO_STRBUF struct strbuf help, names;
	char *save = NULL, *word;

	strbuf_init(&help, 65536);
	strbuf_init(&names, 65536);
	args_help(&help);
	args_command_names(&names);
	args_option_names(&names);
	for (word = strtok_r(names.data, " ", &save); word; word = strtok_r(NULL, " ", &save))
		ck_assert_msg(strstr(help.data, word) != NULL, "%s", word);
	for (word = strtok_r(help.data, "\n", &save); word; word = strtok_r(NULL, "\n", &save))
		ck_assert_msg(strlen(word) <= 80, "%s", word);
}
END_TEST

START_TEST(words_are_found_in_any_spelling)
{
	size_t nr = 0;

	while (word_at(nr)) {
		ck_assert_ptr_eq(word_find(word_at(nr)->name), word_at(nr));
		ck_assert(*word_at(nr)->brief && word_at(nr)->lines[0] && *word_at(nr)->next);
		nr++;
	}
	ck_assert_uint_gt(nr, 20);
	ck_assert_str_eq(word_find("outofrmids")->name, "OutOfRMIDs");
	ck_assert_str_eq(word_find("Failed")->name, "RetryFailed");
	ck_assert_ptr_null(word_find("Frobnicated"));
	ck_assert_ptr_null(word_find(""));
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("cli args");
	TCase *tc = tcase_create("args");

	tcase_add_test(tc, defaults_are_what_help_says);
	tcase_add_test(tc, a_retry_may_take_longer);
	tcase_add_test(tc, options_stand_anywhere);
	tcase_add_test(tc, the_environment_names_the_socket);
	tcase_add_test(tc, wrong_use_is_refused_with_a_reason);
	tcase_add_test(tc, help_is_always_there);
	tcase_add_test(tc, help_names_all_there_is_in_80_columns);
	tcase_add_test(tc, words_are_found_in_any_spelling);
	suite_add_tcase(s, tc);
	return s;
}
