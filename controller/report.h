/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the core reports, as log lines: one per change, ids under constant keys. */

#include "core.h"

struct log;

/*
 * IS_BULK: one of the many events of a Synchronize, after which one line sums them up, so
 * that each is only for those who debug. What failed is a notice, and always said.
 */
void report_event(struct log *log, const struct core_event *event, bool is_bulk);
void report_notice(struct log *log, const struct core_notice *notice);

/* The words of the control API and of metric labels: "GroupCreated", "Exists", "Partial". */
const char *report_notice_name(enum core_notice_kind kind);
const char *report_group_state(enum core_group_state state);
const char *report_container_state(enum core_container_state state);
