/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A node's cgroup and proc file systems as plain directories, DIR/cgroup and DIR/proc, with
 * invented processes: enough for a program that looks up which threads are in a cgroup.
 * Files are replaced by renaming, so that a reader sees the old list or the new one.
 */

#include "err.h"

#include <stdint.h>

#define FAKE_NODE_FIRST_PID 100000u

struct fake_node;

/* Makes both directories; DIR itself must exist. */
MUST_CHECK int fake_node_new(const char *dir, struct fake_node **ret, struct err *e);
void fake_node_free(struct fake_node *n); /* leaves the directories */

/* PATH is a cgroup's, "/kubepods/podX/id"; what leads to it is made too. */
MUST_CHECK int fake_node_add_cgroup(struct fake_node *n, const char *path, struct err *e);

/* A process of NR_THREADS threads in PATH; their ids are *RET_PID and those after it. */
MUST_CHECK int fake_node_add_process(struct fake_node *n, const char *path, unsigned nr_threads,
				     uint32_t *ret_pid, struct err *e);

/* All processes of PATH end; the cgroup stays. */
MUST_CHECK int fake_node_end_processes(struct fake_node *n, const char *path, struct err *e);

/* And then it goes. It must have no cgroup below it. */
MUST_CHECK int fake_node_remove_cgroup(struct fake_node *n, const char *path, struct err *e);
