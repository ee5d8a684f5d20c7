/* SPDX-License-Identifier: Apache-2.0 */

/* The node's side: pods, containers, RMIDs, the runtime, the daemon itself. */

#include "metrics_priv.h"

#include "report.h"

#include <string.h>

void metrics_count_event(struct metrics_counts *counts, const struct core_event *event)
{
	counts->events[event->kind]++;
}

void metrics_count_notice(struct metrics_counts *counts, const struct core_notice *notice)
{
	counts->notices[notice->kind]++;
	if (notice->kind != CORE_NOTICE_GROUP_FAILED)
		return;
	for (size_t i = 0; i < METRICS_REASONS_MAX; i++) {
		const char *known = counts->failures[i].reason;

		if (known && strcmp(known, notice->reason) != 0)
			continue;
		/* The core's reasons of pods are static texts. */
		counts->failures[i].reason = notice->reason;
		counts->failures[i].nr++;
		return;
	}
}

static void add_build(const struct metrics_input *in, struct strbuf *out)
{
	metrics_family(out, "podresctrl_build_info", METRICS_GAUGE,
		       "Always 1; the labels say what runs.");
	metrics_uint(out, "podresctrl_build_info", 1, "version", PODRESCTRL_VERSION, "resctrl",
		     in->simulated ? "simulated" : "real", "group_kind",
		     in->group_kind == RS_GROUP_MON ? "mon" : "ctrl", NULL);
}

static void add_pods(const struct metrics_input *in, struct strbuf *out)
{
	const struct core_stats *c = &in->core;
	static const char *const pods = "podresctrl_pods";
	static const char *const containers = "podresctrl_containers";

	metrics_family(out, pods, METRICS_GAUGE, "Pods that the runtime told of.");
	metrics_uint(out, pods, c->pods_existing, "state", "Exists", NULL);
	metrics_uint(out, pods, c->pods_failed, "state", "Failed", NULL);
	metrics_uint(out, pods, c->pods - c->pods_existing - c->pods_failed, "state", "Other",
		     NULL);
	metrics_family(out, containers, METRICS_GAUGE, "Containers that the runtime told of.");
	metrics_uint(out, containers, c->containers_reconciled, "state", "Reconciled", NULL);
	metrics_uint(out, containers, c->containers_partial, "state", "Partial", NULL);
	metrics_uint(out, containers, c->containers_no_pod, "state", "NoPod", NULL);
	metrics_gauge(out, "podresctrl_containers_without_group",
		      "Of the Partial ones, those whose pod has no group.", c->containers_no_group);
}

static void add_core(const struct metrics_input *in, struct strbuf *out)
{
	const struct core_stats *c = &in->core;

	metrics_gauge(out, "podresctrl_synchronized",
		      "1 when all that the runtime listed has been worked through once.",
		      c->synchronized);
	metrics_gauge(out, "podresctrl_core_queue_depth", "Steps of placement work that wait.",
		      c->queued);
	metrics_gauge(out, "podresctrl_groups_to_remove",
		      "Groups whose removal failed and is tried again.", c->tombstones);
	metrics_counter(out, "podresctrl_answers_put_off_total",
			"Events of the runtime that were answered before all was done.",
			c->put_off);
	metrics_family(out, "podresctrl_events_total", METRICS_COUNTER,
		       "Changes of pods that the core reported.");
	metrics_uint(out, "podresctrl_events_total", in->counts->events[CORE_ADD_OR_UPDATE], "kind",
		     "AddOrUpdate", NULL);
	metrics_uint(out, "podresctrl_events_total", in->counts->events[CORE_REMOVED], "kind",
		     "Removed", NULL);
	metrics_family(out, "podresctrl_notices_total", METRICS_COUNTER,
		       "What else the core reported, such as groups made and lost.");
	for (unsigned k = 0; k < ARRAY_LEN(in->counts->notices); k++)
		metrics_uint(out, "podresctrl_notices_total", in->counts->notices[k], "notice",
			     report_notice_name(k), NULL);
	metrics_family(out, "podresctrl_group_failures_total", METRICS_COUNTER,
		       "Pods that came to have no group, by reason.");
	for (size_t i = 0; i < METRICS_REASONS_MAX && in->counts->failures[i].reason; i++)
		metrics_uint(out, "podresctrl_group_failures_total", in->counts->failures[i].nr,
			     "reason", in->counts->failures[i].reason, NULL);
	metrics_family(out, "podresctrl_audits_total", METRICS_COUNTER,
		       "Placed things that were looked at again.");
	metrics_uint(out, "podresctrl_audits_total", c->pod_audits, "kind", "pod", NULL);
	metrics_uint(out, "podresctrl_audits_total", c->container_audits, "kind", "container",
		     NULL);
}

static void add_retries(const struct metrics_input *in, struct strbuf *out)
{
	static const char *const name = "podresctrl_retries_total";

	metrics_family(out, name, METRICS_COUNTER,
		       "Retries by what asked for them: the timer, the annotation, the control "
		       "socket.");
	metrics_uint(out, name, in->core.timer_retries_good, "trigger", "timer", "result",
		     "Succeeded", NULL);
	metrics_uint(out, name, in->core.timer_retries_bad, "trigger", "timer", "result", "Failed",
		     NULL);
	for (unsigned i = 0; i < STATUS_RETRY_RESULT_MAX; i++) {
		if (in->has_api)
			metrics_uint(out, name, in->api.publisher.retries[i], "trigger",
				     "annotation", "result", status_retry_result_name(i), NULL);
		if (in->control_retries && i != STATUS_RETRY_REJECTED)
			metrics_uint(out, name, in->control_retries[i], "trigger", "control",
				     "result", status_retry_result_name(i), NULL);
	}
}

static void add_rmids(const struct metrics_input *in, struct strbuf *out)
{
	static const char *const name = "podresctrl_rmids";
	const struct rs_capacity *c = &in->capacity;

	metrics_gauge(out, "podresctrl_resctrl_usable",
		      "1 when the resctrl file system is there and writable; /readyz says why not.",
		      in->resctrl_code == 0);
	metrics_gauge(out, "podresctrl_rmid_reserve", "RMIDs left to others (--rmid-reserve).",
		      in->rmid_reserve);
	metrics_family(out, name, METRICS_GAUGE,
		       "RMIDs by holder; the sum is all there are. Unused ones are free or drain.");
	if (!in->has_capacity)
		return;
	metrics_uint(out, name, c->ours, "state", "ours", NULL);
	metrics_uint(out, name, c->foreign, "state", "foreign", NULL);
	metrics_uint(out, name, 1, "state", "root", NULL);
	metrics_uint(out, name, c->unused, "state", "unused", NULL);
	metrics_family(out, "podresctrl_rmids_last_refusal", METRICS_GAUGE,
		       "1 for what the last attempt to make a group was told, if it was refused.");
	metrics_uint(out, "podresctrl_rmids_last_refusal", c->limbo == RS_LIMBO_ALL, "reason",
		     "RMIDsInLimbo", NULL);
	metrics_uint(out, "podresctrl_rmids_last_refusal", c->limbo == RS_LIMBO_NONE, "reason",
		     "OutOfRMIDs", NULL);
}

/* Only where pods take one. None are known where the hardware has no controls. */
static void add_closids(const struct metrics_input *in, struct strbuf *out)
{
	static const char *const name = "podresctrl_closids";
	const struct rs_capacity *c = &in->capacity;

	if (in->group_kind != RS_GROUP_CTRL || !in->has_capacity || !c->closids)
		return;
	metrics_family(out, name, METRICS_GAUGE, "CLOSIDs by holder; the sum is all there are.");
	metrics_uint(out, name, c->closids_ours, "state", "ours", NULL);
	metrics_uint(out, name, c->closids_foreign, "state", "foreign", NULL);
	metrics_uint(out, name, 1, "state", "root", NULL);
	metrics_uint(out, name, c->closids_unused, "state", "unused", NULL);
}

static void add_runtime(const struct metrics_input *in, struct strbuf *out)
{
	const struct runtime_link_stats *r = &in->runtime;

	if (!in->has_runtime)
		return;
	metrics_gauge(out, "podresctrl_nri_connected", "1 while the runtime is connected.",
		      r->connected);
	metrics_gauge(out, "podresctrl_nri_synchronized",
		      "1 from the runtime's snapshot until the connection is lost.",
		      r->synchronized);
	metrics_counter(out, "podresctrl_nri_connections_total", "Connections to the runtime.",
			r->connections);
	metrics_counter(out, "podresctrl_nri_losses_total", "Connections that ended by themselves.",
			r->losses);
	metrics_counter(out, "podresctrl_nri_snapshots_total", "Snapshots of all pods received.",
			r->snapshots);
	metrics_family(out, "podresctrl_nri_events_total", METRICS_COUNTER,
		       "Events of the runtime that were handled.");
	for (unsigned e = NRI_RUN_POD_SANDBOX; e <= NRI_EVENT_MAX; e++) {
		if (NRI_DEFAULT_EVENTS & NRI_EVENT_BIT(e))
			metrics_uint(out, "podresctrl_nri_events_total", r->events[e], "event",
				     nri_event_name(e), NULL);
	}
	metrics_family(out, "podresctrl_nri_answer_duration_seconds", METRICS_HISTOGRAM,
		       "From an event of the runtime to its answer; the container waits for it.");
	metrics_histogram(out, "podresctrl_nri_answer_duration_seconds", &r->answers, NULL);
}

static void add_log(const struct metrics_input *in, struct strbuf *out)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};

	metrics_family(out, "podresctrl_log_lines_total", METRICS_COUNTER, "Log lines written.");
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		metrics_uint(out, "podresctrl_log_lines_total", in->log.lines[i], "level",
			     levels[i], NULL);
	metrics_counter(out, "podresctrl_log_lines_repeated_total",
			"Log lines that were counted instead of written again.", in->log.repeated);
	metrics_counter(out, "podresctrl_log_lines_dropped_total",
			"Log lines lost because their reader was too slow.", in->log.dropped);
}

static void add_process(const struct metrics_input *in, struct strbuf *out)
{
	const struct process_stats *p = &in->process;

	if (in->has_turns) {
		metrics_family(out, "podresctrl_loop_turn_duration_seconds", METRICS_HISTOGRAM,
			       "Turns of the event loop, from waking up to waiting again.");
		metrics_histogram(out, "podresctrl_loop_turn_duration_seconds", &in->turns, NULL);
	}
	if (!in->has_process)
		return;
	metrics_family(out, "process_cpu_seconds_total", METRICS_COUNTER, "CPU time used.");
	metrics_seconds(out, "process_cpu_seconds_total", p->cpu_us, NULL);
	metrics_family(out, "process_start_time_seconds", METRICS_GAUGE,
		       "Start of the process, in seconds since 1970.");
	metrics_seconds(out, "process_start_time_seconds", (uint64_t)in->start_ms * 1000, NULL);
	metrics_gauge(out, "process_resident_memory_bytes", "Resident memory.", p->resident_bytes);
	metrics_gauge(out, "process_virtual_memory_bytes", "Virtual memory.", p->virtual_bytes);
	metrics_gauge(out, "process_open_fds", "Open file descriptors.", p->open_fds);
	metrics_gauge(out, "process_max_fds", "Most file descriptors that may be open.",
		      p->max_fds);
}

void metrics_render(const struct metrics_input *in, struct strbuf *out)
{
	add_build(in, out);
	add_pods(in, out);
	add_core(in, out);
	add_retries(in, out);
	add_rmids(in, out);
	add_closids(in, out);
	add_runtime(in, out);
	if (in->has_api)
		metrics_add_api(in, out);
	metrics_add_servers(in, out);
	add_log(in, out);
	add_process(in, out);
}
