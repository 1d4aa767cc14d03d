#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Turns of two burners on one pCPU, credit2. Of a window of s, each is switched to s / (2 x turn) times.
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
s=5
turns()
{
    local label=$1 ms=$2 vm
    for vm in hog-1 hog-2; do
        near "$label: half" "$(v "$label" vm.cpu_seconds vm=$vm)" "0.5 * $s" "0.01 * $s"
        near "$label: turns of $ms ms" "$(v "$label" vm.context_switches vm=$vm)" "$s / (2 * $ms / 1000)" "0.02 * $s / ($ms / 1000)"
    done
}
run xen-4.3 $s two-hogs/scenario.toml --set xen.behaviour=xen-4.3
run modern $s two-hogs/scenario.toml
run fixed $s two-hogs/scenario.toml --set xen.behaviour=fixed
run unlimited $s two-hogs/scenario.toml --set xen.behaviour=fixed --set pool.0.ratelimit_us=0
turns xen-4.3 2     # the longest slice of 4.3
turns modern 10     # the longest slice since
turns fixed 1       # the rate limit
turns unlimited 0.5 # the shortest slice

exit $failed
