/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every system call and every allocation of the task finder fails, each in its turn. It then
 * gives the whole list by another way or an error with words, keeps nothing open or allocated,
 * and finds everything the next time.
 */

#undef _FORTIFY_SOURCE /* the functions below stand for libc's own */

#include "task_finder_scratch.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static bool counting;
static unsigned long nr_calls, fail_call;
static int fail_code;

static bool refuse(void)
{
	if (!counting || ++nr_calls != fail_call)
		return false;
	errno = fail_code;
	return true;
}

/* Libc's own, or the sanitizer's that stands before it. */
static void *own(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		abort();
	return p;
}

/* ---- the system calls that the finder makes -------------------------------------------------- */

#define OWN(name) ((__typeof__(&(name)))own(#name))

int openat(int fd, const char *path, int flags, ...)
{
	return refuse() ? -1 : OWN(openat)(fd, path, flags, 0644);
}

/* What -D_FORTIFY_SOURCE makes of the same. */
int __openat_2(int fd, const char *path, int flags);
int __openat_2(int fd, const char *path, int flags)
{
	return openat(fd, path, flags);
}

static unsigned interruptions; /* of the next reads */

static bool is_interrupted(void)
{
	if (!counting || !interruptions)
		return false;
	interruptions--;
	errno = EINTR;
	return true;
}

ssize_t read(int fd, void *buf, size_t size)
{
	return is_interrupted() || refuse() ? -1 : OWN(read)(fd, buf, size);
}

ssize_t pread(int fd, void *buf, size_t size, off_t pos)
{
	return is_interrupted() || refuse() ? -1 : OWN(pread)(fd, buf, size, pos);
}

int fstat(int fd, struct stat *st)
{
	return refuse() ? -1 : OWN(fstat)(fd, st);
}

int fstatat(int fd, const char *path, struct stat *st, int flags)
{
	return refuse() ? -1 : OWN(fstatat)(fd, path, st, flags);
}

int faccessat(int fd, const char *path, int mode, int flags)
{
	return refuse() ? -1 : OWN(faccessat)(fd, path, mode, flags);
}

ssize_t getdents64(int fd, void *buf, size_t size)
{
	return refuse() ? -1 : OWN(getdents64)(fd, buf, size);
}

DIR *fdopendir(int fd)
{
	return refuse() ? NULL : OWN(fdopendir)(fd);
}

struct dirent *readdir(DIR *dir)
{
	return refuse() ? NULL : OWN(readdir)(dir);
}

int fcntl(int fd, int command, ...)
{
	va_list args;
	long arg;

	va_start(args, command);
	arg = va_arg(args, long);
	va_end(args);
	return refuse() ? -1 : OWN(fcntl)(fd, command, arg);
}

/* openat2(), for which libc has no function. */
long syscall(long number, ...)
{
	long a[4];
	va_list args;

	va_start(args, number);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		a[i] = va_arg(args, long);
	va_end(args);
	return refuse() ? -1 : OWN(syscall)(number, a[0], a[1], a[2], a[3]);
}

/* ---- the ways of finding tasks ------------------------------------------------------------------
 */

static const struct way {
	const char *name;
	const char *files[6];
	struct core_task_query query;
	const char *want;
} ways[] = {
	{"v2",
	 {"cg/" SCOPE "/cgroup.threads=7\n9\n"},
	 {.container_id = ID, .cgroups_path = POD ":cri-containerd:" ID},
	 "7 9"},
	{"v2 with children",
	 {"cg/" FS "/cgroup.threads=7\n", "cg/" FS "/a/cgroup.threads=8\n",
	  "cg/" FS "/a/b/cgroup.threads=9\n", "cg/" FS "/c/cgroup.threads=10\n"},
	 {.container_id = ID, .cgroups_path = "/" FS},
	 "7 8 9 10"},
	{"v1",
	 {"cg/cpu/" FS "/tasks=7\n8\n", "cg/memory/" FS "/tasks=7\n8\n"},
	 {.container_id = ID, .cgroups_path = "/" FS},
	 "7 8"},
	{"a kernel that lists processes only",
	 {"cg/" FS "/cgroup.procs=7\n", "proc/7/task/7/", "proc/7/task/8/"},
	 {.container_id = ID, .cgroups_path = "/" FS},
	 "7 8"},
	{"the parked init",
	 {"proc/70/cgroup=0::/" FS "\n", "proc/70/task/70/", "proc/70/task/71/",
	  "cg/" FS "/cgroup.threads=70\n71\n"},
	 {.container_id = ID, .cgroups_path = "/" FS, .init_pid = 70, .init_only = true},
	 "70 71"},
	{"where init is",
	 {"proc/70/cgroup=0::/node1/" FS "\n", "cg/node1/" FS "/cgroup.threads=70\n"},
	 {.container_id = ID, .cgroups_path = "/" FS, .init_pid = 70},
	 "70"},
	{"by name",
	 {"cg/" SCOPE "/cgroup.threads=7\n", "cg/pids/kubepods/pod2/" OTHER "/tasks=9\n"},
	 {.container_id = ID},
	 "7"},
};

static void put_all(const struct way *way)
{
	for (size_t i = 0; i < ARRAY_LEN(way->files) && way->files[i]; i++)
		put(way->files[i]);
}

static int fds_between_placements(void)
{
	task_finder_ops.release(finder);
	return count_fds();
}

/* One more look with the NR-th call failing; returns how many there were. */
static unsigned long look_again_with_fault(const struct way *way, unsigned long nr, int code,
					   int *ret)
{
	nr_calls = 0;
	fail_call = nr;
	fail_code = code;
	tids.nr = 0;
	memset(&e, 0, sizeof(e));
	counting = true;
	*ret = list(&way->query);
	counting = false;
	return nr_calls;
}

/* The same of a first look, of which nothing is left open. */
static unsigned long list_with_fault(const struct way *way, unsigned long nr, int code, int *ret)
{
	task_finder_ops.release(finder);
	return look_again_with_fault(way, nr, code, ret);
}

/* ENOENT may mean that a child cgroup went away, which is no error; the others hide nothing. */
static const int codes[] = {EACCES, EIO, EMFILE, ENOMEM, ENOENT};

static void check_outcome(const struct way *way, unsigned long nr, int code, int r)
{
	if (r < 0) {
		ck_assert_msg(e.code == r && e.msg[0], "%s, call %lu %s: %s without words",
			      way->name, nr, err_name(code), err_name(r));
		ck_assert_uint_eq(tids.nr, 0);
	} else if (code != ENOENT) {
		ck_assert_msg(strcmp(found(), way->want) == 0, "%s, call %lu %s: '%s'", way->name,
			      nr, err_name(code), found());
	}
}

START_TEST(each_system_call_may_fail)
{
	const struct way *way = &ways[_i];
	unsigned long nr;
	int r;

	put_all(way);
	nr = list_with_fault(way, 0, 0, &r);
	ck_assert_str_eq(found(), way->want);
	ck_assert_uint_ge(nr, 3);
	for (size_t c = 0; c < ARRAY_LEN(codes); c++) {
		for (unsigned long i = 1; i <= nr; i++) {
			int fds = fds_between_placements();

			(void)list_with_fault(way, i, codes[c], &r);
			check_outcome(way, i, codes[c], r);
			ck_assert_int_eq(fds_between_placements(), fds);
			(void)list_with_fault(way, 0, 0, &r);
			ck_assert_str_eq(found(), way->want);
		}
	}
}
END_TEST

/* What the first look kept open fails the second: it is opened anew. */
START_TEST(each_system_call_of_a_second_look_may_fail)
{
	const struct way *way = &ways[0];
	unsigned long nr = 1, nr_first;
	int fds, r;

	put_all(way);
	fds = fds_between_placements();
	for (size_t c = 0; c < ARRAY_LEN(codes); c++) {
		for (unsigned long i = 0; i <= nr; i++) {
			nr_first = list_with_fault(way, 0, 0, &r);
			nr = look_again_with_fault(way, i, codes[c], &r);
			ck_assert_uint_lt(i ? 0 : nr, nr_first);
			check_outcome(way, i, codes[c], r);
			ck_assert_int_eq(fds_between_placements(), fds);
		}
	}
}
END_TEST

START_TEST(an_interrupted_read_is_read_again)
{
	const struct way *way = &ways[0];
	int r;

	put_all(way);
	interruptions = 2;
	(void)list_with_fault(way, 0, 0, &r);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(interruptions, 0);
	ck_assert_str_eq(found(), way->want);
}
END_TEST

START_TEST(each_question_after_a_task_may_fail)
{
	static const char groups[] = "proc/7/cpu_resctrl_groups=res:gold\nmon:\n";
	const struct way *way = &ways[0];
	unsigned long nr = 1;
	char name[32];
	int fds;

	put_all(way);
	put("proc/7/cgroup=0::/" SCOPE "\n");
	put(groups);
	fds = fds_between_placements();
	for (unsigned long i = 0; i <= nr; i++) {
		int r;

		nr_calls = 0;
		fail_call = i;
		fail_code = EIO;
		counting = true;
		r = task_finder_ops.control_group(finder, 7, name, sizeof(name), &e);
		(void)task_finder_ops.is_ours(finder, &way->query, 7);
		counting = false;
		if (i == 0)
			nr = nr_calls;
		ck_assert(r == 0 ? strcmp(name, "gold") == 0 : e.code == r && e.msg[0]);
		ck_assert_int_eq(fds_between_placements(), fds);
	}
	ck_assert_uint_ge(nr, 4);
}
END_TEST

/* ---- allocations ----------------------------------------------------------------------------- */

#if !defined(__SANITIZE_ADDRESS__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static bool counting_memory;
static unsigned long nr_allocations, fail_allocation;
static long nr_live;

static bool is_short(void)
{
	if (!counting_memory || ++nr_allocations != fail_allocation)
		return false;
	errno = ENOMEM;
	return true;
}

static void *count_live(void *p, long change)
{
	if (counting_memory && p)
		nr_live += change;
	return p;
}

void *malloc(size_t size)
{
	return is_short() ? NULL : count_live(__libc_malloc(size), 1);
}

void *calloc(size_t nr, size_t size)
{
	return is_short() ? NULL : count_live(__libc_calloc(nr, size), 1);
}

void *realloc(void *p, size_t size)
{
	return is_short() ? NULL : count_live(__libc_realloc(p, size), p ? 0 : 1);
}

void free(void *p)
{
	__libc_free(count_live(p, -1));
}

/* From nothing to a list and back to nothing; returns how many allocations there were. */
static unsigned long whole_life(const struct way *way, unsigned long nr, int *ret)
{
	char cgroup_root[80], proc_root[80];
	struct task_finder_config config = {.cgroup_root = cgroup_root, .proc_root = proc_root};
	struct task_finder *f = NULL;
	struct rs_tids got = {.nr = 0};

	snprintf(cgroup_root, sizeof(cgroup_root), "%s/cg", root);
	snprintf(proc_root, sizeof(proc_root), "%s/proc", root);
	memset(&e, 0, sizeof(e));
	nr_allocations = 0;
	fail_allocation = nr;
	nr_live = 0;
	counting_memory = true;
	*ret = task_finder_new(&config, &f, &e);
	if (*ret == 0)
		*ret = task_finder_ops.list(f, &way->query, &got, &e);
	task_finder_free(f);
	rs_tids_done(&got);
	counting_memory = false;
	return nr_allocations;
}

START_TEST(each_allocation_may_fail)
{
	const struct way *way = &ways[_i];
	unsigned long nr;
	int r;

	put_all(way);
	nr = whole_life(way, 0, &r);
	if (!nr) {
		skip_test("each_allocation_may_fail", "malloc() is not ours, as in valgrind");
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(nr_live, 0);
	for (unsigned long i = 1; i <= nr; i++) {
		int fds = fds_between_placements();

		(void)whole_life(way, i, &r);
		ck_assert_msg(r == 0 || (e.code == r && e.msg[0]), "%s, allocation %lu: %s",
			      way->name, i, err_name(r));
		ck_assert_msg(nr_live == 0, "%s, allocation %lu: %ld leaked", way->name, i,
			      nr_live);
		ck_assert_int_eq(fds_between_placements(), fds);
	}
	expect(&way->query, way->want);
}
END_TEST
#endif

Suite *suite(void)
{
	Suite *s = suite_create("task_finder when calls fail");
	TCase *t = tcase_create("faults");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, each_system_call_may_fail, 0, (int)ARRAY_LEN(ways));
	tcase_add_test(t, each_system_call_of_a_second_look_may_fail);
	tcase_add_test(t, an_interrupted_read_is_read_again);
	tcase_add_test(t, each_question_after_a_task_may_fail);
#if !defined(__SANITIZE_ADDRESS__)
	tcase_add_loop_test(t, each_allocation_may_fail, 0, (int)ARRAY_LEN(ways));
#endif
	suite_add_tcase(s, t);
	return s;
}
