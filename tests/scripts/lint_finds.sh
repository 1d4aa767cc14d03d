#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# scripts/lint must fail on each kind of offence that it says it checks, and pass on a clean tree.
# usage: lint_finds.sh SCRIPTS-DIRECTORY
set -euo pipefail
lint=$1/lint
tree=$(mktemp -d)
trap 'rm -rf -- "$tree"' EXIT
cp -- "$1/../.clang-format" "$tree"
mkdir -p "$tree"/{hv-core/common,hv-core/include/hv,hv-core/toolstack,models,workloads,sim,scripts}
failed=0
licence='/* SPDX-License-Identifier: GPL-2.0-or-later */'

# write FILE LINE...
write()
{
    local file=$tree/$1
    shift
    printf '%s\n' "$@" >"$file"
}

# expect_clean WHAT CHECK
expect_clean()
{
    if ! out=$("$lint" --tree "$tree" "$2" 2>&1); then
        printf 'FAIL %s: expected clean, got: %s\n' "$1" "$out"
        failed=1
    fi
}

# expect_found WHAT CHECK FILE CONTENT...: with this file lint must exit 1 and name the file; it is removed again.
expect_found()
{
    local what=$1 check=$2 file=$3 status=0
    shift 3
    write "$file" "$@"
    out=$("$lint" --tree "$tree" "$check" 2>&1) || status=$?
    if [ "$status" -ne 1 ] || [[ $out != *"$file"* ]]; then
        printf 'FAIL %s: expected exit 1 and the name of %s, got exit %s: %s\n' "$what" "$file" "$status" "$out"
        failed=1
    fi
    rm -- "$tree/$file"
}

write hv-core/common/good.c "$licence" '#include <hv/types.h>' '#include <stdint.h>' '' 'uint32_t good;'
write models/good.c "$licence" '#include <math.h>' '#include <models/rate.h>'
write scripts/good '#!/bin/sh' '# SPDX-License-Identifier: GPL-2.0-or-later' 'true'
for check in format spdx paths rooms; do
    expect_clean "a clean tree, $check" $check
done

expect_found "layout" format models/bad.c "$licence" 'int  x ;'
expect_found "no licence, C" spdx models/bad.c 'int x;'
expect_found "no licence, script" spdx scripts/bad '#!/bin/sh' 'true'
expect_found "no licence, machine file" spdx models/bad.toml 'name = "x"'
expect_found "another licence" spdx sim/bad.h '/* SPDX-License-Identifier: MIT */'
expect_found "a home directory" paths models/bad.c "/* see $(printf '/%s/anna/notes' home) */"
expect_found "a working directory" paths models/bad.toml "file = \"$(printf '/%s/main/x' work)\""
expect_found "a directory beside the tree" paths sim/bad.c "/* $(printf '..%sshared/x' /) */"
expect_found "core includes libc" rooms hv-core/common/bad.c '#include <stdio.h>'
expect_found "core includes the simulator" rooms hv-core/common/bad.c '#include <models/machine.h>'
expect_found "core uses floating point" rooms hv-core/common/bad.c 'static double x;'
expect_found "toolstack looks into the core" rooms hv-core/toolstack/bad.c '#include <hv/sched.h>'
expect_found "models know workloads" rooms models/bad.c '#include <workloads/profile.h>'
expect_found "models know the core" rooms models/bad.c '#include <hv/types.h>'
expect_found "models know SystemC" rooms models/bad.c '#include <systemc.h>'
expect_found "workloads know the core" rooms workloads/bad.c '#include <hv/domain.h>'
expect_found "workloads know SystemC" rooms workloads/bad.c '#include <systemc>'
expect_found "C++ in a C room" rooms workloads/bad.cpp 'int x;'

exit $failed
