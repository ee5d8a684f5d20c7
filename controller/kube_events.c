/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_events.h"

#include "list.h"
#include "rate_limit.h"
#include "status_text.h"
#include "strmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define S_MS          1000u
#define MIN_MS        (60 * S_MS)
#define PODS_MAX      1024
#define KINDS_MAX     4 /* different Events of a pod that may become a series */
#define IN_FLIGHT_MAX 8
#define POD_BURST     25
#define POD_EVERY_MS  (5 * MIN_MS)
#define NODE_RATE     5
#define SAME_MS       (6 * MIN_MS)
#define REST_MS       (30 * S_MS)
#define REST_LONG_MS  (5 * MIN_MS)
#define TIMEOUT_MS    10000
#define NAME_MAX_LEN  225 /* of the pod, within the name of its Event */
#define EVENT_NAME    256
#define NOTE_MAX      1000
#define IDENTITY_MAX  256
#define BODY_CAP      8192
#define CONTROLLER    "podresctrl.io/podresctrld"

struct kind {
	uint64_t digest;
	uint64_t at_ms; /* when it was said last */
	unsigned count;
	char name[EVENT_NAME]; /* of the Event; "" while the server has not confirmed it */
};

/* What is remembered of a pod, for its limits. */
struct subject {
	struct list link; /* the one that was used least recently comes first */
	char *uid;
	unsigned credit;
	uint64_t credit_ms;
	struct kind kinds[KINDS_MAX];
};

struct sending {
	struct kube_events *owner;
	struct list link;
	struct k8s_call *call;
	bool is_series;
	uint64_t digest;
	char uid[IDENTITY_MAX], name[EVENT_NAME];
};

struct kube_events {
	struct kube_events_deps deps;
	char *node_name;
	struct strmap by_uid;
	struct list subjects, sending;
	size_t nr_sending;
	struct rate_limit node;
	bool started;
	uint64_t rest_until_ms;
	bool trouble_told;
	uint32_t serial;
	struct kube_events_stats stats;
};

int kube_events_new(const char *node_name, const struct kube_events_deps *deps,
		    struct kube_events **ret, struct err *e)
{
	struct kube_events *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(e, -ENOMEM, "Events: out of memory");
	k->deps = *deps;
	list_init(&k->subjects);
	list_init(&k->sending);
	strmap_init(&k->by_uid, deps->random(deps->ctx));
	k->node_name = strdup(node_name);
	if (!k->node_name) {
		kube_events_free(k);
		return err_set(e, -ENOMEM, "Events: out of memory");
	}
	*ret = k;
	return 0;
}

static void subject_free(struct kube_events *k, struct subject *s)
{
	(void)strmap_del(&k->by_uid, s->uid);
	list_del(&s->link);
	free(s->uid);
	free(s);
}

static void sending_free(struct sending *s)
{
	list_del(&s->link);
	s->owner->nr_sending--;
	free(s);
}

struct kube_events *kube_events_free(struct kube_events *k)
{
	if (!k)
		return NULL;
	list_for_each_safe (it, nxt, &k->sending) {
		struct sending *s = list_entry(it, struct sending, link);

		k->deps.client->cancel(k->deps.client_ctx, s->call);
		sending_free(s);
	}
	list_for_each_safe (it, nxt, &k->subjects) {
		subject_free(k, list_entry(it, struct subject, link));
	}
	strmap_done(&k->by_uid);
	free(k->node_name);
	free(k);
	return NULL;
}

void kube_events_get_stats(const struct kube_events *k, struct kube_events_stats *ret)
{
	*ret = k->stats;
	ret->pods = k->by_uid.nr;
}

/* ---- what is remembered of each pod ---- */

static struct subject *subject_new(struct kube_events *k, const char *uid, uint64_t now_ms)
{
	struct subject *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	list_init(&s->link);
	s->uid = strdup(uid);
	s->credit = POD_BURST;
	s->credit_ms = now_ms;
	if (!s->uid || strmap_add(&k->by_uid, s->uid, s) < 0) {
		free(s->uid);
		free(s);
		return NULL;
	}
	if (k->by_uid.nr > PODS_MAX)
		subject_free(k, list_entry(k->subjects.next, struct subject, link));
	return s;
}

static struct subject *subject_of(struct kube_events *k, const char *uid, uint64_t now_ms)
{
	struct subject *s = strmap_get(&k->by_uid, uid);

	if (!s)
		s = subject_new(k, uid, now_ms);
	if (!s)
		return NULL;
	list_del(&s->link);
	list_append(&k->subjects, &s->link);
	return s;
}

static bool take_credit(struct subject *s, uint64_t now_ms)
{
	uint64_t earned = (now_ms - s->credit_ms) / POD_EVERY_MS;

	if (earned >= POD_BURST - s->credit) {
		s->credit = POD_BURST;
		s->credit_ms = now_ms;
	} else {
		s->credit += (unsigned)earned;
		s->credit_ms += earned * POD_EVERY_MS;
	}
	if (!s->credit)
		return false;
	s->credit--;
	return true;
}

static uint64_t digest_of(const struct publisher_transition *t)
{
	const char *const parts[] = {t->warning ? "W" : "N", t->reason, t->action, t->note};
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		for (const char *c = parts[i]; *c; c++)
			h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
		h = (h ^ 0xff) * UINT64_C(1099511628211);
	}
	return h;
}

/* The entry for this Event; in place of the oldest when it is a new one. */
static struct kind *kind_of(struct subject *s, uint64_t digest, uint64_t now_ms)
{
	struct kind *oldest = &s->kinds[0];

	for (size_t i = 0; i < KINDS_MAX; i++) {
		struct kind *c = &s->kinds[i];

		if (c->count && c->digest == digest && now_ms - c->at_ms < SAME_MS)
			return c;
		if (!c->count || c->at_ms < oldest->at_ms)
			oldest = c;
		if (!oldest->count)
			break;
	}
	*oldest = (struct kind){.digest = digest};
	return oldest;
}

/* ---- bodies ---- */

/* The API takes six decimals and nothing else. */
static void add_micro_time(struct strbuf *out, int64_t wall_ms)
{
	char text[STATUS_TIME_SIZE];

	status_time_format(wall_ms / 1000, text);
	text[strcspn(text, "Z")] = '\0';
	(void)strbuf_addf(out, "\"%s.%03u000Z\"", text, (unsigned)(wall_ms % 1000));
}

static void add_member(struct strbuf *out, const char *key, const char *value, size_t max)
{
	(void)strbuf_addf(out, ",\"%s\":", key);
	status_text_quote_any(out, value, max);
}

static void event_body(const struct kube_events *k, const struct publisher_transition *t,
		       const char *name, int64_t wall_ms, struct strbuf *out)
{
	(void)strbuf_adds(out, "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\","
			       "\"metadata\":{\"name\":");
	status_text_quote_any(out, name, EVENT_NAME);
	add_member(out, "namespace", t->namespace_, IDENTITY_MAX);
	(void)strbuf_adds(out, "},\"eventTime\":");
	add_micro_time(out, wall_ms);
	(void)strbuf_adds(out, ",\"reportingController\":\"" CONTROLLER "\"");
	add_member(out, "reportingInstance", k->node_name, 128);
	add_member(out, "type", t->warning ? "Warning" : "Normal", 16);
	add_member(out, "reason", t->reason, 128);
	add_member(out, "action", t->action, 128);
	add_member(out, "note", t->note, NOTE_MAX);
	(void)strbuf_adds(out, ",\"regarding\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\"");
	add_member(out, "namespace", t->namespace_, IDENTITY_MAX);
	add_member(out, "name", t->name, IDENTITY_MAX);
	add_member(out, "uid", t->pod_uid, IDENTITY_MAX);
	(void)strbuf_adds(out, "}");
	if (t->object_uid && *t->object_uid) {
		(void)strbuf_adds(out, ",\"related\":{\"apiVersion\":\"podresctrl.io/v1alpha1\","
				       "\"kind\":\"PodResctrlStatus\"");
		add_member(out, "namespace", t->namespace_, IDENTITY_MAX);
		add_member(out, "name", t->name, IDENTITY_MAX);
		add_member(out, "uid", t->object_uid, IDENTITY_MAX);
		(void)strbuf_adds(out, "}");
	}
	(void)strbuf_adds(out, "}");
}

static void series_body(unsigned count, int64_t wall_ms, struct strbuf *out)
{
	(void)strbuf_addf(out, "{\"series\":{\"count\":%u,\"lastObservedTime\":", count);
	add_micro_time(out, wall_ms);
	(void)strbuf_adds(out, "}}");
}

/* The pod's name, as much of it as fits, and a number that no other Event has. */
static void new_name(struct kube_events *k, const char *pod, int64_t wall_ms, char *buf,
		     size_t size)
{
	size_t len = strnlen(pod, NAME_MAX_LEN);

	while (len && (pod[len - 1] == '.' || pod[len - 1] == '-'))
		len--;
	(void)snprintf(buf, size, "%.*s.%llx%04x", (int)len, pod, (unsigned long long)wall_ms,
		       (k->deps.random(k->deps.ctx) + k->serial++) & 0xffffu);
}

/* ---- answers ---- */

static void rest(struct kube_events *k, const struct k8s_response *r)
{
	bool for_long = r->rc == -EACCES || r->rc == -ENOENT || r->rc == -EINVAL;
	uint64_t pause_ms = for_long ? REST_LONG_MS : REST_MS;
	char text[512];

	if (pause_ms < r->retry_after_ms)
		pause_ms = r->retry_after_ms;
	pause_ms += k->deps.random(k->deps.ctx) % (pause_ms / 4);
	k->rest_until_ms = k->deps.now_ms(k->deps.ctx) + pause_ms;
	if (k->trouble_told || !k->deps.on_trouble)
		return;
	k->trouble_told = true;
	(void)snprintf(text, sizeof(text), "%s", r->message ? r->message : "no reason given");
	k->deps.on_trouble(k->deps.ctx, text);
}

static bool is_namespace_gone(const struct k8s_response *r)
{
	return (r->rc == -ENOENT && r->kind && strcmp(r->kind, "namespaces") == 0) ||
	       (r->rc == -EACCES && r->cause && strcmp(r->cause, "NamespaceTerminating") == 0);
}

static struct kind *find_sent(const struct kube_events *k, const struct sending *s)
{
	struct subject *subject = strmap_get(&k->by_uid, s->uid);

	for (size_t i = 0; subject && i < KINDS_MAX; i++)
		if (subject->kinds[i].count && subject->kinds[i].digest == s->digest)
			return &subject->kinds[i];
	return NULL;
}

static void on_answer(void *ctx, const struct k8s_response *r)
{
	struct sending *s = ctx;
	struct kube_events *k = s->owner;
	struct kind *kind = find_sent(k, s);

	if (r->rc == 0) {
		k->trouble_told = false;
		if (kind)
			(void)snprintf(kind->name, sizeof(kind->name), "%s", s->name);
	} else {
		k->stats.failed++;
		if (kind) /* the next one is a new Event: this one is not there (any more) */
			*kind = (struct kind){0};
		if (!is_namespace_gone(r) && !(s->is_series && r->rc == -ENOENT))
			rest(k, r);
	}
	sending_free(s);
}

/* ---- sending ---- */

static void build_path(struct strbuf *path, const char *namespace_, const char *name)
{
	(void)strbuf_adds(path, "/apis/events.k8s.io/v1/namespaces/");
	k8s_escape(path, namespace_);
	(void)strbuf_adds(path, "/events");
	if (name) {
		(void)strbuf_addc(path, '/');
		k8s_escape(path, name);
	}
}

static int submit(struct kube_events *k, struct sending *s, const struct strbuf *path,
		  const struct strbuf *body)
{
	const struct k8s_request req = {
		.method = s->is_series ? K8S_PATCH : K8S_POST,
		.path = strbuf_str(path),
		.query = "fieldManager=podresctrld",
		.content_type = s->is_series ? "application/merge-patch+json" : NULL,
		.body = strbuf_str(body),
		.body_len = body->len,
		.timeout_ms = TIMEOUT_MS,
	};

	if (path->error || body->error)
		return path->error ? path->error : body->error;
	return k->deps.client->request(k->deps.client_ctx, &req, on_answer, s, &s->call, NULL);
}

static int send_event(struct kube_events *k, const struct publisher_transition *t,
		      const struct kind *kind)
{
	struct strbuf path AUTO_STRBUF, body AUTO_STRBUF;
	struct sending *s = calloc(1, sizeof(*s));
	int64_t wall_ms = k->deps.wall_ms(k->deps.ctx);
	int r;

	strbuf_init(&path, 2048);
	strbuf_init(&body, BODY_CAP);
	if (!s)
		return -ENOMEM;
	s->owner = k;
	s->digest = kind->digest;
	s->is_series = kind->name[0];
	list_init(&s->link);
	k->nr_sending++;
	(void)snprintf(s->uid, sizeof(s->uid), "%s", t->pod_uid);
	if (s->is_series) {
		(void)snprintf(s->name, sizeof(s->name), "%s", kind->name);
		series_body(kind->count + 1, wall_ms, &body);
	} else {
		new_name(k, t->name, wall_ms, s->name, sizeof(s->name));
		event_body(k, t, s->name, wall_ms, &body);
	}
	build_path(&path, t->namespace_, s->is_series ? s->name : NULL);
	r = submit(k, s, &path, &body);
	if (r < 0) {
		sending_free(s);
		return r;
	}
	list_append(&k->sending, &s->link);
	if (s->is_series)
		k->stats.counted_up++;
	else
		k->stats.created++;
	return 0;
}

static bool may_send(struct kube_events *k, struct subject *s, uint64_t now_ms)
{
	if (!k->started) {
		rate_limit_init(&k->node, NODE_RATE, POD_BURST, now_ms);
		k->started = true;
	}
	return s && now_ms >= k->rest_until_ms && k->nr_sending < IN_FLIGHT_MAX &&
	       take_credit(s, now_ms) && rate_limit_take(&k->node, now_ms);
}

void kube_events_post(struct kube_events *k, const struct publisher_transition *t)
{
	uint64_t now_ms = k->deps.now_ms(k->deps.ctx);
	struct subject *s = subject_of(k, t->pod_uid, now_ms);
	struct kind *kind;

	if (!may_send(k, s, now_ms)) {
		k->stats.dropped++;
		return;
	}
	kind = kind_of(s, digest_of(t), now_ms);
	if (send_event(k, t, kind) < 0) {
		k->stats.dropped++;
		return;
	}
	kind->count++;
	kind->at_ms = now_ms;
}
