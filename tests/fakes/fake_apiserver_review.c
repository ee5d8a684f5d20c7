/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Access reviews, as `kubectl create --as=USER` posts them: answered from the cluster roles
 * that are stored and bound to USER. Without impersonation everything is allowed, as everything
 * else here is.
 */

#include "fake_apiserver_priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What is asked for. */
struct question {
	char user[256];
	char namespace_[64];
	char verb[32];
	char group[64];
	char resource[64];
	char subresource[64];
};

static void parse(const struct fake_request *rq, struct question *q)
{
	struct json_object *o = json_tokener_parse(rq->body), *spec = NULL, *a = NULL;

	if (json_object_object_get_ex(o, "spec", &spec) &&
	    json_object_object_get_ex(spec, "resourceAttributes", &a)) {
		snprintf(q->namespace_, sizeof(q->namespace_), "%s",
			 fake_str(a, "namespace", NULL));
		snprintf(q->verb, sizeof(q->verb), "%s", fake_str(a, "verb", NULL));
		snprintf(q->group, sizeof(q->group), "%s", fake_str(a, "group", NULL));
		snprintf(q->resource, sizeof(q->resource), "%s", fake_str(a, "resource", NULL));
		snprintf(q->subresource, sizeof(q->subresource), "%s",
			 fake_str(a, "subresource", NULL));
	}
	json_object_put(o);
}

static bool has_word(struct json_object *rule, const char *key, const char *word)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(rule, key, &list);
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(list, i));

		if (s && (strcmp(s, word) == 0 || strcmp(s, "*") == 0))
			return true;
	}
	return false;
}

static bool role_allows(const struct fake_api *f, const char *name, const struct question *q)
{
	struct fake_object *role = fake_find(f, fake_type_named("clusterroles"), "", name);
	struct json_object *rules = NULL;
	char resource[160];

	if (!role || !json_object_object_get_ex(role->json, "rules", &rules))
		return false;
	snprintf(resource, sizeof(resource), "%s%s%s", q->resource, *q->subresource ? "/" : "",
		 q->subresource);
	for (size_t i = 0; i < json_object_array_length(rules); i++) {
		struct json_object *rule = json_object_array_get_idx(rules, i);

		if (has_word(rule, "apiGroups", q->group) && has_word(rule, "verbs", q->verb) &&
		    has_word(rule, "resources", resource))
			return true;
	}
	return false;
}

static bool binds(struct json_object *binding, const char *user)
{
	struct json_object *subjects = NULL;
	char name[300];

	json_object_object_get_ex(binding, "subjects", &subjects);
	for (size_t i = 0; subjects && i < json_object_array_length(subjects); i++) {
		struct json_object *s = json_object_array_get_idx(subjects, i);

		snprintf(name, sizeof(name), "system:serviceaccount:%s:%s",
			 fake_str(s, "namespace", NULL), fake_str(s, "name", NULL));
		if (strcmp(name, user) == 0)
			return true;
	}
	return false;
}

static bool is_allowed(const struct fake_api *f, const struct question *q)
{
	const struct fake_type *type = fake_type_named("clusterrolebindings");

	if (!*q->user)
		return true;
	for (struct list *it = f->objects.next; it != &f->objects; it = it->next) {
		struct fake_object *o = list_entry(it, struct fake_object, link);

		if (o->type == type && binds(o->json, q->user) &&
		    role_allows(f, fake_str(o->json, "roleRef", "name"), q))
			return true;
	}
	return false;
}

void fake_review(struct fake_api *f, struct fake_conn *c, const struct fake_request *rq)
{
	static const char impersonate[] = "\r\nImpersonate-User: ";
	const char *header = strcasestr(rq->head, impersonate);
	struct json_object *o = json_object_new_object(), *status = json_object_new_object();
	struct question q = {0};

	if (header) {
		header += strlen(impersonate);
		snprintf(q.user, sizeof(q.user), "%.*s", (int)strcspn(header, "\r\n"), header);
	}
	parse(rq, &q);
	json_object_object_add(status, "allowed", json_object_new_boolean(is_allowed(f, &q)));
	json_object_object_add(o, "kind", json_object_new_string("SelfSubjectAccessReview"));
	json_object_object_add(o, "apiVersion", json_object_new_string("authorization.k8s.io/v1"));
	json_object_object_add(o, "status", status);
	fake_reply_json(c, 201, o);
}

void fake_api_set_definition(struct fake_api *f, bool is_there)
{
	f->has_no_definition = !is_there;
}
