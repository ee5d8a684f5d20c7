/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include "num.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>

#define TIMEOUT_DEFAULT_MS 15000
/* The daemon answers a retry when it is done, after a minute at the latest. */
#define TIMEOUT_RETRY_MS 75000
#define TIMEOUT_MAX_MS   3600000

enum option_id {
	OPTION_NAMESPACE,
	OPTION_OUTPUT,
	OPTION_ALL,
	OPTION_FOLLOW,
	OPTION_SOCKET,
	OPTION_TIMEOUT,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_MAX,
};

#define BIT(option) (1u << (option))
/* Options that mean something to every command, and those of commands that ask the daemon. */
#define ANY  (BIT(OPTION_HELP) | BIT(OPTION_VERSION))
#define ASKS (ANY | BIT(OPTION_SOCKET) | BIT(OPTION_TIMEOUT) | BIT(OPTION_OUTPUT))

static const struct {
	const char *name, *operand, *help;
	bool needs_operand;
	unsigned int options;
} commands[] = {
	[COMMAND_LIST] = {"list", NULL, "the pods of this node, and which of them are placed",
			  false, ASKS | BIT(OPTION_NAMESPACE)},
	[COMMAND_SHOW] = {"show", "POD", "one pod: containers, counters, what to do next", true,
			  ASKS | BIT(OPTION_NAMESPACE)},
	[COMMAND_RETRY] = {"retry", "POD", "try again what is not in order; or: retry --all", false,
			   ASKS | BIT(OPTION_NAMESPACE) | BIT(OPTION_ALL)},
	[COMMAND_CAPACITY] = {"capacity", NULL, "RMIDs of the machine: whose they are", false,
			      ASKS},
	[COMMAND_EVENTS] = {"events", NULL, "the last changes, and with --follow the next", false,
			    ASKS | BIT(OPTION_FOLLOW)},
	[COMMAND_EXPLAIN] = {"explain", "REASON", "what a reason means; needs no daemon", false,
			     ANY},
	[COMMAND_COMPLETION] = {"completion", "SHELL", "print completion for bash, zsh or fish",
				true, ANY},
	[COMMAND_VERSION] = {"version", NULL, "print the version", false, ANY},
	[COMMAND_HELP] = {"help", NULL, "print this text", false, ANY},
};
_Static_assert(ARRAY_LEN(commands) == COMMAND_MAX, "one row per command");

static const struct {
	char letter; /* 0: none */
	const char *name, *argument, *help;
} options[] = {
	[OPTION_NAMESPACE] = {'n', "namespace", "NAME",
			      "list, show, retry: of this namespace only"},
	[OPTION_OUTPUT] = {'o', "output", "json|name",
			   "the daemon's JSON; list: also NAMESPACE/POD lines"},
	[OPTION_ALL] = {'a', "all", NULL, "retry: every pod that is in trouble"},
	[OPTION_FOLLOW] = {'f', "follow", NULL, "events: go on until Ctrl-C"},
	[OPTION_SOCKET] = {0, "socket", "PATH", "where podresctrld listens [$PODRESCTRL_SOCKET]"},
	[OPTION_TIMEOUT] = {0, "timeout", "TIME",
			    "how long to wait for an answer [15s, of retry 75s]"},
	[OPTION_HELP] = {'h', "help", NULL, "print this text"},
	[OPTION_VERSION] = {0, "version", NULL, "print the version"},
};
_Static_assert(ARRAY_LEN(options) == OPTION_MAX, "one row per option");

static int set_output(struct args *a, const char *value, struct err *e)
{
	if (strcmp(value, "json") == 0)
		a->output = OUTPUT_JSON;
	else if (strcmp(value, "name") == 0)
		a->output = OUTPUT_NAME;
	else
		return err_set(e, -EINVAL, "--output: '%.100s' is neither json nor name", value);
	return 0;
}

static int set_option(struct args *a, enum option_id id, const char *value, struct err *e)
{
	switch (id) {
	case OPTION_NAMESPACE:
		a->namespace_ = value;
		return 0;
	case OPTION_OUTPUT:
		return set_output(a, value, e);
	case OPTION_ALL:
		a->all = true;
		return 0;
	case OPTION_FOLLOW:
		a->follow = true;
		return 0;
	case OPTION_SOCKET:
		a->socket = value;
		return 0;
	case OPTION_TIMEOUT:
		if (num_parse_duration_ms(value, TIMEOUT_MAX_MS, &a->timeout_ms) < 0 ||
		    !a->timeout_ms)
			return err_set(e, -EINVAL,
				       "--timeout: '%.100s' is no time such as 500ms, 15s or 1m",
				       value);
		return 0;
	case OPTION_HELP:
	case OPTION_VERSION:
	case OPTION_MAX:
		break;
	}
	return 0;
}

static int find_command(const char *name, enum command *ret)
{
	for (size_t i = 0; i < COMMAND_MAX; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			*ret = (enum command)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* getopt's form of the table: RET_LONGS ends in zeros, RET_SHORT is "n:o:af...". */
static void make_getopt(struct option *ret_longs, char *ret_short)
{
	*ret_short++ = ':';
	for (int i = 0; i < OPTION_MAX; i++) {
		ret_longs[i] = (struct option){
			.name = options[i].name,
			.has_arg = options[i].argument ? required_argument : no_argument,
			.val = 256 + i,
		};
		if (options[i].letter) {
			*ret_short++ = options[i].letter;
			if (options[i].argument)
				*ret_short++ = ':';
		}
	}
	*ret_short = '\0';
}

static int option_of(int c)
{
	if (c >= 256)
		return c - 256;
	for (int i = 0; i < OPTION_MAX; i++)
		if (options[i].letter == c)
			return i;
	return -1;
}

/*
 * Of a letter optopt says which; argv[optind - 1] may be the word before that of a cluster. A long
 * option has only the word.
 */
static const char *option_text(char *const *argv, char letter[3])
{
	if (optopt == 0 || optopt > UCHAR_MAX)
		return argv[optind - 1];
	letter[0] = '-';
	letter[1] = (char)optopt;
	letter[2] = '\0';
	return letter;
}

static int read_options(int argc, char **argv, struct args *a, unsigned int *ret_given,
			struct err *e)
{
	struct option longs[OPTION_MAX + 1] = {0};
	char letters[2 * OPTION_MAX + 2], letter[3];
	int c;

	make_getopt(longs, letters);
	optind = 0; /* start afresh, also on a second call */
	opterr = 0;
	/* The program has one thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		int id = option_of(c), r;

		if (c == ':')
			return err_set(e, -EINVAL, "%.100s: needs a value",
				       option_text(argv, letter));
		if (id < 0)
			return err_set(e, -EINVAL, "%.100s: no such option, or it takes no value",
				       option_text(argv, letter));
		r = set_option(a, (enum option_id)id, optarg, e);
		if (r < 0)
			return r;
		*ret_given |= BIT(id);
	}
	return 0;
}

static int check_together(const struct args *a, unsigned int given, struct err *e)
{
	const char *name = commands[a->command].name;

	for (int i = 0; i < OPTION_MAX; i++)
		if (given & BIT(i) & ~commands[a->command].options)
			return err_set(e, -EINVAL, "%s takes no --%s", name, options[i].name);
	if (a->output == OUTPUT_NAME && a->command != COMMAND_LIST)
		return err_set(e, -EINVAL, "%s takes --output=json only", name);
	if (a->operand && !commands[a->command].operand)
		return err_set(e, -EINVAL, "%s takes nothing like '%.100s'", name, a->operand);
	if (!a->operand && commands[a->command].needs_operand)
		return err_set(e, -EINVAL, "%s: which %s?", name, commands[a->command].operand);
	if (a->command == COMMAND_RETRY && a->all == (a->operand != NULL))
		return err_set(e, -EINVAL, "retry takes one pod, or --all");
	if (a->command == COMMAND_RETRY && a->all && a->namespace_)
		return err_set(e, -EINVAL, "retry --all is about all namespaces");
	return 0;
}

int args_parse(int argc, char **argv, const char *socket_env, struct args *ret, struct err *e)
{
	struct args a = {
		.command = COMMAND_HELP,
		.socket = socket_env && *socket_env ? socket_env : ARGS_SOCKET_DEFAULT,
		.timeout_ms = TIMEOUT_DEFAULT_MS,
	};
	unsigned int given = 0;
	int r = read_options(argc, argv, &a, &given, e);

	if (r < 0)
		return r;
	if (optind == argc && !(given & (BIT(OPTION_HELP) | BIT(OPTION_VERSION))))
		return err_set(e, -EINVAL, "give a command, such as list");
	if (optind < argc && find_command(argv[optind], &a.command) < 0)
		return err_set(e, -EINVAL, "'%.100s' is no command", argv[optind]);
	if (optind + 1 < argc)
		a.operand = argv[optind + 1];
	if (optind + 2 < argc)
		return err_set(e, -EINVAL, "'%.100s' is one word too many", argv[optind + 2]);
	if (a.command == COMMAND_RETRY && !(given & BIT(OPTION_TIMEOUT)))
		a.timeout_ms = TIMEOUT_RETRY_MS;
	if (given & BIT(OPTION_HELP) || given & BIT(OPTION_VERSION)) {
		a.command = given & BIT(OPTION_HELP) ? COMMAND_HELP : COMMAND_VERSION;
	} else {
		r = check_together(&a, given, e);
		if (r < 0)
			return r;
	}
	*ret = a;
	return 0;
}

/* ---- help ---- */

static void help_commands(struct strbuf *out)
{
	for (size_t i = 0; i < COMMAND_MAX; i++) {
		const char *operand = commands[i].operand ? commands[i].operand : "";

		(void)strbuf_addf(out, "  %s %-*s  %s\n", commands[i].name,
				  (int)(18 - strlen(commands[i].name)), operand, commands[i].help);
	}
}

static void help_options(struct strbuf *out)
{
	for (size_t i = 0; i < OPTION_MAX; i++) {
		const char *argument = options[i].argument ? options[i].argument : "";
		char letter[] = {'-', options[i].letter, ',', ' ', '\0'};

		(void)strbuf_addf(out, "  %s--%s%s%-*s  %s\n", options[i].letter ? letter : "    ",
				  options[i].name, *argument ? "=" : "",
				  (int)(19 - strlen(options[i].name) - (*argument != '\0')),
				  argument, options[i].help);
	}
}

void args_help(struct strbuf *out)
{
	(void)strbuf_adds(out, "podresctrl asks the podresctrld of this node about its pods.\n"
			       "\n"
			       "Usage: podresctrl COMMAND [OPTION]...\n"
			       "\n");
	help_commands(out);
	(void)strbuf_adds(
		out, "\nPOD is NAMESPACE/POD, or the name alone if no other namespace has it.\n"
		     "\nOptions:\n");
	help_options(out);
	(void)strbuf_adds(
		out,
		"\n"
		"Exit status: 0 all is well; 1 it failed, a retry too that was neither Succeeded\n"
		"nor NothingToDo; 2 wrong use; 3 podresctrld cannot be reached; 4 its answer\n"
		"cannot be used; 5 there is no such pod, or more than one.\n"
		"Colours only on a terminal, and not with NO_COLOR.\n");
}

void args_command_names(struct strbuf *out)
{
	for (size_t i = 0; i < COMMAND_MAX; i++)
		(void)strbuf_addf(out, "%s ", commands[i].name);
}

void args_option_names(struct strbuf *out)
{
	for (size_t i = 0; i < OPTION_MAX; i++)
		(void)strbuf_addf(out, "--%s ", options[i].name);
}
