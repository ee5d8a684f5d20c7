/* SPDX-License-Identifier: Apache-2.0 */
#include "options_priv.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_LEN 40
#define FAR          3 /* more slips than these are another word */

/* "logLevel", "log_level" and "log-level" are the same slip-free word. Returns its length. */
static size_t plain_letters(const char *name, char buf[NAME_MAX_LEN])
{
	size_t n = 0;

	for (; *name && n < NAME_MAX_LEN; name++) {
		if (*name != '-' && *name != '_')
			buf[n++] = (char)tolower((unsigned char)*name);
	}
	return n;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to insert, leave out or replace until A is B (Levenshtein), one row at a time. */
static unsigned slips(const char *a, size_t len_a, const char *b, size_t len_b)
{
	unsigned row[NAME_MAX_LEN + 1];

	for (size_t k = 0; k <= len_b; k++)
		row[k] = (unsigned)k;
	for (size_t i = 1; i <= len_a; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= len_b; k++) {
			unsigned above = row[k];

			row[k] =
				least(above + 1, row[k - 1] + 1, diagonal + (a[i - 1] != b[k - 1]));
			diagonal = above;
		}
	}
	return row[len_b];
}

const char *option_nearest(const char *name)
{
	char wanted[NAME_MAX_LEN], letters[NAME_MAX_LEN];
	size_t len = plain_letters(name, wanted);
	unsigned best = len / 3 < FAR ? (unsigned)len / 3 + 1 : FAR + 1;
	const char *nearest = NULL;
	const struct option_spec *spec;

	for (size_t i = 0; (spec = option_at(i)); i++) {
		unsigned n;

		if (!spec->name)
			continue;
		n = slips(wanted, len, letters, plain_letters(spec->name, letters));
		if (n < best) {
			best = n;
			nearest = spec->name;
		}
	}
	return nearest;
}
