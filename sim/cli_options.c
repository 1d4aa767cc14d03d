/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What argp leaves open: one clear line for each mistake, with the nearest name. */
#include "cli.h"

#include <config.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

volatile sig_atomic_t cli_interrupted;

/* Options that argp has by itself. */
static const char *const built_in[] = {"help", "usage", "version"};
enum { NR_BUILT_IN = sizeof(built_in) / sizeof(built_in[0]), MAX_OPTIONS = 64 };

int cli_fail(int code, const char *command, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fflush(stdout);
    fprintf(stderr, "%s: ", command);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return code;
}

int cli_fault(const struct fault *f, const char *command)
{
    return f->code == EXIT_DONE ? EXIT_DONE : cli_fail(f->code, command, "%s", f->text);
}

error_t cli_bad(struct argp_state *state, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s: ", state->name);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return EINVAL;
}

error_t cli_word(struct argp_state *state, const char *what, const char *arg, const char *const *names,
                 const char *hint)
{
    for (const char *const *n = names; *n; n++)
        if (!strcmp(arg, *n))
            return 0;
    const char *near = cli_nearest(arg, names);
    return near ? cli_bad(state, "%s '%s'; did you mean '%s'?", what, arg, near)
                : cli_bad(state, "%s '%s'; %s", what, arg, hint);
}

error_t cli_hv_cost(struct argp_state *state, const char *arg, char *out, size_t n)
{
    static const char *const modes[] = {"none", "fixed", "path", NULL};
    for (const char *const *m = modes; *m; m++)
        if (!strcmp(arg, *m)) {
            snprintf(out, n, "hv_cost=\"%s\"", arg);
            return 0;
        }
    const char *near = cli_nearest(arg, modes);
    return cli_bad(state, "--hv-cost %s: expected none, fixed or path%s%s%s", arg, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

bool cli_number(struct argp_state *state, const char *option, const char *text, uint64_t min, uint64_t max,
                uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (errno || end == text || *end || strchr(text, '-') || v < min || v > max) {
        cli_bad(state, "%s %s: expected a whole number from %llu to %llu", option, text, (unsigned long long)min,
                (unsigned long long)max);
        return false;
    }
    *out = v;
    return true;
}

bool cli_list_add(struct cli_list *l, const char *item)
{
    const char **more = realloc(l->item, (l->nr + 2) * sizeof(char *));
    if (!more)
        return false;
    l->item = more;
    l->item[l->nr++] = item;
    l->item[l->nr] = NULL;
    return true;
}

void cli_list_free(struct cli_list *l)
{
    free(l->item);
    memset(l, 0, sizeof(*l));
}

error_t cli_set(struct argp_state *state, const char *arg, struct cli_list *l)
{
    if (!strchr(arg, '='))
        return cli_bad(state, "--set %s: expected KEY=VALUE", arg);
    return cli_list_add(l, arg) ? 0 : ENOMEM;
}

const char *cli_nearest(const char *word, const char *const *names)
{
    return cfg_nearest(word, names);
}

static void on_signal(int sig)
{
    cli_interrupted = sig;
}

void cli_catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal}; /* no SA_RESTART: waiting must end */
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    sigaction(SIGHUP, &a, NULL);
}

/* ---- a look at the options before argp -------------------------------------------------------------------------- */

struct match {
    const struct argp_option *option; /* NULL: built in */
    unsigned found;
};

/* Exactly that name, or all that begin with it (getopt takes unambiguous beginnings). */
static struct match find_long(const struct argp_option *options, const char *name, size_t n)
{
    struct match m = {NULL, 0};
    for (const struct argp_option *o = options; o->name || o->key; o++) {
        if (!o->name || strncmp(o->name, name, n) != 0)
            continue;
        m = (struct match){o, m.found + 1};
        if (!o->name[n])
            return (struct match){o, 1};
    }
    for (unsigned i = 0; i < NR_BUILT_IN; i++)
        if (!strncmp(built_in[i], name, n))
            m.found++;
    return m;
}

static int bad_long(const char *command, const struct argp_option *options, const char *name, size_t n, unsigned found)
{
    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)n, name);
    if (found)
        return cli_fail(EXIT_BAD_INPUT, command, "option '--%s' is ambiguous", word);
    const char *names[MAX_OPTIONS] = {NULL};
    size_t k = 0;
    for (; k < NR_BUILT_IN; k++)
        names[k] = built_in[k];
    for (const struct argp_option *o = options; (o->name || o->key) && k + 1 < MAX_OPTIONS; o++)
        if (o->name)
            names[k++] = o->name;
    const char *near = cli_nearest(word, names);
    return cli_fail(EXIT_BAD_INPUT, command, "unknown option '--%s'%s%s%s", word,
                    near ? "; did you mean '--" : "; see --help", near ? near : "", near ? "'?" : "");
}

/* One word of short options ("-qj4"). *takes_next: its last one wants the next word as value. */
static int check_short(const char *command, const struct argp_option *options, const char *word, bool *takes_next)
{
    for (const char *p = word + 1; *p; p++) {
        const struct argp_option *o = options;
        while ((o->name || o->key) && o->key != *p)
            o++;
        bool known = o->name || o->key;
        if (!known && !strchr("?V", *p))
            return cli_fail(EXIT_BAD_INPUT, command, "unknown option '-%c'; see --help", *p);
        if (known && o->arg && !(o->flags & OPTION_ARG_OPTIONAL)) {
            *takes_next = !p[1];
            return EXIT_DONE;
        }
    }
    return EXIT_DONE;
}

static int check_options(const struct cli_command *c, int argc, char **argv)
{
    static char help[] = "--help";
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!strcmp(word, "--"))
            break;
        if (!strcmp(word, "-h")) {
            argv[i] = help;
            continue;
        }
        bool takes_next = false;
        if (word[0] == '-' && word[1] == '-') {
            size_t n = strcspn(word + 2, "=");
            struct match m = find_long(c->options, word + 2, n);
            if (m.found != 1)
                return bad_long(argv[0], c->options, word + 2, n, m.found);
            bool wants = m.option && m.option->arg;
            if (word[2 + n] && !wants)
                return cli_fail(EXIT_BAD_INPUT, argv[0], "option '%.*s' takes no value", (int)n + 2, word);
            takes_next = wants && !word[2 + n] && !(m.option->flags & OPTION_ARG_OPTIONAL);
        } else if (word[0] == '-' && word[1]) {
            if (check_short(argv[0], c->options, word, &takes_next) != EXIT_DONE)
                return EXIT_BAD_INPUT;
        }
        if (takes_next && ++i == argc)
            return cli_fail(EXIT_BAD_INPUT, argv[0], "option '%s' needs a value", word);
    }
    return EXIT_DONE;
}

int cli_parse(cli_function *run, argp_parser_t parser, int argc, char **argv, void *input)
{
    const struct cli_command *c = cli_commands;
    while (c->run != run)
        c++;
    if (check_options(c, argc, argv) != EXIT_DONE)
        return EXIT_BAD_INPUT;
    /* glibc leaks the help of an empty table. */
    const struct argp_option *options = c->options->name ? c->options : NULL;
    char doc[2048]; /* argp prints what follows \v after the options */
    snprintf(doc, sizeof(doc), "%s%s%s", c->text, c->more ? "\v" : "", c->more ? c->more : "");
    struct argp argp = {.options = options, .parser = parser, .args_doc = c->args, .doc = doc};
    argp_err_exit_status = EXIT_BAD_INPUT;
    return argp_parse(&argp, argc, argv, 0, NULL, input) ? EXIT_BAD_INPUT : EXIT_DONE;
}
