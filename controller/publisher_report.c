/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Transitions worth an Event: into trouble, from one trouble into another, out of it, and
 * the end of a retry that was asked for. A pod that never had trouble makes none.
 */

#include "publisher_priv.h"

#include <stdio.h>
#include <string.h>

bool view_in_trouble(const struct core_pod_view *view)
{
	if (view->queued || strcmp(view->reason, "Pending") == 0)
		return false;
	return view->group_state == CORE_GROUP_FAILED ||
	       view->reconciled_containers < view->total_containers;
}

static void emit(struct slot *s, bool warning, const char *reason, const char *action,
		 const char *note)
{
	const struct publisher_deps *d = &s->p->deps;
	const struct publisher_transition t = {
		.namespace_ = s->namespace_,
		.name = s->name,
		.pod_uid = s->pod_uid,
		.object_uid = s->object == OBJECT_OURS ? s->object_uid : "",
		.warning = warning,
		.reason = reason,
		.action = action,
		.note = note,
	};

	if (d->on_transition)
		d->on_transition(d->ctx, &t);
}

static void tell(struct slot *s, const struct core_pod_view *view, bool trouble)
{
	const char *tail = s->p->config.simulated ? " (simulated resctrl)" : "";
	bool has_group = view->group_state == CORE_GROUP_EXISTS;
	char note[STATUS_MESSAGE_MAX + 128];

	if (!trouble)
		(void)snprintf(note, sizeof(note), "all %u containers are in the resctrl group%s",
			       view->total_containers, tail);
	else if (has_group)
		(void)snprintf(note, sizeof(note),
			       "%u of %u containers are in the resctrl group: %.*s%s",
			       view->reconciled_containers, view->total_containers,
			       STATUS_MESSAGE_MAX, view->message, tail);
	else
		(void)snprintf(note, sizeof(note), "the pod has no resctrl group: %.*s%s",
			       STATUS_MESSAGE_MAX, view->message, tail);
	emit(s, trouble, view->reason, has_group ? "AssignTasks" : "CreateGroup", note);
}

void slot_report(struct slot *s, const struct core_pod_view *view, bool is_news)
{
	bool trouble = view_in_trouble(view);
	const char *told = s->told_trouble ? s->told_trouble : "";
	bool is_same = strcmp(told, trouble ? view->reason : "") == 0;

	/* Not yet well again: what comes of it is told when it is there. */
	if (!trouble && (view->queued || strcmp(view->reason, "Pending") == 0))
		return;
	if (is_same)
		return;
	s->told_trouble = trouble ? view->reason : NULL;
	if (is_news)
		tell(s, view, trouble);
}

void slot_report_retry(struct slot *s)
{
	const struct status_retry *r = s->retry;
	bool failed =
		r->result != STATUS_RETRY_SUCCEEDED && r->result != STATUS_RETRY_NOTHING_TO_DO;
	char reason[64], note[STATUS_REASON_MAX + STATUS_MESSAGE_MAX + 64];

	(void)snprintf(reason, sizeof(reason), "Retry%s", status_retry_result_name(r->result));
	(void)snprintf(note, sizeof(note), "the retry that was asked for: %s%s%s", r->reason,
		       r->message[0] ? ": " : "", r->message);
	emit(s, failed, reason, "Retry", note);
}
