/* SPDX-License-Identifier: Apache-2.0 */

/* A group's counters, summed over the L3 domains. */

#include "num.h"
#include "rs_priv.h"
#include "strbuf.h"

#include <errno.h>
#include <string.h>

#define COUNTER_MAX 64 /* twenty digits, or a word */

enum answer {
	ANSWER_NUMBER,
	ANSWER_UNAVAILABLE,
	ANSWER_ABSENT, /* the hardware has no such event */
};

static bool is_excuse(const char *text)
{
	return strcmp(text, "Unavailable") == 0 || strcmp(text, "Error") == 0 ||
	       strcmp(text, "Unassigned") == 0;
}

static void add_saturating(uint64_t *sum, uint64_t v)
{
	if (__builtin_add_overflow(*sum, v, sum))
		*sum = UINT64_MAX;
}

/* Add the counter FILE to *SUM. Returns an enum answer, or a code. */
static int read_counter(struct rs *rs, const char *dir, const char *file, uint64_t *sum,
			struct err *e)
{
	AUTO_STRBUF struct strbuf sb;
	char path[RS_FILE_MAX];
	uint64_t v;
	int r;

	strbuf_init(&sb, COUNTER_MAX);
	if (rs_path_join(dir, file, path, sizeof(path)) < 0)
		return err_set(e, -EIO, "path of '%s' in '%s' is too long", file, dir);
	r = rs->ops->read(rs->ctx, path, &sb);
	if (r == -ENOENT)
		return ANSWER_ABSENT;
	if (r < 0)
		return rs_fail(rs, RS_READ, path, r, e);
	while (sb.len && sb.data[sb.len - 1] == '\n')
		sb.data[--sb.len] = '\0';
	if (is_excuse(strbuf_str(&sb)))
		return ANSWER_UNAVAILABLE;
	if (num_parse_u64(strbuf_str(&sb), sb.len, UINT64_MAX, &v) < 0)
		return err_set(e, -EIO, "'%s' holds no number", path);
	add_saturating(sum, v);
	return ANSWER_NUMBER;
}

static int read_domain(struct rs *rs, const char *dir, struct rs_counters *c, struct err *e)
{
	const struct {
		const char *file;
		uint64_t *sum;
	} events[] = {
		{"llc_occupancy", &c->llc_occupancy_bytes},
		{"mbm_total_bytes", &c->mbm_total_bytes},
		{"mbm_local_bytes", &c->mbm_local_bytes},
	};
	bool unavailable = false, answered = false;

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		int r = read_counter(rs, dir, events[i].file, events[i].sum, e);

		if (r < 0)
			return r;
		unavailable |= r == ANSWER_UNAVAILABLE;
		answered |= r == ANSWER_NUMBER;
	}
	c->unavailable += unavailable;
	c->domains += answered && !unavailable;
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

int rs_group_counters(struct rs *rs, const char *path, struct rs_counters *ret, struct err *e)
{
	AUTO_STRBUF struct strbuf names;
	char data[RS_FILE_MAX], dir[RS_FILE_MAX];
	struct rs_counters c = {0};
	int r;

	strbuf_init(&names, RS_NAMES_MAX);
	if ((*path && !rs_path_is_group(path)) ||
	    rs_path_join(path, "mon_data", data, sizeof(data)) < 0)
		return err_set(e, -EINVAL, "'%.64s' is not the path of a group", path);
	r = rs_list_dirs(rs, data, &names);
	if (r < 0)
		return no_data(rs, path, data, r, e);
	for (size_t i = 0; i < names.len; i += strlen(names.data + i) + 1) {
		/* "mon_L3_00"; newer kernels have other kinds of domains beside them. */
		if (strncmp(names.data + i, "mon_L3_", strlen("mon_L3_")) != 0 ||
		    rs_path_join(data, names.data + i, dir, sizeof(dir)) < 0)
			continue;
		r = read_domain(rs, dir, &c, e);
		if (r < 0)
			return r;
	}
	*ret = c;
	return 0;
}
