/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim measure: measuring tools on a modelled machine (sim/measure/measure.h). */
#include "cli.h"

#include "machine_open.h"
#include "measure/measure_print.h"
#include <config.h>
#include <errno.h>
#include <math.h>
#include <string.h>

enum {
    OPT_JSON = 256,
    OPT_SET,
    OPT_WRITES,
    OPT_THREADS,
    OPT_CPUS,
    OPT_MEMBIND,
    OPT_INTERLEAVE,
    OPT_STORES,
    OPT_CPU,
    OPT_NODE,
    OPT_PAGE,
    OPT_HOST_PAGE,
    OPT_SIZES
};

const struct argp_option cli_measure_options[] = {
    {"json", OPT_JSON, NULL, 0, "Print the result as JSON", 0},
    {"set", OPT_SET, "KEY=VALUE", 0, "Override a key of the machine. May be repeated", 0},
    {"reads-to-writes", OPT_WRITES, "R:W", 0, "bandwidth-matrix, loaded-latency: what loaders do (default 1:0)", 0},
    {"threads", OPT_THREADS, "N", 0, "stream: how many (default: one a core, or as many as --cpus has)", 0},
    {"cpus", OPT_CPUS, "LIST", 0, "stream: on these pCPUs, as \"0-3,8\" (default: one a core, then the others)", 0},
    {"membind", OPT_MEMBIND, "NODE", 0, "stream: memory on this node (default: each thread's own)", 0},
    {"interleave", OPT_INTERLEAVE, "NODES", 0, "stream: pages in turn on these nodes", 0},
    {"stores", OPT_STORES, "rfo|streaming", 0,
     "stream: lines that are written are read first, or not (default: rfo on x86-64, streaming on ARM)", 0},
    {"cpu", OPT_CPU, "N", 0, "chase: on this pCPU (default 0)", 0},
    {"node", OPT_NODE, "N", 0, "chase: memory on this node (default: the pCPU's own)", 0},
    {"page", OPT_PAGE, "4K|2M|1G", 0, "chase: size of its pages (default 4K)", 0},
    {"nested", OPT_HOST_PAGE, "4K|2M|1G", 0, "chase: in a guest whose memory the hypervisor maps by such pages", 0},
    {"sizes", OPT_SIZES, "LIST", 0, "chase: working sets, as \"32K,1M,1G\" (default: 1K, 2K, 4K ... 1G)", 0},
    {0},
};
static const char *const page_words[] = {"4K", "2M", "1G", NULL};
static const char *const stores_words[] = {"rfo", "streaming", NULL};
const char *const cli_measure_words[] = {
    "latency-matrix", "bandwidth-matrix", "loaded-latency", "stream", "chase", NULL};
const char cli_measure_more[] = "MACHINE is a name (`hvsim list machines`) or a file, TOOL one of\n"
                                "  latency-matrix    idle latency from every node to every node's memory\n"
                                "  bandwidth-matrix  reads from node to node by all cores, peaks by reads and writes\n"
                                "  loaded-latency    latency of a chain while all other cores load their own node\n"
                                "  stream            copy, scale, add, triad\n"
                                "  chase             latency of dependent loads against the size of the working set";

struct measure_args {
    const char *machine;
    const struct measure_tool *tool;
    struct measure_options opt;
    struct cli_list set;
};

static error_t word_of(struct argp_state *state, const char *option, const char *arg, const char *const *words,
                       unsigned *out)
{
    for (unsigned i = 0; words[i]; i++)
        if (!strcmp(arg, words[i])) {
            *out = i;
            return 0;
        }
    const char *near = cli_nearest(arg, words);
    return cli_bad(state, "%s %s: no such thing%s%s%s", option, arg, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

static error_t read_mix(struct measure_args *a, const char *arg, struct argp_state *state)
{
    unsigned reads, writes;
    char end;
    if (sscanf(arg, "%u:%u%c", &reads, &writes, &end) != 2 || !reads || reads > 1000 || writes > 1000)
        return cli_bad(state, "--reads-to-writes %s: expected two numbers as 2:1, the first above 0", arg);
    a->opt.writes = (double)writes / reads;
    return 0;
}

static error_t read_sizes(struct measure_args *a, const char *arg, struct argp_state *state)
{
    for (const char *at = arg;;) {
        unsigned long long n = 0;
        int used = 0;
        if (*at < '0' || *at > '9' || sscanf(at, "%llu%n", &n, &used) != 1)
            break;
        at += used;
        const char *unit = *at ? strchr("KMGT", *at) : NULL;
        unsigned shift = unit ? 10 * (unsigned)(unit - "KMGT" + 1) : 0;
        at += unit != NULL;
        if (n < 1 || n > (UINT64_C(1) << 50) >> shift || n << shift < 64 || a->opt.nr_sizes == MEASURE_MAX_SIZES)
            break;
        a->opt.size[a->opt.nr_sizes++] = n << shift;
        if (!*at)
            return 0;
        if (*at++ != ',')
            break;
    }
    return cli_bad(state, "--sizes %s: expected up to %d sizes from 64 bytes on, as \"32K,1M,1G\"", arg,
                   MEASURE_MAX_SIZES);
}

static error_t take_argument(struct measure_args *a, const char *arg, struct argp_state *state)
{
    if (!a->machine) {
        a->machine = arg;
        return 0;
    }
    if (a->tool)
        return cli_bad(state, "unexpected argument '%s': one tool at a time", arg);
    for (const struct measure_tool *t = measure_tools; t->name; t++)
        if (!strcmp(arg, t->name)) {
            a->tool = t;
            return 0;
        }
    return cli_word(state, "no tool", arg, cli_measure_words, "see --help");
}

static error_t check_whole(const struct measure_args *a, struct argp_state *state)
{
    if (!a->machine || !a->tool)
        return cli_bad(state, a->machine ? "measure what? See --help" : "no machine given; see --help");
    if (a->opt.membind && a->opt.interleave)
        return cli_bad(state, "--membind and --interleave exclude each other");
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct measure_args *a = state->input;
    uint64_t n;
    unsigned word = 0;
    error_t rc;

    switch (key) {
    case OPT_JSON:
        a->opt.json = true;
        return 0;
    case OPT_SET:
        return cli_list_add(&a->set, arg) ? 0 : ENOMEM;
    case OPT_WRITES:
        return read_mix(a, arg, state);
    case OPT_THREADS:
        if (!cli_number(state, "--threads", arg, 1, MACHINE_MAX_PCPUS, &n))
            return EINVAL;
        a->opt.threads = (unsigned)n;
        return 0;
    case OPT_CPUS:
        a->opt.cpus = arg;
        return 0;
    case OPT_MEMBIND:
        a->opt.membind = arg;
        return 0;
    case OPT_INTERLEAVE:
        a->opt.interleave = arg;
        return 0;
    case OPT_STORES:
        rc = word_of(state, "--stores", arg, stores_words, &word);
        a->opt.stores = word ? MEASURE_STORES_STREAMING : MEASURE_STORES_RFO;
        return rc;
    case OPT_CPU:
        if (!cli_number(state, "--cpu", arg, 0, MACHINE_MAX_PCPUS - 1, &n))
            return EINVAL;
        a->opt.cpu = (unsigned)n;
        return 0;
    case OPT_NODE:
        a->opt.node = arg;
        return cli_number(state, "--node", arg, 0, MACHINE_MAX_NODES - 1, &n) ? 0 : EINVAL;
    case OPT_PAGE:
        rc = word_of(state, "--page", arg, page_words, &word);
        a->opt.page = (enum chase_page)word;
        return rc;
    case OPT_HOST_PAGE:
        rc = word_of(state, "--nested", arg, page_words, &word);
        a->opt.nested = true;
        a->opt.host_page = (enum chase_page)word;
        return rc;
    case OPT_SIZES:
        return read_sizes(a, arg, state);
    case ARGP_KEY_ARG:
        return take_argument(a, arg, state);
    case ARGP_KEY_END:
        return check_whole(a, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_measure(const struct cli *cli, int argc, char **argv)
{
    (void)cli;
    struct measure_args a = {0};
    int exit = cli_parse(cli_measure, parse, argc, argv, &a);
    if (exit == EXIT_DONE) {
        struct fault f = {0};
        struct machine *m = machine_open(a.machine, a.set.item, &f);
        if (m)
            a.tool->run(m, &a.opt, stdout, &f);
        machine_free(m);
        exit = cli_fault(&f, argv[0]);
    }
    cli_list_free(&a.set);
    return exit;
}
