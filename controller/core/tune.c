/* SPDX-License-Identifier: Apache-2.0 */

/* What of the configuration can be changed while the core works. */

#include "core_priv.h"

/* Everything that failed waits by the new interval, from now on; with 0 nothing waits. */
static void arm_retries(struct core *core, uint64_t now_ms)
{
	core->retry_due = UINT64_MAX;
	list_for_each (it, &core->failed) {
		struct pod *pod = list_entry(it, struct pod, state_link);

		pod->attempts = 0;
		retry_arm_pod(core, now_ms, pod);
	}
	list_for_each (it, &core->partial) {
		struct container *c = list_entry(it, struct container, work_link);

		c->attempts = 0;
		retry_arm_container(core, now_ms, c);
	}
	tombstones_rearm(core, now_ms);
}

/* The turns are spread over the new interval. */
static void restart_ring(struct ring *ring)
{
	ring->next_us = 0;
	ring->wake_ms = 0;
}

static void release_stopped(struct core *core, uint64_t now_ms)
{
	list_for_each_safe (it, nxt, &core->pod_list) {
		struct pod *pod = list_entry(it, struct pod, link);

		if (pod->state != POD_RELEASED && !list_empty(&pod->sandboxes) &&
		    pod_has_stopped(pod))
			pod_release(core, now_ms, pod);
	}
}

void core_tune(struct core *core, uint64_t now_ms, const struct core_tuning *tuning)
{
	const struct core_tuning old = core->config.tuning;
	bool retries_changed = old.retry_interval_ms != tuning->retry_interval_ms ||
			       old.retry_backoff_max_ms != tuning->retry_backoff_max_ms;
	bool audit_changed = old.audit_interval_ms != tuning->audit_interval_ms;
	bool more_room = tuning->rmid_reserve < old.rmid_reserve;

	core->config.tuning = *tuning;
	if (tuning->max_reconcile_passes < 1)
		core->config.tuning.max_reconcile_passes = old.max_reconcile_passes;
	if (retries_changed)
		arm_retries(core, now_ms);
	if (audit_changed) {
		restart_ring(&core->pod_ring);
		restart_ring(&core->container_ring);
	}
	if (tuning->release_on_sandbox_stop)
		release_stopped(core, now_ms);
	if (more_room)
		retry_group_went_away(core, now_ms);
}
