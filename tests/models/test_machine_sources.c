/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every value of a machine file carries its source. Mechanically: its comments - on its own line and indented below it,
 * inside its array, on the lines directly above it, or those of its table's header, which the following tables of the
 * same name share - have one of the words that models/machines/SOURCES.md lists.
 */
#include <ctype.h>
#include <cunit_main.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MACHINES HVSIM_SOURCE_DIR "/models/machines/"
#define MAX_WORDS 64

static char *words[MAX_WORDS];
static bool used[MAX_WORDS];
static unsigned nr_words;

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    char *text = calloc(1, 1 << 16);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t n = fread(text, 1, (1 << 16) - 1, f);
    fclose(f);
    CU_ASSERT_FATAL(n > 0 && n < (1 << 16) - 1);
    return text;
}

/* The first column of the table: rows "| `word` | ...". */
static void read_words(void)
{
    char *text = read_file(MACHINES "SOURCES.md");
    for (char *at = text; (at = strstr(at, "\n| `"));) {
        at += 4;
        size_t n = strcspn(at, "`");
        CU_ASSERT_FATAL(nr_words < MAX_WORDS && n > 0);
        words[nr_words++] = strndup(at, n);
    }
    free(text);
    CU_ASSERT_FATAL(nr_words > 10);
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at++)
        if ((at == text || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[n]))
            return true;
    return false;
}

static bool has_source(const char *text)
{
    bool found = false;
    for (unsigned i = 0; i < nr_words; i++)
        if (has_word(text, words[i]))
            used[i] = found = true;
    return found;
}

/* ---- a file, line by line ---------------------------------------------------------------------------------------- */

struct reader {
    char above[4096];  /* comment lines directly above */
    char header[128];  /* "[[node]]" */
    bool header_has;   /* its comments have a source */
    char key[128];     /* a value whose comments are being read; "": none */
    unsigned line;     /* where it is */
    char own[4096];    /* its comments */
    int depth;         /* of its brackets */
    unsigned first;    /* line of the first value without a source; 0: none */
    unsigned nr_found; /* values */
};

static void add(char *to, const char *text)
{
    size_t n = strlen(to);
    snprintf(to + n, 4096 - n, " %s", text);
}

static void end_value(struct reader *r)
{
    static const char *const exempt[] = {"name", "description", "isa", "inherits", "costs"};
    bool ok = has_source(r->own) || r->header_has;
    for (size_t i = 0; i < sizeof(exempt) / sizeof(exempt[0]); i++)
        ok = ok || (!strcmp(r->key, exempt[i]) && (!*r->header || !strcmp(r->header, "[[core_kind]]")));
    /* The core that the file is about; models/cores/ has its sources. */
    ok = ok || (!strcmp(r->key, "model") && !strcmp(r->header, "[core]"));
    if (*r->key && !ok && !r->first)
        r->first = r->line;
    r->nr_found += *r->key != 0;
    *r->key = *r->own = 0;
}

/* The comment of a line, and how deep in brackets its end is. */
static const char *scan(const char *line, int *depth)
{
    char quote = 0;
    for (; *line && (quote || *line != '#'); line++) {
        if (quote)
            quote = *line == quote ? 0 : quote;
        else if (*line == '"' || *line == '\'')
            quote = *line;
        else
            *depth += *line == '[' || *line == '{' ? 1 : *line == ']' || *line == '}' ? -1 : 0;
    }
    return line;
}

static void read_header(struct reader *r, const char *line)
{
    char name[128];
    int depth = 0;
    size_t n = strcspn(line, "#");
    while (n > 0 && line[n - 1] != ']')
        n--;
    snprintf(name, sizeof(name), "%.*s", (int)n, line);
    bool again = name[1] == '[' && !strcmp(name, r->header);
    add(r->above, scan(line, &depth));
    bool has = has_source(r->above);
    r->header_has = has || (again && r->header_has);
    snprintf(r->header, sizeof(r->header), "%s", name);
    *r->above = 0;
}

static void read_line(struct reader *r, const char *line, unsigned nr)
{
    bool comment = line[strspn(line, " \t")] == '#';
    if (*r->key && (r->depth > 0 || (comment && *line != '#'))) { /* goes on */
        add(r->own, scan(line, &r->depth));
        return;
    }
    end_value(r);
    if (comment) {
        add(r->above, line);
    } else if (*line == '[') {
        read_header(r, line);
    } else if (strchr(line, '=')) {
        r->line = nr;
        snprintf(r->key, sizeof(r->key), "%.*s", (int)strcspn(line, " ="), line);
        snprintf(r->own, sizeof(r->own), "%s", r->above);
        r->depth = 0;
        add(r->own, scan(line, &r->depth));
        *r->above = 0;
    } else {
        *r->above = 0; /* what stands apart belongs to nothing */
    }
}

/* Line of the first value without a source, 0 if there is none; *nr: values. */
static unsigned unsourced(char *text, unsigned *nr)
{
    struct reader r = {0};
    unsigned line = 1;
    for (char *at = text, *end; at; at = end, line++) {
        end = strchr(at, '\n');
        if (end)
            *end++ = 0;
        read_line(&r, at, line);
    }
    end_value(&r);
    *nr = r.nr_found;
    return r.first;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void the_rule_finds_what_has_none(void)
{
    static const struct {
        const char *text;
        unsigned line;
    } rows[] = {
        {"name = 'x'\nisa = 'y'\n", 0},
        {"[a]\nb = 1\n", 2},
        {"b = 1\n", 1},
        {"[a] # estimated\nb = 1\n\nc = 2\n", 0},
        {"# estimated\n[a]\nb = 1\n", 0},
        {"# estimated\n\n[a]\nb = 1\n", 4}, /* stands apart */
        {"[a]\nb = 1 # a good figure\n", 2},
        {"[a]\nb = 1 # T19\n", 0},
        {"[a]\nb = 1 # T1\n", 2},
        {"[a]\nb = 1 # T192\n", 2}, /* a word, not a part of one */
        {"[a]\n# T19: this\nb = 1\nc = 2\n", 4},
        {"[a]\nb = 1 # the value,\n      # estimated\nc = 2 # T19\n", 0},
        {"[a]\nb = 1\n# estimated\nc = 2\n", 2},
        {"[a]\nb = [ 1,\n 2 ] # 7-cpu\n", 0},
        {"[a]\nb = [ 1, # 7-cpu\n 2 ]\nc = 1\n", 4},
        {"[a]\nb = '# estimated'\n", 2}, /* no comment */
        {"# T18\n[[n]]\nb = 1\n\n[[n]]\nb = 2\n", 0},
        {"# T18\n[[n]]\nb = 1\n\n[m]\nb = 2\n", 6},
        {"# T18\n[n]\nb = 1\n\n[n]\nb = 2\n", 6},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned nr;
        char *text = strdup(rows[i].text);
        unsigned line = unsourced(text, &nr);
        if (line != rows[i].line)
            fprintf(stderr, "\n  row %zu: line %u, expected %u\n", i, line, rows[i].line);
        CU_ASSERT_EQUAL(line, rows[i].line);
        free(text);
    }
    memset(used, 0, sizeof(used));
}

static void every_value_has_its_source(void)
{
    glob_t g;
    CU_ASSERT_EQUAL_FATAL(glob(MACHINES "*.toml", 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        unsigned nr;
        char *text = read_file(g.gl_pathv[i]);
        unsigned line = unsourced(text, &nr);
        if (line)
            fprintf(stderr, "\n  %s:%u: no source\n", g.gl_pathv[i], line);
        CU_ASSERT_EQUAL(line, 0);
        CU_ASSERT(nr >= 3); /* something was read */
        free(text);
    }
    CU_ASSERT(g.gl_pathc >= 25);
    globfree(&g);
}

/* A source that nobody names is a row too many. */
static void every_source_is_used(void)
{
    for (unsigned i = 0; i < nr_words; i++) {
        if (!used[i])
            fprintf(stderr, "\n  SOURCES.md: '%s' is named by no machine file\n", words[i]);
        CU_ASSERT(used[i]);
        free(words[i]);
    }
}

static const struct cunit_case tests[] = {
    {"SOURCES.md lists the words", read_words},
    {"the rule finds what has none", the_rule_finds_what_has_none},
    {"every value has its source", every_value_has_its_source},
    {"every source is used", every_source_is_used},
};

CUNIT_MAIN("sources of machine files", tests)
