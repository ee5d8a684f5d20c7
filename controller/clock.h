/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The one place that reads clocks; everything else is handed the time. */

#include <stdint.h>

uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);
int64_t clock_wall_seconds(void); /* since the epoch */
int64_t clock_wall_ms(void);
