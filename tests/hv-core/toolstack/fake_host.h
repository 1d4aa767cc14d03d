/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scripted host: answers hypercalls from a few tables, writes down each call, and can refuse the n-th. It knows
 * nothing of heaps and schedulers; only what the toolstack can see.
 */
#ifndef TESTS_TOOLSTACK_FAKE_HOST_H
#define TESTS_TOOLSTACK_FAKE_HOST_H

#include <toolstack/toolstack.h>

#define FAKE_DOMAINS 16u
#define FAKE_VCPUS 16u
#define FAKE_CALLS 4096u
#define MAX_FAKE_ORDER 19u
#define FAKE_POOLS 4u

struct fake_domain {
    bool exists, paused;
    unsigned pool;
    enum hv_guest_type type;
    unsigned max_vcpus, online;
    uint64_t affinity[FAKE_VCPUS]; /* the first 64 pCPUs */
    uint64_t soft[FAKE_VCPUS];     /* 0: all */
    uint64_t nodes;                /* 0: automatic */
    uint64_t pages, max_kb, claim;
    uint64_t pod_target, pod_entries; /* what waits, and what was marked */
    uint32_t weight, cap;
    struct {
        uint32_t period_us, budget_us;
        bool extratime;
    } rt[FAKE_VCPUS]; /* in a pool of rtds */
};

struct fake_pool {
    bool exists;
    unsigned sched_id;
    enum hv_sched_gran gran; /* core: two pCPUs, socket: eight; they come and go together */
    uint64_t cpus;
    unsigned tslice_ms, ratelimit_us, migration_delay_us;
    s_time_t major_frame; /* arinc653 */
    unsigned nr_entries;
};

/* One populate_physmap as it was asked for and answered. */
struct fake_populate {
    unsigned order, flags;
    uint64_t gfn, asked, done;
};

struct fake_host {
    struct ts_host host; /* what the toolstack is given */
    unsigned nr_cpus, nr_nodes;
    node_id cpu_node[64];
    struct fake_pool pool[FAKE_POOLS]; /* [0] has all pCPUs at first */
    uint64_t offline;
    uint64_t free_kb[HV_MAX_NODES];
    struct fake_domain dom[FAKE_DOMAINS];

    uint64_t extents_left[MAX_FAKE_ORDER]; /* populate_physmap of that order succeeds as often */

    /* The n-th call (from 0) is not performed and returns fail_with; -1: none. */
    int fail_at;
    long fail_with;

    unsigned nr_calls;
    char call[FAKE_CALLS][48];
    unsigned nr_populates;
    struct fake_populate populate[FAKE_CALLS];

    char log[8192];
    unsigned errors, warnings;
};

void fake_reset(struct fake_host *f, const struct hv_profile *level, unsigned nr_nodes, unsigned cpus_per_node,
                uint64_t node_free_kb);
/* An existing domain, its vCPUs all with one affinity. */
struct fake_domain *fake_add(struct fake_host *f, unsigned id, unsigned vcpus, uint64_t affinity, uint64_t nodes);
/* Domains other than dom0. */
unsigned fake_count_domus(const struct fake_host *f);
/* The calls from the createdomain on, each followed by a blank; runs of one call are "call*n". */
const char *fake_calls(const struct fake_host *f, char *buf, size_t n);
/* The same from call number first on. */
const char *fake_calls_from(const struct fake_host *f, unsigned first, char *buf, size_t n);

#endif
