# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What a person needs to find out why a run failed, in one folder. Needs lib/cluster.sh, lib/vm.sh and lib/objects.sh.
# Everything here is best effort: the cluster may be broken, which is why somebody reads this.

# report_step DIR STEP: right after a step with failed checks, before the next one changes the picture.
report_step() {
  local dir=$1/failures/$2
  mkdir -p "$dir"
  report_pods "$dir"
  report_groups >"$dir/groups.txt" 2>&1
  report_daemon 400 >"$dir/daemon.log" 2>&1
  report_objects >"$dir/objects.yaml" 2>&1
}

# report_all DIR: at the end of the run.
report_all() {
  local dir=$1
  mkdir -p "$dir/logs"
  cp "$RUN_DIR"/cluster/*.log "$RUN_DIR"/timeout "$dir/logs/" 2>/dev/null
  if [ -n "$VM_DIR" ]; then
    tail -n 300 "$VM_DIR/console" >"$dir/logs/console.txt" 2>/dev/null
    tail -n 100 "$VM_DIR/qemu.log" >"$dir/logs/qemu.log" 2>/dev/null
  fi
  if [ -n "$VM_PID" ] && kill -0 "$VM_PID" 2>/dev/null; then
    report_pods "$dir"
    report_groups >"$dir/groups.txt" 2>&1
    report_daemon 20000 >"$dir/daemon.log" 2>&1
    report_nri <"$dir/daemon.log" >"$dir/nri-trace.txt"
    vm_run 'tail -n 5000 /var/log/kubelet.log' >"$dir/logs/kubelet.log" 2>&1
    vm_run 'tail -n 5000 /var/log/containerd.log' >"$dir/logs/containerd.log" 2>&1
    vm_run 'ps -eLf; dmesg | tail -n 100' >"$dir/logs/processes-and-kernel.txt" 2>&1
    report_objects >"$dir/cluster.yaml" 2>&1
  fi
  report_summary >"$dir/summary.md"
}

report_pods() {
  { kubectl get pods -A -o wide && kubectl get podresctrlstatuses -A -o wide && kubectl get events -A; } >"$1/pods.txt" 2>&1
  kubectl describe pods -A >"$1/pods-in-detail.txt" 2>&1
}

report_objects() { kubectl get nodes,pods,daemonsets,jobs,podresctrlstatuses,events -A -o yaml; }

# Each group with its RMID and its tasks by name.
report_groups() {
  vm_run "cd $PODS_GROUPS && for group in *; do
      echo \"\$group rmid \$(cat \$group/mon_hw_id 2>/dev/null)\"
      while read -r id; do echo \"  \$id \$(cat /proc/\$id/comm)\"; done <\$group/tasks
    done; mount | grep resctrl; cat /sys/fs/resctrl/info/last_cmd_status"
}

# report_daemon LINES: of every daemon there was, from the node's own files: the API server may not reach them.
report_daemon() {
  vm_run "for file in /var/log/pods/podresctrl-system_*/*/*; do echo \"== \$file\"; tail -n $1 \"\$file\"; done"
}

# What the runtime told the daemon and what it did: its debug log without the API side.
report_nri() { grep -vE 'msg="?(published|request|watch)' ; }

report_summary() {
  cat <<END
# A failed run of make e2e-cluster

$(date -u +%Y-%m-%dT%H:%M:%SZ), $(git rev-parse --short HEAD 2>/dev/null), kernel $KERNEL, kubelet and API server of Debian's kubernetes.
$(checks_summary). ${RUNNING_NOTE:-}

## Failed checks

$(cat "$CHECKS_FAILURES")

## Where to look

| question | file |
| --- | --- |
| how was it right after the step that failed? | \`failures/STEP/\` |
| which pods run, what do their events and objects say? | \`pods.txt\`, \`pods-in-detail.txt\` |
| which task is in which group? | \`groups.txt\` |
| what did the runtime tell the daemon, and what did it do? | \`nri-trace.txt\`; all of it: \`daemon.log\` |
| everything the API server has | \`cluster.yaml\` |
| kubelet, containerd, API server, controllers, console | \`logs/\` |
| who wrote what to the API server | \`logs/audit.log\` |
END
}
