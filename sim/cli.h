/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: one table of subcommands, each with its options as argp knows them. */
#ifndef SIM_CLI_H
#define SIM_CLI_H

#include "backend.h"
#include "fault.h"
#include <argp.h>
#include <signal.h>

struct cli {
    const struct run_backend *backend;
    int argc; /* the whole command line */
    char **argv;
};

/* A subcommand. argv[0]: "hvsim NAME". */
typedef int cli_function(const struct cli *cli, int argc, char **argv);

struct cli_command {
    const char *name, *args, *text;
    const struct argp_option *options;
    /* Words that an argument can be, NULL-terminated, for the completion of shells; NULL: files. */
    const char *const *words;
    cli_function *run;
    const char *more; /* what --help says after the options, NULL: nothing */
};

extern const char cli_replay_more[], cli_check_more[], cli_report_more[], cli_measure_more[], cli_topo_more[];

/* NULL-name terminated. */
extern const struct cli_command cli_commands[];

/* The whole program. An enum hvsim_exit. */
int cli_main(const struct run_backend *backend, int argc, char **argv);

/* ---- for the subcommands --------------------------------------------------------------------------------------- */

/* One line on stderr, "hvsim COMMAND: ..."; returns code. */
int cli_fail(int code, const char *command, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int cli_fault(const struct fault *f, const char *command);

/*
 * Parse the arguments of the subcommand that is run, with argp, after a look at the options of our own: unknown ones
 * are reported with the nearest name, missing values in one line. EXIT_DONE, or EXIT_BAD_INPUT after a message. --help
 * and --version end the program.
 */
int cli_parse(cli_function *run, argp_parser_t parser, int argc, char **argv, void *input);
/* For parsers: report and remember that the command line is bad. */
error_t cli_bad(struct argp_state *state, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* --hv-cost: the override that stands for it, into out. 0, or the error of argp, reported. */
error_t cli_hv_cost(struct argp_state *state, const char *arg, char *out, size_t n);
/* One of the names? 0, or EINVAL after "WHAT 'ARG'; did you mean ...", with the hint where none of them is near. */
error_t cli_word(struct argp_state *state, const char *what, const char *arg, const char *const *names,
                 const char *hint);
/* A whole number in [min, max]; false after a message. */
bool cli_number(struct argp_state *state, const char *option, const char *text, uint64_t min, uint64_t max,
                uint64_t *out);

/* A growing NULL-terminated list of strings that somebody else owns. */
struct cli_list {
    size_t nr;
    const char **item;
};
bool cli_list_add(struct cli_list *l, const char *item);
void cli_list_free(struct cli_list *l);
/* --set KEY=VALUE: one more of them. 0, or the error of argp, reported. */
error_t cli_set(struct argp_state *state, const char *arg, struct cli_list *l);

/* The nearest of the names, NULL if none is near. */
const char *cli_nearest(const char *word, const char *const *names);

/* Set by SIGINT, SIGTERM and SIGHUP after cli_catch_signals. */
extern volatile sig_atomic_t cli_interrupted;
void cli_catch_signals(void);

/* ---- the subcommands ------------------------------------------------------------------------------------------- */

extern const struct argp_option cli_run_options[], cli_sweep_options[], cli_list_options[], cli_report_options[],
    cli_calibrate_options[], cli_replay_options[], cli_check_options[], cli_measure_options[], cli_topo_options[],
    cli_completion_options[];
extern const char *const cli_list_words[],
    *const cli_report_words[], *const cli_replay_words[], *const cli_measure_words[], *const cli_topo_words[],
                                                                                          *const cli_completion_words[];
cli_function cli_run, cli_sweep, cli_calibrate, cli_list, cli_report, cli_replay, cli_check, cli_measure, cli_topo,
    cli_completion;

#endif
