/* SPDX-License-Identifier: Apache-2.0 */
#include "units.h"

#include <stdio.h>

void units_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned int unit = 0, tenth;

	while (bytes >> (10 * unit) >= 1024)
		unit++;
	tenth = unit ? (unsigned)((bytes >> (10 * (unit - 1)) & 1023) * 10 / 1024) : 0;
	bytes >>= 10 * unit;
	if (unit && bytes < 10)
		(void)snprintf(buf, size, "%llu.%u %s", (unsigned long long)bytes, tenth,
			       names[unit]);
	else
		(void)snprintf(buf, size, "%llu %s", (unsigned long long)bytes, names[unit]);
}
