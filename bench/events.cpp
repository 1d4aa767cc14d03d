// SPDX-License-Identifier: GPL-2.0-or-later
//
// Events per second and simulated seconds per second of wall time, beside a bare SystemC ping with as many processes,
// in one run. Each measurement is a process of its own, because SystemC keeps global state.
#include "../sim/run.h"
#include "ping.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace
{

struct sample {
    double events = 0, handovers = 0, simulated_s = 0, wall_s = 0;
};

/// Runs f in a child and takes its sample through a pipe. Exits on failure.
template <class F> sample in_child(F f)
{
    int fd[2];
    if (pipe(fd)) {
        perror("bench_events: pipe");
        exit(3);
    }
    fflush(nullptr);
    pid_t pid = fork();
    if (pid == 0) {
        sample s = f();
        ssize_t n = write(fd[1], &s, sizeof s);
        _exit(n == ssize_t(sizeof s) ? 0 : 3);
    }
    close(fd[1]);
    sample s;
    bool ok = read(fd[0], &s, sizeof s) == ssize_t(sizeof s);
    close(fd[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    if (!ok || status) {
        fprintf(stderr, "bench_events: a measurement failed\n");
        exit(3);
    }
    return s;
}

sample simulate(const scenario &s, uint64_t seed)
{
    run_options opt = {};
    opt.seed = seed;
    run_result r;
    int rc = run_scenario(&s, &opt, &r);
    if (rc) {
        fprintf(stderr, "bench_events: %s\n", r.error);
        _exit(rc);
    }
    sample m;
    m.events = double(r.events);
    m.handovers = double(r.handovers);
    m.simulated_s = r.simulated_s;
    m.wall_s = r.wall_s;
    return m;
}

double median(std::vector<double> v)
{
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

} // namespace

int main(int argc, char **argv)
{
    bool brief = argc > 1 && !strcmp(argv[1], "--brief");
    int first = brief ? 2 : 1;
    if (argc <= first || argv[first][0] == '-') {
        fprintf(stderr, "usage: bench_events [--brief] SCENARIO.toml [key=value ...]\n");
        return 2;
    }
    std::vector<const char *> set;
    if (brief) {
        set.push_back("duration=\"1 s\"");
        set.push_back("warmup=\"100 ms\"");
    }
    for (int i = first + 1; i < argc; i++)
        set.push_back(argv[i]);
    set.push_back(nullptr);
    char *err = nullptr;
    scenario *s = scenario_load(argv[first], set.data(), &err);
    if (!s) {
        fprintf(stderr, "bench_events: %s\n", err);
        return 2;
    }
    const unsigned repeats = brief ? 1 : 5;
    std::vector<double> ratio, ev_s, sim_s, ping_s, hand;
    for (unsigned i = 0; i < repeats; i++) {
        sample run = in_child([&] { return simulate(*s, 1 + i); });
        // The same number of events at the same mean distance on each process.
        double mean_ns = run.simulated_s * 1e9 * s->machine->nr_cpus / run.events;
        sample ping = in_child([&] {
            ping_result p = ping_run(s->machine->nr_cpus, mean_ns, uint64_t(run.events), 1 + i);
            sample m;
            m.events = double(p.events);
            m.simulated_s = p.simulated_s;
            m.wall_s = p.wall_s;
            return m;
        });
        ev_s.push_back(run.events / run.wall_s);
        sim_s.push_back(run.simulated_s / run.wall_s);
        hand.push_back(run.handovers / run.events);
        ping_s.push_back(ping.events / ping.wall_s);
        ratio.push_back(ev_s.back() / ping_s.back());
    }
    printf("%-38s %12s\n", "median of runs", std::to_string(repeats).c_str());
    printf("%-38s %12.0f\n", "hvsim events/s", median(ev_s));
    printf("%-38s %12.1f\n", "hvsim simulated s per wall s", median(sim_s));
    printf("%-38s %12.3f\n", "hvsim hand-overs per event", median(hand));
    printf("%-38s %12.0f\n", "bare SystemC ping events/s", median(ping_s));
    printf("%-38s %12.3f\n", "ratio hvsim / ping", median(ratio));
    scenario_free(s);
    return 0;
}
