# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the API server says about a pod, and what the kernel says. Needs lib/cluster.sh, lib/vm.sh and lib/checks.sh.

PODS_GROUPS=/sys/fs/resctrl/mon_groups

# ---- pods ----

# pod_text NAME COMMAND...: a pod with one container for each command, c0, c1, ...
pod_text() {
  local name=$1
  shift
  jq -n --arg name "$name" --arg image "$NODE_TOOLS_IMAGE" '{apiVersion: "v1", kind: "Pod", metadata: {$name},
    spec: {terminationGracePeriodSeconds: 2, automountServiceAccountToken: false, enableServiceLinks: false,
      containers: [$ARGS.positional | to_entries[] |
        {name: "c\(.key)", $image, imagePullPolicy: "Never", command: (.value | split(" "))}]}}' --args "$@"
}

# pod_make NAMESPACE NAME COMMAND...
pod_make() { pod_text "${@:2}" | kubectl apply -n "$1" -f - >/dev/null; }

# make_namespace NAME: usable for pods afterwards.
make_namespace() {
  kubectl create namespace "$1" >/dev/null
  wait_until 60 kubectl get serviceaccount -n "$1" default || die "namespace $1 got no service account"
}

# pod_shows NAMESPACE NAME JSONPATH VALUE
pod_shows() { is "$(kubectl get pod -n "$1" "$2" -o jsonpath="$3")" "$4"; }

pod_runs() { kubectl wait -n "$1" "pod/$2" --for=condition=Ready --timeout=1s; }

# ---- objects ----

object() { api GET "/apis/podresctrl.io/v1alpha1/namespaces/$1/podresctrlstatuses/$2"; }

# field NAMESPACE NAME JQ-FILTER
field() { object "$1" "$2" | jq -r "$3"; }

# shows NAMESPACE NAME "STATE CONTAINERS REASON READY"
shows() {
  is "$(field "$1" "$2" '"\(.status.groupState) \(.status.containersReady) \(.status.reason) " +
    (.status.conditions[] | select(.type == "Ready") | .status)')" "$3"
}

# placed NAMESPACE NAME N: the object says so for N containers, and the kernel has each of their threads in the group.
placed() { shows "$1" "$2" "Exists $3/$3 AllAssigned True" && all_in_group "$1" "$2" "$3"; }

# belongs NAMESPACE NAME: named after this pod, owned by it alone, on this node.
belongs() {
  local uid
  uid=$(kubectl get pod -n "$1" "$2" -o jsonpath='{.metadata.uid}')
  is "$(field "$1" "$2" '"\(.spec.podUID) \(.spec.nodeName) " + ([.metadata.ownerReferences[].uid] | join(","))')" \
    "$uid node1 $uid"
}

has_no_object() {
  is "$(api GET "/apis/podresctrl.io/v1alpha1/namespaces/$1/podresctrlstatuses/$2" \
    -o /dev/null -w '%{http_code}' 2>/dev/null)" 404
}

# ---- groups ----

# group NAMESPACE NAME: the directory's name; it must be where the object says.
group() {
  local path
  path=$(field "$1" "$2" .status.groupPath)
  [ "${path%/*}" = "$PODS_GROUPS" ] && printf '%s\n' "${path##*/}"
}

# tasks_of NAMESPACE NAME: one line for each container that the object has, as guest/pod-tasks prints it.
tasks_of() {
  local name ids
  name=$(group "$1" "$2") || return
  ids=$(field "$1" "$2" '.status.containers[].containerID | sub("^.*://"; "")' | paste -sd' ')
  vm_run "for id in $ids; do
      cgroup=\$(find /sys/fs/cgroup/kubepods -type d -name \$id)
      [ -n \"\$cgroup\" ] && pod-tasks '$name' \"\${cgroup#/sys/fs/cgroup}\"
    done"
}

# all_in_group NAMESPACE NAME N: N containers run, and every thread of each is in the group.
all_in_group() {
  local seen
  seen=$(tasks_of "$1" "$2") || return
  echo "$seen"
  is "$(grep -cE '^threads ([1-9][0-9]*) processes [0-9]+ in-group \1 listed \1$' <<<"$seen")" "$3" &&
    is "$(wc -l <<<"$seen")" "$3"
}

# processes_of NAMESPACE NAME: of all its containers.
processes_of() { tasks_of "$1" "$2" | awk '{n += $4} END {print n + 0}'; }

# processes_in_group NAMESPACE NAME N: so many in all, and every thread is in the group.
processes_in_group() {
  tasks_of "$1" "$2"
  is "$(processes_of "$1" "$2")" "$3" && is "$(tasks_of "$1" "$2" | awk '{n += $2 - $6} END {print n + 0}')" 0
}

# has_no_group GROUP...
has_no_group() {
  local groups name
  groups=$(vm_run "ls $PODS_GROUPS") || return 1
  echo "$groups"
  for name in "$@"; do
    ! grep -qxF "$name" <<<"$groups" || return 1
  done
}

# identity GROUP: inode of the directory and RMID; both are new when a group is made anew.
identity() {
  vm_run "stat -c 'inode %i' '$PODS_GROUPS/$1' && echo rmid \$(cat '$PODS_GROUPS/$1/mon_hw_id')" | paste -sd' '
}
