/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads models/machines/NAME.toml. Scalars come through the table in machine_keys.c, arrays by hand below. */
#include "machine_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CLOCK_APART_PS 1000000000000 /* 1 s */
#define MAX_TIMER_PS 1000000000000       /* the same */

static const char *const isas[] = {"x86-64", "aarch64", "armv7", NULL};

cfg_table *machine_find_table(cfg_doc *doc, const char *path)
{
    cfg_table *t = cfg_root(doc);
    char part[64];
    while (path && t) {
        const char *dot = strchr(path, '.');
        snprintf(part, sizeof(part), "%.*s", dot ? (int)(dot - path) : (int)strlen(path), path);
        t = cfg_sub(t, part, true);
        path = dot ? dot + 1 : NULL;
    }
    return t;
}

bool machine_has_table(cfg_doc *doc, const char *path)
{
    cfg_table *t = cfg_root(doc);
    char part[64];
    while (path && t) {
        const char *dot = strchr(path, '.');
        snprintf(part, sizeof(part), "%.*s", dot ? (int)(dot - path) : (int)strlen(path), path);
        t = cfg_sub(t, part, false);
        path = dot ? dot + 1 : NULL;
    }
    return t != NULL;
}

static void read_field(cfg_doc *doc, const struct machine_field *f, struct machine *m)
{
    if ((f->type & ~(unsigned)MK_OPTIONAL) >=
        MK_SPECIAL) /* read by hand below; "node[]" is no table that could be looked up */
        return;
    void *at = (char *)m + f->offset;
    bool required = !(f->type & MK_OPTIONAL);
    if ((!required && !machine_has_table(doc, f->table)) || (m->no_l3 && f->table && !strcmp(f->table, "cache.l3")))
        return;
    cfg_table *t = machine_find_table(doc, f->table);
    if (!t || (!required && !cfg_has(t, f->key)))
        return;
    const char *s = NULL;
    int64_t ps = 0;
    switch ((enum machine_type)(f->type & ~(unsigned)MK_OPTIONAL)) {
    case MK_STRING:
        if (cfg_string(t, f->key, true, &s) && !(*(char **)at = strdup(s)))
            cfg_fail(t, f->key, "out of memory");
        break;
    case MK_COUNT:
        cfg_uint(t, f->key, true, (unsigned)f->min, (unsigned)f->max, at);
        break;
    case MK_FREQ:
        cfg_freq(t, f->key, true, f->min, f->max, at);
        break;
    case MK_SIZE:
        cfg_size(t, f->key, true, (uint64_t)f->min, (uint64_t)f->max, at);
        break;
    case MK_TIME_NS:
        if (cfg_time_ps(t, f->key, true, (int64_t)(f->min * 1000), (int64_t)(f->max * 1000), &ps))
            *(double *)at = (double)ps / 1000;
        break;
    case MK_BANDWIDTH:
        cfg_bandwidth(t, f->key, true, f->min, f->max, at);
        break;
    case MK_CYCLES: /* frequency comes before the caches in the table */
        if (cfg_double(t, f->key, true, f->min, f->max, at) && m->freq_hz > 0)
            *(double *)at *= 1e9 / m->freq_hz;
        break;
    case MK_NUMBER:
        cfg_double(t, f->key, true, f->min, f->max, at);
        break;
    case MK_SPECIAL:
    case MK_SPECIAL_OPTIONAL:
    case MK_OPTIONAL:
        break;
    }
}

/* Optional: only an emulated host has clocks that are apart. */
static void read_clock(cfg_doc *doc, struct machine *m)
{
    cfg_table *t = cfg_sub(cfg_root(doc), "clock", false);
    int64_t ps = 0;
    if (t && cfg_time_ps(t, "apart", false, 0, MAX_CLOCK_APART_PS, &ps))
        m->clock_apart_ns = ps / 1000;
}

static void read_timer(cfg_doc *doc, struct machine *m)
{
    if (!cfg_has(cfg_root(doc), "timer"))
        return;
    cfg_table *t = machine_find_table(doc, "timer");
    int64_t ps = 0;
    if (cfg_time_ps(t, "latency", false, 0, MAX_TIMER_PS, &ps))
        m->timer_latency_ns = (double)ps / 1000;
    ps = 0;
    if (cfg_time_ps(t, "jitter", false, 0, MAX_TIMER_PS, &ps))
        m->timer_jitter_ns = (double)ps / 1000;
    ps = 0;
    cfg_double(t, "late_fraction", false, 0, 1, &m->timer_late_fraction);
    if (cfg_time_ps(t, "late_mean", m->timer_late_fraction > 0, 0, MAX_TIMER_PS, &ps))
        m->timer_late_mean_ns = (double)ps / 1000;
}

static void read_part(cfg_doc *doc, const char *table, const char *key, double least, double otherwise, double *out)
{
    *out = otherwise;
    if (machine_has_table(doc, table))
        cfg_double(machine_find_table(doc, table), key, false, least, 1, out);
}

static void read_sharing(cfg_doc *doc, struct machine *m)
{
    static const char *const names[] = {"queue", "max-min", NULL};
    cfg_table *t = machine_find_table(doc, "memory");
    if (t)
        cfg_enum(t, "sharing", false, names, &m->sharing);
    read_part(doc, "snoop", "part", 0, 1, &m->snoop_part);
    read_part(doc, "snoop", "directory_write", 0, 0, &m->snoop_directory_write);
    read_part(doc, "prefetch", "accuracy", 0.05, 1, &m->prefetch_accuracy);
    if (m->snoop_latency_ns > 0 && !m->snoop_message)
        cfg_fail(machine_find_table(doc, "snoop"), "latency", "needs message beside it");
    if (m->prefetch_accuracy < 1 && !m->prefetch_depth)
        cfg_fail(machine_find_table(doc, "prefetch"), "accuracy", "needs depth beside it");
}

/* Together they say what a written line costs beyond a read one (memory.turnaround). */
static void read_write_cost(cfg_doc *doc, struct machine *m)
{
    if (m->mem_line_ns > 0 && m->mem_write_batch)
        m->write_cost = m->mem_turnaround_ns / (m->mem_write_batch * m->mem_line_ns);
    else if (m->mem_turnaround_ns > 0)
        cfg_fail(machine_find_table(doc, "memory"), "turnaround", "needs line_transfer and write_batch beside it");
    if (!m->cluster_cores != !(m->cluster_bandwidth > 0))
        cfg_fail(machine_find_table(doc, "cluster"), NULL, "cores and bandwidth go together");
}

static void read_tables(cfg_doc *doc, const char *path, struct machine *m)
{
    static void (*const readers[])(cfg_doc *, struct machine *) = {
        machine_read_slit,  machine_read_latency, machine_read_caches, machine_read_tlb, machine_read_kind_caches,
        machine_read_links, machine_read_turbo,   read_write_cost,     read_sharing,     read_clock,
        read_timer,
    };
    m->tlb.pte_bytes = 8;
    m->no_l3 = !machine_has_table(doc, "cache.l3");
    for (unsigned i = 0; i < machine_nr_fields && !cfg_error(doc); i++)
        read_field(doc, &machine_fields[i], m);
    if (!cfg_error(doc))
        machine_read_kinds(doc, m);
    if (!cfg_error(doc))
        machine_read_nodes(doc, path, m);
    for (unsigned i = 0; i < sizeof(readers) / sizeof(readers[0]) && !cfg_error(doc); i++)
        readers[i](doc, m);
}

static void read_machine(cfg_doc *doc, const char *path, struct machine *m)
{
    read_tables(doc, path, m);
    unsigned isa = 0;
    cfg_enum(cfg_root(doc), "isa", true, isas, &isa);
    const char *costs = NULL;
    if (cfg_string(cfg_root(doc), "costs", false, &costs) && costs && !(m->costs = strdup(costs)))
        cfg_fail(cfg_root(doc), "costs", "out of memory");
    const char *core = NULL;
    cfg_table *core_table = cfg_sub(cfg_root(doc), "core", false);
    if (core_table && cfg_string(core_table, "model", false, &core) && core && !(m->core = strdup(core)))
        cfg_fail(core_table, "model", "out of memory");
    cfg_finish(doc);
}

struct machine *machine_load(const char *path, const char *const *overrides, char **err)
{
    return machine_load_from(path, NULL, overrides, err);
}

struct machine *machine_load_from(const char *path, const char *presets, const char *const *overrides, char **err)
{
    *err = NULL;
    struct machine *m = calloc(1, sizeof(*m));
    cfg_doc *doc = m ? cfg_load_from(path, presets) : NULL;
    if (!doc) {
        free(m);
        *err = strdup("out of memory");
        return NULL;
    }
    for (unsigned i = 0; overrides && overrides[i]; i++)
        cfg_override(doc, overrides[i]);
    if (!cfg_error(doc))
        read_machine(doc, path, m);
    if (cfg_error(doc))
        *err = strdup(cfg_error(doc));
    cfg_free(doc);
    if (*err) {
        machine_free(m);
        return NULL;
    }
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    free(m->name);
    free(m->description);
    free(m->isa);
    free(m->costs);
    free(m->core);
    free(m->cpu);
    free(m->range);
    free(m->node_socket);
    free(m->slit);
    for (unsigned k = 0; m->kind && k < m->nr_kinds; k++)
        free(m->kind[k].name);
    free(m->kind);
    free(m->turbo_hz);
    free(m->l1d.of);
    free(m->l2.of);
    free(m->l3.of);
    free(m->link);
    free(m->route_at);
    free(m->route);
    free(m->mem_latency_ns);
    free(m->mem_bandwidth);
    free(m);
}

uint64_t machine_memory(const struct machine *m)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->nr_ranges; i++)
        sum += m->range[i].end - m->range[i].start;
    return sum;
}
