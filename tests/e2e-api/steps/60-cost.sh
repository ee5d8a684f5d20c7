# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the daemon costs the server, from its audit log, and how quickly it answers a person.

# Milliseconds from the arrival of a retry request to the end of the daemon's write with its outcome.
latencies() {
  jq -rn --arg user "$CLUSTER_DAEMON_USER" '
    def at: (split(".") | (.[0] + "Z" | fromdate) * 1000 + (("0." + (.[1] | rtrimstr("Z"))) | tonumber) * 1000);
    reduce (inputs | select(.verb == "patch")) as $e ({};
      if $e.objectRef.resource == "pods" then .[$e.objectRef.name].from = ($e.requestReceivedTimestamp | at)
      elif $e.user.username == $user and .[$e.objectRef.name].from and (.[$e.objectRef.name].to | not)
      then .[$e.objectRef.name].to = ($e.stageTimestamp | at) else . end) |
    [.[] | select(.from and .to) | .to - .from] | sort | .[]' <"$1"
}

retry_latency() {
  local i median
  for i in {0..29}; do pod "c-$i"; done
  check 30 "thirty pods are published" shows c-29 '.status.reason == "AllAssigned"'
  sleep 3
  audit_mark
  for i in {0..29}; do
    retry "c-$i" now
    sleep 0.15
  done
  sleep 2
  tail -n "+$((AUDIT_FROM + 1))" "$CLUSTER_DIR/audit.log" >"$RUN_DIR/retries.json"
  latencies "$RUN_DIR/retries.json" >"$RUN_DIR/latencies"
  check 0 "each of thirty retries was answered" is "$(wc -l <"$RUN_DIR/latencies")" 30
  median=$(sed -n 15p "$RUN_DIR/latencies")
  say "        annotation to updated status: median $median ms, worst $(tail -n 1 "$RUN_DIR/latencies") ms"
  check 0 "from annotation to updated status: under 100 ms at the median" test "${median%.*}" -lt 100
}

idle() {
  local seconds=${E2E_API_IDLE:-60}
  audit_mark
  say "        idle for $seconds s (a quarter of an hour in simulated time: tests/unit/controller/test_publisher.c, an_idle_day_writes_nothing)"
  sleep "$seconds"
  check 0 "36: idle: no write" is "$(audit_count "$IS_WRITE")" 0
  check 0 "36: idle: no list" is "$(audit_count '.verb == "list"')" 0
  check 0 "36: idle: no request at all about our objects" is "$(audit_count '.objectRef.resource == "podresctrlstatuses"')" 0
}

burst() {
  local i
  for i in {0..29}; do pod_ends "c-$i"; done
  audit_mark
  for i in {0..109}; do pod "b-$i"; done
  check 60 "37: 110 pods at once are all published" is_published_all
  for i in {0..109}; do pod_ends "b-$i"; done
  check 60 "37: and all gone" is "$(sleep 8; api GET "$PRS" | jq '.items | length')" 0
  check 0 "37: with three writes each" test "$(audit_count "$IS_WRITE")" -le 340
}
is_published_all() {
  local seen
  seen=$(api GET "$PRS" | jq '[.items[] | select(.status.reason == "AllAssigned")] | length')
  is "$seen" 110
}

step_cost() {
  daemon_start_watching
  retry_latency
  idle
  burst
  daemon_stop
}
