/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "growth_report.h"

#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPS 16u
#define MAX_COUNTS 32u
#define HOST (-1)

/* One share of time of one run. */
struct share {
    char label[128], op[16];
    double vcpus, pcpus, value;
    int node; /* or HOST */
};
struct shares {
    size_t nr;
    struct share *s;
};
/* Of one label and node: the mean over runs with the same count. */
struct table {
    unsigned nr_ops, nr_counts;
    char op[MAX_OPS][16];
    double count[MAX_COUNTS], sum[MAX_OPS][MAX_COUNTS];
    unsigned runs[MAX_OPS][MAX_COUNTS];
};

static const char query[] =
    "SELECT r.label, (SELECT count(*) FROM metric m WHERE m.run = r.id AND m.vm <> 'Domain-0' AND m.def ="
    "  (SELECT id FROM metric_def WHERE name = 'vcpu.cpu_seconds')),"
    " (SELECT count(*) FROM metric m WHERE m.run = r.id AND m.def ="
    "  (SELECT id FROM metric_def WHERE name = 'pcpu.busy_fraction')),"
    " m.node, m.op, m.value"
    " FROM sweep s JOIN sweep_run sr ON sr.sweep = s.id JOIN run r ON r.id = sr.run JOIN metric m ON m.run = r.id"
    " JOIN metric_def d ON d.id = m.def WHERE s.name = ?1 AND r.status = 'done'"
    " AND d.name IN ('host.time_fraction', 'node.time_fraction') ORDER BY sr.position, m.seq";

double growth_exponent(const double *x, const double *y, unsigned n)
{
    double lx[MAX_COUNTS], ly[MAX_COUNTS], at_1, slope, cov[3], sumsq;
    unsigned k = 0;
    bool spread = false;
    for (unsigned i = 0; i < n && k < MAX_COUNTS; i++) {
        if (!(y[i] > 0))
            continue;
        lx[k] = log(x[i]);
        ly[k] = log(y[i]);
        spread = spread || lx[k] != lx[0];
        k++;
    }
    if (!spread)
        return NAN;
    gsl_fit_linear(lx, 1, ly, 1, k, &at_1, &slope, &cov[0], &cov[1], &cov[2], &sumsq);
    return slope;
}

static int load(struct shares *all, struct store *store, const char *sweep, struct fault *f)
{
    sqlite3_stmt *q = NULL;
    int e;
    if (sqlite3_prepare_v2(store_db(store), query, -1, &q, NULL) != SQLITE_OK)
        return fault_set(f, EXIT_HOST_FAILED, "%s", sqlite3_errmsg(store_db(store)));
    sqlite3_bind_text(q, 1, sweep, -1, SQLITE_STATIC);
    while ((e = sqlite3_step(q)) == SQLITE_ROW) {
        if (all->nr % 1024 == 0) {
            struct share *more = realloc(all->s, (all->nr + 1024) * sizeof(*more));
            if (!more) {
                fault_set(f, EXIT_HOST_FAILED, "out of memory");
                break;
            }
            all->s = more;
        }
        struct share *x = &all->s[all->nr++];
        const char *node = (const char *)sqlite3_column_text(q, 3);
        snprintf(x->label, sizeof(x->label), "%s", (const char *)sqlite3_column_text(q, 0));
        snprintf(x->op, sizeof(x->op), "%s", (const char *)sqlite3_column_text(q, 4));
        x->vcpus = sqlite3_column_double(q, 1);
        x->pcpus = sqlite3_column_double(q, 2);
        x->node = node && *node ? atoi(node) : HOST;
        x->value = sqlite3_column_double(q, 5);
    }
    if (e != SQLITE_ROW && e != SQLITE_DONE)
        fault_set(f, EXIT_HOST_FAILED, "%s", sqlite3_errmsg(store_db(store)));
    sqlite3_finalize(q);
    if (f->code == EXIT_DONE && !all->nr)
        fault_set(f, EXIT_BAD_INPUT, "the database has no finished run with host.time_fraction in a sweep '%s'", sweep);
    return f->code;
}

/* Index of x among the nr ascending counts, entered if it is not there yet; -1: too many. */
static int count_at(struct table *t, double x)
{
    unsigned i = 0;
    while (i < t->nr_counts && t->count[i] < x)
        i++;
    if (i < t->nr_counts && t->count[i] == x)
        return (int)i;
    if (t->nr_counts == MAX_COUNTS)
        return -1;
    memmove(&t->count[i + 1], &t->count[i], (t->nr_counts - i) * sizeof(t->count[0]));
    t->count[i] = x;
    t->nr_counts++;
    return (int)i;
}

static int op_at(struct table *t, const char *op)
{
    unsigned i = 0;
    while (i < t->nr_ops && strcmp(t->op[i], op) != 0)
        i++;
    if (i == MAX_OPS)
        return -1;
    if (i == t->nr_ops)
        memcpy(t->op[t->nr_ops++], op, sizeof(t->op[0]));
    return (int)i;
}

static unsigned distinct(const struct shares *all, const char *label, bool pcpus)
{
    struct table t = {0};
    for (size_t i = 0; i < all->nr; i++)
        if (!strcmp(all->s[i].label, label))
            count_at(&t, pcpus ? all->s[i].pcpus : all->s[i].vcpus);
    return t.nr_counts;
}

static bool of(const struct share *x, const char *label, int node)
{
    return x->node == node && !strcmp(x->label, label);
}

static int fill(struct table *t, const struct shares *all, const char *label, int node, bool by_pcpus, struct fault *f)
{
    memset(t, 0, sizeof(*t));
    for (size_t i = 0; i < all->nr; i++) /* all counts first: entering one moves the others */
        if (of(&all->s[i], label, node) && count_at(t, by_pcpus ? all->s[i].pcpus : all->s[i].vcpus) < 0)
            return fault_set(f, EXIT_BAD_INPUT, "sweep has more than %u counts for '%s'", MAX_COUNTS, label);
    for (size_t i = 0; i < all->nr; i++) {
        const struct share *x = &all->s[i];
        if (!of(x, label, node))
            continue;
        int c = count_at(t, by_pcpus ? x->pcpus : x->vcpus), o = op_at(t, x->op);
        if (o < 0)
            return fault_set(f, EXIT_BAD_INPUT, "sweep has more than %u kinds of time", MAX_OPS);
        t->sum[o][c] += node == HOST ? x->value * x->pcpus : 100 * x->value;
        t->runs[o][c]++;
    }
    return f->code;
}

static void print(const struct table *t, FILE *out)
{
    fprintf(out, "%-12s", "op");
    for (unsigned c = 0; c < t->nr_counts; c++)
        fprintf(out, " %10.0f", t->count[c]);
    fprintf(out, "   grows as\n");
    for (unsigned o = 0; o < t->nr_ops; o++) {
        double mean[MAX_COUNTS];
        fprintf(out, "%-12s", t->op[o]);
        for (unsigned c = 0; c < t->nr_counts; c++) {
            mean[c] = t->runs[o][c] ? t->sum[o][c] / t->runs[o][c] : 0;
            fprintf(out, " %10.5g", mean[c]);
        }
        double exponent = growth_exponent(t->count, mean, t->nr_counts);
        if (isfinite(exponent))
            fprintf(out, "   n^%.2f\n", exponent);
        else
            fprintf(out, "   -\n");
    }
}

static int report_label(const struct shares *all, const char *label, bool each, FILE *out, struct fault *f)
{
    struct table t;
    bool by_pcpus = distinct(all, label, true) > distinct(all, label, false);
    int nodes = 0;
    for (size_t i = 0; each && i < all->nr; i++)
        if (!strcmp(all->s[i].label, label) && all->s[i].node >= nodes)
            nodes = all->s[i].node + 1;
    for (int node = HOST; node < nodes && f->code == EXIT_DONE; node++) {
        if (fill(&t, all, label, node, by_pcpus, f) != EXIT_DONE || !t.nr_ops)
            continue;
        if (node == HOST)
            fprintf(out, "%s: pCPUs busy with op, against %s\n", label, by_pcpus ? "pCPUs" : "vCPUs");
        else
            fprintf(out, "%s, node %d: %% of its time\n", label, node);
        print(&t, out);
        fputc('\n', out);
    }
    return f->code;
}

int growth_report(struct store *store, const char *sweep, bool each, FILE *out, struct fault *f)
{
    struct shares all = {0};
    load(&all, store, sweep, f);
    for (size_t i = 0; i < all.nr && f->code == EXIT_DONE; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = !strcmp(all.s[k].label, all.s[i].label);
        if (!seen)
            report_label(&all, all.s[i].label, each, out, f);
    }
    free(all.s);
    return f->code;
}
