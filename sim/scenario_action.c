/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * [[action]] of a scenario: what an operator does while the guests run. One reader for each form; what a form does not
 * have is an unknown key. Values are only held to what xl itself would not let through to a command: numbers that Xen
 * or libxl refuse are read, so that a scenario can show the refusal.
 *
 * Actions are read in order of time, because an action may create the pool that a later one names.
 */
#include "scenario_action.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PS_PER_NS 1000
#define MAX_ACTIONS 65535u     /* their numbers in the trajectory have 16 bits */
#define MAX_NUMBER 0x7fffffffu /* of xl: an int */
#define MAX_NAMES 64           /* that are offered as "did you mean" */

static void out_of_memory(struct loader *l)
{
    if (!l->err)
        l->err = strdup("out of memory");
}

void action_say(struct action_reading *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(r->command, fmt, ap);
    va_end(ap);
}

/* ---- operands --------------------------------------------------------------------------------------------------- */

/* Names come one by one; the nearest of them is offered. */
static void no_such(cfg_table *t, const char *key, const char *what, const char *name, const char *const *names)
{
    const char *near = cfg_nearest(name, names);
    cfg_fail(t, key, "no %s '%s'%s%s%s", what, name, near ? "; did you mean '" : "", near ? near : "",
             near ? "'?" : "");
}

/* Of two with one name, the one that exists at that time: no two do. */
static bool names_vm(const struct action_reading *r, unsigned i, const char *name)
{
    return !r->gone[i] && strcmp(r->l->s->vm[i].cfg.name, name) == 0;
}

bool action_read_vm(struct action_reading *r, cfg_table *t, unsigned *vm, const char **name)
{
    const struct scenario *s = r->l->s;
    unsigned n = 0;
    if (!cfg_string(t, "vm", true, name))
        return false;
    *vm = 0;
    if (strcmp(*name, "Domain-0") == 0)
        return true;
    for (unsigned i = 0; i < s->nr_vms; i++)
        if (names_vm(r, i, *name)) {
            *vm = i + 1;
            return true;
        }
    const char **names = calloc(s->nr_vms + 2, sizeof(*names));
    if (!names) {
        out_of_memory(r->l);
        return false;
    }
    names[n++] = "Domain-0";
    for (unsigned i = 0; i < s->nr_vms; i++)
        if (!r->gone[i])
            names[n++] = s->vm[i].cfg.name;
    no_such(t, "vm", "VM", *name, names);
    free(names);
    return false;
}

static unsigned nr_vcpus(const struct scenario *s, unsigned vm)
{
    if (vm == 0)
        return s->dom0_vcpus;
    const struct ts_domain_config *d = &s->vm[vm - 1].cfg;
    return d->maxvcpus > d->vcpus ? d->maxvcpus : d->vcpus;
}

/* "all" or a number; "all" if it is not given. */
static bool read_vcpu(struct action_reading *r)
{
    static const char *const words[] = {"all", NULL};
    unsigned all;
    r->a->vcpu = TS_ALL_VCPUS;
    if (!cfg_has(r->t, "vcpu"))
        return true;
    if (cfg_is_string(r->t, "vcpu"))
        return cfg_enum(r->t, "vcpu", true, words, &all);
    return cfg_uint(r->t, "vcpu", true, 0, nr_vcpus(r->l->s, r->a->vm) - 1, &r->a->vcpu);
}

static void say_vcpu(struct action_reading *r)
{
    if (r->a->vcpu == TS_ALL_VCPUS)
        action_say(r, "all");
    else
        action_say(r, "%u", r->a->vcpu);
}

static bool find_pool(struct action_reading *r, const char *name, unsigned *number)
{
    for (unsigned i = r->nr_pools; i-- > 0;)
        if (r->pool[i].exists && strcmp(r->pool[i].name, name) == 0) {
            *number = i;
            return true;
        }
    return false;
}

static bool read_pool(struct action_reading *r, bool required, const char **name)
{
    const char *names[MAX_NAMES + 1];
    unsigned n = 0;
    *name = "Pool-0";
    if (!cfg_string(r->t, "pool", required, name))
        return false;
    if (find_pool(r, *name, &r->a->pool))
        return true;
    for (unsigned i = 0; i < r->nr_pools && n < MAX_NAMES; i++)
        if (r->pool[i].exists)
            names[n++] = r->pool[i].name;
    names[n] = NULL;
    no_such(r->t, present_key(r->t, "pool"), "pool", *name, names);
    return false;
}

static bool read_cpu(struct action_reading *r)
{
    return cfg_uint(r->t, "cpu", true, 0, r->l->s->machine->nr_cpus - 1, &r->a->cpu);
}

/* A number that may be left out: TS_UNCHANGED. Said as "OPTION NUMBER". */
static bool read_number(struct action_reading *r, const char *key, const char *option, uint32_t *out)
{
    unsigned n = 0;
    *out = TS_UNCHANGED;
    if (!cfg_has(r->t, key))
        return true;
    if (!cfg_uint(r->t, key, true, 0, MAX_NUMBER, &n))
        return false;
    *out = n;
    action_say(r, " %s %u", option, n);
    return true;
}

/* ---- forms ------------------------------------------------------------------------------------------------------ */

static bool read_weight_and_cap(struct action_reading *r, unsigned sched_id, const char *command)
{
    struct scenario_action *a = r->a;
    const char *vm = NULL;
    if (!action_read_vm(r, r->t, &a->vm, &vm))
        return false;
    a->sched = (struct ts_sched_params){.sched_id = sched_id};
    action_say(r, "xl %s -d %s", command, vm);
    if (!read_number(r, "weight", "-w", &a->sched.weight) || !read_number(r, "cap", "-c", &a->sched.cap))
        return false;
    if (a->sched.weight == TS_UNCHANGED && a->sched.cap == TS_UNCHANGED)
        cfg_fail(r->t, NULL, "%s: expected weight or cap", command);
    return true;
}

static bool read_sched_credit(struct action_reading *r)
{
    return read_weight_and_cap(r, XEN_SCHEDULER_CREDIT, "sched-credit");
}

static bool read_sched_credit2(struct action_reading *r)
{
    return read_weight_and_cap(r, XEN_SCHEDULER_CREDIT2, "sched-credit2");
}

static bool read_sched_rtds(struct action_reading *r)
{
    struct ts_sched_params *p = &r->a->sched;
    const char *vm = NULL;
    bool extratime = false;
    if (!action_read_vm(r, r->t, &r->a->vm, &vm) || !read_vcpu(r))
        return false;
    *p = (struct ts_sched_params){.sched_id = XEN_SCHEDULER_RTDS, .vcpu = r->a->vcpu};
    action_say(r, "xl sched-rtds -d %s -v ", vm);
    say_vcpu(r);
    if (!read_number(r, "period_us", "-p", &p->period_us) || !read_number(r, "budget_us", "-b", &p->budget_us) ||
        !cfg_bool(r->t, "extratime", false, &extratime))
        return false;
    if (cfg_has(r->t, "extratime")) {
        p->extratime = extratime ? TS_EXTRATIME_ON : TS_EXTRATIME_OFF;
        action_say(r, " -e %u", extratime);
    } else if (p->period_us == TS_UNCHANGED && p->budget_us == TS_UNCHANGED) {
        cfg_fail(r->t, NULL, "sched-rtds: expected period_us, budget_us or extratime");
    }
    return true;
}

static bool read_ns(cfg_table *t, const char *key, int64_t *ns)
{
    int64_t ps = 0;
    if (!cfg_time_ps(t, key, true, 0, INT64_MAX, &ps))
        return false;
    *ns = ps / PS_PER_NS;
    if (ps % PS_PER_NS)
        cfg_fail(t, key, "Xen counts in whole nanoseconds");
    return ps % PS_PER_NS == 0;
}

static bool read_slot(struct action_reading *r, cfg_table *t, struct scenario_slot *slot)
{
    const char *vm = NULL;
    if (!action_read_vm(r, t, &slot->vm, &vm) ||
        !cfg_uint(t, "vcpu", false, 0, nr_vcpus(r->l->s, slot->vm) - 1, &slot->vcpu) ||
        !read_ns(t, "runtime", &slot->runtime_ns))
        return false;
    action_say(r, " %s/%u:%lldns", vm, slot->vcpu, (long long)slot->runtime_ns);
    return true;
}

static bool read_sched_arinc653(struct action_reading *r)
{
    struct scenario_action *a = r->a;
    const char *pool;
    if (!read_pool(r, false, &pool) || !read_ns(r->t, "major_frame", &a->major_frame_ns))
        return false;
    action_say(r, "a653_sched -p %s %lldns:", pool, (long long)a->major_frame_ns);
    size_t n = cfg_array_len(r->t, "frame");
    if (n > UINT16_MAX)
        cfg_fail(r->t, "frame", "more than %u slots", UINT16_MAX);
    a->slot = calloc(n ? n : 1, sizeof(*a->slot));
    if (!a->slot) {
        out_of_memory(r->l);
        return false;
    }
    for (; a->nr_slots < n; a->nr_slots++)
        if (!read_slot(r, cfg_array_at(r->t, "frame", a->nr_slots), &a->slot[a->nr_slots]))
            return false;
    return true;
}

static bool read_sched_params(struct action_reading *r)
{
    struct ts_pool_params *p = &r->a->params;
    const char *pool;
    if (!read_pool(r, false, &pool))
        return false;
    bool credit = cfg_has(r->t, "tslice_ms") || cfg_has(r->t, "migration_delay_us");
    action_say(r, "xl sched-credit%s -s -p %s", credit ? "" : "[2]", pool);
    if (!read_number(r, "tslice_ms", "-t", &p->tslice_ms) || !read_number(r, "ratelimit_us", "-r", &p->ratelimit_us) ||
        !read_number(r, "migration_delay_us", "-m", &p->migration_delay_us))
        return false;
    if (!credit && p->ratelimit_us == TS_UNCHANGED)
        cfg_fail(r->t, NULL, "sched-params: expected tslice_ms, ratelimit_us or migration_delay_us");
    return true;
}

static bool read_affinity(struct action_reading *r, const char *key, bool *has, cpumask_t *mask)
{
    const char *text = "-";
    *has = cfg_has(r->t, key);
    if (*has && (!scenario_read_cpus(r->l, r->t, key, true, mask) || !cfg_string(r->t, key, true, &text)))
        return false;
    action_say(r, " %s", text);
    return true;
}

static bool read_vcpu_pin(struct action_reading *r)
{
    struct scenario_action *a = r->a;
    const char *vm = NULL;
    if (!action_read_vm(r, r->t, &a->vm, &vm) || !read_vcpu(r))
        return false;
    action_say(r, "xl vcpu-pin %s ", vm);
    say_vcpu(r);
    if (!read_affinity(r, "hard", &a->has_hard, &a->hard))
        return false;
    if (cfg_has(r->t, "soft") && r->l->s->level->quirk[HV_QUIRK_node_affinity_domain]) {
        cfg_fail(r->t, "soft", "level '%s' has no soft affinity (Xen has it from 4.5 on)", r->l->s->level->name);
        return false;
    }
    if (cfg_has(r->t, "soft") && !read_affinity(r, "soft", &a->has_soft, &a->soft))
        return false;
    if (!a->has_hard && !a->has_soft)
        cfg_fail(r->t, NULL, "vcpu-pin: expected hard or soft");
    return true;
}

static bool read_migrate(struct action_reading *r)
{
    const char *vm = NULL, *pool;
    if (!action_read_vm(r, r->t, &r->a->vm, &vm) || !read_pool(r, true, &pool))
        return false;
    action_say(r, "xl cpupool-migrate %s %s", vm, pool);
    return true;
}

static bool read_pool_cpu(struct action_reading *r, const char *command)
{
    const char *pool;
    if (!read_pool(r, true, &pool) || !read_cpu(r))
        return false;
    action_say(r, "xl %s %s %u", command, pool, r->a->cpu);
    return true;
}

static bool read_cpu_add(struct action_reading *r)
{
    return read_pool_cpu(r, "cpupool-cpu-add");
}

static bool read_cpu_remove(struct action_reading *r)
{
    return read_pool_cpu(r, "cpupool-cpu-remove");
}

/*
 * The scheduler may be one of another level: then Xen refuses it. A word that no level has is a mistake here, as it is
 * in xl, which passes numbers on.
 */
static bool read_pool_sched(struct action_reading *r, const char *word, struct hv_sched_info *out)
{
    for (const struct hv_profile *level = hv_profiles; level->name; level++)
        for (unsigned i = 0; hv_core_get()->scheduler(level, i, out); i++)
            if (strcmp(out->opt_name, word) == 0)
                return true;
    return scenario_find_sched(r->l, r->t, present_key(r->t, "sched"), word, out);
}

static bool read_create(struct action_reading *r)
{
    struct ts_cpupool_config *c = &r->a->create;
    const char *name = NULL, *sched = r->l->s->opt.sched, *cpus = NULL;
    struct hv_sched_info info;
    unsigned taken, gran = HV_GRAN_cpu;

    if (!cfg_string(r->t, "pool", true, &name))
        return false;
    if (find_pool(r, name, &taken)) {
        cfg_fail(r->t, "pool", "a second pool of the name '%s'", name);
        return false;
    }
    if (!cfg_string(r->t, "sched", false, &sched) || !read_pool_sched(r, sched, &info) ||
        !cfg_enum(r->t, "sched_gran", false, scenario_grans, &gran))
        return false;
    *c = (struct ts_cpupool_config){.name = name,
                                    .sched_id = info.id,
                                    .gran = (enum hv_sched_gran)gran,
                                    .tslice_ms = TS_UNCHANGED,
                                    .ratelimit_us = TS_UNCHANGED};
    if (cfg_has(r->t, "cpus") &&
        (!scenario_read_cpus(r->l, r->t, "cpus", false, &c->cpus) || !cfg_string(r->t, "cpus", true, &cpus)))
        return false;
    action_say(r, "xl cpupool-create name=\"%s\" sched=\"%s\"", name, sched);
    if (gran != HV_GRAN_cpu)
        action_say(r, " sched_gran=\"%s\"", scenario_grans[gran]);
    if (cpus)
        action_say(r, " cpus=\"%s\"", cpus);
    struct named_pool *more = realloc(r->pool, (r->nr_pools + 1) * sizeof(*more));
    if (!more) {
        out_of_memory(r->l);
        return false;
    }
    r->pool = more;
    r->a->pool = r->nr_pools;
    r->pool[r->nr_pools++] = (struct named_pool){name, !r->a->expect};
    return true;
}

static bool read_destroy(struct action_reading *r)
{
    const char *pool;
    if (!read_pool(r, true, &pool))
        return false;
    if (!r->a->expect)
        r->pool[r->a->pool].exists = false;
    action_say(r, "xl cpupool-destroy %s", pool);
    return true;
}

static bool read_offline(struct action_reading *r)
{
    if (!read_cpu(r))
        return false;
    action_say(r, "xen-hptool cpu-offline %u", r->a->cpu);
    return true;
}

static bool read_online(struct action_reading *r)
{
    if (!read_cpu(r))
        return false;
    action_say(r, "xen-hptool cpu-online %u", r->a->cpu);
    return true;
}

static bool read_pause(struct action_reading *r)
{
    const char *vm = NULL;
    if (!action_read_vm(r, r->t, &r->a->vm, &vm))
        return false;
    action_say(r, "xl %s %s", r->a->what == DO_PAUSE ? "pause" : "unpause", vm);
    return true;
}

static const struct {
    const char *name;
    enum scenario_do what;
    bool (*read)(struct action_reading *r);
} forms[] = {
    {"sched-credit", DO_SCHED_DOMAIN, read_sched_credit},
    {"sched-credit2", DO_SCHED_DOMAIN, read_sched_credit2},
    {"sched-rtds", DO_SCHED_DOMAIN, read_sched_rtds},
    {"sched-arinc653", DO_SCHED_FRAME, read_sched_arinc653},
    {"sched-params", DO_SCHED_POOL, read_sched_params},
    {"vcpu-pin", DO_VCPU_PIN, read_vcpu_pin},
    {"cpupool-migrate", DO_CPUPOOL_MIGRATE, read_migrate},
    {"cpupool-cpu-add", DO_CPUPOOL_CPU_ADD, read_cpu_add},
    {"cpupool-cpu-remove", DO_CPUPOOL_CPU_REMOVE, read_cpu_remove},
    {"cpupool-create", DO_CPUPOOL_CREATE, read_create},
    {"cpupool-destroy", DO_CPUPOOL_DESTROY, read_destroy},
    {"cpu-offline", DO_CPU_OFFLINE, read_offline},
    {"cpu-online", DO_CPU_ONLINE, read_online},
    {"pause", DO_PAUSE, read_pause},
    {"unpause", DO_UNPAUSE, read_pause},
    {"create", DO_CREATE, action_read_create},
    {"destroy", DO_DESTROY, action_read_destroy},
    {"mem-set", DO_MEM_SET, action_read_memory},
    {"mem-max", DO_MEM_MAX, action_read_memory},
    {"set-aside", DO_SET_ASIDE, action_read_set_aside},
};

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static bool read_expect(struct action_reading *r)
{
    const char *words[32], *name;
    unsigned n = 0, which = 0;
    int nr[ARRAY_SIZE(words)] = {0};
    while (n < ARRAY_SIZE(words) - 1 && (name = ts_errno_list(n, &nr[n])) != NULL)
        words[n++] = name;
    words[n] = NULL;
    if (!cfg_enum(r->t, "expect", false, words, &which))
        return false;
    r->a->expect = cfg_has(r->t, "expect") ? nr[which] : 0;
    return true;
}

static bool read_form(struct action_reading *r, unsigned *form)
{
    const char *names[ARRAY_SIZE(forms) + 1] = {NULL};
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
        names[i] = forms[i].name;
    return cfg_enum(r->t, "do", true, names, form);
}

static bool read_action(struct action_reading *r)
{
    unsigned form = 0;
    size_t len;
    r->a->where = cfg_where(r->t, NULL);
    if (!read_expect(r) || !read_form(r, &form))
        return false;
    r->a->what = forms[form].what;
    r->a->verb = forms[form].name;
    r->command = open_memstream(&r->a->command, &len);
    if (!r->command) {
        out_of_memory(r->l);
        return false;
    }
    if (action_read_may_fail(r))
        forms[form].read(r);
    if (fclose(r->command) != 0)
        out_of_memory(r->l);
    return !r->l->err && !cfg_error(r->l->doc);
}

/* When each of them is due: the order in which they are read. at[i] is of number i of the file. */
static bool read_times(struct loader *l, size_t n, int64_t *at, size_t *order)
{
    int64_t end = l->s->warmup_ps + l->s->duration_ps;
    for (size_t i = 0; i < n; i++) {
        cfg_table *t = cfg_array_at(cfg_root(l->doc), "action", i);
        if (!cfg_time_ps(t, "at", true, 0, INT64_MAX, &at[i]))
            return false;
        if (at[i] >= end) {
            cfg_fail(t, "at", "the run ends %lld ms after the guests start", (long long)(end / 1000000000));
            return false;
        }
        size_t k = i;
        for (; k > 0 && at[order[k - 1]] > at[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    return true;
}

static void read_in_order(struct loader *l, size_t n, int64_t *at, size_t *order)
{
    struct scenario *s = l->s;
    struct action_reading r = {.l = l};
    if (!read_times(l, n, at, order))
        return;
    r.pool = calloc(s->nr_pools + 1, sizeof(*r.pool));
    r.gone = calloc(HV_MAX_DOMAINS, sizeof(*r.gone));
    s->action = calloc(n, sizeof(*s->action));
    if (!r.pool || !r.gone || !s->action) {
        out_of_memory(l);
        free(r.pool);
        free(r.gone);
        return;
    }
    r.pool[r.nr_pools++] = (struct named_pool){"Pool-0", true};
    for (unsigned i = 0; i < s->nr_pools; i++)
        r.pool[r.nr_pools++] = (struct named_pool){s->pool[i].cfg.name, true};
    for (size_t i = 0; i < n; i++) {
        r.t = cfg_array_at(cfg_root(l->doc), "action", order[i]);
        r.a = &s->action[s->nr_actions++];
        r.a->at_ps = at[order[i]];
        if (!read_action(&r))
            break;
    }
    free(r.pool);
    free(r.gone);
}

void scenario_read_actions(struct loader *l)
{
    size_t n = cfg_array_len(cfg_root(l->doc), "action");
    if (n == 0)
        return;
    if (n > MAX_ACTIONS) {
        cfg_fail(cfg_root(l->doc), "action", "more than %u actions", MAX_ACTIONS);
        return;
    }
    int64_t *at = calloc(n, sizeof(*at));
    size_t *order = calloc(n, sizeof(*order));
    if (at && order)
        read_in_order(l, n, at, order);
    else
        out_of_memory(l);
    free(at);
    free(order);
}

void scenario_free_actions(struct scenario *s)
{
    for (unsigned i = 0; i < s->nr_actions; i++) {
        free(s->action[i].command);
        free(s->action[i].slot);
        free(s->action[i].free_pages);
        free(s->action[i].zone);
    }
    free(s->action);
}
