/* SPDX-License-Identifier: Apache-2.0 */

/* Sets of thread ids. */

#include "resctrl.h"

#include <errno.h>
#include <string.h>

#define TIDS_FIRST 32

int rs_tids_add(struct rs_tids *tids, pid_t tid)
{
	if (tid <= 0)
		return -EINVAL;
	if (tids->nr == tids->size) {
		size_t size = tids->size ? tids->size * 2 : TIDS_FIRST;
		pid_t *p;

		if (tids->nr >= RS_TIDS_MAX)
			return -ENOMEM;
		p = realloc(tids->tid, size * sizeof(*p));
		if (!p)
			return -ENOMEM;
		tids->tid = p;
		tids->size = size;
	}
	tids->tid[tids->nr++] = tid;
	return 0;
}

static int compare(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

void rs_tids_sort_unique(struct rs_tids *tids)
{
	size_t n = 0;
	bool sorted = true;

	for (size_t i = 1; i < tids->nr && sorted; i++)
		sorted = tids->tid[i - 1] < tids->tid[i];
	if (sorted) /* the usual case: cgroup.threads comes in order */
		return;
	qsort(tids->tid, tids->nr, sizeof(*tids->tid), compare);
	for (size_t i = 0; i < tids->nr; i++) {
		if (n == 0 || tids->tid[n - 1] != tids->tid[i])
			tids->tid[n++] = tids->tid[i];
	}
	tids->nr = n;
}

bool rs_tids_has(const struct rs_tids *sorted, pid_t tid)
{
	if (!sorted->nr)
		return false;
	return bsearch(&tid, sorted->tid, sorted->nr, sizeof(tid), compare) != NULL;
}

static int resize(struct rs_tids *tids, size_t size)
{
	pid_t *p = realloc(tids->tid, (size ? size : 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	tids->tid = p;
	tids->size = size ? size : 1;
	return 0;
}

int rs_tids_copy(struct rs_tids *to, const struct rs_tids *from)
{
	if ((from->nr > to->size || from->nr < to->size / 4) && resize(to, from->nr) < 0)
		return -ENOMEM;
	if (from->nr)
		memcpy(to->tid, from->tid, from->nr * sizeof(*to->tid));
	to->nr = from->nr;
	return 0;
}

static size_t count_new(const struct rs_tids *sorted, const struct rs_tids *more)
{
	size_t n = 0;

	for (size_t i = 0; i < more->nr; i++)
		n += !rs_tids_has(sorted, more->tid[i]);
	return n;
}

/* From the end, where the room is. */
int rs_tids_merge(struct rs_tids *to, const struct rs_tids *more)
{
	size_t nr = to->nr + count_new(to, more);
	size_t a = to->nr, b = more->nr;

	if (nr > to->size && resize(to, nr + nr / 2) < 0)
		return -ENOMEM;
	for (size_t i = nr; b > 0; i--) {
		if (a > 0 && to->tid[a - 1] >= more->tid[b - 1]) {
			b -= to->tid[a - 1] == more->tid[b - 1];
			to->tid[i - 1] = to->tid[--a];
		} else {
			to->tid[i - 1] = more->tid[--b];
		}
	}
	to->nr = nr;
	return 0;
}

void rs_tids_done(struct rs_tids *tids)
{
	free(tids->tid);
	*tids = (struct rs_tids){0};
}
