#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rootfs.sh [SUITE]: prints the folder of the cached guest: 'root.img' (Debian with containerd, runc and the libraries our
# programs load) and 'key', the ssh key that opens it. SUITE defaults to $E2E_SUITE, else trixie; forky is a moving one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"
# shellcheck source=tests/e2e/lib/debian.sh
. "$here/../lib/debian.sh"

suite=${1:-${E2E_SUITE:-trixie}}
guest=$here/../guest
packages=containerd,runc,busybox-static,kmod,procps,iproute2,jq,dropbear-bin,strace
# For a kubelet: the plugins that connect pods, and a forwarder to the API server.
packages+=,containernetworking-plugins,socat
# What podresctrld and the test programs load, and the sanitizers' libraries for builds that use them.
packages+=,libcurl4t64,libjson-c5,libev4t64,libprotobuf-c1,libyaml-0-2,libmicrohttpd12t64,libasan8,libubsan1

configure_root() {
  local root=$1 key=$2
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}
  ln -sf /usr/bin/busybox "$root/sbin/init"
  install -m 644 "$guest/inittab" "$root/etc/inittab"
  install -m 755 "$guest/e2e-boot" "$root/sbin/e2e-boot"
  mkdir -p "$root/etc/containerd"
  install -m 644 "$guest/containerd.toml" "$root/etc/containerd/config.toml"
  ln -sfn /run "$root/var/run"
  printf 'node1\n' >"$root/etc/hostname"
  printf '127.0.0.1 localhost node1\n' >"$root/etc/hosts"
  install -d -m 700 "$root/root/.ssh" "$root/etc/dropbear"
  install -m 600 "$key.pub" "$root/root/.ssh/authorized_keys"
  chroot "$root" dropbearkey -t ed25519 -f /etc/dropbear/dropbear_ed25519_host_key
}

make_image() {
  local root=$1 image=$2
  truncate -s 3G "$image"
  mke2fs -q -F -t ext4 -O ^has_journal -E lazy_itable_init=1,nodiscard -d "$root" "$image"
}

build_rootfs() {
  local dir=$1 log=$2 root=$1/root
  say "rootfs: Debian $suite with containerd $version (debootstrap)"
  quietly "$log" suite_bootstrap "$suite" "$root" "$packages"
  ssh-keygen -q -t ed25519 -N '' -C podresctrl-e2e -f "$dir/key"
  quietly "$log" as_root env guest="$guest" bash -ec "$(declare -f configure_root); configure_root '$root' '$dir/key'"
  say "rootfs: disk image"
  quietly "$log" as_root env bash -ec "$(declare -f make_image); make_image '$root' '$dir/root.img'"
  as_root chown "$(id -u):$(id -g)" "$dir/root.img"
  as_root rm -rf "$root"
}

suite_update "$suite"
version=$(suite_version "$suite" containerd)
cached_part rootfs "$(cache_key "$version" "${BASH_SOURCE[0]}" "$guest"/{inittab,e2e-boot,containerd.toml})" build_rootfs
