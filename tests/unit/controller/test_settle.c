/* SPDX-License-Identifier: Apache-2.0 */

/* Memory given back after a start: what was only read goes and comes back, what was written stays.
 */

#include "unit/runner.h"

#include <attr.h>
#include <link.h>
#include <settle.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

static int one(int n)
{
	return n + 1;
}

static int two(int n)
{
	return n * 2;
}

/* Constants that the dynamic linker has to fill in: in pages that look as if never written. */
static int (*const volatile relocated[])(int) = {one, two};
static const char *const volatile texts[] = {"first", "second"};
static int written = 1;

/* Pages of files that are mapped in, in kB, of mappings with ACCESS whose name has LIBRARY. */
static unsigned long mapped_in(const char *library, const char *access)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	bool is_ours = false;
	unsigned long kb = 0;
	char line[512];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		if (strchr(line, '-') && strstr(line, " r"))
			is_ours = strstr(line, library) && strstr(line, access);
		if (is_ours && strncmp(line, "Rss:", 4) == 0)
			kb += strtoul(line + 4, NULL, 10);
		if (is_ours && strncmp(line, "Anonymous:", 10) == 0)
			kb -= strtoul(line + 10, NULL, 10);
	}
	ck_assert_int_eq(fclose(f), 0);
	return kb;
}

static unsigned long resident(void)
{
	return mapped_in("libyaml", " r-xp ");
}

START_TEST(code_is_given_back_and_comes_again)
{
	char version[32];

	(void)snprintf(version, sizeof(version), "%s", yaml_get_version_string());
	ck_assert_uint_gt(resident(), 0);
	ck_assert_uint_gt(settle_memory(), 1 << 20);
	ck_assert_uint_eq(resident(), 0);
	ck_assert_str_eq(yaml_get_version_string(), version);
	ck_assert_uint_gt(resident(), 0);
}
END_TEST

/* Libraries that are loaded and have nothing to do here. */
static const char *const unused[] = {"libyaml", "libgmp", "libgnutls"};

static bool is_unused(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(unused); i++) {
		if (strstr(path, unused[i]))
			return true;
	}
	return false;
}

static int read_segments(struct dl_phdr_info *info, size_t size, void *ctx)
{
	volatile unsigned char byte;

	(void)size;
	(void)ctx;
	if (!is_unused(info->dlpi_name))
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *s = &info->dlpi_phdr[i];
		const unsigned char *at = (const unsigned char *)(info->dlpi_addr + s->p_vaddr);

		if (s->p_type == PT_LOAD && s->p_memsz)
			byte = at[s->p_memsz - 1];
	}
	(void)byte;
	return 0;
}

/* The last page of a segment has something else's place behind its end, and goes too. */
START_TEST(of_a_library_that_is_not_used_no_page_stays)
{
	(void)dl_iterate_phdr(read_segments, NULL);
	for (size_t i = 0; i < ARRAY_LEN(unused); i++)
		ck_assert_msg(mapped_in(unused[i], " r--p ") > 0, "%s is not there", unused[i]);
	(void)settle_memory();
	for (size_t i = 0; i < ARRAY_LEN(unused); i++)
		ck_assert_msg(!mapped_in(unused[i], " r--p ") && !mapped_in(unused[i], " r-xp "),
			      "%s: %lu and %lu kB", unused[i], mapped_in(unused[i], " r--p "),
			      mapped_in(unused[i], " r-xp "));
}
END_TEST

START_TEST(what_was_written_stays)
{
	char *heap = strdup("heap");

	written = 7;
	for (int i = 0; i < 3; i++)
		(void)settle_memory();
	ck_assert_int_eq(relocated[0](1), 2);
	ck_assert_int_eq(relocated[1](4), 8);
	ck_assert_str_eq(texts[0], "first");
	ck_assert_str_eq(texts[1], "second");
	ck_assert_int_eq(written, 7);
	ck_assert_str_eq(heap, "heap");
	free(heap);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("settle");
	TCase *tc = tcase_create("settle");

	tcase_add_test(tc, code_is_given_back_and_comes_again);
	tcase_add_test(tc, of_a_library_that_is_not_used_no_page_stays);
	tcase_add_test(tc, what_was_written_stays);
	suite_add_tcase(s, tc);
	return s;
}
