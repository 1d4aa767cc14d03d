/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorded placements and suites of expectations with mistakes of every kind in them: tokens exchanged, left out, put
 * twice, replaced by numbers and words that are not what was meant, bytes changed. Whatever the text, it is read, or
 * refused with its file's name; what is read can be made a scenario, and that is loaded, or refused. With --slow more.
 */
#include "check.h"
#include "replay_placement.h"

#include <cunit_main.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXT 32768
#define MAX_TOKENS 8192

static unsigned rounds = 1500;
static uint32_t state;
static char text[2 * MAX_TEXT];

static unsigned below(unsigned n)
{
    state = state * 1664525u + 1013904223u;
    return (unsigned)(((uint64_t)state * n) >> 32);
}

/* ---- mistakes -----------------------------------------------------------------------------------------------------
 */

struct token {
    unsigned at, len;
};

/* Strings, words with numbers, and what stands by itself. */
static unsigned cut(const char *s, struct token *t)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-";
    unsigned n = 0;
    for (unsigned i = 0; s[i] && n < MAX_TOKENS;) {
        unsigned len = (unsigned)strspn(s + i, plain);
        if (s[i] == '"') {
            len = 1 + (unsigned)strcspn(s + i + 1, "\"\n");
            len += s[i + len] == '"';
        }
        len = len ? len : 1;
        if (!strchr(" \n", s[i]))
            t[n++] = (struct token){i, len};
        i += len;
    }
    return n;
}

static void put_over(struct token t, const char *new, size_t len)
{
    size_t rest = strlen(text + t.at + t.len) + 1;
    if (t.at + len + rest > sizeof(text))
        return;
    memmove(text + t.at + len, text + t.at + t.len, rest);
    memcpy(text + t.at, new, len);
}

static void make_mistake(void)
{
    static const char *const wrong[] = {
        "0",           "-1",        "1",       "2",         "4294967296", "18446744073709551616",
        "1e308",       "0.5",       "null",    "true",      "[]",         "{}",
        "\"\"",        "\"all\"",   "[1]",     "[[0],[1]]", "\"^0\"",     "\"0-63\"",
        "\"nodes:7\"", "\"1 PiB\"", "\"0 B\"", "\"-3 %\"",  "nan",        "52428800000"};
    static struct token t[MAX_TOKENS];
    static char copy[sizeof(text)];
    unsigned n = cut(text, t);
    if (!n)
        return;
    struct token a = t[below(n)], b = t[below(n)];
    const char *w = wrong[below(sizeof(wrong) / sizeof(wrong[0]))];
    strcpy(copy, text);
    switch (below(6)) {
    case 0:
        put_over(a, w, strlen(w));
        break;
    case 1: /* another token of the same text */
        put_over(a, copy + b.at, b.len);
        break;
    case 2: /* twice */
        put_over((struct token){a.at, 0}, copy + a.at, a.len);
        break;
    case 3:
        put_over(a, "", 0);
        break;
    case 4: /* a longer piece is left out, or stands there twice */
        if (b.at > a.at && below(2))
            put_over((struct token){a.at, b.at - a.at}, "", 0);
        else if (b.at > a.at)
            put_over((struct token){a.at, 0}, copy + a.at, b.at - a.at);
        break;
    default:
        text[a.at + below(a.len)] = (char)(1 + below(255));
    }
}

/* ---- files --------------------------------------------------------------------------------------------------------
 */

static char seed_text[MAX_TEXT];

static bool read_seed(const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(seed_text, 1, sizeof(seed_text) - 1, f);
    seed_text[n] = 0;
    fclose(f);
    return n > 0;
}

static void write_file(const char *path)
{
    FILE *f = fopen(path, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* A mistake, or a few of them, in the seed; written to path. */
static void next_text(unsigned round, const char *path)
{
    state = 77 * round + 5;
    strcpy(text, seed_text);
    for (unsigned i = 1 + below(3); i-- > 0;)
        make_mistake();
    write_file(path);
}

static void refused_with_its_name(const struct fault *f, const char *path, unsigned round)
{
    bool good = f->code == EXIT_BAD_INPUT && strstr(f->text, path);
    CU_ASSERT(good);
    if (!good)
        fprintf(stdout, "\nround %u: code %d: %s\n", round, (int)f->code, f->text);
}

/* ---- the tests ----------------------------------------------------------------------------------------------------
 */

static bool make_scene(const struct placement_record *r, unsigned round)
{
    struct fault f = {0};
    char path[PATH_MAX], *err = NULL;
    placement_scene_write(r, r->level, ".", "scene", path, sizeof(path), &f);
    struct scenario *s = f.code == EXIT_DONE ? scenario_load(path, NULL, &err) : NULL;
    bool good = s || err || f.code == EXIT_BAD_INPUT;
    CU_ASSERT(good);
    if (!good)
        fprintf(stdout, "\nround %u: %s\n", round, f.text);
    scenario_free(s);
    free(err);
    nftw("scene", remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return s != NULL;
}

static void records(void)
{
    static const char *const seeds[] = {"A21-2n4c2g", "A22-3n_memless", "A05-4n2c1.5g"};
    unsigned read = 0, loaded = 0;
    for (unsigned round = 0; round < rounds; round++) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/results/reference/real-xen/placement/%s.json", HVSIM_SOURCE_DIR,
                 seeds[round % 3]);
        CU_ASSERT_FATAL(read_seed(path));
        next_text(round, "r.json");
        struct placement_record r = {0};
        struct fault f = {0};
        placement_read(&r, "r.json", &f);
        r.path = "r.json";
        if (f.code != EXIT_DONE)
            refused_with_its_name(&f, "r.json", round);
        else if (++read % 8 == 0)
            loaded += make_scene(&r, round);
        placement_free(&r);
    }
    /* Neither all nor none of it is nonsense. */
    CU_ASSERT(read > rounds / 20 && read < rounds / 2);
    CU_ASSERT(loaded > 0);
}

static void suites(void)
{
    static const char *const seeds[] = {"westmere-ep-2s", "vnuma", "placement-quirks", "epyc-7601-2s"};
    unsigned read = 0;
    for (unsigned round = 0; round < rounds; round++) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/workloads/suites/%s.toml", HVSIM_SOURCE_DIR, seeds[round % 4]);
        CU_ASSERT_FATAL(read_seed(path));
        next_text(round, "s.toml");
        struct fault f = {0};
        struct check_suite *s = check_load("s.toml", &f);
        CU_ASSERT_EQUAL(s != NULL, f.code == EXIT_DONE);
        if (s)
            read++;
        else
            refused_with_its_name(&f, "s.toml", round);
        check_suite_free(s);
    }
    CU_ASSERT(read > rounds / 20 && read < rounds * 3 / 4);
}

/* ---- main ---------------------------------------------------------------------------------------------------------
 */

static char dir[] = "/tmp/hvsim-fuzz-XXXXXX";
static int old_err;

static void in_a_directory_of_its_own(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    CU_ASSERT_FATAL(chdir(dir) == 0);
    fflush(NULL);
    old_err = dup(2);
    if (!freopen("/dev/null", "w", stderr)) /* keys that are not known are named there */
        abort();
}

static void clean_up(void)
{
    fflush(NULL);
    dup2(old_err, 2);
    CU_ASSERT(chdir("/") == 0);
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const struct cunit_case tests[] = {{"set-up", in_a_directory_of_its_own},
                                          {"records with mistakes", records},
                                          {"suites with mistakes", suites},
                                          {"clean-up", clean_up}};

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--slow"))
        rounds = 100000;
    return cunit_run("fuzz placement", tests, sizeof(tests) / sizeof(tests[0]));
}
