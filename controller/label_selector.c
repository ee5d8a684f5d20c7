/* SPDX-License-Identifier: Apache-2.0 */
#include "label_selector.h"

#include "name_list.h"
#include "num.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define REQUIREMENTS_MAX 64
#define KEY_MAX          317 /* prefix of 253, slash, name of 63 */
#define VALUE_MAX        63
#define BLANKS           " \t"
#define VALUE_BYTES      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

enum op {
	OP_EXISTS,
	OP_MISSING,
	OP_IN,
	OP_NOT_IN,
	OP_LESS,
	OP_GREATER,
};

struct requirement {
	enum op op;
	char *key;
	char *values; /* a name list; of < and >, one number */
	int64_t number;
};

struct label_selector {
	struct requirement requirements[REQUIREMENTS_MAX];
	size_t nr;
};

struct scanner {
	const char *at; /* what is left of the text */
	struct err *e;
};

static int wrong(const struct scanner *s, const char *what)
{
	if (!*s->at)
		return err_set(s->e, -EINVAL, "%s, at the end", what);
	return err_set(s->e, -EINVAL, "%s, at '%.40s'", what, s->at);
}

static void skip_blanks(struct scanner *s)
{
	s->at += strspn(s->at, BLANKS);
}

static bool take(struct scanner *s, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(s->at, word, len) != 0)
		return false;
	s->at += len;
	return true;
}

static int take_key(struct scanner *s, char **ret)
{
	size_t len = strspn(s->at, VALUE_BYTES "/");
	const char *slash = memchr(s->at, '/', len);

	if (!len)
		return wrong(s, "the name of a label is missing");
	if (len > KEY_MAX || (slash && memchr(slash + 1, '/', len - (size_t)(slash + 1 - s->at))))
		return wrong(s, "this is not the name of a label");
	*ret = strndup(s->at, len);
	if (!*ret)
		return err_set(s->e, -ENOMEM, "label selector: out of memory");
	s->at += len;
	return 0;
}

/* One value appended to the list in *VALUES; "" is one. */
static int take_value(struct scanner *s, char **values)
{
	size_t len, old = *values ? strlen(*values) : 0;
	char *bigger;

	skip_blanks(s);
	len = strspn(s->at, VALUE_BYTES);
	if (len > VALUE_MAX)
		return wrong(s, "a value of a label has at most 63 characters");
	bigger = realloc(*values, old + len + 2);
	if (!bigger)
		return err_set(s->e, -ENOMEM, "label selector: out of memory");
	if (*values)
		bigger[old++] = ',';
	memcpy(bigger + old, s->at, len);
	bigger[old + len] = '\0';
	*values = bigger;
	s->at += len;
	skip_blanks(s);
	return 0;
}

static int take_set(struct scanner *s, struct requirement *r)
{
	skip_blanks(s);
	if (!take(s, "("))
		return wrong(s, "'in' and 'notin' take values in parentheses");
	do {
		int rc = take_value(s, &r->values);

		if (rc < 0)
			return rc;
	} while (take(s, ","));
	return take(s, ")") ? 0 : wrong(s, "a ')' is missing");
}

/* A label's value as a whole number, as Kubernetes compares them. */
static bool to_number(const char *text, int64_t *ret)
{
	bool is_negative = *text == '-';
	const char *digits = text + is_negative;
	uint64_t n;

	if (num_parse_u64(digits, strlen(digits), INT64_MAX, &n) < 0)
		return false;
	*ret = is_negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static int take_operator(struct scanner *s, struct requirement *r)
{
	int rc;

	r->op = OP_IN;
	if (take(s, "!="))
		r->op = OP_NOT_IN;
	else if (take(s, "<"))
		r->op = OP_LESS;
	else if (take(s, ">"))
		r->op = OP_GREATER;
	else if (!take(s, "==") && !take(s, "="))
		r->op = OP_EXISTS;
	if (r->op == OP_EXISTS) {
		if (take(s, "notin"))
			r->op = OP_NOT_IN;
		else if (take(s, "in"))
			r->op = OP_IN;
		return r->op == OP_EXISTS ? 0 : take_set(s, r);
	}
	rc = take_value(s, &r->values);
	if (rc == 0 && r->values && (r->op == OP_LESS || r->op == OP_GREATER) &&
	    !to_number(r->values, &r->number))
		return wrong(s, "'<' and '>' take a whole number");
	return rc;
}

static int take_requirement(struct scanner *s, struct requirement *r)
{
	int rc;

	skip_blanks(s);
	if (take(s, "!")) {
		skip_blanks(s);
		r->op = OP_MISSING;
		rc = take_key(s, &r->key);
	} else {
		rc = take_key(s, &r->key);
		skip_blanks(s);
		if (rc == 0)
			rc = take_operator(s, r);
	}
	skip_blanks(s);
	return rc;
}

int label_selector_new(const char *text, struct label_selector **ret, struct err *e)
{
	struct label_selector *selector;
	struct scanner s = {.at = text, .e = e};
	int r;

	if (strnlen(text, LABEL_SELECTOR_MAX + 1) > LABEL_SELECTOR_MAX)
		return err_set(e, -EINVAL, "a selector of more than %d bytes", LABEL_SELECTOR_MAX);
	selector = calloc(1, sizeof(*selector));
	if (!selector)
		return err_set(e, -ENOMEM, "label selector: out of memory");
	do {
		if (selector->nr == REQUIREMENTS_MAX)
			r = wrong(&s, "too many requirements");
		else
			r = take_requirement(&s, &selector->requirements[selector->nr++]);
	} while (r == 0 && take(&s, ","));
	if (r == 0 && *s.at)
		r = wrong(&s, "a comma belongs between requirements");
	if (r < 0) {
		label_selector_free(selector);
		return r;
	}
	*ret = selector;
	return 0;
}

void label_selector_free(struct label_selector *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr; i++) {
		free(s->requirements[i].key);
		free(s->requirements[i].values);
	}
	free(s);
}

static bool is_listed(const struct requirement *r, const char *value)
{
	/* An empty value stands in the list as nothing between commas. */
	if (!*value)
		return !*r->values || r->values[0] == ',' || strstr(r->values, ",,") ||
		       r->values[strlen(r->values) - 1] == ',';
	return name_list_has(r->values, value);
}

static bool holds(const struct requirement *r, const char *value)
{
	int64_t number;

	switch (r->op) {
	case OP_EXISTS:
		return value != NULL;
	case OP_MISSING:
		return value == NULL;
	case OP_IN:
		return value && is_listed(r, value);
	case OP_NOT_IN:
		return !value || !is_listed(r, value);
	case OP_LESS:
		return value && to_number(value, &number) && number < r->number;
	case OP_GREATER:
		return value && to_number(value, &number) && number > r->number;
	}
	return false;
}

bool label_selector_matches(const struct label_selector *s, label_selector_get_fn *get,
			    const void *ctx)
{
	for (size_t i = 0; i < s->nr; i++) {
		if (!holds(&s->requirements[i], get(ctx, s->requirements[i].key)))
			return false;
	}
	return true;
}
