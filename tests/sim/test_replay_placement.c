/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvsim replay placement with the whole simulator: recordings agree, a doctored one does not and the field is named,
 * hosts of every kind can be written down, and every mistake in a record has its place.
 */
#include "cli.h"
#include "json.h"

#include <cunit_main.h>
#include <scratch_dir.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORDS HVSIM_SOURCE_DIR "/results/reference/real-xen/placement/"
#define MAX_TEXT 65536

static const struct run_backend backend = {scenario_load, scenario_free, run_scenario, run_result_free, "test"};

/* ---- calling the command ------------------------------------------------------------------------------------------
 */

struct said {
    int exit;
    char *out, *err;
};

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_FATAL(fread(text, 1, (1 << 20) - 1, f) < (1 << 20) - 1);
    fclose(f);
    return text;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static struct said call(const char *const *words)
{
    char *argv[24] = {(char *)"hvsim", (char *)"replay", (char *)"placement"};
    int argc = 3;
    while (words[argc - 3]) {
        argv[argc] = (char *)words[argc - 3];
        argc++;
    }
    struct said r;
    fflush(NULL);
    int old_out = dup(1), old_err = dup(2);
    if (!freopen("stdout", "w", stdout) || !freopen("stderr", "w", stderr))
        abort();
    r.exit = cli_main(&backend, argc, argv);
    fflush(NULL);
    dup2(old_out, 1);
    dup2(old_err, 2);
    close(old_out);
    close(old_err);
    r.out = read_text("stdout");
    r.err = read_text("stderr");
    return r;
}

static void done(struct said r)
{
    free(r.out);
    free(r.err);
}

static struct said replay(const char *text)
{
    write_text("r.json", text);
    return call((const char *const[]){"r.json", NULL});
}

static bool ends(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && !strcmp(text + n - m, tail);
}

/* text with the n-th occurrence (from 1) of from replaced by to. */
static const char *doctored(const char *text, unsigned n, const char *from, const char *to)
{
    static char out[MAX_TEXT];
    const char *at = strstr(text, from);
    while (at && --n)
        at = strstr(at + 1, from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_FATAL(strlen(text) + strlen(to) < sizeof(out));
    snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

/* ---- what was recorded --------------------------------------------------------------------------------------------
 */

static void a_recording_agrees(void)
{
    struct said r = call((const char *const[]){RECORDS "A21-2n4c2g.json", "--check-invariants", NULL});
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "A21-2n4c2g step 6 create d06: ok\n"));
    CU_ASSERT(ends(r.out, " passed, 0 failed\n"));
    CU_ASSERT_STRING_EQUAL(r.err, "");
    done(r);
}

/* Each doctored field is the one that is named, and its step the only one that fails. */
static void a_doctored_recording_fails(void)
{
    static const struct {
        const char *file, *from, *to, *says;
        unsigned n;
    } of[] = {
        {"A01-2n4c2g", "\"nodes_chosen\": [1]", "\"nodes_chosen\": [0]",
         "step 1 create d01: nodes_chosen: recorded [0], simulated [1]\n", 1},
        {"A01-2n4c2g", "\"auto_placed\": true, \"nodes_chosen\": [0, 1]",
         "\"auto_placed\": false, \"nodes_chosen\": null",
         "step 2 create d02: auto_placed: recorded false, simulated true; nodes_chosen: recorded [], simulated [0, "
         "1]\n",
         1},
        {"A01-2n4c2g", "\"memory_nodes\": [1]", "\"memory_nodes\": [0, 1]",
         "step 1 create d01: memory_nodes: recorded [0, 1], simulated [1]\n", 1},
        {"A01-2n4c2g", "\"soft_affinity_cpus\": [4, 5, 6, 7]", "\"soft_affinity_cpus\": [4, 5, 6]",
         "step 1 create d01: soft_affinity_cpus: recorded [4, 5, 6], simulated [4, 5, 6, 7]\n", 1},
        {"A21-2n4c2g", "\"hard_affinity_cpus\": [0]", "\"hard_affinity_cpus\": [1]",
         "step 1 create d01: hard_affinity_cpus: recorded [1], simulated [0]\n", 1},
        {"A21-2n4c2g", "\"rc\": 1", "\"rc\": 3", "step 6 create d06: rc: recorded 3, simulated 1", 1},
        {"A01-2n4c2g", "[0, 131072]", "[0, 131073]",
         "step 1 create d01: total of pages_per_node: recorded 131073, simulated 131072; pages_per_node: recorded "
         "[0, 131073], simulated [0, 131072]\n",
         1},
        /* Level on two nodes: 512 pages. */
        {"A01-2n4c2g", "[32768, 32768]", "[33281, 32255]",
         "step 2 create d02: pages_per_node: recorded [33281, 32255], simulated [32768, 32768]\n", 1},
        {"A01-2n4c2g", "{\"rc\": 0, \"node_free_pages\": [114875, 266526]}",
         "{\"rc\": 1, \"node_free_pages\": [114875, 266526]}", "step 8 destroy d04: rc: recorded 1, simulated 0\n", 1},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
        char path[512];
        snprintf(path, sizeof(path), RECORDS "%s.json", of[i].file);
        char *text = read_text(path);
        struct said r = replay(doctored(text, of[i].n, of[i].from, of[i].to));
        CU_ASSERT_EQUAL(r.exit, EXIT_CHECK_FAILED);
        if (!strstr(r.out, of[i].says))
            printf("\n  expected %s\n  got %s%s", of[i].says, r.out, r.err);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.out, of[i].says));
        CU_ASSERT(ends(r.out, " passed, 1 failed\n"));
        done(r);
        free(text);
    }
    /* 512 pages are within what is not exact. */
    char *text = read_text(RECORDS "A01-2n4c2g.json");
    struct said r = replay(doctored(text, 1, "[32768, 32768]", "[33280, 32256]"));
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    done(r);
    free(text);
}

static void as_json(void)
{
    char *text = read_text(RECORDS "A22-3n_memless.json"), why[128];
    write_text("bad.json", doctored(text, 1, "\"nodes_chosen\": [2]", "\"nodes_chosen\": [1]"));
    struct said r = call((const char *const[]){"--json", "bad.json", RECORDS "A22-3n_memless.json", "-j", "2", NULL});
    CU_ASSERT_EQUAL(r.exit, EXIT_CHECK_FAILED);
    struct json *j = json_parse(r.out, why, sizeof(why));
    CU_ASSERT_PTR_NOT_NULL_FATAL(j);
    CU_ASSERT_EQUAL(json_get(j, "passed")->number, 15);
    CU_ASSERT_EQUAL(json_get(j, "failed")->number, 1);
    const struct json *files = json_get(j, "files");
    CU_ASSERT_EQUAL_FATAL(files->nr, 2);
    CU_ASSERT_STRING_EQUAL(json_get(files->item[0], "file")->text, "bad.json");
    CU_ASSERT_STRING_EQUAL(json_get(files->item[1], "sequence")->text, "A22");
    const struct json *step = json_get(files->item[0], "steps")->item[0];
    CU_ASSERT_FALSE(json_get(step, "passed")->boolean);
    const struct json *d = json_get(step, "differences")->item[0];
    CU_ASSERT_STRING_EQUAL(json_get(d, "field")->text, "nodes_chosen");
    CU_ASSERT_EQUAL(json_get(d, "recorded")->item[0]->number, 1);
    CU_ASSERT_EQUAL(json_get(d, "simulated")->item[0]->number, 2);
    CU_ASSERT_TRUE(json_get(json_get(files->item[1], "steps")->item[0], "passed")->boolean);
    json_free(j);
    done(r);
    free(text);
}

/* The scenario that was built does the same when it is run by hand. */
static void scenes_can_be_kept(void)
{
    struct said r = call((const char *const[]){RECORDS "A22-3n_memless.json", "--keep", "kept", NULL});
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    char *err = NULL;
    struct scenario *s = scenario_load("kept/A22-3n_memless/scenario.toml", NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->machine->nr_nodes, 3);
    CU_ASSERT_EQUAL(s->nr_vms, 7);
    CU_ASSERT_EQUAL(s->nr_actions, 1 + 1 + 2 * 8);
    scenario_free(s);
    CU_ASSERT_EQUAL(system("rm -r kept"), 0);
    done(r);
}

/* ---- hosts of every kind ------------------------------------------------------------------------------------------
 */

static char text[MAX_TEXT];
static unsigned nr_steps;

static void add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *fmt, ...)
{
    size_t n = strlen(text);
    va_list ap;
    va_start(ap, fmt);
    CU_ASSERT_FATAL((size_t)vsnprintf(text + n, sizeof(text) - n, fmt, ap) < sizeof(text) - n);
    va_end(ap);
}

#define GIB 262144u /* pages */

/* cpus[n] pCPUs on node n, and gib[n] GiB from GiB first[n] on, of which taken[n] pages are not free. */
static void host_at(unsigned nr, const unsigned *cpus, const unsigned *first, const unsigned *gib, unsigned taken,
                    const char *rest)
{
    unsigned cpu = 0;
    text[0] = 0;
    nr_steps = 0;
    add("{\"format\": \"hvsim-placement-1\", \"behaviour\": \"modern\", \"host\": {\"nodes\": [");
    for (unsigned n = 0; n < nr; n++) {
        add("%s\n{\"node\": %u, \"pcpus\": [", n ? "," : "", n);
        for (unsigned i = 0; i < cpus[n]; i++)
            add("%s%u", i ? ", " : "", cpu++);
        add("], \"distances\": [");
        for (unsigned k = 0; k < nr; k++)
            add("%s%u", k ? ", " : "", k == n ? 10 : 20);
        add("], \"start_pfn\": %u, \"spanned_pages\": %u, \"free_pages\": %u}", first[n] * GIB, gib[n] * GIB,
            gib[n] ? gib[n] * GIB - taken : 0);
    }
    add("]}, %s, \"steps\": [", rest);
}

/* Node after node. */
static void host(unsigned nr, const unsigned *cpus, const unsigned *gib, unsigned taken, const char *rest)
{
    unsigned first[20], at = 0;
    for (unsigned n = 0; n < nr; at += gib[n++])
        first[n] = at;
    host_at(nr, cpus, first, gib, taken, rest);
}

#define DOM0 "\"dom0\": {\"vcpus\": 1, \"hard\": [0]}"

/* before and the rest of the step, with its expectation. */
static void step(const char *op, const char *name, const char *before, const char *config, const char *expect)
{
    add("%s\n{\"step\": %u, \"op\": \"%s\", \"name\": \"%s\", \"before\": {\"node_free_pages\": %s}%s%s, \"expect\": "
        "{%s}}",
        nr_steps ? "," : "", nr_steps + 1, op, name, before, *config ? ", " : "", config, expect);
    nr_steps++;
}

static void must_agree(void)
{
    char tally[64];
    add("]}");
    struct said r = replay(text);
    snprintf(tally, sizeof(tally), "%u passed, 0 failed\n", nr_steps);
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT(ends(r.out, tally));
    if (r.exit)
        printf("\n%s%s", r.out, r.err);
    done(r);
}

/* A pool's own nodes are candidates, dom0 and other pools' vCPUs count where they can run; affinity outside the pool.
 */
static void several_pools(void)
{
    const unsigned cpus[] = {4, 4}, gib[] = {2, 2};
    host(2, cpus, gib, 20000,
         DOM0
         ", \"cpupools\": [{\"name\": \"Pool-0\", \"sched\": \"credit2\", \"cpus\": [0, 1]},"
         "{\"name\": \"one\", \"sched\": \"credit\", \"cpus\": [2, 3, 4, 5]}, {\"name\": \"two\", \"cpus\": \"6\"}]");
    const char *all = "\"hard_affinity_cpus\": [0, 1, 2, 3, 4, 5, 6, 7]";
    char expect[512];
#define EXPECT(rest) (snprintf(expect, sizeof(expect), "\"rc\": 0, %s, " rest, all), expect)
    step("create", "a", "[504288, 500000]", "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"one\"",
         EXPECT("\"auto_placed\": true, \"nodes_chosen\": [0], \"memory_nodes\": [0], "
                "\"soft_affinity_cpus\": [0, 1, 2, 3], \"pages_per_node\": [25600, 0]"));
    step("create", "b", "[478688, 500000]", "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"one\"",
         EXPECT("\"auto_placed\": true, \"nodes_chosen\": [1], \"pages_per_node\": [0, 25600]"));
    /* More vCPUs than the pool has: no placement; memory from where the pool is. */
    step("create", "c", "[478688, 474400]", "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"two\"",
         EXPECT("\"auto_placed\": false, \"nodes_chosen\": null, \"soft_affinity_cpus\": [0, 1, 2, 3, 4, 5, 6, 7], "
                "\"pages_per_node\": [0, 25600]"));
    step("create", "d", "[478688, 448800]", "\"memory_mb\": 100, \"vcpus\": 1, \"pool\": \"Pool-0\"",
         EXPECT("\"auto_placed\": true, \"nodes_chosen\": [0], \"pages_per_node\": [25600, 0]"));
    step("create", "e", "[453088, 448800]", "\"memory_mb\": 100, \"vcpus\": 1, \"pool\": \"one\", \"cpus\": \"0-1\"",
         "\"rc\": 3, \"auto_placed\": false, \"nodes_chosen\": null, \"memory_nodes\": null, "
         "\"pages_per_node\": [0, 0]");
    step("destroy", "e", "[453088, 448800]", "", "\"rc\": 1");
    must_agree();

    /* The first is not listed, and the other by its nodes. */
    host(2, cpus, gib, 20000, DOM0 ", \"cpupools\": [{\"name\": \"right\", \"cpus\": 4, \"nodes\": [1]}]");
    step("create", "a", "[504288, 500000]", "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"right\"",
         EXPECT("\"nodes_chosen\": [1], \"auto_placed\": true, \"pages_per_node\": [0, 25600]"));
    step("create", "b", "[400000, 500000]", "\"memory_mb\": 100, \"vcpus\": 2",
         EXPECT("\"nodes_chosen\": [0], \"auto_placed\": true, \"pages_per_node\": [25600, 0]"));
    must_agree();

    /* Under other names, and as an object. */
    host(2, cpus, gib, 20000, DOM0 ", \"cpupools\": {\"right\": [4, 5, 6, 7], \"left\": \"0-3\"}");
    step("create", "a", "[504288, 504288]", "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"right\"",
         EXPECT("\"nodes_chosen\": [1], \"auto_placed\": true, \"pages_per_node\": [0, 25600]"));
    step("create", "b", "[504288, 478688]", "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"left\"",
         EXPECT("\"nodes_chosen\": [0], \"auto_placed\": true, \"pages_per_node\": [25600, 0]"));
    must_agree();
}

/* It is never a candidate, and gets what the others have no room for. */
static void a_node_without_cpus(void)
{
    const unsigned cpus[] = {2, 2, 0}, gib[] = {1, 1, 1};
    host(3, cpus, gib, 20000, DOM0);
    step("create", "a", "[242144, 242144, 242144]", "\"memory_mb\": 600, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [1], \"pages_per_node\": [0, 153600, 0]");
    step("create", "b", "[242144, 88544, 242144]", "\"memory_mb\": 600, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0], \"memory_nodes\": [0], "
         "\"pages_per_node\": [153600, 0, 0]");
    step("create", "c", "[88544, 88544, 242144]", "\"memory_mb\": 800, \"vcpus\": 2", /* 691 MiB on nodes with pCPUs */
         "\"rc\": 0, \"auto_placed\": false, \"nodes_chosen\": null, \"memory_nodes\": [0, 1, 2], "
         "\"soft_affinity_cpus\": [0, 1, 2, 3], \"pages_per_node\": [23040, 88064, 93696]");
    step("create", "d", "[65504, 480, 148448]", "\"memory_mb\": 3000, \"vcpus\": 1",
         "\"rc\": 3, \"auto_placed\": false, \"pages_per_node\": [0, 0, 0]");
    must_agree();
}

/*
 * A node without pCPUs is numbered last, wherever its memory is. Here that is lowest, so that what is kept back, by the
 * span of node 0, is all below 2 GiB: node 1 gives its memory first, also to those who are placed on node 0.
 */
static void numbers_do_not_follow_addresses(void)
{
    const unsigned cpus[] = {2, 2, 0}, first[] = {1, 2, 0}, gib[] = {1, 1, 1};
    host_at(3, cpus, first, gib, 20000, DOM0);
    step("create", "a", "[240000, 242144, 242144]", "\"memory_mb\": 300, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [1], \"memory_nodes\": [1], "
         "\"pages_per_node\": [0, 76800, 0]");
    step("create", "b", "[240000, 165344, 242144]", "\"memory_mb\": 300, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0], \"memory_nodes\": [1], "
         "\"soft_affinity_cpus\": [0, 1], \"pages_per_node\": [0, 76800, 0]");
    /* 172 extents are left there; the other 78 are of what is kept back, of the node of its affinity first. */
    step("create", "c", "[240000, 88544, 242144]", "\"memory_mb\": 500, \"vcpus\": 2, \"cpus_soft\": \"0-1\"",
         "\"rc\": 0, \"auto_placed\": false, \"memory_nodes\": [0, 1], \"pages_per_node\": [39936, 88064, 0]");
    must_agree();
}

/* It takes part with no memory: chosen where its pCPUs count, and memory then comes from the others that are. */
static void node_0_without_memory(void)
{
    const unsigned cpus[] = {2, 2, 2}, gib[] = {0, 1, 1};
    host(3, cpus, gib, 20000, DOM0);
    step("create", "a", "[0, 242144, 240000]", "\"memory_mb\": 100, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [1], \"pages_per_node\": [0, 25600, 0]");
    /* On 0, 1 and 2 there are 1, 2 and 0 vCPUs besides its own. */
    step("create", "b", "[0, 216544, 240000]", "\"memory_mb\": 100, \"vcpus\": 4",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0, 2], \"memory_nodes\": [2], "
         "\"soft_affinity_cpus\": [0, 1, 4, 5], \"pages_per_node\": [0, 0, 25600]");
    /* To be at home where there is no memory leads to all that have some. */
    step("create", "c", "[0, 216544, 214400]", "\"memory_mb\": 100, \"vcpus\": 1, \"cpus\": [\"0-1\"]",
         "\"rc\": 0, \"auto_placed\": false, \"memory_nodes\": [1], \"pages_per_node\": [0, 25600, 0]");
    must_agree();
}

/* Soft affinity counts within hard affinity and the pool; where they are disjoint these two decide. */
static void soft_affinity_in_a_pool(void)
{
    const unsigned cpus[] = {4, 4}, gib[] = {2, 2};
    host(2, cpus, gib, 20000, DOM0 ", \"cpupools\": [{\"name\": \"one\", \"cpus\": [2, 3, 4, 5]}]");
    step("create", "a", "[504288, 504288]",
         "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"one\", \"cpus_soft\": \"6-7\"",
         "\"rc\": 0, \"auto_placed\": false, \"soft_affinity_cpus\": [6, 7], \"pages_per_node\": [12800, 12800]");
    step("create", "b", "[491488, 491488]",
         "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"one\", \"cpus\": \"0-3\", \"cpus_soft\": \"4-5\"",
         "\"rc\": 0, \"auto_placed\": false, \"soft_affinity_cpus\": [4, 5], \"hard_affinity_cpus\": [0, 1, 2, 3], "
         "\"memory_nodes\": [0], \"pages_per_node\": [25600, 0]");
    step("create", "c", "[465888, 491488]",
         "\"memory_mb\": 100, \"vcpus\": 2, \"pool\": \"one\", \"cpus\": [\"0-7\", \"0-1\"]", /* vCPU 1: nowhere */
         "\"rc\": 3, \"auto_placed\": false, \"pages_per_node\": [0, 0]");
    step("create", "d", "[465888, 491488]",
         "\"memory_mb\": 5000, \"vcpus\": 2, \"pool\": \"one\", \"cpus_soft\": \"4\"",
         "\"rc\": 3, \"auto_placed\": false, \"nodes_chosen\": null, \"pages_per_node\": [0, 0]");
    step("create", "e", "[465888, 491488]", "\"memory_mb\": 100, \"vcpus\": 2, \"cpus_soft\": \"nodes:0,^0-7\"",
         "\"rc\": 1, \"auto_placed\": false, \"pages_per_node\": [0, 0]");
    must_agree();
}

/*
 * 16 nodes are tried, 20 are not: memory then alternates over all. Before placement looks, the domain has taken a page
 * of node 1 and one of node 2, so that node 3 has the most memory.
 */
static void many_nodes(void)
{
    const unsigned cpus[20] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2},
                   gib[20] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    char before[256] = "[242144", after[256] = "[0";
    for (unsigned n = 1; n < 16; n++) {
        strcat(before, ", 242144");
        strcat(after, n == 3 ? ", 25600" : ", 0");
    }
    char expect[512];
    host(16, cpus, gib, 20000, DOM0);
    snprintf(expect, sizeof(expect), "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [3], \"pages_per_node\": %s]",
             after);
    strcat(before, "]");
    step("create", "a", before, "\"memory_mb\": 100, \"vcpus\": 2", expect);
    must_agree();

    strcpy(before, "[242144");
    strcpy(after, "[1024"); /* 80 MiB: 40 extents, two a node */
    for (unsigned n = 1; n < 20; n++) {
        strcat(before, ", 242144");
        strcat(after, ", 1024");
    }
    strcat(before, "]");
    host(20, cpus, gib, 20000, DOM0);
    snprintf(expect, sizeof(expect),
             "\"rc\": 0, \"auto_placed\": false, \"nodes_chosen\": null, \"pages_per_node\": %s]", after);
    step("create", "a", before, "\"memory_mb\": 80, \"vcpus\": 2", expect);
    must_agree();
}

/* As far as it is one way, another one back; of 24 nodes two have no memory and two no pCPUs. */
static void a_map_of_24_nodes(void)
{
    unsigned cpus[24], gib[24], first[24], at = 0;
    char before[512] = "[", after[512] = "[";
    for (unsigned n = 0; n < 24; at += gib[n++]) {
        cpus[n] = n < 22 ? 2 : 0;
        gib[n] = n == 5 || n == 11 ? 0 : 1 + n % 2;
        first[n] = at;
        snprintf(before + strlen(before), 16, "%s%u", n ? ", " : "", gib[n] ? gib[n] * GIB - 20000 : 0);
        /* 84 MiB: two extents each from 20 nodes that it can run on, and one more from nodes 1 and 2 */
        snprintf(after + strlen(after), 16, "%s%u", n ? ", " : "",
                 !gib[n] || !cpus[n] ? 0
                 : n == 3 || n == 4  ? 1536
                                     : 1024);
    }
    strcat(before, "]");
    strcat(after, "]");
    host_at(24, cpus, first, gib, 20000, DOM0);
    char *d = text;
    for (unsigned i = 0; (d = strstr(d, "20, 20")); i++, d += 4)
        d[1] = (char)('0' + i % 7); /* 20 to 26 */
    char expect[1024];
    snprintf(expect, sizeof(expect),
             "\"rc\": 0, \"auto_placed\": false, \"nodes_chosen\": null, \"pages_per_node\": %s", after);
    step("create", "a", before, "\"memory_mb\": 84, \"vcpus\": 2", expect);
    must_agree();
}

/* dom0 counts where it may run. */
static void dom0_elsewhere(void)
{
    const unsigned cpus[] = {2, 2}, gib[] = {2, 2};
    host(2, cpus, gib, 20000,
         "\"dom0\": {\"vcpus\": 4, \"hard\": [2, 3], \"pages_per_node\": [0, 9], \"cpupool\": null}");
    step("create", "a", "[400000, 500000]", "\"memory_mb\": 100, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0], \"pages_per_node\": [25600, 0]");
    must_agree();
    host(2, cpus, gib, 20000, "\"dom0\": {\"vcpus\": 4, \"hard\": \"nodes:0\"}");
    step("create", "a", "[500000, 400000]", "\"memory_mb\": 100, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [1], \"pages_per_node\": [0, 25600]");
    must_agree();
    host(2, cpus, gib, 20000, "\"dom0\": {\"vcpus\": 3, \"hard\": [[0], [2], \"3\"]}");
    step("create", "a", "[400000, 500000]", "\"memory_mb\": 100, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0], \"pages_per_node\": [25600, 0]");
    must_agree();
    host(2, cpus, gib, 20000, "\"dom0\": {\"vcpus\": 3, \"hard\": [0, 1, 2, 3], \"soft\": [0, 1]}");
    step("create", "a", "[500000, 400000]", "\"memory_mb\": 100, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [1], \"pages_per_node\": [0, 25600]");
    must_agree();
    host(2, cpus, gib, 20000, "\"dom0\": {\"vcpus\": 4, \"hard\": null}"); /* anywhere: memory decides */
    step("create", "a", "[500000, 400000]", "\"memory_mb\": 100, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0], \"pages_per_node\": [25600, 0]");
    must_agree();
}

/* Every form in which affinity can be written, and a list that is longer than there are vCPUs. */
static void forms_of_affinity(void)
{
    const unsigned cpus[] = {4, 4}, gib[] = {2, 2};
    host(2, cpus, gib, 20000, DOM0);
    step("create", "a", "[504288, 504288]", "\"memory_mb\": 100, \"vcpus\": 2, \"cpus\": [4, \"nodes:1,^7\", 0]",
         "\"rc\": 0, \"auto_placed\": false, \"hard_affinity_cpus\": [4], \"pages_per_node\": [0, 25600]");
    step("create", "b", "[504288, 478688]", "\"memory_mb\": 100, \"vcpus\": 2, \"cpus_soft\": [\"node:0\", \"1\"]",
         "\"rc\": 0, \"auto_placed\": false, \"soft_affinity_cpus\": [0, 1, 2, 3], \"pages_per_node\": [25600, 0]");
    step("create", "c", "[478688, 478688]", "\"memory_mb\": 100, \"vcpus\": 1, \"cpus\": 3",
         "\"rc\": 0, \"auto_placed\": true, \"hard_affinity_cpus\": [3], \"soft_affinity_cpus\": [4, 5, 6, 7], "
         "\"nodes_chosen\": [1], \"pages_per_node\": [0, 25600]");
    step("create", "d", "[478688, 453088]", "\"memory_mb\": 100, \"vcpus\": 1, \"cpus\": \"0-7,^nodes:0-1\"",
         "\"rc\": 1, \"auto_placed\": false, \"pages_per_node\": [0, 0]");
    step("destroy", "d", "[478688, 453088]", "", "\"rc\": 1");
    step("create", "d", "[478688, 453088]", "\"memory_mb\": 100, \"vcpus\": 1, \"cpus_soft\": \"['5']\"",
         "\"rc\": 0, \"pages_per_node\": [0, 25600]");
    /* The last is no JSON list. */
    add("]}");
    struct said r = replay(text);
    CU_ASSERT_EQUAL(r.exit, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err, "cpus_soft: character 2 of the list: expected a value"));
    done(r);
    *strstr(text, ",\n{\"step\": 6") = 0;
    nr_steps--;
    must_agree();
}

/* One node: nothing to place, and nothing kept back for devices. Memory alone; maxmem and maxvcpus go into the need. */
static void one_node_and_tight_ones(void)
{
    const unsigned cpus[] = {2, 2}, gib[] = {4, 2};
    host(1, cpus, gib, 20000, DOM0);
    step("create", "a", "[1028576]", "\"memory_mb\": 3900, \"vcpus\": 2",
         "\"rc\": 0, \"auto_placed\": false, \"nodes_chosen\": null, \"pages_per_node\": [998400]");
    must_agree();
    /* 300 + 4 x (256 + 300) KiB + 1 MiB, up to 2 MiB: 304 MiB, and the page that the domain has taken already. */
    for (unsigned short_of = 0; short_of < 2; short_of++) {
        char before[64];
        host(2, cpus, gib, 20000, DOM0);
        snprintf(before, sizeof(before), "[500000, %u]", 304 * 256 + 1 - short_of);
        step("create", "a", before, "\"memory_mb\": 300, \"vcpus\": 1",
             short_of ? "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0], \"pages_per_node\": [76800, 0]"
                      : "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [1], \"pages_per_node\": [0, 76800]");
        must_agree();
    }
    host(2, cpus, gib, 20000, DOM0);
    step("create", "a", "[500000, 77825]", "\"memory_mb\": 300, \"vcpus\": 1, \"maxmem_mb\": 900",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0], \"pages_per_node\": [76800, 0]");
    must_agree();
}

/* What the record says of the DMA zone and of zones, and keys that nobody knows. */
static void what_else_a_record_says(void)
{
    const unsigned cpus[] = {2, 2}, gib[] = {2, 2};
    host(2, cpus, gib, 20000, DOM0);
    step("create", "a", "[140000, 100000]", "\"memory_mb\": 512, \"vcpus\": 3",
         "\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [0, 1], \"pages_per_node\": [65536, 65536]");
    add("]}");
    /* All but 140000 - 2^17 pages of node 0 are kept back: 17 extents; with dma_bits=24 none are. */
    struct said r = replay(text);
    CU_ASSERT_EQUAL(r.exit, EXIT_CHECK_FAILED);
    done(r);
    char *copy = strdup(doctored(text, 1, "\"host\": {", "\"host\": {\"dma_width_bits\": 24, \"colour\": 1, "));
    r = replay(copy);
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err, "booted with dma_bits=24"));
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err, "r.json:1:87: 'colour' is not known and not used\n"));
    done(r);
    free(copy);
}

/* ---- mistakes -----------------------------------------------------------------------------------------------------
 */

static const char *const good =
    "{\"format\": \"hvsim-placement-1\", \"behaviour\": \"modern\", \"sequence\": \"S\",\n"
    "\"host\": {\"nr_cpus\": 4, \"nodes\": [\n"
    "{\"node\": 0, \"pcpus\": [0, 1], \"distances\": [10, 20], \"start_pfn\": 0, \"spanned_pages\": 262144, "
    "\"free_pages\": 200000},\n"
    "{\"node\": 1, \"pcpus\": [2, 3], \"distances\": [20, 10], \"start_pfn\": 262144, \"spanned_pages\": 262144, "
    "\"free_pages\": 261000}],\n"
    "\"free_pages_per_zone\": {\"0\": {\"18\": 131072, \"17\": 65536, \"16\": 3392}, \"1\": {\"19\": 261000}},\n"
    "\"dma_width_bits\": 28},\n"
    "\"dom0\": {\"vcpus\": 1, \"hard\": [0], \"pages_per_node\": [1000, 0], \"cpupool\": null}, \"cpupools\": null,\n"
    "\"steps\": [\n"
    "{\"step\": 1, \"op\": \"create\", \"name\": \"a\", \"before\": {\"node_free_pages\": [200000, 261000]}, "
    "\"memory_mb\": 64, \"vcpus\": 1, \"expect\": {\"rc\": 0, \"auto_placed\": true, \"nodes_chosen\": [1], "
    "\"pages_per_node\": [0, 16384]}},\n"
    "{\"step\": 2, \"op\": \"destroy\", \"name\": \"a\", \"before\": {\"node_free_pages\": [200000, 244000]}, "
    "\"expect\": {\"rc\": 0}}]}\n";

static void mistakes_have_their_place(void)
{
    static const struct {
        const char *from, *to, *says;
    } of[] = {
        {"hvsim-placement-1", "hvsim-placement-2", "1:12: format 'hvsim-placement-2': expected 'hvsim-placement-1'"},
        {"\"format\"", "\"fromat\"", "1:1: 'format' is missing; is it what 'fromat' means?"},
        {"\"modern\"", "\"modrn\"", "1:46: unknown level 'modrn'; did you mean 'modern'?"},
        {"\"nr_cpus\": 4", "\"nr_cpus\": 5", "2:21: nr_cpus: expected a whole number from 4 to 4, found 5"},
        {"\"start_pfn\": 262144", "\"start_pfn\": 262143",
         "4:66: node 1, pages 262143 to 524287: overlaps node 0, 0 to 262144"},
        {"\"start_pfn\": 262144", "\"start_pfn\": 262144.5",
         "4:66: start_pfn: expected a whole number from 0 to 1099511627776, found 262144.5"},
        {"\"start_pfn\": 262144", "\"start_pfn\": -1",
         "4:66: start_pfn: expected a whole number from 0 to 1099511627776, found -1"},
        {"\"spanned_pages\": 262144, \"free_pages\": 261000", "\"free_pages\": 261000",
         "4:1: 'spanned_pages' is missing"},
        {"\"free_pages\": 261000", "\"free_pages\": 262145",
         "4:113: free_pages: expected a whole number from 0 to 262144, found 262145"},
        {"[20, 10]", "[20, 11]", "4:48: distances: node 1 to 1 is 11: expected 10 on the diagonal"},
        {"[10, 20]", "[10, 10]", "3:48: distances: node 0 to 1 is 10: expected 11 to 254 off it"},
        {"[10, 20]", "[10, 20, 20]", "3:43: distances: expected one for each of 2 nodes, found 3"},
        {"[10, 20]", "[10]", "3:43: distances: expected one for each of 2 nodes, found 1"},
        {"\"pcpus\": [2, 3]", "\"pcpus\": [1, 3]", "2:33: pCPU 1 is on two nodes"},
        {"\"pcpus\": [2, 3]", "\"pcpus\": [2, 4]", "2:33: 4 pCPUs in all, numbered from 0: there is no pCPU 4"},
        {"\"pcpus\": [2, 3]", "\"pcpus\": [2, 2]", "4:26: pcpus: 2 stands there twice"},
        {"\"node\": 1", "\"node\": 0", "4:10: a second node 0"},
        {"\"node\": 1", "\"node\": 2", "4:10: node: expected a whole number from 0 to 1, found 2"},
        {"\"19\": 261000", "\"20\": 261000", "expected a whole number from 0 to 0, found 261000"},
        {"\"19\": 261000", "\"x\": 261000", "zone 'x': expected a number from 1 to 52"},
        {"\"vcpus\": 1, \"hard\"", "\"hard\"", "7:9: 'vcpus' is missing"},
        {"\"hard\": [0]", "\"hard\": [4]", "7:31: hard: expected a whole number from 0 to 3, found 4"},
        {"\"hard\": [0]", "\"hard\": []", "7:30: hard: dom0 may run nowhere"},
        {"\"dom0\"", "\"dom1\"", "1:1: 'dom0' is missing; is it what 'dom1' means?"},
        {"\"cpupools\": null", "\"cpupools\": [{\"name\": \"Pool-0\", \"cpus\": [1]}]",
         "pCPU 0 is in no pool: it stays in Pool-0"},
        {"\"cpupools\": null", "\"cpupools\": [{\"name\": \"x\", \"cpus\": 1}]",
         "a pool needs a list of its pCPUs, 'cpus'"},
        {"\"hard\": [0]", "\"hard\": [[0], [1]]", "7:30: hard: 2 lists for 1 vCPUs"},
        {"\"cpupools\": null", "\"cpupools\": [{\"name\": \"x\", \"cpus\": [0]}, {\"name\": \"y\", \"cpus\": [0]}]",
         "pCPU 0 is in pools 'x' and 'y'"},
        {"\"op\": \"create\"", "\"op\": \"creat\"",
         "9:19: op 'creat': expected create or destroy; did you mean 'create'?"},
        {"\"name\": \"a\", \"before\": {\"node_free_pages\": [200000, 244000]}",
         "\"name\": \"b\", \"before\": {\"node_free_pages\": [200000, 244000]}",
         "10:38: 'b' is destroyed and was never created"},
        {"\"op\": \"destroy\", \"name\": \"a\", \"before\": {\"node_free_pages\": [200000, 244000]}",
         "\"op\": \"create\", \"memory_mb\": 1, \"vcpus\": 1, \"name\": \"a\", \"before\": {\"node_free_pages\": [1, "
         "1]}",
         "'pages_per_node' is missing"},
        {"\"expect\": {\"rc\": 0}}]}",
         "\"expect\": {\"rc\": 0}}, {\"op\": \"destroy\", \"name\": \"a\", \"before\": {\"node_free_pages\": [1, 1]}, "
         "\"expect\": {\"rc\": 0}}]}",
         "'a' is destroyed already"},
        {"{\"step\": 2, \"op\": \"destroy\"",
         "{\"op\": \"create\", \"name\": \"a\", \"before\": {\"node_free_pages\": [1, 1]}, \"memory_mb\": 1, "
         "\"vcpus\": 1, "
         "\"expect\": {\"rc\": 0, \"pages_per_node\": [0, 256]}}, {\"step\": 2, \"op\": \"destroy\"",
         "10:26: 'a' exists already, since step 1"},
        {"\"name\": \"a\"", "\"name\": \"a b\"", "9:37: name 'a b': expected 1 to 63 letters"},
        {"\"memory_mb\": 64", "\"memory\": 64", "9:1: 'memory_mb' is missing; is it what 'memory' means?"},
        {"\"memory_mb\": 64", "\"memory_mb\": 0", "memory_mb: expected a whole number from 1 to 1073741824, found 0"},
        {"\"memory_mb\": 64", "\"memory_mb\": \"64\"",
         "memory_mb: expected a whole number from 1 to 1073741824, found a "
         "string"},
        {"\"vcpus\": 1, \"expect\"", "\"vcpus\": 1, \"pool\": \"x\", \"expect\"", "no pool 'x' in cpupools"},
        {"\"vcpus\": 1, \"expect\"", "\"vcpus\": 1, \"cpus\": true, \"expect\"", "cpus: expected a list of pCPUs"},
        {"\"vcpus\": 1, \"expect\"", "\"vcpus\": 1, \"cpus\": [], \"expect\"", "cpus: the list is empty"},
        {"[200000, 261000]", "[200000]", "node_free_pages: expected a number of pages for each of 2 nodes, found 1"},
        {"[200000, 261000]", "[200000, 262145]", "node_free_pages: 262145 on node 1, which has 262144 pages"},
        {"\"rc\": 0, \"auto_placed\"", "\"auto_placed\"", "'rc' is missing"},
        {"\"auto_placed\": true", "\"auto_placed\": 1", "auto_placed: expected true or false, found a number"},
        {"\"nodes_chosen\": [1]", "\"nodes_chosen\": [2]",
         "nodes_chosen: expected a whole number from 0 to 1, found 2"},
        {"\"sequence\": \"S\",", "\"sequence\": \"S\"", "2:1: expected ',' or '}'"},
        {"\"sequence\": \"S\"", "\"sequence\": \"S\", \"format\": \"x\"", "1:73: a second 'format'"},
    };
    struct said r = replay(good);
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(r.err, "");
    if (r.exit)
        printf("%s%s", r.out, r.err);
    done(r);
    for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
        bool has_place = of[i].says[0] >= '0' && of[i].says[0] <= '9' && strchr(of[i].says, ':') < of[i].says + 3;
        char want[256];
        snprintf(want, sizeof(want), has_place ? "hvsim replay: r.json:%s" : "%s", of[i].says);
        r = replay(doctored(good, 1, of[i].from, of[i].to));
        CU_ASSERT_EQUAL(r.exit, EXIT_BAD_INPUT);
        if (!strstr(r.err, want))
            printf("\n  %s\n  expected %s\n  got      %s%s", of[i].to, want, r.err, r.out);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.err, want));
        CU_ASSERT_STRING_EQUAL(r.out, "");
        done(r);
    }
}

static void bad_command_lines(void)
{
    static const struct {
        const char *word[4], *says;
    } of[] = {{{"nowhere.json"}, "nowhere.json: cannot read"},
              {{NULL}, "no record given to replay placement"},
              {{"r.json", "--csv", "x"}, "--csv, --duration and --seeds are not of replay placement"},
              {{"r.json", "--level", "modrn"}, "unknown level 'modrn'; did you mean 'modern'?"}};
    for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
        struct said r = call(of[i].word);
        CU_ASSERT_EQUAL(r.exit, EXIT_BAD_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.err, of[i].says));
        done(r);
    }
}

/* ---- */

static void clean_up(void)
{
    static const char *const files[] = {"r.json", "bad.json", "stdout", "stderr", NULL};
    scratch_leave(files);
}

static const struct cunit_case tests[] = {
    {"set-up", scratch_enter},
    {"a recording agrees", a_recording_agrees},
    {"a doctored recording fails", a_doctored_recording_fails},
    {"as JSON", as_json},
    {"scenes can be kept", scenes_can_be_kept},
    {"several pools", several_pools},
    {"a node without pCPUs", a_node_without_cpus},
    {"numbers do not follow addresses", numbers_do_not_follow_addresses},
    {"node 0 without memory", node_0_without_memory},
    {"soft affinity in a pool", soft_affinity_in_a_pool},
    {"many nodes", many_nodes},
    {"a map of 24 nodes", a_map_of_24_nodes},
    {"dom0 elsewhere", dom0_elsewhere},
    {"forms of affinity", forms_of_affinity},
    {"one node, and tight ones", one_node_and_tight_ones},
    {"what else a record says", what_else_a_record_says},
    {"mistakes have their place", mistakes_have_their_place},
    {"bad command lines", bad_command_lines},
    {"clean-up", clean_up},
};

CUNIT_MAIN("replay placement", tests)
