/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim topo: machines in from other tools' files, drawn, and out again (sim/topo). */
#include "cli.h"

#include "machine_open.h"
#include "topo/import.h"
#include "topo/view.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_FROM = 256, OPT_NAME, OPT_FORCE, OPT_SVG, OPT_XL, OPT_SET };

const struct argp_option cli_topo_options[] = {
    {"from", OPT_FROM, "KIND", 0, "import: hwloc, synthetic, sysfs, acpi or dtb (default: by looking)", 0},
    {"name", OPT_NAME, "NAME", 0, "import: name of the machine (default: that of the source)", 0},
    {"output", 'o', "FILE", 0, "import, export: write to FILE (default: the standard output)", 0},
    {"force", OPT_FORCE, NULL, 0, "Replace FILE if it is there", 0},
    {"svg", OPT_SVG, "FILE", 0, "show: draw it into FILE", 0},
    {"xl", OPT_XL, NULL, 0, "show: as xl info -n tells it, after the hypervisor has booted on it", 0},
    {"set", OPT_SET, "KEY=VALUE", 0, "show, export: override a key of the machine. May be repeated", 0},
    {0},
};
const char *const cli_topo_words[] = {"import", "show", "export", NULL};
const char cli_topo_more[] = "  import SOURCE...  write the machine file of a real box. SOURCE: hwloc's XML\n"
                             "                    (lstopo box.xml), an hwloc synthetic string, ACPI tables\n"
                             "                    (acpidump's text, or SRAT, SLIT, APIC, PPTT, HMAT in\n"
                             "                    binary), a device tree blob, a folder or archive with\n"
                             "                    sys/ and proc/, or of answers to CPUID. What it does\n"
                             "                    not tell is guessed, and marked\n"
                             "  show MACHINE      draw a machine (a name or a file)\n"
                             "  export MACHINE    write it as hwloc's XML";

struct topo_args {
    const char *verb, *name, *output, *svg;
    struct cli_list source, set;
    unsigned kind; /* enum topo_kind_of_source */
    bool force, xl;
};

static error_t take_argument(struct topo_args *a, const char *arg, struct argp_state *state)
{
    if (a->verb)
        return cli_list_add(&a->source, arg) ? 0 : ENOMEM;
    a->verb = arg;
    return cli_word(state, "no such thing as topo", arg, cli_topo_words, "see --help");
}

static error_t read_kind(struct topo_args *a, const char *arg, struct argp_state *state)
{
    for (unsigned i = 1; topo_source_names[i]; i++)
        if (!strcmp(arg, topo_source_names[i])) {
            a->kind = i;
            return 0;
        }
    const char *near = cli_nearest(arg, topo_source_names + 1);
    return cli_bad(state, "--from %s: expected hwloc, synthetic, sysfs, acpi or dtb%s%s%s", arg,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static error_t check_whole(const struct topo_args *a, struct argp_state *state)
{
    if (!a->verb)
        return cli_bad(state, "import, show or export? See --help");
    bool import = !strcmp(a->verb, "import"), show = !strcmp(a->verb, "show");
    if (!a->source.nr)
        return cli_bad(state, import ? "import what? See --help" : "no machine given; see --help");
    if (!import && a->source.nr > 1)
        return cli_bad(state, "unexpected argument '%s': one machine at a time", a->source.item[1]);
    if (!import && (a->kind || a->name))
        return cli_bad(state, "%s goes with import only", a->kind ? "--from" : "--name");
    if (!show && (a->svg || a->xl))
        return cli_bad(state, "%s goes with show only", a->svg ? "--svg" : "--xl");
    if (show && a->output)
        return cli_bad(state, "--output goes with import and export only");
    if (import && a->set.nr)
        return cli_bad(state, "--set goes with show and export only");
    if (import && a->source.nr > 1 && (a->kind == TOPO_SYNTHETIC || a->kind == TOPO_SYSFS))
        return cli_bad(state, "unexpected argument '%s': only ACPI tables may come in several files",
                       a->source.item[1]);
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct topo_args *a = state->input;
    switch (key) {
    case OPT_FROM:
        return read_kind(a, arg, state);
    case OPT_NAME:
        if (!*arg || strlen(arg) > 200)
            return cli_bad(state, "--name: expected up to 200 characters");
        a->name = arg;
        return 0;
    case 'o':
        a->output = arg;
        return 0;
    case OPT_FORCE:
        a->force = true;
        return 0;
    case OPT_SVG:
        a->svg = arg;
        return 0;
    case OPT_XL:
        a->xl = true;
        return 0;
    case OPT_SET:
        return cli_set(state, arg, &a->set);
    case ARGP_KEY_ARG:
        return take_argument(a, arg, state);
    case ARGP_KEY_END:
        return check_whole(a, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- files ---------------------------------------------------------------------------------------------------------
 */

/* To the standard output, or into a file that was not there, or may be replaced. */
static void put_output(const char *path, bool force, const char *text, size_t size, struct fault *f)
{
    FILE *to = stdout;
    if (path && !force && access(path, F_OK) == 0) {
        fault_set(f, EXIT_BAD_INPUT, "%s: is there already; --force replaces it", path);
        return;
    }
    if (path && !(to = fopen(path, "we"))) {
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
        return;
    }
    bool bad = fwrite(text, 1, size, to) != size || fflush(to);
    if (to != stdout)
        bad |= fclose(to) != 0;
    if (bad)
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path ? path : "standard output", strerror(errno));
}

/* What one of the views makes of the machine; nothing is written if it fails. */
static void put_view(const struct machine *m, int (*view)(const struct machine *, FILE *, struct fault *),
                     const char *path, bool force, struct fault *f)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (to)
        view(m, to, f);
    if (!to || fclose(to))
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    if (f->code == EXIT_DONE)
        put_output(path, force, text, size, f);
    free(text);
}

/* A machine's name from that of its source: the last part without endings, in small letters, digits and dashes. */
static void name_of(const char *source, char *name, size_t room)
{
    const char *base = strrchr(source, '/');
    size_t n = 0;
    base = base && base[1] ? base + 1 : source;
    for (const char *c = base; *c && n + 1 < room; c++) {
        if (*c == '.' && n)
            break;
        if (isalnum((unsigned char)*c))
            name[n++] = (char)tolower((unsigned char)*c);
        else if (n && name[n - 1] != '-')
            name[n++] = '-';
    }
    while (n && name[n - 1] == '-')
        n--;
    name[n] = 0;
    if (!n)
        snprintf(name, room, "imported");
}

/* ---- the three -----------------------------------------------------------------------------------------------------
 */

static void do_import(const struct topo_args *a, struct fault *f)
{
    char name[64];
    struct topo *t = topo_read(a->source.item, a->source.nr, (enum topo_kind_of_source)a->kind, f);
    if (!t)
        return;
    name_of(t->name ? t->name : a->source.item[0], name, sizeof(name));
    struct topo_import i = topo_import(t, a->name ? a->name : name, f);
    if (i.text)
        put_output(a->output, a->force, i.text, i.size, f);
    if (f->code == EXIT_DONE)
        fprintf(stderr, "%s: %u CPUs in %u cores and %u package%s, %u node%s; %d value%s guessed\n", t->source,
                t->nr_cpus, t->nr_cores, t->nr_packages, t->nr_packages == 1 ? "" : "s", t->nr_nodes,
                t->nr_nodes == 1 ? "" : "s", i.guessed, i.guessed == 1 ? " is" : "s are");
    free(i.text);
    topo_free(t);
}

/* A scenario of a host without guests on a machine. */
static void write_boot(FILE *to, const char *name, const struct machine *m)
{
    size_t n = strlen(name);
    bool file = strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".toml"));
    char *full = file ? realpath(name, NULL) : NULL;
    /* Xen knows one node on ARM; a machine of several is shown as the profile has it that knows them. */
    bool arm = strcmp(m->isa, "x86-64") != 0 && m->nr_nodes > 1;
    uint64_t quarter = machine_memory(m) / 4 >> 20;

    fprintf(to,
            "name = \"topo\"\ndescription = \"boot\"\nmachine = \"%s\"\nhv_cost = \"none\"\nwarmup = \"0 s\"\n"
            "duration = \"1 us\"\n[start]\noffset_max = \"0 s\"\n[xen]\nbehaviour = \"%s\"\nsched = \"credit\"\n"
            "[dom0]\nvcpus = 1\nmemory = \"%u MiB\"\nworkload = \"dom0-idle\"\n",
            full ? full : name, arm ? "arm-numa" : "modern", quarter < 512 ? (unsigned)quarter : 512);
    free(full);
}

/* It boots and is asked. */
static void show_xl(const struct cli *cli, const char *name, const struct machine *m, const struct cli_list *set,
                    struct fault *f)
{
    char path[] = "/tmp/hvsim-topo-XXXXXX", *err = NULL;
    char **overrides = calloc(set->nr + 1, sizeof(*overrides));
    int fd = mkstemp(path);
    FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
    struct scenario *s = NULL;
    if (!to || !overrides) {
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
    } else {
        write_boot(to, name, m);
        fflush(to);
        for (size_t i = 0; i < set->nr; i++)
            if (asprintf(&overrides[i], "machine.%s", set->item[i]) < 0)
                overrides[i] = NULL;
        if (!(s = cli->backend->load(path, (const char *const *)overrides, &err)))
            fault_set(f, EXIT_BAD_INPUT, "%s", err ? err : "out of memory");
    }
    if (s) {
        const struct run_show what = {XL_INFO_N, 0};
        struct run_options o = {.seed = 1, .nr_shows = 1, .show = &what, .show_file = stdout};
        struct run_result r = {0};
        int exit = cli->backend->run(s, &o, &r);
        if (exit != EXIT_DONE)
            fault_set(f, exit, "%s", r.error);
        cli->backend->result_free(&r);
        cli->backend->release(s);
    }
    for (size_t i = 0; overrides && i < set->nr; i++)
        free(overrides[i]);
    free(overrides);
    free(err);
    if (to)
        fclose(to);
    if (fd >= 0)
        unlink(path);
}

static void do_show(const struct cli *cli, const struct topo_args *a, struct fault *f)
{
    struct machine *m = machine_open(a->source.item[0], a->set.item, f);
    if (!m)
        return;
    if (a->svg)
        put_view(m, topo_show_svg, a->svg, a->force, f);
    if (f->code == EXIT_DONE && a->xl)
        show_xl(cli, a->source.item[0], m, &a->set, f);
    else if (f->code == EXIT_DONE && !a->svg)
        put_view(m, topo_show_text, NULL, false, f);
    machine_free(m);
}

static void do_export(const struct topo_args *a, struct fault *f)
{
    struct machine *m = machine_open(a->source.item[0], a->set.item, f);
    if (m)
        put_view(m, topo_export_hwloc, a->output, a->force, f);
    machine_free(m);
}

int cli_topo(const struct cli *cli, int argc, char **argv)
{
    struct topo_args a = {0};
    int exit = cli_parse(cli_topo, parse, argc, argv, &a);
    if (exit == EXIT_DONE) {
        struct fault f = {0};
        if (!strcmp(a.verb, "import"))
            do_import(&a, &f);
        else if (!strcmp(a.verb, "show"))
            do_show(cli, &a, &f);
        else
            do_export(&a, &f);
        exit = cli_fault(&f, argv[0]);
    }
    cli_list_free(&a.source);
    cli_list_free(&a.set);
    return exit;
}
