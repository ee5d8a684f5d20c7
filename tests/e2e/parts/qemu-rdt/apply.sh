#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# apply.sh QEMU_SOURCE: put rdt.h into QEMU's source tree and call it at the few places that need it.
# Each place is found by the line that is there, and a line that is not there exactly as expected is an error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
i386=$1/target/i386

# edit FILE EXPECTED_MATCHES PATTERN SED_COMMAND
edit() {
  local file=$1 expected=$2 pattern=$3 command=$4 found
  found=$(grep -cE -- "$pattern" "$file" || true)
  if [ "$found" != "$expected" ]; then
    echo "apply.sh: $file has $found lines like '$pattern', expected $expected" >&2
    exit 1
  fi
  sed -i -E -e "$command" "$file"
}

cp "$here/rdt.h" "$i386/rdt.h"

# Name the two feature bits in CPUID leaf 7 EBX (12 and 15), so that -cpu takes +cqm and +rdt-a.
names='^            NULL, "zero-fcs-fds", "mpx", NULL,$'
edit "$i386/cpu.c" 1 "$names" "s/$names/            \"cqm\", \"zero-fcs-fds\", \"mpx\", \"rdt-a\",/"
supported='^#define TCG_7_0_EBX_FEATURES \('
edit "$i386/cpu.c" 1 "$supported" "s/$supported/&(1U << 12) | (1U << 15) | /"

# Answer the two RDT leaves.
leaf='^    case 0xD: \{$'
edit "$i386/cpu.c" 1 "$leaf" "/$leaf/i\\
    case 0xF:\\
    case 0x10:\\
        rdt_cpuid(index, count, eax, ebx, ecx, edx);\\
        break;"
edit "$i386/cpu.c" 1 '^#include "cpu\.h"$' '/^#include "cpu\.h"$/a#include "rdt.h"'

# Take the three monitoring registers before the big switch.
msr=$i386/tcg/system/misc_helper.c
edit "$msr" 1 '^#include "cpu\.h"$' '/^#include "cpu\.h"$/a#include "target/i386/rdt.h"'
edit "$msr" 1 '^void helper_wrmsr' '/^void helper_wrmsr/,/^}/ s/^    switch \(.*R_ECX.*$/    if (rdt_write_msr(env_cpu(env)->cpu_index, env->regs[R_ECX], val)) {\n        return;\n    }\n&/'
edit "$msr" 1 '^void helper_rdmsr' '/^void helper_rdmsr/,/^}/ s/^    switch \(.*R_ECX.*$/    if (rdt_read_msr(env_cpu(env)->cpu_index, env->regs[R_ECX], \&val)) {\n        env->regs[R_EAX] = (uint32_t)val;\n        env->regs[R_EDX] = (uint32_t)(val >> 32);\n        return;\n    }\n&/'
edit "$msr" 2 'rdt_(read|write)_msr\(env_cpu' ''

