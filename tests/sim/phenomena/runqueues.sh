#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Eight servers at 30 % on four pCPUs. Were they independent, of two on a core 0.3^2 = 0.09 would wait on average, 0.36 in all; of
# eight on four sum (k - 4) P(k) = 0.07: a fifth.
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
s=8
for q in core socket; do
    run $q $s runqueues/scenario.toml --set xen.credit2_runqueue=$q
done
guests() { awk -v all="$(v "$1" "$2")" -v dom0="$(v "$1" "$2" vm=Domain-0)" 'BEGIN { print all - dom0 }'; }
holds "one queue a core: they wait more than three times as long" \
    "$(guests core vm.runnable_seconds) > 3 * $(guests socket vm.runnable_seconds)"
holds "and do less" "$(guests core vm.cpu_seconds) < $(guests socket vm.cpu_seconds)"
holds "but nobody moves" "$(guests core vm.migrations) == 0"
holds "one queue a socket: at every third switch at least" \
    "$(guests socket vm.migrations) > $(guests socket vm.context_switches) / 3"

exit $failed
