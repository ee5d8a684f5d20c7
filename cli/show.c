/* SPDX-License-Identifier: Apache-2.0 */

/* podresctrl show: one pod on one screen. */

#include "commands.h"
#include "json_reader.h"
#include "units.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_MAX 6  /* columns of counters; the kernel has three */
#define ID_SHOWN   12 /* as other tools shorten the ids of containers */

static void print_containers(struct json_object *pod, struct screen *s)
{
	static const char *const headings[] = {"CONTAINER", "ID",      "STATE",
					       "REASON",    "MESSAGE", NULL};
	struct json_object *list = json_child(pod, "containers");
	struct table t;
	char id[ID_SHOWN + 1];

	if (!json_length(list))
		return;
	table_init(&t, headings, 2);
	for (size_t i = 0; i < json_length(list); i++) {
		struct json_object *c = json_at(list, i);
		/* What the pod says already is not said for each of its containers. */
		bool same = strcmp(json_text(c, "message"), json_text(pod, "message")) == 0;

		(void)snprintf(id, sizeof(id), "%s", json_text(c, "id"));
		table_cell(&t, json_text(c, "name"));
		table_cell(&t, id);
		table_cell(&t, json_text(c, "state"));
		table_cell(&t, json_text(c, "reason"));
		table_cell(&t, same ? "" : json_text(c, "message"));
	}
	screen_add(s, "\n");
	table_print(&t, s);
	table_done(&t);
}

/* ---- counters: a row for each domain, a column for each event ---- */

static size_t collect(struct json_object *counters, const char *key, const char **ret, size_t max)
{
	size_t nr = 0;

	for (size_t i = 0; i < json_length(counters) && nr < max; i++) {
		const char *name = json_text(json_at(counters, i), key);
		size_t at = 0;

		while (at < nr && strcmp(ret[at], name) != 0)
			at++;
		if (at == nr)
			ret[nr++] = name;
	}
	return nr;
}

static void counter_text(struct json_object *counters, const char *domain, const char *event,
			 char *buf, size_t size)
{
	uint64_t value;

	(void)snprintf(buf, size, "-");
	for (size_t i = 0; i < json_length(counters); i++) {
		struct json_object *c = json_at(counters, i);

		if (strcmp(json_text(c, "domain"), domain) != 0 ||
		    strcmp(json_text(c, "event"), event) != 0)
			continue;
		if (json_number(c, "value", &value))
			units_bytes(value, buf, size);
		else if (*json_text(c, "why"))
			(void)snprintf(buf, size, "%s", json_text(c, "why"));
	}
}

static void print_counters(struct json_object *pod, struct screen *s)
{
	struct json_object *counters = json_child(pod, "counters");
	const char *headings[EVENTS_MAX + 2] = {"DOMAIN"}, *domains[256];
	size_t nr_events = collect(counters, "event", headings + 1, EVENTS_MAX);
	size_t nr_domains = collect(counters, "domain", domains, ARRAY_LEN(domains));
	struct table t;
	char text[64];

	if (!nr_events)
		return;
	table_init(&t, headings, -1);
	for (size_t i = 0; i < nr_domains; i++) {
		table_cell(&t, domains[i]);
		for (size_t k = 0; k < nr_events; k++) {
			counter_text(counters, domains[i], headings[1 + k], text, sizeof(text));
			table_cell(&t, text);
		}
	}
	screen_add(s, "\n");
	table_print(&t, s);
	table_done(&t);
	screen_add(
		s,
		"llc_occupancy is what the cache holds now; mbm_* count since the group was made.\n");
}

/* ---- the screen ---- */

static void print_next_step(struct json_object *pod, const struct word *word, struct screen *s)
{
	const char *next = word ? word->next : "log";

	if (strcmp(next, "none") == 0)
		return;
	screen_hue(s, HUE_BOLD);
	screen_add(s, "Next step");
	screen_hue(s, HUE_PLAIN);
	if (strcmp(next, "log") == 0) {
		screen_add(
			s,
			"\n  read the log of podresctrld: journalctl -u podresctrld, or that of its pod\n");
		return;
	}
	screen_add(s, "\n  %spodresctrl %s ",
		   strcmp(next, "wait") == 0 ? "wait a little, then: " : "",
		   strcmp(next, "wait") == 0 ? "show" : "retry");
	(void)text_add(&s->out, json_text(pod, "namespace"), 0);
	screen_add(s, "/");
	(void)text_add(&s->out, json_text(pod, "name"), 0);
	screen_add(s, "\n");
}

static void print_head(struct json_object *answer, struct json_object *pod, struct screen *s)
{
	const char *state = json_text(pod, "groupState"), *reason = json_text(pod, "reason");
	bool simulated = strcmp(json_text(answer, "resctrl"), "simulated") == 0;
	uint64_t placed = 0, total = 0;
	char line[1024];

	(void)snprintf(line, sizeof(line), "%s/%s on node %s%s", json_text(pod, "namespace"),
		       json_text(pod, "name"), json_text(answer, "node"),
		       simulated ? " (simulated resctrl)" : "");
	screen_row(s, "Pod", HUE_PLAIN, line);
	screen_row(s, "UID", HUE_PLAIN, json_text(pod, "uid"));
	if (json_flag(pod, "queued"))
		screen_row(s, "Group", HUE_WAIT, "about to be made");
	else if (strcmp(state, "Exists") == 0)
		screen_row(s, "Group", HUE_GOOD, "Exists");
	else
		screen_row(s, "Group", HUE_BAD, "the pod has none");
	/* On a line of its own the usual path fits into 80 columns. */
	screen_wrap(s, 2, json_text(pod, "groupPath"));
	(void)json_number(pod, "reconciledContainers", &placed);
	(void)json_number(pod, "totalContainers", &total);
	(void)snprintf(line, sizeof(line), "%llu of %llu placed", (unsigned long long)placed,
		       (unsigned long long)total);
	screen_row(s, "Containers", HUE_PLAIN, line);
	screen_row(s, "Reason", screen_hue_of(reason), reason);
	screen_wrap(s, 13, json_text(pod, "message"));
	if (!json_flag(answer, "synchronized"))
		screen_row(s, "Runtime", HUE_WAIT,
			   "not connected, or its pods are not all worked through yet");
}

static void print_pod(struct json_object *answer, struct json_object *pod, struct screen *s)
{
	const struct word *word = word_find(json_text(pod, "reason"));

	print_head(answer, pod, s);
	print_containers(pod, s);
	print_counters(pod, s);
	if (*json_text(pod, "countersError")) {
		screen_add(s, "\n");
		screen_row(s, "Counters", HUE_BAD, json_text(pod, "countersError"));
	}
	if (word && strcmp(word->kind, "ok") == 0)
		return;
	screen_add(s, "\n");
	if (word)
		word_describe(word, s);
	print_next_step(pod, word, s);
}

enum exit_status command_show(struct command_context *c, struct err *e)
{
	char namespace[POD_NAME_MAX], name[POD_NAME_MAX], path[32 + 2 * POD_NAME_MAX];
	enum exit_status status = find_pod(c, namespace, name, e);
	struct json_object *answer = NULL, *pods;

	if (status != EXIT_OK)
		return status;
	(void)snprintf(path, sizeof(path), "/v1/pods/%s/%s", namespace, name);
	status = ask(c, false, path, &answer, e);
	if (status != EXIT_OK)
		return status;
	pods = json_child(answer, "pods");
	if (c->args->output == OUTPUT_JSON)
		json_write(&c->screen.out, answer, true);
	/* For a moment there can be two of a name: the one before, and its successor. */
	for (size_t i = 0; c->args->output == OUTPUT_TEXT && i < json_length(pods); i++) {
		if (i)
			screen_add(&c->screen, "\n");
		print_pod(answer, json_at(pods, i), &c->screen);
	}
	json_object_put(answer);
	return EXIT_OK;
}
