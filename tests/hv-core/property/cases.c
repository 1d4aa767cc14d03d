/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations drawn from a seed; a case as a table of C, written and read. */
#include "property.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[OP_NR] = {
#define X(name, often) "OP_" #name,
    PROP_OPS(X)
#undef X
};
static const unsigned op_often[OP_NR] = {
#define X(name, often) often,
    PROP_OPS(X)
#undef X
};

/* ---- drawing ---------------------------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

void prop_generate(struct prop_op *ops, unsigned n, uint64_t seed)
{
    unsigned all = 0;
    for (unsigned k = 0; k < OP_NR; k++)
        all += op_often[k];
    for (unsigned i = 0; i < n; i++) {
        unsigned draw = (unsigned)(next_random(&seed) % all), k = 0;
        for (; draw >= op_often[k]; k++)
            draw -= op_often[k];
        uint64_t r = next_random(&seed);
        ops[i].kind = (enum prop_kind)k;
        ops[i].settle = next_random(&seed) % 3 != 0;
        for (unsigned j = 0; j < 4; j++)
            ops[i].arg[j] = (uint32_t)(r >> 16 * j & 0xffff);
    }
}

/* ---- as text ---------------------------------------------------------------------------------------------------- */

static void print_to(FILE *out, const struct prop_case *k, const struct prop_op *ops, unsigned n, const char *text)
{
    fprintf(out, "/* %s */\n", text);
    fprintf(out,
            "static const struct prop_case repro = {.sched = \"%s\", .level = \"%s\", .machine = %u, .gran = %u, "
            ".options = %u, .fault = %u};\n",
            k->sched, k->level, k->machine, k->gran, k->options, k->fault);
    fprintf(out, "static const struct prop_op repro_ops[] = {\n");
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "    {%s, %u, {%u, %u, %u, %u}},\n", op_names[ops[i].kind], ops[i].settle, ops[i].arg[0],
                ops[i].arg[1], ops[i].arg[2], ops[i].arg[3]);
    fprintf(out, "};\n");
}

void prop_print(const struct prop_case *k, const struct prop_op *ops, unsigned n, const char *text)
{
    print_to(stdout, k, ops, n, text);
    fflush(stdout);
}

bool prop_save(const char *file, const struct prop_case *k, const struct prop_op *ops, unsigned n, const char *text)
{
    FILE *out = fopen(file, "w");
    if (!out) {
        perror(file);
        return false;
    }
    print_to(out, k, ops, n, text);
    return fclose(out) == 0;
}

static bool parse_op(const char *line, struct prop_op *op)
{
    char name[32];
    if (sscanf(line, " {%31[A-Z_], %u, {%u, %u, %u, %u}}", name, &op->settle, &op->arg[0], &op->arg[1], &op->arg[2],
               &op->arg[3]) != 6)
        return false;
    for (unsigned k = 0; k < OP_NR; k++)
        if (strcmp(name, op_names[k]) == 0) {
            op->kind = (enum prop_kind)k;
            return true;
        }
    return false;
}

static bool parse_case(const char *line, struct prop_case *k)
{
    memset(k, 0, sizeof(*k));
    return sscanf(line,
                  "static const struct prop_case repro = {.sched = \"%15[^\"]\", .level = \"%15[^\"]\", .machine = %u, "
                  ".gran = %u, .options = %u, .fault = %u};",
                  k->sched, k->level, &k->machine, &k->gran, &k->options, &k->fault) == 6 &&
           hv_profile_find(k->level) && k->machine < PROP_MACHINES && k->gran < PROP_GRANS && k->fault < FAULT_NR;
}

bool prop_load(const char *file, struct prop_case *k, struct prop_op **ops, unsigned *n)
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
        if (strncmp(line, "static const struct prop_case", 29) == 0) {
            ok = known = parse_case(line, k);
        } else if (line[0] == ' ') {
            if (*n == room) {
                room = room ? 2 * room : 64;
                struct prop_op *more = realloc(*ops, room * sizeof(**ops));
                if (!more)
                    abort();
                *ops = more;
            }
            ok = parse_op(line, &(*ops)[(*n)++]);
        }
    }
    fclose(in);
    if (!ok)
        fprintf(stderr, "%s:%u: not a line of a case\n", file, nr);
    else if (!known)
        fprintf(stderr, "%s: there is no line \"static const struct prop_case repro = ...\"\n", file);
    return ok && known;
}
