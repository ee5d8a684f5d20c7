/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the core reports. An event goes out only here, only with the state as it is at
 * that moment, and only when it differs from the pod's last one; so the events of a pod
 * come in the order of its states, and none says the same twice.
 */

#include "core_priv.h"

#include <stdarg.h>
#include <stdio.h>

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

static bool was_told(const struct pod *pod, const struct told *now)
{
	const struct told *last = &pod->told;

	return last->announced && last->state == now->state &&
	       last->path_serial == now->path_serial && last->total == now->total &&
	       last->reconciled == now->reconciled;
}

void pod_report(struct core *core, struct pod *pod)
{
	char path[RS_PATH_MAX + 4096];
	struct told now = {
		.announced = true,
		.state = pod->state == POD_EXISTS ? CORE_GROUP_EXISTS : CORE_GROUP_FAILED,
		.path_serial = pod->path_serial,
		.total = pod->total,
		.reconciled = pod->reconciled,
	};
	struct core_event event = {
		.kind = CORE_ADD_OR_UPDATE,
		.pod_uid = pod->uid,
		.pod_namespace = str_or_empty(pod->namespace_),
		.pod_name = str_or_empty(pod->name),
		.group_state = now.state,
		.group_path = path,
		.total_containers = now.total,
		.reconciled_containers = now.reconciled,
	};

	if (pod->state == POD_QUEUED || pod->state == POD_RELEASED)
		return;
	if (was_told(pod, &now)) {
		if (pod->detail_dirty)
			notice(core, CORE_NOTICE_DETAIL_CHANGED, pod, NULL, "details changed");
		pod->detail_dirty = false;
		return;
	}
	path[0] = '\0';
	if (pod->path)
		(void)snprintf(path, sizeof(path), "%s/%s", core->config.root, pod->path);
	pod->told = now;
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
