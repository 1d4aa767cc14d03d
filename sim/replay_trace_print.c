/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_trace.h"

#include <math.h>
#include <string.h>

#define BAR_WIDTH 30 /* of 100 % */
#define MS_PER_S 1e3

static const struct {
    unsigned num;
    const char *name;
} quantiles[] = {{5, "p5"}, {25, "p25"}, {50, "p50"}, {75, "p75"}, {95, "p95"}, {99, "p99"}, {100, "max"}};
enum { NR_QUANTILES = sizeof(quantiles) / sizeof(quantiles[0]) };

static bool is_within(const struct trace_domain *d)
{
    return fabs(d->pct[SIDE_SIMULATED] - d->expected) <= REPLAY_TRACE_POINTS;
}

static double quantile_ms(const struct trace_comparison *c, const struct trace_domain *d, enum trace_side side,
                          enum trace_quantity q, unsigned num)
{
    return (double)trace_samples_quantile(&d->sample[side][q], num, 100) * MS_PER_S / c->hz[side];
}

static unsigned print_shares(const struct trace_comparison *c, FILE *f)
{
    unsigned failed = 0;
    fprintf(f, "\nCPU time in %% of one pCPU (idle: of all pCPUs), within %.0f points of the recorded mean%s%s\n",
            REPLAY_TRACE_POINTS, c->expected_from ? " in " : "", c->expected_from ? c->expected_from : "");
    fprintf(f, "%-12s %10s %10s %10s %11s\n", "domain", "mean", "in trace", "simulated", "difference");
    for (size_t i = 0; i < c->nr; i++) {
        const struct trace_domain *d = &c->domain[i];
        bool ok = is_within(d);
        failed += !ok;
        fprintf(f, "%-12s %10.1f %10.1f %10.1f %+11.1f  %s\n", d->name, d->expected, d->pct[SIDE_RECORDED],
                d->pct[SIDE_SIMULATED], d->pct[SIDE_SIMULATED] - d->expected, ok ? "pass" : "FAIL");
    }
    return failed;
}

static const char *name_of(const struct trace_comparison *c, unsigned id)
{
    for (size_t i = 0; i < c->nr; i++)
        if (c->domain[i].id == id)
            return c->domain[i].name;
    return "";
}

/* Running, waiting and blocked, vCPU by vCPU: where a difference comes from. */
static void print_vcpus(const struct trace_comparison *c, FILE *f)
{
    fputs("\nby vCPU, % of the time         recorded                              simulated\n"
          "vCPU                 running waiting blocked  moves/s     running waiting blocked  moves/s\n",
          f);
    const struct trace_stats *sim = &c->stats[SIDE_SIMULATED];
    for (size_t i = 0; i < sim->nr; i++) {
        const struct trace_vcpu *v[SIDES] = {
            trace_stats_find(&c->stats[SIDE_RECORDED], sim->vcpu[i].dom, sim->vcpu[i].id), &sim->vcpu[i]};
        char name[96];
        snprintf(name, sizeof(name), "%s v%u", name_of(c, v[SIDE_SIMULATED]->dom), v[SIDE_SIMULATED]->id);
        fprintf(f, "%-18s", name);
        for (int side = 0; side < SIDES; side++) {
            double elapsed = (double)c->stats[side].elapsed;
            if (!v[side])
                fprintf(f, "%s %9s %7s %7s %8s", side ? "   " : "", "-", "-", "-", "-");
            else
                fprintf(f, "%s %9.1f %7.1f %7.1f %8.1f", side ? "   " : "", 100 * (double)v[side]->time[0] / elapsed,
                        100 * (double)v[side]->time[1] / elapsed, 100 * (double)v[side]->time[2] / elapsed,
                        (double)v[side]->migrations / c->seconds[side]);
        }
        fputc('\n', f);
    }
}

static void print_bar(FILE *f, const struct trace_histogram *h, unsigned bin)
{
    double part = h->total ? (double)h->count[bin] / (double)h->total : 0;
    int n = (int)(part * BAR_WIDTH + 0.5);
    if (h->count[bin])
        fprintf(f, " %6.1f %%  %-*.*s", 100 * part, BAR_WIDTH, n ? n : 1, "##############################");
    else
        fprintf(f, " %8s  %-*s", "", BAR_WIDTH, "");
}

static void print_edge(FILE *f, unsigned bin)
{
    uint64_t ns = trace_bin_edge(bin);
    if (bin == 0)
        fputs("    below 1 us ", f);
    else if (ns < 1000000)
        fprintf(f, "  from %4lu us ", (unsigned long)(ns / 1000));
    else
        fprintf(f, "  from %4lu ms ", (unsigned long)(ns / 1000000));
}

static void print_distribution(const struct trace_comparison *c, const struct trace_domain *d, enum trace_quantity q,
                               FILE *f)
{
    struct trace_histogram h[SIDES];
    unsigned first = TRACE_BINS, last = 0;
    for (int side = 0; side < SIDES; side++) {
        trace_histogram_fill(&h[side], &d->sample[side][q], c->hz[side]);
        for (unsigned b = 0; b < TRACE_BINS; b++)
            if (h[side].count[b]) {
                first = b < first ? b : first;
                last = b > last ? b : last;
            }
    }
    if (first == TRACE_BINS)
        return;
    fprintf(f, "\n%s, %s: recorded %lu (%.1f/s), simulated %lu (%.1f/s)", d->name, trace_quantity_titles[q],
            (unsigned long)h[SIDE_RECORDED].total, (double)h[SIDE_RECORDED].total / c->seconds[SIDE_RECORDED],
            (unsigned long)h[SIDE_SIMULATED].total, (double)h[SIDE_SIMULATED].total / c->seconds[SIDE_SIMULATED]);
    double distance = trace_samples_distance(&d->sample[SIDE_RECORDED][q], c->hz[SIDE_RECORDED],
                                             &d->sample[SIDE_SIMULATED][q], c->hz[SIDE_SIMULATED]);
    fprintf(f, isnan(distance) ? "\n" : "; distance of the distribution functions %.2f\n", distance);
    for (int side = 0; side < SIDES; side++) {
        fprintf(f, "  %-10s ms:", side == SIDE_RECORDED ? "recorded" : "simulated");
        for (unsigned k = 0; k < NR_QUANTILES; k++)
            fprintf(f, "  %s %.3f", quantiles[k].name, quantile_ms(c, d, (enum trace_side)side, q, quantiles[k].num));
        fputc('\n', f);
    }
    for (unsigned b = first; b <= last; b++) {
        print_edge(f, b);
        print_bar(f, &h[SIDE_RECORDED], b);
        fputs("|", f);
        print_bar(f, &h[SIDE_SIMULATED], b);
        fputc('\n', f);
    }
}

unsigned replay_trace_print(const struct trace_comparison *c, FILE *f)
{
    unsigned failed = print_shares(c, f);
    print_vcpus(c, f);
    fputs("\nDistributions: recorded on the left, simulated on the right\n", f);
    for (size_t i = 0; i < c->nr; i++)
        if (c->domain[i].id != TRACE_IDLE_DOMAIN)
            for (int q = 0; q < QUANTITIES; q++)
                print_distribution(c, &c->domain[i], (enum trace_quantity)q, f);
    fputc('\n', f);
    return failed;
}

int replay_trace_csv(const struct trace_comparison *c, const char *path, struct fault *f)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return fault_set(f, EXIT_HOST_FAILED, "%s: %m", path);
    fputs("domain,name,measure,unit,recorded_mean,recorded,simulated,difference,tolerance,result\n", out);
    for (size_t i = 0; i < c->nr; i++) {
        const struct trace_domain *d = &c->domain[i];
        fprintf(out, "%u,", d->id);
        csv_write_field(out, d->name);
        fprintf(out, ",share,%% of one pCPU,%.2f,%.2f,%.2f,%.2f,%.1f,%s\n", d->expected, d->pct[SIDE_RECORDED],
                d->pct[SIDE_SIMULATED], d->pct[SIDE_SIMULATED] - d->expected, REPLAY_TRACE_POINTS,
                is_within(d) ? "pass" : "FAIL");
        for (int q = 0; q < QUANTITIES && d->id != TRACE_IDLE_DOMAIN; q++) {
            const struct trace_samples *rec = &d->sample[SIDE_RECORDED][q], *sim = &d->sample[SIDE_SIMULATED][q];
            if (!rec->nr || !sim->nr)
                continue;
            for (unsigned k = 0; k < NR_QUANTILES; k++) {
                double r = quantile_ms(c, d, SIDE_RECORDED, (enum trace_quantity)q, quantiles[k].num),
                       s = quantile_ms(c, d, SIDE_SIMULATED, (enum trace_quantity)q, quantiles[k].num);
                fprintf(out, "%u,", d->id);
                csv_write_field(out, d->name);
                fprintf(out, ",%s_%s,ms,,%.4f,%.4f,%.4f,,\n", trace_quantity_names[q], quantiles[k].name, r, s, s - r);
            }
        }
    }
    if (fflush(out) || ferror(out))
        fault_set(f, EXIT_HOST_FAILED, "%s: %m", path);
    if (fclose(out))
        fault_set(f, EXIT_HOST_FAILED, "%s: %m", path);
    return f->code;
}
