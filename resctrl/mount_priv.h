/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared with the fuzz target: reading the mount table without a file. */

#include "resctrl_real.h"

/* Find resctrl in TEXT, the contents of mountinfo. M->writable is what the options say. */
void rs_mount_parse(const char *text, size_t len, const char *root, struct rs_mount *m);
