/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX  48
#define NOTES_MAX 24

enum {
	COLUMN_WHAT,
	COLUMN_VALUE,
	COLUMN_FLOOR,
	COLUMN_RATIO,
	COLUMN_AIM,
	COLUMN_MAX,
};

struct row {
	char what[72];
	struct cell cell[COLUMN_MAX]; /* the first is unused */
};

struct table {
	char title[160];
	struct row rows[ROWS_MAX];
	size_t nr_rows;
	char notes[NOTES_MAX][200];
	size_t nr_notes;
};

const struct cell cell_none = {""};

static struct cell cell_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

static struct cell cell_printf(const char *fmt, ...)
{
	struct cell c;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c.text, sizeof(c.text), fmt, ap);
	va_end(ap);
	return c;
}

struct cell cell_us(double us)
{
	return cell_printf("%.1f us", us);
}

struct cell cell_p50_p99(struct samples *s)
{
	return cell_printf("%.0f / %.0f us", samples_us(s, 0.5), samples_us(s, 0.99));
}

struct cell cell_ms(double ms)
{
	return cell_printf(ms < 10 ? "%.2f ms" : "%.0f ms", ms);
}

struct cell cell_mb(uint64_t kb)
{
	return cell_printf("%.1f MB", (double)kb * 1024 / 1e6);
}

struct cell cell_part(uint64_t part, uint64_t all)
{
	return cell_printf("%" PRIu64 " of %" PRIu64, part, all);
}

struct cell cell_percent(double percent)
{
	return cell_printf("%.3f %%", percent);
}

struct cell cell_ratio(double value, double floor)
{
	return floor > 0 ? cell_printf("%.1f x", value / floor) : cell_none;
}

struct cell cell_aim(const char *text, bool is_reached)
{
	return cell_printf("%s: %s", text, is_reached ? "reached" : "missed");
}

struct cell cell_time_aim(const struct bench *b, const char *text, bool is_reached)
{
	if (b->is_emulated)
		return cell_printf("%s: on a real CPU", text);
	return cell_aim(text, is_reached);
}

struct cell cell_call_aim(const struct bench *b, const char *text, bool is_reached)
{
	if (!b->is_real)
		return cell_printf("%s: on a real tree", text);
	return cell_aim(text, is_reached);
}

struct table *table_new(const char *title)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t)
		(void)snprintf(t->title, sizeof(t->title), "%s", title);
	return t;
}

void table_free(struct table *t)
{
	free(t);
}

void table_add(struct table *t, const char *what, struct cell value, struct cell floor,
	       struct cell ratio, struct cell aim)
{
	struct row *row;

	if (t->nr_rows == ROWS_MAX)
		return;
	row = &t->rows[t->nr_rows++];
	(void)snprintf(row->what, sizeof(row->what), "%s", what);
	row->cell[COLUMN_VALUE] = value;
	row->cell[COLUMN_FLOOR] = floor;
	row->cell[COLUMN_RATIO] = ratio;
	row->cell[COLUMN_AIM] = aim;
}

void table_note(struct table *t, const char *fmt, ...)
{
	va_list ap;

	if (t->nr_notes == NOTES_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(t->notes[t->nr_notes++], sizeof(t->notes[0]), fmt, ap);
	va_end(ap);
}

static const char *text_of(const struct row *row, size_t column)
{
	return column == COLUMN_WHAT ? row->what : row->cell[column].text;
}

static void print_row(const struct row *row, const size_t *width)
{
	for (size_t i = 0; i < COLUMN_MAX; i++) {
		/* Names and aims are read from the left, figures compared from the right. */
		bool is_left = i == COLUMN_WHAT || i == COLUMN_AIM;

		(void)printf("%s%*s", i ? "  " : "  ", is_left ? -(int)width[i] : (int)width[i],
			     text_of(row, i));
	}
	(void)putchar('\n');
}

void table_print(const struct table *t)
{
	const struct row head = {"what", {{""}, {"podresctrld"}, {"floor"}, {"ratio"}, {"aim"}}};
	size_t width[COLUMN_MAX];

	for (size_t i = 0; i < COLUMN_MAX; i++) {
		width[i] = strlen(text_of(&head, i));
		for (size_t j = 0; j < t->nr_rows; j++) {
			size_t len = strlen(text_of(&t->rows[j], i));

			width[i] = len > width[i] ? len : width[i];
		}
	}
	(void)printf("\n%s\n\n", t->title);
	print_row(&head, width);
	for (size_t i = 0; i < t->nr_rows; i++)
		print_row(&t->rows[i], width);
	(void)putchar('\n');
	for (size_t i = 0; i < t->nr_notes; i++)
		(void)printf("  %s\n", t->notes[i]);
	(void)fflush(stdout);
}
