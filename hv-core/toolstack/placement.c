/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Automatic NUMA placement (placement.h). The quirks are those of the arithmetic that libxl does in C: free memory is
 * summed in 32-bit KiB (wraps at 4 TiB), and compared through a 32-bit signed difference (wrong sign from 2 TiB on).
 */
#include "internal.h"

/* libxl's constants, KiB. */
#define OVERHEAD_PV_KB 1024u
#define OVERHEAD_HVM_KB 2048u
#define NEED_ROUND_KB 2048u

uint64_t ts_memory_need_kb(bool hvm, uint64_t memory_kb, uint64_t maxmem_kb, unsigned maxvcpus)
{
    /* Shadow or p2m memory: 256 pages of 4 KiB a vCPU and one a MiB of memory, as recorded at 4.17. */
    uint64_t shadow_kb = 4 * (256ull * maxvcpus + maxmem_kb / 1024);
    uint64_t need = memory_kb + shadow_kb + (hvm ? OVERHEAD_HVM_KB : OVERHEAD_PV_KB);
    return (need + NEED_ROUND_KB - 1) / NEED_ROUND_KB * NEED_ROUND_KB;
}

unsigned ts_placement_min_nodes(unsigned nr_nodes, const struct ts_placement_node *nodes, unsigned min_cpus)
{
    /* All nodes count here, also those that cannot be chosen. */
    for (unsigned n = 1; n < nr_nodes; n++)
        if (nodes[n].nr_cpus != nodes[0].nr_cpus)
            return 1;
    unsigned each = nr_nodes ? nodes[0].nr_cpus : 0;
    return each ? (min_cpus + each - 1) / each : 1;
}

struct candidate {
    nodemask_t nodes;
    uint64_t free_kb;
    unsigned cpus, vcpus_on;
};

/* Is a strictly better than b? */
static bool is_better(const struct hv_profile *level, const struct candidate *a, const struct candidate *b)
{
    if (a->vcpus_on != b->vcpus_on)
        return a->vcpus_on < b->vcpus_on;
    if (level->quirk[HV_QUIRK_placement_32bit_diff])
        return (int32_t)(uint32_t)(b->free_kb - a->free_kb) < 0;
    return a->free_kb > b->free_kb;
}

/* The members of one subset: positions in the list of suitable nodes, ascending. */
struct subset {
    unsigned k, of;
    unsigned at[TS_PLACEMENT_MAX_NODES];
};

static void subset_first(struct subset *s, unsigned k, unsigned of)
{
    s->k = k;
    s->of = of;
    for (unsigned i = 0; i < k; i++)
        s->at[i] = i;
}

/* The next one in lexicographic order; false after the last. */
static bool subset_next(struct subset *s)
{
    unsigned i = s->k;
    while (i > 0 && s->at[i - 1] == s->of - s->k + i - 1)
        i--;
    if (i == 0)
        return false;
    s->at[i - 1]++;
    for (; i < s->k; i++)
        s->at[i] = s->at[i - 1] + 1;
    return true;
}

static struct candidate candidate_of(const struct hv_profile *level, const struct subset *s, const unsigned *suitable,
                                     const struct ts_placement_node *nodes)
{
    struct candidate c = {{0}, 0, 0, 0};
    for (unsigned i = 0; i < s->k; i++) {
        unsigned n = suitable[s->at[i]];
        nodemask_set(&c.nodes, node(n));
        c.free_kb += nodes[n].free_kb;
        c.cpus += nodes[n].suitable;
        c.vcpus_on += nodes[n].vcpus_on;
    }
    if (level->quirk[HV_QUIRK_placement_32bit_sum])
        c.free_kb = (uint32_t)c.free_kb;
    return c;
}

enum ts_placement_outcome ts_placement_decide(const struct hv_profile *level, unsigned nr_nodes,
                                              const struct ts_placement_node *nodes,
                                              const struct ts_placement_request *req, nodemask_t *out)
{
    out->w = 0;
    if (nr_nodes > TS_PLACEMENT_MAX_NODES)
        return TS_PLACEMENT_TOO_MANY_NODES;

    unsigned suitable[TS_PLACEMENT_MAX_NODES], nr_suitable = 0;
    for (unsigned n = 0; n < nr_nodes; n++)
        if (nodes[n].suitable)
            suitable[nr_suitable++] = n;

    unsigned k = ts_placement_min_nodes(nr_nodes, nodes, req->min_cpus);
    if (k > nr_suitable)
        k = nr_suitable;
    for (; k > 0 && k <= nr_suitable; k++) {
        struct candidate best = {{0}, 0, 0, 0};
        struct subset s;
        subset_first(&s, k, nr_suitable);
        do {
            struct candidate c = candidate_of(level, &s, suitable, nodes);
            if (c.free_kb < req->need_kb || c.cpus < req->min_cpus)
                continue;
            if (nodemask_empty(best.nodes) || is_better(level, &c, &best))
                best = c;
        } while (subset_next(&s));
        if (!nodemask_empty(best.nodes)) {
            *out = best.nodes;
            return TS_PLACEMENT_FOUND;
        }
    }
    return TS_PLACEMENT_NONE;
}
