/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the simulator itself keeps of guests that are gone: bytes of its heap that are in use, after so many cycles of
 * create, balloon, destroy.
 */
#include "whole_run.h"
#include <hv/core.h>
#include <malloc.h>

#define WARM 50u /* cycles: what is made once has been made */
#define CYCLES 150u
#define VCPUS 2u
/* By design: where each vCPU stood when its guest went, for the metrics (docs/reliability.md). */
#define KEPT_PER_VCPU 88u

/* What counting_core.c asks for. */
__attribute__((visibility("default"))) const struct hv_core *linked_core(void);
const struct hv_core *linked_core(void)
{
    return hv_core_get();
}

static size_t in_use[CYCLES];
static unsigned gone;

__attribute__((visibility("default"))) void domain_is_gone(void);
void domain_is_gone(void)
{
    struct mallinfo2 now = mallinfo2();
    if (gone < CYCLES)
        in_use[gone] = now.uordblks + now.hblkhd;
    if (++gone < CYCLES)
        return;
    FILE *f = fopen("in-use", "w");
    for (unsigned i = 0; f && i < CYCLES; i++)
        fprintf(f, "%zu\n", in_use[i]);
    if (f)
        fclose(f);
}

static void scenario_write(FILE *f, const char *sched)
{
    fprintf(f,
            "name = 't'\nmachine = 'westmere-ep-2s'\nhv_cost = 'fixed'\nwarmup = '1 ms'\nduration = '%u s'\n"
            "[dom0]\nvcpus = 1\nmemory = '512 MiB'\n[xen]\nbehaviour = 'modern'\nsched = '%s'\n",
            CYCLES / 2 + 2, sched);
    for (unsigned i = 0; i < CYCLES; i++) {
        double t = 0.5 * i + 0.1;
        fprintf(f,
                "[[action]]\nat = '%.3f s'\ndo = 'create'\nconfig = 'b.cfg'\nworkload = 'chatty'\n"
                "[[action]]\nat = '%.3f s'\ndo = 'mem-set'\nvm = 'b'\nmemory = '32 MiB'\n"
                "[[action]]\nat = '%.3f s'\ndo = 'destroy'\nvm = 'b'\n",
                t, t + 0.2, t + 0.3);
    }
}

static void run_cycles(const char *sched)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    scenario_write(f, sched);
    fclose(f);
    struct run_options opt = {.hv_core_path = HVSIM_COUNTING_CORE_SO};
    struct run_reply a = whole_run(text, NULL, opt, NULL, NULL);
    if (a.exit)
        printf("exit %d: %s\n", a.exit, a.result.error);
    CU_ASSERT_EQUAL_FATAL(a.exit, EXIT_DONE);
    run_reply_free(&a);
    free(text);

    f = fopen("in-use", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (unsigned i = 0; i < CYCLES; i++)
        CU_ASSERT_EQUAL_FATAL(fscanf(f, "%zu", &in_use[i]), 1);
    fclose(f);
    remove("in-use");
}

/*
 * What malloc takes for it: a header of 8 bytes, and a multiple of 16 in all; 16 more where it takes a free piece whose
 * rest would be too small for a piece of its own, which depends on where the heap happens to lie.
 */
static size_t chunk(size_t bytes)
{
    return (bytes + 8 + 15) / 16 * 16;
}

static void a_guest_leaves_its_last_samples(void)
{
    static char dir[] = "/tmp/test_heap-XXXXXX";
    static const char *const scheds[] = {"credit", "credit2", "rtds", "null"};
    whole_enter(dir);
    whole_guest("b", VCPUS, "");
    for (unsigned s = 0; s < ARRAY_SIZE(scheds); s++) {
        run_cycles(scheds[s]);
        size_t grown = in_use[CYCLES - 1] - in_use[WARM - 1];
        printf("%s: %zu bytes in use after %u guests, %zu after %u\n", scheds[s], in_use[WARM - 1], WARM,
               in_use[CYCLES - 1], CYCLES);
        size_t kept = chunk(VCPUS * KEPT_PER_VCPU), exact = 0;
        for (unsigned i = WARM; i < CYCLES; i++)
            exact += in_use[i] - in_use[i - 1] == kept;
        CU_ASSERT(exact >= CYCLES - WARM - 4); /* what every guest leaves is that, to the byte */
        CU_ASSERT(grown >= (CYCLES - WARM) * kept - 64 && grown <= (CYCLES - WARM) * kept + 64);
    }
}

static const struct cunit_case tests[] = {
    {"a guest that is gone leaves its last samples", a_guest_leaves_its_last_samples},
};

CUNIT_MAIN("heap", tests)
