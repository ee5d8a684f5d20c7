/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Strict number parsing for text that others wrote. The whole of the text must be
 * the number: no blanks, no sign where none is allowed, no trailing bytes.
 * -EINVAL when it is not a number, -ERANGE when it does not fit.
 */

#include "attr.h"

#include <stdint.h>

MUST_CHECK int num_parse_u64(const char *s, size_t len, uint64_t max, uint64_t *ret);

/* A duration as people write it: "250ms", "10s", "5m", "1h", or "0". The result is in ms. */
MUST_CHECK int num_parse_duration_ms(const char *s, uint64_t max_ms, uint64_t *ret_ms);
