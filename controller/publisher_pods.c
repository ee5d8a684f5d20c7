/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which pods there are in the API, by name: as the pod watch shows them or, where the daemon
 * may not read pods, as the runtime tells of them.
 */

#include "publisher_priv.h"

#include "name_list.h"

#include <errno.h>
#include <string.h>

void publisher_watch_spec(const struct publisher *p, struct k8s_watch_spec *ret)
{
	*ret = (struct k8s_watch_spec){
		.path = "/api/v1/pods",
		.field_selector = p->selector,
		.label_selector = p->label_selector,
		.metadata_only = true,
		.max_objects = POD_INDEX_MAX,
	};
}

static void touch_runtime_uid(struct publisher *p, const char *runtime_uid)
{
	struct slot *s = strmap_get(&p->slots, runtime_uid);

	if (s)
		slot_touch(s);
}

static bool is_wanted_namespace(const struct publisher *p, const char *namespace_)
{
	return !p->namespaces || name_list_has(p->namespaces, namespace_);
}

static void on_object(void *ctx, enum k8s_event_type type, const struct k8s_object_meta *meta)
{
	struct publisher *p = ctx;
	const struct pod_entry *entry;
	int r;

	if (!is_wanted_namespace(p, meta->namespace_))
		return;
	entry = pod_index_get(&p->index, meta->namespace_, meta->name);
	if (entry)
		touch_runtime_uid(p, entry->runtime_uid);
	if (type == K8S_DELETED) {
		pod_index_del(&p->index, meta->namespace_, meta->name, meta->uid);
		return;
	}
	r = pod_index_set(&p->index, meta, &entry);
	if (r == -ENOMEM || r == -ENOBUFS)
		publisher_notice(p, PUBLISHER_NOTICE_NO_MEMORY, NULL, "a pod is not watched");
	if (r == 0)
		touch_runtime_uid(p, entry->runtime_uid);
}

static void on_synced(void *ctx)
{
	struct publisher *p = ctx;

	p->watch_synced = true;
	p->index.synced = true;
}

static void on_state(void *ctx, const struct k8s_watch_state *state)
{
	struct publisher *p = ctx;

	health_watch(&p->health, p->deps.env->now_ms(p->deps.ctx), state);
	publisher_tell_news(p);
}

const struct k8s_watch_ops publisher_watch_ops = {
	.on_object = on_object,
	.on_synced = on_synced,
	.on_state = on_state,
};

/* ---- without a watch ---- */

/*
 * Kubelet gives a static pod a UID of 32 hexadecimal digits, without dashes. The API has a
 * mirror pod with another UID, and an object with a wrong owner is removed at once.
 */
static bool is_static_uid(const char *uid)
{
	return strlen(uid) == 32 && strspn(uid, "0123456789abcdef") == 32;
}

static void set_pod(struct slot *s, const char *namespace_, const char *name)
{
	struct publisher *p = s->p;
	const struct k8s_object_meta meta = {.namespace_ = namespace_, .name = name, .uid = s->uid};
	const struct pod_entry *entry;
	int r = pod_index_set(&p->index, &meta, &entry);

	if (r == -ENOMEM || r == -ENOBUFS)
		publisher_notice(p, PUBLISHER_NOTICE_NO_MEMORY, NULL, "a pod is not published");
	s->displaced = false;
}

static bool may_be_published(const struct slot *s, const char *namespace_)
{
	return !is_static_uid(s->uid) && is_wanted_namespace(s->p, namespace_);
}

void publisher_pod_came(struct publisher *p, struct slot *s, const char *namespace_,
			const char *name)
{
	const struct pod_entry *before;
	struct slot *other;

	if (!may_be_published(s, namespace_))
		return;
	/* A name is used again before the runtime has removed the pod that had it. */
	before = pod_index_get(&p->index, namespace_, name);
	other = before ? strmap_get(&p->slots, before->uid) : NULL;
	if (other && other != s) {
		other->displaced = true;
		slot_touch(other);
	}
	set_pod(s, namespace_, name);
}

void publisher_pod_went(struct publisher *p, const struct slot *s, const char *namespace_,
			const char *name)
{
	struct slot *other;
	size_t i = 0;

	pod_index_del(&p->index, namespace_, name, s->uid);
	while ((other = strmap_next(&p->slots, &i)))
		if (other->displaced)
			slot_touch(other);
}

void publisher_pod_claim(struct slot *s, const struct core_pod_view *view)
{
	const struct pod_entry *entry = pod_index_get(&s->p->index, view->namespace_, view->name);

	if (!may_be_published(s, view->namespace_))
		return;
	if (!entry)
		set_pod(s, view->namespace_, view->name);
	else
		s->displaced = strcmp(entry->uid, s->uid) != 0;
}

bool publisher_pod_yield(struct slot *s, const char *pod_uid)
{
	struct publisher *p = s->p;
	struct slot *other = p->config.no_pod_watch ? strmap_get(&p->slots, pod_uid) : NULL;

	/* One that was published here before lost its name to a younger pod. */
	if (!other || !other->displaced || !other->alive || other->pod_uid)
		return false;
	publisher_pod_came(p, other, s->namespace_, s->name);
	slot_touch(other);
	return true;
}
