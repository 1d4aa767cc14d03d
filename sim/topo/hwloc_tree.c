/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A topology from libhwloc's tree. */
#include "hwloc_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct nodes {
    hwloc_obj_t obj[TOPO_MAX_NODES]; /* of each topo.node */
};

static const char *info(hwloc_obj_t o, const char *name)
{
    const char *v = o ? hwloc_obj_get_info_by_name(o, name) : NULL;
    return v ? v : "";
}

static void set_isa(struct topo *t, const char *arch)
{
    static const char *const names[][2] = {{"x86_64", "x86-64"}, {"amd64", "x86-64"}, {"i686", "x86-64"},
                                           {"i586", "x86-64"},   {"i386", "x86-64"},  {"x86", "x86-64"},
                                           {"arm64", "aarch64"}, {"armv7l", "armv7"}, {"armv8l", "armv7"}};
    snprintf(t->isa, sizeof(t->isa), "%.15s", arch);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(arch, names[i][0]))
            snprintf(t->isa, sizeof(t->isa), "%s", names[i][1]);
}

/* Files that were made on another box, or by cpuid, name no architecture; who made the processor says it, too. */
static const char *isa_of_maker(hwloc_obj_t package, const char *model)
{
    static const char *const x86[] = {"GenuineIntel", "AuthenticAMD", "HygonGenuine", "CentaurHauls", "  Shanghai  "};
    const char *vendor = info(package, "CPUVendor"), *arm = info(package, "CPUArchitecture");
    for (size_t i = 0; i < sizeof(x86) / sizeof(x86[0]); i++)
        if (!strcmp(vendor, x86[i]))
            return "x86-64";
    if (*info(package, "CPUImplementer") && (*arm == '7' || *arm == '8'))
        return *arm == '7' ? "armv7" : "aarch64";
    return strstr(model, "Intel") || strstr(model, "AMD") ? "x86-64" : "";
}

/* "... @ 2.40GHz" */
static double clock_of_model(const char *model)
{
    const char *at = strrchr(model, '@');
    double ghz = 0;
    return at && sscanf(at + 1, "%lfGHz", &ghz) == 1 && ghz > 0.1 && ghz < 10 ? ghz * 1e9 : 0;
}

static void read_names(struct topo *t, hwloc_topology_t h)
{
    hwloc_obj_t root = hwloc_get_root_obj(h), package = hwloc_get_obj_by_type(h, HWLOC_OBJ_PACKAGE, 0);
    set_isa(t, info(root, "Architecture"));
    const char *model = *info(package, "CPUModel") ? info(package, "CPUModel") : info(root, "CPUModel");
    snprintf(t->cpu_model, sizeof(t->cpu_model), "%s", model);
    t->freq_hz = clock_of_model(model);
    if (!*t->isa)
        snprintf(t->isa, sizeof(t->isa), "%s", isa_of_maker(package, model));
}

static int by_number(const void *a, const void *b)
{
    const hwloc_obj_t *x = a, *y = b;
    return (*x)->os_index < (*y)->os_index ? -1 : (*x)->os_index > (*y)->os_index;
}

/* Nodes in the order of their numbers: libhwloc's own is that of what they lie in. */
static bool read_nodes(struct topo *t, hwloc_topology_t h, struct nodes *all, struct fault *f)
{
    hwloc_obj_t o = NULL;
    while ((o = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_NUMANODE, o))) {
        if (!topo_add_node(t, f))
            return false;
        all->obj[t->nr_nodes - 1] = o;
    }
    qsort(all->obj, t->nr_nodes, sizeof(hwloc_obj_t), by_number);
    bool some = false;
    for (unsigned i = 0; i < t->nr_nodes; i++) {
        struct topo_node *n = &t->node[i];
        o = all->obj[i];
        n->os = o->os_index;
        n->memory = o->attr->numanode.local_memory;
        hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_PACKAGE, o);
        n->package = package ? package->logical_index : TOPO_NONE;
        some = some || n->memory;
    }
    for (unsigned i = 0; i < t->nr_nodes && !some; i++) /* older files leave it out */
        t->node[i].memory_unknown = true;
    return true;
}

/* Index of a node's object. */
static unsigned index_of(const struct topo *t, const struct nodes *all, hwloc_obj_t o)
{
    unsigned i = 0;
    while (i < t->nr_nodes && all->obj[i] != o)
        i++;
    return i < t->nr_nodes ? i : TOPO_NONE;
}

/* The node of a PU: of several that have it the one with the fewest CPUs, then the first. TOPO_NONE: none, or *f. */
static unsigned node_of(const struct topo *t, const struct nodes *all, hwloc_obj_t pu, struct fault *f)
{
    unsigned best = TOPO_NONE;
    for (unsigned i = 0; i < t->nr_nodes; i++) {
        hwloc_const_cpuset_t set = all->obj[i]->cpuset, of_best = best == TOPO_NONE ? NULL : all->obj[best]->cpuset;
        if (!set || !hwloc_bitmap_isset(set, pu->os_index))
            continue;
        if (of_best && !hwloc_bitmap_isincluded(of_best, set) && !hwloc_bitmap_isincluded(set, of_best)) {
            fault_set(f, EXIT_BAD_INPUT, "CPU %u is in nodes %u and %u", pu->os_index, t->node[best].os, t->node[i].os);
            return TOPO_NONE;
        }
        if (!of_best || hwloc_bitmap_weight(set) < hwloc_bitmap_weight(of_best))
            best = i;
    }
    return best;
}

/* "0-3,8" of a set, as a remark. */
static void note_set(struct topo *t, hwloc_const_bitmap_t set, const char *fmt) __attribute__((format(printf, 3, 0)));
static void note_set(struct topo *t, hwloc_const_bitmap_t set, const char *fmt)
{
    char *list = NULL;
    if (hwloc_bitmap_weight(set) > 0 && hwloc_bitmap_list_asprintf(&list, set) >= 0)
        topo_note(t, fmt, list);
    free(list);
}

/* Nodes whose CPUs have all gone to others that have them, too: fast memory beside slow. */
static void note_shared(struct topo *t, const struct nodes *all)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    bool own[TOPO_MAX_NODES] = {false};
    for (unsigned i = 0; i < t->nr_cpus; i++)
        if (t->cpu[i].node != TOPO_NONE)
            own[t->cpu[i].node] = true;
    for (unsigned n = 0; set && n < t->nr_nodes; n++)
        if (!own[n] && all->obj[n]->cpuset && !hwloc_bitmap_iszero(all->obj[n]->cpuset))
            hwloc_bitmap_set(set, t->node[n].os);
    if (set)
        note_set(t, set,
                 "guessed: CPUs are local to several nodes: each is taken as of the one with the fewest CPUs, then of "
                 "the first, so that nodes %s have none");
    hwloc_bitmap_free(set);
}

/* Of each package the CPUs that are in none become one for each of their nodes, where others are in packages. */
static void place_strays(struct topo *t, unsigned packages)
{
    unsigned stray = 0;
    for (unsigned i = 0; i < t->nr_cpus; i++)
        if (t->cpu[i].package == TOPO_NONE) {
            stray++;
            t->cpu[i].package = !packages ? 0 : packages + (t->cpu[i].node == TOPO_NONE ? 0 : 1 + t->cpu[i].node);
        }
    t->packages_unknown = stray && !packages;
    if (stray && packages)
        topo_note(t, "guessed: %u CPUs are in no package: those of a node are taken as one", stray);
}

static unsigned package_number(hwloc_topology_t h, const struct topo_cpu *c)
{
    hwloc_obj_t p = c->package == TOPO_NONE ? NULL : hwloc_get_obj_by_type(h, HWLOC_OBJ_PACKAGE, c->package);
    return p ? p->os_index : TOPO_NONE;
}

/* Packages in the order of their numbers: libhwloc's own is that of what they lie in. CPUs of one keep theirs. */
static void order_packages(struct topo *t, hwloc_topology_t h)
{
    for (unsigned i = 1; i < t->nr_cpus; i++) {
        struct topo_cpu c = t->cpu[i];
        unsigned at = i, number = package_number(h, &c);
        while (at && package_number(h, &t->cpu[at - 1]) > number) {
            t->cpu[at] = t->cpu[at - 1];
            at--;
        }
        t->cpu[at] = c;
    }
}

static bool read_cpus(struct topo *t, hwloc_topology_t h, const struct nodes *all, struct fault *f)
{
    hwloc_obj_t pu = NULL;
    unsigned lone = 0;
    while ((pu = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_PU, pu))) {
        struct topo_cpu *c = topo_add_cpu(t, f);
        if (!c)
            return false;
        hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_PACKAGE, pu);
        hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_CORE, pu);
        c->os = pu->os_index;
        c->package = package ? package->logical_index : TOPO_NONE;
        c->core = core ? core->logical_index : TOPO_MAX_CPUS + pu->logical_index;
        c->node = node_of(t, all, pu, f);
        lone += !core;
        if (f->code != EXIT_DONE)
            return false;
    }
    if (lone)
        topo_note(t, "guessed: the source tells no cores of %u CPUs: each is one", lone);
    order_packages(t, h);
    int packages = hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_PACKAGE);
    place_strays(t, packages > 0 ? (unsigned)packages : 0);
    note_shared(t, all);
    if (hwloc_bitmap_weight(hwloc_get_root_obj(h)->cpuset) < 0)
        fault_set(f, EXIT_BAD_INPUT, "a set of CPUs without an end");
    hwloc_const_cpuset_t every = hwloc_topology_get_complete_cpuset(h), here = hwloc_topology_get_topology_cpuset(h);
    hwloc_cpuset_t gone = hwloc_bitmap_alloc();
    if (gone && hwloc_bitmap_andnot(gone, every, here) == 0)
        note_set(t, gone, "offline, left out: CPUs %s");
    hwloc_bitmap_free(gone);
    return f->code == EXIT_DONE;
}

static enum topo_cache_type type_of_cache(hwloc_obj_t o)
{
    switch (o->attr->cache.type) {
    case HWLOC_OBJ_CACHE_DATA:
        return TOPO_CACHE_DATA;
    case HWLOC_OBJ_CACHE_INSTRUCTION:
        return TOPO_CACHE_INSTRUCTION;
    default:
        return TOPO_CACHE_UNIFIED;
    }
}

static bool read_caches(struct topo *t, hwloc_topology_t h, struct fault *f)
{
    for (hwloc_obj_type_t type = HWLOC_OBJ_L1CACHE; type <= HWLOC_OBJ_L3ICACHE; type++)
        for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(h, type, o));) {
            struct topo_cache *c = topo_add_cache(t, f);
            if (!c)
                return false;
            c->level = o->attr->cache.depth;
            c->type = type_of_cache(o);
            c->size = o->attr->cache.size;
            c->line = o->attr->cache.linesize;
            c->ways = o->attr->cache.associativity < 0 ? TOPO_NONE : (unsigned)o->attr->cache.associativity;
            for (unsigned i = 0; i < t->nr_cpus; i++)
                if (hwloc_bitmap_isset(o->cpuset, t->cpu[i].os))
                    topo_set_add(&c->cpus, i);
        }
    return true;
}

static bool read_distances(struct topo *t, hwloc_topology_t h, const struct nodes *all, struct fault *f)
{
    struct hwloc_distances_s *d = NULL;
    unsigned nr = 1;
    if (hwloc_distances_get_by_type(h, HWLOC_OBJ_NUMANODE, &nr, &d, HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) < 0 || !nr ||
        !d)
        return true;
    if (d->nbobjs == t->nr_nodes) {
        t->distance = calloc((size_t)t->nr_nodes * t->nr_nodes, sizeof(*t->distance));
        for (unsigned i = 0; t->distance && i < d->nbobjs * d->nbobjs; i++) {
            unsigned from = index_of(t, all, d->objs[i / d->nbobjs]), to = index_of(t, all, d->objs[i % d->nbobjs]);
            if (from == TOPO_NONE || to == TOPO_NONE)
                continue;
            t->distance[(size_t)from * t->nr_nodes + to] = (unsigned)(d->values[i] > 1000000 ? 1000000 : d->values[i]);
        }
        if (!t->distance)
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
    } else {
        topo_note(t, "distances are known of %u nodes of %u only, left out", d->nbobjs, t->nr_nodes);
    }
    hwloc_distances_release(h, d);
    return f->code == EXIT_DONE;
}

/* What libhwloc knows of a kind; the base clock, or the highest where there is no other. */
static struct topo_kind describe_kind(const struct hwloc_info_s *infos, unsigned n)
{
    struct topo_kind k = {.freq_hz = 0};
    for (unsigned i = 0; i < n; i++) {
        bool base = !strcmp(infos[i].name, "FrequencyBaseMHz");
        double mhz = base || !strcmp(infos[i].name, "FrequencyMaxMHz") ? strtod(infos[i].value, NULL) : 0;
        if (!strcmp(infos[i].name, "CoreType"))
            snprintf(k.name, sizeof(k.name), "%.40s", infos[i].value);
        else if (!strcmp(infos[i].name, "LinuxCapacity"))
            k.capacity = strtod(infos[i].value, NULL);
        else if (mhz >= 1 && mhz <= 100000 && (base || k.freq_hz <= 0))
            k.freq_hz = mhz * 1e6;
    }
    return k;
}

/* The kind that is like it, or a new one, as far as there is room. */
static unsigned kind_like(struct topo *t, const struct topo_kind *k, struct fault *f)
{
    for (unsigned i = 0; i < t->nr_kinds; i++)
        if (!strcmp(t->kind[i].name, k->name) && fabs(t->kind[i].freq_hz - k->freq_hz) < 1e6 &&
            fabs(t->kind[i].capacity - k->capacity) < 0.5)
            return i;
    if (t->nr_kinds == TOPO_MAX_KINDS) {
        topo_note(t, "more than %u kinds of cores: some are taken as machine-wide", TOPO_MAX_KINDS);
        return TOPO_NONE;
    }
    struct topo_kind *new = topo_add_kind(t, f);
    if (!new)
        return TOPO_NONE;
    *new = *k;
    return t->nr_kinds - 1;
}

/* Work a cycle, where capacities of all are known; at clocks that are not they count as if these were alike. */
static void set_ipc(struct topo *t)
{
    double most = 0, ipc[TOPO_MAX_KINDS];
    bool clocks = true;
    for (unsigned k = 0; k < t->nr_kinds; k++)
        clocks = clocks && t->kind[k].freq_hz > 0;
    for (unsigned k = 0; k < t->nr_kinds; k++) {
        if (!(t->kind[k].capacity > 0))
            return;
        ipc[k] = t->kind[k].capacity / (clocks ? t->kind[k].freq_hz : 1);
        most = ipc[k] > most ? ipc[k] : most;
    }
    for (unsigned k = 0; k < t->nr_kinds; k++)
        t->kind[k].ipc = ipc[k] / most;
}

/* A kind without a name, or with that of another, gets its number. */
static void name_kinds(struct topo *t)
{
    bool numbered[TOPO_MAX_KINDS] = {false};
    for (unsigned k = 0; k < t->nr_kinds; k++)
        for (unsigned i = 0; i < t->nr_kinds; i++)
            numbered[k] = numbered[k] || !*t->kind[k].name || (i != k && !strcmp(t->kind[i].name, t->kind[k].name));
    for (unsigned k = 0; k < t->nr_kinds; k++) {
        char name[sizeof(t->kind[k].name)];
        snprintf(name, sizeof(name), "%.40s%s%u", t->kind[k].name, *t->kind[k].name ? "-" : "kind-", k);
        if (numbered[k])
            memcpy(t->kind[k].name, name, sizeof(name));
    }
}

/* libhwloc tells cores apart by all that it knows; here only what a machine file can say counts. */
static bool read_kinds(struct topo *t, hwloc_topology_t h, struct fault *f)
{
    int nr = hwloc_cpukinds_get_nr(h, 0);
    hwloc_bitmap_t set = nr > 0 ? hwloc_bitmap_alloc() : NULL;
    for (unsigned i = 0; set && i < t->nr_cpus; i++)
        t->cpu[i].kind = TOPO_NONE;
    for (int k = 0; set && k < nr && f->code == EXIT_DONE; k++) {
        struct hwloc_info_s *infos = NULL;
        unsigned n = 0;
        int efficiency;
        if (hwloc_cpukinds_get_info(h, (unsigned)k, set, &efficiency, &n, &infos, 0) < 0)
            continue;
        struct topo_kind like = describe_kind(infos, n);
        unsigned kind = kind_like(t, &like, f);
        for (unsigned i = 0; i < t->nr_cpus; i++)
            if (hwloc_bitmap_isset(set, t->cpu[i].os))
                t->cpu[i].kind = kind;
    }
    hwloc_bitmap_free(set);
    name_kinds(t);
    set_ipc(t);
    if (t->freq_hz <= 0 && t->nr_kinds == 1)
        t->freq_hz = t->kind[0].freq_hz;
    return f->code == EXIT_DONE;
}

/* What firmware (HMAT) or a person says of latencies and bandwidths. False: no memory has such a figure. */
static bool take_value(struct topo *t, hwloc_const_cpuset_t from, unsigned to, bool latency, double value)
{
    struct topo_node *n = &t->node[to];
    if (value < (latency ? TOPO_LEAST_NS : TOPO_LEAST_BANDWIDTH) ||
        value > (latency ? TOPO_MOST_NS : TOPO_MOST_BANDWIDTH))
        return false;
    if (!latency && value > n->bandwidth)
        n->bandwidth = value;
    for (unsigned i = 0; latency && i < t->nr_cpus; i++)
        if (t->cpu[i].node != TOPO_NONE && hwloc_bitmap_isset(from, t->cpu[i].os))
            t->latency_ns[(size_t)t->cpu[i].node * t->nr_nodes + to] = value;
    return true;
}

static void read_attribute(struct topo *t, hwloc_topology_t h, const struct nodes *all, unsigned id, bool latency)
{
    enum { MOST = 256 };
    struct hwloc_location from[MOST];
    hwloc_uint64_t value[MOST];
    unsigned none = 0;
    for (unsigned n = 0; n < t->nr_nodes; n++) {
        unsigned nr = MOST;
        if (hwloc_memattr_get_initiators(h, id, all->obj[n], 0, &nr, from, value) < 0)
            continue;
        for (unsigned i = 0; i < nr && i < MOST; i++)
            if (from[i].type == HWLOC_LOCATION_TYPE_CPUSET)
                none += !take_value(t, from[i].location.cpuset, n, latency,
                                    latency ? (double)value[i] : (double)value[i] * 1048576);
    }
    if (none)
        topo_note(t, "%u %s that no memory has (outside of %g to %g), left out", none,
                  latency ? "latencies in ns" : "bandwidths in bytes/s", latency ? TOPO_LEAST_NS : TOPO_LEAST_BANDWIDTH,
                  latency ? TOPO_MOST_NS : TOPO_MOST_BANDWIDTH);
}

static bool read_performance(struct topo *t, hwloc_topology_t h, const struct nodes *all, struct fault *f)
{
    if (!(t->latency_ns = calloc((size_t)t->nr_nodes * t->nr_nodes + 1, sizeof(*t->latency_ns)))) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return false;
    }
    read_attribute(t, h, all, HWLOC_MEMATTR_ID_READ_LATENCY, true);
    read_attribute(t, h, all, HWLOC_MEMATTR_ID_LATENCY, true);
    read_attribute(t, h, all, HWLOC_MEMATTR_ID_READ_BANDWIDTH, false);
    read_attribute(t, h, all, HWLOC_MEMATTR_ID_BANDWIDTH, false);
    return true;
}

static unsigned count(hwloc_topology_t h, hwloc_obj_type_t type)
{
    int nr = hwloc_get_nbobjs_by_type(h, type);
    return nr > 0 ? (unsigned)nr : 0;
}

/* Groups lie at several depths, where looking for their type finds none. */
static unsigned count_groups(hwloc_topology_t h)
{
    unsigned groups = 0;
    for (int depth = 0; depth < hwloc_topology_get_depth(h); depth++)
        for (hwloc_obj_t o = NULL;
             hwloc_get_depth_type(h, depth) == HWLOC_OBJ_GROUP && (o = hwloc_get_next_obj_by_depth(h, depth, o));)
            groups += !o->memory_arity;
    return groups;
}

static void read_rest(struct topo *t, hwloc_topology_t h)
{
    unsigned groups = count_groups(h), dies = count(h, HWLOC_OBJ_DIE), beside = count(h, HWLOC_OBJ_MEMCACHE);
    if (groups)
        topo_note(t, "%u groups of processors that are neither packages nor nodes, left out", groups);
    if (dies)
        topo_note(t, "%u dies, left out: caches and nodes alone say what a die shares", dies);
    if (beside)
        topo_note(t, "%u memory-side caches, left out: what they hold counts as memory", beside);
}

static bool read_tree(struct topo *t, hwloc_topology_t h, struct nodes *all, struct fault *f)
{
    read_names(t, h);
    return read_nodes(t, h, all, f) && read_cpus(t, h, all, f) && read_caches(t, h, f) &&
           read_distances(t, h, all, f) && read_kinds(t, h, f) && read_performance(t, h, all, f);
}

struct topo *topo_from_hwloc(hwloc_topology_t h, const char *source, struct fault *f)
{
    struct topo *t = topo_new(source);
    struct nodes *all = calloc(1, sizeof(*all));
    bool ok = t && all;
    if (!ok)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    ok = ok && read_tree(t, h, all, f);
    free(all);
    if (!ok) {
        topo_free(t);
        return NULL;
    }
    if (!hwloc_get_obj_by_type(h, HWLOC_OBJ_PACKAGE, 0))
        topo_guess_packages(t);
    read_rest(t, h);
    return t;
}
