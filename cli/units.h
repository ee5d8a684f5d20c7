/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "640 KiB", "1.2 GiB": three digits at most, rounded down, so that nothing is said to be full
 * before it is. */
void units_bytes(uint64_t bytes, char *buf, size_t size);
