# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# c: a container is added to a running pod.

step_c() {
  local before after
  before=$(pod_field web-0 .status.groupPath)
  pod_add web-0 second tree 4 2
  check 20 "web-0: Exists 2/2 AllAssigned" shows web-0 Exists 2/2 AllAssigned
  after=$(pod_field web-0 .status.groupPath)
  check 0 "web-0: the same path as before" is "$after" "$before"
  check 0 "web-0: the new container is in the group" holds web-0 second 6 3
  check 0 "web-0: the first container is still in the group" holds web-0 app 11 4
}
