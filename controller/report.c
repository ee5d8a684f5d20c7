/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "log.h"

#include <stdio.h>

void report_event(struct log *log, const struct core_event *event, bool is_bulk)
{
	enum log_level level = is_bulk ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
	bool exists = event->group_state == CORE_GROUP_EXISTS;
	char containers[32];

	if (event->kind == CORE_REMOVED) {
		log_write(log, level, "pod removed", "pod", event->pod_name, "namespace",
			  event->pod_namespace, "uid", event->pod_uid, NULL);
		return;
	}
	(void)snprintf(containers, sizeof(containers), "%u/%u", event->reconciled_containers,
		       event->total_containers);
	log_write(log, level, exists ? "pod has its group" : "pod has no group", "pod",
		  event->pod_name, "namespace", event->pod_namespace, "uid", event->pod_uid,
		  "state", exists ? "Exists" : "Failed", "containers", containers, "group",
		  event->group_path, NULL);
}

void report_notice(struct log *log, const struct core_notice *notice)
{
	static const struct {
		enum log_level level;
		const char *msg;
	} lines[] = {
		[CORE_NOTICE_DETAIL_CHANGED] = {LOG_LEVEL_DEBUG, "detail changed"},
		[CORE_NOTICE_GROUP_CREATED] = {LOG_LEVEL_DEBUG, "group created"},
		[CORE_NOTICE_GROUP_ADOPTED] = {LOG_LEVEL_DEBUG, "group adopted"},
		[CORE_NOTICE_GROUP_FAILED] = {LOG_LEVEL_WARN, "cannot make a group"},
		[CORE_NOTICE_GROUP_DELETED] = {LOG_LEVEL_DEBUG, "group deleted"},
		[CORE_NOTICE_GROUP_LOST] = {LOG_LEVEL_WARN, "group lost"},
		[CORE_NOTICE_DELETE_FAILED] = {LOG_LEVEL_WARN,
					       "cannot delete a group, will try again"},
		[CORE_NOTICE_CONTAINER_PLACED] = {LOG_LEVEL_DEBUG, "container placed"},
		[CORE_NOTICE_CONTAINER_PARTIAL] = {LOG_LEVEL_WARN, "container not wholly placed"},
		/* Children that inherited the group are among them, so this is no news. */
		[CORE_NOTICE_AUDIT_MOVED] = {LOG_LEVEL_DEBUG, "audit wrote tasks to their group"},
		[CORE_NOTICE_CLEANUP_DONE] = {LOG_LEVEL_INFO, "cleanup done"},
		[CORE_NOTICE_PUT_OFF] = {LOG_LEVEL_INFO,
					 "answered the runtime before all was done"},
		[CORE_NOTICE_IGNORED] = {LOG_LEVEL_WARN, "ignored what cannot be right"},
	};

	log_write(log, lines[notice->kind].level, lines[notice->kind].msg, "pod", notice->pod_name,
		  "namespace", notice->pod_namespace, "uid", notice->pod_uid, "container",
		  notice->container_id, "reason", notice->reason, "detail", notice->text, NULL);
}

const char *report_notice_name(enum core_notice_kind kind)
{
	static const char *const names[] = {
		[CORE_NOTICE_DETAIL_CHANGED] = "DetailChanged",
		[CORE_NOTICE_GROUP_CREATED] = "GroupCreated",
		[CORE_NOTICE_GROUP_ADOPTED] = "GroupAdopted",
		[CORE_NOTICE_GROUP_FAILED] = "GroupFailed",
		[CORE_NOTICE_GROUP_DELETED] = "GroupDeleted",
		[CORE_NOTICE_GROUP_LOST] = "GroupLost",
		[CORE_NOTICE_DELETE_FAILED] = "DeleteFailed",
		[CORE_NOTICE_CONTAINER_PLACED] = "ContainerPlaced",
		[CORE_NOTICE_CONTAINER_PARTIAL] = "ContainerPartial",
		[CORE_NOTICE_AUDIT_MOVED] = "AuditMoved",
		[CORE_NOTICE_CLEANUP_DONE] = "CleanupDone",
		[CORE_NOTICE_PUT_OFF] = "PutOff",
		[CORE_NOTICE_IGNORED] = "Ignored",
	};
	_Static_assert(ARRAY_LEN(names) == CORE_NOTICE_IGNORED + 1, "one name per notice");

	return names[kind];
}

const char *report_group_state(enum core_group_state state)
{
	return state == CORE_GROUP_EXISTS ? "Exists" : "Failed";
}

const char *report_container_state(enum core_container_state state)
{
	static const char *const names[] = {
		[CORE_CONTAINER_NO_POD] = "NoPod",
		[CORE_CONTAINER_PARTIAL] = "Partial",
		[CORE_CONTAINER_RECONCILED] = "Reconciled",
	};

	return names[state];
}
