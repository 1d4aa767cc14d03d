#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests of the phenomena use must see what is wrong.
# shellcheck source=tests/sim/phenomena/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
mkdir "$out/a"
printf 'name,vm,pcpu,value,unit,description\nx,one,,1.5,s,"a, b"\nx,two,,2,s,"c"\ny,,3,7,s,d\n' >"$out/a/metrics.csv"
wrong=0
expect() { [ "$2" = "$3" ] || { echo "FAIL $1: $2, not $3"; wrong=1; }; }
expect "a metric" "$(v a x vm=two)" 2
expect "a sum" "$(v a x)" 3.5
expect "another label" "$(v a y pcpu=3)" 7
expect "no such metric" "$(v a z 2>/dev/null || echo none)" none
expect "no such label" "$(v a x vm=three 2>/dev/null || echo none)" none
holds "true" "1 < 2"
near "near" 1 1.1 0.2
expect "what holds" $failed 0
holds "false" "2 < 1" >/dev/null
expect "what does not" $failed 1
failed=0
near "not near" 1 1.3 0.2 >/dev/null
near "nor from the other side" 1.3 1 0.2 >/dev/null
expect "what is not near" $failed 1
failed=$wrong

exit $failed
