#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hvsim report locality: pages by node and size, as the run's own metrics have them, in every form. HVSIM SOURCE-TREE.
set -euo pipefail
hvsim=$1 scenario=$2/workloads/scenarios/xen-4.3-density/auto.toml
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
failed=0

fail()
{
    printf 'FAIL %s\n' "$*"
    failed=1
}

"$hvsim" run "$scenario" --quiet --set vm.0.workload=sysbench-memory --set 'duration="500 ms"' --out "$dir/run"
"$hvsim" report locality "$dir/run" --out "$dir/report" >"$dir/text"
# Two guests of 960 MiB, one a node, all of it local; dom0 on both, in 2 MiB pages.
grep -Eq '^vm-1 +██ +960 +100\.0 % +0\.0 % +0\.0 % +100\.0 % +100\.0 %$' "$dir/text" || fail "vm-1: $(grep vm-1 "$dir/text")"
grep -Eq '^vm-2 +██ +960 ' "$dir/text" || fail "vm-2"
grep -Eq '^Domain-0 +▓▓ +▓▓ +1024 +0\.0 % +100\.0 % +0\.0 % +50\.0 % ' "$dir/text" || fail "Domain-0: $(grep Domain-0 "$dir/text")"
awk -F, 'NR > 1 { sum += $3 + $4 + $5 } END { exit sum != 2 * 245760 + 262144 }' "$dir/report/locality.csv" ||
    fail "the table has other pages"
xmllint --noout "$dir/report/locality.svg" || fail "the SVG is none"
[ "$(head -c 4 "$dir/report/locality.png" | tail -c 3)" = PNG ] || fail "the PNG is none"
"$hvsim" report locality "$dir/run" --json >"$dir/json"
grep -q '"vm": "vm-1", "expected_local": 1, "experienced_local": 1, ' "$dir/json" || fail "JSON"
"$hvsim" report locality "$dir/run" --json --quiet --no-plots --out "$dir/other" >/dev/null
if [ ! -e "$dir/other/locality.csv" ] || [ -e "$dir/other/locality.svg" ]; then
    fail "--no-plots"
fi

# mistakes
refused()
{
    local said=$1 rc=0
    shift
    "$hvsim" report "$@" >"$dir/out" 2>&1 || rc=$?
    if [ "$rc" -ne 2 ] || ! grep -qF -- "$said" "$dir/out"; then
        fail "$*: exit $rc, $(cat "$dir/out")"
    fi
}
refused 'no directory of a run given' locality
refused 'metrics.csv: No such file or directory' locality "$dir"
refused "no report 'localty'" localty "$dir/run"
refused '--check is not of report locality' locality "$dir/run" --check
refused '--json is of report locality' density --json
mkdir "$dir/odd"
echo 'name,vm,value' >"$dir/odd/metrics.csv"
refused "metrics.csv:1:1: no column 'node'" locality "$dir/odd"
exit $failed
