/* SPDX-License-Identifier: Apache-2.0 */
#include "name_list.h"

#include <string.h>

bool name_list_has(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list) {
		size_t item = strcspn(list, ",");

		if (item == len && memcmp(list, name, len) == 0)
			return true;
		list += item + (list[item] == ',');
	}
	return false;
}
