# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# d: no RMID is free, because groups of another prefix have them all (ENOSPC); then an RMID is draining because a busy
# group was just deleted (EBUSY).

step_d() {
  out_of_rmids
  rmids_in_limbo
}

out_of_rmids() {
  local token
  token=e2e-$(date +%s)
  check 0 "the kernel has no RMID left (ENOSPC)" kernel_is_out_of_rmids
  pod_declare web-2
  pod_run web-2
  check 20 "web-2: Failed 0/0 OutOfRMIDs" shows web-2 Failed 0/0 OutOfRMIDs
  pod_add web-2 app tree 8 3
  check 20 "web-2: Failed 0/1 OutOfRMIDs" shows web-2 Failed 0/1 OutOfRMIDs
  # The kernel looks at freed RMIDs once a second; this one never ran, so it is free after the first look.
  vm_run "rmdir $PODS_GROUPS/other-1 && sleep 1.5"
  kubectl annotate pod -n "$PODS_NAMESPACE" web-2 "podresctrl.io/retry=$token" --overwrite >/dev/null
  check 20 "web-2: after kubectl annotate pod: Exists 1/1 AllAssigned" shows web-2 Exists 1/1 AllAssigned
  check 10 "web-2: the token is recorded as succeeded" recorded_token web-2 "$token" Succeeded
  check 0 "web-2: every thread and child is in the group" holds web-2 app 11 4
}

# recorded_token POD TOKEN RESULT
recorded_token() { is "$(pod_field "$1" '"\(.status.lastRetry.token) \(.status.lastRetry.result)"')" "$2 $3"; }

# A busy group of another prefix is deleted right before the pod starts: its RMID drains for some seconds.
rmids_in_limbo() {
  check 0 "the kernel has no RMID left again" kernel_is_out_of_rmids
  pod_declare web-3
  vm_run "while :; do :; done </dev/null >/dev/null 2>&1 &
    echo \$! >/run/spinner.pid
    echo \$! >$PODS_GROUPS/other-2/tasks
    sleep 1"
  vm_run "rmdir $PODS_GROUPS/other-2; kill \$(cat /run/spinner.pid)"
  pod_run web-3
  check 10 "web-3: Failed 0/0 RMIDsInLimbo" shows web-3 Failed 0/0 RMIDsInLimbo
  pod_add web-3 app tree 8 3
  check 60 "web-3: heals by itself: Exists 1/1 AllAssigned" shows web-3 Exists 1/1 AllAssigned
  check 0 "web-3: nobody asked for a retry" is "$(pod_field web-3 .status.lastRetry)" null
  check 0 "web-3: every thread and child is in the group" holds web-3 app 11 4
}
