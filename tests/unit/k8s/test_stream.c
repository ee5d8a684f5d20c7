/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"
#include "watch_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Pretty-printed, blank lines, escapes, UTF-8 of 2 to 4 bytes, a surrogate pair, numbers. */
static const char text[] = "{\"type\":\"ADDED\",\"object\":{\"a\":\"\\u00e9\\ud83d\\ude00\"}}\n"
			   "\n\r\n{\n  \"type\": \"MODIFIED\",\n  \"object\": {\"n\": -12.5e3, "
			   "\"s\": \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\n\"}}"
			   "{\"type\":\"BOOKMARK\",\"object\":{\"t\":[true,false,null,"
			   "9223372036854775807]}}\n";

/* Feeds TEXT in pieces of at most N bytes, the first of FIRST bytes; all objects in one string. */
static int feed(const char *data, size_t len, size_t first, size_t n, struct strbuf *out)
{
	struct k8s_stream s;
	size_t pos = 0, piece = first;
	int r = k8s_stream_init(&s);

	while (r >= 0 && pos < len) {
		size_t end = pos + piece < len ? pos + piece : len;

		while (r >= 0 && pos < end) {
			struct json_object *o = NULL;
			size_t used = 0;

			r = k8s_stream_next(&s, data + pos, end - pos, &used, &o);
			ck_assert(used <= end - pos);
			pos += used;
			if (r == 1)
				strbuf_addf(
					out, "%s\n",
					json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
			json_object_put(o);
		}
		piece = n;
	}
	k8s_stream_done(&s);
	return r < 0 ? r : 0;
}

START_TEST(objects_are_the_same_however_the_bytes_are_cut)
{
	struct strbuf whole, cut;

	strbuf_init(&whole, 65536);
	strbuf_init(&cut, 65536);
	ck_assert_int_eq(feed(text, strlen(text), strlen(text), 1, &whole), 0);
	ck_assert_ptr_nonnull(strstr(whole.data, "\xf0\x9f\x98\x80"));
	ck_assert_ptr_nonnull(strstr(whole.data, "9223372036854775807"));
	for (size_t n = 1; n <= strlen(text); n++) {
		strbuf_reset(&cut);
		ck_assert_int_eq(feed(text, strlen(text), n, n, &cut), 0);
		ck_assert_msg(strcmp(whole.data, cut.data) == 0, "pieces of %zu: %s", n, cut.data);
		strbuf_reset(&cut);
		ck_assert_int_eq(feed(text, strlen(text), n, strlen(text), &cut), 0);
		ck_assert_msg(strcmp(whole.data, cut.data) == 0, "cut at %zu: %s", n, cut.data);
	}
	strbuf_done(&whole);
	strbuf_done(&cut);
}
END_TEST

static const struct {
	const char *data;
	size_t len;
} junk[] = {
	{"Too many requests", 17},
	{"[1]", 3},
	{"12 ", 3},
	{"null\n", 5},
	{"{\"a\":}", 6},
	{"{\"a\" 1}", 7},
	{"{\"a\":\"\0\"}", 8},
	{"{a:1}", 5},
	{"{\"a\":504-}", 10},
	{"{\"a\":5.-1}", 10},
	{"\x1f\x8b\x08", 3},
};

START_TEST(what_is_no_json_object_is_refused_however_it_is_cut)
{
	struct strbuf out;

	strbuf_init(&out, 65536);
	for (size_t n = 1; n <= junk[_i].len; n++)
		ck_assert_msg(feed(junk[_i].data, junk[_i].len, n, n, &out) == -EPROTO,
			      "%.*s in %zu", (int)junk[_i].len, junk[_i].data, n);
	ck_assert_uint_eq(out.len, 0);
	strbuf_done(&out);
}
END_TEST

START_TEST(an_object_at_the_cap_passes_and_one_byte_more_does_not)
{
	static const char small[] = "{\"a\":\"0123456789\"}";
	struct k8s_stream s;
	struct json_object *o = NULL;
	size_t used;

	ck_assert_int_eq(k8s_stream_init(&s), 0);
	k8s_stream_reset(&s, strlen(small));
	ck_assert_int_eq(k8s_stream_next(&s, small, strlen(small), &used, &o), 1);
	ck_assert_uint_eq(used, strlen(small));
	json_object_put(o);
	k8s_stream_reset(&s, strlen(small) - 1);
	ck_assert_int_eq(k8s_stream_next(&s, small, strlen(small), &used, &o), -EMSGSIZE);
	/* And when it comes byte by byte. */
	k8s_stream_reset(&s, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(k8s_stream_next(&s, small + i, 1, &used, &o), 0);
	ck_assert_int_eq(k8s_stream_next(&s, small + 4, 1, &used, &o), -EMSGSIZE);
	k8s_stream_done(&s);
}
END_TEST

START_TEST(nesting_is_bounded)
{
	struct strbuf deep, out;

	strbuf_init(&deep, 65536);
	strbuf_init(&out, 65536);
	for (int i = 0; i < 5000; i++)
		strbuf_adds(&deep, "{\"a\":");
	ck_assert_int_eq(feed(deep.data, deep.len, deep.len, 1, &out), -EPROTO);
	strbuf_done(&deep);
	strbuf_done(&out);
}
END_TEST

START_TEST(a_half_object_is_forgotten_by_a_reset)
{
	struct k8s_stream s;
	struct json_object *o = NULL;
	size_t used;

	ck_assert_int_eq(k8s_stream_init(&s), 0);
	ck_assert_int_eq(k8s_stream_next(&s, "{\"a\":\"x", 7, &used, &o), 0);
	k8s_stream_reset(&s, K8S_EVENT_MAX);
	ck_assert_int_eq(k8s_stream_next(&s, "{}", 2, &used, &o), 1);
	ck_assert_int_eq(json_object_object_length(o), 0);
	json_object_put(o);
	k8s_stream_done(&s);
}
END_TEST

/* ---- frames and objects ---- */

static const struct {
	const char *json;
	int rc;
	enum k8s_frame_type type;
} frames[] = {
	{"{\"type\":\"ADDED\",\"object\":{}}", 0, K8S_FRAME_ADDED},
	{"{\"type\":\"MODIFIED\",\"object\":{}}", 0, K8S_FRAME_MODIFIED},
	{"{\"type\":\"DELETED\",\"object\":{}}", 0, K8S_FRAME_DELETED},
	{"{\"type\":\"BOOKMARK\",\"object\":{}}", 0, K8S_FRAME_BOOKMARK},
	{"{\"type\":\"ERROR\",\"object\":{}}", 0, K8S_FRAME_ERROR},
	{"{\"type\":\"NEWS\",\"object\":{}}", 0, K8S_FRAME_UNKNOWN},
	{"{\"type\":\"NEWS\"}", 0, K8S_FRAME_UNKNOWN},
	{"{\"type\":\"ADDED\"}", -EPROTO, 0},
	{"{\"type\":\"ADDED\",\"object\":[]}", -EPROTO, 0},
	{"{\"type\":1,\"object\":{}}", -EPROTO, 0},
	{"{\"object\":{}}", -EPROTO, 0},
	{"{}", -EPROTO, 0},
};

START_TEST(frames_are_told_apart)
{
	struct json_object *o = json_tokener_parse(frames[_i].json);
	struct k8s_frame f;

	ck_assert_int_eq(k8s_frame_decode(&f, o), frames[_i].rc);
	if (frames[_i].rc == 0)
		ck_assert_int_eq(f.type, frames[_i].type);
	json_object_put(o);
}
END_TEST

START_TEST(metadata_becomes_a_plain_struct)
{
	struct json_object *o = json_tokener_parse(
		"{\"metadata\":{\"name\":\"web-0\",\"namespace\":\"shop\",\"uid\":\"u-1\","
		"\"resourceVersion\":\"12\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
		"\"deletionTimestamp\":\"2026-01-01T00:00:01Z\",\"annotations\":{\"a\":\"b\","
		"\"n\":1,\"c/d\":\"\"},\"labels\":{\"l\":\"m\"}}}");
	struct k8s_object_meta m;
	size_t len;

	ck_assert_int_eq(k8s_meta_decode(&m, o), 0);
	ck_assert_str_eq(m.name, "web-0");
	ck_assert_str_eq(m.namespace_, "shop");
	ck_assert_str_eq(m.uid, "u-1");
	ck_assert_str_eq(m.resource_version, "12");
	ck_assert(m.deleting);
	ck_assert_uint_eq(m.nr_annotations, 2);
	ck_assert_str_eq(k8s_meta_annotation(&m, "a"), "b");
	ck_assert_str_eq(k8s_meta_annotation(&m, "c/d"), "");
	ck_assert_ptr_null(k8s_meta_annotation(&m, "n"));
	ck_assert_str_eq(k8s_meta_label(&m, "l"), "m");
	ck_assert_ptr_nonnull(strstr(k8s_object_json(&m, &len), "\"web-0\""));
	k8s_meta_done(&m);
	json_object_put(o);
}
END_TEST

static const char *const strange[] = {
	"{}",
	"{\"metadata\":[]}",
	"{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"}}",
	"{\"metadata\":{\"name\":\"n\",\"uid\":\"\",\"resourceVersion\":\"1\"}}",
	"{\"metadata\":{\"name\":1,\"uid\":\"u\",\"resourceVersion\":\"1\"}}",
	"{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"resourceVersion\":1}}",
};

START_TEST(objects_without_identity_are_refused)
{
	struct json_object *o = json_tokener_parse(strange[_i]);
	struct k8s_object_meta m;

	ck_assert_int_eq(k8s_meta_decode(&m, o), -EPROTO);
	json_object_put(o);
}
END_TEST

/* ---- store ---- */

START_TEST(the_store_finds_by_name_and_keeps_little)
{
	struct k8s_store s;
	struct k8s_object_meta m = {.name = "n", .namespace_ = "ns", .uid = "u"};
	struct k8s_object_meta other = {.name = "ns/n", .namespace_ = "", .uid = "v"};
	struct k8s_record *r;

	k8s_store_init(&s, 1);
	m.resource_version = other.resource_version = "123456789012345678901234567890";
	r = k8s_store_add(&s, &m);
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(r->name, "n");
	ck_assert_str_eq(r->namespace_, "ns");
	ck_assert_str_eq(r->uid, "u");
	ck_assert_str_eq(r->rv, "");
	k8s_record_set_rv(r, "42");
	ck_assert_str_eq(r->rv, "42");
	ck_assert_ptr_eq(k8s_store_find(&s, &m), r);
	ck_assert_ptr_null(k8s_store_find(&s, &other));
	k8s_store_del(&s, r);
	ck_assert_ptr_null(k8s_store_find(&s, &m));
	ck_assert_ptr_nonnull(k8s_store_add(&s, &other));
	k8s_store_done(&s);
	ck_assert(sizeof(struct k8s_record) < 200);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("k8s stream");
	TCase *tc = tcase_create("stream");

	tcase_add_test(tc, objects_are_the_same_however_the_bytes_are_cut);
	tcase_add_loop_test(tc, what_is_no_json_object_is_refused_however_it_is_cut, 0,
			    ARRAY_LEN(junk));
	tcase_add_test(tc, an_object_at_the_cap_passes_and_one_byte_more_does_not);
	tcase_add_test(tc, nesting_is_bounded);
	tcase_add_test(tc, a_half_object_is_forgotten_by_a_reset);
	tcase_add_loop_test(tc, frames_are_told_apart, 0, ARRAY_LEN(frames));
	tcase_add_test(tc, metadata_becomes_a_plain_struct);
	tcase_add_loop_test(tc, objects_without_identity_are_refused, 0, ARRAY_LEN(strange));
	tcase_add_test(tc, the_store_finds_by_name_and_keeps_little);
	suite_add_tcase(s, tc);
	return s;
}
