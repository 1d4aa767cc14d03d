#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A worker (20 ms of work, 20 ms asleep) and three burners.
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
s=10
run 30 $s timeslice/scenario.toml
run 5 $s timeslice/scenario.toml --set xen.sched_credit_tslice_ms=5

mean() { v "$1" vm.timer_latency_mean vm=worker; }
longest() { v "$1" vm.timer_latency_max vm=worker; }
holds "30 ms: half a slice on average and more" "$(mean 30) > 15e-3"
holds "30 ms: more than two slices at worst" "$(longest 30) > 60e-3"
holds "5 ms: no longer than three slices" "$(longest 5) < 15e-3"
holds "5 ms: a tenth at most" "$(mean 5) < 0.1 * $(mean 30)"
switches() { v "$1" vm.context_switches; }
holds "the price: up to six times the switches" "$(switches 5) > 4 * $(switches 30) && $(switches 5) < 7 * $(switches 30)"
for vm in batch-1 batch-2 batch-3; do
    near "30 ms: a quarter" "$(v 30 vm.cpu_seconds vm=$vm)" "$s / 4" "0.03 * $s"
done

exit $failed
