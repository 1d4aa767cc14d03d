/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a source tells no kinds of cores, but cores have first or second levels of several sizes, each combination is a
 * kind: that is how a machine file says it.
 */
#include "topo.h"

#include <string.h>

struct sizes {
    uint64_t l1, l2;
};

/* The kind with those sizes, or a new one; TOPO_NONE: too many. */
static unsigned kind_of(struct sizes *kind, unsigned *nr, const struct sizes *s)
{
    for (unsigned k = 0; k < *nr; k++)
        if (kind[k].l1 == s->l1 && kind[k].l2 == s->l2)
            return k;
    if (*nr == TOPO_MAX_KINDS)
        return TOPO_NONE;
    kind[*nr] = *s;
    return (*nr)++;
}

void topo_kinds_by_cache(struct topo *t, struct fault *f)
{
    unsigned l1[TOPO_MAX_CPUS], l2[TOPO_MAX_CPUS], of[TOPO_MAX_CPUS] = {0}, nr = 0;
    struct sizes kind[TOPO_MAX_KINDS];
    if (t->nr_kinds > 1 || topo_caches_of(t, 1, l1) < t->nr_cpus || topo_caches_of(t, 2, l2) < t->nr_cpus)
        return;
    for (unsigned i = 0; i < t->nr_cpus; i++) {
        const struct sizes s = {t->cache[l1[i]].size, t->cache[l2[i]].size};
        of[i] = s.l1 && s.l2 ? kind_of(kind, &nr, &s) : TOPO_NONE;
        if (of[i] == TOPO_NONE)
            return; /* the writer says that they differ */
    }
    if (nr < 2)
        return;
    while (t->nr_kinds < nr)
        if (!topo_add_kind(t, f))
            return;
    for (unsigned k = 0; k < nr; k++) {
        t->kind[k] = (struct topo_kind){.freq_hz = 0};
        snprintf(t->kind[k].name, sizeof(t->kind[k].name), "kind-%u", k);
    }
    for (unsigned i = 0; i < t->nr_cpus; i++)
        t->cpu[i].kind = of[i];
    topo_note(t, "guessed: %u kinds of cores, by the sizes of their caches: the source tells none", nr);
}
