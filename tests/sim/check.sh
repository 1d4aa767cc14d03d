#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hvsim check: the shipped suites hold; what does not hold is named, in the text, the JSON and the XML; baselines are
# written, compared and kept; mistakes have their place. Called with HVSIM SOURCE-TREE.
set -euo pipefail
hvsim=$1 suites=$2/workloads/suites
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
failed=0

fail()
{
    printf 'FAIL %s\n' "$*"
    failed=1
}

# expect CODE WHAT COMMAND...: output in $dir/out, both streams
expect()
{
    local code=$1 what=$2 rc=0
    shift 2
    "$@" >"$dir/out" 2>&1 || rc=$?
    [ "$rc" -eq "$code" ] || fail "$what: exit $rc instead of $code: $(tail -3 "$dir/out")"
}

says()
{
    grep -qF -- "$1" "$dir/out" || fail "no line says: $1; but $(tail -3 "$dir/out")"
}

for suite in "$suites"/*.toml; do
    case $suite in *.baseline.toml) continue ;; esac
    expect 0 "$suite" "$hvsim" check --quiet "$suite"
done
expect 0 "several at once" "$hvsim" check -j 2 "$suites/westmere-ep-2s.toml" "$suites/magny-cours-4s.toml"
says 'westmere-ep-2s: guests of half a node alternate'
says 'magny-cours-4s: a guest a node'
says '26 passed, 0 failed'

# ---- what does not hold
sed -e '0,/nodes = \[1\]/s//nodes = [0]/' -e 's/"2 ms"/"1 ns"/' -e 's/creation = "fails"/creation = "EINVAL"/' \
    -e 's/free_at_least = "1 GiB"/free_at_most = "1 GiB"/' "$suites/westmere-ep-2s.toml" >"$dir/t.toml"
expect 1 "four misses" "$hvsim" check "$dir/t.toml" --junit "$dir/t.xml"
says "FAIL  web-1 is on node 0: web-1 has 524288 of 524288 pages on node 1 ($dir/t.toml:23:1)"
says 'FAIL  sleep wakes up within 1 ns (p99): sleep has '
says 'FAIL  creation of huge fails with EINVAL: huge fails with ENOMEM: '
says 'FAIL  at most 1 GiB of node 0 are free: node 0 has 1.'
says '9 passed, 4 failed'
xmllint --noout "$dir/t.xml" || fail "the XML is none"
[ "$(xmllint --xpath 'string(/testsuites/testsuite/@tests)' "$dir/t.xml")" = 13 ] || fail "XML: number of tests"
[ "$(xmllint --xpath 'count(//testcase/failure)' "$dir/t.xml")" = 4 ] || fail "XML: number of failures"
expect 1 "as JSON" "$hvsim" check "$dir/t.toml" --json
says '"expectation": "web-1 is on node 0", '
says '], "passed": 9, "failed": 4}'
expect 0 "one case of it" "$hvsim" check "$dir/t.toml" --filter 'pinned*'
says '2 passed, 0 failed'

# ---- names that XML cannot take as they are
sed -e 's/name = "four busy guests keep to their nodes"/name = "<busy> \& \\"quoted\\" \\u0001"/' \
    "$suites/westmere-ep-2s.toml" >"$dir/x.toml"
expect 0 "odd names" "$hvsim" check "$dir/x.toml" --quiet --junit "$dir/x.xml"
xmllint --noout "$dir/x.xml" || fail "odd names: the XML is none"

# ---- baselines
cp "$suites/westmere-ep-2s.toml" "$dir/b.toml"
expect 0 "update" "$hvsim" check "$dir/b.toml" --update
[ -s "$dir/b.baseline.toml" ] || fail "no baseline was written"
expect 0 "as in the baseline" "$hvsim" check "$dir/b.toml"
says 'ok    as in the baseline'
says '19 passed, 0 failed'
cp "$dir/b.baseline.toml" "$dir/kept.toml"
expect 0 "update of one case" "$hvsim" check "$dir/b.toml" --update --filter 'pinned*'
cmp -s "$dir/b.baseline.toml" "$dir/kept.toml" || fail "the update of one case changed others"
sed -i '0,/pages = \[ 0, 524288 \]/s//pages = [ 1, 524287 ]/' "$dir/b.baseline.toml"
expect 1 "a page moved" "$hvsim" check "$dir/b.toml"
says 'as in the baseline: web-1: node 0 1 -> 0 pages (-1) node 1 524287 -> 524288 pages (+1)'
sed -i '0,/vm = "web-1"/s//vm = "gone"/' "$dir/b.baseline.toml"
expect 1 "a VM is new, and one is gone" "$hvsim" check "$dir/b.toml"
says 'web-1: not in the baseline'
says 'gone: in the baseline, but not there'
echo 'pages = 5' >>"$dir/b.baseline.toml"
expect 2 "a damaged baseline" "$hvsim" check "$dir/b.toml"
says "$dir/b.baseline.toml:"

# ---- mistakes: sed script, what is said
while IFS='|' read -r script said; do
    sed -e "$script" "$suites/westmere-ep-2s.toml" >"$dir/m.toml"
    expect 2 "$script" "$hvsim" check "$dir/m.toml"
    says "$said"
done <<'END'
s/vm = "web-1"/vm = "wb-1"/|m.toml:24:6: no VM of this case is called 'wb-1'
0,/at_most_nodes/s//at_most_node/|m.toml:20:1: unknown key 'at_most_node'
s/"100 %"/"101 %"/|m.toml:21:24: local_pages_at_least: '101 %': expected a percentage, as "95 %"
0,/nodes = \[1\]/s//nodes = []/|m.toml:25:9: an empty list of nodes
0,/machine = "westmere-ep-2s"/s//machine = "westmere-ep"/|did you mean 'westmere-ep-2s'?
s/may_fail = true//|m.toml:88:12: the creation of 'huge' is nothing to expect of: say may_fail = true
s/memory = "2 GiB"/memory = "2.5 MB"/|m.toml:16:10: memory: '2.5 MB' is no whole number of MiB
s/memory = "2 GiB"//|missing key 'memory'
s/name = "a guest larger than a node spans both"/name = "guests of half a node alternate"/|there is another case 'guests of half a node alternate'
0,/^node = 0/s//vm = "web-1"/|'free_at_least' is not a matter of a VM
END
expect 2 "no file" "$hvsim" check "$dir/none.toml"
expect 2 "no suite" "$hvsim" check
says 'no suite given'
exit $failed
