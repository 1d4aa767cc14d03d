// SPDX-License-Identifier: GPL-2.0-or-later
// What the simulator writes as a trace, read back.
#include "cunit_main.h"
#include <kernel/trace_writer.hpp>
extern "C" {
#include "trace_stats.h"
}
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace
{

constexpr uint32_t change(unsigned from, unsigned to)
{
    return TRACE_RUNSTATE_CHANGE + (from << 8) + (to << 4);
}

struct file {
    char *data = nullptr;
    size_t n = 0;
    FILE *f = open_memstream(&data, &n);
    ~file()
    {
        free(data);
    }
};

void read_back(file &f, struct trace &t)
{
    struct fault fault = {};
    fclose(f.f);
    CU_ASSERT_EQUAL_FATAL(trace_parse(f.data, f.n, "written", &t, &fault), EXIT_DONE);
}

void test_records_come_back()
{
    file f;
    sim::trace_writer w(f.f, 2);
    uint32_t words[7] = {1, 2, 3, 4, 5, 6, 7};
    CU_ASSERT_TRUE(w.on());
    w.add(1, 5'000'000'000, 0x2800a, 4, words);
    w.add(0, 7, 0x28008, 0, nullptr);
    w.add(0, 8, 0x10f005, 7, words); // a memory event: without TSC
    w.add(0, 9, 0x10f001, 1, words); // a grant: with
    CU_ASSERT_TRUE(w.finish());
    struct trace t;
    read_back(f, t);
    CU_ASSERT_EQUAL(t.windows, 2);
    CU_ASSERT_EQUAL_FATAL(t.nr, 4);
    CU_ASSERT_EQUAL(t.rec[0].cpu, 0);
    CU_ASSERT_EQUAL(t.rec[0].event, 0x28008);
    CU_ASSERT_EQUAL(t.rec[0].tsc, 7);
    CU_ASSERT_FALSE(t.rec[1].has_tsc);
    CU_ASSERT_EQUAL(t.rec[1].nr_words, 7);
    CU_ASSERT_EQUAL(t.rec[1].word[6], 7);
    CU_ASSERT_TRUE(t.rec[2].has_tsc);
    CU_ASSERT_EQUAL(t.rec[3].cpu, 1);
    CU_ASSERT_EQUAL(t.rec[3].tsc, 5'000'000'000);
    CU_ASSERT_EQUAL(t.rec[3].word[3], 4);
    trace_free(&t);
}

void test_order_that_xenalyze_demands()
{
    file f;
    sim::trace_writer w(f.f, 2);
    uint32_t a = 1u << 16, b = 2u << 16;
    w.add(0, 0, change(0, 1), 1, &a);   // never a TSC of 0
    w.add(0, 100, change(1, 0), 1, &b); // same pCPU: equal is allowed
    w.add(0, 100, change(0, 1), 1, &b);
    w.add(1, 100, change(1, 0), 1, &b); // another pCPU at the same time: 1 ns later
    w.add(1, 100, change(0, 2), 1, &b); // and this pCPU does not go back
    w.add(0, 90, change(1, 0), 1, &a);  // nor this one
    CU_ASSERT_TRUE(w.finish());
    struct trace t;
    read_back(f, t);
    CU_ASSERT_EQUAL_FATAL(t.nr, 6);
    static const uint64_t expect[] = {1, 100, 100, 100, 101, 101};
    for (unsigned i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(t.rec[i].tsc, expect[i]);
    trace_free(&t);
}

void test_many_records_in_epochs()
{
    enum { CPUS = 3, RECORDS = 40000 };
    file f;
    sim::trace_writer w(f.f, CPUS);
    uint32_t v = 1u << 16;
    for (int i = 0; i < RECORDS; i++)
        w.add(unsigned(i) % CPUS, i + 1, TRACE_CONTINUE_RUNNING, 1, &v);
    CU_ASSERT_TRUE(w.finish());
    struct trace t;
    read_back(f, t);
    CU_ASSERT_EQUAL(t.nr, RECORDS);
    CU_ASSERT_TRUE(t.windows > 2 * CPUS); // several epochs
    bool early[CPUS] = {};                // every pCPU has a window in the first epoch, before any has its second
    size_t at = 0;
    for (int i = 0; i < CPUS; i++) {
        uint32_t head[3];
        memcpy(head, f.data + at, sizeof head);
        early[head[1]] = true;
        at += sizeof head + head[2];
    }
    CU_ASSERT_TRUE(early[0] && early[1] && early[2]);
    trace_sort(&t);
    for (size_t i = 0; i < t.nr; i++)
        CU_ASSERT_EQUAL(t.rec[i].tsc, i + 1);
    trace_free(&t);
}

void test_a_full_disk_is_noticed()
{
    FILE *full = fopen("/dev/full", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(full);
    sim::trace_writer w(full, 1);
    uint32_t v = 1u << 16;
    for (int i = 0; i < 100000; i++)
        w.add(0, i + 1, TRACE_CONTINUE_RUNNING, 1, &v);
    CU_ASSERT_FALSE(w.finish());
    fclose(full);
    sim::trace_writer off(nullptr, 4);
    CU_ASSERT_FALSE(off.on());
    CU_ASSERT_TRUE(off.finish());
}

const struct cunit_case tests[] = {
    {"records come back as they were", test_records_come_back},
    {"times are in the order that xenalyze demands", test_order_that_xenalyze_demands},
    {"many records, in windows of all pCPUs", test_many_records_in_epochs},
    {"a full disk is noticed", test_a_full_disk_is_noticed},
};

} // namespace

CUNIT_MAIN("trace_writer", tests)
