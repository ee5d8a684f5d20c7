/* SPDX-License-Identifier: Apache-2.0 */

/* podresctrl list */

#include "commands.h"
#include "json_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_GOOD "AllAssigned"

static int compare(const void *a, const void *b)
{
	struct json_object *x = *(struct json_object *const *)a;
	struct json_object *y = *(struct json_object *const *)b;
	int r = strcmp(json_text(x, "namespace"), json_text(y, "namespace"));

	if (r == 0)
		r = strcmp(json_text(x, "name"), json_text(y, "name"));
	return r ? r : strcmp(json_text(x, "uid"), json_text(y, "uid"));
}

/* By namespace and name; the daemon has them in the order in which they came. NULL without memory.
 */
static struct json_object **sort_pods(struct json_object *pods)
{
	size_t nr = json_length(pods);
	struct json_object **sorted = calloc(nr + 1, sizeof(struct json_object *));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < nr; i++)
		sorted[i] = json_at(pods, i);
	qsort(sorted, nr, sizeof(struct json_object *), compare);
	return sorted;
}

/*
 * For scripts and for completion, which may put a name into a command: so only what can be one, and
 * what the other commands take.
 */
static void print_names(struct json_object **pods, size_t nr, struct screen *s)
{
	for (size_t i = 0; i < nr; i++) {
		const char *namespace = json_text(pods[i], "namespace");
		const char *name = json_text(pods[i], "name");

		if (is_name(namespace, strlen(namespace)) && is_name(name, strlen(name)))
			screen_add(s, "%s/%s\n", namespace, name);
	}
}

static void print_table(struct json_object **pods, size_t nr, struct screen *s)
{
	static const char *const headings[] = {"NAMESPACE", "POD",     "GROUP", "PLACED",
					       "REASON",    "MESSAGE", NULL};
	struct table t;
	char placed[48];

	table_init(&t, headings, 4);
	for (size_t i = 0; i < nr; i++) {
		bool good = strcmp(json_text(pods[i], "reason"), REASON_GOOD) == 0;

		placed_text(pods[i], placed, sizeof(placed));
		table_cell(&t, json_text(pods[i], "namespace"));
		table_cell(&t, json_text(pods[i], "name"));
		table_cell(&t, json_text(pods[i], "groupState"));
		table_cell(&t, placed);
		table_cell(&t, json_text(pods[i], "reason"));
		table_cell(&t, good ? "" : json_text(pods[i], "message"));
	}
	table_print(&t, s);
	table_done(&t);
}

/* For people alone; scripts see the table only. */
static void print_summary(struct json_object *answer, struct json_object **pods, size_t nr,
			  struct screen *s)
{
	size_t good = 0;

	for (size_t i = 0; i < nr; i++)
		good += strcmp(json_text(pods[i], "reason"), REASON_GOOD) == 0;
	screen_add(s, "\n%zu %s on node ", nr, nr == 1 ? "pod" : "pods");
	(void)text_add(&s->out, json_text(answer, "node"), 0);
	screen_add(s, ": %zu placed, %zu not%s\n", good, nr - good,
		   strcmp(json_text(answer, "resctrl"), "simulated") == 0 ? " (simulated resctrl)"
									  : "");
	if (!json_flag(answer, "synchronized"))
		screen_add(
			s,
			"The runtime is not connected, or its pods are not all worked through yet.\n");
	if (good < nr)
		screen_add(s, "More about one of them: podresctrl show POD\n");
}

enum exit_status command_list(struct command_context *c, struct err *e)
{
	struct json_object *answer = NULL, **pods;
	char path[64 + POD_NAME_MAX] = "/v1/pods";
	const char *namespace = c->args->namespace_;
	enum exit_status status;
	size_t nr;

	if (namespace && !is_name(namespace, strlen(namespace)))
		return status_of(
			err_set(e, -EINVAL, "'%.100s' is no name of a namespace", namespace));
	if (namespace)
		(void)snprintf(path, sizeof(path), "/v1/pods?namespace=%s", namespace);
	status = ask(c, false, path, &answer, e);
	if (status != EXIT_OK)
		return status;
	pods = sort_pods(json_child(answer, "pods"));
	nr = json_length(json_child(answer, "pods"));
	if (!pods) {
		status = status_of(err_set(e, -ENOMEM, "out of memory"));
	} else if (c->args->output == OUTPUT_JSON) {
		json_write(&c->screen.out, answer, true);
	} else if (c->args->output == OUTPUT_NAME) {
		print_names(pods, nr, &c->screen);
	} else {
		print_table(pods, nr, &c->screen);
		if (c->screen.is_terminal)
			print_summary(answer, pods, nr, &c->screen);
	}
	free(pods);
	json_object_put(answer);
	return status;
}
