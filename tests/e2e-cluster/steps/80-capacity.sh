# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# capacity: no RMID is left, and a retry by annotation when there is one again.

step_capacity() {
  local token
  token=e2e-$(date +%s)
  check 0 "the kernel has no RMID left (ENOSPC)" kernel_is_out_of_rmids
  pod_make shop late "/bin/workload tree 4 2"
  check 120 "the pod runs all the same" pod_runs shop late
  check 60 "the pod: Failed 0/1 OutOfRMIDs" shows shop late "Failed 0/1 OutOfRMIDs False"
  check 0 "kubectl podresctrl doctor names it" doctor_says "$CLUSTER_PROGRAMS" '^warn +objects +1 pod is not placed: shop/late'
  # The kernel looks at freed RMIDs once a second; this one never ran, so it is free after the first look.
  vm_run "rmdir $PODS_GROUPS/other-1 && sleep 2"
  kubectl annotate pod -n shop late "podresctrl.io/retry=$token" --overwrite >/dev/null
  check 60 "after kubectl annotate pod: Exists 1/1, every thread is in the group" placed shop late 1
  check 30 "the token is recorded as succeeded" is_recorded shop late "$token Succeeded"
  vm_run "rmdir $PODS_GROUPS/other-*"
}

is_recorded() { is "$(field "$1" "$2" '"\(.status.lastRetry.token) \(.status.lastRetry.result)"')" "$3"; }
