/* SPDX-License-Identifier: Apache-2.0 */

/* Label selectors, the filter of pods, and what the core then hears of Synchronize and events. */

#include "core_world.h"
#include "unit/runner.h"

#include <core_input.h>
#include <errno.h>
#include <label_selector.h>
#include <pod_filter.h>
#include <stdio.h>
#include <strbuf.h>
#include <string.h>

static const char *get(const void *ctx, const char *key)
{
	const char *const(*labels)[2] = ctx;

	for (; (*labels)[0]; labels++) {
		if (strcmp((*labels)[0], key) == 0)
			return (*labels)[1];
	}
	return NULL;
}

static const char *const web[][2] = {{"app", "web"}, {"tier", "front"},      {"rank", "7"},
				     {"empty", ""},  {"example.com/a", "b"}, {NULL}};

static const struct {
	const char *text;
	bool matches;
} good[] = {
	{"app=web", true},
	{"app==web", true},
	{" app = web ", true},
	{"app=db", false},
	{"app=we", false},
	{"app=webb", false},
	{"app!=db", true},
	{"app!=web", false},
	{"none!=web", true},
	{"none=web", false},
	{"app", true},
	{"none", false},
	{"!none", true},
	{"! none", true},
	{"!app", false},
	{"app in (db,web)", true},
	{"app in ( db , cache )", false},
	{"app notin (db)", true},
	{"app notin (db,web)", false},
	{"none notin (db)", true},
	{"none in (db)", false},
	{"app=web,tier=front", true},
	{"app=web,tier=back", false},
	{"app=web , tier in (front,back),!none", true},
	{"rank>6", true},
	{"rank>7", false},
	{"rank<8", true},
	{"rank<-1", false},
	{"app>1", false},
	{"none<1", false},
	{"empty=", true},
	{"empty!=", false},
	{"app=", false},
	{"app in (,db)", false},
	{"empty in (db,)", true},
	{"empty in (a,,b)", true},
	{"empty in (a,b)", false},
	{"example.com/a=b", true},
	{"in in (a)", false},
};

START_TEST(a_selector_matches_as_kubectl_has_it)
{
	struct label_selector *s;
	struct err e = {0};

	ck_assert_msg(label_selector_new(good[_i].text, &s, &e) == 0, "%s: %s", good[_i].text,
		      e.msg);
	ck_assert_msg(label_selector_matches(s, get, web) == good[_i].matches, "%s", good[_i].text);
	label_selector_free(s);
}
END_TEST

static const struct {
	const char *text, *message;
} bad[] = {
	{"", "the name of a label is missing, at the end"},
	{"app=web,", "the name of a label is missing, at the end"},
	{",app=web", "the name of a label is missing, at ',app=web'"},
	{"=web", "the name of a label is missing, at '=web'"},
	{"app web", "a comma belongs between requirements, at 'web'"},
	{"app=web tier=front", "a comma belongs between requirements, at 'tier=front'"},
	{"app in web", "'in' and 'notin' take values in parentheses, at 'web'"},
	{"app in (web", "a ')' is missing, at the end"},
	{"app in (web;db)", "a ')' is missing, at ';db)'"},
	{"rank>many", "'<' and '>' take a whole number, at the end"},
	{"rank>99999999999999999999", "'<' and '>' take a whole number, at the end"},
	{"a/b/c=d", "this is not the name of a label, at 'a/b/c=d'"},
	{"app=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	 "a value of a label has at most 63 characters"},
	{"!", "the name of a label is missing, at the end"},
};

START_TEST(a_selector_that_is_wrong_is_refused_with_the_place)
{
	struct label_selector *s = NULL;
	struct err e = {0};

	ck_assert_int_eq(label_selector_new(bad[_i].text, &s, &e), -EINVAL);
	ck_assert_ptr_null(s);
	ck_assert_msg(strstr(e.msg, bad[_i].message), "%s: %s", bad[_i].text, e.msg);
}
END_TEST

START_TEST(a_selector_is_bounded)
{
	static char text[LABEL_SELECTOR_MAX + 2];
	struct label_selector *s;
	struct err e = {0};

	for (size_t i = 0; i < LABEL_SELECTOR_MAX; i += 2)
		memcpy(text + i, "a,", 2);
	text[LABEL_SELECTOR_MAX - 1] = '\0';
	ck_assert_int_eq(label_selector_new(text, &s, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "too many requirements"), "%s", e.msg);
	memset(text, 'a', LABEL_SELECTOR_MAX + 1);
	ck_assert_int_eq(label_selector_new(text, &s, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "a selector of more than"), "%s", e.msg);
}
END_TEST

/* ---- the filter ---- */

static const struct nri_kv web_labels[] = {{"app", "web"}};
static const struct nri_kv ignore[] = {{POD_FILTER_OPT_OUT, "true"}};
static const struct nri_kv dont_ignore[] = {{POD_FILTER_OPT_OUT, "false"}};

static const struct nri_pod shop_web = {.id = "s1",
					.uid = "u1",
					.namespace_ = "shop",
					.name = "web",
					.labels = web_labels,
					.nr_labels = 1};
static const struct nri_pod bank_db = {.id = "s2", .uid = "u2", .namespace_ = "bank", .name = "db"};
static const struct nri_pod bank_shy = {.id = "s3",
					.uid = "u3",
					.namespace_ = "bank",
					.name = "shy",
					.annotations = ignore,
					.nr_annotations = 1};
static const struct nri_pod bank_open = {.id = "s4",
					 .uid = "u4",
					 .namespace_ = "bank",
					 .name = "open",
					 .annotations = dont_ignore,
					 .nr_annotations = 1};

static const struct {
	struct pod_filter_config config;
	const char *taken; /* of web, db, shy, open */
} filters[] = {
	{{0}, "web db shy open"},
	{{.namespaces = "", .exclude_namespaces = "", .selector = ""}, "web db shy open"},
	{{.namespaces = "shop"}, "web"},
	{{.namespaces = "shop,bank"}, "web db shy open"},
	{{.namespaces = "sho"}, ""},
	{{.exclude_namespaces = "shop"}, "db shy open"},
	{{.selector = "app=web"}, "web"},
	{{.selector = "!app"}, "db shy open"},
	{{.opt_out = true}, "web db open"},
	{{.exclude_namespaces = "shop", .opt_out = true}, "db open"},
	{{.namespaces = "bank", .selector = "app"}, ""},
};

START_TEST(a_pod_is_taken_when_every_rule_takes_it)
{
	const struct nri_pod *pods[] = {&shop_web, &bank_db, &bank_shy, &bank_open};
	struct pod_filter *f = NULL;
	AUTO_STRBUF struct strbuf taken;

	strbuf_init(&taken, 64);
	ck_assert_int_eq(pod_filter_new(&filters[_i].config, &f, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(pods); i++) {
		if (!pod_filter_takes(f, pods[i]))
			continue;
		if (strbuf_str(&taken)[0])
			(void)strbuf_adds(&taken, " ");
		(void)strbuf_adds(&taken, pods[i]->name);
	}
	ck_assert_str_eq(strbuf_str(&taken), filters[_i].taken);
	pod_filter_free(f);
}
END_TEST

START_TEST(labels_are_asked_for_only_by_a_filter_that_reads_them)
{
	static const struct {
		struct pod_filter_config config;
		bool reads;
	} cases[] = {
		{{0}, false},
		{{.namespaces = "shop", .exclude_namespaces = "bank"}, false},
		{{.selector = "!app"}, true},
		{{.opt_out = true}, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pod_filter *f = NULL;

		ck_assert_int_eq(pod_filter_new(&cases[i].config, &f, NULL), 0);
		ck_assert(pod_filter_needs_labels(f) == cases[i].reads);
		pod_filter_free(f);
	}
}
END_TEST

START_TEST(a_filter_without_rules_is_none)
{
	struct pod_filter *f = (struct pod_filter *)&f;

	ck_assert_int_eq(pod_filter_new(&(struct pod_filter_config){0}, &f, NULL), 0);
	ck_assert_ptr_null(f);
}
END_TEST

START_TEST(a_filter_with_a_wrong_selector_is_refused)
{
	struct pod_filter *f = NULL;
	struct err e = {0};

	ck_assert_int_eq(pod_filter_new(&(struct pod_filter_config){.selector = "a b"}, &f, &e),
			 -EINVAL);
	ck_assert_ptr_null(f);
}
END_TEST

/* ---- and the core ---- */

static struct world *w;
static struct pod_filter *filter;

static void setup(void)
{
	w = world_new(32, 0);
	world_boot(w);
	ck_assert_int_eq(
		pod_filter_new(&(struct pod_filter_config){.namespaces = "shop"}, &filter, NULL),
		0);
}

static void teardown(void)
{
	pod_filter_free(filter);
	world_free(w);
}

#define GROUP(uid) "mon_groups/podresctrl-" uid

static const struct nri_container of_web = {
	.id = "c1", .pod_sandbox_id = "s1", .name = "app", .state = NRI_CONTAINER_RUNNING};
static const struct nri_container of_db = {
	.id = "c2", .pod_sandbox_id = "s2", .name = "app", .state = NRI_CONTAINER_RUNNING};

static void tell(enum nri_event event, const struct nri_pod *pod, const struct nri_container *c)
{
	core_input_event(w->core, w->now, filter, event, pod, c);
}

static void tell_all(const struct pod_filter *f)
{
	const struct nri_pod pods[] = {shop_web, bank_db};
	const struct nri_container containers[] = {of_web, of_db};

	struct core_input_snapshot all;

	ck_assert_int_eq(core_input_snapshot(f, pods, 2, containers, 2, &all), 0);
	core_synchronize(w->core, w->now, all.pods, all.nr_pods, all.containers, all.nr_containers);
	core_input_snapshot_done(&all);
	world_run(w);
}

static size_t known(void)
{
	struct core_stats stats;

	core_stats(w->core, &stats);
	return stats.pods + stats.containers;
}

START_TEST(a_pod_left_out_has_no_group_no_event_and_tasks_where_they_were)
{
	struct world_container *c = world_add(w, "c2", 2);
	unsigned calls;

	tell(NRI_RUN_POD_SANDBOX, &shop_web, NULL);
	ck_assert_str_eq(world_events(w), "u1 Exists 0/0");
	calls = w->calls[WORLD_MKDIR];
	tell(NRI_RUN_POD_SANDBOX, &bank_db, NULL);
	tell(NRI_START_CONTAINER, &bank_db, &of_db);
	tell(NRI_POST_START_CONTAINER, &bank_db, &of_db);
	world_run(w);
	ck_assert_str_eq(world_events(w), "");
	ck_assert_uint_eq(w->calls[WORLD_MKDIR], calls);
	ck_assert(!world_has(w, GROUP("u2")));
	ck_assert_uint_eq(c->listed, 0);
	ck_assert_uint_eq(world_count_in(w, c, ""), 2);
	tell(NRI_STOP_CONTAINER, &bank_db, &of_db);
	tell(NRI_REMOVE_CONTAINER, &bank_db, &of_db);
	tell(NRI_STOP_POD_SANDBOX, &bank_db, NULL);
	tell(NRI_REMOVE_POD_SANDBOX, &bank_db, NULL);
	ck_assert_str_eq(world_events(w), "");
	ck_assert_uint_eq(known(), 1);
	ck_assert_uint_eq(world_noticed(w, CORE_NOTICE_IGNORED), 0);
}
END_TEST

START_TEST(synchronize_leaves_out_the_pod_and_its_containers)
{
	(void)world_add(w, "c1", 1);
	(void)world_add(w, "c2", 1);
	tell_all(filter);
	ck_assert_str_eq(world_events(w), "u1 Exists 0/0; u1 Exists 1/1");
	ck_assert_uint_eq(known(), 2);
	ck_assert(!world_has(w, GROUP("u2")));
}
END_TEST

START_TEST(a_new_filter_takes_hold_of_known_pods_with_the_next_synchronize)
{
	struct world_container *c = world_add(w, "c2", 2);

	(void)world_add(w, "c1", 1);
	tell_all(NULL);
	ck_assert(world_has(w, GROUP("u2")));
	(void)world_events(w);
	tell_all(filter);
	ck_assert_str_eq(world_events(w), "u2 Removed");
	ck_assert(!world_has(w, GROUP("u2")));
	ck_assert_uint_eq(world_count_in(w, c, ""), 2);
	tell_all(NULL);
	ck_assert_str_eq(world_events(w), "u2 Exists 0/0; u2 Exists 1/1");
	ck_assert_uint_eq(world_count_in(w, c, GROUP("u2")), 2);
}
END_TEST

START_TEST(the_end_of_a_pod_from_before_the_filter_is_heard)
{
	core_input_event(w->core, w->now, NULL, NRI_RUN_POD_SANDBOX, &bank_db, NULL);
	(void)world_events(w);
	tell(NRI_REMOVE_POD_SANDBOX, &bank_db, NULL);
	ck_assert_str_eq(world_events(w), "u2 Removed");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("which pods get a group");
	TCase *tc = tcase_create("filter");

	tcase_add_loop_test(tc, a_selector_matches_as_kubectl_has_it, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, a_selector_that_is_wrong_is_refused_with_the_place, 0,
			    ARRAY_LEN(bad));
	tcase_add_test(tc, a_selector_is_bounded);
	tcase_add_loop_test(tc, a_pod_is_taken_when_every_rule_takes_it, 0, ARRAY_LEN(filters));
	tcase_add_test(tc, labels_are_asked_for_only_by_a_filter_that_reads_them);
	tcase_add_test(tc, a_filter_without_rules_is_none);
	tcase_add_test(tc, a_filter_with_a_wrong_selector_is_refused);
	suite_add_tcase(s, tc);
	tc = tcase_create("core");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_pod_left_out_has_no_group_no_event_and_tasks_where_they_were);
	tcase_add_test(tc, synchronize_leaves_out_the_pod_and_its_containers);
	tcase_add_test(tc, a_new_filter_takes_hold_of_known_pods_with_the_next_synchronize);
	tcase_add_test(tc, the_end_of_a_pod_from_before_the_filter_is_heard);
	suite_add_tcase(s, tc);
	return s;
}
