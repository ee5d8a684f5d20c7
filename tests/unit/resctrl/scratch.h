/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A temporary directory for tests of code that opens real files. */

#include "unit/runner.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
	char dir[64];
	char path[512]; /* of the last scratch_path() */
};

static inline void scratch_init(struct scratch *s)
{
	snprintf(s->dir, sizeof(s->dir), "/tmp/resctrl-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
}

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void scratch_done(struct scratch *s)
{
	nftw(s->dir, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of NAME in the directory, until the next call. */
static inline const char *scratch_path(struct scratch *s, const char *name)
{
	snprintf(s->path, sizeof(s->path), "%s/%s", s->dir, name);
	return s->path;
}

static inline void scratch_mkdir(struct scratch *s, const char *name)
{
	ck_assert_int_eq(mkdir(scratch_path(s, name), 0755), 0);
}

static inline void scratch_write(struct scratch *s, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static inline void scratch_write(struct scratch *s, const char *name, const char *fmt, ...)
{
	FILE *f = fopen(scratch_path(s, name), "we");
	va_list ap;

	ck_assert_ptr_nonnull(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	ck_assert_int_eq(fclose(f), 0);
}
