# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# uninstall: the commands of docs/install.md; no group and no object is left, and the pods run on.

step_uninstall() {
  local before
  check 0 "there are groups to remove" groups_are_there
  before=$(kubectl get pods -n shop --field-selector=status.phase=Running -o name | sort)
  check 0 "the daemons are told to remove their groups when they end" tell_to_clean_up
  check 240 "they all have heard of it" \
    kubectl rollout status -n podresctrl-system daemonset/podresctrld --timeout=1s
  check 0 "kubectl takes all of it away" kubectl_new delete -k tests/e2e-cluster/overlay --wait=false
  check 180 "the namespace is gone" swept_namespace_is_gone podresctrl-system
  check 30 "no group is left" no_group_of_ours
  check 30 "the kind is gone, and with it every object" kind_is_gone
  check 0 "no cluster-wide right is left" no_rights_left
  check 0 "kubectl podresctrl doctor finds nothing of it" doctor_finds_nothing
  check 0 "the pods run on" is "$(kubectl get pods -n shop --field-selector=status.phase=Running -o name | sort)" "$before"
}

# Again does no harm.
tell_to_clean_up() { kubectl set env -n podresctrl-system daemonset/podresctrld PODRESCTRL_CLEANUP_AT_EXIT=on; }

# The API server lets a pod go when the kubelet has swept its sandbox. That this happens by itself is seen in "gone".
swept_namespace_is_gone() {
  namespace_is_gone "$1" || {
    node_sweep "$1"
    return 1
  }
}

groups_are_there() { vm_run "ls -d $PODS_GROUPS/podresctrl-*"; }

no_group_of_ours() { ! groups_are_there; }

kind_is_gone() { ! kubectl get podresctrlstatuses -A 2>/dev/null; }

doctor_finds_nothing() {
  local said topic
  ! said=$(plugin "$CLUSTER_PROGRAMS" doctor 2>&1) || return 1
  echo "$said"
  for topic in definition daemonset rights; do
    grep -qE "^FAIL +$topic " <<<"$said" || return 1
  done
}

no_rights_left() {
  local seen
  seen=$(kubectl get clusterroles,clusterrolebindings -o name | grep podresctrl)
  echo "$seen"
  [ -z "$seen" ]
}
