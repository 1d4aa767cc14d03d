/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WORD 4u
#define WINDOW_HEADER (3u * WORD)
#define LOST_WORDS 4u
/* Bits 16-27 of an event id are its class, one bit each. */
#define CLASS_SHIFT 16
#define CLASS_MASK 0xfffu

struct parser {
    const unsigned char *p;
    size_t n;
    const char *name;
    struct trace *t;
    struct fault *f;
    uint64_t last_tsc[TRACE_MAX_CPUS]; /* 0: none yet */
};

static uint32_t word_at(const struct parser *ps, size_t at)
{
    const unsigned char *b = ps->p + at;
    return b[0] | ((uint32_t)b[1] << 8) | ((uint32_t)b[2] << 16) | ((uint32_t)b[3] << 24);
}

static int bad(struct parser *ps, size_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int bad(struct parser *ps, size_t at, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return fault_set(ps->f, EXIT_BAD_INPUT, "%s: byte %zu: %s", ps->name, at, text);
}

static struct trace_record *add_record(struct parser *ps)
{
    struct trace *t = ps->t;
    if (t->nr == t->room) {
        size_t room = t->room ? 2 * t->room : 1024;
        struct trace_record *r = realloc(t->rec, room * sizeof(*r));
        if (!r) {
            fault_set(ps->f, EXIT_HOST_FAILED, "%s: out of memory", ps->name);
            return NULL;
        }
        t->rec = r;
        t->room = room;
    }
    return &t->rec[t->nr++];
}

static int check_tsc(struct parser *ps, size_t at, unsigned cpu, uint64_t tsc)
{
    struct trace *t = ps->t;
    if (tsc == 0)
        return bad(ps, at, "a TSC of 0");
    if (tsc < ps->last_tsc[cpu])
        return bad(ps, at, "TSC %" PRIu64 " of pCPU %u is before that of its last record, %" PRIu64, tsc, cpu,
                   ps->last_tsc[cpu]);
    ps->last_tsc[cpu] = tsc;
    if (!t->first_tsc || tsc < t->first_tsc)
        t->first_tsc = tsc;
    if (tsc > t->last_tsc)
        t->last_tsc = tsc;
    return EXIT_DONE;
}

/* What only some events must fulfil. */
static int check_event(struct parser *ps, size_t at, uint32_t event, bool has_tsc, unsigned nr_words)
{
    uint32_t class = (event >> CLASS_SHIFT) & CLASS_MASK;
    if (class == 0 || (class & (class - 1)))
        return bad(ps, at, "event 0x%07x: its class 0x%03x is not exactly one bit", event, class);
    if (event == TRACE_CPU_CHANGE)
        return bad(ps, at, "a CPU change inside of a window");
    if (event == TRACE_LOST_RECORDS && (!has_tsc || nr_words != LOST_WORDS))
        return bad(ps, at, "a lost-records record with %s TSC and %u words; expected a TSC and %u words",
                   has_tsc ? "a" : "no", nr_words, LOST_WORDS);
    if (!trace_is_runstate(event) && event != TRACE_CONTINUE_RUNNING)
        return EXIT_DONE;
    if (!has_tsc || nr_words != 1)
        return bad(ps, at, "event 0x%07x with %s TSC and %u words; expected a TSC and 1 word", event,
                   has_tsc ? "a" : "no", nr_words);
    unsigned from = trace_runstate_old(event), to = trace_runstate_new(event);
    if (event != TRACE_CONTINUE_RUNNING && (from >= TRACE_RUNSTATES || to >= TRACE_RUNSTATES || from == to))
        return bad(ps, at, "event 0x%07x: no change from runstate %u to %u exists", event, from, to);
    return EXIT_DONE;
}

/* The record at `at`, which must end by `end`. Returns its length in bytes, 0 after a fault. */
static size_t parse_record(struct parser *ps, size_t at, size_t end, unsigned cpu)
{
    uint32_t header = word_at(ps, at), event = header & TRACE_HEADER_EVENT;
    bool has_tsc = header & TRACE_HEADER_TSC;
    unsigned nr_words = (header >> TRACE_HEADER_WORDS_SHIFT) & TRACE_MAX_WORDS;
    size_t length = WORD * (1 + (has_tsc ? 2 : 0) + nr_words);
    if (end - at < length) {
        bad(ps, at, "a record of %zu bytes, but its window ends in %zu", length, end - at);
        return 0;
    }
    if (event == TRACE_WRAP) /* padding at the end of the ring */
        return length;
    if (check_event(ps, at, event, has_tsc, nr_words))
        return 0;
    uint64_t tsc = ps->last_tsc[cpu];
    if (has_tsc) {
        tsc = word_at(ps, at + WORD) | (uint64_t)word_at(ps, at + 2 * WORD) << 32;
        if (check_tsc(ps, at + WORD, cpu, tsc))
            return 0;
    }
    struct trace_record *r = add_record(ps);
    if (!r)
        return 0;
    *r = (struct trace_record){.tsc = tsc,
                               .offset = at,
                               .event = event,
                               .cpu = (uint16_t)cpu,
                               .nr_words = (uint8_t)nr_words,
                               .has_tsc = has_tsc};
    for (unsigned i = 0; i < nr_words; i++)
        r->word[i] = word_at(ps, at + length - WORD * (nr_words - i));
    if (event == TRACE_LOST_RECORDS)
        ps->t->lost += r->word[0];
    return length;
}

/* The window at `at`. Returns its length in bytes, 0 after a fault. */
static size_t parse_window(struct parser *ps, size_t at)
{
    if (ps->n - at < WINDOW_HEADER) {
        bad(ps, at, "the file ends after %zu bytes of a window's header of %u", ps->n - at, WINDOW_HEADER);
        return 0;
    }
    uint32_t header = word_at(ps, at), cpu = word_at(ps, at + WORD), length = word_at(ps, at + 2 * WORD);
    if (header != TRACE_CPU_CHANGE_HEADER) {
        bad(ps, at, "0x%08x where a window begins; expected a CPU change, 0x%08x", header, TRACE_CPU_CHANGE_HEADER);
        return 0;
    }
    if (cpu >= TRACE_MAX_CPUS) {
        bad(ps, at + WORD, "pCPU %u; expected less than %u", cpu, TRACE_MAX_CPUS);
        return 0;
    }
    size_t begin = at + WINDOW_HEADER;
    if (length % WORD) {
        bad(ps, at + 2 * WORD, "a window of %u bytes; expected whole words", length);
        return 0;
    }
    if (length > ps->n - begin) {
        bad(ps, at + 2 * WORD, "a window of %u bytes, but the file ends in %zu", length, ps->n - begin);
        return 0;
    }
    for (size_t p = begin; p < begin + length;) {
        size_t step = parse_record(ps, p, begin + length, cpu);
        if (!step)
            return 0;
        p += step;
    }
    if (cpu >= ps->t->nr_cpus)
        ps->t->nr_cpus = cpu + 1;
    ps->t->windows++;
    return WINDOW_HEADER + length;
}

int trace_parse(const void *bytes, size_t nr_bytes, const char *name, struct trace *out, struct fault *f)
{
    memset(out, 0, sizeof(*out));
    struct parser *ps = calloc(1, sizeof(*ps));
    if (!ps)
        return fault_set(f, EXIT_HOST_FAILED, "%s: out of memory", name);
    *ps = (struct parser){.p = bytes, .n = nr_bytes, .name = name, .t = out, .f = f};
    int exit = EXIT_DONE;
    if (!nr_bytes)
        exit = bad(ps, 0, "an empty file; expected a CPU change, 0x%08x", TRACE_CPU_CHANGE_HEADER);
    for (size_t at = 0; !exit && at < nr_bytes;) {
        size_t step = parse_window(ps, at);
        if (!step)
            exit = f->code;
        at += step;
    }
    if (exit)
        trace_free(out);
    free(ps);
    return exit;
}

int trace_read_stream(FILE *in, const char *name, struct trace *out, struct fault *f)
{
    memset(out, 0, sizeof(*out));
    size_t nr = 0, room = 0;
    unsigned char *bytes = NULL;
    for (;;) {
        if (nr == room) {
            room = room ? 2 * room : 1u << 16;
            unsigned char *more = realloc(bytes, room);
            if (!more) {
                fault_set(f, EXIT_HOST_FAILED, "%s: out of memory", name);
                break;
            }
            bytes = more;
        }
        size_t got = fread(bytes + nr, 1, room - nr, in);
        nr += got;
        if (got == 0) {
            if (ferror(in))
                fault_set(f, EXIT_BAD_INPUT, "%s: %s", name, strerror(errno));
            break;
        }
    }
    if (!f->code)
        trace_parse(bytes, nr, name, out, f);
    free(bytes);
    return f->code;
}

int trace_read(const char *path, struct trace *out, struct fault *f)
{
    memset(out, 0, sizeof(*out));
    FILE *in = fopen(path, "re");
    if (!in)
        return fault_set(f, EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
    trace_read_stream(in, path, out, f);
    fclose(in);
    return f->code;
}

void trace_free(struct trace *t)
{
    free(t->rec);
    memset(t, 0, sizeof(*t));
}

static int by_time(const void *x, const void *y)
{
    const struct trace_record *a = x, *b = y;
    if (a->tsc != b->tsc)
        return a->tsc < b->tsc ? -1 : 1;
    if (a->cpu != b->cpu)
        return a->cpu < b->cpu ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

void trace_sort(struct trace *t)
{
    if (t->nr)
        qsort(t->rec, t->nr, sizeof(*t->rec), by_time);
}
