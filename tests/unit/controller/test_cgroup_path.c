/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/runner.h"

#include <cgroup_path.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ID       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD      "kubepods-burstable-pod1a2b_3c.slice"
#define POD_PATH "kubepods.slice/kubepods-burstable.slice/" POD

static char buf[CGROUP_PATH_MAX];
static struct err e;

static void setup(void)
{
	snprintf(buf, sizeof(buf), "untouched");
	memset(&e, 0, sizeof(e));
}

static void check(const char *what, int r, int want, const char *want_path)
{
	ck_assert_msg(r == want, "%.100s: %s (%s)", what, err_name(r), e.msg);
	ck_assert_str_eq(buf, want == 0 ? want_path : "untouched");
	if (want < 0)
		ck_assert_msg(e.code == want && e.msg[0], "%.100s: no message", what);
}

static const struct {
	const char *text, *want;
} runtime_good[] = {
	{POD ":cri-containerd:" ID, POD_PATH "/cri-containerd-" ID ".scope"},
	{POD ":crio:" ID, POD_PATH "/crio-" ID ".scope"},
	{"kubepods.slice:cri-containerd:" ID, "kubepods.slice/cri-containerd-" ID ".scope"},
	{":cri-containerd:" ID, "system.slice/cri-containerd-" ID ".scope"},
	{"/kubepods/burstable/pod1-2/" ID, "kubepods/burstable/pod1-2/" ID},
	{"kubepods/besteffort/pod1/crio-" ID, "kubepods/besteffort/pod1/crio-" ID},
	{"/" ID, ID},
};

START_TEST(the_runtimes_forms_give_the_directory)
{
	check(runtime_good[_i].text, cgroup_path_from_runtime(runtime_good[_i].text, ID, buf, &e),
	      0, runtime_good[_i].want);
}
END_TEST

static const char *const runtime_bad[] = {
	"",
	"/",
	"//" ID,
	"/kubepods",
	"/kubepods/",
	"/kubepods/" ID "/",
	"/kubepods//" ID,
	"/../" ID,
	"../" ID,
	"/kubepods/../../etc/" ID,
	"/kubepods/./" ID,
	"/kubepods/..",
	"/kubepods/a b/" ID,
	"/kubepods/a\n0::/" ID,
	"/kubepods/" ID "/sub",
	"/kubepods/other",
	"/kubepods/pod1/crio-conmon-" ID,
	POD ":" ID,
	POD ":cri-containerd:" ID ":x",
	":::" ID ":",
	"::" ID,
	"-.slice:cri-containerd:" ID,
	".slice:cri-containerd:" ID,
	"a--b.slice:cri-containerd:" ID,
	"-a.slice:cri-containerd:" ID,
	"a-.slice:cri-containerd:" ID,
	"a/b.slice:cri-containerd:" ID,
	"../b.slice:cri-containerd:" ID,
	"kubepods:cri-containerd:" ID,
	POD "::" ID,
	POD ":cri-containerd:",
	POD ":cri/containerd:" ID,
	POD ":cri-containerd:../" ID,
	POD ":..:" ID,
	POD ":cri-containerd:other",
	POD ":crio-conmon:" ID,
};

START_TEST(what_is_no_path_of_the_container_is_refused)
{
	const char *text = runtime_bad[_i];

	check(text, cgroup_path_from_runtime(text, ID, buf, &e), -EINVAL, NULL);
}
END_TEST

START_TEST(a_path_of_ten_kilobytes_is_refused)
{
	static char text[10240];

	memset(text, 'a', sizeof(text) - 1);
	check("letters", cgroup_path_from_runtime(text, ID, buf, &e), -EINVAL, NULL);
	memset(text, ':', sizeof(text) - 1);
	check("colons", cgroup_path_from_runtime(text, ID, buf, &e), -EINVAL, NULL);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? '-' : 'a';
	memcpy(text + sizeof(text) - 12,
	       ".slice:x:"
	       "id",
	       11);
	check("dashes", cgroup_path_from_runtime(text, "id", buf, &e), -EINVAL, NULL);
	check("parent", cgroup_path_from_parent(text, "", ID, buf, &e), -ENOENT, NULL);
}
END_TEST

/* Every prefix of it is allowed, but the whole is longer than a path may be. */
START_TEST(an_expansion_too_long_for_a_path_is_refused)
{
	char text[400];
	size_t len = 0;

	for (int i = 0; i < 124; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, i ? "-a" : "a");
	snprintf(text + len, sizeof(text) - len, ".slice:x:" ID);
	check(text, cgroup_path_from_runtime(text, ID, buf, &e), -EINVAL, NULL);
}
END_TEST

static const struct {
	const char *slice, *want;
} slices[] = {
	{"a.slice", "a.slice"},
	{"a-b-c.slice", "a.slice/a-b.slice/a-b-c.slice"},
	{"a_b.slice", "a_b.slice"},
	{"-.slice", NULL},
	{"a", NULL},
	{".slice", NULL},
	{"", NULL},
	{"a-b.scope", NULL},
};

START_TEST(a_slice_is_expanded_at_every_dash)
{
	const char *slice = slices[_i].slice;

	check(slice, cgroup_expand_slice(slice, strlen(slice), buf, &e),
	      slices[_i].want ? 0 : -EINVAL, slices[_i].want);
}
END_TEST

static const struct {
	const char *name;
	bool want;
} names[] = {
	{ID, true},
	{ID ".scope", true},
	{"crio-" ID, true},
	{"crio-" ID ".scope", true},
	{"cri-containerd-" ID ".scope", true},
	{"crio-conmon-" ID ".scope", false},
	{"crio-conmon-" ID, false},
	{"conmon-" ID, false},
	{"x" ID, false},
	{ID "x", false},
	{ID ".slice", false},
	{ID ".scope.scope", false},
	{".scope", false},
	{"", false},
};

START_TEST(a_directory_is_the_containers_by_its_whole_id)
{
	ck_assert_msg(cgroup_name_is_of(names[_i].name, strlen(names[_i].name), ID) ==
			      names[_i].want,
		      "%s", names[_i].name);
}
END_TEST

START_TEST(an_empty_id_owns_nothing)
{
	ck_assert(!cgroup_name_is_of("", 0, ""));
	ck_assert(!cgroup_name_is_of("a", 1, ""));
	ck_assert(!cgroup_name_is_of("a-", 2, ""));
	ck_assert(!cgroup_path_is_of("/a/b/", 5, ""));
}
END_TEST

START_TEST(an_id_is_one_directory_name)
{
	static const char *const bad[] = {"", ".", "..", "a/b", "a b", "a:b", "a\n", "-a", ".a"};
	char long_id[300];

	memset(long_id, 'a', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	ck_assert_int_eq(cgroup_check_id(ID, &e), 0);
	ck_assert_int_eq(cgroup_check_id("web_0.1-x", &e), 0);
	ck_assert_int_eq(cgroup_check_id(NULL, &e), -EINVAL);
	ck_assert_int_eq(cgroup_check_id(long_id, &e), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(cgroup_check_id(bad[i], &e) == -EINVAL, "'%s'", bad[i]);
}
END_TEST

static const struct {
	const char *parent, *path, *want;
} parents[] = {
	{"/" POD_PATH, POD ":cri-containerd:" ID, POD_PATH "/cri-containerd-" ID ".scope"},
	{"/" POD_PATH, "", POD_PATH "/cri-containerd-" ID ".scope"},
	{"/kubepods/pod1", "", "kubepods/pod1/" ID},
	{"/kubepods/pod1", "/x/crio-" ID, "kubepods/pod1/crio-" ID},
	{POD, POD ":crio:" ID, NULL}, /* CRI-O: the last slice alone */
	{"", POD ":crio:" ID, NULL},
	{"/", POD ":crio:" ID, NULL},
	{"/a/../b", POD ":crio:" ID, NULL},
	{"/kubepods/pod1", "a:b", NULL},
	{"/kubepods/pod1", "/x/other", NULL},
	{"/kubepods/pod1", "/x/", NULL},
};

START_TEST(a_parent_helps_only_as_a_full_path)
{
	check(parents[_i].parent,
	      cgroup_path_from_parent(parents[_i].parent, parents[_i].path, ID, buf, &e),
	      parents[_i].want ? 0 : -ENOENT, parents[_i].want);
}
END_TEST

static const struct {
	const char *text, *want;
} proc_texts[] = {
	{"0::/" POD_PATH "/cri-containerd-" ID ".scope\n", POD_PATH "/cri-containerd-" ID ".scope"},
	{"0::/" POD_PATH "/crio-" ID ".scope/container", POD_PATH "/crio-" ID ".scope"},
	{"0::/kubepods/pod1/" ID "/init.scope\n", "kubepods/pod1/" ID},
	{"12:pids:/kubepods/pod1/" ID "\n1:name=systemd:/x\n0::/\n", "kubepods/pod1/" ID},
	{"12:pids:/\n11:cpu,cpuacct:/kubepods/a:b/" ID "\n", "kubepods/a:b/" ID},
	/* seen from another cgroup namespace */
	{"0::/../cri-containerd-" ID ".scope\n", "cri-containerd-" ID ".scope"},
	{"0::/../../../kubepods-burstable.slice/" POD "/cri-containerd-" ID ".scope\n",
	 POD_PATH "/cri-containerd-" ID ".scope"},
	{"0::/../../burstable/pod1/" ID "\n", "burstable/pod1/" ID},
	{"0::/../../-.slice/" ID "\n", "-.slice/" ID},
	/* not in the container, or no such line at all */
	{"0::/\n", NULL},
	{"0::/system.slice/sshd.service\n", NULL},
	{"0::/kubepods/pod1/" ID " (deleted)\n", NULL},
	{"0::/kubepods/pod1/crio-conmon-" ID ".scope\n", NULL},
	{"0::/a/../" ID "\n", NULL},
	{"0::/..\n", NULL},
	{"0::\n0:\n0\n:::::\n\n\n" ID "\n0::" ID "\n", NULL},
	{"", NULL},
};

START_TEST(the_kernels_text_gives_the_directory_of_the_container)
{
	check(proc_texts[_i].text, cgroup_path_from_proc(proc_texts[_i].text, ID, buf, &e),
	      proc_texts[_i].want ? 0 : -ENOENT, proc_texts[_i].want);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("cgroup_path");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, the_runtimes_forms_give_the_directory, 0,
			    (int)ARRAY_LEN(runtime_good));
	tcase_add_loop_test(tc, what_is_no_path_of_the_container_is_refused, 0,
			    (int)ARRAY_LEN(runtime_bad));
	tcase_add_test(tc, a_path_of_ten_kilobytes_is_refused);
	tcase_add_test(tc, an_expansion_too_long_for_a_path_is_refused);
	tcase_add_loop_test(tc, a_slice_is_expanded_at_every_dash, 0, (int)ARRAY_LEN(slices));
	tcase_add_loop_test(tc, a_directory_is_the_containers_by_its_whole_id, 0,
			    (int)ARRAY_LEN(names));
	tcase_add_test(tc, an_empty_id_owns_nothing);
	tcase_add_test(tc, an_id_is_one_directory_name);
	tcase_add_loop_test(tc, a_parent_helps_only_as_a_full_path, 0, (int)ARRAY_LEN(parents));
	tcase_add_loop_test(tc, the_kernels_text_gives_the_directory_of_the_container, 0,
			    (int)ARRAY_LEN(proc_texts));
	suite_add_tcase(s, tc);
	return s;
}
