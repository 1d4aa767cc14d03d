/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded placement as a scenario. The machine has the recorded nodes, pCPUs and distances; RAM is all that a node
 * spans. What was not free there when the sequence began (holes, firmware, the hypervisor, dom0's pages) is set aside,
 * zone by zone where the record says so; before each step pages are set aside, or come back, until every node has as
 * many free as recorded. dom0 has its vCPUs and their affinity, and little memory: its recorded pages are among those
 * set aside. All else is done by the hypervisor and the toolstack.
 *
 * A simulated creation takes other pages of the node than the recorded one where several nodes are filled in turns, and
 * what it may differ by must come from somewhere later on: each node has a little more RAM, far above that of the
 * record, and all of it is set aside.
 */
#include "replay_placement.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STEP_S 2          /* simulated seconds between two steps: idle pCPUs have long finished what they do */
#define TAIL_S 60         /* and after the last: it may take as long as that */
#define SPARE_PAGES 8192u /* 32 MiB a node: four times what a step may differ by */
#define LOWEST_ZONE 8u    /* the first MiB is never in the heap */
#define DMA_BITS_MAX 32u
#define PAGE_BITS 12u
#define PAGE_KIB 4u

/* ---- the machine --------------------------------------------------------------------------------------------------
 */

static uint64_t top_of_memory(const struct placement_record *r)
{
    uint64_t top = 0;
    for (unsigned n = 0; n < r->nr_nodes; n++)
        if (r->node[n].spanned && r->node[n].start + r->node[n].spanned > top)
            top = r->node[n].start + r->node[n].spanned;
    return top;
}

/* What Xen keeps back for devices depends on what this node spans: it gets no more than that. */
static unsigned dma_node(const struct placement_record *r)
{
    unsigned n = 0;
    while (n < r->nr_nodes && (!r->node[n].spanned || r->node[n].start >> (DMA_BITS_MAX - PAGE_BITS)))
        n++;
    return n;
}

/* The width that Xen 4.17 would choose. */
static unsigned dma_bits(const struct placement_record *r)
{
    unsigned n = dma_node(r), bits = 0;
    if (r->nr_nodes < 2 || n == r->nr_nodes)
        return 0;
    for (uint64_t last = r->node[n].start + r->node[n].spanned / 4; last > 1 && (last - 1) >> bits;)
        bits++;
    return bits + PAGE_BITS < DMA_BITS_MAX ? bits + PAGE_BITS : DMA_BITS_MAX;
}

/* The first frame of a node's spare memory; 0: it has none. */
static uint64_t spare_of(const struct placement_record *r, unsigned n)
{
    if (!r->node[n].spanned || n == dma_node(r))
        return 0;
    uint64_t first = 1;
    while (first < top_of_memory(r))
        first *= 2; /* a zone of its own */
    return first + (uint64_t)n * SPARE_PAGES;
}

static void write_machine(const struct placement_record *r, const char *name, FILE *m)
{
    fprintf(m,
            "# Built by hvsim replay. Nothing below but nodes, pCPUs and distances has a part in placement.\n"
            "name = \"%s\"\ndescription = \"The recorded host of %s\"\nisa = \"x86-64\"\n\n"
            "[topology]\nfrequency = \"2.6 GHz\"\n\n"
            "[cache.l1d]\nsize = \"32 KiB\"\nways = 8\nline = \"64 B\"\nlatency_cycles = 4.0\n\n"
            "[cache.l2]\nsize = \"512 KiB\"\nways = 8\nline = \"64 B\"\nlatency_cycles = 14.0\n\n"
            "[cache.l3]\nsize = \"16 MiB\"\nways = 16\nline = \"64 B\"\nlatency_cycles = 40.0\n\n"
            "[link]\nbandwidth = \"10 GB/s\"\nservice = \"7.5 ns\"\n\n[tlb]\nwalk = \"10 ns\"\n\n"
            "[memory]\nbandwidth = \"20 GB/s\"\nservice = \"25 ns\"\nlatency_ns = [",
            name, name);
    for (unsigned a = 0; a < r->nr_nodes; a++)
        for (unsigned b = 0; b < r->nr_nodes; b++)
            fprintf(m, "%s%u.0", a || b ? ", " : " ", 9 * r->node[a].distance[b]);
    fputs(" ]\n\n[numa]\nslit = [", m);
    for (unsigned a = 0; a < r->nr_nodes; a++)
        for (unsigned b = 0; b < r->nr_nodes; b++)
            fprintf(m, "%s%u", a || b ? ", " : " ", r->node[a].distance[b]);
    fputs(" ]\n", m);
    for (unsigned c = 0; c < r->nr_cpus; c++)
        for (unsigned n = 0; n < r->nr_nodes; n++)
            for (unsigned i = 0; i < r->node[n].pcpus.nr; i++)
                if (r->node[n].pcpus.item[i] == c)
                    fprintf(m, "\n[[cores]]\nsocket = %u\nnode = %u\n", r->cpu_socket[c], n);
    for (unsigned n = 0; n < r->nr_nodes; n++) {
        const struct placement_node *node = &r->node[n];
        uint64_t spare = spare_of(r, n);
        fputs("\n[[node]]\n", m);
        if (node->spanned)
            fprintf(m, "range = [ { start = \"%llu KiB\", end = \"%llu KiB\" }",
                    (unsigned long long)(node->start * PAGE_KIB),
                    (unsigned long long)((node->start + node->spanned) * PAGE_KIB));
        if (spare)
            fprintf(m, ", { start = \"%llu KiB\", end = \"%llu KiB\" }", (unsigned long long)(spare * PAGE_KIB),
                    (unsigned long long)((spare + SPARE_PAGES) * PAGE_KIB));
        if (node->spanned)
            fputs(" ]\n", m);
    }
}

/* ---- the scenario -------------------------------------------------------------------------------------------------
 */

static void write_zones(const struct placement_record *r, FILE *m)
{
    const char *comma = "";
    fputs("\n[[action]]\nat = \"0 s\"\ndo = \"set-aside\"\nmay_fail = true\nzones = [", m);
    for (unsigned n = 0; n < r->nr_nodes; n++)
        for (unsigned z = LOWEST_ZONE + 1; z < PLACEMENT_ZONES; z++) {
            const struct placement_node *node = &r->node[n];
            uint64_t low = UINT64_C(1) << (z - 1), high = UINT64_C(1) << z, spare = spare_of(r, n);
            bool spans = node->start < high && node->start + node->spanned > low;
            if (!(spans && node->spanned) && !(spare && spare < high && spare + SPARE_PAGES > low))
                continue;
            /* Zones have the number of their lowest frame's highest bit here, one more in the record. */
            fprintf(m, "%s { node = %u, zone = %u, free = %llu }", comma, n, z - 1,
                    (unsigned long long)node->zone_free[z]);
            comma = ",";
        }
    fputs(" ]\n", m);
}

static void write_set(FILE *m, const struct placement_set *s)
{
    for (unsigned i = 0; i < s->nr; i++)
        fprintf(m, "%s%u", i ? "," : "", s->item[i]);
}

static void write_pages(FILE *m, const uint64_t *pages, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++)
        fprintf(m, "%s%llu", i ? ", " : "[ ", (unsigned long long)pages[i]);
    fputs(" ]", m);
}

static void write_pools(const struct placement_record *r, FILE *m)
{
    for (unsigned i = 1; i < r->nr_pools; i++) {
        if (!r->pool[i].pcpus.nr)
            continue;
        fputs("\n[[pool]]\nname = ", m);
        json_write_string(m, r->pool[i].name);
        fputs("\ncpus = \"", m);
        write_set(m, &r->pool[i].pcpus);
        fputs("\"\n", m);
        if (r->pool[i].sched) {
            fputs("sched = ", m);
            json_write_string(m, r->pool[i].sched);
            fputc('\n', m);
        }
    }
}

/* pCPUs that are in no pool leave the first. */
static unsigned write_free_cpus(const struct placement_record *r, FILE *m)
{
    unsigned nr = 0;
    for (unsigned c = 0; r->nr_pools && c < r->nr_cpus; c++) {
        bool in_pool = false;
        for (unsigned i = 0; i < r->nr_pools; i++)
            for (unsigned k = 0; k < r->pool[i].pcpus.nr; k++)
                in_pool |= r->pool[i].pcpus.item[k] == c;
        if (in_pool)
            continue;
        nr++;
        if (m)
            fprintf(m, "\n[[action]]\nat = \"0 s\"\ndo = \"cpupool-cpu-remove\"\npool = \"Pool-0\"\ncpu = %u\n", c);
    }
    return nr;
}

static unsigned write_pins(const struct placement_record *r, FILE *m)
{
    unsigned nr = 0;
    for (unsigned i = 0; i < r->nr_dom0_hard; i++) {
        if (r->dom0_hard[i].nr == r->nr_cpus)
            continue;
        nr++;
        if (!m)
            continue;
        fputs("\n[[action]]\nat = \"0 s\"\ndo = \"vcpu-pin\"\nvm = \"Domain-0\"\nhard = \"", m);
        write_set(m, &r->dom0_hard[i]);
        fputs("\"\n", m);
        if (r->nr_dom0_hard > 1)
            fprintf(m, "vcpu = %u\n", i);
    }
    if (!r->dom0_soft.nr || r->dom0_soft.nr == r->nr_cpus)
        return nr;
    if (m) {
        fputs("\n[[action]]\nat = \"0 s\"\ndo = \"vcpu-pin\"\nvm = \"Domain-0\"\nsoft = \"", m);
        write_set(m, &r->dom0_soft);
        fputs("\"\n", m);
    }
    return nr + 1;
}

/* Actions before the first step: pages set aside by zone, pCPUs that leave, and dom0's affinity. */
unsigned placement_actions_before(const struct placement_record *r)
{
    return r->has_zones + write_free_cpus(r, NULL) + write_pins(r, NULL);
}

static void write_scenario(const struct placement_record *r, const char *level, const char *name, FILE *m)
{
    fprintf(m,
            "# Built by hvsim replay.\nname = \"%s\"\nmachine = \"./machine.toml\"\nhv_cost = \"none\"\n"
            "warmup = \"0 s\"\nduration = \"%u s\"\n\n[xen]\nbehaviour = \"%s\"\n",
            name, r->nr_steps * STEP_S + TAIL_S, level);
    if (r->pool && r->pool[0].sched) {
        fputs("sched = ", m);
        json_write_string(m, r->pool[0].sched);
        fputc('\n', m);
    }
    if (r->nr_nodes > 1 && r->dma_bits && r->dma_bits != dma_bits(r)) {
        fprintf(stderr, "%s: %u bits are kept back for devices, Xen would choose %u: booted with dma_bits=%u\n",
                r->path, r->dma_bits, dma_bits(r), r->dma_bits);
        fprintf(m, "dma_bits = %u\n", r->dma_bits);
    }
    fprintf(m, "\n[dom0]\nvcpus = %u\nmemory = \"1 MiB\"\n", r->dom0_vcpus);
    write_pools(r, m);
    if (r->has_zones)
        write_zones(r, m);
    write_free_cpus(r, m);
    write_pins(r, m);
    for (unsigned i = 0; i < r->nr_steps; i++) {
        const struct placement_step *s = &r->step[i];
        unsigned at = (i + 1) * STEP_S;
        fprintf(m,
                "\n# step %u\n[[action]]\nat = \"%u s\"\ndo = \"set-aside\"\nmay_fail = true\nfree_pages = ", s->number,
                at - 1);
        write_pages(m, s->before, r->nr_nodes);
        fprintf(m, "\n[[action]]\nat = \"%u s\"\nmay_fail = true\n", at);
        if (s->destroy)
            fprintf(m, "do = \"destroy\"\nvm = \"%s\"\n", s->name);
        else
            fprintf(m, "do = \"create\"\nconfig = \"%04u-%s.cfg\"\npaused = true\n", i + 1, s->name);
    }
}

/* ---- the guests ---------------------------------------------------------------------------------------------------
 */

static bool write_text(const struct placement_record *r, const struct placement_step *s, FILE *m, const char *text,
                       struct fault *f)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~' || strchr("\"\\", *p)) {
            fault_set(f, EXIT_BAD_INPUT, "%s: step %u: '%s' cannot stand in a xl.cfg file", r->path, s->number, text);
            return false;
        }
    fprintf(m, "\"%s\"", text);
    return true;
}

static void write_affinity(const struct placement_record *r, const struct placement_step *s, FILE *m, const char *key,
                           const struct placement_affinity *a, struct fault *f)
{
    unsigned vcpus = s->maxvcpus ? s->maxvcpus : s->vcpus;
    if (!a->text && !a->nr)
        return;
    fprintf(m, "%s = ", key);
    if (a->text)
        write_text(r, s, m, a->text, f);
    for (unsigned i = 0; i < a->nr && i < vcpus; i++) { /* xl drops entries without a vCPU */
        fputs(i ? ", " : "[ ", m);
        write_text(r, s, m, a->item[i], f);
    }
    fputs(a->nr ? " ]\n" : "\n", m);
}

static void write_guest(const struct placement_record *r, const struct placement_step *s, FILE *m, struct fault *f)
{
    fprintf(m, "name = \"%s\"\ntype = \"pv\"\nmemory = %u\nvcpus = %u\n", s->name, s->memory_mb, s->vcpus);
    if (s->maxmem_mb)
        fprintf(m, "maxmem = %u\n", s->maxmem_mb);
    if (s->maxvcpus)
        fprintf(m, "maxvcpus = %u\n", s->maxvcpus);
    write_affinity(r, s, m, "cpus", &s->cpus, f);
    write_affinity(r, s, m, "cpus_soft", &s->soft, f);
    if (s->pool && r->nr_pools && strcmp(s->pool, r->pool[0].name) != 0) {
        fputs("pool = ", m);
        write_text(r, s, m, s->pool, f);
        fputc('\n', m);
    }
}

/* ---- files --------------------------------------------------------------------------------------------------------
 */

static FILE *open_in(const char *dir, const char *name, struct fault *f)
{
    char path[PATH_MAX];
    FILE *m = NULL;
    if (f->code != EXIT_DONE)
        return NULL;
    if (snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path))
        m = fopen(path, "we");
    if (!m)
        fault_set(f, EXIT_HOST_FAILED, "%s/%s: %s", dir, name, strerror(errno));
    return m;
}

static void close_in(FILE *m, const char *dir, const char *name, struct fault *f)
{
    bool bad = ferror(m);
    if (fclose(m) || bad)
        fault_set(f, EXIT_HOST_FAILED, "%s/%s: %s", dir, name, strerror(errno));
}

int placement_scene_write(const struct placement_record *r, const char *level, const char *dir, const char *name,
                          char *path, size_t n, struct fault *f)
{
    char own[PATH_MAX], file[128];
    FILE *m;
    if (snprintf(own, sizeof(own), "%s/%s", dir, name) >= (int)sizeof(own) ||
        snprintf(path, n, "%s/scenario.toml", own) >= (int)n)
        return fault_set(f, EXIT_HOST_FAILED, "%s: the name is too long", dir);
    if (mkdir(own, 0777))
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", own, strerror(errno));
    if ((m = open_in(own, "machine.toml", f))) {
        write_machine(r, name, m);
        close_in(m, own, "machine.toml", f);
    }
    if ((m = open_in(own, "scenario.toml", f))) {
        write_scenario(r, level, name, m);
        close_in(m, own, "scenario.toml", f);
    }
    for (unsigned i = 0; i < r->nr_steps && f->code == EXIT_DONE; i++) {
        if (r->step[i].destroy)
            continue;
        snprintf(file, sizeof(file), "%04u-%s.cfg", i + 1, r->step[i].name);
        if ((m = open_in(own, file, f))) {
            write_guest(r, &r->step[i], m, f);
            close_in(m, own, file, f);
        }
    }
    return f->code;
}
