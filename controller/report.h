/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the core reports, as log lines: one per change, ids under constant keys. */

#include "core.h"

struct log;

void report_event(struct log *log, const struct core_event *event);
void report_notice(struct log *log, const struct core_notice *notice);
