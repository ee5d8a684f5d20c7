/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include "screen.h"

#include <string.h>
#include <strings.h>

#define RETRY    "Retry"
#define TEXT_MAX 2048

/* static const struct word words[] */
#include "vocabulary.inc"

const struct word *word_at(size_t i)
{
	return i < ARRAY_LEN(words) ? &words[i] : NULL;
}

const struct word *word_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const char *have = words[i].name;

		if (strcasecmp(have, name) == 0 || (strncmp(have, RETRY, strlen(RETRY)) == 0 &&
						    strcasecmp(have + strlen(RETRY), name) == 0))
			return &words[i];
	}
	return NULL;
}

static const char *heading_of(char mark)
{
	return mark == '>' ? "What it means" : mark == '?' ? "How to check" : "What to do";
}

/* A paragraph ends with its sentence, and each check is one of its own. */
static bool ends_paragraph(const char *line, const char *next)
{
	char last = line[strlen(line) - 1];

	return !next || next[0] != line[0] || line[0] == '?' || last == '.' || last == '?' ||
	       last == ':';
}

void word_describe(const struct word *w, struct screen *s)
{
	AUTO_STRBUF struct strbuf text;
	char had = '\0';

	strbuf_init(&text, TEXT_MAX);
	for (const char *const *line = w->lines; *line; line++) {
		if ((*line)[0] != had) {
			had = (*line)[0];
			screen_hue(s, HUE_BOLD);
			screen_add(s, "%s", heading_of(had));
			screen_hue(s, HUE_PLAIN);
			screen_add(s, "\n");
		}
		(void)strbuf_addf(&text, "%s%s", text.len ? " " : "", *line + 1);
		if (ends_paragraph(*line, line[1])) {
			screen_wrap(s, 2, strbuf_str(&text));
			strbuf_reset(&text);
		}
	}
}
