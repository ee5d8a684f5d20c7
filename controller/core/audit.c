/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is in order is looked at again, because the runtime never tells of tasks that
 * enter a container from without (exec, probes), nor of a group that someone removed.
 * Visits are spread evenly over the interval, so each member is looked at within one. But a
 * process that wakes up pays more for it than for a visit, so those of a moment are made
 * together.
 */

#include "core_priv.h"

#include <errno.h>
#include <stdio.h>

/* Every so many audits all tasks are written, known or not: a number can be used again. */
#define FULL_EVERY 8

/* The moments: on a busy node with 30 s between audits not even one wake-up a second. */
#define MOMENTS       28
#define MOMENT_MAX_MS 2000

void ring_add(struct ring *ring, struct list *item)
{
	list_append(&ring->head, item);
	ring->nr++;
	ring->wake_ms = 0;
}

void ring_del(struct ring *ring, struct list *item)
{
	list_del(item);
	ring->nr--;
}

static uint64_t moment_ms(const struct core *core)
{
	uint64_t ms = core->config.tuning.audit_interval_ms / MOMENTS;

	return !ms ? 1 : ms < MOMENT_MAX_MS ? ms : MOMENT_MAX_MS;
}

/* A turn may have to wait for the end of its moment, and is to be in time all the same. */
static uint64_t step_us(const struct core *core, const struct ring *ring)
{
	uint64_t ms = core->config.tuning.audit_interval_ms - moment_ms(core);
	uint64_t step = ms * 1000 / (ring->nr ? ring->nr : 1);

	return step ? step : 1;
}

static uint64_t end_of_moment(const struct core *core, uint64_t us)
{
	uint64_t moment_us = moment_ms(core) * 1000;

	return (us + moment_us - 1) / moment_us * moment_us / 1000;
}

/* The next member, when its turn has come; it goes to the end. */
static struct list *ring_turn(struct core *core, struct ring *ring, uint64_t now_ms)
{
	struct list *item = ring->head.next;
	uint64_t now_us = now_ms * 1000;

	if (!ring->nr || !core->config.tuning.audit_interval_ms) {
		ring->next_us = 0;
		return NULL;
	}
	if (now_ms < ring->wake_ms)
		return NULL;
	/* The ring was empty until now, or has grown: its turns come closer together. */
	if (!ring->next_us || ring->next_us > now_us + step_us(core, ring))
		ring->next_us = now_us + step_us(core, ring);
	if (now_us < ring->next_us) {
		ring->wake_ms = end_of_moment(core, ring->next_us);
		return NULL;
	}
	/* After a long pause each is visited once, not once for every interval missed. */
	if (now_us - ring->next_us > core->config.tuning.audit_interval_ms * 1000)
		ring->next_us = now_us - core->config.tuning.audit_interval_ms * 1000;
	ring->next_us += step_us(core, ring);
	list_del(item);
	list_append(&ring->head, item);
	return item;
}

static void audit_pod(struct core *core, uint64_t now_ms, struct pod *pod)
{
	struct rs_group group = {.dev = pod->dev, .ino = pod->ino};
	struct err e = {0};
	int r;

	(void)snprintf(group.path, sizeof(group.path), "%s", pod->path);
	r = rs_group_check(core->deps.rs, &group, &e);
	if (r == -ENOENT || r == -ENODEV)
		group_lost(core, now_ms, pod, e.msg);
	pod_report(core, pod);
}

static void audit_container(struct core *core, uint64_t now_ms, struct container *c)
{
	(void)container_audit(core, now_ms, c, ++c->audits % FULL_EVERY == 0);
	pod_report(core, c->pod);
}

bool audit_step(struct core *core, uint64_t now_ms)
{
	struct list *item = ring_turn(core, &core->pod_ring, now_ms);

	if (item) {
		core->pod_audits++;
		audit_pod(core, now_ms, list_entry(item, struct pod, state_link));
		return true;
	}
	item = ring_turn(core, &core->container_ring, now_ms);
	if (item) {
		core->container_audits++;
		audit_container(core, now_ms, list_entry(item, struct container, work_link));
	}
	return item != NULL;
}

static uint64_t ring_next_ms(const struct core *core, const struct ring *ring)
{
	if (!ring->nr || !core->config.tuning.audit_interval_ms)
		return UINT64_MAX;
	return ring->wake_ms;
}

uint64_t audit_next_ms(const struct core *core)
{
	uint64_t pods = ring_next_ms(core, &core->pod_ring);
	uint64_t containers = ring_next_ms(core, &core->container_ring);

	return pods < containers ? pods : containers;
}
