/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the API server is doing, as seen from the answers: when the next request may be sent,
 * and what there is to tell. An outage concerns every pod and so holds back every request;
 * after its pause one request at a time tries whether it is over.
 */

#include "publisher.h"

#define HEALTH_TEXT_MAX 320

struct health {
	enum publisher_state outage; /* PUBLISHER_OK: none */
	uint64_t until_ms;           /* no request before */
	unsigned step;               /* pauses in a row */
	uint64_t shaky_until_ms;     /* the server was away; it may not be quite ready yet */
	bool answered;               /* something good was heard at least once */
	enum publisher_state watch;  /* PUBLISHER_OK unless the pod watch is in trouble */
	unsigned forbidden[PUBLISHER_VERB_MAX]; /* pods whose last such request was forbidden */
	unsigned in_a_row[PUBLISHER_VERB_MAX];  /* forbidden requests without a good one between */
	uint64_t verb_until_ms[PUBLISHER_VERB_MAX]; /* no such request before */
	char outage_text[HEALTH_TEXT_MAX];
	char watch_text[HEALTH_TEXT_MAX];
	char forbidden_text[HEALTH_TEXT_MAX];
	/* what was told last */
	enum publisher_state told;
	enum publisher_verb told_verb;
};

void health_init(struct health *h);

/*
 * The server could not be used. RETRY_AFTER_MS is its own wish, 0 for none; RANDOM makes
 * the pauses of many nodes different. The text of the first failure of an outage stays.
 */
void health_outage(struct health *h, uint64_t now_ms, enum publisher_state outage,
		   uint64_t retry_after_ms, uint32_t random, const char *text);

/* The server answered. PROVES_CRD: in a way that it only can when the resource is served. */
void health_answered(struct health *h, bool proves_crd);

/*
 * A server that has just started knows the rights of nobody for some seconds, and says 403.
 * Has it been away until a moment ago, so that a 403 may be such a one?
 */
bool health_is_shaky(const struct health *h, uint64_t now_ms);

/*
 * A request was forbidden (or, ALLOWED, was not). One pod may be refused for a reason of its
 * own; when several are in a row, the verb rests for all of them: 30 s, doubling to 5 min. While
 * the server is shaky each is a reason to rest, but for 1 s, doubling to 30 s.
 */
void health_verdict(struct health *h, uint64_t now_ms, enum publisher_verb verb, bool allowed,
		    uint32_t random);

/* What the pod watch reports. */
void health_watch(struct health *h, uint64_t now_ms, const struct k8s_watch_state *state);

/* The state to show, all taken together. */
enum publisher_state health_state(const struct health *h);

/* Is there a change to tell? Then *RET_TEXT says it, valid until the next call. */
bool health_news(struct health *h, enum publisher_state *ret, const char **ret_text);
