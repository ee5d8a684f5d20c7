/* SPDX-License-Identifier: Apache-2.0 */

/* A second reading of the options against what is in force. */

#include "options_priv.h"

#include "strbuf.h"

#include <string.h>

static void compare(const struct options *now, const struct options *wanted, size_t i,
		    options_change_fn *fn, void *ctx)
{
	const struct option_spec *spec = option_at(i);
	AUTO_STRBUF struct strbuf from, to, origin;

	strbuf_init(&from, OPTIONS_FILE_MAX);
	strbuf_init(&to, OPTIONS_FILE_MAX);
	strbuf_init(&origin, 256);
	(void)option_get(now, spec, &from);
	(void)option_get(wanted, spec, &to);
	if (strcmp(strbuf_str(&from), strbuf_str(&to)) == 0)
		return;
	option_print_origin(wanted, i, &origin);
	fn(ctx, &(struct options_change){
			.name = spec->name,
			.from = strbuf_str(&from),
			.to = strbuf_str(&to),
			.origin = strbuf_str(&origin),
			.needs_restart = !spec->reload,
		});
}

void options_compare(const struct options *now, const struct options *wanted, options_change_fn *fn,
		     void *ctx)
{
	const struct option_spec *spec;

	for (size_t i = 0; (spec = option_at(i)); i++) {
		if (spec->name && !spec->command)
			compare(now, wanted, i, fn, ctx);
	}
}

void options_take(struct options *now, struct options *wanted)
{
	const struct option_spec *spec;

	for (size_t i = 0; (spec = option_at(i)); i++) {
		if (!spec->name || !spec->reload)
			continue;
		option_copy(now, wanted, spec);
		now->origin[i] = wanted->origin[i];
	}
	options_take_strings(now, wanted);
}
