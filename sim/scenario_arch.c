/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a level can do on the machine's architecture, refused where the user wrote it rather than by a hypercall: on ARM
 * the interrupt controller limits pCPUs and vCPUs, and the first release had 32-bit guests only.
 */
#include "scenario_priv.h"

#include <hv/limits.h>
#include <stdio.h>
#include <string.h>

static const char *const isas[] = {"x86-64", "armv7", "aarch64", NULL};

/* Names of levels that take so many pCPUs there, as "a, b or c". */
static void levels_that_take(unsigned pcpus, enum hv_arch arch, char *text, size_t size)
{
    const struct hv_profile *fit[8];
    unsigned n = 0;
    for (const struct hv_profile *p = hv_profiles; p->name && n < sizeof(fit) / sizeof(fit[0]); p++)
        if (pcpus <= hv_max_pcpus(p, arch))
            fit[n++] = p;
    *text = 0;
    for (unsigned i = 0; i < n; i++) {
        size_t at = strlen(text);
        snprintf(text + at, size - at, "%s'%s'", i == 0 ? "" : i + 1 == n ? " or " : ", ", fit[i]->name);
    }
}

void scenario_check_arch(struct loader *l, cfg_table *xen)
{
    const struct machine *m = l->s->machine;
    const enum hv_arch arch = scenario_arch(m);
    const unsigned most = hv_max_pcpus(l->s->level, arch);
    char levels[256];
    if (m->nr_cpus <= most)
        return;
    levels_that_take(m->nr_cpus, arch, levels, sizeof(levels));
    cfg_fail(xen, present_key(xen, "behaviour"),
             "machine '%s' has %u pCPUs: at level '%s' Xen on ARM knows the GICv2, which has %u%s%s", m->name,
             m->nr_cpus, l->s->level->name, most, *levels ? "; all of them with level " : "", levels);
}

void scenario_check_dom0_vcpus(struct loader *l, cfg_table *dom0)
{
    const enum hv_arch arch = scenario_arch(l->s->machine);
    if (arch == HV_ARCH_x86_64)
        return;
    const unsigned most = hv_max_vcpus(l->s->level, arch, HV_GUEST_ARM32);
    if (l->s->dom0_vcpus > most)
        cfg_fail(dom0, "vcpus", "dom0 has %u vCPUs: a guest of machine '%s' has %u at most at level '%s'",
                 l->s->dom0_vcpus, l->s->machine->name, most, l->s->level->name);
}

static bool refuse(struct loader *l, char *message)
{
    l->err = message;
    if (!message)
        cfg_fail(cfg_root(l->doc), NULL, "out of memory");
    return false;
}

static bool check_isa(struct loader *l, cfg_table *t, const char *isa, enum hv_arch arch)
{
    unsigned i = 0;
    while (isas[i] && strcmp(isas[i], isa) != 0)
        i++;
    if (!isas[i]) {
        const char *near = cfg_nearest(isa, isas);
        cfg_fail(t, "isa", "expected x86-64, armv7 or aarch64, found '%s'%s%s%s", isa, near ? "; did you mean '" : "",
                 near ? near : "", near ? "'?" : "");
    } else if ((i == 0) != (arch == HV_ARCH_x86_64) || (i == 2 && arch != HV_ARCH_arm64)) {
        cfg_fail(t, "isa", "machine '%s' (%s) cannot run a guest built for %s", l->s->machine->name, l->s->machine->isa,
                 isa);
    } else if (i == 2 && !hv_guest_possible(l->s->level, arch, HV_GUEST_ARM64)) {
        cfg_fail(t, "isa", "level '%s' runs guests built for armv7 only, also where the machine has 64 bits",
                 l->s->level->name);
    } else {
        return true;
    }
    return false;
}

/* On ARM there are no PV and HVM guests; xl before 4.12 takes type = "pv" for what there is. */
static bool check_arm_config(struct loader *l, const struct xlcfg *x)
{
    const struct ts_domain_config *d = xlcfg_domain(x);
    const struct scenario *s = l->s;
    const unsigned most = hv_max_vcpus(s->level, scenario_arch(s->machine), HV_GUEST_ARM32);
    if (d->type == HV_GUEST_HVM)
        return refuse(l, xlcfg_complain(x, xlcfg_given(x, "type") ? "type" : "builder", 0, 0,
                                        "VM '%s' is an HVM guest, but machine '%s' runs ARM guests", d->name,
                                        s->machine->name));
    const char *key = d->vcpus > most ? "vcpus" : "maxvcpus";
    if (d->vcpus > most || d->maxvcpus > most)
        return refuse(l,
                      xlcfg_complain(x, key, 0, 0,
                                     "VM '%s' has %u vCPUs: a guest of machine '%s' has %u at most at level '%s' (%s)",
                                     d->name, d->vcpus > most ? d->vcpus : d->maxvcpus, s->machine->name, most,
                                     s->level->name, most == 8 ? "GICv2" : "GICv3"));
    return true;
}

bool scenario_guest_type(struct loader *l, const struct xlcfg *x, cfg_table *t, const char *isa, bool as_is,
                         enum hv_guest_type *type)
{
    const enum hv_arch arch = scenario_arch(l->s->machine);
    if (isa && !check_isa(l, t, isa, arch))
        return false;
    if (arch == HV_ARCH_x86_64)
        return true;
    if (!as_is && !check_arm_config(l, x))
        return false;
    bool wide = isa ? !strcmp(isa, "aarch64") : hv_guest_possible(l->s->level, arch, HV_GUEST_ARM64);
    *type = wide ? HV_GUEST_ARM64 : HV_GUEST_ARM32;
    return true;
}
