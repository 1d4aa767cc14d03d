/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scrubbing of free memory at boot (boot parameter bootscrub), once dom0 has its memory.
 *
 *   4.3    one pCPU, frame by frame through all of RAM, with a dot for each 100 MB
 *   4.5    a thread of every core, each of them a part of its node's span; in rounds of 128 MiB a pCPU, with a dot a
 *          round; nodes without pCPUs after that, by those of the nearest node that has some
 *   4.12   by default not at all here: pages are dirty from the beginning, and pCPUs that idle scrub them (scrub.c)
 *
 * In a round all pCPUs wait for the one that has most to do. That one is this pCPU here: it clears the longest part of
 * each round, and the time that this takes is the round's. The others clear theirs at the same time and do nothing else
 * at boot, so nobody can tell that they were not charged; the port is told that they share the node's memory.
 */
#include "mm/heap_priv.h"

#define DOT_FRAMES (100u * (1u << 20) / (unsigned)PAGE_SIZE) /* 4.3: 100 MB */
#define CHUNK_FRAMES ((128ull << 20) / PAGE_SIZE)            /* bootscrub_chunk */

static enum hv_bootscrub asked;

static enum hv_bootscrub by_level(void)
{
    return quirk(bootscrub_no_idle) ? HV_BOOTSCRUB_on : HV_BOOTSCRUB_idle;
}

void bootscrub_set(enum hv_bootscrub when)
{
    asked = when;
    if (when == HV_BOOTSCRUB_idle && quirk(bootscrub_no_idle)) {
        hv_printk("bootscrub=idle: level %s has none; on is its default\n", hv_level->name);
        asked = HV_BOOTSCRUB_on;
    } else if (when == HV_BOOTSCRUB_default) {
        asked = by_level();
    }
}

bool bootscrub_idle(void)
{
    return asked == HV_BOOTSCRUB_idle;
}

/* The free buddy that f is in, or FRAME_NONE; *next: where the next one can begin. */
static uint64_t buddy_holding(uint64_t f, uint64_t *next)
{
    unsigned least = !frame_block_1g(f) || !frame_block_1g(f)->blocks ? ORDER_1G : frame_at(f, 0) ? 0 : ORDER_2M;

    for (unsigned order = least; order <= MAX_ORDER; order++) {
        uint64_t head = f & ~((1ull << order) - 1);
        const struct frame *e = frame_at(head, order);
        if (e && frame_is_free(e) && e->order == order) {
            *next = head + (1ull << order);
            return head;
        }
    }
    *next = (f | ((1ull << least) - 1)) + 1;
    return FRAME_NONE;
}

/* The next free frames at or after from, below end: the first, and in *stop what follows; or end. */
static uint64_t next_free(uint64_t from, uint64_t end, uint64_t *stop)
{
    for (uint64_t next; from < end; from = next)
        if (buddy_holding(from, &next) != FRAME_NONE) {
            *stop = next < end ? next : end;
            return from;
        }
    *stop = end;
    return end;
}

static uint64_t free_between(uint64_t from, uint64_t end)
{
    uint64_t n = 0, stop;

    for (; (from = next_free(from, end, &stop)) < end; from = stop)
        n += stop - from;
    return n;
}

static void clear_free(uint64_t from, uint64_t end)
{
    for (uint64_t stop; (from = next_free(from, end, &stop)) < end; from = stop)
        clear_range(from, stop);
}

/* ---- 4.3 ----------------------------------------------------------------------------------------------------------
 */

static void scrub_serially(void)
{
    hv_printk("Scrubbing Free RAM: ");
    for (unsigned i = 0; i < numa_nr_ranges(); i++) {
        const struct hv_mem_range *r = numa_range(i);
        for (uint64_t from = r->start_mfn, stop; (from = next_free(from, r->end_mfn, &stop)) < r->end_mfn;
             from = stop) {
            /* A dot where a free frame has a multiple of the number. */
            for (uint64_t dot = DIV_ROUND_UP(from, DOT_FRAMES); dot * DOT_FRAMES < stop; dot++)
                hv_printk(".");
            clear_range(from, stop);
        }
    }
    hv_printk("done.\n");
}

/* ---- 4.5 ----------------------------------------------------------------------------------------------------------
 */

struct region {
    uint64_t start, per_cpu, rest; /* the first of its workers takes the rest as well */
    unsigned workers;
};
static struct region region[HV_MAX_NODES];

/* One thread of each core. */
static unsigned count_workers(node_id n)
{
    const cpumask_t *cpus = node_to_cpumask(n);
    unsigned workers = 0;

    for (unsigned c = 0; c < hv_nr_cpus; c++)
        workers += cpumask_test(cpus, pcpu(c)) && cpumask_first(cpu_sibling_mask(pcpu(c))).n == c;
    return workers;
}

/* The part of worker w of a region in the round that begins at offset. */
static void part(const struct region *r, unsigned w, uint64_t offset, uint64_t *from, uint64_t *end)
{
    uint64_t begin = r->start + w * r->per_cpu + (w ? r->rest : 0), size = r->per_cpu + (w ? 0 : r->rest);

    *from = begin + (offset < size ? offset : size);
    *end = begin + (offset + CHUNK_FRAMES < size ? offset + CHUNK_FRAMES : size);
}

/* False: no worker has anything left at this offset. */
static bool scrub_round(nodemask_t nodes, uint64_t offset)
{
    uint64_t most = 0, from, end, best_from = 0, best_end = 0;
    unsigned beside = 0;
    bool any = false;
    node_id n;

    for_each_node (n, nodes) {
        for (unsigned w = 0; w < region[n.n].workers; w++) {
            part(&region[n.n], w, offset, &from, &end);
            any |= from < end;
            uint64_t pages = from < end ? free_between(from, end) : 0;
            if (pages > most) {
                most = pages;
                best_from = from;
                best_end = end;
                beside = region[n.n].workers - 1;
            }
        }
    }
    port_clear_beside(beside);
    clear_free(best_from, best_end);
    port_clear_beside(0);
    return any;
}

static void scrub_rounds(nodemask_t nodes)
{
    for (uint64_t offset = 0; scrub_round(nodes, offset); offset += CHUNK_FRAMES)
        hv_printk(".");
}

static void set_region(node_id n, unsigned workers)
{
    uint64_t start = 0, end = 0;

    if (!workers || !node_span(n, &start, &end)) {
        region[n.n] = (struct region){0};
        return;
    }
    region[n.n] = (struct region){start, (end - start) / workers, (end - start) % workers, workers};
}

static unsigned workers_of_nearest(node_id of)
{
    node_id n, best = NODE_INVALID;

    for_each_node (n, hv_node_online) {
        if (!cpumask_empty(node_to_cpumask(n)) && (!node_valid(best) || node_distance(of, n) < node_distance(of, best)))
            best = n;
    }
    return node_valid(best) ? count_workers(best) : 0;
}

static void scrub_in_parallel(void)
{
    nodemask_t with_cpus = {0};
    unsigned workers = 0;
    node_id n;

    for_each_node (n, hv_node_online) {
        unsigned here = count_workers(n);
        set_region(n, here);
        workers += here;
        if (here)
            nodemask_set(&with_cpus, n);
    }
    hv_printk("Scrubbing Free RAM on %u nodes using %u CPUs\n", nodemask_weight(with_cpus), workers);
    scrub_rounds(with_cpus);
    for_each_node (n, hv_node_online) {
        nodemask_t alone = {0};
        if (nodemask_test(with_cpus, n))
            continue;
        set_region(n, workers_of_nearest(n));
        nodemask_set(&alone, n);
        scrub_rounds(alone);
    }
    hv_printk("done.\n");
}

/* -------------------------------------------------------------------------------------------------------------------
 */

void scrub_heap_pages(void)
{
    if (asked == HV_BOOTSCRUB_idle)
        hv_printk("Scrubbing Free RAM in background\n");
    if (asked != HV_BOOTSCRUB_on)
        return;
    if (quirk(bootscrub_serial))
        scrub_serially();
    else
        scrub_in_parallel();
}

void heap_init_late(void)
{
    scrub_heap_pages();
    low_mem_setup();
    scrub_start_waking();
}
