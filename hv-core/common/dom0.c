/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The building of dom0: how much memory of what is free, on which nodes, and where its vCPUs may run.
 *   dom0_mem=[min:|max:]SIZE,...  SIZE with K (default), M, G or T; -SIZE: all but that. Without an amount: all that is
 *                                 free but a sixteenth, 128 MiB at most
 *   dom0_nodes=N,...[,relaxed]    from 4.6 on: memory from these nodes; its vCPUs may run on their pCPUs only (strict),
 *                                 or would rather run there (relaxed)
 */
#include "boot.h"

#include <hv/cpupool.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/numa.h>
#include <hv/sched.h>

#define LEFT_FREE_MOST ((uint64_t)128 << (20 - PAGE_SHIFT))
#define LEFT_FREE_PART 16

/* In pages; an amount below 0: all but that. */
struct dom0_mem {
    int64_t amount, min, max;
    bool given, has_max;
};

static struct {
    bool vcpus_pin, relaxed;
    nodemask_t nodes; /* empty: all */
    struct dom0_mem mem;
} dom0_opt;

/* ---- what the command line says ----------------------------------------------------------------------------------
 */

/* Whether text begins with word; *text is then behind it. */
static bool skip_word(const char **text, const char *word)
{
    const char *p = *text;

    for (; *word; word++, p++)
        if (*p != *word)
            return false;
    *text = p;
    return true;
}

static bool parse_number(const char **text, uint64_t most, uint64_t *out)
{
    const char *p = *text;
    uint64_t v = 0;

    for (; *p >= '0' && *p <= '9'; p++) {
        v = v * 10 + (unsigned)(*p - '0');
        if (v > most)
            return false;
    }
    if (p == *text)
        return false;
    *text = p;
    *out = v;
    return true;
}

/* [-]N[K|M|G|T], in pages; no machine has more than 2^52 bytes. */
static bool parse_size(const char **text, int64_t *pages)
{
    bool negative = skip_word(text, "-");
    unsigned shift = 10;
    uint64_t n;

    if (!parse_number(text, 1ull << 52, &n))
        return false;
    switch (**text) {
    case 'T':
    case 't':
        shift += 10; /* fall through */
    case 'G':
    case 'g':
        shift += 10; /* fall through */
    case 'M':
    case 'm':
        shift += 10; /* fall through */
    case 'K':
    case 'k':
        ++*text;
        break;
    default:
        break;
    }
    if (n > (1ull << 52) >> shift)
        return false;
    *pages = (int64_t)((n << shift) >> PAGE_SHIFT);
    if (negative)
        *pages = -*pages;
    return true;
}

static int parse_mem(const char *text, struct dom0_mem *out)
{
    *out = (struct dom0_mem){0};
    while (text && *text) {
        int64_t *to = skip_word(&text, "min:") ? &out->min : skip_word(&text, "max:") ? &out->max : &out->amount;
        if (!parse_size(&text, to))
            return -HV_EINVAL;
        out->given |= to == &out->amount;
        out->has_max |= to == &out->max;
        if (*text == ',' && text[1])
            text++;
        else if (*text)
            return -HV_EINVAL;
    }
    return 0;
}

static int parse_nodes(const char *text, nodemask_t *nodes, bool *relaxed)
{
    *nodes = (nodemask_t){0};
    *relaxed = false;
    while (text && *text) {
        uint64_t n;
        if (skip_word(&text, "relaxed"))
            *relaxed = true;
        else if (skip_word(&text, "strict"))
            *relaxed = false;
        else if (parse_number(&text, HV_MAX_NODES - 1, &n))
            nodemask_set(nodes, node((unsigned)n));
        else
            return -HV_EINVAL;
        if (*text == ',' && text[1])
            text++;
        else if (*text)
            return -HV_EINVAL;
    }
    return 0;
}

const char *dom0_bad_option(const struct hv_options *opt)
{
    struct dom0_mem mem;
    nodemask_t nodes;
    bool relaxed;

    if (parse_mem(opt->dom0_mem, &mem))
        return "dom0_mem";
    if (parse_nodes(opt->dom0_nodes, &nodes, &relaxed))
        return "dom0_nodes";
    return NULL;
}

int dom0_options_set(const struct hv_options *opt)
{
    dom0_opt.vcpus_pin = opt->dom0_vcpus_pin;
    if (parse_mem(opt->dom0_mem, &dom0_opt.mem)) {
        hv_printk("dom0_mem=%s: [min:|max:]SIZE with commas between\n", opt->dom0_mem);
        return -HV_EINVAL;
    }
    if (parse_nodes(opt->dom0_nodes, &dom0_opt.nodes, &dom0_opt.relaxed)) {
        hv_printk("dom0_nodes=%s: nodes, strict and relaxed, with commas between\n", opt->dom0_nodes);
        return -HV_EINVAL;
    }
    if (opt->dom0_nodes && quirk(dom0_nodes_absent)) {
        hv_printk("dom0_nodes is not known\n");
        dom0_opt.nodes = (nodemask_t){0};
    }
    return 0;
}

/* ---- what it comes to -------------------------------------------------------------------------------------------- */

/* Nodes that are not there count as if they had not been named. */
static nodemask_t dom0_nodes(void)
{
    nodemask_t nodes = {dom0_opt.nodes.w & hv_node_online.w};
    return nodemask_empty(nodes) ? hv_node_online : nodes;
}

static uint64_t clamp_pages(int64_t pages, uint64_t avail)
{
    int64_t have = (int64_t)avail;
    if (pages < 0)
        pages += have;
    return (uint64_t)(pages < 0 ? 0 : pages);
}

/* Pages to begin with; *max: that it may ever have. */
static uint64_t dom0_pages(uint64_t *max)
{
    const struct dom0_mem *m = &dom0_opt.mem;
    nodemask_t nodes = dom0_nodes();
    uint64_t avail = 0;
    node_id n;

    for_each_node (n, nodes)
        avail += avail_node_pages(n);
    uint64_t left_free = avail / LEFT_FREE_PART;
    if (left_free > LEFT_FREE_MOST)
        left_free = LEFT_FREE_MOST;
    uint64_t pages = m->given ? clamp_pages(m->amount, avail) : avail - left_free;
    uint64_t min = clamp_pages(m->min, avail);
    *max = m->has_max ? clamp_pages(m->max, avail) : UINT32_MAX;
    if (pages < min)
        pages = min;
    if (pages > *max)
        pages = *max;
    return pages < avail ? pages : avail;
}

/* The pCPUs of its nodes in pool 0, or all of the pool where they have none there. */
static void dom0_cpus(const struct cpupool *p, cpumask_t *out)
{
    nodemask_t nodes = dom0_nodes();
    node_id n;

    cpumask_clear_all(out);
    for_each_node (n, nodes)
        cpumask_or(out, out, node_to_cpumask(n));
    cpumask_and(out, out, &p->cpus);
    if (cpumask_empty(out))
        cpumask_copy(out, &p->cpus);
}

static int place_vcpus(struct domain *d)
{
    cpumask_t cpus;
    int rc = 0;

    if (nodemask_empty(dom0_opt.nodes) || d->is_pinned)
        return 0;
    dom0_cpus(d->cpupool, &cpus);
    for (unsigned i = 0; i < d->max_vcpus && !rc; i++)
        rc = vcpu_set_affinity(d->vcpu[i], dom0_opt.relaxed ? NULL : &cpus, &cpus);
    return rc;
}

static int build_vcpus(struct domain *d, unsigned nr)
{
    d->is_pinned = dom0_opt.vcpus_pin;
    if (!nodemask_empty(dom0_opt.nodes)) {
        d->node_affinity = dom0_nodes();
        d->auto_node_affinity = false;
    }
    d->vcpu = hv_zalloc(nr * sizeof(*d->vcpu));
    if (!d->vcpu)
        return -HV_ENOMEM;
    d->max_vcpus = nr;
    int rc = domain_create_vcpus(d, nr);
    return rc ? rc : place_vcpus(d);
}

static int build_memory(struct domain *d, uint64_t mem_bytes)
{
    uint64_t max = mem_bytes >> PAGE_SHIFT, pages = mem_bytes ? max : dom0_pages(&max);

    if (!pages) {
        hv_printk("dom0: no memory is left for it\n");
        return -HV_ENOMEM;
    }
    d->max_pages = max;
    int rc = mm_populate_dom0(d, pages);
    if (rc)
        hv_printk("dom0: %llu MiB cannot be had (error %d)\n", (unsigned long long)(pages >> (20 - PAGE_SHIFT)), -rc);
    return rc;
}

int hv_construct_dom0(unsigned nr_vcpus, uint64_t mem_bytes)
{
    struct domain *d;
    dom_id id = dom(0);
    int rc;

    if (nr_vcpus == 0 || nr_vcpus > HV_MAX_VCPUS_PER_DOMAIN) {
        hv_printk("dom0: %u vCPUs; 1 to %u are possible\n", nr_vcpus, HV_MAX_VCPUS_PER_DOMAIN);
        return -HV_EINVAL;
    }
    if ((rc = domain_create(&id, HV_GUEST_PV, 0, &d)) != 0) {
        hv_printk("dom0: cannot be created (error %d)\n", -rc);
        return rc;
    }
    rc = build_vcpus(d, nr_vcpus);
    if (rc)
        hv_printk("dom0: its %u vCPUs cannot be made (error %d)\n", nr_vcpus, -rc);
    else
        rc = build_memory(d, mem_bytes);
    if (!rc)
        rc = domain_online_vcpus(d, nr_vcpus);
    if (rc)
        domain_destroy(d);
    else
        heap_init_late();
    return rc;
}
