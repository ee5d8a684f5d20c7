/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the core reports. An event goes out only here, only with the state as it is at
 * that moment, and only when it differs from the pod's last one; so the events of a pod
 * come in the order of its states, and none says the same twice.
 */

#include "core_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void notice(struct core *core, enum core_notice_kind kind, const struct pod *pod,
	    const struct container *c, const char *fmt, ...)
{
	struct core_notice n = {
		.kind = kind,
		.pod_uid = "",
		.pod_namespace = "",
		.pod_name = "",
		.container_id = "",
		.reason = "",
	};
	char text[TEXT_MAX];
	va_list ap;

	if (!core->deps.on_notice)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n.text = text;
	if (pod) {
		n.pod_uid = pod->uid;
		n.pod_namespace = str_or_empty(pod->namespace_);
		n.pod_name = str_or_empty(pod->name);
		if (pod->state == POD_FAILED)
			n.reason = rs_reason(pod->code);
	}
	if (c) {
		n.container_id = c->id;
		n.reason = str_or_empty(c->reason);
	}
	core->deps.on_notice(core->deps.ctx, &n);
}

void notice_ignored(struct core *core, const char *what, const char *id, const char *why)
{
	notice(core, CORE_NOTICE_IGNORED, NULL, NULL, "%s '%.64s' left aside: %s", what,
	       str_or_empty(id), why);
}

void notice_put_off(struct core *core, const struct pod *pod, const struct container *c)
{
	core->put_off++;
	notice(core, CORE_NOTICE_PUT_OFF, pod, c, "%s",
	       c ? "not all of its tasks are in the group yet; they come next"
		 : "it has no group yet; that comes next");
}

/* The control group that the group's path begins with; "" without a group, too. */
static const char *parent_to_tell(const struct pod *pod)
{
	return pod->path ? str_or_empty(pod->parent) : "";
}

/* The group's name never changes, so its path is the same when its parent is. */
static bool was_told(const struct pod *pod, const struct core_event *event)
{
	const struct told *last = &pod->told;

	return last->announced && last->state == event->group_state &&
	       last->total == event->total_containers &&
	       last->reconciled == event->reconciled_containers &&
	       strcmp(str_or_empty(last->parent), parent_to_tell(pod)) == 0;
}

/* Without memory for the parent the same may be told again, which does no harm. */
static void remember_told(struct pod *pod, const struct core_event *event)
{
	const char *parent = parent_to_tell(pod);

	free(steal_ptr(&pod->told.parent));
	if (*parent)
		pod->told.parent = strdup(parent);
	pod->told.announced = true;
	pod->told.state = event->group_state;
	pod->told.total = event->total_containers;
	pod->told.reconciled = event->reconciled_containers;
}

void pod_report(struct core *core, struct pod *pod)
{
	char path[RS_PATH_MAX + 4096];
	struct core_event event = {
		.kind = CORE_ADD_OR_UPDATE,
		.pod_uid = pod->uid,
		.pod_namespace = str_or_empty(pod->namespace_),
		.pod_name = str_or_empty(pod->name),
		.group_state = pod->state == POD_EXISTS ? CORE_GROUP_EXISTS : CORE_GROUP_FAILED,
		.group_path = path,
		.total_containers = pod->total,
		.reconciled_containers = pod->reconciled,
	};

	if (pod->state == POD_QUEUED || pod->state == POD_RELEASED)
		return;
	if (was_told(pod, &event)) {
		if (pod->detail_dirty)
			notice(core, CORE_NOTICE_DETAIL_CHANGED, pod, NULL, "details changed");
		pod->detail_dirty = false;
		return;
	}
	path[0] = '\0';
	if (pod->path)
		(void)snprintf(path, sizeof(path), "%s/%s", core->config.root, pod->path);
	remember_told(pod, &event);
	pod->detail_dirty = false;
	core->events_emitted++;
	core->deps.on_event(core->deps.ctx, &event);
}

void pod_report_removed(struct core *core, struct pod *pod)
{
	struct core_event event = {
		.kind = CORE_REMOVED,
		.pod_uid = pod->uid,
		.pod_namespace = str_or_empty(pod->namespace_),
		.pod_name = str_or_empty(pod->name),
		.group_path = "",
	};

	if (!pod->told.announced)
		return;
	pod->told.announced = false;
	core->events_emitted++;
	core->deps.on_event(core->deps.ctx, &event);
}
