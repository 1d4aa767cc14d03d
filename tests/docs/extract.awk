# SPDX-License-Identifier: GPL-2.0-or-later
# Turns the ```sh blocks of a Markdown page into one bash script, in the order of the page.
#   * ```console, ```text and other blocks are not run
#   * a command whose line ends with "# exit N" must end with exit code N, every other command with 0
#   * a line "# prints TEXT" after a command: what that command printed (both streams) must contain TEXT
# Works with any POSIX awk.

# Emit one command; number of its first line, its text, the exit code that the page promises.
function emit(line, text, code)
{
    printf "page_at=%d; page_status=0\n", line
    printf "{ %s\n} >\"$page_output\" 2>&1 || page_status=$?\n", text
    printf "page_check %d\n", code
}

# Does this line open a here-document? Sets the word that ends it.
function opens_heredoc(text,    rest)
{
    if (!match(text, /<<'?[A-Z]+'?/))
        return 0
    rest = substr(text, RSTART + 2, RLENGTH - 2)
    gsub(/'/, "", rest)
    heredoc_end = rest
    return 1
}

/^```/ {
    if (inside) {
        if (pending != "" || heredoc)
            emit(first, pending, 0)
        pending = ""
        heredoc = inside = 0
    } else if (skipping) {
        skipping = 0
    } else if ($0 == "```sh") {
        inside = 1
        blocks++
    } else {
        skipping = 1
    }
    next
}

!inside { next }

heredoc {
    pending = pending "\n" $0
    if ($0 == heredoc_end) {
        heredoc = 0
        emit(first, pending, 0)
        pending = ""
    }
    next
}

pending == "" && /^[ \t]*$/ { next }

/^# prints / {
    printf "page_at=%d\npage_prints <<'PAGE_TEXT'\n%s\nPAGE_TEXT\n", NR, substr($0, 10)
    next
}

pending == "" && /^#/ { next }

{
    if (pending == "")
        first = NR
    code = 0
    line = $0
    if (match(line, /[ \t]+# exit [0-9]+$/)) {
        code = substr(line, RSTART)
        sub(/.* /, "", code)
        line = substr(line, 1, RSTART - 1)
    }
    pending = pending == "" ? line : pending "\n" line
    if (opens_heredoc(line)) {
        heredoc = 1
        next
    }
    if (line ~ /\\$/)
        next
    emit(first, pending, code)
    pending = ""
}

END {
    if (inside) {
        print "page_at=" NR "; page_bad 'a block that does not end'"
    }
    printf "page_blocks=%d\n", blocks
}
