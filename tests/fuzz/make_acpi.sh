#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make_acpi.sh DIR: ACPI tables of a box with two nodes of two cores (ACPI specification 6.4, chapter 5). Checksums are
# left at 0: the harness puts them right.
set -euo pipefail
out=$1

hex='' # of the body of a table, as it grows

# le BYTES VALUE...: each value, little-endian
le()
{
    local bytes=$1 value digits i
    shift
    for value; do
        printf -v digits '%0*x' $((2 * bytes)) "$value"
        for ((i = 2 * bytes - 2; i >= 0; i -= 2)); do hex+=${digits:i:2}; done
    done
}

# table NAME SIGNATURE [REVISION]: NAME gets the table with the body that has grown
table()
{
    local body=$hex sig=''
    sig=$(printf '%s' "$2" | od -An -tx1 | tr -d ' \n')
    hex=''
    le 4 $((36 + ${#body} / 2))
    le 1 "${3:-1}" 0
    le 6 0
    le 8 0
    le 4 1 0 1
    # shellcheck disable=SC2059 # bytes
    printf "$(printf '%s' "$sig$hex$body" | sed 's/../\\x&/g')" >"$out/$1"
    hex=''
}

memory() # of two nodes
{
    local node
    for node in 0 1; do
        le 1 1 40 && le 4 "$node" && le 2 0 && le 8 $((node << 32)) $((1 << 31)) && le 4 0 1 && le 8 0
    done
}

le 4 1 && le 8 0
for cpu in 0 1 2 3; do le 1 0 16 $((cpu / 2)) $cpu && le 4 1 && le 8 0; done
le 1 2 24 && le 2 0 && le 4 1 300 1 && le 8 0
memory
table srat SRAT

le 4 1 && le 8 0
for cpu in 0 1 2 3; do le 1 3 18 && le 4 $((cpu / 2)) $cpu 1 0; done
memory
table srat-arm SRAT

le 4 0 1
for cpu in 0 1 2 3; do le 1 0 8 $cpu $cpu && le 4 1; done
le 1 9 16 && le 2 0 && le 4 300 0 9
table apic APIC

le 8 2 && le 1 10 21 21 10
table slit SLIT

# PPTT: an L2 behind an L1 for each core, two packages of two cores. Offsets count from the beginning of the table.
at=36
cache() # NEXT SIZE SETS WAYS: sets last
{
    le 1 1 24 && le 2 0 && le 4 127 "$1" "$2" "$3" && le 1 "$4" 2 && le 2 64
    last=$at at=$((at + 24))
}
node() # FLAGS PARENT ID [CACHE]
{
    le 1 0 $((20 + 4 * ($# - 3))) && le 2 0 && le 4 "$1" "$2" "$3" $(($# - 3))
    [ $# -lt 4 ] || le 4 "$4"
    last=$at at=$((at + 20 + 4 * ($# - 3)))
}
for package in 0 1; do
    node 1 0 $package
    top=$last
    for core in 0 1; do
        cache 0 $((512 << 10)) 1024 8
        cache "$last" $((32 << 10)) 64 8
        node 10 "$top" $((2 * package + core)) "$last"
    done
done
table pptt PPTT

# HMAT of revision 2: who is near what, latencies (100 ps) and bandwidths (100 MB/s) of two nodes, a memory-side cache.
matrix() # HIERARCHY DATA-TYPE UNIT ENTRY...: from node 0 to both, then from node 1
{
    le 2 1 0 && le 4 56 && le 1 "$1" "$2" 0 0 && le 4 2 2 0 && le 8 "$3" && le 4 0 1 0 1
    shift 3
    le 2 "$@"
}
le 4 0
le 2 0 0 && le 4 40 && le 2 1 0 && le 4 0 0 0 && le 8 0 0
matrix 0 0 100 800 1400 1400 800
matrix 0 1 100 790 0xffff 1390 0
matrix 0 3 100 400 200 200 400
matrix 0 5 100 300 150 150 300
matrix 1 0 100 400 900 900 400
le 2 2 0 && le 4 32 1 0 && le 8 $((4 << 30)) && le 4 0x00401111 && le 2 0 0
table hmat HMAT 2
cat "$out/srat" "$out/slit" >"$out/two"
cat "$out/srat" "$out/slit" "$out/apic" "$out/pptt" >"$out/four"
cat "$out/srat-arm" "$out/pptt" >"$out/arm"
cat "$out/srat" "$out/slit" "$out/hmat" >"$out/latencies"
