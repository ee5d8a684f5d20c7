# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Background programs of a run: each is recorded by pid, dies with the script that started it, and is ended by pid only.
# Needs lib/common.sh.

E2E_PIDS=()
# Their pids once more, one per line, for a watchdog outside.
E2E_PID_FILE=/dev/null

# start_background LOG COMMAND...: the pid is in BACKGROUND_PID afterwards. Call it from the main shell: the kernel ends
# the program when the shell that started it ends, however that happens.
start_background() {
  local log=$1
  shift
  setpriv --pdeathsig KILL "$@" >>"$log" 2>&1 </dev/null &
  BACKGROUND_PID=$!
  E2E_PIDS+=("$BACKGROUND_PID")
  echo "$BACKGROUND_PID" >>"$E2E_PID_FILE"
}

# end_background PID: ask, then insist. That one was killed is not worth the shell's notice of it.
end_background() {
  local pid=$1 tries=0
  kill -TERM "$pid" || true
  while kill -0 "$pid"; do
    tries=$((tries + 1))
    [ "$tries" -le 50 ] || kill -KILL "$pid" || true
    sleep 0.1
  done
  wait "$pid" || true
} 2>/dev/null

# Last started, first ended.
end_all_background() {
  local i
  for ((i = ${#E2E_PIDS[@]} - 1; i >= 0; i--)); do
    end_background "${E2E_PIDS[i]}"
  done
  E2E_PIDS=()
}

# A TCP port of the loopback address that nothing listens on.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s\n' "$port"
      return
    fi
  done
}

# longer_pause SECONDS: the next pause between two looks; the first is 0.2, none is longer than 1.
longer_pause() {
  case $1 in
  0.2) echo 0.4 ;;
  0.4) echo 0.7 ;;
  *) echo 1 ;;
  esac
}

# wait_until SECONDS COMMAND...: poll until it succeeds; 1 when the time is up.
wait_until() {
  local deadline=$((SECONDS + $1)) pause=0.2
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep "$pause"
    pause=$(longer_pause "$pause")
  done
}
