#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hosts as large as the core has room for: every vCPU gets its time under each scheduler, memory of the simulator stays
# below 1.5 GiB, what gives out says what it was. Called with HVSIM SOURCE-TREE [--slow].
set -euo pipefail
hvsim=$1 dir=$(mktemp -d) slow=${3-}
far=$2/workloads/scenarios/scalability/far-end.toml
trap 'rm -rf -- "$dir"' EXIT
failed=0

fail()
{
    printf 'FAIL %s\n' "$*"
    failed=1
}

# far WHAT VMS [ARGUMENT...]: so many VMs of eight vCPUs
far()
{
    local what=$1 vms=$2 rc=0 rss vcpus
    shift 2
    "$hvsim" run "$far" --set "vm.0.count=$vms" --quiet --force --console "$dir/console" --out "$dir/run" "$@" \
        >"$dir/out" 2>&1 || rc=$?
    if [ "$rc" -ne 0 ]; then
        fail "$what: exit $rc: $(head -2 "$dir/out")"
        return
    fi
    vcpus=$(grep -c '^vcpu.cpu_seconds,vm' "$dir/run/metrics.csv" || true)
    [ "$vcpus" -eq $((8 * vms)) ] || fail "$what: $vcpus vCPUs"
    rss=$(sed -n 's/.*"peak_rss_bytes": *\([0-9]*\).*/\1/p' "$dir/run/run.json")
    [ "$rss" -lt 1610612736 ] || fail "$what: $rss bytes"
}

# sum NAME: of that metric, over the VMs
sum()
{
    awk -F, -v n="$1" '$1 == n && $2 != "Domain-0" { s += $12 } END { print s + 0 }' "$dir/run/metrics.csv"
}

small=(--set machine.topology.cores_per_socket=16 --set 'boot.cpu_up_interval="10 us"' --set 'start.offset_max="0 s"' --set 'warmup="1 ms"')
for sched in credit credit2 null; do
    # 1,024 vCPUs on 1,024 pCPUs: all of them run all the time, once they have been spread
    far "$sched" 128 "${small[@]}" --set "xen.sched=$sched" --set 'duration="4 ms"'
    awk -v s="$(sum vcpu.cpu_seconds)" 'BEGIN { exit !(s > 0.9 * 1024 * 0.004 && s <= 1025 * 0.004) }' ||
        fail "$sched: $(sum vcpu.cpu_seconds) s of CPU in 4 ms on 1,024 pCPUs"
done
grep -q '64 NUMA nodes are too many for automatic placement (at most 16), skipped' "$dir/console" ||
    fail "placement on 64 nodes is not skipped"

# As many pCPUs as there is room for, and one more.
far "4,096 pCPUs" 1 --set 'duration="1 ms"' --set 'boot.cpu_up_interval="10 us"'
rc=0
"$hvsim" run "$far" --set machine.topology.cores_per_socket=65 --out "$dir/none" >"$dir/out" 2>&1 || rc=$?
if [ "$rc" -ne 2 ] || ! grep -q 4096 "$dir/out"; then
    fail "4,160 pCPUs: exit $rc: $(head -2 "$dir/out")"
fi

# dom0's event channels give out first: the last line says so.
rc=0
"$hvsim" run "$2/workloads/scenarios/scalability/host-1000.toml" --set vm.0.count=300 --set 'dom0.event_channels="32-bit"' \
    --quiet --out "$dir/none" >"$dir/out" 2>&1 || rc=$?
if [ "$rc" -ne 2 ] || ! tail -n 1 "$dir/out" |
    grep -q 'vm-240 cannot be created: .*dom0 has all of its 1023 event channels in use, and the domain needs 4 more'; then
    fail "event channels: exit $rc: $(tail -n 1 "$dir/out")"
fi

if [ "$slow" = --slow ]; then
    far "32,768 vCPUs" 4096 --set xen.sched=null

    # As many guests as there are ids of domains, and one more.
    rc=0
    "$hvsim" run "$far" --set vm.0.count=32768 --set "vm.0.config=\"$2/workloads/scenarios/scalability/vm-tiny.cfg\"" \
        --set 'boot.cpu_up_interval="10 us"' --quiet --out "$dir/none" >"$dir/out" 2>&1 || rc=$?
    if [ "$rc" -ne 2 ] || ! tail -n 1 "$dir/out" |
        grep -q 'vm-32752 cannot be created: .*out of memory.*Xen: No free domain ID: 1 to 32751 are all in use'; then
        fail "ids of domains: exit $rc: $(tail -n 1 "$dir/out")"
    fi
fi
exit "$failed"
