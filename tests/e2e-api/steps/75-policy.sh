# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What newer servers enforce: the admission policy that holds a daemon to its node, selecting by node, and the daemons' own
# queue. Each is told by the server's version; where it is missing, it is skipped by name.

# An object as the daemon on NODE would make it, of a pod in the API where there is one. node_prs NAME NODE [JQ-CHANGE]
node_prs() {
  prs_json "$1" '.spec.nodeName = "'"$2"'" | .spec.podUID = "'"${NODE_UID[$1]:-uid-$1}"'" | .metadata.ownerReferences =
    [{apiVersion: "v1", kind: "Pod", name: .metadata.name, uid: .spec.podUID}] | '"${3:-.}"
}

# refused_to NODE TEXT METHOD PATH [TYPE] [BODY]: with 403 by the policy, and not by the lack of a right.
refused_to() {
  local node=$1 text=$2
  shift 2
  as_daemon_of "$node" expect "14: $text is refused with 403" 403 \
    '.reason == "Forbidden" and (.message | contains("podresctrlstatus-own-node"))' "$@"
}

may_create() {
  # The garbage collector looks at owners as well.
  api_pod q-0
  as_daemon_of node1 expect "14: the daemon makes an object of its own node" 201 '' POST "$PRS" "$JSON" "$(node_prs q-0 node1)"
  refused_to node2 "an object of another node" POST "$PRS" "$JSON" "$(node_prs q-1 node1)"
  refused_to "" "an object, to a token that names no node," POST "$PRS" "$JSON" "$(node_prs q-1 node1)"
  refused_to node1 "an object without an owner" POST "$PRS" "$JSON" "$(node_prs q-1 node1 'del(.metadata.ownerReferences)')"
  refused_to node1 "one with two owners" POST "$PRS" "$JSON" \
    "$(node_prs q-1 node1 '.metadata.ownerReferences += [.metadata.ownerReferences[0] | .uid = "x"]')"
  refused_to node1 "one named unlike its pod" POST "$PRS" "$JSON" "$(node_prs q-1 node1 '.metadata.ownerReferences[0].name = "x"')"
  refused_to node1 "one whose owner is another pod" POST "$PRS" "$JSON" "$(node_prs q-1 node1 '.metadata.ownerReferences[0].uid = "x"')"
  refused_to node1 "one with a finalizer" POST "$PRS" "$JSON" "$(node_prs q-1 node1 '.metadata.finalizers = ["a.example/b"]')"
}

may_change() {
  local status
  status=$(status_merge "$(prs_status)")
  as_daemon_of node1 expect "14: it writes the status" 200 '' PATCH "$PRS/q-0/status" "$MERGE" "$status"
  refused_to node2 "the status of an object of another node" PATCH "$PRS/q-0/status" "$MERGE" "$status"
  refused_to "" "a status, to a token that names no node," PATCH "$PRS/q-0/status" "$MERGE" "$status"
  ask PATCH "$PRS/q-0" "$MERGE" '{"metadata": {"finalizers": ["a.example/b"]}}'
  as_daemon_of node1 expect "14: it writes the status of an object to which others added a finalizer" 200 \
    '.metadata.finalizers == ["a.example/b"]' PATCH "$PRS/q-0/status" "$MERGE" "$status"
  ask PATCH "$PRS/q-0" "$MERGE" '{"metadata": {"finalizers": null}}'
  refused_to node2 "the deletion of an object of another node" DELETE "$PRS/q-0"
  as_daemon_of node1 expect "14: it deletes its own" 200 '' DELETE "$PRS/q-0"
  api DELETE "$PODS/q-0" -o /dev/null
  expect "14: others are not held to a node" 201 '' POST "$PRS" "$JSON" "$(prs_json q-2)"
  api DELETE "$PRS/q-2" -o /dev/null
}

# The same with real tokens, as kubelet hands them out, and a daemon that has one.
real_tokens() {
  local other loose
  other=$(cluster_bound_token node2)
  loose=$(kubectl create token podresctrld -n podresctrl-system)
  pod q-3
  daemon_start_watching
  check 10 "14: with the token of its own pod the daemon publishes" shows q-3 '.status.reason == "AllAssigned"'
  REQUEST_TOKEN=$other expect "14: the token of the daemon on node2 cannot delete it" 403 '' DELETE "$PRS/q-3"
  REQUEST_TOKEN=$loose expect "14: nor can a token that belongs to no pod" 403 '' DELETE "$PRS/q-3"
  pod_ends q-3
  check 10 "14: and removes what it published" is_absent q-3
  daemon_stop
  cluster_make_kubeconfig "$RUN_DIR/other.kubeconfig" 127.0.0.1 "$other"
  log_mark
  DAEMON_KUBECONFIG=$RUN_DIR/other.kubeconfig daemon_start
  audit_mark
  pod q-4
  check 20 "14: a daemon with the token of another node says that it may not" log_has "podresctrlstatus-own-node"
  sleep 8
  check 0 "14: and does not insist" test "$(audit_count "$IS_WRITE and .objectRef.resource == \"podresctrlstatuses\"")" -le 3
  check 0 "14: the object is not there" is_absent q-4
  pod_ends q-4
  daemon_stop
}

by_node() {
  ask POST "$PRS" "$JSON" "$(prs_json q-5)"
  ask POST "$PRS" "$JSON" "$(prs_json q-6 '.spec.nodeName = "node1"')"
  if [ "$CLUSTER_MINOR" -ge 31 ]; then
    expect "objects can be selected by node" 200 '[.items[].metadata.name] == ["q-6"]' GET "$PRS?fieldSelector=spec.nodeName%3Dnode1"
    # The list of kinds that kubectl goes by can be some seconds old.
    check 60 "kubectl does so" kubectl_selects
  else
    expect "selecting objects by node is refused before 1.31" 400 '' GET "$PRS?fieldSelector=spec.nodeName%3Dnode1"
    skip "objects can be selected by node: selectableFields needs 1.31, this server is older"
  fi
  api DELETE "$PRS/q-5" -o /dev/null
  api DELETE "$PRS/q-6" -o /dev/null
}

kubectl_selects() {
  local seen
  seen=$(kubectl get prs -n "$NAMESPACE" --field-selector spec.nodeName=node1 --no-headers) || return 1
  echo "$seen"
  grep -qE '^q-6 ' <<<"$seen" && ! grep -qE '^q-5 ' <<<"$seen"
}

# header NAME: of the last answer.
header() { tr -d '\r' <<<"$HEADERS" | sed -n "s/^$1: //Ip"; }

own_queue() {
  local flow=/apis/flowcontrol.apiserver.k8s.io/v1 schema level
  if [ "$CLUSTER_MINOR" -lt 29 ]; then
    skip "the daemons have a queue of their own: FlowSchema v1 needs 1.29, this server is older"
    return
  fi
  newer_kubectl apply --validate=false -f deploy/overlays/flow-control/flow-schema.yaml
  schema=$(api GET "$flow/flowschemas/podresctrld" | jq -r .metadata.uid)
  level=$(api GET "$flow/prioritylevelconfigurations/podresctrld" | jq -r .metadata.uid)
  check 20 "requests of the daemon go through its own FlowSchema" goes_through "$CLUSTER_DAEMON_TOKEN" "$schema"
  REQUEST_TOKEN=$CLUSTER_DAEMON_TOKEN ask GET "$PRS/nothing"
  check 0 "and priority level" grep -xF "$level" <<<"$(header x-kubernetes-pf-prioritylevel-uid)"
  check 0 "those of others do not" fails goes_through "$CLUSTER_ADMIN_TOKEN" "$schema"
  check 10 "the server finds nothing wrong with it" flow_is_sound "$flow/flowschemas/podresctrld"
  newer_kubectl delete --ignore-not-found -f deploy/overlays/flow-control/flow-schema.yaml
}
goes_through() {
  REQUEST_TOKEN=$1 ask GET "$PRS/nothing"
  echo "$HEADERS"
  header x-kubernetes-pf-flowschema-uid | grep -qxF "$2"
}
flow_is_sound() { api GET "$1" | jq -e 'any(.status.conditions[]; .type == "Dangling" and .status == "False")'; }

# Where tokens name no node, the policy is not in force but here.
is_in_force() {
  as_daemon_of node2 ask POST "$PRS?dryRun=All" "$JSON" "$(node_prs q-0 node1)"
  answers 403
}

step_policy() {
  if [ "$CLUSTER_MINOR" != "$CLUSTER_CORE_MINOR" ]; then
    newer_aggregate
    wait_until 120 newer_is_taken_in || die "the newer server is not taken in again"
  fi
  by_node
  own_queue
  if [ "$CLUSTER_MINOR" -lt 30 ]; then
    skip "14: a daemon is held to its node: ValidatingAdmissionPolicy needs 1.30, this server is older"
    return
  fi
  [ "$CLUSTER_CORE_MINOR" -ge 30 ] || newer_kubectl apply --validate=false -f deploy/base/validating-admission-policy.yaml
  check 20 "14: the policy is in force" is_in_force
  may_create
  may_change
  if [ "$CLUSTER_CORE_MINOR" -ge 30 ]; then
    real_tokens
  else
    skip "14: real tokens are held to their node: tokens name it from 1.30 on, this kube-apiserver is older"
    newer_kubectl delete --ignore-not-found -f deploy/base/validating-admission-policy.yaml
  fi
}
