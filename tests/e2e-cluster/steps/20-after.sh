# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# after: a pod that is made when the daemon runs, and the static pod, whose UID in the runtime is not that of the API.

step_after() {
  local hash
  pod_make shop after "/bin/workload tree 8 3" "/bin/workload pause"
  # Of later steps: they start, and one crashes a few times, while this one and the next are looked at.
  make_crash_pod
  make_brief_pods
  make_job
  check 120 "the pod runs" pod_runs shop after
  check 60 "the pod: Exists 2/2, every thread and child is in the group" placed shop after 2
  check 0 "its object names pod and node and is owned by the pod" belongs shop after
  check 60 "the static pod: Exists 1/1, every thread and child is in the group" placed default static-node1 1
  check 0 "the static pod's object is owned by its mirror pod" belongs default static-node1
  hash=$(kubectl get pod static-node1 -o jsonpath='{.metadata.annotations.kubernetes\.io/config\.hash}')
  check 0 "the static pod's group is named by the UID that the runtime knows" \
    is "$(group default static-node1)" "podresctrl-$hash"
}
