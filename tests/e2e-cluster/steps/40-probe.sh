# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# probe: an exec probe starts a process every second; none of it is worth a write.

step_probe() {
  local writes
  make_probed_pod
  check 120 "the probe succeeds" pod_runs shop probed
  check 60 "the pod: Exists 1/1" placed shop probed 1
  writes=$(cluster_daemon_writes shop probed)
  sleep 10
  check 0 "10 s of probes cost no write" is "$(cluster_daemon_writes shop probed)" "$writes"
  check 30 "every thread is in the group" placed shop probed 1
}

# Again does no harm.
make_probed_pod() {
  pod_text probed "/bin/workload pause" | jq '.spec.containers[0].readinessProbe =
    {exec: {command: ["/bin/busybox", "true"]}, periodSeconds: 1, timeoutSeconds: 30}' | kubectl apply -n shop -f - >/dev/null
}
