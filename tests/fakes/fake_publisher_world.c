/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_publisher_world.h"

#include "list.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* What the publisher must not do, or a test must not ask for, ends the test program. */
static _Noreturn void broken(int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", __FILE__, line, what);
	abort();
}

#define NEED(x) ((x) ? (void)0 : broken(__LINE__, #x))

/* ---- the core ---- */

static struct pw_pod *find_pod(const struct pw *w, const char *uid)
{
	for (size_t i = 0; i < w->nr_pods; i++)
		if (strcmp(w->pods[i]->uid, uid) == 0)
			return w->pods[i];
	return NULL;
}

static bool pod_view(void *ctx, const char *uid, struct core_pod_view *ret)
{
	static struct core_container_view containers[8];
	static const char *const names[] = {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"};
	struct pw *w = ctx;
	struct pw_pod *pod = find_pod(w, uid);

	if (!pod)
		return false;
	for (unsigned i = 0; i < pod->total && i < ARRAY_LEN(containers); i++)
		containers[i] = (struct core_container_view){
			.id = names[i],
			.name = pod->container ? pod->container : names[i],
			.state = i < pod->reconciled ? CORE_CONTAINER_RECONCILED
						     : CORE_CONTAINER_PARTIAL,
			.reason = i < pod->reconciled ? "" : pod->reason,
			.message = i < pod->reconciled ? "" : pod->message,
		};
	*ret = (struct core_pod_view){
		.uid = pod->uid,
		.namespace_ = pod->namespace_,
		.name = pod->name,
		.group_state = pod->group_state,
		.group_path = pod->group_state == CORE_GROUP_EXISTS ? "/sys/fs/resctrl/x" : "",
		.reason = pod->reason,
		.message = pod->message,
		.total_containers = pod->total,
		.reconciled_containers = pod->reconciled,
		.containers = containers,
		.nr_containers = pod->total,
		.queued = pod->queued,
	};
	return true;
}

static int finish_retry(struct pw *w, const char *uid, struct core_retry_report *ret)
{
	struct pw_pod *pod = find_pod(w, uid);

	if (w->retry_is_long)
		return -EINPROGRESS;
	*ret = w->retry_report;
	if (w->retry_repairs) {
		pod->group_state = CORE_GROUP_EXISTS;
		pod->reconciled = pod->total;
		pod->reason = "AllAssigned";
		pod->message = "";
		pw_core_changed(w, pod);
	}
	return w->retry_rc;
}

static int retry(void *ctx, uint64_t now_ms, const char *uid, struct core_retry_report *ret,
		 struct err *e)
{
	struct pw *w = ctx;
	int rc;

	NEED(now_ms == w->now_ms);
	NEED(find_pod(w, uid));
	w->retries++;
	rc = finish_retry(w, uid, ret);
	return rc < 0 && rc != -EINPROGRESS ? err_sys(e, rc, "retry") : rc;
}

static int retry_result(void *ctx, const char *uid, struct core_retry_report *ret)
{
	struct pw *w = ctx;

	return find_pod(w, uid) ? finish_retry(w, uid, ret) : -ENOKEY;
}

static const struct publisher_core_ops core_ops = {
	.pod_view = pod_view, .retry = retry, .retry_result = retry_result};

/* To every daemon of the node. */
static void tell(struct pw *w, const struct core_event *event)
{
	publisher_on_core_event(w->p, w->now_ms, event);
	if (w->peer)
		publisher_on_core_event(w->peer, w->now_ms, event);
}

static struct core_event event_of(const struct pw_pod *pod)
{
	return (struct core_event){
		.kind = CORE_ADD_OR_UPDATE,
		.pod_uid = pod->uid,
		.pod_namespace = pod->namespace_,
		.pod_name = pod->name,
		.group_state = pod->group_state,
		.group_path = "",
		.total_containers = pod->total,
		.reconciled_containers = pod->reconciled,
	};
}

void pw_core_changed(struct pw *w, const struct pw_pod *pod)
{
	const struct core_event event = event_of(pod);

	tell(w, &event);
}

struct pw_pod *pw_core_pod(struct pw *w, const char *namespace_, const char *name, const char *uid,
			   unsigned total)
{
	struct pw_pod *pod = calloc(1, sizeof(*pod));

	NEED(w->nr_pods < WORLD_PODS);
	snprintf(pod->uid, sizeof(pod->uid), "%s", uid);
	snprintf(pod->namespace_, sizeof(pod->namespace_), "%s", namespace_);
	snprintf(pod->name, sizeof(pod->name), "%s", name);
	pod->reason = total ? "AllAssigned" : "Pending";
	pod->message = "";
	pod->total = pod->reconciled = total;
	w->pods[w->nr_pods++] = pod;
	pw_core_changed(w, pod);
	return pod;
}

void pw_core_removed(struct pw *w, struct pw_pod *pod)
{
	const struct core_event event = {
		.kind = CORE_REMOVED,
		.pod_uid = pod->uid,
		.pod_namespace = pod->namespace_,
		.pod_name = pod->name,
	};

	for (size_t i = 0; i < w->nr_pods; i++)
		if (w->pods[i] == pod)
			w->pods[i] = w->pods[--w->nr_pods];
	tell(w, &event);
	free(pod);
}

/* ---- the watch ---- */

static void watch(struct pw *w, enum k8s_event_type type, struct k8s_object_meta *meta,
		  const char *mirror, const char *token)
{
	struct k8s_pair pairs[2];

	if (mirror)
		pairs[meta->nr_annotations++] =
			(struct k8s_pair){"kubernetes.io/config.mirror", mirror};
	if (token)
		pairs[meta->nr_annotations++] = (struct k8s_pair){"podresctrl.io/retry", token};
	meta->annotations = pairs;
	publisher_watch_ops.on_object(w->p, type, meta);
	if (w->peer)
		publisher_watch_ops.on_object(w->peer, type, meta);
}

void pw_watch(struct pw *w, enum k8s_event_type type, const char *namespace_, const char *name,
	      const char *uid, const char *mirror, const char *token)
{
	struct k8s_object_meta meta = {.name = name, .namespace_ = namespace_, .uid = uid};

	watch(w, type, &meta, mirror, token);
}

void pw_watch_deleting(struct pw *w, const char *namespace_, const char *name, const char *uid)
{
	struct k8s_object_meta meta = {
		.name = name, .namespace_ = namespace_, .uid = uid, .deleting = true};

	watch(w, K8S_MODIFIED, &meta, NULL, NULL);
}

void pw_synced(struct pw *w)
{
	publisher_watch_ops.on_synced(w->p);
}

struct pw_pod *pw_pod(struct pw *w, const char *name)
{
	char uid[64];

	snprintf(uid, sizeof(uid), "uid-%s", name);
	pw_watch(w, K8S_ADDED, "shop", name, uid, NULL, NULL);
	return pw_core_pod(w, "shop", name, uid, 1);
}

void pw_pod_gone(struct pw *w, struct pw_pod *pod)
{
	struct pw_pod copy = *pod;

	pw_core_removed(w, pod);
	pw_watch(w, K8S_DELETED, copy.namespace_, copy.name, copy.uid, NULL, NULL);
}

/* ---- the API server ---- */

struct pw_object *pw_object(struct pw *w, const char *name)
{
	for (size_t i = 0; i < w->nr_objects; i++)
		if (strcmp(w->objects[i]->name, name) == 0)
			return w->objects[i];
	return NULL;
}

struct pw_object *pw_add_object(struct pw *w, const char *namespace_, const char *name,
				const char *pod_uid, const char *node_name)
{
	struct pw_object *o = calloc(1, sizeof(*o));

	NEED(w->nr_objects < WORLD_PODS);
	snprintf(o->namespace_, sizeof(o->namespace_), "%s", namespace_);
	snprintf(o->name, sizeof(o->name), "%s", name);
	snprintf(o->pod_uid, sizeof(o->pod_uid), "%s", pod_uid);
	snprintf(o->node_name, sizeof(o->node_name), "%s", node_name);
	snprintf(o->uid, sizeof(o->uid), "object-%u", ++w->next_uid);
	snprintf(o->version, sizeof(o->version), "%u", ++w->next_version);
	w->objects[w->nr_objects++] = o;
	return o;
}

static void remove_object(struct pw *w, struct pw_object *o)
{
	for (size_t i = 0; i < w->nr_objects; i++)
		if (w->objects[i] == o)
			w->objects[i] = w->objects[--w->nr_objects];
	free(o->status);
	free(o);
}

void pw_delete_object(struct pw *w, const char *name)
{
	struct pw_object *o = pw_object(w, name);

	NEED(o);
	remove_object(w, o);
}

static const char *text_at(json_object *root, const char *pointer)
{
	json_object *v = NULL;

	if (json_pointer_get(root, pointer, &v) < 0)
		return "";
	return json_object_get_string(v);
}

struct answer {
	int rc, http_status;
	const char *reason;
	struct strbuf body;
};

static void add_object(struct answer *a, const struct pw_object *o)
{
	strbuf_addf(&a->body,
		    "{\"apiVersion\":\"podresctrl.io/v1alpha1\",\"kind\":\"PodResctrlStatus\","
		    "\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"uid\":\"%s\","
		    "\"resourceVersion\":\"%s\",\"generation\":1",
		    o->name, o->namespace_, o->uid, o->version);
	if (o->retry)
		strbuf_addf(&a->body, ",\"annotations\":{\"podresctrl.io/retry\":\"%s\"}",
			    o->retry);
	strbuf_addf(&a->body, "},\"spec\":{\"nodeName\":\"%s\",\"podUID\":\"%s\"}", o->node_name,
		    o->pod_uid);
	if (o->status)
		strbuf_addf(&a->body, ",\"status\":%s", o->status);
	strbuf_addc(&a->body, '}');
}

static void refuse(struct answer *a, int rc, int http_status, const char *reason)
{
	a->rc = rc;
	a->http_status = http_status;
	a->reason = reason;
}

static void do_create(struct pw *w, const struct pw_call *c, struct answer *a)
{
	json_object *body = json_tokener_parse(c->body);
	const char *name = text_at(body, "/metadata/name");
	struct pw_object *o;

	NEED(body);
	NEED(strcmp(text_at(body, "/metadata/namespace"), c->namespace_) == 0);
	if (pw_object(w, name)) {
		refuse(a, -EEXIST, 409, "AlreadyExists");
	} else {
		o = pw_add_object(w, c->namespace_, name, text_at(body, "/spec/podUID"),
				  text_at(body, "/spec/nodeName"));
		snprintf(o->owner_uid, sizeof(o->owner_uid), "%s",
			 text_at(body, "/metadata/ownerReferences/0/uid"));
		a->http_status = 201;
		add_object(a, o);
	}
	json_object_put(body);
}

static void do_patch(struct pw *w, const struct pw_call *c, struct answer *a)
{
	json_object *body = json_tokener_parse(c->body);
	json_object *status = NULL;
	struct pw_object *o = pw_object(w, c->name);

	NEED(strcmp(text_at(body, "/0/op"), "test") == 0);
	NEED(strcmp(text_at(body, "/0/path"), "/metadata/uid") == 0);
	NEED(strcmp(text_at(body, "/1/op"), "add") == 0);
	NEED(strcmp(text_at(body, "/1/path"), "/status") == 0);
	NEED(json_pointer_get(body, "/1/value", &status) == 0);
	if (!o) {
		refuse(a, -ENOENT, 404, "NotFound");
	} else if (strcmp(text_at(body, "/0/value"), o->uid) != 0) {
		refuse(a, -EINVAL, 422, "Invalid");
	} else {
		free(o->status);
		o->status = strdup(json_object_to_json_string(status));
		snprintf(o->version, sizeof(o->version), "%u", ++w->next_version);
		add_object(a, o);
	}
	json_object_put(body);
}

static void do_delete(struct pw *w, const struct pw_call *c, struct answer *a)
{
	json_object *body = json_tokener_parse(c->body);
	const char *uid = text_at(body, "/preconditions/uid");
	const char *version = text_at(body, "/preconditions/resourceVersion");
	struct pw_object *o = pw_object(w, c->name);

	NEED(*uid);
	if (!o)
		refuse(a, -ENOENT, 404, "NotFound");
	else if (strcmp(uid, o->uid) != 0 || (*version && strcmp(version, o->version) != 0))
		refuse(a, -ESTALE, 409, "Conflict");
	else
		remove_object(w, o);
	json_object_put(body);
}

static void carry_out(struct pw *w, const struct pw_call *c, struct answer *a)
{
	struct pw_object *o = pw_object(w, c->name);

	if (w->no_crd) {
		refuse(a, -ENOENT, 404, NULL);
		return;
	}
	switch (c->verb) {
	case PUBLISHER_GET:
		if (o)
			add_object(a, o);
		else
			refuse(a, -ENOENT, 404, "NotFound");
		break;
	case PUBLISHER_CREATE:
		do_create(w, c, a);
		break;
	case PUBLISHER_PATCH:
		do_patch(w, c, a);
		break;
	case PUBLISHER_DELETE:
		do_delete(w, c, a);
		break;
	case PUBLISHER_VERB_MAX:
		broken(__LINE__, "no such verb");
	}
}

static void answer(struct pw *w, struct pw_call *c)
{
	struct pw_fault *f = &w->fault;
	bool faulty = f->times && (f->verb == PUBLISHER_VERB_MAX || f->verb == c->verb);
	struct answer a = {.http_status = 200};
	struct k8s_response r = {0};

	strbuf_init(&a.body, 1 << 20);
	if (!faulty || f->carried_out)
		carry_out(w, c, &a);
	r = (struct k8s_response){.rc = a.rc, .http_status = a.http_status, .reason = a.reason};
	r.message = a.rc ? "no" : NULL;
	if (faulty) {
		if (f->times > 0)
			f->times--;
		r = (struct k8s_response){
			.rc = f->rc,
			.http_status = f->http_status,
			.cause = f->cause,
			.kind = f->kind,
			.message = f->message ? f->message : "fault",
			.retry_after_ms = f->retry_after_ms,
		};
		strbuf_reset(&a.body);
	}
	r.body = strbuf_str(&a.body);
	r.body_len = a.body.len;
	c->done(c->ctx, &r);
	strbuf_done(&a.body);
}

/* ---- the client ---- */

static void call_free(struct pw_call *c)
{
	free(c->query);
	free(c->body);
	free(c);
}

static void read_path(struct pw_call *c, const struct k8s_request *req)
{
	static const char prefix[] = "/apis/podresctrl.io/v1alpha1/namespaces/";
	const char *p = req->path + sizeof(prefix) - 1;
	const char *slash = strchr(p, '/');
	const char *rest;
	size_t len;

	NEED(strncmp(req->path, prefix, sizeof(prefix) - 1) == 0);
	snprintf(c->namespace_, sizeof(c->namespace_), "%.*s", (int)(slash - p), p);
	rest = slash + strlen("/podresctrlstatuses");
	NEED(strncmp(slash, "/podresctrlstatuses", (size_t)(rest - slash)) == 0);
	if (*rest != '/')
		return;
	len = strcspn(rest + 1, "/");
	snprintf(c->name, sizeof(c->name), "%.*s", (int)len, rest + 1);
	NEED(strcmp(rest + 1 + len, req->method == K8S_PATCH ? "/status" : "") == 0);
}

static enum publisher_verb verb_of(enum k8s_method method)
{
	switch (method) {
	case K8S_GET:
		return PUBLISHER_GET;
	case K8S_POST:
		return PUBLISHER_CREATE;
	case K8S_PATCH:
		return PUBLISHER_PATCH;
	case K8S_DELETE:
		return PUBLISHER_DELETE;
	case K8S_PUT:
		break;
	}
	broken(__LINE__, "an unexpected method");
}

static int request(void *ctx, const struct k8s_request *req, k8s_done_fn *done, void *done_ctx,
		   struct k8s_call **ret, struct err *e)
{
	static const char *const words[] = {"GET", "POST", "PATCH", "DELETE"};
	struct pw *w = ctx;
	struct pw_call *c = calloc(1, sizeof(*c));

	(void)e;
	NEED(w->nr_calls < ARRAY_LEN(w->calls));
	c->done = done;
	c->ctx = done_ctx;
	c->verb = verb_of(req->method);
	c->answer_ms = w->now_ms + WORLD_LATENCY;
	c->body = strndup(req->body ? req->body : "", req->body_len);
	read_path(c, req);
	if (req->method == K8S_PATCH)
		NEED(strcmp(req->content_type, "application/json-patch+json") == 0);
	for (size_t i = 0; i < w->nr_calls; i++)
		NEED(w->calls[i]->ctx != done_ctx);
	w->calls[w->nr_calls++] = c;
	if (w->nr_calls > w->max_calls)
		w->max_calls = w->nr_calls;
	w->nr[c->verb]++;
	strbuf_addf(&w->log, "%s%s", w->log.len ? " " : "", words[c->verb]);
	snprintf(w->last_query, sizeof(w->last_query), "%s", req->query ? req->query : "");
	snprintf(w->last_body, sizeof(w->last_body), "%s", c->body);
	*ret = (struct k8s_call *)c;
	return 0;
}

static void cancel(void *ctx, struct k8s_call *call)
{
	struct pw *w = ctx;

	for (size_t i = 0; i < w->nr_calls; i++) {
		if ((struct k8s_call *)w->calls[i] != call)
			continue;
		call_free(w->calls[i]);
		w->calls[i] = w->calls[--w->nr_calls];
		return;
	}
	broken(__LINE__, "cancelled what is not under way");
}

static const struct publisher_client_ops client_ops = {.request = request, .cancel = cancel};

/* ---- the clock, and all together ---- */

static uint64_t now_ms(void *ctx)
{
	return ((struct pw *)ctx)->now_ms;
}

static int64_t wall_s(void *ctx)
{
	return WORLD_WALL_S + (int64_t)(((struct pw *)ctx)->now_ms / 1000);
}

static uint32_t random_u32(void *ctx)
{
	return ((struct pw *)ctx)->random;
}

static const struct publisher_env env = {.now_ms = now_ms, .wall_s = wall_s, .random = random_u32};

static void on_notice(void *ctx, const struct publisher_notice *n)
{
	static const char *const kinds[] = {"STATE",   "REJECTED", "NAME_TAKEN",
					    "HANDLED", "WARNING",  "NO_MEMORY"};
	struct pw *w = ctx;

	strbuf_addf(&w->notices, "%s %s %s/%s %s\n", kinds[n->kind], publisher_state_name(n->state),
		    n->namespace_, n->name, n->text);
}

static void on_transition(void *ctx, const struct publisher_transition *t)
{
	struct pw *w = ctx;

	NEED(*t->namespace_ && *t->name && *t->pod_uid && *t->reason && *t->action);
	strbuf_addf(&w->transitions, "%c %s %s %s/%s: %s\n", t->warning ? 'W' : 'N', t->action,
		    t->reason, t->namespace_, t->name, t->note);
}

static void start_publisher(struct pw *w, const struct publisher_config *config,
			    struct publisher **ret)
{
	static const struct publisher_config plain = {.node_name = WORLD_NODE};
	const struct publisher_deps deps = {
		.core = &core_ops,
		.core_ctx = w,
		.client = &client_ops,
		.client_ctx = w,
		.env = &env,
		.on_notice = on_notice,
		.on_transition = on_transition,
		.ctx = w,
	};

	NEED(publisher_new(config ? config : &plain, &deps, ret, NULL) == 0);
}

struct pw *pw_new(const struct publisher_config *config)
{
	struct pw *w = calloc(1, sizeof(*w));

	w->now_ms = 1000000;
	strbuf_init(&w->log, 1 << 20);
	strbuf_init(&w->notices, 1 << 20);
	strbuf_init(&w->transitions, 1 << 20);
	start_publisher(w, config, &w->p);
	return w;
}

void pw_restart(struct pw *w, const struct publisher_config *config)
{
	publisher_free(w->p);
	NEED(w->nr_calls == 0);
	start_publisher(w, config, &w->p);
	pw_forget(w);
}

void pw_surge(struct pw *w, const struct publisher_config *config)
{
	NEED(!w->peer);
	start_publisher(w, config, &w->peer);
	for (size_t i = 0; i < w->nr_pods; i++) {
		const struct pw_pod *pod = w->pods[i];
		const struct core_event event = event_of(pod);
		const struct k8s_object_meta meta = {
			.name = pod->name, .namespace_ = pod->namespace_, .uid = pod->uid};

		publisher_watch_ops.on_object(w->peer, K8S_ADDED, &meta);
		publisher_on_core_event(w->peer, w->now_ms, &event);
	}
	publisher_watch_ops.on_synced(w->peer);
}

void pw_older_ends(struct pw *w)
{
	NEED(w->peer);
	publisher_free(w->p);
	w->p = w->peer;
	w->peer = NULL;
}

void pw_free(struct pw *w)
{
	publisher_free(w->p);
	publisher_free(w->peer);
	NEED(w->nr_calls == 0);
	while (w->nr_pods)
		free(w->pods[--w->nr_pods]);
	while (w->nr_objects)
		remove_object(w, w->objects[0]);
	strbuf_done(&w->log);
	strbuf_done(&w->notices);
	strbuf_done(&w->transitions);
	free(w);
}

static bool answer_one(struct pw *w)
{
	for (size_t i = 0; i < w->nr_calls; i++) {
		struct pw_call *c = w->calls[i];

		if (c->answer_ms > w->now_ms)
			continue;
		memmove(&w->calls[i], &w->calls[i + 1],
			(w->nr_calls - i - 1) * sizeof(w->calls[0]));
		w->nr_calls--;
		answer(w, c);
		call_free(c);
		return true;
	}
	return false;
}

static uint64_t next_time(const struct pw *w)
{
	uint64_t next = publisher_next_ms(w->p);

	if (w->peer && publisher_next_ms(w->peer) < next)
		next = publisher_next_ms(w->peer);
	for (size_t i = 0; i < w->nr_calls; i++)
		if (w->calls[i]->answer_ms < next)
			next = w->calls[i]->answer_ms;
	return next;
}

void pw_run(struct pw *w, uint64_t ms)
{
	uint64_t end = w->now_ms + ms;
	unsigned turns = 0;

	for (;;) {
		uint64_t next;

		while (answer_one(w))
			continue;
		publisher_work(w->p, w->now_ms);
		if (w->peer)
			publisher_work(w->peer, w->now_ms);
		next = next_time(w);
		if (next > end)
			break;
		if (next > w->now_ms) {
			w->now_ms = next;
			turns = 0;
		}
		NEED(++turns < 2000);
	}
	w->now_ms = end;
}

void pw_forget(struct pw *w)
{
	memset(w->nr, 0, sizeof(w->nr));
	strbuf_reset(&w->log);
	strbuf_reset(&w->notices);
	strbuf_reset(&w->transitions);
	w->retries = 0;
}

const char *pw_log(const struct pw *w)
{
	return strbuf_str(&w->log);
}

const char *pw_transitions(const struct pw *w)
{
	return strbuf_str(&w->transitions);
}
