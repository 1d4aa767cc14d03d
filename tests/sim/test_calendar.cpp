// SPDX-License-Identifier: GPL-2.0-or-later
// The calendar against a slow reference: a sorted set of (time, class, id).
#include "cunit_main.h"
#include "kernel/calendar.hpp"
#include <set>
#include <tuple>

using namespace sim;

namespace
{

using key = std::tuple<time_ps, int, int>;

struct reference {
    std::set<key> due;
};

uint64_t lcg(uint64_t &x)
{
    x = x * 6364136223846793005ull + 1442695040888963407ull;
    return x >> 33;
}

void test_same_time_goes_by_class_then_id()
{
    calendar c;
    slot_id guest0 = c.add_slot(event_class::guest, 0), timer7 = c.add_slot(event_class::timer, 7);
    slot_id timer2 = c.add_slot(event_class::timer, 2), ipi9 = c.add_slot(event_class::ipi, 9);
    for (slot_id s : {guest0, timer7, timer2, ipi9})
        c.set(s, 1000);
    CU_ASSERT_EQUAL(c.pop(), ipi9);
    CU_ASSERT_EQUAL(c.pop(), timer2);
    CU_ASSERT_EQUAL(c.pop(), timer7);
    CU_ASSERT_EQUAL(c.pop(), guest0);
    CU_ASSERT_TRUE(c.empty());
}

void test_would_be_first_at_the_boundary()
{
    calendar c;
    slot_id a = c.add_slot(event_class::resume, 3), b = c.add_slot(event_class::resume, 4);
    CU_ASSERT_TRUE(c.would_be_first(b, 5000)); // nothing else is due
    c.set(a, 1000);
    CU_ASSERT_TRUE(c.would_be_first(b, 999));
    CU_ASSERT_FALSE(c.would_be_first(b, 1000)); // same time: pCPU 3 before pCPU 4
    CU_ASSERT_FALSE(c.would_be_first(b, 1001));
    c.cancel(a);
    c.set(b, 1000);
    CU_ASSERT_TRUE(c.would_be_first(a, 1000));
}

void test_agrees_with_a_sorted_set_over_random_operations()
{
    constexpr int slots = 200;
    calendar c;
    std::set<key> ref;
    std::vector<key> at(slots);
    std::vector<bool> due(slots, false);
    uint64_t x = 42;
    for (int i = 0; i < slots; i++) {
        c.add_slot(event_class(i % 5), uint16_t(i / 5));
        at[size_t(i)] = key(0, i % 5, i / 5);
    }
    for (int op = 0; op < 200000; op++) {
        slot_id s = slot_id(lcg(x) % slots);
        switch (lcg(x) % 4) {
        case 0:
        case 1: {
            time_ps t = time_ps(lcg(x) % 500); // many ties
            if (due[s])
                ref.erase(at[s]);
            std::get<0>(at[s]) = t;
            ref.insert(at[s]);
            due[s] = true;
            c.set(s, t);
            break;
        }
        case 2:
            if (due[s])
                ref.erase(at[s]);
            due[s] = false;
            c.cancel(s);
            break;
        default:
            CU_ASSERT_EQUAL_FATAL(c.empty(), ref.empty());
            if (!ref.empty()) {
                slot_id head = c.pop();
                CU_ASSERT_FATAL(at[head] == *ref.begin());
                ref.erase(ref.begin());
                due[head] = false;
            }
        }
        CU_ASSERT_EQUAL_FATAL(c.due(s), bool(due[s]));
    }
}

const cunit_case tests[] = {
    {"events at the same time go by class, then id", test_same_time_goes_by_class_then_id},
    {"would_be_first at t-1, t, t+1", test_would_be_first_at_the_boundary},
    {"200,000 random operations agree with a sorted set", test_agrees_with_a_sorted_set_over_random_operations},
};

} // namespace

CUNIT_MAIN("calendar", tests)
