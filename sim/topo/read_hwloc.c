/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libhwloc makes of its XML, of its synthetic strings, and of another box's sysfs. */
#include "topo.h"

#include <errno.h>
#include <hwloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "in_child.h"
#include "unpack.h"
#include "xml_plain.h"

#define MAX_SYNTHETIC (4 * TOPO_MAX_CPUS) /* libhwloc takes minutes for hundreds of thousands */

/* ---- from libhwloc's tree
 * -------------------------------------------------------------------------------------------- */

static const char *info(hwloc_obj_t o, const char *name)
{
    const char *v = o ? hwloc_obj_get_info_by_name(o, name) : NULL;
    return v ? v : "";
}

static void set_isa(struct topo *t, const char *arch)
{
    static const char *const names[][2] = {{"x86_64", "x86-64"},   {"amd64", "x86-64"},  {"i686", "x86-64"},
                                           {"aarch64", "aarch64"}, {"arm64", "aarch64"}, {"armv7l", "armv7"}};
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
    const char *at = strchr(model, '@');
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

static bool read_nodes(struct topo *t, hwloc_topology_t h, struct fault *f)
{
    hwloc_obj_t o = NULL;
    while ((o = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_NUMANODE, o))) {
        struct topo_node *n = topo_add_node(t, f);
        if (!n)
            return false;
        n->os = o->os_index;
        n->memory = o->attr->numanode.local_memory;
        hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_PACKAGE, o);
        n->package = package ? package->logical_index : TOPO_NONE;
    }
    bool some = false;
    for (unsigned i = 0; i < t->nr_nodes; i++)
        some = some || t->node[i].memory;
    for (unsigned i = 0; i < t->nr_nodes && !some; i++) /* older files leave it out */
        t->node[i].memory_unknown = true;
    return true;
}

/* The node of a PU: of several that have it the one with the fewest CPUs, then the first. TOPO_NONE: none, or *f. */
static unsigned node_of(hwloc_topology_t h, hwloc_obj_t pu, struct fault *f)
{
    hwloc_obj_t best = NULL, o = NULL;
    while ((o = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_NUMANODE, o))) {
        if (!o->cpuset || !hwloc_bitmap_isset(o->cpuset, pu->os_index))
            continue;
        if (best && !hwloc_bitmap_isincluded(best->cpuset, o->cpuset) &&
            !hwloc_bitmap_isincluded(o->cpuset, best->cpuset)) {
            fault_set(f, EXIT_BAD_INPUT, "CPU %u is in nodes %u and %u", pu->os_index, best->os_index, o->os_index);
            return TOPO_NONE;
        }
        if (!best || hwloc_bitmap_weight(o->cpuset) < hwloc_bitmap_weight(best->cpuset))
            best = o;
    }
    return best ? best->logical_index : TOPO_NONE;
}

static bool read_cpus(struct topo *t, hwloc_topology_t h, struct fault *f)
{
    hwloc_obj_t pu = NULL;
    while ((pu = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_PU, pu))) {
        struct topo_cpu *c = topo_add_cpu(t, f);
        if (!c)
            return false;
        hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_PACKAGE, pu);
        hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_CORE, pu);
        c->os = pu->os_index;
        c->package = package ? package->logical_index : 0;
        c->core = core ? core->logical_index : TOPO_MAX_CPUS + pu->logical_index;
        c->node = node_of(h, pu, f);
        if (f->code != EXIT_DONE)
            return false;
        if (!package)
            t->packages_unknown = true;
    }
    if (hwloc_bitmap_weight(hwloc_get_root_obj(h)->cpuset) < 0)
        fault_set(f, EXIT_BAD_INPUT, "a set of CPUs without an end");
    hwloc_const_cpuset_t all = hwloc_topology_get_complete_cpuset(h), here = hwloc_topology_get_topology_cpuset(h);
    hwloc_cpuset_t gone = hwloc_bitmap_alloc();
    char *list = NULL;
    if (gone && hwloc_bitmap_andnot(gone, all, here) == 0 && !hwloc_bitmap_iszero(gone) &&
        hwloc_bitmap_weight(gone) > 0 && hwloc_bitmap_list_asprintf(&list, gone) >= 0)
        topo_note(t, "offline, left out: CPUs %s", list);
    free(list);
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

static bool read_distances(struct topo *t, hwloc_topology_t h, struct fault *f)
{
    struct hwloc_distances_s *d = NULL;
    unsigned nr = 1;
    if (hwloc_distances_get_by_type(h, HWLOC_OBJ_NUMANODE, &nr, &d, HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) < 0 || !nr ||
        !d)
        return true;
    if (d->nbobjs == t->nr_nodes) {
        t->distance = calloc((size_t)t->nr_nodes * t->nr_nodes, sizeof(*t->distance));
        for (unsigned i = 0; t->distance && i < d->nbobjs * d->nbobjs; i++) {
            unsigned from = d->objs[i / d->nbobjs]->logical_index, to = d->objs[i % d->nbobjs]->logical_index;
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
        else if (mhz >= 1 && mhz <= 100000 && (base || k.freq_hz <= 0))
            k.freq_hz = mhz * 1e6;
    }
    return k;
}

/* The kind that is like it, or a new one, as far as there is room. */
static unsigned kind_like(struct topo *t, const struct topo_kind *k, struct fault *f)
{
    for (unsigned i = 0; i < t->nr_kinds; i++)
        if (!strcmp(t->kind[i].name, k->name) && fabs(t->kind[i].freq_hz - k->freq_hz) < 1e6)
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
    for (unsigned k = 0; k < t->nr_kinds; k++) {
        char name[sizeof(t->kind[k].name)];
        snprintf(name, sizeof(name), "%.40s%s%u", t->kind[k].name, *t->kind[k].name ? "-" : "kind-", k);
        memcpy(t->kind[k].name, name, sizeof(name));
    }
    if (t->freq_hz <= 0 && t->nr_kinds == 1)
        t->freq_hz = t->kind[0].freq_hz;
    return f->code == EXIT_DONE;
}

/* What firmware (HMAT) or a person says of latencies and bandwidths. Figures that no memory has are none. */
static void take_value(struct topo *t, hwloc_const_cpuset_t from, unsigned to, bool latency, double value)
{
    struct topo_node *n = &t->node[to];
    if (!latency && value >= 1e6 && value <= 1e13 && value > n->bandwidth)
        n->bandwidth = value;
    for (unsigned i = 0; latency && value >= 1 && value <= 1e5 && i < t->nr_cpus; i++)
        if (t->cpu[i].node != TOPO_NONE && hwloc_bitmap_isset(from, t->cpu[i].os))
            t->latency_ns[(size_t)t->cpu[i].node * t->nr_nodes + to] = value;
}

static void read_attribute(struct topo *t, hwloc_topology_t h, unsigned id, bool latency)
{
    enum { MOST = 256 };
    struct hwloc_location from[MOST];
    hwloc_uint64_t value[MOST];
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_NUMANODE, o));) {
        unsigned nr = MOST;
        if (hwloc_memattr_get_initiators(h, id, o, 0, &nr, from, value) < 0)
            continue;
        for (unsigned i = 0; i < nr && i < MOST; i++)
            if (from[i].type == HWLOC_LOCATION_TYPE_CPUSET)
                take_value(t, from[i].location.cpuset, o->logical_index, latency,
                           latency ? (double)value[i] : (double)value[i] * 1048576);
    }
}

static bool read_performance(struct topo *t, hwloc_topology_t h, struct fault *f)
{
    if (!(t->latency_ns = calloc((size_t)t->nr_nodes * t->nr_nodes + 1, sizeof(*t->latency_ns)))) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return false;
    }
    read_attribute(t, h, HWLOC_MEMATTR_ID_READ_LATENCY, true);
    read_attribute(t, h, HWLOC_MEMATTR_ID_LATENCY, true);
    read_attribute(t, h, HWLOC_MEMATTR_ID_READ_BANDWIDTH, false);
    read_attribute(t, h, HWLOC_MEMATTR_ID_BANDWIDTH, false);
    return true;
}

static void read_rest(struct topo *t, hwloc_topology_t h)
{
    unsigned groups = 0, l4 = 0;
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_GROUP, o));)
        groups += !o->memory_arity;
    for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(h, HWLOC_OBJ_MEMCACHE, o));)
        l4++;
    if (groups)
        topo_note(t, "%u groups of processors that are neither packages nor nodes, left out", groups);
    if (l4)
        topo_note(t, "%u memory-side caches, left out", l4);
}

static struct topo *from_tree(hwloc_topology_t h, const char *source, struct fault *f)
{
    struct topo *t = topo_new(source);
    if (!t) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    read_names(t, h);
    if (!read_nodes(t, h, f) || !read_cpus(t, h, f) || !read_caches(t, h, f) || !read_distances(t, h, f) ||
        !read_kinds(t, h, f) || !read_performance(t, h, f)) {
        topo_free(t);
        return NULL;
    }
    if (!hwloc_get_obj_by_type(h, HWLOC_OBJ_PACKAGE, 0))
        topo_guess_packages(t);
    read_rest(t, h);
    return t;
}

/* ---- sources -------------------------------------------------------------------------------------------------------
 */

/* An error of a reader gets the name of what it read in front. */
static struct topo *finish(struct topo *t, const char *name, struct fault *f)
{
    struct fault inner = {0};
    if (t && topo_check(t, &inner) < 0) {
        fault_set(f, inner.code, "%s: %s", name, inner.text);
        topo_free(t);
        return NULL;
    }
    return t;
}

/* What libhwloc is to load, and what is said if it does not. */
struct input {
    int (*set)(hwloc_topology_t h, const struct input *in);
    const char *text; /* XML, or a synthetic string */
    size_t size;
    const char *name, *expected;
};

enum loaded { LOADED, REFUSED, NO_START };

static enum loaded start(hwloc_topology_t *h, const struct input *in)
{
    setenv("HWLOC_HIDE_ERRORS", "2", 1); /* what is wrong is said once, by us */
    setenv("HWLOC_THISSYSTEM", "0", 1);
    setenv("HWLOC_LIBXML", "0", 1); /* its own reader, which every build of it has */
    if (hwloc_topology_init(h) < 0)
        return NO_START;
    hwloc_topology_set_all_types_filter(*h, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_io_types_filter(*h, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_flags(*h, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    if (in->set(*h, in) == 0 && hwloc_topology_load(*h) == 0)
        return LOADED;
    hwloc_topology_destroy(*h);
    return REFUSED;
}

static int try_starting(void *input)
{
    hwloc_topology_t h;
    return start(&h, input);
}

/* libhwloc (2.9) crashes on some XML that does not hang together: whether it does is seen in a child first. */
static struct topo *load(struct input *in, const char *source, struct fault *f)
{
    struct fault inner = {0};
    struct topo *t = NULL;
    hwloc_topology_t h;
    int got = in_child(try_starting, in, in->name, "libhwloc", f);
    if (got == LOADED)
        got = start(&h, in);
    if (got == NO_START)
        fault_set(f, EXIT_HOST_FAILED, "libhwloc does not start");
    if (got == REFUSED)
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", in->name, in->expected);
    if (got != LOADED)
        return NULL;
    if (!(t = from_tree(h, source, &inner)))
        fault_set(f, inner.code, "%s: %s", in->name, inner.text);
    hwloc_topology_destroy(h);
    return finish(t, in->name, f);
}

static int set_xml(hwloc_topology_t h, const struct input *in)
{
    return hwloc_topology_set_xmlbuffer(h, in->text, (int)in->size + 1); /* it wants the end marked, and counted */
}

struct topo *topo_read_hwloc_xml(const char *data, size_t size, const char *name, struct fault *f)
{
    char source[512];
    struct input in = {set_xml, NULL, 0, name, "libhwloc does not take it: its objects do not fit into each other"};
    char *plain = xml_plain(data, size, name, &in.size, f);
    struct topo *t = NULL;
    snprintf(source, sizeof(source), "hwloc XML %s", name);
    if ((in.text = plain))
        t = load(&in, source, f);
    free(plain);
    return t;
}

static int set_synthetic(hwloc_topology_t h, const struct input *in)
{
    return hwloc_topology_set_synthetic(h, in->text);
}

/* Objects of the last level of a synthetic string: the product of the counts outside of parentheses. At most `most`. */
static uint64_t synthetic_size(const char *text, uint64_t most)
{
    uint64_t size = 1;
    int depth = 0;
    for (const char *c = text; *c && size < most; c++) {
        depth += (*c == '(') - (*c == ')' && depth > 0); /* libhwloc passes over a ')' too many */
        if (*c != ':' || depth)
            continue;
        uint64_t n = strtoull(c + 1, NULL, 0);
        size = n > most / size ? most : n ? size * n : size;
    }
    return size;
}

struct topo *topo_read_synthetic(const char *text, struct fault *f)
{
    char source[512];
    struct input in = {set_synthetic, text, 0, "synthetic",
                       "expected levels with counts as \"package:2 [numa] core:8 pu:2\""};
    if (synthetic_size(text, MAX_SYNTHETIC) == MAX_SYNTHETIC) {
        fault_set(f, EXIT_BAD_INPUT, "synthetic: %u or more objects in a level: no machine has them", MAX_SYNTHETIC);
        return NULL;
    }
    snprintf(source, sizeof(source), "hwloc synthetic \"%s\"", text);
    return load(&in, source, f);
}

static int set_nothing(hwloc_topology_t h, const struct input *in)
{
    (void)h, (void)in;
    return 0;
}

static struct topo *read_tree(const char *dir, const char *name, struct fault *f)
{
    struct stat st;
    char path[4200], source[512];
    struct input in = {set_nothing, NULL, 0, name,
                       "libhwloc makes nothing of it: expected sys/devices/system/cpu/cpu*/topology, as Linux 2.6.16 "
                       "and later have it"};
    snprintf(path, sizeof(path), "%s/sys/devices/system/cpu", dir);
    if (stat(path, &st) < 0) {
        fault_set(f, EXIT_BAD_INPUT, "%s: no sys/devices/system/cpu in it: expected the sysfs of a box", name);
        return NULL;
    }
    snprintf(source, sizeof(source), "sysfs %s", name);
    setenv("HWLOC_FSROOT", dir, 1);
    setenv("HWLOC_COMPONENTS", "linux,stop", 1);
    struct topo *t = load(&in, source, f);
    unsetenv("HWLOC_FSROOT");
    unsetenv("HWLOC_COMPONENTS");
    return t;
}

struct topo *topo_read_sysfs(const char *path, struct fault *f)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (S_ISDIR(st.st_mode))
        return read_tree(path, path, f);
    struct unpacked u;
    struct topo *t = NULL;
    if (unpack(path, &u, f)) {
        t = read_tree(u.root, path, f);
        unpack_remove(&u);
    }
    return t;
}
