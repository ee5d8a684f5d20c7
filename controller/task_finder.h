/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The core's real source of task ids: /sys/fs/cgroup (v2, v1 and hybrid, with systemd's or the
 * cgroupfs driver's names) and /proc. It keeps no state between calls but two open directories, so
 * that a container that moves, restarts or goes away needs no one to tell it.
 *
 * list, START (init_only): every thread of the parked init from /proc/PID/task, if the
 *   process really is of this container, which guards against a reused pid. Else as below.
 * list, otherwise: every thread in the container's cgroup and all cgroups below it. The
 *   directory is looked for where the runtime said, where /proc says that init is, and,
 *   when init lives but neither leads anywhere, by name under kubepods*.
 *   -ENOENT   there is no such cgroup (not yet, or not any more)
 *   -EINVAL   the container id or cgroups_path cannot be right, or leads out of the root
 *   -EPERM    the kernel listed a task as 0: the daemon is not in the host's PID namespace
 *   -EIO      a line that is no task id; the message quotes it
 *   -EFBIG    more cgroups or tasks than a container can have
 *   others as the system calls have them, -ENOMEM, -EACCES
 *   The result is sorted and has every id once; never 0.
 * is_ours: the task is in the container's cgroup now. False for one that ended.
 * control_group: "res:" of /proc/TID/cpu_resctrl_groups. -EOPNOTSUPP: a kernel without it
 *   (CONFIG_PROC_CPU_RESCTRL), or it does not tell; -ESRCH: the task ended; -ENODEV: no
 *   resctrl is mounted; -ENAMETOOLONG for the caller's buffer; -EIO for another format.
 */

#include "core.h"

struct task_finder;

struct task_finder_config {
	const char *cgroup_root; /* NULL: /sys/fs/cgroup */
	const char *proc_root;   /* NULL: /proc, of the PID namespace whose ids are meant */
};

/* Strings are copied. Fails with -ENOENT, -ENOTDIR or -EACCES when a root cannot be opened. */
MUST_CHECK int task_finder_new(const struct task_finder_config *config, struct task_finder **ret,
			       struct err *e);
void task_finder_free(struct task_finder *finder);

/* The context is the finder. Nothing here blocks but the kernel's own locks. */
extern const struct core_task_ops task_finder_ops;
