/* SPDX-License-Identifier: Apache-2.0 */
#include "status_render.h"

#include "status_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES        1000 /* groupPath */
#define CONTAINER_NAME_MAX    253
#define CONTAINER_MESSAGE_MAX 128
#define CONTAINER_NOTE_MAX    80 /* room for " (64 of N containers listed)" */

static const char *const result_names[] = {
	[STATUS_RETRY_SUCCEEDED] = "Succeeded",
	[STATUS_RETRY_PARTIALLY_SUCCEEDED] = "PartiallySucceeded",
	[STATUS_RETRY_FAILED] = "Failed",
	[STATUS_RETRY_NOTHING_TO_DO] = "NothingToDo",
	[STATUS_RETRY_REJECTED] = "Rejected",
};
_Static_assert(ARRAY_LEN(result_names) == STATUS_RETRY_RESULT_MAX, "one name per result");

const char *status_retry_result_name(enum status_retry_result result)
{
	return result_names[result];
}

/* What is said of the pod as a whole, and of each condition. */
struct verdict {
	char status; /* 'T', 'F', 'U' */
	const char *reason, *message;
};

struct render {
	const struct status_input *in;
	struct strbuf *out;
	const struct core_container_view *shown[STATUS_CONTAINERS_MAX];
	size_t nr_shown;
	char reason[STATUS_REASON_MAX + 1];
	char message[STATUS_MESSAGE_MAX + 1];
};

static bool all_assigned(const struct core_pod_view *v)
{
	return v->group_state == CORE_GROUP_EXISTS && v->total_containers > 0 &&
	       v->reconciled_containers == v->total_containers;
}

/* An order that does not depend on history: by name, then by id. */
static int compare(const struct core_container_view *a, const struct core_container_view *b,
		   bool problems_first)
{
	int r;

	if (problems_first &&
	    (a->state == CORE_CONTAINER_RECONCILED) != (b->state == CORE_CONTAINER_RECONCILED))
		return a->state == CORE_CONTAINER_RECONCILED ? 1 : -1;
	r = strcmp(a->name, b->name);
	return r ? r : strcmp(a->id, b->id);
}

/*
 * Insert into the sorted list, which keeps the first STATUS_CONTAINERS_MAX of all; so a pod
 * with thousands of containers costs no more memory. An id that is there already is left
 * out: it is the key of the list in the CRD.
 */
static void show_container(struct render *r, const struct core_container_view *c,
			   bool problems_first)
{
	size_t at = r->nr_shown;

	if (!*c->id)
		return;
	for (size_t i = 0; i < r->nr_shown; i++)
		if (strcmp(r->shown[i]->id, c->id) == 0)
			return;
	while (at > 0 && compare(c, r->shown[at - 1], problems_first) < 0)
		at--;
	if (at == STATUS_CONTAINERS_MAX)
		return;
	if (r->nr_shown < STATUS_CONTAINERS_MAX)
		r->nr_shown++;
	for (size_t i = r->nr_shown - 1; i > at; i--)
		r->shown[i] = r->shown[i - 1];
	r->shown[at] = c;
}

static void choose_containers(struct render *r)
{
	const struct core_pod_view *v = r->in->view;
	bool too_many = v->nr_containers > STATUS_CONTAINERS_MAX;

	for (size_t i = 0; i < v->nr_containers; i++)
		show_container(r, &v->containers[i], too_many);
}

static void choose_words(struct render *r)
{
	const struct core_pod_view *v = r->in->view;
	char note[CONTAINER_NOTE_MAX + sizeof(" (simulated resctrl)")] = "";
	size_t room, len;

	status_text_copy(r->reason, sizeof(r->reason), v->reason);
	if (!status_text_is_reason(r->reason))
		status_text_copy(r->reason, sizeof(r->reason),
				 all_assigned(v) ? "AllAssigned" : "InternalError");

	if (v->nr_containers > r->nr_shown)
		(void)snprintf(note, CONTAINER_NOTE_MAX, " (%zu of %zu containers listed)",
			       r->nr_shown, v->nr_containers);
	if (r->in->simulated)
		(void)snprintf(note + strlen(note), sizeof(note) - strlen(note), "%s",
			       " (simulated resctrl)");
	room = sizeof(r->message) - strlen(note);
	/* A condition's message must be there and, see add_member(), must not be empty. */
	len = status_text_copy(r->message, room,
			       v->message && *v->message ? v->message : r->reason);
	(void)snprintf(r->message + len, sizeof(r->message) - len, "%s", note);
}

static struct verdict ready(const struct render *r)
{
	struct verdict v = {'F', r->reason, r->message};

	if (all_assigned(r->in->view))
		v.status = 'T';
	else if (r->in->view->queued)
		v.status = 'U';
	return v;
}

static struct verdict group_created(const struct render *r)
{
	if (r->in->view->group_state == CORE_GROUP_EXISTS)
		return (struct verdict){'T', "GroupExists", "the group of the pod exists"};
	return (struct verdict){r->in->view->queued ? 'U' : 'F', r->reason, r->message};
}

static struct verdict tasks_assigned(const struct render *r)
{
	const struct core_pod_view *v = r->in->view;

	if (v->group_state != CORE_GROUP_EXISTS)
		return (struct verdict){'U', "GroupNotCreated",
					"there is no group to assign tasks to"};
	if (all_assigned(v))
		return (struct verdict){'T', "AllAssigned", "every task is in the group"};
	return (struct verdict){v->queued ? 'U' : 'F', r->reason, r->message};
}

/*
 * A member that is a string; left out when empty. Some builds of the API server take an empty
 * string for null and refuse the object, so none is ever sent.
 */
static void add_member(struct strbuf *out, const char *name, const char *value, size_t max)
{
	if (!value || !*value)
		return;
	(void)strbuf_addf(out, ",\"%s\":", name);
	status_text_quote_any(out, value, max);
}

static void add_time(struct strbuf *out, const char *name, int64_t s)
{
	char text[STATUS_TIME_SIZE];

	status_time_format(s, text);
	(void)strbuf_addf(out, ",\"%s\":\"%s\"", name, text);
}

static const char *container_state(enum core_container_state state)
{
	switch (state) {
	case CORE_CONTAINER_NO_POD:
		return "NoPod";
	case CORE_CONTAINER_PARTIAL:
		return "Partial";
	case CORE_CONTAINER_RECONCILED:
		return "Reconciled";
	}
	return "Unknown";
}

static void add_containers(struct render *r)
{
	(void)strbuf_adds(r->out, ",\"containers\":[");
	for (size_t i = 0; i < r->nr_shown; i++) {
		const struct core_container_view *c = r->shown[i];

		(void)strbuf_adds(r->out, i ? ",{\"name\":" : "{\"name\":");
		status_text_quote_any(r->out, *c->name ? c->name : c->id, CONTAINER_NAME_MAX);
		add_member(r->out, "containerID", c->id, CORE_ID_MAX);
		add_member(r->out, "state", container_state(c->state), STATUS_REASON_MAX);
		add_member(r->out, "reason", c->reason, STATUS_REASON_MAX);
		add_member(r->out, "message", c->message, CONTAINER_MESSAGE_MAX);
		(void)strbuf_addc(r->out, '}');
	}
	(void)strbuf_addc(r->out, ']');
}

static void add_retry(struct strbuf *out, const struct status_retry *retry)
{
	(void)strbuf_adds(out, ",\"lastRetry\":{\"token\":");
	status_text_quote_any(out, retry->token, STATUS_TOKEN_MAX);
	add_member(out, "result", status_retry_result_name(retry->result), STATUS_REASON_MAX);
	add_member(out, "reason", retry->reason, STATUS_REASON_MAX);
	add_member(out, "message", retry->message, STATUS_MESSAGE_MAX);
	add_time(out, "startTime", retry->start_s);
	add_time(out, "completionTime", retry->completion_s);
	(void)strbuf_addc(out, '}');
}

static const char *condition_status(char status)
{
	return status == 'T' ? "True" : status == 'F' ? "False" : "Unknown";
}

static const char *const condition_types[] = {
	[STATUS_READY] = "Ready",
	[STATUS_GROUP_CREATED] = "GroupCreated",
	[STATUS_TASKS_ASSIGNED] = "TasksAssigned",
};
_Static_assert(ARRAY_LEN(condition_types) == STATUS_CONDITION_MAX, "one name per condition");

/* lastTransitionTime moves only with the status: that alone saves most needless writes. */
static void add_conditions(struct render *r, struct status_memory *memory)
{
	const struct verdict verdicts[] = {
		[STATUS_READY] = ready(r),
		[STATUS_GROUP_CREATED] = group_created(r),
		[STATUS_TASKS_ASSIGNED] = tasks_assigned(r),
	};

	(void)strbuf_adds(r->out, ",\"conditions\":[");
	for (size_t i = 0; i < STATUS_CONDITION_MAX; i++) {
		const struct verdict *v = &verdicts[i];

		if (memory->conditions[i].status != v->status) {
			memory->conditions[i].status = v->status;
			memory->conditions[i].since_s = r->in->now_s;
		}
		(void)strbuf_addf(r->out, "%s{\"type\":\"%s\",\"status\":\"%s\"", i ? "," : "",
				  condition_types[i], condition_status(v->status));
		add_time(r->out, "lastTransitionTime", memory->conditions[i].since_s);
		add_member(r->out, "reason", v->reason, STATUS_REASON_MAX);
		add_member(r->out, "message", v->message, STATUS_MESSAGE_MAX);
		(void)strbuf_addc(r->out, '}');
	}
	(void)strbuf_addc(r->out, ']');
}

static void add_group(struct render *r)
{
	const struct core_pod_view *v = r->in->view;
	bool exists = v->group_state == CORE_GROUP_EXISTS;
	char path[PATH_MAX_BYTES + 1];

	(void)strbuf_addf(r->out, "{\"observedGeneration\":%lld,\"groupState\":\"%s\"",
			  (long long)r->in->generation, exists ? "Exists" : "Failed");
	if (!exists || !v->group_path || !*v->group_path)
		return; /* also not "simulated:" alone */
	(void)snprintf(path, sizeof(path), "%s%s", r->in->simulated ? "simulated:" : "",
		       v->group_path);
	add_member(r->out, "groupPath", path, PATH_MAX_BYTES);
}

int status_render(const struct status_input *in, struct strbuf *out,
		  struct status_memory *ret_memory, struct err *e)
{
	struct render r = {.in = in, .out = out};
	struct status_memory memory = *in->before;
	const struct core_pod_view *v = in->view;

	choose_containers(&r);
	choose_words(&r);
	add_group(&r);
	(void)strbuf_addf(out, ",\"totalContainers\":%u,\"reconciledContainers\":%u",
			  v->total_containers, v->reconciled_containers);
	(void)strbuf_addf(out, ",\"containersReady\":\"%u/%u\"", v->reconciled_containers,
			  v->total_containers);
	add_member(out, "reason", r.reason, STATUS_REASON_MAX);
	add_member(out, "message", r.message, STATUS_MESSAGE_MAX);
	add_containers(&r);
	if (in->retry)
		add_retry(out, in->retry);
	add_conditions(&r, &memory);
	(void)strbuf_addc(out, '}');
	if (out->error)
		return err_sys(e, out->error, "status of pod '%.64s'", v->uid);
	*ret_memory = memory;
	return 0;
}
