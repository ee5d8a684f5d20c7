/* SPDX-License-Identifier: Apache-2.0 */

/* The fake API server's objects, their history, and its garbage collector. */

#include "fake_apiserver_priv.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* As many events as a real watch cache roughly keeps. */
#define MAX_EVENTS 4096

const struct fake_type fake_types[] = {
	{"namespaces", "namespace", "Namespace", "ns", NULL, "", "v1", false, true, false},
	{"nodes", "node", "Node", "no", NULL, "", "v1", false, true, false},
	{"pods", "pod", "Pod", "po", "all", "", "v1", true, true, false},
	{"serviceaccounts", "serviceaccount", "ServiceAccount", "sa", NULL, "", "v1", true, false,
	 false},
	{"events", "event", "Event", "ev", NULL, "", "v1", true, false, false},
	{"events", "event", "Event", "ev", NULL, "events.k8s.io", "v1", true, false, false},
	{"daemonsets", "daemonset", "DaemonSet", "ds", NULL, "apps", "v1", true, true, false},
	{"customresourcedefinitions", "customresourcedefinition", "CustomResourceDefinition", "crd",
	 NULL, "apiextensions.k8s.io", "v1", false, true, false},
	{"clusterroles", "clusterrole", "ClusterRole", NULL, NULL, "rbac.authorization.k8s.io",
	 "v1", false, false, false},
	{"clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding", NULL, NULL,
	 "rbac.authorization.k8s.io", "v1", false, false, false},
	{"selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview", NULL,
	 NULL, "authorization.k8s.io", "v1", false, false, false},
	{"validatingadmissionpolicies", "validatingadmissionpolicy", "ValidatingAdmissionPolicy",
	 NULL, NULL, "admissionregistration.k8s.io", "v1", false, true, false},
	{"validatingadmissionpolicybindings", "validatingadmissionpolicybinding",
	 "ValidatingAdmissionPolicyBinding", NULL, NULL, "admissionregistration.k8s.io", "v1",
	 false, false, false},
	{"podresctrlstatuses", "podresctrlstatus", "PodResctrlStatus", "prs", "resctrl", API_GROUP,
	 API_VERSION, true, true, true},
};
const size_t fake_nr_types = ARRAY_LEN(fake_types);

const struct fake_type *fake_type_find(const char *group, const char *version, const char *resource)
{
	for (size_t i = 0; i < fake_nr_types; i++) {
		const struct fake_type *t = &fake_types[i];

		if (strcmp(t->group, group) == 0 && strcmp(t->version, version) == 0 &&
		    strcmp(t->resource, resource) == 0)
			return t;
	}
	return NULL;
}

const struct fake_type *fake_type_named(const char *resource)
{
	for (size_t i = 0; i < fake_nr_types; i++) {
		if (strcmp(fake_types[i].resource, resource) == 0)
			return &fake_types[i];
	}
	return NULL;
}

const char *fake_str(struct json_object *o, const char *a, const char *b)
{
	struct json_object *v = NULL;

	if (!o || !json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, a, &v))
		return "";
	if (b)
		return fake_str(v, b, NULL);
	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "";
}

struct json_object *fake_clone(struct json_object *o)
{
	struct json_object *copy = NULL;

	if (o)
		json_object_deep_copy(o, &copy, NULL);
	return copy;
}

struct fake_object *fake_find(const struct fake_api *f, const struct fake_type *type,
			      const char *namespace_, const char *name)
{
	for (struct list *it = f->objects.next; it != &f->objects; it = it->next) {
		struct fake_object *o = list_entry(it, struct fake_object, link);

		if (o->type == type && strcmp(fake_str(o->json, "metadata", "name"), name) == 0 &&
		    (!type->is_namespaced ||
		     strcmp(fake_str(o->json, "metadata", "namespace"), namespace_) == 0))
			return o;
	}
	return NULL;
}

/* ---- history ---- */

static void drop_event(struct fake_api *f, struct fake_event *e)
{
	f->oldest = e->version;
	f->nr_events--;
	list_del(&e->link);
	json_object_put(e->old);
	json_object_put(e->new);
	free(e);
}

static void add_event(struct fake_api *f, const struct fake_type *type, struct json_object *old,
		      struct json_object *new)
{
	struct fake_event *e = calloc(1, sizeof(*e));

	e->type = type;
	e->version = f->version;
	e->old = json_object_get(old);
	e->new = json_object_get(new);
	list_append(&f->events, &e->link);
	f->nr_events++;
	if (f->nr_events > MAX_EVENTS)
		drop_event(f, list_entry(f->events.next, struct fake_event, link));
}

void fake_api_compact(struct fake_api *f)
{
	while (!list_empty(&f->events))
		drop_event(f, list_entry(f->events.next, struct fake_event, link));
	f->oldest = f->version;
}

void fake_api_set_version(struct fake_api *f, uint64_t version)
{
	fake_api_compact(f);
	f->version = version;
	f->oldest = 0;
}

static void stamp(struct fake_api *f, struct json_object *o)
{
	struct json_object *meta = json_object_object_get(o, "metadata");
	char text[32];

	f->version++;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)f->version);
	json_object_object_add(meta, "resourceVersion", json_object_new_string(text));
}

/* Lists come by namespace and name, as the keys of etcd do. */
static struct list *place_of(struct fake_api *f, struct json_object *o)
{
	list_for_each (it, &f->objects) {
		struct json_object *other = list_entry(it, struct fake_object, link)->json;
		int by_namespace = strcmp(fake_str(other, "metadata", "namespace"),
					  fake_str(o, "metadata", "namespace"));

		if (by_namespace > 0 ||
		    (by_namespace == 0 && strcmp(fake_str(other, "metadata", "name"),
						 fake_str(o, "metadata", "name")) > 0))
			return it;
	}
	return &f->objects;
}

struct json_object *fake_store(struct fake_api *f, const struct fake_type *type,
			       struct json_object *o)
{
	struct fake_object *obj = fake_find(f, type, fake_str(o, "metadata", "namespace"),
					    fake_str(o, "metadata", "name"));

	stamp(f, o);
	if (!obj) {
		obj = calloc(1, sizeof(*obj));
		obj->type = type;
		list_append(place_of(f, o), &obj->link); /* that is: before it */
	}
	add_event(f, type, obj->json, o);
	json_object_put(obj->json);
	obj->json = o;
	f->gc_pending = true;
	return o;
}

void fake_remove(struct fake_api *f, struct fake_object *obj)
{
	struct json_object *last = fake_clone(obj->json);

	/* DELETED carries the last state with a newer version. */
	stamp(f, last);
	list_del(&obj->link);
	add_event(f, obj->type, last, NULL);
	json_object_put(last);
	json_object_put(obj->json);
	free(obj);
	f->gc_pending = true;
}

void fake_store_free(struct fake_api *f)
{
	fake_api_compact(f);
	list_for_each_safe (it, next, &f->objects) {
		struct fake_object *o = list_entry(it, struct fake_object, link);

		json_object_put(o->json);
		free(o);
	}
}

/* ---- what the server adds to a new object ---- */

static void random_uid(char *ret, size_t size)
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort();
	snprintf(ret, size, "%02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6] & 15, b[7], b[8] & 15, b[9], b[10], b[11],
		 b[12], b[13], b[14], b[15]);
}

static void now_text(char *ret, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void set_str(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *child(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_object)) {
		v = json_object_new_object();
		json_object_object_add(o, key, v);
	}
	return v;
}

static struct json_object *new_condition(const char *type, const char *now)
{
	struct json_object *c = json_object_new_object();

	set_str(c, "type", type);
	set_str(c, "status", "True");
	set_str(c, "lastTransitionTime", now);
	return c;
}

/* There is no kubelet: a pod is running as soon as it exists. */
static void run_pod(struct json_object *o, const char *now)
{
	struct json_object *spec = child(o, "spec"), *status = child(o, "status"), *containers;
	struct json_object *statuses = json_object_new_array(), *conditions;
	size_t nr = 0;

	if (json_object_object_get_ex(spec, "containers", &containers) &&
	    json_object_is_type(containers, json_type_array))
		nr = json_object_array_length(containers);
	for (size_t i = 0; i < nr; i++) {
		struct json_object *s = json_object_new_object();
		struct json_object *from = json_object_array_get_idx(containers, i);

		set_str(s, "name", fake_str(from, "name", NULL));
		set_str(s, "image", fake_str(from, "image", NULL));
		json_object_object_add(s, "ready", json_object_new_boolean(1));
		json_object_object_add(s, "restartCount", json_object_new_int(0));
		json_object_array_add(statuses, s);
	}
	set_str(status, "phase", "Running");
	set_str(status, "startTime", now);
	json_object_object_add(status, "containerStatuses", statuses);
	conditions = json_object_new_array();
	json_object_array_add(conditions, new_condition("Ready", now));
	json_object_object_add(status, "conditions", conditions);
}

void fake_fill_in(struct fake_api *f, const struct fake_type *type, struct json_object *o,
		  const char *namespace_)
{
	struct json_object *meta = child(o, "metadata");
	char uid[64], now[32], api_version[64];

	(void)f;
	snprintf(api_version, sizeof(api_version), "%s%s%s", type->group, *type->group ? "/" : "",
		 type->version);
	now_text(now, sizeof(now));
	random_uid(uid, sizeof(uid));
	set_str(o, "apiVersion", api_version);
	set_str(o, "kind", type->kind);
	if (type->is_namespaced)
		set_str(meta, "namespace", namespace_);
	/* A client cannot choose a UID; for pods it may here, as the runtime must know it too. */
	if (!*fake_str(meta, "uid", NULL) || strcmp(type->resource, "pods") != 0)
		set_str(meta, "uid", uid);
	set_str(meta, "creationTimestamp", now);
	if (type->is_custom)
		json_object_object_add(meta, "generation", json_object_new_int(1));
	if (strcmp(type->resource, "pods") == 0)
		run_pod(o, now);
	if (strcmp(type->resource, "namespaces") == 0)
		set_str(child(o, "status"), "phase", "Active");
}

/* ---- garbage collection ---- */

static bool uid_exists(const struct fake_api *f, const char *uid)
{
	for (struct list *it = f->objects.next; it != &f->objects; it = it->next) {
		struct fake_object *o = list_entry(it, struct fake_object, link);

		if (strcmp(fake_str(o->json, "metadata", "uid"), uid) == 0)
			return true;
	}
	return false;
}

/* Owned by somebody, and none of the owners is there. */
static bool is_orphan(const struct fake_api *f, struct json_object *o)
{
	struct json_object *meta = json_object_object_get(o, "metadata"), *owners;
	size_t nr;

	if (!json_object_object_get_ex(meta, "ownerReferences", &owners) ||
	    !json_object_is_type(owners, json_type_array))
		return false;
	nr = json_object_array_length(owners);
	for (size_t i = 0; i < nr; i++) {
		struct json_object *owner = json_object_array_get_idx(owners, i);

		if (strcmp(fake_str(owner, "kind", NULL), "Pod") != 0 ||
		    uid_exists(f, fake_str(owner, "uid", NULL)))
			return false;
	}
	return nr > 0;
}

void fake_collect(struct fake_api *f)
{
	f->gc_pending = false;
	list_for_each_safe (it, next, &f->objects) {
		struct fake_object *o = list_entry(it, struct fake_object, link);

		if (is_orphan(f, o->json))
			fake_remove(f, o);
	}
}

/* ---- the test's own hands ---- */

struct json_object *fake_api_get(const struct fake_api *f, const char *resource,
				 const char *namespace_, const char *name)
{
	struct fake_object *o = fake_find(f, fake_type_named(resource), namespace_, name);

	return o ? o->json : NULL;
}

size_t fake_api_nr_objects(const struct fake_api *f, const char *resource)
{
	size_t n = 0;

	for (struct list *it = f->objects.next; it != &f->objects; it = it->next)
		n += strcmp(list_entry(it, struct fake_object, link)->type->resource, resource) ==
		     0;
	return n;
}

void fake_api_put(struct fake_api *f, const char *resource, struct json_object *object)
{
	fake_store(f, fake_type_named(resource), object);
}

void fake_api_delete(struct fake_api *f, const char *resource, const char *namespace_,
		     const char *name)
{
	struct fake_object *o = fake_find(f, fake_type_named(resource), namespace_, name);

	if (o)
		fake_remove(f, o);
}

void fake_api_add_pod(struct fake_api *f, const char *namespace_, const char *name, const char *uid,
		      const char *node, const char *const *annotations)
{
	const struct fake_type *type = fake_type_named("pods");
	struct json_object *o = json_object_new_object();
	struct json_object *meta = child(o, "metadata");

	set_str(meta, "name", name);
	if (uid)
		set_str(meta, "uid", uid);
	for (; annotations && annotations[0]; annotations += 2)
		set_str(child(meta, "annotations"), annotations[0], annotations[1]);
	if (node)
		set_str(child(o, "spec"), "nodeName", node);
	fake_fill_in(f, type, o, namespace_);
	fake_store(f, type, o);
}

void fake_api_annotate_pod(struct fake_api *f, const char *namespace_, const char *name,
			   const char *key, const char *value)
{
	struct fake_object *pod = fake_find(f, fake_type_named("pods"), namespace_, name);
	struct json_object *o, *annotations;

	if (!pod)
		return;
	o = fake_clone(pod->json);
	annotations = child(json_object_object_get(o, "metadata"), "annotations");
	if (value)
		set_str(annotations, key, value);
	else
		json_object_object_del(annotations, key);
	fake_store(f, pod->type, o);
}

/* A pod that is deleted gracefully is first marked, then gone. */
void fake_api_delete_pod(struct fake_api *f, const char *namespace_, const char *name)
{
	struct fake_object *pod = fake_find(f, fake_type_named("pods"), namespace_, name);
	struct json_object *o, *meta;
	char now[32];

	if (!pod)
		return;
	now_text(now, sizeof(now));
	o = fake_clone(pod->json);
	meta = json_object_object_get(o, "metadata");
	set_str(meta, "deletionTimestamp", now);
	json_object_object_add(meta, "deletionGracePeriodSeconds", json_object_new_int(30));
	fake_store(f, pod->type, o);
	fake_remove(f, pod);
}
