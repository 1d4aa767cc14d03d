# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Shared by the scripts next to it; sourced, never run.

set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
self=$(basename -- "$0")

# Exit codes follow hvsim's own (docs/formats.md).
readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_HOST=3

# die CODE MESSAGE...: one line to stderr, and out.
die()
{
    local code=$1
    shift
    printf '%s: %s\n' "$self" "$*" >&2
    exit "$code"
}

# A heading, so that the stages can be told apart in a long log.
say()
{
    printf '== %s\n' "$*"
}

# need_value OPTION COUNT: an option that takes a value was the last word.
need_value()
{
    [ "$2" -ge 2 ] || die "$EXIT_USAGE" "$1 needs a value; see $self --help"
}

# A job count: a whole number from 1 on.
check_jobs()
{
    [[ $1 =~ ^[1-9][0-9]{0,3}$ ]] || die "$EXIT_USAGE" "-j $1: expected a whole number from 1 to 9999"
}

# configure_and_build PRESET JOBS [TARGET...]: into build/PRESET.
configure_and_build()
{
    local preset=$1 jobs=$2
    shift 2
    say "configure: preset $preset"
    (cd -- "$root" && cmake --preset "$preset" >"$root/build/$preset.configure.log" 2>&1) || {
        cat -- "$root/build/$preset.configure.log" >&2
        die "$EXIT_HOST" "cmake could not configure the tree (log above)"
    }
    say "build: build/$preset, $jobs jobs"
    cmake --build "$root/build/$preset" -j "$jobs" ${1+--target "$@"} || die "$EXIT_FAILED" "the build failed"
}
