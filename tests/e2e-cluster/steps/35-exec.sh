# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# exec: what kubectl exec starts is reported by nobody; the audit (every 10 s here) finds it.

step_exec() {
  local before exec_pid
  make_probed_pod # of the next step
  before=$(processes_of shop before)
  start_background "$RUN_DIR/exec.log" "$CLUSTER_PROGRAMS/kubectl" --kubeconfig "$CLUSTER_DIR/admin.kubeconfig" \
    exec -n shop before -c c0 -- /bin/workload tree 2 2
  exec_pid=$BACKGROUND_PID
  check 60 "kubectl exec: 3 more processes, and all are in the group within the audit period" \
    processes_in_group shop before $((before + 3))
  check 0 "the object still says 2/2" placed shop before 2
  end_background "$exec_pid"
}
