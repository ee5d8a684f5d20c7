/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Label selectors as `kubectl get -l` takes them: requirements with commas between, all of
 * which have to hold:
 *
 *	app=web  app==web  app!=web  tier in (front, back)  tier notin (batch)  gpu  !gpu  rank>3
 *
 * As in Kubernetes, != and notin also hold when there is no such label, and < and > only for
 * labels that are whole numbers.
 */

#include "err.h"

#include <stdbool.h>

#define LABEL_SELECTOR_MAX 4096 /* bytes of text */

struct label_selector;

/* -EINVAL: the message says what is wrong and at which part of TEXT. -ENOMEM. */
MUST_CHECK int label_selector_new(const char *text, struct label_selector **ret, struct err *e);
void label_selector_free(struct label_selector *s); /* NULL is fine */

/* The value of the label KEY, NULL when there is none. */
typedef const char *label_selector_get_fn(const void *ctx, const char *key);

bool label_selector_matches(const struct label_selector *s, label_selector_get_fn *get,
			    const void *ctx);
