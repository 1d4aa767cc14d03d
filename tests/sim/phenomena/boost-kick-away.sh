#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Preemption by who wakes up, and where the preempted one goes.
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
s=5
run light $s boost-kick-away/boost.toml
run heavy $s boost-kick-away/boost.toml --set profile.sleeper.phase.0.instructions=2.13e7

holds "boosted: at once, every time" "$(v light vm.wake_latency vm=sleeper quantile=max) < 50e-6"
holds "it wakes up every 10 ms" "$(v light vm.wakes vm=sleeper) >= 99 * $s"
near "it has what it wants" "$(v light vm.cpu_seconds vm=sleeper)" "0.12 * $s" "0.01 * $s"
holds "OVER: not before a tick at least" "$(v heavy vm.wake_latency vm=sleeper quantile=p99) > 10e-3"
near "who wants 80 % of a pCPU has half" "$(v heavy vm.cpu_seconds vm=sleeper)" "0.5 * $s" "0.05 * $s"

for level in xen-4.3 modern fixed; do
    run $level $s boost-kick-away/kick-away.toml --set xen.behaviour=$level
    near "$level: the sleeper is not disturbed" "$(v $level vm.cpu_seconds vm=sleeper)" "0.12 * $s" "0.01 * $s"
done
for level in xen-4.3 fixed; do
    holds "$level: kicked away once, never waits again" "$(v $level vcpu.runnable_seconds vm=burner vcpu=0) < 0.001 * $s"
done
near "modern: waits as long as the sleeper runs, beside an idle pCPU" \
    "$(v modern vcpu.runnable_seconds vm=burner vcpu=0)" "$(v modern vcpu.cpu_seconds vm=sleeper vcpu=0)" "0.002 * $s"
holds "modern: the other pCPU idles all the time" "$(v modern pcpu.busy_fraction pcpu=2) < 0.01"

exit $failed
