#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the folder of the cached programs that make an API server a whole small cluster: kube-scheduler for the host,
# 'node.img', a disk for the virtual machine that holds the kubelet, and a static busybox for the containers. Builds them
# where not cached.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"
# shellcheck source=tests/e2e/lib/debian.sh
. "$here/../lib/debian.sh"
# shellcheck source=tests/e2e/lib/kubernetes.sh
. "$here/../lib/kubernetes.sh"

# A disk, because copying a program of 100 MB into an emulated machine takes longer than to boot it.
make_disk() {
  local dir=$1
  mkdir "$dir/disk.tmp"
  mv "$dir/kubelet" "$dir/disk.tmp/"
  mke2fs -q -F -t ext4 -O ^has_journal -d "$dir/disk.tmp" "$dir/node.img" 256M
  rm -rf "$dir/disk.tmp"
}

build_node() {
  local dir=$1 log=$2
  kubernetes_programs "$dir" "$log" "$version" kubelet kube-scheduler
  quietly "$log" "$dir/kubelet" --version
  quietly "$log" make_disk "$dir"
  quietly "$log" suite_unpack "$KUBERNETES_SUITE" "$dir/packages.tmp" busybox-static
  find "$dir/packages.tmp" -name busybox -type f -exec install -m 755 {} "$dir/busybox" \;
  rm -rf "$dir/packages.tmp"
  quietly "$log" "$dir/busybox" true
}

suite_update "$KUBERNETES_SUITE"
version=$(suite_source_version "$KUBERNETES_SUITE" kubernetes)
cached_part kubelet "$(cache_key "$version" "${BASH_SOURCE[0]}" "$here/../lib/kubernetes.sh")" build_node
