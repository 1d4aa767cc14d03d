#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Four burners, four cores of two threads (pCPUs 8 and 9, 10 and 11, ...).
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
s=4
for sched in credit credit2; do
    for packing in false true; do
        run $sched-$packing $s smt-packing/scenario.toml --set xen.sched=$sched --set xen.sched_smt_power_savings=$packing
    done
    for vm in 1 2 3 4; do
        near "$sched: a busy sibling costs 40 % (vm-$vm)" \
            "$(v $sched-false vm.throughput vm=vm-$vm) / $(v $sched-true vm.throughput vm=vm-$vm)" 1.4 0.005
        near "$sched: vm-$vm always runs" "$(v $sched-true vm.cpu_seconds vm=vm-$vm)" $s "0.001 * $s"
    done
    for core in 8 10 12 14; do
        near "$sched: one of them on core $core" \
            "$(v $sched-false pcpu.busy_fraction pcpu=$core) + $(v $sched-false pcpu.busy_fraction pcpu=$((core + 1)))" 1 0.01
        holds "$sched: two or none on core $core" \
            "$(v $sched-true pcpu.busy_fraction pcpu=$core) == $(v $sched-true pcpu.busy_fraction pcpu=$((core + 1)))"
    done
done

exit $failed
