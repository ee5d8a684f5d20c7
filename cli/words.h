/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the reasons mean. The same words as `kubectl podresctrl explain` has: the build makes the
 * table from cli/plugin/20-vocabulary.sh.
 */

#include <stddef.h>

struct screen;

struct word {
	const char *name, *kind, *next, *brief;
	/* Lines: their first character is '>' (what it means), '?' (how to check), '!' (what to
	 * do). */
	const char *const *lines; /* ended by NULL */
};

/* By name in any spelling; "Failed" also finds RetryFailed. NULL when there is none. */
const struct word *word_find(const char *name);
const struct word *word_at(size_t i); /* NULL behind the last */

/* Meaning, how to check, what to do. */
void word_describe(const struct word *w, struct screen *s);
