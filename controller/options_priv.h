/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inside of the options:
 *
 *   options.c        the table, and the order of sources
 *   options_value.c  one value: from text, to text
 *   options_name.c   a name that is nearly right
 *   options_input.c  command line, environment, the runtime's lines
 *   options_file.c   the YAML file
 *   options_print.c  --help and --check-config
 *   options_reload.c a second reading, against the first
 */

#include "options.h"

#define OPTION_SYSLOG_AT "syslog:"

/* How the text of an option becomes its value. */
enum option_kind {
	KIND_TEXT,     /* not empty */
	KIND_OR_OFF,   /* text; "off" and nothing are NULL */
	KIND_ADDRESS,  /* likewise, of ADDRESS:PORT */
	KIND_SWITCH,   /* on or off; the bare name is on */
	KIND_NUMBER,   /* .min to .max */
	KIND_DURATION, /* ms */
	KIND_CHOICE,   /* one of .choices; the value is the index */
	KIND_RESCTRL,  /* "real", "simulated,rmids=N,limbo=D" */
	KIND_PREFIX,   /* of group names */
	KIND_INDEX,    /* two digits */
	KIND_LOG_TO,   /* "stderr", "syslog", "syslog:SOCKET" */
	KIND_SELECTOR, /* of labels */
	KIND_LIST,     /* names of namespaces, "a,b"; in YAML also a list */
};

struct option_spec {
	const char *name, *argument, *fallback, *help; /* fallback: NULL for none */
	enum option_kind kind;
	size_t offset; /* of the field in struct options */
	uint64_t min, max;
	const char *const *choices;
	bool reload;  /* can be changed while the daemon runs */
	bool command; /* a flag only: no variable, not in a file */
};

/* The table. A row without name is a heading; the last one is followed by NULL. */
const struct option_spec *option_at(size_t i);

/* The place of this name in the table; -1 when there is none. */
int option_find(const char *name);

/* Can it be set in a file? Not the file's name, and nothing that is done instead of running. */
bool option_is_in_files(const struct option_spec *spec);

/* The option that was perhaps meant by NAME; NULL when nothing is near. */
const char *option_nearest(const char *name);

/*
 * Set one value from text, which is borrowed. -EINVAL: the message has the value and what the
 * option takes, but not its name.
 */
MUST_CHECK int option_set(struct options *o, const struct option_spec *spec, const char *value,
			  struct err *e);

/* The value as option_set() takes it; false when there is none. */
bool option_get(const struct options *o, const struct option_spec *spec, struct strbuf *out);

/* Copy one field. */
void option_copy(struct options *to, const struct options *from, const struct option_spec *spec);

/* The text that the field borrows; NULL when it holds none, or something else than text. */
const char *option_text(const struct options *o, const struct option_spec *spec);

/* Those texts of both that *TO refers to are in *TO afterwards; the others are freed. */
void options_take_strings(struct options *to, struct options *from);

/* Values that exclude each other. */
MUST_CHECK int options_check_together(const struct options *o, struct err *e);

void options_from_launcher(struct options *o, const struct options_input *input);
MUST_CHECK int options_from_environment(struct options *o, const struct options_input *input,
					struct err *e);
MUST_CHECK int options_from_arguments(struct options *o, const struct options_input *input,
				      struct err *e);
MUST_CHECK int options_from_file(struct options *o, const char *path, struct err *e);

/* As options_apply_yaml(), but what excludes each other is not looked for. */
MUST_CHECK int options_from_yaml(struct options *o, enum option_source source, const char *name,
				 const char *text, size_t len, struct err *e);

/* "retry-interval" is PODRESCTRL_RETRY_INTERVAL. */
void option_variable(const char *name, char *buf, size_t size);

/* "flag", "environment NODE_NAME", "file:3", "default". */
void option_print_origin(const struct options *o, size_t i, struct strbuf *out);
