#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The host's own packages for this lane: names those that are missing and installs them, once (as root or through sudo).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"

wanted="curl debian-archive-keyring debootstrap dpkg-dev e2fsprogs gcc jq kmod make openssh-client openssl patch procps rsync
  util-linux xz-utils"

missing=()
for package in $wanted; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" = 0 ]; then
  say "packages: all there"
  exit 0
fi
say "packages: installing ${missing[*]}"
as_root apt-get -q update >/dev/null || die "packages: apt-get update failed"
as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}" >/dev/null ||
  die "packages: these cannot be installed: ${missing[*]}"
