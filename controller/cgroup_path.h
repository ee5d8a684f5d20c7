/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where a container's cgroup is, worked out from text alone: what the runtime says in
 * linux.cgroups_path, and what the kernel shows in /proc/PID/cgroup. No I/O. All of the
 * text comes from others, and the result is a path below the cgroup root that can not
 * leave it: relative, without "", "." and "..", and it always names the container, since
 * a path that does not would put the tasks of strangers into the pod's group.
 *
 * Facts: OCI runtime specification (linux.cgroupsPath), systemd.slice(5) for what a dash
 * means, cgroup_namespaces(7) for a leading "/..", the CRI plugins of containerd and CRI-O
 * for the names (cri-containerd-ID.scope, crio-ID.scope, crio-ID, ID).
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define CGROUP_PATH_MAX 4096 /* longest result, with NUL */

/*
 * Is this directory name the container's own: ID, PREFIX-ID, or one of them with ".scope"?
 * CRI-O's monitor (crio-conmon-ID) is not: it is outside the container.
 */
bool cgroup_name_is_of(const char *name, size_t len, const char *container_id);

/* Does any component of PATH carry the container's own name? */
bool cgroup_path_is_of(const char *path, size_t len, const char *container_id);

/* An id that can be a directory name and is long enough to mean something; else -EINVAL. */
MUST_CHECK int cgroup_check_id(const char *container_id, struct err *e);

/*
 * "a-b-c.slice" to "a.slice/a-b.slice/a-b-c.slice". -EINVAL for what systemd would not
 * take: no ".slice", a slash, an empty part, and the root slice "-.slice".
 */
MUST_CHECK int cgroup_expand_slice(const char *slice, size_t len, char buf[CGROUP_PATH_MAX],
				   struct err *e);

/*
 * What the runtime says: "SLICE:PREFIX:ID" of the systemd driver (an empty SLICE is
 * system.slice, as runc has it), or a plain path of the cgroupfs driver.
 * -EINVAL for everything that is neither, leaves the cgroup root, or is not ID's.
 */
MUST_CHECK int cgroup_path_from_runtime(const char *cgroups_path, const char *container_id,
					char buf[CGROUP_PATH_MAX], struct err *e);

/*
 * The pod's cgroup_parent as a second opinion on where the directory is, for a full path
 * only: CRI-O passes the last slice name alone, of which nothing can be built. The name is
 * taken from CGROUPS_PATH, or is containerd's when that is empty. -ENOENT: of no use.
 */
MUST_CHECK int cgroup_path_from_parent(const char *cgroup_parent, const char *cgroups_path,
				       const char *container_id, char buf[CGROUP_PATH_MAX],
				       struct err *e);

/*
 * The text of /proc/PID/cgroup: the path of the first hierarchy in which the process is in
 * the container's cgroup or below it, cut after the container's own directory. -ENOENT: the
 * process is not in this container. A path outside the reader's cgroup namespace ("/../x")
 * is completed as far as slice names allow, and may need a search.
 */
MUST_CHECK int cgroup_path_from_proc(const char *text, const char *container_id,
				     char buf[CGROUP_PATH_MAX], struct err *e);
