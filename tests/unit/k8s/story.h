/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One watch on the pods of node n1, and what its callbacks told. For the tests of watches. */

#include "unit/k8s/loop.h"

#include <stdio.h>

static struct loop l;
static struct k8s_watch *w;

/* What the callbacks told: "+shop/a " for ADDED, "~" MODIFIED, "-" DELETED, "* " synced. */
static struct {
	char text[8192];
	int nr_up, nr_down, rc, http_status;
	char message[256];
	uint64_t retry_in_ms;
	char retry[64]; /* the annotation "retry" of the last object */
} story;

static inline void append(const char *a, const char *b, const char *c)
{
	size_t len = strlen(story.text);

	snprintf(story.text + len, sizeof(story.text) - len, "%s%s%s ", a, b, c);
}

static inline void on_object(void *ctx, enum k8s_event_type type, const struct k8s_object_meta *m)
{
	static const char *const marks[] = {"+", "~", "-"};
	const char *retry = k8s_meta_annotation(m, "retry");

	(void)ctx;
	append(marks[type], m->name, "");
	snprintf(story.retry, sizeof(story.retry), "%s", retry ? retry : "");
	ck_assert_str_ne(m->uid, "");
	ck_assert_str_eq(m->namespace_, "default");
}

static inline void on_synced(void *ctx)
{
	(void)ctx;
	append("*", "", "");
}

static inline void on_state(void *ctx, const struct k8s_watch_state *state)
{
	(void)ctx;
	if (state->connected)
		story.nr_up++;
	else
		story.nr_down++;
	ck_assert(state->connected == (state->rc == 0));
	story.rc = state->rc;
	story.http_status = state->http_status;
	story.retry_in_ms = state->retry_in_ms;
	snprintf(story.message, sizeof(story.message), "%s", state->message ? state->message : "");
}

static const struct k8s_watch_ops ops = {
	.on_object = on_object,
	.on_synced = on_synced,
	.on_state = on_state,
};

static const struct k8s_watch_spec spec = {
	.path = "/api/v1/pods",
	.field_selector = "spec.nodeName=n1",
	.metadata_only = true,
};

static inline void setup(void)
{
	memset(&story, 0, sizeof(story));
	loop_open(&l);
	w = NULL;
}

static inline void teardown(void)
{
	loop_close(&l);
}

static inline void start(void)
{
	struct err e;

	ck_assert_int_eq(k8s_watch_new(l.client, &spec, &ops, NULL, &w, &e), 0);
}

static inline struct k8s_watch_stats stats(void)
{
	struct k8s_watch_stats s;

	k8s_watch_get_stats(w, &s);
	return s;
}

/* There was one list after the first, and this is why. */
static inline void expect_relist(enum k8s_relist why)
{
	for (unsigned int i = 0; i < K8S_RELIST_MAX; i++)
		ck_assert_msg(stats().relists[i] == (i == why), "reason %u: %llu, expected %u", i,
			      (unsigned long long)stats().relists[i], (unsigned int)why);
}

static inline unsigned int lists(void)
{
	return fake_api_nr_requests(l.api, "list", "pods");
}

static inline unsigned int watches(void)
{
	return fake_api_nr_requests(l.api, "watch", "pods");
}

static inline void add(const char *name)
{
	fake_api_add_pod(l.api, "default", name, NULL, "n1", NULL);
}

static inline void start_and_watch(void)
{
	start();
	loop_until(&l, fake_api_nr_watches(l.api) == 1);
	loop_until(&l, story.nr_up == 1);
}

static inline void expect(const char *text)
{
	loop_until(&l, strcmp(story.text, text) == 0 || strlen(story.text) > strlen(text) + 20);
	loop_idle(&l);
	ck_assert_str_eq(story.text, text);
}
