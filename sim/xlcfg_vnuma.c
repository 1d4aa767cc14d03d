/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vnuma = [ ["pnode=P", "size=MB", "vcpus=LIST", "vdistances=D,..."], ... ]: one list for each node that the guest
 * sees. All four are needed, in any order; xl itself takes defaults that nobody wants (node 0, no memory) and passes
 * over what it does not know.
 */
#include "xlcfg_priv.h"

#include <config.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define KIB_PER_MIB 1024u
#define MAX_SIZE_MIB (1ul << 30)
#define MAX_DISTANCE 255u /* a byte in the guest's SLIT */

enum option { PNODE, SIZE, VCPUS, VDISTANCES, NR_OPTIONS };
static const char *const options[] = {"pnode", "size", "vcpus", "vdistances", NULL};

/* One "option=value": the value, and where it stands. */
struct text {
    const char *p;
    struct xlcfg_pos at; /* of p */
};

static void step(struct text *t, size_t n)
{
    t->p += n;
    t->at.column += (unsigned)n;
}

static void skip_blanks(struct text *t)
{
    step(t, strspn(t->p, " \t"));
}

/* A number in [0, max]; what stands behind it is left. */
static bool get_number(struct xlcfg *x, struct text *t, const char *what, unsigned long max, unsigned long *out)
{
    char *end;
    skip_blanks(t);
    if (!isdigit((unsigned char)*t->p))
        return xlcfg_fail_at(x, t->at, "vnuma: %s: expected a number", what);
    unsigned long v = strtoul(t->p, &end, 10);
    if (v > max)
        return xlcfg_fail_at(x, t->at, "vnuma: %s: at most %lu", what, max);
    *out = v;
    step(t, (size_t)(end - t->p));
    skip_blanks(t);
    return true;
}

static bool at_end(struct xlcfg *x, const struct text *t, const char *what)
{
    return !*t->p || xlcfg_fail_at(x, t->at, "vnuma: %s: unexpected '%c'", what, *t->p);
}

/* True where another one follows a comma. */
static bool another(struct text *t)
{
    if (*t->p != ',')
        return false;
    step(t, 1);
    return true;
}

static bool get_vcpus(struct xlcfg *x, struct text *t, unsigned vnode)
{
    do {
        skip_blanks(t);
        struct xlcfg_pos at = t->at;
        unsigned long first, last;
        if (!get_number(x, t, "vcpus", HV_MAX_VCPUS_PER_DOMAIN - 1, &first))
            return false;
        last = first;
        if (*t->p == '-') {
            step(t, 1);
            if (!get_number(x, t, "vcpus", HV_MAX_VCPUS_PER_DOMAIN - 1, &last))
                return false;
        }
        if (last < first)
            return xlcfg_fail_at(x, at, "vnuma: vcpus: %lu-%lu is backwards", first, last);
        for (unsigned long v = first; v <= last; v++) {
            if (x->vcpu_vnode[v] != TS_VNODE_NONE)
                return xlcfg_fail_at(x, at, "vnuma: vCPU %lu is in vnode %u already", v, x->vcpu_vnode[v]);
            x->vcpu_vnode[v] = (uint8_t)vnode;
        }
    } while (another(t));
    return at_end(x, t, "vcpus");
}

static bool get_distances(struct xlcfg *x, struct text *t, unsigned vnode, unsigned nr)
{
    unsigned n = 0;
    struct xlcfg_pos at = t->at;
    do {
        unsigned long d;
        if (!get_number(x, t, "vdistances", MAX_DISTANCE, &d))
            return false;
        if (n < nr)
            x->distance[vnode * nr + n] = (unsigned)d;
        n++;
    } while (another(t));
    if (!at_end(x, t, "vdistances"))
        return false;
    if (n != nr)
        return xlcfg_fail_at(x, at, "vnuma: vdistances: %u distances for %u vnodes", n, nr);
    for (unsigned i = 0; i < nr; i++)
        if (x->distance[vnode * nr + i] < x->distance[vnode * nr + vnode])
            return xlcfg_fail_at(x, at, "vnuma: vdistances: vnode %u is nearer to vnode %u than to itself", vnode, i);
    return true;
}

static bool get_option(struct xlcfg *x, enum option o, struct text *t, unsigned vnode, unsigned nr)
{
    unsigned long v = 0;
    switch (o) {
    case PNODE:
        if (!get_number(x, t, "pnode", HV_MAX_NODES - 1, &v))
            return false;
        x->vnode[vnode].pnode = (unsigned)v;
        return at_end(x, t, "pnode");
    case SIZE:
        if (!get_number(x, t, "size", MAX_SIZE_MIB, &v))
            return false;
        x->vnode[vnode].memory_kb = (uint64_t)v * KIB_PER_MIB;
        return at_end(x, t, "size") && (v || xlcfg_fail_at(x, t->at, "vnuma: size: a vnode needs memory"));
    case VCPUS:
        return get_vcpus(x, t, vnode);
    case VDISTANCES:
        return get_distances(x, t, vnode, nr);
    case NR_OPTIONS:
        break;
    }
    return false;
}

/* One "option=value" of a vnode. */
static bool get_pair(struct xlcfg *x, const char *pair, const struct xlcfg_value *where, unsigned vnode, unsigned nr,
                     bool given[NR_OPTIONS])
{
    struct text t = {pair, where->at};
    t.at.column += where->quoted ? 1 : 0;
    skip_blanks(&t);
    char name[16] = "";
    size_t len = strcspn(t.p, "= \t");
    memcpy(name, t.p, len < sizeof(name) ? len : sizeof(name) - 1);
    unsigned o = 0;
    while (options[o] && strcmp(options[o], name) != 0)
        o++;
    if (!options[o]) {
        const char *near = cfg_nearest(name, options);
        return xlcfg_fail_at(x, t.at, "vnuma: unknown option '%s'%s%s%s", name, near ? "; did you mean '" : "",
                             near ? near : "", near ? "'?" : "");
    }
    if (given[o])
        return xlcfg_fail_at(x, t.at, "vnuma: '%s' is given twice for vnode %u", name, vnode);
    given[o] = true;
    step(&t, len);
    skip_blanks(&t);
    if (*t.p != '=')
        return xlcfg_fail_at(x, t.at, "vnuma: expected '=' after '%s'", name);
    step(&t, 1);
    return get_option(x, (enum option)o, &t, vnode, nr);
}

static bool get_vnode(struct xlcfg *x, const XLU_ConfigValue *value, const struct xlcfg_value *where, unsigned vnode,
                      unsigned nr)
{
    XLU_ConfigList *pairs = NULL;
    bool given[NR_OPTIONS] = {false};
    if (!where->list || xlu_cfg_value_get_list(x->xlu, (XLU_ConfigValue *)value, &pairs, 1))
        return xlcfg_fail_at(x, where->at, "vnuma: each vnode is a list: [\"pnode=0\", \"size=1024\", ...]");
    for (unsigned i = 0; i < where->nr_items; i++) {
        const char *pair = xlu_cfg_get_listitem(pairs, (int)i);
        if (!pair)
            return xlcfg_fail_at(x, where->item[i].at, "vnuma: expected a string: \"option=value\"");
        if (!get_pair(x, pair, &where->item[i], vnode, nr, given))
            return false;
    }
    for (unsigned o = 0; o < NR_OPTIONS; o++)
        if (!given[o])
            return xlcfg_fail_at(x, where->at, "vnuma: vnode %u has no '%s'", vnode, options[o]);
    x->vnode[vnode].distance = x->distance + (size_t)vnode * nr;
    return true;
}

/* maxvcpus= and maxmem= follow, or agree. */
static bool agree(struct xlcfg *x, const struct xlcfg_setting *set, unsigned nr)
{
    struct ts_domain_config *d = &x->domain;
    unsigned vcpus = 0, end = 0;
    uint64_t kb = 0;
    for (unsigned v = 0; v < HV_MAX_VCPUS_PER_DOMAIN; v++)
        if (x->vcpu_vnode[v] != TS_VNODE_NONE) {
            vcpus++;
            end = v + 1;
        }
    for (unsigned i = 0; i < nr; i++)
        kb += x->vnode[i].memory_kb;
    struct xlcfg_pos at = set->value.at;
    if (xlcfg_find(x, "maxvcpus") && end > d->maxvcpus)
        return xlcfg_fail_at(x, at, "vnuma: there is no vCPU %u: maxvcpus is %u", end - 1, d->maxvcpus);
    if (xlcfg_find(x, "maxvcpus") ? vcpus != d->maxvcpus : vcpus != end)
        for (unsigned v = 0;; v++)
            if (x->vcpu_vnode[v] == TS_VNODE_NONE)
                return xlcfg_fail_at(x, at, "vnuma: vCPU %u is in no vnode", v);
    if (vcpus < d->vcpus)
        return xlcfg_fail_at(x, at, "vnuma: %u vCPUs are in vnodes, vcpus is %u", vcpus, d->vcpus);
    if (xlcfg_find(x, "maxmem") && kb != d->maxmem_kb)
        return xlcfg_fail_at(x, at, "vnuma: the vnodes have %llu MiB in all, maxmem is %llu MiB",
                             (unsigned long long)(kb / KIB_PER_MIB), (unsigned long long)(d->maxmem_kb / KIB_PER_MIB));
    if (kb != d->memory_kb)
        return xlcfg_fail_at(x, at, "vnuma: the vnodes have %llu MiB in all, memory is %llu MiB",
                             (unsigned long long)(kb / KIB_PER_MIB), (unsigned long long)(d->memory_kb / KIB_PER_MIB));
    d->maxvcpus = vcpus;
    d->maxmem_kb = kb;
    d->nr_vnodes = nr;
    d->vnode = x->vnode;
    d->vcpu_vnode = x->vcpu_vnode;
    return true;
}

bool xlcfg_get_vnuma(struct xlcfg *x)
{
    const struct xlcfg_setting *set = xlcfg_find(x, "vnuma");
    XLU_ConfigList *list = NULL;
    if (!set)
        return true;
    if (set->append)
        return xlcfg_fail_at(x, set->at, "'vnuma' must be given in one list");
    if (!set->value.list || xlu_cfg_get_list(x->xlu, "vnuma", &list, NULL, 1))
        return xlcfg_fail_at(x, set->value.at, "'vnuma' must be a list of lists");
    unsigned nr = set->value.nr_items;
    if (!nr || nr > HV_MAX_NODES)
        return xlcfg_fail_at(x, set->value.at, "'vnuma' must have 1 to %u vnodes, not %u", HV_MAX_NODES, nr);
    x->vnode = calloc(nr, sizeof(*x->vnode));
    x->distance = calloc((size_t)nr * nr, sizeof(*x->distance));
    x->vcpu_vnode = malloc(HV_MAX_VCPUS_PER_DOMAIN);
    if (!x->vnode || !x->distance || !x->vcpu_vnode)
        return xlcfg_fail_at(x, set->at, "out of memory");
    memset(x->vcpu_vnode, TS_VNODE_NONE, HV_MAX_VCPUS_PER_DOMAIN);
    for (unsigned i = 0; i < nr; i++)
        if (!get_vnode(x, xlu_cfg_get_listitem2(list, (int)i), &set->value.item[i], i, nr))
            return false;
    return agree(x, set, nr);
}
