# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # for the steps
# Plain requests to the API server, and what is said about their answers. Needs lib/cluster.sh and lib/checks.sh.

NAMESPACE=shop
PRS=/apis/podresctrl.io/v1alpha1/namespaces/$NAMESPACE/podresctrlstatuses
PODS=/api/v1/namespaces/$NAMESPACE/pods
JSON=application/json
MERGE=application/merge-patch+json
JSON_PATCH=application/json-patch+json

# By which a request of the lane is told from one of the daemon, also where it bears the daemon's token.
LANE_AGENT=e2e-api-lane
# What else a request says of itself, in curl's words.
REQUEST_HEADERS=()

# ask METHOD PATH [TYPE] [BODY]: CODE, ANSWER (the body) and HEADERS are set. REQUEST_TOKEN may name somebody else.
ask() {
  local body=() tries
  [ -z "${4:-}" ] || body=(-H "Content-Type: $3" --data-binary @-)
  for tries in {1..20}; do
    CODE=$(printf '%s' "${4:-}" | curl -sS --max-time 30 -A "$LANE_AGENT" --cacert "$CLUSTER_DIR/ca.crt" \
      -H "Authorization: Bearer ${REQUEST_TOKEN:-$CLUSTER_ADMIN_TOKEN}" -X "$1" "${body[@]}" "${REQUEST_HEADERS[@]}" \
      -D "$RUN_DIR/headers" -o "$RUN_DIR/answer" -w '%{http_code}' "$CLUSTER_URL$2")
    ANSWER=$(cat "$RUN_DIR/answer")
    HEADERS=$(cat "$RUN_DIR/headers")
    # A server behind another one that was slow to answer is taken for gone, for some seconds.
    if [ "$CODE" != 503 ] || [ "$CLUSTER_MINOR" = "$CLUSTER_CORE_MINOR" ] || [ "$tries" = 20 ]; then
      return
    fi
    sleep 1
  done
}

# answers CODE [JQ-CONDITION]: about the last request.
answers() {
  printf '%s %.600s\n' "$CODE" "$ANSWER"
  [ "$CODE" = "$1" ] && { [ -z "${2:-}" ] || jq -e "$2" <<<"$ANSWER" >/dev/null; }
}

# expect TEXT CODE JQ-CONDITION METHOD PATH [TYPE] [BODY]
expect() {
  local text=$1 code=$2 condition=$3
  shift 3
  ask "$@"
  check 0 "$text" answers "$code" "$condition"
}

# skip TEXT: not shown by this lane, and why.
skip() {
  CHECKS_SKIPPED=$((CHECKS_SKIPPED + 1))
  say "  skip  $1"
}

answer_field() { jq -r "$1" <<<"$ANSWER"; }

# prs_json NAME [JQ-CHANGE]: an object that the schema takes.
prs_json() {
  jq -cn --arg name "$1" '{apiVersion: "podresctrl.io/v1alpha1", kind: "PodResctrlStatus",
    metadata: {name: $name}, spec: {podUID: ("uid-" + $name), nodeName: "other"}}'" | ${2:-.}"
}

# prs_status [JQ-CHANGE]: a status that the schema takes.
prs_status() {
  jq -cn '{groupState: "Exists", totalContainers: 1, reconciledContainers: 1, containersReady: "1/1",
    reason: "AllAssigned", conditions: [{type: "Ready", status: "True", reason: "AllAssigned", message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z"}]}'" | ${1:-.}"
}

status_merge() { jq -cn --argjson status "$1" '{status: $status}'; }

# as_daemon_of NODE WORDS...: an administrator does this in the place of the daemon on that node, whose token names it ("":
# it names none).
as_daemon_of() {
  local node=$1
  shift
  REQUEST_HEADERS=(-H "Impersonate-User: $CLUSTER_DAEMON_USER" -H "Impersonate-Group: system:serviceaccounts")
  [ -z "$node" ] || REQUEST_HEADERS+=(-H "Impersonate-Extra-authentication.kubernetes.io%2Fnode-name: $node")
  "$@"
  REQUEST_HEADERS=()
}

# A watch for SECONDS: its frames on standard output. watch_frames SECONDS PATH-WITH-QUERY
watch_frames() {
  curl -sSN --max-time "$1" --cacert "$CLUSTER_DIR/ca.crt" -H "Authorization: Bearer $CLUSTER_ADMIN_TOKEN" \
    "$CLUSTER_URL$2" 2>/dev/null
}
