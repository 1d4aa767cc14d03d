#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# seeds.sh TREE NAME DIR: the first inputs of fuzz_NAME into DIR/seeds, its words into DIR/words, its options of
# libFuzzer into DIR/options, as tests/fuzz/fuzz_NAME.c says.
set -euo pipefail
shopt -s nullglob

tree=$1 name=$2 dir=$3
source=$tree/tests/fuzz/fuzz_$name.c
out=$dir/seeds
rm -rf -- "$out"
mkdir -p -- "$out"
cd -- "$tree"

# said WHAT: the argument of every WHAT(...); in the source.
said()
{
    sed -n "s/^FUZZ_$1(\"\{0,1\}\(.*[^\"]\)\"\{0,1\});\$/\1/p" "$source"
}

while IFS= read -r pattern; do
    some=false
    # shellcheck disable=SC2086 # a pattern
    for f in $pattern; do
        cp -- "$f" "$out/${f//\//-}"
        some=true
    done
    $some || { echo "$source: no file matches $pattern" >&2 && exit 1; }
done < <(said SEEDS)

export out
while IFS= read -r command; do
    bash -euo pipefail -c "$command" || { echo "$source: failed: $command" >&2 && exit 1; }
done < <(said MAKE)

# What was found and mended once stays an input.
for f in "tests/fuzz/found/$name"/*; do
    cp -- "$f" "$out/found-${f##*/}"
done

# String constants of the sources that are one word: no formats, no sentences.
while IFS= read -r pattern; do
    # shellcheck disable=SC2086 # a pattern
    grep -oh '"[A-Za-z0-9_.=-]\{2,40\}"' $pattern || true
done < <(said WORDS) | LC_ALL=C sort -u >"$dir/words"

said MAX_LEN | sed 's/^/-max_len=/' >"$dir/options"
