/* SPDX-License-Identifier: Apache-2.0 */

/* A group's counters: each of every L3 domain, and summed. */

#include "num.h"
#include "rs_priv.h"
#include "strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNTER_MAX 64 /* twenty digits, or a word */

enum answer {
	ANSWER_NUMBER,
	ANSWER_UNAVAILABLE,
	ANSWER_ABSENT, /* the hardware has no such event */
};

/* The kernel's word for a counter without a value, as static text; NULL: it is none. */
static const char *excuse(const char *text)
{
	static const char *const excuses[] = {"Unavailable", "Error", "Unassigned"};

	for (size_t i = 0; i < ARRAY_LEN(excuses); i++) {
		if (strcmp(text, excuses[i]) == 0)
			return excuses[i];
	}
	return NULL;
}

/* Read the counter FILE to *RET. Returns an enum answer, or a code. */
static int read_counter(struct rs *rs, const char *dir, const char *file, struct rs_counter *ret,
			struct err *e)
{
	AUTO_STRBUF struct strbuf sb;
	char path[RS_FILE_MAX];
	int r;

	strbuf_init(&sb, COUNTER_MAX);
	ret->event = file;
	if (rs_path_join(dir, file, path, sizeof(path)) < 0)
		return err_set(e, -EIO, "path of '%s' in '%s' is too long", file, dir);
	r = rs->ops->read(rs->ctx, path, &sb);
	if (r == -ENOENT)
		return ANSWER_ABSENT;
	if (r < 0)
		return rs_fail(rs, RS_READ, path, r, e);
	while (sb.len && sb.data[sb.len - 1] == '\n')
		sb.data[--sb.len] = '\0';
	ret->value = 0;
	ret->why = excuse(strbuf_str(&sb));
	if (ret->why)
		return ANSWER_UNAVAILABLE;
	if (num_parse_u64(strbuf_str(&sb), sb.len, UINT64_MAX, &ret->value) < 0)
		return err_set(e, -EIO, "'%s' holds no number", path);
	return ANSWER_NUMBER;
}

static int read_domain(struct rs *rs, const char *dir, struct rs_counter *counter,
		       rs_counter_fn *fn, void *arg, struct err *e)
{
	static const char *const files[] = {"llc_occupancy", "mbm_total_bytes", "mbm_local_bytes"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int r = read_counter(rs, dir, files[i], counter, e);

		if (r < 0)
			return r;
		if (r != ANSWER_ABSENT)
			fn(arg, counter);
	}
	return 0;
}

/* Listing DATA, the mon_data of the group PATH, failed: is it the group that is missing? */
static int no_data(struct rs *rs, const char *path, const char *data, int code, struct err *e)
{
	struct rs_stat st;
	int r = rs_fail(rs, RS_LIST, data, code, e);

	if (r == -ENOENT && rs->ops->stat(rs->ctx, path, &st) == 0)
		return err_set(e, -EOPNOTSUPP, "group '%s' has no counters", path);
	return r;
}

int rs_group_each_counter(struct rs *rs, const char *path, rs_counter_fn *fn, void *arg,
			  struct err *e)
{
	AUTO_STRBUF struct strbuf names;
	char data[RS_FILE_MAX], dir[RS_FILE_MAX];
	int r;

	strbuf_init(&names, RS_NAMES_MAX);
	if ((*path && !rs_path_is_group(path)) ||
	    rs_path_join(path, "mon_data", data, sizeof(data)) < 0)
		return err_set(e, -EINVAL, "'%.64s' is not the path of a group", path);
	r = rs_list_dirs(rs, data, &names);
	if (r < 0)
		return no_data(rs, path, data, r, e);
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1) {
		struct rs_counter counter = {.domain = names.data + i};

		/* "mon_L3_00"; newer kernels have other kinds of domains beside them. */
		if (strncmp(counter.domain, "mon_L3_", strlen("mon_L3_")) != 0 ||
		    rs_path_join(data, counter.domain, dir, sizeof(dir)) < 0)
			continue;
		r = read_domain(rs, dir, &counter, fn, arg, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the same, summed ---------------------------------------------------------------------- */

struct sums {
	struct rs_counters c;
	char domain[RS_NAME_MAX + 1]; /* that is being read */
	bool unavailable, answered;
};

static void domain_done(struct sums *s)
{
	s->c.unavailable += s->unavailable;
	s->c.domains += s->answered && !s->unavailable;
	s->unavailable = s->answered = false;
}

static uint64_t *sum_of(struct rs_counters *c, const char *event)
{
	if (strcmp(event, "llc_occupancy") == 0)
		return &c->llc_occupancy_bytes;
	return strcmp(event, "mbm_total_bytes") == 0 ? &c->mbm_total_bytes : &c->mbm_local_bytes;
}

static void add_counter(void *arg, const struct rs_counter *counter)
{
	struct sums *s = arg;
	uint64_t *sum = sum_of(&s->c, counter->event);

	if (strcmp(s->domain, counter->domain) != 0) {
		domain_done(s);
		(void)snprintf(s->domain, sizeof(s->domain), "%s", counter->domain);
	}
	s->unavailable |= counter->why != NULL;
	s->answered |= !counter->why;
	if (!counter->why && __builtin_add_overflow(*sum, counter->value, sum))
		*sum = UINT64_MAX;
}

int rs_group_counters(struct rs *rs, const char *path, struct rs_counters *ret, struct err *e)
{
	struct sums sums = {0};
	int r = rs_group_each_counter(rs, path, add_counter, &sums, e);

	if (r < 0)
		return r;
	domain_done(&sums);
	*ret = sums.c;
	return 0;
}
