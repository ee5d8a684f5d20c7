# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# An API server that hangs, dies and comes back, a CRD that goes, a token and rights that are wrong.

server_pid() {
  local pid
  for pid in "${E2E_PIDS[@]}"; do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != kube-apiserver ] || echo "$pid"
  done | tail -n 1
}

server_killed() {
  local started i
  daemon_start_watching
  for i in {0..9}; do pod "o-$i"; done
  check 20 "ten pods are published" shows o-9 '.status.reason == "AllAssigned"'
  kill -KILL "$(server_pid)"
  # Pods come and go on the node meanwhile; the runtime's answers tell how long the daemon took for them.
  started=0
  for i in {0..49}; do
    runtime run-pod "$NAMESPACE" "gone-$i" "uid-gone-$i"
    runtime start "$NAMESPACE/gone-$i" app 1
    [ "$(cut -d' ' -f2 <<<"$RUNTIME_ANSWER")" -le "$started" ] || started=$(cut -d' ' -f2 <<<"$RUNTIME_ANSWER")
    runtime remove-pod "$NAMESPACE/gone-$i"
  done
  check 0 "35: while the server is gone, no NRI answer takes 100 ms" test "$started" -lt 100000
  runtime start "$NAMESPACE/o-0" second 1
  runtime start "$NAMESPACE/o-0" third 1
  audit_mark
  cluster_start_apiserver
  check 60 "21: after kill -9 of the server the daemon goes on" shows o-0 '.status.containersReady == "3/3"'
  sleep 2
  # While it starts, a server may refuse what it accepts a moment later.
  check 0 "35: with one write for the pod that changed" is "$(audit_count "$IS_WRITE and .responseStatus.code < 300")" 1
  check 0 "35: after few that it was not ready for" test "$(audit_count "$IS_WRITE")" -le 4
  # A POST that was refused has no name in the audit log.
  check 0 "35: and none for pods that came and went" is "$(audit_count "$IS_WRITE and (.objectRef.name // \"\" | startswith(\"gone\"))")" 0
  check 60 "17: and watches again" log_has "watching this node's pods"
  retry o-1 after-restart
  check 40 "21: a retry is heard of again" shows o-1 '.status.lastRetry.token == "after-restart"'
}

server_stopped() {
  local pid
  pid=$(server_pid)
  kill -STOP "$pid"
  sleep 8
  runtime start "$NAMESPACE/o-2" second 1
  sleep 2
  kill -CONT "$pid"
  check 60 "22: a server that hung for ten seconds gets what changed meanwhile" shows o-2 '.status.containersReady == "2/2"'
  retry o-3 after-hang
  check 40 "22: and retries are heard of" shows o-3 '.status.lastRetry.token == "after-hang"'
  skip "22: a connection that dies without a word for three minutes: tests/unit/k8s/test_watch_trouble.c shows it in simulated time"
  skip "31: a connection that idles for 90 s: test_request.c (connections_are_kept) and libcurl's own retry; not waited for here"
}

crd_gone() {
  log_mark
  crd_api DELETE "$OUR_CRD" -o /dev/null
  wait_until 30 crd_is_gone || die "the definition does not go"
  newer_forget_kind
  runtime start "$NAMESPACE/o-4" second 1
  check 30 "28: a CRD that is removed is named" log_has CRDMissing
  audit_mark
  sleep 10
  check 0 "28: and polled with patience" test "$(audit_count '.objectRef.resource == "podresctrlstatuses"')" -le 3
  cluster_apply_crd .
  newer_know_kind
  check 90 "28: when it is back, objects are as well" shows o-4 '.status.containersReady == "2/2"'
  for i in {0..9}; do pod_ends "o-$i"; done
  daemon_stop
}

stale_token() {
  local config=$RUN_DIR/token.kubeconfig
  sed "s|token: .*}|tokenFile: $RUN_DIR/token}|" "$RUN_DIR/node.kubeconfig" >"$config"
  echo stale-token-of-yesterday >"$RUN_DIR/token"
  log_mark
  DAEMON_KUBECONFIG=$config daemon_start
  check 20 "29: a stale token is recognised" log_has Unauthorized
  audit_mark
  pod a-0
  printf '%s\n' "$CLUSTER_DAEMON_TOKEN" >"$RUN_DIR/token.new"
  mv "$RUN_DIR/token.new" "$RUN_DIR/token"
  check 90 "29: a fresh one in the file is used without a restart" shows a-0 '.status.reason == "AllAssigned"'
  pod_ends a-0
  daemon_stop
  skip "30: CA bundles that change, client certificates, expiring plugins, proxies, IPv6: tests/unit/k8s/test_tls.c, test_exec.c and test_config.c show it"
}

credential_plugin() {
  local config=$RUN_DIR/exec.kubeconfig plugin=$RUN_DIR/credential-plugin
  sed "s|token: .*}|exec: {apiVersion: client.authentication.k8s.io/v1, command: $plugin}}|" "$RUN_DIR/node.kubeconfig" >"$config"
  # The first credential is one that the server does not know.
  cat >"$plugin" <<EOF
#!/bin/sh
echo run >>"$plugin.runs"
token=stale-token-of-yesterday
[ ! -e "$plugin.fresh" ] || token=$CLUSTER_DAEMON_TOKEN
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'\$token'"}}'
EOF
  chmod 700 "$plugin"
  log_mark
  DAEMON_KUBECONFIG=$config daemon_start
  check 20 "30: the credential of a plugin is used, and found to be stale" log_has Unauthorized
  pod x-0
  touch "$plugin.fresh"
  check 90 "30: the plugin is run again, and the new credential used" shows x-0 '.status.reason == "AllAssigned"'
  check 0 "30: without a storm of processes" test "$(wc -l <"$plugin.runs")" -le 6
  pod_ends x-0
  daemon_stop
}

secrets() {
  check 0 "32: no token in the log, at debug level" is \
    "$(grep -c -F -e "$CLUSTER_DAEMON_TOKEN" -e stale-token "$RUN_DIR/podresctrld.log" || true)" 0
  check 0 "32: the User-Agent is ours in every request" is "$(jq -r --arg user "$CLUSTER_DAEMON_USER" --arg lane "$LANE_AGENT" \
    'select(.user.username == $user and .userAgent != $lane) | .userAgent' "$CLUSTER_DIR/audit.log" | sed 's|/[0-9.]*$||' | sort -u)" podresctrld
  skip "16: a POST whose answer is lost: tests/unit/controller/test_publisher_failures.c shows it, as does the fake server's FAKE_API_DO_RESET"
}

step_outages() {
  server_killed
  server_stopped
  crd_gone
  stale_token
  credential_plugin
  secrets
}
