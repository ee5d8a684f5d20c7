/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_index.h"
#include "retry_annotation.h"
#include "unit/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct pod_index x;

static void setup(void)
{
	pod_index_init(&x, 1);
}

static void teardown(void)
{
	pod_index_done(&x);
}

static const struct pod_entry *set(const char *name, const char *uid, const char *key,
				   const char *value)
{
	struct k8s_pair pair = {key, value};
	struct k8s_object_meta meta = {
		.name = name,
		.namespace_ = "shop",
		.uid = uid,
		.annotations = &pair,
		.nr_annotations = key ? 1 : 0,
	};
	const struct pod_entry *entry = NULL;

	ck_assert_int_eq(pod_index_set(&x, &meta, &entry), 0);
	ck_assert_ptr_eq(entry, pod_index_get(&x, "shop", name));
	return entry;
}

START_TEST(a_pod_is_found_by_name_and_joined_by_uid)
{
	set("web-0", "u1", NULL, NULL);
	ck_assert_ptr_nonnull(pod_index_join(&x, "shop", "web-0", "u1"));
	ck_assert_ptr_null(pod_index_join(&x, "shop", "web-0", "u2"));
	ck_assert_ptr_null(pod_index_join(&x, "other", "web-0", "u1"));
	ck_assert_ptr_null(pod_index_get(&x, "shop", "web-1"));
}
END_TEST

START_TEST(a_mirror_is_joined_by_the_uid_it_stands_for)
{
	const struct pod_entry *p = set("etcd", "u1", POD_INDEX_MIRROR, "hash");

	ck_assert_str_eq(p->uid, "u1");
	ck_assert_ptr_eq(pod_index_join(&x, "shop", "etcd", "hash"), p);
	ck_assert_ptr_null(pod_index_join(&x, "shop", "etcd", "u1"));
	p = set("plain", "u2", POD_INDEX_MIRROR, "");
	ck_assert_ptr_eq(pod_index_join(&x, "shop", "plain", "u2"), p);
}
END_TEST

START_TEST(a_deletion_concerns_only_the_pod_it_names)
{
	set("web-0", "u2", NULL, NULL);
	pod_index_del(&x, "shop", "web-0", "u1");
	ck_assert_ptr_nonnull(pod_index_get(&x, "shop", "web-0"));
	pod_index_del(&x, "shop", "web-0", "u2");
	ck_assert_ptr_null(pod_index_get(&x, "shop", "web-0"));
	pod_index_del(&x, "shop", "web-0", "u2");
}
END_TEST

START_TEST(a_token_is_known_to_have_changed_since_the_pod_was_first_seen)
{
	ck_assert(!set("web-0", "u1", RETRY_ANNOTATION, "a")->token_changed);
	ck_assert(!set("web-0", "u1", RETRY_ANNOTATION, "a")->token_changed);
	ck_assert(set("web-0", "u1", RETRY_ANNOTATION, "b")->token_changed);
	ck_assert(set("web-0", "u1", RETRY_ANNOTATION, "b")->token_changed);
	/* Another pod of the same name starts afresh. */
	ck_assert(!set("web-0", "u2", RETRY_ANNOTATION, "b")->token_changed);
	ck_assert(!set("web-1", "u3", NULL, NULL)->token_changed);
	ck_assert(set("web-1", "u3", RETRY_ANNOTATION, "a")->token_changed);
}
END_TEST

START_TEST(pods_of_the_first_list_are_told_from_later_ones)
{
	set("web-0", "u1", NULL, NULL);
	x.synced = true;
	ck_assert(set("web-0", "u1", NULL, NULL)->seen_at_start);
	ck_assert(!set("web-1", "u2", NULL, NULL)->seen_at_start);
	ck_assert(!set("web-0", "u3", NULL, NULL)->seen_at_start);
}
END_TEST

START_TEST(a_huge_annotation_does_not_stay_in_memory)
{
	static char big[300000];
	const struct pod_entry *p;

	memset(big, 'x', sizeof(big) - 1);
	p = set("web-0", "u1", RETRY_ANNOTATION, big);
	ck_assert(!p->token_valid);
	ck_assert_uint_lt(strlen(p->token), 32);
}
END_TEST

START_TEST(pods_without_identity_and_names_without_end_are_refused)
{
	static char big[2000];
	struct k8s_object_meta meta = {.name = "", .namespace_ = "shop", .uid = "u"};
	const struct pod_entry *p = NULL;

	memset(big, 'x', sizeof(big) - 1);
	ck_assert_int_eq(pod_index_set(&x, &meta, &p), -EINVAL);
	meta.name = big;
	ck_assert_int_eq(pod_index_set(&x, &meta, &p), -EINVAL);
	meta.name = "web-0";
	meta.uid = "";
	ck_assert_int_eq(pod_index_set(&x, &meta, &p), -EINVAL);
	ck_assert_uint_eq(x.by_name.nr, 0);
}
END_TEST

START_TEST(the_number_of_pods_is_bounded)
{
	struct k8s_object_meta meta = {.name = "one-more", .namespace_ = "shop", .uid = "u"};
	const struct pod_entry *p = NULL;
	char name[32];

	for (int i = 0; i < POD_INDEX_MAX; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		set(name, name, NULL, NULL);
	}
	ck_assert_int_eq(pod_index_set(&x, &meta, &p), -ENOBUFS);
	set("p-7", "another uid", NULL, NULL);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("pod_index");
	TCase *t = tcase_create("index");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_pod_is_found_by_name_and_joined_by_uid);
	tcase_add_test(t, a_mirror_is_joined_by_the_uid_it_stands_for);
	tcase_add_test(t, a_deletion_concerns_only_the_pod_it_names);
	tcase_add_test(t, a_token_is_known_to_have_changed_since_the_pod_was_first_seen);
	tcase_add_test(t, pods_of_the_first_list_are_told_from_later_ones);
	tcase_add_test(t, a_huge_annotation_does_not_stay_in_memory);
	tcase_add_test(t, pods_without_identity_and_names_without_end_are_refused);
	tcase_add_test(t, the_number_of_pods_is_bounded);
	suite_add_tcase(s, t);
	return s;
}
