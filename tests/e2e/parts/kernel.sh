#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kernel.sh [6.1|6.12|7.2]: prints the folder of Debian's stock kernel of that version (vmlinuz, initramfs, version).
# The initramfs loads the few modules that are not built in and switches to the root file system on /dev/vda.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"
# shellcheck source=tests/e2e/lib/debian.sh
. "$here/../lib/debian.sh"

wanted=${1:-6.12}
meta=linux-image-cloud-amd64
# Some of them are built in, depending on the version.
modules="virtio_pci virtio_blk virtio_net overlay veth"

case $wanted in
  6.1) suite=bookworm ;;
  6.12) suite=trixie ;;
  # A moving suite: its kernel version is whatever it holds today, and the name of the part says which.
  7.2) suite=forky ;;
  *) die "no Debian suite is known for kernel $wanted" ;;
esac

# Newer suites split the image package in two (program and modules); follow the dependencies.
kernel_packages() {
  suite_apt "$suite" apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances "$meta" | grep -oE '^linux-(image|binary|modules)-[0-9]\S*cloud-amd64$' | sort -u
}

# The modules and what they need, in loading order, unpacked because the loader of the initramfs is a small one.
collect_modules() {
  local tree=$1 release=$2 initramfs=$3 module file
  depmod -b "$tree" "$release"
  for module in $modules; do
    # Not among the modules means built in; packages of newer suites lack the list of those.
    [ -z "$(find "$tree" -name "$module.ko*")" ] || modprobe -d "$tree" -S "$release" --show-depends "$module"
  done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while IFS= read -r file; do
    case $file in
      *.xz) xz -dc "$file" >"$initramfs/modules/$(basename "$file" .xz)" ;;
      *) cp "$file" "$initramfs/modules/" ;;
    esac
    basename "$file" .xz >>"$initramfs/modules/order"
  done
  [ -s "$initramfs/modules/order" ]
}

collect_kernel() {
  local dir=$1 work=$1/work release packages
  mapfile -t packages < <(kernel_packages)
  [ "${#packages[@]}" -gt 0 ] || die "Debian $suite has no $meta"
  suite_unpack "$suite" "$work/tree" "${packages[@]}"
  suite_unpack "$suite" "$work/busybox" busybox-static
  # Where /lib is not a link to /usr/lib inside the package, the tools look for modules in /lib.
  [ -d "$work/tree/lib/modules" ] || { mkdir -p "$work/tree/lib" && ln -s ../usr/lib/modules "$work/tree/lib/modules"; }
  release=$(basename "$(echo "$work"/tree/lib/modules/*)")
  find "$work/tree" -name 'vmlinuz*' -type f -exec cp {} "$dir/vmlinuz" \;
  [ -s "$dir/vmlinuz" ] || die "no kernel image in ${packages[*]}"
  mkdir -p "$work/initramfs"/{bin,modules,proc,sys,dev,newroot}
  find "$work/busybox" -name busybox -type f -exec install -m 755 {} "$work/initramfs/bin/busybox" \;
  collect_modules "$work/tree" "$release" "$work/initramfs"
  install -m 755 "$here/../guest/initramfs-init" "$work/initramfs/init"
  (cd "$work/initramfs" && find . | ./bin/busybox cpio -o -H newc) | gzip -1 >"$dir/initramfs"
  printf '%s\n' "$release" >"$dir/version"
  rm -rf "$work"
}

build_kernel() { quietly "$2" collect_kernel "$1"; }

suite_update "$suite"
version=$(suite_version "$suite" "$meta")
case $version in
  "$wanted"[.~+-]*) ;;
  *) say "kernel: wanted $wanted, Debian $suite now has $version" ;;
esac
cached_part kernel "$(cache_key "$version" "${BASH_SOURCE[0]}" "$here/../guest/initramfs-init")" build_kernel
