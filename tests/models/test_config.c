/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TOML reader: values, quantities, inheritance, overrides, and every refusal with its exact place. */
#include <config.h>
#include <cunit_main.h>
#include <scratch_dir.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIB (1ull << 30)

static void says(const cfg_doc *doc, const char *expected)
{
    const char *got = cfg_error(doc);
    if (!expected) {
        CU_ASSERT_PTR_NULL(got);
    } else {
        CU_ASSERT_PTR_NOT_NULL_FATAL(got);
        CU_ASSERT_STRING_EQUAL(got, expected);
    }
    if (got && (!expected || strcmp(got, expected) != 0))
        fprintf(stderr, "\n  got      %s\n  expected %s\n", got, expected ? expected : "no error");
}

static void json_is(cfg_doc *doc, const char *expected)
{
    char *json = cfg_to_json(doc);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    CU_ASSERT_STRING_EQUAL(json, expected);
    if (strcmp(json, expected) != 0)
        fprintf(stderr, "\n  got      %s\n  expected %s\n", json, expected);
    free(json);
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

static void every_kind_of_value_is_read(void)
{
    static const char *const words[] = {"none", "fixed", NULL};
    cfg_doc *doc = cfg_parse("i = -5\nu = 7\nd = 2\ne = 0.25\nb = true\ns = 'x'\nw = 'fixed'\nds = [1, 2.5]\n"
                             "is = [3, 4]\nss = ['a', 'b']\none = 'c'\nts = ['1 ns', '2 us']\n[t]\nk = 1\n"
                             "[[a]]\nn = 1\n[[a]]\nn = 2\n",
                             "v.toml");
    cfg_table *r = cfg_root(doc);
    int64_t i = 0;
    unsigned u = 0, word = 9, k = 0;
    double d = 0, e = 0;
    bool b = false;
    const char *s = NULL, *const *ss = NULL;
    const double *ds = NULL;
    const int64_t *is = NULL, *ts = NULL;
    size_t n = 0;
    CU_ASSERT(cfg_int(r, "i", true, -10, 10, &i) && i == -5);
    CU_ASSERT(cfg_uint(r, "u", true, 7, 7, &u) && u == 7); /* ranges are inclusive */
    CU_ASSERT(cfg_double(r, "d", true, 0, 2, &d) && d == 2);
    CU_ASSERT(cfg_double(r, "e", true, 0, 1, &e) && e == 0.25);
    CU_ASSERT(cfg_bool(r, "b", true, &b) && b);
    CU_ASSERT(cfg_string(r, "s", true, &s) && strcmp(s, "x") == 0);
    CU_ASSERT(cfg_enum(r, "w", true, words, &word) && word == 1);
    CU_ASSERT(cfg_doubles(r, "ds", true, &ds, &n) && n == 2 && ds[0] == 1 && ds[1] == 2.5);
    CU_ASSERT(cfg_ints(r, "is", true, &is, &n) && n == 2 && is[1] == 4);
    CU_ASSERT(cfg_strings(r, "ss", true, &ss, &n) && n == 2 && strcmp(ss[1], "b") == 0);
    CU_ASSERT(cfg_strings(r, "one", true, &ss, &n) && n == 1 && strcmp(ss[0], "c") == 0);
    CU_ASSERT(cfg_times_ps(r, "ts", true, 0, 1000000000, &ts, &n) && n == 2 && ts[0] == 1000 && ts[1] == 2000000);
    CU_ASSERT(cfg_uint(cfg_sub(r, "t", true), "k", true, 0, 9, &k) && k == 1);
    CU_ASSERT_EQUAL(cfg_array_len(r, "a"), 2);
    CU_ASSERT(cfg_uint(cfg_array_at(r, "a", 1), "n", true, 0, 9, &k) && k == 2);
    CU_ASSERT(cfg_uint(cfg_array_at(r, "a", 0), "n", true, 0, 9, &k) && k == 1);
    CU_ASSERT_PTR_NULL(cfg_array_at(r, "a", 2));
    CU_ASSERT_TRUE(cfg_finish(doc));
    says(doc, NULL);
    cfg_free(doc);
}

static void absent_keys_keep_the_default(void)
{
    cfg_doc *doc = cfg_parse("x = 1\nword = 'all'\n", "v.toml");
    cfg_table *r = cfg_root(doc);
    unsigned u = 42;
    uint64_t size = 43;
    CU_ASSERT(cfg_uint(r, "u", false, 0, 5, &u) && u == 42);
    CU_ASSERT(cfg_size(r, "size", false, 0, 5, &size) && size == 43);
    CU_ASSERT_PTR_NULL(cfg_sub(r, "t", false));
    CU_ASSERT_FALSE(cfg_uint(cfg_sub(r, "t", false), "u", true, 0, 5, &u)); /* a table that is not there says nothing */
    CU_ASSERT_EQUAL(cfg_array_len(r, "a"), 0);
    CU_ASSERT_TRUE(cfg_has(r, "x"));
    CU_ASSERT_FALSE(cfg_has(r, "y"));
    CU_ASSERT_TRUE(cfg_is_string(r, "word"));
    CU_ASSERT_FALSE(cfg_is_string(r, "x"));
    CU_ASSERT_FALSE(cfg_is_string(r, "y"));
    CU_ASSERT_TRUE(cfg_finish(doc));
    cfg_free(doc);
}

static void keys_come_in_the_order_of_the_file(void)
{
    cfg_doc *doc = cfg_parse("zeta = 1\nalpha = 2\n[mid]\nb = 1\na = [ { q = 1.0 } ]\n[early]\n", "v.toml");
    const char *const *keys = NULL;
    CU_ASSERT_EQUAL_FATAL(cfg_keys(cfg_root(doc), &keys), 4);
    CU_ASSERT_STRING_EQUAL(keys[0], "zeta");
    CU_ASSERT_STRING_EQUAL(keys[1], "alpha");
    CU_ASSERT_STRING_EQUAL(keys[3], "early");
    json_is(doc, "{\"zeta\": 1, \"alpha\": 2, \"mid\": {\"b\": 1, \"a\": [{\"q\": 1.0}]}, \"early\": {}}");
    cfg_free(doc);
}

static void json_escapes_and_keeps_reals_exact(void)
{
    cfg_doc *doc =
        cfg_parse("s = \"a\\\"b\\\\c\\nd\\u0001\"\nr = 0.1\nbig = 1e300\nb = false\nd = 2012-12-18\n", "v.toml");
    json_is(doc,
            "{\"s\": \"a\\\"b\\\\c\\nd\\u0001\", \"r\": 0.1, \"big\": 1e+300, \"b\": false, \"d\": \"2012-12-18\"}");
    cfg_free(doc);
}

/* ---- quantities ------------------------------------------------------------------------------------------------ */

static void time_is(const char *text, int64_t ps)
{
    char line[64];
    snprintf(line, sizeof(line), "t = \"%s\"\n", text);
    cfg_doc *doc = cfg_parse(line, "v.toml");
    int64_t got = -1;
    CU_ASSERT_TRUE(cfg_time_ps(cfg_root(doc), "t", true, INT64_MIN, INT64_MAX, &got));
    CU_ASSERT_EQUAL(got, ps);
    cfg_free(doc);
}

static void size_is(const char *text, uint64_t bytes)
{
    char line[64];
    snprintf(line, sizeof(line), "t = \"%s\"\n", text);
    cfg_doc *doc = cfg_parse(line, "v.toml");
    uint64_t got = 1;
    CU_ASSERT_TRUE(cfg_size(cfg_root(doc), "t", true, 0, INT64_MAX, &got));
    CU_ASSERT_EQUAL(got, bytes);
    cfg_free(doc);
}

static void quantities_are_exact(void)
{
    time_is("1 ps", 1);
    time_is("82 ns", 82000);
    time_is("0.5 us", 500000);
    time_is("30 ms", 30000000000);
    time_is("10.7 ms", 10700000000);
    time_is("1 s", 1000000000000);
    time_is("0.000000000001 s", 1);
    time_is("-3 ns", -3000);
    size_is("0 B", 0);
    size_is("12 GiB", 12 * GIB);
    size_is("3.25 GiB", 13 * GIB / 4);
    size_is("16 TiB", 16384 * GIB);
    size_is("1536 KiB", 1536 * 1024);
    size_is("1.5 GB", 1500000000);
    cfg_doc *doc = cfg_parse("f = '2.4 GHz'\nb = '12.8 GB/s'\nc = '1 GiB/s'\ny = '4.5 cycles'\n", "v.toml");
    double f = 0, b = 0, c = 0, y = 0;
    CU_ASSERT(cfg_freq(cfg_root(doc), "f", true, 1, 1e11, &f) && f == 2.4e9);
    CU_ASSERT(cfg_bandwidth(cfg_root(doc), "b", true, 1, 1e12, &b) && b == 12.8e9);
    CU_ASSERT(cfg_bandwidth(cfg_root(doc), "c", true, 1, 1e12, &c) && c == (double)GIB);
    CU_ASSERT(cfg_cycles(cfg_root(doc), "y", true, 1, 10, &y) && y == 4.5);
    CU_ASSERT_TRUE(cfg_finish(doc));
    cfg_free(doc);
}

static void bad_time(const char *value, const char *expected)
{
    char line[128];
    snprintf(line, sizeof(line), "x = 1\n  t = %s\n", value);
    cfg_doc *doc = cfg_parse(line, "v.toml");
    int64_t got = 77;
    CU_ASSERT_FALSE(cfg_time_ps(cfg_root(doc), "t", true, 0, 5000000000000, &got));
    CU_ASSERT_EQUAL(got, 77);
    says(doc, expected);
    cfg_free(doc);
}

static void bad_size(const char *value, const char *expected)
{
    char line[128];
    snprintf(line, sizeof(line), "t = %s\n", value);
    cfg_doc *doc = cfg_parse(line, "v.toml");
    uint64_t got = 77;
    CU_ASSERT_FALSE(cfg_size(cfg_root(doc), "t", true, 4096, GIB, &got));
    CU_ASSERT_EQUAL(got, 77);
    says(doc, expected);
    cfg_free(doc);
}

static void wrong_quantities_are_refused(void)
{
    bad_time("10", "v.toml:2:7: t: expected a time with a unit (ps, ns, us, ms, s), found a number");
    bad_time("'10'", "v.toml:2:7: t: '10' has no unit: expected a time with a unit (ps, ns, us, ms, s)");
    bad_time("'10 GHz'", "v.toml:2:7: t: '10 GHz' is a frequency: expected a time with a unit (ps, ns, us, ms, s)");
    bad_time("'10 sec'", "v.toml:2:7: t: unknown unit 'sec': expected a time with a unit (ps, ns, us, ms, s)");
    bad_time("'10 mss'",
             "v.toml:2:7: t: unknown unit 'mss': expected a time with a unit (ps, ns, us, ms, s); did you mean 'ms'?");
    bad_time("'ten ms'", "v.toml:2:7: t: 'ten ms': expected a time with a unit (ps, ns, us, ms, s)");
    bad_time("'1. ms'", "v.toml:2:7: t: '1. ms': expected a time with a unit (ps, ns, us, ms, s)");
    bad_time("''", "v.toml:2:7: t: '': expected a time with a unit (ps, ns, us, ms, s)");
    bad_time("'0.5 ps'", "v.toml:2:7: t = '0.5 ps' is not a whole number of ps, or too large");
    bad_time("'99999999 s'", "v.toml:2:7: t = '99999999 s' is not a whole number of ps, or too large");
    bad_time("'6 s'", "v.toml:2:7: t = '6 s' is out of range, expected 0 ps to 5 s");
    bad_time("'-1 ns'", "v.toml:2:7: t = '-1 ns' is out of range, expected 0 ps to 5 s");
    bad_size("'0.1 GiB'", "v.toml:1:5: t = '0.1 GiB' is not a whole number of bytes, or too large");
    bad_size("'4095 B'", "v.toml:1:5: t = '4095 B' is out of range, expected 4 KiB to 1 GiB");
    bad_size("'1025 MiB'", "v.toml:1:5: t = '1025 MiB' is out of range, expected 4 KiB to 1 GiB");
    bad_size("'1 gib'", "v.toml:1:5: t: unknown unit 'gib': expected a size with a unit (B, KB, KiB, MB, MiB, GB, GiB, "
                        "TB, TiB); did you mean 'GiB'?");
}

/* ---- refusals -------------------------------------------------------------------------------------------------- */

static void toml_errors_have_a_place(void)
{
    static const struct {
        const char *text, *start;
    } bad[] = {
        {"a = 1\nb = \"x", "v.toml:2:7: not valid TOML: "},          /* truncated */
        {"a = 1\nb = [1, 2", "v.toml:2:10: not valid TOML: "},       /* truncated */
        {"[t", "v.toml:1:3: not valid TOML: "},                      /* truncated */
        {"a = 1\nb = 2\n  a = 3\n", "v.toml:3:7: not valid TOML: "}, /* twice */
        {"[t]\n[t]\n", "v.toml:2:1: not valid TOML: "},              /* twice */
        {"a = = 1\n", "v.toml:1:5: not valid TOML: "},
        {"a = 1\nb = \xff\n", "v.toml:2:4: not valid TOML: "}, /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cfg_doc *doc = cfg_parse(bad[i].text, "v.toml");
        const char *got = cfg_error(doc);
        CU_ASSERT_PTR_NOT_NULL_FATAL(got);
        CU_ASSERT_EQUAL(strncmp(got, bad[i].start, strlen(bad[i].start)), 0);
        CU_ASSERT_PTR_NULL(strchr(got, '\n'));
        if (strncmp(got, bad[i].start, strlen(bad[i].start)) != 0)
            fprintf(stderr, "\n  got      %s\n  expected %s...\n", got, bad[i].start);
        CU_ASSERT_PTR_NOT_NULL(cfg_root(doc)); /* a reader may go on and check once */
        CU_ASSERT_FALSE(cfg_finish(doc));
        cfg_free(doc);
    }
}

static void a_key_of_a_thousand_levels_is_refused(void)
{
    char text[4096] = "a";
    for (unsigned i = 0; i < 1000; i++)
        strcat(text, ".a");
    strcat(text, " = 1\n");
    cfg_doc *doc = cfg_parse(text, "v.toml");
    says(doc, "v.toml:1:258: more than 128 levels in a key");
    cfg_free(doc);
}

/* Reads what a file of one required and some optional keys would have. */
static void read_like_a_program(cfg_doc *doc)
{
    static const char *const words[] = {"credit", "credit2", "null", NULL};
    cfg_table *r = cfg_root(doc), *xen = cfg_sub(r, "xen", false);
    unsigned u = 0, w = 0;
    double d = 0;
    bool b = false;
    const char *s = NULL, *const *ss = NULL;
    const double *ds = NULL;
    size_t n = 0;
    cfg_string(r, "name", true, &s);
    cfg_uint(r, "count", false, 1, 10, &u);
    cfg_double(r, "factor", false, 0.5, 2, &d);
    cfg_bool(r, "flag", false, &b);
    cfg_doubles(r, "list", false, &ds, &n);
    cfg_strings(r, "words", false, &ss, &n);
    if (xen)
        cfg_enum(xen, "sched", false, words, &w);
    for (size_t i = 0; i < cfg_array_len(r, "vm"); i++)
        cfg_string(cfg_array_at(r, "vm", i), "config", true, &s);
    cfg_finish(doc);
}

static void refused(const char *text, const char *expected)
{
    cfg_doc *doc = cfg_parse(text, "v.toml");
    read_like_a_program(doc);
    says(doc, expected);
    cfg_free(doc);
}

static void wrong_values_are_refused(void)
{
    refused("name = 'n'\n", NULL);
    refused("name = 5\n", "v.toml:1:8: name: expected a string, found a number");
    refused("name = 'n'\ncount = 'x'\n", "v.toml:2:9: count: expected a whole number, found a string 'x'");
    refused("name = 'n'\ncount = 2.5\n", "v.toml:2:9: count: expected a whole number, found 2.5");
    refused("name = 'n'\ncount = 0\n", "v.toml:2:9: count = 0 is out of range, expected 1 to 10");
    refused("name = 'n'\ncount = 11\n", "v.toml:2:9: count = 11 is out of range, expected 1 to 10");
    refused("name = 'n'\nfactor = 2.1\n", "v.toml:2:10: factor = 2.1 is out of range, expected 0.5 to 2");
    refused("name = 'n'\nfactor = nan\n", "v.toml:2:10: factor: expected a finite number, found nan");
    refused("name = 'n'\nflag = 1\n", "v.toml:2:8: flag: expected true or false, found a number");
    refused("name = 'n'\nlist = [1, 'x']\n", "v.toml:2:12: list: expected a number, found a string 'x'");
    refused("name = 'n'\nlist = 1\n", "v.toml:2:8: list: expected an array of numbers, found a number");
    refused("name = 'n'\nwords = ['a', 1]\n", "v.toml:2:15: words: expected a string, found a number");
    refused("name = 'n'\nxen = 1\n", "v.toml:2:7: xen: expected a table, found a number");
    refused("name = 'n'\nvm = 1\n", "v.toml:2:6: vm: expected an array of tables, found a number");
    refused("name = 'n'\nvm = [1]\n", "v.toml:2:7: vm: expected an array of tables, found a number");
    refused("name = 'n'\n[xen]\n sched = 'credid'\n",
            "v.toml:3:10: sched: expected one of credit, credit2, null, found 'credid'; did you mean 'credit'?");
    refused("name = 'n'\n[xen]\nsched = 'zzzzzz'\n",
            "v.toml:3:9: sched: expected one of credit, credit2, null, found 'zzzzzz'");
}

static void missing_and_unknown_keys(void)
{
    refused("count = 1\n", "v.toml:1:1: missing key 'name'");
    refused("\n\nnaem = 'n'\n", "v.toml:3:1: unknown key 'naem'; did you mean 'name', which is missing?");
    refused("name = 'n'\n\n  cuont = 1\n", "v.toml:3:3: unknown key 'cuont'; did you mean 'count'?");
    refused("name = 'n'\nelephant = 1\n", "v.toml:2:1: unknown key 'elephant'");
    refused("name = 'n'\n[xen]\nshced = 'credit'\n", "v.toml:3:1: unknown key 'shced' in [xen]; did you mean 'sched'?");
    refused("name = 'n'\n[xne]\nsched = 'credit'\n", "v.toml:2:2: unknown key 'xne'; did you mean 'xen'?");
    refused("name = 'n'\n[[vm]]\nconfig = 'a'\n[[vm]]\nconfig = 'b'\ncount = 1\n",
            "v.toml:6:1: unknown key 'count' in [vm.1]");
    refused("name = 'n'\n[[vm]]\nconfig = 'a'\n[[vm]]\n", "v.toml:4:1: missing key 'config' in [vm.1]");
}

static void the_first_error_wins(void)
{
    cfg_doc *doc = cfg_parse("a = 1\nb = 2\n", "v.toml");
    cfg_table *r = cfg_root(doc);
    unsigned u = 5;
    CU_ASSERT_FALSE(cfg_uint(r, "a", true, 2, 3, &u));
    CU_ASSERT_FALSE(cfg_uint(r, "b", true, 0, 9, &u)); /* good, but after an error nothing is read */
    CU_ASSERT_EQUAL(u, 5);
    cfg_fail(r, "b", "something else");
    says(doc, "v.toml:1:5: a = 1 is out of range, expected 2 to 3");
    cfg_free(doc);
}

static void readers_report_at_the_place_of_a_key(void)
{
    cfg_doc *doc = cfg_parse("\n[t]\nk = 7\n", "dir/v.toml");
    cfg_table *t = cfg_sub(cfg_root(doc), "t", true);
    CU_ASSERT_STRING_EQUAL(cfg_where(t, "k"), "dir/v.toml:3:5");
    CU_ASSERT_STRING_EQUAL(cfg_where(t, NULL), "dir/v.toml:2:1");
    CU_ASSERT_STRING_EQUAL(cfg_where(t, "absent"), "dir/v.toml:2:1");
    CU_ASSERT_STRING_EQUAL(cfg_file_of(t, "k"), "dir/v.toml");
    cfg_fail(t, "k", "%d is %s", 7, "odd");
    says(doc, "dir/v.toml:3:5: 7 is odd");
    cfg_free(doc);
}

static void files_that_cannot_be_read(void)
{
    cfg_doc *doc = cfg_load("no-such.toml");
    says(doc, "no-such.toml: cannot open: No such file or directory");
    cfg_free(doc);
    doc = cfg_load(".");
    says(doc, ".: cannot read: Is a directory");
    cfg_free(doc);
}

/* ---- inheritance ----------------------------------------------------------------------------------------------- */

static void inherits_merges_table_by_table(void)
{
    scratch_write("base.toml", "a = 1\nb = 2\n[t]\nx = 1\ny = [1, 2, 3]\n[t.deep]\np = 1\nq = 1\n");
    scratch_write("mid.toml", "inherits = 'base.toml'\nb = 20\n[t]\ny = [9]\n[t.deep]\nq = 2\n");
    scratch_write("top.toml", "inherits = 'mid.toml'\nc = 300\n[t.deep]\nq = 3\nr = 3\n");
    cfg_doc *doc = cfg_load("top.toml");
    says(doc, NULL);
    json_is(
        doc,
        "{\"a\": 1, \"b\": 20, \"t\": {\"x\": 1, \"y\": [9], \"deep\": {\"p\": 1, \"q\": 3, \"r\": 3}}, \"c\": 300}");
    cfg_table *t = cfg_sub(cfg_root(doc), "t", true);
    CU_ASSERT_STRING_EQUAL(cfg_where(cfg_root(doc), "a"), "base.toml:1:5");
    CU_ASSERT_STRING_EQUAL(cfg_where(cfg_root(doc), "b"), "mid.toml:2:5");
    CU_ASSERT_STRING_EQUAL(cfg_file_of(t, "y"), "mid.toml");
    CU_ASSERT_STRING_EQUAL(cfg_where(cfg_sub(t, "deep", true), "q"), "top.toml:4:5");
    cfg_free(doc);
}

static void inherits_by_name(void)
{
    CU_ASSERT_EQUAL_FATAL(mkdir("presets", 0777), 0);
    scratch_write("presets/small.toml", "inherits = 'smaller'\na = 1\n");
    scratch_write("presets/smaller.toml", "a = 0\nb = 2\n");
    scratch_write("own.toml", "inherits = 'small'\nc = 3\n");
    cfg_doc *doc = cfg_load_from("own.toml", "presets");
    CU_ASSERT_PTR_NULL(cfg_error(doc));
    CU_ASSERT_STRING_EQUAL(cfg_where(cfg_root(doc), "a"), "presets/small.toml:2:5");
    CU_ASSERT_STRING_EQUAL(cfg_where(cfg_root(doc), "b"), "presets/smaller.toml:2:5");
    cfg_free(doc);
    scratch_write("own.toml", "inherits = 'smal'\n");
    doc = cfg_load_from("own.toml", "presets");
    says(doc, "own.toml:1:12: inherits: no 'smal' in presets; did you mean 'small'?");
    cfg_free(doc);
    scratch_write("presets/small.toml", "inherits = 'small'\n");
    doc = cfg_load_from("presets/small.toml", "presets");
    says(doc, "presets/small.toml:1:12: 'small' inherits, in the end, from itself");
    cfg_free(doc);
    doc = cfg_load("own.toml"); /* without a folder it is a path */
    says(doc, "own.toml:1:12: inherits: smal: cannot open: No such file or directory");
    cfg_free(doc);
    unlink("presets/small.toml");
    unlink("presets/smaller.toml");
    CU_ASSERT_EQUAL(rmdir("presets"), 0);
    unlink("own.toml");
}

static void inherits_that_goes_wrong(void)
{
    scratch_write("self.toml", "inherits = 'self.toml'\n");
    cfg_doc *doc = cfg_load("self.toml");
    says(doc, "self.toml:1:12: 'self.toml' inherits, in the end, from itself");
    cfg_free(doc);
    scratch_write("one.toml", "a = 1\ninherits = './two.toml'\n");
    scratch_write("two.toml", "inherits = 'one.toml'\n");
    doc = cfg_load("one.toml");
    says(doc, "./two.toml:1:12: 'one.toml' inherits, in the end, from itself");
    cfg_free(doc);
    doc = cfg_parse("inherits = 'absent.toml'\n", "v.toml");
    says(doc, "v.toml:1:12: inherits: absent.toml: cannot open: No such file or directory");
    cfg_free(doc);
    doc = cfg_parse("inherits = 5\n", "v.toml");
    says(doc, "v.toml:1:12: inherits: expected a file name, found a number");
    cfg_free(doc);
    scratch_write("bad.toml", "x = \n");
    doc = cfg_parse("inherits = 'bad.toml'\n", "v.toml");
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg_error(doc));
    CU_ASSERT_EQUAL(strncmp(cfg_error(doc), "bad.toml:1:5: not valid TOML: ", 30), 0);
    cfg_free(doc);
}

/* ---- overrides ------------------------------------------------------------------------------------------------- */

#define PLAIN "n = 1\ns = 'x'\nl = [1, 2]\n[t]\nk = 1\n[[vm]]\nm = '1 GiB'\n[[vm]]\nm = '2 GiB'\n"

static void override_gives(const char *assignment, const char *expected_json)
{
    cfg_doc *doc = cfg_parse(PLAIN, "v.toml");
    CU_ASSERT_TRUE(cfg_override(doc, assignment));
    says(doc, NULL);
    json_is(doc, expected_json);
    cfg_free(doc);
}

static void overrides_reach_every_place(void)
{
#define VMS ", \"vm\": [{\"m\": \"1 GiB\"}, {\"m\": \"2 GiB\"}]"
#define REST ", \"l\": [1, 2], \"t\": {\"k\": 1}" VMS
    override_gives("n=5", "{\"n\": 5, \"s\": \"x\"" REST "}");
    override_gives(" s = word ", "{\"n\": 1, \"s\": \"word\"" REST "}");
    override_gives("s='two words'", "{\"n\": 1, \"s\": \"two words\"" REST "}");
    override_gives("s=3 GHz", "{\"n\": 1, \"s\": \"3 GHz\"" REST "}");
    override_gives("s=a=b", "{\"n\": 1, \"s\": \"a=b\"" REST "}");
    override_gives("s=0-7", "{\"n\": 1, \"s\": \"0-7\"" REST "}");
    override_gives("l=[7]", "{\"n\": 1, \"s\": \"x\", \"l\": [7], \"t\": {\"k\": 1}" VMS "}");
    override_gives("l.1=7", "{\"n\": 1, \"s\": \"x\", \"l\": [1, 7], \"t\": {\"k\": 1}" VMS "}");
    override_gives("t.k=2.5", "{\"n\": 1, \"s\": \"x\", \"l\": [1, 2], \"t\": {\"k\": 2.5}" VMS "}");
    override_gives("t={j=true}", "{\"n\": 1, \"s\": \"x\", \"l\": [1, 2], \"t\": {\"j\": true}" VMS "}");
    override_gives("a.b.c=1", "{\"n\": 1, \"s\": \"x\"" REST ", \"a\": {\"b\": {\"c\": 1}}}");
    override_gives("vm.1.m='3 GiB'", "{\"n\": 1, \"s\": \"x\", \"l\": [1, 2], \"t\": {\"k\": 1}, \"vm\": [{\"m\": \"1 "
                                     "GiB\"}, {\"m\": \"3 GiB\"}]}");
}

static void override_fails(const char *assignment, const char *expected)
{
    cfg_doc *doc = cfg_parse(PLAIN, "v.toml");
    CU_ASSERT_FALSE(cfg_override(doc, assignment));
    says(doc, expected);
    cfg_free(doc);
}

static void bad_overrides_are_refused(void)
{
    override_fails("n", "--set n: expected key=value");
    override_fails("n=", "--set n: expected key=value");
    override_fails("=5", "--set : expected a dotted key before the '=', found ''");
    override_fails("a..b=5", "--set a..b: expected a dotted key before the '=', found 'a..b'");
    override_fails("a b=5", "--set a b: expected a dotted key before the '=', found 'a b'");
    override_fails("n='x", "--set n: not a TOML value: 'x");
    override_fails("n=[1", "--set n: not a TOML value: [1");
    override_fails("n.x=1", "--set n.x: 'n' is a number, not a table");
    override_fails("vm.2.m=1", "--set vm.2.m: 'vm' has 2 elements, counted from 0; there is no '2'");
    override_fails("vm.m=1", "--set vm.m: 'vm' has 2 elements, counted from 0; there is no 'm'");
}

static void later_errors_name_the_override(void)
{
    cfg_doc *doc = cfg_parse("name = 'n'\n", "v.toml");
    CU_ASSERT_TRUE(cfg_override(doc, "count=99"));
    CU_ASSERT_STRING_EQUAL(cfg_file_of(cfg_root(doc), "count"), "");
    read_like_a_program(doc);
    says(doc, "--set count: count = 99 is out of range, expected 1 to 10");
    cfg_free(doc);
    doc = cfg_parse("name = 'n'\n[xen]\nsched = 'null'\n", "v.toml");
    CU_ASSERT_TRUE(cfg_override(doc, "xen.shced=credit"));
    read_like_a_program(doc);
    says(doc, "--set xen.shced: unknown key 'shced' in [xen]; did you mean 'sched'?");
    cfg_free(doc);
    doc = cfg_parse("name = 'n'\n", "v.toml"); /* a second line would be a second key */
    CU_ASSERT_TRUE(cfg_override(doc, "name=1\ncount = 5"));
    json_is(doc, "{\"name\": \"1\\ncount = 5\"}");
    cfg_free(doc);
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

static void nearest_names(void)
{
    static const char *const words[] = {"duration", "warmup", "sched", "specjbb2005", "GHz", NULL};
    static const struct {
        const char *typed, *near;
    } cases[] = {
        {"duratoin", "duration"},  {"duraton", "duration"},
        {"durations", "duration"}, {"wramup", "warmup"},
        {"SCHED", NULL},           {"specjbb", "specjbb2005"},
        {"elephant", NULL},        {"", NULL},
        {"shced", "sched"},        {"GH", "GHz"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got = cfg_nearest(cases[i].typed, words);
        if (cases[i].near) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(got);
            CU_ASSERT_STRING_EQUAL(got, cases[i].near);
        } else if (cases[i].typed[0] == 'S') {
            CU_ASSERT_STRING_EQUAL(got, "sched"); /* case is the smallest slip */
        } else {
            CU_ASSERT_PTR_NULL(got);
        }
    }
}

static void clean_up(void)
{
    static const char *const files[] = {"base.toml", "mid.toml", "top.toml", "self.toml",
                                        "one.toml",  "two.toml", "bad.toml", NULL};
    scratch_leave(files);
}

static const struct cunit_case tests[] = {
    {"set-up", scratch_enter},
    {"every kind of value is read", every_kind_of_value_is_read},
    {"absent keys keep the default", absent_keys_keep_the_default},
    {"keys come in the order of the file", keys_come_in_the_order_of_the_file},
    {"JSON escapes and keeps reals exact", json_escapes_and_keeps_reals_exact},
    {"quantities are exact", quantities_are_exact},
    {"wrong quantities are refused", wrong_quantities_are_refused},
    {"TOML errors have a place", toml_errors_have_a_place},
    {"a key of a thousand levels is refused", a_key_of_a_thousand_levels_is_refused},
    {"wrong values are refused", wrong_values_are_refused},
    {"missing and unknown keys", missing_and_unknown_keys},
    {"the first error wins", the_first_error_wins},
    {"readers report at the place of a key", readers_report_at_the_place_of_a_key},
    {"files that cannot be read", files_that_cannot_be_read},
    {"inherits merges table by table", inherits_merges_table_by_table},
    {"inherits by name: a preset", inherits_by_name},
    {"inherits that goes wrong", inherits_that_goes_wrong},
    {"overrides reach every place", overrides_reach_every_place},
    {"bad overrides are refused", bad_overrides_are_refused},
    {"later errors name the override", later_errors_name_the_override},
    {"nearest names", nearest_names},
    {"clean-up", clean_up},
};

CUNIT_MAIN("config", tests)
