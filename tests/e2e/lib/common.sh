# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What every script of the lane shares: messages with elapsed time, root rights, and the cache of built parts.

# shellcheck disable=SC2034 # for the scripts that read this library
E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
E2E_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/podresctrl
# One clock for the run and for the parts it calls, so that all lines count from the same start.
E2E_STARTED=${E2E_STARTED:-$(date +%s)}
export E2E_STARTED

say() { printf '[%4ds] %s\n' "$(($(date +%s) - E2E_STARTED))" "$*" >&2; }

die() {
  say "FAILED: $*"
  exit 1
}

# Root rights only where a step needs them (debootstrap, package installation).
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo -n "$@"
  fi
}

# quietly LOG COMMAND...: run it with its output in LOG; if it fails, show the end of LOG and stop.
# Not 'if ! ...': inside a condition bash switches 'set -e' off, also in the functions that are called.
quietly() {
  local log=$1 status
  shift
  set +e
  (
    set -e
    "$@"
  ) >>"$log" 2>&1
  status=$?
  set -e
  if [ "$status" != 0 ]; then
    tail -n 25 "$log" >&2
    say "command failed: $*"
    exit 1
  fi
}

# cache_key VERSION FILE...: the name of a built part; it changes with the version and with the text of its recipe.
cache_key() {
  local version=$1
  shift
  printf '%s-%s\n' "${version//[^A-Za-z0-9.+-]/_}" "$(cat "$@" | sha256sum | cut -c1-12)"
}

# cached_part NAME KEY BUILD_FUNCTION: print the folder of the part, building it first if it is not there.
# The build works in a folder of its own and is renamed when complete, so a broken build never looks finished;
# the lock lets a second run wait for the first one instead of building the same thing.
cached_part() {
  local name=$1 key=$2 build=$3
  local dir=$E2E_CACHE/$name/$key tmp log lock started status
  mkdir -p "$E2E_CACHE/$name"
  if [ ! -d "$dir" ]; then
    exec {lock}>"$E2E_CACHE/$name/.lock"
    if ! flock -n "$lock"; then
      say "$name: another run is building it, waiting"
      flock "$lock"
    fi
    if [ ! -d "$dir" ]; then
      started=$(date +%s)
      log=$E2E_CACHE/$name/$key.log
      : >"$log"
      tmp=$(mktemp -d "$E2E_CACHE/$name/.building.XXXXXX")
      chmod 755 "$tmp"
      say "$name: building $key (log: $log)"
      set +e
      (
        set -e
        "$build" "$tmp" "$log"
      )
      status=$?
      set -e
      if [ "$status" != 0 ]; then
        as_root rm -rf "$tmp"
        die "part '$name' ($key) could not be built, see $log"
      fi
      mv -T "$tmp" "$dir"
      say "$name: built in $(($(date +%s) - started)) s"
    fi
    exec {lock}>&-
  fi
  touch "$dir"
  drop_old_builds "$name"
  printf '%s\n' "$dir"
}

# Builds that no run used for a month, and what killed builds left behind.
drop_old_builds() {
  local old
  while IFS= read -r old; do
    as_root rm -rf "$old"
  done < <(find "$E2E_CACHE/$1" -mindepth 1 -maxdepth 1 -type d \( -mtime +30 -o -name '.building.*' -mtime +1 \))
}
