#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ARM from the outside: the first release's guests on a laptop, what is refused, NUMA on servers under arm-numa and what one node costs
# them. Called with HVSIM SOURCE-TREE.
set -euo pipefail
hvsim=$1 arm=$2/workloads/scenarios/arm
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
failed=0

fail()
{
    printf 'FAIL %s\n' "$*"
    failed=1
}

# run CODE SCENARIO ARGUMENTS...: metrics in $dir/run, messages in $dir/err
run()
{
    local code=$1 scenario=$2 rc=0
    shift 2
    "$hvsim" run "$arm/$scenario" --quiet --force --out "$dir/run" --console "$dir/console" "$@" 2>"$dir/err" || rc=$?
    [ "$rc" -eq "$code" ] || fail "$scenario $*: exit $rc instead of $code: $(head -2 "$dir/err")"
}

# metric NAME VM: its value, of all nodes together, as a whole number
metric()
{
    awk -F, -v name="$1" -v vm="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "value") at = i }
        $1 == name && $2 == vm { sum += $at; n++ } END { print n ? int(sum) : "none" }' "$dir/run/metrics.csv"
}

says()
{
    grep -qF -- "$1" "$dir/err" "$dir/console" || fail "nobody says: $1"
}

# ---- the first release
run 0 first-release.toml
[ "$(metric vm.throughput small-1)" -gt 0 ] || fail "the Chromebook's guest did nothing"
[ "$(metric vm.pages_2m small-1)" -eq 0 ] || fail "4.3 maps by 4 KiB"
run 0 first-release.toml --set machine=x-gene-m400 --set xen.behaviour=modern --set vm.0.isa=aarch64
[ "$(metric vm.pages_2m small-1)" -gt 0 ] || fail "later ones map by more"
run 0 first-release.toml --set machine=juno-r1
says 'some memory banks are not used'
run 2 first-release.toml --set machine=juno-r1 --set vm.0.isa=aarch64
says "level 'xen-4.3' runs guests built for armv7 only"

# ---- servers: near is faster; with one node that is luck. FAR: four pCPUs of the last node.
while read -r machine far; do
    run 0 numa.toml --set "machine=$machine" --set "action.0.hard=\"$far\""
    near=$(metric vm.throughput near) there=$(metric vm.throughput far)
    [ "$((near * 100))" -gt "$((there * 104))" ] || fail "$machine, arm-numa: near $near, far $there"
    run 0 numa.toml --set "machine=$machine" --set "action.0.hard=\"$far\"" --set xen.behaviour=modern --show 'info -n@end' \
        --show-file "$dir/info"
    grep -q '^nr_nodes  *: 1$' "$dir/info" || fail "$machine, modern: more than one node"
    run 2 numa.toml --set "machine=$machine" --set xen.behaviour=xen-4.3
    says "Xen on ARM knows the GICv2, which has 8; all of them with level 'modern', 'fixed' or 'arm-numa'"
done <<'END'
kunpeng-920-96 92-95
kunpeng-920-128 124-127
altra-2s 156-159
thunderx-2s 92-95
thunderx2-2s 240-243
END
exit "$failed"
