/* SPDX-License-Identifier: Apache-2.0 */

/* Turns a plan into a request. */

#include "publisher_priv.h"

#include <errno.h>
#include <string.h>

#define PATH_CAP     4096
#define BODY_CAP     (STATUS_JSON_MAX + 4096)
#define MANAGER      "fieldManager=podresctrld"
#define PATCH_GAP_MS 5000  /* at most, between patches of an object that changes all the time */
#define CALM_MS      10000 /* without a patch: it does not change all the time any more */

static void build_path(const struct slot *s, enum publisher_verb verb, struct strbuf *path)
{
	(void)strbuf_adds(path, "/apis/podresctrl.io/v1alpha1/namespaces/");
	k8s_escape(path, s->namespace_);
	(void)strbuf_adds(path, "/podresctrlstatuses");
	if (verb == PUBLISHER_CREATE)
		return;
	(void)strbuf_addc(path, '/');
	k8s_escape(path, s->name);
	if (verb == PUBLISHER_PATCH)
		(void)strbuf_adds(path, "/status");
}

static int note_sent(struct slot *s, const struct core_pod_view *view, uint64_t digest,
		     const struct status_memory *memory)
{
	s->sent = malloc(sizeof(*s->sent));
	if (!s->sent)
		return -ENOMEM;
	*s->sent = (struct sent){
		.since_ms = s->dirty_since_ms,
		.shape = view_shape(view),
		.digest = digest,
	};
	memcpy(s->sent->conditions, memory->conditions, sizeof(s->sent->conditions));
	return 0;
}

/*
 * The status as it is now, in a patch. -EALREADY when the server has it already. The digest
 * is of what is sent, so a server that drops a member does not make us write for ever.
 */
static int build_patch(struct slot *s, const struct core_pod_view *view, struct strbuf *body)
{
	const struct publisher_deps *d = &s->p->deps;
	struct strbuf status AUTO_STRBUF;
	struct status_input in = {
		.view = view,
		.simulated = s->p->config.simulated,
		.generation = s->generation,
		.now_s = d->env->wall_s(d->ctx),
		.before = &s->memory,
		.retry = s->has_retry ? s->retry : NULL,
	};
	struct status_memory memory;
	uint64_t digest;
	int r;

	strbuf_init(&status, STATUS_JSON_MAX);
	r = status_render(&in, &status, &memory, NULL);
	if (r < 0)
		return r;
	r = status_digest(strbuf_str(&status), status.len, &digest, NULL);
	if (r < 0)
		return r;
	if (s->has_digest && s->digest == digest)
		return -EALREADY;
	r = note_sent(s, view, digest, &memory);
	if (r < 0)
		return r;
	return status_patch_body(s->object_uid, strbuf_str(&status), body);
}

static int build_body(struct slot *s, enum publisher_verb verb, const struct core_pod_view *view,
		      struct strbuf *body)
{
	const struct status_identity id = {
		.namespace_ = s->namespace_,
		.name = s->name,
		.pod_uid = s->pod_uid,
		.node_name = s->p->config.node_name,
	};

	switch (verb) {
	case PUBLISHER_CREATE:
		return status_post_body(&id, body);
	case PUBLISHER_PATCH:
		return build_patch(s, view, body);
	case PUBLISHER_DELETE:
		return status_delete_body(
			s->object_uid,
			s->object == OBJECT_STALE && s->stale_version ? s->stale_version : "",
			body);
	case PUBLISHER_GET:
	case PUBLISHER_VERB_MAX:
		break;
	}
	return 0;
}

static void set_request(const struct slot *s, enum publisher_verb verb, struct k8s_request *req)
{
	static const enum k8s_method methods[] = {
		[PUBLISHER_GET] = K8S_GET,
		[PUBLISHER_CREATE] = K8S_POST,
		[PUBLISHER_PATCH] = K8S_PATCH,
		[PUBLISHER_DELETE] = K8S_DELETE,
	};
	_Static_assert(ARRAY_LEN(methods) == PUBLISHER_VERB_MAX, "one method per verb");

	req->method = methods[verb % PUBLISHER_VERB_MAX];
	if (verb == PUBLISHER_CREATE || verb == PUBLISHER_PATCH)
		req->query = MANAGER;
	/* From the server's cache, which is cheap; a stale answer is found out by a 409. */
	if (verb == PUBLISHER_GET && !s->quorum)
		req->query = "resourceVersion=0";
	if (verb == PUBLISHER_PATCH)
		req->content_type = "application/json-patch+json";
}

/* The time to the next patch grows while a pod keeps changing. */
static void note_patch(struct slot *s, uint64_t now_ms)
{
	uint64_t gap = s->p->config.patch_interval_ms;

	if (s->patched_ms && now_ms - s->patched_ms < CALM_MS) {
		gap = s->patch_gap_ms * 2;
		if (gap > PATCH_GAP_MS)
			gap = PATCH_GAP_MS;
	}
	s->patched_ms = now_ms;
	s->patch_gap_ms = gap;
}

static int submit(struct slot *s, enum publisher_verb verb, const struct strbuf *path,
		  const struct strbuf *body)
{
	const struct publisher_deps *d = &s->p->deps;
	struct k8s_request req = {
		.path = strbuf_str(path),
		.body = body->len ? strbuf_str(body) : NULL,
		.body_len = body->len,
	};

	if (path->error)
		return path->error;
	set_request(s, verb, &req);
	return d->client->request(d->client_ctx, &req, slot_answer, s, &s->call, NULL);
}

bool slot_send(struct slot *s, uint64_t now_ms, enum publisher_verb verb,
	       const struct core_pod_view *view)
{
	struct publisher *p = s->p;
	struct strbuf path AUTO_STRBUF, body AUTO_STRBUF;
	int r;

	strbuf_init(&path, PATH_CAP);
	strbuf_init(&body, BODY_CAP);
	build_path(s, verb, &path);
	r = build_body(s, verb, view, &body);
	if (verb == PUBLISHER_PATCH && (r == 0 || r == -EALREADY))
		slot_report(s, view, r == 0);
	if (r == -EALREADY) {
		p->stats.suppressed++;
		s->dirty = false;
		s->urgent = false;
		return false;
	}
	if (r == 0)
		r = submit(s, verb, &path, &body);
	if (r < 0) {
		free(steal_ptr(&s->sent));
		slot_back_off(s, now_ms, 1000, 60000);
		return false;
	}
	(void)rate_limit_take(&p->writes, now_ms);
	p->stats.requests[verb]++;
	p->in_flight++;
	s->in_flight = true;
	s->verb = verb;
	if (verb == PUBLISHER_GET || verb == PUBLISHER_CREATE)
		s->looked_ms = now_ms;
	if (verb == PUBLISHER_PATCH) {
		/* A change that comes while this is under way makes it dirty again. */
		s->dirty = false;
		s->urgent = false;
		note_patch(s, now_ms);
	}
	return true;
}
