/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole of xl create against recordings of a real one: same host, same free memory before each step, same sequence
 * of domains; the nodes chosen must be the same. Which vCPUs count where follows from the domains that were made
 * before.
 */
#include "fake_host.h"
#include "levels.h"
#include <cunit_main.h>
#include <stdio.h>

enum op { CREATE, DESTROY, SOFT };

struct recorded_host {
    const char *name;
    unsigned nr_nodes, cpus[8];
};
struct recorded_step {
    unsigned host, step;
    enum op op;
    unsigned dom; /* number of the domain in its sequence */
    unsigned mb, maxmem_mb, vcpus, maxvcpus;
    uint64_t nodes, hard;
    const char *cpus, *list[4];
    unsigned nr_list;
    bool refused;
    uint64_t free_pages[8];
};

#include "recorded_placement.inc"

static struct fake_host f;

static void start_host(const struct recorded_host *h)
{
    fake_reset(&f, &level_modern, h->nr_nodes, 1, 0);
    f.nr_cpus = 0;
    for (unsigned n = 0; n < h->nr_nodes; n++)
        for (unsigned i = 0; i < h->cpus[n]; i++)
            f.cpu_node[f.nr_cpus++] = node(n);
    f.pool[0].cpus = (1ull << f.nr_cpus) - 1;
    fake_add(&f, 0, 1, 0x1, 0); /* dom0: one vCPU, pinned to pCPU 0 */
}

/* Returns whether it went as recorded. */
static bool create(const struct recorded_step *s, dom_id *made)
{
    struct ts_domain_config cfg = {.name = "d",
                                   .type = HV_GUEST_PV,
                                   .vcpus = s->vcpus,
                                   .maxvcpus = s->maxvcpus,
                                   .memory_kb = s->mb * 1024ull,
                                   .maxmem_kb = s->maxmem_mb * 1024ull,
                                   .cap = 0xffffffff,
                                   .cpus = s->cpus,
                                   .cpus_list = s->nr_list ? s->list : NULL,
                                   .nr_cpus_list = s->nr_list};
    struct ts_domain_result r;
    int rc = ts_domain_create(&f.host, &cfg, &r);
    *made = r.domid;
    if (s->refused)
        return rc != 0;
    bool same = rc == 0 && r.nodes.w == s->nodes && r.auto_placed == (s->nodes != 0);
    if (!same)
        printf("\n%s step %u: rc %d, nodes %llx, recorded %llx; log %s\n", recorded_hosts[s->host].name, s->step, rc,
               (unsigned long long)r.nodes.w, (unsigned long long)s->nodes, f.log);
    if (rc == 0) /* go on from what was recorded, so that one mistake is reported once */
        f.dom[r.domid.n].nodes = s->nodes;
    return same;
}

static void as_recorded(void)
{
    dom_id made[32] = {{0}};
    unsigned host = ~0u, placed = 0;
    for (size_t i = 0; i < ARRAY_SIZE(recorded_steps); i++) {
        const struct recorded_step *s = &recorded_steps[i];
        if (s->host != host) {
            host = s->host;
            start_host(&recorded_hosts[host]);
        }
        for (unsigned n = 0; n < f.nr_nodes; n++)
            f.free_kb[n] = s->free_pages[n] * 4;
        f.nr_calls = f.nr_populates = 0;
        f.log[0] = '\0';
        if (s->op == DESTROY) {
            CU_ASSERT_EQUAL(ts_domain_destroy(&f.host, made[s->dom]), 0);
        } else if (s->op == SOFT) {
            unsigned id = 1;
            while (f.dom[id].exists)
                id++;
            fake_add(&f, id, s->vcpus, s->hard, s->nodes);
            made[s->dom] = dom(id);
        } else {
            CU_ASSERT(create(s, &made[s->dom]));
            placed += s->nodes != 0;
        }
    }
    CU_ASSERT_EQUAL(placed, 107); /* the table is there, whole */
}

static const struct cunit_case tests[] = {
    {"every recorded creation chooses the recorded nodes", as_recorded},
};

CUNIT_MAIN("toolstack: placement as recorded", tests)
