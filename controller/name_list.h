/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A list of names in one text, "shop,bank", as options have it. */

#include <stdbool.h>

bool name_list_has(const char *list, const char *name);
