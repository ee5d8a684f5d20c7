/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The configuration text of a launched plugin, from the runtime's hands. What is refused changes
 * nothing; what is taken can be taken again, with the same result.
 */

#include "options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 16384

static const char *launched(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "NRI_PLUGIN_SOCKET") == 0 ? "3" : NULL;
}

/* A string that was made up of TEXT must lie in TEXT; all others are constant. */
static void check(const struct options *o)
{
	size_t sum = strlen(o->resctrl_root) + strlen(o->group_prefix) + strlen(o->log_to) +
		     strlen(o->plugin_index) + strlen(o->nri_socket);

	if (strlen(o->plugin_index) != 2 || !*o->group_prefix || strlen(o->group_prefix) > 64 ||
	    sum == 0)
		abort();
}

static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char program[] = "podresctrld";
	char *argv[] = {program, NULL};
	struct options o, before, again;
	struct err e = {0};
	char *text, *second;

	if (size > TEXT_MAX)
		return 0;
	if (options_parse(&(struct options_input){1, argv, launched, NULL}, &o, &e) < 0)
		abort();
	before = again = o;
	text = copy(data, size);
	second = copy(data, size);
	if (options_apply_text(&o, text, &e) < 0) {
		if (memcmp(&o, &before, sizeof(o)) != 0 || e.code >= 0 || !e.msg[0])
			abort();
		if (options_apply_text(&again, second, NULL) == 0)
			abort();
	} else {
		check(&o);
		if (options_apply_text(&again, second, NULL) < 0 ||
		    again.audit_interval_ms != o.audit_interval_ms || again.publish != o.publish)
			abort();
	}
	options_done(&o);
	options_done(&again);
	free(text);
	free(second);
	return 0;
}
