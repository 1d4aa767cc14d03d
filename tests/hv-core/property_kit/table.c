/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A case as a table of C, written and read. */
#include "property_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE_LINE "static const struct prop_case repro = {"

static void print_to(const struct prop_kit *kit, FILE *out, const void *k, const struct prop_op *ops, unsigned n,
                     const char *text)
{
    fprintf(out, "/* %s */\n%s", text, CASE_LINE);
    for (unsigned i = 0; i < kit->nr_fields; i++) {
        const struct prop_field *f = &kit->fields[i];
        const char *at = (const char *)k + f->offset;
        uint32_t number;
        fprintf(out, "%s.%s = ", i ? ", " : "", f->name);
        if (f->text) {
            fprintf(out, "\"%s\"", at);
        } else {
            memcpy(&number, at, sizeof(number));
            fprintf(out, "%u", number);
        }
    }
    fprintf(out, "};\nstatic const struct prop_op repro_ops[] = {\n");
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "    {%s, %u, {%u, %u, %u, %u}},\n", kit->kinds[ops[i].kind].name, ops[i].mode, ops[i].arg[0],
                ops[i].arg[1], ops[i].arg[2], ops[i].arg[3]);
    fprintf(out, "};\n");
}

void prop_print(const struct prop_kit *kit, const void *k, const struct prop_op *ops, unsigned n, const char *text)
{
    print_to(kit, stdout, k, ops, n, text);
    fflush(stdout);
}

bool prop_save(const struct prop_kit *kit, const char *file, const void *k, const struct prop_op *ops, unsigned n,
               const char *text)
{
    FILE *out = fopen(file, "w");
    if (!out) {
        perror(file);
        return false;
    }
    print_to(kit, out, k, ops, n, text);
    return fclose(out) == 0;
}

static bool parse_op(const struct prop_kit *kit, const char *line, struct prop_op *op)
{
    char name[32];
    if (sscanf(line, " {%31[A-Z0-9_], %u, {%u, %u, %u, %u}}", name, &op->mode, &op->arg[0], &op->arg[1], &op->arg[2],
               &op->arg[3]) != 6)
        return false;
    for (unsigned k = 0; k < kit->nr_kinds; k++)
        if (strcmp(name, kit->kinds[k].name) == 0) {
            op->kind = k;
            return true;
        }
    return false;
}

/* ".name = value" and what comes after it; false: it is not there. */
static bool parse_field(const struct prop_field *f, const char **line, char *out)
{
    char *end;
    size_t len = strlen(f->name);
    if (**line != '.' || strncmp(*line + 1, f->name, len) != 0 || strncmp(*line + 1 + len, " = ", 3) != 0)
        return false;
    const char *value = *line + len + 4;
    if (!f->text) {
        uint32_t number = (uint32_t)strtoul(value, &end, 10);
        if (end == value)
            return false;
        memcpy(out, &number, sizeof(number));
        *line = end;
        return true;
    }
    const char *close = *value == '"' ? strchr(value + 1, '"') : NULL;
    if (!close || (size_t)(close - value) > f->text)
        return false;
    memcpy(out, value + 1, (size_t)(close - value - 1));
    *line = close + 1;
    return true;
}

static bool parse_case(const struct prop_kit *kit, const char *line, char *k)
{
    memset(k, 0, kit->case_size);
    line += strlen(CASE_LINE);
    for (unsigned i = 0; i < kit->nr_fields; i++) {
        if (i) {
            if (strncmp(line, ", ", 2) != 0)
                return false;
            line += 2;
        }
        if (!parse_field(&kit->fields[i], &line, k + kit->fields[i].offset))
            return false;
    }
    return strncmp(line, "};", 2) == 0 && kit->case_valid(k);
}

bool prop_load(const struct prop_kit *kit, const char *file, void *k, struct prop_op **ops, unsigned *n)
{
    char line[512];
    FILE *in = fopen(file, "r");
    unsigned room = 0, nr = 0;
    bool known = false, ok = true;

    if (!in) {
        perror(file);
        return false;
    }
    *ops = NULL;
    *n = 0;
    for (; ok && fgets(line, sizeof(line), in); nr++) {
        if (strncmp(line, CASE_LINE, strlen(CASE_LINE)) == 0) {
            ok = known = parse_case(kit, line, k);
        } else if (line[0] == ' ') {
            if (*n == room) {
                room = room ? 2 * room : 64;
                struct prop_op *more = realloc(*ops, room * sizeof(**ops));
                if (!more)
                    abort();
                *ops = more;
            }
            ok = parse_op(kit, line, &(*ops)[(*n)++]);
        }
    }
    fclose(in);
    if (!ok)
        fprintf(stderr, "%s:%u: not a line of a case\n", file, nr);
    else if (!known)
        fprintf(stderr, "%s: there is no line \"%s...\"\n", file, CASE_LINE);
    if (!ok || !known) {
        free(*ops);
        *ops = NULL;
    }
    return ok && known;
}
