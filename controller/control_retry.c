/* SPDX-License-Identifier: Apache-2.0 */
#include "control_retry.h"

#include "control_names.h"
#include "json_writer.h"
#include "retry_annotation.h"

#include <errno.h>
#include <string.h>

#define POLL_MS     20    /* what the core works on by itself is asked for so often */
#define PATIENCE_MS 60000 /* an answer comes by then, whole or not */

struct job {
	struct list link; /* in retry->jobs until it is done */
	struct control_retry *owner;
	struct http_stream *stream;
	char **uids; /* still to be retried from NEXT on; before it, those the core works on */
	size_t nr, size, next, pending;
	bool lost; /* for lack of memory */
	uint64_t since_ms, poll_ms;
	struct core_retry_report sum;
	struct strbuf answer; /* once it is done */
	size_t sent;
};

/* ---- which pods ----------------------------------------------------------------------------- */

static bool is_in_order(const struct core_pod_view *v)
{
	if (v->group_state != CORE_GROUP_EXISTS)
		return v->queued; /* its first attempt is still to come */
	for (size_t i = 0; i < v->nr_containers; i++) {
		if (v->containers[i].state != CORE_CONTAINER_RECONCILED)
			return false;
	}
	return true;
}

struct collecting {
	struct job *job;
	struct control_filter filter;
	bool all;
};

/* The UIDs first: a retry must not run while the pods are being iterated over. */
static void collect(void *ctx, const char *uid)
{
	struct collecting *c = ctx;
	struct job *job = c->job;
	struct core_pod_view v;
	char *copy;

	if (!core_pod_view(job->owner->core, uid, &v) || !control_filter_passes(&c->filter, &v) ||
	    (c->all && is_in_order(&v)))
		return;
	if (job->nr == job->size) {
		size_t size = job->size ? job->size * 2 : 8;
		char **uids = reallocarray(job->uids, size, sizeof(*uids));

		if (!uids) {
			job->lost = true;
			return;
		}
		job->uids = uids;
		job->size = size;
	}
	copy = strdup(uid);
	if (copy)
		job->uids[job->nr++] = copy;
	else
		job->lost = true;
}

/* ---- one pod after the other ---------------------------------------------------------------- */

static void add_report(struct core_retry_report *sum, const struct core_retry_report *r)
{
	if (!sum->errors)
		sum->first_error = r->first_error;
	sum->groups_tried += r->groups_tried;
	sum->groups_created += r->groups_created;
	sum->containers_tried += r->containers_tried;
	sum->containers_reconciled += r->containers_reconciled;
	sum->errors += r->errors;
	sum->stopped_on_capacity |= r->stopped_on_capacity;
}

static void add_error(struct job *job, int code, const char *text)
{
	if (!job->sum.errors++)
		(void)err_set(&job->sum.first_error, code, "%s", text);
}

/* After one found no room there is none for the next either, unless it has failed otherwise. */
static bool lacks_room(const struct job *job, const char *uid)
{
	struct core_pod_view v;

	return job->sum.stopped_on_capacity && core_pod_view(job->owner->core, uid, &v) &&
	       v.group_state == CORE_GROUP_FAILED &&
	       (strcmp(v.reason, rs_reason(-ENOSPC)) == 0 ||
		strcmp(v.reason, rs_reason(-EBUSY)) == 0);
}

static void retry_next(struct job *job, uint64_t now_ms)
{
	char *uid = job->uids[job->next++];
	struct core_retry_report one = {0};
	struct err e = {0};
	int r = lacks_room(job, uid) ? -ENOKEY
				     : core_retry_pod(job->owner->core, now_ms, uid, &one, &e);

	if (r == -EINPROGRESS) {
		job->uids[job->pending++] = uid;
		job->poll_ms = now_ms + POLL_MS;
		return;
	}
	if (r == 0)
		add_report(&job->sum, &one);
	else if (r != -ENOKEY) /* a pod that went away is no error */
		add_error(job, r, e.msg);
	free(uid);
}

static void poll_pending(struct job *job, uint64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < job->pending; i++) {
		struct core_retry_report one = {0};
		int r = core_retry_pod_result(job->owner->core, job->uids[i], &one);

		if (r == -EINPROGRESS) {
			job->uids[kept++] = job->uids[i];
			continue;
		}
		if (r == 0)
			add_report(&job->sum, &one);
		free(job->uids[i]);
	}
	job->pending = kept;
	job->poll_ms = now_ms + POLL_MS;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static void write_answer(struct job *job)
{
	const struct core_retry_report *r = &job->sum;
	enum status_retry_result result = retry_judge(0, r);
	struct json_writer w;

	job->owner->answered[result]++;
	json_start(&w, &job->answer);
	json_object(&w, NULL);
	json_string(&w, "result", status_retry_result_name(result));
	json_uint(&w, "groupsTried", r->groups_tried);
	json_uint(&w, "groupsCreated", r->groups_created);
	json_uint(&w, "containersTried", r->containers_tried);
	json_uint(&w, "containersReconciled", r->containers_reconciled);
	json_uint(&w, "errors", r->errors);
	json_bool(&w, "stoppedOnCapacity", r->stopped_on_capacity);
	json_string(&w, "firstError", r->errors ? r->first_error.msg : NULL);
	json_end_object(&w);
	(void)strbuf_addc(&job->answer, '\n');
}

static void finish(struct job *job)
{
	if (job->lost)
		add_error(job, -ENOMEM, "out of memory: not every pod was tried");
	if (job->pending || job->next < job->nr)
		add_error(job, -ETIMEDOUT, "some pods are still being worked on; ask again later");
	list_del(&job->link);
	write_answer(job);
	if (job->stream)
		http_stream_wake(job->stream);
}

static ssize_t on_read(void *ctx, char *buf, size_t max)
{
	struct job *job = ctx;
	size_t len = job->answer.len - job->sent;

	if (!job->answer.len)
		return job->answer.error ? -1 : 0;
	if (!len)
		return -1;
	len = len < max ? len : max;
	memcpy(buf, job->answer.data + job->sent, len);
	job->sent += len;
	return (ssize_t)len;
}

static void job_free(void *ctx)
{
	struct job *job = ctx;

	list_del(&job->link);
	for (size_t i = 0; i < job->nr; i++) {
		if (i < job->pending || i >= job->next)
			free(job->uids[i]);
	}
	free(job->uids);
	strbuf_done(&job->answer);
	free(job);
}

static const struct http_stream_ops stream_ops = {.read = on_read, .closed = job_free};

/* ---- the request ---------------------------------------------------------------------------- */

static int check(const struct http_request *request, struct control_filter *ret, bool *ret_all,
		 struct err *e)
{
	static const char *const names[] = {"namespace", "name", "all", NULL};
	const char *all = http_query(request, "all");
	int r = http_query_check(request, names, e);

	ret->namespace = http_query(request, "namespace");
	ret->name = http_query(request, "name");
	*ret_all = all != NULL;
	if (r < 0)
		return r;
	if (all)
		return strcmp(all, "true") == 0 && !ret->namespace && !ret->name
			       ? 0
			       : err_set(e, -EINVAL, "all takes true, and no pod beside it");
	if (!ret->namespace || !ret->name ||
	    !control_is_name(ret->namespace, strlen(ret->namespace)) ||
	    !control_is_name(ret->name, strlen(ret->name)))
		return err_set(e, -EINVAL, "give namespace and name of a pod, or all=true");
	return 0;
}

static struct job *job_new(struct control_retry *retry)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->owner = retry;
	job->since_ms = retry->now_ms();
	list_init(&job->link);
	strbuf_init(&job->answer, 4096);
	return job;
}

void control_retry_handle(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	struct collecting c = {0};
	struct control_retry *retry = ctx;
	struct err e = {0};

	if (check(request, &c.filter, &c.all, &e) < 0) {
		http_reply_error(reply, 400, "BadRequest", "%s", e.msg);
		return;
	}
	c.job = job_new(retry);
	if (!c.job) {
		http_reply_error(reply, 500, "InternalError", "out of memory");
		return;
	}
	core_for_each_pod(retry->core, collect, &c);
	if (!c.all && !c.job->nr && !c.job->lost) {
		control_pod_not_found(reply, c.filter.namespace, c.filter.name);
		job_free(c.job);
		return;
	}
	list_append(&retry->jobs, &c.job->link);
	reply->stream_ops = &stream_ops;
	reply->stream_ctx = c.job;
	reply->ret_stream = &c.job->stream;
	retry->on_job(retry->ctx);
}

/* ---- the work ------------------------------------------------------------------------------- */

void control_retry_init(struct control_retry *retry)
{
	list_init(&retry->jobs);
}

static uint64_t job_next_ms(const struct job *job)
{
	if (job->next < job->nr || !job->pending)
		return 0;
	return job->poll_ms;
}

static void job_step(struct job *job, uint64_t now_ms)
{
	bool is_late = now_ms - job->since_ms >= PATIENCE_MS;

	if (is_late || (job->next == job->nr && !job->pending))
		finish(job);
	else if (job->next < job->nr)
		retry_next(job, now_ms);
	else
		poll_pending(job, now_ms);
}

bool control_retry_work(struct control_retry *retry)
{
	uint64_t now_ms = retry->now_ms();

	list_for_each (it, &retry->jobs) {
		struct job *job = list_entry(it, struct job, link);

		if (job_next_ms(job) > now_ms)
			continue;
		/* The next step is another's, if there is one. */
		list_del(&job->link);
		list_append(&retry->jobs, &job->link);
		job_step(job, now_ms);
		return true;
	}
	return false;
}

uint64_t control_retry_next_ms(const struct control_retry *retry)
{
	uint64_t next_ms = UINT64_MAX;

	list_for_each (it, &retry->jobs) {
		uint64_t at = job_next_ms(list_entry(it, struct job, link));

		next_ms = at < next_ms ? at : next_ms;
	}
	return next_ms;
}
