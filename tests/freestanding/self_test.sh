#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does check_symbols.sh find what it is there for? Small cores with one fault each must be rejected with the right words,
# and a good one accepted.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
check=$here/check_symbols.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

fail()
{
    printf 'self_test: %s\n' "$1"
    failures=$((failures + 1))
}

# new_core NAME: a core with a port of one function; its source is read from stdin.
new_core()
{
    mkdir -p "$dir/$1/include/hv" "$dir/$1/common"
    cat >"$dir/$1/include/hv/port.h" <<'EOF'
#include <stdint.h>
/* port_commented(void) is not declared. */
void port_declared(uint64_t n);
EOF
    cat >"$dir/$1/common/a.c"
}

# accepts MODE CORE ARGS...
accepts()
{
    local out
    out=$(bash "$check" "$@" 2>&1) || fail "'$*' should be clean: $out"
}

# rejects STATUS WORDS ARGS...: it fails with that status and says so.
rejects()
{
    local status=$1 words=$2 out rc=0
    shift 2
    out=$(bash "$check" "$@" 2>&1) || rc=$?
    [ "$rc" -eq "$status" ] || fail "'$*' should exit $status, not $rc: $out"
    case $out in
    *"$words"*) ;;
    *) fail "'$*' should say '$words', not: $out" ;;
    esac
}

new_core good <<'EOF'
#include <hv/port.h>
#include <stddef.h>
/* A double or a 1.5 in a comment is no floating point, nor is "float 2.5" in a string. */
struct big { uint64_t w[64]; };
uint64_t good(struct big *a, const struct big *b, uint64_t n);
uint64_t good(struct big *a, const struct big *b, uint64_t n)
{
    static const char text[] = "float 2.5";
    *a = *b;
    port_declared(n);
    return a->w[0] / n + (unsigned)__builtin_popcountll(n) + text[n % 3];
}
EOF
new_core undeclared <<'EOF'
void port_other(void);
void f(void);
void f(void)
{
    port_other();
}
EOF
new_core commented <<'EOF'
void port_commented(void);
void f(void);
void f(void)
{
    port_commented();
}
EOF
new_core libc <<'EOF'
int puts(const char *s);
int f(const char *s);
int f(const char *s)
{
    return puts(s);
}
EOF
new_core header <<'EOF'
#include <hv/port.h>
#include <stdio.h>
EOF
new_core escape <<'EOF'
#include "../../other/x.h"
EOF
new_core nowhere <<'EOF'
#include <hv/nowhere.h>
EOF
new_core words <<'EOF'
double f(int n);
double f(int n)
{
    return n;
}
EOF
new_core literal <<'EOF'
int f(int n);
int f(int n)
{
    return (int)(n * 1.5);
}
EOF
new_core hidden <<'EOF'
typedef __typeof__(1 / (__extension__ 2.)) real;
int f(real *p);
int f(real *p)
{
    return (int)(*p * *p);
}
EOF
new_core warns <<'EOF'
static int unused(void)
{
    return 1;
}
EOF
new_core empty </dev/null
rm "$dir/empty/common/a.c"

accepts source "$dir/good"
rejects 1 'port_other' link "$dir/undeclared" x86-64 "$here/helpers-x86-64.txt"
rejects 1 'port_commented' link "$dir/commented" x86-64 "$here/helpers-x86-64.txt"
rejects 1 '<stdio.h> is not a header of freestanding C' source "$dir/header"
rejects 1 'leaves its folder' source "$dir/escape"
rejects 1 'no header <hv/nowhere.h>' source "$dir/nowhere"
rejects 1 'floating point: double' source "$dir/words"
rejects 1 'floating point' source "$dir/literal"
rejects 1 'does not compile' link "$dir/warns" x86-64 "$here/helpers-x86-64.txt"
rejects 1 'nothing was checked' link "$dir/empty" x86-64 "$here/helpers-x86-64.txt"
rejects 2 'unknown architecture' link "$dir/good" vax "$here/helpers-x86-64.txt"
rejects 2 'is not the folder of the core' source "$dir"
for arch in x86-64 aarch64 armv7; do
    accepts link "$dir/good" "$arch" "$here/helpers-$arch.txt"
    rejects 1 'undefined symbol puts (common/a.c)' link "$dir/libc" "$arch" "$here/helpers-$arch.txt"
    # Floating point that no word betrays: the compiler or the soft-float symbol does.
    rejects 1 '' link "$dir/hidden" "$arch" "$here/helpers-$arch.txt"
done
# A compiler that is missing is a failure that names the package: a path without cross compilers.
mkdir "$dir/bin"
for tool in bash sed grep awk find sort mktemp rm mkdir dirname basename tr cat uname; do
    ln -s "$(command -v "$tool")" "$dir/bin/$tool"
done
PATH=$dir/bin rejects 3 'apt package gcc-arm-linux-gnueabihf' link "$dir/good" armv7 "$here/helpers-armv7.txt"

# Shared objects.
build_shared()
{
    gcc -shared -fPIC -nostdlib -fvisibility=hidden -I "$dir/good/include" -x c - -o "$dir/$1"
}
build_shared good.so <<'EOF'
#include <hv/port.h>
__attribute__((visibility("default"))) void hv_core_get(void);
void hv_core_get(void)
{
    port_declared(1);
}
EOF
build_shared more.so <<'EOF'
__attribute__((visibility("default"))) void hv_core_get(void);
void hv_core_get(void)
{
}
__attribute__((visibility("default"))) int hv_leak;
EOF
build_shared less.so <<'EOF'
int hv_core_get_not;
EOF
build_shared needs.so <<'EOF'
int puts(const char *s);
__attribute__((visibility("default"))) void hv_core_get(void);
void hv_core_get(void)
{
    puts("");
}
EOF
accepts shared "$dir/good.so" "$dir/good" "$here/exports.txt"
rejects 1 'shows hv_leak' shared "$dir/more.so" "$dir/good" "$here/exports.txt"
rejects 1 'does not show hv_core_get' shared "$dir/less.so" "$dir/good" "$here/exports.txt"
rejects 1 'needs puts' shared "$dir/needs.so" "$dir/good" "$here/exports.txt"

[ "$failures" -eq 0 ] || exit 1
echo "self_test: check_symbols.sh finds what it is there for"
