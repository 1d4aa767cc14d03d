#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The runner of the documentation must fail when a page is wrong.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
mkdir "$dir/bin"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "fake: $*"\n[ "$1" != bad ] || exit 2\n' >"$dir/bin/hvsim"
chmod +x "$dir/bin/hvsim"
failed=0

# expect WHAT EXIT TEXT: a page on stdin; the runner's exit code and part of its output.
expect()
{
    local what=$1 want=$2 text=$3 status=0 out
    cat >"$dir/page.md"
    out=$(bash "$here/run_page.sh" "$dir/bin" "$dir" "$dir/page.md" 2>&1) || status=$?
    if [ "$status" -ne "$want" ] || [[ $out != *"$text"* ]]; then
        printf 'FAIL %s: expected exit %s and "%s", got exit %s:\n%s\n' "$what" "$want" "$text" "$status" "$out"
        failed=1
    fi
}

expect "good commands pass" 0 "page.md: 2 blocks run" <<'EOF'
```sh
hvsim good
# prints fake: good
x=1
```
text
```sh
test "$x" = 1
hvsim bad   # exit 2
```
EOF
expect "a failing command fails the page" 1 "page.md:2: exit 2, the page says 0" <<'EOF'
```sh
hvsim bad
```
EOF
expect "a failure in the middle is not forgotten" 1 "page.md:2: exit 1, the page says 0" <<'EOF'
```sh
false
true
```
EOF
expect "a wrong exit code fails" 1 "page.md:3: exit 0, the page says 2" <<'EOF'

```sh
hvsim good # exit 2
```
EOF
expect "another exit code than the one promised fails" 1 "exit 2, the page says 1" <<'EOF'
```sh
hvsim bad # exit 1
```
EOF
expect "wrong output fails" 1 "page.md:3: did not print: fake: other" <<'EOF'
```sh
hvsim good
# prints fake: other
```
EOF
expect "a failing part of a pipe fails" 1 "exit 2" <<'EOF'
```sh
hvsim bad | cat
```
EOF
expect "an unknown command fails" 1 "exit 127" <<'EOF'
```sh
no-such-command-anywhere
```
EOF
expect "a command over two lines is one command" 1 "page.md:2: exit 0, the page says 2" <<'EOF'
```sh
hvsim good \
    more   # exit 2
```
EOF
expect "a here-document writes a file" 0 "1 blocks run" <<'EOF'
```sh
cat >file <<'END'
# a comment inside is text
one # exit 3
END
grep -q 'one # exit 3' file
grep -q '^# a comment' file
```
EOF
expect "blocks of other kinds are not run" 0 "0 blocks run" <<'EOF'
```console
false
```
```text
false
```
EOF
expect "an open block fails" 1 "a block that does not end" <<'EOF'
```sh
true
EOF

exit $failed
