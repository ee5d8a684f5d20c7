/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "err.h"

/*
 * Is this process in the initial PID namespace, that is, does the daemon run with hostPID?
 * Without it the kernel shows every other task as 0 and takes no one's id, so there is
 * nothing the daemon could do right. 0 when it is; -EPERM when not, with a message that says
 * what to do; the errno when PROC_ROOT ("/proc") does not tell.
 *
 * The test is the inode of ns/pid, PROC_PID_INIT_INO of linux/proc_ns.h. A node that is
 * itself a container (KIND) never passes, which is what --pid-namespace-check=off is for.
 */
MUST_CHECK int pid_namespace_check(const char *proc_root, struct err *e);
