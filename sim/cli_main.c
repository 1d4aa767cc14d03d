/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli.h"

#include "build_info.h"
#include <hv/core.h>
#include <stdlib.h>
#include <string.h>

static const struct argp_option no_options[] = {{0}};
static int cli_help(const struct cli *cli, int argc, char **argv);

const struct cli_command cli_commands[] = {
    {"run", "SCENARIO.toml", "Simulate one scenario", cli_run_options, NULL, cli_run, NULL},
    {"sweep", "SWEEP.toml", "Simulate a grid of scenarios into one SQLite file", cli_sweep_options, NULL, cli_sweep,
     NULL},
    {"report", "REPORT", "Tables and plots of a sweep or a run", cli_report_options, cli_report_words, cli_report,
     cli_report_more},
    {"replay", "KIND FILE", "Simulate what was measured on a real Xen, and compare", cli_replay_options,
     cli_replay_words, cli_replay, cli_replay_more},
    {"check", "SUITE.toml...", "Is everything where a suite of expectations says", cli_check_options, NULL, cli_check,
     cli_check_more},
    {"measure", "MACHINE TOOL", "Run a measuring tool (mlc, STREAM, a pointer chase) on a modelled machine",
     cli_measure_options, cli_measure_words, cli_measure, cli_measure_more},
    {"topo", "import|show|export", "A machine from a real box's files; draw one; hand one to other tools",
     cli_topo_options, cli_topo_words, cli_topo, cli_topo_more},
    {"calibrate", "[PROGRAM...]", "Fit workload profiles to the calibration rows of the density benchmark",
     cli_calibrate_options, NULL, cli_calibrate, NULL},
    {"list", "WHAT", "List machines, workloads, metrics and so on", cli_list_options, cli_list_words, cli_list, NULL},
    {"completion", "SHELL", "Write a completion script for a shell", cli_completion_options, cli_completion_words,
     cli_completion, NULL},
    {"help", "[COMMAND]", "Explain a command", no_options, NULL, cli_help, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

static const char *the_core_build_id;

static void print_version(FILE *f)
{
    struct build_info b = build_info();
    fprintf(f, "hvsim %s\n", b.version);
    fprintf(f, "git: %s%s\n", b.commit, b.dirty ? " with changes" : "");
    fprintf(f, "compiler: %s%s%s\n", b.compiler, *b.type ? ", " : "", b.type);
    fprintf(f, "hv-core: ABI %u, build %s\n", HV_ABI_VERSION, the_core_build_id ? the_core_build_id : "unknown");
}

static void version_hook(FILE *f, struct argp_state *state)
{
    (void)state;
    print_version(f);
}

void (*argp_program_version_hook)(FILE *f, struct argp_state *state) = version_hook;

static void print_help(FILE *f)
{
    fputs("usage: hvsim COMMAND [OPTION...] [ARGUMENT]\n\n"
          "Simulate a Xen-class hypervisor on a modelled NUMA machine.\n\n",
          f);
    for (const struct cli_command *c = cli_commands; c->name; c++)
        fprintf(f, "  %-10s %-14s %s\n", c->name, c->args, c->text);
    fputs("\n`hvsim COMMAND --help` explains a command; `hvsim --version` says what this is.\n"
          "exit: 0 done, 1 a check failed, 2 bad usage or input, 3 the host failed us, 4 the modelled hypervisor "
          "panicked\n",
          f);
}

static const struct cli_command *find_command(const char *name)
{
    for (const struct cli_command *c = cli_commands; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[32] = {NULL};
    size_t n = 0;
    for (const struct cli_command *c = cli_commands; c->name; c++)
        names[n++] = c->name;
    const char *near = cli_nearest(name, names);
    fprintf(stderr, "hvsim: unknown %s '%s'%s%s%s\n", *name == '-' ? "option" : "command", name,
            near ? "; did you mean '" : "; see hvsim --help", near ? near : "", near ? "'?" : "");
    return EXIT_BAD_INPUT;
}

static int run_command(const struct cli *cli, const struct cli_command *c, int argc, char **argv)
{
    char name[64];
    snprintf(name, sizeof(name), "hvsim %s", c->name);
    argv[0] = name;
    return c->run(cli, argc, argv);
}

static int cli_help(const struct cli *cli, int argc, char **argv)
{
    if (argc < 2) {
        print_help(stdout);
        return EXIT_DONE;
    }
    bool itself = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
    const struct cli_command *c = itself ? NULL : find_command(argv[1]);
    if (itself || (c && c->run == cli_help)) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (!c)
        return unknown_command(argv[1]);
    char help[] = "--help";
    char *args[] = {NULL, help, NULL};
    return run_command(cli, c, 2, args);
}

int cli_main(const struct run_backend *backend, int argc, char **argv)
{
    struct cli cli = {backend, argc, argv};
    the_core_build_id = backend->core_build_id;
    if (argc < 2) {
        print_help(stderr);
        return EXIT_BAD_INPUT;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "-?")) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        print_version(stdout);
        return EXIT_DONE;
    }
    const struct cli_command *c = find_command(argv[1]);
    if (!c)
        return unknown_command(argv[1]);
    /* argp takes words out of order and the name apart: leave the command line itself alone, it goes to run.json. */
    char **args = calloc((size_t)argc, sizeof(char *));
    if (!args)
        return cli_fail(EXIT_HOST_FAILED, "hvsim", "out of memory");
    memcpy(args, argv + 1, (size_t)(argc - 1) * sizeof(char *));
    int exit = run_command(&cli, c, argc - 1, args);
    free(args);
    if (fflush(stdout) && exit == EXIT_DONE)
        exit = cli_fail(EXIT_HOST_FAILED, "hvsim", "cannot write to the standard output");
    return exit;
}
