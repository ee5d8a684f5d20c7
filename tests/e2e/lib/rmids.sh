# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A machine without a free RMID. Needs lib/vm.sh; PODS_GROUPS is the folder of the groups.

# use_up_rmids: groups of another prefix until the kernel has no RMID left; prints the kernel's last answer.
use_up_rmids() {
  vm_run "i=0
    while :; do
      i=\$((i + 1))
      [ -d $PODS_GROUPS/other-\$i ] && continue
      error=\$(mkdir $PODS_GROUPS/other-\$i 2>&1) && continue
      case \$error in
        *busy*) sleep 0.3 && i=\$((i - 1)) ;;
        *) echo \"\$error\" && break ;;
      esac
    done"
}

kernel_is_out_of_rmids() {
  local answer
  answer=$(use_up_rmids)
  echo "$answer"
  [[ $answer == *"No space left on device"* ]]
}
