#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A capped burner beside a sleeper.
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
s=5
for level in xen-4.3 modern fixed; do
    run $level $s unpark-boost/scenario.toml --set xen.behaviour=$level
    near "$level: the cap holds" "$(v $level vm.cpu_seconds vm=capped)" "0.5 * $s" "0.01 * $s"
done
longest() { v "$1" vm.wake_latency vm=sleeper quantile=max; }
holds "4.3: who wakes up waits for one that is BOOSTed too" "$(longest xen-4.3) > 10e-3"
holds "4.3: until the accounting parks that one again, 30 ms" "$(longest xen-4.3) < 31e-3"
for level in modern fixed; do
    holds "$level: for no longer than the rate limit of 1 ms" "$(longest $level) < 1.1e-3"
done

exit $failed
