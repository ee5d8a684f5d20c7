# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A virtual machine with a stock Debian kernel whose resctrl file system is the real one (see parts/qemu-rdt/rdt.h).
# A library for any script of the project; needs lib/common.sh and lib/process.sh. One machine per script.
#
#   vm_start [KERNEL] [RMIDS]   boot and wait until commands can be run; KERNEL is 6.1, 6.12 (default) or 7.2
#                               (or in two steps: vm_launch with the same words, something else, vm_connect)
#   vm_run 'SHELL TEXT'         run it as root in the machine; its output and its exit status
#   vm_feed 'SHELL TEXT'        the same with our standard input
#   vm_put FILE-OR-DIR PATH     copy in; PATH is the name of the copy
#   vm_get FILE-OR-DIR PATH     copy out; PATH is the name of the copy
#   vm_stop                     switch it off; its disk changes are gone
#
# Environment: VM_MEMORY_MB (2048), VM_RDT_LIMBO_MS (how long an RMID stays warm after its last task ran; 2000),
# VM_DISK (an image that the machine has as /dev/vdb, read-only), VM_FORWARD (a port that is the same port of the machine),
# VM_KERNEL_OPTIONS (more words for the kernel's command line).
# The script must call vm_stop (or end_all_background) when it ends; if it is killed, the machine dies with it.

VM_DIR=
VM_PID=
VM_SSH_PID=
VM_RMIDS=
VM_COMMAND=()

vm_start() {
  vm_launch "$@"
  vm_connect
}

vm_launch() {
  local kernel rootfs qemu disk forward
  kernel=$("$E2E_DIR/parts/kernel.sh" "${1:-6.12}")
  rootfs=$("$E2E_DIR/parts/rootfs.sh")
  qemu=$("$E2E_DIR/parts/qemu.sh")
  VM_DIR=$(mktemp -d "${TMPDIR:-/tmp}/podresctrl-vm.XXXXXX")
  VM_PORT=$(free_port)
  VM_KEY=$rootfs/key
  disk=()
  [ -z "${VM_DISK:-}" ] || disk=(-drive "file=$VM_DISK,if=none,id=more,format=raw,readonly=on"
    -device "virtio-blk-pci,drive=more")
  forward=hostfwd=tcp:127.0.0.1:$VM_PORT-:22
  [ -z "${VM_FORWARD:-}" ] || forward+=,hostfwd=tcp:127.0.0.1:$VM_FORWARD-:$VM_FORWARD
  VM_RMIDS=${2:-512}
  # A periodic tick, because one boot in some thirty hung with a CPU that got no timer interrupt any more.
  VM_COMMAND=("$qemu/qemu" -machine pc -accel "tcg,thread=multi"
    -cpu "max,vendor=GenuineIntel,level=0x1f,+cqm,+rdt-a" -smp 2 -m "${VM_MEMORY_MB:-2048}"
    -nodefaults -display none -vga none -serial "file:$VM_DIR/console" -no-reboot
    -kernel "$kernel/vmlinuz" -initrd "$kernel/initramfs"
    -append "console=ttyS0 quiet panic=-1 no_timer_check nohz=off highres=off ${VM_KERNEL_OPTIONS:-}"
    -drive "file=$rootfs/root.img,if=none,id=disk,format=raw,snapshot=on" -device "virtio-blk-pci,drive=disk" "${disk[@]}"
    -netdev "user,id=net,$forward" -device "virtio-net-pci,netdev=net,romfile=")
  vm_switch_on
}

vm_switch_on() {
  : >"$VM_DIR/console"
  TMPDIR=$VM_DIR RDT_RMIDS=$VM_RMIDS RDT_LIMBO_MS=${VM_RDT_LIMBO_MS:-2000} \
    start_background "$VM_DIR/qemu.log" "${VM_COMMAND[@]}"
  VM_PID=$BACKGROUND_PID
}

vm_ssh() {
  ssh -F /dev/null -i "$VM_KEY" -p "$VM_PORT" -o LogLevel=ERROR -o StrictHostKeyChecking=no -o BatchMode=yes \
    -o UserKnownHostsFile=/dev/null -o ControlPath="$VM_DIR/ssh" -o ConnectTimeout=10 "$@"
}

# One connection is kept open for all commands: in an emulated CPU the handshake is the dear part.
# An emulated machine that hangs while it boots says nothing about what is tested in it: it is started anew, and said.
vm_connect() {
  local attempt why
  for attempt in 1 2 3; do
    if why=$(vm_wait_ready); then
      vm_open_connection_soon
      say "vm: kernel $(vm_run "uname -r") is up, $(vm_run "cat /sys/fs/resctrl/info/L3_MON/num_rmids") RMIDs"
      return
    fi
    tail -n 20 "$VM_DIR/qemu.log" "$VM_DIR/console" >&2
    say "vm: start $attempt of 3 failed: $why"
    end_background "$VM_PID"
    [ "$attempt" = 3 ] || vm_switch_on
  done
  die "the virtual machine did not come up; its last console output is above"
}

# 0 when the machine can be reached; else it prints why it never will be.
vm_wait_ready() {
  local deadline=$((SECONDS + 240))
  until grep -q 'e2e-boot: ready' "$VM_DIR/console"; do
    if ! kill -0 "$VM_PID" 2>/dev/null; then
      echo "it ended while booting"
      return 1
    elif grep -Eq 'rcu: INFO: .* detected stalls|Kernel panic|soft lockup' "$VM_DIR/console"; then
      echo "its kernel hangs"
      return 1
    elif [ "$SECONDS" -ge "$deadline" ]; then
      echo "not up in 240 s"
      return 1
    fi
    sleep 0.2
  done
}

vm_open_connection_soon() {
  local deadline=$((SECONDS + 120))
  until vm_open_connection; do
    [ "$SECONDS" -lt "$deadline" ] || die "the virtual machine is up, but does not answer ssh: $(tail -n 3 "$VM_DIR/ssh.log")"
    sleep 0.2
  done
}

vm_open_connection() {
  start_background "$VM_DIR/ssh.log" ssh -F /dev/null -i "$VM_KEY" -p "$VM_PORT" -o LogLevel=ERROR -o BatchMode=yes \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 \
    -M -N -o ControlPath="$VM_DIR/ssh" root@127.0.0.1
  VM_SSH_PID=$BACKGROUND_PID
  while kill -0 "$VM_SSH_PID" 2>/dev/null; do
    [ ! -S "$VM_DIR/ssh" ] || return 0
    sleep 0.1
  done
  return 1
}

vm_run() { vm_ssh -n root@127.0.0.1 "$1"; }

vm_feed() { vm_ssh root@127.0.0.1 "$1"; }

vm_put() {
  local mode
  if [ -d "$1" ]; then
    tar -C "$1" -c . | vm_feed "mkdir -p '$2' && tar -C '$2' -x"
  else
    mode=$(stat -Lc %a "$1")
    vm_feed "mkdir -p '$(dirname "$2")' && cat >'$2' && chmod $mode '$2'" <"$1"
  fi
}

vm_get() {
  if vm_run "test -d '$1'"; then
    mkdir -p "$2"
    vm_run "tar -C '$1' -c ." | tar -C "$2" -x
  else
    vm_run "cat '$1'" >"$2"
  fi
}

vm_stop() {
  [ -n "$VM_PID" ] || return 0
  end_background "$VM_SSH_PID"
  end_background "$VM_PID"
  VM_PID=
  rm -rf "$VM_DIR"
}
