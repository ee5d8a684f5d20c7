# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Assertions and their count.

CHECKS_PASSED=0
CHECKS_FAILED=0
CHECKS_SKIPPED=0
# Failed checks with what they saw, for a report.
CHECKS_FAILURES=/dev/null

# By how much longer a check waits than it says: a machine that has other things to do is slow, which is no failure.
CHECKS_PATIENCE=1

# check SECONDS TEXT COMMAND...: passes if COMMAND succeeds within SECONDS (0: at once). COMMAND prints what it saw; its
# last words are shown when the check fails. A failed check does not end the run.
check() {
  local deadline=$((SECONDS + $1 * CHECKS_PATIENCE)) text=$2 seen line pause=0.2
  shift 2
  while :; do
    if seen=$("$@" 2>&1); then
      CHECKS_PASSED=$((CHECKS_PASSED + 1))
      say "  ok    $text"
      return
    fi
    [ "$SECONDS" -lt "$deadline" ] || break
    sleep "$pause"
    # What takes its time is not made faster by asking, which takes the same CPUs.
    pause=$(longer_pause "$pause")
  done
  CHECKS_FAILED=$((CHECKS_FAILED + 1))
  say "  FAIL  $text"
  printf '%s\n' "- $text" "${seen:-nothing}" | sed '2,$s/^/      /' >>"$CHECKS_FAILURES"
  tail -n 12 <<<"${seen:-nothing}" | while IFS= read -r line; do
    printf '              saw: %s\n' "$line" >&2
  done
}

checks_summary() {
  printf '%d passed, %d failed, %d skipped\n' "$CHECKS_PASSED" "$CHECKS_FAILED" "$CHECKS_SKIPPED"
}

# is VALUE EXPECTED: shows the value.
is() {
  printf '%s (expected %s)\n' "$1" "$2"
  [ "$1" = "$2" ]
}
