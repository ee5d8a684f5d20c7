# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# restart: the DaemonSet is rolled out anew; groups, RMIDs and objects stay as they are.

# The kubelet may take a minute until it has swept the old pod, so what "uninstall" tells the daemons goes with this rollout.

step_restart() {
  local name before writes old
  name=$(group shop after)
  before=$(identity "$name")
  writes=$(cluster_daemon_writes shop after)
  old=$(daemon_pod)
  check 0 "kubectl rollout restart" kubectl rollout restart -n podresctrl-system daemonset/podresctrld
  tell_to_clean_up
  check 240 "another pod of the DaemonSet is ready" is_replaced "$old"
  check 60 "the new daemon's own pod has a group, so it is at work" daemon_is_placed
  check 0 "the group and its RMID are the same" is "$(identity "$name")" "$before"
  check 30 "the pod: 3/3, every thread is still in it" placed shop after 3
  check 0 "nothing was written for a pod that did not change" is "$(cluster_daemon_writes shop after)" "$writes"
  check 60 "the pod of the old daemon has no object" has_no_object podresctrl-system "$old"
}

is_replaced() { rollout_is_complete && [ "$(daemon_pod)" != "$1" ]; }
