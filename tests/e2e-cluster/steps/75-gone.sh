# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# gone: nothing is left of what "delete" and "job" deleted.

step_gone() {
  check 90 "a deleted pod has no object" has_no_object shop probed
  check 180 "the namespace goes" namespace_is_gone brief
  check 0 "no object of its pods is left" no_objects_in brief
  say "        the daemon, over TLS: $(daemon_memory)"
  check 180 "no group of a deleted pod is left: ${#DELETED_GROUPS[@]}" has_no_group "${DELETED_GROUPS[@]}"
}

# For whoever reads the log; what is small on every machine is measured by make bench.
daemon_memory() {
  vm_run "awk '/^(VmRSS|RssAnon|RssFile):/ {printf \"%s %.1f MB  \", \$1, \$2 / 1000}' /proc/\$(pidof podresctrld)/status"
}

namespace_is_gone() { ! kubectl get namespace "$1" 2>/dev/null; }

no_objects_in() {
  local seen
  seen=$(api GET /apis/podresctrl.io/v1alpha1/podresctrlstatuses | jq -r --arg namespace "$1" \
    '.items[].metadata | select(.namespace == $namespace) | .name')
  echo "$seen"
  [ -z "$seen" ]
}
