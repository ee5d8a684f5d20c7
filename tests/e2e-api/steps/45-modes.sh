# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A daemon that may not read pods, and two daemons on one node. Needs steps 40 and 70.

PRS_RETRY=podresctrl.io/retry

ask_on_object() { # NAME TOKEN
  jq -cn --arg token "$2" --arg key "$PRS_RETRY" '{metadata: {annotations: {($key): $token}}}' |
    api PATCH "$PRS/$1" -H "Content-Type: $MERGE" -d @- -o /dev/null
}

# With the rights of deploy/overlays/no-pod-read; tests/integration/test-overlays shows that the overlay leaves out just this.
without_reading_pods() {
  local old
  api GET "$ROLE" | jq 'del(.metadata.resourceVersion, .metadata.managedFields)' >"$RUN_DIR/role.json"
  jq 'del(.rules[] | select(.resources == ["pods"]))' "$RUN_DIR/role.json" | api PUT "$ROLE" -H "Content-Type: $JSON" -d @- -o /dev/null
  check 10 "--pod-watch=off: the daemon may not list pods" may_not list pods
  check 10 "--pod-watch=off: nor watch them" may_not watch pods
  # Room for two groups beside the root's.
  audit_mark
  DAEMON_RMIDS=3 daemon_start --pod-watch=off
  pod u-0
  pod u-1
  check 5 "--pod-watch=off: a pod is published" shows u-0 "$IS_OURS and .spec.podUID == \"${NODE_UID[u-0]}\" and
    .metadata.ownerReferences[0].uid == .spec.podUID and .status.reason == \"AllAssigned\""
  check 0 "--pod-watch=off: nothing is asked of pods" is "$(audit_count '.objectRef.resource == "pods"')" 0
  node_pod kube-proxy-node1 0123456789abcdef0123456789abcdef
  pod u-2
  check 5 "--pod-watch=off: a pod in trouble is published as well" shows u-2 '.status.reason == "OutOfRMIDs"'
  check 0 "--pod-watch=off: a static pod is not" is_absent kube-proxy-node1
  ask_on_object u-2 again-1
  check 40 "--pod-watch=off: a retry that is asked for on the object is answered" shows u-2 '.status.lastRetry.token == "again-1"
    and .status.lastRetry.result == "Failed"'
  pod_ends u-1
  ask_on_object u-2 again-2
  check 40 "--pod-watch=off: and helps when there is room" shows u-2 '.status.lastRetry.token == "again-2" and .status.reason == "AllAssigned"'
  # The name is used again while the runtime still has the sandbox before.
  old=${NODE_UID[u-0]}
  api DELETE "$PODS/u-0" -o /dev/null
  api_pod u-0
  runtime run-pod "$NAMESPACE" u-0 "${NODE_UID[u-0]}"
  check 0 "--pod-watch=off: the same name, another UID" test "$old" != "${NODE_UID[u-0]}"
  check 20 "--pod-watch=off: the object is about the younger pod" shows u-0 ".spec.podUID == \"${NODE_UID[u-0]}\" and .status != null"
  sleep 3
  check 0 "--pod-watch=off: and stays with it" shows u-0 ".spec.podUID == \"${NODE_UID[u-0]}\""
  audit_mark
  sleep 10
  check 0 "--pod-watch=off: then there is calm" is "$(audit_count true)" 0
  runtime remove-pod "$NAMESPACE/kube-proxy-node1"
  for old in 0 2; do pod_ends "u-$old"; done
  check 10 "--pod-watch=off: objects go with their pods" is_absent u-2
  runtime_may_fail remove-pod "$NAMESPACE/u-0"
  daemon_stop
  role_whole
  check 10 "--pod-watch=off: the right is given back" may list pods
}

# Two daemons, each with a runtime of its own that tells the same.
two_daemons() {
  local first
  daemon_start_watching
  pod d-0
  check 5 "37: a pod of one daemon" shows d-0 '.status.reason == "AllAssigned"'
  second_start
  audit_mark
  second_tells run-pod "$NAMESPACE" d-0 "${NODE_UID[d-0]}"
  second_tells start "$NAMESPACE/d-0" app 1
  sleep 4
  check 0 "37: a second daemon reads it" is "$(audit_count '.verb == "get" and .objectRef.resource == "podresctrlstatuses"')" 1
  check 0 "37: and leaves it as it is" shows d-0 '.status.containersReady == "1/1"'
  audit_mark
  pod d-1
  second_tells run-pod "$NAMESPACE" d-1 "${NODE_UID[d-1]}"
  second_tells start "$NAMESPACE/d-1" app 1
  check 10 "37: a new pod of both has one object" shows d-1 '.status.reason == "AllAssigned" and .status.containersReady == "1/1"'
  retry d-1 both
  check 10 "37: a retry is answered" shows d-1 '.status.lastRetry.token == "both" and .status.lastRetry.result == "NothingToDo"'
  sleep 8
  check 0 "37: with few writes more than one daemon makes" test "$(audit_count "$IS_WRITE and .objectRef.resource == \"podresctrlstatuses\"")" -le 6
  audit_mark
  first=$NODE_DAEMON_PID
  NODE_DAEMON_PID=$SECOND_DAEMON_PID
  end_background "$first"
  sleep 5
  check 0 "37: the one that ends and the one that stays write nothing" is "$(audit_count "$IS_WRITE")" 0
  check 0 "37: the object is there" shows d-1 '.status.reason == "AllAssigned"'
  second_tells remove-pod "$NAMESPACE/d-1"
  check 10 "37: the one that stays removes it" is_absent d-1
  daemon_stop
  second_stop
  pod_ends d-0
  pod_ends d-1
}

second_start() {
  mkdir "$RUN_DIR/second"
  mkfifo "$RUN_DIR/second.in" "$RUN_DIR/second.out"
  setpriv --pdeathsig KILL "$O/tests/fake_runtime" --socket "$RUN_DIR/second.sock" --state-dir "$RUN_DIR/second" \
    <"$RUN_DIR/second.in" >"$RUN_DIR/second.out" 2>"$RUN_DIR/second.log" &
  SECOND_RUNTIME_PID=$!
  E2E_PIDS+=("$SECOND_RUNTIME_PID")
  exec {SECOND_IN}>"$RUN_DIR/second.in" {SECOND_OUT}<"$RUN_DIR/second.out"
  setpriv --pdeathsig KILL "$O/podresctrld" --node-name="$NODE_NAME" --nri-socket="$RUN_DIR/second.sock" \
    --kubeconfig="$RUN_DIR/node.kubeconfig" --resctrl=simulated,rmids=500,limbo=0 \
    --cgroup-root="$RUN_DIR/second/cgroup" --proc-root="$RUN_DIR/second/proc" --start-jitter=0 --retry-interval=0 \
    --publish-rate=50 --log-level=debug 2>>"$RUN_DIR/podresctrld-second.log" </dev/null &
  SECOND_DAEMON_PID=$!
  E2E_PIDS+=("$SECOND_DAEMON_PID")
  second_tells wait 60000
  wait_until 60 grep -qF "watching this node's pods" "$RUN_DIR/podresctrld-second.log" || die "the second daemon does not watch pods"
}
second_tells() {
  local answer
  printf '%s\n' "$*" >&"$SECOND_IN"
  IFS= read -r -t 90 answer <&"$SECOND_OUT" || die "the second fake runtime does not answer '$*'"
  [[ $answer == ok* ]] || die "the second fake runtime answers '$*' with '$answer'"
}
second_stop() {
  end_background "$SECOND_RUNTIME_PID"
  exec {SECOND_IN}>&- {SECOND_OUT}<&-
}

step_modes() {
  without_reading_pods
  two_daemons
}
