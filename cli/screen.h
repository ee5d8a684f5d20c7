/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What people see. Everything is collected and written at once, so that a pipe which breaks or a
 * full disk is noticed. No text of others is added but through screen_text(), which lets no control
 * character through.
 */

#include "err.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>

struct screen {
	bool is_terminal, has_colours;
	size_t width; /* columns to stay within; only on a terminal, 0 for no limit */
	struct strbuf out;
};

enum hue {
	HUE_PLAIN,
	HUE_BOLD,
	HUE_GOOD,
	HUE_WAIT,
	HUE_BAD,
};

/* For standard output; NO_COLOR and TERM as getenv() has them. screen_done() it. */
void screen_init(struct screen *s, int fd, const char *no_color, const char *term);
void screen_done(struct screen *s);

/* Write what was collected to FD and forget it. A negative errno. */
MUST_CHECK int screen_flush(struct screen *s, int fd, struct err *e);

/* Our own words. */
void screen_add(struct screen *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void screen_hue(struct screen *s, enum hue hue); /* HUE_PLAIN ends the others */

/*
 * Text of others: control characters, what is not UTF-8, and what changes the direction of writing
 * become visible as \x1b or \u202e. At most WIDTH columns, "..." at the end if it is cut; 0 for all
 * of it. Returns the columns. A character counts as one column.
 */
size_t text_add(struct strbuf *out, const char *text, size_t width);
size_t text_width(const char *text);

/* "Pod          shop/web-0": a heading and text; nothing when TEXT is empty. */
void screen_row(struct screen *s, const char *heading, enum hue hue, const char *text);

/* Words of TEXT in lines after INDENT blanks, within the width; 80 columns without a terminal. */
void screen_wrap(struct screen *s, size_t indent, const char *text);

/* The colour of a reason, a state or a result. */
enum hue screen_hue_of(const char *word);

/* ---- tables ---- */

#define TABLE_COLUMNS_MAX 8

struct table {
	size_t nr_columns, nr_cells, size;
	char **cells; /* a row after the other */
	bool failed;  /* no memory */
	size_t hue_column;
};

/* HEADINGS, the first row, end with NULL. Column HUE_COLUMN is coloured by its word; -1 for none.
 */
void table_init(struct table *t, const char *const *headings, int hue_column);
void table_done(struct table *t);
void table_cell(struct table *t, const char *text); /* copied; from left to right, row after row */

/* On a terminal the widest columns are cut until it fits. The last columns are left out if they are
 * empty. */
void table_print(const struct table *t, struct screen *s);
