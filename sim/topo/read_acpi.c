/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables as acpidump has them: SRAT (who is in which proximity domain) and SLIT (distances); APIC (which
 * processors are there) and PPTT (packages, cores, caches) if they come along. Layouts: ACPI specification 6.4,
 * chapter 5.
 */
#include "topo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 36u
#define MAX_TABLES 256u

struct table {
    char sig[5];
    size_t at; /* where it begins in what was read, for messages */
    const uint8_t *data;
    uint32_t size;
};

/* A processor, before it becomes a CPU. */
struct proc {
    uint32_t apic;  /* APIC or GICC interface: what SRAT calls it */
    uint32_t uid;   /* what PPTT calls it */
    uint32_t order; /* as the tables list it */
    uint32_t domain;
    bool in_srat, in_madt, usable;
    unsigned package, core;                /* as PPTT has them: its offsets; TOPO_NONE: unknown */
    unsigned cache[TOPO_MAX_CACHE_LEVELS]; /* by level, PPTT's offsets of data or unified ones; 0: none */
};

struct reader {
    const char *name;
    struct fault *f;
    uint8_t *raw; /* of acpidump's text */
    struct table table[MAX_TABLES];
    unsigned nr_tables;
    struct proc *proc;
    unsigned nr_procs;
    bool arm, has_madt, has_pptt;
    uint32_t domain[TOPO_MAX_NODES]; /* ascending */
    unsigned nr_domains;
    struct topo *t;
};

static uint32_t le(const uint8_t *p, unsigned bytes)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint32_t)p[i] << 8 * i;
    return v;
}

static uint64_t le64(const uint8_t *p)
{
    return le(p, 4) | (uint64_t)le(p + 4, 4) << 32;
}

/* ---- tables ---------------------------------------------------------------------------------------------------------
 */

/* One table at data[at]; its size, 0 with *f. */
static uint32_t take_table(struct reader *r, const uint8_t *data, size_t size, size_t at)
{
    char sig[5] = {0};
    for (unsigned i = 0; i < 4 && at + i < size; i++)
        sig[i] = isalnum(data[at + i]) || data[at + i] == '_' || data[at + i] == '!' ? (char)data[at + i] : '?';
    if (size - at < HEADER || strchr(sig, '?')) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: no ACPI table at byte %zu", r->name, at);
        return 0;
    }
    uint32_t length = le(data + at + 4, 4);
    uint8_t sum = 0;
    if (length < HEADER || length > size - at) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: table %s at byte %zu: length %u, but %zu bytes are there", r->name, sig,
                  at, length, size - at);
        return 0;
    }
    for (uint32_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + data[at + i]);
    if (sum) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: table %s at byte %zu: its checksum is wrong", r->name, sig, at);
        return 0;
    }
    if (r->nr_tables == MAX_TABLES) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: more than %u tables", r->name, MAX_TABLES);
        return 0;
    }
    struct table *t = &r->table[r->nr_tables++];
    *t = (struct table){.at = at, .data = data + at, .size = length};
    memcpy(t->sig, sig, sizeof(sig));
    return length;
}

/* Binary tables one behind the other. */
static void take_binary(struct reader *r, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && r->f->code == EXIT_DONE;) {
        uint32_t n = take_table(r, data, size, at);
        at += n ? n : size;
    }
}

/* The bytes of a line of a dump, "  0000: 53 52 ...  SR..": up to 16. False: no such line. */
static bool dump_line(const char *line, const char *end, uint8_t *out, unsigned *n)
{
    const char *c = line;
    *n = 0;
    while (c < end && (*c == ' ' || *c == '\t'))
        c++;
    const char *digits = c;
    while (c < end && isxdigit((unsigned char)*c))
        c++;
    if (c == digits || c == end || *c++ != ':')
        return false;
    while (*n < 16 && c < end && *c == ' ' && end - c >= 3 && isxdigit((unsigned char)c[1]) &&
           isxdigit((unsigned char)c[2])) {
        char hex[3] = {c[1], c[2], 0};
        out[(*n)++] = (uint8_t)strtoul(hex, NULL, 16);
        c += 3;
    }
    return *n > 0;
}

/* acpidump's text: a line "SRAT @ 0x...", then lines of bytes. */
static void take_text(struct reader *r, const char *text, size_t size)
{
    size_t used = 0, begins = 0;
    if (!(r->raw = malloc(size / 2 + 16))) { /* three characters a byte at least */
        fault_set(r->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    for (const char *line = text, *end; line < text + size && r->f->code == EXIT_DONE; line = end + 1) {
        unsigned n;
        end = memchr(line, '\n', (size_t)(text + size - line));
        end = end ? end : text + size;
        if (dump_line(line, end, r->raw + used, &n)) {
            used += n;
            continue;
        }
        if (used > begins)
            take_table(r, r->raw, used, begins);
        begins = used;
    }
    if (used > begins && r->f->code == EXIT_DONE)
        take_table(r, r->raw, used, begins);
}

static const struct table *find(const struct reader *r, const char *sig)
{
    const struct table *found = NULL;
    for (unsigned i = 0; i < r->nr_tables; i++) {
        if (strcmp(r->table[i].sig, sig) != 0)
            continue;
        if (found)
            fault_set(r->f, EXIT_BAD_INPUT, "%s: a second table %s at byte %zu", r->name, sig, r->table[i].at);
        found = &r->table[i];
    }
    return found;
}

/* The entry at *at of a table of entries that begin with type and length; NULL: the end, or *f. */
static const uint8_t *next_entry(struct reader *r, const struct table *t, uint32_t *at)
{
    if (*at >= t->size || r->f->code != EXIT_DONE)
        return NULL;
    const uint8_t *e = t->data + *at;
    uint32_t left = t->size - *at, size = left < 2 ? 0 : e[1];
    if (size < 2 || size > left) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: %s: entry at its byte %u has %u bytes, %u are left", r->name, t->sig, *at,
                  size, left);
        return NULL;
    }
    *at += size;
    return e;
}

/* An entry of that type is long enough. */
static bool long_enough(struct reader *r, const struct table *t, const uint8_t *e, unsigned least)
{
    if (e[1] >= least)
        return true;
    fault_set(r->f, EXIT_BAD_INPUT, "%s: %s: entry of type %u at its byte %zu has %u bytes, expected %u", r->name,
              t->sig, e[0], (size_t)(e - t->data), e[1], least);
    return false;
}

/* ---- processors -----------------------------------------------------------------------------------------------------
 */

static struct proc *proc_of(struct reader *r, uint32_t apic)
{
    for (unsigned i = 0; i < r->nr_procs; i++)
        if (r->proc[i].apic == apic)
            return &r->proc[i];
    if (r->nr_procs == 2 * TOPO_MAX_CPUS) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: more than %u processors", r->name, 2 * TOPO_MAX_CPUS);
        return NULL;
    }
    struct proc *p = &r->proc[r->nr_procs];
    *p = (struct proc){.apic = apic, .uid = apic, .order = r->nr_procs, .package = TOPO_NONE, .core = TOPO_NONE};
    r->nr_procs++;
    return p;
}

static void read_madt(struct reader *r, const struct table *t)
{
    uint32_t at = HEADER + 8;
    const uint8_t *e;
    r->has_madt = true;
    if (t->size < HEADER + 8) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: APIC: %u bytes are too few", r->name, t->size);
        return;
    }
    while ((e = next_entry(r, t, &at))) {
        uint32_t apic, uid, flags;
        if (e[0] == 0 && long_enough(r, t, e, 8)) {
            apic = e[3], uid = e[2], flags = le(e + 4, 4);
            if (apic == 0xff) /* a slot without a processor */
                continue;
        } else if (e[0] == 9 && long_enough(r, t, e, 16)) {
            apic = le(e + 4, 4), uid = le(e + 12, 4), flags = le(e + 8, 4);
            if (apic == UINT32_MAX)
                continue;
        } else if (e[0] == 11 && long_enough(r, t, e, 40)) {
            r->arm = true; /* SRAT knows these by their UID */
            uid = apic = le(e + 8, 4), flags = le(e + 12, 4);
        } else {
            continue;
        }
        unsigned before = r->nr_procs;
        struct proc *p = proc_of(r, apic);
        if (!p)
            return;
        if (before == r->nr_procs) {
            if (p->in_madt && p->usable && (flags & 1))
                fault_set(r->f, EXIT_BAD_INPUT, "%s: APIC: processor with id %u is there twice", r->name, apic);
            if (!(flags & 1))
                continue;
        }
        p->uid = uid;
        p->in_madt = true;
        p->usable = flags & 1;
    }
}

static void put_in_domain(struct reader *r, uint32_t apic, uint32_t domain)
{
    struct proc *p = proc_of(r, apic);
    if (!p)
        return;
    if (p->in_srat && p->domain != domain)
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SRAT: CPU with id %u is in nodes %u and %u", r->name, apic, p->domain,
                  domain);
    p->in_srat = true;
    p->domain = domain;
    if (!r->has_madt)
        p->usable = true;
}

static void note_domain(struct reader *r, uint32_t domain)
{
    unsigned i = 0;
    while (i < r->nr_domains && r->domain[i] < domain)
        i++;
    if (i < r->nr_domains && r->domain[i] == domain)
        return;
    if (r->nr_domains == TOPO_MAX_NODES) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SRAT: more than %u nodes", r->name, TOPO_MAX_NODES);
        return;
    }
    memmove(&r->domain[i + 1], &r->domain[i], (r->nr_domains - i) * sizeof(r->domain[0]));
    r->domain[i] = domain;
    r->nr_domains++;
}

/* What an entry of the SRAT puts into a domain: a CPU, memory, or nothing that we know. */
enum affinity { AFFINITY_NONE, AFFINITY_CPU, AFFINITY_MEMORY };

static enum affinity decode(struct reader *r, const struct table *t, const uint8_t *e, uint32_t *domain, uint32_t *apic)
{
    switch (e[0]) {
    case 0:
        if (!long_enough(r, t, e, 16) || !(le(e + 4, 4) & 1))
            return AFFINITY_NONE;
        *domain = e[2] | le(e + 9, 3) << 8;
        *apic = e[3];
        return AFFINITY_CPU;
    case 1:
        if (!long_enough(r, t, e, 40) || !(le(e + 28, 4) & 1))
            return AFFINITY_NONE;
        *domain = le(e + 2, 4);
        return AFFINITY_MEMORY;
    case 2:
        if (!long_enough(r, t, e, 24) || !(le(e + 12, 4) & 1))
            return AFFINITY_NONE;
        *domain = le(e + 4, 4);
        *apic = le(e + 8, 4);
        return AFFINITY_CPU;
    case 3:
        if (!long_enough(r, t, e, 18) || !(le(e + 10, 4) & 1))
            return AFFINITY_NONE;
        r->arm = true;
        *domain = le(e + 2, 4);
        *apic = le(e + 6, 4);
        return AFFINITY_CPU;
    default:
        return AFFINITY_NONE;
    }
}

static unsigned node_of(const struct reader *r, uint32_t domain)
{
    for (unsigned i = 0; i < r->nr_domains; i++)
        if (r->domain[i] == domain)
            return i;
    return TOPO_NONE;
}

static void add_memory(struct reader *r, const uint8_t *e, uint32_t domain)
{
    uint64_t base = le64(e + 8), length = le64(e + 16);
    struct topo_node *n = &r->t->node[node_of(r, domain)];
    if (!length)
        return;
    if (base + length < base || base + length > UINT64_C(1) << 52) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SRAT: memory of node %u at 0x%llx ends beyond 52 bits", r->name, domain,
                  (unsigned long long)base);
        return;
    }
    if (le(e + 28, 4) & 2)
        topo_note(r->t, "memory of node %u at 0x%llx may be plugged in later: taken as there", domain,
                  (unsigned long long)base);
    struct fault inner = {0};
    if (!topo_add_range(n, base, base + length, &inner))
        fault_set(r->f, inner.code, "%s: SRAT: %s", r->name, inner.text);
}

static int by_start(const void *a, const void *b)
{
    const struct topo_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* Twice: first which domains there are, then what is in them. */
static void read_srat(struct reader *r, const struct table *t)
{
    uint32_t domain = 0, apic = 0;
    const uint8_t *e;
    if (t->size < HEADER + 12) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SRAT: %u bytes are too few", r->name, t->size);
        return;
    }
    for (uint32_t at = HEADER + 12; (e = next_entry(r, t, &at));)
        if (decode(r, t, e, &domain, &apic) != AFFINITY_NONE)
            note_domain(r, domain);
    for (unsigned i = 0; i < r->nr_domains && r->f->code == EXIT_DONE; i++) {
        struct topo_node *n = topo_add_node(r->t, r->f);
        if (n)
            n->os = r->domain[i];
    }
    for (uint32_t at = HEADER + 12; (e = next_entry(r, t, &at));) {
        enum affinity a = decode(r, t, e, &domain, &apic);
        if (a == AFFINITY_CPU)
            put_in_domain(r, apic, domain);
        else if (a == AFFINITY_MEMORY)
            add_memory(r, e, domain);
    }
    for (unsigned n = 0; n < r->t->nr_nodes; n++)
        if (r->t->node[n].nr_ranges)
            qsort(r->t->node[n].range, r->t->node[n].nr_ranges, sizeof(struct topo_range), by_start);
}

static void read_slit(struct reader *r, const struct table *t)
{
    uint64_t n = t->size < HEADER + 8 ? 0 : le64(t->data + HEADER);
    unsigned nodes = r->t->nr_nodes;
    if (!n || n > 65536 || n * n != t->size - HEADER - 8) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SLIT: %llu localities and %u bytes of distances: expected a square",
                  r->name, (unsigned long long)n, t->size < HEADER + 8 ? 0 : t->size - HEADER - 8);
        return;
    }
    if (r->nr_domains && r->domain[r->nr_domains - 1] >= n) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SLIT: %llu localities, but SRAT has a node %u", r->name,
                  (unsigned long long)n, r->domain[r->nr_domains - 1]);
        return;
    }
    if (!(r->t->distance = calloc((size_t)nodes * nodes + 1, sizeof(unsigned)))) {
        fault_set(r->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    for (unsigned a = 0; a < nodes; a++)
        for (unsigned b = 0; b < nodes; b++)
            r->t->distance[a * nodes + b] = t->data[HEADER + 8 + r->domain[a] * n + r->domain[b]];
}

/* ---- PPTT: packages, cores, caches ----------------------------------------------------------------------------------
 */

#define PPTT_PACKAGE 1u
#define PPTT_THREAD 4u
#define PPTT_LEAF 8u

/* The entry of that type at an offset that another one names; NULL with *f. */
static const uint8_t *pptt_at(struct reader *r, const struct table *t, uint32_t at, uint8_t type)
{
    const unsigned least = type == 0 ? 20 : 24;
    if (at >= HEADER && at < t->size && t->size - at >= least && t->data[at] == type && t->data[at + 1] >= least &&
        t->data[at + 1] <= t->size - at)
        return t->data + at;
    fault_set(r->f, EXIT_BAD_INPUT, "%s: PPTT: an entry refers to byte %u, where there is none of that kind", r->name,
              at);
    return NULL;
}

/* Data and unified caches of a hierarchy node, with all behind them; *level of the next one. */
static void take_caches(struct reader *r, const struct table *t, const uint8_t *node, struct proc *p, unsigned *level)
{
    unsigned own = le(node + 16, 4);
    if (own > (node[1] - 20u) / 4) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: PPTT: entry at byte %zu has %u resources in %u bytes", r->name,
                  (size_t)(node - t->data), own, node[1]);
        return;
    }
    for (unsigned i = 0; i < own; i++) {
        uint32_t at = le(node + 20 + 4 * i, 4);
        unsigned steps = 0;
        while (at && r->f->code == EXIT_DONE) {
            if (at < t->size && t->data[at] != 1)
                break; /* some other resource */
            const uint8_t *c = pptt_at(r, t, at, 1);
            if (!c)
                return;
            if (++steps > 16) {
                fault_set(r->f, EXIT_BAD_INPUT, "%s: PPTT: cycle in the cache tree at byte %u", r->name, at);
                return;
            }
            bool instruction = (le(c + 4, 4) & 0x10) && ((c[21] >> 2) & 3) == 1;
            if (!instruction && *level < TOPO_MAX_CACHE_LEVELS)
                p->cache[(*level)++] = at;
            at = le(c + 8, 4);
        }
    }
}

/* From a leaf up to its package. */
static void climb(struct reader *r, const struct table *t, const uint8_t *leaf, struct proc *p)
{
    const uint8_t *e = leaf;
    unsigned level = 0;
    p->core = (unsigned)(leaf - t->data);
    for (unsigned steps = 0; e && r->f->code == EXIT_DONE; steps++) {
        uint32_t flags = le(e + 4, 4), parent = le(e + 8, 4);
        if (steps > 32) {
            fault_set(r->f, EXIT_BAD_INPUT, "%s: PPTT: cycle of parents at byte %zu", r->name, (size_t)(e - t->data));
            return;
        }
        take_caches(r, t, e, p, &level);
        if (flags & PPTT_THREAD)
            p->core = parent;
        if ((flags & PPTT_PACKAGE) || !parent) {
            p->package = (unsigned)(e - t->data);
            if (flags & PPTT_PACKAGE)
                return;
        }
        e = parent ? pptt_at(r, t, parent, 0) : NULL;
    }
}

static struct proc *proc_by_uid(struct reader *r, uint32_t uid)
{
    for (unsigned i = 0; i < r->nr_procs; i++)
        if (r->proc[i].uid == uid)
            return &r->proc[i];
    return NULL;
}

static void read_pptt(struct reader *r, const struct table *t)
{
    const uint8_t *e;
    r->has_pptt = true;
    for (uint32_t at = HEADER; (e = next_entry(r, t, &at));) {
        if (e[0] != 0 || !long_enough(r, t, e, 20))
            continue;
        uint32_t flags = le(e + 4, 4);
        struct proc *p = (flags & PPTT_LEAF) || (flags & 2) ? proc_by_uid(r, le(e + 12, 4)) : NULL;
        /* Before revision 2 leaves were not marked; a valid id of a processor that is no package is one. */
        if (p && !(flags & PPTT_PACKAGE && !(flags & PPTT_LEAF)))
            climb(r, t, e, p);
    }
}

static bool add_caches(struct reader *r, const struct table *pptt)
{
    for (unsigned level = 0; level < TOPO_MAX_CACHE_LEVELS; level++)
        for (unsigned i = 0; i < r->nr_procs; i++) {
            uint32_t at = r->proc[i].cache[level];
            bool first = at != 0;
            for (unsigned k = 0; k < i && first; k++)
                first = r->proc[k].cache[level] != at;
            if (!first)
                continue;
            const uint8_t *e = pptt->data + at;
            struct topo_cache *c = topo_add_cache(r->t, r->f);
            if (!c)
                return false;
            uint32_t valid = le(e + 4, 4);
            c->level = level + 1;
            c->type = (valid & 0x10) && ((e[21] >> 2) & 3) == 0 ? TOPO_CACHE_DATA : TOPO_CACHE_UNIFIED;
            c->size = valid & 1 ? le(e + 12, 4) : 0;
            c->ways = valid & 4 ? e[20] : 0;
            c->line = valid & 0x40 ? le(e + 22, 2) : 0;
            for (unsigned k = 0; k < r->nr_procs; k++)
                if (r->proc[k].cache[level] == at)
                    topo_set_add(&c->cpus, k);
        }
    return true;
}

/* ---- together
 * -------------------------------------------------------------------------------------------------------- */

/* Only usable processors, those without a PPTT one package a node, all in order. */
static int by_place(const void *a, const void *b)
{
    const struct proc *x = a, *y = b;
    if (x->package != y->package)
        return x->package < y->package ? -1 : 1;
    if (x->core != y->core)
        return x->core < y->core ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void choose_procs(struct reader *r)
{
    unsigned kept = 0, off = 0, most = UINT32_MAX;
    for (unsigned i = 0; i < r->nr_procs; i++) {
        struct proc p = r->proc[i];
        if (!p.usable || !p.in_srat) {
            off += p.in_srat || p.in_madt;
            continue;
        }
        if (p.package == TOPO_NONE)
            p.package = node_of(r, p.domain);
        if (p.core == TOPO_NONE)
            p.core = most - 2 * TOPO_MAX_CPUS + p.order;
        r->proc[kept++] = p;
    }
    r->nr_procs = kept;
    if (kept)
        qsort(r->proc, kept, sizeof(*r->proc), by_place);
    if (off)
        topo_note(r->t, "%u processors are disabled or in no node: left out", off);
    if (!r->has_pptt) {
        r->t->packages_unknown = true;
        topo_note(r->t, "SRAT tells neither cores nor threads: each processor is a core; each node a package");
    }
}

/* Numbers 0.. for PPTT's offsets, in order. */
static void add_cpus(struct reader *r)
{
    unsigned package = 0, core = 0;
    for (unsigned i = 0; i < r->nr_procs; i++) {
        const struct proc *p = &r->proc[i];
        struct topo_cpu *c = topo_add_cpu(r->t, r->f);
        if (!c)
            return;
        package += i && p->package != p[-1].package;
        core += i && (p->core != p[-1].core || p->package != p[-1].package);
        *c = (struct topo_cpu){.os = p->order, .package = package, .core = core, .node = node_of(r, p->domain)};
    }
}

static void read_all(struct reader *r)
{
    const struct table *srat = find(r, "SRAT"), *slit = find(r, "SLIT"), *madt = find(r, "APIC"),
                       *pptt = find(r, "PPTT");
    if (r->f->code != EXIT_DONE)
        return;
    if (!srat) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: no SRAT in it: expected ACPI tables of a machine with memory nodes",
                  r->name);
        return;
    }
    if (madt)
        read_madt(r, madt);
    if (r->f->code == EXIT_DONE)
        read_srat(r, srat);
    if (slit && r->f->code == EXIT_DONE)
        read_slit(r, slit);
    if (pptt && r->f->code == EXIT_DONE)
        read_pptt(r, pptt);
    if (r->f->code != EXIT_DONE)
        return;
    snprintf(r->t->isa, sizeof(r->t->isa), "%s", r->arm ? "aarch64" : "x86-64");
    choose_procs(r);
    struct fault inner = {0};
    struct fault *f = r->f;
    r->f = &inner;
    if (r->nr_procs > TOPO_MAX_CPUS)
        fault_set(&inner, EXIT_BAD_INPUT, "more than %u processors", TOPO_MAX_CPUS);
    else
        add_cpus(r);
    if (inner.code == EXIT_DONE && pptt)
        add_caches(r, pptt);
    if (inner.code == EXIT_DONE)
        topo_check(r->t, &inner);
    r->f = f;
    if (inner.code != EXIT_DONE)
        fault_set(f, inner.code, "%s: %s", r->name, inner.text);
}

struct topo *topo_read_acpi(const char *data, size_t size, const char *name, struct fault *f)
{
    char source[512];
    struct reader *r = calloc(1, sizeof(*r));
    struct topo *t;

    snprintf(source, sizeof(source), "ACPI tables %s", name);
    t = topo_new(source);
    if (!r || !t || !(r->proc = malloc(2 * TOPO_MAX_CPUS * sizeof(*r->proc)))) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    } else {
        r->name = name;
        r->f = f;
        r->t = t;
        if (memmem(data, size, ": ", 2) && memmem(data, size, " @ 0x", 5))
            take_text(r, data, size);
        else
            take_binary(r, (const uint8_t *)data, size);
        if (f->code == EXIT_DONE)
            read_all(r);
    }
    if (r) {
        free(r->proc);
        free(r->raw);
    }
    free(r);
    if (f->code != EXIT_DONE) {
        topo_free(t);
        return NULL;
    }
    return t;
}
