/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The retry annotation's rules that need no state: what a token is, and what the outcome of
 * an attempt is called in status.lastRetry.
 */

#include "core.h"
#include "status_render.h"

#define RETRY_ANNOTATION "podresctrl.io/retry"

/*
 * How VALUE is called in status.lastRetry.token. A value of 1 to 256 printable ASCII
 * characters is its own name and true is returned. Of any other, which is not to be acted
 * on but still to be answered, it is "invalid:" and 16 hexadecimal digits (FNV-1a, 64 bits,
 * of its bytes), so that each value is answered once and none can bloat the object.
 */
bool retry_token(const char *value, char ret[STATUS_TOKEN_MAX + 1]);

/* What came of a retry that returned RC, in one word. */
enum status_retry_result retry_judge(int rc, const struct core_retry_report *report);

/*
 * What core_retry_pod() did, as lastRetry tells it. RC is what it returned, VIEW the pod
 * after it. Token and times are left to the caller.
 */
void retry_outcome(int rc, const struct err *error, const struct core_retry_report *report,
		   const struct core_pod_view *view, struct status_retry *ret);

/* A token that is there when the object is first made: nobody asked, so nothing is done. */
void retry_outcome_at_creation(struct status_retry *ret);
bool retry_is_at_creation(const struct status_retry *retry);

/* A token that is no token. */
void retry_outcome_invalid(struct status_retry *ret);
