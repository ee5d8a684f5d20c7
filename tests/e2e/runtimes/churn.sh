# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Pods are created and removed as fast as the runtime can, two at a time; every tenth has a container.

scenario_churn() {
  local lines snapshots started=$SECONDS
  lines=$(node_log_lines)
  snapshots=$(node_synchronizations)
  check 0 "$CHURN_PODS pods come and go, and the runtime fails none of them" \
    vm_run "cri_client churn --count $CHURN_PODS --parallel 2 --image $RUNTIME_IMAGE"
  say "        (in $((SECONDS - started)) s)"
  check 5 "the daemon saw every one of them end" churn_was_seen "$lines"
  check 0 "and kept its connection all the time" is "$(node_synchronizations)" "$snapshots"
  check 0 "every live thread is in its group, and no group is left over" node_is_tidy
  check 0 "kept: still the same directory and RMID" node_has_kept_group kept "$KEPT_IDENTITY"
}

churn_was_seen() {
  local seen
  seen=$(vm_run "tail -n +$(($1 + 1)) $NODE_LOG | grep -F 'msg=\"pod removed\"' | grep -c 'pod=churn-'" || true)
  is "$seen pods" "$CHURN_PODS pods"
}

# What is left is removed the ordinary way. A restarted runtime does not tell that a pod from before ends: then the daemon
# finds out by asking for a new snapshot, half a minute later.
scenario_end() {
  node_remove_pod missed
  check 5 "missed: the group goes with the pod" node_has_no_group missed
  node_remove_pod kept
  check 60 "kept, from before the restart: the group goes, too" node_has_no_group kept
  node_pod last tree 2 1
  check 0 "last: in its group" node_holds last 3 2
  node_remove_pod last
  check 5 "last: the group goes with the pod" node_has_no_group last
}
