/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sweep file to list of points. */
#include "sweep.h"

#include "calibration_file.h"
#include "json.h"
#include <config.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct sweep_key sweep_keys[] = {
    {"name", "string", "name of the sweep; runs of a name are one sweep in the database", true},
    {"description", "string", "one sentence", false},
    {"seeds", "number or list of numbers", "N stands for the seeds 1 to N; default 1", false},
    {"grid.scenario", "string", "scenario file, relative to the sweep file", true},
    {"grid.label", "string", "what its runs are called; default the name of the scenario file", false},
    {"grid.set", "table", "key of the scenario = value, list of values, \"A..B\" or \"A..B step S\"", false},
    {"grid.calibration", "string", "calibration file: vary its parameters by their uncertainty, one at a time", false},
    {NULL, NULL, NULL, false},
};

/* One thing that varies: each alternative is an assignment, as TOML and as a member of a JSON object. */
struct dimension {
    size_t nr;
    char **toml, **json;
};

struct grid {
    size_t nr_dims;
    struct dimension *dim;
};

struct loader {
    struct sweep *s;
    cfg_doc *doc;
    struct json *root; /* the document again: with types, and values as written */
    struct fault *f;
    size_t room;
};

static void out_of_memory(struct loader *l)
{
    fault_set(l->f, EXIT_HOST_FAILED, "out of memory");
}

static bool ok(const struct loader *l)
{
    return l->f->code == EXIT_DONE && !cfg_error(l->doc);
}

/* ---- dimensions ------------------------------------------------------------------------------------------------ */

/* value: in a syntax that is both TOML's and JSON's (numbers, booleans, strings with escapes). */
static void add_alternative(struct loader *l, struct dimension *d, const char *key, const char *value)
{
    char **toml = realloc(d->toml, (d->nr + 1) * sizeof(char *));
    if (toml)
        d->toml = toml;
    char **json = realloc(d->json, (d->nr + 1) * sizeof(char *));
    if (json)
        d->json = json;
    if (!toml || !json) {
        out_of_memory(l);
        return;
    }
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    if (f) {
        json_write_string(f, key);
        fprintf(f, ": %s", value);
        fclose(f);
    }
    if (!text || asprintf(&toml[d->nr], "%s=%s", key, value) < 0) {
        free(text);
        out_of_memory(l);
        return;
    }
    json[d->nr++] = text;
}

static void add_range(struct loader *l, struct dimension *d, const char *key, const int64_t *value, size_t n)
{
    for (size_t i = 0; i < n && ok(l); i++) {
        char text[32];
        snprintf(text, sizeof(text), "%" PRId64, value[i]);
        add_alternative(l, d, key, text);
    }
}

static void add_string(struct loader *l, struct dimension *d, cfg_table *set, const char *key, const char *text)
{
    int64_t *value = NULL;
    size_t n = 0;
    const char *why = NULL;
    int range = sweep_range_parse(text, &value, &n, &why);
    if (range < 0) {
        cfg_fail(set, key, "'%s': %s", text, why);
    } else if (range > 0) {
        add_range(l, d, key, value, n);
    } else {
        char *quoted = NULL;
        FILE *f = open_memstream(&quoted, &n);
        if (f) {
            json_write_string(f, text);
            fclose(f);
        }
        if (quoted)
            add_alternative(l, d, key, quoted);
        else
            out_of_memory(l);
        free(quoted);
    }
    free(value);
}

static void add_scalar(struct loader *l, struct dimension *d, cfg_table *set, const char *key, const struct json *v)
{
    char number[DOUBLE_TEXT_MAX];
    switch (v->type) {
    case JSON_NUMBER:
        /* A whole number stays as written (it may have more digits than a double); a fraction is written shortest. */
        add_alternative(l, d, key, strpbrk(v->text, ".eE") ? double_text(number, v->number) : v->text);
        break;
    case JSON_BOOL:
        add_alternative(l, d, key, v->boolean ? "true" : "false");
        break;
    case JSON_STRING:
        add_string(l, d, set, key, v->text);
        break;
    default:
        cfg_fail(set, key, "expected a number, a string, true or false, or a list of them");
    }
}

static struct dimension *add_dimension(struct loader *l, struct grid *g)
{
    struct dimension *more = realloc(g->dim, (g->nr_dims + 1) * sizeof(*more));
    if (!more) {
        out_of_memory(l);
        return NULL;
    }
    g->dim = more;
    g->dim[g->nr_dims] = (struct dimension){0};
    return &g->dim[g->nr_dims++];
}

static void read_set(struct loader *l, cfg_table *set, const struct json *values, struct grid *g)
{
    const char *const *keys = NULL;
    size_t n = cfg_keys(set, &keys);
    for (size_t i = 0; i < n && ok(l); i++) {
        const struct json *v = json_get(values, keys[i]);
        struct dimension *d = add_dimension(l, g);
        if (!d)
            return;
        if (!v || (v->type == JSON_ARRAY && !v->nr) || v->type == JSON_OBJECT)
            cfg_fail(set, keys[i], "expected a value or a list with at least one (keys with a dot need quotes)");
        else if (v->type != JSON_ARRAY)
            add_scalar(l, d, set, keys[i], v);
        else
            for (size_t k = 0; k < v->nr && ok(l); k++)
                add_scalar(l, d, set, keys[i], v->item[k]);
    }
}

static char *relative_path(cfg_table *t, const char *key, const char *value)
{
    const char *file = cfg_file_of(t, key), *slash = file ? strrchr(file, '/') : NULL;
    char *path = NULL;
    if (*value == '/' || !slash)
        return strdup(value);
    return asprintf(&path, "%.*s/%s", (int)(slash - file), file, value) < 0 ? NULL : path;
}

static void read_calibration(struct loader *l, cfg_table *t, const char *file, struct grid *g)
{
    char *path = relative_path(t, "calibration", file);
    struct calibration_file c = {0};
    struct fault why = {0};
    struct dimension *d = path ? add_dimension(l, g) : NULL;
    if (!d)
        out_of_memory(l);
    else if (calibration_file_load(path, &c, &why) != EXIT_DONE)
        cfg_fail(t, "calibration", "calibration: %s", why.text);
    else
        for (size_t i = 0; i < c.nr * 2 && ok(l); i++) {
            const struct calibration_parameter *p = &c.parameter[i / 2];
            char key[256], value[DOUBLE_TEXT_MAX];
            snprintf(key, sizeof(key), "profile.%s.%s", c.program, p->key);
            add_alternative(l, d, key, double_text(value, p->value + (i % 2 ? p->uncertainty : -p->uncertainty)));
        }
    calibration_file_free(&c);
    free(path);
}

static void free_grid(struct grid *g)
{
    for (size_t i = 0; i < g->nr_dims; i++) {
        for (size_t k = 0; k < g->dim[i].nr; k++) {
            free(g->dim[i].toml[k]);
            free(g->dim[i].json[k]);
        }
        free(g->dim[i].toml);
        free(g->dim[i].json);
    }
    free(g->dim);
}

/* ---- points ----------------------------------------------------------------------------------------------------- */

static struct sweep_point *add_point(struct loader *l)
{
    struct sweep *s = l->s;
    if (s->nr_points == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        struct sweep_point *more = realloc(s->point, room * sizeof(*more));
        if (!more)
            return NULL;
        s->point = more;
        l->room = room;
    }
    struct sweep_point *p = &s->point[s->nr_points++];
    memset(p, 0, sizeof(*p));
    return p;
}

/* at: the alternative of each dimension. */
static bool make_point(struct loader *l, const struct grid *g, const size_t *at, const char *scenario, const char *path,
                       const char *label)
{
    struct sweep_point *p = add_point(l);
    if (!p)
        return false;
    p->scenario = strdup(scenario);
    p->path = strdup(path);
    p->label = strdup(label);
    p->param = calloc(g->nr_dims + 1, sizeof(char *));
    size_t n;
    FILE *f = open_memstream(&p->params_json, &n);
    if (!f || !p->param || !p->scenario || !p->path || !p->label) {
        if (f)
            fclose(f);
        return false;
    }
    fputc('{', f);
    for (size_t i = 0; i < g->nr_dims; i++) {
        const struct dimension *d = &g->dim[i];
        fprintf(f, "%s%s", i ? ", " : "", d->json[at[i]]);
        if ((p->param[i] = strdup(d->toml[at[i]])))
            p->nr_params++;
    }
    fputc('}', f);
    return !fclose(f) && p->nr_params == g->nr_dims;
}

/* The product: an odometer whose last wheel turns fastest. */
static void make_points(struct loader *l, cfg_table *t, const struct grid *g, const char *scenario, const char *label)
{
    double total = (double)l->s->nr_points;
    double product = 1;
    for (size_t i = 0; i < g->nr_dims; i++)
        product *= (double)g->dim[i].nr;
    if ((total + product) * (double)l->s->nr_seeds > SWEEP_MAX_RUNS) {
        cfg_fail(t, NULL, "more than %u runs", SWEEP_MAX_RUNS);
        return;
    }
    char *path = relative_path(t, "scenario", scenario);
    size_t *at = calloc(g->nr_dims + 1, sizeof(size_t));
    bool more = true, made = path && at;
    while (made && more) {
        made = make_point(l, g, at, scenario, path, label);
        more = false;
        for (size_t i = g->nr_dims; i-- > 0 && !more;) {
            more = ++at[i] < g->dim[i].nr;
            if (!more)
                at[i] = 0;
        }
    }
    if (!made)
        out_of_memory(l);
    free(at);
    free(path);
}

/* File name without directory and ".toml". */
static char *default_label(const char *scenario)
{
    const char *slash = strrchr(scenario, '/');
    const char *base = slash ? slash + 1 : scenario;
    size_t n = strlen(base);
    if (n > 5 && !strcmp(base + n - 5, ".toml"))
        n -= 5;
    return strndup(base, n);
}

static void read_grid(struct loader *l, cfg_table *t, const struct json *values)
{
    struct grid g = {0};
    const char *scenario = NULL, *label = NULL, *calibration = NULL;
    cfg_string(t, "scenario", true, &scenario);
    cfg_string(t, "label", false, &label);
    cfg_string(t, "calibration", false, &calibration);
    cfg_table *set = cfg_sub(t, "set", false);
    if (ok(l) && set)
        read_set(l, set, json_get(values, "set"), &g);
    if (ok(l) && calibration)
        read_calibration(l, t, calibration, &g);
    char *made = ok(l) && !label ? default_label(scenario) : NULL;
    if (ok(l))
        make_points(l, t, &g, scenario, label ? label : made ? made : "");
    free(made);
    free_grid(&g);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void read_seeds(struct loader *l, cfg_table *root)
{
    struct sweep *s = l->s;
    const struct json *v = json_get(l->root, "seeds");
    const int64_t *list = NULL;
    int64_t count = 1;
    size_t n = 0;
    if (v && v->type == JSON_ARRAY) {
        if (cfg_ints(root, "seeds", false, &list, &n) && !n)
            cfg_fail(root, "seeds", "expected at least one seed");
    } else {
        cfg_int(root, "seeds", false, 1, SWEEP_MAX_RUNS, &count);
        n = (size_t)count;
    }
    s->seed = calloc(n ? n : 1, sizeof(*s->seed));
    if (!s->seed) {
        out_of_memory(l);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (list && list[i] < 0)
            cfg_fail(root, "seeds", "a seed is a whole number from 0 on, found %" PRId64, list[i]);
        s->seed[i] = list ? (uint64_t)list[i] : i + 1;
    }
    s->nr_seeds = n;
}

static void read_sweep(struct loader *l)
{
    struct sweep *s = l->s;
    cfg_table *root = cfg_root(l->doc);
    const char *name = NULL, *description = "";
    cfg_string(root, "name", true, &name);
    cfg_string(root, "description", false, &description);
    read_seeds(l, root);
    size_t n = cfg_array_len(root, "grid");
    const struct json *grids = json_get(l->root, "grid");
    if (ok(l) && (!n || !grids || grids->nr != n))
        cfg_fail(root, NULL, "expected at least one [[grid]]");
    for (size_t i = 0; grids && i < n && ok(l); i++)
        read_grid(l, cfg_array_at(root, "grid", i), grids->item[i]);
    s->name = strdup(name ? name : "");
    s->description = strdup(description);
}

int sweep_load(const char *path, struct sweep *out, struct fault *f)
{
    memset(out, 0, sizeof(*out));
    struct loader l = {.s = out, .f = f};
    l.doc = cfg_load(path);
    out->path = strdup(path);
    if (!l.doc || !out->path) {
        if (l.doc)
            cfg_free(l.doc);
        sweep_free(out);
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    char *text = cfg_error(l.doc) ? NULL : cfg_to_json(l.doc), err[128] = "out of memory";
    if (text)
        l.root = json_parse(text, err, sizeof(err));
    if (l.root)
        read_sweep(&l);
    else if (!cfg_error(l.doc))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, err);
    if (cfg_error(l.doc) || (f->code == EXIT_DONE && !cfg_finish(l.doc)))
        fault_set(f, EXIT_BAD_INPUT, "%s", cfg_error(l.doc));
    json_free(l.root);
    free(text);
    cfg_free(l.doc);
    if (f->code != EXIT_DONE)
        sweep_free(out);
    return f->code;
}

void sweep_free(struct sweep *s)
{
    for (size_t i = 0; i < s->nr_points; i++) {
        struct sweep_point *p = &s->point[i];
        for (size_t k = 0; k < p->nr_params; k++)
            free(p->param[k]);
        free(p->param);
        free(p->params_json);
        free(p->scenario);
        free(p->path);
        free(p->label);
    }
    free(s->point);
    free(s->seed);
    free(s->path);
    free(s->name);
    free(s->description);
    memset(s, 0, sizeof(*s));
}
