/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "locality.h"

#include "csv.h"
#include "json.h"
#include "report_file.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static struct locality_vm *find_vm(struct locality *l, const char *name, struct fault *f)
{
    for (unsigned i = 0; i < l->nr_vms; i++)
        if (strcmp(l->vm[i].name, name) == 0)
            return &l->vm[i];
    struct locality_vm *grown = realloc(l->vm, (l->nr_vms + 1) * sizeof(*grown));
    if (!grown) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    l->vm = grown;
    struct locality_vm *v = &l->vm[l->nr_vms++];
    *v = (struct locality_vm){.experienced = NAN};
    snprintf(v->name, sizeof(v->name), "%s", name);
    return v;
}

static void take_row(struct locality *l, const struct csv *c, size_t row, const int *column, struct fault *f)
{
    static const char *const sizes[] = {"vm.pages", "vm.pages_2m", "vm.pages_1g"};
    const char *name = csv_cell(c, row, column[0]), *vm = csv_cell(c, row, column[1]);
    double value = strtod(csv_cell(c, row, column[3]), NULL);
    bool expected = strcmp(name, "vm.expected_local_fraction") == 0,
         experienced = strcmp(name, "vm.local_access_fraction") == 0;
    struct locality_vm *v;

    for (unsigned s = 0; s < LOCALITY_SIZES; s++) {
        if (strcmp(name, sizes[s]) != 0)
            continue;
        unsigned node = (unsigned)atoi(csv_cell(c, row, column[2])) % MACHINE_MAX_NODES;
        if (!(v = find_vm(l, vm, f)))
            return;
        if (node >= l->nr_nodes)
            l->nr_nodes = node + 1;
        v->pages[node][s] = value;
    }
    if (!expected && !experienced)
        return;
    if (!(v = find_vm(l, vm, f)))
        return;
    if (expected)
        v->expected = value;
    else if (experienced)
        v->experienced = value;
}

struct locality *locality_load(const char *run_dir, struct fault *f)
{
    static const char *const names[] = {"name", "vm", "node", "value"};
    char path[PATH_MAX];
    int column[4];
    struct csv c = {0};
    struct locality *l = calloc(1, sizeof(*l));

    if (!l) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/metrics.csv", run_dir);
    csv_read(path, &c, f);
    for (unsigned i = 0; i < 4 && f->code == EXIT_DONE; i++)
        if ((column[i] = csv_column(&c, names[i])) < 0)
            fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: no column '%s': this is no metrics.csv of a run", path,
                      c.header_line, names[i]);
    for (size_t row = 0; f->code == EXIT_DONE && row < c.nr_rows; row++)
        take_row(l, &c, row, column, f);
    if (f->code == EXIT_DONE && (!l->nr_vms || !l->nr_nodes))
        fault_set(f, EXIT_BAD_INPUT, "%s: no VM of this run has pages", path);
    csv_free(&c);
    /* What is in larger pieces was counted among all. */
    for (unsigned i = 0; i < l->nr_vms; i++)
        for (unsigned n = 0; n < l->nr_nodes; n++)
            l->vm[i].pages[n][LOCALITY_4K] -= l->vm[i].pages[n][LOCALITY_2M] + l->vm[i].pages[n][LOCALITY_1G];
    if (f->code != EXIT_DONE) {
        locality_free(l);
        return NULL;
    }
    return l;
}

void locality_free(struct locality *l)
{
    if (l)
        free(l->vm);
    free(l);
}

static double on_node(const struct locality_vm *v, unsigned n)
{
    return v->pages[n][LOCALITY_4K] + v->pages[n][LOCALITY_2M] + v->pages[n][LOCALITY_1G];
}

static double of_size(const struct locality *l, const struct locality_vm *v, unsigned s)
{
    double sum = 0;
    for (unsigned n = 0; n < l->nr_nodes; n++)
        sum += v->pages[n][s];
    return sum;
}

static double all_of(const struct locality *l, const struct locality_vm *v)
{
    return of_size(l, v, LOCALITY_4K) + of_size(l, v, LOCALITY_2M) + of_size(l, v, LOCALITY_1G);
}

/* ---- for people ---------------------------------------------------------------------------------------------------
 */

static void print_percent(FILE *out, double fraction)
{
    if (isnan(fraction))
        fprintf(out, "  %8s", "-");
    else
        fprintf(out, "  %6.1f %%", 100 * fraction);
}

void locality_print(const struct locality *l, FILE *out)
{
    static const char *const shade[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};

    fputs("Share of each VM's pages on each node (blank: none), and how much of it is local\n\n", out);
    fprintf(out, "%-24s ", "node");
    for (unsigned n = 0; n < l->nr_nodes; n++)
        fprintf(out, " %2u ", n);
    fprintf(out, " %10s %7s %7s %7s  %8s  %8s\n", "MiB", "4K", "2M", "1G", "expected", "accesses");
    for (unsigned i = 0; i < l->nr_vms; i++) {
        const struct locality_vm *v = &l->vm[i];
        double all = all_of(l, v);
        fprintf(out, "%-24s ", v->name);
        for (unsigned n = 0; n < l->nr_nodes; n++) {
            double part = all > 0 ? on_node(v, n) / all : 0;
            const char *s = shade[part <= 0 ? 0 : part < 0.25 ? 1 : part < 0.5 ? 2 : part < 0.75 ? 3 : 4];
            fprintf(out, " %s%s ", s, s);
        }
        fprintf(out, " %10.0f", all / 256);
        for (unsigned s = 0; s < LOCALITY_SIZES; s++)
            fprintf(out, " %5.1f %%", all > 0 ? 100 * of_size(l, v, s) / all : 0);
        print_percent(out, v->expected);
        print_percent(out, v->experienced);
        fputc('\n', out);
    }
    fputs("\n\u2591 below 25 %, \u2592 below 50, \u2593 below 75, \u2588 the rest. 4K, 2M, 1G: sizes of the mappings. "
          "expected: if every vCPU "
          "ran on the\npCPUs that it prefers alike; accesses: as measured.\n",
          out);
}

void locality_print_json(const struct locality *l, FILE *out)
{
    fprintf(out, "{\"nodes\": %u, \"vms\": [", l->nr_nodes);
    for (unsigned i = 0; i < l->nr_vms; i++) {
        const struct locality_vm *v = &l->vm[i];
        fprintf(out, "%s\n  {\"vm\": ", i ? "," : "");
        json_write_string(out, v->name);
        fputs(", \"expected_local\": ", out);
        json_write_double(out, v->expected);
        fputs(", \"experienced_local\": ", out);
        json_write_double(out, v->experienced);
        static const char *const names[] = {"pages_4k", "pages_2m", "pages_1g"};
        for (unsigned s = 0; s < LOCALITY_SIZES; s++) {
            fprintf(out, ", \"%s\": [", names[s]);
            for (unsigned n = 0; n < l->nr_nodes; n++)
                fprintf(out, "%s%.0f", n ? ", " : "", v->pages[n][s]);
            fputc(']', out);
        }
        fputc('}', out);
    }
    fputs("\n]}\n", out);
}

/* ---- files --------------------------------------------------------------------------------------------------------
 */

static void write_table(const struct locality *l, FILE *f)
{
    char buf[DOUBLE_TEXT_MAX];

    fputs("vm,node,pages_4k,pages_2m,pages_1g,expected_local,experienced_local\n", f);
    for (unsigned i = 0; i < l->nr_vms; i++)
        for (unsigned n = 0; n < l->nr_nodes; n++) {
            const struct locality_vm *v = &l->vm[i];
            csv_write_field(f, v->name);
            fprintf(f, ",%u,%.0f,%.0f,%.0f,%s,", n, v->pages[n][0], v->pages[n][1], v->pages[n][2],
                    double_text(buf, v->expected));
            fprintf(f, "%s\n", isnan(v->experienced) ? "" : double_text(buf, v->experienced));
        }
}

/* A line a VM: number, name, both fractions, then the share of its pages on each node, in %. */
static void write_data(const struct locality *l, FILE *f)
{
    fprintf(f, "# vm name expected experienced, then the share on each of %u nodes; %%\n", l->nr_nodes);
    for (unsigned i = 0; i < l->nr_vms; i++) {
        const struct locality_vm *v = &l->vm[i];
        double all = all_of(l, v);
        fprintf(f, "%u \"%s\" %.6g ", i, v->name, 100 * v->expected);
        fprintf(f, isnan(v->experienced) ? "NaN" : "%.6g", 100 * v->experienced);
        for (unsigned n = 0; n < l->nr_nodes; n++)
            fprintf(f, " %.6g", all > 0 ? 100 * on_node(v, n) / all : 0);
        fputc('\n', f);
    }
}

int locality_write(const struct locality *l, const char *dir, const char *templates, bool plots, struct fault *f)
{
    static const struct {
        const char *name;
        void (*write)(const struct locality *, FILE *);
    } files[] = {{"locality.csv", write_table}, {"locality.dat", write_data}};

    if (report_make_dir(dir, f) != EXIT_DONE)
        return f->code;
    for (unsigned i = 0; i < 2 && f->code == EXIT_DONE; i++) {
        struct report_file o;
        if (report_open(&o, dir, files[i].name, f) == EXIT_DONE) {
            files[i].write(l, o.f);
            report_close(&o, f);
        }
    }
    if (f->code == EXIT_DONE && plots)
        report_run_script(templates, "locality.gp", dir, f);
    return f->code;
}
