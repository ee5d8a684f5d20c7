/* SPDX-License-Identifier: Apache-2.0 */

/* podresctrl retry */

#include "commands.h"
#include "json_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned long long number(struct json_object *o, const char *key)
{
	uint64_t n = 0;

	(void)json_number(o, key, &n);
	return n;
}

static void print_report(struct json_object *answer, const char *who, struct screen *s)
{
	const char *result = json_text(answer, "result"), *error = json_text(answer, "firstError");

	screen_add(s, "%s: ", who);
	screen_hue(s, screen_hue_of(result));
	(void)text_add(&s->out, result, 0);
	screen_hue(s, HUE_PLAIN);
	if (number(answer, "groupsTried"))
		screen_add(s, ", groups made: %llu of %llu", number(answer, "groupsCreated"),
			   number(answer, "groupsTried"));
	if (number(answer, "containersTried"))
		screen_add(s, ", containers placed: %llu of %llu",
			   number(answer, "containersReconciled"),
			   number(answer, "containersTried"));
	screen_add(s, "\n");
	if (*error) {
		screen_add(s, "  ");
		(void)text_add(&s->out, error, 0);
		screen_add(s, "\n");
	}
	if (json_flag(answer, "stoppedOnCapacity"))
		screen_add(
			s,
			"  It stopped there, because the machine has no RMID left: podresctrl capacity\n");
}

static bool is_success(struct json_object *answer)
{
	const char *result = json_text(answer, "result");

	return strcmp(result, "Succeeded") == 0 || strcmp(result, "NothingToDo") == 0;
}

enum exit_status command_retry(struct command_context *c, struct err *e)
{
	char namespace[POD_NAME_MAX] = "", name[POD_NAME_MAX] = "";
	char path[64 + 2 * POD_NAME_MAX] = "/v1/retry?all=true", who[2 * POD_NAME_MAX] = "all pods";
	struct json_object *answer = NULL;
	enum exit_status status = EXIT_OK;

	if (!c->args->all) {
		status = find_pod(c, namespace, name, e);
		(void)snprintf(path, sizeof(path), "/v1/retry?namespace=%s&name=%s", namespace,
			       name);
		(void)snprintf(who, sizeof(who), "%s/%s", namespace, name);
	}
	if (status == EXIT_OK)
		status = ask(c, true, path, &answer, e);
	if (status != EXIT_OK)
		return status;
	if (!*json_text(answer, "result"))
		status = status_of(err_set(e, -EPROTO, "podresctrld did not say what came of it"));
	else
		status = is_success(answer) ? EXIT_OK : EXIT_FAILED;
	if (c->args->output == OUTPUT_JSON)
		json_write(&c->screen.out, answer, true);
	else if (status != EXIT_BAD_ANSWER)
		print_report(answer, who, &c->screen);
	json_object_put(answer);
	return status;
}
