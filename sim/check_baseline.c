/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where every VM's pages were when somebody last looked: SUITE.baseline.toml, beside the suite. */
#include "check.h"

#include "json.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct placed {
    const char *test, *vm;
    double pages[MACHINE_MAX_NODES];
    unsigned nr_nodes;
};

struct check_baseline {
    cfg_doc *doc;
    unsigned nr;
    struct placed *placed;
};

static void baseline_path(const struct check_suite *s, char *path, size_t n)
{
    size_t len = strlen(s->path);
    if (len > 5 && strcmp(s->path + len - 5, ".toml") == 0)
        len -= 5;
    snprintf(path, n, "%.*s.baseline.toml", (int)len, s->path);
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static void read_placed(cfg_table *t, struct placed *p)
{
    const int64_t *pages = NULL;
    size_t n = 0;

    cfg_string(t, "case", true, &p->test);
    cfg_string(t, "vm", true, &p->vm);
    if (!cfg_ints(t, "pages", true, &pages, &n))
        return;
    if (n > MACHINE_MAX_NODES) {
        cfg_fail(t, "pages", "%zu nodes, at most %u are possible", n, MACHINE_MAX_NODES);
        return;
    }
    p->nr_nodes = (unsigned)n;
    for (size_t i = 0; i < n; i++)
        p->pages[i] = (double)pages[i];
}

struct check_baseline *check_baseline_load(const struct check_suite *s, struct fault *f)
{
    char path[PATH_MAX];

    baseline_path(s, path, sizeof(path));
    if (access(path, F_OK))
        return NULL;
    struct check_baseline *b = calloc(1, sizeof(*b));
    if (!b || !(b->doc = cfg_load(path))) {
        free(b);
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    cfg_table *root = cfg_root(b->doc);
    if (!cfg_error(b->doc)) {
        b->nr = (unsigned)cfg_array_len(root, "placed");
        b->placed = calloc(b->nr + 1, sizeof(*b->placed));
    }
    for (unsigned i = 0; b->placed && i < b->nr && !cfg_error(b->doc); i++)
        read_placed(cfg_array_at(root, "placed", i), &b->placed[i]);
    cfg_finish(b->doc);
    if (cfg_error(b->doc)) {
        fault_set(f, EXIT_BAD_INPUT, "%s", cfg_error(b->doc));
        check_baseline_free(b);
        return NULL;
    }
    return b;
}

void check_baseline_free(struct check_baseline *b)
{
    if (!b)
        return;
    cfg_free(b->doc);
    free(b->placed);
    free(b);
}

/* ---- what a run has -----------------------------------------------------------------------------------------------
 */

/* Calls fn for each VM of the run, dom0 left out. */
static void for_each_vm(const struct check_run *r, void (*fn)(void *ctx, const struct placed *p), void *ctx)
{
    const struct metrics *ms = &r->reply.result.metrics;
    struct placed p = {.test = r->c->name};

    for (size_t i = 0; i < ms->nr; i++) {
        const struct metric *m = &ms->m[i];
        if (strcmp(m->def->name, "vm.pages") != 0)
            continue;
        const char *vm = metric_label_value(m, "vm"), *node = metric_label_value(m, "node");
        if (strcmp(vm, "Domain-0") == 0)
            continue;
        if (p.vm && strcmp(p.vm, vm) != 0) {
            fn(ctx, &p);
            p.nr_nodes = 0;
        }
        p.vm = vm;
        unsigned n = (unsigned)atoi(node) % MACHINE_MAX_NODES;
        p.pages[n] = m->value;
        p.nr_nodes = n + 1;
    }
    if (p.vm)
        fn(ctx, &p);
}

struct comparison {
    const struct check_baseline *b;
    const struct check_run *r;
    void (*differs)(void *ctx, const char *text);
    void *ctx;
    unsigned nr;
    bool *seen;
};

static const struct placed *find(const struct check_baseline *b, const char *test, const char *vm)
{
    for (unsigned i = 0; i < b->nr; i++)
        if (strcmp(b->placed[i].test, test) == 0 && strcmp(b->placed[i].vm, vm) == 0)
            return &b->placed[i];
    return NULL;
}

static void compare_one(void *ctx, const struct placed *now)
{
    struct comparison *c = ctx;
    const struct placed *was = find(c->b, now->test, now->vm);
    char text[400];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s:", now->vm);

    if (!was) {
        snprintf(text, sizeof(text), "%s: not in the baseline", now->vm);
        c->differs(c->ctx, text);
        c->nr++;
        return;
    }
    c->seen[was - c->b->placed] = true;
    bool same = was->nr_nodes == now->nr_nodes;
    for (unsigned n = 0; n < now->nr_nodes || n < was->nr_nodes; n++) {
        double x = n < was->nr_nodes ? was->pages[n] : 0, y = n < now->nr_nodes ? now->pages[n] : 0;
        if (x == y)
            continue;
        same = false;
        if (at < sizeof(text))
            at += (size_t)snprintf(text + at, sizeof(text) - at, " node %u %.0f -> %.0f pages (%+.0f)", n, x, y, y - x);
    }
    if (!same) {
        c->differs(c->ctx, text);
        c->nr++;
    }
}

unsigned check_baseline_compare(const struct check_baseline *b, const struct check_run *r,
                                void (*differs)(void *ctx, const char *text), void *ctx)
{
    struct comparison c = {b, r, differs, ctx, 0, calloc(b->nr + 1, sizeof(bool))};

    if (!c.seen)
        return 0;
    for_each_vm(r, compare_one, &c);
    for (unsigned i = 0; i < b->nr; i++)
        if (!c.seen[i] && strcmp(b->placed[i].test, r->c->name) == 0) {
            char text[400];
            snprintf(text, sizeof(text), "%s: in the baseline, but not there", b->placed[i].vm);
            differs(ctx, text);
            c.nr++;
        }
    free(c.seen);
    return c.nr;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static void write_placed(void *ctx, const struct placed *p)
{
    FILE *f = ctx;

    fputs("\n[[placed]]\ncase = ", f);
    json_write_string(f, p->test);
    fputs("\nvm = ", f);
    json_write_string(f, p->vm);
    fputs("\npages = [", f);
    for (unsigned n = 0; n < p->nr_nodes; n++)
        fprintf(f, "%s%.0f", n ? ", " : " ", p->pages[n]);
    fputs(" ]\n", f);
}

int check_baseline_write(const struct check_suite *s, const struct check_baseline *old, const struct check_run *runs,
                         size_t nr, struct fault *f)
{
    char path[PATH_MAX], temp[PATH_MAX + 16];

    baseline_path(s, path, sizeof(path));
    snprintf(temp, sizeof(temp), "%s.new", path);
    FILE *out = fopen(temp, "we");
    if (!out)
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", temp, strerror(errno));
    fprintf(out, "# SPDX-License-Identifier: GPL-2.0-or-later\n"
                 "# Pages of each VM on each node, as hvsim check --update found them.\n");
    for (unsigned i = 0; i < s->nr_cases; i++) {
        const struct check_run *r = NULL;
        for (size_t k = 0; k < nr; k++)
            if (runs[k].c == &s->c[i])
                r = &runs[k];
        if (r)
            for_each_vm(r, write_placed, out);
        for (unsigned k = 0; !r && old && k < old->nr; k++)
            if (strcmp(old->placed[k].test, s->c[i].name) == 0)
                write_placed(out, &old->placed[k]);
    }
    if (fflush(out) || ferror(out) || fsync(fileno(out)))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", temp, strerror(errno));
    if (fclose(out))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", temp, strerror(errno));
    if (f->code == EXIT_DONE && rename(temp, path))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
    if (f->code != EXIT_DONE)
        unlink(temp);
    return f->code;
}
