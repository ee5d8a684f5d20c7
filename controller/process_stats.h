/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What this process uses, as /proc/self tells it. */

#include "attr.h"

#include <stdint.h>

struct process_stats {
	uint64_t cpu_us;
	uint64_t resident_bytes, virtual_bytes;
	uint64_t open_fds, max_fds;
};

/* -ENOENT and the like where there is no procfs; *ret is then as it was. */
MUST_CHECK int process_stats_read(struct process_stats *ret);
