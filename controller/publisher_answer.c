/* SPDX-License-Identifier: Apache-2.0 */

/* What an answer means: for the pod it is about, and for all of them. */

#include "publisher_priv.h"
#include "retry_annotation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S_MS         1000u
#define MIN_MS       (60 * S_MS)
#define TEXT_MAX     512
#define RECREATE_MS  (10 * S_MS) /* an object that someone removed: first pause */
#define RECREATE_MAX (10 * MIN_MS)
#define FOREIGN_TELL (60 * S_MS)

void slot_back_off(struct slot *s, uint64_t now_ms, uint64_t first_ms, uint64_t max_ms)
{
	const struct publisher_deps *d = &s->p->deps;
	uint64_t pause_ms = first_ms;

	for (unsigned i = 0; i < s->failures && pause_ms < max_ms; i++)
		pause_ms *= 2;
	if (pause_ms > max_ms)
		pause_ms = max_ms;
	s->failures++;
	s->p->stats.retried++;
	/* Up to a quarter more, so that pods that failed together do not come back together. */
	s->not_before_ms = now_ms + pause_ms + d->env->random(d->ctx) % (pause_ms / 4 + 1);
}

static void went_well(struct slot *s)
{
	s->failures = 0;
	s->not_before_ms = 0;
}

void slot_set_forbidden(struct slot *s, enum publisher_verb verb, bool forbidden)
{
	unsigned bit = 1u << verb;
	unsigned *count = &s->p->health.forbidden[verb];

	if (forbidden == !!(s->forbidden & bit))
		return;
	s->forbidden ^= bit;
	*count = forbidden ? *count + 1 : *count - 1;
}

static void tell(struct slot *s, enum publisher_notice_kind kind, const char *what,
		 const char *message)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s: %s", what, message ? message : "");
	publisher_notice(s->p, kind, s, text);
}

/* ---- answers that say the same whatever was asked ---- */

/* The request may have been carried out all the same. */
static void uncertain(struct slot *s)
{
	if (s->verb == PUBLISHER_PATCH)
		s->has_digest = false;
	if (s->verb != PUBLISHER_CREATE)
		return;
	s->object = OBJECT_UNKNOWN;
	s->quorum = true;
}

static void outage(struct slot *s, uint64_t now_ms, enum publisher_state state,
		   const struct k8s_response *r, const char *what)
{
	struct publisher *p = s->p;
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s: %s", what, r->message ? r->message : "");
	health_outage(&p->health, now_ms, state, r->retry_after_ms,
		      p->deps.env->random(p->deps.ctx), text);
}

static void forbidden(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	struct health *h = &s->p->health;

	if (!h->forbidden[s->verb])
		(void)snprintf(h->forbidden_text, sizeof(h->forbidden_text),
			       "not allowed to %s PodResctrlStatus objects: %s",
			       publisher_verb_name(s->verb), r->message ? r->message : "");
	slot_set_forbidden(s, s->verb, true);
	health_verdict(h, now_ms, s->verb, false, s->p->deps.env->random(s->p->deps.ctx));
	slot_back_off(s, now_ms, health_is_shaky(h, now_ms) ? 1 * S_MS : 30 * S_MS, 5 * MIN_MS);
}

/* True when R was dealt with. Nothing of this is about the object itself. */
static bool common_failure(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	switch (r->rc) {
	case -ECONNREFUSED:
		outage(s, now_ms, PUBLISHER_UNREACHABLE, r, "API server unreachable");
		return true;
	case -EPERM:
		outage(s, now_ms, PUBLISHER_UNAUTHORIZED, r, "API server does not know us (401)");
		return true;
	case -EAGAIN:
		if (r->http_status != 429)
			uncertain(s);
		outage(s, now_ms, PUBLISHER_OVERLOADED, r, "API server overloaded");
		return true;
	case -ETIMEDOUT:
	case -EIO:
		uncertain(s);
		if (r->http_status == 0)
			outage(s, now_ms, PUBLISHER_UNREACHABLE, r, "API server unreachable");
		else
			slot_back_off(s, now_ms, 1 * S_MS, MIN_MS);
		return true;
	case -EPROTO:
	case -EMSGSIZE:
	case -ENOMEM:
		uncertain(s);
		slot_back_off(s, now_ms, 1 * S_MS, MIN_MS);
		return true;
	case -EACCES:
		if (s->verb == PUBLISHER_CREATE && r->cause &&
		    strcmp(r->cause, "NamespaceTerminating") == 0)
			s->abandoned = true;
		else
			forbidden(s, now_ms, r);
		return true;
	default:
		return false;
	}
}

/* The object of an answer, and room for what its status has on the last retry. */
static int read_object(struct slot *s, const struct k8s_response *r, struct status_object *ret)
{
	int rc = status_parse_object(r->body, r->body_len, ret, NULL);

	return rc == 0 && ret->has_retry ? slot_make_retry_room(s) : rc;
}

/* ---- GET ---- */

/* The status that the server has is what the next one is compared with. */
static void adopt(struct slot *s, const struct status_object *o, uint64_t now_ms)
{
	s->object = OBJECT_OURS;
	s->known = true;
	memcpy(s->object_uid, o->uid, sizeof(s->object_uid));
	s->generation = o->generation;
	s->has_digest = o->has_status;
	s->digest = o->digest;
	s->memory = o->memory;
	if (o->has_retry && !s->has_retry) {
		s->has_retry = true;
		*s->retry = o->retry;
	}
	if (!s->dirty)
		slot_dirty(s, now_ms);
}

/*
 * A PATCH was refused as invalid, and it was not because the object is another one: it will
 * be refused again, so it is tried rarely, and told once.
 */
static void refused(struct slot *s, uint64_t now_ms)
{
	if (!s->refused_told)
		tell(s, PUBLISHER_NOTICE_REJECTED, "status refused", s->refusal);
	s->refused_told = true;
	slot_back_off(s, now_ms, 30 * S_MS, 5 * MIN_MS);
}

static void foreign(struct slot *s, uint64_t now_ms, const struct status_object *o)
{
	if (s->object != OBJECT_FOREIGN) {
		s->foreign_since_ms = now_ms;
		s->failures = 0;
	}
	s->object = OBJECT_FOREIGN;
	if (!s->foreign_told && now_ms - s->foreign_since_ms >= FOREIGN_TELL) {
		s->foreign_told = true;
		tell(s, PUBLISHER_NOTICE_NAME_TAKEN, "the object of this name belongs to node",
		     o->node_name);
	}
	slot_back_off(s, now_ms, 1 * S_MS, 30 * S_MS);
}

/*
 * Of a pod that is not the slot's, for all that is known, and removed only for one that wants the
 * name. Its version says that this slot did not make it; without memory for that it stays unknown.
 */
static void found_stale(struct slot *s, uint64_t now_ms, const struct status_object *o)
{
	char *version = strdup(o->resource_version);

	free(s->stale_version);
	s->stale_version = version;
	memcpy(s->object_uid, o->uid, sizeof(s->object_uid));
	s->object = version ? OBJECT_STALE : OBJECT_UNKNOWN;
	if (!version)
		slot_back_off(s, now_ms, 1 * S_MS, MIN_MS);
}

static void found(struct slot *s, uint64_t now_ms, const struct status_object *o)
{
	bool here = strcmp(o->node_name, s->p->config.node_name) == 0;
	bool was_refused = s->refusal && strcmp(o->uid, s->object_uid) == 0;

	s->quorum = false;
	if (here && strcmp(o->pod_uid, s->pod_uid) == 0) {
		adopt(s, o, now_ms);
		if (s->p->config.no_pod_watch)
			pod_index_set_token(&s->p->index, s->namespace_, s->name, s->uid,
					    o->has_token ? o->token : NULL, o->token_valid);
		if (was_refused)
			refused(s, now_ms);
		else
			went_well(s);
	} else if (here && publisher_pod_yield(s, o->pod_uid)) {
		s->object = OBJECT_NONE; /* what Synchronize lists has no order of age */
	} else if (here) {
		/* Of the pod that had this name before; its precondition guards the deletion. */
		found_stale(s, now_ms, o);
	} else {
		s->quorum = true;
		foreign(s, now_ms, o);
	}
	if (!was_refused) {
		free(s->refusal);
		s->refusal = NULL;
	}
}

/* The resource is not there: all its objects went with it. */
static void crd_missing(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	struct publisher *p = s->p;
	struct slot *other;
	size_t i = 0;

	outage(s, now_ms, PUBLISHER_CRD_MISSING, r,
	       "the PodResctrlStatus custom resource definition is not installed");
	while ((other = strmap_next(&p->slots, &i))) {
		if (other->object != OBJECT_OURS || other->in_flight)
			continue;
		other->object = OBJECT_UNKNOWN;
		other->quorum = true;
		slot_touch(other);
	}
}

static void answer_get(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	struct status_object o;

	if (r->rc == -ENOENT) {
		s->object = OBJECT_NONE;
		s->quorum = false;
		/* About the path and not about an object: it is as it was, so no other is asked. */
		if (!r->reason && s->p->health.outage == PUBLISHER_CRD_MISSING)
			crd_missing(s, now_ms, r);
	} else if (r->rc == 0 && read_object(s, r, &o) == 0) {
		found(s, now_ms, &o);
	} else {
		slot_back_off(s, now_ms, 1 * S_MS, MIN_MS);
	}
}

/* ---- POST ---- */

static void created(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	struct status_object o;

	went_well(s);
	s->created_ms = now_ms;
	if (read_object(s, r, &o) < 0) {
		uncertain(s);
		return;
	}
	adopt(s, &o, now_ms);
	s->has_digest = false;
	s->urgent = true; /* its status follows at once */
}

/* The name is taken, perhaps by an object of this very pod. */
static void name_exists(struct slot *s, uint64_t now_ms)
{
	/* The object is older than was thought, so the token may be younger than it. */
	if (!s->known && s->has_retry && retry_is_at_creation(s->retry))
		s->has_retry = false;
	s->object = OBJECT_UNKNOWN;
	s->quorum = true;
	/* The first look is at once; if this goes on, someone fights over the name. */
	if (s->failures++)
		slot_back_off(s, now_ms, 1 * S_MS, 30 * S_MS);
}

static void answer_create(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	switch (r->rc) {
	case 0:
		created(s, now_ms, r);
		return;
	case -EEXIST:
	case -ESTALE:
		name_exists(s, now_ms);
		return;
	case -ENOENT:
		if (r->kind && strcmp(r->kind, "namespaces") == 0)
			s->abandoned = true;
		else
			crd_missing(s, now_ms, r);
		return;
	default:
		if (!s->refused_told)
			tell(s, PUBLISHER_NOTICE_REJECTED, "object refused", r->message);
		s->refused_told = true;
		slot_back_off(s, now_ms, 30 * S_MS, 5 * MIN_MS);
	}
}

/* ---- PATCH ---- */

static void patched(struct slot *s, uint64_t now_ms)
{
	slot_note_shape(s, now_ms);
	went_well(s);
	memcpy(s->memory.conditions, s->sent->conditions, sizeof(s->memory.conditions));
	s->digest = s->sent->digest;
	s->has_digest = true;
	s->refused_told = false;
	free(s->refusal);
	s->refusal = NULL;
}

/* Someone removed the object of a living pod. It is made anew, but not in a race. */
static void object_gone(struct slot *s, uint64_t now_ms)
{
	if (!s->recreate_gap_ms || now_ms - s->created_ms > 10 * s->recreate_gap_ms)
		s->recreate_gap_ms = RECREATE_MS;
	else
		s->recreate_gap_ms *= 2;
	if (s->recreate_gap_ms > RECREATE_MAX)
		s->recreate_gap_ms = RECREATE_MAX;
	s->object = OBJECT_NONE;
	s->has_digest = false;
	s->not_before_ms = now_ms + s->recreate_gap_ms;
}

static void answer_patch(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	if (r->rc == 0) {
		patched(s, now_ms);
		return;
	}
	s->dirty = true;
	switch (r->rc) {
	case -ENOENT:
		object_gone(s, now_ms);
		return;
	case -E2BIG:
		free(s->refusal);
		s->refusal = strdup("too large");
		refused(s, now_ms);
		return;
	case -EINVAL:
		/* Invalid, or the test of the UID failed: the answer does not tell which. */
		free(s->refusal);
		s->refusal = strdup(r->message ? r->message : "invalid");
		s->object = OBJECT_UNKNOWN;
		s->quorum = true;
		return;
	default:
		s->object = OBJECT_UNKNOWN;
		s->quorum = true;
		slot_back_off(s, now_ms, 1 * S_MS, 30 * S_MS);
	}
}

/* ---- DELETE ---- */

static void answer_delete(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	s->has_digest = false;
	switch (r->rc) {
	case 0:
	case -ENOENT:
		/* The failures of a name that is fought over count on until something is made. */
		if (s->object == OBJECT_OURS)
			went_well(s);
		s->object = OBJECT_NONE;
		return;
	case -ESTALE:
	case -EEXIST:
		/* Not the object that was meant. What is there now has to be looked up. */
		s->object = OBJECT_UNKNOWN;
		s->quorum = true;
		slot_back_off(s, now_ms, 1 * S_MS, 30 * S_MS);
		return;
	default:
		slot_back_off(s, now_ms, 30 * S_MS, 5 * MIN_MS);
	}
}

/* ---- all ---- */

/* The text is compared by hash: once is enough for each of them in a row. */
static void pass_on_warning(struct slot *s, const char *warning)
{
	uint32_t h = 2166136261u;

	for (const char *c = warning; *c; c++)
		h = (h ^ (unsigned char)*c) * 16777619u;
	if (h == s->p->warned)
		return;
	s->p->warned = h;
	publisher_notice(s->p, PUBLISHER_NOTICE_WARNING, s, warning);
}

static bool is_failure(const struct slot *s, const struct k8s_response *r)
{
	bool may_be_absent = s->verb == PUBLISHER_GET || s->verb == PUBLISHER_DELETE;

	return r->rc != 0 && !(r->rc == -ENOENT && may_be_absent);
}

static void answered(struct slot *s, uint64_t now_ms, const struct k8s_response *r)
{
	slot_set_forbidden(s, s->verb, false);
	health_verdict(&s->p->health, now_ms, s->verb, true, 0);
	health_answered(&s->p->health, r->rc == 0 || r->rc == -EEXIST);
	switch (s->verb) {
	case PUBLISHER_GET:
		answer_get(s, now_ms, r);
		break;
	case PUBLISHER_CREATE:
		answer_create(s, now_ms, r);
		break;
	case PUBLISHER_PATCH:
		answer_patch(s, now_ms, r);
		break;
	case PUBLISHER_DELETE:
		answer_delete(s, now_ms, r);
		break;
	case PUBLISHER_VERB_MAX:
		break;
	}
}

/* An object that may not be deleted, of a pod that is gone: the cluster collects it. */
static void give_up_ghost(struct slot *s, const struct k8s_response *r)
{
	if (s->alive || (r->rc != -EACCES && r->rc != -EINVAL) || s->failures < 3)
		return;
	s->object = OBJECT_NONE;
	s->p->stats.dropped++;
}

void slot_answer(void *ctx, const struct k8s_response *r)
{
	struct slot *s = ctx;
	struct publisher *p = s->p;
	uint64_t now_ms = p->deps.env->now_ms(p->deps.ctx);

	s->in_flight = false;
	s->call = NULL;
	p->in_flight--;
	if (is_failure(s, r))
		p->stats.failures[s->verb]++;
	else if (s->verb == PUBLISHER_PATCH)
		histogram_add(&p->stats.lag, (now_ms - s->sent->since_ms) * 1000);
	if (r->warning)
		pass_on_warning(s, r->warning);
	if (common_failure(s, now_ms, r)) {
		/* What a patch would have said is still to be said, urgent or not. */
		s->dirty = s->dirty || s->verb == PUBLISHER_PATCH;
		if (r->rc == -EACCES)
			health_answered(&p->health, false);
	} else {
		answered(s, now_ms, r);
	}
	free(steal_ptr(&s->sent));
	give_up_ghost(s, r);
	slot_touch(s);
}
