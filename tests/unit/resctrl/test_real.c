/* SPDX-License-Identifier: Apache-2.0 */

/* The kernel's operations on an ordinary directory: what does not need resctrl itself. */

#include "scratch.h"

#include "resctrl_real.h"
#include "strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

struct tree {
	struct scratch s;
	struct rs_real *real;
	const struct rs_fs_ops *ops;
};

static void tree_init(struct tree *t, const char *root)
{
	scratch_init(&t->s);
	ck_assert_int_eq(rs_real_open(scratch_path(&t->s, root), &t->real, NULL), 0);
	t->ops = &rs_real_ops;
}

static void tree_done(struct tree *t)
{
	rs_real_close(t->real);
	scratch_done(&t->s);
}

START_TEST(directories_are_made_renamed_and_removed_below_the_root)
{
	struct rs_stat a, b;
	struct tree t;

	tree_init(&t, "");
	ck_assert_int_eq(t.ops->mkdir(t.real, "g"), 0);
	ck_assert_int_eq(t.ops->mkdir(t.real, "g"), -EEXIST);
	ck_assert_int_eq(t.ops->mkdir(t.real, "none/g"), -ENOENT);
	ck_assert_int_eq(t.ops->stat(t.real, "g", &a), 0);
	ck_assert(a.is_dir);
	ck_assert_int_eq(t.ops->rename(t.real, "g", "h"), 0);
	ck_assert_int_eq(t.ops->stat(t.real, "g", &b), -ENOENT);
	ck_assert_int_eq(t.ops->stat(t.real, "h", &b), 0);
	ck_assert(a.ino == b.ino && a.dev == b.dev);
	ck_assert_int_eq(t.ops->stat(t.real, "", &b), 0);
	ck_assert(b.is_dir && b.ino != a.ino);
	ck_assert_int_eq(t.ops->rmdir(t.real, "h"), 0);
	ck_assert_int_eq(t.ops->rmdir(t.real, "h"), -ENOENT);
	tree_done(&t);
}
END_TEST

START_TEST(files_are_read_whole_and_written_in_place)
{
	AUTO_STRBUF struct strbuf sb, small;
	struct tree t;
	int h;

	strbuf_init(&sb, 1 << 20);
	strbuf_init(&small, 10);
	tree_init(&t, "");
	scratch_write(&t.s, "f", "%070000d", 1);
	ck_assert_int_eq(t.ops->read(t.real, "f", &sb), 0);
	ck_assert_uint_eq(sb.len, 70000);
	ck_assert_int_eq(t.ops->read(t.real, "f", &small), -EFBIG);
	ck_assert_int_eq(t.ops->read(t.real, "none", &sb), -ENOENT);
	strbuf_reset(&sb);
	ck_assert_int_eq(t.ops->read(t.real, "", &sb), -EISDIR);
	scratch_write(&t.s, "f", "abc");
	h = t.ops->open_write(t.real, "f");
	ck_assert_int_ge(h, 0);
	ck_assert(fcntl(h, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(t.ops->write(t.real, h, "x", 1), 0);
	t.ops->close(t.real, h);
	strbuf_reset(&sb);
	ck_assert_int_eq(t.ops->read(t.real, "f", &sb), 0);
	ck_assert_str_eq(strbuf_str(&sb), "xbc");
	ck_assert_int_eq(t.ops->open_write(t.real, ""), -EISDIR);
	ck_assert_int_eq(t.ops->open_write(t.real, "none"), -ENOENT);
	ck_assert_int_eq(t.ops->write(t.real, -1, "x", 1), -EBADF);
	tree_done(&t);
}
END_TEST

START_TEST(links_are_not_followed)
{
	AUTO_STRBUF struct strbuf sb;
	char link[512];
	struct tree t;

	strbuf_init(&sb, 4096);
	tree_init(&t, "");
	scratch_write(&t.s, "f", "abc");
	snprintf(link, sizeof(link), "%s/link", t.s.dir);
	ck_assert_int_eq(symlink("f", link), 0);
	ck_assert_int_eq(t.ops->read(t.real, "link", &sb), -ELOOP);
	ck_assert_int_eq(t.ops->open_write(t.real, "link"), -ELOOP);
	tree_done(&t);
}
END_TEST

struct listing {
	unsigned dirs, files, calls;
	int stop;
};

static int note_entry(void *arg, const char *name, bool is_dir)
{
	struct listing *l = arg;

	ck_assert_str_ne(name, ".");
	ck_assert_str_ne(name, "..");
	l->calls++;
	l->dirs += is_dir;
	l->files += !is_dir;
	return l->stop;
}

START_TEST(listings_tell_directories_and_can_be_ended)
{
	struct listing l = {0}, stopped = {.stop = -EFBIG};
	struct tree t;

	tree_init(&t, "");
	scratch_mkdir(&t.s, "a");
	scratch_mkdir(&t.s, "b");
	scratch_write(&t.s, "f", "%s", "");
	ck_assert_int_eq(t.ops->list(t.real, "", note_entry, &l), 0);
	ck_assert_uint_eq(l.dirs, 2);
	ck_assert_uint_eq(l.files, 1);
	ck_assert_int_eq(t.ops->list(t.real, "", note_entry, &stopped), -EFBIG);
	ck_assert_uint_eq(stopped.calls, 1);
	ck_assert_int_eq(t.ops->list(t.real, "f", note_entry, &l), -ENOTDIR);
	ck_assert_int_eq(t.ops->list(t.real, "none", note_entry, &l), -ENOENT);
	tree_done(&t);
}
END_TEST

START_TEST(an_ordinary_directory_is_no_resctrl)
{
	struct rs_group g;
	struct tree t;
	struct rs *rs;
	struct err e;

	tree_init(&t, "");
	scratch_write(&t.s, "tasks", "%s", "");
	ck_assert_int_eq(t.ops->is_resctrl(t.real), -ENODEV);
	ck_assert_int_eq(rs_new(t.ops, t.real, &rs, &e), 0);
	ck_assert_int_eq(rs_probe(rs, &e), -ENODEV);
	ck_assert_int_eq(rs_group_create(rs, RS_GROUP_MON, "", "a", &g, NULL, &e), -ENODEV);
	rs_free(rs);
	tree_done(&t);
}
END_TEST

START_TEST(a_root_that_comes_later_is_found)
{
	struct rs_group g;
	struct tree t;
	struct rs *rs;
	struct err e;

	tree_init(&t, "later");
	ck_assert_int_eq(t.ops->is_resctrl(t.real), -ENODEV);
	ck_assert_int_eq(t.ops->mkdir(t.real, "g"), -ENOENT);
	ck_assert_int_eq(t.ops->lock(t.real, true), -ENOENT);
	ck_assert_int_eq(rs_new(t.ops, t.real, &rs, &e), 0);
	ck_assert_int_eq(rs_group_create(rs, RS_GROUP_MON, "", "a", &g, NULL, &e), -ENODEV);
	ck_assert_str_eq(rs_reason(e.code), "NotMounted");
	scratch_mkdir(&t.s, "later");
	ck_assert_int_eq(t.ops->mkdir(t.real, "g"), 0);
	rs_free(rs);
	tree_done(&t);
}
END_TEST

START_TEST(a_root_must_be_an_absolute_path)
{
	struct rs_real *real = NULL;
	struct err e;

	ck_assert_int_eq(rs_real_open("sys/fs/resctrl", &real, &e), -EINVAL);
	ck_assert_int_eq(rs_real_open("", &real, &e), -EINVAL);
	ck_assert_ptr_null(real);
	rs_real_close(NULL);
}
END_TEST

START_TEST(the_lock_never_waits)
{
	struct tree t;
	int fd;

	tree_init(&t, "");
	fd = open(t.s.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(t.ops->lock(t.real, true), 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
	ck_assert_int_eq(t.ops->lock(t.real, false), 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(t.ops->lock(t.real, true), -EWOULDBLOCK);
	ck_assert_int_eq(flock(fd, LOCK_SH | LOCK_NB), 0);
	ck_assert_int_eq(t.ops->lock(t.real, true), -EWOULDBLOCK);
	close(fd);
	ck_assert_int_eq(t.ops->lock(t.real, true), 0);
	tree_done(&t); /* with the lock held: it is given back, too */
}
END_TEST

static unsigned count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* An open descriptor would keep the administrator from unmounting the tree. */
START_TEST(no_descriptor_stays_open_between_calls)
{
	AUTO_STRBUF struct strbuf sb;
	struct rs_cleanup_report rep;
	unsigned before = count_fds();
	struct listing l = {0};
	struct rs_group g;
	struct rs_stat st;
	struct tree t;
	struct rs *rs;

	strbuf_init(&sb, 4096);
	tree_init(&t, "");
	scratch_mkdir(&t.s, "mon_groups");
	scratch_write(&t.s, "tasks", "%s", "");
	ck_assert_int_eq(rs_new(t.ops, t.real, &rs, NULL), 0);
	(void)!rs_group_create(rs, RS_GROUP_MON, "", "a", &g, NULL, NULL);
	(void)!rs_cleanup(rs, "a", NULL, NULL, &rep, NULL);
	(void)t.ops->read(t.real, "tasks", &sb);
	(void)t.ops->read(t.real, "none", &sb);
	(void)t.ops->list(t.real, "", note_entry, &l);
	(void)t.ops->list(t.real, "tasks", note_entry, &l);
	(void)t.ops->stat(t.real, "tasks", &st);
	(void)t.ops->is_resctrl(t.real);
	ck_assert_uint_eq(count_fds(), before);
	rs_free(rs);
	tree_done(&t);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("resctrl on real files");
	TCase *tc = tcase_create("real");

	tcase_add_test(tc, directories_are_made_renamed_and_removed_below_the_root);
	tcase_add_test(tc, files_are_read_whole_and_written_in_place);
	tcase_add_test(tc, links_are_not_followed);
	tcase_add_test(tc, listings_tell_directories_and_can_be_ended);
	tcase_add_test(tc, an_ordinary_directory_is_no_resctrl);
	tcase_add_test(tc, a_root_that_comes_later_is_found);
	tcase_add_test(tc, a_root_must_be_an_absolute_path);
	tcase_add_test(tc, the_lock_never_waits);
	tcase_add_test(tc, no_descriptor_stays_open_between_calls);
	suite_add_tcase(s, tc);
	return s;
}
