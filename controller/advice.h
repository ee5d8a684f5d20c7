/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an operator does about what is wrong around the daemon: the log's key "hint". NULL where
 * the error says it all. CODE is a negative errno.
 */

/* Of nri_connect() and nri_session_feed(): the runtime cannot be reached, or refuses. */
const char *advice_runtime(int code);

/* Of rs_probe() and rs_mount_ensure(): the resctrl tree cannot be used. */
const char *advice_resctrl(int code);
