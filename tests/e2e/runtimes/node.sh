# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A node without a cluster: containerd, its pods, and podresctrld that publishes nothing. Needs lib/vm.sh, lib/runtime.sh
# and lib/checks.sh.

NODE_LOG=/var/log/podresctrld.log
NODE_GROUPS=/sys/fs/resctrl/mon_groups
declare -A NODE_SANDBOX=() NODE_CONTAINER=()

node_install() {
  vm_put tests/e2e/guest/pod-tasks /usr/local/bin/pod-tasks
  vm_put tests/e2e/runtimes/guest/check-groups /usr/local/bin/check-groups
  vm_put "$1" /usr/local/bin/podresctrld
}

# ---- podresctrld, started by us ----

# An audit would repair what an event missed: it is off, so that the checks see what the events did.
node_daemon_start() {
  vm_run "setsid podresctrld --publish=none --audit-interval=0 --log-level=debug >>$NODE_LOG 2>&1 </dev/null &
    echo \$! >/run/podresctrld.pid"
  wait_until 60 node_has_synchronized 1 || die "podresctrld has not synchronized: $(vm_run "tail -n 5 $NODE_LOG")"
}

node_daemon_signal() { vm_run "kill -$1 \$(cat /run/podresctrld.pid)"; }

# node_synchronizations: how many snapshots of the runtime were worked off so far.
node_synchronizations() { vm_run "grep -c 'placement after Synchronize is complete' $NODE_LOG" || true; }

# node_has_synchronized N: at least so many.
node_has_synchronized() {
  local seen
  seen=$(node_synchronizations)
  echo "$seen snapshots (expected $1)"
  [ "${seen:-0}" -ge "$1" ]
}

node_log_lines() { vm_run "wc -l <$NODE_LOG"; }

# node_said_nothing_of POD LINES: since the log had LINES lines, nothing was said of this pod, at any level.
node_said_nothing_of() {
  local said
  said=$(vm_run "tail -n +$(($2 + 1)) $NODE_LOG | grep -F 'uid=$(node_uid "$1")'" || true)
  echo "${said:-nothing}"
  [ -z "$said" ]
}

# ---- the runtime ----

node_runtime_kill() {
  # shellcheck disable=SC2016 # expanded in the machine
  vm_run 'pid=$(pgrep -x containerd)
    kill -KILL $pid
    while kill -0 $pid 2>/dev/null; do sleep 0.05; done'
}

node_runtime_start() {
  vm_run 'setsid containerd >>/var/log/containerd.log 2>&1 </dev/null &'
  wait_until 90 vm_run 'cri_client version' || die "containerd does not serve the CRI again"
}

# ---- pods ----

# The UID is the test's own: there is no API server that could give one.
node_uid() { printf '%s-4000-8000-000000000000\n' "$1"; }

node_group() { printf '%s/podresctrl-%s\n' "$NODE_GROUPS" "$(node_uid "$1")"; }

# node_pod POD [WORKLOAD-WORDS...]: a sandbox, and with words a container in it.
node_pod() {
  local pod=$1 uid
  shift
  uid=$(node_uid "$pod")
  NODE_SANDBOX[$pod]=$(runtime_run_pod shop "$pod" "$uid")
  [ $# = 0 ] || NODE_CONTAINER[$pod]=$(runtime_add_container shop "$pod" "$uid" "${NODE_SANDBOX[$pod]}" app "$@")
}

node_remove_pod() { runtime_remove_pod "${NODE_SANDBOX[$1]}" "$(node_uid "$1")"; }

# node_holds POD THREADS PROCESSES: the pod's container has that many, and each single one is in the pod's group.
node_holds() {
  is "$(vm_run "pod-tasks podresctrl-$(node_uid "$1") /kubepods/pod$(node_uid "$1")/${NODE_CONTAINER[$1]}")" \
    "threads $2 processes $3 in-group $2 listed $2"
}

# node_group_identity POD: inode and RMID of its group; both are new when a group is made anew.
node_group_identity() {
  vm_run "stat -c 'inode %i' $(node_group "$1") && echo rmid \$(cat $(node_group "$1")/mon_hw_id)" | paste -sd' '
}

# node_bytes POD: what the kernel has counted for the group so far.
node_bytes() { vm_run "cat $(node_group "$1")/mon_data/mon_L3_00/mbm_total_bytes"; }

node_has_kept_group() { is "$(node_group_identity "$1")" "$2"; }

node_has_counted_on() {
  local now
  now=$(node_bytes "$1")
  echo "$now bytes, before $2"
  [ "$now" -ge "$2" ] && [ "$2" -gt 0 ]
}

node_has_group() { vm_run "test -d $(node_group "$1")"; }

node_has_no_group() { ! node_has_group "$1"; }

# node_is_tidy: every thread of every running container is in its pod's group, and every group has a pod.
node_is_tidy() {
  local seen
  seen=$(vm_run check-groups) || return 1
  echo "$seen"
  [[ $seen == *"outside 0 left-over 0" ]]
}

node_is_empty() {
  local seen
  seen=$(vm_run "ls $NODE_GROUPS" | grep '^podresctrl-' || true)
  echo "${seen:-no group}"
  [ -z "$seen" ]
}
