# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of the phenomena (docs/phenomena.md): run a scenario with hvsim, look at its metrics, say what must hold.
# Sourced; the test is called with HVSIM SOURCE-TREE.
set -euo pipefail
hvsim=$1 scenarios=$2/workloads/scenarios/phenomena
out=$(mktemp -d)
trap 'rm -rf -- "$out"' EXIT
failed=0
check=--check-invariants

# run LABEL SECONDS SCENARIO [OPTION...]: measures for so long, with every invariant checked, as often as $check says
run()
{
    local label=$1 seconds=$2 file=$3
    shift 3
    "$hvsim" run "$scenarios/$file" --quiet "$check" --set "duration=\"$seconds s\"" "$@" --out "$out/$label"
}

# v LABEL METRIC [LABEL-OF-METRIC=VALUE...]: sum of all such metrics of that run; there must be one
v()
{
    awk -F, -v name="$2" -v where="${*:3}" '
        NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; n = split(where, w, " "); next }
        $1 != name { next }
        { for (i = 1; i <= n; i++) { split(w[i], kv, "="); if ($column[kv[1]] != kv[2]) next }
          sum += $column["value"]; found = 1 }
        END { if (!found) { print "no metric " name " " where > "/dev/stderr"; exit 1 } printf "%.9g", sum }
    ' "$out/$1/metrics.csv"
}

# holds WHAT CONDITION: CONDITION is one of awk, of numbers
holds()
{
    if ! awk "BEGIN { exit !($2) }"; then
        printf 'FAIL %s: not so: %s\n' "$1" "$2"
        failed=1
    fi
}

# near WHAT A B TOLERANCE
near()
{
    holds "$1" "($2) - ($3) <= ($4) && ($3) - ($2) <= ($4)"
}
