#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make_sysfs.sh DIR: archives of what Linux tells in sys/ and proc/ of a box with two nodes of two cores.
set -euo pipefail
out=$1
box=$(mktemp -d)
trap 'rm -rf -- "$box"' EXIT

put() # FILE TEXT
{
    mkdir -p -- "$(dirname -- "$box/$1")"
    printf '%s\n' "$2" >"$box/$1"
}

for list in online possible present; do put "sys/devices/system/cpu/$list" 0-3; done
for cpu in 0 1 2 3; do
    c=sys/devices/system/cpu/cpu$cpu
    put "$c/topology/core_id" "$cpu"
    put "$c/topology/physical_package_id" $((cpu / 2))
    for siblings in thread_siblings core_cpus; do put "$c/topology/$siblings" "$((1 << cpu))"; done
    for siblings in core_siblings package_cpus; do put "$c/topology/$siblings" "$((3 * (1 + 3 * (cpu / 2))))"; done
    put "$c/cache/index0/level" 1
    put "$c/cache/index0/type" Data
    put "$c/cache/index0/size" 32K
    put "$c/cache/index0/shared_cpu_map" "$((1 << cpu))"
    put "$c/cache/index0/coherency_line_size" 64
    put "$c/cache/index0/number_of_sets" 64
    put "$c/cache/index0/ways_of_associativity" 8
done
put sys/devices/system/node/online 0-1
put sys/devices/system/node/possible 0-1
for node in 0 1; do
    n=sys/devices/system/node/node$node
    put "$n/cpumap" $((3 * (1 + 3 * node)))
    put "$n/meminfo" "Node $node MemTotal:       4194304 kB"
    put "$n/distance" "$([ $node = 0 ] && echo '10 21' || echo '21 10')"
done
put proc/cpuinfo "processor	: 0"
put proc/meminfo "MemTotal:        8388608 kB"

tar -C "$box" --sort=name --mtime=@0 --owner=0 --group=0 -cf "$out/plain" sys proc
gzip -9n <"$out/plain" >"$out/gz"
bzip2 <"$out/plain" >"$out/bz2" || rm -f -- "$out/bz2"
