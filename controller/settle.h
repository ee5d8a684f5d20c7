/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * After a start or a Synchronize most of what the process has touched is not needed again: the
 * dynamic linker's way through three dozen libraries, their initialization, the heap of a large
 * message. This gives it back to the system: free heap, and the pages of program and
 * libraries that were never written to. Those are still in the page cache; what is needed after
 * all comes back by a minor fault for 64 kB at a time, about a microsecond each.
 */

#include <stddef.h>

/* Returns how many bytes of address space were let go, for tests. */
size_t settle_memory(void);
