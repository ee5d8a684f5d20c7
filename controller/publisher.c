/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RETRIES_PER_S 10 /* of a node: an annotated Deployment shall not stall the loop */

/* A pod's change settles for a quarter of a second, and an outage can last for an hour. */
static const uint32_t lag_bounds_us[] = {100000,    250000,    500000,     1000000,   2000000,
					 5000000,   10000000,  30000000,   60000000,  120000000,
					 300000000, 600000000, 1800000000, 3600000000};

static const char *const verb_names[] = {
	[PUBLISHER_GET] = "get",
	[PUBLISHER_CREATE] = "create",
	[PUBLISHER_PATCH] = "patch",
	[PUBLISHER_DELETE] = "delete",
};
_Static_assert(ARRAY_LEN(verb_names) == PUBLISHER_VERB_MAX, "one name per verb");

static const char *const state_names[] = {
	[PUBLISHER_STARTING] = "Starting",         [PUBLISHER_OK] = "Publishing",
	[PUBLISHER_UNREACHABLE] = "Unreachable",   [PUBLISHER_OVERLOADED] = "Overloaded",
	[PUBLISHER_UNAUTHORIZED] = "Unauthorized", [PUBLISHER_FORBIDDEN] = "Forbidden",
	[PUBLISHER_CRD_MISSING] = "CRDMissing",
};
_Static_assert(ARRAY_LEN(state_names) == PUBLISHER_STATE_MAX, "one name per state");

const char *publisher_verb_name(enum publisher_verb verb)
{
	return verb_names[verb];
}

const char *publisher_state_name(enum publisher_state state)
{
	return state_names[state];
}

/* ---- slots ---- */

/* Frees a slot that is not in the map, or is about to go with it. */
static void slot_release(struct slot *s)
{
	for (int v = 0; v < PUBLISHER_VERB_MAX; v++)
		slot_set_forbidden(s, (enum publisher_verb)v, false);
	if (s->in_flight)
		s->p->deps.client->cancel(s->p->deps.client_ctx, s->call);
	if (!s->alive && s->p->nr_ghosts)
		s->p->nr_ghosts--;
	list_del(&s->active);
	free(s->uid);
	free(s->identity);
	free(s->stale_version);
	free(s->sent);
	free(s->refusal);
	free(s->attempt);
	free(s->retry);
	free(s);
}

static void slot_free(struct slot *s)
{
	(void)strmap_del(&s->p->slots, s->uid);
	slot_release(s);
}

static struct slot *slot_new(struct publisher *p, const char *uid)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->p = p;
	s->alive = true;
	s->generation = 1;
	list_init(&s->active);
	s->uid = strdup(uid);
	if (!s->uid || strmap_add(&p->slots, s->uid, s) < 0) {
		free(s->uid);
		free(s);
		return NULL;
	}
	return s;
}

void slot_touch(struct slot *s)
{
	s->due_ms = 0;
	s->p->next_ms = 0;
	if (list_empty(&s->active))
		list_append(&s->p->active, &s->active);
}

void slot_dirty(struct slot *s, uint64_t now_ms)
{
	if (!s->dirty) {
		s->dirty_since_ms = now_ms;
		s->p->stats.added++;
	}
	s->dirty = true;
	s->changed_ms = now_ms;
	slot_touch(s);
}

const struct pod_entry *slot_target(struct slot *s, struct core_pod_view *ret_view)
{
	struct publisher *p = s->p;

	if (!s->alive || !p->deps.core->pod_view(p->deps.core_ctx, s->uid, ret_view))
		return NULL;
	if (p->config.no_pod_watch)
		publisher_pod_claim(s, ret_view);
	return pod_index_join(&p->index, ret_view->namespace_, ret_view->name, s->uid);
}

/* Copy S to *ROOM, which moves past it. */
static const char *put(char **room, const char *s)
{
	size_t size = strlen(s) + 1;
	const char *copy = memcpy(*room, s, size);

	*room += size;
	return copy;
}

static int set_identity(struct slot *s, const struct pod_entry *target)
{
	char *room =
		malloc(strlen(target->namespace_) + strlen(target->name) + strlen(target->uid) + 3);

	if (!room)
		return -ENOMEM;
	free(s->identity);
	s->identity = room;
	s->namespace_ = put(&room, target->namespace_);
	s->name = put(&room, target->name);
	s->pod_uid = put(&room, target->uid);
	return 0;
}

/*
 * The slot's pod is this one in the API from now on. An object of the one before it (a
 * static pod's mirror was made anew) has the same name and is in the way.
 */
static int slot_bind(struct slot *s, const struct pod_entry *target)
{
	if (set_identity(s, target) < 0)
		return -ENOMEM;
	if (s->object == OBJECT_OURS) {
		s->object = OBJECT_STALE;
		free(steal_ptr(&s->stale_version));
	} else if (s->object == OBJECT_NONE && target->seen_at_start) {
		s->object = OBJECT_UNKNOWN;
	}
	s->abandoned = false;
	s->told_trouble = NULL;
	s->calm_since_ms = 0;
	s->known = false;
	s->has_digest = false;
	s->dirty = true;
	s->memory = (struct status_memory){0};
	s->has_retry = false;
	free(steal_ptr(&s->attempt));
	return 0;
}

/* ---- the publisher itself ---- */

static void default_to(uint64_t *value, uint64_t fallback)
{
	if (!*value)
		*value = fallback;
}

static void set_config(struct publisher *p, const struct publisher_config *config)
{
	struct publisher_config *c = &p->config;

	*c = *config;
	c->node_name = p->node_name;
	c->label_selector = p->label_selector;
	c->namespaces = p->namespaces;
	c->writes_per_s = c->writes_per_s ? c->writes_per_s : 5;
	c->write_burst = c->write_burst ? c->write_burst : 20;
	c->max_in_flight = c->max_in_flight ? c->max_in_flight : 2;
	default_to(&c->settle_ms, 250);
	default_to(&c->settle_max_ms, 1000);
	default_to(&c->patch_interval_ms, 1000);
	default_to(&c->retry_interval_ms, 5000);
}

static int copy_optional(char **dest, const char *value)
{
	if (!value || !*value)
		return 0;
	*dest = strdup(value);
	return *dest ? 0 : -ENOMEM;
}

static int copy_strings(struct publisher *p, const struct publisher_config *config)
{
	p->node_name = strdup(config->node_name);
	if (!p->node_name || asprintf(&p->selector, "spec.nodeName=%s", p->node_name) < 0) {
		p->selector = NULL;
		return -ENOMEM;
	}
	if (copy_optional(&p->label_selector, config->label_selector) < 0)
		return -ENOMEM;
	return copy_optional(&p->namespaces, config->namespaces);
}

int publisher_new(const struct publisher_config *config, const struct publisher_deps *deps,
		  struct publisher **ret, struct err *e)
{
	struct publisher *p;

	if (!config->node_name || !*config->node_name)
		return err_set(e, -EINVAL, "publisher: no node name");
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, -ENOMEM, "publisher: out of memory");
	p->deps = *deps;
	list_init(&p->active);
	pod_index_init(&p->index, deps->env->random(deps->ctx));
	strmap_init(&p->slots, deps->env->random(deps->ctx));
	health_init(&p->health);
	histogram_init(&p->stats.lag, lag_bounds_us, ARRAY_LEN(lag_bounds_us));
	p->next_ms = UINT64_MAX;
	p->throttle = PUBLISHER_THROTTLE_MAX;
	if (copy_strings(p, config) < 0) {
		publisher_free(p);
		return err_set(e, -ENOMEM, "publisher: out of memory");
	}
	set_config(p, config);
	p->watch_synced = config->no_pod_watch;
	*ret = p;
	return 0;
}

struct publisher *publisher_free(struct publisher *p)
{
	struct slot *s;
	size_t i = 0;

	if (!p)
		return NULL;
	while ((s = strmap_next(&p->slots, &i)))
		slot_release(s);
	strmap_done(&p->slots);
	pod_index_done(&p->index);
	free(p->node_name);
	free(p->selector);
	free(p->label_selector);
	free(p->namespaces);
	free(p);
	return NULL;
}

void publisher_notice(struct publisher *p, enum publisher_notice_kind kind, const struct slot *s,
		      const char *text)
{
	struct publisher_notice n = {
		.kind = kind,
		.state = health_state(&p->health),
		.namespace_ = s && s->namespace_ ? s->namespace_ : "",
		.name = s && s->name ? s->name : "",
		.text = text,
	};

	if (p->deps.on_notice)
		p->deps.on_notice(p->deps.ctx, &n);
}

void publisher_tell_news(struct publisher *p)
{
	enum publisher_state state;
	const char *text;

	if (health_news(&p->health, &state, &text))
		publisher_notice(p, PUBLISHER_NOTICE_STATE, NULL, text);
}

/* ---- input: the core ---- */

static void set_alive(struct slot *s, bool alive)
{
	if (s->alive && !alive)
		s->p->nr_ghosts++;
	if (!s->alive && alive)
		s->p->nr_ghosts--;
	s->alive = alive;
}

void publisher_on_core_event(struct publisher *p, uint64_t now_ms, const struct core_event *event)
{
	struct slot *s = strmap_get(&p->slots, event->pod_uid);
	bool is_new;

	if (event->kind == CORE_REMOVED) {
		if (!s)
			return;
		set_alive(s, false);
		slot_touch(s);
		if (p->config.no_pod_watch)
			publisher_pod_went(p, s, event->pod_namespace, event->pod_name);
		return;
	}
	is_new = !s || !s->alive;
	if (!s)
		s = slot_new(p, event->pod_uid);
	if (!s) {
		publisher_notice(p, PUBLISHER_NOTICE_NO_MEMORY, NULL, "a pod is not published");
		return;
	}
	set_alive(s, true);
	if (is_new && p->config.no_pod_watch)
		publisher_pod_came(p, s, event->pod_namespace, event->pod_name);
	slot_dirty(s, now_ms);
}

void publisher_on_core_notice(struct publisher *p, uint64_t now_ms,
			      const struct core_notice *notice)
{
	struct slot *s;

	if (notice->kind != CORE_NOTICE_DETAIL_CHANGED)
		return;
	s = strmap_get(&p->slots, notice->pod_uid);
	if (s)
		slot_dirty(s, now_ms);
}

/* ---- work ---- */

/*
 * When the next request may start; UINT64_MAX: not before one under way is answered. *RET_BY is
 * left alone unless it is throttled.
 */
static uint64_t send_at(struct publisher *p, uint64_t now_ms, enum publisher_throttle *ret_by)
{
	uint64_t at;
	size_t max = p->health.outage == PUBLISHER_OK ? p->config.max_in_flight : 1;

	if (p->in_flight >= max)
		return UINT64_MAX;
	if (p->open_ms > now_ms)
		return p->open_ms;
	if (p->health.until_ms > now_ms) {
		if (p->health.outage == PUBLISHER_OVERLOADED)
			*ret_by = PUBLISHER_THROTTLE_SERVER;
		return p->health.until_ms;
	}
	at = rate_limit_next_ms(&p->writes, now_ms);
	if (at > now_ms)
		*ret_by = PUBLISHER_THROTTLE_CLIENT;
	return at;
}

/* What the last pass found held until now. */
static uint64_t throttled_for(const struct publisher *p, uint64_t now_ms)
{
	return now_ms > p->throttle_ms ? now_ms - p->throttle_ms : 0;
}

static void count_throttle(struct publisher *p, uint64_t now_ms)
{
	if (p->throttle != PUBLISHER_THROTTLE_MAX)
		p->stats.throttled_ms[p->throttle] += throttled_for(p, now_ms);
	p->throttle = PUBLISHER_THROTTLE_MAX;
	p->throttle_ms = now_ms;
}

void publisher_set_rate(struct publisher *p, uint64_t now_ms, unsigned writes_per_s)
{
	if (!writes_per_s || writes_per_s == p->config.writes_per_s)
		return;
	p->config.writes_per_s = writes_per_s;
	if (p->started)
		rate_limit_init(&p->writes, writes_per_s, p->config.write_burst, now_ms);
}

static void start(struct publisher *p, uint64_t now_ms)
{
	uint64_t jitter = p->config.start_jitter_ms;

	p->started = true;
	rate_limit_init(&p->writes, p->config.writes_per_s, p->config.write_burst, now_ms);
	rate_limit_init(&p->retries, RETRIES_PER_S, RETRIES_PER_S, now_ms);
	p->open_ms = now_ms + (jitter ? p->deps.env->random(p->deps.ctx) % (jitter + 1) : 0);
}

/* Returns when the slot has to be looked at again, 0 for at once. The slot may be gone. */
static uint64_t follow_plan(struct slot *s, uint64_t now_ms, struct plan plan,
			    const struct core_pod_view *view)
{
	enum publisher_throttle by = PUBLISHER_THROTTLE_MAX;
	struct publisher *p = s->p;
	uint64_t at;

	switch (plan.kind) {
	case PLAN_FREE:
		slot_free(s);
		return UINT64_MAX;
	case PLAN_IDLE:
		list_del(&s->active);
		return UINT64_MAX;
	case PLAN_WAIT:
		s->due_ms = plan.at_ms;
		return plan.at_ms;
	case PLAN_SEND:
		break;
	}
	at = send_at(p, now_ms, &by);
	if (at < p->health.verb_until_ms[plan.verb])
		at = p->health.verb_until_ms[plan.verb];
	else if (by != PUBLISHER_THROTTLE_MAX)
		p->throttle = by;
	if (at > now_ms)
		return at;
	if (!slot_send(s, now_ms, plan.verb, view))
		return 0;
	/* To the end of the queue, so that no pod keeps others waiting. */
	list_del(&s->active);
	return UINT64_MAX;
}

static uint64_t work_on(struct slot *s, uint64_t now_ms)
{
	struct core_pod_view view = {0};
	const struct pod_entry *target = slot_target(s, &view);
	uint64_t retry_ms = UINT64_MAX;
	uint64_t at;

	if (target && (!s->pod_uid || strcmp(s->pod_uid, target->uid) != 0)) {
		if (s->in_flight) {
			list_del(&s->active); /* the answer is about the pod before */
			return UINT64_MAX;
		}
		if (slot_bind(s, target) < 0)
			return now_ms + 1000;
	}
	if (target)
		retry_ms = slot_retry(s, now_ms, target, &view);
	if (!view.uid)
		target = NULL;
	at = follow_plan(s, now_ms, slot_plan(s, now_ms, target, &view), &view);
	if (retry_ms == UINT64_MAX)
		return at;
	/* A token waits for its time: the slot stays in the queue, whatever else it waits for. */
	if (list_empty(&s->active)) {
		list_append(&s->p->active, &s->active);
		s->due_ms = retry_ms;
	} else if (s->due_ms > retry_ms) {
		s->due_ms = retry_ms;
	}
	return retry_ms < at ? retry_ms : at;
}

static uint64_t work_pass(struct publisher *p, uint64_t now_ms, bool urgent)
{
	uint64_t next = UINT64_MAX;

	list_for_each_safe (it, nxt, &p->active) {
		struct slot *s = list_entry(it, struct slot, active);
		uint64_t at = s->due_ms;

		if (s->urgent != urgent)
			continue;
		if (at <= now_ms)
			at = work_on(s, now_ms);
		if (at < next)
			next = at;
	}
	return next;
}

/* Pods that are gone, beyond what is worth remembering: the oldest are left to the cluster. */
static void drop_ghosts(struct publisher *p)
{
	list_for_each_safe (it, nxt, &p->active) {
		struct slot *s = list_entry(it, struct slot, active);

		if (p->nr_ghosts <= GHOSTS_MAX)
			return;
		if (s->alive || s->in_flight)
			continue;
		p->stats.dropped++;
		slot_free(s);
	}
}

void publisher_work(struct publisher *p, uint64_t now_ms)
{
	uint64_t urgent, other;

	if (!p->started)
		start(p, now_ms);
	if (now_ms < p->next_ms)
		return;
	p->next_ms = UINT64_MAX;
	count_throttle(p, now_ms);
	drop_ghosts(p);
	urgent = work_pass(p, now_ms, true);
	other = work_pass(p, now_ms, false);
	if (urgent < p->next_ms)
		p->next_ms = urgent;
	if (other < p->next_ms)
		p->next_ms = other;
	publisher_tell_news(p);
}

uint64_t publisher_next_ms(const struct publisher *p)
{
	return p->next_ms;
}

void publisher_get_stats(const struct publisher *p, struct publisher_stats *ret)
{
	const struct slot *s;
	size_t i = 0;

	*ret = p->stats;
	if (p->throttle != PUBLISHER_THROTTLE_MAX)
		ret->throttled_ms[p->throttle] +=
			throttled_for(p, p->deps.env->now_ms(p->deps.ctx));
	ret->state = health_state(&p->health);
	ret->watch_synced = p->watch_synced;
	ret->api_pods = p->index.by_name.nr;
	ret->in_flight = p->in_flight;
	while ((s = strmap_next(&p->slots, &i))) {
		ret->pods += s->alive;
		ret->published += s->object == OBJECT_OURS;
		ret->waiting += !list_empty(&s->active) || s->in_flight;
	}
}
