# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# install: a pod and a static pod run before the DaemonSet is there; then everything of deploy/ is applied.

step_install() {
  make_namespace shop
  pod_make shop before "/bin/workload tree 8 3" "/bin/workload pause"
  make_static_pod
  node_wait_ready
  check 180 "a pod runs before the daemon is installed" pod_runs shop before
  check 180 "a static pod runs before the daemon is installed" pod_runs default static-node1
  check 0 "kubectl takes all of the overlay" kubectl_new apply -k tests/e2e-cluster/overlay
  check 240 "the DaemonSet's pod is there and ready" rollout_is_complete
  check 60 "the pod from before: Exists 2/2, every thread and child is in the group" placed shop before 2
  check 0 "its object names pod and node and is owned by the pod" belongs shop before
  check 0 "kubectl get podresctrlstatus -A shows it" table_has '^shop +before +Exists +2/2 +True +AllAssigned '
  check 60 "the daemon's own pod has a group" daemon_is_placed
  check 0 "kubectl exec in the daemon's pod: podresctrl answers, and knows how many RMIDs there are" node_command_shows "^ +total +$RMIDS +RMIDs of this machine" capacity
  check 0 "the daemon has CAP_DAC_OVERRIDE and nothing else" is "$(daemon_capabilities)" 0000000000000002
  check 0 "the daemon's root file system is read-only" daemon_root_is_read_only
  check 0 "the daemon is confined by seccomp" is "$(daemon_status Seccomp)" 2
}

make_static_pod() {
  pod_text static "/bin/workload tree 2 1" | vm_feed 'cat >/etc/kubelet/static/.new && mv /etc/kubelet/static/.new /etc/kubelet/static/static.json'
}

rollout_is_complete() { kubectl rollout status -n podresctrl-system daemonset/podresctrld --timeout=1s; }

table_has() {
  local table
  table=$(kubectl get podresctrlstatus -A)
  echo "$table"
  grep -qE "$1" <<<"$table"
}

daemon_pod() { kubectl get pods -n podresctrl-system -o jsonpath='{.items[0].metadata.name}'; }

daemon_is_placed() { placed podresctrl-system "$(daemon_pod)" 1; }

# node_command_shows PATTERN WORDS...: as somebody without a shell on the node calls it.
node_command_shows() {
  local said pod
  pod=$(daemon_pod)
  said=$(kubectl exec -n podresctrl-system "$pod" -- podresctrl "${@:2}")
  echo "$said"
  grep -qE "$1" <<<"$said"
}

# daemon_status FIELD: of /proc/PID/status.
daemon_status() { vm_run "awk '\$1 == \"$1:\" {print \$2}' /proc/\$(pidof podresctrld)/status"; }

daemon_capabilities() { daemon_status CapEff; }

daemon_root_is_read_only() { vm_run "awk '\$5 == \"/\" {print \$6}' /proc/\$(pidof podresctrld)/mountinfo | grep -E '^ro,|^ro\$'"; }
