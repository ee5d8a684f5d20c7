# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# f: the daemon is killed with -9 and started again; while it is dead, one pod ends.

step_f() {
  local -A identity=() version=() writes=()
  local pod
  for pod in web-0 web-2; do
    identity[$pod]=$(group_identity "$pod")
    version[$pod]=$(pod_field "$pod" .metadata.resourceVersion)
    writes[$pod]=$(cluster_daemon_writes "$PODS_NAMESPACE" "$pod")
  done
  daemon_kill
  check 0 "the groups outlive the daemon" is "$(group_identity web-0)" "${identity[web-0]}"
  pod_delete late-0
  daemon_start
  check 30 "late-0, which ended meanwhile: its group is gone" has_no_group late-0
  check 30 "late-0: its object is gone (by the cluster's garbage collector)" has_no_object late-0
  # Time for writes that should not happen: longer than the daemon ever delays one.
  sleep 4
  for pod in web-0 web-2; do
    check 0 "$pod: the same directory and RMID (${identity[$pod]})" same_group "$pod" "${identity[$pod]}"
    check 0 "$pod: unchanged in the API server (resourceVersion)" \
      is "$(pod_field "$pod" .metadata.resourceVersion)" "${version[$pod]}"
    check 0 "$pod: the audit log has no write for it since" \
      is "$(cluster_daemon_writes "$PODS_NAMESPACE" "$pod")" "${writes[$pod]}"
    check 0 "$pod: every thread and child is in the group" holds "$pod" app 11 4
  done
  pod_add web-2 second tree 2 1
  check 20 "the new daemon goes on: web-2 with one more container: Exists 2/2" shows web-2 Exists 2/2 AllAssigned
  check 0 "web-2: the new container is in the same group" holds web-2 second 3 2
  delete_the_rest
}

same_group() { is "$(group_identity "$1")" "$2"; }

delete_the_rest() {
  local pod
  for pod in web-0 web-2; do
    pod_delete "$pod"
  done
  check 20 "no group of ours outlives its pod" is_without_our_groups
  check 20 "no object outlives its pod" is_without_objects
  check 0 "groups of others were left alone" others_remain
  check 0 "in all this time the API server refused the daemon nothing (RBAC)" \
    is "$(cluster_daemon_requests '.responseStatus.code == 401 or .responseStatus.code == 403')" 0
  check 0 "the daemon never listed or watched its own kind" is "$(cluster_daemon_requests \
    '.objectRef.resource == "podresctrlstatuses" and (.verb | IN("list", "watch"))')" 0
  check 0 "its rights end there: no writing to pods, no secrets" may_no_more
}

may_no_more() {
  local right verb resource
  for right in "update pods" "patch pods" "delete pods" "get secrets" "list podresctrlstatuses.podresctrl.io"; do
    read -r verb resource <<<"$right"
    is "$right: $(cluster_may "$verb" "$resource")" "$right: no" || return 1
  done
}

is_without_our_groups() {
  local groups
  groups=$(vm_run "ls $PODS_GROUPS") || return 1
  echo "$groups"
  ! grep -q '^podresctrl-' <<<"$groups"
}

is_without_objects() { is "$(api GET /apis/podresctrl.io/v1alpha1/podresctrlstatuses | jq '.items | length')" 0; }

others_remain() { vm_run "ls -d $PODS_GROUPS/other-3"; }
