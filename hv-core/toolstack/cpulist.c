/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU lists as xl.cfg writes them. One reader for both grammars (toolstack.h); the level decides when exclusions apply
 * and which words exist. xl skips empty items ("1,,2"); here they are mistakes.
 */
#include "internal.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const struct hv_profile *level;
    const char *text, *p;
    unsigned nr_cpus, nr_nodes;
    const node_id *cpu_node;
    bool exclusions_last;
    cpumask_t *out;
    cpumask_t excluded;
    char *err;
    size_t errlen;
    unsigned *column;
};

static int mistake(struct reader *r, const char *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int mistake(struct reader *r, const char *at, const char *fmt, ...)
{
    if (r->err && r->errlen) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(r->err, r->errlen, fmt, ap);
        va_end(ap);
    }
    if (r->column)
        *r->column = (unsigned)(at - r->text) + 1;
    return -1;
}

static void skip_blanks(struct reader *r)
{
    while (*r->p == ' ' || *r->p == '\t')
        r->p++;
}

static int read_number(struct reader *r, unsigned limit, const char *what, unsigned *out)
{
    const char *at = r->p;
    if (!isdigit((unsigned char)*at)) {
        if (!*at)
            return mistake(r, at, "expected a %s number at the end of the list", what);
        return mistake(r, at, "expected a %s number, found '%c'", what, *at);
    }
    uint64_t n = 0;
    for (; isdigit((unsigned char)*r->p); r->p++)
        if (n <= UINT32_MAX)
            n = n * 10 + (unsigned)(*r->p - '0');
    if (n >= limit)
        return mistake(r, at, "%s %.*s does not exist, the host has 0-%u", what, (int)(r->p - at), at, limit - 1);
    *out = (unsigned)n;
    return 0;
}

static void apply_cpu(struct reader *r, unsigned cpu, bool exclude)
{
    if (!exclude)
        cpumask_set(r->out, pcpu(cpu));
    else if (r->exclusions_last)
        cpumask_set(&r->excluded, pcpu(cpu));
    else
        cpumask_clear(r->out, pcpu(cpu));
}

static void apply(struct reader *r, unsigned first, unsigned last, bool nodes, bool exclude)
{
    if (!nodes) {
        for (unsigned c = first; c <= last; c++)
            apply_cpu(r, c, exclude);
        return;
    }
    for (unsigned c = 0; c < r->nr_cpus; c++)
        if (node_valid(r->cpu_node[c]) && r->cpu_node[c].n >= first && r->cpu_node[c].n <= last)
            apply_cpu(r, c, exclude);
}

/* N or N-M */
static int read_range(struct reader *r, bool nodes, bool exclude)
{
    unsigned limit = nodes ? r->nr_nodes : r->nr_cpus;
    const char *what = nodes ? "node" : "CPU", *at = r->p;
    unsigned first = 0, last;
    if (read_number(r, limit, what, &first))
        return -1;
    last = first;
    skip_blanks(r);
    if (*r->p == '-') {
        r->p++;
        skip_blanks(r);
        if (read_number(r, limit, what, &last))
            return -1;
        if (last < first)
            return mistake(r, at, "range %u-%u runs backwards", first, last);
    }
    apply(r, first, last, nodes, exclude);
    return 0;
}

static bool is_word(const char *at, size_t n, const char *word)
{
    return strlen(word) == n && memcmp(at, word, n) == 0;
}

/* An item that begins with a letter. */
static int read_word(struct reader *r, bool exclude)
{
    const char *at = r->p;
    size_t n = 0;
    while (isalpha((unsigned char)at[n]))
        n++;
    if (is_word(at, n, "all")) {
        if (r->exclusions_last)
            return mistake(r, at, "'all' stands alone at level %s", r->level->name);
        if (exclude)
            return mistake(r, at, "'^all' would leave nothing");
        r->p += n;
        apply(r, 0, r->nr_cpus - 1, false, false);
        return 0;
    }
    if ((is_word(at, n, "node") || is_word(at, n, "nodes")) && at[n] == ':') {
        if (r->exclusions_last)
            return mistake(r, at, "'%.*s:' does not exist at level %s (Xen has it from 4.4 on)", (int)n, at,
                           r->level->name);
        if (!r->cpu_node)
            return mistake(r, at, "'%.*s:' needs the host's nodes, which are not known here", (int)n, at);
        r->p += n + 1;
        return read_range(r, true, exclude);
    }
    return mistake(r, at, "unknown word '%.*s', expected a CPU number%s", (int)n, at,
                   r->exclusions_last ? " or range" : ", 'all' or 'nodes:'");
}

static int read_item(struct reader *r)
{
    skip_blanks(r);
    const char *at = r->p;
    if (*at == ',' || !*at)
        return mistake(r, at, "empty item, expected a CPU number or range");
    bool exclude = *at == '^';
    if (exclude) {
        r->p++;
        skip_blanks(r);
    }
    int rc = isalpha((unsigned char)*r->p) ? read_word(r, exclude) : read_range(r, false, exclude);
    if (rc)
        return rc;
    skip_blanks(r);
    if (*r->p && *r->p != ',')
        return mistake(r, r->p, "unexpected '%c', expected ',' or the end of the list", *r->p);
    return 0;
}

static bool mask_is_empty(const cpumask_t *m)
{
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        if (m->w[i])
            return false;
    return true;
}

static struct reader reader_of(const struct hv_profile *level, const char *text, unsigned nr_cpus,
                               const node_id *cpu_node, cpumask_t *out, char *err, size_t errlen, unsigned *column)
{
    struct reader r = {.level = level,
                       .text = text,
                       .p = text,
                       .nr_cpus = nr_cpus,
                       .cpu_node = cpu_node,
                       .exclusions_last = level->quirk[HV_QUIRK_cpulist_exclusions_last],
                       .out = out,
                       .err = err,
                       .errlen = errlen,
                       .column = column};
    for (unsigned c = 0; cpu_node && c < nr_cpus; c++)
        if (node_valid(cpu_node[c]) && cpu_node[c].n >= r.nr_nodes)
            r.nr_nodes = cpu_node[c].n + 1u;
    memset(out, 0, sizeof *out);
    return r;
}

/* The 4.3 grammar knows "all" as the whole string only. */
static bool is_lone_all(const char *text)
{
    size_t lead = strspn(text, " \t");
    return strncmp(text + lead, "all", 3) == 0 && text[lead + 3 + strspn(text + lead + 3, " \t")] == '\0';
}

static int read_list(const struct hv_profile *level, const char *text, unsigned nr_cpus, const node_id *cpu_node,
                     bool may_be_empty, cpumask_t *out, char *err, size_t errlen, unsigned *column)
{
    struct reader r = reader_of(level, text, nr_cpus, cpu_node, out, err, errlen, column);
    if (nr_cpus == 0 || nr_cpus > HV_MAX_PCPUS)
        return mistake(&r, text, "a host has 1 to %u pCPUs, not %u", HV_MAX_PCPUS, nr_cpus);
    if (is_lone_all(text)) {
        apply(&r, 0, nr_cpus - 1, false, false);
        return 0;
    }
    for (;;) {
        if (read_item(&r))
            return -1;
        if (!*r.p)
            break;
        r.p++;
    }
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        out->w[i] &= ~r.excluded.w[i];
    if (!may_be_empty && mask_is_empty(out))
        return mistake(&r, text, "the list leaves no CPU");
    return 0;
}

int ts_cpulist_parse_nodes(const struct hv_profile *level, const char *text, unsigned nr_cpus, const node_id *cpu_node,
                           cpumask_t *out, char *err, size_t errlen, unsigned *column)
{
    return read_list(level, text, nr_cpus, cpu_node, false, out, err, errlen, column);
}

int ts_cpulist_parse_any(const struct hv_profile *level, const char *text, unsigned nr_cpus, const node_id *cpu_node,
                         cpumask_t *out, char *err, size_t errlen, unsigned *column)
{
    return read_list(level, text, nr_cpus, cpu_node, true, out, err, errlen, column);
}

int ts_cpulist_parse(const struct hv_profile *level, const char *text, unsigned nr_cpus, cpumask_t *out, char *err,
                     size_t errlen, unsigned *column)
{
    return ts_cpulist_parse_nodes(level, text, nr_cpus, NULL, out, err, errlen, column);
}

int ts_cpulist_parse_entry(const struct hv_profile *level, const char *text, unsigned nr_cpus, const node_id *cpu_node,
                           cpumask_t *out, char *err, size_t errlen, unsigned *column)
{
    if (!level->quirk[HV_QUIRK_cpus_list_single])
        return ts_cpulist_parse_nodes(level, text, nr_cpus, cpu_node, out, err, errlen, column);

    struct reader r = reader_of(level, text, nr_cpus, cpu_node, out, err, errlen, column);
    unsigned cpu = 0;
    skip_blanks(&r);
    if (read_number(&r, nr_cpus, "CPU", &cpu))
        return -1;
    skip_blanks(&r);
    if (*r.p)
        return mistake(&r, r.p, "unexpected '%c', an entry is one CPU number at level %s", *r.p, level->name);
    cpumask_set(out, pcpu(cpu));
    return 0;
}
