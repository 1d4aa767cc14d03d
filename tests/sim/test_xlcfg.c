/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl.cfg: values, positions, every refusal with its exact text, and a differential test of our scanner against
 * libxlutil on generated files.
 */
#include <xlcfg.h>
#include <xlcfg_scan.h>

#include <cunit_main.h>
#include <libxlutil.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libxlutil 4.17 leaks the values of a file that it refuses; only this test makes it refuse one. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libxlutil\n";
}

#define FUZZ_FILES 20000
#define FUZZ_SEED 0x1234567u

static struct xlcfg *parse(const char *text, char **err)
{
    return xlcfg_parse(text, strlen(text), "vm.cfg", err);
}

static void check_error(const char *text, const char *expected)
{
    char *err = NULL;
    struct xlcfg *x = parse(text, &err);
    CU_ASSERT_PTR_NULL(x);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_STRING_EQUAL(err, expected);
    if (strcmp(err, expected) != 0)
        fprintf(stderr, "\n  got      %s\n  expected %s\n", err, expected);
    free(err);
    xlcfg_free(x);
}

static struct xlcfg *must_parse(const char *text)
{
    char *err = NULL;
    struct xlcfg *x = parse(text, &err);
    if (err)
        fprintf(stderr, "\n  %s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    CU_ASSERT_PTR_NULL(err);
    return x;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

static void everything_is_read(void)
{
    struct xlcfg *x = must_parse("# a comment\n"
                                 "name = 'web1'; type=\"hvm\"\n"
                                 "vcpus = 2\nmaxvcpus = 4\nmemory = 0x400\nmaxmem = 2048\n"
                                 "cpus = \"0-3,^1\"\ncpu_weight = 512\ncap = 150\n"
                                 "disk = [ 'phy:/dev/vg/a,xvda,w',\n 'b' ]\non_crash = \"destroy\" # no newline");
    const struct ts_domain_config *d = xlcfg_domain(x);
    CU_ASSERT_STRING_EQUAL(d->name, "web1");
    CU_ASSERT_EQUAL(d->type, HV_GUEST_HVM);
    CU_ASSERT_EQUAL(d->vcpus, 2);
    CU_ASSERT_EQUAL(d->maxvcpus, 4);
    CU_ASSERT_EQUAL(d->memory_kb, 1024 * 1024);
    CU_ASSERT_EQUAL(d->maxmem_kb, 2048 * 1024);
    CU_ASSERT_STRING_EQUAL(d->cpus, "0-3,^1");
    CU_ASSERT_PTR_NULL(d->cpus_list);
    CU_ASSERT_EQUAL(d->weight, 512);
    CU_ASSERT_EQUAL(d->cap, 150);
    CU_ASSERT_STRING_EQUAL(xlcfg_where(x, "cpus"), "vm.cfg:7:8");
    CU_ASSERT_STRING_EQUAL(xlcfg_where(x, "type"), "vm.cfg:2:21");
    char *line = xlcfg_complain(x, "cpus", 0, 5, "no pCPU %d", 1);
    CU_ASSERT_STRING_EQUAL(line, "vm.cfg:7:14: no pCPU 1");
    free(line);
    xlcfg_free(x);
}

static void defaults_are_those_of_xl(void)
{
    struct xlcfg *x = must_parse("name='a'\nmemory=128\n");
    const struct ts_domain_config *d = xlcfg_domain(x);
    CU_ASSERT_EQUAL(d->type, HV_GUEST_PV);
    CU_ASSERT_EQUAL(d->vcpus, 1);
    CU_ASSERT_EQUAL(d->maxvcpus, 1);
    CU_ASSERT_EQUAL(d->maxmem_kb, d->memory_kb);
    CU_ASSERT_EQUAL(d->weight, 0);
    CU_ASSERT_EQUAL(d->cap, 0xffffffffu);
    CU_ASSERT_PTR_NULL(d->cpus);
    CU_ASSERT_PTR_NULL(d->cpus_list);
    xlcfg_free(x);
}

static void cpus_as_a_list(void)
{
    struct xlcfg *x = must_parse("name='a'\nmemory=128\nvcpus=3\ncpus=[ 2,\n  \"3\" ]\n");
    const struct ts_domain_config *d = xlcfg_domain(x);
    CU_ASSERT_PTR_NULL(d->cpus);
    CU_ASSERT_EQUAL_FATAL(d->nr_cpus_list, 2);
    CU_ASSERT_STRING_EQUAL(d->cpus_list[0], "2");
    CU_ASSERT_STRING_EQUAL(d->cpus_list[1], "3");
    char *line = xlcfg_complain(x, "cpus", 1, 0, "x");
    CU_ASSERT_STRING_EQUAL(line, "vm.cfg:5:4: x");
    free(line);
    xlcfg_free(x);
}

static void builder_is_the_older_type(void)
{
    struct xlcfg *x = must_parse("name='a'\nmemory=1\nbuilder='generic'\n");
    CU_ASSERT_EQUAL(xlcfg_domain(x)->type, HV_GUEST_PV);
    xlcfg_free(x);
    x = must_parse("name='a'\nmemory=1\nbuilder='hvm'\ntype='hvm'\n");
    CU_ASSERT_EQUAL(xlcfg_domain(x)->type, HV_GUEST_HVM);
    xlcfg_free(x);
}

static void addition_joins_strings(void)
{
    struct xlcfg *x = must_parse("name='a'\nname+='b'\nmemory=1\nextra='x'\nextra+='y'\n");
    CU_ASSERT_STRING_EQUAL(xlcfg_domain(x)->name, "ab");
    xlcfg_free(x);
}

static void every_listed_key_is_treated_as_listed(void)
{
    unsigned n;
    const struct xlcfg_key *k = xlcfg_keys(&n);
    for (unsigned i = 0; i < n; i++) {
        CU_ASSERT(strlen(k[i].text) > 0);
        for (unsigned j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(k[i].name, k[j].name);
        char text[128], *err = NULL;
        if (k[i].effect == XLCFG_USED)
            continue;
        snprintf(text, sizeof(text), "name='a'\nmemory=1\n%s='x'\n", k[i].name);
        struct xlcfg *x = parse(text, &err);
        CU_ASSERT_EQUAL(x != NULL, k[i].effect == XLCFG_NO_EFFECT);
        CU_ASSERT_EQUAL(err != NULL, k[i].effect == XLCFG_REFUSED);
        xlcfg_free(x);
        free(err);
    }
}

/* What only some levels and schedulers have: the scenario's loader holds it against them. */
static void pool_soft_affinity_and_real_time(void)
{
    struct xlcfg *x =
        must_parse("name='a'\nmemory=1\ncpus_soft='2-3'\npool='rt'\nperiod=10000\nbudget=4000\nextratime=0\n");
    const struct ts_domain_config *d = xlcfg_domain(x);
    CU_ASSERT_STRING_EQUAL(d->cpus_soft, "2-3");
    CU_ASSERT_PTR_NULL(d->cpus_soft_list);
    CU_ASSERT_STRING_EQUAL(d->pool, "rt");
    CU_ASSERT_EQUAL(d->rt_period_us, 10000);
    CU_ASSERT_EQUAL(d->rt_budget_us, 4000);
    CU_ASSERT_EQUAL(d->rt_extratime, TS_EXTRATIME_OFF);
    xlcfg_free(x);
    x = must_parse("name='a'\nmemory=1\n");
    d = xlcfg_domain(x);
    CU_ASSERT_FALSE(d->claim_on_node);
    CU_ASSERT(!d->cpus_soft && !d->pool && !d->rt_period_us && d->rt_extratime == TS_EXTRATIME_NOT_GIVEN);
    xlcfg_free(x);
    check_error("name='a'\nmemory=1\nperiod=10000\nbudget=10001\n",
                "vm.cfg:4:8: 'budget' is 10001, more than period (10000)");
    x = must_parse("name='a'\nmemory=1\nclaim_on_node=3\n");
    CU_ASSERT(xlcfg_domain(x)->claim_on_node && xlcfg_domain(x)->claim_node == 3);
    xlcfg_free(x);
    check_error("name='a'\nmemory=1\nclaim_on_node=64\n", "vm.cfg:3:15: 'claim_on_node' is 64, expected 0 to 63");
    check_error("name='a'\nmemory=1\nextratime=2\n", "vm.cfg:3:11: 'extratime' is 2, expected 0 to 1");
}

/* ---- refusals -------------------------------------------------------------------------------------------------- */

#define OK "name='a'\nmemory=1\n"

static void syntax_errors(void)
{
    check_error("name = \n", "vm.cfg:1:8: unexpected end of line, expected a string, a number or a [list]");
    check_error("name = 'a\n", "vm.cfg:1:8: string without closing '");
    check_error("name = a\n", "vm.cfg:1:8: unexpected a, expected a string, a number or a [list]");
    check_error("memory = 1 GB\n", "vm.cfg:1:12: unexpected 'G' (names are lower case, text values stand in quotes)");
    check_error("memory = 1k\n", "vm.cfg:1:11: unexpected k, expected the end of the line or ';'");
    check_error("vcpus 2\n", "vm.cfg:1:7: unexpected 2, expected '=' or '+='");
    check_error("\n= 2\n", "vm.cfg:2:1: unexpected =, expected a key");
    check_error("cpus = ['1' '2']\n", "vm.cfg:1:13: unexpected '2', expected ',' or ']'");
    check_error("cpus = [,]\n", "vm.cfg:1:9: unexpected ,, expected a string, a number or a [list]");
    check_error("cpus = ['1',\n'2'\n", "vm.cfg:3:1: unexpected end of file, expected ',' or ']'");
    check_error("memory = -1\n", "vm.cfg:1:10: unexpected '-'");
    check_error("memory = 1\r\n", "vm.cfg:1:11: unexpected byte 0x0d");
    check_error("name = 'a\\q'\n", "vm.cfg:1:10: unknown escape in a string; expected one of "
                                   "\\\" \\' \\\\ \\a \\b \\f \\n \\r \\t \\v");
    check_error("name = 'a\\101'\n",
                "vm.cfg:1:10: numeric escapes are not decoded by libxlutil; write the character itself");
    check_error("extra='a'\nextra+=['b']\n", "vm.cfg:2:8: 'extra' is a string in line 1, a list cannot be added to it");
    char *err = NULL;
    CU_ASSERT_PTR_NULL(xlcfg_parse("name='a\0b'\n", 11, "vm.cfg", &err));
    CU_ASSERT_STRING_EQUAL(err, "vm.cfg:1:8: unexpected byte 0x00");
    free(err);
}

/* libxlutil alone would drop this character without a word. */
static void wrong_character_at_the_end_is_not_dropped(void)
{
    check_error(OK "vcpus=0x1F", "vm.cfg:3:10: unexpected 'F' (names are lower case, text values stand in quotes)");
}

static void unknown_and_unsupported_keys(void)
{
    check_error(OK "memmory=2\n", "vm.cfg:3:1: unknown key 'memmory'; did you mean 'memory'?");
    check_error(OK "zzzzzzzzzzzz=2\n", "vm.cfg:3:1: unknown key 'zzzzzzzzzzzz'");
    check_error(OK "pci=['0']\n", "vm.cfg:3:1: unsupported key 'pci': passthrough is not simulated");
    check_error(OK "claim_mode=1\n",
                "vm.cfg:3:1: unsupported key 'claim_mode': it belongs into xl.conf; in a scenario it is "
                "xl.claim_mode");
    check_error(OK "vcpus=1\nvcpus=2\n", "vm.cfg:4:1: 'vcpus' is given twice, first in line 3");
}

static void missing_keys(void)
{
    check_error("", "vm.cfg:1:1: required key 'name' is missing");
    check_error("memory=1\n", "vm.cfg:1:1: required key 'name' is missing");
    check_error("name='a'\n", "vm.cfg:1:1: required key 'memory' is missing");
}

static void values_out_of_range(void)
{
    check_error("name=''\nmemory=1\n", "vm.cfg:1:6: 'name' must have 1 to 63 characters");
    check_error("name='Domain-0'\nmemory=1\n", "vm.cfg:1:6: 'Domain-0' is the name of dom0");
    check_error("name=['a']\nmemory=1\n", "vm.cfg:1:6: 'name' must be a string");
    check_error("name='a'\nmemory=0\n", "vm.cfg:2:8: 'memory' is 0, expected 1 to 1073741824");
    check_error("name='a'\nmemory='1 GiB'\n", "vm.cfg:2:8: 'memory' must be a whole number from 1 to 1073741824");
    check_error("name='a'\nmemory=[1]\n", "vm.cfg:2:8: 'memory' must be a whole number from 1 to 1073741824");
    check_error("name='a'\nmemory=99999999999999999999\n",
                "vm.cfg:2:8: 'memory' must be a whole number from 1 to 1073741824");
    check_error(OK "vcpus=0\n", "vm.cfg:3:7: 'vcpus' is 0, expected 1 to 512");
    check_error(OK "vcpus=513\n", "vm.cfg:3:7: 'vcpus' is 513, expected 1 to 512");
    check_error(OK "vcpus=3\nmaxvcpus=2\n", "vm.cfg:4:10: 'maxvcpus' is 2, less than vcpus (3)");
    check_error("name='a'\nmemory=9\nmaxmem=8\n", "vm.cfg:3:8: 'maxmem' is 8, less than memory (9)");
    check_error(OK "cpu_weight=0\n", "vm.cfg:3:12: 'cpu_weight' is 0, expected 1 to 65535");
    check_error(OK "cpu_weight=65536\n", "vm.cfg:3:12: 'cpu_weight' is 65536, expected 1 to 65535");
    check_error(OK "vcpus=2\ncap=201\n", "vm.cfg:4:5: 'cap' is 201, expected 0 to 200");
    check_error(OK "type='pvm'\n",
                "vm.cfg:3:6: unknown type \"pvm\", expected \"pv\" or \"hvm\"; did you mean \"pv\"?");
    check_error(OK "builder='qqqqqqqq'\n",
                "vm.cfg:3:9: unknown builder \"qqqqqqqq\", expected \"generic\", \"linux\" or \"hvm\"");
    check_error(OK "type='pv'\nbuilder='hvm'\n", "vm.cfg:4:9: builder \"hvm\" contradicts type \"pv\"");
    check_error(OK "cpus=[]\n", "vm.cfg:3:6: 'cpus' is an empty list");
    check_error(OK "cpus=[1,2]\n", "vm.cfg:3:6: 'cpus' lists 2 entries for 1 vCPUs");
    check_error(OK "vcpus=2\ncpus=[1,\n [2]]\n", "vm.cfg:5:2: an entry of 'cpus' must be a string or a number");
}

#define TWO "[['pnode=1', 'size=3', 'vcpus=0-1,4', 'vdistances=10,21'], [\"pnode = 0\", \"vcpus=2 , 3\", 'size=5', "

static void vnuma(void)
{
    struct xlcfg *x = must_parse("name='a'\nmemory=8\nvcpus=2\nvnuma=" TWO "'vdistances= 21, 10']]\n");
    const struct ts_domain_config *d = xlcfg_domain(x);
    CU_ASSERT_EQUAL_FATAL(d->nr_vnodes, 2);
    CU_ASSERT(d->vcpus == 2 && d->maxvcpus == 5 && d->memory_kb == 8192 && d->maxmem_kb == 8192);
    CU_ASSERT(d->vnode[0].pnode == 1 && d->vnode[1].pnode == 0);
    CU_ASSERT(d->vnode[0].memory_kb == 3072 && d->vnode[1].memory_kb == 5120);
    CU_ASSERT(d->vnode[0].distance[0] == 10 && d->vnode[0].distance[1] == 21);
    CU_ASSERT(d->vnode[1].distance[0] == 21 && d->vnode[1].distance[1] == 10);
    static const uint8_t of[] = {0, 0, 1, 1, 0};
    CU_ASSERT(memcmp(d->vcpu_vnode, of, sizeof(of)) == 0);
    xlcfg_free(x);
    x = must_parse("name='a'\nmemory=8\nmaxmem=8\nvcpus=5\nmaxvcpus=5\nvnuma=" TWO "'vdistances=21,10']]\n");
    CU_ASSERT_EQUAL(xlcfg_domain(x)->maxvcpus, 5);
    xlcfg_free(x);
}

/* One vnode with these options. */
#define ONE(options) OK "vnuma=[[" options "]]\n"

static void bad_vnuma(void)
{
    check_error(OK "vnuma=1\n", "vm.cfg:3:7: 'vnuma' must be a list of lists");
    check_error(OK "vnuma=[]\n", "vm.cfg:3:7: 'vnuma' must have 1 to 64 vnodes, not 0");
    check_error(OK "vnuma=['pnode=0']\n", "vm.cfg:3:8: vnuma: each vnode is a list: [\"pnode=0\", \"size=1024\", ...]");
    check_error(OK "vnuma=[[1]]\nvnuma+=[[2]]\n", "vm.cfg:4:1: 'vnuma' must be given in one list");
    check_error(OK "vnuma=[[['pnode=0']]]\n", "vm.cfg:3:9: vnuma: expected a string: \"option=value\"");
    check_error(ONE("'pnod=0'"), "vm.cfg:3:10: vnuma: unknown option 'pnod'; did you mean 'pnode'?");
    check_error(ONE("'pnode'"), "vm.cfg:3:15: vnuma: expected '=' after 'pnode'");
    check_error(ONE("'pnode=x'"), "vm.cfg:3:16: vnuma: pnode: expected a number");
    check_error(ONE("'pnode=64'"), "vm.cfg:3:16: vnuma: pnode: at most 63");
    check_error(ONE("'pnode=0 1'"), "vm.cfg:3:18: vnuma: pnode: unexpected '1'");
    check_error(ONE("'pnode=0','pnode=1'"), "vm.cfg:3:20: vnuma: 'pnode' is given twice for vnode 0");
    check_error(ONE("'size=0'"), "vm.cfg:3:16: vnuma: size: a vnode needs memory");
    check_error(ONE("'vcpus=3-1'"), "vm.cfg:3:16: vnuma: vcpus: 3-1 is backwards");
    check_error(ONE("'vcpus=0,0-1'"), "vm.cfg:3:18: vnuma: vCPU 0 is in vnode 0 already");
    check_error(ONE("'vcpus=0,'"), "vm.cfg:3:18: vnuma: vcpus: expected a number");
    check_error(ONE("'vcpus=512'"), "vm.cfg:3:16: vnuma: vcpus: at most 511");
    check_error(ONE("'vdistances=10,20'"), "vm.cfg:3:21: vnuma: vdistances: 2 distances for 1 vnodes");
    check_error(ONE("'pnode=0','size=1','vcpus=0'"), "vm.cfg:3:8: vnuma: vnode 0 has no 'vdistances'");
    check_error(ONE("'pnode=0','size=1','vcpus=1','vdistances=10'"), "vm.cfg:3:7: vnuma: vCPU 0 is in no vnode");
    check_error(OK "vcpus=2\nvnuma=[['pnode=0','size=1','vcpus=0','vdistances=10']]\n",
                "vm.cfg:4:7: vnuma: 1 vCPUs are in vnodes, vcpus is 2");
    check_error(OK "maxvcpus=2\nvnuma=[['pnode=0','size=1','vcpus=0','vdistances=10']]\n",
                "vm.cfg:4:7: vnuma: vCPU 1 is in no vnode");
    check_error(OK "maxvcpus=1\nvnuma=[['pnode=0','size=1','vcpus=0-1','vdistances=10']]\n",
                "vm.cfg:4:7: vnuma: there is no vCPU 1: maxvcpus is 1");
    check_error(ONE("'pnode=0','size=2','vcpus=0','vdistances=10'"),
                "vm.cfg:3:7: vnuma: the vnodes have 2 MiB in all, memory is 1 MiB");
    check_error("name='a'\nmemory=4\nmaxmem=8\nvnuma=[['pnode=0','size=4','vcpus=0','vdistances=10']]\n",
                "vm.cfg:4:7: vnuma: the vnodes have 4 MiB in all, maxmem is 8 MiB");
    check_error(OK "vcpus=2\nvnuma=[['pnode=0','size=1','vcpus=0','vdistances=20,10'],"
                   "['pnode=0','size=1','vcpus=1','vdistances=10,20']]\n",
                "vm.cfg:4:50: vnuma: vdistances: vnode 0 is nearer to vnode 1 than to itself");
}

static void missing_file(void)
{
    char *err = NULL;
    CU_ASSERT_PTR_NULL(xlcfg_load("no/such.cfg", &err));
    CU_ASSERT_STRING_EQUAL(err, "no/such.cfg:1:1: cannot read: No such file or directory");
    free(err);
    CU_ASSERT_PTR_NULL(xlcfg_load("/", &err));
    CU_ASSERT_PTR_NOT_NULL(err);
    free(err);
}

/* ---- our scanner against libxlutil ----------------------------------------------------------------------------- */

static uint32_t fuzz_state;
static bool fuzz_wild; /* this file may be malformed */

static unsigned below(unsigned n)
{
    fuzz_state = fuzz_state * 1664525u + 1013904223u; /* any generator does: the files only need variety */
    return (unsigned)(((uint64_t)fuzz_state * n) >> 32);
}

static const char *const fuzz_keys[] = {"a", "b", "name", "memory", "c_1", "x9"};
#define NR_KEYS (sizeof(fuzz_keys) / sizeof(fuzz_keys[0]))

struct text {
    char s[2048];
    size_t n;
};

static void put(struct text *t, const char *s)
{
    size_t n = strlen(s);
    if (t->n + n < sizeof(t->s)) {
        memcpy(t->s + t->n, s, n);
        t->n += n;
    }
}

static void put_value(struct text *t, int depth)
{
    static const char *const atoms[] = {"1",          "0x1f",      "10x",      "'s'",   "\"d\"",
                                        "''",         "'a b#c'",   "\"it's\"", "'\\n'", "'\\\\\\''",
                                        "'\xc3\xa9'", "'\\t\\\"'", "0",        "9abc",  "'[1,2]'"};
    static const char *const wrong[] = {"'a\nb'", "'a\\\nb'", "'\\q'", "'\\x41'", "\"\\8\"",
                                        "'\\12'", "'a'b'",    "-1",    "x"};
    static const char *const gaps[] = {"", "", " ", "\n", " # note\n", "\t\n\n"};
    if (fuzz_wild && below(10) == 0) {
        put(t, wrong[below(sizeof(wrong) / sizeof(wrong[0]))]);
        return;
    }
    if (depth > 2 || below(3)) {
        put(t, atoms[below(sizeof(atoms) / sizeof(atoms[0]))]);
        return;
    }
    put(t, "[");
    unsigned n = below(4);
    for (unsigned i = 0; i < n; i++) {
        put(t, gaps[below(6)]);
        put_value(t, depth + 1);
        put(t, gaps[below(6)]);
        if (i + 1 < n || below(4) == 0)
            put(t, ",");
    }
    put(t, gaps[below(6)]);
    put(t, "]");
}

/* Mostly well-formed statements, some of them with tokens thrown in, left out or bytes changed. */
static void make_file(struct text *t)
{
    static const char *const noise[] = {"=",  "+=", ",", "[",     "]",       ";",       "\n",     "'",  "\"",
                                        "\\", "A",  "-", ".",     "+",       "#",       "(",      "\r", "\x80",
                                        "_",  "q",  "7", "'\\q'", "'\\x41'", "\"\\8\"", "'\\12'", "!"};
    static const char *const ends[] = {"\n", "\n", ";", " ; ", "#c\n", "\n\n"};
    bool wild = fuzz_wild = below(2) == 0;
    t->n = 0;
    for (unsigned i = 1 + below(4); i-- > 0;) {
        if (wild && below(4) == 0)
            put(t, noise[below(sizeof(noise) / sizeof(noise[0]))]);
        put(t, fuzz_keys[below(NR_KEYS)]);
        put(t, below(2) ? " " : "");
        if (!wild || below(8))
            put(t, below(5) ? "=" : "+=");
        put(t, below(2) ? "\t" : "");
        if (!wild || below(8))
            put_value(t, 0);
        if (wild && below(4) == 0)
            put(t, noise[below(sizeof(noise) / sizeof(noise[0]))]);
        put(t, ends[below(6)]);
    }
    if (wild && t->n && below(4) == 0)
        t->s[below((unsigned)t->n)] = (char)(1 + below(255));
    put(t, "\n");
    t->s[t->n] = '\0';
}

static const struct xlcfg_setting *last_setting(const struct xlcfg_scan *s, const char *key)
{
    for (unsigned i = s->nr; i-- > 0;)
        if (strcmp(s->setting[i].key, key) == 0)
            return &s->setting[i];
    return NULL;
}

/* Items of the value: of the last assignment and of everything added to it since. */
static unsigned count_items(const struct xlcfg_scan *s, const char *key)
{
    unsigned n = 0;
    for (unsigned i = s->nr; i-- > 0;)
        if (strcmp(s->setting[i].key, key) == 0) {
            n += s->setting[i].value.nr_items;
            if (!s->setting[i].append)
                break;
        }
    return n;
}

static bool agree_on_keys(const struct xlcfg_scan *s, const XLU_Config *xlu)
{
    for (size_t i = 0; i < NR_KEYS; i++) {
        const char *value = NULL;
        XLU_ConfigList *list = NULL;
        int entries = 0;
        const struct xlcfg_setting *set = last_setting(s, fuzz_keys[i]);
        bool has_string = xlu_cfg_get_string(xlu, fuzz_keys[i], &value, 1) == 0;
        bool has_list = xlu_cfg_get_list(xlu, fuzz_keys[i], &list, &entries, 1) == 0;
        if ((set != NULL) != (has_string || has_list))
            return false;
        if (set && (set->value.list != has_list || (has_list && (unsigned)entries != count_items(s, fuzz_keys[i]))))
            return false;
    }
    return true;
}

static void scanner_agrees_with_libxlutil(void)
{
    FILE *null = fopen("/dev/null", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(null);
    unsigned accepted = 0, disagreements = 0;
    fuzz_state = FUZZ_SEED;
    /* libxlutil prints a hint about Python to stderr, whatever report it is given. */
    int saved = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fileno(null), STDERR_FILENO);
    static struct text bad;
    for (int i = 0; i < FUZZ_FILES; i++) {
        struct text t;
        make_file(&t);
        char why[256];
        struct xlcfg_pos at;
        struct xlcfg_scan scan;
        XLU_Config *xlu = xlu_cfg_init(null, "f");
        bool theirs = xlu_cfg_readdata(xlu, t.s, (int)t.n) == 0;
        bool ours = xlcfg_scan(t.s, t.n, &scan, why, sizeof(why), &at) == 0;
        if (ours != theirs || (ours && !agree_on_keys(&scan, xlu))) {
            if (!disagreements++)
                bad = t;
        }
        accepted += ours;
        xlcfg_scan_free(&scan);
        xlu_cfg_destroy(xlu);
    }
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(null);
    if (disagreements)
        fprintf(stderr, "\n%u disagreements, the first on:\n%s----\n", disagreements, bad.s);
    CU_ASSERT_EQUAL(disagreements, 0);
    CU_ASSERT(accepted > FUZZ_FILES / 3 && accepted < FUZZ_FILES * 9 / 10); /* both outcomes are exercised */
}

static const struct cunit_case tests[] = {
    {"every supported key is read, with its position", everything_is_read},
    {"defaults are those of xl", defaults_are_those_of_xl},
    {"cpus as a list", cpus_as_a_list},
    {"vnuma: a list of lists", vnuma},
    {"vnuma: mistakes, where they are", bad_vnuma},
    {"builder is the older spelling of type", builder_is_the_older_type},
    {"+= joins strings", addition_joins_strings},
    {"keys without effect are accepted, refused ones refused", every_listed_key_is_treated_as_listed},
    {"syntax errors have line and column", syntax_errors},
    {"a wrong last character is not dropped", wrong_character_at_the_end_is_not_dropped},
    {"pool, soft affinity and what rtds asks for", pool_soft_affinity_and_real_time},
    {"unknown, unsupported and doubled keys", unknown_and_unsupported_keys},
    {"missing keys", missing_keys},
    {"values out of range", values_out_of_range},
    {"missing file", missing_file},
    {"the scanner and libxlutil agree on generated files", scanner_agrees_with_libxlutil},
};

CUNIT_MAIN("xlcfg", tests)
