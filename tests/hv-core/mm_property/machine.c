/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A random machine from its number. */
#include "mm_property.h"

#include <string.h>

#define LOW_FRAMES 256u /* the first MiB is not used */
#define LEAST_FRAMES 400u
#define FRAMES_PER_CPU 24u /* what the hypervisor needs for one */

struct machine machine;

static uint64_t state;

static uint64_t rnd(uint64_t n)
{
    return prop_random(&state) % n;
}

enum size { TINY, SMALL, MEDIUM, LARGE };

/* Pages of one range. */
static uint64_t draw_length(enum size size)
{
    static const uint64_t most[] = {[TINY] = 700, [SMALL] = 9000, [MEDIUM] = 60000, [LARGE] = 5u << 18};
    return 1 + rnd(rnd(4) ? most[size] : 40);
}

static uint64_t draw_hole(enum size size)
{
    static const uint64_t most[] = {[TINY] = 500, [SMALL] = 5000, [MEDIUM] = 30000, [LARGE] = 1u << 20};
    if (rnd(3) == 0)
        return 0;
    if (size >= MEDIUM && rnd(24) == 0)
        return rnd(1ull << 26); /* in all below 32 bits: beyond, 16 TiB, there is no memory */
    return rnd(most[size]);
}

static void add_range(uint64_t start, uint64_t end, unsigned n)
{
    struct machine *m = &machine;
    if (start >= end)
        return;
    m->range[m->nr_ranges] = (struct hv_mem_range){start, end, node(n)};
    m->nr_ranges++;
}

/* Ranges of several nodes among each other, ascending. */
static void draw_ranges(enum size size, const bool *has_memory)
{
    unsigned of_node[192], nr = 0;
    for (unsigned n = 0; n < machine.nr_nodes; n++)
        for (uint64_t i = 0, k = machine.nr_nodes > 8 ? 1 : 1 + rnd(3); has_memory[n] && i < k; i++)
            of_node[nr++] = n;
    bool mixed = rnd(2);
    for (unsigned i = nr; mixed && i > 1; i--) {
        unsigned j = (unsigned)rnd(i), t = of_node[j];
        of_node[j] = of_node[i - 1];
        of_node[i - 1] = t;
    }
    uint64_t at = rnd(2) ? 0 : rnd(2 * LOW_FRAMES), total = 0, most = MACHINE_MAX_FRAMES / 2 / nr;
    uint64_t least = LEAST_FRAMES + FRAMES_PER_CPU * machine.nr_cpus;
    for (unsigned i = 0; i < nr; i++) {
        uint64_t len = draw_length(size);
        if (rnd(4) == 0)
            at = (at + 511) & ~511ull;
        else if (size == LARGE && rnd(3) == 0)
            at = (at + (1u << 18) - 1) >> 18 << 18;
        len = len < most ? len : most;
        if (i + 1 == nr && total + len < least)
            len = least - total;
        add_range(at, at + len, of_node[i]);
        total += at + len <= LOW_FRAMES ? 0 : at < LOW_FRAMES ? at + len - LOW_FRAMES : len;
        at += len + draw_hole(size);
    }
}

static void draw_cpus(const bool *has_cpus)
{
    struct machine *m = &machine;
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        unsigned n = (unsigned)rnd(m->nr_nodes), tries = 0;
        while (!has_cpus[n] && tries++ < m->nr_nodes)
            n = (n + 1) % m->nr_nodes;
        m->cpu[c] = (struct hv_cpu_desc){(uint16_t)(c / 4), (uint16_t)(c / 2), (uint16_t)(c % 2), node(n)};
        if (rnd(16) == 0)
            m->cpu[c].node = NODE_INVALID;
    }
}

void machine_draw(uint32_t number)
{
    static const enum size sizes[] = {TINY, TINY, TINY, SMALL, SMALL, SMALL, MEDIUM, LARGE};
    static const unsigned nodes[] = {1, 1, 2, 2, 2, 3, 4, 4, 5, 8, 16, 24, 64};
    bool has_memory[HV_MAX_NODES], has_cpus[HV_MAX_NODES];
    struct machine *m = &machine;

    memset(m, 0, sizeof(*m));
    state = number;
    enum size size = sizes[rnd(ARRAY_SIZE(sizes))];
    m->nr_nodes = nodes[rnd(ARRAY_SIZE(nodes))];
    if (m->nr_nodes == 64 && rnd(3))
        m->nr_nodes = 6;
    m->nr_cpus = 1 + (unsigned)rnd(rnd(3) ? 4 : MACHINE_MAX_CPUS);
    unsigned certain = (unsigned)rnd(m->nr_nodes);
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        has_memory[n] = n == certain || rnd(5) != 0;
        has_cpus[n] = rnd(4) != 0;
    }
    draw_ranges(size, has_memory);
    draw_cpus(has_cpus);
    if (rnd(4) == 0)
        m->dma_bits = 20 + (unsigned)rnd(12);
    m->offlining = rnd(3) == 0;

    for (unsigned i = 0; i < m->nr_ranges; i++) {
        const struct hv_mem_range *r = &m->range[i];
        uint64_t start = r->start_mfn < LOW_FRAMES ? LOW_FRAMES : r->start_mfn;
        m->before[i] = m->frames;
        m->frames += r->end_mfn > start ? r->end_mfn - start : 0;
    }
}

void machine_boot_info(const char *level, struct hv_boot_info *info)
{
    *info = (struct hv_boot_info){.level = hv_profile_find(level),
                                  .opt = HV_OPTIONS_DEFAULT,
                                  .nr_cpus = machine.nr_cpus,
                                  .nr_nodes = machine.nr_nodes,
                                  .nr_ranges = machine.nr_ranges,
                                  .cpu = machine.cpu,
                                  .range = machine.range};
    info->opt.dma_bits = machine.dma_bits;
    info->opt.bootscrub = machine.nr_cpus % 2 ? HV_BOOTSCRUB_idle : HV_BOOTSCRUB_off;
}

/* The range that f is in; nr_ranges: none. */
static unsigned range_of(uint64_t f)
{
    static unsigned last;
    unsigned low = 0, high = machine.nr_ranges;

    if (last < high && f >= machine.range[last].start_mfn && f < machine.range[last].end_mfn)
        return last;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (f >= machine.range[mid].end_mfn)
            low = mid + 1;
        else if (f < machine.range[mid].start_mfn)
            high = mid;
        else
            return last = mid;
    }
    return machine.nr_ranges;
}

uint64_t machine_frame_index(uint64_t f, uint64_t n, unsigned *node_of)
{
    unsigned i = range_of(f);
    if (i == machine.nr_ranges || f < LOW_FRAMES)
        return NOT_RAM;
    const struct hv_mem_range *r = &machine.range[i];
    *node_of = r->node.n;
    uint64_t index = machine.before[i] + f - (r->start_mfn < LOW_FRAMES ? LOW_FRAMES : r->start_mfn);
    for (uint64_t last = f + n - 1; last >= r->end_mfn; r++)
        if (++i == machine.nr_ranges || r[1].start_mfn != r->end_mfn || r[1].node.n != *node_of)
            return NOT_RAM;
    return index;
}

bool machine_turn(uint64_t *map, uint64_t f, uint64_t n, bool were)
{
    unsigned node_of;
    while (n) {
        unsigned i = range_of(f);
        uint64_t room = i == machine.nr_ranges ? 0 : machine.range[i].end_mfn - f, part = n < room ? n : room;
        uint64_t index = machine_frame_index(f, part, &node_of);
        if (!part || index == NOT_RAM || !bits_turn(map, index, part, were))
            return false;
        f += part;
        n -= part;
    }
    return true;
}
