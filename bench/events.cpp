// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a simulation costs the host, boot and window of measurement apart, beside a bare SystemC ping with as many
// processes, in one run. Each measurement is a process of its own, because SystemC keeps global state.
//
// The ping's events are waits of an SC_THREAD. Two figures of ours can stand beside it: events, which the fingerprint
// is made of (interrupts, context switches, what guests do next), and steps, each of which is one such wait, of which
// an event takes several: whatever a pCPU does that others can observe lets its time pass first.
#include "../sim/run.h"
#include "ping.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace
{

struct sample {
    run_work boot, window;
    double boot_s, window_s; // simulated
};

/// Runs f in a child and takes what it returns through a pipe. Exits on failure.
template <class F> auto in_child(F f)
{
    decltype(f()) s;
    int fd[2];
    if (pipe(fd)) {
        perror("bench_events: pipe");
        exit(3);
    }
    fflush(nullptr);
    pid_t pid = fork();
    if (pid == 0) {
        s = f();
        ssize_t n = write(fd[1], &s, sizeof s);
        _exit(n == ssize_t(sizeof s) ? 0 : 3);
    }
    close(fd[1]);
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
    double window_s = double(s.duration_ps) / 1e12;
    run_work boot = {r.events - r.window.events, 0, r.handovers - r.window.handovers, r.wall_s - r.window.wall_s};
    return {boot, r.window, r.simulated_s - window_s, window_s};
}

/// Events a second of as many SC_THREADs as the machine has pCPUs, as far apart on each as the window's steps are.
double ping(const scenario &s, const sample &run, uint64_t seed)
{
    double mean_ns = run.window_s * 1e9 * s.machine->nr_cpus / double(run.window.steps);
    uint64_t events = std::min<uint64_t>(run.window.steps, 4000000);
    return in_child([&] {
        ping_result p = ping_run(s.machine->nr_cpus, mean_ns, events, seed);
        return double(p.events) / p.wall_s;
    });
}

double median(std::vector<double> v)
{
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

} // namespace

int main(int argc, char **argv)
{
    bool brief = argc > 1 && !strcmp(argv[1], "--brief"), csv = argc > 1 && !strcmp(argv[1], "--csv");
    int first = brief || csv ? 2 : 1;
    if (argc <= first || argv[first][0] == '-') {
        fprintf(stderr, "usage: bench_events [--brief | --csv] SCENARIO.toml [key=value ...]\n");
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
    struct row {
        const char *name, *what;
        std::vector<double> value;
    } rows[] = {
        {"boot_s", "wall s until the window of measurement", {}},
        {"real_time", "simulated s per wall s in the window", {}},
        {"events_per_s", "events/s in the window", {}},
        {"steps_per_event", "steps per event", {}},
        {"handovers_per_event", "hand-overs per event", {}},
        {"ns_per_event", "wall ns per event", {}},
        {"ns_per_step", "wall ns per step", {}},
        {"ping_per_s", "bare SystemC ping, events/s", {}},
        {"events_to_ping", "ratio, events to ping", {}},
        {"steps_to_ping", "ratio, steps to ping", {}},
    };
    const unsigned repeats = brief ? 1 : 5;
    for (unsigned i = 0; i < repeats; i++) {
        sample run = in_child([&] { return simulate(*s, 1 + i); });
        double p = ping(*s, run, 1 + i), wall = run.window.wall_s;
        double events = double(run.window.events), steps = double(run.window.steps);
        const double value[] = {run.boot.wall_s,
                                run.window_s / wall,
                                events / wall,
                                steps / events,
                                double(run.window.handovers) / events,
                                wall / events * 1e9,
                                wall / steps * 1e9,
                                p,
                                events / wall / p,
                                steps / wall / p};
        for (size_t k = 0; k < std::size(rows); k++)
            rows[k].value.push_back(value[k]);
    }
    if (!csv)
        printf("%s: %u pCPUs; medians of %u runs\n", s->name, s->machine->nr_cpus, repeats);
    for (size_t k = 0; k < std::size(rows) && csv; k++)
        printf("%s%s", rows[k].name, k + 1 < std::size(rows) ? "," : "\n");
    for (size_t k = 0; k < std::size(rows); k++)
        if (csv)
            printf("%.6g%s", median(rows[k].value), k + 1 < std::size(rows) ? "," : "\n");
        else
            printf("%-42s %14.6g\n", rows[k].what, median(rows[k].value));
    scenario_free(s);
    return 0;
}
