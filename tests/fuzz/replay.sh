#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# replay.sh TREE NAME PROGRAM DIR: the first inputs of a harness and all that was ever found, without libFuzzer.
set -euo pipefail
dir=$4/$2
mkdir -p -- "$dir/tmp"
bash "$1/tests/fuzz/seeds.sh" "$1" "$2" "$dir"
# Names of inputs go to a file: the last one in it is where a crash came from.
if ! TMPDIR=$dir/tmp "$3" "$dir/seeds" 2>"$dir/log"; then
    tail -n 20 "$dir/log" >&2
    exit 1
fi
