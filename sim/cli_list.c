/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim list: what there is. */
#include "cli.h"

#include "list.h"
#include <string.h>

const struct argp_option cli_list_options[] = {
    {"level", 'l', "NAME", 0, "Of schedulers and quirks: what this behaviour level has", 0},
    {0},
};
/* The names of list_kinds, for the completion of shells; a test holds them together. */
const char *const cli_list_words[] = {
    "machines", "workloads",    "scenarios",     "costs",      "schedulers", "levels",  "quirks",
    "metrics",  "machine-keys", "scenario-keys", "sweep-keys", "check-keys", "xl-keys", NULL};

struct args {
    const struct list_kind *kind;
    const struct hv_profile *level;
};

enum { MAX_LEVELS = 16 };

static error_t find_level(struct argp_state *state, const char *arg, const struct hv_profile **out)
{
    const char *names[MAX_LEVELS + 1];
    unsigned n = 0;
    for (const struct hv_profile *l = hv_profiles; l->name && n < MAX_LEVELS; l++)
        names[n++] = l->name;
    names[n] = NULL;
    *out = hv_profile_find(arg);
    if (*out)
        return 0;
    return cli_word(state, "no level", arg, names, "see hvsim list levels");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct args *a = state->input;
    switch (key) {
    case 'l':
        return find_level(state, arg, &a->level);
    case ARGP_KEY_ARG:
        if (a->kind)
            return cli_bad(state, "unexpected argument '%s': one list at a time", arg);
        for (const struct list_kind *k = list_kinds; k->name; k++)
            if (!strcmp(k->name, arg))
                a->kind = k;
        return a->kind ? 0 : cli_word(state, "no list", arg, cli_list_words, "see hvsim list");
    case ARGP_KEY_END:
        if (a->level && (!a->kind || !a->kind->print_at))
            return cli_bad(state, "--level goes with schedulers and quirks");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_list(const struct cli *cli, int argc, char **argv)
{
    (void)cli;
    struct args a = {0};
    struct fault f = {0};
    if (cli_parse(cli_list, parse, argc, argv, &a) != EXIT_DONE)
        return EXIT_BAD_INPUT;
    if (a.kind && a.kind->print_at)
        return a.kind->print_at(stdout, a.level);
    if (a.kind) {
        a.kind->print(stdout, &f);
        return cli_fault(&f, argv[0]);
    }
    for (const struct list_kind *k = list_kinds; k->name; k++)
        printf("hvsim list %-14s %s\n", k->name, k->text);
    return EXIT_DONE;
}
