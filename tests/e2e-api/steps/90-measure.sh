# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Not a test: the figures that docs/scale.md is fed by. Only on request: E2E_API_STEPS=measure make e2e-api

MEASURE_PODS=110

# Milliseconds of processor time that the API server and etcd have used.
cpu_of() { awk '{print ($14 + $15) * 10}' "/proc/$1/stat"; }
server_cpu() { cpu_of "$(server_pid)"; }
etcd_cpu() { cpu_of "$(pgrep -P $$ -x etcd | head -n 1)"; }

# Bytes that the daemon sent and received on its connections that are open now, TLS included.
daemon_bytes() {
  ss -tinpHO "dport = :$CLUSTER_PORT" | grep -F "pid=$NODE_DAEMON_PID," | awk '{for (i = 1; i <= NF; i++) { if ($i ~ /^bytes_sent:/) sent += substr($i, 12)
      if ($i ~ /^bytes_received:/) received += substr($i, 16) }} END {print sent + 0, received + 0}'
}

measure_from() {
  audit_mark
  read -r M_SENT M_RECEIVED < <(daemon_bytes)
  M_SERVER=$(server_cpu) M_ETCD=$(etcd_cpu) M_DAEMON=$(cpu_of "$NODE_DAEMON_PID")
}

# measure_to TEXT NUMBER: what one of NUMBER things cost.
measure_to() {
  local server etcd daemon sent received requests
  server=$(server_cpu) etcd=$(etcd_cpu) daemon=$(cpu_of "$NODE_DAEMON_PID")
  read -r sent received < <(daemon_bytes)
  requests=$(audit_count true)
  awk -v text="$1" -v n="$2" -v server=$((server - M_SERVER)) -v etcd=$((etcd - M_ETCD)) \
    -v daemon=$((daemon - M_DAEMON)) -v sent=$((sent - M_SENT)) -v received=$((received - M_RECEIVED)) -v requests="$requests" \
    'BEGIN {printf "        %-34s requests %.2f, server CPU %.2f ms, etcd CPU %.2f ms, daemon CPU %.2f ms, bytes sent %d, received %d\n",
      text, requests / n, server / n, etcd / n, daemon / n, sent / n, received / n}' >&2
}

published_are() {
  local seen
  seen=$(api GET "$PRS?resourceVersion=0" | jq '[.items[] | select(.status.containersReady)] | length')
  is "$seen" "$1"
}

measure_mode() {
  local i expected=$1
  shift
  DAEMON_RATE=1000 daemon_start_watching "$@"
  for ((i = 0; i < MEASURE_PODS; i++)); do api_pod "m-$i"; done
  sleep 2
  measure_from
  for ((i = 0; i < MEASURE_PODS; i++)); do node_pod "m-$i"; done
  sleep 4
  measure_to "$* start of a pod" "$MEASURE_PODS"
  check 30 "published" published_are "$expected"
  measure_from
  sleep 30
  measure_to "$* half a minute of idling" 1
  api GET "$PRS?resourceVersion=0" >"$RUN_DIR/objects.json"
  if [ "$expected" != 0 ]; then
    say "        an object has $(jq -c '.items[0]' <"$RUN_DIR/objects.json" | wc -c) bytes of JSON, of which managedFields \
$(jq -c '.items[0].metadata.managedFields' <"$RUN_DIR/objects.json" | wc -c)"
  fi
  daemon_stop
  # From the first request on; the connections are new ones.
  audit_mark
  M_SENT=0 M_RECEIVED=0 M_DAEMON=0 M_SERVER=$(server_cpu) M_ETCD=$(etcd_cpu)
  DAEMON_RATE=1000 daemon_start_watching "$@"
  sleep 4
  measure_to "$* restart, per pod" "$MEASURE_PODS"
  measure_from
  for ((i = 0; i < MEASURE_PODS; i++)); do runtime remove-pod "$NAMESPACE/m-$i"; done
  sleep 4
  measure_to "$* end of a pod" "$MEASURE_PODS"
  for ((i = 0; i < MEASURE_PODS; i++)); do api DELETE "$PODS/m-$i" -o /dev/null; done
  daemon_stop
}

step_measure() {
  measure_mode "$MEASURE_PODS"
  measure_mode 0 --publish=problems
}
