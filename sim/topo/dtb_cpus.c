/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs of a device tree: /cpus, and who is thread of which core in which socket (the binding cpu-capacity and
 * cpu-topology: /cpus/cpu-map of socketN, clusterN, coreN, threadN). Without a cpu-map each CPU is a core.
 */
#include "dtb.h"

#include <stdlib.h>
#include <string.h>

#define MAX_THREADS_IN_REG 32u
#define LEAST_HZ 100000000u /* of processors that Linux has device trees for; crystals are of 12 to 50 MHz */

/* ---- /cpus ------------------------------------------------------------------------------------------------------- */

static bool is_cpu(const struct dtb *d, unsigned node)
{
    const char *type = dtb_string(d, node, "device_type");
    return type ? strcmp(type, "cpu") == 0 : dtb_is_named(d, node, "cpu");
}

static bool add_cpu(struct dtb_reader *r, unsigned at, unsigned os, uint64_t id, uint32_t numa, bool has_numa)
{
    if (!(r->nr_cpus & (r->nr_cpus - 1))) {
        struct dtb_cpu *grown = realloc(r->cpu, (r->nr_cpus ? 2 * (size_t)r->nr_cpus : 1) * sizeof(*grown));
        if (!grown)
            return dtb_no_memory(&r->d);
        r->cpu = grown;
    }
    r->cpu[r->nr_cpus++] = (struct dtb_cpu){.at = at, .os = os, .id = id, .numa = numa, .has_numa = has_numa};
    return true;
}

/* Each number in reg is a hardware thread. */
static bool read_cpu(struct dtb_reader *r, unsigned at, uint32_t cells, unsigned *os, unsigned *off)
{
    const struct dtb *d = &r->d;
    uint32_t numa = 0;
    unsigned len;
    const uint8_t *reg = dtb_prop(d, at, "reg", &len);

    if (!cells && !reg) { /* the one of a processor from before ARMv7 */
        ++*os;
        return dtb_enabled(d, at) ? add_cpu(r, at, 0, 0, 0, false) : (++*off, true);
    }
    if (!cells)
        return dtb_bad(d, at, "reg: %u bytes: expected none, as #address-cells of /cpus is 0", len);
    if (!reg || !len || len % (4 * cells) || len / (4 * cells) > MAX_THREADS_IN_REG)
        return dtb_bad(d, at, "reg: %u bytes: expected %u, as #address-cells of /cpus is %u", len, 4 * cells, cells);
    if (!dtb_u32(d, at, "numa-node-id", &numa))
        return false;
    for (unsigned i = 0; i < len; i += 4 * cells, ++*os) {
        if (*os >= TOPO_MAX_CPUS)
            return dtb_bad(d, at, "more than %u hardware threads", TOPO_MAX_CPUS);
        if (!dtb_enabled(d, at))
            ++*off;
        else if (!add_cpu(r, at, *os, dtb_read(reg + i, cells), numa, dtb_has(d, at, "numa-node-id")))
            return false;
    }
    return true;
}

static int by_id(const void *a, const void *b)
{
    const struct dtb_cpu *const *x = a, *const *y = b;
    return (*x)->id != (*y)->id ? ((*x)->id < (*y)->id ? -1 : 1) : (*x)->os < (*y)->os ? -1 : 1;
}

static bool check_ids(const struct dtb_reader *r)
{
    char path[200];
    const struct dtb_cpu **sorted = malloc(r->nr_cpus * sizeof(*sorted));
    if (!sorted)
        return dtb_no_memory(&r->d);
    for (unsigned i = 0; i < r->nr_cpus; i++)
        sorted[i] = &r->cpu[i];
    qsort(sorted, r->nr_cpus, sizeof(*sorted), by_id);
    for (unsigned i = 1; i < r->nr_cpus; i++)
        if (sorted[i]->id == sorted[i - 1]->id)
            dtb_bad(&r->d, sorted[i]->at, "reg: 0x%llx is that of %s, too", (unsigned long long)sorted[i]->id,
                    dtb_path(&r->d, sorted[i - 1]->at, path, sizeof(path)));
    free(sorted);
    return r->d.f->code == EXIT_DONE;
}

/* ---- cpu-map ----------------------------------------------------------------------------------------------------- */

enum level { SOCKET, CLUSTER, CORE, THREAD, NR_LEVELS };
static const char *const level_names[] = {"socket", "cluster", "core", "thread"};

/* A name and a number, as in "core12". */
static enum level level_of(const struct dtb *d, unsigned node)
{
    char name[32] = "";
    dtb_name(d, node, name, sizeof(name));
    for (enum level l = SOCKET; l < NR_LEVELS; l++) {
        size_t n = strlen(level_names[l]);
        if (strncmp(name, level_names[l], n) == 0 && name[n] && !name[n + strspn(name + n, "0123456789")])
            return l;
    }
    return NR_LEVELS;
}

/* CPUs of a node of the tree: several, if its reg has several numbers; they lie side by side. */
static struct dtb_cpu *cpus_at(struct dtb_reader *r, unsigned at, unsigned *nr)
{
    unsigned low = 0, high = r->nr_cpus;
    while (low < high) { /* nodes come in order */
        unsigned mid = low + (high - low) / 2;
        if (r->cpu[mid].at < at)
            low = mid + 1;
        else
            high = mid;
    }
    for (*nr = 0; low + *nr < r->nr_cpus && r->cpu[low + *nr].at == at;)
        ++*nr;
    return r->cpu + low;
}

struct place {
    unsigned socket, core, thread;
};

static bool map_cpu(struct dtb_reader *r, unsigned node, struct place *p)
{
    const struct dtb *d = &r->d;
    uint32_t phandle = 0;
    unsigned nr, at;

    if (!dtb_u32(d, node, "cpu", &phandle))
        return false;
    if (!(at = dtb_find(d, phandle)))
        return dtb_bad(d, node, "cpu: there is no node with phandle 0x%x", phandle);
    if (d->node[at].parent != r->cpus || !is_cpu(d, at))
        return dtb_bad(d, node, "cpu: phandle 0x%x is no CPU", phandle);
    struct dtb_cpu *c = cpus_at(r, at, &nr); /* none: it is disabled */
    for (unsigned i = 0; i < nr; i++) {
        if (c[i].mapped)
            return dtb_bad(d, node, "cpu: phandle 0x%x is in the map already", phandle);
        c[i].mapped = true;
        c[i].socket = p->socket;
        c[i].core = p->core;
        c[i].thread = p->thread++;
    }
    return true;
}

static bool read_map(struct dtb_reader *r, unsigned map)
{
    static const unsigned inside[] = {
        /* socket in */ 1u << NR_LEVELS, /* cluster in */ 1u << NR_LEVELS | 1u << SOCKET | 1u << CLUSTER,
        /* core in */ 1u << NR_LEVELS | 1u << SOCKET | 1u << CLUSTER, /* thread in */ 1u << CORE};
    const struct dtb *d = &r->d;
    unsigned nr[NR_LEVELS] = {0};
    struct place p = {0, 0, 0};
    enum level *level = malloc((d->node[map].end - map) * sizeof(*level)); /* of the nodes below the map */

    if (!level)
        return dtb_no_memory(d);
    level[0] = NR_LEVELS; /* the map itself */
    for (unsigned n = map + 1; n < d->node[map].end && d->f->code == EXIT_DONE; n++) {
        enum level in = level[d->node[n].parent - map], l = level[n - map] = level_of(d, n);
        if (l == NR_LEVELS) {
            dtb_bad(d, n, "expected socketN, clusterN, coreN or threadN");
        } else if (!(inside[l] >> in & 1)) {
            dtb_bad(d, n, "a %s directly in a %s", level_names[l], in == NR_LEVELS ? "cpu-map" : level_names[in]);
        } else {
            if (l == SOCKET)
                p.socket = nr[SOCKET];
            if (l == CORE)
                p = (struct place){p.socket, nr[CORE], 0};
            nr[l]++;
            if (l >= CORE && dtb_has(d, n, "cpu"))
                map_cpu(r, n, &p);
        }
    }
    free(level);
    r->has_sockets = nr[SOCKET] != 0;
    if (nr[CLUSTER] && d->f->code == EXIT_DONE)
        topo_note(r->t, "cpu-map: %u clusters of cores; caches alone say what a cluster shares", nr[CLUSTER]);
    return d->f->code == EXIT_DONE;
}

/* As Linux does: a map that leaves out a CPU is none. */
static bool place_cpus(struct dtb_reader *r)
{
    const struct dtb *d = &r->d;
    unsigned map = dtb_child(d, r->cpus, "cpu-map"), nr;
    char path[200];

    if (map && !read_map(r, map))
        return false;
    for (unsigned i = 0; map && i < r->nr_cpus; i++)
        if (!r->cpu[i].mapped) {
            topo_note(r->t, "cpu-map: left alone, as %s is not in it", dtb_path(d, r->cpu[i].at, path, sizeof(path)));
            r->has_sockets = false;
            map = 0;
        }
    for (unsigned i = 0, core = 0; !map && i < r->nr_cpus; i += nr, core++) {
        struct dtb_cpu *c = cpus_at(r, r->cpu[i].at, &nr);
        for (unsigned t = 0; t < nr; t++) {
            c[t].socket = 0;
            c[t].core = core;
            c[t].thread = t;
        }
    }
    return true;
}

bool dtb_read_cpus(struct dtb_reader *r)
{
    const struct dtb *d = &r->d;
    uint32_t cells;
    unsigned os = 0, off = 0;

    if (!(r->cpus = dtb_child(d, 0, "cpus")))
        return dtb_bad(d, 0, "no node cpus: expected the device tree of a machine");
    if (!dtb_cells(d, r->cpus, "#address-cells", 2, 2, &cells))
        return false;
    for (unsigned c = r->cpus + 1; c < d->node[r->cpus].end; c = d->node[c].end)
        if (is_cpu(d, c) && !read_cpu(r, c, cells, &os, &off))
            return false;
    if (!r->nr_cpus)
        return dtb_bad(d, r->cpus, off ? "no CPU is enabled" : "no CPUs");
    if (off)
        topo_note(r->t, "disabled, left out: %u of %u CPUs", off, os);
    return check_ids(r) && place_cpus(r);
}

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

/* "arm,arm926ej-s", "arm,arm1176jzf-s", "arm,arm11mpcore" */
static bool is_before_armv7(const char *core)
{
    return !strncmp(core, "arm,arm", strlen("arm,arm"));
}

static bool is_armv7(const char *core)
{
    static const char *const cores[] = {"arm,cortex-a5",    "arm,cortex-a7",   "arm,cortex-a8",  "arm,cortex-a9",
                                        "arm,cortex-a12",   "arm,cortex-a15",  "arm,cortex-a17", "qcom,krait",
                                        "qcom,scorpion",    "brcm,brahma-b15", "marvell,pj4a",   "marvell,pj4b",
                                        "marvell,sheeva-v7"};
    for (size_t i = 0; i < sizeof(cores) / sizeof(cores[0]); i++)
        if (!strcmp(core, cores[i]))
            return true;
    return false;
}

/* By the core's name; of others the timer tells. */
static void read_isa(struct dtb_reader *r)
{
    const struct dtb *d = &r->d;
    const char *core = dtb_string(d, r->cpu[0].at, "compatible"), *isa = "";
    if (dtb_has(d, r->cpu[0].at, "riscv,isa") || dtb_has(d, r->cpu[0].at, "riscv,isa-base"))
        isa = "riscv64";
    else if (dtb_is_named(d, r->cpu[0].at, "PowerPC,POWER8") || (core && !strncmp(core, "PowerPC,", 8)))
        isa = "ppc64";
    else if (core && is_armv7(core))
        isa = "armv7";
    else if (core && is_before_armv7(core))
        isa = "arm before v7";
    else if (dtb_lists(d, r->cpu[0].at, "compatible", "arm,armv8"))
        isa = "aarch64";
    for (unsigned n = 1; n < d->nr && !*isa; n++)
        isa = dtb_lists(d, n, "compatible", "arm,armv8-timer")   ? "aarch64"
              : dtb_lists(d, n, "compatible", "arm,armv7-timer") ? "armv7"
                                                                 : "";
    snprintf(r->t->isa, sizeof(r->t->isa), "%s", isa);
}

/*
 * clock-frequency, or the fastest of the operating points. *hz stays 0 if there is neither. Some trees have the board's
 * crystal instead of the processor's clock.
 */
static bool read_clock(const struct dtb_reader *r, unsigned cpu, uint64_t *hz)
{
    const struct dtb *d = &r->d;
    char path[200];
    uint64_t point;
    uint32_t table = 0;
    unsigned len, at;
    const uint8_t *old = dtb_prop(d, cpu, "operating-points", &len);

    if (!dtb_number(d, cpu, "clock-frequency", hz))
        return false;
    if (*hz >= LEAST_HZ)
        return true;
    if (*hz)
        topo_note(r->t, "%s: clock-frequency of %llu Hz is no processor's, left out",
                  dtb_path(d, cpu, path, sizeof(path)), (unsigned long long)*hz);
    *hz = 0;
    for (unsigned i = 0; old && i + 8 <= len; i += 8) { /* kHz, uV */
        point = dtb_read(old + i, 1) * 1000;
        *hz = point > *hz ? point : *hz;
    }
    const uint8_t *list = dtb_prop(d, cpu, "operating-points-v2", &len);
    if (!list)
        return true;
    if (len < 4)
        return dtb_bad(d, cpu, "operating-points-v2: %u bytes: expected a phandle", len);
    table = (uint32_t)dtb_read(list, 1);
    if (!(at = dtb_find(d, table)))
        return dtb_bad(d, cpu, "operating-points-v2: there is no node with phandle 0x%x", table);
    for (unsigned c = at + 1; c < d->node[at].end; c = d->node[c].end) {
        const uint8_t *p = dtb_prop(d, c, "opp-hz", &len);
        point = p && len >= 8 ? dtb_read(p, 2) : 0;
        if (!dtb_has(d, c, "turbo-mode"))
            *hz = point > *hz ? point : *hz;
    }
    return true;
}

struct kind {
    const char *core;
    uint64_t hz;
    uint32_t capacity;
};

static bool same_kind(const struct kind *a, const struct kind *b)
{
    return strcmp(a->core, b->core) == 0 && a->hz == b->hz && a->capacity == b->capacity;
}

/* The kinds become the topology's only if there are several. */
static bool add_kinds(struct dtb_reader *r, const struct kind *kind, unsigned nr)
{
    uint32_t most = 0;
    for (unsigned k = 0; k < nr; k++)
        most = kind[k].capacity > most ? kind[k].capacity : most;
    for (unsigned k = 0; nr > 1 && k < nr; k++) {
        struct topo_kind *to = topo_add_kind(r->t, r->d.f);
        const char *comma = strchr(kind[k].core, ',');
        bool twice = false;
        if (!to)
            return false;
        for (unsigned i = 0; i < nr; i++)
            twice = twice || (i != k && strcmp(kind[i].core, kind[k].core) == 0);
        snprintf(to->name, sizeof(to->name), twice ? "%.50s-%u" : "%.50s", comma ? comma + 1 : kind[k].core, k);
        to->freq_hz = (double)kind[k].hz;
        to->ipc = most ? (double)kind[k].capacity / most : 0;
    }
    return true;
}

bool dtb_read_kinds(struct dtb_reader *r)
{
    const struct dtb *d = &r->d;
    struct kind kind[16];
    unsigned nr = 0;

    for (unsigned i = 0; i < r->nr_cpus; i++) {
        unsigned at = r->cpu[i].at, k = 0;
        const char *core = dtb_string(d, at, "compatible");
        struct kind own = {core ? core : "cpu", 0, 0};
        if (i && at == r->cpu[i - 1].at) {
            r->cpu[i].kind = r->cpu[i - 1].kind;
            continue;
        }
        if (!read_clock(r, at, &own.hz) || !dtb_u32(d, at, "capacity-dmips-mhz", &own.capacity))
            return false;
        while (k < nr && !same_kind(&kind[k], &own))
            k++;
        if (k == sizeof(kind) / sizeof(kind[0]))
            return dtb_bad(d, at, "more than %u kinds of CPUs (compatible, capacity-dmips-mhz, clock-frequency)", k);
        if (k == nr)
            kind[nr++] = own;
        r->cpu[i].kind = k;
        if ((double)own.hz > r->t->freq_hz)
            r->t->freq_hz = (double)own.hz;
    }
    read_isa(r);
    if (nr == 1)
        snprintf(r->t->cpu_model, sizeof(r->t->cpu_model), "%s", kind[0].core);
    return add_kinds(r, kind, nr);
}
