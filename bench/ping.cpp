// SPDX-License-Identifier: GPL-2.0-or-later
#include "ping.hpp"
#include <chrono>
#include <memory>
#include <string>
#include <systemc>
#include <vector>
#include <workloads/stream.h>

namespace
{

class pinger : public sc_core::sc_module
{
  public:
    pinger(sc_core::sc_module_name name, double mean_ps, uint64_t seed, uint64_t &left)
        : sc_module(name), mean_ps_(mean_ps), random_(stream_open(seed, this->name())), left_(left)
    {
        SC_HAS_PROCESS(pinger);
        SC_THREAD(thread);
    }
    ~pinger() override
    {
        stream_close(random_);
    }

  private:
    void thread()
    {
        for (;;) {
            double ps = 1 + 2 * mean_ps_ * stream_uniform(random_);
            wait(sc_core::sc_time::from_value(uint64_t(ps)));
            if (--left_ == 0)
                sc_core::sc_stop();
        }
    }
    double mean_ps_;
    stream *random_;
    uint64_t &left_;
};

} // namespace

ping_result ping_run(unsigned n, double mean_ns, uint64_t events, uint64_t seed)
{
    sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    uint64_t left = events;
    std::vector<std::unique_ptr<pinger>> all;
    for (unsigned i = 0; i < n; i++)
        all.push_back(std::make_unique<pinger>(("ping" + std::to_string(i)).c_str(), mean_ns * 1000, seed, left));
    auto begin = std::chrono::steady_clock::now();
    sc_core::sc_start();
    double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return {events, sc_core::sc_time_stamp().to_seconds(), wall};
}
