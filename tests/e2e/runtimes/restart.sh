# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The runtime is killed and started again with pods running. One pod's container ends in between, when nobody can tell.

scenario_restart() {
  local identity bytes lines snapshots
  node_pod kept tree 5 2
  node_pod lonely
  node_pod orphan tree 2 1
  check 0 "kept: every thread and child is in the group" node_holds kept 7 3
  check 0 "orphan: likewise" node_holds orphan 3 2
  check 0 "lonely, without a container, has a group" node_has_group lonely
  identity=$(node_group_identity kept)
  bytes=$(node_bytes kept)
  lines=$(node_log_lines)
  snapshots=$(node_synchronizations)
  node_runtime_kill
  check 0 "without a runtime the groups stay" node_has_kept_group kept "$identity"
  vm_run "kill -KILL \$(cat /sys/fs/cgroup/kubepods/pod$(node_uid orphan)/${NODE_CONTAINER[orphan]}/cgroup.procs)"
  node_runtime_start
  check 60 "podresctrld comes back by itself, for a new snapshot" node_has_synchronized $((snapshots + 1))
  check 0 "kept: the same directory and RMID ($identity)" node_has_kept_group kept "$identity"
  check 0 "kept: the kernel's counters went on" node_has_counted_on kept "$bytes"
  check 0 "kept: still every thread is in the group" node_holds kept 7 3
  check 0 "kept: not a word about it, so no event" node_said_nothing_of kept "$lines"
  check 0 "lonely: not a word about it" node_said_nothing_of lonely "$lines"
  check 0 "orphan: its pod is still there, and so is its group" node_has_group orphan
  # shellcheck disable=SC2034 # for the scenarios after this one
  KEPT_IDENTITY=$identity
}
