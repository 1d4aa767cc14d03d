#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every shipped machine boots and runs guests, on the command line, and is measured there. Called with HVSIM SOURCE-TREE.
set -euo pipefail
hvsim=$1 scenario=$2/workloads/scenarios/presets/any.toml
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
failed=0 machines=0

fail()
{
    printf 'FAIL %s\n' "$*"
    failed=1
}

# level ISA PCPUS: where NUMA is the question on ARM, or a GICv2 is too small, arm-numa
level()
{
    if [ "$1" != x86-64 ] && [ "$2" -gt 8 ]; then
        echo arm-numa
    else
        echo xen-4.3
    fi
}

# works WHAT COMMAND...
works()
{
    local what=$1 rc=0
    shift
    "$@" >"$dir/out" 2>"$dir/err" || rc=$?
    [ "$rc" -eq 0 ] || fail "$what: exit $rc: $(head -2 "$dir/err")"
}

while read -r name isa cpus _; do
    machines=$((machines + 1))
    works "$name: run" "$hvsim" run "$scenario" --set "machine=$name" --set "xen.behaviour=$(level "$isa" "$cpus")" \
        --quiet --force --out "$dir/run"
    grep -q '"vm.throughput"' "$dir/run/metrics.json" || fail "$name: nothing was measured"
    works "$name: stream" "$hvsim" measure "$name" stream --json
done < <("$hvsim" list machines | tail -n +2)

[ "$machines" -ge 25 ] || fail "only $machines machines"
exit "$failed"
