/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The retry annotation: its value is compared with status.lastRetry.token, so that nothing
 * is lost or done twice, whoever restarts. The pod itself is never edited.
 */

#include "publisher_priv.h"
#include "retry_annotation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NO_MEMORY_WAIT_MS 1000

static void count_and_tell(struct slot *s)
{
	const struct status_retry *r = s->retry;
	char text[STATUS_REASON_MAX * 2 + STATUS_MESSAGE_MAX];

	s->p->stats.retries[r->result]++;
	(void)snprintf(text, sizeof(text), "%s (%s)%s%s", status_retry_result_name(r->result),
		       r->reason, r->message[0] ? ": " : "", r->message);
	publisher_notice(s->p, PUBLISHER_NOTICE_RETRY_HANDLED, s, text);
}

int slot_make_retry_room(struct slot *s)
{
	if (!s->retry)
		s->retry = calloc(1, sizeof(*s->retry));
	return s->retry ? 0 : -ENOMEM;
}

static void record(struct slot *s, uint64_t now_ms, const struct status_retry *retry)
{
	s->has_retry = true;
	*s->retry = *retry;
	s->retry->completion_s = s->p->deps.env->wall_s(s->p->deps.ctx);
	slot_dirty(s, now_ms);
}

/* What came of an attempt is known, and to be written with the state it led to. */
static void finish(struct slot *s, uint64_t now_ms, const struct status_retry *retry)
{
	record(s, now_ms, retry);
	s->urgent = true;
	count_and_tell(s);
	slot_report_retry(s);
}

static uint64_t finish_attempt(struct slot *s, uint64_t now_ms, int rc, const struct err *error,
			       const struct core_retry_report *report, struct core_pod_view *view,
			       struct status_retry *retry)
{
	const struct publisher_deps *d = &s->p->deps;

	if (!d->core->pod_view(d->core_ctx, s->uid, view)) {
		/* Gone meanwhile: there is no status left to write this to. */
		*view = (struct core_pod_view){0};
		return UINT64_MAX;
	}
	retry_outcome(rc, error, report, view, retry);
	finish(s, now_ms, retry);
	return UINT64_MAX;
}

/* The core still works on it. Its token is kept, as a newer one may come meanwhile. */
static int await(struct slot *s, const struct status_retry *retry, struct err *e)
{
	s->attempt = malloc(sizeof(*s->attempt));
	if (!s->attempt)
		return err_set(e, -ENOMEM, "retry: out of memory");
	*s->attempt = *retry;
	return 0;
}

static uint64_t attempt(struct slot *s, uint64_t now_ms, struct core_pod_view *view,
			struct status_retry *retry)
{
	const struct publisher_deps *d = &s->p->deps;
	struct core_retry_report report = {0};
	struct err error = {0};
	int rc = d->core->retry(d->core_ctx, now_ms, s->uid, &report, &error);

	if (rc == -EINPROGRESS) {
		rc = await(s, retry, &error);
		if (rc == 0)
			return now_ms + s->p->config.settle_ms;
	}
	return finish_attempt(s, now_ms, rc, &error, &report, view, retry);
}

static uint64_t go_on(struct slot *s, uint64_t now_ms, struct core_pod_view *view)
{
	const struct publisher_deps *d = &s->p->deps;
	struct core_retry_report report = {0};
	int rc = d->core->retry_result(d->core_ctx, s->uid, &report);
	struct status_retry *retry;
	uint64_t at = now_ms; /* -ENOKEY: the pod came anew, and with it the request */

	if (rc == -EINPROGRESS)
		return now_ms + s->p->config.settle_ms;
	retry = steal_ptr(&s->attempt);
	if (rc == 0)
		at = finish_attempt(s, now_ms, 0, NULL, &report, view, retry);
	free(retry);
	return at;
}

/*
 * The pod has the annotation since before its object, most often because it is in a
 * template: nobody asked for anything. Once it changed, somebody did.
 */
static bool is_from_before(const struct slot *s, const struct pod_entry *target)
{
	return s->object == OBJECT_NONE && !s->known && !s->has_retry && !target->token_changed;
}

static bool is_handled(const struct slot *s, const struct pod_entry *target)
{
	return s->has_retry && strcmp(s->retry->token, target->token) == 0;
}

uint64_t slot_retry(struct slot *s, uint64_t now_ms, const struct pod_entry *target,
		    struct core_pod_view *view)
{
	struct publisher *p = s->p;
	struct status_retry retry = {0};
	uint64_t again_ms = s->retried_ms + p->config.retry_interval_ms;

	if (s->attempt)
		return go_on(s, now_ms, view);
	if (!target->token || s->abandoned || is_handled(s, target))
		return UINT64_MAX;
	if (s->object != OBJECT_NONE && s->object != OBJECT_OURS)
		return UINT64_MAX; /* what was handled already is not known yet */
	if (slot_make_retry_room(s) < 0)
		return now_ms + NO_MEMORY_WAIT_MS; /* what came of it could not be kept */
	(void)snprintf(retry.token, sizeof(retry.token), "%s", target->token);
	retry.start_s = p->deps.env->wall_s(p->deps.ctx);
	if (is_from_before(s, target)) {
		if (target->token_valid)
			retry_outcome_at_creation(&retry);
		else
			retry_outcome_invalid(&retry);
		record(s, now_ms, &retry);
		return UINT64_MAX;
	}
	if (view->queued && now_ms < s->dirty_since_ms + QUEUED_WAIT_MS)
		return now_ms + p->config.settle_ms;
	if (s->retried && again_ms > now_ms)
		return again_ms;
	if (!rate_limit_take(&p->retries, now_ms))
		return rate_limit_next_ms(&p->retries, now_ms);
	s->retried = true;
	s->retried_ms = now_ms;
	if (target->token_valid)
		return attempt(s, now_ms, view, &retry);
	retry_outcome_invalid(&retry);
	finish(s, now_ms, &retry);
	return UINT64_MAX;
}
