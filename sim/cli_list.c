/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim list: what there is. */
#include "cli.h"

#include "list.h"
#include <string.h>

const struct argp_option cli_list_options[] = {{0}};
/* The names of list_kinds, for the completion of shells; a test holds them together. */
const char *const cli_list_words[] = {"machines",   "workloads", "scenarios", "costs",        "schedulers",
                                      "levels",     "quirks",    "metrics",   "machine-keys", "scenario-keys",
                                      "sweep-keys", "xl-keys",   NULL};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const struct list_kind **kind = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*kind)
            return cli_bad(state, "unexpected argument '%s': one list at a time", arg);
        for (const struct list_kind *k = list_kinds; k->name; k++)
            if (!strcmp(k->name, arg))
                *kind = k;
        if (!*kind) {
            const char *near = cli_nearest(arg, cli_list_words);
            return cli_bad(state, "no list '%s'%s%s%s", arg, near ? "; did you mean '" : "; see hvsim list",
                           near ? near : "", near ? "'?" : "");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_list(const struct cli *cli, int argc, char **argv)
{
    (void)cli;
    const struct list_kind *kind = NULL;
    struct fault f = {0};
    const struct cli_command *c = cli_commands;
    while (c->run != cli_list)
        c++;
    if (cli_parse(c, parse, argc, argv, &kind) != EXIT_DONE)
        return EXIT_BAD_INPUT;
    if (kind) {
        kind->print(stdout, &f);
        return cli_fault(&f, argv[0]);
    }
    for (const struct list_kind *k = list_kinds; k->name; k++)
        printf("hvsim list %-14s %s\n", k->name, k->text);
    return EXIT_DONE;
}
