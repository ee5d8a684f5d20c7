/* SPDX-License-Identifier: Apache-2.0 */
#include "stale_pods.h"

#include "attr.h"
#include "list.h"
#include "strmap.h"

#include <string.h>

struct stale_pod {
	struct list link;  /* in stale_pods.emptied, oldest first; else with itself */
	uint64_t since_ms; /* without a container; meaningful in the list */
	const char *uid;   /* behind .sandbox_id */
	char sandbox_id[];
};

struct stale_pods {
	bool (*is_empty)(void *ctx, const char *pod_uid);
	void *ctx;
	struct strmap pods; /* of the last snapshot, by sandbox id */
	struct list emptied;
	uint64_t not_before_ms;
};

struct stale_pods *stale_pods_new(bool (*is_empty)(void *ctx, const char *pod_uid), void *ctx,
				  uint32_t seed)
{
	struct stale_pods *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->is_empty = is_empty;
	s->ctx = ctx;
	strmap_init(&s->pods, seed);
	list_init(&s->emptied);
	return s;
}

static void forget(struct stale_pods *s, struct stale_pod *pod)
{
	(void)strmap_del(&s->pods, pod->sandbox_id);
	list_del(&pod->link);
	free(pod);
}

static void forget_all(struct stale_pods *s)
{
	const struct strmap *pods = &s->pods;
	struct stale_pod *pod;
	size_t i = 0;

	while ((pod = strmap_next(pods, &i))) {
		list_del(&pod->link);
		free(pod);
	}
	strmap_done(&s->pods);
}

void stale_pods_free(struct stale_pods *s)
{
	if (!s)
		return;
	forget_all(s);
	free(s);
}

/* Without memory a pod is just not looked after. */
static void add(struct stale_pods *s, const struct nri_pod *in)
{
	size_t id_size = strlen(in->id) + 1, uid_size = strlen(in->uid) + 1;
	struct stale_pod *pod = calloc(1, sizeof(*pod) + id_size + uid_size);

	if (!pod)
		return;
	list_init(&pod->link);
	memcpy(pod->sandbox_id, in->id, id_size);
	pod->uid = memcpy(pod->sandbox_id + id_size, in->uid, uid_size);
	if (strmap_add(&s->pods, pod->sandbox_id, pod) < 0)
		free(pod);
}

void stale_pods_snapshot(struct stale_pods *s, const struct nri_pod *pods, size_t nr)
{
	uint32_t seed = s->pods.seed;

	forget_all(s);
	strmap_init(&s->pods, seed);
	for (size_t i = 0; i < nr; i++)
		add(s, &pods[i]);
}

void stale_pods_event(struct stale_pods *s, uint64_t now_ms, enum nri_event event,
		      const struct nri_pod *pod, const struct nri_container *container)
{
	const char *id = container ? container->pod_sandbox_id : pod ? pod->id : "";
	struct stale_pod *known = strmap_get(&s->pods, id);

	if (!known)
		return;
	if (!container) { /* it is told of, whatever the event is */
		forget(s, known);
		return;
	}
	list_del(&known->link);
	if (event != NRI_REMOVE_CONTAINER || !s->is_empty(s->ctx, known->uid))
		return;
	known->since_ms = now_ms;
	list_append(&s->emptied, &known->link);
}

uint64_t stale_pods_due_ms(struct stale_pods *s)
{
	while (!list_empty(&s->emptied)) {
		struct stale_pod *first = list_entry(s->emptied.next, struct stale_pod, link);
		uint64_t due_ms = first->since_ms + STALE_AFTER_MS;

		if (s->is_empty(s->ctx, first->uid))
			return due_ms > s->not_before_ms ? due_ms : s->not_before_ms;
		list_del(&first->link);
	}
	return UINT64_MAX;
}

void stale_pods_asked(struct stale_pods *s, uint64_t now_ms)
{
	s->not_before_ms = now_ms + STALE_AGAIN_MS;
}
