/* SPDX-License-Identifier: Apache-2.0 */
#include "texts.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct text {
	unsigned kept; /* times */
	char s[];
};

void texts_init(struct texts *t, uint32_t seed)
{
	strmap_init(&t->by_text, seed);
}

void texts_done(struct texts *t)
{
	struct text *text;
	size_t i = 0;

	while ((text = strmap_next(&t->by_text, &i)))
		free(text);
	strmap_done(&t->by_text);
}

const char *texts_keep(struct texts *t, const char *s)
{
	struct text *text = strmap_get(&t->by_text, s);
	size_t size;

	if (text) {
		text->kept++;
		return text->s;
	}
	size = strlen(s) + 1;
	text = malloc(sizeof(*text) + size);
	if (!text)
		return NULL;
	text->kept = 1;
	memcpy(text->s, s, size);
	if (strmap_add(&t->by_text, text->s, text) == 0)
		return text->s;
	free(text);
	return NULL;
}

void texts_drop(struct texts *t, const char *s)
{
	struct text *text = s ? strmap_get(&t->by_text, s) : NULL;

	if (!text || --text->kept)
		return;
	(void)strmap_del(&t->by_text, text->s);
	free(text);
}

int texts_set(struct texts *t, const char **p, const char *s)
{
	const char *text;

	if (*p && strcmp(*p, s) == 0)
		return 0;
	text = texts_keep(t, s);
	if (!text)
		return -ENOMEM;
	texts_drop(t, *p);
	*p = text;
	return 0;
}
