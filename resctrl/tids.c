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

void rs_tids_done(struct rs_tids *tids)
{
	free(tids->tid);
	*tids = (struct rs_tids){0};
}
