#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the folder of the cached cluster programs: kube-apiserver, kube-controller-manager (for its garbage collector),
# etcd and kubectl; builds them where not cached.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"
# shellcheck source=tests/e2e/lib/debian.sh
. "$here/../lib/debian.sh"
# shellcheck source=tests/e2e/lib/kubernetes.sh
. "$here/../lib/kubernetes.sh"

build_cluster() {
  local dir=$1 log=$2 packages=$1/packages.tmp
  kubernetes_programs "$dir" "$log" "$version" kube-apiserver kube-controller-manager
  say "apiserver: etcd and kubectl"
  quietly "$log" suite_unpack "$KUBERNETES_SUITE" "$packages" etcd-server kubernetes-client
  cp "$packages/usr/bin/etcd" "$packages/usr/bin/kubectl" "$dir/"
  rm -rf "$packages"
  quietly "$log" "$dir/etcd" --version
  quietly "$log" "$dir/kubectl" version --client
}

suite_update "$KUBERNETES_SUITE"
version=$(suite_source_version "$KUBERNETES_SUITE" kubernetes)
cached_part apiserver "$(cache_key "$version" "${BASH_SOURCE[0]}" "$here/../lib/kubernetes.sh")" build_cluster
