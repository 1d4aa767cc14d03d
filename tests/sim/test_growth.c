/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How time grows over a sweep: exponents of power laws, and the table by label and node. */
#include "growth_report.h"
#include "stub_backend.h"

#include <cunit_main.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_exponent(void)
{
    double x[5] = {16, 32, 64, 128, 128}, y[5];
    static const double powers[] = {-1, 0, 0.5, 1, 2};
    for (unsigned p = 0; p < 5; p++) {
        for (unsigned i = 0; i < 5; i++)
            y[i] = 3e-4 * pow(x[i], powers[p]);
        CU_ASSERT_DOUBLE_EQUAL(growth_exponent(x, y, 5), powers[p], 1e-12);
    }
    /* A count without any of it says nothing about the power; one count alone neither. */
    double some[4] = {0, 32, 64, 128}, none[2] = {0, 7};
    CU_ASSERT_DOUBLE_EQUAL(growth_exponent(x, some, 4), 1, 1e-12);
    CU_ASSERT_TRUE(isnan(growth_exponent(x, none, 2)));
    CU_ASSERT_TRUE(isnan(growth_exponent(x + 3, y + 3, 2)));
}

/* 2, 4 and 8 vCPUs on 4 pCPUs: wake grows with their square, idle not at all. Two seeds: their mean. */
static void fill(struct store *s)
{
    struct fault f = {0};
    int64_t id[6];
    CU_ASSERT_EQUAL_FATAL(store_begin_sweep(s, "grows", "d", "f.toml", &f), EXIT_DONE);
    for (unsigned i = 0; i < 6; i++) {
        char key[16];
        enum run_status status;
        snprintf(key, sizeof(key), "key%u", i);
        struct store_run r = {key, "s.toml", "series", "{}", "c", "{}", i};
        CU_ASSERT_EQUAL_FATAL(store_add_run(s, &r, &id[i], &status, &f), EXIT_DONE);
    }
    CU_ASSERT_EQUAL_FATAL(store_end_sweep(s, &f), EXIT_DONE);
    for (unsigned i = 0; i < 6; i++) {
        struct run_reply r = {.exit = EXIT_DONE};
        struct metrics *m = &r.result.metrics;
        unsigned n = 2u << i / 2;
        char text[16];
        metrics_init(m);
        for (unsigned v = 0; v < n; v++) {
            snprintf(text, sizeof(text), "%u", v);
            metrics_add(m, "vcpu.cpu_seconds", 1, "vm", "a", "vcpu", text, NULL);
        }
        metrics_add(m, "vcpu.cpu_seconds", 1, "vm", "Domain-0", "vcpu", "0", NULL);
        for (unsigned c = 0; c < 4; c++) {
            snprintf(text, sizeof(text), "%u", c);
            metrics_add(m, "pcpu.busy_fraction", 1, "pcpu", text, NULL);
        }
        double wake = n * n * (i % 2 ? 0.0011 : 0.0009);
        metrics_add(m, "host.time_fraction", wake, "op", "wake", NULL);
        metrics_add(m, "host.time_fraction", 0.25, "op", "idle", NULL);
        metrics_add(m, "host.time_fraction", 0, "op", "tick", NULL);
        metrics_add(m, "node.time_fraction", 2 * wake, "node", "1", "op", "wake", NULL);
        CU_ASSERT_EQUAL(store_finish_run(s, id[i], &r, &f), EXIT_DONE);
        metrics_free(m);
    }
}

static char *print(struct store *s, const char *sweep, bool each, int expect)
{
    struct fault f = {0};
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    CU_ASSERT_EQUAL(growth_report(s, sweep, each, out, &f), expect);
    fclose(out);
    return text;
}

static void test_table(void)
{
    static const char host[] = "series: pCPUs busy with op, against vCPUs\n"
                               "op                    2          4          8   grows as\n"
                               "wake              0.016      0.064      0.256   n^2.00\n"
                               "idle                  1          1          1   n^0.00\n"
                               "tick                  0          0          0   -\n\n",
                      node[] = "series, node 1: % of its time\n"
                               "op                    2          4          8   grows as\n"
                               "wake                0.8        3.2       12.8   n^2.00\n\n";
    char *dir = temp_dir(), both[sizeof(host) + sizeof(node)];
    struct fault f = {0};
    struct store *s = store_open(in_dir(dir, "a.sqlite"), STORE_CREATE, &f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    fill(s);
    snprintf(both, sizeof(both), "%s%s", host, node);
    char *total = print(s, "grows", false, EXIT_DONE), *each = print(s, "grows", true, EXIT_DONE),
         *none = print(s, "other", false, EXIT_BAD_INPUT);
    CU_ASSERT_STRING_EQUAL(total, host);
    CU_ASSERT_STRING_EQUAL(each, both);
    CU_ASSERT_STRING_EQUAL(none, "");
    free(total);
    free(each);
    free(none);
    store_close(s);
    remove_tree(dir);
}

static const struct cunit_case tests[] = {
    {"exponents are those of the power law", test_exponent},
    {"a sweep's table has the mean at each count, of the host and of each node", test_table},
};

CUNIT_MAIN("growth", tests)
