# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The daemon and its pods, in good times.

IS_OURS='.metadata.ownerReferences[0].blockOwnerDeletion == null and (.metadata.finalizers == null) and .spec.nodeName == "node1"'

normal_life() {
  audit_mark
  pod n-0
  check 5 "1: a pod is published" shows n-0 '.status.containersReady == "1/1" and .status.reason == "AllAssigned"'
  check 0 "13: owned by its pod, without blockOwnerDeletion and finalizers" shows n-0 \
    "$IS_OURS and .metadata.ownerReferences[0].uid == \"${NODE_UID[n-0]}\" and .spec.podUID == \"${NODE_UID[n-0]}\""
  pod_ends n-0
  check 5 "and its object goes with it" is_absent n-0
  check 0 "a normal pod costs three writes in its life (audit log)" is "$(audit_count "$IS_WRITE")" 3
  check 0 "and no other request" is "$(audit_count '.objectRef.resource == "podresctrlstatuses"')" 3
}

reborn() {
  local old
  pod r-0
  check 5 "15: a pod is published" shows r-0 '.status.reason == "AllAssigned"'
  old=${NODE_UID[r-0]}
  runtime remove-pod "$NAMESPACE/r-0"
  api DELETE "$PODS/r-0" -o /dev/null
  pod r-0
  check 0 "15: the same name, another UID" test "$old" != "${NODE_UID[r-0]}"
  check 15 "15: the object is about the new pod" shows r-0 \
    ".spec.podUID == \"${NODE_UID[r-0]}\" and .status.reason == \"AllAssigned\""
  pod_ends r-0
  check 10 "15: and goes with it" is_absent r-0
}

squatted() {
  api_pod s-0
  prs_json s-0 ".spec.podUID = \"${NODE_UID[s-0]}\"" | api POST "$PRS" -H "Content-Type: $JSON" -d @- -o /dev/null
  node_pod s-0
  sleep 3
  check 0 "15: an object of another node is left alone" shows s-0 '.spec.nodeName == "other" and .status == null'
  api DELETE "$PRS/s-0" -o /dev/null
  check 40 "15: when it is gone, ours takes its place" shows s-0 '.spec.nodeName == "node1" and .status.reason == "AllAssigned"'
  api PATCH "$PRS/s-0" -H "Content-Type: $MERGE" -d '{"metadata":{"labels":{"a":"b"}}}' -o /dev/null
  retry s-0 t1
  check 5 "15: a label that a user puts on it disturbs nothing" shows s-0 \
    '.metadata.labels.a == "b" and .status.lastRetry.token == "t1"'
  api DELETE "$PRS/s-0" -o /dev/null
  sleep 5.2
  retry s-0 t2
  check 30 "15: one that a user deletes is made again with the next change" shows s-0 '.status.lastRetry.token == "t2"'
  pod_ends s-0
}

static_pod() {
  local hash=0123456789abcdef0123456789abcdef first
  local mirror=".metadata.annotations = {\"kubernetes.io/config.mirror\": \"$hash\", \"kubernetes.io/config.hash\": \"$hash\", \"kubernetes.io/config.source\": \"file\"}"
  node_pod etcd-node1 "$hash"
  sleep 1
  check 0 "33: a static pod without a mirror pod is not published" is_absent etcd-node1
  api_pod etcd-node1 "$mirror"
  first=${NODE_UID[etcd-node1]}
  check 5 "33: its object belongs to the mirror pod" shows etcd-node1 \
    ".spec.podUID == \"$first\" and .metadata.ownerReferences[0].uid == \"$first\" and (.status.groupPath | endswith(\"$hash\"))"
  sleep 2
  check 0 "33: which the garbage collector agrees with" shows etcd-node1 ".spec.podUID == \"$first\""
  api DELETE "$PODS/etcd-node1" -o /dev/null
  check 10 "33: it goes with the mirror pod" is_absent etcd-node1
  api_pod etcd-node1 "$mirror"
  check 15 "33: and comes with a new one, for the same group" shows etcd-node1 \
    ".spec.podUID == \"${NODE_UID[etcd-node1]}\" and (.status.groupPath | endswith(\"$hash\"))"
  pod_ends etcd-node1
}

retries() {
  api_pod t-0 '.metadata.annotations = {"podresctrl.io/retry": "from-a-template"}'
  node_pod t-0
  check 5 "34: a token from a template counts as handled" shows t-0 \
    '.status.lastRetry.token == "from-a-template" and .status.lastRetry.reason == "PresentAtCreation"'
  retry t-0 one
  check 3 "34: a new one is answered" shows t-0 '.status.lastRetry.token == "one" and .status.lastRetry.result == "NothingToDo"'
  retry t-0 two
  retry t-0 three
  check 10 "34: of two in quick succession the newest wins" shows t-0 '.status.lastRetry.token == "three"'
  sleep 5.2
  retry t-0 "$(printf 'x%.0s' {1..10000})"
  check 3 "34: ten thousand characters are rejected" shows t-0 '.status.lastRetry.result == "Rejected"
    and (.status.lastRetry.token | startswith("invalid:"))'
  daemon_stop
  retry t-0 while-down
  daemon_start
  check 10 "34: a request made while the daemon was down is honoured" shows t-0 '.status.lastRetry.token == "while-down"'
  audit_mark
  daemon_restart
  sleep 3
  check 0 "34, 37: after a restart nothing is tried or written again" is "$(audit_count "$IS_WRITE")" 0
  pod_ends t-0
}

for_people() {
  local name text
  pod k-0
  check 5 "38: kubectl wait sees it" kubectl wait -n "$NAMESPACE" podresctrlstatus/k-0 --for=condition=Ready --timeout=5s
  text=$(kubectl get prs -n "$NAMESPACE" k-0)
  check 0 "38: kubectl get has the columns of the manual" grep -xE 'NAME +GROUP +CONTAINERS +READY +REASON +AGE' <<<"$text"
  check 0 "38: and its values" grep -xE 'k-0 +Exists +1/1 +True +AllAssigned +[0-9]+s' <<<"$text"
  check 0 "38: in 80 columns" test "$(wc -L <<<"$text")" -le 80
  text=$(kubectl get prs -n "$NAMESPACE" k-0 -o wide)
  check 0 "38: kubectl get -o wide adds node, path and message" grep -E 'NODE +PATH +MESSAGE' <<<"$text"
  if [ "$CLUSTER_MINOR" = "$CLUSTER_CORE_MINOR" ]; then
    text=$(kubectl explain --recursive=false prs.status)
    for name in groupState groupPath containers conditions lastRetry reason message; do
      check 0 "38: kubectl explain prs.status tells $name" grep -E "^ +$name\b" <<<"$text"
    done
  else
    skip "38: kubectl explain: the older server in front does not hand on the schema of a newer one behind it"
  fi
  check 0 "38: no field is without a description" is "$(
    crd_api GET "$OUR_CRD" | jq '[.spec.versions[0].schema.openAPIV3Schema.properties | .spec, .status |
      .. | objects | .properties? // empty | to_entries[] | select(.value.description == null)] | length'
  )" 0
  check 0 "38: kubectl describe shows the conditions" grep -E 'Type: +Ready' <<<"$(kubectl describe prs -n "$NAMESPACE" k-0)"
  pod_ends k-0
}

step_pods() {
  daemon_start_watching
  normal_life
  reborn
  squatted
  static_pod
  retries
  for_people
  daemon_stop
}
