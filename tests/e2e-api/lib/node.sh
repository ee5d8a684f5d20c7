# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A node without containers: the fake runtime, which speaks NRI, and podresctrld with simulated resctrl.
# Needs lib/cluster.sh, lib/process.sh and lib/requests.sh.

NODE_NAME=node1
NODE_DAEMON_PID=
NODE_RUNTIME_PID=
declare -A NODE_UID=()

node_start() {
  mkdir "$RUN_DIR/node"
  mkfifo "$RUN_DIR/runtime.in" "$RUN_DIR/runtime.out"
  cluster_make_kubeconfig "$RUN_DIR/node.kubeconfig" 127.0.0.1 "$CLUSTER_DAEMON_TOKEN"
  setpriv --pdeathsig KILL "$O/tests/fake_runtime" --socket "$RUN_DIR/nri.sock" --state-dir "$RUN_DIR/node" \
    <"$RUN_DIR/runtime.in" >"$RUN_DIR/runtime.out" 2>"$RUN_DIR/runtime.log" &
  NODE_RUNTIME_PID=$!
  exec {NODE_TO_RUNTIME}>"$RUN_DIR/runtime.in" {NODE_FROM_RUNTIME}<"$RUN_DIR/runtime.out"
}

node_stop() {
  daemon_stop
  [ -z "$NODE_RUNTIME_PID" ] || end_background "$NODE_RUNTIME_PID"
  NODE_RUNTIME_PID=
}

runtime_may_fail() {
  printf '%s\n' "$*" >&"$NODE_TO_RUNTIME"
  IFS= read -r -t 90 RUNTIME_ANSWER <&"$NODE_FROM_RUNTIME" || die "the fake runtime does not answer '$*'"
}

# runtime WORDS...: one command to the fake runtime; its answer in RUNTIME_ANSWER.
runtime() {
  runtime_may_fail "$@"
  case $RUNTIME_ANSWER in
    ok*) ;;
    *) die "the fake runtime answers '$*' with '$RUNTIME_ANSWER'" ;;
  esac
}

# daemon_start [OPTION...]: DAEMON_RMIDS RMIDs (default 500), automatic retries off, so that what is seen was asked for.
daemon_start() {
  setpriv --pdeathsig KILL "$O/podresctrld" --node-name="$NODE_NAME" --nri-socket="$RUN_DIR/nri.sock" \
    --kubeconfig="${DAEMON_KUBECONFIG:-$RUN_DIR/node.kubeconfig}" --resctrl="simulated,rmids=${DAEMON_RMIDS:-500},limbo=0" \
    --cgroup-root="$RUN_DIR/node/cgroup" --proc-root="$RUN_DIR/node/proc" --control-socket=off --start-jitter=0 --retry-interval=0 \
    --publish-rate="${DAEMON_RATE:-50}" --log-level=debug "$@" 2>>"$RUN_DIR/podresctrld.log" </dev/null &
  NODE_DAEMON_PID=$!
  runtime wait 60000
}

# daemon_start_watching [OPTION...]: and wait until it watches pods.
daemon_start_watching() {
  log_mark
  daemon_start "$@"
  wait_until 60 log_has "watching this node's pods" || die "the daemon does not watch pods"
}

daemon_stop() {
  [ -z "$NODE_DAEMON_PID" ] || end_background "$NODE_DAEMON_PID"
  NODE_DAEMON_PID=
}

daemon_restart() {
  daemon_stop
  daemon_start "$@"
}

# pod_json NAME [JQ-CHANGE]
pod_json() {
  jq -cn --arg name "$1" --arg node "$NODE_NAME" '{apiVersion: "v1", kind: "Pod", metadata: {name: $name},
    spec: {nodeName: $node, terminationGracePeriodSeconds: 0, containers: [{name: "app", image: "i"}]}}'" | ${2:-.}"
}

# api_pod NAME [JQ-CHANGE]: the pod in the API only; its UID in NODE_UID.
api_pod() {
  NODE_UID[$1]=$(pod_json "$@" | api POST "$PODS" -H "Content-Type: $JSON" -d @- | jq -r .metadata.uid)
}

# node_pod NAME [UID]: the pod in the runtime, with one container.
node_pod() {
  runtime run-pod "$NAMESPACE" "$1" "${2:-${NODE_UID[$1]}}"
  runtime start "$NAMESPACE/$1" app 1
}

# pod NAME [JQ-CHANGE]: both.
pod() {
  api_pod "$@"
  node_pod "$1"
}

pod_ends() {
  runtime remove-pod "$NAMESPACE/$1"
  api DELETE "$PODS/$1" -o /dev/null 2>/dev/null || true
}

# retry NAME TOKEN: what a person does with kubectl annotate.
retry() {
  jq -cn --arg token "$2" '{metadata: {annotations: {"podresctrl.io/retry": $token}}}' |
    api PATCH "$PODS/$1" -H "Content-Type: $MERGE" -d @- -o /dev/null
}

# shows NAME JQ-CONDITION: the published object is like this.
shows() {
  local object
  object=$(api GET "$PRS/$1" 2>&1) || { echo "$object"; return 1; }
  jq -c . <<<"$object"
  jq -e "$2" <<<"$object" >/dev/null
}

is_absent() { ! api GET "$PRS/$1" 2>/dev/null; }

# log_has TEXT: since the last log_mark.
log_mark() {
  touch "$RUN_DIR/podresctrld.log"
  LOG_FROM=$(wc -l <"$RUN_DIR/podresctrld.log")
}
log_has() { tail -n "+$((LOG_FROM + 1))" "$RUN_DIR/podresctrld.log" | grep -F -- "$1"; }

# The audit log from here on: audit_mark, then audit_count JQ-CONDITION counts requests of the daemon.
audit_mark() {
  sleep 0.3
  AUDIT_FROM=$(wc -l <"$CLUSTER_DIR/audit.log")
}
audit_count() {
  sleep 0.3
  tail -n "+$((AUDIT_FROM + 1))" "$CLUSTER_DIR/audit.log" | jq -n --arg user "$CLUSTER_DAEMON_USER" \
    "[inputs | select(.user.username == \$user) | select($1)] | length"
}
# shellcheck disable=SC2034 # for the steps
IS_WRITE='(.verb | IN("create", "update", "patch", "delete", "deletecollection"))'

