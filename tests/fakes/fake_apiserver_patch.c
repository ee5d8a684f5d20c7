/* SPDX-License-Identifier: Apache-2.0 */

/* JSON Merge Patch (RFC 7396) and JSON Patch (RFC 6902) without move and copy. */

#include "fake_apiserver_priv.h"

#include <json-c/json_pointer.h>
#include <stdio.h>
#include <string.h>

struct json_object *fake_merge_patch(struct json_object *o, struct json_object *patch)
{
	struct json_object *out;

	if (!json_object_is_type(patch, json_type_object))
		return fake_clone(patch);
	out = json_object_is_type(o, json_type_object) ? fake_clone(o) : json_object_new_object();
	json_object_object_foreach(patch, key, value)
	{
		struct json_object *old = json_object_object_get(out, key);

		if (!value)
			json_object_object_del(out, key);
		else
			json_object_object_add(out, key, fake_merge_patch(old, value));
	}
	return out;
}

/* "/a/b~1c" -> parent "/a", last "b/c" */
static bool split_pointer(const char *path, char *parent, size_t size, char *last)
{
	const char *slash = strrchr(path, '/');
	size_t n = 0;

	if (!slash || (size_t)(slash - path) >= size || strlen(slash) >= size)
		return false;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	for (const char *p = slash + 1; *p; p++) {
		if (*p == '~' && (p[1] == '0' || p[1] == '1'))
			last[n++] = *++p == '1' ? '/' : '~';
		else
			last[n++] = *p;
	}
	last[n] = '\0';
	return true;
}

static bool set_array(struct json_object *array, const char *last, struct json_object *value,
		      bool insert)
{
	size_t nr = json_object_array_length(array), at = nr;

	if (strcmp(last, "-") != 0) {
		char *end;

		at = strtoul(last, &end, 10);
		if (*end || at > nr || (!insert && at == nr))
			return false;
	}
	if (!insert || at == nr)
		return json_object_array_put_idx(array, at, json_object_get(value)) == 0;
	/* json-c has no insert of its own in this version: shift by hand. */
	for (size_t i = nr; i > at; i--)
		json_object_array_put_idx(array, i,
					  json_object_get(json_object_array_get_idx(array, i - 1)));
	return json_object_array_put_idx(array, at, json_object_get(value)) == 0;
}

static bool del_array(struct json_object *array, const char *last)
{
	char *end;
	size_t at = strtoul(last, &end, 10);

	return !*end && at < json_object_array_length(array) &&
	       json_object_array_del_idx(array, at, 1) == 0;
}

static bool apply_change(struct json_object *o, const char *op, const char *path,
			 struct json_object *value)
{
	char parent_path[512], last[512];
	struct json_object *parent;
	bool is_array;

	if (!split_pointer(path, parent_path, sizeof(parent_path), last) ||
	    json_pointer_get(o, parent_path, &parent) < 0)
		return false;
	is_array = json_object_is_type(parent, json_type_array);
	if (!is_array && !json_object_is_type(parent, json_type_object))
		return false;
	if (!is_array && strcmp(op, "add") != 0 && !json_object_object_get_ex(parent, last, NULL))
		return false;
	if (strcmp(op, "remove") == 0) {
		if (is_array)
			return del_array(parent, last);
		json_object_object_del(parent, last);
		return true;
	}
	if (is_array)
		return set_array(parent, last, value, strcmp(op, "add") == 0);
	return json_object_object_add(parent, last, json_object_get(value)) == 0;
}

static bool apply_op(struct json_object *o, struct json_object *step)
{
	const char *op = fake_str(step, "op", NULL), *path = fake_str(step, "path", NULL);
	struct json_object *value = NULL, *have = NULL;
	bool has_value = json_object_object_get_ex(step, "value", &value);

	if (strcmp(op, "test") == 0)
		return json_pointer_get(o, path, &have) == 0 && json_object_equal(have, value);
	if (strcmp(op, "remove") == 0)
		return apply_change(o, op, path, NULL);
	if (strcmp(op, "add") == 0 || strcmp(op, "replace") == 0)
		return has_value && apply_change(o, op, path, value);
	return false;
}

struct json_object *fake_json_patch(struct json_object *o, struct json_object *patch)
{
	struct json_object *out = fake_clone(o);
	size_t nr;

	if (!json_object_is_type(patch, json_type_array)) {
		json_object_put(out);
		return NULL;
	}
	nr = json_object_array_length(patch);
	for (size_t i = 0; i < nr; i++) {
		if (!apply_op(out, json_object_array_get_idx(patch, i))) {
			json_object_put(out);
			return NULL;
		}
	}
	return out;
}
