/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Texts that many records keep, such as a namespace or the id of a sandbox: each is there once,
 * counted, and never changes. Not for threads.
 */

#include "strmap.h"

struct texts {
	struct strmap by_text;
};

/* SEED as of strmap_init(). */
void texts_init(struct texts *t, uint32_t seed);
void texts_done(struct texts *t); /* frees also what is kept still */

/* S as a text, the caller's until texts_drop(); NULL without memory. */
const char *texts_keep(struct texts *t, const char *s);

/* TEXT is what texts_keep() returned, or NULL. It goes with the last who keeps it. */
void texts_drop(struct texts *t, const char *text);

/* Make *P, which is of T or NULL, the text S; on -ENOMEM it keeps what it was. */
MUST_CHECK int texts_set(struct texts *t, const char **p, const char *s);
