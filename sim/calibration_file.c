/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "calibration_file.h"

#include <config.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

static char *join_rows(cfg_table *t)
{
    const char *const *row = NULL;
    size_t n = 0, room = 0;
    char *text = NULL;
    cfg_strings(t, "rows", true, &row, &n);
    FILE *f = open_memstream(&text, &room);
    if (!f)
        return NULL;
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s%s", i ? ", " : "", row[i]);
    fclose(f);
    return text;
}

static void read_parameter(cfg_table *t, struct calibration_parameter *p)
{
    const char *key = "", *residual = "";
    cfg_string(t, "key", true, &key);
    cfg_string(t, "residual", false, &residual);
    cfg_double(t, "value", true, 0, DBL_MAX, &p->value);
    cfg_double(t, "uncertainty", true, 0, DBL_MAX, &p->uncertainty);
    if (p->uncertainty <= 0 || p->uncertainty > p->value)
        cfg_fail(t, "uncertainty", "expected more than 0 and at most the value, %g", p->value);
    p->key = strdup(key);
    p->residual = strdup(residual);
    p->rows = join_rows(t);
}

int calibration_file_load(const char *path, struct calibration_file *out, struct fault *f)
{
    memset(out, 0, sizeof(*out));
    cfg_doc *doc = cfg_load(path);
    if (!doc)
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    if (!cfg_error(doc)) {
        cfg_table *root = cfg_root(doc);
        const char *program = "", *table = "";
        cfg_string(root, "program", true, &program);
        cfg_string(root, "table", true, &table);
        out->program = strdup(program);
        out->table = strdup(table);
        size_t n = cfg_array_len(root, "parameter");
        if (!n)
            cfg_fail(root, NULL, "expected at least one [[parameter]]");
        out->parameter = calloc(n ? n : 1, sizeof(*out->parameter));
        for (; out->parameter && out->nr < n; out->nr++)
            read_parameter(cfg_array_at(root, "parameter", out->nr), &out->parameter[out->nr]);
    }
    if (cfg_error(doc) || !cfg_finish(doc)) {
        fault_set(f, EXIT_BAD_INPUT, "%s", cfg_error(doc));
        calibration_file_free(out);
    }
    cfg_free(doc);
    return f->code;
}

void calibration_file_free(struct calibration_file *c)
{
    for (size_t i = 0; c->parameter && i < c->nr; i++) {
        free(c->parameter[i].key);
        free(c->parameter[i].rows);
        free(c->parameter[i].residual);
    }
    free(c->parameter);
    free(c->program);
    free(c->table);
    memset(c, 0, sizeof(*c));
}
