# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Problems, retries that help, Events, and publishing problems only.

# event_of POD JQ-CONDITION
event_of() {
  local seen
  seen=$(api GET "/apis/events.k8s.io/v1/namespaces/$NAMESPACE/events" |
    jq -c "[.items[] | select(.regarding.uid == \"${NODE_UID[$1]}\")]")
  echo "$seen"
  jq -e "any(.[]; $2)" <<<"$seen" >/dev/null
}

problems_and_events() {
  # Room for two groups beside the root's.
  DAEMON_RMIDS=3 daemon_start_watching
  pod e-0
  pod e-1
  check 5 "two pods have all there is" shows e-1 '.status.reason == "AllAssigned"'
  pod e-2
  check 5 "a third fails and says why" shows e-2 '.status.groupState == "Failed" and .status.reason == "OutOfRMIDs"'
  check 5 "an Event tells of it" event_of e-2 '.reason == "OutOfRMIDs" and .type == "Warning" and
    .reportingController == "podresctrl.io/podresctrld" and .reportingInstance == "node1"'
  check 5 "kubectl describe pod shows it" grep -F OutOfRMIDs <<<"$(kubectl describe pod -n "$NAMESPACE" e-2)"
  retry e-2 again-1
  check 5 "34: a retry that fails is recorded" shows e-2 '.status.lastRetry.token == "again-1" and .status.lastRetry.result == "Failed"'
  sleep 5.2
  retry e-2 again-2
  check 5 "and once more" shows e-2 '.status.lastRetry.token == "again-2"'
  check 5 "the same Event again is counted, not repeated" event_of e-2 '.reason == "RetryFailed" and .series.count == 2'
  pod_ends e-0
  check 5 "an RMID is free again" is_absent e-0
  sleep 5.2
  retry e-2 again-3
  check 5 "34: now the retry helps" shows e-2 '.status.lastRetry.result == "Succeeded" and .status.reason == "AllAssigned"'
  check 5 "an Event tells of it" event_of e-2 '.reason == "AllAssigned" and .type == "Normal"'
  check 0 "a pod that was never in trouble has no Event" is "$(event_of e-1 true)" "[]"
  pod_ends e-1
  pod_ends e-2
  daemon_stop
}

only_problems() {
  DAEMON_RMIDS=2 daemon_start_watching --publish=problems
  audit_mark
  pod p-0
  pod p-1
  check 5 "--publish=problems: a pod in trouble has an object" shows p-1 '.status.reason == "OutOfRMIDs"'
  check 0 "--publish=problems: one that is well has none" is_absent p-0
  pod_ends p-0
  pod_ends p-1
  check 5 "--publish=problems: it goes with its pod" is_absent p-1
  check 0 "--publish=problems: and all that took three writes and an Event" is \
    "$(audit_count "$IS_WRITE and .objectRef.resource == \"podresctrlstatuses\"")" 3
  daemon_stop
}

only_selected() {
  daemon_start_watching --publish=selected --publish-selector='tier in (web)'
  pod l-0 '.metadata.labels = {tier: "web"}'
  pod l-1 '.metadata.labels = {tier: "batch"}'
  check 5 "--publish=selected: a pod with the label has an object" shows l-0 '.status.reason == "AllAssigned"'
  check 0 "--publish=selected: one without has none" is_absent l-1
  api PATCH "$PODS/l-0" -H "Content-Type: $MERGE" -d '{"metadata":{"labels":{"tier":"none"}}}' -o /dev/null
  check 5 "--publish=selected: the object goes with the label" is_absent l-0
  pod_ends l-0
  pod_ends l-1
  daemon_stop
}

# The daemon reads a selector itself before it asks; the server has rules for values besides.
bad_selector() {
  log_mark
  daemon_start --publish=selected --publish-selector='tier in (-web)'
  check 10 "a selector that the server refuses is told" log_has "cannot watch this node's pods"
  audit_mark
  sleep 10
  check 0 "and tried again with patience" test "$(audit_count true)" -le 6
  daemon_stop
}

step_trouble() {
  problems_and_events
  only_problems
  only_selected
  bad_selector
}
