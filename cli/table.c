/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define GAP        3 /* blanks between columns, as kubectl has them */
#define COLUMN_MIN 8 /* a column is not cut below this */
#define NO_COLUMN  SIZE_MAX

void table_init(struct table *t, const char *const *headings, int hue_column)
{
	*t = (struct table){.hue_column = hue_column < 0 ? NO_COLUMN : (size_t)hue_column};
	for (; headings[t->nr_columns]; t->nr_columns++)
		table_cell(t, headings[t->nr_columns]);
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->nr_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){0};
}

void table_cell(struct table *t, const char *text)
{
	if (t->nr_cells == t->size) {
		size_t size = t->size ? t->size * 2 : 64;
		char **cells = realloc(t->cells, size * sizeof(*cells));

		if (!cells) {
			t->failed = true;
			return;
		}
		t->cells = cells;
		t->size = size;
	}
	t->cells[t->nr_cells] = strdup(text);
	if (t->cells[t->nr_cells])
		t->nr_cells++;
	else
		t->failed = true;
}

static bool is_empty(const struct table *t, size_t column)
{
	for (size_t i = t->nr_columns + column; i < t->nr_cells; i += t->nr_columns)
		if (*t->cells[i])
			return false;
	return t->nr_cells > t->nr_columns;
}

/* Without the last ones that have nothing but a heading. */
static size_t columns_shown(const struct table *t)
{
	size_t nr = t->nr_columns;

	while (nr > 1 && is_empty(t, nr - 1))
		nr--;
	return nr;
}

static size_t total_width(size_t nr_columns, const size_t *widths)
{
	size_t total = GAP * (nr_columns - 1);

	for (size_t i = 0; i < nr_columns; i++)
		total += widths[i];
	return total;
}

static void measure(const struct table *t, size_t shown, const struct screen *s, size_t *widths)
{
	for (size_t i = 0; i < t->nr_cells; i++) {
		size_t width = text_width(t->cells[i]);

		if (width > widths[i % t->nr_columns])
			widths[i % t->nr_columns] = width;
	}
	while (s->width && total_width(shown, widths) > s->width) {
		size_t widest = shown - 1, excess = total_width(shown, widths) - s->width;

		for (size_t i = 0; i < shown; i++)
			if (widths[i] > widths[widest])
				widest = i;
		if (widths[widest] <= COLUMN_MIN)
			break;
		/* Down to the next widest at once would be fairer; tables here have one wide
		 * column. */
		widths[widest] -=
			excess < widths[widest] - COLUMN_MIN ? excess : widths[widest] - COLUMN_MIN;
	}
}

static void print_row(const struct table *t, size_t shown, struct screen *s, size_t row,
		      const size_t *widths)
{
	for (size_t i = 0; i < shown; i++) {
		const char *cell = t->cells[row * t->nr_columns + i];
		enum hue hue = row == 0             ? HUE_BOLD
			       : i == t->hue_column ? screen_hue_of(cell)
						    : HUE_PLAIN;
		size_t columns;

		if (hue != HUE_PLAIN)
			screen_hue(s, hue);
		columns = text_add(&s->out, cell, widths[i]);
		if (hue != HUE_PLAIN)
			screen_hue(s, HUE_PLAIN);
		if (i + 1 < shown)
			screen_add(s, "%*s", (int)(widths[i] - columns + GAP), "");
	}
	/* No blanks at the end of a line. */
	while (s->out.len && s->out.data[s->out.len - 1] == ' ')
		s->out.data[--s->out.len] = '\0';
	screen_add(s, "\n");
}

void table_print(const struct table *t, struct screen *s)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0}, shown = columns_shown(t);

	if (t->failed) {
		s->out.error = -ENOMEM;
		return;
	}
	measure(t, shown, s, widths);
	for (size_t row = 0; row < t->nr_cells / t->nr_columns; row++)
		print_row(t, shown, s, row, widths);
}
