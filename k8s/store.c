/* SPDX-License-Identifier: Apache-2.0 */

/* What a watch knows to exist: enough to find out what a new list no longer has. */

#include "watch_priv.h"

#include <string.h>

/* "namespace/name" of valid objects fits well; see the limits in object.c. */
#define KEY_MAX 400

void k8s_store_init(struct k8s_store *s, uint32_t seed)
{
	strmap_init(&s->by_name, seed);
	list_init(&s->records);
}

void k8s_store_done(struct k8s_store *s)
{
	list_for_each_safe (it, next, &s->records) {
		k8s_store_del(s, list_entry(it, struct k8s_record, link));
	}
	strmap_done(&s->by_name);
}

static char *put(char *at, const char *s, size_t len, char end)
{
	memcpy(at, s, len);
	at[len] = end;
	return at + len + 1;
}

struct k8s_record *k8s_store_find(const struct k8s_store *s, const struct k8s_object_meta *m)
{
	size_t ns_len = strlen(m->namespace_), name_len = strlen(m->name);
	char key[KEY_MAX];

	if (ns_len + name_len + 2 > sizeof(key))
		return NULL;
	put(put(key, m->namespace_, ns_len, '/'), m->name, name_len, '\0');
	return strmap_get(&s->by_name, key);
}

struct k8s_record *k8s_store_add(struct k8s_store *s, const struct k8s_object_meta *m)
{
	size_t ns_len = strlen(m->namespace_), name_len = strlen(m->name), uid_len = strlen(m->uid);
	struct k8s_record *r;
	char *at;

	/* Twice the namespace: once inside the key, once as a string of its own. */
	r = malloc(sizeof(*r) + 2 * (ns_len + 1) + name_len + 1 + uid_len + 1);
	if (!r)
		return NULL;
	*r = (struct k8s_record){.seen = 0};
	at = put(r->key, m->namespace_, ns_len, '/');
	r->name = at;
	at = put(at, m->name, name_len, '\0');
	r->namespace_ = at;
	at = put(at, m->namespace_, ns_len, '\0');
	r->uid = at;
	put(at, m->uid, uid_len, '\0');
	k8s_record_set_rv(r, m->resource_version);
	if (strmap_add(&s->by_name, r->key, r) < 0) {
		free(r);
		return NULL;
	}
	list_append(&s->records, &r->link);
	return r;
}

void k8s_store_del(struct k8s_store *s, struct k8s_record *r)
{
	(void)strmap_del(&s->by_name, r->key);
	list_del(&r->link);
	free(r);
}

void k8s_record_set_rv(struct k8s_record *r, const char *rv)
{
	size_t len = strlen(rv);

	if (len >= sizeof(r->rv))
		len = 0;
	memcpy(r->rv, rv, len);
	r->rv[len] = '\0';
}
