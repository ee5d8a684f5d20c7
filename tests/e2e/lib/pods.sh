# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Pods of the test: each exists twice, as an object in the API server (there is no kubelet) and as a sandbox with the
# same UID in the runtime. Needs lib/cluster.sh, lib/runtime.sh and lib/checks.sh.

PODS_NAMESPACE=shop
PODS_GROUPS=/sys/fs/resctrl/mon_groups
declare -A POD_UID=() POD_SANDBOX=() POD_CONTAINER=()

# pod_declare POD: the object, bound to the node by name as the scheduler would.
pod_declare() {
  POD_UID[$1]=$(jq -n --arg name "$1" --arg image "$RUNTIME_IMAGE" '{
      apiVersion: "v1", kind: "Pod", metadata: {name: $name},
      spec: {nodeName: "node1", terminationGracePeriodSeconds: 2,
             containers: [{name: "app", image: $image}, {name: "second", image: $image}]}}' |
    api POST "/api/v1/namespaces/$PODS_NAMESPACE/pods" -H 'Content-Type: application/json' -d @- | jq -r .metadata.uid)
}

# pod_run POD: the sandbox.
pod_run() {
  POD_SANDBOX[$1]=$(runtime_run_pod "$PODS_NAMESPACE" "$1" "${POD_UID[$1]}")
}

# pod_add POD CONTAINER WORDS...: one more container that runs the workload with the given words.
pod_add() {
  local pod=$1 container=$2
  shift 2
  POD_CONTAINER[$pod/$container]=$(runtime_add_container "$PODS_NAMESPACE" "$pod" "${POD_UID[$pod]}" \
    "${POD_SANDBOX[$pod]}" "$container" "$@")
}

# pod_delete POD: as it happens in a cluster: marked, then stopped by the node, then gone from the API server.
pod_delete() {
  kubectl delete pod -n "$PODS_NAMESPACE" "$1" --wait=false >/dev/null
  runtime_remove_pod "${POD_SANDBOX[$1]}" "${POD_UID[$1]}"
  kubectl delete pod -n "$PODS_NAMESPACE" "$1" --grace-period=0 --force >/dev/null 2>&1
}

pod_group() { printf 'podresctrl-%s\n' "${POD_UID[$1]}"; }

# ---- what the API server says ----

pod_object() {
  api GET "/apis/podresctrl.io/v1alpha1/namespaces/$PODS_NAMESPACE/podresctrlstatuses/$1"
}

# pod_field POD JQ-PATH
pod_field() { pod_object "$1" | jq -r "$2"; }

# shows POD STATE CONTAINERS [REASON]: the published status is this.
shows() {
  local seen
  seen=$(pod_field "$1" "\"\\(.status.groupState) \\(.status.containersReady)${4:+ \\(.status.reason)}\"") || return 1
  is "$seen" "$2 $3${4:+ $4}"
}

# shows_path POD: the published path is the pod's group directory, and the kernel has that directory.
shows_path() {
  is "$(pod_field "$1" .status.groupPath)" "$PODS_GROUPS/$(pod_group "$1")" &&
    vm_run "test -d '$PODS_GROUPS/$(pod_group "$1")'"
}

# belongs_to_pod POD: the object names this pod and this node, and is owned by the pod.
belongs_to_pod() {
  is "$(pod_field "$1" '"\(.spec.podUID) \(.spec.nodeName) \(.metadata.ownerReferences[0].uid)"')" \
    "${POD_UID[$1]} node1 ${POD_UID[$1]}"
}

# has_no_object POD
has_no_object() {
  local code
  code=$(api GET "/apis/podresctrl.io/v1alpha1/namespaces/$PODS_NAMESPACE/podresctrlstatuses/$1" \
    -o /dev/null -w '%{http_code}' 2>/dev/null)
  is "$code" 404
}

# history POD: all states the API server ever showed of the pod, repetitions left out.
history() {
  jq -rn --arg name "$1" '[inputs | select(.object.metadata.name == $name) |
      if .type == "DELETED" then "Removed" else .object.status // empty | "\(.groupState) \(.containersReady)" end] |
      reduce .[] as $state ([]; if .[-1] == $state then . else . + [$state] end) | join(", ")' \
    <"$WATCH_FILE"
}

# ---- what the kernel says ----

# holds POD CONTAINER THREADS PROCESSES: the container has that many, and each single one is in the pod's group.
holds() {
  local seen
  seen=$(vm_run "pod-tasks '$(pod_group "$1")' '/kubepods/pod${POD_UID[$1]}/${POD_CONTAINER[$1/$2]}'")
  is "$seen" "threads $3 processes $4 in-group $3 listed $3"
}

# holds_all POD CONTAINER: as many as there are.
holds_all() {
  local seen
  seen=$(vm_run "pod-tasks '$(pod_group "$1")' '/kubepods/pod${POD_UID[$1]}/${POD_CONTAINER[$1/$2]}'")
  echo "$seen"
  grep -qE '^threads ([1-9][0-9]*) processes [0-9]+ in-group \1 listed \1$' <<<"$seen"
}

# has_no_group POD
has_no_group() {
  local groups
  groups=$(vm_run "ls $PODS_GROUPS") || return 1
  echo "$groups"
  ! grep -qxF "$(pod_group "$1")" <<<"$groups"
}

# group_identity POD: inode of the directory and the RMID; both are new when a group is made anew.
group_identity() {
  vm_run "stat -c 'inode %i' '$PODS_GROUPS/$(pod_group "$1")' &&
    echo rmid \$(cat '$PODS_GROUPS/$(pod_group "$1")/mon_hw_id')" | paste -sd' '
}
