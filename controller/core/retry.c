/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What failed, tried again: on request, when one of our groups goes away, and by timer
 * with back-off. Room for groups is handed out in the order in which the pods failed.
 */

#include "core_priv.h"

#include <errno.h>
#include <stdio.h>

#define LIMBO_FIRST_MS     1000 /* the kernel looks for drained RMIDs about once a second */
#define CONTAINER_FIRST_MS 1000

/* What finding a container takes, in tasks that could be written meanwhile. */
#define RETRY_CONTAINER_COST 8

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* FIRST_MS doubled ATTEMPTS times, at most the configured maximum, give or take a quarter. */
uint64_t backoff_ms(struct core *core, uint64_t first_ms, unsigned attempts)
{
	uint64_t max = core->config.tuning.retry_backoff_max_ms;
	uint64_t delay = first_ms;

	while (attempts-- && delay < max)
		delay *= 2;
	if (delay > max && max >= first_ms)
		delay = max;
	delay = delay - delay / 4 + core_random(core) % (delay / 2 + 1);
	return delay ? delay : 1;
}

static void due_by(struct core *core, uint64_t at)
{
	core->retry_due = smaller(core->retry_due, at);
}

void retry_arm_pod(struct core *core, uint64_t now_ms, struct pod *pod)
{
	uint64_t first = core->config.tuning.retry_interval_ms;

	if (!first)
		return;
	if (pod->code == -EBUSY)
		first = smaller(first, LIMBO_FIRST_MS);
	pod->retry_at = now_ms + backoff_ms(core, first, pod->attempts++);
	due_by(core, pod->retry_at);
}

void retry_arm_container(struct core *core, uint64_t now_ms, struct container *c)
{
	uint64_t first = smaller(core->config.tuning.retry_interval_ms, CONTAINER_FIRST_MS);

	if (!first || c->where != IN_PARTIAL)
		return;
	c->retry_at = now_ms + backoff_ms(core, first, c->attempts++);
	due_by(core, c->retry_at);
}

static struct pod *oldest_without_room(struct core *core)
{
	list_for_each (it, &core->failed) {
		struct pod *pod = list_entry(it, struct pod, state_link);

		if (is_capacity(pod->code))
			return pod;
	}
	return NULL;
}

static void wake_oldest(struct core *core, uint64_t now_ms)
{
	struct pod *pod = oldest_without_room(core);

	if (!pod || !core->config.tuning.retry_interval_ms)
		return;
	pod->retry_at = now_ms;
	pod->attempts = 0;
	due_by(core, now_ms);
}

void retry_group_went_away(struct core *core, uint64_t now_ms)
{
	wake_oldest(core, now_ms);
}

/* ---- by timer ------------------------------------------------------------------------- */

/* Whoever is due without room asks for the one that has waited longest. */
static struct pod *due_pod(struct core *core, uint64_t now_ms, uint64_t *earliest)
{
	list_for_each (it, &core->failed) {
		struct pod *pod = list_entry(it, struct pod, state_link);

		if (pod->retry_at <= now_ms)
			return is_capacity(pod->code) ? oldest_without_room(core) : pod;
		*earliest = smaller(*earliest, pod->retry_at);
	}
	return NULL;
}

static struct container *due_container(struct core *core, uint64_t now_ms, uint64_t *earliest)
{
	list_for_each (it, &core->partial) {
		struct container *c = list_entry(it, struct container, work_link);

		if (c->retry_at <= now_ms)
			return c;
		*earliest = smaller(*earliest, c->retry_at);
	}
	return NULL;
}

/* There is no room for anybody: all who are due wait for their next turn. */
static void put_off_others(struct core *core, uint64_t now_ms)
{
	list_for_each (it, &core->failed) {
		struct pod *pod = list_entry(it, struct pod, state_link);

		if (is_capacity(pod->code) && pod->retry_at <= now_ms)
			retry_arm_pod(core, now_ms, pod);
	}
}

static void count_timer_retry(struct core *core, int r)
{
	if (r == 0 || r == -EINPROGRESS)
		core->timer_retries_good++;
	else
		core->timer_retries_bad++;
}

static void retry_pod_step(struct core *core, uint64_t now_ms, struct pod *pod)
{
	int r = group_try(core, now_ms, pod, NULL);

	count_timer_retry(core, r);
	pod_report(core, pod);
	if (r == 0)
		wake_oldest(core, now_ms);
	else if (is_capacity(r))
		put_off_others(core, now_ms);
}

bool retry_step(struct core *core, uint64_t now_ms)
{
	uint64_t earliest = UINT64_MAX;
	struct container *c;
	struct pod *pod;

	if (!core->config.tuning.retry_interval_ms || now_ms < core->retry_due)
		return false;
	pod = due_pod(core, now_ms, &earliest);
	if (pod) {
		retry_pod_step(core, now_ms, pod);
		return true;
	}
	c = due_container(core, now_ms, &earliest);
	if (!c) {
		core->retry_due = earliest;
		return false;
	}
	pod = c->pod;
	count_timer_retry(core, container_try(core, now_ms, c, TRY_STEP, NULL));
	pod_report(core, pod);
	return true;
}

/* ---- on request ------------------------------------------------------------------------ */

int core_retry_group_creation(struct core *core, uint64_t now_ms, const char *pod_uid,
			      struct err *e)
{
	struct pod *pod = id_is_valid(pod_uid) ? strmap_get(&core->pods, pod_uid) : NULL;
	int r;

	if (!pod || pod->state == POD_RELEASED)
		return err_set(e, -ENOKEY, "no such pod");
	r = group_try(core, now_ms, pod, e);
	pod_report(core, pod);
	return r;
}

static enum core_container_state public_state(const struct container *c)
{
	if (!c->pod)
		return CORE_CONTAINER_NO_POD;
	return c->state == CONTAINER_RECONCILED ? CORE_CONTAINER_RECONCILED
						: CORE_CONTAINER_PARTIAL;
}

/* Not wholly placed is a state; only an attempt that broke off is an error. */
static bool is_mere_state(int r)
{
	return r == 0 || r == -ESRCH || r == -EAGAIN || r == -EXDEV;
}

/* All steps in one go: who asks for one container wants to know what came of it. */
static int try_wholly(struct core *core, uint64_t now_ms, struct container *c, struct err *e)
{
	int r;

	do {
		r = container_try(core, now_ms, c, TRY_STEP, e);
	} while (r == -EINPROGRESS);
	return r;
}

int core_retry_container_reconcile(struct core *core, uint64_t now_ms, const char *container_id,
				   enum core_container_state *ret_state, struct err *e)
{
	struct container *c =
		id_is_valid(container_id) ? strmap_get(&core->containers, container_id) : NULL;
	struct err own = {0};
	int r = 0;

	if (!c)
		return err_set(e, -ENOKEY, "no such container");
	if (c->pod && c->pod->state == POD_EXISTS) {
		r = try_wholly(core, now_ms, c, &own);
		pod_report(core, c->pod);
		if (!is_mere_state(r))
			return err_set(e, r, "%s", own.msg);
	}
	*ret_state = public_state(c);
	return 0;
}

static void note_error(struct core_retry_report *ret, const struct err *e)
{
	if (!ret->errors++)
		ret->first_error = *e;
}

static int retry_group(struct core *core, uint64_t now_ms, struct pod *pod,
		       struct core_retry_report *ret)
{
	struct err e = {0};
	int r = group_try(core, now_ms, pod, &e);

	ret->groups_tried++;
	if (r == 0)
		ret->groups_created++;
	else
		note_error(ret, &e);
	if (is_capacity(r))
		ret->stopped_on_capacity = true;
	pod_report(core, pod);
	return r;
}

static void retry_container(struct core *core, uint64_t now_ms, struct container *c,
			    struct core_retry_report *ret)
{
	struct pod *pod = c->pod;
	struct err e = {0};
	int r = try_wholly(core, now_ms, c, &e);

	ret->containers_tried++;
	if (r == 0)
		ret->containers_reconciled++;
	else if (!is_mere_state(r))
		note_error(ret, &e);
	pod_report(core, pod);
}

static void retry_groups(struct core *core, uint64_t now_ms, struct core_retry_report *ret)
{
	list_for_each_safe (it, nxt, &core->failed) {
		struct pod *pod = list_entry(it, struct pod, state_link);

		/* For one that lacks room the pass is over; others fail for reasons of their own.
		 */
		if (ret->stopped_on_capacity && is_capacity(pod->code))
			continue;
		if (is_capacity(retry_group(core, now_ms, pod, ret)))
			put_off_others(core, now_ms);
	}
}

static void retry_containers(struct core *core, uint64_t now_ms, struct core_retry_report *ret)
{
	core->pass++;
	while (!list_empty(&core->partial)) {
		struct container *c = list_entry(core->partial.next, struct container, work_link);

		/* What stays partial goes to the end: the first one seen before ends the pass. */
		if (c->pass == core->pass)
			return;
		c->pass = core->pass;
		retry_container(core, now_ms, c, ret);
	}
}

void core_retry_all_once(struct core *core, uint64_t now_ms, struct core_retry_report *ret)
{
	*ret = (struct core_retry_report){0};
	cleanup_now(core);
	(void)tombstones_try(core, now_ms, core->nr_tombstones); /* they free RMIDs */
	retry_groups(core, now_ms, ret);
	retry_containers(core, now_ms, ret);
}

/* Is it among those that an attempt has asked for, and was it not tried (wholly) yet? */
static bool is_awaited(const struct container *c)
{
	return c->asked && c->where == IN_QUEUE;
}

static void note_container(struct container *c, struct core_retry_report *ret)
{
	struct err e = {.code = c->code};

	c->asked = false;
	ret->containers_tried++;
	if (c->state == CONTAINER_RECONCILED) {
		ret->containers_reconciled++;
	} else if (!is_mere_state(c->code)) {
		(void)snprintf(e.msg, sizeof(e.msg), "%s", str_or_empty(c->message));
		note_error(ret, &e);
	}
}

/* -EINPROGRESS as long as a container is awaited. Those that went away were not to be tried. */
static int collect_retry(struct pod *pod, struct core_retry_report *ret)
{
	list_for_each (it, &pod->containers) {
		if (is_awaited(list_entry(it, struct container, link)))
			return -EINPROGRESS;
	}
	*ret = *pod->retry;
	free(steal_ptr(&pod->retry));
	list_for_each (it, &pod->containers) {
		struct container *c = list_entry(it, struct container, link);

		if (c->asked)
			note_container(c, ret);
	}
	return 0;
}

/* The first ones at once, as far as one step goes; the others are queued work. */
static void ask_containers(struct core *core, uint64_t now_ms, struct pod *pod)
{
	size_t placed = 0;

	list_for_each_safe (it, nxt, &pod->containers) {
		struct container *c = list_entry(it, struct container, link);

		c->asked = c->state != CONTAINER_RECONCILED && !c->created;
		if (!c->asked)
			continue;
		if (placed >= core->config.step_tasks) {
			container_queue_again(core, c);
			continue;
		}
		(void)container_try(core, now_ms, c, TRY_STEP, NULL);
		placed += core->seen.nr + RETRY_CONTAINER_COST;
		pod_report(core, pod);
	}
}

int core_retry_pod(struct core *core, uint64_t now_ms, const char *pod_uid,
		   struct core_retry_report *ret, struct err *e)
{
	struct pod *pod = id_is_valid(pod_uid) ? strmap_get(&core->pods, pod_uid) : NULL;

	if (!pod || pod->state == POD_RELEASED)
		return err_set(e, -ENOKEY, "no such pod");
	if (!pod->retry)
		pod->retry = malloc(sizeof(*pod->retry));
	if (!pod->retry)
		return err_set(e, -ENOMEM, "retry: out of memory");
	*pod->retry = (struct core_retry_report){0};
	if (pod->state == POD_EXISTS || retry_group(core, now_ms, pod, pod->retry) == 0)
		ask_containers(core, now_ms, pod);
	return collect_retry(pod, ret);
}

int core_retry_pod_result(struct core *core, const char *pod_uid, struct core_retry_report *ret)
{
	struct pod *pod = id_is_valid(pod_uid) ? strmap_get(&core->pods, pod_uid) : NULL;

	return pod && pod->retry ? collect_retry(pod, ret) : -ENOKEY;
}
