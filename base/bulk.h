/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Memory that is about to be written from end to end. To ask the kernel for many pages at once
 * costs a third of touching them one by one, and much less where a hypervisor looks at each.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14; older ones refuse it, and touching does as before */
#endif

#define BULK_MIN  65536u /* less is not worth a system call */
#define BULK_PAGE 4096u

/* Have the pages that lie wholly in the LEN bytes at P ready, if there are enough of them. */
static inline void bulk_prepare(void *p, size_t len)
{
	uintptr_t from = ((uintptr_t)p + BULK_PAGE - 1) & ~(uintptr_t)(BULK_PAGE - 1);
	uintptr_t end = ((uintptr_t)p + len) & ~(uintptr_t)(BULK_PAGE - 1);

	if (end > from && end - from >= BULK_MIN - BULK_PAGE)
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): rounding is done in numbers */
		(void)madvise((void *)from, end - from, MADV_POPULATE_WRITE);
}
