// SPDX-License-Identifier: GPL-2.0-or-later
// The yardstick: bare SystemC processes that do nothing but wait.
#ifndef BENCH_PING_HPP
#define BENCH_PING_HPP

#include <cstdint>

struct ping_result {
    uint64_t events;
    double simulated_s, wall_s;
};

/// n SC_THREADs, each waiting a uniform random time of mean mean_ns again and again, until `events` waits are over.
ping_result ping_run(unsigned n, double mean_ns, uint64_t events, uint64_t seed);

#endif
