/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xl prints. First against what a real xl printed, byte by byte: a core that answers as that host did. Then on
 * whole runs, where looking must change nothing.
 */
#include "whole_run.h"
#include "xl_print.h"

#define SAMPLES HVSIM_SOURCE_DIR "/results/reference/real-xen/samples/"

/* ---- a host that answers -------------------------------------------------------------------------------------- */

struct fake_vcpu {
    unsigned domid;
    int cpu; /* -1: offline */
    char state;
    double seconds;
    uint64_t hard, soft;
};
struct fake_domain {
    unsigned id;
    const char *name;
    unsigned mib, online;
    char state;
    double seconds;
    uint64_t nodes;
    unsigned weight, cap;
};

struct fake_host {
    unsigned cpus, nodes;
    const struct fake_vcpu *vcpu;
    unsigned nr_vcpus;
    const struct fake_domain *domain;
    unsigned nr_domains, sched;
    const char *sched_name;
};
static const struct fake_host *fake_p;

#define ALL16 0xffffull
static const struct fake_vcpu a08_vcpus[] = {
    {0, 0, 'r', 22.1, 0x1, ALL16},  {2, 1, '-', 0, ALL16, 0xc00},   {2, -1, 'p', 0, ALL16, 0xc00},
    {3, 3, '-', 0, ALL16, 0xc},     {3, -1, 'p', 0, ALL16, 0xc},    {5, 11, '-', 0, 0xc00, 0x3330},
    {5, -1, 'p', 0, 0xc00, 0x3330}, {5, -1, 'p', 0, 0xc00, 0x3330}, {5, -1, 'p', 0, 0xc00, 0x3330},
    {5, -1, 'p', 0, 0xc00, 0x3330}, {5, -1, 'p', 0, 0xc00, 0x3330},
};
static const struct fake_domain a08_domains[] = {
    {0, "Domain-0", 384, 1, 'r', 22.4, 0x1, 256, 0},
    {2, "d02", 700, 1, 'p', 0, 0x20, 256, 0},
    {3, "d03", 512, 1, 'p', 0, 0x2, 256, 0},
    {5, "d05", 64, 1, 'p', 0, 0x54, 256, 0},
};
static const struct fake_vcpu c_vcpus[] = {
    {0, 0, 'r', 17.0, 0x1, 7}, {1, 2, 'r', 15.2, 0x6, 7}, {2, 1, '-', 18.9, 0x6, 7}, {2, 2, '-', 15.9, 0x6, 7},
    {3, 2, '-', 14.3, 0x6, 7}, {4, 2, 'b', 5.6, 0x6, 7},  {5, 1, 'r', 14.6, 0x6, 7}, {5, 1, '-', 14.8, 0x6, 7},
};
static const struct fake_domain c_domains[] = {
    {0, "Domain-0", 384, 1, 'r', 17.6, 1, 256, 0}, {1, "v1", 16, 1, '-', 15.4, 1, 256, 0},
    {2, "v2", 16, 2, 'r', 35.1, 1, 512, 0},        {3, "v3", 16, 1, '-', 14.5, 1, 256, 40},
    {4, "s1", 16, 1, 'b', 5.7, 1, 256, 0},         {5, "s2", 16, 2, 'r', 29.8, 1, 256, 0},
};

static const struct fake_host
    a08 = {16,       8, a08_vcpus, ARRAY_SIZE(a08_vcpus), a08_domains, ARRAY_SIZE(a08_domains), XEN_SCHEDULER_CREDIT2,
           "credit2"},
    c_credit = {3, 1, c_vcpus, ARRAY_SIZE(c_vcpus), c_domains, ARRAY_SIZE(c_domains), XEN_SCHEDULER_CREDIT, "credit"},
    c_credit2 = {3,        1, c_vcpus, ARRAY_SIZE(c_vcpus), c_domains, ARRAY_SIZE(c_domains), XEN_SCHEDULER_CREDIT2,
                 "credit2"};
#define USE(host) (fake_p = &(host))

static s_time_t ns(double seconds)
{
    return (s_time_t)(seconds * 1e9 + 0.5);
}

static const struct fake_vcpu *find_vcpu(unsigned domid, unsigned n)
{
    for (unsigned i = 0; i < fake_p->nr_vcpus; i++)
        if (fake_p->vcpu[i].domid == domid && n-- == 0)
            return &fake_p->vcpu[i];
    return NULL;
}

static long fake_domctl(struct hv_domctl *op)
{
    const struct fake_domain *d = fake_p->domain, *end = d + fake_p->nr_domains;
    unsigned n = op->cmd == XEN_DOMCTL_getvcpuinfo ? op->u.getvcpuinfo.vcpu.n : op->u.vcpuaffinity.vcpu.n;
    const struct fake_vcpu *v;
    while (d < end && (op->cmd == XEN_DOMCTL_getdomaininfo ? d->id < op->domid.n : d->id != op->domid.n))
        d++;
    if (d == end)
        return -HV_ESRCH;
    switch (op->cmd) {
    case XEN_DOMCTL_getdomaininfo:
        op->domid = dom(d->id);
        op->u.getdomaininfo.running = d->state == 'r';
        op->u.getdomaininfo.blocked = d->state == 'b';
        op->u.getdomaininfo.paused = d->state == 'p';
        op->u.getdomaininfo.tot_pages = (uint64_t)d->mib << 8;
        op->u.getdomaininfo.nr_online_vcpus = d->online;
        op->u.getdomaininfo.cpu_time = ns(d->seconds);
        for (n = 0; find_vcpu(d->id, n); n++)
            op->u.getdomaininfo.max_vcpu_id = n;
        return 0;
    case XEN_DOMCTL_getnodeaffinity:
        op->u.nodeaffinity.nodemap.w = d->nodes;
        return 0;
    case XEN_DOMCTL_scheduler_op:
        op->u.scheduler_op.weight = d->weight;
        op->u.scheduler_op.cap = d->cap;
        return 0;
    case XEN_DOMCTL_getvcpuinfo:
        if (!(v = find_vcpu(d->id, n)))
            return -HV_ESRCH;
        op->u.getvcpuinfo.online = v->cpu >= 0;
        op->u.getvcpuinfo.running = v->state == 'r';
        op->u.getvcpuinfo.blocked = v->state == 'b';
        op->u.getvcpuinfo.cpu = pcpu(v->cpu >= 0 ? (unsigned)v->cpu : 0);
        op->u.getvcpuinfo.cpu_time = ns(v->seconds);
        return 0;
    case XEN_DOMCTL_getvcpuaffinity:
        v = find_vcpu(d->id, n);
        op->u.vcpuaffinity.cpumap.w[0] = v->hard;
        op->u.vcpuaffinity.cpumap_soft.w[0] = v->soft;
        return 0;
    default:
        return -HV_ENOSYS;
    }
}

static const uint8_t slit[8][8] = {
    {10, 20, 20, 26, 26, 32, 32, 38}, {20, 10, 26, 20, 32, 26, 38, 32}, {20, 26, 10, 20, 20, 26, 26, 32},
    {26, 20, 20, 10, 26, 20, 32, 26}, {26, 32, 20, 26, 10, 20, 20, 26}, {32, 26, 26, 20, 20, 10, 26, 20},
    {32, 38, 26, 32, 20, 26, 10, 20}, {38, 32, 32, 26, 26, 20, 20, 10},
};
static const unsigned memfree[8] = {766, 509, 999, 893, 999, 321, 999, 953};

static long fake_sysctl(struct hv_sysctl *op)
{
    unsigned n = op->u.numainfo.node.n;
    switch (op->cmd) {
    case XEN_SYSCTL_physinfo:
        op->u.physinfo.nr_cpus = fake_p->cpus;
        op->u.physinfo.max_node_id = fake_p->nodes - 1;
        op->u.physinfo.cores_per_socket = 2;
        op->u.physinfo.threads_per_core = 1;
        op->u.physinfo.total_pages = 8191 << 8;
        op->u.physinfo.free_pages = 6444 << 8;
        return 0;
    case XEN_SYSCTL_topologyinfo:
        n = op->u.topologyinfo.cpu.n;
        op->u.topologyinfo.core = n % 2;
        op->u.topologyinfo.socket = n / 2;
        op->u.topologyinfo.node = node(n / 2);
        return 0;
    case XEN_SYSCTL_numainfo:
        op->u.numainfo.online = true;
        op->u.numainfo.memsize_bytes = 1024ull << 20;
        op->u.numainfo.memfree_bytes = (uint64_t)memfree[n] << 20;
        memcpy(op->u.numainfo.distance, slit[n], 8);
        return 0;
    case XEN_SYSCTL_scheduler_op:
        op->u.scheduler_op.tslice_ms = 30;
        op->u.scheduler_op.ratelimit_us = 1000;
        return 0;
    case XEN_SYSCTL_sched_id:
        snprintf(op->u.sched_id.name, sizeof(op->u.sched_id.name), "%s", fake_p->sched_name);
        return 0;
    case XEN_SYSCTL_cpupool_op:
        if (op->u.cpupool_op.op == XEN_SYSCTL_CPUPOOL_OP_FREEINFO)
            return 0;
        if (op->u.cpupool_op.cpupool)
            return -HV_ENOENT;
        op->u.cpupool_op.sched_id = fake_p->sched;
        op->u.cpupool_op.n_dom = fake_p->nr_domains;
        op->u.cpupool_op.cpumap.w[0] = (1ull << fake_p->cpus) - 1;
        snprintf(op->u.cpupool_op.sched_name, sizeof(op->u.cpupool_op.sched_name), "%s", fake_p->sched_name);
        return 0;
    default:
        return -HV_ENOSYS;
    }
}

static long inspect(enum hv_hypercall nr, void *arg)
{
    return nr == HYPERCALL_domctl ? fake_domctl(arg) : nr == HYPERCALL_sysctl ? fake_sysctl(arg) : -HV_ENOSYS;
}

static const char *domain_name(void *ctx, unsigned id)
{
    (void)ctx;
    for (unsigned i = 0; i < fake_p->nr_domains; i++)
        if (fake_p->domain[i].id == id)
            return fake_p->domain[i].name;
    return NULL;
}

static const char *pool_name(void *ctx, unsigned id)
{
    (void)ctx;
    return id ? NULL : "Pool-0";
}

static char *printed(enum xl_what what)
{
    static struct hv_core core;
    core.inspect = inspect;
    struct xl_host h = {&core, hv_profile_find("modern"), NULL, domain_name, pool_name};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    xl_print(f, &h, what);
    fclose(f);
    return text;
}

/* The first `lines` of the sample, or all of it. */
static void as_recorded(enum xl_what what, const char *sample, unsigned lines)
{
    char *text = printed(what), *expected = whole_read(sample), *p = expected;
    for (unsigned i = 0; i < lines && p; i++) {
        p = strchr(p, '\n');
        p += p != NULL;
    }
    if (lines && p)
        *p = '\0';
    CU_ASSERT_STRING_EQUAL(text, expected);
    if (strcmp(text, expected) != 0)
        printf("\nprinted:\n%s\nrecorded:\n%s\n", text, expected);
    free(text);
    free(expected);
}

static void lists_as_recorded(void)
{
    USE(a08);
    as_recorded(XL_VCPU_LIST, SAMPLES "A08-step07-vcpu-list.txt", 0);
    as_recorded(XL_LIST_N, SAMPLES "A08-step07-list-n.txt", 0);
    USE(c_credit);
    as_recorded(XL_VCPU_LIST, SAMPLES "C-credit-vcpu-list", 0);
    as_recorded(XL_LIST_N, SAMPLES "C-credit-list-n", 0);
    as_recorded(XL_CPUPOOL_LIST, SAMPLES "C-credit-cpupool-list", 0);
    as_recorded(XL_SCHED_CREDIT, SAMPLES "C-credit-sched-credit.txt", 8);
    USE(c_credit2);
    as_recorded(XL_SCHED_CREDIT2, SAMPLES "C-credit2-sched-credit2.txt", 8);
}

/* Every line of ours is one of the recorded ones, in their order; xl says more about hardware and build. */
static void info_as_recorded(void)
{
    USE(a08);
    char *text = printed(XL_INFO_N), *expected = whole_read(SAMPLES "A08-step07-info-n.txt"), *rest = expected;
    unsigned lines = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        char one[128];
        snprintf(one, sizeof(one), "%.*s\n", (int)(end - line), line);
        char *found = strstr(rest, one);
        CU_ASSERT_PTR_NOT_NULL(found);
        if (!found)
            printf("\nnot recorded: %s", one);
        else
            rest = found + strlen(one);
    }
    CU_ASSERT_EQUAL(lines, 9 + 2 + 16 + 2 + 8 + 1);
    free(text);
    free(expected);
}

/* ---- whole runs ------------------------------------------------------------------------------------------------- */

#define SCENARIO                                                                                                       \
    "name = 't'\nmachine = 'westmere-ep-2s'\nhv_cost = 'fixed'\nwarmup = '1 s'\nduration = '2 s'\n"                    \
    "[dom0]\nvcpus = 1\nmemory = '512 MiB'\n[xen]\nbehaviour = 'modern'\nsched = 'credit'\n"                           \
    "[[pool]]\nname = 'rt'\ncpus = '6-7'\nsched = 'rtds'\n"                                                            \
    "[[vm]]\nconfig = 'a.cfg'\nworkload = 'burn'\n[[vm]]\nconfig = 'b.cfg'\nworkload = 'sleeper'\n"                    \
    "[[action]]\nat = '2 s'\ndo = 'sched-credit'\nvm = 'a'\nweight = 512\n"

static const struct run_show shows[] = {
    {XL_SCHED_CREDIT, 1500000000000},   {XL_SCHED_CREDIT, 2500000000000}, {XL_SCHED_RTDS, 2500000000000},
    {XL_CPUPOOL_LIST_C, 2500000000000}, {XL_DEBUG_KEYS_R, 2500000000000}, {XL_VCPU_LIST, RUN_SHOW_AT_END},
};

static int to_file(void *ctx, struct run_options *opt)
{
    (void)ctx;
    opt->show_file = fopen("shown", "w");
    opt->show = shows;
    opt->nr_shows = ARRAY_SIZE(shows);
    return opt->show_file ? EXIT_DONE : EXIT_HOST_FAILED;
}

static void shown_at_their_time(void)
{
    static char dir[] = "/tmp/test_show-XXXXXX";
    whole_enter(dir);
    whole_guest("a", 2, "");
    whole_guest("b", 1, "pool = 'rt'\n");
    struct run_reply plain = whole_run(SCENARIO, NULL, (struct run_options){0}, NULL, NULL),
                     shown = whole_run(SCENARIO, NULL, (struct run_options){0}, to_file, NULL);
    CU_ASSERT_EQUAL(plain.exit, EXIT_DONE);
    CU_ASSERT_EQUAL(shown.exit, EXIT_DONE);
    CU_ASSERT_EQUAL(plain.result.fingerprint, shown.result.fingerprint);
    CU_ASSERT_EQUAL(plain.result.events, shown.result.events);
    char *text = whole_read("shown"), *at = text;
    static const char *const in_order[] = {
        "# xl sched-credit, 1.500000 s\nCpupool Pool-0: tslice=30ms",
        "a                                    1    256    0\n",
        "# xl sched-credit, 2.500000 s\n",
        "a                                    1    512    0\n",
        "# xl sched-rtds, 2.500000 s\nCpupool rt: sched=RTDS\n",
        "b                                    2     10000      4000        yes\n",
        "# xl cpupool-list -c, 2.500000 s\nName               CPU list\nPool-0             0,1,2,3,4,5,8,",
        "rt                 6,7\n",
        "# xl debug-keys r, 2.500000 s\nsched_smt_power_savings: disabled\nNOW=",
        "Scheduler: SMP RTDS Scheduler (rtds)",
        "# xl vcpu-list, 3.000000 s\nName ",
    };
    for (unsigned i = 0; i < ARRAY_SIZE(in_order) && at; i++) {
        char *found = strstr(at, in_order[i]);
        CU_ASSERT_PTR_NOT_NULL(found);
        if (!found)
            printf("\nnot shown: %s\nin:\n%s\n", in_order[i], at);
        at = found;
    }
    free(text);
    run_reply_free(&plain);
    run_reply_free(&shown);
}

static const struct cunit_case tests[] = {
    {"lists as a real xl printed them", lists_as_recorded},
    {"info as a real xl printed it", info_as_recorded},
    {"shown at their time, and nothing changes", shown_at_their_time},
};

CUNIT_MAIN("show", tests)
