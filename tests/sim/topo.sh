#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Machines that were imported run guests, are measured, and tell xl what they are. HVSIM.
set -euo pipefail
hvsim=$1
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
failed=0

fail()
{
    printf 'FAIL %s\n' "$*"
    failed=1
}

printf 'name = "guest"\nvcpus = 2\nmemory = 64\n' >"$dir/guest.cfg"

# MACHINE-SOURCE CPUS NODES SOCKETS
tries()
{
    local box=$dir/box.toml
    "$hvsim" topo import "$1" --output "$box" --force 2>"$dir/said" || { fail "$1: $(cat "$dir/said")" && return; }
    cat >"$dir/scenario.toml" <<EOF
name = "imported"
description = "two guests on an imported machine"
machine = "$box"
warmup = "5 ms"
duration = "20 ms"

[xen]
behaviour = "modern"
sched = "credit2"

[dom0]
vcpus = 1
memory = "64 MiB"
workload = "dom0-idle"

[[vm]]
config = "guest.cfg"
workload = "sysbench-memory"
EOF
    "$hvsim" run "$dir/scenario.toml" --quiet --check-invariants --force --out "$dir/run" || fail "$1: does not run"
    "$hvsim" topo show "$box" --xl >"$dir/xl"
    grep -q "^nr_cpus  *: $2\$" "$dir/xl" || fail "$1: $(grep nr_cpus "$dir/xl")"
    grep -q "^nr_nodes  *: $3\$" "$dir/xl" || fail "$1: $(grep nr_nodes "$dir/xl")"
    [ "$(sed '1,/^cpu:/d; /^numa_info/,$d' "$dir/xl" | awk '{ print $3 }' | sort -u | wc -l)" = "$4" ] || fail "$1: sockets"
    "$hvsim" measure "$box" latency-matrix >/dev/null || fail "$1: cannot be measured"
}

tries "package:2 [numa(memory=8GiB)] l3:1 l2:4 l1:1 core:1 pu:1" 8 2 2
tries "package:2 [numa(memory=8GiB)] core:2 pu:2" 8 2 2
tries "package:2 [numa(memory=8GiB)] core:2 pu:4" 16 2 2
tries "package:2 [numa(memory=8GiB)] core:2 pu:8" 32 2 2
tries "package:1 core:2 pu:16" 32 1 1
tries "package:2 l3:1 group:2 [numa(memory=8GiB)] core:3 pu:1" 12 4 2
tries "group:2 [numa(memory=8GiB)] package:2 core:2 pu:2" 16 2 4
tries "package:24 [numa(memory=1GiB)] core:2 pu:8" 384 24 24
tries "group:64 [numa(memory=1GiB)] package:2 core:2 pu:1" 256 64 128
tries "package:300 core:1 pu:1" 300 1 1
tries "package:64 [numa(memory=8GiB)] core:32 pu:2" 4096 64 64

exit "$failed"
