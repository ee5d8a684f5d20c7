# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# gone: nothing is left of what "delete" and "job" deleted.

step_gone() {
  check 90 "a deleted pod has no object" has_no_object shop probed
  check 180 "the namespace goes" namespace_is_gone brief
  check 0 "no object of its pods is left" no_objects_in brief
  check 180 "no group of a deleted pod is left: ${#DELETED_GROUPS[@]}" has_no_group "${DELETED_GROUPS[@]}"
}

namespace_is_gone() { ! kubectl get namespace "$1" 2>/dev/null; }

no_objects_in() {
  local seen
  seen=$(api GET /apis/podresctrl.io/v1alpha1/podresctrlstatuses | jq -r --arg namespace "$1" \
    '.items[].metadata | select(.namespace == $namespace) | .name')
  echo "$seen"
  [ -z "$seen" ]
}
