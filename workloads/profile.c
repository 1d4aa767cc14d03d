/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads workloads/profiles/NAME.toml. Top-level tables [core] and [memory] describe the program; a [[phase]] may hold
 * tables of the same names that override single keys for that phase. Without [[phase]] the program is one endless
 * phase.
 */
#include <workloads/profile.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Limits of what makes sense to write, wide enough for any program: they catch slips of the unit. */
#define MAX_CPI 100.0
#define MAX_PER_KILO_INSTR 1000.0 /* no more than one event an instruction */
#define MAX_MLP 64.0
#define MAX_SCALE 100.0
#define MAX_FOOTPRINT (1ull << 44) /* 16 TiB */
#define MAX_INSTRUCTIONS 1e15
#define MAX_BLOCK_PS 3600000000000000ll /* one hour */
#define MAX_WORK 1e12

struct mix_reader {
    struct work_mix mix;
    double scale; /* memory.scale: multiplies every point of the curve */
};

static void read_core(cfg_table *core, bool required, struct work_mix *mix)
{
    cfg_double(core, "cpi", required, 0.05, MAX_CPI, &mix->cpi_core);
    cfg_double(core, "smt_slowdown", required, 0.0, 10.0, &mix->smt_slowdown);
}

static void read_curve(cfg_table *memory, bool required, struct work_mix *mix)
{
    if (!required && !cfg_has(memory, "curve"))
        return;
    size_t n = cfg_array_len(memory, "curve");
    if (n < 1 || n > WORK_MAX_CURVE) {
        cfg_fail(memory, "curve", "expected 1 to %u points { size, mpki }, found %zu", WORK_MAX_CURVE, n);
        return;
    }
    mix->nr_curve = (unsigned)n;
    for (size_t i = 0; i < n; i++) {
        cfg_table *point = cfg_array_at(memory, "curve", i);
        uint64_t size = 0;
        cfg_size(point, "size", true, 1, MAX_FOOTPRINT, &size);
        cfg_double(point, "mpki", true, 0.0, MAX_PER_KILO_INSTR, &mix->curve_mpki[i]);
        mix->curve_size[i] = (double)size;
        if (i > 0 && mix->curve_size[i] <= mix->curve_size[i - 1])
            cfg_fail(point, "size", "sizes of the miss curve must ascend");
        if (i > 0 && mix->curve_mpki[i] > mix->curve_mpki[i - 1])
            cfg_fail(point, "mpki", "more cache cannot give more misses: expected at most %g", mix->curve_mpki[i - 1]);
    }
}

static void read_memory(cfg_table *memory, bool required, struct mix_reader *r)
{
    struct work_mix *mix = &r->mix;
    cfg_double(memory, "scale", required, 0.0, MAX_SCALE, &r->scale);
    cfg_double(memory, "l2_apki", required, 0.0, MAX_PER_KILO_INSTR, &mix->l2_apki);
    cfg_double(memory, "l3_apki", required, 0.0, MAX_PER_KILO_INSTR, &mix->l3_apki);
    cfg_double(memory, "mlp", required, 1.0, MAX_MLP, &mix->mlp);
    cfg_double(memory, "write_fraction", required, 0.0, 1.0, &mix->write_fraction);
    cfg_double(memory, "sequential", false, 0.0, 1.0, &mix->sequential);
    cfg_double(memory, "tlb_mpki_4k", required, 0.0, MAX_PER_KILO_INSTR, &mix->tlb_mpki_4k);
    uint64_t footprint = (uint64_t)mix->footprint;
    cfg_size(memory, "footprint", required, 0, MAX_FOOTPRINT, &footprint);
    mix->footprint = (double)footprint;
    read_curve(memory, required, mix);
}

/* The checks that need the whole mix, and the scale applied. where: the [memory] table that is to blame. */
static struct work_mix finish_mix(const struct mix_reader *r, cfg_table *where)
{
    struct work_mix mix = r->mix;
    for (unsigned i = 0; i < mix.nr_curve; i++)
        mix.curve_mpki[i] *= r->scale;
    if (mix.l3_apki > mix.l2_apki)
        cfg_fail(where, cfg_has(where, "l3_apki") ? "l3_apki" : NULL,
                 "more accesses reach L3 (%g) than miss L1 (l2_apki %g)", mix.l3_apki, mix.l2_apki);
    else if (mix.nr_curve && mix.curve_mpki[0] > mix.l3_apki)
        cfg_fail(where, cfg_has(where, "scale") ? "scale" : NULL,
                 "more L3 misses (%g per 1000 instructions) than accesses to L3 (l3_apki %g)", mix.curve_mpki[0],
                 mix.l3_apki);
    return mix;
}

static char *copy(const char *s)
{
    return s ? strdup(s) : NULL;
}

static void read_phase(cfg_table *t, const struct mix_reader *base, struct profile_phase *ph, bool only)
{
    struct mix_reader r = *base;
    cfg_table *core = cfg_sub(t, "core", false);
    cfg_table *memory = cfg_sub(t, "memory", false);
    if (core)
        read_core(core, false, &r.mix);
    if (memory)
        read_memory(memory, false, &r);
    ph->mix = finish_mix(&r, memory ? memory : t);

    const char *name = NULL;
    cfg_string(t, "name", true, &name);
    ph->name = copy(name);
    cfg_double(t, "instructions", true, 0.0, MAX_INSTRUCTIONS, &ph->instructions);
    cfg_double(t, "jitter", false, 0.0, 1.0, &ph->jitter);
    cfg_time_ps(t, "block", false, 0, MAX_BLOCK_PS, &ph->block_ps);
    cfg_double(t, "block_jitter", false, 0.0, 1.0, &ph->block_jitter);
    cfg_time_ps(t, "period", false, 1, MAX_BLOCK_PS, &ph->period_ps);
    if (ph->period_ps > 0 && ph->block_ps > 0)
        cfg_fail(t, "period", "either a period or a block: the period says when the next wake-up is due");
    cfg_time_ps(t, "align", false, 1, MAX_BLOCK_PS, &ph->align_ps);
    if (ph->align_ps > ph->period_ps)
        cfg_fail(t, "align", "goes with a period, and is at most the period: where in it the wake-ups are");
    if (ph->instructions <= 0 && (!only || ph->block_ps > 0 || ph->period_ps > 0))
        cfg_fail(t, "instructions", "0 means endless: only a single phase that never blocks can be endless");
}

static void read_phases(cfg_table *root, const struct mix_reader *base, cfg_table *memory, struct workload_profile *p)
{
    if (!cfg_has(root, "phase")) {
        p->nr_phases = 1;
        p->phase[0].name = copy("run");
        p->phase[0].mix = finish_mix(base, memory ? memory : root);
        return;
    }
    size_t n = cfg_array_len(root, "phase");
    if (n < 1 || n > PROFILE_MAX_PHASES) {
        cfg_fail(root, "phase", "expected 1 to %u phases, found %zu", PROFILE_MAX_PHASES, n);
        return;
    }
    p->nr_phases = (unsigned)n;
    for (size_t i = 0; i < n; i++)
        read_phase(cfg_array_at(root, "phase", i), base, &p->phase[i], n == 1);
}

static void read_metric(cfg_table *root, struct workload_profile *p)
{
    static const char *const metrics[] = {"rate", "time", NULL};
    unsigned metric = METRIC_RATE;
    const char *unit = NULL;
    cfg_enum(root, "metric", true, metrics, &metric);
    cfg_string(root, "unit", true, &unit);
    p->metric = (enum profile_metric)metric;
    p->unit = copy(unit);
    if (p->metric == METRIC_RATE)
        cfg_double(root, "work_per_ginstr", true, 1e-9, MAX_WORK, &p->work_per_ginstr);
    else
        cfg_double(root, "ginstr_per_run", true, 1e-9, MAX_WORK, &p->ginstr_per_run);
}

static void read_profile(cfg_doc *doc, struct workload_profile *p)
{
    cfg_table *root = cfg_root(doc);
    const char *name = NULL, *description = NULL;
    cfg_string(root, "name", true, &name);
    cfg_string(root, "description", true, &description);
    p->name = copy(name);
    p->description = copy(description);
    read_metric(root, p);

    struct mix_reader base = {.scale = 1.0};
    cfg_table *core = cfg_sub(root, "core", true);
    cfg_table *memory = cfg_sub(root, "memory", true);
    if (core)
        read_core(core, true, &base.mix);
    if (memory)
        read_memory(memory, true, &base);
    if (!cfg_error(doc))
        read_phases(root, &base, memory, p);
    cfg_finish(doc);
}

static bool strings_whole(const struct workload_profile *p)
{
    if (!p->name || !p->description || !p->unit)
        return false;
    for (unsigned i = 0; i < p->nr_phases; i++)
        if (!p->phase[i].name)
            return false;
    return true;
}

struct workload_profile *profile_load(const char *path, const char *const *overrides, char **err)
{
    *err = NULL;
    struct workload_profile *p = calloc(1, sizeof(*p));
    cfg_doc *doc = p ? cfg_load(path) : NULL;
    if (!doc) {
        free(p);
        *err = strdup("out of memory");
        return NULL;
    }
    for (unsigned i = 0; overrides && overrides[i]; i++)
        cfg_override(doc, overrides[i]);
    if (!cfg_error(doc))
        read_profile(doc, p);
    if (cfg_error(doc))
        *err = strdup(cfg_error(doc));
    else if (!strings_whole(p))
        *err = strdup("out of memory");
    cfg_free(doc);
    if (*err) {
        profile_free(p);
        return NULL;
    }
    return p;
}

void profile_free(struct workload_profile *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < PROFILE_MAX_PHASES; i++)
        free(p->phase[i].name);
    free(p->name);
    free(p->description);
    free(p->unit);
    free(p);
}
