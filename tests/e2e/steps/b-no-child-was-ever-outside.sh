# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# b: a pod started afterwards whose first act is to fork and exec 50 children. Each child writes down, as its first act
# after fork and again after exec, the group that the kernel has it in.

step_b() {
  pod_declare web-1
  pod_run web-1
  pod_add web-1 app recorder 50 /record
  check 30 "web-1: all 50 children wrote down their group after fork and after exec" has_records web-1
  check 0 "web-1: none of them was ever outside the pod's group" was_never_outside web-1
  check 20 "web-1: Exists 1/1 AllAssigned" shows web-1 Exists 1/1 AllAssigned
  check 0 "web-1: every thread is in the group" holds_all web-1 app
}

records_of() { vm_run "cat /run/record/${POD_UID[$1]}/groups"; }

has_records() {
  is "$(records_of "$1" | awk '{count[$1]++} END {print count["forked"] + 0, count["exec"] + 0, count["done"] + 0}')" "50 50 1"
}

# Every record, the two of the parent too, names the pod's group and nothing else.
was_never_outside() {
  local records
  records=$(records_of "$1") || return 1
  is "$(grep -cE "^[a-z]+ res:/ mon:$(pod_group "$1") *$" <<<"$records") of $(wc -l <<<"$records") records" \
    "102 of 102 records"
}
