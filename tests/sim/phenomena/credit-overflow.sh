#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 128 burners of weight 512 and 192 of weight 256 on 256 pCPUs.
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
s=1
check=--check-invariants=100 # of 320 vCPUs that takes long
for level in modern fixed; do
    run $level $s credit-overflow/scenario.toml --set xen.behaviour=$level
done
each() { awk -v t="$(v "$1" vm.cpu_seconds "vm=$2")" -v n="$3" -v s=$s 'BEGIN { print t / n / s }'; }
near "fixed: weight 512, a pCPU each" "$(each fixed heavy 128)" 1 0.01
near "fixed: weight 256, the rest" "$(each fixed light 192)" 2/3 0.01
holds "modern: less for twice the weight" "$(each modern heavy 128) + 0.05 < $(each modern light 192)"
near "modern: no time is lost" "128 * $(each modern heavy 128) + 192 * $(each modern light 192)" 256 1

exit $failed
