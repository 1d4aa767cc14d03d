/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine code into cycles: known blocks of three ISAs against the closed form. */
#include "cunit_main.h"
#include <models/path.h>
#include <stdlib.h>
#include <string.h>

#define CORES HVSIM_SOURCE_DIR "/models/cores/"

static struct path_core load(const char *name)
{
    struct path_core c;
    char path[512], *err = NULL;
    snprintf(path, sizeof(path), CORES "%s.toml", name);
    CU_ASSERT_EQUAL_FATAL(path_core_load(path, NULL, &c, &err), 0);
    return c;
}

static struct path_block decode(enum path_isa isa, const uint8_t *code, size_t n)
{
    struct path_decoder *d = path_decoder_open(isa);
    struct path_block b;
    struct path_insn i;
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    path_block_begin(d);
    for (size_t at = 0; at < n; at += i.size) {
        CU_ASSERT_TRUE_FATAL(path_decode_flow(d, code + at, n - at, 0x1000 + at, &i));
        path_block_add(d);
    }
    path_block_end(d, &b);
    path_decoder_close(d);
    return b;
}

/* p = p->next; x = p->value; sum += x; branch: in each ISA. */
static const uint8_t walk_x86[] = {0x48, 0x8b, 0x3f,          /* mov (%rdi),%rdi */
                                   0x48, 0x8b, 0x4f, 0x08,    /* mov 8(%rdi),%rcx */
                                   0x48, 0x01, 0xca,          /* add %rcx,%rdx */
                                   0x75, 0xf4};               /* jne back */
static const uint8_t walk_arm64[] = {0x00, 0x00, 0x40, 0xf9,  /* ldr x0, [x0] */
                                     0x01, 0x04, 0x40, 0xf9,  /* ldr x1, [x0, #8] */
                                     0x42, 0x00, 0x01, 0x8b,  /* add x2, x2, x1 */
                                     0xa2, 0xff, 0xff, 0xb5}; /* cbnz x2, back */
static const uint8_t walk_arm[] = {0x00, 0x00, 0x90, 0xe5,    /* ldr r0, [r0] */
                                   0x04, 0x10, 0x90, 0xe5,    /* ldr r1, [r0, #4] */
                                   0x01, 0x20, 0x82, 0xe0,    /* add r2, r2, r1 */
                                   0xfb, 0xff, 0xff, 0x1a};   /* bne back */

static void check_walk(enum path_isa isa, const uint8_t *code, size_t n, const char *core)
{
    struct path_block b = decode(isa, code, n);
    struct path_core c = load(core);
    CU_ASSERT_EQUAL(b.instructions, 4);
    CU_ASSERT_EQUAL(b.n[PATH_LOAD], 2);
    CU_ASSERT_EQUAL(b.n[PATH_ALU], 1);
    CU_ASSERT_EQUAL(b.n[PATH_BRANCH], 1);
    CU_ASSERT_EQUAL(b.n[PATH_STORE] + b.n[PATH_JUMP] + b.n[PATH_INDIRECT] + b.n[PATH_ATOMIC] + b.n[PATH_OTHER], 0);
    CU_ASSERT_EQUAL(b.chain[PATH_LOAD], 2);
    CU_ASSERT_EQUAL(b.chain[PATH_ALU], 1);
    /* The first load is followed by the next round, the second goes through what the first brought. */
    CU_ASSERT_EQUAL(b.derefs, 2);
    double chain = 2 * c.latency[PATH_LOAD] + c.latency[PATH_ALU];
    CU_ASSERT_DOUBLE_EQUAL(path_block_cycles(&c, &b), chain + c.mispredict_share * c.mispredict_cycles, 1e-12);
}

static void test_dependent_loads(void)
{
    check_walk(PATH_X86_64, walk_x86, sizeof(walk_x86), "westmere");
    check_walk(PATH_AARCH64, walk_arm64, sizeof(walk_arm64), "cortex-a57");
    check_walk(PATH_ARMV7, walk_arm, sizeof(walk_arm), "cortex-a15");
}

/* What does not depend on each other is bound by the issue width, or by the ports of its class. */
static void test_independent_operations(void)
{
    static const uint8_t alu[] = {
        0x48, 0xff, 0xc0, 0x48, 0xff, 0xc1, 0x48, 0xff, 0xc2, 0x48, 0xff, 0xc3,  /* inc */
        0x48, 0xff, 0xc6, 0x48, 0xff, 0xc7, 0x49, 0xff, 0xc0, 0x49, 0xff, 0xc1}; /* of 8 registers */
    static const uint8_t stores[] = {0x48, 0x89, 0x07, 0x48, 0x89, 0x47, 0x08, 0x48, 0x89, 0x47, 0x10};
    struct path_core w = load("westmere"), h = load("haswell");
    struct path_block b = decode(PATH_X86_64, alu, sizeof(alu)), s = decode(PATH_X86_64, stores, sizeof(stores));
    CU_ASSERT_EQUAL(b.n[PATH_ALU], 8);
    CU_ASSERT_DOUBLE_EQUAL(path_block_cycles(&w, &b), 8 * w.throughput[PATH_ALU], 1e-12); /* three ports */
    CU_ASSERT_DOUBLE_EQUAL(path_block_cycles(&h, &b), 8 / h.width, 1e-12);
    CU_ASSERT_EQUAL(s.n[PATH_STORE], 3);
    CU_ASSERT_EQUAL(s.n[PATH_ALU], 0);
    CU_ASSERT_DOUBLE_EQUAL(path_block_cycles(&w, &s), 3 * w.throughput[PATH_STORE], 1e-12);
}

static void test_operations_with_memory(void)
{
    static const uint8_t add[] = {0x48, 0x01, 0x07};                /* add %rax,(%rdi) */
    static const uint8_t locked[] = {0xf0, 0x48, 0x0f, 0xc1, 0x07}; /* lock xadd %rax,(%rdi) */
    static const uint8_t call[] = {0xff, 0x57, 0x08};               /* call *8(%rdi) */
    static const uint8_t spill[] = {0x48, 0x8b, 0x7c, 0x24, 0x08,   /* mov 8(%rsp),%rdi */
                                    0x48, 0x8b, 0x07};              /* mov (%rdi),%rax */
    struct path_block b = decode(PATH_X86_64, add, sizeof(add));
    struct path_core c = load("westmere");
    CU_ASSERT_TRUE(b.n[PATH_LOAD] == 1 && b.n[PATH_ALU] == 1 && b.n[PATH_STORE] == 1 && b.instructions == 1);
    b = decode(PATH_X86_64, locked, sizeof(locked));
    CU_ASSERT_EQUAL(b.n[PATH_ATOMIC], 1);
    CU_ASSERT_TRUE(path_block_cycles(&c, &b) >= c.latency[PATH_ATOMIC]);
    b = decode(PATH_X86_64, call, sizeof(call));
    CU_ASSERT_TRUE(b.n[PATH_INDIRECT] == 1 && b.n[PATH_LOAD] == 1 && b.n[PATH_BRANCH] == 0);
    b = decode(PATH_X86_64, spill, sizeof(spill));
    CU_ASSERT_EQUAL(b.derefs, 0); /* a pointer that the compiler had put on the stack */
}

/* Every core file reads, and a block never costs less than its instructions take to issue. */
static void test_cores(void)
{
    static const char *const names[] = {"westmere",   "haswell", "skylake",    "zen",        "k10",
                                        "cortex-a57", "tsv110",  "cortex-a15", "ivy-bridge", "cortex-a53"};
    struct path_block b = {.instructions = 10};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct path_core c = load(names[i]);
        CU_ASSERT_STRING_EQUAL(c.name, names[i]);
        CU_ASSERT_DOUBLE_EQUAL(path_block_cycles(&c, &b), 10 / c.width, 1e-12);
    }
    char *err = NULL;
    struct path_core c;
    static const char *const bad[] = {"latency.lod=3", NULL};
    CU_ASSERT_EQUAL(path_core_load(CORES "westmere.toml", bad, &c, &err), -1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "load"));
    free(err);
}

#ifdef HVSIM_PATH_CORE
/* A function, each of its blocks executed once, costs on the modelled ISA what its plain build for that ISA does. */
static void test_ratio(void)
{
    static const char *const cores[] = {"westmere", "cortex-a57", "cortex-a15"};
    char *err = NULL;
    struct path_table *t = path_table_read(HVSIM_PATH_CORE ".blocks", path_object_id(HVSIM_PATH_CORE), &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    double *cycles = calloc(t->nr_sites, sizeof(*cycles)), *sum = calloc(t->nr_functions, sizeof(*sum)),
           *plain = calloc(t->nr_functions, sizeof(*plain));
    CU_ASSERT_TRUE_FATAL(cycles && sum && plain);
    for (size_t k = 0; k < 3; k++) {
        struct path_core c = load(cores[k]);
        unsigned both = 0;
        if (!t->nr_plain[c.isa])
            continue; /* no compiler for it here */
        path_table_weigh(t, NULL, &c, cycles);
        memset(sum, 0, t->nr_functions * sizeof(*sum));
        memset(plain, 0, t->nr_functions * sizeof(*plain));
        for (unsigned i = 0; i < t->nr_sites; i++)
            sum[t->site[i].function] += cycles[i];
        for (unsigned i = 0; i < t->nr_plain[c.isa]; i++)
            plain[t->plain[c.isa][i].function] += path_block_cycles(&c, &t->plain[c.isa][i].block);
        for (unsigned f = 0; f < t->nr_functions; f++)
            if (sum[f] > 0 && plain[f] > 0) {
                CU_ASSERT_DOUBLE_EQUAL(sum[f], plain[f], 1e-9 * plain[f]);
                both++;
            }
        CU_ASSERT_TRUE(both > 500); /* nearly all */
    }
    /* Decoding again finds the same. */
    struct path_table *again = path_table_decode(HVSIM_PATH_CORE, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(again);
    CU_ASSERT_EQUAL_FATAL(again->nr_sites, t->nr_sites);
    for (unsigned i = 0; i < t->nr_sites; i++)
        CU_ASSERT_EQUAL(memcmp(&again->site[i].block, &t->site[i].block, sizeof(t->site[i].block)), 0);
    /* And, told where the sources lie, says the same of every function. */
    unsigned nowhere = 0;
    for (unsigned i = 0; i < again->nr_sites; i++)
        nowhere += !strchr(again->function[again->site[i].function].file, '/');
    CU_ASSERT_EQUAL(nowhere, again->nr_sites);
    path_table_take_sources(again, t);
    for (unsigned i = 0; i < t->nr_sites; i++)
        CU_ASSERT_STRING_EQUAL(again->function[again->site[i].function].file, t->function[t->site[i].function].file);
    path_table_free(again);
    path_table_free(t);
    free(cycles);
    free(sum);
    free(plain);
}
#endif

static void test_not_instrumented(void)
{
    char *err = NULL;
    CU_ASSERT_PTR_NULL(path_table_decode("/proc/self/exe", &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "was not built for --hv-cost path"));
    free(err);
    CU_ASSERT_PTR_NULL(path_table_decode(CORES "westmere.toml", &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "is no little-endian ELF object"));
    free(err);
}

static const struct cunit_case tests[] = {
    {"dependent loads cost their latencies, in three ISAs", test_dependent_loads},
    {"independent operations cost issue width or ports", test_independent_operations},
    {"operations with memory are all that they do", test_operations_with_memory},
    {"every core file reads", test_cores},
#ifdef HVSIM_PATH_CORE
    {"a function costs what its plain build for the modelled ISA does", test_ratio},
#endif
    {"objects that are none, or not instrumented, are refused", test_not_instrumented},
};

CUNIT_MAIN("path", tests)
