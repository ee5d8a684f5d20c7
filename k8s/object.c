/* SPDX-License-Identifier: Apache-2.0 */

/* JSON to plain structs: frames of a watch and the metadata of objects. */

#include "watch_priv.h"

#include <errno.h>
#include <string.h>

/* RFC 1123 subdomain, label; UIDs are 36 bytes but nothing promises that. */
#define NAME_MAX_LEN      253
#define NAMESPACE_MAX_LEN 63
#define UID_MAX_LEN       128

struct json_object *k8s_json_get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return json_object_is_type(v, type) ? v : NULL;
}

const char *k8s_json_str(struct json_object *o, const char *key)
{
	struct json_object *v = k8s_json_get(o, key, json_type_string);

	return v && json_object_get_string_len(v) > 0 ? json_object_get_string(v) : NULL;
}

static const char *bounded(struct json_object *o, const char *key, size_t max)
{
	const char *s = k8s_json_str(o, key);

	return s && strlen(s) <= max ? s : NULL;
}

/* A map of strings, as an array; values of another type are left out. */
static int decode_pairs(struct json_object *meta, const char *key, const struct k8s_pair **ret,
			size_t *ret_nr)
{
	struct json_object *map = k8s_json_get(meta, key, json_type_object);
	size_t nr = map ? (size_t)json_object_object_length(map) : 0;
	struct k8s_pair *pairs;
	size_t n = 0;

	if (nr == 0)
		return 0;
	pairs = calloc(nr, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	json_object_object_foreach(map, name, value)
	{
		if (!json_object_is_type(value, json_type_string))
			continue;
		pairs[n++] = (struct k8s_pair){name, json_object_get_string(value)};
	}
	*ret = pairs;
	*ret_nr = n;
	return 0;
}

int k8s_meta_decode(struct k8s_object_meta *m, struct json_object *object)
{
	struct json_object *meta = k8s_json_get(object, "metadata", json_type_object);
	int r;

	*m = (struct k8s_object_meta){
		.name = bounded(meta, "name", NAME_MAX_LEN),
		.namespace_ = k8s_json_str(meta, "namespace"),
		.uid = bounded(meta, "uid", UID_MAX_LEN),
		.resource_version = bounded(meta, "resourceVersion", K8S_RV_MAX - 1),
		.creation_timestamp = k8s_json_str(meta, "creationTimestamp"),
		.deleting = k8s_json_str(meta, "deletionTimestamp"),
		.object = object,
	};
	if (!m->namespace_)
		m->namespace_ = "";
	if (!m->name || !m->uid || !m->resource_version ||
	    strlen(m->namespace_) > NAMESPACE_MAX_LEN)
		return -EPROTO;
	r = decode_pairs(meta, "annotations", &m->annotations, &m->nr_annotations);
	if (r == 0)
		r = decode_pairs(meta, "labels", &m->labels, &m->nr_labels);
	if (r < 0)
		k8s_meta_done(m);
	return r;
}

static void free_pairs(const struct k8s_pair **pairs, size_t *nr)
{
	union {
		const struct k8s_pair *borrowed;
		void *owned;
	} u = {*pairs};

	free(u.owned);
	*pairs = NULL;
	*nr = 0;
}

void k8s_meta_done(struct k8s_object_meta *m)
{
	free_pairs(&m->annotations, &m->nr_annotations);
	free_pairs(&m->labels, &m->nr_labels);
}

static const char *find(const struct k8s_pair *pairs, size_t nr, const char *key)
{
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(pairs[i].key, key) == 0)
			return pairs[i].value;
	}
	return NULL;
}

const char *k8s_meta_annotation(const struct k8s_object_meta *m, const char *key)
{
	return find(m->annotations, m->nr_annotations, key);
}

const char *k8s_meta_label(const struct k8s_object_meta *m, const char *key)
{
	return find(m->labels, m->nr_labels, key);
}

const char *k8s_object_json(const struct k8s_object_meta *m, size_t *ret_len)
{
	if (!m->object)
		return NULL;
	return json_object_to_json_string_length(m->object, JSON_C_TO_STRING_PLAIN, ret_len);
}

int k8s_frame_decode(struct k8s_frame *f, struct json_object *json)
{
	static const char *const names[] = {
		[K8S_FRAME_ADDED] = "ADDED",     [K8S_FRAME_MODIFIED] = "MODIFIED",
		[K8S_FRAME_DELETED] = "DELETED", [K8S_FRAME_BOOKMARK] = "BOOKMARK",
		[K8S_FRAME_ERROR] = "ERROR",
	};
	const char *type = k8s_json_str(json, "type");

	if (!type)
		return -EPROTO;
	*f = (struct k8s_frame){.type = K8S_FRAME_UNKNOWN};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(type, names[i]) == 0)
			f->type = (enum k8s_frame_type)i;
	}
	f->object = k8s_json_get(json, "object", json_type_object);
	return f->object || f->type == K8S_FRAME_UNKNOWN ? 0 : -EPROTO;
}

void k8s_escape(struct strbuf *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c)) {
			strbuf_addc(out, (char)c);
		} else {
			strbuf_addc(out, '%');
			strbuf_addc(out, hex[c >> 4]);
			strbuf_addc(out, hex[c & 15]);
		}
	}
}
