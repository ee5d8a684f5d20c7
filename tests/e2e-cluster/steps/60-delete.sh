# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# delete: a pod, and a namespace with two.

# The kubelet removes sandboxes about once a minute: the groups of all that were deleted are waited for together.
DELETED_GROUPS=()

step_delete() {
  make_namespace brief
  pod_make brief one "/bin/workload pause"
  pod_make brief two "/bin/workload tree 2 1"
  DELETED_GROUPS+=("$(group shop probed)")
  kubectl delete pod -n shop probed --wait=false >/dev/null
  check 90 "a deleted pod has no object" has_no_object shop probed
  check 120 "two pods of a namespace are placed: one" placed brief one 1
  check 120 "two pods of a namespace are placed: two" placed brief two 1
  DELETED_GROUPS+=("$(group brief one)" "$(group brief two)")
  kubectl delete namespace brief --wait=false >/dev/null
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
