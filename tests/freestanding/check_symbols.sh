#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Is the hypervisor core freestanding?
#
#   check_symbols.sh source CORE               includes, floating point: by reading the sources
#   check_symbols.sh link CORE ARCH HELPERS    compile and link for x86-64, aarch64 or armv7; every undefined symbol must
#                                              be a function of CORE/include/hv/port.h, a memory function, or in HELPERS
#   check_symbols.sh shared FILE CORE EXPORTS  the shared object shows the symbols of EXPORTS and needs those of port.h
#
# CORE is the folder with common/, sched/, mm/ and include/. Exit: 0 clean, 1 something was found, 2 bad usage, 3 a
# compiler is missing (the message names its package).
set -euo pipefail
export LC_ALL=C

MEMORY_FUNCTIONS=$'memcpy\nmemset\nmemcmp\nmemmove'
FREESTANDING_HEADERS='float iso646 limits stdalign stdarg stdbool stddef stdint stdnoreturn'

die()
{
    printf 'check_symbols: %s\n' "$2" >&2
    exit "$1"
}

found=0
report()
{
    printf '%s\n' "$1"
    found=1
}

need_compiler()
{
    command -v "$1" >/dev/null || die 3 "$1 is not installed; apt package $2"
}

# The sources of the core, one a line.
list_sources()
{
    local dir
    for dir in common sched mm; do
        [ ! -d "$1/$dir" ] || find "$1/$dir" -name '*.c'
    done | sort
}

# Names in a list file: comments and blank lines out.
read_names()
{
    sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$1"
}

# The functions that port.h declares, seen by the compiler (comments do not count).
port_functions()
{
    "$2" -ffreestanding -E -P -I "$1/include" "$1/include/hv/port.h" | grep -oE '\bport_[a-z0-9_]+[[:space:]]*\(' | tr -d ' (' | sort -u
}

check_source()
{
    local core=$1 file line name dir
    need_compiler gcc gcc
    while IFS= read -r file; do
        dir=$(dirname "$file")
        while IFS=: read -r line name; do
            case $name in
            '<hv/'*) [ -f "$core/include/${name:1:-1}" ] || report "$file:$line: no header $name in include/" ;;
            '"'*)
                # Private headers: beside the file, or by their path from the folder of the core.
                case $name in *..*) report "$file:$line: include of $name leaves its folder" ;; esac
                [ -f "$dir/${name:1:-1}" ] || [ -f "$core/${name:1:-1}" ] ||
                    report "$file:$line: no header $name in the core"
                ;;
            *)
                name=${name#<} name=${name%.h>}
                case " $FREESTANDING_HEADERS " in
                *" $name "*) ;;
                *) report "$file:$line: <$name.h> is not a header of freestanding C" ;;
                esac
                ;;
            esac
        done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*/\1/;T;=;p' "$file" | paste -d: - -)
        # Comments out (the compiler does it), strings out, then words and literals of floating point.
        line=$(gcc -fpreprocessed -dD -E -P "$file" 2>/dev/null | sed -e 's/"\([^"\\]\|\\.\)*"//g' |
            grep -nE '(^|[^A-Za-z0-9_])(float|double|_Complex|__float128|_Float[0-9]+x?)([^A-Za-z0-9_]|$)|(^|[^A-Za-z0-9_.])([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+[eE][-+]?[0-9]+)[fFlL]?([^A-Za-z0-9_.]|$)' |
            head -n 1 || true)
        [ -z "$line" ] || report "$file: floating point: ${line#*:}"
    done < <(
        list_sources "$core"
        for dir in common sched mm include; do
            [ ! -d "$core/$dir" ] || find "$core/$dir" -name '*.h'
        done | sort
    )
}

check_link()
{
    local core=$1 arch=$2 helpers=$3 cc package flags sources file symbol
    case $arch in
    x86-64)
        cc=gcc package=gcc flags='-m64 -mno-red-zone -mgeneral-regs-only'
        # On another machine gcc is not the compiler for x86-64.
        [ "$(uname -m)" = x86_64 ] || { cc=x86_64-linux-gnu-gcc package=gcc-x86-64-linux-gnu; }
        ;;
    aarch64) cc=aarch64-linux-gnu-gcc package=gcc-aarch64-linux-gnu flags='-mno-outline-atomics -mgeneral-regs-only' ;;
    armv7) cc=arm-linux-gnueabihf-gcc package=gcc-arm-linux-gnueabihf flags='-march=armv7-a -mfloat-abi=soft' ;;
    *) die 2 "unknown architecture '$arch'" ;;
    esac
    [ "$arch" != aarch64 ] || [ "$(uname -m)" != aarch64 ] || { cc=gcc package=gcc; }
    need_compiler "$cc" "$package"
    mapfile -t sources < <(list_sources "$core")
    [ "${#sources[@]}" -gt 0 ] || die 1 "no sources in $core: nothing was checked"

    local out=$scratch/$arch objects=() object allowed
    mkdir -p "$out"
    for file in "${sources[@]}"; do
        object=${file#"$core"/}
        object=$out/${object//\//:}.o # one folder, and the name says which source it was
        # shellcheck disable=SC2086 # flags are several words
        if "$cc" -std=c11 -ffreestanding -nostdlib -fno-pic -fno-pie -fno-stack-protector -Wall -Wextra -Werror \
            -Wno-unused-parameter -O2 $flags -I "$core/include" -I "$core" -c "$file" -o "$object"; then
            objects+=("$object")
        else
            report "$file: does not compile freestanding for $arch"
        fi
    done
    [ "${#objects[@]}" -gt 0 ] || return 0
    "$cc" -nostdlib -no-pie -r -o "$out/core.o" "${objects[@]}" || { report "the core does not link for $arch"; return 0; }

    allowed=$(port_functions "$core" "$cc")
    [ -n "$allowed" ] || die 1 "no function found in port.h"
    allowed+=$'\n'$MEMORY_FUNCTIONS$'\n'$(read_names "$helpers")
    while IFS= read -r symbol; do
        grep -qxF -- "$symbol" <<<"$allowed" ||
            report "$arch: undefined symbol $symbol ($(users_of "$symbol" "${cc%gcc}nm" "${objects[@]}")): neither in hv/port.h nor in $(basename "$helpers")"
    done < <("${cc%gcc}nm" -u "$out/core.o" | awk '{ print $2 }' | sort -u)
}

# users_of SYMBOL NM OBJECT...: the sources that need a symbol.
users_of()
{
    local symbol=$1 nm=$2 object names=()
    shift 2
    for object in "$@"; do
        if "$nm" -u "$object" | awk -v s="$symbol" '$2 == s { hit = 1 } END { exit !hit }'; then
            object=$(basename "${object%.o}")
            names+=("${object//://}")
        fi
    done
    echo "${names[*]}"
}

check_shared()
{
    local file=$1 core=$2 symbol shown wanted allowed
    need_compiler gcc gcc
    [ -f "$file" ] || die 1 "no file $file"
    wanted=$(read_names "$3")
    shown=$(nm -D --defined-only "$file" | awk '{ print $NF }' | sort -u)
    while IFS= read -r symbol; do
        [ -z "$symbol" ] || grep -qxF -- "$symbol" <<<"$wanted" ||
            report "$file: shows $symbol, which is not in $(basename "$3")"
    done <<<"$shown"
    while IFS= read -r symbol; do
        grep -qxF -- "$symbol" <<<"$shown" || report "$file: does not show $symbol"
    done <<<"$wanted"

    allowed=$(port_functions "$core" gcc)
    allowed+=$'\n'$MEMORY_FUNCTIONS
    # Weak symbols are those of the compiler's start-up files; everything else must be the port's.
    while IFS= read -r symbol; do
        grep -qxF -- "${symbol%%@*}" <<<"$allowed" || report "$file: needs $symbol, which is not in hv/port.h"
    done < <(nm -D -u "$file" | awk '$1 == "U" { print $2 }' | sort -u)
}

usage()
{
    sed -n 's/^# \{0,1\}//; 4,12p' "$0" >&2
    exit 2
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

need_core()
{
    [ -f "$1/include/hv/port.h" ] || die 2 "$1 is not the folder of the core (no include/hv/port.h)"
}

case ${1-}:$# in
source:2) need_core "$2" && check_source "$2" ;;
link:4) need_core "$2" && check_link "$2" "$3" "$4" ;;
shared:4) need_core "$3" && check_shared "$2" "$3" "$4" ;;
*) usage ;;
esac
exit "$found"
