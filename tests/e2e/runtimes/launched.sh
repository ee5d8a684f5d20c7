# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The runtime launches podresctrld itself, from its plugin folder: a link there, a file of options beside, the log in syslog.

LAUNCHED_LOG=/var/log/syslog
LAUNCHED_CONFIG=/etc/nri/conf.d/90-podresctrl.conf

scenario_launched() {
  local identity
  node_daemon_signal TERM
  node_runtime_kill
  vm_run "busybox syslogd -O $LAUNCHED_LOG && mkdir -p /opt/nri/plugins /etc/nri/conf.d &&
    ln -s /usr/local/bin/podresctrld /opt/nri/plugins/90-podresctrl"
  launched_configure 'log-level=debug' '--audit-interval = 0'
  node_runtime_start
  check 30 "the runtime has launched it" launched_said 'registered with the runtime.*runtime=containerd'
  check 0 "its environment has the three variables of NRI and nothing else" \
    is "$(launched_environment)" "NRI_PLUGIN_IDX NRI_PLUGIN_NAME NRI_PLUGIN_SOCKET"
  node_pod launched tree 5 2
  check 0 "launched: every thread and child is in the group" node_holds launched 7 3
  check 0 "the options are those of its configuration" launched_said 'level=debug .*group created'
  identity=$(node_group_identity launched)
  node_runtime_kill
  check 10 "it ends when the runtime has gone" launched_is_gone
  check 0 "the group stays" node_has_kept_group launched "$identity"
  node_runtime_start
  if launched_gets_no_snapshot; then
    check 60 "this runtime gives it no snapshot: it says so, and stays" \
      launched_said 'a plugin that it launched nothing of the pods from before'
  else
    check 30 "the next one takes the group over" launched_said 'group adopted.*pod=launched'
  fi
  # shellcheck disable=SC2034,SC2154 # an associative array of node.sh
  NODE_CONTAINER[launched]=$(runtime_add_container shop launched "$(node_uid launched)" \
    "${NODE_SANDBOX[launched]}" second tree 2 1)
  check 5 "a new container of the pod from before is in its group" node_holds launched 3 2
  check 0 "which has the same directory and RMID" node_has_kept_group launched "$identity"
  check 0 "every thread of the node is in its group" node_is_tidy
  launched_refused
}

# NRI before 0.7, which is containerd before 1.7.26.
launched_gets_no_snapshot() {
  local version
  version=$(vm_run 'cri_client version')
  [[ $version =~ \ v?1\.7\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -lt 26 ]
}

# A configuration that cannot be right: the runtime is told and goes on without the plugin; or it is one that would not
# start then, and has a plugin that does nothing.
launched_refused() {
  node_runtime_kill
  check 10 "it ends again" launched_is_gone
  launched_configure 'audit-interval=soon'
  node_runtime_start
  check 30 "a bad option is said in the log" launched_said 'cannot run.*line 1: --audit-interval'
  if launched_gets_no_snapshot; then
    check 10 "the plugin stays, so that the runtime can start" launched_said 'stays connected and does nothing'
  else
    check 10 "and in the runtime's" vm_run "grep -F 'line 1: --audit-interval' /var/log/containerd.log"
    check 0 "the plugin has ended" launched_is_gone
  fi
  node_pod without
  check 0 "the runtime runs pods, and nothing is done for them" node_has_no_group without
  node_remove_pod without
  node_runtime_kill
  launched_configure ''
  node_runtime_start
  check 30 "with nothing configured it runs too" launched_runs
  node_remove_pod launched
  launched_gets_no_snapshot ||
    check 5 "the group of a pod from before goes when the runtime says so, or with the next snapshot" launched_cleans_up
}

# launched_configure LINE...
launched_configure() { printf '%s\n' "$@" | vm_feed "cat >$LAUNCHED_CONFIG"; }

launched_pid() { vm_run 'pgrep -x 90-podresctrl'; }

launched_runs() { launched_pid; }

launched_is_gone() { ! launched_pid; }

launched_environment() {
  vm_run "tr '\\0' '\\n' </proc/\$(pgrep -x 90-podresctrl)/environ | cut -d= -f1 | sort" | paste -sd' '
}

launched_said() { vm_run "grep -E '$1' $LAUNCHED_LOG"; }

launched_cleans_up() {
  node_is_empty && return
  node_runtime_kill
  node_runtime_start
  wait_until 30 node_is_empty
}
