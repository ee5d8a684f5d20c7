/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher_health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S_MS             1000u
#define FORBIDDEN_ROW    3
#define FORBIDDEN_MS     (30 * S_MS)
#define FORBIDDEN_MAX_MS (300 * S_MS)
#define SHAKY_MS         (30 * S_MS) /* from the first answer on */
#define SHAKY_FIRST_MS   (1 * S_MS)
#define WATCH_PAUSE_MS   (60 * S_MS) /* the longest between two attempts of the watch */

/* First and longest pause; client-go's numbers for the network. */
static const struct {
	uint64_t first_ms, max_ms;
} pauses[PUBLISHER_STATE_MAX] = {
	[PUBLISHER_UNREACHABLE] = {800, 30 * S_MS},
	[PUBLISHER_OVERLOADED] = {1 * S_MS, 32 * S_MS},
	[PUBLISHER_UNAUTHORIZED] = {2 * S_MS, 60 * S_MS},
	[PUBLISHER_CRD_MISSING] = {10 * S_MS, 60 * S_MS},
};

void health_init(struct health *h)
{
	*h = (struct health){
		.outage = PUBLISHER_OK,
		.watch = PUBLISHER_OK,
		.told = PUBLISHER_STARTING,
	};
}

static bool is_away(enum publisher_state state)
{
	return state == PUBLISHER_UNREACHABLE || state == PUBLISHER_OVERLOADED;
}

static void expect_shaky(struct health *h, uint64_t until_ms)
{
	if (h->shaky_until_ms < until_ms)
		h->shaky_until_ms = until_ms;
}

bool health_is_shaky(const struct health *h, uint64_t now_ms)
{
	return now_ms < h->shaky_until_ms;
}

void health_outage(struct health *h, uint64_t now_ms, enum publisher_state outage,
		   uint64_t retry_after_ms, uint32_t random, const char *text)
{
	uint64_t max_ms = pauses[outage].max_ms;
	uint64_t pause_ms = pauses[outage].first_ms;

	if (h->outage == outage && now_ms < h->until_ms && retry_after_ms == 0)
		return; /* another request that was under way at the same time */
	if (h->outage != outage) {
		h->step = 0;
		h->outage = outage;
		(void)snprintf(h->outage_text, sizeof(h->outage_text), "%s", text);
	}
	for (unsigned i = 0; i < h->step && pause_ms < max_ms; i++)
		pause_ms *= 2;
	h->step++;
	if (pause_ms > max_ms)
		pause_ms = max_ms;
	if (pause_ms < retry_after_ms)
		pause_ms = retry_after_ms;
	/* The pause is a floor; up to as much again keeps the nodes of a cluster apart. */
	h->until_ms = now_ms + pause_ms + random % (pause_ms + 1);
	if (is_away(outage))
		expect_shaky(h, h->until_ms + SHAKY_MS);
}

void health_answered(struct health *h, bool proves_crd)
{
	h->answered = true;
	if (h->outage == PUBLISHER_CRD_MISSING && !proves_crd)
		return;
	h->outage = PUBLISHER_OK;
	h->until_ms = 0;
	h->step = 0;
}

void health_verdict(struct health *h, uint64_t now_ms, enum publisher_verb verb, bool allowed,
		    uint32_t random)
{
	bool shaky = health_is_shaky(h, now_ms);
	uint64_t pause_ms = shaky ? SHAKY_FIRST_MS : FORBIDDEN_MS;
	uint64_t max_ms = shaky ? SHAKY_MS : FORBIDDEN_MAX_MS;
	unsigned row = shaky ? 1 : FORBIDDEN_ROW;

	if (allowed) {
		h->in_a_row[verb] = 0;
		h->verb_until_ms[verb] = 0;
		return;
	}
	if (now_ms < h->verb_until_ms[verb] || ++h->in_a_row[verb] < row)
		return;
	for (unsigned i = row; i < h->in_a_row[verb] && pause_ms < max_ms; i++)
		pause_ms *= 2;
	if (pause_ms > max_ms)
		pause_ms = max_ms;
	h->verb_until_ms[verb] = now_ms + pause_ms + random % (pause_ms / 4 + 1);
}

void health_watch(struct health *h, uint64_t now_ms, const struct k8s_watch_state *state)
{
	if (state->connected) {
		h->watch = PUBLISHER_OK;
		h->answered = true;
		return;
	}
	if (state->rc == 0)
		return; /* not yet tried */
	if (state->rc == -EPERM)
		h->watch = PUBLISHER_UNAUTHORIZED;
	else if (state->rc == -EACCES)
		h->watch = PUBLISHER_FORBIDDEN;
	else if (state->rc == -EAGAIN)
		h->watch = PUBLISHER_OVERLOADED;
	else
		h->watch = PUBLISHER_UNREACHABLE;
	if (is_away(h->watch))
		expect_shaky(h, now_ms + WATCH_PAUSE_MS + SHAKY_MS);
	(void)snprintf(h->watch_text, sizeof(h->watch_text), "watching pods: %s",
		       state->message ? state->message : "");
}

/* The first verb that is forbidden; PUBLISHER_VERB_MAX for none. */
static enum publisher_verb forbidden_verb(const struct health *h)
{
	int v = 0;

	while (v < PUBLISHER_VERB_MAX && !h->forbidden[v])
		v++;
	return (enum publisher_verb)v;
}

enum publisher_state health_state(const struct health *h)
{
	if (h->outage != PUBLISHER_OK)
		return h->outage;
	if (forbidden_verb(h) != PUBLISHER_VERB_MAX)
		return PUBLISHER_FORBIDDEN;
	if (h->watch != PUBLISHER_OK)
		return h->watch;
	return h->answered ? PUBLISHER_OK : PUBLISHER_STARTING;
}

static const char *text_of(struct health *h, enum publisher_verb verb, bool first)
{
	if (h->outage != PUBLISHER_OK)
		return h->outage_text;
	if (verb != PUBLISHER_VERB_MAX)
		return h->forbidden_text;
	if (h->watch != PUBLISHER_OK)
		return h->watch_text;
	return first ? "publishing" : "publishing again";
}

bool health_news(struct health *h, enum publisher_state *ret, const char **ret_text)
{
	enum publisher_state state = health_state(h);
	enum publisher_verb verb = forbidden_verb(h);
	bool first = h->told == PUBLISHER_STARTING;

	if (state == h->told && (state != PUBLISHER_FORBIDDEN || verb == h->told_verb))
		return false;
	h->told = state;
	h->told_verb = verb;
	*ret = state;
	*ret_text = text_of(h, verb, first);
	return true;
}
