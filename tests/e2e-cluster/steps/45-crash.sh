# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# crash: a container that ends at once and is started again and again.

step_crash() {
  make_crash_pod
  check 180 "the container was started again twice" restarted_at_least shop crash 2
  check 120 "it is in CrashLoopBackOff" pod_shows shop crash \
    '{.status.containerStatuses[0].state.waiting.reason}' CrashLoopBackOff
  check 30 "the pod kept its group, and the other container's threads are in it" other_container_is_placed
  check 0 "the API server had at most three writes for each start" writes_per_start_at_most shop crash 3
}

# Again does no harm.
make_crash_pod() { pod_make shop crash "/bin/busybox false" "/bin/workload pause"; }

restarts() { kubectl get pod -n "$1" "$2" -o jsonpath='{.status.containerStatuses[0].restartCount}'; }

restarted_at_least() {
  local count
  count=$(restarts "$1" "$2")
  echo "$count"
  [ "$count" -ge "$3" ]
}

other_container_is_placed() {
  tasks_of shop crash
  tasks_of shop crash | grep -qE '^threads ([1-9][0-9]*) processes [0-9]+ in-group \1 listed \1$'
}

writes_per_start_at_most() {
  local writes starts
  writes=$(cluster_daemon_writes "$1" "$2")
  starts=$(($(restarts "$1" "$2") + 1))
  echo "$writes writes, $starts starts"
  [ "$writes" -ge 1 ] && [ "$writes" -le $((starts * $3)) ]
}
