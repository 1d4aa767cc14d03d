#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every relative link and picture in README.md and docs/ leads to a file, and every page of docs/ is linked from README.md.
# usage: check_links.sh SOURCE-TREE
set -euo pipefail
cd -- "$1"
failed=0
for page in README.md docs/*.md; do
    while IFS= read -r link; do
        case $link in
        http://* | https://* | '#'* | mailto:*) continue ;;
        esac
        target=$(dirname -- "$page")/${link%%#*}
        [ -e "$target" ] || { echo "$page: the link to $link leads nowhere"; failed=1; }
    done < <(awk '/^```/ { code = !code } !code' "$page" | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//')
done
for page in docs/*.md; do
    grep -qF "($page)" README.md || { echo "README.md does not link to $page"; failed=1; }
done
exit $failed
