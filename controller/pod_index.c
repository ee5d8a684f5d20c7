/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_index.h"

#include "retry_annotation.h"

#include <errno.h>
#include <string.h>

#define KEY_CAP 1024

void pod_index_init(struct pod_index *x, uint32_t seed)
{
	strmap_init(&x->by_name, seed);
}

static struct pod_entry *entry_free(struct pod_entry *p)
{
	if (!p)
		return NULL;
	free(p->token);
	free(p);
	return NULL;
}

static void auto_entry_p(struct pod_entry **p)
{
	entry_free(*p);
}
#define AUTO_ENTRY __attribute__((cleanup(auto_entry_p)))

void pod_index_done(struct pod_index *x)
{
	struct pod_entry *p;
	size_t i = 0;

	while ((p = strmap_next(&x->by_name, &i)))
		entry_free(p);
	strmap_done(&x->by_name);
}

static int make_key(struct strbuf *key, const char *namespace_, const char *name)
{
	(void)strbuf_adds(key, namespace_);
	(void)strbuf_addc(key, '/');
	(void)strbuf_adds(key, name);
	return key->error;
}

static struct pod_entry *find(const struct pod_index *x, const char *namespace_, const char *name)
{
	struct strbuf key AUTO_STRBUF;

	strbuf_init(&key, KEY_CAP);
	if (make_key(&key, namespace_, name) < 0)
		return NULL;
	return strmap_get(&x->by_name, strbuf_str(&key));
}

static int set_token(struct pod_entry *p, const struct k8s_object_meta *meta)
{
	const char *value = k8s_meta_annotation(meta, RETRY_ANNOTATION);
	char token[STATUS_TOKEN_MAX + 1];

	if (!value)
		return 0;
	p->token_valid = retry_token(value, token);
	p->token = strdup(token);
	return p->token ? 0 : -ENOMEM;
}

/* Copy S to *ROOM, which moves past it. */
static const char *put(char **room, const char *s)
{
	size_t size = strlen(s) + 1;
	const char *copy = memcpy(*room, s, size);

	*room += size;
	return copy;
}

static int new_entry(const struct k8s_object_meta *meta, struct pod_entry **ret)
{
	const char *mirror = k8s_meta_annotation(meta, POD_INDEX_MIRROR);
	const char *runtime_uid = mirror && *mirror ? mirror : meta->uid;
	AUTO_ENTRY struct pod_entry *p = NULL;
	struct strbuf key AUTO_STRBUF;
	char *room;
	int r;

	strbuf_init(&key, KEY_CAP);
	r = make_key(&key, meta->namespace_, meta->name);
	if (r < 0)
		return r == -EFBIG ? -EINVAL : r;
	p = calloc(1, sizeof(*p) + strlen(strbuf_str(&key)) + strlen(meta->namespace_) +
			      strlen(meta->name) + strlen(meta->uid) + strlen(runtime_uid) + 5);
	if (!p)
		return -ENOMEM;
	room = p->text;
	p->key = put(&room, strbuf_str(&key));
	p->namespace_ = put(&room, meta->namespace_);
	p->name = put(&room, meta->name);
	p->uid = put(&room, meta->uid);
	p->runtime_uid = runtime_uid == meta->uid ? p->uid : put(&room, runtime_uid);
	p->deleting = meta->deleting;
	if (set_token(p, meta) < 0)
		return -ENOMEM;
	*ret = steal_ptr(&p);
	return 0;
}

/* Has the token changed since the pod was first seen, with NEXT coming after OLD? */
static bool token_changed(const struct pod_entry *old, const struct pod_entry *next)
{
	if (old->token_changed || !old->token != !next->token)
		return true;
	return old->token && strcmp(old->token, next->token) != 0;
}

int pod_index_set(struct pod_index *x, const struct k8s_object_meta *meta,
		  const struct pod_entry **ret)
{
	struct pod_entry *p = NULL, *old;
	int r;

	if (!meta->name || !*meta->name || !meta->uid || !*meta->uid || !meta->namespace_)
		return -EINVAL;
	r = new_entry(meta, &p);
	if (r < 0)
		return r;
	old = strmap_get(&x->by_name, p->key);
	p->seen_at_start = !x->synced;
	if (old) {
		p->seen_at_start = strcmp(old->uid, p->uid) == 0 && old->seen_at_start;
		p->token_changed = strcmp(old->uid, p->uid) == 0 && token_changed(old, p);
		(void)strmap_del(&x->by_name, old->key); /* which leaves room for the new one */
		entry_free(old);
	} else if (x->by_name.nr >= POD_INDEX_MAX) {
		entry_free(p);
		return -ENOBUFS;
	}
	r = strmap_add(&x->by_name, p->key, p);
	if (r < 0) {
		entry_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void pod_index_set_token(struct pod_index *x, const char *namespace_, const char *name,
			 const char *runtime_uid, const char *token, bool is_valid)
{
	struct pod_entry *p = find(x, namespace_, name);
	char *copy = token ? strdup(token) : NULL;

	if (!p || strcmp(p->runtime_uid, runtime_uid) != 0 || (token && !copy)) {
		free(copy);
		return;
	}
	free(p->token);
	p->token = copy;
	p->token_valid = is_valid;
}

void pod_index_del(struct pod_index *x, const char *namespace_, const char *name, const char *uid)
{
	struct pod_entry *p = find(x, namespace_, name);

	if (!p || strcmp(p->uid, uid) != 0)
		return;
	(void)strmap_del(&x->by_name, p->key);
	entry_free(p);
}

const struct pod_entry *pod_index_get(const struct pod_index *x, const char *namespace_,
				      const char *name)
{
	return find(x, namespace_, name);
}

const struct pod_entry *pod_index_join(const struct pod_index *x, const char *namespace_,
				       const char *name, const char *runtime_uid)
{
	const struct pod_entry *p = find(x, namespace_, name);

	return p && strcmp(p->runtime_uid, runtime_uid) == 0 ? p : NULL;
}
