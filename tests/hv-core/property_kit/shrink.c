/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A case runs in a child process; a case that fails becomes as small as it gets. */
#include "property_kit.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPU_SECONDS 120 /* of a child: more is an endless loop */

unsigned prop_at;
void (*prop_on_failure)(const char *text);

static int report_to;

void prop_fail(const char *fmt, ...)
{
    char text[240];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    prop_on_failure(text);
    __builtin_trap();
}

void prop_panic(const char *file, int line, const char *text)
{
    const char *slash = strrchr(file, '/');
    prop_fail("panic at %s:%d: %s", slash ? slash + 1 : file, line, text);
}

static void report(const char *text)
{
    struct prop_failure f = {.failed = true, .at = prop_at};
    snprintf(f.text, sizeof(f.text), "%s", text);
    if (write(report_to, &f, sizeof(f)) != (ssize_t)sizeof(f))
        _exit(3);
    _exit(0);
}

static void child(const struct prop_kit *kit, const void *k, const struct prop_op *ops, unsigned n, bool loud)
{
    const struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS}, no_core = {0, 0};
    struct prop_failure fine = {.failed = false};

    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &no_core);
    if (!loud) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
    }
    prop_at = 0;
    prop_on_failure = report;
    kit->run(k, ops, n);
    if (write(report_to, &fine, sizeof(fine)) != (ssize_t)sizeof(fine))
        _exit(3);
    _exit(0);
}

struct prop_failure prop_try(const struct prop_kit *kit, const void *k, const struct prop_op *ops, unsigned n,
                             bool loud)
{
    struct prop_failure f = {.failed = true};
    int fd[2], status;

    fflush(NULL);
    if (pipe(fd)) {
        perror("pipe");
        exit(3);
    }
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        exit(3);
    }
    if (pid == 0) {
        close(fd[0]);
        report_to = fd[1];
        child(kit, k, ops, n, loud);
    }
    close(fd[1]);
    ssize_t got = read(fd[0], &f, sizeof(f));
    close(fd[0]);
    waitpid(pid, &status, 0);
    if (got == (ssize_t)sizeof(f))
        return f;
    f = (struct prop_failure){.failed = true, .at = n};
    if (WIFSIGNALED(status))
        snprintf(f.text, sizeof(f.text), "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(f.text, sizeof(f.text), "exit code %d (a sanitizer's report?)", WEXITSTATUS(status));
    return f;
}

/* ---- smaller ---------------------------------------------------------------------------------------------------- */

/* What comes after a number, hexadecimal with 0x or decimal, if there is one. */
static const char *skip_number(const char *s)
{
    if (s[0] == '0' && s[1] == 'x')
        return s + 2 + strspn(s + 2, "0123456789abcdef");
    return s + strspn(s, "0123456789");
}

/* Numbers aside. */
static bool same_text(const char *a, const char *b)
{
    for (;;) {
        a = skip_number(a);
        b = skip_number(b);
        if (*a != *b)
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

struct shrinking {
    const struct prop_kit *kit;
    const void *k;
    struct prop_op *ops, *candidate;
    unsigned n, tries_left;
    struct prop_failure *f;
};

/* The candidate of m operations becomes the case, if it fails alike. */
static bool take(struct shrinking *s, unsigned m)
{
    if (!s->tries_left)
        return false;
    s->tries_left--;
    struct prop_failure f = prop_try(s->kit, s->k, s->candidate, m, false);
    if (!f.failed || !same_text(f.text, s->f->text))
        return false;
    *s->f = f;
    s->n = f.at + 1 < m ? f.at + 1 : m; /* what comes after the failure does not count */
    memcpy(s->ops, s->candidate, s->n * sizeof(*s->ops));
    return true;
}

/* Leave out the operations [at, at + len). */
static bool leave_out(struct shrinking *s, unsigned at, unsigned len)
{
    unsigned rest = s->n - at - len;
    memcpy(s->candidate, s->ops, at * sizeof(*s->ops));
    memcpy(s->candidate + at, s->ops + at + len, rest * sizeof(*s->ops));
    return take(s, at + rest);
}

static bool leave_out_chunks(struct shrinking *s)
{
    bool smaller = false;
    for (unsigned len = s->n / 2; len; len /= 2)
        for (unsigned end = s->n; end > 0 && s->tries_left;) {
            unsigned at = end > len ? end - len : 0;
            if (leave_out(s, at, end - at))
                smaller = true;
            end = at < s->n ? at : s->n;
        }
    return smaller;
}

static bool smaller_number(struct shrinking *s, unsigned i, uint32_t *field_of_candidate, uint32_t value)
{
    const uint32_t tries[] = {0, 1, value / 16, value / 2, value - 1};
    for (unsigned t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
        if (tries[t] >= value)
            continue;
        *field_of_candidate = tries[t];
        if (take(s, s->n))
            return true;
    }
    *field_of_candidate = value;
    (void)i;
    return false;
}

static bool smaller_arguments(struct shrinking *s)
{
    bool smaller = false;
    memcpy(s->candidate, s->ops, s->n * sizeof(*s->ops));
    for (unsigned i = 0; i < s->n && s->tries_left; i++) {
        for (unsigned j = 0; j < 4 && i < s->n; j++)
            while (i < s->n && s->tries_left && smaller_number(s, i, &s->candidate[i].arg[j], s->ops[i].arg[j]))
                smaller = true;
        if (i < s->n && s->ops[i].mode != s->kit->simplest_mode) {
            uint32_t mode = s->ops[i].mode;
            s->candidate[i].mode = s->kit->simplest_mode;
            if (take(s, s->n))
                smaller = true;
            else
                s->candidate[i].mode = mode;
        }
    }
    return smaller;
}

unsigned prop_shrink(const struct prop_kit *kit, const void *k, struct prop_op *ops, unsigned n, struct prop_failure *f,
                     unsigned max_tries)
{
    struct shrinking s = {.kit = kit, .k = k, .ops = ops, .n = n, .tries_left = max_tries, .f = f};

    s.candidate = malloc((n ? n : 1) * sizeof(*ops));
    if (!s.candidate)
        abort();
    if (f->at + 1 < n)
        s.n = f->at + 1;
    while (leave_out_chunks(&s))
        ;
    if (smaller_arguments(&s))
        while (leave_out_chunks(&s))
            ;
    free(s.candidate);
    return s.n;
}
