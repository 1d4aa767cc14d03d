/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be expected of a case: how it is written, how it reads as a sentence, and when it holds. */
#include "check.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static const char *const kind_names[] = {
#define X(name, text) #name,
    CHECK_KINDS(X)
#undef X
        NULL};

static bool is_of_vm(enum check_kind k)
{
    return k <= CHECK_creation;
}

static bool is_of_metric(enum check_kind k)
{
    return k == CHECK_at_least || k == CHECK_at_most;
}

static void say_bytes(char *buf, size_t n, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned u = 0;
    while (bytes >= 1024 && u < 4) {
        bytes /= 1024;
        u++;
    }
    snprintf(buf, n, "%g %s", bytes, units[u]);
}

static void say_time(char *buf, size_t n, double s)
{
    static const char *const units[] = {"s", "ms", "us", "ns"};
    unsigned u = 0;
    while (s != 0 && s < 1 && u < 3) {
        s *= 1000;
        u++;
    }
    snprintf(buf, n, "%.6g %s", s, units[u]);
}

static void say_nodes(char *buf, size_t n, const int64_t *list, size_t nr)
{
    size_t at = 0;
    *buf = 0;
    for (size_t i = 0; i < nr && at < n; i++)
        at += (size_t)snprintf(buf + at, n - at, "%s%lld", i ? "," : "", (long long)list[i]);
}

static void say(struct check_expect *e)
{
    char bound[128], node[32] = "";
    const char *vm = e->vm ? e->vm : "host";

    if (e->node >= 0)
        snprintf(node, sizeof(node), " of node %d", e->node);
    switch (e->kind) {
    case CHECK_nodes:
        say_nodes(bound, sizeof(bound), e->list, e->nr_list);
        snprintf(e->text, sizeof(e->text), "%s is on node%s %s", vm, e->nr_list > 1 ? "s" : "", bound);
        break;
    case CHECK_at_most_nodes:
        snprintf(e->text, sizeof(e->text), "%s spans at most %g node%s", vm, e->bound, e->bound == 1 ? "" : "s");
        break;
    case CHECK_local_pages_at_least:
        snprintf(e->text, sizeof(e->text), "%s has at least %g %% of its pages where it prefers to run", vm,
                 100 * e->bound);
        break;
    case CHECK_local_accesses_at_least:
        snprintf(e->text, sizeof(e->text), "%s finds at least %g %% of what it accesses on its node", vm,
                 100 * e->bound);
        break;
    case CHECK_superpages_at_least:
        snprintf(e->text, sizeof(e->text), "%s has at least %g %% of its pages in superpages", vm, 100 * e->bound);
        break;
    case CHECK_wake_p50_at_most:
    case CHECK_wake_p99_at_most:
    case CHECK_wake_max_at_most:
        say_time(bound, sizeof(bound), e->bound);
        snprintf(e->text, sizeof(e->text), "%s wakes up within %s (%s)", vm, bound, e->quantile);
        break;
    case CHECK_migrations_at_most:
        snprintf(e->text, sizeof(e->text), "%s migrates at most %g times", vm, e->bound);
        break;
    case CHECK_creation:
        if (strcmp(e->word, "fails") == 0 || strcmp(e->word, "succeeds") == 0)
            snprintf(e->text, sizeof(e->text), "creation of %s %s", vm, e->word);
        else
            snprintf(e->text, sizeof(e->text), "creation of %s fails with %s", vm, e->word);
        break;
    case CHECK_free_at_least:
    case CHECK_free_at_most:
        say_bytes(bound, sizeof(bound), e->bound);
        snprintf(e->text, sizeof(e->text), "at %s %s%s free", e->kind == CHECK_free_at_least ? "least" : "most", bound,
                 e->node < 0 ? " on every node are" : node);
        if (e->node >= 0)
            snprintf(e->text, sizeof(e->text), "at %s %s%s are free", e->kind == CHECK_free_at_least ? "least" : "most",
                     bound, node);
        break;
    default:
        snprintf(e->text, sizeof(e->text), "%s%s%s%s%s%s is at %s %g", e->metric, e->quantile ? " (" : "",
                 e->quantile ? e->quantile : "", e->quantile ? ")" : "", e->vm ? " of " : "", e->vm ? e->vm : node,
                 e->kind == CHECK_at_least ? "least" : "most", e->bound);
    }
}

static bool read_bound(cfg_table *t, const char *key, struct check_expect *e)
{
    int64_t ps = 0;
    uint64_t bytes = 0;
    unsigned n = 0;

    switch (e->kind) {
    case CHECK_nodes:
        if (!cfg_ints(t, key, true, &e->list, &e->nr_list))
            return false;
        if (!e->nr_list)
            cfg_fail(t, key, "an empty list of nodes");
        return e->nr_list > 0;
    case CHECK_at_most_nodes:
    case CHECK_migrations_at_most:
        if (!cfg_uint(t, key, true, 0, UINT32_MAX, &n))
            return false;
        e->bound = n;
        return true;
    case CHECK_local_pages_at_least:
    case CHECK_local_accesses_at_least:
    case CHECK_superpages_at_least:
        return check_percent(t, key, &e->bound);
    case CHECK_wake_p50_at_most:
    case CHECK_wake_p99_at_most:
    case CHECK_wake_max_at_most:
        e->metric = "vm.wake_latency";
        e->quantile = e->kind == CHECK_wake_p50_at_most ? "p50" : e->kind == CHECK_wake_p99_at_most ? "p99" : "max";
        if (!cfg_time_ps(t, key, true, 0, INT64_MAX, &ps))
            return false;
        e->bound = (double)ps / 1e12;
        return true;
    case CHECK_creation:
        return cfg_string(t, key, true, &e->word);
    case CHECK_free_at_least:
    case CHECK_free_at_most:
        if (!cfg_size(t, key, true, 0, INT64_MAX, &bytes))
            return false;
        e->bound = (double)bytes;
        return true;
    default:
        return cfg_double(t, key, true, -1e300, 1e300, &e->bound);
    }
}

static bool metric_known(cfg_table *t, const char *name)
{
    const char *names[128];
    unsigned n = 0;

    if (metric_def_find(name))
        return true;
    for (const struct metric_def *d = metric_defs; d->name && n < 127; d++)
        names[n++] = d->name;
    names[n] = NULL;
    const char *near = cfg_nearest(name, names);
    cfg_fail(t, "metric", "no metric '%s'%s%s%s", name, near ? "; did you mean '" : "; see hvsim list metrics",
             near ? near : "", near ? "'?" : "");
    return false;
}

/* An expected creation needs a VM whose creation may fail. */
static bool may_fail(const struct check_case *c, const char *vm)
{
    for (unsigned i = 0; i < c->nr_vms; i++)
        if (c->vm[i].may_fail && (fnmatch(vm, c->vm[i].name, 0) == 0 || c->vm[i].count > 1))
            return true;
    return false;
}

bool check_expect_read(cfg_table *t, struct check_case *c)
{
    struct check_expect common = {.where = cfg_where(t, NULL), .node = -1};
    unsigned node = 0, nr = 0;

    cfg_string(t, "vm", false, &common.vm);
    cfg_string(t, "metric", false, &common.metric);
    cfg_string(t, "quantile", false, &common.quantile);
    if (cfg_has(t, "node") && cfg_uint(t, "node", true, 0, MACHINE_MAX_NODES - 1, &node))
        common.node = (int)node;
    if (common.metric && !metric_known(t, common.metric))
        return false;
    for (unsigned k = 0; k < CHECK_NR_KINDS; k++) {
        if (!cfg_has(t, kind_names[k]))
            continue;
        struct check_expect e = common;
        e.kind = (enum check_kind)k;
        nr++;
        if (is_of_vm(e.kind) != (e.vm != NULL) && !is_of_metric(e.kind)) {
            cfg_fail(t, kind_names[k],
                     is_of_vm(e.kind) ? "'%s' is expected of a VM: 'vm' is missing" : "'%s' is not a matter of a VM",
                     kind_names[k]);
            return false;
        }
        if (is_of_metric(e.kind) && !e.metric) {
            cfg_fail(t, kind_names[k], "'%s' of what: 'metric' is missing", kind_names[k]);
            return false;
        }
        if (!read_bound(t, kind_names[k], &e))
            return false;
        if (e.kind == CHECK_creation && !may_fail(c, e.vm)) {
            cfg_fail(t, kind_names[k],
                     "the creation of '%s' is nothing to expect of: say may_fail = true in its [[case.vm]]", e.vm);
            return false;
        }
        struct check_expect *grown = realloc(c->expect, (c->nr_expects + 1) * sizeof(*grown));
        if (!grown) {
            cfg_fail(t, NULL, "out of memory");
            return false;
        }
        say(&e);
        c->expect = grown;
        c->expect[c->nr_expects++] = e;
    }
    if (!nr)
        cfg_fail(t, NULL, "this expects nothing; expected one of nodes, at_most_nodes, ... (hvsim list check-keys)");
    return nr > 0;
}

/* ---- judging ------------------------------------------------------------------------------------------------------
 */

static void miss(struct check_verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void miss(struct check_verdict *v, const char *fmt, ...)
{
    size_t at = strlen(v->text);
    va_list ap;

    v->passed = false;
    if (at && at + 3 < sizeof(v->text))
        at += (size_t)snprintf(v->text + at, sizeof(v->text) - at, "; ");
    va_start(ap, fmt);
    if (at < sizeof(v->text))
        vsnprintf(v->text + at, sizeof(v->text) - at, fmt, ap);
    va_end(ap);
}

struct vm_pages {
    const char *vm;
    double total, large, on[MACHINE_MAX_NODES];
    unsigned nodes;
};

static void count_pages(const struct check_run *r, const char *vm, struct vm_pages *p)
{
    const struct metrics *ms = &r->reply.result.metrics;

    *p = (struct vm_pages){.vm = vm};
    for (size_t i = 0; i < ms->nr; i++) {
        const struct metric *m = &ms->m[i];
        const char *of = metric_label_value(m, "vm"), *node = metric_label_value(m, "node");
        if (!of || !node || strcmp(of, vm) != 0)
            continue;
        if (strcmp(m->def->name, "vm.pages") == 0 && m->value > 0) {
            p->on[atoi(node) % (int)MACHINE_MAX_NODES] = m->value;
            p->total += m->value;
            p->nodes++;
        } else if (strcmp(m->def->name, "vm.pages_2m") == 0 || strcmp(m->def->name, "vm.pages_1g") == 0) {
            p->large += m->value;
        }
    }
}

static void judge_nodes(const struct check_expect *e, const struct vm_pages *p, struct check_verdict *v)
{
    for (unsigned n = 0; n < MACHINE_MAX_NODES; n++) {
        bool meant = false;
        for (size_t i = 0; i < e->nr_list; i++)
            meant = meant || e->list[i] == n;
        if (p->on[n] > 0 && !meant)
            miss(v, "%s has %.0f of %.0f pages on node %u", p->vm, p->on[n], p->total, n);
    }
    if (p->total == 0)
        miss(v, "%s has no pages", p->vm);
}

static double value_of(const struct check_run *r, const char *metric, const char *vm)
{
    const struct metric *m = metrics_find(&r->reply.result.metrics, metric, "vm", vm);
    return m ? m->value : 0;
}

static void judge_vm(const struct check_run *r, const struct check_expect *e, const char *vm, struct check_verdict *v)
{
    struct vm_pages p;
    double x;

    switch (e->kind) {
    case CHECK_nodes:
        count_pages(r, vm, &p);
        judge_nodes(e, &p, v);
        return;
    case CHECK_at_most_nodes:
        count_pages(r, vm, &p);
        if (p.nodes > e->bound)
            miss(v, "%s is on %u nodes", vm, p.nodes);
        return;
    case CHECK_superpages_at_least:
        count_pages(r, vm, &p);
        if (p.large < e->bound * p.total)
            miss(v, "%s has %.2f %%", vm, p.total > 0 ? 100 * p.large / p.total : 0);
        return;
    case CHECK_local_pages_at_least:
    case CHECK_local_accesses_at_least:
        x = value_of(
            r, e->kind == CHECK_local_pages_at_least ? "vm.expected_local_fraction" : "vm.local_access_fraction", vm);
        if (x < e->bound)
            miss(v, "%s has %.2f %%", vm, 100 * x);
        return;
    case CHECK_migrations_at_most:
        x = value_of(r, "vm.migrations", vm);
        if (x > e->bound)
            miss(v, "%s migrates %g times", vm, x);
        return;
    default:
        return;
    }
}

/* at_least and at_most, wake-up latencies, free memory: every value that the labels select. */
static void judge_metric(const struct check_run *r, const struct check_expect *e, const char *name, double scale,
                         struct check_verdict *v)
{
    const struct metrics *ms = &r->reply.result.metrics;
    bool lower = e->kind == CHECK_at_least || e->kind == CHECK_free_at_least;
    unsigned seen = 0;

    for (size_t i = 0; i < ms->nr; i++) {
        const struct metric *m = &ms->m[i];
        const char *vm = metric_label_value(m, "vm"), *node = metric_label_value(m, "node"),
                   *quantile = metric_label_value(m, "quantile");
        if (strcmp(m->def->name, name) != 0 || (e->vm && (!vm || fnmatch(e->vm, vm, 0) != 0)) ||
            (e->node >= 0 && (!node || atoi(node) != e->node)) ||
            (e->quantile && (!quantile || strcmp(quantile, e->quantile) != 0)))
            continue;
        seen++;
        double x = m->value * scale;
        if (!(lower ? x < e->bound : x > e->bound))
            continue;
        char text[64];
        if (scale != 1)
            say_bytes(text, sizeof(text), x);
        else if (strcmp(m->def->unit, "s") == 0)
            say_time(text, sizeof(text), x);
        else
            snprintf(text, sizeof(text), "%g %s", x, m->unit);
        if (vm)
            miss(v, "%s has %s", vm, text);
        else if (node)
            miss(v, "node %s has %s", node, text);
        else
            miss(v, "it is %s", text);
    }
    if (!seen)
        miss(v, "the run has no such value");
}

static void judge_creation(const struct check_run *r, const struct check_expect *e, struct check_verdict *v)
{
    unsigned seen = 0;

    for (unsigned i = 0; i < r->nr_creations; i++) {
        const struct check_creation *c = &r->creation[i];
        if (fnmatch(e->vm, c->vm, 0) != 0)
            continue;
        seen++;
        if (strcmp(e->word, "succeeds") == 0) {
            if (c->failed)
                miss(v, "%s fails: %s", c->vm, c->message);
        } else if (!c->failed) {
            miss(v, "%s is created", c->vm);
        } else if (strcmp(e->word, "fails") != 0 && strcmp(e->word, c->error) != 0) {
            miss(v, "%s fails with %s: %s", c->vm, c->error, c->message);
        }
    }
    if (!seen)
        miss(v, "it was not tried");
}

static void judge_vms(const struct check_run *r, const struct check_expect *e, struct check_verdict *v)
{
    const struct metrics *ms = &r->reply.result.metrics;
    unsigned seen = 0;

    for (size_t i = 0; i < ms->nr; i++) {
        const char *vm = metric_label_value(&ms->m[i], "vm");
        if (!vm || strcmp(ms->m[i].def->name, "vm.instructions") != 0 || fnmatch(e->vm, vm, 0) != 0)
            continue;
        seen++;
        judge_vm(r, e, vm, v);
    }
    if (!seen)
        miss(v, "there is no such VM");
}

void check_expect_judge(const struct check_run *r, const struct check_expect *e, struct check_verdict *v)
{
    *v = (struct check_verdict){.passed = true};
    switch (e->kind) {
    case CHECK_creation:
        judge_creation(r, e, v);
        break;
    case CHECK_free_at_least:
    case CHECK_free_at_most:
        judge_metric(r, e, "node.free_pages", 4096, v);
        break;
    case CHECK_at_least:
    case CHECK_at_most:
    case CHECK_wake_p50_at_most:
    case CHECK_wake_p99_at_most:
    case CHECK_wake_max_at_most:
        judge_metric(r, e, e->metric, 1, v);
        break;
    default:
        judge_vms(r, e, v);
    }
}
