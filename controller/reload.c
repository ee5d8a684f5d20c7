/* SPDX-License-Identifier: Apache-2.0 */
#include "reload.h"

#include "log.h"

#include <stddef.h>
#include <string.h>

struct report {
	struct log *log;
	unsigned changed, need_restart;
	bool filter;
};

static bool is_filter(const char *name)
{
	static const char *const names[] = {"namespaces", "exclude-namespaces", "selector",
					    "opt-out"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static void on_change(void *ctx, const struct options_change *change)
{
	struct report *report = ctx;

	if (change->needs_restart) {
		report->need_restart++;
		log_write(report->log, LOG_LEVEL_WARN, "a changed option needs a restart", "option",
			  change->name, "in_force", change->from, "wanted", change->to, "source",
			  change->origin, NULL);
		return;
	}
	report->changed++;
	report->filter = report->filter || is_filter(change->name);
	log_write(report->log, LOG_LEVEL_INFO, "option changed", "option", change->name, "old",
		  change->from, "new", change->to, "source", change->origin, NULL);
}

bool reload_options(struct options *options, const struct options_input *input, struct log *log,
		    bool *ret_filter)
{
	struct report report = {.log = log};
	char changed[24], need_restart[24];
	struct options wanted;
	struct err e = {0};

	if (options->launch_socket || !options->config) {
		log_write(log, LOG_LEVEL_WARN,
			  options->launch_socket
				  ? "nothing to read again: the runtime that launched this plugin "
				    "has its configuration"
				  : "nothing to read again: started without --config",
			  NULL);
		return false;
	}
	if (options_parse(input, &wanted, &e) < 0) {
		log_write(log, LOG_LEVEL_ERROR, "the configuration stays as it was", "err", e.msg,
			  NULL);
		return false;
	}
	/* So that the lines on the changes are seen by the old settings or the new. */
	if (wanted.log_level > options->log_level)
		log_set_level(log, wanted.log_level, options->log_format);
	options_compare(options, &wanted, on_change, &report);
	log_write(log, LOG_LEVEL_INFO, "configuration read again", "file", options->config,
		  "changed", log_uint(changed, sizeof(changed), report.changed), "need_restart",
		  log_uint(need_restart, sizeof(need_restart), report.need_restart), NULL);
	options_take(options, &wanted);
	*ret_filter = report.filter;
	return true;
}
