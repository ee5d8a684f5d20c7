# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# a: a pod with 8 threads and 3 child processes runs before the daemon starts, and next to it a pod that has no
# container yet, so that 0/0 is not just passed through.

step_a() {
  pod_declare web-0
  pod_run web-0
  pod_add web-0 app tree 8 3
  pod_declare late-0
  pod_run late-0
  check 5 "the kernel has the pod's 11 threads in 4 processes outside any group" is_outside web-0 app 11 4
  daemon_start
  check 20 "late-0 without a container: Exists 0/0" shows late-0 Exists 0/0
  check 20 "web-0: Exists 1/1 AllAssigned" shows web-0 Exists 1/1 AllAssigned
  check 0 "web-0: every thread and child is in the group" holds web-0 app 11 4
  check 0 "web-0: the published path is the kernel's directory" shows_path web-0
  check 0 "web-0: the object names pod and node and is owned by the pod" belongs_to_pod web-0
  pod_add late-0 app tree 8 3
  check 20 "late-0 with a container: Exists 1/1 AllAssigned" shows late-0 Exists 1/1 AllAssigned
  check 0 "late-0: every thread and child is in the group" holds late-0 app 11 4
  check 5 "late-0: the API server showed 0/0, then 1/1, and nothing else" \
    had_history late-0 "Exists 0/0, Exists 1/1"
}

# is_outside POD CONTAINER THREADS PROCESSES
is_outside() {
  is "$(vm_run "pod-tasks '$(pod_group "$1")' '/kubepods/pod${POD_UID[$1]}/${POD_CONTAINER[$1/$2]}'")" \
    "threads $3 processes $4 in-group 0 listed 0"
}

# had_history POD STATES
had_history() { is "$(history "$1")" "$2"; }
