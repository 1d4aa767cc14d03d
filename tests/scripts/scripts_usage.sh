#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts promise about their command lines: --help, bad arguments, any current directory, no root.
# usage: scripts_usage.sh SOURCE-TREE
set -euo pipefail
scripts=$1/scripts
empty=$(mktemp -d)
trap 'rm -rf -- "$empty"' EXIT
cd -- "$empty"
failed=0
unset HVSIM_SKIP_SETUP

# expect EXIT TEXT COMMAND...: exit code, and the output (both streams) contains the text.
expect()
{
    local want=$1 text=$2 status=0 out
    shift 2
    out=$("$@" 2>&1 </dev/null) || status=$?
    if [ "$status" -ne "$want" ] || [[ $out != *"$text"* ]]; then
        printf 'FAIL %s\n  expected exit %s and "%s", got exit %s and:\n%s\n' "$*" "$want" "$text" "$status" "$out"
        failed=1
    fi
}

for s in setup reproduce test lint determinism update-docs fuzz churn; do
    expect 0 "usage: scripts/$s" "$scripts/$s" --help
    expect 2 "--help" "$scripts/$s" --no-such-option
done
for s in reproduce test lint determinism fuzz; do
    expect 2 "-j 0" "$scripts/$s" -j 0
    expect 2 "-j x" "$scripts/$s" -j x
    expect 2 "-j needs a value" "$scripts/$s" -j
done
expect 2 "no preset 'fast'" "$scripts/test" --preset fast
expect 2 "no target 'dtd': one of" "$scripts/fuzz" dtd
expect 2 "--seconds 0: expected" "$scripts/fuzz" --seconds 0 dtb
expect 0 "dtb" "$scripts/fuzz" --list
expect 2 "no scenario missing.toml" "$scripts/determinism" missing.toml

# Packages: a dpkg-query that knows none of them; nobody is root with --check.
mkdir bin
printf '#!/bin/sh\nexit 1\n' >bin/dpkg-query
chmod +x bin/dpkg-query
expect 2 "apt-get install -y --no-install-recommends gcc g++" env PATH="$empty/bin:$PATH" "$scripts/setup" --check
expect 2 "libsystemc-dev" env PATH="$empty/bin:$PATH" "$scripts/setup" --check build
# ... and one that knows all but one.
cat >bin/dpkg-query <<'EOF'
#!/bin/sh
for p; do case $p in -*) ;; ninja-build) ;; libgsl-dev) echo "$p:amd64 installed" ;; *) echo "$p installed" ;; esac; done
exit 1
EOF
expect 2 "--no-install-recommends ninja-build" env PATH="$empty/bin:$PATH" "$scripts/setup" --check
expect 2 "1 of " env PATH="$empty/bin:$PATH" "$scripts/setup" --check
# Without root, setup says what is missing and stops, and so do the scripts that call it.
printf '#!/bin/sh\necho 1000\n' >bin/id
chmod +x bin/id
expect 2 "ninja-build" env PATH="$empty/bin:$PATH" "$scripts/setup"
expect 2 "ninja-build" env PATH="$empty/bin:$PATH" "$scripts/test"
expect 2 "ninja-build" env PATH="$empty/bin:$PATH" "$scripts/reproduce" --out "$empty/out"
# As root it asks apt-get for the missing package and for nothing else, and notices that it did not come.
printf '#!/bin/sh\necho 0\n' >bin/id
printf '#!/bin/sh\necho "$@" >>"%s"\n' "$empty/apt.log" >bin/apt-get
chmod +x bin/apt-get
expect 3 "still missing after apt-get install: ninja-build" env PATH="$empty/bin:$PATH" "$scripts/setup"
grep -q '^update' apt.log || { echo "FAIL setup did not update the package lists"; failed=1; }
grep -q 'install .* ninja-build$' apt.log || { echo "FAIL setup asked for something else: $(cat apt.log)"; failed=1; }

exit $failed
