# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# delete: a pod, and a namespace with two, are deleted; what became of them is seen in "gone".

# The kubelet removes sandboxes about once a minute: all that were deleted are waited for together, some steps later.
DELETED_GROUPS=()

step_delete() {
  DELETED_GROUPS+=("$(group shop probed)")
  kubectl delete pod -n shop probed --wait=false >/dev/null
  make_brief_pods
  check 120 "two pods of a namespace are placed: one" placed brief one 1
  check 120 "two pods of a namespace are placed: two" placed brief two 1
  DELETED_GROUPS+=("$(group brief one)" "$(group brief two)")
  kubectl delete namespace brief --wait=false >/dev/null
}

# Again does no harm.
make_brief_pods() {
  kubectl get namespace brief >/dev/null 2>&1 || make_namespace brief
  pod_make brief one "/bin/workload pause"
  pod_make brief two "/bin/workload tree 2 1"
}
