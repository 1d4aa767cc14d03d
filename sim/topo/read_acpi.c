/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables as acpidump has them: SRAT (who is in which proximity domain) and SLIT (distances); APIC (which
 * processors are there), PPTT (packages, cores, caches) and HMAT (latencies, bandwidths) if they come along. Layouts:
 * ACPI specification 6.4, chapter 5.
 */
#include "acpi.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[ACPI_TABLES] = {"SRAT", "SLIT", "APIC", "PPTT", "HMAT"};

/* ---- tables ---------------------------------------------------------------------------------------------------------
 */

/*
 * The table at data, of which size bytes are there; its length, 0 with the fault. unit and at say where that is. What
 * is none of ours is passed over: FACS and RSDP have neither checksum nor header.
 */
static uint32_t take_table(struct acpi_reader *r, const uint8_t *data, size_t size, const char *unit, size_t at)
{
    unsigned which = 0;
    uint8_t sum = 0;
    while (which < ACPI_TABLES && (size < 4 || memcmp(data, names[which], 4) != 0))
        which++;
    uint32_t length = size < 8 ? 0 : acpi_le(data + 4, 4);
    if (length < 8 || length > size || (which < ACPI_TABLES && length < ACPI_HEADER)) {
        fault_set(r->f, EXIT_BAD_INPUT,
                  "%s: %s at %s %zu: expected an ACPI table, found a length of %u with %zu bytes there", r->name,
                  which < ACPI_TABLES ? names[which] : "table", unit, at, length, size);
        return 0;
    }
    if (which == ACPI_TABLES)
        return length;
    for (uint32_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + data[i]);
    if (sum)
        fault_set(r->f, EXIT_BAD_INPUT, "%s: table %s at %s %zu: its checksum is wrong", r->name, names[which], unit,
                  at);
    else if (r->table[which].data)
        fault_set(r->f, EXIT_BAD_INPUT, "%s: a second table %s at %s %zu", r->name, names[which], unit, at);
    r->table[which] = (struct acpi_table){names[which], data, length};
    return length;
}

/* Binary tables one behind the other. */
static void take_binary(struct acpi_reader *r, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && r->f->code == EXIT_DONE;) {
        uint32_t n = take_table(r, data + at, size - at, "byte", at);
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

/* One block of a dump. RSDP's begins with "RSD PTR ", and its length is elsewhere. */
static void take_block(struct acpi_reader *r, const uint8_t *data, size_t size, size_t line)
{
    if (size >= 8 && !memcmp(data, "RSD PTR ", 8))
        return;
    if (size)
        take_table(r, data, size, "line", line);
}

/* acpidump's text: a line "SRAT @ 0x...", then lines of bytes. */
static void take_text(struct acpi_reader *r, const char *text, size_t size)
{
    size_t used = 0, begins = 0, number = 0, block = 0;
    if (!(r->raw = malloc(size / 2 + 16))) { /* three characters a byte at least */
        fault_set(r->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    for (const char *line = text, *end; line < text + size && r->f->code == EXIT_DONE; line = end + 1) {
        unsigned n;
        number++;
        end = memchr(line, '\n', (size_t)(text + size - line));
        end = end ? end : text + size;
        if (dump_line(line, end, r->raw + used, &n)) {
            used += n;
            continue;
        }
        take_block(r, r->raw + begins, used - begins, block);
        begins = used;
        block = number;
    }
    if (r->f->code == EXIT_DONE)
        take_block(r, r->raw + begins, used - begins, block);
}

const uint8_t *acpi_next(struct acpi_reader *r, const struct acpi_table *t, uint32_t *at)
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

bool acpi_long_enough(struct acpi_reader *r, const struct acpi_table *t, const uint8_t *e, unsigned least)
{
    if (e[1] >= least)
        return true;
    fault_set(r->f, EXIT_BAD_INPUT, "%s: %s: entry of type %u at its byte %zu has %u bytes, expected %u", r->name,
              t->sig, e[0], (size_t)(e - t->data), e[1], least);
    return false;
}

/* ---- processors -----------------------------------------------------------------------------------------------------
 */

static struct acpi_proc *proc_of(struct acpi_reader *r, uint32_t apic)
{
    for (unsigned i = 0; i < r->nr_procs; i++)
        if (r->proc[i].apic == apic)
            return &r->proc[i];
    if (r->nr_procs == 2 * TOPO_MAX_CPUS) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: more than %u processors", r->name, 2 * TOPO_MAX_CPUS);
        return NULL;
    }
    struct acpi_proc *p = &r->proc[r->nr_procs];
    *p = (struct acpi_proc){.apic = apic, .uid = apic, .order = r->nr_procs, .package = TOPO_NONE, .core = TOPO_NONE};
    r->nr_procs++;
    return p;
}

static void read_madt(struct acpi_reader *r, const struct acpi_table *t)
{
    uint32_t at = ACPI_HEADER + 8;
    const uint8_t *e;
    r->has_madt = true;
    if (t->size < ACPI_HEADER + 8) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: APIC: %u bytes are too few", r->name, t->size);
        return;
    }
    while ((e = acpi_next(r, t, &at))) {
        uint32_t apic, uid, flags;
        if (e[0] == 0 && acpi_long_enough(r, t, e, 8)) {
            apic = e[3], uid = e[2], flags = acpi_le(e + 4, 4);
            if (apic == 0xff) /* a slot without a processor */
                continue;
        } else if (e[0] == 9 && acpi_long_enough(r, t, e, 16)) {
            apic = acpi_le(e + 4, 4), uid = acpi_le(e + 12, 4), flags = acpi_le(e + 8, 4);
            if (apic == UINT32_MAX)
                continue;
        } else if (e[0] == 7 && acpi_long_enough(r, t, e, 12)) {
            r->ia64 = true;
            apic = e[3] | (uint32_t)e[4] << 8, uid = e[2], flags = acpi_le(e + 8, 4);
        } else if (e[0] == 11 && acpi_long_enough(r, t, e, 40)) {
            r->arm = true; /* SRAT knows these by their UID */
            uid = apic = acpi_le(e + 8, 4), flags = acpi_le(e + 12, 4);
        } else {
            continue;
        }
        unsigned before = r->nr_procs;
        struct acpi_proc *p = proc_of(r, apic);
        if (!p)
            return;
        if (before == r->nr_procs) {
            /* Some firmware lists those that fit into an entry of the old kind in one of the new kind, too. */
            if (p->in_madt && p->usable && (flags & 1) && p->uid != uid)
                fault_set(r->f, EXIT_BAD_INPUT, "%s: APIC: processor with id %u is there twice", r->name, apic);
            if (!(flags & 1))
                continue;
        }
        p->uid = uid;
        p->in_madt = true;
        p->usable = flags & 1;
    }
}

static void put_in_domain(struct acpi_reader *r, uint32_t apic, uint32_t domain)
{
    struct acpi_proc *p = proc_of(r, apic);
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

static void note_domain(struct acpi_reader *r, uint32_t domain)
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
#define LAST_AFFINITY 3u /* type of the last kind of entry that is one of these */

static enum affinity decode(struct acpi_reader *r, const struct acpi_table *t, const uint8_t *e, uint32_t *domain,
                            uint32_t *apic)
{
    /* Before revision 2 a domain had one byte; what is now the rest was reserved, and is not always 0. */
    const uint32_t bits = t->data[8] < 2 ? 0xff : UINT32_MAX;
    switch (e[0]) {
    case 0:
        if (!acpi_long_enough(r, t, e, 16) || !(acpi_le(e + 4, 4) & 1))
            return AFFINITY_NONE;
        *domain = (e[2] | acpi_le(e + 9, 3) << 8) & bits;
        *apic = e[3] | (uint32_t)e[8] << 8; /* the EID of a SAPIC, 0 elsewhere */
        return AFFINITY_CPU;
    case 1:
        if (!acpi_long_enough(r, t, e, 40) || !(acpi_le(e + 28, 4) & 1))
            return AFFINITY_NONE;
        *domain = acpi_le(e + 2, 4) & bits;
        return AFFINITY_MEMORY;
    case 2:
        if (!acpi_long_enough(r, t, e, 24) || !(acpi_le(e + 12, 4) & 1))
            return AFFINITY_NONE;
        *domain = acpi_le(e + 4, 4);
        *apic = acpi_le(e + 8, 4);
        return AFFINITY_CPU;
    case 3:
        if (!acpi_long_enough(r, t, e, 18) || !(acpi_le(e + 10, 4) & 1))
            return AFFINITY_NONE;
        r->arm = true;
        *domain = acpi_le(e + 2, 4);
        *apic = acpi_le(e + 6, 4);
        return AFFINITY_CPU;
    default:
        return AFFINITY_NONE;
    }
}

static unsigned node_of(const struct acpi_reader *r, uint32_t domain)
{
    for (unsigned i = 0; i < r->nr_domains; i++)
        if (r->domain[i] == domain)
            return i;
    return TOPO_NONE;
}

static void add_memory(struct acpi_reader *r, const uint8_t *e, uint32_t domain)
{
    uint64_t base = acpi_le64(e + 8), length = acpi_le64(e + 16);
    struct topo_node *n = &r->t->node[node_of(r, domain)];
    if (!length)
        return;
    if (base + length < base || base + length > UINT64_C(1) << 52) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SRAT: memory of node %u at 0x%llx ends beyond 52 bits", r->name, domain,
                  (unsigned long long)base);
        return;
    }
    struct fault inner = {0};
    if (!topo_add_range(n, base, base + length, &inner))
        fault_set(r->f, inner.code, "%s: SRAT: %s", r->name, inner.text);
}

static int by_start(const void *a, const void *b)
{
    const struct topo_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/*
 * What may be plugged in later is only said to be possible. But some firmware says it of all that there is: where a
 * node has nothing else it is taken as there. Non-volatile memory is none that a hypervisor gives out.
 */
enum { MEMORY_ENABLED = 1, MEMORY_HOT_PLUG = 2, MEMORY_NON_VOLATILE = 4 };

static void read_memory(struct acpi_reader *r, const struct acpi_table *t)
{
    bool fixed[TOPO_MAX_NODES] = {false}; /* has memory that cannot be plugged in */
    uint64_t left_out = 0, taken = 0;
    uint32_t domain = 0, apic = 0;
    const uint8_t *e;
    for (uint32_t at = ACPI_HEADER + 12; (e = acpi_next(r, t, &at));)
        if (decode(r, t, e, &domain, &apic) == AFFINITY_MEMORY &&
            !(acpi_le(e + 28, 4) & (MEMORY_HOT_PLUG | MEMORY_NON_VOLATILE)) && acpi_le64(e + 16))
            fixed[node_of(r, domain)] = true;
    for (uint32_t at = ACPI_HEADER + 12; (e = acpi_next(r, t, &at));) {
        if (decode(r, t, e, &domain, &apic) != AFFINITY_MEMORY)
            continue;
        uint32_t flags = acpi_le(e + 28, 4);
        bool plug = flags & MEMORY_HOT_PLUG;
        if ((flags & MEMORY_NON_VOLATILE) || (plug && fixed[node_of(r, domain)])) {
            left_out += acpi_le64(e + 16) >> 20;
            continue;
        }
        taken += plug ? acpi_le64(e + 16) >> 20 : 0;
        add_memory(r, e, domain);
    }
    if (left_out)
        topo_note(r->t, "%llu MiB are non-volatile or may be plugged in later: left out", (unsigned long long)left_out);
    if (taken)
        topo_note(r->t, "guessed: %llu MiB that may be plugged in later are all that their nodes have: taken as there",
                  (unsigned long long)taken);
}

/* Twice: first which domains there are, then what is in them. */
static void read_srat(struct acpi_reader *r, const struct acpi_table *t)
{
    uint32_t domain = 0, apic = 0;
    const uint8_t *e;
    if (t->size < ACPI_HEADER + 12) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SRAT: %u bytes are too few", r->name, t->size);
        return;
    }
    unsigned others = 0;
    for (uint32_t at = ACPI_HEADER + 12; (e = acpi_next(r, t, &at));) {
        if (decode(r, t, e, &domain, &apic) != AFFINITY_NONE)
            note_domain(r, domain);
        others += e[0] > LAST_AFFINITY;
    }
    if (others)
        topo_note(r->t, "SRAT: %u entries that are neither processors nor memory (devices), left out", others);
    for (unsigned i = 0; i < r->nr_domains && r->f->code == EXIT_DONE; i++) {
        struct topo_node *n = topo_add_node(r->t, r->f);
        if (n)
            n->os = r->domain[i];
    }
    for (uint32_t at = ACPI_HEADER + 12; (e = acpi_next(r, t, &at));)
        if (decode(r, t, e, &domain, &apic) == AFFINITY_CPU)
            put_in_domain(r, apic, domain);
    if (r->f->code == EXIT_DONE)
        read_memory(r, t);
    for (unsigned n = 0; n < r->t->nr_nodes; n++)
        if (r->t->node[n].nr_ranges)
            qsort(r->t->node[n].range, r->t->node[n].nr_ranges, sizeof(struct topo_range), by_start);
}

static void read_slit(struct acpi_reader *r, const struct acpi_table *t)
{
    uint64_t n = t->size < ACPI_HEADER + 8 ? 0 : acpi_le64(t->data + ACPI_HEADER);
    unsigned nodes = r->t->nr_nodes;
    if (!n || n > 65536 || n * n != t->size - ACPI_HEADER - 8) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: SLIT: %llu localities and %u bytes of distances: expected a square",
                  r->name, (unsigned long long)n, t->size < ACPI_HEADER + 8 ? 0 : t->size - ACPI_HEADER - 8);
        return;
    }
    if (r->nr_domains && r->domain[r->nr_domains - 1] >= n) {
        topo_note(r->t, "SLIT has %llu localities, but SRAT has a node %u: its distances are not used",
                  (unsigned long long)n, r->domain[r->nr_domains - 1]);
        return;
    }
    if (!(r->t->distance = calloc((size_t)nodes * nodes + 1, sizeof(unsigned)))) {
        fault_set(r->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    for (unsigned a = 0; a < nodes; a++)
        for (unsigned b = 0; b < nodes; b++)
            r->t->distance[a * nodes + b] = t->data[ACPI_HEADER + 8 + r->domain[a] * n + r->domain[b]];
}

/* ---- together -------------------------------------------------------------------------------------------------------
 */

static int by_place(const void *a, const void *b)
{
    const struct acpi_proc *x = a, *y = b;
    if (x->package != y->package)
        return x->package < y->package ? -1 : 1;
    if (x->core != y->core)
        return x->core < y->core ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Packages and cores by the first of their processors: in the order in which the tables list these. */
static void name_places(struct acpi_reader *r)
{
    for (unsigned i = 0; i < r->nr_procs; i++) {
        struct acpi_proc *p = &r->proc[i];
        p->place_package = p->place_core = p->order;
        for (unsigned k = 0; k < i; k++) {
            const struct acpi_proc *q = &r->proc[k];
            if (q->package == p->package && q->order < p->place_package)
                p->place_package = q->order;
            if (q->core == p->core && p->core != TOPO_NONE && q->order < p->place_core)
                p->place_core = q->order;
        }
    }
    for (unsigned i = 0; i < r->nr_procs; i++) {
        r->proc[i].package = r->proc[i].place_package;
        r->proc[i].core = r->proc[i].place_core;
    }
}

/* Only usable processors; those without a PPTT one package a node. */
static void choose_procs(struct acpi_reader *r)
{
    unsigned kept = 0, off = 0, stray = 0;
    for (unsigned i = 0; i < r->nr_procs; i++) {
        struct acpi_proc p = r->proc[i];
        if (!p.usable) {
            off++;
            continue;
        }
        stray += !p.in_srat && r->nr_domains;
        if (p.package == TOPO_NONE)
            p.package = p.in_srat ? node_of(r, p.domain) : 0;
        r->proc[kept++] = p;
    }
    r->nr_procs = kept;
    name_places(r);
    if (kept)
        qsort(r->proc, kept, sizeof(*r->proc), by_place);
    if (off)
        topo_note(r->t, "%u processors are disabled: left out", off);
    if (stray)
        topo_note(r->t, "guessed: %u processors are in no node of SRAT: put into the first", stray);
    if (!r->has_pptt) {
        r->t->packages_unknown = true;
        topo_note(r->t, "guessed: the tables tell neither cores nor threads: each processor is a core");
    }
}

static void add_cpus(struct acpi_reader *r)
{
    unsigned package = 0, core = 0;
    for (unsigned i = 0; i < r->nr_procs; i++) {
        const struct acpi_proc *p = &r->proc[i];
        struct topo_cpu *c = topo_add_cpu(r->t, r->f);
        if (!c)
            return;
        package += i && p->package != p[-1].package;
        core += i && (p->core != p[-1].core || p->package != p[-1].package);
        *c = (struct topo_cpu){
            .os = p->order, .package = package, .core = core, .node = p->in_srat ? node_of(r, p->domain) : 0};
    }
}

/* Without an SRAT all is one node, whose memory nobody tells. */
static void one_node(struct acpi_reader *r)
{
    struct topo_node *n = topo_add_node(r->t, r->f);
    if (n)
        n->memory_unknown = true;
    topo_note(r->t, "guessed: without SRAT all is one node");
}

static const struct acpi_table *find(const struct acpi_reader *r, unsigned which)
{
    return r->table[which].data ? &r->table[which] : NULL;
}

static void read_tables(struct acpi_reader *r)
{
    const struct acpi_table *srat = find(r, ACPI_SRAT), *slit = find(r, ACPI_SLIT), *madt = find(r, ACPI_APIC),
                            *pptt = find(r, ACPI_PPTT), *hmat = find(r, ACPI_HMAT);
    if (!srat && !madt) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: neither SRAT nor APIC in it: expected ACPI tables that list processors",
                  r->name);
        return;
    }
    if (madt)
        read_madt(r, madt);
    if (srat && r->f->code == EXIT_DONE)
        read_srat(r, srat);
    if (r->f->code == EXIT_DONE && !r->nr_domains)
        one_node(r);
    else if (slit && r->f->code == EXIT_DONE)
        read_slit(r, slit);
    if (hmat && r->nr_domains && r->f->code == EXIT_DONE)
        acpi_read_hmat(r, hmat);
    if (pptt && r->f->code == EXIT_DONE)
        acpi_read_pptt(r, pptt);
}

static void read_all(struct acpi_reader *r)
{
    struct fault inner = {0}, *f = r->f;
    read_tables(r);
    if (f->code != EXIT_DONE)
        return;
    snprintf(r->t->isa, sizeof(r->t->isa), "%s", r->arm ? "aarch64" : r->ia64 ? "ia64" : "x86-64");
    choose_procs(r);
    r->f = &inner; /* from here on messages do not know the file */
    if (!r->nr_procs)
        fault_set(&inner, EXIT_BAD_INPUT, "no processors that are enabled: expected some of x86, ARMv8 or Itanium");
    else if (r->nr_procs > TOPO_MAX_CPUS)
        fault_set(&inner, EXIT_BAD_INPUT, "more than %u processors", TOPO_MAX_CPUS);
    else
        add_cpus(r);
    if (inner.code == EXIT_DONE && r->has_pptt)
        acpi_add_caches(r, &r->table[ACPI_PPTT]);
    if (inner.code == EXIT_DONE)
        topo_check(r->t, &inner);
    r->f = f;
    if (inner.code != EXIT_DONE)
        fault_set(f, inner.code, "%s: %s", r->name, inner.text);
}

struct topo *topo_read_acpi(const char *data, size_t size, const char *name, struct fault *f)
{
    char source[512];
    struct acpi_reader *r = calloc(1, sizeof(*r));
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
