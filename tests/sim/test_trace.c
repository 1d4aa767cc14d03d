/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of xentrace files, and what trace_stats makes of them. */
#include "cunit_main.h"
#include "trace_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RECORDING HVSIM_SOURCE_DIR "/results/reference/real-xen/trace/credit-sched-5s.bin"
#define SUMMARY HVSIM_SOURCE_DIR "/results/reference/real-xen/trace/credit-sched-5s.summary.txt"
#define RECORDING_HZ 2596124000.0

/* ---- a file made by hand --------------------------------------------------------------------------------------- */

struct bytes {
    size_t n, window; /* window: offset of the open window's header */
    unsigned char b[65536];
};

static void put(struct bytes *o, uint32_t w)
{
    for (int i = 0; i < 4; i++)
        o->b[o->n++] = (unsigned char)(w >> (8 * i));
}

static void set(struct bytes *o, size_t at, uint32_t w)
{
    size_t n = o->n;
    o->n = at;
    put(o, w);
    o->n = n;
}

static void window(struct bytes *o, uint32_t cpu)
{
    o->window = o->n;
    put(o, TRACE_CPU_CHANGE_HEADER);
    put(o, cpu);
    put(o, 0);
}

static void close_window(struct bytes *o)
{
    set(o, o->window + 8, (uint32_t)(o->n - o->window - 12));
}

static void record(struct bytes *o, uint32_t event, uint64_t tsc, unsigned n, const uint32_t *w)
{
    put(o, event | n << TRACE_HEADER_WORDS_SHIFT | TRACE_HEADER_TSC);
    put(o, (uint32_t)tsc);
    put(o, (uint32_t)(tsc >> 32));
    for (unsigned i = 0; i < n; i++)
        put(o, w[i]);
    close_window(o);
}

enum { RUN, WAIT, BLOCK, OFF };

static void change(struct bytes *o, uint64_t tsc, unsigned dom, unsigned vcpu, unsigned from, unsigned to)
{
    record(o, TRACE_RUNSTATE_CHANGE + (from << 8) + (to << 4), tsc, 1, &(uint32_t){dom << 16 | vcpu});
}

static void statistics(const struct bytes *o, struct trace_stats *s)
{
    struct fault f = {0};
    struct trace t;
    memset(s, 0, sizeof(*s));
    CU_ASSERT_EQUAL_FATAL(trace_parse(o->b, o->n, "made", &t, &f), EXIT_DONE);
    trace_sort(&t);
    CU_ASSERT_EQUAL_FATAL(trace_stats_collect(&t, s, &f), EXIT_DONE);
    trace_free(&t);
}

/* ---- the reader ------------------------------------------------------------------------------------------------- */

static void test_example_bytes(void)
{
    /* d1v0 running -> blocked at TSC 1,000,000,000 on pCPU 1, as the format's description writes it out. */
    static const unsigned char file[] = {0x03, 0xf0, 0x01, 0x20, 1,    0,    0,    0,    0x10, 0, 0, 0, 0x21, 0x10,
                                         0x02, 0x90, 0x00, 0xca, 0x9a, 0x3b, 0x00, 0x00, 0x00, 0, 0, 0, 1,    0};
    struct fault f = {0};
    struct trace t;
    CU_ASSERT_EQUAL_FATAL(trace_parse(file, sizeof(file), "example", &t, &f), EXIT_DONE);
    CU_ASSERT_EQUAL(t.windows, 1);
    CU_ASSERT_EQUAL(t.nr_cpus, 2);
    CU_ASSERT_EQUAL_FATAL(t.nr, 1);
    CU_ASSERT_EQUAL(t.rec[0].cpu, 1);
    CU_ASSERT_EQUAL(t.rec[0].event, 0x21021);
    CU_ASSERT_TRUE(t.rec[0].has_tsc);
    CU_ASSERT_EQUAL(t.rec[0].tsc, 1000000000);
    CU_ASSERT_EQUAL(t.rec[0].nr_words, 1);
    CU_ASSERT_EQUAL(t.rec[0].word[0], 0x10000);
    CU_ASSERT_EQUAL(t.rec[0].offset, 12);
    CU_ASSERT_EQUAL(t.first_tsc, 1000000000);
    CU_ASSERT_EQUAL(t.last_tsc, 1000000000);
    trace_free(&t);
}

static void test_order_of_windows_and_padding(void)
{
    static struct bytes o;
    o = (struct bytes){0};
    struct fault f = {0};
    struct trace t;
    window(&o, 1);
    change(&o, 20, 1, 0, RUN, WAIT);
    put(&o, TRACE_WRAP | 3u << TRACE_HEADER_WORDS_SHIFT); /* padding with three words */
    for (int i = 0; i < 3; i++)
        put(&o, 0xdeadbeef);
    put(&o, 0x10f004 | 1u << TRACE_HEADER_WORDS_SHIFT); /* a record without TSC */
    put(&o, 7);
    close_window(&o);
    window(&o, 0);
    close_window(&o); /* nothing in it */
    window(&o, 0);
    change(&o, 10, 2, 0, RUN, WAIT);
    change(&o, 20, 2, 1, RUN, WAIT);
    CU_ASSERT_EQUAL_FATAL(trace_parse(o.b, o.n, "made", &t, &f), EXIT_DONE);
    CU_ASSERT_EQUAL(t.windows, 3);
    CU_ASSERT_EQUAL_FATAL(t.nr, 4);
    CU_ASSERT_EQUAL(t.first_tsc, 10);
    trace_sort(&t);
    CU_ASSERT_EQUAL(t.rec[0].tsc, 10);
    CU_ASSERT_EQUAL(t.rec[1].word[0], 0x20001); /* equal TSC: pCPU 0 before pCPU 1 */
    CU_ASSERT_EQUAL(t.rec[2].word[0], 0x10000);
    CU_ASSERT_FALSE(t.rec[3].has_tsc);
    CU_ASSERT_EQUAL(t.rec[3].tsc, 20); /* of the record before it */
    CU_ASSERT_EQUAL(t.rec[3].word[0], 7);
    trace_free(&t);
}

/* A good file of two windows; each case spoils one word or cuts it. */
static void test_malformed_files_name_the_byte(void)
{
    enum { CUT = 1 };
    static const struct {
        const char *what;
        size_t at; /* of the word to replace; with CUT: the new length */
        uint32_t word;
        int cut;
        const char *expect;
    } cases[] = {
        {"nothing", 0, 0, CUT, "byte 0: an empty file"},
        {"half a word", 2, 0, CUT, "byte 0: the file ends after 2 bytes of a window's header"},
        {"half a window header", 8, 0, CUT, "byte 0: the file ends after 8 bytes of a window's header"},
        {"window longer than the file", 36, 0, CUT, "byte 8: a window of 32 bytes, but the file ends in 24"},
        {"no window at the start", 0, 0x90021021, 0, "byte 0: 0x90021021 where a window begins"},
        {"CPU change with a TSC", 0, 0xa001f003, 0, "byte 0: 0xa001f003 where a window begins"},
        {"pCPU out of range", 4, TRACE_MAX_CPUS, 0, "byte 4: pCPU 4096; expected less than 4096"},
        {"length no multiple of a word", 8, 30, 0, "byte 8: a window of 30 bytes"},
        {"window that ends in a record", 8, 28, 0, "byte 28: a record of 16 bytes, but its window ends in 12"},
        {"window that ends early", 8, 16, 0, "byte 28: 0x90021101 where a window begins"},
        {"record longer than its window", 28, 0xf0021101, 0,
         "byte 28: a record of 40 bytes, but its window ends in 16"},
        {"no class", 12, 0x90000021, 0, "byte 12: event 0x0000021: its class 0x000 is not exactly one bit"},
        {"two classes", 12, 0x90031021, 0, "byte 12: event 0x0031021: its class 0x003 is not exactly one bit"},
        {"CPU change in a window", 12, 0x9001f003, 0, "byte 12: a CPU change inside of a window"},
        {"lost records without their words", 12, 0x9001f001, 0, "byte 12: a lost-records record with a TSC and 1"},
        {"runstate 7", 12, 0x90021071, 0, "byte 12: event 0x0021071: no change from runstate 0 to 7"},
        {"no change", 12, 0x90021111, 0, "byte 12: event 0x0021111: no change from runstate 1 to 1"},
        {"TSC 0", 16, 0, 0, "byte 16: a TSC of 0"},
        {"TSC backwards", 32, 99, 0, "byte 32: TSC 99 of pCPU 3 is before that of its last record, 100"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct bytes o;
        o = (struct bytes){0};
        struct trace t;
        struct fault f = {0};
        window(&o, 3);
        change(&o, 100, 1, 0, RUN, BLOCK);
        change(&o, 100, 2, 0, WAIT, RUN);
        window(&o, 4);
        change(&o, 50, 1, 1, RUN, BLOCK);
        CU_ASSERT_EQUAL_FATAL(o.n, 72);
        if (cases[i].cut == CUT)
            o.n = cases[i].at;
        else
            set(&o, cases[i].at, cases[i].word);
        int exit = trace_parse(o.b, o.n, "made", &t, &f);
        bool right = exit == EXIT_BAD_INPUT && !strncmp(f.text, "made: ", 6) && strstr(f.text, cases[i].expect);
        CU_ASSERT_TRUE(right);
        if (!right)
            fprintf(stderr, "%s: exit %d, '%s', expected '%s'\n", cases[i].what, exit, f.text, cases[i].expect);
        CU_ASSERT_PTR_NULL(t.rec);
        trace_free(&t);
    }
}

static void test_files_that_cannot_be_read(void)
{
    struct trace t;
    struct fault f = {0};
    CU_ASSERT_EQUAL(trace_read("/nonexistent/trace.bin", &t, &f), EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.text, "/nonexistent/trace.bin: No such file"));
    f = (struct fault){0};
    CU_ASSERT_EQUAL(trace_read("/", &t, &f), EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.text, "Is a directory"));
}

/* ---- the reader against mutations -------------------------------------------------------------------------------- */

static uint64_t random_next(uint64_t *s)
{
    *s ^= *s << 13; /* xorshift64, Marsaglia 2003 */
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Change p[0..n) in one of a few ways; the new length. */
static size_t mutate(unsigned char *p, size_t n, uint64_t *rnd)
{
    static const uint32_t interesting[] = {0,          1,          0x7fffffff, 0x80000000,
                                           0xffffffff, 0x2001f003, 0x9001f002, 0xc001f001};
    size_t at = random_next(rnd) % n, word = at & ~(size_t)3, len = 1 + random_next(rnd) % 64;
    switch (random_next(rnd) % 6) {
    case 0:
        p[at] ^= (unsigned char)(1u << random_next(rnd) % 8);
        return n;
    case 1:
        p[at] = (unsigned char)random_next(rnd);
        return n;
    case 2:
        for (int i = 0; i < 4; i++)
            p[word + (size_t)i] = (unsigned char)(interesting[len % 8] >> (8 * i));
        return n;
    case 3:
        return at; /* cut, perhaps to nothing */
    case 4:        /* leave a few bytes out */
        len = len < n - at ? len : n - at;
        memmove(p + at, p + at + len, n - at - len);
        return n - len;
    default: /* double a few */
        len = len < n - at ? len : n - at;
        memmove(p + at + len, p + at, n - at);
        return n + len;
    }
}

/* What every parse must fulfil, good or bad. Returns whether it was good. */
static bool parse_mutant(const unsigned char *p, size_t n)
{
    struct trace t;
    struct fault f = {0};
    struct trace_stats s;
    int exit = trace_parse(p, n, "mutant", &t, &f);
    if (exit != EXIT_DONE) {
        unsigned long at = 0;
        CU_ASSERT_EQUAL(exit, EXIT_BAD_INPUT);
        CU_ASSERT_EQUAL(sscanf(f.text, "mutant: byte %lu:", &at), 1);
        CU_ASSERT_TRUE(at <= n);
        CU_ASSERT_TRUE(at % 4 == 0);
        return false;
    }
    for (size_t i = 0; i < t.nr; i++) {
        CU_ASSERT_TRUE(t.rec[i].offset < n && (i == 0 || t.rec[i].offset > t.rec[i - 1].offset));
        CU_ASSERT_TRUE(t.rec[i].cpu < t.nr_cpus);
    }
    trace_sort(&t);
    CU_ASSERT_EQUAL(trace_stats_collect(&t, &s, &f), EXIT_DONE);
    for (size_t i = 0; i < s.nr; i++) {
        uint64_t sum = 0;
        for (unsigned k = 0; k < TRACE_RUNSTATES; k++)
            sum += s.vcpu[i].time[k];
        if (!s.vcpu[i].mismatches) /* a vCPU is in one state at a time */
            CU_ASSERT_TRUE(sum <= s.elapsed);
        CU_ASSERT_TRUE(s.vcpu[i].run.nr <= s.vcpu[i].runs);
        CU_ASSERT_TRUE(s.vcpu[i].burst.nr <= s.vcpu[i].run.nr);
    }
    trace_stats_free(&s);
    trace_free(&t);
    return true;
}

static void test_mutations(void)
{
    enum { ROUNDS = 20000, SEED_BYTES = 6000 };
    static unsigned char seed[SEED_BYTES], p[2 * SEED_BYTES];
    FILE *in = fopen(RECORDING, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    CU_ASSERT_EQUAL_FATAL(fread(seed, 1, SEED_BYTES, in), SEED_BYTES);
    fclose(in);
    /* The first windows: as many whole ones as fit. */
    size_t n = 0;
    for (;;) {
        size_t end = n + 12 + (seed[n + 8] | (size_t)seed[n + 9] << 8 | (size_t)seed[n + 10] << 16);
        if (end + 12 > SEED_BYTES)
            break;
        n = end;
    }
    CU_ASSERT_TRUE_FATAL(n > 1000);
    uint64_t rnd = 0x9e3779b97f4a7c15u;
    unsigned good = 0, bad = 0;
    CU_ASSERT_TRUE(parse_mutant(seed, n));
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(p, seed, n);
        size_t len = n;
        for (uint64_t k = random_next(&rnd) % 3 + 1; k && len > 8; k--)
            len = mutate(p, len, &rnd);
        if (parse_mutant(p, len))
            good++;
        else
            bad++;
    }
    CU_ASSERT_TRUE(good > ROUNDS / 20); /* the mutations reach what is behind the first checks */
    CU_ASSERT_TRUE(bad > ROUNDS / 20);
}

/* ---- statistics: closed forms --------------------------------------------------------------------------------------
 */

static void check_samples(const struct trace_samples *s, size_t n, const uint64_t *expect)
{
    CU_ASSERT_EQUAL_FATAL(s->nr, n);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_EQUAL(s->v[i], expect[i]);
}

static void test_intervals_of_a_vcpu(void)
{
    static struct bytes o;
    o = (struct bytes){0};
    struct trace_stats s;
    window(&o,
           0); /* d1v0: runs from before the trace, 5 blocked, 2 waiting, 3 running, 4 preempted, 6 running, blocked */
    change(&o, 100, 9, 0, BLOCK, WAIT);
    change(&o, 110, 1, 0, RUN, BLOCK);
    change(&o, 115, 1, 0, BLOCK, WAIT);
    change(&o, 117, 1, 0, WAIT, RUN);
    change(&o, 120, 1, 0, RUN, WAIT);
    window(&o, 1);
    change(&o, 124, 1, 0, WAIT, RUN);
    change(&o, 130, 1, 0, RUN, BLOCK);
    change(&o, 137, 1, 0, BLOCK, WAIT);
    change(&o, 138, 1, 0, WAIT, RUN);
    change(&o, 142, 1, 0, RUN, BLOCK);
    statistics(&o, &s);
    const struct trace_vcpu *v = trace_stats_find(&s, 1, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    CU_ASSERT_EQUAL(s.elapsed, 42);
    CU_ASSERT_EQUAL(v->time[RUN], 10 + 3 + 6 + 4);
    CU_ASSERT_EQUAL(v->time[WAIT], 2 + 4 + 1);
    CU_ASSERT_EQUAL(v->time[BLOCK], 5 + 7);
    CU_ASSERT_EQUAL(v->runs, 4);
    CU_ASSERT_EQUAL(v->migrations, 1);
    CU_ASSERT_EQUAL(v->mismatches, 0);
    check_samples(&v->run, 3, (uint64_t[]){3, 4, 6}); /* the first one's begin is not in the trace */
    check_samples(&v->burst, 1, (uint64_t[]){4});     /* the only one from wake-up to block in one piece */
    check_samples(&v->wake, 2, (uint64_t[]){1, 2});
    check_samples(&v->preempt, 1, (uint64_t[]){4});
    check_samples(&v->blocked, 2, (uint64_t[]){5, 7});
    check_samples(&v->period, 1, (uint64_t[]){22});
    CU_ASSERT_PTR_NULL(trace_stats_find(&s, 1, 1));
    trace_stats_free(&s);
}

static void test_lost_records_and_mismatches(void)
{
    static struct bytes o;
    o = (struct bytes){0};
    struct trace_stats s;
    window(&o, 0);
    change(&o, 100, 1, 0, WAIT, RUN);
    change(&o, 110, 1, 0, RUN, BLOCK);
    change(&o, 111, 2, 0, WAIT, RUN);
    record(&o, TRACE_LOST_RECORDS, 150, 4, (uint32_t[]){17, 3 | 1u << 16, 112, 0}); /* d3v1 runs now */
    change(&o, 155, 3, 1, RUN, WAIT);
    change(&o, 156, 1, 0, WAIT, RUN); /* when it woke is lost: no wake-up time */
    change(&o, 160, 1, 0, RUN, WAIT);
    window(&o, 1);
    change(&o, 200, 4, 0, WAIT, RUN);
    change(&o, 210, 4, 0, BLOCK, WAIT); /* it was running */
    change(&o, 215, 4, 0, WAIT, RUN);
    record(&o, TRACE_CONTINUE_RUNNING, 220, 1, &(uint32_t){4 << 16});
    statistics(&o, &s);
    const struct trace_vcpu *a = trace_stats_find(&s, 1, 0), *b = trace_stats_find(&s, 2, 0),
                            *c = trace_stats_find(&s, 3, 1), *d = trace_stats_find(&s, 4, 0);
    CU_ASSERT_TRUE_FATAL(a && b && c && d);
    CU_ASSERT_EQUAL(a->time[RUN], 10 + 4);
    CU_ASSERT_EQUAL(a->wake.nr, 0);
    CU_ASSERT_EQUAL(a->mismatches, 0);
    CU_ASSERT_EQUAL(b->time[RUN], 0); /* until when it ran is lost */
    CU_ASSERT_EQUAL(c->time[RUN], 5);
    CU_ASSERT_EQUAL(c->run.nr, 0);
    CU_ASSERT_EQUAL(d->mismatches, 1);
    CU_ASSERT_EQUAL(d->time[RUN], 5); /* from 215 to the last record of its pCPU */
    CU_ASSERT_EQUAL(d->continues, 1);
    trace_stats_free(&s);
}

static void test_histogram_and_quantiles(void)
{
    CU_ASSERT_EQUAL(trace_bin_edge(0), 0);
    CU_ASSERT_EQUAL(trace_bin_edge(1), 1000);
    CU_ASSERT_EQUAL(trace_bin_edge(3), 5000);
    CU_ASSERT_EQUAL(trace_bin_edge(4), 10000);
    CU_ASSERT_EQUAL(trace_bin_edge(TRACE_BINS - 1), 1000000000);
    struct trace_samples a = {0}, b = {0};
    for (uint64_t i = 1; i <= 100; i++)
        CU_ASSERT_EQUAL_FATAL(trace_samples_add(&a, 1000 * i), 0); /* 1 to 100 us at 1 GHz */
    struct trace_histogram h;
    trace_histogram_fill(&h, &a, 1e9);
    CU_ASSERT_EQUAL(h.total, 100);
    CU_ASSERT_EQUAL(h.count[0], 0);
    CU_ASSERT_EQUAL(h.count[1], 1);    /* 1 */
    CU_ASSERT_EQUAL(h.count[2], 3);    /* 2 to 4 */
    CU_ASSERT_EQUAL(h.count[3], 5);    /* 5 to 9 */
    CU_ASSERT_EQUAL(h.count[4], 10);   /* 10 to 19 */
    CU_ASSERT_EQUAL(h.count[7], 1);    /* 100 */
    trace_histogram_fill(&h, &a, 1e3); /* the same as seconds: all in the last bin */
    CU_ASSERT_EQUAL(h.count[TRACE_BINS - 1], 100);
    CU_ASSERT_EQUAL(trace_samples_quantile(&a, 1, 2), 50000);
    CU_ASSERT_EQUAL(trace_samples_quantile(&a, 99, 100), 99000);
    CU_ASSERT_EQUAL(trace_samples_quantile(&a, 1, 1), 100000);
    CU_ASSERT_EQUAL(trace_samples_quantile(&a, 0, 1), 1000);
    CU_ASSERT_DOUBLE_EQUAL(trace_samples_mean(&a), 50500, 1e-9);
    CU_ASSERT_EQUAL(trace_samples_quantile(&b, 1, 2), 0);
    CU_ASSERT_TRUE(isnan(trace_samples_distance(&a, 1e9, &b, 1e9)));
    CU_ASSERT_DOUBLE_EQUAL(trace_samples_distance(&a, 1e9, &a, 1e9), 0, 1e-12);
    for (uint64_t i = 26; i <= 125; i++)
        CU_ASSERT_EQUAL_FATAL(trace_samples_add(&b, 2000 * i), 0); /* 26 to 125 us at 2 GHz: shifted by 25 of 100 */
    CU_ASSERT_DOUBLE_EQUAL(trace_samples_distance(&a, 1e9, &b, 2e9), 0.25, 1e-12);
    CU_ASSERT_EQUAL(trace_samples_append(&a, &b), 0);
    CU_ASSERT_EQUAL(a.nr, 200);
    trace_samples_free(&a);
    trace_samples_free(&b);
}

/* ---- the recording
 * --------------------------------------------------------------------------------------------------- */

static void load_recording(struct trace *t, struct trace_stats *s)
{
    struct fault f = {0};
    CU_ASSERT_EQUAL_FATAL(trace_read(RECORDING, t, &f), EXIT_DONE);
    trace_sort(t);
    CU_ASSERT_EQUAL_FATAL(trace_stats_collect(t, s, &f), EXIT_DONE);
}

static void test_recording_is_whole(void)
{
    struct trace t;
    struct trace_stats s;
    load_recording(&t, &s);
    CU_ASSERT_EQUAL(t.nr_cpus, 3);
    CU_ASSERT_EQUAL(t.lost, 299090 + 189948 + 29349); /* what the ring held before xentrace began to read */
    CU_ASSERT_DOUBLE_EQUAL((double)s.elapsed / RECORDING_HZ, 5.0, 0.001);
    CU_ASSERT_EQUAL(s.nr, 9); /* dom0, v1, v2 (2), v3, s1, s2 (2), idle of pCPU 0 */
    uint64_t running[3] = {0};
    for (size_t i = 0; i < s.nr; i++) {
        const struct trace_vcpu *v = &s.vcpu[i];
        CU_ASSERT_EQUAL(v->mismatches, 0);
        CU_ASSERT_EQUAL(v->migrations, 0);
        unsigned cpu = v->dom == 0 || v->dom == TRACE_IDLE_DOMAIN   ? 0
                       : (v->dom == 2 && v->id == 0) || v->dom == 5 ? 1
                                                                    : 2;
        running[cpu] += v->time[RUN];
    }
    for (int k = 0; k < 3;
         k++) /* each pCPU runs one vCPU at any time; its first and last records are up to 9 ms inside */
        CU_ASSERT_TRUE(running[k] <= s.elapsed && (double)(s.elapsed - running[k]) < 0.010 * RECORDING_HZ);
    trace_stats_free(&s);
    trace_free(&t);
}

/* One line of what xenalyze printed: "running:     147  1.46s 25774611 {...}", mean in cycles. */
static bool scan_line(const char *line, const char *name, uint64_t *count, uint64_t *mean)
{
    char key[32];
    double seconds;
    unsigned long c, m;
    if (sscanf(line, " %31[^:]: %lu %lfs %lu {", key, &c, &seconds, &m) != 4 || strcmp(key, name) != 0)
        return false;
    *count = c;
    *mean = m;
    return true;
}

/* The printed mean is rounded down: the sum is known to `count` cycles. */
static void agree(const char *what, const struct trace_vcpu *v, uint64_t count, uint64_t mean, uint64_t our_count,
                  uint64_t our_sum)
{
    bool right = count == our_count && our_sum >= count * mean && our_sum < count * (mean + 1);
    CU_ASSERT_TRUE(right);
    if (!right)
        fprintf(stderr, "d%uv%u %s: xenalyze %lu x %lu, ours %lu, sum off by %ld\n", v->dom, v->id, what, count, mean,
                our_count, (long)(our_sum - count * mean));
}

static uint64_t sum_of(const struct trace_samples *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->nr; i++)
        sum += s->v[i];
    return sum;
}

static void test_recording_agrees_with_xenalyze(void)
{
    struct trace t;
    struct trace_stats s;
    load_recording(&t, &s);
    FILE *in = fopen(SUMMARY, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    char line[256];
    unsigned dom = 0, id, running = 0, others = 0;
    const struct trace_vcpu *v = NULL;
    while (fgets(line, sizeof(line), in)) {
        uint64_t count, mean;
        if (sscanf(line, "|-- Domain %u --|", &dom) == 1)
            v = NULL;
        else if (sscanf(line, "-- v%u --", &id) == 1)
            v = trace_stats_find(&s, dom, id);
        if (!v)
            continue;
        if (scan_line(line, "running", &count, &mean)) {
            agree("running", v, count, mean, v->runs + v->continues, v->time[RUN]);
            running++;
        }
        /* xenalyze declares dom0 lost at the LOST records of pCPUs where it does not run, and d2v0 at its own; and it
         * knows a vCPU only once it has run, so the first wake-ups of d4v0 and d5v0 are not in its figures. */
        if (dom == 0 || (dom == 2 && v->id == 0))
            continue;
        bool late = dom == 4 || (dom == 5 && v->id == 0);
        if (scan_line(line, "preempt", &count, &mean))
            agree("preempt", v, count, mean, v->preempt.nr, sum_of(&v->preempt)), others++;
        if (scan_line(line, "wake", &count, &mean) && !late)
            agree("wake", v, count, mean, v->wake.nr, sum_of(&v->wake)), others++;
        if (scan_line(line, "blocked", &count, &mean))
            agree("blocked", v, count, mean, v->blocked.nr, sum_of(&v->blocked)), others++;
    }
    fclose(in);
    CU_ASSERT_EQUAL(running, 9);
    CU_ASSERT_EQUAL(others, 10);
    trace_stats_free(&s);
    trace_free(&t);
}

/* The lengths of bursts that the scenario's profiles are made from (workloads/profiles/recorded-s1.toml,
 * recorded-s2.toml). */
static void test_recording_gives_the_burst_lengths(void)
{
    struct trace t;
    struct trace_stats s;
    load_recording(&t, &s);
    const struct trace_vcpu *s1 = trace_stats_find(&s, 4, 0), *s2 = trace_stats_find(&s, 5, 0);
    CU_ASSERT_TRUE_FATAL(s1 && s2);
    CU_ASSERT_DOUBLE_EQUAL((double)trace_samples_quantile(&s1->burst, 1, 2) / RECORDING_HZ * 1e3, 1.174, 0.001);
    CU_ASSERT_DOUBLE_EQUAL((double)trace_samples_quantile(&s2->burst, 1, 2) / RECORDING_HZ * 1e3, 9.184, 0.002);
    /* Absolute wake-ups: the median from one to the next is the nominal period to 0.1 %. */
    CU_ASSERT_DOUBLE_EQUAL((double)trace_samples_quantile(&s1->period, 1, 2) / RECORDING_HZ * 1e3, 10.0, 0.01);
    CU_ASSERT_DOUBLE_EQUAL((double)trace_samples_quantile(&s2->period, 1, 2) / RECORDING_HZ * 1e3, 30.0, 0.03);
    trace_stats_free(&s);
    trace_free(&t);
}

static const struct cunit_case tests[] = {
    {"the bytes of the format's description are read as it says", test_example_bytes},
    {"windows in any order, empty ones, padding, records without TSC", test_order_of_windows_and_padding},
    {"a malformed file is refused with the byte that is wrong", test_malformed_files_name_the_byte},
    {"a file that cannot be read is named", test_files_that_cannot_be_read},
    {"20,000 mutations: a byte in the message, or consistent statistics", test_mutations},
    {"intervals of running, waking, preempted and blocked", test_intervals_of_a_vcpu},
    {"lost records and impossible changes", test_lost_records_and_mismatches},
    {"bins, quantiles and distance", test_histogram_and_quantiles},
    {"the recording is whole and consistent", test_recording_is_whole},
    {"the recording's statistics are those that xenalyze printed", test_recording_agrees_with_xenalyze},
    {"the recording gives the lengths of the sleepers' bursts", test_recording_gives_the_burst_lengths},
};
CUNIT_MAIN("trace", tests)
