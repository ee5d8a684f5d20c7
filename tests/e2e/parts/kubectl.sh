#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the folder of a cached 'kubectl' that is younger than the cluster's own: the kustomize of 1.20 is too old for the
# overlays of deploy/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"
# shellcheck source=tests/e2e/lib/debian.sh
. "$here/../lib/debian.sh"

suite=trixie

take_kubectl() {
  local dir=$1 log=$2
  quietly "$log" suite_unpack "$suite" "$dir/packages.tmp" kubectl
  cp -L "$dir/packages.tmp/usr/bin/kubectl" "$dir/kubectl"
  rm -rf "$dir/packages.tmp"
  quietly "$log" "$dir/kubectl" version --client
}

suite_update "$suite"
version=$(suite_version "$suite" kubectl)
cached_part kubectl "$(cache_key "$version" "${BASH_SOURCE[0]}")" take_kubectl
