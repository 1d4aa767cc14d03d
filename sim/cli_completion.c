/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim completion: scripts for shells, made from the tables of commands and options. */
#include "cli.h"

#include <string.h>

const struct argp_option cli_completion_options[] = {{0}};
const char *const cli_completion_words[] = {"bash", "zsh", NULL};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **shell = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*shell)
            return cli_bad(state, "unexpected argument '%s': one shell at a time", arg);
        if (strcmp(arg, "bash") != 0 && strcmp(arg, "zsh") != 0)
            return cli_bad(state, "no completion for '%s': bash or zsh", arg);
        *shell = arg;
        return 0;
    case ARGP_KEY_END:
        return *shell ? 0 : cli_bad(state, "which shell? bash or zsh");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_options(const struct cli_command *c)
{
    for (const struct argp_option *o = c->options; o->name || o->key; o++)
        if (o->name)
            printf("--%s%s ", o->name, o->arg ? "=" : "");
    printf("--help --usage --version");
}

static void print_words(const struct cli_command *c)
{
    for (const char *const *w = c->words; w && *w; w++)
        printf("%s%s", w == c->words ? "" : " ", *w);
}

/* The commands, options and words as shell functions that both shells understand. */
static void print_tables(void)
{
    printf("_hvsim_commands='");
    for (const struct cli_command *c = cli_commands; c->name; c++)
        printf("%s%s", c == cli_commands ? "" : " ", c->name);
    printf("'\n_hvsim_options()\n{\n    case $1 in\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        printf("    %s) echo '", c->name);
        print_options(c);
        printf("' ;;\n");
    }
    printf("    *) echo '--help --version' ;;\n    esac\n}\n_hvsim_words()\n{\n    case $1 in\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        if (!c->words)
            continue;
        printf("    %s) echo '", c->name);
        print_words(c);
        printf("' ;;\n");
    }
    printf("    help) echo \"$_hvsim_commands\" ;;\n    esac\n}\n");
}

static const char bash_script[] =
    "_hvsim()\n"
    "{\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-} from\n"
    "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "        from=\"$_hvsim_commands --help --version\"\n"
    "    elif [[ $word == -* ]]; then\n"
    "        from=$(_hvsim_options \"$command\")\n"
    "    else\n"
    "        from=$(_hvsim_words \"$command\")\n"
    "    fi\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r from; do COMPREPLY+=(\"$from\"); done < <(compgen -W \"$from\" -- \"$word\")\n"
    "    case ${COMPREPLY[0]-} in *=) compopt -o nospace 2>/dev/null ;; esac\n"
    "}\n"
    "complete -o default -F _hvsim hvsim\n";

static const char zsh_script[] = "_hvsim()\n"
                                 "{\n"
                                 "    local from\n"
                                 "    if (( CURRENT == 2 )); then\n"
                                 "        from=\"$_hvsim_commands --help --version\"\n"
                                 "    elif [[ $words[CURRENT] == -* ]]; then\n"
                                 "        from=$(_hvsim_options $words[2])\n"
                                 "    else\n"
                                 "        from=$(_hvsim_words $words[2])\n"
                                 "    fi\n"
                                 "    [ -n \"$from\" ] && compadd -- ${(s: :)from} || _files\n"
                                 "}\n"
                                 "compdef _hvsim hvsim\n";

int cli_completion(const struct cli *cli, int argc, char **argv)
{
    (void)cli;
    const char *shell = NULL;
    if (cli_parse(cli_completion, parse, argc, argv, &shell) != EXIT_DONE)
        return EXIT_BAD_INPUT;
    bool zsh = !strcmp(shell, "zsh");
    if (zsh)
        printf("#compdef hvsim\n");
    printf("# Completion of hvsim for %s; made by `hvsim completion %s`.\n", shell, shell);
    print_tables();
    fputs(zsh ? zsh_script : bash_script, stdout);
    return EXIT_DONE;
}
