#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A chatty VM (200 us asleep, 20 us of work) and a burner.
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
s=5
run on $s ratelimit/scenario.toml
run off $s ratelimit/scenario.toml --set xen.sched_ratelimit_us=0

holds "off: a preemption at each wake-up, every 220 us and what it costs" "$(v off vm.context_switches vm=chatty) > 4000 * $s"
holds "on: a millisecond for the burner between two" "$(v on vm.context_switches vm=chatty) < 1000 * $s"
holds "off: no waiting" "$(v off vm.wake_latency vm=chatty quantile=p99) < 50e-6"
holds "on: the rest of a millisecond" "$(v on vm.wake_latency vm=chatty quantile=p50) > 0.5e-3"
holds "on: never more" "$(v on vm.wake_latency vm=chatty quantile=max) < 1.05e-3"
holds "on: the burner does more" "$(v on vm.throughput vm=batch) > 1.05 * $(v off vm.throughput vm=batch)"
# All work is instructions of one kind, and the pCPU never idles: what the hypervisor does not use is done.
work() { awk -v a="$(v "$1" vm.throughput vm=batch)" -v b="$(v "$1" vm.throughput vm=chatty)" 'BEGIN { print a + b }'; }
left() { awk -v h="$(v "$1" pcpu.hypervisor_fraction pcpu=1)" 'BEGIN { print 1 - h }'; }
holds "on: more work in all" "$(work on) > 1.02 * $(work off)"
near "as much as the switches cost" "$(work on) / $(work off)" "$(left on) / $(left off)" 0.002

exit $failed
