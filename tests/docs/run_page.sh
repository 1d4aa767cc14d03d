#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs what a page of the documentation tells its reader to type (extract.awk says which blocks), in a scratch directory
# that looks like a clone: data files are copies, so that an example may add to them.
# usage: run_page.sh DIRECTORY-OF-HVSIM SOURCE-TREE PAGE.md
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
bin=$1 source=$2 page=$(cd -- "$(dirname -- "$3")" && pwd)/$(basename -- "$3")
[ -f "$page" ] || { echo "no page $page" >&2; exit 2; }

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
mkdir -p -- "$scratch/clone/results"
for d in models workloads; do
    if [ -d "$source/$d" ]; then cp -r -- "$source/$d" "$scratch/clone/$d"; fi
done
for d in docs scripts hv-core sim results/reference; do
    if [ -d "$source/$d" ]; then ln -s -- "$source/$d" "$scratch/clone/$d"; fi
done

{
    cat <<'EOF'
page_wrong=0
page_bad() { printf '%s:%s: %s\n' "$page_name" "$page_at" "$1" >&2; sed 's/^/    /' "$page_output" >&2; page_wrong=1; }
page_check() { [ "$page_status" -eq "$1" ] || page_bad "exit $page_status, the page says $1"; }
page_prints() { local t; t=$(cat); grep -qF -e "$t" "$page_output" || page_bad "did not print: $t"; }
EOF
    awk -f "$here/extract.awk" "$page"
    # shellcheck disable=SC2016
    echo 'echo "$page_name: $page_blocks blocks run"; exit $page_wrong'
} >"$scratch/page.bash"

cd -- "$scratch/clone"
# One shell for the page: variables and directories that a block sets hold for the next. A first failure does not stop it.
page_name=$(basename -- "$page") page_output=$scratch/output PATH=$bin:$PATH HVSIM_DATA=$PWD \
    bash -o pipefail "$scratch/page.bash" </dev/null
