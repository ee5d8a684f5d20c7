# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# e: pods are deleted.

step_e() {
  local pod
  for pod in web-1 web-3; do
    pod_delete "$pod"
    check 20 "$pod: the group directory is gone" has_no_group "$pod"
    check 20 "$pod: the object is gone" has_no_object "$pod"
    check 5 "$pod: it was the daemon that asked for the deletion" asked_to_delete "$pod"
    check 5 "$pod: Removed is the last thing the API server showed" ends_with_removed "$pod"
  done
  check 0 "web-0, which was not deleted, is still complete" holds web-0 app 11 4
}

# The cluster's garbage collector may have been faster; the daemon does not rely on it while it runs.
asked_to_delete() {
  is "$(cluster_daemon_requests ".verb == \"delete\" and .objectRef.name == \"$1\"")" 1
}

ends_with_removed() {
  local seen
  seen=$(history "$1")
  echo "$seen"
  [[ $seen == *", Removed" ]]
}
