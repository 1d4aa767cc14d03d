/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the memory manager costs on this host: ns per allocation and per free of 4 KiB, 2 MiB and 1 GiB, on hosts of
 * 1 GiB to 16 TiB, fresh and aged; the same for a general allocator with the same trace; and how long it takes to fill
 * 16 TiB with 750 domains.
 *
 * The unmodified core runs on the port of the unit tests. Calls are timed in batches, for one takes less than reading
 * the clock; a row is the median of its batches.
 *
 *   pair    one allocation, and its free at once: on a fresh heap that splits a 1 GiB buddy down and merges it up again
 *   batch   many allocations, then as many frees in random order: what a domain's creation and end do
 *   trace   allocations and frees of random age (80 % 4 KiB, 20 % 2 MiB), half of 64 Ki objects alive; heap, malloc
 *           and, if it was there when this was built, mimalloc do the very same one
 *
 * An aged heap has seen AGE_STEPS steps of domains coming, going and ballooning, most of its memory is in use, and what
 * is free is in pieces. What was freed is dirty (4.10 and later) until idle pCPUs have scrubbed it; before anything is
 * measured, and between batches, they have. That the heap clears what it hands out dirty is no part of finding a place:
 * pairs and the trace, which take back at once what they gave, ask for it as it is (MEMF_no_scrub).
 */
#include "mm/heap.h"
#include "mm_host.h"

#include <hv/core.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#ifdef HAVE_MIMALLOC
#include <mimalloc.h>
#endif

#define GIB (1ull << 30)
#define TIB (1ull << 40)
#define BATCH 256u
#define BATCHES 401u
#define AGE_STEPS 2000u
#define TRACE_OBJECTS 65536u
#define TRACE_STEPS 2000000u

static struct mm_host host;
static FILE *csv;
static unsigned repeats = 5; /* of a trace */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof(*v), by_size);
    return v[n / 2];
}

static const char *size_name(uint64_t bytes)
{
    static char text[16];
    if (bytes >= TIB)
        snprintf(text, sizeof(text), "%llu TiB", (unsigned long long)(bytes / TIB));
    else
        snprintf(text, sizeof(text), "%llu GiB", (unsigned long long)(bytes / GIB));
    return text;
}

static void row(const char *what, uint64_t bytes, const char *age, unsigned order, double alloc_ns, double free_ns,
                double splits, double merges)
{
    printf("%-10s %8s  %-5s %5u %10.1f %10.1f %8.2f %8.2f\n", what, size_name(bytes), age, order, alloc_ns, free_ns,
           splits, merges);
    if (csv)
        fprintf(csv, "%s,%llu,%s,%u,%.1f,%.1f,%.3f,%.3f\n", what, (unsigned long long)(bytes / GIB), age, order,
                alloc_ns, free_ns, splits, merges);
}

/* ---- one order -------------------------------------------------------------------------------------------------- */

static void shuffle(mfn_t *v, unsigned n)
{
    for (unsigned i = n; i > 1; i--) {
        unsigned k = (unsigned)mm_host_random(&host, i);
        mfn_t swap = v[i - 1];
        v[i - 1] = v[k];
        v[k] = swap;
    }
}

/* As many as a batch may have: a quarter of what is free at most. 0: there is nothing of that order. */
static unsigned batch_size(unsigned order)
{
    static mfn_t probe[BATCH];
    unsigned n = 0;

    while (n < BATCH && !mfn_eq(probe[n] = alloc_domheap_pages(NULL, order, 0), MFN_INVALID))
        n++;
    for (unsigned i = 0; i < n; i++)
        free_domheap_pages(probe[i], order);
    return n < BATCH ? n / 4 : BATCH;
}

/* One pCPU a node idles until nothing is dirty. */
static void let_idle_scrub(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++) {
        tp_set_cpu(c);
        while (scrub_free_pages())
            ;
    }
    tp_set_cpu(0);
}

static void measure_batches(uint64_t bytes, const char *age, unsigned order)
{
    static mfn_t v[BATCH];
    static double a[BATCHES], f[BATCHES];
    unsigned n = batch_size(order);

    if (!n)
        return;
    uint64_t splits = tp_perfc[PERFC_heap_split], merges = tp_perfc[PERFC_heap_merge];
    for (unsigned b = 0; b < BATCHES; b++) {
        double t0 = now_s();
        for (unsigned i = 0; i < n; i++)
            v[i] = alloc_domheap_pages(NULL, order, 0);
        double t1 = now_s();
        shuffle(v, n);
        double t2 = now_s();
        for (unsigned i = 0; i < n; i++)
            free_domheap_pages(v[i], order);
        f[b] = (now_s() - t2) * 1e9 / n;
        let_idle_scrub();
        a[b] = (t1 - t0) * 1e9 / n;
    }
    row("batch", bytes, age, order, median(a, BATCHES), median(f, BATCHES),
        (double)(tp_perfc[PERFC_heap_split] - splits) / BATCHES / n,
        (double)(tp_perfc[PERFC_heap_merge] - merges) / BATCHES / n);
}

static void measure_pairs(uint64_t bytes, const char *age, unsigned order)
{
    static double both[BATCHES];

    if (!batch_size(order))
        return;
    uint64_t splits = tp_perfc[PERFC_heap_split], merges = tp_perfc[PERFC_heap_merge];
    for (unsigned b = 0; b < BATCHES; b++) {
        double t0 = now_s();
        for (unsigned i = 0; i < BATCH; i++)
            free_domheap_pages(alloc_domheap_pages(NULL, order, MEMF_no_scrub), order);
        both[b] = (now_s() - t0) * 1e9 / BATCH;
    }
    double ns = median(both, BATCHES);
    row("pair", bytes, age, order, ns / 2, ns / 2, (double)(tp_perfc[PERFC_heap_split] - splits) / BATCHES / BATCH,
        (double)(tp_perfc[PERFC_heap_merge] - merges) / BATCHES / BATCH);
}

/* ---- ageing ----------------------------------------------------------------------------------------------------- */

/* One page of a guest goes back, or comes: at a guest frame that is as random as it gets. */
static void balloon(struct domain *d)
{
    uint64_t gfn = mm_host_random(&host, d->max_pages);
    struct hv_memory_op op = {.cmd = mm_host_random(&host, 2) ? XENMEM_decrease_reservation : XENMEM_populate_physmap,
                              .domid = d->id,
                              .nr_extents = 1,
                              .first_gfn = {gfn}};
    unsigned order;

    if ((p2m_get(d, gfn, &order) == FRAME_NONE) == (op.cmd == XENMEM_populate_physmap))
        (void)do_memory_op(&op); /* a page more may be one too many */
}

/* Guests of 1/64 of the host and less, until 7/8 of it are in use; then they come and go. */
static void age_heap(uint64_t bytes)
{
    uint64_t most = bytes / PAGE_SIZE / 64;

    for (unsigned step = 0; step < AGE_STEPS; step++) {
        uint64_t pages = 1 + mm_host_random(&host, most);
        unsigned what = (unsigned)mm_host_random(&host, 8);
        bool room = avail_pages() > total_pages() / 8 + pages && host.nr_guests < 1000;
        /* Most are whole superpages and some; every eighth is a PV guest of small pages. */
        if (room && what == 0)
            (void)mm_host_create_of(&host, pages < 65536 ? pages : 65536, 0);
        else if (room)
            (void)mm_host_create(&host, pages, (nodemask_t){0});
        else
            mm_host_destroy(&host, (unsigned)mm_host_random(&host, host.nr_guests));
        for (unsigned i = 0; host.nr_guests && i < 256; i++)
            balloon(host.guest[mm_host_random(&host, host.nr_guests)]);
    }
}

/* ---- a trace, and others that do it ----------------------------------------------------------------------------- */

struct trace_step {
    uint32_t object;
    uint8_t order;
};
static struct trace_step trace[TRACE_STEPS];

static void make_trace(void)
{
    for (unsigned i = 0; i < TRACE_STEPS; i++)
        trace[i] = (struct trace_step){(uint32_t)mm_host_random(&host, TRACE_OBJECTS),
                                       mm_host_random(&host, 5) ? 0 : ORDER_2M};
}

static void *heap_get(unsigned order)
{
    mfn_t m = alloc_domheap_pages(NULL, order, MEMF_no_scrub);
    return mfn_eq(m, MFN_INVALID) ? NULL : (void *)(uintptr_t)(m.n << 5 | order);
}

static void heap_put(void *p)
{
    uintptr_t v = (uintptr_t)p;
    free_domheap_pages(mfn(v >> 5), v & 31);
}

static void *malloc_get(unsigned order)
{
    return malloc((size_t)PAGE_SIZE << order);
}

#ifdef HAVE_MIMALLOC
static void *mimalloc_get(unsigned order)
{
    return mi_malloc((size_t)PAGE_SIZE << order);
}
#endif

/* An object of the trace is taken if it is not there and given back if it is. ns a step. */
static double run_trace(void *(*get)(unsigned), void (*put)(void *))
{
    static void *object[TRACE_OBJECTS];
    double t0 = now_s();

    memset(object, 0, sizeof(object));
    for (unsigned i = 0; i < TRACE_STEPS; i++) {
        void **o = &object[trace[i].object];
        if (*o) {
            put(*o);
            *o = NULL;
        } else {
            *o = get(trace[i].order);
        }
    }
    double ns = (now_s() - t0) * 1e9 / TRACE_STEPS;
    for (unsigned i = 0; i < TRACE_OBJECTS; i++)
        if (object[i])
            put(object[i]);
    return ns;
}

static void measure_trace(uint64_t bytes, const char *age)
{
    double v[5];
    uint64_t splits = tp_perfc[PERFC_heap_split], merges = tp_perfc[PERFC_heap_merge];

    for (unsigned i = 0; i < repeats; i++)
        v[i] = run_trace(heap_get, heap_put);
    double n = (double)TRACE_STEPS * repeats, ns = median(v, repeats);
    row("trace", bytes, age, 0, ns, ns, (double)(tp_perfc[PERFC_heap_split] - splits) / n,
        (double)(tp_perfc[PERFC_heap_merge] - merges) / n);
}

/* None of them touches what it gets: this is about finding a place, as it is for the heap. */
static void measure_others(void)
{
    double v[5];

    mallopt(M_MMAP_THRESHOLD, 1 << 30); /* from its own arenas, not from the kernel each time */
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    for (unsigned i = 0; i < repeats; i++)
        v[i] = run_trace(malloc_get, free);
    double ns = median(v, repeats);
    row("malloc", 0, "trace", 0, ns, ns, 0, 0);
#ifdef HAVE_MIMALLOC
    for (unsigned i = 0; i < repeats; i++)
        v[i] = run_trace(mimalloc_get, mi_free);
    ns = median(v, repeats);
    row("mimalloc", 0, "trace", 0, ns, ns, 0, 0);
#endif
}

/* ---- 16 TiB ------------------------------------------------------------------------------------------------------ */

/* Since the last lap: by the wall clock, and what this process had of a processor (others may have been on it too). */
struct lap {
    double wall, cpu;
};

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static struct lap lap_now(struct rusage *u)
{
    getrusage(RUSAGE_SELF, u);
    return (struct lap){now_s(), seconds(u->ru_utime) + seconds(u->ru_stime)};
}

static void lap(const char *what, struct lap *last)
{
    struct rusage u;
    struct lap now = lap_now(&u);

    printf("  %-44s %7.3f s, %7.3f s of CPU, %5ld MiB resident at most\n", what, now.wall - last->wall,
           now.cpu - last->cpu, u.ru_maxrss / 1024);
    if (csv)
        fprintf(csv, "scale: %s,16384,,,%.0f,,,\n", what, (now.cpu - last->cpu) * 1e9);
    *last = lap_now(&u);
}

static int measure_scale(unsigned nodes)
{
    const uint64_t guest = 20 * (GIB / PAGE_SIZE) + 390 * 512;
    struct rusage u;
    struct lap t = lap_now(&u);

    printf("16 TiB on %u nodes\n", nodes);
    if (mm_host_boot(&host, "modern", nodes, 16 * TIB))
        return 1;
    lap("heap initialised", &t);
    while (host.nr_guests < 750)
        if (!mm_host_create(&host, guest, (nodemask_t){0}))
            return 1;
    lap("750 domains, 95 % in 1 GiB and 2 MiB extents", &t);
    while (host.nr_guests > 375)
        mm_host_destroy(&host, (unsigned)mm_host_random(&host, host.nr_guests));
    lap("375 of them destroyed", &t);
    while (host.nr_guests < 750)
        if (!mm_host_create(&host, guest, (nodemask_t){0}))
            return 1;
    lap("375 created again", &t);
    while (host.nr_guests > 730)
        mm_host_destroy(&host, (unsigned)mm_host_random(&host, host.nr_guests));
    lap("20 destroyed", &t);
    if (!mm_host_create_of(&host, 256 * GIB / PAGE_SIZE, 0))
        return 1;
    lap("256 GiB in 4 KiB frames, p2m included", &t);
    while (host.nr_guests)
        mm_host_destroy(&host, host.nr_guests - 1);
    lap("all destroyed", &t);
    return 0;
}

/* ---- command line ------------------------------------------------------------------------------------------------ */

static int usage(void)
{
    fprintf(stderr, "usage: bench_mm [--quick] [--csv FILE] | bench_mm --scale [--csv FILE]\n"
                    "  --quick     1 and 16 GiB only: that it works, not what it costs\n"
                    "  --scale     only fill, empty and fill 16 TiB\n"
                    "  --csv FILE  the table, for scripts/plots/bench-mm.gp\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const uint64_t sizes[] = {GIB, 16 * GIB, 128 * GIB, TIB, 4 * TIB, 16 * TIB};
    static const unsigned orders[] = {0, ORDER_2M, ORDER_1G};
    bool quick = false, scale = false;
    const char *file = NULL;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick"))
            quick = true, repeats = 1;
        else if (!strcmp(argv[i], "--scale"))
            scale = true;
        else if (!strcmp(argv[i], "--csv") && i + 1 < argc)
            file = argv[++i];
        else
            return usage();
    }
    if (file && !(csv = fopen(file, "w"))) {
        perror(file);
        return 3;
    }
    if (csv)
        fprintf(csv, "what,gib,age,order,alloc_ns,free_ns,splits,merges\n");
    if (scale)
        return measure_scale(8) || measure_scale(16);

    printf("%-10s %8s  %-5s %5s %10s %10s %8s %8s\n", "what", "host", "heap", "order", "alloc ns", "free ns", "splits",
           "merges");
    for (unsigned i = 0; i < (quick ? 2 : ARRAY_SIZE(sizes)); i++)
        for (unsigned aged = 0; aged < 2; aged++) {
            if (mm_host_boot(&host, "modern", sizes[i] < 16 * GIB ? 1 : 8, sizes[i]))
                return 1;
            make_trace();
            if (aged)
                age_heap(sizes[i]);
            let_idle_scrub();
            for (unsigned o = 0; o < ARRAY_SIZE(orders); o++) {
                measure_pairs(sizes[i], aged ? "aged" : "fresh", orders[o]);
                measure_batches(sizes[i], aged ? "aged" : "fresh", orders[o]);
            }
            /* The trace needs 26 GiB at its peak. */
            if (sizes[i] >= 128 * GIB)
                measure_trace(sizes[i], aged ? "aged" : "fresh");
        }
    measure_others();
    if (csv && fclose(csv)) {
        perror(file);
        return 3;
    }
    return 0;
}
