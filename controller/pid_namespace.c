/* SPDX-License-Identifier: Apache-2.0 */
#include "pid_namespace.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* PROC_PID_INIT_INO of linux/proc_ns.h, fixed since Linux 3.8, as the link text has it. */
#define INITIAL_NAMESPACE "pid:[4026531836]"

int pid_namespace_check(const char *proc_root, struct err *e)
{
	char path[PATH_MAX], link[64];
	ssize_t len;
	int n = snprintf(path, sizeof(path), "%s/self/ns/pid", proc_root);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, -ENAMETOOLONG, "proc root '%.80s...' is too long", proc_root);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return err_sys(e, -errno, "cannot tell the PID namespace: readlink '%s'", path);
	link[len] = '\0';
	if (strcmp(link, INITIAL_NAMESPACE) == 0)
		return 0;
	return err_set(e, -EPERM,
		       "not in the host's PID namespace (%s is %s, the host's is %s): containers' "
		       "tasks cannot be seen or moved from here. Set hostPID: true in the pod "
		       "template; on a node that is itself a container (KIND), which has a PID "
		       "namespace of its own, also set --pid-namespace-check=off",
		       path, link, INITIAL_NAMESPACE);
}
