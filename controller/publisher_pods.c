/* SPDX-License-Identifier: Apache-2.0 */

/* Which pods there are in the API, as the pod watch shows them. */

#include "publisher_priv.h"

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

/* Is the name in the list "a,b,c"? */
static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list) {
		size_t item = strcspn(list, ",");

		if (item == len && memcmp(list, name, len) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}

static void on_object(void *ctx, enum k8s_event_type type, const struct k8s_object_meta *meta)
{
	struct publisher *p = ctx;
	const struct pod_entry *entry;
	int r;

	if (p->namespaces && !is_listed(p->namespaces, meta->namespace_))
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

	health_watch(&p->health, state);
	publisher_tell_news(p);
}

const struct k8s_watch_ops publisher_watch_ops = {
	.on_object = on_object,
	.on_synced = on_synced,
	.on_state = on_state,
};
