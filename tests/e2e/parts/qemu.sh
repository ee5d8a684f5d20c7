#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the folder of the cached QEMU with the RDT addition; builds it first where it is not cached.
# In the folder: 'qemu' (starts it with its own libraries, so that any host can run it) and 'share' with the ROMs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/lib/common.sh
. "$here/../lib/common.sh"
# shellcheck source=tests/e2e/lib/debian.sh
. "$here/../lib/debian.sh"

# Older suites will not do: the software CPU of bookworm's 7.2 corrupts the memory of kernels from 6.12 on.
suite=trixie
packages=gcc,libc6-dev,make,ninja-build,meson,pkg-config,libglib2.0-dev,libfdt-dev,libslirp-dev,zlib1g-dev,flex,bison
packages+=,python3-venv,python3-pip,python3-setuptools,python3-wheel,python3-distlib,python3-pycotap,bzip2

prepare_source() {
  local tree=$1
  suite_source "$suite" qemu "$tree"
  # The Debian tarball lacks the firmware blobs; nothing here needs them.
  echo 'roms = []' >"$tree/pc-bios/meson.build"
  "$here/qemu-rdt/apply.sh" "$tree"
}

# With nothing of the caller's environment: a CC, CFLAGS or PKG_CONFIG_PATH of this machine means nothing in that root.
compile_in_root() {
  local root=$1
  as_root nice env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$root" /bin/sh -ec '
    cd /qemu
    ./configure --target-list=x86_64-softmmu --without-default-features --enable-tcg --enable-slirp \
      --enable-fdt=system --disable-install-blobs --disable-werror
    ninja -C build qemu-system-x86_64
    strip build/qemu-system-x86_64
    ldd build/qemu-system-x86_64 | grep -o "/[^ ]*" >/qemu.libraries'
}

# The program, every library it loads and the loader itself.
collect() {
  local root=$1 dir=$2 library
  mkdir -p "$dir/lib" "$dir/share"
  cp "$root/qemu/build/qemu-system-x86_64" "$dir/"
  while IFS= read -r library; do
    cp -L "$root$library" "$dir/lib/"
  done <"$root/qemu.libraries"
  cat >"$dir/qemu" <<'EOF'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/lib/ld-linux-x86-64.so.2" --library-path "$here/lib" "$here/qemu-system-x86_64" -L "$here/share" "$@"
EOF
  chmod 755 "$dir/qemu"
}

collect_roms() {
  local dir=$1 unpacked=$1/roms.tmp
  suite_unpack "$suite" "$unpacked" qemu-system-data seabios
  cp -L "$unpacked"/usr/share/seabios/*.bin "$dir/share/"
  cp "$unpacked"/usr/share/qemu/{kvmvapic,linuxboot,linuxboot_dma,multiboot,multiboot_dma,pvh}.bin "$dir/share/"
  rm -rf "$unpacked"
}

build_qemu() {
  local dir=$1 log=$2 root=$1/root
  say "qemu: build tools of Debian $suite (debootstrap)"
  quietly "$log" suite_bootstrap "$suite" "$root" "$packages"
  say "qemu: source package $version"
  quietly "$log" prepare_source "$dir/qemu.tmp"
  as_root mv "$dir/qemu.tmp" "$root/qemu"
  say "qemu: compiling"
  quietly "$log" compile_in_root "$root"
  collect "$root" "$dir"
  quietly "$log" collect_roms "$dir"
  as_root rm -rf "$root"
  quietly "$log" "$dir/qemu" --version
}

suite_update "$suite"
version=$(suite_source_version "$suite" qemu)
cached_part qemu "$(cache_key "$version" "${BASH_SOURCE[0]}" "$here"/qemu-rdt/*)" build_qemu
