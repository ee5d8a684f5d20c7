# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The daemon is stopped (SIGSTOP) past the request timeout, and continued. Meanwhile a pod starts and others end, also one
# from before the runtime's restart, of which a restarted runtime never reports the end.

scenario_pause() {
  local lines snapshots
  lines=$(node_log_lines)
  snapshots=$(node_synchronizations)
  node_daemon_signal STOP
  node_pod missed tree 6 2
  check 0 "a pod starts although the daemon does not answer" \
    is "$(vm_run "wc -l </sys/fs/cgroup/kubepods/pod$(node_uid missed)/${NODE_CONTAINER[missed]}/cgroup.threads")" 8
  check 0 "it has no group yet" node_has_no_group missed
  node_remove_pod orphan
  node_remove_pod lonely
  node_daemon_signal CONT
  check 60 "continued, the daemon finds itself dropped and comes back" node_has_synchronized $((snapshots + 1))
  check 0 "missed: every thread and child is in a group now" node_holds missed 8 3
  check 0 "orphan: the group is gone" node_has_no_group orphan
  check 0 "lonely: the group is gone" node_has_no_group lonely
  check 0 "kept: the same directory and RMID" node_has_kept_group kept "$KEPT_IDENTITY"
  check 0 "kept: not a word about it, so no event" node_said_nothing_of kept "$lines"
}
